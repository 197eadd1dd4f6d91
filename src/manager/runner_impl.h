#ifndef SLK_MANAGER_RUNNER_IMPL_H
#define SLK_MANAGER_RUNNER_IMPL_H

/* Shared by runner.c and runner_batch.c. */

#include "manager/runner.h"

#include <pthread.h>
#include <stdatomic.h>

#define SLK_RUNNER_THREADS_MAX 64

/* What the last pass said of a miner's batch. */
typedef struct {
    uint64_t miner;
    int64_t until_ms[SLK_BATCH_CNT]; /* look again then, unless something changed; 0: always */
    size_t cnt[SLK_BATCH_CNT];       /* candidates then */
    bool flush[SLK_BATCH_CNT];
    char why[SLK_BATCH_CNT][512];
} slk_batch_memory_t;

struct slk_runner {
    slk_runner_opts_t opts;
    char *database;
    atomic_bool stop;
    slk_job_t job; /* cancels calls of nodes at the end */
    slk_network_t network;

    pthread_mutex_t lock;
    pthread_cond_t something;
    uint64_t wakes;
    slk_sector_ref_t taken[SLK_RUNNER_THREADS_MAX]; /* by thread; number UINT64_MAX: none */
    slk_sector_ref_t queue[256];                    /* due ones not yet taken */
    size_t queue_cnt;
    bool looking; /* a thread asks the database; the others wait */

    pthread_t threads[SLK_RUNNER_THREADS_MAX + 1];
    unsigned thread_cnt;
    slk_batch_memory_t *batches; /* of SLK_CONFIG_MINERS_MAX */
    size_t batch_cnt;
};

int64_t slk_runner_now(void);

/* Wait for a wake or so many ms. seen: the count of wakes known, updated. False: stop. */
bool slk_runner_wait(slk_runner_t *runner, uint64_t *seen, int64_t ms);

/* The thread that sends batches. */
void *slk_runner_batcher(void *arg);

#endif /* SLK_MANAGER_RUNNER_IMPL_H */
