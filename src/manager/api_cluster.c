#include "manager/api.h"

#include "base/assert.h"
#include "manager/runner_impl.h"
#include "manager/storage/storage_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Workers, jobs, storage: what the dispatcher knows, in the words of the command line. */

static json_t *get(const json_t *row, const char *name)
{
    json_t *value = json_object_get(row, name);
    return value ? json_incref(value) : json_null();
}

static int64_t number(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

/* --- Jobs -------------------------------------------------------------------------------------------- */

static bool is_running(const json_t *job)
{
    return !strcmp("running", json_string_value(json_object_get(job, "State")));
}

static json_t *job_json(const json_t *job)
{
    char sector[64];
    const int64_t done = number(job, "Done"), total = number(job, "Total");
    const json_t *end = json_object_get(job, "EndMs");
    const bool running = is_running(job);
    json_t *eta = json_null();
    if (json_is_integer(end)) {
        int64_t left = json_integer_value(end) - slk_runner_now();
        eta = json_integer((json_int_t)(left > 0 ? left / 1000 : 0));
    }
    int len = snprintf(sector, sizeof sector, "t0%" PRId64, number(job, "Miner"));
    if (json_is_integer(json_object_get(job, "Number"))) /* null: of no one sector */
        snprintf(sector + len, sizeof sector - (size_t)len, "-%" PRId64, number(job, "Number"));
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", get(job, "ID"), "sector",
        sector, "task", get(job, "Task"), "worker",
        slk_api_text(json_string_value(json_object_get(job, "Worker"))), "state", get(job, "State"),
        "progress", running && total > 0 ? json_real((double)done / (double)total) : json_null(),
        "stage", slk_api_text(json_string_value(json_object_get(job, "Stage"))), "started",
        number(job, "Started") ? json_real((double)number(job, "Started") / 1000) : json_null(),
        "tries", get(job, "Tries"), "eta_seconds", eta, "waiting_for",
        slk_api_text(running ? NULL : json_string_value(json_object_get(job, "Why"))));
}

void slk_manager_rpc_jobs(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    size_t i;
    json_t *all, *job;
    const json_t *max = json_object_get(slk_rpc_param(call, 0), "Max");
    const size_t most = json_is_integer(max) && json_integer_value(max) >= 0
                            ? (size_t)json_integer_value(max)
                            : SIZE_MAX;
    slk_err_t err = slk_dispatch_jobs(m->dispatch, &all, &diag);
    if (err != SLK_OK) {
        slk_api_fail(call, err, &diag);
        return;
    }
    json_t *list = json_array();
    for (int queued = 0; queued < 2; queued++) { /* running ones first */
        json_array_foreach(all, i, job)
        {
            if (is_running(job) != queued && json_array_size(list) < most)
                json_array_append_new(list, job_json(job));
        }
    }
    json_decref(all);
    slk_rpc_answer(call, list);
}

void slk_manager_rpc_job_abort(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    uint64_t id;
    if (!slk_api_number(call, 0, &id))
        return;
    slk_err_t err = slk_dispatch_abort(m->dispatch, (int64_t)id, "aborted by an operator", &diag);
    if (err == SLK_ERR_NOTFOUND)
        slk_fail(&diag, err, "there is no job %" PRIu64 "; see `selkie sealing jobs`", id);
    if (err == SLK_OK)
        slk_rpc_answer(call, json_pack("{s:I}", "aborted", (json_int_t)id));
    else
        slk_api_fail(call, err, &diag);
}

/* --- Workers ------------------------------------------------------------------------------------------ */

static json_t *worker_json(const json_t *worker)
{
    size_t i;
    json_t *row, *tasks = json_object();
    json_array_foreach(json_object_get(worker, "Tasks"), i, row) json_object_set(
        tasks, json_string_value(json_object_get(row, "Task")), json_object_get(row, "Limit"));
    const json_t *ago = json_object_get(worker, "LastBeatAgoMs");
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        get(worker, "ID"), "name", get(worker, "Name"), "state", get(worker, "State"), "url",
        get(worker, "URL"), "cores", get(worker, "Cores"), "memory", get(worker, "Memory"),
        "free_memory", get(worker, "FreeMemory"), "tasks", tasks, "jobs", get(worker, "Jobs"),
        "stores", get(worker, "Stores"), "last_seen_seconds",
        json_is_integer(ago) ? json_real((double)json_integer_value(ago) / 1000) : json_null(),
        "clock_skew_ms", get(worker, "ClockSkewMs"), "version", get(worker, "Version"));
}

