#ifndef SLK_SCHED_SCHED_H
#define SLK_SCHED_SCHED_H

/* Which job goes to which worker: a function of a snapshot and of nothing else. The same snapshot gives the
 * same answer on any machine; ties go to the smaller id of a job and the smaller index of a worker.
 *
 * Order in which jobs choose:
 *   1. tasks that give space back (negative order: FIN, GET), then the rest
 *   2. jobs that have waited for starve_ms or longer, oldest first
 *   3. priority
 *   4. time left: deadline - now - measured duration, in steps that double (a quarter of an hour, half an
 *      hour ... 16 hours; none: last), so that minutes do not decide between jobs that are due next week
 *   5. the task's order (later steps of a sector first)
 *   6. the miner that was served least for its weight
 *   7. age
 * A job that cannot end before its deadline any more is hopeless: it is not given out and reported. That is
 * when less time is left than the task was ever measured to take (eta.h); without data, nothing is hopeless
 * before its deadline itself. So is a worker too slow for it that was never seen to be quick enough.
 *
 * One job at a time has the files of a sector: as long as one is running (also one that nobody wants any more,
 * until its worker has let go of it), the sector's other jobs wait; C2 has none.
 *
 * Where a job goes: to a worker that has its files; when that one is busy, to the one where fetching is
 * cheapest, unless waiting for the former takes less time than fetching (both measured). Else to the least
 * used worker, on it to the path with the most Available * Weight. Within a round nothing is promised twice:
 * cores, memory, limits and space of an assignment are taken off for all that follow. A job that is starved or
 * due (time left below a quarter of an hour) and finds no room because of others keeps one worker free: no
 * later job of the same round goes there.
 *
 * Paused, leaving and dead workers get nothing, draining ones only jobs of sectors whose files they have; the
 * files on paused, leaving and draining ones can be fetched.
 *
 * Cost: about (jobs + workers) * log, not their product; memory a few hundred bytes a job. Sources: spec
 * lotus-miner.md 2.1 to 2.3, 3.2, 3.4, 3.8; files are accounted by storage/file_type.h. */

#include "manager/sched/eta.h"
#include "manager/sched/resources.h"

#define SLK_SCHED_NONE UINT32_MAX /* no worker, store or job */

/* --- Snapshot: everything is borrowed; indices are those of the snapshot's arrays ---------------------- */

typedef struct {
    const char *id;   /* what slk_eta_t knows it by */
    const char *name; /* for sentences */
    bool alive;       /* beats come */
    bool paused;      /* by a person: nothing new */
    bool draining;    /* by a person: nothing but what belongs to sectors whose files it has */
    bool leaving;     /* it is told to end: nothing new */
    uint32_t cores;
    uint64_t memory;                       /* bytes */
    uint64_t free_memory;                  /* as reported; 0: not known */
    const slk_resource_table_t *resources; /* NULL: the defaults */
    uint32_t limit[SLK_TASK_CNT];          /* jobs of a task at a time; 0: does not take it */
    const uint64_t *miners;                /* whose jobs it takes */
    size_t miner_cnt;                      /* 0: all */
} slk_sched_worker_t;

typedef struct {
    const char *id;
    uint64_t weight, available; /* bytes, as the worker last reported */
    uint64_t promised;          /* to running jobs, and not yet taken off `available` */
    bool can_seal, can_store, can_final;
    bool healthy;                /* reports come and name no error */
    const char *const *groups;   /* groups it is in */
    const char *const *allow_to; /* groups its files may go to; none: anywhere */
    size_t group_cnt, allow_to_cnt;
    slk_file_types_t allow_types, deny_types; /* allow 0: all */
    const uint64_t *allow_miners, *deny_miners;
    size_t allow_miner_cnt, deny_miner_cnt;
} slk_sched_store_t;

/* A store is at a worker, which serves its files at url + "/<type>/<name>". Several workers may mount one. */
typedef struct {
    uint32_t worker, store;
    const char *url; /* "http://host:port/remote" */
} slk_sched_mount_t;

