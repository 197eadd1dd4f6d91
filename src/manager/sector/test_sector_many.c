#include "manager/sector/sector_store.h"
#include "manager/sector/test_sector.h"
#include "store/test_engines.h"

#include <time.h>

/* Many sectors of several miners, most of them at rest: what the runner and lists ask stays quick. Quick with
 * 400 sectors; `test_sector_many 100000` says what each question takes and has limits (a fifth of them on a
 * server, which is slower to fill). */

enum { MINERS = 4, ROUNDS = 7 };

static slk_diag_t diag;
static uint64_t sectors = 400;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Fastest of some rounds. */
#define TIMED(what, limit_ms, call)                                                                \
    do {                                                                                           \
        double best = 1e9;                                                                         \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            double begin = now_ms();                                                               \
            assert_ok(call, diag);                                                                 \
            double took = now_ms() - begin;                                                        \
            best = took < best ? took : best;                                                      \
        }                                                                                          \
        print_message("%-44s %9.3f ms\n", what, best);                                             \
        if (sectors > 10000)                                                                       \
            assert_true(best < (limit_ms));                                                        \
    } while (0)

typedef struct {
    uint64_t first, cnt;
    test_random_t random;
} filling_t;

/* A record of the length that one has which was sealed. */
static slk_err_t grow(slk_db_t *db, test_random_t *random, const slk_sector_info_t *info,
                      slk_arena_t *arena, slk_diag_t *d)
{
    char *text;
    slk_sector_info_t record = test_record(random, slk_sector_state(info), arena);
    record.miner = info->miner;
    record.sector_number = info->sector_number;
    slk_err_t err = slk_sector_info_to_text(&text, &record, d);
    if (err == SLK_OK)
        err =
            slk_db_run(db, "UPDATE sector_record SET record = ?3 WHERE miner = ?1 AND number = ?2",
                       SLK_VALS(slk_val_i64((int64_t)info->miner),
                                slk_val_i64((int64_t)info->sector_number), slk_val_text(text)),
                       NULL, d);
    free(text);
    return err;
}

/* Of a hundred: 90 Proving at rest, 5 in PreCommit1 with a job, 3 that wait for their seed, 2 in a batch. */
static slk_err_t fill(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    filling_t f = *(const filling_t *)ctx;
    slk_err_t err = SLK_OK;
    for (uint64_t i = f.first; err == SLK_OK && i < f.first + f.cnt; i++) {
        slk_arena_t arena;
        slk_sector_outcome_t outcome;
        uint64_t miner = 1000 + i % MINERS, number = i / MINERS, kind = i % 100;
        slk_sector_wait_t wait = slk_sector_wait_none();
        char job[64];
        slk_arena_init(&arena, SLK_SECTOR_ROOM);
        slk_event_t event = {.type = SLK_EVENT_START_CC, .miner = miner, .number = number};
        err = slk_sector_create(db, &event, 1, NULL, &arena, &outcome, d);
        event = (slk_event_t){.type = SLK_EVENT_FORCE_STATE,
                              .state = kind < 90   ? SLK_STATE_PROVING
                                       : kind < 95 ? SLK_STATE_PRE_COMMIT1
                                       : kind < 98 ? SLK_STATE_WAIT_SEED
                                                   : SLK_STATE_SUBMIT_PRE_COMMIT_BATCH};
        if (err == SLK_OK)
            err = slk_sector_store_step(db, miner, number, 0, &event, 2, NULL, &arena, &outcome, d);
        if (err == SLK_OK)
            err = grow(db, &f.random, outcome.info, &arena, d);
        snprintf(job, sizeof job, "t0%llu-%llu/2/PC1", (unsigned long long)miner,
                 (unsigned long long)number);
        wait.rest = kind < 90;
        wait.job = kind < 95 ? job : NULL;
        wait.until_epoch = kind >= 95 && kind < 98 ? 1000 + (int64_t)i : 0;
        wait.batch = kind >= 98 ? 0 : SLK_SECTOR_NO_BATCH;
        wait.why = "waits, as this test says";
        if (err == SLK_OK)
            err = slk_sector_store_wait(db, miner, number, 0, &wait, 3, d);
        slk_arena_free(&arena);
    }
    return err;
}

static slk_err_t wait_again(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    slk_sector_wait_t wait = slk_sector_wait_none();
    (void)ctx;
    wait.why = "waits again";
    return slk_sector_store_wait(db, 1000, 24, 0, &wait, 10, d);
}

static slk_err_t step_again(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    slk_sector_outcome_t outcome;
    slk_arena_t arena;
    slk_event_t event = {.type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING};
    (void)ctx;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    slk_err_t err = slk_sector_store_step(db, 1000, 3, 0, &event, 10, NULL, &arena, &outcome, d);
    slk_arena_free(&arena);
    return err;
}

