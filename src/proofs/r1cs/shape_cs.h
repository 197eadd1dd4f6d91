#ifndef SLK_PROOFS_R1CS_SHAPE_CS_H
#define SLK_PROOFS_R1CS_SHAPE_CS_H

/* Back end of the gadgets that makes constraints: variables are numbers, nothing has a value.
 * What the gadgets expect of a back end is listed in gadgets.inc. */

#include "base/assert.h"
#include "proofs/r1cs/poseidon_rows.h"
#include "proofs/r1cs/rows.h"

#include <stdlib.h>
#include <string.h>

#define SHAPE_HASHES 3u /* Poseidon templates of one circuit */
#define LC_SMALL     8u
#define LC_TERMS     4096u
#define MEQ_TERMS    2560u

typedef struct {
    slk_row_fn_t *fn; /* NULL: constraints are only counted */
    void *ctx;
    uint64_t rows;
    uint32_t inputs, aux; /* allocated so far */
    uint32_t wide;        /* auxiliary variables that are no bits */
    slk_coefs_t coefs;
    slk_poseidon_rows_t hash[SHAPE_HASHES], custom;
    slk_term_t buf[3][LC_TERMS];
    slk_term_t sorted[LC_TERMS];
} cs_t;

/* --- Types of the gadgets -------------------------------------------------------------------- */

typedef uint32_t num_t;  /* key of a variable */
typedef uint32_t bool_t; /* auxiliary variable, BOOL_NOT: its negation; or one of two constants */

#define BOOL_NOT UINT32_C(0x80000000)
#define BOOL_0   UINT32_C(0x7fffffff)
#define BOOL_1   UINT32_C(0xffffffff)

typedef struct {
    bool_t bit[32]; /* least significant first */
} word_t;

typedef struct {
    word_t w[8]; /* big-endian words of 32 bytes */
} str_t;

typedef const slk_node_t *source_t; /* where values come from: nowhere */

static inline source_t source_at(source_t s, size_t i)
{
    (void)i;
    return s;
}

static inline bool_t bool_const(unsigned v)
{
    return v ? BOOL_1 : BOOL_0;
}
static inline bool bool_is_const(bool_t x)
{
    return (x | BOOL_NOT) == BOOL_1;
}
static inline bool bool_is_not(bool_t x)
{
    return x >> 31;
} /* of a variable */
static inline bool_t bool_not(bool_t x)
{
    return x ^ BOOL_NOT;
}
static inline bool_t word_get(const word_t *x, unsigned i)
{
    return x->bit[i];
}
static inline void word_set(word_t *x, unsigned i, bool_t b)
{
    x->bit[i] = b;
}

static inline word_t word_const(uint32_t v)
{
    word_t out;
    for (unsigned i = 0; i < 32; i++)
        out.bit[i] = bool_const(v >> i & 1);
    return out;
}

static inline word_t word_rotr(const word_t *x, unsigned k)
{
    word_t out;
    memcpy(out.bit, x->bit + k, (32 - k) * sizeof *out.bit);
    memcpy(out.bit + 32 - k, x->bit, k * sizeof *out.bit);
    return out;
}

static inline word_t word_shr(const word_t *x, unsigned k)
{
    word_t out;
    memcpy(out.bit, x->bit + k, (32 - k) * sizeof *out.bit);
    for (unsigned i = 32 - k; i < 32; i++)
        out.bit[i] = BOOL_0;
    return out;
}

/* --- Constraints ----------------------------------------------------------------------------- */

static inline uint32_t bool_key(bool_t x)
{
    return x | SLK_AUX;
}

static inline num_t new_aux(cs_t *cs)
{
    return SLK_AUX | cs->aux++;
}
static inline num_t new_wide(cs_t *cs)
{
    cs->wide++;
    return new_aux(cs);
}

/* A linear combination with few terms and small coefficients. */
typedef struct {
    unsigned cnt;
    struct {
        uint32_t key;
        int k;
    } t[LC_SMALL];
} lc_t;

