/* The verified registry: who may give data cap to whom, and its table of methods. */

#include "devnet/actors/verifreg_state.h"

#include "base/assert.h"
#include "devnet/actors/event.h"

#include <inttypes.h>

#define ALLOWANCE_BITS 512u /* more is no amount of data */

/* The id of an address; a key without an account gets one. */
static slk_exit_t resolve(slk_rt_t *rt, const slk_address_t *address, uint64_t *id)
{
    bool found;
    slk_exit_t exit;
    SLK_RT_TRY(slk_rt_resolve(rt, address, id, &found));
    if (!found && slk_address_is_key(address)) {
        SLK_RT_TRY(slk_rt_send(rt, address, 0, NULL, 0, slk_bigint_u64(0), &exit, NULL));
        SLK_RT_TRY(slk_rt_resolve(rt, address, id, &found));
    }
    if (found)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to resolve address %s",
                        slk_address_text(address, slk_rt_policy(rt)->letter).s);
}

static slk_exit_t check_allowance(slk_rt_t *rt, const slk_verifier_params_t *params)
{
    const slk_bigint_t least = slk_bigint_u64(slk_rt_policy(rt)->min_verified_allocation);
    if (slk_bigint_cmp(&params->allowance, &least) >= 0 &&
        slk_bigint_bit_length(&params->allowance) <= ALLOWANCE_BITS)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "Allowance %s below minimum deal size for add verifier %s",
                        slk_bigint_text(&params->allowance).s,
                        slk_address_text(&params->address, slk_rt_policy(rt)->letter).s);
}

static slk_exit_t require_root(slk_rt_t *rt, const slk_verifreg_state_t *st)
{
    uint64_t root;
    SLK_ASSERT(slk_address_to_id(&st->root_key, &root));
    return slk_rt_require_caller(rt, &root, 1);
}

static bool is_root(const slk_verifreg_state_t *st, uint64_t id)
{
    const slk_address_t address = slk_address_id(id);
    return slk_address_eq(&st->root_key, &address);
}

/* --- Verifiers -------------------------------------------------------------------------------- */

static slk_exit_t get_cap(slk_rt_t *rt, const slk_verifreg_state_t *st, uint64_t verifier,
                          slk_bigint_t *cap, bool *found)
{
    const slk_address_t address = slk_address_id(verifier);
    slk_value_bigint_t value = {0};
    SLK_RT_TRY(slk_state_map_get(rt, &st->verifiers, SLK_MAP_WIDTH, slk_state_key(&address), &value,
                                 &slk_value_bigint_type, found));
    *cap = value.value;
    return SLK_EXIT_OK;
}

static slk_exit_t set_cap(slk_rt_t *rt, slk_verifreg_state_t *st, uint64_t verifier,
                          slk_bigint_t cap)
{
    const slk_address_t address = slk_address_id(verifier);
    const slk_value_bigint_t value = {cap};
    return slk_state_map_set(rt, &st->verifiers, SLK_MAP_WIDTH, slk_state_key(&address), &value,
                             &slk_value_bigint_type);
}

/* client NULL: none. */
static slk_exit_t balance_event(slk_rt_t *rt, uint64_t verifier, slk_bigint_t cap,
                                const uint64_t *client)
{
    const slk_event_field_t fields[] = {
        SLK_EVENT_OF_UINT("verifier", verifier),
        SLK_EVENT_PLAIN_BIGINT("balance", &cap),
        SLK_EVENT_OF_UINT("client", client ? *client : 0),
    };
    return slk_emit(rt, "verifier-balance", fields, client ? 3 : 2);
}

