/* A miner's vesting funds in its state: the next to vest, and a link to the others. */

#include "base/assert.h"
#include "codec/economics/vesting.h"
#include "codec/ipld/object.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/money.h"

static slk_bigint_t from_mpz(mpz_srcptr z)
{
    slk_bigint_t v;
    bool fits = slk_bigint_from_mpz(&v, z);
    SLK_ASSERT(fits);
    return v;
}

/* --- State ------------------------------------------------------------------------------------ */

slk_exit_t slk_miner_vesting_funds(slk_rt_t *rt, const slk_miner_state_t *st,
                                   slk_vesting_fund_list_t *funds)
{
    slk_vesting_funds_tail_t tail;
    *funds = (slk_vesting_fund_list_t){0};
    if (!st->vesting_funds)
        return SLK_EXIT_OK;
    const slk_vesting_fund_t *head = &st->vesting_funds->head;
    SLK_RT_LIB(slk_object_get(&tail, &slk_vesting_funds_tail_type, slk_rt_store(rt),
                              &st->vesting_funds->tail, slk_rt_arena(rt), slk_rt_diag(rt)));
    SLK_RT_TRY(slk_rt_alloc(rt, &funds->items, tail.funds.count + 1, sizeof *funds->items));
    /* Fees may leave nothing of the head. */
    if (slk_bigint_sign(&head->amount) > 0)
        funds->items[funds->count++] = *head;
    for (size_t i = 0; i < tail.funds.count; i++)
        funds->items[funds->count++] = tail.funds.items[i];
    return SLK_EXIT_OK;
}

static slk_exit_t load_table(slk_rt_t *rt, const slk_miner_state_t *st, slk_vesting_table_t *table)
{
    slk_vesting_fund_list_t funds;
    mpz_t view;
    SLK_RT_TRY(slk_miner_vesting_funds(rt, st, &funds));
    for (size_t i = 0; i < funds.count; i++)
        SLK_RT_LIB(slk_vesting_append(table, funds.items[i].epoch,
                                      slk_bigint_view(view, &funds.items[i].amount),
                                      slk_rt_diag(rt)));
    return SLK_EXIT_OK;
}

static slk_exit_t save_table(slk_rt_t *rt, slk_miner_state_t *st, const slk_vesting_table_t *table)
{
    slk_vesting_funds_t *funds;
    slk_vesting_funds_tail_t tail = {0};
    st->vesting_funds = NULL;
    if (!table->cnt)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_rt_alloc(rt, &funds, 1, sizeof *funds));
    SLK_RT_TRY(slk_rt_alloc(rt, &tail.funds.items, table->cnt, sizeof *tail.funds.items));
    tail.funds.count = table->cnt - 1;
    for (size_t i = 0; i < table->cnt; i++)
        *(i ? &tail.funds.items[i - 1] : &funds->head) =
            (slk_vesting_fund_t){table->entries[i].epoch, from_mpz(table->entries[i].amount)};
    SLK_RT_LIB(slk_object_put(&funds->tail, &slk_vesting_funds_tail_type, &tail, slk_rt_store(rt),
                              slk_rt_diag(rt)));
    st->vesting_funds = funds;
    return SLK_EXIT_OK;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static slk_exit_t unlocked(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t amount)
{
    st->locked_funds = slk_bigint_sub(st->locked_funds, amount);
    if (slk_bigint_sign(&st->locked_funds) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "negative locked funds %s after unlocking %s",
                            slk_fil_text(&st->locked_funds).s, slk_fil_text(&amount).s);
    return SLK_EXIT_OK;
}

/* The day by which rewards vest: a proving period, so that it shrinks with a scaled one. */
static int64_t vesting_day(slk_rt_t *rt)
{
    return slk_rt_policy(rt)->proving_period;
}

slk_exit_t slk_miner_lock_funds(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t amount,
                                slk_bigint_t *freed)
{
    slk_vesting_table_t table = {0};
    mpz_t sum, view;
    slk_exit_t exit;
    const int64_t now = slk_rt_epoch(rt);
    if (slk_bigint_sign(&amount) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "negative vesting sum %s",
                            slk_fil_text(&amount).s);
    mpz_init(sum);
    SLK_RT_GOTO(load_table(rt, st, &table));
    slk_vesting_unlock(sum, &table, now);
    *freed = from_mpz(sum);
    if (slk_bigint_sign(&amount) > 0)
        SLK_RT_GOTO(slk_rt_err(rt,
                               slk_vesting_lock_days(&table, now, slk_bigint_view(view, &amount),
                                                     st->proving_period_start, vesting_day(rt),
                                                     slk_rt_diag(rt)),
                               SLK_EXIT_FATAL));
    SLK_RT_GOTO(save_table(rt, st, &table));
    SLK_RT_GOTO(unlocked(rt, st, *freed));
    st->locked_funds = slk_bigint_add(st->locked_funds, amount);
out:
    slk_vesting_clear(&table);
    mpz_clear(sum);
    return exit;
}

slk_exit_t slk_miner_unlock_vested(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *freed)
{
    slk_vesting_table_t table = {0};
    mpz_t sum;
    slk_exit_t exit;
    *freed = slk_bigint_u64(0);
    if (!slk_bigint_sign(&st->locked_funds) || !st->vesting_funds ||
        st->vesting_funds->head.epoch >= slk_rt_epoch(rt))
        return SLK_EXIT_OK;
    mpz_init(sum);
    SLK_RT_GOTO(load_table(rt, st, &table));
    slk_vesting_unlock(sum, &table, slk_rt_epoch(rt));
    *freed = from_mpz(sum);
    SLK_RT_GOTO(save_table(rt, st, &table));
    SLK_RT_GOTO(unlocked(rt, st, *freed));
out:
    slk_vesting_clear(&table);
    mpz_clear(sum);
    return exit;
}

/* Free what has vested, then up to `target` of what has not. (unlock_vested_and_unvested_funds) */
static slk_exit_t unlock_for_debt(slk_rt_t *rt, slk_miner_state_t *st, const slk_bigint_t *target,
                                  slk_bigint_t *freed)
{
    slk_vesting_table_t table = {0};
    mpz_t vested, seized, view;
    slk_exit_t exit = SLK_EXIT_OK;
    *freed = slk_bigint_u64(0);
    if (!st->vesting_funds || !slk_bigint_sign(target) || !slk_bigint_sign(&st->locked_funds))
        return SLK_EXIT_OK;
    mpz_inits(vested, seized, NULL);
    SLK_RT_GOTO(load_table(rt, st, &table));
    slk_vesting_unlock(vested, &table, slk_rt_epoch(rt));
    slk_vesting_seize(seized, &table, slk_bigint_view(view, target));
    mpz_add(seized, seized, vested);
    *freed = from_mpz(seized);
    SLK_RT_GOTO(save_table(rt, st, &table));
    SLK_RT_GOTO(unlocked(rt, st, *freed));
out:
    slk_vesting_clear(&table);
    mpz_clears(vested, seized, NULL);
    return exit;
}

slk_exit_t slk_miner_repay_partial(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t *to_burn,
                                   slk_bigint_t *freed)
{
    slk_bigint_t free_balance;
    SLK_RT_TRY(unlock_for_debt(rt, st, &st->fee_debt, freed));
    SLK_RT_TRY(slk_miner_unlocked_balance(rt, st, &free_balance));
    *to_burn = slk_bigint_min(free_balance, st->fee_debt);
    st->fee_debt = slk_bigint_sub(st->fee_debt, *to_burn);
    return SLK_EXIT_OK;
}
