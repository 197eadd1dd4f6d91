#include "app/node_calls_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/message_store.h"
#include "codec/fil.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1000, IDS = 256, AWAY_SECONDS = 900 };

/* --- message pending ----------------------------------------------------------------------- */

static json_t *message_json(const slk_node_talk_t *talk, const slk_signed_message_t *message)
{
    const slk_message_t *m = &message->message;
    slk_cid_t cid = {0};
    json_t *json = json_object();
    if (slk_signed_message_cid(&cid, message, NULL) != SLK_OK)
        cid = (slk_cid_t){0};
    slk_json_set(json, "cid", json_string(slk_cid_text(&cid).s));
    slk_json_set(json, "from", json_string(slk_address_text(&m->from, talk->api.network).s));
    slk_json_set(json, "nonce", slk_json_of_u64(m->nonce));
    slk_json_set(json, "to", json_string(slk_address_text(&m->to, talk->api.network).s));
    slk_json_set(json, "method", slk_json_of_u64(m->method));
    slk_json_set(json, "value", json_string(slk_bigint_text(&m->value).s));
    slk_json_set(json, "gas_limit", json_integer(m->gas_limit));
    slk_json_set(json, "fee_cap", json_string(slk_bigint_text(&m->gas_fee_cap).s));
    slk_json_set(json, "premium", json_string(slk_bigint_text(&m->gas_premium).s));
    return json;
}

slk_err_t slk_node_message_pending(const slk_node_use_t *use, const char *from, json_t **result,
                                   slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_api_messages_t pool;
    slk_address_t sender = {0};
    slk_api_address_t key = {0};
    slk_err_t err = from ? slk_read_address(&sender, from, diag) : SLK_OK;
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    key.v = sender;
    if (from && !slk_address_is_key(&sender))
        SLK_TRY(slk_api_StateAccountKey(&talk.api, &sender, NULL, &talk.arena, &key, diag));
    SLK_TRY(slk_api_MpoolPending(&talk.api, NULL, &talk.arena, &pool, diag));
    *result = json_array();
    for (size_t i = 0; i < pool.v.count; i++)
        if (!from || slk_address_eq(&pool.v.items[i].message.from, &key.v))
            json_array_append_new(*result, message_json(&talk, &pool.v.items[i]));
out:
    slk_node_talk_close(&talk);
    return err;
}

/* --- message search, message wait ---------------------------------------------------------- */

static json_t *lookup_json(const slk_msg_lookup_t *lookup, const slk_cid_t *asked)
{
    json_t *json = json_object(), *tipset = json_array();
    char *hex = calloc(lookup->receipt.ret.len + 1, 2);
    for (size_t i = 0; hex && i < lookup->receipt.ret.len; i++)
        sprintf(hex + 2 * i, "%02x", lookup->receipt.ret.b[i]);
    for (size_t i = 0; i < lookup->tipset.cids.count; i++)
        json_array_append_new(tipset, json_string(slk_cid_text(&lookup->tipset.cids.items[i]).s));
    slk_json_set(json, "found", json_true());
    slk_json_set(json, "cid", json_string(slk_cid_text(&lookup->message).s));
    slk_json_set(json, "replaced", json_boolean(!slk_cid_eq(&lookup->message, asked)));
    slk_json_set(json, "height", json_integer(lookup->height));
    slk_json_set(json, "tipset", tipset);
    slk_json_set(json, "exit_code", json_integer(lookup->receipt.exit_code));
    slk_json_set(json, "gas_used", json_integer(lookup->receipt.gas_used));
    slk_json_set(json, "return", json_string(hex ? hex : ""));
    free(hex);
    return json;
}

/* A node that never saw the message answers with an error; for us it is not on chain. */
static slk_err_t look(slk_node_talk_t *talk, const slk_cid_t *cid, slk_api_opt_lookup_t *lookup,
                      slk_diag_t *diag)
{
    lookup->v = NULL;
    slk_err_t err =
        slk_api_StateSearchMsg(&talk->api, NULL, cid, -1, true, &talk->arena, lookup, diag);
    return err == SLK_ERR_STATE && strstr(talk->last.text, "could not find") ? SLK_OK : err;
}

