#include "proofs/groth16/setup.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/region.h"
#include "crypto/fft/fft.h"
#include "crypto/msm/fixed_base.h"
#include "proofs/groth16/params.h"
#include "proofs/groth16/point.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK      (1u << 15) /* points on their way */
#define BLOCK      512u       /* field elements of one task */
#define DOMAIN_LOG 31u        /* counts have 32 bits */

/* A range of variables: its polynomials stand in poly[side] from `inputs_at` and `aux_at` on. */
typedef struct {
    uint64_t first_input, inputs, inputs_at;
    uint64_t first_aux, aux, aux_at;
} range_t;

typedef struct {
    const slk_setup_source_t *source;
    const slk_job_t *job;
    slk_diag_t *diag;
    int fd;
    const char *path;
    slk_part_t all;
    unsigned log;
    uint64_t offset[SLK_ARRAY_CNT]; /* of each array's count in the file */
    uint32_t cnt[SLK_ARRAY_CNT];

    slk_toxic_t toxic;
    slk_fr_t omega, t, t_over_n; /* t = tau^n - 1 */
    slk_fr_t over_gamma, over_delta;

    slk_region_t memory;
    slk_fr_t *lagrange; /* L_j(tau) for the rows at work, `row` being the next */
    uint64_t row, row_cnt;
    slk_fr_t *poly[3]; /* of A, B, C at tau: head, then unit at work; each inputs, then aux */
    range_t head, unit;

    slk_fixed_g1_t *g1;
    slk_fixed_g2_t *g2;
    slk_fr_t *scalars; /* CHUNK each */
    void *points;
    uint8_t *bytes;

    uint64_t first; /* of the parallel loop at work */
    slk_fr_t factor;
} setup_t;

static slk_pool_t *pool_of(const setup_t *s)
{
    return slk_job_pool(s->job);
}

/* --- Field ------------------------------------------------------------------------------------ */

static void power(slk_fr_t *out, const slk_fr_t *base, uint64_t exponent)
{
    slk_fr_t square = *base, acc;
    slk_fr_from_u64(&acc, 1);
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            slk_fr_mul(&acc, &acc, &square);
        slk_fr_sqr(&square, &square);
    }
    *out = acc;
    explicit_bzero(&square, sizeof square);
    explicit_bzero(&acc, sizeof acc);
}

static bool is_zero(const slk_fr_t *a)
{
    return !(a->l[0] | a->l[1] | a->l[2] | a->l[3]);
}

/* A root of unity of order 2^log. */
static void root_of_unity(slk_fr_t *out, unsigned log)
{
    static const slk_node_t root = {{0x2b, 0x0d, 0x9f, 0x43, 0x1f, 0x97, 0x29, 0x38,
                                     0xb9, 0x80, 0x22, 0x8c, 0x50, 0x83, 0x36, 0xb6,
                                     0xb4, 0x13, 0xc8, 0x22, 0x19, 0x68, 0x9b, 0xd0,
                                     0x20, 0x1f, 0xe8, 0xdf, 0x9e, 0xa1, 0xa2, 0x16}};
    SLK_ASSERT(slk_fr_from_node(out, &root));
    for (unsigned i = log; i < 32; i++)
        slk_fr_sqr(out, out);
}

static slk_err_t draw(slk_fr_t *out, slk_diag_t *diag)
{
    slk_node_t node;
    slk_err_t err = SLK_OK;
    do {
        if (getrandom(node.b, sizeof node.b, 0) != (ssize_t)sizeof node.b) {
            err = slk_fail_errno(diag, "read", "the system's random numbers");
            break;
        }
        node.b[31] &= 0x7f;
    } while (!slk_fr_from_node(out, &node) || is_zero(out));
    explicit_bzero(&node, sizeof node);
    return err;
}

