/* Each rule of the scheduler and each explanation, on the smallest case that shows it. */

#include "manager/sched/sched_test.h"

#include "test_util.h"

static int setup(void **state)
{
    test_snap_t *snap = malloc(sizeof(*snap));
    test_snap_init(snap);
    *state = snap;
    return 0;
}

static int teardown(void **state)
{
    test_snap_free(*state);
    free(*state);
    return 0;
}

static slk_sched_result_t decide(const test_snap_t *snap)
{
    slk_sched_result_t result;
    slk_diag_t diag;
    assert_ok(slk_sched_decide(&result, &snap->in, &diag), diag);
    test_check(&snap->in, &result, false);
    return result;
}

/* Decide and expect that the job waits for this reason in these words. */
static void expect(const test_snap_t *snap, uint32_t job, slk_sched_why_t why, const char *text)
{
    char got[SLK_SCHED_TEXT];
    slk_sched_result_t result = decide(snap);
    slk_sched_text(got, &snap->in, job, &result.explains[job]);
    if (result.explains[job].why != why || strcmp(got, text) != 0)
        fail_msg("\"%s\": %s; expected \"%s\": %s", slk_sched_why_name(result.explains[job].why),
                 got, slk_sched_why_name(why), text);
    slk_sched_free(&result);
}

static void expect_at(const test_snap_t *snap, uint32_t job, uint32_t worker)
{
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, job), worker);
    slk_sched_free(&result);
}

/* Two workers with a sealing path each. */
static void two(test_snap_t *snap)
{
    for (unsigned i = 0; i < 2; i++) {
        test_worker(snap, i ? "w1" : "w0", 4, 64 * GIB);
        test_store(snap, i ? "s1" : "s0", 100 * MIB);
        test_mount(snap, i, i);
    }
}

static void test_nothing(void **state)
{
    test_snap_t *snap = *state;
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.assignment_cnt, 0);
    slk_sched_free(&result);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    expect(snap, 0, SLK_SCHED_NO_WORKER, "no worker is connected");
    test_worker(snap, "w0", 4, GIB);
    snap->workers[0].alive = false;
    expect(snap, 0, SLK_SCHED_NO_WORKER, "no worker is connected");
}

/* A committed-capacity sector: PC1 makes its files in the path with the most Available * Weight. */
static void test_makes_files(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_store(snap, "s2", 60 * MIB);
    test_mount(snap, 1, 2);
    snap->stores[2].weight = 20;
    test_run(snap, 1, 0, SLK_TASK_PC1, 2048); /* w1 is the less used one */
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    assert_null(test_plan(&result, 0, SLK_FT_UNSEALED));
    const slk_sched_plan_t *cache = test_plan(&result, 0, SLK_FT_CACHE);
    assert_int_equal(cache->use, SLK_SCHED_MAKE);
    assert_int_equal(cache->store, 2);
    assert_int_equal(cache->reserve, 28876); /* 14.1 sectors */
    assert_int_equal(test_plan(&result, 0, SLK_FT_SEALED)->reserve, 2048);
    assert_int_equal(test_assignment(&result, 0)->threads, 1);
    assert_int_equal(test_assignment(&result, 0)->memory, 4096);
    slk_sched_free(&result);
}

/* Space that fits once is given once. */
static void test_space_once(void **state)
{
    test_snap_t *snap = *state;
    test_worker(snap, "w0", 64, 64 * GIB);
    test_store(snap, "s0", 2 * (28876 + 2048) + 1000);
    test_mount(snap, 0, 0);
    for (unsigned i = 0; i < 3; i++)
        test_job(snap, SLK_TASK_PC1, 1000, i);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.assignment_cnt, 2);
    slk_sched_free(&result);
    expect(snap, 2, SLK_SCHED_SPACE,
           "needs 30 KiB in a sealing path; most free: 1000 B in s0 at w0");
    snap->stores[0].promised = 28876 + 2048;
    result = decide(snap);
    assert_int_equal(result.assignment_cnt, 1);
    slk_sched_free(&result);
}

/* Neither path has room for both files, but each for one. */
static void test_split_over_paths(void **state)
{
    test_snap_t *snap = *state;
    test_worker(snap, "w0", 4, GIB);
    test_store(snap, "s0", 2100);
    test_store(snap, "s1", 28900);
    test_mount(snap, 0, 0);
    test_mount(snap, 0, 1);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->store, 1);
    assert_int_equal(test_plan(&result, 0, SLK_FT_SEALED)->store, 0);
    slk_sched_free(&result);
}

