#ifndef SLK_WORKER_REPO_H
#define SLK_WORKER_REPO_H

/* The folder of a worker: one process at a time, an identity for ever. See worker.h for what is in it. */

#include "storage/path_meta.h"

#define SLK_WORKER_PATH_MAX 1280

typedef struct {
    char dir[1024]; /* absolute */
    char id[SLK_STORAGE_ID_MAX];
    int lock; /* -1: not open */
} slk_worker_repo_t;

/* Make the folder where it is missing, lock it, read or make worker.json. SLK_ERR_BUSY: a worker runs
 * there; SLK_ERR_FORMAT. */
SLK_CHECK_RESULT slk_err_t slk_worker_repo_open(slk_worker_repo_t *repo, const char *dir,
                                                slk_diag_t *diag);
/* Harmless on one that is not open. */
void slk_worker_repo_close(slk_worker_repo_t *repo);

/* <dir>/<name>. */
SLK_CHECK_RESULT slk_err_t slk_worker_repo_path(char out[SLK_WORKER_PATH_MAX], const char *dir,
                                                const char *name, slk_diag_t *diag);

/* Write a file that only its owner may read, completely or not at all. */
SLK_CHECK_RESULT slk_err_t slk_worker_write_secret(const char *path, const char *text,
                                                   slk_diag_t *diag);

/* A token file's content without line end. SLK_ERR_FORMAT: empty or too long. */
SLK_CHECK_RESULT slk_err_t slk_worker_read_token(char *out, size_t cap, const char *path,
                                                 slk_diag_t *diag);

#endif /* SLK_WORKER_REPO_H */
