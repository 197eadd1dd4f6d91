#ifndef SLK_PROOFS_GROTH16_INPUTS_H
#define SLK_PROOFS_GROTH16_INPUTS_H

/* Public inputs of one or many proofs as one point. */

#include "crypto/fr/fr.h"
#include "proofs/groth16/vk.h"

#define SLK_WEIGHT_SZ 16u

/* scalars[0] = sum of the weights w_j, scalars[i] = sum over j of w_j inputs[j][i - 1]:
 * vk->ic_cnt canonical numbers. weights NULL: cnt is 1 and the weight is one. SLK_ERR_FIELD: an
 * input that is not canonical. */
SLK_CHECK_RESULT slk_err_t slk_inputs_weigh(slk_node_t *scalars, const slk_vk_t *vk,
                                            const slk_node_t *inputs,
                                            const uint8_t (*weights)[SLK_WEIGHT_SZ], size_t cnt,
                                            slk_diag_t *diag);

/* Sum of scalars[i] ic[i]. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_inputs_point(blst_p1 *out, const slk_vk_t *vk,
                                            const slk_node_t *scalars, const slk_job_t *job,
                                            slk_diag_t *diag);

#endif /* SLK_PROOFS_GROTH16_INPUTS_H */
