#include "base/assert.h"
#include "devnet/actors/miner/deadline.h"

#include <inttypes.h>

static uint64_t div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* < 0: a sector rather goes to a. */
static int compare(const slk_deadline_count_t *a, const slk_deadline_count_t *b, uint64_t size)
{
    bool a_full = a->total % size == 0, b_full = b->total % size == 0;
    int diff = order(div_up(a->live + 1, size), div_up(b->live + 1, size));
    if (!diff)
        diff = order(div_up(a->total + 1, size), div_up(b->total + 1, size));
    if (!diff)
        diff = a_full - b_full;
    if (!diff && !a_full)
        diff = order(b->total, a->total);
    return diff ? diff : order(a->live, b->live);
}

/* Deadlines as a heap, the best one first. */
typedef struct {
    const slk_deadline_count_t *counts;
    uint64_t size;
    size_t at[64]; /* indices into counts */
    size_t cnt;
} heap_t;

static bool before(const heap_t *heap, size_t a, size_t b)
{
    int diff = compare(&heap->counts[heap->at[a]], &heap->counts[heap->at[b]], heap->size);
    return diff ? diff < 0 : heap->at[a] < heap->at[b];
}

static void sift_down(heap_t *heap, size_t i)
{
    for (;;) {
        size_t best = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->cnt; child++)
            if (before(heap, child, best))
                best = child;
        if (best == i)
            return;
        size_t tmp = heap->at[i];
        heap->at[i] = heap->at[best];
        heap->at[best] = tmp;
        i = best;
    }
}

slk_exit_t slk_assign_deadlines(slk_rt_t *rt, uint64_t partition_size, slk_deadline_count_t *counts,
                                size_t cnt, size_t sector_cnt, size_t *out)
{
    heap_t heap = {.counts = counts, .size = partition_size};
    uint64_t limit = slk_rt_policy(rt)->partitions_per_deadline;
    SLK_ASSERT(cnt <= SLK_COUNT(heap.at));
    for (size_t i = 0; i < cnt; i++)
        if (counts[i].usable)
            heap.at[heap.cnt++] = i;
    for (size_t i = heap.cnt; i-- > 0;)
        sift_down(&heap, i);
    for (size_t i = 0; i < sector_cnt; i++) {
        slk_deadline_count_t *best = heap.cnt ? &counts[heap.at[0]] : NULL;
        if (!best || best->total >= partition_size * limit)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "max partitions limit %" PRIu64 " reached for all deadlines",
                                limit);
        out[i] = heap.at[0];
        best->live++;
        best->total++;
        sift_down(&heap, 0);
    }
    return SLK_EXIT_OK;
}
