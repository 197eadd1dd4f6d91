#include "selkie/err.h"

#include "base/assert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *slk_err_text(slk_err_t err)
{
    switch (err) {
#define ERR_CASE(num, name, text)                                                                  \
    case SLK_ERR_##name:                                                                           \
        return text;
        SLK_ERR_LIST(ERR_CASE)
#undef ERR_CASE
    }
    return "unknown error";
}

slk_err_t slk_fail(slk_diag_t *diag, slk_err_t err, const char *fmt, ...)
{
    if (diag) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(diag->text, sizeof diag->text, fmt, args);
        va_end(args);
    }
    return err;
}

/* How errno is classed and what a person can do about it. */
static const struct {
    int num;
    slk_err_t err;
    const char *remedy;
} errno_rows[] = {
    {ENOMEM, SLK_ERR_NOMEM, "free memory or use fewer threads"},
    {ENOSPC, SLK_ERR_NOSPACE, "free space on that file system and run the same command again"},
    {EDQUOT, SLK_ERR_NOSPACE, "raise the quota or free space and run the same command again"},
    {EFBIG, SLK_ERR_NOSPACE, "raise the limit on file sizes (ulimit -f) and run again"},
    {ENOENT, SLK_ERR_NOTFOUND, "check the path"},
    {ENOTDIR, SLK_ERR_NOTFOUND, "check the path: a part of it is no folder"},
    {EISDIR, SLK_ERR_INPUT, "give a file, not a folder"},
    {EACCES, SLK_ERR_PERM, "check owner and permissions"},
    {EPERM, SLK_ERR_PERM, "check owner and permissions"},
    {EROFS, SLK_ERR_PERM, "mount the file system writable or choose another folder"},
    {EMFILE, SLK_ERR_IO, "raise the limit on open files (ulimit -n)"},
    {ENAMETOOLONG, SLK_ERR_INPUT, "use a shorter path"},
};

slk_err_t slk_fail_errno(slk_diag_t *diag, const char *doing, const char *path)
{
    int num = errno;
    slk_err_t err = SLK_ERR_IO;
    const char *remedy = "look at the system's log (dmesg) for trouble with that device";
    for (size_t i = 0; i < SLK_COUNT(errno_rows); i++) {
        if (errno_rows[i].num == num) {
            err = errno_rows[i].err;
            remedy = errno_rows[i].remedy;
        }
    }
    return slk_fail(diag, err, "cannot %s %s: %s; %s", doing, path, strerror(num), remedy);
}

void slk_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "selkie: broken assumption at %s:%d: %s\n", file, line, cond);
    abort();
}
