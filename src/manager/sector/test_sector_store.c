#include "manager/sector/numbers.h"
#include "manager/sector/sector_store.h"
#include "manager/sector/test_sector.h"
#include "store/test_engines.h"

/* The tables on both engines, one connection. */

static slk_diag_t diag;

typedef struct {
    char dir[64];
    slk_db_t *db;
    slk_arena_t arena;
} place_t;

static place_t place(void)
{
    place_t p = {0};
    char where[TEST_WHERE];
    test_new(p.dir);
    test_where(where, p.dir);
    assert_ok(slk_db_open(&p.db, where, &diag), diag);
    assert_ok(slk_sector_migrate(p.db, &diag), diag);
    slk_arena_init(&p.arena, SLK_SECTOR_ROOM);
    return p;
}

static void leave(place_t *p)
{
    slk_arena_free(&p->arena);
    slk_db_close(p->db);
    test_rm_dir(p->dir);
}

/* --- Steps in a transaction of their own ----------------------------------------------------------- */

typedef struct {
    uint64_t miner, number;
    int64_t version;
    slk_event_t event;
    int64_t now_ms;
    slk_sector_hooks_t hooks;
    slk_arena_t *arena;
    slk_sector_outcome_t outcome;
} stepping_t;

static slk_err_t step_fn(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    stepping_t *s = ctx;
    return slk_sector_store_step(db, s->miner, s->number, s->version, &s->event, s->now_ms,
                                 &s->hooks, s->arena, &s->outcome, d);
}

static slk_err_t create_fn(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    stepping_t *s = ctx;
    return slk_sector_create(db, &s->event, s->now_ms, &s->hooks, s->arena, &s->outcome, d);
}

static slk_sector_outcome_t step(place_t *p, uint64_t miner, uint64_t number, int64_t now_ms,
                                 slk_event_t event)
{
    stepping_t s = {
        .miner = miner, .number = number, .event = event, .now_ms = now_ms, .arena = &p->arena};
    assert_ok(slk_db_transact(p->db, step_fn, &s, &diag), diag);
    return s.outcome;
}

#define STEP(p, miner, number, now, ...)                                                           \
    assert_int_equal(step(p, miner, number, now, (slk_event_t){__VA_ARGS__}).step, SLK_STEP_TAKEN)

static void create(place_t *p, uint64_t miner, uint64_t number, bool cc, int64_t now_ms)
{
    stepping_t s = {.event = {.type = cc ? SLK_EVENT_START_CC : SLK_EVENT_START,
                              .miner = miner,
                              .number = number,
                              .sector_type = 5},
                    .now_ms = now_ms,
                    .arena = &p->arena};
    assert_ok(slk_db_transact(p->db, create_fn, &s, &diag), diag);
}

static slk_sector_row_t load(place_t *p, uint64_t miner, uint64_t number)
{
    slk_sector_row_t row;
    assert_ok(slk_sector_load(p->db, miner, number, &p->arena, &row, &diag), diag);
    return row;
}

static int64_t count(place_t *p, const char *sql)
{
    int64_t cnt = 0;
    bool found;
    assert_ok(slk_db_get_i64(p->db, sql, SLK_NO_VALS, &found, &cnt, &diag), diag);
    return cnt;
}

/* --- A life ---------------------------------------------------------------------------------------- */

/* Two hooks that note what they saw in a table, in the same transaction. */
static slk_err_t note(slk_db_t *db, const slk_sector_change_t *change, void *ctx, slk_diag_t *d)
{
    return slk_db_run(
        db, "INSERT INTO seen (hook, from_state, to_state) VALUES (?1, ?2, ?3)",
        SLK_VALS(slk_val_text(ctx),
                 slk_val_text(slk_sector_state_name(slk_sector_state(change->before))),
                 slk_val_text(slk_sector_state_name(slk_sector_state(change->after)))),
        NULL, d);
}

