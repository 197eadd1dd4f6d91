#include "app/wallet_calls.h"

#include "app/actor_calls_impl.h"
#include "app/node_calls_impl.h"
#include "app/wallet_signer.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "codec/fil.h"
#include "crypto/keys/key_text.h"
#include "crypto/keys/passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNED_MAX ((size_t)1 << 20) /* bytes that may be signed here */

/* --- The keystore ---------------------------------------------------------------------------- */

static slk_err_t keystore_dir(char *out, size_t cap, const slk_wallet_use_t *use, slk_diag_t *diag)
{
    const char *repo = getenv("SELKIE_PATH"), *home = getenv("HOME");
    int len;
    if (use->keystore)
        len = snprintf(out, cap, "%s", use->keystore);
    else if (repo && *repo)
        len = snprintf(out, cap, "%s/keystore", repo);
    else if (home && *home)
        len = snprintf(out, cap, "%s/.selkie/keystore", home);
    else
        return slk_fail(diag, SLK_ERR_INPUT,
                        "where are the keys? Give --keystore, or set SELKIE_PATH or HOME");
    if (len < 0 || (size_t)len >= cap)
        return slk_fail(diag, SLK_ERR_LENGTH, "the path of the keystore is too long");
    return SLK_OK;
}

static slk_err_t keystore_open(slk_keystore_t **store, const slk_wallet_use_t *use, bool create,
                               slk_diag_t *diag)
{
    char dir[4096];
    slk_err_t err;
    *store = NULL;
    SLK_TRY(keystore_dir(dir, sizeof dir, use, diag));
    if (create)
        SLK_TRY(slk_keystore_create(dir, diag));
    err = slk_keystore_open(store, dir, diag);
    if (err == SLK_ERR_NOTFOUND)
        slk_fail(diag, err, "%s is not there; make a key with selkie wallet new or import", dir);
out:
    return err;
}

static slk_err_t ask_passphrase(slk_passphrase_buf_t *out, const slk_wallet_use_t *use,
                                slk_diag_t *diag)
{
    slk_passphrase_source_t source = {use->passphrase_file, "SELKIE_PASSPHRASE", slk_ask_terminal,
                                      NULL};
    return slk_passphrase_get(out, &source, "Passphrase of the keystore: ", diag);
}

/* Keys that are encrypted need the passphrase; without such nobody is asked. */
static slk_err_t unlock(slk_keystore_t *store, const slk_wallet_use_t *use, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_passphrase_buf_t phrase = {.len = 0};
    bool locked = false;
    for (size_t i = 0; i < slk_keystore_count(store); i++) {
        slk_keystore_entry_t entry;
        SLK_TRY(slk_keystore_entry(store, i, &entry, diag));
        locked |= entry.encrypted && !entry.unlocked;
    }
    if (locked) {
        SLK_TRY(ask_passphrase(&phrase, use, diag));
        SLK_TRY(slk_keystore_unlock(store, slk_passphrase_of(&phrase), diag));
    }
out:
    explicit_bzero(&phrase, sizeof phrase);
    return err;
}

/* --- Who signs --------------------------------------------------------------------------------------- */

slk_err_t slk_wallet_signer_open(slk_wallet_signer_t *signer, const slk_wallet_use_t *use,
                                 slk_diag_t *diag)
{
    *signer = (slk_wallet_signer_t){0};
    if (use->signer)
        return slk_remote_signer_new(&signer->remote, use->signer, diag);
    slk_err_t err = keystore_open(&signer->keys, use, false, diag);
    return err == SLK_OK ? unlock(signer->keys, use, diag) : err;
}

void slk_wallet_signer_close(slk_wallet_signer_t *signer)
{
    slk_keystore_close(signer->keys);
    slk_remote_signer_free(signer->remote);
    *signer = (slk_wallet_signer_t){0};
}

slk_signer_t slk_wallet_signer(const slk_wallet_signer_t *signer)
{
    return signer->remote ? slk_remote_signer(signer->remote) : slk_keystore_signer(signer->keys);
}

