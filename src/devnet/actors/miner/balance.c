/* Money that comes in and goes out: rewards, withdrawals, debt. */

#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/control.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

/* --- Rewards ---------------------------------------------------------------------------------- */

static slk_exit_t lock_reward(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t reward,
                              slk_bigint_t *pledge_delta)
{
    slk_bigint_t balance, vested;
    const slk_bigint_t lock = slk_miner_locked_reward(reward);
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlocked_balance(rt, st, &balance),
                           "failed to calculate unlocked balance"));
    if (slk_bigint_cmp(&balance, &lock) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "insufficient funds to lock, available: %s, requested: %s",
                            slk_fil_text(&balance).s, slk_fil_text(&lock).s);
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_lock_funds(rt, st, lock, &vested),
                           "failed to lock funds in vesting table"));
    *pledge_delta = slk_bigint_sub(lock, vested);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_apply_rewards(slk_rt_t *rt)
{
    const uint64_t reward_actor = SLK_ID_REWARD;
    slk_apply_reward_params_t params;
    slk_miner_state_t st;
    slk_bigint_t pledge_delta, to_burn, unlocked;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_apply_reward_params_type));
    if (slk_bigint_sign(&params.reward) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot lock up a negative amount of funds");
    if (slk_bigint_sign(&params.penalty) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot penalize a negative amount of funds");
    SLK_RT_TRY(slk_rt_require_caller(rt, &reward_actor, 1));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(lock_reward(rt, &st, params.reward, &pledge_delta));
    SLK_RT_TRY(slk_miner_apply_penalty(rt, &st, params.penalty));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, &st, &to_burn, &unlocked),
                           "failed to repay penalty"));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, slk_bigint_sub(pledge_delta, unlocked)));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    return slk_miner_check_balance(rt, &st);
}

/* --- Withdrawals ------------------------------------------------------------------------------ */

/* What of an amount the beneficiary may have, if that is not the owner; noted as used. */
static slk_exit_t use_quota(slk_rt_t *rt, slk_miner_info_t *info, slk_bigint_t *amount)
{
    slk_beneficiary_term_t *term = &info->beneficiary_term;
    slk_bigint_t left = slk_bigint_sub(term->quota, term->used_quota);
    if (slk_address_eq(&info->beneficiary, &info->owner))
        return SLK_EXIT_OK;
    if (term->expiration <= slk_rt_epoch(rt) || slk_bigint_sign(&left) <= 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "beneficiary expiration of epoch %" PRId64
                            " passed or quota of %s depleted with %s used",
                            term->expiration, slk_fil_text(&term->quota).s,
                            slk_fil_text(&term->used_quota).s);
    *amount = slk_bigint_min(*amount, left);
    term->used_quota = slk_bigint_add(term->used_quota, *amount);
    return SLK_EXIT_OK;
}

/* Frees what has vested, pays the debt, and tells what of a wish is there. */
static slk_exit_t prepare(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t wish,
                          slk_bigint_t *amount, slk_bigint_t *vested, slk_bigint_t *to_burn)
{
    slk_bigint_t available;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlock_vested(rt, st, vested), "Failed to vest fund"));
    SLK_RT_TRY(slk_miner_available_balance(rt, st, &available));
    SLK_RT_TRY(slk_miner_repay_debts(rt, st, to_burn));
    *amount = slk_bigint_min(available, wish);
    if (slk_bigint_sign(amount) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "negative amount to withdraw: %s",
                            slk_fil_text(amount).s);
    return SLK_EXIT_OK;
}

static slk_exit_t require_owner_or_beneficiary(slk_rt_t *rt, const slk_miner_info_t *info)
{
    uint64_t ids[2];
    if (!slk_address_to_id(&info->owner, &ids[0]) ||
        !slk_address_to_id(&info->beneficiary, &ids[1]))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "owner or beneficiary is no id");
    return slk_rt_require_caller(rt, ids, 2);
}

static slk_exit_t pay(slk_rt_t *rt, const slk_address_t *to, slk_bigint_t amount)
{
    uint64_t id;
    if (slk_bigint_sign(&amount) <= 0 || !slk_address_to_id(to, &id))
        return SLK_EXIT_OK;
    return slk_rt_call(rt, id, 0, NULL, 0, amount, NULL);
}

slk_exit_t slk_miner_withdraw_balance(slk_rt_t *rt)
{
    slk_miner_withdraw_balance_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_value_bigint_t amount;
    slk_bigint_t vested, to_burn;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_miner_withdraw_balance_params_type));
    if (slk_bigint_sign(&params.amount_requested) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "negative fund requested for withdrawal: %s",
                            slk_fil_text(&params.amount_requested).s);
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_load_info(rt, &st, &info));
    SLK_RT_TRY(require_owner_or_beneficiary(rt, &info));
    if (slk_miner_has_terminations(&st))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "cannot withdraw funds while %" PRIu64
                            " deadlines have terminated sectors with outstanding fees",
                            slk_bitfield_count(&st.early_terminations));
    SLK_RT_TRY(prepare(rt, &st, params.amount_requested, &amount.value, &vested, &to_burn));
    SLK_RT_TRY(use_quota(rt, &info, &amount.value));
    SLK_RT_TRY(slk_miner_save_info(rt, &st, &info));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(pay(rt, &info.beneficiary, amount.value));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, slk_bigint_neg(vested)));
    SLK_RT_TRY(slk_miner_check_balance(rt, &st));
    return slk_rt_return_record(rt, &amount, &slk_value_bigint_type);
}

/* --- Debt ------------------------------------------------------------------------------------- */

slk_exit_t slk_miner_repay_debt(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_bigint_t to_burn, unlocked;
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, &st, &to_burn, &unlocked),
                           "failed to unlock fee debt"));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, slk_bigint_neg(unlocked)));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    return slk_miner_check_balance(rt, &st);
}
