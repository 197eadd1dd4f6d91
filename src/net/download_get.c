#include "net/download_get.h"

#include "base/file.h"
#include "net/net.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define REDIRECTS_MAX 5L
#define SLOWEST       1024.0 /* bytes a second */

typedef struct {
    slk_get_file_t *file;
    const char *shown; /* the URL for messages */
    CURL *curl;
    slk_diag_t *diag;
    slk_get_t result; /* of a failure that was noticed in a callback */
    slk_err_t err;
    bool failed, begun;
    uint64_t from, total; /* as the headers say; UINT64_MAX: they do not */
    uint64_t skip;        /* bytes to come that we have */
    uint64_t seen;        /* bytes received, and when the slow time began */
    double since;
} get_t;

void slk_url_show(char *out, size_t cap, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    snprintf(out, cap, "%.*s%s", (int)(host - url), url, at ? at + 1 : host);
}

/* Note a failure; curl is then told to stop. */
SLK_PRINTF(4, 5)
static void fail(get_t *get, slk_get_t result, slk_err_t err, const char *fmt, ...)
{
    va_list args;
    slk_diag_t why;
    va_start(args, fmt);
    vsnprintf(why.text, sizeof why.text, fmt, args);
    va_end(args);
    slk_fail(get->diag, err, "%s: %s", get->shown, why.text);
    get->result = result;
    get->err = err;
    get->failed = true;
}

/* --- Headers -------------------------------------------------------------------------------- */

static bool number(uint64_t *out, const char **text)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* "bytes 5-99/100", "bytes 5-99/" and a star, "bytes " star "/100" */
static void content_range(get_t *get, const char *text)
{
    uint64_t from = UINT64_MAX, last, total;
    if (strncasecmp(text, "bytes ", 6) != 0)
        return;
    text += 6;
    if (*text == '*') {
        text++;
    } else if (!number(&from, &text) || *text++ != '-' || !number(&last, &text)) {
        return;
    }
    if (*text++ != '/')
        return;
    get->from = from;
    if (number(&total, &text))
        get->total = total;
}

static size_t on_header(char *data, size_t size, size_t cnt, void *ctx)
{
    get_t *get = ctx;
    char line[256];
    size_t len = size * cnt;
    snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), data);
    const char *colon = strchr(line, ':');
    if (strncasecmp(line, "HTTP/", 5) == 0) /* of a redirection's target, too */
        get->from = get->total = UINT64_MAX;
    else if (colon && strncasecmp(line, "content-range:", 14) == 0)
        content_range(get, colon + 1 + strspn(colon + 1, " \t"));
    return len;
}

/* --- Body ----------------------------------------------------------------------------------- */

static long status_of(get_t *get)
{
    long status = 0;
    curl_easy_getinfo(get->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void start_over(get_t *get)
{
    slk_get_file_t *file = get->file;
    slk_progress_add(slk_job_progress(file->job), (uint64_t)0 - file->have);
    file->have = 0;
    if (ftruncate(file->fd, 0)) {
        get->err = slk_fail_errno(get->diag, "shorten", file->path);
        get->result = SLK_GET_FAILED;
        get->failed = true;
    }
}

/* The length is known now: is there space for it? The file's length stays what it is. */
static void reserve(get_t *get)
{
    slk_get_file_t *file = get->file;
    if (fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)file->len) && errno != EOPNOTSUPP &&
        errno != ENOSYS && errno != EINTR) {
        get->err = slk_fail_errno(get->diag, "reserve space for", file->path);
        get->result = SLK_GET_FAILED;
        get->failed = true;
    }
}

/* What status and headers promise, before the first byte. */
static void begin_body(get_t *get)
{
    slk_get_file_t *file = get->file;
    long status = status_of(get);
    curl_off_t body = -1;
    get->begun = true;
    curl_easy_getinfo(get->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &body);
    if (status == 206 && get->from != file->have) {
        fail(get, SLK_GET_REFUSED, SLK_ERR_IO, "answers with another part than byte %" PRIu64,
             file->have);
        return;
    }
    if (status == 200)
        get->total = body >= 0 ? (uint64_t)body : UINT64_MAX;
    if (file->len != UINT64_MAX && get->total != UINT64_MAX && get->total != file->len) {
        fail(get, SLK_GET_REFUSED, SLK_ERR_LENGTH,
             "has %" PRIu64 " bytes, the published file has %" PRIu64, get->total, file->len);
        return;
    }
    if (get->total != UINT64_MAX && get->total < file->have)
        start_over(get);
    get->skip = status == 200 ? file->have : 0;
    if (file->len == UINT64_MAX && get->total <= INT64_MAX)
        file->len = get->total;
    if (!get->failed && file->len != UINT64_MAX)
        reserve(get);
}

