#include "net/http_private.h"
#include "net/ws_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- What a handler sees ------------------------------------------------------------------- */

const char *slk_http_method(const slk_http_request_t *req)
{
    return req->method;
}

const char *slk_http_path(const slk_http_request_t *req)
{
    return req->path;
}

const char *slk_http_rest(const slk_http_request_t *req)
{
    return req->path + strlen(req->route->path);
}

const char *slk_http_header(const slk_http_request_t *req, const char *name)
{
    if (!strcasecmp(name, "Authorization"))
        return NULL;
    return MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, name);
}

const char *slk_http_arg(const slk_http_request_t *req, const char *name)
{
    if (!strcmp(name, "token"))
        return NULL;
    return MHD_lookup_connection_value(req->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *slk_http_body(const slk_http_request_t *req, size_t *len)
{
    *len = req->body.len;
    if (!req->body.data)
        return "";
    req->body.data[req->body.len] = 0; /* there is always room for it */
    return req->body.data;
}

int slk_http_body_file(const slk_http_request_t *req, uint64_t *len)
{
    *len = req->body_fd >= 0 ? req->received : 0;
    return req->body_fd;
}

slk_perms_t slk_http_perms(const slk_http_request_t *req)
{
    return req->perms;
}

const char *slk_http_peer(const slk_http_request_t *req)
{
    return req->conn->peer;
}

bool slk_http_gone(const slk_http_request_t *req)
{
    return atomic_load(&req->conn->gone) || atomic_load(&req->server->stopping);
}

/* --- What it answers ----------------------------------------------------------------------- */

void slk_http_reply_clear(slk_http_reply_t *r)
{
    free(r->content_type);
    for (unsigned i = 0; i < r->header_cnt; i++) {
        free(r->headers[i].name);
        free(r->headers[i].value);
    }
    free(r->body);
    slk_http_stream_free(r->stream);
    if (r->fd >= 0)
        close(r->fd);
    *r = (slk_http_reply_t){.fd = -1};
}

/* Begin an answer; a websocket accepted before is told that nothing comes of it. */
static void start_reply(slk_http_request_t *req, int status, const char *content_type)
{
    slk_http_reply_t *r = &req->reply;
    if (r->events)
        r->events->closed(r->ws_ctx, NULL);
    slk_http_reply_clear(r);
    r->status = status;
    r->content_type = content_type ? strdup(content_type) : NULL;
}

void slk_http_reply_take(slk_http_request_t *req, int status, const char *content_type, char *body,
                         size_t len)
{
    start_reply(req, status, content_type);
    req->reply.body = body;
    req->reply.len = len;
}

void slk_http_reply(slk_http_request_t *req, int status, const char *content_type, const void *body,
                    size_t len)
{
    char *copy = len ? malloc(len) : NULL;
    if (copy)
        memcpy(copy, body, len);
    if (len && !copy)
        slk_http_reply_take(req, 503, NULL, NULL, 0);
    else
        slk_http_reply_take(req, status, content_type, copy, len);
}

void slk_http_reply_header(slk_http_request_t *req, const char *name, const char *value)
{
    slk_http_reply_t *r = &req->reply;
    char *n = strdup(name), *v = strdup(value);
    if (!n || !v || r->header_cnt == SLK_HTTP_REPLY_HEADERS) {
        free(n);
        free(v);
        return;
    }
    r->headers[r->header_cnt].name = n;
    r->headers[r->header_cnt++].value = v;
}

void slk_http_drop(slk_http_request_t *req)
{
    start_reply(req, SLK_HTTP_DROP, NULL);
}

/* --- Websocket handshake ------------------------------------------------------------------- */

static bool header_has(const slk_http_request_t *req, const char *name, const char *word)
{
    const char *value = slk_http_header(req, name);
    return value && slk_ws_has_word(value, word);
}

bool slk_http_wants_websocket(const slk_http_request_t *req)
{
    return !strcmp(req->method, "GET") && header_has(req, "Connection", "upgrade") &&
           header_has(req, "Upgrade", "websocket");
}

/* A web page of another site may make a browser open a socket here: its origin is then not ours. */
static bool origin_ok(const slk_http_request_t *req)
{
    const char *origin = slk_http_header(req, "Origin"), *host = slk_http_header(req, "Host");
    if (!origin || req->server->opts.any_origin)
        return true;
    const char *sep = strstr(origin, "://");
    return sep && host && !strcasecmp(sep + 3, host);
}

void slk_http_reply_websocket(slk_http_request_t *req, const slk_ws_events_t *events, void *ctx)
{
    const char *key = slk_http_header(req, "Sec-WebSocket-Key");
    const char *version = slk_http_header(req, "Sec-WebSocket-Version");
    bool valid = slk_http_wants_websocket(req) && key && slk_ws_key_ok(key) && version &&
                 !strcmp(version, "13");
    if (!valid || !origin_ok(req)) {
        static const char bad[] = "400 bad websocket handshake\n", origin[] = "403 other origin\n";
        if (valid)
            slk_http_reply(req, 403, "text/plain; charset=utf-8", origin, sizeof origin - 1);
        else
            slk_http_reply(req, 400, "text/plain; charset=utf-8", bad, sizeof bad - 1);
        if (!valid)
            slk_http_reply_header(req, "Sec-WebSocket-Version", "13");
        events->closed(ctx, NULL);
        return;
    }
    char accept[SLK_WS_ACCEPT_LEN + 1];
    slk_ws_accept(accept, key);
    start_reply(req, MHD_HTTP_SWITCHING_PROTOCOLS, NULL);
    slk_http_reply_header(req, "Upgrade", "websocket");
    slk_http_reply_header(req, "Sec-WebSocket-Accept", accept);
    req->reply.events = events;
    req->reply.ws_ctx = ctx;
}
