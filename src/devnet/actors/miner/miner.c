/* The miner actor's methods by number. */

#include "devnet/actors/miner/miner.h"

#include "base/assert.h"
#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/control.h"
#include "devnet/actors/miner/precommit.h"

static const slk_actor_method_t methods[] = {
    {1, "Constructor", slk_miner_constructor},
    {2, "ControlAddresses", slk_miner_control_addresses},
    {3, "ChangeWorkerAddress", slk_miner_change_worker_address},
    {4, "ChangePeerID", slk_miner_change_peer_id},
    {5, "SubmitWindowedPoSt", slk_miner_submit_windowed_post},
    {9, "TerminateSectors", slk_miner_terminate_sectors},
    {10, "DeclareFaults", slk_miner_declare_faults},
    {11, "DeclareFaultsRecovered", slk_miner_declare_faults_recovered},
    {12, "OnDeferredCronEvent", slk_miner_on_deferred_cron_event},
    {13, "CheckSectorProven", slk_miner_check_sector_proven},
    {14, "ApplyRewards", slk_miner_apply_rewards},
    {15, "ReportConsensusFault", slk_miner_report_consensus_fault},
    {16, "WithdrawBalance", slk_miner_withdraw_balance},
    {18, "ChangeMultiaddrs", slk_miner_change_multiaddrs},
    {19, "CompactPartitions", slk_miner_compact_partitions},
    {20, "CompactSectorNumbers", slk_miner_compact_sector_numbers},
    {21, "ConfirmChangeWorkerAddress", slk_miner_confirm_change_worker_address},
    {22, "RepayDebt", slk_miner_repay_debt},
    {23, "ChangeOwnerAddress", slk_miner_change_owner_address},
    {24, "DisputeWindowedPoSt", slk_miner_dispute_windowed_post},
    {28, "PreCommitSectorBatch2", slk_miner_pre_commit_sector_batch2},
    {30, "ChangeBeneficiary", slk_miner_change_beneficiary},
    {31, "GetBeneficiary", slk_miner_get_beneficiary},
    {32, "ExtendSectorExpiration2", slk_miner_extend_sector_expiration2},
    {34, "ProveCommitSectors3", slk_miner_prove_commit_sectors3},
    {35, "ProveReplicaUpdates3", slk_miner_prove_replica_updates3},
    {36, "ProveCommitSectorsNI", slk_miner_prove_commit_sectors_ni},

    /* Numbers of FRC-42. */
    {3302309124, "ChangeWorkerAddress", slk_miner_change_worker_address},
    {1236548004, "ChangePeerID", slk_miner_change_peer_id},
    {2280458852, "WithdrawBalance", slk_miner_withdraw_balance},
    {1063480576, "ChangeMultiaddrs", slk_miner_change_multiaddrs},
    {2354970453, "ConfirmChangeWorkerAddress", slk_miner_confirm_change_worker_address},
    {3665352697, "RepayDebt", slk_miner_repay_debt},
    {1010589339, "ChangeOwnerAddress", slk_miner_change_owner_address},
    {1570634796, "ChangeBeneficiary", slk_miner_change_beneficiary},
    {4158972569, "GetBeneficiary", slk_miner_get_beneficiary},
    {3275365574, "GetOwner", slk_miner_get_owner},
    {348244887, "IsControllingAddress", slk_miner_is_controlling_address},
    {3858292296, "GetSectorSize", slk_miner_get_sector_size},
    {4026106874, "GetAvailableBalance", slk_miner_get_available_balance},
    {1726876304, "GetVestingFunds", slk_miner_get_vesting_funds},
    {2812875329, "GetPeerID", slk_miner_get_peer_id},
    {1332909407, "GetMultiaddrs", slk_miner_get_multiaddrs},
    {4127382196, "MaxTerminationFee", slk_miner_max_termination_fee},
    {3180523767, "InitialPledge", slk_miner_get_initial_pledge},
    {1321604665, "GenerateSectorLocation", slk_miner_generate_sector_location},
    {3092458564, "ValidateSectorStatus", slk_miner_validate_sector_status},
    {3010055991, "GetNominalSectorExpiration", slk_miner_get_nominal_sector_expiration},
};
const slk_actor_t slk_actor_miner = {SLK_ACTOR_MINER, methods, SLK_COUNT(methods)};
