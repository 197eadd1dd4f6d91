#include "devnet/vm/basic_state.h"

#include "base/assert.h"
#include "codec/ipld/hamt.h"

#define BIT_WIDTH 5u

SLK_RECORD_TYPE(slk_system_state, "SystemState", TUPLE, SLK_SYSTEM_STATE_ROWS);
SLK_RECORD_TYPE(slk_cron_entry, "CronEntry", TUPLE, SLK_CRON_ENTRY_ROWS);
SLK_RECORD_TYPE(slk_cron_state, "CronState", TUPLE, SLK_CRON_STATE_ROWS);

slk_err_t slk_init_map_address(slk_init_state_t *state, uint64_t *id, const slk_address_t *address,
                               const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    slk_buf_t value = {0};
    bool added;
    *id = state->next_id;
    slk_cbor_put_uint(&value, *id);
    SLK_TRY(slk_buf_check(&value, diag));
    SLK_TRY(slk_hamt_load(&map, store, BIT_WIDTH, &state->address_map, diag));
    SLK_TRY(slk_hamt_set_if_absent(map, (slk_bytes_t){address->b, address->len},
                                   (slk_bytes_t){value.bytes, value.len}, &added, diag));
    if (!added) {
        err = slk_fail(diag, SLK_ERR_INPUT, "address %s is mapped already",
                       slk_address_text(address, SLK_TESTNET).s);
        goto out;
    }
    SLK_TRY(slk_hamt_flush(map, &state->address_map, diag));
    state->next_id++;
out:
    slk_hamt_free(map);
    slk_buf_free(&value);
    return err;
}
