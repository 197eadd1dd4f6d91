/* selkie post, as its users see it. */

#include "app/test_run.h"

#define R1        "14bfe83d47e22da93b7463a231e0f17e1169276406267461176d66f93ab6db07"
#define POST_ARGS "--kind window --size 2KiB --miner f01000"

/* Seal the sector of a recorded case below ./store and append it to the text of a list of replicas.
 */
static void seal_case(const char *name, const char *variant, char *list, size_t cap)
{
    char file[64];
    size_t used = strlen(list);
    snprintf(file, sizeof file, "seal/%s.json", name);
    json_t *json = test_vectors(file);
    const char *sector = text_of(json, "sector");
    sh("A='--size 2KiB --porep %s --miner 1000 --sector %s --dir store --quiet' && \"$S\" seal pc1 "
       "$A --ticket %s && "
       "\"$S\" seal pc2 $A && \"$S\" seal finalize $A",
       variant, sector, text_of(json, "ticket"));
    assert_status(0);
    snprintf(list + used, cap - used,
             "%s{\"sector\":%s,\"comm_r\":\"%s\",\"cache\":\"store/cache/s-t01000-%s\","
             "\"sealed\":\"store/sealed/s-t01000-%s\"}",
             used ? "," : "", sector, text_of(json, "comm_r"), sector, sector);
    json_decref(json);
}

static void write_list(const char *list)
{
    char text[4096];
    int len = snprintf(text, sizeof text, "[%s]", list);
    write_bytes("replicas.json", text, (size_t)len);
}

static void check_case(const char *name)
{
    char file[64];
    size_t i, n;
    snprintf(file, sizeof file, "post/%s.json", name);
    json_t *json = test_vectors(file), *row, *leaf;
    const char *kind = text_of(json, "kind");
    json_t *sectors = json_object_get(json, "sectors");
    json_array_foreach(sectors, i, row)
    {
        json_int_t sector = json_integer_value(json_object_get(row, "sector"));
        sh("\"$S\" post challenges --kind %s --size 2KiB --miner f01000 --randomness %s --sectors "
           "%lld --json",
           kind, text_of(json, "randomness"), (long long)sector);
        assert_status(0);
        json_t *got = test_json(), *want = json_object_get(row, "challenges");
        assert_int_equal(json_array_size(got), 1);
        assert_int_equal(num_of(json_array_get(got, 0), "sector"), sector);
        json_array_foreach(want, n, leaf)
        {
            json_t *found =
                json_array_get(json_object_get(json_array_get(got, 0), "challenges"), n);
            assert_int_equal(json_integer_value(found), json_integer_value(leaf));
        }
        assert_int_equal(json_array_size(json_object_get(json_array_get(got, 0), "challenges")),
                         json_array_size(want));
        json_decref(got);
    }
    char list[4096] = "";
    json_array_foreach(json_object_get(json, "replicas"), i, row)
    {
        const char *seal = text_of(row, "case");
        seal_case(seal, seal + strlen("2k-cc-"), list, sizeof list);
    }
    write_list(list);
    sh("\"$S\" post vanilla --kind %s --size 2KiB --miner f01000 --randomness %s --replicas "
       "replicas.json "
       "--out proofs/new --threads 2 --json",
       kind, text_of(json, "randomness"));
    assert_status(0);
    json_t *got = test_json();
    assert_int_equal(json_array_size(got), json_array_size(sectors));
    json_array_foreach(sectors, i, row)
    {
        json_t *proof = json_array_get(got, i);
        assert_int_equal(num_of(proof, "sector"),
                         json_integer_value(json_object_get(row, "sector")));
        assert_string_equal(text_of(proof, "sha256"), text_of(row, "vanilla_sha256"));
        sh("sha256sum '%s'", text_of(proof, "file"));
        assert_memory_equal(last.out, text_of(row, "vanilla_sha256"), 64);
    }
    json_decref(got);
    json_decref(json);
}

static void test_window(void **state)
{
    (void)state;
    check_case("window-3");
}

static void test_winning(void **state)
{
    (void)state;
    check_case("winning-1");
}

/* The two top bits do not count; a list is sorted; people get lines. */
static void test_challenges(void **state)
{
    (void)state;
    sh("\"$S\" post challenges " POST_ARGS " --sectors 2,1 --json --randomness "
       "00000000000000000000000000000000000000000000000000000000000000c0");
    assert_status(0);
    assert_string_equal(last.out, "[{\"sector\":1,\"challenges\":[23,6,60,28,53,28,61,55,8,46]},"
                                  "{\"sector\":2,\"challenges\":[0,15,34,37,58,36,11,39,61,7]}]\n");
    sh("\"$S\" post challenges " POST_ARGS " --sectors 2,1 --randomness "
       "0000000000000000000000000000000000000000000000000000000000000000");
    assert_string_equal(last.out,
                        "1  23 6 60 28 53 28 61 55 8 46\n2  0 15 34 37 58 36 11 39 61 7\n");
}

