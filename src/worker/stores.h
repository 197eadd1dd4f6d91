#ifndef SLK_WORKER_STORES_H
#define SLK_WORKER_STORES_H

/* The attached paths of a worker as its manager hears of them.
 *
 * One thread a path asks it how it is, so that a disk that hangs holds up nobody else: what is reported
 * is what was last heard, and how long nothing came. Any thread. */

#include "cluster/protocol.h"
#include "storage/local_paths.h"

#include <pthread.h>

typedef struct slk_stores slk_stores_t;

/* file: storage.json. trash_grace_s: what is removed. */
SLK_CHECK_RESULT slk_err_t slk_stores_new(slk_stores_t **stores, slk_local_paths_t *paths,
                                          const char *file, uint64_t trash_grace_s,
                                          slk_diag_t *diag);
/* From now on. */
void slk_stores_set_grace(slk_stores_t *stores, uint64_t trash_grace_s);
/* Ends the threads; one that hangs in a disk for more than 5 s is left behind. NULL is a no-op. */
void slk_stores_free(slk_stores_t *stores);

/* Read storage.json again when it has changed (or `always`): attach what is new, detach what is not in
 * it any more and not in use. Paths that cannot be attached are logged and tried again. True in
 * *changed: there are others than before. SLK_ERR_FORMAT: of the file. */
SLK_CHECK_RESULT slk_err_t slk_stores_reload(slk_stores_t *stores, bool always, bool *changed,
                                             slk_diag_t *diag);

/* The reports of all paths into the arena. */
SLK_CHECK_RESULT slk_err_t slk_stores_report(slk_store_report_list_t *reports, slk_stores_t *stores,
                                             slk_arena_t *arena, slk_diag_t *diag);

/* Ask the paths now: space was taken or given back. */
void slk_stores_poke(slk_stores_t *stores);

/* Whether the space in reports was measured after this time (slk_clock_seconds), in all paths that are
 * well. */
bool slk_stores_fresh_since(slk_stores_t *stores, double time);

/* --- Declarations --------------------------------------------------------------------------- */

/* The files of a path are not (surely) as the manager knows them. id NULL: of all paths. */
void slk_stores_suspect(slk_stores_t *stores, const char *id);

/* A path that is to be declared; false: none. It counts as done until it is suspected again. */
bool slk_stores_next_suspect(char id[SLK_STORAGE_ID_MAX], slk_stores_t *stores);

/* What lies in a path, by sector; into the arena. */
SLK_CHECK_RESULT slk_err_t slk_stores_scan(slk_declared_list_t *sectors, slk_stores_t *stores,
                                           const char *id, slk_arena_t *arena, slk_diag_t *diag);

/* --- For JSON ------------------------------------------------------------------------------- */

/* A report; every text lies in the arena. stat NULL: not known. */
SLK_CHECK_RESULT slk_err_t slk_store_report_make(slk_store_report_t *report, const char *root,
                                                 const slk_path_meta_t *meta,
                                                 const slk_path_stat_t *stat, const char *error,
                                                 slk_arena_t *arena, slk_diag_t *diag);

#endif /* SLK_WORKER_STORES_H */
