#ifndef SLK_PROOFS_GROTH16_POINTS_H
#define SLK_PROOFS_GROTH16_POINTS_H

/* Whether every point of a .params file is what it should be: canonical, on the curve, in the
 * subgroup, not the identity. A digest tells more, but is not always known. */

#include "proofs/groth16/params.h"

/* Reads the file once, in order. Points of G1 are tested for the subgroup many at once
 * (proofs/groth16/subgroup.h), those of G2 one by one. Memory: 8 MiB. The job's progress counts
 * points. name: what messages call the file. SLK_ERR_FORMAT: diag names array, point and byte;
 * SLK_ERR_CANCELLED, SLK_ERR_NOMEM, SLK_ERR_IO. */
SLK_CHECK_RESULT slk_err_t slk_params_check_points(const slk_params_t *params, const char *name,
                                                   const slk_job_t *job, slk_diag_t *diag);

/* Points of all arrays. */
uint64_t slk_params_point_cnt(const slk_params_t *params);

#endif /* SLK_PROOFS_GROTH16_POINTS_H */
