/* How the chain changes: tipsets are executed and kept, the head moves, listeners hear of it. */

#include "devnet/chain/chain_impl.h"

#include "codec/ipld/object.h"
#include "crypto/election/win_count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void slk_chain_lock(slk_chain_t *c)
{
    pthread_mutex_lock(&c->change);
}

void slk_chain_unlock(slk_chain_t *c)
{
    pthread_mutex_unlock(&c->change);
}

/* --- Putting in ------------------------------------------------------------------------------- */

static void free_fresh(slk_fresh_t *fresh)
{
    if (!fresh)
        return;
    slk_tip_unref(fresh->tip);
    free(fresh->mined);
    free(fresh);
}

void slk_fresh_free(slk_chain_t *c)
{
    while (c->fresh) {
        slk_fresh_t *next = c->fresh->next;
        free_fresh(c->fresh);
        c->fresh = next;
    }
}

typedef struct {
    slk_block_header_t header;
    slk_cid_t cid;
} ordered_t;

static int by_ticket(const void *a, const void *b)
{
    const ordered_t *x = a, *y = b;
    const slk_bytes_t p = x->header.ticket->vrf_proof, q = y->header.ticket->vrf_proof;
    int order = slk_ticket_cmp(p.b, p.len, q.b, q.len);
    return order ? order : slk_cid_cmp(&x->cid, &y->cid);
}

/* Store the headers, and copy them in the order that a tipset has. */
static slk_err_t store_in_order(slk_block_header_t *sorted, slk_chain_t *c,
                                const slk_block_header_t *blocks, size_t cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    ordered_t *rows = calloc(cnt, sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset");
    for (size_t i = 0; i < cnt; i++) {
        rows[i].header = blocks[i];
        if (!blocks[i].ticket) {
            err = slk_fail(diag, SLK_ERR_INPUT, "block cannot have nil ticket");
            goto out;
        }
        SLK_TRY(slk_object_put(&rows[i].cid, &slk_block_header_type, &blocks[i], &c->store, diag));
    }
    qsort(rows, cnt, sizeof *rows, by_ticket);
    for (size_t i = 0; i < cnt; i++)
        sorted[i] = rows[i].header;
out:
    free(rows);
    return err;
}

static slk_err_t make_tip(slk_tip_t **tip, slk_chain_t *c, const slk_block_header_t *blocks,
                          size_t cnt, slk_diag_t *diag)
{
    slk_block_header_t *sorted = calloc(cnt, sizeof *sorted);
    if (!sorted)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset");
    slk_err_t err = store_in_order(sorted, c, blocks, cnt, diag);
    if (err == SLK_OK)
        err = slk_tip_make(tip, sorted, cnt, diag);
    free(sorted);
    return err == SLK_ERR_FORMAT ? SLK_ERR_INPUT : err;
}

/* What is there already; *tip NULL: nothing. */
static slk_err_t known(slk_tip_t **tip, slk_chain_t *c, const slk_tipset_cids_t *key,
                       slk_diag_t *diag)
{
    for (slk_fresh_t *fresh = c->fresh; fresh; fresh = fresh->next)
        if (slk_tipset_cids_eq(&fresh->tip->key, key)) {
            *tip = slk_tip_ref(fresh->tip);
            return SLK_OK;
        }
    slk_err_t err = slk_chain_tip(tip, c, key, diag);
    return err == SLK_ERR_NOTFOUND ? SLK_OK : err;
}

static slk_err_t execute_fresh(slk_tip_t **out, slk_chain_t *c, slk_tip_t *tip, slk_diag_t *diag)
{
    slk_fresh_t *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        slk_tip_unref(tip);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset");
    }
    fresh->tip = tip;
    slk_err_t err = slk_tip_execute(c, tip, &fresh->mined, &fresh->mined_cnt, diag);
    if (err != SLK_OK) {
        free_fresh(fresh);
        return err;
    }
    fresh->tip = slk_tips_add(c, tip);
    fresh->next = c->fresh;
    c->fresh = fresh;
    *out = slk_tip_ref(fresh->tip);
    return SLK_OK;
}

slk_err_t slk_chain_put(slk_tip_t **out, slk_chain_t *c, const slk_block_header_t *blocks,
                        size_t cnt, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *tip = NULL;
    *out = NULL;
    SLK_ASSERT(cnt > 0);
    slk_chain_lock(c);
    SLK_TRY(make_tip(&tip, c, blocks, cnt, diag));
    SLK_TRY(known(out, c, &tip->key, diag));
    if (!*out) {
        err = execute_fresh(out, c, tip, diag);
        tip = NULL;
    }
out:
    slk_tip_unref(tip);
    slk_chain_unlock(c);
    return err;
}

/* --- The head's move on the disk -------------------------------------------------------------- */

typedef struct {
    slk_chain_t *chain;
    const slk_step_t *steps;
    size_t cnt;
} move_t;

static slk_err_t write_mined(slk_db_t *db, const slk_fresh_t *fresh, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t key = {0};
    slk_tip_key_bytes(&key, fresh->tip);
    SLK_TRY(slk_buf_check(&key, diag));
    for (size_t i = 0; i < fresh->mined_cnt; i++) {
        const slk_mined_t *m = &fresh->mined[i];
        SLK_TRY(slk_db_run(
            db,
            "INSERT INTO mined (cid, key, height, sender, nonce) "
            "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (cid, key) DO NOTHING",
            SLK_VALS(slk_val_blob(m->cid.b, m->cid.len), slk_val_blob(key.bytes, key.len),
                     slk_val_i64(fresh->tip->height), slk_val_blob(m->sender.b, m->sender.len),
                     slk_val_i64((int64_t)m->nonce)),
            NULL, diag));
    }
out:
    slk_buf_free(&key);
    return err;
}

