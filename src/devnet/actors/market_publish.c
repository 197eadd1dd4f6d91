/* PublishStorageDeals: deals that are not valid are dropped, the others get ids, funds are
 * locked, verified ones get allocations (spec chain.md 3.5, 9.3). */

#include "devnet/actors/market_state.h"

#include "base/assert.h"
#include "codec/actors/account.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"
#include "devnet/actors/datacap_state.h"

#include <inttypes.h>
#include <stdlib.h>

#define REWARD_THIS_EPOCH            3u
#define POWER_CURRENT_TOTAL          9u
#define ACCOUNT_AUTHENTICATE_MESSAGE 2643134072u
#define MINER_IS_CONTROLLING_ADDRESS 348244887u
#define CLIENT_NOTIFY_DEAL           4186741094u
#define DATACAP_BALANCE              3261979605u
#define DATACAP_TRANSFER_FROM        3621052141u

#define PIECE_LEAST     128u
#define ALL_FIL         UINT64_C(2000000000)
#define ATTO            UINT64_C(1000000000000000000)
#define TERM_EXTRA_DAYS 90 /* that an allocation may run longer than its deal */

#define SLK_NOTIFY_DEAL_ROWS(F, T)                                                                 \
    F(T, BYTES, proposal, "Proposal")                                                              \
    F(T, U64, deal_id, "DealID")
SLK_RECORD(slk_notify_deal, SLK_NOTIFY_DEAL_ROWS);
SLK_RECORD_TYPE(slk_notify_deal, "MarketNotifyDealParams", TUPLE, SLK_NOTIFY_DEAL_ROWS);

typedef struct {
    slk_deal_proposal_t proposal; /* with ID addresses */
    slk_cid_t cid;
    size_t index;            /* in the message */
    uint64_t id, allocation; /* allocation 0: none */
    bool allocated;
} accepted_t;

typedef struct {
    slk_rt_t *rt;
    slk_market_state_t st;
    slk_publish_storage_deals_params_t params;
    uint64_t provider;
    slk_bigint_t least_power; /* network's raw or baseline power, the larger one */
    slk_bigint_t supply;
    accepted_t *accepted;
    size_t cnt;
} publish_t;

/* --- Who -------------------------------------------------------------------------------------- */

