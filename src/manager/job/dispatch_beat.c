/* Registration and beats: what is heard goes into the picture; the database is asked only where
 * a path is new or a worker came back to a job that was taken from it. */
#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "net/jsonrpc.h"
#include "net/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_MAX_MS 30000

/* --- Paths of a worker ------------------------------------------------------------------------ */

static void digest(uint64_t *h, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *h = (*h ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    *h = (*h ^ len) * 0x100000001b3u;
}

/* Of all that is written into the tables. */
static uint64_t attributes_of(const slk_store_report_t *r)
{
    const uint64_t numbers[] = {r->weight,      r->can_seal,    r->can_store,  r->can_final,
                                r->max_storage, r->allow_types, r->deny_types, r->capacity};
    uint64_t h = 0xcbf29ce484222325u;
    digest(&h, numbers, sizeof numbers);
    digest(&h, r->path.b, r->path.len);
    digest(&h, r->groups.b, r->groups.len);
    digest(&h, r->allow_to.b, r->allow_to.len);
    digest(&h, r->allow_miners.items, r->allow_miners.count * sizeof(uint64_t));
    digest(&h, r->deny_miners.items, r->deny_miners.count * sizeof(uint64_t));
    return h;
}

/* How full the paths are; *news: some are not as the tables have them. With lock. */
static void hear_stores(slk_dispatch_t *d, slk_pic_worker_t *worker,
                        const slk_store_report_list_t *list, bool *news)
{
    uint32_t known = 0;
    for (size_t i = 0; i < list->count; i++) {
        const slk_store_report_t *r = &list->items[i];
        char id[SLK_STORAGE_ID_TEXT];
        slk_pic_mount_t *mount = NULL;
        for (uint32_t j = 0; slk_storage_id_text(id, &r->id) && j < worker->mount_cnt && !mount;
             j++)
            if (!strcmp(d->pic.stores[worker->mounts[j].store]->id, id))
                mount = &worker->mounts[j];
        if (!mount || mount->attributes != attributes_of(r)) {
            *news = true;
            continue;
        }
        known++;
        char error[sizeof mount->error];
        snprintf(error, sizeof error, "%.*s", r->error.len > 255 ? 255 : (int)r->error.len,
                 r->error.len ? (const char *)r->error.b : "");
        if (!mount->reported || strcmp(error, mount->error))
            slk_dispatch_stir(d);
        mount->reported = true;
        mount->available = r->available;
        mount->used = r->used;
        strcpy(mount->error, error);
    }
    if (known < worker->mount_cnt)
        *news = true;
}

typedef struct {
    slk_dispatch_t *d;
    const slk_register_t *reg; /* NULL: of a beat */
    const char *worker, *url;
    const slk_store_report_list_t *stores;
    char (*gone)[SLK_STORAGE_ID_TEXT]; /* paths that the worker has no more */
    size_t gone_cnt;
} attach_t;

static slk_err_t attach(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    attach_t *a = ctx;
    const int64_t now_ms = slk_dispatch_now(a->d);
    slk_err_t err = a->reg ? slk_registry_put(db, a->reg, now_ms, diag) : SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < a->stores->count; i++)
        err = slk_storage_attach(db, a->worker, a->url, &a->stores->items[i], now_ms, diag);
    for (size_t i = 0; err == SLK_OK && i < a->gone_cnt; i++)
        err = slk_storage_detach(db, a->worker, a->gone[i], diag);
    return err;
}

static bool listed(const slk_store_report_list_t *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id.len == strlen(id) && !memcmp(list->items[i].id.b, id, strlen(id)))
            return true;
    return false;
}

/* Paths that the tables have at this worker and it does not name. With db_lock. */
static bool find_gone(attach_t *a)
{
    slk_dispatch_t *d = a->d;
    const slk_pic_worker_t *worker = slk_pic_worker(&d->pic, a->worker, NULL);
    a->gone = calloc(worker && worker->mount_cnt ? worker->mount_cnt : 1, sizeof *a->gone);
    if (!a->gone)
        return false;
    for (uint32_t i = 0; worker && i < worker->mount_cnt; i++) {
        const char *id = d->pic.stores[worker->mounts[i].store]->id;
        if (!listed(a->stores, id))
            strcpy(a->gone[a->gone_cnt++], id);
    }
    return true;
}

