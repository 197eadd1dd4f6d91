/* Ends of jobs as workers report them. */
#include "manager/job/dispatch_impl.h"

#include "base/assert.h"
#include "base/log.h"
#include "codec/json.h"
#include "net/jsonrpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    slk_dispatch_t *d;
    slk_job_claim_t claim;
    const slk_held_file_list_t *made, *gone; /* gone may be NULL */
    const char *result;                      /* NULL: failed */
    size_t result_len;
    int64_t work_ms;
    slk_failure_t failure;
    const char *error, *detail;
    /* What became of it. */
    slk_taken_t taken;
    bool again;
    slk_job_view_t view;
} end_t;

/* False: not a type, or not an ID. */
static bool read_held(const slk_held_file_t *held, slk_file_types_t *type,
                      char store[SLK_STORAGE_ID_TEXT])
{
    *type = slk_file_type_from_name((const char *)held->type.b, held->type.len);
    return *type && slk_storage_id_text(store, &held->store);
}

static bool check_held(const slk_held_file_list_t *list, const char *field, slk_refusal_t *no)
{
    slk_file_types_t type;
    char store[SLK_STORAGE_ID_TEXT];
    for (size_t i = 0; list && i < list->count; i++)
        if (!read_held(&list->items[i], &type, store))
            return slk_refuse(no, SLK_RPC_PARSE,
                              "%s[%zu]: expected the name of a file type and the ID of a path",
                              field, i);
    return true;
}

/* A copy in a path for storage is the one that counts, as when a path is looked through. */
static slk_storage_rank_t rank_in(const slk_dispatch_t *d, const char *store)
{
    const uint32_t at = slk_pic_store(&d->pic, store);
    return at != SLK_PIC_NONE && d->pic.stores[at]->can_store ? SLK_RANK_PRIMARY : SLK_RANK_COPY;
}

/* Made from nothing and not moved: what others have of it is of another run. */
static bool outdates(const end_t *e, slk_file_types_t type)
{
    return e->result && slk_tasks[e->view.task].makes & type;
}

static slk_err_t write_held(slk_db_t *db, const end_t *e, const slk_held_file_list_t *list,
                            bool add, int64_t now_ms, slk_diag_t *diag)
{
    const slk_sector_id_t sector = {e->view.miner, e->view.number};
    slk_err_t err = SLK_OK;
    for (size_t i = 0; list && err == SLK_OK && i < list->count; i++) {
        slk_file_types_t type;
        char store[SLK_STORAGE_ID_TEXT];
        read_held(&list->items[i], &type, store);
        err = add ? slk_storage_add(db, &sector, type, store, rank_in(e->d, store), now_ms, diag)
                  : slk_storage_drop(db, &sector, type, store, diag);
        if (err == SLK_OK && add && outdates(e, type))
            err = slk_storage_outdate(db, &sector, type, store, diag);
    }
    return err;
}

static void show_held(const end_t *e, const slk_held_file_list_t *list, bool add)
{
    slk_dispatch_t *d = e->d;
    const slk_sector_id_t sector = {e->view.miner, e->view.number};
    for (size_t i = 0; list && i < list->count; i++) {
        slk_file_types_t type;
        char store[SLK_STORAGE_ID_TEXT];
        read_held(&list->items[i], &type, store);
        slk_declaration_note(d, store, &sector, type, add);
        pthread_mutex_lock(&d->lock);
        const uint32_t at = add ? slk_pic_store_add(&d->pic, store) : slk_pic_store(&d->pic, store);
        if (!add && at != SLK_PIC_NONE)
            slk_pic_file_drop(&d->pic, &sector, type, at);
        else if (add && (at == SLK_PIC_NONE ||
                         !slk_pic_file_add(&d->pic, &sector, type, at, rank_in(d, store))))
            d->reload = true;
        else if (add && outdates(e, type))
            slk_pic_file_outdate(&d->pic, &sector, type, at);
        pthread_mutex_unlock(&d->lock);
    }
}

