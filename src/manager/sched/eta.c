#include "manager/sched/eta.h"

#include "base/assert.h"
#include "manager/sched/resources.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last measurements of one (task, size, worker), newest over oldest. */
typedef struct {
    char *worker; /* "" is all of them together */
    uint8_t task;
    uint8_t size;
    uint8_t cnt, next;
    int64_t ms[SLK_ETA_KEEP];
    int64_t median, least;
} series_t;

struct slk_eta {
    series_t **table; /* hash table with open addressing; cap is a power of two */
    size_t cnt, cap;
    series_t fetch; /* microseconds a MiB */
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void series_add(series_t *series, int64_t value)
{
    int64_t sorted[SLK_ETA_KEEP];
    series->ms[series->next] = value;
    series->next = (uint8_t)((series->next + 1) % SLK_ETA_KEEP);
    if (series->cnt < SLK_ETA_KEEP)
        series->cnt++;
    memcpy(sorted, series->ms, series->cnt * sizeof(sorted[0]));
    qsort(sorted, series->cnt, sizeof(sorted[0]), by_value);
    series->least = sorted[0];
    size_t mid = series->cnt / 2;
    series->median =
        series->cnt % 2 ? sorted[mid] : sorted[mid - 1] + (sorted[mid] - sorted[mid - 1]) / 2;
}

static uint64_t hash_of(unsigned task, unsigned size, const char *worker)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (task * 8 + size);
    for (; *worker; worker++)
        hash = (hash ^ (uint8_t)*worker) * UINT64_C(0x100000001b3);
    return hash * UINT64_C(0x100000001b3);
}

/* Where the series is or belongs. */
static series_t **slot_of(const slk_eta_t *eta, unsigned task, unsigned size, const char *worker)
{
    uint64_t hash = hash_of(task, size, worker);
    for (size_t i = (hash ^ hash >> 29) & (eta->cap - 1);; i = (i + 1) & (eta->cap - 1)) {
        series_t *at = eta->table[i];
        if (!at || (at->task == task && at->size == size && strcmp(at->worker, worker) == 0))
            return &eta->table[i];
    }
}

static const series_t *find(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                            const char *worker)
{
    unsigned size;
    return eta && slk_resource_size(&size, sector_sz) ? *slot_of(eta, task, size, worker) : NULL;
}

slk_err_t slk_eta_new(slk_eta_t **out, slk_diag_t *diag)
{
    slk_eta_t *eta = calloc(1, sizeof(*eta));
    *out = NULL;
    if (eta) {
        eta->cap = 256;
        eta->table = calloc(eta->cap, sizeof(series_t *));
    }
    if (!eta || !eta->table) {
        free(eta);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for measured durations");
    }
    *out = eta;
    return SLK_OK;
}

void slk_eta_free(slk_eta_t *eta)
{
    for (size_t i = 0; eta && i < eta->cap; i++) {
        if (eta->table[i])
            free(eta->table[i]->worker);
        free(eta->table[i]);
    }
    if (eta)
        free(eta->table);
    free(eta);
}

static bool grow(slk_eta_t *eta)
{
    slk_eta_t wider = {.cap = eta->cap * 2};
    wider.table = calloc(wider.cap, sizeof(series_t *));
    if (!wider.table)
        return false;
    for (size_t i = 0; i < eta->cap; i++) {
        series_t *at = eta->table[i];
        if (at)
            *slot_of(&wider, at->task, at->size, at->worker) = at;
    }
    free(eta->table);
    eta->table = wider.table;
    eta->cap = wider.cap;
    return true;
}

static bool add_to(slk_eta_t *eta, slk_task_t task, unsigned size, const char *worker, int64_t ms)
{
    if (eta->cnt * 2 >= eta->cap && !grow(eta))
        return false;
    series_t **slot = slot_of(eta, task, size, worker);
    if (!*slot) {
        series_t *series = calloc(1, sizeof(*series));
        if (!series || !(series->worker = strdup(worker))) {
            free(series);
            return false;
        }
        series->task = (uint8_t)task;
        series->size = (uint8_t)size;
        *slot = series;
        eta->cnt++;
    }
    series_add(*slot, ms);
    return true;
}

