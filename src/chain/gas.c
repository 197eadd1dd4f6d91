#include "chain/gas.h"

#include "base/assert.h"

#define MIN_FEE_CAP 100u

slk_bigint_t slk_gas_default_max_fee(void)
{
    return slk_bigint_u64(70000000000000000u);
}

slk_bigint_t slk_gas_max_cost(const slk_gas_t *gas)
{
    return slk_bigint_mul(gas->fee_cap, slk_bigint_i64(gas->gas_limit));
}

bool slk_gas_cap(slk_gas_t *gas, const slk_bigint_t *max_fee)
{
    SLK_ASSERT(gas->gas_limit > 0);
    slk_bigint_t cost = slk_gas_max_cost(gas), least = slk_bigint_u64(MIN_FEE_CAP);
    if (slk_bigint_cmp(&cost, max_fee) <= 0)
        return true;
    slk_bigint_t cap = slk_bigint_div_floor(*max_fee, slk_bigint_i64(gas->gas_limit));
    if (slk_bigint_cmp(&cap, &least) < 0)
        return false;
    gas->fee_cap = cap;
    gas->premium = slk_bigint_min(gas->premium, cap);
    return true;
}

slk_bigint_t slk_gas_replace_premium(const slk_bigint_t *old)
{
    slk_bigint_t raised = slk_bigint_mul(*old, slk_bigint_u64(125));
    return slk_bigint_add(slk_bigint_div_floor(raised, slk_bigint_u64(100)), slk_bigint_u64(1));
}

bool slk_gas_replace(slk_gas_t *gas, const slk_gas_t *old, const slk_gas_t *estimate,
                     const slk_bigint_t *max_fee)
{
    SLK_ASSERT(old->gas_limit > 0);
    slk_bigint_t needed = slk_gas_replace_premium(&old->premium);
    slk_bigint_t limit = slk_bigint_div_floor(*max_fee, slk_bigint_i64(old->gas_limit));
    gas->gas_limit = old->gas_limit;
    gas->premium = needed;
    gas->fee_cap = slk_bigint_max(old->fee_cap, needed);
    if (slk_bigint_cmp(&limit, &gas->fee_cap) < 0)
        return false;
    gas->premium = slk_bigint_min(slk_bigint_max(needed, estimate->premium), limit);
    slk_bigint_t cap = slk_bigint_max(gas->fee_cap, estimate->fee_cap);
    gas->fee_cap = slk_bigint_min(slk_bigint_max(cap, gas->premium), limit);
    return true;
}
