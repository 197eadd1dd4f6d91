#include "base/assert.h"
#include "net/jsonrpc_answer.h"
#include "net/net.h"
#include "net/ws_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define JOB_STEP_MS    100  /* how late a cancelled job is noticed */
#define STEADY_MS      1000 /* a connection that held so long makes the back-off begin anew */
#define FRAMES_AT_ONCE ((size_t)1 << 20)

/* A message that waits to be sent. */
typedef struct out {
    struct out *next;
    uint64_t id; /* of the call; 0: a notification */
    char *text;
    size_t len;
} out_t;

/* A call that waits for its answer, on the stack of its thread. */
typedef struct call {
    struct call *prev, *next;
    uint64_t id;
    slk_rpc_sub_t *sub; /* to be opened by the answer */
    pthread_cond_t done_cond;
    bool done, sent;
    json_t *root;
    slk_err_t err; /* without root: why */
} call_t;

typedef struct value {
    struct value *next;
    json_t *json;
} value_t;

struct slk_rpc_sub {
    slk_rpc_ws_t *ws;
    slk_rpc_sub_t *prev, *next; /* in the list while open */
    uint64_t request_id;
    json_int_t channel;
    pthread_cond_t more;
    value_t *first, **last;
    uint32_t cnt;
    bool open;
    slk_err_t err; /* once ended */
    slk_diag_t why;
};

struct slk_rpc_ws {
    slk_rpc_ws_opts_t opts;
    char *url, *token, *ca_file;
    atomic_bool stop;
    int wake;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;   /* guards the rest */
    pthread_cond_t changed; /* connected, stopped */
    bool connected;
    slk_diag_t why; /* of the last trouble */
    uint64_t next_id;
    out_t *first, **last;
    size_t queued;
    call_t *calls;
    slk_rpc_sub_t *subs;
    bool broken; /* the server sent what is no JSON-RPC; the thread's own */
};

static void wake(slk_rpc_ws_t *ws)
{
    uint64_t one = 1;
    ssize_t n = write(ws->wake, &one, sizeof one);
    (void)n; /* full means that it is awake already */
}

/* --- Queues: with the lock held ------------------------------------------------------------ */

/* Takes text. */
static bool push_out(slk_rpc_ws_t *ws, uint64_t id, slk_text_t *text)
{
    out_t *out = text->failed || ws->queued > ws->opts.queue_max ? NULL : malloc(sizeof *out);
    if (!out) {
        slk_text_free(text);
        return false;
    }
    *out = (out_t){.id = id, .len = text->len};
    out->text = slk_text_take(text, NULL);
    *ws->last = out;
    ws->last = &out->next;
    ws->queued += out->len;
    wake(ws);
    return true;
}

static void push_cancel(slk_rpc_ws_t *ws, uint64_t id)
{
    slk_text_t text = {0};
    slk_text_printf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"xrpc.cancel\",\"params\":[%llu]}",
                    (unsigned long long)id);
    push_out(ws, 0, &text);
}

static void free_out(slk_rpc_ws_t *ws, out_t **place)
{
    out_t *out = *place;
    *place = out->next;
    if (!*place && ws->last == &out->next)
        ws->last = place;
    ws->queued -= out->len;
    free(out->text);
    free(out);
}

static void drop_out(slk_rpc_ws_t *ws, uint64_t id)
{
    for (out_t **p = &ws->first; *p; p = &(*p)->next)
        if ((*p)->id == id) {
            free_out(ws, p);
            return;
        }
}

static call_t *find_call(slk_rpc_ws_t *ws, uint64_t id)
{
    call_t *c = ws->calls;
    while (c && c->id != id)
        c = c->next;
    return c;
}

static void unlink_call(slk_rpc_ws_t *ws, call_t *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        ws->calls = c->next;
    if (c->next)
        c->next->prev = c->prev;
}

