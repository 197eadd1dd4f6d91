/* One decision: picture -> snapshot -> scheduler -> one transaction -> picture. */
#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The snapshot: borrows from the picture, under lock --------------------------------------- */

typedef struct {
    slk_sched_snapshot_t in;
    slk_sched_worker_t *workers;
    slk_sched_store_t *stores;
    slk_sched_mount_t *mounts;
    slk_sched_running_t *running;
    slk_sched_job_t *jobs;
    slk_sched_file_t *files;
    slk_pic_job_t **queued; /* in the order of jobs */
} snap_t;

static void snap_free(snap_t *s)
{
    free(s->workers);
    free(s->stores);
    free(s->mounts);
    free(s->running);
    free(s->jobs);
    free(s->files);
    free(s->queued);
}

/* What is promised in a path to jobs other than those that its worker has taken off by itself. */
static uint64_t counted_by(const slk_pic_worker_t *worker, uint32_t store)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < worker->job_cnt; i++)
        for (uint32_t j = 0; worker->jobs[i]->reserved && j < worker->jobs[i]->promise_cnt; j++)
            if (worker->jobs[i]->promises[j].store == store)
                sum += worker->jobs[i]->promises[j].bytes;
    return sum;
}

/* A path that several workers report has the least that any of them can vouch for. */
void slk_dispatch_free_space(const slk_dispatch_t *d, uint64_t *available, bool *usable)
{
    const slk_picture_t *pic = &d->pic;
    uint64_t *promised = calloc(pic->store_cnt + 1, sizeof *promised);
    memset(usable, 0, pic->store_cnt * sizeof *usable);
    memset(available, 0, pic->store_cnt * sizeof *available);
    if (!promised)
        return;
    for (uint32_t i = 0; i < pic->worker_cnt; i++)
        for (uint32_t j = 0; j < pic->workers[i]->job_cnt; j++)
            for (uint32_t k = 0; k < pic->workers[i]->jobs[j]->promise_cnt; k++)
                promised[pic->workers[i]->jobs[j]->promises[k].store] +=
                    pic->workers[i]->jobs[j]->promises[k].bytes;
    for (uint32_t i = 0; i < pic->worker_cnt; i++)
        for (uint32_t j = 0; pic->workers[i]->alive && j < pic->workers[i]->mount_cnt; j++) {
            const slk_pic_mount_t *m = &pic->workers[i]->mounts[j];
            if (!m->reported || m->error[0] || !pic->stores[m->store]->known)
                continue;
            const uint64_t off = promised[m->store] - counted_by(pic->workers[i], m->store);
            const uint64_t left = m->available > off ? m->available - off : 0;
            if (!usable[m->store] || left < available[m->store])
                available[m->store] = left;
            usable[m->store] = true;
        }
    free(promised);
}

static bool snap_workers(snap_t *s, const slk_picture_t *pic)
{
    size_t mounts = 0, running = 0;
    s->workers = calloc(pic->worker_cnt + 1, sizeof *s->workers);
    s->mounts = NULL;
    for (uint32_t i = 0; i < pic->worker_cnt; i++) {
        mounts += pic->workers[i]->mount_cnt;
        running += pic->workers[i]->job_cnt + pic->workers[i]->ghost_cnt;
    }
    s->mounts = calloc(mounts + 1, sizeof *s->mounts);
    s->running = calloc(running + 1, sizeof *s->running);
    if (!s->workers || !s->mounts || !s->running)
        return false;
    for (uint32_t i = 0; i < pic->worker_cnt; i++) {
        const slk_pic_worker_t *w = pic->workers[i];
        s->workers[i] =
            (slk_sched_worker_t){.id = w->id,
                                 .name = w->name,
                                 .alive = w->alive,
                                 .paused = w->wish == SLK_WORKER_PAUSED,
                                 .draining = w->wish == SLK_WORKER_DRAINING,
                                 .leaving = w->leaving,
                                 .cores = w->cores > UINT32_MAX ? UINT32_MAX : (uint32_t)w->cores,
                                 .memory = w->memory,
                                 .free_memory = w->free_memory,
                                 .miners = w->miners.at,
                                 .miner_cnt = w->miners.cnt};
        memcpy(s->workers[i].limit, w->limits, sizeof w->limits);
        for (uint32_t j = 0; j < w->mount_cnt; j++)
            if (pic->stores[w->mounts[j].store]->known)
                s->mounts[s->in.mount_cnt++] =
                    (slk_sched_mount_t){.worker = i, .store = w->mounts[j].store, .url = w->url};
        for (uint32_t j = 0; j < w->job_cnt; j++)
            s->running[s->in.running_cnt++] =
                (slk_sched_running_t){.id = w->jobs[j]->id,
                                      .worker = i,
                                      .task = w->jobs[j]->task,
                                      .miner = w->jobs[j]->miner,
                                      .number = w->jobs[j]->number,
                                      .sector_sz = w->jobs[j]->sector_sz,
                                      .started_ms = w->jobs[j]->started_ms,
                                      .done = w->jobs[j]->done,
                                      .total = w->jobs[j]->total};
        for (uint32_t j = 0; w->alive && j < w->ghost_cnt; j++)
            s->running[s->in.running_cnt++] =
                (slk_sched_running_t){.id = w->ghosts[j].id,
                                      .worker = i,
                                      .task = w->ghosts[j].task,
                                      .miner = w->ghosts[j].miner,
                                      .number = w->ghosts[j].number,
                                      .sector_sz = w->ghosts[j].sector_sz,
                                      .started_ms = w->ghosts[j].started_ms};
    }
    s->in.worker_cnt = pic->worker_cnt;
    return true;
}

