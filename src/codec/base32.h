#ifndef SLK_CODEC_BASE32_H
#define SLK_CODEC_BASE32_H

/* Base32 of RFC 4648 in lower case without padding, as in CIDs and addresses. */

#include <stddef.h>
#include <stdint.h>

/* Characters for len bytes, without the NUL. */
#define SLK_BASE32_LEN(len) (((len)*8 + 4) / 5)

/* Write SLK_BASE32_LEN(len) characters and a NUL. */
void slk_base32_encode(char *out, const uint8_t *in, size_t len);

/* What a decoder found. */
typedef enum {
    SLK_BASE32_OK,
    SLK_BASE32_CHAR,   /* a character outside a-z2-7 */
    SLK_BASE32_LENGTH, /* a number of characters that no bytes have */
    SLK_BASE32_BITS,   /* bits behind the last byte that are not zero */
    SLK_BASE32_ROOM    /* more than cap bytes */
} slk_base32_result_t;

/* Read text_len characters into at most cap bytes. *len: bytes written; with SLK_BASE32_CHAR the
 * index of that character. */
slk_base32_result_t slk_base32_decode(uint8_t *out, size_t cap, size_t *len, const char *text,
                                      size_t text_len);

#endif /* SLK_CODEC_BASE32_H */
