#include "chain/sender_node.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)4 << 20)

void slk_sender_node_init(slk_sender_node_t *sender, const slk_api_t *api, slk_signer_t signer)
{
    *sender = (slk_sender_node_t){.api = *api, .signer = signer};
    sender->api.last = &sender->last;
}

/* --- Outcomes ------------------------------------------------------------------------------ */

slk_message_outcome_t slk_push_outcome(const char *text)
{
    static const struct {
        const char *text;
        slk_message_outcome_t outcome;
    } rows[] = {
        {"message with nonce already exists", SLK_OUT_KNOWN},
        {"nonce too low", SLK_OUT_TOO_LOW},
        {"replace by fee has too low GasPremium", SLK_OUT_TAKEN},
        {"increase GasPremium to", SLK_OUT_TAKEN},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (strstr(text, rows[i].text))
            return rows[i].outcome;
    return SLK_OUT_REFUSED;
}

/* Turn what a call gave into an outcome. Only being stopped ends the turn. */
static slk_err_t done(slk_sender_node_t *sender, slk_err_t err, slk_message_result_t *result,
                      slk_message_outcome_t outcome, const slk_diag_t *why)
{
    if (err == SLK_ERR_CANCELLED)
        return err;
    result->outcome = err == SLK_OK ? SLK_OUT_OK : outcome;
    result->code = err == SLK_OK ? 0 : sender->last.code;
    if (err != SLK_OK)
        result->diag = *why;
    return SLK_OK;
}

/* The actor says no, as opposed to trouble of the node or a state that is not there yet. */
static bool would_fail(const slk_api_last_t *last)
{
    return last->answered && last->code > 0 &&
           (last->code == 2 || last->code == 3 || strstr(last->text, "message execution failed"));
}

/* --- Messages ------------------------------------------------------------------------------ */

static slk_message_t message_of(const slk_message_row_t *row, const slk_address_t *from,
                                uint64_t nonce, const slk_gas_t *gas)
{
    return (slk_message_t){.to = row->to,
                           .from = *from,
                           .nonce = nonce,
                           .value = row->value,
                           .gas_limit = gas->gas_limit,
                           .gas_fee_cap = gas->fee_cap,
                           .gas_premium = gas->premium,
                           .method = row->method,
                           .params = {.b = row->params, .len = row->params_len}};
}

static bool same_call(const slk_message_t *a, const slk_message_t *b)
{
    return slk_address_eq(&a->to, &b->to) && slk_address_eq(&a->from, &b->from) &&
           slk_bigint_cmp(&a->value, &b->value) == 0 && a->method == b->method &&
           a->params.len == b->params.len &&
           (!a->params.len || memcmp(a->params.b, b->params.b, a->params.len) == 0);
}

/* Put a signed message into the result, if its signature is good. */
static slk_err_t take_signed(slk_message_result_t *result, const slk_signed_message_t *message,
                             slk_diag_t *diag)
{
    slk_buf_t buf = {0};
    slk_cid_t bare;
    bool ok = false;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_message_cid(&bare, &message->message, diag));
    SLK_TRY(slk_sig_verify(&ok, &message->message.from, message->signature.type,
                           message->signature.data.b, message->signature.data.len, bare.b, bare.len,
                           diag));
    if (!ok) {
        err = slk_fail(diag, SLK_ERR_MISMATCH, "the signature is not one of %s over this message",
                       slk_address_text(&message->message.from, SLK_TESTNET).s);
        goto out;
    }
    SLK_TRY(slk_record_encode(&buf, &slk_signed_message_type, message, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    SLK_TRY(slk_signed_message_cid(&result->cid, message, diag));
    free(result->bytes);
    result->bytes = buf.bytes;
    result->bytes_len = buf.len;
    buf = (slk_buf_t){0};
out:
    slk_buf_free(&buf);
    return err;
}

static slk_err_t sign_here(slk_sender_node_t *sender, const slk_message_t *message,
                           slk_message_result_t *result, slk_diag_t *diag)
{
    slk_buf_t cbor = {0};
    slk_cid_t cid;
    slk_key_sig_t sig;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_record_encode(&cbor, &slk_message_type, message, diag));
    SLK_TRY(slk_buf_check(&cbor, diag));
    SLK_TRY(slk_message_cid(&cid, message, diag));
    slk_sign_request_t request = {.kind = SLK_SIGN_MESSAGE,
                                  .bytes = cid.b,
                                  .len = cid.len,
                                  .extra = cbor.bytes,
                                  .extra_len = cbor.len};
    SLK_TRY(slk_signer_sign(sender->signer, &message->from, &request, &sig, diag));
    slk_signed_message_t signed_message = {
        .message = *message,
        .signature = {.type = (uint8_t)sig.type, .data = {.b = sig.b, .len = sig.len}}};
    SLK_TRY(take_signed(result, &signed_message, diag));
out:
    slk_buf_free(&cbor);
    return err;
}

static slk_err_t sign_there(slk_sender_node_t *sender, const slk_message_t *message,
                            slk_message_result_t *result, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_signed_message_t answer;
    slk_arena_init(&arena, ARENA_MAX);
    slk_err_t err =
        slk_api_WalletSignMessage(&sender->api, &message->from, message, &arena, &answer, diag);
    if (err == SLK_OK &&
        (!same_call(&answer.message, message) || answer.message.nonce != message->nonce))
        err = slk_fail(diag, SLK_ERR_MISMATCH, "node %s signed another message than it was given",
                       sender->last.node);
    if (err == SLK_OK)
        err = take_signed(result, &answer, diag);
    slk_arena_free(&arena);
    return err;
}

/* --- Operations ---------------------------------------------------------------------------- */

static slk_err_t node_bind(void *ctx, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_node_place_t place;
    slk_diag_t why = {0};
    slk_err_t err = slk_nodes_place(sender->api.nodes, sender->api.job, &place, &why);
    if (err == SLK_OK)
        memcpy(result->node, place.name, sizeof result->node);
    return done(sender, err, result, SLK_OUT_RETRY, &why);
}

static slk_err_t node_resolve(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_api_address_t key = {.v = row->from};
    slk_diag_t why = {0};
    slk_err_t err = SLK_OK;
    slk_arena_init(&arena, ARENA_MAX);
    if (!slk_address_is_key(&row->from))
        err = slk_api_StateAccountKey(&sender->api, &row->from, NULL, &arena, &key, &why);
    result->signer = key.v;
    slk_arena_free(&arena);
    return done(sender, err, result, SLK_OUT_RETRY, &why);
}

static slk_message_send_spec_t spec_of(const slk_message_row_t *row, const char *uuid)
{
    return (slk_message_send_spec_t){.max_fee = row->max_fee,
                                     .msg_uuid = {.b = (const uint8_t *)uuid, .len = strlen(uuid)}};
}

static slk_err_t node_estimate(void *ctx, const slk_message_row_t *row,
                               slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_message_t answer;
    slk_diag_t why = {0};
    slk_gas_t none = {.gas_limit = row->gas.gas_limit};
    slk_message_t message = message_of(row, &result->signer, 0, &none);
    slk_message_send_spec_t spec = spec_of(row, "00000000-0000-0000-0000-000000000000");
    slk_arena_init(&arena, ARENA_MAX);
    slk_err_t err =
        slk_api_GasEstimateMessageGas(&sender->api, &message, &spec, NULL, &arena, &answer, &why);
    if (err == SLK_OK && answer.gas_limit <= 0)
        err = slk_fail(&why, SLK_ERR_FORMAT, "node %s estimated a gas limit of %lld",
                       sender->last.node, (long long)answer.gas_limit);
    if (err == SLK_OK)
        result->gas = (slk_gas_t){.gas_limit = answer.gas_limit,
                                  .fee_cap = answer.gas_fee_cap,
                                  .premium = answer.gas_premium};
    slk_arena_free(&arena);
    return done(sender, err, result, would_fail(&sender->last) ? SLK_OUT_REFUSED : SLK_OUT_RETRY,
                &why);
}

static slk_err_t node_next_nonce(void *ctx, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_api_u64_t nonce = {0};
    slk_diag_t why = {0};
    slk_arena_init(&arena, ARENA_MAX);
    slk_err_t err = slk_api_MpoolGetNonce(&sender->api, &result->signer, &arena, &nonce, &why);
    result->nonce = nonce.v;
    slk_arena_free(&arena);
    return done(sender, err, result, SLK_OUT_RETRY, &why);
}

static slk_err_t node_sign(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_diag_t why = {0};
    slk_message_t message = message_of(row, &result->signer, result->nonce, &result->gas);
    slk_err_t err = sender->signer.ops ? sign_here(sender, &message, result, &why)
                                       : sign_there(sender, &message, result, &why);
    return done(sender, err, result, SLK_OUT_RETRY, &why);
}

static slk_err_t node_hand(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_signed_message_t answer;
    slk_diag_t why = {0};
    slk_message_t message = message_of(row, &row->from, 0, &(slk_gas_t){0});
    slk_message_send_spec_t spec = spec_of(row, row->uuid);
    slk_api_t api = sender->api;
    api.node = row->node;
    sender->last = (slk_api_last_t){.outcome = SLK_HTTP_NOT_SENT};
    slk_arena_init(&arena, ARENA_MAX);
    slk_err_t err = slk_api_MpoolPushMessage(&api, &message, &spec, &arena, &answer, &why);
    slk_message_outcome_t outcome = would_fail(&sender->last)                   ? SLK_OUT_REFUSED
                                    : sender->last.outcome == SLK_HTTP_NOT_SENT ? SLK_OUT_RETRY
                                    : sender->last.answered && sender->last.code
                                        ? SLK_OUT_RETRY
                                        : SLK_OUT_NO_ANSWER;
    if (err == SLK_OK) {
        message.from = answer.message.from; /* an id stands for its key */
        if (!same_call(&answer.message, &message))
            err = slk_fail(&why, SLK_ERR_MISMATCH,
                           "node %s answers with another message for MsgUuid %s", row->node,
                           row->uuid);
    }
    if (err == SLK_OK)
        err = take_signed(result, &answer, &why);
    if (err == SLK_OK) {
        result->signer = answer.message.from;
        result->nonce = answer.message.nonce;
        result->gas = (slk_gas_t){.gas_limit = answer.message.gas_limit,
                                  .fee_cap = answer.message.gas_fee_cap,
                                  .premium = answer.message.gas_premium};
    }
    slk_arena_free(&arena);
    return done(sender, err, result, outcome, &why);
}

static slk_err_t node_push(void *ctx, const void *bytes, size_t len, slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_signed_message_t message;
    slk_api_cid_t cid;
    slk_diag_t why = {0};
    slk_arena_init(&arena, ARENA_MAX);
    sender->last = (slk_api_last_t){.outcome = SLK_HTTP_NOT_SENT};
    slk_err_t err = slk_record_decode(&message, &slk_signed_message_type, bytes, len, &arena, &why);
    if (err == SLK_OK)
        err = slk_api_MpoolPush(&sender->api, &message, &arena, &cid, &why);
    slk_arena_free(&arena);
    slk_message_outcome_t outcome =
        sender->last.answered && sender->last.code && err != SLK_ERR_PERM
            ? slk_push_outcome(sender->last.text)
        : sender->last.outcome == SLK_HTTP_NOT_SENT || err == SLK_ERR_PERM ? SLK_OUT_RETRY
                                                                           : SLK_OUT_NO_ANSWER;
    return done(sender, err, result, outcome, &why);
}

static slk_err_t take_lookup(slk_message_result_t *result, const slk_msg_lookup_t *lookup,
                             slk_diag_t *diag)
{
    slk_buf_t key = {0};
    slk_err_t err = SLK_OK;
    result->cid = lookup->message;
    result->height = lookup->height;
    result->exit_code = lookup->receipt.exit_code;
    result->gas_used = lookup->receipt.gas_used;
    slk_tipset_cids_bytes(&key, &lookup->tipset);
    SLK_TRY(slk_buf_check(&key, diag));
    SLK_TRY(slk_tipset_key_from_bytes(&result->tipset, key.bytes, key.len, diag));
    if (lookup->receipt.ret.len) {
        result->bytes = malloc(lookup->receipt.ret.len);
        if (!result->bytes) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a receipt");
            goto out;
        }
        memcpy(result->bytes, lookup->receipt.ret.b, lookup->receipt.ret.len);
        result->bytes_len = lookup->receipt.ret.len;
    }
out:
    slk_buf_free(&key);
    return err;
}

