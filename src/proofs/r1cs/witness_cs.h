#ifndef SLK_PROOFS_R1CS_WITNESS_CS_H
#define SLK_PROOFS_R1CS_WITNESS_CS_H

/* Back end of the gadgets that makes values: a variable is its value, a word is 32 bits at once.
 * Assignment and rows go out in order. What the gadgets expect of a back end is listed in
 * gadgets.inc. */

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/fr/fr.h"
#include "proofs/r1cs/neptune.h"

#include <string.h>

typedef struct {
    /* auxiliary variables: the word of 64 that is being filled, and where it goes */
    uint64_t bits, wides;
    unsigned fill;
    bool shared; /* the word may hold variables of another thread, too */
    uint64_t *bit, *is_wide;
    slk_fr_t *wide;
    slk_fr_t *input;
    slk_fr_t *a, *b;    /* values of the rows; NULL: not wanted */
    slk_fr_t small[4];  /* -1, 0, 1, 2 */
    const char *failed; /* the first constraint that does not hold; NULL: none */
} cs_t;

/* --- Types of the gadgets -------------------------------------------------------------------- */

typedef slk_fr_t num_t;
typedef uint8_t bool_t; /* 1: value, 2: constant, 4: negation of its variable */

typedef struct {
    uint32_t v, constant, negated;
} word_t;

typedef struct {
    word_t w[8]; /* big-endian words of 32 bytes */
} str_t;

typedef const slk_node_t *source_t;

static inline source_t source_at(source_t s, size_t i)
{
    return s + i;
}

static inline bool_t bool_const(unsigned v)
{
    return (bool_t)(2 | v);
}
static inline bool bool_is_const(bool_t x)
{
    return x & 2;
}
static inline bool bool_is_not(bool_t x)
{
    return x >> 2;
}
static inline bool_t bool_not(bool_t x)
{
    return x ^ (x & 2 ? 1 : 5);
}
static inline bool_t word_get(const word_t *x, unsigned i)
{
    return (bool_t)((x->v >> i & 1) | (x->constant >> i & 1) << 1 | (x->negated >> i & 1) << 2);
}
static inline void word_set(word_t *x, unsigned i, bool_t b)
{
    uint32_t keep = ~(UINT32_C(1) << i);
    x->v = (x->v & keep) | (uint32_t)(b & 1) << i;
    x->constant = (x->constant & keep) | (uint32_t)(b >> 1 & 1) << i;
    x->negated = (x->negated & keep) | (uint32_t)(b >> 2 & 1) << i;
}

static inline word_t word_const(uint32_t v)
{
    return (word_t){v, UINT32_MAX, 0};
}

static inline bool word_is_const(const word_t *x, uint32_t *v)
{
    *v = x->v;
    return x->constant == UINT32_MAX;
}

static inline uint32_t rotr32(uint32_t x, unsigned k)
{
    return x >> k | x << (32 - k);
}

static inline word_t word_rotr(const word_t *x, unsigned k)
{
    return (word_t){rotr32(x->v, k), rotr32(x->constant, k), rotr32(x->negated, k)};
}

static inline word_t word_shr(const word_t *x, unsigned k)
{
    return (word_t){x->v >> k, x->constant >> k | ~(UINT32_MAX >> k), x->negated >> k};
}

/* --- Where values go -------------------------------------------------------------------------- */

static inline void aux_flush(cs_t *cs)
{
    if (cs->shared) {
        __atomic_fetch_or(cs->bit, cs->bits, __ATOMIC_RELAXED);
        __atomic_fetch_or(cs->is_wide, cs->wides, __ATOMIC_RELAXED);
        cs->shared = false;
    } else {
        *cs->bit = cs->bits;
        *cs->is_wide = cs->wides;
    }
    cs->bit++, cs->is_wide++;
    cs->wides = 0;
}

/* The next n variables are bits; v < 2^n, n <= 64. */
static inline void put_bits(cs_t *cs, uint64_t v, unsigned n)
{
    unsigned room = 64 - cs->fill;
    cs->bits |= v << cs->fill;
    if (n < room) {
        cs->fill += n;
        return;
    }
    aux_flush(cs);
    cs->bits = room < 64 ? v >> room : 0;
    cs->fill = n - room;
}

