/* A proof of a small circuit with known secrets, against the same formulas over the exponents. */

#include "proofs/groth16/test_toy.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/groth16/point.h"
#include "proofs/groth16/proof.h"
#include "proofs/groth16/prove.h"

#define INPUTS    4u
#define AUX       300u
#define VARIABLES (INPUTS + AUX)
#define ROWS      (AUX + INPUTS)
#define LOG       9u
#define DOMAIN    (1u << LOG)
_Static_assert(ROWS <= DOMAIN && ROWS > DOMAIN / 2, "smallest domain");

/* Row i < AUX belongs to auxiliary variable i: every third is a bit, (1 - x) x = 0, the others are
 * products of linear combinations of what is before. Behind them the rows of Groth16 for the
 * inputs. */
typedef struct {
    slk_fr_t coef[3][ROWS][2];
    unsigned key[3][ROWS][2], cnt[3][ROWS];
    slk_fr_t z[VARIABLES], poly[3][VARIABLES]; /* values; polynomials of A, B, C at tau */
    slk_fr_t tau, t;
    toy_t *toy;
    slk_part_t all;
    slk_density_t density;
    slk_witness_t witness;
    uint64_t bit[AUX / 64 + 1], is_wide[AUX / 64 + 1];
    uint64_t a_aux[AUX / 64 + 1], b_aux[AUX / 64 + 1], b_input[1];
    slk_fr_t wide[AUX];
    uint32_t rank[1];
    uint8_t *bytes;
    uint64_t len;
    slk_params_t params;
} circuit_t;

/* --- Field ------------------------------------------------------------------------------------ */

static slk_fr_t fr(int64_t v)
{
    slk_fr_t out, zero = {{0}};
    slk_fr_from_u64(&out, (uint64_t)(v < 0 ? -v : v));
    if (v < 0)
        slk_fr_sub(&out, &zero, &out);
    return out;
}

static slk_fr_t add(slk_fr_t a, slk_fr_t b)
{
    slk_fr_add(&a, &a, &b);
    return a;
}

static slk_fr_t sub(slk_fr_t a, slk_fr_t b)
{
    slk_fr_sub(&a, &a, &b);
    return a;
}

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

/* 7^((r - 1) / DOMAIN) */
static slk_fr_t root_of_unity(void)
{
    static const uint64_t top[4] = {UINT64_C(0xffffffff00000000), UINT64_C(0x53bda402fffe5bfe),
                                    UINT64_C(0x3339d80809a1d805), UINT64_C(0x73eda753299d7d48)};
    slk_fr_t out = fr(1);
    for (unsigned bit = 256; bit-- > LOG;) {
        out = mul(out, out);
        if (top[bit / 64] >> bit % 64 & 1)
            out = mul(out, fr(7));
    }
    return out;
}

/* --- The circuit ------------------------------------------------------------------------------ */

static void term(circuit_t *c, unsigned side, unsigned row, unsigned key, int coef)
{
    unsigned n = c->cnt[side][row]++;
    c->coef[side][row][n] = fr(coef);
    c->key[side][row][n] = key;
    if (key >= INPUTS && side < 2)
        (side ? c->b_aux : c->a_aux)[(key - INPUTS) / 64] |= UINT64_C(1) << (key - INPUTS) % 64;
    else if (side == 1)
        c->b_input[0] |= UINT64_C(1) << key;
}

static slk_fr_t eval(const circuit_t *c, unsigned side, unsigned row)
{
    slk_fr_t sum = {{0}};
    for (unsigned i = 0; i < c->cnt[side][row]; i++)
        sum = add(sum, mul(c->coef[side][row][i], c->z[c->key[side][row][i]]));
    return sum;
}

static void make_variable(circuit_t *c, unsigned i)
{
    unsigned self = INPUTS + i, other = i * 7 % self;
    if (i % 3 == 0) {
        c->z[self] = fr(i % 2);
        term(c, 0, i, 0, 1);
        term(c, 0, i, self, -1);
        term(c, 1, i, self, 1);
        c->bit[i / 64] |= (uint64_t)(i % 2) << i % 64;
        return;
    }
    term(c, 0, i, other, 3);
    if (other)
        term(c, 0, i, 0, -2);
    term(c, 1, i, (i * 5 + 2) % self, 1);
    term(c, 2, i, self, 1);
    c->z[self] = mul(eval(c, 0, i), eval(c, 1, i));
    c->is_wide[i / 64] |= UINT64_C(1) << i % 64;
    c->wide[c->witness.wide_cnt++] = c->z[self];
}

