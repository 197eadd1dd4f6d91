/* One job on one worker: is there room, where do its files go, what would that take. */

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <stdlib.h>
#include <string.h>

bool slk_worker_has(const slk_round_t *round, uint32_t worker, uint32_t store)
{
    const slk_span_t *mounts = &round->workers[worker].mounts;
    for (uint32_t i = 0; i < mounts->cnt; i++) {
        if (round->in->mounts[round->by_worker[mounts->first + i]].store == store)
            return true;
    }
    return false;
}

bool slk_store_final(const slk_round_t *round, uint32_t store)
{
    const slk_sched_store_t *at = &round->in->stores[store];
    return round->any_final ? at->can_final : at->can_store;
}

bool slk_store_takes(const slk_round_t *round, uint32_t store, slk_path_use_t use, uint64_t miner,
                     slk_file_types_t type)
{
    const slk_sched_store_t *at = &round->in->stores[store];
    return at->healthy &&
           (use == SLK_PATH_SEALING ? at->can_seal : slk_store_final(round, store)) &&
           (!at->allow_types || at->allow_types & type) && !(at->deny_types & type) &&
           (!at->allow_miner_cnt || slk_has_u64(at->allow_miners, at->allow_miner_cnt, miner)) &&
           !slk_has_u64(at->deny_miners, at->deny_miner_cnt, miner);
}

/* --- Which explanation tells most ------------------------------------------------------------ */

static const uint8_t ranks[SLK_SCHED_WHY_CNT] = {
    [SLK_SCHED_NEARER] = 1,     [SLK_SCHED_LIMIT] = 2,   [SLK_SCHED_CORES] = 2,
    [SLK_SCHED_MEMORY] = 2,     [SLK_SCHED_KEPT] = 3,    [SLK_SCHED_TOO_SLOW] = 4,
    [SLK_SCHED_SPACE] = 5,      [SLK_SCHED_TOO_BIG] = 6, [SLK_SCHED_HOLDER] = 7,
    [SLK_SCHED_NO_ROUTE] = 8,   [SLK_SCHED_NO_PATH] = 9, [SLK_SCHED_NO_TASK] = 10,
    [SLK_SCHED_NO_WORKER] = 11,
};

void slk_why_better(slk_sched_explain_t *why, const slk_sched_explain_t *other)
{
    unsigned now = ranks[why->why] ? ranks[why->why] : 255;
    unsigned then = ranks[other->why] ? ranks[other->why] : 255;
    bool better = then < now;
    if (then == now && then == 2) /* the soonest; unknown is -1, the largest */
        better = (uint64_t)other->b < (uint64_t)why->b;
    if (then == now && then == 5)
        better = other->b > why->b;
    if (better)
        *why = *other;
}

static bool fail(slk_sched_explain_t *why, slk_sched_why_t reason, uint32_t worker, uint32_t store,
                 int64_t a, int64_t b)
{
    *why = (slk_sched_explain_t){.why = reason, .worker = worker, .store = store, .a = a, .b = b};
    return false;
}

/* --- Cores, memory, limits ------------------------------------------------------------------- */

/* What a worker lacks for a job. */
typedef struct {
    const slk_resources_t *row;
    uint32_t cores, threads, limit, limit_size;
    uint64_t memory, need;
} demand_t;

static slk_sched_why_t lacks(const demand_t *demand, uint32_t threads, uint64_t memory,
                             uint64_t free_left, uint32_t tasks, uint32_t same_size)
{
    if (tasks >= demand->limit || same_size >= demand->limit_size)
        return SLK_SCHED_LIMIT;
    if (threads + demand->threads > demand->cores)
        return SLK_SCHED_CORES;
    if (memory + demand->need > demand->memory || demand->need > free_left)
        return SLK_SCHED_MEMORY;
    return SLK_SCHED_ASSIGNED;
}

