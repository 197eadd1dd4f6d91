#ifndef SLK_NET_TEST_HTTP_H
#define SLK_NET_TEST_HTTP_H

/* A small HTTP server on 127.0.0.1 that can misbehave. The first part of the path says how, the
 * last which of the files: /good/NAME. */

#include "test_util.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define TEST_HTTP_FILES 64u

typedef struct {
    const char *word; /* in the path */
    int status;       /* instead of a body; 0: none */
    bool norange;     /* answers 200 with all */
    bool nolength;    /* the end of the connection is the end of the file */
    bool wrong;       /* one bit is flipped */
    bool elsewhere;   /* answers with another range than asked for */
    int more;         /* bytes added to the file, or cut off it */
    size_t cut;       /* closes after that many bytes of a body */
    size_t stall;     /* stands still after that many */
    size_t slow;      /* bytes every 10 ms */
} test_http_mode_t;

static const test_http_mode_t test_http_modes[] = {
    {.word = "good"},
    {.word = "norange", .norange = true},
    {.word = "nolength", .norange = true, .nolength = true},
    {.word = "wrong", .wrong = true},
    {.word = "elsewhere", .elsewhere = true},
    {.word = "missing", .status = 404},
    {.word = "busy", .status = 503},
    {.word = "moved", .status = 302},
    {.word = "circle", .status = 301},
    {.word = "long", .more = 1},
    {.word = "short", .more = -1},
    {.word = "cut", .cut = 100000},
    {.word = "cutnorange", .cut = 100000, .norange = true},
    {.word = "wrongcut", .cut = 100000, .wrong = true},
    {.word = "stall", .stall = 50000},
    {.word = "silent", .stall = 1},
    {.word = "slow", .slow = 4096},
};
#define TEST_HTTP_MODES (sizeof test_http_modes / sizeof test_http_modes[0])

static struct {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_bool end;
    atomic_uint open;
    struct {
        const char *name;
        const uint8_t *bytes;
        size_t len;
    } files[TEST_HTTP_FILES];
    size_t file_cnt;
    atomic_uint asked[TEST_HTTP_MODES];
    atomic_ullong sent; /* bytes of bodies */
} test_http;

