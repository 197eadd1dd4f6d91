#ifndef SELKIE_FR32_H
#define SELKIE_FR32_H

/* fr32: 254 data bits, two zero bits, so that every 32 bytes are a field element.
 * 127 bytes of data become 128 padded bytes (4 nodes). Source: spec/proofs-vanilla.md 1.2. */

#include <stddef.h>
#include <stdint.h>

#include "selkie/err.h"

/* Pad `groups` groups of 127 bytes into groups of 128. out and in must not overlap. */
SLK_API void slk_fr32_pad(uint8_t *out, const uint8_t *in, size_t groups);

/* The inverse: 128 bytes become 127. The two top bits of each node are dropped, not checked.
 * out may equal in; no other overlap. */
SLK_API void slk_fr32_unpad(uint8_t *out, const uint8_t *in, size_t groups);

/* Bytes after padding / before padding, for multiples of 127 / 128. */
static inline uint64_t slk_fr32_padded(uint64_t raw)
{
    return raw / 127 * 128;
}
static inline uint64_t slk_fr32_unpadded(uint64_t padded)
{
    return padded / 128 * 127;
}

#endif /* SELKIE_FR32_H */