static inline void lc_add(lc_t *lc, uint32_t key, int k)
{
    unsigned i = lc->cnt;
    while (i > 0 && lc->t[i - 1].key > key)
        i--;
    if (i > 0 && lc->t[i - 1].key == key) {
        lc->t[i - 1].k += k;
        return;
    }
    for (unsigned j = lc->cnt; j > i; j--)
        lc->t[j] = lc->t[j - 1];
    lc->t[i].key = key;
    lc->t[i].k = k;
    lc->cnt++;
}

static inline void lc_bool(lc_t *lc, bool_t x, int k)
{
    if (x == BOOL_0)
        return;
    if (bool_is_not(x))
        lc_add(lc, 0, k);
    if (x != BOOL_1)
        lc_add(lc, bool_key(x), bool_is_not(x) ? -k : k);
}

static inline slk_lc_t lc_terms(cs_t *cs, unsigned which, const lc_t *lc)
{
    size_t cnt = 0;
    for (unsigned i = 0; i < lc->cnt; i++) {
        if (lc->t[i].k)
            cs->buf[which][cnt++] =
                (slk_term_t){slk_coef_int(&cs->coefs, lc->t[i].k), lc->t[i].key};
    }
    return (slk_lc_t){cs->buf[which], cnt};
}

static inline void give(cs_t *cs, const slk_row_t *row)
{
    cs->rows++;
    if (cs->fn)
        cs->fn(cs->ctx, row, &cs->coefs);
}

static inline void enforce(cs_t *cs, const lc_t *a, const lc_t *b, const lc_t *c)
{
    if (!cs->fn) {
        cs->rows++;
        return;
    }
    slk_row_t row = {{lc_terms(cs, 0, a), lc_terms(cs, 1, b), lc_terms(cs, 2, c)}};
    give(cs, &row);
}

static const slk_term_t one_term[1] = {{SLK_COEF_POW(0), 0}};
#define LC_ONE ((slk_lc_t){one_term, 1})

/* --- Long linear combinations ----------------------------------------------------------------- */

/* Terms in any order, keys may repeat; ONE apart, as an integer below 2^255. */
typedef struct {
    size_t cnt;
    slk_node_t one;
    slk_term_t *term;
} long_t;

static inline void long_one(long_t *l, unsigned k)
{
    uint64_t limb[4];
    memcpy(limb, l->one.b, 32);
    uint64_t add = UINT64_C(1) << k % 64;
    for (unsigned i = k / 64; i < 4; i++) {
        limb[i] += add;
        if (limb[i] >= add)
            break;
        add = 1;
    }
    memcpy(l->one.b, limb, 32);
}

/* l += 2^k * x */
static inline void long_bool(long_t *l, bool_t x, unsigned k)
{
    if (bool_is_const(x)) {
        if (x == BOOL_1)
            long_one(l, k);
        return;
    }
    if (bool_is_not(x))
        long_one(l, k);
    l->term[l->cnt++] =
        (slk_term_t){bool_is_not(x) ? SLK_COEF_NEG(k) : SLK_COEF_POW(k), bool_key(x)};
}

static void sort_terms(slk_term_t *term, slk_term_t *other, size_t cnt)
{
    slk_term_t *from = term, *to = other;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        uint32_t start[256] = {0}, sum = 0;
        for (size_t i = 0; i < cnt; i++)
            start[from[i].key >> shift & 255]++;
        if (start[from[0].key >> shift & 255] == cnt)
            continue;
        for (unsigned d = 0; d < 256; d++) {
            uint32_t n = start[d];
            start[d] = sum;
            sum += n;
        }
        for (size_t i = 0; i < cnt; i++)
            to[start[from[i].key >> shift & 255]++] = from[i];
        slk_term_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != term)
        memcpy(term, from, cnt * sizeof *term);
}

/* The finished combination, in cs->buf[which]. */
static slk_lc_t long_terms(cs_t *cs, unsigned which, long_t *l)
{
    slk_term_t *out = cs->buf[which];
    size_t n = 0;
    SLK_ASSERT(l->cnt < LC_TERMS);
    if (l->cnt)
        sort_terms(l->term, cs->sorted, l->cnt);
    uint32_t one = slk_coef_node(&cs->coefs, &l->one);
    if (one != SLK_COEF_ZERO)
        out[n++] = (slk_term_t){one, 0};
    for (size_t i = 0; i < l->cnt;) {
        slk_term_t sum = l->term[i];
        while (++i < l->cnt && l->term[i].key == sum.key)
            sum.coef = slk_coef_sum(&cs->coefs, sum.coef, l->term[i].coef);
        if (sum.coef != SLK_COEF_ZERO)
            out[n++] = sum;
    }
    return (slk_lc_t){out, n};
}

