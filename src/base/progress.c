#include "selkie/job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct slk_progress {
    pthread_mutex_t lock; /* guards view */
    slk_progress_view_t view;
    _Atomic uint64_t done;
};

slk_progress_t *slk_progress_new(void)
{
    slk_progress_t *progress = calloc(1, sizeof *progress);
    if (progress)
        pthread_mutex_init(&progress->lock, NULL);
    return progress;
}

void slk_progress_free(slk_progress_t *progress)
{
    if (!progress)
        return;
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

void slk_progress_view(slk_progress_t *progress, slk_progress_view_t *view)
{
    pthread_mutex_lock(&progress->lock);
    *view = progress->view;
    view->done = atomic_load_explicit(&progress->done, memory_order_relaxed);
    pthread_mutex_unlock(&progress->lock);
}

void slk_progress_begin(slk_progress_t *progress, const char *stage, const char *unit,
                        uint64_t total, uint64_t resumed)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    slk_progress_view_t *view = &progress->view;
    snprintf(view->stage, sizeof view->stage, "%s", stage);
    snprintf(view->unit, sizeof view->unit, "%s", unit);
    view->total = total;
    view->resumed = resumed;
    view->serial++;
    view->started = slk_clock_seconds();
    view->ended = 0;
    atomic_store_explicit(&progress->done, resumed, memory_order_relaxed);
    pthread_mutex_unlock(&progress->lock);
}

void slk_progress_add(slk_progress_t *progress, uint64_t cnt)
{
    if (progress)
        atomic_fetch_add_explicit(&progress->done, cnt, memory_order_relaxed);
}

void slk_progress_end(slk_progress_t *progress)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->view.ended = slk_clock_seconds();
    pthread_mutex_unlock(&progress->lock);
}
