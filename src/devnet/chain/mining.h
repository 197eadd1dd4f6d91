#ifndef SLK_DEVNET_CHAIN_MINING_H
#define SLK_DEVNET_CHAIN_MINING_H

/* Blocks of real miners (spec chain.md 6; lotus' chain/consensus/filcns). Any thread. */

#include "crypto/keys/signer.h"
#include "devnet/chain/producer.h"

/* MinerGetBaseInfo for a block at `round` on top of a tipset; *is false: null is the answer. Lies
 * in the arena. SLK_ERR_NOTFOUND: no such miner now. */
SLK_CHECK_RESULT slk_err_t slk_mining_base_info(slk_mining_base_info_t *info, bool *is,
                                                slk_chain_t *chain, const slk_address_t *miner,
                                                int64_t round, const slk_tip_t *base,
                                                slk_arena_t *arena, slk_diag_t *diag);

/* MinerCreateBlock: a block of a template, signed by the worker's key, which `signer` has.
 * Messages are kept in the store; lies in the arena. */
SLK_CHECK_RESULT slk_err_t slk_mining_create_block(slk_block_msg_t *block, slk_chain_t *chain,
                                                   const slk_block_template_t *form,
                                                   slk_signer_t signer, slk_arena_t *arena,
                                                   slk_diag_t *diag);

/* SyncSubmitBlock: check everything (form, parents, clock, beacon, ticket, election, winning PoSt,
 * signatures, messages, state), put it in, and make the tipset with it the head when that is the
 * heaviest. A block that is known is fine. SLK_ERR_INPUT: refused, with the reason in the node's
 * words. producer: whose clock counts; NULL: none. */
SLK_CHECK_RESULT slk_err_t slk_mining_submit(slk_chain_t *chain, slk_producer_t *producer,
                                             const slk_block_msg_t *block, slk_diag_t *diag);

#endif /* SLK_DEVNET_CHAIN_MINING_H */
