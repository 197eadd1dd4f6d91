#include "manager/sector/sector_store.h"

#include "base/assert.h"
#include "manager/sector/numbers.h"
#include "manager/sector/sector_rows.h"

#include <stdlib.h>
#include <string.h>

/* --- Rows ------------------------------------------------------------------------------------------ */

static slk_err_t not_found(slk_db_t *db, uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOTFOUND, "no sector %llu of f0%llu in %s",
                    (unsigned long long)number, (unsigned long long)miner, slk_db_name(db));
}

static slk_err_t changed_meanwhile(uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_STATE,
                    "sector %llu of f0%llu changed meanwhile: decide again from what it is now",
                    (unsigned long long)number, (unsigned long long)miner);
}

#define COLUMNS                                                                                    \
    "s.state, s.visit, s.version, s.created_ms, s.updated_ms, s.due_ms, s.wait_epoch, "            \
    "s.wait_job, s.batch, s.batch_cutoff, s.batch_since_ms, s.trouble, s.why"
enum { RECORD_COLUMN = 13 };

static slk_err_t read_row(slk_db_rows_t *rows, slk_sector_row_t *row, slk_diag_t *diag)
{
    const char *state = slk_db_rows_text(rows, 0, NULL), *job = slk_db_rows_text(rows, 7, NULL);
    if (!slk_sector_state_from_name(&row->state, state))
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "sector %llu of f0%llu has state \"%.64s\", which this program does not "
                        "know: was a newer one here?",
                        (unsigned long long)row->number, (unsigned long long)row->miner, state);
    row->visit = (uint64_t)slk_db_rows_i64(rows, 1);
    row->version = slk_db_rows_i64(rows, 2);
    row->created_ms = slk_db_rows_i64(rows, 3);
    row->updated_ms = slk_db_rows_i64(rows, 4);
    row->due_ms = slk_db_rows_is_null(rows, 5) ? SLK_SECTOR_NEVER : slk_db_rows_i64(rows, 5);
    row->wait_epoch = slk_db_rows_i64(rows, 6);
    snprintf(row->wait_job, sizeof row->wait_job, "%s", job ? job : "");
    row->batch = slk_db_rows_is_null(rows, 8) ? SLK_SECTOR_NO_BATCH : (int)slk_db_rows_i64(rows, 8);
    row->batch_cutoff = slk_db_rows_i64(rows, 9);
    row->batch_since_ms = slk_db_rows_i64(rows, 10);
    row->trouble = slk_db_rows_i64(rows, 11);
    snprintf(row->why, sizeof row->why, "%s", slk_db_rows_text(rows, 12, NULL));
    return SLK_OK;
}

static slk_err_t read_record(slk_db_rows_t *rows, slk_arena_t *arena, slk_sector_row_t *row,
                             slk_diag_t *diag)
{
    size_t len;
    const char *text = slk_db_rows_text(rows, RECORD_COLUMN, &len);
    row->info = slk_arena_alloc(arena, sizeof *row->info);
    if (!row->info)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a sector's record");
    return slk_sector_info_from_text(row->info, text, len, arena, diag);
}

slk_err_t slk_sector_load(slk_db_t *db, uint64_t miner, uint64_t number, slk_arena_t *arena,
                          slk_sector_row_t *row, slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    *row = (slk_sector_row_t){.miner = miner, .number = number};
    slk_err_t err = slk_db_query(
        &rows, db,
        arena ? "SELECT " COLUMNS ", r.record FROM sector s JOIN sector_record r ON "
                "r.miner = s.miner AND r.number = s.number WHERE s.miner = ?1 AND s.number = ?2"
              : "SELECT " COLUMNS " FROM sector s WHERE s.miner = ?1 AND s.number = ?2",
        SLK_VALS(SLK_SECTOR_KEY(miner, number)), diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more) {
        err = not_found(db, miner, number, diag);
        goto out;
    }
    SLK_TRY(read_row(rows, row, diag));
    if (arena)
        SLK_TRY(read_record(rows, arena, row, diag));
out:
    slk_db_rows_close(rows);
    return err;
}

/* --- Steps ----------------------------------------------------------------------------------------- */

