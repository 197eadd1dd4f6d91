/* Processors of a worker: one a running job, with CPUs of its own; kept for a while after it. */
#include "worker/worker_impl.h"

#include "base/assert.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define ENVS_MAX 64

static const slk_processor_kind_t *configured(const slk_worker_t *w, const char *stage)
{
    for (size_t i = 0; i < w->opts->processor_cnt; i++)
        if (!strcmp(w->opts->processors[i].stage, stage))
            return &w->opts->processors[i];
    return NULL;
}

bool slk_stage_is_foreign(const slk_worker_t *w, const char *stage)
{
    const slk_processor_kind_t *kind = configured(w, stage);
    return kind && kind->program;
}

static void log_line(void *ctx, const char *stage, const char *line)
{
    (void)ctx;
    slk_log(SLK_LOG_INFO, stage, "%s", line);
}

/* --- Idle ones ------------------------------------------------------------------------------ */

static void idle_free(slk_idle_t *idle)
{
    slk_processor_free(idle->processor);
    free(idle->stage);
    free(idle->cpus);
    free(idle);
}

static slk_processor_t *take_idle(slk_worker_t *w, const char *stage, const char *cpus)
{
    slk_idle_t *found = NULL;
    slk_worker_lock(w);
    for (slk_idle_t **at = &w->idle; *at && !found; at = &(*at)->next)
        if (!strcmp((*at)->stage, stage) && !strcmp((*at)->cpus, cpus)) {
            found = *at;
            *at = found->next;
            break;
        }
    slk_worker_unlock(w);
    if (!found)
        return NULL;
    slk_processor_t *processor = found->processor;
    found->processor = NULL;
    idle_free(found);
    return processor;
}

static void put_idle(slk_worker_t *w, slk_processor_t *processor, const char *stage,
                     const char *cpus)
{
    slk_idle_t *idle = calloc(1, sizeof *idle);
    if (idle) {
        idle->processor = processor;
        idle->stage = strdup(stage);
        idle->cpus = strdup(cpus);
        idle->since = slk_clock_seconds();
    }
    if (!idle || !idle->stage || !idle->cpus) {
        if (idle)
            idle_free(idle);
        else
            slk_processor_free(processor);
        return;
    }
    slk_worker_lock(w);
    idle->next = w->idle;
    w->idle = idle;
    slk_worker_unlock(w);
}

void slk_processors_end_idle(slk_worker_t *w, double seconds)
{
    slk_idle_t *ended = NULL;
    double now = slk_clock_seconds();
    slk_worker_lock(w);
    for (slk_idle_t **at = &w->idle; *at;) {
        slk_idle_t *idle = *at;
        if (now - idle->since < seconds) {
            at = &idle->next;
            continue;
        }
        *at = idle->next;
        idle->next = ended;
        ended = idle;
    }
    slk_worker_unlock(w);
    while (ended) {
        slk_idle_t *next = ended->next;
        idle_free(ended);
        ended = next;
    }
}

/* --- One for a job -------------------------------------------------------------------------- */

static slk_err_t make(slk_processor_t **out, slk_worker_t *w, const char *stage, const char *cpus,
                      slk_diag_t *diag)
{
    const slk_processor_kind_t *row = configured(w, stage);
    slk_processor_kind_t kind = row ? *row : (slk_processor_kind_t){0};
    const char *envs[ENVS_MAX];
    char params[4200];
    size_t cnt = 0;
    kind.stage = stage;
    kind.concurrent = 1;
    if (!kind.program)
        kind.program = w->opts->program;
    if (!kind.cpus)
        kind.cpus = cpus;
    double stop_s = w->opts->stop_s;
    if (kind.grace_seconds == 0 || kind.grace_seconds > stop_s)
        kind.grace_seconds = stop_s;
    for (; kind.envs && kind.envs[cnt] && cnt + 3 < ENVS_MAX; cnt++)
        envs[cnt] = kind.envs[cnt];
    if (w->opts->params_dir) {
        snprintf(params, sizeof params, "FIL_PROOFS_PARAMETER_CACHE=%s", w->opts->params_dir);
        envs[cnt++] = params;
    }
    envs[cnt] = NULL;
    kind.envs = envs;
    kind.log = log_line;
    return slk_processor_new(out, &kind, diag);
}

static void see_progress(void *ctx, const slk_progress_view_t *view)
{
    slk_wjob_t *job = ctx;
    slk_worker_lock(job->worker);
    job->in_processor = true;
    job->view = *view;
    slk_worker_unlock(job->worker);
}

