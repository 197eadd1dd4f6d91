#include "app/bench.h"

#include "base/assert.h"
#include "base/region.h"
#include "crypto/merkle/tree_file.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/label.h"
#include "crypto/sha256/sha256.h"
#include "crypto/sha256/sha256_bench.h"
#include "selkie/cpu.h"
#include "selkie/graph.h"
#include "selkie/piece.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_BLOCKS 20u
#define SECTOR_NAME  "8MiB"
#define STRETCH      2048u /* labels measured at a time */
#define RATIOS_MAX   4096u

static void sector_8mib(slk_sector_t *sector)
{
    *sector = (slk_sector_t){.miner = 1000, .number = 1};
    slk_diag_t diag;
    SLK_ASSERT(slk_porep_registered(&sector->porep, slk_size_by_name(SECTOR_NAME), "v1_1", &diag) ==
               SLK_OK);
}

/* --- pc1 ------------------------------------------------------------------------------------ */

typedef struct {
    slk_region_t layers[2]; /* as PC1 keeps them: huge pages where the system has them */
    slk_node_t replica_id;
    uint32_t (*rows)[SLK_PARENT_CNT];
    uint64_t nodes;
    uint8_t *blocks; /* of one label */
    double *ratios, *ns;
    size_t cnt;
} label_bench_t;

static void label_bench_free(label_bench_t *bench)
{
    slk_region_free(&bench->layers[0]);
    slk_region_free(&bench->layers[1]);
    free(bench->rows);
    free(bench->blocks);
    free(bench->ratios);
    free(bench->ns);
}

static slk_err_t label_bench_new(label_bench_t *bench, const slk_porep_t *porep, slk_diag_t *diag)
{
    slk_graph_t *graph = NULL;
    slk_err_t err = slk_graph_new(&graph, porep, diag);
    if (err != SLK_OK)
        return err;
    bench->nodes = porep->size->nodes;
    for (unsigned i = 0; i < 2 && err == SLK_OK; i++)
        err = slk_region_anon(&bench->layers[i], bench->nodes * SLK_NODE_SZ, diag);
    bench->rows = malloc(bench->nodes * SLK_PARENT_ROW_SZ);
    bench->blocks = calloc(LABEL_BLOCKS, 64);
    bench->ratios = calloc(RATIOS_MAX, sizeof *bench->ratios);
    bench->ns = calloc(RATIOS_MAX, sizeof *bench->ns);
    if (err == SLK_OK && !(bench->rows && bench->blocks && bench->ratios && bench->ns))
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    if (err == SLK_OK) {
        slk_graph_parents(graph, 0, bench->nodes, bench->rows);
        slk_sha256(&bench->replica_id, "bench", 5);
    }
    slk_graph_free(graph);
    return err;
}

/* Once over a layer: stretches of labels and of the stream in turns. */
static void label_layer(label_bench_t *bench, uint32_t layer)
{
    uint32_t h[8] = {0};
    for (uint64_t first = 0; first < bench->nodes; first += STRETCH) {
        double start = slk_bench_thread_seconds();
        for (unsigned i = 0; i < STRETCH; i++)
            slk_sha256_blocks(h, bench->blocks, LABEL_BLOCKS);
        double middle = slk_bench_thread_seconds();
        slk_label_run(&(slk_label_run_t){
            .replica_id = &bench->replica_id,
            .layer = layer,
            .labels = (slk_node_t *)bench->layers[layer - 1].ptr,
            .prev = layer > 1 ? (slk_node_t *)bench->layers[layer - 2].ptr : NULL,
            .rows = bench->rows + first,
            .first = first,
            .cnt = STRETCH});
        double end = slk_bench_thread_seconds();
        if (bench->cnt < RATIOS_MAX) {
            bench->ratios[bench->cnt] = (middle - start) / (end - middle);
            bench->ns[bench->cnt++] = (end - middle) / STRETCH * 1e9;
        }
    }
}

