/* FIN, GET, RM: tasks that only touch files. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "selkie/seal.h"
#include "storage/trash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(type) slk_file_type_index(SLK_FT_##type)

/* Everything that GET does is bringing its files. */
slk_err_t slk_do_get(slk_attempt_t *attempt, slk_diag_t *diag)
{
    (void)attempt;
    (void)diag;
    return SLK_OK;
}

/* --- FIN ------------------------------------------------------------------------------------ */

static void ignore_name(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

/* Copies of the job's types that are not there any more. */
static void note_gone(slk_attempt_t *attempt, bool unsealed_was)
{
    const slk_job_file_list_t *rows = &attempt->job->a.files;
    char path[SLK_SECTOR_PATH_MAX], store[SLK_STORAGE_ID_MAX];
    for (size_t i = 0; i < rows->count; i++) {
        const slk_job_file_t *row = &rows->items[i];
        slk_file_types_t type = slk_file_type_from_name((const char *)row->type.b, row->type.len);
        if (row->store.len >= sizeof store)
            continue;
        memcpy(store, row->store.b, row->store.len);
        store[row->store.len] = 0;
        if (!slk_local_has(attempt->w->paths, store, &attempt->job->sector, type, path))
            slk_attempt_gone(attempt, type, store);
    }
    if (unsealed_was && !(attempt->has & SLK_FT_UNSEALED) &&
        access(attempt->path[AT(UNSEALED)], F_OK) != 0)
        slk_attempt_gone(attempt, SLK_FT_UNSEALED, attempt->store[AT(SEALED)]);
}

slk_err_t slk_do_fin(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_file_types_t need = SLK_FT_SEALED | SLK_FT_CACHE;
    slk_local_view_t view;
    slk_err_t err;
    if ((attempt->has & need) != need)
        return slk_fail(diag, SLK_ERR_INPUT, "FIN: the job does not name sealed and cache");
    if (!(attempt->has & SLK_FT_UNSEALED)) {
        SLK_TRY(slk_local_view(&view, attempt->w->paths, attempt->store[AT(SEALED)], diag));
        SLK_TRY(slk_sector_path(attempt->path[AT(UNSEALED)], view.root, SLK_FT_UNSEALED,
                                &attempt->job->sector, diag));
    }
    slk_sector_t sector = {.porep = attempt->porep,
                           .miner = attempt->job->a.miner,
                           .number = attempt->job->a.number,
                           .cache = attempt->path[AT(CACHE)],
                           .sealed = attempt->path[AT(SEALED)],
                           .unsealed = attempt->path[AT(UNSEALED)]};
    bool unsealed_was = access(sector.unsealed, F_OK) == 0;
    slk_attempt_stage(attempt, "finalize");
    SLK_TRY(slk_seal_finalize(&sector,
                              json_is_true(json_object_get(attempt->params, "KeepUnsealed")),
                              ignore_name, NULL, diag));
    note_gone(attempt, unsealed_was);
out:
    return err;
}

/* --- RM ------------------------------------------------------------------------------------- */

static slk_err_t read_types(slk_file_types_t *types, slk_attempt_t *attempt, slk_diag_t *diag)
{
    const json_t *list = json_object_get(attempt->params, "Types");
    *types = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        slk_file_types_t type = name ? slk_file_type_from_name(name, strlen(name)) : 0;
        if (!type)
            return slk_fail(diag, SLK_ERR_INPUT, "Params.Types: '%.40s' is no type of file",
                            name ? name : "");
        *types |= type;
    }
    return SLK_OK;
}

/* With files in the job those alone, else wherever one of the types is on this worker. */
static bool is_meant(const slk_attempt_t *attempt, slk_file_types_t type, const char *store)
{
    const slk_job_file_list_t *rows = &attempt->job->a.files;
    for (size_t i = 0; i < rows->count; i++) {
        const slk_job_file_t *row = &rows->items[i];
        if (slk_file_type_from_name((const char *)row->type.b, row->type.len) == type &&
            row->store.len == strlen(store) && !memcmp(row->store.b, store, row->store.len))
            return true;
    }
    return rows->count == 0;
}

/* Files of the parameters: this type in this path. */
static bool is_listed(const slk_attempt_t *attempt, slk_file_types_t type, const char *store)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(attempt->params, "Files"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "Type"));
        const char *id = json_string_value(json_object_get(row, "Store"));
        if (name && id && !strcmp(name, slk_file_type_name(type)) && !strcmp(id, store))
            return true;
    }
    return false;
}

static slk_err_t remove_from(slk_attempt_t *attempt, const slk_local_view_t *view,
                             slk_file_types_t types, slk_diag_t *diag)
{
    char why[64], entry[SLK_TRASH_NAME_MAX];
    slk_err_t err = SLK_OK;
    snprintf(why, sizeof why, "removed by job %" PRIu64, attempt->job->a.id);
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        slk_file_types_t type = SLK_FT_AT(i);
        const bool listed = is_listed(attempt, type, view->id);
        if (!listed && (!(types & type) || !is_meant(attempt, type, view->id)))
            continue;
        SLK_TRY(slk_trash_put(entry, view->root, type, &attempt->job->sector, why, 0, diag));
        if (entry[0] || listed || attempt->job->a.files.count)
            slk_attempt_gone(attempt, type, view->id);
    }
out:
    return err;
}

slk_err_t slk_do_rm(slk_attempt_t *attempt, slk_diag_t *diag)
{
    slk_local_view_t *views = NULL;
    slk_file_types_t types;
    size_t cnt = 0;
    slk_err_t err;
    slk_attempt_stage(attempt, "remove");
    SLK_TRY(read_types(&types, attempt, diag));
    SLK_TRY(slk_local_list(&views, &cnt, attempt->w->paths, diag));
    for (size_t i = 0; i < cnt; i++)
        SLK_TRY(remove_from(attempt, &views[i], types, diag));
out:
    free(views);
    return err;
}
