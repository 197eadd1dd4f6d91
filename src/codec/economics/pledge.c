#include "codec/economics/pledge.h"

#include "base/assert.h"

/* Projection periods of expected rewards, in epochs. */
#define DEPOSIT_EPOCHS (20 * SLK_EPOCHS_IN_DAY)
#define PLEDGE_EPOCHS  (20 * SLK_EPOCHS_IN_DAY)
#define FAULT_EPOCHS   (351 * SLK_EPOCHS_IN_DAY / 100)
#define DISPUTE_EPOCHS (FAULT_EPOCHS + 2 * SLK_EPOCHS_IN_DAY)

#define ATTO_PER_FIL         1000000000000000000u
#define DISPUTE_PENALTY_FIL  20u
#define DISPUTE_REWARD_FIL   4u
#define EXPECTED_LEADERS     5u
#define TERMINATION_CAP_DAYS 140
#define RAMP_FULL_PERMILLE   300 /* share of the simple pledge when the ramp has ended */
#define SUPPLY_LOCKED_NUM    3u  /* 30 % of the supply is to be locked */
#define SUPPLY_LOCKED_DENOM  10u

/* out = in * num / denom, rounded down. */
static void scale(mpz_t out, mpz_srcptr in, unsigned long num, unsigned long denom)
{
    mpz_mul_ui(out, in, num);
    mpz_fdiv_q_ui(out, out, denom);
}

static mpz_srcptr larger(mpz_srcptr a, mpz_srcptr b)
{
    return mpz_cmp(a, b) >= 0 ? a : b;
}

/* Deposits and pledges are never zero: the actor tells by them that a miner is active. */
static void expected_reward_at_least_one(mpz_t out, const slk_filter_t *reward,
                                         const slk_filter_t *power, mpz_srcptr qa, int64_t epochs)
{
    slk_expected_reward(out, reward, power, qa, epochs);
    if (mpz_sgn(out) <= 0)
        mpz_set_ui(out, 1);
}

void slk_precommit_deposit(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                           mpz_srcptr qa)
{
    expected_reward_at_least_one(out, reward, power, qa, DEPOSIT_EPOCHS);
}

static unsigned long simple_permille(int64_t age, uint64_t epochs)
{
    if (age < 0)
        return 0;
    if (epochs == 0 || (uint64_t)age >= epochs)
        return RAMP_FULL_PERMILLE;
    return (unsigned long)((unsigned __int128)age * RAMP_FULL_PERMILLE / epochs);
}

/* The share of the supply that power `qa` has to lock. */
static void add_supply_share(mpz_t out, const slk_pledge_inputs_t *in, mpz_srcptr qa)
{
    mpz_t network, target, part, denom;
    mpz_inits(network, target, part, denom, NULL);
    slk_filter_estimate(network, in->power);
    mpz_mul_ui(target, in->supply, SUPPLY_LOCKED_NUM);
    mpz_mul(target, target, qa);

    unsigned long simple = simple_permille(in->ramp_age, in->ramp_epochs);
    mpz_srcptr simple_power = larger(network, qa);
    mpz_mul_ui(denom, larger(simple_power, in->baseline_power), SUPPLY_LOCKED_DENOM * 1000u);
    if (mpz_sgn(denom) > 0) {
        mpz_mul_ui(part, target, 1000 - simple);
        mpz_fdiv_q(part, part, denom);
        mpz_add(out, out, part);
    }
    mpz_mul_ui(denom, simple_power, SUPPLY_LOCKED_DENOM * 1000u);
    if (mpz_sgn(denom) > 0) {
        mpz_mul_ui(part, target, simple);
        mpz_fdiv_q(part, part, denom);
        mpz_add(out, out, part);
    }
    mpz_clears(network, target, part, denom, NULL);
}

