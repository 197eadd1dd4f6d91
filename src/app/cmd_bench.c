#include "app/bench.h"
#include "app/nouns.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/region.h"
#include "crypto/poseidon/poseidon.h"
#include "crypto/sha256/sha256_bench.h"
#include "selkie/cpu.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Kernels -------------------------------------------------------------------------------- */

typedef double measure_t(unsigned arg, double seconds); /* nanoseconds */

typedef struct {
    measure_t *measure;
    unsigned arg;
    struct {
        slk_cpu_t cpu;
        double ns;
    } rows[SLK_CPU_CNT];
    size_t cnt;
} kernel_t;

static slk_err_t kernel_row(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx)
{
    (void)app;
    kernel_t *kernel = ctx;
    kernel->rows[kernel->cnt].cpu = cpu;
    kernel->rows[kernel->cnt++].ns = kernel->measure(kernel->arg, seconds);
    return SLK_OK;
}

/* A kernel on each of its back ends; the fastest is the limit of all. */
static slk_err_t kernel_figures(slk_app_t *app, const char *name, const slk_cpu_t *list,
                                measure_t *measure, unsigned arg, double seconds)
{
    kernel_t kernel = {.measure = measure, .arg = arg};
    slk_err_t err = slk_bench_backends(app, list, seconds, kernel_row, &kernel);
    if (err != SLK_OK)
        return err;
    double best = kernel.rows[0].ns;
    for (size_t i = 1; i < kernel.cnt; i++)
        best = kernel.rows[i].ns < best ? kernel.rows[i].ns : best;
    for (size_t i = 0; i < kernel.cnt; i++) {
        char text[96];
        snprintf(text, sizeof text, "%s, %s", name, slk_cpu_name(kernel.rows[i].cpu));
        slk_figure(app, text, kernel.rows[i].ns, "ns", best, SLK_LESS_IS_BETTER);
    }
    return SLK_OK;
}

static double block_ns(unsigned arg, double seconds)
{
    (void)arg;
    return slk_bench_block_ns(seconds);
}

static double pair_ns(unsigned arg, double seconds)
{
    (void)arg;
    return slk_bench_pair_ns(seconds);
}

static slk_err_t run_sha(slk_app_t *app, const slk_args_t *args)
{
    double seconds = args->opt[SLK_OPT_SECONDS].seconds;
    slk_err_t err;
    SLK_TRY(kernel_figures(app, "SHA-256, one block of a dependent stream",
                           slk_sha256_backends_stream(), block_ns, 0, seconds));
    SLK_TRY(kernel_figures(app, "SHA-256, one tree node (two blocks)", slk_sha256_backends_pairs(),
                           pair_ns, 0, seconds));
out:
    return err;
}

static slk_err_t run_poseidon(slk_app_t *app, const slk_args_t *args)
{
    static const unsigned arities[] = {2, 4, 8, 11};
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < SLK_COUNT(arities); i++) {
        char name[64];
        snprintf(name, sizeof name, "Poseidon, one hash of arity %u", arities[i]);
        SLK_TRY(kernel_figures(app, name, slk_poseidon_backends(), slk_bench_poseidon_ns,
                               arities[i], args->opt[SLK_OPT_SECONDS].seconds));
    }
out:
    return err;
}

/* --- limits --------------------------------------------------------------------------------- */

#define MEMORY_BYTES (UINT64_C(256) << 20) /* beyond the caches of one core */
#define CHASE_STEPS  65536u

static void read_memory(void *ctx)
{
    const uint64_t *words = ctx;
    uint64_t sum[8] = {0};
    for (size_t i = 0; i < MEMORY_BYTES / 8; i += 8) {
        for (size_t k = 0; k < 8; k++)
            sum[k] += words[i + k];
    }
    uint64_t all = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
    __asm__ volatile("" : : "r"(all));
}

typedef struct {
    const uint64_t *words;
    uint64_t at;
} chase_t;