static bool set_texts(slk_pic_texts_t *out, const slk_bytes_t *any)
{
    json_t *list =
        any->len ? json_loadb((const char *)any->b, any->len, JSON_DECODE_ANY, NULL) : NULL;
    const bool ok = slk_pic_texts_json(out, list);
    json_decref(list);
    return ok;
}

/* As slk_storage_attach wrote it. */
static bool show_report(slk_dispatch_t *d, slk_pic_worker_t *worker, const slk_store_report_t *r)
{
    char id[SLK_STORAGE_ID_TEXT];
    const uint32_t at =
        slk_storage_id_text(id, &r->id) ? slk_pic_store_add(&d->pic, id) : SLK_PIC_NONE;
    slk_pic_mount_t *mount = at == SLK_PIC_NONE ? NULL : slk_pic_mount_add(worker, at);
    if (!mount)
        return false;
    slk_pic_store_t *store = d->pic.stores[at];
    mount->attributes = attributes_of(r);
    store->known = true;
    store->weight = r->weight;
    store->max_storage = r->max_storage;
    store->capacity = r->capacity;
    store->can_seal = r->can_seal;
    store->can_store = r->can_store;
    store->can_final = r->can_final;
    store->allow_types = (slk_file_types_t)r->allow_types;
    store->deny_types = (slk_file_types_t)r->deny_types;
    return set_texts(&store->groups, &r->groups) && set_texts(&store->allow_to, &r->allow_to) &&
           slk_pic_numbers_set(&store->allow_miners, r->allow_miners.items,
                               r->allow_miners.count) &&
           slk_pic_numbers_set(&store->deny_miners, r->deny_miners.items, r->deny_miners.count);
}

/* The picture after attach: with lock. */
static bool show_attached(attach_t *a, slk_pic_worker_t *worker)
{
    slk_dispatch_t *d = a->d;
    bool ok = true, news = false;
    for (size_t j = 0; j < a->gone_cnt; j++)
        slk_pic_mount_remove(worker, slk_pic_store(&d->pic, a->gone[j]));
    for (size_t j = 0; ok && j < a->stores->count; j++)
        ok = show_report(d, worker, &a->stores->items[j]);
    hear_stores(d, worker, a->stores, &news);
    slk_dispatch_stir(d);
    return ok;
}

/* Bring tables and picture to what a worker says it has. With db_lock. */
static slk_err_t write_attached(attach_t *a, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_dispatch_t *d = a->d;
    if (!find_gone(a))
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the paths of a worker");
    SLK_TRY(slk_dispatch_transact(d, attach, a, diag));
    pthread_mutex_lock(&d->lock);
    const uint32_t at = slk_pic_worker_add(&d->pic, a->worker);
    if (at == SLK_PIC_NONE || !show_attached(a, d->pic.workers[at]))
        d->reload = true;
    pthread_mutex_unlock(&d->lock);
out:
    free(a->gone);
    a->gone = NULL;
    return err;
}

/* --- Registration ----------------------------------------------------------------------------- */

static bool id_ok(const char *id)
{
    return id[0] &&
           !id[strspn(id, "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_")];
}

/* The texts of a registration that the picture keeps. */
typedef struct {
    char id[SLK_JOB_WORKER_MAX], session[64], name[128], url[512], version[64];
} texts_t;

