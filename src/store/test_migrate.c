#include "store/test_engines.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <sys/wait.h>

static slk_diag_t diag;

static const char *const first[] = {"CREATE TABLE a (x {i64} NOT NULL) {strict}",
                                    "INSERT INTO a (x) VALUES (1)", NULL};
static const char *const second[] = {"ALTER TABLE a ADD COLUMN y {i64}", NULL};
static const char *const third[] = {"UPDATE a SET y = 2", NULL};
static bool fail_third;

static slk_err_t after_third(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    assert_true(!ctx && slk_db_in_transaction(db));
    return fail_third ? slk_fail(d, SLK_ERR_NOSPACE, "told to fail") : SLK_OK;
}

static const slk_migration_t rows[] = {
    {1, "table a", first, NULL},
    {2, "column y", second, NULL},
    {3, "values of y", third, after_third},
};

static int64_t number(slk_db_t *db, const char *sql)
{
    bool found = false;
    int64_t num = -1;
    assert_ok(slk_db_get_i64(db, sql, SLK_NO_VALS, &found, &num, &diag), diag);
    return found ? num : -1;
}

static void test_forward(void **state)
{
    (void)state;
    char dir[64], path[TEST_WHERE], copy[TEST_WHERE + 32];
    test_new(dir);
    test_where(path, dir);
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_ok(slk_db_migrate(db, "mod", rows, 1, &diag), diag);
    snprintf(copy, sizeof copy, "%s.before-mod-1", path);
    assert_int_equal(access(copy, F_OK), -1); /* nothing was there to lose */

    /* The third fails: the second stays, the third leaves nothing. */
    fail_third = true;
    assert_err(SLK_ERR_NOSPACE, slk_db_migrate(db, "mod", rows, 3, &diag));
    assert_string_equal(diag.text, "migration 3 of mod (values of y): told to fail");
    assert_int_equal(number(db, "SELECT version FROM schema_version WHERE module = 'mod'"), 2);
    assert_int_equal(number(db, "SELECT y FROM a"), -1);
    fail_third = false;
    assert_ok(slk_db_migrate(db, "mod", rows, 3, &diag), diag);
    assert_ok(slk_db_migrate(db, "mod", rows, 3, &diag), diag);
    assert_int_equal(number(db, "SELECT y FROM a"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);

    /* A second module, and a program that is older than the database. */
    static const char *const other[] = {"CREATE TABLE b (x {i64})", NULL};
    const slk_migration_t other_rows[] = {{1, "table b", other, NULL}};
    assert_ok(slk_db_migrate(db, "other", other_rows, 1, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_db_migrate(db, "mod", rows, 2, &diag));
    assert_non_null(strstr(diag.text, "its mod tables have version 3, this program knows 2"));
    slk_db_close(db);

    if (test_on_server) { /* its operator copies it */
        test_rm_dir(dir);
        return;
    }
    /* The copy holds the state before the second migration. */
    snprintf(copy, sizeof copy, "%s.before-mod-2", path);
    assert_ok(slk_db_open(&db, copy, &diag), diag);
    assert_int_equal(number(db, "SELECT version FROM schema_version WHERE module = 'mod'"), 1);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* Several processes that start at once: each migration runs once. */
static void test_race(void **state)
{
    (void)state;
    char dir[64], path[TEST_WHERE];
    test_new(dir);
    test_where(path, dir);
    pid_t pids[4];
    for (size_t p = 0; p < SLK_COUNT(pids); p++) {
        pids[p] = fork();
        assert_true(pids[p] >= 0);
        if (pids[p] > 0)
            continue;
        slk_db_t *db = NULL;
        if (slk_db_open(&db, path, &diag) != SLK_OK ||
            slk_db_migrate(db, "mod", rows, SLK_COUNT(rows), &diag) != SLK_OK) {
            fprintf(stderr, "%s\n", diag.text);
            _exit(1);
        }
        slk_db_close(db);
        _exit(0);
    }
    for (size_t p = 0; p < SLK_COUNT(pids); p++) {
        int status = -1;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);
    assert_int_equal(number(db, "SELECT version FROM schema_version"), 3);
    slk_db_close(db);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_race),
    };
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
