#include "codec/chain/message.h"

static slk_err_t message_cid(slk_cid_t *cid, const void *record, slk_diag_t *diag)
{
    return slk_message_cid(cid, record, diag);
}

static slk_err_t signed_cid(slk_cid_t *cid, const void *record, slk_diag_t *diag)
{
    return slk_signed_message_cid(cid, record, diag);
}

SLK_RECORD_TYPE_CID(slk_message, "Message", TUPLE, SLK_MESSAGE_ROWS, message_cid);
SLK_RECORD_TYPE_CID(slk_signed_message, "SignedMessage", TUPLE, SLK_SIGNED_MESSAGE_ROWS,
                    signed_cid);
SLK_RECORD_TYPE(slk_message_of_tipset, "MessageInTipset", OBJECT, SLK_MESSAGE_OF_TIPSET_ROWS);
SLK_RECORD_TYPE(slk_message_send_spec, "MessageSendSpec", OBJECT, SLK_MESSAGE_SEND_SPEC_ROWS);

slk_err_t slk_message_cid(slk_cid_t *cid, const slk_message_t *message, slk_diag_t *diag)
{
    return slk_record_cid(cid, &slk_message_type, message, diag);
}

slk_err_t slk_signed_message_cid(slk_cid_t *cid, const slk_signed_message_t *message,
                                 slk_diag_t *diag)
{
    if (message->signature.type == SLK_SIGNATURE_BLS)
        return slk_message_cid(cid, &message->message, diag);
    return slk_record_cid(cid, &slk_signed_message_type, message, diag);
}
