#include "codec/policy.h"
#include "test_util.h"

static void networks(void **state)
{
    (void)state;
    const slk_policy_t *p = slk_policy_by_name("2k");
    assert_null(slk_policy_by_name("3k"));
    assert_int_equal(p->precommit_challenge_delay, 10);
    assert_int_equal(p->max_prove_commit_duration, 86410);
    assert_int_equal(p->creation_deposit_power, 204);
    assert_int_equal(p->sector_sizes, 2048 + 8388608);
    assert_int_equal(p->max_precommit_lookback, 3780);
    assert_int_equal(p->fault_max_age, 120960);
    assert_int_equal(p->max_sector_extension, 3680640);
    p = slk_policy_by_name("mainnet");
    assert_int_equal(p->max_prove_commit_duration, 86550);
    assert_int_equal(p->consensus_min_power, 10995116277760);
    assert_int_equal(p->letter, 'f');
    assert_int_equal(p->deadlines * p->challenge_window, p->proving_period);
    assert_int_equal(slk_policy_max_deals(2048), 256);
    assert_int_equal(slk_policy_max_deals((uint64_t)64 << 30), 512);
}

static void scaled(void **state)
{
    (void)state;
    const slk_policy_t *p = slk_policy_by_name("2k");
    slk_policy_t same = slk_policy_scaled(p, 48, 60), small = slk_policy_scaled(p, 6, 15);
    assert_int_equal(same.fault_max_age, p->fault_max_age);
    assert_int_equal(same.dispute_window, p->dispute_window);
    assert_int_equal(same.min_sector_expiration, p->min_sector_expiration);
    assert_int_equal(same.challenge_lookback, p->challenge_lookback);
    assert_int_equal(small.proving_period, 90);
    assert_int_equal(small.challenge_lookback, 5);
    assert_int_equal(small.fault_declaration_cutoff, 18);
    assert_int_equal(small.dispute_window, 39); /* of the 60 epochs in which it is mutable */
    assert_int_equal(small.fault_max_age, 42 * 90);
    assert_int_equal(small.min_sector_expiration, 180 * 90);
    assert_int_equal(small.finality, 900);
    assert_int_equal(small.max_prove_commit_duration, 30 * 90 + 10);
    assert_int_equal(small.expired_precommit_delay, 16 * 15);
    assert_int_equal(same.max_prove_commit_duration, p->max_prove_commit_duration);
    assert_int_equal(same.expired_precommit_delay, p->expired_precommit_delay);
    small = slk_policy_scaled(p, 3, 4);
    assert_true(small.challenge_lookback >= 1 &&
                small.fault_declaration_cutoff > small.challenge_lookback);
    for (uint32_t deadlines = 3; deadlines <= 48; deadlines++) {
        small = slk_policy_scaled(p, deadlines, 4);
        assert_true(small.max_prove_commit_duration + small.min_sector_expiration <
                    small.max_sector_extension);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(scaled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
