#ifndef SLK_APP_WALLET_CALLS_H
#define SLK_APP_WALLET_CALLS_H

/* What the commands `wallet` do: with a keystore of our own, a signer by RPC, or the node's wallet. Apart from the commands for
 * the reason of node_calls.h. */

#include "app/node_calls.h"

typedef struct {
    bool at_node;                /* the node's wallet; else the signer or the keystore */
    const char *signer;          /* as WALLET_API_INFO; NULL: none */
    const slk_node_use_t *use;   /* NULL: no node is named */
    const char *keystore;        /* folder; NULL: $SELKIE_PATH/keystore, ~/.selkie/keystore */
    const char *passphrase_file; /* NULL: SELKIE_PASSPHRASE, else a question on the terminal */
    bool plain;                  /* new keys are not encrypted */
} slk_wallet_use_t;

/* *result: see the tables of cmd_wallet.c. type: "bls" or "secp256k1". */
SLK_CHECK_RESULT slk_err_t slk_wallet_new(const slk_wallet_use_t *use, const char *type,
                                          json_t **result, slk_diag_t *diag);
/* Balances where a node is named. */
SLK_CHECK_RESULT slk_err_t slk_wallet_list(const slk_wallet_use_t *use, json_t **result,
                                           slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_wallet_balance(const slk_wallet_use_t *use, const char *address,
                                              json_t **result, slk_diag_t *diag);
/* path: a file with Lotus' export, "-" for standard input. */
SLK_CHECK_RESULT slk_err_t slk_wallet_import(const slk_wallet_use_t *use, const char *path,
                                             json_t **result, slk_diag_t *diag);
/* The result holds the secret. */
SLK_CHECK_RESULT slk_err_t slk_wallet_export(const slk_wallet_use_t *use, const char *address,
                                             json_t **result, slk_diag_t *diag);
/* hex: the bytes to sign. Signature: hex of its type and its bytes, as Lotus prints it. */
SLK_CHECK_RESULT slk_err_t slk_wallet_sign(const slk_wallet_use_t *use, const char *address,
                                           const char *hex, json_t **result, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_wallet_verify(bool *valid, const char *address, const char *hex,
                                             const char *signature, slk_diag_t *diag);
/* address NULL: tell which it is. */
SLK_CHECK_RESULT slk_err_t slk_wallet_default(const slk_wallet_use_t *use, const char *address,
                                              json_t **result, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_wallet_delete(const slk_wallet_use_t *use, const char *address,
                                             json_t **result, slk_diag_t *diag);

#endif /* SLK_APP_WALLET_CALLS_H */
