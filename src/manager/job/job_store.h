#ifndef SLK_MANAGER_JOB_STORE_H
#define SLK_MANAGER_JOB_STORE_H

/* The tables `job` and `job_event`: what workers have to do. Whoever wants something done adds a
 * job in the transaction that makes him want it, by a key that makes that harmless to repeat.
 * Connections as in store/db.h.
 *
 *   add -> queued -> running -> done
 *             ^         |---> failed       the worker said so, and it is not tried again
 *             |---------|                  the lease ended, or a failure that is tried again
 *   queued or running -> failed (cancelled): a person aborted it
 *                     -> dropped: nobody wants it any more
 *
 * Fencing: each assignment counts `lease` up. What comes from a worker counts only with the
 * job's present lease and while the job is that worker's, or is queued again without another
 * having got it. So a worker that was away goes on where nobody took its job, and never beside
 * somebody who did.
 *
 * A row stays until slk_job_purge: done and failed ones at least until slk_job_drop was called
 * for their sector, which is how the sector says that it has used the result. */

#include "base/log.h"
#include "cluster/task.h"
#include "selkie/err.h"
#include "store/db.h"

#include <jansson.h>

#define SLK_JOB_KEY_MAX    120
#define SLK_JOB_WORKER_MAX 64   /* UUID or name of a worker, with the NUL */
#define SLK_JOB_ERROR_MAX  1024 /* bytes of a sentence, with the NUL */

/* The number of a job that is of no one sector (WDP). No sector has it, so slk_job_drop of a sector
 * leaves it alone; in JSON it is null. */
#define SLK_JOB_NO_SECTOR SLK_LOG_NO_SECTOR

typedef enum {
    SLK_JOB_NONE,    /* no such key */
    SLK_JOB_QUEUED,  /* for a worker to take */
    SLK_JOB_RUNNING, /* a worker has its lease */
    SLK_JOB_DONE,
    SLK_JOB_FAILED,
    SLK_JOB_DROPPED, /* nobody wants it any more */
    SLK_JOB_STATE_CNT
} slk_job_state_t;

const char *slk_job_state_name(slk_job_state_t state); /* "queued" */

typedef struct {
    const char *key; /* "t01000-5/12/PC1": the same key is the same job, for ever */
    uint64_t miner, number;
    slk_task_t task;
    int64_t seal_proof;      /* registered number */
    json_t *params;          /* borrowed; cluster/task.h */
    int64_t priority;        /* higher first; deals 1024, others 0 */
    int64_t deadline_ms;     /* useless when finished after that (ms since 1970); 0: none */
    int64_t not_before_ms;   /* 0: now */
    const char *only_worker; /* UUID; NULL: any */
} slk_job_want_t;

typedef struct {
    int64_t id;
    slk_job_state_t state;
    slk_failure_t failure; /* FAILED; QUEUED after a failed try: of that */
    char error
        [SLK_JOB_ERROR_MAX]; /* FAILED: the sentence; QUEUED: why it waits, of the last decision */
    char worker[SLK_JOB_WORKER_MAX]; /* name; empty: none */
    json_t *result;                  /* DONE; to be given back with json_decref */
    char stage[64];
    uint64_t done, total; /* as of the last ten seconds */
    int64_t started_ms, ended_ms;
    int64_t tries; /* assignments so far */
    /* What was wanted. */
    char key[SLK_JOB_KEY_MAX + 1];
    uint64_t miner, number;
    slk_task_t task;
    int64_t seal_proof, priority, deadline_ms, not_before_ms;
    int64_t created_ms;
    char worker_id[SLK_JOB_WORKER_MAX]; /* UUID */
    int64_t lease;                      /* fencing number of the last assignment; 0: none yet */
} slk_job_view_t;

SLK_CHECK_RESULT slk_err_t slk_job_migrate(slk_db_t *db, slk_diag_t *diag);

/* --- For whoever wants work done -------------------------------------------------------------- */

/* Add, or find: a key that is there gives its id again whatever became of the job. In a
 * transaction; tell slk_dispatch_wake after it. SLK_ERR_INPUT: key too long or empty. */
