#ifndef SLK_SCHED_PRIVATE_H
#define SLK_SCHED_PRIVATE_H

/* A round in progress: the snapshot with indices, and what is left of everything. Only within this folder. */

#include "base/arena.h"
#include "manager/sched/sched.h"

#define SLK_SIG_NONE   UINT16_MAX /* this type is not fetched */
#define SLK_MOUNTS_FEW 16 /* workers of a store that are looked at one by one for each job */

/* A range of an index array. */
typedef struct {
    uint32_t first, cnt;
} slk_span_t;

/* A job that a worker has, or got in this round. */
typedef struct {
    int64_t id, end_ms; /* SLK_ETA_UNKNOWN: sorts last */
    uint64_t memory;
    uint32_t threads, next; /* of the same worker, by end; SLK_SCHED_NONE ends */
    slk_task_t task;
    uint8_t size;
} slk_load_t;

typedef struct {
    uint32_t threads;
    uint64_t memory;
    uint32_t counts[SLK_TASK_CNT][SLK_RESOURCE_SIZES];
    uint32_t tasks[SLK_TASK_CNT];
    uint32_t first_load, task_types;
    uint64_t free_left; /* of free_memory; UINT64_MAX: not known */
    uint32_t kept;      /* job it is kept free for */
    uint32_t nearer;    /* jobs that wait for it because it has their files */
    slk_span_t mounts;  /* of by_worker */
} slk_worker_state_t;

typedef struct {
    uint64_t left;     /* bytes to promise */
    slk_span_t mounts; /* of by_store */
    slk_span_t groups; /* ids, of group_ids */
    uint16_t sig;      /* of its AllowTo */
} slk_store_state_t;

/* The workers that may take jobs of one kind, in a tree. */
typedef struct slk_class slk_class_t;

/* What one job needs, worked out once. */
typedef struct {
    uint32_t index;
    const slk_sched_job_t *job;
    const slk_task_files_t *rule;
    const slk_sched_file_t *files;
    unsigned size;              /* row of its sector size */
    uint64_t miner_class;       /* its miner, or UINT64_MAX: like all that no list names */
    slk_file_types_t want;      /* needs, brings and makes that matter */
    slk_file_types_t present;   /* of these, somewhere */
    slk_file_types_t reachable; /* of these, at a worker that can serve them */
    slk_file_types_t tied;      /* those that its place depends on */
    slk_file_types_t remake;    /* made anew although there is one */
    uint16_t sig[SLK_FT_CNT];   /* where files may go; 0: anywhere */
    int64_t time_left;          /* INT64_MAX: no deadline */
    bool beside;
} slk_need_t;

/* The type of file to name to people when it is about all of them. */
static inline slk_file_types_t slk_need_named(const slk_need_t *need)
{
    slk_file_types_t types = need->tied ? need->tied : need->present;
    return types & -types;
}

/* Where a job would go on a worker. */
typedef struct {
    slk_sched_plan_t plans[SLK_FT_CNT * 2];
    uint32_t plan_cnt;
    uint64_t fetch_bytes; /* over the network */
    bool with_sector;     /* GET: into a path that has a file of the sector */
    uint64_t used;        /* of the worker afterwards, larger is more */
} slk_place_t;

typedef struct {
    const slk_sched_snapshot_t *in;
    slk_sched_result_t *out;
    slk_arena_t arena;
    slk_worker_state_t *workers;
    slk_store_state_t *stores;
    slk_load_t *loads;
    size_t load_cnt;
    uint32_t *by_worker, *by_store; /* mounts in order of worker, of store */
    uint32_t *group_ids;
    uint64_t *named_miners; /* ascending: those that some list names */
    size_t named_cnt;
    int64_t *durations; /* [worker][task][size]; INT64_MIN: not asked yet */
    int64_t fastest[SLK_TASK_CNT][SLK_RESOURCE_SIZES]; /* least median of a worker */
    int64_t least[SLK_TASK_CNT][SLK_RESOURCE_SIZES];   /* that was ever measured */
    struct slk_busy_sector *busy; /* hash table: sectors whose files a job has */
    size_t busy_cap;
    slk_span_t *sigs; /* groups, of sig_ids; [0] is anywhere */
    uint32_t *sig_ids;
    size_t sig_cnt, sig_cap, sig_id_cnt, sig_id_cap;
    void *by_least[SLK_TASK_CNT][SLK_RESOURCE_SIZES]; /* of sched_class.c */
    slk_class_t **classes;
    size_t class_cap, class_cnt;
    uint32_t waiting[SLK_TASK_CNT];
    uint32_t alive, workers_by_id_cap;
    uint32_t *workers_by_id; /* hash table */
    size_t plan_cap, source_cap;
    bool any_final; /* some path has CanFinal: then files come to rest only in such */
    bool no_memory;
} slk_round_t;

