#include "codec/cbor.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <inttypes.h>
#include <string.h>

#define TAG_CID 42u
#define FALSE   20u
#define TRUE    21u
#define NIL     22u

static const char *const major_names[] = {"an unsigned integer",
                                          "a negative integer",
                                          "bytes",
                                          "a text",
                                          "an array",
                                          "a map",
                                          "a tag",
                                          "true, false, null or a float",
                                          "the end"};

slk_cbor_t slk_cbor_reader(const void *bytes, size_t len, slk_diag_t *diag)
{
    const uint8_t *begin = bytes;
    return (slk_cbor_t){
        .begin = begin, .at = begin, .end = len ? begin + len : begin, .diag = diag};
}

slk_cbor_major_t slk_cbor_peek(const slk_cbor_t *r)
{
    return r->at == r->end ? SLK_CBOR_NOTHING : (slk_cbor_major_t)(*r->at >> 5);
}

static slk_err_t unexpected(const slk_cbor_t *r, const char *wanted)
{
    return slk_fail(r->diag, SLK_ERR_FORMAT, "CBOR byte %zu: expected %s, found %s",
                    (size_t)(r->at - r->begin), wanted, major_names[slk_cbor_peek(r)]);
}

static size_t left(const slk_cbor_t *r)
{
    return (size_t)(r->end - r->at);
}

/* The head of an item of the given kind: its argument in shortest form. */
static slk_err_t head(slk_cbor_t *r, slk_cbor_major_t major, uint64_t *v)
{
    if (slk_cbor_peek(r) != major)
        return unexpected(r, major_names[major]);
    unsigned info = *r->at & 31;
    if (info < 24) {
        *v = info;
        r->at++;
        return SLK_OK;
    }
    if (info > 27)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: 0x%02x is an indefinite or reserved length, which no chain "
                        "object has",
                        (size_t)(r->at - r->begin), *r->at);
    unsigned n = 1u << (info - 24);
    if (left(r) < 1 + n)
        return slk_fail(r->diag, SLK_ERR_FORMAT, "CBOR byte %zu: cut off within an integer",
                        (size_t)(r->at - r->begin));
    *v = 0;
    for (unsigned i = 1; i <= n; i++)
        *v = *v << 8 | r->at[i];
    static const uint64_t least[] = {24, 1u << 8, 1u << 16, (uint64_t)1 << 32};
    if (*v < least[info - 24])
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: %" PRIu64 " is not in its shortest form",
                        (size_t)(r->at - r->begin), *v);
    r->at += 1 + n;
    return SLK_OK;
}

slk_err_t slk_cbor_uint(slk_cbor_t *r, uint64_t *v)
{
    return head(r, SLK_CBOR_UINT, v);
}

slk_err_t slk_cbor_int(slk_cbor_t *r, int64_t *v)
{
    slk_cbor_major_t major = slk_cbor_peek(r);
    if (major != SLK_CBOR_UINT && major != SLK_CBOR_NEGINT)
        return unexpected(r, "an integer");
    size_t at = (size_t)(r->at - r->begin);
    uint64_t u;
    slk_err_t err = head(r, major, &u);
    if (err != SLK_OK)
        return err;
    if (u > INT64_MAX)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: the integer does not fit 64 bits with a sign", at);
    *v = major == SLK_CBOR_UINT ? (int64_t)u : -1 - (int64_t)u;
    return SLK_OK;
}

/* One of true, false and null, if it comes next. */
static bool simple(slk_cbor_t *r, unsigned value)
{
    if (r->at == r->end || *r->at != (SLK_CBOR_SIMPLE << 5 | value))
        return false;
    r->at++;
    return true;
}

slk_err_t slk_cbor_bool(slk_cbor_t *r, bool *v)
{
    *v = simple(r, TRUE);
    return *v || simple(r, FALSE) ? SLK_OK : unexpected(r, "true or false");
}

bool slk_cbor_null(slk_cbor_t *r)
{
    return simple(r, NIL);
}

