/* Where a message is on a chain, and waiting for it (spec chain.md 8.2;
 * lotus:chain/stmgr/searchwait.go). */

#include "devnet/chain/chain_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NS 100000000 /* how often a waiting thread looks at its cancel flag */

void slk_found_free(slk_found_t *found)
{
    slk_tip_unref(found->tip);
    slk_tip_unref(found->included);
    *found = (slk_found_t){0};
}

/* --- The index -------------------------------------------------------------------------------- */

/* Tipsets, on whatever branch, that have a message of this sender with this nonce. */
typedef struct {
    const slk_message_t *message;
    struct {
        slk_cid_t cid;
        slk_bytes_t key;
        int64_t height;
    } *items;
    size_t cnt, cap;
    slk_arena_t *arena;
} hits_t;

static slk_err_t add_hit(hits_t *hits, slk_db_rows_t *rows, slk_diag_t *diag)
{
    size_t len;
    if (hits->cnt == hits->cap) {
        const size_t cap = hits->cap ? hits->cap * 2 : 4;
        void *items = slk_arena_array(hits->arena, cap, sizeof *hits->items);
        if (!items)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory to look for a message");
        for (size_t i = 0; i < hits->cnt; i++)
            ((__typeof__(hits->items))items)[i] = hits->items[i];
        hits->items = items;
        hits->cap = cap;
    }
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    slk_err_t err = slk_cid_from_bytes(&hits->items[hits->cnt].cid, bytes, len, diag);
    if (err != SLK_OK)
        return err;
    bytes = slk_db_rows_blob(rows, 1, &len);
    hits->items[hits->cnt].key = (slk_bytes_t){slk_arena_copy(hits->arena, bytes, len), len};
    hits->items[hits->cnt].height = slk_db_rows_i64(rows, 2);
    if (!hits->items[hits->cnt++].key.b)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to look for a message");
    return SLK_OK;
}