/* poly[side][i] = sum over rows j of coefficient * L_j(tau), L_j(tau) = omega^j t / (n (tau -
 * omega^j)) */
static void make_polynomials(circuit_t *c)
{
    slk_fr_t omega = root_of_unity(), at = fr(1), power = c->tau;
    for (unsigned i = 0; i < LOG; i++)
        power = mul(power, power);
    c->t = sub(power, fr(1));
    for (unsigned row = 0; row < ROWS; row++, at = mul(at, omega)) {
        slk_fr_t l = divide(mul(at, c->t), mul(fr(DOMAIN), sub(c->tau, at)));
        for (unsigned side = 0; side < 3; side++) {
            for (unsigned i = 0; i < c->cnt[side][row]; i++) {
                slk_fr_t *to = &c->poly[side][c->key[side][row][i]];
                *to = add(*to, mul(c->coef[side][row][i], l));
            }
        }
    }
    for (unsigned row = ROWS; row < DOMAIN; row++)
        at = mul(at, omega);
    slk_fr_t one = fr(1);
    assert_true(slk_fr_eq(&at, &one));
}

/* beta u + alpha v + w */
static slk_fr_t mixed(const circuit_t *c, unsigned i)
{
    return add(add(mul(c->toy->beta, c->poly[0][i]), mul(c->toy->alpha, c->poly[1][i])),
               c->poly[2][i]);
}

/* --- The parameters --------------------------------------------------------------------------- */

typedef struct {
    circuit_t *c;
    uint8_t *count;
} array_t;

static array_t array_begin(circuit_t *c)
{
    array_t array = {c, c->bytes + c->len};
    memset(array.count, 0, 4);
    c->len += 4;
    return array;
}

static void put(array_t *array, slk_fr_t x, bool g2)
{
    slk_store_be32(array->count, slk_load_be32(array->count) + 1);
    uint8_t *to = array->c->bytes + array->c->len;
    if (g2)
        toy_put_g2(to, &x);
    else
        toy_put_g1(to, &x);
    array->c->len += g2 ? SLK_G2_SZ : SLK_G1_SZ;
}

static void put_side(circuit_t *c, unsigned side, bool g2)
{
    slk_fr_t zero = {{0}};
    array_t array = array_begin(c);
    for (unsigned i = 0; i < VARIABLES; i++)
        if (!slk_fr_eq(&c->poly[side][i], &zero))
            put(&array, c->poly[side][i], g2);
}

static void make_params(circuit_t *c)
{
    slk_fr_t power = divide(c->t, c->toy->delta);
    c->bytes = malloc(c->toy->vk_len + 20 + (DOMAIN + 3 * VARIABLES) * 96 + VARIABLES * 192);
    assert_non_null(c->bytes);
    memcpy(c->bytes, c->toy->vk, c->toy->vk_len);
    c->len = c->toy->vk_len;
    array_t array = array_begin(c);
    for (unsigned i = 0; i + 1 < DOMAIN; i++, power = mul(power, c->tau))
        put(&array, power, false);
    array = array_begin(c);
    for (unsigned i = INPUTS; i < VARIABLES; i++)
        put(&array, divide(mixed(c, i), c->toy->delta), false);
    put_side(c, 0, false);
    put_side(c, 1, false);
    put_side(c, 1, true);
}

static uint64_t bits_of(const uint64_t *map)
{
    uint64_t cnt = 0;
    for (unsigned i = 0; i <= AUX / 64; i++)
        cnt += (uint64_t)__builtin_popcountll(map[i]);
    return cnt;
}

