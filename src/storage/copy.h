#ifndef SLK_STORAGE_COPY_H
#define SLK_STORAGE_COPY_H

/* Verified copies and comparisons of files. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

typedef struct {
    uint64_t bytes;    /* length of the source */
    uint64_t reused;   /* of these, what the target had already */
    slk_node_t sha256; /* of what was read */
} slk_copied_t;

/* Make the open file `to` a copy of `from`: what it has is compared and kept as far as it is equal,
 * the rest is written, blocks of zeros as holes; then it is synced, read back from the disk and its
 * digest compared with that of what was read. Names are for messages. SLK_ERR_DIGEST: the disk gave
 * back other bytes; SLK_ERR_BUSY: the source changed meanwhile. Progress counts each byte twice. */
SLK_CHECK_RESULT slk_err_t slk_copy_verified(slk_copied_t *copied, int from, const char *from_name,
                                             int to, const char *to_name, const slk_job_t *job,
                                             slk_diag_t *diag);

/* Are two open files of this length equal? Progress counts each byte twice. */
SLK_CHECK_RESULT slk_err_t slk_compare_files(bool *equal, int a, const char *a_name, int b,
                                             const char *b_name, uint64_t len, const slk_job_t *job,
                                             slk_diag_t *diag);

#endif /* SLK_STORAGE_COPY_H */
