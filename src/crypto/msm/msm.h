#ifndef SLK_CRYPTO_MSM_H
#define SLK_CRYPTO_MSM_H

/* Multi-scalar multiplication on BLS12-381: the sum of scalar * point, as a Groth16 prover needs it.
 *
 * Buckets of signed windows, all additions affine and in batches that share one inversion. Scalars 0 take no
 * work beyond a look, 1 and -1 one addition. Not constant time: time and memory access depend on the scalars.
 *
 * Points are affine as blst keeps them, all zero being the identity; they are only read, may be mapped from a
 * file, may be outside the prime-order subgroup only if no scalar but 0, 1 and -1 meets them (others are taken
 * mod r, and may be cut in two by an endomorphism of the subgroup: msm_plan.h). The result has z = 1 (identity: all
 * zero): equal sums are equal bytes, whatever the threads and the back end.
 *
 * One MSM can be fed in several pieces, which keeps only a piece of the points in memory at a time. */

#include "crypto/fr/fr.h"
#include "selkie/job.h"

#include <blst.h>

/* The scalars of one piece, and which points they meet. */
typedef struct {
    const slk_fr_t *scalars;
    uint64_t cnt; /* of scalars; below 2^62 */
    /* NULL: scalar i meets point i. Else bit i % 64 of word i / 64 says whether scalar i takes part. */
    const uint64_t *density;
    /* With a density. false: the points are those of set bits only, the k-th set bit meets point k (the
     * queries of a parameter file). true: scalar i meets point i. */
    bool points_full;
} slk_msm_scalars_t;

/* Points that scalars->density selects: the length of a compact array of points. */
uint64_t slk_msm_density_cnt(const slk_msm_scalars_t *scalars);

/* Bytes that an MSM allocates, with `expected` scalars other than 0, 1, -1 and this many threads; memory is
 * the limit given to it (0: none). It never takes more; 0: that limit is too low. */
uint64_t slk_msm_g1_memory(uint64_t expected, unsigned threads, uint64_t memory);
uint64_t slk_msm_g2_memory(uint64_t expected, unsigned threads, uint64_t memory);

/* The whole sum at once, on the job's pool. memory: most bytes to allocate, 0: what is fastest.
 * SLK_ERR_NOMEM, SLK_ERR_INPUT (memory is too low; diag says what it takes), SLK_ERR_CANCELLED. */
SLK_CHECK_RESULT slk_err_t slk_msm_g1(blst_p1 *out, const blst_p1_affine *points,
                                      const slk_msm_scalars_t *scalars, uint64_t memory,
                                      const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_msm_g2(blst_p2 *out, const blst_p2_affine *points,
                                      const slk_msm_scalars_t *scalars, uint64_t memory,
                                      const slk_job_t *job, slk_diag_t *diag);

/* In pieces. expected (> 0 or not, a guess does) sets the window; job is borrowed until _free. Points and
 * scalars of a piece are not looked at after _feed. After an error only _free may follow; _finish may be
 * followed by _free only. NULL is a no-op of _free. */
typedef struct slk_msm_g1 slk_msm_g1_t;
typedef struct slk_msm_g2 slk_msm_g2_t;

SLK_CHECK_RESULT slk_err_t slk_msm_g1_new(slk_msm_g1_t **out, uint64_t expected, uint64_t memory,
                                          const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_msm_g1_feed(slk_msm_g1_t *msm, const blst_p1_affine *points,
                                           const slk_msm_scalars_t *scalars, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_msm_g1_finish(slk_msm_g1_t *msm, blst_p1 *out, slk_diag_t *diag);
void slk_msm_g1_free(slk_msm_g1_t *msm);

SLK_CHECK_RESULT slk_err_t slk_msm_g2_new(slk_msm_g2_t **out, uint64_t expected, uint64_t memory,
                                          const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_msm_g2_feed(slk_msm_g2_t *msm, const blst_p2_affine *points,
                                           const slk_msm_scalars_t *scalars, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_msm_g2_finish(slk_msm_g2_t *msm, blst_p2 *out, slk_diag_t *diag);
void slk_msm_g2_free(slk_msm_g2_t *msm);

#endif /* SLK_CRYPTO_MSM_H */
