/* One lane after another, by blst's multiplication. */

#include "crypto/fft/fft_impl.h"

#include <blst.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FR(p)       ((blst_fr *)(void *)(p))
#define FR_CONST(p) ((const blst_fr *)(const void *)(p))
#define TILE_INLINE static inline __attribute__((always_inline))

typedef struct {
    slk_fr_t lane[SLK_NTT_LANES];
} vec_t;
typedef slk_fr_t row_t;

#define R0 UINT64_C(0xffffffff00000001)
#define R1 UINT64_C(0x53bda402fffe5bfe)
#define R2 UINT64_C(0x3339d80809a1d805)
#define R3 UINT64_C(0x73eda753299d7d48)

/* Inlined, unlike blst's: a call costs as much as the addition. No branches, since their outcome
 * would be random. */
#if defined(__x86_64__)
TILE_INLINE uint8_t add_limb(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned long long sum;
    carry = _addcarry_u64(carry, a, b, &sum);
    *out = sum;
    return carry;
}

TILE_INLINE uint8_t sub_limb(uint8_t borrow, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned long long difference;
    borrow = _subborrow_u64(borrow, a, b, &difference);
    *out = difference;
    return borrow;
}
#else
TILE_INLINE uint8_t add_limb(uint8_t carry, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned __int128 sum = (unsigned __int128)a + b + carry;
    *out = (uint64_t)sum;
    return (uint8_t)(sum >> 64);
}

TILE_INLINE uint8_t sub_limb(uint8_t borrow, uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned __int128 difference = (unsigned __int128)a - b - borrow;
    *out = (uint64_t)difference;
    return (uint8_t)(difference >> 64 & 1);
}
#endif

/* out = a - b, plus r if that is negative. */
TILE_INLINE void sub(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    uint64_t d[4];
    uint8_t c = sub_limb(0, a->l[0], b->l[0], &d[0]);
    c = sub_limb(c, a->l[1], b->l[1], &d[1]);
    c = sub_limb(c, a->l[2], b->l[2], &d[2]);
    c = sub_limb(c, a->l[3], b->l[3], &d[3]);
    uint64_t mask = -(uint64_t)c;
    c = add_limb(0, d[0], R0 & mask, &out->l[0]);
    c = add_limb(c, d[1], R1 & mask, &out->l[1]);
    c = add_limb(c, d[2], R2 & mask, &out->l[2]);
    add_limb(c, d[3], R3 & mask, &out->l[3]);
}

TILE_INLINE void add(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    static const slk_fr_t r = {{R0, R1, R2, R3}};
    slk_fr_t s;
    uint8_t c = add_limb(0, a->l[0], b->l[0], &s.l[0]);
    c = add_limb(c, a->l[1], b->l[1], &s.l[1]);
    c = add_limb(c, a->l[2], b->l[2], &s.l[2]);
    add_limb(c, a->l[3], b->l[3], &s.l[3]);
    sub(out, &s, &r);
}

TILE_INLINE void mul(slk_fr_t *out, const slk_fr_t *a, const slk_fr_t *b)
{
    blst_fr_mul(FR(out), FR_CONST(a), FR_CONST(b));
}

TILE_INLINE void pair(vec_t *x, vec_t *y, const vec_t *w)
{
    for (unsigned l = 0; l < SLK_NTT_LANES; l++) {
        slk_fr_t t;
        mul(&t, &y->lane[l], &w->lane[l]);
        sub(&y->lane[l], &x->lane[l], &t);
        add(&x->lane[l], &x->lane[l], &t);
    }
}

TILE_INLINE void quad(vec_t *u0, vec_t *u1, vec_t *u2, vec_t *u3, const vec_t *w, const vec_t *wa,
                      const vec_t *wb)
{
    pair(u0, u1, w);
    pair(u2, u3, w);
    pair(u0, u2, wa);
    pair(u1, u3, wb);
}

TILE_INLINE void mul_row(vec_t *out, const vec_t *a, const row_t *row)
{
    for (unsigned l = 0; l < SLK_NTT_LANES; l++)
        mul(&out->lane[l], &a->lane[l], row);
}

TILE_INLINE void square(vec_t *out, const vec_t *a)
{
    for (unsigned l = 0; l < SLK_NTT_LANES; l++)
        mul(&out->lane[l], &a->lane[l], &a->lane[l]);
}

TILE_INLINE void roots_in(vec_t *out, const slk_fr_t *roots)
{
    memcpy(out->lane, roots, sizeof out->lane);
}

#include "crypto/fft/fft_tile.h"

static void load(void *tile, const slk_fr_t *base, slk_ntt_stride_t stride, size_t cnt)
{
    vec_t *out = tile;
    for (size_t j = 0; j < cnt; j++)
        for (unsigned l = 0; l < SLK_NTT_LANES; l++)
            out[j].lane[l] = base[l * stride.lane + j * stride.element];
}

static void store(slk_fr_t *base, slk_ntt_stride_t stride, const void *tile, size_t cnt)
{
    const vec_t *in = tile;
    for (size_t j = 0; j < cnt; j++)
        for (unsigned l = 0; l < SLK_NTT_LANES; l++)
            base[l * stride.lane + j * stride.element] = in[j].lane[l];
}

static void make_rows(void *rows, const slk_fr_t *w, size_t cnt)
{
    memcpy(rows, w, cnt * sizeof *w);
}

static void product(slk_fr_t *a, const slk_fr_t *b, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        mul(&a[i], &a[i], &b[i]);
}

static void join(slk_fr_t *a, const slk_fr_t *b, const slk_fr_t *c, size_t cnt, const slk_fr_t *ab,
                 const slk_fr_t *k)
{
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_t t;
        mul(&a[i], &a[i], &b[i]);
        mul(&a[i], &a[i], ab);
        mul(&t, &c[i], k);
        add(&a[i], &a[i], &t);
    }
}

static void scale(slk_fr_t *a, size_t cnt, const slk_fr_t *start, const slk_fr_t *step)
{
    slk_fr_t f[SLK_NTT_SCALE];
    memcpy(f, start, sizeof f);
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_t *factor = &f[i % SLK_NTT_SCALE];
        mul(&a[i], &a[i], factor);
        mul(factor, factor, step);
    }
}

const slk_ntt_kernel_t slk_ntt_portable = {
    .vector = sizeof(vec_t),
    .row = sizeof(row_t),
    .load = load,
    .store = store,
    .make_rows = make_rows,
    .twiddles = tile_twiddles,
    .down = tile_down,
    .up = tile_up,
    .product = product,
    .join = join,
    .scale = scale,
};
