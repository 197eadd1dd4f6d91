#include "devnet/actors/verifreg_state.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/actors/event.h"
#include "devnet/actors/first_state.h"

#define DATACAP_BALANCE  3261979605u
#define DATACAP_MINT     116935346u
#define DATACAP_BURN     1434719642u
#define DATACAP_TRANSFER 80475954u

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

/* --- Maps of maps ----------------------------------------------------------------------------- */

static slk_exit_t inner_of(slk_rt_t *rt, const slk_cid_t *root, uint64_t owner, slk_link_t *inner)
{
    slk_hamt_key_room_t room;
    bool found;
    *inner = (slk_link_t){0};
    return slk_state_map_get(rt, root, SLK_MAP_WIDTH, slk_hamt_key_uint(&room, owner), inner,
                             &slk_link_type, &found);
}

slk_exit_t slk_verifreg_get(slk_rt_t *rt, const slk_cid_t *root, uint64_t owner, uint64_t id,
                            void *record, const slk_type_t *type, bool *found)
{
    slk_hamt_key_room_t room;
    slk_link_t inner;
    SLK_RT_TRY(inner_of(rt, root, owner, &inner));
    return slk_state_map_get(rt, &inner.to, SLK_MAP_WIDTH, slk_hamt_key_uint(&room, id), record,
                             type, found);
}

slk_exit_t slk_verifreg_put(slk_rt_t *rt, slk_cid_t *root, uint64_t owner, uint64_t id,
                            const void *record, const slk_type_t *type)
{
    slk_hamt_key_room_t owner_room, id_room;
    slk_link_t inner;
    SLK_RT_TRY(inner_of(rt, root, owner, &inner));
    SLK_RT_TRY(slk_state_map_set(rt, &inner.to, SLK_MAP_WIDTH, slk_hamt_key_uint(&id_room, id),
                                 record, type));
    return slk_state_map_set(rt, root, SLK_MAP_WIDTH, slk_hamt_key_uint(&owner_room, owner), &inner,
                             &slk_link_type);
}

slk_exit_t slk_verifreg_remove(slk_rt_t *rt, slk_cid_t *root, uint64_t owner, uint64_t id)
{
    slk_hamt_key_room_t owner_room, id_room;
    const slk_bytes_t key = slk_hamt_key_uint(&owner_room, owner);
    slk_link_t inner;
    bool empty;
    SLK_RT_TRY(inner_of(rt, root, owner, &inner));
    SLK_RT_TRY(slk_state_map_delete(rt, &inner.to, SLK_MAP_WIDTH, slk_hamt_key_uint(&id_room, id),
                                    NULL, &empty));
    if (empty)
        return slk_state_map_delete(rt, root, SLK_MAP_WIDTH, key, NULL, NULL);
    return slk_state_map_set(rt, root, SLK_MAP_WIDTH, key, &inner, &slk_link_type);
}

typedef struct {
    slk_rt_t *rt;
    slk_numbers_t *ids;
} collect_t;

static slk_err_t collect(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                         slk_diag_t *diag)
{
    collect_t *to = ctx;
    uint64_t id;
    (void)value;
    (void)stop;
    if (!slk_hamt_uint_of_key(&id, key))
        return slk_fail(diag, SLK_ERR_FORMAT, "registry state: a key is no number");
    return slk_numbers_add(to->rt, to->ids, id) == SLK_EXIT_OK ? SLK_OK : SLK_ERR_NOMEM;
}

slk_exit_t slk_verifreg_ids(slk_rt_t *rt, const slk_cid_t *root, uint64_t owner, slk_numbers_t *ids)
{
    slk_link_t inner;
    collect_t to = {rt, ids};
    SLK_RT_TRY(inner_of(rt, root, owner, &inner));
    return slk_state_map_foreach(rt, &inner.to, SLK_MAP_WIDTH, collect, &to);
}

/* --- Events ----------------------------------------------------------------------------------- */

