/* First states of system and cron, which have no file of their own, and empty trees. */

#include "devnet/actors/first_state.h"

#include "base/assert.h"
#include "codec/ipld/amt.h"
#include "codec/ipld/hamt.h"
#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/runtime.h"

#include <string.h>

#define POWER_TICK  5u
#define MARKET_TICK 9u

/* The manifest's list of actors, [[name, code] ...], in the codec's order; that of the real bundle
 * is another, so that this link is not the real one. */
slk_err_t slk_first_system_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_system_state_t state;
    slk_buf_t buf = {0};
    slk_cbor_put_array(&buf, SLK_ACTOR_COUNT - SLK_ACTOR_SYSTEM);
    for (unsigned kind = SLK_ACTOR_SYSTEM; kind < SLK_ACTOR_COUNT; kind++) {
        const char *name = slk_actor_kind_name(kind);
        const slk_cid_t code = slk_actor_devnet_code(kind);
        slk_cbor_put_array(&buf, 2);
        slk_cbor_put_text(&buf, name, strlen(name));
        slk_cbor_put_cid(&buf, &code);
    }
    SLK_TRY(slk_buf_check(&buf, diag));
    SLK_TRY(slk_block_put(store, &state.builtin_actors, buf.bytes, buf.len, diag));
    SLK_TRY(slk_object_put(head, &slk_system_state_type, &state, store, diag));
out:
    slk_buf_free(&buf);
    return err;
}

slk_err_t slk_first_cron_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_cron_entry_t entries[] = {{slk_address_id(SLK_ID_POWER), POWER_TICK},
                                  {slk_address_id(SLK_ID_MARKET), MARKET_TICK}};
    const slk_cron_state_t state = {{entries, SLK_COUNT(entries)}};
    return slk_object_put(head, &slk_cron_state_type, &state, store, diag);
}

slk_err_t slk_empty_map(slk_cid_t *root, unsigned width, const slk_blockstore_t *store,
                        slk_diag_t *diag)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    SLK_TRY(slk_hamt_new(&map, store, width));
    SLK_TRY(slk_hamt_flush(map, root, diag));
out:
    slk_hamt_free(map);
    return err;
}

slk_err_t slk_empty_array(slk_cid_t *root, unsigned width, const slk_blockstore_t *store,
                          slk_diag_t *diag)
{
    slk_err_t err;
    slk_amt_t *array = NULL;
    SLK_TRY(slk_amt_new(&array, store, SLK_AMT_V3, width));
    SLK_TRY(slk_amt_flush(array, root, diag));
out:
    slk_amt_free(array);
    return err;
}
