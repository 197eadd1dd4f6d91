#include "manager/sim_simulated.h"

/* Snapshots for the real scheduler, and that its answer keeps its promises. */

enum { JOBS_MAX = 4 * SIM_LIVES_MAX, RUNNING_MAX = SIM_WORKERS_MAX * SIM_RUNS_MAX };

typedef struct {
    slk_sched_snapshot_t in;
    slk_sched_worker_t workers[SIM_WORKERS_MAX];
    slk_sched_store_t stores[SIM_STORES_MAX];
    slk_sched_mount_t mounts[SIM_STORES_MAX];
    slk_sched_running_t running[RUNNING_MAX];
    slk_sched_job_t jobs[JOBS_MAX];
    slk_sched_file_t files[JOBS_MAX * 8];
    size_t of[JOBS_MAX]; /* rows of the table */
} snap_t;

/* --- Snapshot ------------------------------------------------------------------------------- */

static void snap_workers(snap_t *s, const sim_t *sim)
{
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        const sim_worker_t *worker = &sim->workers[w];
        s->workers[w] = (slk_sched_worker_t){.id = worker->id,
                                             .name = worker->id,
                                             .alive = worker->alive,
                                             .paused = worker->paused,
                                             .draining = worker->draining,
                                             .leaving = worker->leaving,
                                             .cores = worker->cores,
                                             .memory = worker->memory};
        memcpy(s->workers[w].limit, worker->limit, sizeof worker->limit);
    }
    for (uint32_t i = 0; i < sim->store_cnt; i++) {
        const sim_store_t *store = &sim->stores[i];
        s->stores[i] = (slk_sched_store_t){.id = store->id,
                                           .weight = 10,
                                           .available = store->reported,
                                           .promised = store->held,
                                           .can_seal = store->can_seal,
                                           .can_store = store->can_store,
                                           .can_final = store->can_final,
                                           .healthy = sim->workers[store->worker].alive};
        s->mounts[i] = (slk_sched_mount_t){store->worker, i, "http://w:1/remote"};
    }
}

static void add_running(snap_t *s, const sim_job_t *job, uint32_t worker)
{
    s->running[s->in.running_cnt++] = (slk_sched_running_t){.id = job->view.id,
                                                            .worker = worker,
                                                            .task = job->view.task,
                                                            .miner = SIM_MINER,
                                                            .number = job->view.number,
                                                            .sector_sz = SIM_SECTOR_SZ,
                                                            .started_ms = job->view.started_ms};
}

/* Those that a worker has: also ones that nobody wants any more, until it has let go of them. */
static void snap_running(snap_t *s, const sim_t *sim)
{
    for (size_t j = sim->job_open; j < sim->job_cnt; j++) {
        const sim_job_t *job = &sim->jobs[j];
        if (job->view.state != SLK_JOB_RUNNING)
            continue;
        add_running(s, job, (uint32_t)job->worker);
        for (unsigned p = 0; p < job->promise_cnt && !job->heard; p++)
            s->stores[job->promises[p].store].promised += job->promises[p].bytes;
    }
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        const sim_worker_t *worker = &sim->workers[w];
        for (size_t r = 0; worker->alive && r < SIM_RUNS_MAX; r++) {
            const sim_run_t *run = &worker->runs[r];
            const sim_job_t *job = &sim->jobs[run->job];
            if (run->active && run->heard && job->view.state > SLK_JOB_RUNNING &&
                job->view.lease == run->lease)
                add_running(s, job, w);
        }
    }
}

