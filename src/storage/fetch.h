#ifndef SLK_STORAGE_FETCH_H
#define SLK_STORAGE_FETCH_H

/* Fetching one type of a sector from another node into a storage path.
 *
 *   manifest from the source -> files to <to>/<type>/fetching/<name>, several at a time, each going
 *   on at its last byte and checked against its digest -> sync -> rename into place
 *
 * Beside the staged files lies what they are of; a source with other contents begins anew. Sources
 * are tried in turn. One that has no manifest (lotus-miner, lotus-worker) gives a plain file or a tar,
 * without digests: lengths are checked, nothing of it survives an interruption. */

#include "net/http_client.h"
#include "selkie/job.h"
#include "storage/file_type.h"

typedef struct {
    const char *url;   /* http://host:port/remote/cache/s-t01000-5, as Lotus' FindSector gives it */
    const char *token; /* NULL: none */
} slk_fetch_source_t;

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t type; /* one */
    const char *to;        /* root of the storage path; space was reserved there */
    const slk_fetch_source_t *sources;
    size_t source_cnt;
    uint64_t sector_sz; /* 0: unknown; else the length that sealed and update must have, and the
                           least of unsealed */
    unsigned parallel;  /* files at a time; 0: 4 */
    unsigned rounds;    /* through all sources without a byte more; 0: 3 */
    uint32_t stall_s;   /* a source is left when it sends nothing for so long; 0: 60 */
    uint32_t pause_ms;  /* before the next round; 0: 1,000 */
} slk_fetch_t;

typedef struct {
    uint64_t bytes;    /* lengths of all files */
    uint64_t received; /* in this call */
    size_t source;     /* index of the one that had it in the end */
    bool verified;     /* digests were checked; false: lengths only */
    bool before;       /* it was in its place already */
} slk_fetched_t;

/* Fetch; blocks. fetched may be NULL. SLK_OK at once when it is in place already (then nothing is
 * compared). SLK_ERR_NOTFOUND: no source has it; SLK_ERR_PERM: no source accepts the token;
 * SLK_ERR_DIGEST, SLK_ERR_IO, SLK_ERR_TIMEOUT: the last source's failure; SLK_ERR_NOSPACE,
 * SLK_ERR_CANCELLED: at once, the staged part stays; SLK_ERR_BUSY: another move or fetch of it to
 * that place is under way. */
SLK_CHECK_RESULT slk_err_t slk_sector_fetch(slk_fetched_t *fetched, const slk_fetch_t *fetch,
                                            slk_http_client_t *client, const slk_job_t *job,
                                            slk_diag_t *diag);

/* Ask the source to remove its copy (DELETE ?keep=), keeping it in the paths of these IDs. */
SLK_CHECK_RESULT slk_err_t slk_remote_delete(const slk_fetch_source_t *source,
                                             const char *const *keep, size_t keep_cnt,
                                             slk_http_client_t *client, const slk_job_t *job,
                                             slk_diag_t *diag);

#endif /* SLK_STORAGE_FETCH_H */
