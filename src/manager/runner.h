#ifndef SLK_MANAGER_RUNNER_H
#define SLK_MANAGER_RUNNER_H

/* Moves sectors on: threads that take the sectors that are due, have a decision made about each
 * (manager/seal/decide.h) and store it, and one that sends batches.
 *
 *   load row -> decide (no transaction, may ask the chain) -> one transaction: step, or job, or wait
 *
 * What was stored while it was being decided makes the version differ; the decision is then dropped and the
 * sector, still due, decided on anew. So one sector is never moved by two, in this process or another, and
 * kill -9 between any two lines loses nothing.
 *
 * Where another thing wakes a sector (manager/sector/sector_store.h), slk_runner_wake makes the threads look
 * at once; they look by themselves four times a second as well. */

#include "chain/client.h"
#include "manager/config.h"
#include "manager/job/dispatch.h"
#include "manager/seal/batch.h"
#include "manager/seal/world_node.h"
#include "manager/sector/sector_store.h"

typedef struct slk_runner slk_runner_t;

typedef struct {
    const char *database; /* store/db.h; each thread has a connection of its own */
    slk_chain_t *chain;
    slk_dispatch_t *dispatch;
    slk_signer_t signer;     /* ops NULL: the node's wallet */
    slk_nonce_mode_t nonces; /* of messages */
    const char *params_dir;
    unsigned threads; /* that decide; 0: 4 */
    /* The settings of a miner now. False: it is none of ours. Any thread. */
    bool (*config)(void *ctx, uint64_t miner, slk_miner_config_t *out);
    /* Miners that are ours, at most max. */
    size_t (*miners)(void *ctx, uint64_t *out, size_t max);
    void *config_ctx;
} slk_runner_opts_t;

/* All sectors that are not at rest are looked at first. */
SLK_CHECK_RESULT slk_err_t slk_runner_start(slk_runner_t **runner, const slk_runner_opts_t *opts,
                                            slk_diag_t *diag);
/* End its threads; wakes do nothing from now on. NULL is a no-op. */
void slk_runner_stop(slk_runner_t *runner);
/* When nobody is left who could wake it. NULL is a no-op. */
void slk_runner_free(slk_runner_t *runner);

/* Something may be due. Any thread, also from hooks inside of transactions. */
void slk_runner_wake(slk_runner_t *runner);

/* What a step of any thread has to call (sector_store.h): drops the jobs of the state that was left. */
extern const slk_sector_hooks_t slk_runner_hooks;

/* Tell the log of a step. */
void slk_runner_log_step(const slk_sector_outcome_t *outcome, uint64_t miner, uint64_t number,
                         const slk_event_t *event);

/* Send what waits of this kind without regard of number and time, at the next pass. */
void slk_runner_flush(slk_runner_t *runner, uint64_t miner, slk_batch_kind_t kind);

/* When the batch of a miner will be sent: a sentence; "" where nothing waits. */
void slk_runner_batch_why(slk_runner_t *runner, uint64_t miner, slk_batch_kind_t kind, char *out,
                          size_t cap);

/* A world to look at from a thread of one's own, with its connection to the database (borrowed). */
SLK_CHECK_RESULT slk_err_t slk_runner_world(slk_runner_t *runner, slk_db_t *db,
                                            slk_world_node_t **world, slk_diag_t *diag);

#endif /* SLK_MANAGER_RUNNER_H */
