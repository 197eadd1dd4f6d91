#ifndef SLK_MANAGER_JOB_TEST_WORKER_SIMULATED_H
#define SLK_MANAGER_JOB_TEST_WORKER_SIMULATED_H

/* A simulated worker: speaks the protocol over HTTP and does nothing. And a manager's server
 * around a dispatcher, for tests. */

#include "test_util.h"

#include "codec/json.h"
#include "manager/job/token_store.h"
#include "manager/job/worker_api.h"
#include "net/jsonrpc_client.h"

#include <inttypes.h>

/* --- The server ------------------------------------------------------------------------------- */

typedef struct {
    char db[256], outputs[128]; /* db: set before for another than a file in the folder */
    slk_token_key_t key, transfer;
    slk_token_store_t *tokens;
    slk_dispatch_t *dispatch;
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    uint16_t port;
    char token[SLK_TOKEN_TEXT_MAX], token_id[SLK_TOKEN_ID_MAX];
} sim_server_t;

static slk_diag_t sim_diag;

static inline void sim_server_start(sim_server_t *s, const char *dir, int64_t beat_ms,
                                    int64_t lease_ms, const slk_job_hooks_t *hooks)
{
    slk_http_route_t routes[2];
    if (!s->db[0])
        snprintf(s->db, sizeof s->db, "%s/m.db", dir);
    snprintf(s->outputs, sizeof s->outputs, "%s/output", dir);
    s->key = (slk_token_key_t){.len = 32};
    s->transfer = (slk_token_key_t){.bytes = "sixteen secrets.", .len = 16};
    slk_dispatch_opts_t opts = {.database = s->db,
                                .output_dir = s->outputs,
                                .transfer_key = &s->transfer,
                                .version = "test",
                                .beat_ms = beat_ms,
                                .lease_ms = lease_ms};
    if (hooks)
        opts.hooks = *hooks;
    assert_ok(slk_token_store_open(&s->tokens, s->db, &s->key, &sim_diag), sim_diag);
    assert_ok(slk_dispatch_open(&s->dispatch, &opts, &sim_diag), sim_diag);
    slk_rpc_api_opts_t api = {
        .methods = slk_worker_api, .method_cnt = SLK_WORKER_API_METHODS, .ctx = s->dispatch};
    assert_ok(slk_rpc_api_new(&s->api, &api, &sim_diag), sim_diag);
    routes[0] = slk_rpc_route("/rpc/v0", s->api);
    routes[1] = slk_worker_output_route(s->dispatch);
    slk_http_server_opts_t http = {.routes = routes,
                                   .route_cnt = 2,
                                   .port = s->port,
                                   .key = &s->key,
                                   .token_ok = slk_token_store_ok,
                                   .token_ctx = s->tokens};
    assert_ok(slk_http_server_new(&s->server, &http, &sim_diag), sim_diag);
    s->port = slk_http_server_port(s->server);
    assert_ok(
        slk_token_store_make(s->tokens, "w", SLK_PERM_WORKER, 5, s->token, s->token_id, &sim_diag),
        sim_diag);
}

static inline void sim_server_stop(sim_server_t *s)
{
    slk_dispatch_stop(s->dispatch);
    slk_http_server_free(s->server, 100);
    slk_rpc_api_free(s->api);
    slk_dispatch_close(s->dispatch);
    slk_token_store_close(s->tokens);
}

/* --- The worker ------------------------------------------------------------------------------- */

typedef struct {
    char id[40], session[40], name[16], store[40];
    uint16_t port;
    const char *token;
    slk_http_client_t *client;
    uint64_t available;
    const char *tasks; /* JSON of Tasks */
    bool can_store;
} sim_worker_t;

