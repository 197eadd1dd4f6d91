#include "net/token.h"

#include "base/assert.h"
#include "base/file.h"
#include "net/base64url.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAC_LEN      32
#define KEY_FILE_MAX 4096
/* Quoted: twelve characters for four bytes of UTF-8 at most, and what needs six for one is refused. */
#define NAME_TEXT_MAX (2 + 3 * SLK_TOKEN_NAME_MAX)

static const char *const perm_names[SLK_PERM_CNT] = {"read", "write", "sign", "admin", "worker"};

const char *slk_perm_name(slk_perms_t perm)
{
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (perm == 1u << i)
            return perm_names[i];
    SLK_ASSERT(!"one right");
    return NULL;
}

slk_perms_t slk_perm_from_name(const char *name)
{
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (!strcmp(name, perm_names[i]))
            return 1u << i;
    return SLK_PERM_NONE;
}

slk_perms_t slk_perms_upto(slk_perms_t level)
{
    if (level == SLK_PERM_WORKER)
        return level;
    return level ? level | (level - 1) : SLK_PERM_NONE;
}

/* --- Keys ---------------------------------------------------------------------------------- */

slk_err_t slk_token_key_new(slk_token_key_t *key, slk_diag_t *diag)
{
    *key = (slk_token_key_t){.len = 32};
    if (RAND_bytes(key->bytes, (int)key->len) != 1)
        return slk_fail(diag, SLK_ERR_IO, "the system gives no random bytes for a token key");
    return SLK_OK;
}

void slk_token_key_wipe(slk_token_key_t *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

static slk_err_t read_key(slk_token_key_t *key, const char *path, slk_diag_t *diag)
{
    char *text = NULL;
    size_t len = 0;
    json_t *root = NULL;
    slk_err_t err = SLK_OK;
    uint8_t bytes[SLK_TOKEN_KEY_MAX + 3];
    SLK_TRY(slk_read_file(&text, &len, path, KEY_FILE_MAX, diag));
    root = json_loadb(text, len, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "Type"));
    const char *secret = json_string_value(json_object_get(root, "PrivateKey"));
    size_t secret_len = secret ? strlen(secret) : 0;
    if (!type || strcmp(type, "jwt-hmac-secret") || secret_len % 4 || secret_len < 24 ||
        secret_len / 4 * 3 > sizeof bytes) {
        err = slk_fail(diag, SLK_ERR_FORMAT,
                       "%s: expected {\"Type\":\"jwt-hmac-secret\",\"PrivateKey\":base64 of 16 to "
                       "256 bytes}; remove the file to have a new key made (old tokens end then)",
                       path);
        goto out;
    }
    int n = EVP_DecodeBlock(bytes, (const uint8_t *)secret, (int)secret_len);
    n -= secret[secret_len - 1] == '=' ? (secret[secret_len - 2] == '=' ? 2 : 1) : 0;
    if (n < 16 || n > SLK_TOKEN_KEY_MAX) {
        err =
            slk_fail(diag, SLK_ERR_FORMAT, "%s: PrivateKey is not base64 of 16 to 256 bytes", path);
        goto out;
    }
    *key = (slk_token_key_t){.len = (uint32_t)n};
    memcpy(key->bytes, bytes, (size_t)n);
out:
    OPENSSL_cleanse(bytes, sizeof bytes);
    json_decref(root);
    if (text)
        OPENSSL_cleanse(text, len);
    free(text);
    return err;
}

/* Write the complete file beside path, then link it: link refuses where a file is, so that of
 * several makers only the first wins. */
