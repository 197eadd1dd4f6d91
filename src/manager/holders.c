#include "manager/holders.h"

#include "manager/storage/storage_index.h"

#include <stdlib.h>
#include <string.h>

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

slk_look_t slk_manager_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                               slk_world_holders_t *out, slk_diag_t *diag)
{
    const slk_sector_id_t sector = {miner, number};
    slk_storage_holder_t *all = NULL;
    size_t cnt = 0;
    bool ok = true;
    memset(out, 0, sizeof *out);
    if (slk_storage_find(ctx, &sector, (1u << SLK_FT_CNT) - 1, &all, &cnt, diag) != SLK_OK)
        return SLK_LOOK_BROKEN;
    for (unsigned i = 0; i < SLK_FT_CNT && ok; i++)
        ok = of_type(out, i, all, cnt, arena);
    free(all);
    if (!ok)
        slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    return ok ? SLK_LOOK_FOUND : SLK_LOOK_BROKEN;
}
