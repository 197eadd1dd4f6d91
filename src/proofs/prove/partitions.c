#include "proofs/prove/partitions.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/region.h"
#include "base/work.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* So many are kept busy by one partition: on two cores, two at a time gain nothing. */
#define THREADS_EACH 8u
#define POLL_NS      20000000 /* between two looks at workers and at the caller's wish to stop */

/* --- Memory ----------------------------------------------------------------------------------- */

static slk_err_t too_little(const slk_prover_t *prover, uint64_t need, uint64_t have, bool asked,
                            slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM,
                    "the proof of a partition of %s %s takes %" PRIu64 " MiB of memory, %" PRIu64
                    " MiB are %s; %s",
                    slk_circuit_name(prover->circuit.kind), prover->circuit.size->name,
                    (need >> 20) + 1, have >> 20, asked ? "allowed" : "available",
                    asked ? "allow more or use fewer threads"
                          : "end other programs or use a machine with more");
}

slk_err_t slk_prove_split(slk_prove_split_t *out, const slk_prover_t *prover, uint32_t cnt,
                          const slk_prove_limits_t *limits, unsigned threads, uint64_t available,
                          slk_diag_t *diag)
{
    uint64_t need = slk_prover_memory(prover, threads);
    if (need > available)
        return too_little(prover, need, available, false, diag);
    if (limits->memory && need > limits->memory)
        return too_little(prover, need, limits->memory, true, diag);
    /* half: the rest keeps the parameters cached, which each partition reads */
    uint64_t memory = limits->memory ? limits->memory : available / 2;
    unsigned most = limits->at_once  ? limits->at_once
                    : limits->memory ? threads
                                     : threads / THREADS_EACH;
    most = most < threads ? most : threads;
    *out = (slk_prove_split_t){1, threads, need};
    for (unsigned n = 2; n <= most && n <= cnt; n++) {
        unsigned each = (threads + n - 1) / n;
        need = slk_prover_memory(prover, each);
        if (need > memory / n || need > available / n)
            break;
        *out = (slk_prove_split_t){n, each, need};
    }
    return SLK_OK;
}

/* --- What is kept ----------------------------------------------------------------------------- */

typedef struct {
    const slk_partitions_t *all;
    const slk_prove_limits_t *limits;
    uint8_t *proof;
    bool *done;           /* read before the work */
    pthread_mutex_t lock; /* guards kept */
    uint8_t *kept;        /* as in the file */
} store_t;

static size_t proof_len(const slk_partitions_t *all)
{
    return (size_t)all->cnt * SLK_GROTH16_PROOF_SZ;
}

/* Which partitions of the file are proofs of what is wanted. */
static slk_err_t store_load(store_t *store, uint32_t *found, const slk_job_t *job, slk_diag_t *diag)
{
    static const uint8_t zeros[SLK_GROTH16_PROOF_SZ];
    const slk_partitions_t *all = store->all;
    const slk_vk_t *vk = all->prover->params.vk;
    size_t len = 0, inputs_cnt = slk_vk_input_cnt(vk);
    char *bytes = NULL;
    slk_node_t *inputs = NULL;
    slk_err_t err = SLK_OK;
    *found = 0;
    if (!store->limits->partial ||
        slk_read_file(&bytes, &len, store->limits->partial, proof_len(all), NULL) != SLK_OK ||
        len != proof_len(all))
        goto out;
    inputs = calloc(inputs_cnt + 1, sizeof *inputs);
    if (!inputs) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu public inputs", inputs_cnt);
        goto out;
    }
    for (uint32_t k = 0; k < all->cnt; k++) {
        size_t at = (size_t)k * SLK_GROTH16_PROOF_SZ;
        if (!memcmp(bytes + at, zeros, sizeof zeros))
            continue;
        all->inputs(all->ctx, inputs, k);
        SLK_TRY(slk_groth16_verify(&store->done[k], vk, bytes + at, SLK_GROTH16_PROOF_SZ, 1, inputs,
                                   inputs_cnt, job, diag));
        if (store->done[k]) {
            memcpy(store->proof + at, bytes + at, SLK_GROTH16_PROOF_SZ);
            memcpy(store->kept + at, bytes + at, SLK_GROTH16_PROOF_SZ);
            ++*found;
        }
    }
    if (diag)
        diag->text[0] = '\0';
out:
    free(bytes);
    free(inputs);
    return err;
}

