#include "crypto/keys/key.h"

#include "base/assert.h"
#include "crypto/keys/bls.h"
#include "crypto/keys/key_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const struct {
    const char *name;
    size_t sig_len;
    bool (*secret_ok)(const uint8_t *secret);
    bool (*draw)(uint8_t *secret, const uint8_t *random);
    void (*sign)(uint8_t *out, const uint8_t *secret, const void *msg, size_t len);
} types[] = {
    [SLK_KEY_SECP256K1] = {"secp256k1", SLK_SECP_SIG_SZ, slk_secp_secret_ok, slk_secp_secret_draw,
                           slk_secp_sign},
    [SLK_KEY_BLS] = {"bls", SLK_BLS_SIG_SZ, slk_bls_secret_ok, slk_bls_secret_draw, slk_bls_sign},
};

static void check_type(slk_key_type_t type)
{
    SLK_ASSERT(type == SLK_KEY_SECP256K1 || type == SLK_KEY_BLS);
}

const char *slk_key_type_text(slk_key_type_t type)
{
    check_type(type);
    return types[type].name;
}

slk_err_t slk_key_generate(slk_key_t *key, slk_key_type_t type, slk_diag_t *diag)
{
    check_type(type);
    uint8_t random[32];
    do {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return slk_fail(diag, SLK_ERR_IO, "getrandom for a new key: %s", strerror(errno));
    } while (!types[type].draw(key->secret, random));
    key->type = type;
    explicit_bzero(random, sizeof random);
    return SLK_OK;
}

slk_err_t slk_key_from_secret(slk_key_t *key, slk_key_type_t type,
                              const uint8_t secret[SLK_SECRET_SZ], slk_diag_t *diag)
{
    check_type(type);
    if (!types[type].secret_ok(secret))
        return slk_fail(
            diag, SLK_ERR_FIELD,
            "private key: these 32 bytes are no %s key (zero, or not below the order of "
            "the group); check the type and the byte order",
            types[type].name);
    key->type = type;
    memcpy(key->secret, secret, SLK_SECRET_SZ);
    return SLK_OK;
}

void slk_key_wipe(slk_key_t *key)
{
    explicit_bzero(key->secret, sizeof key->secret);
}

size_t slk_key_public(uint8_t out[SLK_KEY_PUBLIC_MAX], const slk_key_t *key)
{
    check_type(key->type);
    if (key->type == SLK_KEY_BLS) {
        slk_bls_public(out, key->secret);
        return SLK_BLS_PUBLIC_SZ;
    }
    slk_secp_public(out, key->secret);
    return SLK_SECP_PUBLIC_SZ;
}

slk_address_t slk_key_address(const slk_key_t *key)
{
    uint8_t public_key[SLK_KEY_PUBLIC_MAX];
    slk_key_public(public_key, key);
    return key->type == SLK_KEY_BLS ? slk_address_bls(public_key)
                                    : slk_address_secp256k1(public_key);
}

slk_err_t slk_key_sign(slk_key_sig_t *sig, const slk_key_t *key, const void *msg, size_t len,
                       slk_diag_t *diag)
{
    check_type(key->type);
    /* A wiped or never filled key must not sign. */
    if (!types[key->type].secret_ok(key->secret))
        return slk_fail(diag, SLK_ERR_FIELD, "private key: not a %s key", types[key->type].name);
    memset(sig, 0, sizeof *sig);
    sig->type = key->type;
    sig->len = (uint8_t)types[key->type].sig_len;
    types[key->type].sign(sig->b, key->secret, msg, len);
    return SLK_OK;
}

slk_err_t slk_sig_verify(bool *ok, const slk_address_t *signer, unsigned type, const void *sig,
                         size_t sig_len, const void *msg, size_t len, slk_diag_t *diag)
{
    *ok = false;
    if (!slk_address_defined(signer))
        return slk_fail(diag, SLK_ERR_INPUT, "signature: the signer's address is undefined");
    switch (slk_address_protocol(signer)) {
    case SLK_ADDRESS_SECP256K1:
        *ok = type == SLK_KEY_SECP256K1 && sig_len == SLK_SECP_SIG_SZ &&
              slk_secp_verify(signer, sig, msg, len);
        return SLK_OK;
    case SLK_ADDRESS_BLS:
        *ok = type == SLK_KEY_BLS && sig_len == SLK_BLS_SIG_SZ &&
              slk_bls_verify(signer->b + 1, sig, msg, len);
        return SLK_OK;
    case SLK_ADDRESS_DELEGATED:
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "signature of %s: delegated addresses (Ethereum signatures) are not "
                        "supported; use a secp256k1 or BLS address",
                        slk_address_text(signer, SLK_MAINNET).s);
    case SLK_ADDRESS_ID:
    case SLK_ADDRESS_ACTOR:
        break;
    }
    return slk_fail(diag, SLK_ERR_INPUT,
                    "signature of %s: not the address of a key; resolve it to one first "
                    "(StateAccountKey)",
                    slk_address_text(signer, SLK_MAINNET).s);
}
