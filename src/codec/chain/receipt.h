#ifndef SLK_CODEC_CHAIN_RECEIPT_H
#define SLK_CODEC_CHAIN_RECEIPT_H

/* What became of a message, and the state of an actor. */

#include "codec/chain/tipset.h"

#define SLK_RECEIPT_ROWS(F, T)                                                                     \
    F(T, I64, exit_code, "ExitCode") /* codec/actors/exit_code.h */                                \
    F(T, BYTES, ret, "Return")       /* CBOR */                                                    \
    F(T, I64, gas_used, "GasUsed")                                                                 \
    F(T, OPT_CID, events_root, "EventsRoot")
SLK_RECORD(slk_receipt, SLK_RECEIPT_ROWS);

/* What StateWaitMsg and StateSearchMsg answer. */
#define SLK_MSG_LOOKUP_ROWS(F, T)                                                                  \
    F(T, CID, message, "Message") /* another one's where it was replaced */                        \
    F(T, RECORD, receipt, "Receipt", slk_receipt)                                                  \
    F(T, ANY, return_dec, "ReturnDec")                                                             \
    F(T, RECORD, tipset, "TipSet", slk_tipset_cids) /* the one that carries the receipt */         \
    F(T, I64, height, "Height")
SLK_RECORD(slk_msg_lookup, SLK_MSG_LOOKUP_ROWS);

/* An actor in the state tree, and what StateGetActor answers. */
#define SLK_ACTOR_STATE_ROWS(F, T)                                                                 \
    F(T, CID, code, "Code")                                                                        \
    F(T, CID, head, "Head")                                                                        \
    F(T, U64, nonce, "Nonce")                                                                      \
    F(T, BIGINT, balance, "Balance")                                                               \
    F(T, OPT_ADDRESS, delegated_address, "DelegatedAddress")
SLK_RECORD(slk_actor_state, SLK_ACTOR_STATE_ROWS);

/* The root of all actors. */
#define SLK_STATE_ROOT_ROWS(F, T)                                                                  \
    F(T, U64, version, "Version") /* 5 */                                                          \
    F(T, CID, actors, "Actors")   /* HAMT */                                                       \
    F(T, CID, info, "Info")
SLK_RECORD(slk_state_root, SLK_STATE_ROOT_ROWS);

#endif /* SLK_CODEC_CHAIN_RECEIPT_H */
