/* The CBOR reader and writer, CIDs of chain objects, and what each strictness rule refuses. */
#include "codec/cbor.h"

#include "test_util.h"

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;
    assert_true(slk_hex_decode(out, len, hex));
    return len;
}

static void written_as(const slk_buf_t *buf, const char *hex)
{
    char got[1024];
    slk_hex_encode(got, buf->bytes, buf->len);
    assert_string_equal(got, hex);
}

/* Integers of RFC 8949, appendix A. */
static const struct {
    int64_t value;
    const char *hex;
} integers[] = {
    {0, "00"},
    {1, "01"},
    {10, "0a"},
    {23, "17"},
    {24, "1818"},
    {100, "1864"},
    {1000, "1903e8"},
    {1000000, "1a000f4240"},
    {-1, "20"},
    {-10, "29"},
    {-100, "3863"},
    {-1000, "3903e7"},
    {255, "18ff"},
    {256, "190100"},
    {65535, "19ffff"},
    {65536, "1a00010000"},
    {4294967295, "1affffffff"},
    {1000000000000, "1b000000e8d4a51000"},
    {INT64_MAX, "1b7fffffffffffffff"},
    {INT64_MIN, "3b7fffffffffffffff"},
};

static void integers_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        slk_buf_t buf = {0};
        slk_diag_t diag;
        slk_cbor_put_int(&buf, integers[i].value);
        written_as(&buf, integers[i].hex);
        slk_cbor_t r = slk_cbor_reader(buf.bytes, buf.len, &diag);
        int64_t v;
        assert_ok(slk_cbor_int(&r, &v), diag);
        assert_true(v == integers[i].value);
        assert_ok(slk_cbor_end(&r), diag);
        for (size_t cut = 0; cut < buf.len; cut++) {
            r = slk_cbor_reader(buf.bytes, cut, &diag);
            assert_err(SLK_ERR_FORMAT, slk_cbor_int(&r, &v));
        }
        slk_buf_free(&buf);
    }
    uint8_t top[9] = {0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    slk_diag_t diag;
    slk_cbor_t r = slk_cbor_reader(top, sizeof top, &diag);
    uint64_t u;
    assert_ok(slk_cbor_uint(&r, &u), diag);
    assert_true(u == UINT64_MAX);
    int64_t v;
    r = slk_cbor_reader(top, sizeof top, &diag);
    assert_err(SLK_ERR_FORMAT, slk_cbor_int(&r, &v));
}

static void strings_and_rest(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    slk_diag_t diag;
    slk_cid_t cid = slk_cid_of_cbor("\x80", 1);
    slk_cbor_put_array(&buf, 6);
    slk_cbor_put_bytes(&buf, "\1\2\3\4", 4);
    slk_cbor_put_text(&buf, "\xc3\xbc", 2);
    slk_cbor_put_bool(&buf, true);
    slk_cbor_put_bool(&buf, false);
    slk_cbor_put_null(&buf);
    slk_cbor_put_cid(&buf, &cid);
    assert_ok(slk_buf_check(&buf, &diag), diag);
    slk_cbor_t r = slk_cbor_reader(buf.bytes, buf.len, &diag);
    slk_bytes_t span;
    assert_ok(slk_cbor_item(&r, &span), diag);
    assert_ok(slk_cbor_end(&r), diag);
    assert_int_equal(span.len, buf.len);
    r = slk_cbor_reader(buf.bytes, buf.len, &diag);
    bool yes, no;
    slk_cid_t again;
    assert_ok(slk_cbor_tuple(&r, 6), diag);
    assert_ok(slk_cbor_bytes(&r, &span, 4), diag);
    assert_memory_equal(span.b, "\1\2\3\4", 4);
    assert_false(slk_cbor_null(&r));
    assert_ok(slk_cbor_text(&r, &span, 2), diag);
    assert_int_equal(span.len, 2);
    assert_ok(slk_cbor_bool(&r, &yes), diag);
    assert_ok(slk_cbor_bool(&r, &no), diag);
    assert_true(yes && !no);
    assert_int_equal(slk_cbor_peek(&r), SLK_CBOR_SIMPLE);
    assert_true(slk_cbor_null(&r));
    assert_ok(slk_cbor_cid(&r, &again), diag);
    assert_true(slk_cid_eq(&cid, &again));
    assert_ok(slk_cbor_end(&r), diag);
    assert_int_equal(slk_cbor_peek(&r), SLK_CBOR_NOTHING);
    slk_buf_free(&buf);
}

