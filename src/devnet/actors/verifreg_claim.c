/* Claims: allocations that providers made good with a sector. */

#include "devnet/actors/verifreg_state.h"

#include "base/assert.h"

#include <inttypes.h>

/* --- Claiming --------------------------------------------------------------------------------- */

/* Whether the caller's sector may claim an allocation; *claim is what it becomes. */
static slk_exit_t check_claim(slk_rt_t *rt, const slk_verifreg_state_t *st,
                              const slk_sector_allocation_claims_t *sector,
                              const slk_allocation_claim_t *wanted, slk_claim_t *claim,
                              slk_exit_t *code)
{
    slk_allocation_t a;
    const int64_t now = slk_rt_epoch(rt), lifetime = sector->expiry - now;
    bool found;
    SLK_RT_TRY(slk_verifreg_get(rt, &st->allocations, wanted->client, wanted->allocation_id, &a,
                                &slk_allocation_type, &found));
    *code = SLK_EXIT_USR_NOT_FOUND;
    if (!found)
        return SLK_EXIT_OK;
    *code = slk_rt_caller(rt) == a.provider && wanted->client == a.client &&
                    slk_cid_eq(&wanted->data, &a.data) && wanted->size == a.size &&
                    now <= a.expiration && lifetime >= a.term_min && lifetime <= a.term_max
                ? SLK_EXIT_OK
                : SLK_EXIT_USR_FORBIDDEN;
    *claim = (slk_claim_t){a.provider, a.client,   a.data, a.size,
                           a.term_min, a.term_max, now,    sector->sector};
    return SLK_EXIT_OK;
}

static slk_exit_t put_claim(slk_rt_t *rt, slk_verifreg_state_t *st, uint64_t id,
                            const slk_claim_t *claim)
{
    slk_claim_t before;
    bool found;
    SLK_RT_TRY(
        slk_verifreg_get(rt, &st->claims, claim->provider, id, &before, &slk_claim_type, &found));
    if (found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "claim %" PRIu64 " already exists",
                            id);
    SLK_RT_TRY(slk_verifreg_put(rt, &st->claims, claim->provider, id, claim, &slk_claim_type));
    SLK_RT_TRY(slk_verifreg_claim_event(rt, "claim", id, claim));
    return slk_verifreg_remove(rt, &st->allocations, claim->client, id);
}

/* All claims of a sector or, with *code, none. */
static slk_exit_t claim_sector(slk_rt_t *rt, slk_verifreg_state_t *st,
                               const slk_sector_allocation_claims_t *sector, slk_bigint_t *space,
                               slk_exit_t *code)
{
    const size_t cnt = sector->claims.count;
    slk_claim_t *claims = slk_arena_array(slk_rt_arena(rt), cnt, sizeof *claims);
    if (!claims)
        return slk_rt_no_memory(rt);
    *space = slk_bigint_u64(0);
    *code = SLK_EXIT_OK;
    for (size_t i = 0; i < cnt; i++) {
        SLK_RT_TRY(check_claim(rt, st, sector, &sector->claims.items[i], &claims[i], code));
        if (*code != SLK_EXIT_OK)
            return SLK_EXIT_OK;
    }
    for (size_t i = 0; i < cnt; i++) {
        SLK_RT_TRY(put_claim(rt, st, sector->claims.items[i].allocation_id, &claims[i]));
        *space = slk_bigint_add(*space, slk_bigint_u64(claims[i].size));
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_verifreg_claim_allocations(slk_rt_t *rt)
{
    slk_claim_allocations_params_t params;
    slk_claim_allocations_return_t ret = {0};
    slk_verifreg_state_t st;
    slk_batch_t batch = {0};
    slk_bigint_t total = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_claim_allocations_params_type));
    if (!params.sectors.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "claim allocations called with no claims");
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    slk_sector_claim_summary_t *claims =
        slk_arena_array(slk_rt_arena(rt), params.sectors.count, sizeof *claims);
    if (!claims)
        return slk_rt_no_memory(rt);
    ret.sector_claims.items = claims;
    for (size_t i = 0; i < params.sectors.count; i++) {
        slk_bigint_t space;
        slk_exit_t code = SLK_EXIT_OK;
        SLK_RT_TRY(claim_sector(rt, &st, &params.sectors.items[i], &space, &code));
        SLK_RT_TRY(slk_batch_add(rt, &batch, code));
        if (code != SLK_EXIT_OK)
            continue;
        total = slk_bigint_add(total, space);
        claims[ret.sector_claims.count++].claimed_space = space;
    }
    if (params.all_or_nothing && !slk_batch_all_ok(&batch))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "claim failed with all-or-nothing: %" PRIu64 " of %zu sectors",
                            batch.ret.success_count, params.sectors.count);
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    SLK_RT_TRY(slk_datacap_burn(rt, total));
    ret.sector_results = batch.ret;
    return slk_rt_return_record(rt, &ret, &slk_claim_allocations_return_type);
}

