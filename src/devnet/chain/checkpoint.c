/* The checkpoint: a tipset that the chain does not leave by itself (lotus' chain/store, SetCheckpoint). */

#include "devnet/chain/chain_impl.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME "checkpoint" /* of the row in meta; hex of the tipset's key */

/* --- On the disk ------------------------------------------------------------------------------ */

static slk_err_t write_row(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    const slk_tip_t *tip = ctx;
    slk_buf_t key = {0};
    char *hex = NULL;
    if (!tip)
        return slk_db_run(db, "DELETE FROM meta WHERE name = '" NAME "'", SLK_NO_VALS, NULL, diag);
    slk_tip_key_bytes(&key, tip);
    SLK_TRY(slk_buf_check(&key, diag));
    hex = malloc(2 * key.len + 1);
    if (!hex) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a checkpoint");
        goto out;
    }
    slk_hex_encode(hex, key.bytes, key.len);
    SLK_TRY(slk_db_run(db,
                       "INSERT INTO meta (name, value) VALUES ('" NAME "', ?1) "
                       "ON CONFLICT (name) DO UPDATE SET value = ?1",
                       SLK_VALS(slk_val_text(hex)), NULL, diag));
out:
    free(hex);
    slk_buf_free(&key);
    return err;
}

static slk_err_t read_row(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    slk_bytes_t *key = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    SLK_TRY(slk_db_query(&rows, db, "SELECT value FROM meta WHERE name = '" NAME "'", SLK_NO_VALS,
                         diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (more) {
        const char *hex = slk_db_rows_text(rows, 0, NULL);
        uint8_t *bytes = malloc(strlen(hex) / 2 + 1);
        if (!bytes || !slk_hex_decode(bytes, strlen(hex) / 2, hex)) {
            free(bytes);
            err = slk_fail(diag, SLK_ERR_FORMAT, "%s: the checkpoint is no key of a tipset",
                           slk_db_name(db));
            goto out;
        }
        *key = (slk_bytes_t){bytes, strlen(hex) / 2};
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_chain_load_checkpoint(slk_chain_t *c, slk_diag_t *diag)
{
    slk_bytes_t key = {0};
    slk_err_t err = slk_block_db_read(c->blocks, read_row, &key, diag);
    if (err == SLK_OK && key.len)
        err = slk_tip_by_key(&c->checkpoint, c, key, diag);
    free((void *)(uintptr_t)key.b);
    return err;
}

/* --- What it forbids -------------------------------------------------------------------------- */

slk_err_t slk_chain_checkpoint_allows(bool *allows, slk_chain_t *c, const slk_tip_t *tip,
                                      slk_diag_t *diag)
{
    *allows = true;
    return c->checkpoint ? slk_chain_is_ancestor(allows, c, c->checkpoint, tip, diag) : SLK_OK;
}

/* A branch that leaves the chain no deeper than is final. */
static slk_err_t check_fork(slk_chain_t *c, const slk_tip_t *head, const slk_tip_t *tip,
                            slk_diag_t *diag)
{
    slk_step_t *steps;
    size_t cnt;
    slk_err_t err = slk_chain_path(&steps, &cnt, c, head, tip, diag);
    for (size_t i = 0; err == SLK_OK && i < cnt; i++)
        if (steps[i].revert && steps[i].tip->height <= head->height - SLK_CHAIN_FINALITY)
            err = slk_fail(diag, SLK_ERR_INPUT,
                           "checkpoint failed: failed to find the fork point from %s (head) to %s "
                           "(target) within finality",
                           slk_cid_text(&head->key.cids.items[0]).s,
                           slk_cid_text(&tip->key.cids.items[0]).s);
    slk_steps_free(steps, cnt);
    return err;
}

static slk_err_t set(slk_chain_t *c, slk_tip_t *tip, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    bool on_chain;
    slk_tip_t *head = slk_chain_head(c), *old = c->checkpoint;
    SLK_TRY(slk_chain_is_ancestor(&on_chain, c, tip, head, diag));
    if (!on_chain) {
        SLK_TRY(check_fork(c, head, tip, diag));
        c->checkpoint = NULL; /* whoever sets another may leave the old one */
        err = slk_chain_set_head(c, tip, diag);
        c->checkpoint = old;
        if (err != SLK_OK)
            goto out;
    }
    SLK_TRY(slk_chain_write(c, write_row, tip, diag));
    c->checkpoint = slk_tip_ref(tip);
    slk_tip_unref(old);
out:
    slk_tip_unref(head);
    return err;
}

slk_err_t slk_chain_set_checkpoint(slk_chain_t *c, slk_tip_t *tip, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_chain_lock(c);
    if (tip) {
        err = set(c, tip, diag);
    } else if (c->checkpoint) {
        err = slk_chain_write(c, write_row, NULL, diag);
        if (err == SLK_OK) {
            slk_tip_unref(c->checkpoint);
            c->checkpoint = NULL;
        }
    }
    slk_chain_unlock(c);
    return err;
}
