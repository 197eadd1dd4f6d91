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

/* What a pair takes: d is the denominator of its slope. False: *left is the sum already. */
static bool pair_denominator(FIELD *d, AFFINE *left, const AFFINE *right, bool *doubling)
{
    *doubling = false;
    if (is_identity(right))
        return false;
    if (is_identity(left)) {
        *left = *right;
        return false;
    }
    F(sub)(d, &right->x, &left->x);
    if (!words_zero(d, sizeof *d))
        return true;
    F(add)(d, &right->y, &left->y);
    if (words_zero(d, sizeof *d)) {
        memset(left, 0, sizeof *left);
        return false;
    }
    *doubling = true;
    return true;
}

/* *left += *right, with the inverse of its denominator. */
static inline void pair_sum(AFFINE *left, const AFFINE *right, const FIELD *inverse, bool doubling)
{
    FIELD slope, old = left->x;
    if (doubling) {
        F(sqr)(&slope, &left->x);
        F(mul_by_3)(&slope, &slope);
    } else {
        F(sub)(&slope, &right->y, &left->y);
    }
    F(mul)(&slope, &slope, inverse);
    F(sqr)(&left->x, &slope);
    F(sub)(&left->x, &left->x, &old);
    F(sub)(&left->x, &left->x, &right->x);
    F(sub)(&old, &old, &left->x);
    F(mul)(&slope, &old, &slope);
    F(sub)(&left->y, &slope, &left->y);
}

/* points[left] += points[right] for disjoint pairs; cnt <= MSM_PAIRS. Overwrites the list; prefix and diffs are
 * scratch of cnt each. Products go straight to where they are used: a copy of words just written stalls. */
static void pairs_sum(AFFINE *points, msm_pair_t *pairs, uint32_t cnt, FIELD *prefix, FIELD *diffs)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        msm_pair_t pair = pairs[i];
        FIELD *d = &diffs[live];
        bool doubling;
        if (!pair_denominator(d, &points[pair.left], &points[pair.right], &doubling))
            continue;
        if (doubling)
            pair.right |= MSM_PAIR_DOUBLING;
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
        msm_pair_t pair = pairs[live];
        FIELD inverse;
        if (live) {
            F(mul)(&inverse, &acc, &prefix[live - 1]);
            F(mul)(&acc, &acc, &diffs[live]);
        } else {
            inverse = acc;
        }
        pair_sum(&points[pair.left], &points[pair.right & ~MSM_PAIR_DOUBLING], &inverse,
                 pair.right & MSM_PAIR_DOUBLING);
    }
}
