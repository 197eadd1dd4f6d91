#include "devnet/chain/mpool_impl.h"

#include <stdlib.h>
#include <string.h>

#define FOLLOW_LIMIT ((size_t)1 << 30)
#define PRUNE_EVERY  100

/* --- Following the head ----------------------------------------------------------------------- */

/* A message of a reverted tipset with its signature, which for BLS is only known of those that
 * were pushed here. */
static slk_err_t recover(slk_pending_t *p, bool *found, slk_mpool_t *pool,
                         const slk_chain_message_t *m, slk_arena_t *arena, slk_diag_t *diag)
{
    p->cid = m->cid;
    p->message = (slk_signed_message_t){m->message, m->signature};
    *found = m->signature.type != 0;
    return *found ? SLK_OK : slk_pool_kept(&p->message, found, pool, &m->cid, arena, diag);
}

/* What was reverted is pending again, unless a message that took its nonce is on the chain or pays
 * more. */
static slk_err_t bring_back(slk_mpool_t *pool, const slk_step_t *step, slk_arena_t *arena,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_chain_message_list_t list;
    slk_pending_t p;
    bool found;
    SLK_TRY(slk_chain_messages(&list, pool->chain, step->tip, arena, diag));
    for (size_t i = 0; i < list.count; i++) {
        const slk_message_t *m = &list.items[i].message;
        SLK_TRY(recover(&p, &found, pool, &list.items[i], arena, diag));
        const slk_entry_t *there = slk_pool_at(slk_pool_find(pool, &m->from), m->nonce);
        if (found &&
            !(there && slk_bigint_cmp(&there->message.message.gas_premium, &m->gas_premium) >= 0))
            SLK_TRY(slk_pool_put(pool, &p.cid, &p.message, diag));
    }
out:
    return err;
}

static slk_err_t take_out(slk_mpool_t *pool, const slk_step_t *step, slk_arena_t *arena,
                          slk_diag_t *diag)
{
    slk_chain_message_list_t list;
    slk_err_t err = slk_chain_messages(&list, pool->chain, step->tip, arena, diag);
    for (size_t i = 0; err == SLK_OK && i < list.count; i++)
        slk_pool_take(pool, &list.items[i].message.from, list.items[i].message.nonce, true);
    return err;
}

/* Reverts come before applies, so that what is on both sides ends up taken out. A tipset that
 * cannot be read costs its messages their place in the pool only: those pushed here are found
 * again at the next start. */
static void follow(void *ctx, const slk_step_t *steps, size_t cnt)
{
    slk_mpool_t *pool = ctx;
    slk_arena_t arena;
    slk_diag_t diag;
    slk_err_t err = SLK_OK;
    slk_tip_t *head = slk_chain_head(pool->chain);
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; err == SLK_OK && i < cnt; i++) {
        slk_arena_init(&arena, FOLLOW_LIMIT);
        err = steps[i].revert ? bring_back(pool, &steps[i], &arena, &diag)
                              : take_out(pool, &steps[i], &arena, &diag);
        slk_arena_free(&arena);
    }
    slk_tip_unref(pool->head);
    pool->head = slk_tip_ref(head);
    pthread_mutex_unlock(&pool->lock);
    if (head->height >= pool->pruned + PRUNE_EVERY) {
        pool->pruned = head->height;
        err = slk_pool_prune(pool, head, &diag); /* the next one tries again */
    }
    slk_tip_unref(head);
}

/* --- Life ------------------------------------------------------------------------------------- */

slk_err_t slk_mpool_new(slk_mpool_t **out, slk_chain_t *chain, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *out = NULL;
    slk_mpool_t *pool = calloc(1, sizeof *pool);
    if (!pool)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a message pool");
    pool->chain = chain;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->sender_lock, NULL);
    slk_chain_lock(chain);
    pool->subscription = slk_chain_subscribe(chain, follow, pool, &pool->head);
    err = pool->subscription ? slk_pool_load(pool, diag)
                             : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a message pool");
    slk_chain_unlock(chain);
    if (err == SLK_OK)
        *out = pool;
    else
        slk_mpool_free(pool);
    return err;
}

void slk_mpool_free(slk_mpool_t *pool)
{
    if (!pool)
        return;
    slk_chain_unsubscribe(pool->chain, pool->subscription);
    slk_pool_empty(pool);
    slk_tip_unref(pool->head);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->sender_lock);
    free(pool);
}

void slk_mpool_sender_lock(slk_mpool_t *pool)
{
    pthread_mutex_lock(&pool->sender_lock);
}

void slk_mpool_sender_unlock(slk_mpool_t *pool)
{
    pthread_mutex_unlock(&pool->sender_lock);
}

/* --- Pushing ---------------------------------------------------------------------------------- */

slk_bigint_t slk_mpool_replace_premium(const slk_bigint_t *premium, unsigned percent)
{
    slk_bigint_t share = slk_bigint_mul(*premium, slk_bigint_u64(percent));
    share = slk_bigint_div_floor(share, slk_bigint_u64(100));
    return slk_bigint_add(share, slk_bigint_u64(1));
}

