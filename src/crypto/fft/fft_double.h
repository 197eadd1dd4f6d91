/* A back end that multiplies in doubles, for CPUs without 52-bit products of integers: a template,
 * included once in a source that has defined
 *
 *   WIDTH                lanes of a register
 *   reals_t, words_t     registers of WIDTH doubles, 64-bit words
 *   V(op)                name of an intrinsic
 *   WORDS_AS_REALS(x), REALS_AS_WORDS(x)
 *   AND(a, b), JOIN_DIGIT(x)  x & y; the low 52 bits of x below the exponent of 2^52
 *   FMADD_DOWN(a, b, c)  ab + c rounded down
 *   ROUND(x)             to the nearest integer
 *   NEGATIVE(x, a)       a in lanes where the words of x are negative, else 0
 *   HOLD(x, y)           no change, which the compiler does not know
 *   GATHER(out, p, lane), SCATTER(p, lane, in)  4 words of WIDTH elements at p[l * lane]
 *   ROUNDED_DOWN(call)   runs call, with rounding down for FMADD_DOWN
 *   KERNEL               what it is called
 *
 * An element is 5 limbs of 52 bits, doubles of either sign; the forms of data and of factors are
 * those of fft_ifma.c: x * 2^256 and w * 2^260.
 *
 * A product of two limbs, |ab| <= 2^103, is split without error: 1.5 * 2^104 + ab, rounded down to
 * a multiple of 2^52, holds the high part in its low bits; what ab has above that, plus 2^52, holds
 * the rest. So the bits of such doubles, less those of the constants, add up as integers. A digit
 * is 52 bits of such a sum, from -2^51 to 2^51 - 1, and what is carried is rounded accordingly.
 *
 * Limbs of factors are digits. Those of data are, too, before two layers, and at most 2^52 in size
 * between these; the last limb takes what is left. Of data up to A and factors up to 0.6 (in
 * multiples of r; 2^260 = 35.3), a product is up to 0.6 A / 35.3 + 0.51, either sign. That is what
 * a layer adds: data below 1 are below 7 after 10 layers, and need no reduction between. */

#include "crypto/fft/fft_impl.h"

#include "base/assert.h"

#define TILE_INLINE static inline __attribute__((always_inline))
#define EACH(i, n)  _Pragma("GCC unroll 10") for (int i = 0; i < (n); i++)

enum { LIMBS = 5, COLUMNS = 2 * LIMBS, PARTS = SLK_NTT_LANES / WIDTH };

_Static_assert(SLK_NTT_TILE_LOG <= 10, "data stay below 7 r");

typedef struct {
    reals_t l[LIMBS];
} part_t;
typedef struct {
    part_t part[PARTS];
} vec_t;
typedef struct {
    double l[LIMBS];
} row_t;

/* r; 2^-52 and 2^-104 mod r, which are small: r ends in 1 - 2^32 mod 2^64; 2^264 mod r. */
static const double r_limbs[LIMBS] = {-4294967295., 52776117727232., -1792375662592604.,
                                      2203984808738945., 127464551688605.};
static const double shift_limbs[LIMBS] = {-35183931678720., 739438609843200., -1500849708400854.,
                                          -1017645870308567., -121559669.};
static const double shift2_limbs[LIMBS] = {1043917464946084., 1077657378864885., 305200301017468.,
                                           -1684378036679007., -12464846.};
static const double by_256_limbs[LIMBS] = {2426656521675., 1706690875707392., -617666793540347.,
                                           2245679844123692., 40122333865834.};
/* r, all positive. */
static const uint64_t r_words[LIMBS] = {0xfffff00000001, 0x2fffe5bfefff, 0x9a1d80553bda4,
                                        0x7d483339d8080, 0x73eda753299d};

#define HIGH        0x1.8p104
#define LOW         0x1p52
#define LOW_SIGNED  0x1.8p52
#define HIGH_BITS   UINT64_C(0x4678000000000000) /* of these doubles */
#define LOW_BITS    UINT64_C(0x4330000000000000)
#define SIGNED_BITS UINT64_C(0x4338000000000000)
#define MASK52      ((UINT64_C(1) << 52) - 1)
#define HALF        (UINT64_C(1) << 51)
#define BIAS        (UINT64_C(1) << 62) /* makes columns positive: there is no signed shift */
#define BIAS_HIGH   (BIAS >> 52)

