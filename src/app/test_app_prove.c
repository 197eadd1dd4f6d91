/* selkie seal c2, as its users see it: what it refuses. The library's tests make proofs. */

#include "app/test_run.h"

#include "base/bytes.h"
#include "base/file.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_c2_refused, test_dir_setup, test_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
