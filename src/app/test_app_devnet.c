/* selkie devnet as scripts use it: started, told what to do, killed at any time, started again, ended. */

#include "app/test_run_devnet.h"

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
    test_devnet_start("", "--paused");
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
    sh("$S " TEST_DEVNET);
    assert_int_equal(last.status, 1);
    test_devnet_kill();
}

static void test_kill(void **state)
{
    int64_t before, after;
    (void)state;
    test_devnet_start("", "--paused");
    before = height();
    test_devnet_kill();
    for (int i = 0; i < 3; i++) {
        test_devnet_start("", "--paused");
        after = height();
        if (after < before)
            fail_msg("height %lld after %lld", (long long)after, (long long)before);
        sh("$S devnet mine 50 --repo net >/dev/null");
        before = height();
        sh("$S devnet mine 100000 --repo net >/dev/null 2>&1 & sleep 0.1");
        test_devnet_kill();
    }
    test_devnet_start("", "--paused");
    assert_true(height() >= before);
    test_devnet_kill();
}

static void test_pause(void **state)
{
    (void)state;
    test_devnet_start("", "--paused");
    sh("$S devnet mine 1000000 --repo net >mined 2>mine.err & "
       "until $S devnet status --repo net --json | grep -q '\"to_mine\":1000000'; do sleep 0.05; "
       "done; "
       "sleep 0.5; $S devnet pause --repo net >/dev/null; wait $!; echo $?; cat mine.err");
    assert_int_equal(last.status, 0);
    assert_non_null(strstr(last.out, "1\n"));
    assert_non_null(strstr(last.out, "paused after "));
    test_devnet_kill();
}

/* Longer away than a call is repeated. */
static void test_wait(void **state)
{
    (void)state;
    test_devnet_start("", "--block-time 50ms");
    sh("export \"$(head -1 run.out)\"; "
       "to=$($S wallet new bls --node --json | sed 's/.*\"address\":\"\\([a-z0-9]*\\)\".*/\\1/'); "
       "$S wallet send $to 1 --no-wait --json >sent && "
       "cid=$(sed 's/.*\"cid\":\"\\([a-z0-9]*\\)\".*/\\1/' sent) && "
       "{ $S message wait $cid --confidence 80 --json & } && sleep 0.3 && "
       "$S devnet fault down 4 --repo net >/dev/null && wait $!");
    if (last.status)
        fail_msg("%s", last.err);
    assert_non_null(strstr(last.out, "\"exit_code\":0"));
    sh("$S message wait --api-info http://127.0.0.1:1 --timeout 60 "
       "bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s");
    assert_int_equal(last.status, 1);
    assert_non_null(strstr(last.err, "no usable node"));
    test_devnet_kill();
}

static void test_end(void **state)
{
    (void)state;
    test_devnet_start("", "--block-time 50ms");
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
        "devnet fault noise 1 --repo net", "devnet run --proving-period 2x10",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        sh("$S %s", lines[i]);
        if (last.status != 2)
            fail_msg("%s: status %d, %s", lines[i], last.status, last.err);
    }
    sh("$S devnet fault noise --repo net");
    assert_int_equal(last.status, 2);
    assert_true(strstr(last.err, "found noise") != NULL);
    sh("$S devnet fault rewind --repo net");
    assert_int_equal(last.status, 2);
    assert_true(strstr(last.err, "rewind wants 1 number") != NULL);
    sh("$S " TEST_DEVNET " --seed 5");
    assert_int_equal(last.status, 1);
    assert_int_equal(last.out[0], 0);
    assert_true(strstr(last.err, "seed") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_kill), cmocka_unit_test(test_pause),
        cmocka_unit_test(test_wait),     cmocka_unit_test(test_end),  cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, test_dir_setup, test_devnet_teardown);
}
