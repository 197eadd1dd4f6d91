/* Mpool...: messages on their way to the chain, and the node's own sender. */

#include "devnet/api/estimate.h"

#include "base/assert.h"
#include "crypto/keys/signature.h"

#include <inttypes.h>
#include <string.h>

#define NO_UUID "00000000-0000-0000-0000-000000000000"

/* --- Pushing ------------------------------------------------------------------------------------------------------ */

/* Push, and lose it where that was ordered: whoever pushed sees no difference. */
static slk_err_t push(slk_ask_t *ask, const slk_signed_message_t *message, slk_push_t how,
                      slk_cid_t *cid)
{
    slk_err_t err = slk_mpool_push(cid, ask->net->pool, message, how, &ask->diag);
    if (err == SLK_OK && slk_fault_take(&ask->net->fault.lose))
        err = slk_mpool_forget(ask->net->pool, cid, &ask->diag);
    return err;
}

static slk_err_t push_signed(slk_ask_t *ask, slk_push_t how)
{
    slk_cid_t cid;
    slk_err_t err = push(ask, ask->args[0].record, how, &cid);
    return err == SLK_OK ? slk_ask_cid(ask, &cid) : err;
}

static slk_err_t mpool_push(slk_ask_t *ask)
{
    return push_signed(ask, SLK_PUSH_LOCAL);
}

static slk_err_t mpool_push_untrusted(slk_ask_t *ask)
{
    return push_signed(ask, SLK_PUSH_UNTRUSTED);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* An address that cannot be resolved is left as it is: the estimate says what is wrong with it. */
static slk_err_t resolve_sender(slk_ask_t *ask, const slk_tip_t *head, slk_message_t *m)
{
    slk_address_t key;
    bool found;
    slk_err_t err =
        slk_chain_account_key(&key, &found, ask->chain, &head->state, &m->from, &ask->diag);
    if (err == SLK_OK && found)
        m->from = key;
    return err;
}

static slk_err_t check_funds(slk_ask_t *ask, const slk_tip_t *head, const slk_message_t *m)
{
    bool found;
    slk_actor_state_t actor;
    slk_err_t err =
        slk_chain_actor(&actor, NULL, &found, ask->chain, &head->state, &m->from, &ask->diag);
    const slk_bigint_t balance = err == SLK_OK && found ? actor.balance : slk_bigint_u64(0);
    const slk_bigint_t need =
        slk_bigint_add(m->value, slk_bigint_mul(m->gas_fee_cap, slk_bigint_i64(m->gas_limit)));
    if (err == SLK_OK && slk_bigint_cmp(&balance, &need) < 0)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "mpool push: not enough funds: %s < %s",
                            slk_bigint_text(&balance).s, slk_bigint_text(&need).s);
    return err;
}

/* Nonce, signature, push; under the sender's lock. */
static slk_err_t sign_and_push(slk_ask_t *ask, slk_message_t *m, slk_key_sig_t *sig,
                               slk_signed_message_t *out)
{
    slk_err_t err;
    slk_cid_t cid;
    slk_sign_request_t request = {.kind = SLK_SIGN_MESSAGE};
    SLK_TRY(slk_mpool_nonce(&m->nonce, ask->net->pool, &m->from, &ask->diag));
    SLK_TRY(slk_message_cid(&cid, m, &ask->diag));
    request.bytes = cid.b;
    request.len = cid.len;
    SLK_TRY(slk_signer_sign(slk_keystore_signer(ask->net->wallet), &m->from, &request, sig,
                            &ask->diag));
    *out = (slk_signed_message_t){*m, slk_key_sig_view(sig)};
    SLK_TRY(push(ask, out, SLK_PUSH_LOCAL, &cid));
out:
    return err;
}

static const char *uuid_of(slk_ask_t *ask, const slk_message_send_spec_t *spec)
{
    if (!spec || !spec->msg_uuid.len)
        return NULL;
    const char *uuid =
        slk_arena_text(&ask->arena, (const char *)spec->msg_uuid.b, spec->msg_uuid.len);
    return uuid && strcmp(uuid, NO_UUID) ? uuid : NULL;
}

/* The whole of MpoolPushMessage for one message; *sig is what *out borrows. */
static slk_err_t send(slk_ask_t *ask, const slk_message_t *message,
                      const slk_message_send_spec_t *spec, slk_key_sig_t *sig,
                      slk_signed_message_t *out)
{
    slk_err_t err;
    bool known = false;
    slk_message_t m = *message;
    const char *uuid = uuid_of(ask, spec);
    if (m.nonce)
        return slk_ask_fail(ask, SLK_RPC_ERROR,
                            "MpoolPushMessage expects message nonce to be 0, was %" PRIu64,
                            m.nonce);
    slk_mpool_sender_lock(ask->net->pool);
    slk_tip_t *head = slk_chain_head(ask->chain);
    if (uuid) {
        SLK_TRY(slk_mpool_uuid_get(out, &known, ask->net->pool, uuid, &ask->arena, &ask->diag));
        if (known)
            goto out;
    }
    SLK_TRY(resolve_sender(ask, head, &m));
    err = slk_estimate_message(ask, head, spec, &m);
    if (err != SLK_OK) {
        ask->code = SLK_RPC_ERROR;
        err = slk_ask_wrap(ask, err, "GasEstimateMessageGas error");
        goto out;
    }
    SLK_TRY(check_funds(ask, head, &m));
    SLK_TRY(sign_and_push(ask, &m, sig, out));
    if (uuid)
        SLK_TRY(slk_mpool_uuid_put(ask->net->pool, uuid, out, &ask->diag));
out:
    slk_tip_unref(head);
    slk_mpool_sender_unlock(ask->net->pool);
    return err;
}

