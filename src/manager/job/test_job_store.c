/* The tables of jobs and storage, on SQLite and PostgreSQL. */
#include "store/test_engines.h"

#include "manager/job/job_store.h"
#include "manager/job/registry.h"
#include "manager/storage/storage_index.h"

static slk_diag_t diag;

typedef struct {
    char dir[64];
    slk_db_t *db;
    int ended;
    slk_job_view_t last; /* of the hook */
    slk_job_hooks_t hooks;
} fixture_t;

static slk_err_t on_ended(void *ctx, slk_db_t *db, const slk_job_view_t *job, int64_t now_ms,
                          slk_diag_t *d)
{
    fixture_t *f = ctx;
    (void)db;
    (void)now_ms;
    (void)d;
    f->ended++;
    f->last = *job;
    return SLK_OK;
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);
    char where[TEST_WHERE];
    test_new(f->dir);
    test_where(where, f->dir);
    assert_ok(slk_db_open(&f->db, where, &diag), diag);
    assert_ok(slk_job_migrate(f->db, &diag), diag);
    assert_ok(slk_storage_migrate(f->db, &diag), diag);
    assert_ok(slk_registry_migrate(f->db, &diag), diag);
    f->hooks = (slk_job_hooks_t){on_ended, NULL, f};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    slk_db_close(f->db);
    test_rm_dir(f->dir);
    free(f);
    return 0;
}

/* --- One call in a transaction ---------------------------------------------------------------- */

typedef struct {
    fixture_t *f;
    enum { ADD, DROP, DROP_KEY, ASSIGN, CONTINUE, DONE, FAILED, LOST, ABORT, PURGE, NEWS } what;
    slk_job_want_t want;
    slk_job_claim_t claim;
    slk_failure_t failure;
    int64_t now_ms;
    int64_t id, lease, ids[8];
    size_t cnt;
    slk_taken_t taken;
    bool again;
} do_t;

static slk_err_t act(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    do_t *a = ctx;
    const slk_job_hooks_t *hooks = &a->f->hooks;
    switch (a->what) {
    case ADD:
        return slk_job_add(db, &a->want, a->now_ms, &a->id, d);
    case DROP:
        return slk_job_drop(db, a->want.miner, a->want.number, a->want.key, a->now_ms, d);
    case DROP_KEY:
        return slk_job_drop_key(db, a->want.key, a->now_ms, d);
    case ASSIGN: {
        slk_err_t err = slk_job_assign(db, a->claim.id, a->claim.worker, "name", "{\"Files\":[]}",
                                       a->now_ms, &a->taken, &a->lease, d);
        return err == SLK_OK && a->taken == SLK_TAKEN_NOW
                   ? slk_storage_reserve(db, a->claim.id, "p", 100, d)
                   : err;
    }
    case CONTINUE:
        return slk_job_continue(db, &a->claim, a->now_ms, &a->taken, d);
    case DONE:
        return slk_job_done(db, &a->claim, "{\"A\":1}", 7, 1000, a->now_ms, hooks, &a->taken, d);
    case FAILED:
        return slk_job_failed(db, &a->claim, a->failure, "it broke", "stderr", a->now_ms, hooks,
                              &a->taken, &a->again, d);
    case LOST:
        return slk_job_lost(db, &a->claim, a->now_ms, hooks, &a->taken, d);
    case ABORT:
        return slk_job_abort(db, a->claim.id, "enough", a->now_ms, hooks, d);
    case PURGE:
        return slk_job_purge(db, a->now_ms, a->ids, 8, &a->cnt, d);
    case NEWS:
        return slk_job_take_news(db, a->ids, 8, &a->cnt, d);
    }
    return SLK_ERR_INPUT;
}

static slk_err_t run(fixture_t *f, do_t *a)
{
    a->f = f;
    return slk_db_transact(f->db, act, a, &diag);
}

static int64_t add(fixture_t *f, const char *key, uint64_t number)
{
    do_t a = {
        .what = ADD,
        .now_ms = 10,
        .want = {
            .key = key, .miner = 1000, .number = number, .task = SLK_TASK_PC1, .seal_proof = 5}};
    assert_ok(run(f, &a), diag);
    return a.id;
}

static int64_t assign(fixture_t *f, int64_t id, const char *worker, slk_taken_t want)
{
    do_t a = {.what = ASSIGN, .claim = {id, 0, worker}, .now_ms = 20};
    assert_ok(run(f, &a), diag);
    assert_int_equal(a.taken, want);
    return a.lease;
}

