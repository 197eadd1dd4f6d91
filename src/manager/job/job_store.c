#include "manager/job/job_store.h"

#include "base/assert.h"
#include "codec/json.h"
#include "manager/job/job_rows.h"
#include "manager/storage/storage_index.h"
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const first[] = {
    "CREATE TABLE job (id {serial}, key TEXT NOT NULL UNIQUE, miner {i64} NOT NULL, number {i64} "
    "NOT "
    "NULL, task TEXT NOT NULL, seal_proof {i64} NOT NULL, params TEXT NOT NULL, priority {i64} NOT "
    "NULL, deadline_ms {i64} NOT NULL, not_before_ms {i64} NOT NULL, only_worker TEXT, state TEXT "
    "NOT "
    "NULL, failure TEXT, error TEXT, worker TEXT, worker_name TEXT, lease {i64} NOT NULL, tries "
    "{i64} "
    "NOT NULL, orders TEXT, result TEXT, stage TEXT, done {i64} NOT NULL, total {i64} NOT NULL, "
    "created_ms {i64} NOT NULL, started_ms {i64} NOT NULL, ended_ms {i64} NOT NULL, work_ms {i64} "
    "NOT "
    "NULL, used_ms {i64} NOT NULL, fresh {i64} NOT NULL) {strict}",
    "CREATE INDEX job_sector ON job (miner, number)",
    "CREATE INDEX job_open ON job (id) WHERE state IN ('queued', 'running')",
    "CREATE INDEX job_fresh ON job (id) WHERE fresh = 1",
    "CREATE INDEX job_used ON job (used_ms) WHERE used_ms > 0",
    "CREATE INDEX job_measured ON job (task, seal_proof, id) WHERE state = 'done'",
    "CREATE TABLE job_try (job {i64} NOT NULL, failure TEXT NOT NULL, cnt {i64} NOT NULL, PRIMARY "
    "KEY "
    "(job, failure)) {strict}",
    "CREATE TABLE job_event (id {serial}, job {i64} NOT NULL, at_ms {i64} NOT NULL, what TEXT NOT "
    "NULL, "
    "worker TEXT, text TEXT) {strict}",
    "CREATE INDEX job_event_job ON job_event (job)",
    NULL};
static const slk_migration_t migrations[] = {{1, "jobs, their tries and events", first, NULL}};

slk_err_t slk_job_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "job", migrations, SLK_COUNT(migrations), diag);
}

static const char *const state_names[SLK_JOB_STATE_CNT] = {"none", "queued", "running",
                                                           "done", "failed", "dropped"};

const char *slk_job_state_name(slk_job_state_t state)
{
    SLK_ASSERT((unsigned)state < SLK_JOB_STATE_CNT);
    return state_names[state];
}

slk_job_state_t slk_job_state_from(const char *name)
{
    for (unsigned i = 0; i < SLK_JOB_STATE_CNT; i++)
        if (!strcmp(name, state_names[i]))
            return (slk_job_state_t)i;
    return SLK_JOB_NONE;
}

/* What may go away by itself is tried again, for long; input and programs do not get better. */
const slk_job_retry_t slk_job_retries[SLK_FAILURE_CNT] = {
    [SLK_FAILURE_TEMPORARY] = {8, 2000, 300000},
    [SLK_FAILURE_NO_SPACE] = {0, 10000, 600000},
    [SLK_FAILURE_RESTARTED] = {20, 500, 300000},
    [SLK_FAILURE_LOST] = {20, 0, 0},
    [SLK_FAILURE_INPUT] = {1, 0, 0},
    [SLK_FAILURE_PERMANENT] = {1, 0, 0},
    [SLK_FAILURE_CANCELLED] = {1, 0, 0},
};

slk_err_t slk_job_event(slk_db_t *db, int64_t id, const char *what, const char *worker,
                        const char *text, int64_t now_ms, slk_diag_t *diag)
{
    return slk_db_run(
        db, "INSERT INTO job_event (job, at_ms, what, worker, text) VALUES (?1, ?2, ?3, ?4, ?5)",
        SLK_VALS(slk_val_i64(id), slk_val_i64(now_ms), slk_val_text(what), slk_val_text(worker),
                 slk_val_text(text)),
        NULL, diag);
}

/* --- Wanting ---------------------------------------------------------------------------------- */

