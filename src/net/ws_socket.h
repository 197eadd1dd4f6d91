#ifndef SLK_NET_WS_SOCKET_H
#define SLK_NET_WS_SOCKET_H

/* The client's end of a websocket: connecting (TLS and all, by libcurl), handshake, frames. One
 * thread. */

#include "net/ws_frames.h"

#include <stdatomic.h>

typedef struct slk_ws_socket slk_ws_socket_t;

typedef struct {
    const char *url, *token; /* ws, wss, http, https */
    uint32_t connect_ms;     /* for all of it */
    uint64_t message_max;
    const char *ca_file;
    bool insecure_tls;
    const atomic_bool *stop;                            /* gives up soon when true */
    void (*message)(void *ctx, char *text, size_t len); /* see slk_ws_frames_opts_t */
    void *ctx;
} slk_ws_socket_opts_t;

/* Connect. SLK_ERR_IO, TIMEOUT, CANCELLED, PERM (401, 403), NOTFOUND (404), FORMAT, STATE, INPUT
 * (URL). */
SLK_CHECK_RESULT slk_err_t slk_ws_socket_open(slk_ws_socket_t **sock,
                                              const slk_ws_socket_opts_t *opts, slk_diag_t *diag);
void slk_ws_socket_free(slk_ws_socket_t *sock);

slk_ws_frames_t *slk_ws_socket_frames(slk_ws_socket_t *sock);
/* Sleep until the socket can be read (or written, when frames are pending), `wake` is readable, or
 * timeout_ms passed. */
void slk_ws_socket_wait(slk_ws_socket_t *sock, int wake, uint32_t timeout_ms);

#endif /* SLK_NET_WS_SOCKET_H */
