#include "manager/sim_simulated.h"

#include "codec/base64.h"
#include "manager/seal/pieces.h"

/* Workers with their disks. One takes what it is given at its next beat, works for a drawn time,
 * keeps what came of it until the manager has heard it, and lets go of what nobody wants any
 * more. */

#define MINUTE INT64_C(60000)

static const struct {
    int64_t least, most;
} durations[SLK_TASK_CNT] = {
    [SLK_TASK_AP] = {2 * MINUTE, 8 * MINUTE},    [SLK_TASK_PC1] = {120 * MINUTE, 180 * MINUTE},
    [SLK_TASK_PC2] = {10 * MINUTE, 25 * MINUTE}, [SLK_TASK_C1] = {MINUTE / 4, MINUTE},
    [SLK_TASK_C2] = {15 * MINUTE, 40 * MINUTE},  [SLK_TASK_FIN] = {MINUTE / 4, 2 * MINUTE},
    [SLK_TASK_GET] = {3 * MINUTE, 15 * MINUTE},  [SLK_TASK_RM] = {1000, MINUTE / 2},
};

static int index_of(const sim_t *sim, const sim_worker_t *worker)
{
    return (int)(worker - sim->workers);
}

bool sim_reachable(const sim_worker_t *worker)
{
    return !worker->dead && !worker->cut_off;
}

void sim_stir(sim_t *sim, sim_worker_t *worker)
{
    if (worker->beat_ms == SIM_NEVER)
        worker->beat_ms = sim->now_ms + sim_between(sim, 0, SIM_BEAT_MS);
}

/* --- Disks ---------------------------------------------------------------------------------- */

static uint64_t space(slk_file_types_t type, slk_space_t table)
{
    return slk_file_space(type, SIM_SECTOR_SZ, table);
}

static uint64_t available(const sim_store_t *store)
{
    const uint64_t taken = store->used + store->foreign + store->reserved;
    return taken < store->capacity ? store->capacity - taken : 0;
}

sim_file_t *sim_file(sim_row_t *row, slk_file_types_t type, uint32_t store)
{
    for (size_t i = 0; i < row->file_cnt; i++)
        if (row->files[i].type == type && row->files[i].store == store)
            return &row->files[i];
    return NULL;
}

void sim_file_put(sim_t *sim, sim_row_t *row, slk_file_types_t type, uint32_t store, uint64_t bytes)
{
    sim_file_t *file = sim_file(row, type, store);
    if (!file) {
        assert_true(row->file_cnt < SIM_FILES_MAX);
        file = &row->files[row->file_cnt++];
        *file = (sim_file_t){.type = type, .store = store};
    }
    sim->stores[store].used += bytes - file->bytes;
    file->bytes = bytes;
    sim_stir(sim, &sim->workers[sim->stores[store].worker]);
}

void sim_file_drop(sim_t *sim, sim_row_t *row, slk_file_types_t type, uint32_t store)
{
    sim_file_t *file = sim_file(row, type, store);
    if (!file)
        return;
    sim->stores[store].used -= file->bytes;
    *file = row->files[--row->file_cnt];
    sim_stir(sim, &sim->workers[sim->stores[store].worker]);
}

/* --- A job at a worker ---------------------------------------------------------------------- */

static void draw_outcome(sim_t *sim, sim_run_t *run)
{
    const sim_trouble_t *t = &sim->trouble;
    run->fails = sim_chance(sim, t->fail);
    run->failure = sim_draw(sim, 2) ? SLK_FAILURE_TEMPORARY : SLK_FAILURE_RESTARTED;
    if (sim_chance(sim, t->bad_input)) {
        run->fails = run->damages = true;
        run->failure = SLK_FAILURE_INPUT;
    } else if (sim_chance(sim, t->permanent)) {
        run->fails = run->damages = true;
        run->failure = SLK_FAILURE_PERMANENT;
    } else if (sim_chance(sim, t->wrong_result)) {
        run->wrong = true;
    }
    run->leaves_part = sim_draw(sim, 2);
}

