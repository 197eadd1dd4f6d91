#include "net/jsonrpc_private.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX ((size_t)64 << 20) /* bytes of values sent before the channel's own answer */

typedef struct message {
    struct message *next;
    char *text;
    size_t len;
} message_t;

/* One websocket. Its messages are read in their order, one at a time (so that a cancel finds the
 * call it names), each by a thread that then runs the call while another reads on. */
struct slk_rpc_sock {
    atomic_uint refs;
    slk_rpc_api_t *api;
    slk_perms_t perms;
    pthread_mutex_t lock; /* guards the rest; before the websocket's own locks */
    pthread_cond_t ended; /* an on_end returned */
    slk_ws_t *ws;         /* NULL before it opened */
    bool closed, reading;
    message_t *first, **last;
    uint32_t pending; /* messages waiting and calls running */
    slk_rpc_call_t *calls;
    slk_rpc_channel_t *channels;
    uint64_t next_id;
};

struct slk_rpc_channel {
    atomic_uint refs;
    slk_rpc_sock_t *sock; /* holds a reference */
    uint64_t id;
    char *request_id;
    void (*on_end)(void *ctx);
    void *ctx;
    /* Under the socket's lock. */
    bool answered; /* the client knows the id */
    bool ended;    /* nothing is sent any more */
    bool calling;  /* on_end runs */
    bool given_up; /* the owner closed it */
    message_t *held, **held_last;
    size_t held_bytes;
    slk_rpc_channel_t *prev, *next;
};

static void free_messages(message_t *list)
{
    while (list) {
        message_t *m = list;
        list = m->next;
        free(m->text);
        free(m);
    }
}

static slk_rpc_sock_t *sock_ref(slk_rpc_sock_t *sock)
{
    atomic_fetch_add(&sock->refs, 1);
    return sock;
}

static void sock_unref(slk_rpc_sock_t *sock)
{
    if (atomic_fetch_sub(&sock->refs, 1) != 1)
        return;
    free_messages(sock->first);
    slk_ws_unref(sock->ws);
    pthread_cond_destroy(&sock->ended);
    pthread_mutex_destroy(&sock->lock);
    free(sock);
}

static void channel_unref(slk_rpc_channel_t *ch)
{
    if (atomic_fetch_sub(&ch->refs, 1) != 1)
        return;
    free_messages(ch->held);
    free(ch->request_id);
    sock_unref(ch->sock);
    free(ch);
}

/* --- Channels ------------------------------------------------------------------------------ */

/* With the lock held: take it out of the socket's list, whose reference the caller has then. */
static void unlink_channel(slk_rpc_channel_t *ch)
{
    if (ch->prev)
        ch->prev->next = ch->next;
    else
        ch->sock->channels = ch->next;
    if (ch->next)
        ch->next->prev = ch->prev;
    ch->prev = ch->next = NULL;
}

static bool send_buf(slk_rpc_sock_t *sock, slk_text_t *buf)
{
    bool ok = !buf->failed && sock->ws && slk_ws_send(sock->ws, buf->data, buf->len);
    slk_text_free(buf);
    return ok;
}

static void send_close(slk_rpc_channel_t *ch)
{
    slk_text_t buf = {0};
    slk_text_printf(&buf, "{\"jsonrpc\":\"2.0\",\"method\":\"xrpc.ch.close\",\"params\":[%llu]}",
                    (unsigned long long)ch->id);
    send_buf(ch->sock, &buf);
}

/* With the lock held, which is given up while the owner is told: the client or the socket ended
 * it. */
static void end_channel(slk_rpc_channel_t *ch, bool tell_client)
{
    slk_rpc_sock_t *sock = ch->sock;
    unlink_channel(ch);
    ch->ended = true;
    if (tell_client)
        send_close(ch);
    if (ch->on_end && !ch->given_up) {
        ch->calling = true;
        pthread_mutex_unlock(&sock->lock);
        ch->on_end(ch->ctx);
        pthread_mutex_lock(&sock->lock);
        ch->calling = false;
        pthread_cond_broadcast(&sock->ended);
    }
    /* The caller holds a reference to the socket, so its lock stays. */
    channel_unref(ch);
}

