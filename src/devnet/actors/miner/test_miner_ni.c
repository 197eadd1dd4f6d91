/* Non-interactive sectors. Aggregates are not verified by this build, which refuses them all; in the
 * verifier's place stands a check of what it is asked, so that the rest of the method runs. */

#include "devnet/actors/miner/activation.h"

static slk_exit_t expect_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof);
slk_actor_fn_t tested_prove_commit_sectors_ni;

#define slk_verify_aggregate              expect_aggregate
#define slk_miner_prove_commit_sectors_ni tested_prove_commit_sectors_ni
#include "devnet/actors/miner/prove_ni.c"
#undef slk_miner_prove_commit_sectors_ni
#undef slk_verify_aggregate

#include "devnet/actors/miner/test_miner.h"

#define MINER 1000u
#define NOW   100
#define CNT   3u

static test_machine_t tm;
static slk_sector_ni_activation_info_t sectors[CNT];
static slk_prove_commit_sectors_ni_params_t params;
static slk_rt_t rt;
static unsigned asked;

/* All sectors are witnesses, also those that are not activated. */
static slk_exit_t expect_aggregate(slk_rt_t *of, const slk_seal_info_t *infos, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof)
{
    const slk_address_t miner = slk_address_id(MINER);
    slk_node_t ones, ticket;
    slk_buf_t entropy = {0};
    (void)of;
    memset(&ones, 1, sizeof ones);
    slk_cbor_put_address(&entropy, &miner);
    assert_int_equal(aggregate_type, 1);
    assert_int_equal(proof.len, 5);
    assert_int_equal(cnt, CNT);
    for (size_t i = 0; i < cnt; i++) {
        assert_ok(test_draw(NULL, &ticket, false, 5, sectors[i].seal_rand_epoch, entropy.bytes,
                            entropy.len, &tm.diag),
                  tm.diag);
        assert_int_equal(infos[i].seal_proof, 15);
        assert_int_equal(infos[i].miner, MINER);
        assert_int_equal(infos[i].sector, sectors[i].sealing_number);
        assert_memory_equal(&infos[i].seed, &ones, 32);
        assert_memory_equal(&infos[i].ticket, &ticket, 32);
        /* Zeros: spec 1.2 */
        assert_node_hex(&infos[i].comm_d,
                        "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833");
    }
    slk_buf_free(&entropy);
    asked++;
    return SLK_EXIT_OK;
}

static int open_ni(void **state)
{
    (void)state;
    const slk_node_t comm_r = test_bytes32("comm_r");
    test_machine_open(&tm, NULL);
    assert_int_equal(test_new_miner(&tm, 0, 10), MINER);
    test_set_epoch(&tm, NOW);
    for (uint64_t i = 0; i < CNT; i++)
        sectors[i] = (slk_sector_ni_activation_info_t){
            .sealing_number = 10 + i,
            .sealer_id = MINER,
            .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
            .sector_number = 10 + i,
            .seal_rand_epoch = 50,
            .expiration = NOW + 600000};
    params =
        (slk_prove_commit_sectors_ni_params_t){.sectors = {sectors, CNT},
                                               .aggregate_proof = {(const uint8_t *)"proof", 5},
                                               .seal_proof_type = 15,
                                               .aggregate_proof_type = 1,
                                               .proving_deadline = 7};
    asked = 0;
    return 0;
}

static int close_ni(void **state)
{
    (void)state;
    test_machine_close(&tm);
    return 0;
}

static slk_exit_t prove(void)
{
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, &slk_prove_commit_sectors_ni_params_type, &params, &tm.diag),
              tm.diag);
    rt = test_rt(&tm, MINER);
    rt.caller = 100;
    rt.params = (slk_bytes_t){slk_arena_copy(&tm.arena, buf.bytes, buf.len), buf.len};
    slk_buf_free(&buf);
    return tested_prove_commit_sectors_ni(&rt);
}

#define assert_refused(want, words)                                                                \
    do {                                                                                           \
        slk_exit_t assert_refused_exit = prove();                                                  \
        if (assert_refused_exit != (want) || !strstr(rt.text, (words)))                            \
            fail_msg("exit %d, %s", assert_refused_exit, rt.text);                                 \
    } while (0)

