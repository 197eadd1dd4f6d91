#include "crypto/msm/msm_bench.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 64u

#define CHAIN(g, p)                                                                                \
    slk_err_t slk_msm_chain_##g(blst_##p##_affine *out, uint64_t cnt, uint64_t start,              \
                                uint64_t step)                                                     \
    {                                                                                              \
        enum { PART = 1024 };                                                                      \
        blst_##p *part = malloc(PART * sizeof *part), at, by;                                      \
        if (!part)                                                                                 \
            return SLK_ERR_NOMEM;                                                                  \
        blst_##p##_mult(&at, blst_##p##_generator(), (const byte *)&start, 64);                    \
        blst_##p##_mult(&by, blst_##p##_generator(), (const byte *)&step, 64);                     \
        for (uint64_t done = 0; done < cnt;) {                                                     \
            size_t some = cnt - done < PART ? (size_t)(cnt - done) : PART;                         \
            for (size_t i = 0; i < some; i++) {                                                    \
                part[i] = at;                                                                      \
                blst_##p##_add_or_double(&at, &at, &by);                                           \
            }                                                                                      \
            const blst_##p *const list[2] = {part, NULL};                                          \
            blst_##p##s_to_affine(out + done, list, some);                                         \
            done += some;                                                                          \
        }                                                                                          \
        free(part);                                                                                \
        return SLK_OK;                                                                             \
    }

CHAIN(g1, p1)
CHAIN(g2, p2)

typedef struct {
    slk_msm_group_t group;
    size_t cnt;
    blst_p1_affine *g1;
    blst_p2_affine *g2;
    slk_fr_t *scalars, *bits;
    slk_node_t *nodes;
    void *scratch;
} bench_t;

static double thread_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static slk_err_t bench_init(bench_t *b, slk_diag_t *diag)
{
    bool second = b->group == SLK_MSM_G2;
    size_t scratch = second ? blst_p2s_mult_pippenger_scratch_sizeof(b->cnt)
                            : blst_p1s_mult_pippenger_scratch_sizeof(b->cnt);
    b->g1 = second ? NULL : malloc(b->cnt * sizeof *b->g1);
    b->g2 = second ? malloc(b->cnt * sizeof *b->g2) : NULL;
    b->scalars = malloc(b->cnt * sizeof *b->scalars);
    b->bits = malloc(b->cnt * sizeof *b->bits);
    b->nodes = malloc(b->cnt * sizeof *b->nodes);
    b->scratch = malloc(scratch);
    if (!(second ? (void *)b->g2 : (void *)b->g1) || !b->scalars || !b->bits || !b->nodes ||
        !b->scratch)
        return slk_fail(diag, SLK_ERR_NOMEM,
                        "bench of 2^k points: out of memory; take a smaller k");
    uint64_t state = 1;
    for (size_t i = 0; i < b->cnt; i++) {
        for (int k = 0; k < 4; k++)
            b->scalars[i].l[k] = next_random(&state);
        b->scalars[i].l[3] >>= 2;
        slk_fr_to_node(&b->nodes[i], &b->scalars[i]);
        slk_fr_from_u64(&b->bits[i], next_random(&state) >> 63);
    }
    return second ? slk_msm_chain_g2(b->g2, b->cnt, 3, 5) : slk_msm_chain_g1(b->g1, b->cnt, 3, 5);
}

static void bench_fini(bench_t *b)
{
    free(b->g1);
    free(b->g2);
    free(b->scalars);
    free(b->bits);
    free(b->nodes);
    free(b->scratch);
}

/* CPU seconds of both for one round; `bits` of ours with scalars 0 and 1. */
static slk_err_t bench_round(const bench_t *b, double *ours, double *theirs, double *bits,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_msm_scalars_t full = {.scalars = b->scalars, .cnt = b->cnt},
                      few = {.scalars = b->bits, .cnt = b->cnt};
    const byte *const nodes[2] = {b->nodes[0].b, NULL};
    bool same;
    double t0 = thread_seconds(), t1, t2;
    if (b->group == SLK_MSM_G1) {
        blst_p1 sum, want;
        const blst_p1_affine *const points[2] = {b->g1, NULL};
        SLK_TRY(slk_msm_g1(&sum, b->g1, &full, 0, NULL, diag));
        t1 = thread_seconds();
        blst_p1s_mult_pippenger(&want, points, b->cnt, nodes, 255, b->scratch);
        t2 = thread_seconds();
        same = blst_p1_is_equal(&sum, &want);
        SLK_TRY(slk_msm_g1(&sum, b->g1, &few, 0, NULL, diag));
    } else {
        blst_p2 sum, want;
        const blst_p2_affine *const points[2] = {b->g2, NULL};
        SLK_TRY(slk_msm_g2(&sum, b->g2, &full, 0, NULL, diag));
        t1 = thread_seconds();
        blst_p2s_mult_pippenger(&want, points, b->cnt, nodes, 255, b->scratch);
        t2 = thread_seconds();
        same = blst_p2_is_equal(&sum, &want);
        SLK_TRY(slk_msm_g2(&sum, b->g2, &few, 0, NULL, diag));
    }
    *ours = t1 - t0;
    *theirs = t2 - t1;
    *bits = thread_seconds() - t2;
    if (!same)
        err = slk_fail(diag, SLK_ERR_PROOF, "our multi-scalar multiplication differs from blst's");
out:
    return err;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

slk_err_t slk_msm_bench(slk_msm_figures_t *out, slk_msm_group_t group, unsigned log_cnt,
                        unsigned rounds, slk_diag_t *diag)
{
    if (log_cnt > 26 || !rounds)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "bench of 2^%u points, %u rounds: expected at most 2^26, and a round",
                        log_cnt, rounds);
    slk_err_t err = SLK_OK;
    bench_t bench = {.group = group, .cnt = (size_t)1 << log_cnt};
    double ratios[ROUNDS_MAX];
    if (rounds > ROUNDS_MAX)
        rounds = ROUNDS_MAX;
    *out = (slk_msm_figures_t){1e30, 1e30, 0, 1e30};
    SLK_TRY(bench_init(&bench, diag));
    for (unsigned i = 0; i < rounds; i++) {
        double ours, theirs, bits, per_point = 1e9 / (double)bench.cnt;
        SLK_TRY(bench_round(&bench, &ours, &theirs, &bits, diag));
        ratios[i] = theirs / ours;
        if (ours * per_point < out->ours_ns)
            out->ours_ns = ours * per_point;
        if (theirs * per_point < out->blst_ns)
            out->blst_ns = theirs * per_point;
        if (bits * per_point < out->bits_ns)
            out->bits_ns = bits * per_point;
    }
    qsort(ratios, rounds, sizeof *ratios, by_value);
    out->ratio = ratios[rounds / 2];
out:
    bench_fini(&bench);
    return err;
}
