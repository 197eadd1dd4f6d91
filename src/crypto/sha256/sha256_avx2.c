#include "crypto/sha256/sha256_x8.h"

/* One stream: the schedules of 8 blocks do not wait for each other. */
void slk_sha256_blocks_avx2(uint32_t h[8], const uint8_t *blocks, size_t cnt)
{
    uint32_t wk[64][X8] __attribute__((aligned(32)));
    for (; cnt >= 2;) {
        size_t part = cnt < X8 ? cnt : X8;
        vec_t w[16];
        for (size_t i = 0; i < X8; i++) {
            const uint8_t *block = blocks + 64 * (i < part ? i : 0);
            w[i] = x8_load(block);
            w[8 + i] = x8_load(block + 32);
        }
        x8_transpose(w);
        x8_transpose(w + 8);
        x8_expand(wk, w);
        for (size_t i = 0; i < part; i++)
            slk_sha256_rounds(h, &wk[0][i], X8);
        blocks += 64 * part;
        cnt -= part;
    }
    if (cnt)
        slk_sha256_blocks_portable(h, blocks, cnt);
}

void slk_sha256_pairs_avx2(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    for (; cnt; cnt -= X8, out += X8, in += 2 * X8) {
        vec_t w[16], s[8];
        for (int i = 0; i < X8; i++) {
            w[i] = x8_load(&in[2 * i]);
            w[8 + i] = x8_load(&in[2 * i + 1]);
        }
        x8_transpose(w);
        x8_transpose(w + 8);
        x8_iv(s);
        lanes_block(s, w);
        lanes_block_same(s, slk_sha256_pad64_wk);
        s[7] = _mm256_and_si256(s[7], v_word(0xffffff3f));
        x8_transpose(s);
        for (int i = 0; i < X8; i++)
            x8_store(&out[i], s[i]);
    }
}
