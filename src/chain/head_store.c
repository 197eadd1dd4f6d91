#include "chain/head_store.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

static const char *const first[] = {
    "CREATE TABLE chain_head (height {i64} PRIMARY KEY, tipset {blob} NOT NULL, "
    "parents {blob} NOT NULL, timestamp {i64} NOT NULL, base_fee TEXT NOT NULL) {strict}",
    "CREATE TABLE chain_network (one {i64} PRIMARY KEY CHECK (one = 1), genesis {blob} NOT NULL, "
    "name TEXT NOT NULL, cut {i64} NOT NULL) {strict}",
    NULL};
static const slk_migration_t migrations[] = {{1, "the followed chain", first, NULL}};

slk_err_t slk_head_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "chain", migrations, SLK_COUNT(migrations), diag);
}

static slk_err_t read_head(slk_db_rows_t *rows, slk_head_t *head, slk_diag_t *diag)
{
    size_t len;
    const void *blob = slk_db_rows_blob(rows, 1, &len);
    *head = (slk_head_t){.height = slk_db_rows_i64(rows, 0), .timestamp = slk_db_rows_i64(rows, 3)};
    slk_err_t err = slk_tipset_key_from_bytes(&head->key, blob, len, diag);
    blob = slk_db_rows_blob(rows, 2, &len);
    if (err == SLK_OK && len) /* the genesis has no parents */
        err = slk_tipset_key_from_bytes(&head->parents, blob, len, diag);
    if (err == SLK_OK)
        err = slk_bigint_from_text(&head->base_fee, slk_db_rows_text(rows, 4, NULL), diag);
    return err;
}

slk_err_t slk_head_load(slk_db_t *db, slk_follow_t *follow, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    slk_head_t *window = malloc(SLK_FOLLOW_WINDOW * sizeof *window);
    size_t cnt = 0;
    bool more = false, found;
    int64_t cut = 0;
    slk_err_t err = SLK_OK;
    *follow = (slk_follow_t){0};
    if (!window)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the followed chain");
    SLK_TRY(slk_db_get_i64(db, "SELECT cut FROM chain_network", SLK_NO_VALS, &found, &cut, diag));
    SLK_TRY(slk_db_query(&rows, db,
                         "SELECT height, tipset, parents, timestamp, base_fee FROM chain_head "
                         "ORDER BY height",
                         SLK_NO_VALS, diag));
    while ((err = slk_db_rows_next(rows, &more, diag)) == SLK_OK && more && cnt < SLK_FOLLOW_WINDOW)
        SLK_TRY(read_head(rows, &window[cnt++], diag));
    if (err == SLK_OK)
        err = slk_follow_init(follow, window, cnt, cut != 0, diag);
out:
    slk_db_rows_close(rows);
    free(window);
    return err;
}

typedef struct {
    const slk_change_t *step;
    const slk_head_listener_t *listeners;
    size_t cnt;
} storing_t;

static slk_err_t store_step(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const storing_t *storing = ctx;
    const slk_head_t *head = &storing->step->head;
    slk_err_t err = SLK_OK;
    int64_t changed = 1;
    if (storing->step->type == SLK_CHANGE_REVERT) {
        SLK_TRY(slk_db_run(
            db, "DELETE FROM chain_head WHERE height = ?1 AND tipset = ?2",
            SLK_VALS(slk_val_i64(head->height), slk_val_blob(head->key.b, head->key.len)), &changed,
            diag));
        SLK_ASSERT(changed == 1);
    } else {
        SLK_TRY(slk_db_run(
            db,
            "INSERT INTO chain_head (height, tipset, parents, timestamp, base_fee) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            SLK_VALS(slk_val_i64(head->height), slk_val_blob(head->key.b, head->key.len),
                     slk_val_blob(head->parents.b, head->parents.len), slk_val_i64(head->timestamp),
                     slk_val_text(slk_bigint_text(&head->base_fee).s)),
            NULL, diag));
        SLK_TRY(slk_db_run(
            db,
            "DELETE FROM chain_head WHERE height < (SELECT min(height) FROM (SELECT height "
            "FROM chain_head ORDER BY height DESC LIMIT ?1) AS kept)",
            SLK_VALS(slk_val_i64(SLK_FOLLOW_WINDOW)), &changed, diag));
        if (changed)
            SLK_TRY(slk_db_run(db, "UPDATE chain_network SET cut = 1", SLK_NO_VALS, NULL, diag));
    }
    for (size_t i = 0; i < storing->cnt; i++)
        SLK_TRY(storing->listeners[i].step(storing->listeners[i].ctx, db, storing->step->type, head,
                                           diag));
out:
    return err;
}

slk_err_t slk_head_store(slk_db_t *db, const slk_change_t *step,
                         const slk_head_listener_t *listeners, size_t cnt, slk_diag_t *diag)
{
    storing_t storing = {.step = step, .listeners = listeners, .cnt = cnt};
    return slk_db_transact(db, store_step, &storing, diag);
}

typedef struct {
    const slk_tipset_key_t *genesis;
    const char *network;
} network_t;

static slk_err_t check_genesis(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const network_t *network = ctx;
    slk_db_rows_t *rows = NULL;
    bool more = false;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_query(&rows, db, "SELECT genesis, name FROM chain_network", SLK_NO_VALS, diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (more) {
        size_t len;
        const void *stored = slk_db_rows_blob(rows, 0, &len);
        if (len != network->genesis->len || memcmp(stored, network->genesis->b, len) != 0)
            err = slk_fail(diag, SLK_ERR_MISMATCH,
                           "database %s belongs to the network %s with another genesis; the node "
                           "is of %s. Connect to a node of the former or name another database",
                           slk_db_name(db), slk_db_rows_text(rows, 1, NULL), network->network);
        goto out;
    }
    slk_db_rows_close(rows);
    rows = NULL;
    SLK_TRY(slk_db_run(db,
                       "INSERT INTO chain_network (one, genesis, name, cut) VALUES (1, ?1, ?2, 0)",
                       SLK_VALS(slk_val_blob(network->genesis->b, network->genesis->len),
                                slk_val_text(network->network)),
                       NULL, diag));
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_head_check_genesis(slk_db_t *db, const slk_tipset_key_t *genesis, const char *network,
                                 slk_diag_t *diag)
{
    network_t ctx = {.genesis = genesis, .network = network};
    return slk_db_transact(db, check_genesis, &ctx, diag);
}

slk_err_t slk_head_genesis(slk_db_t *db, slk_tipset_key_t *genesis, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    *genesis = (slk_tipset_key_t){0};
    slk_err_t err = slk_db_query(&rows, db, "SELECT genesis FROM chain_network", SLK_NO_VALS, diag);
    if (err != SLK_OK)
        return err;
    err = slk_db_rows_next(rows, &more, diag);
    if (err == SLK_OK && more) {
        size_t len;
        const void *blob = slk_db_rows_blob(rows, 0, &len);
        err = slk_tipset_key_from_bytes(genesis, blob, len, diag);
    }
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_head_applied(slk_db_t *db, const slk_head_t *head, bool *applied, slk_diag_t *diag)
{
    int64_t height;
    return slk_db_get_i64(
        db, "SELECT height FROM chain_head WHERE height = ?1 AND tipset = ?2",
        SLK_VALS(slk_val_i64(head->height), slk_val_blob(head->key.b, head->key.len)), applied,
        &height, diag);
}
