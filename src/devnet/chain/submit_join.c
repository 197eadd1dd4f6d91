/* A miner's block among the others of its epoch. */

#include "devnet/chain/submit.h"

#include "base/assert.h"
#include "devnet/chain/chain_impl.h"

#include <stdlib.h>

#define BLOCKS_MAX 15 /* of a tipset */

/* Known tipsets of a height. */
typedef struct {
    int64_t height;
    slk_bytes_t *keys;
    size_t cnt, cap;
    slk_arena_t *arena;
} siblings_t;

static slk_err_t read_siblings(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    siblings_t *s = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    size_t len;
    s->cnt = 0;
    SLK_TRY(slk_db_query(&rows, db, "SELECT key FROM tipset WHERE height = ?1",
                         SLK_VALS(slk_val_i64(s->height)), diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        if (s->cnt == s->cap) {
            const size_t cap = s->cap ? s->cap * 2 : 8;
            slk_bytes_t *keys = slk_arena_array(s->arena, cap, sizeof *keys);
            for (size_t i = 0; keys && i < s->cnt; i++)
                keys[i] = s->keys[i];
            s->keys = keys;
            s->cap = cap;
        }
        const void *bytes = slk_db_rows_blob(rows, 0, &len);
        const void *copy = s->keys ? slk_arena_copy(s->arena, bytes, len) : NULL;
        if (!copy) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for tipsets");
            goto out;
        }
        s->keys[s->cnt++] = (slk_bytes_t){copy, len};
    }
out:
    slk_db_rows_close(rows);
    return err;
}

/* Of each miner one block, and the new one's in any case. */
static void add_blocks(slk_block_header_t *blocks, size_t *cnt, const slk_tip_t *tip)
{
    for (size_t i = 0; i < tip->tipset.blocks.count && *cnt < BLOCKS_MAX; i++) {
        const slk_block_header_t *block = &tip->tipset.blocks.items[i];
        bool there = false;
        for (size_t k = 0; k < *cnt; k++)
            there = there || (slk_address_eq(&blocks[k].miner, &block->miner) &&
                              slk_block_is_builtin(&blocks[k]) == slk_block_is_builtin(block));
        if (!there)
            blocks[(*cnt)++] = *block;
    }
}

/* Blocks of the same height and parents; the tipsets that they are borrowed from are given back by
 * the caller. */
static slk_err_t gather(slk_block_header_t *blocks, size_t *cnt, slk_tip_t **tips, size_t *tip_cnt,
                        const slk_submit_t *s, const siblings_t *siblings)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < siblings->cnt; i++) {
        slk_tip_t **tip = &tips[*tip_cnt];
        SLK_TRY(slk_tip_by_key(tip, s->chain, siblings->keys[i], s->diag));
        ++*tip_cnt;
        if (slk_tipset_cids_eq(&(*tip)->parents, &s->base->key))
            add_blocks(blocks, cnt, *tip);
    }
out:
    return err;
}

slk_err_t slk_submit_join(slk_submit_t *s)
{
    slk_err_t err;
    slk_block_header_t blocks[BLOCKS_MAX];
    slk_tip_t *tip = NULL, **tips = NULL;
    size_t cnt = 1, tip_cnt = 0;
    bool allowed;
    siblings_t siblings = {.height = s->header->height, .arena = &s->arena};
    blocks[0] = *s->header;
    SLK_TRY(slk_block_db_read(s->chain->blocks, read_siblings, &siblings, s->diag));
    tips = slk_arena_array(&s->arena, siblings.cnt, sizeof(slk_tip_t *));
    if (!tips) {
        err = slk_fail(s->diag, SLK_ERR_NOMEM, "no memory for tipsets");
        goto out;
    }
    SLK_TRY(gather(blocks, &cnt, tips, &tip_cnt, s, &siblings));
    SLK_TRY(slk_chain_put(&tip, s->chain, blocks, cnt, s->diag));
    SLK_TRY(slk_chain_checkpoint_allows(&allowed, s->chain, tip, s->diag));
    if (allowed && slk_bigint_cmp(&tip->weight, &s->head->weight) > 0)
        SLK_TRY(slk_chain_set_head(s->chain, tip, s->diag));
    else
        SLK_TRY(slk_fresh_write(s->chain, s->diag));
out:
    for (size_t i = 0; i < tip_cnt; i++)
        slk_tip_unref(tips[i]);
    slk_tip_unref(tip);
    return err;
}
