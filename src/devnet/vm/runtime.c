#include "devnet/vm/runtime.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/machine_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- Ends ------------------------------------------------------------------------------------------------ */

slk_exit_t slk_rt_abort(slk_rt_t *rt, slk_exit_t exit, const char *fmt, ...)
{
    va_list args;
    SLK_ASSERT(exit > 0);
    va_start(args, fmt);
    vsnprintf(rt->text, sizeof rt->text, fmt, args);
    va_end(args);
    return exit;
}

slk_exit_t slk_rt_wrap(slk_rt_t *rt, slk_exit_t exit, const char *fmt, ...)
{
    char words[sizeof rt->text], inner[sizeof rt->text];
    va_list args;
    if (exit <= 0)
        return exit;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    memcpy(inner, rt->text, sizeof inner);
    if ((size_t)snprintf(rt->text, sizeof rt->text, "%s: %s", words, inner) >= sizeof rt->text)
        rt->text[sizeof rt->text - 2] = '.'; /* cut off */
    return exit;
}

slk_exit_t slk_rt_err(slk_rt_t *rt, slk_err_t err, slk_exit_t otherwise)
{
    if (err == SLK_OK)
        return SLK_EXIT_OK;
    if (rt->machine->out_of_gas)
        return slk_rt_abort(rt, SLK_EXIT_SYS_OUT_OF_GAS, "out of gas");
    if (err == SLK_ERR_FORMAT && otherwise != SLK_EXIT_FATAL)
        return slk_rt_abort(rt, otherwise, "%s", rt->machine->diag.text);
    if (!rt->machine->diag.text[0])
        slk_fail(&rt->machine->diag, err, "%s", slk_err_text(err));
    return slk_machine_fatal(rt->machine, NULL);
}

slk_diag_t *slk_rt_diag(slk_rt_t *rt)
{
    return &rt->machine->diag;
}

/* --- The message ------------------------------------------------------------------------------------------- */

uint64_t slk_rt_caller(const slk_rt_t *rt)
{
    return rt->caller;
}

uint64_t slk_rt_receiver(const slk_rt_t *rt)
{
    return rt->receiver;
}

uint64_t slk_rt_origin(const slk_rt_t *rt)
{
    return rt->machine->origin;
}

slk_bigint_t slk_rt_value(const slk_rt_t *rt)
{
    return rt->value;
}

int64_t slk_rt_epoch(const slk_rt_t *rt)
{
    return rt->machine->env.epoch;
}

const slk_policy_t *slk_rt_policy(const slk_rt_t *rt)
{
    return rt->machine->env.policy;
}

slk_exit_t slk_rt_read_params(slk_rt_t *rt, void *record, const slk_type_t *type)
{
    slk_err_t err = slk_record_decode(record, type, rt->params.b, rt->params.len,
                                      &rt->machine->arena, &rt->machine->diag);
    if (err != SLK_ERR_FORMAT)
        return slk_rt_err(rt, err, SLK_EXIT_FATAL);
    return slk_rt_abort(rt, SLK_EXIT_USR_SERIALIZATION, "Serialization error for Cbor protocol: %s",
                        rt->machine->diag.text);
}

slk_exit_t slk_rt_return(slk_rt_t *rt, const void *bytes, size_t len)
{
    void *copy = slk_arena_copy(&rt->machine->arena, bytes, len);
    if (!copy)
        return slk_machine_fatal(rt->machine, "no memory for a return value");
    rt->ret = (slk_bytes_t){copy, len};
    return SLK_EXIT_OK;
}

slk_exit_t slk_rt_return_record(slk_rt_t *rt, const void *record, const slk_type_t *type)
{
    slk_buf_t buf = {0};
    slk_err_t err = slk_record_encode(&buf, type, record, &rt->machine->diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, &rt->machine->diag);
    slk_exit_t exit =
        err == SLK_OK ? slk_rt_return(rt, buf.bytes, buf.len) : slk_rt_err(rt, err, SLK_EXIT_FATAL);
    slk_buf_free(&buf);
    return exit;
}

