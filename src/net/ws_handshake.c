#include "net/ws_frames.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define HEADERS_MAX ((size_t)16 << 10)

bool slk_ws_key_new(char key[SLK_WS_KEY_LEN + 1])
{
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    EVP_EncodeBlock((uint8_t *)key, bytes, sizeof bytes);
    return true;
}

bool slk_ws_key_ok(const char *key)
{
    if (strlen(key) != SLK_WS_KEY_LEN || strcmp(key + SLK_WS_KEY_LEN - 2, "=="))
        return false;
    for (size_t i = 0; i < SLK_WS_KEY_LEN - 2; i++)
        if (!isalnum((unsigned char)key[i]) && key[i] != '+' && key[i] != '/')
            return false;
    return true;
}

void slk_ws_accept(char accept[SLK_WS_ACCEPT_LEN + 1], const char *key)
{
    char text[SLK_WS_KEY_LEN + 64];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int n = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", SLK_WS_KEY_LEN,
                     key);
    EVP_Digest(text, (size_t)n, digest, &len, EVP_sha1(), NULL);
    EVP_EncodeBlock((uint8_t *)accept, digest, (int)len);
}

bool slk_ws_has_word(const char *value, const char *word)
{
    size_t word_len = strlen(word);
    for (const char *p = value; *p;) {
        p += strspn(p, ", \t");
        size_t len = strcspn(p, ",");
        size_t used = len;
        while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
            len--;
        if (len == word_len && !strncasecmp(p, word, len))
            return true;
        p += used;
    }
    return false;
}

/* Copy the value of a header out of a block of headers; false when it is not there or does not
 * fit. */
static bool find_header(char *out, size_t cap, const char *text, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = text + len;
    for (const char *line = text; line < end;) {
        const char *eol = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!eol)
            return false;
        if ((size_t)(eol - line) > name_len && line[name_len] == ':' &&
            !strncasecmp(line, name, name_len)) {
            const char *value = line + name_len + 1;
            while (value < eol && (*value == ' ' || *value == '\t'))
                value++;
            while (eol > value && (eol[-1] == ' ' || eol[-1] == '\t'))
                eol--;
            size_t n = (size_t)(eol - value);
            if (n >= cap)
                return false;
            memcpy(out, value, n);
            out[n] = 0;
            return true;
        }
        line = eol + 2;
    }
    return false;
}

slk_err_t slk_ws_check_answer(const char *text, size_t len, const char *key, size_t *used,
                              int *status, slk_diag_t *diag)
{
    char value[128], accept[SLK_WS_ACCEPT_LEN + 1];
    *used = 0;
    *status = 0;
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    size_t seen = len < 9 ? len : 9;
    if (memcmp(text, "HTTP/1.1 ", seen) || (!end && len > HEADERS_MAX))
        return slk_fail(diag, SLK_ERR_FORMAT, "the server does not answer in HTTP/1.1");
    if (!end)
        return SLK_OK;
    *used = (size_t)(end + 4 - text);
    for (size_t i = 9; i < 12; i++) {
        if (i >= *used || !isdigit((unsigned char)text[i]))
            return slk_fail(diag, SLK_ERR_FORMAT, "the server's answer has no status");
        *status = *status * 10 + (text[i] - '0');
    }
    if (*status != 101)
        return slk_fail(diag, SLK_ERR_STATE, "the server answers with HTTP status %d, not 101",
                        *status);
    size_t headers = *used - 2;
    slk_ws_accept(accept, key);
    if (!find_header(value, sizeof value, text, headers, "Upgrade") ||
        !slk_ws_has_word(value, "websocket") ||
        !find_header(value, sizeof value, text, headers, "Connection") ||
        !slk_ws_has_word(value, "upgrade") ||
        !find_header(value, sizeof value, text, headers, "Sec-WebSocket-Accept") ||
        strcmp(value, accept))
        return slk_fail(diag, SLK_ERR_STATE, "the server's websocket handshake is wrong");
    return SLK_OK;
}
