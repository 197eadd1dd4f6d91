/* Proofs of several partitions: memory, what is kept, failures, interruptions in each stage. */

#include "proofs/prove/test_window.h"

#include "base/file.h"
#include "base/region.h"
#include "proofs/prove/partitions.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define PARTS 4u /* the two of the record, twice */
#define LEN   (PARTS * SLK_GROTH16_PROOF_SZ)

typedef struct {
    record_t r;
    slk_prover_t *prover;
    _Atomic unsigned calls;
    unsigned wrong; /* fails; PARTS: none */
    uint32_t stop_at;
    atomic_bool *stop; /* set before partition stop_at */
} source_t;

static slk_err_t prove_part(void *ctx, uint8_t *out, uint32_t k, const slk_job_t *job,
                            slk_diag_t *diag)
{
    source_t *s = ctx;
    size_t first = k % 2 * 2;
    atomic_fetch_add(&s->calls, 1);
    if (k == s->wrong)
        return slk_fail(diag, SLK_ERR_PROOF, "wrong on purpose");
    if (s->stop && k == s->stop_at)
        atomic_store(s->stop, true);
    return slk_prove_post(out, s->prover, &s->r.post, &s->r.randomness, s->r.pub + first,
                          s->r.proofs + first, k % 2 ? 1 : 2, k % 2, job, diag);
}

static void part_inputs(void *ctx, slk_node_t *out, uint32_t k)
{
    source_t *s = ctx;
    slk_post_inputs(out, &s->r.post, &s->r.randomness, s->r.pub, SECTORS, k % 2);
}

static source_t *source_new(slk_partitions_t *all)
{
    source_t *s = calloc(1, sizeof *s);
    assert_non_null(s);
    record_load(&s->r);
    s->prover = prover_open();
    s->wrong = PARTS;
    *all = (slk_partitions_t){s->prover, PARTS, prove_part, part_inputs, s};
    return s;
}

static void source_free(source_t *s)
{
    slk_prover_free(s->prover);
    record_free(&s->r);
    free(s);
}

/* Both copies of the record's proof verify. */
static void check_all(const source_t *s, const uint8_t *proof)
{
    assert_true(verifies(&s->r, proof, 2));
    assert_true(verifies(&s->r, proof + LEN / 2, 2));
}

/* --- Memory ----------------------------------------------------------------------------------- */

static slk_prover_t shape_of(slk_circuit_kind_t kind, const char *size)
{
    slk_diag_t diag;
    slk_prover_t prover = {0};
    assert_ok(slk_circuit_init(&prover.circuit, kind, slk_size_by_name(size), &diag), diag);
    prover.all = slk_circuit_part(&prover.circuit, prover.circuit.units);
    return prover;
}

/* What the help texts say. */
static void test_stated(void **state)
{
    (void)state;
    static const struct {
        slk_circuit_kind_t kind;
        const char *size;
        double gib;
    } rows[] = {
        {SLK_CIRCUIT_POREP, "2KiB", 0.4},    {SLK_CIRCUIT_POREP, "8MiB", 0.4},
        {SLK_CIRCUIT_POREP, "512MiB", 0.8},  {SLK_CIRCUIT_POREP, "32GiB", 12.1},
        {SLK_CIRCUIT_POREP, "64GiB", 12.1},  {SLK_CIRCUIT_WINDOW, "32GiB", 15.8},
        {SLK_CIRCUIT_WINDOW, "64GiB", 15.9},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_prover_t prover = shape_of(rows[i].kind, rows[i].size);
        double gib = (double)slk_prover_memory(&prover, 16) / (1 << 30);
        if (gib < rows[i].gib - 0.06 || gib > rows[i].gib + 0.06)
            fail_msg("%s %s: %.3f GiB, the texts say %.1f", slk_circuit_name(rows[i].kind),
                     rows[i].size, gib, rows[i].gib);
    }
}

