#include "proofs/groth16/prove.h"

#include "base/assert.h"
#include "base/work.h"
#include "crypto/fft/fft.h"
#include "crypto/msm/msm.h"
#include "proofs/groth16/point.h"
#include "proofs/groth16/proof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK   (UINT64_C(1) << 18) /* variables; half of it for G2 */
#define SPAN    2048u               /* variables of one task */
#define PRODUCT (UINT64_C(1) << 12) /* rows of one task */

/* --- Counts ----------------------------------------------------------------------------------- */

uint64_t slk_prove_domain(const slk_part_t *all)
{
    return UINT64_C(1) << slk_ntt_log(all->rows + all->inputs);
}

slk_err_t slk_params_fit(const slk_params_t *params, const slk_part_t *all,
                         const slk_density_t *density, const char *name, slk_diag_t *diag)
{
    const slk_array_t *arrays = params->arrays;
    const struct {
        const char *name;
        uint64_t found, want;
    } rows[] = {
        {"ic", params->vk->ic_cnt, all->inputs},
        {"h", arrays[SLK_ARRAY_H].cnt, slk_prove_domain(all) - 1},
        {"l", arrays[SLK_ARRAY_L].cnt, all->aux},
        {"a", arrays[SLK_ARRAY_A].cnt, all->inputs + density->a_aux_cnt},
        {"b_g1", arrays[SLK_ARRAY_B_G1].cnt, density->b_input_cnt + density->b_aux_cnt},
        {"b_g2", arrays[SLK_ARRAY_B_G2].cnt, density->b_input_cnt + density->b_aux_cnt},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (rows[i].found != rows[i].want)
            return slk_fail(diag, SLK_ERR_MISMATCH,
                            "%s: the parameters of another circuit: %s has %" PRIu64
                            " points, expected %" PRIu64
                            "; replace the file by the one of this name",
                            name, rows[i].name, rows[i].found, rows[i].want);
    }
    return SLK_OK;
}

/* --- Where the time goes ---------------------------------------------------------------------- */

const char *slk_prove_stage_name(slk_prove_stage_t stage)
{
    static const char *const names[SLK_PROVE_STAGE_CNT] = {
        [SLK_PROVE_WITNESS] = "witness",
        [SLK_PROVE_QUOTIENT] = "quotient (NTT)",
        [SLK_PROVE_POINTS] = "reading points",
        [SLK_PROVE_H] = "MSM G1 h",
        [SLK_PROVE_L] = "MSM G1 l",
        [SLK_PROVE_A] = "MSM G1 a",
        [SLK_PROVE_B_G1] = "MSM G1 b",
        [SLK_PROVE_B_G2] = "MSM G2 b",
        [SLK_PROVE_VERIFY] = "verification",
    };
    SLK_ASSERT((unsigned)stage < SLK_PROVE_STAGE_CNT);
    return names[stage];
}

