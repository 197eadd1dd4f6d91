#include "net/api_info.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *ptr;
    size_t len;
} span_t;

/* One entry of the list while it is read; `nr` from 1, for messages. */
typedef struct {
    slk_api_info_t *info;
    size_t nr;
    slk_diag_t *diag;
} entry_t;

static const struct {
    const char *name;
    bool tls;
} schemes[] = {{"http", false}, {"https", true}, {"ws", false}, {"wss", true}};

static bool span_is(span_t s, const char *text)
{
    return s.len == strlen(text) && !memcmp(s.ptr, text, s.len);
}

static slk_err_t bad(const entry_t *e, const char *what)
{
    return slk_fail(e->diag, SLK_ERR_FORMAT,
                    "API info, node %zu: %s; expected TOKEN:/ip4/ADDRESS/tcp/PORT/http or "
                    "TOKEN:http://HOST:PORT",
                    e->nr, what);
}

static bool find_scheme(span_t s, bool *tls)
{
    for (size_t i = 0; i < SLK_COUNT(schemes); i++)
        if (span_is(s, schemes[i].name)) {
            *tls = schemes[i].tls;
            return true;
        }
    return false;
}

static slk_err_t set_port(const entry_t *e, span_t s)
{
    uint32_t port = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!isdigit((unsigned char)s.ptr[i]) || i >= 5)
            return bad(e, "the port is no number from 1 to 65535");
        port = port * 10 + (uint32_t)(s.ptr[i] - '0');
    }
    if (port < 1 || port > 65535)
        return bad(e, "the port is no number from 1 to 65535");
    e->info->port = (uint16_t)port;
    return SLK_OK;
}

/* kind: '4' and '6' addresses of that family, 'n' a name, 'u' what a URL may have without
 * brackets. */
static slk_err_t set_host(const entry_t *e, span_t s, char kind)
{
    unsigned char addr[16];
    if (s.len == 0 || s.len >= sizeof e->info->host)
        return bad(e, "the host is missing or too long");
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_' &&
            !(c == ':' && kind == '6'))
            return bad(e, "the host has a character that no host has");
    }
    memcpy(e->info->host, s.ptr, s.len);
    e->info->host[s.len] = 0;
    if ((kind == '4' && inet_pton(AF_INET, e->info->host, addr) != 1) ||
        (kind == '6' && inet_pton(AF_INET6, e->info->host, addr) != 1))
        return bad(e, "the host is no address of its kind");
    return SLK_OK;
}

/* The next part between slashes; false at the end. s begins at a slash. */
static bool next_part(span_t *s, span_t *part)
{
    if (s->len == 0)
        return false;
    const char *begin = s->ptr + 1, *end = memchr(begin, '/', s->len - 1);
    part->ptr = begin;
    part->len = end ? (size_t)(end - begin) : s->len - 1;
    s->ptr += part->len + 1;
    s->len -= part->len + 1;
    return true;
}

static slk_err_t parse_multiaddr(const entry_t *e, span_t s)
{
    static const struct {
        const char *name;
        char kind;
    } hosts[] = {{"ip4", '4'}, {"ip6", '6'}, {"dns", 'n'}, {"dns4", 'n'}, {"dns6", 'n'}};
    span_t part = {0}, value;
    char kind = 0;
    e->info->multiaddr = true;
    if (next_part(&s, &part))
        for (size_t i = 0; i < SLK_COUNT(hosts); i++)
            if (span_is(part, hosts[i].name))
                kind = hosts[i].kind;
    if (!kind)
        return bad(e, "the address begins with none of /ip4, /ip6, /dns, /dns4, /dns6");
    if (!next_part(&s, &value))
        return bad(e, "the host is missing");
    slk_err_t err = set_host(e, value, kind);
    if (err != SLK_OK)
        return err;
    if (!next_part(&s, &part) || !span_is(part, "tcp") || !next_part(&s, &value))
        return bad(e, "/tcp/PORT is missing");
    err = set_port(e, value);
    if (err != SLK_OK)
        return err;
    if (next_part(&s, &part) && !find_scheme(part, &e->info->tls))
        return bad(e, "the last part is none of http, https, ws, wss");
    return s.len ? bad(e, "there is more behind the last part") : SLK_OK;
}

/* host[:port][/path], behind "scheme://". */
static slk_err_t parse_url(const entry_t *e, span_t s)
{
    const char *slash = memchr(s.ptr, '/', s.len);
    span_t host = {s.ptr, slash ? (size_t)(slash - s.ptr) : s.len}, port = {0};
    span_t path = {host.ptr + host.len, s.len - host.len};
    char kind = 'u';
    if (host.len && host.ptr[0] == '[') {
        const char *close = memchr(host.ptr, ']', host.len);
        if (!close)
            return bad(e, "the host has [ and no ]");
        port = (span_t){close + 1, host.len - (size_t)(close + 1 - host.ptr)};
        host = (span_t){host.ptr + 1, (size_t)(close - host.ptr) - 1};
        kind = '6';
        if (port.len && port.ptr[0] != ':')
            return bad(e, "the host is followed by something else than :PORT");
    } else {
        const char *colon = memchr(host.ptr, ':', host.len);
        if (colon) {
            port = (span_t){colon, host.len - (size_t)(colon - host.ptr)};
            host.len = (size_t)(colon - host.ptr);
        }
    }
    slk_err_t err = set_host(e, host, kind);
    if (err != SLK_OK)
        return err;
    e->info->port = e->info->tls ? 443 : 80;
    if (port.len && (err = set_port(e, (span_t){port.ptr + 1, port.len - 1})) != SLK_OK)
        return err;
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    if (path.len >= sizeof e->info->path)
        return bad(e, "the path is too long");
    for (size_t i = 0; i < path.len; i++)
        if (!isalnum((unsigned char)path.ptr[i]) && !strchr("/._~-%", path.ptr[i]))
            return bad(e, "the path has a character that needs escaping, or a query");
    memcpy(e->info->path, path.ptr, path.len);
    return SLK_OK;
}

