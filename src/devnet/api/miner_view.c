#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "codec/actors/method.h"
#include "devnet/actors/miner/array.h"

#include <inttypes.h>
#include <string.h>

/* --- Objects ------------------------------------------------------------------------------------------------- */

slk_err_t slk_view_object(slk_ask_t *ask, const slk_cid_t *cid, const slk_type_t *type,
                          void *record)
{
    return slk_object_get(record, type, slk_chain_store(ask->chain), cid, &ask->arena, &ask->diag);
}

slk_err_t slk_view_singleton(slk_ask_t *ask, const slk_tip_t *tip, uint64_t id,
                             const slk_type_t *type, void *state)
{
    slk_actor_state_t actor;
    bool found;
    const slk_address_t address = slk_address_id(id);
    slk_err_t err = slk_chain_actor(&actor, NULL, &found, ask->chain, slk_tip_parent_state(tip),
                                    &address, &ask->diag);
    if (err == SLK_OK && !found)
        err = slk_fail(&ask->diag, SLK_ERR_STATE, "actor not found");
    return err == SLK_OK ? slk_view_object(ask, &actor.head, type, state) : err;
}

slk_err_t slk_view_map_get(slk_ask_t *ask, const slk_cid_t *root, unsigned width, slk_bytes_t key,
                           const slk_type_t *type, void *record, bool *found)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    slk_bytes_t value;
    *found = false;
    SLK_TRY(slk_hamt_load(&map, slk_chain_store(ask->chain), width, root, &ask->diag));
    SLK_TRY(slk_hamt_get(map, &value, key, &ask->diag));
    *found = value.len != 0;
    if (*found) {
        const void *copy = slk_arena_copy(&ask->arena, value.b, value.len);
        err = copy ? slk_record_decode(record, type, copy, value.len, &ask->arena, &ask->diag)
                   : slk_ask_json(ask, NULL);
    }
out:
    slk_hamt_free(map);
    return err;
}

slk_err_t slk_view_array_get(slk_ask_t *ask, const slk_cid_t *root, unsigned width, uint64_t index,
                             const slk_type_t *type, void *record, bool *found)
{
    slk_err_t err = SLK_OK;
    slk_amt_t *amt = NULL;
    slk_bytes_t value;
    *found = false;
    if (index > SLK_AMT_INDEX_MAX)
        return SLK_OK;
    SLK_TRY(slk_amt_load(&amt, slk_chain_store(ask->chain), SLK_AMT_V3, width, root, &ask->diag));
    SLK_TRY(slk_amt_get(amt, &value, index, &ask->diag));
    *found = value.len != 0;
    if (*found) {
        const void *copy = slk_arena_copy(&ask->arena, value.b, value.len);
        err = copy ? slk_record_decode(record, type, copy, value.len, &ask->arena, &ask->diag)
                   : slk_ask_json(ask, NULL);
    }
out:
    slk_amt_free(amt);
    return err;
}

slk_err_t slk_view_map_each(slk_ask_t *ask, const slk_cid_t *root, unsigned width,
                            slk_hamt_visit_t visit, void *ctx)
{
    slk_hamt_t *map = NULL;
    slk_err_t err = slk_hamt_load(&map, slk_chain_store(ask->chain), width, root, &ask->diag);
    if (err == SLK_OK)
        err = slk_hamt_foreach(map, visit, ctx, &ask->diag);
    slk_hamt_free(map);
    return err;
}

slk_err_t slk_view_array_each(slk_ask_t *ask, const slk_cid_t *root, unsigned width,
                              slk_amt_visit_t visit, void *ctx)
{
    slk_amt_t *amt = NULL;
    slk_err_t err =
        slk_amt_load(&amt, slk_chain_store(ask->chain), SLK_AMT_V3, width, root, &ask->diag);
    if (err == SLK_OK)
        err = slk_amt_foreach(amt, 0, visit, ctx, &ask->diag);
    slk_amt_free(amt);
    return err;
}

slk_err_t slk_view_array_count(slk_ask_t *ask, const slk_cid_t *root, unsigned width, uint64_t *cnt)
{
    slk_amt_t *amt = NULL;
    slk_err_t err =
        slk_amt_load(&amt, slk_chain_store(ask->chain), SLK_AMT_V3, width, root, &ask->diag);
    *cnt = err == SLK_OK ? slk_amt_count(amt) : 0;
    slk_amt_free(amt);
    return err;
}

/* --- Miners ---------------------------------------------------------------------------------------------------- */

slk_err_t slk_view_miner(slk_ask_t *ask, const slk_tip_t *tip, const slk_address_t *address,
                         slk_view_miner_t *miner)
{
    bool found;
    slk_actor_kind_t kind;
    miner->tip = tip;
    slk_err_t err = slk_chain_actor(&miner->actor, &miner->id, &found, ask->chain,
                                    slk_tip_parent_state(tip), address, &ask->diag);
    if (err == SLK_OK && !found)
        return slk_fail(&ask->diag, SLK_ERR_NOTFOUND,
                        "failed to load miner actor: actor not found");
    if (err != SLK_OK)
        return err;
    if (!slk_actor_from_devnet_code(&kind, &miner->actor.code) || kind != SLK_ACTOR_MINER)
        return slk_fail(&ask->diag, SLK_ERR_INPUT,
                        "failed to load miner actor state: actor code is not miner: %s",
                        slk_actor_from_devnet_code(&kind, &miner->actor.code)
                            ? slk_actor_name(kind)
                            : slk_cid_text(&miner->actor.code).s);
    return slk_view_object(ask, &miner->actor.head, &slk_miner_state_type, &miner->state);
}