/* One row a rule. */
static const struct {
    const char *hex, *why;
} refused[] = {
    {"1817", "shortest form"},
    {"190017", "shortest form"},
    {"1900ff", "shortest form"},
    {"1a0000ffff", "shortest form"},
    {"1b00000000ffffffff", "shortest form"},
    {"3817", "shortest form"},
    {"580100", "shortest form"},
    {"9800", "shortest form"},
    {"9f00ff", "indefinite"},
    {"5f4100ff", "indefinite"},
    {"1c", "indefinite or reserved"},
    {"a0", "found a map"},
    {"a10000", "found a map"},
    {"f7", "found true, false, null or a float"},
    {"f93c00", "found true, false, null or a float"},
    {"fb3ff8000000000000", "found true, false, null or a float"},
    {"f800", "found true, false, null or a float"},
    {"c000", "tag 0"},
    {"d82b4100", "tag 43"},
    {"d82a00", "expected bytes"},
    {"d82a40", "do not begin with 00"},
    {"d82a4101", "do not begin with 00"},
    {"d82a4100", "no complete varint"},
    {"d82a450012200100", "version 18"},
    {"61ff", "not UTF-8"},
    {"62c080", "not UTF-8"},
    {"63eda080", "not UTF-8"},
    {"64f4908080", "not UTF-8"},
    {"61c3", "not UTF-8"},
    {"4201", "cut off"},
    {"82", "do not fit"},
    {"8200", "do not fit"},
    {"992001", "8193 elements"},
    {"5a00200001", "2097153 bytes"},
    {"", "found the end"},
};

static void rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint8_t bytes[64];
        slk_diag_t diag = {""};
        size_t len = from_hex(bytes, refused[i].hex);
        slk_cbor_t r = slk_cbor_reader(bytes, len, &diag);
        if (slk_cbor_item(&r, NULL) != SLK_ERR_FORMAT || !strstr(diag.text, refused[i].why))
            fail_msg("%s: \"%s\", expected \"%s\"", refused[i].hex, diag.text, refused[i].why);
        r = slk_cbor_reader(bytes, len, NULL);
        assert_err(SLK_ERR_FORMAT, slk_cbor_item(&r, NULL));
    }
    uint8_t deep[64];
    slk_diag_t diag;
    memset(deep, 0x81, sizeof deep);
    deep[SLK_CBOR_DEPTH_MAX] = 0;
    slk_cbor_t r = slk_cbor_reader(deep, SLK_CBOR_DEPTH_MAX + 1, &diag);
    assert_ok(slk_cbor_item(&r, NULL), diag);
    deep[SLK_CBOR_DEPTH_MAX] = 0x81;
    deep[SLK_CBOR_DEPTH_MAX + 1] = 0;
    r = slk_cbor_reader(deep, SLK_CBOR_DEPTH_MAX + 2, &diag);
    assert_err(SLK_ERR_FORMAT, slk_cbor_item(&r, NULL));
    assert_non_null(strstr(diag.text, "deep"));
    r = slk_cbor_reader("\x00\x00", 2, &diag);
    assert_ok(slk_cbor_item(&r, NULL), diag);
    assert_err(SLK_ERR_FORMAT, slk_cbor_end(&r));
    slk_bytes_t span;
    r = slk_cbor_reader("\x42\x00\x00", 3, &diag);
    assert_err(SLK_ERR_FORMAT, slk_cbor_bytes(&r, &span, 1));
    r = slk_cbor_reader("\x82\x00\x00", 3, &diag);
    assert_err(SLK_ERR_FORMAT, slk_cbor_tuple(&r, 3));
}

static void cids(void **state)
{
    (void)state;
    /* The message of spec 2.1, a code CID and a commitment. */
    uint8_t bytes[64];
    slk_diag_t diag;
    size_t len = from_hex(bytes, "8a182a4300d2094300d209182a40094040014a62797465206172726179");
    slk_cid_t cid = slk_cid_of_cbor(bytes, len), again;
    const char *text = "bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s";
    assert_string_equal(slk_cid_text(&cid).s, text);
    assert_ok(slk_cid_from_text(&again, text, &diag), diag);
    assert_true(slk_cid_eq(&cid, &again));
    assert_int_equal(slk_cid_cmp(&cid, &again), 0);
    assert_int_equal(again.len, 38);
    assert_err(SLK_ERR_FORMAT, slk_cid_from_text(&again, text + 1, &diag));
    assert_err(SLK_ERR_FORMAT, slk_cid_from_text(&again, "b", &diag));
    assert_err(SLK_ERR_FORMAT, slk_cid_from_bytes(&again, cid.b, 37, &diag));
    assert_err(SLK_ERR_FORMAT, slk_cid_from_bytes(&again, cid.b, 39, &diag));
    slk_node_t comm = node_from_hex(
                   "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833"),
               back;
    cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm);
    assert_string_equal(slk_cid_text(&cid).s,
                        "baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy");
    assert_ok(slk_cid_to_commitment(&back, SLK_CID_UNSEALED, &cid, &diag), diag);
    assert_true(slk_node_eq(&comm, &back));
    assert_err(SLK_ERR_FORMAT, slk_cid_to_commitment(&back, SLK_CID_SEALED, &cid, &diag));
    assert_string_equal(slk_cid_text(&(slk_cid_t){0}).s, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_known),
        cmocka_unit_test(strings_and_rest),
        cmocka_unit_test(rules),
        cmocka_unit_test(cids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
