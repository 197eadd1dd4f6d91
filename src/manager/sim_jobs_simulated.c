#include "manager/sim_simulated.h"

/* The table of jobs, as manager/job/job_store.h says it behaves: keys for ever, fencing by
 * leases, the store's own table of tries and pauses. */

/* --- Keys ----------------------------------------------------------------------------------- */

static size_t slot_of(const sim_t *sim, const char *key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *c = key; *c; c++)
        h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    size_t i = (size_t)(h ^ h >> 29) & (sim->job_slot_cnt - 1);
    while (sim->job_slots[i] && strcmp(sim->jobs[sim->job_slots[i] - 1].view.key, key) != 0)
        i = (i + 1) & (sim->job_slot_cnt - 1);
    return i;
}

uint32_t sim_job_find(const sim_t *sim, const char *key)
{
    return sim->job_slot_cnt ? sim->job_slots[slot_of(sim, key)] - 1 : UINT32_MAX;
}

static void grow(sim_t *sim)
{
    if (sim->job_cnt == sim->job_cap) {
        sim->job_cap = sim->job_cap ? 2 * sim->job_cap : 256;
        sim->jobs = realloc(sim->jobs, sim->job_cap * sizeof *sim->jobs);
        assert_non_null(sim->jobs);
    }
    if (2 * sim->job_cnt < sim->job_slot_cnt)
        return;
    free(sim->job_slots);
    sim->job_slot_cnt = sim->job_slot_cnt ? 2 * sim->job_slot_cnt : 1024;
    sim->job_slots = calloc(sim->job_slot_cnt, sizeof *sim->job_slots);
    assert_non_null(sim->job_slots);
    for (size_t i = 0; i < sim->job_cnt; i++)
        sim->job_slots[slot_of(sim, sim->jobs[i].view.key)] = (uint32_t)i + 1;
}

/* --- Wanting -------------------------------------------------------------------------------- */

/* PC1 is hours: it begins anew only where there is a reason to. */
static void check_pc1(sim_t *sim, const slk_job_want_t *want)
{
    sim_row_t *row = &sim->rows[want->number];
    if (want->task != SLK_TASK_PC1)
        return;
    SIM_CHECK(sim, want->number, row->pc1_may_begin || strstr(want->key, "PC1."),
              "PC1 is begun again without a reason: %s", want->key);
    row->pc1_may_begin = false;
    row->pc2_failures = row->c2_failures = 0;
}

void sim_spoil(sim_row_t *row, slk_task_t task, slk_failure_t failure)
{
    enum { PC2_TRIES = 4, C2_TRIES = 2 };
    row->pc2_failures += task == SLK_TASK_PC2;
    row->c2_failures += task == SLK_TASK_C1 || task == SLK_TASK_C2;
    if (task == SLK_TASK_PC1 || (task == SLK_TASK_PC2 && failure == SLK_FAILURE_INPUT) ||
        row->pc2_failures >= PC2_TRIES || row->c2_failures >= C2_TRIES)
        row->pc1_may_begin = true;
}

