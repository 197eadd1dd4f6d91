#include "codec/chain/tipset.h"

SLK_RECORD_TYPE(slk_tipset_cids, "TipSetKey", BARE, SLK_TIPSET_CIDS_ROWS);
SLK_RECORD_TYPE(slk_tipset, "TipSet", OBJECT, SLK_TIPSET_ROWS);
SLK_RECORD_TYPE(slk_head_change, "HeadChange", OBJECT, SLK_HEAD_CHANGE_ROWS);

void slk_tipset_cids_bytes(slk_buf_t *out, const slk_tipset_cids_t *key)
{
    for (size_t i = 0; i < key->cids.count; i++)
        slk_buf_put(out, key->cids.items[i].b, key->cids.items[i].len);
}

slk_err_t slk_tipset_cids_from_bytes(slk_tipset_cids_t *key, const void *bytes, size_t len,
                                     slk_arena_t *arena, slk_diag_t *diag)
{
    const uint8_t *in = bytes;
    size_t count = len / SLK_BLOCK_CID_SZ;
    *key = (slk_tipset_cids_t){0};
    if (len % SLK_BLOCK_CID_SZ || count > SLK_CBOR_ELEMENTS_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "tipset key of %zu bytes, expected CIDs of %u bytes each", len,
                        SLK_BLOCK_CID_SZ);
    if (!count)
        return SLK_OK;
    key->cids.items = slk_arena_array(arena, count, sizeof *key->cids.items);
    if (!key->cids.items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no room for a tipset key of %zu CIDs", count);
    for (key->cids.count = 0; key->cids.count < count; key->cids.count++) {
        slk_err_t err =
            slk_cid_from_bytes(&key->cids.items[key->cids.count],
                               in + key->cids.count * SLK_BLOCK_CID_SZ, SLK_BLOCK_CID_SZ, diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

static bool same_cids(const slk_cid_list_t *a, const slk_cid_list_t *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!slk_cid_eq(&a->items[i], &b->items[i]))
            return false;
    return true;
}

bool slk_tipset_cids_eq(const slk_tipset_cids_t *a, const slk_tipset_cids_t *b)
{
    return same_cids(&a->cids, &b->cids);
}

slk_err_t slk_tipset_check(const slk_tipset_t *tipset, slk_diag_t *diag)
{
    if (!tipset->blocks.count || tipset->blocks.count != tipset->cids.count)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "TipSet: %zu blocks and %zu CIDs, expected as many and at least one",
                        tipset->blocks.count, tipset->cids.count);
    const slk_block_header_t *first = tipset->blocks.items;
    for (size_t i = 0; i < tipset->blocks.count; i++) {
        const slk_block_header_t *block = &tipset->blocks.items[i];
        slk_cid_t cid;
        slk_err_t err = slk_block_cid(&cid, block, diag);
        if (err != SLK_OK)
            return err;
        if (!slk_cid_eq(&cid, &tipset->cids.items[i]))
            return slk_fail(diag, SLK_ERR_FORMAT, "TipSet: block %zu has CID %s, listed is %s", i,
                            slk_cid_text(&cid).s, slk_cid_text(&tipset->cids.items[i]).s);
        if (block->height != tipset->height)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "TipSet: block %zu has height %lld, the tipset %lld", i,
                            (long long)block->height, (long long)tipset->height);
        if (!same_cids(&block->parents, &first->parents))
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "TipSet: block %zu has other parents than block 0", i);
    }
    return SLK_OK;
}