sim_run_t *sim_run_begin(sim_t *sim, size_t job, int at)
{
    sim_worker_t *worker = &sim->workers[at];
    const slk_task_t task = sim->jobs[job].view.task;
    sim_run_t *run = worker->runs;
    while (run < worker->runs + SIM_RUNS_MAX && run->active)
        run++;
    SIM_CHECK(sim, sim->jobs[job].view.number, run < worker->runs + SIM_RUNS_MAX,
              "%s has %d jobs at a time", worker->id, SIM_RUNS_MAX);
    *run = (sim_run_t){.active = true, .job = job, .lease = sim->jobs[job].view.lease};
    run->begins_ms = sim->now_ms + sim_between(sim, 0, SIM_BEAT_MS);
    run->work_ms = sim_between(sim, durations[task].least, durations[task].most) *
                   (int64_t)worker->slowness / 100;
    run->ends_ms = run->begins_ms + run->work_ms;
    draw_outcome(sim, run);
    return run;
}

static void give_space_back(sim_t *sim, sim_run_t *run)
{
    for (unsigned i = 0; run->heard && i < run->plan_cnt; i++) {
        sim->stores[run->plans[i].store].reserved -= run->plans[i].reserve;
        run->plans[i].reserve = 0;
    }
}

static void let_go(sim_t *sim, sim_worker_t *worker, sim_run_t *run)
{
    give_space_back(sim, run);
    *run = (sim_run_t){.active = false};
    sim_stir(sim, worker);
    sim->sched_due = true;
}

/* The worker has its order: from now on its disks have the space taken off. */
static void hear(sim_t *sim, sim_run_t *run)
{
    run->heard = true;
    for (unsigned i = 0; i < run->plan_cnt; i++)
        sim->stores[run->plans[i].store].reserved += run->plans[i].reserve;
    for (unsigned i = 0; i < run->plan_cnt; i++) {
        const uint32_t from = run->source[i];
        if (run->plans[i].use != SLK_SCHED_FETCH ||
            sim_reachable(&sim->workers[sim->stores[from].worker]))
            continue;
        run->fails = true;
        run->damages = false;
        run->failure = SLK_FAILURE_TEMPORARY;
    }
}

/* Bytes that a type has when this task is done with it. */
static uint64_t bytes_after(slk_task_t task, slk_file_types_t type)
{
    if (task == SLK_TASK_FIN || task == SLK_TASK_GET)
        return space(type, SLK_SPACE_FINALIZED);
    /* PC1: eleven layers and TreeD, and what will be the replica. */
    if (task == SLK_TASK_PC1 && type == SLK_FT_CACHE)
        return UINT64_C(12) * SIM_SECTOR_SZ;
    return space(type, SLK_SPACE_SEALING);
}

/* Its disk is full because others wrote to it: no promise of ours was broken. */
static bool is_full(sim_t *sim, sim_run_t *run)
{
    const sim_job_t *job = &sim->jobs[run->job];
    for (unsigned i = 0; i < run->plan_cnt; i++) {
        const sim_store_t *store = &sim->stores[run->plans[i].store];
        if (run->plans[i].use == SLK_SCHED_EXISTING && !run->plans[i].reserve)
            continue;
        if (store->used + store->foreign + store->reserved <= store->capacity)
            continue;
        SIM_CHECK(sim, job->view.number, store->foreign_ms >= job->view.started_ms - SIM_HOUR_MS,
                  "%s: space of %s was promised twice: %" PRIu64 " used, %" PRIu64
                  " of others, %" PRIu64 " reserved of %" PRIu64,
                  job->view.key, store->id, store->used, store->foreign, store->reserved,
                  store->capacity);
        return true;
    }
    return false;
}

static void remove_types(sim_t *sim, sim_row_t *row, const sim_worker_t *worker,
                         slk_file_types_t types)
{
    for (size_t f = row->file_cnt; f-- > 0;)
        if (types & row->files[f].type &&
            sim->stores[row->files[f].store].worker == (uint32_t)index_of(sim, worker))
            sim_file_drop(sim, row, row->files[f].type, row->files[f].store);
}

static slk_file_types_t types_of(const json_t *names)
{
    slk_file_types_t types = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        types |= slk_file_type_from_name(name, strlen(name));
    }
    return types;
}

static void remove_files(sim_t *sim, sim_row_t *row, const json_t *files)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *type = json_string_value(json_object_get(file, "Type"));
        const char *store = json_string_value(json_object_get(file, "Store"));
        for (uint32_t s = 0; s < sim->store_cnt; s++)
            if (!strcmp(sim->stores[s].id, store))
                sim_file_drop(sim, row, slk_file_type_from_name(type, strlen(type)), s);
    }
}

