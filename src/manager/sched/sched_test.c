#include "manager/sched/sched_test.h"

#include "test_util.h"

void test_snap_init(test_snap_t *snap)
{
    *snap = (test_snap_t){.in = {.now_ms = TEST_NOW}};
}

void *test_snap_keep(test_snap_t *snap, size_t size)
{
    void **more = realloc(snap->owned, (snap->owned_cnt + 1) * sizeof(*more));
    assert_non_null(more);
    snap->owned = more;
    void *at = calloc(1, size ? size : 1);
    assert_non_null(at);
    snap->owned[snap->owned_cnt++] = at;
    return at;
}

void test_snap_free(test_snap_t *snap)
{
    for (size_t i = 0; i < snap->owned_cnt; i++)
        free(snap->owned[i]);
    free(snap->owned);
    free(snap->workers);
    free(snap->stores);
    free(snap->mounts);
    free(snap->running);
    free(snap->jobs);
    free(snap->files);
    free(snap->miners);
    *snap = (test_snap_t){.owned_cnt = 0};
}

/* One element more; capacities are powers of two. */
static void *push(void *array, size_t *cnt, size_t size, const void **view)
{
    if (!(*cnt & (*cnt - 1)))
        array = realloc(array, (*cnt ? *cnt * 2 : 1) * size);
    assert_non_null(array);
    memset((char *)array + *cnt * size, 0, size);
    ++*cnt;
    *view = array;
    return array;
}

#define PUSH(snap, name, cnt)                                                                      \
    ((snap)->name = push((snap)->name, &(snap)->in.cnt, sizeof(*(snap)->name),                     \
                         (const void **)&(snap)->in.name),                                         \
     &(snap)->name[(snap)->in.cnt - 1])

uint32_t test_worker(test_snap_t *snap, const char *name, uint32_t cores, uint64_t memory)
{
    slk_sched_worker_t *worker = PUSH(snap, workers, worker_cnt);
    worker->id = worker->name = strcpy(test_snap_keep(snap, strlen(name) + 1), name);
    worker->alive = true;
    worker->cores = cores;
    worker->memory = memory;
    for (unsigned t = 0; t < SLK_TASK_CNT; t++)
        worker->limit[t] = 100;
    return (uint32_t)snap->in.worker_cnt - 1;
}

uint32_t test_store(test_snap_t *snap, const char *id, uint64_t available)
{
    slk_sched_store_t *store = PUSH(snap, stores, store_cnt);
    store->id = strcpy(test_snap_keep(snap, strlen(id) + 1), id);
    store->weight = 10;
    store->available = available;
    store->can_seal = true;
    store->healthy = true;
    return (uint32_t)snap->in.store_cnt - 1;
}

uint32_t test_mount(test_snap_t *snap, uint32_t worker, uint32_t store)
{
    *PUSH(snap, mounts, mount_cnt) = (slk_sched_mount_t){worker, store, "http://w:1/remote"};
    return (uint32_t)snap->in.mount_cnt - 1;
}

uint32_t test_run(test_snap_t *snap, int64_t id, uint32_t worker, slk_task_t task,
                  uint64_t sector_sz)
{
    *PUSH(snap, running, running_cnt) = (slk_sched_running_t){.id = id,
                                                              .worker = worker,
                                                              .task = task,
                                                              .miner = 1000,
                                                              .number = 1000000 + (uint64_t)id,
                                                              .sector_sz = sector_sz,
                                                              .started_ms = TEST_NOW - TEST_MINUTE};
    return (uint32_t)snap->in.running_cnt - 1;
}

uint32_t test_job(test_snap_t *snap, slk_task_t task, uint64_t miner, uint64_t number)
{
    slk_sched_job_t *job = PUSH(snap, jobs, job_cnt);
    *job = (slk_sched_job_t){.id = (int64_t)snap->in.job_cnt + 100,
                             .task = task,
                             .miner = miner,
                             .number = number,
                             .sector_sz = 2048,
                             .created_ms = TEST_NOW - 1000,
                             .first_file = snap->in.file_cnt};
    return (uint32_t)snap->in.job_cnt - 1;
}

void test_file(test_snap_t *snap, slk_file_types_t type, uint32_t store)
{
    *PUSH(snap, files, file_cnt) = (slk_sched_file_t){.type = type, .store = store};
    snap->jobs[snap->in.job_cnt - 1].file_cnt++;
}

void test_miner(test_snap_t *snap, uint64_t miner, uint32_t weight, uint64_t served)
{
    *PUSH(snap, miners, miner_cnt) = (slk_sched_miner_t){miner, weight, served};
}

uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

