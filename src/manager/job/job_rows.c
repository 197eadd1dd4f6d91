#include "manager/job/job_rows.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    C_ID,
    C_KEY,
    C_MINER,
    C_NUMBER,
    C_TASK,
    C_SEAL_PROOF,
    C_PRIORITY,
    C_DEADLINE,
    C_NOT_BEFORE,
    C_STATE,
    C_FAILURE,
    C_ERROR,
    C_WORKER,
    C_WORKER_NAME,
    C_LEASE,
    C_TRIES,
    C_STAGE,
    C_DONE,
    C_TOTAL,
    C_CREATED,
    C_STARTED,
    C_ENDED,
    C_RESULT,
    C_PARAMS,
    C_ORDERS,
    C_ONLY_WORKER,
    C_WORK
};
#define COLUMNS                                                                                    \
    "id, key, miner, number, task, seal_proof, priority, deadline_ms, not_before_ms, state, "      \
    "failure, "                                                                                    \
    "error, worker, worker_name, lease, tries, stage, done, total, created_ms, started_ms, "       \
    "ended_ms"
#define VIEW_COLUMNS COLUMNS ", result"
#define ROW_COLUMNS  COLUMNS ", NULL, params, orders, only_worker, work_ms"

static void copy_text(char *out, size_t cap, slk_db_rows_t *rows, int col)
{
    const char *text = slk_db_rows_text(rows, col, NULL);
    snprintf(out, cap, "%s", text ? text : "");
}

/* All but the result. */
static void read_view(slk_job_view_t *view, slk_db_rows_t *rows)
{
    char name[32];
    *view = (slk_job_view_t){.id = slk_db_rows_i64(rows, C_ID),
                             .miner = (uint64_t)slk_db_rows_i64(rows, C_MINER),
                             .number = (uint64_t)slk_db_rows_i64(rows, C_NUMBER),
                             .seal_proof = slk_db_rows_i64(rows, C_SEAL_PROOF),
                             .priority = slk_db_rows_i64(rows, C_PRIORITY),
                             .deadline_ms = slk_db_rows_i64(rows, C_DEADLINE),
                             .not_before_ms = slk_db_rows_i64(rows, C_NOT_BEFORE),
                             .lease = slk_db_rows_i64(rows, C_LEASE),
                             .tries = slk_db_rows_i64(rows, C_TRIES),
                             .done = (uint64_t)slk_db_rows_i64(rows, C_DONE),
                             .total = (uint64_t)slk_db_rows_i64(rows, C_TOTAL),
                             .created_ms = slk_db_rows_i64(rows, C_CREATED),
                             .started_ms = slk_db_rows_i64(rows, C_STARTED),
                             .ended_ms = slk_db_rows_i64(rows, C_ENDED)};
    copy_text(view->key, sizeof view->key, rows, C_KEY);
    copy_text(view->error, sizeof view->error, rows, C_ERROR);
    copy_text(view->worker_id, sizeof view->worker_id, rows, C_WORKER);
    copy_text(view->worker, sizeof view->worker, rows, C_WORKER_NAME);
    copy_text(view->stage, sizeof view->stage, rows, C_STAGE);
    copy_text(name, sizeof name, rows, C_STATE);
    view->state = slk_job_state_from(name);
    copy_text(name, sizeof name, rows, C_TASK);
    if (!slk_task_from_name(&view->task, name))
        view->task = SLK_TASK_CNT;
    copy_text(name, sizeof name, rows, C_FAILURE);
    if (!slk_failure_from_name(&view->failure, name))
        view->failure = SLK_FAILURE_PERMANENT;
}

static slk_err_t check_row(const slk_job_view_t *view, slk_diag_t *diag)
{
    if (view->state != SLK_JOB_NONE && view->task < SLK_TASK_CNT)
        return SLK_OK;
    return slk_fail(
        diag, SLK_ERR_FORMAT,
        "job %lld (%s) of the database has a state or task that this program does not know",
        (long long)view->id, view->key);
}

