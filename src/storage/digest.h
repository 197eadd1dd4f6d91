#ifndef SLK_STORAGE_DIGEST_H
#define SLK_STORAGE_DIGEST_H

/* SHA-256 of files, computed once for each state of a file.
 *
 * A state is device, inode, length, and the times of contents and inode; the latter nobody can set.
 * The 32,768 last used are kept in memory. Thread-safe. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

#include <sys/stat.h>

typedef struct slk_digests slk_digests_t;

SLK_CHECK_RESULT slk_err_t slk_digests_new(slk_digests_t **digests, slk_diag_t *diag);
void slk_digests_free(slk_digests_t *digests);

/* True when the digest of a file in this state is known. */
bool slk_digest_known(slk_node_t *sha256, slk_digests_t *digests, const struct stat *st);

/* The digest of an open file: the known one, or computed now. Progress counts bytes. SLK_ERR_BUSY:
 * the file changed meanwhile. */
SLK_CHECK_RESULT slk_err_t slk_digest_sector_file(slk_node_t *sha256, slk_digests_t *digests,
                                                  int fd, const char *name, const slk_job_t *job,
                                                  slk_diag_t *diag);

#endif /* SLK_STORAGE_DIGEST_H */