static slk_err_t insert_job(slk_db_t *db, const slk_job_want_t *want, int64_t now_ms, int64_t *id,
                            slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    bool found = false;
    char *params = want->params ? slk_json_dump(want->params, JSON_COMPACT) : strdup("{}");
    if (!params)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for job %s", want->key);
    SLK_TRY(slk_db_run(
        db,
        "INSERT INTO job (key, miner, number, task, seal_proof, params, priority, deadline_ms, "
        "not_before_ms, only_worker, state, lease, tries, done, total, created_ms, started_ms, "
        "ended_ms, work_ms, used_ms, fresh) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "'queued', "
        "0, 0, 0, 0, ?11, 0, 0, 0, 0, 1)",
        SLK_VALS(slk_val_text(want->key), slk_val_i64((int64_t)want->miner),
                 slk_val_i64((int64_t)want->number), slk_val_text(slk_tasks[want->task].name),
                 slk_val_i64(want->seal_proof), slk_val_text(params), slk_val_i64(want->priority),
                 slk_val_i64(want->deadline_ms), slk_val_i64(want->not_before_ms),
                 slk_val_text(want->only_worker), slk_val_i64(now_ms)),
        NULL, diag));
    SLK_TRY(slk_db_get_i64(db, "SELECT id FROM job WHERE key = ?1",
                           SLK_VALS(slk_val_text(want->key)), &found, id, diag));
    SLK_ASSERT(found);
    SLK_TRY(slk_job_event(db, *id, "queued", NULL, NULL, now_ms, diag));
out:
    free(params);
    return err;
}

slk_err_t slk_job_add(slk_db_t *db, const slk_job_want_t *want, int64_t now_ms, int64_t *id,
                      slk_diag_t *diag)
{
    bool found = false;
    SLK_ASSERT(slk_db_in_transaction(db) && (unsigned)want->task < SLK_TASK_CNT);
    if (!want->key[0] || strlen(want->key) > SLK_JOB_KEY_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "the key of a job must have 1 to %d bytes: %.40s",
                        SLK_JOB_KEY_MAX, want->key);
    slk_err_t err = slk_db_get_i64(db, "SELECT id FROM job WHERE key = ?1",
                                   SLK_VALS(slk_val_text(want->key)), &found, id, diag);
    return err != SLK_OK || found ? err : insert_job(db, want, now_ms, id, diag);
}

slk_err_t slk_job_drop(slk_db_t *db, uint64_t miner, uint64_t number, const char *but,
                       int64_t now_ms, slk_diag_t *diag)
{
#define OPEN_ONES "miner = ?1 AND number = ?2 AND key <> ?3 AND state IN ('queued', 'running')"
    static const char *const statements[] = {
        "DELETE FROM space_reserved WHERE job IN (SELECT id FROM job WHERE " OPEN_ONES ")",
        "INSERT INTO job_event (job, at_ms, what) SELECT id, ?4, 'dropped' FROM job "
        "WHERE " OPEN_ONES,
        "UPDATE job SET used_ms = ?4 WHERE miner = ?1 AND number = ?2 AND key <> ?3 AND used_ms = "
        "0 AND "
        "state IN ('done', 'failed')",
        "UPDATE job SET state = 'dropped', ended_ms = ?4, used_ms = ?4, fresh = 1 "
        "WHERE " OPEN_ONES};
#undef OPEN_ONES
    const slk_val_t vals[] = {slk_val_i64((int64_t)miner), slk_val_i64((int64_t)number),
                              slk_val_text(but ? but : ""), slk_val_i64(now_ms)};
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(statements); i++)
        err =
            slk_db_run(db, statements[i], vals, i ? 4 : 3, NULL, diag); /* the first has no time */
    return err;
}

slk_err_t slk_job_drop_key(slk_db_t *db, const char *key, int64_t now_ms, slk_diag_t *diag)
{
    static const char *const statements[] = {
        "DELETE FROM space_reserved WHERE job IN (SELECT id FROM job WHERE key = ?1 AND state IN "
        "('queued', 'running'))",
        "INSERT INTO job_event (job, at_ms, what) SELECT id, ?2, 'dropped' FROM job "
        "WHERE key = ?1 AND state IN ('queued', 'running')",
        "UPDATE job SET used_ms = ?2 WHERE key = ?1 AND used_ms = 0 AND state IN ('done', "
        "'failed')",
        "UPDATE job SET state = 'dropped', ended_ms = ?2, used_ms = ?2, fresh = 1 WHERE key = ?1 "
        "AND state IN ('queued', 'running')"};
    const slk_val_t vals[] = {slk_val_text(key), slk_val_i64(now_ms)};
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(statements); i++)
        err = slk_db_run(db, statements[i], vals, i ? 2 : 1, NULL, diag);
    return err;
}

