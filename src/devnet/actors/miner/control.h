#ifndef SLK_DEVNET_MINER_CONTROL_H
#define SLK_DEVNET_MINER_CONTROL_H

/* Methods about who controls a miner, where its money goes, and what anybody may ask it. */

#include "devnet/actors/miner/miner.h"

/* Checks of addresses and of the network identity that the constructor shares. All answer
 * SLK_EXIT_USR_ILLEGAL_ARGUMENT. */
slk_exit_t slk_miner_check_controls(slk_rt_t *rt, const slk_address_list_t *controls);
slk_exit_t slk_miner_check_peer(slk_rt_t *rt, slk_bytes_t peer_id, const slk_bytes_list_t *addrs);
/* what: "owner address", "control address" in the text. */
slk_exit_t slk_miner_resolve(slk_rt_t *rt, const slk_address_t *address, const char *what,
                             slk_address_t *id);
slk_exit_t slk_miner_resolve_all(slk_rt_t *rt, const slk_address_list_t *addresses,
                                 slk_address_list_t *ids);
/* An account with a BLS key, which blocks need. */
slk_exit_t slk_miner_resolve_worker(slk_rt_t *rt, const slk_address_t *address, slk_address_t *id);

slk_actor_fn_t slk_miner_constructor, slk_miner_control_addresses, slk_miner_change_worker_address,
    slk_miner_confirm_change_worker_address, slk_miner_change_owner_address,
    slk_miner_change_peer_id, slk_miner_change_multiaddrs, slk_miner_apply_rewards,
    slk_miner_withdraw_balance, slk_miner_repay_debt, slk_miner_change_beneficiary,
    slk_miner_get_beneficiary;

/* By numbers of FRC-42 alone. */
slk_actor_fn_t slk_miner_get_owner, slk_miner_is_controlling_address, slk_miner_get_sector_size,
    slk_miner_get_available_balance, slk_miner_get_vesting_funds, slk_miner_get_peer_id,
    slk_miner_get_multiaddrs, slk_miner_max_termination_fee, slk_miner_get_initial_pledge,
    slk_miner_generate_sector_location, slk_miner_validate_sector_status,
    slk_miner_get_nominal_sector_expiration;

#endif /* SLK_DEVNET_MINER_CONTROL_H */
