#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "selkie/proof_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Durations that were measured ------------------------------------------------------------- */

#define LEARN_MAX 2000

typedef struct {
    slk_task_t task;
    int64_t seal_proof, ms;
    char worker[SLK_JOB_WORKER_MAX];
} measured_t;

typedef struct {
    measured_t *of;
    size_t cnt;
} measures_t;

static slk_err_t take_measure(void *ctx, slk_job_row_t *row, slk_diag_t *diag)
{
    (void)diag;
    measures_t *m = ctx;
    measured_t *one = &m->of[m->cnt++];
    *one =
        (measured_t){.task = row->view.task,
                     .seal_proof = row->view.seal_proof,
                     .ms = row->work_ms ? row->work_ms : row->view.ended_ms - row->view.started_ms};
    strcpy(one->worker, row->view.worker_id);
    return SLK_OK;
}

slk_err_t slk_dispatch_learn(slk_dispatch_t *d, slk_diag_t *diag)
{
    measures_t m = {calloc(LEARN_MAX, sizeof *m.of), 0};
    if (!m.of)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for measured durations");
    slk_err_t err = slk_job_each_done(d->db, LEARN_MAX, take_measure, &m, diag);
    /* They came newest first; the newest are to count. */
    while (err == SLK_OK && m.cnt--) {
        slk_porep_t porep;
        if (slk_porep_by_id(&porep, (int)m.of[m.cnt].seal_proof, NULL) == SLK_OK)
            err = slk_eta_add(d->eta, m.of[m.cnt].task, porep.size->bytes, m.of[m.cnt].worker,
                              m.of[m.cnt].ms, diag);
    }
    free(m.of);
    return err;
}

/* --- Tables into the picture ------------------------------------------------------------------ */

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the picture of workers and paths");
}

static void limits_of(uint32_t limits[SLK_TASK_CNT], const char *text)
{
    json_t *list = json_loads(text, 0, NULL), *item;
    size_t i;
    memset(limits, 0, SLK_TASK_CNT * sizeof *limits);
    json_array_foreach(list, i, item)
    {
        slk_task_t task;
        const char *name = json_string_value(json_object_get(item, "Task"));
        const json_int_t limit = json_integer_value(json_object_get(item, "Limit"));
        if (name && slk_task_from_name(&task, name))
            limits[task] = limit < 0 || limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
    }
    json_decref(list);
}

static slk_err_t show_worker(slk_dispatch_t *d, const slk_registry_row_t *row, slk_diag_t *diag)
{
    const uint32_t at = slk_pic_worker_add(&d->pic, row->id);
    if (at == SLK_PIC_NONE)
        return no_memory(diag);
    slk_pic_worker_t *worker = d->pic.workers[at];
    json_t *miners = json_loads(row->miners, 0, NULL);
    const bool ok = slk_pic_numbers_json(&worker->miners, miners);
    json_decref(miners);
    snprintf(worker->name, sizeof worker->name, "%s", row->name);
    snprintf(worker->url, sizeof worker->url, "%s", row->url);
    snprintf(worker->version, sizeof worker->version, "%s", row->version);
    limits_of(worker->limits, row->tasks);
    worker->cores = row->cores;
    worker->memory = row->memory;
    worker->numa_nodes = row->numa_nodes;
    worker->skew_ms = row->skew_ms;
    worker->wish = row->wish;
    worker->known = true;
    return ok ? SLK_OK : no_memory(diag);
}

static slk_err_t show_workers(slk_dispatch_t *d, const slk_registry_row_t *rows, size_t cnt,
                              slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++)
        d->pic.workers[i]->known = false;
    for (size_t i = 0; err == SLK_OK && i < cnt; i++)
        err = show_worker(d, &rows[i], diag);
    return err;
}

static slk_file_types_t types_of(const json_t *names)
{
    slk_file_types_t types = 0;
    size_t i;
    json_t *item;
    json_array_foreach(names, i, item) types |=
        slk_file_type_from_name(json_string_value(item), json_string_length(item));
    return types;
}