/* Secrets and what follows from them. tau is not in the domain. */
static slk_err_t secrets(setup_t *s, const slk_toxic_t *given)
{
    slk_err_t err = SLK_OK;
    slk_fr_t *const all[] = {&s->toxic.alpha, &s->toxic.beta, &s->toxic.gamma, &s->toxic.delta,
                             &s->toxic.tau};
    slk_fr_t one, n;
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&n, UINT64_C(1) << s->log);
    do {
        if (given)
            s->toxic = *given;
        for (size_t i = 0; !given && i < SLK_COUNT(all); i++)
            SLK_TRY(draw(all[i], s->diag));
        power(&s->t, &s->toxic.tau, UINT64_C(1) << s->log);
        slk_fr_sub(&s->t, &s->t, &one);
        SLK_ASSERT(!given || !is_zero(&s->t));
    } while (is_zero(&s->t));
    root_of_unity(&s->omega, s->log);
    slk_fr_inv(&n, &n);
    slk_fr_mul(&s->t_over_n, &s->t, &n);
    slk_fr_inv(&s->over_gamma, &s->toxic.gamma);
    slk_fr_inv(&s->over_delta, &s->toxic.delta);
out:
    return err;
}

/* L_j(tau) = omega^j t / (n (tau - omega^j)) for a block of rows from s->first on. */
static void lagrange_block(void *ctx, uint64_t begin, uint64_t end)
{
    setup_t *s = ctx;
    slk_fr_t diffs[BLOCK], prefix[BLOCK], at, acc, inverse;
    size_t cnt = end - begin;
    power(&at, &s->omega, s->first + begin);
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_sub(&diffs[i], &s->toxic.tau, &at);
        if (i)
            slk_fr_mul(&prefix[i], &prefix[i - 1], &diffs[i]);
        else
            prefix[0] = diffs[0];
        slk_fr_mul(&at, &at, &s->omega);
    }
    slk_fr_inv(&acc, &prefix[cnt - 1]);
    slk_fr_mul(&acc, &acc, &s->t_over_n);
    for (size_t i = cnt; i-- > 0;) {
        inverse = acc;
        if (i) {
            slk_fr_mul(&inverse, &acc, &prefix[i - 1]);
            slk_fr_mul(&acc, &acc, &diffs[i]);
        }
        slk_fr_sub(&at, &s->toxic.tau, &diffs[i]);
        slk_fr_mul(&s->lagrange[begin + i], &inverse, &at);
    }
    explicit_bzero(diffs, sizeof diffs);
    explicit_bzero(prefix, sizeof prefix);
}

static void lagrange_fill(setup_t *s, uint64_t first, uint64_t cnt)
{
    s->first = first;
    s->row = 0;
    s->row_cnt = cnt;
    slk_pool_for(pool_of(s), cnt, BLOCK, lagrange_block, s);
}

/* --- Polynomials ------------------------------------------------------------------------------ */

static uint64_t place_of(const setup_t *s, uint32_t key)
{
    uint64_t i = key & ~SLK_AUX;
    if (key & SLK_AUX)
        return i < s->head.aux ? s->head.aux_at + i : s->unit.aux_at + i - s->unit.first_aux;
    return i < s->head.inputs ? i : s->unit.inputs_at + i - s->unit.first_input;
}

static void add_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    setup_t *s = ctx;
    SLK_ASSERT(s->row < s->row_cnt);
    const slk_fr_t *l = &s->lagrange[s->row++];
    for (unsigned side = 0; side < 3; side++) {
        for (size_t i = 0; i < row->lc[side].cnt; i++) {
            slk_term_t term = row->lc[side].term[i];
            slk_fr_t *sum = &s->poly[side][place_of(s, term.key)], product;
            if (term.coef == SLK_COEF_POW(0)) {
                slk_fr_add(sum, sum, l);
            } else if (term.coef == SLK_COEF_NEG(0)) {
                slk_fr_sub(sum, sum, l);
            } else {
                slk_fr_mul(&product, l, &coefs->v[term.coef].fr);
                slk_fr_add(sum, sum, &product);
            }
        }
    }
}

