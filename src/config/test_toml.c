#include "config/toml.h"

#include "base/assert.h"
#include "test_util.h"

#include <inttypes.h>

/* The tree as one line, to compare with: {"a":1,"b":["x",true]}. */
static void show(char *out, size_t cap, const slk_toml_t *value)
{
    size_t len = strlen(out);
    bool table = value->kind == SLK_TOML_TABLE;
    if (value->kind == SLK_TOML_STRING)
        snprintf(out + len, cap - len, "\"%s\"", value->text);
    else if (value->kind == SLK_TOML_DATE)
        snprintf(out + len, cap - len, "@%s", value->text);
    else if (value->kind == SLK_TOML_INTEGER)
        snprintf(out + len, cap - len, "%" PRId64, value->integer);
    else if (value->kind == SLK_TOML_FLOAT)
        snprintf(out + len, cap - len, "%g", value->number);
    else if (value->kind == SLK_TOML_BOOL)
        snprintf(out + len, cap - len, "%s", value->truth ? "true" : "false");
    else
        snprintf(out + len, cap - len, "%s", table ? "{" : "[");
    if (!table && value->kind != SLK_TOML_ARRAY)
        return;
    for (const slk_toml_t *at = value->first; at; at = at->next) {
        len = strlen(out);
        if (table)
            snprintf(out + len, cap - len, "%s:", at->key);
        show(out, cap, at);
        len = strlen(out);
        if (at->next)
            snprintf(out + len, cap - len, ",");
    }
    len = strlen(out);
    snprintf(out + len, cap - len, "%s", table ? "}" : "]");
}

static void expect(const char *text, const char *want)
{
    char got[1024] = "";
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    slk_arena_init(&arena, SLK_TOML_ARENA);
    if (slk_toml_read(&root, &arena, text, strlen(text), "f", &diag) != SLK_OK)
        fail_msg("%s\n%s", text, diag.text);
    show(got, sizeof(got), root);
    if (strcmp(got, want) != 0)
        fail_msg("%s\ngives %s\nexpected %s", text, got, want);
    slk_arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    slk_arena_init(&arena, SLK_TOML_ARENA);
    if (slk_toml_read(&root, &arena, text, strlen(text), "f", &diag) == SLK_OK)
        fail_msg("read: %s", text);
    if (strcmp(diag.text, why) != 0)
        fail_msg("%s\ngives  %s\nexpect %s", text, diag.text, why);
    slk_arena_free(&arena);
}

/* Rows: text, tree or sentence. */
typedef struct {
    const char *text, *want;
} row_t;

static void expect_all(const row_t *rows, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        expect(rows[i].text, rows[i].want);
}

static void refuse_all(const row_t *rows, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        refuse(rows[i].text, rows[i].want);
}

static void test_scalars(void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"", "{}"},
        {"\xef\xbb\xbf# only a comment", "{}"},
        {"a = 1\r\n\tb=-2 # x\n", "{a:1,b:-2}"},
        {"a = [+3, 1_000, 0xfF, 0o17, 0b101, 0, -0]", "{a:[3,1000,255,15,5,0,0]}"},
        {"a = 9223372036854775807\nb = -9223372036854775808",
         "{a:9223372036854775807,b:-9223372036854775808}"},
        {"a = [1.5, -2e10, 1_0.0_1, 3E-2, 0.0, -inf]", "{a:[1.5,-2e+10,10.01,0.03,0,-inf]}"},
        {"a = [true, false]", "{a:[true,false]}"},
        {"a = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.25-07:00, 2000-02-29, 23:59:60]",
         "{a:[@1979-05-27T07:32:00Z,@1979-05-27 07:32:00.25-07:00,@2000-02-29,@23:59:60]}"},
        {"a = [ # one\n 1\n , # two\n 2,\n]", "{a:[1,2]}"},
        {"a = {}\nb = { x = 1, y.z = [ {q=2} ] }", "{a:{},b:{x:1,y:{z:[{q:2}]}}}"},
    };
    expect_all(rows, SLK_COUNT(rows));
}