static slk_err_t load_one(slk_db_t *db)
{
    slk_arena_t arena;
    slk_sector_row_t row;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    slk_err_t err = slk_sector_load(db, 1001, 7, &arena, &row, &diag);
    slk_arena_free(&arena);
    return err;
}

static void ask(slk_db_t *db, slk_sector_row_t *rows)
{
    slk_sector_ref_t refs[256], middle = {1002, sectors / MINERS / 2};
    slk_sector_filter_t filter = slk_sector_filter_all(), sealing = filter, batch = filter;
    uint64_t counts[SLK_STATE_CNT];
    int64_t due, woken;
    size_t cnt;
    slk_sector_filter_class(&sealing, SLK_CLASS_SEALING);
    batch.candidates = true, batch.batch = 0;

    TIMED("due: none", 10, slk_sector_due(db, 5, refs, 256, &cnt, &diag));
    assert_int_equal(cnt, 0);
    TIMED("due: next time", 10, slk_sector_next_due(db, &due, &diag));
    assert_int_equal(due, 3 + SLK_SECTOR_LOOK_AGAIN_MS);
    TIMED("wake by job", 10, slk_sector_wake_job(db, "t01000-23/2/PC1", 5, &woken, &diag));
    assert_int_equal(woken, 1);
    TIMED("due: one", 10, slk_sector_due(db, 5, refs, 256, &cnt, &diag));
    assert_int_equal(cnt, 1);
    assert_int_equal(refs[0].number, 23);
    TIMED("wake by epoch: none", 10, slk_sector_wake_epoch(db, 0, 5, &woken, &diag));
    TIMED("store a wait", 50, slk_db_transact(db, wait_again, NULL, &diag));
    TIMED("step", 50, slk_db_transact(db, step_again, NULL, &diag));
    TIMED("load with record", 10, load_one(db));
    TIMED("counts", 100, slk_sector_counts(db, SLK_SECTOR_ANY_MINER, counts, &diag));
    assert_int_equal(counts[SLK_STATE_PROVING], sectors / 100 * 90);
    TIMED("counts of a miner", 100, slk_sector_counts(db, 1001, counts, &diag));
    TIMED("list: 100 from the middle", 50,
          slk_sector_list(db, &filter, &middle, 100, NULL, rows, &cnt, &diag));
    assert_int_equal(cnt, 100);
    assert_int_equal(rows[0].number, middle.number + 1);
    TIMED("list: 100 being sealed from the middle", 50,
          slk_sector_list(db, &sealing, &middle, 100, NULL, rows, &cnt, &diag));
    TIMED("list: candidates of a batch, 100", 50,
          slk_sector_list(db, &batch, NULL, 100, NULL, rows, &cnt, &diag));
    TIMED("wake all that do not rest", 30000, slk_sector_wake_all(db, false, 9, &woken, &diag));
    assert_int_equal(woken, sectors / 10 + 1);
    TIMED("due: 256 of all these", 50, slk_sector_due(db, 9, refs, 256, &cnt, &diag));
    assert_int_equal(cnt, sectors / 10 < 256 ? sectors / 10 + 1 : 256);
    TIMED("wake all", 60000, slk_sector_wake_all(db, true, 9, &woken, &diag));
    assert_int_equal(woken, sectors);
    TIMED("due: 256 of all", 50, slk_sector_due(db, 9, refs, 256, &cnt, &diag));
    assert_int_equal(cnt, 256);
}

static void test_many(void **unused)
{
    (void)unused;
    char dir[64], where[TEST_WHERE];
    slk_db_t *db = NULL;
    slk_sector_row_t *rows = calloc(100, sizeof *rows);
    assert_non_null(rows);
    test_new(dir);
    test_where(where, dir);
    assert_ok(slk_db_open(&db, where, &diag), diag);
    assert_ok(slk_sector_migrate(db, &diag), diag);
    if (test_on_server && sectors > 10000)
        sectors /= 5;
    double begin = now_ms();
    for (uint64_t first = 0; first < sectors; first += 100) {
        filling_t f = {.first = first, .cnt = 100, .random = {first}};
        assert_ok(slk_db_transact(db, fill, &f, &diag), diag);
    }
    print_message("%llu sectors made in %.0f ms\n", (unsigned long long)sectors, now_ms() - begin);
    if (test_on_server)
        assert_ok(slk_db_run(db, "ANALYZE", SLK_NO_VALS, NULL, &diag), diag);
    ask(db, rows);
    slk_db_close(db);
    free(rows);
    test_rm_dir(dir);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        sectors = strtoull(argv[1], NULL, 10) / 500 * 500;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many)};
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
