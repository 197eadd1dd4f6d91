#include "crypto/chacha/chacha.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define BLOCK_SZ 64u

static inline uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline void quarter(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 7);
}

void slk_chacha_block(uint8_t out[64], const uint8_t key[32], uint32_t counter,
                      const uint8_t nonce[12], unsigned rounds)
{
    SLK_ASSERT(rounds == 8 || rounds == 20);
    uint32_t init[16], s[16];
    memcpy(init, "expand 32-byte k", 16);
    memcpy(init + 4, key, 32);
    init[12] = counter;
    memcpy(init + 13, nonce, 12);
    memcpy(s, init, sizeof s);
    for (unsigned i = 0; i < rounds; i += 2) {
        for (unsigned col = 0; col < 4; col++)
            quarter(s, col, col + 4, col + 8, col + 12);
        for (unsigned col = 0; col < 4; col++)
            quarter(s, col, (col + 1) % 4 + 4, (col + 2) % 4 + 8, (col + 3) % 4 + 12);
    }
    for (unsigned i = 0; i < 16; i++)
        slk_store_le32(out + 4 * i, s[i] + init[i]);
}

void slk_chacha_stream(uint8_t *out, size_t len, uint64_t offset, const uint8_t key[32],
                       const uint8_t nonce[12], unsigned rounds)
{
    const uint64_t stream_sz = (UINT64_C(1) << 32) * BLOCK_SZ;
    SLK_ASSERT(offset <= stream_sz && len <= stream_sz - offset);
    while (len) {
        uint8_t block[BLOCK_SZ];
        size_t skip = offset % BLOCK_SZ;
        size_t take = len < BLOCK_SZ - skip ? len : BLOCK_SZ - skip;
        slk_chacha_block(block, key, (uint32_t)(offset / BLOCK_SZ), nonce, rounds);
        memcpy(out, block + skip, take);
        out += take;
        offset += take;
        len -= take;
    }
}