static void files_at(test_snap_t *snap, uint32_t store)
{
    test_file(snap, SLK_FT_SEALED, store);
    test_file(snap, SLK_FT_CACHE, store);
}

static void test_stays_with_files(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_run(snap, 1, 1, SLK_TASK_PC1, 2048); /* busier, and yet */
    test_job(snap, SLK_TASK_PC2, 1000, 1);
    files_at(snap, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->use, SLK_SCHED_EXISTING);
    /* 12 of the 14.1 parts are there after PC1. */
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->reserve, 28876 - 12 * 2048);
    assert_int_equal(test_plan(&result, 0, SLK_FT_SEALED)->reserve, 0);
    slk_sched_free(&result);
}

static void test_fetches(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    snap->workers[1].paused = true; /* gets nothing, gives files */
    test_job(snap, SLK_TASK_PC2, 1000, 1);
    files_at(snap, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 0);
    const slk_sched_plan_t *cache = test_plan(&result, 0, SLK_FT_CACHE);
    assert_int_equal(cache->use, SLK_SCHED_FETCH);
    assert_true(cache->move);
    assert_int_equal(cache->store, 0);
    assert_int_equal(cache->source_cnt, 1);
    assert_int_equal(result.sources[cache->first_source], 1);
    assert_string_equal(slk_sched_use_name(cache->use), "fetch");
    slk_sched_free(&result);
    /* C1 is done where the files are. */
    snap->jobs[0].task = SLK_TASK_C1;
    expect(snap, 0, SLK_SCHED_HOLDER, "the worker with its file sealed, w1, is paused");
    snap->workers[1].paused = false;
    /* A draining worker finishes what it has; one that ends does not. */
    snap->workers[1].draining = true;
    expect_at(snap, 0, 1);
    snap->workers[1].leaving = true;
    expect(snap, 0, SLK_SCHED_HOLDER, "the worker with its file sealed, w1, is about to end");
    snap->workers[1].draining = snap->workers[1].leaving = false;
    snap->workers[1].limit[SLK_TASK_C1] = 0;
    expect(snap, 0, SLK_SCHED_HOLDER,
           "the worker with its file sealed, w1, does not take the task C1");
    snap->workers[1].alive = false;
    expect(snap, 0, SLK_SCHED_HOLDER, "the worker with its file sealed, w1, is not connected");
    snap->workers[1].alive = true;
    snap->stores[1].healthy = false;
    expect(snap, 0, SLK_SCHED_HOLDER,
           "its file sealed is at worker w1 in a path that reports an error or nothing at all: s1");
    snap->jobs[0].file_cnt = 1;
    expect(snap, 0, SLK_SCHED_NO_FILE,
           "its file cache is nowhere: no path that was ever declared has it");
}

/* One file here, one there: done at one of them, the other file comes. */
static void test_files_apart(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_job(snap, SLK_TASK_C1, 1000, 1);
    test_file(snap, SLK_FT_SEALED, 0);
    test_file(snap, SLK_FT_CACHE, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1); /* the smaller one travels */
    assert_int_equal(test_plan(&result, 0, SLK_FT_SEALED)->use, SLK_SCHED_FETCH);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->use, SLK_SCHED_EXISTING);
    slk_sched_free(&result);
}

static void test_groups(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    static const char *const left[] = {"left"}, *const right[] = {"right"};
    snap->stores[1].allow_to = left;
    snap->stores[1].allow_to_cnt = 1;
    snap->stores[0].groups = right;
    snap->stores[0].group_cnt = 1;
    snap->workers[1].paused = true;
    test_job(snap, SLK_TASK_PC2, 1000, 1);
    files_at(snap, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.assignment_cnt, 0);
    slk_sched_free(&result);
    snap->stores[0].groups = left;
    expect_at(snap, 0, 0);
    /* With several holders, one of them is enough. */
    snap->stores[0].groups = right;
    test_store(snap, "s2", 100 * MIB);
    test_mount(snap, 1, 2);
    files_at(snap, 2);
    expect_at(snap, 0, 0);
}

