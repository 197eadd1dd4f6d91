/* Who controls a miner: worker, control addresses, owner, beneficiary, and how it is reached. */

#include "devnet/actors/miner/control.h"

#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

#define CONTROLS_MAX   10u
#define PEER_ID_MAX    128u
#define MULTIADDRS_MAX 1024u /* bytes of all */
#define ACCOUNT_PUBKEY 2u

/* The letter of texts: actors do not know the network's. */
#define ADDRESS_TEXT(a) slk_address_text((a), SLK_MAINNET).s

/* --- Checks ----------------------------------------------------------------------------------- */

slk_exit_t slk_miner_check_controls(slk_rt_t *rt, const slk_address_list_t *controls)
{
    if (controls->count <= CONTROLS_MAX)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "control addresses length %zu exceeds max control addresses length %u",
                        controls->count, CONTROLS_MAX);
}

slk_exit_t slk_miner_check_peer(slk_rt_t *rt, slk_bytes_t peer_id, const slk_bytes_list_t *addrs)
{
    size_t sum = 0;
    if (peer_id.len > PEER_ID_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "peer ID size of %zu exceeds maximum size of %u", peer_id.len,
                            PEER_ID_MAX);
    for (size_t i = 0; i < addrs->count; i++) {
        if (!addrs->items[i].len)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid empty multiaddr");
        sum += addrs->items[i].len;
    }
    if (sum > MULTIADDRS_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "multiaddr size of %zu exceeds maximum of %u", sum, MULTIADDRS_MAX);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_resolve(slk_rt_t *rt, const slk_address_t *address, const char *what,
                             slk_address_t *id)
{
    uint64_t n;
    bool found;
    SLK_RT_TRY(slk_rt_resolve(rt, address, &n, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "unable to resolve %s: %s", what,
                            ADDRESS_TEXT(address));
    *id = slk_address_id(n);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_resolve_all(slk_rt_t *rt, const slk_address_list_t *addresses,
                                 slk_address_list_t *ids)
{
    ids->count = addresses->count;
    SLK_RT_TRY(slk_rt_alloc(rt, &ids->items, ids->count, sizeof *ids->items));
    for (size_t i = 0; i < ids->count; i++)
        SLK_RT_TRY(slk_miner_resolve(rt, &addresses->items[i], "control address", &ids->items[i]));
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_resolve_worker(slk_rt_t *rt, const slk_address_t *address, slk_address_t *id)
{
    slk_actor_kind_t kind;
    slk_bytes_t ret;
    slk_value_address_t key;
    uint64_t n;
    SLK_RT_TRY(slk_miner_resolve(rt, address, "address", id));
    slk_address_to_id(id, &n);
    SLK_RT_TRY(slk_rt_actor_kind(rt, n, &kind));
    if (kind == SLK_ACTOR_COUNT)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no code for address: %" PRIu64, n);
    if (kind != SLK_ACTOR_ACCOUNT) {
        const slk_cid_t code = slk_actor_devnet_code(kind);
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "worker actor type must be an account, was %s", slk_cid_text(&code).s);
    }
    if (slk_address_protocol(address) == SLK_ADDRESS_BLS)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_rt_call(rt, n, ACCOUNT_PUBKEY, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_LIB(slk_record_decode(&key, &slk_value_address_type, ret.b, ret.len, slk_rt_arena(rt),
                                 slk_rt_diag(rt)));
    if (slk_address_protocol(&key.value) != SLK_ADDRESS_BLS)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "worker account %" PRIu64 " must have BLS pubkey, was %d", n,
                            (int)slk_address_protocol(&key.value));
    return SLK_EXIT_OK;
}

static slk_exit_t require(slk_rt_t *rt, const slk_address_t *address)
{
    uint64_t id;
    if (!slk_address_to_id(address, &id))
        return slk_rt_require_caller(rt, NULL, 0);
    return slk_rt_require_caller(rt, &id, 1);
}

static bool is_caller(slk_rt_t *rt, const slk_address_t *address)
{
    uint64_t id;
    return slk_address_to_id(address, &id) && id == slk_rt_caller(rt);
}

static slk_exit_t load(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info)
{
    SLK_RT_TRY(slk_miner_load(rt, st));
    return slk_miner_load_info(rt, st, info);
}

static slk_exit_t save(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info)
{
    SLK_RT_TRY(slk_miner_save_info(rt, st, info));
    return slk_miner_save(rt, st);
}

/* --- Worker and control addresses ------------------------------------------------------------- */

slk_exit_t slk_miner_change_worker_address(slk_rt_t *rt)
{
    slk_change_worker_address_params_t params;
    slk_address_list_t controls;
    slk_address_t worker;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_worker_key_change_t change;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_change_worker_address_params_type));
    SLK_RT_TRY(slk_miner_check_controls(rt, &params.new_control_addrs));
    SLK_RT_TRY(slk_miner_resolve_worker(rt, &params.new_worker, &worker));
    SLK_RT_TRY(slk_miner_resolve_all(rt, &params.new_control_addrs, &controls));
    SLK_RT_TRY(load(rt, &st, &info));
    SLK_RT_TRY(require(rt, &info.owner));
    info.control_addresses = controls;
    /* A change that is waiting stays: as with the real actor, a second one is passed over. */
    if (!slk_address_eq(&worker, &info.worker) && !info.pending_worker_key) {
        change = (slk_worker_key_change_t){worker, slk_rt_epoch(rt) +
                                                       slk_rt_policy(rt)->worker_key_change_delay};
        info.pending_worker_key = &change;
    }
    return save(rt, &st, &info);
}

slk_exit_t slk_miner_confirm_change_worker_address(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    SLK_RT_TRY(require(rt, &info.owner));
    SLK_RT_TRY(slk_miner_process_worker(rt, &st, &info));
    return slk_miner_save(rt, &st);
}

/* --- Owner ------------------------------------------------------------------------------------ */

slk_exit_t slk_miner_change_owner_address(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    uint64_t id;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    if (!slk_address_to_id(&params.value, &id))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "owner address must be an ID address");
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_address_t pending = info.pending_owner_address;
    if (is_caller(rt, &info.owner) || !slk_address_defined(&pending)) {
        SLK_RT_TRY(require(rt, &info.owner));
        info.pending_owner_address = params.value;
    } else {
        SLK_RT_TRY(require(rt, &pending));
        if (!slk_address_eq(&params.value, &pending))
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "expected confirmation of %s got %s", ADDRESS_TEXT(&pending),
                                ADDRESS_TEXT(&params.value));
        if (slk_address_eq(&info.beneficiary, &info.owner))
            info.beneficiary = pending;
        info.pending_beneficiary_term = NULL;
        info.owner = pending;
    }
    if (slk_address_eq(&info.pending_owner_address, &info.owner))
        info.pending_owner_address = (slk_address_t){0};
    return save(rt, &st, &info);
}

