#include "devnet/vm/machine.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/machine_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MEMORY ((size_t)2 << 30)
#define EVENTS_WIDTH   5u

/* --- Life -------------------------------------------------------------------------------------------- */

/* Blocks of state cost gas on their way through. */
static slk_err_t get_block(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                           slk_diag_t *diag)
{
    slk_machine_t *machine = ctx;
    if (!slk_machine_charge(machine, slk_gas_price(SLK_GAS_BLOCK_READ)))
        return slk_fail(diag, SLK_ERR_STATE, "out of gas");
    return slk_block_get(machine->env.store, bytes, len, cid, diag);
}

static slk_err_t put_block(void *ctx, const slk_cid_t *cid, slk_bytes_t block, slk_diag_t *diag)
{
    slk_machine_t *machine = ctx;
    int64_t gas = slk_gas_price(SLK_GAS_BLOCK_WRITE) +
                  (int64_t)block.len * slk_gas_price(SLK_GAS_BYTE_WRITTEN);
    if (!slk_machine_charge(machine, gas))
        return slk_fail(diag, SLK_ERR_STATE, "out of gas");
    return machine->env.store->put(machine->env.store->ctx, cid, block, diag);
}

slk_err_t slk_machine_new(slk_machine_t **out, const slk_machine_env_t *env, const slk_cid_t *root,
                          slk_diag_t *diag)
{
    slk_err_t err;
    *out = NULL;
    slk_machine_t *machine = calloc(1, sizeof *machine);
    if (machine)
        machine->frames = calloc(SLK_CALL_DEPTH_MAX, sizeof *machine->frames);
    if (!machine || !machine->frames) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory to run messages");
        goto out;
    }
    machine->env = *env;
    machine->store = (slk_blockstore_t){machine, get_block, put_block, NULL};
    slk_arena_init(&machine->arena, MESSAGE_MEMORY);
    /* The tree itself is the machine's own and costs nothing. */
    SLK_TRY(root ? slk_state_tree_load(&machine->tree, env->store, root, diag)
                 : slk_state_tree_new(&machine->tree, env->store, diag));
    *out = machine;
    return SLK_OK;
out:
    slk_machine_free(machine);
    return err;
}

void slk_machine_free(slk_machine_t *machine)
{
    if (!machine)
        return;
    slk_state_tree_free(machine->tree);
    slk_arena_free(&machine->arena);
    free(machine->frames);
    free(machine);
}

slk_state_tree_t *slk_machine_tree(slk_machine_t *machine)
{
    return machine->tree;
}

void slk_machine_set_epoch(slk_machine_t *machine, int64_t epoch)
{
    machine->env.epoch = epoch;
}

slk_err_t slk_machine_flush(slk_machine_t *machine, slk_cid_t *root, slk_diag_t *diag)
{
    return slk_state_tree_flush(machine->tree, root, diag);
}

bool slk_machine_charge(slk_machine_t *machine, int64_t gas)
{
    if (!machine->metered)
        return true;
    if (gas > machine->gas_limit - machine->gas_used) {
        machine->gas_used = machine->gas_limit;
        machine->out_of_gas = true;
        return false;
    }
    machine->gas_used += gas;
    return true;
}

slk_exit_t slk_machine_fatal(slk_machine_t *machine, const char *why)
{
    if (!machine->fatal.text[0])
        snprintf(machine->fatal.text, sizeof machine->fatal.text, "%s",
                 why ? why : machine->diag.text);
    return SLK_EXIT_FATAL;
}

/* --- A message's beginning and end --------------------------------------------------------------------- */

static void begin(slk_machine_t *machine, uint64_t origin, uint64_t nonce)
{
    slk_arena_free(&machine->arena);
    machine->origin = origin;
    machine->origin_address = slk_address_id(origin);
    machine->origin_nonce = nonce;
    machine->new_addresses = 0;
    machine->metered = machine->out_of_gas = false;
    machine->gas_used = machine->gas_limit = 0;
    machine->frame_cnt = 0;
    machine->cause[0] = 0;
    machine->calls = NULL;
    machine->events = NULL;
    machine->call_cnt = machine->call_cap = machine->event_cnt = machine->event_cap = 0;
    machine->text = "";
}

