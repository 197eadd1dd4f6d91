/* AVX-512 IFMA: 8 lanes, 5 limbs of 52 bits.
 *
 * Factors w are held as w * 2^260 mod r, below 1.1 r; a Montgomery step by 2^260 then leaves
 * data in the form they have in memory. In multiples of r, 2^260 = 35.3: a product of a < 28 and
 * such a factor is below 2 + 28 * 1.1 / 35.3 < 3, so that a layer adds at most 3 to the data,
 * which enter a tile below 1: 10 layers need no reduction. Limbs of data are signed and not
 * normalised between layers. */

#include "crypto/fft/fft_impl.h"
#include "crypto/fft/fft_words.h"

#include "base/assert.h"

#include <immintrin.h>

#define TILE_INLINE static inline __attribute__((always_inline))

enum { LIMBS = 5, COLUMNS = 2 * LIMBS };

#define MASK52 ((INT64_C(1) << 52) - 1)

typedef struct {
    __m512i l[LIMBS];
} vec_t;

typedef struct {
    uint64_t l[LIMBS];
} row_t;

/* r; 3 r; (r * (-1/r mod 2^52) + 1) / 2^52, below r. */
static const uint64_t r_limbs[LIMBS] = {0xfffff00000001, 0x2fffe5bfefff, 0x9a1d80553bda4,
                                        0x7d483339d8080, 0x73eda753299d};
static const uint64_t r3_limbs[LIMBS] = {0xffffd00000003, 0x8fffb13fcfff, 0xce5880ffb38ec,
                                         0x77d899ad88181, 0x15bc8f5f97cd8};
static const uint64_t shift_limbs[LIMBS] = {0xfdfff1a402001, 0x2d083dd6c33ff, 0x44cd43798bcce,
                                            0x436f80f0223a9, 0x73eda0144f28};

_Static_assert(1 + 3 * SLK_NTT_TILE_LOG <= 34, "data stay below 2^260");

TILE_INLINE __m512i word(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
TILE_INLINE __m512i low52(__m512i x)
{
    return _mm512_and_si512(x, word(MASK52));
}

TILE_INLINE void mac_lo(__m512i *c, __m512i a, __m512i b)
{
    *c = _mm512_madd52lo_epu64(*c, a, b);
}
TILE_INLINE void mac_hi(__m512i *c, __m512i a, __m512i b)
{
    *c = _mm512_madd52hi_epu64(*c, a, b);
}

/* Carry between limbs that may be negative; the value is not, and below 2^260. */
TILE_INLINE void normalise(vec_t *out, const __m512i *c)
{
    __m512i carry = c[0];
    for (unsigned k = 0; k + 1 < LIMBS; k++) {
        out->l[k] = low52(carry);
        carry = _mm512_add_epi64(c[k + 1], _mm512_srai_epi64(carry, 52));
    }
    out->l[LIMBS - 1] = carry;
}

/* out = a * w / 2^260; a normalised.
 *
 * All steps but the last add the multiple of r that ends in 52 ones: the low limb is the multiplier
 * itself, without waiting, and the sum, less what it clears, is (c + shift * low) / 2^52. That
 * leaves 1 more than the plain step, whose multiplier is -low / r, -1/r = -(1 + 2^32) mod 2^52. */
TILE_INLINE void multiply(vec_t *out, const vec_t *a, const vec_t *w, bool plain)
{
    __m512i c[COLUMNS];
    for (unsigned k = 0; k < COLUMNS; k++)
        c[k] = _mm512_setzero_si512();
#pragma GCC unroll 5
    for (unsigned j = 0; j < LIMBS; j++)
#pragma GCC unroll 5
        for (unsigned i = 0; i < LIMBS; i++) {
            mac_lo(&c[i + j], a->l[i], w->l[j]);
            mac_hi(&c[i + j + 1], a->l[i], w->l[j]);
        }
#pragma GCC unroll 5
    for (unsigned i = 0; i < LIMBS; i++) {
        bool shift = !plain && i + 1 < LIMBS;
        __m512i m = c[i];
        if (shift)
            c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(m, 52));
        else
            m = _mm512_sub_epi64(_mm512_setzero_si512(),
                                 _mm512_add_epi64(m, _mm512_slli_epi64(m, 32)));
        const uint64_t *factor = shift ? shift_limbs : r_limbs;
#pragma GCC unroll 5
        for (unsigned k = 0; k < LIMBS; k++) {
            mac_lo(&c[i + k + shift], m, word(factor[k]));
            mac_hi(&c[i + k + shift + 1], m, word(factor[k]));
        }
        if (!shift)
            c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(c[i], 52));
    }
    normalise(out, c + LIMBS);
}