static slk_err_t refuse(slk_db_t *db, const slk_sector_change_t *change, void *ctx, slk_diag_t *d)
{
    (void)db, (void)change, (void)ctx;
    return slk_fail(d, SLK_ERR_NOSPACE, "told to fail");
}

static void test_life(void **unused)
{
    (void)unused;
    place_t p = place();
    char one[] = "one", two[] = "two";
    slk_sector_hook_t rows[] = {{note, one}, {note, two}};
    test_random_t random = {1};
    slk_cid_t cid = test_cid(&random);
    assert_ok(slk_db_run(p.db, "CREATE TABLE seen (hook TEXT, from_state TEXT, to_state TEXT)",
                         SLK_NO_VALS, NULL, &diag),
              diag);

    stepping_t s = {
        .event = {.type = SLK_EVENT_START_CC, .miner = 1000, .number = 3, .sector_type = 5},
        .now_ms = 100,
        .hooks = {rows, 2},
        .arena = &p.arena};
    assert_ok(slk_db_transact(p.db, create_fn, &s, &diag), diag);
    assert_int_equal(s.outcome.to, SLK_STATE_PACKING);
    assert_int_equal(s.outcome.version, 1);
    assert_err(SLK_ERR_MISMATCH, slk_db_transact(p.db, create_fn, &s, &diag));
    assert_non_null(strstr(diag.text, "there is a sector 3 of f01000 already"));
    assert_int_equal(count(&p, "SELECT count(*) FROM seen WHERE from_state = '' AND "
                               "to_state = 'Packing'"),
                     2);

    slk_sector_row_t row = load(&p, 1000, 3);
    assert_int_equal(row.state, SLK_STATE_PACKING);
    assert_int_equal(row.visit, 1);
    assert_int_equal(row.due_ms, 100);
    assert_int_equal(row.created_ms, 100);
    assert_int_equal(row.batch, SLK_SECTOR_NO_BATCH);
    assert_string_equal(row.why, "");
    assert_int_equal(row.info->sector_number, 3);

    slk_sector_piece_t filler = test_piece(&random, 0, &p.arena);
    s.miner = 1000, s.number = 3, s.version = 1, s.now_ms = 200;
    s.event = (slk_event_t){.type = SLK_EVENT_PACKED, .pieces = {&filler, 1}};
    assert_ok(slk_db_transact(p.db, step_fn, &s, &diag), diag);
    assert_int_equal(s.outcome.version, 2);
    assert_int_equal(s.outcome.from, SLK_STATE_PACKING);
    assert_int_equal(s.outcome.to, SLK_STATE_GET_TICKET);
    assert_int_equal(count(&p, "SELECT count(*) FROM seen"), 4);
    assert_int_equal(load(&p, 1000, 3).info->pieces.count, 1);

    /* Who read version 1 is too late. */
    assert_err(SLK_ERR_STATE, slk_db_transact(p.db, step_fn, &s, &diag));
    assert_non_null(strstr(diag.text, "changed meanwhile"));

    /* A hook that fails takes the step with it. */
    slk_sector_hook_t failing[] = {{note, one}, {refuse, NULL}};
    s.version = 2, s.hooks = (slk_sector_hooks_t){failing, 2};
    s.event = (slk_event_t){.type = SLK_EVENT_TICKET, .epoch = 10};
    assert_err(SLK_ERR_NOSPACE, slk_db_transact(p.db, step_fn, &s, &diag));
    assert_int_equal(load(&p, 1000, 3).state, SLK_STATE_GET_TICKET);
    assert_int_equal(count(&p, "SELECT count(*) FROM seen"), 4);
    assert_int_equal(count(&p, "SELECT count(*) FROM sector_log"), 2);

    /* A refused event is in the log, and nowhere else. */
    s.hooks = (slk_sector_hooks_t){rows, 2};
    s.event = (slk_event_t){.type = SLK_EVENT_PROVING};
    assert_ok(slk_db_transact(p.db, step_fn, &s, &diag), diag);
    assert_int_equal(s.outcome.step, SLK_STEP_REFUSED);
    assert_int_equal(s.outcome.version, 2);
    assert_int_equal(load(&p, 1000, 3).version, 2);
    assert_int_equal(count(&p, "SELECT count(*) FROM seen"), 4);
    assert_int_equal(count(&p, "SELECT count(*) FROM sector_log WHERE kind = 'error;refused' AND "
                               "event = 'SectorProving'"),
                     1);

    /* A restart is due at once, and nothing else. */
    STEP(&p, 1000, 3, 300, .type = SLK_EVENT_TICKET, .epoch = 10);
    slk_sector_wait_t wait = slk_sector_wait_none();
    wait.job = "k", wait.why = "computes";
    assert_ok(slk_sector_store_wait(p.db, 1000, 3, 3, &wait, 310, &diag), diag);
    s.version = 4, s.now_ms = 320, s.event = (slk_event_t){.type = SLK_EVENT_RESTART};
    assert_ok(slk_db_transact(p.db, step_fn, &s, &diag), diag);
    row = load(&p, 1000, 3);
    assert_int_equal(row.visit, 3);
    assert_int_equal(row.due_ms, 320);
    assert_string_equal(row.wait_job, "k");
    assert_int_equal(count(&p, "SELECT count(*) FROM sector_log WHERE event = 'SectorRestart'"), 0);
    assert_int_equal(count(&p, "SELECT count(*) FROM seen"), 4);

    /* A step into a state forgets what the former one waited for. */
    STEP(&p, 1000, 3, 400, .type = SLK_EVENT_PRE_COMMIT1, .bytes = test_text("x"));
    row = load(&p, 1000, 3);
    assert_string_equal(row.wait_job, "");
    assert_string_equal(row.why, "");
    STEP(&p, 1000, 3, 400, .type = SLK_EVENT_PRE_COMMIT2, .comm_d = cid, .comm_r = cid);
    assert_int_equal(row.number, 3);

    assert_err(SLK_ERR_NOTFOUND, slk_sector_load(p.db, 1000, 4, &p.arena, &row, &diag));
    assert_non_null(strstr(diag.text, "no sector 4 of f01000"));
    leave(&p);
}

