/* Calls, and what a processor is made of. */
#include "base/assert.h"
#include "worker/isolation.h"
#include "worker/processor_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100 /* how often a waiting call looks whether it is cancelled */

/* --- A processor ---------------------------------------------------------------------------- */

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static void free_parts(slk_processor_t *p)
{
    free((char *)p->kind.stage);
    free((char *)p->kind.cgroup);
    free((char *)p->kind.cgroup_cpus);
    free((char *)p->kind.numa_node);
    free_list(p->argv);
    free_list(p->env);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p);
}

static size_t list_len(const char *const *list)
{
    size_t cnt = 0;
    while (list && list[cnt])
        cnt++;
    return cnt;
}

/* A copy of two lists of texts, one behind the other; NULL: no memory. */
static char **copy_lists(const char *const *first, const char *const *second)
{
    size_t cnt = 0, first_cnt = list_len(first), all = first_cnt + list_len(second);
    char **out = calloc(all + 1, sizeof *out);
    for (; out && cnt < all; cnt++) {
        out[cnt] = strdup(cnt < first_cnt ? first[cnt] : second[cnt - first_cnt]);
        if (!out[cnt]) {
            free_list(out);
            return NULL;
        }
    }
    return out;
}

static slk_err_t check_kind(slk_processor_t *p, const slk_processor_kind_t *kind, slk_diag_t *diag)
{
    slk_err_t err;
    cpu_set_t unused;
    SLK_ASSERT(kind->stage);
    p->has_cpus = kind->cpus != NULL;
    if (kind->cpus)
        SLK_TRY(slk_cpu_list_parse(&p->cpus, kind->cpus, "cpus", diag));
    if (kind->cgroup && !kind->cgroup_cpus)
        return slk_fail(diag, SLK_ERR_INPUT, "processor %s: cgroup %.200s: give its CPUs, too",
                        kind->stage, kind->cgroup);
    if (kind->cgroup_cpus)
        SLK_TRY(slk_cpu_list_parse(&unused, kind->cgroup_cpus, "cgroup_cpus", diag));
    err = slk_find_program(p->path, kind->program ? kind->program : "/proc/self/exe", diag);
out:
    return err;
}

static void set_default(double *value, double preset)
{
    if (*value <= 0)
        *value = preset;
}

slk_err_t slk_processor_new(slk_processor_t **out, const slk_processor_kind_t *kind,
                            slk_diag_t *diag)
{
    static atomic_uint made;
    const char *const name[] = {kind->program ? kind->program : "selkie", NULL};
    const char *const preset[] = {"processor", kind->stage, NULL};
    pthread_condattr_t attr;
    slk_processor_t *p = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    slk_err_t err = check_kind(p, kind, diag);
    p->kind = *kind;
    p->kind.stage = copy(kind->stage);
    p->kind.cgroup = copy(kind->cgroup);
    p->kind.cgroup_cpus = copy(kind->cgroup_cpus);
    p->kind.numa_node = copy(kind->numa_node);
    p->kind.program = p->kind.cpus = NULL;
    p->argv = copy_lists(name, kind->args ? kind->args : preset);
    p->env = copy_lists(kind->clear_env ? NULL : (const char *const *)environ, kind->envs);
    p->kind.args = p->kind.envs = NULL;
    p->index = atomic_fetch_add(&made, 1);
    if (!p->kind.concurrent)
        p->kind.concurrent = 1;
    set_default(&p->kind.ready_seconds, 30);
    set_default(&p->kind.quiet_seconds, 120);
    set_default(&p->kind.grace_seconds, 60);
    if (err == SLK_OK && (!p->kind.stage || !p->argv || !p->env ||
                          (kind->cgroup && (!p->kind.cgroup || !p->kind.cgroup_cpus)) ||
                          (kind->numa_node && !p->kind.numa_node)))
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    if (err != SLK_OK) {
        free_parts(p);
        return err;
    }
    *out = p;
    return SLK_OK;
}

void slk_processor_free(slk_processor_t *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    SLK_ASSERT(!p->calls);
    if (p->child)
        slk_child_stop(p->child, SLK_PROCESSOR_CANCELLED, p->kind.grace_seconds, "was ended");
    while (p->threads)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
    free_parts(p);
}

int slk_processor_pid(slk_processor_t *p)
{
    pthread_mutex_lock(&p->lock);
    int pid = p->child && p->child->state == SLK_CHILD_READY ? (int)p->child->proc.pid : 0;
    pthread_mutex_unlock(&p->lock);
    return pid;
}

/* --- Calls ---------------------------------------------------------------------------------- */

static bool is_cancelled(const slk_processor_call_t *call)
{
    return call && call->cancel && atomic_load_explicit(call->cancel, memory_order_relaxed);
}

static void wait_a_bit(slk_processor_t *p)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&p->changed, &p->lock, &until);
}

static slk_err_t say_cancelled(const slk_processor_t *p, slk_pending_t *pending)
{
    pending->result.end = SLK_PROCESSOR_CANCELLED;
    return slk_fail(&pending->diag, SLK_ERR_CANCELLED, "%s: cancelled", p->kind.stage);
}