static void test_strings(void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"a = \"\"\nb = ''\nc = \"\"\"\"\"\"\nd = ''''''", "{a:\"\",b:\"\",c:\"\",d:\"\"}"},
        {"a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "{a:\"\b\t\n\f\r\"\\\"}"},
        {"a = \"\\u00e9\\u20AC\\U0001F600\"", "{a:\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"},
        {"a = '\\n\"'", "{a:\"\\n\"\"}"},
        {"a = \"\"\"\nx\r\n y\"\"\"", "{a:\"x\n y\"}"},
        {"a = \"\"\"x \\\n\n   y\\\"\"\"\"", "{a:\"x y\"\"}"},
        {"a = \"\"\"x\"\"\"\"\"", "{a:\"x\"\"\"}"},
        {"a = '''it''s'''''", "{a:\"it''s''\"}"},
    };
    expect_all(rows, SLK_COUNT(rows));
}

static void test_tables(void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"a.b.c = 1\na.d = 2\n\"a.b\" = 3\n'' = 4", "{a:{b:{c:1},d:2},a.b:3,:4}"},
        {"a . b = 1\n1.2 = 3", "{a:{b:1},1:{2:3}}"},
        {"[a.b]\nx = 1\n[a]\ny = 2", "{a:{b:{x:1},y:2}}"},
        {"[ a . \"b c\" ] # x\nx = 1", "{a:{b c:{x:1}}}"},
        {"[[a]]\nx = 1\n[a.b]\ny = 2\n[[a]]\n[[a.c]]\nz = 3", "{a:[{x:1,b:{y:2}},{c:[{z:3}]}]}"},
        {"[a]\nb.c = 1\n[a.b.d]\nx = 2", "{a:{b:{c:1,d:{x:2}}}}"},
        {"[a.b]\n[a.b.c]\n[a.d]", "{a:{b:{c:{}},d:{}}}"},
    };
    expect_all(rows, SLK_COUNT(rows));
}

static void test_refused_values(void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"a = ", "f:1: expected a value"},
        {"a", "f:1: expected '=' after a"},
        {"= 1", "f:1: expected a key; found '='"},
        {"\n\na = x", "f:3: 'x' is no value: a text needs quotes"},
        {"a = 01", "f:1: '01' is no value: a text needs quotes"},
        {"a = 1__0", "f:1: '1__0' is no value: a text needs quotes"},
        {"a = _1", "f:1: '_1' is no value: a text needs quotes"},
        {"a = 1.", "f:1: '1.' is no value: a text needs quotes"},
        {"a = .1", "f:1: '.1' is no value: a text needs quotes"},
        {"a = 1e", "f:1: '1e' is no value: a text needs quotes"},
        {"a = +0x1", "f:1: '+0x1' is no value: a text needs quotes"},
        {"a = 0x", "f:1: '0x' is no value: a text needs quotes"},
        {"a = True", "f:1: 'True' is no value: a text needs quotes"},
        {"a = 2001-02-29", "f:1: '2001-02-29' is no value: a text needs quotes"},
        {"a = 2001-02-28T24:00:00", "f:1: '2001-02-28T24:00:00' is no value: a text needs quotes"},
        {"a = 9223372036854775808", "f:1: 9223372036854775808 is out of range (64 bits)"},
        {"a = 1 b = 2", "f:1: expected the end of the line; found 'b'"},
        {"a = \"x\ny\"", "f:1: a text without its closing \""},
        {"a = '''x\ny", "f:1: a text without its closing '''"},
        {"a = \"\\x\"", "f:1: \\x is not known; known are \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX"},
        {"a = \"\\u12\"", "f:1: a character by number has 4 digits of 0-9, A-F"},
        {"a = \"\\ud800\"", "f:1: there is no character D800"},
        {"a = \"\x01\"", "f:1: a control character (byte 1) in a text"},
        {"# \x01", "f:1: a control character (byte 1) in a comment"},
        {"a = 1\n\xff", "f:2: byte 255 is not text (UTF-8)"},
        {"a = '\xed\xa0\x80'", "f:1: byte 237 is not text (UTF-8)"},
        {"a = 1\rb = 2", "f:1: a carriage return stands without a newline"},
        {"a = [1\n2]", "f:2: expected ',' or ']' in a list"},
        {"a = [1,\n", "f:1: a list without its closing ]"},
        {"a = {x=1,}", "f:1: expected a key; found '}'"},
        {"a = {x=1\n}", "f:1: expected ',' or '}' in a table"},
        {"a = {", "f:1: expected a key; the line ends"},
    };
    refuse_all(rows, SLK_COUNT(rows));
}

