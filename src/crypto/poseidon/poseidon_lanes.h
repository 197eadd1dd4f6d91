/* Poseidon of LANES preimages at once: limb k of one element of every preimage in one vector. A
 * template, included once in a source that has defined, for its instructions:
 *
 *   LANES                    number of lanes
 *   vec_t                    LANES integers of 64 bits
 *   v_add, v_sub, v_and, v_srl, v_sll, v_sra(x, bits), v_word(u64), v_load(p), v_store(p, x)
 *   v_if_negative(x, a, b)   lanes of a where those of x are negative, else of b
 *   opn_t                    LANES factors below 2^52
 *   o_low(x), o_vec(a)       the low 52 bits of a vec_t as factor; back
 *   o_number(x), o_number_t  an integer below 2^52, in an o_number_t, to a factor in all lanes
 *   o_word(u64)              a factor of the form to all lanes
 *   v_mac(&lo, &hi, a, b)    lo += low 52 bits of a*b, hi += the bits above
 *   v_mac_lo, v_mac_hi       one of the two
 *   MAC_LO_BIAS, ..HI_BIAS   what each of them adds on top, mod 2^64
 *
 * It leaves hash_lanes, a slk_poseidon_kernel_t.
 *
 * Limbs of 52 bits, 5 of them, R = 2^260 = 35.3 r. Elements are not reduced to below r. In
 * multiples of r: Montgomery steps leave 2 plus what is left of the dividend; s-boxes get up to
 * 4.1, give up to 2.2 and hold up to 2.6 within; w is below 15.1. Columns of a product collect up
 * to 2^8 terms below 2^52, unnormalised. */

#define LANES_INLINE static inline __attribute__((always_inline))

enum { LIMBS = 5, SMALL = SLK_POSEIDON_SMALL, COLUMNS = 2 * LIMBS };

#define MASK52 ((UINT64_C(1) << 52) - 1)

typedef struct {
    opn_t l[LIMBS];
} elem_t;

typedef struct {
    const slk_poseidon_form_t *form;
    elem_t s[SLK_POSEIDON_T_MAX];
    elem_t w[SLK_POSEIDON_N_MAX + SLK_POSEIDON_RP_MAX]; /* w[p] is at n + p */
} state_t;

/* r; (r * (-1/r mod 2^52) + 1) / 2^52, below r. */
static const o_number_t r_factor[LIMBS] = {0xfffff00000001, 0x2fffe5bfefff, 0x9a1d80553bda4,
                                           0x7d483339d8080, 0x73eda753299d};
static const o_number_t shift_factor[LIMBS] = {0xfdfff1a402001, 0x2d083dd6c33ff, 0x44cd43798bcce,
                                               0x436f80f0223a9, 0x73eda0144f28};
static const uint64_t r_limbs[LIMBS] = {0xfffff00000001, 0x2fffe5bfefff, 0x9a1d80553bda4,
                                        0x7d483339d8080, 0x73eda753299d};
static const uint64_t r13_limbs[LIMBS] = {0xffff30000000d, 0x26ffeaabf2fff, 0xd37f84540a154,
                                          0x5caa99eff8687, 0x5e3117f391cff};
static const uint64_t r16_limbs[LIMBS] = {0xffff000000010, 0x2fffe5bfeffff, 0xa1d80553bda40,
                                          0xd483339d80809, 0x73eda753299d7};

LANES_INLINE vec_t unbias(vec_t x, unsigned lo, unsigned hi)
{
    return v_sub(x, v_word(lo * MAC_LO_BIAS + hi * MAC_HI_BIAS));
}

/* Carry between columns that are not negative, and between any. */
LANES_INLINE void normalise(elem_t *out, vec_t *c)
{
    for (unsigned k = 0; k + 1 < LIMBS; k++) {
        out->l[k] = o_low(c[k]);
        c[k + 1] = v_add(c[k + 1], v_srl(c[k], 52));
    }
    out->l[LIMBS - 1] = o_low(c[LIMBS - 1]);
}

