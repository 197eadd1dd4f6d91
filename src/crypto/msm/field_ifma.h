#ifndef SLK_CRYPTO_MSM_FIELD_IFMA_H
#define SLK_CRYPTO_MSM_FIELD_IFMA_H

#include "crypto/msm/msm_pairs.h"

#include <immintrin.h>

/* The field of coordinates for pairs_vec.h, eight elements at a time, 8 limbs of 52 bits (AVX-512 IFMA).
 *
 * Let a * b stand for ab / 2^416 mod p. Memory holds x * 2^384 (blst's form), and stays like that here: slopes
 * are held as 2^400 times their value, then slope * slope is in blst's form again, and so is slope * (2^16 d) for
 * a difference d of coordinates. That takes inverses of denominators as 2^432 times their value.
 *
 * Bounds: p < 2^381. Factors are not negative, their limbs below 2^52. With a < 2^400 and b < 2^384, a * b and
 * sums of two such products, divided at once, are below p + 2^370. Limbs hold at most 49 * 2^52 on the way. */

#define LANES      8u
#define ALL_LANES  0xffu
#define EACH(i, n) _Pragma("GCC unroll 9") for (int i = 0; i < (n); i++)
#define INLINE     static inline __attribute__((always_inline))

typedef __m512i word_t;
typedef __mmask8 lanes_t;
typedef struct {
    __m512i l[8];
} fe_t;
typedef fe_t factor_t; /* what a product takes */

/* What an inverse is multiplied by, in blst's form 2^48: 2^432 mod p. */
static const blst_fp inverse_form = {{0x48aca8e9fde36676, 0x7f3e81ec2e0c7cea, 0x6547e4c7fba1f6b3,
                                      0xd4221fc8e41ccfd2, 0x0a003db64c9a1624, 0x07173ac25996deeb}};

static const uint64_t p_limbs[8] = {0xeffffffffaaab, 0xfeb153ffffb9f, 0x6b0f6241eabff,
                                    0x12bf6730d2a0f, 0x764774b84f385, 0x1ba7b6434bacd,
                                    0x1ea397fe69a4b, 0x1a011};
#define P_NEG_INV UINT64_C(0x3fffcfffcfffd) /* -1/p mod 2^52 */

INLINE __m512i set1(uint64_t v)
{
    return _mm512_set1_epi64((long long)v);
}
INLINE __m512i limb_mask(void)
{
    return set1((UINT64_C(1) << 52) - 1);
}

/* Limbs of either sign to limbs of 52 bits; the value itself must not be negative. */
INLINE void carry(fe_t *a)
{
    EACH(i, 7)
    {
        a->l[i + 1] = _mm512_add_epi64(a->l[i + 1], _mm512_srai_epi64(a->l[i], 52));
        a->l[i] = _mm512_and_si512(a->l[i], limb_mask());
    }
}

/* a - b + k p, without carries */
INLINE void sub_raw(fe_t *out, const fe_t *a, const fe_t *b, uint64_t k)
{
    EACH(i, 8)
    out->l[i] = _mm512_add_epi64(_mm512_sub_epi64(a->l[i], b->l[i]), set1(k * p_limbs[i]));
}

/* a - k p where that is not negative */
INLINE void sub_if_not_less(fe_t *a, uint64_t k)
{
    fe_t t;
    EACH(i, 8)
    t.l[i] = _mm512_sub_epi64(a->l[i], set1(k * p_limbs[i]));
    carry(&t);
    __mmask8 less = _mm512_movepi64_mask(t.l[7]);
    EACH(i, 8)
    a->l[i] = _mm512_mask_mov_epi64(t.l[i], less, a->l[i]);
}

/* ab, or ab + cd if c is not NULL */
INLINE void mul_sum(fe_t *out, const factor_t *a, const factor_t *b, const factor_t *c,
                    const factor_t *d)
{
    __m512i t[9];
    const __m512i zero = _mm512_setzero_si512();
    EACH(j, 9)
    t[j] = zero;
    EACH(i, 8)
    {
        EACH(j, 8)
        t[j] = _mm512_madd52lo_epu64(t[j], a->l[j], b->l[i]);
        if (c) {
            EACH(j, 8)
            t[j] = _mm512_madd52lo_epu64(t[j], c->l[j], d->l[i]);
        }
        __m512i m = _mm512_madd52lo_epu64(zero, t[0], set1(P_NEG_INV));
        EACH(j, 8)
        t[j] = _mm512_madd52lo_epu64(t[j], m, set1(p_limbs[j]));
        t[1] = _mm512_add_epi64(t[1], _mm512_srli_epi64(t[0], 52));
        EACH(j, 8)
        {
            t[j] = _mm512_madd52hi_epu64(t[j + 1], a->l[j], b->l[i]);
            if (c)
                t[j] = _mm512_madd52hi_epu64(t[j], c->l[j], d->l[i]);
            t[j] = _mm512_madd52hi_epu64(t[j], m, set1(p_limbs[j]));
        }
        t[8] = zero;
    }
    EACH(j, 8)
    out->l[j] = t[j];
    carry(out);
}

