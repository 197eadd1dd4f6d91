#include "devnet/actors/market_state.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/event.h"
#include "devnet/actors/first_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* Value of a key in a set: null. */
#define SLK_UNIT_ROWS(F, T) F(T, OPT_U64, none, "")
SLK_RECORD(slk_unit, SLK_UNIT_ROWS);
SLK_RECORD_TYPE(slk_unit, "Unit", BARE, SLK_UNIT_ROWS);
static const slk_unit_t unit;

/* Deals of a sector. */
#define SLK_DEAL_IDS_ROWS(F, T) F(T, LIST_U64, ids, "")
SLK_RECORD(slk_deal_ids, SLK_DEAL_IDS_ROWS);
SLK_RECORD_TYPE(slk_deal_ids, "DealIDs", BARE, SLK_DEAL_IDS_ROWS);

slk_err_t slk_first_market_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_market_state_t state = {.last_cron = SLK_NO_EPOCH};
    slk_cid_t *const maps[] = {&state.pending_proposals,
                               &state.escrow_table,
                               &state.locked_table,
                               &state.deal_ops_by_epoch,
                               &state.pending_deal_allocation_ids,
                               &state.provider_sectors};
    for (size_t i = 0; i < SLK_COUNT(maps); i++)
        SLK_TRY(slk_empty_map(maps[i], SLK_MAP_WIDTH, store, diag));
    SLK_TRY(slk_empty_array(&state.proposals, SLK_PROPOSALS_WIDTH, store, diag));
    SLK_TRY(slk_empty_array(&state.states, SLK_STATES_WIDTH, store, diag));
    SLK_TRY(slk_object_put(head, &slk_market_state_type, &state, store, diag));
out:
    return err;
}

/* --- Proposals and deals ---------------------------------------------------------------------- */

slk_exit_t slk_market_find_proposal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                    slk_deal_proposal_t *proposal, bool *found)
{
    return slk_state_array_get(rt, &st->proposals, SLK_PROPOSALS_WIDTH, id, proposal,
                               &slk_deal_proposal_type, found);
}

slk_exit_t slk_market_get_proposal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                   slk_deal_proposal_t *proposal)
{
    bool found;
    SLK_RT_TRY(slk_market_find_proposal(rt, st, id, proposal, &found));
    if (found)
        return SLK_EXIT_OK;
    if (id < st->next_id)
        return slk_rt_abort(rt, SLK_EXIT_MARKET_DEAL_EXPIRED, "deal %" PRIu64 " expired", id);
    return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "no such deal %" PRIu64, id);
}

slk_exit_t slk_market_find_deal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                slk_deal_state_t *deal, bool *found)
{
    return slk_state_array_get(rt, &st->states, SLK_STATES_WIDTH, id, deal, &slk_deal_state_type,
                               found);
}

slk_exit_t slk_market_put_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                               const slk_deal_state_t *deal)
{
    return slk_state_array_set(rt, &st->states, SLK_STATES_WIDTH, id, deal, &slk_deal_state_type);
}

slk_exit_t slk_market_remove_proposal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id)
{
    bool found;
    SLK_RT_TRY(slk_state_array_delete(rt, &st->proposals, SLK_PROPOSALS_WIDTH, id, &found));
    if (found)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                        "failed to delete deal proposal: does not exist");
}

