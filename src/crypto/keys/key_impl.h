#ifndef SLK_CRYPTO_KEYS_KEY_IMPL_H
#define SLK_CRYPTO_KEYS_KEY_IMPL_H

/* The two kinds of keys behind key.h. Secrets are valid unless said otherwise. */

#include "crypto/keys/key.h"

/* Secret in range. */
bool slk_secp_secret_ok(const uint8_t secret[SLK_SECRET_SZ]);
bool slk_bls_secret_ok(const uint8_t secret[SLK_SECRET_SZ]);

/* A secret of 32 random bytes; false: draw again. */
bool slk_secp_secret_draw(uint8_t secret[SLK_SECRET_SZ], const uint8_t random[32]);
bool slk_bls_secret_draw(uint8_t secret[SLK_SECRET_SZ], const uint8_t random[32]);

void slk_secp_public(uint8_t out[SLK_SECP_PUBLIC_SZ], const uint8_t secret[SLK_SECRET_SZ]);
void slk_bls_public(uint8_t out[SLK_BLS_PUBLIC_SZ], const uint8_t secret[SLK_SECRET_SZ]);

void slk_secp_sign(uint8_t out[SLK_SECP_SIG_SZ], const uint8_t secret[SLK_SECRET_SZ],
                   const void *msg, size_t len);
void slk_bls_sign(uint8_t out[SLK_BLS_SIG_SZ], const uint8_t secret[SLK_SECRET_SZ], const void *msg,
                  size_t len);

/* signer: an address of protocol 1. */
bool slk_secp_verify(const slk_address_t *signer, const uint8_t sig[SLK_SECP_SIG_SZ],
                     const void *msg, size_t len);

#endif /* SLK_CRYPTO_KEYS_KEY_IMPL_H */
