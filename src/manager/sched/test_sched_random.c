/* Snapshots at random, with the promises checked on each answer; rounds of a simulated cluster: nobody is left
 * out for ever; and the cost at the largest size. `slow` as argument: more of it. */

#include "base/assert.h"
#include "manager/sched/sched_test.h"

#include "test_util.h"

#include <time.h>

static bool slow;

static uint64_t below(uint64_t *seed, uint64_t cnt)
{
    return test_random(seed) % cnt;
}

static const char *const groups[] = {"a", "b", "c"};
static const uint64_t miners[] = {1000, 1001, 1002, 1003};
static const uint64_t sizes[] = {2048, 2048, 2048, (uint64_t)8 << 20};

static void random_store(test_snap_t *snap, uint64_t *seed, uint32_t workers)
{
    char name[16];
    snprintf(name, sizeof(name), "s%zu", snap->in.store_cnt);
    uint32_t index = test_store(snap, name, below(seed, 20) ? below(seed, 400000) : 1000 * MIB);
    slk_sched_store_t *store = &snap->stores[index];
    store->promised = below(seed, 4) ? 0 : below(seed, 100000);
    store->weight = below(seed, 4) ? 10 : below(seed, 30);
    store->can_seal = below(seed, 4) > 0;
    store->can_store = below(seed, 3) == 0;
    store->can_final = store->can_store && below(seed, 2);
    store->healthy = below(seed, 10) > 0;
    store->groups = groups + below(seed, 3);
    store->group_cnt = store->groups == groups ? below(seed, 3) : below(seed, 2);
    store->allow_to = groups + below(seed, 3);
    store->allow_to_cnt = below(seed, 3) ? 0 : 1;
    store->allow_types = below(seed, 5) ? 0 : (slk_file_types_t)below(seed, 64);
    store->deny_types = below(seed, 5) ? 0 : (slk_file_types_t)below(seed, 64);
    store->allow_miners = store->deny_miners = miners + below(seed, 3);
    store->allow_miner_cnt = below(seed, 6) == 0;
    store->deny_miner_cnt = below(seed, 6) == 0;
    for (uint64_t i = 0, cnt = below(seed, 10) ? below(seed, 3) : below(seed, 30); i < cnt; i++) {
        uint32_t worker = (uint32_t)below(seed, workers);
        bool there = false;
        for (size_t m = 0; m < snap->in.mount_cnt; m++)
            there |= snap->mounts[m].store == index && snap->mounts[m].worker == worker;
        if (!there)
            test_mount(snap, worker, index);
    }
}

static void random_worker(test_snap_t *snap, uint64_t *seed)
{
    char name[16];
    snprintf(name, sizeof(name), "w%zu", snap->in.worker_cnt);
    uint64_t memory = below(seed, 4) ? 64 * MIB : below(seed, 40000);
    uint32_t index = test_worker(snap, name, (uint32_t)below(seed, 9), memory);
    slk_sched_worker_t *worker = &snap->workers[index];
    worker->alive = below(seed, 8) > 0;
    worker->paused = below(seed, 8) == 0;
    worker->draining = below(seed, 12) == 0;
    worker->leaving = below(seed, 24) == 0;
    worker->free_memory = below(seed, 3) ? 0 : 1 + below(seed, 32 * MIB);
    for (unsigned t = 0; t < SLK_TASK_CNT; t++)
        worker->limit[t] = (uint32_t)below(seed, 5);
    worker->miners = miners + below(seed, 3);
    worker->miner_cnt = below(seed, 6) == 0;
}

