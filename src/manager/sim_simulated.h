#ifndef SLK_MANAGER_SIM_SIMULATED_H
#define SLK_MANAGER_SIM_SIMULATED_H

/* Whole lives of sectors under a deterministic simulation. Real: steps and records of sectors,
 * decisions, batches and their messages, the scheduler with its measured durations, the machine
 * of messages on their way (chain/message.h). Simulated, all of it drawn from one seed: clock,
 * chain with its message pool and reorganisations, the node, the database (rows in memory; a
 * transaction is whole or not at all), workers with their disks, deaths of the manager between
 * any two lines of its loop, and an operator.
 *
 * A world has up to SIM_LIVES_MAX sectors. Its trouble ends at `heal_ms`; what has not come to
 * its end within SIM_BOUND_MS after that hangs. A broken promise ends the test with seed,
 * sector, its steps and decisions.
 *
 *   sim_simulated.c          the world, its clock, its trouble, what must hold at the end
 *   sim_rows_simulated.c     rows of sectors, steps, waits, wakes, the operator
 *   sim_runner_simulated.c   the runner's loop and the batcher, with deaths in between
 *   sim_chain_simulated.c    tipsets, actor, pool, reorganisations
 *   sim_sender_simulated.c   messages on their way
 *   sim_jobs_simulated.c     the table of jobs
 *   sim_workers_simulated.c  workers, what they do, their disks
 *   sim_sched_simulated.c    snapshots for the scheduler, and what it promises
 *   sim_world_simulated.c    what decisions look at */

#include "test_util.h"

#include "base/arena.h"
#include "base/assert.h"
#include "codec/actors/miner.h"
#include "manager/sched/sched.h"
#include "manager/seal/batch_message.h"
#include "manager/seal/decide.h"
#include "manager/sector/sector_store.h"
#include "manager/sector/step.h"

#include <inttypes.h>

enum {
    SIM_MINER = 1000,
    SIM_OWNER = 100,
    SIM_SENDER = 101,
    SIM_PROOF = 5, /* StackedDrg2KiBV1_1 */
    SIM_SECTOR_SZ = 2048,
    SIM_PROOF_SZ = 192,
    SIM_LIVES_MAX = 250,
    SIM_WORKERS_MAX = 12,
    SIM_STORES_MAX = 2 * SIM_WORKERS_MAX,
    SIM_RUNS_MAX = 24, /* of a worker at a time */
    SIM_FILES_MAX = 32,
    SIM_LAST = 10, /* decisions that are remembered */
    SIM_BLOCK_MS = 30000,
    SIM_EPOCH_0 = 5000,
    SIM_LEASE_MS = 60000,
    SIM_BEAT_MS = 5000,
    SIM_PRE_COMMIT_METHOD = 28,
    SIM_COMMIT_METHOD = 34,
    SIM_TERMINATE_METHOD = 9,
    SIM_DEPOSIT = 700
};
#define SIM_START_MS  INT64_C(1700000000000)
#define SIM_HOUR_MS   INT64_C(3600000)
#define SIM_DAY_MS    (24 * SIM_HOUR_MS)
#define SIM_BOUND_MS  (6 * SIM_DAY_MS)
#define SIM_NEVER     INT64_MAX
#define SIM_NO_WORKER (-1)

typedef struct sim sim_t;

/* --- Sectors -------------------------------------------------------------------------------- */

typedef struct {
    int64_t ms, height;
    uint8_t from, to, event, step;
    char text[112];
} sim_log_t;

typedef struct {
    int64_t ms;
    uint8_t kind;
    bool trouble;
    char why[160];
} sim_said_t;

typedef struct {
    slk_file_types_t type; /* one */
    uint32_t store;
    uint64_t bytes;
} sim_file_t;

/* Row of the table `sector`, its index of files, and what the test knows of it. */
typedef struct {
    bool made;
    slk_sector_state_t state; /* of info */
    int64_t begins_ms;
    slk_sector_info_t info;
    slk_arena_t arena; /* of info */
    int64_t version, due_ms, wait_epoch;
    char wait_job[SLK_SECTOR_JOB_MAX];
    int batch;
    int64_t batch_cutoff, batch_since_ms, trouble;
    sim_file_t files[SIM_FILES_MAX];
    size_t file_cnt;

    bool with_piece, ends_by_person; /* the latter: a person ended, or forced it */
    bool will_terminate;
    bool pc1_may_begin; /* a first PC1, a new ticket, or damage since the last one */
    unsigned pc2_failures, c2_failures; /* since then */
    bool over;                          /* came to its end */
    bool for_person;                    /* waits for one */
    int64_t person_ms;                  /* when he looks */
    bool expired;                       /* its pre-commit did, and it was given up for that */
    unsigned turns;                     /* events at the same moment */
    int64_t turns_ms;
    unsigned pre_commits, commits, terminations; /* executed on this chain */
    sim_log_t *log;
    size_t log_cnt;
    sim_said_t last[SIM_LAST];
    size_t said_cnt;
} sim_row_t;