INLINE void mul(fe_t *out, const factor_t *a, const factor_t *b)
{
    mul_sum(out, a, b, NULL, NULL);
}

/* A product as a factor. */
INLINE void factor(factor_t *out, const fe_t *a)
{
    *out = *a;
}

INLINE void unfactor(fe_t *out, const factor_t *a)
{
    *out = *a;
}

/* a - b of coordinates */
INLINE void factor_diff(factor_t *out, const fe_t *a, const fe_t *b)
{
    sub_raw(out, a, b, 1);
    carry(out);
}

/* a + b, a - b and -b of factors below 3 p */
INLINE void factor_add(factor_t *out, const factor_t *a, const factor_t *b)
{
    EACH(i, 8)
    out->l[i] = _mm512_add_epi64(a->l[i], b->l[i]);
    carry(out);
}

INLINE void factor_sub(factor_t *out, const factor_t *a, const factor_t *b)
{
    sub_raw(out, a, b, 3);
    carry(out);
}

INLINE void factor_neg(factor_t *out, const factor_t *b)
{
    EACH(i, 8)
    out->l[i] = _mm512_sub_epi64(set1(3 * p_limbs[i]), b->l[i]);
    carry(out);
}

INLINE void factor_set(factor_t *a, lanes_t lanes, bool one)
{
    EACH(i, 8)
    a->l[i] = _mm512_mask_mov_epi64(a->l[i], lanes, set1(one && i == 0));
}

/* p - a in the lanes; limbs may be negative, as those of what goes into differences */
INLINE void negate(fe_t *a, lanes_t lanes)
{
    EACH(i, 8)
    a->l[i] = _mm512_mask_sub_epi64(a->l[i], lanes, set1(p_limbs[i]), a->l[i]);
}

/* Products less coordinates, as coordinates. */
INLINE void reduce(fe_t *a)
{
    carry(a);
    sub_if_not_less(a, 1);
}

INLINE void reduce_less_1(fe_t *out, const fe_t *a, const fe_t *b)
{
    sub_raw(out, a, b, 1);
    carry(out);
    sub_if_not_less(out, 1);
    sub_if_not_less(out, 1);
}

INLINE void reduce_less_2(fe_t *out, const fe_t *a, const fe_t *b, const fe_t *c)
{
    sub_raw(out, a, b, 2);
    EACH(i, 8)
    out->l[i] = _mm512_sub_epi64(out->l[i], c->l[i]);
    carry(out);
    sub_if_not_less(out, 2);
    sub_if_not_less(out, 1);
}

/* 2^16 a: what a difference takes before it meets a slope */
INLINE void factor_scale(factor_t *a)
{
    for (int i = 7; i > 0; i--)
        a->l[i] = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi64(a->l[i], 16), limb_mask()),
                                  _mm512_srli_epi64(a->l[i - 1], 36));
    a->l[0] = _mm512_and_si512(_mm512_slli_epi64(a->l[0], 16), limb_mask());
}

/* --- Memory ---------------------------------------------------------------------------------- */

/* Words of 8 elements: w[i] holds word i of each. */
INLINE void gather(__m512i w[6], const blst_fp *const from[LANES])
{
    __m512i row[8], even[4], odd[4];
    EACH(i, 8)
    row[i] = _mm512_maskz_loadu_epi64(0x3f, from[i]);
    EACH(i, 4)
    {
        even[i] = _mm512_unpacklo_epi64(row[2 * i], row[2 * i + 1]);
        odd[i] = _mm512_unpackhi_epi64(row[2 * i], row[2 * i + 1]);
    }
    __m512i e01 = _mm512_shuffle_i64x2(even[0], even[1], 0x44),
            e23 = _mm512_shuffle_i64x2(even[2], even[3], 0x44);
    __m512i o01 = _mm512_shuffle_i64x2(odd[0], odd[1], 0x44),
            o23 = _mm512_shuffle_i64x2(odd[2], odd[3], 0x44);
    w[0] = _mm512_shuffle_i64x2(e01, e23, 0x88);
    w[1] = _mm512_shuffle_i64x2(o01, o23, 0x88);
    w[2] = _mm512_shuffle_i64x2(e01, e23, 0xdd);
    w[3] = _mm512_shuffle_i64x2(o01, o23, 0xdd);
    w[4] = _mm512_shuffle_i64x2(_mm512_shuffle_i64x2(even[0], even[1], 0xee),
                                _mm512_shuffle_i64x2(even[2], even[3], 0xee), 0x88);
    w[5] = _mm512_shuffle_i64x2(_mm512_shuffle_i64x2(odd[0], odd[1], 0xee),
                                _mm512_shuffle_i64x2(odd[2], odd[3], 0xee), 0x88);
}