const slk_sched_assignment_t *test_assignment(const slk_sched_result_t *result, uint32_t job)
{
    for (size_t i = 0; i < result->assignment_cnt; i++) {
        if (result->assignments[i].job == job)
            return &result->assignments[i];
    }
    return NULL;
}

uint32_t test_where(const slk_sched_result_t *result, uint32_t job)
{
    const slk_sched_assignment_t *to = test_assignment(result, job);
    return to ? to->worker : SLK_SCHED_NONE;
}

const slk_sched_plan_t *test_plan(const slk_sched_result_t *result, uint32_t job,
                                  slk_file_types_t type)
{
    const slk_sched_assignment_t *to = test_assignment(result, job);
    for (uint32_t i = 0; to && i < to->plan_cnt; i++) {
        if (result->plans[to->first_plan + i].type == type)
            return &result->plans[to->first_plan + i];
    }
    return NULL;
}

/* --- The promises ---------------------------------------------------------------------------- */

static bool lists(const uint64_t *list, size_t cnt, uint64_t value)
{
    for (size_t i = 0; i < cnt; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

static bool mounted(const slk_sched_snapshot_t *in, uint32_t worker, uint32_t store)
{
    for (size_t i = 0; i < in->mount_cnt; i++) {
        if (in->mounts[i].worker == worker && in->mounts[i].store == store)
            return true;
    }
    return false;
}

static bool holds(const slk_sched_snapshot_t *in, const slk_sched_job_t *job, slk_file_types_t type,
                  uint32_t store)
{
    for (size_t i = 0; i < job->file_cnt; i++) {
        const slk_sched_file_t *file = &in->files[job->first_file + i];
        if (file->type == type && file->store == store)
            return true;
    }
    return false;
}

static bool may_go(const slk_sched_store_t *from, const slk_sched_store_t *to)
{
    for (size_t a = 0; a < from->allow_to_cnt; a++) {
        for (size_t g = 0; g < to->group_cnt; g++) {
            if (!strcmp(from->allow_to[a], to->groups[g]))
                return true;
        }
    }
    return !from->allow_to_cnt;
}

static bool rests_only_in_final(const slk_sched_snapshot_t *in)
{
    for (size_t i = 0; i < in->store_cnt; i++) {
        if (in->stores[i].can_final)
            return true;
    }
    return false;
}

static void check_fetch(const slk_sched_snapshot_t *in, const slk_sched_result_t *result,
                        const slk_sched_job_t *job, uint32_t worker, const slk_sched_plan_t *plan)
{
    bool allowed = false;
    if (plan->from != SLK_SCHED_NONE) {
        assert_true(mounted(in, worker, plan->from));
        assert_true(holds(in, job, plan->type, plan->from));
        assert_int_not_equal(plan->from, plan->store);
    } else {
        assert_true(plan->source_cnt > 0);
    }
    for (uint32_t i = 0; i < plan->source_cnt; i++) {
        const slk_sched_mount_t *mount = &in->mounts[result->sources[plan->first_source + i]];
        assert_true(in->workers[mount->worker].alive && in->stores[mount->store].healthy);
        assert_int_not_equal(mount->worker, worker);
        assert_true(holds(in, job, plan->type, mount->store));
        if (plan->move)
            assert_false(in->stores[mount->store].can_final);
    }
    for (size_t i = 0; i < job->file_cnt; i++) {
        const slk_sched_file_t *file = &in->files[job->first_file + i];
        allowed |=
            file->type == plan->type && may_go(&in->stores[file->store], &in->stores[plan->store]);
    }
    assert_true(allowed);
}

static void check_plan(const slk_sched_snapshot_t *in, const slk_sched_result_t *result,
                       const slk_sched_job_t *job, uint32_t worker, const slk_sched_plan_t *plan)
{
    const slk_sched_store_t *store = &in->stores[plan->store];
    assert_true(mounted(in, worker, plan->store));
    if (plan->use == SLK_SCHED_EXISTING) {
        assert_true(holds(in, job, plan->type, plan->store));
        return;
    }
    assert_true(store->healthy);
    if (slk_task_files[job->task].use == SLK_PATH_SEALING)
        assert_true(store->can_seal);
    else
        assert_true(rests_only_in_final(in) ? store->can_final : store->can_store);
    assert_true(!store->allow_types || store->allow_types & plan->type);
    assert_false(store->deny_types & plan->type);
    assert_true(!store->allow_miner_cnt ||
                lists(store->allow_miners, store->allow_miner_cnt, job->miner));
    assert_false(lists(store->deny_miners, store->deny_miner_cnt, job->miner));
    assert_true(plan->reserve >= slk_file_space(plan->type, job->sector_sz,
                                                slk_task_files[job->task].use == SLK_PATH_SEALING
                                                    ? SLK_SPACE_SEALING
                                                    : SLK_SPACE_FINALIZED));
    if (plan->use == SLK_SCHED_FETCH)
        check_fetch(in, result, job, worker, plan);
}

typedef struct {
    uint64_t threads, memory, tasks[SLK_TASK_CNT], fresh_threads, fresh_memory;
} load_t;

static void add_load(const slk_sched_snapshot_t *in, load_t *loads, uint32_t worker,
                     slk_task_t task, uint64_t sector_sz, bool fresh)
{
    const slk_resource_table_t *table = in->workers[worker].resources;
    unsigned size = 0;
    assert_true(slk_resource_size(&size, sector_sz));
    const slk_resources_t *row = &(table ? table : &slk_resource_defaults)->of[task][size];
    uint64_t threads = slk_resource_threads(row, in->workers[worker].cores);
    loads[worker].threads += threads;
    loads[worker].memory += row->min_memory + row->base_memory;
    loads[worker].tasks[task]++;
    if (fresh) {
        loads[worker].fresh_threads += threads;
        loads[worker].fresh_memory += row->min_memory + row->base_memory;
    }
}

static void check_loads(const slk_sched_snapshot_t *in, const slk_sched_result_t *result)
{
    load_t *loads = calloc(in->worker_cnt + 1, sizeof(*loads));
    uint64_t *promised = calloc(in->store_cnt + 1, sizeof(*promised));
    assert_non_null(loads);
    assert_non_null(promised);
    for (size_t i = 0; i < in->running_cnt; i++)
        add_load(in, loads, in->running[i].worker, in->running[i].task, in->running[i].sector_sz,
                 false);
    for (size_t i = 0; i < result->assignment_cnt; i++) {
        const slk_sched_assignment_t *to = &result->assignments[i];
        const slk_sched_job_t *job = &in->jobs[to->job];
        add_load(in, loads, to->worker, job->task, job->sector_sz, true);
        assert_true(loads[to->worker].tasks[job->task] <= in->workers[to->worker].limit[job->task]);
        for (uint32_t p = 0; p < to->plan_cnt; p++)
            promised[result->plans[to->first_plan + p].store] +=
                result->plans[to->first_plan + p].reserve;
    }
    for (size_t i = 0; i < in->worker_cnt; i++) {
        if (loads[i].fresh_threads)
            assert_true(loads[i].threads <= in->workers[i].cores);
        if (loads[i].fresh_memory)
            assert_true(loads[i].memory <= in->workers[i].memory);
        if (loads[i].fresh_memory && in->workers[i].free_memory)
            assert_true(loads[i].fresh_memory <= in->workers[i].free_memory);
    }
    for (size_t i = 0; i < in->store_cnt; i++) {
        const slk_sched_store_t *store = &in->stores[i];
        if (promised[i])
            assert_true(promised[i] + store->promised <= store->available);
    }
    free(loads);
    free(promised);
}

static bool has_files(slk_task_t task)
{
    return task != SLK_TASK_C2 && task != SLK_TASK_WDP;
}

/* No other job has the sector's files. */
static void check_alone(const slk_sched_snapshot_t *in, const slk_sched_result_t *result, size_t at)
{
    const slk_sched_job_t *job = &in->jobs[result->assignments[at].job];
    for (size_t i = 0; i < in->running_cnt && has_files(job->task); i++) {
        if (has_files(in->running[i].task) && in->running[i].number == job->number)
            assert_int_not_equal(in->running[i].miner, job->miner);
    }
    for (size_t i = 0; i < at && has_files(job->task); i++) {
        const slk_sched_job_t *other = &in->jobs[result->assignments[i].job];
        if (has_files(other->task) && other->number == job->number)
            assert_int_not_equal(other->miner, job->miner);
    }
}

static bool holds_files(const slk_sched_snapshot_t *in, const slk_sched_job_t *job, uint32_t worker)
{
    for (size_t i = 0; i < job->file_cnt; i++)
        for (size_t m = 0; m < in->mount_cnt; m++)
            if (in->mounts[m].worker == worker &&
                in->mounts[m].store == in->files[job->first_file + i].store)
                return true;
    return false;
}

static void check_assignments(const slk_sched_snapshot_t *in, const slk_sched_result_t *result)
{
    uint8_t *given = calloc(in->job_cnt + 1, 1);
    assert_non_null(given);
    for (size_t i = 0; i < result->assignment_cnt; i++) {
        const slk_sched_assignment_t *to = &result->assignments[i];
        const slk_sched_job_t *job = &in->jobs[to->job];
        const slk_sched_worker_t *worker = &in->workers[to->worker];
        slk_file_types_t planned = 0, there = 0;
        assert_int_equal(given[to->job]++, 0);
        assert_int_equal(result->explains[to->job].why, SLK_SCHED_ASSIGNED);
        assert_int_equal(result->explains[to->job].worker, to->worker);
        assert_true(worker->alive && !worker->paused && !worker->leaving);
        assert_true(!worker->draining || job->only_worker || holds_files(in, job, to->worker));
        assert_true(worker->limit[job->task] > 0);
        assert_true(!worker->miner_cnt || lists(worker->miners, worker->miner_cnt, job->miner));
        assert_true(!job->only_worker || !strcmp(job->only_worker, worker->id));
        assert_true(job->not_before_ms <= in->now_ms);
        assert_true(!job->deadline_ms || job->deadline_ms > in->now_ms);
        for (uint32_t p = 0; p < to->plan_cnt; p++) {
            planned |= result->plans[to->first_plan + p].type;
            check_plan(in, result, job, to->worker, &result->plans[to->first_plan + p]);
        }
        for (size_t f = 0; f < job->file_cnt; f++)
            there |= in->files[job->first_file + f].type;
        const slk_task_files_t *rule = &slk_task_files[job->task];
        if (rule->use == SLK_PATH_SEALING)
            assert_int_equal((rule->needs | rule->makes) & ~planned, 0);
        assert_int_equal(rule->needs & ~there, 0);
        if (in->job_cnt < 1000) /* looks at all pairs */
            check_alone(in, result, i);
    }
    for (size_t i = 0; i < in->job_cnt; i++)
        assert_int_equal(given[i], result->explains[i].why == SLK_SCHED_ASSIGNED);
    free(given);
}

/* It may be kept free for a job that had its turn before. */
static bool maybe_kept(const slk_sched_snapshot_t *in, const slk_sched_result_t *result,
                       uint32_t worker, uint32_t turn)
{
    for (size_t i = 0; i < in->job_cnt; i++) {
        const slk_sched_explain_t *why = &result->explains[i];
        if (why->turn < turn && why->worker == worker && why->other &&
            (why->why == SLK_SCHED_CORES || why->why == SLK_SCHED_MEMORY))
            return true;
    }
    return false;
}

/* A job that waits could have gone nowhere when it was its turn. */
static void check_waiting(const slk_sched_snapshot_t *in, const slk_sched_result_t *result)
{
    slk_diag_t diag;
    slk_sched_explain_t *answers = calloc(in->worker_cnt + 1, sizeof(*answers));
    slk_sched_assignment_t *before = calloc(in->job_cnt + 1, sizeof(*before));
    assert_non_null(answers);
    assert_non_null(before);
    for (uint32_t j = 0; j < in->job_cnt; j++) {
        const slk_sched_explain_t *why = &result->explains[j];
        slk_sched_result_t then = *result;
        if (why->why == SLK_SCHED_ASSIGNED || why->why == SLK_SCHED_NEARER ||
            why->why == SLK_SCHED_KEPT)
            continue;
        then.assignments = before;
        then.assignment_cnt = 0;
        for (size_t i = 0; i < result->assignment_cnt; i++) {
            if (result->explains[result->assignments[i].job].turn < why->turn)
                before[then.assignment_cnt++] = result->assignments[i];
        }
        assert_ok(slk_sched_ask(answers, in, &then, j, &diag), diag);
        for (uint32_t w = 0; w < in->worker_cnt; w++) {
            if (in->jobs[j].only_worker && strcmp(in->jobs[j].only_worker, in->workers[w].id) != 0)
                continue;
            if (answers[w].why == SLK_SCHED_ASSIGNED && !maybe_kept(in, result, w, why->turn)) {
                char text[SLK_SCHED_TEXT];
                fail_msg("job %u waits (%s) but %s could have taken it", j,
                         slk_sched_text(text, in, j, why), in->workers[w].name);
            }
        }
    }
    free(answers);
    free(before);
}

void test_check(const slk_sched_snapshot_t *in, const slk_sched_result_t *result, bool deep)
{
    check_assignments(in, result);
    check_loads(in, result);
    for (uint32_t i = 0; i < in->job_cnt; i++) {
        char text[SLK_SCHED_TEXT];
        slk_sched_text(text, in, i, &result->explains[i]);
        assert_true(strlen(text) > 5);
        assert_null(strstr(text, "(none)"));
    }
    if (deep)
        check_waiting(in, result);
}