static slk_err_t make_key(const char *path, slk_diag_t *diag)
{
    char tmp[4096 + 32], text[SLK_TOKEN_KEY_MAX * 2], secret[SLK_TOKEN_KEY_MAX * 2];
    slk_token_key_t key = {.len = 0};
    slk_err_t err = SLK_OK;
    int fd = -1, len = snprintf(tmp, sizeof tmp, "%s.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof tmp - 8)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", path);
    strcat(tmp, ".XXXXXX");
    fd = mkostemp(tmp, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return slk_fail_errno(diag, "create", tmp);
    SLK_TRY(slk_token_key_new(&key, diag));
    EVP_EncodeBlock((uint8_t *)secret, key.bytes, (int)key.len);
    len = snprintf(text, sizeof text, "{\"Type\":\"jwt-hmac-secret\",\"PrivateKey\":\"%s\"}\n",
                   secret);
    SLK_TRY(slk_write_all(fd, text, (size_t)len, tmp, diag));
    if (fsync(fd))
        err = slk_fail_errno(diag, "sync", tmp);
    else if (link(tmp, path) && errno != EEXIST)
        err = slk_fail_errno(diag, "create", path);
    else
        err = slk_sync_parent(path, diag);
out:
    unlink(tmp);
    close(fd);
    slk_token_key_wipe(&key);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(secret, sizeof secret);
    return err;
}

slk_err_t slk_token_key_load(slk_token_key_t *key, const char *path, slk_diag_t *diag)
{
    if (access(path, F_OK)) {
        if (errno != ENOENT)
            return slk_fail_errno(diag, "look for", path);
        slk_err_t err = make_key(path, diag);
        if (err != SLK_OK)
            return err;
    }
    return read_key(key, path, diag);
}

/* --- Tokens -------------------------------------------------------------------------------- */

static void sign(uint8_t mac[MAC_LEN], const slk_token_key_t *key, const char *text, size_t len)
{
    SLK_ASSERT(key->len >= 16 && key->len <= SLK_TOKEN_KEY_MAX);
    unsigned mac_len = 0;
    SLK_ASSERT(
        HMAC(EVP_sha256(), key->bytes, (int)key->len, (const uint8_t *)text, len, mac, &mac_len) &&
        mac_len == MAC_LEN);
}

static bool id_is_good(const char *id)
{
    size_t len = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");
    return !id[len] && len < SLK_TOKEN_ID_MAX;
}

/* The text that is signed, and the signature behind it. */
static void put_token(char out[SLK_TOKEN_TEXT_MAX], const slk_token_key_t *key, const char *payload)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    uint8_t mac[MAC_LEN];
    slk_base64url_encode(out, header, sizeof header - 1);
    size_t end = strlen(out);
    out[end++] = '.';
    slk_base64url_encode(out + end, payload, strlen(payload));
    end += strlen(out + end);
    sign(mac, key, out, end);
    out[end++] = '.';
    slk_base64url_encode(out + end, mac, sizeof mac);
}

/* Room for the rights, an id and a name. */
#define PAYLOAD_MAX (128 + SLK_TOKEN_ID_MAX + NAME_TEXT_MAX)
_Static_assert(PAYLOAD_MAX * 4 / 3 + 128 < SLK_TOKEN_TEXT_MAX, "a token fits");

/* Its length. */
static size_t put_rights(char payload[PAYLOAD_MAX], slk_perms_t perms)
{
    const char *comma = "";
    size_t len = (size_t)snprintf(payload, PAYLOAD_MAX, "{\"Allow\":[");
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (perms & 1u << i) {
            len += (size_t)snprintf(payload + len, PAYLOAD_MAX - len, "%s\"%s\"", comma,
                                    perm_names[i]);
            comma = ",";
        }
    return len;
}

void slk_token_new(char out[SLK_TOKEN_TEXT_MAX], const slk_token_key_t *key, slk_perms_t perms)
{
    char payload[PAYLOAD_MAX];
    size_t len = put_rights(payload, perms);
    snprintf(payload + len, sizeof payload - len, "]}");
    put_token(out, key, payload);
}

