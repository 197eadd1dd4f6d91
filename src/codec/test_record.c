/* Every kind and shape of the tables: CBOR, JSON both ways, what is refused, and how much memory the
 * reader takes at most. */
#include "codec/actors/method.h"
#include "codec/actors/miner.h"
#include "codec/chain/receipt.h"
#include "codec/record.h"

#include "test_util.h"

#define INNER_ROWS(F, T)                                                                           \
    F(T, U64, a, "A")                                                                              \
    F(T, BOOL, b, "B")
SLK_RECORD(inner, INNER_ROWS);
SLK_RECORD_TYPE(inner, "Inner", TUPLE, INNER_ROWS);

#define FLAT_ROWS(F, T) F(T, LIST_I64, values, "Values")
SLK_RECORD(flat, FLAT_ROWS);
SLK_RECORD_TYPE(flat, "Flat", FLAT, FLAT_ROWS);

#define BARE_ROWS(F, T) F(T, LIST_BOOL, values, "")
SLK_RECORD(bare, BARE_ROWS);
SLK_RECORD_TYPE(bare, "Bare", BARE, BARE_ROWS);

#define ALL_ROWS(F, T)                                                                             \
    F(T, U64, u64, "U64")                                                                          \
    F(T, I64, i64, "I64")                                                                          \
    F(T, BOOL, truth, "Bool")                                                                      \
    F(T, BYTES, bytes, "Bytes")                                                                    \
    F(T, TEXT, text, "Text")                                                                       \
    F(T, HASH, hash, "Hash")                                                                       \
    F(T, ADDRESS, address, "Address")                                                              \
    F(T, BIGINT, bigint, "BigInt")                                                                 \
    F(T, CID, cid, "Cid")                                                                          \
    F(T, SIGNATURE, signature, "Signature")                                                        \
    F(T, BITFIELD, bitfield, "BitField")                                                           \
    F(T, LABEL, label, "Label")                                                                    \
    F(T, PEER_ID, peer_id, "PeerId")                                                               \
    F(T, RECORD, record, "Record", inner)                                                          \
    F(T, OPT_ADDRESS, opt_address, "OptAddress")                                                   \
    F(T, OPT_CID, opt_cid, "OptCid")                                                               \
    F(T, OPT_SIGNATURE, opt_signature, "OptSignature")                                             \
    F(T, OPT_U64, opt_u64, "OptU64")                                                               \
    F(T, OPT_I64, opt_i64, "OptI64")                                                               \
    F(T, OPT_BIGINT, opt_bigint, "OptBigInt")                                                      \
    F(T, OPT, opt, "Opt", inner)                                                                   \
    F(T, LIST_U64, list_u64, "ListU64")                                                            \
    F(T, LIST_BYTES, list_bytes, "ListBytes")                                                      \
    F(T, LIST_CID, list_cid, "ListCid")                                                            \
    F(T, LIST_ADDRESS, list_address, "ListAddress")                                                \
    F(T, LIST, list, "List", inner)                                                                \
    F(T, ARRAY_U64, array_u64, "ArrayU64")                                                         \
    F(T, ARRAY_CID, array_cid, "ArrayCid")                                                         \
    F(T, ARRAY_ADDRESS, array_address, "ArrayAddress")                                             \
    F(T, ARRAY, array, "Array", inner)                                                             \
    F(T, RECORD, flat, "Flat", flat)                                                               \
    F(T, RECORD, bare, "Bare", bare)                                                               \
    F(T, U64, hidden, NULL)
SLK_RECORD(all, ALL_ROWS);
SLK_RECORD_TYPE(all, "All", TUPLE, ALL_ROWS);

#define SHOWN_ROWS(F, T)                                                                           \
    F(T, DOUBLE, ratio, "Ratio")                                                                   \
    F(T, ANY, any, "Any")                                                                          \
    F(T, RECORD, inner, "Inner", inner)
