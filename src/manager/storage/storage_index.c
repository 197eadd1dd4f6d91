#include "manager/storage/storage_index.h"

#include "base/assert.h"
#include "codec/json.h"
#include "storage/path_meta.h"
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const first[] = {
    "CREATE TABLE storage_path (id TEXT PRIMARY KEY, weight {i64} NOT NULL, can_seal {i64} NOT "
    "NULL, "
    "can_store {i64} NOT NULL, can_final {i64} NOT NULL, max_storage {i64} NOT NULL, groups_in "
    "TEXT NOT "
    "NULL, allow_to TEXT NOT NULL, allow_types {i64} NOT NULL, deny_types {i64} NOT NULL, "
    "allow_miners "
    "TEXT NOT NULL, deny_miners TEXT NOT NULL, capacity {i64} NOT NULL, changed_ms {i64} NOT NULL) "
    "{strict}",
    "CREATE TABLE storage_url (store TEXT NOT NULL, worker TEXT NOT NULL, url TEXT NOT NULL, path "
    "TEXT "
    "NOT NULL, PRIMARY KEY (store, worker)) {strict}",
    "CREATE TABLE sector_file (miner {i64} NOT NULL, number {i64} NOT NULL, type {i64} NOT NULL, "
    "store "
    "TEXT NOT NULL, is_primary {i64} NOT NULL, since_ms {i64} NOT NULL, PRIMARY KEY (miner, "
    "number, "
    "type, store)) {strict}",
    "CREATE INDEX sector_file_store ON sector_file (store)",
    "CREATE TABLE space_reserved (job {i64} NOT NULL, store TEXT NOT NULL, bytes {i64} NOT NULL, "
    "PRIMARY KEY (job, store)) {strict}",
    NULL};
static const char *const second[] = {
    "ALTER TABLE storage_url ADD COLUMN away {i64} NOT NULL DEFAULT 0", NULL};
static const slk_migration_t migrations[] = {
    {1, "paths, files of sectors, promised space", first, NULL},
    {2, "whether who serves a path is heard of", second, NULL}};

slk_err_t slk_storage_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "storage", migrations, SLK_COUNT(migrations), diag);
}

/* --- Paths ------------------------------------------------------------------------------------ */

/* A list of texts as a worker sent it, "[]" for null. */
static slk_err_t texts_of(char **out, const slk_bytes_t *any, const char *what, slk_diag_t *diag)
{
    json_t *json =
        any->len ? json_loadb((const char *)any->b, any->len, JSON_DECODE_ANY, NULL) : json_null();
    bool ok = json_is_null(json) || json_is_array(json);
    size_t i;
    json_t *item;
    json_array_foreach(json, i, item) ok = ok && json_is_string(item);
    *out = json_is_array(json) ? json_dumps(json, JSON_COMPACT) : strdup("[]");
    json_decref(json);
    if (!*out)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a storage path");
    if (ok)
        return SLK_OK;
    free(*out);
    *out = NULL;
    return slk_fail(diag, SLK_ERR_INPUT, "%s of a storage path: expected a list of texts", what);
}

static slk_err_t miners_of(char **out, const slk_u64_list_t *list, slk_diag_t *diag)
{
    json_t *json = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(json, json_integer((json_int_t)list->items[i]));
    *out = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return *out ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a storage path");
}

bool slk_storage_id_text(char out[SLK_STORAGE_ID_TEXT], const slk_bytes_t *text)
{
    if (!text->len || text->len >= SLK_STORAGE_ID_TEXT)
        return false;
    memcpy(out, text->b, text->len);
    out[text->len] = 0;
    return strlen(out) == text->len && slk_storage_id_ok(out);
}

static slk_val_t text_val(const slk_bytes_t *text)
{
    return (slk_val_t){
        .type = SLK_VAL_TEXT, .bytes = text->b ? (const void *)text->b : "", .len = text->len};
}

static slk_val_t u64_val(uint64_t num)
{
    return slk_val_i64((int64_t)num);
}

