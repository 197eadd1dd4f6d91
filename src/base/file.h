#ifndef SLK_BASE_FILE_H
#define SLK_BASE_FILE_H

/* Files: whole reads and writes, files that appear only when complete, locks, maps.
 * Paths end up in messages as given. */

#include "selkie/err.h"
#include "selkie/job.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Read or write exactly len bytes at an offset. A file that ends early is SLK_ERR_LENGTH. */
SLK_CHECK_RESULT slk_err_t slk_pread_all(int fd, void *buf, size_t len, uint64_t offset,
                                         const char *path, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_pwrite_all(int fd, const void *buf, size_t len, uint64_t offset,
                                          const char *path, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_write_all(int fd, const void *buf, size_t len, const char *path,
                                         slk_diag_t *diag);

/* Up to cap bytes from the present position, fewer only at the end of the data; retries short
 * reads. */
SLK_CHECK_RESULT slk_err_t slk_read_upto(int fd, void *buf, size_t cap, size_t *len,
                                         const char *path, slk_diag_t *diag);
/* The same of a pipe, which may stand still: SLK_ERR_CANCELLED soon after the job is cancelled. */
SLK_CHECK_RESULT slk_err_t slk_read_upto_job(int fd, void *buf, size_t cap, size_t *len,
                                             const char *path, const slk_job_t *job,
                                             slk_diag_t *diag);

/* Read a whole small file. SLK_ERR_LENGTH above max. *buf is NUL-terminated, to be freed. */
SLK_CHECK_RESULT slk_err_t slk_read_file(char **buf, size_t *len, const char *path, size_t max,
                                         slk_diag_t *diag);

/* Open a regular file for reading. expect: its exact length or SLK_ANY_LEN. what: the file's name
 * in messages ("tree_d"). SLK_ERR_STATE when it does not exist. *len may be NULL. */
#define SLK_ANY_LEN UINT64_MAX
SLK_CHECK_RESULT slk_err_t slk_open_read(int *fd, uint64_t *len, const char *path, const char *what,
                                         uint64_t expect, slk_diag_t *diag);

/* A file that exists under its name only when it is complete and on the disk. */
typedef struct {
    int fd;
    char tmp[4096 + 64];
    const char *path; /* borrowed */
} slk_new_file_t;

#define SLK_NEW_FILE_INIT                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Create the temporary file beside path (path + ".selkie-tmp"; a left-over one is replaced). len >
 * 0: space is allocated now, so that a full disk is noticed before hours of work. */
SLK_CHECK_RESULT slk_err_t slk_new_file_open(slk_new_file_t *file, const char *path, uint64_t len,
                                             slk_diag_t *diag);

/* Sync, rename, sync the folder. */
SLK_CHECK_RESULT slk_err_t slk_new_file_commit(slk_new_file_t *file, slk_diag_t *diag);

/* Remove what is left of an uncommitted one; harmless after commit and on SLK_NEW_FILE_INIT. */
void slk_new_file_abort(slk_new_file_t *file);

/* The three in one, for small contents. */
SLK_CHECK_RESULT slk_err_t slk_write_file(const char *path, const void *buf, size_t len,
                                          slk_diag_t *diag);

/* fsync the folder that holds path. */
SLK_CHECK_RESULT slk_err_t slk_sync_parent(const char *path, slk_diag_t *diag);

/* mkdir -p, mode 0755. */
SLK_CHECK_RESULT slk_err_t slk_make_dirs(const char *path, slk_diag_t *diag);

/* Lock a folder against other processes; *fd holds it until closed. SLK_ERR_BUSY when somebody has
 * it. */
SLK_CHECK_RESULT slk_err_t slk_lock_dir(int *fd, const char *path, slk_diag_t *diag);

/* Length of a regular file; *found = false and SLK_OK when there is none. */
SLK_CHECK_RESULT slk_err_t slk_file_len(bool *found, uint64_t *len, const char *path,
                                        slk_diag_t *diag);

/* Join into cap bytes. SLK_ERR_LENGTH when too long. */
SLK_CHECK_RESULT slk_err_t slk_path_join(char *out, size_t cap, const char *dir, const char *name,
                                         slk_diag_t *diag);

#endif /* SLK_BASE_FILE_H */
