#ifndef SLK_DEVNET_CHAIN_MPOOL_IMPL_H
#define SLK_DEVNET_CHAIN_MPOOL_IMPL_H

/* The inside of the message pool, for its files. */

#include "base/assert.h"
#include "devnet/chain/mpool.h"

#include <pthread.h>

/* A pending message with what it borrows. */
typedef struct {
    slk_cid_t cid;
    slk_signed_message_t message;
    uint8_t bytes[]; /* parameters, then the signature */
} slk_entry_t;

/* Those of one sender, ascending by nonce. */
typedef struct {
    slk_address_t sender;
    slk_entry_t **items;
    size_t cnt, cap;
} slk_pool_set_t;

struct slk_mpool {
    slk_chain_t *chain;
    uint64_t subscription;
    pthread_mutex_t sender_lock;
    pthread_mutex_t lock; /* of what follows; not held while the chain changes */
    slk_tip_t *head;      /* up to which the chain was followed */
    int64_t pruned;       /* height at which rows were last cleaned up; the chain's lock */
    slk_pool_set_t *sets; /* ascending by address; none is empty */
    size_t set_cnt, set_cap, message_cnt;
    slk_mpool_fn_t *listener; /* NULL: none */
    void *listener_ctx;
};

/* --- mpool_sets.c: with the lock held --------------------------------------------------------- */

slk_pool_set_t *slk_pool_find(slk_mpool_t *pool, const slk_address_t *sender); /* NULL: none */
/* The message with a nonce, or NULL. */
slk_entry_t *slk_pool_at(const slk_pool_set_t *set, uint64_t nonce);
/* Put in a copy, in the place of one with the same nonce. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_pool_put(slk_mpool_t *pool, const slk_cid_t *cid,
                                        const slk_signed_message_t *message, slk_diag_t *diag);
/* Take out the message with this nonce (below: all up to it). */
void slk_pool_take(slk_mpool_t *pool, const slk_address_t *sender, uint64_t nonce, bool below);
void slk_pool_empty(slk_mpool_t *pool);
/* The first nonce from `nonce` on that no message has. */
uint64_t slk_pool_next_nonce(const slk_pool_set_t *set, uint64_t nonce);

/* --- mpool_check.c ---------------------------------------------------------------------------- */

/* types.Message.ValidForBlockInclusion but for the least gas; `whose` goes before the text. */
SLK_CHECK_RESULT slk_err_t slk_pool_check_form(const slk_message_t *message, const char *whose,
                                               slk_diag_t *diag);
/* Gas that a 2k network's node asks for, of len bytes on the chain; its machine asks for more
 * (slk_gas_inclusion). */
int64_t slk_pool_least_gas(size_t len);

/* What can be said of a message without the chain. */
SLK_CHECK_RESULT slk_err_t slk_pool_check(const slk_signed_message_t *message, const slk_cid_t *cid,
                                          slk_diag_t *diag);
/* On the state after a tipset, next to what is pending (set may be NULL). */
SLK_CHECK_RESULT slk_err_t slk_pool_check_on(slk_chain_t *chain, const slk_tip_t *head,
                                             const slk_pool_set_t *set,
                                             const slk_signed_message_t *message,
                                             const slk_cid_t *cid, slk_push_t how,
                                             slk_diag_t *diag);

/* --- mpool_store.c ---------------------------------------------------------------------------- */

SLK_CHECK_RESULT slk_err_t slk_pool_keep(slk_mpool_t *pool, const slk_cid_t *cid,
                                         const slk_signed_message_t *message, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_pool_drop(slk_mpool_t *pool, const slk_cid_t *cid, slk_diag_t *diag);
/* A message that was pushed once, with its signature; *found. */
SLK_CHECK_RESULT slk_err_t slk_pool_kept(slk_signed_message_t *message, bool *found,
                                         slk_mpool_t *pool, const slk_cid_t *cid,
                                         slk_arena_t *arena, slk_diag_t *diag);
/* Make pending what was when the process ended. */
SLK_CHECK_RESULT slk_err_t slk_pool_load(slk_mpool_t *pool, slk_diag_t *diag);
/* Forget the rows of what is final. */
SLK_CHECK_RESULT slk_err_t slk_pool_prune(slk_mpool_t *pool, const slk_tip_t *head,
                                          slk_diag_t *diag);

#endif /* SLK_DEVNET_CHAIN_MPOOL_IMPL_H */