/* --- Fencing ---------------------------------------------------------------------------------- */

/* The job of a claim, when the claim is the last one that was given for it. */
static slk_err_t look_up(slk_db_t *db, const slk_job_claim_t *claim, bool *holds,
                         slk_job_view_t *view, slk_diag_t *diag)
{
    *holds = false;
    slk_err_t err = slk_job_find_id(db, claim->id, view, diag);
    if (err == SLK_OK && view->state != SLK_JOB_NONE)
        *holds = view->lease == claim->lease && claim->lease > 0 &&
                 !strcmp(view->worker_id, claim->worker);
    json_decref(view->result);
    view->result = NULL;
    return err;
}

static bool is_open(const slk_job_view_t *view)
{
    return view->state == SLK_JOB_QUEUED || view->state == SLK_JOB_RUNNING;
}

slk_err_t slk_job_assign(slk_db_t *db, int64_t id, const char *worker, const char *worker_name,
                         const char *orders, int64_t now_ms, slk_taken_t *taken, int64_t *lease,
                         slk_diag_t *diag)
{
    int64_t changed = 0;
    bool found = false;
    SLK_ASSERT(slk_db_in_transaction(db));
    *taken = SLK_TAKEN_NOT;
    slk_err_t err =
        slk_db_run(db,
                   "UPDATE job SET state = 'running', worker = ?2, worker_name = ?3, orders = ?4, "
                   "lease = lease + "
                   "1, tries = tries + 1, started_ms = ?5, stage = NULL, done = 0, total = 0, "
                   "error = NULL WHERE "
                   "id = ?1 AND state = 'queued'",
                   SLK_VALS(slk_val_i64(id), slk_val_text(worker), slk_val_text(worker_name),
                            slk_val_text(orders), slk_val_i64(now_ms)),
                   &changed, diag);
    if (err != SLK_OK || !changed)
        return err;
    *taken = SLK_TAKEN_NOW;
    err = slk_db_get_i64(db, "SELECT lease FROM job WHERE id = ?1", SLK_VALS(slk_val_i64(id)),
                         &found, lease, diag);
    return err != SLK_OK ? err : slk_job_event(db, id, "assigned", worker_name, NULL, now_ms, diag);
}

slk_err_t slk_job_continue(slk_db_t *db, const slk_job_claim_t *claim, int64_t now_ms,
                           slk_taken_t *taken, slk_diag_t *diag)
{
    slk_job_view_t view;
    bool holds = false;
    SLK_ASSERT(slk_db_in_transaction(db));
    *taken = SLK_TAKEN_NOT;
    slk_err_t err = look_up(db, claim, &holds, &view, diag);
    if (err != SLK_OK || !holds || !is_open(&view))
        return err;
    *taken = view.state == SLK_JOB_RUNNING ? SLK_TAKEN_BEFORE : SLK_TAKEN_NOW;
    if (view.state == SLK_JOB_RUNNING)
        return SLK_OK;
    err = slk_db_run(db, "UPDATE job SET state = 'running', error = NULL WHERE id = ?1",
                     SLK_VALS(slk_val_i64(claim->id)), NULL, diag);
    return err != SLK_OK
               ? err
               : slk_job_event(db, claim->id, "continued", view.worker, NULL, now_ms, diag);
}

/* --- Ends ------------------------------------------------------------------------------------- */

/* What follows a row that now says done or failed, in the same transaction. */
static slk_err_t after_end(slk_db_t *db, int64_t id, const char *what, const char *text,
                           int64_t now_ms, const slk_job_hooks_t *hooks, slk_diag_t *diag)
{
    slk_job_view_t view = {.result = NULL};
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_storage_release(db, id, diag));
    SLK_TRY(slk_job_find_id(db, id, &view, diag));
    SLK_TRY(slk_job_event(db, id, what, view.worker, text, now_ms, diag));
    if (hooks && hooks->ended)
        SLK_TRY(hooks->ended(hooks->ctx, db, &view, now_ms, diag));
out:
    json_decref(view.result);
    return err;
}