slk_rpc_channel_t *slk_rpc_channel_open(slk_rpc_call_t *call, void (*on_end)(void *ctx), void *ctx)
{
    SLK_ASSERT(call->sock && call->req.id && call->method->flags & SLK_RPC_CHANNEL &&
               !call->channel);
    slk_rpc_sock_t *sock = call->sock;
    slk_rpc_channel_t *ch = calloc(1, sizeof *ch);
    char *id = strdup(call->req.id);
    if (!ch || !id) {
        free(ch);
        free(id);
        slk_rpc_fail(call, SLK_RPC_ERROR, "out of memory");
        return NULL;
    }
    atomic_init(&ch->refs, 2); /* the owner's and the socket's */
    ch->sock = sock_ref(sock);
    ch->request_id = id;
    ch->on_end = on_end;
    ch->ctx = ctx;
    ch->held_last = &ch->held;
    pthread_mutex_lock(&sock->lock);
    bool ok = !sock->closed && !atomic_load(&call->cancelled);
    if (ok) {
        ch->id = ++sock->next_id;
        ch->next = sock->channels;
        if (ch->next)
            ch->next->prev = ch;
        sock->channels = ch;
    }
    pthread_mutex_unlock(&sock->lock);
    if (!ok) {
        atomic_store(&ch->refs, 1);
        channel_unref(ch);
        slk_rpc_fail(call, SLK_RPC_ERROR, "request context is cancelled");
        return NULL;
    }
    atomic_fetch_add(&ch->refs, 1); /* the call's */
    call->channel = ch;
    call->kind = SLK_ANSWER_CHANNEL;
    return ch;
}

static bool hold(slk_rpc_channel_t *ch, slk_text_t *buf)
{
    message_t *m = malloc(sizeof *m);
    if (!m || ch->held_bytes > HELD_MAX) {
        free(m);
        slk_text_free(buf);
        return false;
    }
    *m = (message_t){.len = buf->len};
    ch->held_bytes += buf->len;
    m->text = slk_text_take(buf, NULL);
    *ch->held_last = m;
    ch->held_last = &m->next;
    return m->text != NULL;
}

bool slk_rpc_channel_send(slk_rpc_channel_t *ch, const char *json, size_t len)
{
    slk_rpc_sock_t *sock = ch->sock;
    slk_text_t buf = {0};
    slk_text_printf(&buf, "{\"jsonrpc\":\"2.0\",\"method\":\"xrpc.ch.val\",\"params\":[%llu,",
                    (unsigned long long)ch->id);
    slk_text_add(&buf, json, len);
    slk_text_str(&buf, "]}");
    if (buf.failed) {
        slk_text_free(&buf);
        return false;
    }
    pthread_mutex_lock(&sock->lock);
    bool ok = !ch->ended && !sock->closed;
    if (!ok)
        slk_text_free(&buf);
    else if (ch->answered)
        ok = send_buf(sock, &buf);
    else
        ok = hold(ch, &buf);
    pthread_mutex_unlock(&sock->lock);
    return ok;
}

void slk_rpc_channel_close(slk_rpc_channel_t *ch)
{
    slk_rpc_sock_t *sock = ch->sock;
    pthread_mutex_lock(&sock->lock);
    ch->given_up = true;
    while (ch->calling)
        pthread_cond_wait(&sock->ended, &sock->lock);
    bool mine = !ch->ended;
    if (mine) {
        ch->ended = true;
        unlink_channel(ch);
        if (ch->answered)
            send_close(ch); /* otherwise after the answer */
    }
    pthread_mutex_unlock(&sock->lock);
    if (mine)
        channel_unref(ch);
    channel_unref(ch);
}

