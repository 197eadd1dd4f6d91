#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "net/jsonrpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PURGE_EVERY_MS 60000
#define PURGE_MAX      256
#define NEWS_MAX       1024
#define LOOK_EVERY_MS  5000 /* for what was added without slk_dispatch_wake */
#define NOTE_EVERY_MS  2000
#define DECIDE_MS      1000 /* while jobs wait: times pass, space comes free */

int64_t slk_dispatch_now(const slk_dispatch_t *d)
{
    if (d->opts.now)
        return d->opts.now(d->opts.now_ctx);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Small things ----------------------------------------------------------------------------- */

bool slk_refuse(slk_refusal_t *no, int64_t code, const char *fmt, ...)
{
    va_list args;
    no->code = code;
    va_start(args, fmt);
    vsnprintf(no->text, sizeof no->text, fmt, args);
    va_end(args);
    return false;
}

bool slk_refuse_err(slk_refusal_t *no, slk_err_t err, const slk_diag_t *diag)
{
    const bool malformed = err == SLK_ERR_INPUT || err == SLK_ERR_FORMAT;
    return slk_refuse(no, malformed ? SLK_RPC_PARSE : SLK_RPC_ERROR, "%s", diag->text);
}

bool slk_text_of(char *out, size_t cap, const slk_bytes_t *text)
{
    if (text->len >= cap || (text->len && memchr(text->b, 0, text->len)))
        return false;
    if (text->len)
        memcpy(out, text->b, text->len);
    out[text->len] = 0;
    return true;
}

slk_err_t slk_dispatch_transact(slk_dispatch_t *d, slk_db_fn_t *fn, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = slk_db_transact(d->db, fn, ctx, diag);
    /* Refused for what was asked: nothing is unsure. */
    if (err == SLK_OK || err == SLK_ERR_NOTFOUND || err == SLK_ERR_STATE || err == SLK_ERR_INPUT)
        return err;
    pthread_mutex_lock(&d->lock);
    d->reload = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    return err;
}

void slk_dispatch_refresh(slk_dispatch_t *d, int64_t id, bool stir)
{
    slk_job_row_t row;
    slk_diag_t diag;
    slk_err_t err = slk_job_load(d->db, id, &row, &diag);
    pthread_mutex_lock(&d->lock);
    if (err == SLK_OK)
        err = slk_pic_job_show(&d->pic, &row, slk_net_now_ms() + (uint64_t)d->opts.lease_ms, &diag);
    else if (err == SLK_ERR_NOTFOUND)
        slk_pic_job_remove(&d->pic, id);
    if (err != SLK_OK && err != SLK_ERR_NOTFOUND)
        d->reload = true;
    if (stir)
        slk_dispatch_stir(d);
    pthread_cond_broadcast(&d->news);
    pthread_mutex_unlock(&d->lock);
    slk_job_row_free(&row);
}

void slk_dispatch_stir(slk_dispatch_t *d)
{
    d->dirty = true;
    pthread_cond_signal(&d->wake);
}

void slk_dispatch_changed(slk_dispatch_t *d, uint64_t miner, uint64_t number)
{
    if (d->opts.hooks.changed)
        d->opts.hooks.changed(d->opts.hooks.ctx, miner, number);
}

void slk_dispatch_changed_later(slk_dispatch_t *d, uint64_t miner, uint64_t number)
{
    if (!d->opts.hooks.changed)
        return;
    if (d->change_cnt == d->change_cap) {
        const size_t cap = d->change_cap ? 2 * d->change_cap : 64;
        slk_sector_id_t *more = realloc(d->changes, cap * sizeof *more);
        if (!more)
            return; /* a sector is looked at by its own times as well */
        d->changes = more;
        d->change_cap = cap;
    }
    d->changes[d->change_cnt++] = (slk_sector_id_t){miner, number};
}

void slk_dispatch_wake(slk_dispatch_t *d)
{
    pthread_mutex_lock(&d->lock);
    d->woken = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

/* --- What the thread does --------------------------------------------------------------------- */

typedef struct {
    int64_t ids[NEWS_MAX];
    size_t cnt;
} news_t;

static slk_err_t take_news(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    news_t *news = ctx;
    return slk_job_take_news(db, news->ids, NEWS_MAX, &news->cnt, diag);
}

/* Jobs that others added or dropped. */
static void look(slk_dispatch_t *d)
{
    news_t news;
    slk_diag_t diag;
    bool any = true;
    int64_t one;
    d->looked_at_ms = slk_net_now_ms();
    while (any) {
        news.cnt = 0;
        /* Looking writes nothing where there is nothing. */
        slk_err_t err = slk_db_get_i64(d->db, "SELECT id FROM job WHERE fresh = 1 LIMIT 1",
                                       SLK_NO_VALS, &any, &one, &diag);
        if (err == SLK_OK && any)
            err = slk_dispatch_transact(d, take_news, &news, &diag);
        if (err != SLK_OK) {
            slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "looking for new jobs: %s", diag.text);
            return;
        }
        for (size_t i = 0; i < news.cnt; i++)
            slk_dispatch_refresh(d, news.ids[i], true);
    }
}

typedef struct {
    slk_dispatch_t *d;
    slk_job_claim_t claim;
    const char *why; /* NULL: lost */
    slk_taken_t taken;
} expiry_t;

static slk_err_t expire(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    expiry_t *e = ctx;
    const int64_t now_ms = slk_dispatch_now(e->d);
    if (!e->why)
        return slk_job_lost(db, &e->claim, now_ms, &e->d->opts.hooks, &e->taken, diag);
    slk_err_t err = slk_job_abort(db, e->claim.id, e->why, now_ms, &e->d->opts.hooks, diag);
    return err == SLK_ERR_STATE || err == SLK_ERR_NOTFOUND ? SLK_OK : err;
}

/* A job whose lease ended, or whose time is over; NULL: none. With lock. */
static const slk_pic_job_t *next_expired(slk_dispatch_t *d, bool *late)
{
    const uint64_t now = slk_net_now_ms();
    const int64_t now_ms = slk_dispatch_now(d);
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++)
        for (uint32_t j = 0; j < d->pic.workers[i]->job_cnt; j++) {
            const slk_pic_job_t *job = d->pic.workers[i]->jobs[j];
            *late = job->deadline_ms && now_ms > job->deadline_ms;
            if (*late || now >= job->lease_until_ms)
                return job;
        }
    return NULL;
}