slk_err_t slk_job_done(slk_db_t *db, const slk_job_claim_t *claim, const char *result, size_t len,
                       int64_t work_ms, int64_t now_ms, const slk_job_hooks_t *hooks,
                       slk_taken_t *taken, slk_diag_t *diag)
{
    slk_job_view_t view;
    bool holds = false;
    SLK_ASSERT(slk_db_in_transaction(db));
    *taken = SLK_TAKEN_NOT;
    slk_err_t err = look_up(db, claim, &holds, &view, diag);
    if (err != SLK_OK || !holds)
        return err;
    if (view.state == SLK_JOB_DONE)
        *taken = SLK_TAKEN_BEFORE;
    if (!is_open(&view))
        return SLK_OK;
    *taken = SLK_TAKEN_NOW;
    const slk_val_t text = {.type = SLK_VAL_TEXT, .bytes = result, .len = len};
    err = slk_db_run(
        db,
        "UPDATE job SET state = 'done', failure = NULL, error = NULL, result = ?2, ended_ms "
        "= ?3, work_ms = ?4 WHERE id = ?1",
        SLK_VALS(slk_val_i64(claim->id), text, slk_val_i64(now_ms), slk_val_i64(work_ms)), NULL,
        diag);
    return err != SLK_OK ? err : after_end(db, claim->id, "done", NULL, now_ms, hooks, diag);
}

static slk_err_t end_failed(slk_db_t *db, int64_t id, slk_failure_t failure, const char *what,
                            const char *error, const char *text, int64_t now_ms,
                            const slk_job_hooks_t *hooks, slk_diag_t *diag)
{
    slk_err_t err = slk_db_run(
        db,
        "UPDATE job SET state = 'failed', failure = ?2, error = ?3, ended_ms = ?4 WHERE id = ?1",
        SLK_VALS(slk_val_i64(id), slk_val_text(slk_failure_name(failure)), slk_val_text(error),
                 slk_val_i64(now_ms)),
        NULL, diag);
    return err != SLK_OK ? err : after_end(db, id, what, text, now_ms, hooks, diag);
}

static int64_t pause_of(const slk_job_retry_t *retry, int64_t cnt)
{
    int64_t pause = retry->pause_ms;
    for (int64_t i = 1; i < cnt && pause < retry->pause_max_ms; i++)
        pause *= 2;
    return pause < retry->pause_max_ms ? pause : retry->pause_max_ms;
}

/* Tries of the job that ended so, this one included. */
static slk_err_t count_try(slk_db_t *db, int64_t id, slk_failure_t failure, int64_t *cnt,
                           slk_diag_t *diag)
{
    bool found = false;
    const slk_val_t name = slk_val_text(slk_failure_name(failure));
    slk_err_t err =
        slk_db_run(db,
                   "INSERT INTO job_try (job, failure, cnt) VALUES (?1, ?2, 1) ON CONFLICT (job, "
                   "failure) DO UPDATE SET cnt = job_try.cnt + 1",
                   SLK_VALS(slk_val_i64(id), name), NULL, diag);
    if (err == SLK_OK)
        err = slk_db_get_i64(db, "SELECT cnt FROM job_try WHERE job = ?1 AND failure = ?2",
                             SLK_VALS(slk_val_i64(id), name), &found, cnt, diag);
    return err;
}

/* keep: the worker's claim stays good until another gets the job. */
static slk_err_t queue_again(slk_db_t *db, int64_t id, slk_failure_t failure, const char *error,
                             int64_t not_before_ms, bool keep, slk_diag_t *diag)
{
    slk_err_t err = slk_storage_release(db, id, diag);
    return err != SLK_OK
               ? err
               : slk_db_run(db,
                            keep ? "UPDATE job SET state = 'queued', failure = ?2, error = ?3, "
                                   "not_before_ms = ?4 WHERE id = ?1"
                                 : "UPDATE job SET state = 'queued', failure = ?2, error = ?3, "
                                   "not_before_ms = ?4, worker = NULL WHERE id = ?1",
                            SLK_VALS(slk_val_i64(id), slk_val_text(slk_failure_name(failure)),
                                     slk_val_text(error), slk_val_i64(not_before_ms)),
                            NULL, diag);
}

