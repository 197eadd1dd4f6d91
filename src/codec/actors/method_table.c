#include "codec/actors/method_table.h"

#include "base/assert.h"
#include "codec/actors/account.h"
#include "codec/actors/init.h"
#include "codec/actors/market.h"
#include "codec/actors/miner.h"
#include "codec/actors/multisig.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"

/* A method with a number of its own, and one whose number follows from its name. */
#define M(number_, name_, params_, ret_)                                                           \
    {                                                                                              \
        .number = (number_), .name = (name_), .params = (params_), .ret = (ret_)                   \
    }
#define E(number_, name_, params_, ret_)                                                           \
    {                                                                                              \
        .number = (number_), .name = name_ "Exported", .params = (params_), .ret = (ret_),         \
        .frc42 = (name_)                                                                           \
    }
#define HOOK(number_, name_, frc42_, params_, ret_)                                                \
    {                                                                                              \
        .number = (number_), .name = (name_), .params = (params_), .ret = (ret_),                  \
        .frc42 = (frc42_)                                                                          \
    }

static const slk_method_t init_methods[] = {
    M(2, "Exec", &slk_exec_params_type, &slk_exec_return_type),
    M(3, "Exec4", &slk_exec4_params_type, &slk_exec_return_type),
    E(81225168, "Exec", &slk_exec_params_type, &slk_exec_return_type),
};

static const slk_method_t reward_methods[] = {
    M(1, "Constructor", &slk_value_bigint_type, NULL),
    M(2, "AwardBlockReward", &slk_award_block_reward_params_type, NULL),
    M(3, "ThisEpochReward", NULL, &slk_this_epoch_reward_return_type),
    M(4, "UpdateNetworkKPI", &slk_value_bigint_type, NULL),
};

static const slk_method_t cron_methods[] = {
    M(2, "EpochTick", NULL, NULL),
};

static const slk_method_t power_methods[] = {
    M(1, "Constructor", NULL, NULL),
    M(2, "CreateMiner", &slk_create_miner_params_type, &slk_create_miner_return_type),
    M(3, "UpdateClaimedPower", &slk_update_claimed_power_params_type, NULL),
    M(4, "EnrollCronEvent", &slk_enroll_cron_event_params_type, NULL),
    M(5, "OnEpochTickEnd", NULL, NULL),
    M(6, "UpdatePledgeTotal", &slk_value_bigint_type, NULL),
    M(9, "CurrentTotalPower", NULL, &slk_current_total_power_return_type),
    E(1173380165, "CreateMiner", &slk_create_miner_params_type, &slk_create_miner_return_type),
    E(931722534, "NetworkRawPower", NULL, &slk_value_bigint_type),
    E(3753401894, "MinerRawPower", &slk_value_u64_type, &slk_miner_raw_power_return_type),
    E(1987646258, "MinerCount", NULL, &slk_value_i64_type),
    E(196739875, "MinerConsensusCount", NULL, &slk_value_i64_type),
    E(36284446, "MinerPower", &slk_value_u64_type, &slk_miner_power_return_type),
};

static const slk_method_t market_methods[] = {
    M(1, "Constructor", NULL, NULL),
    M(2, "AddBalance", &slk_value_address_type, NULL),
    M(3, "WithdrawBalance", &slk_market_withdraw_balance_params_type, &slk_value_bigint_type),
    M(4, "PublishStorageDeals", &slk_publish_storage_deals_params_type,
      &slk_publish_storage_deals_return_type),
    M(7, "OnMinerSectorsTerminate", &slk_on_miner_sectors_terminate_params_type, NULL),
    M(9, "CronTick", NULL, NULL),
    E(822473126, "AddBalance", &slk_value_address_type, NULL),
    E(2280458852, "WithdrawBalance", &slk_market_withdraw_balance_params_type,
      &slk_value_bigint_type),
    E(2236929350, "PublishStorageDeals", &slk_publish_storage_deals_params_type,
      &slk_publish_storage_deals_return_type),
    E(726108461, "GetBalance", &slk_value_address_type, &slk_get_balance_return_type),
    E(1157985802, "GetDealDataCommitment", &slk_value_u64_type,
      &slk_get_deal_data_commitment_return_type),
    E(128053329, "GetDealClient", &slk_value_u64_type, &slk_value_u64_type),
    E(935081690, "GetDealProvider", &slk_value_u64_type, &slk_value_u64_type),
    E(46363526, "GetDealLabel", &slk_value_u64_type, &slk_value_label_type),
    E(163777312, "GetDealTerm", &slk_value_u64_type, &slk_get_deal_term_return_type),
    E(4287162428, "GetDealTotalPrice", &slk_value_u64_type, &slk_value_bigint_type),
    E(200567895, "GetDealClientCollateral", &slk_value_u64_type, &slk_value_bigint_type),
    E(2986712137, "GetDealProviderCollateral", &slk_value_u64_type, &slk_value_bigint_type),
    E(2627389465, "GetDealVerified", &slk_value_u64_type, &slk_value_bool_type),
    E(2567238399, "GetDealActivation", &slk_value_u64_type, &slk_get_deal_activation_return_type),
    E(2611213344, "GetDealSector", &slk_value_u64_type, &slk_value_u64_type),
    E(1900091594, "SettleDealPayments", &slk_value_bitfield_type,
      &slk_settle_deal_payments_return_type),
    HOOK(2034386435, "SectorContentChanged", "SectorContentChanged",
         &slk_sector_content_changed_params_type, &slk_sector_content_changed_return_type),
};

