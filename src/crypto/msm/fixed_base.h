#ifndef SLK_CRYPTO_FIXED_BASE_H
#define SLK_CRYPTO_FIXED_BASE_H

/* Many multiples of one point of BLS12-381, as the making of a Groth16 key needs them.
 *
 * A table holds d * 2^(wi) * base for every digit d and window i of a scalar in signed digits of w bits; a
 * multiple is one affine addition a window. Additions of some thousand scalars share one inversion. Not constant
 * time: time and memory access depend on the scalars. */

#include "crypto/fr/fr.h"
#include "selkie/job.h"

#include <blst.h>

/* Made for one job's pool, on which its multiplications run, one at a time; job is borrowed until _free. */
typedef struct slk_fixed_g1 slk_fixed_g1_t;
typedef struct slk_fixed_g2 slk_fixed_g2_t;

/* Bytes that a table with its workspaces takes: at most 17 MiB for G1, 33 MiB for G2, and 0.7 or 1.4 MiB a
 * thread. */
uint64_t slk_fixed_g1_memory(uint64_t expected, unsigned threads);
uint64_t slk_fixed_g2_memory(uint64_t expected, unsigned threads);

/* base: of the subgroup of prime order. expected: how many multiples are wanted in all; it sets the size of the
 * table. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_fixed_g1_new(slk_fixed_g1_t **out, const blst_p1_affine *base,
                                            uint64_t expected, const slk_job_t *job,
                                            slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_fixed_g2_new(slk_fixed_g2_t **out, const blst_p2_affine *base,
                                            uint64_t expected, const slk_job_t *job,
                                            slk_diag_t *diag);

/* out[i] = scalars[i] * base, the identity being all zero. When the job is cancelled, *out is left unfinished. */
void slk_fixed_g1_mul(slk_fixed_g1_t *fixed, blst_p1_affine *out, const slk_fr_t *scalars,
                      uint64_t cnt);
void slk_fixed_g2_mul(slk_fixed_g2_t *fixed, blst_p2_affine *out, const slk_fr_t *scalars,
                      uint64_t cnt);

/* Scratch that depended on scalars is wiped. NULL is a no-op. */
void slk_fixed_g1_free(slk_fixed_g1_t *fixed);
void slk_fixed_g2_free(slk_fixed_g2_t *fixed);

#endif /* SLK_CRYPTO_FIXED_BASE_H */
