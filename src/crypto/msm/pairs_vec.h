/* Additions of affine points in the lanes of vectors, for one group: included by pairs_g1_ifma.c and the like,
 * which include a field first (field_ifma.h or field_avx2.h) and define
 *
 *   FIELD, AFFINE, F(op)   as for pairs_impl.h
 *   N                      components of a coordinate: 1, or 2 for c[0] + c[1] u with u^2 = -1
 *   PAIRS                  the name of what is made here, a msm_g1_pairs_fn_t or msm_g2_pairs_fn_t */

#define GROUPS (MSM_PAIRS / LANES)

/* A coordinate of LANES points. */
typedef struct {
    fe_t c[N];
} el_t;
typedef struct {
    factor_t c[N];
} term_t;

typedef struct {
    blst_fp *out[LANES];
    const blst_fp *left[LANES], *right[LANES];
} group_t;

/* --- The field of the group ------------------------------------------------------------------ */

INLINE void term(term_t *out, const el_t *a)
{
    EACH(c, N)
    factor(&out->c[c], &a->c[c]);
}

INLINE void term_diff(term_t *out, const el_t *a, const el_t *b)
{
    EACH(c, N)
    factor_diff(&out->c[c], &a->c[c], &b->c[c]);
}

INLINE void term_mul(el_t *out, const term_t *a, const term_t *b)
{
#if N == 1
    mul(&out->c[0], &a->c[0], &b->c[0]);
#else
    factor_t minus;
    factor_neg(&minus, &b->c[1]);
    mul_sum(&out->c[0], &a->c[0], &b->c[0], &a->c[1], &minus);
    mul_sum(&out->c[1], &a->c[0], &b->c[1], &a->c[1], &b->c[0]);
#endif
}

INLINE void term_sqr(el_t *out, const term_t *a)
{
#if N == 1
    mul(&out->c[0], &a->c[0], &a->c[0]);
#else
    factor_t sum, diff, twice;
    factor_add(&sum, &a->c[0], &a->c[1]);
    factor_sub(&diff, &a->c[0], &a->c[1]);
    factor_add(&twice, &a->c[0], &a->c[0]);
    mul(&out->c[0], &sum, &diff);
    mul(&out->c[1], &twice, &a->c[1]);
#endif
}

/* Each lane's inverse, from the product of denominators to what starts the way back. */
static void invert(el_t *acc)
{
    FIELD v[LANES], prefix[LANES], inv;
    blst_fp *to[LANES];
    const blst_fp *from[LANES];
    word_t w[6];
    EACH(c, N)
    {
        for (uint32_t i = 0; i < LANES; i++)
            to[i] = (blst_fp *)(void *)&v[i] + c;
        reduce(&acc->c[c]);
        join(w, &acc->c[c]);
        scatter(to, w, ALL_LANES);
    }
    prefix[0] = v[0];
    for (uint32_t i = 1; i < LANES; i++)
        F(mul)(&prefix[i], &prefix[i - 1], &v[i]);
    F(inverse)(&inv, &prefix[LANES - 1]);
    for (int c = 0; c < N; c++) {
        blst_fp *part = (blst_fp *)(void *)&inv + c;
        blst_fp_mul(part, part, &inverse_form);
    }
    for (uint32_t i = LANES - 1; i > 0; i--) {
        FIELD rest;
        F(mul)(&rest, &inv, &v[i]);
        F(mul)(&v[i], &inv, &prefix[i - 1]);
        inv = rest;
    }
    v[0] = inv;
    EACH(c, N)
    {
        for (uint32_t i = 0; i < LANES; i++)
            from[i] = (const blst_fp *)(const void *)&v[i] + c;
        gather(w, from);
        split(&acc->c[c], w);
    }
}

/* --- Points ---------------------------------------------------------------------------------- */

INLINE void group_find(group_t *g, const msm_pair_t *pairs, uint32_t cnt)
{
    EACH(i, (int)LANES)
    {
        const msm_pair_t *pair = &pairs[(uint32_t)i < cnt ? i : 0];
        g->out[i] = pair->out;
        g->left[i] = pair->left;
        g->right[i] = pair->right;
    }
}

/* Lanes of the first cnt pairs that have a flag. */
INLINE lanes_t group_flags(const msm_pair_t *pairs, uint32_t cnt, uint32_t flag)
{
    uint32_t lanes = 0;
    for (uint32_t i = 0; i < LANES && i < cnt; i++)
        lanes |= (uint32_t) !!(pairs[i].flags & flag) << i;
    return (lanes_t)lanes;
}

