#ifndef SLK_CODEC_IPLD_BLOCKSTORE_H
#define SLK_CODEC_IPLD_BLOCKSTORE_H

/* Where blocks of state are kept: a map from a CID to the bytes that hash to it, dag-cbor as a
 * rule. Whoever keeps blocks somewhere (memory, a database, a node's API) fills in a
 * slk_blockstore_t; the trees of this folder work with any of them. */

#include "codec/cbor.h"

/* Longest block that is read or written. */
#define SLK_BLOCK_MAX ((size_t)2 << 20)

/* A block store. Not shared between threads unless an implementation says so. */
typedef struct {
    void *ctx;

    /* Copy a block to *bytes, which the caller frees. SLK_ERR_NOTFOUND: there is none. That the
     * bytes hash to the CID is the implementation's care: one that reads from outside the process
     * checks. */
    slk_err_t (*get)(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                     slk_diag_t *diag);

    /* Keep a block; cid is its own. Keeping one that is there already does nothing. */
    slk_err_t (*put)(void *ctx, const slk_cid_t *cid, slk_bytes_t block, slk_diag_t *diag);

    /* Whether a block is there. NULL: slk_block_has asks get. */
    slk_err_t (*has)(void *ctx, bool *has, const slk_cid_t *cid, slk_diag_t *diag);
} slk_blockstore_t;

/* The block of a CID; the caller frees *bytes. SLK_ERR_NOTFOUND; SLK_ERR_LENGTH: over
 * SLK_BLOCK_MAX. */
SLK_CHECK_RESULT slk_err_t slk_block_get(const slk_blockstore_t *store, uint8_t **bytes,
                                         size_t *len, const slk_cid_t *cid, slk_diag_t *diag);

/* Keep a dag-cbor block and tell its CID. SLK_ERR_LENGTH: over SLK_BLOCK_MAX. */
SLK_CHECK_RESULT slk_err_t slk_block_put(const slk_blockstore_t *store, slk_cid_t *cid,
                                         const void *bytes, size_t len, slk_diag_t *diag);

SLK_CHECK_RESULT slk_err_t slk_block_has(const slk_blockstore_t *store, bool *has,
                                         const slk_cid_t *cid, slk_diag_t *diag);

/* --- Blocks in memory ------------------------------------------------------------------------- */

typedef struct slk_memory_store slk_memory_store_t;

/* An empty store; NULL when out of memory. */
slk_memory_store_t *slk_memory_store_new(void);
void slk_memory_store_free(slk_memory_store_t *memory); /* NULL allowed */

/* Its functions; valid until it is freed. */
slk_blockstore_t slk_memory_store_blocks(slk_memory_store_t *memory);

/* Blocks it has, the bytes of them, and how often get and put were called. */
typedef struct {
    size_t block_cnt, byte_cnt;
    uint64_t get_cnt, put_cnt;
} slk_memory_store_stat_t;
slk_memory_store_stat_t slk_memory_store_stat(const slk_memory_store_t *memory);

#endif /* SLK_CODEC_IPLD_BLOCKSTORE_H */