static slk_err_t keystore_default(slk_address_t *address, slk_keystore_t *store, slk_diag_t *diag)
{
    slk_err_t err = slk_keystore_default(store, address, diag);
    if (err == SLK_OK && !slk_address_defined(address))
        err =
            slk_fail(diag, SLK_ERR_STATE,
                     "the keystore has no default key; choose one: selkie wallet default ADDRESS");
    return err;
}

typedef struct {
    slk_address_t first;
    size_t cnt;
} keys_t;

static slk_err_t note_key(void *user, const slk_address_t *address)
{
    keys_t *keys = user;
    if (!keys->cnt++)
        keys->first = *address;
    return SLK_OK;
}

slk_err_t slk_wallet_signer_default(slk_address_t *address, const slk_wallet_signer_t *signer,
                                    slk_diag_t *diag)
{
    keys_t keys = {.cnt = 0};
    if (signer->keys)
        return keystore_default(address, signer->keys, diag);
    slk_err_t err = slk_signer_list(slk_wallet_signer(signer), note_key, &keys, diag);
    if (err == SLK_OK && keys.cnt != 1)
        err = slk_fail(diag, SLK_ERR_STATE, "signer %s has %zu keys; which one? Give --from",
                       slk_remote_signer_name(signer->remote), keys.cnt);
    *address = keys.first;
    return err;
}

void slk_wallet_signer_name(char out[SLK_WALLET_SIGNER_NAME], const slk_wallet_signer_t *signer)
{
    if (signer->remote)
        snprintf(out, SLK_WALLET_SIGNER_NAME, "signer %s", slk_remote_signer_name(signer->remote));
    else
        snprintf(out, SLK_WALLET_SIGNER_NAME, "the keystore");
}

/* Write a key, and make it the default if it is the first. */
static slk_err_t keep(slk_keystore_t *store, const slk_key_t *key, const slk_wallet_use_t *use,
                      slk_diag_t *diag)
{
    slk_err_t err;
    slk_passphrase_buf_t phrase = {.len = 0};
    slk_address_t address = slk_key_address(key);
    if (use->plain) {
        SLK_TRY(slk_keystore_add_plain(store, key, diag));
    } else {
        SLK_TRY(ask_passphrase(&phrase, use, diag));
        SLK_TRY(slk_keystore_add(store, key, slk_passphrase_of(&phrase), diag));
    }
    if (slk_keystore_count(store) == 1)
        SLK_TRY(slk_keystore_set_default(store, &address, diag));
out:
    explicit_bzero(&phrase, sizeof phrase);
    return err;
}

/* --- Balances ------------------------------------------------------------------------------------ */

static void amount_field(json_t *object, const char *name, const slk_bigint_t *amount)
{
    slk_json_set(object, name, json_string(slk_bigint_text(amount).s));
}

/* Balance and nonce of an address that may not be on the chain yet. */
static slk_err_t add_balance(json_t *object, slk_node_talk_t *talk, const slk_address_t *address,
                             slk_diag_t *diag)
{
    slk_api_bigint_t balance;
    slk_api_u64_t nonce;
    slk_err_t err = slk_api_WalletBalance(&talk->api, address, &talk->arena, &balance, diag);
    if (err != SLK_OK)
        return err;
    char fil[SLK_FIL_TEXT_SZ];
    slk_fil_format(fil, &balance.v);
    amount_field(object, "balance", &balance.v);
    slk_json_set(object, "fil", json_string(fil));
    err = slk_api_MpoolGetNonce(&talk->api, address, &talk->arena, &nonce, diag);
    if (err == SLK_OK)
        slk_json_set(object, "nonce", json_integer((json_int_t)nonce.v));
    else if (talk->last.answered) /* no such actor yet */
        err = SLK_OK;
    return err;
}

slk_err_t slk_wallet_balance(const slk_wallet_use_t *use, const char *text, json_t **result,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_node_talk_t talk = {0};
    SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(slk_node_talk_open(&talk, use->use, diag));
    *result = json_object();
    slk_json_set(*result, "address", slk_address_json(&address, talk.api.network));
    SLK_TRY(add_balance(*result, &talk, &address, diag));
out:
    slk_node_talk_close(&talk);
    return err;
}

/* --- New, list ------------------------------------------------------------------------------------- */

