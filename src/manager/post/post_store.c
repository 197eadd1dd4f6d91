#include "manager/post/post_store.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <string.h>

static const char *const create[] = {
    "CREATE TABLE post_partition (miner {i64} NOT NULL, period_start {i64} NOT NULL, "
    "open_epoch {i64} NOT NULL, close_epoch {i64} NOT NULL, challenge {i64} NOT NULL, "
    "deadline {i64} NOT NULL, partition_index {i64} NOT NULL, state TEXT NOT NULL, "
    "randomness {blob} NOT NULL, asked {blob} NOT NULL, skipped {blob} NOT NULL, "
    "reasons TEXT NOT NULL, job TEXT NOT NULL, tries {i64} NOT NULL, jobs {i64} NOT NULL, "
    "proof {blob} NOT NULL, message TEXT NOT NULL, sends {i64} NOT NULL, "
    "retry_epoch {i64} NOT NULL, asked_ms {i64} NOT NULL, proven_ms {i64} NOT NULL, "
    "done_ms {i64} NOT NULL, why TEXT NOT NULL, "
    "PRIMARY KEY (miner, open_epoch, partition_index)) {strict}",
    "CREATE INDEX post_partition_by_state ON post_partition (miner, state, close_epoch)", NULL};

static const slk_migration_t migrations[] = {{1, "partitions", create, NULL}};

slk_err_t slk_post_migrate(slk_db_t *db, slk_diag_t *diag)
{
    return slk_db_migrate(db, "post", migrations, SLK_COUNT(migrations), diag);
}

slk_err_t slk_post_put(slk_db_t *db, const slk_post_row_t *row, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t asked = {0}, skipped = {0};
    SLK_TRY(slk_bitfield_put(&asked, &row->asked, diag));
    SLK_TRY(slk_bitfield_put(&skipped, &row->skipped, diag));
    const slk_post_window_t *w = &row->window;
    err = slk_db_run(
        db,
        "INSERT INTO post_partition (miner, period_start, open_epoch, close_epoch, challenge, "
        "deadline, partition_index, state, randomness, asked, skipped, reasons, job, tries, jobs, "
        "proof, message, sends, retry_epoch, asked_ms, proven_ms, done_ms, why) VALUES (?1, ?2, "
        "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, "
        "?22, ?23) ON CONFLICT (miner, open_epoch, partition_index) DO UPDATE SET state = ?8, "
        "challenge = ?5, "
        "randomness = ?9, asked = ?10, skipped = ?11, reasons = ?12, job = ?13, tries = ?14, "
        "jobs = ?15, proof = ?16, message = ?17, sends = ?18, retry_epoch = ?19, asked_ms = ?20, "
        "proven_ms = ?21, done_ms = ?22, why = ?23",
        SLK_VALS(slk_val_i64((int64_t)row->miner), slk_val_i64(w->period_start),
                 slk_val_i64(w->open), slk_val_i64(w->close), slk_val_i64(w->challenge),
                 slk_val_i64((int64_t)w->index), slk_val_i64((int64_t)row->partition),
                 slk_val_text(slk_post_state_name(row->state)),
                 slk_val_blob(row->randomness.b, sizeof row->randomness.b),
                 slk_val_blob(asked.len ? asked.bytes : (const void *)"", asked.len),
                 slk_val_blob(skipped.len ? skipped.bytes : (const void *)"", skipped.len),
                 slk_val_text(row->reasons ? row->reasons : "{}"), slk_val_text(row->job),
                 slk_val_i64(row->tries), slk_val_i64(row->jobs),
                 slk_val_blob(row->proof.len ? row->proof.b : (const void *)"", row->proof.len),
                 slk_val_text(row->message), slk_val_i64(row->sends), slk_val_i64(row->retry_epoch),
                 slk_val_i64(row->asked_ms), slk_val_i64(row->proven_ms), slk_val_i64(row->done_ms),
                 slk_val_text(row->why)),
        NULL, diag);
out:
    slk_buf_free(&asked);
    slk_buf_free(&skipped);
    return err;
}

