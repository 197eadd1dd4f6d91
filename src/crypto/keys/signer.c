#include "crypto/keys/signer.h"

#include "base/assert.h"

const char *slk_sign_kind_text(slk_sign_kind_t kind)
{
    static const char *const text[] = {
        [SLK_SIGN_UNKNOWN] = "unknown",
        [SLK_SIGN_MESSAGE] = "message",
        [SLK_SIGN_BLOCK] = "block",
        [SLK_SIGN_DEAL] = "dealproposal",
    };
    SLK_ASSERT((unsigned)kind < SLK_COUNT(text));
    return text[kind];
}

slk_err_t slk_signer_list(slk_signer_t signer, slk_signer_each_t each, void *user, slk_diag_t *diag)
{
    return signer.ops->list(signer.self, each, user, diag);
}

slk_err_t slk_signer_has(slk_signer_t signer, const slk_address_t *address, bool *has,
                         slk_diag_t *diag)
{
    return signer.ops->has(signer.self, address, has, diag);
}

void slk_signer_stop(slk_signer_t signer)
{
    if (signer.ops && signer.ops->stop)
        signer.ops->stop(signer.self);
}

slk_err_t slk_signer_sign(slk_signer_t signer, const slk_address_t *address,
                          const slk_sign_request_t *request, slk_key_sig_t *sig, slk_diag_t *diag)
{
    slk_err_t err = signer.ops->sign(signer.self, address, request, sig, diag);
    if (err != SLK_OK)
        return err;
    bool ok;
    err = slk_sig_verify(&ok, address, sig->type, sig->b, sig->len, request->bytes, request->len,
                         diag);
    if (err == SLK_OK && !ok)
        err = slk_fail(diag, SLK_ERR_MISMATCH,
                       "signer: its signature is not one of %s over the %zu bytes asked for",
                       slk_address_text(address, SLK_MAINNET).s, request->len);
    return err;
}