static slk_err_t set_token(const entry_t *e, span_t s)
{
    if (s.len >= sizeof e->info->token)
        return bad(e, "the token is too long");
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return bad(e, "the token has a character that no token has");
    memcpy(e->info->token, s.ptr, s.len);
    return SLK_OK;
}

static slk_err_t parse_one(const entry_t *e, span_t s)
{
    *e->info = (slk_api_info_t){0};
    while (s.len && isspace((unsigned char)s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && isspace((unsigned char)s.ptr[s.len - 1]))
        s.len--;
    if (!s.len)
        return bad(e, "it is empty");
    const char *colon = s.ptr[0] == '/' ? NULL : memchr(s.ptr, ':', s.len);
    if (s.ptr[0] != '/' && !colon)
        return bad(e, "there is no address");
    size_t left = colon ? s.len - (size_t)(colon + 1 - s.ptr) : 0;
    if (colon && !(left >= 2 && colon[1] == '/' && colon[2] == '/')) {
        slk_err_t err = set_token(e, (span_t){s.ptr, (size_t)(colon - s.ptr)});
        if (err != SLK_OK)
            return err;
        s = (span_t){colon + 1, left};
    }
    if (s.len && s.ptr[0] == '/')
        return parse_multiaddr(e, s);
    const char *sep = memmem(s.ptr, s.len, "://", 3);
    if (!sep || !find_scheme((span_t){s.ptr, (size_t)(sep - s.ptr)}, &e->info->tls))
        return bad(e, "the address is neither a multiaddr nor a URL of http, https, ws or wss");
    return parse_url(e, (span_t){sep + 3, s.len - (size_t)(sep + 3 - s.ptr)});
}

slk_err_t slk_api_info_parse(slk_api_info_t infos[SLK_API_INFO_MAX], size_t *cnt, const char *text,
                             slk_diag_t *diag)
{
    *cnt = 0;
    for (const char *p = text;; p++) {
        const char *end = strchrnul(p, ',');
        entry_t e = {.nr = *cnt + 1, .diag = diag};
        if (*cnt == SLK_API_INFO_MAX) {
            *cnt = 0;
            return slk_fail(diag, SLK_ERR_LENGTH, "API info: more than %d nodes", SLK_API_INFO_MAX);
        }
        e.info = &infos[*cnt];
        slk_err_t err = parse_one(&e, (span_t){p, (size_t)(end - p)});
        if (err != SLK_OK) {
            *cnt = 0;
            return err;
        }
        (*cnt)++;
        if (!*end)
            return SLK_OK;
        p = end;
    }
}

static int write_name(char *out, size_t cap, const slk_api_info_t *info, const char *scheme)
{
    bool v6 = strchr(info->host, ':') != NULL;
    return snprintf(out, cap, "%s%s://%s%s%s:%u", scheme, info->tls ? "s" : "", v6 ? "[" : "",
                    info->host, v6 ? "]" : "", (unsigned)info->port);
}

/* Length of the path without "/rpc/v<n>" at its end. */
static size_t base_path(const char *path)
{
    size_t len = strlen(path), end = len;
    while (end && isdigit((unsigned char)path[end - 1]))
        end--;
    if (end < len && end >= 6 && !memcmp(path + end - 6, "/rpc/v", 6))
        return end - 6;
    return len;
}

void slk_api_info_url(char out[SLK_API_URL_MAX], const slk_api_info_t *info, bool websocket,
                      const char *version)
{
    int n = write_name(out, SLK_API_URL_MAX, info, websocket ? "ws" : "http");
    int more = snprintf(out + n, SLK_API_URL_MAX - (size_t)n, "%.*s/rpc/%s",
                        (int)base_path(info->path), info->path, version);
    SLK_ASSERT(n > 0 && more > 0 && n + more < SLK_API_URL_MAX);
}

void slk_api_info_name(char out[SLK_API_URL_MAX], const slk_api_info_t *info)
{
    write_name(out, SLK_API_URL_MAX, info, "http");
}

slk_err_t slk_api_info_write(char *out, size_t cap, const slk_api_info_t *info, slk_diag_t *diag)
{
    char address[SLK_API_URL_MAX];
    unsigned char addr[16];
    const char *kind = inet_pton(AF_INET, info->host, addr) == 1 ? "ip4"
                       : strchr(info->host, ':')                 ? "ip6"
                                                                 : "dns";
    if (info->multiaddr && !info->path[0])
        snprintf(address, sizeof address, "/%s/%s/tcp/%u/http%s", kind, info->host,
                 (unsigned)info->port, info->tls ? "s" : "");
    else {
        int n = write_name(address, sizeof address, info, "http");
        snprintf(address + n, sizeof address - (size_t)n, "%s", info->path);
    }
    int n = snprintf(out, cap, "%s%s%s", info->token, info->token[0] ? ":" : "", address);
    if (n < 0 || (size_t)n >= cap)
        return slk_fail(diag, SLK_ERR_LENGTH, "API info: %d bytes do not fit into %zu", n, cap);
    return SLK_OK;
}

/* --- Listening -------------------------------------------------------------------------------- */

bool slk_listen_parse(const char *text, char *host, size_t cap, uint16_t *port)
{
    char *end = NULL;
    const char *colon = strrchr(text, ':');
    const unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (!colon || end == colon + 1 || *end || number > UINT16_MAX || len >= cap)
        return false;
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    snprintf(host, cap, "%.*s", (int)len, text);
    *port = (uint16_t)number;
    return true;
}
