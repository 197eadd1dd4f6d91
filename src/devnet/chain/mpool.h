#ifndef SLK_DEVNET_CHAIN_MPOOL_H
#define SLK_DEVNET_CHAIN_MPOOL_H

/* Messages that are not on the chain yet (spec chain.md 2.2, rules and texts of lotus'
 * chain/messagepool).
 *
 * Follows the head: what a tipset took is gone, what a reverted one had comes back. Pushed
 * messages are on the disk before slk_mpool_push returns, and stay there until they are
 * SLK_CHAIN_FINALITY epochs deep in the chain: after kill -9 at any time, also in the middle of a
 * reorg, they are pending again or on the chain. Any thread. */

#include "devnet/chain/chain.h"

typedef struct slk_mpool slk_mpool_t;

#define SLK_MPOOL_MESSAGE_MAX   ((size_t)64 << 10)
#define SLK_MPOOL_MAX           30000u /* messages in all */
#define SLK_MPOOL_ACTOR_PENDING 1000u
#define SLK_MPOOL_NONCE_GAP     4u
#define SLK_REPLACE_BY_FEE_MIN  110 /* per cent of the old premium, plus one: what is accepted */
#define SLK_REPLACE_BY_FEE      125 /* what the node recommends */
#define SLK_BLOCK_MESSAGES_MAX  10000u

/* Subscribes to the chain, which must outlive it. */
SLK_CHECK_RESULT slk_err_t slk_mpool_new(slk_mpool_t **pool, slk_chain_t *chain, slk_diag_t *diag);
void slk_mpool_free(slk_mpool_t *pool); /* NULL allowed */

typedef enum {
    SLK_PUSH_LOCAL,    /* over the API: any nonce gap */
    SLK_PUSH_STRICT,   /* as from the network: a gap of SLK_MPOOL_NONCE_GAP */
    SLK_PUSH_UNTRUSTED /* no gap, a tenth of the messages: MpoolPushUntrusted */
} slk_push_t;

/* Take a signed message; *cid as the chain knows it. SLK_ERR_INPUT: refused, with the node's text.
 */
SLK_CHECK_RESULT slk_err_t slk_mpool_push(slk_cid_t *cid, slk_mpool_t *pool,
                                          const slk_signed_message_t *message, slk_push_t how,
                                          slk_diag_t *diag);

/* The nonce that the sender's next message takes: MpoolGetNonce. SLK_ERR_NOTFOUND: no such actor.
 */
SLK_CHECK_RESULT slk_err_t slk_mpool_nonce(uint64_t *nonce, slk_mpool_t *pool,
                                           const slk_address_t *sender, slk_diag_t *diag);

/* Whoever picks a nonce, signs and pushes holds this in between, so that no other does with the
 * same one (MpoolPushMessage). Not needed for the other functions. */
void slk_mpool_sender_lock(slk_mpool_t *pool);
void slk_mpool_sender_unlock(slk_mpool_t *pool);

/* A pending message. Everything lies in the arena. */
typedef struct {
    slk_cid_t cid;
    slk_signed_message_t message;
} slk_pending_t;
typedef struct {
    slk_pending_t *items;
    size_t count;
} slk_pending_list_t;

/* All of them by sender and nonce, or those of one sender (NULL: of all). */
SLK_CHECK_RESULT slk_err_t slk_mpool_pending(slk_pending_list_t *list, slk_mpool_t *pool,
                                             const slk_address_t *sender, slk_arena_t *arena,
                                             slk_diag_t *diag);

/* Messages for a block on top of a tipset, also one that is not the head: of all senders' next
 * ones always the one with the highest premium, as long as nonces, balances, fee caps and the
 * block's gas allow. BLS and secp256k1 together, each sender's in nonce order. */
SLK_CHECK_RESULT slk_err_t slk_mpool_select(slk_pending_list_t *list, slk_mpool_t *pool,
                                            const slk_tip_t *on, slk_arena_t *arena,
                                            slk_diag_t *diag);

/* Forget a message, as if it had never come ("lost messages"). SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_mpool_forget(slk_mpool_t *pool, const slk_cid_t *cid,
                                            slk_diag_t *diag);
/* Forget all: MpoolClear. */
SLK_CHECK_RESULT slk_err_t slk_mpool_clear(slk_mpool_t *pool, slk_diag_t *diag);

size_t slk_mpool_count(slk_mpool_t *pool);

/* Told of each message that became pending, in the place of another or after a reorg too, and of each that
 * is so no more (removed), in order; from inside the pool, which must not be called. One at a time; fn NULL:
 * nobody. Returns when the one before is told no more. */
typedef void slk_mpool_fn_t(void *ctx, const slk_signed_message_t *message, bool removed);
void slk_mpool_listen(slk_mpool_t *pool, slk_mpool_fn_t *fn, void *ctx);

/* The signed message of an earlier MpoolPushMessage with this MsgUuid; *found false: there was
 * none. Kept on the disk. */
SLK_CHECK_RESULT slk_err_t slk_mpool_uuid_get(slk_signed_message_t *message, bool *found,
                                              slk_mpool_t *pool, const char *uuid,
                                              slk_arena_t *arena, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_mpool_uuid_put(slk_mpool_t *pool, const char *uuid,
                                              const slk_signed_message_t *message,
                                              slk_diag_t *diag);

/* Floor of the premium that replaces one: old * percent / 100 + 1. */
slk_bigint_t slk_mpool_replace_premium(const slk_bigint_t *premium, unsigned percent);

#endif /* SLK_DEVNET_CHAIN_MPOOL_H */
