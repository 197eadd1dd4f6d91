#ifndef SLK_CODEC_ACTORS_ACCOUNT_H
#define SLK_CODEC_ACTORS_ACCOUNT_H

/* Account actors: f1 and f3 addresses. */

#include "codec/actors/values.h"

/* The signature's bytes without its type, which the account's key says, and what was signed. Returns true;
 * one that is not valid is SLK_EXIT_USR_ILLEGAL_ARGUMENT. */
#define SLK_AUTHENTICATE_MESSAGE_PARAMS_ROWS(F, T)                                                 \
    F(T, BYTES, signature, "Signature")                                                            \
    F(T, BYTES, message, "Message")
SLK_RECORD(slk_authenticate_message_params, SLK_AUTHENTICATE_MESSAGE_PARAMS_ROWS);

#define SLK_ACCOUNT_STATE_ROWS(F, T) F(T, ADDRESS, address, "Address")
SLK_RECORD(slk_account_state, SLK_ACCOUNT_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_ACCOUNT_H */
