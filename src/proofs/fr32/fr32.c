/* A group of 127 bytes is an integer v of 4 * 254 bits; node j of its 128 padded bytes is
 * (v >> 254 j) mod 2^254. Words of 64 bits: node j begins in word 4j - 1 (bit 64 - 2j of it), so
 * all shifts are constants. Bound by memory, far above what hashing needs. */
#include "selkie/fr32.h"

#include "base/bytes.h"

#define LOW62 UINT64_C(0x3fffffffffffffff)

void slk_fr32_pad(uint8_t *restrict out, const uint8_t *restrict in, size_t groups)
{
    for (; groups; groups--, in += 127, out += 128) {
        uint64_t w[16];
        memcpy(w, in, 120);
        w[15] = slk_load_le64(in + 119) >> 8;

        uint64_t v[16];
        for (unsigned k = 0; k < 4; k++)
            v[k] = w[k];
        for (unsigned k = 4; k < 8; k++)
            v[k] = w[k - 1] >> 62 | w[k] << 2;
        for (unsigned k = 8; k < 12; k++)
            v[k] = w[k - 1] >> 60 | w[k] << 4;
        for (unsigned k = 12; k < 16; k++)
            v[k] = w[k - 1] >> 58 | w[k] << 6;
        for (unsigned k = 3; k < 16; k += 4)
            v[k] &= LOW62;
        memcpy(out, v, 128);
    }
}

void slk_fr32_unpad(uint8_t *out, const uint8_t *in, size_t groups)
{
    for (; groups; groups--, in += 128, out += 127) {
        /* All of a group is read before the first byte is written: out may be in. */
        uint64_t v[17];
        memcpy(v, in, 128);
        v[16] = 0;
        for (unsigned k = 3; k < 16; k += 4)
            v[k] &= LOW62;

        uint64_t w[16];
        for (unsigned k = 0; k < 3; k++)
            w[k] = v[k];
        w[3] = v[3] | v[4] << 62;
        for (unsigned k = 4; k < 7; k++)
            w[k] = v[k] >> 2 | v[k + 1] << 62;
        w[7] = v[7] >> 2 | v[8] << 60;
        for (unsigned k = 8; k < 11; k++)
            w[k] = v[k] >> 4 | v[k + 1] << 60;
        w[11] = v[11] >> 4 | v[12] << 58;
        for (unsigned k = 12; k < 16; k++)
            w[k] = v[k] >> 6 | v[k + 1] << 58;
        memcpy(out, w, 120);
        memcpy(out + 120, &w[15], 7);
    }
}
