#include "codec/ipld/blockstore.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/* --- Any store -------------------------------------------------------------------------------- */

slk_err_t slk_block_get(const slk_blockstore_t *store, uint8_t **bytes, size_t *len,
                        const slk_cid_t *cid, slk_diag_t *diag)
{
    slk_err_t err = store->get(store->ctx, bytes, len, cid, diag);
    if (err != SLK_OK || *len <= SLK_BLOCK_MAX)
        return err;
    free(*bytes);
    *bytes = NULL;
    return slk_fail(diag, SLK_ERR_LENGTH, "block %s has %zu bytes, at most %zu may be",
                    slk_cid_text(cid).s, *len, SLK_BLOCK_MAX);
}

slk_err_t slk_block_put(const slk_blockstore_t *store, slk_cid_t *cid, const void *bytes,
                        size_t len, slk_diag_t *diag)
{
    if (len > SLK_BLOCK_MAX)
        return slk_fail(diag, SLK_ERR_LENGTH, "a block has %zu bytes, at most %zu may be", len,
                        SLK_BLOCK_MAX);
    *cid = slk_cid_of_cbor(bytes, len);
    return store->put(store->ctx, cid, (slk_bytes_t){bytes, len}, diag);
}

slk_err_t slk_block_has(const slk_blockstore_t *store, bool *has, const slk_cid_t *cid,
                        slk_diag_t *diag)
{
    if (store->has)
        return store->has(store->ctx, has, cid, diag);
    uint8_t *bytes = NULL;
    size_t len;
    slk_err_t err = store->get(store->ctx, &bytes, &len, cid, diag);
    *has = err == SLK_OK;
    free(bytes);
    if (err != SLK_ERR_NOTFOUND)
        return err;
    if (diag)
        diag->text[0] = 0;
    return SLK_OK;
}

/* --- In memory -------------------------------------------------------------------------------- */

#define FIRST_SLOTS 64 /* a power of two */

typedef struct {
    slk_cid_t cid;
    size_t len;
    uint8_t bytes[];
} block_t;

/* Open addressing, at most half full; nothing is ever taken out. */
struct slk_memory_store {
    block_t **slots;
    size_t slot_cnt;
    slk_memory_store_stat_t stat;
};

/* The slot of a CID or the empty one where it belongs. CIDs end in a digest, whose bytes are evenly
 * spread. */
static block_t **find(block_t **slots, size_t slot_cnt, const slk_cid_t *cid)
{
    SLK_ASSERT(slk_cid_defined(cid));
    uint64_t hash = 0;
    memcpy(&hash, cid->len >= 8 ? cid->b + cid->len - 8 : cid->b, 8);
    size_t at = hash & (slot_cnt - 1);
    while (slots[at] && !slk_cid_eq(&slots[at]->cid, cid))
        at = (at + 1) & (slot_cnt - 1);
    return &slots[at];
}

slk_memory_store_t *slk_memory_store_new(void)
{
    slk_memory_store_t *memory = calloc(1, sizeof *memory);
    if (!memory)
        return NULL;
    memory->slot_cnt = FIRST_SLOTS;
    memory->slots = calloc(memory->slot_cnt, sizeof(block_t *));
    if (!memory->slots) {
        free(memory);
        return NULL;
    }
    return memory;
}

void slk_memory_store_free(slk_memory_store_t *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < memory->slot_cnt; i++)
        free(memory->slots[i]);
    free(memory->slots);
    free(memory);
}

static slk_err_t memory_get(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                            slk_diag_t *diag)
{
    slk_memory_store_t *memory = ctx;
    memory->stat.get_cnt++;
    const block_t *block = *find(memory->slots, memory->slot_cnt, cid);
    if (!block)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "block %s is not there", slk_cid_text(cid).s);
    uint8_t *copy = malloc(block->len ? block->len : 1);
    if (!copy)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block of %zu bytes", block->len);
    memcpy(copy, block->bytes, block->len);
    *bytes = copy;
    *len = block->len;
    return SLK_OK;
}

static bool grow(slk_memory_store_t *memory)
{
    size_t slot_cnt = 2 * memory->slot_cnt;
    block_t **slots = calloc(slot_cnt, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < memory->slot_cnt; i++)
        if (memory->slots[i])
            *find(slots, slot_cnt, &memory->slots[i]->cid) = memory->slots[i];
    free(memory->slots);
    memory->slots = slots;
    memory->slot_cnt = slot_cnt;
    return true;
}

static slk_err_t memory_put(void *ctx, const slk_cid_t *cid, slk_bytes_t bytes, slk_diag_t *diag)
{
    slk_memory_store_t *memory = ctx;
    memory->stat.put_cnt++;
    block_t **slot = find(memory->slots, memory->slot_cnt, cid);
    if (*slot)
        return SLK_OK;
    block_t *block = malloc(sizeof *block + bytes.len);
    if (!block || (2 * (memory->stat.block_cnt + 1) > memory->slot_cnt && !grow(memory))) {
        free(block);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block of %zu bytes", bytes.len);
    }
    block->cid = *cid;
    block->len = bytes.len;
    if (bytes.len)
        memcpy(block->bytes, bytes.b, bytes.len);
    *find(memory->slots, memory->slot_cnt, cid) = block;
    memory->stat.block_cnt++;
    memory->stat.byte_cnt += bytes.len;
    return SLK_OK;
}

static slk_err_t memory_has(void *ctx, bool *has, const slk_cid_t *cid, slk_diag_t *diag)
{
    (void)diag;
    slk_memory_store_t *memory = ctx;
    *has = *find(memory->slots, memory->slot_cnt, cid) != NULL;
    return SLK_OK;
}

slk_blockstore_t slk_memory_store_blocks(slk_memory_store_t *memory)
{
    return (slk_blockstore_t){memory, memory_get, memory_put, memory_has};
}

slk_memory_store_stat_t slk_memory_store_stat(const slk_memory_store_t *memory)
{
    return memory->stat;
}
