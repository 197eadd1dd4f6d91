#ifndef SLK_PROOFS_GROTH16_TEST_TOY_H
#define SLK_PROOFS_GROTH16_TEST_TOY_H

/* Keys whose secrets are known, so that a proof of anything can be made without a circuit; and
 * odd points. */

#include "crypto/fr/fr.h"
#include "selkie/groth16.h"
#include "test_util.h"

#include <blst.h>

#define TOY_IC_MAX 2000u

typedef struct {
    slk_fr_t alpha, beta, gamma, delta, ic[TOY_IC_MAX];
    size_t ic_cnt;
    size_t vk_len;
    uint8_t vk[868 + 96 * TOY_IC_MAX];
} toy_t;

static inline slk_fr_t toy_fr(const char *name, size_t i)
{
    char text[64];
    snprintf(text, sizeof text, "%s %zu", name, i);
    slk_node_t node = test_bytes32(text);
    node.b[31] &= 0x3f;
    slk_fr_t fr;
    assert_true(slk_fr_from_node(&fr, &node));
    return fr;
}

static inline blst_p1_affine toy_g1(const slk_fr_t *x)
{
    slk_node_t node;
    blst_p1 p;
    blst_p1_affine out;
    slk_fr_to_node(&node, x);
    blst_p1_mult(&p, blst_p1_generator(), node.b, 255);
    blst_p1_to_affine(&out, &p);
    return out;
}

static inline blst_p2_affine toy_g2(const slk_fr_t *x)
{
    slk_node_t node;
    blst_p2 p;
    blst_p2_affine out;
    slk_fr_to_node(&node, x);
    blst_p2_mult(&p, blst_p2_generator(), node.b, 255);
    blst_p2_to_affine(&out, &p);
    return out;
}

static inline void toy_put_g1(uint8_t *out, const slk_fr_t *x)
{
    blst_p1_affine p = toy_g1(x);
    blst_p1_affine_serialize(out, &p);
}

static inline void toy_put_g2(uint8_t *out, const slk_fr_t *x)
{
    blst_p2_affine p = toy_g2(x);
    blst_p2_affine_serialize(out, &p);
}

/* The .vk bytes of toy's secrets. */
static inline void toy_write(toy_t *toy)
{
    toy_put_g1(toy->vk, &toy->alpha);
    toy_put_g1(toy->vk + 96, &toy->beta);
    toy_put_g2(toy->vk + 192, &toy->beta);
    toy_put_g2(toy->vk + 384, &toy->gamma);
    toy_put_g1(toy->vk + 576, &toy->delta);
    toy_put_g2(toy->vk + 672, &toy->delta);
    slk_store_be32(toy->vk + 864, (uint32_t)toy->ic_cnt);
    for (size_t i = 0; i < toy->ic_cnt; i++)
        toy_put_g1(toy->vk + 868 + 96 * i, &toy->ic[i]);
    toy->vk_len = 868 + 96 * toy->ic_cnt;
}

static inline toy_t *toy_new(size_t ic_cnt)
{
    assert_in_range(ic_cnt, 1, TOY_IC_MAX);
    toy_t *toy = calloc(1, sizeof *toy);
    assert_non_null(toy);
    toy->alpha = toy_fr("alpha", 0);
    toy->beta = toy_fr("beta", 0);
    toy->gamma = toy_fr("gamma", 0);
    toy->delta = toy_fr("delta", 0);
    toy->ic_cnt = ic_cnt;
    for (size_t i = 0; i < ic_cnt; i++)
        toy->ic[i] = toy_fr("ic", i);
    toy_write(toy);
    return toy;
}

/* A proof that holds for these inputs: A = a, B = b, C = (a b - alpha beta - gamma sum x_i ic_i)
 * / delta. */
static inline void toy_prove(uint8_t out[192], const toy_t *toy, const slk_node_t *inputs,
                             size_t number)
{
    slk_fr_t a = toy_fr("a", number), b = toy_fr("b", number), sum = toy->ic[0], x, c;
    for (size_t i = 1; i < toy->ic_cnt; i++) {
        assert_true(slk_fr_from_node(&x, &inputs[i - 1]));
        slk_fr_mul(&x, &x, &toy->ic[i]);
        slk_fr_add(&sum, &sum, &x);
    }
    slk_fr_mul(&c, &a, &b);
    slk_fr_mul(&x, &toy->alpha, &toy->beta);
    slk_fr_sub(&c, &c, &x);
    slk_fr_mul(&x, &sum, &toy->gamma);
    slk_fr_sub(&c, &c, &x);
    slk_fr_inv(&x, &toy->delta);
    slk_fr_mul(&c, &c, &x);
    blst_p1_affine a1 = toy_g1(&a), c1 = toy_g1(&c);
    blst_p2_affine b2 = toy_g2(&b);
    blst_p1_affine_compress(out, &a1);
    blst_p2_affine_compress(out + 48, &b2);
    blst_p1_affine_compress(out + 144, &c1);
}

/* A point of the curve outside the subgroup, compressed: the smallest x > 0 that has one.
 * Cofactors are huge, so nearly every point is. */
static inline void toy_stray_g1(uint8_t out[48])
{
    blst_p1_affine p;
    memset(out, 0, 48);
    out[0] = 0x80;
    for (out[47] = 1; blst_p1_uncompress(&p, out) != BLST_SUCCESS; out[47]++)
        assert_true(out[47] < 255);
    assert_true(blst_p1_affine_on_curve(&p));
    assert_false(blst_p1_affine_in_g1(&p));
}

static inline void toy_stray_g2(uint8_t out[96])
{
    blst_p2_affine p;
    memset(out, 0, 96);
    out[0] = 0x80;
    for (out[95] = 1; blst_p2_uncompress(&p, out) != BLST_SUCCESS; out[95]++)
        assert_true(out[95] < 255);
    assert_true(blst_p2_affine_on_curve(&p));
    assert_false(blst_p2_affine_in_g2(&p));
}

/* Add the field's modulus to 48 big-endian bytes below 2^381 - modulus. */
static inline void toy_add_modulus(uint8_t x[48])
{
    uint8_t p[48];
    assert_true(slk_hex_decode(p, 48,
                               "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
                               "1eabfffeb153ffffb9feffffffffaaab"));
    unsigned carry = 0;
    for (size_t i = 48; i-- > 0;) {
        carry += (unsigned)x[i] + p[i];
        x[i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
}

#endif /* SLK_PROOFS_GROTH16_TEST_TOY_H */
