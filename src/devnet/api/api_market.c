/* Deals, and data cap: allocations and claims. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/actors/market_state.h"
#include "selkie/piece.h"

#include <inttypes.h>
#include <stdio.h>

#define NO_EPOCH  (-1)
#define TOTAL_FIL UINT64_C(2000000000)
#define ATTO      UINT64_C(1000000000000000000)

/* --- Deals ------------------------------------------------------------------------------------------------------- */

static slk_err_t get_market(slk_ask_t *ask, const slk_tip_t *tip, slk_market_state_t *market)
{
    return slk_view_singleton(ask, tip, SLK_ID_MARKET, &slk_market_state_type, market);
}

static slk_err_t get_deal(slk_ask_t *ask, const slk_market_state_t *market, uint64_t id,
                          slk_market_deal_t *deal, bool *found)
{
    bool active;
    slk_err_t err = slk_view_array_get(ask, &market->proposals, SLK_PROPOSALS_WIDTH, id,
                                       &slk_deal_proposal_type, &deal->proposal, found);
    if (err != SLK_OK || !*found)
        return err;
    err = slk_view_array_get(ask, &market->states, SLK_STATES_WIDTH, id, &slk_deal_state_type,
                             &deal->state, &active);
    if (err == SLK_OK && !active)
        deal->state = (slk_deal_state_t){0, NO_EPOCH, NO_EPOCH, NO_EPOCH};
    return err;
}

static slk_err_t state_market_storage_deal(slk_ask_t *ask)
{
    slk_market_state_t market;
    slk_market_deal_t deal;
    bool found = false;
    const uint64_t id = ask->args[0].u;
    slk_err_t err = get_market(ask, ask->args[1].tip, &market);
    if (err == SLK_OK)
        err = get_deal(ask, &market, id, &deal, &found);
    if (err != SLK_OK)
        return err;
    if (!found)
        return slk_ask_fail(ask, SLK_RPC_ERROR,
                            "deal %" PRIu64 " not found - deal may not have completed sealing "
                            "before deal proposal start epoch, or deal may have been slashed",
                            id);
    return slk_ask_record(ask, &slk_market_deal_type, &deal);
}

typedef struct {
    slk_ask_t *ask;
    const slk_market_state_t *market;
} deals_t;

static slk_err_t add_deal(void *ctx, uint64_t id, slk_bytes_t value, bool *stop, slk_diag_t *diag)
{
    deals_t *deals = ctx;
    slk_market_deal_t deal;
    bool found;
    char name[24];
    (void)value, (void)stop, (void)diag;
    snprintf(name, sizeof name, "%" PRIu64, id);
    slk_err_t err = get_deal(deals->ask, deals->market, id, &deal, &found);
    return err == SLK_OK
               ? slk_ask_put(deals->ask, deals->ask->result, name, &slk_market_deal_type, &deal)
               : err;
}

static slk_err_t state_market_deals(slk_ask_t *ask)
{
    slk_market_state_t market;
    deals_t deals = {ask, &market};
    slk_err_t err = get_market(ask, ask->args[0].tip, &market);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_object());
    return err == SLK_OK
               ? slk_view_array_each(ask, &market.proposals, SLK_PROPOSALS_WIDTH, add_deal, &deals)
               : err;
}

/* The id behind an address; *found. */
static slk_err_t id_of(slk_ask_t *ask, const slk_tip_t *tip, const slk_address_t *address,
                       uint64_t *id, bool *found)
{
    slk_state_tree_t *tree = NULL;
    slk_err_t err = slk_chain_state(&tree, ask->chain, slk_tip_parent_state(tip), &ask->diag);
    if (err == SLK_OK)
        err = slk_state_tree_resolve(tree, address, id, found, &ask->diag);
    slk_state_tree_free(tree);
    return err;
}

static slk_err_t amount_of(slk_ask_t *ask, const slk_cid_t *table, unsigned width, uint64_t id,
                           slk_bigint_t *out)
{
    slk_value_bigint_t value = {0};
    bool found;
    const slk_address_t address = slk_address_id(id);
    slk_err_t err = slk_view_map_get(ask, table, width, (slk_bytes_t){address.b, address.len},
                                     &slk_value_bigint_type, &value, &found);
    *out = err == SLK_OK && found ? value.value : slk_bigint_u64(0);
    return err;
}

