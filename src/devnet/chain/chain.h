#ifndef SLK_DEVNET_CHAIN_CHAIN_H
#define SLK_DEVNET_CHAIN_CHAIN_H

/* A development chain: tipsets, what became of their messages, the head.
 *
 * Blocks, messages, state and receipts are real objects by CID (devnet/chain/block_db.h) in the
 * file chain.db of a folder, together with the tables that find them again. A tipset goes in with
 * its blocks, the state after it and the move of the head in one transaction: a process killed at
 * any time finds the chain as it was after the last epoch that it had told anybody of. All history
 * is kept, also of branches that were left.
 *
 * Every tipset is executed once, when it is put in (spec chain.md 6.4); a tipset that one is given
 * always has its result. Differences to a real node: the built-in producer's blocks
 * (devnet/chain/producer.h) get no reward, what their messages pay them stays with the reward
 * actor; the weight of a chain grows by at least 256 a tipset, also when the network has no power
 * yet.
 *
 * Any thread may call any function. Head changes are made by one thread at a time. */

#include "base/arena.h"
#include "codec/chain/receipt.h"
#include "codec/policy.h"
#include "devnet/actors/genesis.h"
#include "devnet/actors/supply.h"
#include "devnet/chain/block_db.h"
#include "devnet/vm/machine.h"

typedef struct slk_chain slk_chain_t;

#define SLK_CHAIN_FINALITY 900
/* The built-in producer's address in blocks: no miner actor, an account whose key comes from the
 * seed. Later miners and accounts have ids from 1001 on. */
#define SLK_PRODUCER_ID UINT64_C(1000)

/* --- Life ------------------------------------------------------------------------------------- */

/* Pointers are used during slk_chain_open alone, but for policy->name and job. */
typedef struct {
    const slk_policy_t *policy;
    const char *network_name;
    slk_node_t seed;        /* of keys, tickets, null rounds; blocks of equal seeds are equal */
    uint64_t genesis_time;  /* seconds since 1970; 0: now, or that of the chain that is there */
    const char *params_dir; /* verifying keys; NULL: slk_params_dir() */
    const slk_genesis_account_t *accounts; /* of the first state */
    size_t account_cnt;
    slk_address_t verifreg_root; /* key of f080; undefined: nobody has it */
    const slk_job_t *job;        /* threads for verification; may be NULL */
    size_t cache_bytes;          /* of state in memory; 0: 64 MiB */
} slk_chain_options_t;

/* Open the chain in a folder; made with its genesis block where there is none. SLK_ERR_MISMATCH:
 * it was made with another network name, seed, genesis time or policy. SLK_ERR_BUSY: another
 * process has it open. */
SLK_CHECK_RESULT slk_err_t slk_chain_open(slk_chain_t **chain, const char *dir,
                                          const slk_chain_options_t *options, slk_diag_t *diag);

/* NULL is a no-op. Nothing that was got from it may be used any more; all tipsets are given back.
 */
void slk_chain_close(slk_chain_t *chain);

const slk_policy_t *slk_chain_policy(const slk_chain_t *chain);
const char *slk_chain_network_name(const slk_chain_t *chain);
uint64_t slk_chain_genesis_time(const slk_chain_t *chain);
/* 32 bytes from the seed for whoever asks for them by this name (at most 64 characters) and
 * number. */
slk_node_t slk_chain_secret(const slk_chain_t *chain, const char *name, uint64_t n);
/* Blocks by CID: state, messages, headers. Any thread. Put blocks last from the next commit on. */
const slk_blockstore_t *slk_chain_store(const slk_chain_t *chain);

/* --- Tipsets ---------------------------------------------------------------------------------- */

/* Immutable and counted: whoever is given one gives it back. */
typedef struct {
    slk_tipset_t tipset;
    slk_tipset_cids_t key, parents; /* borrow from tipset */
    int64_t height;
    slk_bigint_t weight; /* of the chain, this one included */
    /* After its own messages, as its children have them in their headers. */
    slk_cid_t state, receipts;
    slk_bigint_t base_fee;
} slk_tip_t;

slk_tip_t *slk_tip_ref(slk_tip_t *tip);
void slk_tip_unref(slk_tip_t *tip); /* NULL allowed */

/* State before the tipset's messages. */
static inline const slk_cid_t *slk_tip_parent_state(const slk_tip_t *tip)
{
    return &tip->tipset.blocks.items[0].parent_state_root;
}

/* Whether a block is the built-in producer's. */
bool slk_block_is_builtin(const slk_block_header_t *block);

