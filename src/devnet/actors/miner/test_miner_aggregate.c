/* ProveCommitSectors3 with an aggregate. Aggregates are not verified by this build, which refuses
 * them all; in the verifier's place stands a check of what it is asked, so that the rest of the
 * method runs. */

#include "devnet/actors/miner/activation.h"

slk_actor_fn_t tested_prove_commit_sectors3;
static slk_exit_t expect_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof);

#define slk_verify_aggregate            expect_aggregate
#define slk_miner_prove_commit_sectors3 tested_prove_commit_sectors3
#include "devnet/actors/miner/prove_commit.c"
#undef slk_miner_prove_commit_sectors3
#undef slk_verify_aggregate

#include "devnet/actors/miner/test_miner.h"

#define MINER 1000u
#define CNT   5u
#define FIRST 100

static test_machine_t tm;
static slk_sector_pre_commit_info_t infos[CNT];
static unsigned asked;

/* All sectors in the order of the message, also one whose pre-commit has run out. */
static slk_exit_t expect_aggregate(slk_rt_t *rt, const slk_seal_info_t *seals, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof)
{
    slk_node_t comm_r, seed;
    slk_buf_t entropy = {0};
    const slk_address_t miner = slk_address_id(MINER);
    (void)rt;
    slk_cbor_put_address(&entropy, &miner);
    assert_int_equal(aggregate_type, 1);
    assert_int_equal(proof.len, 9);
    assert_int_equal(cnt, CNT);
    for (size_t i = 0; i < cnt; i++) {
        assert_int_equal(seals[i].sector, infos[i].sector_number);
        assert_ok(slk_cid_to_commitment(&comm_r, SLK_CID_SEALED, &infos[i].sealed_cid, &tm.diag),
                  tm.diag);
        assert_memory_equal(&seals[i].comm_r, &comm_r, 32);
        assert_ok(test_draw(NULL, &seed, true, 6, FIRST + (int64_t)i + 10, entropy.bytes,
                            entropy.len, &tm.diag),
                  tm.diag);
        assert_memory_equal(&seals[i].seed, &seed, 32);
    }
    slk_buf_free(&entropy);
    asked++;
    return SLK_EXIT_OK;
}

/* Sectors 20, 19, 18 ... pre-committed one epoch after the other. */
static void precommit_all(void)
{
    test_machine_open(&tm, NULL);
    assert_int_equal(test_new_miner(&tm, 0, 10), MINER);
    for (size_t i = 0; i < CNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "comm_r %zu", i);
        const slk_node_t comm_r = test_bytes32(name);
        infos[i] = (slk_sector_pre_commit_info_t){
            .seal_proof = 5,
            .sector_number = 20 - i,
            .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
            .seal_rand_epoch = 50,
            .expiration = 1000000};
        const slk_pre_commit_sector_batch2_params_t params = {{&infos[i], 1}};
        test_set_epoch(&tm, FIRST + (int64_t)i);
        assert_int_equal(test_send(&tm, 0, MINER, 28, &params,
                                   &slk_pre_commit_sector_batch2_params_type, slk_bigint_u64(0)),
                         SLK_EXIT_OK);
    }
}

static void test_an_aggregate(void **state)
{
    (void)state;
    slk_sector_activation_manifest_t manifests[CNT] = {0};
    int64_t type = 1;
    slk_prove_commit_sectors3_params_t params = {
        .sector_activations = {manifests, CNT},
        .aggregate_proof = {(const uint8_t *)"aggregate", 9},
        .aggregate_proof_type = &type};
    slk_buf_t buf = {0};
    slk_miner_state_t st;
    precommit_all();
    for (size_t i = 0; i < CNT; i++)
        manifests[i].sector_number = infos[i].sector_number;
    /* The first one's time is over since this epoch. */
    test_set_epoch(&tm, FIRST + tm.policy.max_prove_commit_duration + 1);
    assert_int_equal(test_send(&tm, 0, MINER, 34, &params, &slk_prove_commit_sectors3_params_type,
                               slk_bigint_u64(0)),
                     SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(tm.applied.text, "an aggregate of seal proofs cannot be verified"));

    assert_ok(slk_record_encode(&buf, &slk_prove_commit_sectors3_params_type, &params, &tm.diag),
              tm.diag);
    slk_rt_t rt = test_rt(&tm, MINER);
    rt.caller = 100;
    rt.params = (slk_bytes_t){buf.bytes, buf.len};
    assert_rt(&rt, slk_miner_load(&rt, &st));
    const slk_bigint_t deposits = st.pre_commit_deposits;
    assert_rt(&rt, tested_prove_commit_sectors3(&rt));
    slk_buf_free(&buf);
    assert_int_equal(asked, 1);
    assert_int_equal(rt.ret.len, 6);
    assert_memory_equal(rt.ret.b, "\x82\x04\x81\x82\x00\x10", 6);
    /* The deposit of the one that failed stays until it is cleaned up. */
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_bigint(slk_bigint_mul(st.pre_commit_deposits, slk_bigint_u64(CNT)), deposits);
    assert_bigint(st.initial_pledge, slk_bigint_u64(4 * UINT64_C(59604643840)));
    test_machine_close(&tm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_aggregate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