slk_exit_t slk_verifreg_allocation_event(slk_rt_t *rt, const char *type, uint64_t id,
                                         const slk_allocation_t *allocation)
{
    const slk_event_field_t fields[] = {
        SLK_EVENT_OF_UINT("id", id),
        SLK_EVENT_OF_UINT("client", allocation->client),
        SLK_EVENT_OF_UINT("provider", allocation->provider),
        SLK_EVENT_OF_CID("piece-cid", &allocation->data),
        SLK_EVENT_PLAIN_UINT("piece-size", allocation->size),
        SLK_EVENT_PLAIN_INT("term-min", allocation->term_min),
        SLK_EVENT_PLAIN_INT("term-max", allocation->term_max),
        SLK_EVENT_PLAIN_INT("expiration", allocation->expiration),
    };
    return slk_emit(rt, type, fields, SLK_COUNT(fields));
}

slk_exit_t slk_verifreg_claim_event(slk_rt_t *rt, const char *type, uint64_t id,
                                    const slk_claim_t *claim)
{
    const slk_event_field_t fields[] = {
        SLK_EVENT_OF_UINT("id", id),
        SLK_EVENT_OF_UINT("client", claim->client),
        SLK_EVENT_OF_UINT("provider", claim->provider),
        SLK_EVENT_OF_CID("piece-cid", &claim->data),
        SLK_EVENT_PLAIN_UINT("piece-size", claim->size),
        SLK_EVENT_PLAIN_INT("term-min", claim->term_min),
        SLK_EVENT_PLAIN_INT("term-max", claim->term_max),
        SLK_EVENT_PLAIN_INT("term-start", claim->term_start),
        SLK_EVENT_OF_UINT("sector", claim->sector),
    };
    return slk_emit(rt, type, fields, SLK_COUNT(fields));
}

/* --- Data cap --------------------------------------------------------------------------------- */

static slk_bigint_t tokens_of(slk_bigint_t bytes)
{
    return slk_bigint_mul(bytes, slk_bigint_u64(SLK_DATACAP_UNIT));
}

slk_exit_t slk_datacap_balance(slk_rt_t *rt, uint64_t owner, slk_bigint_t *bytes)
{
    const slk_value_address_t params = {slk_address_id(owner)};
    slk_value_bigint_t tokens;
    slk_bytes_t ret = {0};
    SLK_RT_TRY(slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_BALANCE, &params,
                                  &slk_value_address_type, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&tokens, &slk_value_bigint_type, ret.b, ret.len,
                                            slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    *bytes = slk_bigint_div_floor(tokens.value, slk_bigint_u64(SLK_DATACAP_UNIT));
    return SLK_EXIT_OK;
}

/* The market may spend a client's data cap without limit. */
slk_exit_t slk_datacap_mint(slk_rt_t *rt, uint64_t to, slk_bigint_t bytes)
{
    slk_address_t market = slk_address_id(SLK_ID_MARKET);
    const slk_mint_params_t params = {slk_address_id(to), tokens_of(bytes), {&market, 1}};
    return slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_MINT, &params, &slk_mint_params_type,
                              slk_bigint_u64(0), NULL);
}

slk_exit_t slk_datacap_burn(slk_rt_t *rt, slk_bigint_t bytes)
{
    const slk_value_bigint_t params = {tokens_of(bytes)};
    if (!slk_bigint_sign(&bytes))
        return SLK_EXIT_OK;
    return slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_BURN, &params, &slk_value_bigint_type,
                              slk_bigint_u64(0), NULL);
}

slk_exit_t slk_datacap_transfer(slk_rt_t *rt, uint64_t to, slk_bigint_t bytes)
{
    const slk_transfer_params_t params = {slk_address_id(to), tokens_of(bytes), {0}};
    return slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_TRANSFER, &params,
                              &slk_transfer_params_type, slk_bigint_u64(0), NULL);
}