static circuit_t *circuit_new(void)
{
    slk_diag_t diag;
    circuit_t *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->toy = toy_new(INPUTS);
    c->tau = toy_fr("tau", 0);
    c->z[0] = fr(1), c->z[1] = fr(5), c->z[2] = toy_fr("input", 2), c->z[3] = fr(0);
    for (unsigned i = 0; i < AUX; i++)
        make_variable(c, i);
    for (unsigned i = 0; i < INPUTS; i++)
        term(c, 0, AUX + i, i, 1);
    make_polynomials(c);
    for (unsigned i = 0; i < INPUTS; i++)
        c->toy->ic[i] = divide(mixed(c, i), c->toy->gamma);
    toy_write(c->toy);
    make_params(c);
    c->all = (slk_part_t){.rows = AUX, .inputs = INPUTS, .aux = AUX};
    c->density =
        (slk_density_t){c->a_aux, c->b_aux, c->b_input, bits_of(c->a_aux), bits_of(c->b_aux), 0};
    c->density.b_input_cnt = (uint64_t)__builtin_popcountll(c->b_input[0]);
    c->witness.input_cnt = INPUTS, c->witness.aux_cnt = AUX;
    c->witness.input = c->z;
    c->witness.bit = c->bit, c->witness.is_wide = c->is_wide;
    c->witness.wide = c->wide, c->witness.rank = c->rank;
    assert_ok(slk_params_parse(&c->params, c->bytes, c->len, "toy", NULL, &diag), diag);
    assert_ok(slk_params_fit(&c->params, &c->all, &c->density, "toy", &diag), diag);
    assert_true(c->density.a_aux_cnt < AUX && c->density.b_aux_cnt < AUX); /* there are holes */
    return c;
}

static void circuit_free(circuit_t *c)
{
    slk_params_fini(&c->params);
    free(c->toy);
    free(c->bytes);
    free(c);
}

/* --- Proofs ----------------------------------------------------------------------------------- */

static slk_err_t prove(uint8_t out[192], const circuit_t *c, const slk_prove_options_t *options,
                       const slk_job_t *job, slk_diag_t *diag)
{
    slk_region_t a, b;
    assert_ok(slk_region_anon(&a, DOMAIN * sizeof(slk_fr_t), diag), *diag);
    assert_ok(slk_region_anon(&b, DOMAIN * sizeof(slk_fr_t), diag), *diag);
    for (unsigned row = 0; row < ROWS; row++) {
        ((slk_fr_t *)(void *)a.ptr)[row] = eval(c, 0, row);
        ((slk_fr_t *)(void *)b.ptr)[row] = eval(c, 1, row);
    }
    memset(out, 0x5a, 192);
    slk_err_t err =
        slk_groth16_prove(out, &c->params, &c->density, &c->witness, &a, &b, options, job, diag);
    assert_null(a.ptr);
    assert_null(b.ptr);
    return err;
}

/* The formulas of section 1.5 over exponents; h = (u v - w) / t at tau. */
static void expect(uint8_t out[192], const circuit_t *c, slk_fr_t r, slk_fr_t s)
{
    const toy_t *toy = c->toy;
    slk_fr_t side[3] = {{{0}}}, l = {{0}};
    for (unsigned i = 0; i < VARIABLES; i++) {
        for (unsigned k = 0; k < 3; k++)
            side[k] = add(side[k], mul(c->z[i], c->poly[k][i]));
        if (i >= INPUTS)
            l = add(l, mul(c->z[i], mixed(c, i)));
    }
    slk_fr_t ht = sub(mul(side[0], side[1]), side[2]);
    slk_fr_t a = add(add(toy->alpha, side[0]), mul(r, toy->delta));
    slk_fr_t b = add(add(toy->beta, side[1]), mul(s, toy->delta));
    slk_fr_t cc = add(add(divide(add(l, ht), toy->delta), mul(s, a)), mul(r, b));
    cc = sub(cc, mul(mul(r, s), toy->delta));
    slk_proof_t proof = {.a = toy_g1(&a), .b = toy_g2(&b), .c = toy_g1(&cc)};
    slk_proof_write(out, &proof);
}

static void test_formulas(void **state)
{
    (void)state;
    uint8_t want[192], got[192];
    slk_diag_t diag;
    slk_job_t job = {0};
    circuit_t *c = circuit_new();
    slk_fr_t r = toy_fr("r", 0), s = toy_fr("s", 0), zero = {{0}};
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    expect(want, c, r, s);
    for (uint64_t chunk = 0; chunk <= 256; chunk += 128) {
        slk_prove_options_t options = {.r = &r, .s = &s, .chunk = chunk};
        assert_ok(prove(got, c, &options, chunk ? &job : NULL, &diag), diag);
        assert_memory_equal(got, want, sizeof want);
    }
    expect(want, c, zero, zero);
    assert_ok(prove(got, c, &(slk_prove_options_t){.r = &zero, .s = &zero}, NULL, &diag), diag);
    assert_memory_equal(got, want, sizeof want);
    slk_pool_free(job.pool);
    circuit_free(c);
}