static bool read_texts(texts_t *t, const slk_register_t *w, slk_refusal_t *no)
{
    if (!slk_text_of(t->id, sizeof t->id, &w->worker) || !id_ok(t->id))
        return slk_refuse(no, SLK_RPC_PARSE, "Worker: expected a UUID");
    if (!slk_text_of(t->session, sizeof t->session, &w->session) || !id_ok(t->session))
        return slk_refuse(no, SLK_RPC_PARSE, "Session: expected a UUID");
    if (!slk_text_of(t->name, sizeof t->name, &w->name) || !t->name[0])
        return slk_refuse(no, SLK_RPC_PARSE, "Name: expected 1 to 127 bytes");
    if (!slk_text_of(t->url, sizeof t->url, &w->url) ||
        (strncmp(t->url, "http://", 7) && strncmp(t->url, "https://", 8)))
        return slk_refuse(no, SLK_RPC_PARSE,
                          "URL: expected http:// or https:// of at most 511 bytes");
    if (!slk_text_of(t->version, sizeof t->version, &w->version))
        return slk_refuse(no, SLK_RPC_PARSE, "Version: expected at most 63 bytes");
    return true;
}

static bool protocol_ok(const slk_dispatch_t *d, const slk_register_t *w, slk_refusal_t *no)
{
    if (w->protocol == SLK_CLUSTER_PROTOCOL)
        return true;
    const bool worker_older = w->protocol < SLK_CLUSTER_PROTOCOL;
    return slk_refuse(
        no, SLK_RPC_WRONG_PROTOCOL,
        "worker %.*s (version %.*s) speaks protocol %llu, this manager (version %s) speaks "
        "%d: the %s is older, update it",
        (int)(w->name.len < 100 ? w->name.len : 100), w->name.len ? (const char *)w->name.b : "",
        (int)(w->version.len < 60 ? w->version.len : 60),
        w->version.len ? (const char *)w->version.b : "", (unsigned long long)w->protocol,
        d->version, SLK_CLUSTER_PROTOCOL, worker_older ? "worker" : "manager");
}

static void set_limits(slk_pic_worker_t *worker, const slk_task_limit_list_t *tasks)
{
    memset(worker->limits, 0, sizeof worker->limits);
    for (size_t i = 0; i < tasks->count; i++) {
        slk_task_t task; /* others are of a newer worker */
        if (slk_task_from_text(&task, (const char *)tasks->items[i].task.b,
                               tasks->items[i].task.len))
            worker->limits[task] =
                tasks->items[i].limit > UINT32_MAX ? UINT32_MAX : (uint32_t)tasks->items[i].limit;
    }
}

/* With lock. */
static void show_registered(slk_dispatch_t *d, slk_pic_worker_t *worker, const slk_register_t *w,
                            const texts_t *t)
{
    const uint64_t now = slk_net_now_ms();
    if (worker->session[0] && strcmp(worker->session, t->session) && worker->beaten &&
        !worker->leaving && now - worker->beat_ms < (uint64_t)d->opts.beat_ms &&
        strcmp(worker->url, t->url))
        slk_log(
            SLK_LOG_WARN, SLK_LOG_DISPATCH,
            "worker %s was at %s a moment ago and is at %s now: do two run with one worker.json?",
            t->name, worker->url, t->url);
    strcpy(worker->session, t->session);
    strcpy(worker->name, t->name);
    strcpy(worker->url, t->url);
    strcpy(worker->version, t->version);
    set_limits(worker, &w->tasks);
    if (!slk_pic_numbers_set(&worker->miners, w->miners.items, w->miners.count))
        d->reload = true;
    worker->cores = w->cores;
    worker->memory = w->memory;
    worker->numa_nodes = w->numa_nodes;
    worker->skew_ms = w->clock_ms - slk_dispatch_now(d);
    worker->free_memory = 0;
    worker->leaving = false;
    worker->known = worker->beaten = worker->alive = true;
    worker->beat_ms = now;
    worker->news++;
    for (uint32_t i = 0; i < worker->job_cnt; i++)
        worker->jobs[i]->reserved = false;
    pthread_cond_broadcast(&d->news);
}