slk_err_t slk_run_bench_pc1(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_t sector;
    label_bench_t bench = {0};
    double seconds = args->opt[SLK_OPT_SECONDS].seconds;
    sector_8mib(&sector);
    SLK_TRY(slk_app_job(app, args, "the temporary folder was removed"));
    SLK_TRY(label_bench_new(&bench, &sector.porep, &app->diag));
    label_layer(&bench, 1); /* layer 2 needs it, and pages come into memory */
    for (uint32_t layer = 1; layer <= 2; layer++) {
        double start = slk_clock_seconds();
        bench.cnt = 0;
        while (bench.cnt == 0 || slk_clock_seconds() - start < seconds)
            label_layer(&bench, layer);
        char name[96];
        double ns = slk_bench_median(bench.ns, bench.cnt);
        snprintf(name, sizeof name, "one label of layer %u, %s", layer, SECTOR_NAME);
        /* the limit as the ratios have it, since both sides of a ratio were measured at the same
         * time */
        slk_figure(app, name, ns, "ns", ns * slk_bench_median(bench.ratios, bench.cnt),
                   SLK_LESS_IS_BETTER);
    }
    slk_stage_time_t times[SLK_STAGE_CNT];
    SLK_TRY(slk_bench_sector(times, &sector, args->opt[SLK_OPT_DIR].text, SLK_STAGE_PC1, NULL,
                             &app->job, &app->diag));
    double labels = (double)sector.porep.size->nodes * sector.porep.size->layers;
    double stream = slk_bench_block_ns(seconds) * LABEL_BLOCKS;
    slk_figure(app, "PC1 of " SECTOR_NAME ", all of it, per label",
               times[SLK_STAGE_PC1].wall / labels * 1e9, "ns", stream, SLK_LESS_IS_BETTER);
    slk_figure(app, "PC1 of " SECTOR_NAME ", CPU time of all threads, per label",
               times[SLK_STAGE_PC1].cpu / labels * 1e9, "ns", stream, SLK_LESS_IS_BETTER);
out:
    label_bench_free(&bench);
    return err;
}

/* --- pc2 ------------------------------------------------------------------------------------ */

slk_err_t slk_run_bench_pc2(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_sector_t sector;
    slk_stage_time_t times[SLK_STAGE_CNT];
    double seconds = args->opt[SLK_OPT_SECONDS].seconds;
    sector_8mib(&sector);
    SLK_TRY(slk_app_job(app, args, "the temporary folder was removed"));
    SLK_TRY(slk_bench_sector(times, &sector, args->opt[SLK_OPT_DIR].text, SLK_STAGE_PC2, NULL,
                             &app->job, &app->diag));

    uint64_t columns, nodes;
    slk_bench_pc2_hashes(&sector.porep, &columns, &nodes);
    double threads = slk_pool_threads(app->job.pool);
    double arity2 = slk_bench_poseidon_ns(2, seconds), arity8 = slk_bench_poseidon_ns(8, seconds),
           arity11 = slk_bench_poseidon_ns(11, seconds);
    double least = ((double)columns * arity2 + (double)nodes * arity8) / threads * 1e-9;
    double wall = times[SLK_STAGE_PC2].wall, hashes = (double)(columns + nodes);
    slk_figure(app, "column hashes of 2 layers, one thread", 1e9 / arity2, "1/s", 1e9 / arity2,
               SLK_MORE_IS_BETTER);
    slk_figure(app, "column hashes of 11 layers, one thread", 1e9 / arity11, "1/s", 1e9 / arity11,
               SLK_MORE_IS_BETTER);
    slk_figure(app, "tree hashes, one thread", 1e9 / arity8, "1/s", 1e9 / arity8,
               SLK_MORE_IS_BETTER);
    slk_figure(app, "PC2 of " SECTOR_NAME ", its hashes", hashes / wall, "1/s", hashes / least,
               SLK_MORE_IS_BETTER);
    slk_figure(app, "PC2 of " SECTOR_NAME, wall, "s", least, SLK_LESS_IS_BETTER);
    slk_figure(app, "PC2 of " SECTOR_NAME ", CPU time of all threads", times[SLK_STAGE_PC2].cpu,
               "s", least * threads, SLK_LESS_IS_BETTER);
out:
    return err;
}

/* --- commp ---------------------------------------------------------------------------------- */

#define DATA_BYTES (UINT64_C(32) << 20) /* padded */
#define DATA_RAW   (DATA_BYTES / 128 * 127)

typedef struct {
    uint64_t left; /* of the data */
    const slk_job_t *job;
    slk_node_t *leaves; /* DATA_BYTES, and as much scratch behind them */
    slk_tree_file_t tree;
    double one_stream; /* GB/s of data that one stream of the portable back end could do */
} data_call_t;