slk_exit_t slk_rt_require_caller(slk_rt_t *rt, const uint64_t *ids, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        if (ids[i] == rt->caller)
            return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "caller f0%" PRIu64 " is not one of supported",
                        rt->caller);
}

/* --- State --------------------------------------------------------------------------------------------------- */

slk_arena_t *slk_rt_arena(slk_rt_t *rt)
{
    return &rt->machine->arena;
}

const slk_blockstore_t *slk_rt_store(slk_rt_t *rt)
{
    return &rt->machine->store;
}

/* The receiver; it is there, since its method runs. */
static slk_err_t self(const slk_rt_t *rt, slk_actor_state_t *actor)
{
    bool found;
    slk_err_t err =
        slk_state_tree_get(rt->machine->tree, rt->receiver, actor, &found, &rt->machine->diag);
    SLK_ASSERT(err != SLK_OK || found);
    return err;
}

/* What was read before is in memory: reading it again cannot fail. */
slk_cid_t slk_rt_head(const slk_rt_t *rt)
{
    slk_actor_state_t actor;
    slk_err_t err = self(rt, &actor);
    SLK_ASSERT(err == SLK_OK);
    return actor.head;
}

slk_bigint_t slk_rt_balance(const slk_rt_t *rt)
{
    slk_actor_state_t actor;
    slk_err_t err = self(rt, &actor);
    SLK_ASSERT(err == SLK_OK);
    return actor.balance;
}

