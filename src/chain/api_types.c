#include "chain/api_types.h"

#define ONE_ROW(which, ...)                                                                        \
    static const slk_row_t slk_api_##which##_rows[] = {SLK_ROW(slk_api_##which##_t, __VA_ARGS__)}; \
    const slk_type_t slk_api_##which##_type = {.name = #which,                                     \
                                               .size = sizeof(slk_api_##which##_t),                \
                                               .rows = slk_api_##which##_rows,                     \
                                               .row_cnt = 1,                                       \
                                               .form = SLK_FORM_BARE};

#define SLK_X(name, kind) ONE_ROW(name, kind, v, "")
SLK_API_ONE(SLK_X)
#undef SLK_X
#define SLK_X(name, prefix) ONE_ROW(opt_##name, OPT, v, "", prefix)
SLK_API_OPT(SLK_X)
#undef SLK_X
#define SLK_X(name, prefix) ONE_ROW(name, ARRAY, v, "", prefix)
SLK_API_LIST(SLK_X)
#undef SLK_X

SLK_RECORD_TYPE(slk_api_node_version, "Version", OBJECT, SLK_API_VERSION_ROWS);
SLK_RECORD_TYPE(slk_api_network_params, "NetworkParams", OBJECT, SLK_API_NETWORK_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_api_deadline_info, "DeadlineInfo", OBJECT, SLK_API_DEADLINE_INFO_ROWS);
SLK_RECORD_TYPE(slk_api_deadline, "Deadline", OBJECT, SLK_API_DEADLINE_ROWS);
SLK_RECORD_TYPE(slk_api_partition, "Partition", OBJECT, SLK_API_PARTITION_ROWS);
SLK_RECORD_TYPE(slk_api_claim, "Claim", OBJECT, SLK_API_CLAIM_ROWS);
SLK_RECORD_TYPE(slk_api_miner_power, "MinerPower", OBJECT, SLK_API_MINER_POWER_ROWS);
SLK_RECORD_TYPE(slk_api_sector_location, "SectorLocation", OBJECT, SLK_API_SECTOR_LOCATION_ROWS);
SLK_RECORD_TYPE(slk_api_sector_expiration, "SectorExpiration", OBJECT,
                SLK_API_SECTOR_EXPIRATION_ROWS);
SLK_RECORD_TYPE(slk_api_sector_count, "MinerSectors", OBJECT, SLK_API_SECTOR_COUNT_ROWS);
SLK_RECORD_TYPE(slk_api_market_balance, "MarketBalance", OBJECT, SLK_API_MARKET_BALANCE_ROWS);
SLK_RECORD_TYPE(slk_api_bounds, "DealCollateralBounds", OBJECT, SLK_API_BOUNDS_ROWS);
SLK_RECORD_TYPE(slk_api_invocation, "InvocResult", OBJECT, SLK_API_INVOCATION_ROWS);
SLK_RECORD_TYPE(slk_api_actor_content, "ActorState", OBJECT, SLK_API_ACTOR_CONTENT_ROWS);
SLK_RECORD_TYPE(slk_api_active_sync, "ActiveSync", OBJECT, SLK_API_ACTIVE_SYNC_ROWS);
SLK_RECORD_TYPE(slk_api_sync_state, "SyncState", OBJECT, SLK_API_SYNC_STATE_ROWS);
