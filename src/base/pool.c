/* Parallel loops: a generation counter starts the threads, an atomic cursor hands out ranges. */
#include "base/assert.h"
#include "selkie/job.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 1024u

struct slk_pool {
    unsigned threads; /* the caller included */
    unsigned started; /* pthreads in `ids` */
    pthread_t *ids;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    uint64_t generation; /* under lock: one more each loop */
    unsigned running;    /* under lock: threads still in the present loop */
    bool stop;           /* under lock */
    atomic_bool busy;
    /* The present loop; written before `generation` grows, read after. */
    slk_pool_fn_t *fn;
    void *ctx;
    uint64_t cnt, grain;
    _Atomic uint64_t cursor;
};

static void pool_take(slk_pool_t *pool)
{
    for (;;) {
        uint64_t begin =
            atomic_fetch_add_explicit(&pool->cursor, pool->grain, memory_order_relaxed);
        if (begin >= pool->cnt)
            return;
        uint64_t left = pool->cnt - begin;
        pool->fn(pool->ctx, begin, begin + (left < pool->grain ? left : pool->grain));
    }
}

static void *pool_main(void *arg)
{
    slk_pool_t *pool = arg;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stop && pool->generation == seen)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->lock);
        pool_take(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static unsigned usable_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    return 1;
}

slk_err_t slk_pool_new(slk_pool_t **out, unsigned threads, slk_diag_t *diag)
{
    *out = NULL;
    if (!threads)
        threads = usable_cpus();
    if (threads > THREADS_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "%u threads asked for, at most %u are possible",
                        threads, THREADS_MAX);
    slk_pool_t *pool = calloc(1, sizeof *pool);
    pthread_t *ids = calloc(threads, sizeof *ids);
    if (!pool || !ids) {
        free(pool);
        free(ids);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %u threads", threads);
    }
    pool->ids = ids;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (unsigned i = 1; i < threads; i++) {
        int rc = pthread_create(&pool->ids[pool->started], NULL, pool_main, pool);
        if (rc) {
            slk_pool_free(pool);
            return slk_fail(diag, SLK_ERR_NOMEM, "cannot start thread %u of %u: %s", i + 1, threads,
                            strerror(rc));
        }
        pool->started++;
    }
    *out = pool;
    return SLK_OK;
}

void slk_pool_free(slk_pool_t *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    SLK_ASSERT(pool->running == 0);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->ids);
    free(pool);
}

unsigned slk_pool_threads(const slk_pool_t *pool)
{
    return pool ? pool->threads : 1;
}

void slk_pool_for(slk_pool_t *pool, uint64_t cnt, uint64_t grain, slk_pool_fn_t *fn, void *ctx)
{
    if (!cnt)
        return;
    if (!grain)
        grain = 1;
    if (!pool || pool->threads == 1 || cnt <= grain) {
        for (uint64_t begin = 0; begin < cnt; begin += grain)
            fn(ctx, begin, begin + (cnt - begin < grain ? cnt - begin : grain));
        return;
    }
    SLK_ASSERT(!atomic_exchange(&pool->busy, true));
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->ctx = ctx;
    pool->cnt = cnt;
    pool->grain = grain;
    atomic_store_explicit(&pool->cursor, 0, memory_order_relaxed);
    pool->running = pool->started;
    pool->generation++;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    pool_take(pool);
    pthread_mutex_lock(&pool->lock);
    while (pool->running)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->busy, false);
}

double slk_clock_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}
