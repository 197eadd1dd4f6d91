/* The formulas of deposits, pledge and fees (codec/economics) on the chain's integers. */

#include "base/assert.h"
#include "codec/economics/pledge.h"
#include "codec/economics/quality.h"
#include "devnet/actors/miner/money.h"

/* Estimates of reward and power in GMP's form; to be cleared. */
typedef struct {
    slk_filter_t reward, power;
} filters_t;

static void filters_init(filters_t *f, const slk_filter_estimate_t *reward,
                         const slk_filter_estimate_t *power)
{
    slk_filter_init(&f->reward);
    slk_filter_init(&f->power);
    slk_filter_from_bigint(&f->reward, &reward->position_estimate, &reward->velocity_estimate);
    slk_filter_from_bigint(&f->power, &power->position_estimate, &power->velocity_estimate);
}

static void filters_clear(filters_t *f)
{
    slk_filter_clear(&f->reward);
    slk_filter_clear(&f->power);
}

/* Take a result; amounts that come from state always fit. */
static slk_bigint_t result(mpz_t z)
{
    slk_bigint_t v;
    bool fits = slk_bigint_from_mpz(&v, z);
    SLK_ASSERT(fits);
    mpz_clear(z);
    return v;
}

/* A formula of reward, power and the power that something is about. */
typedef void formula_t(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                       mpz_srcptr qa);

static slk_bigint_t apply(formula_t *formula, const slk_filter_estimate_t *reward,
                          const slk_filter_estimate_t *power, mpz_srcptr qa)
{
    filters_t f;
    mpz_t out;
    filters_init(&f, reward, power);
    mpz_init(out);
    formula(out, &f.reward, &f.power, qa);
    filters_clear(&f);
    return result(out);
}

slk_bigint_t slk_miner_precommit_deposit(const slk_miner_network_t *network, uint64_t sector_size)
{
    mpz_t qa;
    mpz_init(qa);
    slk_qa_power_max(qa, sector_size);
    slk_bigint_t deposit = apply(slk_precommit_deposit, &network->reward.this_epoch_reward_smoothed,
                                 &network->power.quality_adj_power_smoothed, qa);
    mpz_clear(qa);
    return deposit;
}

slk_bigint_t slk_miner_initial_pledge(const slk_miner_network_t *network, slk_bigint_t qa)
{
    filters_t f;
    mpz_t out, baseline, supply, view;
    filters_init(&f, &network->reward.this_epoch_reward_smoothed,
                 &network->power.quality_adj_power_smoothed);
    mpz_init(out);
    slk_pledge_inputs_t in = {
        .reward = &f.reward,
        .power = &f.power,
        .baseline_power = slk_bigint_view(baseline, &network->reward.this_epoch_baseline_power),
        .supply = slk_bigint_view(supply, &network->supply),
        .ramp_age = network->now - network->power.ramp_start_epoch,
        .ramp_epochs = network->power.ramp_duration_epochs};
    slk_initial_pledge(out, &in, slk_bigint_view(view, &qa));
    filters_clear(&f);
    return result(out);
}

slk_bigint_t slk_miner_fault_fee(const slk_filter_estimate_t *reward,
                                 const slk_filter_estimate_t *power, slk_bigint_t qa)
{
    mpz_t view;
    return apply(slk_fault_fee, reward, power, slk_bigint_view(view, &qa));
}

slk_bigint_t slk_miner_dispute_penalty(const slk_filter_estimate_t *reward,
                                       const slk_filter_estimate_t *power, slk_bigint_t qa)
{
    mpz_t view;
    return apply(slk_dispute_penalty, reward, power, slk_bigint_view(view, &qa));
}

slk_bigint_t slk_miner_dispute_reward(void)
{
    mpz_t out;
    mpz_init(out);
    slk_dispute_reward(out);
    return result(out);
}

slk_bigint_t slk_miner_termination_fee(const slk_filter_estimate_t *reward,
                                       const slk_filter_estimate_t *power, slk_bigint_t qa,
                                       slk_bigint_t initial_pledge, int64_t age)
{
    mpz_t out, pledge, fee;
    slk_bigint_t fault_fee = slk_miner_fault_fee(reward, power, qa);
    mpz_init(out);
    slk_termination_fee(out, slk_bigint_view(pledge, &initial_pledge), age,
                        slk_bigint_view(fee, &fault_fee));
    return result(out);
}

slk_bigint_t slk_miner_daily_fee_payable(const slk_filter_estimate_t *reward,
                                         const slk_filter_estimate_t *power, slk_bigint_t daily_fee,
                                         slk_bigint_t live_qa)
{
    filters_t f;
    mpz_t out, fee, qa;
    filters_init(&f, reward, power);
    mpz_init(out);
    slk_daily_fee_payable(out, slk_bigint_view(fee, &daily_fee), &f.reward, &f.power,
                          slk_bigint_view(qa, &live_qa));
    filters_clear(&f);
    return result(out);
}

slk_bigint_t slk_miner_daily_fee(slk_bigint_t supply, slk_bigint_t qa)
{
    mpz_t out, a, b;
    mpz_init(out);
    slk_daily_fee(out, slk_bigint_view(a, &supply), slk_bigint_view(b, &qa));
    return result(out);
}

slk_bigint_t slk_miner_daily_fee_adjusted(slk_bigint_t daily_fee, slk_bigint_t old_qa,
                                          slk_bigint_t new_qa)
{
    mpz_t out, fee, a, b;
    mpz_init(out);
    slk_daily_fee_adjusted(out, slk_bigint_view(fee, &daily_fee), slk_bigint_view(a, &old_qa),
                           slk_bigint_view(b, &new_qa));
    return result(out);
}

slk_bigint_t slk_miner_locked_reward(slk_bigint_t reward)
{
    mpz_t out, view;
    mpz_init(out);
    slk_locked_reward(out, slk_bigint_view(view, &reward));
    return result(out);
}