bool slk_dispatch_register(slk_dispatch_t *d, const slk_register_t *w, slk_registered_t *answer,
                           char key[SLK_TOKEN_KEY_MAX * 2], slk_refusal_t *no)
{
    texts_t t;
    slk_diag_t diag;
    if (!protocol_ok(d, w, no) || !read_texts(&t, w, no))
        return false;
    attach_t a = {.d = d, .reg = w, .worker = t.id, .url = t.url, .stores = &w->stores};
    const int64_t skew_ms = w->clock_ms - slk_dispatch_now(d);
    pthread_mutex_lock(&d->db_lock);
    slk_err_t err = write_attached(&a, &diag);
    if (err == SLK_OK) {
        pthread_mutex_lock(&d->lock);
        slk_pic_worker_t *worker = slk_pic_worker(&d->pic, t.id, NULL);
        if (worker)
            show_registered(d, worker, w, &t);
        pthread_mutex_unlock(&d->lock);
    }
    pthread_mutex_unlock(&d->db_lock);
    if (err != SLK_OK)
        return slk_refuse_err(no, err, &diag);
    slk_log(SLK_LOG_INFO, SLK_LOG_DISPATCH, "worker %s (%s, %s) registered with %zu paths", t.name,
            t.id, t.url, w->stores.count);
    if (skew_ms > SKEW_MAX_MS || skew_ms < -SKEW_MAX_MS)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH,
                "the clock of worker %s is %lld s %s ours: nothing depends on it but its own log",
                t.name, (long long)(skew_ms < 0 ? -skew_ms : skew_ms) / 1000,
                skew_ms < 0 ? "behind" : "ahead of");
    slk_base64_encode(key, d->key.bytes, d->key.len);
    *answer = (slk_registered_t){.protocol = SLK_CLUSTER_PROTOCOL,
                                 .version = {(const uint8_t *)d->version, strlen(d->version)},
                                 .beat_ms = (uint64_t)d->opts.beat_ms,
                                 .lease_ms = (uint64_t)d->opts.lease_ms,
                                 .transfer_key = {(const uint8_t *)key, strlen(key)},
                                 .clock_ms = slk_dispatch_now(d),
                                 .trash_grace_ms = (uint64_t)d->opts.trash_grace_ms};
    return true;
}

/* --- Beats ------------------------------------------------------------------------------------ */

/* What a beat names of a job that is queued again although nobody got it. */
typedef struct {
    slk_dispatch_t *d;
    slk_job_claim_t claim;
    const slk_pic_job_t *job;
    slk_taken_t taken;
} back_t;

/* What it was promised was released with its lease: promise it again. */
static slk_err_t promise_again(slk_db_t *db, const slk_pic_job_t *job, slk_diag_t *diag)
{
    json_t *orders = job->orders ? slk_json_load(job->orders, strlen(job->orders), 0, NULL) : NULL;
    slk_err_t err = SLK_OK;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(orders, "Reserve"), i, item)
    {
        err =
            slk_storage_reserve(db, job->id, json_string_value(json_object_get(item, "Store")),
                                (uint64_t)json_integer_value(json_object_get(item, "Bytes")), diag);
        if (err != SLK_OK)
            break;
    }
    json_decref(orders);
    return err;
}

static slk_err_t come_back(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    back_t *b = ctx;
    slk_err_t err = slk_job_continue(db, &b->claim, slk_dispatch_now(b->d), &b->taken, diag);
    return err == SLK_OK && b->taken == SLK_TAKEN_NOW ? promise_again(db, b->job, diag) : err;
}

static bool may_come_back(const slk_pic_job_t *job, const slk_job_progress_t *p, const char *worker)
{
    return job && job->state == SLK_JOB_QUEUED && (uint64_t)job->lease == p->lease && job->lease &&
           !strcmp(job->worker_id, worker);
}

/* With db_lock. */
static void take_back(slk_dispatch_t *d, const slk_beat_t *beat, const char *worker)
{
    slk_diag_t diag;
    for (size_t i = 0; i < beat->jobs.count; i++) {
        const slk_job_progress_t *p = &beat->jobs.items[i];
        back_t b = {.d = d, .claim = {(int64_t)p->id, (int64_t)p->lease, worker}};
        b.job = slk_pic_job(&d->pic, (int64_t)p->id);
        if (!may_come_back(b.job, p, worker))
            continue;
        if (slk_dispatch_transact(d, come_back, &b, &diag) != SLK_OK) {
            slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "a worker that came back: %s", diag.text);
            continue;
        }
        slk_dispatch_refresh(d, b.claim.id, true);
    }
}

