#include "codec/record_impl.h"

#include "base/assert.h"
#include "codec/base58.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    slk_network_t network;
    slk_diag_t *diag;
} writer_t;

typedef struct {
    slk_arena_t *arena;
    slk_diag_t *diag;
} reader_t;

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for JSON");
}

/* What came out of a jansson constructor. */
static slk_err_t made(writer_t *w, json_t **out, json_t *json)
{
    *out = json;
    return json ? SLK_OK : no_memory(w->diag);
}

static slk_err_t expected(reader_t *r, const char *what)
{
    return slk_fail(r->diag, SLK_ERR_FORMAT, "expected %s", what);
}

/* --- One value of each kind ------------------------------------------------------------------------ */

static slk_err_t put_u64(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, slk_json_of_u64(*(const uint64_t *)value));
}

static slk_err_t get_u64(reader_t *r, void *value, const json_t *json)
{
    return slk_json_u64(json, value) ? SLK_OK : expected(r, "an integer from 0 to 2^64 - 1");
}

static slk_err_t put_i64(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, json_integer(*(const int64_t *)value));
}

static slk_err_t get_i64(reader_t *r, void *value, const json_t *json)
{
    int64_t *v = value;
    if (!json_is_integer(json))
        return expected(r, "an integer from -2^63 to 2^63 - 1");
    *v = json_integer_value(json);
    return SLK_OK;
}

static slk_err_t put_bool(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, json_boolean(*(const bool *)value));
}

static slk_err_t get_bool(reader_t *r, void *value, const json_t *json)
{
    bool *v = value;
    if (!json_is_boolean(json))
        return expected(r, "true or false");
    *v = json_is_true(json);
    return SLK_OK;
}

static slk_err_t put_double(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, json_real(*(const double *)value));
}

static slk_err_t get_double(reader_t *r, void *value, const json_t *json)
{
    double *v = value;
    const char *digits = slk_json_digits(json);
    if (!digits && !json_is_number(json))
        return expected(r, "a number");
    *v = digits ? strtod(digits, NULL) : json_number_value(json);
    return SLK_OK;
}

static slk_err_t put_base64(writer_t *w, json_t **out, const uint8_t *bytes, size_t len)
{
    char *text = malloc(SLK_BASE64_LEN(len) + 1);
    if (!text)
        return no_memory(w->diag);
    slk_base64_encode(text, bytes, len);
    slk_err_t err = made(w, out, json_stringn(text, SLK_BASE64_LEN(len)));
    free(text);
    return err;
}

static slk_err_t put_bytes(writer_t *w, json_t **out, const void *value)
{
    const slk_bytes_t *v = value;
    return v->b ? put_base64(w, out, v->b, v->len) : made(w, out, json_null());
}

static slk_err_t get_bytes(reader_t *r, void *value, const json_t *json)
{
    slk_bytes_t *v = value;
    size_t text_len = json_string_length(json), len;
    if (!json_is_string(json))
        return expected(r, "bytes as a base64 text");
    uint8_t *bytes = slk_arena_alloc(r->arena, SLK_BASE64_ROOM(text_len) + 1);
    if (!bytes)
        return slk_record_no_room(r->arena, r->diag);
    if (!slk_base64_decode(bytes, &len, json_string_value(json), text_len))
        return expected(r, "base64 with padding");
    *v = (slk_bytes_t){bytes, len};
    return SLK_OK;
}

static slk_err_t put_text(writer_t *w, json_t **out, const void *value)
{
    const slk_bytes_t *v = value;
    return made(w, out, json_stringn(v->len ? (const char *)v->b : "", v->len));
}

static slk_err_t get_text(reader_t *r, void *value, const json_t *json)
{
    if (!json_is_string(json))
        return expected(r, "a text");
    return slk_record_bytes(value, r->arena, json_string_value(json), json_string_length(json),
                            r->diag);
}

static slk_err_t put_hash(writer_t *w, json_t **out, const void *value)
{
    return put_base64(w, out, ((const slk_node_t *)value)->b, SLK_NODE_SZ);
}

