#ifndef SLK_CODEC_ACTORS_MINER_H
#define SLK_CODEC_ACTORS_MINER_H

/* Parameters and returns of the miner actor's methods (spec chain.md 3.2). What it keeps on the chain:
 * miner_state.h. Proof types are the numbers of spec chain.md 4.2. */

#include "codec/actors/miner_state.h"
#include "codec/actors/values.h"
#include "codec/chain/block.h"

/* --- 1 to 4, 16, 18, 21 to 23, 30, 31: who and where ------------------------------------------------ */

#define SLK_MINER_CONSTRUCTOR_PARAMS_ROWS(F, T)                                                    \
    F(T, ADDRESS, owner_addr, "OwnerAddr")                                                         \
    F(T, ADDRESS, worker_addr, "WorkerAddr")                                                       \
    F(T, LIST_ADDRESS, control_addrs, "ControlAddrs")                                              \
    F(T, I64, window_post_proof_type, "WindowPoStProofType")                                       \
    F(T, BYTES, peer_id, "PeerId")                                                                 \
    F(T, LIST_BYTES, multiaddrs, "Multiaddrs")
SLK_RECORD(slk_miner_constructor_params, SLK_MINER_CONSTRUCTOR_PARAMS_ROWS);

#define SLK_GET_CONTROL_ADDRESSES_RETURN_ROWS(F, T)                                                \
    F(T, ADDRESS, owner, "Owner")                                                                  \
    F(T, ADDRESS, worker, "Worker")                                                                \
    F(T, LIST_ADDRESS, control_addrs, "ControlAddrs")
SLK_RECORD(slk_get_control_addresses_return, SLK_GET_CONTROL_ADDRESSES_RETURN_ROWS);

#define SLK_CHANGE_WORKER_ADDRESS_PARAMS_ROWS(F, T)                                                \
    F(T, ADDRESS, new_worker, "NewWorker")                                                         \
    F(T, LIST_ADDRESS, new_control_addrs, "NewControlAddrs")
SLK_RECORD(slk_change_worker_address_params, SLK_CHANGE_WORKER_ADDRESS_PARAMS_ROWS);

#define SLK_CHANGE_PEER_ID_PARAMS_ROWS(F, T) F(T, BYTES, new_id, "NewID")
SLK_RECORD(slk_change_peer_id_params, SLK_CHANGE_PEER_ID_PARAMS_ROWS);

#define SLK_CHANGE_MULTIADDRS_PARAMS_ROWS(F, T) F(T, LIST_BYTES, new_multiaddrs, "NewMultiaddrs")
SLK_RECORD(slk_change_multiaddrs_params, SLK_CHANGE_MULTIADDRS_PARAMS_ROWS);

#define SLK_MINER_WITHDRAW_BALANCE_PARAMS_ROWS(F, T)                                               \
    F(T, BIGINT, amount_requested, "AmountRequested")
SLK_RECORD(slk_miner_withdraw_balance_params, SLK_MINER_WITHDRAW_BALANCE_PARAMS_ROWS);

#define SLK_CHANGE_BENEFICIARY_PARAMS_ROWS(F, T)                                                   \
    F(T, ADDRESS, new_beneficiary, "NewBeneficiary")                                               \
    F(T, BIGINT, new_quota, "NewQuota")                                                            \
    F(T, I64, new_expiration, "NewExpiration")
SLK_RECORD(slk_change_beneficiary_params, SLK_CHANGE_BENEFICIARY_PARAMS_ROWS);

#define SLK_ACTIVE_BENEFICIARY_ROWS(F, T)                                                          \
    F(T, ADDRESS, beneficiary, "Beneficiary")                                                      \
    F(T, RECORD, term, "Term", slk_beneficiary_term)
SLK_RECORD(slk_active_beneficiary, SLK_ACTIVE_BENEFICIARY_ROWS);

#define SLK_GET_BENEFICIARY_RETURN_ROWS(F, T)                                                      \
    F(T, RECORD, active, "Active", slk_active_beneficiary)                                         \
    F(T, OPT, proposed, "Proposed", slk_pending_beneficiary_change)
