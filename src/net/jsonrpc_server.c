#include "net/jsonrpc_server.h"

#include "base/assert.h"
#include "net/jsonrpc_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUED_CALLS 65536
#define ANSWER_MAX   ((size_t)512 << 20) /* of one answer or batch */

/* --- The table ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const slk_rpc_method_t *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static const slk_rpc_method_t *find_method(const slk_rpc_api_t *api, const char *name)
{
    const slk_rpc_method_t key = {.name = name}, *wanted = &key;
    const slk_rpc_method_t **found =
        bsearch(&wanted, api->sorted, api->opts.method_cnt, sizeof *api->sorted, by_name);
    return found ? *found : NULL;
}

slk_err_t slk_rpc_api_new(slk_rpc_api_t **out, const slk_rpc_api_opts_t *opts, slk_diag_t *diag)
{
    slk_rpc_api_t *api = *out = calloc(1, sizeof *api);
    const slk_rpc_method_t **sorted = calloc(opts->method_cnt + 1, sizeof *sorted);
    if (!api || !sorted) {
        free(api);
        free(sorted);
        *out = NULL;
        return slk_fail(diag, SLK_ERR_NOMEM, "JSON-RPC server: out of memory");
    }
    api->opts = *opts;
    api->sorted = sorted;
    for (size_t i = 0; i < opts->method_cnt; i++)
        sorted[i] = &opts->methods[i];
    qsort(sorted, opts->method_cnt, sizeof *sorted, by_name);
    for (size_t i = 1; i < opts->method_cnt; i++)
        SLK_ASSERT(strcmp(sorted[i - 1]->name, sorted[i]->name));
    if (!api->opts.waits_max)
        api->opts.waits_max = 192;
    if (!api->opts.socket_calls)
        api->opts.socket_calls = 256;
    slk_err_t err =
        slk_workers_new(&api->workers, opts->threads ? opts->threads : 256, QUEUED_CALLS, diag);
    if (err != SLK_OK) {
        slk_rpc_api_free(api);
        *out = NULL;
    }
    return err;
}

void slk_rpc_api_free(slk_rpc_api_t *api)
{
    if (!api)
        return;
    slk_workers_free(api->workers);
    free(api->sorted);
    free(api);
}

/* --- What a method sees -------------------------------------------------------------------- */

const char *slk_rpc_method(const slk_rpc_call_t *call)
{
    return call->req.method;
}

json_t *slk_rpc_params(const slk_rpc_call_t *call)
{
    return call->req.params ? (json_t *)(uintptr_t)call->req.params : call->no_params;
}

json_t *slk_rpc_param(const slk_rpc_call_t *call, size_t i)
{
    return json_array_get(call->req.params, i);
}

slk_perms_t slk_rpc_perms(const slk_rpc_call_t *call)
{
    return call->perms;
}

/* --- What it answers ----------------------------------------------------------------------- */

static void forget_answer(slk_rpc_call_t *call)
{
    SLK_ASSERT(!call->channel); /* a channel is the last word */
    free(call->text);
    free(call->message);
    json_decref(call->data);
    json_decref(call->meta);
    call->text = call->message = NULL;
    call->data = call->meta = NULL;
    call->kind = SLK_ANSWER_NULL;
}

void slk_rpc_answer_take(slk_rpc_call_t *call, char *json, size_t len)
{
    forget_answer(call);
    call->kind = SLK_ANSWER_TEXT;
    call->text = json;
    call->text_len = len;
}

void slk_rpc_answer_text(slk_rpc_call_t *call, const char *json, size_t len)
{
    char *copy = malloc(len + 1);
    if (!copy) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "out of memory");
        return;
    }
    memcpy(copy, json, len);
    slk_rpc_answer_take(call, copy, len);
}

void slk_rpc_answer(slk_rpc_call_t *call, json_t *result)
{
    slk_text_t buf = {.max = ANSWER_MAX};
    size_t len = 0;
    if (result)
        slk_json_write(&buf, result);
    char *text = result ? slk_text_take(&buf, &len) : NULL;
    json_decref(result);
    if (text)
        slk_rpc_answer_take(call, text, len);
    else
        slk_rpc_fail(call, SLK_RPC_ERROR, "out of memory");
}

