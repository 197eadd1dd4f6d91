#include "proofs/groth16/subgroup.h"

#include "base/work.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define SUBSETS    128u
#define WINDOW_MIN 4u
#define WINDOW_MAX 12u
#define DRAW       128u /* bucket numbers drawn at once: 256 bytes come whole or not at all */

typedef struct {
    const blst_p1_affine *points;
    size_t cnt;
    unsigned window;
    slk_work_t work;
    atomic_bool outside;
} task_t;

static slk_err_t fill_buckets(blst_p1 *buckets, const task_t *task, slk_diag_t *diag)
{
    uint16_t draws[DRAW], mask = (uint16_t)((1u << task->window) - 1);
    for (size_t i = 0; i < task->cnt; i++) {
        while (i % DRAW == 0 && getrandom(draws, sizeof draws, 0) != sizeof draws) {
            if (errno != EINTR)
                return slk_fail_errno(diag, "read", "the system's random numbers");
        }
        blst_p1 *bucket = &buckets[draws[i % DRAW] & mask];
        blst_p1_add_or_double_affine(bucket, bucket, &task->points[i]);
    }
    return SLK_OK;
}

/* Check each subset of the window: the upper half of the buckets is the subset of the highest bit,
 * and is then added to the lower half for the bits below. */
static bool subsets_inside(blst_p1 *buckets, unsigned window)
{
    for (unsigned bit = window; bit-- > 0;) {
        blst_p1 sum = {0};
        size_t half = (size_t)1 << bit;
        for (size_t i = 0; i < half; i++) {
            blst_p1_add_or_double(&sum, &sum, &buckets[half + i]);
            blst_p1_add_or_double(&buckets[i], &buckets[i], &buckets[half + i]);
        }
        if (!blst_p1_is_inf(&sum) && !blst_p1_in_g1(&sum))
            return false;
    }
    return true;
}

static void window_range(void *ctx, uint64_t begin, uint64_t end)
{
    task_t *task = ctx;
    for (uint64_t i = begin; i < end; i++) {
        if (slk_work_stopped(&task->work) || atomic_load(&task->outside))
            return;
        slk_diag_t diag = {""};
        blst_p1 *buckets = calloc((size_t)1 << task->window, sizeof *buckets);
        slk_err_t err = buckets
                            ? fill_buckets(buckets, task, &diag)
                            : slk_fail(&diag, SLK_ERR_NOMEM,
                                       "no memory to check the subgroup of %zu points", task->cnt);
        if (err != SLK_OK)
            slk_work_fail(&task->work, err, &diag);
        else if (!subsets_inside(buckets, task->window))
            atomic_store(&task->outside, true);
        free(buckets);
    }
}

slk_err_t slk_g1_all_in_subgroup(bool *ok, const blst_p1_affine *points, size_t cnt,
                                 const slk_job_t *job, slk_diag_t *diag)
{
    task_t task = {.points = points, .cnt = cnt, .window = WINDOW_MIN};
    /* Folding a bucket costs about as much as placing four points. */
    while (task.window < WINDOW_MAX && cnt >> (task.window + 3))
        task.window++;
    slk_work_init(&task.work, job);
    slk_pool_for(slk_job_pool(job), (SUBSETS + task.window - 1) / task.window, 1, window_range,
                 &task);
    slk_err_t err = slk_work_finish(&task.work, diag);
    *ok = err == SLK_OK && !atomic_load(&task.outside);
    return err;
}