/* --- Chain ---------------------------------------------------------------------------------- */

typedef struct {
    bool pre_committed, allocated, proven, live;
    int64_t pre_commit_epoch, seal_rand_epoch, expiration;
    slk_cid_t sealed_cid;
    uint64_t deposit;
} sim_actor_t;

typedef struct {
    int64_t height;
    uint64_t number;
    sim_actor_t before;
    int64_t locked, released, burnt;            /* what it added */
    uint8_t pre_commits, commits, terminations; /* likewise, of the row */
} sim_undo_t;

typedef enum { SIM_LANDS, SIM_OUT_OF_GAS, SIM_LOSES_NONCE } sim_fate_t;

typedef struct {
    slk_message_row_t row; /* of the table */
    slk_arena_t arena;
    union {
        slk_pre_commit_sector_batch2_params_t pre_commit;
        slk_prove_commit_sectors3_params_t commit;
    } params;
    uint64_t *numbers;
    size_t cnt;
    sim_fate_t fate;
    bool in_pool;
    int64_t lands_at; /* not before this height */
    bool landed, other_landed;
    int64_t landed_height, exit_code;
} sim_message_t;

/* --- Jobs and workers ----------------------------------------------------------------------- */

typedef struct {
    slk_job_view_t view;
    json_t *params;
    char only_worker[8];
    int worker; /* who has, or had, its lease; SIM_NO_WORKER */
    unsigned fails[SLK_FAILURE_CNT];
    struct {
        uint32_t store;
        uint64_t bytes;
    } promises[SLK_FT_CNT];
    unsigned promise_cnt;
    bool heard; /* its worker has taken the promises off what it reports */
} sim_job_t;

/* What a worker does of a job, as it sees it. */
typedef struct {
    bool active, over; /* over: done or failed, told until it is heard */
    size_t job;
    int64_t lease, begins_ms, ends_ms, work_ms;
    bool heard;
    bool fails, wrong, damages, leaves_part;
    slk_failure_t failure;
    slk_sched_plan_t plans[SLK_FT_CNT];
    uint32_t source[SLK_FT_CNT]; /* store that a FETCH comes from */
    unsigned plan_cnt;
} sim_run_t;

typedef struct {
    char id[8];
    unsigned slowness; /* percent */
    uint32_t cores;
    uint64_t memory;
    uint32_t limit[SLK_TASK_CNT];
    bool dead, cut_off; /* the process; the network to it */
    int64_t back_ms;
    bool paused, draining, leaving;
    sim_run_t runs[SIM_RUNS_MAX];
    /* What the manager knows. */
    bool alive;
    int64_t silent_ms; /* not heard of since; SIM_NEVER: heard */
    int64_t beat_ms;   /* when it reports next; SIM_NEVER: nothing new */
} sim_worker_t;

typedef struct {
    char id[8];
    uint32_t worker;
    bool can_seal, can_store, can_final;
    uint64_t capacity, used, foreign,
        reserved;       /* foreign: other programs; reserved: by its worker */
    int64_t foreign_ms; /* when foreign grew last */
    uint64_t reported;  /* available, at the last beat */
    uint64_t held;      /* promised to what ended since then, which that beat did not know of */
} sim_store_t;

/* --- All ------------------------------------------------------------------------------------ */

/* Chances in a thousand, but where it says otherwise. */
typedef struct {
    unsigned fail, bad_input, permanent, wrong_result, no_answer;
    unsigned null_round, reorg, deep_reorg; /* per 10,000 epochs the latter two */
    unsigned refused, lost, late, out_of_gas, loses_nonce;
    unsigned node_trouble;
    unsigned die;      /* of the manager, at each line, per 100,000 */
    unsigned meddling; /* something happens between deciding and storing */
    unsigned person;   /* of an operator doing something to a sector, a day */
    int64_t node_hours, worker_hours, disk_hours,
        pause_hours; /* between two such events; 0: never */
} sim_trouble_t;

