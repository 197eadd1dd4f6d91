#ifndef SLK_CRYPTO_BLAKE2B_H
#define SLK_CRYPTO_BLAKE2B_H

/* BLAKE2b without key (RFC 7693), digests of 1 to 64 bytes. */

#include <stddef.h>
#include <stdint.h>

#define SLK_BLAKE2B_MAX   64u
#define SLK_BLAKE2B_BLOCK 128u

typedef struct {
    uint64_t h[8], len;
    size_t used, out_len;
    uint8_t buf[SLK_BLAKE2B_BLOCK];
} slk_blake2b_t;

void slk_blake2b_init(slk_blake2b_t *state, size_t out_len);
void slk_blake2b_update(slk_blake2b_t *state, const void *data, size_t len);

/* out: as many bytes as _init was told. */
void slk_blake2b_final(slk_blake2b_t *state, uint8_t *out);

#endif /* SLK_CRYPTO_BLAKE2B_H */
