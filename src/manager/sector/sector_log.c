#include "manager/sector/sector_rows.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of an event's fields this much is kept. */
#define CUT "... truncated"
enum { LOG_MAX = 8000, LOG_HEAD = 2000, LOG_TAIL = 2000 };

/* --- Adding ---------------------------------------------------------------------------------------- */

/* Entry number LOG_HEAD says that what follows up to the last LOG_TAIL is gone. */
static slk_err_t truncate_log(slk_db_t *db, uint64_t miner, uint64_t number, int64_t cnt,
                              slk_diag_t *diag)
{
    int64_t drop = cnt - LOG_HEAD - LOG_TAIL - 1, changed = 0;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_db_run(db,
                       "UPDATE sector_log SET kind = 'truncate', event = '', trace = '', "
                       "message = 'truncating log (above 8000 entries)' WHERE id = (SELECT id FROM "
                       "sector_log WHERE miner = ?1 AND number = ?2 ORDER BY id LIMIT 1 OFFSET ?3)",
                       SLK_VALS(SLK_SECTOR_KEY(miner, number), slk_val_i64(LOG_HEAD)), NULL, diag));
    SLK_TRY(slk_db_run(
        db,
        "DELETE FROM sector_log WHERE id IN (SELECT id FROM sector_log WHERE "
        "miner = ?1 AND number = ?2 ORDER BY id LIMIT ?3 OFFSET ?4)",
        SLK_VALS(SLK_SECTOR_KEY(miner, number), slk_val_i64(drop), slk_val_i64(LOG_HEAD + 1)),
        &changed, diag));
    SLK_TRY(slk_db_run(db, "UPDATE sector SET log_cnt = ?3 WHERE miner = ?1 AND number = ?2",
                       SLK_VALS(SLK_SECTOR_KEY(miner, number), slk_val_i64(cnt - changed)), NULL,
                       diag));
out:
    return err;
}

slk_err_t slk_sector_log_add(slk_db_t *db, const slk_sector_log_t *entry, slk_diag_t *diag)
{
    bool found;
    int64_t cnt = 0;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(slk_db_in_transaction(db));
    SLK_TRY(
        slk_db_run(db,
                   "INSERT INTO sector_log (miner, number, at_ms, kind, event, from_state, "
                   "to_state, message, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   SLK_VALS(SLK_SECTOR_KEY(entry->miner, entry->number), slk_val_i64(entry->at_ms),
                            slk_val_text(entry->kind), slk_val_text(entry->event),
                            slk_val_text(slk_sector_state_name(entry->from)),
                            slk_val_text(slk_sector_state_name(entry->to)),
                            slk_val_text(entry->message), slk_val_text(entry->trace)),
                   NULL, diag));
    SLK_TRY(slk_db_get_i64(db,
                           "UPDATE sector SET log_cnt = log_cnt + 1 WHERE miner = ?1 AND "
                           "number = ?2 RETURNING log_cnt",
                           SLK_VALS(SLK_SECTOR_KEY(entry->miner, entry->number)), &found, &cnt,
                           diag));
    if (!found)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "no sector s-t0%llu-%llu in %s",
                       (unsigned long long)entry->miner, (unsigned long long)entry->number,
                       slk_db_name(db));
    else if (cnt > LOG_MAX)
        err = truncate_log(db, entry->miner, entry->number, cnt, diag);
out:
    return err;
}

/* The event's fields as text, cut. */
static slk_err_t fields_of(const slk_event_t *event, slk_arena_t *arena, const char **out,
                           slk_diag_t *diag)
{
    json_t *json = NULL;
    slk_err_t err = slk_event_to_json(&json, event, diag);
    if (err != SLK_OK)
        return err;
    char *text = slk_json_dump(json, JSON_COMPACT);
    json_decref(json);
    const char *kept = text ? slk_sector_text(arena, text, SLK_SECTOR_TEXT_MAX) : NULL;
    if (kept && strlen(text) > SLK_SECTOR_TEXT_MAX) {
        char *cut = slk_arena_alloc(arena, strlen(kept) + sizeof CUT);
        if (cut)
            sprintf(cut, "%s%s", kept, CUT);
        kept = cut;
    }
    free(text);
    *out = kept;
    return kept ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log entry");
}

