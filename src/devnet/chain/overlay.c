#include "devnet/chain/overlay.h"

static slk_err_t get(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                     slk_diag_t *diag)
{
    const slk_overlay_t *overlay = ctx;
    bool here;
    slk_err_t err = slk_block_has(&overlay->front, &here, cid, diag);
    if (err != SLK_OK)
        return err;
    return slk_block_get(here ? &overlay->front : overlay->base, bytes, len, cid, diag);
}

static slk_err_t put(void *ctx, const slk_cid_t *cid, slk_bytes_t block, slk_diag_t *diag)
{
    const slk_overlay_t *overlay = ctx;
    return overlay->front.put(overlay->front.ctx, cid, block, diag);
}

static slk_err_t has(void *ctx, bool *there, const slk_cid_t *cid, slk_diag_t *diag)
{
    const slk_overlay_t *overlay = ctx;
    slk_err_t err = slk_block_has(&overlay->front, there, cid, diag);
    return err != SLK_OK || *there ? err : slk_block_has(overlay->base, there, cid, diag);
}

slk_err_t slk_overlay_init(slk_overlay_t *overlay, const slk_blockstore_t *base, slk_diag_t *diag)
{
    *overlay = (slk_overlay_t){.base = base, .memory = slk_memory_store_new()};
    if (!overlay->memory)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for blocks");
    overlay->front = slk_memory_store_blocks(overlay->memory);
    overlay->store = (slk_blockstore_t){overlay, get, put, has};
    return SLK_OK;
}

void slk_overlay_free(slk_overlay_t *overlay)
{
    slk_memory_store_free(overlay->memory);
}
