#include "base/bytes.h"

void slk_hex_encode(char *out, const void *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = in;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool slk_hex_decode(void *out, size_t len, const char *text)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(text[2 * i]);
        int lo = hi < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (lo < 0)
            return false;
        p[i] = (uint8_t)(hi << 4 | lo);
    }
    return text[2 * len] == 0;
}

bool slk_node_is_canonical(const slk_node_t *node)
{
    static const uint64_t modulus[4] = {UINT64_C(0xffffffff00000001), UINT64_C(0x53bda402fffe5bfe),
                                        UINT64_C(0x3339d80809a1d805), UINT64_C(0x73eda753299d7d48)};
    for (int i = 3; i >= 0; i--) {
        uint64_t limb = slk_load_le64(node->b + 8 * i);
        if (limb != modulus[i])
            return limb < modulus[i];
    }
    return false;
}

slk_node_hex_t slk_node_hex(const slk_node_t *node)
{
    slk_node_hex_t hex;
    slk_hex_encode(hex.s, node, sizeof *node);
    return hex;
}