void slk_manager_rpc_workers(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    size_t i;
    json_t *all, *worker;
    slk_err_t err = slk_dispatch_workers(m->dispatch, &all, &diag);
    if (err != SLK_OK) {
        slk_api_fail(call, err, &diag);
        return;
    }
    json_t *list = json_array();
    json_array_foreach(all, i, worker) json_array_append_new(list, worker_json(worker));
    json_decref(all);
    slk_rpc_answer(call, list);
}

static void wish(slk_manager_t *m, slk_rpc_call_t *call, slk_worker_wish_t what)
{
    slk_diag_t diag = {0};
    const char *worker = slk_api_word(call, 0);
    if (!worker)
        return;
    slk_err_t err = slk_dispatch_wish(m->dispatch, worker, what, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(
            call, json_pack("{s:s, s:s}", "worker", worker, "state", slk_worker_wish_name(what)));
    else
        slk_api_fail(call, err, &diag);
}

void slk_manager_rpc_worker_pause(slk_rpc_call_t *call, void *ctx)
{
    wish(ctx, call, SLK_WORKER_PAUSED);
}

void slk_manager_rpc_worker_resume(slk_rpc_call_t *call, void *ctx)
{
    wish(ctx, call, SLK_WORKER_ACTIVE);
}

void slk_manager_rpc_worker_drain(slk_rpc_call_t *call, void *ctx)
{
    wish(ctx, call, SLK_WORKER_DRAINING);
}

void slk_manager_rpc_worker_forget(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    const char *worker = slk_api_word(call, 0);
    if (!worker)
        return;
    slk_err_t err = slk_dispatch_forget(m->dispatch, worker, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, json_pack("{s:s}", "forgotten", worker));
    else
        slk_api_fail(call, err, &diag);
}

void slk_manager_rpc_sched_diag(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    json_t *answer;
    slk_err_t err = slk_dispatch_sched_diag(m->dispatch, &answer, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, answer);
    else
        slk_api_fail(call, err, &diag);
}

/* --- Storage ------------------------------------------------------------------------------------------ */

void slk_manager_rpc_storage_list(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    json_t *list;
    slk_err_t err = slk_dispatch_storage(m->dispatch, &list, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, list);
    else
        slk_api_fail(call, err, &diag);
}

/* Member `what` of the row of `list` whose member `key` is this text; "" when there is none. */
static const char *row_text(const json_t *list, const char *key, const char *text, const char *what)
{
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row)
    {
        const char *found = json_string_value(json_object_get(row, what));
        if (found && !strcmp(json_string_value(json_object_get(row, key)), text))
            return found;
    }
    return "";
}

/* Where this worker has the path. */
static const char *path_of(const json_t *stores, const slk_storage_holder_t *holder)
{
    size_t i;
    json_t *store;
    json_array_foreach(stores, i, store)
    {
        if (!strcmp(json_string_value(json_object_get(store, "ID")), holder->store))
            return row_text(json_object_get(store, "URLs"), "Worker", holder->worker, "Path");
    }
    return "";
}

static json_t *found_json(const slk_storage_holder_t *all, size_t cnt, const json_t *workers,
                          const json_t *stores)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cnt; i++)
        for (unsigned t = 0; t < SLK_FT_CNT; t++)
            if (all[i].types & SLK_FT_AT(t))
                json_array_append_new(
                    list,
                    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b}", "type",
                              slk_file_type_name(SLK_FT_AT(t)), "store", all[i].store, "worker",
                              slk_api_text(row_text(workers, "ID", all[i].worker, "Name")), "path",
                              slk_api_text(path_of(stores, &all[i])), "worker_id",
                              slk_api_text(all[i].worker), "url", slk_api_text(all[i].url),
                              "primary", (all[i].primary & SLK_FT_AT(t)) != 0, "can_seal",
                              all[i].can_seal, "can_store", all[i].can_store, "can_final",
                              all[i].can_final, "stale", (all[i].stale & SLK_FT_AT(t)) != 0));
    return list;
}

