#ifndef SLK_CODEC_ECONOMICS_FILTER_H
#define SLK_CODEC_ECONOMICS_FILTER_H

/* Smoothed estimates of reward and power, and the reward that power may expect (chain.md 4.3).
 * The reward actor's method 3 and the power actor's method 9 return such estimates.
 *
 * Outputs are initialised mpz_t, not the same object as an input; slk_bigint_view and
 * slk_bigint_from_mpz lead from and to the chain's big integers. Epochs are counts of epochs. */

#include "codec/bigint.h"

#include <gmp.h>
#include <stdint.h>

/* Position and its change per epoch, both Q.128. */
typedef struct {
    mpz_t position, velocity;
} slk_filter_t;

/* Both zero; give back with slk_filter_clear. */
void slk_filter_init(slk_filter_t *filter);
void slk_filter_clear(slk_filter_t *filter);

/* From whole numbers. */
void slk_filter_set(slk_filter_t *filter, mpz_srcptr position, mpz_srcptr velocity);

/* From and to position and velocity as chain objects carry them, both Q.128. A filter of observations
 * from the chain always fits. */
void slk_filter_from_bigint(slk_filter_t *filter, const slk_bigint_t *position,
                            const slk_bigint_t *velocity);
void slk_filter_to_bigint(slk_bigint_t *position, slk_bigint_t *velocity,
                          const slk_filter_t *filter);

/* The position as a whole number, rounded down. */
void slk_filter_estimate(mpz_t out, const slk_filter_t *filter);

/* Take in an observation (whole number) `epochs` > 0 after the last one. */
void slk_filter_next(slk_filter_t *filter, mpz_srcptr observed, int64_t epochs);

/* The sum over the next `epochs` of num / den, both extrapolated, in Q.128. The position of den is
 * not zero. */
void slk_filter_ratio_sum(mpz_t out, int64_t epochs, const slk_filter_t *num,
                          const slk_filter_t *den);

/* BR: what `qa` bytes of quality-adjusted power may expect to earn in the next `epochs`, attoFIL,
 * not below zero. A network without power: the reward of one epoch. */
void slk_expected_reward(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                         mpz_srcptr qa, int64_t epochs);

#endif /* SLK_CODEC_ECONOMICS_FILTER_H */