static slk_err_t get_hash(reader_t *r, void *value, const json_t *json)
{
    slk_bytes_t bytes = {0};
    slk_err_t err = get_bytes(r, &bytes, json);
    if (err == SLK_OK && bytes.len != SLK_NODE_SZ)
        err = expected(r, "32 bytes");
    if (err == SLK_OK)
        memcpy(value, bytes.b, SLK_NODE_SZ);
    return err;
}

static slk_err_t put_address(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, json_string(slk_address_text(value, w->network).s));
}

static slk_err_t get_address(reader_t *r, void *value, const json_t *json)
{
    if (!json_is_string(json))
        return expected(r, "an address as text");
    return slk_address_from_text(value, json_string_value(json), r->diag);
}

static slk_err_t put_bigint(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, json_string(slk_bigint_text(value).s));
}

static slk_err_t get_bigint(reader_t *r, void *value, const json_t *json)
{
    if (!json_is_string(json))
        return expected(r, "a big integer as decimal text");
    return slk_bigint_from_text(value, json_string_value(json), r->diag);
}

static slk_err_t put_cid(writer_t *w, json_t **out, const void *value)
{
    const slk_cid_t *v = value;
    if (!v->len)
        return made(w, out, json_null());
    return made(w, out, json_pack("{s:s}", "/", slk_cid_text(v).s));
}

static slk_err_t get_cid(reader_t *r, void *value, const json_t *json)
{
    const json_t *text = json_object_get(json, "/");
    if (!json_is_string(text))
        return expected(r, "a CID, {\"/\": text}");
    return slk_cid_from_text(value, json_string_value(text), r->diag);
}

static slk_err_t put_signature(writer_t *w, json_t **out, const void *value)
{
    const slk_signature_t *v = value;
    json_t *data;
    slk_err_t err = put_bytes(w, &data, &v->data);
    return err == SLK_OK ? made(w, out, json_pack("{s:i, s:o}", "Type", (int)v->type, "Data", data))
                         : err;
}

static slk_err_t get_signature(reader_t *r, void *value, const json_t *json)
{
    slk_signature_t *v = value;
    const json_t *type = json_object_get(json, "Type"), *data = json_object_get(json, "Data");
    if (!json_is_integer(type) || json_integer_value(type) < SLK_SIGNATURE_SECP256K1 ||
        json_integer_value(type) > SLK_SIGNATURE_DELEGATED)
        return expected(r, "a signature, {\"Type\": 1 to 3, \"Data\": base64}");
    v->type = (uint8_t)json_integer_value(type);
    if (!data || json_is_null(data))
        return SLK_OK;
    slk_err_t err = get_bytes(r, &v->data, data);
    if (err == SLK_OK && v->data.len >= SLK_SIGNATURE_MAX)
        err = expected(r, "a signature of less than 200 bytes");
    return err;
}

static slk_err_t put_bitfield(writer_t *w, json_t **out, const void *value)
{
    return made(w, out, slk_bitfield_to_json(value));
}

static slk_err_t get_bitfield(reader_t *r, void *value, const json_t *json)
{
    return slk_bitfield_from_json(value, json, r->arena, r->diag);
}

static slk_err_t put_label(writer_t *w, json_t **out, const void *value)
{
    const slk_label_t *v = value;
    json_t *bytes;
    if (!v->is_bytes)
        return put_text(w, out, &v->data);
    slk_err_t err = put_base64(w, &bytes, v->data.b, v->data.len);
    return err == SLK_OK ? made(w, out, json_pack("{s:{s:o}}", "/", "bytes", bytes)) : err;
}

static slk_err_t get_label(reader_t *r, void *value, const json_t *json)
{
    slk_label_t *v = value;
    const json_t *bytes = json_object_get(json_object_get(json, "/"), "bytes");
    v->is_bytes = bytes != NULL;
    slk_err_t err = bytes ? get_bytes(r, &v->data, bytes) : get_text(r, &v->data, json);
    if (err == SLK_OK && v->data.len > SLK_LABEL_MAX)
        err = expected(r, "a label of at most 256 bytes");
    return err;
}