static void finish_call(slk_rpc_ws_t *ws, call_t *c, slk_err_t err, json_t *root)
{
    unlink_call(ws, c);
    c->done = true;
    c->err = err;
    c->root = root;
    pthread_cond_signal(&c->done_cond);
}

static void open_sub(slk_rpc_ws_t *ws, slk_rpc_sub_t *sub, json_int_t channel)
{
    sub->channel = channel;
    sub->open = true;
    sub->next = ws->subs;
    if (sub->next)
        sub->next->prev = sub;
    ws->subs = sub;
}

static void end_sub(slk_rpc_sub_t *sub, slk_err_t err, const char *why)
{
    slk_rpc_ws_t *ws = sub->ws;
    if (!sub->open)
        return;
    sub->open = false;
    if (sub->prev)
        sub->prev->next = sub->next;
    else
        ws->subs = sub->next;
    if (sub->next)
        sub->next->prev = sub->prev;
    sub->prev = sub->next = NULL;
    sub->err = slk_fail(&sub->why, err, "channel: %s", why);
    pthread_cond_signal(&sub->more);
}

/* The connection is gone: nothing that was asked of it will be answered. */
static void fail_all(slk_rpc_ws_t *ws, slk_err_t err, const char *why)
{
    ws->connected = false;
    slk_fail(&ws->why, err, "%s", why);
    while (ws->first)
        free_out(ws, &ws->first);
    while (ws->calls)
        finish_call(ws, ws->calls, err, NULL);
    while (ws->subs)
        end_sub(ws->subs, err, why);
    pthread_cond_broadcast(&ws->changed);
}

/* --- What comes in: the connection's thread ------------------------------------------------ */

/* Takes json. */
static void take_value(slk_rpc_ws_t *ws, slk_rpc_sub_t *sub, json_t *json)
{
    value_t *value = sub->cnt < ws->opts.values_max ? malloc(sizeof *value) : NULL;
    if (!value) {
        json_decref(json);
        push_cancel(ws, sub->request_id);
        end_sub(sub, SLK_ERR_LENGTH, "its values were not taken fast enough");
        return;
    }
    *value = (value_t){.json = json};
    *sub->last = value;
    sub->last = &value->next;
    sub->cnt++;
    pthread_cond_signal(&sub->more);
}

/* Takes root. A value must be nobody else's when the thread that waits for it gets it: jansson's
 * references are not made for two threads. */
static void take_notification(slk_rpc_ws_t *ws, json_t *root)
{
    const char *method = json_string_value(json_object_get(root, "method"));
    const json_t *params = json_object_get(root, "params"), *id = json_array_get(params, 0);
    json_t *value = strcmp(method, "xrpc.ch.val") ? NULL : json_incref(json_array_get(params, 1));
    bool close = !strcmp(method, "xrpc.ch.close"), known = json_is_integer(id);
    json_int_t channel = json_integer_value(id);
    json_decref(root);
    pthread_mutex_lock(&ws->lock);
    slk_rpc_sub_t *sub = known ? ws->subs : NULL;
    while (sub && sub->channel != channel)
        sub = sub->next;
    if (sub && value)
        take_value(ws, sub, value);
    else if (sub && close)
        end_sub(sub, SLK_ERR_STATE, "closed by the server");
    pthread_mutex_unlock(&ws->lock);
    if (!sub)
        json_decref(value);
}

/* Takes root. */
static void take_answer(slk_rpc_ws_t *ws, json_t *root)
{
    const json_t *id = json_object_get(root, "id"), *result = json_object_get(root, "result");
    pthread_mutex_lock(&ws->lock);
    call_t *c = json_is_integer(id) ? find_call(ws, (uint64_t)json_integer_value(id)) : NULL;
    if (c && c->sub && json_is_integer(result))
        open_sub(ws, c->sub, json_integer_value(result));
    if (c)
        finish_call(ws, c, SLK_OK, root);
    pthread_mutex_unlock(&ws->lock);
    if (!c)
        json_decref(root); /* of a call that gave up */
}

