/* Trees of workers: jobs that need the same of any worker (task, size, files to bring and to make, what the
 * lists of paths and workers say about the miner) share one. A worker that has no room for one of them has
 * none for the others of the round, as nothing gets free while deciding: it leaves the tree, and each worker
 * is looked at once for a kind of job that does not fit, instead of once for each job. The leaves stand in
 * the order of the shortest time that the worker was measured to take, so that those which can keep a deadline
 * are a range, of which the tree knows the best one. */

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t miner_class;
    uint32_t task, size, store;
    slk_file_types_t want, fetched;
    uint16_t sig[SLK_FT_CNT];
    uint32_t pad;
} class_key_t;

typedef struct {
    uint64_t order; /* smaller is better; may be too small: the worker got something since */
    int64_t least;
    uint32_t worker;
} leaf_t;

struct slk_class {
    class_key_t key;
    leaf_t *leaves;
    uint32_t *
        tree; /* index of the best leaf below; SLK_SCHED_NONE: none left. cap leaves stand at cap */
    uint32_t *aside;
    uint32_t cnt, cap;
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

/* --- The tree -------------------------------------------------------------------------------- */

static uint32_t better_leaf(const slk_class_t *class, uint32_t a, uint32_t b)
{
    if (a == SLK_SCHED_NONE || b == SLK_SCHED_NONE)
        return a == SLK_SCHED_NONE ? b : a;
    const leaf_t *x = &class->leaves[a], *y = &class->leaves[b];
    if (x->order != y->order)
        return x->order < y->order ? a : b;
    return x->worker < y->worker ? a : b;
}

/* Put a leaf in, take it out, or tell that its order changed. */
static void set_leaf(slk_class_t *class, uint32_t leaf, bool in)
{
    uint32_t at = class->cap + leaf;
    class->tree[at] = in ? leaf : SLK_SCHED_NONE;
    while (at > 1) {
        at /= 2;
        class->tree[at] = better_leaf(class, class->tree[at * 2], class->tree[at * 2 + 1]);
    }
}

/* The best of a range. */
static uint32_t best_leaf(const slk_class_t *class, uint32_t from, uint32_t to)
{
    uint32_t best = SLK_SCHED_NONE;
    from += class->cap;
    to += class->cap;
    for (; from < to; from /= 2, to /= 2) {
        if (from & 1)
            best = better_leaf(class, best, class->tree[from++]);
        if (to & 1)
            best = better_leaf(class, best, class->tree[--to]);
    }
    return best;
}

/* How many leaves were measured to be quick enough, or not at all. */
static uint32_t quick_leaves(const slk_class_t *class, int64_t time_left)
{
    uint32_t low = 0, high = class->cnt;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (class->leaves[mid].least <= time_left)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* --- Making them ----------------------------------------------------------------------------- */

static int by_least(const void *a, const void *b)
{
    const leaf_t *x = a, *y = b;
    if (x->least != y->least)
        return x->least < y->least ? -1 : 1;
    return x->worker < y->worker ? -1 : x->worker > y->worker;
}

/* All workers in the order of their shortest time for a task and size. */
static const leaf_t *all_leaves(slk_round_t *round, uint32_t task, uint32_t size,
                                uint64_t sector_sz)
{
    const slk_sched_snapshot_t *in = round->in;
    leaf_t **leaves = (leaf_t **)&round->by_least[task][size];
    if (*leaves)
        return *leaves;
    *leaves = slk_arena_array(&round->arena, in->worker_cnt + 1, sizeof(leaf_t));
    if (!*leaves) {
        round->no_memory = true;
        return NULL;
    }
    for (uint32_t w = 0; w < in->worker_cnt; w++)
        (*leaves)[w] = (leaf_t){
            .worker = w, .least = slk_eta_least_ms(in->eta, task, sector_sz, in->workers[w].id)};
    qsort(*leaves, in->worker_cnt, sizeof(leaf_t), by_least);
    return *leaves;
}

/* Marks of the workers that have a store. */
static const uint8_t *owners(slk_round_t *round, uint32_t store)
{
    uint8_t *marks = slk_arena_alloc(&round->arena, round->in->worker_cnt + 1);
    const slk_span_t *mounts = &round->stores[store].mounts;
    for (uint32_t i = 0; marks && i < mounts->cnt; i++)
        marks[round->in->mounts[round->by_store[mounts->first + i]].worker] = 1;
    round->no_memory |= !marks;
    return marks;
}

static void fill(slk_round_t *round, slk_class_t *class, const slk_sched_job_t *job)
{
    const slk_sched_snapshot_t *in = round->in;
    const leaf_t *all = all_leaves(round, class->key.task, class->key.size, job->sector_sz);
    const uint8_t *marks =
        class->key.store == SLK_SCHED_NONE ? NULL : owners(round, class->key.store);
    int64_t idle = 0;
    class->cap = 1;
    while (class->cap < in->worker_cnt)
        class->cap *= 2;
    class->leaves = slk_arena_array(&round->arena, in->worker_cnt + 1, sizeof(leaf_t));
    class->aside = slk_arena_array(&round->arena, in->worker_cnt + 1, sizeof(uint32_t));
    class->tree = slk_arena_array(&round->arena, (size_t) class->cap * 2, sizeof(uint32_t));
    if (round->no_memory || !class->leaves || !class->aside || !class->tree) {
        round->no_memory = true;
        return;
    }
    for (size_t i = 0; i < in->worker_cnt; i++) {
        uint32_t worker = all[i].worker;
        const slk_sched_worker_t *at = &in->workers[worker];
        if ((marks && !marks[worker]) || !at->alive ||
            !slk_worker_takes(at, class->key.task, job->miner))
            continue;
        if (at->paused || at->draining || at->leaving) {
            idle++;
            continue;
        }
        class->leaves[class->cnt] = all[i];
        class->leaves[class->cnt++].order = order_of(round, class, worker);
    }
    for (uint32_t i = 0; i < class->cap; i++)
        class->tree[class->cap + i] = i < class->cnt ? i : SLK_SCHED_NONE;
    for (uint32_t i = class->cap; i-- > 1;)
        class->tree[i] = better_leaf(class, class->tree[i * 2], class->tree[i * 2 + 1]);
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
    fill(round, class, need->job);
    return round->no_memory ? NULL : class;
}

/* Would it be the same for all other jobs of the class. */
static bool lasts(const slk_class_t *class, slk_sched_why_t why)
{
    /* With files in place, what is needed differs from sector to sector. */
    return (class->key.store == SLK_SCHED_NONE && why != SLK_SCHED_TOO_SLOW) ||
           why == SLK_SCHED_LIMIT || why == SLK_SCHED_CORES || why == SLK_SCHED_MEMORY ||
           why == SLK_SCHED_TOO_BIG || why == SLK_SCHED_KEPT;
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
    uint32_t aside_cnt = 0; /* may take other jobs of the class: put back afterwards */
    uint32_t quick = quick_leaves(class, need->time_left), at;
    bool found = false;
    while ((at = best_leaf(class, 0, quick)) != SLK_SCHED_NONE && !found) {
        leaf_t *leaf = &class->leaves[at];
        uint64_t fresh = order_of(round, class, leaf->worker);
        if (fresh > leaf->order) {
            leaf->order = fresh;
            set_leaf(class, at, true);
            continue;
        }
        slk_sched_explain_t failed;
        bool skip = among(tried, tried_cnt, leaf->worker);
        found = !skip && slk_place(round, need, leaf->worker, place, &failed);
        if (found) {
            *worker = leaf->worker;
            break;
        }
        set_leaf(class, at, false);
        bool gone = !skip && lasts(class, failed.why);
        if (!gone)
            class->aside[aside_cnt++] = at;
        if (!skip)
            slk_why_better(gone ? &class->best : why, &failed);
    }
    at = found ? SLK_SCHED_NONE : best_leaf(class, quick, class->cnt);
    if (at != SLK_SCHED_NONE)
        slk_why_better(why, &(slk_sched_explain_t){.why = SLK_SCHED_TOO_SLOW,
                                                   .worker = class->leaves[at].worker,
                                                   .store = SLK_SCHED_NONE,
                                                   .a = need->time_left,
                                                   .b = class->leaves[at].least});
    while (aside_cnt)
        set_leaf(class, class->aside[--aside_cnt], true);
    slk_why_better(why, &class->best);
    return found;
}