/* The answer that tells the channel's id, then what came before it. */
static void answer_channel(slk_rpc_call_t *call)
{
    slk_rpc_channel_t *ch = call->channel;
    slk_rpc_sock_t *sock = call->sock;
    char id[32];
    slk_text_t buf = {0};
    slk_rpc_write_result(&buf, call->req.id, id,
                         (size_t)snprintf(id, sizeof id, "%llu", (unsigned long long)ch->id));
    pthread_mutex_lock(&sock->lock);
    send_buf(sock, &buf);
    for (message_t *m = ch->held; m; m = m->next)
        slk_ws_send(sock->ws, m->text, m->len);
    free_messages(ch->held);
    ch->held = NULL;
    ch->held_last = &ch->held;
    ch->answered = true;
    if (ch->ended)
        send_close(ch);
    pthread_mutex_unlock(&sock->lock);
    call->channel = NULL;
    channel_unref(ch);
}

/* --- Calls --------------------------------------------------------------------------------- */

bool slk_rpc_gone(const slk_rpc_call_t *call)
{
    return atomic_load(&call->cancelled) || (call->http && slk_http_gone(call->http));
}

/* xrpc.cancel: the call of that id, and the channel it opened. */
static void cancel(slk_rpc_sock_t *sock, const json_t *id)
{
    slk_text_t buf = {0};
    if (json_is_string(id))
        slk_json_quote(&buf, json_string_value(id), json_string_length(id));
    else if (json_is_number(id))
        slk_json_write(&buf, id);
    char *text = slk_text_take(&buf, NULL);
    if (!text)
        return;
    pthread_mutex_lock(&sock->lock);
    for (slk_rpc_call_t *c = sock->calls; c; c = c->next)
        if (c->req.id && !strcmp(c->req.id, text))
            atomic_store(&c->cancelled, true);
    slk_rpc_channel_t *ch = sock->channels;
    while (ch && strcmp(ch->request_id, text))
        ch = ch->next;
    if (ch)
        end_channel(ch, ch->answered);
    pthread_mutex_unlock(&sock->lock);
    free(text);
}

static void begin_call(slk_rpc_sock_t *sock, slk_rpc_call_t *call)
{
    pthread_mutex_lock(&sock->lock);
    call->next = sock->calls;
    if (call->next)
        call->next->prev = call;
    sock->calls = call;
    if (sock->closed)
        atomic_store(&call->cancelled, true);
    pthread_mutex_unlock(&sock->lock);
}

static void end_call(slk_rpc_sock_t *sock, slk_rpc_call_t *call)
{
    pthread_mutex_lock(&sock->lock);
    if (call->prev)
        call->prev->next = call->next;
    else
        sock->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    pthread_mutex_unlock(&sock->lock);
}

static void finish_call(slk_rpc_sock_t *sock, slk_rpc_call_t *call)
{
    if (call->kind == SLK_ANSWER_CHANNEL) {
        answer_channel(call);
        return;
    }
    slk_text_t out = {0};
    slk_rpc_write(call, &out);
    if (call->kind == SLK_ANSWER_DROP || out.failed)
        slk_ws_cut(sock->ws);
    else if (out.len)
        slk_ws_send(sock->ws, out.data, out.len);
    slk_text_free(&out);
}

static void run_batch(slk_rpc_sock_t *sock, json_t *items)
{
    const slk_rpc_call_t like = {.api = sock->api, .perms = sock->perms};
    slk_text_t out = {0};
    bool drop;
    if (json_array_size(items))
        slk_rpc_serve_batch(&like, items, &out, &drop);
    else
        slk_rpc_write_error(&out, NULL, SLK_RPC_INVALID, "Invalid request", NULL, NULL);
    if (out.len)
        send_buf(sock, &out);
    slk_text_free(&out);
}

static void read_next(void *ctx);

/* The next message may be read; with messages waiting, by another thread. */
static void pass_on(slk_rpc_sock_t *sock)
{
    pthread_mutex_lock(&sock->lock);
    sock->reading = sock->first != NULL;
    bool more = sock->reading;
    pthread_mutex_unlock(&sock->lock);
    if (more && !slk_workers_run(sock->api->workers, read_next, sock_ref(sock))) {
        slk_ws_close(sock->ws, 1013); /* try again later */
        sock_unref(sock);
    }
}

