#ifndef SLK_CODEC_ECONOMICS_FIXED_H
#define SLK_CODEC_ECONOMICS_FIXED_H

/* Functions of fixed-point numbers as the actors and the election compute them: Horner's rule with
 * shifts that round towards minus infinity, so that every participant gets the same integer.
 *
 * Q.n: an integer that stands for itself divided by 2^n. Outputs are initialised mpz_t and may be the
 * same object as an input. Any thread. */

#include <gmp.h>

#define SLK_Q128 128u
#define SLK_Q256 256u

/* e^-x for x >= 0. bits: SLK_Q128 (rewards) or SLK_Q256 (elections), of x and of the result. Error
 * below 3.4e-30 for x < 1.7, below 4.6e-15 for x < 5. */
void slk_q_expneg(mpz_t out, mpz_srcptr x, unsigned bits);

/* Natural logarithm of a Q.128 number > 0, in Q.128. */
void slk_q_ln(mpz_t out, mpz_srcptr x);

#endif /* SLK_CODEC_ECONOMICS_FIXED_H */
