#ifndef SLK_BASE_WORK_H
#define SLK_BASE_WORK_H

/* The outcome of work shared by many threads: the first failure wins, the others see it and stop.
 */

#include "selkie/job.h"

#include <pthread.h>

typedef struct {
    const slk_job_t *job; /* borrowed, may be NULL */
    atomic_bool failed;
    pthread_mutex_t lock; /* guards err and diag */
    slk_err_t err;
    slk_diag_t diag;
} slk_work_t;

void slk_work_init(slk_work_t *work, const slk_job_t *job);

/* Record a failure; diag NULL: the class's text. Later ones are dropped. */
void slk_work_fail(slk_work_t *work, slk_err_t err, const slk_diag_t *diag);

/* True when a thread failed or the job was cancelled: leave soon. */
bool slk_work_stopped(slk_work_t *work);

/* After all threads are done: the outcome (SLK_ERR_CANCELLED when only the job said stop). Ends
 * work. */
slk_err_t slk_work_finish(slk_work_t *work, slk_diag_t *diag);

#endif /* SLK_BASE_WORK_H */
