/* The two loads of a Groth16 prover: sums over points, transforms of scalars. */
#include "app/bench.h"

#include "base/assert.h"
#include "crypto/fft/fft.h"
#include "crypto/msm/msm_bench.h"

#include <stdio.h>

#define ROUNDS     3u
#define QUICK      0.1 /* seconds below which one round has to do */
#define LOG_POINTS 14u /* blst's own Pippenger takes a third of a second for that many in G1 */
#define LOG_VALUES 16u

/* Back ends of the sums, best first. */
static const slk_cpu_t msm_backends[] = {SLK_CPU_IFMA, SLK_CPU_AVX2, SLK_CPU_PORTABLE};

static unsigned rounds_in(double seconds)
{
    return seconds < QUICK ? 1 : ROUNDS;
}

/* Back ends come best first: what the first gives is the limit of the others. */
static json_t *figure(slk_app_t *app, const char *name, double value, const char *unit,
                      double *limit)
{
    if (*limit == 0 || value < *limit)
        *limit = value;
    return slk_figure(app, name, value, unit, *limit, SLK_LESS_IS_BETTER);
}

typedef struct {
    const char *name;
    slk_msm_group_t group;
    unsigned log_cnt;
    double limit, bits_limit;
} msm_row_t;

static slk_err_t msm_figure(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx)
{
    msm_row_t *row = ctx;
    slk_msm_figures_t figures;
    char name[96];
    slk_err_t err =
        slk_msm_bench(&figures, row->group, row->log_cnt, rounds_in(seconds), &app->diag);
    if (err != SLK_OK)
        return err;
    snprintf(name, sizeof name, "%s, a point of 2^%u, %s", row->name, row->log_cnt,
             slk_cpu_name(cpu));
    json_t *json = figure(app, name, figures.ours_ns, "ns", &row->limit);
    slk_figure_add(json, "blst", figures.blst_ns);
    slk_figure_add(json, "ratio", figures.ratio);
    snprintf(name, sizeof name, "%s, scalars 0 and 1, a point of 2^%u, %s", row->name, row->log_cnt,
             slk_cpu_name(cpu));
    figure(app, name, figures.bits_ns, "ns", &row->bits_limit);
    return SLK_OK;
}

slk_err_t slk_run_bench_msm(slk_app_t *app, const slk_args_t *args)
{
    double seconds = args->opt[SLK_OPT_SECONDS].seconds;
    msm_row_t g1 = {.name = "sum over G1", .group = SLK_MSM_G1, .log_cnt = LOG_POINTS};
    msm_row_t g2 = {.name = "sum over G2", .group = SLK_MSM_G2, .log_cnt = LOG_POINTS - 2};
    slk_err_t err;
    SLK_TRY(slk_bench_backends(app, msm_backends, seconds, msm_figure, &g1));
    SLK_TRY(slk_bench_backends(app, msm_backends, seconds, msm_figure, &g2));
out:
    return err;
}

static slk_err_t ntt_figure(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx)
{
    double *limits = ctx;
    slk_ntt_figures_t figures;
    char name[96];
    slk_err_t err =
        slk_ntt_bench(&figures, LOG_VALUES, rounds_in(seconds), true, &app->job, &app->diag);
    if (err != SLK_OK)
        return err;
    const struct {
        const char *what;
        double value;
        const char *unit;
    } rows[] = {
        {"a butterfly", figures.butterfly_ns, "ns"},
        {"forward, natural order", figures.forward * 1e3, "ms"},
        {"quotient of a QAP, six transforms", figures.qap * 1e3, "ms"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        snprintf(name, sizeof name, "transform of 2^%u scalars, %s, %s", LOG_VALUES, rows[i].what,
                 slk_cpu_name(cpu));
        json_t *json = figure(app, name, rows[i].value, rows[i].unit, &limits[i]);
        if (i == 0)
            slk_figure_add(json, "ratio", figures.fr_mul_ns / figures.butterfly_ns);
    }
    return SLK_OK;
}

slk_err_t slk_run_bench_ntt(slk_app_t *app, const slk_args_t *args)
{
    double limits[3] = {0};
    slk_err_t err;
    SLK_TRY(slk_app_job(app, args, "run it again"));
    SLK_TRY(slk_bench_backends(app, slk_ntt_backends(), args->opt[SLK_OPT_SECONDS].seconds,
                               ntt_figure, limits));
out:
    return err;
}
