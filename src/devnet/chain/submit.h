#ifndef SLK_DEVNET_CHAIN_SUBMIT_H
#define SLK_DEVNET_CHAIN_SUBMIT_H

/* A miner's block while it is looked at, for the files that do so. The chain is locked. */

#include "codec/actors/miner_state.h"
#include "devnet/chain/chain.h"

typedef struct {
    slk_chain_t *chain;
    const slk_block_msg_t *block;
    const slk_block_header_t *header; /* of it */
    slk_tip_t *head, *base, *lookback;
    slk_cid_t root; /* of the lookback state */
    uint64_t miner;
    slk_miner_state_t state; /* in the lookback state, as the worker's key */
    slk_address_t worker;
    int64_t winning_post; /* registered type */
    slk_bytes_t beacon;   /* Data of the block's own entry */
    slk_arena_t arena;
    slk_diag_t *diag;
} slk_submit_t;

/* Its messages: what they are, and that they may be there. */
SLK_CHECK_RESULT slk_err_t slk_submit_messages(slk_submit_t *submit);

/* Put it in together with other blocks of its height and parents; the head moves when that is the
 * heaviest chain. */
SLK_CHECK_RESULT slk_err_t slk_submit_join(slk_submit_t *submit);

#endif /* SLK_DEVNET_CHAIN_SUBMIT_H */
