#include "chain/remote_signer.h"

#include "base/assert.h"
#include "chain/api_types.h"
#include "codec/json.h"
#include "net/api_info.h"
#include "net/jsonrpc_client.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 5, PAUSE_MS = 200, PAUSE_MAX_MS = 5000, CALL_MS = 60000 };
#define ANSWER_MAX ((size_t)1 << 20)

struct slk_remote_signer {
    slk_http_client_t *http;
    char name[SLK_API_URL_MAX], url[SLK_API_URL_MAX], token[1024];
    uint32_t limit_ms;
    atomic_bool stopped;
    atomic_bool bare; /* its WalletSign takes no MsgMeta */
};

/* --- Life ---------------------------------------------------------------------------------- */

slk_err_t slk_remote_signer_new(slk_remote_signer_t **out, const char *api_info, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    size_t cnt = 0;
    slk_remote_signer_t *s = calloc(1, sizeof *s);
    slk_api_info_t *infos = calloc(SLK_API_INFO_MAX, sizeof *infos);
    *out = NULL;
    if (!s || !infos) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a signer");
        goto out;
    }
    SLK_TRY(slk_api_info_parse(infos, &cnt, api_info, diag));
    if (cnt != 1) {
        err = slk_fail(diag, SLK_ERR_INPUT, "a signer has one address; %zu are given", cnt);
        goto out;
    }
    SLK_TRY(
        slk_http_client_new(&s->http, &(slk_http_client_opts_t){.answer_max = ANSWER_MAX}, diag));
    slk_api_info_name(s->name, infos);
    slk_api_info_url(s->url, infos, false, "v0");
    memcpy(s->token, infos->token, sizeof s->token);
    s->limit_ms = CALL_MS;
    *out = s;
    s = NULL;
out:
    free(infos);
    free(s);
    return err;
}

void slk_remote_signer_free(slk_remote_signer_t *s)
{
    if (!s)
        return;
    slk_http_client_free(s->http);
    explicit_bzero(s->token, sizeof s->token);
    free(s);
}

void slk_remote_signer_limit(slk_remote_signer_t *s, uint32_t ms)
{
    s->limit_ms = ms;
}

const char *slk_remote_signer_name(const slk_remote_signer_t *s)
{
    return s->name;
}

static void stop(void *self)
{
    slk_remote_signer_t *s = self;
    atomic_store(&s->stopped, true);
    slk_http_client_stop(s->http);
}

/* --- Calls --------------------------------------------------------------------------------- */

/* False when stopped. */
static bool pause_ms(const slk_remote_signer_t *s, int64_t ms)
{
    for (; ms > 0 && !atomic_load(&s->stopped); ms -= 20)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return !atomic_load(&s->stopped);
}

static slk_err_t refused(const slk_remote_signer_t *s, slk_err_t err, const slk_diag_t *why,
                         slk_diag_t *diag)
{
    if (err == SLK_ERR_PERM)
        return slk_fail(diag, err,
                        "signer %s does not accept the token (%.600s); give the one it was started "
                        "with, with --signer or WALLET_API_INFO",
                        s->name, why->text);
    return slk_fail(diag, err, "signer %s: %.1200s", s->name, why->text);
}

/* Until it answers; takes params. The answer may be an error. */
static slk_err_t call(slk_remote_signer_t *s, const char *method, json_t *params,
                      slk_rpc_answer_t *answer, slk_diag_t *diag)
{
    char name[64];
    slk_err_t err = SLK_ERR_NOMEM;
    int64_t pause = PAUSE_MS;
    char *text = params ? slk_json_dump(params, JSON_COMPACT) : NULL;
    json_decref(params);
    snprintf(name, sizeof name, "Filecoin.%s", method);
    if (!text)
        return slk_fail(diag, err, "no memory for a call of the signer");
    const slk_rpc_http_call_t http = {.url = s->url,
                                      .token = *s->token ? s->token : NULL,
                                      .method = name,
                                      .params = text,
                                      .repeatable = true,
                                      .total_ms = s->limit_ms,
                                      .low_speed_s = UINT32_MAX};
    for (int i = 0; i < TRIES; i++) {
        slk_diag_t why = {0};
        slk_rpc_answer_free(answer);
        err = slk_rpc_http(s->http, &http, answer, &why);
        if (err == SLK_OK)
            break;
        refused(s, err, &why, diag);
        /* Whoever needs longer than the limit is not asked for ever. */
        if ((err != SLK_ERR_IO && (err != SLK_ERR_TIMEOUT || i > 0)) || i + 1 == TRIES)
            break;
        if (!pause_ms(s, pause)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "signer %s: interrupted", s->name);
            break;
        }
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
    free(text);
    return err;
}

/* An error answer as an error. */
static slk_err_t check(const slk_remote_signer_t *s, const char *method,
                       const slk_rpc_answer_t *answer, slk_diag_t *diag)
{
    if (!answer->failed)
        return SLK_OK;
    if (strstr(answer->message, "missing permission"))
        return slk_fail(
            diag, SLK_ERR_PERM,
            "the token of signer %s does not allow %s: %.600s; make one with that right", s->name,
            method, answer->message);
    return slk_fail(diag, strstr(answer->message, "not found") ? SLK_ERR_NOTFOUND : SLK_ERR_STATE,
                    "signer %s: %s: %.1000s (code %lld)", s->name, method, answer->message,
                    (long long)answer->code);
}