SLK_RECORD(slk_get_beneficiary_return, SLK_GET_BENEFICIARY_RETURN_ROWS);

/* --- 5, 24: window PoSt ------------------------------------------------------------------------------ */

#define SLK_POST_PARTITION_ROWS(F, T)                                                              \
    F(T, U64, index, "Index")                                                                      \
    F(T, BITFIELD, skipped, "Skipped")
SLK_RECORD(slk_post_partition, SLK_POST_PARTITION_ROWS);

#define SLK_SUBMIT_WINDOWED_POST_PARAMS_ROWS(F, T)                                                 \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, LIST, partitions, "Partitions", slk_post_partition)                                       \
    F(T, LIST, proofs, "Proofs", slk_post_proof)                                                   \
    F(T, I64, chain_commit_epoch, "ChainCommitEpoch")                                              \
    F(T, BYTES, chain_commit_rand, "ChainCommitRand")
SLK_RECORD(slk_submit_windowed_post_params, SLK_SUBMIT_WINDOWED_POST_PARAMS_ROWS);

#define SLK_DISPUTE_WINDOWED_POST_PARAMS_ROWS(F, T)                                                \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, U64, post_index, "PoStIndex")
SLK_RECORD(slk_dispute_windowed_post_params, SLK_DISPUTE_WINDOWED_POST_PARAMS_ROWS);

/* --- 9, 10, 11: terminations, faults, recoveries ----------------------------------------------------- */

/* Sectors of one partition. */
#define SLK_SECTOR_DECLARATION_ROWS(F, T)                                                          \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, U64, partition, "Partition")                                                              \
    F(T, BITFIELD, sectors, "Sectors")
SLK_RECORD(slk_sector_declaration, SLK_SECTOR_DECLARATION_ROWS);

#define SLK_TERMINATE_SECTORS_PARAMS_ROWS(F, T)                                                    \
    F(T, LIST, terminations, "Terminations", slk_sector_declaration)
SLK_RECORD(slk_terminate_sectors_params, SLK_TERMINATE_SECTORS_PARAMS_ROWS);
#define SLK_TERMINATE_SECTORS_RETURN_ROWS(F, T) F(T, BOOL, done, "Done")
SLK_RECORD(slk_terminate_sectors_return, SLK_TERMINATE_SECTORS_RETURN_ROWS);

#define SLK_DECLARE_FAULTS_PARAMS_ROWS(F, T) F(T, LIST, faults, "Faults", slk_sector_declaration)
SLK_RECORD(slk_declare_faults_params, SLK_DECLARE_FAULTS_PARAMS_ROWS);

#define SLK_DECLARE_FAULTS_RECOVERED_PARAMS_ROWS(F, T)                                             \
    F(T, LIST, recoveries, "Recoveries", slk_sector_declaration)
SLK_RECORD(slk_declare_faults_recovered_params, SLK_DECLARE_FAULTS_RECOVERED_PARAMS_ROWS);

/* --- 12 to 15, 17: from other actors, faults of consensus -------------------------------------------- */

#define SLK_DEFERRED_CRON_EVENT_PARAMS_ROWS(F, T)                                                  \
    F(T, BYTES, event_payload, "EventPayload")                                                     \
    F(T, RECORD, reward_smoothed, "RewardSmoothed", slk_filter_estimate)                           \
    F(T, RECORD, quality_adj_power_smoothed, "QualityAdjPowerSmoothed", slk_filter_estimate)
SLK_RECORD(slk_deferred_cron_event_params, SLK_DEFERRED_CRON_EVENT_PARAMS_ROWS);

#define SLK_CRON_EVENT_PAYLOAD_ROWS(F, T) F(T, I64, event_type, "EventType")
SLK_RECORD(slk_cron_event_payload, SLK_CRON_EVENT_PAYLOAD_ROWS);