SLK_CHECK_RESULT slk_err_t slk_job_add(slk_db_t *db, const slk_job_want_t *want, int64_t now_ms,
                                       int64_t *id, slk_diag_t *diag);

/* What became of a key; SLK_JOB_NONE where there is none. view->result is a new reference. */
SLK_CHECK_RESULT slk_err_t slk_job_find(slk_db_t *db, const char *key, slk_job_view_t *view,
                                        slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_job_find_id(slk_db_t *db, int64_t id, slk_job_view_t *view,
                                           slk_diag_t *diag);

/* Unfinished jobs of a sector, all but the one of key `but` (NULL: all), are wanted no more, and
 * the results of its finished ones were used. In a transaction: that in which the sector left
 * the state that wanted them; slk_dispatch_wake after it. */
SLK_CHECK_RESULT slk_err_t slk_job_drop(slk_db_t *db, uint64_t miner, uint64_t number,
                                        const char *but, int64_t now_ms, slk_diag_t *diag);

/* The same of one job: it is wanted no more, or its result was used. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_job_drop_key(slk_db_t *db, const char *key, int64_t now_ms,
                                            slk_diag_t *diag);

/* How long this task took for such sectors, from assignment to result: median of the last 32
 * that were done. *found false: none was. */
SLK_CHECK_RESULT slk_err_t slk_job_typical(slk_db_t *db, slk_task_t task, int64_t seal_proof,
                                           bool *found, int64_t *ms, slk_diag_t *diag);

/* What happened to the jobs of a sector, oldest first, at most the last `max`:
 * [{"Job","Task","Time": ms,"What","Worker","Text"}]. The caller's. */
SLK_CHECK_RESULT slk_err_t slk_job_history(slk_db_t *db, uint64_t miner, uint64_t number,
                                           size_t max, json_t **list, slk_diag_t *diag);

/* --- For the dispatcher (manager/job/dispatch.h) ---------------------------------------------- */

/* A job ended (done, or failed for good): called in the transaction in which it does, so that
 * who waits for it is woken exactly when it is so. May write by db; other than SLK_OK takes the
 * end back. */
typedef struct {
    slk_err_t (*ended)(void *ctx, slk_db_t *db, const slk_job_view_t *job, int64_t now_ms,
                       slk_diag_t *diag);
    /* After that transaction, and after a job was assigned or queued again; no lock is held. */
    void (*changed)(void *ctx, uint64_t miner, uint64_t number);
    void *ctx;
} slk_job_hooks_t; /* each may be NULL */

/* Tries of one job that end in a class before it has failed for good, and the pause before the
 * next one, doubled each time up to pause_max_ms. */
typedef struct {
    int64_t tries; /* 0: any number; 1: none again */
    int64_t pause_ms, pause_max_ms;
} slk_job_retry_t;
extern const slk_job_retry_t slk_job_retries[SLK_FAILURE_CNT];

typedef enum {
    SLK_TAKEN_NOW,    /* this call did it */
    SLK_TAKEN_BEFORE, /* the same was said before, with the same effect */
    SLK_TAKEN_NOT     /* the job is not this worker's any more, or not known */
} slk_taken_t;

/* Who speaks of which job. */
typedef struct {
    int64_t id, lease;
    const char *worker; /* UUID */
} slk_job_claim_t;

/* All of these in a transaction. Give a queued job to a worker: *lease is its new number.
 * SLK_TAKEN_NOT: it is not queued any more. orders: the fields Threads, Memory, Files of
 * slk_assignment and Reserve (a list of Store and Bytes) as JSON text, kept to be sent again. */
SLK_CHECK_RESULT slk_err_t slk_job_assign(slk_db_t *db, int64_t id, const char *worker,
                                          const char *worker_name, const char *orders,
                                          int64_t now_ms, slk_taken_t *taken, int64_t *lease,
                                          slk_diag_t *diag);
/* A worker names a job that was taken from it: running again where nobody has got it. */
SLK_CHECK_RESULT slk_err_t slk_job_continue(slk_db_t *db, const slk_job_claim_t *claim,
                                            int64_t now_ms, slk_taken_t *taken, slk_diag_t *diag);
/* result: text of a JSON object; work_ms: how long the work itself took, 0: not known. */
SLK_CHECK_RESULT slk_err_t slk_job_done(slk_db_t *db, const slk_job_claim_t *claim,
                                        const char *result, size_t len, int64_t work_ms,
                                        int64_t now_ms, const slk_job_hooks_t *hooks,
                                        slk_taken_t *taken, slk_diag_t *diag);
/* Queued again or failed for good by slk_job_retries; *again which. detail (may be NULL): the
 * end of what the processor wrote. */
SLK_CHECK_RESULT slk_err_t slk_job_failed(slk_db_t *db, const slk_job_claim_t *claim,
                                          slk_failure_t failure, const char *error,
                                          const char *detail, int64_t now_ms,
                                          const slk_job_hooks_t *hooks, slk_taken_t *taken,
                                          bool *again, slk_diag_t *diag);
/* The lease ended without a word: queued again, LOST is counted. The claim stays good for
 * slk_job_continue and slk_job_done until another worker gets the job. */
SLK_CHECK_RESULT slk_err_t slk_job_lost(slk_db_t *db, const slk_job_claim_t *claim, int64_t now_ms,
                                        const slk_job_hooks_t *hooks, slk_taken_t *taken,
                                        slk_diag_t *diag);
/* A person wants no more of it: failed, CANCELLED, with this sentence. SLK_ERR_NOTFOUND;
 * SLK_ERR_STATE: it has ended. */
SLK_CHECK_RESULT slk_err_t slk_job_abort(slk_db_t *db, int64_t id, const char *why, int64_t now_ms,
                                         const slk_job_hooks_t *hooks, slk_diag_t *diag);

/* What people see of a job; no more than that. For one that is queued / running. In a
 * transaction. */
SLK_CHECK_RESULT slk_err_t slk_job_note_why(slk_db_t *db, int64_t id, const char *why,
                                            slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_job_note_progress(slk_db_t *db, int64_t id, const char *stage,
                                                 uint64_t done, uint64_t total, slk_diag_t *diag);

/* Jobs that somebody added or dropped since the last call, at most max, and their being so is
 * forgotten. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_job_take_news(slk_db_t *db, int64_t *ids, size_t max, size_t *cnt,
                                             slk_diag_t *diag);

/* A row as the dispatcher needs it; the texts are the caller's (slk_job_open_free). */
typedef struct {
    slk_job_view_t view;                  /* without result */
    char *params, *orders;                /* JSON; orders NULL: never assigned */
    char only_worker[SLK_JOB_WORKER_MAX]; /* UUID; empty: any */
    int64_t work_ms;                      /* DONE: as the worker measured it; 0: not known */
} slk_job_row_t;

/* By id. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_job_load(slk_db_t *db, int64_t id, slk_job_row_t *row,
                                        slk_diag_t *diag);
void slk_job_row_free(slk_job_row_t *row);
/* Call fn with each unfinished job (and what it takes out of the row is its own: texts set to
 * NULL), or with the last `max` done ones, newest first. */
SLK_CHECK_RESULT slk_err_t slk_job_each_open(slk_db_t *db,
                                             slk_err_t (*fn)(void *ctx, slk_job_row_t *row,
                                                             slk_diag_t *diag),
                                             void *ctx, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_job_each_done(slk_db_t *db, size_t max,
                                             slk_err_t (*fn)(void *ctx, slk_job_row_t *row,
                                                             slk_diag_t *diag),
                                             void *ctx, slk_diag_t *diag);

/* Remove rows that ended and were used (slk_job_drop) before `before_ms`, at most max. ids
 * receives them, for their outputs to be removed after the transaction. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_job_purge(slk_db_t *db, int64_t before_ms, int64_t *ids, size_t max,
                                         size_t *cnt, slk_diag_t *diag);

#endif /* SLK_MANAGER_JOB_STORE_H */
