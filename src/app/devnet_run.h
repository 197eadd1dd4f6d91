#ifndef SLK_APP_DEVNET_RUN_H
#define SLK_APP_DEVNET_RUN_H

/* `selkie devnet run` without its arguments: for cmd_devnet.c, which cannot see the chain's headers. */

#include "selkie/job.h"

typedef struct {
    const char *dir, *address; /* NULL: 127.0.0.1 */
    uint16_t port;
    uint32_t block_ms;
    uint64_t seed, sector_size;
    uint64_t genesis_time; /* 0: now, or that of the chain that is there */
    unsigned null_percent; /* of epochs that have no block */
    uint32_t deadlines;    /* 0: the network's own proving period */
    int64_t window;
    bool optimistic, paused;
    unsigned threads;
} slk_devnet_run_t;

/* Serve until the job is cancelled. Prints FULLNODE_API_INFO=... on standard output, and a line an event on
 * standard error. */
SLK_CHECK_RESULT slk_err_t slk_devnet_run(const slk_devnet_run_t *run, const slk_job_t *job,
                                          slk_diag_t *diag);

#endif /* SLK_APP_DEVNET_RUN_H */