static bool snap_stores(snap_t *s, const slk_dispatch_t *d)
{
    const slk_picture_t *pic = &d->pic;
    uint64_t *available = calloc(pic->store_cnt + 1, sizeof *available);
    bool *usable = calloc(pic->store_cnt + 1, sizeof *usable);
    s->stores = calloc(pic->store_cnt + 1, sizeof *s->stores);
    const bool ok = available && usable && s->stores;
    if (ok)
        slk_dispatch_free_space(d, available, usable);
    for (uint32_t i = 0; ok && i < pic->store_cnt; i++) {
        const slk_pic_store_t *p = pic->stores[i];
        s->stores[i] = (slk_sched_store_t){.id = p->id,
                                           .weight = p->weight,
                                           .available = available[i],
                                           .can_seal = p->can_seal,
                                           .can_store = p->can_store,
                                           .can_final = p->can_final,
                                           .healthy = usable[i],
                                           .groups = (const char *const *)p->groups.at,
                                           .allow_to = (const char *const *)p->allow_to.at,
                                           .group_cnt = p->groups.cnt,
                                           .allow_to_cnt = p->allow_to.cnt,
                                           .allow_types = p->allow_types,
                                           .deny_types = p->deny_types,
                                           .allow_miners = p->allow_miners.at,
                                           .deny_miners = p->deny_miners.at,
                                           .allow_miner_cnt = p->allow_miners.cnt,
                                           .deny_miner_cnt = p->deny_miners.cnt};
    }
    s->in.store_cnt = pic->store_cnt;
    free(available);
    free(usable);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    const slk_pic_job_t *x = *(slk_pic_job_t *const *)a, *y = *(slk_pic_job_t *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Stale ones are left out where there are others. */
static void snap_files(snap_t *s, const slk_pic_sector_t *sector, const bool *mounted)
{
    const slk_file_types_t good = slk_pic_good(sector, mounted);
    for (uint32_t i = 0; sector && i < sector->cnt; i++)
        for (unsigned t = 0; t < SLK_FT_CNT; t++)
            if (sector->places[i].types & ~(sector->places[i].stale & good) & SLK_FT_AT(t))
                s->files[s->in.file_cnt++] =
                    (slk_sched_file_t){.type = SLK_FT_AT(t), .store = sector->places[i].store};
}

#define BACK_MS 5000 /* within which a worker that came back has its job again */

static bool snap_jobs(snap_t *s, const slk_picture_t *pic)
{
    const uint64_t now = slk_net_now_ms();
    size_t at = 0, cnt = 0, files = 0;
    slk_pic_job_t *job;
    s->queued = calloc(pic->queued_cnt + 1, sizeof *s->queued);
    s->jobs = calloc(pic->queued_cnt + 1, sizeof *s->jobs);
    if (!s->queued || !s->jobs)
        return false;
    while ((job = slk_pair_next(&pic->jobs, &at)))
        if (job->state == SLK_JOB_QUEUED && (!job->back_ms || now > job->back_ms + BACK_MS)) {
            const slk_pic_sector_t *sector =
                slk_pic_sector(pic, &(slk_sector_id_t){job->miner, job->number});
            files += sector ? (size_t)sector->cnt * SLK_FT_CNT : 0;
            s->queued[cnt++] = job;
        }
    SLK_ASSERT(cnt <= pic->queued_cnt);
    qsort(s->queued, cnt, sizeof(slk_pic_job_t *), by_id);
    s->files = calloc(files + 1, sizeof *s->files);
    bool *mounted = slk_pic_mounted(pic);
    if (!s->files || !mounted) {
        free(mounted);
        return false;
    }
    for (size_t i = 0; i < cnt; i++) {
        job = s->queued[i];
        s->jobs[i] = (slk_sched_job_t){.id = job->id,
                                       .task = job->task,
                                       .miner = job->miner,
                                       .number = job->number,
                                       .sector_sz = job->sector_sz,
                                       .priority = job->priority,
                                       .created_ms = job->created_ms,
                                       .deadline_ms = job->deadline_ms,
                                       .not_before_ms = job->not_before_ms,
                                       .only_worker = job->only_worker[0] ? job->only_worker : NULL,
                                       .avoid = job->avoid[0] ? job->avoid : NULL,
                                       .first_file = s->in.file_cnt};
        snap_files(s, slk_pic_sector(pic, &(slk_sector_id_t){job->miner, job->number}), mounted);
        s->jobs[i].file_cnt = s->in.file_cnt - s->jobs[i].first_file;
    }
    s->in.job_cnt = cnt;
    free(mounted);
    return true;
}

static bool snap_make(snap_t *s, const slk_dispatch_t *d)
{
    if (!snap_workers(s, &d->pic) || !snap_stores(s, d) || !snap_jobs(s, &d->pic))
        return false;
    s->in.now_ms = slk_dispatch_now(d);
    s->in.eta = d->eta;
    s->in.workers = s->workers;
    s->in.stores = s->stores;
    s->in.mounts = s->mounts;
    s->in.running = s->running;
    s->in.jobs = s->jobs;
    s->in.files = s->files;
    s->in.miners = d->served;
    s->in.miner_cnt = d->served_cnt;
    return true;
}

/* --- What was decided ------------------------------------------------------------------------- */

/* An assignment, copied out of the picture: to be written without its lock. */
typedef struct {
    int64_t id;
    uint64_t miner, number;
    char worker[SLK_JOB_WORKER_MAX], worker_name[128];
    char task[8];
    char *orders; /* NULL: not to be given, but ended with `why` */
    struct {
        char store[SLK_STORAGE_ID_TEXT];
        uint64_t bytes;
    } reserve[SLK_FT_CNT];
    unsigned reserve_cnt;
    char why[SLK_SCHED_TEXT + 64];
    slk_taken_t taken;
} gift_t;

typedef struct {
    slk_dispatch_t *d;
    gift_t *of;
    size_t cnt;
} gifts_t;

static json_t *sources_of(const snap_t *s, const slk_sched_result_t *r, const slk_sched_plan_t *p,
                          const slk_sched_job_t *job)
{
    char name[SLK_SECTOR_NAME_MAX], url[1024];
    json_t *list = json_array();
    slk_sector_name(name, &(slk_sector_id_t){job->miner, job->number});
    for (uint32_t i = 0; i < p->source_cnt; i++) {
        const slk_sched_mount_t *m = &s->mounts[r->sources[p->first_source + i]];
        snprintf(url, sizeof url, "%s/%s/%s", m->url, slk_file_type_name(p->type), name);
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "Store", s->stores[m->store].id, "URL", url));
    }
    return list;
}

