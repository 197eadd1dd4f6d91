#include "base/work.h"

void slk_work_init(slk_work_t *work, const slk_job_t *job)
{
    work->job = job;
    atomic_init(&work->failed, false);
    pthread_mutex_init(&work->lock, NULL);
    work->err = SLK_OK;
    work->diag.text[0] = 0;
}

void slk_work_fail(slk_work_t *work, slk_err_t err, const slk_diag_t *diag)
{
    pthread_mutex_lock(&work->lock);
    if (work->err == SLK_OK) {
        work->err = err;
        if (diag)
            work->diag = *diag;
        else
            slk_fail(&work->diag, err, "%s", slk_err_text(err));
        atomic_store(&work->failed, true);
    }
    pthread_mutex_unlock(&work->lock);
}

bool slk_work_stopped(slk_work_t *work)
{
    return atomic_load_explicit(&work->failed, memory_order_relaxed) ||
           slk_job_cancelled(work->job);
}

slk_err_t slk_work_finish(slk_work_t *work, slk_diag_t *diag)
{
    slk_err_t err = work->err;
    if (err != SLK_OK) {
        if (diag)
            *diag = work->diag;
    } else if (slk_job_cancelled(work->job)) {
        err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    }
    pthread_mutex_destroy(&work->lock);
    return err;
}