static bool has_deals(const slk_sector_piece_list_t *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].deal_info)
            return true;
    return false;
}

/* Lower comes first in slk_sector_due. */
static int64_t urgency(const slk_sector_info_t *info)
{
    static const int64_t classes[SLK_CLASS_CNT] = {[SLK_CLASS_STAGING] = 1,
                                                   [SLK_CLASS_SEALING] = 1,
                                                   [SLK_CLASS_FAILED] = 2,
                                                   [SLK_CLASS_PROVING] = SLK_SECTOR_URGENCIES - 1,
                                                   [SLK_CLASS_ENDING] = SLK_SECTOR_URGENCIES - 1};
    slk_state_class_t class = slk_sector_state_class(slk_sector_state(info));
    if (class == SLK_CLASS_SEALING && has_deals(&info->pieces))
        return 0;
    return classes[class];
}

static slk_err_t store_record(slk_db_t *db, const slk_sector_info_t *info, slk_diag_t *diag)
{
    char *text = NULL;
    slk_err_t err = slk_sector_info_to_text(&text, info, diag);
    if (err == SLK_OK)
        err = slk_db_run(
            db,
            "INSERT INTO sector_record (miner, number, record) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (miner, number) DO UPDATE SET record = excluded.record",
            SLK_VALS(SLK_SECTOR_KEY(info->miner, info->sector_number), slk_val_text(text)), NULL,
            diag);
    free(text);
    return err;
}

static bool text_eq(slk_bytes_t a, slk_bytes_t b)
{
    return a.len == b.len && (!a.len || memcmp(a.b, b.b, a.len) == 0);
}

/* The sector is woken by the messages that its record came to name. */
static slk_err_t store_messages(slk_db_t *db, const slk_sector_info_t *before,
                                const slk_sector_info_t *after, slk_arena_t *arena,
                                slk_diag_t *diag)
{
    const slk_bytes_t keys[][2] = {{before->pre_commit_key, after->pre_commit_key},
                                   {before->commit_key, after->commit_key},
                                   {before->terminate_key, after->terminate_key}};
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(keys); i++) {
        if (!keys[i][1].len || text_eq(keys[i][0], keys[i][1]))
            continue;
        const char *key = slk_arena_text(arena, (const char *)keys[i][1].b, keys[i][1].len);
        if (!key)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a message's key");
        err = slk_db_run(
            db,
            "INSERT INTO sector_message (key, miner, number) VALUES (?3, ?1, ?2) "
            "ON CONFLICT (key, miner, number) DO NOTHING",
            SLK_VALS(SLK_SECTOR_KEY(after->miner, after->sector_number), slk_val_text(key)), NULL,
            diag);
    }
    return err;
}

static slk_err_t call_hooks(slk_db_t *db, const slk_sector_hooks_t *hooks,
                            const slk_sector_change_t *change, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; hooks && err == SLK_OK && i < hooks->cnt; i++)
        err = hooks->rows[i].fn(db, change, hooks->rows[i].ctx, diag);
    return err;
}

/* A step that was taken: record, row, messages. */
static slk_err_t store_taken(slk_db_t *db, const slk_sector_row_t *row,
                             const slk_sector_change_t *change, slk_arena_t *arena,
                             slk_diag_t *diag)
{
    const slk_sector_info_t *info = change->after;
    bool entered = change->before->visit != info->visit;
    int64_t changed = 0;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_run(
        db,
        entered ? "UPDATE sector SET version = version + 1, updated_ms = ?3, due_ms = ?3, "
                  "state = ?5, urgency = ?6, visit = ?7, wait_epoch = NULL, wait_job = NULL, "
                  "batch = NULL, batch_cutoff = NULL, batch_since_ms = NULL, trouble = 0, why = '' "
                  "WHERE miner = ?1 AND number = ?2 AND version = ?4"
                : "UPDATE sector SET version = version + 1, updated_ms = ?3, due_ms = ?3, "
                  "state = ?5, urgency = ?6, visit = ?7 "
                  "WHERE miner = ?1 AND number = ?2 AND version = ?4",
        SLK_VALS(SLK_SECTOR_KEY(row->miner, row->number), slk_val_i64(change->now_ms),
                 slk_val_i64(row->version),
                 slk_val_text(slk_sector_state_name(slk_sector_state(info))),
                 slk_val_i64(urgency(info)), slk_val_i64((int64_t)info->visit)),
        &changed, diag));
    if (changed != 1) {
        err = changed_meanwhile(row->miner, row->number, diag);
        goto out;
    }
    if (change->event->type != SLK_EVENT_RESTART)
        SLK_TRY(store_record(db, info, diag));
    SLK_TRY(store_messages(db, change->before, info, arena, diag));
