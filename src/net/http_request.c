#include "base/file.h"
#include "net/http_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOWEST_PER_SECOND ((uint64_t)16 << 10) /* bytes of a body, either way */
#define DROPPED_MAX                                                                                \
    ((uint64_t)1 << 20) /* of a refused body, read so that the client sees the answer */
#define SEND_SECONDS 30

/* --- Replies that the server gives by itself ----------------------------------------------- */

static void reply_text(slk_http_request_t *req, int status, const char *text)
{
    slk_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
    slk_http_reply_header(req, "X-Content-Type-Options", "nosniff");
}

static void reply_empty(slk_http_request_t *req, int status)
{
    slk_http_reply(req, status, NULL, "", 0);
}

/* --- The beginning of a request ------------------------------------------------------------ */

void *slk_http_on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
    slk_http_server_t *s = ctx;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    slk_http_request_t *req = info && info->socket_context ? calloc(1, sizeof *req) : NULL;
    if (!req)
        return NULL;
    req->server = s;
    req->mhd = mhd;
    req->conn = info->socket_context;
    req->reply.fd = -1;
    req->body_fd = -1;
    req->started_ms = slk_net_now_ms();
    slk_http_conn_phase(req->conn, SLK_CONN_RECEIVING, (uint64_t)s->opts.request_s * 1000);
    /* Decoded, the byte would end the path early. */
    if (strcasestr(uri, "%00"))
        reply_text(req, 400, "400 bad request\n");
    return req;
}

static uint32_t method_bit(const char *method)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } rows[] = {{"GET", SLK_HTTP_GET}, {"HEAD", SLK_HTTP_HEAD},     {"POST", SLK_HTTP_POST},
                {"PUT", SLK_HTTP_PUT}, {"DELETE", SLK_HTTP_DELETE}, {"OPTIONS", SLK_HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!strcmp(method, rows[i].name))
            return rows[i].bit;
    return 0;
}

static bool path_matches(const slk_http_route_t *route, const char *path)
{
    return route->prefix ? !strncmp(path, route->path, strlen(route->path))
                         : !strcmp(path, route->path);
}

/* Sets the route, or a reply. */
static void find_route(slk_http_request_t *req)
{
    slk_http_server_t *s = req->server;
    uint32_t bit = method_bit(req->method);
    bool other_method = false;
    for (size_t i = 0; i < s->opts.route_cnt && !req->route; i++) {
        const slk_http_route_t *route = &s->routes[i];
        if (!path_matches(route, req->path))
            continue;
        if (route->methods & bit || (route->methods == SLK_HTTP_ANY && !bit))
            req->route = route;
        else
            other_method = true;
    }
    if (!req->route && other_method)
        reply_text(req, 405, "405 method not allowed\n");
    else if (!req->route)
        reply_text(req, 404, "404 page not found\n");
}

static bool token_holds(slk_http_request_t *req, const char *token)
{
    slk_http_server_t *s = req->server;
    slk_token_claims_t claims;
    if (!s->has_key || slk_token_read(&claims, &s->key, token, strlen(token), NULL) != SLK_OK ||
        (s->opts.token_ok && !s->opts.token_ok(s->opts.token_ctx, &claims)))
        return false;
    req->perms = claims.perms;
    return true;
}

/* Sets the rights of the caller, or a reply. */
static void authorize(slk_http_request_t *req)
{
    slk_http_server_t *s = req->server;
    if (req->route->open)
        return;
    const char *header = MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, "Authorization");
    const char *token = header;
    if (header && *header) {
        token = strncmp(header, "Bearer ", 7) ? NULL : header + 7;
        if (!token) {
            reply_empty(req, 401);
            return;
        }
    } else {
        token = MHD_lookup_connection_value(req->mhd, MHD_GET_ARGUMENT_KIND, "token");
    }
    req->perms = s->opts.anonymous;
    if (token && *token && !token_holds(req, token)) {
        reply_empty(req, 401);
        return;
    }
    if ((req->perms & req->route->need) != req->route->need)
        reply_empty(req, token && *token ? 403 : 401);
}

