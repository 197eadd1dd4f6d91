#include "manager/seal/decide_impl.h"
#include "manager/seal/text.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 5000, RETRY_MAX_MS = 300000, RETRY_DOUBLINGS = 6, DEALS_FIRST = 1024 };

/* What a failure of a job says about its sector. */
static const enum {
    ANOTHER_TRY,
    INPUT_BAD,
    FOR_GOOD
} meaning[SLK_FAILURE_CNT] = {
    [SLK_FAILURE_TEMPORARY] = ANOTHER_TRY, [SLK_FAILURE_NO_SPACE] = ANOTHER_TRY,
    [SLK_FAILURE_RESTARTED] = ANOTHER_TRY, [SLK_FAILURE_LOST] = ANOTHER_TRY,
    [SLK_FAILURE_INPUT] = INPUT_BAD,       [SLK_FAILURE_PERMANENT] = FOR_GOOD,
    [SLK_FAILURE_CANCELLED] = FOR_GOOD,
};

/* --- Keys and tries ------------------------------------------------------------------------ */

/* "t01000-5/12/PC1", later tries "t01000-5/12/PC1.2". */
static void job_key(char key[SLK_JOB_KEY_MAX + 1], const slk_turn_t *t, slk_task_t task,
                    const char *suffix, uint64_t visit, unsigned tries)
{
    char more[16] = "";
    if (tries != SLK_TURN_FIRST)
        snprintf(more, sizeof more, ".%u", tries + 1);
    const int len =
        snprintf(key, SLK_JOB_KEY_MAX + 1, "t0%" PRIu64 "-%" PRIu64 "/%" PRIu64 "/%s%s%s%s",
                 t->sector->miner, t->sector->sector_number, visit, slk_tasks[task].name,
                 suffix ? "-" : "", suffix ? suffix : "", more);
    SLK_ASSERT(len > 0 && len <= SLK_JOB_KEY_MAX);
}

static bool find(slk_turn_t *t, const char *key, slk_job_view_t *view)
{
    bool there;
    *view = (slk_job_view_t){.state = SLK_JOB_NONE};
    const bool ok = slk_turn_look(t, t->ops->job(t->ctx, key, view, &t->said), &there);
    if (ok && !there)
        view->state = SLK_JOB_NONE;
    return ok;
}

static void drop(slk_job_view_t *view)
{
    json_decref(view->result);
    view->result = NULL;
}

/* Is there such a try? Tries follow each other without gaps. */
static bool is_there(slk_turn_t *t, slk_task_t task, const char *suffix, uint64_t visit,
                     unsigned tries, bool *there)
{
    char key[SLK_JOB_KEY_MAX + 1];
    slk_job_view_t view;
    job_key(key, t, task, suffix, visit, tries);
    if (!find(t, key, &view))
        return false;
    *there = view.state != SLK_JOB_NONE;
    drop(&view);
    return true;
}

bool slk_turn_last_try(slk_turn_t *t, slk_task_t task, const char *suffix, uint64_t visit,
                       unsigned *tries, slk_job_view_t *view)
{
    /* Doubling, then halving: a job that was tried for a week has thousands. */
    unsigned low = 0, high = 1;
    char key[SLK_JOB_KEY_MAX + 1];
    bool there = true;
    while (there) {
        if (!is_there(t, task, suffix, visit, high, &there))
            return false;
        if (there) {
            low = high;
            high *= 2;
        }
    }
    while (high - low > 1) {
        const unsigned mid = low + (high - low) / 2;
        if (!is_there(t, task, suffix, visit, mid, &there))
            return false;
        *(there ? &low : &high) = mid;
    }
    *tries = low;
    job_key(key, t, task, suffix, visit, low);
    if (!find(t, key, view))
        return false;
    if (view->result && json_array_append_new(t->results, view->result) != 0) {
        slk_turn_no_memory(t);
        return false;
    }
    return true;
}

/* --- Time ---------------------------------------------------------------------------------- */

bool slk_turn_typical(slk_turn_t *t, slk_task_t task, int64_t *ms)
{
    bool known;
    *ms = 0;
    if (!slk_turn_look(t, t->ops->typical(t->ctx, task, t->sector->sector_type, ms, &t->said),
                       &known))
        return false;
    if (!known)
        *ms = 0;
    return true;
}

bool slk_turn_least(slk_turn_t *t, slk_task_t task, int64_t *ms)
{
    const bool ok = slk_turn_typical(t, task, ms);
    *ms /= 2;
    return ok;
}

bool slk_turn_can_make(slk_turn_t *t, slk_task_t task, int64_t least_ms, int64_t deadline_ms,
                       bool *can)
{
    unsigned tries;
    slk_job_view_t view;
    int64_t begin = t->world->now_ms;
    *can = true;
    if (!slk_turn_last_try(t, task, NULL, t->sector->visit, &tries, &view))
        return false;
    if (view.state == SLK_JOB_DONE)
        return true;
    if (view.state == SLK_JOB_RUNNING)
        begin = view.started_ms;
    const int64_t end = begin + least_ms > t->world->now_ms ? begin + least_ms : t->world->now_ms;
    *can = end <= deadline_ms;
    if (!*can)
        slk_fail(&t->said, SLK_ERR_TIMEOUT,
                 "%s had to be done by %s, and takes %s here even at twice the usual speed",
                 slk_tasks[task].name, slk_time_text(deadline_ms, t->world->now_ms).s,
                 slk_span_text(least_ms).s);
    return true;
}