static inline void sim_worker_init(sim_worker_t *w, unsigned number, uint16_t port,
                                   const char *token)
{
    *w = (sim_worker_t){.port = port, .token = token, .available = (uint64_t)1 << 40};
    snprintf(w->id, sizeof w->id, "worker-%u", number);
    snprintf(w->session, sizeof w->session, "session-%u", number);
    snprintf(w->name, sizeof w->name, "w%u", number);
    snprintf(w->store, sizeof w->store, "path-%u", number);
    w->tasks = "[{\"Task\":\"AP\",\"Limit\":4},{\"Task\":\"PC1\",\"Limit\":4},{\"Task\":\"PC2\","
               "\"Limit\":4},"
               "{\"Task\":\"C1\",\"Limit\":4},{\"Task\":\"C2\",\"Limit\":4},{\"Task\":\"GET\","
               "\"Limit\":4},"
               "{\"Task\":\"FIN\",\"Limit\":4},{\"Task\":\"RM\",\"Limit\":4}]";
    assert_ok(slk_http_client_new(&w->client, NULL, &sim_diag), sim_diag);
}

static inline void sim_worker_free(sim_worker_t *w)
{
    slk_http_client_free(w->client);
}

/* The result, or NULL with *code (0: no answer at all). */
static inline json_t *sim_call(sim_worker_t *w, const char *method, int64_t *code, const char *fmt,
                               ...) SLK_PRINTF(4, 5);
static inline json_t *sim_call(sim_worker_t *w, const char *method, int64_t *code, const char *fmt,
                               ...)
{
    char url[128], *params = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&params, fmt, args) < 0)
        abort();
    va_end(args);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v0", w->port);
    slk_rpc_http_call_t call = {
        .url = url, .token = w->token, .method = method, .params = params, .total_ms = 20000};
    slk_rpc_answer_t answer;
    slk_err_t err = slk_rpc_http(w->client, &call, &answer, &sim_diag);
    json_t *result = NULL;
    if (code)
        *code = err == SLK_OK && answer.failed ? answer.code : 0;
    if (err == SLK_OK && !answer.failed)
        result = json_incref(answer.result);
    else if (err == SLK_OK)
        snprintf(sim_diag.text, sizeof sim_diag.text, "%s", answer.message);
    slk_rpc_answer_free(&answer);
    free(params);
    return result;
}

static inline const char *sim_stores(const sim_worker_t *w, char out[1024])
{
    snprintf(out, 1024,
             "[{\"ID\":\"%s\",\"Path\":\"/"
             "p\",\"Weight\":10,\"CanSeal\":true,\"CanStore\":%s,\"CanFinal\":%s,"
             "\"Groups\":[\"g\"],\"AllowTo\":null,\"Capacity\":1099511627776,\"Available\":%" PRIu64
             ",\"Used\":7,\"Err\":\"\"}]",
             w->store, w->can_store ? "true" : "false", w->can_store ? "true" : "false",
             w->available);
    return out;
}

static inline json_t *sim_register(sim_worker_t *w, int64_t *code)
{
    char stores[1024];
    return sim_call(
        w, "Selkie.WorkerRegister", code,
        "[{\"Protocol\":1,\"Version\":\"t\",\"Worker\":\"%s\",\"Session\":\"%s\",\"Name\":\"%s\","
        "\"URL\":\"http://127.0.0.1:1/%s/remote\",\"ClockMs\":0,\"Cores\":64,\"Memory\":"
        "1099511627776,\"NUMANodes\":1,\"Tasks\":%s,\"Miners\":[],\"Stores\":%s}]",
        w->id, w->session, w->name, w->name, w->tasks, sim_stores(w, stores));
}

/* jobs: JSON list of what it names. */
static inline json_t *sim_beat(sim_worker_t *w, const char *jobs, unsigned wait_ms, int64_t *code)
{
    char stores[1024];
    return sim_call(
        w, "Selkie.WorkerBeat", code,
        "[{\"Worker\":\"%s\",\"Session\":\"%s\",\"Jobs\":%s,\"Stores\":%s,\"FreeMemory\":0,"
        "\"LoadMillis\":10,\"Leaving\":false,\"WaitMs\":%u}]",
        w->id, w->session, jobs, sim_stores(w, stores), wait_ms);
}