slk_err_t slk_storage_attach(slk_db_t *db, const char *worker, const char *url,
                             const slk_store_report_t *r, int64_t now_ms, slk_diag_t *diag)
{
    char id[SLK_STORAGE_ID_TEXT];
    char *groups = NULL, *allow_to = NULL, *allow_miners = NULL, *deny_miners = NULL;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    if (!slk_storage_id_text(id, &r->id))
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "ID of a storage path: expected letters, digits, - and _, as in sectorstore.json");
    SLK_TRY(texts_of(&groups, &r->groups, "Groups", diag));
    SLK_TRY(texts_of(&allow_to, &r->allow_to, "AllowTo", diag));
    SLK_TRY(miners_of(&allow_miners, &r->allow_miners, diag));
    SLK_TRY(miners_of(&deny_miners, &r->deny_miners, diag));
    SLK_TRY(slk_db_run(
        db,
        "INSERT INTO storage_path (id, weight, can_seal, can_store, can_final, max_storage, "
        "groups_in, "
        "allow_to, allow_types, deny_types, allow_miners, deny_miners, capacity, changed_ms) "
        "VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO UPDATE SET "
        "weight = "
        "?2, can_seal = ?3, can_store = ?4, can_final = ?5, max_storage = ?6, groups_in = ?7, "
        "allow_to = "
        "?8, allow_types = ?9, deny_types = ?10, allow_miners = ?11, deny_miners = ?12, capacity = "
        "?13, "
        "changed_ms = ?14",
        SLK_VALS(slk_val_text(id), u64_val(r->weight), slk_val_i64(r->can_seal),
                 slk_val_i64(r->can_store), slk_val_i64(r->can_final), u64_val(r->max_storage),
                 slk_val_text(groups), slk_val_text(allow_to), u64_val(r->allow_types),
                 u64_val(r->deny_types), slk_val_text(allow_miners), slk_val_text(deny_miners),
                 u64_val(r->capacity), slk_val_i64(now_ms)),
        NULL, diag));
    SLK_TRY(slk_db_run(
        db,
        "INSERT INTO storage_url (store, worker, url, path) VALUES (?1, ?2, ?3, ?4) ON "
        "CONFLICT (store, worker) DO UPDATE SET url = ?3, path = ?4, away = 0",
        SLK_VALS(slk_val_text(id), slk_val_text(worker), slk_val_text(url), text_val(&r->path)),
        NULL, diag));
out:
    free(groups);
    free(allow_to);
    free(allow_miners);
    free(deny_miners);
    return err;
}

slk_err_t slk_storage_detach(slk_db_t *db, const char *worker, const char *store, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(db, "DELETE FROM storage_url WHERE store = ?1 AND worker = ?2",
                      SLK_VALS(slk_val_text(store), slk_val_text(worker)), NULL, diag);
}

slk_err_t slk_storage_forget(slk_db_t *db, const char *store, slk_diag_t *diag)
{
    bool served = false;
    int64_t one, changed = 0;
    const slk_val_t id = slk_val_text(store);
    SLK_ASSERT(slk_db_in_transaction(db));
    slk_err_t err = slk_db_get_i64(db, "SELECT 1 FROM storage_url WHERE store = ?1", &id, 1,
                                   &served, &one, diag);
    if (err == SLK_OK && served)
        return slk_fail(diag, SLK_ERR_STATE,
                        "storage path %s is still served by a worker: detach it there first",
                        store);
    if (err == SLK_OK)
        err = slk_db_run(db, "DELETE FROM sector_file WHERE store = ?1", &id, 1, NULL, diag);
    if (err == SLK_OK)
        err = slk_db_run(db, "DELETE FROM storage_path WHERE id = ?1", &id, 1, &changed, diag);
    if (err == SLK_OK && !changed)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "there is no storage path %s", store);
    return err;
}

slk_err_t slk_storage_away(slk_db_t *db, const char *worker, bool away, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(db, "UPDATE storage_url SET away = ?1 WHERE worker = ?2",
                      SLK_VALS(slk_val_i64(away), slk_val_text(worker)), NULL, diag);
}

/* --- Files ------------------------------------------------------------------------------------ */

slk_err_t slk_storage_add(slk_db_t *db, const slk_sector_id_t *sector, slk_file_types_t type,
                          const char *store, slk_storage_rank_t rank, int64_t now_ms,
                          slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(
        db,
        "INSERT INTO sector_file (miner, number, type, store, is_primary, since_ms) VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6) ON CONFLICT (miner, number, type, store) DO UPDATE SET "
        "is_primary = CASE WHEN ?5 > sector_file.is_primary THEN ?5 ELSE "
        "sector_file.is_primary END",
        SLK_VALS(u64_val(sector->miner), u64_val(sector->number), slk_val_i64(type),
                 slk_val_text(store), slk_val_i64(rank), slk_val_i64(now_ms)),
        NULL, diag);
}

slk_err_t slk_storage_outdate(slk_db_t *db, const slk_sector_id_t *sector, slk_file_types_t type,
                              const char *store, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(
        db,
        "UPDATE sector_file SET is_primary = -1 WHERE miner = ?1 AND number = ?2 AND type = ?3 AND "
        "store <> ?4",
        SLK_VALS(u64_val(sector->miner), u64_val(sector->number), slk_val_i64(type),
                 slk_val_text(store)),
        NULL, diag);
}