out:
    return err;
}

slk_err_t slk_sector_store_step(slk_db_t *db, uint64_t miner, uint64_t number,
                                int64_t expected_version, const slk_event_t *event, int64_t now_ms,
                                const slk_sector_hooks_t *hooks, slk_arena_t *arena,
                                slk_sector_outcome_t *outcome, slk_diag_t *diag)
{
    slk_sector_row_t row;
    slk_sector_info_t before;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    *outcome = (slk_sector_outcome_t){0};
    SLK_TRY(slk_sector_load(db, miner, number, arena, &row, diag));
    if (expected_version != SLK_SECTOR_ANY_VERSION && expected_version != row.version)
        return changed_meanwhile(miner, number, diag);

    before = *row.info;
    outcome->info = row.info;
    outcome->from = row.state;
    outcome->version = row.version;
    SLK_TRY(slk_sector_step(row.info, event, now_ms, arena, &outcome->step, &outcome->why));
    outcome->to = slk_sector_state(row.info);
    outcome->visit = row.info->visit;
    slk_sector_change_t change = {
        .event = event, .before = &before, .after = row.info, .now_ms = now_ms};
    if (outcome->step == SLK_STEP_TAKEN) {
        SLK_TRY(store_taken(db, &row, &change, arena, diag));
        outcome->version++;
    }
    SLK_TRY(slk_sector_log_event(db, event, outcome, now_ms, arena, diag));
    if (before.visit != row.info->visit)
        SLK_TRY(call_hooks(db, hooks, &change, diag));
out:
    return err;
}

slk_err_t slk_sector_create(slk_db_t *db, const slk_event_t *event, int64_t now_ms,
                            const slk_sector_hooks_t *hooks, slk_arena_t *arena,
                            slk_sector_outcome_t *outcome, slk_diag_t *diag)
{
    slk_sector_info_t before = {0};
    int64_t changed = 0;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    SLK_ASSERT(event->type == SLK_EVENT_START || event->type == SLK_EVENT_START_CC ||
               event->type == SLK_EVENT_RECEIVE);
    *outcome =
        (slk_sector_outcome_t){.info = slk_arena_alloc(arena, sizeof *outcome->info), .version = 1};
    slk_sector_info_t *info = outcome->info;
    if (!info)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a sector's record");
    SLK_TRY(slk_sector_step(info, event, now_ms, arena, &outcome->step, &outcome->why));
    if (outcome->step != SLK_STEP_TAKEN)
        return slk_fail(diag, SLK_ERR_INPUT, "%s", outcome->why.text);
    outcome->to = slk_sector_state(info);
    outcome->visit = info->visit;

    SLK_TRY(slk_numbers_claim(db, info->miner, info->sector_number, diag));
    SLK_TRY(slk_db_run(
        db,
        "INSERT INTO sector (miner, number, state, urgency, visit, version, created_ms, "
        "updated_ms, due_ms, trouble, log_cnt, why) "
        "VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?6, 0, 0, '') "
        "ON CONFLICT (miner, number) DO NOTHING",
        SLK_VALS(SLK_SECTOR_KEY(info->miner, info->sector_number),
                 slk_val_text(slk_sector_state_name(outcome->to)), slk_val_i64(urgency(info)),
                 slk_val_i64((int64_t)info->visit), slk_val_i64(now_ms)),
        &changed, diag));
    if (!changed) {
        err = slk_fail(diag, SLK_ERR_MISMATCH, "there is a sector %llu of f0%llu already in %s",
                       (unsigned long long)info->sector_number, (unsigned long long)info->miner,
                       slk_db_name(db));
        goto out;
    }
    slk_sector_change_t change = {
        .event = event, .before = &before, .after = info, .now_ms = now_ms};
    SLK_TRY(store_record(db, info, diag));
    SLK_TRY(store_messages(db, &before, info, arena, diag));
    SLK_TRY(slk_sector_log_event(db, event, outcome, now_ms, arena, diag));
    SLK_TRY(call_hooks(db, hooks, &change, diag));
out:
    return err;
}

