/* Wallet...: the keys of the devnet's folder. */

#include "devnet/api/ask.h"

#include "base/assert.h"
#include "crypto/keys/key_text.h"
#include "crypto/keys/signature.h"

#include <stdlib.h>
#include <string.h>

/* The key address behind an address, where the chain knows it. */
static slk_err_t key_of(slk_ask_t *ask, const slk_address_t *address, slk_address_t *key)
{
    bool found;
    slk_tip_t *head = slk_chain_head(ask->chain);
    slk_err_t err =
        slk_chain_account_key(key, &found, ask->chain, &head->state, address, &ask->diag);
    slk_tip_unref(head);
    if (err == SLK_OK && !found)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "failed to resolve ID address: %s",
                            slk_ask_address_text(ask, address));
    return err;
}

static slk_err_t wallet_has(slk_ask_t *ask)
{
    bool has;
    slk_err_t err = slk_signer_has(slk_keystore_signer(ask->net->wallet), &ask->args[0].address,
                                   &has, &ask->diag);
    return err == SLK_OK ? slk_ask_json(ask, json_boolean(has)) : err;
}

static slk_err_t wallet_balance(slk_ask_t *ask)
{
    bool found;
    slk_actor_state_t actor;
    slk_tip_t *head = slk_chain_head(ask->chain);
    slk_err_t err = slk_chain_actor(&actor, NULL, &found, ask->chain, slk_tip_parent_state(head),
                                    &ask->args[0].address, &ask->diag);
    slk_tip_unref(head);
    return err == SLK_OK ? slk_ask_amount(ask, found ? actor.balance : slk_bigint_u64(0)) : err;
}

static slk_err_t add_address(void *user, const slk_address_t *address)
{
    slk_ask_t *ask = user;
    return slk_ask_put(ask, ask->result, NULL, &slk_api_address_type,
                       &(slk_api_address_t){*address});
}

static slk_err_t wallet_list(slk_ask_t *ask)
{
    slk_err_t err = slk_ask_json(ask, json_array());
    return err == SLK_OK ? slk_signer_list(slk_keystore_signer(ask->net->wallet), add_address, ask,
                                           &ask->diag)
                         : err;
}

static slk_err_t wallet_default(slk_ask_t *ask)
{
    slk_address_t address;
    slk_err_t err = slk_keystore_default(ask->net->wallet, &address, &ask->diag);
    if (err == SLK_OK && !slk_address_defined(&address))
        return slk_ask_fail(ask, SLK_RPC_ERROR, "failed to get default key: key info not found");
    return err == SLK_OK ? slk_ask_address(ask, &address) : err;
}

static slk_err_t wallet_set_default(slk_ask_t *ask)
{
    return slk_keystore_set_default(ask->net->wallet, &ask->args[0].address, &ask->diag);
}

/* --- Signing ------------------------------------------------------------------------------------------------------- */

static slk_err_t sign(slk_ask_t *ask, const slk_address_t *signer,
                      const slk_sign_request_t *request, slk_key_sig_t *sig)
{
    slk_address_t key;
    slk_err_t err = key_of(ask, signer, &key);
    if (err == SLK_OK)
        err =
            slk_signer_sign(slk_keystore_signer(ask->net->wallet), &key, request, sig, &ask->diag);
    if (err == SLK_ERR_NOTFOUND)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "key not found for %s",
                            slk_ask_address_text(ask, &key));
    return err;
}

static slk_err_t wallet_sign(slk_ask_t *ask)
{
    slk_key_sig_t sig;
    const slk_sign_request_t request = {
        .kind = SLK_SIGN_UNKNOWN, .bytes = ask->args[1].bytes.b, .len = ask->args[1].bytes.len};
    slk_err_t err = sign(ask, &ask->args[0].address, &request, &sig);
    return err == SLK_OK ? slk_ask_record(ask, &slk_api_signature_type,
                                          &(slk_api_signature_t){slk_key_sig_view(&sig)})
                         : err;
}

static slk_err_t wallet_sign_message(slk_ask_t *ask)
{
    slk_key_sig_t sig;
    slk_cid_t cid;
    const slk_message_t *m = ask->args[1].record;
    slk_err_t err = slk_message_cid(&cid, m, &ask->diag);
    if (err != SLK_OK)
        return err;
    const slk_sign_request_t request = {.kind = SLK_SIGN_MESSAGE, .bytes = cid.b, .len = cid.len};
    err = sign(ask, &ask->args[0].address, &request, &sig);
    return err == SLK_OK ? slk_ask_record(ask, &slk_signed_message_type,
                                          &(slk_signed_message_t){*m, slk_key_sig_view(&sig)})
                         : err;
}

