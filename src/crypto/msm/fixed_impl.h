/* Fixed-base multiplication in one group: included by fixed_g1.c and fixed_g2.c, which define
 *
 *   FIELD, AFFINE, POINT   blst's types of a coordinate and of points
 *   F(op), P(op)           blst's functions on them
 *   NAME(x)                our names
 *   PAIRS_FN, PAIRS_FAST   of msm_pairs.h: the type of a faster back end, what chooses one
 */

#include "crypto/msm/fixed_base.h"

#include "base/assert.h"
#include "crypto/msm/fixed_plan.h"
#include "crypto/msm/pairs_impl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCH MSM_PAIRS

typedef struct {
    AFFINE points[2 * BATCH];          /* sums, then what is to be added to each */
    FIELD prefix[BATCH], diffs[BATCH]; /* the scratch of a fast back end, too */
    msm_pair_t pairs[BATCH];
    int16_t digits[BATCH][FIXED_WINDOWS_MAX];
    bool negative[BATCH];
} workspace_t;

struct NAME() {
    fixed_plan_t plan;
    const slk_job_t *job;
    AFFINE *table; /* plan.windows rows of plan.half: (d + 1) * 2^(bits * row) * base */
    workspace_t **idle;
    unsigned space_cnt, idle_cnt;
    pthread_mutex_t lock; /* guards idle */

    AFFINE *out; /* of the present multiplication */
    const slk_fr_t *scalars;
    uint64_t cnt;
};

typedef struct NAME() fixed_t;

/* Carry out the first cnt additions of the list, which it overwrites. */
static void terms_sum(workspace_t *ws, uint32_t cnt)
{
    PAIRS_FN *fast = PAIRS_FAST();
    if (fast && cnt >= MSM_PAIRS_FAST_MIN)
        cnt = fast(ws->pairs, cnt, ws->prefix);
    pairs_sum(ws->pairs, cnt, ws->prefix, ws->diffs);
}

/* --- Tasks ------------------------------------------------------------------------------------ */

static workspace_t *space_take(fixed_t *fixed)
{
    pthread_mutex_lock(&fixed->lock);
    SLK_ASSERT(fixed->idle_cnt);
    workspace_t *ws = fixed->idle[--fixed->idle_cnt];
    pthread_mutex_unlock(&fixed->lock);
    return ws;
}

static void space_give(fixed_t *fixed, workspace_t *ws)
{
    pthread_mutex_lock(&fixed->lock);
    fixed->idle[fixed->idle_cnt++] = ws;
    pthread_mutex_unlock(&fixed->lock);
}

/* Rows 2 .. half of a window from row 1: the first n and row n make the next n. */
static void window_fill(void *ctx, uint64_t first, uint64_t last)
{
    fixed_t *fixed = ctx;
    SLK_ASSERT(last == first + 1);
    workspace_t *ws = space_take(fixed);
    AFFINE *row = fixed->table + first * fixed->plan.half;
    for (uint32_t have = 1; have < fixed->plan.half; have *= 2) {
        for (uint32_t at = 0; at < have; at += BATCH) {
            uint32_t some = have - at < BATCH ? have - at : BATCH;
            for (uint32_t i = 0; i < some; i++)
                ws->pairs[i] = (msm_pair_t){&row[have + at + i], &row[at + i], &row[have - 1], 0};
            terms_sum(ws, some);
        }
    }
    space_give(fixed, ws);
}

