/* Files of a sector: to long-term storage, or away (spec 3.7, 3.8). */

#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "base/bytes.h"
#include "crypto/sha256/sha256.h"

#include <stdio.h>
#include <string.h>

enum { DROPS_MAX = 64, LOOK_AGAIN_MS = 20000 };

#define UPDATE_TYPES (SLK_FT_UPDATE | SLK_FT_UPDATE_CACHE)

static bool look_holders(slk_turn_t *t, slk_world_holders_t *holders)
{
    *holders = (slk_world_holders_t){0};
    return slk_turn_look(t,
                         t->ops->holders(t->ctx, t->sector->miner, t->sector->sector_number,
                                         t->arena, holders, &t->said),
                         NULL);
}

/* --- RM: one job a worker ------------------------------------------------------------------- */

/* A short name of a worker for keys. */
static void short_name(char out[17], const char *worker)
{
    slk_node_t digest;
    slk_sha256(&digest, worker, strlen(worker));
    slk_hex_encode(out, digest.b, 8);
}

static json_t *type_names(slk_file_types_t types)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SLK_FT_CNT; i++)
        if (types & SLK_FT_AT(i))
            json_array_append_new(list, json_string(slk_file_type_name(SLK_FT_AT(i))));
    return list;
}

/* True: this worker has done it (whatever the index says now). files: a new reference, or NULL. */
static bool remove_on(slk_turn_t *t, const char *worker, slk_file_types_t types, json_t *files,
                      slk_event_type_t failed)
{
    char name[17];
    slk_job_view_t view;
    short_name(name, worker);
    slk_turn_job_t job = {
        .task = SLK_TASK_RM,
        .suffix = name,
        .params = json_pack("{s:o, s:o*}", "Types", type_names(types), "Files", files),
        .only_worker = worker,
        .failed = failed,
        .on_input = failed,
    };
    const bool done = slk_turn_job(t, &job, &view);
    /* A worker may never come back; its paths may be taken off the index meanwhile. */
    if (!done && t->out->kind == SLK_DECIDE_JOB)
        t->out->until_ms = t->world->now_ms + LOOK_AGAIN_MS;
    return done;
}

/* Does a holder of these types stand before (type, at) whose worker is the same? */
static bool seen_before(const slk_world_holders_t *holders, slk_file_types_t types, unsigned type,
                        size_t at)
{
    const char *worker = holders->workers[type][at];
    for (unsigned i = 0; i <= type; i++) {
        const size_t end = i == type ? at : holders->by[i].cnt;
        for (size_t h = 0; (types & SLK_FT_AT(i)) && h < end; h++)
            if (!strcmp(holders->workers[i][h], worker))
                return true;
    }
    return false;
}

static slk_file_types_t types_of(const slk_world_holders_t *holders, const char *worker)
{
    slk_file_types_t types = 0;
    for (unsigned i = 0; i < SLK_FT_CNT; i++)
        for (size_t h = 0; h < holders->by[i].cnt; h++)
            if (!strcmp(holders->workers[i][h], worker))
                types |= SLK_FT_AT(i);
    return types;
}

/* All files of these types of all workers, but in paths that nobody serves. True: every worker has done it. */
static bool remove_all(slk_turn_t *t, const slk_world_holders_t *holders, slk_file_types_t types,
                       slk_event_type_t failed)
{
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        for (size_t h = 0; (types & SLK_FT_AT(i)) && h < holders->by[i].cnt; h++) {
            const char *worker = holders->workers[i][h];
            if (*worker && !seen_before(holders, types, i, h) &&
                !remove_on(t, worker, types_of(holders, worker) & types, NULL, failed))
                return false;
        }
    }
    return true;
}

/* --- FinalizeSector, CommitFinalize --------------------------------------------------------- */

static bool keeps_unsealed(const slk_turn_t *t)
{
    const slk_sector_piece_list_t *pieces = &t->sector->pieces;
    bool keep = t->world->config->always_keep_unsealed_copy && slk_sector_data_cnt(pieces);
    for (size_t i = 0; i < pieces->count; i++)
        keep |= pieces->items[i].deal_info && pieces->items[i].deal_info->keep_unsealed;
    return keep;
}

static void plan_for(const slk_turn_t *t, const slk_world_holders_t *holders,
                     slk_finalize_plan_t *plan, slk_finalize_drop_t drops[DROPS_MAX])
{
    slk_file_types_t types = SLK_FT_UNSEALED | SLK_FT_SEALED | SLK_FT_CACHE;
    if (t->sector->cc_update)
        types |= UPDATE_TYPES;
    slk_finalize_plan(plan, drops, DROPS_MAX, types, holders->by, keeps_unsealed(t));
}

/* True: done. */
static bool simple_job(slk_turn_t *t, slk_task_t task, json_t *params)
{
    slk_job_view_t view;
    slk_turn_job_t job = {
        .task = task,
        .params = params,
        .failed = SLK_EVENT_FINALIZE_FAILED,
        .on_input = SLK_EVENT_FINALIZE_FAILED,
    };
    return slk_turn_job(t, &job, &view);
}

/* Does this worker hold the type in another path than this one? Then the path has to be named. */
static bool holds_another(const slk_world_holders_t *holders, unsigned type, size_t holder)
{
    for (size_t h = 0; h < holders->by[type].cnt; h++)
        if (h != holder && !strcmp(holders->workers[type][h], holders->workers[type][holder]))
            return true;
    return false;
}

