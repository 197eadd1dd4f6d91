#include "manager/job/registry.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const first[] = {
    "CREATE TABLE worker (id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, version TEXT "
    "NOT "
    "NULL, tasks TEXT NOT NULL, miners TEXT NOT NULL, cores {i64} NOT NULL, memory {i64} NOT NULL, "
    "numa_nodes {i64} NOT NULL, wish TEXT NOT NULL, first_ms {i64} NOT NULL, registered_ms {i64} "
    "NOT "
    "NULL, seen_ms {i64} NOT NULL, skew_ms {i64} NOT NULL) {strict}",
    NULL};
static const slk_migration_t migrations[] = {{1, "workers", first, NULL}};

slk_err_t slk_registry_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "worker", migrations, SLK_COUNT(migrations), diag);
}

static const char *const wishes[] = {"active", "paused", "draining"};

const char *slk_worker_wish_name(slk_worker_wish_t wish)
{
    SLK_ASSERT((unsigned)wish < SLK_COUNT(wishes));
    return wishes[wish];
}

static slk_val_t text_val(const slk_bytes_t *text)
{
    return (slk_val_t){
        .type = SLK_VAL_TEXT, .bytes = text->b ? (const void *)text->b : "", .len = text->len};
}

static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static char *tasks_text(const slk_register_t *worker)
{
    json_t *list = json_array();
    for (size_t i = 0; i < worker->tasks.count; i++) {
        const slk_task_limit_t *row = &worker->tasks.items[i];
        json_array_append_new(list, json_pack("{s:s%, s:I}", "Task",
                                              row->task.b ? (const char *)row->task.b : "",
                                              row->task.len, "Limit", (json_int_t)row->limit));
    }
    return dump(list);
}

static char *miners_text(const slk_register_t *worker)
{
    json_t *list = json_array();
    for (size_t i = 0; i < worker->miners.count; i++)
        json_array_append_new(list, json_integer((json_int_t)worker->miners.items[i]));
    return dump(list);
}

slk_err_t slk_registry_put(slk_db_t *db, const slk_register_t *w, int64_t now_ms, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    char *tasks = tasks_text(w), *miners = miners_text(w);
    slk_err_t err =
        !tasks || !miners
            ? slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a worker")
            : slk_db_run(db,
                         "INSERT INTO worker (id, name, url, version, tasks, miners, cores, "
                         "memory, numa_nodes, "
                         "wish, first_ms, registered_ms, seen_ms, skew_ms) VALUES (?1, ?2, ?3, ?4, "
                         "?5, ?6, ?7, "
                         "?8, ?9, 'active', ?10, ?10, ?10, ?11) ON CONFLICT (id) DO UPDATE SET "
                         "name = ?2, url = "
                         "?3, version = ?4, tasks = ?5, miners = ?6, cores = ?7, memory = ?8, "
                         "numa_nodes = ?9, "
                         "registered_ms = ?10, seen_ms = ?10, skew_ms = ?11",
                         SLK_VALS(text_val(&w->worker), text_val(&w->name), text_val(&w->url),
                                  text_val(&w->version), slk_val_text(tasks), slk_val_text(miners),
                                  slk_val_i64((int64_t)w->cores), slk_val_i64((int64_t)w->memory),
                                  slk_val_i64((int64_t)w->numa_nodes), slk_val_i64(now_ms),
                                  slk_val_i64(w->clock_ms - now_ms)),
                         NULL, diag);
    free(tasks);
    free(miners);
    return err;
}

slk_err_t slk_registry_seen(slk_db_t *db, const char *id, int64_t now_ms, slk_diag_t *diag)
{
    return slk_db_run(db, "UPDATE worker SET seen_ms = ?2 WHERE id = ?1",
                      SLK_VALS(slk_val_text(id), slk_val_i64(now_ms)), NULL, diag);
}

slk_err_t slk_registry_wish(slk_db_t *db, const char *id, slk_worker_wish_t wish, slk_diag_t *diag)
{
    int64_t changed = 0;
    slk_err_t err = slk_db_run(db, "UPDATE worker SET wish = ?2 WHERE id = ?1",
                               SLK_VALS(slk_val_text(id), slk_val_text(slk_worker_wish_name(wish))),
                               &changed, diag);
    if (err == SLK_OK && !changed)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "no worker %s has ever registered", id);
    return err;
}

slk_err_t slk_registry_forget(slk_db_t *db, const char *id, slk_diag_t *diag)
{
    return slk_db_run(db, "DELETE FROM worker WHERE id = ?1", SLK_VALS(slk_val_text(id)), NULL,
                      diag);
}

static void copy_text(char *out, size_t cap, slk_db_rows_t *rows, int col)
{
    snprintf(out, cap, "%s", slk_db_rows_text(rows, col, NULL));
}

static slk_err_t read_row(slk_registry_row_t *row, slk_db_rows_t *rows, slk_diag_t *diag)
{
    memset(row, 0, sizeof *row);
    copy_text(row->id, sizeof row->id, rows, 0);
    copy_text(row->name, sizeof row->name, rows, 1);
    copy_text(row->url, sizeof row->url, rows, 2);
    copy_text(row->version, sizeof row->version, rows, 3);
    row->tasks = strdup(slk_db_rows_text(rows, 4, NULL));
    row->miners = strdup(slk_db_rows_text(rows, 5, NULL));
    row->cores = (uint64_t)slk_db_rows_i64(rows, 6);
    row->memory = (uint64_t)slk_db_rows_i64(rows, 7);
    row->numa_nodes = (uint64_t)slk_db_rows_i64(rows, 8);
    for (unsigned i = 0; i < SLK_COUNT(wishes); i++)
        if (!strcmp(slk_db_rows_text(rows, 9, NULL), wishes[i]))
            row->wish = (slk_worker_wish_t)i;
    row->first_ms = slk_db_rows_i64(rows, 10);
    row->registered_ms = slk_db_rows_i64(rows, 11);
    row->seen_ms = slk_db_rows_i64(rows, 12);
    row->skew_ms = slk_db_rows_i64(rows, 13);
    return row->tasks && row->miners ? SLK_OK
                                     : slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a worker");
}

slk_err_t slk_registry_list(slk_db_t *db, slk_registry_row_t **out, size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    slk_registry_row_t *list = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    *out = NULL;
    *cnt = 0;
    SLK_TRY(slk_db_query(
        &rows, db,
        "SELECT id, name, url, version, tasks, miners, cores, memory, numa_nodes, wish, "
        "first_ms, registered_ms, seen_ms, skew_ms FROM worker ORDER BY name, id",
        SLK_NO_VALS, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        slk_registry_row_t *grown = realloc(list, (*cnt + 1) * sizeof *list);
        if (!grown) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the workers");
            goto out;
        }
        list = grown;
        (*cnt)++;
        SLK_TRY(read_row(&list[*cnt - 1], rows, diag));
    }
    *out = list;
    list = NULL;
out:
    slk_db_rows_close(rows);
    if (list) {
        slk_registry_free(list, *cnt);
        *cnt = 0;
    }
    return err;
}

void slk_registry_free(slk_registry_row_t *rows, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        free(rows[i].tasks);
        free(rows[i].miners);
    }
    free(rows);
}
