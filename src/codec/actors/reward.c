#include "codec/actors/reward.h"

SLK_RECORD_TYPE(slk_award_block_reward_params, "AwardBlockRewardParams", TUPLE,
                SLK_AWARD_BLOCK_REWARD_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_this_epoch_reward_return, "ThisEpochRewardReturn", TUPLE,
                SLK_THIS_EPOCH_REWARD_RETURN_ROWS);
SLK_RECORD_TYPE(slk_reward_state, "State", TUPLE, SLK_REWARD_STATE_ROWS);
