/* The back ends of one group against the plain code: the program test_pairs_g1.c or test_pairs_g2.c, which defines
 * FIELD, AFFINE and F(op) as pairs_impl.h wants them, PAIRS_FN and PAIRS_FAST as msm_impl.h does, and PAIRS_AVX2. */

#include "test_util.h"

#include "crypto/msm/pairs_impl.h"

static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const blst_fp p_minus_1 = {{UINT64_C(0xb9feffffffffaaaa), UINT64_C(0x1eabfffeb153ffff),
                                   UINT64_C(0x6730d2a0f6b0f624), UINT64_C(0x64774b84f38512bf),
                                   UINT64_C(0x4b1ba7b6434bacd7), UINT64_C(0x1a0111ea397fe69a)}};

/* Words as they are kept: random ones, small ones, ones near p, long runs of equal bits. */
static blst_fp any_coordinate(void)
{
    blst_fp a = {{0}};
    uint64_t kind = next_random() % 8;
    if (kind == 0) {
        a.l[next_random() % 5] = next_random() >> next_random() % 64;
    } else if (kind == 1) {
        a = p_minus_1;
        a.l[0] -= next_random() % 4;
    } else {
        for (int i = 0; i < 6; i++)
            a.l[i] = kind > 2 ? next_random() : next_random() % 2 ? UINT64_MAX : 0;
        a.l[5] >>= 4;
    }
    return a;
}

static void any_point(AFFINE *out)
{
    blst_fp *c = (blst_fp *)(void *)out;
    for (size_t i = 0; i < sizeof *out / sizeof *c; i++)
        c[i] = any_coordinate();
}

/* Two points that take more than the common formula, or are a trap for what looks for such. */
static void odd_pair(AFFINE *left, AFFINE *right)
{
    switch (next_random() % 8) {
    case 0: /* twice the same */
        *right = *left;
        break;
    case 1: /* the sum is the identity */
        *right = *left;
        F(cneg)(&right->y, &right->y, true);
        break;
    case 2:
        memset(left, 0, sizeof *left);
        break;
    case 3:
        memset(right, 0, sizeof *right);
        break;
    case 4:
        memset(&left->x, 0, sizeof left->x);
        break;
    case 5:
        right->y = left->y;
        break;
    default:
        break;
    }
}

typedef struct {
    AFFINE got[3 * MSM_PAIRS], want[3 * MSM_PAIRS]; /* terms two by two, then room for sums */
    FIELD scratch[2 * MSM_PAIRS];
    msm_pair_t pairs[MSM_PAIRS];
} space_t;

static space_t *space_new(void)
{
    space_t *space = aligned_alloc(64, (sizeof *space + 63) / 64 * 64);
    assert_non_null(space);
    assert_int_equal((uintptr_t)space->scratch % 64, 0);
    return space;
}

/* Terms; any coordinates do: the formulas do not need a curve. Returns how many a back end leaves to the plain code. */
static uint32_t fill(AFFINE *points, uint32_t cnt, bool odd)
{
    static const FIELD zero;
    uint32_t left_over = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        AFFINE *left = &points[2 * i], *right = left + 1;
        any_point(left);
        any_point(right);
        if (odd)
            odd_pair(left, right);
        left_over += !memcmp(&left->x, &right->x, sizeof zero) ||
                     !memcmp(&left->x, &zero, sizeof zero) ||
                     !memcmp(&right->x, &zero, sizeof zero);
    }
    return left_over;
}

/* Additions of neighbours of all signs, some of them in place; the same for both copies of the points. */
static void pairs_make(msm_pair_t *pairs, AFFINE *points, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        AFFINE *left = &points[2 * i];
        pairs[i] =
            (msm_pair_t){i % 3 ? left : &points[2 * MSM_PAIRS + i], left, left + 1, i * 5 / 3 % 4};
    }
}

/* The plain code on the whole list, and on what the back end left over. */
static void check(PAIRS_FN *fast, uint32_t cnt, bool odd)
{
    space_t *space = space_new();
    memset(space, 0, sizeof *space);
    uint32_t left_over = fill(space->got, cnt, odd);
    memcpy(space->want, space->got, sizeof space->want);
    pairs_make(space->pairs, space->got, cnt);
    assert_int_equal(fast(space->pairs, cnt, space->scratch), left_over);
    pairs_sum(space->pairs, left_over, space->scratch, space->scratch + MSM_PAIRS);
    pairs_make(space->pairs, space->want, cnt);
    pairs_sum(space->pairs, cnt, space->scratch, space->scratch + MSM_PAIRS);
    assert_memory_equal(space->got, space->want, sizeof space->want);
    free(space);
}

static void test_backends(void **state)
{
    (void)state;
    slk_diag_t diag;
    unsigned found = 0;
    for (int cpu = 0; cpu < SLK_CPU_CNT; cpu++) {
        if (!slk_cpu_has((slk_cpu_t)cpu))
            continue;
        assert_ok(slk_cpu_select(slk_cpu_name((slk_cpu_t)cpu), &diag), diag);
        PAIRS_FN *fast = PAIRS_FAST();
        if (!fast)
            continue;
        found++;
        random_state = 1;
        for (uint32_t cnt = 1; cnt < 40; cnt++) {
            check(fast, cnt, true);
            check(fast, cnt, false);
        }
        for (uint32_t i = 0; i < 4; i++)
            check(fast, MSM_PAIRS - i, i % 2);
    }
    assert_ok(slk_cpu_select(NULL, &diag), diag);
    if (!found)
        skip();
}

/* AVX-512 without IFMA has no kernel of its own, and is no reason for the plain code. */
static void test_avx512(void **state)
{
    (void)state;
#if defined(__x86_64__)
    slk_diag_t diag;
    if (!slk_cpu_has(SLK_CPU_AVX512) || !slk_cpu_has(SLK_CPU_AVX2))
        skip();
    assert_ok(slk_cpu_select(slk_cpu_name(SLK_CPU_AVX512), &diag), diag);
    assert_ptr_equal(PAIRS_FAST(), PAIRS_AVX2);
    assert_ok(slk_cpu_select(NULL, &diag), diag);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_avx512),
        cmocka_unit_test(test_backends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
