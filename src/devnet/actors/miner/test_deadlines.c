/* Times of deadlines against spec chain.md 4.4 and recorded answers of a node; the assignment of sectors
 * against its rule, written down once more as it reads. */

#include "devnet/actors/miner/test_miner.h"

static void test_quantize(void **state)
{
    (void)state;
    static const struct {
        int64_t unit, offset, epoch, up, down;
    } rows[] = {
        {1, 0, 5, 5, 5},      {10, 0, 0, 0, 0},
        {10, 0, 1, 10, 0},    {10, 0, 10, 10, 10},
        {10, 3, 3, 3, 3},     {10, 3, 4, 13, 3},
        {10, 3, 2, 3, -7},    {10, 13, 14, 23, 13},
        {10, 3, -6, 3, -7},   {10, 3, -7, -7, -7},
        {10, 3, -8, -7, -17}, {2880, 717, 1549539, 1550157, 1547277}, /* end of a deadline */
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_quant_t quant = {rows[i].unit, rows[i].offset};
        assert_int_equal(slk_quant_up(quant, rows[i].epoch), rows[i].up);
        assert_int_equal(slk_quant_down(quant, rows[i].epoch), rows[i].down);
    }
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* StateMinerProvingDeadline of the recorded chain. */
static void test_recorded_deadlines(void **state)
{
    (void)state;
    const slk_policy_t *policy = slk_policy_by_name("2k");
    json_t *json = test_vectors("lotus-rpc/StateMinerProvingDeadline.json");
    const json_t *calls = json_object_get(json, "calls");
    size_t seen = 0;
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *want =
            json_object_get(json_object_get(json_array_get(calls, i), "response"), "result");
        if (!json_is_object(want))
            continue;
        int64_t now = number(want, "CurrentEpoch"), start = number(want, "PeriodStart");
        uint64_t index = (uint64_t)number(want, "Index");
        for (int64_t k = 0; k < 3; k++) {
            slk_deadline_info_t dl = slk_deadline_next_not_elapsed(
                policy, slk_deadline_info(policy, start - k * policy->proving_period, index, now));
            assert_int_equal(dl.period_start, start);
            assert_int_equal(dl.index, index);
            assert_int_equal(dl.open, number(want, "Open"));
            assert_int_equal(dl.close, number(want, "Close"));
            assert_int_equal(dl.challenge, number(want, "Challenge"));
            assert_int_equal(dl.fault_cutoff, number(want, "FaultCutoff"));
            /* The node shows the deadline of the miner's state, which cron keeps at the open one. */
            for (int64_t m = -2; m <= 2 && slk_deadline_is_open(&dl); m++) {
                slk_deadline_info_t open =
                    slk_deadline_current(policy, start + m * policy->proving_period, now);
                assert_int_equal(open.index, index);
                assert_int_equal(open.period_start, start);
            }
        }
        seen++;
    }
    json_decref(json);
    assert_true(seen > 0);
}

/* Period from 1000 on: deadline 3 opens at 1180 and closes at 1240. */
static void test_times(void **state)
{
    (void)state;
    const slk_policy_t *policy = slk_policy_by_name("2k");
    static const struct {
        int64_t now;
        bool mutable, disputable, compactable;
    } rows[] = {
        {1000, true, false, true},   {1119, true, false, true},   {1120, false, false, false},
        {1179, false, false, false}, {1180, false, false, false}, {1239, false, false, false},
        {1240, true, true, false},   {3039, true, true, false},   {3040, true, false, true},
        {3879, true, false, true},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        int64_t now = rows[i].now, start = now < 3880 ? 1000 : 3880;
        assert_int_equal(slk_deadline_is_mutable(policy, start, 3, now), rows[i].mutable);
        assert_int_equal(slk_deadline_is_disputable(policy, start, 3, now), rows[i].disputable);
        assert_int_equal(slk_deadline_is_compactable(policy, start, 3, now), rows[i].compactable);
    }
    slk_deadline_info_t dl =
        slk_deadline_next_not_elapsed(policy, slk_deadline_info(policy, 1000, 3, 1240));
    assert_int_equal(dl.open, 1180 + 2880);
    dl = slk_deadline_next_not_elapsed(policy, slk_deadline_info(policy, 1000, 3, 1239));
    assert_int_equal(dl.open, 1180);
    dl = slk_deadline_next_not_elapsed(policy, slk_deadline_info(policy, -4760, 3, 1240 + 2880));
    assert_int_equal(dl.open, 1180 + 2 * 2880);
    dl = slk_deadline_info(policy, 1000, 48, 1000);
    assert_int_equal(dl.open, 3880);
}

/* --- Assignment -------------------------------------------------------------------------------------------- */

static uint64_t up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* Whether a sector goes to a rather than to b; a has the lower index. */
static bool rather(const slk_deadline_count_t *a, const slk_deadline_count_t *b, uint64_t size)
{
    if (up(a->live + 1, size) != up(b->live + 1, size))
        return up(a->live + 1, size) < up(b->live + 1, size);
    if (up(a->total + 1, size) != up(b->total + 1, size))
        return up(a->total + 1, size) < up(b->total + 1, size);
    bool a_open = a->total % size, b_open = b->total % size;
    if (a_open != b_open)
        return a_open;
    if (a_open && a->total != b->total)
        return a->total > b->total;
    return a->live <= b->live;
}

static void test_assignment(void **state)
{
    (void)state;
    enum { SECTORS = 200 };
    test_machine_t tm;
    uint64_t seed = 1;
    size_t out[SECTORS];
    test_machine_open(&tm, NULL);
    slk_rt_t rt = test_rt(&tm, 100);
    for (uint64_t run = 0; run < 50; run++) {
        slk_deadline_count_t counts[48], want[48];
        uint64_t size = 1 + run % 7;
        for (size_t i = 0; i < 48; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint64_t total = (seed >> 33) % (3 * size);
            want[i] = counts[i] = (slk_deadline_count_t){(seed >> 60) != 0,
                                                         total - (seed >> 50) % (total + 1), total};
        }
        assert_rt(&rt, slk_assign_deadlines(&rt, size, counts, 48, SECTORS, out));
        for (size_t s = 0; s < SECTORS; s++) {
            size_t best = SIZE_MAX;
            for (size_t i = 0; i < 48; i++)
                if (want[i].usable && (best == SIZE_MAX || !rather(&want[best], &want[i], size)))
                    best = i;
            assert_int_equal(out[s], best);
            want[best].live++;
            want[best].total++;
        }
    }
    slk_deadline_count_t full[2] = {{true, 6000, 6000}, {false, 0, 0}};
    assert_int_equal(slk_assign_deadlines(&rt, 2, full, 2, 1, out), SLK_EXIT_USR_ILLEGAL_STATE);
    assert_string_equal(rt.text, "max partitions limit 3000 reached for all deadlines");
    test_machine_close(&tm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize),
        cmocka_unit_test(test_recorded_deadlines),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_assignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
