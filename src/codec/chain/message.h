#ifndef SLK_CODEC_CHAIN_MESSAGE_H
#define SLK_CODEC_CHAIN_MESSAGE_H

/* Messages (spec chain.md 2.1). In JSON both get a field "CID"; it is ignored when read. */

#include "codec/record.h"

#define SLK_MESSAGE_ROWS(F, T)                                                                     \
    F(T, U64, version, "Version") /* 0 */                                                          \
    F(T, ADDRESS, to, "To")                                                                        \
    F(T, ADDRESS, from, "From")                                                                    \
    F(T, U64, nonce, "Nonce")                                                                      \
    F(T, BIGINT, value, "Value")                                                                   \
    F(T, I64, gas_limit, "GasLimit")                                                               \
    F(T, BIGINT, gas_fee_cap, "GasFeeCap")                                                         \
    F(T, BIGINT, gas_premium, "GasPremium")                                                        \
    F(T, U64, method, "Method")                                                                    \
    F(T, BYTES, params, "Params") /* CBOR; empty for a method without parameters */
SLK_RECORD(slk_message, SLK_MESSAGE_ROWS);

#define SLK_SIGNED_MESSAGE_ROWS(F, T)                                                              \
    F(T, RECORD, message, "Message", slk_message)                                                  \
    F(T, SIGNATURE, signature, "Signature")
SLK_RECORD(slk_signed_message, SLK_SIGNED_MESSAGE_ROWS);

/* Of the message's CBOR. Its bytes (slk_cid_t.b, .len) are what a sender signs. */
SLK_CHECK_RESULT slk_err_t slk_message_cid(slk_cid_t *cid, const slk_message_t *message,
                                           slk_diag_t *diag);

/* The CID under which the chain knows a signed message: with a BLS signature that of the bare message,
 * else that of the signed one. */
SLK_CHECK_RESULT slk_err_t slk_signed_message_cid(slk_cid_t *cid,
                                                  const slk_signed_message_t *message,
                                                  slk_diag_t *diag);

/* {Cid, Message} of ChainGetParentMessages and ChainGetMessagesInTipset. */
#define SLK_MESSAGE_OF_TIPSET_ROWS(F, T)                                                           \
    F(T, CID, cid, "Cid")                                                                          \
    F(T, RECORD, message, "Message", slk_message)
SLK_RECORD(slk_message_of_tipset, SLK_MESSAGE_OF_TIPSET_ROWS);

/* What a caller of MpoolPushMessage and GasEstimateMessageGas may ask for. */
#define SLK_MESSAGE_SEND_SPEC_ROWS(F, T)                                                           \
    F(T, BIGINT, max_fee, "MaxFee")                                                                \
    F(T, TEXT, msg_uuid, "MsgUuid")                                                                \
    F(T, BOOL, maximize_fee_cap, "MaximizeFeeCap")
SLK_RECORD(slk_message_send_spec, SLK_MESSAGE_SEND_SPEC_ROWS);

#endif /* SLK_CODEC_CHAIN_MESSAGE_H */
