#ifndef SLK_NET_HTTP_SERVER_H
#define SLK_NET_HTTP_SERVER_H

/* An HTTP/1.1 server over libmicrohttpd: a table of routes, handlers in threads of their own.
 *
 *   socket -> I/O threads (epoll)  route, rights, limits, body
 *          -> handler threads      slk_http_handler_t, may block
 *          -> I/O threads          answer; file bodies go from the disk to the socket
 *
 * Handler threads are made when needed, up to a limit. A connection whose request comes in too
 * slowly, or whose reader takes the answer too slowly, is cut. */

#include "net/token.h"
#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct slk_http_server slk_http_server_t;
typedef struct slk_http_request slk_http_request_t;

/* --- Routes -------------------------------------------------------------------------------- */

#define SLK_HTTP_GET     1u
#define SLK_HTTP_HEAD    2u
#define SLK_HTTP_POST    4u
#define SLK_HTTP_PUT     8u
#define SLK_HTTP_DELETE  16u
#define SLK_HTTP_OPTIONS 32u
#define SLK_HTTP_ANY     0xffu

/* Answers a request by one of slk_http_reply*; without, the client gets status 500. Runs in a
 * handler thread; the request ends when it returns. */
typedef void slk_http_handler_t(slk_http_request_t *req, void *ctx);

typedef struct {
    uint32_t methods; /* of SLK_HTTP_* */
    const char *path; /* "/rpc/v1"; with `prefix` also all that begins with it: "/files/" */
    bool prefix;
    bool open;         /* the Authorization header is not looked at */
    slk_perms_t need;  /* rights without which the answer is 401 (no token) or 403; 0: none */
    uint64_t body_max; /* 0: the server's */
    /* Bodies go to a file in this folder instead of memory; see slk_http_body_file. NULL: memory */
    const char *body_dir;
    slk_http_handler_t *handler;
    void *ctx;
} slk_http_route_t;

/* --- The server ---------------------------------------------------------------------------- */

/* One line for a log or a metric, when a request is over. No token is in path. */
typedef struct {
    const char *method, *path;
    int status;              /* 0: connection lost before an answer; 101: now a websocket */
    uint64_t received, sent; /* bytes of bodies */
    double seconds;
} slk_http_done_t;

typedef struct {
    const char *address;  /* "127.0.0.1", "0.0.0.0", "::"; NULL: "127.0.0.1" */
    uint16_t port;        /* 0: any, see slk_http_server_port */
    const char *tls_cert; /* PEM files, both or none */
    const char *tls_key;
    const slk_http_route_t *routes; /* first match counts; copied, strings and contexts borrowed */
    size_t route_cnt;
    const slk_token_key_t *key; /* checks tokens; copied. NULL: any token is refused */
    slk_perms_t anonymous;      /* rights without a token; Lotus: SLK_PERM_READ */
    /* Is a token whose signature is right still good? In I/O threads: be quick. NULL: it is. */
    bool (*token_ok)(void *ctx, const slk_token_claims_t *claims);
    void *token_ctx;

    uint64_t body_max;        /* of one request; 0: 1 MiB */
    uint64_t bodies_max;      /* of all requests at a time; 0: 1 GiB. Beyond: 503 */
    uint32_t header_max;      /* bytes of request line and headers; 0: 32 KiB */
    uint32_t request_s;       /* to send headers; bodies get 1 s more for each 16 KiB; 0: 20 */
    uint32_t idle_s;          /* a kept connection without request; 0: 120 */
    uint32_t connections_max; /* 0: 2048 */
    uint32_t per_address_max; /* connections of one address; 0: no limit */
    uint32_t io_threads;      /* 0: 2 */
    uint32_t handler_threads; /* at most; 0: 256 */
    uint32_t ws_message_max;  /* bytes of one websocket message; 0: 100 MiB */
    uint32_t ws_queue_max;  /* bytes waiting for one reader, above which it is cut off; 0: 64 MiB */
    uint32_t ws_ping_ms;    /* 0: 5,000 */
    uint32_t ws_silence_ms; /* a peer silent for so long is dropped; 0: 30,000 */
    bool any_origin;        /* accept websockets of other origins' web pages */
    void (*done)(void *ctx, const slk_http_done_t *done); /* in an I/O thread; may be NULL */
    void *done_ctx;
} slk_http_server_opts_t;

/* Listen and serve. SLK_ERR_BUSY: port in use; SLK_ERR_INPUT, IO. */
SLK_CHECK_RESULT slk_err_t slk_http_server_new(slk_http_server_t **server,
                                               const slk_http_server_opts_t *opts,
                                               slk_diag_t *diag);

/* The port listened on. */
uint16_t slk_http_server_port(const slk_http_server_t *server);

