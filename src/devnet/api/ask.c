#include "devnet/api/ask.h"

#include "base/assert.h"
#include "codec/base64.h"
#include "devnet/api/ask_params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MEMORY                                                                                 \
    ((size_t)1 << 30) /* of one call: a miner of 100,000 sectors has 100 MB of them */

const slk_ask_method_t *const slk_ask_groups[] = {
    slk_ask_chain,  slk_ask_state,  slk_ask_miner,  slk_ask_sectors,
    slk_ask_pledge, slk_ask_market, slk_ask_call,   slk_ask_messages,
    slk_ask_gas,    slk_ask_mpool,  slk_ask_wallet, slk_ask_mining,
    slk_ask_node,   slk_ask_events, slk_ask_notify, slk_ask_control,
};
const size_t slk_ask_group_cnt = SLK_COUNT(slk_ask_groups);

const slk_ask_method_t *slk_ask_find(const char *name, unsigned version)
{
    for (size_t g = 0; g < slk_ask_group_cnt; g++)
        for (const slk_ask_method_t *m = slk_ask_groups[g]; m->name; m++)
            if (m->apis & (1u << version) && !strcmp(m->name, name))
                return m;
    return NULL;
}

/* --- A call ------------------------------------------------------------------------------------------------ */

static void answer(slk_ask_t *ask, slk_err_t err)
{
    if (ask->answered)
        return;
    if (err == SLK_OK) {
        slk_rpc_answer(ask->rpc, ask->result ? json_incref(ask->result) : json_null());
        return;
    }
    slk_rpc_fail(ask->rpc, ask->code, "%s", ask->diag.text[0] ? ask->diag.text : slk_err_text(err));
    if (ask->code == 3) /* the return of what reverted, which no actor here gives */
        slk_rpc_fail_data(ask->rpc, json_string("0x"));
}

void slk_ask_serve(slk_rpc_call_t *call, void *ctx)
{
    const slk_devnet_api_t *api = ctx;
    const slk_ask_method_t *method = slk_ask_find(slk_rpc_method(call), api->version);
    slk_ask_t ask = {.net = api->net,
                     .chain = api->net->chain,
                     .rpc = call,
                     .version = api->version,
                     .code = SLK_RPC_ERROR};
    SLK_ASSERT(method);
    slk_arena_init(&ask.arena, ASK_MEMORY);
    slk_err_t err = slk_ask_read_params(&ask, method->params);
    if (err == SLK_OK)
        err = method->fn(&ask);
    answer(&ask, err);
    for (size_t i = 0; i < SLK_ASK_ARGS_MAX; i++)
        slk_tip_unref(ask.args[i].tip);
    json_decref(ask.result);
    slk_arena_free(&ask.arena);
}

/* --- Answers ------------------------------------------------------------------------------------------------ */

slk_err_t slk_ask_json(slk_ask_t *ask, json_t *json)
{
    if (!json)
        return slk_fail(&ask->diag, SLK_ERR_NOMEM, "out of memory for the answer");
    ask->result = json;
    return SLK_OK;
}

slk_err_t slk_ask_record(slk_ask_t *ask, const slk_type_t *type, const void *record)
{
    return slk_record_to_json(&ask->result, type, record, slk_ask_network(ask), &ask->diag);
}

slk_err_t slk_ask_amount(slk_ask_t *ask, slk_bigint_t amount)
{
    return slk_ask_text(ask, slk_bigint_text(&amount).s);
}

slk_err_t slk_ask_address(slk_ask_t *ask, const slk_address_t *address)
{
    return slk_ask_text(ask, slk_address_text(address, slk_ask_network(ask)).s);
}

slk_err_t slk_ask_cid(slk_ask_t *ask, const slk_cid_t *cid)
{
    return slk_ask_record(ask, &slk_api_cid_type, &(slk_api_cid_t){*cid});
}

slk_err_t slk_ask_text(slk_ask_t *ask, const char *text)
{
    return slk_ask_json(ask, json_string(text));
}

slk_err_t slk_ask_bytes(slk_ask_t *ask, const void *bytes, size_t len)
{
    char *text = malloc(SLK_BASE64_LEN(len) + 1);
    if (!text)
        return slk_ask_json(ask, NULL);
    slk_base64_encode(text, bytes, len);
    slk_err_t err = slk_ask_text(ask, text);
    free(text);
    return err;
}

slk_err_t slk_ask_take_text(slk_ask_t *ask, slk_text_t *text)
{
    size_t len;
    char *json = slk_text_take(text, &len);
    if (!json)
        return slk_ask_json(ask, NULL);
    slk_rpc_answer_take(ask->rpc, json, len);
    ask->answered = true;
    return SLK_OK;
}

slk_err_t slk_ask_fail(slk_ask_t *ask, int64_t code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(ask->diag.text, sizeof ask->diag.text, fmt, args);
    va_end(args);
    ask->code = code;
    return SLK_ERR_STATE;
}

slk_err_t slk_ask_wrap(slk_ask_t *ask, slk_err_t err, const char *fmt, ...)
{
    va_list args;
    if (err == SLK_OK)
        return err;
    slk_diag_t inner = ask->diag;
    va_start(args, fmt);
    int len = vsnprintf(ask->diag.text, sizeof ask->diag.text, fmt, args);
    va_end(args);
    const int room = (int)sizeof ask->diag.text - len - (int)sizeof ": ";
    if (len > 0 && room > 0)
        snprintf(ask->diag.text + len, sizeof ask->diag.text - (size_t)len, ": %.*s", room,
                 inner.text);
    return err;
}

slk_err_t slk_ask_put(slk_ask_t *ask, json_t *object, const char *name, const slk_type_t *type,
                      const void *record)
{
    json_t *json;
    slk_err_t err = slk_record_to_json(&json, type, record, slk_ask_network(ask), &ask->diag);
    if (err != SLK_OK)
        return err;
    if (name ? json_object_set_new(object, name, json) : json_array_append_new(object, json))
        return slk_fail(&ask->diag, SLK_ERR_NOMEM, "out of memory for the answer");
    return SLK_OK;
}

slk_network_t slk_ask_network(const slk_ask_t *ask)
{
    return ask->net->policy.letter;
}

const char *slk_ask_address_text(slk_ask_t *ask, const slk_address_t *address)
{
    slk_address_text_t text = slk_address_text(address, slk_ask_network(ask));
    const char *copy = slk_arena_text(&ask->arena, text.s, strlen(text.s));
    return copy ? copy : "";
}
