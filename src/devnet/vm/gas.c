#include "devnet/vm/gas.h"

#include "base/assert.h"

#include <stdlib.h>

int64_t slk_gas_inclusion(size_t len)
{
    return 560663 + 1300 * (int64_t)len;
}

static const int64_t prices[SLK_GAS_CNT] = {
    [SLK_GAS_CALL] = 75000,
    [SLK_GAS_TRANSFER] = 6000,
    [SLK_GAS_NEW_ACTOR] = 4500000,
    [SLK_GAS_BLOCK_READ] = 187000,
    [SLK_GAS_BLOCK_WRITE] = 172000,
    [SLK_GAS_BYTE_WRITTEN] = 1300,
    [SLK_GAS_SIGNATURE_SECP256K1] = 1637292,
    [SLK_GAS_SIGNATURE_BLS] = 16598605,
    [SLK_GAS_COMM_D] = 98647,
    [SLK_GAS_SEAL_PROOF] = 42000000,
    [SLK_GAS_WINDOW_POST] = 117680921,
    [SLK_GAS_WINDOW_POST_SECTOR] = 43780,
    [SLK_GAS_REPLICA_UPDATE] = 36316136,
    [SLK_GAS_RANDOMNESS] = 146200,
    [SLK_GAS_RANDOMNESS_EPOCH] = 75,
    [SLK_GAS_EVENT] = 2000,
    [SLK_GAS_EVENT_BYTE] = 300,
};

int64_t slk_gas_price(slk_gas_item_t item)
{
    SLK_ASSERT(item < SLK_GAS_CNT);
    return prices[item];
}

/* --- Charges --------------------------------------------------------------------------------------- */

static slk_bigint_t times(const slk_bigint_t *price, int64_t gas)
{
    return slk_bigint_mul(*price, slk_bigint_i64(gas));
}

/* Gas to burn for a limit that was set too high. */
static int64_t over_estimation(int64_t limit, int64_t used)
{
    if (!used)
        return limit;
    int64_t over = limit - 11 * used / 10;
    if (over <= 0)
        return 0;
    if (over > used)
        over = used;
    return (int64_t)((__int128)(limit - used) * over / used);
}

slk_gas_charge_t slk_gas_charge(const slk_message_t *message, int64_t used,
                                const slk_bigint_t *base_fee)
{
    slk_gas_charge_t c = {0};
    const int64_t limit = message->gas_limit, burn = over_estimation(limit, used);
    slk_bigint_t paid = *base_fee, above = slk_bigint_sub(message->gas_fee_cap, *base_fee);
    slk_bigint_t all = times(&message->gas_fee_cap, limit);
    if (slk_bigint_sign(&above) < 0) {
        slk_bigint_t missing = slk_bigint_neg(above);
        paid = message->gas_fee_cap;
        c.miner_penalty = times(&missing, used + burn);
        above = slk_bigint_u64(0);
    }
    slk_bigint_t premium = slk_bigint_min(message->gas_premium, above);
    c.base_fee_burn = times(&paid, used);
    c.over_estimation_burn = times(&paid, burn);
    c.miner_tip = times(&premium, limit);
    c.refund = slk_bigint_sub(all, c.base_fee_burn);
    c.refund = slk_bigint_sub(c.refund, c.over_estimation_burn);
    c.refund = slk_bigint_sub(c.refund, c.miner_tip);
    return c;
}

/* --- Base fee ---------------------------------------------------------------------------------------- */

#define CROSSING (8 * INT64_C(1000000000) - 1) /* 80 % of a block's gas */

static int by_premium(const void *a, const void *b)
{
    const slk_gas_paid_t *x = a, *y = b;
    return slk_bigint_cmp(&y->premium, &x->premium);
}

slk_bigint_t slk_next_base_fee(const slk_bigint_t *base_fee, slk_gas_paid_t *paid, size_t cnt)
{
    slk_bigint_t premium = {0}, floor = slk_bigint_u64(SLK_MIN_BASE_FEE);
    int64_t sum = 0;
    if (cnt)
        qsort(paid, cnt, sizeof *paid, by_premium);
    for (size_t i = 0; i < cnt && sum <= CROSSING; i++) {
        sum += paid[i].limit;
        if (sum > CROSSING)
            premium = paid[i].premium;
    }
    slk_bigint_t eighth = slk_bigint_add(*base_fee, slk_bigint_u64(7));
    eighth = slk_bigint_shr(eighth, 3);
    slk_bigint_t change = slk_bigint_min(eighth, slk_bigint_sub(premium, eighth));
    return slk_bigint_max(floor, slk_bigint_add(*base_fee, change));
}