/* Stop: no new connections; running handlers see slk_http_gone and get grace_ms to answer;
 * websockets are closed (status 1001); then wait for the handlers, however long they take. NULL is
 * a no-op. */
void slk_http_server_free(slk_http_server_t *server, uint32_t grace_ms);

/* --- A request, for its handler ------------------------------------------------------------ */

const char *slk_http_method(const slk_http_request_t *req);
const char *slk_http_path(const slk_http_request_t *req); /* decoded, without query */
/* What of the path stands behind the route's prefix. */
const char *slk_http_rest(const slk_http_request_t *req);
/* Value of a header or of a query argument, NULL when absent. The token is not to be had here. */
const char *slk_http_header(const slk_http_request_t *req, const char *name);
const char *slk_http_arg(const slk_http_request_t *req, const char *name);
/* The body, NUL-terminated. */
const char *slk_http_body(const slk_http_request_t *req, size_t *len);
/* The body of a route with body_dir: a nameless file of len bytes, closed after the handler. -1: no
 * body came. */
int slk_http_body_file(const slk_http_request_t *req, uint64_t *len);
slk_perms_t slk_http_perms(const slk_http_request_t *req);
const char *slk_http_peer(const slk_http_request_t *req); /* numeric address, without port */
/* True when nobody waits for the answer any more: the client is gone, or the server stops. Looked
 * at about once a second. */
bool slk_http_gone(const slk_http_request_t *req);

/* --- Answers: one of these a request, the last one counts ---------------------------------- */

/* body is copied; content_type NULL: none. */
void slk_http_reply(slk_http_request_t *req, int status, const char *content_type, const void *body,
                    size_t len);
/* The same, takes a malloc'ed body. */
void slk_http_reply_take(slk_http_request_t *req, int status, const char *content_type, char *body,
                         size_t len);
/* A header more (at most 8) of the answer that was just given, besides Date, Content-Length, Content-Type.
 * Copied. An answer given later drops it. */
void slk_http_reply_header(slk_http_request_t *req, const char *name, const char *value);
/* A file below the folder `root`, with ETag, If-Range and Range (one range). `rel` comes from
 * outside: "..", absolute paths and symbolic links below root give 404, as does what is no regular
 * file. */
void slk_http_reply_file(slk_http_request_t *req, const char *root, const char *rel,
                         const char *content_type);
/* A body of exactly `len` bytes that is read while it is sent: `read` fills up to cap bytes at pos,
 * which only grows, from an I/O thread, so it may wait for a disk and for nothing else; 0: it
 * failed, and the connection is cut. `done` is called once, at the end of whatever comes. */
typedef size_t slk_http_read_t(void *ctx, uint64_t pos, char *buf, size_t cap);
void slk_http_reply_stream(slk_http_request_t *req, int status, const char *content_type,
                           uint64_t len, slk_http_read_t *read, void (*done)(void *ctx), void *ctx);
/* Cut the connection instead of answering. */
void slk_http_drop(slk_http_request_t *req);

/* --- Websockets ---------------------------------------------------------------------------- */

typedef struct slk_ws slk_ws_t;

/* What happens to a socket; all from one thread of the server, which serves all sockets: be
 * quick. */
typedef struct {
    void (*opened)(void *ctx, slk_ws_t *ws); /* before the first text */
    /* A whole message, text or binary; text is NUL-terminated; takes it (free). */
    void (*message)(void *ctx, slk_ws_t *ws, char *text, size_t len);
    /* Last call, always comes once, also without `opened`: ctx may go. `ws` stays valid while a
     * reference is held. */
    void (*closed)(void *ctx, slk_ws_t *ws);
} slk_ws_events_t;

/* True when the request asks to become a websocket. */
bool slk_http_wants_websocket(const slk_http_request_t *req);
/* Accept; events and ctx stay until closed. A bad handshake is answered with 400, a foreign origin
 * with 403, and then `closed` is called at once with ws NULL. */
void slk_http_reply_websocket(slk_http_request_t *req, const slk_ws_events_t *events, void *ctx);

/* Queue a text message; any thread; copies. False when the socket is closed, or now is because its
 * reader is too slow. */
bool slk_ws_send(slk_ws_t *ws, const char *text, size_t len);
/* Send what is queued, then close with this status. Any thread. */
void slk_ws_close(slk_ws_t *ws, uint16_t status);
/* Close without a word. Any thread. */
void slk_ws_cut(slk_ws_t *ws);
/* Stop or go on reading messages. Any thread. */
void slk_ws_pause(slk_ws_t *ws, bool pause);
slk_ws_t *slk_ws_ref(slk_ws_t *ws);
void slk_ws_unref(slk_ws_t *ws);

#endif /* SLK_NET_HTTP_SERVER_H */