static void hear_progress(slk_dispatch_t *d, slk_pic_job_t *job, const slk_job_progress_t *p)
{
    job->lease_until_ms = slk_net_now_ms() + (uint64_t)d->opts.lease_ms;
    job->reserved = p->reserved;
    const bool moved = job->done != p->done || job->total != p->total ||
                       strlen(job->stage) != p->stage.len ||
                       memcmp(job->stage, p->stage.b ? (const char *)p->stage.b : "", p->stage.len);
    job->done = p->done;
    job->total = p->total;
    job->progressed = job->progressed || moved;
    if (!slk_text_of(job->stage, sizeof job->stage, &p->stage))
        strcpy(job->stage, "(a stage with too long a name)");
    if (!slk_text_of(job->unit, sizeof job->unit, &p->unit))
        job->unit[0] = 0;
}

static bool session_ok(const slk_pic_worker_t *worker, const slk_beat_t *beat)
{
    char session[64];
    return worker && worker->known && worker->session[0] &&
           slk_text_of(session, sizeof session, &beat->session) &&
           !strcmp(session, worker->session);
}

static const slk_job_progress_t *named(const slk_beat_t *beat, int64_t id)
{
    for (size_t i = 0; i < beat->jobs.count; i++)
        if (beat->jobs.items[i].id == (uint64_t)id)
            return &beat->jobs.items[i];
    return NULL;
}

/* What it names no more it has let go. */
static void hear_ghosts(slk_dispatch_t *d, slk_pic_worker_t *worker, const slk_beat_t *beat)
{
    for (uint32_t i = 0; i < worker->ghost_cnt;)
        if (named(beat, worker->ghosts[i].id))
            i++;
        else if (slk_pic_ghost_drop(worker, worker->ghosts[i].id))
            slk_dispatch_stir(d);
}

/* Everything of a beat that is kept. *again: somebody has to look into the database. With lock. */
static void hear(slk_dispatch_t *d, slk_pic_worker_t *worker, const slk_beat_t *beat, bool *paths,
                 bool *back)
{
    worker->beat_ms = slk_net_now_ms();
    if (!worker->alive || worker->leaving != beat->leaving)
        slk_dispatch_stir(d);
    worker->alive = worker->beaten = true;
    worker->leaving = beat->leaving;
    worker->free_memory = beat->free_memory;
    worker->load_millis = beat->load_millis;
    hear_stores(d, worker, &beat->stores, paths);
    hear_ghosts(d, worker, beat);
    for (size_t i = 0; i < beat->jobs.count; i++) {
        const slk_job_progress_t *p = &beat->jobs.items[i];
        slk_pic_job_t *job = slk_pic_job(&d->pic, (int64_t)p->id);
        if (job && job->state == SLK_JOB_RUNNING && (uint64_t)job->lease == p->lease &&
            !strcmp(job->worker_id, worker->id))
            hear_progress(d, job, p);
        else if (may_come_back(job, p, worker->id)) {
            job->back_ms = slk_net_now_ms(); /* nobody else gets it while this is being written */
            *back = true;
        }
    }
}

/* --- Orders ----------------------------------------------------------------------------------- */

/* The answer as JSON; *any: there is something in it. With lock. */
static void put_orders(slk_text_t *out, const slk_dispatch_t *d, const slk_pic_worker_t *worker,
                       const slk_beat_t *beat, bool *any)
{
    const char *comma = "";
    slk_text_str(out, "{\"Start\":[");
    for (uint32_t i = 0; i < worker->job_cnt; i++) {
        const slk_pic_job_t *job = worker->jobs[i];
        const slk_job_progress_t *p = named(beat, job->id);
        if (p && p->lease == (uint64_t)job->lease)
            continue;
        slk_text_printf(out, "%s%s", comma, job->start);
        comma = ",";
        *any = true;
    }
    comma = "";
    slk_text_str(out, "],\"Cancel\":[");
    for (size_t i = 0; i < beat->jobs.count; i++) {
        const slk_pic_job_t *job = slk_pic_job(&d->pic, (int64_t)beat->jobs.items[i].id);
        if (job && job->state == SLK_JOB_RUNNING && !strcmp(job->worker_id, worker->id))
            continue;
        slk_text_printf(out, "%s%llu", comma, (unsigned long long)beat->jobs.items[i].id);
        comma = ",";
        *any = true;
    }
    slk_text_printf(out, "],\"Paused\":%s,\"Draining\":%s}",
                    worker->wish == SLK_WORKER_PAUSED ? "true" : "false",
                    worker->wish == SLK_WORKER_DRAINING ? "true" : "false");
}

