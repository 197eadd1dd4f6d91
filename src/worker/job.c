/* The jobs that a worker has, each with its thread: from assignment to acknowledgement. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_MIN_MS 500u

bool slk_worker_wait(slk_worker_t *w, uint32_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&w->cond, &w->mutex, &until) != ETIMEDOUT;
}

void slk_worker_changed(slk_worker_t *w)
{
    pthread_cond_broadcast(&w->cond);
}

bool slk_wjob_unwanted(slk_wjob_t *job)
{
    slk_worker_lock(job->worker);
    bool unwanted = job->unwanted;
    slk_worker_unlock(job->worker);
    return unwanted;
}

/* A window proof is of no one sector. */
#define log_job(level, job, ...)                                                                   \
    ((job)->task == SLK_TASK_WDP ? slk_log(level, "worker", __VA_ARGS__)                           \
                                 : slk_log_sector(level, "worker", (job)->sector.miner,            \
                                                  (job)->sector.number, __VA_ARGS__))

/* --- What is told of an attempt ------------------------------------------------------------- */

static slk_bytes_t bytes_of(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* The bytes as text that JSON can carry. */
static char *printable(slk_arena_t *arena, const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;
    if (len > max)
        text += len - max;
    char *copy = slk_arena_text(arena, text ? text : "", len > max ? max : len);
    for (char *c = copy; c && *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || (unsigned char)*c > '~')
            *c = '?';
    return copy;
}

/* Lists of an attempt into the job's arena, for they outlive it. */
static slk_held_file_list_t held(const slk_held_file_t *files, size_t cnt, slk_arena_t *arena)
{
    slk_held_file_list_t list = {slk_arena_array(arena, cnt, sizeof *files), 0};
    for (size_t i = 0; list.items && i < cnt; i++) {
        char *type = slk_arena_text(arena, (const char *)files[i].type.b, files[i].type.len);
        char *store = slk_arena_text(arena, (const char *)files[i].store.b, files[i].store.len);
        if (type && store)
            list.items[list.count++] = (slk_held_file_t){bytes_of(type), bytes_of(store)};
    }
    return list;
}

static slk_err_t make_end(slk_job_end_t *end, slk_wjob_t *job, const slk_attempt_t *attempt,
                          slk_err_t how, const slk_diag_t *why, slk_diag_t *diag)
{
    slk_worker_t *w = job->worker;
    memset(end, 0, sizeof *end);
    end->failed = how != SLK_OK;
    slk_held_file_list_t made = held(attempt->made, attempt->made_cnt, &job->arena);
    if (end->failed) {
        end->failure = (slk_job_failed_t){
            .worker = bytes_of(w->repo.id),
            .id = job->a.id,
            .class = bytes_of(slk_failure_name(attempt->failure)),
            .error = bytes_of(printable(&job->arena, why->text, sizeof why->text)),
            .stderr_tail = bytes_of(printable(&job->arena, attempt->stderr_tail, 16384)),
            .made = made};
        return SLK_OK;
    }
    char *dump = json_dumps(attempt->result, JSON_COMPACT);
    char *text = dump ? slk_arena_text(&job->arena, dump, strlen(dump)) : NULL;
    free(dump);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the result");
    end->done = (slk_job_done_t){.worker = bytes_of(w->repo.id),
                                 .id = job->a.id,
                                 .result = bytes_of(text),
                                 .made = made,
                                 .gone = held(attempt->gone, attempt->gone_cnt, &job->arena),
                                 .seconds = (uint64_t)(slk_clock_seconds() - job->started)};
    return SLK_OK;
}

/* --- The thread of a job -------------------------------------------------------------------- */

typedef enum {
    GO_ON,
    DROP, /* nobody wants it */
    LEAVE /* the worker ends: it stays on the disk */
} verdict_t;

/* Mutex held. */
static verdict_t verdict(const slk_wjob_t *job)
{
    return job->unwanted ? DROP : job->worker->ending ? LEAVE : GO_ON;
}

/* Until it may run and has a place. */
static verdict_t wait_for_place(slk_wjob_t *job)
{
    slk_worker_t *w = job->worker;
    unsigned limit = slk_worker_limit(w->opts, job->task);
    verdict_t say;
    slk_worker_lock(w);
    while ((say = verdict(job)) == GO_ON && job->state == SLK_WJOB_HELD)
        slk_worker_wait(w, 60000);
    while ((say = verdict(job)) == GO_ON && w->running[job->task] >= (limit ? limit : 1))
        slk_worker_wait(w, 60000);
    if (say == GO_ON) {
        w->running[job->task]++;
        job->state = SLK_WJOB_RUNNING;
        job->started = slk_clock_seconds();
    }
    slk_worker_unlock(w);
    return say;
}

/* Onto the disk, until that works. */
static verdict_t keep_end(slk_wjob_t *job, const slk_job_end_t *end)
{
    slk_worker_t *w = job->worker;
    slk_diag_t diag;
    verdict_t say = GO_ON;
    while (slk_job_dir_end(&job->dir, end, &diag) != SLK_OK) {
        log_job(SLK_LOG_ERROR, job, "%s: the result cannot be kept: %s", slk_tasks[job->task].name,
                diag.text);
        slk_worker_lock(w);
        say = verdict(job);
        if (say == GO_ON)
            slk_worker_wait(w, 5000);
        slk_worker_unlock(w);
        if (say != GO_ON)
            break;
    }
    return say;
}

static void log_end(const slk_wjob_t *job, const slk_job_end_t *end)
{
    if (end->failed)
        log_job(SLK_LOG_WARN, job, "%s failed (%.*s): %.*s", slk_tasks[job->task].name,
                (int)end->failure.class.len, (const char *)end->failure.class.b,
                (int)end->failure.error.len, (const char *)end->failure.error.b);
    else
        log_job(SLK_LOG_INFO, job, "%s done in %" PRIu64 " s", slk_tasks[job->task].name,
                end->done.seconds);
}

/* One attempt; its result is on the disk afterwards when GO_ON is returned. */
static verdict_t run(slk_wjob_t *job, slk_job_end_t *end)
{
    slk_worker_t *w = job->worker;
    slk_attempt_t attempt = {0};
    slk_diag_t diag = {""};
    log_job(SLK_LOG_INFO, job, "%s begins (job %" PRIu64 ", lease %" PRIu64 ")",
            slk_tasks[job->task].name, job->a.id, job->a.lease);
    slk_err_t err = slk_attempt_run(&attempt, job, &diag);
    slk_worker_lock(w);
    w->running[job->task]--;
    verdict_t say = verdict(job);
    if (say == LEAVE &&
        (err == SLK_OK || (err != SLK_ERR_CANCELLED && attempt.failure != SLK_FAILURE_RESTARTED)))
        say = GO_ON; /* it ended by itself */
    slk_worker_changed(w);
    slk_worker_unlock(w);
    slk_stores_poke(w->stores);
    if (say == GO_ON) {
        slk_diag_t why = diag;
        if (make_end(end, job, &attempt, err, &why, &diag) != SLK_OK) {
            attempt.failure = SLK_FAILURE_TEMPORARY;
            (void)make_end(end, job, &attempt, SLK_ERR_NOMEM, &diag, &why);
        }
        log_end(job, end);
        say = keep_end(job, end);
    } else
        log_job(SLK_LOG_INFO, job, "%s %s", slk_tasks[job->task].name,
                say == DROP ? "is dropped: the manager has taken it away" : "is interrupted");
    if (say == DROP) /* what it made nobody was told */
        slk_stores_suspect(w->stores, NULL);
    slk_attempt_fini(&attempt);
    return say;
}

/* --- Reporting ------------------------------------------------------------------------------ */

/* One attempt to tell it. *taken: answered, with yes or no. */
static slk_err_t tell(slk_wjob_t *job, slk_job_end_t *end, bool *taken, int64_t *code,
                      slk_diag_t *diag)
{
    slk_worker_t *w = job->worker;
    bool yes = false;
    slk_arena_t arena;
    slk_job_t stop = {.cancel = &w->no_calls};
    slk_worker_lock(w);
    end->done.lease = end->failure.lease = job->lease;
    slk_worker_unlock(w);
    slk_arena_init(&arena, SLK_LINK_ARENA_MAX);
    slk_link_call_t call = {.method = end->failed ? "Selkie.JobFailed" : "Selkie.JobDone",
                            .in_type = end->failed ? &slk_job_failed_type : &slk_job_done_type,
                            .in = end->failed ? (const void *)&end->failure
                                              : (const void *)&end->done,
                            .flag = &yes,
                            .arena = &arena,
                            .job = &stop};
    slk_err_t err = slk_link_do(&w->link, &call, diag);
    slk_arena_free(&arena);
    *code = call.code;
    *taken = err == SLK_OK;
    if (*taken && !yes) {
        log_job(SLK_LOG_INFO, job, "%s: the manager wants its result no more",
                slk_tasks[job->task].name);
        slk_stores_suspect(w->stores, NULL);
    }
    return err;
}

static slk_err_t send_output(slk_wjob_t *job, slk_diag_t *diag)
{
    slk_worker_t *w = job->worker;
    char path[SLK_WORKER_PATH_MAX];
    slk_job_t stop = {.cancel = &w->no_calls};
    slk_job_dir_file(path, &job->dir, "output.json");
    slk_worker_lock(w);
    uint64_t lease = job->lease;
    slk_worker_unlock(w);
    return slk_link_put_output(&w->link, job->a.id, lease, path, &stop, diag);
}

/* Nobody takes reports of a worker that the manager does not know yet. GO_ON: it does, by now. */
static verdict_t wait_registered(slk_wjob_t *job)
{
    slk_worker_t *w = job->worker;
    verdict_t say = GO_ON;
    slk_worker_lock(w);
    while (!w->registered && (say = verdict(job)) == GO_ON)
        slk_worker_wait(w, 60000);
    slk_worker_unlock(w);
    return say;
}

/* Until it is acknowledged. */
static verdict_t report(slk_wjob_t *job, slk_job_end_t *end)
{
    slk_worker_t *w = job->worker;
    uint32_t pause = RETRY_MIN_MS;
    bool output = !end->failed && slk_task_has_output(job->task), taken = false;
    verdict_t known = wait_registered(job);
    if (known != GO_ON)
        return known;
    for (;;) {
        slk_diag_t diag = {""};
        int64_t code = 0;
        slk_err_t err = output ? send_output(job, &diag) : SLK_OK;
        if (err == SLK_ERR_MISMATCH) { /* JobDone will say so, or want it again */
            log_job(SLK_LOG_WARN, job, "%s", diag.text);
            err = SLK_OK;
        }
        if (err == SLK_OK) {
            output = false;
            err = tell(job, end, &taken, &code, &diag);
        }
        if (taken)
            return DROP;
        output = output || code == SLK_RPC_NO_OUTPUT;
        slk_worker_lock(w);
        verdict_t say = verdict(job);
        if (say == GO_ON) {
            if (strcmp(job->error, diag.text) != 0)
                log_job(SLK_LOG_WARN, job, "%s: not reported yet: %s", slk_tasks[job->task].name,
                        diag.text);
            snprintf(job->error, sizeof job->error, "%s", diag.text);
            double until = slk_clock_seconds() + pause / 1000.0;
            while ((say = verdict(job)) == GO_ON && slk_clock_seconds() < until)
                slk_worker_wait(w, pause);
        }
        slk_worker_unlock(w);
        if (say != GO_ON)
            return say;
        pause = pause * 2 < w->opts->retry_max_ms ? pause * 2 : w->opts->retry_max_ms;
    }
}

static void *job_main(void *arg)
{
    slk_wjob_t *job = arg;
    slk_worker_t *w = job->worker;
    slk_job_end_t end = {0};
    slk_diag_t diag;
    bool ended = false;
    verdict_t say = GO_ON;
    slk_err_t err = slk_job_dir_load_end(&ended, &end, &job->dir, &job->arena, &diag);
    if (err != SLK_OK) { /* half of what we wrote ourselves: do it again */
        log_job(SLK_LOG_WARN, job, "%s", diag.text);
        ended = false;
    }
    if (!ended) {
        say = wait_for_place(job);
        if (say == GO_ON)
            say = run(job, &end);
    }
    if (say == GO_ON) {
        slk_worker_lock(w);
        job->state = SLK_WJOB_ENDED;
        job->in_processor = false;
        job->pid = 0;
        slk_worker_changed(w);
        slk_worker_unlock(w);
        say = report(job, &end);
    }
    if (say == DROP && slk_job_dir_remove(&job->dir, &diag) != SLK_OK)
        log_job(SLK_LOG_WARN, job, "%s", diag.text);
    slk_worker_lock(w);
    job->over = true;
    slk_worker_changed(w);
    slk_worker_unlock(w);
    return NULL;
}

/* --- The table ------------------------------------------------------------------------------ */

static void job_free(slk_wjob_t *job)
{
    slk_progress_free(job->progress);
    slk_arena_free(&job->arena);
    free(job);
}

/* A job of this assignment, or of the folder when a is NULL; enters the table and starts its thread.
 */
static slk_err_t add_job(slk_worker_t *w, uint64_t id, const slk_assignment_t *a, slk_diag_t *diag)
{
    slk_err_t err;
    slk_wjob_t *job = calloc(1, sizeof *job);
    if (!job)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a job");
    slk_arena_init(&job->arena, SLK_JOB_ARENA_MAX);
    job->worker = w;
    job->progress = slk_progress_new();
    SLK_TRY(slk_job_dir(&job->dir, w->repo.dir, id, diag));
    if (a) {
        SLK_TRY(slk_record_copy(&job->a, &slk_assignment_type, a, &job->arena, diag));
    } else
        SLK_TRY(slk_job_dir_load(&job->a, &job->dir, &job->arena, diag));
    if (job->a.id != id ||
        !slk_task_from_text(&job->task, (const char *)job->a.task.b, job->a.task.len)) {
        err = slk_fail(diag, SLK_ERR_UNSUPPORTED,
                       "job %" PRIu64 ": task '%.*s' is none that this worker knows", id,
                       (int)job->a.task.len, (const char *)job->a.task.b);
        goto out;
    }
    if (a)
        SLK_TRY(slk_job_dir_begin(&job->dir, a, diag));
    job->sector = (slk_sector_id_t){job->a.miner, job->a.number};
    job->lease = job->a.lease;
    job->state = a ? SLK_WJOB_WAITING : SLK_WJOB_HELD;
    job->reserved_at = a ? 0 : slk_clock_seconds();
    slk_worker_lock(w);
    if (pthread_create(&job->thread, NULL, job_main, job) != 0)
        err = slk_fail(diag, SLK_ERR_NOMEM, "job %" PRIu64 ": no thread to be had", id);
    else {
        job->next = w->jobs;
        w->jobs = job;
    }
    slk_worker_unlock(w);
out:
    if (err != SLK_OK)
        job_free(job);
    return err;
}

slk_err_t slk_wjobs_restore(slk_worker_t *w, slk_diag_t *diag)
{
    uint64_t *ids;
    size_t cnt;
    slk_diag_t why;
    slk_err_t err = slk_job_dir_list(&ids, &cnt, w->repo.dir, diag);
    if (err != SLK_OK)
        return err;
    for (size_t i = 0; i < cnt; i++) {
        if (add_job(w, ids[i], NULL, &why) == SLK_OK)
            slk_log(SLK_LOG_INFO, "worker", "job %" PRIu64 " of an earlier run is here", ids[i]);
        else /* the manager gives it again, or to another */
            slk_log(SLK_LOG_ERROR, "worker", "job %" PRIu64 " is left alone: %s", ids[i], why.text);
    }
    free(ids);
    return SLK_OK;
}

/* Mutex held. */
static slk_wjob_t *find(slk_worker_t *w, uint64_t id)
{
    slk_wjob_t *job = w->jobs;
    while (job && job->a.id != id)
        job = job->next;
    return job;
}

/* The same job under a newer lease. */
static void renew(slk_worker_t *w, const slk_assignment_t *a)
{
    slk_diag_t diag;
    slk_job_dir_t dir;
    slk_worker_lock(w);
    slk_wjob_t *job = find(w, a->id);
    bool newer = job && !job->unwanted && !job->over && job->lease < a->lease;
    if (newer) {
        slk_assignment_t same = job->a;
        same.lease = a->lease;
        dir = job->dir;
        if (slk_job_dir_begin(&dir, &same, &diag) == SLK_OK)
            job->lease = a->lease;
        else
            log_job(SLK_LOG_WARN, job, "%s", diag.text);
        if (job->state == SLK_WJOB_HELD)
            job->state = SLK_WJOB_WAITING;
        slk_worker_changed(w);
    }
    slk_worker_unlock(w);
}

static void refuse(slk_worker_t *w, const slk_assignment_t *a, slk_err_t err, const char *why)
{
    slk_failure_t class = err == SLK_ERR_UNSUPPORTED ? SLK_FAILURE_PERMANENT
                          : err == SLK_ERR_NOSPACE   ? SLK_FAILURE_NO_SPACE
                                                     : SLK_FAILURE_TEMPORARY;
    slk_diag_t diag;
    bool yes;
    slk_job_failed_t failed = {.worker = bytes_of(w->repo.id),
                               .id = a->id,
                               .lease = a->lease,
                               .class = bytes_of(slk_failure_name(class)),
                               .error = bytes_of(why)};
    slk_link_call_t call = {
        .method = "Selkie.JobFailed", .in_type = &slk_job_failed_type, .in = &failed, .flag = &yes};
    slk_log(SLK_LOG_ERROR, "worker", "job %" PRIu64 " is not taken: %s", a->id, why);
    if (slk_link_do(&w->link, &call, &diag) != SLK_OK) /* it will be assigned again */
        slk_log(SLK_LOG_WARN, "worker", "%s", diag.text);
}

void slk_wjobs_start(slk_worker_t *w, const slk_assignment_t *a)
{
    slk_diag_t diag;
    slk_worker_lock(w);
    bool known = find(w, a->id) != NULL, ending = w->ending;
    slk_worker_unlock(w);
    if (known)
        renew(w, a);
    else if (!ending) {
        slk_err_t err = add_job(w, a->id, a, &diag);
        if (err != SLK_OK)
            refuse(w, a, err, diag.text);
    }
}

void slk_wjobs_cancel(slk_worker_t *w, uint64_t id)
{
    slk_worker_lock(w);
    slk_wjob_t *job = find(w, id);
    if (job && !job->unwanted) {
        job->unwanted = true;
        atomic_store(&job->cancel, true);
        slk_worker_changed(w);
    }
    slk_worker_unlock(w);
}

void slk_wjobs_confirm(slk_worker_t *w, const slk_job_progress_list_t *named)
{
    slk_worker_lock(w);
    for (size_t i = 0; i < named->count; i++) {
        slk_wjob_t *job = find(w, named->items[i].id);
        if (job && job->state == SLK_WJOB_HELD && !job->unwanted)
            job->state = SLK_WJOB_WAITING;
    }
    slk_worker_changed(w);
    slk_worker_unlock(w);
}

void slk_wjobs_stop(slk_worker_t *w)
{
    slk_worker_lock(w);
    w->ending = true;
    for (slk_wjob_t *job = w->jobs; job; job = job->next)
        atomic_store(&job->cancel, true);
    slk_worker_changed(w);
    slk_worker_unlock(w);
}

bool slk_wjobs_reap(slk_worker_t *w, bool all, double seconds)
{
    double until = slk_clock_seconds() + seconds;
    slk_worker_lock(w);
    for (;;) {
        for (slk_wjob_t **at = &w->jobs; *at;) {
            slk_wjob_t *job = *at;
            if (!job->over) {
                at = &job->next;
                continue;
            }
            *at = job->next;
            pthread_join(job->thread, NULL); /* it does nothing more */
            job_free(job);
        }
        if (!w->jobs || !all || slk_clock_seconds() >= until)
            break;
        slk_worker_wait(w, 200);
    }
    bool none = !w->jobs;
    slk_worker_unlock(w);
    return none;
}

/* --- For beats ------------------------------------------------------------------------------ */

static slk_err_t put_progress(slk_job_progress_t *out, slk_wjob_t *job, slk_arena_t *arena)
{
    static const char *const words[] = {[SLK_WJOB_HELD] = "held",
                                        [SLK_WJOB_WAITING] = "waits for a free place",
                                        [SLK_WJOB_ENDED] = "done"};
    slk_progress_view_t view = job->view;
    if (!job->in_processor)
        slk_progress_view(job->progress, &view);
    if (job->state != SLK_WJOB_RUNNING)
        view = (slk_progress_view_t){0};
    const char *stage = job->state == SLK_WJOB_RUNNING ? view.stage : words[job->state];
    char *stage_copy = printable(arena, stage, 64), *unit_copy = printable(arena, view.unit, 16);
    if (!stage_copy || !unit_copy)
        return SLK_ERR_NOMEM;
    *out = (slk_job_progress_t){.id = job->a.id,
                                .lease = job->lease,
                                .stage = bytes_of(stage_copy),
                                .unit = bytes_of(unit_copy),
                                .done = view.done,
                                .total = view.total,
                                .reserved =
                                    job->reserved_at > 0 &&
                                    slk_stores_fresh_since(job->worker->stores, job->reserved_at)};
    return SLK_OK;
}

slk_err_t slk_wjobs_progress(slk_job_progress_list_t *list, slk_worker_t *w, slk_arena_t *arena,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    size_t cnt = 0;
    slk_worker_lock(w);
    for (const slk_wjob_t *job = w->jobs; job; job = job->next)
        cnt++;
    *list = (slk_job_progress_list_t){slk_arena_array(arena, cnt, sizeof *list->items), 0};
    if (!list->items)
        err = SLK_ERR_NOMEM;
    for (slk_wjob_t *job = w->jobs; err == SLK_OK && job; job = job->next)
        if (!job->unwanted && !job->over) {
            err = put_progress(&list->items[list->count], job, arena);
            list->count++;
        }
    slk_worker_unlock(w);
    return err == SLK_OK ? err : slk_fail(diag, err, "out of memory for a beat");
}
