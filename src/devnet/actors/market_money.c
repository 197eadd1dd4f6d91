/* Escrow of the market: two tables from address to amount, one of all and one of what is locked. */

#include "devnet/actors/market_state.h"

#include "base/assert.h"

#include <inttypes.h>

#define SUPPLY_PART 100u

static slk_exit_t get(slk_rt_t *rt, const slk_cid_t *table, uint64_t id, slk_bigint_t *amount)
{
    const slk_address_t address = slk_address_id(id);
    slk_value_bigint_t value;
    bool found;
    SLK_RT_TRY(slk_state_map_get(rt, table, SLK_BALANCES_WIDTH, slk_state_key(&address), &value,
                                 &slk_value_bigint_type, &found));
    *amount = found ? value.value : slk_bigint_u64(0);
    return SLK_EXIT_OK;
}

/* An amount that becomes zero leaves the table; zero added to nothing enters it, as in the real
 * one. */
static slk_exit_t add(slk_rt_t *rt, slk_cid_t *table, uint64_t id, slk_bigint_t delta)
{
    const slk_address_t address = slk_address_id(id);
    slk_bigint_t before;
    SLK_RT_TRY(get(rt, table, id, &before));
    slk_value_bigint_t sum = {slk_bigint_add(before, delta)};
    if (slk_bigint_sign(&sum.value) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "negative balance for f0%" PRIu64 " adding %s to %s", id,
                            slk_bigint_text(&delta).s, slk_bigint_text(&before).s);
    if (!slk_bigint_sign(&sum.value) && slk_bigint_sign(&before))
        return slk_state_map_delete(rt, table, SLK_BALANCES_WIDTH, slk_state_key(&address), NULL,
                                    NULL);
    return slk_state_map_set(rt, table, SLK_BALANCES_WIDTH, slk_state_key(&address), &sum,
                             &slk_value_bigint_type);
}

static slk_exit_t subtract(slk_rt_t *rt, slk_cid_t *table, uint64_t id, slk_bigint_t amount)
{
    return add(rt, table, id, slk_bigint_neg(amount));
}

slk_exit_t slk_market_escrow(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                             slk_bigint_t *all, slk_bigint_t *locked)
{
    SLK_RT_TRY(get(rt, &st->escrow_table, id, all));
    return get(rt, &st->locked_table, id, locked);
}

slk_exit_t slk_market_deposit(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                              slk_bigint_t amount)
{
    return add(rt, &st->escrow_table, id, amount);
}

slk_exit_t slk_market_take_free(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                                slk_bigint_t amount, slk_bigint_t *taken)
{
    slk_bigint_t all, locked;
    SLK_RT_TRY(slk_market_escrow(rt, st, id, &all, &locked));
    slk_bigint_t available = slk_bigint_max(slk_bigint_sub(all, locked), slk_bigint_u64(0));
    *taken = slk_bigint_min(available, amount);
    if (slk_bigint_sign(taken) <= 0)
        return SLK_EXIT_OK;
    return subtract(rt, &st->escrow_table, id, *taken);
}

slk_bigint_t slk_deal_least_collateral(uint64_t piece_size, slk_bigint_t power, slk_bigint_t supply)
{
    const slk_bigint_t size = slk_bigint_u64(piece_size), whole = slk_bigint_max(power, size);
    return slk_bigint_div_floor(slk_bigint_mul(size, supply),
                                slk_bigint_mul(whole, slk_bigint_u64(SUPPLY_PART)));
}

/* --- Locks ------------------------------------------------------------------------------------ */

slk_bigint_t slk_deal_fee(const slk_deal_proposal_t *proposal)
{
    return slk_bigint_mul(proposal->storage_price_per_epoch,
                          slk_bigint_i64(proposal->end_epoch - proposal->start_epoch));
}

slk_bigint_t slk_deal_client_needs(const slk_deal_proposal_t *proposal)
{
    return slk_bigint_add(proposal->client_collateral, slk_deal_fee(proposal));
}

static slk_bigint_t *total_of(slk_market_state_t *st, slk_lock_t why)
{
    return why == SLK_LOCK_CLIENT_COLLATERAL ? &st->total_client_locked_collateral
           : why == SLK_LOCK_STORAGE_FEE     ? &st->total_client_storage_fee
                                             : &st->total_provider_locked_collateral;
}

static slk_exit_t lock_one(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t amount)
{
    slk_bigint_t all, locked;
    SLK_RT_TRY(slk_market_escrow(rt, st, id, &all, &locked));
    slk_bigint_t sum = slk_bigint_add(locked, amount);
    if (slk_bigint_cmp(&sum, &all) > 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "not enough balance to lock for addr f0%" PRIu64
                            ": escrow balance %s < prev locked %s + amount %s",
                            id, slk_bigint_text(&all).s, slk_bigint_text(&locked).s,
                            slk_bigint_text(&amount).s);
    return add(rt, &st->locked_table, id, amount);
}

slk_exit_t slk_market_lock(slk_rt_t *rt, slk_market_state_t *st,
                           const slk_deal_proposal_t *proposal)
{
    slk_bigint_t *collateral = total_of(st, SLK_LOCK_CLIENT_COLLATERAL);
    slk_bigint_t *fee = total_of(st, SLK_LOCK_STORAGE_FEE);
    slk_bigint_t *provider = total_of(st, SLK_LOCK_PROVIDER);
    SLK_RT_TRY(lock_one(rt, st, slk_deal_client(proposal), slk_deal_client_needs(proposal)));
    SLK_RT_TRY(lock_one(rt, st, slk_deal_provider(proposal), proposal->provider_collateral));
    *collateral = slk_bigint_add(*collateral, proposal->client_collateral);
    *fee = slk_bigint_add(*fee, slk_deal_fee(proposal));
    *provider = slk_bigint_add(*provider, proposal->provider_collateral);
    return SLK_EXIT_OK;
}

slk_exit_t slk_market_unlock(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t amount,
                             slk_lock_t why)
{
    slk_bigint_t *total = total_of(st, why);
    SLK_RT_TRY(subtract(rt, &st->locked_table, id, amount));
    *total = slk_bigint_sub(*total, amount);
    return SLK_EXIT_OK;
}

slk_exit_t slk_market_pay(slk_rt_t *rt, slk_market_state_t *st, uint64_t from, uint64_t to,
                          slk_bigint_t amount)
{
    SLK_RT_TRY(subtract(rt, &st->escrow_table, from, amount));
    SLK_RT_TRY(slk_market_unlock(rt, st, from, amount, SLK_LOCK_STORAGE_FEE));
    return add(rt, &st->escrow_table, to, amount);
}

slk_exit_t slk_market_slash(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t amount,
                            slk_lock_t why)
{
    SLK_RT_TRY(subtract(rt, &st->escrow_table, id, amount));
    return slk_market_unlock(rt, st, id, amount, why);
}
