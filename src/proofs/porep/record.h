#ifndef SLK_PROOFS_POREP_RECORD_H
#define SLK_PROOFS_POREP_RECORD_H

/* What selkie notes beside a sector's files: two JSON files in the cache folder, each with a digest
 * of itself ("digest": SHA-256 of the object without that member, compact, keys sorted).
 *
 * selkie-sector.json      identity (size, porep, porep_id, miner, sector), pieces, ticket, comm_d,
 *                         replica_id, comm_r; name, length, SHA-256 of each finished file
 * selkie-checkpoint.json  replica_id, layer and number of labels of it that are on the disk,
 *                         SHA-256 of those, SHA-256 of the layers below */

#include "selkie/seal.h"

#define SLK_RECORD_NAME      "selkie-sector.json"
#define SLK_CHECKPOINT_NAME  "selkie-checkpoint.json"
#define SLK_RECORD_FILES_MAX 64

typedef struct {
    char name[64]; /* in the cache folder; "sealed" for the sealed file */
    uint64_t bytes;
    slk_node_t sha256;
} slk_record_file_t;

typedef struct {
    slk_piece_t *pieces;
    size_t piece_cnt;
    bool has_ticket; /* then comm_d and replica_id too */
    bool has_comm_r;
    bool adding; /* add-piece is at work, or was killed: what is behind the pieces is no data */
    slk_node_t ticket, comm_d, replica_id, comm_r;
    slk_record_file_t files[SLK_RECORD_FILES_MAX];
    size_t file_cnt;
} slk_record_t;

/* Read the record of a sector; a missing one gives an empty record and *found = false (found may be
 * NULL). SLK_ERR_FORMAT, SLK_ERR_DIGEST: damaged. SLK_ERR_MISMATCH: it is of another sector or
 * variant. */
SLK_CHECK_RESULT slk_err_t slk_record_load(slk_record_t *record, bool *found,
                                           const slk_sector_t *sector, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_record_save(const slk_record_t *record, const slk_sector_t *sector,
                                           slk_diag_t *diag);
void slk_record_fini(slk_record_t *record);

/* The variant that the record in sector->cache names; of sector, nothing but the folder is looked at. found
 * false: there is no record, or none that can be read, of which slk_record_load() tells. */
SLK_CHECK_RESULT slk_err_t slk_record_variant(char variant[16], bool *found,
                                              const slk_sector_t *sector, slk_diag_t *diag);

/* The same from text, for tests and fuzzing; path is for messages. */
SLK_CHECK_RESULT slk_err_t slk_record_parse(slk_record_t *record, const char *text, size_t len,
                                            const char *path, const slk_sector_t *sector,
                                            slk_diag_t *diag);

/* Padded bytes from the sector's start to the end of its last piece. */
uint64_t slk_record_used(const slk_record_t *record);

/* Row of a file name; NULL if not recorded. */
const slk_record_file_t *slk_record_file(const slk_record_t *record, const char *name);

/* Add or replace; remove. */
void slk_record_set_file(slk_record_t *record, const char *name, uint64_t bytes,
                         const slk_node_t *sha256);
void slk_record_drop_file(slk_record_t *record, const char *name);

/* --- Checkpoint ----------------------------------------------------------------------------- */

typedef struct {
    slk_node_t replica_id;
    uint32_t layer;                          /* being written, from 1; L + 1: all are complete */
    uint64_t nodes;                          /* labels of it on the disk */
    slk_node_t prefix_sha256;                /* of those labels' bytes */
    slk_node_t layer_sha256[SLK_LAYERS_MAX]; /* of layers 1 .. layer - 1 */
} slk_checkpoint_t;

SLK_CHECK_RESULT slk_err_t slk_checkpoint_load(slk_checkpoint_t *checkpoint, bool *found,
                                               const slk_sector_t *sector, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_checkpoint_save(const slk_checkpoint_t *checkpoint,
                                               const slk_sector_t *sector, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_checkpoint_parse(slk_checkpoint_t *checkpoint, const char *text,
                                                size_t len, const char *path,
                                                const slk_sector_t *sector, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_checkpoint_remove(const slk_sector_t *sector, slk_diag_t *diag);

#endif /* SLK_PROOFS_POREP_RECORD_H */
