#include "crypto/keys/key_file.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/keys/flat_json.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define VERSION     1
#define SCRYPT_R    8u
#define SCRYPT_P    1u
#define MEMORY_MAX  (1ull << 30) /* 128 * n * r of what is read */
#define MEMORY_MORE (1ull << 20) /* for what scrypt needs besides */
#define CIPHER      "chacha20-poly1305"
#define TAG_SZ      16

/* --- Text ------------------------------------------------------------------------------------------- */

typedef struct {
    char s[2 * SLK_KEY_BOX_SZ + 1];
} hex_t;

static hex_t hex(const void *bytes, size_t len)
{
    hex_t out;
    SLK_ASSERT(2 * len < sizeof out.s);
    slk_hex_encode(out.s, bytes, len);
    return out;
}

/* The members that the tag covers, without the closing brace. */
static size_t format_head(char out[SLK_KEY_FILE_SZ], const slk_key_file_t *file)
{
    int n = snprintf(out, SLK_KEY_FILE_SZ, "{\"selkie-key\":%d,\"address\":\"%s\",\"type\":\"%s\"",
                     VERSION, slk_address_text(&file->address, SLK_MAINNET).s,
                     slk_key_type_text(file->type));
    SLK_ASSERT(n > 0 && n < SLK_KEY_FILE_SZ);
    if (!file->encrypted)
        return (size_t)n;
    int m = snprintf(out + n, SLK_KEY_FILE_SZ - (size_t)n,
                     ",\"kdf\":\"scrypt\",\"n\":%" PRIu32 ",\"r\":%" PRIu32 ",\"p\":%" PRIu32
                     ",\"salt\":\"%s\",\"cipher\":\"" CIPHER "\",\"nonce\":\"%s\"",
                     file->n, file->r, file->p, hex(file->salt, sizeof file->salt).s,
                     hex(file->nonce, sizeof file->nonce).s);
    SLK_ASSERT(m > 0 && n + m < SLK_KEY_FILE_SZ);
    return (size_t)(n + m);
}

void slk_key_file_format(char out[SLK_KEY_FILE_SZ], const slk_key_file_t *file)
{
    size_t n = format_head(out, file), room = SLK_KEY_FILE_SZ - n;
    hex_t bytes =
        file->encrypted ? hex(file->box, sizeof file->box) : hex(file->secret, sizeof file->secret);
    int m = snprintf(out + n, room,
                     file->encrypted ? ",\"box\":\"%s\"}\n"
                                     : ",\"cipher\":\"none\",\"secret\":\"%s\"}\n",
                     bytes.s);
    SLK_ASSERT(m > 0 && (size_t)m < room);
    explicit_bzero(&bytes, sizeof bytes);
}

enum {
    F_VERSION,
    F_ADDRESS,
    F_TYPE,
    F_CIPHER,
    F_SECRET,
    F_KDF,
    F_N,
    F_R,
    F_P,
    F_SALT,
    F_NONCE,
    F_BOX,
    F_CNT
};

static const char what[] = "key file";

static slk_err_t parse_scrypt(slk_key_file_t *file, const slk_flat_field_t *f, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    uint64_t n, r, p;
    if (!slk_flat_is(&f[F_KDF], "scrypt"))
        return slk_fail(diag, SLK_ERR_UNSUPPORTED, "%s: kdf is not \"scrypt\"", what);
    SLK_TRY(slk_flat_number(&f[F_N], UINT32_MAX, &n, what, diag));
    SLK_TRY(slk_flat_number(&f[F_R], 64, &r, what, diag));
    SLK_TRY(slk_flat_number(&f[F_P], 64, &p, what, diag));
    if (n < 1u << SLK_SCRYPT_LOG_MIN || n > 1u << SLK_SCRYPT_LOG_MAX || (n & (n - 1)) != 0 ||
        r == 0 || p == 0 || 128 * n * r > MEMORY_MAX || n * r * p > MEMORY_MAX / 32)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "%s: scrypt with n %" PRIu64 ", r %" PRIu64 ", p %" PRIu64
                        "; n is a power of two from 2^%u to 2^%u, and all take at most 1 GiB",
                        what, n, r, p, SLK_SCRYPT_LOG_MIN, SLK_SCRYPT_LOG_MAX);
    file->n = (uint32_t)n;
    file->r = (uint32_t)r;
    file->p = (uint32_t)p;
    SLK_TRY(slk_flat_hex(&f[F_SALT], file->salt, sizeof file->salt, what, diag));
    SLK_TRY(slk_flat_hex(&f[F_NONCE], file->nonce, sizeof file->nonce, what, diag));
    SLK_TRY(slk_flat_hex(&f[F_BOX], file->box, sizeof file->box, what, diag));