/* What of the drops is this worker's. */
static bool drop_on(slk_turn_t *t, const slk_world_holders_t *holders,
                    const slk_finalize_drop_t *drops, size_t cnt, const char *worker)
{
    slk_file_types_t types = 0;
    json_t *files = NULL;
    for (size_t d = 0; d < cnt; d++) {
        const unsigned type = slk_file_type_index(drops[d].type);
        if (strcmp(holders->workers[type][drops[d].holder], worker) != 0)
            continue;
        if (!holds_another(holders, type, drops[d].holder)) {
            types |= drops[d].type;
            continue;
        }
        files = files ? files : json_array();
        json_array_append_new(files,
                              json_pack("{s:s, s:s}", "Type", slk_file_type_name(drops[d].type),
                                        "Store", holders->by[type].at[drops[d].holder].id));
    }
    return remove_on(t, worker, types, files, SLK_EVENT_FINALIZE_FAILED);
}

/* Copies that are safe elsewhere; those in paths that nobody serves stay. False: decided. */
static bool drop_copies(slk_turn_t *t, const slk_world_holders_t *holders,
                        const slk_finalize_plan_t *plan, const slk_finalize_drop_t *drops)
{
    const size_t cnt = plan->drop_cnt < DROPS_MAX ? plan->drop_cnt : DROPS_MAX;
    for (size_t d = 0; d < cnt; d++) {
        const unsigned type = slk_file_type_index(drops[d].type);
        const char *worker = holders->workers[type][drops[d].holder];
        bool seen = !*worker;
        for (size_t i = 0; i < d && !seen; i++)
            seen = !strcmp(holders->workers[slk_file_type_index(drops[i].type)][drops[i].holder],
                           worker);
        if (!seen && !drop_on(t, holders, drops, cnt, worker))
            return false;
    }
    return true;
}

void slk_decide_finalize(slk_turn_t *t)
{
    slk_world_holders_t holders;
    slk_finalize_plan_t plan;
    slk_finalize_drop_t drops[DROPS_MAX];
    char types[SLK_FILE_TYPES_TEXT];
    if (!look_holders(t, &holders))
        return;
    plan_for(t, &holders, &plan, drops);
    if (plan.absent & (SLK_FT_SEALED | SLK_FT_CACHE)) {
        slk_turn_event(t, SLK_EVENT_FINALIZE_FAILED, "no path is known that has its files: %s",
                       slk_file_types_text(types, plan.absent & (SLK_FT_SEALED | SLK_FT_CACHE)));
        return;
    }
    /* Trimmed once it is proven also where sealing and long-term storage are one path. */
    if ((plan.trim || !t->sector->finalized) &&
        !simple_job(t, SLK_TASK_FIN, json_pack("{s:b}", "KeepUnsealed", keeps_unsealed(t))))
        return;
    if (plan.move) {
        if (simple_job(t, SLK_TASK_GET, json_object()))
            slk_turn_event(t, SLK_EVENT_FINALIZE_FAILED,
                           "it was moved, and still is not in long-term storage: %s",
                           slk_file_types_text(types, plan.move));
        return;
    }
    if (!drop_copies(t, &holders, &plan, drops))
        return;
    const bool available =
        t->world->config->make_cc_sectors_available && !slk_sector_data_cnt(&t->sector->pieces);
    slk_turn_event(t, available ? SLK_EVENT_FINALIZED_AVAILABLE : SLK_EVENT_FINALIZED,
                   "its files are in long-term storage");
}

void slk_decide_finalize_failed(slk_turn_t *t)
{
    if (slk_turn_cooled(t, "is moved again"))
        slk_turn_event(t, SLK_EVENT_RETRY_FINALIZE, "is moved again");
}

/* --- Removing ------------------------------------------------------------------------------- */

void slk_decide_removing(slk_turn_t *t)
{
    slk_world_holders_t holders;
    if (!look_holders(t, &holders))
        return;
    /* Behind the job that they are ending, and so with what it leaves. */
    for (size_t i = 0; i < holders.busy_cnt; i++)
        if (!remove_on(t, holders.busy[i], SLK_FT_ALL, NULL, SLK_EVENT_REMOVE_FAILED))
            return;
    if (!remove_all(t, &holders, SLK_FT_ALL, SLK_EVENT_REMOVE_FAILED))
        return;
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        if (holders.by[i].cnt == 0)
            continue;
        slk_turn_event(t, SLK_EVENT_REMOVE_FAILED,
                       *holders.workers[i][0] ? "worker %s still has its file %s"
                                              : "nobody%s serves the path that has its file %s",
                       holders.workers[i][0], slk_file_type_name(SLK_FT_AT(i)));
        return;
    }
    slk_turn_event(t, SLK_EVENT_REMOVED, "no path has files of it");
}

void slk_decide_remove_failed(slk_turn_t *t)
{
    if (slk_turn_cooled(t, "is removed again"))
        slk_turn_event(t, SLK_EVENT_REMOVE, "is removed again");
}

/* --- AbortUpgrade --------------------------------------------------------------------------- */

void slk_decide_abort_upgrade(slk_turn_t *t)
{
    slk_world_holders_t holders;
    if (!look_holders(t, &holders) ||
        !remove_all(t, &holders, UPDATE_TYPES, SLK_EVENT_REVERT_UPGRADE_TO_PROVING))
        return;
    slk_turn_event(t, SLK_EVENT_REVERT_UPGRADE_TO_PROVING, "the replica update is undone");
}