/* A job that a worker has, also one whose assignment it has not heard of yet. */
typedef struct {
    int64_t id;
    uint32_t worker;
    slk_task_t task;
    uint64_t miner, number, sector_sz;
    int64_t started_ms;
    uint64_t done, total; /* progress; total 0: not known */
} slk_sched_running_t;

typedef struct {
    slk_file_types_t type; /* one */
    uint32_t store;
    uint64_t bytes; /* on the disk; 0: not known */
} slk_sched_file_t;

typedef struct {
    int64_t id;
    slk_task_t task;
    uint64_t miner, number, sector_sz;
    int64_t priority;        /* higher first */
    int64_t created_ms;      /* since when it waits */
    int64_t deadline_ms;     /* 0: none */
    int64_t not_before_ms;   /* 0: now */
    const char *only_worker; /* id; NULL: any */
    const char
        *avoid; /* id of a worker that gets it only if no other can take it, because it failed
                          there in a way that another one may not; NULL: none */
    size_t first_file, file_cnt; /* of the sector, all types it has anywhere */
} slk_sched_job_t;

/* How much a miner was given so far: what `miners` of the last result said. Absent ones start level with the
 * least served. */
typedef struct {
    uint64_t miner;
    uint32_t weight; /* share; 0 counts as 1 */
    uint64_t served; /* worker-milliseconds: part of a worker times duration */
} slk_sched_miner_t;

typedef struct {
    int64_t now_ms;
    int64_t starve_ms;    /* 0: a day */
    const slk_eta_t *eta; /* NULL: nothing is measured */
    const slk_sched_worker_t *workers;
    const slk_sched_store_t *stores;
    const slk_sched_mount_t *mounts;
    const slk_sched_running_t *running;
    const slk_sched_job_t *jobs;
    const slk_sched_file_t *files;
    const slk_sched_miner_t *miners;
    size_t worker_cnt, store_cnt, mount_cnt, running_cnt, job_cnt, file_cnt, miner_cnt;
} slk_sched_snapshot_t;

/* --- Result ------------------------------------------------------------------------------------------- */

typedef enum { SLK_SCHED_EXISTING, SLK_SCHED_MAKE, SLK_SCHED_FETCH } slk_sched_use_t;

const char *slk_sched_use_name(slk_sched_use_t use); /* "existing": protocol.h, slk_job_file */

/* What becomes of one type of file. */
typedef struct {
    slk_file_types_t type;
    slk_sched_use_t use;
    uint32_t store;   /* where it is or will be */
    uint32_t from;    /* FETCH from another path of the same worker; else SLK_SCHED_NONE */
    bool move;        /* FETCH: then remove it where it came from */
    uint64_t reserve; /* bytes promised in `store` */
    uint32_t first_source, source_cnt; /* FETCH from other workers: of result->sources */
} slk_sched_plan_t;

typedef struct {
    uint32_t job, worker;
    uint32_t threads; /* 0: none counted */
    uint64_t memory;  /* bytes: min + base */
    uint32_t first_plan,
        plan_cnt; /* of result->plans; sum of `reserve` by store is the reservation */
} slk_sched_assignment_t;

