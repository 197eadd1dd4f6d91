/* What can only go wrong with a server: connections that break, transactions in each other's way,
 * passwords, a killed server. What both engines promise is in test_db.c. */

#include "store/test_engines.h"

#include "base/assert.h"
#include "store/db.h"
#include "store/migrate.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static slk_diag_t diag;

static slk_db_t *open_db(const char *dir)
{
    char where[TEST_WHERE];
    slk_db_t *db = NULL;
    test_where(where, dir);
    assert_ok(slk_db_open(&db, where, &diag), diag);
    return db;
}

static void run(slk_db_t *db, const char *sql)
{
    assert_ok(slk_db_run(db, sql, SLK_NO_VALS, NULL, &diag), diag);
}

static int64_t number(slk_db_t *db, const char *sql)
{
    bool found = false;
    int64_t num = -1;
    assert_ok(slk_db_get_i64(db, sql, SLK_NO_VALS, &found, &num, &diag), diag);
    assert_true(found);
    return num;
}

/* With a table t of a few rows. */
static slk_db_t *new_db(char dir[64])
{
    test_new(dir);
    slk_db_t *db = open_db(dir);
    run(db, "CREATE TABLE t (id {i64} PRIMARY KEY, num {i64}, name TEXT, bytes {blob}) {strict}");
    run(db, "INSERT INTO t (id, num) VALUES (1, 1), (2, 1)");
    return db;
}

/* --- Opening ------------------------------------------------------------------------------- */

