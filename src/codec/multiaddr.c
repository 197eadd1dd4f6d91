#include "codec/multiaddr.h"

#include "base/assert.h"
#include "codec/base58.h"
#include "codec/cid.h"
#include "codec/varint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIBP2P_KEY = 0x72, IDENTITY = 0x00, SHA2_256 = 0x12, PART_MAX = 256 };

typedef enum { V_NONE, V_IP4, V_IP6, V_PORT, V_NAME, V_PEER } value_t;

typedef struct {
    uint64_t code;
    const char *name;
    value_t value;
} protocol_t;

/* The first name of a code is the one written. */
static const protocol_t protocols[] = {
    {4, "ip4", V_IP4},
    {41, "ip6", V_IP6},
    {6, "tcp", V_PORT},
    {273, "udp", V_PORT},
    {53, "dns", V_NAME},
    {54, "dns4", V_NAME},
    {55, "dns6", V_NAME},
    {56, "dnsaddr", V_NAME},
    {421, "p2p", V_PEER},
    {421, "ipfs", V_PEER},
    {460, "quic", V_NONE},
    {461, "quic-v1", V_NONE},
    {477, "ws", V_NONE},
    {478, "wss", V_NONE},
    {480, "http", V_NONE},
    {443, "https", V_NONE},
    {448, "tls", V_NONE},
    {449, "sni", V_NAME},
    {465, "webtransport", V_NONE},
    {290, "p2p-circuit", V_NONE},
};

/* --- Peer ids ------------------------------------------------------------------------------ */

static bool is_peer_id(const uint8_t *bytes, size_t len)
{
    if (len < 2 || len > SLK_PEER_ID_MAX || bytes[1] != len - 2)
        return false;
    return bytes[0] == IDENTITY || (bytes[0] == SHA2_256 && len == 34);
}

slk_err_t slk_peer_id_from_text(uint8_t out[SLK_PEER_ID_MAX], size_t *len, const char *text,
                                slk_diag_t *diag)
{
    uint8_t bytes[SLK_BASE58_BYTES_MAX];
    slk_cid_t cid;
    if (slk_base58_decode(bytes, len, text) && is_peer_id(bytes, *len)) {
        memcpy(out, bytes, *len);
        return SLK_OK;
    }
    if (slk_cid_from_text(&cid, text, NULL) == SLK_OK && cid.len > 2 && cid.b[1] == LIBP2P_KEY &&
        is_peer_id(cid.b + 2, cid.len - 2u)) {
        *len = cid.len - 2u;
        memcpy(out, cid.b + 2, *len);
        return SLK_OK;
    }
    return slk_fail(diag, SLK_ERR_INPUT,
                    "'%.100s': expected a peer id, such as 12D3KooW... or bafzaaj...", text);
}

/* --- Text to bytes ------------------------------------------------------------------------- */

static void put_varint(slk_buf_t *out, uint64_t v)
{
    uint8_t bytes[SLK_VARINT_SZ];
    slk_buf_put(out, bytes, slk_varint_put(bytes, v));
}

/* What may stand between slashes without changing what is read. */
static bool is_name(const void *name, size_t len)
{
    const char *c = name;
    for (size_t i = 0; i < len; i++)
        if (c[i] <= ' ' || c[i] > '~' || c[i] == '/')
            return false;
    return len && len < PART_MAX;
}

static bool put_port(slk_buf_t *out, const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || port > 65535)
        return false;
    slk_buf_put(out, (uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port}, 2);
    return true;
}

static bool put_value(slk_buf_t *out, value_t value, const char *text)
{
    uint8_t bytes[SLK_PEER_ID_MAX];
    size_t len;
    switch (value) {
    case V_NONE:
        return true;
    case V_IP4:
    case V_IP6:
        if (inet_pton(value == V_IP4 ? AF_INET : AF_INET6, text, bytes) != 1)
            return false;
        slk_buf_put(out, bytes, value == V_IP4 ? 4 : 16);
        return true;
    case V_PORT:
        return put_port(out, text);
    case V_NAME:
        put_varint(out, strlen(text));
        slk_buf_put(out, text, strlen(text));
        return is_name(text, strlen(text));
    case V_PEER:
        if (slk_peer_id_from_text(bytes, &len, text, NULL) != SLK_OK)
            return false;
        put_varint(out, len);
        slk_buf_put(out, bytes, len);
        return true;
    }
    return false;
}

