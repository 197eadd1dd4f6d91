#include "crypto/msm/msm_pairs.h"

#include <immintrin.h>

/* Eight additions on G1 at a time, coordinates as 8 limbs of 52 bits.
 *
 * Let a * b stand for ab / 2^416 mod p. Memory holds x * 2^384 (blst's form), and stays like that here: slopes
 * are held as 2^400 times their value, then slope * slope is in blst's form again, and so is slope * (2^16 d) for
 * a difference d of coordinates. That takes inverses of denominators as 2^432 times their value.
 *
 * Bounds: p < 2^381. With a < 2^398 and b < 2^382, a * b < p + 2^365; limbs given to a product are below
 * 2^52. Sums hold at most 33 * 2^52 in a limb. */

#define LANES      8u
#define GROUPS     (MSM_PAIRS / LANES)
#define EACH(i, n) _Pragma("GCC unroll 9") for (int i = 0; i < (n); i++)
#define INLINE     static inline __attribute__((always_inline))

typedef struct {
    __m512i l[8];
} fe_t;

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

INLINE void mul(fe_t *out, const fe_t *a, const fe_t *b)
{
    __m512i t[9];
    const __m512i zero = _mm512_setzero_si512();
    EACH(j, 9)
    t[j] = zero;
    EACH(i, 8)
    {
        EACH(j, 8)
        t[j] = _mm512_madd52lo_epu64(t[j], a->l[j], b->l[i]);
        __m512i m = _mm512_madd52lo_epu64(zero, t[0], set1(P_NEG_INV));
        EACH(j, 8)
        t[j] = _mm512_madd52lo_epu64(t[j], m, set1(p_limbs[j]));
        t[1] = _mm512_add_epi64(t[1], _mm512_srli_epi64(t[0], 52));
        EACH(j, 8)
        {
            t[j] = _mm512_madd52hi_epu64(t[j + 1], a->l[j], b->l[i]);
            t[j] = _mm512_madd52hi_epu64(t[j], m, set1(p_limbs[j]));
        }
        t[8] = zero;
    }
    EACH(j, 8)
    out->l[j] = t[j];
    carry(out);
}

/* 2^16 a */
INLINE void shift16(fe_t *a)
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

INLINE void scatter(blst_fp *const to[LANES], const __m512i w[6], __mmask8 lanes)
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

/* --- Additions ------------------------------------------------------------------------------- */

typedef struct {
    blst_p1_affine *left[LANES];
    const blst_p1_affine *right[LANES];
} group_t;

INLINE void group_find(group_t *g, blst_p1_affine *points, const msm_pair_t *pairs, uint32_t cnt)
{
    EACH(i, (int)LANES)
    {
        const msm_pair_t *pair = &pairs[(uint32_t)i < cnt ? i : 0];
        g->left[i] = &points[pair->left];
        g->right[i] = &points[pair->right];
    }
}

INLINE void load_x(fe_t *left, fe_t *right, const group_t *g, __mmask8 *odd)
{
    __m512i l[6], r[6];
    const blst_fp *from[LANES];
    EACH(i, (int)LANES)
    from[i] = &g->left[i]->x;
    gather(l, from);
    EACH(i, (int)LANES)
    from[i] = &g->right[i]->x;
    gather(r, from);
    if (odd) {
        __m512i differ = _mm512_setzero_si512(), some_l = differ, some_r = differ;
        EACH(i, 6)
        {
            differ = _mm512_or_si512(differ, _mm512_xor_si512(l[i], r[i]));
            some_l = _mm512_or_si512(some_l, l[i]);
            some_r = _mm512_or_si512(some_r, r[i]);
        }
        *odd = _mm512_testn_epi64_mask(differ, differ) | _mm512_testn_epi64_mask(some_l, some_l) |
               _mm512_testn_epi64_mask(some_r, some_r);
    }
    split(left, l);
    split(right, r);
}

/* x_right - x_left + p, and 1 in lanes that are skipped */
INLINE void denominator(fe_t *d, const fe_t *left, const fe_t *right, __mmask8 skipped)
{
    sub_raw(d, right, left, 1);
    carry(d);
    EACH(i, 8)
    d->l[i] = _mm512_mask_mov_epi64(d->l[i], skipped, set1(i == 0));
}