SLK_RECORD(shown, SHOWN_ROWS);
SLK_RECORD_TYPE(shown, "Shown", OBJECT, SHOWN_ROWS);

static slk_diag_t diag;

static slk_bytes_t span(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

/* How the CBOR of the object below begins: 33 elements, the first five. */
static const char full_hex[] = "98210524f5420102"
                               "62c3bc";
static const char full_json[] =
    "{\"U64\":5,\"I64\":-5,\"Bool\":true,\"Bytes\":\"AQI=\",\"Text\":\"\\u00fc\","
    "\"Hash\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\",\"Address\":\"t01000\","
    "\"BigInt\":\"256\",\"Cid\":{\"/\":"
    "\"bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a\"},"
    "\"Signature\":{\"Type\":2,\"Data\":\"Af8=\"},\"BitField\":[0,1],\"Label\":\"hi\","
    "\"PeerId\":\"5Q\",\"Record\":{\"A\":1,\"B\":false},\"OptAddress\":\"t01\","
    "\"OptCid\":{\"/\":\"bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a\"},"
    "\"OptSignature\":{\"Type\":1,\"Data\":null},\"OptU64\":7,\"OptI64\":-7,\"OptBigInt\":\"-1\","
    "\"Opt\":{\"A\":2,\"B\":true},\"ListU64\":[1,2],\"ListBytes\":[\"AA==\",null],"
    "\"ListCid\":[{\"/\":\"bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a\"}],"
    "\"ListAddress\":[\"t02\"],\"List\":[{\"A\":3,\"B\":true}],\"ArrayU64\":[3],\"ArrayCid\":[],"
    "\"ArrayAddress\":[\"t03\"],\"Array\":[{\"A\":4,\"B\":false}],\"Flat\":{\"Values\":[-1]},"
    "\"Bare\":[true,false]}";

/* JSON, CBOR, JSON again; the CBOR begins as known. */
static void every_kind(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_buf_t buf = {0}, again = {0};
    all_t record, back;
    json_t *json = parse(full_json), *got;
    slk_arena_init(&arena, 1 << 16);
    slk_cid_t known = slk_cid_of_cbor("\x80", 1);
    assert_string_equal(slk_cid_text(&known).s,
                        "bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a");
    assert_ok(slk_record_from_json(&record, &all_type, json, &arena, &diag), diag);
    assert_ok(slk_record_encode(&buf, &all_type, &record, &diag), diag);
    char *hex = malloc(2 * buf.len + 1);
    slk_hex_encode(hex, buf.bytes, buf.len);
    assert_memory_equal(hex, full_hex, strlen(full_hex));
    assert_ok(slk_record_decode(&back, &all_type, buf.bytes, buf.len, &arena, &diag), diag);
    assert_ok(slk_record_encode(&again, &all_type, &back, &diag), diag);
    assert_int_equal(again.len, buf.len);
    assert_memory_equal(again.bytes, buf.bytes, buf.len);
    assert_ok(slk_record_to_json(&got, &all_type, &back, SLK_TESTNET, &diag), diag);
    if (!json_equal(got, json))
        fail_msg("%s", json_dumps(got, 0));
    /* Cut anywhere, it is refused; a byte more too. */
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, buf.bytes, len);
        assert_err(SLK_ERR_FORMAT, slk_record_decode(&back, &all_type, exact, len, &arena, &diag));
        free(exact);
        slk_arena_free(&arena);
    }
    free(hex);
    json_decref(got);
    json_decref(json);
    slk_buf_free(&buf);
    slk_buf_free(&again);
    slk_arena_free(&arena);
}