static inline void put_wide(cs_t *cs, const slk_fr_t *v)
{
    *cs->wide++ = *v;
    cs->wides |= UINT64_C(1) << cs->fill;
    put_bits(cs, 0, 1);
}

static inline void aux_close(cs_t *cs)
{
    cs->shared = true;
    if (cs->fill)
        aux_flush(cs);
}

static inline const slk_fr_t *small(const cs_t *cs, int v)
{
    return &cs->small[v + 1];
}

static inline void put_row(cs_t *cs, const slk_fr_t *a, const slk_fr_t *b)
{
    if (cs->a) {
        *cs->a++ = *a;
        *cs->b++ = *b;
    }
}

static inline void put_small_row(cs_t *cs, int a, unsigned b)
{
    put_row(cs, small(cs, a), small(cs, (int)b));
}

/* n rows with A = factor * bit of x + plus, B = bit of y. */
static inline void put_bit_rows(cs_t *cs, uint64_t x, int factor, int plus, uint64_t y, unsigned n)
{
    if (!cs->a)
        return;
    for (unsigned i = 0; i < n; i++) {
        cs->a[i] = *small(cs, factor * (int)(x >> i & 1) + plus);
        cs->b[i] = *small(cs, (int)(y >> i & 1));
    }
    cs->a += n;
    cs->b += n;
}

static inline void fail_row(cs_t *cs, const char *what)
{
    if (!cs->failed)
        cs->failed = what;
}

/* --- Bits ------------------------------------------------------------------------------------- */

/* n variables of the kind `bit`. */
static inline void new_bits(cs_t *cs, uint64_t v, unsigned n)
{
    put_bits(cs, v, n);
    put_bit_rows(cs, v, -1, 1, v, n);
}

static inline bool_t cs_bit(cs_t *cs, unsigned value)
{
    new_bits(cs, value, 1);
    return (bool_t)value;
}

static inline unsigned var_value(bool_t x)
{
    return (x ^ x >> 2) & 1;
}

static inline bool_t var_xor(cs_t *cs, bool_t x, bool_t y)
{
    unsigned c = var_value(x) ^ var_value(y);
    put_bits(cs, c, 1);
    put_small_row(cs, 2 * (int)var_value(x), var_value(y));
    return (bool_t)c;
}

static inline bool_t var_and(cs_t *cs, bool_t x, bool_t y)
{
    unsigned c = x & y & 1;
    put_bits(cs, c, 1);
    put_small_row(cs, x & 1, y & 1);
    return (bool_t)c;
}

static inline bool_t var_ch(cs_t *cs, bool_t x, bool_t y, bool_t z)
{
    unsigned c = (x & 1 ? y : z) & 1;
    put_bits(cs, c, 1);
    put_small_row(cs, (y & 1) - (z & 1), x & 1);
    return (bool_t)c;
}

static inline bool_t var_maj_begin(cs_t *cs, bool_t x, bool_t y, bool_t z)
{
    unsigned maj = ((x & y) | (x & z) | (y & z)) & 1;
    put_bits(cs, maj, 1);
    return (bool_t)maj;
}

static inline void var_maj_end(cs_t *cs, bool_t maj, bool_t yz, bool_t x, bool_t y, bool_t z)
{
    (void)maj;
    put_small_row(cs, 2 * (yz & 1) - (y & 1) - (z & 1), x & 1);
}

/* --- Words ------------------------------------------------------------------------------------ */

/* Of two operands the one that is no negation goes first: where they have to change places. */
static inline uint32_t swapped(const word_t *x, const word_t *y)
{
    return x->negated & ~y->negated;
}

/* Declines unless all bits are variables, but for zeros at the top of y, which the shift leaves. */
static inline bool word_xor_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y)
{
    uint32_t have = ~y->constant;
    if (x->constant || (y->v & y->constant) || (have & (have + 1)))
        return false;
    uint32_t p = x->v ^ x->negated, q = y->v ^ y->negated;
    uint32_t swap = (p ^ q) & swapped(x, y);
    unsigned n = (unsigned)__builtin_popcount(have);
    put_bits(cs, (p ^ q) & have, n);
    put_bit_rows(cs, p ^ swap, 2, 0, q ^ swap, n);
    *out = (word_t){x->v ^ y->v, 0, x->negated ^ y->negated};
    return true;
}

