#ifndef SLK_NET_HTTP_CLIENT_H
#define SLK_NET_HTTP_CLIENT_H

/* HTTP/1.1 calls with connections that are kept open, over libcurl.
 *
 * One client serves any number of threads and hosts. Redirects are not followed (a token must not
 * travel), proxies of the environment are not used, TLS is verified. */

#include "selkie/err.h"
#include "selkie/job.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct slk_http_client slk_http_client_t;

/* How far a call got: what a caller needs to know before repeating it. */
typedef enum {
    SLK_HTTP_NOT_SENT,  /* not a byte of it left: safe to repeat */
    SLK_HTTP_NO_ANSWER, /* the other side may or may not have acted on it */
    SLK_HTTP_ANSWERED   /* a whole answer, whatever its status */
} slk_http_outcome_t;

const char *slk_http_outcome_text(slk_http_outcome_t outcome);

typedef struct {
    uint32_t connect_ms; /* 0: 10,000 */
    uint32_t total_ms;   /* of the whole call; 0: no limit */
    /* Give up when no byte moved for so long, also while waiting for the answer; 0: 60. */
    uint32_t low_speed_s;
    uint64_t answer_max; /* bytes of a body; 0: 256 MiB */
    const char *ca_file; /* PEM of authorities to trust; NULL: the system's */
    bool insecure_tls;   /* do not verify certificates: tests only */
    uint32_t idle_max;   /* connections kept open while unused; 0: 32 */
} slk_http_client_opts_t;

/* opts NULL: defaults. Strings are copied. */
SLK_CHECK_RESULT slk_err_t slk_http_client_new(slk_http_client_t **client,
                                               const slk_http_client_opts_t *opts,
                                               slk_diag_t *diag);

/* No call may be running. NULL is a no-op. */
void slk_http_client_free(slk_http_client_t *client);

/* Make all running and later calls end with SLK_ERR_CANCELLED. Any thread. */
void slk_http_client_stop(slk_http_client_t *client);

typedef struct {
    const char *method;       /* "GET", "POST", ... */
    const char *url;          /* http or https */
    const char *token;        /* sent as bearer token; NULL or empty: none. Never in a message */
    const char *content_type; /* of the body; NULL: none */
    const void *body;
    size_t body_len;
    const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
    /* Executing it twice is harmless: a kept connection may be used, over which libcurl sends again
     * when the server closed it at that moment. Otherwise the call has a connection of its own. */
    bool repeatable;
    uint32_t total_ms;    /* 0: the client's */
    uint32_t low_speed_s; /* 0: the client's; UINT32_MAX: wait for ever (bounded by total_ms) */
    const slk_job_t *job; /* cancels; may be NULL */

    /* NULL: the body is gathered in the answer. Otherwise called with each piece of the body of a
     * 2xx answer; other than SLK_OK ends the call with that error (fill diag). answer_max does not
     * apply then. */
    slk_err_t (*sink)(void *ctx, const void *bytes, size_t len, slk_diag_t *diag);
    void *sink_ctx;
} slk_http_call_t;

typedef struct {
    slk_http_outcome_t outcome; /* valid after errors too */
    int status;                 /* 0 before an answer */
    char content_type[128];
    char content_range[128];
    char etag[128];
    char location[2048]; /* of a redirection; a longer one is left out */
    char *body;          /* NUL-terminated; NULL when nothing came or it went to the sink */
    size_t body_len;
    uint64_t sunk; /* bytes that the sink took */
} slk_http_answer_t;

/* One call; blocks. Any status is SLK_OK: look at answer->status. SLK_ERR_IO (with outcome),
 * TIMEOUT, CANCELLED, LENGTH (answer too long), INPUT (URL), NOMEM. The answer is to be freed in
 * any case. */
SLK_CHECK_RESULT slk_err_t slk_http_do(slk_http_client_t *client, const slk_http_call_t *call,
                                       slk_http_answer_t *answer, slk_diag_t *diag);

/* Free what an answer holds; harmless on a zeroed one. */
void slk_http_answer_free(slk_http_answer_t *answer);

#endif /* SLK_NET_HTTP_CLIENT_H */
