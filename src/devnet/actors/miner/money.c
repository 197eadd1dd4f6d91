#include "devnet/actors/miner/money.h"

#include "base/assert.h"
#include "devnet/actors/miner/array.h"

#include <string.h>

#define REWARD_THIS_EPOCH  3u
#define POWER_PLEDGE_TOTAL 6u
#define POWER_TOTAL        9u

slk_fil_text_t slk_fil_text(const slk_bigint_t *atto)
{
    slk_fil_text_t text;
    slk_fil_format(text.s, atto);
    char *unit = strchr(text.s, ' ');
    if (unit)
        *unit = '\0';
    return text;
}

/* --- State ------------------------------------------------------------------------------------ */

slk_exit_t slk_miner_apply_penalty(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t penalty)
{
    if (slk_bigint_sign(&penalty) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "applying negative penalty %s not allowed", slk_fil_text(&penalty).s);
    st->fee_debt = slk_bigint_add(st->fee_debt, penalty);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_unlocked_balance(slk_rt_t *rt, const slk_miner_state_t *st, slk_bigint_t *out)
{
    *out = slk_bigint_sub(slk_rt_balance(rt), st->locked_funds);
    *out = slk_bigint_sub(*out, st->pre_commit_deposits);
    *out = slk_bigint_sub(*out, st->initial_pledge);
    if (slk_bigint_sign(out) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "negative unlocked balance %s",
                            slk_fil_text(out).s);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_available_balance(slk_rt_t *rt, const slk_miner_state_t *st, slk_bigint_t *out)
{
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlocked_balance(rt, st, out),
                           "failed to calculate available balance"));
    *out = slk_bigint_sub(*out, st->fee_debt);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_repay_debts(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *to_burn)
{
    static const char words[] = "unlocked balance can not repay fee debt";
    slk_bigint_t unlocked;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlocked_balance(rt, st, &unlocked), "%s", words));
    if (slk_bigint_cmp(&unlocked, &st->fee_debt) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS, "%s: %s (%s < %s)", words, words,
                            slk_fil_text(&unlocked).s, slk_fil_text(&st->fee_debt).s);
    *to_burn = st->fee_debt;
    st->fee_debt = slk_bigint_u64(0);
    return SLK_EXIT_OK;
}

static slk_exit_t add_to(slk_rt_t *rt, slk_bigint_t *total, const slk_bigint_t *delta,
                         const char *what)
{
    slk_bigint_t sum = slk_bigint_add(*total, *delta);
    if (slk_bigint_sign(&sum) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "negative %s %s after adding %s to prior %s", what,
                            slk_fil_text(&sum).s, slk_fil_text(delta).s, slk_fil_text(total).s);
    *total = sum;
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_add_deposit(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta)
{
    return add_to(rt, &st->pre_commit_deposits, &delta, "pre-commit deposit");
}

slk_exit_t slk_miner_add_pledge(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t delta)
{
    return add_to(rt, &st->initial_pledge, &delta, "initial pledge requirement");
}

bool slk_miner_continue_cron(const slk_miner_state_t *st)
{
    return slk_bigint_sign(&st->pre_commit_deposits) || slk_bigint_sign(&st->initial_pledge) ||
           slk_bigint_sign(&st->locked_funds);
}

slk_exit_t slk_miner_check_balance(slk_rt_t *rt, const slk_miner_state_t *st)
{
    static const char broken[] = "balance invariants broken";
    const struct {
        const slk_bigint_t *amount;
        const char *name;
    } amounts[] = {{&st->pre_commit_deposits, "pre-commit deposit"},
                   {&st->locked_funds, "locked funds"},
                   {&st->initial_pledge, "initial pledge"},
                   {&st->fee_debt, "fee debt"}};
    slk_bigint_t least = slk_bigint_u64(0);
    for (size_t i = 0; i < SLK_COUNT(amounts); i++) {
        if (slk_bigint_sign(amounts[i].amount) < 0)
            return slk_rt_abort(rt, SLK_EXIT_MINER_BALANCE_INVARIANTS_BROKEN,
                                "%s: %s is negative: %s", broken, amounts[i].name,
                                slk_fil_text(amounts[i].amount).s);
        if (amounts[i].amount != &st->fee_debt)
            least = slk_bigint_add(least, *amounts[i].amount);
    }
    slk_bigint_t balance = slk_rt_balance(rt);
    if (slk_bigint_cmp(&balance, &least) < 0)
        return slk_rt_abort(rt, SLK_EXIT_MINER_BALANCE_INVARIANTS_BROKEN,
                            "%s: balance %s below minimum %s", broken, slk_fil_text(&balance).s,
                            slk_fil_text(&least).s);
    return SLK_EXIT_OK;
}

/* --- Calls ------------------------------------------------------------------------------------ */

slk_exit_t slk_miner_burn(slk_rt_t *rt, slk_bigint_t amount)
{
    if (slk_bigint_sign(&amount) <= 0)
        return SLK_EXIT_OK;
    return slk_rt_call(rt, SLK_ID_BURNT, 0, NULL, 0, amount, NULL);
}

slk_exit_t slk_miner_pledge_changed(slk_rt_t *rt, slk_bigint_t delta)
{
    slk_value_bigint_t params = {delta};
    if (!slk_bigint_sign(&delta))
        return SLK_EXIT_OK;
    return slk_rt_call_record(rt, SLK_ID_POWER, POWER_PLEDGE_TOTAL, &params, &slk_value_bigint_type,
                              slk_bigint_u64(0), NULL);
}

static slk_exit_t ask(slk_rt_t *rt, uint64_t to, uint64_t method, void *answer,
                      const slk_type_t *type)
{
    slk_bytes_t ret;
    SLK_RT_TRY(slk_rt_call(rt, to, method, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_LIB(slk_record_decode(answer, type, ret.b, ret.len, slk_rt_arena(rt), slk_rt_diag(rt)));
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_epoch_reward(slk_rt_t *rt, slk_this_epoch_reward_return_t *out)
{
    return slk_rt_wrap(
        rt, ask(rt, SLK_ID_REWARD, REWARD_THIS_EPOCH, out, &slk_this_epoch_reward_return_type),
        "failed to check epoch reward");
}

slk_exit_t slk_miner_total_power(slk_rt_t *rt, slk_current_total_power_return_t *out)
{
    return slk_rt_wrap(
        rt, ask(rt, SLK_ID_POWER, POWER_TOTAL, out, &slk_current_total_power_return_type),
        "failed to check current power");
}

slk_exit_t slk_miner_network(slk_rt_t *rt, slk_miner_network_t *network)
{
    network->now = slk_rt_epoch(rt);
    SLK_RT_TRY(slk_miner_epoch_reward(rt, &network->reward));
    SLK_RT_TRY(slk_miner_total_power(rt, &network->power));
    return slk_rt_circulating_supply(rt, &network->supply);
}
