/* When waiting jobs will start: each kind of job has as many places as its workers can hold at a time; who
 * waits takes the one that gets free first. An estimate: other kinds of jobs and transfers are left out, and
 * where a duration is not measured all that depends on it is unknown. */

#include "base/assert.h"
#include "manager/sched/sched_private.h"

#include <string.h>

typedef struct {
    int64_t free_ms;
    uint32_t worker;
} seat_t;

typedef struct {
    seat_t *heap;
    size_t cnt;
    bool filled;
} seats_t;

static bool sooner(const seat_t *a, const seat_t *b)
{
    return a->free_ms < b->free_ms || (a->free_ms == b->free_ms && a->worker < b->worker);
}

static void sift(seats_t *seats, size_t at)
{
    seat_t moved = seats->heap[at];
    for (size_t child; (child = at * 2 + 1) < seats->cnt; at = child) {
        if (child + 1 < seats->cnt && sooner(&seats->heap[child + 1], &seats->heap[child]))
            child++;
        if (!sooner(&seats->heap[child], &moved))
            break;
        seats->heap[at] = seats->heap[child];
    }
    seats->heap[at] = moved;
}

/* How many of a kind a worker can hold when it does nothing else. */
static uint64_t places(const slk_round_t *round, uint32_t worker, slk_task_t task, unsigned size)
{
    const slk_sched_worker_t *in = &round->in->workers[worker];
    const slk_resources_t *row = slk_worker_row(round, worker, task, size);
    uint32_t threads = slk_resource_threads(row, in->cores);
    uint64_t need = row->min_memory + row->base_memory, cnt = in->limit[task];
    if (row->max_concurrent && row->max_concurrent < cnt)
        cnt = row->max_concurrent;
    if (threads && in->cores / threads < cnt)
        cnt = in->cores / threads;
    if (need && in->memory / need < cnt)
        cnt = in->memory / need;
    return cnt < 64 ? cnt : 64;
}

/* Running ones of the kind hold a place until they end; the others are free when the first job of another
 * kind ends, as there would be no waiting if they were free now. */
static void fill(slk_round_t *round, seats_t *seats, slk_task_t task, unsigned size)
{
    const slk_sched_snapshot_t *in = round->in;
    size_t all = 0;
    seats->filled = true;
    for (uint32_t w = 0; w < in->worker_cnt; w++)
        all += places(round, w, task, size);
    seats->heap = slk_arena_array(&round->arena, all + 1, sizeof(seat_t));
    for (uint32_t w = 0; seats->heap && w < in->worker_cnt; w++) {
        const slk_sched_worker_t *worker = &in->workers[w];
        if (!worker->alive || worker->paused || worker->draining || worker->leaving)
            continue;
        uint64_t cnt = places(round, w, task, size), at = 0;
        for (uint32_t i = round->workers[w].first_load; i != SLK_SCHED_NONE && at < cnt;
             i = round->loads[i].next) {
            if (round->loads[i].end_ms == SLK_ETA_UNKNOWN)
                break;
            seats->heap[seats->cnt++] = (seat_t){round->loads[i].end_ms, w};
            at++;
        }
    }
    for (size_t i = seats->cnt / 2; i-- > 0;)
        sift(seats, i);
}

void slk_round_times(slk_round_t *round, const uint32_t *order, size_t cnt)
{
    const slk_sched_snapshot_t *in = round->in;
    seats_t seats[SLK_TASK_CNT][SLK_RESOURCE_SIZES];
    memset(seats, 0, sizeof(seats));
    for (size_t i = 0; i < cnt; i++) {
        slk_sched_explain_t *why = &round->out->explains[order[i]];
        const slk_sched_job_t *job = &in->jobs[order[i]];
        bool near = why->why == SLK_SCHED_NEARER;
        unsigned size = 0;
        if (!near && why->why != SLK_SCHED_LIMIT && why->why != SLK_SCHED_CORES &&
            why->why != SLK_SCHED_MEMORY)
            continue;
        if (!slk_resource_size(&size, job->sector_sz))
            continue;
        if (near) {
            int64_t ms = slk_duration(round, why->worker, job->task, size);
            why->start_ms = in->now_ms + why->a;
            why->end_ms = ms < 0 ? SLK_ETA_UNKNOWN : why->start_ms + ms;
            continue;
        }
        seats_t *of = &seats[job->task][size];
        if (!of->filled)
            fill(round, of, job->task, size);
        if (!of->cnt)
            continue;
        seat_t *first = &of->heap[0];
        int64_t ms = slk_duration(round, first->worker, job->task, size);
        why->start_ms = first->free_ms;
        why->end_ms = ms < 0 ? SLK_ETA_UNKNOWN : first->free_ms + ms;
        if (ms < 0)
            *first = of->heap[--of->cnt]; /* nobody knows when it gets free again */
        else
            first->free_ms += ms;
        if (of->cnt)
            sift(of, 0);
    }
}
