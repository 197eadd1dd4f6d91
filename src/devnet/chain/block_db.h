#ifndef SLK_DEVNET_CHAIN_BLOCK_DB_H
#define SLK_DEVNET_CHAIN_BLOCK_DB_H

/* The blocks of a development chain: state, messages and headers by CID, in memory as far as they are in use
 * and in a database for ever.
 *
 * A block that is put is there at once for everybody, and on the disk after the next commit, in one
 * transaction with whatever else the chain records at that point. A process killed in between loses the
 * blocks since the last commit and nothing else. Any thread. */

#include "codec/ipld/blockstore.h"
#include "store/db.h"

typedef struct slk_block_db slk_block_db_t;

/* Table and migration module of the chain's database. The connection is used by this object alone from
 * now on, within slk_block_db_commit and when a block is not in memory. cache_bytes: of blocks kept in
 * memory besides those not committed yet. */
SLK_CHECK_RESULT slk_err_t slk_block_db_new(slk_block_db_t **blocks, slk_db_t *db,
                                            size_t cache_bytes, slk_diag_t *diag);
/* What was not committed is lost. The connection stays open. NULL is a no-op. */
void slk_block_db_free(slk_block_db_t *blocks);

/* Valid until it is freed. */
slk_blockstore_t slk_block_db_store(slk_block_db_t *blocks);

/* Write all that was put since the last commit, and call `more` (NULL: nothing) in the same transaction.
 * On an error nothing of it is on the disk, and the next commit tries again. */
SLK_CHECK_RESULT slk_err_t slk_block_db_commit(slk_block_db_t *blocks, slk_db_fn_t *more, void *ctx,
                                               slk_diag_t *diag);

/* Read from the database outside of a commit, one thread at a time. */
SLK_CHECK_RESULT slk_err_t slk_block_db_read(slk_block_db_t *blocks, slk_db_fn_t *fn, void *ctx,
                                             slk_diag_t *diag);

typedef struct {
    size_t cached_bytes, cached_cnt, pending_cnt;
    uint64_t hits, reads; /* of get: from memory, from the database */
} slk_block_db_stat_t;
slk_block_db_stat_t slk_block_db_stat(slk_block_db_t *blocks);

#endif /* SLK_DEVNET_CHAIN_BLOCK_DB_H */