/* --- One job ------------------------------------------------------------------------------- */

/* That this try is there and waited for. */
static void want(slk_turn_t *t, slk_turn_job_t *job, unsigned tries, int64_t not_before_ms)
{
    char key[SLK_JOB_KEY_MAX + 1];
    slk_decision_t *out = t->out;
    job_key(key, t, job->task, job->suffix, t->sector->visit, tries);
    if (!job->params) {
        slk_turn_no_memory(t);
        return;
    }
    out->kind = SLK_DECIDE_JOB;
    out->job = (slk_job_want_t){
        .key = slk_arena_text(t->arena, key, strlen(key)),
        .miner = t->sector->miner,
        .number = t->sector->sector_number,
        .task = job->task,
        .seal_proof = t->sector->sector_type,
        .params = job->params,
        .priority = slk_sector_data_cnt(&t->sector->pieces) ? DEALS_FIRST : 0,
        .deadline_ms = job->deadline_ms,
        .not_before_ms = not_before_ms,
        .only_worker = job->only_worker,
    };
    job->params = NULL;
    if (!out->job.key)
        slk_turn_no_memory(t);
    snprintf(out->why, sizeof out->why, "%s is wanted", slk_tasks[job->task].name);
}

static int64_t retry_pause(unsigned tries)
{
    const int64_t ms = (int64_t)RETRY_MS << (tries < RETRY_DOUBLINGS ? tries : RETRY_DOUBLINGS);
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static void try_again(slk_turn_t *t, slk_turn_job_t *job, unsigned tries,
                      const slk_job_view_t *view)
{
    const int64_t not_before = view->ended_ms + retry_pause(tries);
    want(t, job, tries + 1, not_before);
    snprintf(t->out->why, sizeof t->out->why, "%s is tried again (%u), not before %s: %.300s",
             slk_tasks[job->task].name, tries + 2, slk_time_text(not_before, t->world->now_ms).s,
             view->error);
}

static void failed(slk_turn_t *t, slk_turn_job_t *job, unsigned tries, const slk_job_view_t *view)
{
    if (meaning[view->failure] == ANOTHER_TRY)
        try_again(t, job, tries, view);
    else if (meaning[view->failure] == INPUT_BAD)
        slk_turn_event(t, job->on_input, "%s found its input damaged: %.400s",
                       slk_tasks[job->task].name, view->error);
    else
        slk_turn_event(t, job->failed, "%s failed (%s): %.400s", slk_tasks[job->task].name,
                       slk_failure_name(view->failure), view->error);
}

static void tell_queued(slk_turn_t *t, slk_task_t task, const slk_job_view_t *view)
{
    snprintf(t->out->why, sizeof t->out->why, "%s waits for a worker%s%.400s", slk_tasks[task].name,
             *view->error ? ": " : "", view->error);
}

static void tell_running(slk_turn_t *t, slk_task_t task, const slk_job_view_t *view)
{
    char progress[96] = "", end[80] = "";
    int64_t typical;
    if (!slk_turn_typical(t, task, &typical))
        return;
    const int64_t since = t->world->now_ms - view->started_ms, left = typical - since;
    if (view->total && view->done <= view->total)
        snprintf(progress, sizeof progress, ", %s%s%.0f %%", view->stage, *view->stage ? " " : "",
                 100.0 * (double)view->done / (double)view->total);
    else if (*view->stage)
        snprintf(progress, sizeof progress, ", %s", view->stage);
    if (left > 0)
        snprintf(end, sizeof end, "; done in about %s", slk_span_text(left).s);
    else if (typical)
        snprintf(end, sizeof end, "; usually it takes %s", slk_span_text(typical).s);
    snprintf(t->out->why, sizeof t->out->why, "%s runs on worker %s since %s%s%s",
             slk_tasks[task].name, view->worker, slk_span_text(since).s, progress, end);
}

bool slk_turn_job(slk_turn_t *t, slk_turn_job_t *job, slk_job_view_t *view)
{
    unsigned tries;
    bool done = false;
    if (!slk_turn_last_try(t, job->task, job->suffix, t->sector->visit, &tries, view))
        goto out;
    switch (view->state) {
    case SLK_JOB_NONE:
        want(t, job, tries, 0);
        break;
    case SLK_JOB_QUEUED:
        want(t, job, tries, 0);
        tell_queued(t, job->task, view);
        break;
    case SLK_JOB_RUNNING:
        want(t, job, tries, 0);
        tell_running(t, job->task, view);
        break;
    case SLK_JOB_DONE:
        done = true;
        break;
    case SLK_JOB_FAILED:
        failed(t, job, tries, view);
        break;
    case SLK_JOB_DROPPED:
        want(t, job, tries + 1, 0);
        break;
    case SLK_JOB_STATE_CNT:
        SLK_ASSERT(!"a job has a state");
    }
out:
    json_decref(job->params);
    job->params = NULL;
    return done && t->err == SLK_OK;
}

/* --- Results ------------------------------------------------------------------------------- */

const char *slk_job_result_text(const slk_job_view_t *view, const char *name)
{
    return json_string_value(json_object_get(view->result, name));
}

bool slk_job_result_node(const slk_job_view_t *view, const char *name, slk_node_t *out)
{
    const char *hex = slk_job_result_text(view, name);
    return hex && strlen(hex) == 2 * sizeof out->b && slk_hex_decode(out->b, sizeof out->b, hex);
}
