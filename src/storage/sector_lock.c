#include "storage/sector_lock.h"

#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 200 /* how often a waiting one looks whether its job was cancelled */

struct slk_sector_lock {
    slk_sector_lock_t *prev, *next;
    slk_sector_id_t sector;
    slk_file_types_t read, write;
    bool waiting;
    double since;
    char owner[128];
};

struct slk_sector_locks {
    pthread_mutex_t mutex; /* guards all */
    pthread_cond_t given_back;
    slk_sector_lock_t *first, *last; /* in the order they came */
};

slk_err_t slk_sector_locks_new(slk_sector_locks_t **locks, slk_diag_t *diag)
{
    pthread_condattr_t attr;
    slk_sector_locks_t *l = *locks = calloc(1, sizeof *l);
    if (!l)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a table of locks");
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->given_back, &attr);
    pthread_condattr_destroy(&attr);
    return SLK_OK;
}

void slk_sector_locks_free(slk_sector_locks_t *locks)
{
    if (!locks)
        return;
    SLK_ASSERT(!locks->first);
    pthread_cond_destroy(&locks->given_back);
    pthread_mutex_destroy(&locks->mutex);
    free(locks);
}

/* The first request before `lock` that it may not run beside. */
static const slk_sector_lock_t *in_the_way(const slk_sector_locks_t *locks,
                                           const slk_sector_lock_t *lock)
{
    for (const slk_sector_lock_t *l = locks->first; l != lock; l = l->next) {
        if (slk_sector_id_eq(&l->sector, &lock->sector) &&
            ((l->write & (lock->read | lock->write)) || (l->read & lock->write)))
            return l;
    }
    return NULL;
}

static void unlink_lock(slk_sector_locks_t *locks, slk_sector_lock_t *lock)
{
    *(lock->prev ? &lock->prev->next : &locks->first) = lock->next;
    *(lock->next ? &lock->next->prev : &locks->last) = lock->prev;
    free(lock);
    pthread_cond_broadcast(&locks->given_back);
}

static slk_err_t refuse(const slk_sector_lock_t *lock, const slk_sector_lock_t *other,
                        slk_diag_t *diag)
{
    char name[SLK_SECTOR_NAME_MAX], types[SLK_FILE_TYPES_TEXT];
    return slk_fail(diag, SLK_ERR_BUSY, "%s: %s: %s by %s for %.0f s; wait until it is done",
                    slk_sector_name(name, &lock->sector),
                    slk_file_types_text(types, other->read | other->write),
                    other->waiting ? "asked for before" : "in use", other->owner,
                    slk_clock_seconds() - other->since);
}

/* With the mutex held. */
static slk_err_t wait_for(slk_sector_locks_t *locks, slk_sector_lock_t *lock, uint32_t wait_ms,
                          const slk_job_t *job, slk_diag_t *diag)
{
    double end = lock->since + (wait_ms == SLK_LOCK_FOREVER ? 1e18 : wait_ms / 1e3);
    for (const slk_sector_lock_t *other; (other = in_the_way(locks, lock)) != NULL;) {
        double now = slk_clock_seconds(), next = now + LOOK_MS / 1e3;
        if (slk_job_cancelled(job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        if (now >= end)
            return refuse(lock, other, diag);
        struct timespec at;
        next = next < end ? next : end;
        clock_gettime(CLOCK_MONOTONIC, &at);
        int64_t ns = at.tv_nsec + (int64_t)((next - now) * 1e9) + 1;
        at.tv_sec += ns / 1000000000;
        at.tv_nsec = ns % 1000000000;
        pthread_cond_timedwait(&locks->given_back, &locks->mutex, &at);
    }
    return SLK_OK;
}

slk_err_t slk_sector_lock(slk_sector_lock_t **lock, slk_sector_locks_t *locks,
                          const slk_sector_id_t *sector, slk_file_types_t read,
                          slk_file_types_t write, const char *owner, uint32_t wait_ms,
                          const slk_job_t *job, slk_diag_t *diag)
{
    slk_sector_lock_t *l = calloc(1, sizeof *l);
    *lock = NULL;
    if (!l)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a lock");
    *l = (slk_sector_lock_t){.sector = *sector,
                             .read = read & ~write,
                             .write = write,
                             .waiting = true,
                             .since = slk_clock_seconds()};
    strncpy(l->owner, owner, sizeof l->owner - 1);
    pthread_mutex_lock(&locks->mutex);
    l->prev = locks->last;
    *(l->prev ? &l->prev->next : &locks->first) = l;
    locks->last = l;
    slk_err_t err = wait_for(locks, l, wait_ms, job, diag);
    if (err == SLK_OK) {
        l->waiting = false;
        l->since = slk_clock_seconds();
        *lock = l;
    } else {
        unlink_lock(locks, l);
    }
    pthread_mutex_unlock(&locks->mutex);
    return err;
}

void slk_sector_unlock(slk_sector_locks_t *locks, slk_sector_lock_t *lock)
{
    if (!lock)
        return;
    pthread_mutex_lock(&locks->mutex);
    unlink_lock(locks, lock);
    pthread_mutex_unlock(&locks->mutex);
}

void slk_sector_locks_each(slk_sector_locks_t *locks,
                           void (*show)(void *ctx, const slk_sector_lock_view_t *view), void *ctx)
{
    double now = slk_clock_seconds();
    pthread_mutex_lock(&locks->mutex);
    for (const slk_sector_lock_t *l = locks->first; l; l = l->next) {
        const slk_sector_lock_view_t view = {.sector = l->sector,
                                             .read = l->read,
                                             .write = l->write,
                                             .owner = l->owner,
                                             .seconds = now - l->since,
                                             .waiting = l->waiting};
        show(ctx, &view);
    }
    pthread_mutex_unlock(&locks->mutex);
}
