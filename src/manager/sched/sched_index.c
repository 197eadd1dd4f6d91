/* The snapshot with indices: who has which store, which durations were measured, which miners and groups
 * are named at all. Whatever is not named behaves alike, which keeps the number of cases small. */

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <stdlib.h>
#include <string.h>

static void *get(slk_round_t *round, size_t cnt, size_t size)
{
    void *at = slk_arena_array(&round->arena, cnt ? cnt : 1, size);
    round->no_memory |= !at;
    return at;
}

bool slk_has_u64(const uint64_t *list, size_t cnt, uint64_t value)
{
    for (size_t i = 0; i < cnt; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

bool slk_worker_takes(const slk_sched_worker_t *worker, slk_task_t task, uint64_t miner)
{
    return worker->limit[task] &&
           (!worker->miner_cnt || slk_has_u64(worker->miners, worker->miner_cnt, miner));
}

const slk_resources_t *slk_worker_row(const slk_round_t *round, uint32_t worker, slk_task_t task,
                                      unsigned size)
{
    const slk_resource_table_t *table = round->in->workers[worker].resources;
    return &(table ? table : &slk_resource_defaults)->of[task][size];
}

bool slk_mount_serves(const slk_round_t *round, const slk_sched_mount_t *mount)
{
    return round->in->workers[mount->worker].alive && round->in->stores[mount->store].healthy;
}

/* --- Mounts ---------------------------------------------------------------------------------- */

/* Counting sort of the mounts by worker and by store: stable, so that equals stay in their order. */
static void index_mounts(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    round->by_worker = get(round, in->mount_cnt, sizeof(uint32_t));
    round->by_store = get(round, in->mount_cnt, sizeof(uint32_t));
    if (round->no_memory)
        return;
    for (size_t i = 0; i < in->mount_cnt; i++) {
        SLK_ASSERT(in->mounts[i].worker < in->worker_cnt && in->mounts[i].store < in->store_cnt);
        round->workers[in->mounts[i].worker].mounts.cnt++;
        round->stores[in->mounts[i].store].mounts.cnt++;
    }
    uint32_t first = 0;
    for (size_t i = 0; i < in->worker_cnt; i++) {
        round->workers[i].mounts.first = first;
        first += round->workers[i].mounts.cnt;
        round->workers[i].mounts.cnt = 0;
    }
    first = 0;
    for (size_t i = 0; i < in->store_cnt; i++) {
        round->stores[i].mounts.first = first;
        first += round->stores[i].mounts.cnt;
        round->stores[i].mounts.cnt = 0;
    }
    for (uint32_t i = 0; i < in->mount_cnt; i++) {
        slk_span_t *worker = &round->workers[in->mounts[i].worker].mounts;
        slk_span_t *store = &round->stores[in->mounts[i].store].mounts;
        round->by_worker[worker->first + worker->cnt++] = i;
        round->by_store[store->first + store->cnt++] = i;
    }
}

/* --- Groups: names become numbers ------------------------------------------------------------ */

typedef struct {
    const char *text;
    uint32_t *id; /* where its number goes */
} name_t;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const name_t *)a)->text, ((const name_t *)b)->text);
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* A set of groups that files may go to, as a small number: equal sets have equal ones. */
static uint16_t sig_of(slk_round_t *round, const uint32_t *ids, uint32_t cnt)
{
    for (size_t i = 1; i < round->sig_cnt; i++) {
        if (round->sigs[i].cnt == cnt &&
            !memcmp(round->sig_ids + round->sigs[i].first, ids, cnt * sizeof(*ids)))
            return (uint16_t)i;
    }
    if (round->sig_cnt == round->sig_cap || round->sig_id_cnt + cnt > round->sig_id_cap) {
        /* Arenas do not grow in place; the old arrays stay until the round ends. */
        size_t sig_cap = round->sig_cap * 2, id_cap = (round->sig_id_cap + cnt) * 2;
        slk_span_t *sigs = get(round, sig_cap, sizeof(*sigs));
        uint32_t *more = get(round, id_cap, sizeof(*more));
        if (round->no_memory)
            return 0;
        memcpy(sigs, round->sigs, round->sig_cnt * sizeof(*sigs));
        memcpy(more, round->sig_ids, round->sig_id_cnt * sizeof(*more));
        round->sigs = sigs;
        round->sig_ids = more;
        round->sig_cap = sig_cap;
        round->sig_id_cap = id_cap;
    }
    SLK_ASSERT(round->sig_cnt < SLK_SIG_NONE);
    round->sigs[round->sig_cnt] = (slk_span_t){(uint32_t)round->sig_id_cnt, cnt};
    memcpy(round->sig_ids + round->sig_id_cnt, ids, cnt * sizeof(*ids));
    round->sig_id_cnt += cnt;
    return (uint16_t)round->sig_cnt++;
}