/* --- Claims that there are -------------------------------------------------------------------- */

slk_exit_t slk_verifreg_get_claims(slk_rt_t *rt)
{
    slk_claims_params_t params;
    slk_get_claims_return_t ret = {0};
    slk_verifreg_state_t st;
    slk_batch_t batch = {0};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_claims_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    ret.claims.items =
        slk_arena_array(slk_rt_arena(rt), params.claim_ids.count, sizeof *ret.claims.items);
    if (!ret.claims.items)
        return slk_rt_no_memory(rt);
    for (size_t i = 0; i < params.claim_ids.count; i++) {
        bool found;
        SLK_RT_TRY(slk_verifreg_get(rt, &st.claims, params.provider, params.claim_ids.items[i],
                                    &ret.claims.items[ret.claims.count], &slk_claim_type, &found));
        ret.claims.count += found;
        SLK_RT_TRY(slk_batch_add(rt, &batch, found ? SLK_EXIT_OK : SLK_EXIT_USR_NOT_FOUND));
    }
    ret.batch_info = batch.ret;
    return slk_rt_return_record(rt, &ret, &slk_get_claims_return_type);
}

static slk_exit_t extend_one(slk_rt_t *rt, slk_verifreg_state_t *st, const slk_claim_term_t *term,
                             slk_exit_t *code)
{
    slk_claim_t claim;
    bool found;
    *code = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    if (term->term_max > slk_rt_policy(rt)->max_allocation_term)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_verifreg_get(rt, &st->claims, term->provider, term->claim_id, &claim,
                                &slk_claim_type, &found));
    *code = !found                              ? SLK_EXIT_USR_NOT_FOUND
            : claim.client != slk_rt_caller(rt) ? SLK_EXIT_USR_FORBIDDEN
            : term->term_max < claim.term_max   ? SLK_EXIT_USR_ILLEGAL_ARGUMENT
                                                : SLK_EXIT_OK;
    if (*code != SLK_EXIT_OK)
        return SLK_EXIT_OK;
    claim.term_max = term->term_max;
    SLK_RT_TRY(
        slk_verifreg_put(rt, &st->claims, term->provider, term->claim_id, &claim, &slk_claim_type));
    return slk_verifreg_claim_event(rt, "claim-updated", term->claim_id, &claim);
}

slk_exit_t slk_verifreg_extend_claim_terms(slk_rt_t *rt)
{
    slk_extend_claim_terms_params_t params;
    slk_verifreg_state_t st;
    slk_batch_t batch = {0};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_extend_claim_terms_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    for (size_t i = 0; i < params.terms.count; i++) {
        slk_exit_t code = SLK_EXIT_OK;
        SLK_RT_TRY(extend_one(rt, &st, &params.terms.items[i], &code));
        SLK_RT_TRY(slk_batch_add(rt, &batch, code));
    }
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    return slk_rt_return_record(rt, &batch.ret, &slk_batch_return_type);
}

/* --- Expiry ----------------------------------------------------------------------------------- */

static slk_exit_t remove_one(slk_rt_t *rt, slk_verifreg_state_t *st, uint64_t provider, uint64_t id,
                             slk_exit_t *code)
{
    slk_claim_t claim;
    bool found;
    SLK_RT_TRY(slk_verifreg_get(rt, &st->claims, provider, id, &claim, &slk_claim_type, &found));
    *code = !found                                                 ? SLK_EXIT_USR_NOT_FOUND
            : slk_rt_epoch(rt) < claim.term_start + claim.term_max ? SLK_EXIT_USR_FORBIDDEN
                                                                   : SLK_EXIT_OK;
    if (*code != SLK_EXIT_OK)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_verifreg_remove(rt, &st->claims, provider, id));
    return slk_verifreg_claim_event(rt, "claim-removed", id, &claim);
}

/* Without ids, all of the provider whose longest term is over. */
slk_exit_t slk_verifreg_remove_expired_claims(slk_rt_t *rt)
{
    slk_claims_params_t params;
    slk_verifreg_state_t st;
    slk_batch_t batch = {0};
    slk_numbers_t all = {0}, considered = {0};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_claims_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    const bool named = params.claim_ids.count != 0;
    if (named)
        all.list = params.claim_ids;
    else
        SLK_RT_TRY(slk_verifreg_ids(rt, &st.claims, params.provider, &all));
    for (size_t i = 0; i < all.list.count; i++) {
        slk_exit_t code = SLK_EXIT_OK;
        SLK_RT_TRY(remove_one(rt, &st, params.provider, all.list.items[i], &code));
        if (!named && code != SLK_EXIT_OK)
            continue;
        SLK_RT_TRY(slk_numbers_add(rt, &considered, all.list.items[i]));
        SLK_RT_TRY(slk_batch_add(rt, &batch, code));
    }
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    const slk_remove_expired_claims_return_t ret = {considered.list, batch.ret};
    return slk_rt_return_record(rt, &ret, &slk_remove_expired_claims_return_type);
}
