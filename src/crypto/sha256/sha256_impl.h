#ifndef SLK_CRYPTO_SHA256_IMPL_H
#define SLK_CRYPTO_SHA256_IMPL_H

/* The back ends of sha256.h and label.h, and the scalar rounds they share. Inside this folder only.
 */

#include "crypto/sha256/label.h"
#include "crypto/sha256/sha256.h"

#include "base/bytes.h"

typedef void slk_sha256_blocks_fn(uint32_t h[8], const uint8_t *blocks, size_t cnt);

/* cnt is a multiple of the back end's lanes: 1, 8 (avx2) or 32 (avx512). */
typedef void slk_sha256_pairs_fn(slk_node_t *out, const slk_node_t *in, size_t cnt);

/* run->first > 0 and run->cnt > 0. */
typedef void slk_label_run_fn(const slk_label_run_t *run);

slk_sha256_blocks_fn slk_sha256_blocks_portable, slk_sha256_blocks_shani, slk_sha256_blocks_avx2;
slk_sha256_pairs_fn slk_sha256_pairs_portable, slk_sha256_pairs_shani, slk_sha256_pairs_avx2,
    slk_sha256_pairs_avx512;
slk_label_run_fn slk_label_run_portable, slk_label_run_shani, slk_label_run_avx2,
    slk_label_run_avx512;

/* --- Constants ------------------------------------------------------------------------------ */

extern const uint32_t slk_sha256_iv[8];
extern const uint32_t slk_sha256_k[64] __attribute__((aligned(64)));

/* W + K of the padding block that follows a message of 64 bytes. */
extern const uint32_t slk_sha256_pad64_wk[64] __attribute__((aligned(64)));

/* --- The message of a label ----------------------------------------------------------------- */

enum {
    SLK_LABEL_BLOCKS = 18,     /* full blocks of parents */
    SLK_LABEL_BITS = 1248 * 8, /* message length */
    SLK_LABEL_AHEAD = 12,      /* nodes whose parents are prefetched */
};

/* Full blocks of parents before they repeat, and the parent of the last half block. */
static inline unsigned slk_label_period(uint32_t layer)
{
    return layer == 1 ? 3 : 7;
}
static inline unsigned slk_label_last(uint32_t layer)
{
    return layer == 1 ? 0 : 8;
}

/* Parent j of a row. */
static inline const slk_node_t *slk_label_parent(const slk_label_run_t *run,
                                                 const uint32_t row[SLK_PARENT_CNT], unsigned j)
{
    return (j < SLK_DRG_CNT ? run->labels : run->prev) + row[j];
}

/* Parents of node i + SLK_LABEL_AHEAD of the run, towards the first cache. Always inlined: gcc
 * takes a function that only prefetches for one without effect and drops the call. */
static inline __attribute__((always_inline)) void slk_label_prefetch(const slk_label_run_t *run,
                                                                     uint64_t i)
{
    if (i + SLK_LABEL_AHEAD >= run->cnt)
        return;
    const uint32_t *row = run->rows[i + SLK_LABEL_AHEAD];
    unsigned cnt = 2 * slk_label_period(run->layer);
    for (unsigned j = 0; j < cnt; j++)
        __builtin_prefetch(slk_label_parent(run, row, j), 0, 3);
}

/* --- Scalar rounds -------------------------------------------------------------------------- */

static inline uint32_t slk_ror32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t slk_sha256_sigma0(uint32_t x)
{
    return slk_ror32(x, 7) ^ slk_ror32(x, 18) ^ x >> 3;
}

static inline uint32_t slk_sha256_sigma1(uint32_t x)
{
    return slk_ror32(x, 17) ^ slk_ror32(x, 19) ^ x >> 10;
}

/* Maj(a,b,c) = ((a^b) & (b^c)) ^ b: a^b of this round is b^c of the next (ab, bc). */
#define SLK_SHA256_ROUND(a, b, c, d, e, f, g, h, ab, bc, wk)                                       \
    do {                                                                                           \
        h += (wk) + (e & f) + (~e & g);                                                            \
        h += slk_ror32(e, 6) ^ slk_ror32(e, 11) ^ slk_ror32(e, 25);                                \
        d += h;                                                                                    \
        ab = a ^ b;                                                                                \
        h += ((ab & bc) ^ b) + (slk_ror32(a, 2) ^ slk_ror32(a, 13) ^ slk_ror32(a, 22));            \
    } while (0)

/* 64 rounds on W + K, whose words lie stride apart. */
static inline __attribute__((always_inline)) void
slk_sha256_rounds(uint32_t state[8], const uint32_t *wk, size_t stride)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    uint32_t x, y = b ^ c;
    for (const uint32_t *end = wk + 64 * stride; wk != end; wk += 8 * stride) {
        SLK_SHA256_ROUND(a, b, c, d, e, f, g, h, x, y, wk[0]);
        SLK_SHA256_ROUND(h, a, b, c, d, e, f, g, y, x, wk[stride]);
        SLK_SHA256_ROUND(g, h, a, b, c, d, e, f, x, y, wk[2 * stride]);
        SLK_SHA256_ROUND(f, g, h, a, b, c, d, e, y, x, wk[3 * stride]);
        SLK_SHA256_ROUND(e, f, g, h, a, b, c, d, x, y, wk[4 * stride]);
        SLK_SHA256_ROUND(d, e, f, g, h, a, b, c, y, x, wk[5 * stride]);
        SLK_SHA256_ROUND(c, d, e, f, g, h, a, b, x, y, wk[6 * stride]);
        SLK_SHA256_ROUND(b, c, d, e, f, g, h, a, y, x, wk[7 * stride]);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static inline void slk_sha256_store(slk_node_t *out, const uint32_t h[8])
{
    for (int i = 0; i < 8; i++)
        slk_store_be32(out->b + 4 * i, h[i]);
}

#endif /* SLK_CRYPTO_SHA256_IMPL_H */
