#include "codec/base32.h"

static const char digits[33] = "abcdefghijklmnopqrstuvwxyz234567";

void slk_base32_encode(char *out, const uint8_t *in, size_t len)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | in[i];
        for (bits += 8; bits >= 5; bits -= 5)
            *out++ = digits[acc >> (bits - 5) & 31];
    }
    if (bits)
        *out++ = digits[acc << (5 - bits) & 31];
    *out = 0;
}

static int digit_value(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

slk_base32_result_t slk_base32_decode(uint8_t *out, size_t cap, size_t *len, const char *text,
                                      size_t text_len)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text_len; i++) {
        int v = digit_value(text[i]);
        if (v < 0) {
            *len = i;
            return SLK_BASE32_CHAR;
        }
        acc = acc << 5 | (uint32_t)v;
        bits += 5;
        if (bits < 8)
            continue;
        bits -= 8;
        if (n == cap) {
            *len = n;
            return SLK_BASE32_ROOM;
        }
        out[n++] = (uint8_t)(acc >> bits);
    }
    *len = n;
    if (bits >= 5)
        return SLK_BASE32_LENGTH;
    return acc & ((1u << bits) - 1) ? SLK_BASE32_BITS : SLK_BASE32_OK;
}