LANES_INLINE void normalise_signed(elem_t *out, vec_t *c)
{
    for (unsigned k = 0; k + 1 < LIMBS; k++) {
        out->l[k] = o_low(c[k]);
        c[k + 1] = v_add(c[k + 1], v_sra(c[k], 52));
    }
    out->l[LIMBS - 1] = o_low(c[LIMBS - 1]);
}

/* Low halves that montgomery adds to column k; high halves go one column up. */
LANES_INLINE unsigned montgomery_terms(unsigned k, unsigned steps)
{
    unsigned terms = k + 1 >= steps && k + 1 < steps + LIMBS; /* the last step */
    for (unsigned i = 1; i < steps; i++)
        terms += k >= i && k < i + LIMBS;
    return terms;
}

/* out = c / 2^(52 * steps) + addend, below 2 + c / 2^(52 * steps) / r (1 + for one step). All steps
 * but the last add a multiple of r that ends in 52 ones, so that the low limb itself is the
 * multiplier. */
LANES_INLINE void montgomery(elem_t *out, vec_t *c, unsigned steps,
                             const slk_poseidon_limbs_t *addend)
{
    for (unsigned k = 0; k < steps + LIMBS; k++)
        c[k] = unbias(c[k], montgomery_terms(k, steps), k ? montgomery_terms(k - 1, steps) : 0);
    for (unsigned i = 0; i + 1 < steps; i++) {
        opn_t m = o_low(c[i]);
        c[i + 1] = v_add(c[i + 1], v_srl(c[i], 52));
        for (unsigned k = 0; k < LIMBS; k++)
            v_mac(&c[i + 1 + k], &c[i + 2 + k], m, o_number(shift_factor[k]));
    }
    vec_t *low = c + steps - 1;
    /* -1/r = -(1 + 2^32) mod 2^52 */
    opn_t m = o_low(v_sub(v_word(0), v_add(low[0], v_sll(low[0], 32))));
    for (unsigned k = 0; k < LIMBS; k++)
        v_mac(&low[k], &low[k + 1], m, o_number(r_factor[k]));
    low[1] = v_add(low[1], v_srl(low[0], 52));
    if (addend)
        for (unsigned k = 0; k < LIMBS; k++)
            low[1 + k] = v_add(low[1 + k], v_word(addend->l[k]));
    normalise(out, low + 1);
}

/* Columns of a * b. */
LANES_INLINE void product(vec_t *c, const opn_t *a, const opn_t *b)
{
    vec_t lo[COLUMNS], hi[COLUMNS];
    for (unsigned k = 0; k < COLUMNS; k++)
        lo[k] = hi[k] = v_word(0);
    for (unsigned i = 0; i < LIMBS; i++)
        for (unsigned j = 0; j < LIMBS; j++)
            v_mac(&lo[i + j], &hi[i + j + 1], a[i], b[j]);
    for (unsigned k = 0; k < COLUMNS; k++)
        c[k] = unbias(v_add(lo[k], hi[k]), k < LIMBS ? k + 1 : COLUMNS - 1 - k,
                      k <= LIMBS ? k : COLUMNS - k);
}

LANES_INLINE void square_columns(vec_t *c, const opn_t *a)
{
    vec_t lo[COLUMNS], hi[COLUMNS];
    for (unsigned k = 0; k < COLUMNS; k++)
        lo[k] = hi[k] = v_word(0);
    for (unsigned i = 0; i < LIMBS; i++)
        for (unsigned j = i + 1; j < LIMBS; j++)
            v_mac(&lo[i + j], &hi[i + j + 1], a[i], a[j]);
    for (unsigned k = 0; k < COLUMNS; k++) {
        lo[k] = v_add(lo[k], hi[k]);
        lo[k] = v_add(lo[k], lo[k]);
    }
    for (unsigned i = 0; i < LIMBS; i++)
        v_mac(&lo[2 * i], &lo[2 * i + 1], a[i], a[i]);
    for (unsigned k = 0; k < COLUMNS; k++)
        c[k] = unbias(lo[k], k < LIMBS ? k + 1 : COLUMNS - 1 - k, k <= LIMBS ? k : COLUMNS - k);
}

