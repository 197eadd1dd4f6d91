#ifndef SLK_DEVNET_MINER_BITFIELD_QUEUE_H
#define SLK_DEVNET_MINER_BITFIELD_QUEUE_H

/* Sets of numbers by epoch: AMT[epoch] of bitfields. Which partitions of a deadline have sectors that
 * expire then, which pre-commits are cleaned up, which sectors of a partition ended early.
 *
 * Each function loads the tree at *root, changes it and leaves the new root. Epochs are rounded up
 * with `quant`; one below zero is SLK_EXIT_USR_ILLEGAL_STATE. */

#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/quantize.h"

slk_exit_t slk_bitfield_queue_add(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                  slk_quant_t quant, int64_t epoch, const slk_bitfield_t *bits);

typedef struct {
    int64_t epoch;
    uint64_t bit;
} slk_epoch_bit_t;
/* Sorts the list. */
slk_exit_t slk_bitfield_queue_add_many(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                       slk_quant_t quant, slk_epoch_bit_t *list, size_t cnt);

/* Take these positions out of every set and close up the rest (slk_bitfield_cut). */
slk_exit_t slk_bitfield_queue_cut(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                  const slk_bitfield_t *holes);

/* Remove all entries with epochs <= until; popped: the union of their sets. *modified (NULL allowed):
 * there were some. */
slk_exit_t slk_bitfield_queue_pop(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width, int64_t until,
                                  slk_bitfield_t *popped, bool *modified);

#endif /* SLK_DEVNET_MINER_BITFIELD_QUEUE_H */
