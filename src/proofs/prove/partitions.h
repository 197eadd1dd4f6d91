#ifndef SLK_PROOFS_PROVE_PARTITIONS_H
#define SLK_PROOFS_PROVE_PARTITIONS_H

/* All partitions of one proof: one after another or several at the same time, as memory allows;
 * finished ones are kept in a file until the proof is complete.
 *
 * That file (slk_prove_limits_t.partial) holds SLK_GROTH16_PROOF_SZ bytes a partition, zeros where
 * one is missing, and nothing else: what it says is believed only where it verifies under the
 * prover's key with the public inputs of its partition. So it may be damaged, of another proof or
 * of somebody else; then those partitions are made again. It is replaced as a whole after each
 * partition. When it cannot be written the work goes on without. */

#include "proofs/prove/prover.h"

typedef struct {
    const slk_prover_t *prover;
    uint32_t cnt; /* > 0 */
    /* Prove partition k; called by several threads. */
    slk_err_t (*prove)(void *ctx, uint8_t out[SLK_GROTH16_PROOF_SZ], uint32_t k,
                       const slk_job_t *job, slk_diag_t *diag);
    /* Its public inputs, as many as the prover's key takes. */
    void (*inputs)(void *ctx, slk_node_t *out, uint32_t k);
    void *ctx;
} slk_partitions_t;

/* How many partitions at the same time, on how many threads each. */
typedef struct {
    unsigned at_once, threads;
    uint64_t memory; /* of one partition */
} slk_prove_split_t;

/* available: what the machine has left. SLK_ERR_NOMEM: not even one partition fits; diag names
 * both figures. */
SLK_CHECK_RESULT slk_err_t slk_prove_split(slk_prove_split_t *out, const slk_prover_t *prover,
                                           uint32_t cnt, const slk_prove_limits_t *limits,
                                           unsigned threads, uint64_t available, slk_diag_t *diag);

/* proof: SLK_GROTH16_PROOF_SZ bytes a partition, in order. limits NULL: none. The job's progress
 * shows the stages of a single partition, or one stage over all of several, in rows of the
 * circuit. The first failure stops the others; diag then names the partition. */
SLK_CHECK_RESULT slk_err_t slk_prove_partitions(uint8_t *proof, const slk_partitions_t *all,
                                                const slk_prove_limits_t *limits,
                                                const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_PROOFS_PROVE_PARTITIONS_H */
