/* selkie devnet as scripts use it: started, told what to do, killed at any time, started again, ended. */

#include "app/test_run.h"

#define RUN "devnet run --repo net --listen 127.0.0.1:0 --proving-period 4x10 --threads 1"

/* Start it with more options and wait for its first line. */
static void start(const char *more)
{
    sh("rm -f run.out code; "
       "(sh -c 'echo $$ >pid; exec \"$S\" " RUN " %s >run.out 2>run.err'; echo $? >code) & "
       "for i in $(seq 200); do test -s run.out && exit 0; test -s code && break; sleep 0.05; "
       "done; cat run.err >&2; exit 1",
       more);
    if (last.status)
        fail_msg("%s", last.err);
}

static void kill_it(void)
{
    sh("kill -9 $(cat pid); for i in $(seq 200); do test -s code && exit 0; sleep 0.05; done; "
       "exit 1");
    assert_int_equal(last.status, 0);
}

static int64_t height(void)
{
    sh("$S devnet status --repo net --json");
    if (last.status)
        fail_msg("%s", last.err);
    json_t *json = json_loads(last.out, 0, NULL);
    assert_non_null(json);
    int64_t at = json_integer_value(json_object_get(json, "height"));
    json_decref(json);
    return at;
}

static void test_commands(void **state)
{
    (void)state;
    start("--paused");
    sh("cat run.out");
    assert_non_null(strstr(last.out, "FULLNODE_API_INFO="));
    assert_non_null(strstr(last.out, ":/ip4/127.0.0.1/tcp/"));
    sh("$S devnet mine 20 --repo net --json");
    assert_string_equal(last.out, "{\"height\":20}\n");
    sh("$S devnet reorg 3 --repo net --json");
    assert_string_equal(last.out, "{\"height\":21}\n");
    sh("$S devnet fault rewind 2 --repo net --json");
    assert_string_equal(last.out, "{\"height\":19}\n");
    sh("$S devnet fault lose 1 --repo net --json");
    assert_string_equal(last.out, "{\"done\":true}\n");

    /* By its first line, from anywhere; other commands see a node like any. */
    sh("export \"$(head -1 run.out)\"; $S devnet resume --repo nowhere --json && "
       "$S devnet pause --repo nowhere --json && $S chain head --json");
    if (last.status)
        fail_msg("%s", last.err);
    assert_non_null(strstr(last.out, "\"network\":\"localnet-2k\""));

    /* One at a time. */
    sh("$S " RUN);
    assert_int_equal(last.status, 1);
    kill_it();
}

static void test_kill(void **state)
{
    int64_t before, after;
    (void)state;
    start("--paused");
    before = height();
    kill_it();
    for (int i = 0; i < 3; i++) {
        start("--paused");
        after = height();
        if (after < before)
            fail_msg("height %lld after %lld", (long long)after, (long long)before);
        sh("$S devnet mine 50 --repo net >/dev/null");
        before = height();
        sh("$S devnet mine 100000 --repo net >/dev/null 2>&1 & sleep 0.1");
        kill_it();
    }
    start("--paused");
    assert_true(height() >= before);
    kill_it();
}

static void test_end(void **state)
{
    (void)state;
    start("--block-time 50ms");
    sh("kill $(cat pid); for i in $(seq 200); do test -s code && break; sleep 0.05; done; cat "
       "code; "
       "test -e net/devnet/api && echo api");
    assert_string_equal(last.out, "0\n");
    sh("$S devnet status --repo net");
    assert_int_equal(last.status, 1);
}

static void test_usage(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "devnet run --block-time never",   "devnet run --listen nowhere",
        "devnet run --proving-period 4",   "devnet run --proving-period 4x2",
        "devnet mine many --repo net",     "devnet fault down --repo net",
        "devnet fault noise 1 --repo net",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        sh("$S %s", lines[i]);
        if (last.status != 2)
            fail_msg("%s: status %d, %s", lines[i], last.status, last.err);
    }
    sh("$S " RUN " --seed 5");
    assert_int_equal(last.status, 1);
    assert_int_equal(last.out[0], 0);
    assert_true(strstr(last.err, "seed") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, test_dir_setup, test_dir_teardown);
}