/* The rows that Groth16 adds for inputs: input i alone in A of row all.rows + i. */
static void add_input_rows(setup_t *s, const range_t *range)
{
    for (uint64_t done = 0; done < range->inputs;) {
        uint64_t room = s->source->head.rows + s->source->unit.rows + 1;
        uint64_t some = range->inputs - done < room ? range->inputs - done : room;
        lagrange_fill(s, s->all.rows + range->first_input + done, some);
        for (uint64_t i = 0; i < some; i++) {
            slk_fr_t *sum = &s->poly[0][range->inputs_at + done + i];
            slk_fr_add(sum, sum, &s->lagrange[i]);
        }
        done += some;
    }
}

/* C <- (beta A + alpha B + C) * factor */
static void combine_block(void *ctx, uint64_t begin, uint64_t end)
{
    setup_t *s = ctx;
    for (uint64_t i = s->first + begin; i < s->first + end; i++) {
        slk_fr_t p, *sum = &s->poly[2][i];
        slk_fr_mul(&p, &s->toxic.beta, &s->poly[0][i]);
        slk_fr_add(sum, sum, &p);
        slk_fr_mul(&p, &s->toxic.alpha, &s->poly[1][i]);
        slk_fr_add(sum, sum, &p);
        slk_fr_mul(sum, sum, &s->factor);
    }
}

static void combine(setup_t *s, uint64_t at, uint64_t cnt, const slk_fr_t *factor)
{
    s->first = at;
    s->factor = *factor;
    slk_pool_for(pool_of(s), cnt, BLOCK, combine_block, s);
}

/* --- Points ----------------------------------------------------------------------------------- */

static void pack_g1(void *ctx, uint64_t begin, uint64_t end)
{
    setup_t *s = ctx;
    const blst_p1_affine *points = s->points;
    for (uint64_t i = begin; i < end; i++)
        blst_p1_affine_serialize(s->bytes + i * SLK_G1_SZ, &points[i]);
}

static void pack_g2(void *ctx, uint64_t begin, uint64_t end)
{
    setup_t *s = ctx;
    const blst_p2_affine *points = s->points;
    for (uint64_t i = begin; i < end; i++)
        blst_p2_affine_serialize(s->bytes + i * SLK_G2_SZ, &points[i]);
}

static slk_err_t cancelled(const setup_t *s)
{
    return slk_fail(s->diag, SLK_ERR_CANCELLED, "%s: interrupted", s->path);
}

/* The multiples of a generator by s->scalars to the file. */
static slk_err_t put_points(setup_t *s, uint64_t offset, uint32_t point_sz, uint64_t cnt)
{
    for (uint64_t i = 0; i < cnt; i++) {
        if (is_zero(&s->scalars[i]))
            return slk_fail(s->diag, SLK_ERR_INPUT,
                            "%s: the point at byte %" PRIu64
                            " is the identity; expected none: a variable occurs in no constraint",
                            s->path, offset + i * point_sz);
    }
    if (point_sz == SLK_G1_SZ) {
        slk_fixed_g1_mul(s->g1, s->points, s->scalars, cnt);
        if (!slk_job_cancelled(s->job))
            slk_pool_for(pool_of(s), cnt, BLOCK, pack_g1, s);
    } else {
        slk_fixed_g2_mul(s->g2, s->points, s->scalars, cnt);
        if (!slk_job_cancelled(s->job))
            slk_pool_for(pool_of(s), cnt, BLOCK, pack_g2, s);
    }
    if (slk_job_cancelled(s->job))
        return cancelled(s);
    if (s->job)
        slk_progress_add(s->job->progress, cnt);
    return slk_pwrite_all(s->fd, s->bytes, cnt * point_sz, offset, s->path, s->diag);
}

/* values[i] where bit first + i of map is set (NULL: all), to points from offset on. *put: how many. */
static slk_err_t put_values(setup_t *s, uint64_t offset, uint32_t point_sz, const slk_fr_t *values,
                            uint64_t cnt, const uint64_t *map, uint64_t first, uint64_t *put)
{
    slk_err_t err;
    uint64_t used = 0, done = 0;
    for (uint64_t i = 0; i < cnt; i++) {
        if (map && !(map[(first + i) / 64] >> (first + i) % 64 & 1))
            continue;
        s->scalars[used++] = values[i];
        if (used == CHUNK) {
            SLK_TRY(put_points(s, offset + done * point_sz, point_sz, used));
            done += used;
            used = 0;
        }
    }
    SLK_TRY(put_points(s, offset + done * point_sz, point_sz, used));
    *put = done + used;
out:
    return err;
}