static uint32_t unique(uint32_t *ids, uint32_t cnt)
{
    uint32_t kept = 0;
    qsort(ids, cnt, sizeof(*ids), by_id);
    for (uint32_t i = 0; i < cnt; i++) {
        if (!kept || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    }
    return kept;
}

static void index_groups(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    size_t cnt = 0, at = 0;
    for (size_t i = 0; i < in->store_cnt; i++)
        cnt += in->stores[i].group_cnt + in->stores[i].allow_to_cnt;
    name_t *names = get(round, cnt, sizeof(*names));
    round->group_ids = get(round, cnt, sizeof(uint32_t));
    round->sig_cap = 16;
    round->sig_id_cap = 64;
    round->sig_cnt = 1;
    round->sigs = get(round, round->sig_cap, sizeof(slk_span_t));
    round->sig_ids = get(round, round->sig_id_cap, sizeof(uint32_t));
    if (round->no_memory)
        return;
    for (size_t i = 0; i < in->store_cnt; i++) {
        const slk_sched_store_t *store = &in->stores[i];
        round->stores[i].groups = (slk_span_t){(uint32_t)at, (uint32_t)store->group_cnt};
        for (size_t g = 0; g < store->group_cnt; g++, at++)
            names[at] = (name_t){store->groups[g], &round->group_ids[at]};
        for (size_t g = 0; g < store->allow_to_cnt; g++, at++)
            names[at] = (name_t){store->allow_to[g], &round->group_ids[at]};
    }
    qsort(names, cnt, sizeof(*names), by_text);
    uint32_t id = 0;
    for (size_t i = 0; i < cnt; i++) {
        id += i && strcmp(names[i - 1].text, names[i].text) != 0;
        *names[i].id = id;
    }
    for (size_t i = 0; i < in->store_cnt; i++) {
        slk_store_state_t *store = &round->stores[i];
        uint32_t *allow = round->group_ids + store->groups.first + store->groups.cnt;
        uint32_t allow_cnt = (uint32_t)in->stores[i].allow_to_cnt;
        store->sig = allow_cnt ? sig_of(round, allow, unique(allow, allow_cnt)) : 0;
    }
}

bool slk_sig_allows(const slk_round_t *round, uint16_t sig, uint32_t store)
{
    if (sig == 0 || sig == SLK_SIG_NONE)
        return true;
    const slk_span_t *groups = &round->stores[store].groups, *allow = &round->sigs[sig];
    for (uint32_t g = 0; g < groups->cnt; g++) {
        for (uint32_t a = 0; a < allow->cnt; a++) {
            if (round->group_ids[groups->first + g] == round->sig_ids[allow->first + a])
                return true;
        }
    }
    return false;
}

/* The union of what two sets allow. */
static uint16_t sig_union(slk_round_t *round, uint16_t a, uint16_t b)
{
    if (a == b || a == SLK_SIG_NONE)
        return b;
    if (a == 0 || b == 0)
        return 0;
    uint32_t cnt = round->sigs[a].cnt + round->sigs[b].cnt;
    uint32_t *ids = get(round, cnt, sizeof(*ids));
    if (!ids)
        return 0;
    memcpy(ids, round->sig_ids + round->sigs[a].first, round->sigs[a].cnt * sizeof(*ids));
    memcpy(ids + round->sigs[a].cnt, round->sig_ids + round->sigs[b].first,
           round->sigs[b].cnt * sizeof(*ids));
    return sig_of(round, ids, unique(ids, cnt));
}

/* --- Miners ---------------------------------------------------------------------------------- */

static int by_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void index_miners(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    size_t cnt = 0;
    for (size_t i = 0; i < in->worker_cnt; i++)
        cnt += in->workers[i].miner_cnt;
    for (size_t i = 0; i < in->store_cnt; i++)
        cnt += in->stores[i].allow_miner_cnt + in->stores[i].deny_miner_cnt;
    uint64_t *named = get(round, cnt, sizeof(*named));
    if (round->no_memory)
        return;
    size_t at = 0;
    for (size_t i = 0; i < in->worker_cnt; i++) {
        for (size_t m = 0; m < in->workers[i].miner_cnt; m++)
            named[at++] = in->workers[i].miners[m];
    }
    for (size_t i = 0; i < in->store_cnt; i++) {
        const slk_sched_store_t *store = &in->stores[i];
        for (size_t m = 0; m < store->allow_miner_cnt; m++)
            named[at++] = store->allow_miners[m];
        for (size_t m = 0; m < store->deny_miner_cnt; m++)
            named[at++] = store->deny_miners[m];
    }
    qsort(named, at, sizeof(*named), by_u64);
    round->named_miners = named;
    for (size_t i = 0; i < at; i++) {
        if (!i || named[i] != named[i - 1])
            named[round->named_cnt++] = named[i];
    }
}

/* --- Workers --------------------------------------------------------------------------------- */

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint32_t *id_slot(const slk_round_t *round, const char *id)
{
    uint32_t mask = round->workers_by_id_cap - 1;
    for (uint32_t i = (uint32_t)hash_text(id) & mask;; i = (i + 1) & mask) {
        uint32_t at = round->workers_by_id[i];
        if (at == SLK_SCHED_NONE || !strcmp(round->in->workers[at].id, id))
            return &round->workers_by_id[i];
    }
}

uint32_t slk_worker_by_id(const slk_round_t *round, const char *id)
{
    return *id_slot(round, id);
}

static const uint64_t size_bytes[SLK_RESOURCE_SIZES] = {UINT64_C(2) << 10, UINT64_C(8) << 20,
                                                        UINT64_C(512) << 20, UINT64_C(32) << 30,
                                                        UINT64_C(64) << 30};

int64_t slk_duration(slk_round_t *round, uint32_t worker, slk_task_t task, unsigned size)
{
    int64_t *at =
        &round->durations[((size_t)worker * SLK_TASK_CNT + task) * SLK_RESOURCE_SIZES + size];
    if (*at == INT64_MIN)
        *at = slk_eta_ms(round->in->eta, task, size_bytes[size], round->in->workers[worker].id);
    return *at;
}

static void index_workers(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    round->workers_by_id_cap = 16;
    while (round->workers_by_id_cap < in->worker_cnt * 2)
        round->workers_by_id_cap *= 2;
    round->workers_by_id = get(round, round->workers_by_id_cap, sizeof(uint32_t));
    size_t cells = in->worker_cnt * SLK_TASK_CNT * SLK_RESOURCE_SIZES;
    round->durations = get(round, cells, sizeof(int64_t));
    if (round->no_memory)
        return;
    memset(round->workers_by_id, 0xff, round->workers_by_id_cap * sizeof(uint32_t));
    for (size_t i = 0; i < cells; i++)
        round->durations[i] = INT64_MIN;
    for (uint32_t i = 0; i < in->worker_cnt; i++) {
        slk_worker_state_t *worker = &round->workers[i];
        worker->first_load = worker->kept = SLK_SCHED_NONE;
        worker->free_left = in->workers[i].free_memory ? in->workers[i].free_memory : UINT64_MAX;
        round->alive += in->workers[i].alive;
        for (unsigned t = 0; t < SLK_TASK_CNT; t++)
            worker->task_types += in->workers[i].limit[t] != 0;
        *id_slot(round, in->workers[i].id) = i;
    }
}

static bool ends_later(const slk_load_t *a, const slk_load_t *b)
{
    return (uint64_t)a->end_ms > (uint64_t)b->end_ms; /* unknown is -1: last */
}

void slk_load_add(slk_round_t *round, uint32_t index, const slk_load_t *load)
{
    slk_worker_state_t *worker = &round->workers[index];
    uint32_t *link = &worker->first_load;
    while (*link != SLK_SCHED_NONE && !ends_later(&round->loads[*link], load))
        link = &round->loads[*link].next;
    slk_load_t *at = &round->loads[round->load_cnt];
    *at = *load;
    at->next = *link;
    *link = (uint32_t)round->load_cnt++;
    worker->threads += load->threads;
    worker->memory += load->memory;
    worker->tasks[load->task]++;
    worker->counts[load->task][load->size]++;
}

/* --- Sectors: one job at a time has the files of one ----------------------------------------- */

static slk_busy_sector_t *busy_slot(const slk_round_t *round, uint64_t miner, uint64_t number)
{
    uint64_t hash = (miner * UINT64_C(0x9e3779b97f4a7c15) + number) * UINT64_C(0xbf58476d1ce4e5b9);
    for (size_t i = hash >> 20 & (round->busy_cap - 1);; i = (i + 1) & (round->busy_cap - 1)) {
        slk_busy_sector_t *at = &round->busy[i];
        if (!at->used || (at->miner == miner && at->number == number))
            return at;
    }
}

const slk_busy_sector_t *slk_sector_busy(const slk_round_t *round, uint64_t miner, uint64_t number)
{
    const slk_busy_sector_t *at = busy_slot(round, miner, number);
    return at->used ? at : NULL;
}

bool slk_task_has_files(slk_task_t task)
{
    const slk_task_files_t *rule = &slk_task_files[task];
    return rule->needs | rule->brings | rule->makes | rule->sees;
}

void slk_sector_take(slk_round_t *round, slk_task_t task, const slk_busy_sector_t *sector)
{
    slk_busy_sector_t *at = busy_slot(round, sector->miner, sector->number);
    if (at->used || !slk_task_has_files(task))
        return;
    *at = *sector;
    at->used = true;
}

/* What workers have already. */
static void index_running(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    round->loads = get(round, in->running_cnt + in->job_cnt, sizeof(slk_load_t));
    round->busy_cap = 64;
    while (round->busy_cap < (in->running_cnt + in->job_cnt) * 2)
        round->busy_cap *= 2;
    round->busy = get(round, round->busy_cap, sizeof(slk_busy_sector_t));
    if (round->no_memory)
        return;
    for (size_t i = 0; i < in->running_cnt; i++) {
        const slk_sched_running_t *run = &in->running[i];
        unsigned size = 0;
        bool known = slk_resource_size(&size, run->sector_sz);
        SLK_ASSERT(known && run->worker < in->worker_cnt && run->task < SLK_TASK_CNT);
        slk_sector_take(
            round, run->task,
            &(slk_busy_sector_t){
                .miner = run->miner, .number = run->number, .job = run->id, .worker = run->worker});
        const slk_resources_t *row = slk_worker_row(round, run->worker, run->task, size);
        const slk_sched_worker_t *worker = &in->workers[run->worker];
        slk_load_add(round, run->worker,
                     &(slk_load_t){.id = run->id,
                                   .end_ms = slk_eta_end_of(
                                       slk_duration(round, run->worker, run->task, size),
                                       run->started_ms, run->done, run->total, in->now_ms),
                                   .threads = slk_resource_threads(row, worker->cores),
                                   .memory = row->min_memory + row->base_memory,
                                   .task = run->task,
                                   .size = (uint8_t)size});
    }
}

static void index_fastest(slk_round_t *round)
{
    const slk_sched_snapshot_t *in = round->in;
    for (unsigned t = 0; t < SLK_TASK_CNT; t++) {
        for (unsigned s = 0; s < SLK_RESOURCE_SIZES; s++) {
            int64_t best = SLK_ETA_UNKNOWN,
                    least = slk_eta_least_ms(in->eta, t, size_bytes[s], NULL);
            bool known = slk_eta_ms(in->eta, t, size_bytes[s], NULL) != SLK_ETA_UNKNOWN;
            for (uint32_t w = 0; known && w < in->worker_cnt; w++) {
                int64_t ms =
                    in->workers[w].limit[t] ? slk_duration(round, w, t, s) : SLK_ETA_UNKNOWN;
                if (ms != SLK_ETA_UNKNOWN && (best == SLK_ETA_UNKNOWN || ms < best))
                    best = ms;
                ms = slk_eta_least_ms(in->eta, t, size_bytes[s], in->workers[w].id);
                if (ms != SLK_ETA_UNKNOWN && ms < least)
                    least = ms;
            }
            round->least[t][s] = least;
            round->fastest[t][s] = best;
        }
    }
}

bool slk_round_open(slk_round_t *round, const slk_sched_snapshot_t *in, slk_sched_result_t *out)
{
    *round = (slk_round_t){.in = in, .out = out};
    SLK_ASSERT(in->worker_cnt < SLK_SCHED_NONE && in->store_cnt < SLK_SCHED_NONE &&
               in->job_cnt < SLK_SCHED_NONE / 2 && in->mount_cnt < SLK_SCHED_NONE &&
               in->running_cnt < SLK_SCHED_NONE / 2);
    slk_arena_init(&round->arena, (size_t)1 << 30);
    round->workers = get(round, in->worker_cnt, sizeof(slk_worker_state_t));
    round->stores = get(round, in->store_cnt, sizeof(slk_store_state_t));
    round->class_cap = 64;
    round->classes = get(round, round->class_cap, sizeof(round->classes[0]));
    if (round->no_memory)
        return false;
    for (size_t i = 0; i < in->store_cnt; i++) {
        const slk_sched_store_t *store = &in->stores[i];
        round->stores[i].left =
            store->available > store->promised ? store->available - store->promised : 0;
        round->any_final |= store->can_final;
    }
    index_mounts(round);
    index_groups(round);
    index_miners(round);
    index_workers(round);
    index_running(round);
    if (!round->no_memory)
        index_fastest(round);
    return !round->no_memory;
}

void slk_round_close(slk_round_t *round)
{
    slk_arena_free(&round->arena);
}

/* --- Jobs ------------------------------------------------------------------------------------ */

/* Types that have come to rest already, for GET. */
static slk_file_types_t at_rest(const slk_round_t *round, const slk_need_t *need)
{
    slk_file_types_t types = 0;
    for (size_t i = 0; i < need->job->file_cnt; i++) {
        if (slk_store_final(round, need->files[i].store))
            types |= need->files[i].type;
    }
    return types;
}

void slk_need_init(slk_round_t *round, slk_need_t *need, uint32_t index)
{
    const slk_sched_snapshot_t *in = round->in;
    const slk_sched_job_t *job = &in->jobs[index];
    *need = (slk_need_t){.index = index,
                         .job = job,
                         .rule = &slk_task_files[job->task],
                         .files = in->files + job->first_file,
                         .time_left = INT64_MAX,
                         .beside = slk_task_files[job->task].beside && !job->only_worker};
    bool ok = slk_resource_size(&need->size, job->sector_sz);
    SLK_ASSERT(ok && job->file_cnt <= in->file_cnt &&
               job->first_file <= in->file_cnt - job->file_cnt);
    need->miner_class =
        bsearch(&job->miner, round->named_miners, round->named_cnt, sizeof(uint64_t), by_u64)
            ? job->miner
            : UINT64_MAX;
    if (job->deadline_ms)
        need->time_left = job->deadline_ms - in->now_ms;
    need->want = need->rule->needs | need->rule->brings | need->rule->makes;
    if (need->rule->use == SLK_PATH_STORAGE)
        need->want &= ~at_rest(round, need);
    for (unsigned t = 0; t < SLK_FT_CNT; t++)
        need->sig[t] = SLK_SIG_NONE;
    for (size_t i = 0; i < job->file_cnt; i++) {
        const slk_sched_file_t *file = &need->files[i];
        SLK_ASSERT(file->store < in->store_cnt);
        need->present |= file->type;
        const slk_store_state_t *store = &round->stores[file->store];
        for (uint32_t m = 0; m < store->mounts.cnt; m++) {
            if (!slk_mount_serves(round, &in->mounts[round->by_store[store->mounts.first + m]]))
                continue;
            unsigned t = slk_file_type_index(file->type);
            need->reachable |= file->type;
            need->sig[t] = sig_union(round, need->sig[t], store->sig);
            break;
        }
    }
    need->tied = need->want ? need->want & need->present : need->present;
    /* What another worker began and cannot give is begun anew, where the task can. */
    need->remake = need->rule->makes & need->rule->resumes & need->present & ~need->reachable;
}
