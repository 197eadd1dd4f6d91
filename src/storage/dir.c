#include "storage/dir.h"

#include "base/assert.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX                                                                                  \
    8 /* of folders below a sector's; what is deeper was not made by anybody we know */

slk_err_t slk_dir_fail(slk_diag_t *diag, const char *doing, const slk_dir_t *dir, const char *name)
{
    char path[SLK_SECTOR_PATH_MAX + 256];
    int saved = errno;
    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    errno = saved;
    return slk_fail_errno(diag, doing, path);
}

slk_err_t slk_dir_open(slk_dir_t *dir, const char *path, slk_diag_t *diag)
{
    dir->fd = -1;
    if (strlen(path) >= sizeof dir->path)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    strcpy(dir->path, path);
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir->fd < 0 ? slk_fail_errno(diag, "open folder", path) : SLK_OK;
}

static slk_err_t make_sub(const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    if (mkdirat(dir->fd, name, 0755)) {
        if (errno != EEXIST)
            return slk_dir_fail(diag, "create folder", dir, name);
        return SLK_OK;
    }
    return slk_dir_sync(dir, diag);
}

slk_err_t slk_dir_sub(slk_dir_t *sub, const slk_dir_t *dir, const char *name, bool create,
                      slk_diag_t *diag)
{
    slk_err_t err;
    sub->fd = -1;
    int n = snprintf(sub->path, sizeof sub->path, "%s/%s", dir->path, name);
    if (n < 0 || (size_t)n >= sizeof sub->path)
        return slk_fail(diag, SLK_ERR_INPUT, "%s/%s: path too long", dir->path, name);
    for (int pass = 0; pass < 2; pass++) {
        sub->fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub->fd >= 0)
            return SLK_OK;
        if (errno != ENOENT || !create || pass)
            break;
        err = make_sub(dir, name, diag);
        if (err != SLK_OK)
            return err;
    }
    if (errno == ENOTDIR || errno == ELOOP)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: a folder was expected, this is a file or a symbolic link, which is "
                        "not followed; if it points to another disk, attach that as a storage path "
                        "of its own",
                        sub->path);
    return slk_fail_errno(diag, "open folder", sub->path);
}

void slk_dir_close(slk_dir_t *dir)
{
    if (dir->fd >= 0)
        close(dir->fd);
    dir->fd = -1;
}

slk_err_t slk_dir_sync(const slk_dir_t *dir, slk_diag_t *diag)
{
    /* Some network file systems cannot sync a folder and say EINVAL. */
    return fsync(dir->fd) && errno != EINVAL ? slk_fail_errno(diag, "sync folder", dir->path)
                                             : SLK_OK;
}