TILE_INLINE words_t word(uint64_t x)
{
    return V(set1_epi64x)((long long)x);
}
TILE_INLINE reals_t real(double x)
{
    return V(set1_pd)(x);
}

/* --- Products -------------------------------------------------------------------------------- */

/* The parts of ab, with the bits of the constants. */
TILE_INLINE void mac(words_t *low, words_t *high, reals_t a, reals_t b)
{
    reals_t h = FMADD_DOWN(a, b, real(HIGH));
    reals_t l = V(fmadd_pd)(a, b, V(sub_pd)(real(HIGH + LOW), h));
    *high = V(add_epi64)(*high, REALS_AS_WORDS(h));
    *low = V(add_epi64)(*low, REALS_AS_WORDS(l));
    HOLD(*low, *high); /* now, not later: registers are few */
}

/* The digit of a column that has 2^51 more. */
TILE_INLINE reals_t digit(words_t x)
{
    return V(sub_pd)(JOIN_DIGIT(x), real(LOW + (double)HALF));
}

TILE_INLINE void carry(words_t *next, words_t x)
{
    *next = V(add_epi64)(*next, V(srli_epi64)(x, 52));
}

/* What a column starts with: less the constants' bits of the products that go to it, by how many
 * low parts it takes, its bias and what its neighbour's bias carries over; more for a digit. */
TILE_INLINE words_t column(int k)
{
    static const uint8_t cnt[COLUMNS + 1] = {0, 1, 2, 4, 6, 10, 9, 8, 6, 4, 0};
    uint64_t start = -cnt[k + 1] * LOW_BITS - cnt[k] * HIGH_BITS;
    start += k < COLUMNS - 1 ? BIAS : SIGNED_BITS;
    start += k == LIMBS - 1 || k == COLUMNS - 1 ? 0 : HALF;
    return word(start - (k ? BIAS_HIGH : 0));
}

/* Clear column i, by a digit m: m * 2^-104 two columns up is the same mod r, which leaves time
 * until the next digits are needed. That is too high up for the last: m * 2^-52, then m * r of the
 * column's own, with -1/r = -(1 + 2^32) mod 2^52. */
TILE_INLINE void clear(words_t *c, int i)
{
    int up = i < LIMBS - 2 ? 2 : LIMBS - 1 - i;
    const double *by = up == 2 ? shift2_limbs : up == 1 ? shift_limbs : r_limbs;
    words_t x = c[i];
    if (!up)
        x = V(sub_epi64)(word(HALF), V(add_epi64)(x, V(slli_epi64)(x, 32)));
    reals_t m = digit(x);
    EACH(k, LIMBS)
    mac(&c[i + up + k], &c[i + up + k + 1], m, real(by[k]));
    carry(&c[i + 1], c[i]);
}

TILE_INLINE void start(words_t *c)
{
    EACH(k, COLUMNS)
    c[k] = column(k);
}

/* Add a times limb j of w, and clear the column that the row before has completed. */
TILE_INLINE void row(words_t *c, const part_t *a, const part_t *w, int j)
{
    EACH(i, LIMBS)
    mac(&c[i + j], &c[i + j + 1], a->l[i], w->l[j]);
    if (j)
        clear(c, j - 1);
}

TILE_INLINE void finish(part_t *out, words_t *c)
{
    clear(c, LIMBS - 1);
    EACH(k, LIMBS - 1)
    {
        out->l[k] = digit(c[LIMBS + k]);
        carry(&c[LIMBS + k + 1], c[LIMBS + k]);
    }
    out->l[LIMBS - 1] = V(sub_pd)(WORDS_AS_REALS(c[COLUMNS - 1]), real(LOW_SIGNED));
}

/* out = a * w / 2^260 */
TILE_INLINE void multiply(part_t *out, const part_t *a, const part_t *w)
{
    words_t c[COLUMNS];
    start(c);
    EACH(j, LIMBS)
    row(c, a, w, j);
    finish(out, c);
}

