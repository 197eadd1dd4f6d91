/* StateCall and StateReplay: what a message would do, and what one did. */

#include "devnet/api/estimate.h"

#include "base/assert.h"
#include "codec/actors/method.h"

#include <math.h>
#include <stdio.h>

#define CALL_GAS_LIMIT                                                                             \
    INT64_C(4611686018427387903) /* what the node shows for a call without limit */
#define CODEC_CBOR 81

static json_t *base64_or_null(slk_ask_t *ask, slk_bytes_t bytes)
{
    json_t *json = NULL;
    const slk_api_bytes_t record = {bytes};
    slk_err_t err = bytes.len ? slk_record_to_json(&json, &slk_api_bytes_type, &record,
                                                   slk_ask_network(ask), NULL)
                              : SLK_ERR_INPUT;
    return err == SLK_OK ? json : json_null();
}

static json_t *address_json(slk_ask_t *ask, const slk_address_t *address)
{
    return json_string(slk_address_text(address, slk_ask_network(ask)).s);
}

/* --- Traces -------------------------------------------------------------------------------------------------------- */

static json_t *invoked(slk_ask_t *ask, const slk_tip_t *tip, uint64_t id)
{
    bool found;
    slk_actor_state_t actor;
    json_t *state = NULL;
    const slk_address_t address = slk_address_id(id);
    if (slk_chain_actor(&actor, NULL, &found, ask->chain, slk_tip_parent_state(tip), &address,
                        NULL) != SLK_OK ||
        !found ||
        slk_record_to_json(&state, &slk_actor_state_type, &actor, slk_ask_network(ask), NULL) !=
            SLK_OK)
        return json_null();
    return json_pack("{s:I, s:o}", "Id", (json_int_t)id, "State", state);
}

/* Call i and, below it, all that it made; *next is the first that is not its own. */
static json_t *trace(slk_ask_t *ask, const slk_tip_t *tip, const slk_applied_t *applied, size_t i,
                     size_t *next)
{
    const slk_call_t *call = &applied->calls[i];
    json_t *below = NULL;
    const slk_address_t from = slk_address_id(call->from), to = slk_address_id(call->to);
    for (*next = i + 1; *next < applied->call_cnt && applied->calls[*next].depth > call->depth;) {
        if (!below)
            below = json_array();
        json_array_append_new(below, trace(ask, tip, applied, *next, next));
    }
    return json_pack(
        "{s:{s:o, s:o, s:s, s:I, s:o, s:i, s:I, s:b}, s:{s:i, s:o, s:i}, s:o, s:[], s:o}", "Msg",
        "From", address_json(ask, &from), "To",
        address_json(ask, call->to_address.len ? &call->to_address : &to), "Value",
        slk_bigint_text(&call->value).s, "Method", (json_int_t)call->method, "Params",
        base64_or_null(ask, call->params), "ParamsCodec", call->params.len ? CODEC_CBOR : 0,
        "GasLimit", (json_int_t)CALL_GAS_LIMIT, "ReadOnly", 0, "MsgRct", "ExitCode",
        (int)call->exit, "Return", base64_or_null(ask, call->ret), "ReturnCodec",
        call->ret.len ? CODEC_CBOR : 0, "InvokedActor", invoked(ask, tip, call->to), "GasCharges",
        "Subcalls", below ? below : json_null());
}

/* --- Results -------------------------------------------------------------------------------------------------------- */

