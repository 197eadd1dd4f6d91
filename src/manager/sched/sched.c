#include "manager/sched/sched.h"

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS     INT64_C(86400000)
#define QUARTER_MS INT64_C(900000)
#define STEPS      7 /* of time left: up to 1/4, 1/2, 1, 2, 4, 8, 16 h; then all the others */

/* Place of a job in the queue. */
typedef struct {
    uint32_t job;
    int32_t task_order;
    int64_t priority, created, id;
    uint64_t miner;
    uint8_t gives_back, starved; /* 1 goes first */
    uint8_t step;
} queued_t;

/* What is left of the time after the task itself, in steps that double. */
static unsigned step_of(int64_t time_left, int64_t duration)
{
    if (time_left == INT64_MAX)
        return STEPS;
    int64_t slack = time_left - (duration > 0 ? duration : 0);
    unsigned step = 0;
    while (step < STEPS && slack > QUARTER_MS << step)
        step++;
    return step;
}

#define COMPARE(x, y)                                                                              \
    if ((x) != (y))                                                                                \
    return (x) < (y) ? -1 : 1

/* The part of the order before fairness. */
static int compare_level(const queued_t *a, const queued_t *b)
{
    COMPARE(b->gives_back, a->gives_back);
    COMPARE(b->starved, a->starved);
    if (a->starved)
        return 0;
    COMPARE(b->priority, a->priority);
    COMPARE(a->step, b->step);
    COMPARE(a->task_order, b->task_order);
    return 0;
}

static int compare(const void *x, const void *y)
{
    const queued_t *a = x, *b = y;
    int level = compare_level(a, b);
    if (level)
        return level;
    if (!a->starved)
        COMPARE(a->miner, b->miner);
    COMPARE(a->created, b->created);
    COMPARE(a->id, b->id);
    COMPARE(a->job, b->job);
    return 0;
}

/* --- One job --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t tried[SLK_FT_CNT * SLK_MOUNTS_FEW];
    size_t tried_cnt;
    uint32_t shared; /* a path that too many workers have to look at each */
    uint32_t worker; /* best so far */
    slk_place_t place;
    slk_sched_explain_t nearest; /* a worker with files that is busy */
} search_t;

static bool better(const slk_place_t *a, const slk_place_t *b)
{
    if (a->with_sector != b->with_sector)
        return a->with_sector;
    if (a->fetch_bytes != b->fetch_bytes)
        return a->fetch_bytes < b->fetch_bytes;
    return a->used < b->used;
}

/* Why a worker gets nothing of this kind; 0: it may. holds: files of the sector. */
static int64_t state_of(const slk_sched_worker_t *worker, const slk_sched_job_t *job, bool holds)
{
    return !worker->alive                                     ? 1
           : worker->paused                                   ? 2
           : worker->draining && !holds                       ? 3
           : worker->leaving                                  ? 6
           : !slk_worker_takes(worker, job->task, job->miner) ? 4
                                                              : 0;
}

/* Does it matter for where the job goes who has this file. */
static bool counts(const slk_need_t *need, const slk_sched_file_t *file)
{
    return !need->want || file->type & need->want || need->rule->use == SLK_PATH_STORAGE;
}

/* Does the job belong to what the worker has: then it gets it also while it drains. What many workers mount,
 * others can do. */
static bool holds_files(const slk_round_t *round, const slk_need_t *need, uint32_t worker)
{
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        if (counts(need, file) && round->stores[file->store].mounts.cnt <= SLK_MOUNTS_FEW &&
            slk_worker_has(round, worker, file->store))
            return true;
    }
    return false;
}

