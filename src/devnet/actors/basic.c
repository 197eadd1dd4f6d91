/* Actors with little to do: system, init, cron, account. */

#include "base/assert.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/runtime.h"

/* --- System ----------------------------------------------------------------------------------- */

const slk_actor_t slk_actor_system = {SLK_ACTOR_SYSTEM, NULL, 0};

/* --- Init ------------------------------------------------------------------------------------- */

/* Who may make what: the power actor makes miners. Multisigs and payment channels, which anybody
 * may make on a real chain, do not exist here. */
static slk_exit_t may_exec(slk_rt_t *rt, slk_actor_kind_t made)
{
    slk_actor_kind_t caller;
    SLK_RT_TRY(slk_rt_actor_kind(rt, slk_rt_caller(rt), &caller));
    if (caller == SLK_ACTOR_POWER && made == SLK_ACTOR_MINER)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "called type %s cannot exec actor type %s",
                        slk_actor_kind_name(caller), slk_actor_kind_name(made));
}

static slk_exit_t exec(slk_rt_t *rt)
{
    slk_exec_params_t params;
    slk_init_state_t state;
    slk_exec_return_t ret;
    uint64_t id;
    slk_exit_t exit;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_exec_params_type));
    slk_actor_kind_t kind = slk_actor_kind_of_code(&params.code_cid);
    SLK_RT_TRY(may_exec(rt, kind));
    ret.robust_address = slk_rt_new_address(rt);
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_init_state_type));
    SLK_RT_TRY(slk_rt_err(
        rt,
        slk_init_map_address(&state, &id, &ret.robust_address, slk_rt_store(rt), slk_rt_diag(rt)),
        SLK_EXIT_FATAL));
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_init_state_type));
    SLK_RT_TRY(slk_rt_create_actor(rt, kind, id, &ret.robust_address));
    ret.id_address = slk_address_id(id);
    SLK_RT_TRY(slk_rt_send(rt, &ret.id_address, 1, params.constructor_params.b,
                           params.constructor_params.len, slk_rt_value(rt), &exit, NULL));
    if (exit != SLK_EXIT_OK)
        return slk_rt_abort(rt, exit, "constructor failed: send aborted with code %d", exit);
    return slk_rt_return_record(rt, &ret, &slk_exec_return_type);
}

static const slk_actor_method_t init_methods[] = {{2, "Exec", exec}};
const slk_actor_t slk_actor_init = {SLK_ACTOR_INIT, init_methods, SLK_COUNT(init_methods)};

/* --- Cron ------------------------------------------------------------------------------------- */

/* One failing entry does not stop the others. */
static slk_exit_t epoch_tick(slk_rt_t *rt)
{
    slk_cron_state_t state;
    const uint64_t system = SLK_ID_SYSTEM;
    SLK_RT_TRY(slk_rt_require_caller(rt, &system, 1));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_cron_state_type));
    for (size_t i = 0; i < state.entries.count; i++) {
        slk_exit_t exit;
        SLK_RT_TRY(slk_rt_send(rt, &state.entries.items[i].receiver, state.entries.items[i].method,
                               NULL, 0, slk_bigint_u64(0), &exit, NULL));
    }
    return SLK_EXIT_OK;
}

static const slk_actor_method_t cron_methods[] = {{2, "EpochTick", epoch_tick}};
const slk_actor_t slk_actor_cron = {SLK_ACTOR_CRON, cron_methods, SLK_COUNT(cron_methods)};

/* --- Account ---------------------------------------------------------------------------------- */

#define AUTHENTICATE_MESSAGE 2643134072u

/* The signature comes without its type: the key's kind says it. */
static slk_exit_t authenticate_message(slk_rt_t *rt)
{
    slk_authenticate_message_params_t params;
    slk_account_state_t state;
    bool ok;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_authenticate_message_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_account_state_type));
    slk_address_protocol_t protocol = slk_address_protocol(&state.address);
    if (protocol != SLK_ADDRESS_SECP256K1 && protocol != SLK_ADDRESS_BLS)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "account address must use BLS or SECP protocol, got %d", (int)protocol);
    SLK_RT_TRY(slk_rt_verify_signature(
        rt, protocol == SLK_ADDRESS_BLS ? SLK_SIGNATURE_BLS : SLK_SIGNATURE_SECP256K1,
        params.signature, &state.address, params.message.b, params.message.len, &ok));
    if (!ok)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to authenticate message, signature invalid");
    return slk_rt_return(rt, "\xf5", 1); /* true */
}

/* 2: PubkeyAddress; the address alone, without the array that the state has around it. */
static slk_exit_t pubkey_address(slk_rt_t *rt)
{
    slk_account_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_account_state_type));
    const slk_value_address_t ret = {state.address};
    return slk_rt_return_record(rt, &ret, &slk_value_address_type);
}

static const slk_actor_method_t account_methods[] = {
    {2, "PubkeyAddress", pubkey_address},
    {AUTHENTICATE_MESSAGE, "AuthenticateMessage", authenticate_message},
};
const slk_actor_t slk_actor_account = {SLK_ACTOR_ACCOUNT, account_methods,
                                       SLK_COUNT(account_methods)};
