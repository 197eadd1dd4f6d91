#include "selkie/cid.h"

#include "base/assert.h"
#include "codec/base32.h"
#include "codec/varint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CID_VERSION 1u
#define BYTES_MAX                                                                                  \
    80u /* more than a CID of a commitment has, so that longer ones get a fitting message */

static const struct {
    const char *what;
    uint64_t codec, hash;
    const char *codec_name, *hash_name, *prefix;
} kinds[] = {
    [SLK_CID_UNSEALED] = {"a piece or an unsealed sector", 0xf101, 0x1012,
                          "fil-commitment-unsealed", "sha2-256-trunc254-padded", "baga6ea4seaq"},
    [SLK_CID_SEALED] = {"a sealed sector", 0xf102, 0xb401, "fil-commitment-sealed",
                        "poseidon-bls12_381-a2-fc1", "bagboea4b5abc"},
};

void slk_cid_format(char out[SLK_CID_STR_SZ], slk_cid_kind_t kind, const slk_node_t *comm)
{
    uint8_t buf[4 * SLK_VARINT_SZ + SLK_NODE_SZ];
    size_t n = slk_varint_put(buf, CID_VERSION);
    n += slk_varint_put(buf + n, kinds[kind].codec);
    n += slk_varint_put(buf + n, kinds[kind].hash);
    n += slk_varint_put(buf + n, SLK_NODE_SZ);
    memcpy(buf + n, comm->b, SLK_NODE_SZ);
    n += SLK_NODE_SZ;
    _Static_assert(1 + SLK_BASE32_LEN(sizeof buf) < SLK_CID_STR_SZ, "text fits");
    out[0] = 'b';
    slk_base32_encode(out + 1, buf, n);
}

/* The beginning of a text from outside, fit for a message. */
typedef struct {
    char s[SLK_CID_STR_SZ + 4];
} shown_t;

static shown_t shown(const char *text)
{
    shown_t out;
    size_t n = strnlen(text, SLK_CID_STR_SZ);
    for (size_t i = 0; i < n; i++)
        out.s[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';
    strcpy(out.s + n, text[n] ? "..." : "");
    return out;
}

static slk_err_t decode_text(uint8_t *buf, size_t *len, slk_cid_kind_t kind, const char *text,
                             slk_diag_t *diag)
{
    if (text[0] != 'b')
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID \"%s\": does not begin with 'b' (version 1 in lower-case base32); "
                        "expected the CID of %s, %s...",
                        shown(text).s, kinds[kind].what, kinds[kind].prefix);
    switch (slk_base32_decode(buf, BYTES_MAX, len, text + 1, strlen(text + 1))) {
    case SLK_BASE32_OK:
        return SLK_OK;
    case SLK_BASE32_CHAR:
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID \"%s\": character %zu is not of base32, expected a-z or 2-7",
                        shown(text).s, *len + 2);
    case SLK_BASE32_LENGTH:
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID \"%s\": %zu characters are no whole number of bytes; is one missing?",
                        shown(text).s, strlen(text));
    case SLK_BASE32_BITS:
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID \"%s\": the last character holds bits behind the last byte, expected "
                        "zeros there; check it for a mistyped or missing character",
                        shown(text).s);
    case SLK_BASE32_ROOM:
        break;
    }
    return slk_fail(diag, SLK_ERR_FORMAT,
                    "CID \"%s\": more than %u bytes, expected one digest of %u bytes",
                    shown(text).s, BYTES_MAX, SLK_NODE_SZ);
}

slk_err_t slk_cid_parse(slk_node_t *comm, slk_cid_kind_t kind, const char *text, slk_diag_t *diag)
{
    uint8_t buf[BYTES_MAX];
    size_t len;
    slk_err_t err = decode_text(buf, &len, kind, text, diag);
    if (err != SLK_OK)
        return err;

    const struct {
        const char *name;
        uint64_t want;
        const char *want_name;
    } fields[] = {{"version", CID_VERSION, "CIDv1"},
                  {"codec", kinds[kind].codec, kinds[kind].codec_name},
                  {"hash", kinds[kind].hash, kinds[kind].hash_name},
                  {"digest length", SLK_NODE_SZ, "32 bytes"}};
    size_t at = 0;
    for (size_t i = 0; i < SLK_COUNT(fields); i++) {
        uint64_t v;
        size_t n = slk_varint_get(&v, buf + at, len - at);
        if (!n)
            return slk_fail(
                diag, SLK_ERR_FORMAT,
                "CID \"%s\": %s is no complete varint in shortest form, expected 0x%" PRIx64
                " (%s)",
                shown(text).s, fields[i].name, fields[i].want, fields[i].want_name);
        if (v != fields[i].want)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "CID \"%s\": %s 0x%" PRIx64 ", expected 0x%" PRIx64
                            " (%s); give the CID of %s, %s...",
                            shown(text).s, fields[i].name, v, fields[i].want, fields[i].want_name,
                            kinds[kind].what, kinds[kind].prefix);
        at += n;
    }
    if (len - at != SLK_NODE_SZ)
        return slk_fail(diag, SLK_ERR_FORMAT, "CID \"%s\": the digest has %zu bytes, expected %u",
                        shown(text).s, len - at, SLK_NODE_SZ);
    memcpy(comm->b, buf + at, SLK_NODE_SZ);
    return SLK_OK;
}
