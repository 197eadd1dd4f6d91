#ifndef SLK_CRYPTO_MSM_PAIRS_H
#define SLK_CRYPTO_MSM_PAIRS_H

/* Lists of additions of affine points, points[left] += points[right], no point in two of them. */

#include <blst.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t left, right;
} msm_pair_t;

#define MSM_PAIRS         2048u                /* most in a list */
#define MSM_PAIR_DOUBLING UINT32_C(0x80000000) /* in right, while a list is worked on */

/* A faster back end than plain calls of blst: carries out those of the list that are sums of two points other
 * than the identity with different x, moves the others to its front and returns their number. cnt > 0. Scratch: 2 *
 * MSM_PAIRS coordinates, aligned to 64. */
typedef uint32_t msm_g1_pairs_fn_t(blst_p1_affine *points, msm_pair_t *pairs, uint32_t cnt,
                                   void *scratch);
typedef uint32_t msm_g2_pairs_fn_t(blst_p2_affine *points, msm_pair_t *pairs, uint32_t cnt,
                                   void *scratch);

#define MSM_PAIRS_FAST_MIN 16u /* fewer are for the plain code */

/* By the present choice (selkie/cpu.h); NULL: there is none. */
msm_g1_pairs_fn_t *slk_msm_g1_pairs(void);
msm_g2_pairs_fn_t *slk_msm_g2_pairs(void);

msm_g1_pairs_fn_t slk_msm_g1_pairs_ifma, slk_msm_g1_pairs_avx2;
msm_g2_pairs_fn_t slk_msm_g2_pairs_ifma, slk_msm_g2_pairs_avx2;

#endif /* SLK_CRYPTO_MSM_PAIRS_H */
