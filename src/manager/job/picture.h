#ifndef SLK_MANAGER_JOB_PICTURE_H
#define SLK_MANAGER_JOB_PICTURE_H

/* What the dispatcher holds in memory: workers, paths, which path has which file, unfinished
 * jobs. No database and no lock here; all of it is under the dispatcher's lock. Times are of the
 * monotonic clock.
 *
 * Workers and paths stay at their address and their place until the picture is freed, so that
 * others may name them by index. */

#include "manager/job/job_store.h"
#include "manager/job/registry.h"
#include "manager/storage/storage_index.h"

#define SLK_PIC_NONE UINT32_MAX

/* --- A map from two numbers to a pointer ------------------------------------------------------ */

typedef struct {
    uint64_t a, b;
} slk_pair_t;

typedef struct {
    slk_pair_t key;
    void *value; /* NULL: free */
} slk_pair_slot_t;

typedef struct {
    slk_pair_slot_t *slots;
    size_t cap, used;
} slk_pair_map_t;

void *slk_pair_get(const slk_pair_map_t *map, uint64_t a, uint64_t b);
/* value not NULL. False: out of memory. */
bool slk_pair_put(slk_pair_map_t *map, uint64_t a, uint64_t b, void *value);
void *slk_pair_remove(slk_pair_map_t *map, uint64_t a, uint64_t b); /* what was there */
void slk_pair_free(slk_pair_map_t *map);                            /* the slots only */
/* The next value from *at (0 at first); NULL: there is no more. */
void *slk_pair_next(const slk_pair_map_t *map, size_t *at);

/* --- Paths and files -------------------------------------------------------------------------- */

typedef struct {
    char **at;
    size_t cnt;
} slk_pic_texts_t;

typedef struct {
    uint64_t *at;
    size_t cnt;
} slk_pic_numbers_t;

typedef struct {
    char id[SLK_STORAGE_ID_TEXT];
    bool known; /* has a row; false after it was forgotten */
    uint64_t weight, max_storage, capacity;
    bool can_seal, can_store, can_final;
    slk_file_types_t allow_types, deny_types;
    slk_pic_texts_t groups, allow_to;
    slk_pic_numbers_t allow_miners, deny_miners;
} slk_pic_store_t;

typedef struct {
    uint32_t store;
    slk_file_types_t types, primary, stale; /* slk_storage_rank_t */
} slk_pic_place_t;

typedef struct {
    slk_sector_id_t id;
    slk_pic_place_t *places;
    uint32_t cnt, cap;
} slk_pic_sector_t;

/* --- Workers ---------------------------------------------------------------------------------- */

/* A path at a worker, as it reported it last. */
typedef struct {
    uint32_t store;
    uint64_t attributes; /* digest of what does not change all the time */
    bool reported;       /* since this manager started */
    uint64_t available, used;
    char error[256];
} slk_pic_mount_t;

typedef struct slk_pic_job slk_pic_job_t;

/* A job that was aborted or is wanted no more: its worker works on it, on the sector's files, until it has heard
 * of that. */
typedef struct {
    int64_t id, started_ms;
    slk_task_t task;
    uint64_t miner, number, sector_sz;
} slk_pic_ghost_t;

typedef struct {
    char id[SLK_JOB_WORKER_MAX], name[128], url[512], version[64], session[64];
    uint32_t limits[SLK_TASK_CNT];
    slk_pic_numbers_t miners;
    uint64_t cores, memory, numa_nodes, free_memory, load_millis;
    int64_t skew_ms;
    slk_worker_wish_t wish;
    bool known;       /* has a row */
    bool leaving;     /* it said so */
    bool alive;       /* as of the last look of the dispatcher's thread */
    bool beaten;      /* since this manager started */
    bool away;        /* the storage index says so */
    uint64_t beat_ms; /* when it was heard last */
    uint64_t news;    /* grows with whatever it should hear of */
    slk_pic_mount_t *mounts;
    uint32_t mount_cnt;
    slk_pic_job_t **jobs; /* running ones */
    uint32_t job_cnt, job_cap;
    slk_pic_ghost_t *ghosts;
    uint32_t ghost_cnt, ghost_cap;
} slk_pic_worker_t;

