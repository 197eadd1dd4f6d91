#include "codec/base64.h"

static const char digits[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void slk_base64_encode(char *out, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        if (n > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (n > 2)
            group |= in[i + 2];
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    *out = 0;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool slk_base64_decode(uint8_t *out, size_t *len, const char *text, size_t text_len)
{
    *len = 0;
    if (text_len % 4)
        return false;
    for (size_t i = 0; i < text_len; i += 4) {
        size_t n = 4;
        if (i + 4 == text_len && text[i + 3] == '=')
            n = text[i + 2] == '=' ? 2 : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < n; k++) {
            int v = digit_value(text[i + k]);
            if (v < 0)
                return false;
            group |= (uint32_t)v << (18 - 6 * k);
        }
        if (group & (n == 2 ? 0xffffu : n == 3 ? 0xffu : 0))
            return false;
        for (size_t k = 0; k + 1 < n; k++)
            out[(*len)++] = (uint8_t)(group >> (16 - 8 * k));
    }
    return true;
}
