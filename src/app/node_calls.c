#include "app/node_calls_impl.h"

#include "base/assert.h"
#include "codec/fil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EPOCHS_BEHIND = 5 };
#define ARENA_MAX ((size_t)256 << 20)

slk_err_t slk_node_talk_open(slk_node_talk_t *talk, const slk_node_use_t *use, slk_diag_t *diag)
{
    slk_api_text_t name;
    *talk = (slk_node_talk_t){0};
    slk_arena_init(&talk->arena, ARENA_MAX);
    slk_err_t err = slk_nodes_new(&talk->nodes, use->api_info, diag);
    if (err != SLK_OK)
        return err;
    talk->api = (slk_api_t){
        .nodes = talk->nodes, .network = SLK_TESTNET, .job = use->job, .last = &talk->last};
    err = slk_api_StateNetworkName(&talk->api, &talk->arena, &name, diag);
    if (err != SLK_OK)
        return err;
    snprintf(talk->network, sizeof talk->network, "%.*s",
             (int)(name.v.len < sizeof talk->network ? name.v.len : sizeof talk->network - 1),
             (const char *)name.v.b);
    if (strcmp(talk->network, "mainnet") == 0)
        talk->api.network = SLK_MAINNET;
    return SLK_OK;
}

void slk_node_talk_close(slk_node_talk_t *talk)
{
    slk_nodes_free(talk->nodes);
    slk_arena_free(&talk->arena);
}

slk_err_t slk_read_cid(slk_cid_t *cid, const char *text, slk_diag_t *diag)
{
    slk_diag_t why = {0};
    if (slk_cid_from_text(cid, text, &why) == SLK_OK)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT, "'%.100s': expected a CID, such as bafy2bz...: %.300s",
                    text, why.text);
}

slk_err_t slk_read_address(slk_address_t *address, const char *text, slk_diag_t *diag)
{
    slk_diag_t why = {0};
    if (slk_address_from_text(address, text, &why) == SLK_OK && slk_address_defined(address))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT, "'%.130s': expected an address, such as f01000: %.300s",
                    text, why.text);
}

void slk_json_set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static json_t *cid_json(const slk_cid_t *cid)
{
    return slk_cid_defined(cid) ? json_string(slk_cid_text(cid).s) : json_null();
}

/* --- chain head, chain sync ---------------------------------------------------------------- */

static int64_t age_of(const slk_tipset_t *head)
{
    return head->blocks.count ? (int64_t)time(NULL) - (int64_t)head->blocks.items[0].timestamp : 0;
}

static json_t *head_json(const slk_node_talk_t *talk, const slk_tipset_t *head)
{
    json_t *result = json_object(), *cids = json_array(), *miners = json_array();
    for (size_t i = 0; i < head->cids.count; i++)
        json_array_append_new(cids, cid_json(&head->cids.items[i]));
    for (size_t i = 0; i < head->blocks.count; i++)
        json_array_append_new(
            miners,
            json_string(slk_address_text(&head->blocks.items[i].miner, talk->api.network).s));
    slk_json_set(result, "network", json_string(talk->network));
    slk_json_set(result, "node", json_string(talk->last.node));
    slk_json_set(result, "height", json_integer(head->height));
    slk_json_set(result, "tipset", cids);
    slk_json_set(result, "miners", miners);
    if (head->blocks.count) {
        const slk_block_header_t *block = &head->blocks.items[0];
        slk_json_set(result, "timestamp", json_integer((json_int_t)block->timestamp));
        slk_json_set(result, "base_fee", json_string(slk_bigint_text(&block->parent_base_fee).s));
    }
    slk_json_set(result, "age_seconds", json_integer(age_of(head)));
    return result;
}

slk_err_t slk_node_chain_head(const slk_node_use_t *use, json_t **result, slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_tipset_t head;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    SLK_TRY(slk_api_ChainHead(&talk.api, &talk.arena, &head, diag));
    *result = head_json(&talk, &head);
out:
    slk_node_talk_close(&talk);
    return err;
}

static json_t *sync_json(const slk_api_active_sync_t *sync)
{
    static const char *const stages[] = {"idle",     "headers", "persist headers",  "messages",
                                         "complete", "error",   "fetching messages"};
    json_t *json = json_object();
    slk_json_set(json, "stage",
                 json_string(sync->stage >= 0 && sync->stage < (int64_t)SLK_COUNT(stages)
                                 ? stages[sync->stage]
                                 : "unknown"));
    slk_json_set(json, "height", json_integer(sync->height));
    slk_json_set(json, "target", sync->target ? json_integer(sync->target->height) : json_null());
    return json;
}

