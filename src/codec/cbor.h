#ifndef SLK_CODEC_CBOR_H
#define SLK_CODEC_CBOR_H

/* CBOR as chain objects have it (RFC 8949 core deterministic encoding, restricted as DAG-CBOR and
 * the limits of the node's own codec): definite lengths, shortest integers, arrays, byte strings,
 * UTF-8 text, true, false, null, and tag 42 for links. Floats, maps, other tags, undefined and
 * indefinite lengths are refused.
 *
 * The reader walks over bytes of the caller and allocates nothing; spans it hands out point into
 * them. Every error is SLK_ERR_FORMAT with a sentence that names the byte; after one the reader may
 * not be used again. */

#include "base/buf.h"
#include "codec/cid.h"

#define SLK_CBOR_ELEMENTS_MAX 8192u      /* of one array */
#define SLK_CBOR_BYTES_MAX    (2u << 20) /* of one byte string or text */
#define SLK_CBOR_DEPTH_MAX    32u        /* arrays within arrays, in slk_cbor_item */

/* Bytes that somebody else owns. */
typedef struct {
    const uint8_t *b;
    size_t len;
} slk_bytes_t;

typedef struct {
    const uint8_t *begin, *at, *end;
    slk_diag_t *diag; /* may be NULL */
} slk_cbor_t;

typedef enum {
    SLK_CBOR_UINT = 0,
    SLK_CBOR_NEGINT = 1,
    SLK_CBOR_BYTES = 2,
    SLK_CBOR_TEXT = 3,
    SLK_CBOR_ARRAY = 4,
    SLK_CBOR_MAP = 5,
    SLK_CBOR_TAG = 6,
    SLK_CBOR_SIMPLE = 7,
    SLK_CBOR_NOTHING = 8 /* the bytes end here */
} slk_cbor_major_t;

/* A reader of [bytes, bytes + len). */
slk_cbor_t slk_cbor_reader(const void *bytes, size_t len, slk_diag_t *diag);

/* What comes next, without reading it. */
slk_cbor_major_t slk_cbor_peek(const slk_cbor_t *r);

SLK_CHECK_RESULT slk_err_t slk_cbor_uint(slk_cbor_t *r, uint64_t *v);
SLK_CHECK_RESULT slk_err_t slk_cbor_int(slk_cbor_t *r, int64_t *v);
SLK_CHECK_RESULT slk_err_t slk_cbor_bool(slk_cbor_t *r, bool *v);

/* A byte string of at most max bytes; a text, checked to be UTF-8. */
SLK_CHECK_RESULT slk_err_t slk_cbor_bytes(slk_cbor_t *r, slk_bytes_t *bytes, size_t max);
SLK_CHECK_RESULT slk_err_t slk_cbor_text(slk_cbor_t *r, slk_bytes_t *text, size_t max);

/* The head of an array of any length up to SLK_CBOR_ELEMENTS_MAX that the remaining bytes can hold;
 * and of one of exactly `count` elements. The elements follow one by one. */
SLK_CHECK_RESULT slk_err_t slk_cbor_array(slk_cbor_t *r, size_t *count);
SLK_CHECK_RESULT slk_err_t slk_cbor_tuple(slk_cbor_t *r, size_t count);

/* Tag 42 and a byte string of 00 and a CID. */
SLK_CHECK_RESULT slk_err_t slk_cbor_cid(slk_cbor_t *r, slk_cid_t *cid);

/* Read a null if one comes next: true. */
bool slk_cbor_null(slk_cbor_t *r);

/* Any one item, checked by all rules above; *span (NULL: not wanted) is its bytes. */
SLK_CHECK_RESULT slk_err_t slk_cbor_item(slk_cbor_t *r, slk_bytes_t *span);

/* There is nothing more. */
SLK_CHECK_RESULT slk_err_t slk_cbor_end(slk_cbor_t *r);

/* Writers: append to a buffer. Lengths over the limits are a bug of the caller. */
void slk_cbor_put_uint(slk_buf_t *buf, uint64_t v);
void slk_cbor_put_int(slk_buf_t *buf, int64_t v);
void slk_cbor_put_bool(slk_buf_t *buf, bool v);
void slk_cbor_put_null(slk_buf_t *buf);
void slk_cbor_put_bytes(slk_buf_t *buf, const void *bytes, size_t len);
void slk_cbor_put_text(slk_buf_t *buf, const char *text, size_t len);
void slk_cbor_put_array(slk_buf_t *buf, size_t count);
void slk_cbor_put_cid(slk_buf_t *buf, const slk_cid_t *cid); /* a defined one */

#endif /* SLK_CODEC_CBOR_H */
