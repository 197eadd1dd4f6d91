#include "manager/holders.h"

#include "manager/storage/storage_index.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The holders that have this type; false: no memory. */
static bool of_type(slk_world_holders_t *out, unsigned index, const slk_storage_holder_t *all,
                    size_t cnt, slk_arena_t *arena)
{
    slk_holder_t *at = slk_arena_array(arena, cnt, sizeof *at);
    const char **workers = slk_arena_array(arena, cnt, sizeof *workers);
    size_t used = 0;
    if (!at || !workers)
        return false;
    for (size_t i = 0; i < cnt; i++) {
        const slk_storage_holder_t *from = &all[i];
        if (!(from->types & SLK_FT_AT(index)))
            continue;
        const char *id = slk_arena_text(arena, from->store, strlen(from->store));
        const char *worker = slk_arena_text(arena, from->worker, strlen(from->worker));
        if (!id || !worker)
            return false;
        at[used] = (slk_holder_t){.id = id,
                                  .can_seal = from->can_seal,
                                  .can_store = from->can_store,
                                  .can_final = from->can_final,
                                  .primary = from->primary & SLK_FT_AT(index),
                                  .stale = from->stale & SLK_FT_AT(index)};
        workers[used++] = worker;
    }
    out->by[index] = (slk_holders_t){at, used};
    out->workers[index] = workers;
    return true;
}

#define BUSY_MS  (10 * INT64_C(60000)) /* what a worker that is there needs at most to end a job */
#define BUSY_MAX 16

/* SLK_OK; errors of the database and of memory. */
static slk_err_t find_busy(slk_world_holders_t *out, slk_db_t *db, const slk_sector_id_t *sector,
                           slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    struct timespec now;
    slk_db_rows_t *rows = NULL;
    bool found = false;
    clock_gettime(CLOCK_REALTIME, &now);
    out->busy = slk_arena_array(arena, BUSY_MAX, sizeof *out->busy);
    if (!out->busy)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_db_query(&rows, db,
                         "SELECT DISTINCT worker FROM job WHERE miner = ?1 AND number = ?2 AND "
                         "state = 'dropped' AND worker IS NOT NULL AND ended_ms > ?3",
                         SLK_VALS(slk_val_i64((int64_t)sector->miner),
                                  slk_val_i64((int64_t)sector->number),
                                  slk_val_i64((int64_t)now.tv_sec * 1000 - BUSY_MS)),
                         diag));
    while (out->busy_cnt < BUSY_MAX && (err = slk_db_rows_next(rows, &found, diag)) == SLK_OK &&
           found) {
        size_t len;
        const char *worker = slk_db_rows_text(rows, 0, &len);
        const char *copy = slk_arena_text(arena, worker, len);
        if (!copy)
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        if (!copy)
            break;
        if (*copy)
            out->busy[out->busy_cnt++] = copy;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

slk_look_t slk_manager_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                               slk_world_holders_t *out, slk_diag_t *diag)
{
    const slk_sector_id_t sector = {miner, number};
    slk_storage_holder_t *all = NULL;
    size_t cnt = 0;
    bool ok = true;
    memset(out, 0, sizeof *out);
    if (find_busy(out, ctx, &sector, arena, diag) != SLK_OK ||
        slk_storage_find(ctx, &sector, (1u << SLK_FT_CNT) - 1, &all, &cnt, diag) != SLK_OK)
        return SLK_LOOK_BROKEN;
    for (unsigned i = 0; i < SLK_FT_CNT && ok; i++)
        ok = of_type(out, i, all, cnt, arena);
    free(all);
    if (!ok)
        slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    return ok ? SLK_LOOK_FOUND : SLK_LOOK_BROKEN;
}
