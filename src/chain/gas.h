#ifndef SLK_CHAIN_GAS_H
#define SLK_CHAIN_GAS_H

/* What a message may cost, and what it must cost to take another's place in the message pool. Pure
 * arithmetic in attoFIL. Source: spec chain.md 2.2, 2.3. */

#include "codec/bigint.h"

#include <stdbool.h>

typedef struct {
    int64_t gas_limit;
    slk_bigint_t fee_cap, premium; /* a gas unit */
} slk_gas_t;

/* 0.07 FIL, the node's own default. */
slk_bigint_t slk_gas_default_max_fee(void);

/* Most that the message can cost beside its value: fee cap times limit. */
slk_bigint_t slk_gas_max_cost(const slk_gas_t *gas);

/* Lower the fee cap so that the cost is at most max_fee, and the premium to the fee cap. False (and
 * unchanged) when that would put the fee cap below the network's minimum of 100. */
bool slk_gas_cap(slk_gas_t *gas, const slk_bigint_t *max_fee);

/* Smallest premium with which a pool takes a message in place of one that pays `old`:
 * floor(old * 125 / 100) + 1. (Present nodes accept 110 %, older ones want this.) */
slk_bigint_t slk_gas_replace_premium(const slk_bigint_t *old);

/* Prices for taking the place of `old`: the premium that is needed or, where it is higher, the
 * estimate's; the larger fee cap of the two, at least the premium; same limit. False where max_fee
 * does not allow it; *gas is then the cheapest that would do. */
bool slk_gas_replace(slk_gas_t *gas, const slk_gas_t *old, const slk_gas_t *estimate,
                     const slk_bigint_t *max_fee);

#endif /* SLK_CHAIN_GAS_H */
