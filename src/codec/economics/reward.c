#include "codec/economics/reward.h"

#include "base/assert.h"
#include "codec/economics/fixed.h"

#include <pthread.h>
#include <stdbool.h>

#define EXPECTED_LEADERS 5u

/* Q.128: growth of the baseline in one epoch, ln 2 / six years of epochs, e^lambda - 1. */
static mpz_t growth, lambda, exp_lambda_less_one;

static void read_constants(void)
{
    SLK_ASSERT(mpz_init_set_str(growth, "340282591298641078465964189926313473653", 10) == 0);
    SLK_ASSERT(mpz_init_set_str(lambda, "37396271439864487274534522888786", 10) == 0);
    SLK_ASSERT(mpz_init_set_str(exp_lambda_less_one, "37396273494747879394193016954629", 10) == 0);
}

static pthread_once_t constants_once = PTHREAD_ONCE_INIT;

void slk_baseline_next(mpz_t out, mpz_srcptr power)
{
    pthread_once(&constants_once, read_constants);
    mpz_mul(out, power, growth);
    mpz_fdiv_q_2exp(out, out, SLK_Q128);
}

static void set_text(mpz_t out, const char *text)
{
    SLK_ASSERT(mpz_set_str(out, text, 10) == 0);
}

/* Effective network time with its fraction, Q.128. */
static void theta(mpz_t out, const slk_reward_numbers_t *st)
{
    mpz_set_ui(out, 0);
    if (st->effective_network_time == 0)
        return;
    mpz_t behind;
    mpz_init(behind);
    mpz_sub(behind, st->cumsum_baseline, st->cumsum_realized);
    mpz_mul_2exp(behind, behind, SLK_Q128);
    mpz_fdiv_q(behind, behind, st->effective_baseline_power);
    mpz_set_si(out, st->effective_network_time);
    mpz_mul_2exp(out, out, SLK_Q128);
    mpz_sub(out, out, behind);
    mpz_clear(behind);
}

/* What the baseline part has minted until theta, Q.128. Replaces theta. */
static void baseline_supply(mpz_t t, mpz_srcptr total)
{
    mpz_t one;
    mpz_init_set_ui(one, 1);
    mpz_mul_2exp(one, one, SLK_Q128);
    mpz_mul(t, t, lambda);
    mpz_fdiv_q_2exp(t, t, SLK_Q128);
    slk_q_expneg(t, t, SLK_Q128);
    mpz_sub(t, one, t);
    mpz_mul(t, t, total);
    mpz_clear(one);
}

static void step(slk_reward_numbers_t *st, mpz_srcptr realized_power)
{
    st->epoch++;
    slk_baseline_next(st->this_epoch_baseline_power, st->this_epoch_baseline_power);
    bool capped = mpz_cmp(st->this_epoch_baseline_power, realized_power) < 0;
    mpz_add(st->cumsum_realized, st->cumsum_realized,
            capped ? st->this_epoch_baseline_power : realized_power);
    while (mpz_cmp(st->cumsum_realized, st->cumsum_baseline) > 0) {
        st->effective_network_time++;
        slk_baseline_next(st->effective_baseline_power, st->effective_baseline_power);
        mpz_add(st->cumsum_baseline, st->cumsum_baseline, st->effective_baseline_power);
    }
}

static void step_with_reward(slk_reward_numbers_t *st, mpz_srcptr realized_power)
{
    mpz_t before, after, simple;
    mpz_inits(before, after, simple, NULL);
    theta(before, st);
    step(st, realized_power);
    theta(after, st);

    mpz_mul_si(simple, lambda, st->epoch);
    slk_q_expneg(simple, simple, SLK_Q128);
    mpz_mul(simple, simple, exp_lambda_less_one);
    mpz_mul(simple, simple, st->simple_total);
    mpz_fdiv_q_2exp(simple, simple, SLK_Q128);

    baseline_supply(before, st->baseline_total);
    baseline_supply(after, st->baseline_total);
    mpz_sub(after, after, before);
    mpz_add(simple, simple, after);
    mpz_fdiv_q_2exp(st->this_epoch_reward, simple, SLK_Q128);
    mpz_clears(before, after, simple, NULL);
}

void slk_reward_init(slk_reward_numbers_t *state, mpz_srcptr realized_power)
{
    pthread_once(&constants_once, read_constants);
    mpz_inits(state->cumsum_baseline, state->cumsum_realized, state->effective_baseline_power,
              state->this_epoch_reward, state->this_epoch_baseline_power,
              state->total_storage_power_reward, state->simple_total, state->baseline_total, NULL);
    slk_filter_init(&state->this_epoch_reward_smoothed);
    state->effective_network_time = 0;
    state->epoch = -1;
    set_text(state->effective_baseline_power, "2888888880000000000");
    set_text(state->simple_total, "330000000000000000000000000");
    set_text(state->baseline_total, "770000000000000000000000000");
    /* The baseline of the epoch before the first, so that the step below reaches it. */
    mpz_ptr first = state->this_epoch_baseline_power;
    mpz_mul_2exp(first, state->effective_baseline_power, 2 * SLK_Q128);
    mpz_fdiv_q(first, first, growth);
    mpz_fdiv_q_2exp(first, first, SLK_Q128);

    mpz_t position, velocity;
    mpz_inits(position, velocity, NULL);
    set_text(position, "36266260308195979333");
    set_text(velocity, "-109897758509");
    slk_filter_set(&state->this_epoch_reward_smoothed, position, velocity);
    mpz_clears(position, velocity, NULL);
    step_with_reward(state, realized_power);
}

void slk_reward_clear(slk_reward_numbers_t *state)
{
    mpz_clears(state->cumsum_baseline, state->cumsum_realized, state->effective_baseline_power,
               state->this_epoch_reward, state->this_epoch_baseline_power,
               state->total_storage_power_reward, state->simple_total, state->baseline_total, NULL);
    slk_filter_clear(&state->this_epoch_reward_smoothed);
}

void slk_reward_update(slk_reward_numbers_t *state, int64_t epoch, mpz_srcptr realized_power)
{
    int64_t before = state->epoch;
    while (state->epoch < epoch)
        step(state, realized_power);
    step_with_reward(state, realized_power);
    slk_filter_next(&state->this_epoch_reward_smoothed, state->this_epoch_reward,
                    state->epoch - before);
}

void slk_reward_of_block(mpz_t out, const slk_reward_numbers_t *state, unsigned win_count)
{
    mpz_mul_ui(out, state->this_epoch_reward, win_count);
    mpz_fdiv_q_ui(out, out, EXPECTED_LEADERS);
}