/* What the run leaves on the disks, and where the index has it afterwards. */
static void leave_files(sim_t *sim, sim_worker_t *worker, const sim_run_t *run, bool part)
{
    const sim_job_t *job = &sim->jobs[run->job];
    sim_row_t *row = &sim->rows[job->view.number];
    const slk_task_t task = job->view.task;
    for (unsigned i = 0; i < run->plan_cnt; i++) {
        const slk_sched_plan_t *p = &run->plans[i];
        const sim_file_t *from = p->use == SLK_SCHED_FETCH ? sim_file(row, p->type, run->source[i])
                                                           : sim_file(row, p->type, p->store);
        uint64_t bytes = from ? from->bytes : 0;
        const uint64_t grown = bytes_after(task, p->type);
        if (part && p->use != SLK_SCHED_MAKE)
            continue;
        if (p->use == SLK_SCHED_MAKE || slk_task_files[task].grows & p->type)
            bytes = part ? grown / 4 : grown > bytes ? grown : bytes;
        if (p->use == SLK_SCHED_FETCH && p->move)
            sim_file_drop(sim, row, p->type, run->source[i]);
        sim_file_put(sim, row, p->type, p->store, bytes);
    }
    if (task == SLK_TASK_RM) {
        remove_types(sim, row, worker, types_of(json_object_get(job->params, "Types")));
        remove_files(sim, row, json_object_get(job->params, "Files"));
    }
    if (task != SLK_TASK_FIN)
        return;
    for (size_t f = 0; f < row->file_cnt; f++)
        if (sim->stores[row->files[f].store].worker == (uint32_t)index_of(sim, worker) &&
            row->files[f].bytes > space(row->files[f].type, SLK_SPACE_FINALIZED))
            sim_file_put(sim, row, row->files[f].type, row->files[f].store,
                         space(row->files[f].type, SLK_SPACE_FINALIZED));
    if (!json_is_true(json_object_get(job->params, "KeepUnsealed")))
        remove_types(sim, row, worker, SLK_FT_UNSEALED);
}

/* --- Results -------------------------------------------------------------------------------- */

static slk_node_t param(const sim_job_t *job, const char *name)
{
    slk_node_t node = {{0}};
    const char *hex = json_string_value(json_object_get(job->params, name));
    assert_true(hex && slk_hex_decode(node.b, sizeof node.b, hex));
    return node;
}

static json_t *proof_result(const sim_job_t *job, bool wrong)
{
    const slk_node_t ticket = param(job, "Ticket"), seed = param(job, "Seed"),
                     comm_d = param(job, "CommD"), comm_r = param(job, "CommR");
    uint8_t proof[SIM_PROOF_SZ];
    char text[SLK_BASE64_LEN(SIM_PROOF_SZ) + 1];
    sim_proof_make(proof, &ticket, &seed, &comm_d, &comm_r, job->view.number);
    proof[7] ^= wrong;
    slk_base64_encode(text, proof, sizeof proof);
    return json_pack("{s:s}", "Proof", text);
}

static json_t *pieces_result(const sim_job_t *job, bool wrong)
{
    json_t *all = json_array();
    json_array_extend(all, json_object_get(job->params, "Existing"));
    if (!wrong)
        json_array_extend(all, json_object_get(job->params, "Add"));
    return json_pack("{s:o}", "Pieces", all);
}

static json_t *commitments_result(const sim_row_t *row, const sim_job_t *job, bool wrong)
{
    const slk_node_t ticket = param(job, "Ticket");
    const slk_node_t comm_r = sim_node_of("comm_r", job->view.number, slk_load_le64(ticket.b), 0);
    slk_node_t comm_d;
    slk_diag_t diag;
    assert_ok(slk_sector_comm_d(&comm_d, &row->info.pieces, SIM_SECTOR_SZ, &diag), diag);
    comm_d.b[3] ^= wrong;
    return job->view.task == SLK_TASK_PC1
               ? json_pack("{s:s, s:s}", "CommD", slk_node_hex(&comm_d).s, "Out", "{\"labels\":1}")
               : json_pack("{s:s, s:s}", "CommD", slk_node_hex(&comm_d).s, "CommR",
                           slk_node_hex(&comm_r).s);
}