static slk_err_t new_at_node(const slk_wallet_use_t *use, const char *type, json_t **result,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_talk_t talk = {0};
    slk_api_address_t address;
    SLK_TRY(slk_node_talk_open(&talk, use->use, diag));
    SLK_TRY(slk_api_WalletNew(&talk.api, (slk_bytes_t){(const uint8_t *)type, strlen(type)},
                              &talk.arena, &address, diag));
    *result = json_object();
    slk_json_set(*result, "address", slk_address_json(&address.v, talk.api.network));
    slk_json_set(*result, "type", json_string(type));
out:
    slk_node_talk_close(&talk);
    return err;
}

slk_err_t slk_wallet_new(const slk_wallet_use_t *use, const char *type, json_t **result,
                         slk_diag_t *diag)
{
    slk_err_t err;
    slk_key_t key = {0};
    slk_keystore_t *store = NULL;
    if (use->at_node)
        return new_at_node(use, type, result, diag);
    SLK_TRY(keystore_open(&store, use, true, diag));
    SLK_TRY(slk_key_generate(&key, strcmp(type, "bls") ? SLK_KEY_SECP256K1 : SLK_KEY_BLS, diag));
    SLK_TRY(keep(store, &key, use, diag));
    slk_address_t address = slk_key_address(&key);
    *result = json_object();
    slk_json_set(*result, "address", slk_address_json(&address, SLK_MAINNET));
    slk_json_set(*result, "type", json_string(type));
    slk_json_set(*result, "encrypted", json_boolean(!use->plain));
out:
    slk_key_wipe(&key);
    slk_keystore_close(store);
    return err;
}

static slk_err_t list_node(json_t *rows, slk_node_talk_t *talk, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_addresses_t all;
    slk_api_address_t standard;
    SLK_TRY(slk_api_WalletList(&talk->api, &talk->arena, &all, diag));
    bool has = slk_api_WalletDefaultAddress(&talk->api, &talk->arena, &standard, diag) == SLK_OK;
    for (size_t i = 0; i < all.v.count; i++) {
        const slk_address_t *address = &all.v.items[i];
        json_t *row = json_object();
        json_array_append_new(rows, row);
        slk_json_set(row, "address", slk_address_json(address, talk->api.network));
        slk_json_set(row, "default", json_boolean(has && slk_address_eq(address, &standard.v)));
        SLK_TRY(add_balance(row, talk, address, diag));
    }
    diag->text[0] = 0;
out:
    return err;
}

static slk_err_t list_keystore(json_t *rows, slk_keystore_t *store, slk_node_talk_t *talk,
                               slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t standard;
    SLK_TRY(slk_keystore_default(store, &standard, diag));
    for (size_t i = 0; i < slk_keystore_count(store); i++) {
        slk_keystore_entry_t entry;
        json_t *row = json_object();
        json_array_append_new(rows, row);
        SLK_TRY(slk_keystore_entry(store, i, &entry, diag));
        slk_json_set(row, "address",
                     slk_address_json(&entry.address, talk ? talk->api.network : SLK_MAINNET));
        slk_json_set(row, "type", json_string(slk_key_type_text(entry.type)));
        slk_json_set(row, "encrypted", json_boolean(entry.encrypted));
        slk_json_set(row, "default", json_boolean(slk_address_eq(&entry.address, &standard)));
        if (talk)
            SLK_TRY(add_balance(row, talk, &entry.address, diag));
    }
out:
    return err;
}

typedef struct {
    json_t *rows;
    slk_node_talk_t *talk; /* NULL: no balances */
    slk_diag_t *diag;
} listing_t;

static slk_err_t list_key(void *user, const slk_address_t *address)
{
    const listing_t *to = user;
    json_t *row = json_object();
    json_array_append_new(to->rows, row);
    slk_json_set(row, "address",
                 slk_address_json(address, to->talk ? to->talk->api.network : SLK_MAINNET));
    return to->talk ? add_balance(row, to->talk, address, to->diag) : SLK_OK;
}