/* Why it failed, beyond what the error says. */
static slk_err_t failed(slk_attempt_t *attempt, slk_processor_result_t *result, const char *stage,
                        slk_err_t err)
{
    attempt->stderr_tail = result->stderr_tail;
    result->stderr_tail = NULL;
    switch (result->end) {
    case SLK_PROCESSOR_DIED:
    case SLK_PROCESSOR_HUNG:
        return slk_attempt_fail(attempt, SLK_FAILURE_RESTARTED,
                                err == SLK_ERR_CANCELLED ? SLK_ERR_IO : err);
    case SLK_PROCESSOR_NOT_STARTED:
        return slk_attempt_fail(attempt, SLK_FAILURE_TEMPORARY, err);
    case SLK_PROCESSOR_REFUSED:       /* an error of another program says nothing more */
        if (err == SLK_ERR_CANCELLED) /* not by us: somebody ended it */
            return slk_attempt_fail(attempt, SLK_FAILURE_RESTARTED, err);
        if (slk_stage_is_foreign(attempt->w, stage) && err == SLK_ERR_STATE)
            return slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT, err);
        return err;
    case SLK_PROCESSOR_DONE:
    case SLK_PROCESSOR_CANCELLED:
        break;
    }
    return err;
}

static slk_err_t call(slk_attempt_t *attempt, slk_processor_t *processor, const char *stage,
                      json_t *task, json_t **output, bool *healthy, slk_diag_t *diag)
{
    slk_wjob_t *job = attempt->job;
    slk_processor_result_t result = {0};
    json_error_t error;
    slk_err_t err;
    char *text = json_dumps(task, JSON_COMPACT);
    if (!text)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory for the task", stage);
    if (!slk_processor_pid(processor))
        SLK_TRY(slk_processor_start(processor, diag));
    slk_worker_lock(attempt->w);
    job->pid = slk_processor_pid(processor);
    slk_worker_unlock(attempt->w);
    slk_processor_call_t what = {.task = text,
                                 .task_len = strlen(text),
                                 .progress = see_progress,
                                 .progress_ctx = job,
                                 .cancel = &job->cancel};
    err = slk_processor_call(processor, &what, &result, diag);
    *healthy = result.end == SLK_PROCESSOR_DONE || result.end == SLK_PROCESSOR_REFUSED;
    if (err != SLK_OK) {
        err = failed(attempt, &result, stage, err);
        goto out;
    }
    *output = json_loadb(result.output, result.output_len, JSON_DECODE_ANY, &error);
    if (!*output)
        err = slk_attempt_fail(
            attempt, SLK_FAILURE_PERMANENT,
            slk_fail(diag, SLK_ERR_FORMAT, "%s: its output: %s", stage, error.text));
out:
    slk_worker_lock(attempt->w);
    job->pid = 0;
    job->in_processor = false;
    slk_worker_unlock(attempt->w);
    slk_processor_result_fini(&result);
    free(text);
    return err;
}

slk_err_t slk_attempt_call(slk_attempt_t *attempt, const char *stage, json_t *task, json_t **output,
                           slk_diag_t *diag)
{
    slk_worker_t *w = attempt->w;
    slk_core_share_t *share = malloc(sizeof *share);
    bool healthy = false;
    slk_err_t err = SLK_OK;
    *output = NULL;
    if (!share || !task) {
        free(share);
        json_decref(task);
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory for the task", stage);
    }
    slk_attempt_stage(attempt, stage);
    /* A window proof waits behind nobody: it may run on all CPUs, whoever else does. */
    bool urgent = attempt->job->task == SLK_TASK_WDP;
    slk_cores_take(share, &w->cores, urgent ? 0 : (unsigned)attempt->job->a.threads);
    slk_worker_lock(w);
    snprintf(attempt->job->cpus, sizeof attempt->job->cpus, "%.127s", share->text);
    slk_worker_unlock(w);
    slk_processor_t *processor = take_idle(w, stage, share->text);
    if (!processor) {
        err = make(&processor, w, stage, share->text, diag);
        if (err != SLK_OK)
            (void)slk_attempt_fail(attempt, SLK_FAILURE_PERMANENT, err);
    }
    if (err == SLK_OK)
        err = call(attempt, processor, stage, task, output, &healthy, diag);
    if (processor && healthy)
        put_idle(w, processor, stage, share->text);
    else
        slk_processor_free(processor);
    slk_cores_give(share, &w->cores);
    free(share);
    json_decref(task);
    return err;
}
