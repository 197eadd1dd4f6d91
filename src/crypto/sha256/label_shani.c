#include "crypto/sha256/sha256_shani.h"

/* A label is a chain of 19 blocks that waits for the latency of the rounds and leaves half of the
 * unit idle. Block 0 of the next label and all schedules fill the gaps. */

typedef struct {
    slk_ni_t iv;
    slk_ni_t early; /* after the rounds on replica_id, the same for all labels */
    __m128i replica[2];
    __m128i layer;
} head_t;

enum { HEAD_QUADS = 14 }; /* of block 0, behind those on replica_id */

static void head_init(head_t *head, const slk_label_run_t *run)
{
    head->iv = head->early = slk_ni_from_words(slk_sha256_iv);
    head->layer = _mm_set_epi32(0, 0, 0, (int)run->layer);
    for (unsigned q = 0; q < 2; q++) {
        head->replica[q] = slk_ni_swap(slk_ni_load(run->replica_id->b + 16 * q));
        slk_ni_quad(&head->early, _mm_add_epi32(head->replica[q], slk_ni_k(q)));
    }
}

/* W + K of block 0 of a node, from the third quad on. */
SLK_NI_INLINE void head_expand(__m128i wk[HEAD_QUADS], const head_t *head, uint64_t node)
{
    __m128i m[4] = {head->replica[0], head->replica[1]};
    m[2] = _mm_or_si128(head->layer,
                        _mm_set_epi32(0, (int)(uint32_t)node, (int)(uint32_t)(node >> 32), 0));
    m[3] = _mm_setzero_si128();
#pragma GCC unroll 14
    for (unsigned q = 2; q < 16; q++) {
        if (q >= 4)
            slk_ni_expand(m, q);
        wk[q - 2] = _mm_add_epi32(m[q & 3], slk_ni_k(q));
    }
}

/* A block met for the first time: its W + K are kept for the next times. */
SLK_NI_INLINE void block_first(slk_ni_t *s, __m128i wk[16], __m128i m[4])
{
    slk_ni_t before = *s;
#pragma GCC unroll 16
    for (unsigned q = 0; q < 16; q++) {
        if (q >= 4)
            slk_ni_expand(m, q);
        wk[q] = _mm_add_epi32(m[q & 3], slk_ni_k(q));
        slk_ni_quad(s, wk[q]);
    }
    slk_ni_add(s, &before);
}

/* A block met again; with next, also two quads of the next label's block 0. */
SLK_NI_INLINE void block_again(slk_ni_t *s, const __m128i wk[16], slk_ni_t *next,
                               const __m128i *next_wk)
{
    slk_ni_t before = *s;
#pragma GCC unroll 16
    for (unsigned q = 0; q < 16; q++) {
        slk_ni_quad(s, wk[q]);
        if (next && (q == 4 || q == 12))
            slk_ni_quad(next, next_wk[q / 8]);
    }
    slk_ni_add(s, &before);
}

/* The last parent and the padding. */
SLK_NI_INLINE void block_last(slk_ni_t *s, const slk_node_t *parent)
{
    slk_ni_t before = *s;
    __m128i m[4] = {slk_ni_swap(slk_ni_load(parent->b)), slk_ni_swap(slk_ni_load(parent->b + 16)),
                    _mm_set_epi32(0, 0, 0, (int)0x80000000),
                    _mm_set_epi32(SLK_LABEL_BITS, 0, 0, 0)};
#pragma GCC unroll 16
    for (unsigned q = 0; q < 16; q++) {
        if (q >= 4)
            slk_ni_expand(m, q);
        slk_ni_quad(s, _mm_add_epi32(m[q & 3], slk_ni_k(q)));
    }
    slk_ni_add(s, &before);
}

void slk_label_run_shani(const slk_label_run_t *run)
{
    unsigned period = slk_label_period(run->layer), last = slk_label_last(run->layer);
    head_t head;
    __m128i wk[7][16], head_wk[HEAD_QUADS];
    head_init(&head, run);
    head_expand(head_wk, &head, run->first);
    slk_ni_t s, next = head.early;
    for (unsigned q = 0; q < HEAD_QUADS; q++)
        slk_ni_quad(&next, head_wk[q]);
    for (uint64_t i = 0; i < run->cnt; i++) {
        uint64_t node = run->first + i;
        const uint32_t *row = run->rows[i];
        s = next;
        slk_ni_add(&s, &head.iv);
        for (unsigned j = 0; j < period; j++) {
            const slk_node_t *left = slk_label_parent(run, row, 2 * j);
            const slk_node_t *right = slk_label_parent(run, row, 2 * j + 1);
            __m128i m[4] = {
                slk_ni_swap(slk_ni_load(left->b)), slk_ni_swap(slk_ni_load(left->b + 16)),
                slk_ni_swap(slk_ni_load(right->b)), slk_ni_swap(slk_ni_load(right->b + 16))};
            block_first(&s, wk[j], m);
        }
        head_expand(head_wk, &head, node + 1);
        next = head.early;
        unsigned j = period, again = 0;
        for (unsigned q = 0; q < HEAD_QUADS; q += 2, j++) {
            block_again(&s, wk[again], &next, head_wk + q);
            again = again + 1 == period ? 0 : again + 1;
        }
        /* Waits for the page tables are best hidden here, behind the blocks with the fewest
         * instructions. */
        slk_label_prefetch(run, i);
        for (; j < SLK_LABEL_BLOCKS; j++) {
            block_again(&s, wk[again], NULL, NULL);
            again = again + 1 == period ? 0 : again + 1;
        }
        block_last(&s, slk_label_parent(run, row, last));
        __m128i abcd, efgh;
        slk_ni_to_words(&s, &abcd, &efgh);
        slk_node_t *out = &run->labels[node];
        _mm_storeu_si128((__m128i *)out->b, slk_ni_swap(abcd));
        _mm_storeu_si128((__m128i *)(out->b + 16), slk_ni_swap(slk_ni_trunc254(efgh)));
    }
}
