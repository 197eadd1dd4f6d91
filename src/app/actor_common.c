#include "app/actor_calls_impl.h"

#include "base/assert.h"
#include "codec/actors/exit_code.h"
#include "codec/actors/method.h"
#include "codec/fil.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

/* --- The miner ----------------------------------------------------------------------------- */

slk_err_t slk_resolve_id(slk_node_talk_t *talk, const char *text, slk_address_t *id,
                         slk_diag_t *diag)
{
    slk_address_t address;
    slk_api_address_t answer;
    slk_err_t err = slk_read_address(&address, text, diag);
    if (err == SLK_OK)
        err = slk_api_StateLookupID(&talk->api, &address, NULL, &talk->arena, &answer, diag);
    if (err == SLK_OK)
        *id = answer.v;
    return err;
}

slk_err_t slk_resolve_key(slk_node_talk_t *talk, const slk_address_t *address, slk_address_t *key,
                          slk_diag_t *diag)
{
    slk_api_address_t answer;
    slk_diag_t why = {0};
    *key = *address;
    if (slk_address_is_key(address))
        return SLK_OK;
    slk_err_t err = slk_api_StateAccountKey(&talk->api, address, NULL, &talk->arena, &answer, &why);
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s has no key of its own that could sign (%s)",
                        slk_address_text(address, talk->api.network).s, why.text);
    *key = answer.v;
    return SLK_OK;
}

slk_err_t slk_miner_talk_open(slk_miner_talk_t *miner, const slk_actor_use_t *use, slk_diag_t *diag)
{
    slk_address_t address;
    slk_api_address_t id;
    slk_err_t err;
    *miner = (slk_miner_talk_t){.use = use};
    if (!use->actor)
        return slk_fail(diag, SLK_ERR_INPUT, "which miner? Give --actor ADDRESS");
    SLK_TRY(slk_read_address(&address, use->actor, diag));
    SLK_TRY(slk_node_talk_open(&miner->talk, use->wallet.use, diag));
    slk_node_talk_t *talk = &miner->talk;
    SLK_TRY(slk_api_StateLookupID(&talk->api, &address, NULL, &talk->arena, &id, diag));
    miner->id = id.v;
    SLK_TRY(slk_api_StateMinerInfo(&talk->api, &miner->id, NULL, &talk->arena, &miner->info, diag));
out:
    return err;
}

void slk_miner_talk_close(slk_miner_talk_t *miner)
{
    slk_node_talk_close(&miner->talk);
}

slk_err_t slk_miner_funds(slk_miner_talk_t *miner, slk_miner_funds_t *funds, slk_diag_t *diag)
{
    slk_api_actor_content_t content;
    slk_err_t err = slk_api_StateReadState(&miner->talk.api, &miner->id, NULL, &miner->talk.arena,
                                           &content, diag);
    if (err != SLK_OK)
        return err;
    const struct {
        const char *name;
        slk_bigint_t *amount;
    } rows[] = {{"LockedFunds", &funds->locked},
                {"PreCommitDeposits", &funds->deposits},
                {"InitialPledge", &funds->pledge},
                {"FeeDebt", &funds->fee_debt}};
    json_t *state = slk_json_load((const char *)content.state.b, content.state.len, 0, NULL);
    funds->balance = content.balance;
    for (size_t i = 0; i < SLK_COUNT(rows) && err == SLK_OK; i++) {
        const char *text = json_string_value(json_object_get(state, rows[i].name));
        if (!text || slk_bigint_from_text(rows[i].amount, text, NULL) != SLK_OK)
            err = slk_fail(diag, SLK_ERR_FORMAT, "StateReadState of a miner: no amount '%s'",
                           rows[i].name);
    }
    json_decref(state);
    return err;
}

/* --- Results ------------------------------------------------------------------------------- */

json_t *slk_address_json(const slk_address_t *address, slk_network_t network)
{
    return slk_address_defined(address) ? json_string(slk_address_text(address, network).s)
                                        : json_null();
}

void slk_amount_json(json_t *json, const char *name, const slk_bigint_t *atto)
{
    char fil[SLK_FIL_TEXT_SZ], long_name[64];
    slk_fil_format(fil, atto);
    snprintf(long_name, sizeof long_name, "%s_atto", name);
    slk_json_set(json, name, json_string(fil));
    slk_json_set(json, long_name, json_string(slk_bigint_text(atto).s));
}

/* --- Sending ------------------------------------------------------------------------------- */

static void say_failed(const slk_send_call_t *call, const slk_message_row_t *row, slk_diag_t *diag)
{
    slk_fail(diag, SLK_OK, "%s was executed and failed with exit code %lld, %s: %s (message %s)",
             call->name, (long long)row->exit_code, slk_exit_name(row->exit_code),
             slk_exit_text(row->exit_code), slk_cid_text(&row->landed_cid).s);
}

static slk_send_use_t send_use(const slk_actor_use_t *use)
{
    return (slk_send_use_t){.wallet = use->wallet,
                            .store = use->store,
                            .max_fee = use->max_fee,
                            .confidence = use->confidence,
                            .timeout = use->timeout,
                            .no_wait = use->no_wait};
}

slk_err_t slk_actor_check(const slk_actor_use_t *use, slk_diag_t *diag)
{
    slk_send_use_t send = send_use(use);
    return slk_send_check(&send, diag);
}

slk_err_t slk_actor_send(slk_node_talk_t *talk, const slk_actor_use_t *use,
                         const slk_send_call_t *call, slk_message_row_t *row, json_t *json,
                         bool *failed, slk_diag_t *diag)
{
    slk_send_use_t send = send_use(use);
    json_t *said = slk_send_json(call, talk->api.network);
    json_object_update(json, said);
    json_decref(said);
    *row = (slk_message_row_t){0};
    if (use->dry)
        return slk_send_estimate(talk, call, json, diag);
    slk_err_t err = slk_send_message(&send, call, row, diag);
    if (err != SLK_OK)
        return err;
    slk_send_add_row(json, row);
    *failed = slk_cid_defined(&row->landed_cid) && row->exit_code != 0;
    if (*failed)
        say_failed(call, row, diag);
    return SLK_OK;
}

slk_err_t slk_miner_send(slk_miner_talk_t *miner, const slk_address_t *from,
                         const slk_bigint_t *value, const char *name, const void *params,
                         slk_message_row_t *row, json_t *json, bool *failed, slk_diag_t *diag)
{
    const slk_method_t *method = slk_method_by_name(SLK_ACTOR_MINER, name);
    SLK_ASSERT(method && (method->params != NULL) == (params != NULL));
    slk_send_call_t call = {.name = name, .to = miner->id, .method = method->number};
    slk_buf_t buf = {0};
    slk_err_t err = SLK_OK;
    if (value)
        call.value = *value;
    if (params)
        SLK_TRY(slk_record_encode(&buf, method->params, params, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    call.params = (slk_bytes_t){.b = buf.bytes, .len = buf.len};
    SLK_TRY(slk_resolve_key(&miner->talk, from, &call.from, diag));
    err = slk_actor_send(&miner->talk, miner->use, &call, row, json, failed, diag);
out:
    slk_buf_free(&buf);
    return err;
}
