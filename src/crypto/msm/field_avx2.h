#ifndef SLK_CRYPTO_MSM_FIELD_AVX2_H
#define SLK_CRYPTO_MSM_FIELD_AVX2_H

#include "crypto/msm/msm_pairs.h"

#include <immintrin.h>

/* The field of coordinates for pairs_vec.h, four elements at a time, for CPUs without 52-bit products of integers:
 * 8 limbs of 48 bits, multiplied as doubles, in blst's form (x * 2^384).
 *
 * A product of two limbs is split without error: ab + 1.5 * 2^100, rounded to the nearest multiple of 2^48, holds
 * the high part in its low bits; ab less that part, plus 1.5 * 2^52, is exact and holds the rest in its low bits.
 * So the bits of such doubles, less those of the constants, add up as integers. This takes the default rounding.
 *
 * Limbs and numbers may be negative. Limbs of factors are below 2^49 + 2^10 in size. The multiple of p that makes
 * a product divisible has digits from -2^47 to 2^47; with it |ab + cd| becomes (|ab| + |cd|) / 2^384 + 0.51 p. As
 * p < 0.102 * 2^384, that is below p if |a|, |b|, |c|, |d| are below 1.5 p, and for one product if they are below
 * 2 p. All factors here are: differences of coordinates, such products, sums of two of them. */

#define LANES      4u
#define ALL_LANES  0xfu
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)
#define INLINE     static inline __attribute__((always_inline))

typedef __m256i word_t;
typedef uint8_t lanes_t;
typedef struct {
    __m256i l[8];
} fe_t;
/* What a product takes: limbs as doubles. */
typedef struct {
    __m256d l[8];
} factor_t;

/* What an inverse is multiplied by, in blst's form: 1. */
static const blst_fp inverse_form = {{0x760900000002fffd, 0xebf4000bc40c0002, 0x5f48985753c758ba,
                                      0x77ce585370525745, 0x5c071a97a256ec6d, 0x15f65ec3fa80e493}};

static const int64_t p_limbs[8] = {0xffffffffaaab, 0xb153ffffb9fe, 0xf6241eabfffe, 0x6730d2a0f6b0,
                                   0x4b84f38512bf, 0x434bacd76477, 0xe69a4b1ba7b6, 0x1a0111ea397f};
#define P_NEG_INV 0xfffcfffcfffdp0 /* -1/p mod 2^48 */

#define HIGH      0x1.8p100
#define LOW       0x1.8p52
#define HIGH_BITS UINT64_C(0x4638000000000000) /* of these doubles */
#define LOW_BITS  UINT64_C(0x4338000000000000)
#define BIAS      (UINT64_C(1) << 62) /* makes limbs positive, for there is no signed shift */
#define BIAS_HIGH (BIAS >> 48)

INLINE __m256i set1(uint64_t v)
{
    return _mm256_set1_epi64x((long long)v);
}
INLINE __m256i limb_mask(void)
{
    return set1((UINT64_C(1) << 48) - 1);
}

/* --- Products -------------------------------------------------------------------------------- */

/* Limbs as doubles. */
INLINE __m256d to_double(__m256i a)
{
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(a, set1(LOW_BITS))),
                         _mm256_set1_pd(LOW));
}

INLINE void factor(factor_t *out, const fe_t *a)
{
    EACH(i, 8)
    out->l[i] = to_double(a->l[i]);
}

INLINE void unfactor(fe_t *out, const factor_t *a)
{
    EACH(i, 8)
    out->l[i] = _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(a->l[i], _mm256_set1_pd(LOW))),
                                 set1(LOW_BITS));
}