/* Two proofs of the same never look alike, in no point. */
static void test_random(void **state)
{
    (void)state;
    uint8_t first[192], second[192];
    slk_diag_t diag;
    slk_node_t inputs[INPUTS - 1];
    bool ok;
    circuit_t *c = circuit_new();
    assert_ok(prove(first, c, NULL, NULL, &diag), diag);
    assert_ok(prove(second, c, NULL, NULL, &diag), diag);
    assert_memory_not_equal(first, second, 48);
    assert_memory_not_equal(first + 48, second + 48, 96);
    assert_memory_not_equal(first + 144, second + 144, 48);
    for (unsigned i = 1; i < INPUTS; i++)
        slk_fr_to_node(&inputs[i - 1], &c->z[i]);
    assert_ok(
        slk_groth16_verify(&ok, c->params.vk, second, 192, 1, inputs, INPUTS - 1, NULL, &diag),
        diag);
    assert_true(ok);
    circuit_free(c);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void refuse(const circuit_t *c, slk_err_t err, const char *says)
{
    uint8_t got[192], same[192];
    slk_diag_t diag;
    memset(same, 0x5a, sizeof same);
    assert_err(err, prove(got, c, NULL, NULL, &diag));
    if (!strstr(diag.text, says))
        fail_msg("'%s' is not in: %s", says, diag.text);
    assert_memory_equal(got, same, sizeof same);
}

static void test_wrong_assignment(void **state)
{
    (void)state;
    circuit_t *c = circuit_new();
    slk_fr_t keep = c->wide[40];
    c->wide[40] = add(keep, fr(1));
    refuse(c, SLK_ERR_PROOF, "does not verify");
    c->wide[40] = keep;
    c->bit[1] ^= UINT64_C(1) << 2; /* variable 66, a bit */
    refuse(c, SLK_ERR_PROOF, "does not verify");
    circuit_free(c);
}

/* In each array: a byte that leaves the curve is named, an exchange of two points is noticed. */
static void test_wrong_params(void **state)
{
    (void)state;
    circuit_t *c = circuit_new();
    for (unsigned id = 0; id < SLK_ARRAY_CNT; id++) {
        char says[64];
        const slk_array_t *array = &c->params.arrays[id];
        /* a variable that is not 0: the last of all is a product of products */
        uint8_t *point = c->bytes + array->offset + (array->cnt - 1) * array->point_sz;
        uint8_t keep[192];
        snprintf(says, sizeof says, "toy: point %u of %s at byte %llu is not on the curve",
                 array->cnt - 1, slk_array_name(id),
                 (unsigned long long)(array->offset + (array->cnt - 1) * array->point_sz));
        point[array->point_sz - 1] ^= 1;
        refuse(c, SLK_ERR_FORMAT, says);
        point[array->point_sz - 1] ^= 1;
        memcpy(keep, point, array->point_sz);
        memcpy(point, point - array->point_sz, array->point_sz);
        refuse(c, SLK_ERR_PROOF, "the parameters toy are damaged");
        memcpy(point, keep, array->point_sz);
    }
    circuit_free(c);
}

static void test_another_circuit(void **state)
{
    (void)state;
    slk_diag_t diag;
    circuit_t *c = circuit_new();
    slk_part_t all = c->all;
    all.aux++;
    assert_err(SLK_ERR_MISMATCH, slk_params_fit(&c->params, &all, &c->density, "toy", &diag));
    assert_non_null(strstr(diag.text, "toy: the parameters of another circuit: l has 300"));
    all = c->all, all.rows = DOMAIN;
    assert_err(SLK_ERR_MISMATCH, slk_params_fit(&c->params, &all, &c->density, "toy", &diag));
    slk_density_t density = c->density;
    density.b_aux_cnt--;
    assert_err(SLK_ERR_MISMATCH, slk_params_fit(&c->params, &c->all, &density, "toy", &diag));
    assert_non_null(strstr(diag.text, "b_g1"));
    circuit_free(c);
}

static void test_cancel(void **state)
{
    (void)state;
    uint8_t got[192];
    slk_diag_t diag;
    atomic_bool cancel = true;
    circuit_t *c = circuit_new();
    assert_err(SLK_ERR_CANCELLED, prove(got, c, NULL, &(slk_job_t){.cancel = &cancel}, &diag));
    circuit_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),         cmocka_unit_test(test_random),
        cmocka_unit_test(test_wrong_assignment), cmocka_unit_test(test_wrong_params),
        cmocka_unit_test(test_another_circuit),  cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