slk_err_t slk_eta_add(slk_eta_t *eta, slk_task_t task, uint64_t sector_sz, const char *worker,
                      int64_t ms, slk_diag_t *diag)
{
    unsigned size;
    SLK_ASSERT(task < SLK_TASK_CNT);
    if (ms < 0 || !slk_resource_size(&size, sector_sz))
        return SLK_OK;
    if ((worker && *worker && !add_to(eta, task, size, worker, ms)) ||
        !add_to(eta, task, size, "", ms))
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for measured durations");
    return SLK_OK;
}

slk_err_t slk_eta_add_fetch(slk_eta_t *eta, uint64_t bytes, int64_t ms, slk_diag_t *diag)
{
    (void)diag;
    /* A small file measures the connection, not the rate. */
    if (bytes >= (uint64_t)1 << 20 && ms >= 0)
        series_add(&eta->fetch, (int64_t)((double)ms * 1000.0 / ((double)bytes / 1048576.0)));
    return SLK_OK;
}

int64_t slk_eta_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz, const char *worker)
{
    const series_t *own = worker ? find(eta, task, sector_sz, worker) : NULL;
    const series_t *series = own ? own : find(eta, task, sector_sz, "");
    return series ? series->median : SLK_ETA_UNKNOWN;
}

int64_t slk_eta_least_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                         const char *worker)
{
    const series_t *series = find(eta, task, sector_sz, worker ? worker : "");
    return series ? series->least : SLK_ETA_UNKNOWN;
}

bool slk_eta_measured(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz, const char *worker)
{
    return find(eta, task, sector_sz, worker) != NULL;
}

int64_t slk_eta_fetch_ms(const slk_eta_t *eta, uint64_t bytes)
{
    if (!eta || !eta->fetch.cnt)
        return SLK_ETA_UNKNOWN;
    double ms = (double)eta->fetch.median * ((double)bytes / 1048576.0) / 1000.0;
    return ms < 9e15 ? (int64_t)ms : INT64_C(9000000000000000);
}

int64_t slk_eta_end_of(int64_t median, int64_t started_ms, uint64_t done, uint64_t total,
                       int64_t now_ms)
{
    int64_t ran = now_ms > started_ms ? now_ms - started_ms : 0;
    if (total && done <= total && done >= total / 20 && done && ran)
        return now_ms + (int64_t)((double)ran * ((double)(total - done) / (double)done));
    /* Twice as long as usual: not what was measured before. */
    if (median == SLK_ETA_UNKNOWN || ran / 2 > median)
        return SLK_ETA_UNKNOWN;
    return now_ms + (median > ran ? median - ran : 0);
}

int64_t slk_eta_end_ms(const slk_eta_t *eta, slk_task_t task, uint64_t sector_sz,
                       const char *worker, int64_t started_ms, uint64_t done, uint64_t total,
                       int64_t now_ms)
{
    return slk_eta_end_of(slk_eta_ms(eta, task, sector_sz, worker), started_ms, done, total,
                          now_ms);
}

char *slk_eta_text(char out[SLK_ETA_TEXT], int64_t ms)
{
    if (ms < 0)
        snprintf(out, SLK_ETA_TEXT, "an unknown time");
    else if (ms < 60 * 1000)
        snprintf(out, SLK_ETA_TEXT, "~%" PRId64 " s", (ms + 999) / 1000);
    else if (ms < 3600 * 1000)
        snprintf(out, SLK_ETA_TEXT, "~%" PRId64 " min", (ms + 30 * 1000) / (60 * 1000));
    else if (ms < INT64_C(48) * 3600 * 1000)
        snprintf(out, SLK_ETA_TEXT, "~%" PRId64 " h %" PRId64 " min", ms / 3600000,
                 ms % 3600000 / 60000);
    else
        snprintf(out, SLK_ETA_TEXT, "~%" PRId64 " days", ms / 86400000);
    return out;
}
