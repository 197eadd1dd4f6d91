/* Messages that are run and thrown away. */

#include "devnet/chain/chain_impl.h"

#include "codec/ipld/object.h"
#include "devnet/chain/overlay.h"
#include "devnet/vm/gas.h"

#include <stdlib.h>

#define MESSAGES_LIMIT ((size_t)1 << 30)

/* slk_called_t with what it borrows from. Verification runs on the caller's thread: the pool of a
 * chain serves one at a time. */
typedef struct {
    slk_called_t called; /* first */
    slk_machine_t *machine;
    slk_draw_ctx_t draw;
    slk_overlay_t overlay;
    slk_tip_t *tip;
    slk_arena_t arena;
    double begun;
} call_t;

static slk_err_t begin(call_t **out, slk_chain_t *c, const slk_tip_t *tip, slk_diag_t *diag)
{
    call_t *call = calloc(1, sizeof *call);
    *out = call;
    if (!call)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to run a message");
    call->begun = slk_clock_seconds();
    call->tip = slk_tip_ref((slk_tip_t *)tip);
    call->draw = (slk_draw_ctx_t){c, call->tip};
    slk_arena_init(&call->arena, MESSAGES_LIMIT);
    return slk_overlay_init(&call->overlay, &c->store, diag);
}

void slk_called_free(slk_called_t *called)
{
    call_t *call = (call_t *)called; /* called is its first member */
    if (!call)
        return;
    slk_machine_free(call->machine);
    slk_overlay_free(&call->overlay);
    slk_tip_unref(call->tip);
    slk_arena_free(&call->arena);
    free(call);
}

/* Hand it out, or free it on an error. */
static slk_err_t finish(slk_called_t **called, call_t *call, slk_err_t err)
{
    *called = NULL;
    if (err != SLK_OK) {
        slk_called_free(call ? &call->called : NULL);
        return err;
    }
    call->called.seconds = slk_clock_seconds() - call->begun;
    *called = &call->called;
    return SLK_OK;
}

/* --- Calls ------------------------------------------------------------------------------------ */

static slk_err_t sender_of(call_t *call, uint64_t *id, slk_actor_state_t *actor, slk_diag_t *diag)
{
    slk_err_t err;
    bool found;
    slk_state_tree_t *tree = slk_machine_tree(call->machine);
    const slk_address_t *from = &call->called.message.from;
    SLK_TRY(slk_state_tree_resolve(tree, from, id, &found, diag));
    if (found)
        SLK_TRY(slk_state_tree_get(tree, *id, actor, &found, diag));
    if (!found)
        return slk_fail(diag, SLK_ERR_NOTFOUND,
                        "sender %s not found on chain: sender validation failed",
                        slk_address_text(from, call->draw.chain->policy.letter).s);
out:
    return err;
}

static slk_err_t copy_message(call_t *call, const slk_message_t *message, slk_diag_t *diag)
{
    slk_message_t *m = &call->called.message;
    *m = *message;
    m->params.b = slk_arena_copy(&call->arena, message->params.b, message->params.len);
    if (message->params.len && !m->params.b)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to run a message");
    if (!m->gas_limit)
        m->gas_limit = SLK_GAS_LIMIT_MAX;
    m->gas_fee_cap = m->gas_premium = slk_bigint_u64(0);
    return SLK_OK;
}

/* From an account it is run as any message is; actors of other kinds send none, but may be asked
 * what would become of it. */
static slk_err_t apply(call_t *call, slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t id, to;
    size_t len;
    bool found;
    slk_actor_state_t sender;
    slk_message_t *m = &call->called.message;
    SLK_TRY(sender_of(call, &id, &sender, diag));
    m->nonce = sender.nonce;
    SLK_TRY(
        slk_message_len(&len, m, slk_address_protocol(&m->from) != SLK_ADDRESS_SECP256K1, diag));
    SLK_TRY(slk_message_cid(&call->called.cid, m, diag));
    if (slk_actor_kind_of_code(&sender.code) == SLK_ACTOR_ACCOUNT) {
        SLK_TRY(slk_machine_apply(call->machine, m, len, &call->called.applied, diag));
        goto out;
    }
    SLK_TRY(slk_state_tree_resolve(slk_machine_tree(call->machine), &m->to, &to, &found, diag));
    if (!found) {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "actor not found");
        goto out;
    }
    SLK_TRY(slk_machine_apply_implicit(call->machine, id, to, m->method, m->params, m->value,
                                       &call->called.applied, diag));
