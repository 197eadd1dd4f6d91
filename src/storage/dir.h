#ifndef SLK_STORAGE_DIR_H
#define SLK_STORAGE_DIR_H

/* Folders by descriptor: what the files of this layer share. Below a storage path no symbolic link
 * is followed, so that nothing done here reaches out of it. */

#include "selkie/job.h"
#include "storage/local_paths.h"

#include <sys/stat.h>

typedef struct slk_dir {
    int fd; /* -1: none */
    char path[SLK_SECTOR_PATH_MAX];
} slk_dir_t;

#define SLK_DIR_NONE                                                                               \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Open a folder given by its path. */
SLK_CHECK_RESULT slk_err_t slk_dir_open(slk_dir_t *dir, const char *path, slk_diag_t *diag);

/* Open the folder `name` in dir. Missing: made when `create`, else SLK_ERR_NOTFOUND. A symbolic link
 * is SLK_ERR_STATE. */
SLK_CHECK_RESULT slk_err_t slk_dir_sub(slk_dir_t *sub, const slk_dir_t *dir, const char *name,
                                       bool create, slk_diag_t *diag);

/* Harmless on SLK_DIR_NONE. */
void slk_dir_close(slk_dir_t *dir);

/* fsync, as far as the file system can. */
SLK_CHECK_RESULT slk_err_t slk_dir_sync(const slk_dir_t *dir, slk_diag_t *diag);

typedef enum { SLK_ENTRY_NONE, SLK_ENTRY_FILE, SLK_ENTRY_FOLDER, SLK_ENTRY_OTHER } slk_entry_t;

/* What `name` in dir is; st may be NULL. */
SLK_CHECK_RESULT slk_err_t slk_dir_entry(slk_entry_t *entry, struct stat *st, const slk_dir_t *dir,
                                         const char *name, slk_diag_t *diag);

/* Open a regular file in dir, O_NOFOLLOW added to flags. */
SLK_CHECK_RESULT slk_err_t slk_dir_file(int *fd, const slk_dir_t *dir, const char *name, int flags,
                                        slk_diag_t *diag);

/* Call `each` with every name but "." and ".."; other than SLK_OK ends it. */
SLK_CHECK_RESULT slk_err_t slk_dir_each(const slk_dir_t *dir,
                                        slk_err_t (*each)(void *ctx, const slk_dir_t *dir,
                                                          const char *name, slk_diag_t *diag),
                                        void *ctx, slk_diag_t *diag);

/* Bytes on the disk of `name` in dir and all below it; what is missing or goes meanwhile counts 0. */
uint64_t slk_dir_used(const slk_dir_t *dir, const char *name);

/* fsync all regular files of `name` in dir (a file, or a folder one level deep), and the folder. */
SLK_CHECK_RESULT slk_err_t slk_dir_sync_tree(const slk_dir_t *dir, const char *name,
                                             slk_diag_t *diag);

/* Remove `name` in dir and all below it; SLK_OK when there is none. Links are removed, not followed. */
SLK_CHECK_RESULT slk_err_t slk_dir_remove(const slk_dir_t *dir, const char *name,
                                          const slk_job_t *job, slk_diag_t *diag);

/* Rename, not over what is there: SLK_ERR_STATE. Both folders are synced. SLK_ERR_UNSUPPORTED: two
 * file systems. */
SLK_CHECK_RESULT slk_err_t slk_dir_rename(const slk_dir_t *from, const char *name,
                                          const slk_dir_t *to, const char *new_name,
                                          slk_diag_t *diag);

/* The message for an entry of a folder: slk_fail_errno with its whole path. */
slk_err_t slk_dir_fail(slk_diag_t *diag, const char *doing, const slk_dir_t *dir, const char *name);

#endif /* SLK_STORAGE_DIR_H */