/* Every version of a message is the same call, so the first that the node knows finds them all. */
static slk_err_t node_search(void *ctx, const slk_head_t *head, const slk_cid_t *cids, size_t cnt,
                             slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_diag_t why = {0};
    slk_err_t err = SLK_ERR_NOTFOUND;
    slk_message_outcome_t outcome = SLK_OUT_RETRY;
    slk_arena_init(&arena, ARENA_MAX);
    for (size_t i = 0; i < cnt; i++) {
        slk_api_opt_lookup_t found = {0};
        err = slk_api_StateSearchMsg(&sender->api, &head->key, &cids[i], -1, true, &arena, &found,
                                     &why);
        if (err == SLK_OK) {
            if (found.v)
                err = take_lookup(result, found.v, &why);
            outcome = err != SLK_OK ? SLK_OUT_RETRY : found.v ? SLK_OUT_FOUND : SLK_OUT_NOT_FOUND;
            break;
        }
        if (strstr(sender->last.text, "message was replaced")) {
            outcome = SLK_OUT_OTHER;
            break;
        }
        if (!strstr(sender->last.text, "could not find"))
            break;
    }
    slk_arena_free(&arena);
    err = done(sender, err, result, outcome, &why);
    if (err == SLK_OK)
        result->outcome = outcome;
    return err;
}

static slk_err_t node_chain_nonce(void *ctx, const slk_head_t *head, const slk_address_t *signer,
                                  slk_message_result_t *result)
{
    slk_sender_node_t *sender = ctx;
    slk_arena_t arena;
    slk_actor_state_t actor = {0};
    slk_diag_t why = {0};
    slk_arena_init(&arena, ARENA_MAX);
    slk_err_t err = slk_api_StateGetActor(&sender->api, signer, &head->key, &arena, &actor, &why);
    result->nonce = actor.nonce;
    slk_arena_free(&arena);
    return done(sender, err, result, SLK_OUT_RETRY, &why);
}

const slk_sender_ops_t slk_sender_node_ops = {.bind = node_bind,
                                              .resolve = node_resolve,
                                              .estimate = node_estimate,
                                              .next_nonce = node_next_nonce,
                                              .sign = node_sign,
                                              .hand = node_hand,
                                              .push = node_push,
                                              .search = node_search,
                                              .chain_nonce = node_chain_nonce};
