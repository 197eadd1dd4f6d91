#include "crypto/sha256/sha256_impl.h"

#include <string.h>

const uint32_t slk_sha256_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

const uint32_t slk_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

const uint32_t slk_sha256_pad64_wk[64] = {
    0xc28a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf374,
    0x649b69c1, 0xf0fe4786, 0x0fe1edc6, 0x240cf254, 0x4fe9346f, 0x6cc984be, 0x61b9411e, 0x16f988fa,
    0xf2c65152, 0xa88e5a6d, 0xb019fc65, 0xb9d99ec7, 0x9a1231c3, 0xe70eeaa0, 0xfdb1232b, 0xc7353eb0,
    0x3069bad5, 0xcb976d5f, 0x5a0f118f, 0xdc1eeefd, 0x0a35b689, 0xde0b7a04, 0x58f4ca9d, 0xe15d5b16,
    0x007f3e86, 0x37088980, 0xa507ea32, 0x6fab9537, 0x17406110, 0x0d8cd6f1, 0xcdaa3b6d, 0xc0bbbe37,
    0x83613bda, 0xdb48a363, 0x0b02e931, 0x6fd15ca7, 0x521afaca, 0x31338431, 0x6ed41a95, 0x6d437890,
    0xc39c91f2, 0x9eccabbd, 0xb5c9a0e6, 0x532fb63c, 0xd2c741c6, 0x07237ea3, 0xa4954b68, 0x4c191d76};

/* W + K from the 16 words of a block. */
static void expand(uint32_t wk[64], const uint32_t words[16])
{
    uint32_t w[16];
    for (int t = 0; t < 16; t++) {
        w[t] = words[t];
        wk[t] = w[t] + slk_sha256_k[t];
    }
    for (int t = 16; t < 64; t += 16) {
#pragma GCC unroll 16
        for (int j = 0; j < 16; j++) {
            w[j] += slk_sha256_sigma1(w[(j + 14) & 15]) + w[(j + 9) & 15] +
                    slk_sha256_sigma0(w[(j + 1) & 15]);
            wk[t + j] = w[j] + slk_sha256_k[t + j];
        }
    }
}

static void load_words(uint32_t *words, const void *bytes, int cnt)
{
    for (int i = 0; i < cnt; i++)
        words[i] = slk_load_be32((const uint8_t *)bytes + 4 * i);
}

void slk_sha256_blocks_portable(uint32_t h[8], const uint8_t *blocks, size_t cnt)
{
    uint32_t words[16], wk[64];
    for (; cnt; cnt--, blocks += 64) {
        load_words(words, blocks, 16);
        expand(wk, words);
        slk_sha256_rounds(h, wk, 1);
    }
}

void slk_sha256_pairs_portable(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        uint32_t h[8];
        memcpy(h, slk_sha256_iv, sizeof h);
        slk_sha256_blocks_portable(h, (const uint8_t *)&in[2 * i], 1);
        slk_sha256_rounds(h, slk_sha256_pad64_wk, 1);
        slk_sha256_store(&out[i], h);
        slk_trunc254(&out[i]);
    }
}

void slk_label_run_portable(const slk_label_run_t *run)
{
    unsigned period = slk_label_period(run->layer), last = slk_label_last(run->layer);
    uint32_t head[16] = {0}, tail[16] = {0};
    load_words(head, run->replica_id, 8);
    head[8] = run->layer;
    tail[8] = 0x80000000;
    tail[15] = SLK_LABEL_BITS;
    for (uint64_t i = 0; i < run->cnt; i++) {
        uint64_t node = run->first + i;
        uint32_t h[8], words[16], wk[7][64], wk_one[64];
        slk_label_prefetch(run, i);
        memcpy(h, slk_sha256_iv, sizeof h);
        head[9] = (uint32_t)(node >> 32);
        head[10] = (uint32_t)node;
        expand(wk_one, head);
        slk_sha256_rounds(h, wk_one, 1);
        for (unsigned j = 0; j < period; j++) {
            load_words(words, slk_label_parent(run, run->rows[i], 2 * j), 8);
            load_words(words + 8, slk_label_parent(run, run->rows[i], 2 * j + 1), 8);
            expand(wk[j], words);
        }
        for (unsigned j = 0; j < SLK_LABEL_BLOCKS; j++)
            slk_sha256_rounds(h, wk[j % period], 1);
        load_words(tail, slk_label_parent(run, run->rows[i], last), 8);
        expand(wk_one, tail);
        slk_sha256_rounds(h, wk_one, 1);
        slk_sha256_store(&run->labels[node], h);
        slk_trunc254(&run->labels[node]);
    }
}