static slk_taken_t claim(fixture_t *f, int what, int64_t id, int64_t lease, const char *worker)
{
    do_t a = {.what = what, .claim = {id, lease, worker}, .now_ms = 50};
    assert_ok(run(f, &a), diag);
    return a.taken;
}

static bool fail_with(fixture_t *f, int64_t id, int64_t lease, slk_failure_t failure,
                      int64_t now_ms)
{
    do_t a = {.what = FAILED, .claim = {id, lease, "w"}, .failure = failure, .now_ms = now_ms};
    assert_ok(run(f, &a), diag);
    assert_int_equal(a.taken, SLK_TAKEN_NOW);
    return a.again;
}

static slk_job_view_t view(fixture_t *f, int64_t id)
{
    slk_job_view_t v;
    assert_ok(slk_job_find_id(f->db, id, &v, &diag), diag);
    json_decref(v.result);
    v.result = NULL;
    return v;
}

static int64_t promised(fixture_t *f)
{
    bool found;
    int64_t sum;
    assert_ok(slk_db_get_i64(f->db, "SELECT COUNT(*) FROM space_reserved", SLK_NO_VALS, &found,
                             &sum, &diag),
              diag);
    return sum;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_add_find(void **state)
{
    fixture_t *f = *state;
    slk_job_view_t v;
    json_t *params = json_pack("{s:s, s:I}", "Ticket", "00ff", "Big", INT64_MAX);
    do_t a = {.what = ADD,
              .now_ms = 10,
              .want = {.key = "t01000-5/1/PC1",
                       .miner = 1000,
                       .number = UINT64_MAX,
                       .task = SLK_TASK_PC1,
                       .seal_proof = 5,
                       .params = params,
                       .priority = 1024,
                       .deadline_ms = 99,
                       .not_before_ms = 11,
                       .only_worker = "w"}};
    assert_ok(run(f, &a), diag);
    const int64_t id = a.id;
    a.want.priority = 1; /* the same key is the same job */
    assert_ok(run(f, &a), diag);
    assert_int_equal(a.id, id);
    assert_ok(slk_job_find(f->db, "t01000-5/1/PC1", &v, &diag), diag);
    assert_int_equal(v.state, SLK_JOB_QUEUED);
    assert_true(v.number == UINT64_MAX);
    assert_int_equal(v.priority, 1024);
    assert_int_equal(v.tries, 0);
    assert_null(v.result);
    assert_ok(slk_job_find(f->db, "t01000-5/1/PC2", &v, &diag), diag);
    assert_int_equal(v.state, SLK_JOB_NONE);
    slk_job_row_t row;
    assert_ok(slk_job_load(f->db, id, &row, &diag), diag);
    assert_string_equal(row.only_worker, "w");
    assert_string_equal(row.params, "{\"Ticket\":\"00ff\",\"Big\":9223372036854775807}");
    assert_null(row.orders);
    slk_job_row_free(&row);
    assert_err(SLK_ERR_NOTFOUND, slk_job_load(f->db, id + 1, &row, &diag));
    json_decref(params);
    char key[SLK_JOB_KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    a.want.key = key;
    assert_err(SLK_ERR_INPUT, run(f, &a));
    a.want.key = "";
    assert_err(SLK_ERR_INPUT, run(f, &a));
    /* News come once. */
    do_t n = {.what = NEWS};
    assert_ok(run(f, &n), diag);
    assert_int_equal(n.cnt, 1);
    assert_int_equal(n.ids[0], id);
    assert_ok(run(f, &n), diag);
    assert_int_equal(n.cnt, 0);
}

static void test_fencing(void **state)
{
    fixture_t *f = *state;
    const int64_t id = add(f, "a", 5);
    assert_int_equal(claim(f, DONE, id, 0, "w"), SLK_TAKEN_NOT);
    assert_int_equal(assign(f, id, "w", SLK_TAKEN_NOW), 1);
    assign(f, id, "v", SLK_TAKEN_NOT);
    assert_int_equal(promised(f), 1);
    assert_int_equal(claim(f, CONTINUE, id, 1, "w"), SLK_TAKEN_BEFORE);
    assert_int_equal(claim(f, LOST, id, 1, "v"), SLK_TAKEN_NOT);
    assert_int_equal(claim(f, LOST, id, 1, "w"), SLK_TAKEN_NOW);
    assert_int_equal(claim(f, LOST, id, 1, "w"), SLK_TAKEN_NOT);
    assert_int_equal(promised(f), 0);
    assert_int_equal(view(f, id).state, SLK_JOB_QUEUED);
    assert_int_equal(view(f, id).failure, SLK_FAILURE_LOST);
    /* Back in time, then away again, then too late. */
    assert_int_equal(claim(f, CONTINUE, id, 1, "w"), SLK_TAKEN_NOW);
    assert_int_equal(view(f, id).state, SLK_JOB_RUNNING);
    assert_int_equal(claim(f, LOST, id, 1, "w"), SLK_TAKEN_NOW);
    assert_int_equal(assign(f, id, "v", SLK_TAKEN_NOW), 2);
    assert_int_equal(claim(f, CONTINUE, id, 1, "w"), SLK_TAKEN_NOT);
    assert_int_equal(claim(f, DONE, id, 1, "w"), SLK_TAKEN_NOT);
    assert_int_equal(claim(f, DONE, id, 2, "w"), SLK_TAKEN_NOT);
    assert_int_equal(claim(f, DONE, id, 2, "v"), SLK_TAKEN_NOW);
    assert_int_equal(claim(f, DONE, id, 2, "v"), SLK_TAKEN_BEFORE);
    assert_int_equal(claim(f, LOST, id, 2, "v"), SLK_TAKEN_NOT);
    assert_int_equal(f->ended, 1);
    assert_int_equal(f->last.state, SLK_JOB_DONE);
    assert_int_equal(promised(f), 0);
    assert_int_equal(claim(f, DONE, 4711, 1, "v"), SLK_TAKEN_NOT);
    /* A lost one whose worker brings the result before anybody else has it. */
    const int64_t id2 = add(f, "b", 6);
    assign(f, id2, "w", SLK_TAKEN_NOW);
    assert_int_equal(claim(f, LOST, id2, 1, "w"), SLK_TAKEN_NOW);
    assert_int_equal(claim(f, DONE, id2, 1, "w"), SLK_TAKEN_NOW);
    json_t *list = NULL;
    assert_ok(slk_job_history(f->db, 1000, 6, 10, &list, &diag), diag);
    static const char *const story[] = {"queued", "assigned", "lost", "done"};
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "What")),
                            story[i]);
    json_decref(list);
}

