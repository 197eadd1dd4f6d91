/* A deal's life after it was published (spec chain.md 9.3). */

#include "devnet/actors/market_state.h"

#include "base/assert.h"

#include <inttypes.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static slk_bigint_t price_of(const slk_deal_proposal_t *proposal, int64_t epochs)
{
    return slk_bigint_mul(proposal->storage_price_per_epoch, slk_bigint_i64(epochs));
}

static slk_exit_t burn(slk_rt_t *rt, slk_bigint_t amount)
{
    if (slk_bigint_sign(&amount) <= 0)
        return SLK_EXIT_OK;
    return slk_rt_call(rt, SLK_ID_BURNT, 0, NULL, 0, amount, NULL);
}

/* --- Activation ------------------------------------------------------------------------------- */

/* Whether a piece that a miner shows is that of a pending deal of his that may begin now. */
static slk_exit_t fits(slk_rt_t *rt, const slk_market_state_t *st,
                       const slk_sector_changes_t *sector, const slk_piece_change_t *piece,
                       uint64_t id, slk_deal_proposal_t *proposal, bool *ok)
{
    slk_deal_state_t deal;
    slk_cid_t cid;
    bool found, pending;
    *ok = false;
    SLK_RT_TRY(slk_market_find_proposal(rt, st, id, proposal, &found));
    if (!found || slk_deal_provider(proposal) != slk_rt_caller(rt) ||
        slk_rt_epoch(rt) > proposal->start_epoch ||
        proposal->end_epoch > sector->minimum_commitment_epoch ||
        !slk_cid_eq(&piece->data, &proposal->piece_cid) || piece->size != proposal->piece_size)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_market_find_deal(rt, st, id, &deal, &found));
    if (found)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_proposal_cid(rt, proposal, &cid));
    SLK_RT_TRY(slk_market_is_pending(rt, st, &cid, &pending));
    *ok = pending;
    return SLK_EXIT_OK;
}

static slk_exit_t activate(slk_rt_t *rt, slk_market_state_t *st, const slk_sector_changes_t *sector,
                           const slk_piece_change_t *piece, slk_numbers_t *activated, bool *ok)
{
    slk_value_u64_t id;
    slk_deal_proposal_t proposal;
    *ok = false;
    if (slk_record_decode(&id, &slk_value_u64_type, piece->payload.b, piece->payload.len,
                          slk_rt_arena(rt), slk_rt_diag(rt)) != SLK_OK)
        return SLK_EXIT_OK;
    SLK_RT_TRY(fits(rt, st, sector, piece, id.value, &proposal, ok));
    if (!*ok)
        return SLK_EXIT_OK;
    const slk_deal_state_t deal = {sector->sector, slk_rt_epoch(rt), SLK_NO_EPOCH, SLK_NO_EPOCH};
    SLK_RT_TRY(slk_market_event(rt, "deal-activated", id.value, &proposal));
    SLK_RT_TRY(slk_market_remove_allocation(rt, st, id.value));
    SLK_RT_TRY(slk_market_put_deal(rt, st, id.value, &deal));
    return slk_numbers_add(rt, activated, id.value);
}

slk_exit_t slk_market_sector_content_changed(slk_rt_t *rt)
{
    slk_sector_content_changed_params_t params;
    slk_sector_content_changed_return_t ret = {0};
    slk_market_state_t st;
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_sector_content_changed_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    ret.sectors.count = params.sectors.count;
    ret.sectors.items =
        slk_arena_array(slk_rt_arena(rt), params.sectors.count, sizeof *ret.sectors.items);
    if (!ret.sectors.items)
        return slk_rt_no_memory(rt);
    for (size_t i = 0; i < params.sectors.count; i++) {
        const slk_sector_changes_t *sector = &params.sectors.items[i];
        slk_bool_list_t *accepted = &ret.sectors.items[i].added;
        slk_numbers_t activated = {0};
        accepted->count = sector->added.count;
        accepted->items =
            slk_arena_array(slk_rt_arena(rt), sector->added.count, sizeof *accepted->items);
        if (!accepted->items)
            return slk_rt_no_memory(rt);
        for (size_t k = 0; k < sector->added.count; k++)
            SLK_RT_TRY(activate(rt, &st, sector, &sector->added.items[k], &activated,
                                &accepted->items[k]));
        SLK_RT_TRY(slk_market_add_sector_deals(rt, &st, slk_rt_caller(rt), sector->sector,
                                               &activated.list));
    }
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_market_state_type));
    return slk_rt_return_record(rt, &ret, &slk_sector_content_changed_return_type);
}

