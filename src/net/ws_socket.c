#include "net/ws_socket.h"

#include "net/net.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)32 << 10)
#define STEP_MS    100 /* how late a stop is noticed */

struct slk_ws_socket {
    slk_ws_socket_opts_t opts;
    CURL *easy;
    curl_socket_t fd;
    char *url;  /* http or https */
    char *name; /* scheme and host, for messages */
    slk_ws_frames_t *frames;
    char reason[CURL_ERROR_SIZE];
};

static ssize_t sock_recv(void *ctx, void *bytes, size_t len)
{
    slk_ws_socket_t *s = ctx;
    size_t n = 0;
    CURLcode rc = curl_easy_recv(s->easy, bytes, len, &n);
    return rc == CURLE_AGAIN ? 0 : rc == CURLE_OK && n ? (ssize_t)n : -1;
}

static ssize_t sock_send(void *ctx, const void *bytes, size_t len)
{
    slk_ws_socket_t *s = ctx;
    size_t n = 0;
    CURLcode rc = curl_easy_send(s->easy, bytes, len, &n);
    return rc == CURLE_AGAIN ? 0 : rc == CURLE_OK && n ? (ssize_t)n : -1;
}

static void on_message(void *ctx, char *text, size_t len)
{
    slk_ws_socket_t *s = ctx;
    s->opts.message(s->opts.ctx, text, len);
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const slk_ws_socket_t *s = ctx;
    return atomic_load(s->opts.stop);
}

/* ws://x -> http://x; the place after the host. */
static slk_err_t set_url(slk_ws_socket_t *s, slk_diag_t *diag)
{
    const char *url = s->opts.url, *sep = strstr(url, "://");
    bool tls = !strncasecmp(url, "wss://", 6) || !strncasecmp(url, "https://", 8);
    if (!sep || (!tls && strncasecmp(url, "ws://", 5) && strncasecmp(url, "http://", 7)))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "websocket: the URL begins with none of ws, wss, http, https");
    size_t host_len = strcspn(sep + 3, "/?#");
    for (const char *p = sep + 3; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '@')
            return slk_fail(diag, SLK_ERR_INPUT,
                            "websocket: the URL has a character that needs escaping");
    if (asprintf(&s->url, "http%s%s", tls ? "s" : "", sep) < 0)
        s->url = NULL;
    if (asprintf(&s->name, "%.*s", (int)(sep + 3 - url) + (int)host_len, url) < 0)
        s->name = NULL;
    return s->url && s->name ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
}

static slk_err_t dial(slk_ws_socket_t *s, slk_diag_t *diag)
{
    CURL *e = s->easy;
    curl_easy_setopt(e, CURLOPT_URL, s->url);
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    slk_net_http_only(e);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    slk_net_close_on_exec(e);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)s->opts.connect_ms);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->reason);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, s);
    if (s->opts.ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, s->opts.ca_file);
    if (s->opts.insecure_tls) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    CURLcode rc = curl_easy_perform(e);
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return slk_fail(diag, SLK_ERR_CANCELLED, "%s: interrupted", s->name);
    if (rc == CURLE_OK)
        rc = curl_easy_getinfo(e, CURLINFO_ACTIVESOCKET, &s->fd);
    if (rc != CURLE_OK || s->fd == CURL_SOCKET_BAD)
        return slk_fail(diag, rc == CURLE_OPERATION_TIMEDOUT ? SLK_ERR_TIMEOUT : SLK_ERR_IO,
                        "%s: %s", s->name, s->reason[0] ? s->reason : curl_easy_strerror(rc));
    return SLK_OK;
}

static void wait_for(slk_ws_socket_t *s, short events, int wake, uint32_t timeout_ms)
{
    struct pollfd fds[2] = {{.fd = s->fd, .events = events}, {.fd = wake, .events = POLLIN}};
    poll(fds, wake >= 0 ? 2 : 1, (int)timeout_ms);
}

/* Wait a little; SLK_ERR_CANCELLED, TIMEOUT. */
static slk_err_t wait_step(slk_ws_socket_t *s, short events, uint64_t until, slk_diag_t *diag)
{
    if (atomic_load(s->opts.stop))
        return slk_fail(diag, SLK_ERR_CANCELLED, "%s: interrupted", s->name);
    if (slk_net_now_ms() >= until)
        return slk_fail(diag, SLK_ERR_TIMEOUT, "%s: no websocket handshake within %u ms", s->name,
                        (unsigned)s->opts.connect_ms);
    wait_for(s, events, -1, STEP_MS);
    return SLK_OK;
}

