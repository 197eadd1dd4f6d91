#ifndef SLK_CODEC_ACTORS_POWER_H
#define SLK_CODEC_ACTORS_POWER_H

/* The power actor, f04 (spec chain.md 3.4). */

#include "codec/actors/values.h"

#define SLK_CREATE_MINER_PARAMS_ROWS(F, T)                                                         \
    F(T, ADDRESS, owner, "Owner")                                                                  \
    F(T, ADDRESS, worker, "Worker")                                                                \
    F(T, I64, window_post_proof_type, "WindowPoStProofType")                                       \
    F(T, BYTES, peer, "Peer")                                                                      \
    F(T, LIST_BYTES, multiaddrs, "Multiaddrs")
SLK_RECORD(slk_create_miner_params, SLK_CREATE_MINER_PARAMS_ROWS);

#define SLK_CREATE_MINER_RETURN_ROWS(F, T)                                                         \
    F(T, ADDRESS, id_address, "IDAddress")                                                         \
    F(T, ADDRESS, robust_address, "RobustAddress")
SLK_RECORD(slk_create_miner_return, SLK_CREATE_MINER_RETURN_ROWS);

#define SLK_UPDATE_CLAIMED_POWER_PARAMS_ROWS(F, T)                                                 \
    F(T, BIGINT, raw_byte_delta, "RawByteDelta")                                                   \
    F(T, BIGINT, quality_adjusted_delta, "QualityAdjustedDelta")
SLK_RECORD(slk_update_claimed_power_params, SLK_UPDATE_CLAIMED_POWER_PARAMS_ROWS);

#define SLK_ENROLL_CRON_EVENT_PARAMS_ROWS(F, T)                                                    \
    F(T, I64, event_epoch, "EventEpoch")                                                           \
    F(T, BYTES, payload, "Payload")
SLK_RECORD(slk_enroll_cron_event_params, SLK_ENROLL_CRON_EVENT_PARAMS_ROWS);

#define SLK_CURRENT_TOTAL_POWER_RETURN_ROWS(F, T)                                                  \
    F(T, BIGINT, raw_byte_power, "RawBytePower")                                                   \
    F(T, BIGINT, quality_adj_power, "QualityAdjPower")                                             \
    F(T, BIGINT, pledge_collateral, "PledgeCollateral")                                            \
    F(T, RECORD, quality_adj_power_smoothed, "QualityAdjPowerSmoothed", slk_filter_estimate)       \
    F(T, I64, ramp_start_epoch, "RampStartEpoch")                                                  \
    F(T, U64, ramp_duration_epochs, "RampDurationEpochs")
SLK_RECORD(slk_current_total_power_return, SLK_CURRENT_TOTAL_POWER_RETURN_ROWS);

#define SLK_MINER_RAW_POWER_RETURN_ROWS(F, T)                                                      \
    F(T, BIGINT, raw_byte_power, "RawBytePower")                                                   \
    F(T, BOOL, meets_consensus_minimum, "MeetsConsensusMinimum")
SLK_RECORD(slk_miner_raw_power_return, SLK_MINER_RAW_POWER_RETURN_ROWS);

#define SLK_MINER_POWER_RETURN_ROWS(F, T)                                                          \
    F(T, BIGINT, raw_byte_power, "RawBytePower")                                                   \
    F(T, BIGINT, quality_adj_power, "QualityAdjPower")
SLK_RECORD(slk_miner_power_return, SLK_MINER_POWER_RETURN_ROWS);

#define SLK_POWER_CLAIM_ROWS(F, T)                                                                 \
    F(T, I64, window_post_proof_type, "WindowPoStProofType")                                       \
    F(T, BIGINT, raw_byte_power, "RawBytePower")                                                   \
    F(T, BIGINT, quality_adj_power, "QualityAdjPower")
SLK_RECORD(slk_power_claim, SLK_POWER_CLAIM_ROWS);

#define SLK_POWER_STATE_ROWS(F, T)                                                                 \
    F(T, BIGINT, total_raw_byte_power, "TotalRawBytePower")                                        \
    F(T, BIGINT, total_bytes_committed, "TotalBytesCommitted")                                     \
    F(T, BIGINT, total_quality_adj_power, "TotalQualityAdjPower")                                  \
    F(T, BIGINT, total_qa_bytes_committed, "TotalQABytesCommitted")                                \
    F(T, BIGINT, total_pledge_collateral, "TotalPledgeCollateral")                                 \
    F(T, BIGINT, this_epoch_raw_byte_power, "ThisEpochRawBytePower")                               \
    F(T, BIGINT, this_epoch_quality_adj_power, "ThisEpochQualityAdjPower")                         \
    F(T, BIGINT, this_epoch_pledge_collateral, "ThisEpochPledgeCollateral")                        \
    F(T, RECORD, this_epoch_qa_power_smoothed, "ThisEpochQAPowerSmoothed", slk_filter_estimate)    \
    F(T, I64, miner_count, "MinerCount")                                                           \
    F(T, I64, miner_above_min_power_count, "MinerAboveMinPowerCount")                              \
    F(T, I64, ramp_start_epoch, "RampStartEpoch")                                                  \
    F(T, U64, ramp_duration_epochs, "RampDurationEpochs")                                          \
    F(T, CID, cron_event_queue, "CronEventQueue")                                                  \
    F(T, I64, first_cron_epoch, "FirstCronEpoch")                                                  \
    F(T, CID, claims, "Claims")                                                                    \
    F(T, OPT_CID, proof_validation_batch, "ProofValidationBatch")
SLK_RECORD(slk_power_state, SLK_POWER_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_POWER_H */
