#include "crypto/msm/msm_plan.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define WINDOW_MAX  17u /* bits */
#define WINDOW_MIN  4u
#define LAST_SUMS   8.0
#define BUCKET_SUMS 1.2
#define IMAGE_SUMS  0.4

/* Bits of a scalar or half a scalar, with the sign. */
static const unsigned scalar_bits[3] = {0, 255, 128};

static const uint64_t modulus[4] = {UINT64_C(0xffffffff00000001), UINT64_C(0x53bda402fffe5bfe),
                                    UINT64_C(0x3339d80809a1d805), UINT64_C(0x73eda753299d7d48)};
/* (r - 1) / 2 */
static const uint64_t half[4] = {UINT64_C(0x7fffffff80000000), UINT64_C(0xa9ded2017fff2dff),
                                 UINT64_C(0x199cec0404d0ec02), UINT64_C(0x39f6d3a994cebea4)};
/* x^2; floor(2^319 / x^2); no half is larger than the last */
static const uint64_t x_squared[2] = {UINT64_C(0x0000000100000000), UINT64_C(0xac45a4010001a402)};
static const uint64_t x_squared_inv[3] = {
    UINT64_C(0x01a75a5c93d6e013), UINT64_C(0xb1fb72917b67f717), UINT64_C(0xbe35f678f00fd56e)};
static const uint64_t half_most[4] = {UINT64_C(0x0000000080000000), UINT64_C(0x5622d2008000d205)};
/* 2^256 mod r and its negative: 1 and -1 in Montgomery form */
static const slk_fr_t one = {{UINT64_C(0x00000001fffffffe), UINT64_C(0x5884b7fa00034802),
                              UINT64_C(0x998c4fefecbc4ff5), UINT64_C(0x1824b159acc5056f)}};
static const slk_fr_t minus_one = {{UINT64_C(0xfffffffd00000003), UINT64_C(0xfb38ec08fffb13fc),
                                    UINT64_C(0x99ad88181ce5880f), UINT64_C(0x5bc8f5f97cd877d8)}};

static void add256(uint64_t out[4], const uint64_t a[4], const uint64_t b[4])
{
    unsigned __int128 acc = 0;
    for (int i = 0; i < 4; i++) {
        acc += (unsigned __int128)a[i] + b[i];
        out[i] = (uint64_t)acc;
        acc >>= 64;
    }
}

/* a - b; returns the borrow. */
static bool sub256(uint64_t out[4], const uint64_t a[4], const uint64_t b[4])
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        unsigned __int128 d = (unsigned __int128)a[i] - b[i] - borrow;
        out[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow;
}

/* --- Sizes ---------------------------------------------------------------------------------- */

