/* Allocations: a client's data cap for one piece and one provider, until he claims it or it
 * expires. */

#include "devnet/actors/verifreg_state.h"

#include "base/assert.h"
#include "devnet/actors/datacap_state.h"

#include <inttypes.h>

/* --- Requests, in a transfer of data cap ------------------------------------------------------ */

static slk_exit_t check_request(slk_rt_t *rt, const slk_allocation_request_t *request)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    const int64_t now = slk_rt_epoch(rt), latest = now + policy->max_allocation_expiration;
    const slk_exit_t bad = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    slk_actor_kind_t kind = SLK_ACTOR_NONE;
    if (request->size < policy->min_verified_allocation)
        return slk_rt_abort(rt, bad, "allocation size %" PRIu64 " below minimum %" PRIu64,
                            request->size, policy->min_verified_allocation);
    if (request->term_min < policy->min_allocation_term)
        return slk_rt_abort(rt, bad, "allocation term min %" PRId64 " below limit %" PRId64,
                            request->term_min, policy->min_allocation_term);
    if (request->term_max > policy->max_allocation_term)
        return slk_rt_abort(rt, bad, "allocation term max %" PRId64 " above limit %" PRId64,
                            request->term_max, policy->max_allocation_term);
    if (request->term_min > request->term_max)
        return slk_rt_abort(rt, bad, "allocation term min %" PRId64 " exceeds term max %" PRId64,
                            request->term_min, request->term_max);
    if (request->expiration < now)
        return slk_rt_abort(
            rt, bad, "allocation expiration epoch %" PRId64 " has passed current epoch %" PRId64,
            request->expiration, now);
    if (request->expiration > latest)
        return slk_rt_abort(rt, bad, "allocation expiration %" PRId64 " exceeds maximum %" PRId64,
                            request->expiration, latest);
    SLK_RT_TRY(slk_rt_actor_kind(rt, request->provider, &kind));
    if (kind != SLK_ACTOR_MINER)
        return slk_rt_abort(rt, bad,
                            "allocation provider %" PRIu64 " must be a miner actor, was %s",
                            request->provider, slk_actor_kind_name(kind));
    return SLK_EXIT_OK;
}

static slk_exit_t extend(slk_rt_t *rt, slk_verifreg_state_t *st,
                         const slk_claim_extension_request_t *request, slk_claim_t *claim)
{
    const int64_t now = slk_rt_epoch(rt);
    bool found;
    SLK_RT_TRY(slk_verifreg_get(rt, &st->claims, request->provider, request->claim, claim,
                                &slk_claim_type, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                            "no claim %" PRIu64 " for provider %" PRIu64, request->claim,
                            request->provider);
    const int64_t limit = now + slk_rt_policy(rt)->max_allocation_term - claim->term_start;
    if (request->term_max > limit)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "term_max %" PRId64 " for claim %" PRIu64 " exceeds maximum %" PRId64
                            " at current epoch %" PRId64,
                            request->term_max, request->claim, limit, now);
    if (request->term_max <= claim->term_max)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "term_max %" PRId64 " for claim %" PRIu64
                            " is not larger than existing term max %" PRId64,
                            request->term_max, request->claim, claim->term_max);
    if (now > claim->term_start + claim->term_max)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "claim %" PRIu64 " expired at %" PRId64 ", current epoch %" PRId64,
                            request->claim, claim->term_start + claim->term_max, now);
    claim->term_max = request->term_max;
    return SLK_EXIT_OK;
}

/* What the transfer says, after checks of the transfer itself. */
static slk_exit_t read_transfer(slk_rt_t *rt, slk_token_received_t *received,
                                slk_allocation_requests_t *requests)
{
    const uint64_t datacap = SLK_ID_DATACAP;
    slk_universal_receiver_params_t params;
    SLK_RT_TRY(slk_rt_require_caller(rt, &datacap, 1));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_universal_receiver_params_type));
    if (params.type != SLK_TOKEN_TYPE_FRC46)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid token type %" PRIu64 ", expected %u (FRC-46)", params.type,
                            SLK_TOKEN_TYPE_FRC46);
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(received, &slk_token_received_type, params.payload.b,
                                            params.payload.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_USR_SERIALIZATION));
    return slk_rt_err(rt,
                      slk_record_decode(requests, &slk_allocation_requests_type,
                                        received->operator_data.b, received->operator_data.len,
                                        slk_rt_arena(rt), slk_rt_diag(rt)),
                      SLK_EXIT_USR_SERIALIZATION);
}

/* Check all requests; *total bytes are needed, *burnt of them for extensions, whose claims are
 * in `claims`. */
static slk_exit_t check_requests(slk_rt_t *rt, slk_verifreg_state_t *st,
                                 const slk_allocation_requests_t *requests, slk_claim_t *claims,
                                 slk_bigint_t *total, slk_bigint_t *burnt)
{
    *total = *burnt = slk_bigint_u64(0);
    for (size_t i = 0; i < requests->allocations.count; i++) {
        const slk_allocation_request_t *request = &requests->allocations.items[i];
        SLK_RT_TRY(check_request(rt, request));
        *total = slk_bigint_add(*total, slk_bigint_u64(request->size));
    }
    for (size_t i = 0; i < requests->extensions.count; i++) {
        SLK_RT_TRY(extend(rt, st, &requests->extensions.items[i], &claims[i]));
        *burnt = slk_bigint_add(*burnt, slk_bigint_u64(claims[i].size));
    }
    *total = slk_bigint_add(*total, *burnt);
    return SLK_EXIT_OK;
}