/* The failed calls, outermost first, in the words of the real node. */
static char *backtrace(slk_machine_t *machine, slk_exit_t exit)
{
    size_t cap =
        64 + sizeof machine->cause + machine->frame_cnt * (sizeof machine->frames->text + 64);
    size_t len;
    char *text = slk_arena_alloc(&machine->arena, cap);
    if (!text)
        return "";
    len = (size_t)snprintf(text, cap, "message failed with backtrace:\n");
    for (unsigned i = 0; i < machine->frame_cnt; i++) {
        const slk_frame_t *frame = &machine->frames[i];
        len += (size_t)snprintf(text + len, cap - len,
                                "%02u: f0%" PRIu64 " (method %" PRIu64 ") -- %s (%d)\n", i,
                                frame->actor, frame->method, frame->text, frame->exit);
    }
    if (machine->cause[0])
        len += (size_t)snprintf(text + len, cap - len, "--> caused by: %s\n", machine->cause);
    snprintf(text + len, cap - len, " (RetCode=%d)", exit);
    return text;
}

static void finish(slk_machine_t *machine, slk_applied_t *applied, slk_exit_t exit, slk_bytes_t ret)
{
    bool ok = exit == SLK_EXIT_OK;
    *applied = (slk_applied_t){
        .exit = exit,
        .ret = ok ? ret : (slk_bytes_t){0},
        .gas_used = machine->gas_used,
        .text = ok ? "" : backtrace(machine, exit),
        .calls = machine->calls,
        .call_cnt = machine->call_cnt,
        .events = machine->events,
        .event_cnt = ok ? machine->event_cnt : 0,
    };
}

/* --- Messages -------------------------------------------------------------------------------------------- */

/* A message that should not be on the chain: a receipt, nothing of the sender's changes, its producer pays. */
static slk_err_t refuse(slk_machine_t *machine, const slk_message_t *message,
                        slk_applied_t *applied, slk_exit_t exit, const char *text)
{
    slk_bigint_t limit = slk_bigint_i64(message->gas_limit);
    machine->frame_cnt = 0;
    finish(machine, applied, exit, (slk_bytes_t){0});
    applied->text = text;
    applied->cost.miner_penalty = slk_bigint_mul(machine->env.base_fee, limit);
    return SLK_OK;
}

/* The sender as an actor; *exit is not OK when it may not send. */
static slk_err_t sender_of(slk_machine_t *machine, const slk_message_t *message, uint64_t *id,
                           slk_actor_state_t *sender, const char **why, slk_exit_t *exit,
                           slk_diag_t *diag)
{
    slk_err_t err;
    bool found;
    *exit = SLK_EXIT_SYS_SENDER_INVALID;
    *why = "sender does not exist";
    SLK_TRY(slk_state_tree_resolve(machine->tree, &message->from, id, &found, diag));
    if (found)
        SLK_TRY(slk_state_tree_get(machine->tree, *id, sender, &found, diag));
    if (!found)
        return SLK_OK;
    *why = "sender is not an account";
    if (slk_actor_kind_of_code(&sender->code) != SLK_ACTOR_ACCOUNT)
        return SLK_OK;
    *exit = SLK_EXIT_SYS_SENDER_STATE_INVALID;
    *why = "wrong nonce";
    if (sender->nonce != message->nonce)
        return SLK_OK;
    slk_bigint_t most = slk_bigint_mul(message->gas_fee_cap, slk_bigint_i64(message->gas_limit));
    *why = "sender has less than the gas may cost";
    if (slk_bigint_cmp(&sender->balance, &most) < 0)
        return SLK_OK;
    *exit = SLK_EXIT_OK;
out:
    return err;
}

static slk_err_t add_balance(slk_machine_t *machine, uint64_t id, slk_bigint_t amount,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_actor_state_t actor;
    bool found;
    SLK_TRY(slk_state_tree_get(machine->tree, id, &actor, &found, diag));
    if (!found)
        return slk_fail(diag, SLK_ERR_STATE, "actor f0%" PRIu64 " is not in the state", id);
    actor.balance = slk_bigint_add(actor.balance, amount);
    SLK_TRY(slk_state_tree_set(machine->tree, id, &actor, diag));
out:
    return err;
}

/* After execution: what was paid in advance goes where it belongs. */
static slk_err_t settle(slk_machine_t *machine, const slk_message_t *message, uint64_t sender,
                        slk_applied_t *applied, slk_diag_t *diag)
{
    slk_err_t err;
    slk_gas_charge_t c = slk_gas_charge(message, applied->gas_used, &machine->env.base_fee);
    slk_bigint_t burn = slk_bigint_add(c.base_fee_burn, c.over_estimation_burn);
    applied->cost = (slk_gas_cost_t){c.base_fee_burn, c.over_estimation_burn,
                                     c.miner_penalty, c.miner_tip,
                                     c.refund,        slk_bigint_add(burn, c.miner_tip)};
    SLK_TRY(add_balance(machine, SLK_ID_BURNT, burn, diag));
    SLK_TRY(add_balance(machine, SLK_ID_REWARD, c.miner_tip, diag));
    SLK_TRY(add_balance(machine, sender, c.refund, diag));
out:
    return err;
}