typedef struct {
    uint64_t steps, decisions, rounds, assignments, messages, landed, failed_messages, reorgs,
        reverted;
    uint64_t deaths, jobs, tries, lost_leases, refused_results, epochs;
    uint64_t proving, available, removed, by_person, expired, stale_stores;
    uint64_t lost_deposits;
    uint64_t states[SLK_STATE_CNT];
} sim_counts_t;

struct sim {
    uint64_t seed, rng;
    size_t lives;
    bool tell; /* every step, on stderr */
    sim_trouble_t trouble;
    bool healthy;
    int64_t now_ms, heal_ms, still_ms;
    unsigned still;
    sim_counts_t counts;
    slk_miner_config_t config;
    slk_policy_t policy;

    sim_row_t *rows;
    uint64_t next_number;

    /* Chain. tipsets: by height - SIM_EPOCH_0, 0: null round. */
    uint64_t *tipsets;
    size_t tipset_cnt, tipset_cap;
    int64_t height; /* of the last tipset */
    int64_t next_epoch_ms;
    uint64_t next_tipset;
    sim_actor_t *actors;
    sim_undo_t *undos;
    size_t undo_cnt, undo_cap;
    uint64_t nonce;      /* of the sender on chain */
    size_t *by_nonce;    /* message of each */
    uint64_t next_nonce; /* in the database */
    sim_message_t **messages;
    size_t message_cnt, message_cap, message_open; /* all before it are final */
    int64_t locked, released, burnt;
    int64_t next_expiry;
    /* What the manager follows. */
    int64_t seen_height, seen_ms, reverted_to; /* reverted_to: lowest reverted since it looked */
    bool node_away;
    int64_t node_back_ms, send_ms;

    sim_job_t *jobs;
    size_t job_cnt, job_cap, job_open; /* all before job_open have ended */
    uint32_t *job_slots;
    size_t job_slot_cnt;
    int64_t measured[SLK_TASK_CNT][32];
    size_t measured_cnt[SLK_TASK_CNT];
    slk_eta_t *eta;

    sim_worker_t workers[SIM_WORKERS_MAX];
    sim_store_t stores[SIM_STORES_MAX];
    uint32_t worker_cnt, store_cnt;
    bool tell_bytes; /* files are listed with their sizes */

    /* The manager's memory: gone when it dies. */
    bool down, dying;
    int64_t up_ms;
    bool sched_due;
    int64_t sched_ms;
    slk_sched_miner_t served[4];
    size_t served_cnt;
    int64_t batch_ms[SLK_BATCH_CNT];
    size_t batch_seen[SLK_BATCH_CNT];

    int64_t next_node_ms, next_worker_ms, next_disk_ms, next_pause_ms, next_person_ms;
};

/* A life of `lives` sectors from this seed. counts are added to. */
void sim_run(uint64_t seed, size_t lives, bool tell, sim_counts_t *counts);

/* --- Chance (sim_simulated.c) --------------------------------------------------------------- */

uint64_t sim_random(sim_t *sim);
uint64_t sim_draw(sim_t *sim, uint64_t below);
int64_t sim_between(sim_t *sim, int64_t from, int64_t to);
/* In the time of trouble, so often in a thousand. */
bool sim_chance(sim_t *sim, unsigned permille);

/* A promise was broken: tell all there is, and fail. number UINT64_MAX: no sector in particular. */
void sim_broken(sim_t *sim, uint64_t number, const char *fmt, ...) SLK_PRINTF(3, 4)
    __attribute__((noreturn));
#define SIM_CHECK(sim, number, cond, ...)                                                          \
    do {                                                                                           \
        if (!(cond))                                                                               \
            sim_broken(sim, number, __VA_ARGS__);                                                  \
    } while (0)

/* --- Rows (sim_rows_simulated.c) ------------------------------------------------------------ */

slk_sector_state_t sim_state(const sim_row_t *row);
/* As slk_sector_store_step: an event in a transaction, with its hooks. */
slk_step_t sim_step(sim_t *sim, sim_row_t *row, const slk_event_t *event);
void sim_store_wait(sim_t *sim, sim_row_t *row, const slk_sector_wait_t *wait);
void sim_wake(sim_t *sim, sim_row_t *row);
void sim_wake_epoch(sim_t *sim, int64_t height);
void sim_wake_reverted(sim_t *sim);
void sim_wake_job(sim_t *sim, const sim_job_t *job);
void sim_wake_message(sim_t *sim, const sim_message_t *message);
void sim_wake_all(sim_t *sim);
void sim_create(sim_t *sim, sim_row_t *row);
/* The record as it would be read again. */
void sim_reread(sim_t *sim, sim_row_t *row);
/* An operator does what is right where a sector waits for him, or something at random. */
void sim_person_decides(sim_t *sim, sim_row_t *row);
void sim_person_meddles(sim_t *sim);

