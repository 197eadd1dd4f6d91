#include "manager/api.h"

#include "base/assert.h"
#include "codec/base64.h"
#include "manager/job/worker_api.h"
#include "manager/metrics.h"
#include "manager/pieces.h"
#include "manager/runner_impl.h"
#include "net/api_info.h"
#include "web/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- What the methods share -------------------------------------------------------------------------- */

void slk_api_fail(slk_rpc_call_t *call, slk_err_t err, const slk_diag_t *diag)
{
    slk_rpc_fail(call, SLK_RPC_ERROR, "%s", *diag->text ? diag->text : slk_err_text(err));
}

bool slk_api_number(slk_rpc_call_t *call, size_t i, uint64_t *number)
{
    const json_t *param = slk_rpc_param(call, i);
    if (!json_is_integer(param) || json_integer_value(param) < 0) {
        slk_rpc_fail_param(call, "abi.SectorNumber", "expected a number that is not negative");
        return false;
    }
    *number = (uint64_t)json_integer_value(param);
    return true;
}

const char *slk_api_word(slk_rpc_call_t *call, size_t i)
{
    const char *text = json_string_value(slk_rpc_param(call, i));
    if (!text)
        slk_rpc_fail_param(call, "string", "expected a text");
    return text;
}

bool slk_api_miner(slk_manager_t *m, slk_rpc_call_t *call, size_t i, uint64_t *miner)
{
    const json_t *param = slk_rpc_param(call, i);
    if (param && !json_is_null(param))
        return slk_api_number(call, i, miner);
    if (slk_manager_miners(m, miner, 1) == 1)
        return true;
    slk_rpc_fail(call, SLK_RPC_ERROR,
                 "no miner is configured; add one with `selkie manager init --miner f0...`");
    return false;
}