static void reserve(gift_t *gift, const char *store, uint64_t bytes)
{
    unsigned i = 0;
    if (!bytes)
        return;
    while (i < gift->reserve_cnt && strcmp(gift->reserve[i].store, store))
        i++;
    if (i == gift->reserve_cnt) {
        SLK_ASSERT(i < SLK_FT_CNT);
        snprintf(gift->reserve[gift->reserve_cnt++].store, SLK_STORAGE_ID_TEXT, "%s", store);
    }
    gift->reserve[i].bytes += bytes;
}

/* slk_job_file of each type, and what is to be reserved. */
static bool orders_of(gift_t *gift, const snap_t *s, const slk_sched_result_t *r,
                      const slk_sched_assignment_t *a)
{
    json_t *files = json_array(), *reserves = json_array();
    for (uint32_t i = 0; i < a->plan_cnt; i++) {
        const slk_sched_plan_t *p = &r->plans[a->first_plan + i];
        const char *store = s->stores[p->store].id;
        json_array_append_new(
            files, json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "Type", slk_file_type_name(p->type),
                             "Use", slk_sched_use_name(p->use), "Store", store, "From",
                             p->from == SLK_SCHED_NONE ? "" : s->stores[p->from].id, "Sources",
                             sources_of(s, r, p, &s->jobs[a->job]), "Move", (int)p->move));
        reserve(gift, store, p->reserve);
    }
    for (unsigned i = 0; i < gift->reserve_cnt; i++)
        json_array_append_new(reserves, json_pack("{s:s, s:I}", "Store", gift->reserve[i].store,
                                                  "Bytes", (json_int_t)gift->reserve[i].bytes));
    json_t *orders = json_pack("{s:I, s:I, s:o, s:o}", "Threads", (json_int_t)a->threads, "Memory",
                               (json_int_t)a->memory, "Files", files, "Reserve", reserves);
    gift->orders = orders ? slk_json_dump(orders, JSON_COMPACT) : NULL;
    json_decref(orders);
    return gift->orders != NULL;
}

