#ifndef SLK_CRYPTO_KEYS_VRF_H
#define SLK_CRYPTO_KEYS_VRF_H

/* The VRF of tickets and elections: the worker's BLS signature of a 32-byte draw (chain.md 6.3;
 * draws: crypto/election/randomness.h). Any thread. */

#include "crypto/keys/signer.h"
#include "selkie/proof_types.h"

#define SLK_VRF_SZ SLK_BLS_SIG_SZ

/* worker: a BLS address; SLK_ERR_INPUT otherwise. */
SLK_CHECK_RESULT slk_err_t slk_vrf_compute(uint8_t out[SLK_VRF_SZ], slk_signer_t signer,
                                           const slk_address_t *worker, const slk_node_t *draw,
                                           slk_diag_t *diag);

bool slk_vrf_verify(const slk_address_t *worker, const slk_node_t *draw, const void *proof,
                    size_t len);

#endif /* SLK_CRYPTO_KEYS_VRF_H */