/* Say what is lacking and until which job ends. */
static bool busy(const slk_round_t *round, const slk_need_t *need, uint32_t index,
                 const demand_t *demand, slk_sched_why_t reason, slk_sched_explain_t *why)
{
    const slk_worker_state_t *worker = &round->workers[index];
    uint32_t threads = worker->threads, tasks = worker->tasks[need->job->task];
    uint32_t same = worker->counts[need->job->task][need->size];
    uint64_t memory = worker->memory, free_left = worker->free_left;
    uint64_t unused = memory < demand->memory ? demand->memory - memory : 0;
    fail(why, reason, index, SLK_SCHED_NONE, 0, SLK_ETA_UNKNOWN);
    if (reason == SLK_SCHED_LIMIT)
        why->a = tasks;
    else if (reason == SLK_SCHED_CORES)
        why->a = demand->cores > threads ? demand->cores - threads : 0;
    else
        why->a = (int64_t)(unused < free_left ? unused : free_left);
    for (uint32_t i = worker->first_load; i != SLK_SCHED_NONE; i = round->loads[i].next) {
        const slk_load_t *load = &round->loads[i];
        threads -= load->threads;
        memory -= load->memory;
        free_left += free_left < UINT64_MAX - load->memory ? load->memory : 0;
        tasks -= load->task == need->job->task;
        same -= load->task == need->job->task && load->size == need->size;
        if (lacks(demand, threads, memory, free_left, tasks, same) == SLK_SCHED_ASSIGNED) {
            why->other = load->id;
            why->b = load->end_ms == SLK_ETA_UNKNOWN ? SLK_ETA_UNKNOWN
                                                     : load->end_ms - round->in->now_ms;
            break;
        }
    }
    return false;
}

static bool has_room(slk_round_t *round, const slk_need_t *need, uint32_t index,
                     slk_sched_explain_t *why)
{
    const slk_sched_worker_t *in = &round->in->workers[index];
    const slk_worker_state_t *worker = &round->workers[index];
    slk_task_t task = need->job->task;
    const slk_resources_t *row = slk_worker_row(round, index, task, need->size);
    demand_t demand = {.row = row,
                       .cores = in->cores,
                       .threads = slk_resource_threads(row, in->cores),
                       .limit = in->limit[task],
                       .limit_size = row->max_concurrent ? row->max_concurrent : UINT32_MAX,
                       .memory = in->memory,
                       .need = row->min_memory + row->base_memory};
    if (demand.need > in->memory)
        return fail(why, SLK_SCHED_TOO_BIG, index, SLK_SCHED_NONE, (int64_t)demand.need,
                    (int64_t)in->memory);
    slk_sched_why_t reason = lacks(&demand, worker->threads, worker->memory, worker->free_left,
                                   worker->tasks[task], worker->counts[task][need->size]);
    if (reason != SLK_SCHED_ASSIGNED)
        return busy(round, need, index, &demand, reason, why);
    if (worker->kept != SLK_SCHED_NONE && worker->kept != need->index) {
        fail(why, SLK_SCHED_KEPT, index, SLK_SCHED_NONE, 0, SLK_ETA_UNKNOWN);
        why->other = round->in->jobs[worker->kept].id;
        return false;
    }
    if (need->time_left != INT64_MAX) {
        int64_t ms = slk_eta_least_ms(round->in->eta, task, need->job->sector_sz, in->id);
        if (ms != SLK_ETA_UNKNOWN && ms > need->time_left)
            return fail(why, SLK_SCHED_TOO_SLOW, index, SLK_SCHED_NONE, need->time_left, ms);
    }
    return true;
}

uint64_t slk_worker_used(const slk_round_t *round, uint32_t index, uint32_t threads,
                         uint64_t memory)
{
    const slk_sched_worker_t *in = &round->in->workers[index];
    const slk_worker_state_t *worker = &round->workers[index];
    uint64_t cores = in->cores ? in->cores : 1, all = in->memory >> 10 ? in->memory >> 10 : 1;
    uint64_t by_cores = ((uint64_t)worker->threads + threads) * 65536 / cores;
    uint64_t by_memory = ((worker->memory + memory) >> 10) * 65536 / all;
    return by_cores > by_memory ? by_cores : by_memory;
}

/* --- Files ----------------------------------------------------------------------------------- */

static uint64_t left_in(const slk_round_t *round, const slk_place_t *place, uint32_t store)
{
    uint64_t left = round->stores[store].left;
    for (uint32_t i = 0; i < place->plan_cnt; i++) {
        if (place->plans[i].store == store)
            left -= place->plans[i].reserve;
    }
    return left;
}

static slk_sched_plan_t *add_plan(slk_place_t *place, slk_file_types_t type, slk_sched_use_t use,
                                  uint32_t store)
{
    SLK_ASSERT(place->plan_cnt < SLK_COUNT(place->plans));
    slk_sched_plan_t *plan = &place->plans[place->plan_cnt++];
    *plan = (slk_sched_plan_t){.type = type, .use = use, .store = store, .from = SLK_SCHED_NONE};
    return plan;
}

/* The path of this worker that has the file: the one with most space if several have. */
static const slk_sched_file_t *local_file(const slk_round_t *round, const slk_need_t *need,
                                          uint32_t worker, slk_file_types_t types)
{
    const slk_sched_file_t *best = NULL;
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        if (file->type & types && round->in->stores[file->store].healthy &&
            slk_worker_has(round, worker, file->store) &&
            (!best || round->stores[file->store].left > round->stores[best->store].left))
            best = file;
    }
    return best;
}

