#ifndef SLK_CODEC_BASE58_H
#define SLK_CODEC_BASE58_H

/* Base58 with the Bitcoin alphabet, as peer ids are written. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLK_BASE58_BYTES_MAX 128
#define SLK_BASE58_TEXT_SZ   180

/* len at most SLK_BASE58_BYTES_MAX. */
void slk_base58_encode(char out[SLK_BASE58_TEXT_SZ], const uint8_t *in, size_t len);

/* False: another character, or more than SLK_BASE58_BYTES_MAX bytes. */
bool slk_base58_decode(uint8_t out[SLK_BASE58_BYTES_MAX], size_t *len, const char *text);

#endif /* SLK_CODEC_BASE58_H */