slk_prove_time_t slk_prove_clock(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (slk_prove_time_t){slk_clock_seconds(),
                              (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                                  (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6};
}

void slk_prove_spent(slk_prove_time_t *times, slk_prove_stage_t stage, slk_prove_time_t since)
{
    if (!times)
        return;
    slk_prove_time_t now = slk_prove_clock();
    times[stage].wall += now.wall - since.wall;
    times[stage].cpu += now.cpu - since.cpu;
}

/* --- Sums of scalar * point ------------------------------------------------------------------- */

typedef union {
    blst_p1 g1;
    blst_p2 g2;
} sum_t;

/* Consecutive variables and the points they meet. */
typedef struct {
    const slk_fr_t *scalars; /* NULL: the auxiliary variables of the assignment */
    uint64_t cnt;
    const uint64_t *density; /* NULL: all of them */
    uint64_t first;          /* point of the first that takes part */
} segment_t;

typedef struct {
    const slk_params_t *params;
    const slk_density_t *density;
    const slk_witness_t *witness;
    const slk_job_t *job;
    slk_prove_time_t *times; /* may be NULL */
    uint64_t chunk;
    slk_region_t scalars, points; /* of one chunk */
    uint64_t *ranks;              /* points before each span of a chunk */
} prover_t;

typedef struct {
    prover_t *prover;
    const slk_array_t *array;
    slk_array_id_t id;
    const segment_t *segment;
    uint64_t pos;            /* of the chunk in the segment */
    const slk_fr_t *scalars; /* of the chunk */
    slk_work_t work;
    slk_msm_g1_t *g1;
    slk_msm_g2_t *g2;
} msm_t;

static slk_pool_t *pool_of(const prover_t *prover)
{
    return prover->job->pool;
}

static slk_point_t read_point(const msm_t *msm, uint64_t to, uint64_t from)
{
    const uint8_t *bytes = msm->array->points + from * msm->array->point_sz;
    if (msm->id == SLK_ARRAY_B_G2)
        return slk_g2_read((blst_p2_affine *)(void *)msm->prover->points.ptr + to, bytes, false);
    return slk_g1_read((blst_p1_affine *)(void *)msm->prover->points.ptr + to, bytes, false);
}

static void bad_point(msm_t *msm, uint64_t number, slk_point_t point)
{
    slk_diag_t diag;
    slk_err_t err =
        slk_fail(&diag, SLK_ERR_FORMAT,
                 "%s: point %" PRIu64 " of %s at byte %" PRIu64
                 " %s; check the file with selkie params verify",
                 msm->prover->params->name, number, slk_array_name(msm->id),
                 msm->array->offset + number * msm->array->point_sz, slk_point_text(point));
    slk_work_fail(&msm->work, err, &diag);
}

/* Scalars of variables [first, last) of the chunk, and the points of those that are not 0. */
static void load_span(void *ctx, uint64_t first, uint64_t last)
{
    static const slk_fr_t zero;
    msm_t *msm = ctx;
    const segment_t *segment = msm->segment;
    const uint64_t *density = segment->density ? segment->density + msm->pos / 64 : NULL;
    uint64_t from = msm->prover->ranks[first / SPAN];
    if (slk_work_stopped(&msm->work))
        return;
    if (!segment->scalars)
        slk_witness_aux((slk_fr_t *)(void *)msm->prover->scalars.ptr + first, msm->prover->witness,
                        msm->pos + first, last - first);
    for (uint64_t i = first; i < last; i++) {
        if (density && !(density[i / 64] >> i % 64 & 1))
            continue;
        if (!slk_fr_eq(&msm->scalars[i], &zero)) {
            slk_point_t point = read_point(msm, i, from);
            if (point != SLK_POINT_OK) {
                bad_point(msm, from, point);
                return;
            }
        }
        from++;
    }
}

static uint64_t popcount(const uint64_t *map, uint64_t bits)
{
    uint64_t cnt = 0;
    for (uint64_t i = 0; i < bits / 64; i++)
        cnt += (uint64_t)__builtin_popcountll(map[i]);
    if (bits % 64)
        cnt += (uint64_t)__builtin_popcountll(map[bits / 64] << (64 - bits % 64));
    return cnt;
}

/* Tell the system about points [first, last) of a mapped file: that they will be read, or that they
 * were, so that they do not count as ours any more (they stay where the system caches files). */
static void advise(const msm_t *msm, uint64_t first, uint64_t last, int advice)
{
    if (!msm->prover->params->region.ptr)
        return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    last = last < msm->array->cnt ? last : msm->array->cnt;
    uint64_t begin = msm->array->offset + first * msm->array->point_sz;
    uint64_t end = msm->array->offset + last * msm->array->point_sz;
    begin -= begin % page;
    if (advice == MADV_DONTNEED)
        end -= end % page; /* the rest belongs to what comes next, too */
    if (begin < end)
        madvise(msm->prover->params->region.ptr + begin, end - begin, advice);
}

static slk_err_t feed_segment(msm_t *msm, const segment_t *segment, uint64_t chunk,
                              slk_diag_t *diag)
{
    slk_err_t err;
    prover_t *prover = msm->prover;
    uint64_t from = segment->first;
    msm->segment = segment;
    for (msm->pos = 0; msm->pos < segment->cnt; msm->pos += chunk) {
        uint64_t cnt = segment->cnt - msm->pos < chunk ? segment->cnt - msm->pos : chunk;
        const uint64_t *density = segment->density ? segment->density + msm->pos / 64 : NULL;
        msm->scalars = segment->scalars ? segment->scalars + msm->pos
                                        : (const slk_fr_t *)(const void *)prover->scalars.ptr;
        for (uint64_t i = 0; i < cnt; i += SPAN) {
            uint64_t n = cnt - i < SPAN ? cnt - i : SPAN;
            prover->ranks[i / SPAN] = from;
            from += density ? popcount(density + i / 64, n) : n;
        }
        advise(msm, from, from + chunk, MADV_WILLNEED);
        slk_prove_time_t began = slk_prove_clock();
        slk_pool_for(pool_of(prover), cnt, SPAN, load_span, msm);
        advise(msm, prover->ranks[0], from, MADV_DONTNEED);
        slk_prove_spent(prover->times, SLK_PROVE_POINTS, began);
        if (slk_work_stopped(&msm->work))
            return SLK_OK; /* sum() takes the outcome from work */
        slk_msm_scalars_t scalars = {msm->scalars, cnt, density, true};
        if (msm->g2)
            SLK_TRY(slk_msm_g2_feed(msm->g2, (blst_p2_affine *)(void *)prover->points.ptr, &scalars,
                                    diag));
        else
            SLK_TRY(slk_msm_g1_feed(msm->g1, (blst_p1_affine *)(void *)prover->points.ptr, &scalars,
                                    diag));
        slk_progress_add(prover->job->progress, cnt);
    }
    return SLK_OK;
out:
    return err;
}

/* The sum over an array of the parameters; expected: scalars other than 0 and 1, a guess. */
static slk_err_t sum(sum_t *out, prover_t *prover, slk_array_id_t id, const segment_t *segments,
                     size_t cnt, uint64_t expected, slk_diag_t *diag)
{
    slk_err_t err, outcome;
    char stage[32];
    uint64_t total = 0;
    bool g2 = id == SLK_ARRAY_B_G2;
    msm_t msm = {.prover = prover, .array = &prover->params->arrays[id], .id = id};
    slk_prove_time_t *times = prover->times, began = slk_prove_clock();
    slk_prove_time_t points = times ? times[SLK_PROVE_POINTS] : began;
    for (size_t i = 0; i < cnt; i++)
        total += segments[i].cnt;
    snprintf(stage, sizeof stage, "MSM %s", slk_array_name(id));
    slk_progress_begin(prover->job->progress, stage, "points", total, 0);
    slk_work_init(&msm.work, prover->job);
    if (g2)
        SLK_TRY(slk_msm_g2_new(&msm.g2, expected, 0, prover->job, diag));
    else
        SLK_TRY(slk_msm_g1_new(&msm.g1, expected, 0, prover->job, diag));
    for (size_t i = 0; i < cnt && !slk_work_stopped(&msm.work); i++)
        SLK_TRY(feed_segment(&msm, &segments[i], g2 ? prover->chunk / 2 : prover->chunk, diag));
    if (slk_work_stopped(&msm.work))
        err = SLK_ERR_CANCELLED;
    else if (g2)
        err = slk_msm_g2_finish(msm.g2, &out->g2, diag);
    else
        err = slk_msm_g1_finish(msm.g1, &out->g1, diag);
out:
    outcome = slk_work_finish(&msm.work, err == SLK_OK || err == SLK_ERR_CANCELLED ? diag : NULL);
    slk_msm_g1_free(msm.g1);
    slk_msm_g2_free(msm.g2);
    slk_progress_end(prover->job->progress);
    if (times) { /* reading took its part already */
        began.wall += times[SLK_PROVE_POINTS].wall - points.wall;
        began.cpu += times[SLK_PROVE_POINTS].cpu - points.cpu;
    }
    slk_prove_spent(times, SLK_PROVE_H + (slk_prove_stage_t)id, began);
    return outcome != SLK_OK ? outcome : err;
}

/* Bits set in both maps. */
static uint64_t common(const uint64_t *a, const uint64_t *b, uint64_t bits)
{
    uint64_t cnt = 0;
    for (uint64_t i = 0; i < (bits + 63) / 64; i++)
        cnt += (uint64_t)__builtin_popcountll(a[i] & b[i]);
    return cnt;
}

/* --- Quotient --------------------------------------------------------------------------------- */

typedef struct {
    const slk_job_t *job;
    const slk_fr_t *a, *b;
    slk_fr_t *c;
} product_t;

static void multiply(void *ctx, uint64_t first, uint64_t last)
{
    const product_t *rows = ctx;
    if (slk_job_cancelled(rows->job))
        return;
    for (uint64_t i = first; i < last; i++)
        slk_fr_mul(&rows->c[i], &rows->a[i], &rows->b[i]);
}

/* Coefficients of h in a; b is freed. */
static slk_err_t quotient(slk_region_t *a, slk_region_t *b, uint64_t domain, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_err_t err;
    slk_ntt_t *ntt = NULL;
    slk_region_t c = {0};
    SLK_TRY(slk_ntt_new(&ntt, slk_ntt_log(domain), diag));
    SLK_TRY(slk_region_anon(&c, domain * sizeof(slk_fr_t), diag));
    product_t rows = {job, (void *)a->ptr, (void *)b->ptr, (void *)c.ptr};
    slk_pool_for(job->pool, domain, PRODUCT, multiply, &rows);
    SLK_TRY(slk_qap_h(a, b, &c, ntt, job, diag));
out:
    slk_region_free(b);
    slk_region_free(&c);
    slk_ntt_free(ntt);
    return err;
}

/* --- The proof -------------------------------------------------------------------------------- */

typedef struct {
    slk_fr_t r, s;
    slk_node_t r_bits, s_bits, rs_bits; /* little-endian */
} blinding_t;

static slk_err_t draw(slk_fr_t *out, slk_diag_t *diag)
{
    slk_node_t node;
    do {
        ssize_t got = getrandom(node.b, sizeof node.b, 0);
        if (got < 0 && errno == EINTR) {
            memset(&node, 0xff, sizeof node);
            continue;
        }
        if (got != sizeof node.b) {
            errno = got < 0 ? errno : EIO;
            return slk_fail_errno(diag, "read", "the system's random numbers");
        }
        node.b[31] &= 0x7f;
    } while (!slk_fr_from_node(out, &node));
    explicit_bzero(&node, sizeof node);
    return SLK_OK;
}

static slk_err_t blind(blinding_t *out, const slk_prove_options_t *options, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_fr_t rs;
    if (options && options->r)
        out->r = *options->r;
    else
        SLK_TRY(draw(&out->r, diag));
    if (options && options->s)
        out->s = *options->s;
    else
        SLK_TRY(draw(&out->s, diag));
    slk_fr_mul(&rs, &out->r, &out->s);
    slk_fr_to_node(&out->r_bits, &out->r);
    slk_fr_to_node(&out->s_bits, &out->s);
    slk_fr_to_node(&out->rs_bits, &rs);
    explicit_bzero(&rs, sizeof rs);
out:
    return err;
}

/* sum += k * p, in constant time */
static void add_mult_g1(blst_p1 *to, const blst_p1 *p, const slk_node_t *k)
{
    blst_p1 term;
    blst_p1_mult(&term, p, k->b, 255);
    blst_p1_add_or_double(to, to, &term);
    explicit_bzero(&term, sizeof term);
}

static void add_mult_affine(blst_p1 *to, const blst_p1_affine *p, const slk_node_t *k)
{
    blst_p1 point;
    blst_p1_from_affine(&point, p);
    add_mult_g1(to, &point, k);
}

/* Sums over the arrays to A, B, C. */
static void assemble(slk_proof_t *proof, const slk_vk_t *vk, const sum_t sums[SLK_ARRAY_CNT],
                     const blinding_t *blinding)
{
    blst_p1 a, c;
    blst_p2 b;
    blst_p1_add_or_double_affine(&a, &sums[SLK_ARRAY_A].g1, &vk->alpha_g1);
    add_mult_affine(&a, &vk->delta_g1, &blinding->r_bits);
    blst_p1_to_affine(&proof->a, &a);

    blst_p2_from_affine(&b, &vk->delta_g2);
    blst_p2_mult(&b, &b, blinding->s_bits.b, 255);
    blst_p2_add_or_double(&b, &b, &sums[SLK_ARRAY_B_G2].g2);
    blst_p2_add_or_double_affine(&b, &b, &vk->beta_g2);
    blst_p2_to_affine(&proof->b, &b);

    blst_p1_add_or_double(&c, &sums[SLK_ARRAY_H].g1, &sums[SLK_ARRAY_L].g1);
    add_mult_g1(&c, &sums[SLK_ARRAY_A].g1, &blinding->s_bits);
    add_mult_g1(&c, &sums[SLK_ARRAY_B_G1].g1, &blinding->r_bits);
    add_mult_affine(&c, &vk->alpha_g1, &blinding->s_bits);
    add_mult_affine(&c, &vk->beta_g1, &blinding->r_bits);
    add_mult_affine(&c, &vk->delta_g1, &blinding->rs_bits);
    blst_p1_to_affine(&proof->c, &c);
}

static slk_err_t verify(const uint8_t proof[SLK_GROTH16_PROOF_SZ], const slk_params_t *params,
                        const slk_witness_t *witness, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    bool ok;
    slk_diag_t why = {""};
    size_t cnt = witness->input_cnt - 1;
    slk_node_t *inputs = calloc(witness->input_cnt, sizeof *inputs);
    if (!inputs)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu public inputs", cnt);
    slk_job_t quiet = *job; /* what counts points there is not to be mixed with proofs here */
    quiet.progress = NULL;
    slk_progress_begin(job->progress, "verification", "proofs", 1, 0);
    for (size_t i = 0; i < cnt; i++)
        slk_fr_to_node(&inputs[i], &witness->input[1 + i]);
    err = slk_groth16_verify(&ok, params->vk, proof, SLK_GROTH16_PROOF_SZ, 1, inputs, cnt, &quiet,
                             &why);
    free(inputs);
    if (err != SLK_OK)
        return slk_fail(diag, err, "%s", why.text);
    if (!ok)
        return slk_fail(
            diag, SLK_ERR_PROOF,
            "the proof just made does not verify (%s): the parameters %s are damaged or "
            "of another circuit; check them with selkie params verify",
            why.text, params->name);
    slk_progress_add(job->progress, 1);
    slk_progress_end(job->progress);
    if (slk_job_cancelled(job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    return SLK_OK;
}

static uint64_t chunk_for(uint64_t domain, const slk_prove_options_t *options)
{
    uint64_t chunk = options && options->chunk ? options->chunk : CHUNK;
    while (chunk / 2 >= domain && chunk > 128)
        chunk /= 2;
    return chunk;
}

uint64_t slk_prove_chunk_bytes(uint64_t domain)
{
    uint64_t chunk = chunk_for(domain, NULL);
    return chunk * (sizeof(slk_fr_t) + sizeof(blst_p1_affine)) +
           (chunk / SPAN + 1) * sizeof(uint64_t);
}

static slk_err_t prover_init(prover_t *prover, const slk_prove_options_t *options, uint64_t domain,
                             slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t chunk = chunk_for(domain, options);
    SLK_ASSERT(chunk % 128 == 0);
    prover->chunk = chunk;
    SLK_TRY(slk_region_anon(&prover->scalars, chunk * sizeof(slk_fr_t), diag));
    SLK_TRY(slk_region_anon(&prover->points, chunk * sizeof(blst_p1_affine), diag));
    prover->ranks = calloc(chunk / SPAN + 1, sizeof *prover->ranks);
    err = prover->ranks ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
out:
    return err;
}

static slk_err_t sum_witness(sum_t sums[SLK_ARRAY_CNT], prover_t *prover, slk_diag_t *diag)
{
    slk_err_t err;
    const slk_witness_t *w = prover->witness;
    const slk_density_t *d = prover->density;
    uint64_t a = common(w->is_wide, d->a_aux, w->aux_cnt);
    uint64_t b = common(w->is_wide, d->b_aux, w->aux_cnt);
    const segment_t l[] = {{NULL, w->aux_cnt, NULL, 0}};
    const segment_t side_a[] = {{w->input, w->input_cnt, NULL, 0},
                                {NULL, w->aux_cnt, d->a_aux, w->input_cnt}};
    const segment_t side_b[] = {{w->input, w->input_cnt, d->b_input, 0},
                                {NULL, w->aux_cnt, d->b_aux, d->b_input_cnt}};
    SLK_TRY(sum(&sums[SLK_ARRAY_L], prover, SLK_ARRAY_L, l, 1, w->wide_cnt, diag));
    SLK_TRY(sum(&sums[SLK_ARRAY_A], prover, SLK_ARRAY_A, side_a, 2, a, diag));
    SLK_TRY(sum(&sums[SLK_ARRAY_B_G1], prover, SLK_ARRAY_B_G1, side_b, 2, b, diag));
    SLK_TRY(sum(&sums[SLK_ARRAY_B_G2], prover, SLK_ARRAY_B_G2, side_b, 2, b, diag));
out:
    return err;
}

slk_err_t slk_groth16_prove(uint8_t out[SLK_GROTH16_PROOF_SZ], const slk_params_t *params,
                            const slk_density_t *density, const slk_witness_t *witness,
                            slk_region_t *a, slk_region_t *b, const slk_prove_options_t *options,
                            const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_job_t alone;
    slk_err_t err;
    uint64_t domain = (uint64_t)params->arrays[SLK_ARRAY_H].cnt + 1;
    prover_t prover = {
        .params = params, .density = density, .witness = witness, .job = job ? job : &alone};
    sum_t sums[SLK_ARRAY_CNT];
    blinding_t blinding;
    slk_proof_t proof;
    uint8_t bytes[SLK_GROTH16_PROOF_SZ];
    SLK_ASSERT(a->len == domain * sizeof(slk_fr_t) && b->len == a->len);
    SLK_ASSERT(params->vk->ic_cnt == witness->input_cnt);
    prover.times = options ? options->times : NULL;
    slk_prove_time_t began = slk_prove_clock();
    SLK_TRY(quotient(a, b, domain, prover.job, diag));
    slk_prove_spent(prover.times, SLK_PROVE_QUOTIENT, began);
    SLK_TRY(prover_init(&prover, options, domain, diag));
    const segment_t h[] = {{(void *)a->ptr, domain - 1, NULL, 0}};
    SLK_TRY(sum(&sums[SLK_ARRAY_H], &prover, SLK_ARRAY_H, h, 1, domain, diag));
    slk_region_free(a);
    SLK_TRY(sum_witness(sums, &prover, diag));
    SLK_TRY(blind(&blinding, options, diag));
    assemble(&proof, params->vk, sums, &blinding);
    slk_proof_write(bytes, &proof);
    began = slk_prove_clock();
    SLK_TRY(verify(bytes, params, witness, prover.job, diag));
    slk_prove_spent(prover.times, SLK_PROVE_VERIFY, began);
    memcpy(out, bytes, sizeof bytes);
out:
    explicit_bzero(&blinding, sizeof blinding);
    slk_region_free(a);
    slk_region_free(b);
    slk_region_free(&prover.scalars);
    slk_region_free(&prover.points);
    free(prover.ranks);
    return err;
}
