#ifndef SLK_DEVNET_VM_RUNTIME_H
#define SLK_DEVNET_VM_RUNTIME_H

/* What a method of an actor sees while it runs: its caller, its state, the chain, other actors. The one
 * door between actors (devnet/actors) and the machine that runs them (devnet/vm); actors know nothing
 * of blocks, databases or the network.
 *
 * A method reads its parameters, loads its state from slk_rt_head, works in slk_rt_arena, stores
 * blocks, calls slk_rt_set_head, says what it returns. When it ends with another code than SLK_EXIT_OK,
 * all that it and the methods it called have changed is undone.
 *
 * Codes are those of the real actors (spec chain.md 3.1). SLK_EXIT_FATAL is none of them: the machine
 * itself failed (no memory, disk full, a block of state is missing or malformed); the machine keeps the
 * sentence, and nothing of the tipset is kept. One thread. Sources: spec chain.md sections 3, 4, 9;
 * builtin-actors v18. */

#include "base/arena.h"
#include "codec/actors/exit_code.h"
#include "codec/actors/method.h"
#include "codec/address.h"
#include "codec/bigint.h"
#include "codec/cid.h"
#include "codec/ipld/blockstore.h"
#include "codec/policy.h"
#include "codec/record.h"
#include "selkie/proof_types.h"

typedef struct slk_rt slk_rt_t;

/* --- Exit codes ------------------------------------------------------------------------------------ */

/* One of slk_exit_code_t, or SLK_EXIT_FATAL. */
typedef int32_t slk_exit_t;
#define SLK_EXIT_FATAL (-1)

/* End with a code and a text, which callers of the API get to see: the real actors' words where clients
 * match them. `return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "...")`. */
slk_exit_t slk_rt_abort(slk_rt_t *rt, slk_exit_t exit, const char *fmt, ...) SLK_PRINTF(3, 4);

/* The code of a failed call of another function, with words in front of its text, as errors of the real actors
 * are wrapped: "failed to declare faults for deadline 0: no such partition 5". SLK_EXIT_OK and SLK_EXIT_FATAL are
 * handed on. */
slk_exit_t slk_rt_wrap(slk_rt_t *rt, slk_exit_t exit, const char *fmt, ...) SLK_PRINTF(3, 4);

/* The same from a failed call of the library, whose sentence lies in slk_rt_diag: SLK_OK gives
 * SLK_EXIT_OK, SLK_ERR_FORMAT of bytes from a message `otherwise`, all others SLK_EXIT_FATAL. State of
 * our own is read with `otherwise` SLK_EXIT_FATAL. */
slk_exit_t slk_rt_err(slk_rt_t *rt, slk_err_t err, slk_exit_t otherwise);
slk_diag_t *slk_rt_diag(slk_rt_t *rt);

/* Leave the function with the code of `call` unless that is SLK_EXIT_OK. */
#define SLK_RT_TRY(call)                                                                           \
    do {                                                                                           \
        slk_exit_t slk_rt_try_exit = (call);                                                       \
        if (slk_rt_try_exit != SLK_EXIT_OK)                                                        \
            return slk_rt_try_exit;                                                                \
    } while (0)

/* --- The message ------------------------------------------------------------------------------------- */

uint64_t slk_rt_caller(const slk_rt_t *rt);   /* id of who sent the message or called */
uint64_t slk_rt_receiver(const slk_rt_t *rt); /* id of the actor that runs */
uint64_t slk_rt_origin(const slk_rt_t *rt);   /* id of the message's sender */
slk_bigint_t slk_rt_value(const slk_rt_t *rt);
int64_t slk_rt_epoch(const slk_rt_t *rt);
/* The numbers of this network; devnets may have scaled ones. */
const slk_policy_t *slk_rt_policy(const slk_rt_t *rt);

/* The parameters as a record in slk_rt_arena; SLK_EXIT_USR_SERIALIZATION when they are not. */
slk_exit_t slk_rt_read_params(slk_rt_t *rt, void *record, const slk_type_t *type);

/* What the method returns; copied. Without, empty. */
slk_exit_t slk_rt_return(slk_rt_t *rt, const void *bytes, size_t len);
slk_exit_t slk_rt_return_record(slk_rt_t *rt, const void *record, const slk_type_t *type);

