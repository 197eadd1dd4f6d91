#ifndef SLK_CODEC_RECORD_H
#define SLK_CODEC_RECORD_H

/* Objects of the chain and of the node's API, each described by one table: its struct, its CBOR and
 * its JSON, both ways, come from the same rows.
 *
 *     #define SLK_TICKET_ROWS(F, T)                 in the header: one row a field,
 *         F(T, BYTES, vrf_proof, "VRFProof")        kind, member, name in JSON (NULL: not in JSON)
 *     SLK_RECORD(slk_ticket, SLK_TICKET_ROWS);      makes slk_ticket_t, slk_ticket_list_t and declares
 *                                                   slk_ticket_type
 *     SLK_RECORD_TYPE(slk_ticket, "Ticket", TUPLE, SLK_TICKET_ROWS);     in one source
 *
 * Kinds of one value, with the member's type:
 *     U64 I64 BOOL     uint64_t, int64_t, bool
 *     BYTES            slk_bytes_t           CBOR bytes, JSON base64
 *     TEXT             slk_bytes_t           UTF-8
 *     HASH             slk_node_t            32 bytes, JSON base64
 *     ADDRESS          slk_address_t         undefined: JSON "<empty>", no CBOR
 *     BIGINT           slk_bigint_t          JSON decimal text
 *     CID              slk_cid_t             JSON {"/": text}; undefined: JSON null, no CBOR
 *     SIGNATURE        slk_signature_t       CBOR type and data, JSON {"Type", "Data"}
 *     BITFIELD         slk_bitfield_t        CBOR RLE+, JSON run lengths
 *     LABEL            slk_label_t           CBOR text or bytes; JSON text, bytes as
 *                                            {"/": {"bytes": base64}}
 *     PEER_ID          slk_bytes_t           CBOR bytes, JSON base58 (null when empty)
 *     DOUBLE           double                JSON only
 *     ANY              slk_bytes_t           JSON only: any value, as text; empty: null
 *     RECORD, prefix   prefix_t              another record within this one
 * Null where there is none (CBOR f6, JSON null): OPT_ADDRESS, OPT_CID, OPT_SIGNATURE (undefined when
 * their len or type is 0); OPT_U64, OPT_I64, OPT_BIGINT and OPT, prefix (pointers, NULL).
 * Lists, { items, count }: LIST_U64, LIST_I64, LIST_BOOL, LIST_BYTES, LIST_CID, LIST_ADDRESS and
 * LIST, prefix; and ARRAY_U64, ARRAY_CID, ARRAY_ADDRESS and ARRAY, prefix.
 *
 * Empty bytes and lists are null in JSON where their pointer is NULL, as it is in a zeroed struct and
 * after reading empty ones from CBOR; "" and [] keep their form when they are read from JSON. Those
 * named ARRAY are never written as null. The node does the same.
 *
 * What is read lies in the caller's arena, also bytes and text; its limit bounds what input can take.
 * A list is only made when the input left is long enough for it, so that no parameters, well-formed or
 * not, take more than 64 times their length.
 * Encoding what was decoded gives the same bytes. Errors are SLK_ERR_FORMAT with the path of the field
 * in front: "Message.Params: CBOR byte 30: ...". Tables are constant: any thread may use them. */

#include "base/arena.h"
#include "codec/address.h"
#include "codec/bigint.h"
#include "codec/bitfield.h"
#include "codec/cbor.h"
#include "codec/cid.h"

#include <jansson.h>

typedef struct {
    uint8_t type; /* slk_signature_kind_t; 0: none */
    slk_bytes_t data;
} slk_signature_t;

typedef enum {
    SLK_SIGNATURE_SECP256K1 = 1, /* 65 bytes r, s, v */
    SLK_SIGNATURE_BLS = 2,       /* 96 bytes, G2 */
    SLK_SIGNATURE_DELEGATED = 3
} slk_signature_kind_t;

#define SLK_SIGNATURE_MAX 200u /* bytes with the type */
#define SLK_LABEL_MAX     256u

typedef struct {
    slk_bytes_t data;
    bool is_bytes; /* not a text */
} slk_label_t;