/* Each lane's product to what starts the way back: see the head of this file. */
static void invert(fe_t *acc)
{
    static const blst_fp form = {{0x48aca8e9fde36676, 0x7f3e81ec2e0c7cea, 0x6547e4c7fba1f6b3,
                                  0xd4221fc8e41ccfd2, 0x0a003db64c9a1624,
                                  0x07173ac25996deeb}}; /* 2^432 mod p */
    blst_fp v[LANES], prefix[LANES], inv;
    blst_fp *to[LANES];
    const blst_fp *from[LANES];
    __m512i w[6];
    EACH(i, (int)LANES)
    from[i] = to[i] = &v[i];
    sub_if_not_less(acc, 1);
    join(w, acc);
    scatter(to, w, 0xff);
    prefix[0] = v[0];
    for (uint32_t i = 1; i < LANES; i++)
        blst_fp_mul(&prefix[i], &prefix[i - 1], &v[i]);
    blst_fp_inverse(&inv, &prefix[LANES - 1]);
    blst_fp_mul(&inv, &inv, &form);
    for (uint32_t i = LANES - 1; i > 0; i--) {
        blst_fp rest;
        blst_fp_mul(&rest, &inv, &v[i]);
        blst_fp_mul(&v[i], &inv, &prefix[i - 1]);
        inv = rest;
    }
    v[0] = inv;
    gather(w, from);
    split(acc, w);
}

/* left += right in the lanes, with the inverses of the denominators */
INLINE void group_sum(const group_t *g, const fe_t *xl, const fe_t *xr, const fe_t *inverse,
                      __mmask8 lanes)
{
    fe_t yl, yr, slope, x, y;
    __m512i w[6];
    const blst_fp *from[LANES];
    blst_fp *to[LANES];
    EACH(i, (int)LANES)
    from[i] = &g->left[i]->y;
    gather(w, from);
    split(&yl, w);
    EACH(i, (int)LANES)
    from[i] = &g->right[i]->y;
    gather(w, from);
    split(&yr, w);
    sub_raw(&slope, &yr, &yl, 1);
    carry(&slope);
    mul(&slope, &slope, inverse);

    mul(&x, &slope, &slope);
    sub_raw(&x, &x, xl, 2);
    EACH(i, 8)
    x.l[i] = _mm512_sub_epi64(x.l[i], xr->l[i]);
    carry(&x);
    sub_if_not_less(&x, 2);
    sub_if_not_less(&x, 1);

    sub_raw(&y, xl, &x, 1);
    carry(&y);
    shift16(&y);
    mul(&y, &y, &slope);
    sub_raw(&y, &y, &yl, 1);
    carry(&y);
    sub_if_not_less(&y, 1);
    sub_if_not_less(&y, 1);

    EACH(i, (int)LANES)
    to[i] = &g->left[i]->x;
    join(w, &x);
    scatter(to, w, lanes);
    EACH(i, (int)LANES)
    to[i] = &g->left[i]->y;
    join(w, &y);
    scatter(to, w, lanes);
}

uint32_t slk_msm_g1_pairs_ifma(blst_p1_affine *points, msm_pair_t *pairs, uint32_t cnt,
                               void *scratch)
{
    fe_t *prefix = scratch, acc, xl, xr, d;
    uint32_t groups = (cnt + LANES - 1) / LANES, left = 0;
    __mmask8 skipped[GROUPS];
    group_t g;
    for (uint32_t k = 0; k < groups; k++) {
        uint32_t some = cnt - k * LANES;
        group_find(&g, points, pairs + k * LANES, some);
        load_x(&xl, &xr, &g, &skipped[k]);
        if (some < LANES)
            skipped[k] |= (__mmask8)(0xffu << some);
        denominator(&d, &xl, &xr, skipped[k]);
        if (k) {
            prefix[k] = acc;
            mul(&acc, &acc, &d);
        } else {
            acc = d;
        }
    }
    invert(&acc);
    for (uint32_t k = groups; k-- > 0;) {
        fe_t inverse = acc;
        group_find(&g, points, pairs + k * LANES, cnt - k * LANES);
        load_x(&xl, &xr, &g, NULL);
        if (k) {
            denominator(&d, &xl, &xr, skipped[k]);
            mul(&inverse, &acc, &prefix[k]);
            mul(&acc, &acc, &d);
        }
        group_sum(&g, &xl, &xr, &inverse, (__mmask8)~skipped[k]);
    }
    for (uint32_t i = 0; i < cnt; i++)
        if (skipped[i / LANES] >> i % LANES & 1)
            pairs[left++] = pairs[i];
    return left;
}
