#ifndef SLK_NET_TLS_FRONT_H
#define SLK_NET_TLS_FRONT_H

/* TLS for the HTTP server: takes connections, decrypts, and hands the plain side to libmicrohttpd
 * through a pair of local sockets. One thread for all.
 *
 *   client <- TLS -> [front, OpenSSL] <- socketpair -> libmicrohttpd, later perhaps a websocket
 *
 * libmicrohttpd has TLS of its own, but upgraded connections go through a buffer of eight bytes
 * there. */

#include "selkie/err.h"

#include <microhttpd.h>
#include <stdint.h>

typedef struct slk_tls_front slk_tls_front_t;

/* Read certificate (with its chain) and key, PEM files. SLK_ERR_INPUT. */
SLK_CHECK_RESULT slk_err_t slk_tls_front_new(slk_tls_front_t **front, const char *cert,
                                             const char *key, uint32_t connections_max,
                                             uint32_t handshake_ms, slk_diag_t *diag);

/* Serve a listening socket (borrowed, non-blocking) for a daemon that runs without one. */
SLK_CHECK_RESULT slk_err_t slk_tls_front_start(slk_tls_front_t *front, int listen_fd,
                                               struct MHD_Daemon *daemon, slk_diag_t *diag);

/* Take no more connections; the daemon is not called any more. NULL is a no-op. */
void slk_tls_front_quiesce(slk_tls_front_t *front);

/* After the daemon ended: pass on what it has written, a second at most, and end. NULL is a no-
 * op. */
void slk_tls_front_free(slk_tls_front_t *front);

#endif /* SLK_NET_TLS_FRONT_H */
