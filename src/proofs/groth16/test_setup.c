/* Keys of a small circuit: every point against naive formulas over known secrets, then with drawn ones. */

#include "proofs/groth16/test_toy.h"

#include "base/bytes.h"
#include "proofs/groth16/params.h"
#include "proofs/groth16/point.h"
#include "proofs/groth16/setup.h"

#include <unistd.h>

#define HEAD_INPUTS 2u
#define HEAD_AUX    2u
#define HEAD_ROWS   2u
#define UNITS       3u
#define UNIT_INPUTS 1u
#define UNIT_AUX    4u
#define UNIT_ROWS   4u
#define INPUTS      (HEAD_INPUTS + UNITS * UNIT_INPUTS)
#define AUX         (HEAD_AUX + UNITS * UNIT_AUX)
#define ROWS        (HEAD_ROWS + UNITS * UNIT_ROWS)
#define LOG         5u
#define DOMAIN      (1u << LOG)
_Static_assert(ROWS + INPUTS <= DOMAIN && ROWS + INPUTS > DOMAIN / 2, "smallest domain");

/* --- The circuit ------------------------------------------------------------------------------ */

typedef struct {
    int side, coef;
    bool aux, unit; /* unit: a variable of the unit, else of the head */
    uint32_t number;
} toy_term_t;

#define IN(side, coef, n)                                                                          \
    {                                                                                              \
        side, coef, false, false, n                                                                \
    }
#define AX(side, coef, n)                                                                          \
    {                                                                                              \
        side, coef, true, false, n                                                                 \
    }
#define UIN(side, coef, n)                                                                         \
    {                                                                                              \
        side, coef, false, true, n                                                                 \
    }
#define UAX(side, coef, n)                                                                         \
    {                                                                                              \
        side, coef, true, true, n                                                                  \
    }

static const toy_term_t head_rows[HEAD_ROWS][4] = {
    {IN(0, 1, 0), AX(0, 2, 0), AX(1, 1, 1), IN(2, 1, 1)},
    {AX(0, -1, 1), IN(1, 1, 0), AX(2, 5, 0), AX(2, -7, 1)},
};

/* Variable 3 of a unit is on side C only; variable 2 on A only. */
static const toy_term_t unit_rows[UNIT_ROWS][4] = {
    {AX(0, 1, 0), UAX(0, 3, 0), UAX(1, 1, 1), UIN(2, -1, 0)},
    {UAX(0, -1, 2), IN(1, 4, 0), UAX(2, 1, 0), IN(2, 1, 1)},
    {UAX(0, 1, 1), UIN(0, 6, 0), AX(1, 7, 1), UIN(1, 1, 0)},
    {UAX(0, 9, 2), UAX(2, 1, 1), UAX(2, -1, 3), AX(2, 1, 1)},
};

typedef struct {
    slk_setup_source_t source;
    slk_coefs_t coefs;
    slk_density_t density;
    uint64_t a_aux[2], b_aux[2], b_input[2];
    bool drop; /* leave the last row of every unit out, but not its place */
} circuit_t;

static void make_row(circuit_t *c, const toy_term_t terms[4], uint32_t unit, slk_row_fn_t *fn,
                     void *fn_ctx, bool empty)
{
    slk_term_t list[3][4];
    slk_row_t row = {0};
    for (unsigned side = 0; side < 3; side++)
        row.lc[side].term = list[side];
    for (unsigned i = 0; i < 4 && !empty; i++) {
        const toy_term_t *t = &terms[i];
        uint32_t n = t->number;
        if (t->unit)
            n += t->aux ? HEAD_AUX + unit * UNIT_AUX : HEAD_INPUTS + unit * UNIT_INPUTS;
        list[t->side][row.lc[t->side].cnt++] =
            (slk_term_t){slk_coef_int(&c->coefs, t->coef), n | (t->aux ? SLK_AUX : 0)};
        if (t->side == 0 && t->aux)
            c->a_aux[0] |= UINT64_C(1) << n;
        if (t->side == 1)
            (t->aux ? c->b_aux : c->b_input)[0] |= UINT64_C(1) << n;
    }
    fn(fn_ctx, &row, &c->coefs);
}

