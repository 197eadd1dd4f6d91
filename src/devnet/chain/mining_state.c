#include "devnet/chain/mining_state.h"

#include "base/assert.h"
#include "codec/ipld/amt.h"
#include "codec/ipld/hamt.h"
#include "codec/ipld/object.h"
#include "selkie/post.h"

#include <inttypes.h>

#define CLAIMS_WIDTH     5u
#define PARTITIONS_WIDTH 3u
#define SECTORS_WIDTH    5u
#define FEW_MINERS       4 /* below so many big ones everybody with power may make blocks */

slk_err_t slk_lookback(slk_tip_t **tip, slk_cid_t *root, slk_chain_t *chain, const slk_tip_t *base,
                       int64_t round, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *next = NULL;
    const int64_t back = round > SLK_CHAIN_FINALITY ? round - SLK_CHAIN_FINALITY : 0;
    *tip = NULL;
    if (!base->height) {
        *tip = slk_tip_ref((slk_tip_t *)base);
        *root = base->state;
        return SLK_OK;
    }
    if (back >= base->height)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "lookback height %" PRId64 " is at or after base height %" PRId64, back,
                        base->height);
    SLK_TRY(slk_chain_at(&next, chain, base, back + 1, true, diag));
    SLK_TRY(slk_chain_parent(tip, chain, next, diag));
    *root = *slk_tip_parent_state(next);
out:
    slk_tip_unref(next);
    return err;
}

slk_err_t slk_mining_miner(slk_miner_state_t *state, slk_miner_info_t *info, bool *found,
                           slk_chain_t *chain, const slk_cid_t *root, const slk_address_t *miner,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_actor_state_t actor;
    const slk_blockstore_t *store = slk_chain_store(chain);
    SLK_TRY(slk_chain_actor(&actor, NULL, found, chain, root, miner, diag));
    *found = *found && slk_actor_kind_of_code(&actor.code) == SLK_ACTOR_MINER;
    if (!*found)
        goto out;
    SLK_TRY(slk_object_get(state, &slk_miner_state_type, store, &actor.head, arena, diag));
    SLK_TRY(slk_object_get(info, &slk_miner_info_type, store, &state->info, arena, diag));
out:
    return err;
}

slk_err_t slk_mining_claim(slk_power_state_t *power, slk_power_claim_t *claim, bool *found,
                           slk_chain_t *chain, const slk_cid_t *root, const slk_address_t *miner,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_actor_state_t actor;
    slk_hamt_t *claims = NULL;
    slk_bytes_t value;
    const slk_address_t address = slk_address_id(SLK_ID_POWER);
    const slk_blockstore_t *store = slk_chain_store(chain);
    SLK_TRY(slk_chain_actor(&actor, NULL, found, chain, root, &address, diag));
    if (!*found) {
        err = slk_fail(diag, SLK_ERR_STATE, "the state has no power actor");
        goto out;
    }
    SLK_TRY(slk_object_get(power, &slk_power_state_type, store, &actor.head, arena, diag));
    SLK_TRY(slk_hamt_load(&claims, store, CLAIMS_WIDTH, &power->claims, diag));
    SLK_TRY(slk_hamt_get(claims, &value, (slk_bytes_t){miner->b, miner->len}, diag));
    *found = value.len > 0;
    if (*found)
        SLK_TRY(slk_record_decode(claim, &slk_power_claim_type, value.b, value.len, arena, diag));
out:
    slk_hamt_free(claims);
    return err;
}

/* --- Sectors ---------------------------------------------------------------------------------- */

typedef struct {
    slk_bitfield_t *sets; /* one a partition */
    size_t cnt, cap;
    slk_arena_t *arena;
} active_t;

static slk_err_t add_set(active_t *a, const slk_bitfield_t *set, slk_diag_t *diag)
{
    if (a->cnt == a->cap) {
        const size_t cap = a->cap ? a->cap * 2 : 64;
        slk_bitfield_t *sets = slk_arena_array(a->arena, cap, sizeof *sets);
        if (!sets)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the sectors of a miner");
        for (size_t i = 0; i < a->cnt; i++)
            sets[i] = a->sets[i];
        a->sets = sets;
        a->cap = cap;
    }
    a->sets[a->cnt++] = *set;
    return SLK_OK;
}

/* Live, not faulty, and proven. */
static slk_err_t add_partition(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                               slk_diag_t *diag)
{
    slk_err_t err;
    active_t *a = ctx;
    slk_partition_t part;
    slk_bitfield_t set;
    (void)index;
    (void)stop;
    SLK_TRY(slk_record_decode(&part, &slk_partition_type, value.b, value.len, a->arena, diag));
    SLK_TRY(slk_bitfield_difference(&set, &part.sectors, &part.terminated, a->arena));
    SLK_TRY(slk_bitfield_difference(&set, &set, &part.faults, a->arena));
    SLK_TRY(slk_bitfield_difference(&set, &set, &part.unproven, a->arena));
    SLK_TRY(add_set(a, &set, diag));
out:
    return err;
}

