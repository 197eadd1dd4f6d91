/* selkie seal c2 and post prove, as their users see them: what they refuse, memory, what is kept of
 * several partitions, interruptions. */

#include "app/test_run.h"

#include "base/bytes.h"
#include "base/file.h"

#include <signal.h>

/* The recorded output of C1 into c1.json. */
static char *load_c1(size_t *len)
{
    char *text;
    slk_diag_t diag;
    assert_ok(
        slk_read_file(&text, len, SLK_VECTORS "/seal/2k-data-v1_1/c1out.json", 1 << 20, &diag),
        diag);
    write_bytes("c1.json", text, *len);
    return text;
}

#define C2 "FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" seal c2 --in c1.json --out proof "

/* Before anything else: with no parameters there, it is not those that are missed. */
static void test_c2_unwritable(void **state)
{
    (void)state;
    size_t len;
    free(load_c1(&len));
    sh("\"$S\" seal c2 --in c1.json --miner 1000 --sector 1 --out none/proof");
    assert_failed(1, "cannot create none/proof");
    sh("mkdir folder; \"$S\" seal c2 --in c1.json --miner 1000 --sector 1 --out folder");
    assert_failed(1, "folder: is a folder");
}

static void test_c2_refused(void **state)
{
    (void)state;
    size_t len;
    char *text = load_c1(&len);
    json_t *json = test_vectors("seal/2k-data-v1_1.json");
    const char *sector = text_of(json, "sector"), *miner = text_of(json, "miner");
    sh(C2 "--miner %s --sector %s", miner, sector);
    assert_failed(1, "keys/v28-stacked-proof-of-replication-merkletree-poseidon_hasher-8-0-0-"
                     "sha256_hasher-");
    assert_has(last.err, "selkie params generate");
    sh(C2 "--miner %s --sector 77", miner);
    assert_failed(1, "c1.json: replica_id is");
    char *at = strstr(text, "\"leaf\":["); /* of tree_d: that of the challenge */
    assert_non_null(at);
    at[9] = at[9] == '0' ? '1' : '0';
    write_bytes("c1.json", text, len);
    sh(C2 "--miner %s --sector %s", miner, sector);
    assert_failed(1, "c1.json: partition 0: ");
    write_bytes("c1.json", text, len / 2);
    sh(C2 "--miner %s --sector %s", miner, sector);
    assert_failed(1, "this is not what C1 wrote");
    sh(": >c1.json; " C2 "--miner %s --sector %s", miner, sector);
    assert_failed(1, "c1.json: is empty");
    sh("ls proof");
    assert_status(2);
    json_decref(json);
    free(text);
}

/* --- Several partitions ------------------------------------------------------------------------ */

#define TICKET "6e7a000000000000000000000000000000000000000000000000000000000000"
#define POST                                                                                       \
    "FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" post prove --kind window --size 2KiB --randomness "    \
    "01b2000000000000000000000000000000000000000000000000000000000000 --replicas list --out p "

/* Keys, and three sectors of committed capacity, which are two partitions. */
static void make_sectors(void)
{
    sh("FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" params generate --size 2KiB --circuit window");
    assert_status(0);
    sh("for i in 1 2 3; do o=\"--size 2KiB --miner 1000 --sector $i --dir st\"; "
       "\"$S\" seal pc1 $o --ticket " TICKET " --quiet >/dev/null && "
       "r=$(\"$S\" seal pc2 $o --json | sed 's/.*\"comm_r\":\"\\([0-9a-f]*\\)\".*/\\1/') && "
       "echo \"{\\\"sector\\\":$i,\\\"comm_r\\\":\\\"$r\\\","
       "\\\"cache\\\":\\\"st/cache/s-t01000-$i\\\","
       "\\\"sealed\\\":\\\"st/sealed/s-t01000-$i\\\"}\"; done | "
       "paste -sd, | sed 's/^/[/;s/$/]/' >list");
    assert_status(0);
}

static void test_partitions(void **state)
{
    (void)state;
    make_sectors();
    sh(POST "--memory 1MiB");
    assert_failed(1, "1 MiB are allowed; allow more");
    sh(POST "--memory 0");
    assert_failed(2, "--memory '0'");
    sh(POST "--memory 1GiB --json && ls");
    assert_status(0);
    assert_has(last.out, "\"partitions\":2");
    assert_null(strstr(last.out, "partial"));
    /* the first is kept, the second is another's */
    sh("cp p before && { head -c 192 p; head -c 192 p; } >p.partial && rm p && " POST
       "--quiet >/dev/null && cmp -n 192 p before && ! cmp -s p before && ls");
    assert_status(0);
    assert_null(strstr(last.out, "partial"));
    /* both are kept */
    sh("cp p p.partial && mv p before && " POST "--quiet >/dev/null && cmp p before");
    assert_status(0);
}

/* Whenever it comes: the proof is there and done, or there is none, and it is said what to do. */
static void test_interrupted(void **state)
{
    (void)state;
    make_sectors();
    for (unsigned i = 0; i < 4; i++) {
        sh("rm -f p; timeout --preserve-status -s %s 0.%u env " POST
           "--quiet --threads 1 >/dev/null; s=$?; ls; exit $s",
           i % 2 ? "INT" : "TERM", 3 + 2 * i);
        bool there = strstr(last.out, "\np\n") != NULL;
        assert_int_equal(there, last.status == 0);
        if (last.status == 1)
            assert_has(last.err, "no proof was written, run it again");
        else if (last.status != 0) /* the signal came before it was waited for */
            assert_status(i % 2 ? 128 + SIGINT : 128 + SIGTERM);
    }
    sh(POST "--json && ls");
    assert_status(0);
    assert_null(strstr(last.out, "partial"));
}

/* --- bench ------------------------------------------------------------------------------------- */

static void test_bench(void **state)
{
    (void)state;
    json_t *row;
    json_error_t error;
    size_t at;
    double parts = 0;
    bool memory = false;
    sh("FIL_PROOFS_PARAMETER_CACHE=none \"$S\" bench post --json && ls");
    assert_status(0);
    assert_string_equal(last.err, "");
    json_t *got = json_loads(last.out, JSON_DISABLE_EOF_CHECK, &error);
    assert_true(json_array_size(got) > 20);
    assert_string_equal(strchr(last.out, '\n'), "\n"); /* nothing is left in the folder */
    json_array_foreach(got, at, row)
    {
        const char *name = text_of(row, "name");
        assert_true(json_number_value(json_object_get(row, "value")) >= 0);
        if (strstr(name, ", all of it"))
            parts -= 1;
        else if (json_object_get(row, "cpu_seconds"))
            parts += json_number_value(json_object_get(row, "part"));
        if (strcmp(name, "winning of 2KiB, peak memory") == 0)
            memory = json_number_value(json_object_get(row, "share")) > 0;
    }
    assert_true(parts < 1e-3 && parts > -1e-3 && memory);
    json_decref(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_partitions, test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_bench, test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_c2_unwritable, test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_c2_refused, test_dir_setup, test_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
