#include "store/test_engines.h"

#include "manager/post/post_store.h"

#include <string.h>

/* The table of partitions. */

static slk_diag_t diag;

typedef struct {
    slk_db_t *db;
    slk_arena_t arena;
    char dir[64], where[TEST_WHERE];
} fix_t;

static void open_db(fix_t *f)
{
    test_new(f->dir);
    test_where(f->where, f->dir);
    slk_arena_init(&f->arena, (size_t)16 << 20);
    assert_ok(slk_db_open(&f->db, f->where, &diag), diag);
    assert_ok(slk_post_migrate(f->db, &diag), diag);
}

static void close_db(fix_t *f)
{
    slk_db_close(f->db);
    slk_arena_free(&f->arena);
    test_rm_dir(f->dir);
}

static slk_bitfield_t range(fix_t *f, uint64_t first, uint64_t cnt)
{
    slk_bitfield_t set;
    assert_int_equal(slk_bitfield_from_range(&set, first, cnt, &f->arena), SLK_OK);
    return set;
}

static slk_post_row_t a_row(fix_t *f, int64_t open, uint64_t partition)
{
    slk_post_row_t row = {
        .miner = 1000,
        .window = {.index = 3,
                   .period_start = 40,
                   .open = open,
                   .close = open + 60,
                   .challenge = open - 20},
        .partition = partition,
        .state = SLK_POST_ASKED,
        .asked = range(f, 10 * partition, 8),
        .skipped = range(f, 10 * partition + 8, 2),
        .reasons = "{\"8\":\"the disk hangs\"}",
        .jobs = 2,
        .tries = 1,
        .retry_epoch = 7,
        .asked_ms = 11,
    };
    memset(row.randomness.b, 0xab, sizeof row.randomness.b);
    snprintf(row.job, sizeof row.job, "t01000/window-post/3/%d/%d/2", (int)open, (int)partition);
    snprintf(row.why, sizeof row.why, "a worker is proving it");
    return row;
}

static void test_rows(void **state)
{
    (void)state;
    fix_t f;
    slk_post_row_t *rows;
    size_t cnt;
    open_db(&f);
    slk_post_row_t row = a_row(&f, 100, 1), other = a_row(&f, 160, 0), first = a_row(&f, 100, 0);
    assert_ok(slk_post_put(f.db, &row, &diag), diag);
    assert_ok(slk_post_put(f.db, &first, &diag), diag);
    assert_ok(slk_post_put(f.db, &other, &diag), diag);
    assert_ok(slk_post_load(f.db, 1000, 100, &f.arena, &rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(rows[0].partition, 0);
    assert_int_equal(rows[1].partition, 1);
    assert_int_equal(rows[1].state, SLK_POST_ASKED);
    assert_int_equal(rows[1].window.index, 3);
    assert_int_equal(rows[1].window.challenge, 80);
    assert_int_equal(rows[1].window.period_start, 40);
    assert_int_equal(rows[1].tries, 1);
    assert_int_equal(rows[1].jobs, 2);
    assert_int_equal(rows[1].retry_epoch, 7);
    assert_string_equal(rows[1].reasons, row.reasons);
    assert_string_equal(rows[1].job, row.job);
    assert_string_equal(rows[1].why, row.why);
    assert_memory_equal(rows[1].randomness.b, row.randomness.b, 32);
    assert_true(slk_bitfield_equal(&rows[1].asked, &row.asked));
    assert_true(slk_bitfield_equal(&rows[1].skipped, &row.skipped));
    assert_int_equal(rows[1].proof.len, 0);

    /* Proven: the same row. */
    static const uint8_t proof[192] = {1, 2, 3, 0, 5};
    row.state = SLK_POST_PROVEN;
    row.proof = (slk_bytes_t){proof, sizeof proof};
    row.job[0] = 0;
    row.proven_ms = 99;
    assert_ok(slk_post_put(f.db, &row, &diag), diag);
    assert_ok(slk_post_load(f.db, 1000, 100, &f.arena, &rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(rows[1].state, SLK_POST_PROVEN);
    assert_int_equal(rows[1].proof.len, sizeof proof);
    assert_memory_equal(rows[1].proof.b, proof, sizeof proof);
    assert_int_equal(rows[1].proven_ms, 99);
    assert_string_equal(rows[1].job, "");
    assert_ok(slk_post_load(f.db, 1001, 100, &f.arena, &rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 0);
    close_db(&f);
}

static void test_unfinished(void **state)
{
    (void)state;
    fix_t f;
    slk_post_window_t windows[4];
    size_t cnt;
    open_db(&f);
    for (int i = 0; i < 4; i++) {
        slk_post_row_t row = a_row(&f, 100 + 60 * i, 0);
        row.state = i == 1 ? SLK_POST_DONE : SLK_POST_SENT;
        assert_ok(slk_post_put(f.db, &row, &diag), diag);
    }
    assert_ok(slk_post_unfinished(f.db, 1000, 159, windows, 4, &cnt, &diag), diag);
    assert_int_equal(cnt, 0);
    assert_ok(slk_post_unfinished(f.db, 1000, 280, windows, 4, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(windows[0].open, 100);
    assert_int_equal(windows[1].open, 220);
    assert_ok(slk_post_purge(f.db, 1000, 200, &diag), diag);
    assert_ok(slk_post_unfinished(f.db, 1000, 280, windows, 4, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_int_equal(windows[0].open, 220);
    close_db(&f);
}

/* Only what has landed counts. */
static void test_windowed(void **state)
{
    (void)state;
    fix_t f;
    slk_bitfield_t proven;
    static const slk_post_state_t states[] = {SLK_POST_DONE, SLK_POST_SENT, SLK_POST_MISSED,
                                              SLK_POST_DONE};
    open_db(&f);
    for (uint64_t i = 0; i < 4; i++) {
        slk_post_row_t row = a_row(&f, 100, i);
        row.state = states[i];
        assert_ok(slk_post_put(f.db, &row, &diag), diag);
    }
    assert_ok(slk_post_windowed(f.db, 1000, &proven, &f.arena, &diag), diag);
    assert_int_equal(slk_bitfield_count(&proven), 16);
    assert_true(slk_bitfield_contains(&proven, 7));
    assert_false(slk_bitfield_contains(&proven, 8)); /* left out */
    assert_false(slk_bitfield_contains(&proven, 10));
    assert_true(slk_bitfield_contains(&proven, 30));
    close_db(&f);
}

/* kill -9 is a connection that is gone: what was put is there. */
static void test_again(void **state)
{
    (void)state;
    fix_t f;
    slk_post_row_t *rows;
    size_t cnt;
    open_db(&f);
    const slk_post_row_t row = a_row(&f, 100, 0);
    assert_ok(slk_post_put(f.db, &row, &diag), diag);
    slk_db_close(f.db);
    assert_ok(slk_db_open(&f.db, f.where, &diag), diag);
    assert_ok(slk_post_migrate(f.db, &diag), diag);
    assert_ok(slk_post_load(f.db, 1000, 100, &f.arena, &rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_string_equal(rows[0].job, row.job);
    close_db(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_windowed), cmocka_unit_test(test_again)};
    return test_engines(tests, sizeof tests / sizeof *tests, tests, sizeof tests / sizeof *tests);
}