static slk_err_t mpool_push_message(slk_ask_t *ask)
{
    slk_key_sig_t sig;
    slk_signed_message_t out;
    slk_err_t err = send(ask, ask->args[0].record, ask->args[1].record, &sig, &out);
    return err == SLK_OK ? slk_ask_record(ask, &slk_signed_message_type, &out) : err;
}

static slk_err_t mpool_batch_push_message(slk_ask_t *ask)
{
    slk_message_send_spec_t *spec = ask->args[1].record;
    slk_err_t err = slk_ask_json(ask, json_array());
    json_t *list = ask->args[0].json;
    for (size_t i = 0; err == SLK_OK && i < json_array_size(list); i++) {
        slk_key_sig_t sig;
        slk_message_t message;
        slk_signed_message_t out;
        err = slk_record_from_json(&message, &slk_message_type, json_array_get(list, i),
                                   &ask->arena, &ask->diag);
        if (err == SLK_OK)
            err = send(ask, &message, spec, &sig, &out);
        if (err == SLK_OK)
            err = slk_ask_put(ask, ask->result, NULL, &slk_signed_message_type, &out);
    }
    return err;
}

static slk_err_t market_add_balance(slk_ask_t *ask)
{
    slk_key_sig_t sig;
    slk_signed_message_t out;
    slk_buf_t params = {0};
    slk_cid_t cid;
    slk_err_t err;
    slk_message_t m = {
        .to = slk_address_id(SLK_ID_MARKET), .from = ask->args[0].address, .method = 2};
    SLK_TRY(slk_bigint_from_text(&m.value, (const char *)ask->args[2].bytes.b, &ask->diag));
    slk_cbor_put_address(&params, &ask->args[1].address);
    SLK_TRY(slk_buf_check(&params, &ask->diag));
    m.params = (slk_bytes_t){params.bytes, params.len};
    SLK_TRY(send(ask, &m, NULL, &sig, &out));
    SLK_TRY(slk_signed_message_cid(&cid, &out, &ask->diag));
    err = slk_ask_cid(ask, &cid);
out:
    slk_buf_free(&params);
    return err;
}

/* --- Looking --------------------------------------------------------------------------------------------------------- */

static slk_err_t mpool_get_nonce(slk_ask_t *ask)
{
    uint64_t nonce;
    slk_err_t err = slk_mpool_nonce(&nonce, ask->net->pool, &ask->args[0].address, &ask->diag);
    return err == SLK_OK ? slk_ask_json(ask, json_integer((json_int_t)nonce)) : err;
}

static slk_err_t show_list(slk_ask_t *ask, const slk_pending_list_t *list)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < list->count; i++)
        err =
            slk_ask_put(ask, ask->result, NULL, &slk_signed_message_type, &list->items[i].message);
    return err;
}

static slk_err_t mpool_pending(slk_ask_t *ask)
{
    slk_pending_list_t list;
    slk_err_t err = slk_mpool_pending(&list, ask->net->pool, NULL, &ask->arena, &ask->diag);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_array());
    return err == SLK_OK ? show_list(ask, &list) : err;
}

/* null where there is none. The quality of the ticket does not matter: one node sees all messages. */
static slk_err_t mpool_select(slk_ask_t *ask)
{
    slk_pending_list_t list;
    slk_err_t err =
        slk_mpool_select(&list, ask->net->pool, ask->args[0].tip, &ask->arena, &ask->diag);
    if (err == SLK_OK && list.count)
        err = slk_ask_json(ask, json_array());
    return err == SLK_OK ? show_list(ask, &list) : err;
}

static slk_err_t mpool_clear(slk_ask_t *ask)
{
    return slk_mpool_clear(ask->net->pool, &ask->diag);
}

static slk_err_t mpool_get_config(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_pack("{s:n, s:i, s:i, s:f, s:I, s:f}", "PriorityAddrs",
                                       "SizeLimitHigh", 30000, "SizeLimitLow", 20000,
                                       "ReplaceByFeeRatio", 1.25, "PruneCooldown",
                                       (json_int_t)60000000000, "GasLimitOverestimation", 1.25));
}

const slk_ask_method_t slk_ask_mpool[] = {
    {"Filecoin.MpoolPush", SLK_PERM_WRITE, SLK_V01, 0, "M", mpool_push},
    {"Filecoin.MpoolPushUntrusted", SLK_PERM_WRITE, SLK_V01, 0, "M", mpool_push_untrusted},
    {"Filecoin.MpoolPushMessage", SLK_PERM_SIGN, SLK_V01, 0, "mS", mpool_push_message},
    {"Filecoin.MpoolBatchPushMessage", SLK_PERM_SIGN, SLK_V01, 0, "jS", mpool_batch_push_message},
    {"Filecoin.MpoolGetNonce", SLK_PERM_READ, SLK_V01, 0, "a", mpool_get_nonce},
    {"Filecoin.MpoolPending", SLK_PERM_READ, SLK_V01, 0, "T", mpool_pending},
    {"Filecoin.MpoolSelect", SLK_PERM_READ, SLK_V01, 0, "Td", mpool_select},
    {"Filecoin.MpoolClear", SLK_PERM_WRITE, SLK_V01, 0, "b", mpool_clear},
    {"Filecoin.MpoolGetConfig", SLK_PERM_READ, SLK_V01, 0, "", mpool_get_config},
    {"Filecoin.MarketAddBalance", SLK_PERM_SIGN, SLK_V01, 0, "aas", market_add_balance},
    {0},
};
