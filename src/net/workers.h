#ifndef SLK_NET_WORKERS_H
#define SLK_NET_WORKERS_H

/* Threads that run tasks which may block: made when all are busy, up to a limit, and gone after ten
 * idle seconds. Tasks beyond wait in a queue. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct slk_workers slk_workers_t;
typedef void slk_worker_fn_t(void *ctx);

/* thread_max threads, queue_max tasks waiting. */
SLK_CHECK_RESULT slk_err_t slk_workers_new(slk_workers_t **workers, uint32_t thread_max,
                                           uint32_t queue_max, slk_diag_t *diag);

/* Run fn(ctx) in a thread. False, and fn is not called, when the queue is full, memory is short or
 * slk_workers_stop has begun. */
bool slk_workers_run(slk_workers_t *workers, slk_worker_fn_t *fn, void *ctx);

/* Wait for all tasks and threads; no more are taken. NULL is a no-op. */
void slk_workers_stop(slk_workers_t *workers);
/* Stop; nobody may call slk_workers_run any more. NULL is a no-op. */
void slk_workers_free(slk_workers_t *workers);

#endif /* SLK_NET_WORKERS_H */