/* --- Beneficiary ------------------------------------------------------------------------------ */

/* By the owner: a proposal, in the place of one that waits. */
static slk_exit_t propose(slk_rt_t *rt, const slk_miner_info_t *info,
                          const slk_change_beneficiary_params_t *params,
                          const slk_address_t *beneficiary,
                          slk_pending_beneficiary_change_t *change)
{
    const slk_beneficiary_term_t *term = &info->beneficiary_term;
    if (!slk_address_eq(beneficiary, &info->owner)) {
        if (slk_bigint_sign(&params->new_quota) <= 0)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "beneficial quota %s must bigger than zero",
                                slk_fil_text(&params->new_quota).s);
    } else if (slk_bigint_sign(&params->new_quota)) {
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "owner beneficial quota %s must be zero",
                            slk_fil_text(&params->new_quota).s);
    } else if (params->new_expiration) {
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "owner beneficial expiration %" PRId64 " must be zero",
                            params->new_expiration);
    }
    *change = (slk_pending_beneficiary_change_t){.new_beneficiary = *beneficiary,
                                                 .new_quota = params->new_quota,
                                                 .new_expiration = params->new_expiration};
    /* One whose time or quota is over has no say. */
    change->approved_by_beneficiary = term->expiration <= slk_rt_epoch(rt) ||
                                      slk_bigint_cmp(&term->quota, &term->used_quota) <= 0;
    return SLK_EXIT_OK;
}

