/* kill -9 of a manager's process at random moments, with simulated workers that go on: every job
 * ends once, and no two workers ever hold one under the same lease. The process is this program,
 * started as `test_job_kill manager FOLDER DATABASE PORT JOBS`. */
#include "manager/job/test_worker_simulated.h"
#include "store/test_engines.h"

#include "base/assert.h"
#include "base/log.h"
#include "store/migrate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { JOBS_MAX = 600, WORKERS = 4, BEAT = 50, LEASE = 300 };

static slk_diag_t diag;
static uint64_t seed = 7;
static int kills = 4; /* with the argument "slow": 60, of 600 jobs */
static int job_cnt = 40;

static uint64_t random_below(uint64_t *s, uint64_t n)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (*s >> 33) % n;
}

/* --- The process that is killed --------------------------------------------------------------- */

static const char *const tables[] = {"CREATE TABLE ended_once (job {i64} PRIMARY KEY) {strict}",
                                     NULL};
static const slk_migration_t migrations[] = {{1, "ends", tables, NULL}};

/* A second end of one job breaks the constraint and would be a loud error for ever. */
static slk_err_t on_ended(void *ctx, slk_db_t *db, const slk_job_view_t *job, int64_t now_ms,
                          slk_diag_t *d)
{
    (void)ctx;
    (void)now_ms;
    return slk_db_run(db, "INSERT INTO ended_once (job) VALUES (?1)",
                      SLK_VALS(slk_val_i64(job->id)), NULL, d);
}

static void run_manager(const char *dir, const char *where, const char *port, const char *cnt)
{
    slk_job_hooks_t hooks = {.ended = on_ended};
    slk_db_t *db = NULL;
    sim_server_t s = {.port = (uint16_t)atoi(port)};
    job_cnt = atoi(cnt);
    slk_log_init(false, SLK_LOG_ERROR);
    snprintf(s.db, sizeof s.db, "%s", where);
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_db_migrate(db, "test", migrations, 1, &diag), diag);
    slk_db_close(db);
    sim_server_start(&s, dir, BEAT, LEASE, &hooks);
    for (uint64_t i = 0;; i++) {
        char key[32];
        snprintf(key, sizeof key, "job-%d", (int)(i % (uint64_t)job_cnt));
        sim_add(&s, key, i % (uint64_t)job_cnt, i % 3 ? SLK_TASK_C2 : SLK_TASK_PC1);
        usleep(i < (uint64_t)job_cnt ? 15000 : 200000);
    }
}

/* --- Workers ---------------------------------------------------------------------------------- */

typedef struct {
    sim_worker_t w;
    uint64_t seed;
    pthread_t thread;
} hand_t;

static atomic_bool finished;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    json_int_t job, lease;
    int worker; /* that was given this lease */
} held[JOBS_MAX * 64];
static size_t held_cnt;
static int taken_by[JOBS_MAX * 64]; /* by job id: 1 + the worker whose result was taken */

/* In threads, which cmocka cannot leave. */
static void wrong(const char *what, json_int_t job, json_int_t lease, int a, int b)
{
    fprintf(stderr, "job %lld lease %lld: %s: workers %d and %d\n", (long long)job,
            (long long)lease, what, a, b);
    abort();
}

/* Two workers under one lease: the end of the test. */
static void note_lease(json_int_t job, json_int_t lease, int worker)
{
    pthread_mutex_lock(&lock);
    bool known = false;
    for (size_t i = 0; i < held_cnt; i++)
        if (held[i].job == job && held[i].lease == lease) {
            known = true;
            if (held[i].worker != worker)
                wrong("both hold it", job, lease, held[i].worker, worker);
        }
    if (!known) {
        SLK_ASSERT(held_cnt < SLK_COUNT(held));
        held[held_cnt].job = job;
        held[held_cnt].lease = lease;
        held[held_cnt++].worker = worker;
    }
    pthread_mutex_unlock(&lock);
}

static void note_taken(json_int_t job, int worker)
{
    pthread_mutex_lock(&lock);
    SLK_ASSERT(job < (json_int_t)SLK_COUNT(taken_by));
    if (taken_by[job] && taken_by[job] != 1 + worker)
        wrong("results of both were taken", job, 0, taken_by[job] - 1, worker);
    taken_by[job] = 1 + worker;
    pthread_mutex_unlock(&lock);
}

