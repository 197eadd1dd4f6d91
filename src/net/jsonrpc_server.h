#ifndef SLK_NET_JSONRPC_SERVER_H
#define SLK_NET_JSONRPC_SERVER_H

/* Serves JSON-RPC: a table of methods behind a path, over HTTP and websocket.
 *
 *     static const slk_rpc_method_t methods[] = {
 *         {"Filecoin.ChainHead", SLK_PERM_READ, 0, 0, 0, chain_head},
 *         {"Filecoin.StateWaitMsg", SLK_PERM_READ, 4, 4, SLK_RPC_WAITS, state_wait_msg},
 *         {"Filecoin.ChainNotify", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, chain_notify},
 *     };
 *     slk_rpc_api_opts_t opts = {.methods = methods, .method_cnt = ..., .ctx = node};
 *     slk_rpc_api_new(&api, &opts, diag);
 *     routes[0] = slk_rpc_route("/rpc/v1", api);
 *
 * An api outlives the server whose routes name it. Several paths may have different tables, or
 * share one. Calls of one websocket are answered in any order. */

#include "net/http_server.h"
#include "net/jsonrpc.h"

typedef struct slk_rpc_api slk_rpc_api_t;
typedef struct slk_rpc_call slk_rpc_call_t;
typedef struct slk_rpc_channel slk_rpc_channel_t;

/* --- Methods ------------------------------------------------------------------------------- */

/* Runs in a thread of the server's. Ends by one of slk_rpc_answer*, slk_rpc_fail* or
 * slk_rpc_channel_open; without, the result is null. */
typedef void slk_rpc_fn_t(slk_rpc_call_t *call, void *ctx);

#define SLK_RPC_CHANNEL 1u /* answers by slk_rpc_channel_open: websocket only */
#define SLK_RPC_WAITS   2u /* may take long; such calls never take all threads */

typedef struct {
    const char *name; /* whole: "Filecoin.ChainHead" */
    slk_perms_t need;
    uint8_t params_min, params_max; /* Lotus: equal */
    uint32_t flags;
    slk_rpc_fn_t *fn;
} slk_rpc_method_t;

typedef struct {
    const slk_rpc_method_t *methods; /* borrowed for ever */
    size_t method_cnt;
    void *ctx;             /* for every method */
    uint32_t waits_max;    /* SLK_RPC_WAITS calls at a time, over this error 1; 0: 192 */
    uint32_t socket_calls; /* calls of one socket at a time, over this it is not read; 0: 256 */
    uint32_t threads;      /* for calls of websockets, at most; 0: 256 */
    /* Called before each call: false makes the server answer by itself with what `call` was given,
     * or drop the connection (slk_rpc_drop). For devnets that misbehave on command. May be NULL. */
    bool (*before)(slk_rpc_call_t *call, void *ctx);
} slk_rpc_api_opts_t;

SLK_CHECK_RESULT slk_err_t slk_rpc_api_new(slk_rpc_api_t **api, const slk_rpc_api_opts_t *opts,
                                           slk_diag_t *diag);
/* After the servers that use it are gone. NULL is a no-op. */
void slk_rpc_api_free(slk_rpc_api_t *api);

/* The route that serves api at path, bodies up to SLK_RPC_BODY_MAX. */
slk_http_route_t slk_rpc_route(const char *path, slk_rpc_api_t *api);

/* --- A call, for its method ---------------------------------------------------------------- */

const char *slk_rpc_method(const slk_rpc_call_t *call);
/* Parameter i, borrowed; NULL when it was not sent. */
json_t *slk_rpc_param(const slk_rpc_call_t *call, size_t i);
json_t *slk_rpc_params(const slk_rpc_call_t *call); /* the array, never NULL, borrowed */
slk_perms_t slk_rpc_perms(const slk_rpc_call_t *call);
/* True when the answer is wanted no more: xrpc.cancel, connection gone, server stops. */
bool slk_rpc_gone(const slk_rpc_call_t *call);

/* The result; takes the reference. NULL: out of memory, an error is answered. */
void slk_rpc_answer(slk_rpc_call_t *call, json_t *result);
/* The result as JSON text, which must be valid; copied, or taken (malloc'ed). */
void slk_rpc_answer_text(slk_rpc_call_t *call, const char *json, size_t len);
void slk_rpc_answer_take(slk_rpc_call_t *call, char *json, size_t len);
/* An error. */
void slk_rpc_fail(slk_rpc_call_t *call, int64_t code, const char *fmt, ...) SLK_PRINTF(3, 4);
/* Give the error set by slk_rpc_fail these fields too; takes the reference. */
void slk_rpc_fail_data(slk_rpc_call_t *call, json_t *data);
void slk_rpc_fail_meta(slk_rpc_call_t *call, json_t *meta);
/* A parameter of the wrong form: -32700 "unmarshaling params for 'M' (param: TYPE): text", with the
 * name of the Go type that Lotus would show ("*address.Address"). */
void slk_rpc_fail_param(slk_rpc_call_t *call, const char *type, const char *fmt, ...)
    SLK_PRINTF(3, 4);
/* Cut the connection instead of answering. */
void slk_rpc_drop(slk_rpc_call_t *call);

/* --- Channels ------------------------------------------------------------------------------ */

/* Answer the call with a channel. on_end (may be NULL) is called once when the client cancelled it
 * or the socket closed, from a thread of the server, never from inside the functions below, and
 * not after slk_rpc_channel_close. NULL when the socket is closed already or memory is short.
 *
 * The handle is the caller's until slk_rpc_channel_close. Values may be sent at once: they wait
 * until the answer has been. */
slk_rpc_channel_t *slk_rpc_channel_open(slk_rpc_call_t *call, void (*on_end)(void *ctx), void *ctx);
/* Send a value (JSON text); any thread. False when nobody listens any more. */
bool slk_rpc_channel_send(slk_rpc_channel_t *channel, const char *json, size_t len);
/* End it (xrpc.ch.close, where the client does not know yet) and give the handle back. Returns when
 * on_end does not run and will not: not from on_end, and not with a lock held that on_end takes. */
void slk_rpc_channel_close(slk_rpc_channel_t *channel);

#endif /* SLK_NET_JSONRPC_SERVER_H */