/* x, y = x + t, x - t */
TILE_INLINE void sum(part_t *x, part_t *y, const part_t *t)
{
    EACH(k, LIMBS)
    {
        y->l[k] = V(sub_pd)(x->l[k], t->l[k]);
        x->l[k] = V(add_pd)(x->l[k], t->l[k]);
    }
}

/* pair() of x, y and of x2, y2, without normalising. Row by row in turn: a product alone waits for
 * its digits. */
TILE_INLINE void two_pairs(part_t *x, part_t *y, const part_t *w, part_t *x2, part_t *y2,
                           const part_t *w2)
{
    words_t c[COLUMNS], c2[COLUMNS];
    part_t t, t2;
    start(c);
    start(c2);
    EACH(j, LIMBS)
    {
        row(c, y, w, j);
        row(c2, y2, w2, j);
    }
    finish(&t, c);
    finish(&t2, c2);
    sum(x, y, &t);
    sum(x2, y2, &t2);
}

/* Limbs to digits. */
TILE_INLINE void normalise(part_t *a)
{
    EACH(k, LIMBS - 1)
    {
        reals_t high = ROUND(V(mul_pd)(a->l[k], real(1 / LOW)));
        a->l[k] = V(fnmadd_pd)(high, real(LOW), a->l[k]);
        a->l[k + 1] = V(add_pd)(a->l[k + 1], high);
    }
}

TILE_INLINE void pair(vec_t *x, vec_t *y, const vec_t *w)
{
    for (unsigned p = 0; p < PARTS; p++) {
        part_t t;
        multiply(&t, &y->part[p], &w->part[p]);
        sum(&x->part[p], &y->part[p], &t);
        normalise(&x->part[p]);
        normalise(&y->part[p]);
    }
}

TILE_INLINE void quad(vec_t *u0, vec_t *u1, vec_t *u2, vec_t *u3, const vec_t *w, const vec_t *wa,
                      const vec_t *wb)
{
    for (unsigned p = 0; p < PARTS; p++) {
        part_t *v0 = &u0->part[p], *v1 = &u1->part[p], *v2 = &u2->part[p], *v3 = &u3->part[p];
        two_pairs(v0, v1, &w->part[p], v2, v3, &w->part[p]);
        two_pairs(v0, v2, &wa->part[p], v1, v3, &wb->part[p]);
        normalise(v0);
        normalise(v1);
        normalise(v2);
        normalise(v3);
    }
}

TILE_INLINE void broadcast(part_t *out, const double *limbs)
{
    EACH(k, LIMBS)
    out->l[k] = real(limbs[k]);
}

TILE_INLINE void mul_row(vec_t *out, const vec_t *a, const row_t *row)
{
    part_t w;
    broadcast(&w, row->l);
    for (unsigned p = 0; p < PARTS; p++)
        multiply(&out->part[p], &a->part[p], &w);
}

TILE_INLINE void square(vec_t *out, const vec_t *a)
{
    for (unsigned p = 0; p < PARTS; p++)
        multiply(&out->part[p], &a->part[p], &a->part[p]);
}

/* --- Memory ---------------------------------------------------------------------------------- */

TILE_INLINE void gather(part_t *out, const slk_fr_t *p, size_t lane)
{
    words_t w[4];
    GATHER(w, p, lane);
    const words_t limbs[LIMBS] = {
        w[0], V(add_epi64)(V(srli_epi64)(w[0], 52), V(slli_epi64)(w[1], 12)),
        V(add_epi64)(V(srli_epi64)(w[1], 40), V(slli_epi64)(w[2], 24)),
        V(add_epi64)(V(srli_epi64)(w[2], 28), V(slli_epi64)(w[3], 36)), V(srli_epi64)(w[3], 16)};
    EACH(k, LIMBS)
    out->l[k] = V(sub_pd)(JOIN_DIGIT(limbs[k]), real(LOW));
    normalise(out);
}