/* --- Reading ----------------------------------------------------------------------------------- */

enum {
    C_MINER,
    C_PERIOD_START,
    C_OPEN,
    C_CLOSE,
    C_CHALLENGE,
    C_DEADLINE,
    C_PARTITION,
    C_STATE,
    C_RANDOMNESS,
    C_ASKED,
    C_SKIPPED,
    C_REASONS,
    C_JOB,
    C_TRIES,
    C_JOBS,
    C_PROOF,
    C_MESSAGE,
    C_SENDS,
    C_RETRY_EPOCH,
    C_ASKED_MS,
    C_PROVEN_MS,
    C_DONE_MS,
    C_WHY
};
#define COLUMNS                                                                                    \
    "miner, period_start, open_epoch, close_epoch, challenge, deadline, partition_index, state, "  \
    "randomness, asked, skipped, reasons, job, tries, jobs, proof, message, sends, retry_epoch, "  \
    "asked_ms, proven_ms, done_ms, why"

static slk_err_t set_of(slk_bitfield_t *out, slk_db_rows_t *rows, int col, slk_arena_t *arena,
                        slk_diag_t *diag)
{
    size_t len;
    const void *bytes = slk_db_rows_blob(rows, col, &len);
    return slk_bitfield_decode(out, bytes, len, arena, diag);
}

static slk_err_t read_row(slk_post_row_t *out, slk_db_rows_t *rows, slk_arena_t *arena,
                          slk_diag_t *diag)
{
    slk_err_t err;
    size_t len, reasons_len;
    const char *state = slk_db_rows_text(rows, C_STATE, NULL);
    const char *reasons = slk_db_rows_text(rows, C_REASONS, &reasons_len);
    const void *randomness = slk_db_rows_blob(rows, C_RANDOMNESS, &len);
    *out = (slk_post_row_t){
        .miner = (uint64_t)slk_db_rows_i64(rows, C_MINER),
        .window = {.index = (uint64_t)slk_db_rows_i64(rows, C_DEADLINE),
                   .period_start = slk_db_rows_i64(rows, C_PERIOD_START),
                   .open = slk_db_rows_i64(rows, C_OPEN),
                   .close = slk_db_rows_i64(rows, C_CLOSE),
                   .challenge = slk_db_rows_i64(rows, C_CHALLENGE)},
        .partition = (uint64_t)slk_db_rows_i64(rows, C_PARTITION),
        .tries = slk_db_rows_i64(rows, C_TRIES),
        .jobs = slk_db_rows_i64(rows, C_JOBS),
        .sends = slk_db_rows_i64(rows, C_SENDS),
        .retry_epoch = slk_db_rows_i64(rows, C_RETRY_EPOCH),
        .asked_ms = slk_db_rows_i64(rows, C_ASKED_MS),
        .proven_ms = slk_db_rows_i64(rows, C_PROVEN_MS),
        .done_ms = slk_db_rows_i64(rows, C_DONE_MS),
    };
    if (!slk_post_state_from_name(&out->state, state) || len != sizeof out->randomness.b)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "table post_partition: state '%.40s' is none of this program, or its "
                        "randomness has not 32 bytes",
                        state);
    memcpy(out->randomness.b, randomness, len);
    snprintf(out->job, sizeof out->job, "%s", slk_db_rows_text(rows, C_JOB, NULL));
    snprintf(out->message, sizeof out->message, "%s", slk_db_rows_text(rows, C_MESSAGE, NULL));
    snprintf(out->why, sizeof out->why, "%s", slk_db_rows_text(rows, C_WHY, NULL));
    out->reasons = slk_arena_text(arena, reasons, reasons_len);
    SLK_TRY(set_of(&out->asked, rows, C_ASKED, arena, diag));
    SLK_TRY(set_of(&out->skipped, rows, C_SKIPPED, arena, diag));
    const void *proof = slk_db_rows_blob(rows, C_PROOF, &len);
    uint8_t *copy = slk_arena_alloc(arena, len + 1);
    if (!copy || !out->reasons)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a row of post_partition");
    if (len)
        memcpy(copy, proof, len);
    out->proof = (slk_bytes_t){copy, len};
