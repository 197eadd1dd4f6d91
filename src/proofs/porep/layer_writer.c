#include "proofs/porep/layer_writer.h"

#include "base/file.h"
#include "selkie/job.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_NODES   UINT64_C(32768) /* 1 MiB a write */
#define LOOK_SECONDS 0.05            /* how often new labels are looked for */

/* Hash and write what is new; returns when it has caught up with `done` as it is then. */
static slk_err_t writer_follow(slk_layer_writer_t *w)
{
    uint64_t done = atomic_load_explicit(&w->done, memory_order_acquire);
    while (w->hashed < done) {
        uint64_t cnt = done - w->hashed < STEP_NODES ? done - w->hashed : STEP_NODES;
        const slk_node_t *from = w->labels + w->hashed;
        slk_sha256_update(&w->sha, from, cnt * sizeof *from);
        if (!w->mapped) {
            slk_err_t err = slk_pwrite_all(w->fd, from, cnt * sizeof *from,
                                           w->hashed * sizeof *from, w->path, &w->diag);
            if (err != SLK_OK)
                return err;
        }
        w->hashed += cnt;
    }
    return SLK_OK;
}

static slk_err_t writer_checkpoint(slk_layer_writer_t *w)
{
    slk_err_t err = writer_follow(w);
    if (err != SLK_OK)
        return err;
    /* Also writes back the pages of a shared map. */
    if (fdatasync(w->fd))
        return slk_fail_errno(&w->diag, "sync", w->path);
    slk_sha256_t sha = w->sha;
    slk_node_t digest;
    slk_sha256_final(&sha, &digest);
    return w->checkpoint ? w->checkpoint(w->ctx, w->hashed, &digest, &w->diag) : SLK_OK;
}

/* True when the labelling has ended. */
static bool writer_sleep(slk_layer_writer_t *w, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&w->lock);
    if (!w->ending)
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
    bool ending = w->ending;
    pthread_mutex_unlock(&w->lock);
    return ending;
}

static void *writer_main(void *arg)
{
    slk_layer_writer_t *w = arg;
    /* A checkpoint itself takes time, and work goes on meanwhile: begin early enough. */
    double interval = w->seconds * 0.7;
    double look = interval < LOOK_SECONDS ? interval : LOOK_SECONDS;
    double last = slk_clock_seconds();
    while (w->err == SLK_OK && !writer_sleep(w, look)) {
        w->err = writer_follow(w);
        if (w->err == SLK_OK && w->checkpoint && slk_clock_seconds() - last >= interval) {
            last = slk_clock_seconds();
            w->err = writer_checkpoint(w);
        }
    }
    if (w->err != SLK_OK)
        atomic_store(&w->stop, true);
    return NULL;
}

slk_err_t slk_layer_writer_start(slk_layer_writer_t *w, slk_diag_t *diag)
{
    atomic_init(&w->done, w->hashed);
    atomic_init(&w->stop, false);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->ending = false;
    w->err = SLK_OK;
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc)
        return slk_fail(diag, SLK_ERR_NOMEM, "cannot start a thread: %s", strerror(rc));
    return SLK_OK;
}

slk_err_t slk_layer_writer_finish(slk_layer_writer_t *w, uint64_t nodes, slk_node_t *sha256,
                                  slk_diag_t *diag)
{
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    if (w->err == SLK_OK) {
        w->err = writer_follow(w);
        if (w->err == SLK_OK && w->hashed == nodes) {
            if (fsync(w->fd))
                w->err = slk_fail_errno(&w->diag, "sync", w->path);
        } else if (w->err == SLK_OK) {
            w->err = writer_checkpoint(w);
        }
    }
    if (w->err != SLK_OK) {
        if (diag)
            *diag = w->diag;
        return w->err;
    }
    if (sha256) {
        slk_sha256_t sha = w->sha;
        slk_sha256_final(&sha, sha256);
    }
    return SLK_OK;
}
