#include "net/workers.h"

#include "net/net.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define IDLE_SECONDS 10
#define STACK_BYTES  ((size_t)1 << 20)

typedef struct task {
    struct task *next;
    slk_worker_fn_t *fn;
    void *ctx;
} task_t;

struct slk_workers {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t more;  /* a task came, or closing */
    pthread_cond_t less;  /* a task or a thread ended */
    task_t *first, **last;
    uint32_t queued, queue_max;
    uint32_t threads, thread_max, idle, busy;
    bool closing;
};

slk_err_t slk_workers_new(slk_workers_t **out, uint32_t thread_max, uint32_t queue_max,
                          slk_diag_t *diag)
{
    slk_workers_t *w = *out = calloc(1, sizeof *w);
    if (!w)
        return slk_fail(diag, SLK_ERR_NOMEM, "handler threads: out of memory");
    pthread_mutex_init(&w->lock, NULL);
    slk_net_cond_init(&w->more);
    slk_net_cond_init(&w->less);
    w->last = &w->first;
    w->thread_max = thread_max;
    w->queue_max = queue_max;
    return SLK_OK;
}

/* The next task, NULL when the thread is to end. */
static task_t *next_task(slk_workers_t *w)
{
    struct timespec until = slk_net_after_ms(IDLE_SECONDS * 1000);
    while (!w->first) {
        if (w->closing)
            return NULL;
        w->idle++;
        int rc = pthread_cond_timedwait(&w->more, &w->lock, &until);
        w->idle--;
        if (rc == ETIMEDOUT && !w->first)
            return NULL;
    }
    task_t *task = w->first;
    w->first = task->next;
    if (!w->first)
        w->last = &w->first;
    w->queued--;
    return task;
}

static void *work(void *ctx)
{
    slk_workers_t *w = ctx;
    task_t *task;
    pthread_mutex_lock(&w->lock);
    while ((task = next_task(w))) {
        w->busy++;
        pthread_mutex_unlock(&w->lock);
        task->fn(task->ctx);
        free(task);
        pthread_mutex_lock(&w->lock);
        w->busy--;
        if (!w->busy && !w->queued)
            pthread_cond_broadcast(&w->less);
    }
    w->threads--;
    pthread_cond_broadcast(&w->less);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* A detached thread with all signals blocked, so that they go to the program's own threads. */
static bool start_thread(slk_workers_t *w)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&thread, &attr, work, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

bool slk_workers_run(slk_workers_t *w, slk_worker_fn_t *fn, void *ctx)
{
    task_t *task = malloc(sizeof *task);
    if (!task)
        return false;
    *task = (task_t){.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&w->lock);
    bool ok = !w->closing && w->queued < w->queue_max;
    if (ok && w->idle <= w->queued && w->threads < w->thread_max) {
        /* Every waiting thread has its task already. */
        if (start_thread(w))
            w->threads++;
        else
            ok = w->threads > 0;
    }
    if (ok) {
        *w->last = task;
        w->last = &task->next;
        w->queued++;
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        free(task);
    return ok;
}

void slk_workers_stop(slk_workers_t *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->more);
    while (w->threads)
        pthread_cond_wait(&w->less, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void slk_workers_free(slk_workers_t *w)
{
    if (!w)
        return;
    slk_workers_stop(w);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->less);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