static void chase(void *ctx)
{
    chase_t *c = ctx;
    for (unsigned i = 0; i < CHASE_STEPS; i++)
        c->at = c->words[c->at];
    __asm__ volatile("" : : "r"(c->at));
}

static slk_err_t memory_figures(slk_app_t *app, double seconds)
{
    slk_region_t region = {0};
    slk_err_t err = slk_region_anon(&region, MEMORY_BYTES, &app->diag);
    if (err != SLK_OK)
        return err;
    /* one step leads to a far away line, and through all of them before one comes again */
    uint64_t *words = (uint64_t *)region.ptr, cnt = MEMORY_BYTES / 8;
    for (uint64_t i = 0; i < cnt; i++)
        words[i] = (i * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407)) & (cnt - 1);
    double bytes = (double)MEMORY_BYTES /
                   slk_bench_best(read_memory, words, seconds, slk_bench_thread_seconds) * 1e-9;
    chase_t c = {words, 0};
    double ns = slk_bench_best(chase, &c, seconds, slk_bench_thread_seconds) / CHASE_STEPS * 1e9;
    slk_figure(app, "memory, reading in order, one thread", bytes, "GB/s", bytes,
               SLK_MORE_IS_BETTER);
    slk_figure(app, "memory, one dependent read at a random place", ns, "ns", ns,
               SLK_LESS_IS_BETTER);
    slk_region_free(&region);
    return SLK_OK;
}

#define DISK_CHUNK  (UINT64_C(4) << 20)
#define DISK_CHUNKS 64u

/* A file that has no name and goes when it is closed. */
static slk_err_t disk_figure(slk_app_t *app, const char *dir, double seconds)
{
    slk_err_t err = SLK_OK;
    char path[SLK_PATH_MAX];
    uint8_t *buf = malloc(DISK_CHUNK);
    int fd = -1;
    SLK_TRY(slk_path_join(path, sizeof path, dir, "selkie-bench-XXXXXX", &app->diag));
    fd = mkstemp(path);
    if (fd < 0) {
        err = slk_fail_errno(&app->diag, "create a temporary file in", dir);
        goto out;
    }
    unlink(path);
    if (!buf) {
        err = slk_fail(&app->diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    memset(buf, 0x5a, DISK_CHUNK);
    double start = slk_clock_seconds();
    uint64_t done = 0;
    while (done < DISK_CHUNKS * DISK_CHUNK && slk_clock_seconds() - start < seconds) {
        SLK_TRY(slk_pwrite_all(fd, buf, DISK_CHUNK, done, path, &app->diag));
        done += DISK_CHUNK;
    }
    if (fsync(fd) != 0) {
        err = slk_fail_errno(&app->diag, "sync", path);
        goto out;
    }
    double speed = (double)done / (slk_clock_seconds() - start) * 1e-6;
    slk_figure(app, "disk, writing in order and syncing", speed, "MB/s", speed, SLK_MORE_IS_BETTER);
out:
    if (fd >= 0)
        close(fd);
    free(buf);
    return err;
}

static slk_err_t run_limits(slk_app_t *app, const slk_args_t *args)
{
    double seconds = args->opt[SLK_OPT_SECONDS].seconds, ns;
    slk_err_t err;
    SLK_TRY(run_sha(app, args));
    ns = slk_bench_fr_mul_ns(false, seconds);
    slk_figure(app, "multiplication in the scalar field, independent", ns, "ns", ns,
               SLK_LESS_IS_BETTER);
    ns = slk_bench_fr_mul_ns(true, seconds);
    slk_figure(app, "multiplication in the scalar field, dependent", ns, "ns", ns,
               SLK_LESS_IS_BETTER);
    SLK_TRY(memory_figures(app, seconds));
    SLK_TRY(disk_figure(app, args->opt[SLK_OPT_DIR].text, seconds));
out:
    return err;
}

/* --- Tables --------------------------------------------------------------------------------- */

#define COMMON_OPTS                                                                                \
    {SLK_OPT_SECONDS, SLK_OPTIONAL, "0.5", NULL}, {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},        \
    {                                                                                              \
        SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL                                                    \
    }

static const slk_opt_use_t kernel_opts[] = {COMMON_OPTS};
static const slk_opt_use_t commp_opts[] = {COMMON_OPTS,
                                           {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL}};
static const slk_opt_use_t limits_opts[] = {
    COMMON_OPTS,
    {SLK_OPT_DIR, SLK_OPTIONAL, ".", "folder whose disk is measured"},
};
static const slk_opt_use_t sector_opts[] = {
    COMMON_OPTS,
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_DIR, SLK_OPTIONAL, ".",
     "folder in which a temporary one is made, and removed at the end"},
};

static const slk_opt_use_t c2_opts[] = {
    {SLK_OPT_SIZE, SLK_OPTIONAL, "2KiB", NULL},
    {SLK_OPT_THREADS, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_DIR, SLK_OPTIONAL, ".",
     "folder in which a temporary one is made, and removed at the end"},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_QUIET, SLK_OPTIONAL, NULL, NULL},
};