/* clang-format off */
typedef struct { uint64_t *items; size_t count; } slk_u64_list_t;
typedef struct { int64_t *items; size_t count; } slk_i64_list_t;
typedef struct { bool *items; size_t count; } slk_bool_list_t;
typedef struct { slk_bytes_t *items; size_t count; } slk_bytes_list_t;
typedef struct { slk_cid_t *items; size_t count; } slk_cid_list_t;
typedef struct { slk_address_t *items; size_t count; } slk_address_list_t;
/* clang-format on */

typedef enum {
    SLK_KIND_U64,
    SLK_KIND_I64,
    SLK_KIND_BOOL,
    SLK_KIND_BYTES,
    SLK_KIND_TEXT,
    SLK_KIND_HASH,
    SLK_KIND_ADDRESS,
    SLK_KIND_BIGINT,
    SLK_KIND_CID,
    SLK_KIND_SIGNATURE,
    SLK_KIND_BITFIELD,
    SLK_KIND_LABEL,
    SLK_KIND_PEER_ID,
    SLK_KIND_DOUBLE,
    SLK_KIND_ANY,
    SLK_KIND_RECORD,
    SLK_KIND_COUNT
} slk_kind_t;

typedef enum {
    SLK_SHAPE_ONE,
    SLK_SHAPE_MAYBE,   /* by value, null when undefined */
    SLK_SHAPE_POINTER, /* null when NULL */
    SLK_SHAPE_LIST,    /* null in JSON when empty */
    SLK_SHAPE_ARRAY    /* [] in JSON when empty */
} slk_shape_t;

typedef struct slk_type slk_type_t;

typedef struct {
    const char *name; /* in JSON; NULL: not there */
    uint8_t kind, shape;
    uint16_t offset;
    const slk_type_t *type; /* of SLK_KIND_RECORD */
} slk_row_t;

typedef enum {
    SLK_FORM_TUPLE,  /* CBOR array in the order of the rows, JSON object */
    SLK_FORM_FLAT,   /* one row: CBOR is the field alone ("transparent"), JSON an object */
    SLK_FORM_BARE,   /* one row: both are the field alone */
    SLK_FORM_OBJECT, /* JSON alone */
} slk_form_t;

struct slk_type {
    const char *name; /* Lotus' */
    size_t size;
    const slk_row_t *rows;
    uint16_t row_cnt;
    uint8_t form;
    /* JSON written gets a field "CID" with this; NULL: it does not. */
    slk_err_t (*cid)(slk_cid_t *cid, const void *record, slk_diag_t *diag);
};

/* Append the CBOR. SLK_ERR_FORMAT: an undefined address or CID, a number or list over the limits; the
 * buffer is then as it was. */
SLK_CHECK_RESULT slk_err_t slk_record_encode(slk_buf_t *out, const slk_type_t *type,
                                             const void *record, slk_diag_t *diag);

/* Read all of the bytes as one record. The record is overwritten, also on an error. */
SLK_CHECK_RESULT slk_err_t slk_record_decode(void *record, const slk_type_t *type,
                                             const void *bytes, size_t len, slk_arena_t *arena,
                                             slk_diag_t *diag);

/* Read the next item of a reader as a record. */
SLK_CHECK_RESULT slk_err_t slk_record_read(void *record, const slk_type_t *type, slk_cbor_t *r,
                                           slk_arena_t *arena);

/* The CID (dag-cbor, blake2b-256) of the record's CBOR. */
SLK_CHECK_RESULT slk_err_t slk_record_cid(slk_cid_t *cid, const slk_type_t *type,
                                          const void *record, slk_diag_t *diag);

/* The JSON; the caller owns it. An unsigned number above 2^63 - 1 is as codec/json.h has it. */
SLK_CHECK_RESULT slk_err_t slk_record_to_json(json_t **json, const slk_type_t *type,
                                              const void *record, slk_network_t network,
                                              slk_diag_t *diag);

/* Read JSON as the node does: names it does not know are ignored, fields that are missing or null are
 * zero, undefined or empty; lists may be null. */
SLK_CHECK_RESULT slk_err_t slk_record_from_json(void *record, const slk_type_t *type,
                                                const json_t *json, slk_arena_t *arena,
                                                slk_diag_t *diag);

/* A copy whose bytes, lists and pointers lie in the arena. SLK_ERR_NOMEM: the arena is full; the copy
 * may then not be read. */