out:
    return err;
}

/* Pending messages of the sender: they only have to be there, so that their outcome does not
 * matter. */
static slk_err_t apply_prior(call_t *call, const slk_message_t *prior, size_t cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_applied_t applied;
    size_t len;
    for (size_t i = 0; i < cnt; i++) {
        bool bls = slk_address_protocol(&prior[i].from) != SLK_ADDRESS_SECP256K1;
        SLK_TRY(slk_message_len(&len, &prior[i], bls, diag));
        SLK_TRY(slk_machine_apply(call->machine, &prior[i], len, &applied, diag));
    }
out:
    return err;
}

slk_err_t slk_chain_call(slk_called_t **called, slk_chain_t *c, const slk_tip_t *tip,
                         slk_call_on_t on, const slk_message_t *message, const slk_message_t *prior,
                         size_t prior_cnt, slk_diag_t *diag)
{
    slk_err_t err;
    call_t *call;
    bool after = on == SLK_CALL_AFTER;
    const slk_bigint_t *base_fee =
        after ? &tip->base_fee : &tip->tipset.blocks.items[0].parent_base_fee;
    SLK_TRY(begin(&call, c, tip, diag));
    SLK_TRY(copy_message(call, message, diag));
    SLK_TRY(slk_machine_on(&call->machine, &call->draw,
                           after ? &tip->state : slk_tip_parent_state(tip), tip->height + after,
                           base_fee, &call->overlay.store, NULL, diag));
    if (after)
        SLK_TRY(apply_prior(call, prior, prior_cnt, diag));
    SLK_TRY(apply(call, diag));
out:
    return finish(called, call, err);
}

/* --- Replays ---------------------------------------------------------------------------------- */

/* Messages up to one, with the rewards of the blocks before its own. */
static slk_err_t run_up_to(call_t *call, const slk_chain_message_list_t *messages, size_t index,
                           slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_applied_t *applied = &call->called.applied;
    slk_bigint_t penalty = {0}, tips = {0};
    size_t block = 0;
    for (size_t i = 0; i <= index; i++) {
        for (; block < messages->items[i].block; block++) {
            SLK_TRY(slk_machine_award(call->machine, &call->tip->tipset.blocks.items[block],
                                      &penalty, &tips, diag));
            penalty = tips = slk_bigint_u64(0);
        }
        SLK_TRY(slk_machine_apply(call->machine, &messages->items[i].message,
                                  messages->items[i].len, applied, diag));
        penalty = slk_bigint_add(penalty, applied->cost.miner_penalty);
        tips = slk_bigint_add(tips, applied->cost.miner_tip);
    }
out:
    return err;
}

slk_err_t slk_chain_replay(slk_called_t **called, slk_chain_t *c, const slk_tip_t *tip,
                           size_t index, slk_diag_t *diag)
{
    slk_err_t err;
    call_t *call;
    slk_chain_message_list_t messages;
    SLK_TRY(begin(&call, c, tip, diag));
    SLK_TRY(slk_chain_messages(&messages, c, tip, &call->arena, diag));
    if (index >= messages.count) {
        err = slk_fail(diag, SLK_ERR_INPUT, "the tipset has %zu messages, none of number %zu",
                       messages.count, index);
        goto out;
    }
    SLK_TRY(slk_machine_begin(&call->machine, &call->draw, &call->overlay.store, NULL, diag));
    SLK_TRY(run_up_to(call, &messages, index, diag));
    call->called.message = messages.items[index].message;
    call->called.cid = messages.items[index].cid;
out:
    return finish(called, call, err);
}
