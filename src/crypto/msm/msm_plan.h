#ifndef SLK_CRYPTO_MSM_PLAN_H
#define SLK_CRYPTO_MSM_PLAN_H

/* What the MSMs of G1 and G2 share: sizes, and scalars cut into signed digits.
 *
 * A scalar above r/2 is taken as minus its negative, so that |s| < 2^254. An entry holds |s| plus half a window
 * in every window but the last: a window's bits less that half are its signed digit, without carries.
 *
 * In G1, with x the parameter of the curve, x^2 P = (b X, -Y) for P = (X, Y) of the subgroup, b^3 = 1: P's image. So
 * s P = s0 P + s1 (x^2 P) with halves |s0|, |s1| < 2^127: as many additions, half as many windows, a gain where
 * buckets count. */

#include "crypto/msm/msm.h"
#include "crypto/msm/msm_pairs.h"

#define MSM_SPAN  4096u /* scalars looked at by one task */
#define MSM_BATCH 4096u /* additions gathered before a workspace carries them out */
#define MSM_LANES 64u   /* sums of the points with scalar 1 that a workspace keeps */

typedef struct {
    uint64_t s[4]; /* or two halves of two words */
    uint64_t ref;  /* number of the point, and the flags below */
} msm_entry_t;

#define MSM_NEGATIVE(half) (UINT64_C(1) << (63 - (half))) /* of the point, or of its image */
#define MSM_POINT(ref)     ((ref) & ~(MSM_NEGATIVE(0) | MSM_NEGATIVE(1)))

typedef enum { MSM_ZERO, MSM_ONE, MSM_MINUS_ONE, MSM_OTHER } msm_scalar_kind_t;

typedef struct {
    unsigned halves; /* 1, or 2: scalars are cut in two */
    unsigned bits, windows,
        wide; /* the first `wide` windows have `bits` bits, the others one less; 255 in all, or 128 */
    uint32_t buckets;     /* of a wide window: digits 1 .. buckets or their negatives */
    uint32_t top_buckets; /* of the last window, whose digits are never negative */
    uint64_t offset[4];
    uint64_t entry_cap;
} msm_plan_t;

/* What a group brings along. */
typedef struct {
    size_t point_sz;
    unsigned halves; /* most */
} msm_group_t;

/* The fastest sizes within `memory` (0: no limit); false: there are none. */
bool slk_msm_plan(msm_plan_t *plan, uint64_t expected, unsigned threads, msm_group_t group,
                  uint64_t memory);
uint64_t slk_msm_plan_bytes(const msm_plan_t *plan, unsigned threads, size_t point_sz);

/* Bytes of one workspace. */
uint64_t slk_msm_workspace_bytes(const msm_plan_t *plan, size_t point_sz);

msm_scalar_kind_t slk_msm_scalar_kind(const slk_fr_t *a);
void slk_msm_entry(msm_entry_t *out, const msm_plan_t *plan, const slk_fr_t *a, uint64_t point);

/* Scalars among those that take part other than 0, 1 and -1. */
uint64_t slk_msm_count_others(const slk_msm_scalars_t *scalars, slk_pool_t *pool);

/* Set bits of [begin, end). */
uint64_t slk_msm_rank(const uint64_t *density, uint64_t begin, uint64_t end);

static inline bool msm_takes_part(const slk_msm_scalars_t *scalars, uint64_t i)
{
    return !scalars->density || (scalars->density[i / 64] >> (i % 64) & 1);
}

static inline unsigned msm_window_bits(const msm_plan_t *plan, unsigned window)
{
    return plan->bits - (window >= plan->wide);
}

static inline unsigned msm_window_start(const msm_plan_t *plan, unsigned window)
{
    return window * plan->bits - (window > plan->wide ? window - plan->wide : 0);
}

static inline uint32_t msm_window_buckets(const msm_plan_t *plan, unsigned window)
{
    return window + 1 == plan->windows ? plan->top_buckets
                                       : 1u << (msm_window_bits(plan, window) - 1);
}

/* s: of an entry, or its second half */
static inline int32_t msm_digit(const msm_plan_t *plan, const uint64_t *s, unsigned window)
{
    unsigned bits = msm_window_bits(plan, window), bit = msm_window_start(plan, window);
    unsigned word = bit / 64, shift = bit % 64;
    uint64_t v = s[word] >> shift;
    if (shift && word + 1 < 4 / plan->halves)
        v |= s[word + 1] << (64 - shift);
    if (window + 1 == plan->windows)
        return (int32_t)v;
    return (int32_t)(v & ((UINT64_C(1) << bits) - 1)) - (int32_t)(1u << (bits - 1));
}

#endif /* SLK_CRYPTO_MSM_PLAN_H */