static void random_job(test_snap_t *snap, uint64_t *seed, bool pressing)
{
    slk_task_t task = (slk_task_t)below(seed, SLK_TASK_CNT);
    uint64_t miner = miners[below(seed, SLK_COUNT(miners))];
    uint32_t index = test_job(snap, task, miner, below(seed, 1000));
    slk_sched_job_t *job = &snap->jobs[index];
    job->sector_sz = sizes[below(seed, SLK_COUNT(sizes))];
    job->priority = below(seed, 3) ? 0 : 1024;
    job->created_ms -= (int64_t)below(seed, pressing ? 200000000 : 80000000);
    if (!below(seed, 3))
        job->deadline_ms = TEST_NOW + (pressing ? (int64_t)below(seed, 6000000) - 1000000
                                                : 4000000 + (int64_t)below(seed, 100000000));
    if (!below(seed, 20))
        job->not_before_ms = TEST_NOW + (int64_t)below(seed, 2000) - 1000;
    if (!below(seed, 12))
        job->only_worker = snap->workers[below(seed, snap->in.worker_cnt)].id;
    if (!below(seed, 8))
        job->avoid = snap->workers[below(seed, snap->in.worker_cnt)].id;
    for (unsigned t = 0; t < SLK_FT_CNT && snap->in.store_cnt; t++) {
        for (uint64_t i = 0, cnt = below(seed, 4) ? t < 3 : below(seed, 3); i < cnt; i++) {
            uint32_t store = (uint32_t)below(seed, snap->in.store_cnt);
            bool twice = i && snap->files[snap->in.file_cnt - 1].store == store;
            if (!twice)
                test_file(snap, SLK_FT_AT(t), store);
        }
    }
}

/* Its strings and lists outlive the snapshot or belong to it. */
static void random_snapshot(test_snap_t *snap, uint64_t *seed, slk_eta_t *eta)
{
    bool pressing = below(seed, 2);
    test_snap_init(snap);
    snap->in.eta = below(seed, 2) ? eta : NULL;
    uint64_t workers = 1 + below(seed, 12), stores = below(seed, 16), jobs = below(seed, 60);
    for (uint64_t i = 0; i < workers; i++)
        random_worker(snap, seed);
    for (uint64_t i = 0; i < stores; i++)
        random_store(snap, seed, (uint32_t)workers);
    for (uint64_t i = 0, cnt = below(seed, 8); i < cnt; i++) {
        uint32_t worker = (uint32_t)below(seed, workers);
        slk_task_t task = (slk_task_t)below(seed, SLK_TASK_CNT);
        uint32_t run =
            test_run(snap, (int64_t)i + 1, worker, task, sizes[below(seed, SLK_COUNT(sizes))]);
        snap->running[run].number = below(seed, 1000);
    }
    for (uint64_t i = 0; i < jobs; i++)
        random_job(snap, seed, pressing);
    for (size_t i = 0; i < SLK_COUNT(miners); i++) {
        if (below(seed, 2))
            test_miner(snap, miners[i], (uint32_t)below(seed, 4), below(seed, 1000));
    }
}

static slk_eta_t *random_eta(uint64_t *seed)
{
    slk_diag_t diag;
    slk_eta_t *eta;
    assert_ok(slk_eta_new(&eta, &diag), diag);
    for (unsigned i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof(name), "w%u", (unsigned)below(seed, 12));
        assert_ok(slk_eta_add(eta, (slk_task_t)below(seed, SLK_TASK_CNT), 2048, name,
                              (int64_t)below(seed, 3000000), &diag),
                  diag);
    }
    assert_ok(slk_eta_add_fetch(eta, 1 << 20, 3600 * 1000 * 30, &diag), diag);
    return eta;
}

