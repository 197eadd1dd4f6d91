#include "base/file.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* One read or write call moves at most about 2 GiB on Linux. */
#define IO_CHUNK (UINT64_C(1) << 30)

slk_err_t slk_pread_all(int fd, void *buf, size_t len, uint64_t offset, const char *path,
                        slk_diag_t *diag)
{
    uint8_t *p = buf;
    while (len) {
        ssize_t n = pread(fd, p, len < IO_CHUNK ? len : IO_CHUNK, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return slk_fail_errno(diag, "read", path);
        if (n == 0)
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "%s: ends at byte %" PRIu64 ", %zu bytes more were expected", path,
                            offset, len);
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return SLK_OK;
}

slk_err_t slk_pwrite_all(int fd, const void *buf, size_t len, uint64_t offset, const char *path,
                         slk_diag_t *diag)
{
    const uint8_t *p = buf;
    while (len) {
        ssize_t n = pwrite(fd, p, len < IO_CHUNK ? len : IO_CHUNK, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return slk_fail_errno(diag, "write", path);
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return SLK_OK;
}

slk_err_t slk_write_all(int fd, const void *buf, size_t len, const char *path, slk_diag_t *diag)
{
    const uint8_t *p = buf;
    while (len) {
        ssize_t n = write(fd, p, len < IO_CHUNK ? len : IO_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return slk_fail_errno(diag, "write", path);
        p += n;
        len -= (size_t)n;
    }
    return SLK_OK;
}

slk_err_t slk_read_upto(int fd, void *buf, size_t cap, size_t *len, const char *path,
                        slk_diag_t *diag)
{
    uint8_t *p = buf;
    *len = 0;
    while (*len < cap) {
        size_t want = cap - *len;
        ssize_t n = read(fd, p + *len, want < IO_CHUNK ? want : IO_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return slk_fail_errno(diag, "read", path);
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return SLK_OK;
}

slk_err_t slk_read_upto_job(int fd, void *buf, size_t cap, size_t *len, const char *path,
                            const slk_job_t *job, slk_diag_t *diag)
{
    enum { LOOK_MS = 100 };
    uint8_t *p = buf;
    *len = 0;
    while (*len < cap) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (slk_job_cancelled(job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
        int some = poll(&ready, 1, LOOK_MS);
        if (some == 0 || (some < 0 && errno == EINTR))
            continue;
        size_t want = cap - *len;
        ssize_t n = read(fd, p + *len, want < IO_CHUNK ? want : IO_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return slk_fail_errno(diag, "read", path);
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return SLK_OK;
}

slk_err_t slk_read_file(char **buf, size_t *len, const char *path, size_t max, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return slk_fail_errno(diag, "open", path);
    struct stat st;
    if (fstat(fd, &st)) {
        err = slk_fail_errno(diag, "stat", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: not a regular file", path);
        goto out;
    }
    if ((uint64_t)st.st_size > max) {
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: %" PRIu64 " bytes, at most %zu were expected",
                       path, (uint64_t)st.st_size, max);
        goto out;
    }
    text = malloc((size_t)st.st_size + 1);
    if (!text) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory to read it", path);
        goto out;
    }
    SLK_TRY(slk_read_upto(fd, text, (size_t)st.st_size, len, path, diag));
    text[*len] = 0;
    *buf = text;
    text = NULL;
out:
    free(text);
    close(fd);
    return err;
}

slk_err_t slk_open_read(int *fd, uint64_t *len, const char *path, const char *what, uint64_t expect,
                        slk_diag_t *diag)
{
    int f = open(path, O_RDONLY | O_CLOEXEC);
    if (f < 0) {
        if (errno == ENOENT)
            return slk_fail(diag, SLK_ERR_STATE,
                            "%s: %s is missing; run the step that makes it first", path, what);
        return slk_fail_errno(diag, "open", path);
    }
    struct stat st;
    slk_err_t err = SLK_OK;
    if (fstat(f, &st))
        err = slk_fail_errno(diag, "stat", path);
    else if (!S_ISREG(st.st_mode))
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: %s is not a regular file", path, what);
    else if (expect != SLK_ANY_LEN && (uint64_t)st.st_size != expect)
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %s has %" PRIu64 " bytes, expected %" PRIu64
                       "; the file is damaged or of another sector size: restore it, or remove it "
                       "and run again the step that makes it",
                       path, what, (uint64_t)st.st_size, expect);
    if (err != SLK_OK) {
        close(f);
        return err;
    }
    if (len)
        *len = (uint64_t)st.st_size;
    *fd = f;
    return SLK_OK;
}

slk_err_t slk_new_file_open(slk_new_file_t *file, const char *path, uint64_t len, slk_diag_t *diag)
{
    file->fd = -1;
    file->path = path;
    int n = snprintf(file->tmp, sizeof file->tmp, "%s.selkie-tmp", path);
    if (n < 0 || (size_t)n >= sizeof file->tmp) {
        file->tmp[0] = 0;
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    }
    /* A fresh inode: whoever still has a left-over temporary file open cannot write into ours. */
    if (unlink(file->tmp) && errno != ENOENT)
        return slk_fail_errno(diag, "replace", file->tmp);
    file->fd = open(file->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file->fd < 0)
        return slk_fail_errno(diag, "create", file->tmp);
    int rc = len ? posix_fallocate(file->fd, 0, (off_t)len) : 0;
    if (rc) {
        errno = rc;
        slk_err_t err = slk_fail_errno(diag, "reserve space for", path);
        slk_new_file_abort(file);
        return err;
    }
    return SLK_OK;
}

slk_err_t slk_new_file_commit(slk_new_file_t *file, slk_diag_t *diag)
{
    SLK_ASSERT(file->fd >= 0);
    if (fsync(file->fd))
        return slk_fail_errno(diag, "sync", file->tmp);
    int rc = close(file->fd);
    file->fd = -1;
    if (rc) {
        slk_err_t err = slk_fail_errno(diag, "close", file->tmp);
        unlink(file->tmp);
        return err;
    }
    if (rename(file->tmp, file->path)) {
        slk_err_t err = slk_fail_errno(diag, "rename into place", file->path);
        unlink(file->tmp);
        return err;
    }
    return slk_sync_parent(file->path, diag);
}

void slk_new_file_abort(slk_new_file_t *file)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    file->fd = -1;
    unlink(file->tmp);
}

slk_err_t slk_write_file(const char *path, const void *buf, size_t len, slk_diag_t *diag)
{
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    SLK_TRY(slk_write_all(file.fd, buf, len, file.tmp, diag));
    SLK_TRY(slk_new_file_commit(&file, diag));
out:
    slk_new_file_abort(&file);
    return err;
}

slk_err_t slk_sync_parent(const char *path, slk_diag_t *diag)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof dir)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    if (!slash) {
        strcpy(dir, ".");
    } else {
        memcpy(dir, path, len);
        dir[len] = 0;
        if (!len)
            strcpy(dir, "/");
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return slk_fail_errno(diag, "open folder", dir);
    /* Some network file systems cannot sync a folder and say EINVAL; the rename is then theirs to
     * keep. */
    slk_err_t err =
        fsync(fd) && errno != EINVAL ? slk_fail_errno(diag, "sync folder", dir) : SLK_OK;
    close(fd);
    return err;
}

slk_err_t slk_make_dirs(const char *path, slk_diag_t *diag)
{
    char buf[4096];
    size_t len = strlen(path);
    if (len >= sizeof buf)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    memcpy(buf, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (buf[i] != '/' && buf[i] != 0)
            continue;
        char c = buf[i];
        buf[i] = 0;
        struct stat st;
        if (mkdir(buf, 0755) && (errno != EEXIST || stat(buf, &st) || !S_ISDIR(st.st_mode))) {
            if (errno == EEXIST)
                errno = ENOTDIR;
            return slk_fail_errno(diag, "create folder", buf);
        }
        buf[i] = c;
    }
    return SLK_OK;
}

slk_err_t slk_lock_dir(int *fd, const char *path, slk_diag_t *diag)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return slk_fail_errno(diag, "open folder", path);
    while (flock(*fd, LOCK_EX | LOCK_NB)) {
        if (errno == EINTR)
            continue;
        slk_err_t err;
        if (errno == EWOULDBLOCK)
            err = slk_fail(diag, SLK_ERR_BUSY,
                           "%s: another process works in this folder; wait for it or stop it first",
                           path);
        else
            err = slk_fail_errno(diag, "lock", path);
        close(*fd);
        *fd = -1;
        return err;
    }
    return SLK_OK;
}

slk_err_t slk_file_len(bool *found, uint64_t *len, const char *path, slk_diag_t *diag)
{
    struct stat st;
    *found = false;
    *len = 0;
    if (stat(path, &st))
        return errno == ENOENT ? SLK_OK : slk_fail_errno(diag, "stat", path);
    if (!S_ISREG(st.st_mode))
        return slk_fail(diag, SLK_ERR_INPUT, "%s: not a regular file", path);
    *found = true;
    *len = (uint64_t)st.st_size;
    return SLK_OK;
}

slk_err_t slk_path_join(char *out, size_t cap, const char *dir, const char *name, slk_diag_t *diag)
{
    int n = snprintf(out, cap, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= cap)
        return slk_fail(diag, SLK_ERR_INPUT, "%s/%s: path too long", dir, name);
    return SLK_OK;
}
