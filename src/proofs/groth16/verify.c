/* e(A, B) e(sum x_i ic_i, -gamma) e(C, -delta) = e(alpha, beta); for several proofs the product
 * of these, each to the power of a random weight. The first weight is one: a sum in which only
 * the first term is wrong is never zero, and any other wrong term has a random weight. */

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/groth16/inputs.h"
#include "proofs/groth16/pairing.h"
#include "proofs/groth16/proof.h"
#include "proofs/groth16/vk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define BLOCK       64u /* proofs prepared at once: 20 KB each */
#define FIXED_PAIRS 3u

typedef uint8_t weight_t[SLK_WEIGHT_SZ];

typedef struct {
    slk_lines_t lines[BLOCK];
    blst_p1 c[BLOCK]; /* weighted */
    slk_pair_t pairs[BLOCK + FIXED_PAIRS];
    bool malformed[BLOCK];
} block_t;

typedef struct {
    const slk_vk_t *vk;
    const uint8_t *proofs;
    weight_t *weights;   /* NULL: a single proof, whose weight is one */
    slk_node_t *scalars; /* of ic; the first is the sum of all weights */
    blst_p1 inputs, c_sum;
    block_t *block;
    size_t first; /* proof of the present block */
    pthread_mutex_t lock;
    blst_fp12 product; /* under lock */
} batch_t;

static slk_err_t draw_weights(weight_t *weights, size_t cnt, slk_diag_t *diag)
{
    static const weight_t zero;
    memset(weights, 0, cnt * sizeof *weights);
    weights[0][0] = 1;
    for (size_t i = 1; i < cnt; i++) {
        while (memcmp(weights[i], zero, sizeof zero) == 0) {
            ssize_t got = getrandom(weights[i], SLK_WEIGHT_SZ, 0);
            if (got == SLK_WEIGHT_SZ || (got < 0 && errno == EINTR))
                continue;
            if (got >= 0)
                errno = EIO;
            return slk_fail_errno(diag, "read", "the system's random numbers");
        }
    }
    return SLK_OK;
}

/* Read proofs of the block, weigh A and C, compute the lines of B. */
static void prepare_range(void *ctx, uint64_t begin, uint64_t end)
{
    batch_t *batch = ctx;
    block_t *block = batch->block;
    for (uint64_t i = begin; i < end; i++) {
        size_t idx = batch->first + i;
        slk_proof_t proof;
        block->malformed[i] =
            slk_proof_read(&proof, batch->proofs + idx * SLK_GROTH16_PROOF_SZ, idx, NULL) != SLK_OK;
        if (block->malformed[i])
            continue;
        blst_p1_from_affine(&block->c[i], &proof.c);
        if (idx) {
            blst_p1 a;
            blst_p1_from_affine(&a, &proof.a);
            blst_p1_mult(&a, &a, batch->weights[idx], 8 * SLK_WEIGHT_SZ);
            blst_p1_to_affine(&proof.a, &a);
            blst_p1_mult(&block->c[i], &block->c[i], batch->weights[idx], 8 * SLK_WEIGHT_SZ);
        }
        slk_lines(&block->lines[i], &proof.b);
        block->pairs[i] = (slk_pair_t){&block->lines[i], proof.a};
    }
}

static void miller_range(void *ctx, uint64_t begin, uint64_t end)
{
    batch_t *batch = ctx;
    blst_fp12 product;
    slk_miller(&product, batch->block->pairs + begin, end - begin);
    pthread_mutex_lock(&batch->lock);
    blst_fp12_mul(&batch->product, &batch->product, &product);
    pthread_mutex_unlock(&batch->lock);
}

/* The pairs that all proofs share; returns how many. A single proof is compared with e(alpha,
 * beta), which the key holds. */
static size_t fixed_pairs(slk_pair_t *pairs, const batch_t *batch)
{
    pairs[0].q = &batch->vk->neg_gamma;
    blst_p1_to_affine(&pairs[0].p, &batch->inputs);
    pairs[1].q = &batch->vk->neg_delta;
    blst_p1_to_affine(&pairs[1].p, &batch->c_sum);
    if (!batch->weights)
        return 2;
    blst_p1 alpha;
    blst_p1_from_affine(&alpha, &batch->vk->alpha_g1);
    blst_p1_mult(&alpha, &alpha, batch->scalars[0].b, 255);
    blst_p1_cneg(&alpha, true);
    pairs[2].q = &batch->vk->beta;
    blst_p1_to_affine(&pairs[2].p, &alpha);
    return FIXED_PAIRS;
}

/* Prepare n proofs from batch->first on and multiply by their pairs. Returns how many are
 * well-formed before the first that is not; the product is of use only when all n are. */