/* A path for all these types of a worker, by Available * Weight. */
typedef struct {
    uint32_t store, most_store;
    uint64_t most; /* free, of those that would take it */
    bool takes, routed;
} pick_t;

static bool holds_sector(const slk_need_t *need, uint32_t store)
{
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        if (need->files[i].store == store)
            return true;
    }
    return false;
}

static bool takes_all(const slk_round_t *round, const slk_need_t *need, uint32_t store,
                      slk_file_types_t types, slk_file_types_t fetched, bool *routed)
{
    *routed = true;
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        if (!(types & SLK_FT_AT(t)))
            continue;
        if (!slk_store_takes(round, store, need->rule->use, need->job->miner, SLK_FT_AT(t)))
            return false;
        if (fetched & SLK_FT_AT(t) && !slk_sig_allows(round, need->sig[t], store))
            *routed = false;
    }
    return true;
}

static pick_t pick_store(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                         const slk_place_t *place, slk_file_types_t types, slk_file_types_t fetched,
                         uint64_t space)
{
    pick_t pick = {.store = SLK_SCHED_NONE, .most_store = SLK_SCHED_NONE};
    const slk_span_t *mounts = &round->workers[worker].mounts;
    unsigned __int128 best = 0;
    bool best_holds = false;
    for (uint32_t i = 0; i < mounts->cnt; i++) {
        uint32_t store = round->in->mounts[round->by_worker[mounts->first + i]].store;
        bool routed;
        if (!takes_all(round, need, store, types, fetched, &routed))
            continue;
        pick.takes = true;
        if (!routed)
            continue;
        pick.routed = true;
        uint64_t left = left_in(round, place, store);
        if (pick.most_store == SLK_SCHED_NONE || left > pick.most) {
            pick.most = left;
            pick.most_store = store;
        }
        unsigned __int128 score = (unsigned __int128)left * round->in->stores[store].weight;
        bool holds = need->rule->use == SLK_PATH_STORAGE && holds_sector(need, store);
        if (left < space || (pick.store != SLK_SCHED_NONE && holds < best_holds))
            continue;
        if (pick.store == SLK_SCHED_NONE || holds > best_holds || score > best) {
            pick.store = store;
            best = score;
            best_holds = holds;
        }
    }
    return pick;
}

static void put_in(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                   slk_place_t *place, slk_file_types_t type, bool fetched, uint32_t store)
{
    slk_sched_plan_t *plan =
        add_plan(place, type, fetched ? SLK_SCHED_FETCH : SLK_SCHED_MAKE, store);
    plan->reserve = slk_task_space(need->rule->use, type, need->job->sector_sz, 0);
    place->with_sector |= need->rule->use == SLK_PATH_STORAGE && holds_sector(need, store);
    if (!fetched)
        return;
    const slk_sched_file_t *local = local_file(round, need, worker, type);
    plan->from = local ? local->store : SLK_SCHED_NONE;
    /* What lies where it is to stay is copied, never taken away. */
    plan->move = true;
    uint64_t bytes = 0;
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        if (file->type != type)
            continue;
        plan->move &= !slk_store_final(round, file->store);
        bytes = file->bytes > bytes ? file->bytes : bytes;
    }
    if (!local)
        place->fetch_bytes += bytes ? bytes : plan->reserve;
}

/* Find paths for the files that are made and fetched: one for all of them, else one for each. */
static bool put_all(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                    slk_place_t *place, slk_file_types_t makes, slk_file_types_t fetched,
                    slk_sched_explain_t *why)
{
    slk_file_types_t types = makes | fetched;
    uint64_t all = 0, sizes[SLK_FT_CNT] = {0};
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        if (types & SLK_FT_AT(t))
            all += sizes[t] =
                slk_task_space(need->rule->use, SLK_FT_AT(t), need->job->sector_sz, 0);
    }
    pick_t one = pick_store(round, need, worker, place, types, fetched, all);
    while (types) {
        /* Largest first. */
        unsigned next = (unsigned)__builtin_ctz(types);
        for (unsigned t = next + 1; t < SLK_FT_CNT; t++) {
            if (types & SLK_FT_AT(t) && sizes[t] > sizes[next])
                next = t;
        }
        slk_file_types_t type = SLK_FT_AT(next);
        pick_t pick = one;
        if (one.store == SLK_SCHED_NONE)
            pick = pick_store(round, need, worker, place, type, fetched, sizes[next]);
        if (!pick.takes)
            return fail(why, SLK_SCHED_NO_PATH, worker, SLK_SCHED_NONE, type, need->rule->use);
        if (!pick.routed)
            return fail(why, SLK_SCHED_NO_ROUTE, worker, SLK_SCHED_NONE, type, need->rule->use);
        if (pick.store == SLK_SCHED_NONE)
            return fail(why, SLK_SCHED_SPACE, worker,
                        one.takes && one.routed ? one.most_store : pick.most_store,
                        (int64_t)(one.takes && one.routed ? all : sizes[next]),
                        (int64_t)(one.takes && one.routed ? one.most : pick.most));
        put_in(round, need, worker, place, type, fetched & type, pick.store);
        types &= ~type;
    }
    return true;
}