/* --- Ends ------------------------------------------------------------------------------------- */

/* Not activated in time: the provider's collateral is lost, all else is free. */
static slk_exit_t time_out(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                           const slk_deal_proposal_t *proposal, const slk_cid_t *cid,
                           slk_bigint_t *slashed)
{
    const uint64_t client = slk_deal_client(proposal);
    bool found;
    SLK_RT_TRY(slk_market_unlock(rt, st, client, slk_deal_fee(proposal), SLK_LOCK_STORAGE_FEE));
    SLK_RT_TRY(
        slk_market_unlock(rt, st, client, proposal->client_collateral, SLK_LOCK_CLIENT_COLLATERAL));
    SLK_RT_TRY(slk_market_slash(rt, st, slk_deal_provider(proposal), proposal->provider_collateral,
                                SLK_LOCK_PROVIDER));
    SLK_RT_TRY(slk_market_remove_proposal(rt, st, id));
    SLK_RT_TRY(slk_market_remove_pending(rt, st, cid, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "failed to delete pending deal %" PRIu64 ": cid %s does not exist", id,
                            slk_cid_text(cid).s);
    *slashed = slk_bigint_add(*slashed, proposal->provider_collateral);
    return slk_market_remove_allocation(rt, st, id);
}

/* The sector was terminated: pay up to then, give the client back the rest, take the provider's
 * collateral. */
static slk_exit_t slash(slk_rt_t *rt, slk_market_state_t *st, const slk_deal_proposal_t *proposal,
                        const slk_deal_state_t *deal, slk_bigint_t *slashed)
{
    const uint64_t client = slk_deal_client(proposal), provider = slk_deal_provider(proposal);
    const int64_t from = most(proposal->start_epoch, deal->last_updated_epoch);
    const int64_t to = least(proposal->end_epoch, deal->slash_epoch);
    const int64_t left = proposal->end_epoch - most(deal->slash_epoch, proposal->start_epoch);
    slk_bigint_t payment = price_of(proposal, most(0, to - from));
    if (slk_bigint_sign(&payment) > 0)
        SLK_RT_TRY(slk_market_pay(rt, st, client, provider, payment));
    SLK_RT_TRY(slk_market_unlock(rt, st, client, price_of(proposal, left), SLK_LOCK_STORAGE_FEE));
    SLK_RT_TRY(
        slk_market_unlock(rt, st, client, proposal->client_collateral, SLK_LOCK_CLIENT_COLLATERAL));
    *slashed = slk_bigint_add(*slashed, proposal->provider_collateral);
    return slk_market_slash(rt, st, provider, proposal->provider_collateral, SLK_LOCK_PROVIDER);
}

static slk_exit_t terminate(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, int64_t epoch,
                            slk_bigint_t *slashed)
{
    slk_deal_proposal_t proposal;
    slk_deal_state_t deal;
    slk_cid_t cid;
    bool found;
    SLK_RT_TRY(slk_market_find_proposal(rt, st, id, &proposal, &found));
    if (!found)
        return SLK_EXIT_OK;
    if (slk_deal_provider(&proposal) != slk_rt_caller(rt))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "caller f0%" PRIu64 " is not the provider f0%" PRIu64
                            " of deal %" PRIu64,
                            slk_rt_caller(rt), slk_deal_provider(&proposal), id);
    if (proposal.end_epoch <= epoch)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_market_find_deal(rt, st, id, &deal, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no state for deal %" PRIu64, id);
    if (deal.last_updated_epoch == SLK_NO_EPOCH) {
        SLK_RT_TRY(slk_proposal_cid(rt, &proposal, &cid));
        SLK_RT_TRY(slk_market_remove_pending(rt, st, &cid, &found));
    }
    deal.slash_epoch = epoch;
    SLK_RT_TRY(slash(rt, st, &proposal, &deal, slashed));
    SLK_RT_TRY(slk_market_remove_deal(rt, st, id));
    return slk_market_event(rt, "deal-terminated", id, &proposal);
}

slk_exit_t slk_market_on_miner_sectors_terminate(slk_rt_t *rt)
{
    slk_on_miner_sectors_terminate_params_t params;
    slk_market_state_t st;
    slk_numbers_t deals = {0};
    slk_bigint_t slashed = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_on_miner_sectors_terminate_params_type));
    /* A miner names those of one message at most; a set of 2^60 would keep us for ever. */
    if (slk_bitfield_count(&params.sectors) > slk_rt_policy(rt)->sectors_per_message)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "too many sectors terminated at once");
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    slk_bit_iter_t it = slk_bitfield_iter(&params.sectors);
    for (uint64_t sector; slk_bit_next(&it, &sector);)
        SLK_RT_TRY(slk_market_pop_sector_deals(rt, &st, slk_rt_caller(rt), sector, &deals));
    for (size_t i = 0; i < deals.list.count; i++)
        SLK_RT_TRY(terminate(rt, &st, deals.list.items[i], params.epoch, &slashed));
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_market_state_type));
    return burn(rt, slashed);
}

