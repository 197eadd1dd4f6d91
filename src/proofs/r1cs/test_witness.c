/* Witnesses of recorded sectors: every constraint of the stream of rows.c holds for what witness.c
 * assigns, a changed value breaks one, public inputs are those of the reference. */

#include "proofs/vanilla/test_sector.h"

#include "crypto/poseidon/poseidon.h"
#include "proofs/r1cs/witness.h"
#include "proofs/vanilla/vanilla_layout.h"

/* --- Checking every row -------------------------------------------------------------------------
 */

typedef struct {
    const slk_fr_t *input;
    slk_fr_t *aux;
    slk_row_values_t values;
    uint64_t row, wrong_values, broken;
    /* variables to be changed by one, one at a time: bit i of map; hit where a row breaks */
    uint8_t *changed, *hit;
} check_t;

static slk_fr_t eval(const check_t *c, const slk_lc_t *lc, const slk_coefs_t *coefs)
{
    slk_fr_t sum = {{0}}, p;
    for (size_t i = 0; i < lc->cnt; i++) {
        uint32_t key = lc->term[i].key;
        const slk_fr_t *v = key & SLK_AUX ? &c->aux[key & ~SLK_AUX] : &c->input[key];
        slk_fr_mul(&p, v, &coefs->v[lc->term[i].coef].fr);
        slk_fr_add(&sum, &sum, &p);
    }
    return sum;
}

static bool holds(const check_t *c, const slk_row_t *row, const slk_coefs_t *coefs, slk_fr_t *a,
                  slk_fr_t *b)
{
    slk_fr_t p, z = eval(c, &row->lc[2], coefs);
    *a = eval(c, &row->lc[0], coefs);
    *b = eval(c, &row->lc[1], coefs);
    slk_fr_mul(&p, a, b);
    return slk_fr_eq(&p, &z);
}

static void check_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    check_t *c = ctx;
    slk_fr_t a, b;
    c->broken += !holds(c, row, coefs, &a, &b);
    if (c->values.a)
        c->wrong_values +=
            !slk_fr_eq(&a, &c->values.a[c->row]) || !slk_fr_eq(&b, &c->values.b[c->row]);
    c->row++;
}

/* Change each marked variable of the row in turn. */
static void change_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    check_t *c = ctx;
    for (unsigned k = 0; k < 3; k++) {
        for (size_t i = 0; i < row->lc[k].cnt; i++) {
            uint32_t key = row->lc[k].term[i].key & ~SLK_AUX;
            if (row->lc[k].term[i].key == key || !c->changed[key])
                continue;
            slk_fr_t a, b, was = c->aux[key];
            slk_fr_add(&c->aux[key], &was, &c->input[0]);
            if (!holds(c, row, coefs, &a, &b))
                c->hit[key] = 1;
            c->aux[key] = was;
        }
    }
}

static void all_rows(const slk_circuit_t *circuit, slk_row_fn_t *fn, void *ctx)
{
    slk_rows_t *rows;
    slk_diag_t diag;
    assert_ok(slk_rows_open(&rows, circuit, &diag), diag);
    slk_rows_head(rows, fn, ctx);
    for (uint32_t unit = 0; unit < circuit->units; unit++)
        slk_rows_unit(rows, unit, fn, ctx);
    slk_rows_close(rows);
}

static void check_all(check_t *c, const slk_circuit_t *circuit, const slk_witness_t *w,
                      slk_row_values_t values)
{
    *c = (check_t){.input = w->input, .values = values};
    c->aux = malloc(w->aux_cnt * sizeof *c->aux);
    slk_witness_aux(c->aux, w, 0, w->aux_cnt);
    all_rows(circuit, check_row, c);
    assert_int_equal(c->wrong_values, 0);
}

static slk_row_values_t values_new(const slk_circuit_t *circuit)
{
    slk_part_t all = slk_circuit_part(circuit, circuit->units);
    size_t cnt = all.rows + all.inputs;
    return (slk_row_values_t){calloc(cnt, sizeof(slk_fr_t)), calloc(cnt, sizeof(slk_fr_t))};
}

static void values_free(slk_row_values_t values)
{
    free(values.a);
    free(values.b);
}

