#ifndef SLK_DEVNET_CHAIN_MINING_STATE_H
#define SLK_DEVNET_CHAIN_MINING_STATE_H

/* What the right to make a block is decided by (lotus:chain/stmgr, functions of the same names).
 * Records lie in the arena. */

#include "codec/actors/miner_state.h"
#include "codec/actors/power.h"
#include "devnet/chain/chain.h"

/* The tipset and state that count for a block at `round`: SLK_CHAIN_FINALITY epochs before it. */
SLK_CHECK_RESULT slk_err_t slk_lookback(slk_tip_t **tip, slk_cid_t *root, slk_chain_t *chain,
                                        const slk_tip_t *base, int64_t round, slk_diag_t *diag);

/* A miner in a state; *found false: there is no such actor, or it is none. */
SLK_CHECK_RESULT slk_err_t slk_mining_miner(slk_miner_state_t *state, slk_miner_info_t *info,
                                            bool *found, slk_chain_t *chain, const slk_cid_t *root,
                                            const slk_address_t *miner, slk_arena_t *arena,
                                            slk_diag_t *diag);

/* The power actor's state, and a miner's claim there; *found false: it has none. */
SLK_CHECK_RESULT slk_err_t slk_mining_claim(slk_power_state_t *power, slk_power_claim_t *claim,
                                            bool *found, slk_chain_t *chain, const slk_cid_t *root,
                                            const slk_address_t *miner, slk_arena_t *arena,
                                            slk_diag_t *diag);

/* The sectors that a winning PoSt with this randomness (as drawn) is about: one, or none when the
 * miner has none active. */
SLK_CHECK_RESULT slk_err_t slk_mining_sectors(slk_challenged_sector_list_t *sectors,
                                              slk_chain_t *chain, const slk_miner_state_t *state,
                                              uint64_t miner, const slk_node_t *randomness,
                                              slk_arena_t *arena, slk_diag_t *diag);

/* Whether it may make a block on top of a tipset now. */
SLK_CHECK_RESULT slk_err_t slk_mining_eligible(bool *is, slk_chain_t *chain,
                                               const slk_address_t *miner, const slk_tip_t *base,
                                               const slk_tip_t *lookback, slk_arena_t *arena,
                                               slk_diag_t *diag);

#endif /* SLK_DEVNET_CHAIN_MINING_STATE_H */