/* --- sched_index.c: the snapshot with indices */
SLK_CHECK_RESULT bool slk_round_open(slk_round_t *round, const slk_sched_snapshot_t *in,
                                     slk_sched_result_t *out);
void slk_round_close(slk_round_t *round);
void slk_need_init(slk_round_t *round, slk_need_t *need, uint32_t job);
/* Put a load into its worker's list, and take it off what is left of it. */
void slk_load_add(slk_round_t *round, uint32_t worker, const slk_load_t *load);
/* The job that has the files of a sector; NULL: none. */
typedef struct slk_busy_sector {
    uint64_t miner, number;
    int64_t job;
    uint32_t worker;
    bool used;
} slk_busy_sector_t;
const slk_busy_sector_t *slk_sector_busy(const slk_round_t *round, uint64_t miner, uint64_t number);
bool slk_task_has_files(slk_task_t task);
void slk_sector_take(slk_round_t *round, slk_task_t task, const slk_busy_sector_t *sector);
bool slk_has_u64(const uint64_t *list, size_t cnt, uint64_t value);
uint32_t slk_worker_by_id(const slk_round_t *round, const char *id);
/* Median of a worker, or of all workers where it was not measured. */
int64_t slk_duration(slk_round_t *round, uint32_t worker, slk_task_t task, unsigned size);
bool slk_worker_takes(const slk_sched_worker_t *worker, slk_task_t task, uint64_t miner);
/* Can it give files to others. */
bool slk_mount_serves(const slk_round_t *round, const slk_sched_mount_t *mount);
/* May files of signature go to the store. */
bool slk_sig_allows(const slk_round_t *round, uint16_t sig, uint32_t store);
const slk_resources_t *slk_worker_row(const slk_round_t *round, uint32_t worker, slk_task_t task,
                                      unsigned size);

/* --- sched_place.c: one job on one worker */
bool slk_place(slk_round_t *round, const slk_need_t *need, uint32_t worker, slk_place_t *place,
               slk_sched_explain_t *why);
/* Take it all off what is left, and write it into the result. */
void slk_place_take(slk_round_t *round, const slk_need_t *need, uint32_t worker,
                    const slk_place_t *place);
bool slk_worker_has(const slk_round_t *round, uint32_t worker, uint32_t store);
/* Files of the sector come to rest here. */
bool slk_store_final(const slk_round_t *round, uint32_t store);
/* How busy the worker is with so much more; 65536 is all of it. */
uint64_t slk_worker_used(const slk_round_t *round, uint32_t worker, uint32_t threads,
                         uint64_t memory);
/* By its flags, types and miners, and healthy. */
bool slk_store_takes(const slk_round_t *round, uint32_t store, slk_path_use_t use, uint64_t miner,
                     slk_file_types_t type);
/* Take an assignment off what is left. */
void slk_round_take(slk_round_t *round, const slk_sched_assignment_t *to,
                    const slk_sched_plan_t *plans);
/* Keep `why` the explanation that tells most. */
void slk_why_better(slk_sched_explain_t *why, const slk_sched_explain_t *other);

/* --- sched_class.c: trees of workers */
/* Give the job to the best worker of its class. store: only workers that have it, or SLK_SCHED_NONE.
 * tried: workers that are not to be asked again. */
bool slk_class_place(slk_round_t *round, const slk_need_t *need, uint32_t store,
                     const uint32_t *tried, size_t tried_cnt, uint32_t *worker, slk_place_t *place,
                     slk_sched_explain_t *why);

/* --- sched_times.c: when waiting jobs start. order: all jobs, first first. */
void slk_round_times(slk_round_t *round, const uint32_t *order, size_t cnt);

#endif /* SLK_SCHED_PRIVATE_H */
