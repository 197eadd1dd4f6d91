#include "net/test_raw.h"

#include "net/jsonrpc_client.h"
#include "net/jsonrpc_server.h"

#include <pthread.h>
#include <time.h>

static slk_diag_t diag;

typedef struct {
    slk_rpc_api_t *api, *api2;
    slk_http_server_t *server;
    slk_token_key_t key;
    uint16_t port;
    json_t *tipset;     /* what the recorded node answered */
    atomic_int trouble; /* 1: down, 2: drops connections */
} fixture_t;

/* --- A server with the methods of the recordings ------------------------------------------- */

static void network_name(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_answer(call, json_string("localnet-2k"));
}

static bool check_address(slk_rpc_call_t *call, size_t i)
{
    const json_t *p = slk_rpc_param(call, i);
    if (!json_is_string(p))
        slk_rpc_fail_param(call, "*address.Address",
                           "json: cannot unmarshal %s into Go value of type string",
                           json_is_number(p) ? "number" : "object");
    else if (!strcmp(json_string_value(p), "t0x"))
        slk_rpc_fail_param(call, "*address.Address", "invalid address payload");
    else
        return true;
    return false;
}

static void miner_info(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    if (check_address(call, 0))
        slk_rpc_answer(call, json_object());
}

static void read_obj(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_fail_param(
        call, "*cid.Cid", "%s",
        "invalid cid: invalid cid: invalid cid: expected 1 as the cid version number, got: 13");
}

static void get_actor(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_fail(call, 1, "actor not found");
}

static void lookup_id(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_fail(call, 11, "actor not found");
}

static void nothing(slk_rpc_call_t *call, void *ctx)
{
    (void)call;
    (void)ctx;
}

static void get_tipset(slk_rpc_call_t *call, void *ctx)
{
    slk_rpc_answer(call, json_incref(((fixture_t *)ctx)->tipset));
}

static void with_data(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_fail(call, 3, "reverted: <\"%c\">\n", 0xff);
    slk_rpc_fail_data(call, json_pack("{s:i}", "exit", 16));
    slk_rpc_fail_meta(call, json_true());
}

static void echo(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_answer(call, json_incref(slk_rpc_params(call)));
}

static void wait_until_gone(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 1000 && !slk_rpc_gone(call); i++)
        usleep(10000);
    slk_rpc_answer(call, json_boolean(slk_rpc_gone(call)));
}

static void drop(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_drop(call);
}

static const slk_rpc_method_t methods[] = {
    {"Filecoin.StateNetworkName", SLK_PERM_READ, 0, 0, 0, network_name},
    {"Filecoin.StateMinerInfo", SLK_PERM_READ, 2, 2, 0, miner_info},
    {"Filecoin.ChainReadObj", SLK_PERM_READ, 1, 1, 0, read_obj},
    {"Filecoin.StateGetActor", SLK_PERM_READ, 2, 2, 0, get_actor},
    {"Filecoin.StateLookupID", SLK_PERM_READ, 2, 2, 0, lookup_id},
    {"Filecoin.WalletList", SLK_PERM_WRITE, 0, 0, 0, nothing},
    {"Filecoin.WalletSign", SLK_PERM_SIGN, 2, 2, 0, nothing},
    {"Filecoin.AuthNew", SLK_PERM_ADMIN, 1, 1, 0, nothing},
    {"Filecoin.MpoolClear", SLK_PERM_ADMIN, 1, 1, 0, nothing},
    {"Filecoin.ChainNotify", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, nothing},
    {"Test.WithData", SLK_PERM_READ, 0, 0, 0, with_data},
    {"Test.Echo", SLK_PERM_READ, 0, 9, 0, echo},
    {"Test.Wait", SLK_PERM_READ, 0, 0, SLK_RPC_WAITS, wait_until_gone},
    {"Test.Drop", SLK_PERM_READ, 0, 0, 0, drop},
};

static const slk_rpc_method_t methods2[] = {
    {"Filecoin.ChainGetTipSet", SLK_PERM_READ, 1, 1, 0, get_tipset},
};

static bool before(slk_rpc_call_t *call, void *ctx)
{
    int trouble = atomic_load(&((fixture_t *)ctx)->trouble);
    if (trouble == 1)
        slk_rpc_fail(call, SLK_RPC_ERROR, "%s: down", slk_rpc_method(call));
    if (trouble == 2)
        slk_rpc_drop(call);
    return !trouble;
}