static const slk_method_t verifreg_methods[] = {
    M(1, "Constructor", &slk_value_address_type, NULL),
    M(2, "AddVerifier", &slk_verifier_params_type, NULL),
    M(3, "RemoveVerifier", &slk_value_address_type, NULL),
    M(4, "AddVerifiedClient", &slk_verifier_params_type, NULL),
    M(7, "RemoveVerifiedClientDataCap", &slk_remove_data_cap_params_type,
      &slk_remove_data_cap_return_type),
    M(8, "RemoveExpiredAllocations", &slk_remove_expired_allocations_params_type,
      &slk_remove_expired_allocations_return_type),
    M(9, "ClaimAllocations", &slk_claim_allocations_params_type,
      &slk_claim_allocations_return_type),
    M(10, "GetClaims", &slk_claims_params_type, &slk_get_claims_return_type),
    M(11, "ExtendClaimTerms", &slk_extend_claim_terms_params_type, &slk_batch_return_type),
    M(12, "RemoveExpiredClaims", &slk_claims_params_type, &slk_remove_expired_claims_return_type),
    E(3916220144, "AddVerifiedClient", &slk_verifier_params_type, NULL),
    E(2421068268, "RemoveExpiredAllocations", &slk_remove_expired_allocations_params_type,
      &slk_remove_expired_allocations_return_type),
    E(2199871187, "GetClaims", &slk_claims_params_type, &slk_get_claims_return_type),
    E(1752273514, "ExtendClaimTerms", &slk_extend_claim_terms_params_type, &slk_batch_return_type),
    E(2873373899, "RemoveExpiredClaims", &slk_claims_params_type,
      &slk_remove_expired_claims_return_type),
    HOOK(3726118371, "UniversalReceiverHook", "Receive", &slk_universal_receiver_params_type,
         &slk_allocations_response_type),
};

static const slk_method_t datacap_methods[] = {
    E(80475954, "Transfer", &slk_transfer_params_type, &slk_transfer_return_type),
    E(3261979605, "Balance", &slk_value_address_type, &slk_value_bigint_type),
    E(114981429, "TotalSupply", NULL, &slk_value_bigint_type),
    E(48890204, "Name", NULL, &slk_value_text_type),
    E(2061153854, "Symbol", NULL, &slk_value_text_type),
};

static const slk_method_t account_methods[] = {
    M(1, "Constructor", &slk_value_address_type, NULL),
    M(2, "PubkeyAddress", NULL, &slk_value_address_type),
    E(2643134072, "AuthenticateMessage", &slk_authenticate_message_params_type,
      &slk_value_bool_type),
};

static const slk_method_t multisig_methods[] = {
    M(1, "Constructor", &slk_multisig_constructor_params_type, NULL),
    M(2, "Propose", &slk_propose_params_type, &slk_propose_return_type),
    M(3, "Approve", &slk_txn_id_params_type, &slk_approve_return_type),
    M(4, "Cancel", &slk_txn_id_params_type, NULL),
    M(5, "AddSigner", &slk_add_signer_params_type, NULL),
    M(6, "RemoveSigner", &slk_remove_signer_params_type, NULL),
    M(7, "SwapSigner", &slk_swap_signer_params_type, NULL),
    M(8, "ChangeNumApprovalsThreshold", &slk_change_num_approvals_params_type, NULL),
    M(9, "LockBalance", &slk_lock_balance_params_type, NULL),
};

