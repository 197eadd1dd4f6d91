#ifndef SELKIE_VERIFY_H
#define SELKIE_VERIFY_H

/* Whether a proof, as the chain has it, proves what it claims: from what is public to yes or no.
 * Sources: spec/proofs-snark.md sections 3.2 and 4, spec/proofs-vanilla-2.md section 9.7.
 *
 * Nothing but the verifying key of the circuit is read, by slk_vk_find: dir NULL is the folder of
 * slk_params_dir.
 *
 * *ok is the answer. On "no" diag says why; a proof that is malformed or of the wrong length is a
 * "no", too. Errors are the caller's side: SLK_ERR_INPUT, SLK_ERR_FIELD (a commitment that can be
 * none), SLK_ERR_STATE (no verifying key), those of slk_vk_find and slk_groth16_verify. */

#include "selkie/job.h"
#include "selkie/post.h"
#include "selkie/proof_types.h"

/* --- Proofs of replication ------------------------------------------------------------------ */

/* A sector that is said to be sealed. */
typedef struct {
    slk_porep_t porep; /* registered */
    uint64_t miner, sector;
    slk_node_t ticket, seed, comm_d, comm_r;
} slk_seal_claim_t;

/* The public inputs of all partitions, slk_porep_input_cnt(&claim->porep) each. To be freed.
 * SLK_ERR_FIELD, SLK_ERR_NOMEM. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_inputs(slk_node_t **out, const slk_seal_claim_t *claim,
                                                   slk_diag_t *diag);

/* proof: SLK_GROTH16_PROOF_SZ bytes a partition. SLK_ERR_INPUT: of a non-interactive sector, whose
 * proof is an aggregate. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_verify(bool *ok, const slk_seal_claim_t *claim,
                                                   const void *proof, size_t len, const char *dir,
                                                   const slk_job_t *job, slk_diag_t *diag);

/* --- Proofs of spacetime -------------------------------------------------------------------- */

/* pub: cnt sectors, strictly ascending by number, one of them for winning (SLK_ERR_INPUT).
 * randomness: after slk_post_randomness (SLK_ERR_FIELD). proof: SLK_GROTH16_PROOF_SZ bytes a
 * partition, of which there are slk_post_partition_cnt(post, cnt). */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_verify(bool *ok, const slk_post_t *post,
                                                   const slk_node_t *randomness,
                                                   const slk_post_public_t *pub, size_t cnt,
                                                   const void *proof, size_t len, const char *dir,
                                                   const slk_job_t *job, slk_diag_t *diag);

#endif /* SELKIE_VERIFY_H */