/* The check of the library agrees: nothing to find, then one bit, one other variable, one row
 * value. */
static void check_library(const slk_circuit_t *circuit, slk_witness_t *w, slk_row_values_t values,
                          const slk_job_t *job)
{
    slk_diag_t diag;
    uint64_t word = w->aux_cnt / 128;
    slk_fr_t *wide = &w->wide[w->wide_cnt - 2], was = *wide, *a = &values.a[12345];
    assert_ok(slk_witness_check(w, values, circuit, job, &diag), diag);
    while (w->is_wide[word]) /* 64 bits */
        word++;
    w->bit[word] ^= 1;
    assert_err(SLK_ERR_PROOF, slk_witness_check(w, (slk_row_values_t){0}, circuit, job, &diag));
    w->bit[word] ^= 1;
    slk_fr_add(wide, wide, &w->input[0]);
    assert_err(SLK_ERR_PROOF, slk_witness_check(w, (slk_row_values_t){0}, circuit, job, &diag));
    *wide = was, was = *a;
    slk_fr_add(a, a, &w->input[0]);
    assert_err(SLK_ERR_PROOF, slk_witness_check(w, values, circuit, job, &diag));
    assert_non_null(strstr(diag.text, "constraint 12345 of the circuit porep 2KiB"));
    *a = was;
}

/* --- PoRep --------------------------------------------------------------------------------------
 */

static void assert_inputs(const slk_witness_t *w, const slk_node_t *want, size_t cnt)
{
    slk_node_t node;
    assert_int_equal(w->input_cnt, cnt + 1);
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_to_node(&node, &w->input[1 + i]);
        assert_memory_equal(&node, &want[i], sizeof node);
    }
}

static void check_porep(const char *name, int registered, const slk_job_t *job)
{
    sector_t s;
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_witness_t w;
    check_t c;
    sector_load(&s, name, registered, NULL);
    sector_prove(&s, NULL);
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_POREP, s.porep.size, &diag), diag);
    assert_ok(slk_witness_init(&w, &circuit, &diag), diag);
    slk_row_values_t values = values_new(&circuit);
    assert_ok(slk_porep_witness(&w, values, &circuit, &s.porep, &s.pub, s.records, job, &diag),
              diag);
    check_all(&c, &circuit, &w, values);
    assert_int_equal(c.broken, 0);
    check_library(&circuit, &w, values, job);
    for (uint64_t i = 0; i < w.aux_cnt; i += 12347) {
        slk_fr_t some[200];
        uint64_t n = w.aux_cnt - i < 200 ? w.aux_cnt - i : 1 + i % 200;
        slk_witness_aux(some, &w, i, n);
        assert_memory_equal(some, c.aux + i, n * sizeof *some);
    }

    size_t cnt = slk_porep_input_cnt(&s.porep);
    slk_node_t *inputs = calloc(cnt, sizeof *inputs);
    slk_porep_inputs(inputs, &s.porep, s.graph, &s.pub.replica_id, &s.pub.comm_d, &s.pub.comm_r,
                     s.challenges);
    assert_inputs(&w, inputs, cnt);
    for (size_t i = 0; i <= cnt; i++) {
        slk_fr_t zero = {{0}};
        assert_true(slk_fr_eq(&values.a[c.row + i], &w.input[i]));
        assert_true(slk_fr_eq(&values.b[c.row + i], &zero));
    }
    free(inputs);
    free(c.aux);
    values_free(values);
    slk_witness_fini(&w);
    sector_free(&s);
}

static void test_porep(void **state)
{
    (void)state;
    slk_job_t job = {0};
    slk_diag_t diag;
    check_porep("2k-data-v1_1", 5, NULL);
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    check_porep("2k-cc-synth", 10, &job);
    slk_pool_free(job.pool);
}