slk_err_t slk_dir_entry(slk_entry_t *entry, struct stat *st, const slk_dir_t *dir, const char *name,
                        slk_diag_t *diag)
{
    struct stat own;
    if (!st)
        st = &own;
    *entry = SLK_ENTRY_NONE;
    if (fstatat(dir->fd, name, st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? SLK_OK : slk_dir_fail(diag, "stat", dir, name);
    *entry = S_ISREG(st->st_mode)   ? SLK_ENTRY_FILE
             : S_ISDIR(st->st_mode) ? SLK_ENTRY_FOLDER
                                    : SLK_ENTRY_OTHER;
    return SLK_OK;
}

slk_err_t slk_dir_file(int *fd, const slk_dir_t *dir, const char *name, int flags, slk_diag_t *diag)
{
    struct stat st;
    /* O_NONBLOCK: opening a pipe must not wait for a writer; of regular files it changes nothing. */
    *fd = openat(dir->fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    if (*fd < 0 && errno == ELOOP)
        return slk_fail(diag, SLK_ERR_STATE, "%s/%s: a symbolic link, which is not followed",
                        dir->path, name);
    if (*fd < 0)
        return slk_dir_fail(diag, flags & O_CREAT ? "create" : "open", dir, name);
    slk_err_t err = SLK_OK;
    if (fstat(*fd, &st))
        err = slk_dir_fail(diag, "stat", dir, name);
    else if (!S_ISREG(st.st_mode))
        err = slk_fail(diag, SLK_ERR_STATE, "%s/%s: not a regular file", dir->path, name);
    if (err != SLK_OK) {
        close(*fd);
        *fd = -1;
    }
    return err;
}

slk_err_t slk_dir_each(const slk_dir_t *dir,
                       slk_err_t (*each)(void *ctx, const slk_dir_t *dir, const char *name,
                                         slk_diag_t *diag),
                       void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    /* A descriptor of its own: the position is shared otherwise. */
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (!stream) {
        err = slk_fail_errno(diag, "open folder", dir->path);
        if (fd >= 0)
            close(fd);
        return err;
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry) {
            if (errno)
                err = slk_fail_errno(diag, "list folder", dir->path);
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        err = each(ctx, dir, entry->d_name, diag);
        if (err != SLK_OK)
            break;
    }
    closedir(stream);
    return err;
}

/* --- Trees --------------------------------------------------------------------------------- */

typedef struct {
    const slk_job_t *job;
    uint64_t bytes;
    unsigned depth;
} walk_t;

static slk_err_t add_used(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    walk_t *walk = ctx;
    slk_dir_t sub;
    struct stat st;
    (void)diag;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return SLK_OK;
    walk->bytes += (uint64_t)st.st_blocks * 512;
    if (!S_ISDIR(st.st_mode) || walk->depth == DEPTH_MAX ||
        slk_dir_sub(&sub, dir, name, false, NULL) != SLK_OK)
        return SLK_OK;
    walk->depth++;
    slk_err_t err = slk_dir_each(&sub, add_used, walk, NULL);
    walk->depth--;
    slk_dir_close(&sub);
    (void)err; /* what cannot be read counts 0 */
    return SLK_OK;
}

uint64_t slk_dir_used(const slk_dir_t *dir, const char *name)
{
    walk_t walk = {0};
    (void)!add_used(&walk, dir, name, NULL);
    return walk.bytes;
}

static slk_err_t sync_file(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    slk_entry_t entry;
    int fd;
    (void)ctx;
    slk_err_t err = slk_dir_entry(&entry, NULL, dir, name, diag);
    if (err != SLK_OK || entry != SLK_ENTRY_FILE)
        return err;
    err = slk_dir_file(&fd, dir, name, O_RDONLY, diag);
    if (err != SLK_OK)
        return err;
    if (fsync(fd))
        err = slk_dir_fail(diag, "sync", dir, name);
    close(fd);
    return err;
}

slk_err_t slk_dir_sync_tree(const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    slk_entry_t entry;
    slk_dir_t sub;
    slk_err_t err = slk_dir_entry(&entry, NULL, dir, name, diag);
    if (err != SLK_OK || entry != SLK_ENTRY_FOLDER)
        return err != SLK_OK ? err : sync_file(NULL, dir, name, diag);
    err = slk_dir_sub(&sub, dir, name, false, diag);
    if (err != SLK_OK)
        return err;
    err = slk_dir_each(&sub, sync_file, NULL, diag);
    if (err == SLK_OK)
        err = slk_dir_sync(&sub, diag);
    slk_dir_close(&sub);
    return err;
}

static slk_err_t remove_entry(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    walk_t *walk = ctx;
    slk_entry_t entry;
    slk_dir_t sub;
    if (slk_job_cancelled(walk->job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    slk_err_t err = slk_dir_entry(&entry, NULL, dir, name, diag);
    if (err != SLK_OK || entry == SLK_ENTRY_NONE)
        return err;
    if (entry != SLK_ENTRY_FOLDER)
        return unlinkat(dir->fd, name, 0) && errno != ENOENT
                   ? slk_dir_fail(diag, "remove", dir, name)
                   : SLK_OK;
    if (walk->depth == DEPTH_MAX)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s/%s: folders nested too deeply for files of a sector; remove it by hand",
                        dir->path, name);
    err = slk_dir_sub(&sub, dir, name, false, diag);
    if (err != SLK_OK)
        return err;
    walk->depth++;
    err = slk_dir_each(&sub, remove_entry, walk, diag);
    walk->depth--;
    slk_dir_close(&sub);
    if (err == SLK_OK && unlinkat(dir->fd, name, AT_REMOVEDIR) && errno != ENOENT)
        err = slk_dir_fail(diag, "remove folder", dir, name);
    return err;
}

slk_err_t slk_dir_remove(const slk_dir_t *dir, const char *name, const slk_job_t *job,
                         slk_diag_t *diag)
{
    walk_t walk = {.job = job};
    return remove_entry(&walk, dir, name, diag);
}

slk_err_t slk_dir_rename(const slk_dir_t *from, const char *name, const slk_dir_t *to,
                         const char *new_name, slk_diag_t *diag)
{
    slk_entry_t entry;
    int rc = renameat2(from->fd, name, to->fd, new_name, RENAME_NOREPLACE);
    if (rc && (errno == EINVAL || errno == ENOSYS)) {
        /* A file system that cannot promise it, NFS for one: the locks of staging and of the
         * sector keep others away between the two calls. */
        slk_err_t err = slk_dir_entry(&entry, NULL, to, new_name, diag);
        if (err != SLK_OK)
            return err;
        errno = EEXIST;
        rc = entry == SLK_ENTRY_NONE ? renameat(from->fd, name, to->fd, new_name) : -1;
    }
    if (rc && (errno == EEXIST || errno == ENOTEMPTY))
        return slk_fail(diag, SLK_ERR_STATE, "%s/%s: exists already", to->path, new_name);
    if (rc && errno == EXDEV)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED, "%s and %s are two file systems", from->path,
                        to->path);
    if (rc)
        return slk_dir_fail(diag, "rename", from, name);
    slk_err_t err = slk_dir_sync(to, diag);
    return err == SLK_OK && from->fd != to->fd ? slk_dir_sync(from, diag) : err;
}