slk_err_t slk_token_sign(char out[SLK_TOKEN_TEXT_MAX], const slk_token_key_t *key,
                         const slk_token_claims_t *claims, slk_diag_t *diag)
{
    char payload[PAYLOAD_MAX];
    json_t *name = json_string(claims->name);
    char *quoted = name ? json_dumps(name, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    json_decref(name);
    if (!quoted || !claims->id[0] || !id_is_good(claims->id) || strlen(quoted) > NAME_TEXT_MAX) {
        free(quoted);
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a token's name must be UTF-8 of at most %d bytes without control "
                        "characters, its id of letters, digits and -",
                        SLK_TOKEN_NAME_MAX - 1);
    }
    size_t len = put_rights(payload, claims->perms);
    snprintf(payload + len, sizeof payload - len, "],\"ID\":\"%s\",\"Name\":%s}", claims->id,
             quoted);
    put_token(out, key, payload);
    free(quoted);
    return SLK_OK;
}

/* The JSON object that a part of a token holds, NULL when it is none. */
static json_t *part_json(const char *text, size_t len)
{
    uint8_t bytes[SLK_TOKEN_TEXT_MAX];
    size_t cnt = 0;
    if (!slk_base64url_decode(bytes, sizeof bytes, &cnt, text, len))
        return NULL;
    json_t *root = json_loadb((const char *)bytes, cnt, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static bool header_is_hs256(const char *text, size_t len)
{
    json_t *root = part_json(text, len);
    const char *alg = json_string_value(json_object_get(root, "alg"));
    bool ok = alg && !strcmp(alg, "HS256");
    json_decref(root);
    return ok;
}

/* False: something else than a text that fits. */
static bool take_text(char *out, size_t cap, const json_t *value)
{
    if (!value)
        return true;
    if (!json_is_string(value) || json_string_length(value) >= cap)
        return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool take_claims(slk_token_claims_t *claims, const json_t *payload)
{
    const json_t *allow = json_object_get(payload, "Allow"), *item;
    size_t i;
    json_array_foreach(allow, i, item) if (json_is_string(item)) claims->perms |=
        slk_perm_from_name(json_string_value(item));
    return json_is_array(allow) &&
           take_text(claims->id, sizeof claims->id, json_object_get(payload, "ID")) &&
           take_text(claims->name, sizeof claims->name, json_object_get(payload, "Name")) &&
           id_is_good(claims->id);
}

slk_err_t slk_token_read(slk_token_claims_t *claims, const slk_token_key_t *key, const char *text,
                         size_t len, slk_diag_t *diag)
{
    static const char malformed[] = "jwt: malformed token";
    *claims = (slk_token_claims_t){.perms = SLK_PERM_NONE};
    const char *dot = len < SLK_TOKEN_TEXT_MAX ? memchr(text, '.', len) : NULL;
    const char *dot2 = dot ? memchr(dot + 1, '.', len - (size_t)(dot + 1 - text)) : NULL;
    if (!dot2)
        return slk_fail(diag, SLK_ERR_PERM, malformed);
    uint8_t theirs[MAC_LEN + 3], ours[MAC_LEN];
    size_t theirs_len = 0, signed_len = (size_t)(dot2 - text);
    if (!slk_base64url_decode(theirs, sizeof theirs, &theirs_len, dot2 + 1, len - signed_len - 1) ||
        !header_is_hs256(text, (size_t)(dot - text)))
        return slk_fail(diag, SLK_ERR_PERM, malformed);
    sign(ours, key, text, signed_len);
    if (theirs_len != MAC_LEN || CRYPTO_memcmp(ours, theirs, MAC_LEN))
        return slk_fail(diag, SLK_ERR_PERM, "jwt: HMAC verification failed");
    json_t *payload = part_json(dot + 1, (size_t)(dot2 - dot - 1));
    bool ok = take_claims(claims, payload);
    json_decref(payload);
    if (!ok)
        *claims = (slk_token_claims_t){.perms = SLK_PERM_NONE};
    return ok ? SLK_OK : slk_fail(diag, SLK_ERR_PERM, malformed);
}

slk_err_t slk_token_verify(slk_perms_t *perms, const slk_token_key_t *key, const char *text,
                           size_t len, slk_diag_t *diag)
{
    slk_token_claims_t claims;
    slk_err_t err = slk_token_read(&claims, key, text, len, diag);
    *perms = claims.perms;
    return err;
}
