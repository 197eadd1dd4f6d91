#ifndef SLK_CODEC_CHAIN_TIPSET_H
#define SLK_CODEC_CHAIN_TIPSET_H

/* Tipsets and their keys. */

#include "codec/chain/block.h"

/* TipSetKey: the CIDs of a tipset's blocks in their order; none: the head, where the API allows it. JSON
 * is the list alone, null or [] when empty, and is written as []. (By value and compact, for following
 * the chain: slk_tipset_key_t of chain/head.h.) */
#define SLK_TIPSET_CIDS_ROWS(F, T) F(T, ARRAY_CID, cids, "")
SLK_RECORD(slk_tipset_cids, SLK_TIPSET_CIDS_ROWS);

#define SLK_BLOCK_CID_SZ 38u

/* Append the key's bytes: those of its CIDs, one behind the other. */
void slk_tipset_cids_bytes(slk_buf_t *out, const slk_tipset_cids_t *key);

/* Read them. SLK_ERR_FORMAT: no whole number of block CIDs, or more than 8192. */
SLK_CHECK_RESULT slk_err_t slk_tipset_cids_from_bytes(slk_tipset_cids_t *key, const void *bytes,
                                                      size_t len, slk_arena_t *arena,
                                                      slk_diag_t *diag);

bool slk_tipset_cids_eq(const slk_tipset_cids_t *a, const slk_tipset_cids_t *b);

#define SLK_TIPSET_ROWS(F, T)                                                                      \
    F(T, ARRAY_CID, cids, "Cids")                                                                  \
    F(T, ARRAY, blocks, "Blocks", slk_block_header)                                                \
    F(T, I64, height, "Height")
SLK_RECORD(slk_tipset, SLK_TIPSET_ROWS);

/* The key of a tipset; borrows its CIDs. */
static inline slk_tipset_cids_t slk_tipset_cids_of(const slk_tipset_t *tipset)
{
    return (slk_tipset_cids_t){.cids = tipset->cids};
}

/* A tipset that came from outside: at least one block, as many CIDs, each that of its block, all of
 * one height and the same parents. SLK_ERR_FORMAT otherwise. */
SLK_CHECK_RESULT slk_err_t slk_tipset_check(const slk_tipset_t *tipset, slk_diag_t *diag);

/* One entry of ChainNotify and ChainGetPath: "current", "apply" or "revert". */
#define SLK_HEAD_CHANGE_ROWS(F, T)                                                                 \
    F(T, TEXT, type, "Type")                                                                       \
    F(T, RECORD, val, "Val", slk_tipset)
SLK_RECORD(slk_head_change, SLK_HEAD_CHANGE_ROWS);

#endif /* SLK_CODEC_CHAIN_TIPSET_H */