void slk_manager_rpc_storage_forget(slk_rpc_call_t *call, void *ctx)
{
    slk_manager_t *m = ctx;
    slk_diag_t diag = {0};
    const char *store = slk_api_word(call, 0);
    if (!store)
        return;
    slk_err_t err = slk_dispatch_forget_path(m->dispatch, store, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, json_pack("{s:s}", "forgotten", store));
    else
        slk_api_fail(call, err, &diag);
}

json_t *slk_api_files(slk_manager_t *m, slk_db_t *db, const slk_sector_id_t *sector, slk_err_t *err,
                      slk_diag_t *diag)
{
    slk_storage_holder_t *all = NULL;
    json_t *workers = NULL, *stores = NULL, *list = NULL;
    size_t cnt = 0;
    *err = slk_storage_find(db, sector, (1u << SLK_FT_CNT) - 1, &all, &cnt, diag);
    if (*err == SLK_OK)
        *err = slk_dispatch_workers(m->dispatch, &workers, diag);
    if (*err == SLK_OK)
        *err = slk_dispatch_storage(m->dispatch, &stores, diag);
    if (*err == SLK_OK)
        list = found_json(all, cnt, workers, stores);
    json_decref(workers);
    json_decref(stores);
    free(all);
    return list;
}

void slk_manager_rpc_storage_find(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_sector_id_t sector;
    json_t *list = NULL;
    if (!slk_api_number(call, 0, &sector.number) || !slk_api_miner(m, call, 1, &sector.miner))
        return;
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    list = slk_api_files(m, db, &sector, &err, &diag);
    if (err == SLK_OK)
        slk_rpc_answer(call, list);
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    slk_db_close(db);
}

/* --- All at a glance ----------------------------------------------------------------------------------- */

static json_t *class_counts(slk_db_t *db, slk_err_t *err, slk_diag_t *diag)
{
    uint64_t counts[SLK_STATE_CNT], classes[SLK_CLASS_CNT] = {0};
    json_t *object = json_object();
    *err = slk_sector_counts(db, SLK_SECTOR_ANY_MINER, counts, diag);
    for (slk_sector_state_t s = 0; s < SLK_STATE_CNT && *err == SLK_OK; s++)
        classes[slk_sector_state_class(s)] += counts[s];
    for (slk_state_class_t c = 0; c < SLK_CLASS_CNT; c++)
        json_object_set_new(object, slk_state_class_name(c), json_integer((json_int_t)classes[c]));
    return object;
}

void slk_manager_rpc_summary(slk_rpc_call_t *call, void *ctx)
{
    slk_err_t err;
    slk_manager_t *m = ctx;
    slk_db_t *db = NULL;
    slk_diag_t diag = {0};
    slk_chain_status_t chain;
    uint64_t miners[SLK_CONFIG_MINERS_MAX];
    json_t *sectors = NULL, *list = json_array();
    size_t cnt = slk_manager_miners(m, miners, SLK_CONFIG_MINERS_MAX);
    for (size_t i = 0; i < cnt; i++)
        json_array_append_new(list, json_integer((json_int_t)miners[i]));
    slk_chain_status(m->chain, &chain);
    SLK_TRY(slk_db_open(&db, m->database, &diag));
    sectors = class_counts(db, &err, &diag);
    if (err != SLK_OK)
        goto out;
    slk_rpc_answer(call, json_pack("{s:s, s:O, s:O, s:I, s:b, s:o, s:I}", "version", m->version,
                                   "miners", list, "sectors", sectors, "height",
                                   (json_int_t)chain.head.height, "following", chain.following,
                                   "trouble", slk_api_text(chain.trouble), "uptime_seconds",
                                   (json_int_t)((slk_runner_now() - m->started_ms) / 1000)));
out:
    if (err != SLK_OK)
        slk_api_fail(call, err, &diag);
    json_decref(sectors);
    json_decref(list);
    slk_db_close(db);
}
