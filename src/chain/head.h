#ifndef SLK_CHAIN_HEAD_H
#define SLK_CHAIN_HEAD_H

/* A tipset, as far as following the chain needs it: its key, its parents' key, height, time and base
 * fee. By value. */

#include "codec/bigint.h"
#include "codec/cid.h"

#include <jansson.h>

#define SLK_TIPSET_BLOCKS_MAX 15 /* more the consensus does not allow */

/* A tipset key by value: CIDs of the blocks one behind the other, in their order; len 0: none. */
typedef struct {
    uint16_t len;
    uint8_t b[SLK_TIPSET_BLOCKS_MAX * 40];
} slk_tipset_key_t;

typedef struct {
    slk_tipset_key_t key, parents;
    int64_t height;
    int64_t timestamp;     /* seconds since 1970 */
    slk_bigint_t base_fee; /* what messages in it pay, attoFIL a gas unit */
} slk_head_t;

bool slk_tipset_key_eq(const slk_tipset_key_t *a, const slk_tipset_key_t *b);

/* Read bytes that were stored, and a JSON array of {"/": CID}; an empty or null one is SLK_ERR_FORMAT.
 */
SLK_CHECK_RESULT slk_err_t slk_tipset_key_from_bytes(slk_tipset_key_t *key, const void *bytes,
                                                     size_t len, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_tipset_key_from_json(slk_tipset_key_t *key, const json_t *json,
                                                    slk_diag_t *diag);

/* The JSON array; an empty key gives []. NULL: out of memory. */
json_t *slk_tipset_key_to_json(const slk_tipset_key_t *key);

/* Read a tipset as nodes answer it: {"Cids", "Blocks", "Height"}. Blocks must agree in height and
 * parents, and only the genesis has none. */
SLK_CHECK_RESULT slk_err_t slk_head_from_json(slk_head_t *head, const json_t *json,
                                              slk_diag_t *diag);

/* Height and the first block's CID, for messages. */
typedef struct {
    char s[160];
} slk_head_text_t;
slk_head_text_t slk_head_text(const slk_head_t *head);

#endif /* SLK_CHAIN_HEAD_H */
