#ifndef SLK_CODEC_CID_H
#define SLK_CODEC_CID_H

/* CIDs of any kind, by value: version 1, codec, multihash. Text is base32 lower case ("b...").
 *
 *   chain object (message, block, state)   codec dag-cbor 0x71, blake2b-256    bafy2bzace...
 *   actor code                             codec raw 0x55, blake2b-256         bafk2bzace...
 *   commitments                            see selkie/cid.h */

#include "selkie/cid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLK_CID_MAX     63 /* bytes; those of the chain have 38 to 40 */
#define SLK_CID_TEXT_SZ 104

typedef struct {
    uint8_t len; /* 0: undefined, no CID */
    uint8_t b[SLK_CID_MAX];
} slk_cid_t;

typedef enum { SLK_CODEC_RAW = 0x55, SLK_CODEC_DAG_CBOR = 0x71 } slk_cid_codec_t;

/* The CID of bytes by blake2b-256. */
slk_cid_t slk_cid_of_bytes(slk_cid_codec_t codec, const void *bytes, size_t len);

/* The CID of a chain object: dag-cbor. */
static inline slk_cid_t slk_cid_of_cbor(const void *cbor, size_t len)
{
    return slk_cid_of_bytes(SLK_CODEC_DAG_CBOR, cbor, len);
}

/* Read the bytes of one CID, all of them. SLK_ERR_FORMAT: other version, varints that are not in
 * shortest form, a digest of another length than it says, more than SLK_CID_MAX bytes. */
SLK_CHECK_RESULT slk_err_t slk_cid_from_bytes(slk_cid_t *cid, const void *bytes, size_t len,
                                              slk_diag_t *diag);

/* Read a text. */
SLK_CHECK_RESULT slk_err_t slk_cid_from_text(slk_cid_t *cid, const char *text, slk_diag_t *diag);

/* Write the text; of an undefined one the empty text. */
void slk_cid_to_text(char out[SLK_CID_TEXT_SZ], const slk_cid_t *cid);

/* The same for messages: slk_cid_text(&cid).s */
typedef struct {
    char s[SLK_CID_TEXT_SZ];
} slk_cid_text_t;
slk_cid_text_t slk_cid_text(const slk_cid_t *cid);

static inline bool slk_cid_defined(const slk_cid_t *cid)
{
    return cid->len != 0;
}

bool slk_cid_eq(const slk_cid_t *a, const slk_cid_t *b);

/* Order of the bytes, shorter first where one begins the other: <0, 0, >0. */
int slk_cid_cmp(const slk_cid_t *a, const slk_cid_t *b);

/* The CID of a commitment, and back. SLK_ERR_FORMAT: a CID of another kind. */
slk_cid_t slk_cid_of_commitment(slk_cid_kind_t kind, const slk_node_t *comm);
SLK_CHECK_RESULT slk_err_t slk_cid_to_commitment(slk_node_t *comm, slk_cid_kind_t kind,
                                                 const slk_cid_t *cid, slk_diag_t *diag);

#endif /* SLK_CODEC_CID_H */