static void test_no_route(void **state)
{
    test_snap_t *snap = *state;
    static const char *const left[] = {"left"};
    two(snap);
    snap->stores[1].allow_to = left;
    snap->stores[1].allow_to_cnt = 1;
    snap->workers[1].limit[SLK_TASK_PC2] = 0;
    test_job(snap, SLK_TASK_PC2, 1000, 1);
    files_at(snap, 1);
    expect(snap, 0, SLK_SCHED_HOLDER,
           "the worker with its file sealed, w1, does not take the task PC2");
    /* Nobody but the one that may not have them. */
    snap->jobs[0].only_worker = "w0";
    expect(
        snap, 0, SLK_SCHED_NO_ROUTE,
        "Groups and AllowTo let its file cache go to no sealing path of a worker that takes PC2");
}

static void test_paths(void **state)
{
    test_snap_t *snap = *state;
    static const uint64_t other[] = {2000};
    two(snap);
    snap->in.worker_cnt = snap->in.mount_cnt = 1;
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    const char *text =
        "no worker that takes PC1 has a sealing path that takes cache of miner t01000";
    snap->stores[0].deny_types = SLK_FT_CACHE;
    expect(snap, 0, SLK_SCHED_NO_PATH, text);
    snap->stores[0].deny_types = 0;
    snap->stores[0].allow_types = SLK_FT_SEALED;
    expect(snap, 0, SLK_SCHED_NO_PATH, text);
    snap->stores[0].allow_types = 0;
    snap->stores[0].allow_miners = other;
    snap->stores[0].allow_miner_cnt = 1;
    expect(snap, 0, SLK_SCHED_NO_PATH, text);
    snap->jobs[0].miner = 2000;
    expect_at(snap, 0, 0);
    snap->stores[0].allow_miner_cnt = 0;
    snap->stores[0].deny_miners = other;
    snap->stores[0].deny_miner_cnt = 1;
    snap->jobs[0].miner = 1000;
    expect_at(snap, 0, 0);
    snap->stores[0].healthy = false;
    expect(snap, 0, SLK_SCHED_NO_PATH, text);
    snap->stores[0].healthy = true;
    snap->stores[0].can_seal = false;
    expect(snap, 0, SLK_SCHED_NO_PATH, text);
}

static void test_tasks_and_miners(void **state)
{
    test_snap_t *snap = *state;
    static const uint64_t other[] = {2000};
    two(snap);
    test_job(snap, SLK_TASK_C2, 1000, 1);
    snap->workers[0].limit[SLK_TASK_C2] = snap->workers[1].limit[SLK_TASK_C2] = 0;
    expect(snap, 0, SLK_SCHED_NO_TASK, "no connected worker takes C2 for miner t01000");
    snap->workers[1].limit[SLK_TASK_C2] = 1;
    snap->workers[1].miners = other;
    snap->workers[1].miner_cnt = 1;
    expect(snap, 0, SLK_SCHED_NO_TASK, "no connected worker takes C2 for miner t01000");
    snap->workers[1].miner_cnt = 0;
    expect_at(snap, 0, 1);
    snap->workers[1].paused = true;
    expect(snap, 0, SLK_SCHED_NO_TASK, "the workers that take C2 are paused or draining (1)");
}

/* What needs no files goes to the worker that can do little else. */
static void test_special_worker_first(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    for (unsigned t = 0; t < SLK_TASK_CNT; t++)
        snap->workers[1].limit[t] = t == SLK_TASK_C2 ? 5 : 0;
    test_job(snap, SLK_TASK_C2, 1000, 1);
    expect_at(snap, 0, 1);
}

static void test_only_worker(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_job(snap, SLK_TASK_RM, 1000, 1);
    snap->jobs[0].only_worker = "w1";
    expect_at(snap, 0, 1);
    snap->workers[1].paused = true;
    expect(snap, 0, SLK_SCHED_ONLY_WORKER, "is for worker w1 alone, which is paused");
    snap->workers[1].alive = false;
    expect(snap, 0, SLK_SCHED_ONLY_WORKER, "is for worker w1 alone, which is not connected");
    snap->jobs[0].only_worker = "w9";
    expect(snap, 0, SLK_SCHED_ONLY_WORKER, "is for worker w9 alone, which is not known");
}

