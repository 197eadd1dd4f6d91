/* Sums of pairs of points by batch-affine additions, one inversion for all: a part of the templates msm_impl.h and
 * fixed_impl.h, which say what FIELD, AFFINE and F(op) are. */

#include "crypto/msm/msm_pairs.h"

#include <string.h>

static inline bool words_zero(const void *p, size_t len)
{
    const uint64_t *w = p;
    uint64_t acc = 0;
    for (size_t i = 0; i < len / 8; i++)
        acc |= w[i];
    return !acc;
}

static inline bool is_identity(const AFFINE *p)
{
    return words_zero(p, sizeof *p);
}

/* *out = *p or its negative */
static inline void copy_signed(AFFINE *out, const AFFINE *p, bool negative)
{
    *out = *p;
    if (negative)
        F(cneg)(&out->y, &out->y, true);
}

/* What a pair takes: d is the denominator of its slope. False: *out is the sum already. */
static bool pair_denominator(FIELD *d, msm_pair_t *pair)
{
    const AFFINE *left = pair->left, *right = pair->right;
    bool left_negative = pair->flags & MSM_LEFT_NEGATIVE,
         right_negative = pair->flags & MSM_RIGHT_NEGATIVE;
    if (is_identity(right)) {
        copy_signed(pair->out, left, left_negative);
        return false;
    }
    if (is_identity(left)) {
        copy_signed(pair->out, right, right_negative);
        return false;
    }
    F(sub)(d, &right->x, &left->x);
    if (!words_zero(d, sizeof *d))
        return true;
    if (left_negative == right_negative)
        F(add)(d, &right->y, &left->y);
    else
        F(sub)(d, &right->y, &left->y);
    if (words_zero(d, sizeof *d)) {
        memset(pair->out, 0, sizeof(AFFINE));
        return false;
    }
    if (right_negative)
        F(cneg)(d, d, true);
    pair->flags |= MSM_DOUBLING;
    return true;
}

/* The sum, with the inverse of its denominator. */
static inline void pair_sum(const msm_pair_t *pair, const FIELD *inverse)
{
    const AFFINE *left = pair->left, *right = pair->right;
    AFFINE *out = pair->out;
    FIELD slope, x, negative, t;
    const FIELD *y = &left->y;
    if (pair->flags & MSM_LEFT_NEGATIVE) {
        F(cneg)(&negative, y, true);
        y = &negative;
    }
    if (pair->flags & MSM_DOUBLING) {
        F(sqr)(&slope, &left->x);
        F(mul_by_3)(&slope, &slope);
    } else if (pair->flags & MSM_RIGHT_NEGATIVE) {
        F(add)(&slope, &right->y, y);
        F(cneg)(&slope, &slope, true);
    } else {
        F(sub)(&slope, &right->y, y);
    }
    F(mul)(&slope, &slope, inverse);
    F(sqr)(&x, &slope);
    F(sub)(&x, &x, &left->x);
    F(sub)(&x, &x, &right->x);
    F(sub)(&t, &left->x, &x);
    F(mul)(&slope, &t, &slope);
    F(sub)(&out->y, &slope, y);
    out->x = x;
}

/* cnt <= MSM_PAIRS additions. Overwrites the list; prefix and diffs are scratch of cnt each. Products go straight to
 * where they are used: a copy of words just written stalls. */
static void pairs_sum(msm_pair_t *pairs, uint32_t cnt, FIELD *prefix, FIELD *diffs)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        msm_pair_t pair = pairs[i];
        FIELD *d = &diffs[live];
        if (!pair_denominator(d, &pair))
            continue;
        pairs[live] = pair;
        if (live)
            F(mul)(&prefix[live], &prefix[live - 1], d);
        else
            prefix[0] = *d;
        live++;
    }
    if (!live)
        return;
    FIELD acc;
    F(inverse)(&acc, &prefix[live - 1]);
    while (live--) {
        FIELD inverse;
        if (live) {
            F(mul)(&inverse, &acc, &prefix[live - 1]);
            F(mul)(&acc, &acc, &diffs[live]);
        } else {
            inverse = acc;
        }
        pair_sum(&pairs[live], &inverse);
    }
}