/* The result of a call as a record in the arena. */
static slk_err_t ask(slk_remote_signer_t *s, const char *method, json_t *params,
                     const slk_type_t *type, void *record, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_rpc_answer_t answer = {0};
    slk_diag_t why = {0};
    slk_err_t err = call(s, method, params, &answer, diag);
    if (err == SLK_OK)
        err = check(s, method, &answer, diag);
    if (err == SLK_OK && slk_record_from_json(record, type, answer.result, arena, &why) != SLK_OK)
        err = slk_fail(diag, SLK_ERR_FORMAT, "signer %s: %s: %.1000s", s->name, method, why.text);
    slk_rpc_answer_free(&answer);
    return err;
}

/* --- What a signer does -------------------------------------------------------------------- */

static slk_err_t list(void *self, slk_signer_each_t each, void *user, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_api_addresses_t all = {0};
    slk_arena_init(&arena, (size_t)8 << 20);
    slk_err_t err =
        ask(self, "WalletList", json_array(), &slk_api_addresses_type, &all, &arena, diag);
    for (size_t i = 0; err == SLK_OK && i < all.v.count; i++)
        err = each(user, &all.v.items[i]);
    slk_arena_free(&arena);
    return err;
}

static json_t *address_json(const slk_address_t *address)
{
    return json_string(slk_address_text(address, SLK_MAINNET).s);
}

static slk_err_t has(void *self, const slk_address_t *address, bool *has, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_api_flag_t flag = {0};
    slk_arena_init(&arena, ANSWER_MAX);
    slk_err_t err = ask(self, "WalletHas", json_pack("[o]", address_json(address)),
                        &slk_api_flag_type, &flag, &arena, diag);
    *has = err == SLK_OK && flag.v;
    slk_arena_free(&arena);
    return err;
}

static json_t *bytes_json(const void *bytes, size_t len)
{
    json_t *json = NULL;
    const slk_api_bytes_t record = {{bytes, len}};
    return slk_record_to_json(&json, &slk_api_bytes_type, &record, SLK_MAINNET, NULL) == SLK_OK
               ? json
               : NULL;
}

static json_t *sign_params(const slk_address_t *address, const slk_sign_request_t *request,
                           bool bare)
{
    json_t *bytes = bytes_json(request->bytes, request->len);
    if (bare)
        return json_pack("[o, o]", address_json(address), bytes);
    return json_pack("[o, o, {s:s, s:o}]", address_json(address), bytes, "Type",
                     slk_sign_kind_text(request->kind), "Extra",
                     request->extra ? bytes_json(request->extra, request->extra_len) : json_null());
}

static slk_err_t take_signature(const slk_remote_signer_t *s, slk_key_sig_t *sig,
                                const slk_signature_t *from, slk_diag_t *diag)
{
    if ((from->type != SLK_KEY_SECP256K1 && from->type != SLK_KEY_BLS) ||
        from->data.len > sizeof sig->b)
        return slk_fail(
            diag, SLK_ERR_FORMAT,
            "signer %s: WalletSign: a signature of type %u with %zu bytes is not one of "
            "secp256k1 or bls",
            s->name, (unsigned)from->type, from->data.len);
    *sig = (slk_key_sig_t){.type = (slk_key_type_t)from->type, .len = (uint8_t)from->data.len};
    if (from->data.len)
        memcpy(sig->b, from->data.b, from->data.len);
    return SLK_OK;
}

static slk_err_t sign(void *self, const slk_address_t *address, const slk_sign_request_t *request,
                      slk_key_sig_t *sig, slk_diag_t *diag)
{
    slk_remote_signer_t *s = self;
    slk_arena_t arena;
    slk_api_signature_t got = {0};
    slk_rpc_answer_t answer = {0};
    slk_diag_t why = {0};
    slk_err_t err;
    slk_arena_init(&arena, ANSWER_MAX);
    SLK_TRY(
        call(s, "WalletSign", sign_params(address, request, atomic_load(&s->bare)), &answer, diag));
    if (answer.failed && answer.code == SLK_RPC_PARAM_COUNT && !atomic_load(&s->bare)) {
        atomic_store(&s->bare, true);
        SLK_TRY(call(s, "WalletSign", sign_params(address, request, true), &answer, diag));
    }
    SLK_TRY(check(s, "WalletSign", &answer, diag));
    if (slk_record_from_json(&got, &slk_api_signature_type, answer.result, &arena, &why) !=
        SLK_OK) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "signer %s: WalletSign: %.1000s", s->name, why.text);
        goto out;
    }
    err = take_signature(s, sig, &got.v, diag);
out:
    slk_rpc_answer_free(&answer);
    slk_arena_free(&arena);
    return err;
}

slk_signer_t slk_remote_signer(slk_remote_signer_t *s)
{
    static const slk_signer_ops_t ops = {.list = list, .has = has, .sign = sign, .stop = stop};
    return (slk_signer_t){.ops = &ops, .self = s};
}