SLK_CHECK_RESULT slk_err_t slk_record_copy(void *copy, const slk_type_t *type, const void *record,
                                           slk_arena_t *arena, slk_diag_t *diag);

/* Fewest bytes of CBOR that a record of this type has. */
size_t slk_record_least(const slk_type_t *type);

/* --- What the rows expand to ----------------------------------------------------------------------- */

#define SLK_C_U64(...)           uint64_t
#define SLK_C_I64(...)           int64_t
#define SLK_C_BOOL(...)          bool
#define SLK_C_BYTES(...)         slk_bytes_t
#define SLK_C_TEXT(...)          slk_bytes_t
#define SLK_C_HASH(...)          slk_node_t
#define SLK_C_ADDRESS(...)       slk_address_t
#define SLK_C_BIGINT(...)        slk_bigint_t
#define SLK_C_CID(...)           slk_cid_t
#define SLK_C_SIGNATURE(...)     slk_signature_t
#define SLK_C_BITFIELD(...)      slk_bitfield_t
#define SLK_C_LABEL(...)         slk_label_t
#define SLK_C_PEER_ID(...)       slk_bytes_t
#define SLK_C_DOUBLE(...)        double
#define SLK_C_ANY(...)           slk_bytes_t
#define SLK_C_RECORD(prefix)     prefix##_t
#define SLK_C_OPT_ADDRESS(...)   slk_address_t
#define SLK_C_OPT_CID(...)       slk_cid_t
#define SLK_C_OPT_SIGNATURE(...) slk_signature_t
#define SLK_C_OPT_U64(...)       uint64_t *
#define SLK_C_OPT_I64(...)       int64_t *
#define SLK_C_OPT_BIGINT(...)    slk_bigint_t *
#define SLK_C_OPT(prefix)        prefix##_t *
#define SLK_C_LIST_U64(...)      slk_u64_list_t
#define SLK_C_LIST_I64(...)      slk_i64_list_t
#define SLK_C_LIST_BOOL(...)     slk_bool_list_t
#define SLK_C_LIST_BYTES(...)    slk_bytes_list_t
#define SLK_C_LIST_CID(...)      slk_cid_list_t
#define SLK_C_LIST_ADDRESS(...)  slk_address_list_t
#define SLK_C_LIST(prefix)       prefix##_list_t
#define SLK_C_ARRAY_U64(...)     slk_u64_list_t
#define SLK_C_ARRAY_CID(...)     slk_cid_list_t
#define SLK_C_ARRAY_ADDRESS(...) slk_address_list_t
#define SLK_C_ARRAY(prefix)      prefix##_list_t