/* SLK_EXIT_USR_FORBIDDEN unless the caller is one of the ids. */
slk_exit_t slk_rt_require_caller(slk_rt_t *rt, const uint64_t *ids, size_t cnt);

/* --- State ------------------------------------------------------------------------------------------- */

/* Memory until the message (or the cron tick) is over, for this invocation and those it makes. */
slk_arena_t *slk_rt_arena(slk_rt_t *rt);
const slk_blockstore_t *slk_rt_store(slk_rt_t *rt);

/* The receiver's state. An actor whose state another method of it may have changed during slk_rt_send
 * loads it again. */
slk_cid_t slk_rt_head(const slk_rt_t *rt);
slk_exit_t slk_rt_set_head(slk_rt_t *rt, const slk_cid_t *head);
/* The receiver's state as a record, borrowing from slk_rt_arena, and back. */
slk_exit_t slk_rt_read_state(slk_rt_t *rt, void *record, const slk_type_t *type);
slk_exit_t slk_rt_write_state(slk_rt_t *rt, const void *record, const slk_type_t *type);

/* Of the receiver, the message's value included. */
slk_bigint_t slk_rt_balance(const slk_rt_t *rt);

/* --- Other actors ------------------------------------------------------------------------------------ */

/* Kinds are those of codec/actors/method.h; this one where there is no actor, or none that is known; id may
 * be any number. */
#define SLK_ACTOR_NONE SLK_ACTOR_COUNT

slk_exit_t slk_rt_actor_kind(slk_rt_t *rt, uint64_t id, slk_actor_kind_t *kind);

/* The id behind an address of any protocol; *found false where there is none. */
slk_exit_t slk_rt_resolve(slk_rt_t *rt, const slk_address_t *address, uint64_t *id, bool *found);

/* SLK_EXIT_USR_FORBIDDEN unless the caller is an actor of this kind. */
slk_exit_t slk_rt_require_kind(slk_rt_t *rt, slk_actor_kind_t kind);

/* The key address of an account actor; *found false for other actors. */
slk_exit_t slk_rt_account_key(slk_rt_t *rt, uint64_t id, slk_address_t *key, bool *found);

/* Call a method (0: transfer only) of another actor with a part of the receiver's balance. The callee's
 * code comes in *exit, its return value in *ret (in slk_rt_arena; NULL: not wanted); what it changed is undone
 * when *exit is not SLK_EXIT_OK. The function's own code is SLK_EXIT_OK or SLK_EXIT_FATAL. To a key address
 * that has no account, one is made. */
slk_exit_t slk_rt_send(slk_rt_t *rt, const slk_address_t *to, uint64_t method, const void *params,
                       size_t len, slk_bigint_t value, slk_exit_t *exit, slk_bytes_t *ret);

/* The same to an id, and any failure of the callee ends the caller with the callee's code and text. */
slk_exit_t slk_rt_call(slk_rt_t *rt, uint64_t to, uint64_t method, const void *params, size_t len,
                       slk_bigint_t value, slk_bytes_t *ret);

/* The same with a record as parameters (NULL: none). */
slk_exit_t slk_rt_call_record(slk_rt_t *rt, uint64_t to, uint64_t method, const void *record,
                              const slk_type_t *type, slk_bigint_t value, slk_bytes_t *ret);

/* Make an actor. Init alone may, with an id of its own choice; the address is one that init maps to it. */
slk_exit_t slk_rt_create_actor(slk_rt_t *rt, slk_actor_kind_t kind, uint64_t id,
                               const slk_address_t *robust);
/* An address that no other actor has, from origin, nonce and a counter: protocol 2. */
slk_address_t slk_rt_new_address(slk_rt_t *rt);

/* An actor's kind by the CID of its code, SLK_ACTOR_NONE if it is not known; "storageminer", "none". */
slk_actor_kind_t slk_actor_kind_of_code(const slk_cid_t *code);
const char *slk_actor_kind_name(slk_actor_kind_t kind);

/* --- The chain --------------------------------------------------------------------------------------- */

/* draw(base, tag, epoch, entropy) of spec 5, base from the tickets or the beacon at `epoch`.
 * SLK_EXIT_USR_ILLEGAL_ARGUMENT: an epoch that is not in the past of this one. */
slk_exit_t slk_rt_ticket_randomness(slk_rt_t *rt, slk_node_t *out, int64_t tag, int64_t epoch,
                                    const void *entropy, size_t len);
