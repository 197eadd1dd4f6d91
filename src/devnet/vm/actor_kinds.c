/* Which table of methods an actor has. */

#include "base/assert.h"
#include "devnet/vm/machine_impl.h"

static const slk_actor_t *const actors[SLK_ACTOR_COUNT] = {
    [SLK_ACTOR_SYSTEM] = &slk_actor_system,     [SLK_ACTOR_INIT] = &slk_actor_init,
    [SLK_ACTOR_CRON] = &slk_actor_cron,         [SLK_ACTOR_ACCOUNT] = &slk_actor_account,
    [SLK_ACTOR_POWER] = &slk_actor_power,       [SLK_ACTOR_MINER] = &slk_actor_miner,
    [SLK_ACTOR_MARKET] = &slk_actor_market,     [SLK_ACTOR_REWARD] = &slk_actor_reward,
    [SLK_ACTOR_VERIFREG] = &slk_actor_verifreg, [SLK_ACTOR_DATACAP] = &slk_actor_datacap,
};

const slk_actor_t *slk_actor_table(slk_actor_kind_t kind)
{
    return kind < SLK_ACTOR_COUNT ? actors[kind] : NULL;
}

const char *slk_actor_kind_name(slk_actor_kind_t kind)
{
    return kind < SLK_ACTOR_COUNT ? slk_actor_name(kind) : "none";
}

slk_actor_kind_t slk_actor_kind_of_code(const slk_cid_t *code)
{
    slk_actor_kind_t kind;
    return slk_actor_from_devnet_code(&kind, code) ? kind : SLK_ACTOR_NONE;
}
