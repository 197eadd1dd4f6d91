#ifndef SLK_CHAIN_REMOTE_SIGNER_H
#define SLK_CHAIN_REMOTE_SIGNER_H

/* A signer by RPC: lotus-wallet, or what speaks like it at /rpc/v0 (WalletHas, WalletList, and WalletSign
 * with MsgMeta, by which it can see what it signs). The wallet of a whole node serves as well; its
 * WalletSign has no MsgMeta and is then asked without.
 *
 *     slk_remote_signer_new(&remote, "TOKEN:/ip4/127.0.0.1/tcp/1777/http", diag);
 *     slk_signer_t signer = slk_remote_signer(remote);
 *     ... slk_signer_sign(signer, ...);                  verifies what came back
 *     slk_remote_signer_free(remote);
 *
 * A call that is not answered is made again with growing pauses, for signing twice is as good as once.
 * Errors: SLK_ERR_IO, SLK_ERR_TIMEOUT: no answer; SLK_ERR_PERM: its token was refused or lacks a right;
 * SLK_ERR_NOTFOUND: no such key; SLK_ERR_STATE: what else it answered; SLK_ERR_FORMAT: an answer of
 * another form; SLK_ERR_CANCELLED: stopped. Each names the signer; tokens appear nowhere. Any thread. */

#include "crypto/keys/signer.h"

typedef struct slk_remote_signer slk_remote_signer_t;

/* api_info: one address, with its token, as in WALLET_API_INFO. It need not be there yet. */
SLK_CHECK_RESULT slk_err_t slk_remote_signer_new(slk_remote_signer_t **remote, const char *api_info,
                                                 slk_diag_t *diag);
/* No call may be running. NULL is a no-op. */
void slk_remote_signer_free(slk_remote_signer_t *remote);

/* A call takes at most so long, each time it is made; by default 60 s, as a person may have to agree.
 * Before the first call. */
void slk_remote_signer_limit(slk_remote_signer_t *remote, uint32_t ms);

/* "http://host:port". */
const char *slk_remote_signer_name(const slk_remote_signer_t *remote);

/* Borrows remote; its stop ends running and later calls. */
slk_signer_t slk_remote_signer(slk_remote_signer_t *remote);

#endif /* SLK_CHAIN_REMOTE_SIGNER_H */