/* low += and high += the parts of ab, with the bits of the constants. */
INLINE void madd(__m256i *low, __m256i *high, __m256d a, __m256d b)
{
    __m256d h = _mm256_fmadd_pd(a, b, _mm256_set1_pd(HIGH));
    __m256d l = _mm256_fmadd_pd(a, b, _mm256_sub_pd(_mm256_set1_pd(HIGH + LOW), h));
    *high = _mm256_add_epi64(*high, _mm256_castpd_si256(h));
    *low = _mm256_add_epi64(*low, _mm256_castpd_si256(l));
    __asm__("" : "+x"(*high), "+x"(*low)); /* now, not later: registers are few */
}

/* What column k starts with when `products` products and the multiple of p are added up: it loses what the low
 * parts with i + j = k and the high parts with i + j + 1 = k bring along. It gets a bias, and loses what its
 * neighbour's bias carries over; the carries of the last eight are left to the end. */
INLINE __m256i column(int k, int products)
{
    uint64_t rows = (uint64_t)products + 1, low = (uint64_t)(k < 8 ? k + 1 : 15 - k),
             high = (uint64_t)(k < 8 ? k : 16 - k);
    return set1((k < 15 ? BIAS : 0) - (k && k < 9 ? BIAS_HIGH : 0) - rows * low * LOW_BITS -
                rows * high * HIGH_BITS);
}

/* ab, or ab + cd if c is not NULL, divided by 2^384, mod p. Limbs but the last are from -2^10 to 2^48 + 2^10. */
INLINE void mul_sum(fe_t *out, const factor_t *a, const factor_t *b, const factor_t *c,
                    const factor_t *d)
{
    const int products = c ? 2 : 1;
    __m256i t[9];
    EACH(k, 8)
    t[k] = column(k, products);
    t[8] = column(8, products);
    EACH(i, 8)
    {
        EACH(j, 8)
        madd(&t[j], &t[j + 1], a->l[j], b->l[i]);
        if (c) {
            EACH(j, 8)
            madd(&t[j], &t[j + 1], c->l[j], d->l[i]);
        }
        __m256d m = to_double(_mm256_and_si256(t[0], limb_mask()));
        __m256d high = _mm256_fmadd_pd(m, _mm256_set1_pd(P_NEG_INV), _mm256_set1_pd(HIGH));
        m = _mm256_fmsub_pd(m, _mm256_set1_pd(P_NEG_INV),
                            _mm256_sub_pd(high, _mm256_set1_pd(HIGH)));
        EACH(j, 8)
        madd(&t[j], &t[j + 1], m, _mm256_set1_pd((double)p_limbs[j]));
        __m256i carried = _mm256_srli_epi64(t[0], 48);
        EACH(j, 8)
        t[j] = t[j + 1];
        t[0] = _mm256_add_epi64(t[0], carried);
        if (i < 7)
            t[8] = column(9 + i, products);
    }
    out->l[0] = _mm256_and_si256(t[0], limb_mask());
    EACH(j, 7)
    {
        __m256i carried = _mm256_sub_epi64(_mm256_srli_epi64(t[j], 48), set1(BIAS_HIGH));
        __m256i rest = j < 6 ? _mm256_and_si256(t[j + 1], limb_mask()) : t[7];
        out->l[j + 1] = _mm256_add_epi64(rest, carried);
    }
}

INLINE void mul(fe_t *out, const factor_t *a, const factor_t *b)
{
    mul_sum(out, a, b, NULL, NULL);
}

/* --- Sums ------------------------------------------------------------------------------------ */

INLINE void sub(fe_t *out, const fe_t *a, const fe_t *b)
{
    EACH(i, 8)
    out->l[i] = _mm256_sub_epi64(a->l[i], b->l[i]);
}

/* a - b of coordinates */
INLINE void factor_diff(factor_t *out, const fe_t *a, const fe_t *b)
{
    fe_t d;
    sub(&d, a, b);
    factor(out, &d);
}

INLINE void factor_add(factor_t *out, const factor_t *a, const factor_t *b)
{
    EACH(i, 8)
    out->l[i] = _mm256_add_pd(a->l[i], b->l[i]);
}

