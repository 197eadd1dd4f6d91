#ifndef SLK_DEVNET_VM_MACHINE_IMPL_H
#define SLK_DEVNET_VM_MACHINE_IMPL_H

/* The inside of a machine, for the files of this folder. */

#include "devnet/vm/gas.h"
#include "devnet/vm/machine.h"

#define SLK_CALL_DEPTH_MAX 64u

/* Why a call failed, one a depth. */
typedef struct {
    uint64_t actor, method;
    slk_exit_t exit;
    char text[512];
} slk_frame_t;

struct slk_machine {
    slk_machine_env_t env;
    slk_state_tree_t *tree;
    slk_blockstore_t store; /* env.store, with gas for each block */
    slk_arena_t arena;      /* of the message at hand */
    slk_diag_t diag;        /* of the last call into a library */
    slk_diag_t fatal;

    uint64_t origin, origin_nonce, new_addresses;
    slk_address_t origin_address; /* as the message has it */
    bool metered, out_of_gas;
    int64_t gas_used, gas_limit;

    char cause[256];     /* why a call did not begin: the machine's own reason; "" */
    slk_frame_t *frames; /* SLK_CALL_DEPTH_MAX of them */
    unsigned frame_cnt;
    slk_call_t *calls;
    size_t call_cnt, call_cap;
    slk_event_t *events;
    size_t event_cnt, event_cap;
    char *text; /* of the message at hand; in the arena */
};

/* One invocation of a method. */
struct slk_rt {
    slk_machine_t *machine;
    unsigned depth;
    uint64_t caller, receiver, method;
    slk_bigint_t value;
    slk_bytes_t params, ret;
    char text[512]; /* of slk_rt_abort */
};

/* Call a method: transfer, look up, run, undo if it fails. SLK_EXIT_FATAL leaves machine->fatal. */
slk_exit_t slk_machine_invoke(slk_machine_t *machine, unsigned depth, uint64_t from,
                              const slk_address_t *to, uint64_t method, slk_bytes_t params,
                              slk_bigint_t value, slk_bytes_t *ret);

/* Keep the sentence in machine->diag (or `why`) as that of the machine's end. */
slk_exit_t slk_machine_fatal(slk_machine_t *machine, const char *why);

/* Use up gas; false when it is over. */
bool slk_machine_charge(slk_machine_t *machine, int64_t gas);

/* Move an amount; SLK_EXIT_INSUFFICIENT_BALANCE. Both actors are there. */
slk_exit_t slk_machine_transfer(slk_machine_t *machine, uint64_t from, uint64_t to,
                                const slk_bigint_t *value);

/* The table of a kind; NULL: nothing of it can be called. */
const slk_actor_t *slk_actor_table(slk_actor_kind_t kind);

/* Map an address to the next id in the init actor's state. */
slk_exit_t slk_machine_map_address(slk_machine_t *machine, const slk_address_t *address,
                                   uint64_t *id);

/* Make the account of a key address. */
slk_exit_t slk_machine_new_account(slk_machine_t *machine, const slk_address_t *key, uint64_t *id);

#endif /* SLK_DEVNET_VM_MACHINE_IMPL_H */