static slk_err_t state_market_balance(slk_ask_t *ask)
{
    uint64_t id = 0;
    bool found;
    slk_market_state_t market;
    slk_api_market_balance_t shown;
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = id_of(ask, tip, &ask->args[0].address, &id, &found);
    if (err == SLK_OK && !found)
        return slk_ask_fail(ask, 11, "actor not found");
    if (err == SLK_OK)
        err = get_market(ask, tip, &market);
    if (err == SLK_OK)
        err = amount_of(ask, &market.escrow_table, SLK_BALANCES_WIDTH, id, &shown.escrow);
    if (err == SLK_OK)
        err = amount_of(ask, &market.locked_table, SLK_BALANCES_WIDTH, id, &shown.locked);
    return err == SLK_OK ? slk_ask_record(ask, &slk_api_market_balance_type, &shown) : err;
}

/* A hundredth of the supply's share of the piece in the larger of network and baseline, and a tenth more, for
 * prices move until the message is on the chain. */
static slk_err_t state_collateral_bounds(slk_ask_t *ask)
{
    slk_err_t err;
    slk_reward_state_t reward;
    slk_power_state_t power;
    slk_supply_t supply;
    const slk_tip_t *tip = ask->args[2].tip;
    SLK_TRY(slk_view_singleton(ask, tip, SLK_ID_REWARD, &slk_reward_state_type, &reward));
    SLK_TRY(slk_view_singleton(ask, tip, SLK_ID_POWER, &slk_power_state_type, &power));
    SLK_TRY(
        slk_chain_supply(&supply, ask->chain, slk_tip_parent_state(tip), tip->height, &ask->diag));
    const slk_bigint_t piece = slk_bigint_u64(ask->args[0].u);
    const slk_bigint_t network = power.this_epoch_raw_byte_power;
    const slk_bigint_t whole =
        slk_bigint_max(slk_bigint_max(network, reward.this_epoch_baseline_power), piece);
    const slk_bigint_t least = slk_bigint_div_trunc(
        slk_bigint_mul(supply.circulating, piece),
        slk_bigint_mul(slk_bigint_max(whole, slk_bigint_u64(1)), slk_bigint_u64(100)));
    const slk_api_bounds_t bounds = {
        .min =
            slk_bigint_div_trunc(slk_bigint_mul(least, slk_bigint_u64(110)), slk_bigint_u64(100)),
        .max = slk_bigint_mul(slk_bigint_u64(TOTAL_FIL), slk_bigint_u64(ATTO)),
    };
    err = slk_ask_record(ask, &slk_api_bounds_type, &bounds);
out:
    return err;
}

/* --- CommD of deals --------------------------------------------------------------------------------------------------- */

/* (miner, seal proof, deals): null without deals, as the actor answers. */
static slk_err_t state_compute_data_cid(slk_ask_t *ask)
{
    slk_err_t err;
    slk_market_state_t market;
    slk_piece_t *pieces;
    slk_node_t comm_d;
    slk_porep_t porep;
    const slk_u64_list_t deals = ask->args[2].numbers;
    SLK_TRY(slk_porep_by_id(&porep, (int)ask->args[1].u, &ask->diag));
    SLK_TRY(get_market(ask, ask->args[3].tip, &market));
    if (!deals.count)
        return SLK_OK;
    pieces = slk_arena_array(&ask->arena, deals.count, sizeof *pieces);
    if (!pieces)
        return slk_ask_json(ask, NULL);
    for (size_t i = 0; i < deals.count; i++) {
        slk_market_deal_t deal;
        bool found;
        SLK_TRY(get_deal(ask, &market, deals.items[i], &deal, &found));
        if (!found || deal.state.sector_start_epoch != NO_EPOCH)
            return slk_ask_fail(ask, SLK_RPC_ERROR,
                                "receipt for VerifyDealsForActivation had exit code %d",
                                found                             ? 20
                                : deals.items[i] < market.next_id ? 32
                                                                  : 17);
        pieces[i].padded = deal.proposal.piece_size;
        SLK_TRY(slk_cid_to_commitment(&pieces[i].comm_p, SLK_CID_UNSEALED, &deal.proposal.piece_cid,
                                      &ask->diag));
    }
    SLK_TRY(slk_piece_comm_d(&comm_d, porep.size->bytes, pieces, deals.count, &ask->diag));
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_d);
    err = slk_ask_cid(ask, &cid);
out:
    return err;
}

/* --- Allocations and claims ---------------------------------------------------------------------------------------------- */

