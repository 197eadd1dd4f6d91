#ifndef SLK_CRYPTO_KEYS_SECRET_FILE_H
#define SLK_CRYPTO_KEYS_SECRET_FILE_H

/* Small files that hold secrets. */

#include "selkie/err.h"

#include <stdbool.h>

/* Read a whole file of at most cap - 1 bytes into the caller's buffer, with a NUL behind it; the caller
 * wipes it. SLK_ERR_PERM when others than the owner may read or write it, unless `shared`.
 * SLK_ERR_NOTFOUND, SLK_ERR_LENGTH, SLK_ERR_IO. */
SLK_CHECK_RESULT slk_err_t slk_secret_file_read(char *buf, size_t cap, size_t *len,
                                                const char *path, bool shared, slk_diag_t *diag);

/* Write a file of mode 0600 that appears only when complete, replacing one of that name. */
SLK_CHECK_RESULT slk_err_t slk_secret_file_write(const char *path, const void *bytes, size_t len,
                                                 slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_SECRET_FILE_H */
