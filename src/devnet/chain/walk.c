/* Finding tipsets: by height, ancestors, ways from one to another. Heights near the head are
 * answered from memory, older ones from the database, those of other branches by walking. */

#include "devnet/chain/chain_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* --- The ring --------------------------------------------------------------------------------- */

/* What the chain has at a height from ring_from on; NULL: a null round. */
static slk_tip_t *ring_at(const slk_chain_t *c, int64_t height)
{
    slk_tip_t *tip = c->ring[height % SLK_RING];
    return tip && tip->height == height ? tip : NULL;
}

static void ring_put(slk_chain_t *c, slk_tip_t *tip)
{
    slk_tip_t **at = &c->ring[tip->height % SLK_RING];
    slk_tip_ref(tip);
    slk_tip_unref(*at);
    *at = tip;
}

static void ring_drop(slk_chain_t *c, const slk_tip_t *tip)
{
    slk_tip_t **at = &c->ring[tip->height % SLK_RING];
    if (*at && (*at)->height == tip->height) {
        slk_tip_unref(*at);
        *at = NULL;
    }
}

void slk_walk_publish(slk_chain_t *c, slk_tip_t *head, const slk_step_t *steps, size_t cnt)
{
    slk_tip_ref(head);
    pthread_mutex_lock(&c->lock);
    slk_tip_t *old = c->head;
    int64_t lowest = head->height; /* that is put in here */
    c->head = head;
    for (size_t i = 0; i < cnt; i++) {
        if (steps[i].revert) {
            ring_drop(c, steps[i].tip);
            continue;
        }
        ring_put(c, steps[i].tip);
        if (steps[i].tip->height < lowest)
            lowest = steps[i].tip->height;
    }
    ring_put(c, head);
    if (!old || lowest < c->ring_from)
        c->ring_from = lowest;
    if (c->ring_from < head->height - SLK_RING + 1)
        c->ring_from = head->height - SLK_RING + 1;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    slk_tip_unref(old);
}

/* --- The chain of the head -------------------------------------------------------------------- */

typedef struct {
    const slk_tip_t *tip;
    int64_t epoch;
    bool after, on;
    slk_buf_t key; /* the answer */
} query_t;

/* Whether the tipset is on the chain, and if so what there is at the epoch. */
static slk_err_t ask(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    query_t *q = ctx;
    slk_buf_t key = {0};
    slk_db_rows_t *rows = NULL;
    bool more;
    int64_t one;
    size_t len;
    slk_tip_key_bytes(&key, q->tip);
    SLK_TRY(slk_buf_check(&key, diag));
    SLK_TRY(slk_db_get_i64(db, "SELECT 1 FROM canonical WHERE height = ?1 AND key = ?2",
                           SLK_VALS(slk_val_i64(q->tip->height), slk_val_blob(key.bytes, key.len)),
                           &q->on, &one, diag));
    if (!q->on)
        goto out;
    SLK_TRY(slk_db_query(
        &rows, db,
        q->after ? "SELECT key FROM canonical WHERE height >= ?1 ORDER BY height LIMIT 1"
                 : "SELECT key FROM canonical WHERE height <= ?1 ORDER BY height DESC LIMIT 1",
        SLK_VALS(slk_val_i64(q->epoch)), diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    SLK_ASSERT(more); /* the genesis is below all, the tipset itself above */
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    slk_buf_put(&q->key, bytes, len);
    SLK_TRY(slk_buf_check(&q->key, diag));
out:
    slk_db_rows_close(rows);
    slk_buf_free(&key);
    return err;
}

typedef enum { OFF_CHAIN, FOUND, ASK_DATABASE } ring_answer_t;

/* With the lock held. */
static ring_answer_t ask_ring(slk_tip_t **found, const slk_chain_t *c, const slk_tip_t *tip,
                              int64_t epoch, bool after)
{
    if (tip->height > c->head->height)
        return OFF_CHAIN;
    if (tip->height < c->ring_from)
        return ASK_DATABASE;
    const slk_tip_t *here = ring_at(c, tip->height);
    if (!here || !slk_tipset_cids_eq(&here->key, &tip->key))
        return OFF_CHAIN;
    if (epoch < c->ring_from)
        return ASK_DATABASE;
    for (int64_t h = epoch; h >= c->ring_from && h <= tip->height; h += after ? 1 : -1) {
        slk_tip_t *there = ring_at(c, h);
        if (there) {
            *found = slk_tip_ref(there);
            return FOUND;
        }
    }
    return ASK_DATABASE;
}

/* Rows of the database that a change of the head may be rewriting count only when it was not. */
static bool unchanged(slk_chain_t *c, unsigned before)
{
    pthread_mutex_lock(&c->lock);
    bool same = !(before & 1) && c->rewriting == before;
    pthread_mutex_unlock(&c->lock);
    if (!same)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return same;
}

/* *found NULL: the tipset is not on the head's chain. */
static slk_err_t on_chain_at(slk_tip_t **found, slk_chain_t *c, const slk_tip_t *tip, int64_t epoch,
                             bool after, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    query_t q = {.tip = tip, .epoch = epoch, .after = after};
    unsigned serial;
    *found = NULL;
    do {
        pthread_mutex_lock(&c->lock);
        serial = c->rewriting;
        ring_answer_t answer = ask_ring(found, c, tip, epoch, after);
        pthread_mutex_unlock(&c->lock);
        if (answer != ASK_DATABASE)
            goto out;
        slk_buf_clear(&q.key);
        SLK_TRY(slk_block_db_read(c->blocks, ask, &q, diag));
    } while (!unchanged(c, serial));
    if (q.on)
        SLK_TRY(slk_tip_by_key(found, c, (slk_bytes_t){q.key.bytes, q.key.len}, diag));
out:
    slk_buf_free(&q.key);
    return err;
}

/* --- Any chain -------------------------------------------------------------------------------- */

slk_err_t slk_chain_parent(slk_tip_t **tip, slk_chain_t *c, const slk_tip_t *of, slk_diag_t *diag)
{
    *tip = NULL;
    if (!of->height)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "the genesis tipset has no parent");
    return slk_chain_tip(tip, c, &of->parents, diag);
}

slk_err_t slk_chain_at(slk_tip_t **out, slk_chain_t *c, const slk_tip_t *anchor, int64_t epoch,
                       bool after, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_tip_t *tip, *child = NULL, *found = NULL;
    *out = NULL;
    if (epoch < 0)
        return slk_fail(diag, SLK_ERR_INPUT, "height %" PRId64 " is negative", epoch);
    if (epoch > anchor->height)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "looking for tipset with height greater than start point, req: %" PRId64
                        ", head: %" PRId64,
                        epoch, anchor->height);
    tip = slk_tip_ref((slk_tip_t *)anchor);
    while (tip->height > epoch) {
        SLK_TRY(on_chain_at(&found, c, tip, epoch, after, diag));
        if (found)
            break;
        slk_tip_unref(child);
        child = tip;
        tip = NULL;
        SLK_TRY(slk_chain_parent(&tip, c, child, diag));
    }
    slk_tip_t *answer = found ? found : after && tip->height < epoch ? child : tip;
    *out = slk_tip_ref(answer);
out:
    slk_tip_unref(tip);
    slk_tip_unref(child);
    slk_tip_unref(found);
    return err;
}

