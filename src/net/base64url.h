#ifndef SLK_NET_BASE64URL_H
#define SLK_NET_BASE64URL_H

/* Base64 with the alphabet of URLs and without padding (RFC 4648 section 5), as in JWTs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for len bytes, without the NUL. */
#define SLK_BASE64URL_LEN(len) (((len)*4 + 2) / 3)

/* Write SLK_BASE64URL_LEN(len) characters and a NUL. */
void slk_base64url_encode(char *out, const void *in, size_t len);

/* Read text_len characters into at most cap bytes. False: another character, an impossible length,
 * bits behind the last byte, or no room. */
bool slk_base64url_decode(uint8_t *out, size_t cap, size_t *len, const char *text, size_t text_len);

#endif /* SLK_NET_BASE64URL_H */