TILE_INLINE void mul(vec_t *out, const vec_t *a, const vec_t *w)
{
    multiply(out, a, w, false);
}

/* Below 1.1 for factors below 1.1. */
TILE_INLINE void mul_factor(vec_t *out, const vec_t *a, const vec_t *w)
{
    multiply(out, a, w, true);
}

TILE_INLINE void pair(vec_t *x, vec_t *y, const vec_t *w)
{
    vec_t t;
    normalise(&t, y->l);
    mul(&t, &t, w);
    for (unsigned k = 0; k < LIMBS; k++) {
        __m512i up = _mm512_add_epi64(x->l[k], word(r3_limbs[k]));
        y->l[k] = _mm512_sub_epi64(up, t.l[k]);
        x->l[k] = _mm512_add_epi64(x->l[k], t.l[k]);
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

TILE_INLINE void broadcast(vec_t *out, const uint64_t *limbs)
{
    for (unsigned k = 0; k < LIMBS; k++)
        out->l[k] = word(limbs[k]);
}

TILE_INLINE void mul_row(vec_t *out, const vec_t *a, const row_t *row)
{
    vec_t w;
    broadcast(&w, row->l);
    mul_factor(out, a, &w);
}

TILE_INLINE void square(vec_t *out, const vec_t *a)
{
    mul_factor(out, a, a);
}

/* --- Memory ---------------------------------------------------------------------------------- */

TILE_INLINE void gather(vec_t *out, const slk_fr_t *p, size_t lane)
{
    __m512i w[4];
    gather_words(w, p, lane);
    out->l[0] = low52(w[0]);
    out->l[1] = low52(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12)));
    out->l[2] = low52(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24)));
    out->l[3] = low52(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36)));
    out->l[4] = _mm512_srli_epi64(w[3], 16);
}