void sim_job_add(sim_t *sim, const slk_job_want_t *want)
{
    const uint32_t found = sim_job_find(sim, want->key);
    if (found != UINT32_MAX) {
        const sim_job_t *job = &sim->jobs[found];
        SIM_CHECK(sim, want->number, job->view.task == want->task,
                  "%s is there already and is something else", want->key);
        SIM_CHECK(sim, want->number,
                  job->view.state == SLK_JOB_QUEUED || job->view.state == SLK_JOB_RUNNING,
                  "it waits for %s, which is %s", want->key, slk_job_state_name(job->view.state));
        return;
    }
    check_pc1(sim, want);
    for (size_t i = sim->job_open; i < sim->job_cnt; i++) {
        const slk_job_view_t *v = &sim->jobs[i].view;
        SIM_CHECK(sim, want->number,
                  v->number != want->number || v->task != want->task || v->task == SLK_TASK_RM ||
                      (v->state != SLK_JOB_QUEUED && v->state != SLK_JOB_RUNNING),
                  "%s and %s are wanted at the same time", v->key, want->key);
    }
    grow(sim);
    sim_job_t *job = &sim->jobs[sim->job_cnt++];
    *job = (sim_job_t){.view = {.id = (int64_t)sim->job_cnt,
                                .state = SLK_JOB_QUEUED,
                                .miner = want->miner,
                                .number = want->number,
                                .task = want->task,
                                .seal_proof = want->seal_proof,
                                .priority = want->priority,
                                .deadline_ms = want->deadline_ms,
                                .not_before_ms = want->not_before_ms,
                                .created_ms = sim->now_ms},
                       .params = json_incref(want->params),
                       .worker = SIM_NO_WORKER};
    snprintf(job->view.key, sizeof job->view.key, "%s", want->key);
    if (want->only_worker)
        snprintf(job->only_worker, sizeof job->only_worker, "%.7s", want->only_worker);
    sim->job_slots[slot_of(sim, want->key)] = (uint32_t)sim->job_cnt;
    sim->counts.jobs++;
    sim->sched_due = true;
}

static bool is_open(const sim_job_t *job)
{
    return job->view.state == SLK_JOB_QUEUED || job->view.state == SLK_JOB_RUNNING;
}

/* What its worker has not yet told to be taken stays promised until it tells. */
static void release(sim_t *sim, sim_job_t *job)
{
    for (unsigned i = 0; i < job->promise_cnt && !job->heard; i++)
        sim->stores[job->promises[i].store].held += job->promises[i].bytes;
    job->promise_cnt = 0;
    job->heard = false;
}

void sim_job_drop_all(sim_t *sim, uint64_t number)
{
    while (sim->job_open < sim->job_cnt && !is_open(&sim->jobs[sim->job_open]))
        sim->job_open++;
    for (size_t i = sim->job_open; i < sim->job_cnt; i++) {
        sim_job_t *job = &sim->jobs[i];
        if (job->view.number != number || !is_open(job))
            continue;
        if (job->view.state == SLK_JOB_RUNNING)
            sim_stir(sim, &sim->workers[job->worker]);
        job->view.state = SLK_JOB_DROPPED;
        job->view.ended_ms = sim->now_ms;
        release(sim, job);
        sim->sched_due = true;
    }
}

/* --- Leases --------------------------------------------------------------------------------- */

void sim_job_assign(sim_t *sim, size_t at, int worker)
{
    sim_job_t *job = &sim->jobs[at];
    SIM_CHECK(sim, job->view.number, job->view.state == SLK_JOB_QUEUED, "%s is given out while %s",
              job->view.key, slk_job_state_name(job->view.state));
    job->view.state = SLK_JOB_RUNNING;
    job->view.started_ms = sim->now_ms;
    job->view.lease++;
    job->view.tries++;
    job->worker = worker;
    job->heard = false;
    snprintf(job->view.worker, sizeof job->view.worker, "%s", sim->workers[worker].id);
    snprintf(job->view.worker_id, sizeof job->view.worker_id, "%s", sim->workers[worker].id);
    sim->counts.tries++;
}

static bool holds(const sim_job_t *job, int worker, int64_t lease)
{
    return job->worker == worker && job->view.lease == lease;
}

slk_taken_t sim_job_continue(sim_t *sim, size_t at, int worker, int64_t lease)
{
    sim_job_t *job = &sim->jobs[at];
    if (!holds(job, worker, lease) || !is_open(job))
        return SLK_TAKEN_NOT;
    if (job->view.state == SLK_JOB_RUNNING)
        return SLK_TAKEN_BEFORE;
    job->view.state = SLK_JOB_RUNNING;
    sim->sched_due = true;
    return SLK_TAKEN_NOW;
}

static void measure(sim_t *sim, const sim_job_t *job, int64_t work_ms)
{
    const slk_task_t task = job->view.task;
    slk_diag_t diag;
    sim->measured[task][sim->measured_cnt[task]++ % 32] = work_ms;
    assert_ok(
        slk_eta_add(sim->eta, task, SIM_SECTOR_SZ, sim->workers[job->worker].id, work_ms, &diag),
        diag);
}