/* Words that may be negative to 52 bits each, but the last, which has the number's sign. */
TILE_INLINE void carry_words(words_t *x)
{
    EACH(k, LIMBS - 1)
    {
        words_t t = V(add_epi64)(x[k], word(BIAS));
        x[k] = AND(t, word(MASK52));
        x[k + 1] = V(add_epi64)(x[k + 1], V(sub_epi64)(V(srli_epi64)(t, 52), word(BIAS_HIGH)));
    }
}

/* Data, normalised, to memory. Less a multiple of r that the last limb tells, they are from -0.51 r
 * to 0.51 r. r times it is made of halves of r's limbs, as products of 32-bit words. */
TILE_INLINE void scatter(slk_fr_t *p, size_t lane, const part_t *a)
{
    enum { SPLIT = 26 };
    const double reciprocal = 1 / (127464551688605.489);
    words_t x[LIMBS];
    reals_t q = ROUND(V(mul_pd)(a->l[LIMBS - 1], real(reciprocal)));
    words_t times = REALS_AS_WORDS(V(add_pd)(q, real(LOW_SIGNED))); /* low 32 bits: q */
    EACH(k, LIMBS)
    {
        words_t low = V(mul_epi32)(times, word(r_words[k] & ((1 << SPLIT) - 1)));
        words_t high = V(mul_epi32)(times, word(r_words[k] >> SPLIT));
        x[k] =
            V(sub_epi64)(REALS_AS_WORDS(V(add_pd)(a->l[k], real(LOW_SIGNED))), word(SIGNED_BITS));
        x[k] = V(sub_epi64)(x[k], V(add_epi64)(low, V(slli_epi64)(high, SPLIT)));
    }
    carry_words(x);
    words_t sign = x[LIMBS - 1];
    EACH(k, LIMBS)
    x[k] = V(add_epi64)(x[k], NEGATIVE(sign, word(r_words[k])));
    carry_words(x);
    const words_t w[4] = {V(add_epi64)(x[0], V(slli_epi64)(x[1], 52)),
                          V(add_epi64)(V(srli_epi64)(x[1], 12), V(slli_epi64)(x[2], 40)),
                          V(add_epi64)(V(srli_epi64)(x[2], 24), V(slli_epi64)(x[3], 28)),
                          V(add_epi64)(V(srli_epi64)(x[3], 36), V(slli_epi64)(x[4], 16))};
    SCATTER(p, lane, w);
}

/* x * 2^252, 2^256 to x * 2^256, 2^260. */
TILE_INLINE void shift4(part_t *x)
{
    part_t by;
    broadcast(&by, by_256_limbs);
    multiply(x, x, &by);
}

TILE_INLINE void factor_in(part_t *out, const slk_fr_t *a, size_t lane)
{
    gather(out, a, lane);
    shift4(out);
}

TILE_INLINE void roots_in(vec_t *out, const slk_fr_t *roots)
{
    for (unsigned p = 0; p < PARTS; p++)
        factor_in(&out->part[p], roots + (size_t)p * WIDTH, 1);
}

#include "crypto/fft/fft_tile.h"

static void load(void *tile, const slk_fr_t *base, slk_ntt_stride_t stride, size_t cnt)
{
    vec_t *out = tile;
    for (size_t j = 0; j < cnt; j++)
        for (size_t p = 0; p < PARTS; p++)
            gather(&out[j].part[p], base + j * stride.element + p * WIDTH * stride.lane,
                   stride.lane);
}

static void store(slk_fr_t *base, slk_ntt_stride_t stride, const void *tile, size_t cnt)
{
    const vec_t *in = tile;
    for (size_t j = 0; j < cnt; j++)
        for (size_t p = 0; p < PARTS; p++)
            scatter(base + j * stride.element + p * WIDTH * stride.lane, stride.lane,
                    &in[j].part[p]);
}

static void rounded_make_rows(void *rows, const slk_fr_t *w, size_t cnt)
{
    row_t *out = rows;
    for (size_t i = 0; i < cnt; i++) {
        part_t x;
        factor_in(&x, &w[i], 0);
        for (unsigned k = 0; k < LIMBS; k++)
            out[i].l[k] = V(cvtsd_f64)(x.l[k]);
    }
}