/* Coordinate y of both points of each lane, or x. */
INLINE void load(el_t *left, el_t *right, const group_t *g, bool y, odd_t *odd)
{
    const blst_fp *from[LANES];
    word_t l[6], r[6];
    EACH(c, N)
    {
        int at = y ? N + c : c;
        EACH(i, (int)LANES)
        from[i] = g->left[i] + at;
        gather(l, from);
        EACH(i, (int)LANES)
        from[i] = g->right[i] + at;
        gather(r, from);
        if (odd)
            odd_see(odd, l, r);
        split(&left->c[c], l);
        split(&right->c[c], r);
    }
}

INLINE void store(const group_t *g, bool y, const el_t *a, lanes_t lanes)
{
    blst_fp *to[LANES];
    word_t w[6];
    EACH(c, N)
    {
        EACH(i, (int)LANES)
        to[i] = g->out[i] + (y ? N + c : c);
        join(w, &a->c[c]);
        scatter(to, w, lanes);
    }
}

/* x_right - x_left, and 1 in lanes that are skipped */
INLINE void denominator(term_t *out, const el_t *left, const el_t *right, lanes_t skipped)
{
    term_diff(out, right, left);
    EACH(c, N)
    factor_set(&out->c[c], skipped, c == 0);
}

/* The sums in the lanes, with the inverses of the denominators. */
INLINE void group_sum(const group_t *g, const el_t *xl, const el_t *xr, const term_t *inverse,
                      lanes_t lanes, lanes_t left_negative, lanes_t right_negative)
{
    el_t yl, yr, x, y;
    term_t slope, dx;
    load(&yl, &yr, g, true, NULL);
    EACH(c, N)
    {
        negate(&yl.c[c], left_negative);
        negate(&yr.c[c], right_negative);
    }
    term_diff(&dx, &yr, &yl);
    term_mul(&y, &dx, inverse);
    term(&slope, &y);

    term_sqr(&x, &slope);
    EACH(c, N)
    reduce_less_2(&x.c[c], &x.c[c], &xl->c[c], &xr->c[c]);

    term_diff(&dx, xl, &x);
    EACH(c, N)
    factor_scale(&dx.c[c]);
    term_mul(&y, &dx, &slope);
    EACH(c, N)
    reduce_less_1(&y.c[c], &y.c[c], &yl.c[c]);

    store(g, false, &x, lanes);
    store(g, true, &y, lanes);
}

uint32_t PAIRS(msm_pair_t *pairs, uint32_t cnt, void *scratch)
{
    term_t *prefix = scratch, acc, d; /* prefix[k]: product of the denominators up to group k */
    el_t xl, xr, t;
    uint32_t groups = (cnt + LANES - 1) / LANES, left = 0;
    lanes_t skipped[GROUPS];
    group_t g;
    _Static_assert(GROUPS * sizeof *prefix <= 2 * MSM_PAIRS * sizeof(FIELD), "fits in scratch");
    for (uint32_t k = 0; k < groups; k++) {
        uint32_t some = cnt - k * LANES;
        odd_t odd;
        odd_init(&odd);
        group_find(&g, pairs + k * LANES, some);
        load(&xl, &xr, &g, false, &odd);
        skipped[k] = odd_lanes(&odd);
        if (some < LANES)
            skipped[k] |= (lanes_t)(ALL_LANES << some & ALL_LANES);
        denominator(&d, &xl, &xr, skipped[k]);
        if (k) {
            term_mul(&t, &acc, &d);
            term(&acc, &t);
        } else {
            acc = d;
        }
        prefix[k] = acc;
    }
    EACH(c, N)
    unfactor(&t.c[c], &acc.c[c]);
    invert(&t);
    term(&acc, &t);
    for (uint32_t k = groups; k-- > 0;) {
        const msm_pair_t *part = pairs + k * LANES;
        uint32_t some = cnt - k * LANES;
        term_t inverse = acc;
        group_find(&g, part, some);
        load(&xl, &xr, &g, false, NULL);
        if (k) {
            denominator(&d, &xl, &xr, skipped[k]);
            term_mul(&t, &acc, &prefix[k - 1]);
            term(&inverse, &t);
            term_mul(&t, &acc, &d);
            term(&acc, &t);
        }
        group_sum(&g, &xl, &xr, &inverse, (lanes_t)(ALL_LANES & ~skipped[k]),
                  group_flags(part, some, MSM_LEFT_NEGATIVE),
                  group_flags(part, some, MSM_RIGHT_NEGATIVE));
    }
    for (uint32_t i = 0; i < cnt; i++)
        if (skipped[i / LANES] >> i % LANES & 1)
            pairs[left++] = pairs[i];
    return left;
}