static slk_err_t write_step(slk_db_t *db, const slk_step_t *step, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t key = {0};
    if (step->revert)
        return slk_db_run(db, "DELETE FROM canonical WHERE height = ?1",
                          SLK_VALS(slk_val_i64(step->tip->height)), NULL, diag);
    slk_tip_key_bytes(&key, step->tip);
    SLK_TRY(slk_buf_check(&key, diag));
    SLK_TRY(slk_db_run(db, "INSERT INTO canonical (height, key) VALUES (?1, ?2)",
                       SLK_VALS(slk_val_i64(step->tip->height), slk_val_blob(key.bytes, key.len)),
                       NULL, diag));
out:
    slk_buf_free(&key);
    return err;
}

static slk_err_t write_move(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const move_t *move = ctx;
    for (const slk_fresh_t *fresh = move->chain->fresh; fresh; fresh = fresh->next) {
        SLK_TRY(slk_tip_insert(db, fresh->tip, diag));
        SLK_TRY(write_mined(db, fresh, diag));
    }
    for (size_t i = 0; i < move->cnt; i++)
        SLK_TRY(write_step(db, &move->steps[i], diag));
out:
    return err;
}

slk_err_t slk_fresh_write(slk_chain_t *c, slk_diag_t *diag)
{
    move_t move = {.chain = c};
    slk_chain_lock(c);
    slk_err_t err = slk_block_db_commit(c->blocks, write_move, &move, diag);
    if (err == SLK_OK)
        slk_fresh_free(c);
    slk_chain_unlock(c);
    return err;
}

/* --- The head --------------------------------------------------------------------------------- */

static void count_rewriting(slk_chain_t *c)
{
    pthread_mutex_lock(&c->lock);
    c->rewriting++;
    pthread_mutex_unlock(&c->lock);
}

static slk_err_t way_to(slk_step_t **steps, size_t *cnt, slk_chain_t *c, slk_tip_t *tip,
                        slk_diag_t *diag)
{
    if (c->head)
        return slk_chain_path(steps, cnt, c, c->head, tip, diag);
    *steps = malloc(sizeof **steps);
    if (!*steps)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the first tipset");
    **steps = (slk_step_t){false, slk_tip_ref(tip)};
    *cnt = 1;
    return SLK_OK;
}

static slk_err_t check_way(const slk_chain_t *c, const slk_step_t *steps, size_t cnt,
                           slk_diag_t *diag)
{
    for (size_t i = 0; c->checkpoint && i < cnt && steps[i].revert; i++)
        if (slk_tipset_cids_eq(&steps[i].tip->key, &c->checkpoint->key))
            return slk_fail(diag, SLK_ERR_STATE,
                            "the checkpoint at height %" PRId64
                            " would be reverted; ChainSetHead removes it",
                            c->checkpoint->height);
    return SLK_OK;
}

slk_err_t slk_chain_set_head(slk_chain_t *c, slk_tip_t *tip, slk_diag_t *diag)
{
    slk_err_t err;
    slk_step_t *steps = NULL;
    size_t cnt = 0;
    slk_chain_lock(c);
    SLK_TRY(way_to(&steps, &cnt, c, tip, diag));
    if (!cnt)
        goto out;
    SLK_TRY(check_way(c, steps, cnt, diag));
    move_t move = {c, steps, cnt};
    const bool rewriting = steps[0].revert;
    if (rewriting)
        count_rewriting(c);
    err = slk_block_db_commit(c->blocks, write_move, &move, diag);
    if (err == SLK_OK) {
        slk_fresh_free(c);
        slk_walk_publish(c, tip, steps, cnt);
    }
    if (rewriting)
        count_rewriting(c);
    for (slk_subscriber_t *s = c->subscribers; err == SLK_OK && s; s = s->next)
        s->fn(s->ctx, steps, cnt);
out:
    slk_chain_unlock(c);
    slk_steps_free(steps, cnt);
    return err;
}

slk_tip_t *slk_chain_head(slk_chain_t *c)
{
    pthread_mutex_lock(&c->lock);
    slk_tip_t *head = slk_tip_ref(c->head);
    pthread_mutex_unlock(&c->lock);
    return head;
}

slk_tip_t *slk_chain_genesis(slk_chain_t *c)
{
    return slk_tip_ref(c->genesis);
}

/* --- Listeners -------------------------------------------------------------------------------- */

uint64_t slk_chain_subscribe(slk_chain_t *c, slk_head_fn_t *fn, void *ctx, slk_tip_t **head)
{
    slk_subscriber_t *s = calloc(1, sizeof *s);
    if (!s)
        return 0;
    slk_chain_lock(c);
    *s = (slk_subscriber_t){NULL, ++c->last_subscriber, fn, ctx};
    slk_subscriber_t **at = &c->subscribers;
    while (*at)
        at = &(*at)->next;
    *at = s;
    if (head)
        *head = slk_chain_head(c);
    const uint64_t id = s->id;
    slk_chain_unlock(c);
    return id;
}

void slk_chain_unsubscribe(slk_chain_t *c, uint64_t id)
{
    slk_chain_lock(c);
    slk_subscriber_t **at = &c->subscribers;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    slk_subscriber_t *gone = *at;
    if (gone)
        *at = gone->next;
    slk_chain_unlock(c);
    free(gone);
}