slk_tip_t *slk_chain_head(slk_chain_t *chain);
slk_tip_t *slk_chain_genesis(slk_chain_t *chain);

/* By key; the order of its CIDs is that of the tipset. SLK_ERR_NOTFOUND. Empty: SLK_ERR_INPUT with
 * Lotus' text "NewTipSet called with zero length array of blocks". */
SLK_CHECK_RESULT slk_err_t slk_chain_tip(slk_tip_t **tip, slk_chain_t *chain,
                                         const slk_tipset_cids_t *key, slk_diag_t *diag);

/* The parent; of the genesis SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_chain_parent(slk_tip_t **tip, slk_chain_t *chain,
                                            const slk_tip_t *of, slk_diag_t *diag);

/* On the chain that ends in `anchor`: at this epoch, or the nearest one below it (after: above it).
 * SLK_ERR_INPUT: above the anchor's height, or negative. */
SLK_CHECK_RESULT slk_err_t slk_chain_at(slk_tip_t **tip, slk_chain_t *chain,
                                        const slk_tip_t *anchor, int64_t epoch, bool after,
                                        slk_diag_t *diag);

/* Whether `tip` is `anchor` or one of its ancestors. */
SLK_CHECK_RESULT slk_err_t slk_chain_is_ancestor(bool *is, slk_chain_t *chain, const slk_tip_t *tip,
                                                 const slk_tip_t *anchor, slk_diag_t *diag);

/* A step of the head. */
typedef struct {
    bool revert; /* otherwise apply */
    slk_tip_t *tip;
} slk_step_t;

/* How to get from one tipset to another: reverts newest first, then applies oldest first. Free it
 * with slk_steps_free. */
SLK_CHECK_RESULT slk_err_t slk_chain_path(slk_step_t **steps, size_t *cnt, slk_chain_t *chain,
                                          const slk_tip_t *from, const slk_tip_t *to,
                                          slk_diag_t *diag);
void slk_steps_free(slk_step_t *steps, size_t cnt);

/* --- Head changes ----------------------------------------------------------------------------- */

/* Called for each change of the head in their order, by the thread that changes it, after
 * slk_chain_head tells the new one. May call everything that does not change the chain. Steps are
 * borrowed (slk_tip_ref). */
typedef void slk_head_fn_t(void *ctx, const slk_step_t *steps, size_t cnt);

/* From now on; *head (NULL allowed) is the head that the first change starts from. Subscribers are
 * told in the order in which they came. 0: out of memory. */
uint64_t slk_chain_subscribe(slk_chain_t *chain, slk_head_fn_t *fn, void *ctx, slk_tip_t **head);
/* When it returns, fn is not running and will not be called again. Not from within a callback. */
void slk_chain_unsubscribe(slk_chain_t *chain, uint64_t id);

/* --- Messages and receipts -------------------------------------------------------------------- */

/* A message in a tipset. */
typedef struct {
    slk_cid_t cid; /* as the chain knows it */
    slk_message_t message;
    slk_signature_t signature; /* type 0: BLS, part of the block's aggregate */
    size_t len;                /* bytes on the chain, signature included where it is kept */
    size_t block;              /* which of the tipset's blocks */
} slk_chain_message_t;

typedef struct {
    slk_chain_message_t *items;
    size_t count;
} slk_chain_message_list_t;

/* Messages of a tipset in the order of execution, each once; receipt i of the tipset is of message
 * i. All lies in the arena. */
SLK_CHECK_RESULT slk_err_t slk_chain_messages(slk_chain_message_list_t *messages,
                                              slk_chain_t *chain, const slk_tip_t *tip,
                                              slk_arena_t *arena, slk_diag_t *diag);

/* Messages of one block, BLS first; `block` is 0 in all. */
SLK_CHECK_RESULT slk_err_t slk_chain_block_messages(slk_chain_message_list_t *messages,
                                                    slk_chain_t *chain,
                                                    const slk_block_header_t *block,
                                                    slk_arena_t *arena, slk_diag_t *diag);

/* A header by the CID of its block. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_chain_block(slk_block_header_t *header, slk_chain_t *chain,
                                           const slk_cid_t *cid, slk_arena_t *arena,
                                           slk_diag_t *diag);

/* A message by its CID, whether it is on the chain or was only pushed. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_chain_message(slk_chain_message_t *message, slk_chain_t *chain,
                                             const slk_cid_t *cid, slk_arena_t *arena,
                                             slk_diag_t *diag);

/* Keep a message by its CIDs (bare, and signed unless it is BLS), as slk_chain_message finds it. */
SLK_CHECK_RESULT slk_err_t slk_chain_put_message(slk_chain_t *chain,
                                                 const slk_signed_message_t *message,
                                                 slk_diag_t *diag);