static json_t *result_of(sim_t *sim, const sim_run_t *run)
{
    const sim_job_t *job = &sim->jobs[run->job];
    const sim_row_t *row = &sim->rows[job->view.number];
    const slk_task_t task = job->view.task;
    return task == SLK_TASK_AP                            ? pieces_result(job, run->wrong)
           : task == SLK_TASK_PC1 || task == SLK_TASK_PC2 ? commitments_result(row, job, run->wrong)
           : task == SLK_TASK_C2                          ? proof_result(job, run->wrong)
                                                          : json_object();
}

static void tell_done(sim_t *sim, sim_worker_t *worker, sim_run_t *run)
{
    const int at = index_of(sim, worker);
    sim_row_t *row = &sim->rows[sim->jobs[run->job].view.number];
    const slk_taken_t taken =
        sim_job_done(sim, run->job, at, run->lease, result_of(sim, run), run->work_ms);
    sim->counts.refused_results += taken == SLK_TAKEN_NOT;
    if (taken != SLK_TAKEN_NOW)
        return;
    if (run->wrong) /* CommD of PC2 as well says that its input was wrong */
        sim_spoil(row, sim->jobs[run->job].view.task, SLK_FAILURE_INPUT);
    leave_files(sim, worker, run, false);
}

static void tell_failed(sim_t *sim, sim_worker_t *worker, sim_run_t *run)
{
    sim_row_t *row = &sim->rows[sim->jobs[run->job].view.number];
    const slk_taken_t taken =
        sim_job_failed(sim, run->job, index_of(sim, worker), run->lease, run->failure);
    sim->counts.refused_results += taken == SLK_TAKEN_NOT;
    if (taken != SLK_TAKEN_NOW)
        return;
    if (run->damages)
        sim_spoil(row, sim->jobs[run->job].view.task, run->failure);
    if (run->leaves_part && run->failure != SLK_FAILURE_NO_SPACE)
        leave_files(sim, worker, run, true);
}

/* What came of it is told until it is heard; an answer that is lost makes it be told again. */
static void tell(sim_t *sim, sim_worker_t *worker, sim_run_t *run)
{
    if (!run->fails && !run->over && is_full(sim, run)) {
        run->fails = true;
        run->failure = SLK_FAILURE_NO_SPACE;
    }
    run->over = true;
    give_space_back(sim, run);
    if (run->fails)
        tell_failed(sim, worker, run);
    else
        tell_done(sim, worker, run);
    if (!sim_chance(sim, sim->trouble.no_answer))
        let_go(sim, worker, run);
    else
        run->ends_ms = sim->now_ms + SIM_BEAT_MS;
}

/* --- Beats ---------------------------------------------------------------------------------- */

static bool is_wanted(const sim_t *sim, const sim_worker_t *worker, const sim_run_t *run)
{
    const sim_job_t *job = &sim->jobs[run->job];
    return job->worker == index_of(sim, worker) && job->view.lease == run->lease &&
           (job->view.state == SLK_JOB_QUEUED || job->view.state == SLK_JOB_RUNNING);
}

static void beat(sim_t *sim, sim_worker_t *worker)
{
    worker->beat_ms = SIM_NEVER;
    for (size_t i = 0; i < SIM_RUNS_MAX; i++) {
        sim_run_t *run = &worker->runs[i];
        if (run->active && run->heard && !is_wanted(sim, worker, run))
            let_go(sim, worker, run);
    }
    for (uint32_t s = 0; s < sim->store_cnt; s++)
        if (sim->stores[s].worker == (uint32_t)index_of(sim, worker)) {
            sim->stores[s].reported = available(&sim->stores[s]);
            sim->stores[s].held = 0;
        }
    for (size_t i = 0; i < SIM_RUNS_MAX; i++)
        if (worker->runs[i].active && worker->runs[i].heard &&
            is_wanted(sim, worker, &worker->runs[i]))
            sim->jobs[worker->runs[i].job].heard = true;
    sim->sched_due = true;
}