static void test_failures(void **state)
{
    fixture_t *f = *state;
    /* Once is enough. */
    int64_t id = add(f, "input", 1);
    assign(f, id, "w", SLK_TAKEN_NOW);
    assert_false(fail_with(f, id, 1, SLK_FAILURE_INPUT, 100));
    assert_int_equal(view(f, id).state, SLK_JOB_FAILED);
    assert_string_equal(view(f, id).error, "it broke");
    assert_int_equal(f->ended, 1);
    do_t again = {.what = FAILED, .claim = {id, 1, "w"}, .failure = SLK_FAILURE_INPUT};
    assert_ok(run(f, &again), diag);
    assert_int_equal(again.taken, SLK_TAKEN_BEFORE);
    assert_int_equal(f->ended, 1);
    /* Eight times, with pauses that double; then it has failed. Its claim ends with each. */
    id = add(f, "temporary", 2);
    for (int i = 1; i <= 8; i++) {
        const int64_t lease = assign(f, id, "w", SLK_TAKEN_NOW);
        assert_int_equal(lease, i);
        assert_int_equal(fail_with(f, id, lease, SLK_FAILURE_TEMPORARY, 1000), i < 8);
        assert_int_equal(view(f, id).state, i < 8 ? SLK_JOB_QUEUED : SLK_JOB_FAILED);
        if (i < 8) {
            assert_int_equal(view(f, id).not_before_ms, 1000 + (2000 << (i - 1)));
            assert_int_equal(claim(f, CONTINUE, id, lease, "w"), SLK_TAKEN_NOT);
            assert_int_equal(claim(f, DONE, id, lease, "w"), SLK_TAKEN_NOT);
        }
    }
    assert_int_equal(f->ended, 2);
    assert_int_equal(f->last.failure, SLK_FAILURE_TEMPORARY);
    /* Without an end, the pause bounded. */
    id = add(f, "space", 3);
    for (int i = 1; i <= 12; i++)
        assert_true(
            fail_with(f, id, assign(f, id, "w", SLK_TAKEN_NOW), SLK_FAILURE_NO_SPACE, 1000));
    assert_int_equal(view(f, id).not_before_ms, 1000 + 600000);
    assert_int_equal(promised(f), 0);
}