slk_err_t slk_node_chain_sync(const slk_node_use_t *use, bool *synced, json_t **result,
                              slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_tipset_t head;
    slk_api_sync_state_t state;
    slk_api_network_params_t params;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    SLK_TRY(slk_api_ChainHead(&talk.api, &talk.arena, &head, diag));
    SLK_TRY(slk_api_StateGetNetworkParams(&talk.api, &talk.arena, &params, diag));
    SLK_TRY(slk_api_SyncState(&talk.api, &talk.arena, &state, diag));
    int64_t delay = params.block_delay_secs ? (int64_t)params.block_delay_secs : 30;
    int64_t behind = age_of(&head) / delay;
    json_t *syncs = json_array();
    for (size_t i = 0; i < state.active_syncs.count; i++)
        if (state.active_syncs.items[i].target)
            json_array_append_new(syncs, sync_json(&state.active_syncs.items[i]));
    *synced = behind <= EPOCHS_BEHIND;
    *result = head_json(&talk, &head);
    slk_json_set(*result, "synced", json_boolean(*synced));
    slk_json_set(*result, "epochs_behind", json_integer(behind > 0 ? behind : 0));
    slk_json_set(*result, "syncs", syncs);
out:
    slk_node_talk_close(&talk);
    return err;
}

/* --- chain get, chain actor ---------------------------------------------------------------- */

static bool read_epoch(const char *text, int64_t *epoch)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    *epoch = value;
    return *text >= '0' && *text <= '9' && !*end && value < INT64_MAX / 2;
}

static slk_err_t get_by_cid(slk_node_talk_t *talk, const slk_cid_t *cid, json_t **result,
                            slk_diag_t *diag)
{
    slk_message_t message;
    slk_block_header_t block;
    slk_err_t err = slk_api_ChainGetMessage(&talk->api, cid, &talk->arena, &message, diag);
    if (err == SLK_OK)
        return slk_record_to_json(result, &slk_message_type, &message, talk->api.network, diag);
    if (err != SLK_ERR_STATE)
        return err;
    err = slk_api_ChainGetBlock(&talk->api, cid, &talk->arena, &block, diag);
    if (err == SLK_OK)
        return slk_record_to_json(result, &slk_block_header_type, &block, talk->api.network, diag);
    return err;
}

slk_err_t slk_node_chain_get(const slk_node_use_t *use, const char *what, json_t **result,
                             slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_tipset_t tipset;
    slk_cid_t cid;
    int64_t epoch;
    bool by_epoch = read_epoch(what, &epoch);
    if (!by_epoch) {
        slk_err_t bad = slk_read_cid(&cid, what, diag);
        if (bad != SLK_OK)
            return bad;
    }
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    if (by_epoch) {
        SLK_TRY(slk_api_ChainGetTipSetByHeight(&talk.api, epoch, NULL, &talk.arena, &tipset, diag));
        SLK_TRY(slk_record_to_json(result, &slk_tipset_type, &tipset, talk.api.network, diag));
    } else {
        SLK_TRY(get_by_cid(&talk, &cid, result, diag));
    }
out:
    slk_node_talk_close(&talk);
    return err;
}

slk_err_t slk_node_chain_actor(const slk_node_use_t *use, const char *text, json_t **result,
                               slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_address_t address;
    slk_actor_state_t actor;
    slk_api_address_t id;
    char balance[SLK_FIL_TEXT_SZ];
    slk_err_t err = slk_read_address(&address, text, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    SLK_TRY(slk_api_StateGetActor(&talk.api, &address, NULL, &talk.arena, &actor, diag));
    SLK_TRY(slk_api_StateLookupID(&talk.api, &address, NULL, &talk.arena, &id, diag));
    slk_fil_format(balance, &actor.balance);
    *result = json_object();
    slk_json_set(*result, "address", json_string(slk_address_text(&address, talk.api.network).s));
    slk_json_set(*result, "id", json_string(slk_address_text(&id.v, talk.api.network).s));
    slk_json_set(*result, "balance", json_string(balance));
    slk_json_set(*result, "balance_atto", json_string(slk_bigint_text(&actor.balance).s));
    slk_json_set(*result, "nonce", json_integer((json_int_t)actor.nonce));
    slk_json_set(*result, "code", cid_json(&actor.code));
    slk_json_set(*result, "head", cid_json(&actor.head));
out:
    slk_node_talk_close(&talk);
    return err;
}
