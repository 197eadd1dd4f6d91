/* What operators say and see. */
#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for an answer to an operator");
}

/* --- Wishes ----------------------------------------------------------------------------------- */

/* By UUID, or by a name that one alone has. With db_lock. */
static slk_err_t find_worker(slk_dispatch_t *d, const char *text, char id[SLK_JOB_WORKER_MAX],
                             slk_diag_t *diag)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++) {
        const slk_pic_worker_t *w = d->pic.workers[i];
        if (!w->known || (strcmp(w->id, text) && strcmp(w->name, text)))
            continue;
        strcpy(id, w->id);
        if (!strcmp(w->id, text))
            return SLK_OK;
        found++;
    }
    if (found == 1)
        return SLK_OK;
    return found ? slk_fail(diag, SLK_ERR_INPUT, "%u workers are called %s: name one by its UUID",
                            found, text)
                 : slk_fail(diag, SLK_ERR_NOTFOUND, "no worker %s has ever registered", text);
}

typedef struct {
    const char *id;
    slk_worker_wish_t wish;
} wish_t;

static slk_err_t write_wish(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const wish_t *w = ctx;
    return slk_registry_wish(db, w->id, w->wish, diag);
}

slk_err_t slk_dispatch_wish(slk_dispatch_t *d, const char *worker, slk_worker_wish_t wish,
                            slk_diag_t *diag)
{
    char id[SLK_JOB_WORKER_MAX];
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&d->db_lock);
    SLK_TRY(find_worker(d, worker, id, diag));
    wish_t w = {id, wish};
    SLK_TRY(slk_dispatch_transact(d, write_wish, &w, diag));
    pthread_mutex_lock(&d->lock);
    slk_pic_worker_t *row = slk_pic_worker(&d->pic, id, NULL);
    row->wish = wish;
    row->news++;
    slk_dispatch_stir(d);
    pthread_cond_broadcast(&d->news);
    pthread_mutex_unlock(&d->lock);
    slk_log(SLK_LOG_INFO, SLK_LOG_DISPATCH, "worker %s is to be %s", worker,
            slk_worker_wish_name(wish));
out:
    pthread_mutex_unlock(&d->db_lock);
    return err;
}

static slk_err_t write_forget(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const char *id = ctx;
    slk_err_t err = slk_db_run(db, "DELETE FROM storage_url WHERE worker = ?1",
                               SLK_VALS(slk_val_text(id)), NULL, diag);
    return err == SLK_OK ? slk_registry_forget(db, id, diag) : err;
}

slk_err_t slk_dispatch_forget(slk_dispatch_t *d, const char *worker, slk_diag_t *diag)
{
    char id[SLK_JOB_WORKER_MAX];
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&d->db_lock);
    SLK_TRY(find_worker(d, worker, id, diag));
    pthread_mutex_lock(&d->lock);
    slk_pic_worker_t *row = slk_pic_worker(&d->pic, id, NULL);
    const bool busy = row->alive || row->job_cnt;
    pthread_mutex_unlock(&d->lock);
    if (busy) {
        err =
            slk_fail(diag, SLK_ERR_STATE, "worker %s is alive or has jobs: stop it first", worker);
        goto out;
    }
    SLK_TRY(slk_dispatch_transact(d, write_forget, id, diag));
    pthread_mutex_lock(&d->lock);
    row->known = false;
    row->session[0] = 0;
    row->mount_cnt = 0;
    slk_dispatch_stir(d);
    pthread_mutex_unlock(&d->lock);
out:
    pthread_mutex_unlock(&d->db_lock);
    return err;
}

static slk_err_t write_forget_path(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    return slk_storage_forget(db, ctx, diag);
}

slk_err_t slk_dispatch_forget_path(slk_dispatch_t *d, const char *store, slk_diag_t *diag)
{
    char id[SLK_STORAGE_ID_TEXT];
    snprintf(id, sizeof id, "%s", store);
    pthread_mutex_lock(&d->db_lock);
    slk_err_t err = slk_dispatch_transact(d, write_forget_path, id, diag);
    if (err == SLK_OK)
        err = slk_dispatch_load(d, diag);
    pthread_mutex_unlock(&d->db_lock);
    return err;
}