static void end_leases(slk_dispatch_t *d)
{
    for (;;) {
        expiry_t e = {.d = d};
        char worker[SLK_JOB_WORKER_MAX];
        slk_diag_t diag;
        bool late = false;
        uint64_t miner = 0, number = 0;
        pthread_mutex_lock(&d->lock);
        const slk_pic_job_t *job = next_expired(d, &late);
        if (job) {
            e.claim = (slk_job_claim_t){job->id, job->lease, worker};
            e.why = late ? "its deadline passed before it was done" : NULL;
            strcpy(worker, job->worker_id);
            miner = job->miner;
            number = job->number;
        }
        pthread_mutex_unlock(&d->lock);
        if (!job)
            return;
        slk_log_sector(SLK_LOG_WARN, SLK_LOG_DISPATCH, miner, number, "job %lld at worker %s: %s",
                       (long long)e.claim.id, worker, late ? e.why : "the lease ended");
        if (slk_dispatch_transact(d, expire, &e, &diag) != SLK_OK) {
            slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "ending a lease: %s", diag.text);
            return;
        }
        slk_dispatch_refresh(d, e.claim.id, true);
        slk_dispatch_changed_later(d, miner, number);
    }
}

#define DEAD_MAX 256

/* Who died, and who is back without having registered anew. */
typedef struct {
    int64_t now_ms;
    struct {
        char id[SLK_JOB_WORKER_MAX];
        bool away;
    } of[DEAD_MAX];
    size_t cnt;
} moved_t;

static slk_err_t write_moved(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const moved_t *m = ctx;
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < m->cnt; i++)
        if ((err = slk_registry_seen(db, m->of[i].id, m->now_ms, diag)) == SLK_OK)
            err = slk_storage_away(db, m->of[i].id, m->of[i].away, diag);
    return err;
}

static void note_moved(moved_t *moved, slk_pic_worker_t *w, bool away)
{
    strcpy(moved->of[moved->cnt].id, w->id);
    moved->of[moved->cnt++].away = w->away = away;
}

