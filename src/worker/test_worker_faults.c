/* A worker and a simulated manager: what goes wrong, at any moment. */
#include "worker/test_worker_life.h"

/* --- Away, killed, late -------------------------------------------------------------------------- */

static void test_manager_away(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    node_make(
        &a, dir, "alice", &sim,
        "\"Processors\":{\"c1\":{\"Program\":\"/bin/sh\",\"Args\":[\"-c\",\"echo c1 processor "
        "ready; while read l; do sleep 1; i=${l#*:}; echo "
        "'{\\\"id\\\":'${i%%,*}',\\\"err_msg\\\":null,"
        "\\\"output\\\":{\\\"a\\\":1}}'; done\"]}}");
    node_start_known(&a, &sim);
    seal(&life, &a, NULL);
    /* it ends while nobody hears of it, and the worker is started again meanwhile */
    uint64_t id = add_c1(&life, &a);
    assert_true(sim_wait_stage(&sim, id, "c1", 10));
    sim_down(&sim);
    usleep(1500000);
    assert_int_equal(node_end(&a, 20), 0);
    node_start(&a);
    usleep(500000);
    sim_up(&sim);
    sim_wait(&sim, id, SIM_DONE, 20);
    assert_int_equal(sim.jobs[id - 1].ends, 1);
    assert_int_equal(sim.jobs[id - 1].starts, 1);
    assert_memory_equal(sim.jobs[id - 1].output, "{\"a\":1}", 7);
    /* it ends when the job is another's by now: nobody takes it, and it is forgotten */
    id = add_c1(&life, &a);
    assert_true(sim_wait_stage(&sim, id, "c1", 10));
    sim_down(&sim);
    sim_give_away(&sim, id);
    usleep(1500000);
    sim_up(&sim);
    char path[256];
    snprintf(path, sizeof path, "%s/jobs/%" PRIu64, a.repo, id);
    for (unsigned i = 0; i < 1000 && access(path, F_OK) == 0; i++)
        usleep(10000);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(sim.jobs[id - 1].ends, 0);
    json_decref(life.vector);
}

static void test_stale(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    char path[512];
    node_make(
        &a, dir, "alice", &sim,
        "\"Processors\":{\"c1\":{\"Program\":\"/bin/sh\",\"Args\":[\"-c\",\"echo c1 processor "
        "ready; sleep 60\"],\"GraceSeconds\":1}}");
    node_start_known(&a, &sim);
    seal(&life, &a, NULL);
    uint64_t id = add_c1(&life, &a);
    assert_true(sim_wait_stage(&sim, id, "c1", 10));
    /* taken away while it runs: its place is free soon, nothing is told, files stay */
    sim_give_away(&sim, id);
    uint64_t next = add_c1(&life, &a);
    assert_true(sim_wait_stage(&sim, next, "c1", 20));
    snprintf(path, sizeof path, "%s/jobs/%" PRIu64, a.repo, id);
    for (unsigned i = 0; i < 300 && access(path, F_OK) == 0; i++)
        usleep(10000);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(sim.jobs[id - 1].ends, 0);
    assert_true(node_has(a.seal_root, "sealed", life.miner, life.number));
    /* taken away while the worker was dead */
    node_kill(&a);
    sim_give_away(&sim, next);
    node_start_known(&a, &sim);
    snprintf(path, sizeof path, "%s/jobs/%" PRIu64, a.repo, next);
    for (unsigned i = 0; i < 500 && access(path, F_OK) == 0; i++)
        usleep(10000);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(sim.jobs[next - 1].ends, 0);
    json_decref(life.vector);
}