static size_t run_block(batch_t *batch, size_t n, bool last, slk_pool_t *pool)
{
    block_t *block = batch->block;
    slk_pool_for(pool, n, 1, prepare_range, batch);
    for (size_t i = 0; i < n; i++) {
        if (block->malformed[i])
            return i;
        blst_p1_add_or_double(&batch->c_sum, &batch->c_sum, &block->c[i]);
    }
    size_t pair_cnt = n + (last ? fixed_pairs(block->pairs + n, batch) : 0);
    size_t threads = slk_pool_threads(pool);
    slk_pool_for(pool, pair_cnt, (pair_cnt + threads - 1) / threads, miller_range, batch);
    return n;
}

/* All proofs in one equation; lengths are right. *malformed: proof that is not well-formed, or
 * cnt. */
static slk_err_t verify(bool *ok, size_t *malformed, const slk_vk_t *vk, const uint8_t *proofs,
                        const slk_node_t *inputs, size_t cnt, const slk_job_t *job,
                        slk_diag_t *diag)
{
    slk_err_t err;
    batch_t batch = {
        .vk = vk, .proofs = proofs, .lock = PTHREAD_MUTEX_INITIALIZER, .product = *blst_fp12_one()};
    *ok = false;
    *malformed = cnt;
    batch.weights = cnt > 1 ? malloc(cnt * sizeof *batch.weights) : NULL;
    batch.scalars = malloc(vk->ic_cnt * sizeof *batch.scalars);
    batch.block = malloc(sizeof *batch.block);
    if ((cnt > 1 && !batch.weights) || !batch.scalars || !batch.block) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify %zu proofs", cnt);
        goto out;
    }
    if (batch.weights)
        SLK_TRY(draw_weights(batch.weights, cnt, diag));
    SLK_TRY(
        slk_inputs_weigh(batch.scalars, vk, inputs, (const weight_t *)batch.weights, cnt, diag));
    SLK_TRY(slk_inputs_point(&batch.inputs, vk, batch.scalars, job, diag));
    for (; batch.first < cnt; batch.first += BLOCK) {
        size_t left = cnt - batch.first, n = left < BLOCK ? left : BLOCK;
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        size_t good = run_block(&batch, n, n == left, slk_job_pool(job));
        if (good < n) {
            *malformed = batch.first + good;
            goto out;
        }
    }
    *ok = blst_fp12_finalverify(&batch.product, batch.weights ? blst_fp12_one() : &vk->alpha_beta);
out:
    free(batch.block);
    free(batch.scalars);
    free(batch.weights);
    return err;
}

/* Tell which proof of a rejected batch is wrong. */
static slk_err_t find_wrong(const slk_vk_t *vk, const uint8_t *proofs, const slk_node_t *inputs,
                            size_t cnt, const slk_job_t *job, slk_diag_t *diag)
{
    for (size_t i = 0; i < cnt; i++) {
        bool ok = false;
        size_t malformed;
        if (cnt > 1) {
            slk_err_t err = verify(&ok, &malformed, vk, proofs + i * SLK_GROTH16_PROOF_SZ,
                                   inputs + i * slk_vk_input_cnt(vk), 1, job, diag);
            if (err != SLK_OK)
                return err;
        }
        if (!ok)
            return slk_fail(
                diag, SLK_OK,
                "proof %zu of %zu belongs to other public inputs or another key, or is wrong", i,
                cnt);
    }
    SLK_ASSERT(!"a batch is rejected only for a wrong proof in it");
    return SLK_OK;
}

slk_err_t slk_groth16_verify(bool *ok, const slk_vk_t *vk, const void *proofs, size_t proofs_len,
                             size_t cnt, const slk_node_t *inputs, size_t input_cnt,
                             const slk_job_t *job, slk_diag_t *diag)
{
    *ok = false;
    if (cnt == 0)
        return slk_fail(diag, SLK_ERR_INPUT, "no proofs to verify: at least one is needed");
    if (input_cnt % cnt || input_cnt / cnt != slk_vk_input_cnt(vk))
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%zu public inputs for %zu proofs, the verifying key takes %zu each; use "
                        "the key of that "
                        "circuit and size",
                        input_cnt, cnt, slk_vk_input_cnt(vk));
    if (slk_proofs_check_len(proofs_len, cnt, diag) != SLK_OK)
        return SLK_OK;
    size_t malformed;
    slk_err_t err = verify(ok, &malformed, vk, proofs, inputs, cnt, job, diag);
    if (err != SLK_OK || *ok)
        return err;
    if (malformed == cnt)
        return find_wrong(vk, proofs, inputs, cnt, job, diag);
    slk_proof_t proof;
    err = slk_proof_read(&proof, (const uint8_t *)proofs + malformed * SLK_GROTH16_PROOF_SZ,
                         malformed, diag);
    SLK_ASSERT(err == SLK_ERR_FORMAT);
    return SLK_OK;
}
