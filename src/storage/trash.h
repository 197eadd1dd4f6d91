#ifndef SLK_STORAGE_TRASH_H
#define SLK_STORAGE_TRASH_H

/* Where removed files of sectors go: nothing is deleted at once.
 *
 *   <root>/trash/20260131T235959-0/sealed/s-t01000-5      the file or folder, as it was
 *   <root>/trash/20260131T235959-0/why.json               {"Sector","Type","Why","At","Bytes"}
 *
 * A rename on the same file system: quick, and it frees no space until the grace period is over or
 * somebody asks for space. Lotus does not look at the folder. Symbolic links are never followed, so
 * that nothing outside of root is touched. Killed in between, an entry without a file may be left,
 * which the next purge removes. Times are UTC. */

#include "selkie/job.h"
#include "storage/file_type.h"

#include <time.h>

/* Put a sector's file or folder into the trash. why: for the operator, "moved to <id>". now 0: the
 * clock's. SLK_OK also when there is none: *entry is then empty, else the name of the entry.
 * entry may be NULL. */
#define SLK_TRASH_NAME_MAX 40
SLK_CHECK_RESULT slk_err_t slk_trash_put(char entry[SLK_TRASH_NAME_MAX], const char *root,
                                         slk_file_types_t type, const slk_sector_id_t *sector,
                                         const char *why, time_t now, slk_diag_t *diag);

typedef struct {
    char entry[SLK_TRASH_NAME_MAX];
    slk_file_types_t type;
    slk_sector_id_t sector;
    time_t at;
    char why[512];
    uint64_t bytes; /* on the disk, when it was put there */
} slk_trash_item_t;

/* All of a path, oldest first; *items is malloc'ed. Folders that are no entries of ours are left
 * out. */
SLK_CHECK_RESULT slk_err_t slk_trash_list(slk_trash_item_t **items, size_t *cnt, const char *root,
                                          slk_diag_t *diag);

/* Put an entry's file back to where it was. SLK_ERR_STATE when there is a new one in its place,
 * SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_trash_restore(const char *root, const char *entry, slk_diag_t *diag);

typedef struct {
    uint64_t grace_s; /* entries older than this go */
    uint64_t want;    /* and younger ones, oldest first, until so many bytes have been freed */
    time_t now;       /* 0: the clock's */
} slk_trash_purge_t;

/* Delete for good. *freed (may be NULL): bytes that the entries had. An entry leaves the list before
 * the first of its bytes goes, so that a part of one is never restored. */
SLK_CHECK_RESULT slk_err_t slk_trash_purge(uint64_t *freed, const char *root,
                                           const slk_trash_purge_t *purge, const slk_job_t *job,
                                           slk_diag_t *diag);

#endif /* SLK_STORAGE_TRASH_H */