slk_taken_t sim_job_done(sim_t *sim, size_t at, int worker, int64_t lease, json_t *result,
                         int64_t work_ms)
{
    sim_job_t *job = &sim->jobs[at];
    slk_taken_t taken = SLK_TAKEN_NOT;
    if (holds(job, worker, lease))
        taken = is_open(job)                      ? SLK_TAKEN_NOW
                : job->view.state == SLK_JOB_DONE ? SLK_TAKEN_BEFORE
                                                  : SLK_TAKEN_NOT;
    if (taken != SLK_TAKEN_NOW) {
        json_decref(result);
        return taken;
    }
    job->view.state = SLK_JOB_DONE;
    job->view.result = result;
    job->view.ended_ms = sim->now_ms;
    measure(sim, job, work_ms);
    release(sim, job);
    sim_wake_job(sim, job);
    sim->sched_due = true;
    return taken;
}

static void end_failed(sim_t *sim, sim_job_t *job, slk_failure_t failure, const char *why)
{
    job->view.state = SLK_JOB_FAILED;
    job->view.failure = failure;
    job->view.ended_ms = sim->now_ms;
    snprintf(job->view.error, sizeof job->view.error, "simulated: %s", why);
    release(sim, job);
    sim_wake_job(sim, job);
    sim->sched_due = true;
}

static void end_try(sim_t *sim, sim_job_t *job, slk_failure_t failure)
{
    const slk_job_retry_t *retry = &slk_job_retries[failure];
    const unsigned cnt = ++job->fails[failure];
    int64_t pause = retry->pause_ms;
    if (retry->tries && cnt >= retry->tries) {
        end_failed(sim, job, failure, slk_failure_name(failure));
        return;
    }
    for (unsigned i = 1; i < cnt && pause < retry->pause_max_ms; i++)
        pause *= 2;
    job->view.state = SLK_JOB_QUEUED;
    job->view.failure = failure;
    job->view.not_before_ms =
        sim->now_ms + (pause < retry->pause_max_ms ? pause : retry->pause_max_ms);
    if (failure != SLK_FAILURE_LOST)
        job->worker = SIM_NO_WORKER;
    release(sim, job);
    sim->sched_due = true;
}

slk_taken_t sim_job_failed(sim_t *sim, size_t at, int worker, int64_t lease, slk_failure_t failure)
{
    sim_job_t *job = &sim->jobs[at];
    if (!holds(job, worker, lease))
        return SLK_TAKEN_NOT;
    if (!is_open(job))
        return job->view.state == SLK_JOB_FAILED ? SLK_TAKEN_BEFORE : SLK_TAKEN_NOT;
    end_try(sim, job, failure);
    return SLK_TAKEN_NOW;
}

void sim_job_lost(sim_t *sim, size_t at)
{
    if (sim->jobs[at].view.state != SLK_JOB_RUNNING)
        return;
    sim->counts.lost_leases++;
    end_try(sim, &sim->jobs[at], SLK_FAILURE_LOST);
}

void sim_job_abort(sim_t *sim, size_t at, const char *why)
{
    if (!is_open(&sim->jobs[at]))
        return;
    if (sim->jobs[at].view.state == SLK_JOB_RUNNING)
        sim_stir(sim, &sim->workers[sim->jobs[at].worker]);
    end_failed(sim, &sim->jobs[at], SLK_FAILURE_CANCELLED, why);
}

/* --- Durations ------------------------------------------------------------------------------ */

int64_t sim_typical(const sim_t *sim, slk_task_t task)
{
    int64_t sorted[32];
    const size_t cnt = sim->measured_cnt[task] < 32 ? sim->measured_cnt[task] : 32;
    for (size_t i = 0; i < cnt; i++) {
        size_t at = i;
        for (; at && sorted[at - 1] > sim->measured[task][i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = sim->measured[task][i];
    }
    return cnt ? sorted[cnt / 2] : 0;
}