INLINE void factor_sub(factor_t *out, const factor_t *a, const factor_t *b)
{
    EACH(i, 8)
    out->l[i] = _mm256_sub_pd(a->l[i], b->l[i]);
}

INLINE void factor_neg(factor_t *out, const factor_t *a)
{
    EACH(i, 8)
    out->l[i] = _mm256_sub_pd(_mm256_setzero_pd(), a->l[i]);
}

INLINE __m256d lanes_mask(lanes_t lanes)
{
    const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(set1(lanes), bit), bit));
}

INLINE void factor_set(factor_t *a, lanes_t lanes, bool one)
{
    EACH(i, 8)
    a->l[i] = _mm256_blendv_pd(a->l[i], _mm256_set1_pd(one && i == 0), lanes_mask(lanes));
}

/* p - a in the lanes */
INLINE void negate(fe_t *a, lanes_t lanes)
{
    EACH(i, 8)
    {
        __m256i minus = _mm256_sub_epi64(set1((uint64_t)p_limbs[i]), a->l[i]);
        a->l[i] = _mm256_castpd_si256(_mm256_blendv_pd(
            _mm256_castsi256_pd(a->l[i]), _mm256_castsi256_pd(minus), lanes_mask(lanes)));
    }
}

/* What a difference takes before it meets a slope: nothing. */
INLINE void factor_scale(factor_t *a)
{
    (void)a;
}

INLINE void add_p(fe_t *a, int64_t k)
{
    EACH(i, 8)
    a->l[i] = _mm256_add_epi64(a->l[i], set1((uint64_t)(k * p_limbs[i])));
}

/* Limbs of either sign to limbs from 0 to 2^48 - 1, but for the last, which has the number's sign. */
INLINE void carry(fe_t *a)
{
    EACH(i, 7)
    {
        __m256i t = _mm256_add_epi64(a->l[i], set1(BIAS));
        a->l[i] = _mm256_and_si256(t, limb_mask());
        a->l[i + 1] = _mm256_sub_epi64(_mm256_add_epi64(a->l[i + 1], _mm256_srli_epi64(t, 48)),
                                       set1(BIAS_HIGH));
    }
}

/* a - k p where that is not negative */
INLINE void sub_if_not_less(fe_t *a, int64_t k)
{
    fe_t t = *a;
    add_p(&t, -k);
    carry(&t);
    EACH(i, 8)
    a->l[i] = _mm256_castpd_si256(_mm256_blendv_pd(
        _mm256_castsi256_pd(t.l[i]), _mm256_castsi256_pd(a->l[i]), _mm256_castsi256_pd(t.l[7])));
}

/* Above -p and below p to a coordinate. */
INLINE void reduce(fe_t *a)
{
    add_p(a, 1);
    carry(a);
    sub_if_not_less(a, 1);
}

/* Products less coordinates, as coordinates. */
INLINE void reduce_less_1(fe_t *out, const fe_t *a, const fe_t *b)
{
    sub(out, a, b);
    add_p(out, 2);
    carry(out);
    sub_if_not_less(out, 1);
    sub_if_not_less(out, 1);
}

INLINE void reduce_less_2(fe_t *out, const fe_t *a, const fe_t *b, const fe_t *c)
{
    sub(out, a, b);
    sub(out, out, c);
    add_p(out, 3);
    carry(out);
    sub_if_not_less(out, 2);
    sub_if_not_less(out, 1);
}

/* --- Memory ---------------------------------------------------------------------------------- */