/* Who lives; a change is a reason to decide anew. */
static void look_at_workers(slk_dispatch_t *d)
{
    const uint64_t now = slk_net_now_ms();
    moved_t moved = {.now_ms = slk_dispatch_now(d)};
    slk_diag_t diag;
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->pic.worker_cnt && moved.cnt < DEAD_MAX; i++) {
        slk_pic_worker_t *w = d->pic.workers[i];
        const bool alive = w->known && w->beaten && now < w->beat_ms + d->dead_ms;
        const bool away = !alive || w->leaving;
        if (w->alive && away != w->away)
            note_moved(&moved, w, away);
        if (w->alive && !alive)
            slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "worker %s (%s) is not heard of any more",
                    w->name, w->id);
        if (w->alive != alive)
            slk_dispatch_stir(d);
        w->alive = alive;
    }
    pthread_mutex_unlock(&d->lock);
    if (moved.cnt && slk_dispatch_transact(d, write_moved, &moved, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "noting who died: %s", diag.text);
}

/* --- What people see -------------------------------------------------------------------------- */

#define NOTES_MAX 512

typedef struct {
    int64_t id;
    char *why; /* NULL: progress */
    char stage[64];
    uint64_t done, total;
} note_t;

typedef struct {
    note_t of[NOTES_MAX];
    size_t cnt;
} notes_t;

static slk_err_t write_notes(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const notes_t *notes = ctx;
    slk_err_t err = SLK_OK;
    for (size_t i = 0; err == SLK_OK && i < notes->cnt; i++) {
        const note_t *n = &notes->of[i];
        err = n->why ? slk_job_note_why(db, n->id, n->why, diag)
                     : slk_job_note_progress(db, n->id, n->stage, n->done, n->total, diag);
    }
    return err;
}

/* With lock. */
static void gather_notes(slk_dispatch_t *d, notes_t *notes, bool progress)
{
    size_t at = 0;
    slk_pic_job_t *job;
    while (notes->cnt < NOTES_MAX && (job = slk_pair_next(&d->pic.jobs, &at))) {
        note_t *n = &notes->of[notes->cnt];
        if (job->why && !job->why_noted && (n->why = strdup(job->why))) {
            n->id = job->id;
            job->why_noted = true;
            notes->cnt++;
        } else if (progress && job->progressed && job->state == SLK_JOB_RUNNING) {
            *n = (note_t){.id = job->id, .done = job->done, .total = job->total};
            strcpy(n->stage, job->stage);
            job->progressed = false;
            notes->cnt++;
        }
    }
}

static void note(slk_dispatch_t *d)
{
    const uint64_t now = slk_net_now_ms();
    slk_diag_t diag;
    if (now - d->noted_at_ms < NOTE_EVERY_MS)
        return;
    notes_t *notes = calloc(1, sizeof *notes);
    if (!notes)
        return;
    pthread_mutex_lock(&d->lock);
    gather_notes(d, notes, now / 10000 != d->noted_at_ms / 10000);
    pthread_mutex_unlock(&d->lock);
    d->noted_at_ms = now;
    if (notes->cnt && slk_dispatch_transact(d, write_notes, notes, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "noting what jobs wait for: %s", diag.text);
    for (size_t i = 0; i < notes->cnt; i++)
        free(notes->of[i].why);
    free(notes);
}

typedef struct {
    int64_t before_ms, ids[PURGE_MAX];
    size_t cnt;
} purge_t;

static slk_err_t do_purge(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    purge_t *p = ctx;
    return slk_job_purge(db, p->before_ms, p->ids, PURGE_MAX, &p->cnt, diag);
}

static void purge(slk_dispatch_t *d)
{
    const uint64_t now = slk_net_now_ms();
    purge_t p = {.before_ms = slk_dispatch_now(d) - d->opts.keep_ms};
    bool any = false;
    int64_t one;
    slk_diag_t diag;
    if (d->purged_at_ms && now - d->purged_at_ms < PURGE_EVERY_MS)
        return;
    d->purged_at_ms = now;
    slk_err_t err =
        slk_db_get_i64(d->db, "SELECT id FROM job WHERE used_ms > 0 AND used_ms < ?1 LIMIT 1",
                       SLK_VALS(slk_val_i64(p.before_ms)), &any, &one, &diag);
    if (err == SLK_OK && any)
        err = slk_dispatch_transact(d, do_purge, &p, &diag);
    if (err != SLK_OK)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "removing old jobs: %s", diag.text);
    for (size_t i = 0; err == SLK_OK && i < p.cnt; i++)
        slk_output_remove(d, p.ids[i], -1);
}