LANES_INLINE void mul(elem_t *out, const elem_t *a, const elem_t *b)
{
    vec_t c[COLUMNS];
    product(c, a->l, b->l);
    montgomery(out, c, LIMBS, NULL);
}

LANES_INLINE void square(elem_t *out, const elem_t *a)
{
    vec_t c[COLUMNS];
    square_columns(c, a->l);
    montgomery(out, c, LIMBS, NULL);
}

LANES_INLINE void constant(elem_t *out, const slk_poseidon_limbs_t *a)
{
    for (unsigned k = 0; k < LIMBS; k++)
        out->l[k] = o_word(a->l[k]);
}

LANES_INLINE void mul_constant(elem_t *out, const elem_t *a, const slk_poseidon_limbs_t *b,
                               const slk_poseidon_limbs_t *addend)
{
    vec_t c[COLUMNS];
    elem_t factor;
    constant(&factor, b);
    product(c, a->l, factor.l);
    montgomery(out, c, LIMBS, addend);
}

/* The same for the steps of a form's small constants. */
LANES_INLINE void montgomery_steps(elem_t *out, vec_t *c, unsigned steps,
                                   const slk_poseidon_limbs_t *addend)
{
    SLK_ASSERT(steps == 1 || steps == 3 || steps == 4);
    if (steps == 4)
        montgomery(out, c, 4, addend);
    else if (steps == 3)
        montgomery(out, c, 3, addend);
    else
        montgomery(out, c, 1, addend);
}

LANES_INLINE void sbox(elem_t *out, const elem_t *a)
{
    elem_t b;
    square(&b, a);
    square(&b, &b);
    mul(out, a, &b);
}

/* Columns of sum c[i] * w[-i], i in 0..cnt-1. */
LANES_INLINE void dot_small(vec_t *v, const slk_poseidon_small_t *c, const elem_t *w)
{
    for (unsigned k = 0; k < COLUMNS; k++)
        v[k] = v_word(0);
#pragma GCC unroll 4
    for (unsigned o = 0; o < SMALL; o++) {
        if (o >= c->limbs)
            break;
        vec_t lo[LIMBS], hi[LIMBS];
        for (unsigned k = 0; k < LIMBS; k++)
            lo[k] = hi[k] = v_word(0);
#pragma GCC unroll 1
        for (unsigned i = c->begin[o]; i < c->end[o]; i++) {
            opn_t factor = o_word(c->l[o][i]);
            for (unsigned k = 0; k < LIMBS; k++)
                v_mac(&lo[k], &hi[k], (w - i)->l[k], factor);
        }
        unsigned cnt = (unsigned)c->end[o] - c->begin[o];
        for (unsigned k = 0; k < LIMBS; k++) {
            v[o + k] = v_add(v[o + k], unbias(lo[k], cnt, 0));
            v[o + k + 1] = v_add(v[o + k + 1], unbias(hi[k], 0, cnt));
        }
    }
}

/* out = a - v mod r, below a + 13: v = sum d[i] w[..] less a multiple of r that is at most 12 too
 * small. */