/* Points of an array from its point `pos` on. */
static slk_err_t put_array(setup_t *s, slk_array_id_t id, uint64_t pos, const slk_fr_t *values,
                           uint64_t cnt, const uint64_t *map, uint64_t first, uint64_t *put)
{
    uint32_t point_sz = id == SLK_ARRAY_B_G2 ? SLK_G2_SZ : SLK_G1_SZ;
    return put_values(s, s->offset[id] + 4 + pos * point_sz, point_sz, values, cnt, map, first,
                      put);
}

/* Of a range's variables those that come before it in the compact arrays. */
typedef struct {
    uint64_t a_aux, b_input, b_aux;
} ranks_t;

/* Everything about the variables of a range, whose polynomials are complete; ranks go on behind them. */
static slk_err_t put_range(setup_t *s, const range_t *r, ranks_t *ranks)
{
    slk_err_t err;
    const slk_density_t *density = s->source->density;
    const slk_fr_t *a = s->poly[0], *b = s->poly[1], *c = s->poly[2];
    uint64_t put, before = s->all.inputs, b_before = density->b_input_cnt;
    add_input_rows(s, r);
    combine(s, r->inputs_at, r->inputs, &s->over_gamma);
    combine(s, r->aux_at, r->aux, &s->over_delta);
    SLK_TRY(put_values(s, SLK_VK_HEAD_SZ + r->first_input * SLK_G1_SZ, SLK_G1_SZ, c + r->inputs_at,
                       r->inputs, NULL, 0, &put));
    SLK_TRY(put_array(s, SLK_ARRAY_L, r->first_aux, c + r->aux_at, r->aux, NULL, 0, &put));
    SLK_TRY(put_array(s, SLK_ARRAY_A, r->first_input, a + r->inputs_at, r->inputs, NULL, 0, &put));
    SLK_TRY(put_array(s, SLK_ARRAY_A, before + ranks->a_aux, a + r->aux_at, r->aux, density->a_aux,
                      r->first_aux, &put));
    ranks->a_aux += put;
    uint64_t inputs_put = 0, aux_put = 0;
    for (slk_array_id_t id = SLK_ARRAY_B_G1; id <= SLK_ARRAY_B_G2; id++) {
        SLK_TRY(put_array(s, id, ranks->b_input, b + r->inputs_at, r->inputs, density->b_input,
                          r->first_input, &inputs_put));
        SLK_TRY(put_array(s, id, b_before + ranks->b_aux, b + r->aux_at, r->aux, density->b_aux,
                          r->first_aux, &aux_put));
    }
    ranks->b_input += inputs_put;
    ranks->b_aux += aux_put;
out:
    return err;
}

/* --- Parts of the file ------------------------------------------------------------------------ */

static slk_err_t put_count(setup_t *s, uint64_t offset, uint32_t cnt)
{
    uint8_t bytes[4];
    slk_store_be32(bytes, cnt);
    return slk_pwrite_all(s->fd, bytes, sizeof bytes, offset, s->path, s->diag);
}

static slk_err_t put_head(setup_t *s)
{
    slk_err_t err;
    const slk_toxic_t *toxic = &s->toxic;
    const struct {
        const slk_fr_t *value;
        uint64_t offset;
        uint32_t point_sz;
    } rows[] = {
        {&toxic->alpha, 0, SLK_G1_SZ},   {&toxic->beta, 96, SLK_G1_SZ},
        {&toxic->beta, 192, SLK_G2_SZ},  {&toxic->gamma, 384, SLK_G2_SZ},
        {&toxic->delta, 576, SLK_G1_SZ}, {&toxic->delta, 672, SLK_G2_SZ},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        s->scalars[0] = *rows[i].value;
        SLK_TRY(put_points(s, rows[i].offset, rows[i].point_sz, 1));
    }
    SLK_TRY(put_count(s, SLK_VK_HEAD_SZ - 4, (uint32_t)s->all.inputs));
    for (size_t i = 0; i < SLK_ARRAY_CNT; i++)
        SLK_TRY(put_count(s, s->offset[i], s->cnt[i]));
out:
    return err;
}