slk_err_t slk_node_message_search(const slk_node_use_t *use, const char *text, bool *found,
                                  json_t **result, slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_api_opt_lookup_t lookup;
    slk_cid_t cid;
    slk_err_t err = slk_read_cid(&cid, text, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    SLK_TRY(look(&talk, &cid, &lookup, diag));
    *found = lookup.v != NULL;
    *result = lookup.v ? lookup_json(lookup.v, &cid) : json_pack("{s:b}", "found", 0);
out:
    slk_node_talk_close(&talk);
    return err;
}

static void rest(int64_t ms, const slk_job_t *job)
{
    for (; ms > 0 && !slk_job_cancelled(job); ms -= 50) {
        struct timespec slice = {.tv_nsec = 50000000};
        nanosleep(&slice, NULL);
    }
}

static slk_err_t head_and_look(slk_node_talk_t *talk, const slk_cid_t *cid, slk_tipset_t *head,
                               slk_api_opt_lookup_t *lookup, slk_diag_t *diag)
{
    slk_arena_free(&talk->arena);
    slk_err_t err = slk_api_ChainHead(&talk->api, &talk->arena, head, diag);
    return err == SLK_OK ? look(talk, cid, lookup, diag) : err;
}

/* Search and head in turns, so that a reorg changes nothing. A node that answered once may go away
 * for a while; one that never did is a wrong address rather. */
slk_err_t slk_node_message_wait(const slk_node_use_t *use, const char *text, uint64_t confidence,
                                double seconds, json_t **result, slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_cid_t cid;
    double end = slk_clock_seconds() + seconds, answered = -AWAY_SECONDS;
    slk_err_t err = slk_read_cid(&cid, text, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    for (;;) {
        slk_api_opt_lookup_t lookup = {0};
        slk_tipset_t head;
        err = head_and_look(&talk, &cid, &head, &lookup, diag);
        if (err != SLK_OK)
            lookup.v = NULL;
        double now = slk_clock_seconds();
        if (err == SLK_OK)
            answered = now;
        else if ((err != SLK_ERR_IO && err != SLK_ERR_TIMEOUT) || now >= answered + AWAY_SECONDS ||
                 (seconds > 0 && now >= end))
            break;
        if (lookup.v && head.height >= lookup.v->height &&
            (uint64_t)(head.height - lookup.v->height) >= confidence) {
            *result = lookup_json(lookup.v, &cid);
            break;
        }
        if (seconds > 0 && now >= end) {
            err = slk_fail(diag, SLK_ERR_TIMEOUT,
                           "message %s: %s after %.0f s; ask again with `message wait`",
                           slk_cid_text(&cid).s,
                           lookup.v ? "on chain, but too fresh" : "not on chain", seconds);
            break;
        }
        rest(LOOK_MS, use->job);
    }
out:
    slk_node_talk_close(&talk);
    return err;
}

/* --- message replace ----------------------------------------------------------------------- */

static slk_err_t read_max_fee(slk_bigint_t *fee, const char *text, slk_diag_t *diag)
{
    *fee = slk_gas_default_max_fee();
    return text ? slk_fil_parse(fee, text, diag) : SLK_OK;
}

static slk_err_t find_in_pool(slk_node_talk_t *talk, const slk_cid_t *cid,
                              slk_signed_message_t *message, slk_diag_t *diag)
{
    slk_api_messages_t pool;
    slk_err_t err = slk_api_MpoolPending(&talk->api, NULL, &talk->arena, &pool, diag);
    for (size_t i = 0; err == SLK_OK && i < pool.v.count; i++) {
        slk_cid_t other;
        if (slk_signed_message_cid(&other, &pool.v.items[i], NULL) == SLK_OK &&
            slk_cid_eq(&other, cid)) {
            *message = pool.v.items[i];
            return SLK_OK;
        }
    }
    return err != SLK_OK ? err
                         : slk_fail(diag, SLK_ERR_NOTFOUND,
                                    "message %s is not in the pool of node %s: it may have landed "
                                    "(`message search`)",
                                    slk_cid_text(cid).s, talk->last.node);
}

static slk_err_t new_prices(slk_node_talk_t *talk, slk_message_t *message,
                            const slk_bigint_t *max_fee, slk_diag_t *diag)
{
    slk_message_t asked = *message, estimate;
    slk_gas_t gas, old = {.gas_limit = message->gas_limit,
                          .fee_cap = message->gas_fee_cap,
                          .premium = message->gas_premium};
    asked.nonce = 0;
    asked.gas_fee_cap = asked.gas_premium = (slk_bigint_t){0};
    slk_err_t err = slk_api_GasEstimateMessageGas(&talk->api, &asked, NULL, NULL, &talk->arena,
                                                  &estimate, diag);
    if (err != SLK_OK)
        return err;
    slk_gas_t now = {.gas_limit = estimate.gas_limit,
                     .fee_cap = estimate.gas_fee_cap,
                     .premium = estimate.gas_premium};
    if (old.gas_limit <= 0 || !slk_gas_replace(&gas, &old, &now, max_fee)) {
        slk_bigint_t cost = slk_gas_max_cost(&gas);
        char need[SLK_FIL_TEXT_SZ], have[SLK_FIL_TEXT_SZ];
        slk_fil_format(need, &cost);
        slk_fil_format(have, max_fee);
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a replacement may cost up to %s, --max-fee allows %s; raise it", need,
                        have);
    }
    message->gas_fee_cap = gas.fee_cap;
    message->gas_premium = gas.premium;
    return SLK_OK;
}

slk_err_t slk_node_message_replace(const slk_node_use_t *use, const char *text, const char *fee,
                                   json_t **result, slk_diag_t *diag)
{
    slk_node_talk_t talk;
    slk_cid_t cid;
    slk_signed_message_t message, signed_message;
    slk_api_cid_t pushed;
    slk_bigint_t max_fee;
    slk_err_t err = slk_read_cid(&cid, text, diag);
    if (err == SLK_OK)
        err = read_max_fee(&max_fee, fee, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_node_talk_open(&talk, use, diag));
    SLK_TRY(find_in_pool(&talk, &cid, &message, diag));
    SLK_TRY(new_prices(&talk, &message.message, &max_fee, diag));
    SLK_TRY(slk_api_WalletSignMessage(&talk.api, &message.message.from, &message.message,
                                      &talk.arena, &signed_message, diag));
    SLK_TRY(slk_api_MpoolPush(&talk.api, &signed_message, &talk.arena, &pushed, diag));
    *result = message_json(&talk, &signed_message);
    slk_json_set(*result, "replaces", json_string(text));
out:
    slk_node_talk_close(&talk);
    return err;
}

/* --- The database -------------------------------------------------------------------------- */

/* One that is there: a wrong path must not become a new database. */
static slk_err_t open_store(slk_db_t **db, const char *store, slk_diag_t *diag)
{
    if (!strstr(store, ":") && access(store, F_OK) != 0)
        return slk_fail_errno(diag, "open", store);
    slk_err_t err = slk_db_open(db, store, diag);
    if (err == SLK_OK)
        err = slk_message_migrate(*db, diag);
    return err;
}

static json_t *row_json(const slk_message_row_t *row)
{
    json_t *json = json_object();
    slk_json_set(json, "id", json_integer(row->id));
    slk_json_set(json, "key", json_string(row->key));
    slk_json_set(json, "state", json_string(slk_message_state_text(row->state)));
    slk_json_set(json, "cid",
                 slk_cid_defined(&row->cid) ? json_string(slk_cid_text(&row->cid).s) : json_null());
    slk_json_set(json, "from", json_string(slk_address_text(&row->from, SLK_MAINNET).s));
    slk_json_set(json, "nonce", row->has_nonce ? slk_json_of_u64(row->nonce) : json_null());
    slk_json_set(json, "to", json_string(slk_address_text(&row->to, SLK_MAINNET).s));
    slk_json_set(json, "method", slk_json_of_u64(row->method));
    slk_json_set(json, "attempts", json_integer(row->attempts));
    slk_json_set(json, "premium", json_string(slk_bigint_text(&row->gas.premium).s));
    slk_json_set(json, "waiting_for",
                 json_string(*row->error ? row->error : slk_message_state_what(row->state)));
    return json;
}

slk_err_t slk_store_message_pending(const char *store, json_t **result, slk_diag_t *diag)
{
    slk_db_t *db = NULL;
    int64_t ids[IDS], after = 0;
    size_t cnt = 0;
    slk_err_t err = SLK_OK;
    json_t *list = json_array();
    SLK_TRY(open_store(&db, store, diag));
    do {
        SLK_TRY(slk_message_ids(db, true, after, ids, IDS, &cnt, diag));
        for (size_t i = 0; i < cnt; i++) {
            slk_message_row_t row;
            SLK_TRY(slk_message_load(db, ids[i], &row, diag));
            json_array_append_new(list, row_json(&row));
            slk_message_row_free(&row);
            after = ids[i];
        }
    } while (cnt == IDS);
    *result = json_incref(list);
out:
    json_decref(list);
    slk_db_close(db);
    return err;
}

slk_err_t slk_store_message_replace(const char *store, const char *what, const char *fee,
                                    json_t **result, slk_diag_t *diag)
{
    slk_db_t *db = NULL;
    slk_message_row_t row = {0};
    slk_cid_t cid;
    slk_bigint_t max_fee;
    slk_err_t err = SLK_OK;
    SLK_TRY(open_store(&db, store, diag));
    err = slk_message_find(db, what, &row, diag);
    if (err == SLK_ERR_NOTFOUND && slk_cid_from_text(&cid, what, NULL) == SLK_OK)
        err = slk_message_find_cid(db, &cid, &row, diag);
    SLK_TRY(err);
    if (fee)
        SLK_TRY(slk_fil_parse(&max_fee, fee, diag));
    SLK_TRY(slk_message_replace(db, row.id, fee ? &max_fee : NULL, diag));
    *result = row_json(&row);
out:
    slk_message_row_free(&row);
    slk_db_close(db);
    return err;
}
