/* A thousand simulated workers at one dispatcher: what their beats cost, and that all of them
 * get work. The calls are those of the RPC methods, from JSON to JSON, without the sockets. */
#include "manager/job/test_worker_simulated.h"

#include "base/log.h"
#include "codec/record.h"
#include "manager/job/dispatch_impl.h"

#include <time.h>

static int worker_cnt = 200, job_cnt = 2400; /* with the argument "slow": 1,000 and 12,000 */

static slk_diag_t diag;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static slk_bytes_t text(const char *s)
{
    return (slk_bytes_t){(const uint8_t *)s, strlen(s)};
}

typedef struct {
    char id[24], store[24], url[40];
    slk_task_limit_t tasks[2];
    slk_store_report_t store_report;
} worker_t;

static void register_worker(slk_dispatch_t *d, worker_t *w, int i)
{
    char key[SLK_TOKEN_KEY_MAX * 2];
    slk_registered_t answer;
    slk_refusal_t no;
    snprintf(w->id, sizeof w->id, "worker-%d", i);
    snprintf(w->store, sizeof w->store, "path-%d", i);
    snprintf(w->url, sizeof w->url, "http://h%d/remote", i);
    w->tasks[0] = (slk_task_limit_t){text("PC1"), 4};
    w->tasks[1] = (slk_task_limit_t){text("PC2"), 1};
    w->store_report = (slk_store_report_t){.id = text(w->store),
                                           .path = text("/p"),
                                           .weight = 10,
                                           .can_seal = true,
                                           .capacity = (uint64_t)8 << 40,
                                           .available = (uint64_t)8 << 40};
    slk_register_t r = {.protocol = SLK_CLUSTER_PROTOCOL,
                        .worker = text(w->id),
                        .session = text("s"),
                        .name = text(w->id),
                        .url = text(w->url),
                        .clock_ms = slk_dispatch_now(d),
                        .cores = 32,
                        .memory = (uint64_t)1 << 40,
                        .tasks = {w->tasks, 2},
                        .stores = {&w->store_report, 1}};
    if (!slk_dispatch_register(d, &r, &answer, key, &no))
        fail_msg("%s", no.text);
}

static slk_err_t add_jobs(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    (void)ctx;
    slk_err_t err = SLK_OK;
    for (int i = 0; err == SLK_OK && i < job_cnt; i++) {
        char key[32];
        int64_t id;
        snprintf(key, sizeof key, "job-%d", i);
        slk_job_want_t want = {.key = key,
                               .miner = 1000 + (uint64_t)i % 3,
                               .number = (uint64_t)i,
                               .task = SLK_TASK_PC1,
                               .seal_proof = 8};
        err = slk_job_add(db, &want, 1, &id, d);
    }
    return err;
}

/* One beat as it comes over the wire; the jobs that it was given are named in the next one. */
static size_t beat(slk_dispatch_t *d, const worker_t *w, json_t *jobs)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:O, s:[{s:s, s:s, s:i, s:b, s:I, s:I}], s:i, s:i, s:b, s:i}", "Worker", w->id,
        "Session", "s", "Jobs", jobs, "Stores", "ID", w->store, "Path", "/p", "Weight", 10,
        "CanSeal", 1, "Capacity", (json_int_t)8 << 40, "Available", (json_int_t)8 << 40,
        "FreeMemory", 0, "LoadMillis", 100, "Leaving", 0, "WaitMs", 0);
    char *sent = json_dumps(json, JSON_COMPACT), *orders = NULL;
    json_decref(json);
    json = slk_json_parse(sent, strlen(sent), &diag);
    slk_arena_t arena;
    slk_beat_t record;
    slk_refusal_t no;
    size_t len = 0, i;
    json_t *start;
    slk_arena_init(&arena, 1 << 24);
    assert_ok(slk_record_from_json(&record, &slk_beat_type, json, &arena, &diag), diag);
    if (!slk_dispatch_beat(d, &record, NULL, NULL, &orders, &len, &no))
        fail_msg("%s", no.text);
    json_t *answer = json_loadb(orders, len, 0, NULL);
    const size_t cnt = json_array_size(json_object_get(answer, "Start"));
    json_array_foreach(json_object_get(answer, "Start"), i, start) json_array_append_new(
        jobs,
        json_pack("{s:O, s:O, s:s, s:b}", "ID", json_object_get(start, "ID"), "Lease",
                  json_object_get(start, "Lease"), "Stage", "PC1 layer 1 of 11", "Reserved", 1));
    json_decref(answer);
    free(orders);
    free(sent);
    json_decref(json);
    slk_arena_free(&arena);
    return cnt;
}

