#include "net/http_client.h"

#include "base/assert.h"
#include "net/net.h"
#include "net/text.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES_MAX ((uint64_t)64 << 10)
#define WAKE_MS          100 /* how late a cancelled call ends */

/* A handle with its kept connections: used by one call at a time. */
typedef struct handle {
    struct handle *next;
    CURL *easy;
    CURLM *multi;
} handle_t;

struct slk_http_client {
    slk_http_client_opts_t opts;
    char *ca_file;
    atomic_bool stopped;
    pthread_mutex_t lock; /* guards idle, idle_cnt */
    handle_t *idle;       /* the last used first: its connection is the least likely to be closed */
    uint32_t idle_cnt;
};

/* One call while it runs. */
typedef struct {
    slk_http_client_t *client;
    const slk_http_call_t *spec;
    slk_http_answer_t *answer;
    CURL *easy;
    slk_text_t body;
    uint64_t header_bytes;
    slk_err_t err; /* why a callback ended the call */
    slk_diag_t *diag;
    char reason[CURL_ERROR_SIZE];
    char where[256]; /* the URL without query, user and password, for messages */
    slk_diag_t why;
} run_t;

const char *slk_http_outcome_text(slk_http_outcome_t outcome)
{
    static const char *const texts[] = {"not sent", "sent, no answer", "answered"};
    return texts[outcome];
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value ? value : standard;
}

slk_err_t slk_http_client_new(slk_http_client_t **out, const slk_http_client_opts_t *opts,
                              slk_diag_t *diag)
{
    *out = NULL;
    slk_net_init();
    slk_http_client_t *c = calloc(1, sizeof *c);
    if (!c)
        return slk_fail(diag, SLK_ERR_NOMEM, "HTTP client: out of memory");
    if (opts)
        c->opts = *opts;
    c->opts.connect_ms = or_default(c->opts.connect_ms, 10000);
    c->opts.low_speed_s = or_default(c->opts.low_speed_s, 60);
    c->opts.idle_max = or_default(c->opts.idle_max, 32);
    if (!c->opts.answer_max)
        c->opts.answer_max = (uint64_t)256 << 20;
    if (c->opts.ca_file && !(c->ca_file = strdup(c->opts.ca_file))) {
        free(c);
        return slk_fail(diag, SLK_ERR_NOMEM, "HTTP client: out of memory");
    }
    c->opts.ca_file = c->ca_file;
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return SLK_OK;
}

static void handle_free(handle_t *h)
{
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    free(h);
}

void slk_http_client_free(slk_http_client_t *c)
{
    if (!c)
        return;
    while (c->idle) {
        handle_t *h = c->idle;
        c->idle = h->next;
        handle_free(h);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->ca_file);
    free(c);
}

void slk_http_client_stop(slk_http_client_t *c)
{
    atomic_store(&c->stopped, true);
}

static handle_t *handle_get(slk_http_client_t *c)
{
    pthread_mutex_lock(&c->lock);
    handle_t *h = c->idle;
    if (h) {
        c->idle = h->next;
        c->idle_cnt--;
    }
    pthread_mutex_unlock(&c->lock);
    if (h)
        return h;
    h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();
    if (h->easy && h->multi)
        return h;
    handle_free(h);
    return NULL;
}

static void handle_put(slk_http_client_t *c, handle_t *h)
{
    curl_easy_reset(h->easy);
    pthread_mutex_lock(&c->lock);
    bool keep = c->idle_cnt < c->opts.idle_max;
    if (keep) {
        h->next = c->idle;
        c->idle = h;
        c->idle_cnt++;
    }
    pthread_mutex_unlock(&c->lock);
    if (!keep)
        handle_free(h);
}

