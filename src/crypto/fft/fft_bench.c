#include "crypto/fft/fft_impl.h"

#include <time.h>

/* CPU time of the calling thread where it works alone, else the clock. */
static double now(const slk_job_t *job)
{
    struct timespec ts;
    if (slk_pool_threads(slk_job_pool(job)) > 1)
        return slk_clock_seconds();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void least(double *best, double seconds)
{
    if (*best == 0 || seconds < *best)
        *best = seconds;
}

static double fr_mul_ns(void)
{
    enum { CHAINS = 4, STEPS = 20000 };
    slk_fr_t x[CHAINS], y;
    slk_fr_from_u64(&y, 7);
    double best = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < CHAINS; i++)
            slk_fr_from_u64(&x[i], 3 + i);
        double t = now(NULL);
        for (unsigned s = 0; s < STEPS; s++)
            for (unsigned i = 0; i < CHAINS; i++)
                slk_fr_mul(&x[i], &x[i], &y);
        least(&best, now(NULL) - t);
    }
    return best / (CHAINS * STEPS) * 1e9;
}

static void fill(slk_fr_t *a, uint64_t n)
{
    slk_fr_t ratio;
    slk_fr_from_u64(&ratio, UINT64_C(0x9e3779b97f4a7c15));
    slk_fr_from_u64(&a[0], 1);
    for (uint64_t i = 1; i < n; i++)
        slk_fr_mul(&a[i], &a[i - 1], &ratio);
}

static slk_err_t time_transforms(slk_ntt_figures_t *out, const slk_ntt_t *ntt, slk_fr_t *a,
                                 const slk_job_t *job, slk_diag_t *diag)
{
    double t[5];
    slk_err_t err;
    t[0] = now(job);
    if ((err = slk_ntt_inverse_reversed(ntt, &a, 1, job, diag)) != SLK_OK)
        return err;
    t[1] = now(job);
    if ((err = slk_ntt_forward_reversed(ntt, &a, 1, true, job, diag)) != SLK_OK)
        return err;
    t[2] = now(job);
    if ((err = slk_ntt_forward(ntt, a, true, job, diag)) != SLK_OK)
        return err;
    t[3] = now(job);
    if ((err = slk_ntt_inverse(ntt, a, true, job, diag)) != SLK_OK)
        return err;
    t[4] = now(job);
    least(&out->inverse_reversed, t[1] - t[0]);
    least(&out->forward_reversed, t[2] - t[1]);
    least(&out->forward, t[3] - t[2]);
    least(&out->inverse, t[4] - t[3]);
    return SLK_OK;
}

static slk_err_t time_qap(double *best, const slk_ntt_t *ntt, slk_region_t *a, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_region_t b = {0}, c = {0};
    slk_err_t err = slk_region_anon(&b, a->len, diag);
    if (err == SLK_OK)
        err = slk_region_anon(&c, a->len, diag);
    if (err == SLK_OK) {
        fill((void *)b.ptr, slk_ntt_size(ntt));
        fill((void *)c.ptr, slk_ntt_size(ntt));
        double t = now(job);
        err = slk_qap_h(a, &b, &c, ntt, job, diag);
        least(best, now(job) - t);
    }
    slk_region_free(&b);
    slk_region_free(&c);
    return err;
}

slk_err_t slk_ntt_bench(slk_ntt_figures_t *out, unsigned log_n, unsigned rounds, bool qap,
                        const slk_job_t *job, slk_diag_t *diag)
{
    slk_ntt_t *ntt;
    slk_region_t a = {0};
    *out = (slk_ntt_figures_t){0};
    slk_err_t err = slk_ntt_new(&ntt, log_n, diag);
    if (err != SLK_OK)
        return err;
    uint64_t n = slk_ntt_size(ntt);
    err = slk_region_anon(&a, n * sizeof(slk_fr_t), diag);
    if (err == SLK_OK)
        fill((void *)a.ptr, n);
    for (unsigned i = 0; i < rounds && err == SLK_OK; i++) {
        err = time_transforms(out, ntt, (void *)a.ptr, job, diag);
        if (err == SLK_OK && qap)
            err = time_qap(&out->qap, ntt, &a, job, diag);
    }
    out->butterfly_ns =
        (out->forward_reversed + out->inverse_reversed) * 1e9 / ((double)n * (log_n ? log_n : 1));
    out->fr_mul_ns = fr_mul_ns();
    slk_region_free(&a);
    slk_ntt_free(ntt);
    return err;
}
