#include "crypto/keys/vrf.h"

#include "crypto/keys/bls.h"

#include <string.h>

static bool is_bls(const slk_address_t *address)
{
    return slk_address_defined(address) && slk_address_protocol(address) == SLK_ADDRESS_BLS;
}

slk_err_t slk_vrf_compute(uint8_t out[SLK_VRF_SZ], slk_signer_t signer, const slk_address_t *worker,
                          const slk_node_t *draw, slk_diag_t *diag)
{
    if (!is_bls(worker))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "VRF: worker %s has no BLS address; only a BLS worker can win blocks",
                        slk_address_text(worker, SLK_MAINNET).s);
    slk_key_sig_t sig;
    slk_sign_request_t request = {SLK_SIGN_UNKNOWN, draw->b, sizeof draw->b, NULL, 0};
    slk_err_t err = slk_signer_sign(signer, worker, &request, &sig, diag);
    if (err == SLK_OK)
        memcpy(out, sig.b, SLK_VRF_SZ);
    return err;
}

bool slk_vrf_verify(const slk_address_t *worker, const slk_node_t *draw, const void *proof,
                    size_t len)
{
    return is_bls(worker) && len == SLK_VRF_SZ &&
           slk_bls_verify(worker->b + 1, proof, draw->b, sizeof draw->b);
}