static void on_message(void *ctx, char *text, size_t len)
{
    slk_rpc_ws_t *ws = ctx;
    json_t *root = slk_json_parse(text, len, NULL);
    free(text);
    if (json_is_string(json_object_get(root, "method"))) {
        take_notification(ws, root);
    } else if (json_is_object(root)) {
        take_answer(ws, root);
    } else {
        json_decref(root);
        ws->broken = true;
    }
}

/* --- The connection's thread --------------------------------------------------------------- */

/* Hand queued messages to the framer. */
static bool feed(slk_rpc_ws_t *ws, slk_ws_frames_t *frames)
{
    bool ok = true;
    pthread_mutex_lock(&ws->lock);
    while (ok && ws->first && slk_ws_frames_queued(frames) < FRAMES_AT_ONCE) {
        call_t *c = ws->first->id ? find_call(ws, ws->first->id) : NULL;
        if (c)
            c->sent = true;
        ok = slk_ws_frames_text(frames, ws->first->text, ws->first->len);
        free_out(ws, &ws->first);
    }
    pthread_mutex_unlock(&ws->lock);
    return ok;
}

/* Serve one connection until it is lost; the reason. */
static const char *session(slk_rpc_ws_t *ws, slk_ws_socket_t *sock)
{
    slk_ws_frames_t *frames = slk_ws_socket_frames(sock);
    const char *why = "out of memory";
    uint64_t heard = slk_net_now_ms(), pinged = heard, in_seen = 0;
    while (!atomic_load(&ws->stop)) {
        uint64_t drop;
        ssize_t n = read(ws->wake, &drop, sizeof drop);
        (void)n;
        if (!feed(ws, frames) || !slk_ws_frames_write(frames, &why) ||
            !slk_ws_frames_read(frames, &why))
            return why;
        if (ws->broken)
            return "the server sent a message that is no JSON";
        uint64_t now = slk_net_now_ms();
        if (slk_ws_frames_in(frames) != in_seen)
            heard = now;
        in_seen = slk_ws_frames_in(frames);
        if (now - heard > ws->opts.silence_ms)
            return "the server is silent";
        if (now - pinged >= ws->opts.ping_ms) {
            pinged = now;
            slk_ws_frames_ping(frames);
            continue;
        }
        uint64_t ping_in = ws->opts.ping_ms - (now - pinged);
        uint64_t silent_in = ws->opts.silence_ms - (now - heard) + 1;
        slk_ws_socket_wait(sock, ws->wake, (uint32_t)(ping_in < silent_in ? ping_in : silent_in));
    }
    slk_ws_frames_close(frames, 1000);
    slk_ws_frames_write(frames, &why);
    return "stopped";
}

static void report(slk_rpc_ws_t *ws, slk_err_t err, const char *why)
{
    if (ws->opts.state)
        ws->opts.state(ws->opts.state_ctx, err, why);
}

