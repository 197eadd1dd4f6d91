#include "net/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void slk_base64url_encode(char *out, const void *in, size_t len)
{
    const uint8_t *bytes = in;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | bytes[i];
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            *out++ = alphabet[acc >> bits & 63];
        }
    }
    if (bits)
        *out++ = alphabet[acc << (6 - bits) & 63];
    *out = 0;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool slk_base64url_decode(uint8_t *out, size_t cap, size_t *len, const char *text, size_t text_len)
{
    if (text_len % 4 == 1 || text_len / 4 * 3 + text_len % 4 * 3 / 4 > cap)
        return false;
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text_len; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        acc = acc << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    *len = n;
    return (acc & ((1u << bits) - 1)) == 0;
}
