/* Base64 and base58: vectors of RFC 4648 and of the drafts of base58. */
#include "codec/base58.h"
#include "codec/base64.h"

#include "test_util.h"

static void base64(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } known[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xfb\xff\xfe", "+//+"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len = strlen(known[i].bytes), got;
        slk_base64_encode(text, (const uint8_t *)known[i].bytes, len);
        assert_string_equal(text, known[i].text);
        assert_int_equal(strlen(text), SLK_BASE64_LEN(len));
        assert_true(SLK_BASE64_ROOM(strlen(text)) >= len);
        assert_true(slk_base64_decode(bytes, &got, text, strlen(text)));
        assert_int_equal(got, len);
        assert_memory_equal(bytes, known[i].bytes, len);
    }
    static const char *const refused[] = {
        "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm9v\nYg", "Zg==Zg==", "Zm-_", "Zm 8"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint8_t bytes[16];
        size_t len;
        if (slk_base64_decode(bytes, &len, refused[i], strlen(refused[i])))
            fail_msg("%s was taken", refused[i]);
    }
}

static void base58(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } known[] = {{"", ""},
                 {"48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U"},
                 {"0000287fb4cd", "11233QC4"},
                 {"00", "1"},
                 {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[SLK_BASE58_TEXT_SZ];
        uint8_t bytes[SLK_BASE58_BYTES_MAX], back[SLK_BASE58_BYTES_MAX];
        size_t len = strlen(known[i].hex) / 2, got;
        assert_true(slk_hex_decode(bytes, len, known[i].hex));
        slk_base58_encode(text, bytes, len);
        assert_string_equal(text, known[i].text);
        assert_true(slk_base58_decode(back, &got, text));
        assert_int_equal(got, len);
        assert_memory_equal(back, bytes, len);
    }
    uint8_t longest[SLK_BASE58_BYTES_MAX], back[SLK_BASE58_BYTES_MAX];
    char text[SLK_BASE58_TEXT_SZ + 2];
    size_t len;
    memset(longest, 0xff, sizeof longest);
    slk_base58_encode(text, longest, sizeof longest);
    assert_true(slk_base58_decode(back, &len, text));
    assert_int_equal(len, sizeof longest);
    strcat(text, "1");
    assert_false(slk_base58_decode(back, &len, text));
    static const char *const refused[] = {"0", "O", "I", "l", "2NEpo7TZRRrLZSi2U ", "\xff"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(slk_base58_decode(back, &len, refused[i]));
    char ones[SLK_BASE58_BYTES_MAX + 2];
    memset(ones, '1', sizeof ones);
    ones[sizeof ones - 1] = 0;
    assert_false(slk_base58_decode(back, &len, ones));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(base64), cmocka_unit_test(base58)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