/* By the nominee or the beneficiary: they agree to what was proposed, word for word. */
static slk_exit_t check_agreed(slk_rt_t *rt, const slk_miner_info_t *info,
                               const slk_change_beneficiary_params_t *params,
                               const slk_address_t *beneficiary)
{
    const slk_pending_beneficiary_change_t *change = info->pending_beneficiary_term;
    if (!change)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "No changeBeneficiary proposal exists");
    if (!is_caller(rt, &info->beneficiary) && !is_caller(rt, &change->new_beneficiary))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "message caller f0%" PRIu64
                            " is neither proposal beneficiary%s nor current beneficiary%s",
                            slk_rt_caller(rt), ADDRESS_TEXT(&params->new_beneficiary),
                            ADDRESS_TEXT(&info->beneficiary));
    if (!slk_address_eq(&change->new_beneficiary, beneficiary))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "new beneficiary address must be equal expect %s, but got %s",
                            ADDRESS_TEXT(&change->new_beneficiary),
                            ADDRESS_TEXT(&params->new_beneficiary));
    if (slk_bigint_cmp(&change->new_quota, &params->new_quota))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "new beneficiary quota must be equal expect %s, but got %s",
                            slk_fil_text(&change->new_quota).s, slk_fil_text(&params->new_quota).s);
    if (change->new_expiration != params->new_expiration)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "new beneficiary expire date must be equal expect %" PRId64
                            ", but got %" PRId64,
                            change->new_expiration, params->new_expiration);
    return SLK_EXIT_OK;
}

/* Note who agrees; when both do, the proposal holds. */
static void agree(slk_rt_t *rt, slk_miner_info_t *info)
{
    slk_pending_beneficiary_change_t *change = info->pending_beneficiary_term;
    if (is_caller(rt, &info->beneficiary))
        change->approved_by_beneficiary = true;
    if (is_caller(rt, &change->new_beneficiary))
        change->approved_by_nominee = true;
    if (!change->approved_by_beneficiary || !change->approved_by_nominee)
        return;
    if (!slk_address_eq(&change->new_beneficiary, &info->beneficiary))
        info->beneficiary_term.used_quota = slk_bigint_u64(0);
    info->beneficiary = change->new_beneficiary;
    info->beneficiary_term.quota = change->new_quota;
    info->beneficiary_term.expiration = change->new_expiration;
    info->pending_beneficiary_term = NULL;
}

slk_exit_t slk_miner_change_beneficiary(slk_rt_t *rt)
{
    slk_change_beneficiary_params_t params;
    slk_pending_beneficiary_change_t change;
    slk_address_t beneficiary;
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_change_beneficiary_params_type));
    SLK_RT_TRY(slk_miner_resolve(rt, &params.new_beneficiary, "address", &beneficiary));
    SLK_RT_TRY(load(rt, &st, &info));
    if (is_caller(rt, &info.owner)) {
        SLK_RT_TRY(propose(rt, &info, &params, &beneficiary, &change));
        info.pending_beneficiary_term = &change;
    } else {
        SLK_RT_TRY(check_agreed(rt, &info, &params, &beneficiary));
    }
    agree(rt, &info);
    return save(rt, &st, &info);
}

/* --- The network ------------------------------------------------------------------------------ */

slk_exit_t slk_miner_change_peer_id(slk_rt_t *rt)
{
    slk_change_peer_id_params_t params;
    const slk_bytes_list_t none = {0};
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_change_peer_id_params_type));
    SLK_RT_TRY(slk_miner_check_peer(rt, params.new_id, &none));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    info.peer_id = params.new_id;
    return save(rt, &st, &info);
}

slk_exit_t slk_miner_change_multiaddrs(slk_rt_t *rt)
{
    slk_change_multiaddrs_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_change_multiaddrs_params_type));
    SLK_RT_TRY(slk_miner_check_peer(rt, (slk_bytes_t){0}, &params.new_multiaddrs));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    info.multiaddrs = params.new_multiaddrs;
    return save(rt, &st, &info);
}
