#ifndef SELKIE_SEAL_H
#define SELKIE_SEAL_H

/* The life of one sector on disk: AP, PC1, PC2, C1, unseal, finalize, check.
 *
 * Files have the names and bytes of rust-fil-proofs, so that either program can take over from the
 * other after any step. Beside them, in the cache folder, lie two small JSON files of ours which
 * the reference ignores; both carry a digest of themselves:
 *   selkie-sector.json      what the sector is: miner, number, variant, pieces, ticket,
 *                           commitments, length and SHA-256 of each finished file
 *   selkie-checkpoint.json  while PC1 runs: how far the labels on the disk are good
 * Every file is written under a temporary name, synced and renamed.
 *
 * One process at a time works on a sector: each call holds a lock on the cache folder, a second
 * caller gets SLK_ERR_BUSY. Calls on different sectors are independent. Source:
 * spec/proofs-vanilla.md sections 4 to 6. */

#include "selkie/graph.h"
#include "selkie/job.h"
#include "selkie/piece.h"
#include "selkie/proof_types.h"
#include "selkie/vanilla.h"

/* A sector and where its files lie. Strings are borrowed for each call. */
typedef struct {
    slk_porep_t porep;
    uint64_t miner;
    uint64_t number;
    const char *cache;    /* folder */
    const char *sealed;   /* file */
    const char *unsealed; /* file */
} slk_sector_t;

#define SLK_SECTOR_PIECES_MAX 65536u

/* --- AP ------------------------------------------------------------------------------------- */

typedef struct {
    slk_piece_t piece;
    uint64_t offset;     /* padded, in the unsealed file */
    uint64_t raw;        /* bytes of data read */
    slk_piece_t *pieces; /* all of the sector so far; free with slk_add_piece_fini */
    size_t piece_cnt;
} slk_add_piece_t;

/* Append a piece to the unsealed file: the data of fd from its present position to its end,
 * zero-extended to `padded` (0: smallest size that holds it). raw_limit: read at most that many
 * bytes, UINT64_MAX for all. The piece counts only when data and record are on the disk: an
 * interrupted call leaves the sector as it was. SLK_ERR_LENGTH: does not fit the piece or the
 * sector. SLK_ERR_STATE: PC1 was already begun. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_add_piece(slk_add_piece_t *out,
                                                      const slk_sector_t *sector, int fd,
                                                      const char *path, uint64_t raw_limit,
                                                      uint64_t padded, const slk_job_t *job,
                                                      slk_diag_t *diag);
SLK_API void slk_add_piece_fini(slk_add_piece_t *out);

/* --- PC1 ------------------------------------------------------------------------------------ */

/* Where the layer being written and the one before it are kept. */
typedef enum {
    SLK_LAYERS_AUTO, /* RAM if two layers fit into 80 % of the memory available, else DISK */
    SLK_LAYERS_RAM,  /* huge pages where the system allows */
    SLK_LAYERS_DISK  /* the files themselves, mapped */
} slk_layers_t;

typedef struct {
    double checkpoint_seconds; /* work that a kill may lose at most; 0: default 30 */
    slk_layers_t layers;
    const char *parent_cache_dir; /* NULL: as slk_parent_cache_dir() says */
} slk_pc1_options_t;

typedef struct {
    slk_node_t comm_d, replica_id;
    uint64_t labels_resumed_from; /* labels over all layers kept from an earlier run */
} slk_pc1_t;

/* tree_d and labels of all layers; writes the sealed file as a copy of the data, as the reference
 * does, and pc1out.json. options may be NULL. Resumes what an earlier call with the same inputs
 * left; verifies and reports again what is complete. SLK_ERR_MISMATCH: files of other inputs
 * (ticket, pieces, variant) are there. SLK_ERR_CANCELLED: a checkpoint was written, call again to
 * go on. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_pc1(slk_pc1_t *out, const slk_sector_t *sector,
                                                const slk_node_t *ticket,
                                                const slk_pc1_options_t *options,
                                                const slk_job_t *job, slk_diag_t *diag);

/* --- PC2 ------------------------------------------------------------------------------------ */

typedef struct {
    slk_node_t comm_d, comm_r, comm_c, comm_r_last;
} slk_pc2_t;

/* tree_c, replica, tree_r_last, p_aux, t_aux; for the synthetic variant also the
 * synthetic proofs. ticket: NULL, or for a synthetic sector whose PC1 ran elsewhere and left no
 * record. Streams: about 64 MiB a thread whatever the size. Files that PC1 recorded are compared
 * with their digests while they are read. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_pc2(slk_pc2_t *out, const slk_sector_t *sector,
                                                const slk_node_t *ticket, const slk_job_t *job,
                                                slk_diag_t *diag);

/* --- C1 ------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t challenges; /* in all */
    uint32_t partitions;
    slk_node_t comm_d, comm_r, replica_id;
} slk_c1_t;

/* Vanilla proofs of all challenges, verified, written as the reference's JSON to out_path.
 * SLK_ERR_INPUT: seed of 32 zero bytes for a non-interactive proof. SLK_ERR_MISMATCH: the recorded
 * ticket or replica_id differ. SLK_ERR_PROOF: the files do not verify; nothing is written. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_c1(slk_c1_t *out, const slk_sector_t *sector,
                                               const slk_node_t *ticket, const slk_node_t *seed,
                                               const char *out_path, const slk_job_t *job,
                                               slk_diag_t *diag);

/* --- Unseal --------------------------------------------------------------------------------- */

/* The original bytes [offset, offset + length) (unpadded) of the sealed file into out_path. length
 * UINT64_MAX: to the sector's end. The whole sector is decoded and its comm_d compared before
 * out_path appears. Labels are computed again, in RAM or in temporary files beside out_path
 * (options->layers); the last layer's file is used instead where it is present and matches its
 * recorded digest. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_unseal(uint64_t *bytes, const slk_sector_t *sector,
                                                   const slk_node_t *ticket,
                                                   const slk_node_t *comm_d, const char *out_path,
                                                   uint64_t offset, uint64_t length,
                                                   const slk_pc1_options_t *options,
                                                   const slk_job_t *job, slk_diag_t *diag);

/* --- Finalize, check ------------------------------------------------------------------------ */

typedef void slk_name_fn_t(void *ctx, const char *name);

/* Remove what a proven sector does not need: layers, tree_d, tree_c, synthetic proofs, checkpoint,
 * and the unsealed file unless keep_unsealed. Refuses (SLK_ERR_STATE) when what must stay (sealed,
 * p_aux, tree_r_last) is missing. Idempotent. removed is called with each path that was removed. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_finalize(const slk_sector_t *sector, bool keep_unsealed,
                                                     slk_name_fn_t *removed, void *ctx,
                                                     slk_diag_t *diag);

/* Check a sector's files: presence, lengths, recorded digests, p_aux against the trees, comm_r;
 * trees without a recorded digest are hashed again from their leaves. quick: no digests and no
 * hashing beyond the roots. problem is called once for each finding, a sentence naming file,
 * expectation and remedy. Returns SLK_OK when the check ran, whatever it found. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_seal_check(const slk_sector_t *sector, bool quick,
                                                  slk_name_fn_t *problem, void *ctx,
                                                  const slk_job_t *job, slk_diag_t *diag);

#endif /* SELKIE_SEAL_H */