/* A copy is worth the same when what it was made of is gone. */
static void copies(void **state)
{
    (void)state;
    slk_arena_t from, to;
    slk_buf_t before = {0}, after = {0};
    all_t record, copy;
    json_t *json = parse(full_json), *got;
    slk_arena_init(&from, 1 << 16);
    slk_arena_init(&to, 1 << 16);
    assert_ok(slk_record_from_json(&record, &all_type, json, &from, &diag), diag);
    assert_ok(slk_record_encode(&before, &all_type, &record, &diag), diag);
    assert_ok(slk_record_copy(&copy, &all_type, &record, &to, &diag), diag);
    slk_arena_free(&from);
    memset(&record, 0xff, sizeof record);
    assert_ok(slk_record_encode(&after, &all_type, &copy, &diag), diag);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.bytes, before.bytes, before.len);
    assert_ok(slk_record_to_json(&got, &all_type, &copy, SLK_TESTNET, &diag), diag);
    assert_true(json_equal(got, json));
    slk_arena_init(&from, 16);
    assert_err(SLK_ERR_NOMEM, slk_record_copy(&record, &all_type, &copy, &from, &diag));
    json_decref(got);
    json_decref(json);
    slk_buf_free(&before);
    slk_buf_free(&after);
    slk_arena_free(&from);
    slk_arena_free(&to);
}

/* A zeroed record has JSON but no CBOR; with what must be there, nulls and empty lists. */
static void nothing(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_buf_t buf = {0};
    all_t record = {0}, back;
    json_t *json, *value;
    slk_arena_init(&arena, 1 << 16);
    assert_err(SLK_ERR_FORMAT, slk_record_encode(&buf, &all_type, &record, &diag));
    assert_string_equal(diag.text, "All.Address: the address is undefined, expected one");
    record.address = slk_address_id(0);
    assert_err(SLK_ERR_FORMAT, slk_record_encode(&buf, &all_type, &record, &diag));
    assert_string_equal(diag.text, "All.Cid: the CID is undefined, expected one");
    record.cid = slk_cid_of_cbor("\x80", 1);
    assert_err(SLK_ERR_FORMAT, slk_record_encode(&buf, &all_type, &record, &diag));
    assert_string_equal(diag.text, "All.Signature: signature of type 0, expected 1 to 3");
    record.signature.type = SLK_SIGNATURE_BLS;
    assert_ok(slk_record_encode(&buf, &all_type, &record, &diag), diag);
    assert_ok(slk_record_decode(&back, &all_type, buf.bytes, buf.len, &arena, &diag), diag);
    assert_ok(slk_record_to_json(&json, &all_type, &back, SLK_MAINNET, &diag), diag);
    static const char *const nulls[] = {"Bytes",        "PeerId",  "OptAddress", "OptCid",
                                        "OptSignature", "OptU64",  "OptI64",     "OptBigInt",
                                        "Opt",          "ListU64", "ListBytes",  "ListCid",
                                        "ListAddress",  "List",    "Bare"};
    static const char *const empties[] = {"ArrayU64", "ArrayCid", "ArrayAddress", "Array"};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        value = json_object_get(json, nulls[i]);
        if (!json_is_null(value))
            fail_msg("%s is not null", nulls[i]);
    }
    for (size_t i = 0; i < sizeof empties / sizeof *empties; i++) {
        value = json_object_get(json, empties[i]);
        if (!json_is_array(value) || json_array_size(value))
            fail_msg("%s is not []", empties[i]);
    }
    assert_string_equal(json_string_value(json_object_get(json, "Address")), "f00");
    assert_null(json_object_get(json, "hidden"));
    json_decref(json);

    /* Missing fields, unknown ones, and lists that are null. */
    json = parse("{\"ListU64\":null,\"Other\":[1],\"ListBytes\":[],\"Bytes\":\"\"}");
    assert_ok(slk_record_from_json(&back, &all_type, json, &arena, &diag), diag);
    json_decref(json);
    assert_ok(slk_record_to_json(&json, &all_type, &back, SLK_MAINNET, &diag), diag);
    assert_string_equal(json_string_value(json_object_get(json, "Address")), "<empty>");
    assert_string_equal(json_string_value(json_object_get(json, "BigInt")), "0");
    assert_true(json_is_null(json_object_get(json, "Cid")));
    assert_true(json_is_null(json_object_get(json, "ListU64")));
    assert_true(json_is_array(json_object_get(json, "ListBytes")));
    assert_string_equal(json_string_value(json_object_get(json, "Bytes")), "");
    json_decref(json);
    slk_buf_free(&buf);
    slk_arena_free(&arena);
}

