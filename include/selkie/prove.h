#ifndef SELKIE_PROVE_H
#define SELKIE_PROVE_H

/* Groth16 proofs of one partition of a proof of replication or of spacetime, from its vanilla
 * proofs. Source: spec/proofs-snark.md sections 1.5, 3 and 4.
 *
 * The parameters of the circuit are the reference's file v28-<identifier>.params; it is mapped and
 * read front to back, never held. No proof leaves unverified. */

#include "selkie/groth16.h"
#include "selkie/post.h"
#include "selkie/r1cs.h"
#include "selkie/vanilla.h"

/* A circuit and its opened parameters. Immutable; proofs may be made by any number of threads,
 * which all need their own memory. */
typedef struct slk_prover slk_prover_t;

/* dir: of the parameters, NULL: slk_params_dir(). SLK_ERR_STATE: they are not there;
 * SLK_ERR_MISMATCH: they are those of another circuit; SLK_ERR_FORMAT, SLK_ERR_LENGTH: they are
 * damaged. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_prover_open(slk_prover_t **out, slk_circuit_kind_t kind,
                                                   const slk_size_t *size, const char *dir,
                                                   const slk_job_t *job, slk_diag_t *diag);
SLK_API void slk_prover_free(slk_prover_t *prover);

/* Bytes that the proof of one partition takes, the mapped parameters not counted. */
SLK_API uint64_t slk_prover_memory(const slk_prover_t *prover, unsigned threads);

/* A partition of a PoRep from its vanilla proofs: porep->challenges records, back to back. They
 * have to be verified before (slk_vanilla_verify). SLK_ERR_PROOF: a constraint does not hold, or
 * the proof made does not verify; SLK_ERR_NOMEM: also when less memory is available than the proof
 * takes; SLK_ERR_CANCELLED. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_prove_porep(uint8_t out[SLK_GROTH16_PROOF_SZ],
                                                   const slk_prover_t *prover,
                                                   const slk_porep_t *porep,
                                                   const slk_vanilla_public_t *pub,
                                                   const uint8_t *records, const slk_job_t *job,
                                                   slk_diag_t *diag);

/* A partition of a PoSt from the vanilla proofs of its cnt sectors, proofs[i] of sector pub[i];
 * they are verified first. A short partition is padded as the circuit wants it. Errors as above;
 * SLK_ERR_PROOF also for a wrong vanilla proof. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_prove_post(
    uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_prover_t *prover, const slk_post_t *post,
    const slk_node_t *randomness, const slk_post_public_t *pub, const slk_post_vanilla_t *proofs,
    size_t cnt, uint32_t partition, const slk_job_t *job, slk_diag_t *diag);

/* --- Several partitions ----------------------------------------------------------------------- */

/* What the partitions of one proof may take. Zeroed: half of the memory that is available, or one
 * partition if it takes more, and eight threads or more for each; nothing is kept. */
typedef struct {
    uint64_t memory;  /* bytes for all that are in work; 0: see above */
    unsigned at_once; /* partitions at the same time, at most; 0: what memory allows, see above */
    /* Finished partitions are kept in this file, SLK_GROTH16_PROOF_SZ bytes each, so that a later
     * call goes on from there; what it says is verified, not trusted. The caller removes it, when
     * the proof is where it belongs. NULL: none. Single partitions are not kept. */
    const char *partial;
} slk_prove_limits_t;

/* All partitions of a proof of spacetime of cnt sectors: slk_post_partition_cnt(post, cnt) times
 * SLK_GROTH16_PROOF_SZ bytes. As slk_prove_post; SLK_ERR_NOMEM also when one partition takes more
 * than limits->memory. limits NULL: as if zeroed. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_prove_post_all(
    uint8_t *out, const slk_prover_t *prover, const slk_post_t *post, const slk_node_t *randomness,
    const slk_post_public_t *pub, const slk_post_vanilla_t *proofs, size_t cnt,
    const slk_prove_limits_t *limits, const slk_job_t *job, slk_diag_t *diag);

/* --- C2 ------------------------------------------------------------------------------------- */

/* What a part of the work took, all partitions together; seconds. cpu: of the whole process
 * meanwhile, so that it says something only when nothing else runs, no other partition either. */
#define SLK_PROVE_PARTS 9u
typedef struct {
    const char *name; /* "witness", "MSM G1 h" */
    double wall, cpu;
} slk_prove_part_t;

typedef struct {
    slk_prove_part_t parts[SLK_PROVE_PARTS];
    uint8_t *proof; /* len bytes: the partitions in order; free with slk_c2_fini */
    size_t len;
    uint32_t partitions;
} slk_c2_t;

/* The proof of a sector from the JSON that C1 left. dir as above, limits as for
 * slk_prove_post_all. The vanilla proofs are verified before, the whole proof is afterwards, from
 * what the chain knows.
 * SLK_ERR_STATE: no such file, no parameters; SLK_ERR_FORMAT: not the JSON of C1 (members in the
 * reference's order); SLK_ERR_INPUT: of a non-interactive sector, whose proof is an aggregate;
 * SLK_ERR_MISMATCH: of another sector or miner; others as slk_prove_porep. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_c2(slk_c2_t *out, const char *c1_path, uint64_t miner,
                                               uint64_t sector, const char *dir,
                                               const slk_prove_limits_t *limits,
                                               const slk_job_t *job, slk_diag_t *diag);
SLK_API void slk_c2_fini(slk_c2_t *c2);

#endif /* SELKIE_PROVE_H */
