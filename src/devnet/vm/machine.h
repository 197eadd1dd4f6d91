#ifndef SLK_DEVNET_VM_MACHINE_H
#define SLK_DEVNET_VM_MACHINE_H

/* Runs the messages of one tipset, one after the other, on a state (spec chain.md 2.4, 6.4, 9.1).
 *
 * Charges and refunds are computed as the real chain does; how much gas things use is a model of its own
 * (devnet/vm/gas.h). One thread a machine. */

#include "codec/chain/message.h"
#include "devnet/vm/runtime.h"
#include "devnet/vm/state_tree.h"
#include "selkie/job.h"

typedef struct slk_machine slk_machine_t;

/* What the chain says to a tipset's messages. */
typedef struct {
    /* draw(base, tag, epoch, entropy) of spec 5 as seen from this tipset, base from tickets or beacon. */
    slk_err_t (*draw)(void *ctx, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                      const void *entropy, size_t len, slk_diag_t *diag);
    void *draw_ctx;
    const slk_blockstore_t *store;
    const slk_policy_t *policy;
    const char *params_dir; /* verifying keys; NULL: slk_params_dir() */
    const slk_job_t *job;   /* threads for verification; may be NULL */
    int64_t epoch;
    slk_bigint_t base_fee;
    slk_bigint_t supply; /* circulating */
} slk_machine_env_t;

/* A machine on the state of a root, or with root NULL on an empty one. *env is copied; what it names must
 * outlive the machine. */
SLK_CHECK_RESULT slk_err_t slk_machine_new(slk_machine_t **machine, const slk_machine_env_t *env,
                                           const slk_cid_t *root, slk_diag_t *diag);
void slk_machine_free(slk_machine_t *machine); /* NULL allowed */

slk_state_tree_t *slk_machine_tree(slk_machine_t *machine);

/* Go on to another epoch (null rounds). */
void slk_machine_set_epoch(slk_machine_t *machine, int64_t epoch);

/* --- Messages -------------------------------------------------------------------------------------- */

/* One call that a message made, itself included; in the order in which they began. */
typedef struct {
    unsigned depth; /* 0: the message */
    uint64_t from, to;
    slk_address_t to_address;
    slk_actor_kind_t kind; /* of the receiver */
    uint64_t method;
    slk_bigint_t value;
    slk_bytes_t params, ret;
    slk_exit_t exit;
    int64_t gas; /* used so far when it ended */
} slk_call_t;

typedef struct {
    uint64_t emitter;
    const slk_event_entry_t *entries;
    size_t cnt;
} slk_event_t;

/* Names and meaning as Lotus' GasCost. */
typedef struct {
    slk_bigint_t base_fee_burn, over_estimation_burn, miner_penalty, miner_tip, refund, total_cost;
} slk_gas_cost_t;

/* What became of a message; everything it names lives until the next message or slk_machine_free. */
typedef struct {
    slk_exit_t exit;
    slk_bytes_t ret;
    int64_t gas_used;
    const char *text; /* why it failed; "" */
    slk_gas_cost_t cost;
    const slk_call_t *calls;
    size_t call_cnt;
    const slk_event_t *events;
    size_t event_cnt;
} slk_applied_t;

/* Apply a message of the chain. len: bytes of it as the chain has it, signature included where it is kept there.
 * Signature, and whether it may be in a block at all, are not looked at here. An exit code is no error;
 * errors are those of SLK_EXIT_FATAL, after which the machine may only be freed. */
SLK_CHECK_RESULT slk_err_t slk_machine_apply(slk_machine_t *machine, const slk_message_t *message,
                                             size_t len, slk_applied_t *applied, slk_diag_t *diag);

/* Call a method without gas, fees or nonce, as the chain itself does: cron, rewards. */
SLK_CHECK_RESULT slk_err_t slk_machine_apply_implicit(slk_machine_t *machine, uint64_t from,
                                                      uint64_t to, uint64_t method,
                                                      slk_bytes_t params, slk_bigint_t value,
                                                      slk_applied_t *applied, slk_diag_t *diag);

/* The root of events of a message as its receipt has it, blocks stored; undefined without events. */
SLK_CHECK_RESULT slk_err_t slk_events_root(slk_cid_t *root, const slk_blockstore_t *store,
                                           const slk_applied_t *applied, slk_diag_t *diag);

/* Write what changed and tell the new root. */
SLK_CHECK_RESULT slk_err_t slk_machine_flush(slk_machine_t *machine, slk_cid_t *root,
                                             slk_diag_t *diag);

#endif /* SLK_DEVNET_VM_MACHINE_H */