static void test_random_snapshots(void **state)
{
    (void)state;
    slk_diag_t diag;
    size_t given = 0, whys[SLK_SCHED_WHY_CNT] = {0};
    for (uint64_t i = 0; i < (slow ? 200000 : 3000); i++) {
        uint64_t seed = i * 1000003;
        slk_eta_t *eta = random_eta(&seed);
        test_snap_t snap;
        slk_sched_result_t result, again;
        random_snapshot(&snap, &seed, eta);
        assert_ok(slk_sched_decide(&result, &snap.in, &diag), diag);
        test_check(&snap.in, &result, true);
        given += result.assignment_cnt;
        for (size_t j = 0; j < snap.in.job_cnt; j++)
            whys[result.explains[j].why]++;
        assert_ok(slk_sched_decide(&again, &snap.in, &diag), diag);
        assert_int_equal(again.assignment_cnt, result.assignment_cnt);
        assert_memory_equal(again.assignments, result.assignments,
                            result.assignment_cnt * sizeof(result.assignments[0]));
        assert_int_equal(again.plan_cnt, result.plan_cnt);
        for (size_t j = 0; j < snap.in.job_cnt; j++)
            assert_int_equal(again.explains[j].why, result.explains[j].why);
        slk_sched_free(&again);
        slk_sched_free(&result);
        test_snap_free(&snap);
        slk_eta_free(eta);
    }
    assert_true(given > 1000);
    /* Every explanation but NO_WORKER's rarity was met. */
    for (unsigned w = 0; w < SLK_SCHED_WHY_CNT; w++) {
        if (!whys[w])
            fail_msg("no job was ever \"%s\"", slk_sched_why_name((slk_sched_why_t)w));
    }
}

/* --- Rounds ------------------------------------------------------------------------------------ */

/* A worker that always has more urgent jobs than room. The one that nobody needs, and the large one that never
 * finds enough memory at once, both start within a day and a bit. */
static void test_no_starvation(void **state)
{
    (void)state;
    slk_diag_t diag;
    test_snap_t snap;
    test_snap_init(&snap);
    test_worker(&snap, "w0", 8, 70 * GIB);
    test_store(&snap, "s0", 100000 * GIB);
    test_mount(&snap, 0, 0);
    /* 0: the large one; 1: the unimportant one; then urgent ones, as many as are asked for. */
    test_job(&snap, SLK_TASK_PC1, 1000, 1);
    snap.jobs[0].sector_sz = 32 * GIB;
    test_job(&snap, SLK_TASK_AP, 1000, 2);
    for (unsigned i = 0; i < 20; i++) {
        test_job(&snap, SLK_TASK_AP, 2000, 10 + i);
        snap.jobs[2 + i].priority = 1024;
        snap.jobs[2 + i].sector_sz = 32 * GIB;
    }
    int64_t started[2] = {0}, ends[64] = {0};
    for (int64_t minute = 0; minute < 30 * 60 && (!started[0] || !started[1]); minute += 5) {
        snap.in.now_ms = TEST_NOW + minute * TEST_MINUTE;
        /* Each runs for 25 minutes; the urgent ones are new each time. */
        for (size_t r = snap.in.running_cnt; r-- > 0;) {
            if (ends[r] <= snap.in.now_ms) {
                snap.running[r] = snap.running[snap.in.running_cnt - 1];
                ends[r] = ends[--snap.in.running_cnt];
            }
        }
        for (unsigned i = 2; i < 22; i++)
            snap.jobs[i].created_ms = snap.in.now_ms;
        slk_sched_result_t result;
        assert_ok(slk_sched_decide(&result, &snap.in, &diag), diag);
        test_check(&snap.in, &result, false);
        for (size_t i = 0; i < result.assignment_cnt; i++) {
            const slk_sched_job_t *job = &snap.jobs[result.assignments[i].job];
            if (result.assignments[i].job < 2)
                started[result.assignments[i].job] = minute;
            uint32_t at = test_run(&snap, job->id, 0, job->task, job->sector_sz);
            assert_true(at < SLK_COUNT(ends));
            ends[at] = snap.in.now_ms + (25 + (int64_t)at % 3 * 5) * TEST_MINUTE;
        }
        slk_sched_free(&result);
        /* Those that started do not wait any more. */
        for (unsigned i = 0; i < 2; i++) {
            if (started[i])
                snap.jobs[i].not_before_ms = INT64_MAX;
        }
    }
    assert_in_range(started[0], 24 * 60 - 1, 26 * 60);
    assert_in_range(started[1], 24 * 60 - 1, 26 * 60);
    test_snap_free(&snap);
}