/* A child that takes calls, and a place in it. */
static slk_err_t join_child(slk_processor_t *p, const slk_processor_call_t *call,
                            slk_pending_t *pending)
{
    while ((!pending->only_start && p->calls >= p->kind.concurrent) ||
           (p->child && p->child->state == SLK_CHILD_ENDING)) {
        if (is_cancelled(call))
            return say_cancelled(p, pending);
        wait_a_bit(p);
    }
    slk_err_t err = p->child ? SLK_OK : slk_child_start(p, &pending->diag);
    if (err != SLK_OK)
        return err;
    slk_child_t *child = p->child;
    if (pending->only_start && child->state == SLK_CHILD_READY) {
        pending->done = true;
        return SLK_OK;
    }
    size_t queued = child->queue.len;
    pending->id = ++p->next_id;
    if (call)
        slk_processor_put_request(&child->queue, pending->id, call->task, call->task_len);
    if (child->queue.failed) {
        child->queue.failed = false;
        child->queue.len = queued;
        return slk_fail(&pending->diag, SLK_ERR_NOMEM, "no memory for a task of %zu bytes",
                        call->task_len);
    }
    pending->began = pending->changed = slk_clock_seconds();
    if (!child->pending)
        child->last_byte = pending->began;
    pending->next = child->pending;
    child->pending = pending;
    p->calls += !pending->only_start;
    slk_child_wake(child);
    return SLK_OK;
}

/* Nobody waits for this one any more. */
static void drop(slk_processor_t *p, slk_pending_t *pending)
{
    slk_pending_t **at = &p->child->pending;
    while (*at != pending)
        at = &(*at)->next;
    *at = pending->next;
    p->child->dropped++;
    pending->done = true;
    pending->err = say_cancelled(p, pending);
    if (!p->child->pending)
        slk_child_stop(p->child, SLK_PROCESSOR_CANCELLED, p->kind.grace_seconds,
                       "was ended because its task was cancelled");
}

/* The first time that the caller's flag is seen. */
static void ask_to_stop(slk_processor_t *p, slk_pending_t *pending)
{
    slk_child_t *child = p->child;
    pending->cancelled = slk_clock_seconds();
    if (child->state == SLK_CHILD_ENDING)
        return;
    if (child->ours && child->state == SLK_CHILD_READY)
        slk_processor_put_cancel(&child->queue, pending->id);
    else if (!pending->next && child->pending == pending)
        slk_child_stop(child, SLK_PROCESSOR_CANCELLED, p->kind.grace_seconds,
                       "was ended because its task was cancelled");
    else
        drop(p, pending);
    slk_child_wake(child);
}

static void wait_done(slk_processor_t *p, const slk_processor_call_t *call, slk_pending_t *pending)
{
    uint64_t shown = 0;
    while (!pending->done) {
        if (!pending->cancelled && is_cancelled(call)) {
            ask_to_stop(p, pending);
            continue;
        }
        if (call && call->progress && pending->views != shown) {
            slk_progress_view_t view = pending->view;
            shown = pending->views;
            pthread_mutex_unlock(&p->lock);
            call->progress(call->progress_ctx, &view);
            pthread_mutex_lock(&p->lock);
            continue;
        }
        wait_a_bit(p);
    }
}

static slk_err_t do_call(slk_processor_t *p, const slk_processor_call_t *call,
                         slk_processor_result_t *result, slk_diag_t *diag)
{
    slk_pending_t pending = {.only_start = !call, .result.end = SLK_PROCESSOR_NOT_STARTED};
    pthread_mutex_lock(&p->lock);
    slk_err_t err = join_child(p, call, &pending);
    if (err == SLK_OK) {
        wait_done(p, call, &pending);
        err = pending.err;
        p->calls -= !pending.only_start;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    *result = pending.result;
    if (err != SLK_OK && diag)
        *diag = pending.diag;
    return err;
}

slk_err_t slk_processor_start(slk_processor_t *p, slk_diag_t *diag)
{
    slk_processor_result_t result;
    slk_err_t err = do_call(p, NULL, &result, diag);
    slk_processor_result_fini(&result);
    return err;
}

slk_err_t slk_processor_call(slk_processor_t *p, const slk_processor_call_t *call,
                             slk_processor_result_t *result, slk_diag_t *diag)
{
    slk_span_t task;
    *result = (slk_processor_result_t){.end = SLK_PROCESSOR_NOT_STARTED};
    slk_err_t err = slk_span_value(&task, call->task, call->task_len, diag);
    if (err != SLK_OK || *task.at != '{')
        return slk_fail(diag, SLK_ERR_INPUT, "%s: the task is no JSON object", p->kind.stage);
    if (task.len > SLK_PROCESSOR_LINE_MAX - 64)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: the task has %zu bytes, a line at most %u",
                        p->kind.stage, task.len, SLK_PROCESSOR_LINE_MAX);
    return do_call(p, call, result, diag);
}

void slk_processor_result_fini(slk_processor_result_t *result)
{
    free(result->output);
    free(result->stderr_tail);
    result->output = result->stderr_tail = NULL;
}
