#ifndef SLK_WORKER_PIECE_SOURCE_H
#define SLK_WORKER_PIECE_SOURCE_H

/* The data of a piece from its URL into a file. */

#include "net/http_client.h"
#include "selkie/job.h"

typedef struct {
    const char *url;    /* http or https */
    const char *token;  /* for it; NULL: none */
    const char *market; /* token for the address that it redirects to; NULL: none */
    uint64_t len;       /* bytes that the piece has; 0: as many as come */
    uint64_t len_max;   /* more are refused */
} slk_piece_source_t;

/* Fetch into path, going on with what is there of an earlier call: the caller checks what the data
 * commits to, and removes the file when that is wrong. One redirection is followed. Tries a few times.
 * SLK_ERR_NOTFOUND, PERM: the source's answer; LENGTH: it has another length; others of slk_http_do. */
SLK_CHECK_RESULT slk_err_t slk_piece_fetch(const char *path, const slk_piece_source_t *source,
                                           slk_http_client_t *client, const slk_job_t *job,
                                           slk_diag_t *diag);

#endif /* SLK_WORKER_PIECE_SOURCE_H */