static slk_err_t write_end(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    end_t *e = ctx;
    const int64_t now_ms = slk_dispatch_now(e->d);
    slk_err_t err = slk_job_find_id(db, e->claim.id, &e->view, diag);
    json_decref(e->view.result);
    e->view.result = NULL;
    if (err != SLK_OK)
        return err;
    err = e->result ? slk_job_done(db, &e->claim, e->result, e->result_len, e->work_ms, now_ms,
                                   &e->d->opts.hooks, &e->taken, diag)
                    : slk_job_failed(db, &e->claim, e->failure, e->error, e->detail, now_ms,
                                     &e->d->opts.hooks, &e->taken, &e->again, diag);
    if (err == SLK_OK && e->taken == SLK_TAKEN_NOW)
        err = write_held(db, e, e->gone, false, now_ms, diag);
    return err == SLK_OK && e->taken == SLK_TAKEN_NOW
               ? write_held(db, e, e->made, true, now_ms, diag)
               : err;
}

/* How quick transfers are: "Fetched" of a result. With lock. */
static void learn_fetch(const end_t *e)
{
    slk_diag_t diag;
    json_t *result = slk_json_load(e->result, e->result_len, 0, NULL);
    const json_t *fetched = json_object_get(result, "Fetched");
    const json_int_t bytes = json_integer_value(json_object_get(fetched, "Bytes"));
    const json_int_t ms = json_integer_value(json_object_get(fetched, "Ms"));
    if (bytes > 0 && ms > 0 && slk_eta_add_fetch(e->d->eta, (uint64_t)bytes, ms, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "measuring: %s", diag.text);
    json_decref(result);
}

static void learn(const end_t *e, uint64_t sector_sz)
{
    slk_diag_t diag;
    const int64_t all_ms = slk_dispatch_now(e->d) - e->view.started_ms;
    /* Workers tell whole seconds. */
    const int64_t ms = e->work_ms ? e->work_ms : all_ms < 0 ? 0 : all_ms < 999 ? all_ms : 999;
    pthread_mutex_lock(&e->d->lock);
    if (sector_sz &&
        slk_eta_add(e->d->eta, e->view.task, sector_sz, e->claim.worker, ms, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, SLK_LOG_DISPATCH, "measuring: %s", diag.text);
    learn_fetch(e);
    pthread_mutex_unlock(&e->d->lock);
}

static void tell(const end_t *e)
{
    if (e->result)
        slk_log_sector(SLK_LOG_INFO, SLK_LOG_DISPATCH, e->view.miner, e->view.number,
                       "job %lld %s done by worker %s", (long long)e->claim.id,
                       slk_tasks[e->view.task].name, e->view.worker);
    else
        slk_log_sector(SLK_LOG_WARN, SLK_LOG_DISPATCH, e->view.miner, e->view.number,
                       "job %lld %s failed at worker %s (%s%s): %s", (long long)e->claim.id,
                       slk_tasks[e->view.task].name, e->view.worker, slk_failure_name(e->failure),
                       e->again ? ", to be tried again" : "", e->error);
}

/* Where there was no space, or where it failed twice in a row, it is tried again last. Forgotten when the manager
 * starts anew: it is a wish. */
static void note_where(const end_t *e)
{
    pthread_mutex_lock(&e->d->lock);
    slk_pic_job_t *job = slk_pic_job(&e->d->pic, e->claim.id);
    if (job && (e->failure == SLK_FAILURE_NO_SPACE || !strcmp(job->failed_at, e->claim.worker)))
        snprintf(job->avoid, sizeof job->avoid, "%s", e->claim.worker);
    if (job)
        snprintf(job->failed_at, sizeof job->failed_at, "%s", e->claim.worker);
    pthread_mutex_unlock(&e->d->lock);
}

/* With db_lock. */
static slk_err_t end_job(end_t *e, bool *taken, slk_diag_t *diag)
{
    slk_dispatch_t *d = e->d;
    const slk_pic_job_t *job = slk_pic_job(&d->pic, e->claim.id);
    const uint64_t sector_sz = job ? job->sector_sz : 0;
    slk_err_t err = slk_dispatch_transact(d, write_end, e, diag);
    if (err != SLK_OK)
        return err;
    *taken = e->taken != SLK_TAKEN_NOT;
    if (e->taken != SLK_TAKEN_NOW)
        return SLK_OK;
    tell(e);
    show_held(e, e->gone, false);
    show_held(e, e->made, true);
    if (e->result)
        learn(e, sector_sz);
    slk_dispatch_refresh(d, e->claim.id, true);
    if (e->again)
        note_where(e);
    /* What others sent under other leases is of no use any more. */
    if (slk_task_has_output(e->view.task) && !e->again)
        slk_output_remove(d, e->claim.id, e->result ? e->claim.lease : -1);
    return SLK_OK;
}

static bool finish(end_t *e, bool *taken, slk_refusal_t *no)
{
    slk_diag_t diag;
    *taken = false;
    slk_err_t err = end_job(e, taken, &diag);
    pthread_mutex_unlock(&e->d->db_lock);
    if (err != SLK_OK)
        return slk_refuse_err(no, err, &diag);
    if (e->taken == SLK_TAKEN_NOW)
        slk_dispatch_changed(e->d, e->view.miner, e->view.number);
    return true;
}

/* A job that comes with an output needs it here first. With db_lock. */
static bool output_ok(const slk_dispatch_t *d, const slk_job_claim_t *claim, slk_refusal_t *no)
{
    const slk_pic_job_t *job = slk_pic_job(&d->pic, claim->id);
    if (!job || !slk_task_has_output(job->task) || job->lease != claim->lease ||
        slk_output_there(d, claim->id, claim->lease))
        return true;
    return slk_refuse(
        no, SLK_RPC_NO_OUTPUT,
        "job %lld is done but its output is not here: PUT /jobs/%lld/output?lease=%lld first",
        (long long)claim->id, (long long)claim->id, (long long)claim->lease);
}

bool slk_dispatch_done(slk_dispatch_t *d, const slk_job_done_t *done, bool *taken,
                       slk_refusal_t *no)
{
    char worker[SLK_JOB_WORKER_MAX];
    if (!slk_text_of(worker, sizeof worker, &done->worker) || done->id > INT64_MAX ||
        done->lease > INT64_MAX || done->seconds > INT32_MAX)
        return slk_refuse(no, SLK_RPC_PARSE, "Worker, ID, Lease or Seconds are out of range");
    json_t *result = slk_json_load((const char *)done->result.b, done->result.len, 0, NULL);
    const bool object = json_is_object(result);
    json_decref(result);
    if (!object)
        return slk_refuse(no, SLK_RPC_PARSE, "Result: expected an object");
    if (!check_held(&done->made, "Made", no) || !check_held(&done->gone, "Gone", no))
        return false;
    end_t e = {.d = d,
               .claim = {(int64_t)done->id, (int64_t)done->lease, worker},
               .made = &done->made,
               .gone = &done->gone,
               .result = (const char *)done->result.b,
               .result_len = done->result.len,
               .work_ms = (int64_t)done->seconds * 1000};
    pthread_mutex_lock(&d->db_lock);
    if (!output_ok(d, &e.claim, no)) {
        pthread_mutex_unlock(&d->db_lock);
        return false;
    }
    return finish(&e, taken, no);
}

/* At most cap - 1 bytes, of a long text the end. Zero bytes become blanks, as does half a
 * character. */
static void tail_of(char *out, size_t cap, const slk_bytes_t *text)
{
    const size_t len = text->len < cap ? text->len : cap - 1;
    const char *from = text->len ? (const char *)text->b + text->len - len : "";
    size_t skip = 0;
    while (skip < len && (from[skip] & 0xc0) == 0x80)
        skip++;
    for (size_t i = skip; i < len; i++)
        out[i - skip] = from[i] ? from[i] : ' ';
    out[len - skip] = 0;
}

bool slk_dispatch_failed(slk_dispatch_t *d, const slk_job_failed_t *failed, bool *taken,
                         slk_refusal_t *no)
{
    char worker[SLK_JOB_WORKER_MAX], error[SLK_JOB_ERROR_MAX], detail[4096];
    slk_failure_t failure;
    if (!slk_text_of(worker, sizeof worker, &failed->worker) || failed->id > INT64_MAX ||
        failed->lease > INT64_MAX)
        return slk_refuse(no, SLK_RPC_PARSE, "Worker, ID or Lease are out of range");
    if (!slk_failure_from_text(&failure, (const char *)failed->class.b, failed->class.len))
        return slk_refuse(no, SLK_RPC_PARSE, "Class: expected \"temporary\", \"no space\", ...");
    if (!check_held(&failed->made, "Made", no))
        return false;
    tail_of(error, sizeof error, &failed->error);
    tail_of(detail, sizeof detail, &failed->stderr_tail);
    end_t e = {.d = d,
               .claim = {(int64_t)failed->id, (int64_t)failed->lease, worker},
               .made = &failed->made,
               .failure = failure,
               .error = error,
               .detail = detail};
    pthread_mutex_lock(&d->db_lock);
    return finish(&e, taken, no);
}
