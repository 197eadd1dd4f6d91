#ifndef SELKIE_R1CS_H
#define SELKIE_R1CS_H

/* The constraint systems of PoRep, WinningPoSt and WindowPoSt: identical to the reference's,
 * variable by variable, so that published parameters serve. Source: spec/proofs-snark.md. */

#include "selkie/graph.h"
#include "selkie/job.h"
#include "selkie/post.h"
#include "selkie/proof_types.h"

/* One row a circuit: number, id, name on the command line. */
#define SLK_CIRCUIT_LIST(X)                                                                        \
    X(0, POREP, "porep")                                                                           \
    X(1, WINNING, "winning")                                                                       \
    X(2, WINDOW, "window")

typedef enum {
#define SLK_CIRCUIT_ENUM(num, id, name) SLK_CIRCUIT_##id = (num),
    SLK_CIRCUIT_LIST(SLK_CIRCUIT_ENUM)
#undef SLK_CIRCUIT_ENUM
        SLK_CIRCUIT_CNT
} slk_circuit_kind_t;

SLK_API const char *slk_circuit_name(slk_circuit_kind_t kind);

/* Sectors of one WindowPoSt partition. */
SLK_API uint32_t slk_window_sectors(const slk_size_t *size);

/* --- Names ---------------------------------------------------------------------------------- */

#define SLK_CACHE_ID_SZ 192u

/* "<prefix>-<SHA-256>": what the names of parameter files have between "v28-" and ".params", ".vk".
 */
SLK_API void slk_circuit_cache_id(char out[SLK_CACHE_ID_SZ], slk_circuit_kind_t kind,
                                  const slk_size_t *size);

/* --- Digest --------------------------------------------------------------------------------- */

typedef struct {
    uint64_t constraints, inputs, aux; /* inputs: ONE included */
} slk_r1cs_counts_t;

#define SLK_R1CS_CHECKPOINTS_MAX 40u

typedef struct {
    slk_r1cs_counts_t counts;
    uint64_t terms[3]; /* of A, B, C, without zero coefficients */
    slk_node_t sha256;
    struct {
        slk_r1cs_counts_t counts;
        slk_node_t sha256;                  /* of the stream so far */
    } checkpoint[SLK_R1CS_CHECKPOINTS_MAX]; /* after 1, 2, 4, 8 ... constraints */
    unsigned checkpoint_cnt;
} slk_r1cs_digest_t;

/* The digest slk-r1cs-1 of a circuit. Streams: some MiB of memory whatever the size; one thread,
 * minutes for 32 and 64 GiB. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_r1cs_digest(slk_r1cs_digest_t *out, slk_circuit_kind_t kind,
                                                   const slk_size_t *size, const slk_job_t *job,
                                                   slk_diag_t *diag);

/* --- Public inputs --------------------------------------------------------------------------- */

/* Number of public inputs of a PoRep partition, ONE not counted. */
SLK_API size_t slk_porep_input_cnt(const slk_porep_t *porep);

/* The public inputs of a PoRep partition as its circuit orders them: replica_id, comm_d, comm_r,
 * then for each of the partition's challenges the challenge, its 14 parents, and the challenge
 * three times more. */
SLK_API void slk_porep_inputs(slk_node_t *out, const slk_porep_t *porep, const slk_graph_t *graph,
                              const slk_node_t *replica_id, const slk_node_t *comm_d,
                              const slk_node_t *comm_r, const uint64_t *challenges);

/* Number of public inputs of a PoSt partition, ONE not counted. */
SLK_API size_t slk_post_input_cnt(const slk_post_t *post);

/* The public inputs of one partition of a proof of spacetime as its circuit orders them: of each
 * place comm_r, then its leaves. pub: the cnt sectors of the whole proof in its order; partition <
 * slk_post_partition_cnt(post, cnt). A short last partition repeats the inputs of its last sector.
 */
SLK_API void slk_post_inputs(slk_node_t *out, const slk_post_t *post, const slk_node_t *randomness,
                             const slk_post_public_t *pub, size_t cnt, uint32_t partition);

#endif /* SELKIE_R1CS_H */