static void test_split(void **state)
{
    (void)state;
    const uint64_t gib = UINT64_C(1) << 30;
    static const struct {
        uint64_t memory, available; /* GiB */
        unsigned at_most, threads, cnt;
        unsigned at_once, each; /* expected */
    } rows[] = {
        {0, 100, 0, 64, 10, 4, 16}, /* half of 100 */
        {100, 100, 0, 64, 10, 8, 8}, {100, 100, 3, 64, 10, 3, 22}, {100, 30, 0, 64, 10, 2, 32},
        {13, 100, 0, 64, 10, 1, 64}, {0, 13, 0, 64, 10, 1, 64},    {500, 500, 0, 64, 10, 10, 7},
        {0, 500, 0, 16, 10, 2, 8},   {0, 500, 0, 15, 10, 1, 15},   {0, 500, 9, 2, 10, 2, 1},
        {500, 500, 0, 4, 10, 4, 1},  {500, 500, 0, 1, 10, 1, 1},   {500, 500, 0, 64, 1, 1, 64},
    };
    slk_diag_t diag;
    slk_prove_split_t split;
    slk_prover_t prover = shape_of(SLK_CIRCUIT_POREP, "32GiB");
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_prove_limits_t limits = {.memory = rows[i].memory * gib, .at_once = rows[i].at_most};
        assert_ok(slk_prove_split(&split, &prover, rows[i].cnt, &limits, rows[i].threads,
                                  rows[i].available * gib, &diag),
                  diag);
        assert_int_equal(split.at_once, rows[i].at_once);
        assert_int_equal(split.threads, rows[i].each);
        assert_int_equal(split.memory, slk_prover_memory(&prover, rows[i].each));
    }
    assert_err(SLK_ERR_NOMEM,
               slk_prove_split(&split, &prover, 10, &(slk_prove_limits_t){0}, 64, 12 * gib, &diag));
    assert_non_null(strstr(diag.text, "porep 32GiB takes "));
    assert_non_null(strstr(diag.text, "12288 MiB are available"));
    assert_err(SLK_ERR_NOMEM,
               slk_prove_split(&split, &prover, 10, &(slk_prove_limits_t){.memory = 4 * gib}, 64,
                               100 * gib, &diag));
    assert_non_null(strstr(diag.text, "4096 MiB are allowed"));
}

