#ifndef SLK_CODEC_ACTORS_MINER_STATE_H
#define SLK_CODEC_ACTORS_MINER_STATE_H

/* What the miner actor keeps on the chain (spec chain.md 3.3), and the forms in which the node's API
 * shows it. Links are roots of HAMTs and AMTs (spec chain.md 1.5). */

#include "codec/actors/values.h"

#define SLK_SECTOR_SIMPLE_QA_POWER 1u /* in Flags */

#define SLK_SECTOR_PRE_COMMIT_INFO_ROWS(F, T)                                                      \
    F(T, I64, seal_proof, "SealProof")                                                             \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, CID, sealed_cid, "SealedCID")                                                             \
    F(T, I64, seal_rand_epoch, "SealRandEpoch")                                                    \
    F(T, LIST_U64, deal_ids, "DealIDs")                                                            \
    F(T, I64, expiration, "Expiration")                                                            \
    F(T, OPT_CID, unsealed_cid, "UnsealedCid") /* none: a sector without data */
SLK_RECORD(slk_sector_pre_commit_info, SLK_SECTOR_PRE_COMMIT_INFO_ROWS);

#define SLK_SECTOR_PRE_COMMIT_ON_CHAIN_INFO_ROWS(F, T)                                             \
    F(T, RECORD, info, "Info", slk_sector_pre_commit_info)                                         \
    F(T, BIGINT, pre_commit_deposit, "PreCommitDeposit")                                           \
    F(T, I64, pre_commit_epoch, "PreCommitEpoch")
SLK_RECORD(slk_sector_pre_commit_on_chain_info, SLK_SECTOR_PRE_COMMIT_ON_CHAIN_INFO_ROWS);

/* Sectors from before network version 25 have 15 elements on the chain and are not read from there;
 * the API shows them all. */
#define SLK_SECTOR_ON_CHAIN_INFO_ROWS(F, T)                                                        \
    F(T, U64, sector_number, "SectorNumber")                                                       \
    F(T, I64, seal_proof, "SealProof")                                                             \
    F(T, CID, sealed_cid, "SealedCID")                                                             \
    F(T, LIST_U64, deprecated_deal_ids, NULL)                                                      \
    F(T, I64, activation, "Activation")                                                            \
    F(T, I64, expiration, "Expiration")                                                            \
    F(T, BIGINT, deal_weight, "DealWeight")                                                        \
    F(T, BIGINT, verified_deal_weight, "VerifiedDealWeight")                                       \
    F(T, BIGINT, initial_pledge, "InitialPledge")                                                  \
    F(T, OPT_BIGINT, expected_day_reward, "ExpectedDayReward")                                     \
    F(T, OPT_BIGINT, expected_storage_pledge, "ExpectedStoragePledge")                             \
    F(T, I64, power_base_epoch, "PowerBaseEpoch")                                                  \
    F(T, OPT_BIGINT, replaced_day_reward, "ReplacedDayReward")                                     \
    F(T, OPT_CID, sector_key_cid, "SectorKeyCID") /* first CommR, after a replica update */        \
    F(T, U64, flags, "Flags")                                                                      \
    F(T, BIGINT, daily_fee, "DailyFee")
SLK_RECORD(slk_sector_on_chain_info, SLK_SECTOR_ON_CHAIN_INFO_ROWS);

#define SLK_WORKER_KEY_CHANGE_ROWS(F, T)                                                           \
    F(T, ADDRESS, new_worker, "NewWorker")                                                         \
    F(T, I64, effective_at, "EffectiveAt")
SLK_RECORD(slk_worker_key_change, SLK_WORKER_KEY_CHANGE_ROWS);

#define SLK_BENEFICIARY_TERM_ROWS(F, T)                                                            \
    F(T, BIGINT, quota, "Quota")                                                                   \
    F(T, BIGINT, used_quota, "UsedQuota")                                                          \
    F(T, I64, expiration, "Expiration")
SLK_RECORD(slk_beneficiary_term, SLK_BENEFICIARY_TERM_ROWS);

#define SLK_PENDING_BENEFICIARY_CHANGE_ROWS(F, T)                                                  \
    F(T, ADDRESS, new_beneficiary, "NewBeneficiary")                                               \
    F(T, BIGINT, new_quota, "NewQuota")                                                            \
    F(T, I64, new_expiration, "NewExpiration")                                                     \
    F(T, BOOL, approved_by_beneficiary, "ApprovedByBeneficiary")                                   \
    F(T, BOOL, approved_by_nominee, "ApprovedByNominee")
