/* ExtendSectorExpiration2 of sectors with and without verified deals. */

#include "codec/actors/verifreg.h"
#include "devnet/actors/miner/money.h"
#include "devnet/actors/miner/test_miner.h"

/* Of devnet/actors/verifreg_state.h, which has a name in common with the keys of test_machine.h. */
slk_exit_t slk_verifreg_put(slk_rt_t *rt, slk_cid_t *root, uint64_t owner, uint64_t id,
                            const void *record, const slk_type_t *type);

#define EXPIRATION INT64_C(600000)

static test_machine_t tm;
static uint64_t miner;

static slk_sector_on_chain_info_t sector(uint64_t number)
{
    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_sector_on_chain_info_t info;
    bool found;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_sectors_get(&sectors, number, &info, &found));
    slk_sectors_close(&sectors);
    assert_true(found);
    return info;
}

/* Claim `id` of half of a sector. */
static void put_claim(uint64_t id, uint64_t number, int64_t term_max)
{
    slk_rt_t rt = test_rt(&tm, SLK_ID_VERIFREG);
    slk_verifreg_state_t st;
    const slk_node_t comm_p = test_bytes32("piece");
    const slk_claim_t claim = {.provider = miner,
                               .client = 101,
                               .data = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_p),
                               .size = 1024,
                               .term_min = 1,
                               .term_max = term_max,
                               .sector = number};
    assert_rt(&rt, slk_rt_read_state(&rt, &st, &slk_verifreg_state_type));
    assert_rt(&rt, slk_verifreg_put(&rt, &st.claims, miner, id, &claim, &slk_claim_type));
    assert_rt(&rt, slk_rt_write_state(&rt, &st, &slk_verifreg_state_type));
}

