#ifndef SLK_CRYPTO_MSM_BENCH_H
#define SLK_CRYPTO_MSM_BENCH_H

/* Our MSM beside blst's Pippenger, one thread, alternating in one run. */

#include "crypto/msm/msm.h"

typedef enum { SLK_MSM_G1, SLK_MSM_G2 } slk_msm_group_t;

typedef struct {
    double ours_ns, blst_ns; /* a point, fastest round, CPU time of the thread */
    double ratio;            /* median over the rounds of blst / ours */
    double bits_ns;          /* a point, ours, with scalars 0 and 1 in equal parts */
} slk_msm_figures_t;

/* 2^log_cnt points with full-width scalars, `rounds` times. Also compares both sums: SLK_ERR_PROOF if they
 * differ. SLK_ERR_NOMEM, SLK_ERR_INPUT (log_cnt above 26, rounds 0). */
SLK_CHECK_RESULT slk_err_t slk_msm_bench(slk_msm_figures_t *out, slk_msm_group_t group,
                                         unsigned log_cnt, unsigned rounds, slk_diag_t *diag);

/* cnt points start + i * step, i = 0 ..: test inputs, start and step times the generator. */
SLK_CHECK_RESULT slk_err_t slk_msm_chain_g1(blst_p1_affine *out, uint64_t cnt, uint64_t start,
                                            uint64_t step);
SLK_CHECK_RESULT slk_err_t slk_msm_chain_g2(blst_p2_affine *out, uint64_t cnt, uint64_t start,
                                            uint64_t step);

#endif /* SLK_CRYPTO_MSM_BENCH_H */
