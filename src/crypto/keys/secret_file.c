#include "crypto/keys/secret_file.h"

#include "base/assert.h"
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

slk_err_t slk_secret_file_read(char *buf, size_t cap, size_t *len, const char *path, bool shared,
                               slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return slk_fail_errno(diag, "open", path);
    if (fstat(fd, &st)) {
        err = slk_fail_errno(diag, "stat", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err = slk_fail(diag, SLK_ERR_INPUT, "%s: not a regular file", path);
        goto out;
    }
    if (!shared && (st.st_mode & 077) != 0) {
        err = slk_fail(diag, SLK_ERR_PERM,
                       "%s: has mode %#o, so that others may read the secret in it; expected 0600 "
                       "(chmod 600)",
                       path, (unsigned)st.st_mode & 0777);
        goto out;
    }
    SLK_TRY(slk_read_upto(fd, buf, cap, len, path, diag));
    if (*len == cap)
        err = slk_fail(diag, SLK_ERR_LENGTH, "%s: longer than %zu bytes", path, cap - 1);
    else
        buf[*len] = 0;
out:
    close(fd);
    return err;
}

slk_err_t slk_secret_file_write(const char *path, const void *bytes, size_t len, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_new_file_t file = SLK_NEW_FILE_INIT;
    SLK_TRY(slk_new_file_open(&file, path, 0, diag));
    /* Before anything is in it. */
    if (fchmod(file.fd, 0600)) {
        err = slk_fail_errno(diag, "set the mode of", file.tmp);
        goto out;
    }
    SLK_TRY(slk_write_all(file.fd, bytes, len, file.tmp, diag));
    SLK_TRY(slk_new_file_commit(&file, diag));
out:
    slk_new_file_abort(&file);
    return err;
}