/* A file that stays where it is; it may grow. */
static bool keep_in_place(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                          slk_place_t *place, const slk_sched_file_t *file,
                          slk_sched_explain_t *why)
{
    uint64_t space = 0;
    if (need->rule->grows & file->type) {
        /* Where it is not known what there is, what the next task may add: PC1 leaves 12 of the 14.1
         * parts of a cache, the other files have their size. */
        uint64_t on_disk = file->bytes;
        if (!on_disk && need->rule->needs & file->type)
            on_disk = file->type == SLK_FT_CACHE ? need->job->sector_sz * 12 : need->job->sector_sz;
        space = slk_task_space(SLK_PATH_SEALING, file->type, need->job->sector_sz, on_disk);
    }
    uint64_t left = left_in(round, place, file->store);
    if (space > left)
        return fail(why, SLK_SCHED_SPACE, worker, file->store, (int64_t)space, (int64_t)left);
    add_plan(place, file->type, SLK_SCHED_EXISTING, file->store)->reserve = space;
    return true;
}

/* Name what else of the sector is on the worker, for tasks that want to know. */
static void name_rest(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                      slk_place_t *place)
{
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        bool named = !(need->rule->sees & file->type) ||
                     !slk_worker_has(round, worker, file->store) ||
                     place->plan_cnt == SLK_COUNT(place->plans);
        for (uint32_t p = 0; p < place->plan_cnt && !named; p++)
            named = place->plans[p].type == file->type && place->plans[p].store == file->store;
        if (!named)
            add_plan(place, file->type, SLK_SCHED_EXISTING, file->store);
    }
}

static bool place_files(const slk_round_t *round, const slk_need_t *need, uint32_t worker,
                        slk_place_t *place, slk_sched_explain_t *why)
{
    slk_file_types_t makes = 0, fetched = 0;
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        slk_file_types_t type = SLK_FT_AT(t);
        bool there = need->present & ~need->remake & type;
        if (!(need->want & type) || (!there && !(need->rule->makes & type)))
            continue;
        const slk_sched_file_t *local = there ? local_file(round, need, worker, type) : NULL;
        bool in_place = local && need->rule->use == SLK_PATH_SEALING;
        if (in_place && need->rule->resumes & type && !round->in->stores[local->store].can_seal)
            makes |= type; /* anew: what rests in long-term storage stays as it is */
        else if (in_place) {
            if (!keep_in_place(round, need, worker, place, local, why))
                return false;
        } else if (there)
            fetched |= type;
        else
            makes |= type;
    }
    if (!put_all(round, need, worker, place, makes, fetched, why))
        return false;
    name_rest(round, need, worker, place);
    return true;
}

bool slk_place(slk_round_t *round, const slk_need_t *need, uint32_t worker, slk_place_t *place,
               slk_sched_explain_t *why)
{
    *place = (slk_place_t){.plan_cnt = 0};
    if (!has_room(round, need, worker, why))
        return false;
    if (need->beside && need->tied && !local_file(round, need, worker, need->tied))
        return fail(why, SLK_SCHED_HOLDER, worker, SLK_SCHED_NONE, slk_need_named(need), 5);
    if (!place_files(round, need, worker, place, why))
        return false;
    const slk_resources_t *row = slk_worker_row(round, worker, need->job->task, need->size);
    place->used =
        slk_worker_used(round, worker, slk_resource_threads(row, round->in->workers[worker].cores),
                        row->min_memory + row->base_memory);
    return true;
}

/* --- Taking ---------------------------------------------------------------------------------- */

static bool grow(void **at, size_t *cap, size_t cnt, size_t size)
{
    if (cnt <= *cap)
        return true;
    size_t wider = cnt * 2 + 64;
    void *more = realloc(*at, wider * size);
    if (!more)
        return false;
    *at = more;
    *cap = wider;
    return true;
}

#define SOURCES_MAX 16