static void test_room(void **state)
{
    test_snap_t *snap = *state;
    slk_diag_t diag;
    slk_eta_t *eta;
    test_worker(snap, "w0", 2, 64 * GIB);
    test_store(snap, "s0", 100 * MIB);
    test_mount(snap, 0, 0);
    test_run(snap, 7, 0, SLK_TASK_PC1, 2048);
    test_run(snap, 8, 0, SLK_TASK_PC1, 2048);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    expect(snap, 0, SLK_SCHED_CORES, "worker w0 has no core left until job 7 ends");
    assert_ok(slk_eta_new(&eta, &diag), diag);
    assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 2048, "w0", 4 * TEST_MINUTE, &diag), diag);
    snap->in.eta = eta;
    snap->running[1].started_ms = TEST_NOW - 2 * TEST_MINUTE;
    expect(snap, 0, SLK_SCHED_CORES, "worker w0 has no core left until job 8 ends in ~2 min");
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.explains[0].start_ms, TEST_NOW + 2 * TEST_MINUTE);
    assert_int_equal(result.explains[0].end_ms, TEST_NOW + 6 * TEST_MINUTE);
    slk_sched_free(&result);
    test_job(snap, SLK_TASK_PC1, 1000, 2);
    expect(snap, 1, SLK_SCHED_CORES,
           "waits behind 1 PC1 job; worker w0 has no core left until job 8 ends in ~2 min");
    result = decide(snap);
    assert_int_equal(result.explains[1].start_ms, TEST_NOW + 3 * TEST_MINUTE);
    slk_sched_free(&result);
    snap->workers[0].cores = 8;
    snap->workers[0].limit[SLK_TASK_PC1] = 2;
    expect(snap, 0, SLK_SCHED_LIMIT, "worker w0 has its 2 PC1 already until job 8 ends in ~2 min");
    slk_eta_free(eta);
}

static void test_memory(void **state)
{
    test_snap_t *snap = *state;
    test_worker(snap, "w0", 8, 100 * GIB);
    test_store(snap, "s0", 10000 * GIB);
    test_mount(snap, 0, 0);
    test_run(snap, 7, 0, SLK_TASK_PC1, 32 * GIB);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    snap->jobs[0].sector_sz = 32 * GIB;
    expect(snap, 0, SLK_SCHED_MEMORY, "worker w0 has only 44 GiB of memory left until job 7 ends");
    snap->in.running_cnt = 0;
    snap->workers[0].free_memory = 50 * GIB; /* other programs have the rest */
    expect(snap, 0, SLK_SCHED_MEMORY, "worker w0 has only 50 GiB of memory left");
    snap->jobs[0].sector_sz = 64 * GIB;
    expect(snap, 0, SLK_SCHED_TOO_BIG, "needs 112 GiB of memory; worker w0 has 100 GiB");
    slk_resource_table_t table = slk_resource_defaults;
    slk_diag_t diag;
    assert_ok(slk_resource_set(&table, "PC1_64G_MIN_MEMORY", "1000000", &diag), diag);
    snap->workers[0].resources = &table;
    expect_at(snap, 0, 0);
    assert_ok(slk_resource_set(&table, "PC1_64G_MAX_CONCURRENT", "1", &diag), diag);
    test_run(snap, 9, 0, SLK_TASK_PC1, 64 * GIB);
    expect(snap, 0, SLK_SCHED_LIMIT, "worker w0 has its 1 PC1 already until job 9 ends");
}

/* --- Order ----------------------------------------------------------------------------------- */

/* One core: whoever is assigned was first. */
static void expect_first(test_snap_t *snap, uint32_t job)
{
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.assignment_cnt, 1);
    if (result.assignments[0].job != job)
        fail_msg("job %u was first instead of %u", result.assignments[0].job, job);
    slk_sched_free(&result);
}

static void one_core(test_snap_t *snap)
{
    test_worker(snap, "w0", 1, 64 * GIB);
    test_store(snap, "s0", 100 * MIB);
    test_mount(snap, 0, 0);
}