/* Each of many variables, bits and others, is held by a constraint. */
static void test_changed(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_witness_t w;
    sector_load(&s, "2k-data-v1_1", 5, NULL);
    sector_prove(&s, NULL);
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_POREP, s.porep.size, &diag), diag);
    assert_ok(slk_witness_init(&w, &circuit, &diag), diag);
    assert_ok(slk_porep_witness(&w, (slk_row_values_t){0}, &circuit, &s.porep, &s.pub, s.records,
                                NULL, &diag),
              diag);
    check_t c = {.input = w.input, .aux = malloc(w.aux_cnt * sizeof *c.aux)};
    slk_witness_aux(c.aux, &w, 0, w.aux_cnt);
    c.changed = calloc(w.aux_cnt, 1);
    c.hit = calloc(w.aux_cnt, 1);
    for (uint64_t i = 0; i < w.aux_cnt; i += 997)
        c.changed[i] = 1;
    all_rows(&circuit, change_row, &c);
    for (uint64_t i = 0; i < w.aux_cnt; i++) {
        if (c.changed[i] && !c.hit[i])
            fail_msg("variable %llu can be changed unnoticed", (unsigned long long)i);
    }
    free(c.changed);
    free(c.hit);
    free(c.aux);
    slk_witness_fini(&w);
    sector_free(&s);
}

static slk_err_t witness_of(sector_t *s, slk_diag_t *diag)
{
    slk_circuit_t circuit;
    slk_witness_t w;
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_POREP, s->porep.size, diag), *diag);
    assert_ok(slk_witness_init(&w, &circuit, diag), *diag);
    slk_err_t err = slk_porep_witness(&w, (slk_row_values_t){0}, &circuit, &s->porep, &s->pub,
                                      s->records, NULL, diag);
    slk_witness_fini(&w);
    return err;
}

