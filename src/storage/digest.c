#include "storage/digest.h"

#include "base/assert.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SETS  4096u /* a power of two */
#define WAYS  8u
#define BLOCK ((size_t)1024 * 1024)

typedef struct {
    uint64_t dev, ino, size;
    struct timespec changed, modified;
} state_t;

typedef struct {
    state_t state;
    uint64_t used; /* 0: empty */
    slk_node_t sha256;
} slot_t;

struct slk_digests {
    pthread_mutex_t lock;
    uint64_t clock;
    slot_t slots[SETS][WAYS];
};

slk_err_t slk_digests_new(slk_digests_t **digests, slk_diag_t *diag)
{
    *digests = calloc(1, sizeof **digests);
    if (!*digests)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a table of digests");
    pthread_mutex_init(&(*digests)->lock, NULL);
    return SLK_OK;
}

void slk_digests_free(slk_digests_t *digests)
{
    if (!digests)
        return;
    pthread_mutex_destroy(&digests->lock);
    free(digests);
}

static state_t state_of(const struct stat *st)
{
    state_t s;
    memset(&s, 0, sizeof s); /* padding is compared, too */
    s.dev = st->st_dev;
    s.ino = st->st_ino;
    s.size = (uint64_t)st->st_size;
    s.changed.tv_sec = st->st_ctim.tv_sec;
    s.changed.tv_nsec = st->st_ctim.tv_nsec;
    s.modified.tv_sec = st->st_mtim.tv_sec;
    s.modified.tv_nsec = st->st_mtim.tv_nsec;
    return s;
}

static slot_t *set_of(slk_digests_t *digests, const state_t *s)
{
    uint64_t h = (s->ino ^ s->dev * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    return digests->slots[(h >> 40) % SETS];
}

bool slk_digest_known(slk_node_t *sha256, slk_digests_t *digests, const struct stat *st)
{
    state_t s = state_of(st);
    bool known = false;
    pthread_mutex_lock(&digests->lock);
    slot_t *set = set_of(digests, &s);
    for (unsigned i = 0; !known && i < WAYS; i++) {
        known = set[i].used && !memcmp(&set[i].state, &s, sizeof s);
        if (known) {
            set[i].used = ++digests->clock;
            *sha256 = set[i].sha256;
        }
    }
    pthread_mutex_unlock(&digests->lock);
    return known;
}

static void keep(slk_digests_t *digests, const state_t *s, const slk_node_t *sha256)
{
    pthread_mutex_lock(&digests->lock);
    slot_t *set = set_of(digests, s), *slot = set;
    for (unsigned i = 0; i < WAYS; i++) {
        bool same = set[i].used && set[i].state.dev == s->dev && set[i].state.ino == s->ino;
        if (same || set[i].used < slot->used)
            slot = &set[i];
        if (same)
            break;
    }
    slot->state = *s;
    slot->sha256 = *sha256;
    slot->used = ++digests->clock;
    pthread_mutex_unlock(&digests->lock);
}

static slk_err_t compute(slk_node_t *sha256, int fd, uint64_t size, const char *name,
                         const slk_job_t *job, slk_diag_t *diag)
{
    slk_sha256_t sha;
    slk_err_t err = SLK_OK;
    uint8_t *block = malloc(BLOCK);
    if (!block)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to read %s", name);
    slk_sha256_init(&sha);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (uint64_t at = 0; at < size;) {
        size_t len = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        SLK_TRY(slk_pread_all(fd, block, len, at, name, diag));
        slk_sha256_update(&sha, block, len);
        slk_progress_add(slk_job_progress(job), len);
        at += len;
    }
    slk_sha256_final(&sha, sha256);
out:
    free(block);
    return err;
}

slk_err_t slk_digest_sector_file(slk_node_t *sha256, slk_digests_t *digests, int fd,
                                 const char *name, const slk_job_t *job, slk_diag_t *diag)
{
    struct stat before, after;
    if (fstat(fd, &before))
        return slk_fail_errno(diag, "stat", name);
    if (slk_digest_known(sha256, digests, &before)) {
        slk_progress_add(slk_job_progress(job), (uint64_t)before.st_size);
        return SLK_OK;
    }
    slk_err_t err = compute(sha256, fd, (uint64_t)before.st_size, name, job, diag);
    if (err != SLK_OK)
        return err;
    if (fstat(fd, &after))
        return slk_fail_errno(diag, "stat", name);
    state_t a = state_of(&before), b = state_of(&after);
    if (memcmp(&a, &b, sizeof a) != 0)
        return slk_fail(diag, SLK_ERR_BUSY, "%s: changed while it was read", name);
    keep(digests, &a, sha256);
    return SLK_OK;
}
