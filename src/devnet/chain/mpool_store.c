/* Pushed messages on the disk. */

#include "devnet/chain/mpool_impl.h"

#include <stdlib.h>

#define LOAD_LIMIT ((size_t)1 << 30)

typedef struct {
    const slk_cid_t *cid;
    const slk_message_t *message;
    slk_bytes_t bytes;
} row_t;

static slk_err_t insert(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const row_t *row = ctx;
    const slk_address_t *from = &row->message->from;
    return slk_db_run(db,
                      "INSERT INTO pool (cid, sender, nonce, bytes) VALUES (?1, ?2, ?3, ?4) "
                      "ON CONFLICT (cid) DO NOTHING",
                      SLK_VALS(slk_val_blob(row->cid->b, row->cid->len),
                               slk_val_blob(from->b, from->len),
                               slk_val_i64((int64_t)row->message->nonce),
                               slk_val_blob(row->bytes.b, row->bytes.len)),
                      NULL, diag);
}

slk_err_t slk_pool_keep(slk_mpool_t *pool, const slk_cid_t *cid,
                        const slk_signed_message_t *message, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    SLK_TRY(slk_chain_put_message(pool->chain, message, diag));
    SLK_TRY(slk_record_encode(&buf, &slk_signed_message_type, message, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    row_t row = {cid, &message->message, {buf.bytes, buf.len}};
    SLK_TRY(slk_chain_write(pool->chain, insert, &row, diag));
out:
    slk_buf_free(&buf);
    return err;
}

static slk_err_t delete(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const slk_cid_t *cid = ctx;
    return slk_db_run(db, "DELETE FROM pool WHERE cid = ?1",
                      SLK_VALS(slk_val_blob(cid->b, cid->len)), NULL, diag);
}

slk_err_t slk_pool_drop(slk_mpool_t *pool, const slk_cid_t *cid, slk_diag_t *diag)
{
    slk_cid_t copy = *cid;
    return slk_chain_write(pool->chain, delete, &copy, diag);
}

/* --- Reading ---------------------------------------------------------------------------------- */

typedef struct {
    const slk_cid_t *cid; /* NULL: all */
    slk_pending_list_t list;
    size_t cap;
    slk_arena_t *arena;
} read_t;

static slk_err_t take_row(read_t *read, slk_db_rows_t *rows, slk_diag_t *diag)
{
    size_t len;
    slk_pending_t *to;
    if (read->list.count == read->cap) {
        size_t cap = read->cap ? read->cap * 2 : 16;
        slk_pending_t *items = realloc(read->list.items, cap * sizeof *items);
        if (!items)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for pending messages");
        read->list.items = items;
        read->cap = cap;
    }
    to = &read->list.items[read->list.count++];
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    slk_err_t err = slk_cid_from_bytes(&to->cid, bytes, len, diag);
    if (err != SLK_OK)
        return err;
    bytes = slk_db_rows_blob(rows, 1, &len);
    return slk_record_decode(&to->message, &slk_signed_message_type, bytes, len, read->arena, diag);
}

/* In the order of nonces, for which replaced ones come first. */
static slk_err_t read_rows(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    read_t *read = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    read->list.count = 0;
    if (read->cid)
        SLK_TRY(slk_db_query(&rows, db, "SELECT cid, bytes FROM pool WHERE cid = ?1",
                             SLK_VALS(slk_val_blob(read->cid->b, read->cid->len)), diag));
    else
        SLK_TRY(slk_db_query(&rows, db, "SELECT cid, bytes FROM pool ORDER BY sender, nonce",
                             SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        SLK_TRY(take_row(read, rows, diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_pool_kept(slk_signed_message_t *message, bool *found, slk_mpool_t *pool,
                        const slk_cid_t *cid, slk_arena_t *arena, slk_diag_t *diag)
{
    read_t read = {.cid = cid, .arena = arena};
    slk_err_t err = slk_chain_read(pool->chain, read_rows, &read, diag);
    *found = err == SLK_OK && read.list.count > 0;
    if (*found)
        *message = read.list.items[0].message;
    free(read.list.items);
    return err;
}

/* Of two with one nonce the one that pays more was the later. */
static slk_err_t take_back(slk_mpool_t *pool, const slk_pending_t *p, slk_diag_t *diag)
{
    slk_actor_state_t sender;
    bool found;
    const slk_message_t *m = &p->message.message;
    slk_err_t err =
        slk_chain_actor(&sender, NULL, &found, pool->chain, &pool->head->state, &m->from, diag);
    if (err != SLK_OK || (found && m->nonce < sender.nonce))
        return err;
    const slk_entry_t *there = slk_pool_at(slk_pool_find(pool, &m->from), m->nonce);
    if (there && slk_bigint_cmp(&there->message.message.gas_premium, &m->gas_premium) >= 0)
        return SLK_OK;
    return slk_pool_put(pool, &p->cid, &p->message, diag);
}

slk_err_t slk_pool_load(slk_mpool_t *pool, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_arena_init(&arena, LOAD_LIMIT);
    read_t read = {.arena = &arena};
    SLK_TRY(slk_chain_read(pool->chain, read_rows, &read, diag));
    for (size_t i = 0; i < read.list.count; i++)
        SLK_TRY(take_back(pool, &read.list.items[i], diag));
out:
    free(read.list.items);
    slk_arena_free(&arena);
    return err;
}

/* --- Cleaning up ------------------------------------------------------------------------------ */

typedef struct {
    slk_address_t *items;
    uint64_t *nonces;
    size_t cnt, cap;
} senders_t;

static slk_err_t read_senders(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    senders_t *s = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    size_t len;
    s->cnt = 0;
    SLK_TRY(slk_db_query(&rows, db, "SELECT DISTINCT sender FROM pool", SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        if (s->cnt == s->cap) {
            s->cap = s->cap ? 2 * s->cap : 16;
            slk_address_t *items = realloc(s->items, s->cap * sizeof *items);
            if (!items) {
                err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for senders");
                goto out;
            }
            s->items = items;
        }
        const void *bytes = slk_db_rows_blob(rows, 0, &len);
        SLK_TRY(slk_address_from_bytes(&s->items[s->cnt++], bytes, len, diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t delete_final(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const senders_t *s = ctx;
    for (size_t i = 0; i < s->cnt; i++)
        SLK_TRY(slk_db_run(db, "DELETE FROM pool WHERE sender = ?1 AND nonce < ?2",
                           SLK_VALS(slk_val_blob(s->items[i].b, s->items[i].len),
                                    slk_val_i64((int64_t)s->nonces[i])),
                           NULL, diag));
out:
    return err;
}

slk_err_t slk_pool_prune(slk_mpool_t *pool, const slk_tip_t *head, slk_diag_t *diag)
{
    slk_err_t err;
    senders_t s = {0};
    slk_tip_t *final = NULL;
    bool found;
    if (head->height <= SLK_CHAIN_FINALITY)
        return SLK_OK;
    SLK_TRY(
        slk_chain_at(&final, pool->chain, head, head->height - SLK_CHAIN_FINALITY, false, diag));
    SLK_TRY(slk_chain_read(pool->chain, read_senders, &s, diag));
    s.nonces = calloc(s.cnt ? s.cnt : 1, sizeof *s.nonces);
    if (!s.nonces) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for senders");
        goto out;
    }
    for (size_t i = 0; i < s.cnt; i++) {
        slk_actor_state_t actor;
        SLK_TRY(
            slk_chain_actor(&actor, NULL, &found, pool->chain, &final->state, &s.items[i], diag));
        s.nonces[i] = found ? actor.nonce : 0;
    }
    if (s.cnt)
        SLK_TRY(slk_chain_write(pool->chain, delete_final, &s, diag));
out:
    free(s.items);
    free(s.nonces);
    slk_tip_unref(final);
    return err;
}

/* --- MsgUuid ---------------------------------------------------------------------------------- */

typedef struct {
    const char *uuid;
    const slk_signed_message_t *put;
    slk_signed_message_t *get;
    slk_buf_t bytes;
    bool found;
    slk_arena_t *arena;
} pushed_t;

static slk_err_t read_pushed(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    pushed_t *p = ctx;
    slk_db_rows_t *rows = NULL;
    size_t len;
    SLK_TRY(slk_db_query(&rows, db, "SELECT bytes FROM pushed WHERE uuid = ?1",
                         SLK_VALS(slk_val_text(p->uuid)), diag));
    SLK_TRY(slk_db_rows_next(rows, &p->found, diag));
    if (!p->found)
        goto out;
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    SLK_TRY(slk_record_decode(p->get, &slk_signed_message_type, bytes, len, p->arena, diag));
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t write_pushed(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const pushed_t *p = ctx;
    return slk_db_run(db,
                      "INSERT INTO pushed (uuid, bytes) VALUES (?1, ?2) "
                      "ON CONFLICT (uuid) DO UPDATE SET bytes = ?2",
                      SLK_VALS(slk_val_text(p->uuid), slk_val_blob(p->bytes.bytes, p->bytes.len)),
                      NULL, diag);
}

slk_err_t slk_mpool_uuid_get(slk_signed_message_t *message, bool *found, slk_mpool_t *pool,
                             const char *uuid, slk_arena_t *arena, slk_diag_t *diag)
{
    pushed_t p = {.uuid = uuid, .get = message, .arena = arena};
    slk_err_t err = slk_chain_read(pool->chain, read_pushed, &p, diag);
    *found = err == SLK_OK && p.found;
    return err;
}

slk_err_t slk_mpool_uuid_put(slk_mpool_t *pool, const char *uuid,
                             const slk_signed_message_t *message, slk_diag_t *diag)
{
    slk_err_t err;
    pushed_t p = {.uuid = uuid};
    SLK_TRY(slk_record_encode(&p.bytes, &slk_signed_message_type, message, diag));
    SLK_TRY(slk_buf_check(&p.bytes, diag));
    SLK_TRY(slk_chain_write(pool->chain, write_pushed, &p, diag));
out:
    slk_buf_free(&p.bytes);
    return err;
}
