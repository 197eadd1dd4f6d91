#include "net/test_raw.h"

#include "net/jsonrpc_client.h"
#include "net/jsonrpc_server.h"
#include "net/ws_frames.h"

#include <pthread.h>
#include <stdatomic.h>

#define PING_MS    200
#define SILENCE_MS 1500

static slk_diag_t diag;

typedef struct {
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    slk_token_key_t key;
    uint16_t port;
    json_t *frames;       /* of the recording to be replayed */
    atomic_int ended;     /* channels that the client ended */
    atomic_int cancelled; /* calls that saw slk_rpc_gone */
    atomic_int floods;    /* that ended because nobody listens */
} fixture_t;

/* --- Methods ------------------------------------------------------------------------------- */

static void on_end(void *ctx)
{
    atomic_fetch_add(&((fixture_t *)ctx)->ended, 1);
}

/* A channel that stays open after its method has returned, closed by the test's thread below. */
typedef struct {
    fixture_t *f;
    slk_rpc_channel_t *channel;
    size_t bytes;
} feeder_t;

static void send_recorded(fixture_t *f, slk_rpc_channel_t *channel)
{
    size_t i;
    json_t *frame;
    json_array_foreach(f->frames, i, frame)
    {
        json_t *text = json_object_get(frame, "text");
        const char *method = json_string_value(json_object_get(text, "method"));
        if (!method || strcmp(method, "xrpc.ch.val"))
            continue;
        char *value = json_dumps(json_array_get(json_object_get(text, "params"), 1), JSON_COMPACT);
        assert_true(slk_rpc_channel_send(channel, value, strlen(value)));
        free(value);
    }
}

static void *hold_open(void *ctx)
{
    feeder_t *feeder = ctx;
    while (slk_rpc_channel_send(feeder->channel, "0", 1))
        usleep(20000);
    slk_rpc_channel_close(feeder->channel);
    free(feeder);
    return NULL;
}

static void feed_in_thread(fixture_t *f, slk_rpc_channel_t *channel, void *(*fn)(void *),
                           size_t bytes)
{
    feeder_t *feeder = malloc(sizeof *feeder);
    pthread_t thread;
    *feeder = (feeder_t){f, channel, bytes};
    assert_int_equal(pthread_create(&thread, NULL, fn, feeder), 0);
    pthread_detach(thread);
}

static void *wait_for_end(void *ctx)
{
    feeder_t *feeder = ctx;
    while (atomic_load(&feeder->f->ended) == (int)feeder->bytes)
        usleep(5000);
    slk_rpc_channel_close(feeder->channel);
    free(feeder);
    return NULL;
}

/* Sends the recorded values at once: they must wait for the answer. */
static void chain_notify(slk_rpc_call_t *call, void *ctx)
{
    fixture_t *f = ctx;
    slk_rpc_channel_t *channel = slk_rpc_channel_open(call, on_end, f);
    if (!channel)
        return;
    send_recorded(f, channel);
    feed_in_thread(f, channel, wait_for_end, (size_t)atomic_load(&f->ended));
}

static void count_up(slk_rpc_call_t *call, void *ctx)
{
    slk_rpc_channel_t *channel = slk_rpc_channel_open(call, NULL, NULL);
    json_int_t cnt = json_integer_value(slk_rpc_param(call, 0));
    (void)ctx;
    for (json_int_t i = 0; channel && i < cnt; i++) {
        char text[32];
        slk_rpc_channel_send(channel, text, (size_t)snprintf(text, sizeof text, "%d", (int)i));
    }
    if (channel)
        slk_rpc_channel_close(channel);
}

static void ticks(slk_rpc_call_t *call, void *ctx)
{
    fixture_t *f = ctx;
    slk_rpc_channel_t *channel = slk_rpc_channel_open(call, on_end, f);
    if (channel)
        feed_in_thread(f, channel, hold_open, 0);
}

static void *flood(void *ctx)
{
    feeder_t *feeder = ctx;
    char *big = malloc(feeder->bytes + 2);
    memset(big, 'x', feeder->bytes + 2);
    big[0] = big[feeder->bytes + 1] = '"';
    while (slk_rpc_channel_send(feeder->channel, big, feeder->bytes + 2))
        continue;
    slk_rpc_channel_close(feeder->channel);
    atomic_fetch_add(&feeder->f->floods, 1);
    free(big);
    free(feeder);
    return NULL;
}