/* --- Bits ------------------------------------------------------------------------------------- */

static inline bool_t cs_bit(cs_t *cs, unsigned value)
{
    (void)value;
    uint32_t key = new_aux(cs);
    slk_term_t a[2] = {{SLK_COEF_POW(0), 0}, {SLK_COEF_NEG(0), key}};
    slk_term_t b[1] = {{SLK_COEF_POW(0), key}};
    slk_row_t row = {{{a, 2}, {b, 1}, {NULL, 0}}};
    give(cs, &row);
    return key & ~SLK_AUX;
}

static inline bool_t var_xor(cs_t *cs, bool_t x, bool_t y)
{
    uint32_t p = bool_key(x), q = bool_key(y), key = new_aux(cs);
    if (p == q) {
        lc_t a = {0}, b = {0}, c = {0};
        lc_add(&a, p, 2);
        lc_add(&b, p, 1);
        lc_add(&c, p, 2);
        lc_add(&c, key, -1);
        enforce(cs, &a, &b, &c);
    } else {
        uint32_t low = p < q ? p : q, high = p < q ? q : p;
        slk_term_t a[1] = {{SLK_COEF_POW(1), p}}, b[1] = {{SLK_COEF_POW(0), q}};
        slk_term_t c[3] = {{SLK_COEF_POW(0), low}, {SLK_COEF_POW(0), high}, {SLK_COEF_NEG(0), key}};
        slk_row_t row = {{{a, 1}, {b, 1}, {c, 3}}};
        give(cs, &row);
    }
    return key & ~SLK_AUX;
}

static inline bool_t var_and(cs_t *cs, bool_t x, bool_t y)
{
    lc_t a = {0}, b = {0}, c = {0};
    uint32_t key = new_aux(cs);
    lc_bool(&a, x, 1);
    lc_bool(&b, y, 1);
    lc_add(&c, key, 1);
    enforce(cs, &a, &b, &c);
    return key & ~SLK_AUX;
}

static inline bool_t var_ch(cs_t *cs, bool_t x, bool_t y, bool_t z)
{
    lc_t a = {0}, b = {0}, c = {0};
    uint32_t key = new_aux(cs);
    lc_bool(&a, y, 1);
    lc_bool(&a, z, -1);
    lc_bool(&b, x, 1);
    lc_add(&c, key, 1);
    lc_bool(&c, z, -1);
    enforce(cs, &a, &b, &c);
    return key & ~SLK_AUX;
}

static inline bool_t var_maj_begin(cs_t *cs, bool_t x, bool_t y, bool_t z)
{
    (void)x, (void)y, (void)z;
    return new_aux(cs) & ~SLK_AUX;
}

static inline void var_maj_end(cs_t *cs, bool_t maj, bool_t yz, bool_t x, bool_t y, bool_t z)
{
    lc_t a = {0}, b = {0}, c = {0};
    lc_bool(&a, yz, 2);
    lc_bool(&a, y, -1);
    lc_bool(&a, z, -1);
    lc_bool(&b, x, 1);
    lc_bool(&c, yz, 1);
    lc_add(&c, bool_key(maj), -1);
    enforce(cs, &a, &b, &c);
}

/* No short cuts over whole words here. */
static inline bool word_xor_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y)
{
    (void)cs, (void)out, (void)x, (void)y;
    return false;
}
static inline bool word_ch_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y,
                                const word_t *z)
{
    (void)z;
    return word_xor_fast(cs, out, x, y);
}
static inline bool word_maj_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y,
                                 const word_t *z)
{
    (void)z;
    return word_xor_fast(cs, out, x, y);
}

/* --- Additions modulo 2^32 -------------------------------------------------------------------- */

typedef struct {
    unsigned used; /* bits */
    slk_node_t one;
    size_t left_cnt, right_cnt;
    slk_term_t left[MEQ_TERMS], right[256];
} meq_t;