typedef struct {
    slk_dispatch_t *d;
    int64_t job;
    const char *why;
} abort_t;

static slk_err_t write_abort(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const abort_t *a = ctx;
    return slk_job_abort(db, a->job, a->why, slk_dispatch_now(a->d), &a->d->opts.hooks, diag);
}

slk_err_t slk_dispatch_abort(slk_dispatch_t *d, int64_t job, const char *why, slk_diag_t *diag)
{
    abort_t a = {d, job, why};
    slk_job_view_t view = {.result = NULL};
    pthread_mutex_lock(&d->db_lock);
    slk_err_t err = slk_dispatch_transact(d, write_abort, &a, diag);
    if (err == SLK_OK) {
        slk_dispatch_refresh(d, job, true);
        err = slk_job_find_id(d->db, job, &view, diag);
    }
    pthread_mutex_unlock(&d->db_lock);
    json_decref(view.result);
    if (err == SLK_OK) {
        slk_log_sector(SLK_LOG_INFO, SLK_LOG_DISPATCH, view.miner, view.number,
                       "job %lld aborted: %s", (long long)job, why);
        slk_dispatch_changed(d, view.miner, view.number);
    }
    return err;
}

/* --- Workers ---------------------------------------------------------------------------------- */

static const char *state_of(const slk_pic_worker_t *w)
{
    return !w->alive ? "dead" : w->leaving ? "leaving" : slk_worker_wish_name(w->wish);
}

static json_t *tasks_of(const slk_pic_worker_t *w)
{
    json_t *list = json_array();
    for (unsigned t = 0; t < SLK_TASK_CNT; t++) {
        unsigned running = 0;
        for (uint32_t i = 0; i < w->job_cnt; i++)
            running += w->jobs[i]->task == t;
        if (w->limits[t] || running)
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:i}", "Task", slk_tasks[t].name, "Limit",
                                            (json_int_t)w->limits[t], "Running", (int)running));
    }
    return list;
}

static json_t *worker_json(const slk_dispatch_t *d, const slk_pic_worker_t *w)
{
    json_t *jobs = json_array(), *stores = json_array(), *miners = json_array();
    for (uint32_t i = 0; i < w->job_cnt; i++)
        json_array_append_new(jobs, json_integer(w->jobs[i]->id));
    for (uint32_t i = 0; i < w->mount_cnt; i++)
        json_array_append_new(stores, json_string(d->pic.stores[w->mounts[i].store]->id));
    for (size_t i = 0; i < w->miners.cnt; i++)
        json_array_append_new(miners, json_integer((json_int_t)w->miners.at[i]));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o}",
        "ID", w->id, "Name", w->name, "URL", w->url, "Version", w->version, "State", state_of(w),
        "Wish", slk_worker_wish_name(w->wish), "Cores", (json_int_t)w->cores, "Memory",
        (json_int_t)w->memory, "FreeMemory", (json_int_t)w->free_memory, "LoadMillis",
        (json_int_t)w->load_millis, "NUMANodes", (json_int_t)w->numa_nodes, "Tasks", tasks_of(w),
        "Miners", miners, "LastBeatAgoMs",
        w->beaten ? json_integer((json_int_t)(slk_net_now_ms() - w->beat_ms)) : json_null(),
        "ClockSkewMs", (json_int_t)w->skew_ms, "Jobs", jobs, "Stores", stores);
}

slk_err_t slk_dispatch_workers(slk_dispatch_t *d, json_t **list, slk_diag_t *diag)
{
    bool ok = (*list = json_array()) != NULL;
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; ok && i < d->pic.worker_cnt; i++)
        if (d->pic.workers[i]->known)
            ok = !json_array_append_new(*list, worker_json(d, d->pic.workers[i]));
    pthread_mutex_unlock(&d->lock);
    if (ok)
        return SLK_OK;
    json_decref(*list);
    *list = NULL;
    return no_memory(diag);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static json_t *ms_or_null(int64_t ms)
{
    return ms == SLK_ETA_UNKNOWN ? json_null() : json_integer(ms);
}

static json_t *number_json(const slk_pic_job_t *job)
{
    return job->number == SLK_JOB_NO_SECTOR ? json_null() : json_integer((json_int_t)job->number);
}

