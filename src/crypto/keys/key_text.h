#ifndef SLK_CRYPTO_KEYS_KEY_TEXT_H
#define SLK_CRYPTO_KEYS_KEY_TEXT_H

/* Keys as Lotus writes them: {"Type":"bls"|"secp256k1","PrivateKey":"<base64>"} in its keystore's
 * files, the hex of that in `lotus wallet export` and in pre-seal's .key files.
 *
 * The texts hold the secret: wipe them (explicit_bzero) after use. Nothing here copies it to the heap.
 */

#include "crypto/keys/key.h"

#define SLK_KEY_JSON_SZ   96   /* room for the JSON, NUL included */
#define SLK_KEY_EXPORT_SZ 192  /* room for its hex */
#define SLK_KEY_TEXT_MAX  4096 /* the longest text that is read */

void slk_key_to_json(char out[SLK_KEY_JSON_SZ], const slk_key_t *key);
void slk_key_export(char out[SLK_KEY_EXPORT_SZ], const slk_key_t *key);

/* Read either form, with white space around it. SLK_ERR_FORMAT: neither; a field missing, twice, of
 * another name, or with escapes; base64 that is not of 32 bytes. SLK_ERR_UNSUPPORTED: another type of
 * key ("delegated"). SLK_ERR_FIELD: no key of that type. No diag shows what was read of the secret. */
SLK_CHECK_RESULT slk_err_t slk_key_import(slk_key_t *key, const char *text, size_t len,
                                          slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_KEY_TEXT_H */