static slk_err_t string(slk_cbor_t *r, slk_cbor_major_t major, slk_bytes_t *span, size_t max)
{
    size_t at = (size_t)(r->at - r->begin);
    uint64_t len = 0;
    slk_err_t err = head(r, major, &len);
    if (err != SLK_OK)
        return err;
    if (max > SLK_CBOR_BYTES_MAX)
        max = SLK_CBOR_BYTES_MAX;
    if (len > max)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: %" PRIu64 " bytes, expected at most %zu", at, len, max);
    if (len > left(r))
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: cut off, %" PRIu64 " bytes should follow but %zu do", at,
                        len, left(r));
    *span = (slk_bytes_t){r->at, (size_t)len};
    r->at += len;
    return SLK_OK;
}

slk_err_t slk_cbor_bytes(slk_cbor_t *r, slk_bytes_t *bytes, size_t max)
{
    return string(r, SLK_CBOR_BYTES, bytes, max);
}

/* UTF-8 of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned c = s[i++];
        if (c < 0x80)
            continue;
        unsigned more = c < 0xc2 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 0;
        if (!more || more > len - i)
            return false;
        unsigned low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (s[i] < low || s[i] > high)
            return false;
        for (unsigned k = 1; k < more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        i += more;
    }
    return true;
}

slk_err_t slk_cbor_text(slk_cbor_t *r, slk_bytes_t *text, size_t max)
{
    size_t at = (size_t)(r->at - r->begin);
    slk_err_t err = string(r, SLK_CBOR_TEXT, text, max);
    if (err == SLK_OK && !is_utf8(text->b, text->len))
        err = slk_fail(r->diag, SLK_ERR_FORMAT, "CBOR byte %zu: the text is not UTF-8", at);
    return err;
}

slk_err_t slk_cbor_array(slk_cbor_t *r, size_t *count)
{
    size_t at = (size_t)(r->at - r->begin);
    uint64_t n = 0;
    slk_err_t err = head(r, SLK_CBOR_ARRAY, &n);
    if (err != SLK_OK)
        return err;
    if (n > SLK_CBOR_ELEMENTS_MAX)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: %" PRIu64 " elements, expected at most %u", at, n,
                        SLK_CBOR_ELEMENTS_MAX);
    if (n > left(r))
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: %" PRIu64 " elements do not fit the %zu bytes left", at, n,
                        left(r));
    *count = (size_t)n;
    return SLK_OK;
}

slk_err_t slk_cbor_tuple(slk_cbor_t *r, size_t count)
{
    size_t at = (size_t)(r->at - r->begin), n;
    slk_err_t err = slk_cbor_array(r, &n);
    if (err == SLK_OK && n != count)
        err = slk_fail(r->diag, SLK_ERR_FORMAT,
                       "CBOR byte %zu: an array of %zu, expected one of %zu", at, n, count);
    return err;
}

slk_err_t slk_cbor_cid(slk_cbor_t *r, slk_cid_t *cid)
{
    size_t at = (size_t)(r->at - r->begin);
    uint64_t tag;
    slk_bytes_t span;
    slk_err_t err = slk_cbor_peek(r) == SLK_CBOR_TAG ? head(r, SLK_CBOR_TAG, &tag)
                                                     : unexpected(r, "a link (tag 42)");
    if (err != SLK_OK)
        return err;
    if (tag != TAG_CID)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: tag %" PRIu64 ", expected 42 (a link)", at, tag);
    err = slk_cbor_bytes(r, &span, 1 + SLK_CID_MAX);
    if (err != SLK_OK)
        return err;
    if (span.len == 0 || span.b[0] != 0)
        return slk_fail(r->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: the bytes of a link do not begin with 00", at);
    return slk_cid_from_bytes(cid, span.b + 1, span.len - 1, r->diag);
}

static slk_err_t one_item(slk_cbor_t *r, size_t *more)
{
    slk_cbor_major_t major = slk_cbor_peek(r);
    uint64_t v;
    slk_bytes_t span;
    slk_cid_t cid;
    *more = 0;
    switch (major) {
    case SLK_CBOR_UINT:
    case SLK_CBOR_NEGINT:
        return head(r, major, &v);
    case SLK_CBOR_BYTES:
        return slk_cbor_bytes(r, &span, SLK_CBOR_BYTES_MAX);
    case SLK_CBOR_TEXT:
        return slk_cbor_text(r, &span, SLK_CBOR_BYTES_MAX);
    case SLK_CBOR_ARRAY:
        return slk_cbor_array(r, more);
    case SLK_CBOR_TAG:
        return slk_cbor_cid(r, &cid);
    case SLK_CBOR_SIMPLE:
        if (simple(r, FALSE) || simple(r, TRUE) || simple(r, NIL))
            return SLK_OK;
        break;
    case SLK_CBOR_MAP:
    case SLK_CBOR_NOTHING:
        break;
    }
    return unexpected(r, "an integer, bytes, a text, an array, a link, true, false or null");
}

slk_err_t slk_cbor_item(slk_cbor_t *r, slk_bytes_t *span)
{
    const uint8_t *begin = r->at;
    size_t open[SLK_CBOR_DEPTH_MAX + 1] = {1}, depth = 0; /* items still to come at each depth */
    for (;;) {
        while (open[depth] == 0) {
            if (depth-- == 0) {
                if (span)
                    *span = (slk_bytes_t){begin, (size_t)(r->at - begin)};
                return SLK_OK;
            }
        }
        open[depth]--;
        size_t more;
        slk_err_t err = one_item(r, &more);
        if (err != SLK_OK)
            return err;
        if (!more)
            continue;
        if (depth == SLK_CBOR_DEPTH_MAX)
            return slk_fail(r->diag, SLK_ERR_FORMAT,
                            "CBOR byte %zu: arrays within arrays more than %u deep",
                            (size_t)(r->at - r->begin), SLK_CBOR_DEPTH_MAX);
        open[++depth] = more;
    }
}

