#ifndef SLK_WORKER_WORKER_IMPL_H
#define SLK_WORKER_WORKER_IMPL_H

/* What the parts of a running worker share.
 *
 *   main thread    register, then beats: carries progress out and orders in          worker.c
 *   one a job      waits for the manager's word and for a free place, prepares the
 *                  files, does the task, keeps the result, reports until acknowledged  job.c
 *   one a path     how it is                                                         stores.c
 *   the server's   /remote and /rpc/v0                                               server.c
 *   declarer       what lies in the paths, when that may be news                     declare.c */

#include "net/jsonrpc_server.h"
#include "storage/remote_server.h"
#include "worker/cores.h"
#include "worker/link.h"
#include "worker/stores.h"
#include "worker/worker.h"

#include <pthread.h>

#define SLK_JOB_ARENA_MAX ((size_t)64 << 20) /* bytes of an assignment and its result */
#define SLK_SESSION_MAX   SLK_STORAGE_ID_MAX

typedef struct slk_worker slk_worker_t;
typedef struct slk_vanilla_server slk_vanilla_server_t; /* post_impl.h */

typedef enum {
    SLK_WJOB_HELD,    /* from an earlier run: not before the manager has said that it is ours */
    SLK_WJOB_WAITING, /* for a place among the jobs of its task */
    SLK_WJOB_RUNNING,
    SLK_WJOB_ENDED /* its result is on the disk and is to be reported */
} slk_wjob_state_t;

/* A job that the worker has. Fields behind the line are guarded by worker->mutex. */
typedef struct slk_wjob {
    slk_worker_t *worker;
    slk_arena_t arena;
    slk_assignment_t a; /* constant, but for the lease below */
    slk_task_t task;
    slk_sector_id_t sector;
    slk_job_dir_t dir;
    slk_progress_t *progress; /* of what runs in this process */
    atomic_bool cancel;       /* what runs shall stop: unwanted, or the worker ends */
    pthread_t thread;
    /* --- */
    struct slk_wjob *next;
    slk_wjob_state_t state;
    uint64_t lease;
    bool unwanted;            /* the manager has taken it away */
    bool over;                /* its thread is about to end: join */
    bool in_processor;        /* progress is `view` */
    slk_progress_view_t view; /* of a processor */
    double reserved_at;       /* when its space was taken off; 0: not (yet) */
    bool reserves;            /* it takes space at all */
    double started;           /* slk_clock_seconds when it began to run; 0: not yet */
    int pid;                  /* of its processor; 0: none */
    char cpus[128];
    char error[512]; /* why the last attempt to report failed */
} slk_wjob_t;

/* A started processor without a job. */
typedef struct slk_idle {
    struct slk_idle *next;
    slk_processor_t *processor;
    char *stage, *cpus;
    double since;
} slk_idle_t;

struct slk_worker {
    const slk_worker_opts_t *opts;
    const atomic_bool *stop;
    atomic_bool stop_here; /* asked for over the API */
    slk_worker_repo_t repo;
    char session[SLK_SESSION_MAX];
    char name[256], version[64];
    char url[300], remote_url[320]; /* of its server; of its files */
    double started;
    uint64_t memory;
    unsigned numa_nodes;
    slk_local_paths_t *paths;
    slk_sector_locks_t *locks;
    slk_stores_t *stores;
    slk_cores_t cores;
    slk_http_client_t *client; /* manager and peers */
    slk_link_t link;
    pthread_t declarer;
    bool declarer_runs;
    slk_remote_server_t *remote;
    slk_vanilla_server_t *vanilla;
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    uint16_t port;

    pthread_mutex_t mutex;
    pthread_cond_t cond; /* monotonic; whenever something below changes */
    slk_wjob_t *jobs;
    unsigned running[SLK_TASK_CNT];
    slk_idle_t *idle;
    slk_token_key_t key; /* signs tokens for /remote */
    bool has_key;
    bool registered; /* at least once */
    bool connected, paused, draining, leaving;
    bool ending;          /* jobs shall end: the worker is told to stop */
    atomic_bool no_calls; /* stops what waits for the manager */
    unsigned beats;       /* answered since registered: paths are known to the manager after one */
    bool declarer_stop;
    bool reload;    /* asked for over the API */
    bool own_grace; /* of the trash: set here, not by the manager */
    uint32_t beat_ms, lease_ms;
};

static inline void slk_worker_lock(slk_worker_t *w)
{
    pthread_mutex_lock(&w->mutex);
}
static inline void slk_worker_unlock(slk_worker_t *w)
{
    pthread_mutex_unlock(&w->mutex);
}
/* Wait for a change up to ms; mutex held. False: the time is over. */
bool slk_worker_wait(slk_worker_t *w, uint32_t ms);
/* Something changed; mutex held. */
void slk_worker_changed(slk_worker_t *w);

unsigned slk_worker_limit(const slk_worker_opts_t *opts, slk_task_t task);

/* --- job.c ---------------------------------------------------------------------------------- */

