#include "app/bench.h"

#include "base/assert.h"
#include "crypto/fr/fr.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/sha256.h"
#include "selkie/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* --- Figures -------------------------------------------------------------------------------- */

json_t *slk_figure(slk_app_t *app, const char *name, double value, const char *unit, double limit,
                   slk_better_t better)
{
    double share = better == SLK_LESS_IS_BETTER ? limit / value : value / limit;
    bool known = limit > 0 && value > 0;
    json_t *row = json_pack("{s:s, s:f, s:s, s:o, s:o}", "name", name, "value", value, "unit", unit,
                            "limit", known ? json_real(limit) : json_null(), "share",
                            known ? json_real(share) : json_null());
    if (!app->result)
        app->result = json_array();
    SLK_ASSERT(row && json_array_append_new(app->result, row) == 0);
    return row;
}

void slk_figure_add(json_t *row, const char *field, double value)
{
    SLK_ASSERT(json_object_set_new(row, field, json_real(value)) == 0);
}

/* --- Timing --------------------------------------------------------------------------------- */

double slk_bench_best(slk_bench_fn_t *fn, void *ctx, double seconds, slk_bench_clock_t *clock)
{
    double start = slk_clock_seconds(), best = 0;
    for (unsigned i = 0; i < 3 || slk_clock_seconds() - start < seconds; i++) {
        double before = clock();
        fn(ctx);
        double took = clock() - before;
        if (i == 0 || took < best)
            best = took;
    }
    return best;
}

static double cpu_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double slk_bench_thread_seconds(void)
{
    return cpu_clock(CLOCK_THREAD_CPUTIME_ID);
}

double slk_bench_process_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double slk_bench_median(double *values, size_t cnt)
{
    qsort(values, cnt, sizeof *values, compare);
    return cnt % 2 ? values[cnt / 2] : (values[cnt / 2 - 1] + values[cnt / 2]) / 2;
}

/* --- The machine's limits -------------------------------------------------------------------- */

#define CALL_BLOCKS 4096u /* of a dependent stream in one call */
#define CALL_PAIRS  4096u
#define CALL_HASHES 512u /* of Poseidon */
#define CALL_MULS   65536u

static uint8_t stream_data[CALL_BLOCKS * 64];

static void stream(void *ctx)
{
    slk_sha256_blocks(ctx, stream_data, CALL_BLOCKS);
}

double slk_bench_block_ns(double seconds)
{
    uint32_t h[8] = {0};
    return slk_bench_best(stream, h, seconds, slk_bench_thread_seconds) / CALL_BLOCKS * 1e9;
}

static void pairs(void *ctx)
{
    slk_node_t *nodes = ctx;
    slk_sha256_pairs(nodes + 2 * CALL_PAIRS, nodes, CALL_PAIRS);
}

double slk_bench_pair_ns(double seconds)
{
    static slk_node_t nodes[3 * CALL_PAIRS];
    return slk_bench_best(pairs, nodes, seconds, slk_bench_thread_seconds) / CALL_PAIRS * 1e9;
}

typedef struct {
    unsigned arity;
    slk_node_t in[CALL_HASHES * 11], out[CALL_HASHES];
} poseidon_call_t;

static void poseidon(void *ctx)
{
    poseidon_call_t *call = ctx;
    SLK_ASSERT(slk_poseidon_rows(call->out, call->in, CALL_HASHES, call->arity) ==
               CALL_HASHES * call->arity);
}

double slk_bench_poseidon_ns(unsigned arity, double seconds)
{
    static poseidon_call_t call;
    call.arity = arity;
    for (size_t i = 0; i < SLK_COUNT(call.in); i++) {
        slk_sha256(&call.in[i], &i, sizeof i);
        slk_trunc254(&call.in[i]);
    }
    return slk_bench_best(poseidon, &call, seconds, slk_bench_thread_seconds) / CALL_HASHES * 1e9;
}

static void muls_dependent(void *ctx)
{
    slk_fr_t *x = ctx;
    for (unsigned i = 0; i < CALL_MULS; i++)
        slk_fr_mul(&x[0], &x[0], &x[1]);
}

static void muls_independent(void *ctx)
{
    slk_fr_t *x = ctx;
    for (unsigned i = 0; i < CALL_MULS; i += 8) {
        for (unsigned k = 0; k < 8; k++)
            slk_fr_mul(&x[k], &x[k], &x[8]);
    }
}

double slk_bench_fr_mul_ns(bool dependent, double seconds)
{
    slk_fr_t x[9];
    for (unsigned i = 0; i < 9; i++)
        slk_fr_from_u64(&x[i], UINT64_C(0x9e3779b97f4a7c15) * (i + 1));
    return slk_bench_best(dependent ? muls_dependent : muls_independent, x, seconds,
                          slk_bench_thread_seconds) /
           CALL_MULS * 1e9;
}

slk_err_t slk_bench_backends(slk_app_t *app, const slk_cpu_t *list, double seconds,
                             slk_backend_fn_t *fn, void *ctx)
{
    slk_err_t err = SLK_OK;
    slk_cpu_t before = slk_cpu_selected();
    for (const slk_cpu_t *cpu = list;; cpu++) {
        if (slk_job_cancelled(&app->job)) {
            err = slk_fail(&app->diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        if (slk_cpu_has(*cpu)) {
            SLK_TRY(slk_cpu_select(slk_cpu_name(*cpu), &app->diag));
            SLK_TRY(fn(app, seconds, *cpu, ctx));
        }
        if (*cpu == SLK_CPU_PORTABLE)
            break;
    }
out:
    SLK_ASSERT(slk_cpu_select(slk_cpu_name(before), NULL) == SLK_OK);
    return err;
}
