#ifndef SLK_WORKER_LINK_H
#define SLK_WORKER_LINK_H

/* Calls of a worker to its manager. Any thread. */

#include "cluster/protocol.h"
#include "net/http_client.h"
#include "worker/job_dir.h"

#include <pthread.h>

#define SLK_LINK_TOKEN_MAX 1024
#define SLK_LINK_ARENA_MAX ((size_t)64 << 20) /* bytes that one answer may take */

typedef struct {
    slk_http_client_t *client; /* borrowed */
    char url[768];             /* of the RPC */
    char base[768];            /* the same up to the host: "http://host:port" */
    pthread_mutex_t mutex;
    char token[SLK_LINK_TOKEN_MAX]; /* a secret; guarded by mutex */
} slk_link_t;

/* Set the addresses from the RPC's URL. SLK_ERR_INPUT: it is none. */
SLK_CHECK_RESULT slk_err_t slk_link_init(slk_link_t *link, slk_http_client_t *client,
                                         const char *url, slk_diag_t *diag);

/* After a slk_link_init, whatever that returned. */
void slk_link_fini(slk_link_t *link);

/* The token of all calls from now on. SLK_ERR_INPUT: too long. */
SLK_CHECK_RESULT slk_err_t slk_link_set_token(slk_link_t *link, const char *token,
                                              slk_diag_t *diag);
void slk_link_token(slk_link_t *link, char out[SLK_LINK_TOKEN_MAX]);

typedef struct {
    const char *method;
    const slk_type_t *in_type, *out_type; /* out_type NULL: the answer is not read */
    const void *in;
    void *out;
    bool *flag; /* of an answer that is true or false; may be NULL */
    slk_arena_t *arena;
    uint32_t wait_ms;  /* that the manager may take, beyond what calls take */
    uint32_t limit_ms; /* of the whole; 0: what calls take */
    const slk_job_t *job;
    int64_t code; /* out: of an error answer, 0: none */
} slk_link_call_t;

/* One call with one parameter. SLK_OK: answered. SLK_ERR_STATE: an error answer, code is set; PERM: the
 * token is refused; FORMAT: no such answer as was expected; others: the manager was not reached. */
SLK_CHECK_RESULT slk_err_t slk_link_do(slk_link_t *link, slk_link_call_t *call, slk_diag_t *diag);

/* PUT the output of a job from a file, with its digest. SLK_ERR_MISMATCH: the manager does not want it
 * (any more): the lease is another's. */
SLK_CHECK_RESULT slk_err_t slk_link_put_output(slk_link_t *link, uint64_t id, uint64_t lease,
                                               const char *path, const slk_job_t *job,
                                               slk_diag_t *diag);
/* GET the output of a job into a file, which is then complete and on the disk. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_link_get_output(slk_link_t *link, uint64_t id, const char *path,
                                               const slk_job_t *job, slk_diag_t *diag);

#endif /* SLK_WORKER_LINK_H */
