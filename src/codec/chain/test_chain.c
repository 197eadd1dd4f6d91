/* Messages, blocks and tipsets of a recorded chain: CBOR, CIDs and JSON both ways. */
#include "codec/chain/receipt.h"

#include "test_util.h"

#include <dirent.h>

static uint8_t *hex_bytes(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_true(slk_hex_decode(bytes, *len, hex));
    return bytes;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        fail_msg("the recording has no text %s", name);
    return text;
}

static void assert_same_json(const json_t *got, const json_t *want, const char *where)
{
    if (json_equal((json_t *)got, (json_t *)want))
        return;
    char *g = json_dumps(got, JSON_ENCODE_ANY), *w = json_dumps(want, JSON_ENCODE_ANY);
    fail_msg("%s:\n%s\nexpected\n%s", where, g, w);
}

static slk_diag_t diag;

/* The bytes decode to a record which encodes to the same bytes and prints as the JSON; the JSON reads
 * to a record which encodes to the same bytes. */
static void both_ways(const slk_type_t *type, void *record, const char *hex, const json_t *json,
                      slk_arena_t *arena)
{
    size_t len;
    uint8_t *bytes = hex_bytes(hex, &len);
    slk_buf_t buf = {0};
    assert_ok(slk_record_decode(record, type, bytes, len, arena, &diag), diag);
    assert_ok(slk_record_encode(&buf, type, record, &diag), diag);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    json_t *got;
    assert_ok(slk_record_to_json(&got, type, record, SLK_TESTNET, &diag), diag);
    assert_same_json(got, json, type->name);
    void *again = slk_arena_alloc(arena, type->size);
    assert_ok(slk_record_from_json(again, type, json, arena, &diag), diag);
    slk_buf_clear(&buf);
    assert_ok(slk_record_encode(&buf, type, again, &diag), diag);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    json_decref(got);
    slk_buf_free(&buf);
    free(bytes);
}

/* JSON that reads to a record which prints as the same JSON. */
static void json_both_ways(const slk_type_t *type, const json_t *json)
{
    slk_arena_t arena;
    json_t *got;
    slk_arena_init(&arena, 1 << 22);
    void *record = slk_arena_alloc(&arena, type->size);
    assert_ok(slk_record_from_json(record, type, json, &arena, &diag), diag);
    assert_ok(slk_record_to_json(&got, type, record, SLK_TESTNET, &diag), diag);
    assert_same_json(got, json, type->name);
    json_decref(got);
    slk_arena_free(&arena);
}

static void one_message(const char *path)
{
    json_t *file = test_vectors(path);
    const json_t *json = json_object_get(file, "message"),
                 *signature = json_object_get(file, "signature"),
                 *lookup = json_object_get(file, "lookup");
    const char *hex = text_of(file, "raw_cbor_hex"), *cid_text = text_of(file, "cid");
    slk_arena_t arena;
    slk_cid_t cid;
    slk_arena_init(&arena, 1 << 20);
    if (json_is_null(signature)) {
        slk_message_t message;
        both_ways(&slk_message_type, &message, hex, json, &arena);
        assert_ok(slk_message_cid(&cid, &message, &diag), diag);
        assert_string_equal(slk_cid_text(&cid).s, cid_text);
        /* The same message with its BLS signature has the same CID. */
        slk_signed_message_t with = {
            .message = message,
            .signature = {.type = SLK_SIGNATURE_BLS, .data = {(const uint8_t *)"x", 1}}};
        assert_ok(slk_signed_message_cid(&cid, &with, &diag), diag);
        assert_string_equal(slk_cid_text(&cid).s, cid_text);
        with.signature.type = SLK_SIGNATURE_SECP256K1;
        assert_ok(slk_signed_message_cid(&cid, &with, &diag), diag);
        assert_string_not_equal(slk_cid_text(&cid).s, cid_text);
    } else {
        slk_signed_message_t message;
        json_t *whole = json_pack("{s:O, s:O, s:{s:s}}", "Message", json, "Signature", signature,
                                  "CID", "/", cid_text);
        json_t *bare = json_object_get(whole, "Message");
        json_t *both = json_deep_copy(whole);
        /* The recording's bare message carries the CID of the signed one. */
        slk_cid_t inner;
        size_t len;
        uint8_t *bytes = hex_bytes(hex, &len);
        assert_ok(slk_record_decode(&message, &slk_signed_message_type, bytes, len, &arena, &diag),
                  diag);
        assert_ok(slk_message_cid(&inner, &message.message, &diag), diag);
        json_object_set_new(json_object_get(both, "Message"), "CID",
                            json_pack("{s:s}", "/", slk_cid_text(&inner).s));
        assert_non_null(bare);
        both_ways(&slk_signed_message_type, &message, hex, both, &arena);
        assert_ok(slk_signed_message_cid(&cid, &message, &diag), diag);
        assert_string_equal(slk_cid_text(&cid).s, cid_text);
        free(bytes);
        json_decref(both);
        json_decref(whole);
    }
    json_both_ways(&slk_msg_lookup_type, lookup);
    slk_arena_free(&arena);
    json_decref(file);
}

static void messages(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(SLK_VECTORS "/lotus-rpc/messages", &names, NULL, alphasort), seen = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, "lotus-rpc/messages/%s", names[i]->d_name);
        if (strstr(names[i]->d_name, ".json")) {
            one_message(path);
            seen++;
        }
        free(names[i]);
    }
    free(names);
    assert_true(seen >= 36);
}

