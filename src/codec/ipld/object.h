#ifndef SLK_CODEC_IPLD_OBJECT_H
#define SLK_CODEC_IPLD_OBJECT_H

/* Records (codec/record.h) as blocks. */

#include "codec/ipld/amt.h"
#include "codec/record.h"

/* The block of a CID as a record; what the record borrows lies in the arena. Errors of both. */
SLK_CHECK_RESULT slk_err_t slk_object_get(void *record, const slk_type_t *type,
                                          const slk_blockstore_t *store, const slk_cid_t *cid,
                                          slk_arena_t *arena, slk_diag_t *diag);

/* Keep a record as a block and tell its CID. */
SLK_CHECK_RESULT slk_err_t slk_object_put(slk_cid_t *cid, const slk_type_t *type,
                                          const void *record, const slk_blockstore_t *store,
                                          slk_diag_t *diag);

/* Keep a list as an array at indices 0 to cnt - 1 and tell its root. write appends item i, one CBOR item,
 * to the buffer; what it answers other than SLK_OK ends it. */
typedef slk_err_t slk_object_item_t(slk_buf_t *buf, const void *items, size_t i, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_object_put_list(slk_cid_t *root, const slk_blockstore_t *store,
                                               slk_amt_version_t version, unsigned bit_width,
                                               slk_object_item_t *write, const void *items,
                                               size_t cnt, slk_diag_t *diag);

#endif /* SLK_CODEC_IPLD_OBJECT_H */