static void test_stop(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    node_make(
        &a, dir, "alice", &sim,
        "\"Processors\":{\"c1\":{\"Program\":\"/bin/sh\",\"Args\":[\"-c\",\"echo c1 processor "
        "ready; sleep 60\"],\"GraceSeconds\":1}}");
    node_start_known(&a, &sim);
    seal(&life, &a, NULL);
    uint64_t id = add_c1(&life, &a);
    assert_true(sim_wait_stage(&sim, id, "c1", 10));
    double began = slk_clock_seconds();
    assert_int_equal(node_end(&a, 20), 0);
    assert_true(slk_clock_seconds() - began < 10);
    assert_true(sim_leaving(&sim));
    assert_int_equal(sim.jobs[id - 1].ends, 0);
    /* the same job under the same lease goes on */
    char config[256], text[4096];
    size_t len;
    char *read;
    snprintf(config, sizeof config, "%s/config.toml", a.repo);
    assert_ok(slk_read_file(&read, &len, config, 65536, &diag), diag);
    snprintf(text, sizeof text, "%.*s", (int)(strstr(read, "Processors = ") - read), read);
    free(read);
    assert_ok(slk_write_file(config, text, strlen(text), &diag), diag);
    node_start(&a);
    check_c1(&life, id);
    assert_int_equal(sim.jobs[id - 1].starts, 1);
    json_decref(life.vector);
}

/* PC1 goes on where it was told to stop. Which moment the signal meets is chance: several are tried. */
static void test_resume(void **state)
{
    (void)state;
    life_t life = life_of("8m-cc-v1_1", 0);
    unsigned resumed = 0;
    setenv("SELKIE_CPU", "portable", 1); /* slow enough to be met */
    node_make(&a, dir, "alice", &sim, NULL);
    pthread_mutex_lock(&sim.mutex);
    sim.seal_proof = 6;
    sim.beat_ms = 100;
    sim.lease_ms = 60000;
    pthread_mutex_unlock(&sim.mutex);
    node_start_known(&a, &sim);
    for (unsigned i = 0; i < 8 && !resumed; i++) {
        slk_piece_t piece = {.padded = 8 << 20, .comm_p = node_from_hex(life.comm_d)};
        uint64_t id = sim_add(
            &sim, a.id, "PC1", life.miner, life.number + i,
            json_pack("{ss,s[o]}", "Ticket", life.ticket, "Pieces", slk_json_of_piece(&piece)),
            both("make", a.seal));
        (void)sim_wait_stage(&sim, id, "PC1 layer", 20); /* or it was quicker */
        assert_int_equal(node_end(&a, 20), 0);
        node_start(&a);
        json_t *end = sim_wait(&sim, id, SIM_DONE, 60);
        assert_string_equal(result_text(end, "CommD"), life.comm_d);
        resumed += json_integer_value(
                       json_object_get(json_object_get(end, "Result"), "LabelsResumedFrom")) > 0;
        assert_int_equal(sim.jobs[id - 1].ends, 1);
        assert_int_equal(sim.jobs[id - 1].starts, 1);
    }
    unsetenv("SELKIE_CPU");
    assert_true(resumed);
    json_decref(life.vector);
}

