#ifndef SELKIE_CID_H
#define SELKIE_CID_H

/* CIDs of Filecoin commitments: version 1, base32 lower case without padding ("b...").
 *   piece and unsealed sector (CommP, CommD): codec fil-commitment-unsealed 0xf101,
 *                                             multihash sha2-256-trunc254-padded 0x1012
 *   sealed sector (CommR):                    codec fil-commitment-sealed 0xf102,
 *                                             multihash poseidon-bls12_381-a2-fc1 0xb401 */

#include "selkie/proof_types.h"

#define SLK_CID_STR_SZ 128 /* room for any text this module writes, NUL included */

typedef enum { SLK_CID_UNSEALED, SLK_CID_SEALED } slk_cid_kind_t;

/* Write the text of a commitment's CID. */
SLK_API void slk_cid_format(char out[SLK_CID_STR_SZ], slk_cid_kind_t kind, const slk_node_t *comm);

/* Read one of the given kind. SLK_ERR_FORMAT: not a CIDv1 in base32, other codec or hash, a digest
 * that is not 32 bytes, trailing bytes, non-minimal varints, non-zero bits behind the last byte. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_cid_parse(slk_node_t *comm, slk_cid_kind_t kind,
                                                 const char *text, slk_diag_t *diag);

#endif /* SELKIE_CID_H */