static json_t *job_json(const slk_dispatch_t *d, const slk_pic_job_t *job)
{
    const slk_pic_worker_t *w = job->worker == SLK_PIC_NONE ? NULL : d->pic.workers[job->worker];
    const int64_t now_ms = slk_dispatch_now(d);
    const int64_t end_ms = w ? slk_eta_end_ms(d->eta, job->task, job->sector_sz, w->id,
                                              job->started_ms, job->done, job->total, now_ms)
                             : job->eta_end_ms;
    return json_pack(
        "{s:I, s:s, s:s, s:I, s:o, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:s, s:I, "
        "s:I, s:I, "
        "s:o, s:o, s:s}",
        "ID", (json_int_t)job->id, "Key", job->key, "Task", slk_tasks[job->task].name, "Miner",
        (json_int_t)job->miner, "Number", number_json(job), "State", slk_job_state_name(job->state),
        "Priority", (json_int_t)job->priority, "Deadline", (json_int_t)job->deadline_ms, "Created",
        (json_int_t)job->created_ms, "Started", (json_int_t)(w ? job->started_ms : 0), "Worker",
        w ? w->name : "", "WorkerID", w ? w->id : "", "Lease", (json_int_t)job->lease, "Tries",
        (json_int_t)job->tries, "Stage", w ? job->stage : "", "Unit", w ? job->unit : "", "Done",
        (json_int_t)job->done, "Total", (json_int_t)job->total, "ElapsedMs",
        (json_int_t)(w ? now_ms - job->started_ms : 0), "TypicalMs",
        ms_or_null(slk_eta_ms(d->eta, job->task, job->sector_sz, w ? w->id : NULL)), "EndMs",
        ms_or_null(end_ms), "Why", !w && job->why ? job->why : "");
}

