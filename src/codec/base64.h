#ifndef SLK_CODEC_BASE64_H
#define SLK_CODEC_BASE64_H

/* Base64 of RFC 4648 with padding, as JSON carries bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for len bytes, without the NUL. */
#define SLK_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Most bytes that a text of len characters can have. */
#define SLK_BASE64_ROOM(len) ((len) / 4 * 3)

/* Write SLK_BASE64_LEN(len) characters and a NUL. */
void slk_base64_encode(char *out, const uint8_t *in, size_t len);

/* Read a text into SLK_BASE64_ROOM(text_len) bytes. False: another character, no whole number of
 * groups, wrong padding, bits behind the last byte that are not zero. */
bool slk_base64_decode(uint8_t *out, size_t *len, const char *text, size_t text_len);

#endif /* SLK_CODEC_BASE64_H */