/* A worker with files of the sector. */
static void try_holder(slk_round_t *round, const slk_need_t *need, uint32_t worker,
                       search_t *search, slk_sched_explain_t *why)
{
    const slk_sched_worker_t *in = &round->in->workers[worker];
    for (size_t i = 0; i < search->tried_cnt; i++) {
        if (search->tried[i] == worker)
            return;
    }
    if (search->tried_cnt == SLK_COUNT(search->tried))
        return;
    search->tried[search->tried_cnt++] = worker;
    int64_t state = state_of(in, need->job, true);
    slk_sched_explain_t failed = {.why = SLK_SCHED_HOLDER,
                                  .worker = worker,
                                  .store = SLK_SCHED_NONE,
                                  .a = slk_need_named(need),
                                  .b = state};
    slk_place_t place;
    if (!state && slk_place(round, need, worker, &place, &failed)) {
        if (search->worker == SLK_SCHED_NONE || better(&place, &search->place)) {
            search->place = place;
            search->worker = worker;
        }
        return;
    }
    slk_why_better(why, &failed);
    if (failed.why == SLK_SCHED_LIMIT || failed.why == SLK_SCHED_CORES ||
        failed.why == SLK_SCHED_MEMORY)
        slk_why_better(&search->nearest, &failed);
}

static void try_holders(slk_round_t *round, const slk_need_t *need, search_t *search,
                        slk_sched_explain_t *why)
{
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        const slk_span_t *mounts = &round->stores[file->store].mounts;
        if (!counts(need, file))
            continue;
        if (mounts->cnt > SLK_MOUNTS_FEW) {
            search->shared = file->store;
            continue;
        }
        for (uint32_t m = 0; m < mounts->cnt; m++)
            try_holder(round, need, round->in->mounts[round->by_store[mounts->first + m]].worker,
                       search, why);
    }
}

/* Is waiting for a worker with the files quicker than fetching them. */
static bool rather_wait(slk_round_t *round, const slk_need_t *need, const search_t *search,
                        slk_sched_explain_t *why)
{
    const slk_sched_explain_t *near = &search->nearest;
    int64_t fetch = slk_eta_fetch_ms(round->in->eta, search->place.fetch_bytes);
    if (!search->place.fetch_bytes || near->why == SLK_SCHED_ASSIGNED || near->b < 0 || fetch < 0)
        return false;
    slk_worker_state_t *worker = &round->workers[near->worker];
    int64_t own = slk_duration(round, near->worker, need->job->task, need->size);
    uint32_t at_once = worker->tasks[need->job->task] ? worker->tasks[need->job->task] : 1;
    if (own < 0 && worker->nearer)
        return false;
    int64_t wait = near->b + (worker->nearer ? worker->nearer / at_once * own : 0);
    if (wait > fetch || (need->time_left != INT64_MAX && own > 0 && wait > need->time_left - own))
        return false;
    worker->nearer++;
    *why = (slk_sched_explain_t){.why = SLK_SCHED_NEARER,
                                 .worker = near->worker,
                                 .store = SLK_SCHED_NONE,
                                 .a = wait,
                                 .b = fetch,
                                 .other = near->other};
    return true;
}

/* Nothing that a worker could change: false with an explanation. */
static bool can_be_done(slk_round_t *round, const slk_need_t *need, slk_sched_explain_t *why)
{
    const slk_sched_snapshot_t *in = round->in;
    int64_t least = round->least[need->job->task][need->size];
    slk_file_types_t missing = need->rule->needs & need->want & ~need->present;
    slk_file_types_t away = need->want & need->present & ~need->reachable & ~need->remake;
    if (need->beside && !need->want && !(need->present & need->reachable))
        away = need->present;
    if (need->time_left != INT64_MAX &&
        (need->time_left <= 0 || (least >= 0 && least > need->time_left))) {
        why->why = SLK_SCHED_HOPELESS;
        why->a = need->time_left;
        why->b = least;
        return false;
    }
    const slk_busy_sector_t *busy =
        slk_task_has_files(need->job->task)
            ? slk_sector_busy(round, need->job->miner, need->job->number)
            : NULL;
    if (busy) {
        why->why = SLK_SCHED_SECTOR;
        why->worker = busy->worker;
        why->other = busy->job;
        return false;
    }
    if (need->job->not_before_ms > in->now_ms) {
        why->why = SLK_SCHED_LATER;
        why->a = need->job->not_before_ms - in->now_ms;
        return false;
    }
    if (missing) {
        why->why = SLK_SCHED_NO_FILE;
        why->a = missing & -missing;
        return false;
    }
    if (!away)
        return true;
    why->why = SLK_SCHED_HOLDER;
    why->a = away & -away;
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        if (!(file->type & why->a))
            continue;
        const slk_span_t *mounts = &round->stores[file->store].mounts;
        why->store = file->store;
        why->b = 1;
        for (uint32_t m = 0; m < mounts->cnt; m++) {
            why->worker = in->mounts[round->by_store[mounts->first + m]].worker;
            why->b = in->workers[why->worker].alive ? 5 : why->b;
        }
    }
    return false;
}

