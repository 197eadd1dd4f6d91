#ifndef SLK_STORAGE_REMOTE_SERVER_H
#define SLK_STORAGE_REMOTE_SERVER_H

/* The files of this node's sectors for other nodes, below /remote/ (admin right needed).
 *
 *   GET    /remote/{type}/{name}             file: Range; folder: flat tar, no Range (as Lotus)
 *   GET    /remote/{type}/{name}?manifest=1  files, sizes and SHA-256 (manifest.h), or status 202
 *                                            {"Done":bytes,"Total":bytes} while digests are being
 *                                            computed: ask again
 *   GET    /remote/{type}/{name}/{file}      one file of a folder: Range
 *   DELETE /remote/{type}/{name}?keep=a.b    to the trash, but in the paths with these IDs
 *   GET    /remote/stat/{id}                 Lotus' FsStat
 *
 * The server (net/http_server.h) checks the token before a handler sees the request. Digests are
 * computed once and kept in memory for as long as size, times and inode stay the same. Fetching nodes
 * need no lock here: a file that goes into the trash meanwhile stays readable, and one that changes
 * fails the digest. */

#include "net/http_server.h"
#include "storage/local_paths.h"
#include "storage/sector_lock.h"

typedef struct slk_remote_server slk_remote_server_t;

typedef struct {
    slk_local_paths_t *paths;  /* borrowed */
    slk_sector_locks_t *locks; /* borrowed; a DELETE takes a write lock; NULL: none */
    uint32_t lock_wait_ms;     /* of a DELETE; then 409. 0: 10,000 */
    uint32_t digest_wait_ms;   /* a manifest's patience before 202; 0: 10,000 */
    uint32_t digest_threads;   /* computing at the same time; 0: 2 */
    /* Tell of a file that a DELETE put into the trash; may be NULL. From handler threads. */
    void (*removed)(void *ctx, const char *id, const slk_sector_id_t *sector,
                    slk_file_types_t type);
    void *removed_ctx;
} slk_remote_opts_t;

SLK_CHECK_RESULT slk_err_t slk_remote_server_new(slk_remote_server_t **remote,
                                                 const slk_remote_opts_t *opts, slk_diag_t *diag);

/* After the HTTP server that has the route was freed. NULL is a no-op. */
void slk_remote_server_free(slk_remote_server_t *remote);

/* The route to put into the server's table. */
slk_http_route_t slk_remote_route(slk_remote_server_t *remote);

#endif /* SLK_STORAGE_REMOTE_SERVER_H */
