#include "manager/sector/numbers.h"
#include "manager/sector/sector_store.h"
#include "manager/sector/test_sector.h"
#include "store/test_engines.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Several processes make sectors and move them on at once, and are killed at random moments: no number is lost
 * or given twice, and record, row, log and what hooks wrote tell the same. The writers are this program,
 * started as `test_sector_kill writer DATABASE SEED [SECTORS]`. Slow: `test_sector_kill KILLS`. */

static slk_diag_t diag;
static int kills = 8;

enum { MINERS = 2, WRITERS = 2 };

/* --- A process that writes -------------------------------------------------------------------------- */

typedef struct {
    test_random_t random;
    slk_arena_t arena;
    uint64_t miner, number;
    slk_event_type_t event;
    int64_t version;
    slk_step_t step;
} writer_t;

static slk_err_t count_visit(slk_db_t *db, const slk_sector_change_t *change, void *ctx,
                             slk_diag_t *d)
{
    (void)ctx;
    return slk_db_run(db, "INSERT INTO visits (miner, number, visit) VALUES (?1, ?2, ?3)",
                      SLK_VALS(slk_val_i64((int64_t)change->after->miner),
                               slk_val_i64((int64_t)change->after->sector_number),
                               slk_val_i64((int64_t)change->after->visit)),
                      NULL, d);
}

static const slk_sector_hook_t hook = {count_visit, NULL};
static const slk_sector_hooks_t hooks = {&hook, 1};

static slk_err_t make(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    writer_t *w = ctx;
    slk_bitfield_t chain;
    slk_sector_outcome_t outcome;
    uint64_t number;
    slk_err_t err = slk_bitfield_from_range(&chain, 3, 2, &w->arena); /* others have 3 and 4 */
    if (err == SLK_OK)
        err = slk_numbers_allocate(db, w->miner, 0, &chain, &number, d);
    if (err != SLK_OK)
        return err;
    slk_event_t event = {
        .type = SLK_EVENT_START_CC, .miner = w->miner, .number = number, .sector_type = 5};
    return slk_sector_create(db, &event, 1, &hooks, &w->arena, &outcome, d);
}

static slk_err_t move(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    writer_t *w = ctx;
    slk_sector_outcome_t outcome;
    slk_event_t event = test_event(&w->random, w->event, NULL, &w->arena);
    slk_err_t err = slk_sector_store_step(db, w->miner, w->number, w->version, &event, 1, &hooks,
                                          &w->arena, &outcome, d);
    w->step = outcome.step;
    return err;
}

static int64_t number_of(slk_db_t *db, const char *sql, uint64_t miner)
{
    int64_t cnt = 0;
    bool found;
    assert_ok(slk_db_get_i64(db, sql, SLK_VALS(slk_val_i64((int64_t)miner)), &found, &cnt, &diag),
              diag);
    return cnt;
}

/* One sector more, or one that is there moves by an event that its state takes; what it was loaded with may
 * be old by then, which is no error. */
static void write_once(slk_db_t *db, writer_t *w)
{
    w->miner = 1000 + test_below(&w->random, MINERS);
    int64_t cnt = number_of(db, "SELECT count(*) FROM sector WHERE miner = ?1", w->miner);
    if (!cnt || test_below(&w->random, 4) == 0) {
        assert_ok(slk_db_transact(db, make, w, &diag), diag);
        return;
    }
    w->number = test_below(&w->random, (uint64_t)cnt);
    w->number += w->number > 2 ? 2 : 0;
    slk_sector_row_t row;
    slk_sector_state_t to;
    assert_ok(slk_sector_load(db, w->miner, w->number, NULL, &row, &diag), diag);
    do
        w->event = (slk_event_type_t)test_below(&w->random, SLK_EVENT_CNT);
    while (!slk_sector_edge(row.state, w->event, &to) || w->event == SLK_EVENT_UPDATE_DEAL_IDS ||
           w->event == SLK_EVENT_RESTART);
    w->version = row.version;
    slk_err_t err = slk_db_transact(db, move, w, &diag);
    if (err != SLK_OK && err != SLK_ERR_STATE)
        fail_msg("%s", diag.text);
    if (test_below(&w->random, 3) == 0) {
        slk_sector_wait_t wait = slk_sector_wait_none();
        wait.why = "waits";
        err = slk_sector_store_wait(db, w->miner, w->number, 0, &wait, 1, &diag);
        assert_true(err == SLK_OK || err == SLK_ERR_STATE);
    }
}

static int run_writer(const char *where, uint64_t seed, int64_t sectors)
{
    slk_db_t *db = NULL;
    writer_t w = {.random = {seed}};
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_sector_migrate(db, &diag), diag);
    for (int64_t i = 0; sectors < 0 || i < sectors; i++) {
        slk_arena_init(&w.arena, SLK_SECTOR_ROOM);
        write_once(db, &w);
        slk_arena_free(&w.arena);
    }
    slk_db_close(db);
    return 0;
}

/* --- The one that kills ------------------------------------------------------------------------------ */