/* Names one job. */
static inline json_t *sim_beat_job(sim_worker_t *w, json_int_t id, json_int_t lease,
                                   unsigned wait_ms)
{
    char jobs[256];
    snprintf(jobs, sizeof jobs,
             "[{\"ID\":%lld,\"Lease\":%lld,\"Stage\":\"work\",\"Unit\":\"u\",\"Done\":1,\"Total\":"
             "10,\"Reserved\":true}]",
             (long long)id, (long long)lease);
    json_t *orders = sim_beat(w, jobs, wait_ms, NULL);
    if (!orders)
        fail_msg("beat: %s", sim_diag.text);
    return orders;
}

/* 1 taken, 0 not wanted, -1 no answer or *code. */
static inline int sim_done(sim_worker_t *w, json_int_t id, json_int_t lease, const char *result,
                           const char *made, int64_t *code)
{
    json_t *taken =
        sim_call(w, "Selkie.JobDone", code,
                 "[{\"Worker\":\"%s\",\"ID\":%lld,\"Lease\":%lld,\"Result\":%s,\"Made\":%s,"
                 "\"Gone\":[],\"Seconds\":1}]",
                 w->id, (long long)id, (long long)lease, result, made);
    const int out = !taken ? -1 : json_is_true(taken) ? 1 : 0;
    json_decref(taken);
    return out;
}

static inline int sim_failed(sim_worker_t *w, json_int_t id, json_int_t lease, const char *class)
{
    json_t *taken =
        sim_call(w, "Selkie.JobFailed", NULL,
                 "[{\"Worker\":\"%s\",\"ID\":%lld,\"Lease\":%lld,\"Class\":\"%s\",\"Error\":\"e\","
                 "\"Stderr\":\"t\",\"Made\":[]}]",
                 w->id, (long long)id, (long long)lease, class);
    const int out = !taken ? -1 : json_is_true(taken) ? 1 : 0;
    json_decref(taken);
    return out;
}

static inline size_t sim_started(json_t *orders)
{
    return json_array_size(json_object_get(orders, "Start"));
}

static inline json_int_t sim_start(json_t *orders, size_t i, const char *field)
{
    return json_integer_value(
        json_object_get(json_array_get(json_object_get(orders, "Start"), i), field));
}

/* --- Jobs ------------------------------------------------------------------------------------- */

typedef struct {
    slk_job_want_t want;
    int64_t id;
} sim_add_t;

static inline slk_err_t sim_add_fn(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    sim_add_t *a = ctx;
    return slk_job_add(db, &a->want, 1, &a->id, diag);
}

/* A job of a 2KiB sector (registered proof 5) of miner 1000. */
static inline int64_t sim_add(sim_server_t *s, const char *key, uint64_t number, slk_task_t task)
{
    slk_db_t *db = NULL;
    sim_add_t a = {
        .want = {.key = key, .miner = 1000, .number = number, .task = task, .seal_proof = 5}};
    assert_ok(slk_db_open(&db, s->db, &sim_diag), sim_diag);
    assert_ok(slk_db_transact(db, sim_add_fn, &a, &sim_diag), sim_diag);
    slk_db_close(db);
    slk_dispatch_wake(s->dispatch);
    return a.id;
}

static inline slk_job_view_t sim_view(sim_server_t *s, int64_t id)
{
    slk_db_t *db = NULL;
    slk_job_view_t view;
    assert_ok(slk_db_open(&db, s->db, &sim_diag), sim_diag);
    assert_ok(slk_job_find_id(db, id, &view, &sim_diag), sim_diag);
    slk_db_close(db);
    return view;
}

#endif /* SLK_MANAGER_JOB_TEST_WORKER_SIMULATED_H */