static void make_rows(void *ctx, uint32_t unit, slk_row_fn_t *fn, void *fn_ctx)
{
    circuit_t *c = ctx;
    if (unit == SLK_SETUP_HEAD) {
        for (unsigned i = 0; i < HEAD_ROWS; i++)
            make_row(c, head_rows[i], 0, fn, fn_ctx, false);
        return;
    }
    for (unsigned i = 0; i < UNIT_ROWS; i++)
        make_row(c, unit_rows[i], unit, fn, fn_ctx, c->drop && i == UNIT_ROWS - 1);
}

static void no_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    (void)ctx;
    (void)row;
    (void)coefs;
}

static void circuit_new(circuit_t *c)
{
    slk_diag_t diag;
    *c = (circuit_t){0};
    assert_ok(slk_coefs_init(&c->coefs, &diag), diag);
    make_rows(c, SLK_SETUP_HEAD, no_row, NULL);
    for (uint32_t unit = 0; unit < UNITS; unit++)
        make_rows(c, unit, no_row, NULL);
    c->density = (slk_density_t){.a_aux = c->a_aux,
                                 .b_aux = c->b_aux,
                                 .b_input = c->b_input,
                                 .a_aux_cnt = (uint64_t)__builtin_popcountll(c->a_aux[0]),
                                 .b_aux_cnt = (uint64_t)__builtin_popcountll(c->b_aux[0]),
                                 .b_input_cnt = (uint64_t)__builtin_popcountll(c->b_input[0])};
    c->source = (slk_setup_source_t){.head = {HEAD_ROWS, HEAD_INPUTS, HEAD_AUX, 0},
                                     .unit = {UNIT_ROWS, UNIT_INPUTS, UNIT_AUX, 0},
                                     .units = UNITS,
                                     .density = &c->density,
                                     .rows = make_rows,
                                     .ctx = c};
}

/* --- Naive formulas --------------------------------------------------------------------------- */

typedef struct {
    slk_fr_t l[DOMAIN], poly[3][INPUTS + AUX], t;
    unsigned row;
} naive_t;

static slk_fr_t mul(slk_fr_t a, slk_fr_t b)
{
    slk_fr_mul(&a, &a, &b);
    return a;
}

static slk_fr_t divide(slk_fr_t a, slk_fr_t b)
{
    slk_fr_inv(&b, &b);
    return mul(a, b);
}

static void naive_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    naive_t *n = ctx;
    for (unsigned side = 0; side < 3; side++) {
        for (size_t i = 0; i < row->lc[side].cnt; i++) {
            uint32_t key = row->lc[side].term[i].key;
            slk_fr_t *sum = &n->poly[side][key & SLK_AUX ? INPUTS + (key & ~SLK_AUX) : key];
            slk_fr_t p = mul(n->l[n->row], coefs->v[row->lc[side].term[i].coef].fr);
            slk_fr_add(sum, sum, &p);
        }
    }
    n->row++;
}

static void naive_new(naive_t *n, circuit_t *c, const slk_toxic_t *toxic)
{
    /* (r - 1) / 2^5 */
    static const uint64_t exponent[4] = {UINT64_C(0xf7fffffff8000000), UINT64_C(0x2a9ded2017fff2df),
                                         UINT64_C(0x4199cec0404d0ec0), UINT64_C(0x39f6d3a994cebea)};
    slk_fr_t omega, at, seven, one, size;
    *n = (naive_t){0};
    slk_fr_from_u64(&seven, 7);
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&size, DOMAIN);
    omega = at = one;
    for (unsigned bit = 256; bit-- > 0;) {
        omega = mul(omega, omega);
        if (exponent[bit / 64] >> bit % 64 & 1)
            omega = mul(omega, seven);
    }
    n->t = toxic->tau;
    for (unsigned i = 0; i < LOG; i++)
        n->t = mul(n->t, n->t);
    slk_fr_sub(&n->t, &n->t, &one);
    for (unsigned j = 0; j < DOMAIN; j++) {
        slk_fr_t d;
        slk_fr_sub(&d, &toxic->tau, &at);
        n->l[j] = divide(mul(at, n->t), mul(size, d));
        at = mul(at, omega);
    }
    assert_true(slk_fr_eq(&at, &one));
    make_rows(c, SLK_SETUP_HEAD, naive_row, n);
    for (uint32_t unit = 0; unit < UNITS; unit++)
        make_rows(c, unit, naive_row, n);
    for (unsigned i = 0; i < INPUTS; i++)
        slk_fr_add(&n->poly[0][i], &n->poly[0][i], &n->l[ROWS + i]);
}

