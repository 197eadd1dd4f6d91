/* Addresses: the vectors of the specification and those of recorded messages. */
#include "codec/address.h"

#include "test_util.h"

static const struct {
    const char *hex, *text;
} known[] = {
    {"00e807", "t01000"},
    {"0000", "t00"},
    {"00ffffffffffffffff7f", "t09223372036854775807"},
    {"01000102030405060708090a0b0c0d0e0f10111213", "t1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy"},
    {"02000102030405060708090a0b0c0d0e0f10111213", "t2aaaqeayeaudaocajbifqydiob4ibceqtuzr55aq"},
    {"03000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2"
     "d"
     "2e2f",
     "t3aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypsaijcemsckjrhfausukzmfuxc7xayzmkq"},
    {"040a1111111111111111111111111111111111111111",
     "t410fceirceirceirceirceirceirceirceirvj62oxy"},
    {"0157ca3cf311f66ece4921f443607774321ed20851", "t1k7fdz4yr6zxm4sjb6rbwa53ugipneccr5bmil6i"},
    {"03845f8eb14a03f4e9b9367da9f9e1872899ce556e165263882f267f039e8f94126649641bf7f53075d5deebb728f"
     "1f0"
     "f8",
     "t3qrpy5mkkap2otojwpwu7tymhfcm44vloczjghcbpez7qhhupsqjgmsledp37kmdv2xpoxnzi6hyprbcyg3jq"},
};

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t bytes[SLK_ADDRESS_MAX];
        size_t len = strlen(known[i].hex) / 2;
        slk_address_t a, b;
        slk_diag_t diag;
        assert_true(slk_hex_decode(bytes, len, known[i].hex));
        assert_ok(slk_address_from_bytes(&a, bytes, len, &diag), diag);
        assert_string_equal(slk_address_text(&a, SLK_TESTNET).s, known[i].text);
        assert_ok(slk_address_from_text(&b, known[i].text, &diag), diag);
        assert_true(slk_address_eq(&a, &b));
        char main_text[SLK_ADDRESS_TEXT_SZ];
        slk_address_to_text(main_text, &a, SLK_MAINNET);
        assert_int_equal(main_text[0], 'f');
        assert_ok(slk_address_from_text(&b, main_text, &diag), diag);
        assert_true(slk_address_eq(&a, &b));
        slk_buf_t buf = {0};
        slk_cbor_put_address(&buf, &a);
        slk_cbor_t r = slk_cbor_reader(buf.bytes, buf.len, &diag);
        assert_ok(slk_cbor_address(&r, &b), diag);
        assert_true(slk_address_eq(&a, &b));
        slk_buf_free(&buf);
    }
}

static void made(void **state)
{
    (void)state;
    uint8_t key[65] = {4};
    uint64_t id;
    slk_address_t a = slk_address_id(1000);
    assert_true(slk_address_to_id(&a, &id));
    assert_true(id == 1000);
    assert_false(slk_address_is_key(&a));
    a = slk_address_secp256k1(key);
    assert_int_equal(slk_address_protocol(&a), SLK_ADDRESS_SECP256K1);
    assert_true(slk_address_is_key(&a));
    assert_false(slk_address_to_id(&a, &id));
    a = slk_address_bls(key);
    assert_int_equal(a.len, 49);
    a = slk_address_actor("x", 1);
    assert_int_equal(a.b[0], SLK_ADDRESS_ACTOR);
    assert_false(slk_address_is_key(&a));
    memset(key, 0x11, 20);
    a = slk_address_delegated(10, key, 20);
    assert_string_equal(slk_address_text(&a, SLK_TESTNET).s,
                        "t410fceirceirceirceirceirceirceirceirvj62oxy");
    slk_diag_t diag;
    assert_ok(slk_address_from_text(&a, "<empty>", &diag), diag);
    assert_false(slk_address_defined(&a));
    assert_string_equal(slk_address_text(&a, SLK_MAINNET).s, "<empty>");
    slk_address_t x = slk_address_id(1), y = slk_address_id(2);
    assert_true(slk_address_cmp(&x, &y) < 0 && slk_address_cmp(&y, &x) > 0);
}

/* Keys and data with their addresses, from the public test vectors of addresses. */
static void of_keys(void **state)
{
    (void)state;
    uint8_t key[65], data[20];
    assert_true(slk_hex_decode(key, 65,
                               "049402fac37e6432a416a3a0ca5426b5185ab3b24f6134efa25ce487c82d2e4e13"
                               "bf452511e0d2245421f8613bc10d72fa216666a96c3bc13920d3ff233fd0bc05"));
    slk_address_t a = slk_address_secp256k1(key);
    assert_string_equal(slk_address_text(&a, SLK_TESTNET).s,
                        "t15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq");
    assert_true(slk_hex_decode(data, 20, "76128190cdf068d1418044acc03e0b6781970d60"));
    a = slk_address_actor(data, 20);
    assert_string_equal(slk_address_text(&a, SLK_TESTNET).s,
                        "t24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i");
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x01000",
        "t",
        "t0",
        "t5aaa",
        "t001000",
        "t01000x",
        "t0-1",
        "t09223372036854775808",
        "t099999999999999999999",
        "t1",
        "t1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvz",
        "t1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pv",
        "t2aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy",
        "T1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy",
        "t1AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT2OC2PVY",
        "t410ceirceirceirceirceirceirceirceirvj62oxy",
        "t4010fceirceirceirceirceirceirceirceirvj62oxy",
        "t410fceirceirceirceirceirceirceirceirvj62oxz",
        "t3aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypsaijcemsckjrhfausukzmfuxc7xayzmkqaaaa"
        "aaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaa",
    };
    slk_address_t a;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        slk_diag_t diag = {""};
        if (slk_address_from_text(&a, texts[i], &diag) != SLK_ERR_FORMAT || !diag.text[0])
            fail_msg("%s was taken", texts[i]);
    }
    static const struct {
        uint8_t b[4];
        size_t len;
    } bytes[] = {{{0}, 0},          {{0}, 1}, {{0, 0x80}, 2}, {{0, 0x80, 0}, 3}, {{0, 1, 1}, 3},
                 {{1, 0, 0, 0}, 4}, {{3}, 1}, {{4}, 1},       {{5, 0, 0, 0}, 4}};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        assert_err(SLK_ERR_FORMAT, slk_address_from_bytes(&a, bytes[i].b, bytes[i].len, NULL));
    uint8_t longest[SLK_ADDRESS_MAX + 1] = {4, 10};
    slk_diag_t diag;
    assert_ok(slk_address_from_bytes(&a, longest, 2 + 54, &diag), diag);
    assert_err(SLK_ERR_FORMAT, slk_address_from_bytes(&a, longest, 2 + 55, &diag));
    assert_err(SLK_ERR_FORMAT, slk_address_from_bytes(&a, longest, sizeof longest, &diag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(made),
        cmocka_unit_test(of_keys),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