json_t *slk_api_text(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

typedef struct {
    uint64_t miner, number;
    const slk_event_t *event;
    slk_arena_t arena;
    slk_sector_outcome_t *outcome;
} event_t;

static slk_err_t store_event(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    event_t *e = ctx;
    slk_arena_free(&e->arena);
    return slk_sector_store_step(db, e->miner, e->number, SLK_SECTOR_ANY_VERSION, e->event,
                                 slk_runner_now(), &slk_runner_hooks, &e->arena, e->outcome, diag);
}

bool slk_api_event(slk_manager_t *m, slk_rpc_call_t *call, uint64_t miner, uint64_t number,
                   const slk_event_t *event, slk_sector_outcome_t *outcome)
{
    slk_err_t err;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    event_t e = {miner, number, event, .outcome = outcome};
    slk_arena_init(&e.arena, SLK_SECTOR_ROOM);
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    SLK_TRY(slk_db_transact(db, store_event, &e, &diag));
    slk_runner_log_step(outcome, miner, number, event);
    if (outcome->step == SLK_STEP_REFUSED)
        err = slk_fail(&diag, SLK_ERR_STATE, "%s", outcome->why.text);
    slk_dispatch_wake(m->dispatch);
    slk_runner_wake(m->runner);
out:
    if (err == SLK_ERR_NOTFOUND)
        slk_fail(&diag, err, "miner f0%" PRIu64 " has no sector %" PRIu64 " here", miner, number);
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    outcome->info = NULL; /* its memory goes */
    slk_arena_free(&e.arena);
    slk_db_close(db);
    return err == SLK_OK;
}

/* --- About the manager itself -------------------------------------------------------------------------- */

void slk_manager_rpc_version(slk_rpc_call_t *call, void *ctx)
{
    const slk_manager_t *m = ctx;
    /* APIVersion: lotus-miner's 1.5.0, which its tools ask for. */
    slk_rpc_answer(call, json_pack("{s:s, s:i, s:I}", "Version", m->version, "APIVersion", 0x010500,
                                   "BlockDelay", (json_int_t)0));
}

void slk_manager_rpc_shutdown(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    atomic_store(&m->told_to_end, true);
    slk_rpc_answer(call, json_null());
}

void slk_manager_rpc_actor_address(slk_rpc_call_t *call, void *ctx)
{
    uint64_t miner;
    char text[32];
    if (!slk_api_miner(ctx, call, 0, &miner))
        return;
    snprintf(text, sizeof text, "t0%" PRIu64, miner);
    slk_rpc_answer(call, json_string(text));
}

void slk_manager_rpc_actor_sector_size(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_diag_t diag = {0};
    slk_arena_t arena;
    slk_address_t miner;
    slk_api_miner_info_t info;
    const slk_api_t api = slk_manager_node(ctx);
    const char *text = slk_api_word(call, 0);
    if (!text)
        return;
    slk_arena_init(&arena, (size_t)1 << 20);
    SLK_TRY(slk_address_from_text(&miner, text, &diag));
    SLK_TRY(slk_api_StateMinerInfo(&api, &miner, NULL, &arena, &info, &diag));
    slk_rpc_answer(call, json_integer((json_int_t)info.sector_size));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    slk_arena_free(&arena);
}

/* --- Tokens ------------------------------------------------------------------------------------------- */

void slk_manager_rpc_auth_verify(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_perms_t perms;
    slk_diag_t diag = {0};
    const char *text = slk_api_word(call, 0);
    if (!text)
        return;
    slk_err_t err = slk_token_verify(&perms, &m->key, text, strlen(text), &diag);
    if (err != SLK_OK) {
        slk_api_fail(call, err, &diag);
        return;
    }
    json_t *list = json_array();
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (perms & (1u << i))
            json_array_append_new(list, json_string(slk_perm_name(1u << i)));
    slk_rpc_answer(call, list);
}

static bool make_token(slk_manager_t *m, slk_rpc_call_t *call, const char *name, slk_perms_t perms,
                       json_t **answer)
{
    char token[SLK_TOKEN_TEXT_MAX], id[SLK_TOKEN_ID_MAX];
    slk_diag_t diag = {0};
    slk_err_t err =
        slk_token_store_make(m->tokens, name, perms, slk_runner_now(), token, id, &diag);
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    else
        *answer = json_pack("{s:s, s:s}", "token", token, "id", id);
    explicit_bzero(token, sizeof token);
    return err == SLK_OK;
}

/* Lotus: a list of rights in, the token's text in base64 out. */
void slk_manager_rpc_auth_new(slk_rpc_call_t *call, void *ctx)
{
    size_t i;
    json_t *right, *made;
    slk_perms_t perms = SLK_PERM_NONE;
    const json_t *list = slk_rpc_param(call, 0);
    if (!json_is_array(list)) {
        slk_rpc_fail_param(call, "[]auth.Permission", "expected a list of rights");
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)list, i, right)
    {
        const char *name = json_string_value(right);
        slk_perms_t one = name ? slk_perm_from_name(name) : SLK_PERM_NONE;
        if (!one) {
            slk_rpc_fail(call, SLK_RPC_ERROR, "%.60s: no such right", name ? name : "?");
            return;
        }
        perms |= one;
    }
    if (!make_token(ctx, call, "AuthNew", perms, &made))
        return;
    char text[SLK_BASE64_LEN(SLK_TOKEN_TEXT_MAX) + 1];
    const char *token = json_string_value(json_object_get(made, "token"));
    slk_base64_encode(text, (const uint8_t *)token, strlen(token));
    slk_rpc_answer(call, json_string(text));
    explicit_bzero(text, sizeof text);
    json_decref(made);
}

void slk_manager_rpc_token_new(slk_rpc_call_t *call, void *ctx)
{
    json_t *made;
    const char *name = slk_api_word(call, 0), *right = name ? slk_api_word(call, 1) : NULL;
    slk_perms_t perm = right ? slk_perm_from_name(right) : SLK_PERM_NONE;
    if (!right)
        return;
    if (!perm) {
        slk_rpc_fail(call, SLK_RPC_ERROR,
                     "%.60s: no such right; expected read, write, sign, admin or worker", right);
        return;
    }
    if (make_token(ctx, call, name, slk_perms_upto(perm), &made))
        slk_rpc_answer(call, made);
}

void slk_manager_rpc_token_list(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    json_t *list;
    slk_diag_t diag = {0};
    slk_err_t err = slk_token_store_list(m->tokens, &list, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, list);
    else
        slk_api_fail(call, err, &diag);
}

void slk_manager_rpc_token_revoke(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    const char *id = slk_api_word(call, 0);
    if (!id)
        return;
    slk_err_t err = slk_token_store_revoke(m->tokens, id, slk_runner_now(), &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, json_pack("{s:s}", "revoked", id));
    else
        slk_api_fail(call, err, &diag);
}