static uint64_t number_of(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* A path's attributes from an element of slk_storage_list. */
static bool show_store(slk_dispatch_t *d, const json_t *path)
{
    const uint32_t at = slk_pic_store_add(&d->pic, json_string_value(json_object_get(path, "ID")));
    size_t i;
    json_t *url;
    if (at == SLK_PIC_NONE)
        return false;
    slk_pic_store_t *store = d->pic.stores[at];
    store->known = true;
    store->weight = number_of(path, "Weight");
    store->max_storage = number_of(path, "MaxStorage");
    store->capacity = number_of(path, "Capacity");
    store->can_seal = json_is_true(json_object_get(path, "CanSeal"));
    store->can_store = json_is_true(json_object_get(path, "CanStore"));
    store->can_final = json_is_true(json_object_get(path, "CanFinal"));
    store->allow_types = types_of(json_object_get(path, "AllowTypes"));
    store->deny_types = types_of(json_object_get(path, "DenyTypes"));
    json_array_foreach(json_object_get(path, "URLs"), i, url)
    {
        const uint32_t worker =
            slk_pic_worker_add(&d->pic, json_string_value(json_object_get(url, "Worker")));
        if (worker == SLK_PIC_NONE || !slk_pic_mount_add(d->pic.workers[worker], at))
            return false;
    }
    return slk_pic_texts_json(&store->groups, json_object_get(path, "Groups")) &&
           slk_pic_texts_json(&store->allow_to, json_object_get(path, "AllowTo")) &&
           slk_pic_numbers_json(&store->allow_miners, json_object_get(path, "AllowMiners")) &&
           slk_pic_numbers_json(&store->deny_miners, json_object_get(path, "DenyMiners"));
}

static slk_err_t show_stores(slk_dispatch_t *d, const json_t *list, slk_diag_t *diag)
{
    size_t i;
    json_t *path;
    for (uint32_t j = 0; j < d->pic.store_cnt; j++)
        d->pic.stores[j]->known = false;
    json_array_foreach(list, i, path) if (!show_store(d, path)) return no_memory(diag);
    return SLK_OK;
}

static slk_err_t show_file(void *ctx, const slk_sector_id_t *sector, slk_file_types_t type,
                           const char *store, slk_storage_rank_t rank, slk_diag_t *diag)
{
    slk_dispatch_t *d = ctx;
    const uint32_t at = slk_pic_store_add(&d->pic, store);
    if (at == SLK_PIC_NONE || !slk_pic_file_add(&d->pic, sector, type, at, rank))
        return no_memory(diag);
    return SLK_OK;
}

static slk_err_t show_job(void *ctx, slk_job_row_t *row, slk_diag_t *diag)
{
    slk_dispatch_t *d = ctx;
    return slk_pic_job_show(&d->pic, row, slk_net_now_ms() + (uint64_t)d->opts.lease_ms, diag);
}

slk_err_t slk_dispatch_load(slk_dispatch_t *d, slk_diag_t *diag)
{
    slk_registry_row_t *rows = NULL;
    size_t cnt = 0;
    json_t *stores = NULL;
    bool locked = false;
    slk_err_t err = SLK_OK;
    SLK_TRY(slk_registry_list(d->db, &rows, &cnt, diag));
    SLK_TRY(slk_storage_list(d->db, &stores, diag));
    pthread_mutex_lock(&d->lock);
    locked = true;
    slk_picture_clear(&d->pic);
    SLK_TRY(show_workers(d, rows, cnt, diag));
    SLK_TRY(show_stores(d, stores, diag));
    SLK_TRY(slk_storage_each_file(d->db, show_file, d, diag));
    SLK_TRY(slk_job_each_open(d->db, show_job, d, diag));
    d->reload = false;
    d->dirty = true;
out:
    if (locked)
        pthread_mutex_unlock(&d->lock);
    slk_registry_free(rows, cnt);
    json_decref(stores);
    return err;
}
