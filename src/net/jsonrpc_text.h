#ifndef SLK_NET_JSONRPC_TEXT_H
#define SLK_NET_JSONRPC_TEXT_H

/* Requests and answers as text: the part of the JSON-RPC server that meets bytes from outside. */

#include "net/jsonrpc.h"

/* One request. Strings and params belong to the JSON it was read from. */
typedef struct {
    char *id; /* JSON text; NULL for a notification. Owned */
    const char *method;
    const json_t *params; /* an array; NULL for none */
    int64_t code;         /* when it is no request: what to answer */
    char message[256];
} slk_rpc_request_t;

/* False: answer with code and message. Free it in any case. */
bool slk_rpc_request_read(slk_rpc_request_t *req, json_t *item);
void slk_rpc_request_free(slk_rpc_request_t *req);

/* Append an answer with a newline at its end; id NULL: null. */
void slk_rpc_write_error(slk_text_t *out, const char *id, int64_t code, const char *message,
                         const json_t *meta, const json_t *data);
void slk_rpc_write_result(slk_text_t *out, const char *id, const char *json, size_t len);

#endif /* SLK_NET_JSONRPC_TEXT_H */
