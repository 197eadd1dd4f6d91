#ifndef SLK_DEVNET_ACTORS_DATACAP_STATE_H
#define SLK_DEVNET_ACTORS_DATACAP_STATE_H

/* State of the data cap actor, f07, and what other actors call it with: a token of the verified
 * registry (FRC-46). Amounts are bytes of data times 10^18. Balances: HAMT from actor id to
 * amount; Allowances: HAMT from owner's id to a HAMT from operator's id to amount; all of width
 * 3. */

#include "codec/actors/verifreg.h"

#define SLK_DATACAP_WIDTH 3u
#define SLK_DATACAP_UNIT  UINT64_C(1000000000000000000) /* of a byte */

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

#define SLK_MINT_PARAMS_ROWS(F, T)                                                                 \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, BIGINT, amount, "Amount")                                                                 \
    F(T, LIST_ADDRESS, operators, "Operators") /* may spend without limit */
SLK_RECORD(slk_mint_params, SLK_MINT_PARAMS_ROWS);
#define SLK_MINT_RETURN_ROWS(F, T)                                                                 \
    F(T, BIGINT, balance, "Balance")                                                               \
    F(T, BIGINT, supply, "Supply")                                                                 \
    F(T, BYTES, recipient_data, "RecipientData")
SLK_RECORD(slk_mint_return, SLK_MINT_RETURN_ROWS);

#define SLK_TRANSFER_FROM_PARAMS_ROWS(F, T)                                                        \
    F(T, ADDRESS, from, "From")                                                                    \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, BIGINT, amount, "Amount")                                                                 \
    F(T, BYTES, operator_data, "OperatorData")
SLK_RECORD(slk_transfer_from_params, SLK_TRANSFER_FROM_PARAMS_ROWS);
#define SLK_TRANSFER_FROM_RETURN_ROWS(F, T)                                                        \
    F(T, BIGINT, from_balance, "FromBalance")                                                      \
    F(T, BIGINT, to_balance, "ToBalance")                                                          \
    F(T, BIGINT, allowance, "Allowance")                                                           \
    F(T, BYTES, recipient_data, "RecipientData")
SLK_RECORD(slk_transfer_from_return, SLK_TRANSFER_FROM_RETURN_ROWS);

/* Payload of the receiver's hook. */
#define SLK_TOKEN_RECEIVED_ROWS(F, T)                                                              \
    F(T, U64, from, "From")                                                                        \
    F(T, U64, to, "To")                                                                            \
    F(T, U64, operator_id, "Operator")                                                             \
    F(T, BIGINT, amount, "Amount")                                                                 \
    F(T, BYTES, operator_data, "OperatorData")                                                     \
    F(T, BYTES, token_data, "TokenData")
SLK_RECORD(slk_token_received, SLK_TOKEN_RECEIVED_ROWS);

#define SLK_TOKEN_TYPE_FRC46     2233613279u
#define SLK_METHOD_TOKEN_RECEIVE 3726118371u

#endif /* SLK_DEVNET_ACTORS_DATACAP_STATE_H */
