#ifndef SLK_NET_TEST_RAW_H
#define SLK_NET_TEST_RAW_H

/* For tests: bytes over a socket, without a client that would smooth them. */

#include "test_util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr))
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

static inline bool raw_send(int fd, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static inline bool raw_text(int fd, const char *text)
{
    return raw_send(fd, text, strlen(text));
}

/* True when the other side closes, false when it is silent for 20 s. What comes before is
 * dropped. */
static inline bool raw_wait_close(int fd)
{
    char drop[4096];
    ssize_t n;
    do
        n = recv(fd, drop, sizeof drop, 0);
    while (n > 0);
    return n == 0 || errno == ECONNRESET;
}

typedef struct {
    int status;
    char headers[8192]; /* with the line of the status, lower case names are not assumed */
    char *body;         /* NUL-terminated, to be freed */
    size_t body_len;
} raw_answer_t;

/* Value of a header; false when it is not there. */
static inline bool raw_header(const raw_answer_t *a, const char *name, char *out, size_t cap)
{
    for (const char *line = strstr(a->headers, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        size_t len = strlen(name);
        if (!strncasecmp(line, name, len) && line[len] == ':') {
            const char *value = line + len + 1 + strspn(line + len + 1, " ");
            snprintf(out, cap, "%.*s", (int)strcspn(value, "\r"), value);
            return true;
        }
    }
    return false;
}

/* Read one answer with a Content-Length (or none: 101). False when the connection ends before. */
static inline bool raw_read(int fd, raw_answer_t *a, bool no_body)
{
    memset(a, 0, sizeof *a);
    size_t len = 0;
    while (len < 4 || memcmp(a->headers + len - 4, "\r\n\r\n", 4)) {
        if (len + 1 == sizeof a->headers || recv(fd, a->headers + len, 1, 0) != 1)
            return false;
        len++;
    }
    char value[64] = "0";
    if (sscanf(a->headers, "HTTP/1.1 %d", &a->status) != 1)
        return false;
    raw_header(a, "Content-Length", value, sizeof value);
    a->body_len = no_body || a->status == 101 ? 0 : strtoul(value, NULL, 10);
    a->body = calloc(1, a->body_len + 1);
    for (size_t done = 0; done < a->body_len;) {
        ssize_t n = recv(fd, a->body + done, a->body_len - done, 0);
        if (n <= 0) {
            free(a->body);
            a->body = NULL;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Send a request and read its answer over a connection of its own; the status, 0 without answer. */
static inline int raw_status(uint16_t port, const char *request)
{
    raw_answer_t a;
    int fd = raw_connect(port), status = 0;
    if (raw_text(fd, request) && raw_read(fd, &a, false)) {
        status = a.status;
        free(a.body);
    }
    close(fd);
    return status;
}

#endif /* SLK_NET_TEST_RAW_H */