/* --- Callbacks ----------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t cnt, void *ctx)
{
    run_t *run = ctx;
    size_t len = size * cnt;
    long status = 0;
    curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    if (run->spec->sink && status >= 200 && status < 300) {
        run->err = run->spec->sink(run->spec->sink_ctx, bytes, len, &run->why);
        if (run->err != SLK_OK)
            return 0;
        run->answer->sunk += len;
        return len;
    }
    if (slk_text_add(&run->body, bytes, len))
        return len;
    run->err = slk_fail(&run->why, SLK_ERR_LENGTH, "%s: the answer is longer than %zu bytes",
                        run->where, run->body.max);
    return 0;
}

/* Copy the value of a header line into a field; one that does not fit stays empty. */
static void take_header(char *out, size_t cap, const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) || line[name_len] != ':')
        return;
    const char *value = line + name_len + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    if ((size_t)(end - value) >= cap)
        return;
    memcpy(out, value, (size_t)(end - value));
    out[end - value] = 0;
}

static size_t on_header(char *line, size_t size, size_t cnt, void *ctx)
{
    run_t *run = ctx;
    size_t len = size * cnt;
    slk_http_answer_t *a = run->answer;
    run->header_bytes += len;
    if (run->header_bytes > HEADER_BYTES_MAX) {
        run->err =
            slk_fail(&run->why, SLK_ERR_LENGTH, "%s: more than 64 KiB of headers", run->where);
        return 0;
    }
    take_header(a->content_type, sizeof a->content_type, line, len, "content-type");
    take_header(a->content_range, sizeof a->content_range, line, len, "content-range");
    take_header(a->etag, sizeof a->etag, line, len, "etag");
    take_header(a->location, sizeof a->location, line, len, "location");
    return len;
}

/* --- One call ------------------------------------------------------------------------------ */

static void set_where(run_t *run, const char *url)
{
    const char *sep = strstr(url, "://");
    const char *host = sep ? sep + 3 : url;
    size_t len = strcspn(host, "?#");
    const char *at = memchr(host, '@', strcspn(host, "/?#"));
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    snprintf(run->where, sizeof run->where, "%.*s%.*s", sep ? (int)(sep + 3 - url) : 0, url,
             (int)len, host);
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool make_headers(struct curl_slist **list, const slk_http_call_t *spec)
{
    char type[160];
    snprintf(type, sizeof type, "Content-Type: %s", spec->content_type ? spec->content_type : "");
    bool ok = add_line(list, spec->content_type ? type : "Content-Type:");
    for (const char *const *h = spec->headers; ok && h && *h; h++)
        ok = add_line(list, *h);
    if (ok && spec->token && *spec->token) {
        slk_text_t line = {0};
        slk_text_printf(&line, "Authorization: Bearer %s", spec->token);
        char *text = slk_text_take(&line, NULL);
        ok = text && add_line(list, text);
        free(text);
    }
    return ok;
}

static void set_limits(run_t *run)
{
    const slk_http_call_t *spec = run->spec;
    const slk_http_client_opts_t *opts = &run->client->opts;
    uint32_t total = or_default(spec->total_ms, opts->total_ms);
    uint32_t low = or_default(spec->low_speed_s, opts->low_speed_s);
    CURL *easy = run->easy;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)opts->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)total);
    if (low != UINT32_MAX) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)low);
    }
    if (opts->insecure_tls) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (opts->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, opts->ca_file);
}

static void set_call(run_t *run, struct curl_slist *headers)
{
    const slk_http_call_t *spec = run->spec;
    CURL *easy = run->easy;
    curl_easy_setopt(easy, CURLOPT_URL, spec->url);
    slk_net_http_only(easy);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    slk_net_close_on_exec(easy);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, run->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, run);
    if (!strcmp(spec->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (spec->body || !strcmp(spec->method, "POST") || !strcmp(spec->method, "PUT")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec->body ? spec->body : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body_len);
    }
    if (strcmp(spec->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method);
    /* Over a kept connection that closes at this moment, libcurl sends a request again. */
    if (!spec->repeatable) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    set_limits(run);
}

/* Drive the transfer; false when the job or the client ended it. */
static bool drive(run_t *run, CURLM *multi, CURLcode *result)
{
    int running = 1;
    while (curl_multi_perform(multi, &running) == CURLM_OK && running) {
        if (slk_job_cancelled(run->spec->job) || atomic_load(&run->client->stopped))
            return false;
        if (curl_multi_poll(multi, NULL, 0, WAKE_MS, NULL) != CURLM_OK)
            break;
    }
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(multi, &left)))
        if (msg->msg == CURLMSG_DONE && msg->easy_handle == run->easy)
            *result = msg->data.result;
    return true;
}

