#ifndef SLK_CRYPTO_POSEIDON_FORM_H
#define SLK_CRYPTO_POSEIDON_FORM_H

/* The form of Poseidon that the kernels compute. Same digests as the plain form, about half the
 * work of the usual sparse-matrix form.
 *
 * Three facts carry it.
 *
 * 1. The matrix is made of small integers. M[i][j] = 1/(i+j+t); with L = lcm(t..3t-2), L*M is an
 * integer matrix with entries below 2^44. A kernel multiplies by L*M and takes off the excess by
 * Montgomery steps of one limb. Both leave a factor, so a kernel never holds x but scale*x with a
 * scale known beforehand; scales multiply along (an s-box maps scale to scale^5 / R^4), constants
 * to be added are stored scaled, and the last multiplication removes the scale. So inputs need no
 * conversion to Montgomery form either.
 *
 * 2. The partial rounds are a linear filter. Between two s-boxes of element 0 the other n = t-1
 * elements x follow x' = A x + v a, y' = M00 a + v.x (a: s-box output, y: next s-box input, A: M
 * without its first row and column, v: its first column without M00). In controller form that is,
 * with L*M for M,
 *
 *        w[p]   = a[p] - sum d[i] w[p-i], i = 1..n        D(z) = det(z - A) = z^n + d[1] z^(n-1) +
 * ... y[p+1] =        sum b[i] w[p-i], i = 0..n        b[i] = M00 d[i] + v.q[i], b[0] = M00 x[p] =
 * sum q[i] w[p-i], i = 1..n        q[1] = v, q[i+1] = A q[i] + d[i] v
 *
 *    2n+1 products a round, all with constants that do not depend on the round.
 *
 * 3. Those constants are small too: minors of a Cauchy matrix. 7 to 108 bits for t = 9, 44 to 210
 * for t = 12, not 255. The signs of d and of b alternate; kernels hold (-1)^p w[p], for which all
 * have one sign:
 *
 *        w[p] = (+-)a[p] - sum |d[i]| w[p-i]        y[p+1] = (+-) sum |b[i]| w[p-i]
 *
 * The step of w must be exact (its scale has to grow by L every round, as that of x does), so it is
 * reduced by a quotient (Barrett), not by Montgomery steps. The scale L^p that a[p] must have costs
 * one more multiplication a round: mul_scale[p]. Round constants of elements 1.. are carried
 * forward through M, so that a partial round adds to element 0 alone.
 *
 * A kernel with limbs of `bits` bits, `limbs` of them, R = 2^(bits*limbs), does this:
 *
 *    X = inputs, X[0] = tag
 *    for k = 0..3:    X += add_first[k];  X = sbox(X);  k < 3: X = mat(X)
 *    y = mat(X) row 0;  w[-1-i] = sum_j mul_pre[i][j] X[j] / R, i = 0..n-1
 *    for p = 0..rp-1: a = sbox(y + add_partial[p]) * mul_scale[p] / R
 *                     w[p] = a - sum_i d[i] w[p-1-i], i = 0..n-1
 *                     y = redc(sum_i b[i] w[p-i], out_steps), i = 0..n
 *    X[0] = y * mul_end / R;  X[1+j] = redc(sum_i q[j][i] w[rp-1-i], end_steps)
 *    for k = 0..3:    X += add_last[k];  X = sbox(X);  X = mat(X), for k = 3 row 1 alone
 *    digest = X[1] * mul_out / R
 *
 * sbox(X) = X^5 / R^4 as three Montgomery multiplications; redc(T, s) = T / 2^(s*bits) mod r;
 * mat(X)[i] = redc(sum_j matrix[i][j] X[j], 1). All mod r. */

#include "crypto/poseidon/poseidon_plain.h"

#define SLK_POSEIDON_HALF  (SLK_POSEIDON_RF / 2)
#define SLK_POSEIDON_N_MAX (SLK_POSEIDON_T_MAX - 1)
#define SLK_POSEIDON_LIMBS 5u /* of an element, at most */
#define SLK_POSEIDON_SMALL 4u /* of d, b, q, at most */

/* A field element as integer below r, or the magnitude of a small constant, in limbs. */
typedef struct {
    uint64_t l[SLK_POSEIDON_LIMBS];
} slk_poseidon_limbs_t;

/* Some small constants, one limb after the other: limb o of constant i is l[o][i]. Outside begin[o]
 * <= i < end[o] it is zero. */
typedef struct {
    unsigned limbs;
    uint8_t begin[SLK_POSEIDON_SMALL], end[SLK_POSEIDON_SMALL];
    uint64_t l[SLK_POSEIDON_SMALL][SLK_POSEIDON_T_MAX];
} slk_poseidon_small_t;

typedef struct {
    unsigned t, n, rp;
    unsigned out_steps, end_steps;
    slk_poseidon_limbs_t add_first[SLK_POSEIDON_HALF][SLK_POSEIDON_T_MAX];
    slk_poseidon_limbs_t add_partial[SLK_POSEIDON_RP_MAX];
    slk_poseidon_limbs_t add_last[SLK_POSEIDON_HALF][SLK_POSEIDON_T_MAX];
    slk_poseidon_limbs_t mul_pre[SLK_POSEIDON_N_MAX][SLK_POSEIDON_T_MAX];
    slk_poseidon_limbs_t mul_scale[SLK_POSEIDON_RP_MAX];
    slk_poseidon_limbs_t mul_end, mul_out;
    uint64_t matrix[SLK_POSEIDON_T_MAX][SLK_POSEIDON_T_MAX];
    slk_poseidon_small_t d, b; /* magnitudes */
    /* floor(2^(bits * (limbs + d.limbs)) / r), d.limbs + 1 limbs: the quotient of sum d[i] w[..] by
     * r is that of its limbs (limbs - 1).. times mu, less d.limbs + 1 limbs; at most 2 too small.
     */
    uint64_t mu[SLK_POSEIDON_SMALL + 1];
    slk_poseidon_small_t q[SLK_POSEIDON_N_MAX];
    /* Bit i: the product with q[j][i] is to be subtracted (the sign of (-1)^p included). */
    uint32_t q_minus[SLK_POSEIDON_N_MAX];
} slk_poseidon_form_t;

/* The form of width t for limbs of 52 bits (5 of them) or 64 bits (4 of them). */
void slk_poseidon_form(slk_poseidon_form_t *out, unsigned t, unsigned bits);

/* Turn the limbs of all factors (mul_*, matrix, d, b, q, mu) into the bits of a double of that
 * value, for kernels that multiply doubles; 52-bit limbs only. */
void slk_poseidon_form_real(slk_poseidon_form_t *form);

#endif /* SLK_CRYPTO_POSEIDON_FORM_H */
