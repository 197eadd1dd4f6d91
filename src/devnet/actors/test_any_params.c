/* Whatever well-formed parameters somebody sends to the network's actors, their methods end with
 * an exit code: no assertion, no end of the chain, and money stays. */

#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/actors/test_any_values.h"

#define MESSAGES  6000u
#define GAS_LIMIT INT64_C(200000000)

static test_machine_t tm;
/* --- Methods ---------------------------------------------------------------------------------- */

/* caller 0: an account by a message; else this actor, which passes on what others say. */
static const struct {
    uint64_t actor, method, caller;
    const slk_type_t *params;
} methods[] = {
    {SLK_ID_POWER, 2, 0, &slk_create_miner_params_type},
    {SLK_ID_POWER, 3, 0, &slk_update_claimed_power_params_type},
    {SLK_ID_POWER, 3753401894, 0, &slk_value_u64_type},
    {SLK_ID_POWER, 36284446, 0, &slk_value_u64_type},
    {SLK_ID_REWARD, 2, 0, &slk_award_block_reward_params_type},
    {SLK_ID_MARKET, 2, 0, &slk_value_address_type},
    {SLK_ID_MARKET, 3, 0, &slk_market_withdraw_balance_params_type},
    {SLK_ID_MARKET, 4, 0, &slk_publish_storage_deals_params_type},
    {SLK_ID_MARKET, 7, 1000, &slk_on_miner_sectors_terminate_params_type},
    {SLK_ID_MARKET, 726108461, 0, &slk_value_address_type},
    {SLK_ID_MARKET, 2611213344, 0, &slk_value_u64_type},
    {SLK_ID_MARKET, 1900091594, 0, &slk_value_bitfield_type},
    {SLK_ID_MARKET, 2034386435, 1000, &slk_sector_content_changed_params_type},
    {SLK_ID_VERIFREG, 2, 80, &slk_verifier_params_type},
    {SLK_ID_VERIFREG, 3, 80, &slk_value_address_type},
    {SLK_ID_VERIFREG, 4, 0, &slk_verifier_params_type},
    {SLK_ID_VERIFREG, 8, 0, &slk_remove_expired_allocations_params_type},
    {SLK_ID_VERIFREG, 9, 1000, &slk_claim_allocations_params_type},
    {SLK_ID_VERIFREG, 10, 0, &slk_claims_params_type},
    {SLK_ID_VERIFREG, 11, 0, &slk_extend_claim_terms_params_type},
    {SLK_ID_VERIFREG, 12, 0, &slk_claims_params_type},
    {SLK_ID_VERIFREG, 3726118371, 7, &slk_universal_receiver_params_type},
    {SLK_ID_DATACAP, 80475954, 0, &slk_transfer_params_type},
    {SLK_ID_DATACAP, 3621052141, 0, &slk_transfer_from_params_type},
    {SLK_ID_DATACAP, 3621052141, 5, &slk_transfer_from_params_type},
    {SLK_ID_DATACAP, 1434719642, 0, &slk_value_bigint_type},
    {SLK_ID_DATACAP, 3261979605, 0, &slk_value_address_type},
    {SLK_ID_INIT, 2, 0, &slk_exec_params_type},
    {100, 2643134072, 0, &slk_authenticate_message_params_type},
};

/* Allocations in the transfer, often. */
static void put_params(slk_buf_t *buf, const slk_type_t *type)
{
    slk_buf_clear(buf);
    if (type != &slk_transfer_params_type || chance(2)) {
        put_record(&tm, buf, type, 0);
        return;
    }
    slk_buf_t requests = {0};
    put_record(&tm, &requests, &slk_allocation_requests_type, 0);
    slk_cbor_put_array(buf, 3);
    put_address(&tm, buf);
    put_bigint(buf);
    slk_cbor_put_bytes(buf, requests.bytes, requests.len);
    slk_buf_free(&requests);
}

static void send(uint64_t to, uint64_t method, slk_bytes_t params, slk_bigint_t value)
{
    slk_message_t message = test_message(&tm, &tm.accounts[chance(TEST_ACCOUNTS)],
                                         slk_address_id(to), method, params, value);
    message.gas_limit = GAS_LIMIT;
    test_apply(&tm, &message);
}

static void test_any(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    unsigned good = 0, unreadable = 0;
    const slk_create_miner_params_t miner = {
        .owner = tm.accounts[0], .worker = tm.accounts[1], .window_post_proof_type = 10};
    assert_int_equal(
        test_send(&tm, 0, SLK_ID_POWER, 2, &miner, &slk_create_miner_params_type, test_fil(1)),
        SLK_EXIT_OK);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const size_t k = chance(SLK_COUNT(methods));
        const slk_bigint_t value = slk_bigint_u64(chance(3) ? 0 : chance(UINT64_MAX));
        put_params(&buf, methods[k].params);
        const slk_bytes_t params = {buf.bytes, buf.len};
        if (methods[k].caller)
            assert_ok(slk_machine_apply_implicit(tm.machine, methods[k].caller, methods[k].actor,
                                                 methods[k].method, params, slk_bigint_u64(0),
                                                 &tm.applied, &tm.diag),
                      tm.diag);
        else
            send(methods[k].actor, methods[k].method, params, value);
        good += tm.applied.exit == SLK_EXIT_OK;
        unreadable += tm.applied.exit == SLK_EXIT_USR_SERIALIZATION;
        if (i % 1000 == 0)
            test_set_epoch(&tm, tm.env.epoch + (int64_t)chance(100));
    }
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    if (good < MESSAGES / 10 || unreadable > MESSAGES / 10)
        fail_msg("of %u messages %u good, %u not readable", MESSAGES, good, unreadable);
    slk_buf_free(&buf);
}

static int setup(void **state)
{
    (void)state;
    test_machine_open(&tm, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_machine_close(&tm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
