#include "codec/record_impl.h"

#include "base/assert.h"

#include <string.h>

/* Memory for the text of one bitfield while it is written. */
#define BITFIELD_ROOM (2 * SLK_BITFIELD_ENCODED_MAX + 4096)

typedef struct {
    slk_buf_t *out;
    slk_diag_t *diag;
} writer_t;

typedef struct {
    slk_cbor_t *in;
    slk_arena_t *arena;
} reader_t;

/* --- One value of each kind ------------------------------------------------------------------------ */

#define PUT(name, type_t, call)                                                                    \
    static slk_err_t put_##name(writer_t *w, const void *value)                                    \
    {                                                                                              \
        const type_t *v = value;                                                                   \
        call;                                                                                      \
        return SLK_OK;                                                                             \
    }

PUT(u64, uint64_t, slk_cbor_put_uint(w->out, *v))
PUT(i64, int64_t, slk_cbor_put_int(w->out, *v))
PUT(bool, bool, slk_cbor_put_bool(w->out, *v))
PUT(hash, slk_node_t, slk_cbor_put_bytes(w->out, v->b, SLK_NODE_SZ))

static slk_err_t too_long(writer_t *w, size_t len, size_t max)
{
    return slk_fail(w->diag, SLK_ERR_FORMAT, "%zu bytes, expected at most %zu", len, max);
}

static slk_err_t put_bytes(writer_t *w, const void *value)
{
    const slk_bytes_t *v = value;
    if (v->len > SLK_CBOR_BYTES_MAX)
        return too_long(w, v->len, SLK_CBOR_BYTES_MAX);
    slk_cbor_put_bytes(w->out, v->b, v->len);
    return SLK_OK;
}

static slk_err_t put_text(writer_t *w, const void *value)
{
    const slk_bytes_t *v = value;
    if (v->len > SLK_CBOR_BYTES_MAX)
        return too_long(w, v->len, SLK_CBOR_BYTES_MAX);
    slk_cbor_put_text(w->out, (const char *)v->b, v->len);
    return SLK_OK;
}

static slk_err_t put_address(writer_t *w, const void *value)
{
    const slk_address_t *v = value;
    if (!v->len)
        return slk_fail(w->diag, SLK_ERR_FORMAT, "the address is undefined, expected one");
    slk_cbor_put_address(w->out, v);
    return SLK_OK;
}

static slk_err_t put_bigint(writer_t *w, const void *value)
{
    return slk_cbor_put_bigint(w->out, value, w->diag);
}

static slk_err_t put_cid(writer_t *w, const void *value)
{
    const slk_cid_t *v = value;
    if (!v->len)
        return slk_fail(w->diag, SLK_ERR_FORMAT, "the CID is undefined, expected one");
    slk_cbor_put_cid(w->out, v);
    return SLK_OK;
}

static slk_err_t put_signature(writer_t *w, const void *value)
{
    const slk_signature_t *v = value;
    uint8_t bytes[SLK_SIGNATURE_MAX] = {v->type};
    if (v->type < SLK_SIGNATURE_SECP256K1 || v->type > SLK_SIGNATURE_DELEGATED)
        return slk_fail(w->diag, SLK_ERR_FORMAT, "signature of type %u, expected 1 to 3", v->type);
    if (v->data.len >= sizeof bytes)
        return too_long(w, v->data.len, sizeof bytes - 1);
    if (v->data.len)
        memcpy(bytes + 1, v->data.b, v->data.len);
    slk_cbor_put_bytes(w->out, bytes, 1 + v->data.len);
    return SLK_OK;
}

static slk_err_t put_bitfield(writer_t *w, const void *value)
{
    slk_arena_t arena;
    const uint8_t *bytes;
    size_t len;
    slk_arena_init(&arena, BITFIELD_ROOM);
    slk_err_t err = slk_bitfield_encode(&bytes, &len, value, &arena, w->diag);
    if (err == SLK_OK)
        slk_cbor_put_bytes(w->out, bytes, len);
    slk_arena_free(&arena);
    return err;
}