/* Heard of again: it names what it has; what it does not name any more is lost. */
static void comes_back(sim_t *sim, sim_worker_t *worker)
{
    const int at = index_of(sim, worker);
    worker->silent_ms = SIM_NEVER;
    worker->alive = true;
    for (size_t i = 0; i < SIM_RUNS_MAX; i++) {
        sim_run_t *run = &worker->runs[i];
        if (run->active && run->heard)
            sim_job_continue(sim, run->job, at, run->lease);
        else if (run->active) /* the order never reached it */
            let_go(sim, worker, run);
    }
    for (size_t j = sim->job_open; j < sim->job_cnt; j++) {
        bool named = false;
        for (size_t i = 0; i < SIM_RUNS_MAX; i++)
            named |= worker->runs[i].active && worker->runs[i].job == j &&
                     worker->runs[i].lease == sim->jobs[j].view.lease;
        if (sim->jobs[j].view.state == SLK_JOB_RUNNING && sim->jobs[j].worker == at && !named)
            sim_job_failed(sim, j, at, sim->jobs[j].view.lease, SLK_FAILURE_RESTARTED);
    }
    beat(sim, worker);
}

void sim_leases(sim_t *sim)
{
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        sim_worker_t *worker = &sim->workers[w];
        if (!worker->alive || worker->silent_ms == SIM_NEVER ||
            sim->now_ms < worker->silent_ms + SIM_LEASE_MS)
            continue;
        worker->alive = false;
        sim->sched_due = true;
        for (size_t j = sim->job_open; j < sim->job_cnt; j++)
            if (sim->jobs[j].view.state == SLK_JOB_RUNNING && sim->jobs[j].worker == (int)w)
                sim_job_lost(sim, j);
    }
}

void sim_workers(sim_t *sim)
{
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        sim_worker_t *worker = &sim->workers[w];
        if (worker->back_ms <= sim->now_ms) {
            worker->back_ms = SIM_NEVER;
            worker->dead = worker->cut_off = false;
            if (worker->silent_ms == SIM_NEVER)
                worker->silent_ms = sim->now_ms;
        }
        if (!sim_reachable(worker) || sim->down)
            continue;
        if (worker->silent_ms != SIM_NEVER)
            comes_back(sim, worker);
        for (size_t i = 0; i < SIM_RUNS_MAX; i++) {
            sim_run_t *run = &worker->runs[i];
            if (run->active && !run->heard && run->begins_ms <= sim->now_ms) {
                if (!is_wanted(sim, worker, run)) {
                    let_go(sim, worker, run);
                    continue;
                }
                hear(sim, run);
                sim_stir(sim, worker);
            }
            if (run->active && run->heard && run->ends_ms <= sim->now_ms)
                tell(sim, worker, run);
        }
        if (worker->beat_ms <= sim->now_ms)
            beat(sim, worker);
    }
}

int64_t sim_workers_next(const sim_t *sim)
{
    int64_t next = SIM_NEVER;
#define EARLIER(ms) next = (ms) < next ? (ms) : next
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        const sim_worker_t *worker = &sim->workers[w];
        EARLIER(worker->back_ms);
        if (sim->down)
            continue;
        if (worker->alive && worker->silent_ms != SIM_NEVER)
            EARLIER(worker->silent_ms + SIM_LEASE_MS);
        if (!sim_reachable(worker))
            continue;
        EARLIER(worker->beat_ms);
        for (size_t i = 0; i < SIM_RUNS_MAX; i++)
            if (worker->runs[i].active)
                EARLIER(worker->runs[i].heard ? worker->runs[i].ends_ms
                                              : worker->runs[i].begins_ms);
    }
#undef EARLIER
    return next;
}

/* --- Trouble -------------------------------------------------------------------------------- */

static void dies(sim_t *sim, sim_worker_t *worker)
{
    worker->dead = true;
    for (size_t i = 0; i < SIM_RUNS_MAX; i++)
        if (worker->runs[i].active)
            let_go(sim, worker, &worker->runs[i]);
}

/* A worker dies or is cut off, for minutes or hours; it is silent from now on. */
static void trouble_worker(sim_t *sim)
{
    sim_worker_t *worker = &sim->workers[sim_draw(sim, sim->worker_cnt)];
    if (!sim_reachable(worker))
        return;
    worker->silent_ms = sim->now_ms;
    worker->back_ms =
        sim->now_ms + (sim_draw(sim, 3) ? sim_between(sim, 5000, 10 * MINUTE)
                                        : sim_between(sim, SIM_HOUR_MS, 8 * SIM_HOUR_MS));
    if (sim_draw(sim, 2))
        dies(sim, worker);
    else
        worker->cut_off = true;
}