static inline void meq_init(meq_t *meq)
{
    meq->used = 0;
    meq->left_cnt = meq->right_cnt = 0;
    memset(&meq->one, 0, sizeof meq->one);
}

static void meq_flush(cs_t *cs, meq_t *meq)
{
    if (!meq->used)
        return;
    if (cs->fn) {
        long_t l = {meq->left_cnt, meq->one, meq->left};
        slk_row_t row = {{long_terms(cs, 0, &l), LC_ONE, {meq->right, meq->right_cnt}}};
        give(cs, &row);
    } else {
        cs->rows++;
    }
    meq_init(meq);
}

/* The sum of operands that are not all constant; bits of it: `bits`. */
static inline void cs_sum(cs_t *cs, meq_t *meq, word_t *out, const word_t *const *op, unsigned cnt,
                          unsigned bits)
{
    bool_t bit[36];
    for (unsigned i = 0; i < bits; i++)
        bit[i] = cs_bit(cs, 0);
    if (meq->used + bits >= 254)
        meq_flush(cs, meq);
    long_t l = {meq->left_cnt, meq->one, meq->left};
    for (unsigned n = 0; n < cnt; n++)
        for (unsigned i = 0; i < 32; i++)
            long_bool(&l, op[n]->bit[i], meq->used + i);
    SLK_ASSERT(l.cnt <= MEQ_TERMS);
    meq->left_cnt = l.cnt;
    meq->one = l.one;
    for (unsigned i = 0; i < bits; i++)
        meq->right[meq->right_cnt++] = (slk_term_t){SLK_COEF_POW(meq->used + i), bool_key(bit[i])};
    meq->used += bits;
    memcpy(out->bit, bit, sizeof out->bit);
}

