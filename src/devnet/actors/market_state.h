#ifndef SLK_DEVNET_ACTORS_MARKET_STATE_H
#define SLK_DEVNET_ACTORS_MARKET_STATE_H

/* The market's state, for the files of the market (builtin-actors v18). */

#include "codec/actors/market.h"
#include "devnet/actors/state_map.h"

#define SLK_PROPOSALS_WIDTH 5u
#define SLK_STATES_WIDTH    6u

#endif /* SLK_DEVNET_ACTORS_MARKET_STATE_H */
