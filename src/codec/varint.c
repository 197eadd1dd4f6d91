#include "codec/varint.h"

#include "base/assert.h"

size_t slk_varint_put(uint8_t out[SLK_VARINT_SZ], uint64_t v)
{
    SLK_ASSERT(v >> 63 == 0);
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

size_t slk_varint_get(uint64_t *v, const uint8_t *in, size_t len)
{
    *v = 0;
    for (size_t n = 0; n < len && n < SLK_VARINT_SZ; n++) {
        *v |= (uint64_t)(in[n] & 0x7f) << (7 * n);
        if (in[n] & 0x80)
            continue;
        return n && in[n] == 0 ? 0 : n + 1;
    }
    return 0;
}
