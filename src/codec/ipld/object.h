#ifndef SLK_CODEC_IPLD_OBJECT_H
#define SLK_CODEC_IPLD_OBJECT_H

/* Records (codec/record.h) as blocks. */

#include "codec/ipld/blockstore.h"
#include "codec/record.h"

/* The block of a CID as a record; what the record borrows lies in the arena. Errors of both. */
SLK_CHECK_RESULT slk_err_t slk_object_get(void *record, const slk_type_t *type,
                                          const slk_blockstore_t *store, const slk_cid_t *cid,
                                          slk_arena_t *arena, slk_diag_t *diag);

/* Keep a record as a block and tell its CID. */
SLK_CHECK_RESULT slk_err_t slk_object_put(slk_cid_t *cid, const slk_type_t *type,
                                          const void *record, const slk_blockstore_t *store,
                                          slk_diag_t *diag);

#endif /* SLK_CODEC_IPLD_OBJECT_H */
