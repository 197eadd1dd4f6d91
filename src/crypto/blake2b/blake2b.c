#include "crypto/blake2b/blake2b.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define ROUNDS 12u

static const uint64_t iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                               0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                               0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/* Which words of a block each round takes; the last two repeat the first two. */
static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotr(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

static inline void mix(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x,
                       uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotr(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotr(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotr(v[b] ^ v[c], 63);
}

static void compress(slk_blake2b_t *state, const uint8_t block[SLK_BLAKE2B_BLOCK], uint64_t last)
{
    uint64_t v[16], m[16];
    for (unsigned i = 0; i < 16; i++)
        m[i] = slk_load_le64(block + 8 * i);
    memcpy(v, state->h, sizeof state->h);
    memcpy(v + 8, iv, sizeof iv);
    v[12] ^= state->len;
    v[14] ^= last;
#pragma GCC unroll 12
    for (unsigned r = 0; r < ROUNDS; r++) {
        const uint8_t *s = sigma[r % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        state->h[i] ^= v[i] ^ v[i + 8];
}

void slk_blake2b_init(slk_blake2b_t *state, size_t out_len)
{
    SLK_ASSERT(out_len >= 1 && out_len <= SLK_BLAKE2B_MAX);
    *state = (slk_blake2b_t){.out_len = out_len};
    memcpy(state->h, iv, sizeof iv);
    state->h[0] ^= 0x01010000 ^ out_len;
}

void slk_blake2b_update(slk_blake2b_t *state, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len) {
        if (state->used == SLK_BLAKE2B_BLOCK) { /* a full block waits: it may be the last */
            state->len += SLK_BLAKE2B_BLOCK;
            compress(state, state->buf, 0);
            state->used = 0;
        }
        size_t some = SLK_BLAKE2B_BLOCK - state->used;
        some = some < len ? some : len;
        memcpy(state->buf + state->used, p, some);
        state->used += some;
        p += some;
        len -= some;
    }
}

void slk_blake2b_final(slk_blake2b_t *state, uint8_t *out)
{
    uint8_t bytes[SLK_BLAKE2B_MAX];
    memset(state->buf + state->used, 0, SLK_BLAKE2B_BLOCK - state->used);
    state->len += state->used;
    compress(state, state->buf, UINT64_MAX);
    for (unsigned i = 0; i < 8; i++)
        slk_store_le64(bytes + 8 * i, state->h[i]);
    memcpy(out, bytes, state->out_len);
}
