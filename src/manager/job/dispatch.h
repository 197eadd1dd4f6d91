#ifndef SLK_MANAGER_JOB_DISPATCH_H
#define SLK_MANAGER_JOB_DISPATCH_H

/* Gives jobs to workers: tables of jobs, workers and storage, a picture of them in memory, the
 * scheduler (manager/sched/sched.h), and the leases.
 *
 *   job table --wake--> picture --snapshot--> scheduler --assignments--> one transaction
 *   beats ------------> (leases, free space: memory alone)                     |
 *   beats <--------------------------- orders, which wait for their worker <---'
 *
 * The database is the truth and is written before anything is said to a worker; the picture is
 * made from it at the start and after any trouble with it. Leases and signs of life are memory
 * alone: a manager that starts gives every running job a whole lease to be named again, so that
 * kill -9 takes no job from anybody. All times that matter are this machine's monotonic clock.
 *
 * One dispatcher a database. All functions from any thread; from inside of hooks
 * slk_dispatch_wake alone. */

#include "manager/job/job_store.h"
#include "manager/job/registry.h"
#include "net/http_server.h"
#include "net/token.h"

#include <jansson.h>

typedef struct slk_dispatch slk_dispatch_t;

typedef struct {
    const char *database;                /* store/db.h */
    const char *output_dir;              /* made when it is not there: outputs of C1 jobs */
    const slk_token_key_t *transfer_key; /* signs tokens for workers' /remote; copied */
    const char *version;                 /* of the program, for people */
    int64_t beat_ms, lease_ms;           /* 0: 3,000 and 60,000 */
    int64_t trash_grace_ms;              /* of workers that say nothing themselves; 0: theirs */
    int64_t keep_ms;                     /* rows of jobs after their use; 0: seven days */
    uint32_t waits_max; /* beats that wait at a time; others are answered at once. 0: 64 */
    slk_job_hooks_t hooks;
    int64_t (*now)(void *ctx); /* ms since 1970, for tests; NULL: the system's */
    void *now_ctx;
} slk_dispatch_opts_t;

/* Opens the database, brings its tables forward, starts the thread. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_open(slk_dispatch_t **dispatch,
                                             const slk_dispatch_opts_t *opts, slk_diag_t *diag);
/* Beats that wait are answered at once from now on: before the HTTP server is freed. */
void slk_dispatch_stop(slk_dispatch_t *dispatch);
/* After the HTTP server. NULL is a no-op. */
void slk_dispatch_close(slk_dispatch_t *dispatch);

/* Jobs were added or dropped (after that transaction): looks at them soon. Cheap. */
void slk_dispatch_wake(slk_dispatch_t *dispatch);

/* --- What operators say ----------------------------------------------------------------------- */

/* worker: UUID, or a name that one worker alone has. Kept over restarts. SLK_ERR_NOTFOUND,
 * SLK_ERR_INPUT (a name of several). */
SLK_CHECK_RESULT slk_err_t slk_dispatch_wish(slk_dispatch_t *dispatch, const char *worker,
                                             slk_worker_wish_t wish, slk_diag_t *diag);
/* Forget a worker that is gone for good; what its paths held stays known. SLK_ERR_STATE: it is
 * alive. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_forget(slk_dispatch_t *dispatch, const char *worker,
                                               slk_diag_t *diag);
/* Forget a path that nobody serves any more, and what it held. SLK_ERR_STATE, SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_forget_path(slk_dispatch_t *dispatch, const char *store,
                                                    slk_diag_t *diag);
/* As slk_job_abort; a worker that has it is told at its next beat. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_abort(slk_dispatch_t *dispatch, int64_t job,
                                              const char *why, slk_diag_t *diag);

/* --- What operators see: JSON, the caller's --------------------------------------------------- */

/* [{"ID","Name","URL","Version","State": "active"|"paused"|"draining"|"leaving"|"dead","Wish","Cores","Memory",
 *   "FreeMemory","LoadMillis","NUMANodes","Tasks":[{"Task","Limit","Running"}],"Miners",
 *   "LastBeatAgoMs": null: not since this manager started,"ClockSkewMs","Jobs":[id...],"Stores":[ID...]}] */
SLK_CHECK_RESULT slk_err_t slk_dispatch_workers(slk_dispatch_t *dispatch, json_t **list,
                                                slk_diag_t *diag);

/* Unfinished jobs: [{"ID","Key","Task","Miner","Number","State","Priority","Deadline": ms or 0,"Created": ms,
 *   "Started": ms,"Worker","WorkerID","Lease","Tries","Stage","Unit","Done","Total","ElapsedMs",
 *   "TypicalMs": null: not known,"EndMs": when it
 *   will end, ms since 1970, null: not known,"Why": text of one that is queued}] */
SLK_CHECK_RESULT slk_err_t slk_dispatch_jobs(slk_dispatch_t *dispatch, json_t **list,
                                             slk_diag_t *diag);

/* As slk_storage_list with "Available" (what may be promised: null when nobody alive reported
 * it),"Used", "Usable": bool,"Err": why not. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_storage(slk_dispatch_t *dispatch, json_t **list,
                                                slk_diag_t *diag);

/* Lotus' sched-diag and a sentence for each job:
 * {"SchedInfo":{"Requests":[{"Sector":{"Miner","Number"},"TaskType","Priority","SchedId": id,"Why"}],
 *               "OpenWindows":[worker UUID...]},
 *  "ReturnedWork":[],"Waiting":[],"CallToWork":{job: key},"EarlyRet":[],
 *  "Rounds","RoundMs": of the last one,"Workers","Paths"} */
SLK_CHECK_RESULT slk_err_t slk_dispatch_sched_diag(slk_dispatch_t *dispatch, json_t **diagram,
                                                   slk_diag_t *diag);

/* What each worker says to a job that waits: [{"ID","Worker","Verdict": slk_sched_why_name,"Reason": sentence}].
 * Costs as much as a decision. SLK_ERR_NOTFOUND: it does not wait. */
SLK_CHECK_RESULT slk_err_t slk_dispatch_ask(slk_dispatch_t *dispatch, int64_t job, json_t **list,
                                            slk_diag_t *diag);

/* Why a job waits, one sentence; "" where it does not or is not known. */
void slk_dispatch_why(slk_dispatch_t *dispatch, int64_t job, char *out, size_t cap);

#endif /* SLK_MANAGER_JOB_DISPATCH_H */