static void test_open(void **state)
{
    (void)state;
    char dir[64], where[TEST_WHERE];
    slk_db_t *db = NULL, *other = NULL;
    db = new_db(dir);
    run(db, "CREATE ROLE locked LOGIN PASSWORD 'right/secret'");
    test_server_url(where, "locked:wrong-secret", "postgres");
    assert_err(SLK_ERR_PERM, slk_db_open(&other, where, &diag));
    assert_null(strstr(diag.text, "secret"));
    assert_null(strchr(diag.text, '\n'));
    assert_non_null(strstr(diag.text, "postgresql://locked@%2Ftmp%2Fselkie-test-"));
    test_server_url(where, "locked:right%2Fsecret", "postgres?application_name=x");
    assert_ok(slk_db_open(&other, where, &diag), diag);
    assert_null(strstr(slk_db_name(other), "secret"));
    assert_null(strchr(slk_db_name(other), '?'));
    assert_int_equal(number(other, "SELECT 3"), 3);
    assert_err(SLK_ERR_PERM,
               slk_db_run(other, "CREATE TABLE x (y {i64})", SLK_NO_VALS, NULL, &diag));
    slk_db_close(other);
    run(db, "DROP ROLE locked");

    test_server_url(where, "selkie", "no-such");
    assert_err(SLK_ERR_NOTFOUND, slk_db_open(&other, where, &diag));
    assert_non_null(strstr(diag.text, "createdb"));
    assert_err(SLK_ERR_IO, slk_db_open(&other, "postgresql:///x?host=/nowhere", &diag));
    run(db, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    test_server_url(where, "selkie", "latin");
    assert_err(SLK_ERR_UNSUPPORTED, slk_db_open(&other, where, &diag));
    assert_non_null(strstr(diag.text, "LATIN1, expected UTF8"));
    assert_err(SLK_ERR_UNSUPPORTED, slk_db_backup(db, "/tmp/never", &diag));
    slk_db_close(db);
    test_rm_dir(dir);
}

/* --- Values -------------------------------------------------------------------------------- */

static void test_odd_values(void **state)
{
    (void)state;
    enum { LEN = 3000000 };
    char dir[64];
    slk_db_t *db = new_db(dir);
    uint8_t *bytes = malloc(LEN);
    assert_non_null(bytes);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (uint8_t)(i * 7 >> 3);
    assert_ok(slk_db_run(db, "UPDATE t SET bytes = ?1, name = ?2 WHERE id = 1",
                         SLK_VALS(slk_val_blob(bytes, LEN), slk_val_text("'; DROP TABLE t; \\")),
                         NULL, &diag),
              diag);
    slk_db_rows_t *rows = NULL;
    bool more = false;
    size_t len;
    assert_ok(slk_db_query(&rows, db, "SELECT bytes, name FROM t WHERE bytes = ?1",
                           SLK_VALS(slk_val_blob(bytes, LEN)), &diag),
              diag);
    assert_ok(slk_db_rows_next(rows, &more, &diag), diag);
    assert_true(more);
    assert_memory_equal(slk_db_rows_blob(rows, 0, &len), bytes, LEN);
    assert_int_equal(len, LEN);
    assert_string_equal(slk_db_rows_text(rows, 1, NULL), "'; DROP TABLE t; \\");
    slk_db_rows_close(rows);
    free(bytes);
    assert_err(SLK_ERR_INPUT, slk_db_run(db, "UPDATE t SET name = ?1",
                                         SLK_VALS(slk_val_text("\xff\xfe")), NULL, &diag));
    /* A sum that is too long, and one that is not. */
    run(db, "UPDATE t SET num = 9223372036854775807 WHERE id = 1");
    bool found;
    int64_t num;
    assert_err(SLK_ERR_LENGTH,
               slk_db_get_i64(db, "SELECT sum(num) FROM t", SLK_NO_VALS, &found, &num, &diag));
    run(db, "UPDATE t SET num = -1 WHERE id = 2");
    assert_true(number(db, "SELECT sum(num) FROM t") == INT64_MAX - 1);
    assert_int_equal(number(db, "SELECT -5"), -5);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* A prepared statement whose table somebody else changed, outside and inside of a transaction. */
static slk_err_t count_columns(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    (void)ctx;
    slk_err_t err = slk_db_query(&rows, db, "SELECT * FROM t ORDER BY id", SLK_NO_VALS, d);
    if (err == SLK_OK)
        err = slk_db_rows_next(rows, &more, d);
    if (err == SLK_OK)
        assert_true(more && slk_db_rows_i64(rows, 0) == 1);
    slk_db_rows_close(rows);
    return err;
}

static void test_changed_table(void **state)
{
    (void)state;
    char dir[64];
    slk_db_t *db = new_db(dir), *other = open_db(dir);
    assert_ok(count_columns(db, NULL, &diag), diag);
    run(other, "ALTER TABLE t ADD COLUMN more {i64}");
    assert_ok(count_columns(db, NULL, &diag), diag);
    run(other, "ALTER TABLE t ADD COLUMN yet_more {i64}");
    assert_ok(slk_db_transact(db, count_columns, NULL, &diag), diag);
    slk_db_close(other);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* --- Broken connections --------------------------------------------------------------------- */

/* As an administrator does it. Returns when it is gone. */
static void cut(slk_db_t *admin, int64_t pid)
{
    bool found;
    int64_t num = 1;
    assert_ok(slk_db_get_i64(admin, "SELECT pg_terminate_backend(CAST(?1 AS INTEGER))",
                             SLK_VALS(slk_val_i64(pid)), &found, &num, &diag),
              diag);
    for (int i = 0; num && i < 500; i++) {
        usleep(5000);
        assert_ok(slk_db_get_i64(admin, "SELECT count(*) FROM pg_stat_activity WHERE pid = ?1",
                                 SLK_VALS(slk_val_i64(pid)), &found, &num, &diag),
                  diag);
    }
    assert_int_equal(num, 0);
}

typedef struct {
    slk_db_t *admin;
    int calls;
} cutting_t;

/* The first time the connection breaks between two statements. */
static slk_err_t insert_cut(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    cutting_t *cutting = ctx;
    slk_err_t err = slk_db_run(db, "INSERT INTO t (id) VALUES (10)", SLK_NO_VALS, NULL, d);
    if (cutting->calls++ == 0)
        cut(cutting->admin, number(db, "SELECT pg_backend_pid()"));
    if (err == SLK_OK)
        err = slk_db_run(db, "INSERT INTO t (id) VALUES (11)", SLK_NO_VALS, NULL, d);
    return err;
}

static void test_cut(void **state)
{
    (void)state;
    char dir[64];
    slk_db_t *db = new_db(dir);
    cutting_t cutting = {.admin = open_db(dir)};
    /* Idle: nobody notices. */
    cut(cutting.admin, number(db, "SELECT pg_backend_pid()"));
    run(db, "UPDATE t SET num = num + 1");
    assert_int_equal(number(db, "SELECT sum(num) FROM t"), 4);
    /* Before the commit: all of it once more. */
    assert_ok(slk_db_transact(db, insert_cut, &cutting, &diag), diag);
    assert_int_equal(cutting.calls, 2);
    assert_int_equal(number(db, "SELECT count(*) FROM t WHERE id >= 10"), 2);
    /* While a statement outside of a transaction is at work. */
    assert_err(SLK_ERR_IO, slk_db_run(db,
                                      "INSERT INTO t (id, num) SELECT 20, CASE WHEN "
                                      "pg_terminate_backend(pg_backend_pid()) THEN 1 END",
                                      SLK_NO_VALS, NULL, &diag));
    assert_non_null(strstr(diag.text, "it is not known whether"));
    assert_int_equal(number(db, "SELECT count(*) FROM t WHERE id = 20"), 0);
    slk_db_close(cutting.admin);
    slk_db_close(db);
    test_rm_dir(dir);
}

static slk_err_t insert_counted(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    ++*(int *)ctx;
    return slk_db_run(db, "INSERT INTO t (id) VALUES (30)", SLK_NO_VALS, NULL, d);
}

/* The connection breaks in the midst of the commit: never done again by itself. */
static void test_cut_commit(void **state)
{
    (void)state;
    char dir[64];
    int calls = 0;
    slk_db_t *db = new_db(dir);
    run(db, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
            "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
    run(db, "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION cut()");
    assert_err(SLK_ERR_IO, slk_db_transact(db, insert_counted, &calls, &diag));
    assert_non_null(strstr(diag.text, "commit"));
    assert_non_null(strstr(diag.text, "it is not known whether"));
    assert_int_equal(calls, 1);
    run(db, "DROP TRIGGER cut ON t");
    assert_int_equal(number(db, "SELECT count(*) FROM t WHERE id = 30"), 0);
    assert_ok(slk_db_transact(db, insert_counted, &calls, &diag), diag);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* kill -9 of the server in a transaction, and its recovery. */
static slk_err_t insert_killed(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    int *calls = ctx;
    slk_err_t err = slk_db_run(db, "INSERT INTO t (id) VALUES (40)", SLK_NO_VALS, NULL, d);
    if ((*calls)++ == 0) {
        test_server_kill(SIGKILL);
        test_server_start(NULL);
    }
    return err;
}

static void test_server_killed(void **state)
{
    (void)state;
    char dir[64], where[TEST_WHERE];
    int calls = 0;
    slk_db_t *db = new_db(dir), *other = NULL;
    assert_ok(slk_db_transact(db, insert_killed, &calls, &diag), diag);
    assert_int_equal(calls, 2);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 3);

    /* Not there for a while. */
    test_server_kill(SIGINT);
    slk_db_set_busy_ms(db, 100);
    assert_err(SLK_ERR_IO, slk_db_transact(db, insert_counted, &calls, &diag));
    assert_err(SLK_ERR_IO, slk_db_run(db, "SELECT 1", SLK_NO_VALS, NULL, &diag));
    assert_int_equal(calls, 2);
    /* One that would lose what was committed is refused. */
    test_where(where, dir);
    test_server_start("fsync=off");
    assert_err(SLK_ERR_UNSUPPORTED, slk_db_open(&other, where, &diag));
    assert_non_null(strstr(diag.text, "fsync=off"));
    assert_err(SLK_ERR_UNSUPPORTED, slk_db_transact(db, insert_counted, &calls, &diag));
    test_server_kill(SIGINT);
    test_server_start(NULL);
    assert_ok(slk_db_transact(db, insert_counted, &calls, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 4);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* --- Transactions in each other's way ------------------------------------------------------- */

typedef struct {
    slk_db_t *other;
    int64_t id;
    int calls;
} skew_t;

/* Sets its row to 0, but only if that leaves another one. */
static slk_err_t leave_one(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    skew_t *skew = ctx;
    bool found;
    int64_t left;
    slk_err_t err =
        slk_db_get_i64(db, "SELECT count(*) FROM t WHERE num = 1", SLK_NO_VALS, &found, &left, d);
    if (skew->calls++ == 0 && skew->other) {
        skew_t second = {.id = 2};
        assert_ok(slk_db_transact(skew->other, leave_one, &second, &diag), diag);
    }
    if (err == SLK_OK && left > 1)
        err = slk_db_run(db, "UPDATE t SET num = 0 WHERE id = ?1", SLK_VALS(slk_val_i64(skew->id)),
                         NULL, d);
    return err;
}

static void test_serializable(void **state)
{
    (void)state;
    char dir[64];
    slk_db_t *db = new_db(dir);
    skew_t skew = {.other = open_db(dir), .id = 1};
    assert_ok(slk_db_transact(db, leave_one, &skew, &diag), diag);
    assert_int_equal(skew.calls, 2);
    assert_int_equal(number(db, "SELECT sum(num) FROM t"), 1);
    slk_db_close(skew.other);
    slk_db_close(db);
    test_rm_dir(dir);
}

typedef struct {
    const char *dir;
    pthread_barrier_t *both;
    int64_t first, second;
    int calls;
    slk_err_t err;
    slk_diag_t diag;
} crossing_t;

static slk_err_t cross(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    crossing_t *crossing = ctx;
    const char *sql = "UPDATE t SET num = num + 1 WHERE id = ?1";
    slk_err_t err = slk_db_run(db, sql, SLK_VALS(slk_val_i64(crossing->first)), NULL, d);
    if (crossing->calls++ == 0)
        pthread_barrier_wait(crossing->both);
    if (err == SLK_OK)
        err = slk_db_run(db, sql, SLK_VALS(slk_val_i64(crossing->second)), NULL, d);
    return err;
}

static void *cross_thread(void *arg)
{
    crossing_t *crossing = arg;
    char where[TEST_WHERE];
    slk_db_t *db = NULL;
    test_where(where, crossing->dir);
    crossing->err = slk_db_open(&db, where, &crossing->diag);
    if (crossing->err == SLK_OK)
        crossing->err = slk_db_transact(db, cross, crossing, &crossing->diag);
    slk_db_close(db);
    return NULL;
}

static void test_deadlock(void **state)
{
    (void)state;
    char dir[64];
    slk_db_t *db = new_db(dir);
    pthread_barrier_t both;
    pthread_t threads[2];
    crossing_t crossings[2] = {{.dir = dir, .both = &both, .first = 1, .second = 2},
                               {.dir = dir, .both = &both, .first = 2, .second = 1}};
    assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, cross_thread, &crossings[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(crossings[i].err, crossings[i].diag);
    }
    pthread_barrier_destroy(&both);
    assert_true(crossings[0].calls + crossings[1].calls >= 3);
    assert_int_equal(number(db, "SELECT sum(num) FROM t"), 6);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* --- Changing tables ------------------------------------------------------------------------ */

/* Who holds the right to change tables and dies, gives it back. */
static void test_schema_lock(void **state)
{
    (void)state;
    static const char *const sql[] = {"CREATE TABLE m (x {i64}) {strict}", NULL};
    const slk_migration_t rows[] = {{1, "table m", sql, NULL}};
    char dir[64], c = 0;
    int fds[2];
    slk_db_t *db = new_db(dir);
    slk_db_set_busy_ms(db, 30);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        slk_db_t *own = open_db(dir);
        if (slk_db_lock_schema(own, &diag) == SLK_OK && write(fds[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_err(SLK_ERR_BUSY, slk_db_migrate(db, "mod", rows, 1, &diag));
    assert_non_null(strstr(diag.text, "another process is creating or changing its tables"));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
    slk_db_set_busy_ms(db, 5000);
    assert_ok(slk_db_migrate(db, "mod", rows, 1, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM m"), 0);
    slk_db_close(db);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),          cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_changed_table), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_commit),    cmocka_unit_test(test_serializable),
        cmocka_unit_test(test_deadlock),      cmocka_unit_test(test_schema_lock),
        cmocka_unit_test(test_server_killed),
    };
    return test_engines(NULL, 0, tests, SLK_COUNT(tests));
}