slk_err_t slk_chain_is_ancestor(bool *is, slk_chain_t *c, const slk_tip_t *tip,
                                const slk_tip_t *anchor, slk_diag_t *diag)
{
    slk_tip_t *there = NULL;
    *is = false;
    if (tip->height > anchor->height)
        return SLK_OK;
    slk_err_t err = slk_chain_at(&there, c, anchor, tip->height, false, diag);
    *is = err == SLK_OK && slk_tipset_cids_eq(&there->key, &tip->key);
    slk_tip_unref(there);
    return err;
}

/* --- Ways ------------------------------------------------------------------------------------- */

typedef struct {
    slk_tip_t **items;
    size_t cnt, cap;
} tips_t;

/* Takes the reference. */
static slk_err_t append(tips_t *tips, slk_tip_t *tip, slk_diag_t *diag)
{
    if (tips->cnt == tips->cap) {
        size_t cap = tips->cap ? tips->cap * 2 : 16;
        slk_tip_t **items = realloc(tips->items, cap * sizeof *items);
        if (!items) {
            slk_tip_unref(tip);
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a way of %zu tipsets", cap);
        }
        tips->items = items;
        tips->cap = cap;
    }
    tips->items[tips->cnt++] = tip;
    return SLK_OK;
}

/* Put the tipset on the list and go on to its parent. */
static slk_err_t step_back(tips_t *tips, slk_tip_t **tip, slk_chain_t *c, slk_diag_t *diag)
{
    slk_tip_t *parent = NULL;
    slk_err_t err = slk_chain_parent(&parent, c, *tip, diag);
    slk_tip_t *gone = *tip;
    *tip = parent;
    if (err != SLK_OK) {
        slk_tip_unref(gone);
        return err;
    }
    return append(tips, gone, diag);
}

static slk_err_t join(slk_step_t **steps, size_t *cnt, tips_t *reverts, tips_t *applies,
                      slk_diag_t *diag)
{
    *cnt = reverts->cnt + applies->cnt;
    *steps = calloc(*cnt ? *cnt : 1, sizeof **steps);
    if (!*steps)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a way of %zu tipsets", *cnt);
    for (size_t i = 0; i < reverts->cnt; i++)
        (*steps)[i] = (slk_step_t){true, reverts->items[i]};
    for (size_t i = 0; i < applies->cnt; i++)
        (*steps)[reverts->cnt + i] = (slk_step_t){false, applies->items[applies->cnt - 1 - i]};
    reverts->cnt = applies->cnt = 0;
    return SLK_OK;
}

static void free_tips(tips_t *tips)
{
    for (size_t i = 0; i < tips->cnt; i++)
        slk_tip_unref(tips->items[i]);
    free(tips->items);
}

slk_err_t slk_chain_path(slk_step_t **steps, size_t *cnt, slk_chain_t *c, const slk_tip_t *from,
                         const slk_tip_t *to, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    tips_t reverts = {0}, applies = {0};
    slk_tip_t *a = slk_tip_ref((slk_tip_t *)from), *b = slk_tip_ref((slk_tip_t *)to);
    *steps = NULL;
    *cnt = 0;
    while (!slk_tipset_cids_eq(&a->key, &b->key)) {
        bool a_higher = a->height >= b->height, b_higher = b->height >= a->height;
        if (a_higher)
            SLK_TRY(step_back(&reverts, &a, c, diag));
        if (b_higher)
            SLK_TRY(step_back(&applies, &b, c, diag));
    }
    SLK_TRY(join(steps, cnt, &reverts, &applies, diag));
out:
    slk_tip_unref(a);
    slk_tip_unref(b);
    free_tips(&reverts);
    free_tips(&applies);
    return err;
}

void slk_steps_free(slk_step_t *steps, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        slk_tip_unref(steps[i].tip);
    free(steps);
}
