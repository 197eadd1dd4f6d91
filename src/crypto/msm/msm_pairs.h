#ifndef SLK_CRYPTO_MSM_PAIRS_H
#define SLK_CRYPTO_MSM_PAIRS_H

/* Lists of additions of affine points: *out = +-*left + +-*right. What is written is read by no other addition of
 * the list; out may be left. */

#include <blst.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    void *out; /* a blst_p1_affine or blst_p2_affine, as are the others */
    const void *left, *right;
    uint32_t flags;
} msm_pair_t;

#define MSM_LEFT_NEGATIVE  1u
#define MSM_RIGHT_NEGATIVE 2u
#define MSM_DOUBLING       4u /* set while a list is worked on */

#define MSM_PAIRS 2048u /* most in a list */

/* A faster back end than plain calls of blst: carries out those of the list that are sums of two points other
 * than the identity with different x, moves the others to its front and returns their number. cnt > 0. Scratch: 2 *
 * MSM_PAIRS coordinates, aligned to 64. */
typedef uint32_t msm_g1_pairs_fn_t(msm_pair_t *pairs, uint32_t cnt, void *scratch);
typedef uint32_t msm_g2_pairs_fn_t(msm_pair_t *pairs, uint32_t cnt, void *scratch);

#define MSM_PAIRS_FAST_MIN 16u /* fewer are for the plain code */

/* By the present choice (selkie/cpu.h); NULL: there is none. */
msm_g1_pairs_fn_t *slk_msm_g1_pairs(void);
msm_g2_pairs_fn_t *slk_msm_g2_pairs(void);

msm_g1_pairs_fn_t slk_msm_g1_pairs_ifma, slk_msm_g1_pairs_avx2, slk_msm_g1_pairs_adx;
msm_g2_pairs_fn_t slk_msm_g2_pairs_ifma, slk_msm_g2_pairs_avx2;

#endif /* SLK_CRYPTO_MSM_PAIRS_H */
