/* Integers beyond 64 signed bits, from text to text. */
#include "codec/json.h"

#include "test_util.h"

#include <inttypes.h>

static json_t *load(const char *text)
{
    return slk_json_load(text, strlen(text), JSON_DECODE_ANY, NULL);
}

/* The same text comes out. */
static void test_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "[9223372036854775807,-9223372036854775808]",
        "9223372036854775808",
        "-9223372036854775809",
        "[18446744073709551615,18446744073709551616,1]",
        "{\"a\":340282366920938463463374607431768211456,\"b\":[\"18446744073709551615\",-1]}",
        "\"\\\"18446744073709551615\"",
        "[\"{\",\"/int\",\"{\\\"/int\\\":\\\"18446744073709551615\\\"}\"]",
        "{\"/int\":\"1\"}",
        "{\"/int\":\"09223372036854775808\"}",
        "[{\"/int\":\"x\"},{\"/int\":7}]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *json = load(texts[i]);
        assert_non_null(json);
        char *text = slk_json_dump(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, texts[i]);
        free(text);
        json_decref(json);
    }
}

/* What no JSON is does not become some. */
static void test_wrong(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "09223372036854775808",
        "-",
        "[18446744073709551615",
        "+18446744073709551615",
        "{18446744073709551615:1}",
        "--1",
        "18446744073709551615 1",
        "\"18446744073709551615",
        "1844674407370955161518446a",
        "\"a\\",
        "1e999999",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (load(texts[i]))
            fail_msg("%s is JSON", texts[i]);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t v;
    } rows[] = {
        {"0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", true, UINT64_C(1) << 63},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"-1", false, 0},
        {"-9223372036854775809", false, 0},
        {"1.5", false, 0},
        {"18446744073709551615.0", false, 0},
        {"1e3", false, 0},
        {"\"7\"", false, 0},
        {"null", false, 0},
    };
    uint64_t v;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json = load(rows[i].text);
        assert_non_null(json);
        if (slk_json_u64(json, &v) != rows[i].ok || (rows[i].ok && v != rows[i].v))
            fail_msg("%s: %" PRIu64, rows[i].text, v);
        json_decref(json);
        if (!rows[i].ok)
            continue;
        json = slk_json_of_u64(rows[i].v);
        char *text = slk_json_dump(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, rows[i].text);
        free(text);
        json_decref(json);
    }
    json_t *json = load("18446744073709551616");
    assert_string_equal(slk_json_digits(json), "18446744073709551616");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
