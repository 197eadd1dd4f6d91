/* Messages for a block. */

#include "devnet/chain/mpool_impl.h"

#include "devnet/vm/gas.h"

#include <stdlib.h>

/* A sender's messages from `next` on that follow each other from its nonce on. */
typedef struct {
    const slk_pending_t *items;
    size_t cnt, next;
    slk_bigint_t balance; /* left */
    slk_bigint_t premium; /* what items[next] pays */
} queue_t;

/* --- Candidates ------------------------------------------------------------------------------- */

static int by_sender(const void *a, const void *b)
{
    const slk_message_t *x = &((const slk_pending_t *)a)->message.message;
    const slk_message_t *y = &((const slk_pending_t *)b)->message.message;
    int order = slk_address_cmp(&x->from, &y->from);
    if (order)
        return order;
    if (x->nonce != y->nonce)
        return x->nonce < y->nonce ? -1 : 1;
    return slk_bigint_cmp(&y->gas_premium, &x->gas_premium);
}

typedef struct {
    slk_pending_t *items;
    size_t cnt, cap;
    slk_arena_t *arena;
    slk_diag_t *diag;
} found_t;

static slk_err_t room(found_t *f, size_t more)
{
    if (f->cap - f->cnt >= more)
        return SLK_OK;
    size_t cap = 2 * f->cap + more;
    slk_pending_t *items = slk_arena_array(f->arena, cap, sizeof *items);
    if (!items)
        return slk_fail(f->diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    for (size_t i = 0; i < f->cnt; i++)
        items[i] = f->items[i];
    f->items = items;
    f->cap = cap;
    return SLK_OK;
}

/* Those of tipsets that are not below the block. */
static slk_err_t add_reverted(found_t *f, slk_mpool_t *pool, const slk_tip_t *tip)
{
    slk_err_t err;
    slk_chain_message_list_t list;
    SLK_TRY(slk_chain_messages(&list, pool->chain, tip, f->arena, f->diag));
    SLK_TRY(room(f, list.count));
    for (size_t i = 0; i < list.count; i++) {
        const slk_chain_message_t *m = &list.items[i];
        slk_pending_t *p = &f->items[f->cnt];
        bool found = m->signature.type != 0;
        p->cid = m->cid;
        p->message = (slk_signed_message_t){m->message, m->signature};
        if (!found)
            SLK_TRY(slk_pool_kept(&p->message, &found, pool, &m->cid, f->arena, f->diag));
        f->cnt += found;
    }
out:
    return err;
}

static slk_err_t collect(found_t *f, slk_mpool_t *pool, const slk_tip_t *on)
{
    slk_err_t err;
    slk_pending_list_t pending;
    slk_step_t *steps = NULL;
    slk_tip_t *head = NULL;
    size_t cnt = 0;
    pthread_mutex_lock(&pool->lock);
    head = slk_tip_ref(pool->head);
    pthread_mutex_unlock(&pool->lock);
    SLK_TRY(slk_mpool_pending(&pending, pool, NULL, f->arena, f->diag));
    f->items = pending.items;
    f->cnt = f->cap = pending.count;
    SLK_TRY(slk_chain_path(&steps, &cnt, pool->chain, head, on, f->diag));
    for (size_t i = 0; i < cnt; i++)
        if (steps[i].revert)
            SLK_TRY(add_reverted(f, pool, steps[i].tip));
    qsort(f->items, f->cnt, sizeof *f->items, by_sender);
out:
    slk_steps_free(steps, cnt);
    slk_tip_unref(head);
    return err;
}

/* --- Queues ----------------------------------------------------------------------------------- */

/* The run of messages that starts at the sender's nonce, the best paying one of each nonce, moved
 * together. */
static slk_err_t make_queue(queue_t *queue, slk_pending_t *items, size_t cnt, slk_chain_t *chain,
                            const slk_tip_t *on, slk_diag_t *diag)
{
    slk_actor_state_t actor;
    bool found;
    size_t kept = 0;
    *queue = (queue_t){.items = items};
    slk_err_t err = slk_chain_actor(&actor, NULL, &found, chain, &on->state,
                                    &items[0].message.message.from, diag);
    if (err != SLK_OK || !found)
        return err;
    queue->balance = actor.balance;
    for (size_t i = 0; i < cnt; i++)
        if (items[i].message.message.nonce == actor.nonce + kept)
            items[kept++] = items[i];
    queue->cnt = kept;
    return SLK_OK;
}

static slk_err_t make_queues(queue_t **queues, size_t *cnt, const found_t *f, slk_chain_t *chain,
                             const slk_tip_t *on)
{
    slk_err_t err = SLK_OK;
    *cnt = 0;
    *queues = slk_arena_array(f->arena, f->cnt, sizeof **queues);
    if (!*queues)
        return slk_fail(f->diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    for (size_t from = 0, to; from < f->cnt; from = to) {
        const slk_address_t *sender = &f->items[from].message.message.from;
        for (to = from + 1; to < f->cnt; to++)
            if (!slk_address_eq(&f->items[to].message.message.from, sender))
                break;
        SLK_TRY(make_queue(&(*queues)[*cnt], f->items + from, to - from, chain, on, f->diag));
        *cnt += (*queues)[*cnt].cnt > 0;
    }
out:
    return err;
}

/* --- The choice ------------------------------------------------------------------------------- */

/* Whether the sender's next message can be in the block; what it pays then is in queue->premium. */
static bool ready(queue_t *queue, const slk_bigint_t *base_fee, int64_t gas_left)
{
    if (queue->next == queue->cnt)
        return false;
    const slk_message_t *m = &queue->items[queue->next].message.message;
    slk_bigint_t above = slk_bigint_sub(m->gas_fee_cap, *base_fee);
    slk_bigint_t need = slk_bigint_mul(m->gas_fee_cap, slk_bigint_i64(m->gas_limit));
    need = slk_bigint_add(need, m->value);
    if (slk_bigint_sign(&above) < 0 || m->gas_limit > gas_left ||
        slk_bigint_cmp(&queue->balance, &need) < 0) {
        queue->cnt = queue->next; /* and none behind it */
        return false;
    }
    queue->premium = slk_bigint_min(m->gas_premium, above);
    return true;
}

static queue_t *best(queue_t *queues, size_t cnt, const slk_bigint_t *base_fee, int64_t gas_left)
{
    queue_t *best_queue = NULL;
    for (size_t i = 0; i < cnt; i++)
        if (ready(&queues[i], base_fee, gas_left) &&
            (!best_queue || slk_bigint_cmp(&queues[i].premium, &best_queue->premium) > 0))
            best_queue = &queues[i];
    return best_queue;
}

slk_err_t slk_mpool_select(slk_pending_list_t *list, slk_mpool_t *pool, const slk_tip_t *on,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    queue_t *queues, *queue;
    size_t cnt;
    int64_t gas_left = SLK_GAS_LIMIT_MAX;
    found_t f = {.arena = arena, .diag = diag};
    *list = (slk_pending_list_t){0};
    SLK_TRY(collect(&f, pool, on));
    SLK_TRY(make_queues(&queues, &cnt, &f, pool->chain, on));
    list->items = slk_arena_array(arena, f.cnt, sizeof *list->items);
    if (!list->items)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the messages of a block");
    while (list->count < SLK_BLOCK_MESSAGES_MAX &&
           (queue = best(queues, cnt, &on->base_fee, gas_left))) {
        const slk_pending_t *p = &queue->items[queue->next++];
        const slk_message_t *m = &p->message.message;
        slk_bigint_t cost = slk_bigint_mul(m->gas_fee_cap, slk_bigint_i64(m->gas_limit));
        cost = slk_bigint_add(cost, m->value);
        queue->balance = slk_bigint_sub(queue->balance, cost);
        gas_left -= m->gas_limit;
        list->items[list->count++] = *p;
    }
out:
    return err;
}