static slk_err_t collect_active(active_t *a, const slk_blockstore_t *store,
                                const slk_miner_state_t *state, slk_diag_t *diag)
{
    slk_err_t err;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_amt_t *partitions = NULL;
    SLK_TRY(
        slk_object_get(&deadlines, &slk_deadlines_type, store, &state->deadlines, a->arena, diag));
    for (size_t i = 0; i < deadlines.due.count; i++) {
        SLK_TRY(slk_object_get(&deadline, &slk_deadline_type, store, &deadlines.due.items[i],
                               a->arena, diag));
        SLK_TRY(slk_amt_load(&partitions, store, SLK_AMT_V3, PARTITIONS_WIDTH, &deadline.partitions,
                             diag));
        SLK_TRY(slk_amt_foreach(partitions, 0, add_partition, a, diag));
        slk_amt_free(partitions);
        partitions = NULL;
    }
out:
    slk_amt_free(partitions);
    return err;
}

static slk_err_t load_sector(slk_challenged_sector_t *out, const slk_blockstore_t *store,
                             const slk_cid_t *sectors, uint64_t number, slk_arena_t *arena,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_amt_t *amt = NULL;
    slk_bytes_t value;
    slk_sector_on_chain_info_t info;
    SLK_TRY(slk_amt_load(&amt, store, SLK_AMT_V3, SECTORS_WIDTH, sectors, diag));
    SLK_TRY(slk_amt_get(amt, &value, number, diag));
    SLK_TRY(
        slk_record_decode(&info, &slk_sector_on_chain_info_type, value.b, value.len, arena, diag));
    *out = (slk_challenged_sector_t){info.seal_proof, info.sector_number, info.sector_key_cid,
                                     info.sealed_cid};
out:
    slk_amt_free(amt);
    return err;
}

slk_err_t slk_mining_sectors(slk_challenged_sector_list_t *sectors, slk_chain_t *chain,
                             const slk_miner_state_t *state, uint64_t miner,
                             const slk_node_t *randomness, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    active_t a = {.arena = arena};
    slk_bitfield_t all, one;
    slk_node_t prover, drawn = *randomness;
    uint64_t number;
    *sectors = (slk_challenged_sector_list_t){0};
    SLK_TRY(collect_active(&a, slk_chain_store(chain), state, diag));
    SLK_TRY(slk_bitfield_union_all(&all, a.sets, a.cnt, arena));
    const uint64_t cnt = slk_bitfield_count(&all);
    if (!cnt)
        goto out;
    slk_prover_id(&prover, miner);
    slk_post_randomness(&drawn);
    SLK_TRY(
        slk_bitfield_slice(&one, &all, slk_post_winning_sector(&prover, &drawn, 0, cnt), 1, arena));
    bool found = slk_bitfield_first(&one, &number);
    SLK_ASSERT(found);
    sectors->items = slk_arena_array(arena, 1, sizeof *sectors->items);
    if (!sectors->items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a sector");
        goto out;
    }
    SLK_TRY(load_sector(&sectors->items[0], slk_chain_store(chain), &state->sectors, number, arena,
                        diag));
    sectors->count = 1;
out:
    return err;
}

/* --- The right -------------------------------------------------------------------------------- */

static bool big_enough(const slk_chain_t *chain, const slk_power_state_t *power,
                       const slk_power_claim_t *claim)
{
    const slk_bigint_t least = slk_bigint_u64(slk_chain_policy(chain)->consensus_min_power);
    if (slk_bigint_cmp(&claim->raw_byte_power, &least) >= 0)
        return true;
    return power->miner_above_min_power_count < FEW_MINERS &&
           slk_bigint_sign(&claim->raw_byte_power) > 0;
}

slk_err_t slk_mining_eligible(bool *is, slk_chain_t *chain, const slk_address_t *miner,
                              const slk_tip_t *base, const slk_tip_t *lookback, slk_arena_t *arena,
                              slk_diag_t *diag)
{
    slk_err_t err;
    slk_power_state_t power;
    slk_power_claim_t claim;
    slk_miner_state_t state;
    slk_miner_info_t info;
    bool found;
    *is = false;
    SLK_TRY(slk_mining_claim(&power, &claim, &found, chain, slk_tip_parent_state(lookback), miner,
                             arena, diag));
    if (!found || !big_enough(chain, &power, &claim))
        goto out;
    SLK_TRY(slk_mining_claim(&power, &claim, &found, chain, slk_tip_parent_state(base), miner,
                             arena, diag));
    if (!found || slk_bigint_sign(&claim.quality_adj_power) <= 0)
        goto out;
    SLK_TRY(slk_mining_miner(&state, &info, &found, chain, slk_tip_parent_state(base), miner, arena,
                             diag));
    *is = found && slk_bigint_sign(&state.fee_debt) == 0 &&
          base->height > info.consensus_fault_elapsed;
out:
    return err;
}
