#ifndef SLK_CODEC_ECONOMICS_PLEDGE_H
#define SLK_CODEC_ECONOMICS_PLEDGE_H

/* Deposits, pledge, fees and penalties of a storage miner (chain.md 4.3, actors v18). The actor of the
 * development chain and its API both take them from here.
 *
 * Amounts are attoFIL, powers quality-adjusted bytes, both whole numbers >= 0. Outputs are initialised
 * mpz_t, not the same object as an input. */

#include "codec/economics/filter.h"

#define SLK_EPOCHS_IN_DAY 2880

/* What the reward actor's method 3 and the power actor's method 9 return, and the supply. Borrowed. */
typedef struct {
    const slk_filter_t *reward; /* method 3 */
    const slk_filter_t *power;  /* method 9: smoothed quality-adjusted power of the network */
    mpz_srcptr baseline_power;  /* method 3 */
    mpz_srcptr supply;          /* circulating, attoFIL */
    int64_t ramp_age;           /* epochs since method 9's rampStart; negative: not begun */
    uint64_t ramp_epochs;       /* method 9's rampDuration */
} slk_pledge_inputs_t;

/* For a precommit of power `qa`; a precommit always pays for slk_qa_power_max of its sector. */
void slk_precommit_deposit(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                           mpz_srcptr qa);

/* Of a sector at its activation. The deposit of a new miner is that of a tenth of the minimum
 * consensus power. */
void slk_initial_pledge(mpz_t out, const slk_pledge_inputs_t *in, mpz_srcptr qa);

/* FF: of a deadline's faulty power, each day. */
void slk_fault_fee(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power, mpz_srcptr qa);

/* For power that an optimistically accepted, wrong window PoSt claimed; with the flat part. */
void slk_dispute_penalty(mpz_t out, const slk_filter_t *reward, const slk_filter_t *power,
                         mpz_srcptr qa);
/* What the one who disputed gets. */
void slk_dispute_reward(mpz_t out);

/* Of a sector that ends early, `age` epochs after its activation. fault_fee: slk_fault_fee of its
 * power. */
void slk_termination_fee(mpz_t out, mpz_srcptr initial_pledge, int64_t age, mpz_srcptr fault_fee);

/* epoch_reward: the estimate of method 3's filter. */
void slk_consensus_fault_penalty(mpz_t out, mpz_srcptr epoch_reward);
void slk_consensus_fault_reward(mpz_t out, mpz_srcptr epoch_reward);

/* DailyFee of a sector, fixed at its activation. */
void slk_daily_fee(mpz_t out, mpz_srcptr supply, mpz_srcptr qa);
/* After its power changed from old_qa > 0. */
void slk_daily_fee_adjusted(mpz_t out, mpz_srcptr daily_fee, mpz_srcptr old_qa, mpz_srcptr new_qa);
/* What a deadline pays of the sum of its sectors' fees. live_qa: their power. */
void slk_daily_fee_payable(mpz_t out, mpz_srcptr daily_fee, const slk_filter_t *reward,
                           const slk_filter_t *power, mpz_srcptr live_qa);

/* The part of a block reward that vests (vesting.h); the rest is free at once. */
void slk_locked_reward(mpz_t out, mpz_srcptr reward);

#endif /* SLK_CODEC_ECONOMICS_PLEDGE_H */