static slk_exit_t add_verifier(slk_rt_t *rt)
{
    slk_verifier_params_t params;
    slk_verifreg_state_t st;
    slk_bigint_t bytes;
    uint64_t verifier;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_verifier_params_type));
    SLK_RT_TRY(check_allowance(rt, &params));
    SLK_RT_TRY(resolve(rt, &params.address, &verifier));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    SLK_RT_TRY(require_root(rt, &st));
    if (is_root(&st, verifier))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "Rootkey cannot be added as verifier");
    SLK_RT_TRY(slk_datacap_balance(rt, verifier, &bytes));
    if (slk_bigint_sign(&bytes) > 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "verified client f0%" PRIu64 " cannot become a verifier", verifier);
    SLK_RT_TRY(set_cap(rt, &st, verifier, params.allowance));
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    return balance_event(rt, verifier, params.allowance, NULL);
}

static slk_exit_t remove_verifier(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_verifreg_state_t st;
    uint64_t verifier;
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    SLK_RT_TRY(resolve(rt, &params.value, &verifier));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    SLK_RT_TRY(require_root(rt, &st));
    const slk_address_t address = slk_address_id(verifier);
    SLK_RT_TRY(slk_state_map_delete(rt, &st.verifiers, SLK_MAP_WIDTH, slk_state_key(&address),
                                    &found, NULL));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "verifier not found");
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    return balance_event(rt, verifier, slk_bigint_u64(0), NULL);
}

/* --- Clients ---------------------------------------------------------------------------------- */

static slk_exit_t add_verified_client(slk_rt_t *rt)
{
    slk_verifier_params_t params;
    slk_verifreg_state_t st;
    slk_bigint_t cap, other;
    uint64_t client;
    const uint64_t verifier = slk_rt_caller(rt);
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_verifier_params_type));
    SLK_RT_TRY(check_allowance(rt, &params));
    SLK_RT_TRY(resolve(rt, &params.address, &client));
    SLK_RT_TRY(slk_rt_read_state(rt, &st, &slk_verifreg_state_type));
    if (is_root(&st, client))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "root cannot be added as client");
    SLK_RT_TRY(get_cap(rt, &st, verifier, &cap, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "caller f0%" PRIu64 " is not a verifier",
                            verifier);
    SLK_RT_TRY(get_cap(rt, &st, client, &other, &found));
    if (found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "verifier f0%" PRIu64 " cannot be added as a verified client", client);
    if (slk_bigint_cmp(&cap, &params.allowance) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "add more DataCap %s for client than allocated %s",
                            slk_bigint_text(&params.allowance).s, slk_bigint_text(&cap).s);
    cap = slk_bigint_sub(cap, params.allowance);
    SLK_RT_TRY(set_cap(rt, &st, verifier, cap));
    SLK_RT_TRY(slk_rt_write_state(rt, &st, &slk_verifreg_state_type));
    SLK_RT_TRY(balance_event(rt, verifier, cap, &client));
    return slk_datacap_mint(rt, client, params.allowance);
}

static const slk_actor_method_t methods[] = {
    {2, "AddVerifier", add_verifier},
    {3, "RemoveVerifier", remove_verifier},
    {4, "AddVerifiedClient", add_verified_client},
    {8, "RemoveExpiredAllocations", slk_verifreg_remove_expired_allocations},
    {9, "ClaimAllocations", slk_verifreg_claim_allocations},
    {10, "GetClaims", slk_verifreg_get_claims},
    {11, "ExtendClaimTerms", slk_verifreg_extend_claim_terms},
    {12, "RemoveExpiredClaims", slk_verifreg_remove_expired_claims},
    {3916220144, "AddVerifiedClientExported", add_verified_client},
    {2421068268, "RemoveExpiredAllocationsExported", slk_verifreg_remove_expired_allocations},
    {2199871187, "GetClaimsExported", slk_verifreg_get_claims},
    {1752273514, "ExtendClaimTermsExported", slk_verifreg_extend_claim_terms},
    {2873373899, "RemoveExpiredClaimsExported", slk_verifreg_remove_expired_claims},
    {3726118371, "UniversalReceiverHook", slk_verifreg_receive},
};
const slk_actor_t slk_actor_verifreg = {SLK_ACTOR_VERIFREG, methods, SLK_COUNT(methods)};
