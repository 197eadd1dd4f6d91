#ifndef SLK_DEVNET_MINER_MONEY_H
#define SLK_DEVNET_MINER_MONEY_H

/* A miner's money: deposits, pledge, vesting rewards, debt (spec chain.md 4.3). Amounts in
 * attoFIL. */

#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/fil.h"
#include "devnet/actors/miner/miner.h"

/* --- State at hand: *st changes, nothing is sent or saved ------------------------------------- */

/* Add to the debt. SLK_EXIT_USR_ILLEGAL_STATE: negative. */
slk_exit_t slk_miner_apply_penalty(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t penalty);

/* Pay as much of the debt as there is: first out of vesting funds (those that have vested are
 * freed on the way), then out of the unlocked balance. to_burn: to be burnt; unlocked: what left
 * LockedFunds, by which the network's pledge falls. (actor:
 * repay_partial_debt_in_priority_order) */
slk_exit_t slk_miner_repay_partial(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *to_burn,
                                   slk_bigint_t *unlocked);

/* All of the debt from the unlocked balance; SLK_EXIT_USR_INSUFFICIENT_FUNDS. (repay_debts) */
slk_exit_t slk_miner_repay_debts(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *to_burn);

/* Free what has vested; how much. */
slk_exit_t slk_miner_unlock_vested(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *unlocked);

/* Lock an amount >= 0 that vests over 180 of the network's days; unlocked: what had vested before.
 * (add_locked_funds) */
slk_exit_t slk_miner_lock_funds(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t amount,
                                slk_bigint_t *unlocked);

/* What is locked and when it vests; entries of nothing are left out. (VestingFunds::load) */
slk_exit_t slk_miner_vesting_funds(slk_rt_t *rt, const slk_miner_state_t *st,
                                   slk_vesting_fund_list_t *funds);

/* What of the receiver's balance is neither vesting nor deposit nor pledge; and less the debt,
 * which may be negative. SLK_EXIT_USR_ILLEGAL_STATE: more is locked than there is. */
slk_exit_t slk_miner_unlocked_balance(slk_rt_t *rt, const slk_miner_state_t *st, slk_bigint_t *out);
slk_exit_t slk_miner_available_balance(slk_rt_t *rt, const slk_miner_state_t *st,
                                       slk_bigint_t *out);

/* Change PreCommitDeposits; SLK_EXIT_USR_ILLEGAL_STATE below zero. */
slk_exit_t slk_miner_add_deposit(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta);

/* Change InitialPledge; SLK_EXIT_USR_ILLEGAL_STATE below zero. */
slk_exit_t slk_miner_add_pledge(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta);

/* Remove pre-commits whose time is over; deposits: theirs, taken from PreCommitDeposits, to become
 * debt. (cleanup_expired_pre_commits) */
slk_exit_t slk_miner_clean_up_precommits(slk_rt_t *rt, slk_miner_state_t *st,
                                         slk_bigint_t *deposits);

/* There is money that needs the deadlines' cron. (continue_deadline_cron) */
bool slk_miner_continue_cron(const slk_miner_state_t *st);

/* SLK_EXIT_MINER_BALANCE_INVARIANTS_BROKEN unless the receiver's balance covers what is locked. */
slk_exit_t slk_miner_check_balance(slk_rt_t *rt, const slk_miner_state_t *st);

/* --- Calls ------------------------------------------------------------------------------------ */

/* To f099, if > 0. */
slk_exit_t slk_miner_burn(slk_rt_t *rt, slk_bigint_t amount);
/* UpdatePledgeTotal of the power actor, unless zero. */
slk_exit_t slk_miner_pledge_changed(slk_rt_t *rt, slk_bigint_t delta);
/* ThisEpochReward of the reward actor, CurrentTotalPower of the power actor. */
slk_exit_t slk_miner_epoch_reward(slk_rt_t *rt, slk_this_epoch_reward_return_t *out);
slk_exit_t slk_miner_total_power(slk_rt_t *rt, slk_current_total_power_return_t *out);

/* What a pledge depends on: both calls and the supply. */
typedef struct {
    slk_this_epoch_reward_return_t reward;
    slk_current_total_power_return_t power;
    slk_bigint_t supply;
    int64_t now;
} slk_miner_network_t;
slk_exit_t slk_miner_network(slk_rt_t *rt, slk_miner_network_t *network);

/* --- Formulas (codec/economics) on the chain's integers --------------------------------------- */

/* Of a sector that is committed now; of a pre-commit, whatever it holds. */
slk_bigint_t slk_miner_initial_pledge(const slk_miner_network_t *network, slk_bigint_t qa);
slk_bigint_t slk_miner_precommit_deposit(const slk_miner_network_t *network, uint64_t sector_size);

/* FF of faulty power. */
slk_bigint_t slk_miner_fault_fee(const slk_filter_estimate_t *reward,
                                 const slk_filter_estimate_t *power, slk_bigint_t qa);
/* Of one sector that ended early at `age` epochs after its activation. */
slk_bigint_t slk_miner_termination_fee(const slk_filter_estimate_t *reward,
                                       const slk_filter_estimate_t *power, slk_bigint_t qa,
                                       slk_bigint_t initial_pledge, int64_t age);
/* At this age, 140 days, and above it does not grow with the age any more. */
#define SLK_TERMINATION_AGE_MAX (140 * INT64_C(2880))
/* For a disputed proof: penalty with its flat part, without the reporter's reward; and the
 * reward. */
slk_bigint_t slk_miner_dispute_penalty(const slk_filter_estimate_t *reward,
                                       const slk_filter_estimate_t *power, slk_bigint_t qa);
slk_bigint_t slk_miner_dispute_reward(void);
/* A deadline's daily fee with its cap. */
slk_bigint_t slk_miner_daily_fee_payable(const slk_filter_estimate_t *reward,
                                         const slk_filter_estimate_t *power, slk_bigint_t daily_fee,
                                         slk_bigint_t live_qa);
/* Of a sector that begins to pay, and of one whose power changed. */
slk_bigint_t slk_miner_daily_fee(slk_bigint_t supply, slk_bigint_t qa);
slk_bigint_t slk_miner_daily_fee_adjusted(slk_bigint_t daily_fee, slk_bigint_t old_qa,
                                          slk_bigint_t new_qa);

/* What of a block's reward vests. */
slk_bigint_t slk_miner_locked_reward(slk_bigint_t reward);

/* An amount as the real actors' texts show it: "0.000000005937181320" without zeros at the end. */
typedef struct {
    char s[SLK_FIL_TEXT_SZ];
} slk_fil_text_t;
slk_fil_text_t slk_fil_text(const slk_bigint_t *atto);

#endif /* SLK_DEVNET_MINER_MONEY_H */