LANES_INLINE void subtract_wide(elem_t *out, vec_t *a, vec_t *v, const slk_poseidon_form_t *f,
                                unsigned limbs)
{
    opn_t h[SMALL + 1], quotient[SMALL];
    vec_t q[2 * SMALL + 3], carry = v_srl(v[LIMBS - 2], 52);
    for (unsigned i = 0; i <= limbs; i++) {
        carry = v_add(v[LIMBS - 1 + i], carry);
        h[i] = o_low(carry);
        carry = v_srl(carry, 52);
    }
    /* Columns limbs+1.. of h * mu; those below would add less than 2 limbs + 2 to the quotient. */
    for (unsigned k = 0; k < SLK_COUNT(q); k++)
        q[k] = v_word(0);
    for (unsigned i = 0; i <= limbs; i++) {
        for (unsigned j = limbs - i; j <= limbs; j++) {
            opn_t m = o_word(f->mu[j]);
            if (i + j > limbs && i + j < 2 * limbs)
                v_mac(&q[i + j], &q[i + j + 1], h[i], m);
            else if (i + j > limbs)
                v_mac_lo(&q[i + j], h[i], m); /* the quotient has no further limb */
            else
                v_mac_hi(&q[i + j + 1], h[i], m);
        }
    }
    for (unsigned k = limbs + 1, i = 0; k <= 2 * limbs; k++, i++) {
        unsigned lo = 2 * limbs - k + 1;
        q[k] = unbias(q[k], lo, lo + 1);
        quotient[i] = o_low(q[k]);
        q[k + 1] = v_add(q[k + 1], v_srl(q[k], 52));
    }
    for (unsigned k = 0; k < LIMBS; k++)
        a[k] = v_add(v_sub(a[k], v[k]), v_word(r13_limbs[k]));
    for (unsigned i = 0; i < limbs; i++) {
        for (unsigned k = 0; i + k < LIMBS; k++) {
            opn_t m = o_number(r_factor[k]);
            if (i + k + 1 < LIMBS)
                v_mac(&a[i + k], &a[i + k + 1], quotient[i], m);
            else
                v_mac_lo(&a[i + k], quotient[i], m);
        }
    }
    for (unsigned k = 0; k < LIMBS; k++)
        a[k] = unbias(a[k], k < limbs ? k + 1 : limbs, k <= limbs ? k : limbs);
    normalise_signed(out, a);
}

LANES_INLINE void mat_row(elem_t *out, const elem_t *s, const uint64_t *row, unsigned t,
                          const slk_poseidon_limbs_t *addend)
{
    vec_t lo[LIMBS], hi[LIMBS], c[LIMBS + 1];
    for (unsigned k = 0; k < LIMBS; k++)
        lo[k] = hi[k] = v_word(0);
#pragma GCC unroll 1
    for (unsigned j = 0; j < t; j++) {
        opn_t factor = o_word(row[j]);
        for (unsigned k = 0; k < LIMBS; k++)
            v_mac(&lo[k], &hi[k], s[j].l[k], factor);
    }
    for (unsigned k = 0; k <= LIMBS; k++) {
        vec_t sum = k < LIMBS ? lo[k] : v_word(0);
        c[k] = unbias(k ? v_add(sum, hi[k - 1]) : sum, k < LIMBS ? t : 0, k ? t : 0);
    }
    montgomery(out, c, 1, addend);
}

static __attribute__((noinline)) void sboxes(elem_t *out, const elem_t *in, unsigned t)
{
#pragma GCC unroll 1
    for (unsigned i = 0; i < t; i++)
        sbox(&out[i], &in[i]);
}

static __attribute__((noinline)) void full_round(state_t *st, unsigned t,
                                                 const slk_poseidon_limbs_t *addend)
{
    elem_t a[SLK_POSEIDON_T_MAX];
    sboxes(a, st->s, t);
#pragma GCC unroll 1
    for (unsigned i = 0; i < t; i++)
        mat_row(&st->s[i], a, st->form->matrix[i], t, &addend[i]);
}

/* y, with its constant added, to w[p] and the next y. */
LANES_INLINE void partial_round(state_t *st, elem_t *y, unsigned p)
{
    const slk_poseidon_form_t *f = st->form;
    elem_t *w = &st->w[f->n + p], a;
    vec_t c[COLUMNS], v[COLUMNS];
    static const slk_poseidon_limbs_t zero;
    sbox(&a, y);
    mul_constant(&a, &a, &f->mul_scale[p], NULL);
    for (unsigned k = 0; k < LIMBS; k++)
        c[k] = o_vec(a.l[k]);
    dot_small(v, &f->d, w - 1);
    /* Constant limb counts, so that the columns stay in registers. */
    SLK_ASSERT(f->d.limbs == 1 || f->d.limbs == 3 || f->d.limbs == 4);
    if (f->d.limbs == 4)
        subtract_wide(w, c, v, f, 4);
    else if (f->d.limbs == 3)
        subtract_wide(w, c, v, f, 3);
    else
        subtract_wide(w, c, v, f, 1);
    dot_small(v, &f->b, w);
    const slk_poseidon_limbs_t *next = p + 1 < f->rp ? &f->add_partial[p + 1] : &zero;
    montgomery_steps(y, v, f->out_steps, next);
}

