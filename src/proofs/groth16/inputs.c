#include "proofs/groth16/inputs.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <pthread.h>
#include <stdlib.h>

#define MSM_GRAIN_MIN 256u
#define RUN_MIN       8u

slk_err_t slk_inputs_weigh(slk_node_t *scalars, const slk_vk_t *vk, const slk_node_t *inputs,
                           const uint8_t (*weights)[SLK_WEIGHT_SZ], size_t cnt, slk_diag_t *diag)
{
    size_t per_proof = slk_vk_input_cnt(vk);
    for (size_t i = 0; i < cnt * per_proof; i++) {
        if (!slk_node_is_canonical(&inputs[i]))
            return slk_fail(diag, SLK_ERR_FIELD,
                            "public input %zu of proof %zu, %s, is no field element: 32 "
                            "little-endian bytes below "
                            "the modulus are expected",
                            i % per_proof, i / per_proof, slk_node_hex(&inputs[i]).s);
    }
    if (!weights) {
        SLK_ASSERT(cnt == 1);
        scalars[0] = (slk_node_t){.b = {1}};
        memcpy(scalars + 1, inputs, per_proof * sizeof *inputs);
        return SLK_OK;
    }

    slk_fr_t *sums = calloc(vk->ic_cnt, sizeof *sums);
    if (!sums)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the sums of %zu public inputs",
                        per_proof);
    for (size_t j = 0; j < cnt; j++) {
        slk_node_t node = {.b = {0}};
        slk_fr_t weight, x;
        memcpy(node.b, weights[j], SLK_WEIGHT_SZ);
        SLK_ASSERT(slk_fr_from_node(&weight, &node));
        slk_fr_add(&sums[0], &sums[0], &weight);
        for (size_t i = 0; i < per_proof; i++) {
            SLK_ASSERT(slk_fr_from_node(&x, &inputs[j * per_proof + i]));
            slk_fr_mul(&x, &x, &weight);
            slk_fr_add(&sums[i + 1], &sums[i + 1], &x);
        }
    }
    for (size_t i = 0; i < vk->ic_cnt; i++)
        slk_fr_to_node(&scalars[i], &sums[i]);
    free(sums);
    return SLK_OK;
}

/* --- Sum of products -------------------------------------------------------------------------- */

typedef struct {
    const slk_vk_t *vk;
    const slk_node_t *scalars;
    const blst_p1_affine **points; /* vk->ic_cnt places each; a range orders its own slice */
    const byte **numbers;
    pthread_mutex_t lock; /* guards sum and nomem */
    blst_p1 sum;
    bool nomem;
} msm_t;

static bool add_product(blst_p1 *sum, const blst_p1_affine **points, const byte **numbers,
                        size_t cnt, size_t bits)
{
    if (!cnt)
        return true;
    limb_t *scratch = malloc(blst_p1s_mult_pippenger_scratch_sizeof(cnt));
    if (!scratch)
        return false;
    blst_p1 product;
    blst_p1s_mult_pippenger(&product, points, cnt, numbers, bits, scratch);
    blst_p1_add_or_double(sum, sum, &product);
    free(scratch);
    return true;
}

/* A short partition repeats its last sector, a winning proof its only one: in a run of equal
 * numbers the points are added up before they are multiplied. Moves what is left to the front;
 * returns how many that is. */
static size_t add_runs(blst_p1 *sum, const blst_p1_affine **points, const byte **numbers,
                       size_t cnt, size_t bits)
{
    size_t left = 0;
    for (size_t i = 0, end; i < cnt; i = end) {
        for (end = i + 1; end < cnt && !memcmp(numbers[end], numbers[i], sizeof(slk_node_t));)
            end++;
        if (end - i >= RUN_MIN) {
            blst_p1 run;
            blst_p1s_add(&run, points + i, end - i);
            blst_p1_mult(&run, &run, numbers[i], bits);
            blst_p1_add_or_double(sum, sum, &run);
            continue;
        }
        for (size_t k = i; k < end; k++, left++) {
            points[left] = points[k];
            numbers[left] = numbers[k];
        }
    }
    return left;
}

/* Inputs are challenges, of a few bits, and commitments; times a weight of 128 bits the former are
 * still shorter. Each length is summed apart: in limbs 0 (nothing to add), 1, 2 to 3, 4. */
enum { CLASSES = 4 };

static unsigned class_of(const slk_node_t *number)
{
    static const unsigned class_of_limbs[] = {0, 1, 2, 2, 3};
    size_t limbs = 4;
    while (limbs && !slk_load_le64(number->b + 8 * (limbs - 1)))
        limbs--;
    return class_of_limbs[limbs];
}

/* Bits of the longest of cnt numbers, none of them zero. */
static size_t longest(const byte **numbers, size_t cnt)
{
    for (size_t limb = 4; limb-- > 0;) {
        uint64_t any = 0;
        for (size_t i = 0; i < cnt; i++)
            any |= slk_load_le64(numbers[i] + 8 * limb);
        if (any)
            return 64 * limb + 64 - (size_t)__builtin_clzll(any);
    }
    return 0;
}

static void msm_range(void *ctx, uint64_t begin, uint64_t end)
{
    msm_t *msm = ctx;
    size_t starts[CLASSES + 1] = {0}, fill[CLASSES];
    for (size_t i = begin; i < end; i++)
        starts[class_of(&msm->scalars[i]) + 1]++;
    starts[0] = begin;
    for (size_t c = 0; c < CLASSES; c++) {
        starts[c + 1] += starts[c];
        fill[c] = starts[c];
    }
    for (size_t i = begin; i < end; i++) {
        size_t at = fill[class_of(&msm->scalars[i])]++;
        msm->points[at] = &msm->vk->ic[i];
        msm->numbers[at] = msm->scalars[i].b;
    }

    blst_p1 sum = {0};
    bool good = true;
    for (size_t c = 1; c < CLASSES; c++) {
        const blst_p1_affine **points = msm->points + starts[c];
        const byte **numbers = msm->numbers + starts[c];
        size_t cnt = starts[c + 1] - starts[c], bits = longest(numbers, cnt);
        cnt = add_runs(&sum, points, numbers, cnt, bits);
        good = add_product(&sum, points, numbers, cnt, bits) && good;
    }
    pthread_mutex_lock(&msm->lock);
    msm->nomem |= !good;
    blst_p1_add_or_double(&msm->sum, &msm->sum, &sum);
    pthread_mutex_unlock(&msm->lock);
}

slk_err_t slk_inputs_point(blst_p1 *out, const slk_vk_t *vk, const slk_node_t *scalars,
                           const slk_job_t *job, slk_diag_t *diag)
{
    slk_pool_t *pool = slk_job_pool(job);
    size_t cnt = vk->ic_cnt, threads = slk_pool_threads(pool);
    size_t grain = (cnt + threads - 1) / threads;
    msm_t msm = {.vk = vk, .scalars = scalars, .lock = PTHREAD_MUTEX_INITIALIZER};
    msm.points = malloc(cnt * sizeof *msm.points);
    msm.numbers = malloc(cnt * sizeof *msm.numbers);
    msm.nomem = !msm.points || !msm.numbers;
    if (!msm.nomem)
        slk_pool_for(pool, cnt, grain < MSM_GRAIN_MIN ? MSM_GRAIN_MIN : grain, msm_range, &msm);
    free(msm.points);
    free(msm.numbers);
    *out = msm.sum;
    if (msm.nomem)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to sum %zu public inputs", cnt - 1);
    return SLK_OK;
}