slk_err_t slk_sector_log_event(slk_db_t *db, const slk_event_t *event,
                               const slk_sector_outcome_t *outcome, int64_t now_ms,
                               slk_arena_t *arena, slk_diag_t *diag)
{
    char kind[96];
    slk_sector_log_t entry = {.miner = outcome->info->miner,
                              .number = outcome->info->sector_number,
                              .at_ms = now_ms,
                              .kind = kind,
                              .event = slk_event_name(event->type),
                              .from = outcome->from,
                              .to = outcome->to,
                              .trace = slk_sector_text(arena, event->text, SLK_SECTOR_TEXT_MAX)};
    char message[sizeof outcome->why.text + 32];
    if (event->type == SLK_EVENT_RESTART) /* would be all there is to read */
        return SLK_OK;
    if (!entry.trace)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log entry");
    if (outcome->step == SLK_STEP_REFUSED) {
        strcpy(kind, "error;refused");
        snprintf(message, sizeof message, "state machine error: %s", outcome->why.text);
        entry.message = message;
    } else {
        snprintf(kind, sizeof kind, "event;sealing.%s", entry.event);
        slk_err_t err = fields_of(event, arena, &entry.message, diag);
        if (err != SLK_OK)
            return err;
    }
    return slk_sector_log_add(db, &entry, diag);
}

slk_err_t slk_sector_log_note(slk_db_t *db, uint64_t miner, uint64_t number, const char *kind,
                              const char *message, int64_t now_ms, slk_diag_t *diag)
{
    slk_arena_t arena;
    slk_sector_row_t row;
    slk_err_t err = slk_sector_load(db, miner, number, NULL, &row, diag);
    if (err != SLK_OK)
        return err;
    slk_arena_init(&arena, 4 * SLK_SECTOR_TEXT_MAX);
    slk_sector_log_t entry = {.miner = miner,
                              .number = number,
                              .at_ms = now_ms,
                              .kind = kind,
                              .event = "",
                              .from = row.state,
                              .to = row.state,
                              .message = slk_sector_text(&arena, message, SLK_SECTOR_TEXT_MAX),
                              .trace = ""};
    err = entry.message ? slk_sector_log_add(db, &entry, diag)
                        : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log entry");
    slk_arena_free(&arena);
    return err;
}

/* --- Reading --------------------------------------------------------------------------------------- */

static slk_err_t read_text(slk_db_rows_t *rows, int col, slk_arena_t *arena, const char **out,
                           slk_diag_t *diag)
{
    size_t len;
    const char *text = slk_db_rows_text(rows, col, &len);
    *out = slk_arena_text(arena, text, len);
    return *out ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log");
}

/* A state of a newer program is none that we can name. */
static slk_sector_state_t read_state(slk_db_rows_t *rows, int col)
{
    slk_sector_state_t state;
    return slk_sector_state_from_name(&state, slk_db_rows_text(rows, col, NULL))
               ? state
               : SLK_STATE_UNDEFINED;
}

#define COLUMNS "id, at_ms, kind, event, from_state, to_state, message, trace"

slk_err_t slk_sector_log_load(slk_db_t *db, uint64_t miner, uint64_t number, int64_t after,
                              bool newest_first, size_t max, slk_arena_t *arena,
                              slk_sector_log_t **entries, size_t *cnt, slk_diag_t *diag)
{
    static const char *const sql[] = {
        "SELECT " COLUMNS " FROM sector_log WHERE miner = ?1 AND number = ?2 AND id > ?3 "
        "ORDER BY id LIMIT ?4",
        "SELECT " COLUMNS " FROM sector_log WHERE miner = ?1 AND number = ?2 AND id < ?3 "
        "ORDER BY id DESC LIMIT ?4"};
    slk_db_rows_t *rows = NULL;
    bool more = false;
    if (max > LOG_MAX + 1)
        max = LOG_MAX + 1;
    *cnt = 0;
    *entries = slk_arena_array(arena, max, sizeof **entries);
    if (!*entries)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log");
    slk_err_t err = slk_db_query(&rows, db, sql[newest_first],
                                 SLK_VALS(SLK_SECTOR_KEY(miner, number),
                                          slk_val_i64(newest_first && !after ? INT64_MAX : after),
                                          slk_val_i64((int64_t)max)),
                                 diag);
    if (err != SLK_OK)
        return err;
    while (*cnt < max) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        slk_sector_log_t *entry = &(*entries)[*cnt];
        *entry = (slk_sector_log_t){.miner = miner, .number = number};
        entry->id = slk_db_rows_i64(rows, 0);
        entry->at_ms = slk_db_rows_i64(rows, 1);
        entry->from = read_state(rows, 4);
        entry->to = read_state(rows, 5);
        SLK_TRY(read_text(rows, 2, arena, &entry->kind, diag));
        SLK_TRY(read_text(rows, 3, arena, &entry->event, diag));
        SLK_TRY(read_text(rows, 6, arena, &entry->message, diag));
        SLK_TRY(read_text(rows, 7, arena, &entry->trace, diag));
        ++*cnt;
    }
out:
    slk_db_rows_close(rows);
    return err;
}