/* --- Cost --------------------------------------------------------------------------------------- */

#define BIG_WORKERS 1000
#define BIG_JOBS    20000
#define BIG_SECTORS 100000
#define BIG_MINERS  20

static void big_workers(test_snap_t *snap, slk_eta_t *eta, uint64_t *seed)
{
    slk_diag_t diag;
    for (uint32_t w = 0; w < BIG_WORKERS; w++) {
        char name[32];
        snprintf(name, sizeof(name), "worker-%04u", w);
        test_worker(snap, name, 64, 1024 * GIB);
        for (unsigned t = 0; t < SLK_TASK_CNT; t++)
            snap->workers[w].limit[t] = t == SLK_TASK_PC1 ? 14 : t == SLK_TASK_PC2 ? 1 : 4;
        snap->workers[w].paused = w % 50 == 7;
        snprintf(name, sizeof(name), "store-%04u", w);
        uint32_t store = test_store(snap, name, (uint64_t)(3 + w % 5) * 1024 * GIB);
        snap->stores[store].groups = groups + w % 3;
        snap->stores[store].group_cnt = 1;
        snap->stores[store].allow_to = w % 4 ? groups + w % 3 : NULL;
        snap->stores[store].allow_to_cnt = w % 4 != 0;
        test_mount(snap, w, store);
        if (w % 5 == 0) {
            snprintf(name, sizeof(name), "rest-%04u", w);
            store = test_store(snap, name, 100 * 1024 * GIB);
            snap->stores[store].can_seal = false;
            snap->stores[store].can_store = snap->stores[store].can_final = true;
            snap->stores[store].groups = groups;
            snap->stores[store].group_cnt = 3;
            test_mount(snap, w, store);
        }
        for (unsigned i = 0; i < 8; i++)
            test_run(snap, (int64_t)w * 8 + i + 1, w, i < 6 ? SLK_TASK_PC1 : SLK_TASK_AP, 32 * GIB);
        assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 32 * GIB, snap->workers[w].id,
                              (int64_t)(200 + below(seed, 60)) * TEST_MINUTE, &diag),
                  diag);
        assert_ok(slk_eta_add(eta, SLK_TASK_PC2, 32 * GIB, snap->workers[w].id,
                              (int64_t)(20 + below(seed, 9)) * TEST_MINUTE, &diag),
                  diag);
    }
}

static void big_jobs(test_snap_t *snap, uint64_t *seed)
{
    static const slk_task_t tasks[] = {SLK_TASK_PC1, SLK_TASK_PC1, SLK_TASK_PC1, SLK_TASK_AP,
                                       SLK_TASK_PC2, SLK_TASK_C1,  SLK_TASK_C2,  SLK_TASK_FIN,
                                       SLK_TASK_GET, SLK_TASK_RM};
    for (uint32_t i = 0; i < BIG_JOBS; i++) {
        slk_task_t task = tasks[below(seed, SLK_COUNT(tasks))];
        uint64_t miner = 1000 + below(seed, BIG_MINERS);
        uint32_t index = test_job(snap, task, miner, below(seed, BIG_SECTORS));
        slk_sched_job_t *job = &snap->jobs[index];
        job->sector_sz = 32 * GIB;
        job->created_ms -= (int64_t)below(seed, 90000000);
        job->priority = below(seed, 4) ? 0 : 1024;
        job->deadline_ms = below(seed, 2) ? 0 : TEST_NOW + (int64_t)below(seed, 3 * 86400) * 1000;
        uint32_t store = (uint32_t)below(seed, snap->in.store_cnt);
        while (!snap->stores[store].can_seal)
            store = (store + 1) % (uint32_t)snap->in.store_cnt;
        if (task != SLK_TASK_PC1 && task != SLK_TASK_AP) {
            test_file(snap, SLK_FT_SEALED, store);
            test_file(snap, SLK_FT_CACHE, store);
        } else if (task == SLK_TASK_PC1 && below(seed, 2)) {
            test_file(snap, SLK_FT_UNSEALED, store);
        }
    }
}