out:
    return err;
}

/* All members of one form are there and none of the other. */
static slk_err_t check_form(const slk_flat_field_t *f, bool encrypted, slk_diag_t *diag)
{
    for (int i = F_SECRET; i < F_CNT; i++) {
        bool wanted = encrypted == (i != F_SECRET);
        if (wanted != (f[i].text != NULL))
            return slk_fail(diag, SLK_ERR_FORMAT, "%s: %s is %s", what, f[i].name,
                            wanted ? "missing" : "there, which does not go with its cipher");
    }
    return SLK_OK;
}

static slk_err_t parse_head(slk_key_file_t *file, const slk_flat_field_t *f, slk_diag_t *diag)
{
    uint64_t version;
    slk_err_t err = slk_flat_number(&f[F_VERSION], UINT32_MAX, &version, what, diag);
    if (err != SLK_OK)
        return err;
    if (version != VERSION)
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "%s: version %" PRIu64 "; this program reads version %d", what, version,
                        VERSION);
    char text[SLK_ADDRESS_TEXT_SZ];
    if (f[F_ADDRESS].len >= sizeof text)
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: address is too long", what);
    memcpy(text, f[F_ADDRESS].text, f[F_ADDRESS].len);
    text[f[F_ADDRESS].len] = 0;
    err = slk_address_from_text(&file->address, text, diag);
    if (err != SLK_OK)
        return err;
    bool bls = slk_flat_is(&f[F_TYPE], "bls");
    if (!bls && !slk_flat_is(&f[F_TYPE], "secp256k1"))
        return slk_fail(diag, SLK_ERR_UNSUPPORTED, "%s: type is not \"bls\" or \"secp256k1\"",
                        what);
    file->type = bls ? SLK_KEY_BLS : SLK_KEY_SECP256K1;
    if (!slk_address_defined(&file->address) ||
        slk_address_protocol(&file->address) != (bls ? SLK_ADDRESS_BLS : SLK_ADDRESS_SECP256K1))
        return slk_fail(diag, SLK_ERR_FORMAT, "%s: the address is not one of a %s key", what,
                        slk_key_type_text(file->type));
    return SLK_OK;
}

slk_err_t slk_key_file_parse(slk_key_file_t *file, const char *text, size_t len, slk_diag_t *diag)
{
    slk_flat_field_t f[F_CNT] = {
        [F_VERSION] = {.name = "selkie-key", .number = true},
        [F_ADDRESS] = {.name = "address"},
        [F_TYPE] = {.name = "type"},
        [F_CIPHER] = {.name = "cipher"},
        [F_SECRET] = {.name = "secret", .optional = true},
        [F_KDF] = {.name = "kdf", .optional = true},
        [F_N] = {.name = "n", .number = true, .optional = true},
        [F_R] = {.name = "r", .number = true, .optional = true},
        [F_P] = {.name = "p", .number = true, .optional = true},
        [F_SALT] = {.name = "salt", .optional = true},
        [F_NONCE] = {.name = "nonce", .optional = true},
        [F_BOX] = {.name = "box", .optional = true},
    };
    slk_err_t err = SLK_OK;
    memset(file, 0, sizeof *file);
    SLK_TRY(slk_flat_json(f, F_CNT, text, len, what, diag));
    SLK_TRY(parse_head(file, f, diag));
    file->encrypted = slk_flat_is(&f[F_CIPHER], CIPHER);
    if (!file->encrypted && !slk_flat_is(&f[F_CIPHER], "none"))
        return slk_fail(diag, SLK_ERR_UNSUPPORTED, "%s: cipher is not \"" CIPHER "\" or \"none\"",
                        what);
    SLK_TRY(check_form(f, file->encrypted, diag));
    if (file->encrypted)
        SLK_TRY(parse_scrypt(file, f, diag));
    else
        SLK_TRY(slk_flat_hex(&f[F_SECRET], file->secret, sizeof file->secret, what, diag));
out:
    return err;
}

/* --- Encryption ------------------------------------------------------------------------------------- */

static slk_err_t derive(uint8_t key[32], const slk_key_file_t *file, slk_passphrase_t passphrase,
                        slk_diag_t *diag)
{
    uint64_t memory = 128ull * file->r * (file->n + file->p) + MEMORY_MORE;
    if (EVP_PBE_scrypt(passphrase.text, passphrase.len, file->salt, sizeof file->salt, file->n,
                       file->r, file->p, memory, key, 32) != 1)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s of %s: scrypt failed; it needs %" PRIu64 " MiB",
                        what, slk_address_text(&file->address, SLK_MAINNET).s, memory >> 20);
    return SLK_OK;
}