void slk_initial_pledge(mpz_t out, const slk_pledge_inputs_t *in, mpz_srcptr qa)
{
    expected_reward_at_least_one(out, in->reward, in->power, qa, PLEDGE_EPOCHS);
    add_supply_share(out, in, qa);
    /* At most 1 FIL for 32 GiB, the price of one byte rounded down. */
    mpz_t cap;
    mpz_init(cap);
    mpz_mul_ui(cap, qa, ATTO_PER_FIL / (32ul << 30));
    if (mpz_cmp(out, cap) > 0)
        mpz_set(out, cap);
    mpz_clear(cap);
}

void slk_fault_fee(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power, mpz_srcptr qa)
{
    slk_expected_reward(out, reward, power, qa, FAULT_EPOCHS);
}

static void add_fil(mpz_t out, unsigned long fil)
{
    mpz_t amount;
    mpz_init_set_ui(amount, ATTO_PER_FIL);
    mpz_addmul_ui(out, amount, fil);
    mpz_clear(amount);
}

void slk_dispute_penalty(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                         mpz_srcptr qa)
{
    slk_expected_reward(out, reward, power, qa, DISPUTE_EPOCHS);
    add_fil(out, DISPUTE_PENALTY_FIL);
}

void slk_dispute_reward(mpz_t out)
{
    mpz_set_ui(out, 0);
    add_fil(out, DISPUTE_REWARD_FIL);
}

void slk_termination_fee(mpz_t out, mpz_srcptr initial_pledge, int64_t age, mpz_srcptr fault_fee)
{
    mpz_t other;
    mpz_init(other);
    scale(out, initial_pledge, 85, 1000);
    /* Grows with the age up to the cap. */
    mpz_mul_si(other, out, age);
    mpz_fdiv_q_ui(other, other, TERMINATION_CAP_DAYS * SLK_EPOCHS_IN_DAY);
    if (mpz_cmp(other, out) < 0)
        mpz_set(out, other);
    scale(other, initial_pledge, 2, 100);
    if (mpz_cmp(other, out) > 0)
        mpz_set(out, other);
    scale(other, fault_fee, 105, 100);
    if (mpz_cmp(other, out) > 0)
        mpz_set(out, other);
    mpz_clear(other);
}

void slk_consensus_fault_penalty(mpz_t out, mpz_srcptr epoch_reward)
{
    scale(out, epoch_reward, 5, EXPECTED_LEADERS);
}

void slk_consensus_fault_reward(mpz_t out, mpz_srcptr epoch_reward)
{
    scale(out, epoch_reward, 1, EXPECTED_LEADERS * 4);
}

/* 161817 * 10^-30 of the supply for each byte. */
void slk_daily_fee(mpz_t out, mpz_srcptr supply, mpz_srcptr qa)
{
    mpz_t denom;
    mpz_init(denom);
    mpz_ui_pow_ui(denom, 10, 30);
    mpz_mul(out, supply, qa);
    mpz_mul_ui(out, out, 161817);
    mpz_fdiv_q(out, out, denom);
    mpz_clear(denom);
}

void slk_daily_fee_adjusted(mpz_t out, mpz_srcptr daily_fee, mpz_srcptr old_qa, mpz_srcptr new_qa)
{
    if (mpz_cmp(old_qa, new_qa) == 0) {
        mpz_set(out, daily_fee);
        return;
    }
    SLK_ASSERT(mpz_sgn(old_qa) > 0);
    mpz_mul(out, daily_fee, new_qa);
    mpz_fdiv_q(out, out, old_qa);
}

void slk_daily_fee_payable(mpz_t out, mpz_srcptr daily_fee, const slk_filter_t *reward,
                           const slk_filter_t *power, mpz_srcptr live_qa)
{
    slk_expected_reward(out, reward, power, live_qa, SLK_EPOCHS_IN_DAY);
    mpz_fdiv_q_2exp(out, out, 1);
    if (mpz_cmp(daily_fee, out) < 0)
        mpz_set(out, daily_fee);
}

void slk_locked_reward(mpz_t out, mpz_srcptr reward)
{
    scale(out, reward, 3, 4);
}
