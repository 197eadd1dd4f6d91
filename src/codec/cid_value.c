#include "codec/cid.h"

#include "base/assert.h"
#include "codec/base32.h"
#include "codec/varint.h"

#include <blake2.h>
#include <string.h>

#define HASH_BLAKE2B_256 0xb220u
#define DIGEST_SZ        32u

slk_cid_t slk_cid_of_bytes(slk_cid_codec_t codec, const void *bytes, size_t len)
{
    slk_cid_t cid = {0};
    size_t n = slk_varint_put(cid.b, 1);
    n += slk_varint_put(cid.b + n, codec);
    n += slk_varint_put(cid.b + n, HASH_BLAKE2B_256);
    n += slk_varint_put(cid.b + n, DIGEST_SZ);
    SLK_ASSERT(blake2b(cid.b + n, bytes, NULL, DIGEST_SZ, len, 0) == 0);
    cid.len = (uint8_t)(n + DIGEST_SZ);
    return cid;
}

slk_err_t slk_cid_from_bytes(slk_cid_t *cid, const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *in = bytes;
    if (len > SLK_CID_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT, "CID of %zu bytes, expected at most %d", len,
                        SLK_CID_MAX);
    static const char *const names[] = {"version", "codec", "hash", "digest length"};
    uint64_t value[4];
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        size_t n = slk_varint_get(&value[i], in + at, len - at);
        if (!n)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "CID: the %s at byte %zu is no complete varint in shortest form",
                            names[i], at);
        at += n;
        if (i == 0 && value[0] != 1)
            return slk_fail(diag, SLK_ERR_FORMAT, "CID of version %llu, expected version 1",
                            (unsigned long long)value[0]);
    }
    if (value[3] != len - at)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID: the digest has %zu bytes, its length field says %llu", len - at,
                        (unsigned long long)value[3]);
    *cid = (slk_cid_t){.len = (uint8_t)len};
    memcpy(cid->b, in, len);
    return SLK_OK;
}

slk_err_t slk_cid_from_text(slk_cid_t *cid, const char *text, slk_diag_t *diag)
{
    uint8_t bytes[SLK_CID_MAX];
    size_t len;
    if (text[0] != 'b')
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID text does not begin with 'b' (version 1 in lower-case base32)");
    if (slk_base32_decode(bytes, sizeof bytes, &len, text + 1, strlen(text + 1)) != SLK_BASE32_OK)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "CID text \"%.80s\" is not base32 (a-z, 2-7) of at most %d bytes", text,
                        SLK_CID_MAX);
    return slk_cid_from_bytes(cid, bytes, len, diag);
}

void slk_cid_to_text(char out[SLK_CID_TEXT_SZ], const slk_cid_t *cid)
{
    _Static_assert(1 + SLK_BASE32_LEN(SLK_CID_MAX) < SLK_CID_TEXT_SZ, "text fits");
    out[0] = 0;
    if (!cid->len)
        return;
    out[0] = 'b';
    slk_base32_encode(out + 1, cid->b, cid->len);
}

slk_cid_text_t slk_cid_text(const slk_cid_t *cid)
{
    slk_cid_text_t text;
    slk_cid_to_text(text.s, cid);
    return text;
}

bool slk_cid_eq(const slk_cid_t *a, const slk_cid_t *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

int slk_cid_cmp(const slk_cid_t *a, const slk_cid_t *b)
{
    int order = memcmp(a->b, b->b, a->len < b->len ? a->len : b->len);
    return order ? order : (int)a->len - (int)b->len;
}

slk_cid_t slk_cid_of_commitment(slk_cid_kind_t kind, const slk_node_t *comm)
{
    char text[SLK_CID_STR_SZ];
    slk_cid_t cid;
    slk_cid_format(text, kind, comm);
    SLK_ASSERT(slk_cid_from_text(&cid, text, NULL) == SLK_OK);
    return cid;
}

slk_err_t slk_cid_to_commitment(slk_node_t *comm, slk_cid_kind_t kind, const slk_cid_t *cid,
                                slk_diag_t *diag)
{
    return slk_cid_parse(comm, kind, slk_cid_text(cid).s, diag);
}
