#include "crypto/poseidon/poseidon_form.h"

#include "base/assert.h"
#include "base/bytes.h"

#define T_MAX SLK_POSEIDON_T_MAX
#define N_MAX SLK_POSEIDON_N_MAX
#define HALF  SLK_POSEIDON_HALF

typedef struct {
    uint64_t l[4];
} u256_t;

/* Work space of one derivation; all of it field elements. */
typedef struct {
    slk_poseidon_plain_t plain;
    unsigned bits, t, n, rp;
    slk_fr_t one, R, step;       /* R = step^limbs, step = 2^bits */
    slk_fr_t L, m[T_MAX][T_MAX]; /* L*M */
    slk_fr_t d[N_MAX + 1];       /* d[0] = 1 */
    slk_fr_t b[N_MAX + 1];
    slk_fr_t q[N_MAX][N_MAX];   /* q[i][j]: element j of q[i+1] */
    slk_fr_t pre[N_MAX][T_MAX]; /* Q^-1 M, M without its first row */
    slk_fr_t partial[SLK_POSEIDON_RP_MAX];
    slk_fr_t last[T_MAX]; /* constants of the first full round behind the partial ones */
} work_t;

/* --- Field helpers -------------------------------------------------------------------------- */

static slk_fr_t fr(uint64_t v)
{
    slk_fr_t a;
    slk_fr_from_u64(&a, v);
    return a;
}

static slk_fr_t mul(slk_fr_t a, slk_fr_t b)
{
    slk_fr_mul(&a, &a, &b);
    return a;
}

static slk_fr_t add(slk_fr_t a, slk_fr_t b)
{
    slk_fr_add(&a, &a, &b);
    return a;
}

static slk_fr_t neg(slk_fr_t a)
{
    slk_fr_t zero = {{0}};
    slk_fr_sub(&a, &zero, &a);
    return a;
}

static slk_fr_t inv(slk_fr_t a)
{
    slk_fr_inv(&a, &a);
    return a;
}

static slk_fr_t power(slk_fr_t a, unsigned e)
{
    slk_fr_t p = fr(1);
    for (; e; e--)
        p = mul(p, a);
    return p;
}

static slk_fr_t div_power(slk_fr_t a, slk_fr_t b, unsigned e)
{
    return mul(a, inv(power(b, e)));
}

/* --- Integers ------------------------------------------------------------------------------- */

static u256_t integer(slk_fr_t a)
{
    slk_node_t node;
    u256_t v;
    slk_fr_to_node(&node, &a);
    for (unsigned i = 0; i < 4; i++)
        v.l[i] = slk_load_le64(node.b + 8 * i);
    return v;
}

