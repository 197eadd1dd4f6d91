#include "codec/actors/miner_state.h"

SLK_RECORD_TYPE(slk_sector_pre_commit_info, "SectorPreCommitInfo", TUPLE,
                SLK_SECTOR_PRE_COMMIT_INFO_ROWS);
SLK_RECORD_TYPE(slk_sector_pre_commit_on_chain_info, "SectorPreCommitOnChainInfo", TUPLE,
                SLK_SECTOR_PRE_COMMIT_ON_CHAIN_INFO_ROWS);
SLK_RECORD_TYPE(slk_sector_on_chain_info, "SectorOnChainInfo", TUPLE,
                SLK_SECTOR_ON_CHAIN_INFO_ROWS);
SLK_RECORD_TYPE(slk_worker_key_change, "WorkerKeyChange", TUPLE, SLK_WORKER_KEY_CHANGE_ROWS);
SLK_RECORD_TYPE(slk_beneficiary_term, "BeneficiaryTerm", TUPLE, SLK_BENEFICIARY_TERM_ROWS);
SLK_RECORD_TYPE(slk_pending_beneficiary_change, "PendingBeneficiaryChange", TUPLE,
                SLK_PENDING_BENEFICIARY_CHANGE_ROWS);
SLK_RECORD_TYPE(slk_miner_info, "MinerInfo", TUPLE, SLK_MINER_INFO_ROWS);
SLK_RECORD_TYPE(slk_api_miner_info, "MinerInfo", OBJECT, SLK_API_MINER_INFO_ROWS);
SLK_RECORD_TYPE(slk_vesting_fund, "VestingFund", TUPLE, SLK_VESTING_FUND_ROWS);
SLK_RECORD_TYPE(slk_vesting_funds, "VestingFunds", TUPLE, SLK_VESTING_FUNDS_ROWS);
SLK_RECORD_TYPE(slk_vesting_funds_tail, "VestingFundsTail", FLAT, SLK_VESTING_FUNDS_TAIL_ROWS);
SLK_RECORD_TYPE(slk_miner_state, "State", TUPLE, SLK_MINER_STATE_ROWS);
SLK_RECORD_TYPE(slk_deadlines, "Deadlines", TUPLE, SLK_DEADLINES_ROWS);
SLK_RECORD_TYPE(slk_deadline, "Deadline", TUPLE, SLK_DEADLINE_ROWS);
SLK_RECORD_TYPE(slk_partition, "Partition", TUPLE, SLK_PARTITION_ROWS);
SLK_RECORD_TYPE(slk_expiration_set, "ExpirationSet", TUPLE, SLK_EXPIRATION_SET_ROWS);

slk_api_miner_info_t slk_miner_info_to_api(slk_miner_info_t *info)
{
    const slk_worker_key_change_t *change = info->pending_worker_key;
    return (slk_api_miner_info_t){
        .owner = info->owner,
        .worker = info->worker,
        .new_worker = change ? change->new_worker : (slk_address_t){0},
        .control_addresses = info->control_addresses,
        .worker_change_epoch = change ? change->effective_at : -1,
        .peer_id = info->peer_id,
        .multiaddrs = info->multiaddrs,
        .window_post_proof_type = info->window_post_proof_type,
        .sector_size = info->sector_size,
        .window_post_partition_sectors = info->window_post_partition_sectors,
        .consensus_fault_elapsed = info->consensus_fault_elapsed,
        .pending_owner_address = info->pending_owner_address,
        .beneficiary = info->beneficiary,
        .beneficiary_term = &info->beneficiary_term,
        .pending_beneficiary_term = info->pending_beneficiary_term,
    };
}