static uint64_t body_limit(const slk_http_request_t *req)
{
    return req->route->body_max ? req->route->body_max : req->server->opts.body_max;
}

/* True when the announced body is not worth reading for the sake of a polite answer. */
static bool too_long_to_drop(slk_http_request_t *req)
{
    const char *length = MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, "Content-Length");
    uint64_t announced = length ? strtoull(length, NULL, 10) : 0;
    if (!req->reply.status && announced > body_limit(req))
        reply_empty(req, 413);
    return req->reply.status && announced > DROPPED_MAX;
}

static bool begin(slk_http_request_t *req, const char *url, const char *method)
{
    req->state = SLK_REQ_RECEIVING;
    req->path = strdup(url);
    if (!req->path || strlen(method) >= sizeof req->method)
        return false;
    strcpy(req->method, method);
    if (!req->reply.status)
        find_route(req);
    if (!req->reply.status)
        authorize(req);
    if (!req->reply.status)
        req->body.max = body_limit(req);
    return true;
}

/* --- The body ------------------------------------------------------------------------------ */

/* Nameless; -1: it cannot be made. */
static int open_nameless(const char *dir)
{
    char name[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || snprintf(name, sizeof name, "%s/body-XXXXXX", dir) >= (int)sizeof name)
        return fd;
    fd = mkostemp(name, O_CLOEXEC); /* a file system that has no O_TMPFILE */
    if (fd >= 0)
        unlink(name);
    return fd;
}

/* Sets a reply where it cannot. The page cache takes the bytes: an I/O thread does not wait long. */
static void spool_body(slk_http_request_t *req, const char *bytes, size_t len)
{
    if (req->body_fd < 0)
        req->body_fd = open_nameless(req->route->body_dir);
    if (req->received > req->body.max)
        reply_empty(req, 413);
    else if (req->body_fd < 0 ||
             slk_write_all(req->body_fd, bytes, len, req->route->body_dir, NULL) != SLK_OK)
        reply_empty(req, 507);
}

static bool take_body(slk_http_request_t *req, const char *bytes, size_t len)
{
    slk_http_server_t *s = req->server;
    req->received += len;
    uint64_t limit = (s->opts.request_s + req->received / SLOWEST_PER_SECOND) * 1000;
    atomic_store(&req->conn->deadline_ms, req->started_ms + limit);
    if (req->reply.status)
        return req->received <= DROPPED_MAX;
    if (req->route->body_dir) {
        spool_body(req, bytes, len);
        return !req->reply.status || req->received <= DROPPED_MAX;
    }
    if (atomic_fetch_add(&s->bodies, len) + len > s->opts.bodies_max) {
        atomic_fetch_sub(&s->bodies, len);
        reply_empty(req, 503);
        return true;
    }
    req->charged += len;
    if (!slk_text_add(&req->body, bytes, len)) {
        reply_empty(req, req->received > req->body.max ? 413 : 503);
        slk_text_free(&req->body);
        return req->received <= DROPPED_MAX;
    }
    return true;
}

static void release_body(slk_http_request_t *req)
{
    slk_text_free(&req->body);
    atomic_fetch_sub(&req->server->bodies, req->charged);
    req->charged = 0;
    if (req->body_fd >= 0)
        close(req->body_fd);
    req->body_fd = -1;
}

/* --- The answer ---------------------------------------------------------------------------- */

static void on_upgrade(void *ctx, struct MHD_Connection *mhd, void *req_ctx, const char *early,
                       size_t early_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *urh)
{
    (void)mhd;
    (void)req_ctx;
    slk_http_request_t *req = ctx;
    req->upgraded = true;
    slk_http_conn_phase(req->conn, SLK_CONN_UPGRADED, 0);
    slk_ws_loop_add(req->server->ws, fd, urh, early, early_len, req->reply.events,
                    req->reply.ws_ctx);
}