out:
    return err;
}

slk_err_t slk_post_load(slk_db_t *db, uint64_t miner, int64_t open, slk_arena_t *arena,
                        slk_post_row_t **out, size_t *cnt, slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_rows_t *rows = NULL;
    bool found, more;
    int64_t all = 0;
    *cnt = 0;
    SLK_TRY(slk_db_get_i64(
        db, "SELECT COUNT(*) FROM post_partition WHERE miner = ?1 AND open_epoch = ?2",
        SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64(open)), &found, &all, diag));
    *out = slk_arena_array(arena, (size_t)all + 1, sizeof **out);
    if (!*out) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for %lld partitions", (long long)all);
        goto out;
    }
    SLK_TRY(slk_db_query(&rows, db,
                         "SELECT " COLUMNS
                         " FROM post_partition WHERE miner = ?1 AND open_epoch = ?2 "
                         "ORDER BY partition_index",
                         SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64(open)), diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more || *cnt == (size_t)all)
            break;
        SLK_TRY(read_row(&(*out)[*cnt], rows, arena, diag));
        ++*cnt;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_post_unfinished(slk_db_t *db, uint64_t miner, int64_t head,
                              slk_post_window_t *windows, size_t max, size_t *cnt, slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_rows_t *rows = NULL;
    bool more;
    *cnt = 0;
    SLK_TRY(slk_db_query(
        &rows, db,
        "SELECT DISTINCT deadline, period_start, open_epoch, close_epoch, "
        "challenge FROM post_partition WHERE miner = ?1 AND close_epoch <= ?2 AND "
        "state <> 'done' AND state <> 'missed' ORDER BY open_epoch LIMIT ?3",
        SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64(head), slk_val_i64((int64_t)max)), diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more || *cnt == max)
            break;
        windows[(*cnt)++] = (slk_post_window_t){.index = (uint64_t)slk_db_rows_i64(rows, 0),
                                                .period_start = slk_db_rows_i64(rows, 1),
                                                .open = slk_db_rows_i64(rows, 2),
                                                .close = slk_db_rows_i64(rows, 3),
                                                .challenge = slk_db_rows_i64(rows, 4)};
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_post_windowed(slk_db_t *db, uint64_t miner, slk_bitfield_t *sectors,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_rows_t *rows = NULL;
    bool more;
    *sectors = (slk_bitfield_t){0};
    SLK_TRY(slk_db_query(
        &rows, db, "SELECT DISTINCT asked FROM post_partition WHERE miner = ?1 AND state = 'done'",
        SLK_VALS(slk_val_i64((int64_t)miner)), diag));
    for (;;) {
        SLK_TRY(slk_db_rows_next(rows, &more, diag));
        if (!more)
            break;
        slk_bitfield_t some;
        SLK_TRY(set_of(&some, rows, 0, arena, diag));
        SLK_TRY(slk_bitfield_union(sectors, sectors, &some, arena));
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_err_t slk_post_purge(slk_db_t *db, uint64_t miner, int64_t epoch, slk_diag_t *diag)
{
    bool found;
    int64_t oldest;
    slk_err_t err =
        slk_db_get_i64(db, "SELECT MIN(open_epoch) FROM post_partition WHERE miner = ?1",
                       SLK_VALS(slk_val_i64((int64_t)miner)), &found, &oldest, diag);
    if (err != SLK_OK || !found || oldest >= epoch)
        return err;
    return slk_db_run(db, "DELETE FROM post_partition WHERE miner = ?1 AND open_epoch < ?2",
                      SLK_VALS(slk_val_i64((int64_t)miner), slk_val_i64(epoch)), NULL, diag);
}