static int by_id(const void *a, const void *b)
{
    const slk_pic_job_t *x = *(slk_pic_job_t *const *)a, *y = *(slk_pic_job_t *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Unfinished jobs by id, to be freed; NULL: out of memory. With lock. */
static slk_pic_job_t **all_jobs(const slk_dispatch_t *d, size_t *cnt)
{
    size_t at = 0;
    slk_pic_job_t *job, **list = calloc(d->pic.jobs.used + 1, sizeof(slk_pic_job_t *));
    *cnt = 0;
    while (list && (job = slk_pair_next(&d->pic.jobs, &at)))
        list[(*cnt)++] = job;
    if (list)
        qsort(list, *cnt, sizeof(slk_pic_job_t *), by_id);
    return list;
}

slk_err_t slk_dispatch_jobs(slk_dispatch_t *d, json_t **list, slk_diag_t *diag)
{
    size_t cnt = 0;
    *list = json_array();
    pthread_mutex_lock(&d->lock);
    slk_pic_job_t **jobs = all_jobs(d, &cnt);
    bool ok = jobs && *list;
    for (size_t i = 0; ok && i < cnt; i++)
        ok = !json_array_append_new(*list, job_json(d, jobs[i]));
    free(jobs);
    pthread_mutex_unlock(&d->lock);
    if (ok)
        return SLK_OK;
    json_decref(*list);
    *list = NULL;
    return no_memory(diag);
}

void slk_dispatch_why(slk_dispatch_t *d, int64_t id, char *out, size_t cap)
{
    pthread_mutex_lock(&d->lock);
    const slk_pic_job_t *job = slk_pic_job(&d->pic, id);
    snprintf(out, cap, "%s", job && job->state == SLK_JOB_QUEUED && job->why ? job->why : "");
    pthread_mutex_unlock(&d->lock);
}

/* --- Storage ---------------------------------------------------------------------------------- */

/* Why a path cannot be used. With lock. */
static void path_trouble(const slk_dispatch_t *d, uint32_t store, char *out, size_t cap)
{
    snprintf(out, cap, "no worker that is alive has it");
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++) {
        const slk_pic_worker_t *w = d->pic.workers[i];
        const slk_pic_mount_t *m = w->alive ? slk_pic_mount(w, store) : NULL;
        if (m)
            snprintf(out, cap, "%s: %s", w->name, m->error[0] ? m->error : "not reported yet");
    }
}

/* With lock. */
static void complete_path(const slk_dispatch_t *d, json_t *path, const uint64_t *available,
                          const bool *usable)
{
    char text[512] = "it was forgotten";
    uint64_t used = 0;
    const uint32_t at = slk_pic_store(&d->pic, json_string_value(json_object_get(path, "ID")));
    const bool ok = at != SLK_PIC_NONE && usable[at];
    for (uint32_t i = 0; ok && i < d->pic.worker_cnt; i++) {
        const slk_pic_mount_t *m = slk_pic_mount(d->pic.workers[i], at);
        if (m && m->reported && m->used > used)
            used = m->used;
    }
    if (!ok && at != SLK_PIC_NONE)
        path_trouble(d, at, text, sizeof text);
    json_object_set_new(path, "Available",
                        ok ? json_integer((json_int_t)available[at]) : json_null());
    json_object_set_new(path, "Used", ok ? json_integer((json_int_t)used) : json_null());
    json_object_set_new(path, "Usable", json_boolean(ok));
    json_object_set_new(path, "Err", json_string(ok ? "" : text));
}

slk_err_t slk_dispatch_storage(slk_dispatch_t *d, json_t **list, slk_diag_t *diag)
{
    size_t i;
    json_t *path;
    pthread_mutex_lock(&d->db_lock);
    slk_err_t err = slk_storage_list(d->db, list, diag);
    pthread_mutex_lock(&d->lock);
    uint64_t *available = calloc(d->pic.store_cnt + 1, sizeof *available);
    bool *usable = calloc(d->pic.store_cnt + 1, sizeof *usable);
    if (err == SLK_OK && (!available || !usable)) {
        json_decref(*list);
        *list = NULL;
        err = no_memory(diag);
    }
    if (err == SLK_OK) {
        slk_dispatch_free_space(d, available, usable);
        json_array_foreach(*list, i, path) complete_path(d, path, available, usable);
    }
    pthread_mutex_unlock(&d->lock);
    pthread_mutex_unlock(&d->db_lock);
    free(available);
    free(usable);
    return err;
}

/* --- sched-diag ------------------------------------------------------------------------------- */

static json_t *request_json(const slk_pic_job_t *job)
{
    return json_pack("{s:{s:I, s:o}, s:s, s:I, s:I, s:s}", "Sector", "Miner",
                     (json_int_t)job->miner, "Number", number_json(job), "TaskType",
                     slk_tasks[job->task].type, "Priority", (json_int_t)job->priority, "SchedId",
                     (json_int_t)job->id, "Why",
                     job->why ? job->why : "it is about to be looked at");
}

slk_err_t slk_dispatch_sched_diag(slk_dispatch_t *d, json_t **diagram, slk_diag_t *diag)
{
    json_t *requests = json_array(), *windows = json_array(), *calls = json_object();
    size_t cnt = 0;
    char id[24];
    pthread_mutex_lock(&d->lock);
    slk_pic_job_t **jobs = all_jobs(d, &cnt);
    for (size_t i = 0; jobs && i < cnt; i++) {
        if (jobs[i]->state == SLK_JOB_QUEUED) {
            json_array_append_new(requests, request_json(jobs[i]));
            continue;
        }
        snprintf(id, sizeof id, "%lld", (long long)jobs[i]->id);
        json_object_set_new(calls, id, json_string(jobs[i]->key));
    }
    unsigned alive = 0;
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++) {
        const slk_pic_worker_t *w = d->pic.workers[i];
        alive += w->alive;
        if (w->alive && !w->leaving && w->wish == SLK_WORKER_ACTIVE)
            json_array_append_new(windows, json_string(w->id));
    }
    *diagram =
        json_pack("{s:{s:o, s:o}, s:[], s:[], s:o, s:[], s:I, s:f, s:i, s:I}", "SchedInfo",
                  "Requests", requests, "OpenWindows", windows, "ReturnedWork", "Waiting",
                  "CallToWork", calls, "EarlyRet", "Rounds", (json_int_t)d->rounds, "RoundMs",
                  d->round_ms, "Workers", (int)alive, "Paths", (json_int_t)d->pic.store_cnt);
    pthread_mutex_unlock(&d->lock);
    const bool ok = jobs && *diagram;
    free(jobs);
    if (ok)
        return SLK_OK;
    json_decref(*diagram);
    *diagram = NULL;
    return no_memory(diag);
}