static void fail_text(slk_rpc_call_t *call, int64_t code, char *message)
{
    forget_answer(call);
    call->kind = SLK_ANSWER_ERROR;
    call->code = code;
    call->message = message;
}

void slk_rpc_fail(slk_rpc_call_t *call, int64_t code, const char *fmt, ...)
{
    char *message = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&message, fmt, args);
    va_end(args);
    fail_text(call, code, n < 0 ? NULL : message);
}

void slk_rpc_fail_param(slk_rpc_call_t *call, const char *type, const char *fmt, ...)
{
    char *message = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&message, fmt, args);
    va_end(args);
    slk_rpc_fail(call, SLK_RPC_PARSE, "unmarshaling params for '%s' (param: %s): %s",
                 call->req.method, type, n < 0 ? "out of memory" : message);
    if (n >= 0)
        free(message);
}

void slk_rpc_fail_data(slk_rpc_call_t *call, json_t *data)
{
    json_decref(call->data);
    call->data = data;
}

void slk_rpc_fail_meta(slk_rpc_call_t *call, json_t *meta)
{
    json_decref(call->meta);
    call->meta = meta;
}

void slk_rpc_drop(slk_rpc_call_t *call)
{
    forget_answer(call);
    call->kind = SLK_ANSWER_DROP;
}

/* --- One call ------------------------------------------------------------------------------ */

static bool check_method(slk_rpc_call_t *call)
{
    const slk_rpc_method_t *m = call->method = find_method(call->api, call->req.method);
    if (!m) {
        slk_rpc_fail(call, SLK_RPC_NO_METHOD, "method '%s' not found", call->req.method);
        return false;
    }
    if (m->flags & SLK_RPC_CHANNEL && (!call->sock || !call->req.id)) {
        slk_rpc_fail(call, SLK_RPC_NO_METHOD,
                     "method '%s' not supported in this mode (no out channel support)", m->name);
        return false;
    }
    size_t cnt = json_array_size(call->req.params);
    if (cnt < m->params_min || cnt > m->params_max) {
        slk_rpc_fail(call, SLK_RPC_PARAM_COUNT, "wrong param count (method '%s'): %zu != %u",
                     m->name, cnt, (unsigned)m->params_max);
        return false;
    }
    if ((call->perms & m->need) != m->need) {
        const char *dot = strrchr(m->name, '.');
        slk_rpc_fail(call, SLK_RPC_ERROR, "missing permission to invoke '%s' (need '%s')",
                     dot ? dot + 1 : m->name, slk_perm_name(m->need));
        return false;
    }
    return true;
}

bool slk_rpc_prepare(slk_rpc_call_t *call, json_t *item)
{
    if (!slk_rpc_request_read(&call->req, item)) {
        slk_rpc_fail(call, call->req.code, "%s", call->req.message);
        return false;
    }
    if (!call->req.params)
        call->no_params = json_array();
    if (!call->req.params && !call->no_params) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "out of memory");
        return false;
    }
    return check_method(call);
}

void slk_rpc_execute(slk_rpc_call_t *call)
{
    slk_rpc_api_t *api = call->api;
    if (api->opts.before && !api->opts.before(call, api->opts.ctx))
        return;
    bool waits = call->method->flags & SLK_RPC_WAITS;
    if (waits && atomic_fetch_add(&api->waiting, 1) >= api->opts.waits_max)
        slk_rpc_fail(call, SLK_RPC_ERROR, "too many waiting calls: at most %u at a time, try later",
                     (unsigned)api->opts.waits_max);
    else
        call->method->fn(call, api->opts.ctx);
    if (waits)
        atomic_fetch_sub(&api->waiting, 1);
}