#define SLK_CHECK_SECTOR_PROVEN_PARAMS_ROWS(F, T) F(T, U64, sector_number, "SectorNumber")
SLK_RECORD(slk_check_sector_proven_params, SLK_CHECK_SECTOR_PROVEN_PARAMS_ROWS);

#define SLK_APPLY_REWARD_PARAMS_ROWS(F, T)                                                         \
    F(T, BIGINT, reward, "Reward")                                                                 \
    F(T, BIGINT, penalty, "Penalty")
SLK_RECORD(slk_apply_reward_params, SLK_APPLY_REWARD_PARAMS_ROWS);

#define SLK_REPORT_CONSENSUS_FAULT_PARAMS_ROWS(F, T)                                               \
    F(T, BYTES, block_header1, "BlockHeader1")                                                     \
    F(T, BYTES, block_header2, "BlockHeader2")                                                     \
    F(T, BYTES, block_header_extra, "BlockHeaderExtra")
SLK_RECORD(slk_report_consensus_fault_params, SLK_REPORT_CONSENSUS_FAULT_PARAMS_ROWS);

#define SLK_INTERNAL_SECTOR_SETUP_PARAMS_ROWS(F, T)                                                \
    F(T, LIST_U64, sectors, "Sectors")                                                             \
    F(T, RECORD, reward_smoothed, "RewardSmoothed", slk_filter_estimate)                           \
    F(T, BIGINT, reward_baseline_power, "RewardBaselinePower")                                     \
    F(T, RECORD, quality_adj_power_smoothed, "QualityAdjPowerSmoothed", slk_filter_estimate)
SLK_RECORD(slk_internal_sector_setup_params, SLK_INTERNAL_SECTOR_SETUP_PARAMS_ROWS);

/* --- 19, 20, 32: compaction, extension ---------------------------------------------------------------- */

#define SLK_COMPACT_PARTITIONS_PARAMS_ROWS(F, T)                                                   \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, BITFIELD, partitions, "Partitions")
SLK_RECORD(slk_compact_partitions_params, SLK_COMPACT_PARTITIONS_PARAMS_ROWS);

#define SLK_COMPACT_SECTOR_NUMBERS_PARAMS_ROWS(F, T)                                               \
    F(T, BITFIELD, mask_sector_numbers, "MaskSectorNumbers")
SLK_RECORD(slk_compact_sector_numbers_params, SLK_COMPACT_SECTOR_NUMBERS_PARAMS_ROWS);

#define SLK_SECTOR_CLAIM_ROWS(F, T)                                                                \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, LIST_U64, maintain_claims, "MaintainClaims")                                              \
    F(T, LIST_U64, drop_claims, "DropClaims")
SLK_RECORD(slk_sector_claim, SLK_SECTOR_CLAIM_ROWS);

#define SLK_EXPIRATION_EXTENSION2_ROWS(F, T)                                                       \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, U64, partition, "Partition")                                                              \
    F(T, BITFIELD, sectors, "Sectors") /* those without claims */                                  \
    F(T, LIST, sectors_with_claims, "SectorsWithClaims", slk_sector_claim)                         \
    F(T, I64, new_expiration, "NewExpiration")
SLK_RECORD(slk_expiration_extension2, SLK_EXPIRATION_EXTENSION2_ROWS);

#define SLK_EXTEND_SECTOR_EXPIRATION2_PARAMS_ROWS(F, T)                                            \
    F(T, LIST, extensions, "Extensions", slk_expiration_extension2)
SLK_RECORD(slk_extend_sector_expiration2_params, SLK_EXTEND_SECTOR_EXPIRATION2_PARAMS_ROWS);

/* --- 28, 34, 35, 36: commitments ---------------------------------------------------------------------- */

#define SLK_PRE_COMMIT_SECTOR_BATCH2_PARAMS_ROWS(F, T)                                             \
    F(T, LIST, sectors, "Sectors", slk_sector_pre_commit_info)
SLK_RECORD(slk_pre_commit_sector_batch2_params, SLK_PRE_COMMIT_SECTOR_BATCH2_PARAMS_ROWS);