/* --- Waiting --------------------------------------------------------------------------------------- */

static void test_back_off(void **unused)
{
    (void)unused;
    for (uint64_t number = 0; number < 100; number++)
        for (int64_t trouble = 1, base = 5000; trouble < 70; trouble++) {
            int64_t ms = slk_sector_back_off_ms(trouble, number);
            assert_true(ms >= base && ms <= base + base / 4);
            base = base * 2 > 600000 ? 600000 : base * 2;
        }
    assert_int_not_equal(slk_sector_back_off_ms(5, 1), slk_sector_back_off_ms(5, 2));
}

static void wait_for(place_t *p, uint64_t number, slk_sector_wait_t wait, int64_t now_ms)
{
    assert_ok(
        slk_sector_store_wait(p->db, 1000, number, SLK_SECTOR_ANY_VERSION, &wait, now_ms, &diag),
        diag);
}

static void test_waits(void **unused)
{
    (void)unused;
    place_t p = place();
    create(&p, 1000, 1, true, 1000);
    slk_sector_wait_t wait = slk_sector_wait_none();

    wait.until_ms = 5000, wait.until_epoch = 77, wait.job = "job 1", wait.why = "bad \xff end";
    assert_err(SLK_ERR_STATE, slk_sector_store_wait(p.db, 1000, 1, 7, &wait, 1000, &diag));
    assert_ok(slk_sector_store_wait(p.db, 1000, 1, 1, &wait, 1000, &diag), diag);
    slk_sector_row_t row = load(&p, 1000, 1);
    assert_int_equal(row.version, 2);
    assert_int_equal(row.due_ms, 5000);
    assert_int_equal(row.wait_epoch, 77);
    assert_string_equal(row.wait_job, "job 1");
    assert_string_equal(row.why, "bad ? end");
    assert_int_equal(row.updated_ms, 1000);

    char longest[700];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    wait.why = longest;
    wait_for(&p, 1, wait, 1000);
    row = load(&p, 1000, 1);
    assert_int_equal(strlen(row.why), SLK_SECTOR_WHY_MAX - 1);

    /* No wait is for ever. */
    wait = slk_sector_wait_none();
    wait_for(&p, 1, wait, 1000);
    assert_int_equal(load(&p, 1000, 1).due_ms, 1000 + SLK_SECTOR_LOOK_AGAIN_MS);
    wait.until_ms = INT64_MAX;
    wait_for(&p, 1, wait, 1000);
    assert_int_equal(load(&p, 1000, 1).due_ms, 1000 + SLK_SECTOR_LOOK_AGAIN_MS);

    /* Trouble: further and further apart, and not before until_ms. */
    for (int64_t i = 1; i < 12; i++) {
        wait = slk_sector_wait_none();
        wait.trouble = true;
        wait_for(&p, 1, wait, 1000);
        row = load(&p, 1000, 1);
        assert_int_equal(row.trouble, i);
        assert_int_equal(row.due_ms, 1000 + slk_sector_back_off_ms(i, 1));
    }
    wait.until_ms = 1000 + 1700000;
    wait_for(&p, 1, wait, 1000);
    assert_int_equal(load(&p, 1000, 1).due_ms, 1000 + 1700000);
    wait.trouble = false;
    wait_for(&p, 1, wait, 1000);
    assert_int_equal(load(&p, 1000, 1).trouble, 0);

    /* A candidate since it first was one. */
    wait = slk_sector_wait_none();
    wait.batch = 1, wait.batch_cutoff = 900, wait.until_ms = 9000;
    wait_for(&p, 1, wait, 2000);
    wait.batch_cutoff = 800;
    wait_for(&p, 1, wait, 3000);
    row = load(&p, 1000, 1);
    assert_int_equal(row.batch, 1);
    assert_int_equal(row.batch_cutoff, 800);
    assert_int_equal(row.batch_since_ms, 2000);
    wait.batch = 0;
    wait_for(&p, 1, wait, 4000);
    row = load(&p, 1000, 1);
    assert_int_equal(row.batch, 0);
    assert_int_equal(row.batch_since_ms, 4000);

    wait = slk_sector_wait_none();
    wait.rest = true, wait.why = "sealed and on chain";
    wait_for(&p, 1, wait, 5000);
    row = load(&p, 1000, 1);
    assert_int_equal(row.due_ms, SLK_SECTOR_NEVER);
    assert_int_equal(row.batch, SLK_SECTOR_NO_BATCH);
    int64_t due;
    assert_ok(slk_sector_next_due(p.db, &due, &diag), diag);
    assert_int_equal(due, SLK_SECTOR_NEVER);
    leave(&p);
}

