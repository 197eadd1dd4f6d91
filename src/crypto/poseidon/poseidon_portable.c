/* Four limbs of 64 bits, R = 2^256, every element below r. */

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/poseidon/poseidon_impl.h"

typedef unsigned __int128 u128;

#define LIMBS 4
#define WIDE  (LIMBS + SLK_POSEIDON_SMALL)

static const uint64_t r[LIMBS] = {UINT64_C(0xffffffff00000001), UINT64_C(0x53bda402fffe5bfe),
                                  UINT64_C(0x3339d80809a1d805), UINT64_C(0x73eda753299d7d48)};
#define R_MINUS_INVERSE UINT64_C(0xfffffffeffffffff) /* -1/r mod 2^64 */

typedef struct {
    const slk_poseidon_form_t *form;
    slk_fr_t s[SLK_POSEIDON_T_MAX];
    slk_fr_t w[SLK_POSEIDON_N_MAX + SLK_POSEIDON_RP_MAX]; /* w[p] is at p + n */
} state_t;

static slk_fr_t element(const slk_poseidon_limbs_t *a)
{
    return (slk_fr_t){{a->l[0], a->l[1], a->l[2], a->l[3]}};
}

static void add(slk_fr_t *a, const slk_poseidon_limbs_t *constant)
{
    slk_fr_t b = element(constant);
    slk_fr_add(a, a, &b);
}

static void mul(slk_fr_t *a, const slk_poseidon_limbs_t *constant)
{
    slk_fr_t b = element(constant);
    slk_fr_mul(a, a, &b);
}

static void sbox(slk_fr_t *a)
{
    slk_fr_t b;
    slk_fr_sqr(&b, a);
    slk_fr_sqr(&b, &b);
    slk_fr_mul(a, a, &b);
}

/* sum[0..5] = sum of a[i] * x[i * step], by columns: each product is added at once, carries are
 * joined last. */
static inline void dot(uint64_t *sum, const uint64_t *a, const slk_fr_t *x, int step, unsigned cnt)
{
    u128 carry = 0;
    for (unsigned k = 0; k < LIMBS; k++) {
        u128 column = 0;
        uint64_t above = 0;
        const slk_fr_t *at = x;
        for (unsigned i = 0; i < cnt; i++, at += step)
            above += __builtin_add_overflow(column, (u128)a[i] * at->l[k], &column);
        above += __builtin_add_overflow(column, carry, &column);
        sum[k] = (uint64_t)column;
        carry = (u128)above << 64 | (uint64_t)(column >> 64);
    }
    sum[LIMBS] = (uint64_t)carry;
    sum[LIMBS + 1] = (uint64_t)(carry >> 64);
}

/* v -= r if v >= r; v has a limb above the four. */
static inline void reduce_once(uint64_t *v)
{
    uint64_t less[LIMBS + 1], borrow = 0;
    for (unsigned k = 0; k <= LIMBS; k++) {
        u128 d = (u128)v[k] - (k < LIMBS ? r[k] : 0) - borrow;
        less[k] = (uint64_t)d;
        borrow = d >> 64 & 1;
    }
    for (unsigned k = 0; k <= LIMBS; k++)
        v[k] = borrow ? v[k] : less[k];
}

/* out = v / 2^(64 * steps) mod r, for v < r * 2^(64 * steps), which is spoilt. */
static inline void montgomery(slk_fr_t *out, uint64_t *v, unsigned steps)
{
    uint64_t above = 0;
    for (unsigned i = 0; i < steps; i++) {
        uint64_t m = v[i] * R_MINUS_INVERSE;
        u128 c = 0;
        for (unsigned k = 0; k < LIMBS; k++) {
            c += (u128)m * r[k] + v[i + k];
            v[i + k] = (uint64_t)c;
            c >>= 64;
        }
        c += (u128)v[i + LIMBS] + above;
        v[i + LIMBS] = (uint64_t)c;
        above = (uint64_t)(c >> 64);
    }
    reduce_once(v + steps);
    memcpy(out->l, v + steps, sizeof out->l);
}

/* v = sum of c[i] * w[-i]: limbs of c by limbs of w. */
static inline void dot_small(uint64_t *v, const slk_poseidon_small_t *c, const slk_fr_t *w)
{
    memset(v, 0, (WIDE + 2) * sizeof *v);
    for (unsigned o = 0; o < c->limbs; o++) {
        unsigned i = c->begin[o];
        uint64_t sum[LIMBS + 2];
        dot(sum, &c->l[o][i], w - i, -1, c->end[o] - i);
        u128 carry = 0;
        for (unsigned k = 0; k < LIMBS + 2; k++) {
            carry += (u128)v[o + k] + sum[k];
            v[o + k] = (uint64_t)carry;
            carry >>= 64;
        }
    }
}