static inline bool word_is_const(const word_t *x, uint32_t *v)
{
    *v = 0;
    for (unsigned i = 0; i < 32; i++) {
        if (!bool_is_const(x->bit[i]))
            return false;
        *v |= (uint32_t)(x->bit[i] == BOOL_1) << i;
    }
    return true;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static inline num_t cs_alloc(cs_t *cs, source_t value)
{
    (void)value;
    return new_wide(cs);
}

static inline lc_t lc_of(num_t x)
{
    lc_t lc = {0};
    lc_add(&lc, x, 1);
    return lc;
}

static inline void cs_equal(cs_t *cs, num_t x, num_t y, const char *what)
{
    (void)what;
    lc_t a = lc_of(x), b = lc_of(0), c = lc_of(y);
    enforce(cs, &a, &b, &c);
}

static inline void cs_inputize(cs_t *cs, num_t x)
{
    lc_t a = lc_of(cs->inputs++), b = lc_of(0), c = lc_of(x);
    enforce(cs, &a, &b, &c);
}

static inline num_t cs_add(cs_t *cs, num_t x, num_t y)
{
    num_t sum = new_wide(cs);
    lc_t a = lc_of(x), b = lc_of(0), c = lc_of(sum);
    lc_add(&a, y, 1);
    enforce(cs, &a, &b, &c);
    return sum;
}

static inline num_t cs_pick(cs_t *cs, bool_t cond, num_t x, num_t y)
{
    num_t p = new_wide(cs);
    lc_t a = lc_of(y), b = {0}, c = lc_of(y);
    lc_add(&a, x, -1);
    lc_bool(&b, cond, 1);
    lc_add(&c, p, -1);
    enforce(cs, &a, &b, &c);
    return p;
}

/* Bit i of the little-endian integer lies in word i / 32 at this place. */
static inline unsigned str_place(unsigned i)
{
    return 8 * (3 - i % 32 / 8) + i % 8;
}

static inline void cs_bits255(cs_t *cs, num_t x, str_t *out)
{
    slk_term_t *c = cs->buf[2];
    size_t n = 0;
    c[n++] = (slk_term_t){SLK_COEF_NEG(0), x};
    for (unsigned i = 0; i < 255; i++) {
        bool_t bit = cs_bit(cs, 0);
        out->w[i / 32].bit[str_place(i)] = bit;
        c[n++] = (slk_term_t){SLK_COEF_POW(i), bool_key(bit)};
    }
    out->w[7].bit[str_place(255)] = BOOL_0;
    slk_row_t row = {{{NULL, 0}, {NULL, 0}, {c, n}}};
    give(cs, &row);
}

static inline void long_is_num(cs_t *cs, long_t *l, num_t x)
{
    slk_term_t c[1] = {{SLK_COEF_POW(0), x}};
    slk_row_t row = {{long_terms(cs, 0, l), LC_ONE, {c, 1}}};
    give(cs, &row);
}

static inline num_t cs_pack(cs_t *cs, const str_t *s)
{
    slk_term_t term[256];
    long_t l = {.term = term};
    num_t x = new_wide(cs);
    for (unsigned i = 0; i < 254; i++)
        long_bool(&l, s->w[i / 32].bit[str_place(i)], i);
    long_is_num(cs, &l, x);
    return x;
}

static inline void cs_pack_input(cs_t *cs, const bool_t *bit, unsigned cnt)
{
    slk_term_t term[64];
    long_t l = {.term = term};
    SLK_ASSERT(cnt <= 64);
    for (unsigned i = 0; i < cnt; i++)
        long_bool(&l, bit[i], i);
    long_is_num(cs, &l, cs->inputs++);
}

/* --- Poseidon --------------------------------------------------------------------------------- */

static const slk_poseidon_rows_t *hash_rows(cs_t *cs, unsigned arity, bool custom)
{
    if (custom)
        return &cs->custom;
    for (unsigned i = 0; i < SHAPE_HASHES; i++) {
        if (cs->hash[i].arity == arity)
            return &cs->hash[i];
    }
    SLK_ASSERT(!"a template of this arity");
    return NULL;
}

static num_t cs_poseidon(cs_t *cs, const num_t *preimage, unsigned arity, bool custom)
{
    const slk_poseidon_rows_t *hash = hash_rows(cs, arity, custom);
    const slk_term_t *from = hash->term;
    uint32_t base = SLK_AUX | cs->aux;
    cs->wide += hash->rows;
    if (!cs->fn) {
        cs->rows += hash->rows;
        cs->aux += hash->rows;
        return SLK_AUX | (cs->aux - 1);
    }
    for (unsigned r = 0; r < hash->rows; r++) {
        slk_row_t row;
        cs->aux++; /* each row has its variable */
        for (unsigned k = 0; k < 3; k++) {
            slk_term_t *to = cs->buf[k];
            row.lc[k] = (slk_lc_t){to, hash->row[r].cnt[k]};
            for (size_t i = 0; i < row.lc[k].cnt; i++, from++) {
                uint32_t key = from->key;
                key = key >= SLK_AUX ? key - SLK_AUX + base : key ? preimage[key - 1] : 0;
                to[i] = (slk_term_t){from->coef, key};
            }
        }
        give(cs, &row);
    }
    return SLK_AUX | (cs->aux - 1);
}

/* --- Life ------------------------------------------------------------------------------------- */

static inline void shape_fini(cs_t *cs)
{
    if (!cs)
        return;
    for (unsigned i = 0; i < SHAPE_HASHES; i++)
        slk_poseidon_rows_fini(&cs->hash[i]);
    slk_poseidon_rows_fini(&cs->custom);
    slk_coefs_fini(&cs->coefs);
    free(cs);
}

/* aritys: those of Poseidon in the circuit, 0 for fewer than three. */
static inline slk_err_t shape_new(cs_t **out, const unsigned aritys[SHAPE_HASHES], slk_diag_t *diag)
{
    slk_err_t err;
    cs_t *cs = calloc(1, sizeof *cs);
    if (!cs)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for constraints");
    cs->inputs = 1;
    SLK_TRY(slk_coefs_init(&cs->coefs, diag));
    for (unsigned i = 0; i < SHAPE_HASHES; i++) {
        if (aritys[i])
            SLK_TRY(slk_poseidon_rows_init(&cs->hash[i], aritys[i], false, &cs->coefs, diag));
    }
    *out = cs;
    return SLK_OK;
out:
    shape_fini(cs);
    return err;
}

#endif /* SLK_PROOFS_R1CS_SHAPE_CS_H */