slk_err_t slk_storage_drop(slk_db_t *db, const slk_sector_id_t *sector, slk_file_types_t type,
                           const char *store, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(
        db, "DELETE FROM sector_file WHERE miner = ?1 AND number = ?2 AND type = ?3 AND store = ?4",
        SLK_VALS(u64_val(sector->miner), u64_val(sector->number), slk_val_i64(type),
                 slk_val_text(store)),
        NULL, diag);
}

static void copy_column(char *out, size_t cap, slk_db_rows_t *rows, int col)
{
    const char *text = slk_db_rows_text(rows, col, NULL);
    snprintf(out, cap, "%s", text ? text : "");
}

static void read_holder(slk_storage_holder_t *h, slk_db_rows_t *rows)
{
    copy_column(h->store, sizeof h->store, rows, 0);
    h->weight = (uint64_t)slk_db_rows_i64(rows, 3);
    h->can_seal = slk_db_rows_i64(rows, 4);
    h->can_store = slk_db_rows_i64(rows, 5);
    h->can_final = slk_db_rows_i64(rows, 6);
    copy_column(h->worker, sizeof h->worker, rows, 7);
    copy_column(h->url, sizeof h->url, rows, 8);
}

static int by_weight(const void *a, const void *b)
{
    const slk_storage_holder_t *x = a, *y = b;
    return x->weight != y->weight ? (x->weight < y->weight) - (x->weight > y->weight)
                                  : strcmp(x->store, y->store);
}

/* Rows come path by path: one more type of the last holder, or a new one. */
static slk_err_t add_holder(slk_storage_holder_t **list, size_t *cnt, slk_db_rows_t *rows,
                            slk_diag_t *diag)
{
    slk_storage_holder_t *last = *cnt ? &(*list)[*cnt - 1] : NULL;
    if (!last || strcmp(last->store, slk_db_rows_text(rows, 0, NULL))) {
        slk_storage_holder_t *more = realloc(*list, (*cnt + 1) * sizeof **list);
        if (!more)
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the places of a sector");
        *list = more;
        last = &more[(*cnt)++];
        memset(last, 0, sizeof *last);
        read_holder(last, rows);
    }
    const slk_file_types_t type = (slk_file_types_t)slk_db_rows_i64(rows, 1);
    const int64_t rank = slk_db_rows_i64(rows, 2);
    last->types |= type;
    last->primary |= rank > SLK_RANK_COPY ? type : 0;
    last->stale |= rank < SLK_RANK_COPY ? type : 0;
    return SLK_OK;
}

/* Of types that no path in use has a good one of, all are as good as another. */
static void settle_stale(slk_storage_holder_t *list, size_t cnt)
{
    slk_file_types_t good = 0;
    for (size_t i = 0; i < cnt; i++)
        good |= list[i].worker[0] ? list[i].types & ~list[i].stale : 0;
    for (size_t i = 0; i < cnt; i++)
        list[i].stale &= good;
}

