#ifndef SLK_CRYPTO_KEYS_KEY_H
#define SLK_CRYPTO_KEYS_KEY_H

/* Wallet keys: secp256k1 and BLS (chain.md 2.1).
 *
 *   secp256k1  secret 32 bytes big-endian; signs blake2b-256 of the message; signature r || s || v,
 *              65 bytes, v the recovery id; address from the 65-byte uncompressed public key
 *   BLS        secret 32 bytes little-endian; public key 48 bytes in G1, signature 96 bytes in G2,
 *              DST BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_; the address is the public key
 *
 * The message of a chain message is the bytes of its CID (38). Functions may run in any thread. A
 * secret is wiped by whoever holds it, never printed and in no diag. */

#include "selkie/err.h"

#include "codec/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLK_SECRET_SZ      32
#define SLK_SECP_PUBLIC_SZ 65
#define SLK_SECP_SIG_SZ    65
#define SLK_BLS_PUBLIC_SZ  48
#define SLK_BLS_SIG_SZ     96
#define SLK_KEY_PUBLIC_MAX SLK_SECP_PUBLIC_SZ
#define SLK_KEY_SIG_MAX    SLK_BLS_SIG_SZ

/* Numbers of signature types on the chain. */
typedef enum { SLK_KEY_SECP256K1 = 1, SLK_KEY_BLS = 2 } slk_key_type_t;

typedef struct {
    slk_key_type_t type;
    uint8_t secret[SLK_SECRET_SZ]; /* in the byte order of its type */
} slk_key_t;

/* A signature by a key of this type, of 65 or 96 bytes. */
typedef struct {
    slk_key_type_t type;
    uint8_t len;
    uint8_t b[SLK_KEY_SIG_MAX];
} slk_key_sig_t;

/* "secp256k1" or "bls", as Lotus names them. */
const char *slk_key_type_text(slk_key_type_t type);

/* A new key from the system's random numbers. */
SLK_CHECK_RESULT slk_err_t slk_key_generate(slk_key_t *key, slk_key_type_t type, slk_diag_t *diag);

/* A key of 32 bytes in its type's order. SLK_ERR_FIELD: zero, or not below the group's order. */
SLK_CHECK_RESULT slk_err_t slk_key_from_secret(slk_key_t *key, slk_key_type_t type,
                                               const uint8_t secret[SLK_SECRET_SZ],
                                               slk_diag_t *diag);

/* Overwrite the secret. Harmless on a zeroed key. */
void slk_key_wipe(slk_key_t *key);

/* Of a key made by the functions above. The public key's length is returned. */
size_t slk_key_public(uint8_t out[SLK_KEY_PUBLIC_MAX], const slk_key_t *key);
slk_address_t slk_key_address(const slk_key_t *key);

/* Sign a message of any length. The same key and message give the same signature. */
SLK_CHECK_RESULT slk_err_t slk_key_sign(slk_key_sig_t *sig, const slk_key_t *key, const void *msg,
                                        size_t len, slk_diag_t *diag);

/* Is sig a signature of the message by the key of this address? type and bytes are as they came from
 * outside: an unknown type, a wrong length or an impossible point make *ok false.
 * SLK_ERR_INPUT: an address that is no key (ID, actor, undefined). SLK_ERR_UNSUPPORTED: a delegated
 * address, whose signatures are those of Ethereum transactions. */
SLK_CHECK_RESULT slk_err_t slk_sig_verify(bool *ok, const slk_address_t *signer, unsigned type,
                                          const void *sig, size_t sig_len, const void *msg,
                                          size_t len, slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_KEY_H */