static void health(slk_http_request_t *req, void *ctx)
{
    slk_http_reply(req, *(const int *)ctx, NULL, "", 0);
}

static int setup(void **state)
{
    static fixture_t f;
    static int live = 200, behind = 503;
    f.tipset = NULL;
    assert_ok(slk_token_key_new(&f.key, &diag), diag);
    const slk_rpc_api_opts_t opts = {.methods = methods,
                                     .method_cnt = sizeof methods / sizeof methods[0],
                                     .ctx = &f,
                                     .waits_max = 2};
    const slk_rpc_api_opts_t opts2 = {
        .methods = methods2, .method_cnt = 1, .ctx = &f, .before = before};
    assert_ok(slk_rpc_api_new(&f.api, &opts, &diag), diag);
    assert_ok(slk_rpc_api_new(&f.api2, &opts2, &diag), diag);
    const slk_http_route_t routes[] = {
        slk_rpc_route("/rpc/v0", f.api),
        slk_rpc_route("/rpc/v1", f.api),
        slk_rpc_route("/rpc/v2", f.api2),
        {.methods = SLK_HTTP_GET,
         .path = "/health/livez",
         .open = true,
         .handler = health,
         .ctx = &live},
        {.methods = SLK_HTTP_GET,
         .path = "/health/readyz",
         .open = true,
         .handler = health,
         .ctx = &behind},
    };
    const slk_http_server_opts_t server = {.routes = routes,
                                           .route_cnt = sizeof routes / sizeof routes[0],
                                           .key = &f.key,
                                           .anonymous = SLK_PERM_READ};
    assert_ok(slk_http_server_new(&f.server, &server, &diag), diag);
    f.port = slk_http_server_port(f.server);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    slk_http_server_free(f->server, 1000);
    slk_rpc_api_free(f->api);
    slk_rpc_api_free(f->api2);
    json_decref(f->tipset);
    return 0;
}

/* --- The recordings ------------------------------------------------------------------------ */

static void authorization(char *out, size_t cap, const fixture_t *f, const json_t *entry)
{
    const char *level = json_string_value(json_object_get(entry, "token"));
    const char *note = json_string_value(json_object_get(entry, "note"));
    char token[SLK_TOKEN_TEXT_MAX];
    out[0] = 0;
    slk_token_new(token, &f->key, slk_perms_upto(SLK_PERM_SIGN));
    if (!strcmp(note, "no Bearer prefix")) {
        snprintf(out, cap, "Authorization: %s\r\n", token);
    } else if (level && *level) {
        slk_perms_t perm = slk_perm_from_name(level);
        slk_token_new(token, &f->key, slk_perms_upto(perm));
        snprintf(out, cap, "Authorization: Bearer %s\r\n", perm ? token : level);
    }
}

static void compare_header(const raw_answer_t *a, const json_t *entry, const char *name)
{
    char got[256] = "(absent)";
    const char *want = "(absent)";
    size_t i;
    json_t *pair;
    raw_header(a, name, got, sizeof got);
    json_array_foreach(json_object_get(entry, "headers"), i, pair)
    {
        if (!strcasecmp(json_string_value(json_array_get(pair, 0)), name))
            want = json_string_value(json_array_get(pair, 1));
    }
    assert_string_equal(got, want);
}

static void replay(fixture_t *f, const json_t *entry)
{
    char auth[SLK_TOKEN_TEXT_MAX + 64], date[64];
    const json_t *request = json_object_get(entry, "request");
    const char *method = json_string_value(json_object_get(entry, "http_method"));
    const char *want = json_string_value(json_object_get(entry, "body"));
    char *body = json_is_string(request) ? strdup(json_string_value(request))
                 : request               ? json_dumps(request, JSON_COMPACT)
                                         : strdup("");
    authorization(auth, sizeof auth, f, entry);
    int fd = raw_connect(f->port);
    slk_text_t text = {0};
    slk_text_printf(&text,
                    "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n%s"
                    "Content-Length: %zu\r\n\r\n%s",
                    method ? method : "POST", json_string_value(json_object_get(entry, "path")),
                    auth, strlen(body), body);
    raw_answer_t a;
    assert_true(raw_send(fd, text.data, text.len));
    assert_true(raw_read(fd, &a, false));
    assert_int_equal(a.status, json_integer_value(json_object_get(entry, "status")));
    assert_string_equal(a.body, want);
    compare_header(&a, entry, "Content-Type");
    compare_header(&a, entry, "Content-Length");
    compare_header(&a, entry, "X-Content-Type-Options");
    assert_true(raw_header(&a, "Date", date, sizeof date));
    close(fd);
    free(a.body);
    free(body);
    slk_text_free(&text);
}