slk_exit_t slk_rt_set_head(slk_rt_t *rt, const slk_cid_t *head)
{
    slk_actor_state_t actor;
    slk_err_t err = self(rt, &actor);
    if (err == SLK_OK) {
        actor.head = *head;
        err = slk_state_tree_set(rt->machine->tree, rt->receiver, &actor, &rt->machine->diag);
    }
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_read_state(slk_rt_t *rt, void *record, const slk_type_t *type)
{
    slk_cid_t head = slk_rt_head(rt);
    return slk_rt_err(rt,
                      slk_object_get(record, type, &rt->machine->store, &head, &rt->machine->arena,
                                     &rt->machine->diag),
                      SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_write_state(slk_rt_t *rt, const void *record, const slk_type_t *type)
{
    slk_cid_t head;
    SLK_RT_TRY(
        slk_rt_err(rt, slk_object_put(&head, type, record, &rt->machine->store, &rt->machine->diag),
                   SLK_EXIT_FATAL));
    return slk_rt_set_head(rt, &head);
}

/* --- Other actors ---------------------------------------------------------------------------------------------- */

slk_exit_t slk_rt_actor_kind(slk_rt_t *rt, uint64_t id, slk_actor_kind_t *kind)
{
    slk_actor_state_t actor;
    bool found;
    *kind = SLK_ACTOR_NONE;
    if (id > INT64_MAX) /* parameters may name such; no address can */
        return SLK_EXIT_OK;
    slk_err_t err = slk_state_tree_get(rt->machine->tree, id, &actor, &found, &rt->machine->diag);
    *kind = err == SLK_OK && found ? slk_actor_kind_of_code(&actor.code) : SLK_ACTOR_NONE;
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_require_kind(slk_rt_t *rt, slk_actor_kind_t kind)
{
    slk_actor_kind_t caller;
    SLK_RT_TRY(slk_rt_actor_kind(rt, rt->caller, &caller));
    if (caller == kind)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "caller type %s not one of supported: %s",
                        slk_actor_kind_name(caller), slk_actor_kind_name(kind));
}

slk_exit_t slk_rt_resolve(slk_rt_t *rt, const slk_address_t *address, uint64_t *id, bool *found)
{
    slk_actor_state_t actor;
    slk_err_t err =
        slk_state_tree_resolve(rt->machine->tree, address, id, found, &rt->machine->diag);
    if (err == SLK_OK && *found)
        err = slk_state_tree_get(rt->machine->tree, *id, &actor, found, &rt->machine->diag);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_account_key(slk_rt_t *rt, uint64_t id, slk_address_t *key, bool *found)
{
    slk_actor_state_t actor;
    slk_account_state_t state;
    slk_err_t err = slk_state_tree_get(rt->machine->tree, id, &actor, found, &rt->machine->diag);
    *found = err == SLK_OK && *found && slk_actor_kind_of_code(&actor.code) == SLK_ACTOR_ACCOUNT;
    if (*found) {
        err = slk_object_get(&state, &slk_account_state_type, &rt->machine->store, &actor.head,
                             &rt->machine->arena, &rt->machine->diag);
        *key = state.address;
    }
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_send(slk_rt_t *rt, const slk_address_t *to, uint64_t method, const void *params,
                       size_t len, slk_bigint_t value, slk_exit_t *exit, slk_bytes_t *ret)
{
    void *copy = slk_arena_copy(&rt->machine->arena, params, len);
    if (!copy)
        return slk_machine_fatal(rt->machine, "no memory for parameters");
    slk_bytes_t bytes = {copy, len};
    *exit =
        slk_machine_invoke(rt->machine, rt->depth + 1, rt->receiver, to, method, bytes, value, ret);
    return *exit == SLK_EXIT_FATAL ? SLK_EXIT_FATAL : SLK_EXIT_OK;
}

slk_exit_t slk_rt_call(slk_rt_t *rt, uint64_t to, uint64_t method, const void *params, size_t len,
                       slk_bigint_t value, slk_bytes_t *ret)
{
    slk_address_t address = slk_address_id(to);
    slk_exit_t exit;
    SLK_RT_TRY(slk_rt_send(rt, &address, method, params, len, value, &exit, ret));
    if (exit == SLK_EXIT_OK)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, exit, "send aborted with code %d", exit);
}

slk_exit_t slk_rt_call_record(slk_rt_t *rt, uint64_t to, uint64_t method, const void *record,
                              const slk_type_t *type, slk_bigint_t value, slk_bytes_t *ret)
{
    slk_buf_t buf = {0};
    slk_err_t err = SLK_OK;
    if (record)
        err = slk_record_encode(&buf, type, record, &rt->machine->diag);
    if (err == SLK_OK)
        err = slk_buf_check(&buf, &rt->machine->diag);
    slk_exit_t exit = err == SLK_OK ? slk_rt_call(rt, to, method, buf.bytes, buf.len, value, ret)
                                    : slk_rt_err(rt, err, SLK_EXIT_FATAL);
    slk_buf_free(&buf);
    return exit;
}

slk_exit_t slk_rt_create_actor(slk_rt_t *rt, slk_actor_kind_t kind, uint64_t id,
                               const slk_address_t *robust)
{
    slk_actor_state_t actor = {.code = slk_actor_devnet_code(kind)};
    bool found;
    (void)robust;
    SLK_ASSERT(rt->receiver == SLK_ID_INIT);
    if (!slk_machine_charge(rt->machine, slk_gas_price(SLK_GAS_NEW_ACTOR)))
        return slk_rt_abort(rt, SLK_EXIT_SYS_OUT_OF_GAS, "out of gas");
    actor.head = slk_cid_of_cbor("\x80", 1); /* until the constructor has run: the empty array */
    slk_actor_state_t before;
    slk_err_t err = slk_state_tree_get(rt->machine->tree, id, &before, &found, &rt->machine->diag);
    SLK_ASSERT(err != SLK_OK || !found);
    if (err == SLK_OK)
        err = slk_state_tree_set(rt->machine->tree, id, &actor, &rt->machine->diag);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

/* blake2b-160 of the sender's address in CBOR, its nonce, and how many addresses the message made before. */
slk_address_t slk_rt_new_address(slk_rt_t *rt)
{
    slk_machine_t *m = rt->machine;
    uint8_t seed[2 + SLK_ADDRESS_MAX + 16], *end = seed;
    const size_t len = m->origin_address.len;
    if (len < 24) {
        *end++ = (uint8_t)(0x40 + len);
    } else {
        *end++ = 0x58;
        *end++ = (uint8_t)len;
    }
    memcpy(end, m->origin_address.b, len);
    end += len;
    slk_store_be64(end, m->origin_nonce);
    slk_store_be64(end + 8, m->new_addresses++);
    return slk_address_actor(seed, (size_t)(end + 16 - seed));
}

/* --- The chain ------------------------------------------------------------------------------------------------- */

static slk_exit_t randomness(slk_rt_t *rt, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                             const void *entropy, size_t len)
{
    const slk_machine_env_t *env = &rt->machine->env;
    if (epoch > env->epoch)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "randomness epoch %" PRId64 " is in the future of %" PRId64, epoch,
                            env->epoch);
    /* From some epoch on no gas is enough; the number is from outside. */
    const int64_t price = slk_gas_price(SLK_GAS_RANDOMNESS_EPOCH), most = INT64_MAX / 2 / price;
    const uint64_t back = (uint64_t)env->epoch - (uint64_t)epoch;
    SLK_RT_TRY(slk_rt_charge(rt, slk_gas_price(SLK_GAS_RANDOMNESS) +
                                     (back < (uint64_t)most ? (int64_t)back : most) * price));
    return slk_rt_err(
        rt, env->draw(env->draw_ctx, out, beacon, tag, epoch, entropy, len, &rt->machine->diag),
        SLK_EXIT_FATAL);
}

slk_exit_t slk_rt_ticket_randomness(slk_rt_t *rt, slk_node_t *out, int64_t tag, int64_t epoch,
                                    const void *entropy, size_t len)
{
    return randomness(rt, out, false, tag, epoch, entropy, len);
}

slk_exit_t slk_rt_beacon_randomness(slk_rt_t *rt, slk_node_t *out, int64_t tag, int64_t epoch,
                                    const void *entropy, size_t len)
{
    return randomness(rt, out, true, tag, epoch, entropy, len);
}

slk_exit_t slk_rt_circulating_supply(slk_rt_t *rt, slk_bigint_t *supply)
{
    *supply = rt->machine->env.supply;
    return SLK_EXIT_OK;
}

slk_exit_t slk_rt_charge(slk_rt_t *rt, int64_t gas)
{
    if (slk_machine_charge(rt->machine, gas))
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_SYS_OUT_OF_GAS, "out of gas");
}

slk_exit_t slk_rt_event(slk_rt_t *rt, const slk_event_entry_t *entries, size_t cnt)
{
    slk_machine_t *m = rt->machine;
    int64_t gas = slk_gas_price(SLK_GAS_EVENT);
    slk_event_entry_t *copy = slk_arena_array(&m->arena, cnt, sizeof *copy);
    for (size_t i = 0; copy && i < cnt; i++) {
        copy[i] = entries[i];
        copy[i].value.b = slk_arena_copy(&m->arena, entries[i].value.b, entries[i].value.len);
        gas += slk_gas_price(SLK_GAS_EVENT_BYTE) * (int64_t)entries[i].value.len;
        if (!copy[i].value.b)
            copy = NULL;
    }
    if (copy && m->event_cnt == m->event_cap) {
        size_t cap = m->event_cap ? 2 * m->event_cap : 8;
        slk_event_t *events = slk_arena_array(&m->arena, cap, sizeof *events);
        if (events && m->event_cnt)
            memcpy(events, m->events, m->event_cnt * sizeof *events);
        m->events = events;
        m->event_cap = events ? cap : 0;
    }
    if (!copy || !m->events)
        return slk_machine_fatal(m, "no memory for an event");
    m->events[m->event_cnt++] = (slk_event_t){rt->receiver, copy, cnt};
    return slk_rt_charge(rt, gas);
}