static slk_err_t wallet_verify(slk_ask_t *ask)
{
    bool ok;
    slk_address_t key;
    slk_err_t err = key_of(ask, &ask->args[0].address, &key);
    if (err == SLK_OK)
        err = slk_signature_verify(&ok, &key, &ask->args[2].signature, ask->args[1].bytes.b,
                                   ask->args[1].bytes.len, &ask->diag);
    return err == SLK_OK ? slk_ask_json(ask, json_boolean(ok)) : err;
}

/* --- Keys ------------------------------------------------------------------------------------------------------------ */

static slk_err_t add_key(slk_ask_t *ask, slk_key_t *key)
{
    const slk_address_t address = slk_key_address(key);
    pthread_mutex_lock(&ask->net->wallet_lock);
    slk_err_t err = slk_keystore_add_plain(ask->net->wallet, key, &ask->diag);
    pthread_mutex_unlock(&ask->net->wallet_lock);
    slk_key_wipe(key);
    return err == SLK_OK ? slk_ask_address(ask, &address) : err;
}

static slk_err_t wallet_new(slk_ask_t *ask)
{
    slk_key_t key = {0};
    const char *type = (const char *)ask->args[0].bytes.b;
    const bool bls = !strcmp(type, "bls");
    if (!bls && strcmp(type, "secp256k1"))
        return slk_ask_fail(ask, SLK_RPC_ERROR, "unsupported key type: %s", type);
    slk_err_t err = slk_key_generate(&key, bls ? SLK_KEY_BLS : SLK_KEY_SECP256K1, &ask->diag);
    return err == SLK_OK ? add_key(ask, &key) : err;
}

static slk_err_t wallet_import(slk_ask_t *ask)
{
    slk_key_t key = {0};
    char *text = json_dumps(ask->args[0].json, JSON_COMPACT);
    if (!text)
        return slk_ask_json(ask, NULL);
    slk_err_t err = slk_key_import(&key, text, strlen(text), &ask->diag);
    explicit_bzero(text, strlen(text));
    free(text);
    return err == SLK_OK ? add_key(ask, &key) : err;
}

static slk_err_t wallet_export(slk_ask_t *ask)
{
    slk_key_t key = {0};
    slk_address_t address;
    char text[SLK_KEY_JSON_SZ];
    slk_err_t err = key_of(ask, &ask->args[0].address, &address);
    if (err == SLK_OK)
        err = slk_keystore_get(ask->net->wallet, &key, &address, &ask->diag);
    if (err != SLK_OK)
        return err;
    slk_key_to_json(text, &key);
    slk_key_wipe(&key);
    err = slk_ask_json(ask, json_loads(text, 0, NULL));
    explicit_bzero(text, sizeof text);
    return err;
}

static slk_err_t wallet_delete(slk_ask_t *ask)
{
    pthread_mutex_lock(&ask->net->wallet_lock);
    slk_err_t err = slk_keystore_remove(ask->net->wallet, &ask->args[0].address, &ask->diag);
    pthread_mutex_unlock(&ask->net->wallet_lock);
    return err;
}

static slk_err_t wallet_validate_address(slk_ask_t *ask)
{
    slk_address_t address;
    slk_err_t err = slk_address_from_text(&address, (const char *)ask->args[0].bytes.b, &ask->diag);
    return err == SLK_OK ? slk_ask_address(ask, &address) : err;
}

const slk_ask_method_t slk_ask_wallet[] = {
    {"Filecoin.WalletHas", SLK_PERM_WRITE, SLK_V01, 0, "a", wallet_has},
    {"Filecoin.WalletBalance", SLK_PERM_READ, SLK_V01, 0, "a", wallet_balance},
    {"Filecoin.WalletList", SLK_PERM_WRITE, SLK_V01, 0, "", wallet_list},
    {"Filecoin.WalletDefaultAddress", SLK_PERM_WRITE, SLK_V01, 0, "", wallet_default},
    {"Filecoin.WalletSetDefault", SLK_PERM_WRITE, SLK_V01, 0, "a", wallet_set_default},
    {"Filecoin.WalletSign", SLK_PERM_SIGN, SLK_V01, 0, "ax", wallet_sign},
    {"Filecoin.WalletSignMessage", SLK_PERM_SIGN, SLK_V01, 0, "am", wallet_sign_message},
    {"Filecoin.WalletVerify", SLK_PERM_READ, SLK_V01, 0, "axg", wallet_verify},
    {"Filecoin.WalletNew", SLK_PERM_WRITE, SLK_V01, 0, "s", wallet_new},
    {"Filecoin.WalletImport", SLK_PERM_ADMIN, SLK_V01, 0, "j", wallet_import},
    {"Filecoin.WalletExport", SLK_PERM_ADMIN, SLK_V01, 0, "a", wallet_export},
    {"Filecoin.WalletDelete", SLK_PERM_ADMIN, SLK_V01, 0, "a", wallet_delete},
    {"Filecoin.WalletValidateAddress", SLK_PERM_READ, SLK_V01, 0, "s", wallet_validate_address},
    {0},
};
