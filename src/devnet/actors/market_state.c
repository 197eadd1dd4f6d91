#include "devnet/actors/market_state.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"

slk_err_t slk_first_market_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_market_state_t state = {.last_cron = -1};
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
