#include "crypto/poseidon/poseidon_plain.h"

#include "base/assert.h"

static const struct {
    unsigned t, rp;
} widths[] = {{3, 55}, {5, 56}, {9, 57}, {12, 57}};

unsigned slk_poseidon_rp(unsigned t)
{
    for (size_t i = 0; i < SLK_COUNT(widths); i++)
        if (widths[i].t == t)
            return widths[i].rp;
    return 0;
}

/* Grain LFSR: bit k of the register is s[k] of the specification. */
typedef unsigned __int128 grain_t;

static unsigned grain_step(grain_t *s)
{
    uint64_t low = (uint64_t)*s;
    unsigned b = (unsigned)(low >> 62 ^ low >> 51 ^ low >> 38 ^ low >> 23 ^ low >> 13 ^ low) & 1;
    *s = *s >> 1 | (grain_t)b << 79;
    return b;
}

static unsigned grain_bit(grain_t *s)
{
    for (;;) {
        unsigned keep = grain_step(s), bit = grain_step(s);
        if (keep)
            return bit;
    }
}

static void grain_init(grain_t *s, unsigned t, unsigned rp)
{
    /* field GF(p), s-box x^alpha, bits of the modulus, t, rounds, ones */
    const struct {
        unsigned bits, value;
    } fields[] = {
        {2, 1}, {4, 1}, {12, 255}, {12, t}, {10, SLK_POSEIDON_RF}, {10, rp}, {30, (1u << 30) - 1}};
    unsigned at = 0;
    *s = 0;
    for (size_t i = 0; i < SLK_COUNT(fields); i++)
        for (unsigned k = fields[i].bits; k-- > 0;)
            *s |= (grain_t)(fields[i].value >> k & 1) << at++;
    for (unsigned i = 0; i < 160; i++)
        grain_step(s);
}

static void grain_fr(slk_fr_t *out, grain_t *s)
{
    slk_node_t node;
    do {
        node = (slk_node_t){{0}};
        for (unsigned k = 255; k-- > 0;)
            node.b[k / 8] |= (uint8_t)(grain_bit(s) << k % 8);
    } while (!slk_fr_from_node(out, &node));
}

void slk_poseidon_plain(slk_poseidon_plain_t *out, unsigned t)
{
    grain_t s;
    out->t = t;
    out->rp = slk_poseidon_rp(t);
    SLK_ASSERT(out->rp);
    grain_init(&s, t, out->rp);
    for (unsigned k = 0; k < SLK_POSEIDON_RF + out->rp; k++)
        for (unsigned i = 0; i < t; i++)
            grain_fr(&out->rc[k][i], &s);
}

uint64_t slk_poseidon_matrix_scale(unsigned t)
{
    uint64_t lcm = 1;
    for (uint64_t i = t; i <= 3 * t - 2; i++) {
        uint64_t a = lcm, b = i;
        while (b) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        lcm *= i / a;
    }
    return lcm;
}

uint64_t slk_poseidon_matrix(unsigned t, unsigned i, unsigned j)
{
    return slk_poseidon_matrix_scale(t) / (i + j + t);
}