/* Receipts behind a root (slk_tip_t.receipts, or ParentMessageReceipts of a header). */
SLK_CHECK_RESULT slk_err_t slk_chain_receipts(slk_receipt_list_t *receipts, slk_chain_t *chain,
                                              const slk_cid_t *root, slk_arena_t *arena,
                                              slk_diag_t *diag);

/* What StateSearchMsg and StateWaitMsg find (spec chain.md 8.2). */
typedef struct {
    slk_cid_t message; /* another one's where it was replaced */
    slk_receipt_t receipt;
    slk_tip_t *tip;      /* the one that carries the receipt: child of the including one; counted */
    slk_tip_t *included; /* counted */
    size_t index;        /* of the message in `included` */
} slk_found_t;
void slk_found_free(slk_found_t *found);

/* Look for a message as seen from the tipset `from`. *is_found false: not there (yet). limit:
 * epochs to look back, -1 without. SLK_ERR_NOTFOUND: the message is not known here, with Lotus'
 * text. SLK_ERR_MISMATCH: another message took its nonce ("message was replaced: ..."): with
 * allow_replaced one that makes the same call is found instead; without, a search gives *is_found
 * false for that. `wait` chooses StateWaitMsg's habits: an error then. */
SLK_CHECK_RESULT slk_err_t slk_chain_search(slk_found_t *found, bool *is_found, slk_chain_t *chain,
                                            const slk_tip_t *from, const slk_cid_t *cid,
                                            int64_t limit, bool allow_replaced, bool wait,
                                            slk_arena_t *arena, slk_diag_t *diag);

/* The same from the head, and wait until `confidence` epochs are above it, through reorgs. Looks
 * at *cancel (NULL: never) several times a second: SLK_ERR_CANCELLED; also when the chain is
 * closing (slk_chain_end_waits). SLK_ERR_INPUT: a confidence above SLK_CHAIN_FINALITY, with Lotus'
 * text. */
SLK_CHECK_RESULT slk_err_t slk_chain_wait(slk_found_t *found, slk_chain_t *chain,
                                          const slk_cid_t *cid, uint64_t confidence, int64_t limit,
                                          bool allow_replaced, const atomic_bool *cancel,
                                          slk_arena_t *arena, slk_diag_t *diag);

/* All who wait in slk_chain_wait or slk_chain_wait_height leave with SLK_ERR_CANCELLED, now and
 * from now on. */
void slk_chain_end_waits(slk_chain_t *chain);

/* Until the head has this height or more. */
SLK_CHECK_RESULT slk_err_t slk_chain_wait_height(slk_chain_t *chain, int64_t height,
                                                 const atomic_bool *cancel, slk_diag_t *diag);

/* --- Randomness (spec chain.md 5) ------------------------------------------------------------- */

/* The hashed base at an epoch as seen from a tipset, from its tickets or the (mock) beacon:
 * StateGetRandomnessDigestFrom... SLK_ERR_INPUT: "cannot draw randomness from the future". */