static inline bool test_http_send(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* Until the other side or the server ends. */
static inline void test_http_hang(int fd)
{
    char byte;
    while (!test_http.end && recv(fd, &byte, 1, MSG_DONTWAIT) < 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static inline void test_http_body(int fd, const test_http_mode_t *mode, const uint8_t *bytes,
                                  size_t len)
{
    size_t step = mode->slow ? mode->slow : 16384;
    for (size_t at = 0; at < len && !test_http.end;) {
        size_t some = len - at < step ? len - at : step;
        if (mode->cut && at + some > mode->cut)
            some = mode->cut - at;
        if (mode->stall && at + some > mode->stall)
            some = mode->stall - at;
        if (!test_http_send(fd, bytes + at, some))
            return;
        test_http.sent += some;
        at += some;
        if (mode->stall && at >= mode->stall)
            test_http_hang(fd);
        if ((mode->cut && at >= mode->cut) || (mode->stall && at >= mode->stall))
            return;
        if (mode->slow)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static inline void test_http_file(int fd, const test_http_mode_t *mode, const char *request,
                                  const uint8_t *bytes, size_t len)
{
    char head[512], length[64] = "";
    size_t from = 0, whole = len + (size_t)mode->more;
    const char *range = mode->norange ? NULL : strcasestr(request, "\nRange: bytes=");
    if (range)
        from = strtoull(range + 14, NULL, 10);
    if (range && from >= whole) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 416 No\r\nContent-Range: bytes */%zu\r\nContent-Length: 0\r\n\r\n",
                 whole);
        test_http_send(fd, head, strlen(head));
        return;
    }
    if (mode->elsewhere && range)
        from++;
    uint8_t *copy = calloc(1, whole ? whole : 1);
    memcpy(copy, bytes, whole < len ? whole : len);
    if (mode->wrong)
        copy[whole / 2] ^= 0x10;
    if (!mode->nolength)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", whole - from);
    if (range)
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 Some\r\ncontent-range: bytes %zu-%zu/%zu\r\n%s\r\n", from, whole - 1,
                 whole, length);
    else
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sConnection: close\r\n\r\n", length);
    if (test_http_send(fd, head, strlen(head)))
        test_http_body(fd, mode, copy + from, whole - from);
    free(copy);
}

static inline void test_http_status(int fd, const test_http_mode_t *mode, const char *name)
{
    char head[512];
    snprintf(head, sizeof head,
             "HTTP/1.1 %d No\r\nLocation: /%s/%s\r\nContent-Length: 4\r\n"
             "Connection: close\r\n\r\nbad\n",
             mode->status, strcmp(mode->word, "moved") == 0 ? "good" : mode->word, name);
    if (mode->status / 100 != 3)
        memcpy(strstr(head, "Location"), "Elsewhat", 8);
    test_http_send(fd, head, strlen(head));
}

static inline void *test_http_answer(void *ctx)
{
    int fd = (int)(intptr_t)ctx;
    char request[4096] = "", word[32] = "", path[256] = "";
    for (size_t len = 0; len + 1 < sizeof request && !strstr(request, "\r\n\r\n");) {
        ssize_t n = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        request[len] = '\0';
    }
    if (sscanf(request, "GET /%31[a-z]/%255[A-Za-z0-9._/-]", word, path) == 2) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        for (size_t m = 0; m < TEST_HTTP_MODES; m++) {
            if (strcmp(word, test_http_modes[m].word) != 0)
                continue;
            test_http.asked[m]++;
            if (test_http_modes[m].status)
                test_http_status(fd, &test_http_modes[m], path);
            for (size_t i = 0; !test_http_modes[m].status && i < test_http.file_cnt; i++) {
                if (strcmp(test_http.files[i].name, name) == 0)
                    test_http_file(fd, &test_http_modes[m], request, test_http.files[i].bytes,
                                   test_http.files[i].len);
            }
        }
    }
    close(fd);
    test_http.open--;
    return NULL;
}

static inline void *test_http_serve(void *ctx)
{
    (void)ctx;
    for (int fd; !test_http.end && (fd = accept(test_http.fd, NULL, NULL)) >= 0;) {
        pthread_t thread;
        test_http.open++;
        if (pthread_create(&thread, NULL, test_http_answer, (void *)(intptr_t)fd) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static inline void test_http_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    test_http.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(test_http.fd, (struct sockaddr *)&at, sizeof at) || listen(test_http.fd, 64) ||
        getsockname(test_http.fd, (struct sockaddr *)&at, &len))
        fail_msg("no server");
    test_http.port = ntohs(at.sin_port);
    setenv("no_proxy", "*", 1);
    assert_int_equal(pthread_create(&test_http.thread, NULL, test_http_serve, NULL), 0);
}

static inline void test_http_stop(void)
{
    test_http.end = true;
    shutdown(test_http.fd, SHUT_RDWR);
    pthread_join(test_http.thread, NULL);
    while (test_http.open)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    close(test_http.fd);
}

/* Before the start; all is borrowed. */
static inline void test_http_add(const char *name, const uint8_t *bytes, size_t len)
{
    assert_true(test_http.file_cnt < TEST_HTTP_FILES);
    test_http.files[test_http.file_cnt].name = name;
    test_http.files[test_http.file_cnt].bytes = bytes;
    test_http.files[test_http.file_cnt++].len = len;
}

static inline unsigned test_http_asked(const char *word)
{
    for (size_t m = 0; m < TEST_HTTP_MODES; m++) {
        if (strcmp(word, test_http_modes[m].word) == 0)
            return test_http.asked[m];
    }
    fail_msg("no mode %s", word);
    return 0;
}

#endif /* SLK_NET_TEST_HTTP_H */