/* The one worker that a job is for. */
static bool try_only(slk_round_t *round, const slk_need_t *need, search_t *search,
                     slk_sched_explain_t *why)
{
    uint32_t index = slk_worker_by_id(round, need->job->only_worker);
    why->why = SLK_SCHED_ONLY_WORKER;
    why->worker = index;
    if (index == SLK_SCHED_NONE)
        return false;
    const slk_sched_worker_t *in = &round->in->workers[index];
    why->a = state_of(in, need->job, true);
    if (why->a || !slk_place(round, need, index, &search->place, why))
        return false;
    search->worker = index;
    return true;
}

/* The worker that is asked last. */
static void try_avoided(slk_round_t *round, const slk_need_t *need, uint32_t avoid,
                        search_t *search, slk_sched_explain_t *why)
{
    slk_sched_explain_t failed = {
        .why = SLK_SCHED_HOLDER,
        .worker = avoid,
        .store = SLK_SCHED_NONE,
        .a = slk_need_named(need),
        .b = state_of(&round->in->workers[avoid], need->job, holds_files(round, need, avoid))};
    if (failed.b && !(need->beside && need->tied))
        return;
    if (!failed.b && slk_place(round, need, avoid, &search->place, &failed))
        search->worker = avoid;
    else
        slk_why_better(why, &failed);
}

static bool find_worker(slk_round_t *round, const slk_need_t *need, search_t *search,
                        slk_sched_explain_t *why)
{
    if (need->job->only_worker)
        return try_only(round, need, search, why);
    uint32_t avoid = need->job->avoid ? slk_worker_by_id(round, need->job->avoid) : SLK_SCHED_NONE;
    if (avoid != SLK_SCHED_NONE)
        search->tried[search->tried_cnt++] = avoid;
    try_holders(round, need, search, why);
    if (search->worker == SLK_SCHED_NONE && search->shared != SLK_SCHED_NONE &&
        !slk_class_place(round, need, search->shared, search->tried, search->tried_cnt,
                         &search->worker, &search->place, why))
        search->worker = SLK_SCHED_NONE;
    if (search->worker == SLK_SCHED_NONE && !(need->beside && need->tied) &&
        !slk_class_place(round, need, SLK_SCHED_NONE, search->tried, search->tried_cnt,
                         &search->worker, &search->place, why))
        search->worker = SLK_SCHED_NONE;
    if (search->worker == SLK_SCHED_NONE && avoid != SLK_SCHED_NONE)
        try_avoided(round, need, avoid, search, why);
    if (search->worker == SLK_SCHED_NONE || rather_wait(round, need, search, why))
        return false;
    return true;
}

