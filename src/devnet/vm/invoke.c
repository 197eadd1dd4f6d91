/* One call of a method, from the transfer of its value to its exit code. */

#include "base/assert.h"
#include "codec/fil.h"
#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/machine_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Methods from here on are for everybody (FRC-42); accounts accept them all and do nothing. */
#define FIRST_EXPORTED_METHOD (UINT64_C(1) << 24)

static slk_exit_t library(slk_machine_t *machine, slk_err_t err)
{
    return err == SLK_OK ? SLK_EXIT_OK : slk_machine_fatal(machine, NULL);
}

/* --- Accounts on demand ---------------------------------------------------------------------------------- */

slk_exit_t slk_machine_map_address(slk_machine_t *machine, const slk_address_t *address,
                                   uint64_t *id)
{
    slk_err_t err;
    slk_actor_state_t init;
    slk_init_state_t state;
    bool found;
    SLK_TRY(slk_state_tree_get(machine->tree, SLK_ID_INIT, &init, &found, &machine->diag));
    if (!found)
        return slk_machine_fatal(machine, "the state has no init actor");
    SLK_TRY(slk_object_get(&state, &slk_init_state_type, machine->env.store, &init.head,
                           &machine->arena, &machine->diag));
    SLK_TRY(slk_init_map_address(&state, id, address, machine->env.store, &machine->diag));
    SLK_TRY(slk_object_put(&init.head, &slk_init_state_type, &state, machine->env.store,
                           &machine->diag));
    SLK_TRY(slk_state_tree_set(machine->tree, SLK_ID_INIT, &init, &machine->diag));
out:
    return library(machine, err);
}

slk_exit_t slk_machine_new_account(slk_machine_t *machine, const slk_address_t *key, uint64_t *id)
{
    slk_err_t err;
    slk_account_state_t state = {.address = *key};
    slk_actor_state_t actor = {.code = slk_actor_devnet_code(SLK_ACTOR_ACCOUNT)};
    if (!slk_machine_charge(machine, slk_gas_price(SLK_GAS_NEW_ACTOR)))
        return SLK_EXIT_SYS_OUT_OF_GAS;
    slk_exit_t exit = slk_machine_map_address(machine, key, id);
    if (exit != SLK_EXIT_OK)
        return exit;
    SLK_TRY(slk_object_put(&actor.head, &slk_account_state_type, &state, machine->env.store,
                           &machine->diag));
    SLK_TRY(slk_state_tree_set(machine->tree, *id, &actor, &machine->diag));
out:
    return library(machine, err);
}

/* The id behind a receiver's address, whose account is made when it is a key without one. */
static slk_exit_t receiver_of(slk_machine_t *machine, const slk_address_t *to, uint64_t *id)
{
    bool found;
    slk_err_t err = slk_state_tree_resolve(machine->tree, to, id, &found, &machine->diag);
    if (err != SLK_OK)
        return library(machine, err);
    if (found)
        return SLK_EXIT_OK;
    if (!slk_address_defined(to) || (slk_address_protocol(to) != SLK_ADDRESS_SECP256K1 &&
                                     slk_address_protocol(to) != SLK_ADDRESS_BLS))
        return SLK_EXIT_SYS_INVALID_RECEIVER;
    return slk_machine_new_account(machine, to, id);
}

/* --- Value ------------------------------------------------------------------------------------------------- */

/* FIL as the real machine writes it: at least one digit behind the point. */
typedef struct {
    char s[64];
} fil_text_t;
static fil_text_t fil_text(const slk_bigint_t *atto)
{
    fil_text_t out;
    char text[SLK_FIL_TEXT_SZ];
    slk_fil_format(text, atto);
    text[strcspn(text, " ")] = 0;
    snprintf(out.s, sizeof out.s, "%.60s%s", text, strchr(text, '.') ? "" : ".0");
    return out;
}

slk_exit_t slk_machine_transfer(slk_machine_t *machine, uint64_t from, uint64_t to,
                                const slk_bigint_t *value)
{
    slk_err_t err;
    slk_actor_state_t payer, payee;
    bool found;
    if (slk_bigint_sign(value) < 0)
        return SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    if (!slk_bigint_sign(value))
        return SLK_EXIT_OK;
    if (!slk_machine_charge(machine, slk_gas_price(SLK_GAS_TRANSFER)))
        return SLK_EXIT_SYS_OUT_OF_GAS;
    SLK_TRY(slk_state_tree_get(machine->tree, from, &payer, &found, &machine->diag));
    if (!found)
        payer.balance = slk_bigint_u64(0);
    if (slk_bigint_cmp(&payer.balance, value) < 0) {
        fil_text_t have = fil_text(&payer.balance), want = fil_text(value);
        snprintf(machine->cause, sizeof machine->cause,
                 "send::send -- sender does not have funds to transfer (balance %s, transfer %s) "
                 "(5: insufficient funds)",
                 have.s, want.s);
        return SLK_EXIT_SYS_INSUFFICIENT_FUNDS;
    }
    payer.balance = slk_bigint_sub(payer.balance, *value);
    SLK_TRY(slk_state_tree_set(machine->tree, from, &payer, &machine->diag));
    SLK_TRY(slk_state_tree_get(machine->tree, to, &payee, &found, &machine->diag));
    SLK_ASSERT(found);
    payee.balance = slk_bigint_add(payee.balance, *value);
    SLK_TRY(slk_state_tree_set(machine->tree, to, &payee, &machine->diag));
out:
    return library(machine, err);
}

