#include "net/beneath.h"
#include "net/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Files below a folder ------------------------------------------------------------------ */

slk_err_t slk_open_beneath(int *out, const char *root, const char *rel)
{
    char part[NAME_MAX + 1];
    *out = -1;
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (dir >= 0) {
        size_t len = strcspn(rel, "/");
        if (len == 0 || len > NAME_MAX || (len == 1 && rel[0] == '.') ||
            (len == 2 && rel[0] == '.' && rel[1] == '.')) {
            close(dir);
            return SLK_ERR_NOTFOUND;
        }
        memcpy(part, rel, len);
        part[len] = 0;
        bool last = rel[len] == 0;
        /* O_NONBLOCK: opening a pipe must not wait for a writer. */
        int fd = openat(dir, part,
                        O_NOFOLLOW | O_CLOEXEC |
                            (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY));
        int saved = errno;
        close(dir);
        errno = saved;
        dir = fd;
        if (last)
            break;
        rel += len + 1;
    }
    struct stat st;
    if (dir >= 0 && (fstat(dir, &st) || !S_ISREG(st.st_mode))) {
        close(dir);
        return SLK_ERR_NOTFOUND;
    }
    *out = dir;
    if (dir >= 0)
        return SLK_OK;
    return errno == EACCES ? SLK_ERR_PERM
           : errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO
               ? SLK_ERR_NOTFOUND
               : SLK_ERR_IO;
}

/* --- Ranges -------------------------------------------------------------------------------- */

typedef enum { RANGE_WHOLE, RANGE_PART, RANGE_OUTSIDE } range_t;

static bool read_number(const char **text, uint64_t *value)
{
    const char *p = *text;
    *value = 0;
    while (*p >= '0' && *p <= '9') {
        if (*value > (UINT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(*p++ - '0');
    }
    bool any = p != *text;
    *text = p;
    return any;
}

/* "bytes=a-b", "bytes=a-", "bytes=-n"; whatever else means the whole file (RFC 9110 section
 * 14.2). */
static range_t parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *len)
{
    uint64_t first = 0, last = 0;
    *offset = 0;
    *len = size;
    if (!text || strncasecmp(text, "bytes=", 6))
        return RANGE_WHOLE;
    text += 6;
    bool has_first = read_number(&text, &first);
    if (*text++ != '-')
        return RANGE_WHOLE;
    bool has_last = read_number(&text, &last);
    if (*text || (!has_first && !has_last) || (has_first && has_last && last < first))
        return RANGE_WHOLE;
    if (!has_first) {
        if (!last || !size)
            return RANGE_OUTSIDE;
        *len = last < size ? last : size;
        *offset = size - *len;
        return RANGE_PART;
    }
    if (first >= size)
        return RANGE_OUTSIDE;
    *offset = first;
    *len = (has_last && last < size - 1 ? last : size - 1) - first + 1;
    return RANGE_PART;
}

void slk_http_reply_file(slk_http_request_t *req, const char *root, const char *rel,
                         const char *content_type)
{
    static const char missing[] = "404 page not found\n";
    int fd;
    struct stat st;
    char etag[64], text[96];
    if (slk_open_beneath(&fd, root, rel) != SLK_OK || fstat(fd, &st)) {
        if (fd >= 0)
            close(fd);
        slk_http_reply(req, 404, "text/plain; charset=utf-8", missing, sizeof missing - 1);
        return;
    }
    uint64_t size = (uint64_t)st.st_size, offset, len;
    snprintf(etag, sizeof etag, "\"%" PRIx64 "-%" PRIx64 "-%lx\"", size,
             (uint64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    const char *condition = slk_http_header(req, "If-Range");
    range_t range =
        parse_range(condition && strcmp(condition, etag) ? NULL : slk_http_header(req, "Range"),
                    size, &offset, &len);
    slk_http_reply(req,
                   range == RANGE_PART      ? 206
                   : range == RANGE_OUTSIDE ? 416
                                            : 200,
                   range == RANGE_OUTSIDE ? NULL : content_type, "", 0);
    slk_http_reply_header(req, "Accept-Ranges", "bytes");
    slk_http_reply_header(req, "ETag", etag);
    if (range == RANGE_OUTSIDE) {
        close(fd);
        snprintf(text, sizeof text, "bytes */%" PRIu64, size);
    } else {
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, offset,
                 offset + len - 1, size);
        req->reply.fd = fd;
        req->reply.offset = offset;
        req->reply.file_len = len;
    }
    if (range != RANGE_WHOLE)
        slk_http_reply_header(req, "Content-Range", text);
}
