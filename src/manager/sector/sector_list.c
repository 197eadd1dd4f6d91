#include "base/assert.h"
#include "manager/sector/sector_rows.h"

#include <stdlib.h>

/* --- Several ordered selections at once ------------------------------------------------------------ */

typedef struct {
    slk_db_rows_t *rows;
    slk_sector_ref_t head; /* where more */
    bool more;
} cursor_t;

/* Rows have miner and number in the first two columns. */
static slk_err_t advance(cursor_t *cursor, slk_diag_t *diag)
{
    slk_err_t err = slk_db_rows_next(cursor->rows, &cursor->more, diag);
    if (err == SLK_OK && cursor->more)
        cursor->head = (slk_sector_ref_t){(uint64_t)slk_db_rows_i64(cursor->rows, 0),
                                          (uint64_t)slk_db_rows_i64(cursor->rows, 1)};
    return err;
}

static slk_err_t begin(cursor_t *cursor, slk_db_t *db, const char *sql, const slk_val_t *vals,
                       size_t cnt, slk_diag_t *diag)
{
    slk_err_t err = slk_db_query(&cursor->rows, db, sql, vals, cnt, diag);
    return err == SLK_OK ? advance(cursor, diag) : err;
}

static void end_all(cursor_t *cursors, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        slk_db_rows_close(cursors[i].rows);
}

/* --- Lists ----------------------------------------------------------------------------------------- */

void slk_sector_filter_class(slk_sector_filter_t *filter, slk_state_class_t class)
{
    for (unsigned s = 0; s < SLK_STATE_CNT; s++)
        if (slk_sector_state_class((slk_sector_state_t)s) == class)
            filter->states[s] = true;
}

static bool ref_less(const slk_sector_ref_t *a, const slk_sector_ref_t *b)
{
    return a->miner != b->miner ? a->miner < b->miner : a->number < b->number;
}

/* By number of states chosen (all, one) and of miners (any, one); ?1, ?2: behind this sector, ?3: limit, ?4:
 * the state or the batch. */
#define BEHIND_ANY " (miner, number) > (?1, ?2) "
#define BEHIND_ONE " miner = ?1 AND number > ?2 "
#define SELECT     "SELECT miner, number FROM sector WHERE "
#define IN_ORDER   " ORDER BY miner, number LIMIT ?3"

typedef enum { LIST_ALL, LIST_STATE, LIST_BATCH } list_kind_t;

static slk_err_t begin_list(cursor_t *cursor, slk_db_t *db, list_kind_t kind,
                            const slk_sector_filter_t *filter, unsigned state,
                            const slk_sector_ref_t *after, size_t max, slk_diag_t *diag)
{
    static const char *const sql[][2] = {
        [LIST_ALL] = {SELECT BEHIND_ANY IN_ORDER, SELECT BEHIND_ONE IN_ORDER},
        [LIST_STATE] = {SELECT "state = ?4 AND" BEHIND_ANY IN_ORDER,
                        SELECT "state = ?4 AND" BEHIND_ONE IN_ORDER},
        [LIST_BATCH] = {SELECT "batch = ?4 AND" BEHIND_ANY IN_ORDER,
                        SELECT "batch = ?4 AND" BEHIND_ONE IN_ORDER}};
    bool one = filter->miner != SLK_SECTOR_ANY_MINER;
    slk_val_t vals[4] = {slk_val_i64(after ? (int64_t)after->miner : -1),
                         slk_val_i64(after ? (int64_t)after->number : -1),
                         slk_val_i64((int64_t)max)};
    if (one) {
        if (after && after->miner > filter->miner)
            return SLK_OK;
        vals[0] = slk_val_i64((int64_t)filter->miner);
        if (after && after->miner < filter->miner)
            vals[1] = slk_val_i64(-1);
    }
    if (kind == LIST_STATE)
        vals[3] = slk_val_text(slk_sector_state_name((slk_sector_state_t)state));
    else if (kind == LIST_BATCH)
        vals[3] = slk_val_i64(filter->batch);
    return begin(cursor, db, sql[kind][one], vals, kind == LIST_ALL ? 3 : 4, diag);
}

/* The first refs behind `after`, merged from the states' own lists. */
static slk_err_t list_refs(slk_db_t *db, const slk_sector_filter_t *filter,
                           const slk_sector_ref_t *after, size_t max, slk_sector_row_t *rows,
                           size_t *cnt, slk_diag_t *diag)
{
    cursor_t cursors[SLK_STATE_CNT] = {0};
    size_t cursor_cnt = 0;
    slk_err_t err = SLK_OK;
    if (filter->candidates)
        SLK_TRY(begin_list(&cursors[cursor_cnt++], db, LIST_BATCH, filter, 0, after, max, diag));
    for (unsigned s = 0; !filter->candidates && s < SLK_STATE_CNT; s++)
        if (filter->states[s])
            SLK_TRY(
                begin_list(&cursors[cursor_cnt++], db, LIST_STATE, filter, s, after, max, diag));
    if (!cursor_cnt)
        SLK_TRY(begin_list(&cursors[cursor_cnt++], db, LIST_ALL, filter, 0, after, max, diag));
    while (*cnt < max) {
        cursor_t *next = NULL;
        for (size_t i = 0; i < cursor_cnt; i++)
            if (cursors[i].more && (!next || ref_less(&cursors[i].head, &next->head)))
                next = &cursors[i];
        if (!next)
            break;
        rows[*cnt].miner = next->head.miner;
        rows[(*cnt)++].number = next->head.number;
        SLK_TRY(advance(next, diag));
    }
out:
    end_all(cursors, cursor_cnt);
    return err;
}