static void test_recorded_errors(void **state)
{
    fixture_t *f = *state;
    json_t *entries = test_vectors("lotus-rpc/http-errors.json");
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        if (!strcmp(json_string_value(json_object_get(entry, "path")), "/rpc/v2")) {
            json_t *answer = json_loads(json_string_value(json_object_get(entry, "body")), 0, NULL);
            f->tipset = json_incref(json_object_get(answer, "result"));
            json_decref(answer);
        }
        replay(f, entry);
    }
    assert_int_equal(i, 40);
    json_decref(entries);
}

/* --- What the recordings do not have ------------------------------------------------------- */

static void expect(const fixture_t *f, const char *body, int status, const char *want)
{
    char head[256];
    raw_answer_t a;
    int fd = raw_connect(f->port);
    snprintf(head, sizeof head, "POST /rpc/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             strlen(body));
    assert_true(raw_text(fd, head) && raw_text(fd, body) && raw_read(fd, &a, false));
    assert_string_equal(a.body, want);
    assert_int_equal(a.status, status);
    free(a.body);
    close(fd);
}

static void test_odd_requests(void **state)
{
    static const char parse[] = "{\"error\":{\"code\":-32700,\"message\":\"Parse "
                                "error\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n";
    static const struct {
        const char *body;
        int status;
        const char *want;
    } rows[] = {
        {"5", 500, parse},
        {"\"x\"", 500, parse},
        {"null", 500, parse},
        {"{\"id\":1,\"method\":5}", 500, parse},
        {"{\"id\":1,\"method\":\"Test.Echo\"} x", 500, parse},
        {"{\"id\":1,\"method\":\"Test.Echo\",\"params\":[\"\xff\"]}", 500, parse},
        {" \r\n\t{\"id\":1,\"method\":\"Test.Echo\",\"params\":[1,\"a\"]}\n", 200,
         "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[1,\"a\"]}\n"},
        {"{\"id\":\"a\\\"b\",\"method\":\"Test.Echo\"}", 200,
         "{\"id\":\"a\\\"b\",\"jsonrpc\":\"2.0\",\"result\":[]}\n"},
        {"{\"id\":true,\"method\":\"Test.Echo\"}", 500,
         "{\"error\":{\"code\":-32700,\"message\":\"failed to parse ID: invalid id type: "
         "bool\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n"},
        {"{\"id\":1,\"method\":\"Test.Echo\",\"params\":{}}", 500,
         "{\"error\":{\"code\":-32700,\"message\":\"unmarshaling param array: json: cannot "
         "unmarshal "
         "object into Go value of type []jsonrpc.param\"},\"id\":1,\"jsonrpc\":\"2.0\"}\n"},
        {"{\"id\":1}", 500,
         "{\"error\":{\"code\":-32601,\"message\":\"method '' not "
         "found\"},\"id\":1,\"jsonrpc\":\"2.0\"}\n"},
        {"{\"id\":7,\"method\":\"Test.WithData\"}", 200,
         "{\"error\":{\"code\":3,\"message\":\"reverted: "
         "\\u003c\\\"\\ufffd\\\"\\u003e\\n\",\"meta\":true,"
         "\"data\":{\"exit\":16}},\"id\":7,\"jsonrpc\":\"2.0\"}\n"},
        {"{\"method\":\"Test.WithData\"}", 200, ""},
        {"{\"method\":\"No.Such\"}", 500,
         "{\"error\":{\"code\":-32601,\"message\":\"method 'No.Such' not found\"},\"id\":null,"
         "\"jsonrpc\":\"2.0\"}\n"},
        {"[{\"method\":\"Test.Echo\"},{\"id\":2,\"method\":\"Test.Echo\"}]", 200,
         "[{\"id\":2,\"jsonrpc\":\"2.0\",\"result\":[]}\n]"},
        {"[{\"method\":\"Test.Echo\"}]", 200, ""},
        {"[1]", 200,
         "[{\"error\":{\"code\":-32700,\"message\":\"Parse "
         "error\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(*state, rows[i].body, rows[i].status, rows[i].want);
}

/* Many lists in few bytes would take gigabytes as a tree. */
static void test_costly_json(void **state)
{
    (void)state;
    const size_t len = (size_t)3 << 20;
    char *text = malloc(len);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 1; i < len; i++)
        text[i] = "[],"[(i - 1) % 3];
    assert_null(slk_json_parse(text, len, &diag));
    assert_non_null(strstr(diag.text, "memory"));
    memset(text, '[', len);
    assert_null(slk_json_parse(text, len, &diag));
    for (size_t i = 1; i < len; i++)
        text[i] = "1,"[(i - 1) % 2];
    text[len - 1] = ']';
    text[len - 2] = ' ';
    json_t *numbers = slk_json_parse(text, len, &diag);
    assert_true(json_array_size(numbers) > len / 2 - 4);
    json_decref(numbers);
    free(text);
}

static void test_token_argument(void **state)
{
    fixture_t *f = *state;
    char token[SLK_TOKEN_TEXT_MAX], request[2048];
    static const char body[] = "{\"id\":1,\"method\":\"Filecoin.WalletList\"}";
    slk_token_new(token, &f->key, slk_perms_upto(SLK_PERM_WRITE));
    for (int bad = 0; bad < 2; bad++) {
        snprintf(request, sizeof request,
                 "POST /rpc/v1?token=%s%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                 token, bad ? "x" : "", strlen(body), body);
        raw_answer_t a;
        int fd = raw_connect(f->port);
        assert_true(raw_text(fd, request) && raw_read(fd, &a, false));
        assert_int_equal(a.status, bad ? 401 : 200);
        assert_string_equal(a.body, bad ? "" : "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":null}\n");
        free(a.body);
        close(fd);
    }
}

/* --- The client over HTTP ------------------------------------------------------------------ */

typedef struct {
    const fixture_t *f;
    slk_http_client_t *client;
    int calls, good;
} caller_t;

static void *call_many(void *ctx)
{
    caller_t *c = ctx;
    char url[64], params[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v1", c->f->port);
    for (int i = 0; i < c->calls; i++) {
        slk_rpc_answer_t a;
        snprintf(params, sizeof params, "[%d]", i);
        const slk_rpc_http_call_t call = {
            .url = url, .method = "Test.Echo", .params = params, .repeatable = true};
        slk_err_t err = slk_rpc_http(c->client, &call, &a, NULL);
        c->good += err == SLK_OK && !a.failed && a.outcome == SLK_HTTP_ANSWERED &&
                   json_integer_value(json_array_get(a.result, 0)) == i;
        slk_rpc_answer_free(&a);
    }
    return NULL;
}

static double run_callers(const fixture_t *f, int threads, int calls)
{
    pthread_t ids[64];
    caller_t callers[64];
    slk_http_client_t *client;
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    double begin = slk_clock_seconds();
    for (int i = 0; i < threads; i++) {
        callers[i] = (caller_t){.f = f, .client = client, .calls = calls};
        assert_int_equal(pthread_create(&ids[i], NULL, call_many, &callers[i]), 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(callers[i].good, calls);
    }
    double seconds = slk_clock_seconds() - begin;
    slk_http_client_free(client);
    return seconds;
}

static void test_many_callers(void **state)
{
    run_callers(*state, 50, 100);
}

static void test_client_errors(void **state)
{
    fixture_t *f = *state;
    char url[64];
    slk_http_client_t *client;
    slk_rpc_answer_t a;
    const slk_http_client_opts_t opts = {.connect_ms = 2000, .total_ms = 5000};
    assert_ok(slk_http_client_new(&client, &opts, &diag), diag);
    slk_rpc_http_call_t call = {.url = url, .method = "Filecoin.StateGetActor", .params = "[1,2]"};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v1", f->port);
    assert_ok(slk_rpc_http(client, &call, &a, &diag), diag);
    assert_true(a.failed);
    assert_int_equal(a.code, 1);
    assert_string_equal(a.message, "actor not found");
    assert_err(SLK_ERR_STATE, slk_rpc_answer_check(&a, call.method, &diag));
    assert_string_equal(diag.text, "Filecoin.StateGetActor: actor not found (code 1)");
    slk_rpc_answer_free(&a);
    call.method = "No.Such"; /* status 500 with an answer in it */
    assert_ok(slk_rpc_http(client, &call, &a, &diag), diag);
    assert_int_equal(a.code, SLK_RPC_NO_METHOD);
    slk_rpc_answer_free(&a);
    call.token = "SECRET.SECRET.SECRET";
    assert_err(SLK_ERR_PERM, slk_rpc_http(client, &call, &a, &diag));
    assert_null(strstr(diag.text, "SECRET"));
    call.token = NULL;
    call.method = "Test.Drop";
    call.params = NULL;
    assert_err(SLK_ERR_IO, slk_rpc_http(client, &call, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NO_ANSWER);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", f->port);
    assert_err(SLK_ERR_NOTFOUND, slk_rpc_http(client, &call, &a, &diag));
    snprintf(url, sizeof url, "http://127.0.0.1:1/");
    assert_err(SLK_ERR_IO, slk_rpc_http(client, &call, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NOT_SENT);
    slk_http_client_free(client);
}

static void *wait_call(void *ctx)
{
    caller_t *c = ctx;
    char url[64];
    slk_rpc_answer_t a;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v1", c->f->port);
    const slk_rpc_http_call_t call = {.url = url, .method = "Test.Wait", .total_ms = 15000};
    slk_err_t err = slk_rpc_http(c->client, &call, &a, NULL);
    c->good = err == SLK_ERR_CANCELLED && a.outcome == SLK_HTTP_NO_ANSWER;
    slk_rpc_answer_free(&a);
    return NULL;
}

/* Waiting calls have a number of their own, and see that their caller has gone. */
static void test_waiting_calls(void **state)
{
    fixture_t *f = *state;
    pthread_t ids[2];
    caller_t callers[2];
    slk_http_client_t *client, *other;
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    assert_ok(slk_http_client_new(&other, NULL, &diag), diag);
    for (int i = 0; i < 2; i++) {
        callers[i] = (caller_t){.f = f, .client = client};
        assert_int_equal(pthread_create(&ids[i], NULL, wait_call, &callers[i]), 0);
    }
    usleep(300000);
    char url[64];
    slk_rpc_answer_t a;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v1", f->port);
    slk_rpc_http_call_t call = {.url = url, .method = "Test.Wait", .total_ms = 15000};
    assert_ok(slk_rpc_http(other, &call, &a, &diag), diag);
    assert_true(a.failed);
    assert_non_null(strstr(a.message, "too many waiting calls"));
    slk_rpc_answer_free(&a);
    slk_http_client_stop(client);
    for (int i = 0; i < 2; i++) {
        pthread_join(ids[i], NULL);
        assert_true(callers[i].good);
    }
    slk_http_client_free(client);
    /* Once the server has noticed, there is room again; cancelled by a job this time. */
    usleep(1200000);
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    call.job = &job;
    assert_err(SLK_ERR_CANCELLED, slk_rpc_http(other, &call, &a, &diag));
    slk_rpc_answer_free(&a);
    slk_http_client_free(other);
}

static void test_trouble_on_command(void **state)
{
    fixture_t *f = *state;
    char url[64];
    slk_http_client_t *client;
    slk_rpc_answer_t a;
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v2", f->port);
    const slk_rpc_http_call_t call = {
        .url = url, .method = "Filecoin.ChainGetTipSet", .params = "[0]"};
    atomic_store(&f->trouble, 1);
    assert_ok(slk_rpc_http(client, &call, &a, &diag), diag);
    assert_true(a.failed);
    assert_string_equal(a.message, "Filecoin.ChainGetTipSet: down");
    slk_rpc_answer_free(&a);
    atomic_store(&f->trouble, 2);
    assert_err(SLK_ERR_IO, slk_rpc_http(client, &call, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NO_ANSWER);
    atomic_store(&f->trouble, 0);
    assert_ok(slk_rpc_http(client, &call, &a, &diag), diag);
    assert_false(a.failed);
    slk_rpc_answer_free(&a);
    slk_http_client_free(client);
}

/* `test_jsonrpc bench`: requests a second over kept connections. */
static int bench(void)
{
    void *state;
    setup(&state);
    static const int threads[] = {1, 2, 4, 16, 50};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        int calls = 20000 / threads[i];
        double seconds = run_callers(state, threads[i], calls);
        printf("%2d clients: %6.0f requests/s\n", threads[i], threads[i] * calls / seconds);
    }
    return teardown(&state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_errors), cmocka_unit_test(test_odd_requests),
        cmocka_unit_test(test_costly_json),     cmocka_unit_test(test_token_argument),
        cmocka_unit_test(test_many_callers),    cmocka_unit_test(test_client_errors),
        cmocka_unit_test(test_waiting_calls),   cmocka_unit_test(test_trouble_on_command),
    };
    if (argc == 2 && !strcmp(argv[1], "bench"))
        return bench();
    return cmocka_run_group_tests(tests, setup, teardown);
}