/* Other programs fill a disk, or free it. */
static void trouble_disk(sim_t *sim)
{
    sim_store_t *store = &sim->stores[sim_draw(sim, sim->store_cnt)];
    const uint64_t room = store->capacity - store->used;
    const uint64_t foreign = store->foreign ? 0 : sim_draw(sim, room + 1);
    if (foreign > store->foreign)
        store->foreign_ms = sim->now_ms;
    store->foreign = foreign;
    sim_stir(sim, &sim->workers[store->worker]);
}

static void trouble_pause(sim_t *sim)
{
    sim_worker_t *worker = &sim->workers[sim_draw(sim, sim->worker_cnt)];
    bool *const what[] = {&worker->paused, &worker->draining, &worker->leaving};
    if (worker->paused || worker->draining || worker->leaving)
        worker->paused = worker->draining = worker->leaving = false;
    else
        *what[sim_draw(sim, SLK_COUNT(what))] = true;
    sim->sched_due = true;
}

static void happen(sim_t *sim, int64_t *next_ms, int64_t hours, void (*what)(sim_t *sim))
{
    if (!hours || sim->now_ms < *next_ms)
        return;
    if (*next_ms)
        what(sim);
    *next_ms = sim->now_ms + sim_between(sim, 1, 2 * hours * SIM_HOUR_MS);
}

void sim_workers_trouble(sim_t *sim)
{
    happen(sim, &sim->next_worker_ms, sim->trouble.worker_hours, trouble_worker);
    happen(sim, &sim->next_disk_ms, sim->trouble.disk_hours, trouble_disk);
    happen(sim, &sim->next_pause_ms, sim->trouble.pause_hours, trouble_pause);
}

void sim_workers_heal(sim_t *sim)
{
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        sim_worker_t *worker = &sim->workers[w];
        worker->paused = worker->draining = worker->leaving = false;
        if (!sim_reachable(worker))
            worker->back_ms = sim->now_ms;
        sim_stir(sim, worker);
    }
    for (uint32_t s = 0; s < sim->store_cnt; s++)
        sim->stores[s].foreign = 0;
    sim->sched_due = true;
}

/* --- Beginning ------------------------------------------------------------------------------ */

static void add_store(sim_t *sim, uint32_t worker, bool seal, uint64_t sectors)
{
    sim_store_t *store = &sim->stores[sim->store_cnt++];
    const slk_file_types_t all = SLK_FT_UNSEALED | SLK_FT_SEALED | SLK_FT_CACHE;
    *store = (sim_store_t){.worker = worker,
                           .can_seal = seal,
                           .can_store = !seal,
                           .can_final = !seal,
                           .capacity = sectors *
                                       space(all, seal ? SLK_SPACE_SEALING : SLK_SPACE_FINALIZED)};
    snprintf(store->id, sizeof store->id, "p%u", (unsigned)(sim->store_cnt - 1));
    store->reported = store->capacity;
}

void sim_workers_begin(sim_t *sim)
{
    sim->worker_cnt = (uint32_t)sim_between(sim, 3, SIM_WORKERS_MAX - 1);
    for (uint32_t w = 0; w < sim->worker_cnt; w++) {
        sim_worker_t *worker = &sim->workers[w];
        *worker = (sim_worker_t){.slowness = (unsigned)sim_between(sim, 60, 180),
                                 .cores = (uint32_t)sim_between(sim, 8, 32),
                                 .memory = UINT64_C(64) << 30,
                                 .back_ms = SIM_NEVER,
                                 .alive = true,
                                 .silent_ms = SIM_NEVER,
                                 .beat_ms = SIM_NEVER};
        snprintf(worker->id, sizeof worker->id, "w%u", (unsigned)w);
        for (unsigned t = 0; t < SLK_TASK_CNT; t++)
            worker->limit[t] = (uint32_t)sim_between(sim, 1, 3);
        worker->limit[SLK_TASK_PC1] = (uint32_t)sim_between(sim, 3, 6);
        add_store(sim, w, true, (uint64_t)sim_between(sim, 2, 12));
        if (w < 2)
            add_store(sim, w, false, sim->lives + 10);
    }
    sim->tell_bytes = sim_draw(sim, 2);
}