SLK_CHECK_RESULT slk_err_t slk_chain_digest(slk_node_t *out, slk_chain_t *chain,
                                            const slk_tip_t *from, bool beacon, int64_t epoch,
                                            slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_chain_draw(slk_node_t *out, slk_chain_t *chain,
                                          const slk_tip_t *from, bool beacon, int64_t tag,
                                          int64_t epoch, const void *entropy, size_t len,
                                          slk_diag_t *diag);

/* The entry of an epoch: Data lies in the arena. */
SLK_CHECK_RESULT slk_err_t slk_chain_beacon_entry(slk_beacon_entry_t *entry, int64_t epoch,
                                                  slk_arena_t *arena, slk_diag_t *diag);

/* --- State ------------------------------------------------------------------------------------ */

/* The actors of a state root: slk_tip_parent_state(T) is what the API shows for T, T->state what
 * the messages after T see. slk_state_tree_free it. */
SLK_CHECK_RESULT slk_err_t slk_chain_state(slk_state_tree_t **tree, slk_chain_t *chain,
                                           const slk_cid_t *root, slk_diag_t *diag);

/* One actor by an address of any protocol; *found false: there is none. id may be NULL. */
SLK_CHECK_RESULT slk_err_t slk_chain_actor(slk_actor_state_t *actor, uint64_t *id, bool *found,
                                           slk_chain_t *chain, const slk_cid_t *root,
                                           const slk_address_t *address, slk_diag_t *diag);

/* The key address of an account, or the address itself when it is one. *found false. */
SLK_CHECK_RESULT slk_err_t slk_chain_account_key(slk_address_t *key, bool *found,
                                                 slk_chain_t *chain, const slk_cid_t *root,
                                                 const slk_address_t *address, slk_diag_t *diag);

/* What is in circulation for messages at an epoch on a state. */
SLK_CHECK_RESULT slk_err_t slk_chain_supply(slk_supply_t *supply, slk_chain_t *chain,
                                            const slk_cid_t *root, int64_t epoch, slk_diag_t *diag);

/* --- Calls: messages that never get on the chain ---------------------------------------------- */

/* What a call did; everything lives until slk_called_free. */
typedef struct {
    slk_applied_t applied;
    slk_message_t message; /* as it was run: nonce, gas and fees filled in */
    slk_cid_t cid;         /* of it */
    double seconds;
} slk_called_t;
void slk_called_free(slk_called_t *called); /* NULL allowed */

typedef enum {
    SLK_CALL_BEFORE, /* on the state before the tipset's messages: StateCall */
    SLK_CALL_AFTER   /* after them and `prior`: gas estimation */
} slk_call_on_t;

/* Run a message on a state without keeping anything. `prior`: pending messages of the sender in
 * nonce order, run first (AFTER alone). From may be any address of an account. The nonce is that
 * of the state; a gas limit of 0 is 10^10, fees are taken as 0 (so that gas is counted but nobody
 * pays). Bytes of the message are borrowed. SLK_ERR_NOTFOUND: no such sender. An exit code is no
 * error. */
SLK_CHECK_RESULT slk_err_t slk_chain_call(slk_called_t **called, slk_chain_t *chain,
                                          const slk_tip_t *tip, slk_call_on_t on,
                                          const slk_message_t *message, const slk_message_t *prior,
                                          size_t prior_cnt, slk_diag_t *diag);

/* Run the messages of a tipset again up to number `index`, and tell about that one: StateReplay. */
SLK_CHECK_RESULT slk_err_t slk_chain_replay(slk_called_t **called, slk_chain_t *chain,
                                            const slk_tip_t *tip, size_t index, slk_diag_t *diag);

/* --- Changing the chain ----------------------------------------------------------------------- */

/* Put in a tipset of blocks that are known to be right (producer.c, submit.c): execute it, keep
 * it. It is not the head yet. blocks: of one height and parents, in any order; their messages must
 * be in the store. One that is there already is fine. SLK_ERR_INPUT: no such tipset. */
SLK_CHECK_RESULT slk_err_t slk_chain_put(slk_tip_t **tip, slk_chain_t *chain,
                                         const slk_block_header_t *blocks, size_t cnt,
                                         slk_diag_t *diag);

/* Make it the head, write all to the disk, tell subscribers. SLK_ERR_STATE: it does not descend from the
 * checkpoint. */
SLK_CHECK_RESULT slk_err_t slk_chain_set_head(slk_chain_t *chain, slk_tip_t *tip, slk_diag_t *diag);

/* A tipset that the chain does not leave from now on, also after a restart; NULL: none any more. One that
 * is not below the head becomes the head. SLK_ERR_INPUT: the fork would be deeper than finality. */
SLK_CHECK_RESULT slk_err_t slk_chain_set_checkpoint(slk_chain_t *chain, slk_tip_t *tip,
                                                    slk_diag_t *diag);

/* Those who change the chain hold this from their look at the head to slk_chain_set_head.
 * Recursive. */
void slk_chain_lock(slk_chain_t *chain);
void slk_chain_unlock(slk_chain_t *chain);

/* A table of the chain's database: read or change it in a transaction of its own, blocks that were
 * put included. */
SLK_CHECK_RESULT slk_err_t slk_chain_write(slk_chain_t *chain, slk_db_fn_t *fn, void *ctx,
                                           slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_chain_read(slk_chain_t *chain, slk_db_fn_t *fn, void *ctx,
                                          slk_diag_t *diag);

/* --- Figures ---------------------------------------------------------------------------------- */

typedef struct {
    size_t tips; /* tipsets in memory */
    slk_block_db_stat_t blocks;
    uint64_t executed;      /* tipsets since it was opened */
    double execute_seconds; /* of them together */
} slk_chain_stat_t;
slk_chain_stat_t slk_chain_stat(slk_chain_t *chain);

#endif /* SLK_DEVNET_CHAIN_CHAIN_H */
