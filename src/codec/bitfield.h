#ifndef SLK_CODEC_BITFIELD_H
#define SLK_CODEC_BITFIELD_H

/* Sets of unsigned integers (sector numbers, partitions, deadlines), kept as runs: RLE+ on the
 * chain (spec chain.md 1.4), a list of run lengths in JSON.
 *
 * A slk_bitfield_t is a value. Zeroed it is the empty set. Its runs lie in the arena that was given
 * to the function which made it and are never changed afterwards, so that assigning the struct is a
 * copy as long as that arena lives; slk_bitfield_copy moves a set to another arena. There is
 * nothing to free. An output may be the same object as an input.
 *
 * All work and memory is proportional to the number of runs, never to the number of bits. Functions
 * that take an arena return SLK_ERR_NOMEM where it is full, and leave *out as it was on any
 * error. */

#include "base/arena.h"
#include "codec/cbor.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Longest RLE+ text, to read and to write; as the actors have it. */
#define SLK_BITFIELD_ENCODED_MAX ((size_t)32 << 10)

/* The largest member of any set, as the actors have it. They limit sector numbers to INT64_MAX
 * themselves. */
#define SLK_BIT_MAX (UINT64_MAX - 1)

/* The bits start .. end - 1; start < end. */
typedef struct {
    uint64_t start, end;
} slk_bit_run_t;

typedef struct {
    const slk_bit_run_t *runs; /* ascending, with at least one bit between two of them */
    size_t run_cnt;
} slk_bitfield_t;

/* --- Making sets ------------------------------------------------------------------------------ */

/* Read RLE+ (the content of the CBOR byte string). SLK_ERR_FORMAT: a version other than 0, a run in
 * a longer form than it needs, a run of length 0, a last byte 0, zeros as the last run, bits above
 * SLK_BIT_MAX, more than SLK_BITFIELD_ENCODED_MAX bytes. Takes at most 64 * len bytes. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_decode(slk_bitfield_t *out, const void *bytes, size_t len,
                                               slk_arena_t *arena, slk_diag_t *diag);

/* The same from a CBOR byte string. */
SLK_CHECK_RESULT slk_err_t slk_cbor_bitfield(slk_cbor_t *r, slk_bitfield_t *out,
                                             slk_arena_t *arena);

/* Read the list of run lengths, zeros first: [0, 3, 5, 2] is {0, 1, 2, 8, 9}. [] and [0] are empty.
 * SLK_ERR_FORMAT: not a list of integers >= 0, a length of 0 behind the first, too many bits. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_from_json(slk_bitfield_t *out, const json_t *json,
                                                  slk_arena_t *arena, slk_diag_t *diag);

/* The bits of a list in any order, also with repetitions; none above SLK_BIT_MAX. The way to make a
 * set of many single bits: slk_bitfield_set copies the runs each time. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_from_bits(slk_bitfield_t *out, const uint64_t *bits,
                                                  size_t cnt, slk_arena_t *arena);

/* The cnt bits from `first` on. first + cnt - 1 <= SLK_BIT_MAX. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_from_range(slk_bitfield_t *out, uint64_t first,
                                                   uint64_t cnt, slk_arena_t *arena);

SLK_CHECK_RESULT slk_err_t slk_bitfield_copy(slk_bitfield_t *out, const slk_bitfield_t *set,
                                             slk_arena_t *arena);

/* --- Writing ---------------------------------------------------------------------------------- */

/* RLE+ in the arena; the empty set has 0 bytes. SLK_ERR_LENGTH: more than
 * SLK_BITFIELD_ENCODED_MAX. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_encode(const uint8_t **bytes, size_t *len,
                                               const slk_bitfield_t *set, slk_arena_t *arena,
                                               slk_diag_t *diag);

/* The same appended to a buffer; on an error nothing was. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_put(slk_buf_t *out, const slk_bitfield_t *set,
                                            slk_diag_t *diag);

/* The same as a CBOR byte string, as in parameters and state. */
SLK_CHECK_RESULT slk_err_t slk_cbor_put_bitfield(slk_buf_t *out, const slk_bitfield_t *set,
                                                 slk_diag_t *diag);

/* The list of run lengths; [0] for the empty set. NULL: out of memory, or a run longer than
 * INT64_MAX, which our JSON has no integer for. The caller owns it. */
SLK_CHECK_RESULT json_t *slk_bitfield_to_json(const slk_bitfield_t *set);

/* --- Questions -------------------------------------------------------------------------------- */

static inline bool slk_bitfield_is_empty(const slk_bitfield_t *set)
{
    return set->run_cnt == 0;
}