static void test_sectors(void **state)
{
    (void)state;
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_bigint_t sum = slk_bigint_u64(2 * UINT64_C(59604643840));
    sectors[1].sealer_id = MINER + 1; /* fails, and its number is used all the same */
    const size_t calls = tm.machine->call_cnt, events = tm.machine->event_cnt;
    assert_rt(&rt, prove());
    assert_int_equal(asked, 1);
    assert_int_equal(rt.ret.len, 6);
    assert_memory_equal(rt.ret.b, "\x82\x02\x81\x82\x01\x10", 6);
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_bigint(st.initial_pledge, sum);
    assert_bigint(st.pre_commit_deposits, slk_bigint_u64(0));
    assert_true(st.deadline_cron_active);
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, 7, &deadline));
    assert_int_equal(deadline.live_sectors, 2);
    assert_int_equal(tm.machine->event_cnt, events + 2);
    /* Reward, power, pledge, cron. */
    static const uint64_t methods[] = {3, 9, 6, 4};
    assert_int_equal(tm.machine->call_cnt, calls + SLK_COUNT(methods));
    for (size_t i = 0; i < SLK_COUNT(methods); i++)
        assert_int_equal(tm.machine->calls[calls + i].method, methods[i]);
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                   "sector numbers BitField { ranges: [10..13], set: {}, unset: {} } already");
}

static void test_refused_sectors(void **state)
{
    (void)state;
    params.require_activation_success = true;
    sectors[2].sealing_number = 11;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                   "invalid NI commit 2 while requiring activation success");
    sectors[2].sealing_number = 12;
    sectors[2].expiration = NOW + 518399;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid NI commit 2");
    sectors[2].expiration = NOW + 518400;
    sectors[2].seal_rand_epoch = NOW;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "seal challenge epoch 100 must be before now");
    sectors[2].seal_rand_epoch = NOW - 180 * 2880 - 1;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid NI commit 2");
    sectors[2].seal_rand_epoch = NOW - 180 * 2880;
    sectors[2].sector_number = sectors[2].sealing_number = 10;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "duplicate sector number 10");
    params.require_activation_success = false;
    sectors[2].sector_number = sectors[2].sealing_number = UINT64_MAX;
    sectors[0].sealer_id = sectors[1].sealer_id = 1;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid NI commits specified");
    assert_int_equal(asked, 0);
}

static void test_refused_messages(void **state)
{
    (void)state;
    params.proving_deadline = 48;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "proving deadline index 48 invalid");
    params.proving_deadline = (NOW + 2880 - 658) / 60; /* open */
    assert_refused(SLK_EXIT_USR_FORBIDDEN, "must not be the current or next deadline");
    params.proving_deadline++;
    assert_refused(SLK_EXIT_USR_FORBIDDEN, "must not be the current or next deadline");
    params.proving_deadline = 0;
    params.seal_proof_type = 5;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "unsupported seal proof type 5");
    params.seal_proof_type = 18; /* 32GiB */
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "unsupported seal proof type 18");
    params.seal_proof_type = 15;
    params.aggregate_proof_type = 0;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "aggregate proof type must be SnarkPackV2");
    params.aggregate_proof_type = 1;
    params.sectors.count = 0;
    assert_refused(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "too few sectors addressed, addressed 0");
    params.sectors.count = CNT;
    /* A message reaches the verifier, which says what is the matter. */
    assert_int_equal(test_send(&tm, 0, MINER, 36, &params, &slk_prove_commit_sectors_ni_params_type,
                               slk_bigint_u64(0)),
                     SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(tm.applied.text, "aggregate seal verify failed: an aggregate of seal "
                                            "proofs cannot be verified"));
    assert_int_equal(test_send(&tm, 1, MINER, 36, &params, &slk_prove_commit_sectors_ni_params_type,
                               slk_bigint_u64(0)),
                     SLK_EXIT_USR_FORBIDDEN);
}

static void test_no_money(void **state)
{
    (void)state;
    slk_miner_state_t st;
    slk_bigint_t unlocked;
    rt = test_rt(&tm, MINER);
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_miner_unlocked_balance(&rt, &st, &unlocked));
    assert_rt(&rt, slk_miner_add_pledge(&rt, &st, unlocked));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    assert_refused(SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                   "insufficient funds for aggregate initial pledge requirement "
                   "0.00000017881393152, available: 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sectors, open_ni, close_ni),
        cmocka_unit_test_setup_teardown(test_refused_sectors, open_ni, close_ni),
        cmocka_unit_test_setup_teardown(test_refused_messages, open_ni, close_ni),
        cmocka_unit_test_setup_teardown(test_no_money, open_ni, close_ni),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
