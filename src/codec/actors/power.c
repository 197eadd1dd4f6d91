#include "codec/actors/power.h"

SLK_RECORD_TYPE(slk_create_miner_params, "CreateMinerParams", TUPLE, SLK_CREATE_MINER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_create_miner_return, "CreateMinerReturn", TUPLE, SLK_CREATE_MINER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_update_claimed_power_params, "UpdateClaimedPowerParams", TUPLE,
                SLK_UPDATE_CLAIMED_POWER_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_enroll_cron_event_params, "EnrollCronEventParams", TUPLE,
                SLK_ENROLL_CRON_EVENT_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_current_total_power_return, "CurrentTotalPowerReturn", TUPLE,
                SLK_CURRENT_TOTAL_POWER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_miner_raw_power_return, "MinerRawPowerReturn", TUPLE,
                SLK_MINER_RAW_POWER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_miner_power_return, "MinerPowerReturn", TUPLE, SLK_MINER_POWER_RETURN_ROWS);
SLK_RECORD_TYPE(slk_power_claim, "Claim", TUPLE, SLK_POWER_CLAIM_ROWS);
SLK_RECORD_TYPE(slk_power_state, "State", TUPLE, SLK_POWER_STATE_ROWS);