static gift_t *gift_for(gifts_t *gifts, const slk_pic_job_t *job)
{
    gift_t *gift = &gifts->of[gifts->cnt++];
    gift->id = job->id;
    gift->miner = job->miner;
    gift->number = job->number;
    snprintf(gift->task, sizeof gift->task, "%s", slk_tasks[job->task].name);
    return gift;
}

/* Assignments, and jobs that cannot be in time any more. With lock. */
static bool gather(gifts_t *gifts, const snap_t *s, const slk_sched_result_t *r)
{
    gifts->of = calloc(r->assignment_cnt + r->hopeless_cnt + 1, sizeof *gifts->of);
    if (!gifts->of)
        return false;
    for (size_t i = 0; i < r->assignment_cnt; i++) {
        const slk_sched_assignment_t *a = &r->assignments[i];
        gift_t *gift = gift_for(gifts, s->queued[a->job]);
        snprintf(gift->worker, sizeof gift->worker, "%s", s->workers[a->worker].id);
        snprintf(gift->worker_name, sizeof gift->worker_name, "%s", s->workers[a->worker].name);
        if (!orders_of(gift, s, r, a))
            return false;
    }
    for (size_t i = 0; i < s->in.job_cnt; i++) {
        char text[SLK_SCHED_TEXT];
        if (r->explains[i].why != SLK_SCHED_HOPELESS)
            continue;
        SLK_ASSERT(gifts->cnt < r->assignment_cnt + r->hopeless_cnt);
        gift_t *gift = gift_for(gifts, s->queued[i]);
        snprintf(gift->why, sizeof gift->why, "it cannot be in time any more: %s",
                 slk_sched_text(text, &s->in, (uint32_t)i, &r->explains[i]));
    }
    return true;
}

/* Sentences are made anew where what they say may have changed; numbers in them may be five
 * seconds old. */
static void explain(const snap_t *s, const slk_sched_result_t *r)
{
    const uint64_t now = slk_net_now_ms();
    char text[SLK_SCHED_TEXT];
    for (size_t i = 0; i < s->in.job_cnt; i++) {
        const slk_sched_explain_t *e = &r->explains[i];
        slk_pic_job_t *job = s->queued[i];
        const uint64_t key = 1 + (uint64_t)e->why + ((uint64_t)e->worker << 8) * 3 +
                             (uint64_t)e->other * 0x9e3779b97f4a7c15u + ((uint64_t)e->store << 40);
        job->eta_start_ms = e->start_ms;
        job->eta_end_ms = e->end_ms;
        if (e->why == SLK_SCHED_ASSIGNED ||
            (job->why && job->why_key == key && now < job->why_ms + 5000))
            continue;
        slk_sched_text(text, &s->in, (uint32_t)i, &r->explains[i]);
        job->why_ms = now;
        if (job->why && job->why_key == key && !strcmp(job->why, text))
            continue;
        free(job->why);
        job->why = strdup(text);
        job->why_key = key;
        job->why_noted = false;
    }
}

static void keep_served(slk_dispatch_t *d, slk_sched_result_t *r)
{
    free(d->served);
    d->served = r->miners;
    d->served_cnt = r->miner_cnt;
    r->miners = NULL;
    r->miner_cnt = 0;
}

static slk_err_t give(slk_dispatch_t *d, slk_db_t *db, gift_t *gift, int64_t now_ms,
                      slk_diag_t *diag)
{
    int64_t lease = 0;
    slk_err_t err;
    gift->taken = SLK_TAKEN_NOT;
    if (!gift->orders) {
        err = slk_job_abort(db, gift->id, gift->why, now_ms, &d->opts.hooks, diag);
        return err == SLK_ERR_STATE || err == SLK_ERR_NOTFOUND ? SLK_OK : err;
    }
    err = slk_job_assign(db, gift->id, gift->worker, gift->worker_name, gift->orders, now_ms,
                         &gift->taken, &lease, diag);
    for (unsigned i = 0; err == SLK_OK && gift->taken == SLK_TAKEN_NOW && i < gift->reserve_cnt;
         i++)
        err =
            slk_storage_reserve(db, gift->id, gift->reserve[i].store, gift->reserve[i].bytes, diag);
    return err;
}

