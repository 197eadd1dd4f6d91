#ifndef SLK_WORKER_TEST_WORKER_RUN_H
#define SLK_WORKER_TEST_WORKER_RUN_H

/* Start, kill and end workers in processes of their own, for tests of them: the test program itself, called
 * with "worker" and a repo. */

#include "worker/test_manager_simulated.h"
#include "worker/worker.h"

#include <sys/types.h>

typedef struct {
    char name[32], repo[128], log[160];
    char seal[SLK_STORAGE_ID_MAX],
        store[SLK_STORAGE_ID_MAX]; /* paths <repo>/../<name>-seal, -store */
    char seal_root[160], store_root[160];
    char id[64]; /* as the manager knows it */
    pid_t pid;   /* 0: does not run */
} node_t;

/* main() of a worker: returns its exit status. */
int node_main(const char *repo);

/* Write config.toml of a repo from a JSON object. */
void write_settings(const char *repo, const char *text);

/* Make repo, token, config.toml (more: members of the JSON object it is made of, may be NULL) and both
 * paths. */
void node_make(node_t *node, const char *dir, const char *name, const sim_t *sim, const char *more);
void node_start(node_t *node);
/* Start and wait until the manager has heard of it. */
void node_start_known(node_t *node, sim_t *sim);
void node_kill(node_t *node);
/* SIGTERM; the exit status, -1 when it does not end in time (then it is killed). */
int node_end(node_t *node, double seconds);
/* Wait until it ends by itself. */
int node_wait(node_t *node, double seconds);
/* What it logged; static memory. */
const char *node_log(const node_t *node);

/* A file or folder of a sector. */
void node_file(char out[512], const char *root, const char *type, uint64_t miner, uint64_t number);
bool node_has(const char *root, const char *type, uint64_t miner, uint64_t number);

/* One row of Files; takes nothing. */
json_t *file_row(const char *type, const char *use, const char *store);

#endif /* SLK_WORKER_TEST_WORKER_RUN_H */