/* --- The thread ------------------------------------------------------------------------------- */

/* This process was stopped, or waited long for its database: what was not heard then is nobody's
 * fault. */
static void forgive(slk_dispatch_t *d)
{
    const uint64_t now = slk_net_now_ms(), lease = (uint64_t)d->opts.lease_ms;
    const bool away = d->round_at_ms && now - d->round_at_ms > DECIDE_MS + lease / 2;
    d->round_at_ms = now;
    if (!away)
        return;
    slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "this process stood still: leases begin anew");
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++) {
        slk_pic_worker_t *w = d->pic.workers[i];
        w->beat_ms = w->alive ? now : w->beat_ms;
        for (uint32_t j = 0; j < w->job_cnt; j++)
            w->jobs[j]->lease_until_ms = now + lease;
    }
    pthread_mutex_unlock(&d->lock);
}

static void round_of(slk_dispatch_t *d, bool woken, bool reload)
{
    const uint64_t now = slk_net_now_ms();
    slk_diag_t diag;
    forgive(d);
    if (reload) {
        slk_err_t err = slk_dispatch_load(d, &diag);
        if (err != SLK_OK) {
            slk_log(SLK_LOG_ERROR, SLK_LOG_DISPATCH, "reading the tables: %s", diag.text);
            return;
        }
    }
    if (woken || now - d->looked_at_ms >= LOOK_EVERY_MS)
        look(d);
    end_leases(d);
    look_at_workers(d);
    d->round_at_ms = slk_net_now_ms();
    pthread_mutex_lock(&d->lock);
    const bool decide = d->dirty || (d->pic.queued_cnt && now - d->decided_at_ms >= DECIDE_MS);
    d->dirty = false;
    pthread_mutex_unlock(&d->lock);
    if (decide) {
        d->decided_at_ms = now;
        slk_dispatch_decide(d);
    }
    note(d);
    purge(d);
}

/* How long nothing needs to be done if nobody says so. With lock. */
static uint64_t rest_ms(const slk_dispatch_t *d)
{
    const uint64_t now = slk_net_now_ms();
    uint64_t until = now + (d->pic.queued_cnt ? DECIDE_MS / 2 : DECIDE_MS);
    for (uint32_t i = 0; i < d->pic.worker_cnt; i++)
        for (uint32_t j = 0; j < d->pic.workers[i]->job_cnt; j++)
            if (d->pic.workers[i]->jobs[j]->lease_until_ms < until)
                until = d->pic.workers[i]->jobs[j]->lease_until_ms;
    return until > now ? until - now : 0;
}