static void store_put(store_t *store, uint32_t k)
{
    size_t at = (size_t)k * SLK_GROTH16_PROOF_SZ;
    if (!store->limits->partial || store->all->cnt == 1)
        return;
    pthread_mutex_lock(&store->lock);
    memcpy(store->kept + at, store->proof + at, SLK_GROTH16_PROOF_SZ);
    slk_err_t ignored =
        slk_write_file(store->limits->partial, store->kept, proof_len(store->all), NULL);
    (void)ignored;
    pthread_mutex_unlock(&store->lock);
}

/* --- Workers ---------------------------------------------------------------------------------- */

/* What a partition's stages take of its time, in thousandths. */
static const struct {
    const char *name;
    unsigned share;
} stages[] = {
    {"witness", 15}, {"QAP", 85},      {"MSM h", 550},   {"MSM l", 140},
    {"MSM a", 70},   {"MSM b_g1", 40}, {"MSM b_g2", 90}, {"verification", 10},
};

typedef struct {
    pthread_t thread;
    struct crew *crew;
    slk_job_t job;
    slk_pool_t *pool; /* its own; NULL: the caller's serves */
} worker_t;

typedef struct crew {
    store_t *store;
    const slk_job_t *job; /* the caller's */
    worker_t *workers;
    unsigned cnt;
    uint64_t rows; /* of one partition */
    atomic_bool cancel;
    slk_work_t work;
    pthread_mutex_t lock; /* guards next, running, finished and the turn of a worker's progress */
    uint32_t next;
    unsigned running;
    uint64_t finished; /* rows of partitions that are through */
} crew_t;

/* The next partition that is missing; all->cnt: none. */
static uint32_t take(crew_t *crew)
{
    const slk_partitions_t *all = crew->store->all;
    pthread_mutex_lock(&crew->lock);
    while (crew->next < all->cnt && crew->store->done[crew->next])
        crew->next++;
    uint32_t k = crew->next;
    if (k < all->cnt)
        crew->next++;
    pthread_mutex_unlock(&crew->lock);
    return k;
}

static void *work(void *arg)
{
    worker_t *worker = arg;
    crew_t *crew = worker->crew;
    const slk_partitions_t *all = crew->store->all;
    for (uint32_t k; !atomic_load(&crew->cancel) && (k = take(crew)) < all->cnt;) {
        slk_diag_t diag, named;
        slk_err_t err = all->prove(all->ctx, crew->store->proof + (size_t)k * SLK_GROTH16_PROOF_SZ,
                                   k, &worker->job, &diag);
        if (err != SLK_OK) {
            if (err != SLK_ERR_CANCELLED) {
                slk_fail(&named, err, "partition %" PRIu32 ": %s", k, diag.text);
                slk_work_fail(&crew->work, err, &named);
            }
            atomic_store(&crew->cancel, true);
            break;
        }
        store_put(crew->store, k);
        pthread_mutex_lock(&crew->lock);
        crew->finished += crew->rows;
        slk_progress_begin(worker->job.progress, "", "", 0, 0);
        pthread_mutex_unlock(&crew->lock);
    }
    pthread_mutex_lock(&crew->lock);
    crew->running--;
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* Rows that the partition in work counts for, from its stage. */
static uint64_t rows_of(const crew_t *crew, const worker_t *worker)
{
    slk_progress_view_t view;
    unsigned before = 0;
    slk_progress_view(worker->job.progress, &view);
    for (size_t i = 0; i < SLK_COUNT(stages); before += stages[i++].share) {
        if (strcmp(view.stage, stages[i].name) != 0)
            continue;
        double part = view.total ? (double)view.done / (double)view.total : 0;
        double share = before + stages[i].share * (part < 1 ? part : 1);
        return (uint64_t)((double)crew->rows * share / 1000);
    }
    return 0;
}

/* Until all workers are through: pass on the caller's wish to stop, show how far they are. */
static void watch(crew_t *crew)
{
    uint64_t shown = 0;
    for (bool busy = true; busy;) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        if (slk_job_cancelled(crew->job))
            atomic_store(&crew->cancel, true);
        pthread_mutex_lock(&crew->lock);
        uint64_t rows = crew->finished;
        busy = crew->running > 0;
        for (unsigned i = 0; busy && i < crew->cnt; i++)
            rows += rows_of(crew, &crew->workers[i]);
        pthread_mutex_unlock(&crew->lock);
        if (rows > shown) {
            slk_progress_add(crew->job->progress, rows - shown);
            shown = rows;
        }
    }
}