/* --- Payments --------------------------------------------------------------------------------- */

/* Pay what is due of an activated deal; *completed: it is over and its collaterals are free. */
static slk_exit_t update(slk_rt_t *rt, slk_market_state_t *st, const slk_deal_proposal_t *proposal,
                         const slk_deal_state_t *deal, const slk_cid_t *cid, slk_bigint_t *payment,
                         bool *completed)
{
    const int64_t now = slk_rt_epoch(rt);
    const uint64_t client = slk_deal_client(proposal), provider = slk_deal_provider(proposal);
    *payment = slk_bigint_u64(0);
    *completed = false;
    if (deal->last_updated_epoch == SLK_NO_EPOCH) {
        bool found;
        SLK_RT_TRY(slk_market_remove_pending(rt, st, cid, &found));
    }
    if (proposal->start_epoch > now)
        return SLK_EXIT_OK;
    const int64_t from = most(deal->last_updated_epoch, proposal->start_epoch);
    *payment = price_of(proposal, least(proposal->end_epoch, now) - from);
    if (slk_bigint_sign(payment) > 0)
        SLK_RT_TRY(slk_market_pay(rt, st, client, provider, *payment));
    if (now < proposal->end_epoch)
        return SLK_EXIT_OK;
    *completed = true;
    SLK_RT_TRY(
        slk_market_unlock(rt, st, provider, proposal->provider_collateral, SLK_LOCK_PROVIDER));
    return slk_market_unlock(rt, st, client, proposal->client_collateral,
                             SLK_LOCK_CLIENT_COLLATERAL);
}

static slk_exit_t complete(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                           const slk_deal_proposal_t *proposal, const slk_deal_state_t *deal)
{
    SLK_RT_TRY(slk_market_remove_deal(rt, st, id));
    SLK_RT_TRY(slk_market_remove_sector_deal(rt, st, slk_deal_provider(proposal),
                                             deal->sector_number, id));
    return slk_market_event(rt, "deal-completed", id, proposal);
}

/* One deal of SettleDealPayments; *code is its result, *summary counts where it is SLK_EXIT_OK. */
static slk_exit_t settle(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t *slashed,
                         slk_exit_t *code, slk_deal_settlement_summary_t *summary)
{
    slk_deal_proposal_t proposal;
    slk_deal_state_t deal;
    slk_cid_t cid;
    bool found;
    *code = SLK_EXIT_MARKET_DEAL_EXPIRED;
    *summary = (slk_deal_settlement_summary_t){0};
    SLK_RT_TRY(slk_market_find_proposal(rt, st, id, &proposal, &found));
    if (!found)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_proposal_cid(rt, &proposal, &cid));
    SLK_RT_TRY(slk_market_find_deal(rt, st, id, &deal, &found));
    if (!found && slk_rt_epoch(rt) >= proposal.start_epoch)
        return time_out(rt, st, id, &proposal, &cid, slashed);
    *code = SLK_EXIT_OK;
    if (!found)
        return SLK_EXIT_OK;
    SLK_RT_TRY(update(rt, st, &proposal, &deal, &cid, &summary->payment, &summary->completed));
    if (summary->completed)
        return complete(rt, st, id, &proposal, &deal);
    deal.last_updated_epoch = slk_rt_epoch(rt);
    return slk_market_put_deal(rt, st, id, &deal);
}