/* --- Jobs ------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t store;
    uint64_t bytes;
} slk_pic_promise_t;

struct slk_pic_job {
    int64_t id;
    slk_job_state_t state; /* QUEUED or RUNNING */
    char key[SLK_JOB_KEY_MAX + 1];
    uint64_t miner, number;
    slk_task_t task;
    int64_t seal_proof;
    uint64_t sector_sz;
    int64_t priority, deadline_ms, not_before_ms, created_ms, started_ms;
    int64_t lease, tries;
    char only_worker[SLK_JOB_WORKER_MAX];
    char worker_id[SLK_JOB_WORKER_MAX]; /* who had it last */
    uint32_t worker;                    /* RUNNING: its place; else SLK_PIC_NONE */
    char *params, *orders;              /* JSON */
    char *start;                        /* RUNNING: slk_assignment as JSON */
    slk_pic_promise_t *promises;        /* RUNNING */
    uint32_t promise_cnt;
    uint64_t lease_until_ms;            /* RUNNING */
    char failed_at[SLK_JOB_WORKER_MAX]; /* the last try; empty: none failed */
    char avoid[SLK_JOB_WORKER_MAX];     /* gets it only when no other can take it */
    uint64_t back_ms; /* QUEUED: when the worker that lost it named it again; 0: it did not */
    bool reserved;    /* its worker has taken its space off what it reports */
    char stage[64], unit[24];
    uint64_t done, total;
    bool progressed; /* since it was noted in the table */
    char *why;       /* QUEUED: a sentence */
    bool why_noted;  /* in the table */
    uint64_t why_key, why_ms;
    int64_t eta_start_ms, eta_end_ms; /* as the scheduler told, ms since 1970; -1 */
};

/* --- All -------------------------------------------------------------------------------------- */

typedef struct {
    slk_pic_worker_t **workers;
    slk_pic_store_t **stores;
    uint32_t worker_cnt, store_cnt;
    slk_pair_map_t jobs;    /* id, 0 */
    slk_pair_map_t sectors; /* miner, number */
    size_t queued_cnt, running_cnt;
} slk_picture_t;

void slk_picture_free(slk_picture_t *pic);
/* Jobs and files go; workers and paths stay. For reading them anew. */
void slk_picture_clear(slk_picture_t *pic);

slk_pic_worker_t *slk_pic_worker(const slk_picture_t *pic, const char *id, uint32_t *at);
/* Its place; made when it is not there. SLK_PIC_NONE: out of memory. */
uint32_t slk_pic_worker_add(slk_picture_t *pic, const char *id);
uint32_t slk_pic_store(const slk_picture_t *pic, const char *id);
uint32_t slk_pic_store_add(slk_picture_t *pic, const char *id);
slk_pic_mount_t *slk_pic_mount(const slk_pic_worker_t *worker, uint32_t store);
slk_pic_mount_t *slk_pic_mount_add(slk_pic_worker_t *worker, uint32_t store);
void slk_pic_mount_remove(slk_pic_worker_t *worker, uint32_t store);

/* This one was let go. True: there was one. */
bool slk_pic_ghost_drop(slk_pic_worker_t *worker, int64_t id);

/* False: out of memory. */
bool slk_pic_file_add(slk_picture_t *pic, const slk_sector_id_t *sector, slk_file_types_t types,
                      uint32_t store, slk_storage_rank_t rank);
/* As slk_storage_outdate. */
void slk_pic_file_outdate(slk_picture_t *pic, const slk_sector_id_t *sector, slk_file_types_t types,
                          uint32_t store);
/* For each path, whether a worker has it attached, alive or not; to be freed. NULL: out of memory. */
bool *slk_pic_mounted(const slk_picture_t *pic);
/* Types of which such a path has one that is not stale. */
slk_file_types_t slk_pic_good(const slk_pic_sector_t *sector, const bool *mounted);
void slk_pic_file_drop(slk_picture_t *pic, const slk_sector_id_t *sector, slk_file_types_t types,
                       uint32_t store);
slk_pic_sector_t *slk_pic_sector(const slk_picture_t *pic, const slk_sector_id_t *sector);

slk_pic_job_t *slk_pic_job(const slk_picture_t *pic, int64_t id);
/* Have the picture show a row: put, changed or, when it has ended, taken out. Takes the row's
 * texts. lease_until_ms is for a running job that was not running for this worker and lease
 * before. */
SLK_CHECK_RESULT slk_err_t slk_pic_job_show(slk_picture_t *pic, slk_job_row_t *row,
                                            uint64_t lease_until_ms, slk_diag_t *diag);
void slk_pic_job_remove(slk_picture_t *pic, int64_t id);

bool slk_pic_numbers_set(slk_pic_numbers_t *out, const uint64_t *at, size_t cnt);
/* Set a list from a JSON array of texts or numbers; others are left out. */
bool slk_pic_numbers_json(slk_pic_numbers_t *out, const json_t *list);
bool slk_pic_texts_json(slk_pic_texts_t *out, const json_t *list);

#endif /* SLK_MANAGER_JOB_PICTURE_H */