static size_t expect_due_numbers(place_t *p, const char *numbers)
{
    char found[64] = "";
    slk_sector_ref_t refs[16];
    size_t cnt;
    assert_ok(slk_sector_due(p->db, 5000, refs, 16, &cnt, &diag), diag);
    for (size_t i = 0; i < cnt; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%llu", i ? " " : "",
                 (unsigned long long)refs[i].number);
    assert_string_equal(found, numbers);
    return cnt;
}

static void expect_woken(place_t *p, slk_err_t err, const int64_t *got, const char *numbers)
{
    assert_ok(err, diag);
    assert_int_equal(*got, expect_due_numbers(p, numbers));
}

static void set_up_waits(place_t *p)
{
    static const struct {
        int64_t epoch;
        const char *job;
        bool rest;
    } rows[] = {
        {10, "a", false}, {20, "b", false}, {0, "a", false}, {0, NULL, true}, {0, NULL, false}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_sector_wait_t wait = slk_sector_wait_none();
        wait.until_epoch = rows[i].epoch, wait.job = rows[i].job, wait.rest = rows[i].rest;
        wait_for(p, i, wait, 4000);
    }
}

static void test_wakes(void **unused)
{
    (void)unused;
    place_t p = place();
    test_random_t random = {1};
    slk_cid_t cid = test_cid(&random);
    int64_t n = -1;
    for (uint64_t i = 0; i < 5; i++)
        create(&p, 1000, i, true, 1);
    set_up_waits(&p);
    expect_due_numbers(&p, "");

    expect_woken(&p, slk_sector_wake_epoch(p.db, 9, 5000, &n, &diag), &n, "");
    expect_woken(&p, slk_sector_wake_epoch(p.db, 15, 5000, &n, &diag), &n, "0");
    int64_t version = load(&p, 1000, 0).version;
    assert_ok(slk_sector_wake_epoch(p.db, 16, 5000, &n, &diag), diag);
    assert_int_equal(n, 0); /* once */
    assert_int_equal(load(&p, 1000, 0).version, version);

    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_reverted(p.db, 5000, &n, &diag), &n, "0 1");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_job(p.db, "a", 5000, &n, &diag), &n, "0 2");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_all(p.db, false, 5000, &n, &diag), &n, "0 1 2 4");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_all(p.db, true, 5000, &n, &diag), &n, "0 1 2 3 4");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake(p.db, 1000, 3, 5000, &n, &diag), &n, "3");
    assert_ok(slk_sector_wake(p.db, 1000, 99, 5000, &n, &diag), diag);
    assert_int_equal(n, 0);

    /* A wake while somebody decides: his decision is of an older world. */
    slk_sector_row_t row = load(&p, 1000, 3);
    assert_ok(slk_sector_wake(p.db, 1000, 3, 5000, &n, &diag), diag);
    slk_sector_wait_t wait = slk_sector_wait_none();
    assert_err(SLK_ERR_STATE,
               slk_sector_store_wait(p.db, 1000, 3, row.version, &wait, 5000, &diag));
    assert_int_equal(load(&p, 1000, 3).due_ms, 5000); /* still his turn, since then */

    /* Messages: of the record, now or once. */
    for (uint64_t i = 1; i <= 2; i++) {
        STEP(&p, 1000, i, 1, .type = SLK_EVENT_FORCE_STATE,
             .state = SLK_STATE_SUBMIT_PRE_COMMIT_BATCH);
        STEP(&p, 1000, i, 1, .type = SLK_EVENT_PRE_COMMIT_BATCH_SENT, .key = "batch 1");
    }
    STEP(&p, 1000, 2, 1, .type = SLK_EVENT_PRE_COMMIT_LANDED, .cid = cid);
    STEP(&p, 1000, 2, 1, .type = SLK_EVENT_SEED_READY);
    STEP(&p, 1000, 2, 1, .type = SLK_EVENT_COMMITTED, .bytes = test_text("proof"));
    STEP(&p, 1000, 2, 1, .type = SLK_EVENT_COMMIT_AGGREGATE_SENT, .key = "batch 2");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_message(p.db, "batch 1", 5000, &n, &diag), &n, "1 2");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_message(p.db, "batch 2", 5000, &n, &diag), &n, "2");
    set_up_waits(&p);
    expect_woken(&p, slk_sector_wake_message(p.db, "batch 3", 5000, &n, &diag), &n, "");

    /* What was removed sleeps. */
    STEP(&p, 1000, 4, 1, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_REMOVED);
    wait.rest = true;
    wait_for(&p, 4, wait, 4000);
    expect_woken(&p, slk_sector_wake_all(p.db, true, 5000, &n, &diag), &n, "0 1 2 3");
    leave(&p);
}