static void snap_jobs(snap_t *s, const sim_t *sim)
{
    for (size_t j = sim->job_open; j < sim->job_cnt && s->in.job_cnt < JOBS_MAX; j++) {
        const sim_job_t *job = &sim->jobs[j];
        const sim_row_t *row = &sim->rows[job->view.number];
        if (job->view.state != SLK_JOB_QUEUED)
            continue;
        s->of[s->in.job_cnt] = j;
        s->jobs[s->in.job_cnt++] =
            (slk_sched_job_t){.id = job->view.id,
                              .task = job->view.task,
                              .miner = SIM_MINER,
                              .number = job->view.number,
                              .sector_sz = SIM_SECTOR_SZ,
                              .priority = job->view.priority,
                              .created_ms = job->view.created_ms,
                              .deadline_ms = job->view.deadline_ms,
                              .not_before_ms = job->view.not_before_ms,
                              .only_worker = *job->only_worker ? job->only_worker : NULL,
                              .first_file = s->in.file_cnt,
                              .file_cnt = row->file_cnt};
        for (size_t f = 0; f < row->file_cnt; f++)
            s->files[s->in.file_cnt++] =
                (slk_sched_file_t){.type = row->files[f].type,
                                   .store = row->files[f].store,
                                   .bytes = sim->tell_bytes ? row->files[f].bytes : 0};
    }
}

static void snap_make(snap_t *s, const sim_t *sim)
{
    s->in = (slk_sched_snapshot_t){.now_ms = sim->now_ms,
                                   .eta = sim->eta,
                                   .workers = s->workers,
                                   .stores = s->stores,
                                   .mounts = s->mounts,
                                   .running = s->running,
                                   .jobs = s->jobs,
                                   .files = s->files,
                                   .miners = sim->served,
                                   .worker_cnt = sim->worker_cnt,
                                   .store_cnt = sim->store_cnt,
                                   .mount_cnt = sim->store_cnt,
                                   .miner_cnt = sim->served_cnt};
    snap_workers(s, sim);
    snap_running(s, sim);
    snap_jobs(s, sim);
}

/* --- Promises ------------------------------------------------------------------------------- */

static bool has_files(const sim_t *sim, const sim_row_t *row, const sim_worker_t *worker)
{
    bool has = false;
    for (size_t f = 0; f < row->file_cnt; f++)
        has |= &sim->workers[sim->stores[row->files[f].store].worker] == worker;
    return has;
}

static void check_worker(sim_t *sim, const sim_job_t *job, const sim_worker_t *worker)
{
    const bool finishes = *job->only_worker || has_files(sim, &sim->rows[job->view.number], worker);
    SIM_CHECK(sim, job->view.number,
              worker->alive && !worker->paused && !worker->leaving &&
                  (!worker->draining || finishes),
              "%s is given to %s, which is %s", job->view.key, worker->id,
              worker->paused     ? "paused"
              : worker->leaving  ? "leaving"
              : worker->draining ? "draining"
                                 : "dead");
    SIM_CHECK(sim, job->view.number, !*job->only_worker || !strcmp(job->only_worker, worker->id),
              "%s is for %s and is given to %s", job->view.key, job->only_worker, worker->id);
    SIM_CHECK(sim, job->view.number, sim->now_ms >= job->view.not_before_ms,
              "%s is given out too early", job->view.key);
}

/* A limit of the worker, and one job at a time with the files of a sector. */
static void check_others(sim_t *sim, const sim_job_t *job, int at)
{
    uint32_t same = 0;
    for (size_t j = sim->job_open; j < sim->job_cnt; j++) {
        const sim_job_t *other = &sim->jobs[j];
        if (other == job || other->view.state != SLK_JOB_RUNNING)
            continue;
        same += other->worker == at && other->view.task == job->view.task;
        SIM_CHECK(sim, job->view.number,
                  other->view.number != job->view.number || other->view.task == SLK_TASK_C2 ||
                      job->view.task == SLK_TASK_C2,
                  "%s and %s have the same files", job->view.key, other->view.key);
    }
    SIM_CHECK(sim, job->view.number, same < sim->workers[at].limit[job->view.task],
              "%s is one more than %s takes", job->view.key, sim->workers[at].id);
}

