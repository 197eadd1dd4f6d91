#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "codec/actors/exit_code.h"

#include <stdio.h>
#include <string.h>

bool slk_exit_is_passing(int64_t code)
{
    return code == SLK_EXIT_SYS_OUT_OF_GAS || code == SLK_EXIT_SYS_INSUFFICIENT_FUNDS;
}

static void ended(slk_turn_message_t *out, slk_turn_t *t, int64_t exit_code, int64_t height)
{
    out->exit_code = exit_code;
    out->height = height;
    out->state = exit_code == 0 ? SLK_SENT_OK : SLK_SENT_FAILED;
    if (exit_code)
        slk_fail(&t->said, SLK_ERR_STATE,
                 "the message failed at epoch %" PRId64 " with exit code %" PRId64 " (%s: %s)",
                 height, exit_code, slk_exit_name(exit_code), slk_exit_text(exit_code));
}

/* Of a row: chain/message.h moves it, here it is only read. */
static void from_row(slk_turn_message_t *out, slk_turn_t *t, const slk_message_row_t *row)
{
    out->cid = slk_cid_defined(&row->landed_cid) ? row->landed_cid : row->cid;
    out->tipset = row->landed_tipset;
    out->height = row->landed_height;
    if (row->state == SLK_MESSAGE_DONE || row->state == SLK_MESSAGE_FAILED) {
        ended(out, t, row->exit_code, row->landed_height);
        return;
    }
    if (slk_message_state_final(row->state)) {
        out->state = SLK_SENT_NOT;
        slk_fail(&t->said, SLK_ERR_STATE, "the message was not executed: %s%s%.300s",
                 slk_message_state_what(row->state), *row->error ? ": " : "", row->error);
        return;
    }
    out->state = SLK_SENT_UNDERWAY;
    if (row->state == SLK_MESSAGE_LANDED)
        slk_fail(&t->said, SLK_ERR_STATE,
                 "the message landed at epoch %" PRId64 " with exit code %" PRId64
                 "; sure at epoch %" PRId64,
                 row->landed_height, row->exit_code, row->landed_height + row->confidence);
    else
        slk_fail(&t->said, SLK_ERR_STATE, "the message is %s: %s%s%s%.250s",
                 slk_message_state_text(row->state), slk_message_state_what(row->state),
                 row->at_limit ? ", its fee is at its limit" : "", *row->error ? "; " : "",
                 row->error);
}

/* Of a message that another program sent: the chain alone knows. */
static bool from_chain(slk_turn_message_t *out, slk_turn_t *t, const slk_cid_t *cid)
{
    slk_msg_lookup_t found;
    bool there;
    if (!slk_turn_net(t) ||
        !slk_turn_look(t, t->ops->search(t->ctx, cid, t->arena, &found, &t->said), &there))
        return false;
    out->cid = *cid;
    if (!there) {
        out->state = SLK_SENT_UNDERWAY;
        out->until_epoch = t->net.height + 1;
        slk_fail(&t->said, SLK_ERR_STATE, "message %s is not on chain yet", slk_cid_text(cid).s);
        return true;
    }
    const int64_t sure = found.height + t->world->config->message_confidence;
    if (t->net.height < sure) {
        out->state = SLK_SENT_UNDERWAY;
        out->until_epoch = sure;
        slk_fail(&t->said, SLK_ERR_STATE,
                 "message %s landed at epoch %" PRId64 "; sure at epoch %" PRId64,
                 slk_cid_text(cid).s, found.height, sure);
        return true;
    }
    ended(out, t, found.receipt.exit_code, found.height);
    out->cid = found.message;
    for (size_t i = 0; i < found.tipset.cids.count; i++) {
        const slk_cid_t *block = &found.tipset.cids.items[i];
        if (out->tipset.len + (size_t)block->len > sizeof out->tipset.b)
            break;
        memcpy(out->tipset.b + out->tipset.len, block->b, block->len);
        out->tipset.len = (uint16_t)(out->tipset.len + block->len);
    }
    return true;
}

bool slk_turn_message(slk_turn_t *t, slk_bytes_t key, const slk_cid_t *cid, slk_turn_message_t *out)
{
    bool there = false;
    *out = (slk_turn_message_t){.state = SLK_SENT_NONE};
    if (key.len) {
        char *text = slk_arena_text(t->arena, (const char *)key.b, key.len);
        if (!text) {
            slk_turn_no_memory(t);
            return false;
        }
        slk_message_row_free(&t->row);
        if (!slk_turn_look(t, t->ops->message(t->ctx, text, &t->row, &t->said), &there))
            return false;
        if (there)
            from_row(out, t, &t->row);
    }
    if (!there && slk_cid_defined(cid))
        return from_chain(out, t, cid);
    if (!there)
        slk_fail(&t->said, SLK_ERR_STATE, "no message of it is known here");
    return true;
}
