#ifndef SLK_STORAGE_SECTOR_LOCK_H
#define SLK_STORAGE_SECTOR_LOCK_H

/* Locks on the files of sectors: for each sector and type many readers or one writer.
 *
 * All types of a request are taken at once, so that two requests cannot hold each a part. Requests
 * are served in the order they came: a writer is not starved by readers. Within one process; any
 * thread may give back what another took. */

#include "selkie/job.h"
#include "storage/file_type.h"

typedef struct slk_sector_locks slk_sector_locks_t;
typedef struct slk_sector_lock slk_sector_lock_t;

SLK_CHECK_RESULT slk_err_t slk_sector_locks_new(slk_sector_locks_t **locks, slk_diag_t *diag);
/* All must have been given back. NULL is a no-op. */
void slk_sector_locks_free(slk_sector_locks_t *locks);

#define SLK_LOCK_FOREVER UINT32_MAX

/* Take read locks and write locks (a type in both counts as write). owner: who, for the messages
 * of others. Waits up to wait_ms, 0: not at all. SLK_ERR_BUSY names the present owner;
 * SLK_ERR_CANCELLED when the job (may be NULL) is. */
SLK_CHECK_RESULT slk_err_t slk_sector_lock(slk_sector_lock_t **lock, slk_sector_locks_t *locks,
                                           const slk_sector_id_t *sector, slk_file_types_t read,
                                           slk_file_types_t write, const char *owner,
                                           uint32_t wait_ms, const slk_job_t *job,
                                           slk_diag_t *diag);

/* Give it back. NULL is a no-op. */
void slk_sector_unlock(slk_sector_locks_t *locks, slk_sector_lock_t *lock);

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t read, write;
    const char *owner;
    double seconds; /* since it was taken, or asked for */
    bool waiting;
} slk_sector_lock_view_t;

/* Show all locks, with the lock table held: be quick, take no locks. */
void slk_sector_locks_each(slk_sector_locks_t *locks,
                           void (*show)(void *ctx, const slk_sector_lock_view_t *view), void *ctx);

#endif /* SLK_STORAGE_SECTOR_LOCK_H */
