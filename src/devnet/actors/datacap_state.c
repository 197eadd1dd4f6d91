#include "devnet/actors/datacap_state.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"

SLK_RECORD_TYPE(slk_token_state, "TokenState", TUPLE, SLK_TOKEN_STATE_ROWS);
SLK_RECORD_TYPE(slk_datacap_state, "State", TUPLE, SLK_DATACAP_STATE_ROWS);
SLK_RECORD_TYPE(slk_mint_params, "MintParams", TUPLE, SLK_MINT_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_mint_return, "MintReturn", TUPLE, SLK_MINT_RETURN_ROWS);
SLK_RECORD_TYPE(slk_transfer_from_params, "TransferFromParams", TUPLE,
                SLK_TRANSFER_FROM_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_transfer_from_return, "TransferFromReturn", TUPLE,
                SLK_TRANSFER_FROM_RETURN_ROWS);
SLK_RECORD_TYPE(slk_token_received, "FRC46TokenReceived", TUPLE, SLK_TOKEN_RECEIVED_ROWS);

slk_err_t slk_first_datacap_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_datacap_state_t state = {.governor = slk_address_id(SLK_ID_VERIFREG),
                                 .token.hamt_bit_width = SLK_DATACAP_WIDTH};
    SLK_TRY(slk_empty_map(&state.token.balances, SLK_DATACAP_WIDTH, store, diag));
    SLK_TRY(slk_empty_map(&state.token.allowances, SLK_DATACAP_WIDTH, store, diag));
    SLK_TRY(slk_object_put(head, &slk_datacap_state_type, &state, store, diag));
out:
    return err;
}