/* Killed at any moment, with answers that get lost: every job ends once, with the right result. */
static void kill_loop(unsigned sectors, unsigned kills, uint64_t seed)
{
    life_t life = life_of("2k-cc-v1_1", 0);
    uint64_t ids[3][64];
    char right[64][65];
    node_make(&a, dir, "alice", &sim, "\"Tasks\":{\"PC1\":2,\"PC2\":2,\"C1\":2}");
    pthread_mutex_lock(&sim.mutex);
    sim.random = seed;
    sim.lose_percent = 10;
    sim.beat_ms = 100;
    sim.lease_ms = 60000;
    pthread_mutex_unlock(&sim.mutex);
    node_start_known(&a, &sim);
    unsigned step = 0, killed = 0;
    for (unsigned i = 0; i < sectors; i++) {
        life_t one = life;
        one.number = 1 + i;
        ids[0][i] = add_pc1(&one, &a, NULL);
    }
    double until = slk_clock_seconds() + 60 + kills;
    while (step < 3 && slk_clock_seconds() < until) {
        usleep((useconds_t)(sim_random(&sim) % 300000));
        if (killed < kills) {
            node_kill(&a);
            killed++;
            node_start(&a);
        }
        bool all = true;
        for (unsigned i = 0; i < sectors; i++) {
            pthread_mutex_lock(&sim.mutex);
            const sim_job_t *job = &sim.jobs[ids[step][i] - 1];
            all = all && job->state == SIM_DONE;
            if (job->state == SIM_FAILED)
                fail_msg("%s failed: %s", job->task,
                         json_string_value(json_object_get(job->end, "Error")));
            pthread_mutex_unlock(&sim.mutex);
        }
        if (!all || (killed < kills && step == 2))
            continue;
        for (unsigned i = 0; i < sectors && step < 2; i++) {
            life_t one = life;
            one.number = 1 + i;
            if (step == 1) {
                strcpy(right[i], result_text(sim.jobs[ids[1][i] - 1].end, "CommR"));
                one.comm_r = right[i];
            }
            ids[step + 1][i] = step == 0 ? add_pc2(&one, &a) : add_c1(&one, &a);
        }
        step++;
    }
    if (step < 3)
        fail_msg("not done in time, %u kills: %s", killed, node_log(&a));
    assert_string_equal(right[0], life.comm_r);
    for (size_t i = 0; i < sim.job_cnt; i++) {
        assert_int_equal(sim.jobs[i].ends, 1);
        assert_int_equal(sim.jobs[i].starts, 1);
    }
    json_decref(life.vector);
}

static void test_kills(void **state)
{
    (void)state;
    kill_loop(4, 15, 20261121);
}

static void test_kills_slow(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        kill_loop(20, 60, seed * 7919);
        teardown(state);
        setup(state);
    }
}

/* --- Processors that misbehave -------------------------------------------------------------------- */

static void test_processors(void **state)
{
    (void)state;
    static const struct {
        const char *script, *class, *error, *stderr_part;
    } rows[] = {
        {"echo c1 processor ready; read l; echo bad luck >&2; exit 3", "restarted", "", "bad luck"},
        {"echo c1 processor ready; read l; kill -9 $$", "restarted", "", ""},
        {"exit 1", "temporary", "", ""},
        {"echo c1 processor ready; read l; i=${l#*:}; echo "
         "'{\\\"id\\\":'${i%%,*}',\\\"err_msg\\\":\\\"no such "
         "luck\\\","
         "\\\"output\\\":null}'; sleep 5",
         "permanent", "no such luck", ""},
        {"echo c1 processor ready; read l; sleep 30", "restarted", "", ""},
    };
    life_t life = life_of("2k-cc-v1_1", 0);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char more[1024], name[16];
        snprintf(name, sizeof name, "n%u", i);
        snprintf(more, sizeof more,
                 "\"Processors\":{\"c1\":{\"Program\":\"/bin/sh\",\"Args\":[\"-c\",\"%s\"],"
                 "\"TotalSeconds\":2,\"GraceSeconds\":1}}",
                 rows[i].script);
        node_make(&a, dir, name, &sim, more);
        node_start_known(&a, &sim);
        char path[512];
        node_file(path, a.seal_root, "sealed", life.miner, life.number);
        write_data(path, "sealed", 2032);
        node_file(path, a.seal_root, "cache", life.miner, life.number);
        mkdir(path, 0755);
        json_t *end = sim_wait(&sim, add_c1(&life, &a), SIM_FAILED, 30);
        assert_string_equal(failure(end, rows[i].error), rows[i].class);
        assert_has(json_string_value(json_object_get(end, "Stderr")), rows[i].stderr_part);
        assert_int_equal(node_end(&a, 20), 0); /* it lives, and ends as it should */
    }
    json_decref(life.vector);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {
        cmocka_unit_test_setup_teardown(test_manager_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processors, setup, teardown),
    };
    const struct CMUnitTest slow[] = {
        cmocka_unit_test_setup_teardown(test_kills_slow, setup, teardown),
    };
    TEST_WORKER_MAIN(quick, slow);
}
