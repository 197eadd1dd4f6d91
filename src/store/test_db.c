#include "store/test_engines.h"

#include "base/assert.h"
#include "base/file.h"
#include "store/db.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static slk_diag_t diag;

static slk_db_t *open_db(const char *dir)
{
    char where[TEST_WHERE];
    test_where(where, dir);
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_db_run(db,
                         "CREATE TABLE IF NOT EXISTS t (id {serial}, num {i64}, name TEXT, bytes "
                         "{blob}) {strict}",
                         SLK_NO_VALS, NULL, &diag),
              diag);
    return db;
}

static int64_t number(slk_db_t *db, const char *sql)
{
    bool found = false;
    int64_t num = -1;
    assert_ok(slk_db_get_i64(db, sql, SLK_NO_VALS, &found, &num, &diag), diag);
    assert_true(found);
    return num;
}

static void test_values(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    const char *insert = "INSERT INTO t (num, name, bytes) VALUES (?1, ?2, ?3)";
    int64_t changed = 0;
    assert_ok(slk_db_run(db, insert,
                         SLK_VALS(slk_val_i64(INT64_MIN), slk_val_text("na\xc3\xafve"),
                                  slk_val_blob("a\0b", 3)),
                         &changed, &diag),
              diag);
    assert_int_equal(changed, 1);
    assert_ok(slk_db_run(db, insert,
                         SLK_VALS(slk_val_null(), slk_val_text(NULL), slk_val_blob(NULL, 0)), NULL,
                         &diag),
              diag);

    slk_db_rows_t *rows = NULL;
    bool more = false;
    size_t len = 0;
    assert_ok(
        slk_db_query(&rows, db, "SELECT num, name, bytes FROM t ORDER BY id", SLK_NO_VALS, &diag),
        diag);
    assert_ok(slk_db_rows_next(rows, &more, &diag), diag);
    assert_true(more);
    assert_true(slk_db_rows_i64(rows, 0) == INT64_MIN);
    assert_string_equal(slk_db_rows_text(rows, 1, &len), "na\xc3\xafve");
    assert_int_equal(len, 6);
    assert_memory_equal(slk_db_rows_blob(rows, 2, &len), "a\0b", 3);
    assert_int_equal(len, 3);
    /* The same text once more while the first is open. */
    slk_db_rows_t *again = NULL;
    assert_ok(
        slk_db_query(&again, db, "SELECT num, name, bytes FROM t ORDER BY id", SLK_NO_VALS, &diag),
        diag);
    assert_ok(slk_db_rows_next(again, &more, &diag), diag);
    assert_true(slk_db_rows_i64(again, 0) == INT64_MIN);
    slk_db_rows_close(again);
    assert_ok(slk_db_rows_next(rows, &more, &diag), diag);
    assert_true(more && slk_db_rows_is_null(rows, 0) && slk_db_rows_is_null(rows, 1));
    assert_null(slk_db_rows_text(rows, 1, NULL));
    assert_false(slk_db_rows_is_null(rows, 2));
    assert_non_null(slk_db_rows_blob(rows, 2, &len));
    assert_int_equal(len, 0);
    assert_ok(slk_db_rows_next(rows, &more, &diag), diag);
    assert_false(more);
    slk_db_rows_close(rows);

    bool found = true;
    int64_t num;
    assert_ok(slk_db_get_i64(db, "SELECT num FROM t WHERE num = ?1 OR id = ?1 + 100",
                             SLK_VALS(slk_val_i64(7)), &found, &num, &diag),
              diag);
    assert_false(found);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* More texts than the cache holds, with some in use. */
static void test_many_statements(void **state)
{
    (void)state;
    char dir[64], sql[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    slk_db_rows_t *held = NULL;
    bool more = false;
    assert_ok(slk_db_query(&held, db, "SELECT 41", SLK_NO_VALS, &diag), diag);
    for (int i = 0; i < 600; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        assert_int_equal(number(db, sql), i);
    }
    assert_ok(slk_db_rows_next(held, &more, &diag), diag);
    assert_int_equal(slk_db_rows_i64(held, 0), 41);
    slk_db_rows_close(held);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* What both engines spell alike, and numbers that no smaller type holds. */
static void test_returning(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    const char *insert = "INSERT INTO t (num, name) VALUES (?1, '?2 ''?3') RETURNING id";
    bool found = false;
    int64_t first = 0, second = 0, num = 0, changed = 0;
    assert_ok(slk_db_get_i64(db, insert, SLK_VALS(slk_val_null()), &found, &first, &diag), diag);
    assert_ok(slk_db_get_i64(db, insert, SLK_VALS(slk_val_i64(INT64_MAX)), &found, &second, &diag),
              diag);
    assert_true(found && second > first);
    assert_ok(slk_db_get_i64(db, "SELECT id FROM t WHERE num = ?1 - 1 + 1",
                             SLK_VALS(slk_val_i64(INT64_MAX)), &found, &num, &diag),
              diag);
    assert_true(found && num == second);
    assert_ok(slk_db_get_i64(db, "SELECT count(*) FROM t WHERE name = ?1",
                             SLK_VALS(slk_val_text("?2 '?3")), &found, &num, &diag),
              diag);
    assert_int_equal(num, 2);
    assert_ok(slk_db_run(db,
                         "INSERT INTO t (id, num) VALUES (?1, 3) ON CONFLICT (id) DO UPDATE SET "
                         "num = excluded.num",
                         SLK_VALS(slk_val_i64(second)), &changed, &diag),
              diag);
    assert_int_equal(changed, 1);
    assert_ok(slk_db_run(db, "UPDATE t SET num = 4 WHERE id > ?1", SLK_VALS(slk_val_i64(0)),
                         &changed, &diag),
              diag);
    assert_int_equal(changed, 2);
    assert_int_equal(number(db, "SELECT sum(num) FROM t"), 8);
    slk_db_close(db);
    test_rm_dir(dir);
}

static slk_err_t insert_two(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    int64_t base = *(int64_t *)ctx;
    assert_true(slk_db_in_transaction(db));
    for (int64_t i = 0; i < 2; i++) {
        slk_err_t err = slk_db_run(db, "INSERT INTO t (num) VALUES (?1)",
                                   SLK_VALS(slk_val_i64(base + i)), NULL, d);
        if (err != SLK_OK)
            return err;
    }
    return base < 0 ? slk_fail(d, SLK_ERR_STATE, "told to fail") : SLK_OK;
}

static void test_transactions(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    int64_t base = -10;
    assert_err(SLK_ERR_STATE, slk_db_transact(db, insert_two, &base, &diag));
    assert_string_equal(diag.text, "told to fail");
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 0);
    base = 10;
    assert_ok(slk_db_transact(db, insert_two, &base, &diag), diag);
    assert_false(slk_db_in_transaction(db));
    assert_int_equal(number(db, "SELECT sum(num) FROM t"), 21);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* What cannot be opened. */
static void test_not_opened(void **state)
{
    (void)state;
    char dir[64], path[128];
    slk_db_t *db = NULL;
    test_tmp_dir(dir);
    assert_err(SLK_ERR_UNSUPPORTED, slk_db_open(&db, "mysql://user:secret@host/name", &diag));
    assert_null(strstr(diag.text, "secret"));
    assert_err(SLK_ERR_INPUT, slk_db_open(&db, "sqlite:", &diag));
    snprintf(path, sizeof path, "sqlite:%s/no/such/folder.db", dir);
    assert_err(SLK_ERR_NOTFOUND, slk_db_open(&db, path, &diag));
    snprintf(path, sizeof path, "%s/text", dir);
    assert_ok(slk_write_file(path, "this is a text, long enough to be looked at as one", 50, &diag),
              diag);
    assert_err(SLK_ERR_FORMAT, slk_db_open(&db, path, &diag));
    assert_non_null(strstr(diag.text, "no SQLite database"));
    test_rm_dir(dir);
}

static void test_constraints(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    assert_ok(slk_db_run(db,
                         "CREATE TABLE u (a {i64} PRIMARY KEY, b {i64} REFERENCES u(a), c {i64} "
                         "CHECK (c > 0)) {strict}",
                         SLK_NO_VALS, NULL, &diag),
              diag);
    const char *insert = "INSERT INTO u (a, b) VALUES (?1, ?2)";
    assert_ok(slk_db_run(db, insert, SLK_VALS(slk_val_i64(1), slk_val_null()), NULL, &diag), diag);
    assert_err(SLK_ERR_MISMATCH,
               slk_db_run(db, insert, SLK_VALS(slk_val_i64(1), slk_val_null()), NULL, &diag));
    assert_err(SLK_ERR_MISMATCH,
               slk_db_run(db, insert, SLK_VALS(slk_val_i64(2), slk_val_i64(9)), NULL, &diag));
    assert_err(SLK_ERR_MISMATCH,
               slk_db_run(db, insert, SLK_VALS(slk_val_text("x"), slk_val_null()), NULL, &diag));
    assert_err(SLK_ERR_MISMATCH,
               slk_db_run(db, "INSERT INTO u (a, c) VALUES (3, 0)", SLK_NO_VALS, NULL, &diag));
    assert_ok(slk_db_run(db, insert, SLK_VALS(slk_val_i64(2), slk_val_i64(1)), NULL, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM u"), 2);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* A statement fails and its caller goes on as if nothing was. */
static slk_err_t pass_over(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    (void)ctx;
    slk_err_t err = slk_db_run(db, "INSERT INTO t (num) VALUES (70)", SLK_NO_VALS, NULL, d);
    if (err == SLK_OK)
        assert_err(SLK_ERR_MISMATCH, slk_db_run(db, "INSERT INTO t (id) VALUES (?1)",
                                                SLK_VALS(slk_val_text("x")), NULL, d));
    return err;
}

static void test_failed_statement(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    int64_t base = 1;
    assert_err(SLK_ERR_MISMATCH, slk_db_transact(db, pass_over, NULL, &diag));
    assert_non_null(strstr(diag.text, "rolled back"));
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 0);
    assert_ok(slk_db_transact(db, insert_two, &base, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 2);
    slk_db_close(db);
    test_rm_dir(dir);
}

static slk_err_t set_one(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_db_run(db, "UPDATE t SET num = ?1 WHERE id = 1", SLK_VALS(slk_val_i64(*(int *)ctx)),
                      NULL, d);
}

/* Holds the row, and lets another one wait for it. */
static slk_err_t hold_row(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    slk_db_t *other = ctx;
    int num = 5;
    slk_err_t err = set_one(db, &num, d);
    assert_err(SLK_ERR_BUSY, slk_db_transact(other, set_one, &num, &diag));
    assert_non_null(strstr(diag.text, "another process or thread"));
    assert_int_equal(number(other, "SELECT num FROM t WHERE id = 1"), 1); /* readers do not wait */
    return err;
}

static void test_busy(void **state)
{
    (void)state;
    char dir[64];
    int num = 7;
    test_new(dir);
    slk_db_t *db = open_db(dir), *other = open_db(dir);
    assert_ok(slk_db_run(db, "INSERT INTO t (num) VALUES (1)", SLK_NO_VALS, NULL, &diag), diag);
    slk_db_set_busy_ms(other, 20);
    assert_ok(slk_db_transact(db, hold_row, other, &diag), diag);
    assert_int_equal(number(other, "SELECT num FROM t WHERE id = 1"), 5);
    assert_ok(slk_db_transact(other, set_one, &num, &diag), diag);
    assert_int_equal(number(db, "SELECT num FROM t WHERE id = 1"), 7);
    slk_db_close(other);
    slk_db_close(db);
    test_rm_dir(dir);
}

static void test_backup(void **state)
{
    (void)state;
    char dir[64], path[128];
    test_new(dir);
    slk_db_t *db = open_db(dir), *copy = NULL;
    int64_t base = 5;
    assert_ok(slk_db_transact(db, insert_two, &base, &diag), diag);
    snprintf(path, sizeof path, "%s/copy.db", dir);
    assert_ok(slk_db_backup(db, path, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_db_backup(db, path, &diag));
    base = 50;
    assert_ok(slk_db_transact(db, insert_two, &base, &diag), diag);
    assert_ok(slk_db_open(&copy, path, &diag), diag);
    assert_int_equal(number(copy, "SELECT sum(num) FROM t"), 11);
    slk_db_close(copy);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* Writes pairs for ever and tells each committed one over the pipe. */
static void write_pairs(const char *dir, int fd)
{
    slk_db_t *db = open_db(dir);
    for (int64_t base = number(db, "SELECT coalesce(max(num) + 1, 0) FROM t");; base += 2) {
        if (slk_db_transact(db, insert_two, &base, &diag) != SLK_OK)
            _exit(1);
        if (write(fd, &base, sizeof base) != sizeof base)
            _exit(2);
    }
}

/* kill -9 in the midst of transactions: what was told is there, pairs are whole. */
static void test_kill(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    slk_db_close(open_db(dir));
    int64_t told = -2, total = 0;
    for (int round = 0; round < 12; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            write_pairs(dir, fds[1]);
        }
        close(fds[1]);
        assert_int_equal(read(fds[0], &told, sizeof told), sizeof told); /* it runs */
        usleep(1000 + 2500 * (useconds_t)round);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(fds[0], &told, sizeof told) == sizeof told) {
        }
        close(fds[0]);
        test_settle();
        slk_db_t *db = open_db(dir);
        total = number(db, "SELECT count(*) FROM t");
        int64_t last = number(db, "SELECT max(num) FROM t");
        assert_true(last >= told + 1 && last <= told + 3); /* at most one pair was not told */
        assert_int_equal(total, last + 1);
        assert_int_equal(number(db, "SELECT sum(num) FROM t"), last * (last + 1) / 2);
        slk_db_close(db);
    }
    assert_true(total >= 24);
    test_rm_dir(dir);
}

/* Two processes add to one counter, one read and one write a transaction: no addition is lost. */
static slk_err_t add_one(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    (void)ctx;
    bool found;
    int64_t num = 0;
    slk_err_t err =
        slk_db_get_i64(db, "SELECT num FROM t WHERE id = 1", SLK_NO_VALS, &found, &num, d);
    if (err != SLK_OK)
        return err;
    return slk_db_run(db, "UPDATE t SET num = ?1 WHERE id = 1", SLK_VALS(slk_val_i64(num + 1)),
                      NULL, d);
}

static void test_two_processes(void **state)
{
    (void)state;
    enum { EACH = 100 };
    char dir[64];
    test_new(dir);
    slk_db_t *db = open_db(dir);
    assert_ok(slk_db_run(db, "INSERT INTO t (id, num) VALUES (1, 0)", SLK_NO_VALS, NULL, &diag),
              diag);
    slk_db_close(db);
    pid_t pids[2];
    for (int p = 0; p < 2; p++) {
        pids[p] = fork();
        assert_true(pids[p] >= 0);
        if (pids[p] > 0)
            continue;
        slk_db_t *own = open_db(dir);
        for (int i = 0; i < EACH; i++)
            if (slk_db_transact(own, add_one, NULL, &diag) != SLK_OK)
                _exit(1);
        slk_db_close(own);
        _exit(0);
    }
    for (int p = 0; p < 2; p++) {
        int status = -1;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    db = open_db(dir);
    assert_int_equal(number(db, "SELECT num FROM t WHERE id = 1"), 2 * EACH);
    slk_db_close(db);
    test_rm_dir(dir);
}

static bool put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    ssize_t len = (ssize_t)strlen(text);
    return fd >= 0 && write(fd, text, (size_t)len) == len && close(fd) == 0;
}

/* A small tmpfs at dir, in a namespace where this process is root. */
static bool mount_small(const char *dir)
{
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof uid_map, "0 %u 1", (unsigned)getuid());
    snprintf(gid_map, sizeof gid_map, "0 %u 1", (unsigned)getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put_text("/proc/self/uid_map", uid_map) &&
           put_text("/proc/self/setgroups", "deny") && put_text("/proc/self/gid_map", gid_map) &&
           mount("none", dir, "tmpfs", 0, "size=1m,mode=777") == 0;
}

/* Exits with 77 where none could be mounted. */
static void fill_disk(const char *dir)
{
    if (!mount_small(dir))
        _exit(77);
    slk_db_t *db = open_db(dir);
    static char bytes[16384];
    slk_err_t err = SLK_OK;
    int64_t rows = 0;
    while (err == SLK_OK && rows < 1000) {
        err = slk_db_run(db, "INSERT INTO t (bytes) VALUES (?1)",
                         SLK_VALS(slk_val_blob(bytes, sizeof bytes)), NULL, &diag);
        rows += err == SLK_OK;
    }
    assert_err(SLK_ERR_NOSPACE, err);
    assert_non_null(strstr(diag.text, "free space"));
    /* What was committed is there, and with space again it goes on. */
    assert_int_equal(number(db, "SELECT count(*) FROM t"), rows);
    assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=4m,mode=777"), 0);
    assert_ok(slk_db_run(db, "INSERT INTO t (num) VALUES (1)", SLK_NO_VALS, NULL, &diag), diag);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), rows + 1);
    slk_db_close(db);
    _exit(0);
}

static void test_full_disk(void **state)
{
    (void)state;
    char dir[64];
    test_new(dir);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        fill_disk(dir);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    test_rm_dir(dir);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("no tmpfs can be mounted here: the test of a full disk did not run\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest sqlite[] = {
        cmocka_unit_test(test_not_opened),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_returning),        cmocka_unit_test(test_many_statements),
        cmocka_unit_test(test_transactions),     cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_failed_statement), cmocka_unit_test(test_busy),
        cmocka_unit_test(test_backup),           cmocka_unit_test(test_kill),
        cmocka_unit_test(test_two_processes),    cmocka_unit_test(test_full_disk),
    };
    const struct CMUnitTest postgresql[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_returning),
        cmocka_unit_test(test_many_statements),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_failed_statement),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_two_processes),
    };
    return test_engines(sqlite, SLK_COUNT(sqlite), postgresql, SLK_COUNT(postgresql));
}
