#ifndef SLK_CRYPTO_KEYS_BLS_H
#define SLK_CRYPTO_KEYS_BLS_H

/* BLS signatures of public keys, and aggregates as a block's BLSAggregate. Any thread. */

#include "crypto/keys/key.h"

/* False: not a signature of the message, a key or signature that is no point of its group, the zero
 * key. */
bool slk_bls_verify(const uint8_t public_key[SLK_BLS_PUBLIC_SZ], const uint8_t sig[SLK_BLS_SIG_SZ],
                    const void *msg, size_t len);

/* The sum of cnt signatures; of none the point at infinity, c0 00 ... SLK_ERR_FORMAT: one of them is no
 * point of the group. */
SLK_CHECK_RESULT slk_err_t slk_bls_aggregate(uint8_t out[SLK_BLS_SIG_SZ],
                                             const uint8_t (*sigs)[SLK_BLS_SIG_SZ], size_t cnt,
                                             slk_diag_t *diag);

/* One signer and what it signed. Borrowed. */
typedef struct {
    const uint8_t *public_key; /* SLK_BLS_PUBLIC_SZ bytes */
    const void *msg;
    size_t len;
} slk_bls_claim_t;

/* Is sig the sum of signatures for all claims? No two messages may be the same bytes, as otherwise a
 * made-up key could cancel another. None: only the point at infinity is. Orders `claims` by message. */
SLK_CHECK_RESULT slk_err_t slk_bls_verify_aggregate(bool *ok, const uint8_t sig[SLK_BLS_SIG_SZ],
                                                    slk_bls_claim_t *claims, size_t cnt,
                                                    slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_BLS_H */