static void test_order(void **state)
{
    test_snap_t *snap = *state;
    one_core(snap);
    test_job(snap, SLK_TASK_AP, 1000, 1);
    test_job(snap, SLK_TASK_AP, 1000, 2);
    expect_first(snap, 0); /* smaller id */
    snap->jobs[1].created_ms -= 1;
    expect_first(snap, 1); /* older */
    test_job(snap, SLK_TASK_PC1, 1000, 3);
    expect_first(snap, 2); /* order of the tasks */
    snap->jobs[0].deadline_ms = TEST_NOW + 3 * 60 * TEST_MINUTE;
    expect_first(snap, 0); /* less time left */
    snap->jobs[1].deadline_ms = TEST_NOW + 20 * TEST_MINUTE;
    expect_first(snap, 1);
    snap->jobs[2].priority = 1;
    expect_first(snap, 2);
    snap->jobs[0].created_ms = TEST_NOW - 25 * 60 * TEST_MINUTE;
    expect_first(snap, 0); /* waited for more than a day */
    snap->in.starve_ms = 30 * 60 * TEST_MINUTE;
    expect_first(snap, 2);
}

static void test_gives_back_first(void **state)
{
    test_snap_t *snap = *state;
    one_core(snap);
    snap->workers[0].memory = MIB + 1024; /* for one of them */
    test_store(snap, "long", 100 * MIB);
    snap->stores[1].can_store = snap->stores[1].can_final = true;
    snap->stores[1].can_seal = false;
    test_mount(snap, 0, 1);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    snap->jobs[0].priority = 1024;
    test_job(snap, SLK_TASK_GET, 1000, 2);
    files_at(snap, 0);
    expect_first(snap, 1);
}

static void test_deadlines(void **state)
{
    test_snap_t *snap = *state;
    slk_diag_t diag;
    slk_eta_t *eta;
    two(snap);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    snap->jobs[0].deadline_ms = TEST_NOW;
    expect(snap, 0, SLK_SCHED_HOPELESS, "its deadline has passed");
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.hopeless_cnt, 1);
    slk_sched_free(&result);
    snap->jobs[0].deadline_ms = TEST_NOW + 60 * TEST_MINUTE;
    expect_at(snap, 0, 0); /* nothing is known */
    assert_ok(slk_eta_new(&eta, &diag), diag);
    snap->in.eta = eta;
    assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 2048, "w0", 90 * TEST_MINUTE, &diag), diag);
    expect(snap, 0, SLK_SCHED_HOPELESS,
           "cannot end before its deadline: ~1 h 0 min are left, the quickest one took ~1 h 30 "
           "min");
    assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 2048, "w1", 50 * TEST_MINUTE, &diag), diag);
    expect_at(snap, 0, 1); /* the other one is too slow */
    snap->workers[1].paused = true;
    expect(snap, 0, SLK_SCHED_TOO_SLOW,
           "worker w0 would need ~1 h 30 min, the deadline is in ~1 h 0 min; quicker workers have "
           "no room");
    snap->jobs[0].deadline_ms = 0;
    snap->jobs[0].not_before_ms = TEST_NOW + 5 * TEST_MINUTE;
    expect(snap, 0, SLK_SCHED_LATER, "is tried again in ~5 min");
    slk_eta_free(eta);
}

/* Weights 1 and 3; each round gives two of eight. */
static void test_fairness(void **state)
{
    test_snap_t *snap = *state;
    one_core(snap);
    snap->workers[0].cores = 2;
    for (unsigned i = 0; i < 8; i++)
        test_job(snap, SLK_TASK_PC1, i < 4 ? 1000 : 2000, i);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.assignments[0].job, 0);
    assert_int_equal(result.assignments[1].job, 4); /* by turns */
    slk_sched_free(&result);
    test_miner(snap, 2000, 3, 0);
    test_miner(snap, 1000, 1, 0);
    unsigned given[2] = {0};
    for (unsigned round = 0; round < 100; round++) {
        result = decide(snap);
        for (size_t i = 0; i < result.assignment_cnt; i++)
            given[result.assignments[i].job >= 4]++;
        assert_int_equal(result.miner_cnt, 2);
        memcpy(snap->miners, result.miners, 2 * sizeof(result.miners[0]));
        slk_sched_free(&result);
    }
    assert_in_range(given[0], 49, 51);
    assert_in_range(given[1], 149, 151);
    /* A new miner does not get everything until it has caught up. */
    test_job(snap, SLK_TASK_PC1, 3000, 100);
    test_job(snap, SLK_TASK_PC1, 3000, 101);
    snap->workers[0].cores = 3;
    result = decide(snap);
    unsigned fresh = 0;
    for (size_t i = 0; i < result.assignment_cnt; i++)
        fresh += result.assignments[i].job >= 8;
    assert_int_equal(fresh, 1);
    slk_sched_free(&result);
}