static slk_err_t end_try(slk_db_t *db, const slk_job_view_t *view, slk_failure_t failure,
                         const char *what, const char *error, const char *detail, int64_t now_ms,
                         const slk_job_hooks_t *hooks, bool *again, slk_diag_t *diag)
{
    const slk_job_retry_t *retry = &slk_job_retries[failure];
    char text[2 * SLK_JOB_ERROR_MAX + 4096];
    int64_t cnt = 0;
    slk_err_t err = count_try(db, view->id, failure, &cnt, diag);
    if (err != SLK_OK)
        return err;
    *again = !retry->tries || cnt < retry->tries;
    snprintf(text, sizeof text, "%s: %.*s%s%.*s", slk_failure_name(failure), SLK_JOB_ERROR_MAX,
             error, detail && *detail ? "\n" : "", 4096, detail ? detail : "");
    if (!*again)
        return end_failed(db, view->id, failure, what, error, text, now_ms, hooks, diag);
    err = slk_job_event(db, view->id, what, view->worker, text, now_ms, diag);
    return err != SLK_OK ? err
                         : queue_again(db, view->id, failure, error, now_ms + pause_of(retry, cnt),
                                       failure == SLK_FAILURE_LOST, diag);
}

slk_err_t slk_job_failed(slk_db_t *db, const slk_job_claim_t *claim, slk_failure_t failure,
                         const char *error, const char *detail, int64_t now_ms,
                         const slk_job_hooks_t *hooks, slk_taken_t *taken, bool *again,
                         slk_diag_t *diag)
{
    slk_job_view_t view;
    bool holds = false;
    SLK_ASSERT(slk_db_in_transaction(db) && (unsigned)failure < SLK_FAILURE_CNT);
    *taken = SLK_TAKEN_NOT;
    *again = false;
    slk_err_t err = look_up(db, claim, &holds, &view, diag);
    if (err != SLK_OK || !holds)
        return err;
    if (view.state == SLK_JOB_FAILED)
        *taken = SLK_TAKEN_BEFORE;
    if (!is_open(&view))
        return SLK_OK;
    *taken = SLK_TAKEN_NOW;
    return end_try(db, &view, failure, "failed", error, detail, now_ms, hooks, again, diag);
}

slk_err_t slk_job_lost(slk_db_t *db, const slk_job_claim_t *claim, int64_t now_ms,
                       const slk_job_hooks_t *hooks, slk_taken_t *taken, slk_diag_t *diag)
{
    slk_job_view_t view;
    bool holds = false, again = false;
    char error[256];
    SLK_ASSERT(slk_db_in_transaction(db));
    *taken = SLK_TAKEN_NOT;
    slk_err_t err = look_up(db, claim, &holds, &view, diag);
    if (err != SLK_OK || !holds || view.state != SLK_JOB_RUNNING)
        return err;
    *taken = SLK_TAKEN_NOW;
    snprintf(error, sizeof error, "worker %s was not heard of for a whole lease", view.worker);
    return end_try(db, &view, SLK_FAILURE_LOST, "lost", error, NULL, now_ms, hooks, &again, diag);
}

slk_err_t slk_job_abort(slk_db_t *db, int64_t id, const char *why, int64_t now_ms,
                        const slk_job_hooks_t *hooks, slk_diag_t *diag)
{
    slk_job_view_t view;
    SLK_ASSERT(slk_db_in_transaction(db));
    slk_err_t err = slk_job_find_id(db, id, &view, diag);
    if (err != SLK_OK)
        return err;
    json_decref(view.result);
    if (view.state == SLK_JOB_NONE)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "there is no job %lld", (long long)id);
    if (!is_open(&view))
        return slk_fail(diag, SLK_ERR_STATE, "job %lld is %s already", (long long)id,
                        slk_job_state_name(view.state));
    return end_failed(db, id, SLK_FAILURE_CANCELLED, "aborted", why, why, now_ms, hooks, diag);
}

/* --- Purge ------------------------------------------------------------------------------------ */

slk_err_t slk_job_purge(slk_db_t *db, int64_t before_ms, int64_t *ids, size_t max, size_t *cnt,
                        slk_diag_t *diag)
{
    static const char *const statements[] = {"DELETE FROM job_event WHERE job = ?1",
                                             "DELETE FROM job_try WHERE job = ?1",
                                             "DELETE FROM job WHERE id = ?1"};
    SLK_ASSERT(slk_db_in_transaction(db));
    slk_err_t err = slk_job_ids(
        db, "SELECT id FROM job WHERE used_ms > 0 AND used_ms < ?1 ORDER BY id LIMIT ?2",
        SLK_VALS(slk_val_i64(before_ms), slk_val_i64((int64_t)max)), ids, max, cnt, diag);
    for (size_t i = 0; err == SLK_OK && i < *cnt; i++)
        for (size_t j = 0; err == SLK_OK && j < SLK_COUNT(statements); j++)
            err = slk_db_run(db, statements[j], SLK_VALS(slk_val_i64(ids[i])), NULL, diag);
    return err;
}
