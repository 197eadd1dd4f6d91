#include "codec/actors/miner.h"

SLK_RECORD_TYPE(slk_miner_constructor_params, "MinerConstructorParams", TUPLE,
                SLK_MINER_CONSTRUCTOR_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_get_control_addresses_return, "GetControlAddressesReturn", TUPLE,
                SLK_GET_CONTROL_ADDRESSES_RETURN_ROWS);
SLK_RECORD_TYPE(slk_change_worker_address_params, "ChangeWorkerAddressParams", TUPLE,
                SLK_CHANGE_WORKER_ADDRESS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_change_peer_id_params, "ChangePeerIDParams", TUPLE,
                SLK_CHANGE_PEER_ID_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_change_multiaddrs_params, "ChangeMultiaddrsParams", TUPLE,
                SLK_CHANGE_MULTIADDRS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_miner_withdraw_balance_params, "WithdrawBalanceParams", TUPLE,
                SLK_MINER_WITHDRAW_BALANCE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_change_beneficiary_params, "ChangeBeneficiaryParams", TUPLE,
                SLK_CHANGE_BENEFICIARY_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_active_beneficiary, "ActiveBeneficiary", TUPLE, SLK_ACTIVE_BENEFICIARY_ROWS);
SLK_RECORD_TYPE(slk_get_beneficiary_return, "GetBeneficiaryReturn", TUPLE,
                SLK_GET_BENEFICIARY_RETURN_ROWS);
SLK_RECORD_TYPE(slk_post_partition, "PoStPartition", TUPLE, SLK_POST_PARTITION_ROWS);
SLK_RECORD_TYPE(slk_submit_windowed_post_params, "SubmitWindowedPoStParams", TUPLE,
                SLK_SUBMIT_WINDOWED_POST_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_dispute_windowed_post_params, "DisputeWindowedPoStParams", TUPLE,
                SLK_DISPUTE_WINDOWED_POST_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_declaration, "SectorDeclaration", TUPLE, SLK_SECTOR_DECLARATION_ROWS);
SLK_RECORD_TYPE(slk_terminate_sectors_params, "TerminateSectorsParams", TUPLE,
                SLK_TERMINATE_SECTORS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_terminate_sectors_return, "TerminateSectorsReturn", TUPLE,
                SLK_TERMINATE_SECTORS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_declare_faults_params, "DeclareFaultsParams", TUPLE,
                SLK_DECLARE_FAULTS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_declare_faults_recovered_params, "DeclareFaultsRecoveredParams", TUPLE,
                SLK_DECLARE_FAULTS_RECOVERED_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_deferred_cron_event_params, "DeferredCronEventParams", TUPLE,
                SLK_DEFERRED_CRON_EVENT_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_cron_event_payload, "CronEventPayload", TUPLE, SLK_CRON_EVENT_PAYLOAD_ROWS);
SLK_RECORD_TYPE(slk_check_sector_proven_params, "CheckSectorProvenParams", TUPLE,
                SLK_CHECK_SECTOR_PROVEN_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_apply_reward_params, "ApplyRewardParams", TUPLE, SLK_APPLY_REWARD_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_report_consensus_fault_params, "ReportConsensusFaultParams", TUPLE,
                SLK_REPORT_CONSENSUS_FAULT_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_internal_sector_setup_params, "InternalSectorSetupForPresealParams", TUPLE,
                SLK_INTERNAL_SECTOR_SETUP_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_compact_partitions_params, "CompactPartitionsParams", TUPLE,
                SLK_COMPACT_PARTITIONS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_compact_sector_numbers_params, "CompactSectorNumbersParams", TUPLE,
                SLK_COMPACT_SECTOR_NUMBERS_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_claim, "SectorClaim", TUPLE, SLK_SECTOR_CLAIM_ROWS);
SLK_RECORD_TYPE(slk_expiration_extension2, "ExpirationExtension2", TUPLE,
                SLK_EXPIRATION_EXTENSION2_ROWS);
SLK_RECORD_TYPE(slk_extend_sector_expiration2_params, "ExtendSectorExpiration2Params", TUPLE,
                SLK_EXTEND_SECTOR_EXPIRATION2_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_pre_commit_sector_batch2_params, "PreCommitSectorBatchParams2", TUPLE,
                SLK_PRE_COMMIT_SECTOR_BATCH2_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_verified_allocation_key, "VerifiedAllocationKey", TUPLE,
                SLK_VERIFIED_ALLOCATION_KEY_ROWS);
SLK_RECORD_TYPE(slk_data_activation_notification, "DataActivationNotification", TUPLE,
                SLK_DATA_ACTIVATION_NOTIFICATION_ROWS);
SLK_RECORD_TYPE(slk_piece_activation_manifest, "PieceActivationManifest", TUPLE,
                SLK_PIECE_ACTIVATION_MANIFEST_ROWS);
SLK_RECORD_TYPE(slk_sector_activation_manifest, "SectorActivationManifest", TUPLE,
                SLK_SECTOR_ACTIVATION_MANIFEST_ROWS);
SLK_RECORD_TYPE(slk_prove_commit_sectors3_params, "ProveCommitSectors3Params", TUPLE,
                SLK_PROVE_COMMIT_SECTORS3_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_update_manifest, "SectorUpdateManifest", TUPLE,
                SLK_SECTOR_UPDATE_MANIFEST_ROWS);
SLK_RECORD_TYPE(slk_prove_replica_updates3_params, "ProveReplicaUpdates3Params", TUPLE,
                SLK_PROVE_REPLICA_UPDATES3_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_sector_ni_activation_info, "SectorNIActivationInfo", TUPLE,
                SLK_SECTOR_NI_ACTIVATION_INFO_ROWS);
SLK_RECORD_TYPE(slk_prove_commit_sectors_ni_params, "ProveCommitSectorsNIParams", TUPLE,
                SLK_PROVE_COMMIT_SECTORS_NI_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_get_owner_return, "GetOwnerReturn", TUPLE, SLK_GET_OWNER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_vesting_funds_return, "GetVestingFundsReturn", TUPLE,
                SLK_GET_VESTING_FUNDS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_peer_id_return, "GetPeerIDReturn", TUPLE, SLK_GET_PEER_ID_RETURN_ROWS);
SLK_RECORD_TYPE(slk_get_multiaddrs_return, "GetMultiAddrsReturn", TUPLE,
                SLK_GET_MULTIADDRS_RETURN_ROWS);
SLK_RECORD_TYPE(slk_max_termination_fee_params, "MaxTerminationFeeParams", TUPLE,
                SLK_MAX_TERMINATION_FEE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_generate_sector_location_params, "GenerateSectorLocationParams", TUPLE,
                SLK_GENERATE_SECTOR_LOCATION_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_generate_sector_location_return, "GenerateSectorLocationReturn", TUPLE,
                SLK_GENERATE_SECTOR_LOCATION_RETURN_ROWS);
SLK_RECORD_TYPE(slk_validate_sector_status_params, "ValidateSectorStatusParams", TUPLE,
                SLK_VALIDATE_SECTOR_STATUS_PARAMS_ROWS);