/* --- Whose turn, and lists -------------------------------------------------------------------------- */

static void expect_due(place_t *p, int64_t now_ms, size_t max, const char *want)
{
    char found[256] = "";
    slk_sector_ref_t refs[64];
    size_t cnt;
    assert_ok(slk_sector_due(p->db, now_ms, refs, max, &cnt, &diag), diag);
    for (size_t i = 0; i < cnt; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%llu/%llu", i ? " " : "",
                 (unsigned long long)refs[i].miner, (unsigned long long)refs[i].number);
    assert_string_equal(found, want);
}

static void test_due(void **unused)
{
    (void)unused;
    place_t p = place();
    test_random_t random = {1};
    slk_sector_piece_t deal = test_piece(&random, 1, &p.arena);
    expect_due(&p, INT64_MAX, 64, "");
    /* Miner 1 has many, 2 and 3 few; who came first goes first. */
    for (uint64_t i = 0; i < 5; i++)
        create(&p, 1, i, true, 100 - (int64_t)i);
    create(&p, 2, 0, true, 300);
    create(&p, 3, 7, true, 300);
    expect_due(&p, 99, 64, "1/4 1/3 1/2 1/1");
    expect_due(&p, 300, 64, "1/4 2/0 3/7 1/3 1/2 1/1 1/0");
    expect_due(&p, 300, 2, "1/4 2/0");
    int64_t due;
    assert_ok(slk_sector_next_due(p.db, &due, &diag), diag);
    assert_int_equal(due, 96);

    /* Deals before all, then sealing, failures, proving; however long these have waited. */
    STEP(&p, 1, 0, 1, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING);
    STEP(&p, 1, 1, 2, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_COMMIT_FAILED);
    create(&p, 3, 8, false, 299);
    STEP(&p, 3, 8, 299, .type = SLK_EVENT_ADD_PIECE, .pieces = {&deal, 1});
    STEP(&p, 3, 8, 299, .type = SLK_EVENT_PIECE_ADDED, .pieces = {&deal, 1});
    STEP(&p, 3, 8, 299, .type = SLK_EVENT_START_PACKING);
    expect_due(&p, 300, 64, "3/8 1/4 2/0 3/7 1/3 1/2 1/1 1/0");
    leave(&p);
}

