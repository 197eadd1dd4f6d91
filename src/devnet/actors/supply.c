#include "devnet/actors/supply.h"

#include "base/assert.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/ipld/object.h"

#include <inttypes.h>

#define ATTO         UINT64_C(1000000000000000000)
#define RESERVED_FIL UINT64_C(1400000000) /* since network version 25 */
#define LIFTOFF      INT64_C(-6)
#define DAY          INT64_C(2880)
#define STATE_MEMORY ((size_t)1 << 20)

/* Whole FIL that become free evenly over so many days. */
static const struct {
    int64_t days;
    uint64_t fil;
} schedule[] = {
    {0, 10632000},  {183, 19015887 + 32787700}, {365, 22421712 + 9400000},
    {730, 7223364}, {1095, 87637883 + 898958},  {2190, 400000000 + 9805053},
};

/* What is locked is counted in whole units of one epoch's part. */
static slk_bigint_t vested_at(int64_t epoch)
{
    slk_bigint_t sum = slk_bigint_u64(0);
    const int64_t elapsed = epoch - LIFTOFF;
    for (size_t i = 0; i < SLK_COUNT(schedule); i++) {
        const int64_t duration = schedule[i].days * DAY;
        slk_bigint_t all = slk_bigint_mul(slk_bigint_u64(schedule[i].fil), slk_bigint_u64(ATTO));
        slk_bigint_t locked = slk_bigint_u64(0);
        if (elapsed < 0) {
            locked = all;
        } else if (elapsed < duration) {
            locked = slk_bigint_div_floor(all, slk_bigint_i64(duration));
            locked = slk_bigint_mul(locked, slk_bigint_i64(duration - elapsed));
        }
        sum = slk_bigint_add(sum, slk_bigint_sub(all, locked));
    }
    return sum;
}

static slk_err_t get(slk_actor_state_t *actor, slk_state_tree_t *tree, uint64_t id,
                     slk_diag_t *diag)
{
    bool found;
    slk_err_t err = slk_state_tree_get(tree, id, actor, &found, diag);
    if (err == SLK_OK && !found)
        return slk_fail(diag, SLK_ERR_STATE, "the state has no actor f0%" PRIu64, id);
    return err;
}

slk_err_t slk_circulating_supply(slk_supply_t *supply, slk_state_tree_t *tree,
                                 const slk_blockstore_t *store, int64_t epoch, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_actor_state_t actor;
    slk_reward_state_t reward;
    slk_power_state_t power;
    const slk_bigint_t none = slk_bigint_u64(0);
    slk_arena_init(&arena, STATE_MEMORY);
    supply->vested = vested_at(epoch);
    SLK_TRY(get(&actor, tree, SLK_ID_REWARD, diag));
    SLK_TRY(slk_object_get(&reward, &slk_reward_state_type, store, &actor.head, &arena, diag));
    supply->mined = reward.total_storage_power_reward;
    SLK_TRY(get(&actor, tree, SLK_ID_POWER, diag));
    SLK_TRY(slk_object_get(&power, &slk_power_state_type, store, &actor.head, &arena, diag));
    supply->locked = power.total_pledge_collateral;
    SLK_TRY(get(&actor, tree, SLK_ID_BURNT, diag));
    supply->burnt = actor.balance;
    SLK_TRY(get(&actor, tree, SLK_ID_RESERVE, diag));
    supply->reserve_disbursed = slk_bigint_sub(
        slk_bigint_mul(slk_bigint_u64(RESERVED_FIL), slk_bigint_u64(ATTO)), actor.balance);

    slk_bigint_t sum = slk_bigint_add(supply->vested, supply->mined);
    sum = slk_bigint_add(sum, supply->reserve_disbursed);
    sum = slk_bigint_sub(sum, supply->burnt);
    sum = slk_bigint_sub(sum, supply->locked);
    supply->circulating = slk_bigint_max(sum, none);
out:
    slk_arena_free(&arena);
    return err;
}