slk_err_t slk_cbor_end(slk_cbor_t *r)
{
    if (r->at == r->end)
        return SLK_OK;
    return slk_fail(r->diag, SLK_ERR_FORMAT,
                    "CBOR byte %zu: %zu bytes follow the end of the object",
                    (size_t)(r->at - r->begin), left(r));
}

static void put_head(slk_buf_t *buf, slk_cbor_major_t major, uint64_t v)
{
    uint8_t out[9];
    unsigned m = (unsigned)major << 5;
    if (v < 24) {
        slk_buf_put_byte(buf, (uint8_t)(m | v));
        return;
    }
    unsigned info = v < 1u << 8 ? 0 : v < 1u << 16 ? 1 : v >> 32 == 0 ? 2 : 3, n = 1u << info;
    out[0] = (uint8_t)(m | (24 + info));
    for (unsigned i = 0; i < n; i++)
        out[1 + i] = (uint8_t)(v >> 8 * (n - 1 - i));
    slk_buf_put(buf, out, 1 + n);
}

void slk_cbor_put_uint(slk_buf_t *buf, uint64_t v)
{
    put_head(buf, SLK_CBOR_UINT, v);
}

void slk_cbor_put_int(slk_buf_t *buf, int64_t v)
{
    if (v >= 0)
        put_head(buf, SLK_CBOR_UINT, (uint64_t)v);
    else
        put_head(buf, SLK_CBOR_NEGINT, ~(uint64_t)v);
}

void slk_cbor_put_bool(slk_buf_t *buf, bool v)
{
    put_head(buf, SLK_CBOR_SIMPLE, v ? TRUE : FALSE);
}

void slk_cbor_put_null(slk_buf_t *buf)
{
    put_head(buf, SLK_CBOR_SIMPLE, NIL);
}

void slk_cbor_put_bytes(slk_buf_t *buf, const void *bytes, size_t len)
{
    SLK_ASSERT(len <= SLK_CBOR_BYTES_MAX);
    put_head(buf, SLK_CBOR_BYTES, len);
    slk_buf_put(buf, bytes, len);
}

void slk_cbor_put_text(slk_buf_t *buf, const char *text, size_t len)
{
    SLK_ASSERT(len <= SLK_CBOR_BYTES_MAX);
    put_head(buf, SLK_CBOR_TEXT, len);
    slk_buf_put(buf, text, len);
}

void slk_cbor_put_array(slk_buf_t *buf, size_t count)
{
    SLK_ASSERT(count <= SLK_CBOR_ELEMENTS_MAX);
    put_head(buf, SLK_CBOR_ARRAY, count);
}

void slk_cbor_put_cid(slk_buf_t *buf, const slk_cid_t *cid)
{
    SLK_ASSERT(cid->len);
    put_head(buf, SLK_CBOR_TAG, TAG_CID);
    put_head(buf, SLK_CBOR_BYTES, 1u + cid->len);
    slk_buf_put_byte(buf, 0);
    slk_buf_put(buf, cid->b, cid->len);
}