/* Until answered. */
static void report(hand_t *h, int number, json_int_t id, json_int_t lease)
{
    int taken = -1;
    while (taken < 0 && !atomic_load(&finished)) {
        taken = sim_done(&h->w, id, lease, "{}", "[]", NULL);
        if (taken < 0)
            usleep(20000);
    }
    if (taken == 1)
        note_taken(id, number);
}

static void *work(void *ctx)
{
    hand_t *h = ctx;
    const int number = atoi(h->w.name + 1);
    while (!atomic_load(&finished)) {
        int64_t code = 0;
        json_t *orders = sim_beat(&h->w, "[]", BEAT, &code);
        if (!orders) {
            if (code == SLK_RPC_UNKNOWN_SESSION)
                json_decref(sim_register(&h->w, NULL));
            usleep(10000);
            continue;
        }
        json_int_t id = 0, lease = 0;
        if (sim_started(orders)) {
            id = sim_start(orders, 0, "ID");
            lease = sim_start(orders, 0, "Lease");
            note_lease(id, lease, number);
        }
        json_decref(orders);
        if (!id)
            continue;
        /* Now and then it takes longer than the lease, and nothing is heard of it. */
        const uint64_t dice = random_below(&h->seed, 20);
        usleep(dice == 0 ? LEASE * 2000 : (useconds_t)(5000 + 2000 * dice));
        if (dice != 1) /* or it forgets the job */
            report(h, number, id, lease);
    }
    return NULL;
}

/* --- The one that kills ----------------------------------------------------------------------- */

static uint16_t free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

static pid_t spawn(const char *dir, const char *where, uint16_t port)
{
    char text[8], cnt[12];
    snprintf(text, sizeof text, "%u", port);
    snprintf(cnt, sizeof cnt, "%d", job_cnt);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    execl("/proc/self/exe", "test_job_kill", "manager", dir, where, text, cnt, (char *)NULL);
    _exit(127);
}

static int64_t count(const char *where, const char *sql)
{
    slk_db_t *db = NULL;
    bool found = false;
    int64_t n = 0;
    assert_ok(slk_db_open(&db, where, &diag), diag);
    if (slk_db_get_i64(db, sql, SLK_NO_VALS, &found, &n, &diag) != SLK_OK)
        n = -1; /* no tables yet */
    slk_db_close(db);
    return n;
}

static void test_kill(void **state)
{
    char dir[64], where[TEST_WHERE], token[SLK_TOKEN_TEXT_MAX];
    hand_t hands[WORKERS];
    const uint16_t port = free_port();
    const slk_token_key_t key = {.len = 32};
    int status;
    (void)state;
    test_new(dir);
    test_where(where, dir);
    slk_token_new(token, &key, SLK_PERM_WORKER);
    atomic_store(&finished, false);
    held_cnt = 0;
    memset(taken_by, 0, sizeof taken_by);
    pid_t pid = spawn(dir, where, port);
    for (unsigned i = 0; i < WORKERS; i++) {
        sim_worker_init(&hands[i].w, i, port, token);
        hands[i].seed = seed + i;
        assert_int_equal(pthread_create(&hands[i].thread, NULL, work, &hands[i]), 0);
    }
    for (int i = 0; i < kills; i++) {
        usleep((useconds_t)(100000 + 1000 * random_below(&seed, 150)));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        pid = spawn(dir, where, port);
    }
    int64_t done = 0;
    for (int i = 0; i < 600 && done < job_cnt; i++) {
        usleep(100000);
        done = count(where, "SELECT COUNT(*) FROM job WHERE state = 'done'");
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    }
    atomic_store(&finished, true);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(hands[i].thread, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_int_equal(done, job_cnt);
    assert_int_equal(count(where, "SELECT COUNT(*) FROM job"), job_cnt);
    assert_int_equal(count(where, "SELECT COUNT(*) FROM ended_once"), job_cnt);
    assert_int_equal(count(where, "SELECT COUNT(*) FROM space_reserved"), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        sim_worker_free(&hands[i].w);
    test_rm_dir(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    if (argc == 6 && !strcmp(argv[1], "manager"))
        run_manager(argv[2], argv[3], argv[4], argv[5]);
    if (argc > 1 && !strcmp(argv[1], "slow")) {
        kills = 60;
        job_cnt = JOBS_MAX;
    }
    slk_log_init(false, SLK_LOG_ERROR);
    return test_engines(tests, 1, tests, 1);
}