static size_t on_body(char *data, size_t size, size_t cnt, void *ctx)
{
    get_t *get = ctx;
    slk_get_file_t *file = get->file;
    size_t len = size * cnt, skip;
    long status = status_of(get);
    if (status != 200 && status != 206)
        return 0; /* nobody reads the text of an error */
    if (!get->begun)
        begin_body(get);
    if (get->failed)
        return 0;
    get->seen += len;
    skip = get->skip < len ? (size_t)get->skip : len;
    get->skip -= skip;
    size_t rest = len - skip;
    if (rest > file->len - file->have) {
        fail(get, SLK_GET_REFUSED, SLK_ERR_LENGTH, "sends more than %" PRIu64 " bytes", file->len);
        return 0;
    }
    slk_err_t err = slk_pwrite_all(file->fd, data + skip, rest, file->have, file->path, get->diag);
    if (err != SLK_OK) {
        get->err = err;
        get->result = SLK_GET_FAILED;
        get->failed = true;
        return 0;
    }
    file->have += rest;
    slk_progress_add(slk_job_progress(file->job), rest);
    return len;
}

/* About once a second, more often while bytes come. */
static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up,
                       curl_off_t up_now)
{
    get_t *get = ctx;
    (void)total, (void)now, (void)up, (void)up_now;
    double limit = get->file->stall_seconds, time = slk_clock_seconds();
    if (slk_job_cancelled(get->file->job)) {
        fail(get, SLK_GET_FAILED, SLK_ERR_CANCELLED, "interrupted");
        return 1;
    }
    if (time - get->since < limit)
        return 0;
    if ((double)get->seen < SLOWEST * limit) {
        fail(get, SLK_GET_LATER, SLK_ERR_TIMEOUT,
             "stalled: %" PRIu64 " bytes in the last %.3g seconds", get->seen, time - get->since);
        return 1;
    }
    get->seen = 0;
    get->since = time;
    return 0;
}

/* --- The request ---------------------------------------------------------------------------- */

static void prepare(get_t *get, const char *url, char *range, size_t range_cap, char *reason)
{
    CURL *curl = get->curl;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    slk_net_http_only(curl);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "selkie");
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, get);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, get);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, get);
    if (get->file->have) {
        snprintf(range, range_cap, "%" PRIu64 "-", get->file->have);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
}

/* A status that is neither 200 nor 206. */
static void bad_status(get_t *get, long status)
{
    slk_get_file_t *file = get->file;
    bool later = status >= 500 || status == 408 || status == 429;
    if (status != 416 || !file->have) {
        fail(get, later ? SLK_GET_LATER : SLK_GET_REFUSED, later ? SLK_ERR_IO : SLK_ERR_NOTFOUND,
             "answers with HTTP status %ld", status);
        return;
    }
    if (file->len == UINT64_MAX && get->total == file->have) {
        file->len = get->total; /* it was complete, only nobody knew */
        return;
    }
    fail(get, SLK_GET_LATER, SLK_ERR_LENGTH, "has nothing behind byte %" PRIu64, file->have);
    if (file->len == UINT64_MAX)
        start_over(get);
}

static void judge(get_t *get, CURLcode code, const char *reason)
{
    slk_get_file_t *file = get->file;
    long status = status_of(get);
    if (get->failed)
        return;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        fail(get, SLK_GET_REFUSED, SLK_ERR_INPUT,
             "is no URL to fetch from (%s); expected http:// or https://", reason);
    } else if (code == CURLE_TOO_MANY_REDIRECTS) {
        fail(get, SLK_GET_REFUSED, SLK_ERR_NOTFOUND, "redirects more than %ld times",
             REDIRECTS_MAX);
    } else if (status && status != 200 && status != 206) {
        bad_status(get, status);
    } else if (code != CURLE_OK) {
        fail(get, SLK_GET_LATER, SLK_ERR_IO, "%s", *reason ? reason : curl_easy_strerror(code));
    } else {
        if (!get->begun)
            begin_body(get); /* it has no bytes */
        if (!get->failed && file->len == UINT64_MAX)
            file->len = file->have; /* the end of the answer is the only sign there is */
        if (!get->failed && file->have < file->len)
            fail(get, SLK_GET_LATER, SLK_ERR_LENGTH, "ended at byte %" PRIu64 " of %" PRIu64,
                 file->have, file->len);
    }
}

slk_get_t slk_get_rest(slk_get_file_t *file, const char *url, slk_err_t *err, slk_diag_t *diag)
{
    char shown[512], range[32], reason[CURL_ERROR_SIZE] = "";
    get_t get = {.file = file,
                 .shown = shown,
                 .diag = diag,
                 .from = UINT64_MAX,
                 .total = UINT64_MAX,
                 .since = slk_clock_seconds()};
    slk_net_init();
    slk_url_show(shown, sizeof shown, url);
    get.curl = curl_easy_init();
    if (!get.curl) {
        *err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", shown);
        return SLK_GET_FAILED;
    }
    prepare(&get, url, range, sizeof range, reason);
    judge(&get, curl_easy_perform(get.curl), reason);
    curl_easy_cleanup(get.curl);
    *err = get.failed ? get.err : SLK_OK;
    return get.failed ? get.result : SLK_GET_DONE;
}