SLK_RECORD(slk_pending_beneficiary_change, SLK_PENDING_BENEFICIARY_CHANGE_ROWS);

/* As it is on the chain. */
#define SLK_MINER_INFO_ROWS(F, T)                                                                  \
    F(T, ADDRESS, owner, "Owner")                                                                  \
    F(T, ADDRESS, worker, "Worker")                                                                \
    F(T, LIST_ADDRESS, control_addresses, "ControlAddresses")                                      \
    F(T, OPT, pending_worker_key, "PendingWorkerKey", slk_worker_key_change)                       \
    F(T, BYTES, peer_id, "PeerId")                                                                 \
    F(T, LIST_BYTES, multiaddrs, "Multiaddrs")                                                     \
    F(T, I64, window_post_proof_type, "WindowPoStProofType")                                       \
    F(T, U64, sector_size, "SectorSize")                                                           \
    F(T, U64, window_post_partition_sectors, "WindowPoStPartitionSectors")                         \
    F(T, I64, consensus_fault_elapsed, "ConsensusFaultElapsed")                                    \
    F(T, OPT_ADDRESS, pending_owner_address, "PendingOwnerAddress")                                \
    F(T, ADDRESS, beneficiary, "Beneficiary")                                                      \
    F(T, RECORD, beneficiary_term, "BeneficiaryTerm", slk_beneficiary_term)                        \
    F(T, OPT, pending_beneficiary_term, "PendingBeneficiaryTerm", slk_pending_beneficiary_change)
SLK_RECORD(slk_miner_info, SLK_MINER_INFO_ROWS);

/* As StateMinerInfo shows it. */
#define SLK_API_MINER_INFO_ROWS(F, T)                                                              \
    F(T, ADDRESS, owner, "Owner")                                                                  \
    F(T, ADDRESS, worker, "Worker")                                                                \
    F(T, ADDRESS, new_worker, "NewWorker") /* undefined: none pending */                           \
    F(T, LIST_ADDRESS, control_addresses, "ControlAddresses")                                      \
    F(T, I64, worker_change_epoch, "WorkerChangeEpoch") /* -1: none pending */                     \
    F(T, PEER_ID, peer_id, "PeerId")                                                               \
    F(T, LIST_BYTES, multiaddrs, "Multiaddrs")                                                     \
    F(T, I64, window_post_proof_type, "WindowPoStProofType")                                       \
    F(T, U64, sector_size, "SectorSize")                                                           \
    F(T, U64, window_post_partition_sectors, "WindowPoStPartitionSectors")                         \
    F(T, I64, consensus_fault_elapsed, "ConsensusFaultElapsed")                                    \
    F(T, OPT_ADDRESS, pending_owner_address, "PendingOwnerAddress")                                \
    F(T, ADDRESS, beneficiary, "Beneficiary")                                                      \
    F(T, OPT, beneficiary_term, "BeneficiaryTerm", slk_beneficiary_term)                           \
    F(T, OPT, pending_beneficiary_term, "PendingBeneficiaryTerm", slk_pending_beneficiary_change)
SLK_RECORD(slk_api_miner_info, SLK_API_MINER_INFO_ROWS);

/* The API's form of a miner's info; borrows from info, which has to outlive it. */
slk_api_miner_info_t slk_miner_info_to_api(slk_miner_info_t *info);

#define SLK_VESTING_FUND_ROWS(F, T)                                                                \
    F(T, I64, epoch, "Epoch")                                                                      \
    F(T, BIGINT, amount, "Amount")
SLK_RECORD(slk_vesting_fund, SLK_VESTING_FUND_ROWS);

/* The next one to vest, and a link to the list of all others. */
#define SLK_VESTING_FUNDS_ROWS(F, T)                                                               \
    F(T, RECORD, head, "Head", slk_vesting_fund)                                                   \
    F(T, CID, tail, "Tail")
SLK_RECORD(slk_vesting_funds, SLK_VESTING_FUNDS_ROWS);
#define SLK_VESTING_FUNDS_TAIL_ROWS(F, T) F(T, LIST, funds, "Funds", slk_vesting_fund)
SLK_RECORD(slk_vesting_funds_tail, SLK_VESTING_FUNDS_TAIL_ROWS);