static void plan_for_windows(msm_plan_t *plan, unsigned halves, unsigned windows)
{
    unsigned all = scalar_bits[halves], bits = (all + windows - 1) / windows;
    *plan = (msm_plan_t){.halves = halves,
                         .bits = bits,
                         .windows = windows,
                         .wide = all - windows * (bits - 1),
                         .buckets = 1u << (bits - 1)};
    for (unsigned w = 0; w + 1 < windows; w++) {
        unsigned bit = msm_window_start(plan, w + 1) - 1;
        plan->offset[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    uint64_t most[4];
    add256(most, halves == 2 ? half_most : half, plan->offset);
    plan->top_buckets = (uint32_t)msm_digit(plan, most, plan->windows - 1);
    SLK_ASSERT(plan->top_buckets <= 1u << (msm_window_bits(plan, windows - 1) - 1));
}

uint64_t slk_msm_workspace_bytes(const msm_plan_t *plan, size_t point_sz)
{
    uint64_t points = MSM_BATCH + MSM_LANES + 2 * (UINT64_C(1) << (plan->bits / 2));
    return points * point_sz + MSM_PAIRS * (point_sz + sizeof(msm_pair_t)) +
           MSM_BATCH * UINT64_C(26) + plan->buckets * UINT64_C(2) + MSM_SPAN * sizeof(msm_entry_t) +
           4096;
}

uint64_t slk_msm_plan_bytes(const msm_plan_t *plan, unsigned threads, size_t point_sz)
{
    return (uint64_t)plan->windows * plan->buckets * point_sz +
           plan->entry_cap * sizeof(msm_entry_t) + (plan->entry_cap / MSM_SPAN + 1) * 8 +
           plan->windows * UINT64_C(2) * point_sz +
           (plan->halves == 2 ? plan->entry_cap * point_sz : 0) +
           threads * slk_msm_workspace_bytes(plan, point_sz) + 4096;
}

/* In additions: less than one a point, two a bucket, and a window's last sums, which are not in batches. */
static double plan_cost(const msm_plan_t *plan, uint64_t expected)
{
    double cost =
        plan->windows * ((double)expected * plan->halves + LAST_SUMS * (1u << (plan->bits / 2)));
    for (unsigned w = 0; w < plan->windows; w++)
        cost += BUCKET_SUMS * msm_window_buckets(plan, w);
    return plan->halves == 2 ? cost + IMAGE_SUMS * (double)expected : cost;
}

/* As many entries as may be had; false: not even a span. */
static bool plan_entries(msm_plan_t *plan, uint64_t expected, unsigned threads, size_t point_sz,
                         uint64_t memory)
{
    plan->entry_cap = MSM_SPAN;
    while (plan->entry_cap < expected && plan->entry_cap < (UINT64_C(1) << 18))
        plan->entry_cap *= 2;
    while (memory && plan->entry_cap > MSM_SPAN &&
           slk_msm_plan_bytes(plan, threads, point_sz) > memory)
        plan->entry_cap /= 2;
    return !memory || slk_msm_plan_bytes(plan, threads, point_sz) <= memory;
}

bool slk_msm_plan(msm_plan_t *plan, uint64_t expected, unsigned threads, msm_group_t group,
                  uint64_t memory)
{
    double best = 0;
    bool found = false;
    for (unsigned halves = 1; halves <= group.halves; halves++) {
        unsigned all = scalar_bits[halves];
        for (unsigned windows = (all + WINDOW_MAX - 1) / WINDOW_MAX; windows <= all / WINDOW_MIN;
             windows++) {
            msm_plan_t p;
            plan_for_windows(&p, halves, windows);
            double cost = plan_cost(&p, expected);
            if (found && cost >= best)
                continue;
            if (!plan_entries(&p, expected, threads, group.point_sz, memory))
                continue;
            *plan = p;
            best = cost;
            found = true;
        }
    }
    return found;
}

/* --- Scalars -------------------------------------------------------------------------------- */

msm_scalar_kind_t slk_msm_scalar_kind(const slk_fr_t *a)
{
    if (!(a->l[0] | a->l[1] | a->l[2] | a->l[3]))
        return MSM_ZERO;
    if (a->l[0] == one.l[0] && slk_fr_eq(a, &one))
        return MSM_ONE;
    if (a->l[0] == minus_one.l[0] && slk_fr_eq(a, &minus_one))
        return MSM_MINUS_ONE;
    return MSM_OTHER;
}

/* low + 2^64 * mid + ...: out = a * b, all words */
static void mul_words(uint64_t *out, const uint64_t *a, int a_cnt, const uint64_t *b, int b_cnt)
{
    memset(out, 0, (size_t)(a_cnt + b_cnt) * 8);
    for (int i = 0; i < a_cnt; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b_cnt; j++) {
            unsigned __int128 t = (unsigned __int128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + b_cnt] = carry;
    }
}

/* s = s0 + s1 x^2, s1 the nearest, so that |s0| is at most x^2 / 2 and a little. Returns whether s0 is negative. */
static bool cut(uint64_t s0[4], uint64_t s1[4], const uint64_t s[4])
{
    uint64_t t[6], product[4];
    mul_words(t, s + 1, 3, x_squared_inv, 3);
    unsigned __int128 twice = (unsigned __int128)(t[4] >> 62 | t[5] << 2) << 64 |
                              (t[3] >> 62 | t[4] << 2); /* of the quotient, rounded down */
    twice = (twice + 1) >> 1;
    memset(s1, 0, 32);
    s1[0] = (uint64_t)twice;
    s1[1] = (uint64_t)(twice >> 64);
    mul_words(product, s1, 2, x_squared, 2);
    bool negative = sub256(s0, s, product);
    if (negative)
        sub256(s0, product, s);
    return negative;
}

void slk_msm_entry(msm_entry_t *out, const msm_plan_t *plan, const slk_fr_t *a, uint64_t point)
{
    slk_node_t node;
    uint64_t s[4], t[4];
    bool negative = false;
    slk_fr_to_node(&node, a);
    for (int i = 0; i < 4; i++)
        s[i] = slk_load_le64(node.b + 8 * i);
    if (sub256(t, half, s)) {
        sub256(s, modulus, s);
        negative = true;
    }
    out->ref = point | (negative ? MSM_NEGATIVE(0) : 0);
    if (plan->halves == 1) {
        add256(out->s, s, plan->offset);
        return;
    }
    uint64_t s1[4];
    out->ref |= negative ? MSM_NEGATIVE(1) : 0;
    if (cut(t, s1, s))
        out->ref ^= MSM_NEGATIVE(0);
    add256(t, t, plan->offset);
    add256(s1, s1, plan->offset);
    memcpy(out->s, t, 16);
    memcpy(out->s + 2, s1, 16);
}

uint64_t slk_msm_rank(const uint64_t *density, uint64_t begin, uint64_t end)
{
    uint64_t cnt = 0;
    while (begin < end && begin % 64) {
        cnt += density[begin / 64] >> (begin % 64) & 1;
        begin++;
    }
    for (; end - begin >= 64; begin += 64)
        cnt += (uint64_t)__builtin_popcountll(density[begin / 64]);
    if (begin < end)
        cnt += (uint64_t)__builtin_popcountll(density[begin / 64] &
                                              ((UINT64_C(1) << (end - begin)) - 1));
    return cnt;
}

uint64_t slk_msm_density_cnt(const slk_msm_scalars_t *scalars)
{
    return scalars->density ? slk_msm_rank(scalars->density, 0, scalars->cnt) : scalars->cnt;
}

typedef struct {
    const slk_msm_scalars_t *scalars;
    _Atomic uint64_t others;
} count_t;

static void count_range(void *ctx, uint64_t begin, uint64_t end)
{
    count_t *count = ctx;
    uint64_t others = 0;
    for (uint64_t i = begin; i < end; i++)
        others += msm_takes_part(count->scalars, i) &&
                  slk_msm_scalar_kind(&count->scalars->scalars[i]) == MSM_OTHER;
    atomic_fetch_add_explicit(&count->others, others, memory_order_relaxed);
}

uint64_t slk_msm_count_others(const slk_msm_scalars_t *scalars, slk_pool_t *pool)
{
    count_t count = {.scalars = scalars};
    slk_pool_for(pool, scalars->cnt, 16 * MSM_SPAN, count_range, &count);
    return atomic_load(&count.others);
}