INLINE void transpose(__m256i out[4], const __m256i in[4])
{
    __m256i a = _mm256_unpacklo_epi64(in[0], in[1]), b = _mm256_unpackhi_epi64(in[0], in[1]);
    __m256i c = _mm256_unpacklo_epi64(in[2], in[3]), d = _mm256_unpackhi_epi64(in[2], in[3]);
    out[0] = _mm256_permute2x128_si256(a, c, 0x20);
    out[1] = _mm256_permute2x128_si256(b, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, c, 0x31);
    out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Words of 4 elements: w[i] holds word i of each. */
INLINE void gather(__m256i w[6], const blst_fp *const from[LANES])
{
    __m256i row[4];
    EACH(i, 4)
    row[i] = _mm256_loadu_si256((const __m256i *)(const void *)from[i]->l);
    transpose(w, row);
    EACH(i, 2)
    row[i] = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(from[i]->l + 4))),
        _mm_loadu_si128((const __m128i *)(const void *)(from[i + 2]->l + 4)), 1);
    w[4] = _mm256_unpacklo_epi64(row[0], row[1]);
    w[5] = _mm256_unpackhi_epi64(row[0], row[1]);
}

INLINE void scatter(blst_fp *const to[LANES], const __m256i w[6], lanes_t lanes)
{
    __m256i row[4];
    __m256i low = _mm256_unpacklo_epi64(w[4], w[5]), high = _mm256_unpackhi_epi64(w[4], w[5]);
    const __m128i last[4] = {_mm256_castsi256_si128(low), _mm256_castsi256_si128(high),
                             _mm256_extracti128_si256(low, 1), _mm256_extracti128_si256(high, 1)};
    transpose(row, w);
    EACH(i, 4)
    if (lanes >> i & 1) {
        _mm256_storeu_si256((__m256i *)(void *)to[i]->l, row[i]);
        _mm_storeu_si128((__m128i *)(void *)(to[i]->l + 4), last[i]);
    }
}

#define JOIN(a, right, b, left)                                                                    \
    _mm256_or_si256(_mm256_srli_epi64(a, right), _mm256_slli_epi64(b, left))

INLINE void split(fe_t *out, const __m256i w[6])
{
    for (int k = 0; k < 2; k++) {
        const __m256i *v = w + 3 * k;
        out->l[4 * k] = _mm256_and_si256(v[0], limb_mask());
        out->l[4 * k + 1] = _mm256_and_si256(JOIN(v[0], 48, v[1], 16), limb_mask());
        out->l[4 * k + 2] = _mm256_and_si256(JOIN(v[1], 32, v[2], 32), limb_mask());
        out->l[4 * k + 3] = _mm256_srli_epi64(v[2], 16);
    }
}

INLINE void join(__m256i w[6], const fe_t *a)
{
    for (int k = 0; k < 2; k++) {
        const __m256i *l = a->l + 4 * k;
        w[3 * k] = JOIN(l[0], 0, l[1], 48);
        w[3 * k + 1] = JOIN(l[1], 16, l[2], 32);
        w[3 * k + 2] = JOIN(l[2], 32, l[3], 16);
    }
}

/* Lanes with all words zero in differ, some_left or some_right. */
typedef struct {
    __m256i differ, some_left, some_right;
} odd_t;

INLINE void odd_init(odd_t *odd)
{
    odd->differ = odd->some_left = odd->some_right = _mm256_setzero_si256();
}

INLINE void odd_see(odd_t *odd, const __m256i left[6], const __m256i right[6])
{
    EACH(i, 6)
    {
        odd->differ = _mm256_or_si256(odd->differ, _mm256_xor_si256(left[i], right[i]));
        odd->some_left = _mm256_or_si256(odd->some_left, left[i]);
        odd->some_right = _mm256_or_si256(odd->some_right, right[i]);
    }
}

INLINE int zero_lanes(__m256i a)
{
    return _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a, _mm256_setzero_si256())));
}

INLINE lanes_t odd_lanes(const odd_t *odd)
{
    return (lanes_t)(zero_lanes(odd->differ) | zero_lanes(odd->some_left) |
                     zero_lanes(odd->some_right));
}

#endif /* SLK_CRYPTO_MSM_FIELD_AVX2_H */
