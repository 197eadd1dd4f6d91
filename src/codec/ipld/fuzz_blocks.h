#ifndef SLK_CODEC_IPLD_FUZZ_BLOCKS_H
#define SLK_CODEC_IPLD_FUZZ_BLOCKS_H

/* A store that lies, for fuzz targets: its blocks are the pieces of the input, and a CID leads to
 * the one that its last byte names, so that trees may share nodes or lead back to themselves.
 *
 *   input: parameters (1 byte), then blocks: length (2 bytes, little-endian), bytes
 *   the first block is the root */

#include "base/assert.h"
#include "codec/ipld/blockstore.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_BLOCKS_MAX 64
#define FUZZ_VISITS_MAX 200

typedef struct {
    slk_bytes_t blocks[FUZZ_BLOCKS_MAX];
    size_t cnt;
    slk_cid_t last_put;
    uint8_t *last_block; /* what was put last */
    size_t last_len;
} fuzz_blocks_t;

static inline bool fuzz_blocks_split(fuzz_blocks_t *f, const uint8_t *data, size_t size)
{
    *f = (fuzz_blocks_t){.cnt = 0};
    while (size >= 2 && f->cnt < FUZZ_BLOCKS_MAX) {
        size_t len = data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        len = len < size ? len : size;
        f->blocks[f->cnt++] = (slk_bytes_t){data, len};
        data += len;
        size -= len;
    }
    return f->cnt != 0;
}

static inline slk_err_t fuzz_get(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                                 slk_diag_t *diag)
{
    fuzz_blocks_t *f = ctx;
    slk_bytes_t block = f->blocks[cid->b[cid->len - 1] % f->cnt];
    if (cid->b[cid->len - 1] == 255)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "not there");
    *bytes = malloc(block.len ? block.len : 1);
    if (!*bytes)
        return SLK_ERR_NOMEM;
    memcpy(*bytes, block.b, block.len);
    *len = block.len;
    return SLK_OK;
}

static inline slk_err_t fuzz_put(void *ctx, const slk_cid_t *cid, slk_bytes_t block,
                                 slk_diag_t *diag)
{
    (void)diag;
    fuzz_blocks_t *f = ctx;
    f->last_put = *cid;
    free(f->last_block);
    f->last_block = malloc(block.len ? block.len : 1);
    SLK_ASSERT(f->last_block);
    memcpy(f->last_block, block.b, block.len);
    f->last_len = block.len;
    return SLK_OK;
}

/* Writing what was read gives the same bytes. */
static inline void fuzz_same_root(const fuzz_blocks_t *f)
{
    SLK_ASSERT(f->last_len == f->blocks[0].len &&
               memcmp(f->last_block, f->blocks[0].b, f->last_len) == 0);
}

static inline slk_cid_t fuzz_root(void)
{
    slk_cid_t cid = slk_cid_of_cbor("", 0);
    cid.b[cid.len - 1] = 0;
    return cid;
}

#endif /* SLK_CODEC_IPLD_FUZZ_BLOCKS_H */