static void test_usage(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "1,,2", "1,", ",1", "x", "1, 2", "-1", "99999999999999999999", "9223372036854775808", "''"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sh("\"$S\" post challenges " POST_ARGS " --randomness " R1 " --json --sectors='%s'",
           bad[i]);
        assert_failed(2, "--sectors");
    }
    sh("\"$S\" post challenges --kind other --size 2KiB --randomness " R1 " --sectors 1");
    assert_failed(2, "--kind");
    sh("\"$S\" post vanilla " POST_ARGS " --randomness " R1 " --out .");
    assert_failed(2, "--replicas");
    sh("\"$S\" post prove");
    assert_status(2);
}

#define COMM_R "d9fa808fe103878c7e534fc370d34e5a4452aaa19080862b569aa86857f32f71"

static void test_bad_lists(void **state)
{
    (void)state;
    static const struct {
        const char *list, *reason;
    } rows[] = {
        {"", "expected an array of at least one replica"},
        {"1", "entry 1: expected an object"},
        {"{\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"}",
         "entry 1, \"sector\": expected a sector number, found nothing"},
        {"{\"sector\":-3,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"}",
         "\"sector\": expected a sector number, found -3"},
        {"{\"sector\":1,\"comm_r\":\"d9\",\"cache\":\"c\",\"sealed\":\"s\"}",
         "\"comm_r\": expected 32 bytes in hex"},
        {"{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"sealed\":\"s\"}",
         "\"cache\": expected the name of a folder, found nothing"},
        {"{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":7}",
         "\"sealed\": expected the name of a file, found 7"},
        {"{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"},"
         "{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"cache\":\"d\",\"sealed\":\"s\"}",
         "two entries of sector 1 differ"},
        {"{", "line 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_list(rows[i].list);
        sh("\"$S\" post vanilla " POST_ARGS " --randomness " R1
           " --replicas replicas.json --out proofs --json");
        assert_failed(1, rows[i].reason);
        assert_has(last.err, "replicas.json");
    }
    sh("\"$S\" post vanilla " POST_ARGS " --randomness " R1
       " --replicas missing.json --out proofs");
    assert_failed(1, "missing.json");
}

/* Sectors that fail are named, the others' proofs are there; a read without an answer holds nobody
 * up. */
static void test_failures(void **state)
{
    (void)state;
    char list[4096] = "";
    seal_case("2k-cc-v1", "v1", list, sizeof list);
    seal_case("2k-cc-v1_1", "v1_1", list, sizeof list);
    seal_case("2k-cc-synth", "synth", list, sizeof list);
    write_list(list);
    sh("rm store/sealed/s-t01000-1 && \"$S\" post vanilla " POST_ARGS " --randomness " R1
       " --replicas replicas.json --out proofs --json");
    assert_failed(1, "sector 1: store/sealed/s-t01000-1: the sealed file is missing");
    sh("ls proofs");
    assert_string_equal(last.out, "window-0.vanilla\nwindow-3.vanilla\n");
    sh("rm -r proofs && mkfifo store/sealed/s-t01000-1 && truncate -s 63 "
       "store/cache/s-t01000-3/p_aux && "
       "timeout 60 \"$S\" post vanilla " POST_ARGS " --randomness " R1
       " --replicas replicas.json --out proofs --json --read-timeout 1.5");
    assert_failed(1, "sector 1: store/sealed/s-t01000-1: no answer for 1.5 s");
    assert_has(last.err, "sector 3: store/cache/s-t01000-3/p_aux: 63 bytes");
    assert_has(last.err, "2 of 3 sectors failed");
    sh("ls proofs");
    assert_string_equal(last.out, "window-0.vanilla\n");
}

/* What is wrong before any sector is read. */
static void test_prove_refused(void **state)
{
    (void)state;
    static const char one[] =
        "{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"}";
    static const char two[] =
        "{\"sector\":1,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"},"
        "{\"sector\":2,\"comm_r\":\"" COMM_R "\",\"cache\":\"c\",\"sealed\":\"s\"}";
    write_list(one);
    sh("FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" post prove " POST_ARGS " --randomness " R1
       " --replicas replicas.json --out proof");
    assert_failed(1, "keys/v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-"
                     "0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0.params is "
                     "not there");
    assert_has(last.err, "selkie params generate");
    sh("mkdir keys && printf 'too short' >keys/v28-proof-of-spacetime-fallback-"
       "merkletree-poseidon_hasher-8-0-0-"
       "0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0.params && "
       "FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" post prove " POST_ARGS " --randomness " R1
       " --replicas replicas.json --out proof");
    assert_failed(1, "9 bytes are too few for parameters");
    write_list(two);
    sh("\"$S\" post prove --kind winning --size 2KiB --randomness " R1
       " --replicas replicas.json --out proof");
    assert_failed(1, "replicas.json: 2 sectors, a winning proof is of one");
    sh("ls proof");
    assert_status(2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_window),    TEST(test_winning),  TEST(test_challenges),    TEST(test_usage),
        TEST(test_bad_lists), TEST(test_failures), TEST(test_prove_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