static slk_err_t list_signer(json_t *rows, const slk_wallet_use_t *use, slk_node_talk_t *talk,
                             slk_diag_t *diag)
{
    slk_wallet_signer_t signer;
    listing_t to = {rows, talk, diag};
    slk_err_t err = slk_wallet_signer_open(&signer, use, diag);
    if (err == SLK_OK)
        err = slk_signer_list(slk_wallet_signer(&signer), list_key, &to, diag);
    slk_wallet_signer_close(&signer);
    return err;
}

slk_err_t slk_wallet_list(const slk_wallet_use_t *use, json_t **result, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_keystore_t *store = NULL;
    slk_node_talk_t talk = {0};
    if (use->use)
        SLK_TRY(slk_node_talk_open(&talk, use->use, diag));
    *result = json_array();
    if (use->at_node) {
        SLK_TRY(list_node(*result, &talk, diag));
    } else if (use->signer) {
        SLK_TRY(list_signer(*result, use, use->use ? &talk : NULL, diag));
    } else {
        SLK_TRY(keystore_open(&store, use, false, diag));
        SLK_TRY(list_keystore(*result, store, use->use ? &talk : NULL, diag));
    }
out:
    slk_keystore_close(store);
    slk_node_talk_close(&talk);
    return err;
}

/* --- Import, export ------------------------------------------------------------------------------------ */

/* A small file or standard input; text holds a secret, wipe it. */
static slk_err_t read_secret(char text[SLK_KEY_TEXT_MAX + 1], size_t *len, const char *path,
                             slk_diag_t *diag)
{
    bool standard = !strcmp(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return slk_fail_errno(diag, "open", path);
    if (standard)
        path = "standard input";
    slk_err_t err = slk_read_upto(fd, text, SLK_KEY_TEXT_MAX + 1, len, path, diag);
    if (!standard)
        close(fd);
    if (err == SLK_OK && *len > SLK_KEY_TEXT_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: longer than any key", path);
    return err;
}

slk_err_t slk_wallet_import(const slk_wallet_use_t *use, const char *path, json_t **result,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_key_t key = {0};
    slk_keystore_t *store = NULL;
    slk_diag_t why = {0};
    char text[SLK_KEY_TEXT_MAX + 1];
    size_t len = 0;
    SLK_TRY(read_secret(text, &len, path, diag));
    err = slk_key_import(&key, text, len, &why);
    if (err != SLK_OK) {
        slk_fail(diag, err, "%s: %s", strcmp(path, "-") ? path : "standard input", why.text);
        goto out;
    }
    SLK_TRY(keystore_open(&store, use, true, diag));
    SLK_TRY(keep(store, &key, use, diag));
    slk_address_t address = slk_key_address(&key);
    *result = json_object();
    slk_json_set(*result, "address", slk_address_json(&address, SLK_MAINNET));
    slk_json_set(*result, "type", json_string(slk_key_type_text(key.type)));
    slk_json_set(*result, "encrypted", json_boolean(!use->plain));
out:
    explicit_bzero(text, sizeof text);
    slk_key_wipe(&key);
    slk_keystore_close(store);
    return err;
}

slk_err_t slk_wallet_export(const slk_wallet_use_t *use, const char *text, json_t **result,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_key_t key = {0};
    slk_keystore_t *store = NULL;
    char secret[SLK_KEY_EXPORT_SZ];
    SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(keystore_open(&store, use, false, diag));
    SLK_TRY(unlock(store, use, diag));
    SLK_TRY(slk_keystore_get(store, &key, &address, diag));
    slk_key_export(secret, &key);
    *result = json_object();
    slk_json_set(*result, "key", json_string(secret));
out:
    explicit_bzero(secret, sizeof secret);
    slk_key_wipe(&key);
    slk_keystore_close(store);
    return err;
}

/* --- Sign, verify ---------------------------------------------------------------------------------------- */

static slk_err_t read_hex(uint8_t **bytes, size_t *len, const char *hex, const char *what,
                          slk_diag_t *diag)
{
    *len = strlen(hex) / 2;
    *bytes = *len <= SIGNED_MAX ? malloc(*len + 1) : NULL;
    if (!*bytes)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: too long", what);
    if (strlen(hex) % 2 == 0 && slk_hex_decode(*bytes, *len, hex))
        return SLK_OK;
    free(*bytes);
    *bytes = NULL;
    return slk_fail(diag, SLK_ERR_INPUT, "'%.60s': %s: expected hex", hex, what);
}

static json_t *signature_json(unsigned type, const uint8_t *bytes, size_t len)
{
    char hex[2 * (SLK_KEY_SIG_MAX + 1) + 1];
    SLK_ASSERT(len <= SLK_KEY_SIG_MAX);
    slk_hex_encode(hex, &(uint8_t){(uint8_t)type}, 1);
    slk_hex_encode(hex + 2, bytes, len);
    return json_string(hex);
}

static slk_err_t sign_at_node(const slk_wallet_use_t *use, const slk_address_t *address,
                              slk_bytes_t bytes, json_t **result, slk_diag_t *diag)
{
    slk_err_t err;
    slk_node_talk_t talk = {0};
    slk_api_signature_t signature;
    SLK_TRY(slk_node_talk_open(&talk, use->use, diag));
    SLK_TRY(slk_api_WalletSign(&talk.api, address, bytes, &talk.arena, &signature, diag));
    if (signature.v.data.len > SLK_KEY_SIG_MAX) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "the node's signature has %zu bytes",
                       signature.v.data.len);
        goto out;
    }
    *result = json_object();
    slk_json_set(*result, "signature",
                 signature_json(signature.v.type, signature.v.data.b, signature.v.data.len));
out:
    slk_node_talk_close(&talk);
    return err;
}