static void test_abort_drop_purge(void **state)
{
    fixture_t *f = *state;
    const int64_t a = add(f, "a", 5), b = add(f, "b", 5), c = add(f, "c", 5),
                  other = add(f, "o", 6);
    assign(f, a, "w", SLK_TAKEN_NOW);
    assert_int_equal(claim(f, DONE, a, 1, "w"), SLK_TAKEN_NOW);
    assign(f, b, "w", SLK_TAKEN_NOW);
    do_t d = {.what = ABORT, .claim = {c, 0, ""}, .now_ms = 60};
    assert_ok(run(f, &d), diag);
    assert_int_equal(view(f, c).state, SLK_JOB_FAILED);
    assert_int_equal(view(f, c).failure, SLK_FAILURE_CANCELLED);
    assert_err(SLK_ERR_STATE, run(f, &d));
    d.claim.id = 4711;
    assert_err(SLK_ERR_NOTFOUND, run(f, &d));
    assert_int_equal(f->ended, 2);
    do_t n = {.what = NEWS};
    assert_ok(run(f, &n), diag);
    /* All but "a": b is dropped, and what was promised to it is free. */
    do_t drop = {.what = DROP, .now_ms = 70, .want = {.miner = 1000, .number = 5, .key = "a"}};
    assert_int_equal(promised(f), 1);
    assert_ok(run(f, &drop), diag);
    assert_int_equal(promised(f), 0);
    assert_int_equal(view(f, b).state, SLK_JOB_DROPPED);
    assert_int_equal(view(f, a).state, SLK_JOB_DONE);
    assert_int_equal(view(f, other).state, SLK_JOB_QUEUED);
    assert_int_equal(f->ended, 2);
    assert_int_equal(claim(f, DONE, b, 1, "w"), SLK_TAKEN_NOT);
    assert_ok(run(f, &n), diag);
    assert_int_equal(n.cnt, 1);
    assert_int_equal(n.ids[0], b);
    /* Results stay until they were used, and some time more. */
    do_t purge = {.what = PURGE, .now_ms = 70};
    assert_ok(run(f, &purge), diag);
    assert_int_equal(purge.cnt, 0);
    purge.now_ms = 71;
    assert_ok(run(f, &purge), diag);
    assert_int_equal(purge.cnt, 2);
    assert_int_equal(view(f, a).state, SLK_JOB_DONE);
    assert_int_equal(view(f, b).state, SLK_JOB_NONE);
    drop.want.key = NULL;
    drop.now_ms = 80;
    assert_ok(run(f, &drop), diag);
    purge.now_ms = 1000;
    assert_ok(run(f, &purge), diag);
    assert_int_equal(purge.cnt, 1);
    assert_int_equal(view(f, other).state, SLK_JOB_QUEUED);
}

static void test_typical(void **state)
{
    fixture_t *f = *state;
    bool found = true;
    int64_t ms = 0;
    assert_ok(slk_job_typical(f->db, SLK_TASK_PC1, 5, &found, &ms, &diag), diag);
    assert_false(found);
    for (int i = 0; i < 5; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        const int64_t id = add(f, key, 5);
        assign(f, id, "w", SLK_TAKEN_NOW); /* at 20 */
        do_t d = {.what = DONE, .claim = {id, 1, "w"}, .now_ms = 20 + 100 * (i == 4 ? 50 : i + 1)};
        assert_ok(run(f, &d), diag);
    }
    assert_ok(slk_job_typical(f->db, SLK_TASK_PC1, 5, &found, &ms, &diag), diag);
    assert_true(found);
    assert_int_equal(ms, 300);
    assert_ok(slk_job_typical(f->db, SLK_TASK_PC1, 8, &found, &ms, &diag), diag);
    assert_false(found);
}

/* --- Storage ---------------------------------------------------------------------------------- */

static slk_bytes_t text(const char *s)
{
    return (slk_bytes_t){(const uint8_t *)s, strlen(s)};
}