static slk_exit_t store(slk_rt_t *rt, uint64_t client, const slk_allocation_requests_t *requests,
                        const slk_claim_t *claims, slk_u64_list_t *ids)
{
    slk_verifreg_state_t st;
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    for (size_t i = 0; i < requests->allocations.count; i++) {
        const slk_allocation_request_t *r = &requests->allocations.items[i];
        const slk_allocation_t allocation = {client,      r->provider, r->data,      r->size,
                                             r->term_min, r->term_max, r->expiration};
        ids->items[ids->count] = st.next_allocation_id++;
        SLK_RT_TRY(slk_verifreg_put(rt, &st.allocations, client, ids->items[ids->count],
                                    &allocation, &slk_allocation_type));
        SLK_RT_TRY(
            slk_verifreg_allocation_event(rt, "allocation", ids->items[ids->count], &allocation));
        ids->count++;
    }
    for (size_t i = 0; i < requests->extensions.count; i++) {
        const uint64_t id = requests->extensions.items[i].claim;
        SLK_RT_TRY(
            slk_verifreg_put(rt, &st.claims, claims[i].provider, id, &claims[i], &slk_claim_type));
        SLK_RT_TRY(slk_verifreg_claim_event(rt, "claim-updated", id, &claims[i]));
    }
    return slk_rt_write_state(rt, &st, &slk_verifreg_state_type);
}

/* The receiver's hook of the token: all requests or none. */
slk_exit_t slk_verifreg_receive(slk_rt_t *rt)
{
    slk_token_received_t received;
    slk_allocation_requests_t requests;
    slk_allocations_response_t ret = {0};
    slk_verifreg_state_t st;
    slk_bigint_t total, burnt;
    SLK_RT_TRY(read_transfer(rt, &received, &requests));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    slk_claim_t *claims =
        slk_arena_array(slk_rt_arena(rt), requests.extensions.count, sizeof *claims);
    ret.new_allocations.items =
        slk_arena_array(slk_rt_arena(rt), requests.allocations.count, sizeof(uint64_t));
    if (!claims || !ret.new_allocations.items)
        return slk_rt_no_memory(rt);
    SLK_RT_TRY(check_requests(rt, &st, &requests, claims, &total, &burnt));
    slk_bigint_t got = slk_bigint_div_floor(received.amount, slk_bigint_u64(SLK_DATACAP_UNIT));
    if (slk_bigint_cmp(&total, &got))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "total allocation size %s must match data cap amount received %s",
                            slk_bigint_text(&total).s, slk_bigint_text(&got).s);
    SLK_RT_TRY(slk_datacap_burn(rt, burnt));
    SLK_RT_TRY(store(rt, received.from, &requests, claims, &ret.new_allocations));
    ret.allocation_results.success_count = requests.allocations.count;
    ret.extension_results.success_count = requests.extensions.count;
    return slk_rt_return_record(rt, &ret, &slk_allocations_response_type);
}

/* --- Expiry ----------------------------------------------------------------------------------- */

/* One allocation goes if it has expired; its size joins *recovered. */
static slk_exit_t remove_one(slk_rt_t *rt, slk_verifreg_state_t *st, uint64_t client, uint64_t id,
                             slk_bigint_t *recovered, slk_exit_t *code)
{
    slk_allocation_t allocation;
    bool found;
    SLK_RT_TRY(slk_verifreg_get(rt, &st->allocations, client, id, &allocation, &slk_allocation_type,
                                &found));
    *code = !found                                     ? SLK_EXIT_USR_NOT_FOUND
            : slk_rt_epoch(rt) < allocation.expiration ? SLK_EXIT_USR_FORBIDDEN
                                                       : SLK_EXIT_OK;
    if (*code != SLK_EXIT_OK)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_verifreg_remove(rt, &st->allocations, client, id));
    *recovered = slk_bigint_add(*recovered, slk_bigint_u64(allocation.size));
    return slk_verifreg_allocation_event(rt, "allocation-removed", id, &allocation);
}

/* Without ids, all of the client that have expired. The data cap goes back to him. */
slk_exit_t slk_verifreg_remove_expired_allocations(slk_rt_t *rt)
{
    slk_remove_expired_allocations_params_t params;
    slk_remove_expired_allocations_return_t ret = {0};
    slk_verifreg_state_t st;
    slk_batch_t batch = {0};
    slk_numbers_t all = {0}, considered = {0};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_remove_expired_allocations_params_type));
    if (params.client > INT64_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "client %" PRIu64 " is no actor id",
                            params.client);
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    const bool named = params.allocation_ids.count != 0;
    if (named)
        all.list = params.allocation_ids;
    else
        SLK_RT_TRY(slk_verifreg_ids(rt, &st.allocations, params.client, &all));
    for (size_t i = 0; i < all.list.count; i++) {
        slk_exit_t code = SLK_EXIT_OK;
        SLK_RT_TRY(
            remove_one(rt, &st, params.client, all.list.items[i], &ret.data_cap_recovered, &code));
        if (!named && code != SLK_EXIT_OK)
            continue;
        SLK_RT_TRY(slk_numbers_add(rt, &considered, all.list.items[i]));
        SLK_RT_TRY(slk_batch_add(rt, &batch, code));
    }
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    SLK_RT_TRY(slk_datacap_transfer(rt, params.client, ret.data_cap_recovered));
    ret.considered = considered.list;
    ret.results = batch.ret;
    return slk_rt_return_record(rt, &ret, &slk_remove_expired_allocations_return_type);
}
