/* The market's escrow, what it answers about deals, and its table of methods (spec chain.md
 * 3.5). */

#include "devnet/actors/market_state.h"

#include "base/assert.h"
#include "codec/actors/miner.h"

#include <inttypes.h>

#define MINER_CONTROL_ADDRESSES 2u

/* --- Escrow ----------------------------------------------------------------------------------- */

/* Whose escrow an address names, who gets what is withdrawn from it, and who may do that. */
typedef struct {
    uint64_t nominal, recipient;
    uint64_t approved[2];
    size_t approved_cnt;
} party_t;

static slk_exit_t resolve(slk_rt_t *rt, const slk_address_t *address, uint64_t *id)
{
    bool found;
    SLK_RT_TRY(slk_rt_resolve(rt, address, id, &found));
    if (found)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to resolve address %s",
                        slk_address_text(address, slk_rt_policy(rt)->letter).s);
}

static slk_exit_t party_of(slk_rt_t *rt, const slk_address_t *address, party_t *party)
{
    slk_actor_kind_t kind;
    slk_get_control_addresses_return_t miner;
    slk_bytes_t ret = {0};
    SLK_RT_TRY(resolve(rt, address, &party->nominal));
    SLK_RT_TRY(slk_rt_actor_kind(rt, party->nominal, &kind));
    party->recipient = party->approved[0] = party->nominal;
    party->approved_cnt = 1;
    if (kind != SLK_ACTOR_MINER)
        return SLK_EXIT_OK;
    SLK_RT_TRY(
        slk_rt_call(rt, party->nominal, MINER_CONTROL_ADDRESSES, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&miner, &slk_get_control_addresses_return_type, ret.b,
                                            ret.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    SLK_RT_TRY(resolve(rt, &miner.owner, &party->approved[0]));
    SLK_RT_TRY(resolve(rt, &miner.worker, &party->approved[1]));
    party->recipient = party->approved[0];
    party->approved_cnt = 2;
    return SLK_EXIT_OK;
}

static slk_exit_t add_balance(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_market_state_t st;
    party_t party;
    slk_bigint_t value = slk_rt_value(rt);
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    if (slk_bigint_sign(&value) <= 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "balance to add must be greater than zero was: %s",
                            slk_bigint_text(&value).s);
    SLK_RT_TRY(party_of(rt, &params.value, &party));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    SLK_RT_TRY(slk_market_deposit(rt, &st, party.nominal, value));
    return slk_rt_write_state(rt, &st, &slk_market_state_type);
}

static slk_exit_t withdraw_balance(slk_rt_t *rt)
{
    slk_market_withdraw_balance_params_t params;
    slk_market_state_t st;
    party_t party;
    slk_value_bigint_t taken;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_market_withdraw_balance_params_type));
    if (slk_bigint_sign(&params.amount) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "negative amount: %s",
                            slk_bigint_text(&params.amount).s);
    SLK_RT_TRY(party_of(rt, &params.provider_or_client_address, &party));
    SLK_RT_TRY(slk_rt_require_caller(rt, party.approved, party.approved_cnt));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    SLK_RT_TRY(slk_market_take_free(rt, &st, party.nominal, params.amount, &taken.value));
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_market_state_type));
    SLK_RT_TRY(slk_rt_call(rt, party.recipient, 0, NULL, 0, taken.value, NULL));
    return slk_rt_return_record(rt, &taken, &slk_value_bigint_type);
}

static slk_exit_t get_balance(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_market_state_t st;
    slk_get_balance_return_t ret;
    uint64_t id;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    SLK_RT_TRY(resolve(rt, &params.value, &id));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    SLK_RT_TRY(slk_market_escrow(rt, &st, id, &ret.balance, &ret.locked));
    return slk_rt_return_record(rt, &ret, &slk_get_balance_return_type);
}

/* --- Questions about deals -------------------------------------------------------------------- */

/* The proposal of the deal that the parameters name. */
static slk_exit_t asked(slk_rt_t *rt, slk_market_state_t *st, uint64_t *id,
                        slk_deal_proposal_t *proposal)
{
    slk_value_u64_t params;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_u64_type));
    SLK_RT_TRY(slk_rt_read_state(rt, st, &slk_market_state_type));
    *id = params.value;
    return slk_market_get_proposal(rt, st, params.value, proposal);
}

