#ifndef SLK_DEVNET_CHAIN_DRAFT_H
#define SLK_DEVNET_CHAIN_DRAFT_H

/* Blocks before they are signed: what all producers do alike. */

#include "devnet/chain/mpool.h"

/* Beacon entries of a block at `epoch` on a parent: one for each epoch above the parent's. In the
 * arena. SLK_ERR_INPUT: not above it, or more than a block can carry. */
SLK_CHECK_RESULT slk_err_t slk_draft_beacon(slk_beacon_entry_list_t *entries, int64_t parent,
                                            int64_t epoch, slk_arena_t *arena, slk_diag_t *diag);

/* Timestamp of blocks at an epoch. */
uint64_t slk_draft_timestamp(const slk_chain_t *chain, int64_t epoch);

/* Fill in what follows from parent and messages: parents, weight, state, receipts, base fee,
 * message root, aggregate of BLS signatures, timestamp. Messages are put in the store; *bls and
 * *secpk, their CIDs, lie in the arena, as what the header borrows. SLK_ERR_INPUT: a signature
 * that is none. */
SLK_CHECK_RESULT slk_err_t slk_draft_fill(slk_block_header_t *header, slk_cid_list_t *bls,
                                          slk_cid_list_t *secpk, slk_chain_t *chain,
                                          const slk_tip_t *parent, int64_t epoch,
                                          const slk_signed_message_t *messages, size_t stride,
                                          size_t cnt, slk_arena_t *arena, slk_diag_t *diag);

#endif /* SLK_DEVNET_CHAIN_DRAFT_H */