static slk_err_t read_hits(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    hits_t *hits = ctx;
    slk_db_rows_t *rows = NULL;
    const slk_address_t *from = &hits->message->from;
    bool more;
    hits->cnt = 0;
    SLK_TRY(slk_db_query(
        &rows, db,
        "SELECT cid, key, height FROM mined WHERE sender = ?1 AND nonce = ?2 ORDER BY height DESC",
        SLK_VALS(slk_val_blob(from->b, from->len), slk_val_i64((int64_t)hits->message->nonce)),
        diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        SLK_TRY(add_hit(hits, rows, diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

/* --- Searching -------------------------------------------------------------------------------- */

/* Lotus' EqualCall: gas fields do not matter. */
static bool same_call(const slk_message_t *a, const slk_message_t *b)
{
    return a->version == b->version && slk_address_eq(&a->to, &b->to) &&
           slk_address_eq(&a->from, &b->from) && a->nonce == b->nonce &&
           slk_bigint_cmp(&a->value, &b->value) == 0 && a->method == b->method &&
           a->params.len == b->params.len &&
           (!a->params.len || memcmp(a->params.b, b->params.b, a->params.len) == 0);
}

typedef struct {
    slk_chain_t *chain;
    const slk_tip_t *from;
    slk_chain_message_t wanted;
    bool allow_replaced, wait;
    slk_arena_t *arena;
    slk_diag_t *diag;
} search_t;

/* The including tipset of a hit when it is below `from` on its chain; NULL: it is not. */
static slk_err_t locate(slk_tip_t **tip, const search_t *s, slk_bytes_t key, int64_t height)
{
    slk_err_t err;
    slk_tip_t *there = NULL;
    bool is;
    *tip = NULL;
    if (height >= s->from->height)
        return SLK_OK;
    SLK_TRY(slk_tip_by_key(&there, s->chain, key, s->diag));
    SLK_TRY(slk_chain_is_ancestor(&is, s->chain, there, s->from, s->diag));
    if (is)
        *tip = slk_tip_ref(there);
out:
    slk_tip_unref(there);
    return err;
}

static slk_err_t replaced(const search_t *s, const slk_cid_t *by, const char *how)
{
    return slk_fail(
        s->diag, SLK_ERR_MISMATCH,
        "message was replaced: found message with equal nonce as the one we are looking "
        "for%s (F:%s n %" PRIu64 ", TS: %s n%" PRIu64 "): message was replaced",
        how, slk_cid_text(&s->wanted.cid).s, s->wanted.message.nonce, slk_cid_text(by).s,
        s->wanted.message.nonce);
}

/* Whether the message in its place counts. */
static slk_err_t accept(bool *is, const search_t *s, const slk_cid_t *cid)
{
    slk_chain_message_t other;
    *is = slk_cid_eq(cid, &s->wanted.cid);
    if (*is)
        return SLK_OK;
    slk_err_t err = slk_chain_message(&other, s->chain, cid, s->arena, s->diag);
    if (err != SLK_OK)
        return err;
    if (!same_call(&other.message, &s->wanted.message))
        return replaced(s, cid, " that is NOT a valid replacement message");
    *is = s->allow_replaced;
    if (!*is && s->wait)
        return replaced(s, cid, "");
    return SLK_OK;
}

static slk_err_t fill(slk_found_t *found, const search_t *s, slk_tip_t *included,
                      const slk_cid_t *cid)
{
    slk_err_t err;
    slk_chain_message_list_t messages;
    slk_receipt_list_t receipts;
    found->message = *cid;
    found->included = slk_tip_ref(included);
    SLK_TRY(slk_chain_at(&found->tip, s->chain, s->from, included->height + 1, true, s->diag));
    SLK_TRY(slk_chain_messages(&messages, s->chain, included, s->arena, s->diag));
    SLK_TRY(slk_chain_receipts(&receipts, s->chain, &included->receipts, s->arena, s->diag));
    while (found->index < messages.count && !slk_cid_eq(&messages.items[found->index].cid, cid))
        found->index++;
    SLK_ASSERT(found->index < receipts.count); /* the index was made from this list */
    found->receipt = receipts.items[found->index];
out:
    return err;
}

static slk_err_t look(slk_found_t *found, bool *is_found, const search_t *s, int64_t floor)
{
    slk_err_t err;
    slk_tip_t *tip = NULL;
    bool counts = false;
    hits_t hits = {.message = &s->wanted.message, .arena = s->arena};
    SLK_TRY(slk_block_db_read(s->chain->blocks, read_hits, &hits, s->diag));
    for (size_t i = 0; !tip && i < hits.cnt; i++) {
        SLK_TRY(locate(&tip, s, hits.items[i].key, hits.items[i].height));
        if (!tip)
            continue;
        SLK_TRY(accept(&counts, s, &hits.items[i].cid));
        if (counts)
            SLK_TRY(fill(found, s, tip, &hits.items[i].cid));
    }
    *is_found = counts && found->tip->height >= floor;
out:
    slk_tip_unref(tip);
    if (err != SLK_OK || !*is_found)
        slk_found_free(found);
    return err;
}

static slk_err_t load_wanted(search_t *s, const slk_cid_t *cid)
{
    slk_diag_t why;
    slk_err_t err = slk_chain_message(&s->wanted, s->chain, cid, s->arena, &why);
    if (err == SLK_OK)
        return SLK_OK;
    return slk_fail(s->diag, err, "%%!w(*errors.errorString=&{failed to load message}): %s",
                    why.text);
}

slk_err_t slk_chain_search(slk_found_t *found, bool *is_found, slk_chain_t *c,
                           const slk_tip_t *from, const slk_cid_t *cid, int64_t limit,
                           bool allow_replaced, bool wait, slk_arena_t *arena, slk_diag_t *diag)
{
    search_t s = {.chain = c,
                  .from = from,
                  .allow_replaced = allow_replaced,
                  .wait = wait,
                  .arena = arena,
                  .diag = diag};
    *found = (slk_found_t){0};
    *is_found = false;
    slk_err_t err = load_wanted(&s, cid);
    if (err != SLK_OK)
        return err;
    return look(found, is_found, &s, limit < 0 ? 0 : from->height - limit);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static slk_err_t cancelled(slk_chain_t *c, const atomic_bool *cancel, slk_diag_t *diag)
{
    pthread_mutex_lock(&c->lock);
    bool stop = c->stopping;
    pthread_mutex_unlock(&c->lock);
    if (stop || (cancel && atomic_load(cancel)))
        return slk_fail(diag, SLK_ERR_CANCELLED, "context canceled");
    return SLK_OK;
}

/* Until the head is another one than `head`, or somebody wants to leave. */
static slk_err_t next_head(slk_chain_t *c, const slk_tip_t *head, const atomic_bool *cancel,
                           slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    bool same = true;
    while (same && err == SLK_OK) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&c->lock);
        if (c->head == head && !c->stopping)
            pthread_cond_timedwait(&c->moved, &c->lock, &until);
        same = c->head == head;
        pthread_mutex_unlock(&c->lock);
        err = cancelled(c, cancel, diag);
    }
    return err;
}

/* One look from a head; the arena of the search is given back but for what is found. */
static slk_err_t look_from(slk_found_t *found, bool *done, search_t *s, slk_tip_t *head,
                           int64_t floor, uint64_t confidence)
{
    bool is;
    s->from = head;
    *done = false;
    slk_err_t err = look(found, &is, s, floor);
    if (err != SLK_OK || !is)
        return err;
    *done = head->height >= found->tip->height + (int64_t)confidence;
    if (!*done)
        slk_found_free(found);
    return SLK_OK;
}

slk_err_t slk_chain_wait(slk_found_t *found, slk_chain_t *c, const slk_cid_t *cid,
                         uint64_t confidence, int64_t limit, bool allow_replaced,
                         const atomic_bool *cancel, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    bool done = false;
    slk_arena_t scratch;
    slk_tip_t *head = NULL;
    search_t s = {
        .chain = c, .allow_replaced = allow_replaced, .wait = true, .arena = arena, .diag = diag};
    *found = (slk_found_t){0};
    if (confidence > SLK_CHAIN_FINALITY)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "message confidence exceeds maximum: %" PRIu64
                        " > %d: message confidence exceeds maximum",
                        confidence, SLK_CHAIN_FINALITY);
    slk_arena_init(&scratch, arena->limit);
    SLK_TRY(load_wanted(&s, cid));
    head = slk_chain_head(c);
    const int64_t floor = limit < 0 ? 0 : head->height - limit;
    for (;;) {
        s.arena = &scratch;
        SLK_TRY(look_from(found, &done, &s, head, floor, confidence));
        if (done)
            break;
        slk_arena_free(&scratch);
        SLK_TRY(next_head(c, head, cancel, diag));
        slk_tip_unref(head);
        head = slk_chain_head(c);
    }
    if (found->receipt.ret.len) {
        found->receipt.ret.b = slk_arena_copy(arena, found->receipt.ret.b, found->receipt.ret.len);
        if (!found->receipt.ret.b)
            err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a receipt");
    }
out:
    if (err != SLK_OK)
        slk_found_free(found);
    slk_tip_unref(head);
    slk_arena_free(&scratch);
    return err;
}

slk_err_t slk_chain_wait_height(slk_chain_t *c, int64_t height, const atomic_bool *cancel,
                                slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_tip_t *head = slk_chain_head(c);
    while (err == SLK_OK && head->height < height) {
        err = next_head(c, head, cancel, diag);
        slk_tip_unref(head);
        head = slk_chain_head(c);
    }
    slk_tip_unref(head);
    return err;
}

void slk_chain_end_waits(slk_chain_t *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
}
