#ifndef SLK_NET_API_INFO_H
#define SLK_NET_API_INFO_H

/* FULLNODE_API_INFO and its like: where a node is and the token it wants.
 *
 *   TOKEN:/ip4/127.0.0.1/tcp/1234/http     multiaddr: ip4 ip6 dns dns4 dns6;
 *                                          suffix http https ws wss or none
 *   TOKEN:http://host:port                 URL; http https ws wss
 *   either without "TOKEN:"; several separated by commas
 *
 * A text that starts with '/' is all address; otherwise it is split at the first ':', unless "//"
 * follows that one. Source: spec chain.md 7.1. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLK_API_INFO_MAX 16 /* nodes in one list */
#define SLK_API_URL_MAX  768

typedef struct {
    char token[1024]; /* empty: none */
    char host[256];   /* name or address, IPv6 without brackets */
    char path[256];   /* of a URL, without slash at the end; empty: the node's own "/rpc/v1" */
    uint16_t port;
    bool tls;
    bool multiaddr; /* how it was written; slk_api_info_write keeps it */
} slk_api_info_t;

/* Read a list. SLK_ERR_FORMAT; messages name the place in the list and never show a token. */
SLK_CHECK_RESULT slk_err_t slk_api_info_parse(slk_api_info_t infos[SLK_API_INFO_MAX], size_t *cnt,
                                              const char *text, slk_diag_t *diag);

/* The URL to call: scheme http(s), or ws(s) when `websocket`; version is "v0", "v1" or "v2". The
 * version is appended as /rpc/<version>, or replaces that of a path that ends in /rpc/v<n>. */
void slk_api_info_url(char out[SLK_API_URL_MAX], const slk_api_info_t *info, bool websocket,
                      const char *version);

/* The same without path, for messages: "http://host:port". */
void slk_api_info_name(char out[SLK_API_URL_MAX], const slk_api_info_t *info);

/* The text that parses back to *info, token included: only for a terminal or a 0600 file. */
SLK_CHECK_RESULT slk_err_t slk_api_info_write(char *out, size_t cap, const slk_api_info_t *info,
                                              slk_diag_t *diag);

/* Where a server listens: "127.0.0.1:1234", "[::1]:0", ":1234" (host empty). host without brackets. False:
 * something else, or a host longer than cap. */
bool slk_listen_parse(const char *text, char *host, size_t cap, uint16_t *port);

#endif /* SLK_NET_API_INFO_H */
