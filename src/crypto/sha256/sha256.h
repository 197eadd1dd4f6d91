#ifndef SLK_CRYPTO_SHA256_H
#define SLK_CRYPTO_SHA256_H

/* SHA-256: one stream, and many independent 64-byte messages (tree_d, CommP).
 * Back ends by selkie/cpu.h; all give the same bytes. Thread-safe, no heap. */

#include "selkie/proof_types.h"

#include <stddef.h>
#include <stdint.h>

/* --- One stream ----------------------------------------------------------------------------- */

typedef struct {
    uint32_t h[8];
    uint64_t len;
    uint8_t buf[64];
} slk_sha256_t;

void slk_sha256_init(slk_sha256_t *sha);
void slk_sha256_update(slk_sha256_t *sha, const void *data, size_t len);

/* Write the digest; sha must be initialised again before further use. */
void slk_sha256_final(slk_sha256_t *sha, slk_node_t *out);

/* Digest of one message. */
void slk_sha256(slk_node_t *out, const void *data, size_t len);

/* Compress cnt blocks of 64 bytes into h: the dependent stream that bounds PC1. */
void slk_sha256_blocks(uint32_t h[8], const uint8_t *blocks, size_t cnt);

/* --- Tree nodes ----------------------------------------------------------------------------- */

/* trunc254: clear the two most significant bits of the little-endian integer. */
static inline void slk_trunc254(slk_node_t *node)
{
    node->b[31] &= 0x3f;
}

/* out[i] = trunc254(SHA-256(in[2i] || in[2i+1])), i < cnt. out may be in itself (row over row); no
 * other overlap. */
void slk_sha256_pairs(slk_node_t *out, const slk_node_t *in, size_t cnt);

#endif /* SLK_CRYPTO_SHA256_H */