slk_exit_t slk_rt_beacon_randomness(slk_rt_t *rt, slk_node_t *out, int64_t tag, int64_t epoch,
                                    const void *entropy, size_t len);

/* attoFIL in circulation, as of the state before this tipset. */
slk_exit_t slk_rt_circulating_supply(slk_rt_t *rt, slk_bigint_t *supply);

/* Charge gas for what is not a message, a send, a block or a proof. SLK_EXIT_SYS_OUT_OF_GAS. */
slk_exit_t slk_rt_charge(slk_rt_t *rt, int64_t gas);

/* An event of the receiver: entries of key and CBOR value, in order. Kept if the message succeeds. */
typedef struct {
    const char *key;
    slk_bytes_t value;
    bool plain; /* the value is not indexed, as is a piece's size: flags 1, not 3 */
} slk_event_entry_t;
slk_exit_t slk_rt_event(slk_rt_t *rt, const slk_event_entry_t *entries, size_t cnt);

/* --- Proofs and signatures, all verified for real ---------------------------------------------------- */

/* Numbers of registered proofs and aggregates: spec 4.2. Each charges its gas. *ok is the answer; a
 * proof of a kind that this build cannot verify is refused with SLK_EXIT_USR_ILLEGAL_ARGUMENT and a text that
 * says so. */
typedef struct {
    int64_t seal_proof;
    uint64_t miner, sector;
    slk_node_t ticket, seed, comm_d, comm_r;
    slk_bytes_t proof;
} slk_seal_info_t;

/* Many at once; ok[i] tells of infos[i]. */
slk_exit_t slk_rt_verify_seals(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt, bool *ok);
/* One aggregate over cnt sectors in this order (their `proof` is not looked at). */
slk_exit_t slk_rt_verify_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof, bool *ok);

typedef struct {
    uint64_t sector;
    int64_t seal_proof;
    slk_node_t comm_r;
} slk_post_sector_t;

/* randomness as drawn (the top bits are cleared here). sectors ascending by number; one that is there several
 * times, as those that stand in for others are, counts once, as with every node. */
slk_exit_t slk_rt_verify_window_post(slk_rt_t *rt, uint64_t miner, int64_t post_proof,
                                     const slk_node_t *randomness, const slk_post_sector_t *sectors,
                                     size_t cnt, slk_bytes_t proof, bool *ok);

slk_exit_t slk_rt_verify_replica_update(slk_rt_t *rt, int64_t update_proof,
                                        const slk_node_t *old_comm_r, const slk_node_t *new_comm_r,
                                        const slk_node_t *comm_d, slk_bytes_t proof, bool *ok);

/* Of an account actor's address or a key address; secp256k1 or BLS as type (1, 2) says. */
slk_exit_t slk_rt_verify_signature(slk_rt_t *rt, int type, slk_bytes_t signature,
                                   const slk_address_t *signer, const void *bytes, size_t len,
                                   bool *ok);

/* comm_d of a sector from its pieces (spec 1.2). SLK_EXIT_USR_ILLEGAL_ARGUMENT: sizes that are no powers of
 * two from 128 on, or more than the sector holds. */
typedef struct {
    slk_node_t comm_p;
    uint64_t size; /* padded */
} slk_rt_piece_t;
slk_exit_t slk_rt_comm_d(slk_rt_t *rt, int64_t seal_proof, const slk_rt_piece_t *pieces, size_t cnt,
                         slk_node_t *comm_d);

/* --- Actors --------------------------------------------------------------------------------------- */

typedef slk_exit_t slk_actor_fn_t(slk_rt_t *rt);

typedef struct {
    uint64_t number;
    const char *name;
    slk_actor_fn_t *fn;
} slk_actor_method_t;

/* One table an actor; where a number is missing the code is SLK_EXIT_USR_UNHANDLED_MESSAGE. */
typedef struct {
    slk_actor_kind_t kind;
    const slk_actor_method_t *methods;
    size_t method_cnt;
} slk_actor_t;

extern const slk_actor_t slk_actor_system, slk_actor_init, slk_actor_cron, slk_actor_account,
    slk_actor_power, slk_actor_miner, slk_actor_market, slk_actor_reward, slk_actor_verifreg,
    slk_actor_datacap;

#endif /* SLK_DEVNET_VM_RUNTIME_H */
