#ifndef SLK_NET_JSONRPC_PRIVATE_H
#define SLK_NET_JSONRPC_PRIVATE_H

/* What the two files of the JSON-RPC server share: calls, over HTTP or a websocket. */

#include "net/jsonrpc_server.h"
#include "net/jsonrpc_text.h"
#include "net/workers.h"

#include <stdatomic.h>

typedef struct slk_rpc_sock slk_rpc_sock_t;

struct slk_rpc_api {
    slk_rpc_api_opts_t opts;
    const slk_rpc_method_t **sorted; /* by name */
    slk_workers_t *workers;          /* for calls of websockets */
    _Atomic uint32_t waiting;        /* SLK_RPC_WAITS calls that run */
};

typedef enum {
    SLK_ANSWER_NULL,
    SLK_ANSWER_TEXT,
    SLK_ANSWER_ERROR,
    SLK_ANSWER_CHANNEL,
    SLK_ANSWER_DROP
} slk_answer_kind_t;

struct slk_rpc_call {
    slk_rpc_api_t *api;
    slk_rpc_request_t req;
    const slk_rpc_method_t *method;
    json_t *no_params; /* an empty array, made when asked for */
    slk_perms_t perms;
    slk_http_request_t *http; /* NULL for a call of a websocket */
    slk_rpc_sock_t *sock;     /* NULL for HTTP, and for the items of a batch */
    atomic_bool cancelled;

    slk_answer_kind_t kind;
    char *text; /* result */
    size_t text_len;
    int64_t code;
    char *message;
    json_t *data, *meta;
    slk_rpc_channel_t *channel;

    slk_rpc_call_t *prev, *next; /* the socket's list */
};

/* Run one request and append its answer; nothing for a notification. Sets *status of HTTP and
 * *drop. */
void slk_rpc_serve(slk_rpc_call_t *call, json_t *item, slk_text_t *out, int *status, bool *drop);
/* The parts of it: look for what is wrong before the method runs, run it, write its answer,
 * clear. */
bool slk_rpc_prepare(slk_rpc_call_t *call, json_t *item);
void slk_rpc_execute(slk_rpc_call_t *call);
void slk_rpc_write(slk_rpc_call_t *call, slk_text_t *out);
void slk_rpc_call_clear(slk_rpc_call_t *call);
/* Answer all requests of an array. */
void slk_rpc_serve_batch(const slk_rpc_call_t *like, json_t *items, slk_text_t *out, bool *drop);

/* jsonrpc_socket.c: turn the request into a websocket. */
void slk_rpc_accept_socket(slk_rpc_api_t *api, slk_http_request_t *req);

#endif /* SLK_NET_JSONRPC_PRIVATE_H */