static void sleep_ms(slk_rpc_ws_t *ws, uint32_t ms)
{
    struct timespec until = slk_net_after_ms(ms);
    pthread_mutex_lock(&ws->lock);
    while (!atomic_load(&ws->stop) &&
           pthread_cond_timedwait(&ws->changed, &ws->lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&ws->lock);
}

static void set_connected(slk_rpc_ws_t *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->connected = true;
    pthread_cond_broadcast(&ws->changed);
    pthread_mutex_unlock(&ws->lock);
    report(ws, SLK_OK, "connected");
}

static void set_lost(slk_rpc_ws_t *ws, slk_err_t err, const char *why)
{
    slk_diag_t text;
    slk_fail(&text, err, "%s", why);
    pthread_mutex_lock(&ws->lock);
    if (atomic_load(&ws->stop))
        fail_all(ws, SLK_ERR_CANCELLED, "stopped");
    else
        fail_all(ws, err, text.text);
    pthread_mutex_unlock(&ws->lock);
    report(ws, err, text.text);
}

static void *connection_main(void *ctx)
{
    slk_rpc_ws_t *ws = ctx;
    uint32_t backoff = ws->opts.backoff_min_ms;
    const slk_ws_socket_opts_t opts = {.url = ws->url,
                                       .token = ws->token,
                                       .connect_ms = ws->opts.connect_ms,
                                       .message_max = ws->opts.message_max,
                                       .ca_file = ws->ca_file,
                                       .insecure_tls = ws->opts.insecure_tls,
                                       .stop = &ws->stop,
                                       .message = on_message,
                                       .ctx = ws};
    while (!atomic_load(&ws->stop)) {
        slk_ws_socket_t *sock;
        slk_diag_t diag;
        uint64_t began = slk_net_now_ms();
        slk_err_t err = slk_ws_socket_open(&sock, &opts, &diag);
        if (err != SLK_OK) {
            set_lost(ws, err, diag.text);
        } else {
            set_connected(ws);
            ws->broken = false;
            set_lost(ws, SLK_ERR_IO, session(ws, sock));
            slk_ws_socket_free(sock);
            if (slk_net_now_ms() - began > STEADY_MS)
                backoff = ws->opts.backoff_min_ms;
        }
        sleep_ms(ws, backoff);
        backoff = backoff * 2 < ws->opts.backoff_max_ms ? backoff * 2 : ws->opts.backoff_max_ms;
    }
    pthread_mutex_lock(&ws->lock);
    fail_all(ws, SLK_ERR_CANCELLED, "stopped");
    pthread_mutex_unlock(&ws->lock);
    return NULL;
}

/* --- Life ---------------------------------------------------------------------------------- */

static void set_defaults(slk_rpc_ws_opts_t *o)
{
    const struct {
        uint32_t *field, value;
    } rows[] = {{&o->connect_ms, 10000},   {&o->ping_ms, 5000},        {&o->silence_ms, 30000},
                {&o->backoff_min_ms, 100}, {&o->backoff_max_ms, 5000}, {&o->values_max, 1024}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (!*rows[i].field)
            *rows[i].field = rows[i].value;
    if (!o->message_max)
        o->message_max = (uint64_t)256 << 20;
    if (!o->queue_max)
        o->queue_max = (uint64_t)64 << 20;
}

static bool copy_text(char **copy, const char *text)
{
    *copy = text ? strdup(text) : NULL;
    return *copy || !text;
}

slk_err_t slk_rpc_ws_new(slk_rpc_ws_t **out, const slk_rpc_ws_opts_t *opts, slk_diag_t *diag)
{
    *out = NULL;
    slk_net_init();
    slk_rpc_ws_t *ws = calloc(1, sizeof *ws);
    if (!ws)
        return slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
    ws->opts = *opts;
    set_defaults(&ws->opts);
    ws->last = &ws->first;
    pthread_mutex_init(&ws->lock, NULL);
    slk_net_cond_init(&ws->changed);
    slk_fail(&ws->why, SLK_ERR_TIMEOUT, "not connected yet");
    ws->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = copy_text(&ws->url, opts->url) && copy_text(&ws->token, opts->token) &&
              copy_text(&ws->ca_file, opts->ca_file) && ws->wake >= 0;
    if (ok)
        ok = ws->running = !slk_net_thread(&ws->thread, connection_main, ws);
    if (!ok) {
        slk_rpc_ws_free(ws);
        return slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory, files or threads");
    }
    *out = ws;
    return SLK_OK;
}

void slk_rpc_ws_stop(slk_rpc_ws_t *ws)
{
    pthread_mutex_lock(&ws->lock);
    atomic_store(&ws->stop, true);
    fail_all(ws, SLK_ERR_CANCELLED, "stopped");
    pthread_mutex_unlock(&ws->lock);
    wake(ws);
}

void slk_rpc_ws_free(slk_rpc_ws_t *ws)
{
    if (!ws)
        return;
    if (ws->running) {
        slk_rpc_ws_stop(ws);
        pthread_join(ws->thread, NULL);
    }
    if (ws->wake >= 0)
        close(ws->wake);
    if (ws->token)
        explicit_bzero(ws->token, strlen(ws->token));
    free(ws->token);
    free(ws->url);
    free(ws->ca_file);
    pthread_cond_destroy(&ws->changed);
    pthread_mutex_destroy(&ws->lock);
    free(ws);
}

/* --- Waiting: with the lock held ----------------------------------------------------------- */

/* Wait for cond, a step at most; SLK_ERR_TIMEOUT at `until` (0: never), SLK_ERR_CANCELLED by the
 * job. */
static slk_err_t wait_step(slk_rpc_ws_t *ws, pthread_cond_t *cond, uint64_t until,
                           const slk_job_t *job)
{
    uint64_t now = slk_net_now_ms(), step = now + 60000;
    if (slk_job_cancelled(job))
        return SLK_ERR_CANCELLED;
    if (until && now >= until)
        return SLK_ERR_TIMEOUT;
    if (job && job->cancel)
        step = now + JOB_STEP_MS;
    if (until && until < step)
        step = until;
    struct timespec ts = {.tv_sec = (time_t)(step / 1000),
                          .tv_nsec = (long)(step % 1000) * 1000000};
    pthread_cond_timedwait(cond, &ws->lock, &ts);
    return SLK_OK;
}

static slk_err_t wait_connected(slk_rpc_ws_t *ws, uint64_t until, const slk_job_t *job,
                                slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    while (!ws->connected && err == SLK_OK) {
        if (atomic_load(&ws->stop))
            return slk_fail(diag, SLK_ERR_CANCELLED, "websocket: stopped");
        err = wait_step(ws, &ws->changed, until, job);
    }
    return err == SLK_OK ? err : slk_fail(diag, err, "not connected: %s", ws->why.text);
}

slk_err_t slk_rpc_ws_wait(slk_rpc_ws_t *ws, uint32_t timeout_ms, const slk_job_t *job,
                          slk_diag_t *diag)
{
    pthread_mutex_lock(&ws->lock);
    slk_err_t err = wait_connected(ws, slk_net_now_ms() + timeout_ms, job, diag);
    pthread_mutex_unlock(&ws->lock);
    return err;
}

/* --- Calls --------------------------------------------------------------------------------- */

/* Give up waiting: the server is told when it knows of the call. */
static void abandon(slk_rpc_ws_t *ws, call_t *c)
{
    unlink_call(ws, c);
    if (c->sent)
        push_cancel(ws, c->id);
    else
        drop_out(ws, c->id);
}

static slk_err_t run_call(slk_rpc_ws_t *ws, call_t *c, const char *method, const char *params,
                          uint64_t until, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = wait_connected(ws, until, job, diag);
    if (err != SLK_OK)
        return err;
    slk_text_t text = {0};
    c->id = ++ws->next_id;
    slk_rpc_write_request(&text, c->id, method, params);
    if (!push_out(ws, c->id, &text))
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: too many calls wait to be sent", method);
    if (c->sub)
        c->sub->request_id = c->id;
    c->next = ws->calls;
    if (c->next)
        c->next->prev = c;
    ws->calls = c;
    while (!c->done && err == SLK_OK)
        err = wait_step(ws, &c->done_cond, until, job);
    if (!c->done) {
        abandon(ws, c);
        return slk_fail(diag, err, "%s: %s (%s)", method,
                        err == SLK_ERR_TIMEOUT ? "no answer in time" : "interrupted",
                        slk_http_outcome_text(c->sent ? SLK_HTTP_NO_ANSWER : SLK_HTTP_NOT_SENT));
    }
    if (!c->root)
        return slk_fail(diag, c->err, "%s: %s (%s)", method, ws->why.text,
                        slk_http_outcome_text(c->sent ? SLK_HTTP_NO_ANSWER : SLK_HTTP_NOT_SENT));
    return SLK_OK;
}

static slk_err_t do_call(slk_rpc_ws_t *ws, slk_rpc_sub_t *sub, const char *method,
                         const char *params, uint32_t timeout_ms, const slk_job_t *job,
                         slk_rpc_answer_t *answer, slk_diag_t *diag)
{
    *answer = (slk_rpc_answer_t){0};
    call_t call = {.sub = sub};
    slk_net_cond_init(&call.done_cond);
    pthread_mutex_lock(&ws->lock);
    slk_err_t err = run_call(ws, &call, method, params,
                             timeout_ms ? slk_net_now_ms() + timeout_ms : 0, job, diag);
    pthread_mutex_unlock(&ws->lock);
    pthread_cond_destroy(&call.done_cond);
    answer->outcome = call.root   ? SLK_HTTP_ANSWERED
                      : call.sent ? SLK_HTTP_NO_ANSWER
                                  : SLK_HTTP_NOT_SENT;
    return err != SLK_OK ? err : slk_rpc_answer_read(answer, call.root, method, diag);
}

slk_err_t slk_rpc_ws_call(slk_rpc_ws_t *ws, const char *method, const char *params,
                          uint32_t timeout_ms, const slk_job_t *job, slk_rpc_answer_t *answer,
                          slk_diag_t *diag)
{
    return do_call(ws, NULL, method, params, timeout_ms, job, answer, diag);
}

slk_err_t slk_rpc_ws_subscribe(slk_rpc_sub_t **out, slk_rpc_ws_t *ws, const char *method,
                               const char *params, uint32_t timeout_ms, const slk_job_t *job,
                               slk_rpc_answer_t *answer, slk_diag_t *diag)
{
    *out = NULL;
    *answer = (slk_rpc_answer_t){0};
    slk_rpc_sub_t *sub = calloc(1, sizeof *sub);
    if (!sub)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", method);
    sub->ws = ws;
    sub->last = &sub->first;
    slk_net_cond_init(&sub->more);
    slk_err_t err = do_call(ws, sub, method, params, timeout_ms, job, answer, diag);
    if (err == SLK_OK && !answer->failed && !json_is_integer(answer->result))
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s: the answer is no channel id", method);
    if (err == SLK_OK && !answer->failed)
        *out = sub;
    else
        slk_rpc_sub_free(sub);
    return err;
}

slk_err_t slk_rpc_sub_next(slk_rpc_sub_t *sub, json_t **value, uint32_t timeout_ms,
                           const slk_job_t *job, slk_diag_t *diag)
{
    slk_rpc_ws_t *ws = sub->ws;
    uint64_t until = slk_net_now_ms() + timeout_ms;
    slk_err_t err = SLK_OK;
    *value = NULL;
    pthread_mutex_lock(&ws->lock);
    while (!sub->first && sub->open && err == SLK_OK)
        err = wait_step(ws, &sub->more, until, job);
    value_t *first = sub->first;
    if (first) {
        sub->first = first->next;
        if (!sub->first)
            sub->last = &sub->first;
        sub->cnt--;
        *value = first->json;
        free(first);
        err = SLK_OK;
    } else if (err != SLK_OK) {
        slk_fail(diag, err, "channel: %s",
                 err == SLK_ERR_TIMEOUT ? "no value in time" : "interrupted");
    } else {
        err = slk_fail(diag, sub->err, "%s", sub->why.text);
    }
    pthread_mutex_unlock(&ws->lock);
    return err;
}

void slk_rpc_sub_free(slk_rpc_sub_t *sub)
{
    if (!sub)
        return;
    slk_rpc_ws_t *ws = sub->ws;
    pthread_mutex_lock(&ws->lock);
    if (sub->open) {
        push_cancel(ws, sub->request_id);
        end_sub(sub, SLK_ERR_CANCELLED, "cancelled");
    }
    pthread_mutex_unlock(&ws->lock);
    while (sub->first) {
        value_t *value = sub->first;
        sub->first = value->next;
        json_decref(value->json);
        free(value);
    }
    pthread_cond_destroy(&sub->more);
    free(sub);
}
