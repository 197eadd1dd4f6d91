#ifndef SLK_CRYPTO_KEYS_SIGNATURE_H
#define SLK_CRYPTO_KEYS_SIGNATURE_H

/* Between signatures of keys (key.h, by value) and those in chain objects (codec/record.h, spans). */

#include "codec/record.h"
#include "crypto/keys/key.h"

/* A view; *sig has to outlive it. */
static inline slk_signature_t slk_key_sig_view(const slk_key_sig_t *sig)
{
    return (slk_signature_t){(uint8_t)sig->type, {sig->b, sig->len}};
}

/* slk_sig_verify of a chain object's signature. */
SLK_CHECK_RESULT static inline slk_err_t slk_signature_verify(bool *ok, const slk_address_t *signer,
                                                              const slk_signature_t *sig,
                                                              const void *msg, size_t len,
                                                              slk_diag_t *diag)
{
    return slk_sig_verify(ok, signer, sig->type, sig->data.b, sig->data.len, msg, len, diag);
}

#endif /* SLK_CRYPTO_KEYS_SIGNATURE_H */
