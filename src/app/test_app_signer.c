#include "app/test_run.h"

#include "base/assert.h"

#include <signal.h>
#include <time.h>

/* Messages signed by another node's wallet: one development network executes them, the wallet of a second one,
 * which may be away, signs. */

static char signer[1200]; /* as WALLET_API_INFO */

static void start(const char *name, char *info, size_t cap)
{
    char line[1200] = "", out[64];
    snprintf(out, sizeof out, "%s.out", name);
    sh("rm -f %s; $S devnet run --repo %s --block-time 50ms --listen 127.0.0.1:$(cat %s.port "
       "2>/dev/null || "
       "echo 0) >%s.out 2>%s.err & echo $! >%s.pid",
       out, name, name, name, name, name);
    for (int i = 0; i < 200 && !strchr(line, '\n'); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        test_read(line, sizeof line, out);
    }
    assert_has(line, "FULLNODE_API_INFO=");
    *strchr(line, '\n') = 0;
    memccpy(info, strchr(line, '=') + 1, 0, cap - 1);
    sh("sed 's/.*tcp.\\([0-9]*\\).http.*/\\1/' %s/devnet/api >%s.port", name, name);
    assert_status(0);
}

static int setup(void **state)
{
    static char node[1200];
    test_dir_setup(state);
    start("net", node, sizeof node);
    start("wallet", signer, sizeof signer);
    return setenv("FULLNODE_API_INFO", node, 1);
}

static int teardown(void **state)
{
    sh("kill -9 $(cat net.pid wallet.pid); sleep 0.2");
    unsetenv("WALLET_API_INFO");
    return test_dir_teardown(state);
}

#define FAST "--confidence 1 --timeout 30 --json"

/* A key that only the second node has, with money on the first one's chain. */
static void new_key(char out[128], const char *type)
{
    sh("$S wallet new %s --node --api-info '%s' --json", type, signer);
    assert_status(0);
    json_t *json = test_json();
    memccpy(out, text_of(json, "address"), 0, 127);
    out[127] = 0;
    json_decref(json);
    sh("$S wallet send %s 10 " FAST, out);
    assert_status(0);
}

static void sent_from(const char *key)
{
    assert_status(0);
    json_t *json = test_json();
    assert_string_equal(text_of(json, "from"), key);
    assert_int_equal(json_integer_value(json_object_get(json, "exit_code")), 0);
    json_decref(json);
}

static void test_sign(void **state)
{
    (void)state;
    char key[128], other[128];
    new_key(key, "bls");
    new_key(other, "secp256k1");
    sh("$S wallet list --signer '%s' --json", signer);
    assert_status(0);
    assert_has(last.out, key);
    assert_has(last.out, other);
    sh("$S wallet verify %s 68656c6c6f $($S wallet sign %s 68656c6c6f --signer '%s' --json | "
       "sed 's/.*:\"\\([0-9a-f]*\\)\".*/\\1/')",
       key, key, signer);
    assert_status(0);

    sh("$S wallet send --from %s %s 1 --signer '%s' --store m.db " FAST, key, other, signer);
    sent_from(key);
    sh("$S wallet send --from %s %s 1 --signer '%s' --store m.db " FAST, other, key, signer);
    sent_from(other);
    setenv("WALLET_API_INFO", signer, 1);
    sh("$S wallet send --from %s %s 1 --store m.db " FAST, key, other);
    sent_from(key);
    sh("$S actor create --size 2KiB --owner %s --from %s --store m.db " FAST, key, key);
    assert_status(0);

    /* Whoever has to be chosen, and who is unknown to the signer. */
    sh("$S wallet send %s 1 --store m.db " FAST, key);
    assert_failed(1, "keys; which one? Give --from");
    sh("$S wallet send --from %s %s 1 " FAST, key, other);
    assert_failed(2, "a signer needs --store FILE");
    sh("a=$($S wallet new bls --keystore k --plain --json | sed "
       "'s/.*\"address\":\"\\([a-z0-9]*\\)\".*/\\1/'); "
       "$S wallet send --from $a %s 1 --store m.db " FAST,
       key);
    assert_failed(1, "has no key of ");
    unsetenv("WALLET_API_INFO");
}

/* It comes back while it is called again; when it does not, nothing was begun. */
static void test_away(void **state)
{
    (void)state;
    char key[128], again[1200];
    new_key(key, "bls");
    sh("kill -9 $(cat wallet.pid); sleep 0.2");
    sh("$S wallet send --from %s %s 2 --signer '%s' --store n.db " FAST, key, key, signer);
    assert_failed(1, "signer http://127.0.0.1:");
    assert_true(!strstr(last.err, strchr(signer, '.'))); /* of the token */
    sh("test -e n.db");
    assert_status(1); /* nothing was begun */

    sh("{ $S wallet send --from %s %s 2 --signer '%s' --store n.db " FAST
       " >late; echo $? >late.code; } & "
       "sleep 0.3",
       key, key, signer);
    start("wallet", again, sizeof again);
    sh("for i in $(seq 200); do test -s late.code && break; sleep 0.05; done; cat late; "
       "exit $(cat late.code)");
    sent_from(key);

    sh("$S devnet fault slow 500 20 --repo wallet && "
       "$S wallet send --from %s %s 2 --signer '%s' --store n.db " FAST,
       key, key, signer);
    assert_status(0); /* slow is not away */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sign), cmocka_unit_test(test_away)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
