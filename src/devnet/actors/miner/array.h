#ifndef SLK_DEVNET_MINER_ARRAY_H
#define SLK_DEVNET_MINER_ARRAY_H

/* What the miner's collections stand on: AMTs whose values are records, sets of numbers, and the
 * errors of both as exit codes. State that cannot be read is SLK_EXIT_FATAL. Everything read lies in
 * slk_rt_arena.
 *
 * Whoever loads an AMT frees it with slk_amt_free, on all paths: functions that hold one end at a
 * label `out`, to which SLK_RT_GOTO jumps. */

#include "codec/ipld/amt.h"
#include "devnet/vm/runtime.h"

/* A call into the library, inside of a function that returns slk_exit_t. */
#define SLK_RT_LIB(call) SLK_RT_TRY(slk_rt_err(rt, (call), SLK_EXIT_FATAL))

/* For functions with one `out:` label: store the code and leave unless it is SLK_EXIT_OK. */
#define SLK_RT_GOTO(call)                                                                          \
    do {                                                                                           \
        exit = (call);                                                                             \
        if (exit != SLK_EXIT_OK)                                                                   \
            goto out;                                                                              \
    } while (0)

/* Widths of the miner's trees (spec chain.md 1.5). */
#define SLK_WIDTH_SECTORS               5u
#define SLK_WIDTH_PRECOMMIT_CLEAN_UP    6u
#define SLK_WIDTH_PARTITIONS            3u
#define SLK_WIDTH_DEADLINE_EXPIRATIONS  5u
#define SLK_WIDTH_OPTIMISTIC_POSTS      2u
#define SLK_WIDTH_PARTITION_EXPIRATIONS 4u
#define SLK_WIDTH_EARLY_TERMINATED      3u

slk_exit_t slk_array_load(slk_rt_t *rt, slk_amt_t **amt, unsigned bit_width, const slk_cid_t *root);

/* The record at an index. Not found: *found false, *record is not touched. */
slk_exit_t slk_array_get(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, void *record,
                         const slk_type_t *type, bool *found);
slk_exit_t slk_array_set(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, const void *record,
                         const slk_type_t *type);
slk_exit_t slk_array_delete(slk_rt_t *rt, slk_amt_t *amt, uint64_t index, bool *found);
slk_exit_t slk_array_flush(slk_rt_t *rt, slk_amt_t *amt, slk_cid_t *root);

/* Store an empty array and tell its root. */
slk_exit_t slk_array_empty(slk_rt_t *rt, unsigned bit_width, slk_cid_t *root);

/* All entries at indices <= until, ascending, read at once so that the tree can be changed while they
 * are worked on. */
typedef struct {
    uint64_t index;
    void *record;
} slk_array_entry_t;
slk_exit_t slk_array_entries(slk_rt_t *rt, slk_amt_t *amt, uint64_t until, const slk_type_t *type,
                             slk_array_entry_t **entries, size_t *cnt);

/* --- Sets ------------------------------------------------------------------------------------------ */

/* out may be a or b. */
slk_exit_t slk_rt_union(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                        const slk_bitfield_t *b);
slk_exit_t slk_rt_intersection(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                               const slk_bitfield_t *b);
slk_exit_t slk_rt_difference(slk_rt_t *rt, slk_bitfield_t *out, const slk_bitfield_t *a,
                             const slk_bitfield_t *b);
slk_exit_t slk_rt_set_bit(slk_rt_t *rt, slk_bitfield_t *set, uint64_t bit);
slk_exit_t slk_rt_unset_bit(slk_rt_t *rt, slk_bitfield_t *set, uint64_t bit);
slk_exit_t slk_rt_bits(slk_rt_t *rt, slk_bitfield_t *out, const uint64_t *bits, size_t cnt);

/* A set as the real actors' texts show it: "BitField { ranges: [2..3], set: {}, unset: {} }". */
typedef struct {
    char s[256]; /* cut off where longer */
} slk_bitfield_text_t;
slk_bitfield_text_t slk_bitfield_text(const slk_bitfield_t *set);

/* --- Memory ---------------------------------------------------------------------------------------- */

/* Zeroed elements in slk_rt_arena; SLK_EXIT_FATAL. */
slk_exit_t slk_rt_alloc(slk_rt_t *rt, void *out, size_t cnt, size_t size);

#endif /* SLK_DEVNET_MINER_ARRAY_H */
