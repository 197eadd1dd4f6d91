#ifndef SLK_APP_WALLET_SIGNER_H
#define SLK_APP_WALLET_SIGNER_H

/* Who signs, when it is not the node's wallet: a keystore or a signer by RPC, as the options say. */

#include "app/wallet_calls.h"
#include "chain/remote_signer.h"
#include "crypto/keys/keystore.h"

typedef struct {
    slk_keystore_t *keys; /* its keys are open; NULL: the other */
    slk_remote_signer_t *remote;
} slk_wallet_signer_t;

/* Close it in any case; a zeroed one is fine. A signer by RPC is not called yet. */
SLK_CHECK_RESULT slk_err_t slk_wallet_signer_open(slk_wallet_signer_t *signer,
                                                  const slk_wallet_use_t *use, slk_diag_t *diag);
void slk_wallet_signer_close(slk_wallet_signer_t *signer);

/* Borrows; valid until it is closed. */
slk_signer_t slk_wallet_signer(const slk_wallet_signer_t *signer);

/* The key that is used when none is named: the keystore's default, or the only one of a signer by RPC.
 * SLK_ERR_STATE: there is none. */
SLK_CHECK_RESULT slk_err_t slk_wallet_signer_default(slk_address_t *address,
                                                     const slk_wallet_signer_t *signer,
                                                     slk_diag_t *diag);

/* "the keystore", "signer http://host:port". */
#define SLK_WALLET_SIGNER_NAME 800
void slk_wallet_signer_name(char out[SLK_WALLET_SIGNER_NAME], const slk_wallet_signer_t *signer);

#endif /* SLK_APP_WALLET_SIGNER_H */
