#include "test_util.h"

#include "codec/base32.h"
#include "codec/varint.h"
#include "selkie/cid.h"

static void varint_round_trip(void **state)
{
    (void)state;
    static const struct {
        uint64_t v;
        const char *hex;
    } rows[] = {{0, "00"},          {1, "01"},
                {0x7f, "7f"},       {0x80, "8001"},
                {300, "ac02"},      {0xf101, "81e203"},
                {0xf102, "82e203"}, {0x1012, "9220"},
                {0xb401, "81e802"}, {INT64_MAX, "ffffffffffffffff7f"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t buf[SLK_VARINT_SZ];
        char hex[2 * SLK_VARINT_SZ + 1];
        size_t n = slk_varint_put(buf, rows[i].v);
        slk_hex_encode(hex, buf, n);
        assert_string_equal(hex, rows[i].hex);
        uint64_t v;
        assert_int_equal(slk_varint_get(&v, buf, n), n);
        assert_true(v == rows[i].v);
        assert_int_equal(slk_varint_get(&v, buf, n - 1), 0);
    }
}

static void varint_refused(void **state)
{
    (void)state;
    static const uint8_t rows[][10] = {
        {0x80, 0x00},       /* not the shortest form */
        {0x81, 0x80, 0x00}, /* the same */
        {0x80},             /* cut off: all zeros follow */
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, /* 64 bits */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t v;
        assert_int_equal(slk_varint_get(&v, rows[i], 10), 0);
    }
    uint64_t v;
    assert_int_equal(slk_varint_get(&v, rows[0], 0), 0);
}

/* RFC 4648 section 10, in lower case without padding. */
static void base32_vectors(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "my"},
                                          {"fo", "mzxq"},
                                          {"foo", "mzxw6"},
                                          {"foob", "mzxw6yq"},
                                          {"fooba", "mzxw6ytb"},
                                          {"foobar", "mzxw6ytboi"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        uint8_t buf[16];
        size_t len, raw = strlen(rows[i][0]);
        slk_base32_encode(text, (const uint8_t *)rows[i][0], raw);
        assert_string_equal(text, rows[i][1]);
        assert_int_equal(strlen(text), SLK_BASE32_LEN(raw));
        assert_int_equal(slk_base32_decode(buf, raw, &len, text, strlen(text)), SLK_BASE32_OK);
        assert_int_equal(len, raw);
        assert_memory_equal(buf, rows[i][0], raw);
    }
}

static void base32_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        slk_base32_result_t want;
        size_t len;
    } rows[] = {{"mz1q", SLK_BASE32_CHAR, 2},     {"MZXQ", SLK_BASE32_CHAR, 0},
                {"my======", SLK_BASE32_CHAR, 2}, {"m", SLK_BASE32_LENGTH, 0},
                {"mzx", SLK_BASE32_LENGTH, 1},    {"mzxw6y", SLK_BASE32_LENGTH, 3},
                {"mz", SLK_BASE32_BITS, 1},       {"mzxw7", SLK_BASE32_BITS, 3},
                {"mzxw6ytb", SLK_BASE32_ROOM, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t buf[4];
        size_t len;
        assert_int_equal(
            slk_base32_decode(buf, sizeof buf, &len, rows[i].text, strlen(rows[i].text)),
            rows[i].want);
        assert_int_equal(len, rows[i].len);
    }
}

static const struct {
    slk_cid_kind_t kind;
    const char *hex, *text;
} known[] = {
    {SLK_CID_UNSEALED, "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833",
     "baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy"},
    {SLK_CID_SEALED, "c647b998c78282296cfd1160714228d43f3b054dfbbb77172b68115ba3c3b762",
     "bagboea4b5abcbrshxgmmpaucffwp2elaofbcrvb7hmcu3653o4lsw2arlor4hn3c"},
};