static slk_err_t give_all(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    gifts_t *gifts = ctx;
    const int64_t now_ms = slk_dispatch_now(gifts->d);
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < gifts->cnt; i++)
        err = give(gifts->d, db, &gifts->of[i], now_ms, diag);
    return err;
}

static void write_gifts(slk_dispatch_t *d, gifts_t *gifts)
{
    slk_diag_t diag;
    if (gifts->cnt && slk_dispatch_transact(d, give_all, gifts, &diag) != SLK_OK) {
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "giving jobs out: %s", diag.text);
        return;
    }
    for (size_t i = 0; i < gifts->cnt; i++) {
        const gift_t *gift = &gifts->of[i];
        slk_dispatch_refresh(d, gift->id, false);
        if (gift->taken == SLK_TAKEN_NOW)
            slk_log_sector(SLK_LOG_INFO, SLK_LOG_DISPATCH, gift->miner, gift->number,
                           "job %lld %s to worker %s", (long long)gift->id, gift->task,
                           gift->worker_name);
        else if (!gift->orders)
            slk_log_sector(SLK_LOG_WARN, SLK_LOG_DISPATCH, gift->miner, gift->number,
                           "job %lld %s: %s", (long long)gift->id, gift->task, gift->why);
        slk_dispatch_changed_later(d, gift->miner, gift->number);
    }
}

void slk_dispatch_decide(slk_dispatch_t *d)
{
    snap_t s = {.workers = NULL};
    slk_sched_result_t r = {.assignments = NULL};
    gifts_t gifts = {.d = d};
    slk_diag_t diag = {"out of memory for a decision"};
    const uint64_t began = slk_net_now_ms();
    pthread_mutex_lock(&d->lock);
    slk_err_t err = snap_make(&s, d) ? slk_sched_decide(&r, &s.in, &diag) : SLK_ERR_NOMEM;
    if (err == SLK_OK) {
        explain(&s, &r);
        if (!gather(&gifts, &s, &r))
            err = slk_fail(&diag, SLK_ERR_NOMEM, "out of memory for a decision");
        keep_served(d, &r);
    }
    d->rounds++;
    d->round_ms = (double)(slk_net_now_ms() - began);
    pthread_mutex_unlock(&d->lock);
    if (err == SLK_OK)
        write_gifts(d, &gifts);
    else
        slk_log(SLK_LOG_ERROR, SLK_LOG_DISPATCH, "deciding: %s", diag.text);
    for (size_t i = 0; i < gifts.cnt; i++)
        free(gifts.of[i].orders);
    free(gifts.of);
    slk_sched_free(&r);
    snap_free(&s);
}

/* --- What each worker says to one job --------------------------------------------------------- */

static json_t *answers_json(const snap_t *s, uint32_t job, const slk_sched_explain_t *answers)
{
    char text[SLK_SCHED_TEXT];
    json_t *list = json_array();
    for (size_t i = 0; i < s->in.worker_cnt; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "ID", s->workers[i].id,
                                              "Worker", s->workers[i].name, "Verdict",
                                              slk_sched_why_name(answers[i].why), "Reason",
                                              slk_sched_text(text, &s->in, job, &answers[i])));
    return list;
}

slk_err_t slk_dispatch_ask(slk_dispatch_t *d, int64_t id, json_t **list, slk_diag_t *diag)
{
    snap_t s = {.workers = NULL};
    slk_sched_result_t r = {.assignments = NULL};
    slk_err_t err = SLK_OK;
    uint32_t job = 0;
    slk_sched_explain_t *answers = NULL;
    *list = NULL;
    pthread_mutex_lock(&d->lock);
    if (!snap_make(&s, d)) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a decision");
        goto out;
    }
    while (job < s.in.job_cnt && s.jobs[job].id != id)
        job++;
    if (job == s.in.job_cnt) {
        err =
            slk_fail(diag, SLK_ERR_NOTFOUND, "job %lld does not wait for a worker", (long long)id);
        goto out;
    }
    SLK_TRY(slk_sched_decide(&r, &s.in, diag));
    answers = calloc(s.in.worker_cnt + 1, sizeof *answers);
    if (answers)
        SLK_TRY(slk_sched_ask(answers, &s.in, &r, job, diag));
    *list = answers ? answers_json(&s, job, answers) : NULL;
    if (!*list)
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a decision");
out:
    pthread_mutex_unlock(&d->lock);
    free(answers);
    slk_sched_free(&r);
    snap_free(&s);
    return err;
}