slk_err_t slk_machine_apply(slk_machine_t *machine, const slk_message_t *message, size_t len,
                            slk_applied_t *applied, slk_diag_t *diag)
{
    slk_err_t err;
    slk_exit_t exit;
    uint64_t id = 0;
    slk_actor_state_t sender;
    const char *why;
    slk_bytes_t ret = {0};
    begin(machine, 0, message->nonce);
    if (message->gas_limit <= 0 || message->gas_limit > SLK_GAS_LIMIT_MAX ||
        message->gas_limit < slk_gas_inclusion(len))
        return refuse(machine, message, applied, SLK_EXIT_SYS_OUT_OF_GAS,
                      "the gas limit does not pay for the message itself");
    SLK_TRY(sender_of(machine, message, &id, &sender, &why, &exit, diag));
    if (exit != SLK_EXIT_OK)
        return refuse(machine, message, applied, exit, why);
    machine->origin = id;
    machine->origin_address = message->from;
    sender.nonce++;
    sender.balance = slk_bigint_sub(
        sender.balance, slk_bigint_mul(message->gas_fee_cap, slk_bigint_i64(message->gas_limit)));
    SLK_TRY(slk_state_tree_set(machine->tree, id, &sender, diag));
    machine->metered = true;
    machine->gas_limit = message->gas_limit;
    machine->gas_used = slk_gas_inclusion(len);
    exit = slk_machine_invoke(machine, 0, id, &message->to, message->method, message->params,
                              message->value, &ret);
    if (exit == SLK_EXIT_FATAL)
        return slk_fail(diag, SLK_ERR_STATE, "%s", machine->fatal.text);
    machine->metered = false;
    finish(machine, applied, exit, ret);
    SLK_TRY(settle(machine, message, id, applied, diag));
    slk_state_tree_settle(machine->tree);
out:
    return err;
}

slk_err_t slk_machine_apply_implicit(slk_machine_t *machine, uint64_t from, uint64_t to,
                                     uint64_t method, slk_bytes_t params, slk_bigint_t value,
                                     slk_applied_t *applied, slk_diag_t *diag)
{
    slk_address_t address = slk_address_id(to);
    slk_bytes_t ret = {0};
    begin(machine, from, (uint64_t)machine->env.epoch);
    slk_exit_t exit = slk_machine_invoke(machine, 0, from, &address, method, params, value, &ret);
    if (exit == SLK_EXIT_FATAL)
        return slk_fail(diag, SLK_ERR_STATE, "%s", machine->fatal.text);
    finish(machine, applied, exit, ret);
    slk_state_tree_settle(machine->tree);
    return SLK_OK;
}

/* --- Events ---------------------------------------------------------------------------------------------- */

/* A stamped event: [emitter, [[flags, key, codec, value] ...]]; 3: key and value are indexed, 1: the key. */
static void write_event(slk_buf_t *buf, const slk_event_t *event)
{
    slk_cbor_put_array(buf, 2);
    slk_cbor_put_uint(buf, event->emitter);
    slk_cbor_put_array(buf, event->cnt);
    for (size_t i = 0; i < event->cnt; i++) {
        const slk_event_entry_t *entry = &event->entries[i];
        slk_cbor_put_array(buf, 4);
        slk_cbor_put_uint(buf, entry->plain ? 1 : 3);
        slk_cbor_put_text(buf, entry->key, strlen(entry->key));
        slk_cbor_put_uint(buf, 0x51);
        slk_cbor_put_bytes(buf, entry->value.b, entry->value.len);
    }
}

static slk_err_t write_item(slk_buf_t *buf, const void *items, size_t i, slk_diag_t *diag)
{
    (void)diag;
    write_event(buf, (const slk_event_t *)items + i);
    return SLK_OK;
}

slk_err_t slk_events_root(slk_cid_t *root, const slk_blockstore_t *store,
                          const slk_applied_t *applied, slk_diag_t *diag)
{
    *root = (slk_cid_t){0};
    if (!applied->event_cnt)
        return SLK_OK;
    return slk_object_put_list(root, store, SLK_AMT_V3, EVENTS_WIDTH, write_item, applied->events,
                               applied->event_cnt, diag);
}
