#ifndef SLK_MANAGER_STORAGE_STORAGE_INDEX_H
#define SLK_MANAGER_STORAGE_STORAGE_INDEX_H

/* What the manager knows of storage: the tables `storage_path` (paths, by their ID),
 * `storage_url` (who serves a path: several workers that mount it share one entry),
 * `sector_file` (which path has which file of which sector) and `space_reserved` (what running
 * jobs were promised). Connections as in store/db.h.
 *
 * The index follows what workers say and is no truth by itself: a path is declared anew as a
 * whole when its worker starts. Source: spec lotus-miner.md 3.2. */

#include "cluster/protocol.h"
#include "storage/file_type.h"
#include "store/db.h"

#include <jansson.h>

SLK_CHECK_RESULT slk_err_t slk_storage_migrate(slk_db_t *db, slk_diag_t *diag);

/* --- Paths ------------------------------------------------------------------------------------ */

/* A worker (UUID, base of its /remote) reports a path: a new one, or its attributes as they are
 * now. In a transaction. SLK_ERR_INPUT: the ID is none. */
SLK_CHECK_RESULT slk_err_t slk_storage_attach(slk_db_t *db, const char *worker, const char *url,
                                              const slk_store_report_t *report, int64_t now_ms,
                                              slk_diag_t *diag);

/* A worker serves a path no more. What the path holds stays known: its disk may be in another
 * machine soon. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_storage_detach(slk_db_t *db, const char *worker, const char *store,
                                              slk_diag_t *diag);

/* A worker is not heard of, or is again: what it serves is also asked of others, if there are. In a
 * transaction. */
SLK_CHECK_RESULT slk_err_t slk_storage_away(slk_db_t *db, const char *worker, bool away,
                                            slk_diag_t *diag);

/* Forget a path that nobody serves and its files. In a transaction. SLK_ERR_STATE: somebody
 * serves it; SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_storage_forget(slk_db_t *db, const char *store, slk_diag_t *diag);

/* --- Files ------------------------------------------------------------------------------------ */

/* What a file is worth beside others of its type and sector. Stale: made again elsewhere, or found where
 * nobody knew of it while another path has one; perhaps half of a file. Of use only where no path that a
 * worker has attached has another. */
typedef enum {
    SLK_RANK_STALE = -1,
    SLK_RANK_COPY = 0,    /* as good as another */
    SLK_RANK_PRIMARY = 1, /* the copy that counts */
} slk_storage_rank_t;

/* A file is there. Its rank is raised, never lowered. In a transaction; twice is once. */
SLK_CHECK_RESULT slk_err_t slk_storage_add(slk_db_t *db, const slk_sector_id_t *sector,
                                           slk_file_types_t type, const char *store,
                                           slk_storage_rank_t rank, int64_t now_ms,
                                           slk_diag_t *diag);
/* It was made anew in `store`: all others of its type are stale. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_storage_outdate(slk_db_t *db, const slk_sector_id_t *sector,
                                               slk_file_types_t type, const char *store,
                                               slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_storage_drop(slk_db_t *db, const slk_sector_id_t *sector,
                                            slk_file_types_t type, const char *store,
                                            slk_diag_t *diag);

#define SLK_STORAGE_ID_TEXT 128

/* A text of the protocol as the ID of a path. False: it is none. */
bool slk_storage_id_text(char out[SLK_STORAGE_ID_TEXT], const slk_bytes_t *text);

/* A path that has files of a sector. */
typedef struct {
    char store[SLK_STORAGE_ID_TEXT];
    slk_file_types_t types, primary; /* of the sector, there */
    slk_file_types_t stale;          /* of types: another path has a better one */
    uint64_t weight;
    bool can_seal, can_store, can_final;
    char worker[64],
        url[512]; /* UUID and base URL of one that serves it, one that is not away before
                                * others; empty: none */
} slk_storage_holder_t;

/* Paths that have any of the types of a sector, heaviest first, then by ID; to be freed. */
SLK_CHECK_RESULT slk_err_t slk_storage_find(slk_db_t *db, const slk_sector_id_t *sector,
                                            slk_file_types_t types, slk_storage_holder_t **holders,
                                            size_t *cnt, slk_diag_t *diag);

/* Call fn with every row. store is borrowed for the call. */
SLK_CHECK_RESULT slk_err_t slk_storage_each_file(
    slk_db_t *db,
    slk_err_t (*fn)(void *ctx, const slk_sector_id_t *sector, slk_file_types_t type,
                    const char *store, slk_storage_rank_t rank, slk_diag_t *diag),
    void *ctx, slk_diag_t *diag);

/* --- Space promised to running jobs ----------------------------------------------------------- */

/* bytes of a path for a job; added to what it has there. In the transaction that assigns the
 * job. */
SLK_CHECK_RESULT slk_err_t slk_storage_reserve(slk_db_t *db, int64_t job, const char *store,
                                               uint64_t bytes, slk_diag_t *diag);
/* Give all of a job back: in the transaction that ends it or takes it from its worker. */
SLK_CHECK_RESULT slk_err_t slk_storage_release(slk_db_t *db, int64_t job, slk_diag_t *diag);

/* --- For operators ---------------------------------------------------------------------------- */

/* [{"ID","Weight","CanSeal","CanStore","CanFinal","MaxStorage","Groups","AllowTo","AllowTypes","DenyTypes",
 *   "AllowMiners","DenyMiners","Capacity","Reserved","Sectors": number of sectors with files there,
 *   "URLs":[{"Worker","URL","Path"}]}] as stored; the caller's. How full a path is and whether it may be used is
 * known to the dispatcher (manager/job/dispatch.h), which adds it. */
SLK_CHECK_RESULT slk_err_t slk_storage_list(slk_db_t *db, json_t **list, slk_diag_t *diag);

#endif /* SLK_MANAGER_STORAGE_STORAGE_INDEX_H */