/* tau^i t / delta */
static void h_block(void *ctx, uint64_t begin, uint64_t end)
{
    setup_t *s = ctx;
    slk_fr_t at;
    power(&at, &s->toxic.tau, s->first + begin);
    slk_fr_mul(&at, &at, &s->factor);
    for (uint64_t i = begin; i < end; i++) {
        s->scalars[i] = at;
        slk_fr_mul(&at, &at, &s->toxic.tau);
    }
}

static slk_err_t put_h(setup_t *s)
{
    slk_err_t err = SLK_OK;
    slk_fr_mul(&s->factor, &s->t, &s->over_delta);
    for (uint64_t at = 0; at < s->cnt[SLK_ARRAY_H]; at += CHUNK) {
        uint64_t some = s->cnt[SLK_ARRAY_H] - at < CHUNK ? s->cnt[SLK_ARRAY_H] - at : CHUNK;
        s->first = at;
        slk_pool_for(pool_of(s), some, BLOCK, h_block, s);
        SLK_TRY(put_points(s, s->offset[SLK_ARRAY_H] + 4 + at * SLK_G1_SZ, SLK_G1_SZ, some));
    }
out:
    return err;
}

static slk_err_t put_variables(setup_t *s)
{
    slk_err_t err = SLK_OK;
    const slk_setup_source_t *src = s->source;
    const slk_density_t *density = src->density;
    ranks_t ranks = {0}, head_ranks = {0};
    for (uint64_t i = 0; i < src->head.aux; i++) {
        ranks.a_aux += density->a_aux[i / 64] >> i % 64 & 1;
        ranks.b_aux += density->b_aux[i / 64] >> i % 64 & 1;
    }
    for (uint64_t i = 0; i < src->head.inputs; i++)
        ranks.b_input += density->b_input[i / 64] >> i % 64 & 1;
    lagrange_fill(s, 0, src->head.rows);
    src->rows(src->ctx, SLK_SETUP_HEAD, add_row, s);
    SLK_ASSERT(s->row == src->head.rows);
    for (uint32_t unit = 0; unit < src->units; unit++) {
        if (slk_job_cancelled(s->job))
            return cancelled(s);
        s->unit.first_input = src->head.inputs + unit * src->unit.inputs;
        s->unit.first_aux = src->head.aux + unit * src->unit.aux;
        for (unsigned side = 0; side < 3; side++)
            memset(s->poly[side] + s->unit.inputs_at, 0,
                   (src->unit.inputs + src->unit.aux) * sizeof(slk_fr_t));
        lagrange_fill(s, src->head.rows + unit * src->unit.rows, src->unit.rows);
        src->rows(src->ctx, unit, add_row, s);
        SLK_ASSERT(s->row == src->unit.rows);
        SLK_TRY(put_range(s, &s->unit, &ranks));
    }
    SLK_TRY(put_range(s, &s->head, &head_ranks));
    SLK_ASSERT(ranks.a_aux == density->a_aux_cnt && ranks.b_aux == density->b_aux_cnt &&
               ranks.b_input == density->b_input_cnt);
out:
    return err;
}

/* --- The whole -------------------------------------------------------------------------------- */

static slk_part_t all_of(const slk_setup_source_t *src)
{
    return (slk_part_t){.rows = src->head.rows + src->units * src->unit.rows,
                        .inputs = src->head.inputs + src->units * src->unit.inputs,
                        .aux = src->head.aux + src->units * src->unit.aux};
}