static void cid_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        slk_diag_t diag;
        slk_node_t comm = node_from_hex(known[i].hex);
        char text[SLK_CID_STR_SZ];
        slk_cid_format(text, known[i].kind, &comm);
        assert_string_equal(text, known[i].text);
        memset(&comm, 0, sizeof comm);
        assert_ok(slk_cid_parse(&comm, known[i].kind, text, &diag), diag);
        assert_node_hex(&comm, known[i].hex);
    }
}

/* Text of a CID made of the given bytes before a digest of len bytes 0x11. */
static void make_cid(char out[256], const char *head_hex, size_t len)
{
    uint8_t buf[128];
    size_t n = strlen(head_hex) / 2;
    assert_true(slk_hex_decode(buf, n, head_hex));
    memset(buf + n, 0x11, len);
    out[0] = 'b';
    slk_base32_encode(out + 1, buf, n + len);
}

static void cid_refused_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t digest;
        const char *says;
    } rows[] = {
        {"0181e203922020", 31, "the digest has 31 bytes, expected 32"},
        {"0181e203922020", 33, "the digest has 33 bytes, expected 32"},
        {"0181e203922020", 80, "more than 80 bytes"},
        {"0281e203922020", 32, "version 0x2, expected 0x1 (CIDv1)"},
        {"0182e203922020", 32, "codec 0xf102, expected 0xf101 (fil-commitment-unsealed)"},
        {"01719220", 32, "codec 0x71, expected 0xf101"},
        {"0181e20381e80220", 32, "hash 0xb401, expected 0x1012 (sha2-256-trunc254-padded)"},
        {"0181e203922014", 20, "digest length 0x14, expected 0x20 (32 bytes)"},
        {"8100", 32, "version is no complete varint"},
        {"0181e28300922020", 32, "codec is no complete varint"},
        {"0181e203", 0, "hash is no complete varint"},
        {"", 0, "version is no complete varint"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        slk_diag_t diag = {""};
        slk_node_t comm;
        make_cid(text, rows[i].head, rows[i].digest);
        assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, text, &diag));
        if (!strstr(diag.text, rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", diag.text, rows[i].says);
    }
}

static void cid_refused_text(void **state)
{
    (void)state;
    const char *good = known[0].text;
    size_t len = strlen(good);
    slk_diag_t diag;
    slk_node_t comm;
    char text[256];

    static const char *const begin[] = {
        "", "Baga6", "zabc", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79oj", "\x1b[31mred\n"};
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++) {
        assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, begin[i], &diag));
        assert_non_null(strstr(diag.text, "does not begin with 'b'"));
        assert_null(strpbrk(diag.text, "\x1b\n"));
    }
    /* Every text shorter than a good one, and every single upper-case letter in it. */
    for (size_t n = 0; n < len; n++) {
        memcpy(text, good, n);
        text[n] = 0;
        assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, text, &diag));
        strcpy(text, good);
        if (text[n] < 'a')
            continue;
        text[n] -= 'a' - 'A';
        assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, text, &diag));
    }
    /* 39 bytes are 312 bits in 63 characters: the last three bits have to be zero. */
    strcpy(text, good);
    assert_int_equal(text[len - 1], 'y');
    text[len - 1] = 'z';
    assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, text, &diag));
    assert_non_null(strstr(diag.text, "bits behind the last byte"));
    /* The other kind, and no diag wanted. */
    assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_UNSEALED, known[1].text, &diag));
    assert_non_null(strstr(diag.text, "codec 0xf102, expected 0xf101 (fil-commitment-unsealed)"));
    assert_err(SLK_ERR_FORMAT, slk_cid_parse(&comm, SLK_CID_SEALED, good, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varint_round_trip), cmocka_unit_test(varint_refused),
        cmocka_unit_test(base32_vectors),    cmocka_unit_test(base32_refused),
        cmocka_unit_test(cid_known),         cmocka_unit_test(cid_refused_bytes),
        cmocka_unit_test(cid_refused_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