/* libcurl's results that are not plain trouble with the connection. */
static slk_err_t err_of(CURLcode code)
{
    static const struct {
        CURLcode code;
        slk_err_t err;
    } rows[] = {
        {CURLE_OPERATION_TIMEDOUT, SLK_ERR_TIMEOUT},
        {CURLE_OUT_OF_MEMORY, SLK_ERR_NOMEM},
        {CURLE_URL_MALFORMAT, SLK_ERR_INPUT},
        {CURLE_UNSUPPORTED_PROTOCOL, SLK_ERR_INPUT},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (rows[i].code == code)
            return rows[i].err;
    return SLK_ERR_IO;
}

static slk_err_t conclude(run_t *run, bool finished, CURLcode result)
{
    slk_http_answer_t *a = run->answer;
    long status = 0, sent = 0;
    curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(run->easy, CURLINFO_REQUEST_SIZE, &sent);
    a->status = (int)status;
    a->outcome = sent > 0 ? SLK_HTTP_NO_ANSWER : SLK_HTTP_NOT_SENT;
    const char *how = slk_http_outcome_text(a->outcome);
    if (!finished)
        return slk_fail(run->diag, SLK_ERR_CANCELLED, "%s: interrupted (%s)", run->where, how);
    if (result == CURLE_OK) {
        a->outcome = SLK_HTTP_ANSWERED;
        a->body_len = run->body.len;
        if (run->body.len && !(a->body = slk_text_take(&run->body, &a->body_len)))
            return slk_fail(run->diag, SLK_ERR_NOMEM, "%s: out of memory", run->where);
        return SLK_OK;
    }
    if (run->err != SLK_OK)
        return slk_fail(run->diag, run->err, "%s", run->why.text);
    return slk_fail(run->diag, err_of(result), "%s: %s (%s)", run->where,
                    run->reason[0] ? run->reason : curl_easy_strerror(result), how);
}

slk_err_t slk_http_do(slk_http_client_t *c, const slk_http_call_t *spec, slk_http_answer_t *answer,
                      slk_diag_t *diag)
{
    *answer = (slk_http_answer_t){0};
    if (atomic_load(&c->stopped))
        return slk_fail(diag, SLK_ERR_CANCELLED, "HTTP client: stopped");
    run_t run = {.client = c, .spec = spec, .answer = answer, .diag = diag};
    run.body.max = c->opts.answer_max;
    set_where(&run, spec->url);
    struct curl_slist *headers = NULL;
    CURLcode result = CURLE_FAILED_INIT;
    slk_err_t err;
    handle_t *h = handle_get(c);
    if (!h || !make_headers(&headers, spec)) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "HTTP client: out of memory");
        goto out;
    }
    run.easy = h->easy;
    set_call(&run, headers);
    bool finished = false;
    if (curl_multi_add_handle(h->multi, h->easy) == CURLM_OK) {
        finished = drive(&run, h->multi, &result);
        err = conclude(&run, finished, result);
        curl_multi_remove_handle(h->multi, h->easy);
    } else {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: libcurl cannot begin", run.where);
    }
out:
    curl_slist_free_all(headers);
    if (h)
        handle_put(c, h);
    slk_text_free(&run.body);
    return err;
}

void slk_http_answer_free(slk_http_answer_t *answer)
{
    free(answer->body);
    *answer = (slk_http_answer_t){.outcome = answer->outcome};
}