/* Maps of maps: by client or provider, then by id. */
static slk_err_t inner_map(slk_ask_t *ask, const slk_tip_t *tip, bool claims,
                           const slk_address_t *owner, slk_cid_t *root, bool *found)
{
    uint64_t id;
    slk_api_cid_t link;
    slk_verifreg_state_t state;
    slk_hamt_key_room_t room;
    slk_err_t err = id_of(ask, tip, owner, &id, found);
    if (err != SLK_OK || !*found)
        return err;
    err = slk_view_singleton(ask, tip, SLK_ID_VERIFREG, &slk_verifreg_state_type, &state);
    if (err == SLK_OK)
        err = slk_view_map_get(ask, claims ? &state.claims : &state.allocations, SLK_MAP_WIDTH,
                               slk_hamt_key_uint(&room, id), &slk_api_cid_type, &link, found);
    if (err == SLK_OK && *found)
        *root = link.v;
    return err;
}

static slk_err_t show_one(slk_ask_t *ask, const slk_tip_t *tip, bool claims,
                          const slk_address_t *owner, uint64_t id)
{
    bool found;
    slk_cid_t root;
    slk_hamt_key_room_t room;
    union {
        slk_allocation_t allocation;
        slk_claim_t claim;
    } row;
    const slk_type_t *type = claims ? &slk_claim_type : &slk_allocation_type;
    slk_err_t err = inner_map(ask, tip, claims, owner, &root, &found);
    if (err == SLK_OK && found)
        err = slk_view_map_get(ask, &root, SLK_MAP_WIDTH, slk_hamt_key_uint(&room, id), type, &row,
                               &found);
    return err == SLK_OK && found ? slk_ask_record(ask, type, &row) : err;
}

static slk_err_t state_get_allocation(slk_ask_t *ask)
{
    return show_one(ask, ask->args[2].tip, false, &ask->args[0].address, ask->args[1].u);
}

static slk_err_t state_get_claim(slk_ask_t *ask)
{
    return show_one(ask, ask->args[2].tip, true, &ask->args[0].address, ask->args[1].u);
}

typedef struct {
    slk_ask_t *ask;
    const slk_type_t *type;
} rows_t;

static slk_err_t add_row(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                         slk_diag_t *diag)
{
    rows_t *rows = ctx;
    uint64_t id;
    char name[24];
    (void)stop;
    if (!slk_hamt_uint_of_key(&id, key))
        return slk_fail(diag, SLK_ERR_FORMAT, "a key is no id");
    snprintf(name, sizeof name, "%" PRIu64, id);
    void *row = slk_arena_alloc(&rows->ask->arena, rows->type->size);
    const void *copy = slk_arena_copy(&rows->ask->arena, value.b, value.len);
    if (!row || !copy)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the answer");
    slk_err_t err = slk_record_decode(row, rows->type, copy, value.len, &rows->ask->arena, diag);
    return err == SLK_OK ? slk_ask_put(rows->ask, rows->ask->result, name, rows->type, row) : err;
}

static slk_err_t show_rows(slk_ask_t *ask, bool claims)
{
    bool found;
    slk_cid_t root;
    rows_t rows = {ask, claims ? &slk_claim_type : &slk_allocation_type};
    slk_err_t err = inner_map(ask, ask->args[1].tip, claims, &ask->args[0].address, &root, &found);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_object());
    return err == SLK_OK && found ? slk_view_map_each(ask, &root, SLK_MAP_WIDTH, add_row, &rows)
                                  : err;
}

static slk_err_t state_get_allocations(slk_ask_t *ask)
{
    return show_rows(ask, false);
}

static slk_err_t state_get_claims(slk_ask_t *ask)
{
    return show_rows(ask, true);
}

static slk_err_t pending_allocation(slk_ask_t *ask, uint64_t *id)
{
    slk_market_state_t market;
    slk_value_u64_t value;
    slk_hamt_key_room_t room;
    bool found = false;
    *id = 0;
    slk_err_t err = get_market(ask, ask->args[1].tip, &market);
    if (err == SLK_OK)
        err = slk_view_map_get(ask, &market.pending_deal_allocation_ids, SLK_MAP_WIDTH,
                               slk_hamt_key_uint(&room, ask->args[0].u), &slk_value_u64_type,
                               &value, &found);
    if (found)
        *id = value.value;
    return err;
}

static slk_err_t state_pending_allocation_id(slk_ask_t *ask)
{
    uint64_t id;
    slk_err_t err = pending_allocation(ask, &id);
    return err == SLK_OK ? slk_ask_json(ask, json_integer((json_int_t)id)) : err;
}

