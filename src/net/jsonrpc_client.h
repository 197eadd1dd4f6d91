#ifndef SLK_NET_JSONRPC_CLIENT_H
#define SLK_NET_JSONRPC_CLIENT_H

/* Calls JSON-RPC methods over HTTP, or over a websocket with many calls in flight and channels. */

#include "net/http_client.h"
#include "net/jsonrpc.h"

/* What a server said. An error answer is an answer: SLK_OK with `failed`. */
typedef struct {
    slk_http_outcome_t outcome; /* valid after errors too */
    int status;                 /* of HTTP; 0 over a websocket */
    bool failed;
    int64_t code;        /* when failed */
    const char *message; /* when failed; never NULL then */
    json_t *data;        /* of the error, may be NULL; borrowed from root */
    json_t *result;      /* may be JSON null, never NULL when !failed; borrowed from root */
    json_t *root;
} slk_rpc_answer_t;

/* Free what an answer holds; harmless on a zeroed one. */
void slk_rpc_answer_free(slk_rpc_answer_t *answer);

/* The sentence "METHOD: message (code n)" as an error of class SLK_ERR_STATE, for callers to whom
 * any error answer is the end. SLK_OK when it did not fail. */
SLK_CHECK_RESULT slk_err_t slk_rpc_answer_check(const slk_rpc_answer_t *answer, const char *method,
                                                slk_diag_t *diag);

/* --- HTTP ---------------------------------------------------------------------------------- */

typedef struct {
    const char *url, *token;
    const char *method;
    const char *params; /* JSON text of an array; NULL: [] */
    bool repeatable;    /* see slk_http_call_t */
    uint32_t total_ms, low_speed_s;
    const slk_job_t *job;
} slk_rpc_http_call_t;

/* One call. SLK_OK: an answer is there. SLK_ERR_PERM (401, 403), NOTFOUND (404), FORMAT (no JSON-
 * RPC answer), IO (other status), and those of slk_http_do. */
SLK_CHECK_RESULT slk_err_t slk_rpc_http(slk_http_client_t *client, const slk_rpc_http_call_t *call,
                                        slk_rpc_answer_t *answer, slk_diag_t *diag);

/* --- Websocket ----------------------------------------------------------------------------- */

typedef struct slk_rpc_ws slk_rpc_ws_t;
typedef struct slk_rpc_sub slk_rpc_sub_t;

typedef struct {
    const char *url, *token;                 /* ws, wss, http or https */
    uint32_t connect_ms;                     /* 0: 10,000 */
    uint32_t ping_ms;                        /* 0: 5,000 */
    uint32_t silence_ms;                     /* dropped when nothing came for so long; 0: 30,000 */
    uint32_t backoff_min_ms, backoff_max_ms; /* between attempts to connect; 0: 100 and 5,000 */
    uint64_t message_max;                    /* 0: 256 MiB */
    uint64_t queue_max;                      /* bytes of calls waiting to be sent; 0: 64 MiB */
    uint32_t
        values_max; /* values of one channel not yet taken; over this the channel ends; 0: 1024 */
    const char *ca_file;
    bool insecure_tls;
    /* Told when the connection comes (SLK_OK) and goes or could not be made (error and sentence),
     * from the connection's thread: be quick, call nothing of this header. May be NULL. */
    void (*state)(void *ctx, slk_err_t err, const char *why);
    void *state_ctx;
} slk_rpc_ws_opts_t;

/* Start; connects in a thread of its own and again whenever the connection is lost. */
SLK_CHECK_RESULT slk_err_t slk_rpc_ws_new(slk_rpc_ws_t **ws, const slk_rpc_ws_opts_t *opts,
                                          slk_diag_t *diag);
/* Calls in flight and subscriptions end with SLK_ERR_CANCELLED; subscriptions must be freed before,
 * and no call may be running: slk_rpc_ws_stop ends them. NULL is a no-op. */
void slk_rpc_ws_free(slk_rpc_ws_t *ws);
/* Make all calls and subscriptions end with SLK_ERR_CANCELLED, now and later. Any thread. */
void slk_rpc_ws_stop(slk_rpc_ws_t *ws);

/* Wait until connected. SLK_ERR_TIMEOUT with the reason of the last failure, CANCELLED. */
SLK_CHECK_RESULT slk_err_t slk_rpc_ws_wait(slk_rpc_ws_t *ws, uint32_t timeout_ms,
                                           const slk_job_t *job, slk_diag_t *diag);

/* One call; any number of threads at a time. timeout_ms counts waiting for a connection; 0: no
 * limit. SLK_ERR_IO when the connection was lost (answer->outcome tells whether the request had
 * left), TIMEOUT (the server is sent xrpc.cancel), CANCELLED. Never sent again by itself. */
SLK_CHECK_RESULT slk_err_t slk_rpc_ws_call(slk_rpc_ws_t *ws, const char *method, const char *params,
                                           uint32_t timeout_ms, const slk_job_t *job,
                                           slk_rpc_answer_t *answer, slk_diag_t *diag);

/* Call a method that answers with a channel. *sub is NULL when the answer is an error. */
SLK_CHECK_RESULT slk_err_t slk_rpc_ws_subscribe(slk_rpc_sub_t **sub, slk_rpc_ws_t *ws,
                                                const char *method, const char *params,
                                                uint32_t timeout_ms, const slk_job_t *job,
                                                slk_rpc_answer_t *answer, slk_diag_t *diag);

/* The next value, in order; *value is a new reference. SLK_ERR_TIMEOUT: none yet (timeout_ms 0: do
 * not wait). After the last value the reason of the end, again and again: SLK_ERR_STATE closed by
 * the server, SLK_ERR_IO connection lost, SLK_ERR_LENGTH values were not taken fast enough,
 * SLK_ERR_CANCELLED. One thread a subscription. */
SLK_CHECK_RESULT slk_err_t slk_rpc_sub_next(slk_rpc_sub_t *sub, json_t **value, uint32_t timeout_ms,
                                            const slk_job_t *job, slk_diag_t *diag);

/* Cancel and free. NULL is a no-op. */
void slk_rpc_sub_free(slk_rpc_sub_t *sub);

#endif /* SLK_NET_JSONRPC_CLIENT_H */