static pid_t spawn(const char *where, uint64_t seed, const char *sectors)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
        execl("/proc/self/exe", "test_sector_kill", "writer", where, text, sectors, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* Record, row, log and hooks of one sector. */
static void check_sector(slk_db_t *db, uint64_t miner, uint64_t number)
{
    slk_arena_t arena;
    slk_sector_row_t row;
    slk_sector_log_t *log;
    size_t cnt, taken = 0;
    bool found;
    int64_t visits = 0;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    assert_ok(slk_sector_load(db, miner, number, &arena, &row, &diag), diag);
    assert_int_equal(row.info->miner, miner);
    assert_int_equal(row.info->sector_number, number);
    assert_int_equal(row.state, slk_sector_state(row.info));
    assert_int_equal(row.visit, row.info->visit);
    assert_ok(slk_db_get_i64(db, "SELECT count(*) FROM visits WHERE miner = ?1 AND number = ?2",
                             SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64((int64_t)number)),
                             &found, &visits, &diag),
              diag);
    assert_int_equal(visits, row.visit);

    /* The log leads from nothing to the present state without a gap. */
    slk_sector_state_t at = SLK_STATE_UNDEFINED;
    assert_ok(slk_sector_log_load(db, miner, number, 0, false, 9000, &arena, &log, &cnt, &diag),
              diag);
    for (size_t i = 0; i < cnt; i++) {
        slk_sector_state_t to;
        slk_event_type_t type;
        if (log[i].from != at)
            fail_msg("sector %llu of f0%llu, log entry %zu (id %lld, %s): from %s, expected %s",
                     (unsigned long long)number, (unsigned long long)miner, i, (long long)log[i].id,
                     log[i].event, slk_sector_state_name(log[i].from), slk_sector_state_name(at));
        if (strncmp(log[i].kind, "error", 5) == 0)
            continue;
        assert_true(slk_event_from_name(&type, log[i].event));
        if (slk_sector_edge(at, type, &to) && type != SLK_EVENT_FATAL_ERROR)
            taken += to != at || type == SLK_EVENT_FORCE_STATE || type == SLK_EVENT_TERMINATE ||
                     type == SLK_EVENT_REMOVE || type == SLK_EVENT_SEED_READY;
        at = log[i].to;
    }
    assert_int_equal(at, row.state);
    assert_int_equal(taken, row.visit);
    slk_arena_free(&arena);
}

/* In one transaction, as others may write. */
static slk_err_t check_all(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    static const slk_bitfield_t nothing;
    slk_arena_t arena;
    (void)ctx, (void)d;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    for (uint64_t miner = 1000; miner < 1000 + MINERS; miner++) {
        slk_numbers_meta_t meta;
        assert_ok(slk_numbers_meta(db, miner, 0, &nothing, &arena, &meta, &diag), diag);
        int64_t cnt = number_of(db, "SELECT count(*) FROM sector WHERE miner = ?1", miner);
        /* 0 to the last without a gap but the chain's. */
        uint64_t last = 0;
        assert_int_equal(slk_bitfield_count(&meta.allocated), cnt);
        if (cnt && slk_bitfield_last(&meta.allocated, &last))
            assert_int_equal(last, cnt > 3 ? cnt + 1 : cnt - 1);
        slk_bit_iter_t it = slk_bitfield_iter(&meta.allocated);
        for (uint64_t number; slk_bit_next(&it, &number);)
            check_sector(db, miner, number);
    }
    slk_arena_free(&arena);
    return SLK_OK;
}

static void check(const char *where)
{
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_db_transact(db, check_all, NULL, &diag), diag);
    slk_db_close(db);
}

static void make_tables(const char *where)
{
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_sector_migrate(db, &diag), diag);
    assert_ok(slk_db_run(db,
                         "CREATE TABLE visits (miner {i64} NOT NULL, number {i64} NOT NULL, "
                         "visit {i64} NOT NULL, PRIMARY KEY (miner, number, visit)) {strict}",
                         SLK_NO_VALS, NULL, &diag),
              diag);
    slk_db_close(db);
}

static void test_kill(void **unused)
{
    (void)unused;
    char dir[64], where[TEST_WHERE];
    test_random_t random = {2026};
    pid_t pids[WRITERS] = {0};
    uint64_t seed = 1;
    test_new(dir);
    test_where(where, dir);
    make_tables(where);
    for (int i = 0; i < WRITERS; i++)
        pids[i] = spawn(where, seed++, NULL);
    for (int i = 0; i < kills; i++) {
        size_t victim = test_below(&random, WRITERS);
        int status;
        usleep((useconds_t)(20000 + test_below(&random, 60000)));
        kill(pids[victim], SIGKILL);
        assert_int_equal(waitpid(pids[victim], &status, 0), pids[victim]);
        assert_true(WIFSIGNALED(status)); /* did not fail before */
        pids[victim] = spawn(where, seed++, NULL);
        if (i % 10 == 9)
            check(where);
    }
    for (int i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    test_settle();
    check(where);
    test_rm_dir(dir);
}

/* Nobody is killed: all that several wanted is there. */
static void test_together(void **unused)
{
    (void)unused;
    char dir[64], where[TEST_WHERE];
    pid_t pids[WRITERS];
    test_new(dir);
    test_where(where, dir);
    make_tables(where);
    for (int i = 0; i < WRITERS; i++)
        pids[i] = spawn(where, 100 + (uint64_t)i, "25");
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    check(where);
    test_rm_dir(dir);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "writer") == 0)
        return run_writer(argv[2], strtoull(argv[3], NULL, 10), argc > 4 ? atoi(argv[4]) : -1);
    if (argc == 2)
        kills = atoi(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill),
                                       cmocka_unit_test(test_together)};
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