static slk_fr_t combined(const naive_t *n, const slk_toxic_t *toxic, unsigned i, slk_fr_t divisor)
{
    slk_fr_t sum = mul(toxic->beta, n->poly[0][i]), p = mul(toxic->alpha, n->poly[1][i]);
    slk_fr_add(&sum, &sum, &p);
    slk_fr_add(&sum, &sum, &n->poly[2][i]);
    return divide(sum, divisor);
}

/* --- Files ------------------------------------------------------------------------------------ */

static slk_err_t write_key(uint8_t **bytes, uint64_t *len, const circuit_t *c,
                           const slk_toxic_t *toxic, const slk_job_t *job, slk_diag_t *diag)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    slk_err_t err = slk_setup_write(fileno(file), "key", &c->source, toxic, job, diag);
    *len = slk_setup_len(&c->source);
    *bytes = malloc(*len);
    if (err == SLK_OK) {
        assert_int_equal(lseek(fileno(file), 0, SEEK_END), *len);
        assert_int_equal(pread(fileno(file), *bytes, *len, 0), *len);
    }
    fclose(file);
    return err;
}

static void expect_g1(const uint8_t *at, const slk_fr_t *exponent, const char *what, unsigned i)
{
    uint8_t want[96];
    toy_put_g1(want, exponent);
    if (memcmp(want, at, 96) != 0)
        fail_msg("%s %u differs", what, i);
}

static void check_points(const slk_params_t *p, const naive_t *n, const circuit_t *c,
                         const slk_toxic_t *toxic)
{
    unsigned a = 0, b = 0;
    slk_fr_t h = divide(n->t, toxic->delta);
    assert_int_equal(p->arrays[SLK_ARRAY_H].cnt, DOMAIN - 1);
    for (unsigned i = 0; i < DOMAIN - 1; i++, h = mul(h, toxic->tau))
        expect_g1(p->arrays[SLK_ARRAY_H].points + 96 * i, &h, "h", i);
    assert_int_equal(p->arrays[SLK_ARRAY_L].cnt, AUX);
    for (unsigned i = 0; i < AUX; i++) {
        slk_fr_t l = combined(n, toxic, INPUTS + i, toxic->delta);
        expect_g1(p->arrays[SLK_ARRAY_L].points + 96 * i, &l, "l", i);
    }
    for (unsigned i = 0; i < INPUTS + AUX; i++) {
        slk_fr_t zero = {{0}};
        uint8_t want[192];
        if (!slk_fr_eq(&n->poly[0][i], &zero))
            expect_g1(p->arrays[SLK_ARRAY_A].points + 96 * a++, &n->poly[0][i], "a", i);
        if (slk_fr_eq(&n->poly[1][i], &zero))
            continue;
        expect_g1(p->arrays[SLK_ARRAY_B_G1].points + 96 * b, &n->poly[1][i], "b_g1", i);
        toy_put_g2(want, &n->poly[1][i]);
        assert_memory_equal(p->arrays[SLK_ARRAY_B_G2].points + 192 * b++, want, 192);
    }
    assert_int_equal(a, INPUTS + c->density.a_aux_cnt);
    assert_int_equal(a, p->arrays[SLK_ARRAY_A].cnt);
    assert_int_equal(b, p->arrays[SLK_ARRAY_B_G1].cnt);
    assert_true(a < INPUTS + AUX && b < a);
}