static double seconds(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds a decision; the sanitizers slow it down. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOWED_S 2.0
#else
#define ALLOWED_S 0.050
#endif

/* What makes it slow, if anything does. */
typedef enum { MIXED, TIGHT, AWAY, SHARED, PAUSED, BIG_KIND_CNT } big_kind_t;

static void bend(test_snap_t *snap, big_kind_t kind, uint64_t *seed)
{
    for (size_t i = 0; i < snap->in.job_cnt; i++) {
        slk_sched_job_t *job = &snap->jobs[i];
        if (kind == TIGHT && job->task != SLK_TASK_PC2)
            job->task = SLK_TASK_PC1;
        if (kind == TIGHT)
            job->deadline_ms = TEST_NOW + (int64_t)(200 + below(seed, 30)) * TEST_MINUTE;
        if (kind == AWAY && job->file_cnt)
            job->task = SLK_TASK_PC2;
    }
    for (size_t i = 0; i < snap->in.file_cnt && kind == AWAY; i++)
        snap->files[i].store = 0; /* at one worker */
    for (size_t i = 0; i < snap->in.mount_cnt && kind == SHARED; i++)
        snap->mounts[i].store = (uint32_t)(i % 8); /* everybody has one of a few paths */
    for (size_t i = 0; i < snap->in.worker_cnt && kind == PAUSED; i++)
        snap->workers[i].paused = i % 100 != 0;
}

static double cost_of(big_kind_t kind, bool show)
{
    slk_diag_t diag;
    slk_eta_t *eta;
    test_snap_t snap;
    uint64_t seed = 1;
    double best = 1e9;
    size_t whys[SLK_SCHED_WHY_CNT] = {0};
    assert_ok(slk_eta_new(&eta, &diag), diag);
    assert_ok(slk_eta_add_fetch(eta, GIB, 2000, &diag), diag);
    test_snap_init(&snap);
    big_workers(&snap, eta, &seed);
    big_jobs(&snap, &seed);
    bend(&snap, kind, &seed);
    snap.in.eta = eta;
    for (unsigned i = 0; i < (slow ? 10 : 2); i++) {
        slk_sched_result_t result;
        /* Time of this thread: what the machine does besides is not counted. */
        double start = seconds(CLOCK_THREAD_CPUTIME_ID);
        assert_ok(slk_sched_decide(&result, &snap.in, &diag), diag);
        double took = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
        best = took < best ? took : best;
        if (!i) {
            test_check(&snap.in, &result, false);
            for (size_t j = 0; j < snap.in.job_cnt; j++)
                whys[result.explains[j].why]++;
        }
        slk_sched_free(&result);
    }
    for (unsigned w = 0; show && w < SLK_SCHED_WHY_CNT; w++) {
        if (whys[w])
            printf("  %-12s %zu\n", slk_sched_why_name((slk_sched_why_t)w), whys[w]);
    }
    test_snap_free(&snap);
    slk_eta_free(eta);
    return best;
}

static void test_cost(void **state)
{
    (void)state;
    static const char *const names[BIG_KIND_CNT] = {
        "all kinds of jobs", "deadlines that few workers can keep", "all files at one worker",
        "a few paths that everybody has", "99 of 100 workers paused"};
    for (unsigned kind = 0; kind < BIG_KIND_CNT; kind++) {
        double took = cost_of((big_kind_t)kind, kind == MIXED);
        printf("%u jobs, %u workers, %s: %.1f ms a decision, %.2f of the 50 ms allowed\n", BIG_JOBS,
               BIG_WORKERS, names[kind], took * 1e3, took * 1e3 / 50);
        if (slow)
            assert_true(took < ALLOWED_S);
    }
}

int main(int argc, char **argv)
{
    slow = argc > 1 && !strcmp(argv[1], "slow");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_snapshots),
        cmocka_unit_test(test_no_starvation),
        cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