static void one_less(slk_rpc_sock_t *sock)
{
    pthread_mutex_lock(&sock->lock);
    if (sock->pending-- == sock->api->opts.socket_calls)
        slk_ws_pause(sock->ws, false);
    pthread_mutex_unlock(&sock->lock);
}

/* Read one message, let others be read, run it. Takes a reference to the socket. */
static void read_next(void *ctx)
{
    slk_rpc_sock_t *sock = ctx;
    pthread_mutex_lock(&sock->lock);
    message_t *m = sock->first;
    sock->first = m->next;
    if (!sock->first)
        sock->last = &sock->first;
    pthread_mutex_unlock(&sock->lock);
    slk_rpc_call_t call = {.api = sock->api, .perms = sock->perms, .sock = sock};
    json_t *root = slk_json_parse(m->text, m->len, NULL);
    const char *method = json_string_value(json_object_get(root, "method"));
    m->next = NULL;
    free_messages(m);
    if (json_is_array(root)) {
        pass_on(sock);
        run_batch(sock, root);
    } else if (method && !strcmp(method, "xrpc.cancel")) {
        cancel(sock, json_array_get(json_object_get(root, "params"), 0));
        pass_on(sock);
    } else {
        bool ok = slk_rpc_prepare(&call, root);
        begin_call(sock, &call);
        pass_on(sock);
        if (ok)
            slk_rpc_execute(&call);
        finish_call(sock, &call);
        end_call(sock, &call);
        slk_rpc_call_clear(&call);
    }
    json_decref(root);
    one_less(sock);
    sock_unref(sock);
}

/* --- Events of the websocket --------------------------------------------------------------- */

static void on_opened(void *ctx, slk_ws_t *ws)
{
    slk_rpc_sock_t *sock = ctx;
    pthread_mutex_lock(&sock->lock);
    sock->ws = slk_ws_ref(ws);
    pthread_mutex_unlock(&sock->lock);
}

static void on_message(void *ctx, slk_ws_t *ws, char *text, size_t len)
{
    slk_rpc_sock_t *sock = ctx;
    message_t *m = malloc(sizeof *m);
    if (!m) {
        free(text);
        slk_ws_cut(ws);
        return;
    }
    *m = (message_t){.text = text, .len = len};
    pthread_mutex_lock(&sock->lock);
    *sock->last = m;
    sock->last = &m->next;
    if (++sock->pending >= sock->api->opts.socket_calls)
        slk_ws_pause(ws, true);
    bool start = !sock->reading;
    sock->reading = true;
    pthread_mutex_unlock(&sock->lock);
    if (start && !slk_workers_run(sock->api->workers, read_next, sock_ref(sock))) {
        slk_ws_close(ws, 1013);
        sock_unref(sock);
    }
}

static void on_closed(void *ctx, slk_ws_t *ws)
{
    (void)ws;
    slk_rpc_sock_t *sock = ctx;
    pthread_mutex_lock(&sock->lock);
    sock->closed = true;
    for (slk_rpc_call_t *c = sock->calls; c; c = c->next)
        atomic_store(&c->cancelled, true);
    while (sock->channels)
        end_channel(sock->channels, false);
    pthread_mutex_unlock(&sock->lock);
    sock_unref(sock);
}

void slk_rpc_accept_socket(slk_rpc_api_t *api, slk_http_request_t *req)
{
    static const slk_ws_events_t events = {on_opened, on_message, on_closed};
    slk_rpc_sock_t *sock = calloc(1, sizeof *sock);
    if (!sock) {
        slk_http_reply(req, 503, NULL, "", 0);
        return;
    }
    atomic_init(&sock->refs, 1);
    pthread_mutex_init(&sock->lock, NULL);
    pthread_cond_init(&sock->ended, NULL);
    sock->api = api;
    sock->perms = slk_http_perms(req);
    sock->last = &sock->first;
    slk_http_reply_websocket(req, &events, sock);
}