static inline bool word_ch_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y,
                                const word_t *z)
{
    if (x->constant | y->constant | z->constant)
        return false;
    uint32_t v = (x->v & y->v) | (~x->v & z->v);
    put_bits(cs, v, 32);
    for (unsigned i = 0; cs->a && i < 32; i++)
        put_small_row(cs, (int)(y->v >> i & 1) - (int)(z->v >> i & 1), x->v >> i & 1);
    *out = (word_t){v, 0, 0};
    return true;
}

/* Bit i of v at bit 2i. */
static inline uint64_t spread(uint32_t v)
{
    uint64_t x = v;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & UINT64_C(0x5555555555555555);
}

static inline bool word_maj_fast(cs_t *cs, word_t *out, const word_t *x, const word_t *y,
                                 const word_t *z)
{
    if (x->constant | y->constant | z->constant)
        return false;
    uint32_t yz = y->v & z->v, v = yz | (x->v & (y->v | z->v));
    uint32_t differ = y->v ^ z->v, swap = differ & swapped(y, z);
    put_bits(cs, spread(v) | spread(yz) << 1, 64);
    for (unsigned i = 0; cs->a && i < 32; i++) {
        put_small_row(cs, (int)((y->v ^ swap) >> i & 1), (z->v ^ swap) >> i & 1);
        put_small_row(cs, -(int)(differ >> i & 1), x->v >> i & 1);
    }
    *out = (word_t){v, 0, 0};
    return true;
}

/* --- Additions modulo 2^32 -------------------------------------------------------------------- */

typedef struct {
    unsigned used;   /* bits */
    uint64_t sum[5]; /* the integer that either side of the constraint is; [4] takes what a shift
                        leaves */
} meq_t;

static inline void meq_init(meq_t *meq)
{
    memset(meq, 0, sizeof *meq);
}

static inline void fr_of_limbs(slk_fr_t *out, const uint64_t limb[4])
{
    slk_node_t node;
    memcpy(node.b, limb, sizeof node);
    SLK_ASSERT(slk_fr_from_node(out, &node));
}

static inline void meq_flush(cs_t *cs, meq_t *meq)
{
    slk_fr_t sum;
    if (meq->used && cs->a) {
        fr_of_limbs(&sum, meq->sum);
        put_row(cs, &sum, small(cs, 1));
    }
    meq_init(meq);
}

static inline void cs_sum(cs_t *cs, meq_t *meq, word_t *out, const word_t *const *op, unsigned cnt,
                          unsigned bits)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < cnt; n++)
        sum += op[n]->v;
    new_bits(cs, sum, bits);
    if (meq->used + bits >= 254)
        meq_flush(cs, meq);
    unsigned at = meq->used / 64, shift = meq->used % 64;
    meq->sum[at] |= sum << shift;
    meq->sum[at + 1] |= shift ? sum >> (64 - shift) : 0;
    meq->used += bits;
    *out = (word_t){(uint32_t)sum, 0, 0};
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static inline num_t cs_alloc(cs_t *cs, source_t value)
{
    num_t x;
    if (!slk_fr_from_node(&x, value))
        fail_row(cs, "a node is no field element");
    put_wide(cs, &x);
    return x;
}

static inline void cs_equal(cs_t *cs, num_t x, num_t y, const char *what)
{
    if (!slk_fr_eq(&x, &y))
        fail_row(cs, what);
    put_row(cs, &x, small(cs, 1));
}

static inline void cs_inputize(cs_t *cs, num_t x)
{
    *cs->input++ = x;
    put_row(cs, &x, small(cs, 1));
}

static inline num_t cs_add(cs_t *cs, num_t x, num_t y)
{
    num_t sum;
    slk_fr_add(&sum, &x, &y);
    put_wide(cs, &sum);
    put_row(cs, &sum, small(cs, 1));
    return sum;
}

