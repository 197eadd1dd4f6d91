#ifndef SLK_CODEC_IPLD_HAMT_H
#define SLK_CODEC_IPLD_HAMT_H

/* HAMT: a map from byte strings to CBOR items, as a tree of blocks (spec chain.md 1.5; the same
 * blocks as go-hamt-ipld v3 and fvm_ipld_hamt with SHA-256 and buckets of 3 write).
 *
 *   node     [bitmap, [pointer ...]]     bitmap big-endian without leading zeros, one bit a pointer
 *   pointer  link to a node, or a bucket: 1 to 3 [key, value], ascending by key
 *
 * The slot of a key in the node of depth d are the bits d * bitWidth ... of its hash, highest
 * first. Equal contents have equal roots: a node below the root that would fit in a bucket is one.
 *
 * Values, memory, errors, threads and trees from outside: as in codec/ipld/amt.h. A node in memory
 * has about 100 bytes a pointer and each of its entries on the heap. */

#include "codec/ipld/blockstore.h"

#define SLK_HAMT_BIT_WIDTH_MAX 8
#define SLK_HAMT_BUCKET_MAX    3
#define SLK_HAMT_KEY_MAX       ((size_t)1 << 16) /* bytes of a key */

typedef struct slk_hamt slk_hamt_t;

/* An empty map. 1 <= bit_width <= SLK_HAMT_BIT_WIDTH_MAX. */
SLK_CHECK_RESULT slk_err_t slk_hamt_new(slk_hamt_t **hamt, const slk_blockstore_t *store,
                                        unsigned bit_width);

/* The map of a root. */
SLK_CHECK_RESULT slk_err_t slk_hamt_load(slk_hamt_t **hamt, const slk_blockstore_t *store,
                                         unsigned bit_width, const slk_cid_t *root,
                                         slk_diag_t *diag);

void slk_hamt_free(slk_hamt_t *hamt); /* NULL allowed */

bool slk_hamt_is_empty(const slk_hamt_t *hamt);

/* The value of a key; value->b NULL and len 0 if there is none. Valid until the map is next changed
 * or freed. */
SLK_CHECK_RESULT slk_err_t slk_hamt_get(slk_hamt_t *hamt, slk_bytes_t *value, slk_bytes_t key,
                                        slk_diag_t *diag);

/* Set the value of a key: one CBOR item, 0 < len < SLK_BLOCK_MAX; both are copied. */
SLK_CHECK_RESULT slk_err_t slk_hamt_set(slk_hamt_t *hamt, slk_bytes_t key, slk_bytes_t value,
                                        slk_diag_t *diag);

/* The same unless the key is there already; *added tells. */
SLK_CHECK_RESULT slk_err_t slk_hamt_set_if_absent(slk_hamt_t *hamt, slk_bytes_t key,
                                                  slk_bytes_t value, bool *added, slk_diag_t *diag);

/* Remove a key; *found (NULL allowed) tells whether it was there. */
SLK_CHECK_RESULT slk_err_t slk_hamt_delete(slk_hamt_t *hamt, slk_bytes_t key, bool *found,
                                           slk_diag_t *diag);

/* What foreach calls; as slk_amt_visit_t. */
typedef slk_err_t (*slk_hamt_visit_t)(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                                      slk_diag_t *diag);

/* Show all entries, in the order of their hashes; in a bucket by key. */
SLK_CHECK_RESULT slk_err_t slk_hamt_foreach(slk_hamt_t *hamt, slk_hamt_visit_t visit, void *ctx,
                                            slk_diag_t *diag);

/* Write the blocks that changed and tell the root's CID. The map can be used on. */
SLK_CHECK_RESULT slk_err_t slk_hamt_flush(slk_hamt_t *hamt, slk_cid_t *root, slk_diag_t *diag);

/* --- Keys ------------------------------------------------------------------------------------- */

/* Address keys are the address' bytes. Sector numbers, deal and allocation ids: unsigned varint.
 * Epochs (power's cron queue): zigzag, then varint; 101 is ca01. The key lies in `room`. The
 * readers refuse (false) bytes that the writers would not have written. */
typedef struct {
    uint8_t b[10];
} slk_hamt_key_room_t;
slk_bytes_t slk_hamt_key_uint(slk_hamt_key_room_t *room, uint64_t value);
slk_bytes_t slk_hamt_key_int(slk_hamt_key_room_t *room, int64_t value);
bool slk_hamt_uint_of_key(uint64_t *value, slk_bytes_t key);
bool slk_hamt_int_of_key(int64_t *value, slk_bytes_t key);

#endif /* SLK_CODEC_IPLD_HAMT_H */
