#ifndef SLK_SCHED_ETA_H
#define SLK_SCHED_ETA_H

/* How long tasks take, from measured durations: the median of the last SLK_ETA_KEEP of one task, size and
 * worker. Without data the answer is "unknown", never a guess. Not shared between threads. */

#include "cluster/task.h"
#include "selkie/err.h"

#define SLK_ETA_KEEP    15
#define SLK_ETA_UNKNOWN INT64_C(-1)

typedef struct slk_eta slk_eta_t;

SLK_CHECK_RESULT slk_err_t slk_eta_new(slk_eta_t **eta, slk_diag_t *diag);
void slk_eta_free(slk_eta_t *eta); /* NULL is a no-op */

/* A task of a sector of this size ended well on worker `id` after so many milliseconds of work (waiting and
 * fetching not counted). Negative durations are dropped. */
SLK_CHECK_RESULT slk_err_t slk_eta_add(slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                                       const char *worker, int64_t ms, slk_diag_t *diag);

/* Bytes of sector files came to a worker in so many milliseconds: for the cost of fetching. */
SLK_CHECK_RESULT slk_err_t slk_eta_add_fetch(slk_eta_t *eta, uint64_t bytes, int64_t ms,
                                             slk_diag_t *diag);

/* Median in milliseconds for a worker, or with NULL of all workers; when that worker has none the one of
 * all. SLK_ETA_UNKNOWN. */
int64_t slk_eta_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz, const char *worker);

/* The shortest of those measurements: what the task cannot be expected to beat. Of the worker alone (NULL: of
 * all together). SLK_ETA_UNKNOWN. */
int64_t slk_eta_least_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                         const char *worker);

/* True when the worker itself was measured. */
bool slk_eta_measured(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                      const char *worker);

/* Milliseconds to fetch so many bytes at the median rate; SLK_ETA_UNKNOWN. */
int64_t slk_eta_fetch_ms(const slk_eta_t *eta, uint64_t bytes);

/* When a running task ends: from what is done of it, when that is enough to tell (a twentieth), else from
 * the median. At least now_ms; SLK_ETA_UNKNOWN. */
int64_t slk_eta_end_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                       const char *worker, int64_t started_ms, uint64_t done, uint64_t total,
                       int64_t now_ms);

/* The same with the median, or SLK_ETA_UNKNOWN. */
int64_t slk_eta_end_of(int64_t median, int64_t started_ms, uint64_t done, uint64_t total,
                       int64_t now_ms);

/* "~3 min", "~2 h 10 min", "an unknown time". Returns out. */
#define SLK_ETA_TEXT 40
char *slk_eta_text(char out[SLK_ETA_TEXT], int64_t ms);

#endif /* SLK_SCHED_ETA_H */