static inline num_t cs_pick(cs_t *cs, bool_t cond, num_t x, num_t y)
{
    num_t p = cond & 1 ? x : y, diff;
    put_wide(cs, &p);
    if (cs->a) {
        slk_fr_sub(&diff, &y, &x);
        put_row(cs, &diff, small(cs, cond & 1));
    }
    return p;
}

static inline void cs_bits255(cs_t *cs, num_t x, str_t *out)
{
    slk_node_t node;
    slk_fr_to_node(&node, &x);
    for (unsigned i = 0; i < 4; i++)
        new_bits(cs, slk_load_le64(node.b + 8 * i), i < 3 ? 64 : 63);
    put_small_row(cs, 0, 0);
    for (unsigned i = 0; i < 8; i++)
        out->w[i] = (word_t){slk_load_be32(node.b + 4 * i), 0, 0};
    out->w[7].constant = 0x80; /* bit 255 */
}

static inline num_t cs_pack(cs_t *cs, const str_t *s)
{
    slk_node_t node;
    num_t x;
    for (unsigned i = 0; i < 8; i++)
        slk_store_be32(node.b + 4 * i, s->w[i].v);
    node.b[31] &= 0x3f; /* 254 bits */
    slk_fr_from_node(&x, &node);
    put_wide(cs, &x);
    put_row(cs, &x, small(cs, 1));
    return x;
}

static inline void cs_pack_input(cs_t *cs, const bool_t *bit, unsigned cnt)
{
    uint64_t v = 0;
    num_t x;
    for (unsigned i = 0; i < cnt; i++)
        v |= (uint64_t)(bit[i] & 1) << i;
    slk_fr_from_u64(&x, v);
    cs_inputize(cs, x);
}

/* --- Poseidon --------------------------------------------------------------------------------- */

static inline void el_const(cs_t *cs, slk_fr_t *el, const slk_fr_t *k)
{
    (void)cs;
    *el = *k;
}

static inline void el_zero(cs_t *cs, slk_fr_t *el)
{
    (void)cs;
    *el = (slk_fr_t){{0}};
}

static inline void el_mul_add(cs_t *cs, slk_fr_t *el, const slk_fr_t *k, const slk_fr_t *from)
{
    (void)cs;
    slk_fr_t p;
    slk_fr_mul(&p, k, from);
    slk_fr_add(el, el, &p);
}

static inline void el_power(cs_t *cs, slk_fr_t *el, const slk_fr_t *x, const slk_fr_t *key)
{
    slk_fr_t x2, x4, x5;
    slk_fr_sqr(&x2, x);
    put_wide(cs, &x2);
    put_row(cs, x, x);
    slk_fr_sqr(&x4, &x2);
    put_wide(cs, &x4);
    put_row(cs, &x2, &x2);
    slk_fr_mul(&x5, x, &x4);
    put_row(cs, x, &x4);
    if (key)
        slk_fr_add(&x5, &x5, key);
    put_wide(cs, &x5);
    *el = x5;
}

static inline void el_first(cs_t *cs, slk_fr_t *el, num_t num, const slk_fr_t *pre,
                            const slk_fr_t *post)
{
    slk_fr_add(&num, &num, pre);
    el_power(cs, el, &num, post);
}

static inline num_t el_out(cs_t *cs, const slk_fr_t *el)
{
    put_wide(cs, el);
    put_row(cs, el, small(cs, 1));
    return *el;
}

static inline void el_sbox(cs_t *cs, slk_fr_t *el, const slk_fr_t *key)
{
    slk_fr_t x = el_out(cs, el);
    el_power(cs, el, &x, key);
}

#define P_CS  cs_t
#define P_NUM num_t
#define P_EL  slk_fr_t
#include "proofs/r1cs/poseidon.inc"

static inline num_t cs_poseidon(cs_t *cs, const num_t *preimage, unsigned arity, bool custom)
{
    return poseidon(cs, preimage, arity, custom);
}

static inline void witness_init(cs_t *cs)
{
    static const slk_fr_t zero;
    *cs = (cs_t){0};
    slk_fr_from_u64(&cs->small[2], 1);
    slk_fr_from_u64(&cs->small[3], 2);
    slk_fr_sub(&cs->small[0], &zero, &cs->small[2]);
}

#endif /* SLK_PROOFS_R1CS_WITNESS_CS_H */
