#include "app/test_run.h"

#include "base/assert.h"

#include <signal.h>
#include <time.h>

/* The commands `actor` with a real development network: actors that execute what is sent. */

static pid_t devnet;

static int setup(void **state)
{
    test_dir_setup(state);
    char line[1024] = "";
    sh("$S devnet run --repo net --block-time 100ms --listen 127.0.0.1:0 >net.out 2>net.err & "
       "echo $!");
    devnet = (pid_t)atoi(last.out);
    assert_true(devnet > 0);
    for (int i = 0; i < 200 && !strchr(line, '\n'); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        test_read(line, sizeof line, "net.out");
    }
    assert_has(line, "FULLNODE_API_INFO=");
    *strchr(line, '\n') = 0;
    return setenv("FULLNODE_API_INFO", strchr(line, '=') + 1, 1);
}

static int teardown(void **state)
{
    kill(devnet, SIGTERM);
    for (int i = 0; i < 100 && kill(devnet, 0) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return test_dir_teardown(state);
}

#define FAST "--confidence 1 --timeout 30 --json"

static void new_key(char out[128], const char *where)
{
    sh("$S wallet new bls %s --json", where);
    assert_status(0);
    json_t *json = test_json();
    memccpy(out, text_of(json, "address"), 0, 127);
    json_decref(json);
}

/* The wallet's default address, which has money. */
static void rich(char out[128])
{
    sh("$S wallet list --node --json");
    assert_status(0);
    json_t *rows = test_json(), *row;
    size_t i;
    json_array_foreach(rows, i, row) if (json_is_true(json_object_get(row, "default")))
        memccpy(out, text_of(row, "address"), 0, 127);
    json_decref(rows);
}

/* A miner is made, its worker without an account gets one, and its owner changes it. */
static void test_life(void **state)
{
    (void)state;
    char owner[128] = "", worker[128] = "", miner[128] = "";
    rich(owner);
    new_key(worker, "--node");
    sh("$S actor create --size 2KiB --owner %s --worker %s " FAST, owner, worker);
    assert_status(0);
    json_t *json = test_json();
    assert_int_equal(json_array_size(json_object_get(json, "accounts_made")), 1);
    memccpy(miner, text_of(json, "id"), 0, sizeof miner - 1);
    sh("$S actor info --actor %s --json", text_of(json, "robust"));
    assert_status(0);
    json_decref(json);
    json = test_json();
    assert_string_equal(text_of(json, "actor"), miner);
    assert_string_equal(text_of(json, "locked_atto"), "5937181320"); /* the deposit asked for */
    json_decref(json);

    sh("$S actor set-addrs --actor %s --from %s /ip4/1.2.3.4/tcp/24001 " FAST, miner, owner);
    assert_status(0);
    sh("$S actor control set --actor %s --really-do-it %s " FAST, miner, owner);
    assert_status(0);
    sh("$S actor withdraw --actor %s 0.00000000001 " FAST, miner);
    assert_status(0);
    json = test_json();
    assert_string_equal(text_of(json, "withdrawn_atto"), "10000000");
    json_decref(json);
    sh("$S actor set-beneficiary --actor %s %s 1 1000000 --really-do-it " FAST, miner, worker);
    assert_status(0);
    sh("$S actor propose-change-worker --actor %s --really-do-it %s " FAST, miner, owner);
    assert_status(0);
    assert_has(last.out, "worker_change_epoch");
    sh("$S actor confirm-change-worker --actor %s --really-do-it %s " FAST, miner, owner);
    assert_failed(1, "cannot be changed before epoch");

    sh("$S actor info --actor %s --json", miner);
    assert_status(0);
    json = test_json();
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "multiaddrs"), 0)),
                        "/ip4/1.2.3.4/tcp/24001");
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "controls"), 0)),
                        text_of(json, "owner"));
    assert_string_equal(text_of(json, "new_worker"), text_of(json, "owner"));
    assert_string_not_equal(text_of(json, "pending_beneficiary"), text_of(json, "owner"));
    json_decref(json);
}

/* What the actor says to a call that would fail, and the node to one that nobody can pay. */
static void test_refused(void **state)
{
    (void)state;
    char owner[128] = "", poor[128] = "";
    rich(owner);
    new_key(poor, "--node");
    sh("$S actor create --size 2KiB --owner %s --worker %s --from %s " FAST, owner, owner, poor);
    assert_status(1);
    assert_string_equal(last.out, "");
    sh("$S actor create --size 32GiB --owner %s " FAST, owner);
    assert_failed(1, "message execution failed");
}

/* A key of our own, paid by a transfer that no command of ours makes: it is the node that says no. */
static void test_keystore(void **state)
{
    (void)state;
    char own[128] = "";
    new_key(own, "--keystore k --plain");
    sh("$S actor create --size 2KiB --owner %s --keystore k --store m.db " FAST, own);
    assert_status(1);
    sh("$S message pending --store m.db --json");
    assert_status(0);
    assert_string_equal(last.out, "[]\n"); /* taken back: nothing is sent later */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keystore),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