static struct MHD_Response *make_response(slk_http_request_t *req)
{
    slk_http_reply_t *r = &req->reply;
    if (r->events)
        return MHD_create_response_for_upgrade(on_upgrade, req);
    if (r->stream)
        return slk_http_stream_response(r);
    if (r->fd >= 0) {
        struct MHD_Response *response =
            MHD_create_response_from_fd_at_offset64(r->file_len, r->fd, r->offset);
        if (response)
            r->fd = -1; /* the response closes it */
        return response;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->len, r->body ? r->body : (void *)"",
                                        r->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response)
        r->body = NULL;
    return response;
}

static enum MHD_Result send_reply(slk_http_request_t *req)
{
    slk_http_reply_t *r = &req->reply;
    if (r->status == SLK_HTTP_DROP)
        return MHD_NO;
    uint64_t len = r->fd >= 0 ? r->file_len : r->len;
    struct MHD_Response *response = make_response(req);
    if (!response)
        return MHD_NO;
    if (r->content_type)
        MHD_add_response_header(response, "Content-Type", r->content_type);
    for (unsigned i = 0; i < r->header_cnt; i++)
        MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
    if (atomic_load(&req->server->stopping) && !r->events)
        MHD_add_response_header(response, "Connection", "close");
    slk_http_conn_phase(req->conn, SLK_CONN_SENDING,
                        (SEND_SECONDS + len / SLOWEST_PER_SECOND) * 1000);
    enum MHD_Result rc = MHD_queue_response(req->mhd, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* In a handler thread. */
static void run_handler(void *ctx)
{
    slk_http_request_t *req = ctx;
    req->route->handler(req, req->route->ctx);
    if (!req->reply.status)
        reply_text(req, 500, "500 internal server error\n");
    release_body(req);
    MHD_resume_connection(req->mhd);
}

static enum MHD_Result start_handler(slk_http_request_t *req)
{
    req->state = SLK_REQ_RUNNING;
    slk_http_conn_phase(req->conn, SLK_CONN_RUNNING, 0);
    MHD_suspend_connection(req->mhd);
    if (!slk_workers_run(req->server->workers, run_handler, req)) {
        reply_empty(req, 503);
        MHD_resume_connection(req->mhd);
    }
    return MHD_YES;
}

enum MHD_Result slk_http_on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **req_ctx)
{
    (void)ctx;
    (void)mhd;
    (void)version;
    slk_http_request_t *req = *req_ctx;
    if (!req)
        return MHD_NO;
    if (req->state == SLK_REQ_RUNNING)
        return send_reply(req);
    if (req->state == SLK_REQ_NEW) {
        if (!begin(req, url, method))
            return MHD_NO;
        return too_long_to_drop(req) ? send_reply(req) : MHD_YES;
    }
    if (*upload_len) {
        bool ok = take_body(req, upload, *upload_len);
        *upload_len = 0;
        return ok ? MHD_YES : MHD_NO;
    }
    return req->reply.status ? send_reply(req) : start_handler(req);
}

void slk_http_on_done(void *ctx, struct MHD_Connection *mhd, void **req_ctx,
                      enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    slk_http_server_t *s = ctx;
    slk_http_request_t *req = *req_ctx;
    *req_ctx = NULL;
    if (!req)
        return;
    bool complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    if (req->reply.events && !req->upgraded)
        req->reply.events->closed(req->reply.ws_ctx, NULL);
    if (s->opts.done && req->path) {
        slk_http_done_t done = {.method = req->method,
                                .path = req->path,
                                .status = complete || req->upgraded ? req->reply.status : 0,
                                .received = req->received,
                                .sent = req->reply.file_len ? req->reply.file_len : req->reply.len,
                                .seconds = (double)(slk_net_now_ms() - req->started_ms) / 1000};
        s->opts.done(s->opts.done_ctx, &done);
    }
    if (!req->upgraded)
        slk_http_conn_phase(req->conn, SLK_CONN_IDLE, (uint64_t)s->opts.idle_s * 1000);
    release_body(req);
    slk_http_reply_clear(&req->reply);
    free(req->path);
    free(req);
}