/* A large job that never finds the worker empty is kept a place. */
static void test_keeps_free(void **state)
{
    test_snap_t *snap = *state;
    test_worker(snap, "w0", 4, 64 * GIB);
    test_store(snap, "s0", 10000 * GIB);
    test_mount(snap, 0, 0);
    test_run(snap, 7, 0, SLK_TASK_AP, 32 * GIB);
    test_run(snap, 8, 0, SLK_TASK_AP, 32 * GIB);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    snap->jobs[0].sector_sz = 32 * GIB;
    test_job(snap, SLK_TASK_AP, 1000, 2);
    snap->jobs[1].priority = 5;
    expect_at(snap, 1, 0);
    snap->jobs[0].created_ms = TEST_NOW - 25 * 60 * TEST_MINUTE;
    expect(snap, 1, SLK_SCHED_KEPT,
           "worker w0 is kept free for job 101, which has waited too long or is due");
}

/* Two jobs of a sector do not have its files at a time; C2 needs none. */
static void test_one_at_a_time(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_run(snap, 7, 1, SLK_TASK_PC1, 2048);
    snap->running[0].number = 1;
    test_job(snap, SLK_TASK_RM, 1000, 1);
    test_job(snap, SLK_TASK_C2, 1000, 1);
    test_job(snap, SLK_TASK_PC1, 2000, 1);
    test_job(snap, SLK_TASK_AP, 2000, 1);
    expect(snap, 0, SLK_SCHED_SECTOR, "worker w1 has the sector's files for job 7");
    expect_at(snap, 1, 0);
    expect_at(snap, 2, 0);
    expect(snap, 3, SLK_SCHED_SECTOR, "worker w0 has the sector's files for job 103");
}

/* A worker where it failed is asked last. */
static void test_avoids(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_run(snap, 7, 1, SLK_TASK_PC1, 2048);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    expect_at(snap, 0, 0);
    snap->jobs[0].avoid = "w0";
    expect_at(snap, 0, 1);
    snap->workers[1].paused = true;
    expect_at(snap, 0, 0);
    snap->workers[0].paused = true;
    expect(snap, 0, SLK_SCHED_NO_TASK, "the workers that take PC1 are paused or draining (2)");
    snap->workers[0].paused = false;
    snap->jobs[0].task = SLK_TASK_PC2;
    files_at(snap, 0);
    snap->workers[1].paused = false;
    expect_at(snap, 0, 1); /* also away from its files */
    snap->jobs[0].task = SLK_TASK_C1;
    expect_at(snap, 0, 0); /* but not where it cannot be done */
}

/* Less time than it usually takes, but not less than it ever took. */
static void test_perhaps_in_time(void **state)
{
    test_snap_t *snap = *state;
    slk_diag_t diag;
    slk_eta_t *eta;
    two(snap);
    assert_ok(slk_eta_new(&eta, &diag), diag);
    snap->in.eta = eta;
    for (int64_t minutes = 50; minutes < 100; minutes += 10)
        assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 2048, "w0", minutes * TEST_MINUTE, &diag), diag);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    snap->jobs[0].deadline_ms = TEST_NOW + 55 * TEST_MINUTE;
    expect_at(snap, 0, 0);
    snap->jobs[0].deadline_ms = TEST_NOW + 49 * TEST_MINUTE;
    expect(snap, 0, SLK_SCHED_HOPELESS,
           "cannot end before its deadline: ~49 min are left, the quickest one took ~50 min");
    slk_eta_free(eta);
}

/* --- Fetch or wait ---------------------------------------------------------------------------- */