static slk_err_t state_pending_allocation(slk_ask_t *ask)
{
    uint64_t id;
    bool found = false;
    slk_market_state_t market;
    slk_market_deal_t deal;
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = pending_allocation(ask, &id);
    if (err != SLK_OK || !id)
        return err;
    err = get_market(ask, tip, &market);
    if (err == SLK_OK)
        err = get_deal(ask, &market, ask->args[0].u, &deal, &found);
    return err == SLK_OK && found ? show_one(ask, tip, false, &deal.proposal.client, id) : err;
}

/* Data cap in bytes; null where the client has none. */
static slk_err_t state_verified_client_status(slk_ask_t *ask)
{
    uint64_t id;
    bool found;
    slk_datacap_state_t state;
    slk_value_bigint_t amount = {0};
    slk_hamt_key_room_t room;
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = id_of(ask, tip, &ask->args[0].address, &id, &found);
    if (err != SLK_OK || !found)
        return err;
    err = slk_view_singleton(ask, tip, SLK_ID_DATACAP, &slk_datacap_state_type, &state);
    if (err == SLK_OK)
        err =
            slk_view_map_get(ask, &state.token.balances, SLK_DATACAP_WIDTH,
                             slk_hamt_key_uint(&room, id), &slk_value_bigint_type, &amount, &found);
    if (err != SLK_OK || !found)
        return err;
    return slk_ask_amount(ask,
                          slk_bigint_div_trunc(amount.value, slk_bigint_u64(SLK_DATACAP_UNIT)));
}

static slk_err_t state_verifreg_root(slk_ask_t *ask)
{
    slk_verifreg_state_t state;
    slk_err_t err = slk_view_singleton(ask, ask->args[0].tip, SLK_ID_VERIFREG,
                                       &slk_verifreg_state_type, &state);
    return err == SLK_OK ? slk_ask_address(ask, &state.root_key) : err;
}

/* What a verifier may still give, in bytes; null where it is none. */
static slk_err_t state_verifier_status(slk_ask_t *ask)
{
    uint64_t id;
    bool found;
    slk_bigint_t allowance;
    slk_verifreg_state_t state;
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = id_of(ask, tip, &ask->args[0].address, &id, &found);
    if (err != SLK_OK || !found)
        return err;
    err = slk_view_singleton(ask, tip, SLK_ID_VERIFREG, &slk_verifreg_state_type, &state);
    if (err == SLK_OK)
        err = amount_of(ask, &state.verifiers, SLK_MAP_WIDTH, id, &allowance);
    return err == SLK_OK && slk_bigint_sign(&allowance) ? slk_ask_amount(ask, allowance) : err;
}

const slk_ask_method_t slk_ask_market[] = {
    {"Filecoin.StateVerifiedRegistryRootKey", SLK_PERM_READ, SLK_V01, 0, "T", state_verifreg_root},
    {"Filecoin.StateVerifierStatus", SLK_PERM_READ, SLK_V01, 0, "aT", state_verifier_status},
    {"Filecoin.StateMarketStorageDeal", SLK_PERM_READ, SLK_V01, 0, "uT", state_market_storage_deal},
    {"Filecoin.StateMarketDeals", SLK_PERM_READ, SLK_V01, 0, "T", state_market_deals},
    {"Filecoin.StateMarketBalance", SLK_PERM_READ, SLK_V01, 0, "aT", state_market_balance},
    {"Filecoin.StateDealProviderCollateralBounds", SLK_PERM_READ, SLK_V01, 0, "ubT",
     state_collateral_bounds},
    {"Filecoin.StateComputeDataCID", SLK_PERM_READ, SLK_V1, 0, "aunT", state_compute_data_cid},
    {"Filecoin.StateGetAllocation", SLK_PERM_READ, SLK_V01, 0, "auT", state_get_allocation},
    {"Filecoin.StateGetAllocations", SLK_PERM_READ, SLK_V01, 0, "aT", state_get_allocations},
    {"Filecoin.StateGetAllocationForPendingDeal", SLK_PERM_READ, SLK_V01, 0, "uT",
     state_pending_allocation},
    {"Filecoin.StateGetAllocationIdForPendingDeal", SLK_PERM_READ, SLK_V1, 0, "uT",
     state_pending_allocation_id},
    {"Filecoin.StateGetClaim", SLK_PERM_READ, SLK_V01, 0, "auT", state_get_claim},
    {"Filecoin.StateGetClaims", SLK_PERM_READ, SLK_V01, 0, "aT", state_get_claims},
    {"Filecoin.StateVerifiedClientStatus", SLK_PERM_READ, SLK_V01, 0, "aT",
     state_verified_client_status},
    {0},
};