/* A method that answers with a record made of the proposal alone. */
#define QUESTION(name, type, ...)                                                                  \
    static slk_exit_t name(slk_rt_t *rt)                                                           \
    {                                                                                              \
        slk_market_state_t st;                                                                     \
        slk_deal_proposal_t proposal;                                                              \
        uint64_t id;                                                                               \
        SLK_RT_TRY(asked(rt, &st, &id, &proposal));                                                \
        const type##_t ret = {__VA_ARGS__};                                                        \
        return slk_rt_return_record(rt, &ret, &type##_type);                                       \
    }

QUESTION(get_deal_data_commitment, slk_get_deal_data_commitment_return, proposal.piece_cid,
         proposal.piece_size)
QUESTION(get_deal_client, slk_value_u64, slk_deal_client(&proposal))
QUESTION(get_deal_provider, slk_value_u64, slk_deal_provider(&proposal))
QUESTION(get_deal_label, slk_value_label, proposal.label)
QUESTION(get_deal_term, slk_get_deal_term_return, proposal.start_epoch,
         proposal.end_epoch - proposal.start_epoch)
QUESTION(get_deal_total_price, slk_value_bigint, slk_deal_fee(&proposal))
QUESTION(get_deal_client_collateral, slk_value_bigint, proposal.client_collateral)
QUESTION(get_deal_provider_collateral, slk_value_bigint, proposal.provider_collateral)
QUESTION(get_deal_verified, slk_value_bool, proposal.verified_deal)

static slk_exit_t get_deal_activation(slk_rt_t *rt)
{
    slk_market_state_t st;
    slk_deal_proposal_t proposal;
    slk_deal_state_t deal;
    slk_get_deal_activation_return_t ret = {SLK_NO_EPOCH, SLK_NO_EPOCH};
    uint64_t id;
    bool found;
    SLK_RT_TRY(asked(rt, &st, &id, &proposal));
    SLK_RT_TRY(slk_market_find_deal(rt, &st, id, &deal, &found));
    if (found)
        ret.activated = deal.sector_start_epoch;
    return slk_rt_return_record(rt, &ret, &slk_get_deal_activation_return_type);
}

static slk_exit_t get_deal_sector(slk_rt_t *rt)
{
    slk_market_state_t st;
    slk_deal_proposal_t proposal;
    slk_deal_state_t deal;
    uint64_t id;
    bool found;
    SLK_RT_TRY(asked(rt, &st, &id, &proposal));
    SLK_RT_TRY(slk_market_find_deal(rt, &st, id, &deal, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_MARKET_DEAL_NOT_ACTIVATED,
                            "deal %" PRIu64 " not yet activated", id);
    const slk_value_u64_t ret = {deal.sector_number};
    return slk_rt_return_record(rt, &ret, &slk_value_u64_type);
}

/* --- Table ------------------------------------------------------------------------------------ */

static const slk_actor_method_t methods[] = {
    {2, "AddBalance", add_balance},
    {3, "WithdrawBalance", withdraw_balance},
    {4, "PublishStorageDeals", slk_market_publish_storage_deals},
    {7, "OnMinerSectorsTerminate", slk_market_on_miner_sectors_terminate},
    {9, "CronTick", slk_market_cron_tick},
    {822473126, "AddBalanceExported", add_balance},
    {2280458852, "WithdrawBalanceExported", withdraw_balance},
    {2236929350, "PublishStorageDealsExported", slk_market_publish_storage_deals},
    {726108461, "GetBalanceExported", get_balance},
    {1157985802, "GetDealDataCommitmentExported", get_deal_data_commitment},
    {128053329, "GetDealClientExported", get_deal_client},
    {935081690, "GetDealProviderExported", get_deal_provider},
    {46363526, "GetDealLabelExported", get_deal_label},
    {163777312, "GetDealTermExported", get_deal_term},
    {4287162428, "GetDealTotalPriceExported", get_deal_total_price},
    {200567895, "GetDealClientCollateralExported", get_deal_client_collateral},
    {2986712137, "GetDealProviderCollateralExported", get_deal_provider_collateral},
    {2627389465, "GetDealVerifiedExported", get_deal_verified},
    {2567238399, "GetDealActivationExported", get_deal_activation},
    {2611213344, "GetDealSectorExported", get_deal_sector},
    {1900091594, "SettleDealPaymentsExported", slk_market_settle_deal_payments},
    {2034386435, "SectorContentChanged", slk_market_sector_content_changed},
};
const slk_actor_t slk_actor_market = {SLK_ACTOR_MARKET, methods, SLK_COUNT(methods)};