#define SLK_VERIFIED_ALLOCATION_KEY_ROWS(F, T)                                                     \
    F(T, U64, client, "Client") /* actor id */                                                     \
    F(T, U64, id, "ID")
SLK_RECORD(slk_verified_allocation_key, SLK_VERIFIED_ALLOCATION_KEY_ROWS);

/* For a deal of the built-in market: address f05, payload the CBOR of the deal's id. */
#define SLK_DATA_ACTIVATION_NOTIFICATION_ROWS(F, T)                                                \
    F(T, ADDRESS, address, "Address")                                                              \
    F(T, BYTES, payload, "Payload")
SLK_RECORD(slk_data_activation_notification, SLK_DATA_ACTIVATION_NOTIFICATION_ROWS);

#define SLK_PIECE_ACTIVATION_MANIFEST_ROWS(F, T)                                                   \
    F(T, CID, cid, "CID")                                                                          \
    F(T, U64, size, "Size") /* padded */                                                           \
    F(T, OPT, verified_allocation_key, "VerifiedAllocationKey", slk_verified_allocation_key)       \
    F(T, LIST, notify, "Notify", slk_data_activation_notification)
SLK_RECORD(slk_piece_activation_manifest, SLK_PIECE_ACTIVATION_MANIFEST_ROWS);

#define SLK_SECTOR_ACTIVATION_MANIFEST_ROWS(F, T)                                                  \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, LIST, pieces, "Pieces", slk_piece_activation_manifest)
SLK_RECORD(slk_sector_activation_manifest, SLK_SECTOR_ACTIVATION_MANIFEST_ROWS);

/* Either one proof a sector, or an aggregate and its type. Returns a slk_batch_return_t. */
#define SLK_PROVE_COMMIT_SECTORS3_PARAMS_ROWS(F, T)                                                \
    F(T, LIST, sector_activations, "SectorActivations", slk_sector_activation_manifest)            \
    F(T, LIST_BYTES, sector_proofs, "SectorProofs")                                                \
    F(T, BYTES, aggregate_proof, "AggregateProof")                                                 \
    F(T, OPT_I64, aggregate_proof_type, "AggregateProofType")                                      \
    F(T, BOOL, require_activation_success, "RequireActivationSuccess")                             \
    F(T, BOOL, require_notification_success, "RequireNotificationSuccess")
SLK_RECORD(slk_prove_commit_sectors3_params, SLK_PROVE_COMMIT_SECTORS3_PARAMS_ROWS);

#define SLK_SECTOR_UPDATE_MANIFEST_ROWS(F, T)                                                      \
    F(T, U64, sector, "Sector")                                                                    \
    F(T, U64, deadline, "Deadline")                                                                \
    F(T, U64, partition, "Partition")                                                              \
    F(T, CID, new_sealed_cid, "NewSealedCID")                                                      \
    F(T, LIST, pieces, "Pieces", slk_piece_activation_manifest)
SLK_RECORD(slk_sector_update_manifest, SLK_SECTOR_UPDATE_MANIFEST_ROWS);

#define SLK_PROVE_REPLICA_UPDATES3_PARAMS_ROWS(F, T)                                               \
    F(T, LIST, sector_updates, "SectorUpdates", slk_sector_update_manifest)                        \
    F(T, LIST_BYTES, sector_proofs, "SectorProofs")                                                \
    F(T, BYTES, aggregate_proof, "AggregateProof")                                                 \
    F(T, I64, update_proofs_type, "UpdateProofsType")                                              \
    F(T, OPT_I64, aggregate_proof_type, "AggregateProofType")                                      \
    F(T, BOOL, require_activation_success, "RequireActivationSuccess")                             \
    F(T, BOOL, require_notification_success, "RequireNotificationSuccess")
SLK_RECORD(slk_prove_replica_updates3_params, SLK_PROVE_REPLICA_UPDATES3_PARAMS_ROWS);