static unsigned bit_length(const u256_t *v)
{
    for (unsigned i = 4; i-- > 0;)
        if (v->l[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(v->l[i]);
    return 0;
}

/* The magnitude of a small integer that a holds mod r; true if it is negative. */
static bool magnitude(u256_t *out, slk_fr_t a)
{
    u256_t plus = integer(a), minus = integer(neg(a));
    bool negative = bit_length(&minus) < bit_length(&plus);
    *out = negative ? minus : plus;
    return negative;
}

static uint64_t modulo(const u256_t *v, uint64_t m)
{
    unsigned __int128 rest = 0;
    for (unsigned i = 4; i-- > 0;)
        rest = (rest << 64 | v->l[i]) % m;
    return (uint64_t)rest;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t limb(const u256_t *v, unsigned bits, unsigned i)
{
    unsigned at = bits * i;
    if (at >= 256)
        return 0;
    uint64_t low = v->l[at / 64] >> at % 64;
    if (at % 64 && at / 64 < 3)
        low |= v->l[at / 64 + 1] << (64 - at % 64);
    return bits == 64 ? low : low & ((UINT64_C(1) << bits) - 1);
}

static slk_poseidon_limbs_t element(const work_t *w, slk_fr_t a)
{
    slk_poseidon_limbs_t out;
    u256_t v = integer(a);
    for (unsigned i = 0; i < SLK_POSEIDON_LIMBS; i++)
        out.l[i] = limb(&v, w->bits, i);
    return out;
}

/* Bit i of the result: constant i is negative. */
static uint32_t small(const work_t *w, slk_poseidon_small_t *out, const slk_fr_t *a, unsigned cnt)
{
    uint32_t negative = 0;
    *out = (slk_poseidon_small_t){0};
    for (unsigned i = 0; i < cnt; i++) {
        u256_t v;
        negative |= (uint32_t)magnitude(&v, a[i]) << i;
        SLK_ASSERT(bit_length(&v) <= w->bits * SLK_POSEIDON_SMALL);
        for (unsigned o = 0; o < SLK_POSEIDON_SMALL; o++) {
            out->l[o][i] = limb(&v, w->bits, o);
            if (!out->l[o][i])
                continue;
            if (!out->end[o])
                out->begin[o] = (uint8_t)i;
            out->end[o] = (uint8_t)(i + 1);
            if (out->limbs < o + 1)
                out->limbs = o + 1;
        }
    }
    return negative;
}

/* Montgomery steps that bring a dot product with these constants back to the size of an element. */
static unsigned steps(const work_t *w, const slk_fr_t *a, unsigned cnt)
{
    unsigned most = 0;
    for (unsigned i = 0; i < cnt; i++) {
        u256_t v;
        magnitude(&v, a[i]);
        if (most < bit_length(&v))
            most = bit_length(&v);
    }
    return (most + 4 + w->bits - 1) / w->bits; /* cnt <= 2^4 */
}

/* out = floor(2^exponent / r), bit by bit. */
static void reciprocal(const work_t *w, uint64_t *out, unsigned exponent)
{
    u256_t r = integer(neg(w->one)), rest = {{1, 0, 0, 0}};
    r.l[0]++;
    while (exponent-- > 0) {
        bool less = false;
        for (unsigned i = 4; i-- > 0;)
            rest.l[i] = rest.l[i] << 1 | (i ? rest.l[i - 1] >> 63 : 0);
        for (unsigned i = 4; i-- > 0;) {
            if (rest.l[i] != r.l[i]) {
                less = rest.l[i] < r.l[i];
                break;
            }
        }
        if (less)
            continue;
        unsigned char borrow = 0;
        for (unsigned i = 0; i < 4; i++) {
            unsigned __int128 v = (unsigned __int128)rest.l[i] - r.l[i] - borrow;
            rest.l[i] = (uint64_t)v;
            borrow = v >> 64 & 1;
        }
        out[exponent / w->bits] |= UINT64_C(1) << exponent % w->bits;
    }
}

/* --- The filter ----------------------------------------------------------------------------- */

/* d by Faddeev-LeVerrier: B[1] = 1, d[k] = -trace(A B[k]) / k, B[k+1] = A B[k] + d[k]. Then q and
 * b. */
static void filter(work_t *w)
{
    unsigned n = w->n;
    slk_fr_t B[N_MAX][N_MAX] = {{{{0}}}}, AB[N_MAX][N_MAX];
    for (unsigned i = 0; i < n; i++)
        B[i][i] = w->one;
    w->d[0] = w->one;
    w->b[0] = w->m[0][0];
    for (unsigned k = 1; k <= n; k++) {
        slk_fr_t trace = fr(0);
        w->b[k] = fr(0);
        for (unsigned i = 0; i < n; i++) {
            w->q[k - 1][i] = fr(0);
            for (unsigned j = 0; j < n; j++) {
                w->q[k - 1][i] = add(w->q[k - 1][i], mul(B[i][j], w->m[1 + j][0]));
                AB[i][j] = fr(0);
                for (unsigned l = 0; l < n; l++)
                    AB[i][j] = add(AB[i][j], mul(w->m[1 + i][1 + l], B[l][j]));
            }
            trace = add(trace, AB[i][i]);
            w->b[k] = add(w->b[k], mul(w->m[0][1 + i], w->q[k - 1][i]));
        }
        w->d[k] = neg(mul(trace, inv(fr(k))));
        w->b[k] = add(w->b[k], mul(w->m[0][0], w->d[k]));
        memcpy(B, AB, sizeof B);
        for (unsigned i = 0; i < n; i++)
            B[i][i] = add(B[i][i], w->d[k]);
    }
}

/* pre = Q^-1 M by elimination; column i of Q is q[i]. */
static void solve_pre(work_t *w)
{
    unsigned n = w->n, t = w->t;
    slk_fr_t Q[N_MAX][N_MAX], invL = inv(w->L);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < n; j++)
            Q[i][j] = w->q[j][i];
        for (unsigned j = 0; j < t; j++)
            w->pre[i][j] = mul(w->m[1 + i][j], invL);
    }
    for (unsigned k = 0; k < n; k++) {
        /* Pivots are never 0: all four Q have been tried. */
        slk_fr_t f = inv(Q[k][k]);
        for (unsigned j = 0; j < n; j++)
            Q[k][j] = mul(Q[k][j], f);
        for (unsigned j = 0; j < t; j++)
            w->pre[k][j] = mul(w->pre[k][j], f);
        for (unsigned i = 0; i < n; i++) {
            if (i == k)
                continue;
            f = neg(Q[i][k]);
            for (unsigned j = 0; j < n; j++)
                Q[i][j] = add(Q[i][j], mul(f, Q[k][j]));
            for (unsigned j = 0; j < t; j++)
                w->pre[i][j] = add(w->pre[i][j], mul(f, w->pre[k][j]));
        }
    }
}

/* Carry the round constants of elements 1.. of the partial rounds forward. */
static void carry_constants(work_t *w)
{
    slk_fr_t invL = inv(w->L);
    memcpy(w->last, w->plain.rc[HALF], sizeof w->last);
    for (unsigned p = 0; p < w->rp; p++) {
        slk_fr_t next[T_MAX];
        w->partial[p] = w->last[0];
        for (unsigned i = 0; i < w->t; i++) {
            slk_fr_t sum = fr(0);
            for (unsigned j = 1; j < w->t; j++)
                sum = add(sum, mul(w->m[i][j], w->last[j]));
            next[i] = add(w->plain.rc[HALF + p + 1][i], mul(sum, invL));
        }
        memcpy(w->last, next, w->t * sizeof *next);
    }
}

static void prepare(work_t *w, unsigned t, unsigned bits)
{
    slk_poseidon_plain(&w->plain, t);
    w->bits = bits;
    w->t = t;
    w->n = t - 1;
    w->rp = w->plain.rp;
    w->one = fr(1);
    w->step = power(fr(2), bits);
    w->R = power(w->step, bits == 64 ? 4 : 5);
    w->L = fr(slk_poseidon_matrix_scale(t));
    for (unsigned i = 0; i < t; i++)
        for (unsigned j = 0; j < t; j++)
            w->m[i][j] = fr(slk_poseidon_matrix(t, i, j));
    filter(w);
    solve_pre(w);
    carry_constants(w);
}

/* --- Scales --------------------------------------------------------------------------------- */

static slk_fr_t scale_sbox(const work_t *w, slk_fr_t scale)
{
    return div_power(power(scale, 5), w->R, 4);
}

static slk_fr_t scale_matrix(const work_t *w, slk_fr_t scale)
{
    return div_power(mul(scale, w->L), w->step, 1);
}

static void first_rounds(slk_poseidon_form_t *out, const work_t *w, slk_fr_t *scale)
{
    *scale = w->one;
    for (unsigned k = 0; k < HALF; k++) {
        for (unsigned i = 0; i < w->t; i++)
            out->add_first[k][i] = element(w, mul(*scale, w->plain.rc[k][i]));
        *scale = scale_sbox(w, *scale);
        if (k + 1 < HALF)
            *scale = scale_matrix(w, *scale);
    }
    slk_fr_t factor = mul(w->R, inv(*scale));
    for (unsigned i = 0; i < w->n; i++)
        for (unsigned j = 0; j < w->t; j++)
            out->mul_pre[i][j] = element(w, mul(i % 2 ? factor : neg(factor), w->pre[i][j]));
}

static void partial_rounds(slk_poseidon_form_t *out, work_t *w, slk_fr_t *scale)
{
    /* A common divisor of the b shortens them. */
    uint64_t divisor = 0;
    for (unsigned i = 0; i <= w->n; i++) {
        u256_t v;
        magnitude(&v, w->b[i]);
        divisor = i ? gcd(divisor, modulo(&v, divisor)) : v.l[0];
    }
    slk_fr_t shrink = inv(fr(divisor));
    for (unsigned i = 0; i <= w->n; i++)
        w->b[i] = mul(w->b[i], shrink);
    uint32_t d_minus = small(w, &out->d, w->d + 1, w->n),
             b_minus = small(w, &out->b, w->b, w->n + 1);
    SLK_ASSERT(d_minus == (0x55555555u & ((1u << w->n) - 1)));
    SLK_ASSERT(b_minus == (0xaaaaaaaau & ((2u << w->n) - 1)));
    out->out_steps = steps(w, w->b, w->n + 1);
    reciprocal(w, out->mu, w->bits * ((w->bits == 64 ? 4 : 5) + out->d.limbs));

    slk_fr_t Lp = w->one, out_scale = div_power(shrink, w->step, out->out_steps);
    slk_fr_t y_scale = scale_matrix(w, *scale);
    for (unsigned p = 0; p < w->rp; p++) {
        /* sbox(y) = y_scale^5 / R^4 * a[p]; wanted: (-L)^p a[p] */
        out->add_partial[p] = element(w, mul(y_scale, w->partial[p]));
        slk_fr_t factor = div_power(mul(Lp, power(w->R, 5)), y_scale, 5);
        out->mul_scale[p] = element(w, p % 2 ? neg(factor) : factor);
        Lp = mul(Lp, w->L);
        y_scale = mul(p % 2 ? neg(out_scale) : out_scale, Lp);
    }
    unsigned end_steps = 0;
    for (unsigned j = 0; j < w->n; j++) {
        slk_fr_t row[N_MAX];
        for (unsigned i = 0; i < w->n; i++)
            row[i] = (w->rp - 1 - i) % 2 ? neg(w->q[i][j]) : w->q[i][j];
        out->q_minus[j] = small(w, &out->q[j], row, w->n);
        unsigned s = steps(w, row, w->n);
        end_steps = s > end_steps ? s : end_steps;
    }
    out->end_steps = end_steps;
    *scale = div_power(Lp, w->step, end_steps);
    out->mul_end = element(w, mul(mul(w->R, *scale), inv(y_scale)));
}

static void last_rounds(slk_poseidon_form_t *out, const work_t *w, slk_fr_t scale)
{
    for (unsigned k = 0; k < HALF; k++) {
        const slk_fr_t *rc = k ? w->plain.rc[HALF + w->rp + k] : w->last;
        for (unsigned i = 0; i < w->t; i++)
            out->add_last[k][i] = element(w, mul(scale, rc[i]));
        scale = scale_matrix(w, scale_sbox(w, scale));
    }
    out->mul_out = element(w, mul(w->R, inv(scale)));
}

void slk_poseidon_form(slk_poseidon_form_t *out, unsigned t, unsigned bits)
{
    work_t w;
    slk_fr_t scale;
    SLK_ASSERT(bits == 52 || bits == 64);
    prepare(&w, t, bits);
    *out = (slk_poseidon_form_t){.t = t, .n = w.n, .rp = w.rp};
    for (unsigned i = 0; i < t; i++)
        for (unsigned j = 0; j < t; j++)
            out->matrix[i][j] = slk_poseidon_matrix(t, i, j);
    first_rounds(out, &w, &scale);
    partial_rounds(out, &w, &scale);
    last_rounds(out, &w, scale);
}

static void to_real(void *limbs, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint8_t *p = (uint8_t *)limbs + at;
        double value = (double)slk_load_le64(p);
        memcpy(p, &value, 8);
    }
}

void slk_poseidon_form_real(slk_poseidon_form_t *form)
{
    to_real(form->mul_pre, sizeof form->mul_pre);
    to_real(form->mul_scale, sizeof form->mul_scale);
    to_real(&form->mul_end, sizeof form->mul_end);
    to_real(&form->mul_out, sizeof form->mul_out);
    to_real(form->matrix, sizeof form->matrix);
    to_real(form->d.l, sizeof form->d.l);
    to_real(form->b.l, sizeof form->b.l);
    to_real(form->mu, sizeof form->mu);
    for (unsigned j = 0; j < SLK_POSEIDON_N_MAX; j++)
        to_real(form->q[j].l, sizeof form->q[j].l);
}