/* Jobs of an earlier run: those that ended are reported, others wait for the manager's word. */
SLK_CHECK_RESULT slk_err_t slk_wjobs_restore(slk_worker_t *w, slk_diag_t *diag);
/* What came with a beat's answer. */
void slk_wjobs_start(slk_worker_t *w, const slk_assignment_t *a);
void slk_wjobs_cancel(slk_worker_t *w, uint64_t id);
/* A beat that named these jobs was answered, and they were not taken away: they may run. */
void slk_wjobs_confirm(slk_worker_t *w, const slk_job_progress_list_t *named);
/* Join threads that are over. all: wait for them, up to `seconds`. True: none is left. */
bool slk_wjobs_reap(slk_worker_t *w, bool all, double seconds);
/* Tell all to stop. */
void slk_wjobs_stop(slk_worker_t *w);
/* What a beat says of them, into the arena. */
SLK_CHECK_RESULT slk_err_t slk_wjobs_progress(slk_job_progress_list_t *list, slk_worker_t *w,
                                              slk_arena_t *arena, slk_diag_t *diag);
/* Whether a running job has been told that nobody wants it. */
bool slk_wjob_unwanted(slk_wjob_t *job);

/* --- task.c --------------------------------------------------------------------------------- */

/* An attempt at a job: from its files to its result. */
typedef struct {
    slk_worker_t *w;
    slk_wjob_t *job;
    slk_porep_t porep;
    slk_job_t slk_job;                          /* progress and cancel */
    slk_file_types_t has;                       /* of which path and store are filled */
    char path[SLK_FT_CNT][SLK_SECTOR_PATH_MAX]; /* by slk_file_type_index */
    char store[SLK_FT_CNT][SLK_STORAGE_ID_MAX];
    json_t *params;  /* of the assignment */
    json_t *result;  /* filled by the task */
    bool has_output; /* output.json is there */
    slk_held_file_t made[2 * SLK_FT_CNT], *gone;
    size_t made_cnt, gone_cnt, gone_room;
    slk_failure_t failure; /* of an error: TEMPORARY unless somebody said more */
    bool failure_set;
    char *stderr_tail; /* malloc'ed; NULL: none */
    slk_reservation_t *reservations[SLK_FT_CNT + 1];
    size_t reservation_cnt;
    uint64_t fetched_bytes; /* from other workers */
    double fetch_seconds;
} slk_attempt_t;

/* Do it all. On errors attempt->failure says how it failed, *diag why. */
SLK_CHECK_RESULT slk_err_t slk_attempt_run(slk_attempt_t *attempt, slk_wjob_t *job,
                                           slk_diag_t *diag);
void slk_attempt_fini(slk_attempt_t *attempt);
/* Fail with a class of one's own: `return slk_attempt_fail(a, SLK_FAILURE_INPUT, slk_fail(...))`. */
slk_err_t slk_attempt_fail(slk_attempt_t *attempt, slk_failure_t failure, slk_err_t err);
void slk_attempt_made(slk_attempt_t *attempt, slk_file_types_t type, const char *store);
void slk_attempt_gone(slk_attempt_t *attempt, slk_file_types_t type, const char *store);
void slk_attempt_stage(slk_attempt_t *attempt, const char *stage);

/* --- prepare.c ------------------------------------------------------------------------------ */

/* Find, reserve, fetch, move the files of the assignment. */
SLK_CHECK_RESULT slk_err_t slk_prepare(slk_attempt_t *attempt, slk_diag_t *diag);

/* --- heavy.c, files.c, post.c: the tasks ------------------------------------------------------------ */

typedef slk_err_t slk_task_fn_t(slk_attempt_t *attempt, slk_diag_t *diag);
slk_task_fn_t slk_do_ap, slk_do_pc1, slk_do_pc2, slk_do_c1, slk_do_c2, slk_do_fin, slk_do_get,
    slk_do_rm, slk_do_wdp;

/* --- processors.c --------------------------------------------------------------------------- */

/* Do a task in a processor of this stage; *output is its JSON, the caller's. Fills failure and
 * stderr_tail on errors. */
SLK_CHECK_RESULT slk_err_t slk_attempt_call(slk_attempt_t *attempt, const char *stage, json_t *task,
                                            json_t **output, slk_diag_t *diag);
/* Whether another program was configured for a stage: then tasks hold what such ones read. */
bool slk_stage_is_foreign(const slk_worker_t *w, const char *stage);
/* End those without a job that have been so for `seconds`. */
void slk_processors_end_idle(slk_worker_t *w, double seconds);

/* --- server.c ------------------------------------------------------------------------------- */

/* Listen; the address is then w->url. SLK_ERR_BUSY: the port is in use. */
SLK_CHECK_RESULT slk_err_t slk_worker_serve(slk_worker_t *w, slk_diag_t *diag);
/* Use the manager's key from now on: listens again when it is another than before. */
SLK_CHECK_RESULT slk_err_t slk_worker_use_key(slk_worker_t *w, const slk_token_key_t *key,
                                              slk_diag_t *diag);
void slk_worker_end_serving(slk_worker_t *w);
/* The JSON of Selkie.WorkerInfo; NULL: out of memory. */
json_t *slk_worker_info_json(slk_worker_t *w);

/* --- declare.c ------------------------------------------------------------------------------ */

/* A thread that declares paths whose files may not be as the manager knows them. */
SLK_CHECK_RESULT slk_err_t slk_declarer_start(slk_worker_t *w, slk_diag_t *diag);
void slk_declarer_stop(slk_worker_t *w);

/* --- machine.c ------------------------------------------------------------------------------ */

uint64_t slk_machine_memory(void);
uint64_t slk_machine_free_memory(void);
uint64_t slk_machine_load_millis(void);
unsigned slk_machine_numa_nodes(void);

#endif /* SLK_WORKER_WORKER_IMPL_H */