/* w[-1-i] from the outputs of the s-boxes before. */
LANES_INLINE void pre_row(state_t *st, const elem_t *s, unsigned t, unsigned i)
{
    const slk_poseidon_limbs_t *row = st->form->mul_pre[i];
    vec_t c[COLUMNS];
    for (unsigned k = 0; k < COLUMNS; k++)
        c[k] = v_word(0);
#pragma GCC unroll 1
    for (unsigned j = 0; j < t; j++) {
        vec_t term[COLUMNS];
        elem_t factor;
        constant(&factor, &row[j]);
        product(term, s[j].l, factor.l);
        for (unsigned k = 0; k < COLUMNS; k++)
            c[k] = v_add(c[k], term[k]);
    }
    montgomery(&st->w[t - 2 - i], c, LIMBS, NULL);
}

LANES_INLINE void end_rows(state_t *st, unsigned n)
{
    const slk_poseidon_form_t *f = st->form;
    const elem_t *w = &st->w[f->rp];
    elem_t minus[SLK_POSEIDON_N_MAX], terms[SLK_POSEIDON_N_MAX];
    for (unsigned i = 0; i < n; i++) {
        vec_t c[LIMBS];
        for (unsigned k = 0; k < LIMBS; k++)
            c[k] = v_sub(v_word(r16_limbs[k]), o_vec(w[i].l[k]));
        normalise_signed(&minus[i], c);
    }
#pragma GCC unroll 1
    for (unsigned j = 0; j < n; j++) {
        vec_t v[COLUMNS];
        for (unsigned i = 0; i < n; i++)
            terms[n - 1 - i] = f->q_minus[j] >> i & 1 ? minus[n - 1 - i] : w[n - 1 - i];
        dot_small(v, &f->q[j], &terms[n - 1]);
        const slk_poseidon_limbs_t *next = &f->add_last[0][1 + j];
        montgomery_steps(&st->s[1 + j], v, f->end_steps, next);
    }
}

/* Inputs, their constants added, to the digest. */
LANES_INLINE void permute(state_t *st, unsigned t)
{
    const slk_poseidon_form_t *f = st->form;
    elem_t a[SLK_POSEIDON_T_MAX], y;
#pragma GCC unroll 1
    for (unsigned k = 1; k < SLK_POSEIDON_HALF; k++)
        full_round(st, t, f->add_first[k]);
    sboxes(a, st->s, t);
    mat_row(&y, a, f->matrix[0], t, &f->add_partial[0]);
#pragma GCC unroll 1
    for (unsigned i = 0; i + 1 < t; i++)
        pre_row(st, a, t, i);
#pragma GCC unroll 1
    for (unsigned p = 0; p < f->rp; p++)
        partial_round(st, &y, p);
    mul_constant(&st->s[0], &y, &f->mul_end, &f->add_last[0][0]);
    end_rows(st, t - 1);
#pragma GCC unroll 1
    for (unsigned k = 1; k < SLK_POSEIDON_HALF; k++)
        full_round(st, t, f->add_last[k]);
    sboxes(a, st->s, t);
    mat_row(&y, a, f->matrix[1], t, NULL);
    mul_constant(&st->s[0], &y, &f->mul_out, NULL);
}

