#ifndef SLK_WORKER_TEST_MANAGER_SIMULATED_H
#define SLK_WORKER_TEST_MANAGER_SIMULATED_H

/* A manager for tests of workers: the protocol of cluster/protocol.h over real HTTP, with leases, an index
 * of files and outputs in memory, and no scheduler: a test says which job is for whom. It can go away, lose
 * answers, and count what workers do. Written from the protocol's text, not with its records. */

#include "net/jsonrpc_server.h"
#include "test_util.h"

#include <pthread.h>

#define SIM_JOBS_MAX 512

typedef enum { SIM_QUEUED, SIM_RUNNING, SIM_DONE, SIM_FAILED, SIM_DROPPED } sim_state_t;

typedef struct {
    uint64_t id, lease;
    char task[8], want[64], worker[64]; /* want "": whoever asks; worker: who has or had it */
    uint64_t miner, number, seal_proof, threads;
    json_t *params, *files;
    sim_state_t state;
    double seen;     /* last time that a beat named it */
    unsigned ends;   /* ends that were accepted */
    unsigned starts; /* leases given */
    json_t *end;     /* what JobDone or JobFailed said */
    char *output;
    size_t output_len;
    char stage[64];
    bool reserved;
} sim_job_t;

typedef struct {
    char id[64], session[64], url[256], name[64];
    json_t *stores, *tasks;
    unsigned registered, beats;
    bool leaving;
} sim_worker_t;

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    slk_token_key_t key, transfer;
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    uint16_t port;
    char url[64], token[SLK_TOKEN_TEXT_MAX];
    char piece_dir[128];
    sim_job_t jobs[SIM_JOBS_MAX];
    size_t job_cnt;
    sim_worker_t workers[8];
    size_t worker_cnt;
    json_t *index; /* {"1000/5/sealed/STORE": generation} */
    unsigned generation;
    uint64_t beat_ms, lease_ms, protocol;
    uint64_t seal_proof;   /* of jobs that are added */
    unsigned lose_percent; /* of answers, after they had their effect */
    uint64_t random;
    bool stopping;
    unsigned stale; /* ends that came too late */
} sim_t;

void sim_init(sim_t *sim);
void sim_free(sim_t *sim);
void sim_up(sim_t *sim); /* on the same port as before */
void sim_down(sim_t *sim);

/* Takes params and files. Returns the id. */
uint64_t sim_add(sim_t *sim, const char *worker, const char *task, uint64_t miner, uint64_t number,
                 json_t *params, json_t *files);
/* Wait until a job has ended; fails the test with its error when it has another state. The end is
 * borrowed. */
json_t *sim_wait(sim_t *sim, uint64_t id, sim_state_t state, double seconds);
/* A stage that begins so; false: the time is over, or the job. */
bool sim_wait_stage(sim_t *sim, uint64_t id, const char *stage, double seconds);
/* Wait until a worker of this name was answered a beat more; its id. */
const char *sim_wait_worker(sim_t *sim, const char *name, double seconds);
/* Somebody took the job away: its lease is another's. */
void sim_give_away(sim_t *sim, uint64_t id);
bool sim_has(sim_t *sim, uint64_t miner, uint64_t number, const char *type, const char *store);
/* Wait for that. */
void sim_wait_has(sim_t *sim, uint64_t miner, uint64_t number, const char *type, const char *store,
                  bool has);
/* Paths that the first worker reports. */
size_t sim_stores(sim_t *sim);
bool sim_leaving(sim_t *sim);
uint64_t sim_random(sim_t *sim);

#endif /* SLK_WORKER_TEST_MANAGER_SIMULATED_H */
