#ifndef SLK_CRYPTO_KEYS_SIGNER_H
#define SLK_CRYPTO_KEYS_SIGNER_H

/* Who signs: the local keystore (keystore.h), or something far away behind the same functions, as the
 * node's own wallet (WalletSign) or a signer by RPC.
 *
 * An implementation fills a table and keeps its state behind `self`. Functions may be called by several
 * threads at once. */

#include "crypto/keys/key.h"

/* What the bytes are, as Lotus' MsgMeta says it to a remote wallet. */
typedef enum {
    SLK_SIGN_UNKNOWN, /* VRF draws among others */
    SLK_SIGN_MESSAGE, /* the bytes are the CID of a chain message; extra: the message's CBOR */
    SLK_SIGN_BLOCK,   /* an unsigned block header's CBOR */
    SLK_SIGN_DEAL     /* a deal proposal's CBOR */
} slk_sign_kind_t;

/* Lotus' word: "unknown", "message", "block", "dealproposal". */
const char *slk_sign_kind_text(slk_sign_kind_t kind);

typedef struct {
    slk_sign_kind_t kind;
    const void *bytes; /* to be signed */
    size_t len;
    const void *extra; /* may be NULL */
    size_t extra_len;
} slk_sign_request_t;

/* Called for each key; another result than SLK_OK ends the listing with it. */
typedef slk_err_t (*slk_signer_each_t)(void *user, const slk_address_t *address);

typedef struct {
    /* Keys that can sign. */
    slk_err_t (*list)(void *self, slk_signer_each_t each, void *user, slk_diag_t *diag);
    slk_err_t (*has)(void *self, const slk_address_t *address, bool *has, slk_diag_t *diag);
    /* SLK_ERR_NOTFOUND: no such key. */
    slk_err_t (*sign)(void *self, const slk_address_t *address, const slk_sign_request_t *request,
                      slk_key_sig_t *sig, slk_diag_t *diag);
    /* End running and later calls with SLK_ERR_CANCELLED; NULL: none takes long. */
    void (*stop)(void *self);
} slk_signer_ops_t;

/* By value; whoever made self closes it. */
typedef struct {
    const slk_signer_ops_t *ops;
    void *self;
} slk_signer_t;

SLK_CHECK_RESULT slk_err_t slk_signer_list(slk_signer_t signer, slk_signer_each_t each, void *user,
                                           slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_signer_has(slk_signer_t signer, const slk_address_t *address,
                                          bool *has, slk_diag_t *diag);

/* For ever. ops NULL, for none, is fine. */
void slk_signer_stop(slk_signer_t signer);

/* address: a key address (protocol 1 or 3). The signature is verified before it is handed out:
 * SLK_ERR_MISMATCH when the signer answered with one that is not the address'. */
SLK_CHECK_RESULT slk_err_t slk_signer_sign(slk_signer_t signer, const slk_address_t *address,
                                           const slk_sign_request_t *request, slk_key_sig_t *sig,
                                           slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_SIGNER_H */