slk_err_t slk_mpool_push(slk_cid_t *cid, slk_mpool_t *pool, const slk_signed_message_t *message,
                         slk_push_t how, slk_diag_t *diag)
{
    slk_err_t err;
    if (!slk_address_defined(&message->message.to) || !slk_address_defined(&message->message.from))
        return slk_fail(diag, SLK_ERR_INPUT,
                        "message not valid for block inclusion: '%s' address cannot be empty",
                        slk_address_defined(&message->message.to) ? "From" : "To");
    SLK_TRY(slk_signed_message_cid(cid, message, diag));
    SLK_TRY(slk_pool_check(message, cid, diag));
    pthread_mutex_lock(&pool->lock);
    const slk_pool_set_t *set = slk_pool_find(pool, &message->message.from);
    err = slk_pool_check_on(pool->chain, pool->head, set, message, cid, how, diag);
    if (err == SLK_OK && pool->message_cnt >= SLK_MPOOL_MAX &&
        !slk_pool_at(set, message->message.nonce))
        err = slk_fail(diag, SLK_ERR_INPUT, "failed to add locked: the pool has %u messages",
                       SLK_MPOOL_MAX);
    if (err == SLK_OK)
        err = slk_pool_keep(pool, cid, message, diag);
    if (err == SLK_OK)
        err = slk_pool_put(pool, cid, message, diag);
    pthread_mutex_unlock(&pool->lock);
out:
    return err;
}

slk_err_t slk_mpool_nonce(uint64_t *nonce, slk_mpool_t *pool, const slk_address_t *sender,
                          slk_diag_t *diag)
{
    slk_address_t key;
    slk_actor_state_t actor;
    bool found;
    const slk_network_t letter = slk_chain_policy(pool->chain)->letter;
    pthread_mutex_lock(&pool->lock);
    slk_err_t err =
        slk_chain_actor(&actor, NULL, &found, pool->chain, &pool->head->state, sender, diag);
    if (err == SLK_OK && !found)
        err = slk_fail(diag, SLK_ERR_NOTFOUND,
                       "resolution lookup failed (%s): resolve address %s: actor not found",
                       slk_address_text(sender, letter).s, slk_address_text(sender, letter).s);
    if (err == SLK_OK)
        err = slk_chain_account_key(&key, &found, pool->chain, &pool->head->state, sender, diag);
    if (err == SLK_OK)
        *nonce = slk_pool_next_nonce(slk_pool_find(pool, &key), actor.nonce);
    pthread_mutex_unlock(&pool->lock);
    return err;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static slk_err_t copy_entry(slk_pending_t *to, const slk_entry_t *entry, slk_arena_t *arena,
                            slk_diag_t *diag)
{
    slk_bytes_t *params = &to->message.message.params, *sig = &to->message.signature.data;
    to->cid = entry->cid;
    to->message = entry->message;
    sig->b = slk_arena_copy(arena, sig->b, sig->len);
    if (params->len)
        params->b = slk_arena_copy(arena, params->b, params->len);
    if (!sig->b || (params->len && !params->b))
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for pending messages");
    return SLK_OK;
}

slk_err_t slk_mpool_pending(slk_pending_list_t *list, slk_mpool_t *pool,
                            const slk_address_t *sender, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *list = (slk_pending_list_t){0};
    pthread_mutex_lock(&pool->lock);
    list->items = slk_arena_array(arena, pool->message_cnt, sizeof *list->items);
    if (!list->items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for pending messages");
        goto out;
    }
    for (size_t i = 0; i < pool->set_cnt; i++) {
        const slk_pool_set_t *set = &pool->sets[i];
        if (sender && !slk_address_eq(&set->sender, sender))
            continue;
        for (size_t k = 0; k < set->cnt; k++)
            SLK_TRY(copy_entry(&list->items[list->count++], set->items[k], arena, diag));
    }
out:
    pthread_mutex_unlock(&pool->lock);
    return err;
}

size_t slk_mpool_count(slk_mpool_t *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t cnt = pool->message_cnt;
    pthread_mutex_unlock(&pool->lock);
    return cnt;
}

void slk_mpool_listen(slk_mpool_t *pool, slk_mpool_fn_t *fn, void *ctx)
{
    pthread_mutex_lock(&pool->lock);
    pool->listener = fn;
    pool->listener_ctx = ctx;
    pthread_mutex_unlock(&pool->lock);
}

/* --- Forgetting ------------------------------------------------------------------------------- */

slk_err_t slk_mpool_forget(slk_mpool_t *pool, const slk_cid_t *cid, slk_diag_t *diag)
{
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; !found && i < pool->set_cnt; i++)
        for (size_t k = 0; !found && k < pool->sets[i].cnt; k++) {
            const slk_entry_t *entry = pool->sets[i].items[k];
            found = slk_cid_eq(&entry->cid, cid);
            if (found) {
                const slk_address_t sender = pool->sets[i].sender;
                slk_pool_take(pool, &sender, entry->message.message.nonce, false);
            }
        }
    slk_err_t err = slk_pool_drop(pool, cid, diag);
    pthread_mutex_unlock(&pool->lock);
    if (err == SLK_OK && !found)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "message %s is not pending", slk_cid_text(cid).s);
    return err;
}

slk_err_t slk_mpool_clear(slk_mpool_t *pool, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->set_cnt; i++)
        for (size_t k = 0; k < pool->sets[i].cnt; k++)
            SLK_TRY(slk_pool_drop(pool, &pool->sets[i].items[k]->cid, diag));
    slk_pool_empty(pool);
out:
    pthread_mutex_unlock(&pool->lock);
    return err;
}