/* a -= v mod r, v = sum d[i] w[..] */
static inline void subtract_wide(slk_fr_t *a, const uint64_t *v, const slk_poseidon_form_t *f)
{
    unsigned cnt = f->d.limbs + 1;
    uint64_t product[2 * (SLK_POSEIDON_SMALL + 1)] = {0}, rest[LIMBS + 1];
    memcpy(rest, v, sizeof rest);
    for (unsigned i = 0; i < cnt; i++) {
        u128 c = 0;
        for (unsigned j = 0; j < cnt; j++) {
            c += (u128)v[LIMBS - 1 + i] * f->mu[j] + product[i + j];
            product[i + j] = (uint64_t)c;
            c >>= 64;
        }
        product[i + cnt] = (uint64_t)c;
    }
    for (unsigned i = 0; i < cnt; i++) {
        /* rest -= quotient * r, modulo 2^320 */
        u128 c = 0;
        uint64_t borrow = 0;
        for (unsigned k = 0; i + k <= LIMBS; k++) {
            c += k < LIMBS ? (u128)product[cnt + i] * r[k] : 0;
            u128 d = (u128)rest[i + k] - (uint64_t)c - borrow;
            rest[i + k] = (uint64_t)d;
            borrow = d >> 64 & 1;
            c >>= 64;
        }
    }
    reduce_once(rest);
    reduce_once(rest);
    slk_fr_t b = {{rest[0], rest[1], rest[2], rest[3]}};
    slk_fr_sub(a, a, &b);
}

static void mat_row(slk_fr_t *out, const state_t *st, unsigned i)
{
    uint64_t v[WIDE + 2] = {0};
    dot(v, st->form->matrix[i], st->s, 1, st->form->t);
    montgomery(out, v, 1);
}

static void full_round(state_t *st, const slk_poseidon_limbs_t *constants)
{
    for (unsigned i = 0; i < st->form->t; i++) {
        add(&st->s[i], &constants[i]);
        sbox(&st->s[i]);
    }
}

static void mat(state_t *st)
{
    slk_fr_t next[SLK_POSEIDON_T_MAX];
    for (unsigned i = 0; i < st->form->t; i++)
        mat_row(&next[i], st, i);
    memcpy(st->s, next, st->form->t * sizeof *next);
}

/* One round of the partial ones: y from w[p-1], w[p-2], ... to the next y. */
static void partial_round(state_t *st, slk_fr_t *y, unsigned p)
{
    const slk_poseidon_form_t *f = st->form;
    slk_fr_t *w = &st->w[f->n + p];
    uint64_t v[WIDE + 2];
    add(y, &f->add_partial[p]);
    sbox(y);
    mul(y, &f->mul_scale[p]);
    dot_small(v, &f->d, w - 1);
    subtract_wide(y, v, f);
    *w = *y;
    dot_small(v, &f->b, w);
    montgomery(y, v, f->out_steps);
}

static void partial_rounds(state_t *st)
{
    const slk_poseidon_form_t *f = st->form;
    slk_fr_t y, negative[SLK_POSEIDON_N_MAX], zero = {{0}};
    mat_row(&y, st, 0);
    for (unsigned i = 0; i < f->n; i++) {
        slk_fr_t sum = {{0}};
        for (unsigned j = 0; j < f->t; j++) {
            slk_fr_t product = st->s[j];
            mul(&product, &f->mul_pre[i][j]);
            slk_fr_add(&sum, &sum, &product);
        }
        st->w[f->n - 1 - i] = sum;
    }
    for (unsigned p = 0; p < f->rp; p++)
        partial_round(st, &y, p);
    mul(&y, &f->mul_end);
    st->s[0] = y;
    slk_fr_t *w = &st->w[f->rp];
    for (unsigned i = 0; i < f->n; i++)
        slk_fr_sub(&negative[i], &zero, &w[i]);
    for (unsigned j = 0; j < f->n; j++) {
        slk_fr_t terms[SLK_POSEIDON_N_MAX];
        uint64_t v[WIDE + 2];
        for (unsigned i = 0; i < f->n; i++) {
            unsigned k = f->n - 1 - i;
            terms[k] = f->q_minus[j] >> i & 1 ? negative[k] : w[k];
        }
        dot_small(v, &f->q[j], &terms[f->n - 1]);
        montgomery(&st->s[1 + j], v, f->end_steps);
    }
}

static void permute(state_t *st)
{
    const slk_poseidon_form_t *f = st->form;
    for (unsigned k = 0; k < SLK_POSEIDON_HALF; k++) {
        full_round(st, f->add_first[k]);
        if (k + 1 < SLK_POSEIDON_HALF)
            mat(st);
    }
    partial_rounds(st);
    for (unsigned k = 0; k + 1 < SLK_POSEIDON_HALF; k++) {
        full_round(st, f->add_last[k]);
        mat(st);
    }
    full_round(st, f->add_last[SLK_POSEIDON_HALF - 1]);
    mat_row(&st->s[0], st, 1);
    mul(&st->s[0], &f->mul_out);
}

static bool load(slk_fr_t *out, const slk_node_t *node)
{
    uint64_t v[LIMBS + 1] = {0};
    memcpy(out, node, sizeof *out);
    memcpy(v, node, sizeof *out);
    reduce_once(v);
    return memcmp(v, out, sizeof *out) == 0;
}

size_t slk_poseidon_portable(slk_node_t *out, const slk_poseidon_form_t *form, uint64_t tag,
                             const slk_node_t *const *in, size_t stride, size_t cnt)
{
    state_t st = {.form = form};
    for (size_t i = 0; i < cnt; i++) {
        st.s[0] = (slk_fr_t){{tag, 0, 0, 0}};
        for (unsigned j = 0; j < form->n; j++)
            if (!load(&st.s[1 + j], &in[j][i * stride]))
                return i;
        permute(&st);
        memcpy(&out[i], &st.s[0], sizeof out[i]);
    }
    return cnt;
}
