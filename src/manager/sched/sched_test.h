#ifndef SLK_SCHED_TEST_H
#define SLK_SCHED_TEST_H

/* Snapshots for tests, built piece by piece, and the check of what must hold for every answer. */

#include "manager/sched/sched.h"

#define MIB          ((uint64_t)1 << 20)
#define GIB          ((uint64_t)1 << 30)
#define TEST_NOW     INT64_C(1700000000000)
#define TEST_MINUTE  INT64_C(60000)
#define TEST_ANY_CAP 16 /* of names and miners in one list */

typedef struct {
    slk_sched_snapshot_t in; /* points at the arrays below */
    slk_sched_worker_t *workers;
    slk_sched_store_t *stores;
    slk_sched_mount_t *mounts;
    slk_sched_running_t *running;
    slk_sched_job_t *jobs;
    slk_sched_file_t *files;
    slk_sched_miner_t *miners;
    void **owned; /* freed with it */
    size_t owned_cnt;
} test_snap_t;

void test_snap_init(test_snap_t *snap);
void test_snap_free(test_snap_t *snap);
/* Memory that lives as long as the snapshot. */
void *test_snap_keep(test_snap_t *snap, size_t size);

/* Index of the new one. Workers take all tasks, 100 at a time; stores seal and hold `available`, weight 10; jobs
 * are of 2 KiB sectors without files, priority or deadline, made a second before. */
uint32_t test_worker(test_snap_t *snap, const char *name, uint32_t cores, uint64_t memory);
uint32_t test_store(test_snap_t *snap, const char *id, uint64_t available);
uint32_t test_mount(test_snap_t *snap, uint32_t worker, uint32_t store);
uint32_t test_run(test_snap_t *snap, int64_t id, uint32_t worker, slk_task_t task,
                  uint64_t sector_sz);
uint32_t test_job(test_snap_t *snap, slk_task_t task, uint64_t miner, uint64_t number);
/* A file of the job that was added last. */
void test_file(test_snap_t *snap, slk_file_types_t type, uint32_t store);
void test_miner(test_snap_t *snap, uint64_t miner, uint32_t weight, uint64_t served);

/* Fail the test where the answer breaks a promise. deep: ask all workers for each waiting job too. */
void test_check(const slk_sched_snapshot_t *in, const slk_sched_result_t *result, bool deep);

/* The worker of a job, or SLK_SCHED_NONE. */
uint32_t test_where(const slk_sched_result_t *result, uint32_t job);
const slk_sched_assignment_t *test_assignment(const slk_sched_result_t *result, uint32_t job);
const slk_sched_plan_t *test_plan(const slk_sched_result_t *result, uint32_t job,
                                  slk_file_types_t type);

/* Numbers of splitmix64. */
uint64_t test_random(uint64_t *state);

#endif /* SLK_SCHED_TEST_H */