/* True when it was given out. */
static bool decide_one(slk_round_t *round, const queued_t *queued, slk_need_t *need)
{
    slk_sched_explain_t *why = &round->out->explains[queued->job];
    search_t search;
    search.tried_cnt = 0;
    search.shared = search.worker = SLK_SCHED_NONE;
    search.nearest = (slk_sched_explain_t){.why = SLK_SCHED_ASSIGNED, .b = SLK_ETA_UNKNOWN};
    *why = (slk_sched_explain_t){.why = SLK_SCHED_ASSIGNED,
                                 .worker = SLK_SCHED_NONE,
                                 .store = SLK_SCHED_NONE,
                                 .start_ms = SLK_ETA_UNKNOWN,
                                 .end_ms = SLK_ETA_UNKNOWN};
    slk_need_init(round, need, queued->job);
    bool possible = can_be_done(round, need, why);
    if (possible && find_worker(round, need, &search, why)) {
        slk_place_take(round, need, search.worker, &search.place);
        return true;
    }
    why->start_ms = why->end_ms = SLK_ETA_UNKNOWN;
    round->out->hopeless_cnt += why->why == SLK_SCHED_HOPELESS;
    if (!possible)
        return false;
    why->ahead = round->waiting[need->job->task]++;
    bool pressing = queued->starved || queued->step == 0;
    if (pressing && why->other && (why->why == SLK_SCHED_CORES || why->why == SLK_SCHED_MEMORY) &&
        round->workers[why->worker].kept == SLK_SCHED_NONE)
        round->workers[why->worker].kept = queued->job;
    return false;
}

/* --- Miners ---------------------------------------------------------------------------------- */

/* A miner's turn within a level: its jobs are first to end of the queue. */
typedef struct {
    slk_sched_miner_t *miner;
    const queued_t *queue;
    size_t first, end;
} turn_t;

static uint64_t share(const slk_sched_miner_t *miner)
{
    return miner->served / (miner->weight ? miner->weight : 1);
}

static bool turn_before(const turn_t *a, const turn_t *b)
{
    uint64_t x = share(a->miner), y = share(b->miner);
    const queued_t *i = &a->queue[a->first], *j = &b->queue[b->first];
    if (x != y)
        return x < y;
    if (i->created != j->created)
        return i->created < j->created;
    return i->miner < j->miner;
}