/* box <- secret (seal) or secret <- box; false: the tag is wrong or OpenSSL failed. */
static bool run_cipher(slk_key_file_t *file, const uint8_t key[32], uint8_t secret[SLK_SECRET_SZ],
                       bool seal)
{
    char head[SLK_KEY_FILE_SZ];
    int head_len = (int)format_head(head, file), len = 0;
    uint8_t *tag = file->box + SLK_SECRET_SZ, *out = seal ? file->box : secret;
    const uint8_t *in = seal ? secret : file->box;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx &&
              EVP_CipherInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, file->nonce, seal) == 1 &&
              (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SZ, tag) == 1) &&
              EVP_CipherUpdate(ctx, NULL, &len, (uint8_t *)head, head_len) == 1 &&
              EVP_CipherUpdate(ctx, out, &len, in, SLK_SECRET_SZ) == 1 && len == SLK_SECRET_SZ &&
              EVP_CipherFinal_ex(ctx, out + len, &len) == 1 && len == 0 &&
              (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SZ, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

slk_err_t slk_key_file_seal(slk_key_file_t *file, const slk_key_t *key, slk_passphrase_t passphrase,
                            unsigned scrypt_log, slk_diag_t *diag)
{
    SLK_ASSERT(scrypt_log >= SLK_SCRYPT_LOG_MIN && scrypt_log <= SLK_SCRYPT_LOG_MAX);
    if (!passphrase.text || passphrase.len == 0)
        return slk_fail(diag, SLK_ERR_INPUT, "keystore: the passphrase is empty");
    memset(file, 0, sizeof *file);
    file->address = slk_key_address(key);
    file->type = key->type;
    file->encrypted = true;
    file->n = 1u << scrypt_log;
    file->r = SCRYPT_R;
    file->p = SCRYPT_P;
    if (getrandom(file->salt, sizeof file->salt, 0) != (ssize_t)sizeof file->salt ||
        getrandom(file->nonce, sizeof file->nonce, 0) != (ssize_t)sizeof file->nonce)
        return slk_fail(diag, SLK_ERR_IO, "getrandom for a key file: %s", strerror(errno));
    uint8_t cipher_key[32], secret[SLK_SECRET_SZ];
    slk_err_t err = derive(cipher_key, file, passphrase, diag);
    memcpy(secret, key->secret, sizeof secret);
    if (err == SLK_OK && !run_cipher(file, cipher_key, secret, true))
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: OpenSSL could not encrypt it", what);
    explicit_bzero(cipher_key, sizeof cipher_key);
    explicit_bzero(secret, sizeof secret);
    return err;
}

void slk_key_file_plain(slk_key_file_t *file, const slk_key_t *key)
{
    memset(file, 0, sizeof *file);
    file->address = slk_key_address(key);
    file->type = key->type;
    memcpy(file->secret, key->secret, sizeof file->secret);
}

static slk_err_t open_box(uint8_t secret[SLK_SECRET_SZ], const slk_key_file_t *file,
                          slk_passphrase_t passphrase, slk_diag_t *diag)
{
    if (!passphrase.text || passphrase.len == 0)
        return slk_fail(diag, SLK_ERR_PERM, "key of %s: encrypted, and there is no passphrase",
                        slk_address_text(&file->address, SLK_MAINNET).s);
    uint8_t cipher_key[32];
    slk_err_t err = derive(cipher_key, file, passphrase, diag);
    slk_key_file_t copy = *file;
    if (err == SLK_OK && !run_cipher(&copy, cipher_key, secret, false))
        err =
            slk_fail(diag, SLK_ERR_PERM,
                     "key of %s: wrong passphrase (or its file was changed); nothing was decrypted",
                     slk_address_text(&file->address, SLK_MAINNET).s);
    explicit_bzero(cipher_key, sizeof cipher_key);
    return err;
}

slk_err_t slk_key_file_open(slk_key_t *key, const slk_key_file_t *file, slk_passphrase_t passphrase,
                            slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    uint8_t secret[SLK_SECRET_SZ];
    if (file->encrypted)
        SLK_TRY(open_box(secret, file, passphrase, diag));
    else
        memcpy(secret, file->secret, sizeof secret);
    SLK_TRY(slk_key_from_secret(key, file->type, secret, diag));
    slk_address_t address = slk_key_address(key);
    if (!slk_address_eq(&address, &file->address)) {
        slk_key_wipe(key);
        err = slk_fail(diag, SLK_ERR_MISMATCH, "key file of %s: holds the key of %s",
                       slk_address_text(&file->address, SLK_MAINNET).s,
                       slk_address_text(&address, SLK_MAINNET).s);
    }
out:
    explicit_bzero(secret, sizeof secret);
    return err;
}