static slk_err_t find(slk_db_t *db, const char *sql, const slk_val_t *val, slk_job_view_t *view,
                      slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    slk_err_t err = SLK_OK;
    memset(view, 0, sizeof *view);
    SLK_TRY(slk_db_query(&rows, db, sql, val, 1, diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more)
        goto out;
    read_view(view, rows);
    SLK_TRY(check_row(view, diag));
    size_t len = 0;
    const char *result = slk_db_rows_text(rows, C_RESULT, &len);
    if (result && !(view->result = slk_json_load(result, len, 0, NULL)))
        err = slk_fail(diag, SLK_ERR_NOMEM, "the result of job %s cannot be read", view->key);
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_job_find(slk_db_t *db, const char *key, slk_job_view_t *view, slk_diag_t *diag)
{
    const slk_val_t val = slk_val_text(key);
    return find(db, "SELECT " VIEW_COLUMNS " FROM job WHERE key = ?1", &val, view, diag);
}

slk_err_t slk_job_find_id(slk_db_t *db, int64_t id, slk_job_view_t *view, slk_diag_t *diag)
{
    const slk_val_t val = slk_val_i64(id);
    return find(db, "SELECT " VIEW_COLUMNS " FROM job WHERE id = ?1", &val, view, diag);
}

/* --- Rows for the dispatcher ------------------------------------------------------------------ */

void slk_job_row_free(slk_job_row_t *row)
{
    free(row->params);
    free(row->orders);
    row->params = row->orders = NULL;
}

static slk_err_t read_row(slk_job_row_t *row, slk_db_rows_t *rows, slk_diag_t *diag)
{
    const char *params = slk_db_rows_text(rows, C_PARAMS, NULL);
    const char *orders = slk_db_rows_text(rows, C_ORDERS, NULL);
    memset(row, 0, sizeof *row);
    read_view(&row->view, rows);
    copy_text(row->only_worker, sizeof row->only_worker, rows, C_ONLY_WORKER);
    row->work_ms = slk_db_rows_i64(rows, C_WORK);
    row->params = strdup(params);
    row->orders = orders ? strdup(orders) : NULL;
    if (!row->params || (orders && !row->orders)) {
        slk_job_row_free(row);
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for job %s", row->view.key);
    }
    slk_err_t err = check_row(&row->view, diag);
    if (err != SLK_OK)
        slk_job_row_free(row);
    return err;
}

static slk_err_t each(slk_db_t *db, const char *sql, const slk_val_t *vals, size_t cnt,
                      slk_err_t (*fn)(void *ctx, slk_job_row_t *row, slk_diag_t *diag), void *ctx,
                      slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    slk_job_row_t row;
    bool more = true;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_query(&rows, db, sql, vals, cnt, diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        SLK_TRY(read_row(&row, rows, diag));
        err = fn(ctx, &row, diag);
        slk_job_row_free(&row);
        if (err != SLK_OK)
            break;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_job_each_open(slk_db_t *db,
                            slk_err_t (*fn)(void *ctx, slk_job_row_t *row, slk_diag_t *diag),
                            void *ctx, slk_diag_t *diag)
{
    return each(db,
                "SELECT " ROW_COLUMNS " FROM job WHERE state IN ('queued', 'running') ORDER BY id",
                SLK_NO_VALS, fn, ctx, diag);
}

slk_err_t slk_job_each_done(slk_db_t *db, size_t max,
                            slk_err_t (*fn)(void *ctx, slk_job_row_t *row, slk_diag_t *diag),
                            void *ctx, slk_diag_t *diag)
{
    return each(db,
                "SELECT " ROW_COLUMNS " FROM job WHERE state = 'done' ORDER BY id DESC LIMIT ?1",
                SLK_VALS(slk_val_i64((int64_t)max)), fn, ctx, diag);
}

static slk_err_t take_row(void *ctx, slk_job_row_t *row, slk_diag_t *diag)
{
    (void)diag;
    *(slk_job_row_t *)ctx = *row;
    row->params = row->orders = NULL;
    return SLK_OK;
}

slk_err_t slk_job_load(slk_db_t *db, int64_t id, slk_job_row_t *row, slk_diag_t *diag)
{
    memset(row, 0, sizeof *row);
    slk_err_t err = each(db, "SELECT " ROW_COLUMNS " FROM job WHERE id = ?1",
                         SLK_VALS(slk_val_i64(id)), take_row, row, diag);
    if (err == SLK_OK && !row->params)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "there is no job %lld", (long long)id);
    return err;
}

/* --- Small things ----------------------------------------------------------------------------- */

slk_err_t slk_job_ids(slk_db_t *db, const char *sql, const slk_val_t *vals, size_t val_cnt,
                      int64_t *ids, size_t max, size_t *cnt, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    *cnt = 0;
    SLK_TRY(slk_db_query(&rows, db, sql, vals, val_cnt, diag));
    while (*cnt < max) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        ids[(*cnt)++] = slk_db_rows_i64(rows, 0);
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_job_take_news(slk_db_t *db, int64_t *ids, size_t max, size_t *cnt, slk_diag_t *diag)
{
    SLK_ASSERT(slk_db_in_transaction(db));
    slk_err_t err = slk_job_ids(db, "SELECT id FROM job WHERE fresh = 1 ORDER BY id LIMIT ?1",
                                SLK_VALS(slk_val_i64((int64_t)max)), ids, max, cnt, diag);
    for (size_t i = 0; err == SLK_OK && i < *cnt; i++)
        err = slk_db_run(db, "UPDATE job SET fresh = 0 WHERE id = ?1",
                         SLK_VALS(slk_val_i64(ids[i])), NULL, diag);
    return err;
}

slk_err_t slk_job_note_why(slk_db_t *db, int64_t id, const char *why, slk_diag_t *diag)
{
    return slk_db_run(db, "UPDATE job SET error = ?2 WHERE id = ?1 AND state = 'queued'",
                      SLK_VALS(slk_val_i64(id), slk_val_text(why)), NULL, diag);
}

slk_err_t slk_job_note_progress(slk_db_t *db, int64_t id, const char *stage, uint64_t done,
                                uint64_t total, slk_diag_t *diag)
{
    return slk_db_run(
        db, "UPDATE job SET stage = ?2, done = ?3, total = ?4 WHERE id = ?1 AND state = 'running'",
        SLK_VALS(slk_val_i64(id), slk_val_text(stage), slk_val_i64((int64_t)done),
                 slk_val_i64((int64_t)total)),
        NULL, diag);
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

slk_err_t slk_job_typical(slk_db_t *db, slk_task_t task, int64_t seal_proof, bool *found,
                          int64_t *ms, slk_diag_t *diag)
{
    enum { LAST = 32 };
    int64_t took[LAST];
    size_t cnt = 0;
    slk_err_t err =
        slk_job_ids(db,
                    "SELECT ended_ms - started_ms FROM job WHERE task = ?1 AND seal_proof = ?2 "
                    "AND state = 'done' ORDER BY id DESC LIMIT 32",
                    SLK_VALS(slk_val_text(slk_tasks[task].name), slk_val_i64(seal_proof)), took,
                    LAST, &cnt, diag);
    *found = err == SLK_OK && cnt;
    if (*found) {
        qsort(took, cnt, sizeof *took, by_number);
        *ms = took[cnt / 2];
    }
    return err;
}

slk_err_t slk_job_history(slk_db_t *db, uint64_t miner, uint64_t number, size_t max, json_t **list,
                          slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = true;
    slk_err_t err = SLK_OK;
    *list = json_array();
    SLK_TRY(slk_db_query(
        &rows, db,
        "SELECT e.job, j.task, e.at_ms, e.what, e.worker, e.text FROM job_event e JOIN job j "
        "ON j.id = e.job WHERE j.miner = ?1 AND j.number = ?2 ORDER BY e.id DESC LIMIT ?3",
        SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64((int64_t)number),
                 slk_val_i64((int64_t)max)),
        diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        const char *worker = slk_db_rows_text(rows, 4, NULL),
                   *text = slk_db_rows_text(rows, 5, NULL);
        json_t *item = json_pack("{s:I, s:s, s:I, s:s, s:s, s:s}", "Job", slk_db_rows_i64(rows, 0),
                                 "Task", slk_db_rows_text(rows, 1, NULL), "Time",
                                 slk_db_rows_i64(rows, 2), "What", slk_db_rows_text(rows, 3, NULL),
                                 "Worker", worker ? worker : "", "Text", text ? text : "");
        if (json_array_insert_new(*list, 0, item)) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the story of a sector's jobs");
            break;
        }
    }
out:
    slk_db_rows_close(rows);
    if (err != SLK_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return err;
}
