#ifndef SLK_CODEC_VARINT_H
#define SLK_CODEC_VARINT_H

/* Unsigned LEB128 as multiformats restricts it: 63 bits, shortest form only. */

#include <stddef.h>
#include <stdint.h>

#define SLK_VARINT_SZ 9 /* longest encoding */

/* Write v < 2^63; returns the number of bytes. */
size_t slk_varint_put(uint8_t out[SLK_VARINT_SZ], uint64_t v);

/* Read one from the first bytes of [in, in + len). Returns the bytes used, 0 when it is cut off,
 * longer than 9 bytes or not in the shortest form. */
size_t slk_varint_get(uint64_t *v, const uint8_t *in, size_t len);

#endif /* SLK_CODEC_VARINT_H */