static slk_err_t fill(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    (void)ctx;
    const slk_sector_id_t five = {1000, 5};
    uint64_t miners[] = {1000, 1001};
    slk_store_report_t one = {.id = text("one"),
                              .path = text("/1"),
                              .weight = 10,
                              .can_seal = true,
                              .groups = text("[\"g\"]"),
                              .allow_types = SLK_FT_SEALED | SLK_FT_CACHE,
                              .allow_miners = {miners, 2},
                              .capacity = 1000},
                       two = {.id = text("two"),
                              .path = text("/2"),
                              .weight = 20,
                              .can_store = true,
                              .can_final = true};
    slk_err_t err = slk_storage_attach(db, "w1", "http://w1/remote", &one, 1, d);
    if (err == SLK_OK)
        err = slk_storage_attach(db, "w1", "http://w1/remote", &two, 1, d);
    if (err == SLK_OK)
        err = slk_storage_attach(db, "w2", "http://w2/remote", &two, 1, d);
    for (int i = 0; i < 2 && err == SLK_OK; i++) /* twice is once */
        err = slk_storage_add(db, &five, SLK_FT_SEALED, "one", false, 2, d);
    if (err == SLK_OK)
        err = slk_storage_add(db, &five, SLK_FT_SEALED, "two", true, 2, d);
    if (err == SLK_OK)
        err = slk_storage_add(db, &five, SLK_FT_SEALED, "two", false, 2, d); /* stays primary */
    return err == SLK_OK ? slk_storage_add(db, &five, SLK_FT_CACHE, "two", false, 2, d) : err;
}

static slk_err_t outdate(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    const slk_sector_id_t five = {1000, 5};
    return slk_storage_outdate(db, &five, SLK_FT_SEALED, ctx, d);
}

static slk_err_t drop_one(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    const slk_sector_id_t five = {1000, 5};
    return slk_storage_drop(db, &five, SLK_FT_SEALED, ctx, d);
}

static slk_err_t goes_away(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_storage_away(db, ctx, true, d);
}

/* What was made again elsewhere is stale, until nobody has a better one; workers that are away come last. */
static void test_stale(void **state)
{
    fixture_t *f = *state;
    const slk_sector_id_t five = {1000, 5};
    slk_storage_holder_t *holders = NULL;
    size_t cnt = 0;
    assert_ok(slk_db_transact(f->db, fill, NULL, &diag), diag);
    assert_ok(slk_db_transact(f->db, outdate, "one", &diag), diag);
    assert_ok(slk_db_transact(f->db, goes_away, "w1", &diag), diag);
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_ALL, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_string_equal(holders[0].store, "two");
    assert_string_equal(holders[0].worker, "w2");
    assert_int_equal(holders[0].stale, SLK_FT_SEALED);
    assert_int_equal(holders[0].primary, 0);
    assert_int_equal(holders[1].stale, 0);
    assert_string_equal(holders[1].worker, "w1"); /* there is no other */
    free(holders);
    assert_ok(slk_db_transact(f->db, drop_one, "one", &diag), diag);
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_ALL, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_int_equal(holders[0].stale, 0);
    free(holders);
}

static slk_err_t attach_bad(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_storage_attach(db, "w1", "http://w1/remote", ctx, 1, d);
}

static slk_err_t detach(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_storage_detach(db, ctx, "two", d);
}

static slk_err_t forget(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_storage_forget(db, ctx, d);
}

