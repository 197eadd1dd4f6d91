#include "test_util.h"

#include "chain/gas.h"

static slk_gas_t gas(int64_t limit, uint64_t cap, uint64_t premium)
{
    return (slk_gas_t){
        .gas_limit = limit, .fee_cap = slk_bigint_u64(cap), .premium = slk_bigint_u64(premium)};
}

static void assert_gas(const slk_gas_t *got, int64_t limit, uint64_t cap, uint64_t premium)
{
    uint64_t value = 0;
    assert_true(got->gas_limit == limit);
    assert_true(slk_bigint_to_u64(&got->fee_cap, &value) && value == cap);
    assert_true(slk_bigint_to_u64(&got->premium, &value) && value == premium);
}

/* What a node answered to "MaxFee 1 FIL, MaximizeFeeCap" for this limit: 10^18 / 904953. */
static void test_cap(void **state)
{
    (void)state;
    slk_bigint_t fil = slk_bigint_u64(1000000000000000000u);
    slk_gas_t g = gas(904953, UINT64_MAX, 100072);
    assert_true(slk_gas_cap(&g, &fil));
    assert_gas(&g, 904953, 1105029763976u, 100072);
    slk_bigint_t default_fee = slk_gas_default_max_fee();
    assert_string_equal(slk_bigint_text(&default_fee).s, "70000000000000000");

    g = gas(1000, 500, 400);
    slk_bigint_t fee = slk_bigint_u64(500000);
    assert_true(slk_gas_cap(&g, &fee)); /* exactly what is allowed */
    assert_gas(&g, 1000, 500, 400);
    fee = slk_bigint_u64(300999);
    assert_true(slk_gas_cap(&g, &fee));
    assert_gas(&g, 1000, 300, 300);
    fee = slk_bigint_u64(99999);
    assert_false(slk_gas_cap(&g, &fee));
    assert_gas(&g, 1000, 300, 300);
}

/* A node wanted 112050, 110 % of 101863 and one more (recorded); ours is above. */
static void test_replace(void **state)
{
    (void)state;
    slk_bigint_t old = slk_bigint_u64(101863), raised = slk_gas_replace_premium(&old);
    assert_string_equal(slk_bigint_text(&raised).s, "127329");
    old = slk_bigint_u64(0);
    raised = slk_gas_replace_premium(&old);
    assert_string_equal(slk_bigint_text(&raised).s, "1");

    slk_gas_t from = gas(1000, 200, 100), estimate = gas(1000, 150, 90), to;
    slk_bigint_t plenty = slk_bigint_u64(1000000), tight = slk_bigint_u64(200000),
                 little = slk_bigint_u64(199999);
    assert_true(slk_gas_replace(&to, &from, &estimate, &plenty));
    assert_gas(&to, 1000, 200, 126);
    estimate = gas(1000, 900, 700);
    assert_true(slk_gas_replace(&to, &from, &estimate, &plenty));
    assert_gas(&to, 1000, 900, 700);
    assert_true(slk_gas_replace(&to, &from, &estimate, &tight));
    assert_gas(&to, 1000, 200, 200);
    assert_false(slk_gas_replace(&to, &from, &estimate, &little));
    assert_gas(&to, 1000, 200, 126); /* what it would take */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_replace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
