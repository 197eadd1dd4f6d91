#include "crypto/keys/key_impl.h"

#include "base/assert.h"

#include <blake2.h>
#include <pthread.h>
#include <secp256k1_recovery.h>
#include <string.h>
#include <sys/random.h>

/* One context for all threads: after it is made it is only read. */
static secp256k1_context *ctx;
static pthread_once_t ctx_once = PTHREAD_ONCE_INIT;

static void make_context(void)
{
    uint8_t seed[32];
    ctx = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    SLK_ASSERT(ctx);
    /* Blinding, against side channels; without random numbers the context works unblinded. */
    if (getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        SLK_ASSERT(secp256k1_context_randomize(ctx, seed));
    explicit_bzero(seed, sizeof seed);
}

static const secp256k1_context *context(void)
{
    pthread_once(&ctx_once, make_context);
    return ctx;
}

bool slk_secp_secret_ok(const uint8_t secret[SLK_SECRET_SZ])
{
    return secp256k1_ec_seckey_verify(context(), secret);
}

bool slk_secp_secret_draw(uint8_t secret[SLK_SECRET_SZ], const uint8_t random[32])
{
    memcpy(secret, random, SLK_SECRET_SZ);
    return slk_secp_secret_ok(secret);
}

void slk_secp_public(uint8_t out[SLK_SECP_PUBLIC_SZ], const uint8_t secret[SLK_SECRET_SZ])
{
    secp256k1_pubkey key;
    size_t len = SLK_SECP_PUBLIC_SZ;
    SLK_ASSERT(secp256k1_ec_pubkey_create(context(), &key, secret));
    SLK_ASSERT(
        secp256k1_ec_pubkey_serialize(context(), out, &len, &key, SECP256K1_EC_UNCOMPRESSED));
}

static void digest(uint8_t out[32], const void *msg, size_t len)
{
    SLK_ASSERT(blake2b(out, msg, NULL, 32, len, 0) == 0);
}

void slk_secp_sign(uint8_t out[SLK_SECP_SIG_SZ], const uint8_t secret[SLK_SECRET_SZ],
                   const void *msg, size_t len)
{
    uint8_t hash[32];
    int recovery = 0;
    secp256k1_ecdsa_recoverable_signature sig;
    digest(hash, msg, len);
    SLK_ASSERT(secp256k1_ecdsa_sign_recoverable(context(), &sig, hash, secret, NULL, NULL));
    SLK_ASSERT(
        secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), out, &recovery, &sig));
    out[64] = (uint8_t)recovery;
}

bool slk_secp_verify(const slk_address_t *signer, const uint8_t sig[SLK_SECP_SIG_SZ],
                     const void *msg, size_t len)
{
    uint8_t hash[32], public_key[SLK_SECP_PUBLIC_SZ];
    size_t key_len = sizeof public_key;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    if (sig[64] > 3 ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, sig, sig[64]))
        return false;
    digest(hash, msg, len);
    if (!secp256k1_ecdsa_recover(context(), &key, &parsed, hash))
        return false;
    SLK_ASSERT(secp256k1_ec_pubkey_serialize(context(), public_key, &key_len, &key,
                                             SECP256K1_EC_UNCOMPRESSED));
    slk_address_t recovered = slk_address_secp256k1(public_key);
    return slk_address_eq(&recovered, signer);
}
