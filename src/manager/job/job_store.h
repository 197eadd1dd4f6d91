#ifndef SLK_MANAGER_JOB_STORE_H
#define SLK_MANAGER_JOB_STORE_H

/* The table `job`: what workers have to do. Whoever wants something done adds a job in the transaction that
 * makes him want it, by a key that makes that harmless to repeat. Connections as in store/db.h. */

#include "cluster/task.h"
#include "selkie/err.h"
#include "store/db.h"

#include <jansson.h>

#define SLK_JOB_KEY_MAX 120

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
    const char *only_worker; /* NULL: any */
} slk_job_want_t;

typedef struct {
    int64_t id;
    slk_job_state_t state;
    slk_failure_t failure; /* FAILED */
    char error[1024];      /* FAILED: the sentence; QUEUED: why it waits, of the last decision */
    char worker[64];       /* name; empty: none */
    json_t *result;        /* DONE; to be given back with json_decref */
    char stage[64];
    uint64_t done, total;
    int64_t started_ms, ended_ms;
    int64_t tries; /* assignments so far */
} slk_job_view_t;

SLK_CHECK_RESULT slk_err_t slk_job_migrate(slk_db_t *db, slk_diag_t *diag);

/* Add, or find: a key that is there gives its id again whatever became of the job. In a transaction. */
SLK_CHECK_RESULT slk_err_t slk_job_add(slk_db_t *db, const slk_job_want_t *want, int64_t now_ms,
                                       int64_t *id, slk_diag_t *diag);

/* What became of a key; SLK_JOB_NONE where there is none. view->result is a new reference. */
SLK_CHECK_RESULT slk_err_t slk_job_find(slk_db_t *db, const char *key, slk_job_view_t *view,
                                        slk_diag_t *diag);

/* Unfinished jobs of a sector, all but the one of key `but` (NULL: all), are wanted no more. In a
 * transaction: that in which the sector left the state that wanted them. */
SLK_CHECK_RESULT slk_err_t slk_job_drop(slk_db_t *db, uint64_t miner, uint64_t number,
                                        const char *but, int64_t now_ms, slk_diag_t *diag);

#endif /* SLK_MANAGER_JOB_STORE_H */
