#include "test_util.h"

#include "base/assert.h"
#include "store/pg_text.h"

static slk_diag_t diag;

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *url, *name;
    } rows[] = {
        {"postgresql://", "postgresql:///"},
        {"postgresql://anna:pass@db.example:5433/selkie?sslmode=verify-full",
         "postgresql://anna@db.example:5433/selkie"},
        {"postgres://anna:pa%40ss%2Fword@db/selkie?p%61ssword=x&sslpassword=y",
         "postgresql://anna@db/selkie"},
        {"postgresql://anna@one:1,two:2,three/selkie?password=p@ss",
         "postgresql://anna@one:1,two:2,three/selkie"},
        {"postgresql://one,two/selkie?port=7", "postgresql://one:7,two:7/selkie"},
        {"postgresql:///selkie?host=/run/pg&user=b%20c", "postgresql://b%20c@%2Frun%2Fpg/selkie"},
        {"postgresql://[::1]:5/x", "postgresql://::1:5/x"},
        {"postgresql:///x?hostaddr=10.0.0.1", "postgresql://10.0.0.1/x"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        char *name = NULL;
        assert_ok(slk_pg_name(&name, rows[i].url, &diag), diag);
        assert_string_equal(name, rows[i].name);
        free(name);
    }
}

static void test_bad_urls(void **state)
{
    (void)state;
    /* What libpq would take apart in another way than its writer meant, or not at all. */
    static const char *const rows[] = {
        "postgresql://anna:sec@ret@db/selkie",   "postgresql://anna:sec/ret@db/selkie",
        "postgresql://anna:sec%zzret@db/selkie", "postgresql://db/selkie?password=sec%00ret",
        "postgresql://db/selkie?secret",         "postgresql://db/selkie?ret=sec",
        "postgresql://anna:sec?/ret@db/selkie",  "postgresql://anna:sec%00ret@db/selkie",
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        char *name = NULL;
        assert_err(SLK_ERR_INPUT, slk_pg_name(&name, rows[i], &diag));
        assert_null(name);
        assert_null(strstr(diag.text, "sec"));
        assert_null(strstr(diag.text, "ret@"));
    }
}

static void test_params(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        size_t highest;
    } rows[] = {
        {"SELECT 1", "SELECT 1", 0},
        {"SELECT ?1, ?12, ?2", "SELECT $1, $12, $2", 12},
        {"a = '?1' AND b = ?1", "a = '?1' AND b = $1", 1},
        {"'it''s ?1' || ?2", "'it''s ?1' || $2", 2},
        {"\"odd?name\" = ?3 -- why?\n + ?4", "\"odd?name\" = $3 -- why?\n + $4", 4},
        {"/* ? */ ?1 - 2 / 3 -- ?", "/* ? */ $1 - 2 / 3 -- ?", 1},
        {"'open ?1", "'open ?1", 0},
        {"/* open ?1", "/* open ?1", 0},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        char sql[128];
        strcpy(sql, rows[i].from);
        assert_int_equal(slk_pg_params(sql), rows[i].highest);
        assert_string_equal(sql, rows[i].to);
    }
}

/* As the server sends them: SELECT numeric_send(...). */
static void test_numerics(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool ok;
        int64_t num;
    } rows[] = {
        {"0000000000000000", true, 0},
        {"00010000000000000007", true, 7},
        {"00010000400000000007", true, -7},
        {"00010001000000000002", true, 20000},
        {"000200010000000000010001", true, 10001},
        {"0005000400000000039a0d2c0170156516af", true, INT64_MAX},
        {"0005000440000000039a0d2c0170156516b0", true, INT64_MIN},
        {"0005000400000000039a0d2c0170156516b0", false, 0}, /* 2^63 */
        {"0005000440000000039a0d2c0170156516b1", false, 0},
        {"00010005000000000001", false, 0},     /* 10^20 */
        {"0001ffff000000011388", false, 0},     /* 0.5 */
        {"000200000000000100011388", false, 0}, /* 1.5 */
        {"00000000c0000000", false, 0},         /* not a number */
        {"00010000000000002710", false, 0},     /* a digit of 10000 */
        {"0001000000000000", false, 0},
        {"000100000000000000", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        uint8_t bytes[32];
        size_t len = strlen(rows[i].hex) / 2;
        int64_t num = 0;
        assert_true(slk_hex_decode(bytes, len, rows[i].hex));
        assert_int_equal(slk_pg_numeric(&num, bytes, len), rows[i].ok);
        if (rows[i].ok)
            assert_true(num == rows[i].num);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_numerics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
