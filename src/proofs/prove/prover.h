#ifndef SLK_PROOFS_PROVE_PROVER_H
#define SLK_PROOFS_PROVE_PROVER_H

/* Inside of a prover, and proofs that are measured. */

#include "proofs/groth16/prove.h"
#include "selkie/prove.h"

struct slk_prover {
    slk_circuit_t circuit;
    slk_part_t all;
    slk_density_t density;
    slk_params_t params;
};

/* slk_prove_porep and slk_prove_post with options, which may be NULL. */
SLK_CHECK_RESULT slk_err_t slk_prove_porep_with(
    uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover, const slk_porep_t *porep,
    const slk_vanilla_public_t *pub, const uint8_t *records, const slk_prove_options_t *options,
    const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_prove_post_with(
    uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover, const slk_post_t *post,
    const slk_node_t *randomness, const slk_post_public_t *pub, const slk_post_vanilla_t *proofs,
    size_t cnt, uint32_t partition, const slk_prove_options_t *options, const slk_job_t *job,
    slk_diag_t *diag);

#endif /* SLK_PROOFS_PROVE_PROVER_H */