slk_err_t slk_storage_find(slk_db_t *db, const slk_sector_id_t *sector, slk_file_types_t types,
                           slk_storage_holder_t **holders, size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    slk_err_t err = SLK_OK;
    bool more = false;
    *holders = NULL;
    *cnt = 0;
    SLK_TRY(slk_db_query(
        &rows, db,
        "SELECT f.store, f.type, f.is_primary, p.weight, p.can_seal, p.can_store, "
        "p.can_final, u.worker, u.url FROM sector_file f JOIN storage_path p ON p.id = "
        "f.store LEFT JOIN storage_url u ON u.store = f.store WHERE f.miner = ?1 AND "
        "f.number = ?2 ORDER BY f.store, u.away, u.worker",
        SLK_VALS(u64_val(sector->miner), u64_val(sector->number)), diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        if (types & (slk_file_types_t)slk_db_rows_i64(rows, 1))
            SLK_TRY(add_holder(holders, cnt, rows, diag));
    }
    settle_stale(*holders, *cnt);
    if (*cnt)
        qsort(*holders, *cnt, sizeof **holders, by_weight);
out:
    slk_db_rows_close(rows);
    if (err != SLK_OK) {
        free(*holders);
        *holders = NULL;
        *cnt = 0;
    }
    return err;
}

slk_err_t slk_storage_each_file(slk_db_t *db,
                                slk_err_t (*fn)(void *ctx, const slk_sector_id_t *sector,
                                                slk_file_types_t type, const char *store,
                                                slk_storage_rank_t rank, slk_diag_t *diag),
                                void *ctx, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_query(&rows, db,
                         "SELECT miner, number, type, store, is_primary FROM sector_file",
                         SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        const slk_sector_id_t sector = {(uint64_t)slk_db_rows_i64(rows, 0),
                                        (uint64_t)slk_db_rows_i64(rows, 1)};
        SLK_TRY(fn(ctx, &sector, (slk_file_types_t)slk_db_rows_i64(rows, 2),
                   slk_db_rows_text(rows, 3, NULL), (slk_storage_rank_t)slk_db_rows_i64(rows, 4),
                   diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

/* --- Promised space --------------------------------------------------------------------------- */

slk_err_t slk_storage_reserve(slk_db_t *db, int64_t job, const char *store, uint64_t bytes,
                              slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(
        db,
        "INSERT INTO space_reserved (job, store, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (job, "
        "store) DO UPDATE SET bytes = space_reserved.bytes + ?3",
        SLK_VALS(slk_val_i64(job), slk_val_text(store), u64_val(bytes)), NULL, diag);
}

slk_err_t slk_storage_release(slk_db_t *db, int64_t job, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    return slk_db_run(db, "DELETE FROM space_reserved WHERE job = ?1", SLK_VALS(slk_val_i64(job)),
                      NULL, diag);
}

/* --- For operators ---------------------------------------------------------------------------- */

static json_t *json_of(slk_db_rows_t *rows, int col)
{
    const char *text = slk_db_rows_text(rows, col, NULL);
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    return json ? json : json_array();
}

static json_t *names_of(slk_file_types_t types)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SLK_FT_CNT; i++)
        if (types & SLK_FT_AT(i))
            json_array_append_new(list, json_string(slk_file_type_name(SLK_FT_AT(i))));
    return list;
}

static slk_err_t list_path(json_t *list, slk_db_rows_t *rows, slk_diag_t *diag)
{
    json_t *path = json_pack(
        "{s:s, s:I, s:b, s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:[]}", "ID",
        slk_db_rows_text(rows, 0, NULL), "Weight", slk_db_rows_i64(rows, 1), "CanSeal",
        (int)slk_db_rows_i64(rows, 2), "CanStore", (int)slk_db_rows_i64(rows, 3), "CanFinal",
        (int)slk_db_rows_i64(rows, 4), "MaxStorage", slk_db_rows_i64(rows, 5), "Groups",
        json_of(rows, 6), "AllowTo", json_of(rows, 7), "AllowTypes",
        names_of((slk_file_types_t)slk_db_rows_i64(rows, 8)), "DenyTypes",
        names_of((slk_file_types_t)slk_db_rows_i64(rows, 9)), "AllowMiners", json_of(rows, 10),
        "DenyMiners", json_of(rows, 11), "Capacity", slk_db_rows_i64(rows, 12), "Reserved",
        slk_db_rows_i64(rows, 13), "Sectors", slk_db_rows_i64(rows, 14), "URLs");
    if (json_array_append_new(list, path))
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of storage paths");
    return SLK_OK;
}

static slk_err_t list_url(json_t *list, slk_db_rows_t *rows, slk_diag_t *diag)
{
    size_t i;
    json_t *path;
    const char *store = slk_db_rows_text(rows, 0, NULL);
    json_array_foreach(list, i, path)
    {
        if (strcmp(json_string_value(json_object_get(path, "ID")), store))
            continue;
        json_t *url =
            json_pack("{s:s, s:s, s:s}", "Worker", slk_db_rows_text(rows, 1, NULL), "URL",
                      slk_db_rows_text(rows, 2, NULL), "Path", slk_db_rows_text(rows, 3, NULL));
        if (json_array_append_new(json_object_get(path, "URLs"), url))
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of storage paths");
    }
    return SLK_OK;
}

static slk_err_t list_rows(json_t *list, slk_db_t *db, const char *sql,
                           slk_err_t (*add)(json_t *list, slk_db_rows_t *rows, slk_diag_t *diag),
                           slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_query(&rows, db, sql, SLK_NO_VALS, diag));
    while (more) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (more)
            SLK_TRY(add(list, rows, diag));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_storage_list(slk_db_t *db, json_t **list, slk_diag_t *diag)
{
    *list = json_array();
    if (!*list)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the list of storage paths");
    slk_err_t err = list_rows(
        *list, db,
        "SELECT p.id, p.weight, p.can_seal, p.can_store, p.can_final, p.max_storage, p.groups_in, "
        "p.allow_to, p.allow_types, p.deny_types, p.allow_miners, p.deny_miners, p.capacity, "
        "(SELECT "
        "CAST(COALESCE(SUM(r.bytes), 0) AS BIGINT) FROM space_reserved r WHERE r.store = p.id), "
        "(SELECT COUNT(*) FROM "
        "(SELECT DISTINCT f.miner, f.number FROM sector_file f WHERE f.store = p.id) AS s) FROM "
        "storage_path p ORDER BY p.id",
        list_path, diag);
    if (err == SLK_OK)
        err = list_rows(*list, db,
                        "SELECT store, worker, url, path FROM storage_url ORDER BY store, worker",
                        list_url, diag);
    if (err == SLK_OK)
        return SLK_OK;
    json_decref(*list);
    *list = NULL;
    return err;
}