#define SLK_SECTOR_NI_ACTIVATION_INFO_ROWS(F, T)                                                   \
    F(T, U64, sealing_number, "SealingNumber")                                                     \
    F(T, U64, sealer_id, "SealerID")                                                               \
    F(T, CID, sealed_cid, "SealedCID")                                                             \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, I64, seal_rand_epoch, "SealRandEpoch")                                                    \
    F(T, I64, expiration, "Expiration")
SLK_RECORD(slk_sector_ni_activation_info, SLK_SECTOR_NI_ACTIVATION_INFO_ROWS);

#define SLK_PROVE_COMMIT_SECTORS_NI_PARAMS_ROWS(F, T)                                              \
    F(T, LIST, sectors, "Sectors", slk_sector_ni_activation_info)                                  \
    F(T, BYTES, aggregate_proof, "AggregateProof")                                                 \
    F(T, I64, seal_proof_type, "SealProofType")                                                    \
    F(T, I64, aggregate_proof_type, "AggregateProofType")                                          \
    F(T, U64, proving_deadline, "ProvingDeadline")                                                 \
    F(T, BOOL, require_activation_success, "RequireActivationSuccess")
SLK_RECORD(slk_prove_commit_sectors_ni_params, SLK_PROVE_COMMIT_SECTORS_NI_PARAMS_ROWS);

/* --- What everybody may call -------------------------------------------------------------------------- */

#define SLK_GET_OWNER_RETURN_ROWS(F, T)                                                            \
    F(T, ADDRESS, owner, "Owner")                                                                  \
    F(T, OPT_ADDRESS, proposed, "Proposed")
SLK_RECORD(slk_get_owner_return, SLK_GET_OWNER_RETURN_ROWS);

#define SLK_GET_VESTING_FUNDS_RETURN_ROWS(F, T) F(T, LIST, funds, "Funds", slk_vesting_fund)
SLK_RECORD(slk_get_vesting_funds_return, SLK_GET_VESTING_FUNDS_RETURN_ROWS);

#define SLK_GET_PEER_ID_RETURN_ROWS(F, T) F(T, BYTES, peer_id, "PeerId")
SLK_RECORD(slk_get_peer_id_return, SLK_GET_PEER_ID_RETURN_ROWS);

#define SLK_GET_MULTIADDRS_RETURN_ROWS(F, T) F(T, LIST_BYTES, multiaddrs, "MultiAddrs")
SLK_RECORD(slk_get_multiaddrs_return, SLK_GET_MULTIADDRS_RETURN_ROWS);

#define SLK_MAX_TERMINATION_FEE_PARAMS_ROWS(F, T)                                                  \
    F(T, BIGINT, power, "Power")                                                                   \
    F(T, BIGINT, initial_pledge, "InitialPledge")
SLK_RECORD(slk_max_termination_fee_params, SLK_MAX_TERMINATION_FEE_PARAMS_ROWS);

#define SLK_GENERATE_SECTOR_LOCATION_PARAMS_ROWS(F, T) F(T, U64, sector_number, "SectorNumber")
SLK_RECORD(slk_generate_sector_location_params, SLK_GENERATE_SECTOR_LOCATION_PARAMS_ROWS);

/* Status: 0 dead, 1 active, 2 faulty. */
#define SLK_GENERATE_SECTOR_LOCATION_RETURN_ROWS(F, T)                                             \
    F(T, U64, status, "Status")                                                                    \
    F(T, BYTES, aux_data, "AuxData")
SLK_RECORD(slk_generate_sector_location_return, SLK_GENERATE_SECTOR_LOCATION_RETURN_ROWS);

#define SLK_VALIDATE_SECTOR_STATUS_PARAMS_ROWS(F, T)                                               \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, U64, status, "Status")                                                                    \
    F(T, BYTES, aux_data, "AuxData")
SLK_RECORD(slk_validate_sector_status_params, SLK_VALIDATE_SECTOR_STATUS_PARAMS_ROWS);

#endif /* SLK_CODEC_ACTORS_MINER_H */