static void test_nearer(void **state)
{
    test_snap_t *snap = *state;
    slk_diag_t diag;
    slk_eta_t *eta;
    two(snap);
    assert_ok(slk_eta_new(&eta, &diag), diag);
    snap->in.eta = eta;
    snap->workers[1].limit[SLK_TASK_PC2] = 1;
    test_run(snap, 7, 1, SLK_TASK_PC2, 2048);
    test_job(snap, SLK_TASK_PC2, 1000, 1);
    files_at(snap, 1);
    expect_at(snap, 0, 0); /* nothing is known: better than waiting for nobody knows how long */
    assert_ok(slk_eta_add(eta, SLK_TASK_PC2, 2048, "w1", 4 * TEST_MINUTE, &diag), diag);
    assert_ok(slk_eta_add_fetch(eta, 1 << 20, 3600 * 1000 * 10, &diag), diag);
    expect(snap, 0, SLK_SCHED_NEARER,
           "worker w1 has its files and has room in ~3 min; to fetch them to another one takes ~18 "
           "min");
    /* Six of them would wait for too long. */
    for (unsigned i = 2; i < 8; i++) {
        test_job(snap, SLK_TASK_PC2, 1000, i);
        files_at(snap, 1);
    }
    slk_sched_result_t result = decide(snap);
    assert_int_equal(result.explains[3].why, SLK_SCHED_NEARER); /* 3 + 3 * 4 min */
    assert_int_equal(result.explains[4].why, SLK_SCHED_ASSIGNED);
    slk_sched_free(&result);
    slk_eta_free(eta);
}

/* --- Coming to rest --------------------------------------------------------------------------- */

/* A sealing worker, a gateway with a buffer and a long-term path, another gateway (spec 3.8). */
static void gateways(test_snap_t *snap)
{
    test_worker(snap, "seal", 8, 8 * GIB);
    test_worker(snap, "gate1", 8, 8 * GIB);
    test_worker(snap, "gate2", 8, 8 * GIB);
    test_store(snap, "fast", 100 * MIB);
    test_store(snap, "buffer", 100 * MIB);
    test_store(snap, "rest1", 100 * MIB);
    test_store(snap, "rest2", 200 * MIB);
    for (unsigned i = 1; i < 4; i++) {
        snap->stores[i].can_seal = false;
        snap->stores[i].can_store = true;
        snap->stores[i].can_final = i > 1;
    }
    test_mount(snap, 0, 0);
    test_mount(snap, 1, 1);
    test_mount(snap, 1, 2);
    test_mount(snap, 2, 3);
    test_job(snap, SLK_TASK_GET, 1000, 1);
}

static void test_get(void **state)
{
    test_snap_t *snap = *state;
    gateways(snap);
    files_at(snap, 0);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 2); /* most free */
    const slk_sched_plan_t *cache = test_plan(&result, 0, SLK_FT_CACHE);
    assert_int_equal(cache->store, 3);
    assert_int_equal(cache->reserve, 204); /* finalized */
    assert_true(cache->move);
    slk_sched_free(&result);
    /* Half of it came to rest: the other half follows it, and what rests stays. */
    snap->in.file_cnt = snap->jobs[0].file_cnt = 0;
    test_file(snap, SLK_FT_SEALED, 0);
    test_file(snap, SLK_FT_SEALED, 2);
    test_file(snap, SLK_FT_CACHE, 0);
    result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    assert_null(test_plan(&result, 0, SLK_FT_SEALED));
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->store, 2);
    slk_sched_free(&result);
}

static void test_get_local_and_again(void **state)
{
    test_snap_t *snap = *state;
    gateways(snap);
    /* From the gateway's buffer to its long-term path, without the network. */
    files_at(snap, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    const slk_sched_plan_t *cache = test_plan(&result, 0, SLK_FT_CACHE);
    assert_int_equal(cache->from, 1);
    assert_int_equal(cache->store, 2);
    assert_int_equal(cache->source_cnt, 0);
    slk_sched_free(&result);
    /* All is done: the second time moves nothing. */
    snap->in.file_cnt = snap->jobs[0].file_cnt = 0;
    files_at(snap, 2);
    result = decide(snap);
    assert_int_equal(result.assignment_cnt, 1);
    assert_int_equal(result.assignments[0].plan_cnt, 0);
    slk_sched_free(&result);
}

/* A sector that is needed again: what rests is copied and not moved. */
static void test_copies_what_rests(void **state)
{
    test_snap_t *snap = *state;
    gateways(snap);
    snap->jobs[0].task = SLK_TASK_PC2;
    snap->workers[1].limit[SLK_TASK_PC2] = 0;
    files_at(snap, 2);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 0);
    assert_false(test_plan(&result, 0, SLK_FT_SEALED)->move);
    slk_sched_free(&result);
}

/* --- PC1 and its files ------------------------------------------------------------------------ */

