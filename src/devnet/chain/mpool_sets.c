/* Pending messages in memory. */

#include "devnet/chain/mpool_impl.h"

#include <stdlib.h>
#include <string.h>

/* The place of a sender, or where it would be. */
static size_t place_of(const slk_mpool_t *pool, const slk_address_t *sender)
{
    size_t low = 0, high = pool->set_cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (slk_address_cmp(&pool->sets[mid].sender, sender) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

slk_pool_set_t *slk_pool_find(slk_mpool_t *pool, const slk_address_t *sender)
{
    size_t at = place_of(pool, sender);
    bool there = at < pool->set_cnt && slk_address_eq(&pool->sets[at].sender, sender);
    return there ? &pool->sets[at] : NULL;
}

static size_t nonce_place(const slk_pool_set_t *set, uint64_t nonce)
{
    size_t low = 0, high = set->cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (set->items[mid]->message.message.nonce < nonce)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

slk_entry_t *slk_pool_at(const slk_pool_set_t *set, uint64_t nonce)
{
    if (!set)
        return NULL;
    size_t at = nonce_place(set, nonce);
    bool there = at < set->cnt && set->items[at]->message.message.nonce == nonce;
    return there ? set->items[at] : NULL;
}

uint64_t slk_pool_next_nonce(const slk_pool_set_t *set, uint64_t nonce)
{
    if (set)
        for (size_t i = nonce_place(set, nonce);
             i < set->cnt && set->items[i]->message.message.nonce == nonce; i++)
            nonce++;
    return nonce;
}

static slk_entry_t *make_entry(const slk_cid_t *cid, const slk_signed_message_t *message)
{
    const slk_bytes_t params = message->message.params, sig = message->signature.data;
    slk_entry_t *entry = malloc(sizeof *entry + params.len + sig.len);
    if (!entry)
        return NULL;
    entry->cid = *cid;
    entry->message = *message;
    if (params.len)
        memcpy(entry->bytes, params.b, params.len);
    if (sig.len)
        memcpy(entry->bytes + params.len, sig.b, sig.len);
    if (params.len)
        entry->message.message.params.b = entry->bytes;
    entry->message.signature.data.b = entry->bytes + params.len;
    return entry;
}

/* Room for one more element; false: no memory. */
static bool grow(void **items, size_t cnt, size_t *cap, size_t size)
{
    if (cnt < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 8;
    void *fresh = realloc(*items, more * size);
    if (!fresh)
        return false;
    *items = fresh;
    *cap = more;
    return true;
}

static slk_pool_set_t *set_of(slk_mpool_t *pool, const slk_address_t *sender)
{
    size_t at = place_of(pool, sender);
    if (at < pool->set_cnt && slk_address_eq(&pool->sets[at].sender, sender))
        return &pool->sets[at];
    void *items = pool->sets;
    if (!grow(&items, pool->set_cnt, &pool->set_cap, sizeof *pool->sets))
        return NULL;
    pool->sets = items;
    memmove(pool->sets + at + 1, pool->sets + at, (pool->set_cnt - at) * sizeof *pool->sets);
    pool->sets[at] = (slk_pool_set_t){.sender = *sender};
    pool->set_cnt++;
    return &pool->sets[at];
}

static void drop_if_empty(slk_mpool_t *pool, slk_pool_set_t *set)
{
    if (set->cnt)
        return;
    free(set->items);
    size_t at = (size_t)(set - pool->sets);
    pool->set_cnt--;
    memmove(set, set + 1, (pool->set_cnt - at) * sizeof *set);
}

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for pending messages");
}

static void tell(const slk_mpool_t *pool, const slk_entry_t *entry, bool removed)
{
    if (pool->listener)
        pool->listener(pool->listener_ctx, &entry->message, removed);
}

slk_err_t slk_pool_put(slk_mpool_t *pool, const slk_cid_t *cid, const slk_signed_message_t *message,
                       slk_diag_t *diag)
{
    slk_entry_t *entry = make_entry(cid, message);
    slk_pool_set_t *set = entry ? set_of(pool, &message->message.from) : NULL;
    if (!set) {
        free(entry);
        return no_memory(diag);
    }
    size_t at = nonce_place(set, message->message.nonce);
    if (at < set->cnt && set->items[at]->message.message.nonce == message->message.nonce) {
        free(set->items[at]);
        set->items[at] = entry;
        tell(pool, entry, false);
        return SLK_OK;
    }
    void *items = set->items;
    if (!grow(&items, set->cnt, &set->cap, sizeof *set->items)) {
        free(entry);
        drop_if_empty(pool, set);
        return no_memory(diag);
    }
    set->items = items;
    memmove(set->items + at + 1, set->items + at, (set->cnt - at) * sizeof *set->items);
    set->items[at] = entry;
    set->cnt++;
    pool->message_cnt++;
    tell(pool, entry, false);
    return SLK_OK;
}

void slk_pool_take(slk_mpool_t *pool, const slk_address_t *sender, uint64_t nonce, bool below)
{
    slk_pool_set_t *set = slk_pool_find(pool, sender);
    if (!set)
        return;
    size_t end = nonce_place(set, nonce), from = below ? 0 : end;
    if (end < set->cnt && set->items[end]->message.message.nonce == nonce)
        end++;
    for (size_t i = from; i < end; i++) {
        tell(pool, set->items[i], true);
        free(set->items[i]);
    }
    memmove(set->items + from, set->items + end, (set->cnt - end) * sizeof *set->items);
    set->cnt -= end - from;
    pool->message_cnt -= end - from;
    drop_if_empty(pool, set);
}

void slk_pool_empty(slk_mpool_t *pool)
{
    for (size_t i = 0; i < pool->set_cnt; i++) {
        for (size_t k = 0; k < pool->sets[i].cnt; k++) {
            tell(pool, pool->sets[i].items[k], true);
            free(pool->sets[i].items[k]);
        }
        free(pool->sets[i].items);
    }
    free(pool->sets);
    pool->sets = NULL;
    pool->set_cnt = pool->set_cap = pool->message_cnt = 0;
}