INLINE void scatter(blst_fp *const to[LANES], const __m512i w[6], lanes_t lanes)
{
    EACH(half, 2)
    {
        __m512i a, b, c;
        if (half == 0) {
            a = _mm512_unpacklo_epi64(w[0], w[1]);
            b = _mm512_unpacklo_epi64(w[2], w[3]);
            c = _mm512_unpacklo_epi64(w[4], w[5]);
        } else {
            a = _mm512_unpackhi_epi64(w[0], w[1]);
            b = _mm512_unpackhi_epi64(w[2], w[3]);
            c = _mm512_unpackhi_epi64(w[4], w[5]);
        }
        __m512i low = _mm512_shuffle_i64x2(a, b, 0x44), high = _mm512_shuffle_i64x2(a, b, 0xee);
        __m512i low_c = _mm512_shuffle_i64x2(c, c, 0x44), high_c = _mm512_shuffle_i64x2(c, c, 0xee);
        __m512i rows[4] = {
            _mm512_shuffle_i64x2(low, low_c, 0x88), _mm512_shuffle_i64x2(low, low_c, 0xdd),
            _mm512_shuffle_i64x2(high, high_c, 0x88), _mm512_shuffle_i64x2(high, high_c, 0xdd)};
        EACH(i, 4)
        _mm512_mask_storeu_epi64(to[2 * i + half], (lanes >> (2 * i + half) & 1) ? 0x3f : 0,
                                 rows[i]);
    }
}

INLINE void split(fe_t *out, const __m512i w[6])
{
#define JOIN(i, right, left)                                                                       \
    _mm512_or_si512(_mm512_srli_epi64(w[i], right), _mm512_slli_epi64(w[(i) + 1], left))
    out->l[0] = w[0];
    out->l[1] = JOIN(0, 52, 12);
    out->l[2] = JOIN(1, 40, 24);
    out->l[3] = JOIN(2, 28, 36);
    out->l[4] = JOIN(3, 16, 48);
    out->l[5] = _mm512_srli_epi64(w[4], 4);
    out->l[6] = JOIN(4, 56, 8);
    out->l[7] = _mm512_srli_epi64(w[5], 44);
#undef JOIN
    EACH(i, 7)
    out->l[i] = _mm512_and_si512(out->l[i], limb_mask());
}

INLINE void join(__m512i w[6], const fe_t *a)
{
#define JOIN(i, right, left)                                                                       \
    _mm512_or_si512(_mm512_srli_epi64(a->l[i], right), _mm512_slli_epi64(a->l[(i) + 1], left))
    w[0] = JOIN(0, 0, 52);
    w[1] = JOIN(1, 12, 40);
    w[2] = JOIN(2, 24, 28);
    w[3] = JOIN(3, 36, 16);
    w[4] = _mm512_or_si512(JOIN(4, 48, 4), _mm512_slli_epi64(a->l[6], 56));
    w[5] = JOIN(6, 8, 44);
#undef JOIN
}

/* Lanes with all words zero in differ, some_left or some_right. */
typedef struct {
    __m512i differ, some_left, some_right;
} odd_t;

INLINE void odd_init(odd_t *odd)
{
    odd->differ = odd->some_left = odd->some_right = _mm512_setzero_si512();
}

INLINE void odd_see(odd_t *odd, const __m512i left[6], const __m512i right[6])
{
    EACH(i, 6)
    {
        odd->differ = _mm512_or_si512(odd->differ, _mm512_xor_si512(left[i], right[i]));
        odd->some_left = _mm512_or_si512(odd->some_left, left[i]);
        odd->some_right = _mm512_or_si512(odd->some_right, right[i]);
    }
}

INLINE lanes_t odd_lanes(const odd_t *odd)
{
    return (lanes_t)(_mm512_testn_epi64_mask(odd->differ, odd->differ) |
                     _mm512_testn_epi64_mask(odd->some_left, odd->some_left) |
                     _mm512_testn_epi64_mask(odd->some_right, odd->some_right));
}

#endif /* SLK_CRYPTO_MSM_FIELD_IFMA_H */