static void test_known(void **state)
{
    (void)state;
    slk_toxic_t toxic = {toy_fr("alpha", 1), toy_fr("beta", 1), toy_fr("gamma", 1),
                         toy_fr("delta", 1), toy_fr("tau", 1)};
    circuit_t c;
    naive_t n;
    slk_params_t params;
    slk_diag_t diag;
    uint8_t *bytes, *again;
    uint64_t len, len_again;
    slk_job_t job = {0};
    circuit_new(&c);
    naive_new(&n, &c, &toxic);
    assert_ok(write_key(&bytes, &len, &c, &toxic, NULL, &diag), diag);
    assert_ok(slk_params_parse(&params, bytes, len, "key", NULL, &diag), diag);

    toy_t *toy = toy_new(INPUTS);
    toy->alpha = toxic.alpha, toy->beta = toxic.beta;
    toy->gamma = toxic.gamma, toy->delta = toxic.delta;
    for (unsigned i = 0; i < INPUTS; i++)
        toy->ic[i] = combined(&n, &toxic, i, toxic.gamma);
    toy_write(toy);
    assert_memory_equal(bytes, toy->vk, toy->vk_len);
    check_points(&params, &n, &c, &toxic);

    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    assert_ok(write_key(&again, &len_again, &c, &toxic, &job, &diag), diag);
    assert_int_equal(len, len_again);
    assert_memory_equal(bytes, again, len);
    slk_pool_free(job.pool);
    free(bytes);
    free(again);
    free(toy);
    slk_params_fini(&params);
    slk_coefs_fini(&c.coefs);
}

static bool pairings_equal(const blst_p1_affine *p1, const blst_p2_affine *q1,
                           const blst_p1_affine *p2, const blst_p2_affine *q2)
{
    blst_fp12 left, right;
    blst_miller_loop(&left, q1, p1);
    blst_miller_loop(&right, q2, p2);
    return blst_fp12_finalverify(&left, &right);
}

/* Drawn secrets: the same exponents in G1 and G2, none twice. */
static void test_drawn(void **state)
{
    (void)state;
    circuit_t c;
    slk_params_t params[2];
    slk_diag_t diag;
    uint8_t *bytes[2];
    uint64_t len;
    blst_p1_affine g1, gen1;
    blst_p2_affine g2, gen2;
    blst_p1_to_affine(&gen1, blst_p1_generator());
    blst_p2_to_affine(&gen2, blst_p2_generator());
    circuit_new(&c);
    for (unsigned k = 0; k < 2; k++) {
        assert_ok(write_key(&bytes[k], &len, &c, NULL, NULL, &diag), diag);
        assert_ok(slk_params_parse(&params[k], bytes[k], len, "key", NULL, &diag), diag);
    }
    const slk_vk_t *vk = params[0].vk;
    assert_true(pairings_equal(&vk->beta_g1, &gen2, &gen1, &vk->beta_g2));
    assert_true(pairings_equal(&vk->delta_g1, &gen2, &gen1, &vk->delta_g2));
    assert_false(pairings_equal(&vk->alpha_g1, &gen2, &gen1, &vk->gamma_g2));
    for (unsigned i = 0; i < params[0].arrays[SLK_ARRAY_B_G1].cnt; i++) {
        assert_int_equal(slk_g1_read(&g1, params[0].arrays[SLK_ARRAY_B_G1].points + 96 * i, true),
                         SLK_POINT_OK);
        assert_int_equal(slk_g2_read(&g2, params[0].arrays[SLK_ARRAY_B_G2].points + 192 * i, true),
                         SLK_POINT_OK);
        assert_true(pairings_equal(&g1, &gen2, &gen1, &g2));
    }
    static const size_t places[] = {0, 96, 384, 576, 868, 868 + 96 * INPUTS + 4};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_memory_not_equal(bytes[0] + places[i], bytes[1] + places[i], 96);
    for (unsigned k = 0; k < 2; k++) {
        slk_params_fini(&params[k]);
        free(bytes[k]);
    }
    slk_coefs_fini(&c.coefs);
}

static void test_refused(void **state)
{
    (void)state;
    circuit_t c;
    slk_diag_t diag;
    uint8_t *bytes;
    uint64_t len;
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    circuit_new(&c);
    assert_err(SLK_ERR_CANCELLED, write_key(&bytes, &len, &c, NULL, &job, &diag));
    free(bytes);
    c.drop = true;
    assert_err(SLK_ERR_INPUT, write_key(&bytes, &len, &c, NULL, NULL, &diag));
    assert_non_null(strstr(diag.text, "no constraint"));
    free(bytes);
    slk_coefs_fini(&c.coefs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_drawn),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
