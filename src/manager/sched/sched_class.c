/* Heaps of workers: jobs that need the same of any worker (task, size, files to bring and to make, what the
 * lists of paths and workers say about the miner) share one. A worker that has no room for one of them has
 * none for the others of the round, as nothing gets free while deciding: it leaves the heap, and each worker
 * is looked at once for a kind of job that does not fit, instead of once for each job. */

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <string.h>

typedef struct {
    uint64_t miner_class;
    uint32_t task, size, store;
    slk_file_types_t want, fetched;
    uint16_t sig[SLK_FT_CNT];
    uint32_t pad;
} class_key_t;

typedef struct {
    uint64_t key;
    uint32_t worker;
} entry_t;

struct slk_class {
    class_key_t key;
    entry_t *heap, *aside;
    size_t cnt;
    slk_sched_explain_t best; /* why those that left could not */
};

static class_key_t key_of(const slk_need_t *need, uint32_t store)
{
    class_key_t key;
    memset(&key, 0, sizeof(key)); /* compared by bytes */
    key.miner_class = need->miner_class;
    key.task = need->job->task;
    key.size = need->size;
    key.store = store;
    key.want = need->want;
    key.fetched = need->want & need->present & ~need->remake;
    for (unsigned t = 0; t < SLK_FT_CNT; t++)
        key.sig[t] = key.fetched & SLK_FT_AT(t) ? need->sig[t] : SLK_SIG_NONE;
    return key;
}

static size_t hash_of(const class_key_t *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(*key); i++)
        hash = (hash ^ ((const uint8_t *)key)[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 31);
}

/* The logarithm of a product, in 1/256. */
static uint64_t level(unsigned __int128 value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    unsigned bits = high  ? 128 - (unsigned)__builtin_clzll(high)
                    : low ? 64 - (unsigned)__builtin_clzll(low)
                          : 0;
    return bits << 8 | (bits > 8 ? (uint64_t)(value >> (bits - 9)) & 255 : 0);
}

/* Smaller is better. Files come to rest where there is most room, by turns; all else goes to the least used
 * worker; what needs no files first to workers that can do little else. */
static uint64_t order_of(const slk_round_t *round, const slk_class_t *class, uint32_t worker)
{
    const slk_worker_state_t *state = &round->workers[worker];
    const slk_task_files_t *rule = &slk_task_files[class->key.task];
    uint64_t used = slk_worker_used(round, worker, 0, 0);
    uint64_t busy = state->tasks[class->key.task];
    used = used < UINT64_C(1) << 32 ? used : (UINT64_C(1) << 32) - 1;
    busy = busy < 0xffff ? busy : 0xffff;
    if (rule->use != SLK_PATH_STORAGE)
        return (uint64_t)(class->key.want ? 0 : state->task_types) << 56 | used << 16 | busy;
    uint64_t most = 0;
    for (uint32_t i = 0; i < state->mounts.cnt; i++) {
        uint32_t store = round->in->mounts[round->by_worker[state->mounts.first + i]].store;
        if (!slk_store_final(round, store))
            continue;
        uint64_t here =
            level((unsigned __int128)round->stores[store].left * round->in->stores[store].weight);
        most = here > most ? here : most;
    }
    return busy << 48 | (UINT64_C(0xffffff) - most) << 24 | (used & 0xffffff);
}

static bool before(const entry_t *a, const entry_t *b)
{
    return a->key < b->key || (a->key == b->key && a->worker < b->worker);
}

