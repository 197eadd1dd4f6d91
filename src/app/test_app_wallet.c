/* selkie wallet with a keystore of its own, and with a node's, as its users see it. */

#include "app/test_run_devnet.h"

/* A key of Lotus' pre-seal form: secret 01 00 .. 00 (BLS, little-endian), whose public key is the generator. */
#define ONE_JSON                                                                                   \
    "{\"Type\":\"bls\",\"PrivateKey\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
static char address[128];

static json_t *output(void)
{
    json_t *json = json_loads(last.out, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s\n%s", last.out, last.err);
    return json;
}

/* A copy of a text of the result. */
static void keep(char *out, size_t cap, const json_t *json, const char *name)
{
    const char *text = text_of(json, name);
    size_t len = text ? strlen(text) : 0;
    assert_true(len && len < cap);
    memcpy(out, text, len + 1);
}

static void test_life(void **state)
{
    (void)state;
    static char key[512], signature[512];
    sh("echo secret words >phrase && chmod 600 phrase; $S wallet list --keystore keys");
    assert_failed(1, "keys is not there; make a key");
    sh("$S wallet new secp256k1 --keystore keys --passphrase-file phrase --json");
    assert_status(0);
    json_t *json = output();
    keep(address, sizeof address, json, "address");
    assert_int_equal(strncmp(address, "f1", 2), 0);
    assert_true(json_is_true(json_object_get(json, "encrypted")));
    json_decref(json);
    sh("$S wallet list --keystore keys --json");
    assert_status(0);
    json = output();
    assert_int_equal(json_array_size(json), 1);
    assert_string_equal(text_of(json_array_get(json, 0), "address"), address);
    assert_true(json_is_true(json_object_get(json_array_get(json, 0), "default")));
    json_decref(json);

    sh("$S wallet sign %s 68656c6c6f --keystore keys --passphrase-file phrase --json", address);
    assert_status(0);
    json = output();
    keep(signature, sizeof signature, json, "signature");
    assert_int_equal(strlen(signature), 2 * 66);
    assert_int_equal(strncmp(signature, "01", 2), 0);
    json_decref(json);
    sh("$S wallet verify %s 68656c6c6f %s --json", address, signature);
    assert_status(0);
    assert_string_equal(last.out, "{\"valid\":true}\n");
    sh("$S wallet verify %s 68656c6c70 %s --json", address, signature);
    assert_status(1);
    assert_string_equal(last.out, "{\"valid\":false}\n");
    assert_has(last.err, address);

    /* Out of one keystore into another: the same key. */
    sh("SELKIE_PASSPHRASE='secret words' $S wallet export %s --keystore keys --json", address);
    assert_status(0);
    json = output();
    keep(key, sizeof key, json, "key");
    json_decref(json);
    sh("echo %s | SELKIE_PASSPHRASE=other $S wallet import - --keystore more --json", key);
    assert_status(0);
    json = output();
    assert_string_equal(text_of(json, "address"), address);
    json_decref(json);
    sh("$S wallet delete %s --keystore more && $S wallet list --keystore more --json", address);
    assert_status(0);
    assert_has(last.out, "[]");
    sh("export SELKIE_PASSPHRASE='secret words'; $S wallet export %s --keystore keys >exported && "
       "SELKIE_PASSPHRASE=other $S wallet import exported --keystore more && cat exported",
       address);
    assert_status(0);
    assert_has(last.out, address);
    assert_has(last.out, key);
}

static void test_import(void **state)
{
    (void)state;
    sh("printf '%%s' '" ONE_JSON
       "' >one.key; $S wallet import one.key --plain --keystore dev --json");
    assert_status(0);
    assert_has(last.out, "\"type\":\"bls\"");
    assert_has(last.out, "\"encrypted\":false");
    json_t *json = output();
    keep(address, sizeof address, json, "address");
    json_decref(json);
    sh("$S wallet sign %s 00 --keystore dev", address); /* no passphrase is asked for */
    assert_status(0);
    sh("$S wallet default --keystore dev --json");
    assert_status(0);
    assert_has(last.out, address);
    sh("$S wallet import one.key --plain --keystore dev");
    assert_failed(1, address);
    sh("ls -l dev/*.key | cut -c1-10; ls -ld dev | cut -c1-10");
    assert_string_equal(last.out, "-rw-------\ndrwx------\n");
}

static void test_wrong(void **state)
{
    (void)state;
    sh("SELKIE_PASSPHRASE=wrong $S wallet sign f1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy 00 "
       "--keystore keys");
    assert_failed(1, "passphrase");
    sh("echo nonsense | $S wallet import - --plain --keystore dev");
    assert_failed(1, "standard input");
    sh("echo '{\"Type\":\"bls\",\"PrivateKey\":\"AAAA\"}' | $S wallet import - --plain --keystore "
       "dev");
    assert_failed(1, "standard input");
    assert_null(strstr(last.err, "AAAA"));
    sh("$S wallet sign nobody 00 --keystore dev");
    assert_failed(2, "expected an address");
    sh("$S wallet verify f1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy 0g 01");
    assert_failed(2, "expected hex");
    sh("$S wallet new rsa --keystore dev");
    assert_failed(2, "one of bls, secp256k1");
    sh("env -u FULLNODE_API_INFO $S wallet balance f01000");
    assert_failed(2, "FULLNODE_API_INFO");
    sh("env -u HOME -u SELKIE_PATH $S wallet list");
    assert_failed(1, "--keystore");
}

/* On a real development network: by the node's wallet, and by a keystore here. */
static void test_send(void **state)
{
    (void)state;
    const char *to = "f1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy";
    test_devnet_start("", "--block-time 0.2s");
    sh("export $(head -1 run.out); $S wallet send %s 1.5 --json", to);
    assert_status(0);
    assert_has(last.out, "\"exit_code\":0");
    sh("export $(head -1 run.out); $S wallet balance %s --json", to);
    assert_has(last.out, "\"fil\":\"1.5 FIL\"");
    sh("export $(head -1 run.out); a=$($S wallet new bls --plain --keystore mine --json | "
       "sed 's/.*\"address\":\"\\([a-z0-9]*\\)\".*/\\1/') && "
       "$S wallet send $a 3 >/dev/null && "
       "$S wallet send %s '1 FIL' --keystore mine --store sent.db --json",
       to);
    assert_status(0);
    assert_has(last.out, "\"value\":\"1 FIL\"");
    sh("export $(head -1 run.out); $S wallet balance %s --json", to);
    assert_has(last.out, "\"fil\":\"2.5 FIL\"");
    sh("export $(head -1 run.out); $S wallet send %s 100000000", to);
    assert_failed(1, "funds");
    sh("export $(head -1 run.out); $S wallet send %s -- -1", to);
    assert_failed(2, "above zero");
    test_devnet_kill();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_send),
    };
    return cmocka_run_group_tests(tests, test_dir_setup, test_dir_teardown);
}