/* With lock, which is given up meanwhile. */
static void wait_for_orders(slk_dispatch_t *d, slk_pic_worker_t *worker, const slk_beat_t *beat,
                            slk_text_t *out, bool (*gone)(void *ctx), void *ctx)
{
    const uint64_t longest = (uint64_t)d->opts.beat_ms;
    const uint64_t end = slk_net_now_ms() + (beat->wait_ms < longest ? beat->wait_ms : longest);
    const slk_worker_wish_t wish = worker->wish;
    char session[sizeof worker->session];
    bool any = false;
    strcpy(session, worker->session);
    put_orders(out, d, worker, beat, &any);
    if (any || !beat->wait_ms || d->waits >= d->opts.waits_max)
        return;
    d->waits++;
    while (!any && !d->stopping && worker->wish == wish && !strcmp(session, worker->session)) {
        const uint64_t now = slk_net_now_ms(), news = worker->news;
        if (now >= end || (gone && gone(ctx)))
            break;
        struct timespec until = slk_net_after_ms(end - now < 1000 ? end - now : 1000);
        pthread_cond_timedwait(&d->news, &d->lock, &until);
        if (worker->news == news)
            continue;
        slk_text_free(out);
        put_orders(out, d, worker, beat, &any);
    }
    if (!any) {
        slk_text_free(out);
        put_orders(out, d, worker, beat, &any);
    }
    d->waits--;
    worker->beat_ms = slk_net_now_ms();
}

static bool unknown_session(slk_dispatch_t *d, slk_refusal_t *no)
{
    pthread_mutex_unlock(&d->lock);
    return slk_refuse(
        no, SLK_RPC_UNKNOWN_SESSION,
        "this manager does not know the session (it was started anew, or another process "
        "registered for this worker): register first");
}

bool slk_dispatch_beat(slk_dispatch_t *d, const slk_beat_t *beat, bool (*gone)(void *ctx),
                       void *ctx, char **orders, size_t *len, slk_refusal_t *no)
{
    char id[SLK_JOB_WORKER_MAX];
    bool paths = false, back = false;
    slk_text_t out = {0};
    slk_diag_t diag;
    if (!slk_text_of(id, sizeof id, &beat->worker))
        return slk_refuse(no, SLK_RPC_PARSE, "Worker: expected a UUID");
    pthread_mutex_lock(&d->lock);
    slk_pic_worker_t *worker = slk_pic_worker(&d->pic, id, NULL);
    if (!session_ok(worker, beat))
        return unknown_session(d, no);
    hear(d, worker, beat, &paths, &back);
    if (paths || back) {
        slk_err_t err = SLK_OK;
        char url[sizeof worker->url];
        strcpy(url, worker->url);
        pthread_mutex_unlock(&d->lock);
        attach_t a = {.d = d, .worker = id, .url = url, .stores = &beat->stores};
        pthread_mutex_lock(&d->db_lock);
        if (paths)
            err = write_attached(&a, &diag);
        if (back)
            take_back(d, beat, id);
        pthread_mutex_unlock(&d->db_lock);
        if (err != SLK_OK)
            return slk_refuse_err(no, err, &diag);
        pthread_mutex_lock(&d->lock);
        if (!session_ok(worker, beat))
            return unknown_session(d, no);
        hear(d, worker, beat, &paths, &back);
    }
    wait_for_orders(d, worker, beat, &out, gone, ctx);
    pthread_mutex_unlock(&d->lock);
    *orders = slk_text_take(&out, len);
    return *orders || slk_refuse(no, SLK_RPC_ERROR, "out of memory for the orders of a worker");
}