static slk_exit_t check_provider(publish_t *p)
{
    slk_rt_t *rt = p->rt;
    const slk_address_t *raw = &p->params.deals.items[0].proposal.provider;
    slk_value_address_t caller = {slk_address_id(slk_rt_caller(rt))};
    slk_value_bool_t controls;
    slk_actor_kind_t kind;
    slk_bytes_t ret = {0};
    bool found;
    SLK_RT_TRY(slk_rt_resolve(rt, raw, &p->provider, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "failed to resolve provider address %s",
                            slk_address_text(raw, slk_rt_policy(rt)->letter).s);
    SLK_RT_TRY(slk_rt_actor_kind(rt, p->provider, &kind));
    if (kind != SLK_ACTOR_MINER)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "deal provider is not a storage miner actor");
    SLK_RT_TRY(slk_rt_call_record(rt, p->provider, MINER_IS_CONTROLLING_ADDRESS, &caller,
                                  &slk_value_address_type, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&controls, &slk_value_bool_type, ret.b, ret.len,
                                            slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    if (controls.value)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                        "caller f0%" PRIu64
                        " is not worker or control address of provider %" PRIu64,
                        slk_rt_caller(rt), p->provider);
}

static slk_exit_t ask_network(publish_t *p)
{
    slk_rt_t *rt = p->rt;
    slk_this_epoch_reward_return_t reward;
    slk_current_total_power_return_t power;
    slk_bytes_t ret = {0};
    SLK_RT_TRY(slk_rt_call(rt, SLK_ID_REWARD, REWARD_THIS_EPOCH, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&reward, &slk_this_epoch_reward_return_type, ret.b,
                                            ret.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    SLK_RT_TRY(
        slk_rt_call(rt, SLK_ID_POWER, POWER_CURRENT_TOTAL, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&power, &slk_current_total_power_return_type, ret.b,
                                            ret.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    p->least_power = slk_bigint_max(power.raw_byte_power, reward.this_epoch_baseline_power);
    return slk_rt_circulating_supply(rt, &p->supply);
}

/* --- One deal --------------------------------------------------------------------------------- */

/* The client's account says whether it signed the proposal as it was sent. */
static slk_exit_t authenticate(slk_rt_t *rt, const slk_client_deal_proposal_t *deal, bool *ok)
{
    slk_buf_t proposal = {0}, params = {0};
    slk_exit_t exit = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    slk_err_t err =
        slk_record_encode(&proposal, &slk_deal_proposal_type, &deal->proposal, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&proposal, slk_rt_diag(rt));
    const slk_authenticate_message_params_t message = {deal->client_signature.data,
                                                       {proposal.bytes, proposal.len}};
    if (err == SLK_OK)
        err = slk_record_encode(&params, &slk_authenticate_message_params_type, &message,
                                slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&params, slk_rt_diag(rt));
    slk_exit_t own = slk_rt_err(rt, err, SLK_EXIT_USR_SERIALIZATION);
    if (own == SLK_EXIT_OK)
        own = slk_rt_send(rt, &deal->proposal.client, ACCOUNT_AUTHENTICATE_MESSAGE, params.bytes,
                          params.len, slk_bigint_u64(0), &exit, NULL);
    slk_buf_free(&proposal);
    slk_buf_free(&params);
    *ok = exit == SLK_EXIT_OK;
    return own;
}

static bool within(const slk_bigint_t *v, slk_bigint_t low, slk_bigint_t high)
{
    return slk_bigint_cmp(v, &low) >= 0 && slk_bigint_cmp(v, &high) <= 0;
}

static bool is_well_formed(const publish_t *p, const slk_deal_proposal_t *proposal)
{
    const slk_policy_t *policy = slk_rt_policy(p->rt);
    const slk_bigint_t none = slk_bigint_u64(0);
    const slk_bigint_t all = slk_bigint_mul(slk_bigint_u64(ALL_FIL), slk_bigint_u64(ATTO));
    const uint64_t size = proposal->piece_size;
    slk_node_t comm_p;
    if (proposal->label.data.len > SLK_LABEL_MAX || size < PIECE_LEAST || (size & (size - 1)))
        return false;
    slk_diag_t *diag = slk_rt_diag(p->rt);
    if (slk_cid_to_commitment(&comm_p, SLK_CID_UNSEALED, &proposal->piece_cid, diag) != SLK_OK)
        return false;
    if (proposal->start_epoch < slk_rt_epoch(p->rt) || proposal->end_epoch <= proposal->start_epoch)
        return false;
    const int64_t duration = proposal->end_epoch - proposal->start_epoch;
    return duration >= policy->min_deal_duration && duration <= policy->max_deal_duration &&
           within(&proposal->storage_price_per_epoch, none, all) &&
           within(&proposal->provider_collateral,
                  slk_deal_least_collateral(size, p->least_power, p->supply), all) &&
           within(&proposal->client_collateral, none, all);
}

/* What a deal and those accepted before it lock is in escrow. */
static slk_exit_t covered(publish_t *p, uint64_t id, slk_bigint_t lock, bool *ok)
{
    slk_bigint_t all, locked;
    SLK_RT_TRY(slk_market_escrow(p->rt, &p->st, id, &all, &locked));
    slk_bigint_t sum = slk_bigint_add(locked, lock);
    *ok = slk_bigint_cmp(&sum, &all) <= 0;
    return SLK_EXIT_OK;
}

static slk_exit_t check_money(publish_t *p, const slk_deal_proposal_t *proposal, bool *ok)
{
    const uint64_t client = slk_deal_client(proposal);
    slk_bigint_t of_client = slk_deal_client_needs(proposal);
    slk_bigint_t of_provider = proposal->provider_collateral;
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_deal_proposal_t *other = &p->accepted[i].proposal;
        of_provider = slk_bigint_add(of_provider, other->provider_collateral);
        if (slk_deal_client(other) == client)
            of_client = slk_bigint_add(of_client, slk_deal_client_needs(other));
    }
    SLK_RT_TRY(covered(p, client, of_client, ok));
    if (!*ok)
        return SLK_EXIT_OK;
    return covered(p, p->provider, of_provider, ok);
}

/* Data cap left of a client after the verified deals accepted before. */
static slk_exit_t check_datacap(publish_t *p, const slk_deal_proposal_t *proposal, bool *ok)
{
    slk_rt_t *rt = p->rt;
    const uint64_t client = slk_deal_client(proposal);
    slk_value_address_t owner = {proposal->client};
    slk_value_bigint_t balance;
    slk_bytes_t ret = {0};
    slk_bigint_t bytes = slk_bigint_u64(proposal->piece_size);
    SLK_RT_TRY(slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_BALANCE, &owner,
                                  &slk_value_address_type, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&balance, &slk_value_bigint_type, ret.b, ret.len,
                                            slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_deal_proposal_t *other = &p->accepted[i].proposal;
        if (other->verified_deal && slk_deal_client(other) == client)
            bytes = slk_bigint_add(bytes, slk_bigint_u64(other->piece_size));
    }
    slk_bigint_t tokens = slk_bigint_mul(bytes, slk_bigint_u64(SLK_DATACAP_UNIT));
    *ok = slk_bigint_cmp(&tokens, &balance.value) <= 0;
    return SLK_EXIT_OK;
}

static slk_exit_t is_new(publish_t *p, const slk_cid_t *cid, bool *ok)
{
    bool pending;
    SLK_RT_TRY(slk_market_is_pending(p->rt, &p->st, cid, &pending));
    *ok = !pending;
    for (size_t i = 0; i < p->cnt; i++)
        if (slk_cid_eq(&p->accepted[i].cid, cid))
            *ok = false;
    return SLK_EXIT_OK;
}

/* Deal `index` goes to the accepted ones if it is good. */
static slk_exit_t consider(publish_t *p, size_t index)
{
    slk_rt_t *rt = p->rt;
    const slk_client_deal_proposal_t *deal = &p->params.deals.items[index];
    accepted_t *next = &p->accepted[p->cnt];
    const slk_address_t provider = slk_address_id(p->provider);
    uint64_t client;
    bool ok;
    *next = (accepted_t){.proposal = deal->proposal, .index = index};
    SLK_RT_TRY(slk_rt_resolve(rt, &deal->proposal.client, &client, &ok));
    if (!ok)
        return SLK_EXIT_OK;
    SLK_RT_TRY(authenticate(rt, deal, &ok));
    if (!ok || !is_well_formed(p, &deal->proposal))
        return SLK_EXIT_OK;
    if (!slk_address_eq(&deal->proposal.provider, &provider) &&
        !slk_address_eq(&deal->proposal.provider, &p->params.deals.items[0].proposal.provider))
        return SLK_EXIT_OK;
    next->proposal.client = slk_address_id(client);
    next->proposal.provider = provider;
    SLK_RT_TRY(check_money(p, &next->proposal, &ok));
    if (!ok)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_proposal_cid(rt, &next->proposal, &next->cid));
    SLK_RT_TRY(is_new(p, &next->cid, &ok));
    if (ok && deal->proposal.verified_deal)
        SLK_RT_TRY(check_datacap(p, &next->proposal, &ok));
    p->cnt += ok;
    return SLK_EXIT_OK;
}

/* --- Allocations ------------------------------------------------------------------------------ */

static slk_allocation_request_t request_of(slk_rt_t *rt, const slk_deal_proposal_t *proposal)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    const int64_t term = proposal->end_epoch - proposal->start_epoch;
    const int64_t term_max = term + TERM_EXTRA_DAYS * policy->proving_period;
    const int64_t expiration = slk_rt_epoch(rt) + policy->max_allocation_expiration;
    return (slk_allocation_request_t){
        .provider = slk_deal_provider(proposal),
        .data = proposal->piece_cid,
        .size = proposal->piece_size,
        .term_min = term,
        .term_max = term_max < policy->max_allocation_term ? term_max : policy->max_allocation_term,
        .expiration = proposal->start_epoch < expiration ? proposal->start_epoch : expiration,
    };
}

/* One transfer of data cap to the registry, whose answer has the allocations' ids. */
static slk_exit_t transfer(slk_rt_t *rt, uint64_t client, const slk_allocation_requests_t *requests,
                           slk_bigint_t bytes, slk_allocations_response_t *response)
{
    slk_buf_t buf = {0};
    slk_bytes_t ret = {0};
    slk_transfer_from_return_t moved;
    slk_transfer_from_params_t params = {
        .from = slk_address_id(client),
        .to = slk_address_id(SLK_ID_VERIFREG),
        .amount = slk_bigint_mul(bytes, slk_bigint_u64(SLK_DATACAP_UNIT))};
    slk_err_t err =
        slk_record_encode(&buf, &slk_allocation_requests_type, requests, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    params.operator_data = (slk_bytes_t){buf.bytes, buf.len};
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_call_record(rt, SLK_ID_DATACAP, DATACAP_TRANSFER_FROM, &params,
                                  &slk_transfer_from_params_type, slk_bigint_u64(0), &ret);
    slk_buf_free(&buf);
    SLK_RT_TRY(exit);
    err = slk_record_decode(&moved, &slk_transfer_from_return_type, ret.b, ret.len,
                            slk_rt_arena(rt), slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_record_decode(response, &slk_allocations_response_type, moved.recipient_data.b,
                                moved.recipient_data.len, slk_rt_arena(rt), slk_rt_diag(rt));
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

static slk_exit_t allocate_for(publish_t *p, uint64_t client)
{
    slk_rt_t *rt = p->rt;
    slk_allocation_requests_t requests = {0};
    slk_allocations_response_t response;
    slk_bigint_t bytes = slk_bigint_u64(0);
    slk_allocation_request_t *items = slk_arena_array(slk_rt_arena(rt), p->cnt, sizeof *items);
    if (!items)
        return slk_rt_no_memory(rt);
    requests.allocations.items = items;
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_deal_proposal_t *proposal = &p->accepted[i].proposal;
        if (!proposal->verified_deal || slk_deal_client(proposal) != client)
            continue;
        items[requests.allocations.count++] = request_of(rt, proposal);
        bytes = slk_bigint_add(bytes, slk_bigint_u64(proposal->piece_size));
    }
    SLK_RT_TRY(transfer(rt, client, &requests, bytes, &response));
    if (response.new_allocations.count != requests.allocations.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "datacap transfer returned %zu allocation IDs for %zu requests",
                            response.new_allocations.count, requests.allocations.count);
    for (size_t i = 0, next = 0; i < p->cnt; i++) {
        accepted_t *deal = &p->accepted[i];
        if (!deal->proposal.verified_deal || slk_deal_client(&deal->proposal) != client)
            continue;
        deal->allocation = response.new_allocations.items[next++];
        deal->allocated = true;
    }
    return SLK_EXIT_OK;
}

/* Client after client, by their ids. */
static slk_exit_t allocate(publish_t *p)
{
    for (;;) {
        bool found = false;
        uint64_t client = 0;
        for (size_t i = 0; i < p->cnt; i++) {
            const accepted_t *deal = &p->accepted[i];
            if (!deal->proposal.verified_deal || deal->allocated)
                continue;
            const uint64_t id = slk_deal_client(&deal->proposal);
            client = found && client < id ? client : id;
            found = true;
        }
        if (!found)
            return SLK_EXIT_OK;
        SLK_RT_TRY(allocate_for(p, client));
    }
}

/* --- All deals -------------------------------------------------------------------------------- */

static slk_exit_t store(publish_t *p)
{
    slk_rt_t *rt = p->rt;
    const int64_t interval = slk_rt_policy(rt)->deal_updates_interval;
    for (size_t i = 0; i < p->cnt; i++) {
        accepted_t *deal = &p->accepted[i];
        deal->id = p->st.next_id++;
        SLK_RT_TRY(slk_market_lock(rt, &p->st, &deal->proposal));
        SLK_RT_TRY(slk_market_put_pending(rt, &p->st, &deal->cid));
        SLK_RT_TRY(slk_state_array_set(rt, &p->st.proposals, SLK_PROPOSALS_WIDTH, deal->id,
                                       &deal->proposal, &slk_deal_proposal_type));
        if (deal->allocated)
            SLK_RT_TRY(slk_market_put_allocation(rt, &p->st, deal->id, deal->allocation));
        SLK_RT_TRY(slk_market_schedule(
            rt, &p->st, slk_market_next_update(deal->id, interval, deal->proposal.start_epoch),
            deal->id));
    }
    return slk_rt_write_state(rt, &p->st, &slk_market_state_type);
}

static slk_exit_t notify(slk_rt_t *rt, const accepted_t *deal)
{
    slk_buf_t buf = {0};
    slk_err_t err =
        slk_record_encode(&buf, &slk_deal_proposal_type, &deal->proposal, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    slk_notify_deal_t params = {{buf.bytes, buf.len}, deal->id};
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_call_record(rt, slk_deal_client(&deal->proposal), CLIENT_NOTIFY_DEAL, &params,
                                  &slk_notify_deal_type, slk_bigint_u64(0), NULL);
    slk_buf_free(&buf);
    SLK_RT_TRY(exit);
    return slk_market_event(rt, "deal-published", deal->id, &deal->proposal);
}

static slk_exit_t answer(publish_t *p)
{
    slk_rt_t *rt = p->rt;
    slk_publish_storage_deals_return_t ret = {0};
    uint64_t *numbers = slk_arena_array(slk_rt_arena(rt), 2 * p->cnt, sizeof *numbers);
    uint64_t *indexes = numbers + p->cnt;
    if (!numbers)
        return slk_rt_no_memory(rt);
    for (size_t i = 0; i < p->cnt; i++) {
        numbers[i] = p->accepted[i].id;
        indexes[i] = p->accepted[i].index;
    }
    ret.ids = (slk_u64_list_t){numbers, p->cnt};
    slk_err_t err = slk_bitfield_from_bits(&ret.valid_deals, indexes, p->cnt, slk_rt_arena(rt));
    SLK_RT_TRY(slk_rt_err(rt, err, SLK_EXIT_FATAL));
    return slk_rt_return_record(rt, &ret, &slk_publish_storage_deals_return_type);
}

slk_exit_t slk_market_publish_storage_deals(slk_rt_t *rt)
{
    publish_t *p = slk_arena_alloc(slk_rt_arena(rt), sizeof *p);
    if (!p)
        return slk_rt_no_memory(rt);
    p->rt = rt;
    SLK_RT_TRY(slk_rt_read_params(rt, &p->params, &slk_publish_storage_deals_params_type));
    const size_t deals = p->params.deals.count;
    if (!deals)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "Empty deals parameter");
    p->accepted = slk_arena_array(slk_rt_arena(rt), deals, sizeof *p->accepted);
    if (!p->accepted)
        return slk_rt_no_memory(rt);
    SLK_RT_TRY(check_provider(p));
    SLK_RT_TRY(ask_network(p));
    SLK_RT_TRY(slk_rt_read_state(rt, &p->st, &slk_market_state_type));
    for (size_t i = 0; i < deals; i++)
        SLK_RT_TRY(consider(p, i));
    SLK_RT_TRY(allocate(p));
    if (!p->cnt)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "All deal proposals invalid");
    SLK_RT_TRY(store(p));
    for (size_t i = 0; i < p->cnt; i++)
        SLK_RT_TRY(notify(rt, &p->accepted[i]));
    return answer(p);
}