/* Sectors 1, without deals, and 2, full of verified ones, active in deadline 0. */
static int setup(void **state)
{
    (void)state;
    slk_sector_on_chain_info_t infos[2] = {0};
    const slk_node_t comm_r = test_bytes32("comm_r");
    slk_post_result_t result;
    test_machine_open(&tm, NULL);
    miner = test_new_miner(&tm, 0, 10);
    for (uint64_t i = 0; i < 2; i++)
        infos[i] = (slk_sector_on_chain_info_t){
            .sector_number = 1 + i,
            .seal_proof = 5,
            .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
            .expiration = EXPIRATION,
            .deal_weight = slk_bigint_u64(i ? 0 : 1024 * EXPIRATION),
            .verified_deal_weight = slk_bigint_u64(i ? 2048 * EXPIRATION : 0),
            .initial_pledge = slk_bigint_u64(1000),
            .daily_fee = slk_bigint_u64(i ? 1000 : 0),
            .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    test_add_sectors(&tm, miner, infos, 2);
    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    slk_deadline_t dl;
    slk_post_partition_t post = {0};
    const slk_post_partition_list_t posts = {&post, 1};
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, 0, &dl));
    const slk_proving_t on = {&rt, &sectors, 2048, slk_miner_quant(&rt, &st, 0)};
    assert_rt(&rt, slk_deadline_record_proven(&on, &dl, 200000, &posts, &result));
    slk_sectors_close(&sectors);
    assert_rt(&rt, slk_deadlines_put(&rt, &deadlines, 0, &dl));
    assert_rt(&rt, slk_deadlines_save(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    const slk_update_claimed_power_params_t delta = {result.power_delta.raw, result.power_delta.qa};
    assert_bigint(delta.quality_adjusted_delta, slk_bigint_u64(11 * 2048));
    assert_int_equal(test_call_as(&tm, miner, SLK_ID_POWER, 3, &delta,
                                  &slk_update_claimed_power_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
    put_claim(7, 2, 1000000);
    put_claim(8, 2, 800000);
    put_claim(9, 3, 1000000);
    test_set_epoch(&tm, 100000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_machine_close(&tm);
    return 0;
}

static void expect(slk_exit_t exit, const char *text)
{
    if (tm.applied.exit != exit || (text && !strstr(tm.applied.text, text)))
        fail_msg("exit %d, %s; expected %d, %s", tm.applied.exit, tm.applied.text, exit,
                 text ? text : "");
}

/* Sector 2 with some claims kept and some dropped; number 0: sector 1 instead. */
static void extend(uint64_t number, const uint64_t *kept, size_t kept_cnt, const uint64_t *dropped,
                   size_t dropped_cnt, int64_t expiration)
{
    slk_sector_claim_t row = {number,
                              {(uint64_t *)(uintptr_t)kept, kept_cnt},
                              {(uint64_t *)(uintptr_t)dropped, dropped_cnt}};
    slk_expiration_extension2_t decl = {.new_expiration = expiration,
                                        .sectors_with_claims = {&row, number != 0}};
    const slk_extend_sector_expiration2_params_t params = {{&decl, 1}};
    if (!number)
        assert_int_equal(slk_bitfield_from_range(&decl.sectors, 1, 1, &tm.arena), SLK_OK);
    test_send(&tm, 0, miner, 32, &params, &slk_extend_sector_expiration2_params_type,
              slk_bigint_u64(0));
}

static void test_without_deals(void **state)
{
    (void)state;
    extend(0, NULL, 0, NULL, 0, EXPIRATION + 50000);
    expect(SLK_EXIT_OK, NULL);
    assert_int_equal(tm.applied.call_cnt, 1); /* neither power nor pledge changes */
    slk_sector_on_chain_info_t info = sector(1);
    assert_int_equal(info.expiration, EXPIRATION + 50000);
    assert_int_equal(info.power_base_epoch, 100000);
    assert_int_equal(info.activation, 0);
    /* What the deals have left, spread over no more time than before. */
    assert_bigint(info.deal_weight, slk_bigint_u64(1024 * (EXPIRATION - 100000)));
    /* It paid no fee and begins to. */
    assert_bigint(info.daily_fee, slk_miner_daily_fee(tm.env.supply, slk_bigint_u64(2048)));
    assert_true(slk_bigint_sign(&info.daily_fee) > 0);
    extend(0, NULL, 0, NULL, 0, EXPIRATION + 40000);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "cannot reduce sector 1 expiration to 640000 from 650000");
    extend(0, NULL, 0, NULL, 0, 100001 + 3680640);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "invalid expiration 3780641, cannot be more than 3680640 past current epoch 100000");
    test_set_epoch(&tm, EXPIRATION + 50001);
    extend(0, NULL, 0, NULL, 0, EXPIRATION + 90000);
    expect(SLK_EXIT_USR_FORBIDDEN, "cannot extend expiration for expired sector 1 at 650000");
    test_set_epoch(&tm, EXPIRATION + 50000);
    extend(0, NULL, 0, NULL, 0, EXPIRATION + 50000);
    expect(SLK_EXIT_USR_ASSERTION_FAILED, NULL);
    test_set_epoch(&tm, EXPIRATION + 49999);
    extend(0, NULL, 0, NULL, 0, 5258485 + 1);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "cannot be more than");
}

static void test_wrong_claims(void **state)
{
    (void)state;
    const uint64_t both[] = {7, 8}, other[] = {7, 9}, missing[] = {7, 77};
    extend(2, NULL, 0, NULL, 0, 700000);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "claim missing from declaration for sector 2 with non-zero verified deal weight "
           "1228800000");
    extend(2, both, 1, NULL, 0, 700000);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "declared verified deal space in claims (1024) does not match verified deal space "
           "(2048) for sector 2");
    extend(2, other, 2, NULL, 0, 700000);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
           "failed to validate declaration sector=2, claim=9 expected claim sector number to be 2 "
           "but found 3");
    extend(2, missing, 2, NULL, 0, 700000);
    expect(SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to get claims for sector 2: invalid claims");
    extend(2, both, 2, NULL, 0, 800001);
    expect(SLK_EXIT_USR_FORBIDDEN,
           "claim=8 claim only allows extension to 800000 but declared new expiration is 800001");
    extend(2, both, 1, both + 1, 1, 900000);
    expect(SLK_EXIT_USR_FORBIDDEN,
           "attempt to drop claims with 500000 epochs > end of life claim drop period 86400 "
           "remaining");
    assert_int_equal(sector(2).expiration, EXPIRATION);
}

static void test_with_claims(void **state)
{
    (void)state;
    const uint64_t both[] = {7, 8};
    slk_update_claimed_power_params_t delta;
    extend(2, both, 2, NULL, 0, 800000);
    expect(SLK_EXIT_OK, NULL);
    slk_sector_on_chain_info_t info = sector(2);
    assert_int_equal(info.expiration, 800000);
    assert_bigint(info.verified_deal_weight, slk_bigint_u64(2048 * 700000));
    assert_bigint(info.daily_fee, slk_bigint_u64(1000));
    assert_int_equal(tm.applied.call_cnt, 2); /* the claims alone */

    /* In the last 30 days half of them may go: 5.5 times instead of 10. */
    test_set_epoch(&tm, 800000 - 86400);
    extend(2, both, 1, both + 1, 1, 900000);
    expect(SLK_EXIT_OK, NULL);
    info = sector(2);
    assert_bigint(info.verified_deal_weight, slk_bigint_u64(1024 * (900000 - 713600)));
    assert_bigint(info.daily_fee, slk_bigint_u64(550));
    assert_int_equal(tm.applied.call_cnt, 3);
    const slk_call_t *call = &tm.applied.calls[2];
    assert_int_equal(call->to, SLK_ID_POWER);
    assert_int_equal(call->method, 3);
    assert_ok(slk_record_decode(&delta, &slk_update_claimed_power_params_type, call->params.b,
                                call->params.len, &tm.arena, &tm.diag),
              tm.diag);
    assert_bigint(delta.raw_byte_delta, slk_bigint_u64(0));
    assert_bigint(delta.quality_adjusted_delta, slk_bigint_i64(-9216));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_deals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_with_claims, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