/* What is promised of a path was free when its worker reported last. */
static void check_space(sim_t *sim, const snap_t *s, const slk_sched_result_t *r)
{
    uint64_t promised[SIM_STORES_MAX] = {0};
    for (size_t i = 0; i < r->plan_cnt; i++)
        promised[r->plans[i].store] += r->plans[i].reserve;
    for (uint32_t i = 0; i < sim->store_cnt; i++)
        SIM_CHECK(sim, UINT64_MAX,
                  !promised[i] || promised[i] + s->stores[i].promised <= s->stores[i].available,
                  "%s has %" PRIu64 " free, and %" PRIu64 " + %" PRIu64 " are promised",
                  s->stores[i].id, s->stores[i].available, s->stores[i].promised, promised[i]);
}

static void give(sim_t *sim, const snap_t *s, const slk_sched_result_t *r,
                 const slk_sched_assignment_t *a)
{
    const size_t at = s->of[a->job];
    sim_job_t *job = &sim->jobs[at];
    check_worker(sim, job, &sim->workers[a->worker]);
    check_others(sim, job, (int)a->worker);
    sim_job_assign(sim, at, (int)a->worker);
    sim_run_t *run = sim_run_begin(sim, at, (int)a->worker);
    for (uint32_t i = 0; i < a->plan_cnt; i++) {
        const slk_sched_plan_t *p = &r->plans[a->first_plan + i];
        run->plans[run->plan_cnt] = *p;
        run->source[run->plan_cnt++] = p->from != SLK_SCHED_NONE ? p->from
                                       : p->source_cnt
                                           ? s->mounts[r->sources[p->first_source]].store
                                           : p->store;
        job->promises[job->promise_cnt].store = p->store;
        job->promises[job->promise_cnt++].bytes = p->reserve;
    }
    sim->counts.assignments++;
}

/* --- A round -------------------------------------------------------------------------------- */

static void look_again(sim_t *sim, const snap_t *s)
{
    sim->sched_ms = s->in.job_cnt ? sim->now_ms + 10 * SIM_HOUR_MS / 60 : SIM_NEVER;
    for (size_t i = 0; i < s->in.job_cnt; i++)
        if (s->jobs[i].not_before_ms > sim->now_ms && s->jobs[i].not_before_ms < sim->sched_ms)
            sim->sched_ms = s->jobs[i].not_before_ms;
}

void sim_schedule(sim_t *sim)
{
    static snap_t s;
    slk_sched_result_t r = {0};
    slk_diag_t diag;
    if (!sim->sched_due && sim->now_ms < sim->sched_ms)
        return;
    sim->sched_due = false;
    snap_make(&s, sim);
    look_again(sim, &s);
    if (!s.in.job_cnt || sim_dies(sim))
        return;
    assert_ok(slk_sched_decide(&r, &s.in, &diag), diag);
    sim->counts.rounds++;
    check_space(sim, &s, &r);
    if (sim_dies(sim)) {
        slk_sched_free(&r);
        return;
    }
    for (size_t i = 0; i < r.assignment_cnt; i++)
        give(sim, &s, &r, &r.assignments[i]);
    for (size_t i = 0; i < s.in.job_cnt; i++) {
        if (r.explains[i].why != SLK_SCHED_HOPELESS)
            continue;
        /* Want of workers is no reason to begin PC1 again but with a new ticket. */
        sim_row_t *row = &sim->rows[s.jobs[i].number];
        if (s.jobs[i].task != SLK_TASK_PC1 || row->pre_commits || row->with_piece)
            sim_spoil(row, s.jobs[i].task, SLK_FAILURE_CANCELLED);
        sim_job_abort(sim, s.of[i], "it cannot be in time any more");
    }
    sim->served_cnt = r.miner_cnt < SLK_COUNT(sim->served) ? r.miner_cnt : 0;
    memcpy(sim->served, r.miners, sim->served_cnt * sizeof *r.miners);
    slk_sched_free(&r);
}