static uint64_t own_memory(const char *name)
{
    unsigned long long kib = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %llu", &kib);
    fclose(file);
    return kib << 10;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURABLE 0
#elif defined(__has_feature)
#define MEASURABLE !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define MEASURABLE 1
#endif

/* A proof takes what is stated, and the statement is not idle. */
static void test_measured(void **state)
{
    (void)state;
    uint8_t proof[SLK_GROTH16_PROOF_SZ];
    slk_diag_t diag;
    slk_partitions_t all;
    source_t *s = source_new(&all);
    FILE *reset = fopen("/proc/self/clear_refs", "w");
    bool measurable = MEASURABLE && reset && fputs("5", reset) >= 0;
    measurable = reset && fclose(reset) == 0 && measurable;
    uint64_t before = own_memory("VmRSS"), stated = slk_prover_memory(s->prover, 1);
    assert_ok(prove_part(s, proof, 0, NULL, &diag), diag);
    uint64_t took = own_memory("VmHWM") - before;
    if (measurable && (took > stated + (2 << 20) || took < stated / 4))
        fail_msg("%llu KiB, stated are %llu", (unsigned long long)took >> 10,
                 (unsigned long long)stated >> 10);
    source_free(s);
}

/* --- Proofs ----------------------------------------------------------------------------------- */

static slk_job_t job_new(unsigned threads)
{
    slk_diag_t diag;
    slk_job_t job = {.progress = slk_progress_new()};
    assert_non_null(job.progress);
    assert_ok(slk_pool_new(&job.pool, threads, &diag), diag);
    return job;
}

static void job_free(slk_job_t *job)
{
    slk_progress_free(job->progress);
    slk_pool_free(job->pool);
}

static void test_many(void **state)
{
    (void)state;
    uint8_t proof[LEN];
    slk_diag_t diag;
    slk_partitions_t all;
    slk_progress_view_t view;
    source_t *s = source_new(&all);
    slk_job_t job = job_new(3);
    for (unsigned at_once = 1; at_once <= 3; at_once += 2) {
        char stage[64];
        slk_prove_limits_t limits = {
            .at_once = at_once, .memory = UINT64_C(1) << 30, .partial = "/nowhere/at/all.partial"};
        assert_ok(slk_prove_partitions(proof, &all, &limits, &job, &diag), diag);
        check_all(s, proof);
        slk_progress_view(job.progress, &view);
        snprintf(stage, sizeof stage, "4 partitions, %u at a time", at_once);
        assert_string_equal(view.stage, stage);
        assert_int_equal(view.done, view.total);
        assert_int_equal(view.total, PARTS * s->prover->all.rows);
        assert_true(view.ended > 0);
    }
    /* the record's own number, through the front door, without a job */
    assert_ok(slk_prove_post_all(proof, s->prover, &s->r.post, &s->r.randomness, s->r.pub,
                                 s->r.proofs, SECTORS, NULL, NULL, &diag),
              diag);
    assert_true(verifies(&s->r, proof, 2));
    assert_err(SLK_ERR_NOMEM,
               slk_prove_post_all(proof, s->prover, &s->r.post, &s->r.randomness, s->r.pub,
                                  s->r.proofs, SECTORS, &(slk_prove_limits_t){.memory = 1 << 20},
                                  &job, &diag));
    assert_non_null(strstr(diag.text, "1 MiB are allowed"));
    job_free(&job);
    source_free(s);
}

static void test_failure(void **state)
{
    (void)state;
    uint8_t proof[LEN];
    slk_diag_t diag;
    slk_partitions_t all;
    source_t *s = source_new(&all);
    slk_job_t job = job_new(2);
    s->wrong = 1;
    for (unsigned at_once = 1; at_once <= 2; at_once++) {
        atomic_store(&s->calls, 0);
        assert_err(SLK_ERR_PROOF,
                   slk_prove_partitions(proof, &all, &(slk_prove_limits_t){.at_once = at_once},
                                        &job, &diag));
        assert_string_equal(diag.text, "partition 1: wrong on purpose");
        assert_true(atomic_load(&s->calls) <= 3);
    }
    job_free(&job);
    source_free(s);
}

/* --- What is kept ----------------------------------------------------------------------------- */

static unsigned calls_of(source_t *s, const slk_partitions_t *all, const char *partial,
                         uint8_t *proof)
{
    slk_diag_t diag;
    slk_job_t job = job_new(2);
    atomic_store(&s->calls, 0);
    assert_ok(
        slk_prove_partitions(proof, all, &(slk_prove_limits_t){.partial = partial}, &job, &diag),
        diag);
    check_all(s, proof);
    job_free(&job);
    return atomic_load(&s->calls);
}

static void test_kept(void **state)
{
    (void)state;
    uint8_t first[LEN], second[LEN];
    char path[128], *kept;
    size_t len;
    slk_diag_t diag;
    slk_partitions_t all;
    source_t *s = source_new(&all);
    snprintf(path, sizeof path, "%s/proof.partial", dir);
    assert_int_equal(calls_of(s, &all, path, first), 4);
    assert_ok(slk_read_file(&kept, &len, path, LEN, &diag), diag);
    assert_int_equal(len, LEN);
    assert_memory_equal(kept, first, LEN);

    /* all of it is used, then what is right of it */
    assert_int_equal(calls_of(s, &all, path, second), 0);
    assert_memory_equal(second, first, LEN);
    memset(kept, 0, SLK_GROTH16_PROOF_SZ);
    kept[2 * SLK_GROTH16_PROOF_SZ + 60] ^= 1;
    memcpy(kept + 3 * SLK_GROTH16_PROOF_SZ, first, SLK_GROTH16_PROOF_SZ); /* a proof of another */
    assert_ok(slk_write_file(path, kept, LEN, &diag), diag);
    assert_int_equal(calls_of(s, &all, path, second), 3);
    assert_memory_equal(second + SLK_GROTH16_PROOF_SZ, first + SLK_GROTH16_PROOF_SZ,
                        SLK_GROTH16_PROOF_SZ);
    free(kept);

    /* of another length: nothing of it */
    assert_ok(slk_write_file(path, first, LEN - 1, &diag), diag);
    assert_int_equal(calls_of(s, &all, path, second), 4);
    source_free(s);
}

/* Stopped in the third partition: two are kept, a later call makes the others. */
static void test_goes_on(void **state)
{
    (void)state;
    uint8_t proof[LEN];
    char path[128];
    slk_diag_t diag;
    slk_partitions_t all;
    atomic_bool stop = false;
    source_t *s = source_new(&all);
    slk_job_t job = job_new(1);
    job.cancel = &stop;
    s->stop = &stop;
    s->stop_at = 2;
    snprintf(path, sizeof path, "%s/stopped.partial", dir);
    assert_err(
        SLK_ERR_CANCELLED,
        slk_prove_partitions(proof, &all, &(slk_prove_limits_t){.partial = path}, &job, &diag));
    s->stop = NULL;
    assert_int_equal(calls_of(s, &all, path, proof), 2);
    job_free(&job);
    source_free(s);
}

/* --- Interruptions ---------------------------------------------------------------------------- */

static unsigned rounds = 1;

typedef struct {
    slk_progress_t *progress;
    const char *stage;
    double share; /* of the stage after which to stop */
    atomic_bool cancel, over;
    double when;
} watch_t;

static void *watch(void *ctx)
{
    watch_t *w = ctx;
    while (!atomic_load(&w->over)) {
        slk_progress_view_t view;
        slk_progress_view(w->progress, &view);
        if (strcmp(view.stage, w->stage) == 0 &&
            (double)view.done >= w->share * (double)view.total) {
            w->when = slk_clock_seconds();
            atomic_store(&w->cancel, true);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return NULL;
}

/* In each stage at a random place; with the argument `slow` at many: the proof ends soon, and nothing of it is seen. */
static void test_interrupted(void **state)
{
    (void)state;
    static const char *const stages[] = {"witness", "QAP",      "MSM h",   "MSM l",
                                         "MSM a",   "MSM b_g1", "MSM b_g2"};
    uint8_t proof[SLK_GROTH16_PROOF_SZ], same[SLK_GROTH16_PROOF_SZ];
    slk_diag_t diag;
    slk_partitions_t all;
    source_t *s = source_new(&all);
    unsigned hits = 0;
    memset(same, 0x5a, sizeof same);
    for (unsigned i = 0; i < rounds * SLK_COUNT(stages); i++) {
        pthread_t thread;
        char name[32];
        slk_job_t job = job_new(1 + i % 2);
        snprintf(name, sizeof name, "place %u", i);
        slk_node_t drawn = test_bytes32(name);
        watch_t w = {.progress = job.progress,
                     .stage = stages[i % SLK_COUNT(stages)],
                     .share = drawn.b[0] / 512.0};
        job.cancel = &w.cancel;
        memset(proof, 0x5a, sizeof proof);
        assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
        slk_err_t err = prove_part(s, proof, 0, &job, &diag);
        double after = slk_clock_seconds();
        atomic_store(&w.over, true);
        pthread_join(thread, NULL);
        if (err == SLK_ERR_CANCELLED) {
            hits++;
            assert_memory_equal(proof, same, sizeof proof);
            assert_true(after - w.when < 10); /* much less, but machines are busy */
        } else {                              /* the watcher did not get a look at a short stage */
            assert_ok(err, diag);
        }
        job_free(&job);
    }
    assert_true(hits >= rounds * SLK_COUNT(stages) / 2);
    source_free(s);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "slow") == 0)
        rounds = 20;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stated),   cmocka_unit_test(test_split),
        cmocka_unit_test(test_measured), cmocka_unit_test(test_many),
        cmocka_unit_test(test_failure),  cmocka_unit_test(test_kept),
        cmocka_unit_test(test_goes_on),  cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, make_params, drop_params);
}
