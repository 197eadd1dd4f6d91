#include "codec/address.h"

#include "base/assert.h"
#include "codec/base32.h"
#include "codec/varint.h"

#include <blake2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKSUM_SZ    4u
#define HASH_SZ        20u
#define BLS_SZ         48u
#define SUBADDRESS_MAX 54u
#define TEXT_MAX       115u
#define ID_DIGITS_MAX  19u
#define UNDEFINED_TEXT "<empty>"

static void hash(uint8_t *out, size_t out_len, const void *in, size_t len)
{
    SLK_ASSERT(blake2b(out, in, NULL, out_len, len, 0) == 0);
}

slk_address_t slk_address_id(uint64_t id)
{
    slk_address_t a = {.b = {SLK_ADDRESS_ID}};
    a.len = (uint8_t)(1 + slk_varint_put(a.b + 1, id));
    return a;
}

static slk_address_t of_hash(slk_address_protocol_t protocol, const void *data, size_t len)
{
    slk_address_t a = {.len = 1 + HASH_SZ, .b = {(uint8_t)protocol}};
    hash(a.b + 1, HASH_SZ, data, len);
    return a;
}

slk_address_t slk_address_secp256k1(const uint8_t key[65])
{
    return of_hash(SLK_ADDRESS_SECP256K1, key, 65);
}

slk_address_t slk_address_actor(const void *data, size_t len)
{
    return of_hash(SLK_ADDRESS_ACTOR, data, len);
}

slk_address_t slk_address_bls(const uint8_t key[48])
{
    slk_address_t a = {.len = 1 + BLS_SZ, .b = {SLK_ADDRESS_BLS}};
    memcpy(a.b + 1, key, BLS_SZ);
    return a;
}

slk_address_t slk_address_delegated(uint64_t space, const void *sub, size_t len)
{
    SLK_ASSERT(len <= SUBADDRESS_MAX);
    slk_address_t a = {.b = {SLK_ADDRESS_DELEGATED}};
    size_t n = 1 + slk_varint_put(a.b + 1, space);
    if (len)
        memcpy(a.b + n, sub, len);
    a.len = (uint8_t)(n + len);
    return a;
}

slk_address_protocol_t slk_address_protocol(const slk_address_t *a)
{
    SLK_ASSERT(a->len);
    return (slk_address_protocol_t)a->b[0];
}

bool slk_address_to_id(const slk_address_t *a, uint64_t *id)
{
    return a->len && a->b[0] == SLK_ADDRESS_ID && slk_varint_get(id, a->b + 1, a->len - 1u);
}

bool slk_address_is_key(const slk_address_t *a)
{
    return a->len && (a->b[0] == SLK_ADDRESS_SECP256K1 || a->b[0] == SLK_ADDRESS_BLS ||
                      a->b[0] == SLK_ADDRESS_DELEGATED);
}

bool slk_address_eq(const slk_address_t *a, const slk_address_t *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

int slk_address_cmp(const slk_address_t *a, const slk_address_t *b)
{
    int order = memcmp(a->b, b->b, a->len < b->len ? a->len : b->len);
    return order ? order : (int)a->len - (int)b->len;
}

slk_err_t slk_address_from_bytes(slk_address_t *a, const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *in = bytes;
    if (len == 0 || len > SLK_ADDRESS_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "address of %zu bytes, expected 1 to %d", len,
                        SLK_ADDRESS_MAX);
    uint64_t v;
    size_t body = len - 1, n = slk_varint_get(&v, in + 1, body);
    bool ok = false;
    switch (in[0]) {
    case SLK_ADDRESS_ID:
        ok = n && n == body;
        break;
    case SLK_ADDRESS_SECP256K1:
    case SLK_ADDRESS_ACTOR:
        ok = body == HASH_SZ;
        break;
    case SLK_ADDRESS_BLS:
        ok = body == BLS_SZ;
        break;
    case SLK_ADDRESS_DELEGATED:
        ok = n && body - n <= SUBADDRESS_MAX;
        break;
    default:
        return slk_fail(diag, SLK_ERR_FORMAT, "address of protocol %u, expected 0 to 4", in[0]);
    }
    if (!ok)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "address of protocol %u with a payload of %zu bytes, which it cannot have "
                        "or which is not in its shortest form",
                        in[0], body);
    slk_address_t read = {.len = (uint8_t)len};
    memcpy(read.b, in, len);
    *a = read;
    return SLK_OK;
}

/* Decimal digits up to a character that is none; false: no digit, too many, 2^63 or more. */
static bool read_decimal(uint64_t *v, const char **text)
{
    const char *at = *text;
    *v = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if ((size_t)(at - *text) == ID_DIGITS_MAX)
            return false;
        *v = *v * 10 + (uint64_t)(*at - '0');
    }
    bool ok = at != *text && *v >> 63 == 0;
    *text = at;
    return ok;
}

/* Base32 of a payload with its checksum, appended to the head already in a; the checksum of the
 * whole is compared. */