/* --- The server ---------------------------------------------------------------------------------------- */

#define SLK_X(name, need, min, max, fn) {name, SLK_PERM_##need, min, max, 0, slk_manager_rpc_##fn},
static const slk_rpc_method_t own_methods[] = {SLK_MANAGER_RPC(SLK_X)};
#undef SLK_X

/* The workers' methods have the dispatcher as context. */
#define FOR_WORKERS(i)                                                                             \
    static void worker_method_##i(slk_rpc_call_t *call, void *ctx)                                 \
    {                                                                                              \
        slk_manager_t *m = ctx;                                                                    \
        slk_worker_api[i].fn(call, m->dispatch);                                                   \
    }
FOR_WORKERS(0)
FOR_WORKERS(1)
FOR_WORKERS(2)
FOR_WORKERS(3)
FOR_WORKERS(4)
static slk_rpc_fn_t *const worker_methods[SLK_WORKER_API_METHODS] = {
    worker_method_0, worker_method_1, worker_method_2, worker_method_3, worker_method_4};

#define METHOD_CNT (SLK_COUNT(own_methods) + SLK_WORKER_API_METHODS)

/* One table of both; made once, since servers borrow it for ever. */
static slk_rpc_method_t all_methods[METHOD_CNT];
static pthread_once_t methods_once = PTHREAD_ONCE_INIT;

static void join_methods(void)
{
    memcpy(all_methods, own_methods, sizeof own_methods);
    for (size_t i = 0; i < SLK_WORKER_API_METHODS; i++) {
        all_methods[SLK_COUNT(own_methods) + i] = slk_worker_api[i];
        all_methods[SLK_COUNT(own_methods) + i].fn = worker_methods[i];
    }
}

static void health(slk_http_request_t *req, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_chain_status_t chain;
    slk_chain_status(m->chain, &chain);
    json_t *body =
        json_pack("{s:s, s:b, s:I, s:o}", "version", m->version, "chain", chain.following, "height",
                  (json_int_t)chain.head.height, "trouble", slk_api_text(chain.trouble));
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text)
        slk_http_reply_take(req, chain.following ? 200 : 503, "application/json", text,
                            strlen(text));
}

slk_err_t slk_manager_serve(slk_manager_t *m, const slk_manager_config_t *config,
                            const char *listen, slk_diag_t *diag)
{
    slk_err_t err;
    char host[256];
    uint16_t port = 0;
    pthread_once(&methods_once, join_methods);
    const slk_rpc_api_opts_t api = {.methods = all_methods, .method_cnt = METHOD_CNT, .ctx = m};
    if (!listen)
        listen = config->listen_address;
    if (!slk_listen_parse(listen, host, sizeof host, &port))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "ListenAddress: expected ADDRESS:PORT as 127.0.0.1:2345, found %.60s",
                        listen);
    SLK_TRY(slk_rpc_api_new(&m->api, &api, diag));
    const slk_http_route_t routes[] = {
        slk_rpc_route("/rpc/v0", m->api),
        slk_rpc_route("/rpc/v1", m->api),
        slk_worker_output_route(m->dispatch),
        slk_pieces_route(m->pieces),
        slk_web_route(),
        {.methods = SLK_HTTP_GET, .path = "/health", .open = true, .handler = health, .ctx = m},
        {.methods = SLK_HTTP_GET,
         .path = "/metrics",
         .open = true,
         .handler = slk_manager_metrics,
         .ctx = m},
    };
    const slk_http_server_opts_t opts = {
        .address = *host ? host : NULL,
        .port = port,
        .tls_cert = *config->tls_cert ? config->tls_cert : NULL,
        .tls_key = *config->tls_key ? config->tls_key : NULL,
        .routes = routes,
        .route_cnt = SLK_COUNT(routes),
        .key = &m->key,
        .anonymous = SLK_PERM_NONE,
        .token_ok = slk_token_store_ok,
        .token_ctx = m->tokens,
    };
    SLK_TRY(slk_http_server_new(&m->server, &opts, diag));
    snprintf(m->address, sizeof m->address, "%s:%u", *host ? host : "127.0.0.1",
             (unsigned)slk_http_server_port(m->server));
out:
    return err;
}
