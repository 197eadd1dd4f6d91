/* Fixed-base multiples against blst's own multiplication. */
#include "test_util.h"

#include "crypto/msm/fixed_base.h"
#include "crypto/msm/fixed_plan.h"
#include "selkie/cpu.h"

#include <blst.h>

#define CNT_MAX 2100u /* more than a batch */

static slk_fr_t scalars[CNT_MAX];

static slk_fr_t random_scalar(uint64_t i)
{
    char text[32];
    slk_fr_t fr;
    snprintf(text, sizeof text, "scalar %llu", (unsigned long long)i);
    slk_node_t node = test_bytes32(text);
    node.b[31] &= 0x3f;
    assert_true(slk_fr_from_node(&fr, &node));
    return fr;
}

/* 0, 1, -1, what is near r/2, powers of two and their neighbours, then random ones. */
static int make_scalars(void **state)
{
    (void)state;
    slk_fr_t one, two, half, zero = {{0}};
    size_t n = 0;
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&two, 2);
    slk_fr_inv(&half, &two); /* (r + 1) / 2 */
    scalars[n++] = zero;
    scalars[n++] = one;
    slk_fr_sub(&scalars[n++], &zero, &one);
    scalars[n++] = half;
    slk_fr_sub(&scalars[n++], &half, &one);
    slk_fr_add(&scalars[n++], &half, &one);
    slk_fr_t power = one;
    for (unsigned k = 0; k < 254; k++) {
        slk_fr_add(&power, &power, &power);
        scalars[n++] = power;
        slk_fr_sub(&scalars[n++], &power, &one);
        slk_fr_sub(&scalars[n++], &zero, &power);
    }
    for (; n < CNT_MAX; n++)
        scalars[n] = random_scalar(n);
    return 0;
}

/* Digits give the scalar back, at every size of window. */
static void test_digits(void **state)
{
    (void)state;
    static const uint64_t expected[] = {1, 100, 1000, 10000, 100000, 1000000};
    for (size_t e = 0; e < sizeof expected / sizeof expected[0]; e++) {
        fixed_plan_t plan = slk_fixed_plan(expected[e]);
        assert_in_range(plan.bits, FIXED_BITS_MIN, FIXED_BITS_MAX);
        slk_fr_t shift;
        slk_fr_from_u64(&shift, 2 * (uint64_t)plan.half);
        for (size_t i = 0; i < CNT_MAX; i++) {
            int16_t digits[FIXED_WINDOWS_MAX];
            slk_fr_t sum = {{0}}, part, zero = {{0}};
            bool negative = slk_fixed_digits(digits, &plan, &scalars[i]);
            for (unsigned w = plan.windows; w-- > 0;) {
                assert_true(abs(digits[w]) <= (int)plan.half);
                slk_fr_mul(&sum, &sum, &shift);
                slk_fr_from_u64(&part, (uint64_t)abs(digits[w]));
                if ((digits[w] < 0) != negative)
                    slk_fr_sub(&part, &zero, &part);
                slk_fr_add(&sum, &sum, &part);
            }
            assert_true(slk_fr_eq(&sum, &scalars[i]));
        }
    }
}

/* step: compare every step-th multiple only. */
#define CHECK(g, p)                                                                                \
    static void check_##g(uint64_t expected, size_t cnt, size_t step, const slk_job_t *job)        \
    {                                                                                              \
        slk_fixed_##g##_t *fixed;                                                                  \
        slk_diag_t diag;                                                                           \
        blst_##p point;                                                                            \
        blst_##p##_affine base, want, *got = malloc(cnt * sizeof *got);                            \
        slk_node_t node = test_bytes32("base");                                                    \
        blst_##p##_mult(&point, blst_##p##_generator(), node.b, 250);                              \
        blst_##p##_to_affine(&base, &point);                                                       \
        assert_ok(slk_fixed_##g##_new(&fixed, &base, expected, job, &diag), diag);                 \
        slk_fixed_##g##_mul(fixed, got, scalars, cnt);                                             \
        for (size_t i = 0; i < cnt; i += i < 20 ? 1 : step) {                                      \
            slk_fr_to_node(&node, &scalars[i]);                                                    \
            blst_##p##_from_affine(&point, &base);                                                 \
            blst_##p##_mult(&point, &point, node.b, 255);                                          \
            blst_##p##_to_affine(&want, &point);                                                   \
            if (!blst_##p##_affine_is_equal(&want, &got[i]))                                       \
                fail_msg("%s: multiple %zu differs", #g, i);                                       \
            assert_int_equal(blst_##p##_affine_is_inf(&want), blst_##p##_affine_is_inf(&got[i]));  \
        }                                                                                          \
        slk_fixed_##g##_free(fixed);                                                               \
        free(got);                                                                                 \
    }

CHECK(g1, p1)
CHECK(g2, p2)

static void test_multiples(void **state)
{
    (void)state;
    slk_job_t job = {0};
    slk_diag_t diag;
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    check_g1(1, 1, 1, NULL);
    check_g1(3, 3, 1, NULL);
    check_g1(20, 700, 7, NULL);
    check_g1(40000, CNT_MAX, 5, &job);
    check_g2(3, 3, 1, NULL);
    check_g2(20, 300, 7, NULL);
    check_g2(2000, CNT_MAX, 23, &job);
    slk_pool_free(job.pool);
}

static void test_portable(void **state)
{
    (void)state;
    slk_diag_t diag;
    assert_ok(slk_cpu_select("portable", &diag), diag);
    check_g1(2000, CNT_MAX, 11, NULL);
    assert_ok(slk_cpu_select("auto", &diag), diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_multiples),
        cmocka_unit_test(test_portable),
    };
    return cmocka_run_group_tests(tests, make_scalars, NULL);
}
