/* Body of a back end of slk_draws_fn_t: ChaCha8 of LANES nodes side by side, a node a lane. The
 * file that includes this defines LANES (4, 8 or 16) and DRAWS_FN and is compiled with its own
 * machine flags. */

#include "proofs/graph/graph_impl.h"

#include <string.h>

#define BLOCK_WORDS 16
#define DRAW_WORDS  (2 * SLK_DRAW_CNT)
#define ROUNDS      8

typedef uint32_t vec_t __attribute__((vector_size(4 * LANES)));

_Static_assert(SLK_DRAW_BATCH % LANES == 0, "a batch is a number of whole vectors");

#define ROTL(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                        \
    do {                                                                                           \
        a += b, d ^= a, d = ROTL(d, 16);                                                           \
        c += d, b ^= c, b = ROTL(b, 12);                                                           \
        a += b, d ^= a, d = ROTL(d, 8);                                                            \
        c += d, b ^= c, b = ROTL(b, 7);                                                            \
    } while (0)

static inline __attribute__((always_inline)) void
block(vec_t s[BLOCK_WORDS], const uint32_t seed[7], vec_t node, uint32_t counter)
{
    static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    const vec_t zero = {0};
    vec_t init[BLOCK_WORDS];
    for (unsigned i = 0; i < 4; i++)
        init[i] = zero + sigma[i];
    for (unsigned i = 0; i < 7; i++)
        init[4 + i] = zero + seed[i];
    init[11] = node;
    init[12] = zero + counter;
    init[13] = init[14] = init[15] = zero;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        s[i] = init[i];
    for (unsigned i = 0; i < ROUNDS; i += 2) {
        QUARTER(s[0], s[4], s[8], s[12]);
        QUARTER(s[1], s[5], s[9], s[13]);
        QUARTER(s[2], s[6], s[10], s[14]);
        QUARTER(s[3], s[7], s[11], s[15]);
        QUARTER(s[0], s[5], s[10], s[15]);
        QUARTER(s[1], s[6], s[11], s[12]);
        QUARTER(s[2], s[7], s[8], s[13]);
        QUARTER(s[3], s[4], s[9], s[14]);
    }
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        s[i] += init[i];
}

void DRAWS_FN(uint64_t draws[SLK_DRAW_CNT][SLK_DRAW_BATCH], const uint32_t seed[7], uint32_t first,
              uint32_t cnt)
{
    for (uint32_t at = 0; at < cnt; at += LANES) {
        vec_t words[2 * BLOCK_WORDS], node;
        for (uint32_t i = 0; i < LANES; i++)
            node[i] = first + at + i;
        block(words, seed, node, 0);
        block(words + BLOCK_WORDS, seed, node, 1);
        uint32_t flat[DRAW_WORDS][LANES];
        memcpy(flat, words, sizeof flat);
        for (unsigned j = 0; j < SLK_DRAW_CNT; j++) {
            for (uint32_t i = 0; i < LANES; i++)
                draws[j][at + i] = flat[2 * j][i] | (uint64_t)flat[2 * j + 1][i] << 32;
        }
    }
}