static slk_err_t read_pattern(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    (void)diag;
    data_call_t *call = ctx;
    *len = cap < call->left ? cap : (size_t)call->left;
    memset(buf, 0xa7, *len);
    call->left -= *len;
    return SLK_OK;
}

static void commp(void *ctx)
{
    data_call_t *call = ctx;
    slk_commp_t out;
    slk_diag_t diag;
    call->left = DATA_RAW;
    SLK_ASSERT(slk_commp(&out, DATA_BYTES, read_pattern, call, NULL, NULL, call->job, &diag) ==
               SLK_OK);
}

static void tree_d_chunks(void *ctx, uint64_t begin, uint64_t end)
{
    data_call_t *call = ctx;
    slk_diag_t diag;
    for (uint64_t i = begin; i < end; i++) {
        slk_node_t *leaves = call->leaves + i * call->tree.chunk_leaves;
        SLK_ASSERT(slk_tree_file_chunk(&call->tree, i, leaves, leaves + DATA_BYTES / SLK_NODE_SZ,
                                       &diag) == SLK_OK);
    }
}

static void tree_d(void *ctx)
{
    data_call_t *call = ctx;
    slk_node_t root;
    slk_diag_t diag;
    SLK_ASSERT(slk_tree_file_init(&call->tree, slk_tree_hash_sha256, 2, DATA_BYTES / SLK_NODE_SZ, 0,
                                  -1, "memory", &diag) == SLK_OK);
    slk_pool_for(call->job->pool, call->tree.chunk_cnt, 1, tree_d_chunks, call);
    SLK_ASSERT(slk_tree_file_finish(&call->tree, &root, &diag) == SLK_OK);
    slk_tree_file_fini(&call->tree);
}

static slk_err_t one_stream(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx)
{
    double *speed = ctx;
    *speed = SLK_NODE_SZ / (2 * slk_bench_block_ns(seconds)); /* a node is two blocks */
    char name[96];
    snprintf(name, sizeof name, "one stream, %s", slk_cpu_name(cpu));
    slk_figure_add(slk_figure(app, name, *speed, "GB/s", *speed, SLK_MORE_IS_BETTER), "ratio", 1);
    return SLK_OK;
}

static slk_err_t data_rows(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx)
{
    static const struct {
        const char *name;
        slk_bench_fn_t *fn;
        double bytes;
    } rows[] = {{"CommP", commp, DATA_RAW}, {"tree_d", tree_d, DATA_BYTES}};
    data_call_t *call = ctx;
    double node_ns = slk_bench_pair_ns(seconds);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        for (unsigned threads = 1;; threads = slk_pool_threads(app->job.pool)) {
            char name[96];
            slk_job_t job = {.pool = threads == 1 ? NULL : app->job.pool};
            call->job = &job;
            double took =
                slk_bench_best(rows[i].fn, call, seconds,
                               threads == 1 ? slk_bench_thread_seconds : slk_clock_seconds);
            double most = rows[i].bytes / (DATA_BYTES / SLK_NODE_SZ) / node_ns * threads;
            snprintf(name, sizeof name, "%s, %s, threads: %u", rows[i].name, slk_cpu_name(cpu),
                     threads);
            double speed = rows[i].bytes / took * 1e-9;
            slk_figure_add(slk_figure(app, name, speed, "GB/s", most, SLK_MORE_IS_BETTER), "ratio",
                           speed / call->one_stream);
            if (threads == slk_pool_threads(app->job.pool))
                break;
        }
    }
    return SLK_OK;
}

slk_err_t slk_run_bench_commp(slk_app_t *app, const slk_args_t *args)
{
    static const slk_cpu_t portable[] = {SLK_CPU_PORTABLE};
    double seconds = args->opt[SLK_OPT_SECONDS].seconds;
    data_call_t call = {.leaves = calloc(2, DATA_BYTES)};
    slk_err_t err;
    if (!call.leaves)
        return slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
    SLK_TRY(slk_app_job(app, args, "nothing was written"));
    SLK_TRY(slk_bench_backends(app, portable, seconds, one_stream, &call.one_stream));
    SLK_TRY(slk_bench_backends(app, slk_sha256_backends_pairs(), seconds, data_rows, &call));
out:
    free(call.leaves);
    return err;
}