static const char *read_checked(slk_address_t *a, const char *text)
{
    uint8_t bytes[SLK_ADDRESS_MAX + CHECKSUM_SZ], sum[CHECKSUM_SZ];
    size_t len;
    if (slk_base32_decode(bytes, sizeof bytes, &len, text, strlen(text)) != SLK_BASE32_OK)
        return "is no base32 (a-z, 2-7) of the right length";
    if (len < CHECKSUM_SZ || a->len + len - CHECKSUM_SZ > SLK_ADDRESS_MAX)
        return "has not the length of its protocol";
    len -= CHECKSUM_SZ;
    memcpy(a->b + a->len, bytes, len);
    a->len = (uint8_t)(a->len + len);
    hash(sum, CHECKSUM_SZ, a->b, a->len);
    return memcmp(sum, bytes + len, CHECKSUM_SZ) ? "has a wrong checksum: is it mistyped?" : NULL;
}

/* What is wrong with the text behind the network's letter; NULL: nothing. */
static const char *read_text(slk_address_t *a, const char *text)
{
    uint64_t v;
    unsigned protocol = (unsigned)(text[0] - '0');
    if (protocol > SLK_ADDRESS_DELEGATED)
        return "has no protocol 0 to 4 behind the letter";
    text++;
    *a = (slk_address_t){.len = 1, .b = {(uint8_t)protocol}};
    if (protocol == SLK_ADDRESS_ID) {
        if (!read_decimal(&v, &text) || *text)
            return "has no number below 2^63 behind the protocol";
        *a = slk_address_id(v);
        return NULL;
    }
    if (protocol == SLK_ADDRESS_DELEGATED) {
        if (!read_decimal(&v, &text) || *text++ != 'f')
            return "has no namespace and 'f' behind the protocol";
        *a = slk_address_delegated(v, NULL, 0);
    }
    return read_checked(a, text);
}

slk_err_t slk_address_from_text(slk_address_t *a, const char *text, slk_diag_t *diag)
{
    *a = (slk_address_t){0};
    if (!*text || strcmp(text, UNDEFINED_TEXT) == 0)
        return SLK_OK;
    if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "address text of more than %u characters", TEXT_MAX);
    if (text[0] != SLK_MAINNET && text[0] != SLK_TESTNET)
        return slk_fail(diag, SLK_ERR_FORMAT, "address \"%s\" does not begin with f or t", text);
    slk_address_t read;
    const char *wrong = read_text(&read, text + 1);
    if (wrong)
        return slk_fail(diag, SLK_ERR_FORMAT, "address \"%s\" %s", text, wrong);
    slk_err_t err = slk_address_from_bytes(&read, read.b, read.len, diag);
    if (err != SLK_OK)
        return err;
    slk_address_text_t again = slk_address_text(&read, (slk_network_t)text[0]);
    if (strcmp(again.s, text) != 0)
        return slk_fail(diag, SLK_ERR_FORMAT, "address \"%s\" is written as \"%s\"", text, again.s);
    *a = read;
    return SLK_OK;
}

void slk_address_to_text(char out[SLK_ADDRESS_TEXT_SZ], const slk_address_t *a,
                         slk_network_t network)
{
    if (!a->len) {
        strcpy(out, UNDEFINED_TEXT);
        return;
    }
    uint64_t v = 0;
    size_t head = 1;
    int n = snprintf(out, SLK_ADDRESS_TEXT_SZ, "%c%u", (char)network, a->b[0]);
    if (a->b[0] == SLK_ADDRESS_ID) {
        slk_varint_get(&v, a->b + 1, a->len - 1u);
        snprintf(out + n, SLK_ADDRESS_TEXT_SZ - (size_t)n, "%" PRIu64, v);
        return;
    }
    if (a->b[0] == SLK_ADDRESS_DELEGATED) {
        head += slk_varint_get(&v, a->b + 1, a->len - 1u);
        n += snprintf(out + n, SLK_ADDRESS_TEXT_SZ - (size_t)n, "%" PRIu64 "f", v);
    }
    uint8_t bytes[SLK_ADDRESS_MAX + CHECKSUM_SZ];
    size_t len = a->len - head;
    memcpy(bytes, a->b + head, len);
    hash(bytes + len, CHECKSUM_SZ, a->b, a->len);
    slk_base32_encode(out + n, bytes, len + CHECKSUM_SZ);
}

slk_address_text_t slk_address_text(const slk_address_t *a, slk_network_t network)
{
    slk_address_text_t text;
    slk_address_to_text(text.s, a, network);
    return text;
}

slk_err_t slk_cbor_address(slk_cbor_t *r, slk_address_t *a)
{
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r, &span, SLK_ADDRESS_MAX);
    return err == SLK_OK ? slk_address_from_bytes(a, span.b, span.len, r->diag) : err;
}

void slk_cbor_put_address(slk_buf_t *buf, const slk_address_t *a)
{
    SLK_ASSERT(a->len);
    slk_cbor_put_bytes(buf, a->b, a->len);
}