slk_exit_t slk_market_settle_deal_payments(slk_rt_t *rt)
{
    slk_value_bitfield_t params;
    slk_settle_deal_payments_return_t ret = {0};
    slk_market_state_t st;
    slk_batch_t batch = {0};
    size_t cap = 0;
    slk_bigint_t slashed = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_bitfield_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    slk_bit_iter_t it = slk_bitfield_iter(&params.value);
    for (uint64_t id; slk_bit_next(&it, &id);) {
        slk_deal_settlement_summary_t summary;
        slk_exit_t code = SLK_EXIT_OK;
        SLK_RT_TRY(settle(rt, &st, id, &slashed, &code, &summary));
        SLK_RT_TRY(slk_batch_add(rt, &batch, code));
        if (code != SLK_EXIT_OK)
            continue;
        slk_deal_settlement_summary_t *items = slk_grown(
            rt, ret.settlements.items, ret.settlements.count, &cap, sizeof *ret.settlements.items);
        if (!items)
            return slk_rt_no_memory(rt);
        ret.settlements.items = items;
        items[ret.settlements.count++] = summary;
    }
    ret.results = batch.ret;
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_market_state_type));
    SLK_RT_TRY(burn(rt, slashed));
    return slk_rt_return_record(rt, &ret, &slk_settle_deal_payments_return_type);
}

/* --- Cron ------------------------------------------------------------------------------------- */

/* A deal whose turn has come for the first time: it was activated, or it is lost. One that was
 * settled before is paid and comes round again. */
static slk_exit_t visit(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t *slashed)
{
    slk_deal_proposal_t proposal;
    slk_deal_state_t deal;
    slk_bigint_t payment;
    slk_cid_t cid;
    bool found, completed;
    const int64_t now = slk_rt_epoch(rt);
    SLK_RT_TRY(slk_market_find_proposal(rt, st, id, &proposal, &found));
    if (!found)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_proposal_cid(rt, &proposal, &cid));
    SLK_RT_TRY(slk_market_find_deal(rt, st, id, &deal, &found));
    if (!found && now < proposal.start_epoch)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "deal %" PRIu64 " processed before start epoch %" PRId64, id,
                            proposal.start_epoch);
    if (!found)
        return time_out(rt, st, id, &proposal, &cid, slashed);
    if (deal.last_updated_epoch == SLK_NO_EPOCH) {
        SLK_RT_TRY(slk_market_remove_pending(rt, st, &cid, &found));
        if (found)
            return SLK_EXIT_OK;
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "failed to delete pending proposal: does not exist");
    }
    SLK_RT_TRY(update(rt, st, &proposal, &deal, &cid, &payment, &completed));
    if (completed)
        return complete(rt, st, id, &proposal, &deal);
    deal.last_updated_epoch = now;
    SLK_RT_TRY(slk_market_put_deal(rt, st, id, &deal));
    return slk_market_schedule(
        rt, st, slk_market_next_update(id, slk_rt_policy(rt)->deal_updates_interval, now + 1), id);
}

slk_exit_t slk_market_cron_tick(slk_rt_t *rt)
{
    const uint64_t cron = SLK_ID_CRON;
    slk_market_state_t st;
    slk_numbers_t deals = {0};
    slk_bigint_t slashed = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_require_caller(rt, &cron, 1));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_market_state_type));
    for (int64_t epoch = st.last_cron + 1; epoch <= slk_rt_epoch(rt); epoch++) {
        SLK_RT_TRY(slk_market_scheduled(rt, &st, epoch, &deals));
        if (!deals.list.count)
            continue;
        for (size_t i = 0; i < deals.list.count; i++)
            SLK_RT_TRY(visit(rt, &st, deals.list.items[i], &slashed));
        SLK_RT_TRY(slk_market_unschedule(rt, &st, epoch));
    }
    st.last_cron = slk_rt_epoch(rt);
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_market_state_type));
    return burn(rt, slashed);
}