static void flood_me(slk_rpc_call_t *call, void *ctx)
{
    fixture_t *f = ctx;
    slk_rpc_channel_t *channel = slk_rpc_channel_open(call, NULL, NULL);
    feed_in_thread(f, channel, flood, 100000);
}

static void network_name(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_answer_text(call, "\"localnet-2k\"", 13);
}

static void echo(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_answer(call, json_incref(slk_rpc_param(call, 0)));
}

static void wait_until_gone(slk_rpc_call_t *call, void *ctx)
{
    for (int i = 0; i < 2000 && !slk_rpc_gone(call); i++)
        usleep(5000);
    atomic_fetch_add(&((fixture_t *)ctx)->cancelled, slk_rpc_gone(call));
}

static void drop(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_drop(call);
}

static const slk_rpc_method_t methods[] = {
    {"Filecoin.ChainNotify", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, chain_notify},
    {"Filecoin.StateNetworkName", SLK_PERM_READ, 0, 0, 0, network_name},
    {"Test.CountUp", SLK_PERM_READ, 1, 1, SLK_RPC_CHANNEL, count_up},
    {"Test.Ticks", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, ticks},
    {"Test.Flood", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, flood_me},
    {"Test.Echo", SLK_PERM_READ, 1, 1, 0, echo},
    {"Test.Wait", SLK_PERM_WRITE, 0, 0, SLK_RPC_WAITS, wait_until_gone},
    {"Test.Drop", SLK_PERM_READ, 0, 0, 0, drop},
};

static void start_server(fixture_t *f, uint16_t port)
{
    const slk_http_route_t route = slk_rpc_route("/rpc/v1", f->api);
    const slk_http_server_opts_t opts = {.port = port,
                                         .routes = &route,
                                         .route_cnt = 1,
                                         .key = &f->key,
                                         .anonymous = SLK_PERM_READ,
                                         .ws_message_max = 1 << 20,
                                         .ws_queue_max = 1 << 20,
                                         .ws_ping_ms = PING_MS,
                                         .ws_silence_ms = SILENCE_MS};
    assert_ok(slk_http_server_new(&f->server, &opts, &diag), diag);
    f->port = slk_http_server_port(f->server);
}