static void sift(turn_t *heap, size_t cnt, size_t at)
{
    turn_t moved = heap[at];
    for (size_t child; (child = at * 2 + 1) < cnt; at = child) {
        if (child + 1 < cnt && turn_before(&heap[child + 1], &heap[child]))
            child++;
        if (!turn_before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static int by_miner(const void *a, const void *b)
{
    uint64_t x = ((const slk_sched_miner_t *)a)->miner, y = ((const slk_sched_miner_t *)b)->miner;
    return x < y ? -1 : x > y;
}

static slk_sched_miner_t *miner_of(const slk_sched_result_t *out, uint64_t miner)
{
    slk_sched_miner_t key = {.miner = miner};
    return bsearch(&key, out->miners, out->miner_cnt, sizeof(key), by_miner);
}

/* What a job takes: the larger part of the worker, for as long as it will run; for a minute where that is
 * not known. */
static void charge(slk_round_t *round, const slk_need_t *need)
{
    const slk_sched_assignment_t *to = &round->out->assignments[round->out->assignment_cnt - 1];
    const slk_sched_worker_t *worker = &round->in->workers[to->worker];
    int64_t ms = slk_duration(round, to->worker, need->job->task, need->size);
    uint64_t cores = worker->cores ? worker->cores : 1;
    uint64_t all = worker->memory >> 10 ? worker->memory >> 10 : 1;
    uint64_t part = (uint64_t)to->threads * 1024 / cores;
    uint64_t memory = (to->memory >> 10) * 1024 / all;
    part = part > memory ? part : memory;
    part = part ? part : 1;
    uint64_t time = ms < 0                               ? 60000
                    : (uint64_t)ms < ((uint64_t)1 << 40) ? (uint64_t)ms
                                                         : (uint64_t)1 << 40;
    uint64_t cost = part * (time ? time : 1) / 1024;
    miner_of(round->out, need->job->miner)->served += cost ? cost : 1;
}

/* Those with jobs compete; one that had none for a while starts level with the least served of them, so that
 * nobody saves up the right to take everything. */
static bool open_miners(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    slk_sched_result_t *out = round->out;
    slk_sched_miner_t *all = calloc(in->miner_cnt + in->job_cnt + 1, sizeof(*all));
    uint8_t *known = slk_arena_alloc(&round->arena, in->miner_cnt + in->job_cnt + 1);
    if (!all || !known) {
        free(all);
        return false;
    }
    out->miners = all;
    if (in->miner_cnt)
        memcpy(all, in->miners, in->miner_cnt * sizeof(*all));
    qsort(all, in->miner_cnt, sizeof(*all), by_miner);
    out->miner_cnt = in->miner_cnt;
    uint64_t least = UINT64_MAX, last = 0;
    size_t fresh = in->miner_cnt;
    for (size_t i = 0; i < in->job_cnt; i++) {
        if (i && in->jobs[i].miner == last)
            continue;
        last = in->jobs[i].miner;
        slk_sched_miner_t *miner = miner_of(out, last);
        if (miner) {
            known[miner - all] = 1;
            least = share(miner) < least ? share(miner) : least;
        } else {
            all[fresh++] = (slk_sched_miner_t){.miner = last, .weight = 1};
        }
    }
    least = least == UINT64_MAX ? 0 : least;
    for (size_t i = 0; i < in->miner_cnt; i++) {
        if (!known[i] && share(&all[i]) < least)
            all[i].served = least * (all[i].weight ? all[i].weight : 1);
    }
    for (size_t i = in->miner_cnt; i < fresh; i++)
        all[i].served = least;
    qsort(all, fresh, sizeof(*all), by_miner);
    out->miner_cnt = 0;
    for (size_t i = 0; i < fresh; i++) {
        if (!out->miner_cnt || all[out->miner_cnt - 1].miner != all[i].miner)
            all[out->miner_cnt++] = all[i];
    }
    return true;
}

/* --- The queue ------------------------------------------------------------------------------- */

static queued_t *make_queue(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    int64_t starve = in->starve_ms ? in->starve_ms : DAY_MS;
    queued_t *queue = slk_arena_array(&round->arena, in->job_cnt + 1, sizeof(*queue));
    for (uint32_t i = 0; queue && i < in->job_cnt; i++) {
        const slk_sched_job_t *job = &in->jobs[i];
        unsigned size;
        bool ok = job->task < SLK_TASK_CNT && slk_resource_size(&size, job->sector_sz);
        SLK_ASSERT(ok);
        int64_t time_left = job->deadline_ms ? job->deadline_ms - in->now_ms : INT64_MAX;
        int order = slk_tasks[job->task].order;
        queue[i] = (queued_t){.job = i,
                              .task_order = order,
                              .priority = job->priority,
                              .created = job->created_ms,
                              .id = job->id,
                              .miner = job->miner,
                              .gives_back = order < 0,
                              .starved = in->now_ms - job->created_ms >= starve,
                              .step = (uint8_t)step_of(time_left, round->fastest[job->task][size])};
    }
    if (queue)
        qsort(queue, in->job_cnt, sizeof(*queue), compare);
    return queue;
}

/* The jobs of one level, from `first` to `end`: miners by turns. */
static void decide_level(slk_round_t *round, const queued_t *queue, size_t first, size_t end,
                         turn_t *turns, uint32_t *order)
{
    slk_need_t need;
    size_t turn_cnt = 0, done = 0;
    if (queue[first].starved) {
        for (size_t i = first; i < end; i++) {
            order[done++] = queue[i].job;
            if (decide_one(round, &queue[i], &need))
                charge(round, &need);
        }
        return;
    }
    for (size_t i = first; i < end; i++) {
        if (i == first || queue[i].miner != queue[i - 1].miner)
            turns[turn_cnt++] = (turn_t){miner_of(round->out, queue[i].miner), queue, i, i};
        turns[turn_cnt - 1].end = i + 1;
    }
    for (size_t i = turn_cnt / 2; i-- > 0;)
        sift(turns, turn_cnt, i);
    while (turn_cnt) {
        const queued_t *next = &queue[turns[0].first++];
        order[done++] = next->job;
        if (decide_one(round, next, &need))
            charge(round, &need);
        if (turns[0].first == turns[0].end)
            turns[0] = turns[--turn_cnt];
        if (turn_cnt)
            sift(turns, turn_cnt, 0);
    }
}

slk_err_t slk_sched_decide(slk_sched_result_t *result, const slk_sched_snapshot_t *in,
                           slk_diag_t *diag)
{
    slk_round_t round;
    *result = (slk_sched_result_t){.assignments = NULL};
    result->assignments = calloc(in->job_cnt + 1, sizeof(result->assignments[0]));
    result->explains = calloc(in->job_cnt + 1, sizeof(result->explains[0]));
    bool ok = slk_round_open(&round, in, result) && result->assignments && result->explains &&
              open_miners(&round);
    queued_t *queue = ok ? make_queue(&round) : NULL;
    turn_t *turns =
        ok ? slk_arena_array(&round.arena, result->miner_cnt + 1, sizeof(*turns)) : NULL;
    uint32_t *order = ok ? slk_arena_array(&round.arena, in->job_cnt + 1, sizeof(*order)) : NULL;
    if (queue && turns && order) {
        for (size_t first = 0, end; first < in->job_cnt; first = end) {
            for (end = first + 1; end < in->job_cnt && !compare_level(&queue[first], &queue[end]);)
                end++;
            decide_level(&round, queue, first, end, turns, order + first);
        }
        for (uint32_t i = 0; i < in->job_cnt; i++)
            result->explains[order[i]].turn = i;
        slk_round_times(&round, order, in->job_cnt);
    }
    ok = queue && turns && order && !round.no_memory;
    slk_round_close(&round);
    if (ok)
        return SLK_OK;
    slk_sched_free(result);
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory to decide on %zu jobs and %zu workers",
                    in->job_cnt, in->worker_cnt);
}

slk_err_t slk_sched_ask(slk_sched_explain_t *answers, const slk_sched_snapshot_t *in,
                        const slk_sched_result_t *result, uint32_t job, slk_diag_t *diag)
{
    slk_round_t round;
    slk_sched_result_t out = {.assignments = NULL};
    SLK_ASSERT(job < in->job_cnt);
    if (!slk_round_open(&round, in, &out)) {
        slk_round_close(&round);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to ask %zu workers", in->worker_cnt);
    }
    for (size_t i = 0; i < result->assignment_cnt; i++) {
        if (result->assignments[i].job != job)
            slk_round_take(&round, &result->assignments[i], result->plans);
    }
    slk_need_t need;
    slk_need_init(&round, &need, job);
    for (uint32_t w = 0; w < in->worker_cnt; w++) {
        const slk_sched_worker_t *worker = &in->workers[w];
        slk_sched_explain_t *why = &answers[w];
        slk_place_t place;
        *why = (slk_sched_explain_t){
            .why = SLK_SCHED_ONLY_WORKER,
            .worker = w,
            .store = SLK_SCHED_NONE,
            .start_ms = SLK_ETA_UNKNOWN,
            .end_ms = SLK_ETA_UNKNOWN,
            .a =
                state_of(worker, need.job, need.job->only_worker || holds_files(&round, &need, w))};
        if (can_be_done(&round, &need, why)) {
            why->why = SLK_SCHED_ONLY_WORKER;
            if (!why->a && slk_place(&round, &need, w, &place, why))
                why->why = SLK_SCHED_ASSIGNED;
        }
    }
    slk_round_close(&round);
    return SLK_OK;
}

void slk_sched_free(slk_sched_result_t *result)
{
    free(result->assignments);
    free(result->plans);
    free(result->sources);
    free(result->explains);
    free(result->miners);
    *result = (slk_sched_result_t){.assignments = NULL};
}