static void expect_list(place_t *p, const slk_sector_filter_t *filter,
                        const slk_sector_ref_t *after, size_t max, const char *want)
{
    char found[512] = "";
    slk_sector_row_t rows[32];
    size_t cnt;
    assert_ok(slk_sector_list(p->db, filter, after, max, NULL, rows, &cnt, &diag), diag);
    for (size_t i = 0; i < cnt; i++) {
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%llu/%llu", i ? " " : "",
                 (unsigned long long)rows[i].miner, (unsigned long long)rows[i].number);
        assert_null(rows[i].info);
    }
    assert_string_equal(found, want);
}

static void test_lists(void **unused)
{
    (void)unused;
    place_t p = place();
    for (uint64_t i = 0; i < 4; i++) {
        create(&p, 1, i, true, 1);
        create(&p, 2, i, i % 2, 1);
    }
    STEP(&p, 1, 2, 1, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING);
    STEP(&p, 2, 3, 1, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_AVAILABLE);
    slk_sector_filter_t filter = slk_sector_filter_all();
    expect_list(&p, &filter, NULL, 32, "1/0 1/1 1/2 1/3 2/0 2/1 2/2 2/3");
    expect_list(&p, &filter, NULL, 3, "1/0 1/1 1/2");
    expect_list(&p, &filter, &(slk_sector_ref_t){1, 2}, 3, "1/3 2/0 2/1");
    expect_list(&p, &filter, &(slk_sector_ref_t){2, 3}, 3, "");
    filter.miner = 2;
    expect_list(&p, &filter, NULL, 32, "2/0 2/1 2/2 2/3");
    expect_list(&p, &filter, &(slk_sector_ref_t){1, 3}, 32, "2/0 2/1 2/2 2/3");
    expect_list(&p, &filter, &(slk_sector_ref_t){2, 1}, 32, "2/2 2/3");
    filter.miner = 1;
    expect_list(&p, &filter, &(slk_sector_ref_t){2, 0}, 32, "");

    filter = slk_sector_filter_all();
    slk_sector_filter_class(&filter, SLK_CLASS_PROVING);
    expect_list(&p, &filter, NULL, 32, "1/2 2/3");
    filter.states[SLK_STATE_WAIT_DEALS] = true;
    expect_list(&p, &filter, NULL, 32, "1/2 2/0 2/2 2/3");
    expect_list(&p, &filter, &(slk_sector_ref_t){1, 2}, 2, "2/0 2/2");
    filter.miner = 2;
    expect_list(&p, &filter, NULL, 32, "2/0 2/2 2/3");
    filter = slk_sector_filter_all();
    filter.states[SLK_STATE_REMOVED] = true;
    expect_list(&p, &filter, NULL, 32, "");

    slk_sector_wait_t wait = slk_sector_wait_none();
    wait.batch = 2;
    assert_ok(slk_sector_store_wait(p.db, 2, 1, 0, &wait, 1, &diag), diag);
    assert_ok(slk_sector_store_wait(p.db, 1, 3, 0, &wait, 1, &diag), diag);
    wait.batch = 1;
    assert_ok(slk_sector_store_wait(p.db, 1, 1, 0, &wait, 1, &diag), diag);
    filter = slk_sector_filter_all();
    filter.candidates = true, filter.batch = 2;
    expect_list(&p, &filter, NULL, 32, "1/3 2/1");
    filter.miner = 2;
    expect_list(&p, &filter, NULL, 32, "2/1");

    /* With records. */
    slk_sector_row_t rows[2];
    size_t cnt;
    filter = slk_sector_filter_all();
    assert_ok(slk_sector_list(p.db, &filter, NULL, 2, &p.arena, rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(rows[1].info->sector_number, 1);

    uint64_t counts[SLK_STATE_CNT], miners[4];
    assert_ok(slk_sector_counts(p.db, SLK_SECTOR_ANY_MINER, counts, &diag), diag);
    assert_int_equal(counts[SLK_STATE_PACKING], 4);
    assert_int_equal(counts[SLK_STATE_WAIT_DEALS], 2);
    assert_int_equal(counts[SLK_STATE_PROVING], 1);
    assert_int_equal(counts[SLK_STATE_REMOVED], 0);
    assert_ok(slk_sector_counts(p.db, 2, counts, &diag), diag);
    assert_int_equal(counts[SLK_STATE_PACKING], 1);
    assert_int_equal(counts[SLK_STATE_PROVING], 0);
    assert_ok(slk_sector_miners(p.db, miners, 4, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(miners[1], 2);
    leave(&p);
}

/* --- The log --------------------------------------------------------------------------------------- */

static slk_err_t notes_fn(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    const int *cnt = ctx;
    slk_err_t err = SLK_OK;
    for (int i = 0; err == SLK_OK && i < *cnt; i++) {
        char text[32];
        snprintf(text, sizeof text, "note %d", i);
        err = slk_sector_log_note(db, 1000, 1, "note", text, i, d);
    }
    return err;
}

static void test_log(void **unused)
{
    (void)unused;
    place_t p = place();
    slk_sector_log_t *entries;
    size_t cnt;
    create(&p, 1000, 1, true, 5);
    create(&p, 1000, 2, true, 5);
    slk_bytes_t big = {slk_arena_alloc(&p.arena, 30000), 30000};
    STEP(&p, 1000, 1, 6, .type = SLK_EVENT_PACKED);
    STEP(&p, 1000, 1, 7, .type = SLK_EVENT_TICKET, .epoch = 99);
    STEP(&p, 1000, 1, 8, .type = SLK_EVENT_PRE_COMMIT1, .bytes = big);
    STEP(&p, 1000, 1, 9, .type = SLK_EVENT_SEAL_PRE_COMMIT2_FAILED, .text = "no \xfe memory");
    assert_ok(slk_sector_log_load(p.db, 1000, 1, 0, false, 100, &p.arena, &entries, &cnt, &diag),
              diag);
    assert_int_equal(cnt, 5);
    assert_string_equal(entries[0].kind, "event;sealing.SectorStartCC");
    assert_string_equal(entries[0].message, "{\"User\":{\"ID\":1,\"SectorType\":5}}");
    assert_int_equal(entries[0].from, SLK_STATE_UNDEFINED);
    assert_int_equal(entries[0].to, SLK_STATE_PACKING);
    assert_string_equal(entries[2].kind, "event;sealing.SectorTicket");
    assert_non_null(strstr(entries[2].message, "\"TicketEpoch\":99"));
    assert_int_equal(entries[2].at_ms, 7);
    assert_int_equal(strlen(entries[3].message), 8000 + strlen("... truncated"));
    assert_string_equal(entries[3].message + 8000, "... truncated");
    assert_string_equal(entries[4].message, "{\"User\":{}}");
    assert_string_equal(entries[4].trace, "no ? memory");
    assert_string_equal(entries[4].event, "SectorSealPreCommit2Failed");
    assert_int_equal(entries[4].to, SLK_STATE_SEAL_PRE_COMMIT2_FAILED);

    /* Pages, both ways. */
    int64_t second = entries[1].id, fourth = entries[3].id;
    assert_ok(slk_sector_log_load(p.db, 1000, 1, second, false, 2, &p.arena, &entries, &cnt, &diag),
              diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(entries[1].id, fourth);
    assert_ok(slk_sector_log_load(p.db, 1000, 1, 0, true, 2, &p.arena, &entries, &cnt, &diag),
              diag);
    assert_int_equal(entries[0].at_ms, 9);
    assert_int_equal(entries[1].id, fourth);
    assert_ok(slk_sector_log_load(p.db, 1000, 1, fourth, true, 9, &p.arena, &entries, &cnt, &diag),
              diag);
    assert_int_equal(cnt, 3);
    assert_int_equal(entries[0].at_ms, 7);

    /* 8000 fit; one more and the middle goes. */
    assert_ok(slk_db_run(p.db,
                         "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE "
                         "i < 7993) INSERT INTO sector_log (miner, number, at_ms, kind, event, "
                         "from_state, to_state, message, trace) "
                         "SELECT 1000, 1, i, 'note', '', '', '', 'x', '' FROM n",
                         SLK_NO_VALS, NULL, &diag),
              diag);
    assert_ok(slk_db_run(p.db, "UPDATE sector SET log_cnt = 7999 WHERE number = 1", SLK_NO_VALS,
                         NULL, &diag),
              diag);
    int more = 1;
    assert_ok(slk_db_transact(p.db, notes_fn, &more, &diag), diag);
    assert_int_equal(count(&p, "SELECT count(*) FROM sector_log WHERE number = 1"), 8000);
    more = 1;
    assert_ok(slk_db_transact(p.db, notes_fn, &more, &diag), diag);
    slk_arena_free(&p.arena);
    assert_ok(slk_sector_log_load(p.db, 1000, 1, 0, false, 9000, &p.arena, &entries, &cnt, &diag),
              diag);
    assert_int_equal(cnt, 4001);
    assert_string_equal(entries[0].kind, "event;sealing.SectorStartCC");
    assert_int_equal(entries[1999].at_ms, 1994);
    assert_string_equal(entries[2000].kind, "truncate");
    assert_int_equal(entries[2001].at_ms, 5996); /* the 2000 newest */
    assert_string_equal(entries[4000].message, "note 0");
    assert_int_equal(count(&p, "SELECT log_cnt FROM sector WHERE number = 1"), 4001);
    assert_int_equal(count(&p, "SELECT count(*) FROM sector_log WHERE number = 2"), 1);
    leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),     cmocka_unit_test(test_waits), cmocka_unit_test(test_wakes),
        cmocka_unit_test(test_due),      cmocka_unit_test(test_lists), cmocka_unit_test(test_log),
        cmocka_unit_test(test_back_off),
    };
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
