#include "test_util.h"

#include "crypto/msm/msm_bench.h"
#include "crypto/msm/msm_plan.h"

/* --- Inputs ----------------------------------------------------------------------------------- */

#define POINTS_MAX (1u << 14)

static blst_p1_affine *g1;
static blst_p2_affine *g2;

static int make_points(void **state)
{
    (void)state;
    g1 = malloc(POINTS_MAX * sizeof *g1);
    g2 = malloc(POINTS_MAX / 8 * sizeof *g2);
    assert_true(g1 && g2);
    assert_int_equal(slk_msm_chain_g1(g1, POINTS_MAX, 3, 5), SLK_OK);
    assert_int_equal(slk_msm_chain_g2(g2, POINTS_MAX / 8, 3, 5), SLK_OK);
    return 0;
}

static int free_points(void **state)
{
    (void)state;
    free(g1);
    free(g2);
    return 0;
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static slk_fr_t random_scalar(void)
{
    slk_fr_t a = {{next_random(), next_random(), next_random(), next_random() >> 2}};
    return a;
}

static slk_fr_t small_scalar(uint64_t v, bool negative)
{
    slk_fr_t a, zero = {{0}};
    slk_fr_from_u64(&a, v);
    if (negative)
        slk_fr_sub(&a, &zero, &a);
    return a;
}

/* All sorts: 0, 1, -1, powers of two and their neighbours, halves of r, full width. */
static slk_fr_t mixed_scalar(void)
{
    slk_fr_t a, b;
    switch (next_random() % 8) {
    case 0:
        return small_scalar(0, false);
    case 1:
    case 2:
        return small_scalar(1, next_random() & 1);
    case 3:
        return small_scalar(next_random() % 70, next_random() & 1);
    case 4:
        return small_scalar((UINT64_C(1) << next_random() % 64) - next_random() % 2,
                            next_random() & 1);
    case 5: /* (r - 1) / 2, (r + 1) / 2 and what is near */
        slk_fr_from_u64(&a, 2);
        slk_fr_inv(&a, &a);
        slk_fr_from_u64(&b, next_random() % 4);
        slk_fr_sub(&a, &a, &b);
        return a;
    default:
        return random_scalar();
    }
}

/* --- Naive ------------------------------------------------------------------------------------ */

static void naive_g1(blst_p1 *out, const blst_p1_affine *points, const slk_msm_scalars_t *s)
{
    uint64_t at = 0;
    memset(out, 0, sizeof *out);
    for (uint64_t i = 0; i < s->cnt; i++) {
        if (!msm_takes_part(s, i))
            continue;
        const blst_p1_affine *affine = &points[s->points_full ? i : at++];
        slk_node_t node;
        blst_p1 point;
        slk_fr_to_node(&node, &s->scalars[i]);
        blst_p1_from_affine(&point, affine);
        blst_p1 sum;
        memset(&sum, 0, sizeof sum);
        for (int bit = 255; bit-- > 0;) {
            blst_p1_double(&sum, &sum);
            if (node.b[bit / 8] >> bit % 8 & 1)
                blst_p1_add_or_double(&sum, &sum, &point);
        }
        blst_p1_add_or_double(out, out, &sum);
    }
}

static void naive_g2(blst_p2 *out, const blst_p2_affine *points, const slk_msm_scalars_t *s)
{
    uint64_t at = 0;
    memset(out, 0, sizeof *out);
    for (uint64_t i = 0; i < s->cnt; i++) {
        if (!msm_takes_part(s, i))
            continue;
        const blst_p2_affine *affine = &points[s->points_full ? i : at++];
        slk_node_t node;
        blst_p2 point;
        slk_fr_to_node(&node, &s->scalars[i]);
        blst_p2_from_affine(&point, affine);
        blst_p2_mult(&point, &point, node.b, 255);
        blst_p2_add_or_double(out, out, &point);
    }
}

static void check_g1(const blst_p1_affine *points, const slk_msm_scalars_t *s)
{
    slk_diag_t diag;
    blst_p1 want, got;
    naive_g1(&want, points, s);
    assert_ok(slk_msm_g1(&got, points, s, 0, NULL, &diag), diag);
    assert_true(blst_p1_is_equal(&want, &got));
    assert_true(blst_p1_is_inf(&want) == blst_p1_is_inf(&got));
}

static void check_g2(const blst_p2_affine *points, const slk_msm_scalars_t *s)
{
    slk_diag_t diag;
    blst_p2 want, got;
    naive_g2(&want, points, s);
    assert_ok(slk_msm_g2(&got, points, s, 0, NULL, &diag), diag);
    assert_true(blst_p2_is_equal(&want, &got));
    assert_true(blst_p2_is_inf(&want) == blst_p2_is_inf(&got));
}

/* (sum of s_i (3 + 5 i)) times the generator: what a chain of points must give. */
static void known_g1(blst_p1 *out, const slk_fr_t *scalars, uint64_t cnt)
{
    slk_fr_t sum = {{0}}, weight, term;
    slk_node_t node;
    for (uint64_t i = 0; i < cnt; i++) {
        slk_fr_from_u64(&weight, 3 + 5 * i);
        slk_fr_mul(&term, &weight, &scalars[i]);
        slk_fr_add(&sum, &sum, &term);
    }
    slk_fr_to_node(&node, &sum);
    blst_p1_mult(out, blst_p1_generator(), node.b, 255);
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* A half of an entry, put together again. */
static slk_fr_t half_value(const msm_plan_t *plan, const msm_entry_t *entry, unsigned half)
{
    slk_fr_t sum = {{0}}, digit, radix, zero = {{0}};
    for (unsigned w = plan->windows; w-- > 0;) {
        int32_t d = msm_digit(plan, entry->s + 2 * half, w);
        assert_true(w + 1 < plan->windows || (d >= 0 && (uint32_t)d <= plan->top_buckets));
        assert_true((uint32_t)abs(d) <= msm_window_buckets(plan, w));
        digit = small_scalar((uint64_t)abs(d), d < 0);
        slk_fr_from_u64(&radix, UINT64_C(1) << msm_window_bits(plan, w));
        slk_fr_mul(&sum, &sum, &radix);
        slk_fr_add(&sum, &sum, &digit);
    }
    if (entry->ref & MSM_NEGATIVE(half))
        slk_fr_sub(&sum, &zero, &sum);
    return sum;
}

static void check_digits(const msm_plan_t *plan)
{
    slk_fr_t x, x_squared;
    slk_fr_from_u64(&x, UINT64_C(0xd201000000010000));
    slk_fr_mul(&x_squared, &x, &x);
    for (int k = 0; k < 200; k++) {
        slk_fr_t a = mixed_scalar();
        if (k >= 150) { /* near multiples of x^2 / 2 */
            slk_fr_t two = small_scalar(2, false), near = small_scalar(next_random() >> 40, false);
            slk_fr_inv(&two, &two);
            slk_fr_mul(&a, &x_squared, &two);
            slk_fr_mul(&a, &a, &near);
            near = small_scalar(next_random() % 3, next_random() & 1);
            slk_fr_add(&a, &a, &near);
        }
        msm_entry_t entry;
        slk_msm_entry(&entry, plan, &a, 7);
        assert_int_equal(MSM_POINT(entry.ref), 7);
        slk_fr_t sum = half_value(plan, &entry, 0);
        if (plan->halves == 2) {
            slk_fr_t second = half_value(plan, &entry, 1);
            slk_fr_mul(&second, &second, &x_squared);
            slk_fr_add(&sum, &sum, &second);
        }
        assert_true(slk_fr_eq(&sum, &a));
    }
}

static void test_digits(void **state)
{
    (void)state;
    bool cut = false;
    random_state = 1;
    for (uint64_t expected = 1; expected < UINT64_C(1) << 40; expected *= 4) {
        msm_plan_t plan;
        for (unsigned halves = 1; halves <= 2; halves++) {
            msm_group_t group = {sizeof(blst_p1_affine), halves};
            assert_true(slk_msm_plan(&plan, expected, 1, group, 0));
            assert_true(plan.halves <= halves);
            cut |= plan.halves == 2;
            check_digits(&plan);
        }
    }
    assert_true(cut);
}

static void test_few(void **state)
{
    (void)state;
    slk_fr_t scalars[40];
    random_state = 2;
    for (uint64_t cnt = 0; cnt <= 40; cnt += cnt < 9 ? 1 : 7) {
        for (uint64_t i = 0; i < cnt; i++)
            scalars[i] = mixed_scalar();
        slk_msm_scalars_t s = {.scalars = scalars, .cnt = cnt};
        check_g1(g1, &s);
        if (cnt < 9)
            check_g2(g2, &s);
    }
    slk_fr_t edges[] = {small_scalar(0, false), small_scalar(1, false), small_scalar(1, true),
                        small_scalar(2, false), small_scalar(2, true),  mixed_scalar()};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        slk_msm_scalars_t s = {.scalars = &edges[i], .cnt = 1};
        check_g1(g1, &s);
        check_g2(g2, &s);
    }
}

/* Few different points, their negatives, the identity: doublings and cancellations on every level. */
static void test_special_points(void **state)
{
    (void)state;
    enum { CNT = 300 };
    blst_p1_affine *p = calloc(CNT, sizeof *p);
    blst_p2_affine *q = calloc(CNT, sizeof *q);
    slk_fr_t scalars[CNT];
    assert_true(p && q);
    random_state = 3;
    for (int kind = 0; kind < 4; kind++) {
        slk_fr_t same = random_scalar();
        for (int i = 0; i < CNT; i++) {
            uint64_t pick = next_random() % 8;
            p[i] = g1[kind == 3 ? 0 : pick % 3];
            q[i] = g2[kind == 3 ? 0 : pick % 3];
            blst_fp_cneg(&p[i].y, &p[i].y, kind != 3 && pick >= 4);
            blst_fp2_cneg(&q[i].y, &q[i].y, kind != 3 && pick >= 4);
            if (kind != 3 && pick == 7) {
                memset(&p[i], 0, sizeof p[i]);
                memset(&q[i], 0, sizeof q[i]);
            }
            scalars[i] = kind == 0 ? small_scalar(1, false) : kind == 1 ? mixed_scalar() : same;
        }
        slk_msm_scalars_t s = {.scalars = scalars, .cnt = CNT};
        check_g1(p, &s);
        if (kind == 0 || kind == 2)
            s.cnt = CNT / 4;
        check_g2(q, &s);
    }
    /* A sum that is the identity. */
    for (int i = 0; i < CNT; i++) {
        p[i] = g1[i / 2];
        blst_fp_cneg(&p[i].y, &p[i].y, i % 2);
        scalars[i] = i % 2 ? scalars[i - 1] : random_scalar();
    }
    slk_msm_scalars_t s = {.scalars = scalars, .cnt = CNT};
    slk_diag_t diag;
    blst_p1 sum;
    assert_ok(slk_msm_g1(&sum, p, &s, 0, NULL, &diag), diag);
    assert_true(blst_p1_is_inf(&sum));
    free(p);
    free(q);
}

/* Points outside the subgroup may meet 0, 1 and -1: here points plus one of order 3, whose x is 0. */
static void test_outside(void **state)
{
    (void)state;
    enum { CNT = 100 };
    slk_diag_t diag;
    blst_p1_affine p[CNT], third = {{{0}}, {{0}}};
    slk_fr_t scalars[CNT];
    blst_p1 want, got;
    memset(&want, 0, sizeof want);
    blst_fp_from_uint64(&third.y, (const uint64_t[6]){2});
    assert_true(blst_p1_affine_on_curve(&third) && !blst_p1_affine_in_g1(&third));
    random_state = 7;
    for (int i = 0; i < CNT; i++) {
        blst_p1 sum;
        blst_p1_from_affine(&sum, &g1[i]);
        if (i % 4)
            blst_p1_add_or_double_affine(&sum, &sum, &third);
        blst_p1_to_affine(&p[i], &sum);
        if (i % 4 == 1)
            p[i] = third;
        unsigned kind = i % 4 ? next_random() % 3 : 3;
        scalars[i] = kind == 3 ? random_scalar() : small_scalar(kind > 0, kind == 2);
        if (kind == 3) {
            slk_node_t node;
            slk_fr_to_node(&node, &scalars[i]);
            blst_p1_mult(&sum, &sum, node.b, 255);
        } else {
            blst_p1_from_affine(&sum, &p[i]);
            blst_p1_cneg(&sum, kind == 2);
        }
        if (kind)
            blst_p1_add_or_double(&want, &want, &sum);
    }
    slk_msm_scalars_t s = {.scalars = scalars, .cnt = CNT};
    assert_ok(slk_msm_g1(&got, p, &s, 0, NULL, &diag), diag);
    assert_true(blst_p1_is_equal(&want, &got));
}

static void test_density(void **state)
{
    (void)state;
    enum { CNT = 300 };
    slk_fr_t scalars[CNT];
    uint64_t density[(CNT + 63) / 64];
    random_state = 4;
    for (int kind = 0; kind < 3; kind++) {
        for (int i = 0; i < CNT; i++)
            scalars[i] = mixed_scalar();
        for (size_t w = 0; w < sizeof density / 8; w++)
            density[w] = kind == 0   ? next_random()
                         : kind == 1 ? next_random() & next_random() & next_random()
                                     : 0;
        for (uint64_t cnt = CNT; cnt > 62; cnt -= 59) {
            slk_msm_scalars_t s = {.scalars = scalars, .cnt = cnt, .density = density};
            uint64_t set = 0;
            for (uint64_t i = 0; i < cnt; i++)
                set += density[i / 64] >> i % 64 & 1;
            assert_int_equal(slk_msm_density_cnt(&s), set);
            check_g1(g1, &s);
            s.points_full = true;
            check_g1(g1, &s);
        }
        slk_msm_scalars_t s = {.scalars = scalars, .cnt = 100, .density = density};
        check_g2(g2, &s);
    }
}

/* All sizes at once: known sum, blst's, equal bytes for 1 to 3 threads and little memory. */
static void test_many(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_fr_t *scalars = malloc(POINTS_MAX * sizeof *scalars);
    slk_node_t *nodes = malloc(POINTS_MAX * sizeof *nodes);
    void *scratch = malloc(blst_p1s_mult_pippenger_scratch_sizeof(POINTS_MAX));
    assert_true(scalars && nodes && scratch);
    random_state = 5;
    for (uint64_t cnt = POINTS_MAX; cnt > 100; cnt = cnt / 4 - 1) {
        for (uint64_t i = 0; i < cnt; i++) {
            scalars[i] = cnt % 2 ? mixed_scalar() : random_scalar();
            slk_fr_to_node(&nodes[i], &scalars[i]);
        }
        blst_p1 want, got, again;
        const blst_p1_affine *const list[2] = {g1, NULL};
        const byte *const bytes[2] = {nodes[0].b, NULL};
        known_g1(&want, scalars, cnt);
        blst_p1s_mult_pippenger(&again, list, cnt, bytes, 255, scratch);
        assert_true(blst_p1_is_equal(&want, &again));
        slk_msm_scalars_t s = {.scalars = scalars, .cnt = cnt};
        assert_ok(slk_msm_g1(&got, g1, &s, 0, NULL, &diag), diag);
        assert_true(blst_p1_is_equal(&want, &got));
        for (unsigned threads = 1; threads <= 3; threads++) {
            slk_job_t job = {0};
            assert_ok(slk_pool_new(&job.pool, threads, &diag), diag);
            uint64_t memory = threads == 3 ? slk_msm_g1_memory(0, 3, 0) : 0;
            assert_ok(slk_msm_g1(&again, g1, &s, memory, &job, &diag), diag);
            assert_memory_equal(&got, &again, sizeof got);
            slk_pool_free(job.pool);
        }
    }
    free(scalars);
    free(nodes);
    free(scratch);
}

static void test_g2_many(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_msm_figures_t figures;
    assert_ok(slk_msm_bench(&figures, SLK_MSM_G2, 11, 1, &diag), diag);
    assert_ok(slk_msm_bench(&figures, SLK_MSM_G1, 5, 1, &diag), diag);
    assert_err(SLK_ERR_INPUT, slk_msm_bench(&figures, SLK_MSM_G1, 5, 0, &diag));
}

/* Pieces of odd sizes, more of them than the guess said. */
static void test_pieces(void **state)
{
    (void)state;
    enum { CNT = 9000 };
    slk_diag_t diag;
    slk_fr_t *scalars = malloc(CNT * sizeof *scalars);
    slk_msm_g1_t *msm;
    blst_p1 want, got;
    assert_non_null(scalars);
    random_state = 6;
    for (int i = 0; i < CNT; i++)
        scalars[i] = i % 3 ? random_scalar() : mixed_scalar();
    assert_ok(slk_msm_g1_new(&msm, 10, 0, NULL, &diag), diag);
    for (uint64_t at = 0, len = 1; at < CNT;
         at += len, len = len * 3 < CNT - at ? len * 3 : CNT - at) {
        slk_msm_scalars_t s = {.scalars = scalars + at, .cnt = len};
        assert_ok(slk_msm_g1_feed(msm, g1 + at, &s, &diag), diag);
    }
    assert_ok(slk_msm_g1_finish(msm, &got, &diag), diag);
    known_g1(&want, scalars, CNT);
    assert_true(blst_p1_is_equal(&want, &got));
    slk_msm_g1_free(msm);
    free(scalars);
}

static void test_limits(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_fr_t scalars[64];
    blst_p1 sum;
    for (int i = 0; i < 64; i++)
        scalars[i] = mixed_scalar();
    slk_msm_scalars_t s = {.scalars = scalars, .cnt = 64};
    assert_err(SLK_ERR_INPUT, slk_msm_g1(&sum, g1, &s, 1000, NULL, &diag));
    assert_non_null(strstr(diag.text, "at least"));
    assert_int_equal(slk_msm_g1_memory(64, 1, 1000), 0);
    for (uint64_t memory = UINT64_C(8) << 20; memory < UINT64_C(1) << 30; memory *= 2) {
        uint64_t takes = slk_msm_g2_memory(UINT64_C(1) << 27, 2, memory);
        assert_true(takes > 0 && takes <= memory);
    }
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    assert_err(SLK_ERR_CANCELLED, slk_msm_g1(&sum, g1, &s, 0, &job, &diag));
    slk_msm_g1_free(NULL);
    slk_msm_g2_free(NULL);
}

/* Each back end that this machine has; the tests above had the best. */
static void test_backends(void **state)
{
    slk_diag_t diag;
    for (int cpu = 0; cpu < SLK_CPU_CNT; cpu++) {
        if (!slk_cpu_has((slk_cpu_t)cpu))
            continue;
        assert_ok(slk_cpu_select(slk_cpu_name((slk_cpu_t)cpu), &diag), diag);
        if (cpu != SLK_CPU_PORTABLE && !slk_msm_g1_pairs())
            continue; /* the portable code again */
        test_special_points(state);
        test_pieces(state);
        test_g2_many(state);
    }
    assert_ok(slk_cpu_select(NULL, &diag), diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),         cmocka_unit_test(test_few),
        cmocka_unit_test(test_special_points), cmocka_unit_test(test_outside),
        cmocka_unit_test(test_density),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_g2_many),        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_backends),
    };
    return cmocka_run_group_tests(tests, make_points, free_points);
}
