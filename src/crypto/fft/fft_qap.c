/* Order and scale of whole arrays, and the quotient of a QAP. */

#include "crypto/fft/fft_impl.h"

#include "base/assert.h"

/* --- Bit reversal ---------------------------------------------------------------------------- */

/* Squares of SIDE x SIDE elements: rows at the stride of the index's upper bits, columns
 * adjacent. */
enum { LOG_SIDE = 4, SIDE = 1 << LOG_SIDE, GRAIN = 1 << 12 };

typedef struct {
    slk_fr_t *a;
    unsigned log_n;
    const slk_job_t *job;
} reverse_t;

static uint64_t reversed(uint64_t x, unsigned bits)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < bits; i++)
        out |= (x >> i & 1) << (bits - 1 - i);
    return out;
}

static void swap_few(slk_fr_t *a, unsigned log_n)
{
    for (uint64_t i = 0; i < UINT64_C(1) << log_n; i++) {
        uint64_t j = reversed(i, log_n);
        if (i < j) {
            slk_fr_t t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
    }
}

static void read_square(slk_fr_t *out, const slk_fr_t *a, uint64_t stride)
{
    for (unsigned row = 0; row < SIDE; row++)
        for (unsigned column = 0; column < SIDE; column++)
            out[row * SIDE + column] = a[row * stride + column];
}

static void write_square(slk_fr_t *a, uint64_t stride, const slk_fr_t *in, const uint8_t *flip)
{
    for (unsigned row = 0; row < SIDE; row++)
        for (unsigned column = 0; column < SIDE; column++)
            a[row * stride + column] = in[flip[column] * SIDE + flip[row]];
}

/* Exchange the squares of the middle bits and of the middle bits reversed. */
static void reverse_squares(void *ctx, uint64_t begin, uint64_t end)
{
    const reverse_t *run = ctx;
    unsigned middle_bits = run->log_n - 2 * LOG_SIDE;
    uint64_t stride = UINT64_C(1) << (run->log_n - LOG_SIDE);
    slk_fr_t here[SIDE * SIDE], there[SIDE * SIDE];
    uint8_t flip[SIDE];
    if (slk_job_cancelled(run->job))
        return;
    for (unsigned i = 0; i < SIDE; i++)
        flip[i] = (uint8_t)reversed(i, LOG_SIDE);
    for (uint64_t i = begin; i < end; i++) {
        uint64_t j = reversed(i, middle_bits);
        if (i > j)
            continue;
        slk_fr_t *a = run->a + i * SIDE, *b = run->a + j * SIDE;
        read_square(here, a, stride);
        if (i != j) {
            read_square(there, b, stride);
            write_square(a, stride, there, flip);
        }
        write_square(b, stride, here, flip);
    }
    if (run->job)
        slk_progress_add(run->job->progress, (end - begin) * SIDE * SIDE);
}

static slk_err_t outcome(const slk_job_t *job, slk_diag_t *diag)
{
    if (slk_job_cancelled(job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted in a transform");
    return SLK_OK;
}

slk_err_t slk_ntt_reverse(slk_fr_t *a, unsigned log_n, const slk_job_t *job, slk_diag_t *diag)
{
    reverse_t run = {.a = a, .log_n = log_n, .job = job};
    if (log_n < 2 * LOG_SIDE)
        swap_few(a, log_n);
    else
        slk_pool_for(slk_job_pool(job), UINT64_C(1) << (log_n - 2 * LOG_SIDE), 64, reverse_squares,
                     &run);
    return outcome(job, diag);
}

/* --- Element by element ---------------------------------------------------------------------- */

typedef struct {
    const slk_ntt_t *ntt;
    const slk_job_t *job;
    slk_fr_t *a;
    const slk_fr_t *b;           /* product */
    slk_fr_t first, ratio, step; /* scale; step = ratio^SLK_NTT_SCALE */
} each_t;

static void scale_range(void *ctx, uint64_t begin, uint64_t end)
{
    const each_t *run = ctx;
    const slk_ntt_kernel_t *kernel = run->ntt->kernel;
    slk_fr_t start[SLK_NTT_SCALE];
    if (slk_job_cancelled(run->job))
        return;
    slk_ntt_pow(&start[0], &run->ratio, begin);
    slk_fr_mul(&start[0], &start[0], &run->first);
    for (unsigned i = 1; i < SLK_NTT_SCALE; i++)
        slk_fr_mul(&start[i], &start[i - 1], &run->ratio);
    if (end - begin < SLK_NTT_SCALE)
        kernel = &slk_ntt_portable;
    kernel->scale(run->a + begin, end - begin, start, &run->step);
    if (run->job)
        slk_progress_add(run->job->progress, end - begin);
}

slk_err_t slk_ntt_scale(const slk_ntt_t *ntt, slk_fr_t *a, const slk_fr_t *first,
                        const slk_fr_t *ratio, const slk_job_t *job, slk_diag_t *diag)
{
    each_t run = {.ntt = ntt, .job = job, .a = a, .first = *first, .ratio = *ratio};
    slk_ntt_pow(&run.step, ratio, SLK_NTT_SCALE);
    slk_pool_for(slk_job_pool(job), slk_ntt_size(ntt), GRAIN, scale_range, &run);
    return outcome(job, diag);
}

static void product_range(void *ctx, uint64_t begin, uint64_t end)
{
    const each_t *run = ctx;
    const slk_ntt_kernel_t *kernel = run->ntt->kernel;
    if (slk_job_cancelled(run->job))
        return;
    if (end - begin < SLK_NTT_LANES)
        kernel = &slk_ntt_portable;
    kernel->product(run->a + begin, run->b + begin, end - begin);
    slk_progress_add(run->job->progress, end - begin);
}

/* --- QAP ------------------------------------------------------------------------------------- */

enum { LOG_BLOCK = 10, BLOCK = 1 << LOG_BLOCK };

/* u and c in bit-reversed order: u[j] = u[j] * first * ratio^(j reversed) + c[j] * k. */
typedef struct {
    const slk_ntt_t *ntt;
    const slk_job_t *job;
    slk_fr_t *u;
    const slk_fr_t *c;
    unsigned
        log_block; /* log2 of a block of neighbours, whose powers are factors times a common one */
    slk_fr_t factors[BLOCK];
    slk_fr_t first, ratio, k;
} join_t;

static void join_blocks(void *ctx, uint64_t begin, uint64_t end)
{
    const join_t *run = ctx;
    const slk_ntt_kernel_t *kernel = run->ntt->kernel;
    size_t cnt = (size_t)1 << run->log_block;
    if (slk_job_cancelled(run->job))
        return;
    if (cnt < SLK_NTT_LANES)
        kernel = &slk_ntt_portable;
    for (uint64_t block = begin; block < end; block++) {
        slk_fr_t common;
        slk_ntt_pow(&common, &run->ratio, reversed(block, run->ntt->log_n - run->log_block));
        slk_fr_mul(&common, &common, &run->first);
        kernel->join(run->u + block * cnt, run->factors, run->c + block * cnt, cnt, &common,
                     &run->k);
    }
    slk_progress_add(run->job->progress, (end - begin) * cnt);
}

static slk_err_t join(join_t *run, slk_diag_t *diag)
{
    unsigned log_n = run->ntt->log_n;
    run->log_block = log_n < LOG_BLOCK ? log_n : LOG_BLOCK;
    for (uint64_t i = 0; i < UINT64_C(1) << run->log_block; i++)
        slk_ntt_pow(&run->factors[i], &run->ratio,
                    reversed(i, run->log_block) << (log_n - run->log_block));
    slk_pool_for(run->job->pool, UINT64_C(1) << (log_n - run->log_block), 4, join_blocks, run);
    return outcome(run->job, diag);
}

/* What the coefficients still take: of u, three transforms' 1/n and that of 7^n - 1; of c, one. */
static void join_factors(join_t *run)
{
    const slk_ntt_t *ntt = run->ntt;
    slk_fr_t generator, z, one, zero;
    slk_ntt_coset(&generator, &run->ratio);
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&zero, 0);
    slk_ntt_pow(&z, &generator, slk_ntt_size(ntt));
    slk_fr_sub(&z, &z, &one);
    slk_fr_inv(&z, &z);
    slk_fr_mul(&run->first, &z, &ntt->inverse_n);
    slk_fr_sub(&run->k, &zero, &run->first);
    slk_fr_mul(&run->first, &run->first, &ntt->inverse_n);
    slk_fr_mul(&run->first, &run->first, &ntt->inverse_n);
}

/* u, which is a * b modulo x^n - 7^n, takes the place of a. */
slk_err_t slk_qap_h(slk_region_t *a, slk_region_t *b, slk_region_t *c, const slk_ntt_t *ntt,
                    const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_job_t alone;
    const slk_job_t *use = job ? job : &alone;
    uint64_t n = slk_ntt_size(ntt), bytes = n * sizeof(slk_fr_t);
    SLK_ASSERT(a->len >= bytes && b->len >= bytes && c->len >= bytes);
    slk_fr_t *const v[3] = {(void *)a->ptr, (void *)b->ptr, (void *)c->ptr};
    slk_err_t err = SLK_OK;
    each_t product = {.ntt = ntt, .job = use, .a = v[0], .b = v[1]};
    join_t run = {.ntt = ntt, .job = use, .u = v[0], .c = v[2]};
    join_factors(&run);
    slk_progress_begin(use->progress, "QAP", "elements", n * (6 * ntt->passes + 3), 0);
    SLK_TRY(slk_ntt_inverse_reversed(ntt, v, 3, use, diag));
    SLK_TRY(slk_ntt_forward_reversed(ntt, v, 2, true, use, diag));
    slk_pool_for(use->pool, n, GRAIN, product_range, &product);
    SLK_TRY(outcome(use, diag));
    slk_region_free(b);
    SLK_TRY(slk_ntt_inverse_reversed(ntt, v, 1, use, diag));
    SLK_TRY(join(&run, diag));
    slk_region_free(c);
    SLK_TRY(slk_ntt_reverse(v[0], ntt->log_n, use, diag));
out:
    slk_progress_end(use->progress);
    return err;
}