slk_err_t slk_sector_list(slk_db_t *db, const slk_sector_filter_t *filter,
                          const slk_sector_ref_t *after, size_t max, slk_arena_t *arena,
                          slk_sector_row_t *rows, size_t *cnt, slk_diag_t *diag)
{
    *cnt = 0;
    slk_err_t err = list_refs(db, filter, after, max, rows, cnt, diag);
    for (size_t i = 0; err == SLK_OK && i < *cnt; i++)
        err = slk_sector_load(db, rows[i].miner, rows[i].number, arena, &rows[i], diag);
    return err;
}

slk_err_t slk_sector_counts(slk_db_t *db, uint64_t miner, uint64_t counts[SLK_STATE_CNT],
                            slk_diag_t *diag)
{
    bool any = miner == SLK_SECTOR_ANY_MINER, found;
    slk_err_t err = SLK_OK;
    for (unsigned s = 0; err == SLK_OK && s < SLK_STATE_CNT; s++) {
        slk_val_t vals[2] = {slk_val_text(slk_sector_state_name((slk_sector_state_t)s)),
                             slk_val_i64((int64_t)miner)};
        int64_t cnt = 0;
        err = slk_db_get_i64(db,
                             any ? "SELECT count(*) FROM sector WHERE state = ?1"
                                 : "SELECT count(*) FROM sector WHERE state = ?1 AND miner = ?2",
                             vals, any ? 1 : 2, &found, &cnt, diag);
        counts[s] = (uint64_t)cnt;
    }
    return err;
}

slk_err_t slk_sector_miners(slk_db_t *db, uint64_t *miners, size_t max, size_t *cnt,
                            slk_diag_t *diag)
{
    int64_t last = -1;
    bool found = true;
    slk_err_t err = SLK_OK;
    for (*cnt = 0; *cnt < max; miners[(*cnt)++] = (uint64_t)last) {
        err = slk_db_get_i64(db, "SELECT min(miner) FROM sector WHERE miner > ?1",
                             SLK_VALS(slk_val_i64(last)), &found, &last, diag);
        if (err != SLK_OK || !found)
            break;
    }
    return err;
}

/* --- Whose turn it is ------------------------------------------------------------------------------ */

/* One of each miner in turn. */
static slk_err_t take_turns(cursor_t *cursors, size_t cursor_cnt, slk_sector_ref_t *refs,
                            size_t max, size_t *cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (bool any = true; any && *cnt < max;) {
        any = false;
        for (size_t i = 0; i < cursor_cnt && *cnt < max; i++) {
            if (!cursors[i].more)
                continue;
            any = true;
            refs[(*cnt)++] = cursors[i].head;
            SLK_TRY(advance(&cursors[i], diag));
        }
    }
out:
    return err;
}

static slk_err_t due_of_urgency(slk_db_t *db, int64_t urgency, const uint64_t *miners,
                                size_t miner_cnt, cursor_t *cursors, int64_t now_ms,
                                slk_sector_ref_t *refs, size_t max, size_t *cnt, slk_diag_t *diag)
{
    size_t begun = 0;
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < miner_cnt; i++) {
        cursors[begun] = (cursor_t){0};
        SLK_TRY(begin(&cursors[begun++], db,
                      "SELECT miner, number FROM sector WHERE urgency = ?1 AND miner = ?2 AND "
                      "due_ms <= ?3 ORDER BY due_ms, number LIMIT ?4",
                      SLK_VALS(slk_val_i64(urgency), slk_val_i64((int64_t)miners[i]),
                               slk_val_i64(now_ms), slk_val_i64((int64_t)(max - *cnt))),
                      diag));
    }
    SLK_TRY(take_turns(cursors, begun, refs, max, cnt, diag));
out:
    end_all(cursors, begun);
    return err;
}

slk_err_t slk_sector_due(slk_db_t *db, int64_t now_ms, slk_sector_ref_t *refs, size_t max,
                         size_t *cnt, slk_diag_t *diag)
{
    enum { MINERS_MAX = 1024 };
    struct {
        uint64_t miners[MINERS_MAX];
        cursor_t cursors[MINERS_MAX];
    } *room = malloc(sizeof *room);
    size_t miner_cnt = 0;
    slk_err_t err = SLK_OK;
    *cnt = 0;
    if (!room)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a list of miners");
    SLK_TRY(slk_sector_miners(db, room->miners, MINERS_MAX, &miner_cnt, diag));
    for (int64_t urgency = 0; urgency < SLK_SECTOR_URGENCIES && *cnt < max; urgency++)
        SLK_TRY(due_of_urgency(db, urgency, room->miners, miner_cnt, room->cursors, now_ms, refs,
                               max, cnt, diag));
out:
    free(room);
    return err;
}

slk_err_t slk_sector_next_due(slk_db_t *db, int64_t *due_ms, slk_diag_t *diag)
{
    bool found;
    slk_err_t err = slk_db_get_i64(
        db, "SELECT due_ms FROM sector WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1",
        SLK_NO_VALS, &found, due_ms, diag);
    if (err == SLK_OK && !found)
        *due_ms = SLK_SECTOR_NEVER;
    return err;
}