static slk_err_t put_peer_id(writer_t *w, json_t **out, const void *value)
{
    const slk_bytes_t *v = value;
    char text[SLK_BASE58_TEXT_SZ];
    if (v->len > SLK_BASE58_BYTES_MAX)
        return slk_fail(w->diag, SLK_ERR_FORMAT, "peer id of %zu bytes, expected at most %d",
                        v->len, SLK_BASE58_BYTES_MAX);
    if (!v->len)
        return made(w, out, json_null());
    slk_base58_encode(text, v->b, v->len);
    return made(w, out, json_string(text));
}

static slk_err_t get_peer_id(reader_t *r, void *value, const json_t *json)
{
    uint8_t bytes[SLK_BASE58_BYTES_MAX];
    size_t len;
    if (!json_is_string(json) || !slk_base58_decode(bytes, &len, json_string_value(json)))
        return expected(r, "a peer id in base58");
    return slk_record_bytes(value, r->arena, bytes, len, r->diag);
}

static slk_err_t put_any(writer_t *w, json_t **out, const void *value)
{
    const slk_bytes_t *v = value;
    if (!v->len)
        return made(w, out, json_null());
    return made(w, out, slk_json_load((const char *)v->b, v->len, JSON_DECODE_ANY, NULL));
}

static slk_err_t get_any(reader_t *r, void *value, const json_t *json)
{
    char *text = slk_json_dump(json, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!text)
        return no_memory(r->diag);
    slk_err_t err = slk_record_bytes(value, r->arena, text, strlen(text), r->diag);
    free(text);
    return err;
}

static const struct {
    slk_err_t (*put)(writer_t *, json_t **, const void *);
    slk_err_t (*get)(reader_t *, void *, const json_t *);
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
    [SLK_KIND_PEER_ID] = {put_peer_id, get_peer_id},
    [SLK_KIND_DOUBLE] = {put_double, get_double},
    [SLK_KIND_ANY] = {put_any, get_any},
};

/* --- Rows and records ------------------------------------------------------------------------------ */

static slk_err_t put_record(writer_t *w, json_t **out, const slk_type_t *type, const void *record);
static slk_err_t get_record(reader_t *r, const slk_type_t *type, void *record, const json_t *json);

static slk_err_t put_value(writer_t *w, json_t **out, const slk_row_t *row, const void *value)
{
    return row->kind == SLK_KIND_RECORD ? put_record(w, out, row->type, value)
                                        : kinds[row->kind].put(w, out, value);
}

static slk_err_t put_list(writer_t *w, json_t **out, const slk_row_t *row,
                          const slk_any_list_t *list)
{
    if (!list->items && row->shape == SLK_SHAPE_LIST)
        return made(w, out, json_null());
    json_t *json = json_array();
    size_t size = slk_kind_size(row);
    slk_err_t err = json ? SLK_OK : no_memory(w->diag);
    for (size_t i = 0; err == SLK_OK && i < list->count; i++) {
        json_t *element;
        err = put_value(w, &element, row, list->items + i * size);
        if (err == SLK_OK && json_array_append_new(json, element))
            err = no_memory(w->diag);
        err = slk_record_in_element(w->diag, err, i);
    }
    if (err != SLK_OK) {
        json_decref(json);
        json = NULL;
    }
    *out = json;
    return err;
}

static slk_err_t put_row(writer_t *w, json_t **out, const slk_row_t *row, const void *value)
{
    const void *pointed;
    switch ((slk_shape_t)row->shape) {
    case SLK_SHAPE_LIST:
    case SLK_SHAPE_ARRAY:
        return put_list(w, out, row, value);
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
    return value ? put_value(w, out, row, value) : made(w, out, json_null());
}

static slk_err_t set_field(writer_t *w, json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) ? no_memory(w->diag) : SLK_OK;
}