slk_err_t slk_view_miner_info(slk_ask_t *ask, const slk_view_miner_t *miner, slk_miner_info_t *info)
{
    return slk_view_object(ask, &miner->state.info, &slk_miner_info_type, info);
}

slk_err_t slk_view_deadline(slk_ask_t *ask, const slk_view_miner_t *miner, uint64_t index,
                            slk_deadline_t *deadline)
{
    slk_deadlines_t all;
    slk_err_t err = slk_view_object(ask, &miner->state.deadlines, &slk_deadlines_type, &all);
    if (err == SLK_OK && index >= all.due.count)
        err = slk_fail(&ask->diag, SLK_ERR_INPUT,
                       "failed to load the deadline: invalid deadline %" PRIu64, index);
    return err == SLK_OK ? slk_view_object(ask, &all.due.items[index], &slk_deadline_type, deadline)
                         : err;
}

typedef struct {
    slk_ask_t *ask;
    uint64_t deadline;
    slk_view_partition_fn_t *fn;
    void *ctx;
    bool *stop;
} each_t;

static slk_err_t each_partition(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                                slk_diag_t *diag)
{
    each_t *e = ctx;
    slk_partition_t partition;
    const void *copy = slk_arena_copy(&e->ask->arena, value.b, value.len);
    if (!copy)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the answer");
    slk_err_t err =
        slk_record_decode(&partition, &slk_partition_type, copy, value.len, &e->ask->arena, diag);
    if (err == SLK_OK)
        err = e->fn(e->ctx, e->ask, e->deadline, index, &partition, e->stop);
    *stop = *e->stop;
    return err;
}

slk_err_t slk_view_partitions(slk_ask_t *ask, const slk_deadline_t *deadline, uint64_t number,
                              slk_view_partition_fn_t *fn, void *ctx, bool *stop)
{
    each_t each = {ask, number, fn, ctx, stop};
    return slk_view_array_each(ask, &deadline->partitions, SLK_WIDTH_PARTITIONS, each_partition,
                               &each);
}

slk_err_t slk_view_all_partitions(slk_ask_t *ask, const slk_view_miner_t *miner,
                                  slk_view_partition_fn_t *fn, void *ctx)
{
    slk_deadlines_t all;
    bool stop = false;
    slk_err_t err = slk_view_object(ask, &miner->state.deadlines, &slk_deadlines_type, &all);
    for (uint64_t i = 0; err == SLK_OK && i < all.due.count && !stop; i++) {
        slk_deadline_t deadline;
        err = slk_view_object(ask, &all.due.items[i], &slk_deadline_type, &deadline);
        if (err == SLK_OK)
            err = slk_view_partitions(ask, &deadline, i, fn, ctx, &stop);
    }
    return err;
}

slk_err_t slk_view_live(slk_ask_t *ask, const slk_partition_t *partition, slk_bitfield_t *live)
{
    return slk_bitfield_difference(live, &partition->sectors, &partition->terminated, &ask->arena);
}

slk_err_t slk_view_active(slk_ask_t *ask, const slk_partition_t *partition, slk_bitfield_t *active)
{
    slk_err_t err = slk_view_live(ask, partition, active);
    if (err == SLK_OK)
        err = slk_bitfield_difference(active, active, &partition->faults, &ask->arena);
    if (err == SLK_OK)
        err = slk_bitfield_difference(active, active, &partition->unproven, &ask->arena);
    return err;
}

/* --- Sets ---------------------------------------------------------------------------------------------------- */

slk_err_t slk_view_sets_add(slk_ask_t *ask, slk_view_sets_t *sets, const slk_bitfield_t *set)
{
    if (slk_bitfield_is_empty(set))
        return SLK_OK;
    if (sets->cnt == sets->cap) {
        const size_t cap = sets->cap ? 2 * sets->cap : 64;
        slk_bitfield_t *items = slk_arena_array(&ask->arena, cap, sizeof *items);
        if (!items)
            return slk_ask_json(ask, NULL);
        if (sets->cnt)
            memcpy(items, sets->items, sets->cnt * sizeof *items);
        sets->items = items;
        sets->cap = cap;
    }
    sets->items[sets->cnt++] = *set;
    return SLK_OK;
}

slk_err_t slk_view_sets_union(slk_ask_t *ask, const slk_view_sets_t *sets, slk_bitfield_t *out)
{
    *out = (slk_bitfield_t){0};
    return sets->cnt ? slk_bitfield_union_all(out, sets->items, sets->cnt, &ask->arena) : SLK_OK;
}
