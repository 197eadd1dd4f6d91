#include "proofs/porep/labels.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/region.h"
#include "crypto/sha256/label.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RUN_NODES  4096u /* labels between two looks at stop and cancel: a few milliseconds */
#define RING_SLOTS 4u

typedef uint32_t parent_row_t[SLK_PARENT_CNT];

/* --- Parents ahead of the labels ------------------------------------------------------------ */

typedef struct {
    const slk_graph_t *graph;
    uint64_t first, end;
    parent_row_t *rows; /* RING_SLOTS runs */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    uint64_t made, used; /* runs */
    bool stop;
} parents_t;

static uint64_t run_len(uint64_t first, uint64_t end)
{
    return end - first < RUN_NODES ? end - first : RUN_NODES;
}

static void *parents_main(void *arg)
{
    parents_t *p = arg;
    uint64_t first = p->first;
    for (uint64_t run = 0; first < p->end; run++, first += RUN_NODES) {
        pthread_mutex_lock(&p->lock);
        while (!p->stop && run - p->used >= RING_SLOTS)
            pthread_cond_wait(&p->changed, &p->lock);
        bool stop = p->stop;
        pthread_mutex_unlock(&p->lock);
        if (stop)
            break;
        slk_graph_parents(p->graph, first, run_len(first, p->end),
                          p->rows + run % RING_SLOTS * RUN_NODES);
        pthread_mutex_lock(&p->lock);
        p->made = run + 1;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static slk_err_t parents_start(parents_t *p, const slk_graph_t *graph, uint64_t first, uint64_t end,
                               bool threaded, slk_diag_t *diag)
{
    memset(p, 0, sizeof *p);
    p->graph = graph;
    p->first = first;
    p->end = end;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->rows = malloc(RING_SLOTS * RUN_NODES * sizeof *p->rows);
    if (!p->rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for parent lists");
    /* Without a helper thread the runs are made when asked for. */
    p->threaded = threaded && pthread_create(&p->thread, NULL, parents_main, p) == 0;
    return SLK_OK;
}

static const parent_row_t *parents_wait(parents_t *p, uint64_t run, uint64_t first)
{
    parent_row_t *rows = p->rows + run % RING_SLOTS * RUN_NODES;
    if (!p->threaded) {
        slk_graph_parents(p->graph, first, run_len(first, p->end), rows);
        return (const parent_row_t *)rows;
    }
    pthread_mutex_lock(&p->lock);
    while (p->made <= run)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return (const parent_row_t *)rows;
}

static void parents_used(parents_t *p, uint64_t run)
{
    if (!p->threaded)
        return;
    pthread_mutex_lock(&p->lock);
    p->used = run + 1;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void parents_end(parents_t *p)
{
    if (p->threaded) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    free(p->rows);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}

/* Indices from a mapped file steer memory reads: they are looked at even though its digest was
 * checked, since the file may have been changed since. */
static bool rows_possible(const parent_row_t *rows, uint64_t first, uint64_t cnt, uint64_t nodes)
{
    uint32_t bad = 0;
    for (uint64_t i = 0; i < cnt; i++) {
        uint64_t node = first + i;
        uint32_t limit = node ? (uint32_t)node : 1;
        for (unsigned k = 0; k < SLK_DRG_CNT; k++)
            bad |= rows[i][k] >= limit;
        for (unsigned k = SLK_DRG_CNT; k < SLK_PARENT_CNT; k++)
            bad |= rows[i][k] >= nodes;
    }
    return !bad;
}

/* --- Layers --------------------------------------------------------------------------------- */

slk_err_t slk_label_layer(const slk_labeler_t *labeler, uint32_t layer, slk_node_t *labels,
                          const slk_node_t *prev, uint64_t first, _Atomic uint64_t *done,
                          const atomic_bool *stop, slk_diag_t *diag)
{
    uint64_t nodes = labeler->porep->size->nodes;
    parents_t parents = {0};
    slk_err_t err = SLK_OK;
    atomic_store_explicit(done, first, memory_order_release);
    if (!labeler->cache) {
        bool threaded =
            labeler->job && slk_pool_threads(labeler->job->pool) > 1 && nodes - first > RUN_NODES;
        err = parents_start(&parents, labeler->graph, first, nodes, threaded, diag);
    }
    for (uint64_t run = 0; err == SLK_OK && first < nodes; run++) {
        if (slk_job_cancelled(labeler->job) || atomic_load_explicit(stop, memory_order_relaxed))
            break;
        uint64_t cnt = run_len(first, nodes);
        const parent_row_t *rows = labeler->cache ? slk_parent_cache_rows(labeler->cache, first)
                                                  : parents_wait(&parents, run, first);
        if (labeler->cache && !rows_possible(rows, first, cnt, nodes)) {
            err = slk_fail(diag, SLK_ERR_FORMAT,
                           "parent cache: impossible parents near node %" PRIu64
                           "; the file was changed while in use: remove it and run again",
                           first);
            break;
        }
        slk_label_run_t args = {.replica_id = &labeler->replica_id,
                                .layer = layer,
                                .labels = labels,
                                .prev = prev,
                                .rows = rows,
                                .first = first,
                                .cnt = cnt};
        slk_label_run(&args);
        first += cnt;
        atomic_store_explicit(done, first, memory_order_release);
        if (!labeler->cache)
            parents_used(&parents, run);
        slk_progress_add(slk_job_progress(labeler->job), cnt);
    }
    if (!labeler->cache)
        parents_end(&parents);
    return err;
}

bool slk_label_holds(const slk_labeler_t *labeler, uint32_t layer, const slk_node_t *labels,
                     const slk_node_t *prev, uint64_t node)
{
    slk_node_t parents[37], want;
    parent_row_t row;
    size_t cnt = 0;
    if (node) {
        slk_graph_parents(labeler->graph, node, 1, &row);
        unsigned period = prev ? SLK_PARENT_CNT : SLK_DRG_CNT;
        for (; cnt < SLK_COUNT(parents); cnt++) {
            unsigned k = cnt % period;
            parents[cnt] = k < SLK_DRG_CNT ? labels[row[k]] : prev[row[k]];
        }
    }
    slk_label_one(&want, &labeler->replica_id, layer, node, parents, cnt);
    return slk_node_eq(&want, &labels[node]);
}

slk_err_t slk_labeler_cache(slk_parent_cache_t **cache, const slk_graph_t *graph, const char *dir,
                            const slk_job_t *job, slk_diag_t *diag)
{
    char named[4096];
    bool chosen = true;
    *cache = NULL;
    if (!dir) {
        slk_err_t err = slk_parent_cache_dir(named, sizeof named, &chosen, diag);
        if (err != SLK_OK)
            return err;
        dir = named;
    }
    slk_err_t err = slk_parent_cache_open(
        cache, dir, graph, chosen ? SLK_PARENT_CACHE_CREATE : SLK_PARENT_CACHE_IF_PRESENT, job,
        diag);
    /* A graph whose file cannot be checked by a known digest (test sizes) is computed. */
    if (err == SLK_ERR_UNSUPPORTED) {
        *cache = NULL;
        err = SLK_OK;
    }
    return err;
}

bool slk_layers_in_ram(slk_layers_t layers, uint64_t bytes)
{
    if (layers == SLK_LAYERS_AUTO)
        return bytes <= slk_memory_available() / 5 * 2;
    return layers == SLK_LAYERS_RAM;
}