#define SLK_ROW_U64(...)           SLK_KIND_U64, SLK_SHAPE_ONE, NULL
#define SLK_ROW_I64(...)           SLK_KIND_I64, SLK_SHAPE_ONE, NULL
#define SLK_ROW_BOOL(...)          SLK_KIND_BOOL, SLK_SHAPE_ONE, NULL
#define SLK_ROW_BYTES(...)         SLK_KIND_BYTES, SLK_SHAPE_ONE, NULL
#define SLK_ROW_TEXT(...)          SLK_KIND_TEXT, SLK_SHAPE_ONE, NULL
#define SLK_ROW_HASH(...)          SLK_KIND_HASH, SLK_SHAPE_ONE, NULL
#define SLK_ROW_ADDRESS(...)       SLK_KIND_ADDRESS, SLK_SHAPE_ONE, NULL
#define SLK_ROW_BIGINT(...)        SLK_KIND_BIGINT, SLK_SHAPE_ONE, NULL
#define SLK_ROW_CID(...)           SLK_KIND_CID, SLK_SHAPE_ONE, NULL
#define SLK_ROW_SIGNATURE(...)     SLK_KIND_SIGNATURE, SLK_SHAPE_ONE, NULL
#define SLK_ROW_BITFIELD(...)      SLK_KIND_BITFIELD, SLK_SHAPE_ONE, NULL
#define SLK_ROW_LABEL(...)         SLK_KIND_LABEL, SLK_SHAPE_ONE, NULL
#define SLK_ROW_PEER_ID(...)       SLK_KIND_PEER_ID, SLK_SHAPE_ONE, NULL
#define SLK_ROW_DOUBLE(...)        SLK_KIND_DOUBLE, SLK_SHAPE_ONE, NULL
#define SLK_ROW_ANY(...)           SLK_KIND_ANY, SLK_SHAPE_ONE, NULL
#define SLK_ROW_RECORD(prefix)     SLK_KIND_RECORD, SLK_SHAPE_ONE, &prefix##_type
#define SLK_ROW_OPT_ADDRESS(...)   SLK_KIND_ADDRESS, SLK_SHAPE_MAYBE, NULL
#define SLK_ROW_OPT_CID(...)       SLK_KIND_CID, SLK_SHAPE_MAYBE, NULL
#define SLK_ROW_OPT_SIGNATURE(...) SLK_KIND_SIGNATURE, SLK_SHAPE_MAYBE, NULL
#define SLK_ROW_OPT_U64(...)       SLK_KIND_U64, SLK_SHAPE_POINTER, NULL
#define SLK_ROW_OPT_I64(...)       SLK_KIND_I64, SLK_SHAPE_POINTER, NULL
#define SLK_ROW_OPT_BIGINT(...)    SLK_KIND_BIGINT, SLK_SHAPE_POINTER, NULL
#define SLK_ROW_OPT(prefix)        SLK_KIND_RECORD, SLK_SHAPE_POINTER, &prefix##_type
#define SLK_ROW_LIST_U64(...)      SLK_KIND_U64, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST_I64(...)      SLK_KIND_I64, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST_BOOL(...)     SLK_KIND_BOOL, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST_BYTES(...)    SLK_KIND_BYTES, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST_CID(...)      SLK_KIND_CID, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST_ADDRESS(...)  SLK_KIND_ADDRESS, SLK_SHAPE_LIST, NULL
#define SLK_ROW_LIST(prefix)       SLK_KIND_RECORD, SLK_SHAPE_LIST, &prefix##_type
#define SLK_ROW_ARRAY_U64(...)     SLK_KIND_U64, SLK_SHAPE_ARRAY, NULL
#define SLK_ROW_ARRAY_CID(...)     SLK_KIND_CID, SLK_SHAPE_ARRAY, NULL
#define SLK_ROW_ARRAY_ADDRESS(...) SLK_KIND_ADDRESS, SLK_SHAPE_ARRAY, NULL
#define SLK_ROW_ARRAY(prefix)      SLK_KIND_RECORD, SLK_SHAPE_ARRAY, &prefix##_type

#define SLK_MEMBER(T, kind, member, json, ...) SLK_C_##kind(__VA_ARGS__) member;

#define SLK_RECORD(prefix, ROWS)                                                                   \
    typedef struct {                                                                               \
        ROWS(SLK_MEMBER, prefix##_t)                                                               \
    } prefix##_t;                                                                                  \
    typedef struct {                                                                               \
        prefix##_t *items;                                                                         \
        size_t count;                                                                              \
    } prefix##_list_t;                                                                             \
    extern const slk_type_t prefix##_type

#define SLK_ROW(T, kind_, member, json, ...)                                                       \
    SLK_ROW_OF(json, offsetof(T, member), SLK_ROW_##kind_(__VA_ARGS__))
#define SLK_ROW_OF(...) SLK_ROW_AS(__VA_ARGS__)
#define SLK_ROW_AS(json, at, kind_, shape_, type_)                                                 \
    {.name = json, .kind = kind_, .shape = shape_, .offset = at, .type = type_},

#define SLK_RECORD_TYPE_CID(prefix, text, form_, ROWS, cid_)                                       \
    static const slk_row_t prefix##_rows[] = {ROWS(SLK_ROW, prefix##_t)};                          \
    const slk_type_t prefix##_type = {.name = text,                                                \
                                      .size = sizeof(prefix##_t),                                  \
                                      .rows = prefix##_rows,                                       \
                                      .row_cnt = sizeof prefix##_rows / sizeof *prefix##_rows,     \
                                      .form = SLK_FORM_##form_,                                    \
                                      .cid = cid_}

#define SLK_RECORD_TYPE(prefix, text, form, ROWS)                                                  \
    SLK_RECORD_TYPE_CID(prefix, text, form, ROWS, NULL)

#endif /* SLK_CODEC_RECORD_H */
