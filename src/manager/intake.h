#ifndef SLK_MANAGER_INTAKE_H
#define SLK_MANAGER_INTAKE_H

/* How sectors begin: pledges of committed capacity, and pieces that look for a sector. Numbers, sectors and
 * pieces are written in one transaction each, so that nothing is half begun. */

#include "chain/api.h"
#include "manager/config.h"
#include "manager/pieces.h"
#include "manager/sector/sector_store.h"

/* What it takes to begin a sector of a miner: settings, size, what the chain says of its numbers. */
typedef struct {
    slk_miner_config_t config;
    int64_t seal_proof;  /* registered number of new sectors */
    uint64_t sector_sz;  /* bytes */
    slk_bitfield_t used; /* StateMinerAllocated; in the arena */
} slk_intake_t;

/* Ask the chain. SLK_ERR_STATE and others of the node: with a sentence. */
SLK_CHECK_RESULT slk_err_t slk_intake_begin(slk_intake_t *intake, const slk_api_t *api,
                                            const slk_miner_config_t *config, slk_arena_t *arena,
                                            slk_diag_t *diag);

#define SLK_PLEDGE_MAX 1000u /* sectors of one call */

/* cnt new sectors; numbers has room for them. SLK_ERR_STATE: MaxSealingSectors would be passed; nothing was
 * made then. */
SLK_CHECK_RESULT slk_err_t slk_intake_pledge(slk_db_t *db, const slk_intake_t *intake, size_t cnt,
                                             int64_t now_ms, uint64_t *numbers, slk_diag_t *diag);

/* Put a stored piece into a sector of the miner that still takes pieces and has room, or into a new one.
 * source: URL from which workers read it. SLK_ERR_LENGTH: larger than a sector. */
SLK_CHECK_RESULT slk_err_t slk_intake_piece(slk_db_t *db, const slk_intake_t *intake,
                                            const slk_stored_piece_t *piece, const char *source,
                                            bool keep_unsealed, int64_t now_ms, uint64_t *number,
                                            slk_diag_t *diag);

/* How many sectors of the miner are on their way: staging, sealing and failed ones. */
SLK_CHECK_RESULT slk_err_t slk_intake_sealing(slk_db_t *db, uint64_t miner, uint64_t *cnt,
                                              slk_diag_t *diag);

#endif /* SLK_MANAGER_INTAKE_H */