#define BENCH(word, line, text, options, function)                                                 \
    {                                                                                              \
        .noun = "bench", .verb = word, .summary = line, .details = text, .opts = options,          \
        .opt_cnt = SLK_COUNT(options), .json = SLK_FIGURE_FIELDS, .examples = "bench " word,       \
        .run = function                                                                            \
    }

const slk_command_t slk_bench_commands[] = {
    BENCH("limits", "what this machine can do",
          "SHA-256 on each back end, the scalar field, memory, disk.", limits_opts, run_limits),
    BENCH("sha", "SHA-256 on each back end",
          "One dependent stream, which bounds PC1, and many tree nodes.", kernel_opts, run_sha),
    BENCH("poseidon", "Poseidon on each back end", "One thread, arity 2, 4, 8 and 11.", kernel_opts,
          run_poseidon),
    BENCH("pc1", "labels, against the limit of a dependent stream",
          "A label is 20 blocks of SHA-256 and waits for the one before it. Stretches of labels "
          "and of such a stream are measured in turns; the median of the ratios is the share. "
          "Then PC1 of an 8 MiB sector.",
          sector_opts, slk_run_bench_pc1),
    BENCH("pc2", "Poseidon hashes a second, and PC2 of an 8 MiB sector", NULL, sector_opts,
          slk_run_bench_pc2),
    BENCH("commp", "CommP and tree_d of data in memory on each back end",
          "The limit is that of the tree nodes alone on as many threads; the ratio is to one "
          "stream of the portable back end.",
          commp_opts, slk_run_bench_commp),
    BENCH("msm", "sums over curve points on each back end, against blst's own",
          "One thread, in turns with blst's Pippenger on the same points; the sums are compared. "
          "The ratio is blst's time to ours.",
          kernel_opts, slk_run_bench_msm),
    BENCH("c2", "C2 of a sector: time, memory, and what its parts take",
          "Seals derived data in a temporary folder first, which is not counted. The parameters "
          "are those of the parameter cache, or made in that folder, 1.1 GB. Times of the parts "
          "are wall time, with the CPU time of all threads beside; part is the share of the "
          "whole. The limit of the quotient is its butterflies with data in cache, that of the "
          "memory what the prover states.",
          c2_opts, slk_run_bench_c2),
    BENCH("post", "window and winning proofs: time, memory, and what their parts take",
          "Of one sector each, sealed in a temporary folder; as bench c2.", c2_opts,
          slk_run_bench_post),
    BENCH("ntt", "transforms over the scalar field on each back end",
          "The ratio is the time of one multiplication of blst to that of a butterfly.", commp_opts,
          slk_run_bench_ntt),
    {0},
};
