#ifndef SLK_DEVNET_ACTORS_DATACAP_STATE_H
#define SLK_DEVNET_ACTORS_DATACAP_STATE_H

/* State of the data cap actor, f07: a token of the verified registry (FRC-46). Amounts are bytes of data times
 * 10^18. Balances: HAMT from actor id to amount; Allowances: HAMT from owner's id to a HAMT from operator's id to
 * amount; all of width 3. */

#include "codec/record.h"

#define SLK_DATACAP_WIDTH 3u

#define SLK_TOKEN_STATE_ROWS(F, T)                                                                 \
    F(T, BIGINT, supply, "Supply")                                                                 \
    F(T, CID, balances, "Balances")                                                                \
    F(T, CID, allowances, "Allowances")                                                            \
    F(T, U64, hamt_bit_width, "HamtBitWidth")
SLK_RECORD(slk_token_state, SLK_TOKEN_STATE_ROWS);

#define SLK_DATACAP_STATE_ROWS(F, T)                                                               \
    F(T, ADDRESS, governor, "Governor")                                                            \
    F(T, RECORD, token, "Token", slk_token_state)
SLK_RECORD(slk_datacap_state, SLK_DATACAP_STATE_ROWS);

#endif /* SLK_DEVNET_ACTORS_DATACAP_STATE_H */