static const slk_method_t miner_methods[] = {
    M(1, "Constructor", &slk_miner_constructor_params_type, NULL),
    M(2, "ControlAddresses", NULL, &slk_get_control_addresses_return_type),
    M(3, "ChangeWorkerAddress", &slk_change_worker_address_params_type, NULL),
    M(4, "ChangePeerID", &slk_change_peer_id_params_type, NULL),
    M(5, "SubmitWindowedPoSt", &slk_submit_windowed_post_params_type, NULL),
    M(9, "TerminateSectors", &slk_terminate_sectors_params_type,
      &slk_terminate_sectors_return_type),
    M(10, "DeclareFaults", &slk_declare_faults_params_type, NULL),
    M(11, "DeclareFaultsRecovered", &slk_declare_faults_recovered_params_type, NULL),
    M(12, "OnDeferredCronEvent", &slk_deferred_cron_event_params_type, NULL),
    M(13, "CheckSectorProven", &slk_check_sector_proven_params_type, NULL),
    M(14, "ApplyRewards", &slk_apply_reward_params_type, NULL),
    M(15, "ReportConsensusFault", &slk_report_consensus_fault_params_type, NULL),
    M(16, "WithdrawBalance", &slk_miner_withdraw_balance_params_type, &slk_value_bigint_type),
    M(17, "InternalSectorSetupForPreseal", &slk_internal_sector_setup_params_type, NULL),
    M(18, "ChangeMultiaddrs", &slk_change_multiaddrs_params_type, NULL),
    M(19, "CompactPartitions", &slk_compact_partitions_params_type, NULL),
    M(20, "CompactSectorNumbers", &slk_compact_sector_numbers_params_type, NULL),
    M(21, "ConfirmChangeWorkerAddress", NULL, NULL),
    M(22, "RepayDebt", NULL, NULL),
    M(23, "ChangeOwnerAddress", &slk_value_address_type, NULL),
    M(24, "DisputeWindowedPoSt", &slk_dispute_windowed_post_params_type, NULL),
    M(28, "PreCommitSectorBatch2", &slk_pre_commit_sector_batch2_params_type, NULL),
    M(30, "ChangeBeneficiary", &slk_change_beneficiary_params_type, NULL),
    M(31, "GetBeneficiary", NULL, &slk_get_beneficiary_return_type),
    M(32, "ExtendSectorExpiration2", &slk_extend_sector_expiration2_params_type, NULL),
    M(34, "ProveCommitSectors3", &slk_prove_commit_sectors3_params_type, &slk_batch_return_type),
    M(35, "ProveReplicaUpdates3", &slk_prove_replica_updates3_params_type, &slk_batch_return_type),
    M(36, "ProveCommitSectorsNI", &slk_prove_commit_sectors_ni_params_type, &slk_batch_return_type),
    E(3302309124, "ChangeWorkerAddress", &slk_change_worker_address_params_type, NULL),
    E(1236548004, "ChangePeerID", &slk_change_peer_id_params_type, NULL),
    E(2280458852, "WithdrawBalance", &slk_miner_withdraw_balance_params_type,
      &slk_value_bigint_type),
    E(1063480576, "ChangeMultiaddrs", &slk_change_multiaddrs_params_type, NULL),
    E(2354970453, "ConfirmChangeWorkerAddress", NULL, NULL),
    E(3665352697, "RepayDebt", NULL, NULL),
    E(1010589339, "ChangeOwnerAddress", &slk_value_address_type, NULL),
    E(1570634796, "ChangeBeneficiary", &slk_change_beneficiary_params_type, NULL),
    E(4158972569, "GetBeneficiary", NULL, &slk_get_beneficiary_return_type),
    E(3275365574, "GetOwner", NULL, &slk_get_owner_return_type),
    E(348244887, "IsControllingAddress", &slk_value_address_type, &slk_value_bool_type),
    E(3858292296, "GetSectorSize", NULL, &slk_value_u64_type),
    E(4026106874, "GetAvailableBalance", NULL, &slk_value_bigint_type),
    E(1726876304, "GetVestingFunds", NULL, &slk_get_vesting_funds_return_type),
    E(2812875329, "GetPeerID", NULL, &slk_get_peer_id_return_type),
    E(1332909407, "GetMultiaddrs", NULL, &slk_get_multiaddrs_return_type),
    E(4127382196, "MaxTerminationFee", &slk_max_termination_fee_params_type,
      &slk_value_bigint_type),
    E(3180523767, "InitialPledge", NULL, &slk_value_bigint_type),
    E(1321604665, "GenerateSectorLocation", &slk_generate_sector_location_params_type,
      &slk_generate_sector_location_return_type),
    E(3092458564, "ValidateSectorStatus", &slk_validate_sector_status_params_type,
      &slk_value_bool_type),
    E(3010055991, "GetNominalSectorExpiration", &slk_value_u64_type, &slk_value_i64_type),
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        (rows), SLK_COUNT(rows)                                                                    \
    }

const slk_method_table_t slk_method_tables[SLK_ACTOR_COUNT] = {
    [SLK_ACTOR_INIT] = TABLE(init_methods),         [SLK_ACTOR_REWARD] = TABLE(reward_methods),
    [SLK_ACTOR_CRON] = TABLE(cron_methods),         [SLK_ACTOR_POWER] = TABLE(power_methods),
    [SLK_ACTOR_MARKET] = TABLE(market_methods),     [SLK_ACTOR_VERIFREG] = TABLE(verifreg_methods),
    [SLK_ACTOR_DATACAP] = TABLE(datacap_methods),   [SLK_ACTOR_ACCOUNT] = TABLE(account_methods),
    [SLK_ACTOR_MULTISIG] = TABLE(multisig_methods), [SLK_ACTOR_MINER] = TABLE(miner_methods),
};
