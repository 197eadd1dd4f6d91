#ifndef SLK_CODEC_MULTIADDR_H
#define SLK_CODEC_MULTIADDR_H

/* How libp2p writes who a peer is and where: peer ids (a multihash, in text base58 or a CID of codec
 * libp2p-key) and multiaddrs (components one behind the other, each the varint of a protocol and its
 * value; "/ip4/1.2.3.4/tcp/24001" in text). On the chain both are bytes. */

#include "base/buf.h"

#include <stddef.h>

#define SLK_PEER_ID_MAX       42  /* bytes: an identity multihash of a small key; SHA-256 has 34 */
#define SLK_MULTIADDR_TEXT_SZ 512 /* longest text that is written or read, with its end */

/* SLK_ERR_INPUT: neither form, or a multihash that no peer id is. */
SLK_CHECK_RESULT slk_err_t slk_peer_id_from_text(uint8_t out[SLK_PEER_ID_MAX], size_t *len,
                                                 const char *text, slk_diag_t *diag);

/* Append the bytes of a text. *peer: where in them the first /p2p component begins, their length where
 * there is none. SLK_ERR_INPUT, and nothing appended: a protocol or value that is not known. */
SLK_CHECK_RESULT slk_err_t slk_multiaddr_from_text(slk_buf_t *out, size_t *peer, const char *text,
                                                   slk_diag_t *diag);

/* SLK_ERR_FORMAT: bytes that are no multiaddr, of a protocol that is not known, or of a text longer than
 * SLK_MULTIADDR_TEXT_SZ. */
SLK_CHECK_RESULT slk_err_t slk_multiaddr_to_text(char out[SLK_MULTIADDR_TEXT_SZ], const void *bytes,
                                                 size_t len, slk_diag_t *diag);

#endif /* SLK_CODEC_MULTIADDR_H */
