#ifndef SELKIE_VANILLA_H
#define SELKIE_VANILLA_H

/* Vanilla (non-SNARK) proofs of replication: challenges, proofs, their verification and files.
 * Source: spec/proofs-vanilla-2.md sections 7 and 8.
 *
 * A proof of one challenge is kept as a flat record, the same bytes as a record of the reference's
 * synthetic proofs file (section 7.6); labeling and encoding proofs are rebuilt from its columns:
 *
 *   u64 challenge, u64 x 14 parents (LE)
 *   leaf_d, log2(N) siblings of tree_d
 *   column of the challenge (L labels), leaf_c, tree_c siblings
 *   14 x { column of the parent, leaf_c, tree_c siblings }
 *   leaf_r, tree_r_last siblings
 */

#include "selkie/graph.h"
#include "selkie/job.h"
#include "selkie/proof_types.h"

#define SLK_SYNTH_CHALLENGES_MAX (UINT64_C(1) << 18)

/* Size of the synthetic challenge set: min(N, 2^18). */
SLK_API uint64_t slk_synth_cnt(const slk_porep_t *porep);

/* Challenges [first, first + cnt) of the synthetic set. */
SLK_API void slk_synth_challenges(uint64_t *out, const slk_porep_t *porep,
                                  const slk_node_t *replica_id, const slk_node_t *comm_r,
                                  uint64_t first, uint64_t cnt);

/* Positions in the synthetic set that partition k selects: porep->challenges numbers. */
SLK_API void slk_synth_indexes(uint64_t *out, const slk_porep_t *porep,
                               const slk_node_t *replica_id, const slk_node_t *seed, uint32_t k);

/* The porep->challenges challenges of partition k by the porep's feature. comm_r is read by
 * synthetic and non-interactive only, seed by interactive and synthetic only. k >=
 * porep->partitions asserts. */
SLK_API void slk_challenges(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                            const slk_node_t *comm_r, const slk_node_t *seed, uint32_t k);

/* --- Records ------------------------------------------------------------------------------- */

/* Bytes of a proof record. */
SLK_API size_t slk_vanilla_record_sz(const slk_porep_t *porep);

/* What a verifier knows of the sector. */
typedef struct {
    slk_node_t replica_id, comm_d, comm_c, comm_r_last, comm_r;
} slk_vanilla_public_t;

/* Check `cnt` records lying back to back against the challenges they have to answer: stricter than
 * the reference, which leaves part of this to the circuit. Every path is hashed to its root, every
 * label and the encoding recomputed, parents compared with the graph, comm_r with comm_c and
 * comm_r_last. *ok tells the answer; on "no", diag names the record, the part and what was
 * expected. Error only for trouble (memory). job->pool shares the work. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vanilla_verify(bool *ok, const slk_graph_t *graph,
                                                      const slk_porep_t *porep,
                                                      const slk_vanilla_public_t *pub,
                                                      const uint64_t *challenges,
                                                      const uint8_t *records, size_t cnt,
                                                      const slk_job_t *job, slk_diag_t *diag);

/* --- Making them from a sector's files ------------------------------------------------------ */

/* The opened files of a sealed sector: tree_d, layers, tree_c, tree_r_last in `cache`, and the
 * replica. */
typedef struct slk_vanilla_files slk_vanilla_files_t;

/* Open and check: every file present with its exact length, roots of tree_d, tree_c and tree_r_last
 * equal to pub (comm_d, comm_c, comm_r_last). SLK_ERR_STATE missing, SLK_ERR_LENGTH,
 * SLK_ERR_MISMATCH. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vanilla_files_open(slk_vanilla_files_t **out,
                                                          const slk_porep_t *porep,
                                                          const char *cache, const char *replica,
                                                          const slk_vanilla_public_t *pub,
                                                          slk_diag_t *diag);
SLK_API void slk_vanilla_files_close(slk_vanilla_files_t *files);

/* Build the records of cnt challenges (each 0 < c < N) into `records`. Thread pool from job. Not
 * verified: call slk_vanilla_verify. SLK_ERR_FORMAT, naming file and offset: a node that is no
 * field element. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vanilla_prove(uint8_t *records, slk_vanilla_files_t *files,
                                                     const slk_graph_t *graph,
                                                     const uint64_t *challenges, size_t cnt,
                                                     const slk_job_t *job, slk_diag_t *diag);

/* Write the synthetic proofs file `syn-porep-vanilla-proofs.dat` into the cache folder of files:
 * all records, each verified before it is written; in bounded memory; temporary name, fsync,
 * rename. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_synth_write(slk_vanilla_files_t *files,
                                                   const slk_graph_t *graph,
                                                   const slk_vanilla_public_t *pub,
                                                   const slk_job_t *job, slk_diag_t *diag);

/* Read the records of partition k from that file. Checks length and header (roots) against pub.
 * SLK_ERR_STATE: no such file. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_synth_read(uint8_t *records, const slk_porep_t *porep,
                                                  const char *cache,
                                                  const slk_vanilla_public_t *pub,
                                                  const slk_node_t *seed, uint32_t k,
                                                  slk_diag_t *diag);

/* --- C1 output ------------------------------------------------------------------------------ */

/* Receives text in order. */
typedef slk_err_t slk_text_fn_t(void *ctx, const char *text, size_t len, slk_diag_t *diag);

/* JSON of one proof, as inside c1out; the roots come from pub. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vanilla_json(const slk_porep_t *porep,
                                                    const slk_vanilla_public_t *pub,
                                                    const uint8_t *record, slk_text_fn_t *write,
                                                    void *ctx, slk_diag_t *diag);

#endif /* SELKIE_VANILLA_H */
