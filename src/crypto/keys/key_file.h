#ifndef SLK_CRYPTO_KEYS_KEY_FILE_H
#define SLK_CRYPTO_KEYS_KEY_FILE_H

/* The content of one file of the keystore: a JSON object.
 *
 *   encrypted  {"selkie-key":1,"address":"f3...","type":"bls","kdf":"scrypt","n":131072,"r":8,"p":1,
 *               "salt":<32 bytes>,"cipher":"chacha20-poly1305","nonce":<12>,"box":<48>}
 *   plain      {"selkie-key":1,"address":"f3...","type":"bls","cipher":"none","secret":<32>}
 *
 * Bytes are hex. box is the secret encrypted with a key that scrypt makes of passphrase, salt, n, r and
 * p, and a tag over it and over the text of the members from selkie-key to nonce as written above, so
 * that no member can be changed. The passphrase is taken as its bytes. Pure functions, any thread. */

#include "crypto/keys/key.h"

#define SLK_KEY_FILE_SZ    768 /* room for the text, NUL included */
#define SLK_KEY_SALT_SZ    32
#define SLK_KEY_NONCE_SZ   12
#define SLK_KEY_BOX_SZ     (SLK_SECRET_SZ + 16)
#define SLK_SCRYPT_LOG_MIN 10u /* of n; what is read */
#define SLK_SCRYPT_LOG_MAX 20u
#define SLK_SCRYPT_LOG     17u /* what is written: 128 MiB and about half a second a file */

typedef struct {
    slk_address_t address;
    slk_key_type_t type;
    bool encrypted;
    uint8_t secret[SLK_SECRET_SZ]; /* plain only */
    uint32_t n, r, p;              /* encrypted only, like the rest */
    uint8_t salt[SLK_KEY_SALT_SZ], nonce[SLK_KEY_NONCE_SZ], box[SLK_KEY_BOX_SZ];
} slk_key_file_t;

typedef struct {
    const char *text; /* NULL: none */
    size_t len;
} slk_passphrase_t;

/* Read a text. Wipe *file when it is plain. SLK_ERR_FORMAT: anything unexpected. SLK_ERR_UNSUPPORTED: a
 * later version, another kdf or cipher, a work factor that would take more than 1 GiB. */
SLK_CHECK_RESULT slk_err_t slk_key_file_parse(slk_key_file_t *file, const char *text, size_t len,
                                              slk_diag_t *diag);

void slk_key_file_format(char out[SLK_KEY_FILE_SZ], const slk_key_file_t *file);

/* Encrypt a key; scrypt_log: log2 of n. SLK_ERR_INPUT: an empty passphrase. */
SLK_CHECK_RESULT slk_err_t slk_key_file_seal(slk_key_file_t *file, const slk_key_t *key,
                                             slk_passphrase_t passphrase, unsigned scrypt_log,
                                             slk_diag_t *diag);

/* A key as it is, for development chains. */
void slk_key_file_plain(slk_key_file_t *file, const slk_key_t *key);

/* The key in a file; the passphrase is not looked at when it is plain. SLK_ERR_PERM: a wrong passphrase
 * or a changed file, which cannot be told apart. SLK_ERR_MISMATCH: a key of another address. */
SLK_CHECK_RESULT slk_err_t slk_key_file_open(slk_key_t *key, const slk_key_file_t *file,
                                             slk_passphrase_t passphrase, slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_KEY_FILE_H */