/* d = a - r, normalised but for the sign in the top limb. */
LANES_INLINE void less_r(vec_t *d, const vec_t *a)
{
    vec_t carry = v_word(0);
    for (unsigned k = 0; k < LIMBS; k++) {
        d[k] = v_add(v_sub(a[k], v_word(r_limbs[k])), carry);
        carry = v_sra(d[k], 52);
        if (k + 1 < LIMBS)
            d[k] = v_and(d[k], v_word(MASK52));
    }
}

/* One input of every preimage; false if one is not below r. */
LANES_INLINE bool load(elem_t *out, const slk_node_t *in, size_t stride, size_t cnt,
                       const slk_poseidon_limbs_t *addend)
{
    uint64_t words[4][LANES], signs[LANES];
    vec_t w[4], c[LIMBS], d[LIMBS];
    for (size_t i = 0; i < LANES; i++)
        for (unsigned k = 0; k < 4; k++)
            words[k][i] = slk_load_le64(in[(i < cnt ? i : cnt - 1) * stride].b + 8 * k);
    for (unsigned k = 0; k < 4; k++)
        w[k] = v_load(words[k]);
    c[0] = v_and(w[0], v_word(MASK52));
    c[1] = v_and(v_add(v_srl(w[0], 52), v_sll(w[1], 12)), v_word(MASK52));
    c[2] = v_and(v_add(v_srl(w[1], 40), v_sll(w[2], 24)), v_word(MASK52));
    c[3] = v_and(v_add(v_srl(w[2], 28), v_sll(w[3], 36)), v_word(MASK52));
    c[4] = v_srl(w[3], 16);
    less_r(d, c);
    v_store(signs, d[LIMBS - 1]);
    uint64_t below = UINT64_MAX;
    for (unsigned i = 0; i < LANES; i++)
        below &= signs[i];
    for (unsigned k = 0; k < LIMBS; k++)
        c[k] = v_add(c[k], v_word(addend->l[k]));
    normalise(out, c);
    return below >> 63;
}

/* The digests, canonical: a is below 3. */
LANES_INLINE void store(slk_node_t *out, const elem_t *a, size_t cnt)
{
    uint64_t words[4][LANES];
    vec_t c[LIMBS], d[LIMBS];
    for (unsigned k = 0; k < LIMBS; k++)
        c[k] = o_vec(a->l[k]);
    for (unsigned again = 0; again < 2; again++) {
        less_r(d, c);
        for (unsigned k = 0; k < LIMBS; k++)
            c[k] = v_if_negative(d[LIMBS - 1], c[k], d[k]);
    }
    v_store(words[0], v_add(c[0], v_sll(c[1], 52)));
    v_store(words[1], v_add(v_srl(c[1], 12), v_sll(c[2], 40)));
    v_store(words[2], v_add(v_srl(c[2], 24), v_sll(c[3], 28)));
    v_store(words[3], v_add(v_srl(c[3], 36), v_sll(c[4], 16)));
    for (size_t i = 0; i < cnt; i++)
        for (unsigned k = 0; k < 4; k++)
            slk_store_le64(out[i].b + 8 * k, words[k][i]);
}

/* Not inlined: where the rounding mode matters, it is set around the call. */
static __attribute__((noinline)) size_t hash_lanes(slk_node_t *out, const slk_poseidon_form_t *form,
                                                   uint64_t tag, const slk_node_t *const *in,
                                                   size_t stride, size_t cnt)
{
    state_t st = {.form = form};
    slk_node_t tag_node = {{0}};
    slk_store_le64(tag_node.b, tag);
    for (size_t i = 0; i < cnt; i += LANES) {
        size_t lanes = cnt - i < LANES ? cnt - i : LANES;
        bool ok = load(&st.s[0], &tag_node, 0, lanes, &form->add_first[0][0]);
        for (unsigned j = 0; j < form->n; j++)
            ok &= load(&st.s[1 + j], &in[j][i * stride], stride, lanes, &form->add_first[0][1 + j]);
        if (!ok)
            return i;
        permute(&st, form->t);
        store(&out[i], &st.s[0], lanes);
    }
    return cnt;
}
