#include "worker/piece_source.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5 /* in a row without a byte more */

typedef struct {
    const slk_piece_source_t *source;
    const char *path;
    int fd;
    uint64_t at; /* next byte */
    const slk_job_t *job;
} fetch_t;

static slk_err_t sink(void *ctx, const void *bytes, size_t len, slk_diag_t *diag)
{
    fetch_t *f = ctx;
    uint64_t most = f->source->len ? f->source->len : f->source->len_max;
    if (len > most - f->at)
        return slk_fail(diag, SLK_ERR_LENGTH, "%.300s: more than the %" PRIu64 " bytes expected",
                        f->source->url, most);
    slk_err_t err = slk_pwrite_all(f->fd, bytes, len, f->at, f->path, diag);
    f->at += len;
    slk_progress_add(slk_job_progress(f->job), len);
    return err;
}

static slk_err_t ask(fetch_t *f, slk_http_client_t *client, const char *url, const char *token,
                     slk_http_answer_t *answer, slk_diag_t *diag)
{
    char range[64];
    snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", f->at);
    const char *headers[] = {f->at ? range : NULL, NULL};
    slk_http_call_t call = {.method = "GET",
                            .url = url,
                            .token = token,
                            .headers = headers,
                            .repeatable = true,
                            .job = f->job,
                            .sink = sink,
                            .sink_ctx = f};
    return slk_http_do(client, &call, answer, diag);
}

/* One request for what is missing, with its redirection. */
static slk_err_t once(fetch_t *f, slk_http_client_t *client, slk_diag_t *diag)
{
    slk_http_answer_t first = {0}, second = {0};
    uint64_t from = f->at;
    slk_err_t err;
    SLK_TRY(ask(f, client, f->source->url, f->source->token, &first, diag));
    int status = first.status;
    if (status / 100 == 3 && first.location[0]) {
        SLK_TRY(ask(f, client, first.location, f->source->market, &second, diag));
        status = second.status;
    }
    if (status == 416 && !f->source->len) /* nothing behind what we have */
        goto out;
    if (from && status == 200) { /* from its beginning: no ranges here */
        err = slk_fail(diag, SLK_ERR_UNSUPPORTED, "%.300s: gives no parts", f->source->url);
        goto out;
    }
    if (status / 100 != 2)
        err = slk_fail(diag,
                       status == 401 || status == 403 ? SLK_ERR_PERM
                       : status == 404                ? SLK_ERR_NOTFOUND
                                                      : SLK_ERR_IO,
                       "%.300s: HTTP status %d", f->source->url, status);
    else if (f->source->len && f->at < f->source->len)
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%.300s: ends after %" PRIu64 " bytes, %" PRIu64 " were expected",
                       f->source->url, f->at, f->source->len);
out:
    slk_http_answer_free(&first);
    slk_http_answer_free(&second);
    return err;
}

static void pause_a_second(void)
{
    struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

static slk_err_t rounds(fetch_t *f, slk_http_client_t *client, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (unsigned idle = 0; idle < ROUNDS; idle++) {
        uint64_t before = f->at;
        err = once(f, client, diag);
        if (err == SLK_OK || err == SLK_ERR_CANCELLED || err == SLK_ERR_NOSPACE ||
            err == SLK_ERR_PERM || err == SLK_ERR_NOTFOUND || err == SLK_ERR_LENGTH)
            break;
        if (err == SLK_ERR_UNSUPPORTED) {
            f->at = 0;
            if (ftruncate(f->fd, 0) != 0)
                return slk_fail_errno(diag, "cut", f->path);
            continue;
        }
        if (f->at > before)
            idle = 0;
        pause_a_second();
    }
    return err;
}

slk_err_t slk_piece_fetch(const char *path, const slk_piece_source_t *source,
                          slk_http_client_t *client, const slk_job_t *job, slk_diag_t *diag)
{
    fetch_t f = {.source = source, .path = path, .job = job};
    struct stat st;
    slk_err_t err;
    f.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (f.fd < 0 || fstat(f.fd, &st) != 0) {
        err = slk_fail_errno(diag, "open", path);
        goto out;
    }
    f.at = (uint64_t)st.st_size;
    uint64_t most = source->len ? source->len : source->len_max;
    if (f.at > most) {
        f.at = 0;
        if (ftruncate(f.fd, 0) != 0) {
            err = slk_fail_errno(diag, "cut", path);
            goto out;
        }
    }
    slk_progress_begin(slk_job_progress(job), "fetch piece", "B", source->len, f.at);
    err = source->len && f.at == source->len ? SLK_OK : rounds(&f, client, diag);
    slk_progress_end(slk_job_progress(job));
    if (err == SLK_OK && fsync(f.fd) != 0)
        err = slk_fail_errno(diag, "sync", path);
out:
    if (f.fd >= 0)
        close(f.fd);
    return err;
}
