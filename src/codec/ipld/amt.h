#ifndef SLK_CODEC_IPLD_AMT_H
#define SLK_CODEC_IPLD_AMT_H

/* AMT: an array over uint64_t indices with gaps, as a tree of blocks (spec chain.md 1.5; the same
 * blocks as go-amt-ipld and fvm_ipld_amt write).
 *
 *   root v3  [bitWidth, height, count, node]
 *   root v0  [height, count, node]              message lists and receipts; bitWidth 3
 *   node     [bitmap, [link ...], [value ...]]  2^bitWidth slots; links above height 0, values at 0
 *
 * Equal contents have equal roots, whatever was set and deleted in between: a tree is as low as its
 * largest index allows and has no empty node but that of the empty array.
 *
 * Values are CBOR items as bytes; the tree neither makes nor changes them. It loads the nodes that
 * a call touches and keeps those of get, set and delete until slk_amt_free; slk_amt_foreach gives
 * its nodes back as it goes. A node in memory is its block and 2^bitWidth slots, of 16 bytes for
 * values and 80 for links. Blocks are written by slk_amt_flush alone. One thread at a time.
 *
 * Errors: SLK_ERR_NOTFOUND, a block is missing; SLK_ERR_FORMAT, a block is not such a node;
 * SLK_ERR_INPUT, an index above SLK_AMT_INDEX_MAX; SLK_ERR_NOMEM; those of the store. Where an
 * error leaves a tree half changed, it refuses all further calls with SLK_ERR_STATE.
 *
 * Trees from outside: each value that foreach shows costs at most one block a level, but a few
 * blocks may describe 2^64 values by sharing. A visitor of a tree that is not ours sets itself a
 * limit. */

#include "codec/ipld/blockstore.h"

#define SLK_AMT_INDEX_MAX     (UINT64_MAX - 1)
#define SLK_AMT_BIT_WIDTH_MAX 8

typedef enum {
    SLK_AMT_V3,
    SLK_AMT_V0 /* bit width 3 always */
} slk_amt_version_t;

typedef struct slk_amt slk_amt_t;

/* An empty array. 1 <= bit_width <= SLK_AMT_BIT_WIDTH_MAX. What the store stands for must outlive
 * the tree; the struct itself is copied. */
SLK_CHECK_RESULT slk_err_t slk_amt_new(slk_amt_t **amt, const slk_blockstore_t *store,
                                       slk_amt_version_t version, unsigned bit_width);

/* The array of a root. SLK_ERR_FORMAT also for another bit width, a height that no index needs, a
 * count that such a tree cannot have. */
SLK_CHECK_RESULT slk_err_t slk_amt_load(slk_amt_t **amt, const slk_blockstore_t *store,
                                        slk_amt_version_t version, unsigned bit_width,
                                        const slk_cid_t *root, slk_diag_t *diag);

void slk_amt_free(slk_amt_t *amt); /* NULL allowed */

/* Values set, as the root says. */
uint64_t slk_amt_count(const slk_amt_t *amt);
unsigned slk_amt_height(const slk_amt_t *amt);

/* The value at index; value->b NULL and len 0 if none is set. Valid until the tree is next changed
 * or freed. */
SLK_CHECK_RESULT slk_err_t slk_amt_get(slk_amt_t *amt, slk_bytes_t *value, uint64_t index,
                                       slk_diag_t *diag);

/* Set the value: one CBOR item, copied, 0 < len < SLK_BLOCK_MAX. */
SLK_CHECK_RESULT slk_err_t slk_amt_set(slk_amt_t *amt, uint64_t index, slk_bytes_t value,
                                       slk_diag_t *diag);

/* Remove it; *found (NULL allowed) tells whether it was there. */
SLK_CHECK_RESULT slk_err_t slk_amt_delete(slk_amt_t *amt, uint64_t index, bool *found,
                                          slk_diag_t *diag);

/* Set values[i] at index first + i. */
SLK_CHECK_RESULT slk_err_t slk_amt_set_batch(slk_amt_t *amt, uint64_t first,
                                             const slk_bytes_t *values, size_t cnt,
                                             slk_diag_t *diag);

/* Remove these indices. strict: SLK_ERR_INPUT at the first that is not set; those before it are
 * removed then. *changed (NULL allowed): something was removed. */
SLK_CHECK_RESULT slk_err_t slk_amt_delete_batch(slk_amt_t *amt, const uint64_t *indices, size_t cnt,
                                                bool strict, bool *changed, slk_diag_t *diag);

/* What foreach calls; the value is valid during the call, and the tree must not be changed in it.
 * Set *stop to end without error; an error ends the walk and is handed on. */
typedef slk_err_t (*slk_amt_visit_t)(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                                     slk_diag_t *diag);

/* Show all values at indices >= from in ascending order. */
SLK_CHECK_RESULT slk_err_t slk_amt_foreach(slk_amt_t *amt, uint64_t from, slk_amt_visit_t visit,
                                           void *ctx, slk_diag_t *diag);

/* The lowest index that is set; *found false if there is none. */
SLK_CHECK_RESULT slk_err_t slk_amt_first(slk_amt_t *amt, uint64_t *index, bool *found,
                                         slk_diag_t *diag);

/* Write the blocks that changed and tell the root's CID. The tree can be used on. */
SLK_CHECK_RESULT slk_err_t slk_amt_flush(slk_amt_t *amt, slk_cid_t *root, slk_diag_t *diag);

#endif /* SLK_CODEC_IPLD_AMT_H */