/* --- Decisions ------------------------------------------------------------------------------------- */

int64_t slk_sector_back_off_ms(int64_t trouble, uint64_t number)
{
    enum { FIRST_MS = 5000, LAST_MS = 600000 };
    int64_t ms = FIRST_MS;
    for (int64_t i = 1; i < trouble && ms < LAST_MS; i++)
        ms *= 2;
    if (ms > LAST_MS)
        ms = LAST_MS;
    /* Knuth's multiplier spreads neighbouring numbers. */
    return ms + (int64_t)(((number * 0x9e3779b97f4a7c15u) >> 32) % (uint64_t)(ms / 4 + 1));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due_of(const slk_sector_wait_t *wait, int64_t trouble, uint64_t number,
                      int64_t now_ms)
{
    int64_t due = now_ms + SLK_SECTOR_LOOK_AGAIN_MS;
    if (wait->until_ms)
        due = earlier(due, wait->until_ms);
    if (!trouble)
        return due;
    int64_t again = now_ms + slk_sector_back_off_ms(trouble, number);
    return wait->until_ms > again ? due : again;
}

slk_err_t slk_sector_store_wait(slk_db_t *db, uint64_t miner, uint64_t number,
                                int64_t expected_version, const slk_sector_wait_t *wait,
                                int64_t now_ms, slk_diag_t *diag)
{
    const slk_val_t none = slk_val_null();
    bool candidate = wait->batch != SLK_SECTOR_NO_BATCH;
    int64_t changed = 0;
    slk_sector_row_t row;
    slk_err_t err = slk_sector_load(db, miner, number, NULL, &row, diag);
    if (err != SLK_OK)
        return err;
    if (expected_version != SLK_SECTOR_ANY_VERSION && expected_version != row.version)
        return changed_meanwhile(miner, number, diag);

    int64_t trouble = wait->trouble && !wait->rest ? row.trouble + 1 : 0;
    int64_t since = row.batch == wait->batch ? row.batch_since_ms : now_ms;
    slk_arena_t arena;
    slk_arena_init(&arena, SLK_SECTOR_WHY_MAX);
    const char *why = slk_sector_text(&arena, wait->why, SLK_SECTOR_WHY_MAX - 1);
    if (!why)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for why a sector waits");
    SLK_ASSERT(!wait->job || strlen(wait->job) < SLK_SECTOR_JOB_MAX);
    err = slk_db_run(
        db,
        "UPDATE sector SET version = version + 1, updated_ms = ?4, due_ms = ?5, wait_epoch = ?6, "
        "wait_job = ?7, batch = ?8, batch_cutoff = ?9, batch_since_ms = ?10, trouble = ?11, "
        "why = ?12 WHERE miner = ?1 AND number = ?2 AND version = ?3",
        SLK_VALS(SLK_SECTOR_KEY(miner, number), slk_val_i64(row.version), slk_val_i64(now_ms),
                 wait->rest ? none : slk_val_i64(due_of(wait, trouble, number, now_ms)),
                 wait->rest || !wait->until_epoch ? none : slk_val_i64(wait->until_epoch),
                 wait->rest ? none : slk_val_text(wait->job),
                 candidate ? slk_val_i64(wait->batch) : none,
                 candidate ? slk_val_i64(wait->batch_cutoff) : none,
                 candidate ? slk_val_i64(since) : none, slk_val_i64(trouble), slk_val_text(why)),
        &changed, diag);
    slk_arena_free(&arena);
    return err == SLK_OK && changed != 1 ? changed_meanwhile(miner, number, diag) : err;
}