#define SLK_MINER_STATE_ROWS(F, T)                                                                 \
    F(T, CID, info, "Info")                                                                        \
    F(T, BIGINT, pre_commit_deposits, "PreCommitDeposits")                                         \
    F(T, BIGINT, locked_funds, "LockedFunds")                                                      \
    F(T, OPT, vesting_funds, "VestingFunds", slk_vesting_funds)                                    \
    F(T, BIGINT, fee_debt, "FeeDebt")                                                              \
    F(T, BIGINT, initial_pledge, "InitialPledge")                                                  \
    F(T, CID, pre_committed_sectors, "PreCommittedSectors")                                        \
    F(T, CID, pre_committed_sectors_clean_up, "PreCommittedSectorsCleanUp")                        \
    F(T, CID, allocated_sectors, "AllocatedSectors")                                               \
    F(T, CID, sectors, "Sectors")                                                                  \
    F(T, I64, proving_period_start, "ProvingPeriodStart")                                          \
    F(T, U64, current_deadline, "CurrentDeadline")                                                 \
    F(T, CID, deadlines, "Deadlines")                                                              \
    F(T, BITFIELD, early_terminations, "EarlyTerminations")                                        \
    F(T, BOOL, deadline_cron_active, "DeadlineCronActive")
SLK_RECORD(slk_miner_state, SLK_MINER_STATE_ROWS);

#define SLK_DEADLINES_ROWS(F, T) F(T, LIST_CID, due, "Due") /* 48 */
SLK_RECORD(slk_deadlines, SLK_DEADLINES_ROWS);

#define SLK_DEADLINE_ROWS(F, T)                                                                    \
    F(T, CID, partitions, "Partitions")                                                            \
    F(T, CID, expirations_epochs, "ExpirationsEpochs")                                             \
    F(T, BITFIELD, partitions_posted, "PartitionsPoSted")                                          \
    F(T, BITFIELD, early_terminations, "EarlyTerminations")                                        \
    F(T, U64, live_sectors, "LiveSectors")                                                         \
    F(T, U64, total_sectors, "TotalSectors")                                                       \
    F(T, RECORD, faulty_power, "FaultyPower", slk_power_pair)                                      \
    F(T, CID, optimistic_post_submissions, "OptimisticPoStSubmissions")                            \
    F(T, CID, sectors_snapshot, "SectorsSnapshot")                                                 \
    F(T, CID, partitions_snapshot, "PartitionsSnapshot")                                           \
    F(T, CID, optimistic_post_submissions_snapshot, "OptimisticPoStSubmissionsSnapshot")           \
    F(T, RECORD, live_power, "LivePower", slk_power_pair)                                          \
    F(T, BIGINT, daily_fee, "DailyFee")
SLK_RECORD(slk_deadline, SLK_DEADLINE_ROWS);

#define SLK_PARTITION_ROWS(F, T)                                                                   \
    F(T, BITFIELD, sectors, "Sectors")                                                             \
    F(T, BITFIELD, unproven, "Unproven")                                                           \
    F(T, BITFIELD, faults, "Faults")                                                               \
    F(T, BITFIELD, recoveries, "Recoveries")                                                       \
    F(T, BITFIELD, terminated, "Terminated")                                                       \
    F(T, CID, expirations_epochs, "ExpirationsEpochs")                                             \
    F(T, CID, early_terminated, "EarlyTerminated")                                                 \
    F(T, RECORD, live_power, "LivePower", slk_power_pair)                                          \
    F(T, RECORD, unproven_power, "UnprovenPower", slk_power_pair)                                  \
    F(T, RECORD, faulty_power, "FaultyPower", slk_power_pair)                                      \
    F(T, RECORD, recovering_power, "RecoveringPower", slk_power_pair)
SLK_RECORD(slk_partition, SLK_PARTITION_ROWS);

#define SLK_EXPIRATION_SET_ROWS(F, T)                                                              \
    F(T, BITFIELD, on_time_sectors, "OnTimeSectors")                                               \
    F(T, BITFIELD, early_sectors, "EarlySectors")                                                  \
    F(T, BIGINT, on_time_pledge, "OnTimePledge")                                                   \
    F(T, RECORD, active_power, "ActivePower", slk_power_pair)                                      \
    F(T, RECORD, faulty_power, "FaultyPower", slk_power_pair)                                      \
    F(T, BIGINT, fee_deduction, "FeeDeduction")
SLK_RECORD(slk_expiration_set, SLK_EXPIRATION_SET_ROWS);

#endif /* SLK_CODEC_ACTORS_MINER_STATE_H */
