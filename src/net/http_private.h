#ifndef SLK_NET_HTTP_PRIVATE_H
#define SLK_NET_HTTP_PRIVATE_H

/* What the files of the HTTP server share.
 *
 * A request belongs to the I/O thread of its connection, but while its handler runs to the
 * handler's thread: the connection is suspended then. */

#include "net/http_server.h"
#include "net/net.h"
#include "net/text.h"
#include "net/workers.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define SLK_HTTP_REPLY_HEADERS 8
#define SLK_HTTP_DROP          (-1) /* as a status: no answer */

typedef struct slk_ws_loop slk_ws_loop_t;

typedef enum {
    SLK_CONN_IDLE,
    SLK_CONN_RECEIVING,
    SLK_CONN_RUNNING,
    SLK_CONN_SENDING,
    SLK_CONN_UPGRADED
} slk_conn_phase_t;

/* A connection, as the watcher sees it. */
typedef struct slk_http_conn {
    struct slk_http_conn *prev, *next; /* under the server's lock */
    int fd;
    _Atomic uint32_t phase;       /* slk_conn_phase_t */
    _Atomic uint64_t deadline_ms; /* when it is cut; 0: never */
    atomic_bool gone;             /* the client closed while its handler runs */
    char peer[64];
} slk_http_conn_t;

typedef struct {
    int status; /* 0: none yet */
    char *content_type;
    struct {
        char *name, *value;
    } headers[SLK_HTTP_REPLY_HEADERS];
    unsigned header_cnt;
    char *body;
    size_t len;
    int fd; /* of a file; -1 */
    uint64_t offset, file_len;
    struct slk_http_stream *stream; /* bodies read piece by piece */
    const slk_ws_events_t *events;  /* websocket */
    void *ws_ctx;
    char accept[32];
} slk_http_reply_t;

typedef enum { SLK_REQ_NEW, SLK_REQ_RECEIVING, SLK_REQ_RUNNING } slk_req_state_t;

struct slk_http_request {
    slk_http_server_t *server;
    slk_http_conn_t *conn;
    struct MHD_Connection *mhd;
    const slk_http_route_t *route;
    slk_req_state_t state;
    char *path, method[16];
    slk_perms_t perms;
    slk_text_t body;
    int body_fd;      /* of a route with body_dir; -1: none yet */
    uint64_t charged; /* bytes of the server's budget for bodies */
    uint64_t received, started_ms;
    slk_http_reply_t reply;
    bool upgraded;
};

struct slk_http_server {
    slk_http_server_opts_t opts;
    slk_http_route_t *routes;
    slk_token_key_t key;
    bool has_key;
    struct slk_tls_front *tls; /* NULL: plain */
    int tls_fd;                /* its listening socket */
    uint16_t port;
    struct MHD_Daemon *daemon;
    slk_workers_t *workers;
    slk_ws_loop_t *ws;
    atomic_bool stopping;
    _Atomic uint64_t bodies; /* bytes held */

    pthread_mutex_t lock; /* guards conns, watch_end */
    pthread_cond_t watch_wake;
    slk_http_conn_t *conns;
    bool watch_end, watching;
    pthread_t watcher;
};

/* http_stream.c */
typedef struct slk_http_stream slk_http_stream_t;
void slk_http_stream_free(slk_http_stream_t *stream);
/* The answer's body; takes its stream. */
struct MHD_Response *slk_http_stream_response(slk_http_reply_t *reply);

/* http_server.c */
void slk_http_reply_clear(slk_http_reply_t *reply);

/* http_watch.c: the thread that cuts slow connections and notices clients that went. */
SLK_CHECK_RESULT slk_err_t slk_http_watch_start(slk_http_server_t *server, slk_diag_t *diag);
void slk_http_watch_stop(slk_http_server_t *server);
/* Connections in the midst of a request. */
unsigned slk_http_watch_active(slk_http_server_t *server);
void slk_http_conn_phase(slk_http_conn_t *conn, slk_conn_phase_t phase, uint64_t limit_ms);

/* http_request.c: the daemon's callbacks. */
void *slk_http_on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result slk_http_on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **req_ctx);
void slk_http_on_done(void *ctx, struct MHD_Connection *mhd, void **req_ctx,
                      enum MHD_RequestTerminationCode code);

/* ws_server.c: the thread that serves all websockets. */
SLK_CHECK_RESULT slk_err_t slk_ws_loop_new(slk_ws_loop_t **loop, const slk_http_server_opts_t *opts,
                                           slk_diag_t *diag);
/* Close all and end the thread; what is added later is closed at once. NULL is a no-op. */
void slk_ws_loop_stop(slk_ws_loop_t *loop, uint32_t grace_ms);
void slk_ws_loop_free(slk_ws_loop_t *loop); /* stopped before */
/* Take over an upgraded connection; calls events->closed at once when it cannot. */
void slk_ws_loop_add(slk_ws_loop_t *loop, int fd, struct MHD_UpgradeResponseHandle *urh,
                     const void *early, size_t early_len, const slk_ws_events_t *events, void *ctx);

#endif /* SLK_NET_HTTP_PRIVATE_H */
