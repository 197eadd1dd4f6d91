#include "codec/bitfield.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* --- Combining two sets ----------------------------------------------------------------------- */

/* Which bits a combination keeps: bit number (in a) + 2 * (in b) of the table. */
typedef enum { KEEP_UNION = 0xe, KEEP_INTERSECTION = 0x8, KEEP_DIFFERENCE = 0x2 } keep_t;

/* Edge number k of a set: run k/2 begins at an even one and ends at an odd one, so that k is odd
 * just where the position lies inside the set. */
static uint64_t edge(const slk_bitfield_t *set, size_t k)
{
    const slk_bit_run_t *run = &set->runs[k / 2];
    return k % 2 ? run->end : run->start;
}

/* Walk over the edges of both sets. Writes the runs of the combination to out, unless that is NULL,
 * and returns their number. */
static size_t sweep(slk_bit_run_t *out, const slk_bitfield_t *a, const slk_bitfield_t *b,
                    keep_t keep)
{
    size_t i = 0, j = 0, edges = 0;
    while (i < 2 * a->run_cnt || j < 2 * b->run_cnt) {
        uint64_t at_a = i < 2 * a->run_cnt ? edge(a, i) : UINT64_MAX;
        uint64_t at_b = j < 2 * b->run_cnt ? edge(b, j) : UINT64_MAX;
        uint64_t at = at_a < at_b ? at_a : at_b;
        i += at_a == at && i < 2 * a->run_cnt;
        j += at_b == at && j < 2 * b->run_cnt;
        if (((keep >> (i % 2 + 2 * (j % 2))) & 1) == edges % 2)
            continue;
        if (out && edges % 2)
            out[edges / 2].end = at;
        else if (out)
            out[edges / 2].start = at;
        edges++;
    }
    SLK_ASSERT(edges % 2 == 0);
    return edges / 2;
}