static slk_err_t worker_init(worker_t *worker, crew_t *crew, const slk_prove_split_t *split,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *worker = (worker_t){.crew = crew};
    if (split->at_once > 1)
        SLK_TRY(slk_pool_new(&worker->pool, split->threads, diag));
    worker->job = (slk_job_t){.pool = split->at_once > 1 ? worker->pool : crew->job->pool,
                              .progress = slk_progress_new(),
                              .cancel = &crew->cancel};
    if (!worker->job.progress)
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
out:
    return err;
}

static void worker_fini(worker_t *worker)
{
    slk_progress_free(worker->job.progress);
    slk_pool_free(worker->pool);
}

/* Start them all, wait, end them. */
static slk_err_t crew_run(crew_t *crew, const slk_prove_split_t *split, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    unsigned started = 0;
    crew->workers = calloc(split->at_once, sizeof *crew->workers);
    if (!crew->workers)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (; crew->cnt < split->at_once; crew->cnt++)
        SLK_TRY(worker_init(&crew->workers[crew->cnt], crew, split, diag));
    crew->running = crew->cnt;
    for (; started < crew->cnt; started++) {
        worker_t *worker = &crew->workers[started];
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "cannot start thread %u of %u that prove",
                           started + 1, crew->cnt);
            atomic_store(&crew->cancel, true);
            pthread_mutex_lock(&crew->lock);
            crew->running -= crew->cnt - started;
            pthread_mutex_unlock(&crew->lock);
            break;
        }
    }
    watch(crew);
out:
    for (unsigned i = 0; i < started; i++)
        pthread_join(crew->workers[i].thread, NULL);
    for (unsigned i = 0; i < split->at_once; i++)
        worker_fini(&crew->workers[i]);
    free(crew->workers);
    return err;
}

static slk_err_t prove_many(store_t *store, uint32_t found, const slk_prove_split_t *split,
                            const slk_job_t *job, slk_diag_t *diag)
{
    const slk_partitions_t *all = store->all;
    crew_t crew = {.store = store, .job = job, .rows = all->prover->all.rows};
    char stage[64];
    snprintf(stage, sizeof stage, "%" PRIu32 " partitions, %u at a time", all->cnt, split->at_once);
    slk_work_init(&crew.work, job);
    pthread_mutex_init(&crew.lock, NULL);
    slk_progress_begin(job->progress, stage, "rows", all->cnt * crew.rows, found * crew.rows);
    slk_err_t err = crew_run(&crew, split, diag);
    slk_err_t outcome = slk_work_finish(&crew.work, err == SLK_OK ? diag : NULL);
    if (outcome == SLK_OK && err == SLK_OK)
        slk_progress_end(job->progress);
    pthread_mutex_destroy(&crew.lock);
    return err != SLK_OK ? err : outcome;
}

slk_err_t slk_prove_partitions(uint8_t *proof, const slk_partitions_t *all,
                               const slk_prove_limits_t *limits, const slk_job_t *job,
                               slk_diag_t *diag)
{
    static const slk_prove_limits_t no_limits;
    static const slk_job_t alone;
    slk_err_t err;
    uint32_t found = 0;
    slk_prove_split_t split;
    store_t store = {.all = all,
                     .limits = limits ? limits : &no_limits,
                     .proof = proof,
                     .done = calloc(all->cnt, sizeof *store.done),
                     .kept = calloc(all->cnt, SLK_GROTH16_PROOF_SZ)};
    job = job ? job : &alone;
    pthread_mutex_init(&store.lock, NULL);
    if (!store.done || !store.kept) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    if (all->cnt > 1)
        SLK_TRY(store_load(&store, &found, job, diag));
    if (found == all->cnt)
        goto out;
    SLK_TRY(slk_prove_split(&split, all->prover, all->cnt - found, store.limits,
                            slk_pool_threads(job->pool), slk_memory_available(), diag));
    if (all->cnt == 1)
        SLK_TRY(all->prove(all->ctx, proof, 0, job, diag));
    else
        SLK_TRY(prove_many(&store, found, &split, job, diag));
out:
    pthread_mutex_destroy(&store.lock);
    free(store.done);
    free(store.kept);
    return err;
}
