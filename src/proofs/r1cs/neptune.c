#include "proofs/r1cs/neptune.h"

#include "base/assert.h"

#include <pthread.h>
#include <string.h>

#define T    SLK_NEPTUNE_T
#define HALF SLK_NEPTUNE_HALF

typedef slk_fr_t row_t[T];

static void mul_add(slk_fr_t *acc, const slk_fr_t *a, const slk_fr_t *b)
{
    slk_fr_t p;
    slk_fr_mul(&p, a, b);
    slk_fr_add(acc, acc, &p);
}

/* out = m v */
static void apply(slk_fr_t *out, row_t *m, const slk_fr_t *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        out[i] = (slk_fr_t){{0}};
        for (unsigned j = 0; j < n; j++)
            mul_add(&out[i], &m[i][j], &v[j]);
    }
}

static void mat_mul(row_t *out, row_t *a, row_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++) {
            out[i][j] = (slk_fr_t){{0}};
            for (unsigned k = 0; k < n; k++)
                mul_add(&out[i][j], &a[i][k], &b[k][j]);
        }
}

/* Gauss and Jordan. All leading minors of the matrices here (Cauchy, and products that stay
 * regular) are regular up to a swap of rows. */
static void invert(row_t *out, row_t *in, unsigned n)
{
    static const slk_fr_t zero;
    row_t a[T];
    slk_fr_t f;
    memcpy(a, in, n * sizeof *a);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++)
            slk_fr_from_u64(&out[i][j], i == j);
    for (unsigned c = 0; c < n; c++) {
        unsigned pivot = c;
        while (pivot < n && slk_fr_eq(&a[pivot][c], &zero))
            pivot++;
        SLK_ASSERT(pivot < n);
        for (unsigned j = 0; j < n; j++) {
            slk_fr_t x = a[c][j], y = out[c][j];
            a[c][j] = a[pivot][j], out[c][j] = out[pivot][j];
            a[pivot][j] = x, out[pivot][j] = y;
        }
        slk_fr_inv(&f, &a[c][c]);
        for (unsigned j = 0; j < n; j++) {
            slk_fr_mul(&a[c][j], &a[c][j], &f);
            slk_fr_mul(&out[c][j], &out[c][j], &f);
        }
        for (unsigned i = 0; i < n; i++) {
            if (i == c)
                continue;
            slk_fr_sub(&f, &zero, &a[i][c]);
            for (unsigned j = 0; j < n; j++) {
                mul_add(&a[i][j], &f, &a[c][j]);
                mul_add(&out[i][j], &f, &out[c][j]);
            }
        }
    }
}

static void make_keys(slk_neptune_t *k, row_t *inverse)
{
    slk_poseidon_plain_t plain;
    slk_poseidon_plain(&plain, k->t);
    unsigned t = k->t, at = 4 * t, rp = k->rp;
    memcpy(k->key, plain.rc[0], t * sizeof *k->key);
    for (unsigned i = 1; i < HALF; i++)
        apply(k->key + i * t, inverse, plain.rc[i], t);
    slk_fr_t acc[T], y[T];
    memcpy(acc, plain.rc[HALF + rp], sizeof acc);
    for (unsigned i = 0; i < rp; i++) {
        apply(y, inverse, acc, t);
        k->key[at + t + rp - 1 - i] = y[0];
        y[0] = (slk_fr_t){{0}};
        for (unsigned j = 0; j < t; j++)
            slk_fr_add(&acc[j], &plain.rc[HALF + rp - i - 1][j], &y[j]);
    }
    apply(k->key + at, inverse, acc, t);
    for (unsigned i = 1; i < HALF; i++)
        apply(k->key + at + rp + i * t, inverse, plain.rc[HALF + rp + i], t);
}

/* cur = M; each step splits off a sparse factor, from the last partial round to the first. */
static void make_sparse(slk_neptune_t *k)
{
    unsigned t = k->t;
    row_t cur[T], minor[T], inverse[T], rest[T];
    slk_fr_t column[T];
    memcpy(cur, k->matrix, sizeof cur);
    for (unsigned round = k->rp; round-- > 0;) {
        memset(rest, 0, sizeof rest);
        slk_fr_from_u64(&rest[0][0], 1);
        for (unsigned i = 1; i < t; i++) {
            column[i - 1] = cur[i][0];
            memcpy(minor[i - 1], &cur[i][1], (t - 1) * sizeof(slk_fr_t));
            memcpy(&rest[i][1], &cur[i][1], (t - 1) * sizeof(slk_fr_t));
        }
        invert(inverse, minor, t - 1);
        k->sparse[round].w_hat[0] = cur[0][0];
        apply(k->sparse[round].w_hat + 1, inverse, column, t - 1);
        memcpy(k->sparse[round].v, &cur[0][1], (t - 1) * sizeof(slk_fr_t));
        mat_mul(cur, k->matrix, rest, t);
    }
    memcpy(k->pre_sparse, cur, sizeof cur);
}

static void make_first(slk_neptune_t *k)
{
    const uint64_t tags[2] = {(UINT64_C(1) << (k->t - 1)) - 1, UINT64_C(1) << 40};
    for (int i = 0; i < 2; i++) {
        slk_fr_t x, x4;
        slk_fr_from_u64(&x, tags[i]);
        slk_fr_add(&x, &x, &k->key[0]);
        slk_fr_sqr(&x4, &x);
        slk_fr_sqr(&x4, &x4);
        slk_fr_mul(&x, &x, &x4);
        slk_fr_add(&k->first[i], &x, &k->key[k->t]);
    }
}

static const unsigned aritys[SLK_NEPTUNE_ARITYS] = {2, 4, 8, 11};
static slk_neptune_t constants[SLK_NEPTUNE_ARITYS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_all(void)
{
    for (unsigned n = 0; n < SLK_NEPTUNE_ARITYS; n++) {
        slk_neptune_t *k = &constants[n];
        row_t inverse[T];
        k->t = aritys[n] + 1;
        k->rp = slk_poseidon_rp(k->t);
        for (unsigned i = 0; i < k->t; i++)
            for (unsigned j = 0; j < k->t; j++) {
                slk_fr_from_u64(&k->matrix[i][j], i + j + k->t);
                slk_fr_inv(&k->matrix[i][j], &k->matrix[i][j]);
            }
        invert(inverse, k->matrix, k->t);
        make_keys(k, inverse);
        make_sparse(k);
        make_first(k);
    }
}

unsigned slk_neptune_index(unsigned arity)
{
    unsigned n = 0;
    while (n < SLK_NEPTUNE_ARITYS && aritys[n] != arity)
        n++;
    SLK_ASSERT(n < SLK_NEPTUNE_ARITYS);
    return n;
}

const slk_neptune_t *slk_neptune(unsigned arity)
{
    pthread_once(&once, make_all);
    return &constants[slk_neptune_index(arity)];
}