static void test_refused_tables(void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"a = 1\n\na = 2", "f:3: a is there already (line 1)"},
        {"a = 1\n\"a\" = 2", "f:2: a is there already (line 1)"},
        {"a = 1\na.b = 2", "f:2: a is there already (line 1) and cannot be added to"},
        {"[a]\n[a]", "f:2: a is there already (line 1)"},
        {"[a]\nb = 1\n[a.b]", "f:3: b is there already (line 2)"},
        {"[a]\nb.c = 1\n[a.b]", "f:3: b is there already (line 2)"},
        {"[a.b.c]\n[a]\nb.d = 1", "f:3: b is there already (line 1) and cannot be added to"},
        {"a = {x = 1}\na.y = 2", "f:2: a is there already (line 1) and cannot be added to"},
        {"a = {x = 1}\n[a.y]", "f:2: a is there already (line 1) and cannot be added to"},
        {"a = {b.c = 1}\n[a.b]", "f:2: a is there already (line 1) and cannot be added to"},
        {"a = []\n[[a]]", "f:2: a is there already (line 1) and is no list of tables"},
        {"[a]\n[[a]]", "f:2: a is there already (line 1) and is no list of tables"},
        {"[[a]]\n[a]", "f:2: a is there already (line 1)"},
        {"[a", "f:1: expected ']' after [a"},
        {"[[a]", "f:1: expected ']]' after [[a"},
        {"[]", "f:1: expected a key; found ']'"},
        {"[a] b = 1", "f:1: expected the end of the line; found 'b'"},
    };
    refuse_all(rows, SLK_COUNT(rows));
}

/* As deep, as long, as many as can be: an error, not a crash. */
static void test_limits(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    const size_t len = SLK_TOML_MAX;
    char *text = malloc(len + 1);
    assert_non_null(text);
    slk_arena_init(&arena, SLK_TOML_ARENA);
    memset(text, '[', len);
    memcpy(text, "a = ", 4);
    assert_err(SLK_ERR_FORMAT, slk_toml_read(&root, &arena, text, len, "f", &diag));
    assert_string_equal(diag.text, "f:1: lists and tables deeper than 32");
    memset(text, 'a', len);
    for (size_t i = 1; i < len; i += 2)
        text[i] = '.';
    assert_err(SLK_ERR_FORMAT, slk_toml_read(&root, &arena, text, len, "f", &diag));
    assert_string_equal(diag.text, "f:1: tables deeper than 32");
    assert_err(SLK_ERR_LENGTH, slk_toml_read(&root, &arena, text, len + 1, "f", &diag));
    slk_arena_free(&arena);
    /* The text with most values: the arena suffices. */
    slk_arena_init(&arena, SLK_TOML_ARENA);
    memcpy(text, "a = [", 5);
    for (size_t i = 5; i + 1 < len; i += 2)
        memcpy(text + i, "1,", 2);
    text[len - 1] = ']';
    text[len - 2] = ' ';
    assert_ok(slk_toml_read(&root, &arena, text, len, "f", &diag), diag);
    assert_in_range(slk_toml_get(root, "a")->cnt, len / 2 - 5, len / 2);
    slk_arena_free(&arena);
    slk_arena_init(&arena, SLK_TOML_ARENA);
    size_t at = 0;
    for (unsigned i = 0; i < 2000; i++)
        at += (size_t)sprintf(text + at, "k%u = 1\n", i);
    assert_err(SLK_ERR_FORMAT, slk_toml_read(&root, &arena, text, at, "f", &diag));
    assert_string_equal(diag.text, "f:1025: a table has at most 1024 keys");
    slk_arena_free(&arena);
    free(text);
}

static void test_lines(void **state)
{
    (void)state;
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    const char *text = "a = '''\n\n'''\nb = [\n1,\n2]\n[c]\n\nd = 1\n";
    slk_arena_init(&arena, SLK_TOML_ARENA);
    assert_ok(slk_toml_read(&root, &arena, text, strlen(text), "f", &diag), diag);
    assert_int_equal(slk_toml_get(root, "a")->line, 1);
    assert_int_equal(slk_toml_get(root, "b")->line, 4);
    assert_int_equal(slk_toml_get(root, "b")->first->next->line, 6);
    assert_int_equal(slk_toml_get(slk_toml_get(root, "c"), "d")->line, 9);
    assert_null(slk_toml_get(root, "d"));
    slk_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_tables),         cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_refused_tables), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