/* The next part between slashes. False: none, or too long. */
static bool next_part(const char **text, char part[PART_MAX])
{
    if (**text != '/')
        return false;
    size_t len = strcspn(*text + 1, "/");
    if (!len || len >= PART_MAX)
        return false;
    memcpy(part, *text + 1, len);
    part[len] = 0;
    *text += 1 + len;
    return true;
}

static const protocol_t *protocol_named(const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(protocols); i++)
        if (strcmp(protocols[i].name, name) == 0)
            return &protocols[i];
    return NULL;
}

slk_err_t slk_multiaddr_from_text(slk_buf_t *out, size_t *peer, const char *text, slk_diag_t *diag)
{
    const char *at = text;
    char part[PART_MAX];
    size_t start = out->len;
    bool has_peer = false, ok = *text == '/' && strlen(text) < SLK_MULTIADDR_TEXT_SZ;
    while (ok && *at) {
        const protocol_t *protocol = next_part(&at, part) ? protocol_named(part) : NULL;
        ok = protocol && (protocol->value == V_NONE || next_part(&at, part));
        if (!ok)
            break;
        if (protocol->value == V_PEER && !has_peer) {
            has_peer = true;
            *peer = out->len - start;
        }
        put_varint(out, protocol->code);
        ok = put_value(out, protocol->value, part);
    }
    if (!ok) {
        out->len = start;
        return slk_fail(diag, SLK_ERR_INPUT,
                        "'%.200s': expected a multiaddr, such as /ip4/1.2.3.4/tcp/24001", text);
    }
    if (!has_peer)
        *peer = out->len - start;
    return slk_buf_check(out, diag);
}

/* --- Bytes to text ------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *at;
    size_t left;
    char *out;
    size_t len;
} writer_t;

static bool take(writer_t *w, size_t len, const uint8_t **bytes)
{
    *bytes = w->at;
    if (len > w->left)
        return false;
    w->at += len;
    w->left -= len;
    return true;
}

static bool take_varint(writer_t *w, uint64_t *v)
{
    const uint8_t *unused;
    size_t len = slk_varint_get(v, w->at, w->left);
    return len && take(w, len, &unused);
}

static bool put_text(writer_t *w, const char *text, size_t len)
{
    if (w->len + 1 + len >= SLK_MULTIADDR_TEXT_SZ)
        return false;
    w->out[w->len++] = '/';
    memcpy(w->out + w->len, text, len);
    w->len += len;
    w->out[w->len] = 0;
    return true;
}

static bool write_value(writer_t *w, value_t value)
{
    char text[SLK_BASE58_TEXT_SZ];
    const uint8_t *b;
    uint64_t len;
    switch (value) {
    case V_NONE:
        return true;
    case V_IP4:
    case V_IP6:
        return take(w, value == V_IP4 ? 4 : 16, &b) &&
               inet_ntop(value == V_IP4 ? AF_INET : AF_INET6, b, text, sizeof text) &&
               put_text(w, text, strlen(text));
    case V_PORT:
        if (!take(w, 2, &b))
            return false;
        snprintf(text, sizeof text, "%u", (unsigned)b[0] << 8 | b[1]);
        return put_text(w, text, strlen(text));
    case V_NAME:
        if (!take_varint(w, &len) || len >= PART_MAX || !take(w, (size_t)len, &b) ||
            !is_name(b, (size_t)len))
            return false;
        return put_text(w, (const char *)b, (size_t)len);
    case V_PEER:
        if (!take_varint(w, &len) || len > SLK_PEER_ID_MAX || !take(w, (size_t)len, &b) ||
            !is_peer_id(b, (size_t)len))
            return false;
        slk_base58_encode(text, b, (size_t)len);
        return put_text(w, text, strlen(text));
    }
    return false;
}

slk_err_t slk_multiaddr_to_text(char out[SLK_MULTIADDR_TEXT_SZ], const void *bytes, size_t len,
                                slk_diag_t *diag)
{
    writer_t w = {.at = bytes, .left = len, .out = out};
    bool ok = len > 0;
    out[0] = 0;
    while (ok && w.left) {
        uint64_t code;
        const protocol_t *protocol = NULL;
        ok = take_varint(&w, &code);
        for (size_t i = 0; ok && !protocol && i < SLK_COUNT(protocols); i++)
            if (protocols[i].code == code)
                protocol = &protocols[i];
        ok = protocol && put_text(&w, protocol->name, strlen(protocol->name)) &&
             write_value(&w, protocol->value);
    }
    if (!ok)
        return slk_fail(diag, SLK_ERR_FORMAT, "%zu bytes that are no multiaddr", len);
    return SLK_OK;
}