/* Counts and offsets; returns the length of the file. */
static uint64_t layout(setup_t *s, const slk_setup_source_t *src)
{
    const slk_density_t *density = src->density;
    s->source = src;
    s->all = all_of(src);
    s->log = slk_ntt_log(s->all.rows + s->all.inputs);
    SLK_ASSERT(s->log <= DOMAIN_LOG && s->all.aux < SLK_AUX);
    uint64_t b = density->b_input_cnt + density->b_aux_cnt;
    s->cnt[SLK_ARRAY_H] = (uint32_t)((UINT64_C(1) << s->log) - 1);
    s->cnt[SLK_ARRAY_L] = (uint32_t)s->all.aux;
    s->cnt[SLK_ARRAY_A] = (uint32_t)(s->all.inputs + density->a_aux_cnt);
    s->cnt[SLK_ARRAY_B_G1] = s->cnt[SLK_ARRAY_B_G2] = (uint32_t)b;
    uint64_t at = slk_vk_sz((uint32_t)s->all.inputs);
    for (size_t i = 0; i < SLK_ARRAY_CNT; i++) {
        s->offset[i] = at;
        at += 4 + (uint64_t)s->cnt[i] * (i == SLK_ARRAY_B_G2 ? SLK_G2_SZ : SLK_G1_SZ);
    }
    return at;
}

uint64_t slk_setup_len(const slk_setup_source_t *source)
{
    setup_t s = {0};
    return layout(&s, source);
}

static slk_err_t take_memory(setup_t *s)
{
    slk_err_t err;
    const slk_part_t *head = &s->source->head, *unit = &s->source->unit;
    uint64_t rows = head->rows + unit->rows + 1;
    uint64_t variables = head->inputs + head->aux + unit->inputs + unit->aux;
    uint64_t elements = rows + 3 * variables + CHUNK;
    uint64_t points = (uint64_t)CHUNK * SLK_G2_SZ;
    SLK_TRY(slk_region_anon(&s->memory, elements * sizeof(slk_fr_t) + 2 * points, s->diag));
    s->points = s->memory.ptr;
    s->bytes = s->memory.ptr + points;
    s->scalars = (slk_fr_t *)(void *)(s->bytes + points);
    s->lagrange = s->scalars + CHUNK;
    for (unsigned side = 0; side < 3; side++)
        s->poly[side] = s->lagrange + rows + side * variables;
    s->head = (range_t){.inputs = head->inputs, .aux = head->aux, .aux_at = head->inputs};
    s->unit = (range_t){.inputs = unit->inputs,
                        .inputs_at = head->inputs + head->aux,
                        .aux = unit->aux,
                        .aux_at = head->inputs + head->aux + unit->inputs};
out:
    return err;
}

static slk_err_t take_tables(setup_t *s)
{
    slk_err_t err;
    blst_p1_affine g1;
    blst_p2_affine g2;
    uint64_t g1_cnt = s->all.inputs, g2_cnt = s->cnt[SLK_ARRAY_B_G2];
    for (size_t i = 0; i < SLK_ARRAY_B_G2; i++)
        g1_cnt += s->cnt[i];
    blst_p1_to_affine(&g1, blst_p1_generator());
    blst_p2_to_affine(&g2, blst_p2_generator());
    SLK_TRY(slk_fixed_g1_new(&s->g1, &g1, g1_cnt, s->job, s->diag));
    SLK_TRY(slk_fixed_g2_new(&s->g2, &g2, g2_cnt, s->job, s->diag));
    if (s->job)
        slk_progress_begin(s->job->progress, "points of the key", "points", g1_cnt + g2_cnt + 6, 0);
out:
    return err;
}

slk_err_t slk_setup_write(int fd, const char *path, const slk_setup_source_t *source,
                          const slk_toxic_t *toxic, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    setup_t s = {.fd = fd, .path = path, .job = job, .diag = diag};
    layout(&s, source);
    SLK_TRY(take_memory(&s));
    SLK_TRY(secrets(&s, toxic));
    SLK_TRY(take_tables(&s));
    SLK_TRY(put_head(&s));
    SLK_TRY(put_h(&s));
    SLK_TRY(put_variables(&s));
    if (job)
        slk_progress_end(job->progress);
out:
    slk_fixed_g1_free(s.g1);
    slk_fixed_g2_free(s.g2);
    if (s.memory.ptr)
        explicit_bzero(s.memory.ptr, s.memory.len);
    slk_region_free(&s.memory);
    explicit_bzero(&s, sizeof s);
    return err;
}