/* Why a job waits. The numbers a, b, worker, store, other mean what the row says. */
#define SLK_SCHED_WHYS(X)                                                                          \
    X(ASSIGNED, "assigned")   /* to worker */                                                      \
    X(LATER, "later")         /* not before: a ms from now */                                      \
    X(HOPELESS, "hopeless")   /* a ms left (negative: passed), b ms needed */                      \
    X(SECTOR, "sector")       /* worker has the sector's files for job `other` */                  \
    X(NO_WORKER, "no worker") /* none is connected */                                              \
    X(NO_TASK, "no task")     /* no worker takes it (for this miner); a: paused ones that do */    \
    X(ONLY_WORKER,                                                                                 \
      "only worker")      /* the one worker it is for cannot; a: 0 unknown, 1 not connected,  \
                                     2 paused, 3 draining, 4 does not take the task, 6 leaving */    \
    X(NO_FILE, "no file") /* type a is nowhere */                                                  \
    X(HOLDER, "holder")   /* worker has its file of type a and gets nothing; b: 1 not connected, \
                                     2 paused, 3 draining, 4 does not take the task, 5 its path has an error, 6 leaving */ \
    X(NO_ROUTE,                                                                                    \
      "no route") /* Groups and AllowTo let type a out of store to no path that could take it */   \
    X(NO_PATH, "no path")   /* no worker that could take it has a path for type a; b: path use */  \
    X(SPACE, "space")       /* needs a bytes; most free: b in store at worker */                   \
    X(TOO_BIG, "too big")   /* needs a bytes of memory; the largest worker has b */                \
    X(LIMIT, "limit")       /* worker runs its a jobs of the task, until job `other` in b ms */    \
    X(CORES, "cores")       /* worker has a of the needed cores, until job `other` in b ms */      \
    X(MEMORY, "memory")     /* worker has a bytes, until job `other` in b ms */                    \
    X(KEPT, "kept")         /* worker is kept free for job `other` */                              \
    X(NEARER, "nearer")     /* worker has its files and is free in a ms; fetching takes b ms */    \
    X(TOO_SLOW, "too slow") /* worker would need b ms, a are left; faster ones are busy */

typedef enum {
#define SLK_X(id, name) SLK_SCHED_##id,
    SLK_SCHED_WHYS(SLK_X)
#undef SLK_X
        SLK_SCHED_WHY_CNT
} slk_sched_why_t;

const char *slk_sched_why_name(slk_sched_why_t why);

/* One for each job of the snapshot. */
typedef struct {
    slk_sched_why_t why;
    uint32_t worker, store;   /* indices; SLK_SCHED_NONE */
    int64_t a, b;             /* b of the ETAs: SLK_ETA_UNKNOWN */
    int64_t other;            /* id of a running, just assigned or queued job; 0: none */
    uint32_t turn;            /* place in the order in which jobs chose, from 0 */
    uint32_t ahead;           /* jobs that wait for the same task and choose before this one */
    int64_t start_ms, end_ms; /* when it will start and end (ms since 1970); SLK_ETA_UNKNOWN */
} slk_sched_explain_t;

typedef struct {
    slk_sched_assignment_t *assignments; /* in the order in which they were made */
    slk_sched_plan_t *plans;
    uint32_t *sources;             /* indices of mounts */
    slk_sched_explain_t *explains; /* job_cnt */
    slk_sched_miner_t *miners;     /* what they were served now, ascending by miner */
    size_t assignment_cnt, plan_cnt, source_cnt, miner_cnt;
    size_t hopeless_cnt;
} slk_sched_result_t;

/* Decide. Indices out of range and tasks that do not exist are bugs of the caller. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_sched_decide(slk_sched_result_t *result,
                                            const slk_sched_snapshot_t *in, slk_diag_t *diag);
void slk_sched_free(slk_sched_result_t *result); /* harmless on a zeroed one */

/* What each worker says to one job after the round, all others of it being given out: worker_cnt answers,
 * ASSIGNED where it could go. For people: it costs as much as preparing a round. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_sched_ask(slk_sched_explain_t *answers,
                                         const slk_sched_snapshot_t *in,
                                         const slk_sched_result_t *result, uint32_t job,
                                         slk_diag_t *diag);

/* The sentence of a job's explanation, without a full stop, such as
 * "needs 896 MiB in a sealing path; most free: 120 MiB in 1f3a at w1". Returns out. */
#define SLK_SCHED_TEXT 512
char *slk_sched_text(char out[SLK_SCHED_TEXT], const slk_sched_snapshot_t *in, uint32_t job,
                     const slk_sched_explain_t *explain);

#endif /* SLK_SCHED_SCHED_H */
