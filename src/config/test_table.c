#include "config/table.h"

#include "base/assert.h"
#include "codec/bigint.h"
#include "test_util.h"

typedef struct {
    bool truth;
    uint64_t number;
    uint32_t small;
    int64_t signed_number, duration, epochs;
    char text[16], choice[8], texts[3][8];
    slk_bigint_t amount;
    uint64_t actor;
} config_t;

static bool no_blank(const char *text, const char **expected)
{
    *expected = "a text without blanks";
    return !strchr(text, ' ');
}

#define FIELD(name) SLK_KEY_FIELD(config_t, name)
static const slk_key_t rows[] = {
    {"", "Actor", SLK_KEY_ACTOR, FIELD(actor), NULL, .doc = "Whose."},
    {"A", "Truth", SLK_KEY_BOOL, FIELD(truth), "true", .doc = "Is it?", .fixed = true},
    {"A", "Number", SLK_KEY_U64, FIELD(number), "7", .doc = "How many.", .min = 1, .max = 10},
    {"A", "Small", SLK_KEY_U64, FIELD(small), "1", .doc = "Few."},
    {"A", "Signed", SLK_KEY_I64, FIELD(signed_number), "-3", .doc = "Below.", .min = -5, .max = 5},
    {"A.B", "Duration", SLK_KEY_DURATION, FIELD(duration), "\"1h30m\"", .doc = "How long.",
     .min = 1000},
    {"A.B", "Epochs", SLK_KEY_EPOCHS, FIELD(epochs), "\"1h\"", .doc = "How long."},
    {"C", "Text", SLK_KEY_TEXT, FIELD(text), "\"x\"", .doc = "Words.", .check = no_blank},
    {"C", "Choice", SLK_KEY_TEXT, FIELD(choice), "\"one\"", .doc = "Which.", .choices = "one|two"},
    {"C", "Texts", SLK_KEY_TEXTS, FIELD(texts), "[]", .doc = "Many words.", .cnt = 3},
    {"C", "Amount", SLK_KEY_AMOUNT, FIELD(amount), "\"0.05 FIL\"", .doc = "How much."},
};
static const slk_keys_t keys = {rows, SLK_COUNT(rows)};

static slk_err_t read_text(config_t *config, const char *text, slk_diag_t *diag)
{
    static const char *const others[] = {"Others", NULL};
    slk_arena_t arena;
    const slk_toml_t *root;
    slk_arena_init(&arena, SLK_TOML_ARENA);
    memset(config, 0, sizeof(*config));
    slk_keys_defaults(&keys, config);
    slk_err_t err = slk_toml_read(&root, &arena, text, strlen(text), "f", diag);
    if (err == SLK_OK)
        err = slk_keys_read(&keys, config, root, "f", "", others, diag);
    slk_arena_free(&arena);
    return err;
}

static void test_defaults(void **state)
{
    (void)state;
    slk_diag_t diag;
    config_t config;
    assert_ok(read_text(&config, "Actor = 5\n[Others]\nx = 1", &diag), diag);
    assert_true(config.truth);
    assert_int_equal(config.number, 7);
    assert_int_equal(config.small, 1);
    assert_int_equal(config.signed_number, -3);
    assert_int_equal(config.duration, 5400000);
    assert_int_equal(config.epochs, 120);
    assert_string_equal(config.text, "x");
    assert_string_equal(config.choice, "one");
    assert_string_equal(config.texts[0], "");
    slk_bigint_t atto = slk_bigint_u64(50000000000000000);
    assert_int_equal(slk_bigint_cmp(&config.amount, &atto), 0);
    assert_int_equal(config.actor, 5);
}

