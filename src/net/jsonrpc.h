#ifndef SLK_NET_JSONRPC_H
#define SLK_NET_JSONRPC_H

/* JSON-RPC 2.0 as Lotus speaks it: what server and client share.
 *
 * Values of jansson belong to one thread at a time: hand the only reference over, or copy.
 *
 * Source: spec chain.md 7.1, tests/vectors/lotus-rpc/http-errors.json. */

#include "net/text.h"
#include "selkie/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Error codes. Positive ones belong to the application: 1 is Lotus' "any other error". */
#define SLK_RPC_PARSE       (-32700) /* also a parameter of the wrong type */
#define SLK_RPC_INVALID     (-32600)
#define SLK_RPC_NO_METHOD   (-32601)
#define SLK_RPC_PARAM_COUNT (-32602)
#define SLK_RPC_ERROR       1

#define SLK_RPC_BODY_MAX ((uint64_t)100 << 20) /* Lotus' limit for one request */

/* Parse JSON from outside: one value, strings in UTF-8 without NUL, and not more memory than a
 * small multiple of its length (a text of many empty lists is refused). NULL and a sentence
 * otherwise. */
json_t *slk_json_parse(const char *text, size_t len, slk_diag_t *diag);

/* Append a text as a JSON string, quotes included; what is no UTF-8 becomes U+FFFD. */
void slk_json_quote(slk_text_t *buf, const char *text, size_t len);
/* Append a value in compact form. */
void slk_json_write(slk_text_t *buf, const json_t *value);

/* HTTP status that Lotus gives an answer with this error code. */
int slk_rpc_status(int64_t code);

#endif /* SLK_NET_JSONRPC_H */
