#ifndef SLK_CODEC_ACTORS_REWARD_H
#define SLK_CODEC_ACTORS_REWARD_H

/* The reward actor, f02 (spec chain.md 3.4). */

#include "codec/actors/values.h"

#define SLK_AWARD_BLOCK_REWARD_PARAMS_ROWS(F, T)                                                   \
    F(T, ADDRESS, miner, "Miner")                                                                  \
    F(T, BIGINT, penalty, "Penalty")                                                               \
    F(T, BIGINT, gas_reward, "GasReward")                                                          \
    F(T, I64, win_count, "WinCount")
SLK_RECORD(slk_award_block_reward_params, SLK_AWARD_BLOCK_REWARD_PARAMS_ROWS);

#define SLK_THIS_EPOCH_REWARD_RETURN_ROWS(F, T)                                                    \
    F(T, RECORD, this_epoch_reward_smoothed, "ThisEpochRewardSmoothed", slk_filter_estimate)       \
    F(T, BIGINT, this_epoch_baseline_power, "ThisEpochBaselinePower")
SLK_RECORD(slk_this_epoch_reward_return, SLK_THIS_EPOCH_REWARD_RETURN_ROWS);

#define SLK_REWARD_STATE_ROWS(F, T)                                                                \
    F(T, BIGINT, cumsum_baseline, "CumsumBaseline")                                                \
    F(T, BIGINT, cumsum_realized, "CumsumRealized")                                                \
    F(T, I64, effective_network_time, "EffectiveNetworkTime")                                      \
    F(T, BIGINT, effective_baseline_power, "EffectiveBaselinePower")                               \
    F(T, BIGINT, this_epoch_reward, "ThisEpochReward")                                             \
    F(T, RECORD, this_epoch_reward_smoothed, "ThisEpochRewardSmoothed", slk_filter_estimate)       \
    F(T, BIGINT, this_epoch_baseline_power, "ThisEpochBaselinePower")                              \
    F(T, I64, epoch, "Epoch")                                                                      \
    F(T, BIGINT, total_storage_power_reward, "TotalStoragePowerReward")                            \
    F(T, BIGINT, simple_total, "SimpleTotal")                                                      \
    F(T, BIGINT, baseline_total, "BaselineTotal")
SLK_RECORD(slk_reward_state, SLK_REWARD_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_REWARD_H */