/* The message of the specification. */
static void message_of_the_specification(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_arena_init(&arena, 1 << 16);
    slk_message_t message = {
        .version = 42,
        .to = slk_address_id(1234),
        .from = slk_address_id(1234),
        .nonce = 42,
        .gas_limit = 9,
        .method = 1,
        .params = {(const uint8_t *)"byte array", 10},
    };
    slk_buf_t buf = {0};
    slk_cid_t cid;
    char hex[128];
    assert_ok(slk_record_encode(&buf, &slk_message_type, &message, &diag), diag);
    slk_hex_encode(hex, buf.bytes, buf.len);
    assert_string_equal(hex, "8a182a4300d2094300d209182a40094040014a62797465206172726179");
    assert_ok(slk_message_cid(&cid, &message, &diag), diag);
    assert_string_equal(slk_cid_text(&cid).s,
                        "bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s");
    /* What has no CBOR. */
    message.to = (slk_address_t){0};
    size_t len = buf.len;
    assert_err(SLK_ERR_FORMAT, slk_record_encode(&buf, &slk_message_type, &message, &diag));
    assert_string_equal(diag.text, "Message.To: the address is undefined, expected one");
    assert_int_equal(buf.len, len);
    slk_buf_free(&buf);
    slk_arena_free(&arena);
}

static void one_block(const json_t *block, slk_arena_t *arena)
{
    slk_block_header_t header;
    slk_cid_t cid;
    both_ways(&slk_block_header_type, &header, text_of(block, "raw_cbor_hex"),
              json_object_get(block, "header"), arena);
    assert_ok(slk_block_cid(&cid, &header, &diag), diag);
    assert_string_equal(slk_cid_text(&cid).s, text_of(block, "cid"));
    if (!json_object_get(block, "unsigned_header_cbor_hex"))
        return;
    slk_buf_t buf = {0};
    size_t len;
    uint8_t *bytes = hex_bytes(text_of(block, "unsigned_header_cbor_hex"), &len);
    assert_ok(slk_block_unsigned(&buf, &header, &diag), diag);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    free(bytes);
    slk_buf_clear(&buf);
    bytes = hex_bytes(text_of(block, "tipset_key_bytes_hex"), &len);
    slk_tipset_cids_t key, again = {.cids = {&cid, 1}};
    assert_ok(slk_tipset_cids_from_bytes(&key, bytes, len, arena, &diag), diag);
    assert_true(slk_tipset_cids_eq(&key, &again));
    slk_tipset_cids_bytes(&buf, &key);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.bytes, bytes, len);
    assert_err(SLK_ERR_FORMAT, slk_tipset_cids_from_bytes(&key, bytes, len - 1, arena, &diag));
    free(bytes);
    slk_buf_clear(&buf);

    slk_tipset_t tipset = {.cids = {&cid, 1}, .blocks = {&header, 1}, .height = header.height};
    assert_ok(slk_tipset_check(&tipset, &diag), diag);
    tipset.height++;
    assert_err(SLK_ERR_FORMAT, slk_tipset_check(&tipset, &diag));

    slk_msg_meta_t meta;
    bytes = hex_bytes(text_of(block, "message_meta_cbor_hex"), &len);
    assert_ok(slk_record_decode(&meta, &slk_msg_meta_type, bytes, len, arena, &diag), diag);
    assert_ok(slk_record_cid(&cid, &slk_msg_meta_type, &meta, &diag), diag);
    assert_true(slk_cid_eq(&cid, &header.messages));
    free(bytes);
    slk_buf_free(&buf);
    json_both_ways(&slk_block_messages_type, json_object_get(block, "messages"));
    json_both_ways(&slk_mining_base_info_type, json_object_get(block, "base_info"));
}

static void blocks(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_arena_init(&arena, 1 << 24);
    json_t *file = test_vectors("lotus-rpc/blocks.json"), *block;
    size_t i;
    assert_int_equal(json_array_size(file), 14);
    json_array_foreach(file, i, block) one_block(block, &arena);
    json_decref(file);
    file = test_vectors("lotus-rpc/genesis-block.json");
    one_block(file, &arena);
    json_decref(file);
    slk_arena_free(&arena);
}

/* Results, or one parameter, of recorded calls. */
static void recorded(const char *method, const slk_type_t *type, int param)
{
    char path[256];
    snprintf(path, sizeof path, "lotus-rpc/%s.json", method);
    json_t *file = test_vectors(path), *call;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(file, "calls"), i, call)
    {
        const json_t *value =
            param < 0 ? json_object_get(json_object_get(call, "response"), "result")
                      : json_array_get(json_object_get(json_object_get(call, "request"), "params"),
                                       (size_t)param);
        if (!json_is_object(value))
            continue;
        json_both_ways(type, value);
        seen++;
    }
    assert_true(seen > 0);
    json_decref(file);
}

static void answers(void **state)
{
    (void)state;
    recorded("ChainHead", &slk_tipset_type, -1);
    recorded("ChainGetTipSetByHeight", &slk_tipset_type, -1);
    recorded("StateGetActor", &slk_actor_state_type, -1);
    recorded("StateSearchMsg", &slk_msg_lookup_type, -1);
    recorded("MpoolPushMessage", &slk_signed_message_type, -1);
    recorded("MinerGetBaseInfo", &slk_mining_base_info_type, -1);
    recorded("MinerCreateBlock", &slk_block_template_type, 0);
    recorded("MinerCreateBlock", &slk_block_msg_type, -1);
    recorded("SyncSubmitBlock", &slk_block_msg_type, 0);
    recorded("ChainGetBlockMessages", &slk_block_messages_type, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_of_the_specification),
        cmocka_unit_test(messages),
        cmocka_unit_test(blocks),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