static slk_err_t put_record(writer_t *w, json_t **out, const slk_type_t *type, const void *record)
{
    const unsigned char *at = record;
    json_t *field;
    if (type->form == SLK_FORM_BARE)
        return put_row(w, out, type->rows, at + type->rows->offset);
    json_t *json = json_object();
    slk_err_t err = json ? SLK_OK : no_memory(w->diag);
    for (unsigned i = 0; err == SLK_OK && i < type->row_cnt; i++) {
        const slk_row_t *row = &type->rows[i];
        if (!row->name)
            continue;
        err = put_row(w, &field, row, at + row->offset);
        if (err == SLK_OK)
            err = set_field(w, json, row->name, field);
        err = slk_record_in_field(w->diag, err, row);
    }
    if (err == SLK_OK && type->cid) {
        slk_cid_t cid;
        err = type->cid(&cid, record, w->diag);
        if (err == SLK_OK)
            err = put_cid(w, &field, &cid);
        if (err == SLK_OK)
            err = set_field(w, json, "CID", field);
    }
    if (err != SLK_OK) {
        json_decref(json);
        json = NULL;
    }
    *out = json;
    return err;
}

slk_err_t slk_record_to_json(json_t **json, const slk_type_t *type, const void *record,
                             slk_network_t network, slk_diag_t *diag)
{
    writer_t w = {network, diag};
    return slk_record_in_type(diag, put_record(&w, json, type, record), type);
}

/* Into zeroed memory, which null leaves as it is. */
static slk_err_t get_value(reader_t *r, const slk_row_t *row, void *value, const json_t *json)
{
    if (json_is_null(json) && row->kind != SLK_KIND_BIGINT)
        return SLK_OK;
    return row->kind == SLK_KIND_RECORD ? get_record(r, row->type, value, json)
                                        : kinds[row->kind].get(r, value, json);
}

static slk_err_t get_list(reader_t *r, const slk_row_t *row, slk_any_list_t *list,
                          const json_t *json)
{
    size_t count = json_array_size(json), size = slk_kind_size(row);
    void *items;
    if (!json_is_array(json))
        return expected(r, "a list or null");
    slk_err_t err = slk_record_alloc(&items, r->arena, row, count, r->diag);
    if (err != SLK_OK)
        return err;
    list->items = items;
    list->count = count;
    for (size_t i = 0; err == SLK_OK && i < count; i++)
        err = slk_record_in_element(
            r->diag, get_value(r, row, list->items + i * size, json_array_get(json, i)), i);
    return err;
}

static slk_err_t get_row(reader_t *r, const slk_row_t *row, void *value, const json_t *json)
{
    void *pointed;
    if (!json || (json_is_null(json) && row->shape != SLK_SHAPE_ONE))
        return SLK_OK;
    switch ((slk_shape_t)row->shape) {
    case SLK_SHAPE_LIST:
    case SLK_SHAPE_ARRAY:
        return get_list(r, row, value, json);
    case SLK_SHAPE_POINTER: {
        slk_err_t err = slk_record_alloc(&pointed, r->arena, row, 1, r->diag);
        if (err != SLK_OK)
            return err;
        memcpy(value, &pointed, sizeof pointed);
        value = pointed;
        break;
    }
    case SLK_SHAPE_MAYBE:
    case SLK_SHAPE_ONE:
        break;
    }
    return get_value(r, row, value, json);
}

static slk_err_t get_record(reader_t *r, const slk_type_t *type, void *record, const json_t *json)
{
    unsigned char *at = record;
    if (type->form == SLK_FORM_BARE)
        return get_row(r, type->rows, at + type->rows->offset, json);
    if (!json_is_object(json))
        return expected(r, "an object");
    slk_err_t err = SLK_OK;
    for (unsigned i = 0; err == SLK_OK && i < type->row_cnt; i++) {
        const slk_row_t *row = &type->rows[i];
        if (row->name)
            err = slk_record_in_field(
                r->diag, get_row(r, row, at + row->offset, json_object_get(json, row->name)), row);
    }
    return err;
}

slk_err_t slk_record_from_json(void *record, const slk_type_t *type, const json_t *json,
                               slk_arena_t *arena, slk_diag_t *diag)
{
    reader_t r = {arena, diag};
    memset(record, 0, type->size);
    return slk_record_in_type(diag, get_record(&r, type, record, json), type);
}