static void test_pc1(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    test_file(snap, SLK_FT_UNSEALED, 1);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    assert_int_equal(test_plan(&result, 0, SLK_FT_UNSEALED)->use, SLK_SCHED_EXISTING);
    slk_sched_free(&result);
    /* It goes on where its checkpoint is. */
    test_file(snap, SLK_FT_CACHE, 0);
    snap->files[1].bytes = 20000;
    result = decide(snap);
    assert_int_equal(test_where(&result, 0), 0);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->use, SLK_SCHED_EXISTING);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->reserve, 28876 - 20000);
    assert_int_equal(test_plan(&result, 0, SLK_FT_UNSEALED)->use, SLK_SCHED_FETCH);
    slk_sched_free(&result);
    /* A checkpoint nobody can reach is not waited for; the data is. */
    snap->workers[0].alive = false;
    result = decide(snap);
    assert_int_equal(test_where(&result, 0), 1);
    assert_int_equal(test_plan(&result, 0, SLK_FT_CACHE)->use, SLK_SCHED_MAKE);
    slk_sched_free(&result);
    snap->workers[0].alive = true;
    snap->workers[1].alive = false;
    expect(snap, 0, SLK_SCHED_HOLDER, "the worker with its file unsealed, w1, is not connected");
}

/* Pieces are appended where the file is. */
static void test_ap(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_job(snap, SLK_TASK_AP, 1000, 1);
    test_file(snap, SLK_FT_UNSEALED, 1);
    expect_at(snap, 0, 1);
    snap->workers[1].paused = true;
    expect(snap, 0, SLK_SCHED_HOLDER, "the worker with its file unsealed, w1, is paused");
}

/* Removal sees all there is; a path that many workers have is at any of them. */
static void test_rm_shared(void **state)
{
    test_snap_t *snap = *state;
    two(snap);
    test_store(snap, "shared", 100 * MIB);
    for (unsigned i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "x%u", i);
        test_mount(snap, test_worker(snap, name, 1, GIB), 2);
        snap->workers[i + 2].paused = i != 33;
    }
    test_job(snap, SLK_TASK_RM, 1000, 1);
    files_at(snap, 2);
    slk_sched_result_t result = decide(snap);
    assert_int_equal(test_where(&result, 0), 35);
    assert_int_equal(result.assignments[0].plan_cnt, 2);
    slk_sched_free(&result);
}

static void test_ask(void **state)
{
    test_snap_t *snap = *state;
    slk_diag_t diag;
    char text[SLK_SCHED_TEXT];
    two(snap);
    snap->workers[1].paused = true;
    test_run(snap, 7, 0, SLK_TASK_PC1, 2048);
    snap->workers[0].limit[SLK_TASK_PC1] = 1;
    test_job(snap, SLK_TASK_PC1, 1000, 1);
    test_job(snap, SLK_TASK_AP, 1000, 2);
    slk_sched_result_t result = decide(snap);
    slk_sched_explain_t answers[2];
    assert_ok(slk_sched_ask(answers, &snap->in, &result, 0, &diag), diag);
    assert_int_equal(answers[0].why, SLK_SCHED_LIMIT);
    assert_string_equal(slk_sched_text(text, &snap->in, 0, &answers[1]), "worker w1 is paused");
    assert_ok(slk_sched_ask(answers, &snap->in, &result, 1, &diag), diag);
    assert_int_equal(answers[0].why, SLK_SCHED_ASSIGNED);
    slk_sched_free(&result);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing),
        CASE(test_makes_files),
        CASE(test_space_once),
        CASE(test_split_over_paths),
        CASE(test_stays_with_files),
        CASE(test_fetches),
        CASE(test_files_apart),
        CASE(test_groups),
        CASE(test_no_route),
        CASE(test_paths),
        CASE(test_tasks_and_miners),
        CASE(test_special_worker_first),
        CASE(test_only_worker),
        CASE(test_room),
        CASE(test_memory),
        CASE(test_order),
        CASE(test_gives_back_first),
        CASE(test_deadlines),
        CASE(test_fairness),
        CASE(test_keeps_free),
        CASE(test_one_at_a_time),
        CASE(test_avoids),
        CASE(test_perhaps_in_time),
        CASE(test_nearer),
        CASE(test_get),
        CASE(test_get_local_and_again),
        CASE(test_copies_what_rests),
        CASE(test_pc1),
        CASE(test_ap),
        CASE(test_rm_shared),
        CASE(test_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