void slk_rpc_write(slk_rpc_call_t *call, slk_text_t *out)
{
    const char *id = call->req.id;
    if (call->kind == SLK_ANSWER_ERROR) {
        /* A notification's own failure is nobody's business, a request that is none has no id. */
        if (id || call->code < 0)
            slk_rpc_write_error(out, id, call->code,
                                call->message ? call->message : "out of memory", call->meta,
                                call->data);
    } else if (id && call->kind != SLK_ANSWER_DROP) {
        slk_rpc_write_result(out, id, call->text ? call->text : "null",
                             call->text ? call->text_len : 4);
    }
}

void slk_rpc_call_clear(slk_rpc_call_t *call)
{
    call->channel = NULL;
    forget_answer(call);
    json_decref(call->no_params);
    slk_rpc_request_free(&call->req);
}

void slk_rpc_serve(slk_rpc_call_t *call, json_t *item, slk_text_t *out, int *status, bool *drop)
{
    if (slk_rpc_prepare(call, item))
        slk_rpc_execute(call);
    slk_rpc_write(call, out);
    *status = call->kind == SLK_ANSWER_ERROR ? slk_rpc_status(call->code) : 200;
    *drop = call->kind == SLK_ANSWER_DROP;
    slk_rpc_call_clear(call);
}

void slk_rpc_serve_batch(const slk_rpc_call_t *like, json_t *items, slk_text_t *out, bool *drop)
{
    size_t i;
    json_t *item;
    const char *before = "[";
    *drop = false;
    json_array_foreach(items, i, item)
    {
        slk_text_t one = {.max = ANSWER_MAX};
        slk_rpc_call_t call = {.api = like->api, .perms = like->perms, .http = like->http};
        int status;
        slk_rpc_serve(&call, item, &one, &status, drop);
        if (one.len) {
            slk_text_str(out, before);
            before = ",";
        }
        slk_text_add(out, one.data, one.len);
        out->failed |= one.failed;
        slk_text_free(&one);
        if (*drop || out->failed)
            return;
    }
    if (out->len)
        slk_text_str(out, "]");
}

/* --- HTTP ---------------------------------------------------------------------------------- */

static void serve_body(slk_rpc_api_t *api, slk_http_request_t *req, const char *text, size_t len)
{
    slk_rpc_call_t call = {.api = api, .perms = slk_http_perms(req), .http = req};
    slk_text_t out = {.max = ANSWER_MAX};
    int status = 200;
    bool drop = false;
    json_t *root = len ? slk_json_parse(text, len, NULL) : NULL;
    if (!len || (json_is_array(root) && !json_array_size(root))) {
        status = slk_rpc_status(SLK_RPC_INVALID);
        slk_rpc_write_error(&out, NULL, SLK_RPC_INVALID, "Invalid request", NULL, NULL);
    } else if (!root) {
        status = slk_rpc_status(SLK_RPC_PARSE);
        slk_rpc_write_error(&out, NULL, SLK_RPC_PARSE, "Parse error", NULL, NULL);
    } else if (json_is_array(root)) {
        slk_rpc_serve_batch(&call, root, &out, &drop);
    } else {
        slk_rpc_serve(&call, root, &out, &status, &drop);
    }
    json_decref(root);
    size_t out_len = 0;
    char *answer = slk_text_take(&out, &out_len);
    if (drop) {
        free(answer);
        slk_http_drop(req);
    } else if (answer) {
        slk_http_reply_take(req, status, "application/json", answer, out_len);
    } else {
        slk_http_reply(req, 503, NULL, "", 0);
    }
}

static void on_http(slk_http_request_t *req, void *ctx)
{
    slk_rpc_api_t *api = ctx;
    if (slk_http_wants_websocket(req)) {
        slk_rpc_accept_socket(api, req);
        return;
    }
    size_t len;
    const char *text = slk_http_body(req, &len);
    while (len && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    serve_body(api, req, text, len);
}

slk_http_route_t slk_rpc_route(const char *path, slk_rpc_api_t *api)
{
    return (slk_http_route_t){.methods = SLK_HTTP_ANY,
                              .path = path,
                              .body_max = SLK_RPC_BODY_MAX,
                              .handler = on_http,
                              .ctx = api};
}
