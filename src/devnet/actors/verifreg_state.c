#include "codec/actors/verifreg.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"
#include "devnet/actors/state_map.h"

slk_err_t slk_first_verifreg_state(slk_cid_t *head, const slk_address_t *root_key,
                                   const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_verifreg_state_t state = {.root_key = *root_key, .next_allocation_id = 1};
    slk_cid_t *const maps[] = {&state.verifiers, &state.remove_data_cap_proposal_ids,
                               &state.allocations, &state.claims};
    for (size_t i = 0; i < SLK_COUNT(maps); i++)
        SLK_TRY(slk_empty_map(maps[i], SLK_MAP_WIDTH, store, diag));
    SLK_TRY(slk_object_put(head, &slk_verifreg_state_type, &state, store, diag));
out:
    return err;
}
