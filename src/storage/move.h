#ifndef SLK_STORAGE_MOVE_H
#define SLK_STORAGE_MOVE_H

/* Moving one type of a sector from one storage path to another on this machine.
 *
 *   same file system:  sync, rename
 *   otherwise:         copy to <to>/<type>/fetching/<name> with the digest of what was read, sync,
 *                      read back and compare, rename into place, sync, source to its trash
 *
 * At every moment the whole is at least in one of the two places. Killed and called again it goes on
 * with what was copied (which is compared with the source, not trusted). When the whole is in both
 * places, they are compared before the source goes. Holes and blocks of zeros are not written. */

#include "selkie/job.h"
#include "storage/file_type.h"

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t type; /* one */
    const char *from, *to; /* roots of storage paths, absolute */
    const char *from_id, *to_id;
    bool copy;      /* leave the source */
    bool no_rename; /* copy also on the same file system */
} slk_move_t;

typedef enum {
    SLK_MOVED_COPY,
    SLK_MOVED_RENAME,
    SLK_MOVED_BEFORE, /* it was at the destination already, and is not (any more) at the source */
    SLK_MOVED_SAME    /* source and destination are one place: nothing was done */
} slk_moved_how_t;

typedef struct {
    slk_moved_how_t how;
    uint64_t bytes;  /* lengths of all files; of COPY and of a comparison */
    uint64_t reused; /* of these, those of an earlier attempt */
} slk_moved_t;

/* Move. moved may be NULL. SLK_ERR_NOTFOUND: neither place has it. SLK_ERR_MISMATCH: both have one,
 * and they differ; SLK_ERR_DIGEST: what was read back is not what was written (the staged copy is
 * removed); SLK_ERR_BUSY: another move or fetch of it to that place is under way, or the source
 * changes; SLK_ERR_NOSPACE, SLK_ERR_CANCELLED: the staged part stays for the next call. */
SLK_CHECK_RESULT slk_err_t slk_sector_move(slk_moved_t *moved, const slk_move_t *move,
                                           const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_STORAGE_MOVE_H */