static void sift_down(entry_t *heap, size_t cnt, size_t at)
{
    entry_t moved = heap[at];
    for (size_t child; (child = at * 2 + 1) < cnt; at = child) {
        if (child + 1 < cnt && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void push(slk_class_t *class, entry_t entry)
{
    size_t at = class->cnt++;
    for (; at && before(&entry, &class->heap[(at - 1) / 2]); at = (at - 1) / 2)
        class->heap[at] = class->heap[(at - 1) / 2];
    class->heap[at] = entry;
}

static void fill(slk_round_t *round, slk_class_t *class, uint64_t miner)
{
    const slk_sched_snapshot_t *in = round->in;
    const slk_span_t *mounts =
        class->key.store == SLK_SCHED_NONE ? NULL : &round->stores[class->key.store].mounts;
    size_t all = mounts ? mounts->cnt : in->worker_cnt;
    int64_t idle = 0;
    class->heap = slk_arena_array(&round->arena, all ? all : 1, sizeof(entry_t));
    class->aside = slk_arena_array(&round->arena, all ? all : 1, sizeof(entry_t));
    if (!class->heap || !class->aside) {
        round->no_memory = true;
        return;
    }
    for (size_t i = 0; i < all; i++) {
        uint32_t worker =
            mounts ? in->mounts[round->by_store[mounts->first + i]].worker : (uint32_t)i;
        const slk_sched_worker_t *at = &in->workers[worker];
        if (!at->alive || !slk_worker_takes(at, class->key.task, miner))
            continue;
        if (at->paused || at->draining)
            idle++;
        else
            class->heap[class->cnt++] = (entry_t){order_of(round, class, worker), worker};
    }
    for (size_t i = class->cnt / 2; i-- > 0;)
        sift_down(class->heap, class->cnt, i);
    class->best =
        (slk_sched_explain_t){.why = round->alive ? SLK_SCHED_NO_TASK : SLK_SCHED_NO_WORKER,
                              .worker = SLK_SCHED_NONE,
                              .store = SLK_SCHED_NONE,
                              .a = idle};
}

static void widen(slk_round_t *round)
{
    size_t cap = round->class_cap * 2;
    slk_class_t **wider = slk_arena_array(&round->arena, cap, sizeof(*wider));
    if (!wider) {
        round->no_memory = true;
        return;
    }
    for (size_t i = 0; i < round->class_cap; i++) {
        size_t at = round->classes[i] ? hash_of(&round->classes[i]->key) : 0;
        while (round->classes[i] && wider[at & (cap - 1)])
            at++;
        if (round->classes[i])
            wider[at & (cap - 1)] = round->classes[i];
    }
    round->classes = wider;
    round->class_cap = cap;
}

static slk_class_t *class_of(slk_round_t *round, const slk_need_t *need, uint32_t store)
{
    class_key_t key = key_of(need, store);
    if (round->class_cnt * 2 >= round->class_cap)
        widen(round);
    if (round->no_memory)
        return NULL;
    size_t at = hash_of(&key) & (round->class_cap - 1);
    for (; round->classes[at]; at = (at + 1) & (round->class_cap - 1)) {
        if (!memcmp(&round->classes[at]->key, &key, sizeof(key)))
            return round->classes[at];
    }
    slk_class_t *class = slk_arena_alloc(&round->arena, sizeof(*class));
    if (!class) {
        round->no_memory = true;
        return NULL;
    }
    class->key = key;
    round->classes[at] = class;
    round->class_cnt++;
    fill(round, class, need->job->miner);
    return round->no_memory ? NULL : class;
}

/* Would it be the same for all other jobs of the class. */
static bool lasts(const slk_class_t *class, slk_sched_why_t why)
{
    if (why == SLK_SCHED_TOO_SLOW)
        return false;
    /* With files in place, what is needed differs from sector to sector. */
    return class->key.store == SLK_SCHED_NONE || why == SLK_SCHED_LIMIT || why == SLK_SCHED_CORES ||
           why == SLK_SCHED_MEMORY || why == SLK_SCHED_TOO_BIG || why == SLK_SCHED_KEPT;
}

static bool among(const uint32_t *list, size_t cnt, uint32_t value)
{
    for (size_t i = 0; i < cnt; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

bool slk_class_place(slk_round_t *round, const slk_need_t *need, uint32_t store,
                     const uint32_t *tried, size_t tried_cnt, uint32_t *worker, slk_place_t *place,
                     slk_sched_explain_t *why)
{
    slk_class_t *class = class_of(round, need, store);
    if (!class)
        return false;
    size_t aside_cnt = 0; /* may take other jobs of the class: put back afterwards */
    bool found = false;
    while (class->cnt && !found) {
        entry_t entry = class->heap[0];
        uint64_t fresh = order_of(round, class, entry.worker);
        if (fresh > entry.key) {
            class->heap[0].key = fresh;
            sift_down(class->heap, class->cnt, 0);
            continue;
        }
        slk_sched_explain_t failed;
        bool skip = among(tried, tried_cnt, entry.worker);
        found = !skip && slk_place(round, need, entry.worker, place, &failed);
        if (found) {
            *worker = entry.worker;
            break;
        }
        class->heap[0] = class->heap[--class->cnt];
        if (class->cnt)
            sift_down(class->heap, class->cnt, 0);
        bool gone = !skip && lasts(class, failed.why);
        if (!gone)
            class->aside[aside_cnt++] = entry;
        if (!skip)
            slk_why_better(gone ? &class->best : why, &failed);
    }
    while (aside_cnt)
        push(class, class->aside[--aside_cnt]);
    slk_why_better(why, &class->best);
    return found;
}