static void *run(void *ctx)
{
    slk_dispatch_t *d = ctx;
    pthread_mutex_lock(&d->lock);
    while (!d->ending) {
        const uint64_t rest = rest_ms(d);
        /* After trouble not at once again; between decisions what happens may come together. */
        const uint64_t least = d->reload ? 200 : 5 + 2 * (uint64_t)d->round_ms;
        struct timespec until = slk_net_after_ms(rest > least ? rest : least);
        while (!d->ending && !d->woken && !d->dirty && !d->reload &&
               !pthread_cond_timedwait(&d->wake, &d->lock, &until))
            ;
        if (!d->ending) {
            until = slk_net_after_ms(least);
            pthread_cond_timedwait(&d->wake, &d->lock, &until);
        }
        if (d->ending)
            break;
        const bool woken = d->woken, reload = d->reload;
        d->woken = false;
        pthread_mutex_unlock(&d->lock);
        pthread_mutex_lock(&d->db_lock);
        round_of(d, woken, reload);
        slk_sector_id_t *changes = d->changes;
        const size_t cnt = d->change_cnt;
        d->changes = NULL;
        d->change_cnt = d->change_cap = 0;
        pthread_mutex_unlock(&d->db_lock);
        for (size_t i = 0; i < cnt; i++)
            slk_dispatch_changed(d, changes[i].miner, changes[i].number);
        free(changes);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* --- Open and close --------------------------------------------------------------------------- */

static slk_err_t copy_opts(slk_dispatch_t *d, const slk_dispatch_opts_t *opts, slk_diag_t *diag)
{
    d->opts = *opts;
    d->opts.beat_ms = opts->beat_ms ? opts->beat_ms : 3000;
    d->opts.lease_ms = opts->lease_ms ? opts->lease_ms : 60000;
    d->opts.keep_ms = opts->keep_ms ? opts->keep_ms : (int64_t)7 * 24 * 3600 * 1000;
    d->opts.waits_max = opts->waits_max ? opts->waits_max : 64;
    const int64_t silence = 4 * d->opts.beat_ms > 1000 ? 4 * d->opts.beat_ms : 1000;
    d->dead_ms = (uint64_t)(silence < d->opts.lease_ms ? silence : d->opts.lease_ms);
    d->key = *opts->transfer_key;
    d->version = strdup(opts->version ? opts->version : "");
    d->output_dir = strdup(opts->output_dir);
    d->opts.transfer_key = NULL;
    d->opts.version = d->version;
    d->opts.output_dir = d->output_dir;
    if (!d->version || !d->output_dir)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the dispatcher");
    if (d->opts.beat_ms <= 0 || d->opts.lease_ms < 2 * d->opts.beat_ms)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "a lease (%lld ms) must be at least two beats (%lld ms) long",
                        (long long)d->opts.lease_ms, (long long)d->opts.beat_ms);
    return SLK_OK;
}

static slk_err_t migrate(slk_db_t *db, slk_diag_t *diag)
{
    slk_err_t err = slk_job_migrate(db, diag);
    if (err == SLK_OK)
        err = slk_registry_migrate(db, diag);
    return err == SLK_OK ? slk_storage_migrate(db, diag) : err;
}

slk_err_t slk_dispatch_open(slk_dispatch_t **out, const slk_dispatch_opts_t *opts, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *out = NULL;
    slk_net_init();
    slk_dispatch_t *d = calloc(1, sizeof *d);
    if (!d)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the dispatcher");
    pthread_mutex_init(&d->output_lock, NULL);
    pthread_mutex_init(&d->db_lock, NULL);
    pthread_mutex_init(&d->lock, NULL);
    slk_net_cond_init(&d->wake);
    slk_net_cond_init(&d->news);
    SLK_TRY(copy_opts(d, opts, diag));
    SLK_TRY(slk_make_dirs(d->output_dir, diag));
    SLK_TRY(slk_db_open(&d->db, opts->database, diag));
    SLK_TRY(migrate(d->db, diag));
    SLK_TRY(slk_eta_new(&d->eta, diag));
    SLK_TRY(slk_dispatch_learn(d, diag));
    SLK_TRY(slk_dispatch_load(d, diag));
    SLK_TRY(slk_output_sweep(d, diag));
    d->woken = d->dirty = true;
    if (slk_net_thread(&d->thread, run, d)) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "the dispatcher's thread cannot be started");
        goto out;
    }
    d->has_thread = true;
    *out = d;
    return SLK_OK;
out:
    slk_dispatch_close(d);
    return err;
}

void slk_dispatch_stop(slk_dispatch_t *d)
{
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->news);
    pthread_mutex_unlock(&d->lock);
}

void slk_dispatch_close(slk_dispatch_t *d)
{
    if (!d)
        return;
    if (d->has_thread) {
        pthread_mutex_lock(&d->lock);
        d->stopping = d->ending = true;
        pthread_cond_broadcast(&d->news);
        pthread_cond_signal(&d->wake);
        pthread_mutex_unlock(&d->lock);
        pthread_join(d->thread, NULL);
    }
    slk_declarations_free(d);
    slk_picture_free(&d->pic);
    slk_eta_free(d->eta);
    free(d->served);
    free(d->changes);
    slk_db_close(d->db);
    slk_token_key_wipe(&d->key);
    free(d->version);
    free(d->output_dir);
    pthread_cond_destroy(&d->wake);
    pthread_cond_destroy(&d->news);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->db_lock);
    pthread_mutex_destroy(&d->output_lock);
    free(d);
}