static int setup(void **state)
{
    static fixture_t f;
    memset(&f, 0, sizeof f);
    assert_ok(slk_token_key_new(&f.key, &diag), diag);
    const slk_rpc_api_opts_t opts = {.methods = methods,
                                     .method_cnt = sizeof methods / sizeof methods[0],
                                     .ctx = &f,
                                     .socket_calls = 16};
    assert_ok(slk_rpc_api_new(&f.api, &opts, &diag), diag);
    start_server(&f, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    slk_http_server_free(f->server, 500);
    slk_rpc_api_free(f->api);
    usleep(50000); /* detached threads of channels that just ended */
    return 0;
}

/* --- A socket that shows each frame -------------------------------------------------------- */

typedef struct {
    int fd;
    slk_ws_frames_t *frames;
    char *texts[64];
    unsigned cnt;
} peer_t;

static ssize_t peer_recv(void *ctx, void *bytes, size_t len)
{
    ssize_t n = recv(((peer_t *)ctx)->fd, bytes, len, MSG_DONTWAIT);
    return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

static ssize_t peer_send(void *ctx, const void *bytes, size_t len)
{
    return send(((peer_t *)ctx)->fd, bytes, len, MSG_NOSIGNAL);
}

static void peer_message(void *ctx, char *text, size_t len)
{
    (void)len;
    peer_t *p = ctx;
    assert_true(p->cnt < 64);
    p->texts[p->cnt++] = text;
}

/* The handshake of the recording; what does not change must be the same. */
static int handshake(uint16_t port)
{
    int fd = raw_connect(port);
    raw_answer_t a;
    char value[128];
    assert_true(raw_text(fd,
                         "GET /rpc/v1 HTTP/1.1\r\nHost: 127.0.0.1:1234\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Key: RvWYVcWsms+5wug+tx0cEg==\r\n"
                         "Sec-WebSocket-Version: 13\r\n\r\n"));
    assert_true(raw_read(fd, &a, true));
    assert_int_equal(a.status, 101);
    assert_non_null(strstr(a.headers, "101 Switching Protocols\r\n"));
    assert_true(raw_header(&a, "Upgrade", value, sizeof value));
    assert_string_equal(value, "websocket");
    assert_true(raw_header(&a, "Connection", value, sizeof value));
    assert_string_equal(value, "Upgrade");
    assert_true(raw_header(&a, "Sec-WebSocket-Accept", value, sizeof value));
    assert_string_equal(value, "3do1rQ2jGZRzogNRHfOLFXF9XOY=");
    free(a.body);
    return fd;
}

static void peer_open(peer_t *p, uint16_t port)
{
    *p = (peer_t){.fd = handshake(port)};
    const slk_ws_frames_opts_t opts = {.client = true,
                                       .message_max = 1 << 20,
                                       .recv = peer_recv,
                                       .send = peer_send,
                                       .message = peer_message,
                                       .ctx = p};
    assert_ok(slk_ws_frames_new(&p->frames, &opts, &diag), diag);
}

static bool peer_step(peer_t *p)
{
    const char *why;
    bool ok = slk_ws_frames_read(p->frames, &why) && slk_ws_frames_write(p->frames, &why);
    usleep(2000);
    return ok;
}

static void peer_wait(peer_t *p, unsigned cnt)
{
    for (int i = 0; i < 5000 && p->cnt < cnt; i++)
        assert_true(peer_step(p));
    assert_true(p->cnt >= cnt);
}

static void peer_close(peer_t *p)
{
    slk_ws_frames_free(p->frames);
    for (unsigned i = 0; i < p->cnt; i++)
        free(p->texts[i]);
    close(p->fd);
}

static void assert_json(const char *text, const json_t *want)
{
    json_t *got = json_loads(text, 0, NULL);
    if (!json_equal(got, want))
        fail_msg("%s", text);
    json_decref(got);
}

/* --- Recordings ---------------------------------------------------------------------------- */

static void replay(fixture_t *f, const char *name)
{
    json_t *recording = test_vectors(name);
    f->frames = json_object_get(recording, "frames");
    peer_t p;
    peer_open(&p, f->port);
    size_t i;
    unsigned seen = 0;
    json_t *frame;
    json_array_foreach(f->frames, i, frame)
    {
        json_t *text = json_object_get(frame, "text");
        if (!text)
            continue; /* a ping */
        if (!strcmp(json_string_value(json_object_get(frame, "dir")), "client->server")) {
            char *out = json_dumps(text, JSON_COMPACT);
            assert_true(slk_ws_frames_text(p.frames, out, strlen(out)));
            free(out);
            continue;
        }
        peer_wait(&p, ++seen);
        assert_json(p.texts[seen - 1], text);
    }
    assert_int_equal(p.cnt, seen);
    peer_close(&p);
    json_decref(recording);
    f->frames = NULL;
}

static void wait_ended(fixture_t *f, int want)
{
    for (int i = 0; i < 2000 && atomic_load(&f->ended) < want; i++)
        usleep(5000);
    assert_int_equal(atomic_load(&f->ended), want);
}

static void test_recorded(void **state)
{
    fixture_t *f = *state;
    int before = atomic_load(&f->ended);
    replay(f, "lotus-rpc/ChainNotify.json"); /* ends by xrpc.cancel */
    wait_ended(f, before + 1);
    replay(f, "lotus-rpc/ChainNotify-reorg.json"); /* ends by closing the socket */
    wait_ended(f, before + 2);
}

/* --- Peers that behave badly --------------------------------------------------------------- */

/* A masked frame with a key of zeros: the payload is as it is. */
static size_t make_frame(uint8_t *out, uint8_t first, const void *payload, uint8_t len)
{
    out[0] = first;
    out[1] = 0x80 | len;
    memset(out + 2, 0, 4);
    memcpy(out + 6, payload, len);
    return (size_t)len + 6;
}

static void test_bad_frames(void **state)
{
    fixture_t *f = *state;
    static const struct {
        const char *what;
        uint8_t bytes[16];
        size_t len;
    } rows[] = {
        {"not masked", {0x81, 0x02, '{', '}'}, 4},
        {"reserved bit", {0xc1, 0x80, 0, 0, 0, 0}, 6},
        {"unknown opcode", {0x83, 0x80, 0, 0, 0, 0}, 6},
        {"continuation of nothing", {0x80, 0x80, 0, 0, 0, 0}, 6},
        {"fragmented ping", {0x09, 0x80, 0, 0, 0, 0}, 6},
        {"long ping", {0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0}, 8},
        {"length not minimal", {0x81, 0xfe, 0x00, 0x01, 0, 0, 0, 0, '{'}, 9},
        {"63 bits of length",
         {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, '{'},
         15},
        {"64 bits of length",
         {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
         14},
        {"no UTF-8", {0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe}, 8},
        {"close with half a status", {0x88, 0x81, 0, 0, 0, 0, 3}, 7},
        {"2 MiB announced", {0x81, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, '{'}, 15},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = handshake(f->port);
        assert_true(raw_send(fd, rows[i].bytes, rows[i].len));
        if (!raw_wait_close(fd))
            fail_msg("not closed: %s", rows[i].what);
        close(fd);
    }
    /* More than a message may have, in fragments that each are short enough. */
    int fd = handshake(f->port);
    uint8_t frame[256], payload[120];
    memset(payload, ' ', sizeof payload);
    bool sent = true;
    for (int i = 0; sent && i < 10000; i++)
        sent = raw_send(fd, frame, make_frame(frame, i ? 0x00 : 0x01, payload, sizeof payload));
    assert_true(raw_wait_close(fd));
    close(fd);
}

static void test_fragments_and_binary(void **state)
{
    fixture_t *f = *state;
    static const char text[] = "{\"id\":1,\"method\":\"Test.Echo\",\"params\":[\"\xc3\xa4\"]}";
    peer_t p;
    uint8_t frame[256];
    peer_open(&p, f->port);
    const size_t cut = sizeof text - 6; /* inside the two bytes of a letter */
    assert_true(raw_send(p.fd, frame, make_frame(frame, 0x01, text, (uint8_t)cut)));
    assert_true(raw_send(p.fd, frame, make_frame(frame, 0x89, "ping", 4)));
    assert_true(raw_send(p.fd, frame,
                         make_frame(frame, 0x80, text + cut, (uint8_t)(sizeof text - 1 - cut))));
    peer_wait(&p, 1);
    assert_string_equal(p.texts[0], "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":\"\xc3\xa4\"}\n");
    assert_true(raw_send(p.fd, frame, make_frame(frame, 0x82, text, sizeof text - 1)));
    peer_wait(&p, 2);
    assert_string_equal(p.texts[1], p.texts[0]);
    static const char batch[] = "[{\"id\":1,\"method\":\"Test.Echo\",\"params\":[2]},{\"id\":2,"
                                "\"method\":\"Test.Ticks\"},{\"method\":5}]";
    assert_true(slk_ws_frames_text(p.frames, batch, sizeof batch - 1));
    peer_wait(&p, 3);
    assert_non_null(strstr(p.texts[2], "\"result\":2"));
    assert_non_null(strstr(p.texts[2], "not supported in this mode"));
    assert_true(slk_ws_frames_text(p.frames, "{", 1));
    peer_wait(&p, 4);
    assert_non_null(strstr(p.texts[3], "Parse error"));
    peer_close(&p);
}

static void test_bad_handshakes(void **state)
{
    fixture_t *f = *state;
#define UPGRADE                                                                                    \
    "GET /rpc/v1 HTTP/1.1\r\nHost: x:1\r\nUpgrade: websocket\r\nConnection: keep-alive, "          \
    "Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: RvWYVcWsms+5wug+tx0cEg==\r\n"
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {UPGRADE KEY "Sec-WebSocket-Version: 13\r\n\r\n", 101},
        {UPGRADE KEY "Sec-WebSocket-Version: 13\r\nOrigin: http://x:1\r\n\r\n", 101},
        {UPGRADE KEY "Sec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n\r\n", 403},
        {UPGRADE KEY "Sec-WebSocket-Version: 13\r\nOrigin: null\r\n\r\n", 403},
        {UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 400},
        {UPGRADE KEY "\r\n", 400},
        {UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n", 400},
        {UPGRADE "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n", 400},
        {UPGRADE KEY "Sec-WebSocket-Version: 13\r\nAuthorization: Bearer x.y.z\r\n\r\n", 401},
        {"GET /rpc/v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(raw_status(f->port, rows[i].request), rows[i].status);
}

static void test_slow_reader(void **state)
{
    fixture_t *f = *state;
    static const char call[] = "{\"id\":1,\"method\":\"Test.Flood\"}";
    uint8_t frame[64];
    int fd = handshake(f->port);
    assert_true(raw_send(fd, frame, make_frame(frame, 0x81, call, sizeof call - 1)));
    for (int i = 0; i < 2000 && !atomic_load(&f->floods); i++)
        usleep(5000);
    assert_int_equal(atomic_load(&f->floods), 1);
    assert_true(raw_wait_close(fd));
    close(fd);
}

static void test_silent_peer(void **state)
{
    fixture_t *f = *state;
    int fd = handshake(f->port); /* answers no ping */
    double begin = slk_clock_seconds();
    assert_true(raw_wait_close(fd));
    double seconds = slk_clock_seconds() - begin;
    assert_true(seconds > SILENCE_MS / 1000.0 * 0.9 && seconds < 15);
    close(fd);
}

/* --- The client ---------------------------------------------------------------------------- */

typedef struct {
    atomic_int up, down;
} ups_t;

static void on_state(void *ctx, slk_err_t err, const char *why)
{
    ups_t *ups = ctx;
    assert_non_null(why);
    assert_null(strstr(why, "eyJ"));
    atomic_fetch_add(err == SLK_OK ? &ups->up : &ups->down, 1);
}

static slk_rpc_ws_t *connect_ws(const fixture_t *f, slk_rpc_ws_opts_t opts)
{
    char url[64], token[SLK_TOKEN_TEXT_MAX];
    slk_rpc_ws_t *ws;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/rpc/v1", f->port);
    slk_token_new(token, &f->key, slk_perms_upto(SLK_PERM_WRITE));
    opts.url = url;
    opts.token = token;
    assert_ok(slk_rpc_ws_new(&ws, &opts, &diag), diag);
    return ws;
}

static void call_ok(slk_rpc_ws_t *ws, const char *method, const char *params, const char *want)
{
    slk_rpc_answer_t a;
    assert_ok(slk_rpc_ws_call(ws, method, params, 20000, NULL, &a, &diag), diag);
    char *got = json_dumps(a.failed ? json_null() : a.result, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(got, want);
    free(got);
    slk_rpc_answer_free(&a);
}

typedef struct {
    slk_rpc_ws_t *ws;
    int calls, good;
} caller_t;

static void *call_many(void *ctx)
{
    caller_t *c = ctx;
    for (int i = 0; i < c->calls; i++) {
        char params[32];
        slk_rpc_answer_t a;
        snprintf(params, sizeof params, "[%d]", i);
        slk_err_t err = slk_rpc_ws_call(c->ws, "Test.Echo", params, 60000, NULL, &a, NULL);
        c->good += err == SLK_OK && !a.failed && json_integer_value(a.result) == i;
        slk_rpc_answer_free(&a);
    }
    return NULL;
}

static double run_callers(const fixture_t *f, int sockets, int threads, int calls)
{
    slk_rpc_ws_t *ws[16];
    caller_t callers[64];
    pthread_t ids[64];
    for (int i = 0; i < sockets; i++) {
        ws[i] = connect_ws(f, (slk_rpc_ws_opts_t){0});
        assert_ok(slk_rpc_ws_wait(ws[i], 20000, NULL, &diag), diag);
    }
    double begin = slk_clock_seconds();
    for (int i = 0; i < threads; i++) {
        callers[i] = (caller_t){.ws = ws[i % sockets], .calls = calls};
        assert_int_equal(pthread_create(&ids[i], NULL, call_many, &callers[i]), 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(callers[i].good, calls);
    }
    double seconds = slk_clock_seconds() - begin;
    for (int i = 0; i < sockets; i++)
        slk_rpc_ws_free(ws[i]);
    return seconds;
}

/* More threads on one socket than it may have calls at a time. */
static void test_many_callers(void **state)
{
    run_callers(*state, 2, 50, 60);
}

static void test_channel(void **state)
{
    fixture_t *f = *state;
    slk_rpc_ws_t *ws = connect_ws(f, (slk_rpc_ws_opts_t){.values_max = 300});
    slk_rpc_sub_t *sub;
    slk_rpc_answer_t a;
    json_t *value;
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Test.CountUp", "[200]", 20000, NULL, &a, &diag),
              diag);
    slk_rpc_answer_free(&a);
    for (int i = 0; i < 200; i++) {
        assert_ok(slk_rpc_sub_next(sub, &value, 20000, NULL, &diag), diag);
        assert_int_equal(json_integer_value(value), i);
        json_decref(value);
    }
    for (int i = 0; i < 2; i++) {
        assert_err(SLK_ERR_STATE, slk_rpc_sub_next(sub, &value, 20000, NULL, &diag));
        assert_string_equal(diag.text, "channel: closed by the server");
    }
    slk_rpc_sub_free(sub);
    /* Not taken fast enough. */
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Test.CountUp", "[400]", 20000, NULL, &a, &diag),
              diag);
    slk_rpc_answer_free(&a);
    call_ok(ws, "Test.Echo", "[7]", "7");
    usleep(300000);
    slk_err_t err = SLK_OK;
    int cnt = 0;
    while (err == SLK_OK && (err = slk_rpc_sub_next(sub, &value, 20000, NULL, &diag)) == SLK_OK) {
        json_decref(value);
        cnt++;
    }
    assert_int_equal(err, SLK_ERR_LENGTH);
    assert_int_equal(cnt, 300);
    slk_rpc_sub_free(sub);
    /* Cancelled by us: the server is told. */
    int ended = atomic_load(&f->ended);
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Test.Ticks", NULL, 20000, NULL, &a, &diag), diag);
    slk_rpc_answer_free(&a);
    assert_ok(slk_rpc_sub_next(sub, &value, 20000, NULL, &diag), diag);
    json_decref(value);
    slk_rpc_sub_free(sub);
    wait_ended(f, ended + 1);
    /* An error instead of a channel. */
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "No.Such", NULL, 20000, NULL, &a, &diag), diag);
    assert_null(sub);
    assert_int_equal(a.code, SLK_RPC_NO_METHOD);
    slk_rpc_answer_free(&a);
    slk_rpc_ws_free(ws);
}

static void test_cancelled_calls(void **state)
{
    fixture_t *f = *state;
    slk_rpc_ws_t *ws = connect_ws(f, (slk_rpc_ws_opts_t){0});
    slk_rpc_answer_t a;
    int cancelled = atomic_load(&f->cancelled);
    assert_ok(slk_rpc_ws_wait(ws, 20000, NULL, &diag), diag);
    assert_err(SLK_ERR_TIMEOUT, slk_rpc_ws_call(ws, "Test.Wait", NULL, 300, NULL, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NO_ANSWER);
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    assert_err(SLK_ERR_CANCELLED, slk_rpc_ws_call(ws, "Test.Wait", NULL, 20000, &job, &a, &diag));
    for (int i = 0; i < 2000 && atomic_load(&f->cancelled) < cancelled + 1; i++)
        usleep(5000);
    assert_true(atomic_load(&f->cancelled) >= cancelled + 1);
    call_ok(ws, "Test.Echo", "[[1,{\"a\":null}]]", "[1,{\"a\":null}]");
    /* The connection is cut instead of an answer; it comes back by itself. */
    assert_err(SLK_ERR_IO, slk_rpc_ws_call(ws, "Test.Drop", NULL, 20000, NULL, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NO_ANSWER);
    call_ok(ws, "Test.Echo", "[1]", "1");
    slk_rpc_ws_free(ws);
}

static void test_bad_token(void **state)
{
    fixture_t *f = *state;
    char url[64];
    slk_rpc_ws_t *ws;
    slk_rpc_answer_t a;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/rpc/v1", f->port);
    const slk_rpc_ws_opts_t opts = {.url = url, .token = "SECRET.SECRET.SECRET"};
    assert_ok(slk_rpc_ws_new(&ws, &opts, &diag), diag);
    assert_err(SLK_ERR_TIMEOUT, slk_rpc_ws_call(ws, "Test.Echo", "[1]", 500, NULL, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NOT_SENT);
    assert_non_null(strstr(diag.text, "401"));
    assert_null(strstr(diag.text, "SECRET"));
    slk_rpc_ws_free(ws);
}

static void *wait_call(void *ctx)
{
    caller_t *c = ctx;
    slk_rpc_answer_t a;
    slk_err_t err = slk_rpc_ws_call(c->ws, "Test.Wait", NULL, 30000, NULL, &a, NULL);
    c->good = err == SLK_ERR_IO && a.outcome == SLK_HTTP_NO_ANSWER;
    return NULL;
}

/* The server ends with calls in flight and a channel open, and another begins in its place. */
static void test_server_restart(void **state)
{
    fixture_t *f = *state;
    ups_t ups = {0};
    slk_rpc_ws_t *ws = connect_ws(f, (slk_rpc_ws_opts_t){.state = on_state, .state_ctx = &ups});
    slk_rpc_sub_t *sub;
    slk_rpc_answer_t a;
    json_t *value;
    pthread_t thread;
    caller_t caller = {.ws = ws};
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Test.Ticks", NULL, 20000, NULL, &a, &diag), diag);
    slk_rpc_answer_free(&a);
    assert_int_equal(pthread_create(&thread, NULL, wait_call, &caller), 0);
    usleep(200000);
    uint16_t port = f->port;
    slk_http_server_free(f->server, 200);
    pthread_join(thread, NULL);
    assert_true(caller.good);
    slk_err_t err = SLK_OK;
    while (err == SLK_OK && (err = slk_rpc_sub_next(sub, &value, 20000, NULL, &diag)) == SLK_OK)
        json_decref(value);
    assert_int_equal(err, SLK_ERR_IO);
    slk_rpc_sub_free(sub);
    assert_err(SLK_ERR_TIMEOUT, slk_rpc_ws_call(ws, "Test.Echo", "[1]", 300, NULL, &a, &diag));
    assert_int_equal(a.outcome, SLK_HTTP_NOT_SENT);
    start_server(f, port);
    call_ok(ws, "Test.Echo", "[2]", "2");
    assert_int_equal(atomic_load(&ups.up), 2);
    assert_true(atomic_load(&ups.down) >= 2); /* lost once, refused at least once */
    slk_rpc_ws_free(ws);
}

/* A server that shakes hands and then says nothing, or nonsense. */
static void test_odd_server(void **state)
{
    (void)state;
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof addr;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 4), 0);
    getsockname(fd, (struct sockaddr *)&addr, &len);
    static const char *const after[] = {NULL, "\x81\x01{", "\x81\x81{", "HTTP"};
    ups_t ups = {0};
    char url[64];
    slk_rpc_ws_t *ws;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", ntohs(addr.sin_port));
    const slk_rpc_ws_opts_t opts = {.url = url,
                                    .ping_ms = 100,
                                    .silence_ms = 400,
                                    .backoff_min_ms = 10,
                                    .backoff_max_ms = 20,
                                    .state = on_state,
                                    .state_ctx = &ups};
    assert_ok(slk_rpc_ws_new(&ws, &opts, &diag), diag);
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        char request[2048], accept_key[SLK_WS_ACCEPT_LEN + 1], answer[256];
        int peer = accept(fd, NULL, NULL);
        ssize_t n = recv(peer, request, sizeof request - 1, 0);
        assert_true(n > 0);
        request[n] = 0;
        slk_ws_accept(accept_key, strstr(request, "Sec-WebSocket-Key: ") + 19);
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n%s",
                 accept_key, after[i] ? after[i] : "");
        assert_true(raw_text(peer, answer));
        assert_true(raw_wait_close(peer));
        close(peer);
    }
    int peer = accept(fd, NULL, NULL);
    char request[2048];
    assert_true(recv(peer, request, sizeof request, 0) > 0);
    raw_text(peer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
             "Sec-WebSocket-Accept: 3do1rQ2jGZRzogNRHfOLFXF9XOY=\r\n\r\n");
    assert_true(raw_wait_close(peer));
    close(peer);
    for (int i = 0; i < 2000 && atomic_load(&ups.down) < 5; i++)
        usleep(5000);
    assert_int_equal(atomic_load(&ups.up), 4);
    slk_rpc_ws_free(ws);
    close(fd);
}

/* `test_jsonrpc_ws bench`: calls a second. */
static int bench(void)
{
    void *state;
    setup(&state);
    static const int rows[][2] = {{1, 1}, {1, 16}, {4, 4}, {4, 48}, {16, 48}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int calls = 20000 / rows[i][1];
        double seconds = run_callers(state, rows[i][0], rows[i][1], calls);
        printf("%2d sockets, %2d threads: %6.0f calls/s\n", rows[i][0], rows[i][1],
               rows[i][1] * calls / seconds);
    }
    return teardown(&state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_fragments_and_binary),
        cmocka_unit_test(test_bad_handshakes),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_silent_peer),
        cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_channel),
        cmocka_unit_test(test_cancelled_calls),
        cmocka_unit_test(test_bad_token),
        cmocka_unit_test(test_server_restart),
        cmocka_unit_test(test_odd_server),
    };
    if (argc == 2 && !strcmp(argv[1], "bench"))
        return bench();
    return cmocka_run_group_tests(tests, setup, teardown);
}
