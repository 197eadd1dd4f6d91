/* `selkie params fetch` from mirrors on this machine. */
#include "app/test_run.h"
#include "net/test_http.h"

#include <blake2.h>
#include <signal.h>

#define LEN   1000003u
#define SMALL 3076u

static uint8_t big[LEN], small[SMALL];
static char big_digest[33], small_digest[33];

#define BIG_NAME                                                                                   \
    "v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-" WINDOW ".params"
#define SMALL_NAME "v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-" WINDOW ".vk"
#define WINDOW     "0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0"

static void digest_hex(char out[33], const uint8_t *bytes, size_t len)
{
    uint8_t digest[64];
    blake2b(digest, bytes, NULL, sizeof digest, len, 0);
    slk_hex_encode(out, digest, 16);
}

static void write_list(const char *name, const char *digest_of_big)
{
    char text[2048];
    int len =
        snprintf(text, sizeof text,
                 "{\"" BIG_NAME "\":{\"cid\":\"QmBig\",\"digest\":\"%s\",\"sector_size\":2048,"
                 "\"bytes\":%u},\n\"" SMALL_NAME
                 "\":{\"cid\":\"QmSmall\",\"digest\":\"%s\",\"sector_size\":2048},\n"
                 "\"other.params\":{\"cid\":\"QmNone\",\"digest\":\"%s\"}}",
                 digest_of_big, LEN, small_digest, small_digest);
    write_bytes(name, text, (size_t)len);
}

static int setup(void **state)
{
    test_dir_setup(state);
    test_data(big, LEN, "fetch");
    test_data(small, SMALL, "fetch vk");
    digest_hex(big_digest, big, LEN);
    digest_hex(small_digest, small, SMALL);
    write_list("list", big_digest);
    test_http_add("QmBig", big, LEN);
    test_http_add("QmSmall", small, SMALL);
    test_http_add(BIG_NAME, big, LEN);
    test_http_add(SMALL_NAME, small, SMALL);
    test_http_start();
    char port[16];
    snprintf(port, sizeof port, "%u", test_http.port);
    setenv("PORT", port, 1);
    unsetenv("IPFS_GATEWAY");
    setenv("FIL_PROOFS_PARAMETER_CACHE", "cache", 1);
    return 0;
}

static int teardown(void **state)
{
    test_http_stop();
    return test_dir_teardown(state);
}

/* $F URLS... with mirrors as in $U/good */
#define FETCH                                                                                      \
    "U=http://127.0.0.1:$PORT; F='--manifest list --size 2KiB --circuit window --stall-timeout "   \
    "0.5'; "

static void assert_states(const char *params, const char *vk)
{
    assert_status(0);
    json_t *rows = test_json();
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(text_of(json_array_get(rows, 0), "file"), "cache/" BIG_NAME);
    assert_string_equal(text_of(json_array_get(rows, 0), "state"), params);
    assert_string_equal(text_of(json_array_get(rows, 1), "state"), vk);
    json_decref(rows);
    sh("test \"$(ls cache | wc -l)\" = 3 && test -s cache/selkie-verified.json && "
       "b2sum cache/*.params cache/*.vk | cut -c1-32");
    assert_status(0);
    assert_has(last.out, big_digest);
    assert_has(last.out, small_digest);
}

static void test_fetch(void **state)
{
    (void)state;
    unsigned asked = test_http_asked("good");
    sh(FETCH "rm -rf cache; \"$S\" params fetch --json $F --mirror $U/good");
    assert_states("fetched", "fetched");
    assert_int_equal(test_http_asked("good"), asked + 2);
    sh(FETCH "\"$S\" params fetch --json $F --mirror $U/good/");
    assert_states("present", "present");
    assert_int_equal(test_http_asked("good"), asked + 2);
    sh("rm cache/*.vk; dd if=/dev/zero of=cache/" BIG_NAME
       " bs=1 seek=500000 count=4 conv=notrunc 2>/dev/null");
    sh(FETCH "IPFS_GATEWAY=$U/good/ \"$S\" params fetch --json $F");
    assert_states("fetched", "fetched");
    sh(FETCH "rm -rf cache; \"$S\" params fetch --json $F --mirror \"$U/good/{name}\"");
    assert_states("fetched", "fetched");
    sh("\"$S\" params verify --quiet --manifest list");
    assert_status(0);
}

/* A file is read once; when it was changed since, again. */
static void test_remembered(void **state)
{
    (void)state;
    sh(FETCH
       "rm -rf cache; \"$S\" params fetch --json $F --mirror $U/good && "
       "touch -d '2001-01-01' cache/*.vk && \"$S\" params fetch --json $F --mirror $U/missing");
    assert_status(0);
    sh(FETCH "printf '\\377' | dd of=cache/" SMALL_NAME " conv=notrunc 2>/dev/null; "
             "\"$S\" params fetch --json $F --mirror $U/good");
    assert_states("present", "fetched");
    sh(FETCH "echo '[]' > cache/selkie-verified.json; \"$S\" params fetch --json $F --mirror "
             "$U/missing");
    assert_states("present", "present");
    /* What is remembered is not looked at: so that 47 GiB need not be read each time. */
    sh(FETCH "cp -p cache/*.vk saved; printf '\\377' | dd of=cache/" SMALL_NAME
             " conv=notrunc 2>/dev/null; touch -r saved cache/" SMALL_NAME
             "; \"$S\" params fetch --json $F --mirror $U/missing");
    assert_status(0);
    sh("\"$S\" params verify --quiet --manifest list");
    assert_status(1);
    assert_has(last.err, SMALL_NAME);
}

