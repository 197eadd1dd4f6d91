#include "codec/chain/receipt.h"

SLK_RECORD_TYPE(slk_receipt, "MessageReceipt", TUPLE, SLK_RECEIPT_ROWS);
SLK_RECORD_TYPE(slk_msg_lookup, "MsgLookup", OBJECT, SLK_MSG_LOOKUP_ROWS);
SLK_RECORD_TYPE(slk_actor_state, "Actor", TUPLE, SLK_ACTOR_STATE_ROWS);
SLK_RECORD_TYPE(slk_state_root, "StateRoot", TUPLE, SLK_STATE_ROOT_ROWS);