slk_err_t slk_wallet_sign(const slk_wallet_use_t *use, const char *text, const char *hex,
                          json_t **result, slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_wallet_signer_t signer = {0};
    slk_key_sig_t sig;
    uint8_t *bytes = NULL;
    size_t len;
    SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(read_hex(&bytes, &len, hex, "what is to be signed", diag));
    if (use->at_node) {
        err = sign_at_node(use, &address, (slk_bytes_t){bytes, len}, result, diag);
        goto out;
    }
    SLK_TRY(slk_wallet_signer_open(&signer, use, diag));
    slk_sign_request_t request = {.kind = SLK_SIGN_UNKNOWN, .bytes = bytes, .len = len};
    SLK_TRY(slk_signer_sign(slk_wallet_signer(&signer), &address, &request, &sig, diag));
    *result = json_object();
    slk_json_set(*result, "signature", signature_json((unsigned)sig.type, sig.b, sig.len));
out:
    free(bytes);
    slk_wallet_signer_close(&signer);
    return err;
}

slk_err_t slk_wallet_verify(bool *valid, const char *text, const char *hex, const char *signature,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    uint8_t *bytes = NULL, *sig = NULL;
    size_t len, sig_len;
    *valid = false;
    SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(read_hex(&bytes, &len, hex, "what was signed", diag));
    SLK_TRY(read_hex(&sig, &sig_len, signature, "the signature", diag));
    if (sig_len)
        SLK_TRY(slk_sig_verify(valid, &address, sig[0], sig + 1, sig_len - 1, bytes, len, diag));
out:
    free(bytes);
    free(sig);
    return err;
}

/* --- Default, delete --------------------------------------------------------------------------------------- */

slk_err_t slk_wallet_default(const slk_wallet_use_t *use, const char *text, json_t **result,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_keystore_t *store = NULL;
    if (text)
        SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(keystore_open(&store, use, false, diag));
    if (text)
        SLK_TRY(slk_keystore_set_default(store, &address, diag));
    else
        SLK_TRY(keystore_default(&address, store, diag));
    *result = json_object();
    slk_json_set(*result, "address", slk_address_json(&address, SLK_MAINNET));
out:
    slk_keystore_close(store);
    return err;
}

slk_err_t slk_wallet_delete(const slk_wallet_use_t *use, const char *text, json_t **result,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_keystore_t *store = NULL;
    SLK_TRY(slk_read_address(&address, text, diag));
    SLK_TRY(keystore_open(&store, use, false, diag));
    SLK_TRY(slk_keystore_remove(store, &address, diag));
    *result = json_object();
    slk_json_set(*result, "deleted", slk_address_json(&address, SLK_MAINNET));
out:
    slk_keystore_close(store);
    return err;
}