static slk_err_t put_label(writer_t *w, const void *value)
{
    const slk_label_t *v = value;
    if (v->data.len > SLK_LABEL_MAX)
        return too_long(w, v->data.len, SLK_LABEL_MAX);
    return v->is_bytes ? put_bytes(w, &v->data) : put_text(w, &v->data);
}

static slk_err_t get_u64(reader_t *r, void *value)
{
    return slk_cbor_uint(r->in, value);
}

static slk_err_t get_i64(reader_t *r, void *value)
{
    return slk_cbor_int(r->in, value);
}

static slk_err_t get_bool(reader_t *r, void *value)
{
    return slk_cbor_bool(r->in, value);
}

static slk_err_t get_bytes(reader_t *r, void *value)
{
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r->in, &span, SLK_CBOR_BYTES_MAX);
    return err == SLK_OK ? slk_record_bytes(value, r->arena, span.b, span.len, r->in->diag) : err;
}

static slk_err_t get_text(reader_t *r, void *value)
{
    slk_bytes_t span;
    slk_err_t err = slk_cbor_text(r->in, &span, SLK_CBOR_BYTES_MAX);
    return err == SLK_OK ? slk_record_bytes(value, r->arena, span.b, span.len, r->in->diag) : err;
}

static slk_err_t get_hash(reader_t *r, void *value)
{
    slk_node_t *v = value;
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r->in, &span, SLK_NODE_SZ);
    if (err == SLK_OK && span.len != SLK_NODE_SZ)
        err =
            slk_fail(r->in->diag, SLK_ERR_FORMAT, "%zu bytes, expected %d", span.len, SLK_NODE_SZ);
    if (err == SLK_OK)
        memcpy(v->b, span.b, SLK_NODE_SZ);
    return err;
}

static slk_err_t get_address(reader_t *r, void *value)
{
    return slk_cbor_address(r->in, value);
}

static slk_err_t get_bigint(reader_t *r, void *value)
{
    return slk_cbor_bigint(r->in, value);
}

static slk_err_t get_cid(reader_t *r, void *value)
{
    return slk_cbor_cid(r->in, value);
}

static slk_err_t get_signature(reader_t *r, void *value)
{
    slk_signature_t *v = value;
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r->in, &span, SLK_SIGNATURE_MAX);
    if (err != SLK_OK)
        return err;
    if (!span.len || span.b[0] < SLK_SIGNATURE_SECP256K1 || span.b[0] > SLK_SIGNATURE_DELEGATED)
        return slk_fail(r->in->diag, SLK_ERR_FORMAT,
                        "the signature does not begin with a type of 1 to 3");
    v->type = span.b[0];
    return slk_record_bytes(&v->data, r->arena, span.b + 1, span.len - 1, r->in->diag);
}

static slk_err_t get_bitfield(reader_t *r, void *value)
{
    slk_bytes_t span;
    slk_err_t err = slk_cbor_bytes(r->in, &span, SLK_BITFIELD_ENCODED_MAX);
    return err == SLK_OK ? slk_bitfield_decode(value, span.b, span.len, r->arena, r->in->diag)
                         : err;
}

static slk_err_t get_label(reader_t *r, void *value)
{
    slk_label_t *v = value;
    slk_bytes_t span;
    v->is_bytes = slk_cbor_peek(r->in) == SLK_CBOR_BYTES;
    slk_err_t err = v->is_bytes ? slk_cbor_bytes(r->in, &span, SLK_LABEL_MAX)
                                : slk_cbor_text(r->in, &span, SLK_LABEL_MAX);
    return err == SLK_OK ? slk_record_bytes(&v->data, r->arena, span.b, span.len, r->in->diag)
                         : err;
}