TILE_INLINE void scatter(slk_fr_t *p, size_t lane, const vec_t *x)
{
    __m512i w[4];
    w[0] = _mm512_or_si512(x->l[0], _mm512_slli_epi64(x->l[1], 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(x->l[1], 12), _mm512_slli_epi64(x->l[2], 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(x->l[2], 24), _mm512_slli_epi64(x->l[3], 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(x->l[3], 36), _mm512_slli_epi64(x->l[4], 16));
    scatter_words(p, lane, w);
}

/* From below 33 r to below 1.1 r: less a quotient estimated from the top limb alone, of which BIAS
 * covers what the other limbs may borrow. */
TILE_INLINE void reduce(vec_t *out, const __m512i *in)
{
    enum { BIAS = 64 };
    const uint64_t reciprocal = (UINT64_C(1) << 57) / (r_limbs[LIMBS - 1] + 1);
    __m512i c[LIMBS], zero = _mm512_setzero_si512(), high = zero;
    __m512i top = _mm512_max_epi64(_mm512_sub_epi64(in[LIMBS - 1], word(BIAS)), zero);
    __m512i q = _mm512_srli_epi64(_mm512_madd52hi_epu64(zero, top, word(reciprocal)), 5);
    for (unsigned k = 0; k < LIMBS; k++) {
        __m512i low = _mm512_madd52lo_epu64(high, q, word(r_limbs[k]));
        c[k] = _mm512_sub_epi64(in[k], low);
        high = _mm512_madd52hi_epu64(zero, q, word(r_limbs[k]));
    }
    normalise(out, c);
}

/* From below 2 r to below r. */
TILE_INLINE void canonical(vec_t *x)
{
    __m512i d[LIMBS];
    vec_t y;
    for (unsigned k = 0; k < LIMBS; k++)
        d[k] = _mm512_sub_epi64(x->l[k], word(r_limbs[k]));
    normalise(&y, d);
    __mmask8 below = _mm512_movepi64_mask(y.l[LIMBS - 1]);
    for (unsigned k = 0; k < LIMBS; k++)
        x->l[k] = _mm512_mask_mov_epi64(y.l[k], below, x->l[k]);
}

static void load(void *tile, const slk_fr_t *base, slk_ntt_stride_t stride, size_t cnt)
{
    vec_t *out = tile;
    for (size_t j = 0; j < cnt; j++)
        gather(&out[j], base + j * stride.element, stride.lane);
}

static void store(slk_fr_t *base, slk_ntt_stride_t stride, const void *tile, size_t cnt)
{
    const vec_t *in = tile;
    for (size_t j = 0; j < cnt; j++) {
        vec_t x;
        reduce(&x, in[j].l);
        canonical(&x);
        scatter(base + j * stride.element, stride.lane, &x);
    }
}

/* x * 2^256 to x * 2^260, 2^264: 4 bits a time are a multiplication by 16. */
TILE_INLINE void shift4(vec_t *x)
{
    __m512i c[LIMBS];
    for (unsigned k = 0; k < LIMBS; k++)
        c[k] = _mm512_slli_epi64(x->l[k], 4);
    reduce(x, c);
    canonical(x);
}

TILE_INLINE void factor_in(vec_t *out, const slk_fr_t *a, size_t lane)
{
    gather(out, a, lane);
    shift4(out);
}

TILE_INLINE void roots_in(vec_t *out, const slk_fr_t *roots)
{
    factor_in(out, roots, 1);
}

#include "crypto/fft/fft_tile.h"

static void make_rows(void *rows, const slk_fr_t *w, size_t cnt)
{
    row_t *out = rows;
    for (size_t i = 0; i < cnt; i++) {
        vec_t x;
        factor_in(&x, &w[i], 0);
        for (unsigned k = 0; k < LIMBS; k++)
            out[i].l[k] = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(x.l[k]));
    }
}

/* --- Element by element ---------------------------------------------------------------------- */

static void product(slk_fr_t *a, const slk_fr_t *b, size_t cnt)
{
    SLK_ASSERT(cnt % SLK_NTT_LANES == 0);
    for (size_t i = 0; i < cnt; i += SLK_NTT_LANES) {
        vec_t x, y;
        gather(&x, a + i, 1);
        factor_in(&y, b + i, 1);
        mul_factor(&x, &x, &y);
        canonical(&x);
        scatter(a + i, 1, &x);
    }
}

static void join(slk_fr_t *a, const slk_fr_t *b, const slk_fr_t *c, size_t cnt, const slk_fr_t *ab,
                 const slk_fr_t *k)
{
    vec_t by_ab, by_k;
    SLK_ASSERT(cnt % SLK_NTT_LANES == 0);
    factor_in(&by_ab, ab, 0);
    shift4(&by_ab); /* a * b has lost 4 bits more */
    factor_in(&by_k, k, 0);
    for (size_t i = 0; i < cnt; i += SLK_NTT_LANES) {
        vec_t x, y, z;
        gather(&x, a + i, 1);
        gather(&y, b + i, 1);
        gather(&z, c + i, 1);
        mul(&x, &x, &y);
        mul(&x, &x, &by_ab);
        mul(&z, &z, &by_k);
        for (unsigned j = 0; j < LIMBS; j++)
            x.l[j] = _mm512_add_epi64(x.l[j], z.l[j]);
        reduce(&x, x.l);
        canonical(&x);
        scatter(a + i, 1, &x);
    }
}

static void scale(slk_fr_t *a, size_t cnt, const slk_fr_t *start, const slk_fr_t *step)
{
    enum { CHAINS = SLK_NTT_SCALE / SLK_NTT_LANES };
    vec_t f[CHAINS], by;
    SLK_ASSERT(cnt % SLK_NTT_SCALE == 0);
    factor_in(&by, step, 0);
    for (unsigned j = 0; j < CHAINS; j++)
        factor_in(&f[j], start + j * SLK_NTT_LANES, 1);
    for (size_t i = 0; i < cnt; i += SLK_NTT_SCALE)
        for (unsigned j = 0; j < CHAINS; j++) {
            vec_t x;
            gather(&x, a + i + j * SLK_NTT_LANES, 1);
            mul_factor(&x, &x, &f[j]);
            canonical(&x);
            scatter(a + i + j * SLK_NTT_LANES, 1, &x);
            mul_factor(&f[j], &f[j], &by);
        }
}

const slk_ntt_kernel_t slk_ntt_ifma = {
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
