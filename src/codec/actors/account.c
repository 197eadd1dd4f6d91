#include "codec/actors/account.h"

SLK_RECORD_TYPE(slk_authenticate_message_params, "AuthenticateMessageParams", TUPLE,
                SLK_AUTHENTICATE_MESSAGE_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_account_state, "State", TUPLE, SLK_ACCOUNT_STATE_ROWS);
