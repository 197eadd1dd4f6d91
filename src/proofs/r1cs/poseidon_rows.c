#include "proofs/r1cs/poseidon_rows.h"

#include "base/assert.h"
#include "proofs/r1cs/neptune.h"

#include <stdlib.h>
#include <string.h>

#define EL_TERMS 96u

typedef struct {
    unsigned cnt;
    uint32_t key[EL_TERMS];
    slk_fr_t k[EL_TERMS];
} el_t;

typedef struct {
    slk_poseidon_rows_t *out;
    slk_coefs_t *coefs;
    unsigned row_cnt;
    size_t term_cnt, term_cap;
    uint32_t aux;
} builder_t;

static const slk_fr_t *one(builder_t *b)
{
    return &b->coefs->v[SLK_COEF_POW(0)].fr;
}

/* el += k * key */
static void add_term(el_t *el, uint32_t key, const slk_fr_t *k)
{
    unsigned i = el->cnt;
    SLK_ASSERT(i < EL_TERMS);
    while (i > 0 && el->key[i - 1] > key)
        i--;
    if (i > 0 && el->key[i - 1] == key) {
        slk_fr_add(&el->k[i - 1], &el->k[i - 1], k);
        return;
    }
    memmove(&el->key[i + 1], &el->key[i], (el->cnt - i) * sizeof *el->key);
    memmove(&el->k[i + 1], &el->k[i], (el->cnt - i) * sizeof *el->k);
    el->key[i] = key;
    el->k[i] = *k;
    el->cnt++;
}

static void el_zero(builder_t *b, el_t *el)
{
    (void)b;
    el->cnt = 0;
}

static void el_const(builder_t *b, el_t *el, const slk_fr_t *k)
{
    el_zero(b, el);
    add_term(el, 0, k);
}

static void el_mul_add(builder_t *b, el_t *el, const slk_fr_t *k, const el_t *from)
{
    (void)b;
    for (unsigned i = 0; i < from->cnt; i++) {
        slk_fr_t p;
        slk_fr_mul(&p, k, &from->k[i]);
        add_term(el, from->key[i], &p);
    }
}

static void row_lc(builder_t *b, unsigned which, const el_t *lc)
{
    unsigned cnt = 0;
    for (unsigned i = 0; i < lc->cnt; i++) {
        uint32_t coef = slk_coef(b->coefs, &lc->k[i]);
        if (coef == SLK_COEF_ZERO)
            continue;
        SLK_ASSERT(b->term_cnt < b->term_cap);
        b->out->term[b->term_cnt++] = (slk_term_t){coef, lc->key[i]};
        cnt++;
    }
    b->out->row[b->row_cnt].cnt[which] = (uint16_t)cnt;
}

static void row(builder_t *b, const el_t *x, const el_t *y, const el_t *z)
{
    SLK_ASSERT(b->row_cnt < b->out->rows);
    row_lc(b, 0, x);
    row_lc(b, 1, y);
    row_lc(b, 2, z);
    b->row_cnt++;
}

static void el_var(builder_t *b, el_t *el, uint32_t key)
{
    el_zero(b, el);
    add_term(el, key, one(b));
}

static void el_new(builder_t *b, el_t *el)
{
    el_var(b, el, SLK_AUX | b->aux++);
}

/* out = x^5 + key, x and x2 given as the sides of the first row */
static void el_power(builder_t *b, el_t *out, const el_t *x, const slk_fr_t *key)
{
    static const slk_fr_t zero;
    el_t x2, x4, right;
    slk_fr_t minus;
    el_new(b, &x2);
    row(b, x, x, &x2);
    el_new(b, &x4);
    row(b, &x2, &x2, &x4);
    el_new(b, out);
    right = *out;
    if (key) {
        slk_fr_sub(&minus, &zero, key);
        add_term(&right, 0, &minus);
    }
    row(b, x, &x4, &right);
}

static void el_first(builder_t *b, el_t *el, uint32_t num, const slk_fr_t *pre,
                     const slk_fr_t *post)
{
    el_t x;
    el_var(b, &x, num);
    add_term(&x, 0, pre);
    el_power(b, el, &x, post);
}

static void el_equal(builder_t *b, el_t *out, const el_t *el)
{
    el_t unit;
    el_var(b, &unit, 0);
    el_new(b, out);
    row(b, el, &unit, out);
}

static void el_sbox(builder_t *b, el_t *el, const slk_fr_t *key)
{
    el_t x;
    el_equal(b, &x, el);
    el_power(b, el, &x, key);
}

static uint32_t el_out(builder_t *b, const el_t *el)
{
    el_t out;
    el_equal(b, &out, el);
    return out.key[0];
}

#define P_CS  builder_t
#define P_NUM uint32_t
#define P_EL  el_t
#include "proofs/r1cs/poseidon.inc"

slk_err_t slk_poseidon_rows_init(slk_poseidon_rows_t *out, unsigned arity, bool custom,
                                 slk_coefs_t *coefs, slk_diag_t *diag)
{
    const slk_neptune_t *k = slk_neptune(arity);
    builder_t b = {.out = out, .coefs = coefs};
    *out = (slk_poseidon_rows_t){.arity = arity, .rows = slk_neptune_rows(k)};
    b.term_cap = (size_t)out->rows * 16;
    out->row = calloc(out->rows, sizeof *out->row);
    out->term = calloc(b.term_cap, sizeof *out->term);
    if (!out->row || !out->term) {
        slk_poseidon_rows_fini(out);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the constraints of Poseidon");
    }
    uint32_t preimage[SLK_NEPTUNE_T];
    for (unsigned i = 0; i < arity; i++)
        preimage[i] = 1 + i;
    uint32_t last = poseidon(&b, preimage, arity, custom);
    SLK_ASSERT(b.row_cnt == out->rows && last == (SLK_AUX | (out->rows - 1)));
    return SLK_OK;
}

void slk_poseidon_rows_fini(slk_poseidon_rows_t *rows)
{
    free(rows->row);
    free(rows->term);
    *rows = (slk_poseidon_rows_t){0};
}