/* Other workers that serve the file: those whose path has the least weight first, as Lotus does. */
static void add_sources(slk_round_t *round, const slk_need_t *need, uint32_t worker,
                        slk_sched_plan_t *plan)
{
    slk_sched_result_t *out = round->out;
    uint32_t found[SOURCES_MAX];
    uint32_t cnt = 0;
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        const slk_store_state_t *store = &round->stores[need->files[i].store];
        for (uint32_t m = 0; need->files[i].type == plan->type && m < store->mounts.cnt; m++) {
            uint32_t index = round->by_store[store->mounts.first + m];
            const slk_sched_mount_t *mount = &round->in->mounts[index];
            if (mount->worker == worker || !slk_mount_serves(round, mount) || cnt == SOURCES_MAX)
                continue;
            uint32_t at = cnt++;
            uint64_t weight = round->in->stores[mount->store].weight;
            for (; at && round->in->stores[round->in->mounts[found[at - 1]].store].weight > weight;
                 at--)
                found[at] = found[at - 1];
            found[at] = index;
        }
    }
    if (!grow((void **)&out->sources, &round->source_cap, out->source_cnt + cnt,
              sizeof(out->sources[0]))) {
        round->no_memory = true;
        return;
    }
    plan->first_source = (uint32_t)out->source_cnt;
    plan->source_cnt = cnt;
    memcpy(out->sources + out->source_cnt, found, cnt * sizeof(found[0]));
    out->source_cnt += cnt;
}

void slk_round_take(slk_round_t *round, const slk_sched_assignment_t *to,
                    const slk_sched_plan_t *plans)
{
    const slk_sched_job_t *job = &round->in->jobs[to->job];
    slk_worker_state_t *worker = &round->workers[to->worker];
    unsigned size = 0;
    for (uint32_t i = 0; i < to->plan_cnt; i++) {
        const slk_sched_plan_t *plan = &plans[to->first_plan + i];
        SLK_ASSERT(round->stores[plan->store].left >= plan->reserve);
        round->stores[plan->store].left -= plan->reserve;
    }
    if (worker->free_left != UINT64_MAX)
        worker->free_left -= to->memory < worker->free_left ? to->memory : worker->free_left;
    bool ok = slk_resource_size(&size, job->sector_sz);
    SLK_ASSERT(ok);
    slk_sector_take(
        round, job->task,
        &(slk_busy_sector_t){
            .miner = job->miner, .number = job->number, .job = job->id, .worker = to->worker});
    int64_t ms = slk_duration(round, to->worker, job->task, size);
    slk_load_add(round, to->worker,
                 &(slk_load_t){.id = job->id,
                               .end_ms = ms == SLK_ETA_UNKNOWN ? ms : round->in->now_ms + ms,
                               .threads = to->threads,
                               .memory = to->memory,
                               .task = job->task,
                               .size = (uint8_t)size});
}

void slk_place_take(slk_round_t *round, const slk_need_t *need, uint32_t worker,
                    const slk_place_t *place)
{
    slk_sched_result_t *out = round->out;
    const slk_sched_job_t *job = need->job;
    const slk_resources_t *row = slk_worker_row(round, worker, job->task, need->size);
    if (!grow((void **)&out->plans, &round->plan_cap, out->plan_cnt + place->plan_cnt,
              sizeof(out->plans[0]))) {
        round->no_memory = true;
        return;
    }
    slk_sched_assignment_t *to = &out->assignments[out->assignment_cnt++];
    *to = (slk_sched_assignment_t){.job = need->index,
                                   .worker = worker,
                                   .threads =
                                       slk_resource_threads(row, round->in->workers[worker].cores),
                                   .memory = row->min_memory + row->base_memory,
                                   .first_plan = (uint32_t)out->plan_cnt,
                                   .plan_cnt = place->plan_cnt};
    for (uint32_t i = 0; i < place->plan_cnt; i++) {
        slk_sched_plan_t *plan = &out->plans[out->plan_cnt++];
        *plan = place->plans[i];
        if (plan->use == SLK_SCHED_FETCH && plan->from == SLK_SCHED_NONE)
            add_sources(round, need, worker, plan);
    }
    slk_round_take(round, to, out->plans);
    int64_t ms = slk_duration(round, worker, job->task, need->size);
    slk_sched_explain_t *why = &out->explains[need->index];
    *why = (slk_sched_explain_t){.why = SLK_SCHED_ASSIGNED,
                                 .worker = worker,
                                 .store = SLK_SCHED_NONE,
                                 .b = SLK_ETA_UNKNOWN,
                                 .start_ms = round->in->now_ms,
                                 .end_ms = ms == SLK_ETA_UNKNOWN ? ms : round->in->now_ms + ms};
}