static void test_thousand(void **state)
{
    char dir[64], where[128], out[128];
    slk_db_t *db = NULL;
    slk_dispatch_t *d = NULL;
    worker_t *workers = calloc((size_t)worker_cnt, sizeof *workers);
    json_t **jobs = calloc((size_t)worker_cnt, sizeof *jobs), *diagram = NULL;
    const slk_token_key_t key = {.len = 16};
    (void)state;
    test_tmp_dir(dir);
    snprintf(where, sizeof where, "%s/m.db", dir);
    snprintf(out, sizeof out, "%s/output", dir);
    slk_dispatch_opts_t opts = {.database = where, .output_dir = out, .transfer_key = &key};
    assert_ok(slk_dispatch_open(&d, &opts, &diag), diag);
    assert_ok(slk_db_open(&db, where, &diag), diag);
    double began = seconds(CLOCK_MONOTONIC);
    for (int i = 0; i < worker_cnt; i++) {
        register_worker(d, &workers[i], i);
        jobs[i] = json_array();
    }
    print_message("%d registrations: %.2f s\n", worker_cnt, seconds(CLOCK_MONOTONIC) - began);
    began = seconds(CLOCK_MONOTONIC);
    assert_ok(slk_db_transact(db, add_jobs, NULL, &diag), diag);
    print_message("%d jobs added: %.2f s\n", job_cnt, seconds(CLOCK_MONOTONIC) - began);
    slk_dispatch_wake(d);
    /* Until everybody has what he can take: 3 of 4 as memory and cores allow, in any case some. */
    size_t given = 0, rounds = 0;
    began = seconds(CLOCK_MONOTONIC);
    for (size_t quiet = 0; quiet < 3 && rounds < 60; rounds++) {
        size_t now = 0;
        for (int i = 0; i < worker_cnt; i++)
            now += beat(d, &workers[i], jobs[i]);
        given += now;
        quiet = now || !given ? 0 : quiet + 1;
        usleep(100000);
    }
    print_message("%zu jobs given out: %.2f s\n", given, seconds(CLOCK_MONOTONIC) - began);
    assert_int_equal(given, 4 * worker_cnt);
    /* The steady state: beats of all, each naming its jobs, while 8,000 jobs wait. */
    began = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < worker_cnt; i++)
        assert_int_equal(beat(d, &workers[i], jobs[i]), 0);
    const double cost = (seconds(CLOCK_THREAD_CPUTIME_ID) - began) / worker_cnt;
    assert_ok(slk_dispatch_sched_diag(d, &diagram, &diag), diag);
    print_message("a beat: %.0f us of one core; %d workers at a beat every 3 s: %.1f %% of it; a "
                  "decision: %.0f "
                  "ms\n",
                  cost * 1e6, worker_cnt, cost * worker_cnt / 3 * 100,
                  json_real_value(json_object_get(diagram, "RoundMs")));
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(diagram, "SchedInfo"), "Requests")),
        (size_t)job_cnt - given);
    assert_true(cost < 0.003); /* a whole core for a thousand of them, with sanitizers too */
    json_decref(diagram);
    for (int i = 0; i < worker_cnt; i++)
        json_decref(jobs[i]);
    slk_dispatch_close(d);
    slk_db_close(db);
    free(jobs);
    free(workers);
    test_rm_dir(dir);
}

/* The picture's map against a plain array. */
static void test_map(void **state)
{
    enum { KEYS = 400 };
    static int values[KEYS];
    bool there[KEYS] = {false};
    slk_pair_map_t map = {0};
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const unsigned k = (unsigned)(seed >> 33) % KEYS;
        /* Keys that meet in one place, too. */
        const uint64_t a = k % 7, b = k / 7;
        assert_ptr_equal(slk_pair_get(&map, a, b), there[k] ? &values[k] : NULL);
        if (seed >> 62) {
            assert_true(slk_pair_put(&map, a, b, &values[k]));
            there[k] = true;
        } else {
            assert_ptr_equal(slk_pair_remove(&map, a, b), there[k] ? &values[k] : NULL);
            there[k] = false;
        }
    }
    size_t at = 0, cnt = 0, want = 0;
    while (slk_pair_next(&map, &at))
        cnt++;
    for (int k = 0; k < KEYS; k++)
        want += there[k];
    assert_int_equal(cnt, want);
    assert_int_equal(map.used, want);
    slk_pair_free(&map);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_map), cmocka_unit_test(test_thousand)};
    if (argc > 1 && !strcmp(argv[1], "slow")) {
        worker_cnt = 1000;
        job_cnt = 12000;
    }
    slk_log_init(false, SLK_LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