static slk_err_t send_all(slk_ws_socket_t *s, const char *text, size_t len, uint64_t until,
                          slk_diag_t *diag)
{
    while (len) {
        ssize_t n = sock_send(s, text, len);
        if (n < 0)
            return slk_fail(diag, SLK_ERR_IO, "%s: connection lost in the handshake", s->name);
        text += n;
        len -= (size_t)n;
        slk_err_t err = n ? SLK_OK : wait_step(s, POLLOUT, until, diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

static slk_err_t read_answer(slk_ws_socket_t *s, const char *key, uint64_t until, slk_diag_t *diag)
{
    char *text = malloc(ANSWER_MAX);
    size_t len = 0, used = 0;
    int status = 0;
    slk_diag_t why;
    slk_err_t err = text ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", s->name);
    while (err == SLK_OK && !used) {
        ssize_t n = sock_recv(s, text + len, ANSWER_MAX - len);
        if (n < 0) {
            err = slk_fail(diag, SLK_ERR_IO, "%s: connection lost in the handshake", s->name);
        } else if (n == 0) {
            err = wait_step(s, POLLIN, until, diag);
        } else {
            len += (size_t)n;
            err = slk_ws_check_answer(text, len, key, &used, &status, &why);
            if (err != SLK_OK)
                err = slk_fail(diag,
                               status == 401 || status == 403 ? SLK_ERR_PERM
                               : status == 404                ? SLK_ERR_NOTFOUND
                                                              : err,
                               "%s: %s", s->name, why.text);
        }
    }
    if (err == SLK_OK)
        err = slk_ws_frames_early(s->frames, text + used, len - used);
    free(text);
    return err;
}

static slk_err_t shake_hands(slk_ws_socket_t *s, uint64_t until, slk_diag_t *diag)
{
    char key[SLK_WS_KEY_LEN + 1];
    const char *host = strstr(s->url, "://") + 3;
    size_t host_len = strcspn(host, "/?#");
    const char *path = host + host_len;
    bool token = s->opts.token && *s->opts.token;
    for (const char *p = token ? s->opts.token : ""; *p; p++)
        if (*p <= ' ' || *p > '~')
            return slk_fail(diag, SLK_ERR_INPUT, "%s: the token has a character that no token has",
                            s->name);
    if (!slk_ws_key_new(key))
        return slk_fail(diag, SLK_ERR_IO, "%s: the system gives no random bytes", s->name);
    slk_text_t request = {0};
    slk_text_printf(&request,
                    "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
                    *path == '/' ? "" : "/", (int)strcspn(path, "#"), path, (int)host_len, host,
                    key);
    if (token)
        slk_text_printf(&request, "Authorization: Bearer %s\r\n", s->opts.token);
    slk_err_t err = slk_text_str(&request, "\r\n")
                        ? send_all(s, request.data, request.len, until, diag)
                        : slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", s->name);
    slk_text_free(&request);
    return err != SLK_OK ? err : read_answer(s, key, until, diag);
}

slk_err_t slk_ws_socket_open(slk_ws_socket_t **out, const slk_ws_socket_opts_t *opts,
                             slk_diag_t *diag)
{
    *out = NULL;
    slk_net_init();
    uint64_t until = slk_net_now_ms() + opts->connect_ms;
    slk_ws_socket_t *s = calloc(1, sizeof *s);
    if (!s)
        return slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
    s->opts = *opts;
    s->fd = CURL_SOCKET_BAD;
    s->easy = curl_easy_init();
    const slk_ws_frames_opts_t frames = {.client = true,
                                         .message_max = opts->message_max,
                                         .recv = sock_recv,
                                         .send = sock_send,
                                         .message = on_message,
                                         .ctx = s};
    slk_err_t err = s->easy ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "websocket: out of memory");
    if (err == SLK_OK)
        err = set_url(s, diag);
    if (err == SLK_OK)
        err = slk_ws_frames_new(&s->frames, &frames, diag);
    if (err == SLK_OK)
        err = dial(s, diag);
    if (err == SLK_OK)
        err = shake_hands(s, until, diag);
    if (err != SLK_OK) {
        slk_ws_socket_free(s);
        return err;
    }
    *out = s;
    return SLK_OK;
}

void slk_ws_socket_free(slk_ws_socket_t *s)
{
    if (!s)
        return;
    slk_ws_frames_free(s->frames);
    curl_easy_cleanup(s->easy);
    free(s->url);
    free(s->name);
    free(s);
}

slk_ws_frames_t *slk_ws_socket_frames(slk_ws_socket_t *s)
{
    return s->frames;
}

void slk_ws_socket_wait(slk_ws_socket_t *s, int wake, uint32_t timeout_ms)
{
    short events = slk_ws_frames_pending(s->frames) ? POLLIN | POLLOUT : POLLIN;
    wait_for(s, events, wake, timeout_ms);
}