static const struct {
    slk_err_t (*put)(writer_t *, const void *);
    slk_err_t (*get)(reader_t *, void *);
} kinds[SLK_KIND_COUNT] = {
    [SLK_KIND_U64] = {put_u64, get_u64},
    [SLK_KIND_I64] = {put_i64, get_i64},
    [SLK_KIND_BOOL] = {put_bool, get_bool},
    [SLK_KIND_BYTES] = {put_bytes, get_bytes},
    [SLK_KIND_TEXT] = {put_text, get_text},
    [SLK_KIND_HASH] = {put_hash, get_hash},
    [SLK_KIND_ADDRESS] = {put_address, get_address},
    [SLK_KIND_BIGINT] = {put_bigint, get_bigint},
    [SLK_KIND_CID] = {put_cid, get_cid},
    [SLK_KIND_SIGNATURE] = {put_signature, get_signature},
    [SLK_KIND_BITFIELD] = {put_bitfield, get_bitfield},
    [SLK_KIND_LABEL] = {put_label, get_label},
    [SLK_KIND_PEER_ID] = {put_bytes, get_bytes},
};

/* --- Rows and records ------------------------------------------------------------------------------ */

static slk_err_t put_record(writer_t *w, const slk_type_t *type, const void *record);
static slk_err_t get_record(reader_t *r, const slk_type_t *type, void *record);

static slk_err_t put_value(writer_t *w, const slk_row_t *row, const void *value)
{
    if (row->kind == SLK_KIND_RECORD)
        return put_record(w, row->type, value);
    SLK_ASSERT(kinds[row->kind].put);
    return kinds[row->kind].put(w, value);
}

static slk_err_t put_list(writer_t *w, const slk_row_t *row, const slk_any_list_t *list)
{
    if (list->count > SLK_CBOR_ELEMENTS_MAX)
        return slk_fail(w->diag, SLK_ERR_FORMAT, "%zu elements, expected at most %u", list->count,
                        SLK_CBOR_ELEMENTS_MAX);
    slk_cbor_put_array(w->out, list->count);
    size_t size = slk_kind_size(row);
    for (size_t i = 0; i < list->count; i++) {
        slk_err_t err = put_value(w, row, list->items + i * size);
        if (err != SLK_OK)
            return slk_record_in_element(w->diag, err, i);
    }
    return SLK_OK;
}

static slk_err_t put_row(writer_t *w, const slk_row_t *row, const void *value)
{
    const void *pointed;
    switch ((slk_shape_t)row->shape) {
    case SLK_SHAPE_LIST:
    case SLK_SHAPE_ARRAY:
        return put_list(w, row, value);
    case SLK_SHAPE_POINTER:
        memcpy(&pointed, value, sizeof pointed);
        value = pointed;
        break;
    case SLK_SHAPE_MAYBE:
        value = slk_kind_defined(row, value) ? value : NULL;
        break;
    case SLK_SHAPE_ONE:
        break;
    }
    if (value)
        return put_value(w, row, value);
    slk_cbor_put_null(w->out);
    return SLK_OK;
}

static slk_err_t put_record(writer_t *w, const slk_type_t *type, const void *record)
{
    SLK_ASSERT(type->form != SLK_FORM_OBJECT);
    if (type->form == SLK_FORM_TUPLE)
        slk_cbor_put_array(w->out, type->row_cnt);
    for (const slk_row_t *row = type->rows; row < type->rows + type->row_cnt; row++) {
        slk_err_t err = put_row(w, row, (const unsigned char *)record + row->offset);
        if (err != SLK_OK)
            return slk_record_in_field(w->diag, err, row);
    }
    return SLK_OK;
}

slk_err_t slk_record_encode(slk_buf_t *out, const slk_type_t *type, const void *record,
                            slk_diag_t *diag)
{
    writer_t w = {out, diag};
    size_t len = out->len;
    slk_err_t err = slk_record_in_type(diag, put_record(&w, type, record), type);
    if (err == SLK_OK)
        err = slk_buf_check(out, diag);
    if (err != SLK_OK)
        out->len = len;
    return err;
}

static slk_err_t get_value(reader_t *r, const slk_row_t *row, void *value)
{
    if (row->kind == SLK_KIND_RECORD)
        return get_record(r, row->type, value);
    SLK_ASSERT(kinds[row->kind].get);
    return kinds[row->kind].get(r, value);
}