/* Records and commitments that do not belong together are refused, and the sentence says which. */
static void test_refused(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    slk_vanilla_layout_t lay;
    sector_load(&s, "2k-data-v1_1", 5, NULL);
    sector_prove(&s, NULL);
    slk_vanilla_layout(&lay, &s.porep);
    const struct {
        size_t at;
        const char *says;
    } rows[] = {
        {lay.leaf_d, "tree_d"},
        {lay.leaf_d + 32, "tree_d"},
        {lay.columns + lay.column_sz, "parent's column"},
        {lay.columns + 15 * lay.column_sz - 32, "parent's column"},
        {lay.columns + (lay.layers + 1) * 32, "the challenge's column"},
        {lay.leaf_r + 32, "tree_r_last"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        uint8_t *byte = s.records + lay.size + rows[i].at;
        *byte ^= 1;
        assert_err(SLK_ERR_PROOF, witness_of(&s, &diag));
        if (!strstr(diag.text, rows[i].says) || !strstr(diag.text, "challenge 1"))
            fail_msg("row %zu: %s", i, diag.text);
        *byte ^= 1;
    }
    memset(s.records + lay.leaf_d + 32, 0xff, 32);
    assert_err(SLK_ERR_PROOF, witness_of(&s, &diag));
    assert_non_null(strstr(diag.text, "no field element"));
    s.pub.comm_r.b[0] ^= 1;
    assert_err(SLK_ERR_PROOF, witness_of(&s, &diag));
    assert_non_null(strstr(diag.text, "comm_r is not the hash"));
    sector_free(&s);
}

/* --- PoSt ---------------------------------------------------------------------------------------
 */

/* Paths of tree_r_last from the 26 records of a non-interactive sector, over and over. */
static void check_post(const sector_t *s, slk_circuit_kind_t kind)
{
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_witness_t w;
    slk_vanilla_layout_t lay;
    check_t c;
    slk_vanilla_layout(&lay, &s->porep);
    assert_ok(slk_circuit_init(&circuit, kind, s->porep.size, &diag), diag);
    assert_ok(slk_witness_init(&w, &circuit, &diag), diag);
    size_t cnt = (size_t)circuit.units * circuit.challenges, nodes = 1 + circuit.tree.siblings;
    slk_node_t *paths = calloc(cnt * nodes, sizeof *paths);
    slk_node_t *want = calloc(cnt + circuit.units, sizeof *want), *in = want;
    uint64_t *leaf = calloc(cnt, sizeof *leaf);
    slk_post_unit_t *unit = calloc(circuit.units, sizeof *unit);
    for (size_t i = 0; i < cnt; i++) {
        const uint8_t *record = s->records + i % s->cnt * s->record_sz;
        memcpy(paths + i * nodes, slk_record_leaf_r(&lay, record), nodes * sizeof *paths);
        leaf[i] = slk_record_challenge(record);
        if (i % circuit.challenges == 0)
            *in++ = s->pub.comm_r;
        slk_store_le64((in++)->b, leaf[i]);
    }
    for (uint32_t i = 0; i < circuit.units; i++)
        unit[i] = (slk_post_unit_t){s->pub.comm_c, s->pub.comm_r_last, s->pub.comm_r,
                                    leaf + i * circuit.challenges,
                                    paths + i * circuit.challenges * nodes};
    slk_row_values_t values = values_new(&circuit);
    assert_ok(slk_post_witness(&w, values, &circuit, unit, NULL, &diag), diag);
    check_all(&c, &circuit, &w, values);
    assert_int_equal(c.broken, 0);
    assert_inputs(&w, want, cnt + circuit.units);

    paths[nodes].b[0] ^= 1;
    assert_err(SLK_ERR_PROOF,
               slk_post_witness(&w, (slk_row_values_t){0}, &circuit, unit, NULL, &diag));
    assert_non_null(strstr(diag.text, kind == SLK_CIRCUIT_WINNING ? "sector 1" : "sector 0"));
    values_free(values);
    slk_witness_fini(&w);
    free(c.aux);
    free(paths);
    free(want);
    free(leaf);
    free(unit);
}

static void test_post(void **state)
{
    (void)state;
    sector_t s;
    sector_load(&s, "2k-cc-ni", 15, NULL);
    sector_prove(&s, NULL);
    check_post(&s, SLK_CIRCUIT_WINNING);
    check_post(&s, SLK_CIRCUIT_WINDOW);
    sector_free(&s);
}

/* --- Large sectors ------------------------------------------------------------------------------
 */

/* One challenge of a size with random nodes: no path leads to a root, every other constraint holds.
 */
static void check_random(const char *size)
{
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_witness_t w;
    slk_porep_t porep;
    slk_vanilla_layout_t lay;
    slk_vanilla_public_t pub;
    check_t c;
    slk_porep_custom(&porep, slk_size_by_name(size), SLK_API_V1_1, SLK_FEATURE_NONE,
                     (uint8_t[32]){0});
    slk_vanilla_layout(&lay, &porep);
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_POREP, porep.size, &diag), diag);
    circuit.units = porep.challenges = 1;
    assert_ok(slk_witness_init(&w, &circuit, &diag), diag);
    uint8_t *record = malloc(lay.size);
    test_data(record, lay.size, size);
    for (size_t i = 0; i < SLK_COLUMN_CNT; i++) /* nodes below the sector's number of nodes */
        slk_store_le64(record + 8 * i, slk_load_le64(record + 8 * i) % porep.size->nodes);
    for (size_t at = lay.leaf_d; at < lay.size; at += 32)
        record[at + 31] &= 0x3f;
    test_data((uint8_t *)&pub, sizeof pub, "public");
    for (size_t at = 31; at < sizeof pub; at += 32)
        ((uint8_t *)&pub)[at] &= 0x3f;
    assert_true(slk_poseidon_pair(&pub.comm_r, &pub.comm_c, &pub.comm_r_last));
    slk_row_values_t values = values_new(&circuit);
    assert_err(SLK_ERR_PROOF,
               slk_porep_witness(&w, values, &circuit, &porep, &pub, record, NULL, &diag));
    check_all(&c, &circuit, &w, values);
    assert_int_equal(c.broken, 17); /* tree_d, tree_r_last, 15 columns */
    free(c.aux);
    free(record);
    values_free(values);
    slk_witness_fini(&w);
}

static void test_random(void **state)
{
    (void)state;
    check_random("4KiB");
    check_random("32KiB");
}

static const char *const *slow_sizes;

static void test_slow(void **state)
{
    (void)state;
    for (const char *const *size = slow_sizes; *size; size++)
        check_random(*size);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest slow[] = {cmocka_unit_test(test_slow)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_porep),   cmocka_unit_test(test_changed),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_post),
        cmocka_unit_test(test_random),
    };
    if (argc > 1) {
        slow_sizes = (const char *const *)argv + 1;
        return cmocka_run_group_tests(slow, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
