#ifndef SLK_CODEC_ACTORS_EXIT_CODE_H
#define SLK_CODEC_ACTORS_EXIT_CODE_H

/* Exit codes of messages (spec chain.md 3.1). Below 16 the machine's own, from 16 on the actors'. */

#include <stdint.h>

/* One row a code: number, name, what it says. */
#define SLK_EXIT_LIST(X)                                                                           \
    X(0, OK, "ok")                                                                                 \
    X(1, SYS_SENDER_INVALID, "the sender does not exist or is no account")                         \
    X(2, SYS_SENDER_STATE_INVALID, "wrong nonce, or the sender cannot pay for the gas")            \
    X(4, SYS_ILLEGAL_INSTRUCTION, "the actor did something illegal")                               \
    X(5, SYS_INVALID_RECEIVER, "the receiver does not exist and cannot be made")                   \
    X(6, SYS_INSUFFICIENT_FUNDS, "the sender has less than the value sent")                        \
    X(7, SYS_OUT_OF_GAS, "out of gas")                                                             \
    X(10, SYS_ASSERTION_FAILED, "an assertion of the actor failed")                                \
    X(11, SYS_MISSING_RETURN, "the actor returned no value")                                       \
    X(16, USR_ILLEGAL_ARGUMENT, "illegal argument")                                                \
    X(17, USR_NOT_FOUND, "not found")                                                              \
    X(18, USR_FORBIDDEN, "forbidden")                                                              \
    X(19, USR_INSUFFICIENT_FUNDS, "insufficient funds")                                            \
    X(20, USR_ILLEGAL_STATE, "illegal state")                                                      \
    X(21, USR_SERIALIZATION, "parameters or state could not be read")                              \
    X(22, USR_UNHANDLED_MESSAGE, "the actor has no such method")                                   \
    X(23, USR_UNSPECIFIED, "unspecified error of the actor")                                       \
    X(24, USR_ASSERTION_FAILED, "an assertion of the actor failed")                                \
    X(25, USR_READ_ONLY, "the call may not change state")                                          \
    X(26, USR_NOT_PAYABLE, "the method takes no value")                                            \
    X(32, MARKET_DEAL_EXPIRED, "the deal has expired")                                             \
    X(33, MARKET_DEAL_NOT_ACTIVATED, "the deal is not activated")                                  \
    X(1000, MINER_BALANCE_INVARIANTS_BROKEN, "the miner's balances do not add up")                 \
    X(1001, MINER_NOTIFICATION_SEND_FAILED, "a notification could not be sent")                    \
    X(1002, MINER_NOTIFICATION_RECEIVER_ABORTED, "the receiver of a notification failed")          \
    X(1003, MINER_NOTIFICATION_RESPONSE_INVALID, "the receiver of a notification answered badly")  \
    X(1004, MINER_NOTIFICATION_REJECTED, "the receiver of a notification rejected it")

typedef enum {
#define SLK_EXIT_ENUM(number, name, text) SLK_EXIT_##name = (number),
    SLK_EXIT_LIST(SLK_EXIT_ENUM)
#undef SLK_EXIT_ENUM
} slk_exit_code_t;

/* "SYS_OUT_OF_GAS", and a sentence; of a number without a name "UNKNOWN", "an exit code of the
 * actor's own". */
const char *slk_exit_name(int64_t code);
const char *slk_exit_text(int64_t code);

#endif /* SLK_CODEC_ACTORS_EXIT_CODE_H */