static void test_storage(void **state)
{
    fixture_t *f = *state;
    const slk_sector_id_t five = {1000, 5};
    slk_storage_holder_t *holders = NULL;
    size_t cnt = 0;
    json_t *list = NULL;
    assert_ok(slk_db_transact(f->db, fill, NULL, &diag), diag);
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_ALL, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 2);
    assert_string_equal(holders[0].store, "two"); /* heavier */
    assert_int_equal(holders[0].types, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(holders[0].primary, SLK_FT_SEALED);
    assert_true(holders[0].can_final && !holders[0].can_seal);
    assert_string_equal(holders[0].url, "http://w1/remote");
    assert_int_equal(holders[1].types, SLK_FT_SEALED);
    free(holders);
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_CACHE, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    free(holders);
    assert_ok(slk_storage_list(f->db, &list, &diag), diag);
    assert_int_equal(json_array_size(list), 2);
    json_t *two = json_array_get(list, 1);
    assert_int_equal(json_array_size(json_object_get(two, "URLs")), 2);
    assert_int_equal(json_integer_value(json_object_get(two, "Sectors")), 1);
    char *one = json_dumps(json_object_get(json_array_get(list, 0), "AllowTypes"), JSON_COMPACT);
    assert_string_equal(one, "[\"sealed\",\"cache\"]");
    free(one);
    json_decref(list);
    /* Forgotten only when nobody serves it. */
    assert_err(SLK_ERR_STATE, slk_db_transact(f->db, forget, "two", &diag));
    assert_ok(slk_db_transact(f->db, detach, "w1", &diag), diag);
    assert_ok(slk_db_transact(f->db, detach, "w2", &diag), diag);
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_CACHE, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_string_equal(holders[0].url, "");
    free(holders);
    assert_ok(slk_db_transact(f->db, forget, "two", &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_db_transact(f->db, forget, "two", &diag));
    assert_ok(slk_storage_find(f->db, &five, SLK_FT_ALL, &holders, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    free(holders);
    slk_store_report_t bad = {.id = text("../x")};
    assert_err(SLK_ERR_INPUT, slk_db_transact(f->db, attach_bad, &bad, &diag));
    bad = (slk_store_report_t){.id = text("x"), .groups = text("{}")};
    assert_err(SLK_ERR_INPUT, slk_db_transact(f->db, attach_bad, &bad, &diag));
}

static slk_err_t put_worker(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_registry_put(db, ctx, 1000, d);
}

static void test_registry(void **state)
{
    fixture_t *f = *state;
    slk_task_limit_t tasks[] = {{text("PC1"), 3}};
    slk_register_t w = {.worker = text("u1"),
                        .name = text("w1"),
                        .url = text("http://h/remote"),
                        .clock_ms = 400,
                        .cores = 8,
                        .tasks = {tasks, 1}};
    slk_registry_row_t *rows = NULL;
    size_t cnt = 0;
    assert_ok(slk_db_transact(f->db, put_worker, &w, &diag), diag);
    assert_ok(slk_registry_wish(f->db, "u1", SLK_WORKER_DRAINING, &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_registry_wish(f->db, "u2", SLK_WORKER_PAUSED, &diag));
    w.cores = 9;
    assert_ok(slk_db_transact(f->db, put_worker, &w, &diag), diag);
    assert_ok(slk_registry_list(f->db, &rows, &cnt, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_int_equal(rows[0].cores, 9);
    assert_int_equal(rows[0].wish, SLK_WORKER_DRAINING); /* outlives a registration */
    assert_int_equal(rows[0].skew_ms, -600);
    assert_string_equal(rows[0].tasks, "[{\"Task\":\"PC1\",\"Limit\":3}]");
    slk_registry_free(rows, cnt);
}

/* Jobs of no one sector are dropped one by one; a sector's drop leaves them alone. */
static void test_no_sector(void **state)
{
    fixture_t *f = *state;
    int64_t a = add(f, "post/1", SLK_JOB_NO_SECTOR), b = add(f, "post/2", SLK_JOB_NO_SECTOR);
    add(f, "seal", 5);
    do_t drop = {.what = DROP, .now_ms = 60, .want = {.miner = 1000, .number = 5, .key = NULL}};
    assert_ok(run(f, &drop), diag);
    assert_int_equal(view(f, a).state, SLK_JOB_QUEUED);
    assign(f, a, "w", SLK_TAKEN_NOW);
    assert_int_equal(promised(f), 1);
    do_t one = {.what = DROP_KEY, .now_ms = 70, .want = {.key = "post/1"}};
    assert_ok(run(f, &one), diag);
    assert_int_equal(view(f, a).state, SLK_JOB_DROPPED);
    assert_int_equal(promised(f), 0);
    assert_int_equal(view(f, b).state, SLK_JOB_QUEUED);
    assert_int_equal(claim(f, DONE, a, 1, "w"), SLK_TAKEN_NOT);
    /* The result of one that is done is used by it, and may be purged. */
    assign(f, b, "w", SLK_TAKEN_NOW);
    assert_int_equal(claim(f, DONE, b, 1, "w"), SLK_TAKEN_NOW);
    one.want.key = "post/2";
    assert_ok(run(f, &one), diag);
    assert_int_equal(view(f, b).state, SLK_JOB_DONE);
    do_t purge = {.what = PURGE, .now_ms = 71};
    assert_ok(run(f, &purge), diag);
    assert_int_equal(view(f, b).state, SLK_JOB_NONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_no_sector),        T(test_add_find), T(test_fencing), T(test_failures),
        T(test_abort_drop_purge), T(test_typical),  T(test_storage), T(test_stale),
        T(test_registry)};
    return test_engines(tests, sizeof tests / sizeof *tests, tests, sizeof tests / sizeof *tests);
}