static json_t *gas_cost(slk_ask_t *ask, const slk_called_t *called, bool paid)
{
    const slk_gas_cost_t *c = &called->applied.cost;
    json_t *cid = json_null();
    char used[24] = "0";
    if (paid) {
        const slk_api_cid_t record = {called->cid};
        if (slk_record_to_json(&cid, &slk_api_cid_type, &record, slk_ask_network(ask), NULL) !=
            SLK_OK)
            cid = json_null();
        snprintf(used, sizeof used, "%lld", (long long)called->applied.gas_used);
    }
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Message", cid, "GasUsed", used,
                     "BaseFeeBurn", slk_bigint_text(&c->base_fee_burn).s, "OverEstimationBurn",
                     slk_bigint_text(&c->over_estimation_burn).s, "MinerPenalty",
                     slk_bigint_text(&c->miner_penalty).s, "MinerTip",
                     slk_bigint_text(&c->miner_tip).s, "Refund", slk_bigint_text(&c->refund).s,
                     "TotalCost", slk_bigint_text(&c->total_cost).s);
}

static slk_err_t set(slk_ask_t *ask, const char *name, json_t *json)
{
    return json && !json_object_set_new(ask->result, name, json) ? SLK_OK : slk_ask_json(ask, NULL);
}

static slk_err_t show(slk_ask_t *ask, const slk_tip_t *tip, const slk_called_t *called, bool paid)
{
    slk_err_t err;
    size_t next;
    char text[1024] = "";
    const slk_applied_t *a = &called->applied;
    const slk_receipt_t receipt = {.exit_code = a->exit, .ret = a->ret, .gas_used = a->gas_used};
    slk_message_t message = called->message;
    if (!message.params.len)
        message.params.b = NULL; /* null, not "" */
    if (a->exit != SLK_EXIT_OK)
        snprintf(text, sizeof text, "%s", a->text);
    SLK_TRY(slk_ask_json(ask, json_object()));
    SLK_TRY(
        slk_ask_put(ask, ask->result, "MsgCid", &slk_api_cid_type, &(slk_api_cid_t){called->cid}));
    SLK_TRY(slk_ask_put(ask, ask->result, "Msg", &slk_message_type, &message));
    SLK_TRY(slk_ask_put(ask, ask->result, "MsgRct", &slk_receipt_type, &receipt));
    SLK_TRY(set(ask, "GasCost", gas_cost(ask, called, paid)));
    SLK_TRY(set(ask, "ExecutionTrace", a->call_cnt ? trace(ask, tip, a, 0, &next) : json_null()));
    SLK_TRY(set(ask, "Error", json_string(text)));
    SLK_TRY(set(ask, "Duration", json_integer((json_int_t)llround(called->seconds * 1e9))));
out:
    return err;
}

/* --- Methods -------------------------------------------------------------------------------------------------------- */

static slk_err_t state_call(slk_ask_t *ask)
{
    slk_called_t *called = NULL;
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = slk_chain_call(&called, ask->chain, tip, SLK_CALL_BEFORE, ask->args[0].record,
                                   NULL, 0, &ask->diag);
    if (err == SLK_OK)
        err = show(ask, tip, called, false);
    slk_called_free(called);
    return err;
}

/* (tipset, message): the tipset is that of the message or, as the node takes it too, any whose chain has it. */
static slk_err_t state_replay(slk_ask_t *ask)
{
    bool is_found = false;
    slk_found_t found = {0};
    slk_called_t *called = NULL;
    slk_err_t err;
    slk_tip_t *head = slk_chain_head(ask->chain);
    SLK_TRY(slk_chain_search(&found, &is_found, ask->chain, head, &ask->args[1].cid, -1, false,
                             false, &ask->arena, &ask->diag));
    if (!is_found) {
        err = slk_ask_fail(ask, SLK_RPC_ERROR, "given message not found");
        goto out;
    }
    SLK_TRY(slk_chain_replay(&called, ask->chain, found.included, found.index, &ask->diag));
    SLK_TRY(show(ask, found.included, called, true));
out:
    slk_called_free(called);
    slk_found_free(&found);
    slk_tip_unref(head);
    return err;
}

const slk_ask_method_t slk_ask_call[] = {
    {"Filecoin.StateCall", SLK_PERM_READ, SLK_V01, 0, "mT", state_call},
    {"Filecoin.StateReplay", SLK_PERM_READ, SLK_V01, 0, "Tc", state_replay},
    {0},
};