static void test_mirrors(void **state)
{
    (void)state;
    static const char *const rows[] = {"$U/missing,$U/good", "$U/wrong,$U/good", "$U/stall,$U/good",
                                       "http://127.0.0.1:1,$U/cut,$U/norange"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sh(FETCH "rm -rf cache; \"$S\" params fetch --json $F --mirror %s", rows[i]);
        assert_states("fetched", "fetched");
    }
}

static void test_refused(void **state)
{
    (void)state;
    sh(FETCH "rm -rf cache; \"$S\" params fetch --json $F --mirror $U/wrong,$U/wrong");
    assert_failed(1, "with digest");
    assert_has(last.err, BIG_NAME);
    assert_has(last.err, SMALL_NAME);
    sh("test -z \"$(ls cache/v28* 2>/dev/null)\"");
    assert_status(0);
    sh(FETCH "\"$S\" params fetch --json $F --mirror $U/missing");
    assert_failed(1, "404");
    sh("\"$S\" params fetch --json --manifest list --mirror ftp://x/");
    assert_failed(2, "http");
    sh("\"$S\" params fetch --json --manifest list --mirror ,");
    assert_failed(2, "no mirror");
    sh("\"$S\" params fetch --json --size 2KiB,3KiB");
    assert_failed(2, "2KiB");
    sh("\"$S\" params fetch --json --manifest list --circuit porep --mirror http://x");
    assert_failed(1, "none of these");
    sh("echo '{\"../up.vk\":{\"cid\":\"QmSmall\",\"digest\":\"%s\"}}' > evil; "
       "\"$S\" params fetch --json --manifest evil --mirror http://127.0.0.1:$PORT/good",
       small_digest);
    assert_failed(1, "up.vk");
    sh("test ! -e up.vk");
    assert_status(0);
    sh("touch file; \"$S\" params fetch --json --dir file --mirror http://127.0.0.1:$PORT/good");
    assert_failed(1, "file");
}

/* By default the verifying keys; with --vk-only nothing else either. */
static void test_selection(void **state)
{
    (void)state;
    static const char *const calls[] = {"--circuit window", "--size 2KiB --vk-only"};
    for (size_t i = 0; i < 2; i++) {
        sh("rm -rf cache; \"$S\" params fetch --json --manifest list %s --mirror "
           "http://127.0.0.1:$PORT/good",
           calls[i]);
        assert_status(0);
        json_t *rows = test_json();
        assert_int_equal(json_array_size(rows), 1);
        assert_string_equal(text_of(json_array_get(rows, 0), "file"), "cache/" SMALL_NAME);
        json_decref(rows);
    }
}

/* A list may have names that this program does not know. */
static void test_unknown_names(void **state)
{
    (void)state;
    sh("rm -rf cache; echo '{\"v29-new.vk\":{\"cid\":\"QmSmall\",\"digest\":\"%s\"}}' > new; "
       "\"$S\" params fetch --json --manifest new --mirror http://127.0.0.1:$PORT/good",
       small_digest);
    assert_status(0);
    sh("test -s cache/v29-new.vk && \"$S\" params verify --quiet --manifest new");
    assert_status(0);
    assert_has(last.out, "published");
}

static void test_killed(void **state)
{
    (void)state;
    sh(FETCH "rm -rf cache; \"$S\" params fetch --quiet $F --mirror $U/slow & P=$!; "
             "while [ $(stat -c %%s cache/" BIG_NAME ".part 2>/dev/null || echo 0) -lt 200000 ]; "
             "do sleep 0.01; done; "
             "\"$S\" params fetch --quiet $F --mirror $U/good; test $? = 1 || exit 9; "
             "kill -9 $P; wait $P; test ! -e cache/" BIG_NAME " && stat -c %%s cache/" BIG_NAME
             ".part");
    assert_status(0);
    assert_has(last.err, "another process");
    unsigned long long there = strtoull(last.out, NULL, 10);
    assert_true(there >= 200000 && there < LEN);
    while (test_http.open)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    unsigned long long sent = test_http.sent;
    sh(FETCH "\"$S\" params fetch --json $F --mirror $U/good");
    sent = test_http.sent - sent;
    assert_true(sent >= LEN - there && sent <= LEN - there + SMALL);
    assert_status(0);
    sh("b2sum cache/*.params | cut -c1-32");
    assert_has(last.out, big_digest);
}

static void test_interrupted(void **state)
{
    (void)state;
    sh(FETCH "rm -rf cache; \"$S\" params fetch --quiet $F --mirror $U/slow & P=$!; "
             "while [ $(stat -c %%s cache/" BIG_NAME ".part 2>/dev/null || echo 0) -lt 100000 ]; "
             "do sleep 0.01; done; kill -TERM $P; wait $P");
    assert_failed(1, "run it again");
    sh("test ! -e cache/" BIG_NAME " -a -s cache/" BIG_NAME ".part");
    assert_status(0);
}

/* What was made here is not replaced. */
static void test_made_here(void **state)
{
    (void)state;
    sh("rm -rf cache; mkdir cache; echo mine > cache/" SMALL_NAME "; cd cache; b2sum *.vk > v28-"
       "proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-" WINDOW ".b2sum");
    sh(FETCH "\"$S\" params fetch --json $F --mirror $U/good");
    assert_failed(1, "made here");
    sh("\"$S\" params fetch --json --manifest list --circuit window --mirror "
       "http://127.0.0.1:$PORT/good");
    assert_status(0);
    assert_has(last.out, "\"state\":\"made here\"");
    sh("grep -q mine cache/*.vk");
    assert_status(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch),         cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_mirrors),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_selection),     cmocka_unit_test(test_killed),
        cmocka_unit_test(test_interrupted),   cmocka_unit_test(test_made_here),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