static const struct {
    const char *json, *why;
} refused_json[] = {
    {"[]", "All: expected an object"},
    {"{\"U64\":-1}", "All.U64: expected an integer from 0 to 2^64 - 1"},
    {"{\"U64\":\"1\"}", "All.U64: "},
    {"{\"U64\":1.5}", "All.U64: "},
    {"{\"I64\":true}", "All.I64: expected an integer from -2^63 to 2^63 - 1"},
    {"{\"Bool\":1}", "All.Bool: expected true or false"},
    {"{\"Bytes\":\"AQ\"}", "All.Bytes: expected base64 with padding"},
    {"{\"Bytes\":\"AR==\"}", "All.Bytes: expected base64 with padding"},
    {"{\"Bytes\":\"A===\"}", "All.Bytes: expected base64 with padding"},
    {"{\"Bytes\":[1]}", "All.Bytes: expected bytes as a base64 text"},
    {"{\"Text\":1}", "All.Text: expected a text"},
    {"{\"Hash\":\"AQ==\"}", "All.Hash: expected 32 bytes"},
    {"{\"Address\":\"t05x\"}", "All.Address: address \"t05x\""},
    {"{\"BigInt\":1}", "All.BigInt: expected a big integer as decimal text"},
    {"{\"BigInt\":null}", "All.BigInt: "},
    {"{\"Cid\":\"b\"}", "All.Cid: expected a CID"},
    {"{\"Cid\":{\"/\":\"bafy\"}}", "All.Cid: CID"},
    {"{\"Signature\":{\"Type\":4,\"Data\":\"AQ==\"}}", "All.Signature: expected a signature"},
    {"{\"BitField\":[1,0,1]}", "All.BitField: "},
    {"{\"Label\":1}", "All.Label: expected a text"},
    {"{\"PeerId\":\"0O\"}", "All.PeerId: expected a peer id in base58"},
    {"{\"ListU64\":{}}", "All.ListU64: expected a list or null"},
    {"{\"ListU64\":[1,-1]}", "All.ListU64[1]: expected an integer from 0 to 2^64 - 1"},
    {"{\"List\":[{\"A\":\"x\"}]}", "All.List[0].A: expected an integer from 0 to 2^64 - 1"},
    {"{\"Bare\":[0]}", "All.Bare[0]: expected true or false"},
    {"{\"Flat\":[1]}", "All.Flat: expected an object"},
};

static void refused(void **state)
{
    (void)state;
    slk_arena_t arena;
    all_t record;
    slk_arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof refused_json / sizeof *refused_json; i++) {
        json_t *json = parse(refused_json[i].json);
        assert_err(SLK_ERR_FORMAT, slk_record_from_json(&record, &all_type, json, &arena, &diag));
        if (strncmp(diag.text, refused_json[i].why, strlen(refused_json[i].why)) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", refused_json[i].json, diag.text,
                     refused_json[i].why);
        json_decref(json);
    }
    /* The arena's limit. */
    slk_arena_free(&arena);
    slk_arena_init(&arena, 64);
    json_t *json = parse("{\"ListU64\":[1,2,3,4,5,6,7,8,9]}");
    assert_err(SLK_ERR_NOMEM, slk_record_from_json(&record, &all_type, json, &arena, &diag));
    json_decref(json);
    slk_arena_free(&arena);
}