/* --- Manager (sim_runner_simulated.c) ------------------------------------------------------- */

void sim_runner(sim_t *sim);
void sim_batcher(sim_t *sim);
/* Does it die here? Then it is down when this turn is over. */
bool sim_dies(sim_t *sim);
void sim_starts(sim_t *sim);

/* --- Chain (sim_chain_simulated.c, sim_sender_simulated.c) ---------------------------------- */

void sim_chain_begin(sim_t *sim);
void sim_chain_epoch(sim_t *sim);
/* The node is asked and answers; false: trouble. */
bool sim_node(sim_t *sim, slk_diag_t *diag);
/* Id of the last tipset at or before this height. */
uint64_t sim_tipset_at(const sim_t *sim, int64_t height);
slk_tipset_key_t sim_tipset_key(uint64_t id);
slk_node_t sim_node_of(const char *what, uint64_t a, uint64_t b, uint64_t c);
slk_node_t sim_ticket_of(const sim_t *sim, int64_t epoch);
slk_node_t sim_seed_of(const sim_t *sim, int64_t epoch);
/* With which exit code would it be executed now? *bad: the sector that is to blame, or
 * UINT64_MAX. */
int64_t sim_exit_of(sim_t *sim, const sim_message_t *message, uint64_t *bad);
bool sim_decode(sim_message_t *message);
bool sim_proof_holds(const slk_seal_claim_t *claim, const void *proof, size_t len);
void sim_proof_make(uint8_t proof[SIM_PROOF_SZ], const slk_node_t *ticket, const slk_node_t *seed,
                    const slk_node_t *comm_d, const slk_node_t *comm_r, uint64_t number);
/* Head and messages as the manager hears of them. */
void sim_follow(sim_t *sim);
void sim_send(sim_t *sim);
sim_message_t *sim_message_find(sim_t *sim, const char *key);
void sim_message_add(sim_t *sim, const slk_message_want_t *want);

/* --- Jobs and workers ----------------------------------------------------------------------- */

/* UINT32_MAX: no such key. */
uint32_t sim_job_find(const sim_t *sim, const char *key);
void sim_job_add(sim_t *sim, const slk_job_want_t *want);
void sim_job_drop_all(sim_t *sim, uint64_t number);
void sim_job_assign(sim_t *sim, size_t job, int worker);
slk_taken_t sim_job_continue(sim_t *sim, size_t job, int worker, int64_t lease);
slk_taken_t sim_job_done(sim_t *sim, size_t job, int worker, int64_t lease, json_t *result,
                         int64_t work_ms);
slk_taken_t sim_job_failed(sim_t *sim, size_t job, int worker, int64_t lease,
                           slk_failure_t failure);
void sim_job_lost(sim_t *sim, size_t job);
void sim_job_abort(sim_t *sim, size_t job, const char *why);
/* Median; 0: nothing measured. */
int64_t sim_typical(const sim_t *sim, slk_task_t task);

void sim_workers_begin(sim_t *sim);
void sim_workers(sim_t *sim);
int64_t sim_workers_next(const sim_t *sim);
void sim_workers_trouble(sim_t *sim);
void sim_workers_heal(sim_t *sim);
void sim_leases(sim_t *sim);
sim_run_t *sim_run_begin(sim_t *sim, size_t job, int worker);
bool sim_reachable(const sim_worker_t *worker);
void sim_stir(sim_t *sim, sim_worker_t *worker);

/* A job of the sector failed, or its result was wrong, so that PC1 may have to be done again. */
void sim_spoil(sim_row_t *row, slk_task_t task, slk_failure_t failure);

sim_file_t *sim_file(sim_row_t *row, slk_file_types_t type, uint32_t store);
void sim_file_put(sim_t *sim, sim_row_t *row, slk_file_types_t type, uint32_t store,
                  uint64_t bytes);
void sim_file_drop(sim_t *sim, sim_row_t *row, slk_file_types_t type, uint32_t store);

void sim_schedule(sim_t *sim);

/* --- What decisions look at (sim_world_simulated.c) ----------------------------------------- */

slk_world_t sim_world(sim_t *sim, unsigned troubles);

#endif /* SLK_MANAGER_SIM_SIMULATED_H */
