#ifndef SLK_CRYPTO_DIGEST_FILE_DIGEST_H
#define SLK_CRYPTO_DIGEST_FILE_DIGEST_H

/* BLAKE2b-512 of files, which is how parameters of proofs are told apart. */

#include "selkie/job.h"

#include <stdint.h>

#define SLK_FILE_DIGEST_SZ 64u

/* Of the first len bytes, read in pieces of 1 MiB; each is added to the job's progress. The job may
 * be NULL, its pool is not used: several files can be hashed at the same time. SLK_ERR_LENGTH: the
 * file is shorter; SLK_ERR_CANCELLED, SLK_ERR_IO, SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_file_digest(uint8_t out[SLK_FILE_DIGEST_SZ], int fd, uint64_t len,
                                           const char *path, const slk_job_t *job,
                                           slk_diag_t *diag);

#endif /* SLK_CRYPTO_DIGEST_FILE_DIGEST_H */