slk_exit_t slk_market_remove_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id)
{
    bool found;
    SLK_RT_TRY(slk_state_array_delete(rt, &st->states, SLK_STATES_WIDTH, id, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "failed to delete deal state: does not exist");
    return slk_market_remove_proposal(rt, st, id);
}

uint64_t slk_deal_client(const slk_deal_proposal_t *proposal)
{
    uint64_t id;
    SLK_ASSERT(slk_address_to_id(&proposal->client, &id));
    return id;
}

uint64_t slk_deal_provider(const slk_deal_proposal_t *proposal)
{
    uint64_t id;
    SLK_ASSERT(slk_address_to_id(&proposal->provider, &id));
    return id;
}

slk_exit_t slk_market_event(slk_rt_t *rt, const char *type, uint64_t deal,
                            const slk_deal_proposal_t *proposal)
{
    const slk_event_field_t fields[] = {
        SLK_EVENT_OF_UINT("id", deal),
        SLK_EVENT_OF_UINT("client", slk_deal_client(proposal)),
        SLK_EVENT_OF_UINT("provider", slk_deal_provider(proposal)),
    };
    return slk_emit(rt, type, fields, SLK_COUNT(fields));
}

/* --- Pending ---------------------------------------------------------------------------------- */

slk_exit_t slk_proposal_cid(slk_rt_t *rt, const slk_deal_proposal_t *proposal, slk_cid_t *cid)
{
    return slk_rt_err(rt, slk_record_cid(cid, &slk_deal_proposal_type, proposal, slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

static slk_bytes_t cid_key(const slk_cid_t *cid)
{
    return (slk_bytes_t){cid->b, cid->len};
}

slk_exit_t slk_market_is_pending(slk_rt_t *rt, const slk_market_state_t *st, const slk_cid_t *cid,
                                 bool *pending)
{
    return slk_state_map_get(rt, &st->pending_proposals, SLK_MAP_WIDTH, cid_key(cid), NULL,
                             &slk_unit_type, pending);
}

slk_exit_t slk_market_put_pending(slk_rt_t *rt, slk_market_state_t *st, const slk_cid_t *cid)
{
    return slk_state_map_set(rt, &st->pending_proposals, SLK_MAP_WIDTH, cid_key(cid), &unit,
                             &slk_unit_type);
}

slk_exit_t slk_market_remove_pending(slk_rt_t *rt, slk_market_state_t *st, const slk_cid_t *cid,
                                     bool *found)
{
    return slk_state_map_delete(rt, &st->pending_proposals, SLK_MAP_WIDTH, cid_key(cid), found,
                                NULL);
}

slk_exit_t slk_market_put_allocation(slk_rt_t *rt, slk_market_state_t *st, uint64_t deal,
                                     uint64_t allocation)
{
    slk_hamt_key_room_t room;
    const slk_value_u64_t value = {allocation};
    return slk_state_map_set(rt, &st->pending_deal_allocation_ids, SLK_MAP_WIDTH,
                             slk_hamt_key_uint(&room, deal), &value, &slk_value_u64_type);
}

slk_exit_t slk_market_remove_allocation(slk_rt_t *rt, slk_market_state_t *st, uint64_t deal)
{
    slk_hamt_key_room_t room;
    return slk_state_map_delete(rt, &st->pending_deal_allocation_ids, SLK_MAP_WIDTH,
                                slk_hamt_key_uint(&room, deal), NULL, NULL);
}

/* --- Deals by epoch: HAMT from epoch to a HAMT whose keys are deals --------------------------- */

slk_exit_t slk_market_schedule(slk_rt_t *rt, slk_market_state_t *st, int64_t epoch, uint64_t deal)
{
    slk_hamt_key_room_t epoch_room, deal_room;
    slk_bytes_t key = slk_hamt_key_int(&epoch_room, epoch);
    slk_link_t deals = {0};
    bool found;
    SLK_RT_TRY(slk_state_map_get(rt, &st->deal_ops_by_epoch, SLK_MAP_WIDTH, key, &deals,
                                 &slk_link_type, &found));
    SLK_RT_TRY(slk_state_map_set(rt, &deals.to, SLK_MAP_WIDTH, slk_hamt_key_uint(&deal_room, deal),
                                 &unit, &slk_unit_type));
    return slk_state_map_set(rt, &st->deal_ops_by_epoch, SLK_MAP_WIDTH, key, &deals,
                             &slk_link_type);
}

typedef struct {
    slk_rt_t *rt;
    slk_numbers_t *deals;
} collect_t;

static slk_err_t collect(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                         slk_diag_t *diag)
{
    collect_t *to = ctx;
    uint64_t deal;
    (void)value;
    (void)stop;
    if (!slk_hamt_uint_of_key(&deal, key))
        return slk_fail(diag, SLK_ERR_FORMAT, "market state: a key of deals is no number");
    return slk_numbers_add(to->rt, to->deals, deal) == SLK_EXIT_OK ? SLK_OK : SLK_ERR_NOMEM;
}

slk_exit_t slk_market_scheduled(slk_rt_t *rt, const slk_market_state_t *st, int64_t epoch,
                                slk_numbers_t *deals)
{
    slk_hamt_key_room_t room;
    slk_link_t inner;
    bool found;
    collect_t to = {rt, deals};
    deals->list.count = 0;
    SLK_RT_TRY(slk_state_map_get(rt, &st->deal_ops_by_epoch, SLK_MAP_WIDTH,
                                 slk_hamt_key_int(&room, epoch), &inner, &slk_link_type, &found));
    if (!found)
        return SLK_EXIT_OK;
    return slk_state_map_foreach(rt, &inner.to, SLK_MAP_WIDTH, collect, &to);
}

slk_exit_t slk_market_unschedule(slk_rt_t *rt, slk_market_state_t *st, int64_t epoch)
{
    slk_hamt_key_room_t room;
    return slk_state_map_delete(rt, &st->deal_ops_by_epoch, SLK_MAP_WIDTH,
                                slk_hamt_key_int(&room, epoch), NULL, NULL);
}

int64_t slk_market_next_update(uint64_t deal, int64_t interval, int64_t earliest)
{
    const int64_t offset = (int64_t)(deal % (uint64_t)interval), ahead = earliest - offset;
    if (ahead % interval == 0 || ahead < 0)
        return interval * (ahead / interval) + offset;
    return interval * (ahead / interval + 1) + offset;
}

/* --- Deals of sectors: HAMT from provider to a HAMT from sector to deals, ascending ----------- */

typedef struct {
    slk_hamt_key_room_t provider_room, sector_room;
    slk_bytes_t provider, sector;
    slk_link_t sectors;
    slk_deal_ids_t deals;
    bool found; /* the sector */
} place_t;

static slk_exit_t find_sector(slk_rt_t *rt, const slk_market_state_t *st, uint64_t provider,
                              uint64_t sector, place_t *at)
{
    bool found;
    *at = (place_t){0};
    at->provider = slk_hamt_key_uint(&at->provider_room, provider);
    at->sector = slk_hamt_key_uint(&at->sector_room, sector);
    SLK_RT_TRY(slk_state_map_get(rt, &st->provider_sectors, SLK_MAP_WIDTH, at->provider,
                                 &at->sectors, &slk_link_type, &found));
    return slk_state_map_get(rt, &at->sectors.to, SLK_MAP_WIDTH, at->sector, &at->deals,
                             &slk_deal_ids_type, &at->found);
}

static slk_exit_t put_sector(slk_rt_t *rt, slk_market_state_t *st, place_t *at)
{
    SLK_RT_TRY(slk_state_map_set(rt, &at->sectors.to, SLK_MAP_WIDTH, at->sector, &at->deals,
                                 &slk_deal_ids_type));
    return slk_state_map_set(rt, &st->provider_sectors, SLK_MAP_WIDTH, at->provider, &at->sectors,
                             &slk_link_type);
}

static slk_exit_t delete_sector(slk_rt_t *rt, slk_market_state_t *st, place_t *at)
{
    bool empty;
    SLK_RT_TRY(slk_state_map_delete(rt, &at->sectors.to, SLK_MAP_WIDTH, at->sector, NULL, &empty));
    if (empty)
        return slk_state_map_delete(rt, &st->provider_sectors, SLK_MAP_WIDTH, at->provider, NULL,
                                    NULL);
    return slk_state_map_set(rt, &st->provider_sectors, SLK_MAP_WIDTH, at->provider, &at->sectors,
                             &slk_link_type);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

slk_exit_t slk_market_add_sector_deals(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                       uint64_t sector, const slk_u64_list_t *deals)
{
    place_t at;
    slk_numbers_t all = {0};
    SLK_RT_TRY(find_sector(rt, st, provider, sector, &at));
    for (size_t i = 0; i < at.deals.ids.count; i++)
        SLK_RT_TRY(slk_numbers_add(rt, &all, at.deals.ids.items[i]));
    for (size_t i = 0; i < deals->count; i++)
        SLK_RT_TRY(slk_numbers_add(rt, &all, deals->items[i]));
    if (all.list.count)
        qsort(all.list.items, all.list.count, sizeof *all.list.items, by_number);
    size_t kept = 0;
    for (size_t i = 0; i < all.list.count; i++)
        if (!kept || all.list.items[kept - 1] != all.list.items[i])
            all.list.items[kept++] = all.list.items[i];
    all.list.count = kept;
    at.deals.ids = all.list;
    return put_sector(rt, st, &at);
}

slk_exit_t slk_market_remove_sector_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                         uint64_t sector, uint64_t deal)
{
    place_t at;
    size_t kept = 0;
    SLK_RT_TRY(find_sector(rt, st, provider, sector, &at));
    if (!at.found)
        return SLK_EXIT_OK;
    slk_u64_list_t *ids = &at.deals.ids;
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] != deal)
            ids->items[kept++] = ids->items[i];
    ids->count = kept;
    return kept ? put_sector(rt, st, &at) : delete_sector(rt, st, &at);
}

slk_exit_t slk_market_pop_sector_deals(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                       uint64_t sector, slk_numbers_t *deals)
{
    place_t at;
    SLK_RT_TRY(find_sector(rt, st, provider, sector, &at));
    if (!at.found)
        return SLK_EXIT_OK;
    for (size_t i = 0; i < at.deals.ids.count; i++)
        SLK_RT_TRY(slk_numbers_add(rt, deals, at.deals.ids.items[i]));
    return delete_sector(rt, st, &at);
}