/* --- Element by element ---------------------------------------------------------------------- */

static void rounded_product(slk_fr_t *a, const slk_fr_t *b, size_t cnt)
{
    SLK_ASSERT(cnt % WIDTH == 0);
    for (size_t i = 0; i < cnt; i += WIDTH) {
        part_t x, y;
        gather(&x, a + i, 1);
        gather(&y, b + i, 1);
        multiply(&x, &x, &y);
        shift4(&x);
        scatter(a + i, 1, &x);
    }
}

static void rounded_join(slk_fr_t *a, const slk_fr_t *b, const slk_fr_t *c, size_t cnt,
                         const slk_fr_t *ab, const slk_fr_t *k)
{
    part_t by_ab, by_k;
    SLK_ASSERT(cnt % WIDTH == 0);
    factor_in(&by_ab, ab, 0);
    shift4(&by_ab); /* a * b has lost 4 bits more */
    factor_in(&by_k, k, 0);
    for (size_t i = 0; i < cnt; i += WIDTH) {
        part_t x, y, z;
        gather(&x, a + i, 1);
        gather(&y, b + i, 1);
        gather(&z, c + i, 1);
        multiply(&x, &x, &y);
        multiply(&x, &x, &by_ab);
        multiply(&z, &z, &by_k);
        EACH(j, LIMBS)
        x.l[j] = V(add_pd)(x.l[j], z.l[j]);
        normalise(&x);
        scatter(a + i, 1, &x);
    }
}

static void rounded_scale(slk_fr_t *a, size_t cnt, const slk_fr_t *start, const slk_fr_t *step)
{
    enum { CHAINS = SLK_NTT_SCALE / WIDTH };
    part_t f[CHAINS], by;
    SLK_ASSERT(cnt % SLK_NTT_SCALE == 0);
    factor_in(&by, step, 0);
    for (unsigned j = 0; j < CHAINS; j++)
        factor_in(&f[j], start + (size_t)j * WIDTH, 1);
    for (size_t i = 0; i < cnt; i += SLK_NTT_SCALE)
        for (size_t j = 0; j < CHAINS; j++) {
            part_t x;
            gather(&x, a + i + j * WIDTH, 1);
            multiply(&x, &x, &f[j]);
            scatter(a + i + j * WIDTH, 1, &x);
            multiply(&f[j], &f[j], &by);
        }
}

/* --- The kernel ------------------------------------------------------------------------------ */

static void make_rows(void *rows, const slk_fr_t *w, size_t cnt)
{
    ROUNDED_DOWN(rounded_make_rows(rows, w, cnt));
}

static void twiddles(void *tw, const void *rows, const slk_fr_t *roots, unsigned k)
{
    ROUNDED_DOWN(tile_twiddles(tw, rows, roots, k));
}

static void down(void *tile, const void *tw, unsigned k)
{
    ROUNDED_DOWN(tile_down(tile, tw, k));
}

static void up(void *tile, const void *tw, unsigned k)
{
    ROUNDED_DOWN(tile_up(tile, tw, k));
}

static void product(slk_fr_t *a, const slk_fr_t *b, size_t cnt)
{
    ROUNDED_DOWN(rounded_product(a, b, cnt));
}

static void join(slk_fr_t *a, const slk_fr_t *b, const slk_fr_t *c, size_t cnt, const slk_fr_t *ab,
                 const slk_fr_t *k)
{
    ROUNDED_DOWN(rounded_join(a, b, c, cnt, ab, k));
}

static void scale(slk_fr_t *a, size_t cnt, const slk_fr_t *start, const slk_fr_t *step)
{
    ROUNDED_DOWN(rounded_scale(a, cnt, start, step));
}

const slk_ntt_kernel_t KERNEL = {
    .vector = sizeof(vec_t),
    .row = sizeof(row_t),
    .load = load,
    .store = store,
    .make_rows = make_rows,
    .twiddles = twiddles,
    .down = down,
    .up = up,
    .product = product,
    .join = join,
    .scale = scale,
};