static size_t least_of(const slk_row_t *row)
{
    const slk_row_t one = {.kind = row->kind, .shape = SLK_SHAPE_ONE, .type = row->type};
    const slk_type_t type = {.rows = &one, .row_cnt = 1, .form = SLK_FORM_BARE};
    return slk_record_least(&type);
}

static slk_err_t get_list(reader_t *r, const slk_row_t *row, slk_any_list_t *list)
{
    size_t count, left, size = slk_kind_size(row);
    void *items;
    slk_err_t err = slk_cbor_array(r->in, &count);
    if (err != SLK_OK || !count)
        return err;
    left = (size_t)(r->in->end - r->in->at);
    if (count > left / least_of(row))
        return slk_fail(r->in->diag, SLK_ERR_FORMAT,
                        "CBOR byte %zu: %zu elements of at least %zu bytes do not fit the %zu "
                        "bytes left",
                        (size_t)(r->in->at - r->in->begin), count, least_of(row), left);
    err = slk_record_alloc(&items, r->arena, row, count, r->in->diag);
    if (err != SLK_OK)
        return err;
    list->items = items;
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        err = get_value(r, row, list->items + i * size);
        if (err != SLK_OK)
            return slk_record_in_element(r->in->diag, err, i);
    }
    return SLK_OK;
}

static slk_err_t get_row(reader_t *r, const slk_row_t *row, void *value)
{
    void *pointed;
    slk_err_t err;
    switch ((slk_shape_t)row->shape) {
    case SLK_SHAPE_LIST:
    case SLK_SHAPE_ARRAY:
        return get_list(r, row, value);
    case SLK_SHAPE_POINTER:
        if (slk_cbor_null(r->in))
            return SLK_OK;
        err = slk_record_alloc(&pointed, r->arena, row, 1, r->in->diag);
        if (err != SLK_OK)
            return err;
        memcpy(value, &pointed, sizeof pointed);
        return get_value(r, row, pointed);
    case SLK_SHAPE_MAYBE:
        if (slk_cbor_null(r->in))
            return SLK_OK;
        break;
    case SLK_SHAPE_ONE:
        break;
    }
    return get_value(r, row, value);
}

/* Into zeroed memory. */
static slk_err_t get_record(reader_t *r, const slk_type_t *type, void *record)
{
    SLK_ASSERT(type->form != SLK_FORM_OBJECT);
    if (type->form == SLK_FORM_TUPLE) {
        slk_err_t err = slk_cbor_tuple(r->in, type->row_cnt);
        if (err != SLK_OK)
            return err;
    }
    for (const slk_row_t *row = type->rows; row < type->rows + type->row_cnt; row++) {
        slk_err_t err = get_row(r, row, (unsigned char *)record + row->offset);
        if (err != SLK_OK)
            return slk_record_in_field(r->in->diag, err, row);
    }
    return SLK_OK;
}

slk_err_t slk_record_read(void *record, const slk_type_t *type, slk_cbor_t *r, slk_arena_t *arena)
{
    reader_t reader = {r, arena};
    memset(record, 0, type->size);
    return slk_record_in_type(r->diag, get_record(&reader, type, record), type);
}

slk_err_t slk_record_decode(void *record, const slk_type_t *type, const void *bytes, size_t len,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    slk_cbor_t r = slk_cbor_reader(bytes, len, diag);
    slk_err_t err = slk_record_read(record, type, &r, arena);
    return err == SLK_OK ? slk_record_in_type(diag, slk_cbor_end(&r), type) : err;
}

slk_err_t slk_record_cid(slk_cid_t *cid, const slk_type_t *type, const void *record,
                         slk_diag_t *diag)
{
    slk_buf_t buf = {0};
    slk_err_t err = slk_record_encode(&buf, type, record, diag);
    if (err == SLK_OK)
        *cid = slk_cid_of_cbor(buf.bytes, buf.len);
    slk_buf_free(&buf);
    return err;
}
