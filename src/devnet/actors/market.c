/* The market's table of methods. */

#include "devnet/actors/market_state.h"

const slk_actor_t slk_actor_market = {SLK_ACTOR_MARKET, NULL, 0};