static void labels(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_value_label_t label;
    slk_buf_t buf = {0};
    json_t *json;
    slk_arena_init(&arena, 4096);
    assert_ok(slk_record_decode(&label, &slk_value_label_type, "\x42\xff\x00", 3, &arena, &diag),
              diag);
    assert_true(label.value.is_bytes);
    assert_ok(slk_record_to_json(&json, &slk_value_label_type, &label, SLK_MAINNET, &diag), diag);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "/"), "bytes")),
                        "/wA=");
    assert_ok(slk_record_from_json(&label, &slk_value_label_type, json, &arena, &diag), diag);
    assert_ok(slk_record_encode(&buf, &slk_value_label_type, &label, &diag), diag);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.bytes, "\x42\xff\x00", 3);
    uint8_t longest[3 + 257] = {0x59, 0x01, 0x01};
    assert_err(SLK_ERR_FORMAT, slk_record_decode(&label, &slk_value_label_type, longest,
                                                 sizeof longest, &arena, &diag));
    json_decref(json);
    slk_buf_free(&buf);
    slk_arena_free(&arena);
}

static void json_only(void **state)
{
    (void)state;
    slk_arena_t arena;
    shown_t record;
    slk_arena_init(&arena, 4096);
    json_t *json =
               parse("{\"Ratio\":1.25,\"Any\":{\"x\":[1,null]},\"Inner\":{\"A\":1,\"B\":true}}"),
           *got;
    assert_ok(slk_record_from_json(&record, &shown_type, json, &arena, &diag), diag);
    assert_true(record.ratio == 1.25);
    assert_int_equal(record.any.len, strlen("{\"x\":[1,null]}"));
    assert_ok(slk_record_to_json(&got, &shown_type, &record, SLK_MAINNET, &diag), diag);
    assert_true(json_equal(got, json));
    json_decref(got);
    record.any = span("17");
    assert_ok(slk_record_to_json(&got, &shown_type, &record, SLK_MAINNET, &diag), diag);
    assert_int_equal(json_integer_value(json_object_get(got, "Any")), 17);
    json_decref(got);
    json_decref(json);
    slk_arena_free(&arena);
}

/* Memory for the lists of a type, at most, by byte of CBOR. */
static double factor(const slk_type_t *type)
{
    double most = 0;
    for (const slk_row_t *row = type->rows; row < type->rows + type->row_cnt; row++) {
        if (row->kind != SLK_KIND_RECORD)
            continue;
        double f = factor(row->type);
        if (row->shape != SLK_SHAPE_ONE)
            f += (double)row->type->size / (double)slk_record_least(row->type);
        most = f > most ? f : most;
    }
    return most;
}

/* No list of records takes more than 64 bytes by byte of parameters, as bitfields do; returns come from
 * actors, and those of ClaimAllocations are a list of amounts. */
static void memory_is_bounded(void **state)
{
    (void)state;
    double most = 0;
    for (slk_actor_kind_t kind = 0; kind < SLK_ACTOR_COUNT; kind++) {
        size_t count;
        const slk_method_t *methods = slk_actor_methods(kind, &count);
        for (size_t i = 0; i < count; i++) {
            double p = methods[i].params ? factor(methods[i].params) : 0,
                   r = methods[i].ret ? factor(methods[i].ret) : 0;
            if (p > 64 || r > 160)
                fail_msg("%s: %.1f and %.1f bytes by byte", methods[i].name, p, r);
            most = p > most ? p : most;
            most = r > most ? r : most;
        }
    }
    assert_true(factor(&slk_block_header_type) <= 64);
    assert_true(most > 1);
    /* A list that says it has 8192 elements, and has none. */
    slk_arena_t arena;
    slk_pre_commit_sector_batch2_params_t params;
    uint8_t bytes[100] = {0x81, 0x99, 0x20, 0x00};
    slk_arena_init(&arena, 1 << 20);
    assert_err(SLK_ERR_FORMAT, slk_record_decode(&params, &slk_pre_commit_sector_batch2_params_type,
                                                 bytes, sizeof bytes, &arena, &diag));
    assert_int_equal(arena.used, 0);
    slk_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),        cmocka_unit_test(copies), cmocka_unit_test(nothing),
        cmocka_unit_test(refused),           cmocka_unit_test(labels), cmocka_unit_test(json_only),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
