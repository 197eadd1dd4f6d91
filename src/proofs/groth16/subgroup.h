#ifndef SLK_PROOFS_GROTH16_SUBGROUP_H
#define SLK_PROOFS_GROTH16_SUBGROUP_H

/* Whether many points of the curve are in the subgroup of prime order, all at once.
 *
 * A sum with random weights does not do: the cofactor has small factors (3, 11), and a point of
 * such an order is missed with a chance of 1/3 or 1/11. But the sum over a random subset of the
 * points hides a bad one with a chance of at most 1/2, whatever the orders are, and 128 independent
 * subsets leave 2^-128. Subsets are drawn w at a time: each point goes to one of 2^w buckets, and
 * bit k of the bucket's number tells whether the point is in subset k. That takes about 128 / w
 * additions a point, a fraction of a check of each. */

#include "selkie/job.h"

#include <blst.h>
#include <stddef.h>

/* Points are on the curve, none is the identity. SLK_ERR_NOMEM, SLK_ERR_IO (no random numbers). */
SLK_CHECK_RESULT slk_err_t slk_g1_all_in_subgroup(bool *ok, const blst_p1_affine *points,
                                                  size_t cnt, const slk_job_t *job,
                                                  slk_diag_t *diag);

#endif /* SLK_PROOFS_GROTH16_SUBGROUP_H */
