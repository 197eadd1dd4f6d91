#include "crypto/keys/key_text.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/base64.h"
#include "crypto/keys/flat_json.h"

#include <stdio.h>
#include <string.h>

void slk_key_to_json(char out[SLK_KEY_JSON_SZ], const slk_key_t *key)
{
    char secret[SLK_BASE64_LEN(SLK_SECRET_SZ) + 1];
    slk_base64_encode(secret, key->secret, SLK_SECRET_SZ);
    int n = snprintf(out, SLK_KEY_JSON_SZ, "{\"Type\":\"%s\",\"PrivateKey\":\"%s\"}",
                     slk_key_type_text(key->type), secret);
    SLK_ASSERT(n > 0 && n < SLK_KEY_JSON_SZ);
    explicit_bzero(secret, sizeof secret);
}

void slk_key_export(char out[SLK_KEY_EXPORT_SZ], const slk_key_t *key)
{
    char json[SLK_KEY_JSON_SZ];
    slk_key_to_json(json, key);
    _Static_assert(2 * SLK_KEY_JSON_SZ <= SLK_KEY_EXPORT_SZ, "the hex fits");
    slk_hex_encode(out, json, strlen(json));
    explicit_bzero(json, sizeof json);
}

static slk_err_t read_json(slk_key_t *key, const char *text, size_t len, slk_diag_t *diag)
{
    slk_flat_field_t fields[] = {{.name = "Type"}, {.name = "PrivateKey"}};
    slk_err_t err = slk_flat_json(fields, SLK_COUNT(fields), text, len, "key", diag);
    if (err != SLK_OK)
        return err;
    slk_key_type_t type;
    if (slk_flat_is(&fields[0], "bls"))
        type = SLK_KEY_BLS;
    else if (slk_flat_is(&fields[0], "secp256k1"))
        type = SLK_KEY_SECP256K1;
    else
        return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                        "key: Type is \"%.*s\"; wallet keys of type \"bls\" and \"secp256k1\" are "
                        "supported",
                        (int)(fields[0].len < 32 ? fields[0].len : 32), fields[0].text);
    uint8_t secret[SLK_BASE64_ROOM(SLK_BASE64_LEN(SLK_SECRET_SZ))];
    size_t secret_len = 0;
    if (fields[1].len != SLK_BASE64_LEN(SLK_SECRET_SZ) ||
        !slk_base64_decode(secret, &secret_len, fields[1].text, fields[1].len) ||
        secret_len != SLK_SECRET_SZ)
        err = slk_fail(diag, SLK_ERR_FORMAT, "key: PrivateKey is not the base64 of %d bytes",
                       SLK_SECRET_SZ);
    else
        err = slk_key_from_secret(key, type, secret, diag);
    explicit_bzero(secret, sizeof secret);
    return err;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

slk_err_t slk_key_import(slk_key_t *key, const char *text, size_t len, slk_diag_t *diag)
{
    while (len > 0 && is_space(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_space(text[len - 1]))
        len--;
    if (len == 0 || len > SLK_KEY_TEXT_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "key: %zu bytes; an exported key has about 160", len);
    if (text[0] == '{')
        return read_json(key, text, len, diag);
    uint8_t json[SLK_KEY_TEXT_MAX / 2];
    slk_flat_field_t whole = {.name = "the text", .text = text, .len = len};
    slk_err_t err = SLK_ERR_FORMAT;
    if (len % 2 != 0)
        slk_fail(diag, err, "key: neither JSON nor hex of an even number of digits");
    else
        err = slk_flat_hex(&whole, json, len / 2, "key", diag);
    if (err == SLK_OK)
        err = read_json(key, (const char *)json, len / 2, diag);
    explicit_bzero(json, sizeof json);
    return err;
}
