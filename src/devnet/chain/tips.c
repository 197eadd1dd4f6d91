/* Tipsets in memory: made once, shared, kept as long as they are in use or were lately. */

#include "devnet/chain/chain_impl.h"

#include "codec/ipld/object.h"
#include "crypto/election/win_count.h"

#include <stdlib.h>
#include <string.h>

static slk_tip_box_t *box_of(const slk_tip_t *tip)
{
    return (slk_tip_box_t *)tip; /* tip is its first member */
}

slk_tip_t *slk_tip_ref(slk_tip_t *tip)
{
    atomic_fetch_add_explicit(&box_of(tip)->refs, 1, memory_order_relaxed);
    return tip;
}

void slk_tip_unref(slk_tip_t *tip)
{
    if (!tip || atomic_fetch_sub_explicit(&box_of(tip)->refs, 1, memory_order_acq_rel) != 1)
        return;
    slk_arena_free(&box_of(tip)->arena);
    free(box_of(tip));
}

bool slk_block_is_builtin(const slk_block_header_t *block)
{
    uint64_t id;
    return !block->election_proof && slk_address_to_id(&block->miner, &id) && id == SLK_PRODUCER_ID;
}

/* --- Making ----------------------------------------------------------------------------------- */

static slk_err_t copy_block(slk_tip_box_t *box, size_t i, const slk_block_header_t *block,
                            slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    SLK_TRY(slk_record_encode(&buf, &slk_block_header_type, block, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    box->tip.tipset.cids.items[i] = slk_cid_of_cbor(buf.bytes, buf.len);
    SLK_TRY(slk_record_decode(&box->tip.tipset.blocks.items[i], &slk_block_header_type, buf.bytes,
                              buf.len, &box->arena, diag));
out:
    slk_buf_free(&buf);
    return err;
}

slk_err_t slk_tip_make(slk_tip_t **out, const slk_block_header_t *blocks, size_t cnt,
                       slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *out = NULL;
    slk_tip_box_t *box = calloc(1, sizeof *box);
    if (!box)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset");
    atomic_init(&box->refs, 1);
    slk_arena_init(&box->arena, SLK_TIP_LIMIT);
    slk_tip_t *tip = &box->tip;
    tip->tipset.cids.items = slk_arena_array(&box->arena, cnt, sizeof(slk_cid_t));
    tip->tipset.blocks.items = slk_arena_array(&box->arena, cnt, sizeof(slk_block_header_t));
    if (!tip->tipset.cids.items || !tip->tipset.blocks.items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset of %zu blocks", cnt);
        goto out;
    }
    for (size_t i = 0; i < cnt; i++)
        SLK_TRY(copy_block(box, i, &blocks[i], diag));
    tip->tipset.cids.count = tip->tipset.blocks.count = cnt;
    tip->height = tip->tipset.height = tip->tipset.blocks.items[0].height;
    tip->key.cids = tip->tipset.cids;
    tip->parents.cids = tip->tipset.blocks.items[0].parents;
    SLK_TRY(slk_tipset_check(&tip->tipset, diag));
    *out = tip;
    return SLK_OK;
out:
    slk_tip_unref(&box->tip);
    return err;
}

void slk_tip_key_bytes(slk_buf_t *out, const slk_tip_t *tip)
{
    slk_tipset_cids_bytes(out, &tip->key);
}

/* --- The cache -------------------------------------------------------------------------------- */

static size_t slot_of(const slk_tipset_cids_t *key)
{
    const slk_cid_t *cid = &key->cids.items[0];
    uint64_t hash = 0;
    const size_t take = cid->len < sizeof hash ? cid->len : sizeof hash;
    memcpy(&hash, cid->b + cid->len - take, take);
    return hash & (SLK_TIP_SLOTS - 1);
}

static void unlink_use(slk_chain_t *c, slk_tip_box_t *box)
{
    *(box->older ? &box->older->newer : &c->oldest) = box->newer;
    *(box->newer ? &box->newer->older : &c->newest) = box->older;
}

static void link_newest(slk_chain_t *c, slk_tip_box_t *box)
{
    box->newer = NULL;
    box->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = box;
    c->newest = box;
}

static void forget(slk_chain_t *c, slk_tip_box_t *box)
{
    slk_tip_box_t **at = &c->slots[slot_of(&box->tip.key)];
    while (*at != box)
        at = &(*at)->chain;
    *at = box->chain;
    unlink_use(c, box);
    c->tip_cnt--;
    slk_tip_unref(&box->tip);
}

/* With the lock held; a new reference or NULL. */
static slk_tip_t *cached(slk_chain_t *c, const slk_tipset_cids_t *key)
{
    slk_tip_box_t *box = c->slots[slot_of(key)];
    while (box && !slk_tipset_cids_eq(&box->tip.key, key))
        box = box->chain;
    if (!box)
        return NULL;
    unlink_use(c, box);
    link_newest(c, box);
    return slk_tip_ref(&box->tip);
}

slk_tip_t *slk_tips_add(slk_chain_t *c, slk_tip_t *tip)
{
    slk_tip_box_t *box = box_of(tip);
    pthread_mutex_lock(&c->lock);
    slk_tip_t *there = cached(c, &tip->key);
    if (!there) {
        slk_tip_box_t **at = &c->slots[slot_of(&tip->key)];
        box->chain = *at;
        *at = box;
        link_newest(c, box);
        slk_tip_ref(tip);
        c->tip_cnt++;
        while (c->tip_cnt > SLK_TIPS_MAX)
            forget(c, c->oldest);
    }
    pthread_mutex_unlock(&c->lock);
    if (!there)
        return tip;
    slk_tip_unref(tip);
    return there;
}

void slk_tips_free(slk_chain_t *c)
{
    while (c->oldest)
        forget(c, c->oldest);
}

/* --- From the database ------------------------------------------------------------------------ */

typedef struct {
    slk_bytes_t key;
    bool found;
    slk_bigint_t weight, base_fee;
    slk_cid_t state, receipts;
} row_t;

static slk_err_t read_row(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    row_t *row = ctx;
    slk_db_rows_t *rows = NULL;
    const void *bytes;
    size_t len;
    SLK_TRY(slk_db_query(&rows, db,
                         "SELECT weight, base_fee, state, receipts FROM tipset WHERE key = ?1",
                         SLK_VALS(slk_val_blob(row->key.b, row->key.len)), diag));
    SLK_TRY(slk_db_rows_next(rows, &row->found, diag));
    if (!row->found)
        goto out;
    bytes = slk_db_rows_blob(rows, 0, &len);
    SLK_TRY(slk_bigint_from_bytes(&row->weight, bytes, len, diag));
    bytes = slk_db_rows_blob(rows, 1, &len);
    SLK_TRY(slk_bigint_from_bytes(&row->base_fee, bytes, len, diag));
    bytes = slk_db_rows_blob(rows, 2, &len);
    SLK_TRY(slk_cid_from_bytes(&row->state, bytes, len, diag));
    bytes = slk_db_rows_blob(rows, 3, &len);
    SLK_TRY(slk_cid_from_bytes(&row->receipts, bytes, len, diag));
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_tip_insert(slk_db_t *db, const slk_tip_t *tip, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t key = {0};
    uint8_t weight[SLK_BIGINT_BYTES_MAX], fee[SLK_BIGINT_BYTES_MAX];
    size_t weight_len, fee_len;
    slk_tip_key_bytes(&key, tip);
    SLK_TRY(slk_buf_check(&key, diag));
    SLK_TRY(slk_bigint_to_bytes(weight, &weight_len, &tip->weight, diag));
    SLK_TRY(slk_bigint_to_bytes(fee, &fee_len, &tip->base_fee, diag));
    SLK_TRY(slk_db_run(db,
                       "INSERT INTO tipset (key, height, weight, base_fee, state, receipts) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO NOTHING",
                       SLK_VALS(slk_val_blob(key.bytes, key.len), slk_val_i64(tip->height),
                                slk_val_blob(weight, weight_len), slk_val_blob(fee, fee_len),
                                slk_val_blob(tip->state.b, tip->state.len),
                                slk_val_blob(tip->receipts.b, tip->receipts.len)),
                       NULL, diag));
out:
    slk_buf_free(&key);
    return err;
}

static slk_err_t load(slk_tip_t **tip, slk_chain_t *c, const slk_tipset_cids_t *key,
                      const row_t *row, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_arena_t arena;
    slk_arena_init(&arena, SLK_TIP_LIMIT);
    slk_block_header_t *blocks = slk_arena_array(&arena, key->cids.count, sizeof *blocks);
    if (!blocks) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a tipset");
        goto out;
    }
    for (size_t i = 0; i < key->cids.count; i++)
        SLK_TRY(slk_object_get(&blocks[i], &slk_block_header_type, &c->store, &key->cids.items[i],
                               &arena, diag));
    SLK_TRY(slk_tip_make(tip, blocks, key->cids.count, diag));
    (*tip)->weight = row->weight;
    (*tip)->base_fee = row->base_fee;
    (*tip)->state = row->state;
    (*tip)->receipts = row->receipts;
    *tip = slk_tips_add(c, *tip);
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_chain_tip(slk_tip_t **tip, slk_chain_t *c, const slk_tipset_cids_t *key,
                        slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t bytes = {0};
    row_t row = {0};
    *tip = NULL;
    if (!key->cids.count)
        return slk_fail(diag, SLK_ERR_INPUT, "NewTipSet called with zero length array of blocks");
    pthread_mutex_lock(&c->lock);
    *tip = cached(c, key);
    pthread_mutex_unlock(&c->lock);
    if (*tip)
        return SLK_OK;
    slk_tipset_cids_bytes(&bytes, key);
    SLK_TRY(slk_buf_check(&bytes, diag));
    row.key = (slk_bytes_t){bytes.bytes, bytes.len};
    SLK_TRY(slk_block_db_read(c->blocks, read_row, &row, diag));
    if (row.found)
        SLK_TRY(load(tip, c, key, &row, diag));
    else
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "get block %s: ipld: could not find %s",
                       slk_cid_text(&key->cids.items[0]).s, slk_cid_text(&key->cids.items[0]).s);
out:
    slk_buf_free(&bytes);
    return err;
}

slk_err_t slk_tip_by_key(slk_tip_t **tip, slk_chain_t *c, slk_bytes_t key, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_tipset_cids_t cids;
    slk_arena_init(&arena, SLK_TIP_LIMIT);
    SLK_TRY(slk_tipset_cids_from_bytes(&cids, key.b, key.len, &arena, diag));
    SLK_TRY(slk_chain_tip(tip, c, &cids, diag));
out:
    slk_arena_free(&arena);
    return err;
}
