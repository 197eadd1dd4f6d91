#include "codec/economics/filter.h"

#include "base/assert.h"
#include "codec/economics/fixed.h"

#include <pthread.h>

/* Weights of position and velocity, and the square of a velocity below which a line is exact enough;
 * all Q.128, chain.md 4.3. */
static mpz_t alpha, beta, epsilon;

static void read_weights(void)
{
    SLK_ASSERT(mpz_init_set_str(alpha, "314760000000000000000000000000000000", 10) == 0);
    SLK_ASSERT(mpz_init_set_str(beta, "96640100000000000000000000000000", 10) == 0);
    SLK_ASSERT(mpz_init_set_str(epsilon, "302231454903657293676544", 10) == 0);
}

static pthread_once_t weights_once = PTHREAD_ONCE_INIT;

void slk_filter_init(slk_filter_t *filter)
{
    mpz_inits(filter->position, filter->velocity, NULL);
}

void slk_filter_clear(slk_filter_t *filter)
{
    mpz_clears(filter->position, filter->velocity, NULL);
}

void slk_filter_set(slk_filter_t *filter, mpz_srcptr position, mpz_srcptr velocity)
{
    mpz_mul_2exp(filter->position, position, SLK_Q128);
    mpz_mul_2exp(filter->velocity, velocity, SLK_Q128);
}

void slk_filter_from_bigint(slk_filter_t *filter, const slk_bigint_t *position,
                            const slk_bigint_t *velocity)
{
    mpz_t view;
    mpz_set(filter->position, slk_bigint_view(view, position));
    mpz_set(filter->velocity, slk_bigint_view(view, velocity));
}

void slk_filter_to_bigint(slk_bigint_t *position, slk_bigint_t *velocity,
                          const slk_filter_t *filter)
{
    SLK_ASSERT(slk_bigint_from_mpz(position, filter->position));
    SLK_ASSERT(slk_bigint_from_mpz(velocity, filter->velocity));
}

void slk_filter_estimate(mpz_t out, const slk_filter_t *filter)
{
    mpz_fdiv_q_2exp(out, filter->position, SLK_Q128);
}

/* a = a * b, both Q.128. */
static void q_mul(mpz_t a, mpz_srcptr b)
{
    mpz_mul(a, a, b);
    mpz_fdiv_q_2exp(a, a, SLK_Q128);
}

void slk_filter_next(slk_filter_t *filter, mpz_srcptr observed, int64_t epochs)
{
    SLK_ASSERT(epochs > 0);
    pthread_once(&weights_once, read_weights);
    mpz_t residual, change, time;
    mpz_inits(residual, change, time, NULL);

    mpz_mul_si(change, filter->velocity, epochs);
    mpz_add(filter->position, filter->position, change);
    mpz_mul_2exp(residual, observed, SLK_Q128);
    mpz_sub(residual, residual, filter->position);

    mpz_set(change, residual);
    q_mul(change, alpha);
    mpz_add(filter->position, filter->position, change);

    mpz_set_si(time, epochs);
    mpz_mul_2exp(time, time, SLK_Q128);
    mpz_mul(change, residual, beta);
    mpz_fdiv_q(change, change, time);
    mpz_add(filter->velocity, filter->velocity, change);
    mpz_clears(residual, change, time, NULL);
}

/* The integral of a line over a line that moves: with logarithms. */
static void ratio_of_lines(mpz_t out, mpz_srcptr time, mpz_srcptr velocity_squared,
                           const slk_filter_t *num, const slk_filter_t *den)
{
    mpz_t from, to, moved, part;
    mpz_inits(from, to, moved, part, NULL);
    mpz_mul(moved, den->velocity, time); /* Q.256 */
    mpz_fdiv_q_2exp(to, moved, SLK_Q128);
    mpz_add(to, to, den->position);
    slk_q_ln(from, den->position);
    slk_q_ln(to, to);

    mpz_sub(to, to, from);
    mpz_mul(part, to, num->position);
    q_mul(part, den->velocity);

    mpz_mul(to, to, den->position);
    mpz_sub(moved, moved, to);
    q_mul(moved, num->velocity);

    mpz_add(part, part, moved);
    mpz_fdiv_q(out, part, velocity_squared);
    mpz_clears(from, to, moved, part, NULL);
}

void slk_filter_ratio_sum(mpz_t out, int64_t epochs, const slk_filter_t *num,
                          const slk_filter_t *den)
{
    pthread_once(&weights_once, read_weights);
    mpz_t time, work;
    mpz_inits(time, work, NULL);
    mpz_set_si(time, epochs);
    mpz_mul_2exp(time, time, SLK_Q128);

    mpz_set(work, den->velocity);
    q_mul(work, den->velocity);
    if (mpz_cmp(work, epsilon) > 0) {
        ratio_of_lines(out, time, work, num, den);
    } else {
        mpz_fdiv_q_2exp(work, time, 1);
        q_mul(work, num->velocity);
        mpz_add(work, work, num->position);
        mpz_mul(work, work, time);
        mpz_fdiv_q(out, work, den->position);
    }
    mpz_clears(time, work, NULL);
}

void slk_expected_reward(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                         mpz_srcptr qa, int64_t epochs)
{
    slk_filter_estimate(out, power);
    if (mpz_sgn(out) == 0) {
        slk_filter_estimate(out, reward);
        return;
    }
    slk_filter_ratio_sum(out, epochs, reward, power);
    mpz_mul(out, out, qa);
    mpz_fdiv_q_2exp(out, out, SLK_Q128);
    if (mpz_sgn(out) < 0)
        mpz_set_ui(out, 0);
}
