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
    const slk_fr_t *b, *c;
    slk_fr_t first, ratio, step; /* scale; step = ratio^SLK_NTT_SCALE */
    slk_fr_t ab, k;              /* quotient */
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

static void quotient_range(void *ctx, uint64_t begin, uint64_t end)
{
    const each_t *run = ctx;
    const slk_ntt_kernel_t *kernel = run->ntt->kernel;
    if (slk_job_cancelled(run->job))
        return;
    if (end - begin < SLK_NTT_LANES)
        kernel = &slk_ntt_portable;
    kernel->quotient(run->a + begin, run->b + begin, run->c + begin, end - begin, &run->ab,
                     &run->k);
    slk_progress_add(run->job->progress, end - begin);
}

/* --- QAP ------------------------------------------------------------------------------------- */

/* a, b, c are n times the values on the coset; a becomes 1/n times those of the quotient. */
static slk_err_t divide(each_t *run, slk_diag_t *diag)
{
    const slk_ntt_t *ntt = run->ntt;
    slk_fr_t generator, ignored, z, one, zero;
    slk_ntt_coset(&generator, &ignored);
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&zero, 0);
    slk_ntt_pow(&z, &generator, slk_ntt_size(ntt));
    slk_fr_sub(&z, &z, &one);
    slk_fr_inv(&z, &z);
    slk_fr_mul(&run->k, &z, &ntt->inverse_n);
    slk_fr_mul(&run->k, &run->k, &ntt->inverse_n);
    slk_fr_mul(&run->ab, &run->k, &ntt->inverse_n);
    slk_fr_sub(&run->k, &zero, &run->k);
    slk_pool_for(run->job->pool, slk_ntt_size(ntt), GRAIN, quotient_range, run);
    return outcome(run->job, diag);
}

slk_err_t slk_qap_h(slk_region_t *a, slk_region_t *b, slk_region_t *c, const slk_ntt_t *ntt,
                    const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_job_t alone;
    const slk_job_t *use = job ? job : &alone;
    uint64_t n = slk_ntt_size(ntt), bytes = n * sizeof(slk_fr_t);
    SLK_ASSERT(a->len >= bytes && b->len >= bytes && c->len >= bytes);
    slk_fr_t *const v[3] = {(void *)a->ptr, (void *)b->ptr, (void *)c->ptr};
    slk_fr_t generator, inverse, one;
    slk_err_t err = SLK_OK;
    slk_ntt_coset(&generator, &inverse);
    slk_fr_from_u64(&one, 1);
    slk_progress_begin(use->progress, "QAP", "elements", n * (7 * ntt->passes + 3), 0);
    SLK_TRY(slk_ntt_inverse_reversed(ntt, v, 3, use, diag));
    SLK_TRY(slk_ntt_forward_reversed(ntt, v, 3, true, use, diag));
    each_t run = {.ntt = ntt, .job = use, .a = v[0], .b = v[1], .c = v[2]};
    SLK_TRY(divide(&run, diag));
    slk_region_free(b);
    slk_region_free(c);
    SLK_TRY(slk_ntt_inverse_reversed(ntt, v, 1, use, diag));
    SLK_TRY(slk_ntt_reverse(v[0], ntt->log_n, use, diag));
    SLK_TRY(slk_ntt_scale(ntt, v[0], &one, &inverse, use, diag));
out:
    slk_progress_end(use->progress);
    return err;
}