static void test_values(void **state)
{
    (void)state;
    slk_diag_t diag;
    config_t config;
    assert_ok(read_text(&config,
                        "Actor = \"t01234\"\n[A]\nTruth = false\nNumber = 10\nSmall = 4294967295\n"
                        "[A.B]\nDuration = \"2d1s5ms\"\nEpochs = \"0s\"\n[C]\nText = 'a\"b'\n"
                        "Choice = \"two\"\nTexts = [\"p\", \"q\"]\nAmount = \"3 attoFIL\"\n",
                        &diag),
              diag);
    assert_int_equal(config.actor, 1234);
    assert_false(config.truth);
    assert_int_equal(config.number, 10);
    assert_int_equal(config.small, UINT32_MAX);
    assert_int_equal(config.duration, 2 * 86400000 + 1005);
    assert_int_equal(config.epochs, 0);
    assert_string_equal(config.text, "a\"b");
    assert_string_equal(config.texts[1], "q");
    assert_string_equal(config.texts[2], "");
    slk_bigint_t atto = slk_bigint_u64(3);
    assert_int_equal(slk_bigint_cmp(&config.amount, &atto), 0);
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "f:1: Actor is missing; expected an actor such as \"t01000\""},
        {"Actor = \"t1000\"", "f:1: Actor: expected an actor such as \"t01000\"; found \"t1000\""},
        {"\n[A]\nNumber = 11", "f:3: A.Number: expected a whole number from 1 to 10; found 11"},
        {"[A]\nNumber = 0", "f:2: A.Number: expected a whole number from 1 to 10; found 0"},
        {"[A]\nNumber = 1.5",
         "f:2: A.Number: expected a whole number from 1 to 10; found a number"},
        {"[A]\nSmall = 4294967296", "f:2: A.Small: expected a whole number; found 4294967296"},
        {"[A]\nSmall = -1", "f:2: A.Small: expected a whole number; found -1"},
        {"[A]\nTruth = \"yes\"", "f:2: A.Truth: expected true or false; found \"yes\""},
        {"[A.B]\nDuration = 5",
         "f:2: A.B.Duration: expected a duration such as \"1h30m\" of at least 1s; found 5"},
        {"[A.B]\nDuration = \"1w\"",
         "f:2: A.B.Duration: expected a duration such as \"1h30m\" of at least 1s; found \"1w\""},
        {"[C]\nText = \"a b\"", "f:2: C.Text: expected a text without blanks; found \"a b\""},
        {"[C]\nText = \"0123456789abcdef\"",
         "f:2: C.Text: expected a text of at most 15 bytes; found \"0123456789abcdef\""},
        {"[C]\nText = \"a\\u0000b\"",
         "f:2: C.Text: expected a text without zero bytes; found \"a\""},
        {"[C]\nChoice = \"six\"", "f:2: C.Choice: expected one of \"one\" \"two\"; found \"six\""},
        {"[C]\nTexts = \"a\"", "f:2: C.Texts: expected a list of at most 3 texts; found \"a\""},
        {"[C]\nTexts = ['a','b','c','d']",
         "f:2: C.Texts: expected a list of at most 3 texts; found a list"},
        {"[C]\nTexts = ['']", "f:2: C.Texts: expected texts that are not empty; found a list"},
        {"[C]\nAmount = \"-1 FIL\"",
         "f:2: C.Amount: expected an amount such as \"0.05 FIL\"; found \"-1 FIL\""},
        {"A = 1", "f:1: A: expected a table, as in [A]; found a whole number"},
        {"[A]\nB = []", "f:2: A.B: expected a table, as in [A.B]; found a list"},
        {"[A]\nnumbr = 1", "f:2: A.numbr is not known; is A.Number meant?"},
        {"[A]\nDuration = 1", "f:2: A.Duration is not known; is A.B.Duration meant?"},
        {"[A.B]\nTruth = true", "f:2: A.B.Truth is not known; is A.Truth meant?"},
        {"Acter = 1", "f:1: Acter is not known; is Actor meant?"},
        {"[Othors]", "f:1: Othors is not known; is Others meant?"},
        {"[A]\nCompletelyElse = 1",
         "f:2: A.CompletelyElse is not known: see `selkie config default`"},
    };
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        slk_diag_t diag;
        config_t config;
        if (read_text(&config, cases[i][0], &diag) != SLK_ERR_FORMAT)
            fail_msg("read: %s", cases[i][0]);
        if (strcmp(diag.text, cases[i][1]) != 0)
            fail_msg("%s\ngives  %s\nexpect %s", cases[i][0], diag.text, cases[i][1]);
    }
}

static char *text_of(const config_t *config, slk_keys_style_t style)
{
    slk_buf_t out = {0};
    slk_keys_text(&out, &keys, config, NULL, "", style);
    slk_buf_put_byte(&out, 0);
    assert_false(out.failed);
    return (char *)out.bytes;
}

static void test_text(void **state)
{
    (void)state;
    slk_diag_t diag;
    config_t config, again;
    assert_ok(
        read_text(&config,
                  "Actor = 5\n[A]\nNumber = 9\n[C]\nText = \"\\\"\\\\\\u0007\"\nTexts = ['a']",
                  &diag),
        diag);
    char *text = text_of(&config, SLK_KEYS_DIFFERENT);
    assert_string_equal(text, "Actor = \"t05\"\n\n[A]\nNumber = 9\n\n[C]\n"
                              "Text = \"\\\"\\\\\\u0007\"\nTexts = [\"a\"]\n");
    assert_ok(read_text(&again, text, &diag), diag);
    assert_memory_equal(&again, &config, sizeof(config));
    free(text);
    text = text_of(&config, SLK_KEYS_DOCUMENTED);
    assert_non_null(strstr(text,
                           "\n[A]\n\n# Is it?\n# True or false. Default: true. Changes need a "
                           "restart.\n#Truth = true\n"));
    assert_non_null(
        strstr(text, "\n# How many.\n# A whole number from 1 to 10. Default: 7.\nNumber = 9\n"));
    assert_ok(read_text(&again, text, &diag), diag);
    assert_memory_equal(&again, &config, sizeof(config));
    free(text);
}

static void test_changes(void **state)
{
    (void)state;
    slk_diag_t diag;
    config_t now, wanted;
    char out[64] = "";
    assert_ok(read_text(&now, "Actor = 5", &diag), diag);
    assert_ok(read_text(&wanted, "Actor = 5\n[A]\nTruth = false\nSmall = 9", &diag), diag);
    slk_keys_changes(out, sizeof(out), &keys, &now, &wanted, "X.", false);
    assert_string_equal(out, "X.A.Truth, X.A.Small");
    *out = '\0';
    slk_keys_changes(out, sizeof(out), &keys, &now, &wanted, "", true);
    assert_string_equal(out, "A.Truth");
}

static void test_durations(void **state)
{
    (void)state;
    char text[SLK_DURATION_TEXT];
    int64_t ms;
    static const char *const bad[] = {"",    "1",    "h",  "1h ",
                                      "-1h", "1.5h", "1w", "9999999999999999d"};
    for (size_t i = 0; i < SLK_COUNT(bad); i++)
        assert_false(slk_duration_parse(&ms, bad[i]));
    assert_true(slk_duration_parse(&ms, "1h30m"));
    assert_int_equal(ms, 5400000);
    assert_true(slk_duration_parse(&ms, "0s"));
    assert_int_equal(ms, 0);
    assert_string_equal(slk_duration_text(text, 0), "0s");
    assert_string_equal(slk_duration_text(text, 5400000), "1h30m");
    assert_string_equal(slk_duration_text(text, 90061001), "25h1m1s1ms");
    for (int64_t i = 0; i < 100000000; i += 1234567) {
        assert_true(slk_duration_parse(&ms, slk_duration_text(text, i)));
        assert_int_equal(ms, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_changes),  cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