static slk_err_t combine(slk_bitfield_t *out, const slk_bitfield_t *a, const slk_bitfield_t *b,
                         keep_t keep, slk_arena_t *arena)
{
    size_t cnt = sweep(NULL, a, b, keep);
    slk_bit_run_t *runs = slk_arena_array(arena, cnt, sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    sweep(runs, a, b, keep);
    *out = (slk_bitfield_t){runs, cnt};
    return SLK_OK;
}

slk_err_t slk_bitfield_union(slk_bitfield_t *out, const slk_bitfield_t *a, const slk_bitfield_t *b,
                             slk_arena_t *arena)
{
    return combine(out, a, b, KEEP_UNION, arena);
}

slk_err_t slk_bitfield_intersection(slk_bitfield_t *out, const slk_bitfield_t *a,
                                    const slk_bitfield_t *b, slk_arena_t *arena)
{
    return combine(out, a, b, KEEP_INTERSECTION, arena);
}

slk_err_t slk_bitfield_difference(slk_bitfield_t *out, const slk_bitfield_t *a,
                                  const slk_bitfield_t *b, slk_arena_t *arena)
{
    return combine(out, a, b, KEEP_DIFFERENCE, arena);
}

bool slk_bitfield_is_subset(const slk_bitfield_t *part, const slk_bitfield_t *whole)
{
    return sweep(NULL, part, whole, KEEP_DIFFERENCE) == 0;
}

bool slk_bitfield_intersects(const slk_bitfield_t *a, const slk_bitfield_t *b)
{
    return sweep(NULL, a, b, KEEP_INTERSECTION) != 0;
}

static slk_bit_run_t one_bit(uint64_t bit)
{
    SLK_ASSERT(bit <= SLK_BIT_MAX);
    return (slk_bit_run_t){bit, bit + 1};
}

slk_err_t slk_bitfield_set(slk_bitfield_t *out, const slk_bitfield_t *set, uint64_t bit,
                           slk_arena_t *arena)
{
    slk_bit_run_t run = one_bit(bit);
    return combine(out, set, &(slk_bitfield_t){&run, 1}, KEEP_UNION, arena);
}

slk_err_t slk_bitfield_unset(slk_bitfield_t *out, const slk_bitfield_t *set, uint64_t bit,
                             slk_arena_t *arena)
{
    slk_bit_run_t run = one_bit(bit);
    return combine(out, set, &(slk_bitfield_t){&run, 1}, KEEP_DIFFERENCE, arena);
}

/* --- Making sets ------------------------------------------------------------------------------ */

static int by_start(const void *left, const void *right)
{
    const slk_bit_run_t *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Sort runs that may overlap or touch and join those; the number that is left. */
static size_t normalise(slk_bit_run_t *runs, size_t cnt)
{
    if (cnt)
        qsort(runs, cnt, sizeof *runs, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < cnt; i++) {
        if (kept && runs[i].start <= runs[kept - 1].end) {
            if (runs[i].end > runs[kept - 1].end)
                runs[kept - 1].end = runs[i].end;
        } else {
            runs[kept++] = runs[i];
        }
    }
    return kept;
}

/* Take over runs of the heap that may overlap, into just as much of the arena as they need. */
static slk_err_t from_heap(slk_bitfield_t *out, slk_bit_run_t *runs, size_t cnt, slk_arena_t *arena)
{
    slk_bitfield_t set = {runs, normalise(runs, cnt)};
    slk_err_t err = slk_bitfield_copy(out, &set, arena);
    free(runs);
    return err;
}

slk_err_t slk_bitfield_from_bits(slk_bitfield_t *out, const uint64_t *bits, size_t cnt,
                                 slk_arena_t *arena)
{
    slk_bit_run_t *runs = calloc(cnt ? cnt : 1, sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    for (size_t i = 0; i < cnt; i++)
        runs[i] = one_bit(bits[i]);
    return from_heap(out, runs, cnt, arena);
}

slk_err_t slk_bitfield_union_all(slk_bitfield_t *out, const slk_bitfield_t *sets, size_t set_cnt,
                                 slk_arena_t *arena)
{
    size_t cnt = 0;
    for (size_t i = 0; i < set_cnt; i++)
        cnt += sets[i].run_cnt;
    slk_bit_run_t *runs = calloc(cnt ? cnt : 1, sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    size_t at = 0;
    for (size_t i = 0; i < set_cnt; i++) {
        if (sets[i].run_cnt)
            memcpy(runs + at, sets[i].runs, sets[i].run_cnt * sizeof *runs);
        at += sets[i].run_cnt;
    }
    return from_heap(out, runs, cnt, arena);
}

slk_err_t slk_bitfield_from_range(slk_bitfield_t *out, uint64_t first, uint64_t cnt,
                                  slk_arena_t *arena)
{
    SLK_ASSERT(cnt <= UINT64_MAX - first);
    slk_bit_run_t run = {first, first + cnt};
    return slk_bitfield_copy(out, &(slk_bitfield_t){&run, cnt != 0}, arena);
}

slk_err_t slk_bitfield_copy(slk_bitfield_t *out, const slk_bitfield_t *set, slk_arena_t *arena)
{
    const slk_bit_run_t *runs = slk_arena_copy(arena, set->runs, set->run_cnt * sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    *out = (slk_bitfield_t){runs, set->run_cnt};
    return SLK_OK;
}

/* --- Questions -------------------------------------------------------------------------------- */

bool slk_bitfield_contains(const slk_bitfield_t *set, uint64_t bit)
{
    size_t low = 0, high = set->run_cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (set->runs[mid].end <= bit)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->run_cnt && set->runs[low].start <= bit;
}

uint64_t slk_bitfield_count(const slk_bitfield_t *set)
{
    uint64_t cnt = 0;
    for (size_t i = 0; i < set->run_cnt; i++)
        cnt += set->runs[i].end - set->runs[i].start;
    return cnt;
}

bool slk_bitfield_first(const slk_bitfield_t *set, uint64_t *bit)
{
    if (set->run_cnt)
        *bit = set->runs[0].start;
    return set->run_cnt != 0;
}

bool slk_bitfield_last(const slk_bitfield_t *set, uint64_t *bit)
{
    if (set->run_cnt)
        *bit = set->runs[set->run_cnt - 1].end - 1;
    return set->run_cnt != 0;
}

bool slk_bitfield_equal(const slk_bitfield_t *a, const slk_bitfield_t *b)
{
    return a->run_cnt == b->run_cnt &&
           (!a->run_cnt || memcmp(a->runs, b->runs, a->run_cnt * sizeof *a->runs) == 0);
}

/* --- Counting along the set ------------------------------------------------------------------- */

/* The part of bits number skip .. skip + cnt - 1 that the set has, as sweep writes runs. */
static size_t slice_runs(slk_bit_run_t *out, const slk_bitfield_t *set, uint64_t skip, uint64_t cnt)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->run_cnt && cnt; i++) {
        uint64_t len = set->runs[i].end - set->runs[i].start;
        if (len <= skip) {
            skip -= len;
            continue;
        }
        uint64_t take = len - skip < cnt ? len - skip : cnt;
        uint64_t start = set->runs[i].start + skip;
        if (out)
            out[kept] = (slk_bit_run_t){start, start + take};
        kept++;
        cnt -= take;
        skip = 0;
    }
    return kept;
}

slk_err_t slk_bitfield_slice_upto(slk_bitfield_t *out, const slk_bitfield_t *set, uint64_t skip,
                                  uint64_t cnt, slk_arena_t *arena)
{
    size_t run_cnt = slice_runs(NULL, set, skip, cnt);
    slk_bit_run_t *runs = slk_arena_array(arena, run_cnt, sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    slice_runs(runs, set, skip, cnt);
    *out = (slk_bitfield_t){runs, run_cnt};
    return SLK_OK;
}

slk_err_t slk_bitfield_slice(slk_bitfield_t *out, const slk_bitfield_t *set, uint64_t skip,
                             uint64_t cnt, slk_arena_t *arena)
{
    uint64_t have = slk_bitfield_count(set);
    if (cnt && (skip > have || cnt > have - skip))
        return SLK_ERR_INPUT;
    return slk_bitfield_slice_upto(out, set, skip, cnt, arena);
}

slk_err_t slk_bitfield_cut(slk_bitfield_t *out, const slk_bitfield_t *set,
                           const slk_bitfield_t *holes, slk_arena_t *arena)
{
    size_t cnt = sweep(NULL, set, holes, KEEP_DIFFERENCE);
    slk_bit_run_t *runs = slk_arena_array(arena, cnt, sizeof *runs);
    if (!runs)
        return SLK_ERR_NOMEM;
    sweep(runs, set, holes, KEEP_DIFFERENCE);
    uint64_t below = 0; /* holes below the run; none lies inside it */
    size_t hole = 0, kept = 0;
    for (size_t i = 0; i < cnt; i++) {
        for (; hole < holes->run_cnt && holes->runs[hole].start < runs[i].start; hole++)
            below += holes->runs[hole].end - holes->runs[hole].start;
        slk_bit_run_t moved = {runs[i].start - below, runs[i].end - below};
        if (kept && runs[kept - 1].end == moved.start)
            runs[kept - 1].end = moved.end;
        else
            runs[kept++] = moved;
    }
    *out = (slk_bitfield_t){runs, kept};
    return SLK_OK;
}

slk_err_t slk_bitfield_bits(const uint64_t **bits, size_t *cnt, const slk_bitfield_t *set,
                            size_t max, slk_arena_t *arena, slk_diag_t *diag)
{
    uint64_t have = slk_bitfield_count(set);
    if (have > max)
        return slk_fail(diag, SLK_ERR_LENGTH, "bitfield: %llu bits are set, at most %zu may be",
                        (unsigned long long)have, max);
    uint64_t *list = slk_arena_array(arena, have, sizeof *list);
    if (!list)
        return slk_fail(diag, SLK_ERR_NOMEM, "bitfield: no memory for %zu bits", (size_t)have);
    size_t at = 0;
    slk_bit_iter_t it = slk_bitfield_iter(set);
    for (uint64_t bit; slk_bit_next(&it, &bit);)
        list[at++] = bit;
    *bits = list;
    *cnt = at;
    return SLK_OK;
}
