#include "codec/ipld/object.h"

#include "base/assert.h"

#include <stdlib.h>

slk_err_t slk_object_get(void *record, const slk_type_t *type, const slk_blockstore_t *store,
                         const slk_cid_t *cid, slk_arena_t *arena, slk_diag_t *diag)
{
    uint8_t *bytes = NULL;
    size_t len;
    slk_err_t err = slk_block_get(store, &bytes, &len, cid, diag);
    if (err == SLK_OK)
        err = slk_record_decode(record, type, bytes, len, arena, diag);
    free(bytes);
    return err;
}

slk_err_t slk_object_put(slk_cid_t *cid, const slk_type_t *type, const void *record,
                         const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    SLK_TRY(slk_record_encode(&buf, type, record, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    SLK_TRY(slk_block_put(store, cid, buf.bytes, buf.len, diag));
out:
    slk_buf_free(&buf);
    return err;
}

slk_err_t slk_object_put_list(slk_cid_t *root, const slk_blockstore_t *store,
                              slk_amt_version_t version, unsigned bit_width,
                              slk_object_item_t *write, const void *items, size_t cnt,
                              slk_diag_t *diag)
{
    slk_err_t err;
    slk_amt_t *amt = NULL;
    slk_buf_t buf = {0};
    SLK_TRY(slk_amt_new(&amt, store, version, bit_width));
    for (size_t i = 0; i < cnt; i++) {
        slk_buf_clear(&buf);
        SLK_TRY(write(&buf, items, i, diag));
        SLK_TRY(slk_buf_check(&buf, diag));
        SLK_TRY(slk_amt_set(amt, i, (slk_bytes_t){buf.bytes, buf.len}, diag));
    }
    SLK_TRY(slk_amt_flush(amt, root, diag));
out:
    slk_amt_free(amt);
    slk_buf_free(&buf);
    return err;
}