/* One batch of scalars. */
static void batch_mul(void *ctx, uint64_t first, uint64_t last)
{
    fixed_t *fixed = ctx;
    const fixed_plan_t *plan = &fixed->plan;
    SLK_ASSERT(last == first + 1);
    if (slk_job_cancelled(fixed->job))
        return;
    uint64_t begin = first * BATCH;
    uint32_t cnt = fixed->cnt - begin < BATCH ? (uint32_t)(fixed->cnt - begin) : BATCH;
    workspace_t *ws = space_take(fixed);
    for (uint32_t i = 0; i < cnt; i++)
        ws->negative[i] = slk_fixed_digits(ws->digits[i], plan, &fixed->scalars[begin + i]);
    memset(ws->points, 0, cnt * sizeof *ws->points);
    for (unsigned w = 0; w < plan->windows; w++) {
        const AFFINE *row = fixed->table + (uint64_t)w * plan->half;
        uint32_t live = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            int16_t digit = ws->digits[i][w];
            if (!digit)
                continue;
            bool negative = ws->negative[i] != (digit < 0);
            ws->pairs[live++] = (msm_pair_t){&ws->points[i], &ws->points[i], &row[abs(digit) - 1],
                                             negative ? MSM_RIGHT_NEGATIVE : 0};
        }
        terms_sum(ws, live);
    }
    memcpy(fixed->out + begin, ws->points, cnt * sizeof *fixed->out);
    space_give(fixed, ws);
}

void NAME(_mul)(fixed_t *fixed, AFFINE *out, const slk_fr_t *scalars, uint64_t cnt)
{
    fixed->out = out;
    fixed->scalars = scalars;
    fixed->cnt = cnt;
    slk_pool_for(slk_job_pool(fixed->job), (cnt + BATCH - 1) / BATCH, 1, batch_mul, fixed);
}

/* --- Life ------------------------------------------------------------------------------------- */

uint64_t NAME(_memory)(uint64_t expected, unsigned threads)
{
    fixed_plan_t plan = slk_fixed_plan(expected);
    return (uint64_t)plan.windows * plan.half * sizeof(AFFINE) + threads * sizeof(workspace_t);
}

static bool spaces_init(fixed_t *fixed, unsigned threads)
{
    fixed->table = malloc((size_t)fixed->plan.windows * fixed->plan.half * sizeof *fixed->table);
    fixed->idle = calloc(threads, sizeof *fixed->idle);
    if (!fixed->table || !fixed->idle)
        return false;
    for (; fixed->space_cnt < threads; fixed->space_cnt++) {
        workspace_t *ws = aligned_alloc(64, (sizeof *ws + 63) / 64 * 64);
        if (!ws)
            return false;
        fixed->idle[fixed->idle_cnt++] = ws;
    }
    return true;
}

slk_err_t NAME(_new)(fixed_t **out, const AFFINE *base, uint64_t expected, const slk_job_t *job,
                     slk_diag_t *diag)
{
    unsigned threads = slk_pool_threads(slk_job_pool(job));
    *out = NULL;
    fixed_t *fixed = calloc(1, sizeof *fixed);
    if (!fixed)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the multiples of a point");
    fixed->plan = slk_fixed_plan(expected);
    fixed->job = job;
    pthread_mutex_init(&fixed->lock, NULL);
    if (!spaces_init(fixed, threads)) {
        NAME(_free)(fixed);
        return slk_fail(diag, SLK_ERR_NOMEM,
                        "multiples of a point: no memory for %llu bytes; free some or use fewer "
                        "threads",
                        (unsigned long long)NAME(_memory)(expected, threads));
    }
    POINT power;
    P(from_affine)(&power, base);
    for (unsigned w = 0; w < fixed->plan.windows; w++) {
        P(to_affine)(&fixed->table[(size_t)w * fixed->plan.half], &power);
        for (unsigned i = 0; i < fixed->plan.bits; i++)
            P(double)(&power, &power);
    }
    slk_pool_for(slk_job_pool(job), fixed->plan.windows, 1, window_fill, fixed);
    *out = fixed;
    return SLK_OK;
}

void NAME(_free)(fixed_t *fixed)
{
    if (!fixed)
        return;
    for (unsigned i = 0; i < fixed->idle_cnt; i++) {
        explicit_bzero(fixed->idle[i], sizeof *fixed->idle[i]);
        free(fixed->idle[i]);
    }
    free(fixed->idle);
    free(fixed->table);
    pthread_mutex_destroy(&fixed->lock);
    free(fixed);
}
