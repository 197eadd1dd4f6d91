#include "codec/base58.h"

#include "base/assert.h"

#include <string.h>

static const char digits[59] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* number = number * base + add, little-endian digits of another base. False: no room for the carry. */
static bool shift_in(uint8_t *number, size_t *n, size_t cap, unsigned of, unsigned base,
                     unsigned add)
{
    for (size_t i = 0; i < *n; i++) {
        unsigned v = number[i] * base + add;
        number[i] = (uint8_t)(v % of);
        add = v / of;
    }
    for (; add; add /= of) {
        if (*n == cap)
            return false;
        number[(*n)++] = (uint8_t)(add % of);
    }
    return true;
}

void slk_base58_encode(char out[SLK_BASE58_TEXT_SZ], const uint8_t *in, size_t len)
{
    SLK_ASSERT(len <= SLK_BASE58_BYTES_MAX);
    uint8_t number[SLK_BASE58_TEXT_SZ];
    size_t n = 0, zeros = 0;
    while (zeros < len && in[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < len; i++)
        SLK_ASSERT(shift_in(number, &n, sizeof number - 1 - zeros, 58, 256, in[i]));
    memset(out, '1', zeros);
    for (size_t i = 0; i < n; i++)
        out[zeros + i] = digits[number[n - 1 - i]];
    out[zeros + n] = 0;
}

bool slk_base58_decode(uint8_t out[SLK_BASE58_BYTES_MAX], size_t *len, const char *text)
{
    uint8_t number[SLK_BASE58_BYTES_MAX];
    size_t n = 0, zeros = strspn(text, "1");
    if (zeros > sizeof number)
        return false;
    for (const char *at = text + zeros; *at; at++) {
        const char *digit = strchr(digits, *at);
        if (!digit ||
            !shift_in(number, &n, sizeof number - zeros, 256, 58, (unsigned)(digit - digits)))
            return false;
    }
    memset(out, 0, zeros);
    for (size_t i = 0; i < n; i++)
        out[zeros + i] = number[n - 1 - i];
    *len = zeros + n;
    return true;
}
