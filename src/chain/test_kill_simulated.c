#include "chain/test_node_simulated.h"

#include "base/assert.h"
#include "chain/client.h"
#include "store/test_engines.h"

#include <signal.h>
#include <sys/wait.h>

/* kill -9 of a process that sends, at random moments: every message is executed once. The process is
 * this program, started as `test_kill_simulated client API_INFO DATABASE`. */

/* No life but the last is long enough to add all messages. */
enum { MESSAGES = 40, KILLS = 20 };

static slk_diag_t diag;
static uint64_t seed = 42;

static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static slk_key_t test_key(void)
{
    uint8_t secret[SLK_SECRET_SZ] = {1, 2, 3};
    slk_key_t key;
    assert_ok(slk_key_from_secret(&key, SLK_KEY_SECP256K1, secret, &diag), diag);
    return key;
}

/* --- The process that is killed -------------------------------------------------------------- */

static slk_err_t sign(void *self, const slk_address_t *address, const slk_sign_request_t *request,
                      slk_key_sig_t *sig, slk_diag_t *d)
{
    (void)address;
    return slk_key_sign(sig, self, request->bytes, request->len, d);
}

static bool all_final(slk_db_t *db)
{
    int64_t ids[MESSAGES];
    size_t cnt;
    assert_ok(slk_message_ids(db, true, 0, ids, MESSAGES, &cnt, &diag), diag);
    return cnt == 0;
}

static int run_client(const char *info, const char *path)
{
    static const slk_signer_ops_t ops = {.sign = sign};
    slk_key_t key = test_key();
    slk_chain_opts_t opts = {
        .api_info = info, .database = path, .signer = {.ops = &ops, .self = &key}, .poll_ms = 20};
    slk_chain_t *chain = NULL;
    slk_db_t *db = NULL;
    assert_ok(slk_chain_start(&chain, &opts, &diag), diag);
    assert_ok(slk_db_open(&db, path, &diag), diag);
    for (uint64_t i = 0; i < MESSAGES || !all_final(db); i++) {
        char name[32];
        int64_t id;
        snprintf(name, sizeof name, "message %llu", (unsigned long long)(i % MESSAGES));
        slk_message_want_t want = {.key = name,
                                   .from = slk_key_address(&key),
                                   .to = slk_address_id(1000),
                                   .value = slk_bigint_u64(i % MESSAGES),
                                   .method = 16,
                                   .confidence = 3,
                                   .stuck_epochs = 4};
        assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
        slk_chain_wake(chain);
        usleep(i < MESSAGES ? 10000 : 100000);
    }
    slk_db_close(db);
    slk_chain_stop(chain);
    return 0;
}

/* --- The one that kills -------------------------------------------------------------------- */

static pid_t spawn(const char *info, const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_kill_simulated", "client", info, path, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void test_kill(void **state)
{
    (void)state;
    char dir[64], path[TEST_WHERE], info[1024];
    unsigned kills = 0, executed[MESSAGES] = {0};
    int status = -1;
    sim_t *sim = sim_new();
    sim_start_node(sim, 0);
    sim_start_node(sim, 1);
    sim_mine(sim, 0);
    atomic_store(&sim->nodes[0].delay_ms, 5);
    atomic_store(&sim->nodes[1].delay_ms, 5);
    sim_api_info(sim, 2, SLK_PERM_READ | SLK_PERM_WRITE, info);
    test_new(dir);
    test_where(path, dir);

    bool done = false;
    for (int round = 0; !done && round < 400; round++) {
        pid_t pid = spawn(info, path);
        int64_t life = kills < KILLS ? 30 + (int64_t)random_below(250) : 20000;
        for (int64_t ms = 0; ms < life && !done; ms += 10) {
            usleep(10000);
            if (random_below(6) == 0 && sim->cnt < SIM_TIPSETS - 100)
                sim_mine(sim, 0);
            done = waitpid(pid, &status, WNOHANG) == pid;
        }
        if (!done) {
            kill(pid, SIGKILL);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            kills++;
        }
        assert_true(done || kills <= KILLS);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(kills, KILLS);

    size_t i;
    json_t *message;
    for (int at = sim->head; at >= 0; at = sim->tipsets[at].parent)
        json_array_foreach(sim->tipsets[at].messages, i, message)
        {
            const char *value =
                json_string_value(json_object_get(json_object_get(message, "Message"), "Value"));
            executed[atoi(value)]++;
        }
    for (int m = 0; m < MESSAGES; m++)
        assert_int_equal(executed[m], 1);
    sim_free(sim);
    test_rm_dir(dir);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "client") == 0)
        return run_client(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return test_engines(tests, SLK_COUNT(tests), tests, SLK_COUNT(tests));
}
