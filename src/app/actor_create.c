#include "app/actor_calls_impl.h"

#include "base/assert.h"
#include "codec/actors/method.h"
#include "codec/actors/power.h"
#include "codec/multiaddr.h"

#include <string.h>

/* Deposit that is sent, in percent of what the node asks now: it moves with the chain. */
enum { DEPOSIT_PERCENT = 101 };

/* Window proofs by sector size (spec chain.md 4.2). */
static const struct {
    uint64_t size;
    int64_t proof;
} proofs[] = {{(uint64_t)2 << 10, 10},
              {(uint64_t)8 << 20, 11},
              {(uint64_t)512 << 20, 12},
              {(uint64_t)32 << 30, 13},
              {(uint64_t)64 << 30, 14}};

/* A key without an account yet gets one by a message of nothing to it. */
static slk_err_t ensure_account(slk_node_talk_t *talk, const slk_actor_use_t *use,
                                const slk_address_t *from, const slk_address_t *address,
                                json_t *made, bool *failed, slk_diag_t *diag)
{
    slk_api_address_t id;
    slk_message_row_t row = {0};
    slk_actor_use_t wait = *use;
    slk_send_call_t call = {.name = "Send", .from = *from, .to = *address};
    wait.no_wait = false;
    slk_err_t err = slk_api_StateLookupID(&talk->api, address, NULL, &talk->arena, &id, diag);
    if (err == SLK_OK || !talk->last.answered || talk->last.code == 0)
        return err;
    json_t *json = json_object();
    err = slk_actor_send(talk, &wait, &call, &row, json, failed, diag);
    if (err == SLK_OK)
        json_array_append_new(made, slk_address_json(address, talk->api.network));
    json_decref(json);
    slk_message_row_free(&row);
    return err;
}

static slk_err_t create(slk_node_talk_t *talk, const slk_actor_use_t *use,
                        const slk_address_t *from, const slk_create_miner_params_t *params,
                        json_t *json, bool *failed, slk_diag_t *diag)
{
    const slk_method_t *method = slk_method_by_name(SLK_ACTOR_POWER, "CreateMiner");
    slk_message_row_t row = {0};
    slk_buf_t buf = {0};
    slk_api_bigint_t deposit;
    slk_create_miner_return_t made;
    slk_err_t err;
    SLK_TRY(slk_api_StateMinerCreationDeposit(&talk->api, NULL, &talk->arena, &deposit, diag));
    SLK_TRY(slk_record_encode(&buf, method->params, params, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    slk_send_call_t call = {
        .name = method->name,
        .from = *from,
        .to = slk_address_id(SLK_ID_POWER),
        .value = slk_bigint_div_floor(slk_bigint_mul(deposit.v, slk_bigint_u64(DEPOSIT_PERCENT)),
                                      slk_bigint_u64(100)),
        .method = method->number,
        .params = {.b = buf.bytes, .len = buf.len}};
    SLK_TRY(slk_actor_send(talk, use, &call, &row, json, failed, diag));
    if (!slk_cid_defined(&row.landed_cid) || row.exit_code != 0)
        goto out;
    SLK_TRY(slk_record_decode(&made, method->ret, row.result, row.result_len, &talk->arena, diag));
    slk_json_set(json, "id", slk_address_json(&made.id_address, talk->api.network));
    slk_json_set(json, "robust", slk_address_json(&made.robust_address, talk->api.network));
out:
    slk_buf_free(&buf);
    slk_message_row_free(&row);
    return err;
}

/* Everything that is a matter of the command line alone. */
static slk_err_t read_new(slk_create_miner_params_t *params, uint8_t peer[SLK_PEER_ID_MAX],
                          const slk_actor_new_t *what, slk_diag_t *diag)
{
    size_t len = 0;
    *params = (slk_create_miner_params_t){.window_post_proof_type = -1};
    for (size_t i = 0; i < SLK_COUNT(proofs); i++)
        if (proofs[i].size == what->size)
            params->window_post_proof_type = proofs[i].proof;
    SLK_ASSERT(params->window_post_proof_type >= 0);
    if (what->peer_id) {
        slk_err_t err = slk_peer_id_from_text(peer, &len, what->peer_id, diag);
        if (err != SLK_OK)
            return err;
    }
    params->peer = (slk_bytes_t){.b = peer, .len = len};
    return SLK_OK;
}

/* Blocks and tickets are signed with the worker's key. */
static slk_err_t check_worker(slk_node_talk_t *talk, const slk_address_t *worker, slk_diag_t *diag)
{
    slk_address_t key;
    slk_err_t err = slk_resolve_key(talk, worker, &key, diag);
    if (err == SLK_OK && slk_address_protocol(&key) != SLK_ADDRESS_BLS)
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: a worker needs a bls key (f3...)",
                       slk_address_text(worker, talk->api.network).s);
    return err;
}

slk_err_t slk_actor_create(const slk_actor_use_t *use, const slk_actor_new_t *what, SLK_ACTOR_OUT)
{
    slk_node_talk_t talk = {0};
    slk_create_miner_params_t params;
    slk_address_t from, sender;
    uint8_t peer[SLK_PEER_ID_MAX];
    const char *worker = what->worker ? what->worker : what->owner;
    slk_err_t err;
    SLK_TRY(read_new(&params, peer, what, diag));
    SLK_TRY(slk_read_address(&params.owner, what->owner, diag));
    SLK_TRY(slk_read_address(&params.worker, worker, diag));
    SLK_TRY(slk_read_address(&from, use->from ? use->from : what->owner, diag));
    SLK_TRY(slk_node_talk_open(&talk, use->wallet.use, diag));
    SLK_TRY(check_worker(&talk, &params.worker, diag));
    SLK_TRY(slk_resolve_key(&talk, &from, &sender, diag));
    *result = json_object();
    json_t *made = json_array();
    slk_json_set(*result, "accounts_made", made);
    SLK_TRY(ensure_account(&talk, use, &sender, &params.owner, made, failed, diag));
    if (!*failed && !slk_address_eq(&params.owner, &params.worker))
        SLK_TRY(ensure_account(&talk, use, &sender, &params.worker, made, failed, diag));
    if (!*failed)
        err = create(&talk, use, &sender, &params, *result, failed, diag);
out:
    slk_node_talk_close(&talk);
    return err;
}
