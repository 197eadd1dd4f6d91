#include "store/test_engines.h"

#include "store/db.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

bool test_on_server;

static struct {
    char dir[64], data[80], bin[256];
    uid_t uid;
    gid_t gid;
    pid_t pid;
} server;

/* --- The server ---------------------------------------------------------------------------- */

/* The newest installed one; false where there is none. */
static bool find_programs(void)
{
    glob_t found = {0};
    int newest = 0;
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int version = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));
            if (version <= newest)
                continue;
            newest = version;
            snprintf(server.bin, sizeof server.bin, "/usr/lib/postgresql/%d/bin", version);
        }
    globfree(&found);
    return newest > 0;
}

/* Run a program of the server as its user, output to the log; dies with us. It finds its siblings by argv[0],
 * which becomes its path. */
static pid_t spawn(const char *program, char *argv[])
{
    char path[512], log[96];
    snprintf(path, sizeof path, "%s/%s", server.bin, program);
    snprintf(log, sizeof log, "%s/log", server.dir);
    pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    bool other = server.uid != getuid();
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir("/") != 0 ||
        (other && (setgroups(0, NULL) != 0 || setgid(server.gid) != 0 || setuid(server.uid) != 0)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent)
        _exit(126);
    argv[0] = path;
    execv(path, argv);
    _exit(127);
}

static void show_log(void)
{
    char line[512];
    snprintf(line, sizeof line, "%s/log", server.dir);
    FILE *log = fopen(line, "r");
    while (log && fgets(line, sizeof line, log))
        print_message("server: %s", line);
    if (log)
        fclose(log);
}

void test_server_url(char where[TEST_WHERE], const char *user, const char *rest)
{
    snprintf(where, TEST_WHERE, "postgresql://%s@/%s%chost=%s", user, rest,
             strchr(rest, '?') ? '&' : '?', server.dir);
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

void test_server_start(const char *setting)
{
    char *argv[] = {"postgres",
                    "-D",
                    server.data,
                    "-k",
                    server.dir,
                    "-clisten_addresses=",
                    "-cshared_buffers=16MB",
                    "-cmax_connections=30",
                    "-cautovacuum=off",
                    "-cdeadlock_timeout=50ms",
                    setting ? "-c" : NULL,
                    (char *)setting,
                    NULL};
    char where[TEST_WHERE];
    slk_diag_t diag;
    slk_err_t err = SLK_ERR_IO;
    server.pid = spawn("postgres", argv);
    test_server_url(where, "selkie", "postgres");
    for (int i = 0; i < 600 && err == SLK_ERR_IO; i++) {
        slk_db_t *db = NULL;
        sleep_ms(25);
        err = slk_db_open(&db, where, &diag);
        slk_db_close(db);
        /* After a kill it starts when the last process of the former one is gone. */
        if (err == SLK_ERR_IO && waitpid(server.pid, NULL, WNOHANG) == server.pid)
            server.pid = spawn("postgres", argv);
    }
    if (err != SLK_OK && !setting) {
        show_log();
        fail_msg("the server does not start: %s", diag.text);
    }
}

void test_server_kill(int signal)
{
    kill(server.pid, signal);
    assert_int_equal(waitpid(server.pid, NULL, 0), server.pid);
    server.pid = 0;
}

static void create_cluster(void)
{
    /* The user `locked` has a password; everybody else who reaches the socket is believed. */
    static const char access[] = "local all locked scram-sha-256\nlocal all all trust\n";
    char path[128];
    char *argv[] = {"initdb", "-D", server.data, "-U",         "selkie",    "-A",
                    "trust",  "-E", "UTF8",      "--locale=C", "--no-sync", "--no-instructions",
                    NULL};
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (getuid() == 0 && !user)
        user = getpwnam("nobody");
    test_tmp_dir(server.dir);
    snprintf(server.data, sizeof server.data, "%s/data", server.dir);
    server.uid = user ? user->pw_uid : getuid();
    server.gid = user ? user->pw_gid : getgid();
    assert_int_equal(chmod(server.dir, 0755), 0);
    assert_int_equal(chown(server.dir, server.uid, server.gid), 0);
    int status = -1;
    pid_t pid = spawn("initdb", argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        show_log();
    assert_int_equal(status, 0);
    snprintf(path, sizeof path, "%s/pg_hba.conf", server.data);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(access, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int start_server(void **state)
{
    (void)state;
    create_cluster();
    test_server_start(NULL);
    test_on_server = true;
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    test_on_server = false;
    if (server.pid)
        test_server_kill(SIGQUIT);
    if (*server.dir)
        test_rm_dir(server.dir);
    return 0;
}

static void run_alone(const char *sql)
{
    char where[TEST_WHERE];
    slk_diag_t diag;
    slk_db_t *db = NULL;
    test_server_url(where, "selkie", "postgres");
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_db_run(db, sql, SLK_NO_VALS, NULL, &diag), diag);
    slk_db_close(db);
}

void test_settle(void)
{
    char where[TEST_WHERE];
    slk_diag_t diag;
    slk_db_t *db = NULL;
    int64_t others = 1;
    bool found;
    if (!test_on_server)
        return;
    test_server_url(where, "selkie", "postgres");
    assert_ok(slk_db_open(&db, where, &diag), diag);
    for (int i = 0; others && i < 500; i++) {
        assert_ok(slk_db_get_i64(db,
                                 "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
                                 "'client backend' AND pid <> pg_backend_pid()",
                                 SLK_NO_VALS, &found, &others, &diag),
                  diag);
        sleep_ms(others ? 10 : 0);
    }
    assert_int_equal(others, 0);
    slk_db_close(db);
}

/* --- Databases ------------------------------------------------------------------------------ */

/* The random end of the folder's name. */
static void schema_of(char out[32], const char *dir)
{
    const char *random = strrchr(dir, '-') + 1;
    size_t len = (size_t)snprintf(out, 32, "t_%s", random);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
}

void test_new(char dir[64])
{
    char schema[32], sql[64];
    test_tmp_dir(dir);
    if (!test_on_server)
        return;
    schema_of(schema, dir);
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", schema);
    run_alone(sql);
}

void test_where(char where[TEST_WHERE], const char *dir)
{
    char schema[32], rest[96];
    if (!test_on_server) {
        snprintf(where, TEST_WHERE, "%s/test.db", dir);
        return;
    }
    schema_of(schema, dir);
    snprintf(rest, sizeof rest, "postgres?options=-csearch_path%%3D%s", schema);
    test_server_url(where, "selkie", rest);
}

static void test_no_server(void **state)
{
    (void)state;
    print_message("PostgreSQL's server is not installed (/usr/lib/postgresql, package postgresql): "
                  "its tests did not run\n");
    skip();
}

int test_engines(const struct CMUnitTest *sqlite, size_t sqlite_cnt,
                 const struct CMUnitTest *postgresql, size_t postgresql_cnt)
{
    static const struct CMUnitTest none[] = {cmocka_unit_test(test_no_server)};
    int failed = sqlite_cnt ? _cmocka_run_group_tests("SQLite", sqlite, sqlite_cnt, NULL, NULL) : 0;
    if (!find_programs())
        return failed + cmocka_run_group_tests_name("PostgreSQL", none, NULL, NULL);
    return failed + _cmocka_run_group_tests("PostgreSQL", postgresql, postgresql_cnt, start_server,
                                            end_server);
}
