/* Labels without SHA-NI: schedules in 8 lanes, rounds one by one. A template for one function,
 * LABEL_RUN. Lanes 0 .. 6 are the blocks of parents, lane 7 the last block. Block 0 of 8 labels is
 * hashed in lanes. */

#include "crypto/sha256/sha256_x8.h"

/* State after block 0 of nodes node .. node + 7: word k of node + i in mid[k][i]. */
static void heads(uint32_t mid[8][X8], const slk_label_run_t *run, uint64_t node)
{
    uint32_t high[X8], low[X8];
    vec_t w[16], s[8];
    for (unsigned i = 0; i < X8; i++) {
        high[i] = (uint32_t)((node + i) >> 32);
        low[i] = (uint32_t)(node + i);
    }
    for (int k = 0; k < 8; k++)
        w[k] = v_word(slk_load_be32(run->replica_id->b + 4 * k));
    w[8] = v_word(run->layer);
    w[9] = _mm256_loadu_si256((const __m256i *)high);
    w[10] = _mm256_loadu_si256((const __m256i *)low);
    for (int k = 11; k < 16; k++)
        w[k] = _mm256_setzero_si256();
    x8_iv(s);
    lanes_block(s, w);
    for (int k = 0; k < 8; k++)
        _mm256_storeu_si256((__m256i *)mid[k], s[k]);
}

/* W + K of all blocks of parents of one label. */
static inline void expand(uint32_t wk[64][X8], const slk_label_run_t *run,
                          const uint32_t row[SLK_PARENT_CNT], unsigned period, unsigned last)
{
    vec_t w[16];
    for (unsigned j = 0; j < 7; j++) {
        unsigned block = j < period ? j : 0;
        w[j] = x8_load(slk_label_parent(run, row, 2 * block));
        w[8 + j] = x8_load(slk_label_parent(run, row, 2 * block + 1));
    }
    w[7] = x8_load(slk_label_parent(run, row, last));
    w[15] = _mm256_set_epi32(SLK_LABEL_BITS, 0, 0, 0, 0, 0, 0, (int)0x80000000);
    x8_transpose(w);
    x8_transpose(w + 8);
    x8_expand(wk, w);
}

void LABEL_RUN(const slk_label_run_t *run)
{
    unsigned period = slk_label_period(run->layer), last = slk_label_last(run->layer);
    uint32_t wk[64][X8] __attribute__((aligned(64))), mid[8][X8];
    for (uint64_t i = 0; i < run->cnt; i++) {
        uint64_t node = run->first + i;
        uint32_t h[8];
        if (i % X8 == 0)
            heads(mid, run, node);
        for (int k = 0; k < 8; k++)
            h[k] = mid[k][i % X8];
        expand(wk, run, run->rows[i], period, last);
        slk_label_prefetch(run, i);
        for (unsigned j = 0, lane = 0; j < SLK_LABEL_BLOCKS; j++) {
            slk_sha256_rounds(h, &wk[0][lane], X8);
            lane = lane + 1 == period ? 0 : lane + 1;
        }
        slk_sha256_rounds(h, &wk[0][7], X8);
        slk_sha256_store(&run->labels[node], h);
        slk_trunc254(&run->labels[node]);
    }
}
