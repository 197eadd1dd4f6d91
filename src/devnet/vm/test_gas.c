/* Charges of recorded messages, and the base fee of a recorded idle chain. */

#include "devnet/vm/gas.h"
#include "test_util.h"

#include <dirent.h>

static slk_bigint_t amount(const json_t *object, const char *name)
{
    slk_bigint_t v;
    slk_diag_t diag;
    const json_t *json = json_object_get(object, name);
    char text[32];
    const char *decimal = json_string_value(json);
    if (!decimal) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(json));
        decimal = text;
    }
    assert_ok(slk_bigint_from_text(&v, decimal, &diag), diag);
    return v;
}

static void assert_amount(const json_t *cost, const char *name, slk_bigint_t got)
{
    slk_bigint_t want = amount(cost, name);
    if (slk_bigint_cmp(&want, &got))
        fail_msg("%s: %s, expected %s", name, slk_bigint_text(&got).s, slk_bigint_text(&want).s);
}

static void charges(void **state)
{
    (void)state;
    unsigned seen = 0;
    DIR *dir = opendir(SLK_VECTORS "/lotus-rpc/messages");
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char name[320];
        if (!strstr(e->d_name, ".json"))
            continue;
        snprintf(name, sizeof name, "lotus-rpc/messages/%s", e->d_name);
        json_t *json = test_vectors(name), *cost = json_object_get(json, "gas_cost");
        const json_t *m = json_object_get(json, "message");
        slk_message_t message = {
            .gas_limit = json_integer_value(json_object_get(m, "GasLimit")),
            .gas_fee_cap = amount(m, "GasFeeCap"),
            .gas_premium = amount(m, "GasPremium"),
        };
        slk_bigint_t base_fee = amount(json_object_get(json, "included_in"), "base_fee"), used;
        int64_t gas;
        used = amount(cost, "GasUsed");
        assert_true(slk_bigint_to_i64(&used, &gas));
        slk_gas_charge_t c = slk_gas_charge(&message, gas, &base_fee);
        assert_amount(cost, "BaseFeeBurn", c.base_fee_burn);
        assert_amount(cost, "OverEstimationBurn", c.over_estimation_burn);
        assert_amount(cost, "MinerPenalty", c.miner_penalty);
        assert_amount(cost, "MinerTip", c.miner_tip);
        assert_amount(cost, "Refund", c.refund);
        json_decref(json);
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 30);
}

static void low_caps(void **state)
{
    (void)state;
    slk_bigint_t base_fee = slk_bigint_u64(1000), want;
    slk_message_t message = {
        .gas_limit = 100, .gas_fee_cap = slk_bigint_u64(300), .gas_premium = slk_bigint_u64(50)};
    slk_gas_charge_t c = slk_gas_charge(&message, 100, &base_fee);
    want = slk_bigint_u64(700 * 100);
    assert_int_equal(slk_bigint_cmp(&c.miner_penalty, &want), 0);
    want = slk_bigint_u64(300 * 100);
    assert_int_equal(slk_bigint_cmp(&c.base_fee_burn, &want), 0);
    assert_int_equal(slk_bigint_sign(&c.miner_tip), 0);
    assert_int_equal(slk_bigint_sign(&c.refund), 0);
    c = slk_gas_charge(&message, 0, &base_fee); /* nothing used: all of the limit burns */
    assert_int_equal(slk_bigint_cmp(&c.over_estimation_burn, &want), 0);
}

static void idle_base_fee(void **state)
{
    (void)state;
    json_t *json = test_vectors("lotus-rpc/base-fee.json"), *row, *fees;
    size_t i;
    slk_bigint_t fee = slk_bigint_u64(100000000);
    fees = json_object_get(json, "series");
    assert_true(json_array_size(fees) > 100);
    json_array_foreach(fees, i, row)
    {
        slk_bigint_t want = slk_bigint_i64(json_integer_value(json_array_get(row, 1)));
        fee = slk_next_base_fee(&fee, NULL, 0);
        if (slk_bigint_cmp(&want, &fee))
            fail_msg("height %lld: %s, expected %s",
                     (long long)json_integer_value(json_array_get(row, 0)), slk_bigint_text(&fee).s,
                     slk_bigint_text(&want).s);
    }
    json_decref(json);
}

static void busy_base_fee(void **state)
{
    (void)state;
    slk_gas_paid_t paid[] = {{slk_bigint_u64(10), 3000000000},
                             {slk_bigint_u64(500), 5000000000},
                             {slk_bigint_u64(200), 2999999999},
                             {slk_bigint_u64(150), 2}};
    slk_bigint_t fee = slk_bigint_u64(800), next = slk_next_base_fee(&fee, paid, 4),
                 want = slk_bigint_u64(800 + 50);
    /* 500 and 200 take the gas before position 7999999999; the one of 150 has it. */
    assert_int_equal(slk_bigint_cmp(&next, &want), 0);
    paid[3].limit = 0;
    paid[2].limit = 0;
    for (size_t i = 0; i < 4; i++)
        if (paid[i].limit == 3000000000)
            paid[i].limit = 1;
    next = slk_next_base_fee(&fee, paid, 4);
    want = slk_bigint_u64(700);
    assert_int_equal(slk_bigint_cmp(&next, &want), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges),
        cmocka_unit_test(low_caps),
        cmocka_unit_test(idle_base_fee),
        cmocka_unit_test(busy_base_fee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