/* Binary search over the runs. */
bool slk_bitfield_contains(const slk_bitfield_t *set, uint64_t bit);

uint64_t slk_bitfield_count(const slk_bitfield_t *set);

/* The lowest and the highest bit; false if the set is empty. */
bool slk_bitfield_first(const slk_bitfield_t *set, uint64_t *bit);
bool slk_bitfield_last(const slk_bitfield_t *set, uint64_t *bit);

bool slk_bitfield_equal(const slk_bitfield_t *a, const slk_bitfield_t *b);

/* Every bit of `part` is in `whole` (the actors' contains_all the other way round). */
bool slk_bitfield_is_subset(const slk_bitfield_t *part, const slk_bitfield_t *whole);

/* Some bit is in both (the actors' contains_any). */
bool slk_bitfield_intersects(const slk_bitfield_t *a, const slk_bitfield_t *b);

/* --- Algebra ---------------------------------------------------------------------------------- */

/* One bit more or less. bit <= SLK_BIT_MAX. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_set(slk_bitfield_t *out, const slk_bitfield_t *set,
                                            uint64_t bit, slk_arena_t *arena);
SLK_CHECK_RESULT slk_err_t slk_bitfield_unset(slk_bitfield_t *out, const slk_bitfield_t *set,
                                              uint64_t bit, slk_arena_t *arena);

SLK_CHECK_RESULT slk_err_t slk_bitfield_union(slk_bitfield_t *out, const slk_bitfield_t *a,
                                              const slk_bitfield_t *b, slk_arena_t *arena);
SLK_CHECK_RESULT slk_err_t slk_bitfield_intersection(slk_bitfield_t *out, const slk_bitfield_t *a,
                                                     const slk_bitfield_t *b, slk_arena_t *arena);
/* a without b. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_difference(slk_bitfield_t *out, const slk_bitfield_t *a,
                                                   const slk_bitfield_t *b, slk_arena_t *arena);

/* The union of any number of sets, in time n log n of all their runs. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_union_all(slk_bitfield_t *out, const slk_bitfield_t *sets,
                                                  size_t set_cnt, slk_arena_t *arena);

/* The set's bits number skip .. skip + cnt - 1, counted from the lowest. SLK_ERR_INPUT if it has
 * fewer than skip + cnt, as the actors; slk_bitfield_slice_upto takes what there is. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_slice(slk_bitfield_t *out, const slk_bitfield_t *set,
                                              uint64_t skip, uint64_t cnt, slk_arena_t *arena);
SLK_CHECK_RESULT slk_err_t slk_bitfield_slice_upto(slk_bitfield_t *out, const slk_bitfield_t *set,
                                                   uint64_t skip, uint64_t cnt, slk_arena_t *arena);

/* Take the positions of `holes` out of the number line and close up what is left of `set`: each bit
 * of set that is not in holes moves down by the number of holes below it.
 * {1, 3, 4, 5} cut by {1, 2} is {1, 2, 3}. What compaction of partitions needs. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_cut(slk_bitfield_t *out, const slk_bitfield_t *set,
                                            const slk_bitfield_t *holes, slk_arena_t *arena);

/* --- Bit by bit ------------------------------------------------------------------------------- */

/* slk_bit_iter_t it = slk_bitfield_iter(&set); for (uint64_t bit; slk_bit_next(&it, &bit);) ...
 *
 * A set from outside may have 2^64 bits: see slk_bitfield_count first or use slk_bitfield_bits. */
typedef struct {
    const slk_bit_run_t *run, *end;
    uint64_t next; /* bits of *run before next were handed out */
} slk_bit_iter_t;

static inline slk_bit_iter_t slk_bitfield_iter(const slk_bitfield_t *set)
{
    return (slk_bit_iter_t){
        .run = set->runs,
        .end = set->run_cnt ? set->runs + set->run_cnt : set->runs,
        .next = set->run_cnt ? set->runs[0].start : 0,
    };
}

static inline bool slk_bit_next(slk_bit_iter_t *it, uint64_t *bit)
{
    if (it->run == it->end)
        return false;
    *bit = it->next++;
    if (it->next == it->run->end && ++it->run != it->end)
        it->next = it->run->start;
    return true;
}

/* All bits as a list in the arena. SLK_ERR_LENGTH if there are more than max. */
SLK_CHECK_RESULT slk_err_t slk_bitfield_bits(const uint64_t **bits, size_t *cnt,
                                             const slk_bitfield_t *set, size_t max,
                                             slk_arena_t *arena, slk_diag_t *diag);

#endif /* SLK_CODEC_BITFIELD_H */
