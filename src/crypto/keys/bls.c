#include "crypto/keys/bls.h"

#include "base/assert.h"
#include "crypto/keys/key_impl.h"

#include <blst.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t dst[] = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
#define DST_LEN (sizeof dst - 1)

bool slk_bls_secret_ok(const uint8_t secret[SLK_SECRET_SZ])
{
    blst_scalar scalar;
    blst_scalar_from_lendian(&scalar, secret);
    bool ok = blst_sk_check(&scalar);
    explicit_bzero(&scalar, sizeof scalar);
    return ok;
}

bool slk_bls_secret_draw(uint8_t secret[SLK_SECRET_SZ], const uint8_t random[32])
{
    blst_scalar scalar;
    blst_keygen(&scalar, random, 32, NULL, 0);
    blst_lendian_from_scalar(secret, &scalar);
    explicit_bzero(&scalar, sizeof scalar);
    return slk_bls_secret_ok(secret);
}

void slk_bls_public(uint8_t out[SLK_BLS_PUBLIC_SZ], const uint8_t secret[SLK_SECRET_SZ])
{
    blst_scalar scalar;
    blst_p1 key;
    blst_scalar_from_lendian(&scalar, secret);
    blst_sk_to_pk_in_g1(&key, &scalar);
    blst_p1_compress(out, &key);
    explicit_bzero(&scalar, sizeof scalar);
}

void slk_bls_sign(uint8_t out[SLK_BLS_SIG_SZ], const uint8_t secret[SLK_SECRET_SZ], const void *msg,
                  size_t len)
{
    blst_scalar scalar;
    blst_p2 point;
    blst_scalar_from_lendian(&scalar, secret);
    blst_hash_to_g2(&point, msg, len, dst, DST_LEN, NULL, 0);
    blst_sign_pk_in_g1(&point, &point, &scalar);
    blst_p2_compress(out, &point);
    explicit_bzero(&scalar, sizeof scalar);
}

static bool read_key(blst_p1_affine *key, const uint8_t bytes[SLK_BLS_PUBLIC_SZ])
{
    return blst_p1_uncompress(key, bytes) == BLST_SUCCESS && !blst_p1_affine_is_inf(key) &&
           blst_p1_affine_in_g1(key);
}

static bool read_sig(blst_p2_affine *sig, const uint8_t bytes[SLK_BLS_SIG_SZ])
{
    return blst_p2_uncompress(sig, bytes) == BLST_SUCCESS && blst_p2_affine_in_g2(sig);
}

bool slk_bls_verify(const uint8_t public_key[SLK_BLS_PUBLIC_SZ], const uint8_t sig[SLK_BLS_SIG_SZ],
                    const void *msg, size_t len)
{
    blst_p1_affine key;
    blst_p2_affine point;
    return read_key(&key, public_key) && read_sig(&point, sig) &&
           blst_core_verify_pk_in_g1(&key, &point, true, msg, len, dst, DST_LEN, NULL, 0) ==
               BLST_SUCCESS;
}

slk_err_t slk_bls_aggregate(uint8_t out[SLK_BLS_SIG_SZ], const uint8_t (*sigs)[SLK_BLS_SIG_SZ],
                            size_t cnt, slk_diag_t *diag)
{
    blst_p2 sum;
    memset(&sum, 0, sizeof sum); /* infinity */
    for (size_t i = 0; i < cnt; i++) {
        blst_p2_affine point;
        if (!read_sig(&point, sigs[i]))
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "BLS signature %zu of %zu: not a point of the group", i + 1, cnt);
        blst_p2_add_or_double_affine(&sum, &sum, &point);
    }
    blst_p2_compress(out, &sum);
    return SLK_OK;
}

static int by_message(const void *pa, const void *pb)
{
    const slk_bls_claim_t *a = pa, *b = pb;
    int cmp = memcmp(a->msg, b->msg, a->len < b->len ? a->len : b->len);
    return cmp ? cmp : (a->len > b->len) - (a->len < b->len);
}

slk_err_t slk_bls_verify_aggregate(bool *ok, const uint8_t sig[SLK_BLS_SIG_SZ],
                                   slk_bls_claim_t *claims, size_t cnt, slk_diag_t *diag)
{
    blst_p2_affine sum;
    *ok = false;
    if (!read_sig(&sum, sig))
        return SLK_OK;
    if (cnt == 0) {
        *ok = blst_p2_affine_is_inf(&sum);
        return SLK_OK;
    }
    qsort(claims, cnt, sizeof *claims, by_message);
    for (size_t i = 1; i < cnt; i++)
        if (by_message(&claims[i - 1], &claims[i]) == 0)
            return SLK_OK;
    blst_pairing *pairing = malloc(blst_pairing_sizeof());
    if (!pairing)
        return slk_fail(diag, SLK_ERR_NOMEM, "aggregate of %zu signatures: out of memory", cnt);
    blst_pairing_init(pairing, true, dst, DST_LEN);
    bool good = true;
    for (size_t i = 0; i < cnt && good; i++) {
        blst_p1_affine key;
        good = read_key(&key, claims[i].public_key) &&
               blst_pairing_aggregate_pk_in_g1(pairing, &key, i == 0 ? &sum : NULL, claims[i].msg,
                                               claims[i].len, NULL, 0) == BLST_SUCCESS;
    }
    if (good) {
        blst_pairing_commit(pairing);
        *ok = blst_pairing_finalverify(pairing, NULL);
    }
    free(pairing);
    return SLK_OK;
}
