#ifndef SELKIE_JOB_H
#define SELKIE_JOB_H

/* How a long computation runs: on which threads, who watches it, who may stop it. */

#include "selkie/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* --- Threads ------------------------------------------------------------------------------- */

/* A fixed set of threads that run parallel loops. */
typedef struct slk_pool slk_pool_t;

/* A pool of `threads` threads, the caller's own included; 0 means all the CPUs this process may
 * use. At most 1024. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_pool_new(slk_pool_t **pool, unsigned threads,
                                                slk_diag_t *diag);

/* End the threads. NULL is a no-op. No loop may be running. */
SLK_API void slk_pool_free(slk_pool_t *pool);

/* Number of threads that take part in a loop, the caller included; 1 for NULL. */
SLK_API unsigned slk_pool_threads(const slk_pool_t *pool);

/* Call fn(ctx, begin, end) over disjoint ranges that cover [0, cnt), each at most `grain` long, on
 * all threads; returns when all are done. pool NULL: on the calling thread. One loop at a time a
 * pool, and not from inside a loop: a caller bug that asserts. The ranges may run in any order. */
typedef void slk_pool_fn_t(void *ctx, uint64_t begin, uint64_t end);
SLK_API void slk_pool_for(slk_pool_t *pool, uint64_t cnt, uint64_t grain, slk_pool_fn_t *fn,
                          void *ctx);

/* --- Progress and cancelling --------------------------------------------------------------- */

/* Shared counters between a computation and whoever shows them. All functions are thread-safe. */
typedef struct slk_progress slk_progress_t;

typedef struct {
    char stage[64];   /* "PC1 layer 3 of 11", "tree_c"; empty before the first stage */
    char unit[16];    /* "B", "labels", "hashes" */
    uint64_t done;    /* of the present stage */
    uint64_t total;   /* 0: unknown */
    uint64_t resumed; /* part of done that was there when the stage began: not speed */
    uint64_t serial;  /* grows by one a stage */
    double started;   /* slk_clock_seconds() at the stage's beginning */
    double ended;     /* the same at its end, 0 while it runs */
} slk_progress_view_t;

SLK_API slk_progress_t *slk_progress_new(void);
SLK_API void slk_progress_free(slk_progress_t *progress);
SLK_API void slk_progress_view(slk_progress_t *progress, slk_progress_view_t *view);

/* Called by computations; a NULL progress is a no-op. */
SLK_API void slk_progress_begin(slk_progress_t *progress, const char *stage, const char *unit,
                                uint64_t total, uint64_t resumed);
SLK_API void slk_progress_add(slk_progress_t *progress, uint64_t cnt);
SLK_API void slk_progress_end(slk_progress_t *progress);

/* Monotonic clock in seconds. */
SLK_API double slk_clock_seconds(void);

/* What a long computation borrows for its duration; a zeroed one is fine: one thread, nobody
 * watches. */
typedef struct {
    slk_pool_t *pool;
    slk_progress_t *progress;
    const atomic_bool *cancel; /* when true, the computation leaves soon with SLK_ERR_CANCELLED */
} slk_job_t;

/* What a job (may be NULL) brings; NULL is fine for whatever takes a pool or a progress. */
static inline slk_pool_t *slk_job_pool(const slk_job_t *job)
{
    return job ? job->pool : NULL;
}

static inline slk_progress_t *slk_job_progress(const slk_job_t *job)
{
    return job ? job->progress : NULL;
}

/* True when job (may be NULL) asks to stop. */
static inline bool slk_job_cancelled(const slk_job_t *job)
{
    return job && job->cancel && atomic_load_explicit(job->cancel, memory_order_relaxed);
}

#endif /* SELKIE_JOB_H */