/* --- What is remembered of a call ---------------------------------------------------------------------------- */

/* A place in machine->calls, which may move; false: out of memory. */
static bool note_call(slk_machine_t *machine, slk_call_t call, size_t *at)
{
    if (machine->call_cnt == machine->call_cap) {
        size_t cap = machine->call_cap ? 2 * machine->call_cap : 16;
        slk_call_t *calls = slk_arena_array(&machine->arena, cap, sizeof *calls);
        if (!calls)
            return false;
        if (machine->call_cnt)
            memcpy(calls, machine->calls, machine->call_cnt * sizeof *calls);
        machine->calls = calls;
        machine->call_cap = cap;
    }
    *at = machine->call_cnt;
    machine->calls[machine->call_cnt++] = call;
    return true;
}

static void note_failure(slk_machine_t *machine, const slk_rt_t *rt, slk_exit_t exit)
{
    slk_frame_t *frame = &machine->frames[rt->depth];
    frame->actor = rt->receiver;
    frame->method = rt->method;
    frame->exit = exit;
    snprintf(frame->text, sizeof frame->text, "%s", rt->text[0] ? rt->text : slk_exit_text(exit));
    if (machine->frame_cnt < rt->depth + 1)
        machine->frame_cnt = rt->depth + 1;
}

/* --- The call ------------------------------------------------------------------------------------------------- */

static slk_exit_t run_method(slk_rt_t *rt, slk_actor_kind_t kind)
{
    const slk_actor_t *actor = slk_actor_table(kind);
    if (!rt->method)
        return SLK_EXIT_OK;
    for (size_t i = 0; actor && i < actor->method_cnt; i++)
        if (actor->methods[i].number == rt->method)
            return actor->methods[i].fn(rt);
    if (kind == SLK_ACTOR_ACCOUNT && rt->method >= FIRST_EXPORTED_METHOD)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_UNHANDLED_MESSAGE, "invalid method: %" PRIu64, rt->method);
}

static slk_exit_t find_and_run(slk_rt_t *rt, const slk_address_t *to, slk_actor_kind_t *kind)
{
    slk_machine_t *machine = rt->machine;
    slk_actor_state_t actor;
    bool found;
    *kind = SLK_ACTOR_NONE;
    if (!slk_machine_charge(machine, slk_gas_price(SLK_GAS_CALL)))
        return slk_rt_abort(rt, SLK_EXIT_SYS_OUT_OF_GAS, "out of gas");
    SLK_RT_TRY(receiver_of(machine, to, &rt->receiver));
    slk_err_t err = slk_state_tree_get(machine->tree, rt->receiver, &actor, &found, &machine->diag);
    if (err != SLK_OK)
        return library(machine, err);
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_SYS_INVALID_RECEIVER, "actor f0%" PRIu64 " does not exist",
                            rt->receiver);
    *kind = slk_actor_kind_of_code(&actor.code);
    SLK_RT_TRY(slk_machine_transfer(machine, rt->caller, rt->receiver, &rt->value));
    slk_exit_t exit = run_method(rt, *kind);
    return exit == SLK_EXIT_OK && machine->out_of_gas ? SLK_EXIT_SYS_OUT_OF_GAS : exit;
}

slk_exit_t slk_machine_invoke(slk_machine_t *machine, unsigned depth, uint64_t from,
                              const slk_address_t *to, uint64_t method, slk_bytes_t params,
                              slk_bigint_t value, slk_bytes_t *ret)
{
    slk_rt_t rt = {.machine = machine,
                   .depth = depth,
                   .caller = from,
                   .method = method,
                   .value = value,
                   .params = params};
    slk_actor_kind_t kind;
    size_t at, mark = slk_state_tree_mark(machine->tree), events = machine->event_cnt;
    machine->cause[0] = 0;
    if (depth >= SLK_CALL_DEPTH_MAX)
        return SLK_EXIT_SYS_ILLEGAL_INSTRUCTION;
    if (machine->frame_cnt > depth)
        machine->frame_cnt = depth;
    if (!note_call(machine,
                   (slk_call_t){.depth = depth,
                                .from = from,
                                .to_address = *to,
                                .method = method,
                                .value = value,
                                .params = params},
                   &at))
        return slk_machine_fatal(machine, "no memory for the calls of a message");
    slk_exit_t exit = find_and_run(&rt, to, &kind);
    if (exit == SLK_EXIT_FATAL)
        return exit;
    if (exit != SLK_EXIT_OK) {
        slk_state_tree_undo(machine->tree, mark);
        machine->event_cnt = events;
        /* A call whose value could not be paid has not begun. */
        if (rt.text[0] || !machine->cause[0])
            note_failure(machine, &rt, exit);
        rt.ret = (slk_bytes_t){0};
    }
    slk_call_t *call = &machine->calls[at];
    call->to = rt.receiver;
    call->kind = kind;
    call->exit = exit;
    call->ret = rt.ret;
    call->gas = machine->gas_used;
    if (ret)
        *ret = rt.ret;
    return exit;
}
