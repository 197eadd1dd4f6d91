/* Groth16 proofs of a sector made for it: time and memory, and what the parts take. */
#include "app/bench.h"

#include "base/assert.h"
#include "crypto/fft/fft.h"
#include "crypto/msm/msm_bench.h"
#include "proofs/prove/prover.h"
#include "selkie/setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* --- Memory ----------------------------------------------------------------------------------- */

bool slk_bench_peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (!file)
        return false;
    bool done = fputs("5", file) >= 0;
    return fclose(file) == 0 && done;
}

uint64_t slk_bench_peak(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    if (!kib) {
        struct rusage use;
        getrusage(RUSAGE_SELF, &use);
        kib = (uint64_t)use.ru_maxrss;
    }
    return kib << 10;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* What was measured of one proof. */
typedef struct {
    const char *name;
    slk_prove_time_t all, parts[SLK_PROVE_STAGE_CNT];
    uint64_t peak, stated;
    uint64_t rows, domain; /* of all partitions; of one */
    uint32_t partitions;
} proof_t;

static void time_row(slk_app_t *app, const proof_t *proof, const char *part, slk_prove_time_t took,
                     double limit)
{
    char name[96];
    snprintf(name, sizeof name, "%s, %s", proof->name, part);
    json_t *row = slk_figure(app, name, took.wall, "s", limit, SLK_LESS_IS_BETTER);
    slk_figure_add(row, "cpu_seconds", took.cpu);
    slk_figure_add(row, "part", took.wall / proof->all.wall);
}

#define LOG_VALUES 14u /* in cache */
#define LOG_POINTS 14u

/* Least seconds of the quotient: the butterflies of its six transforms with data in cache. And
 * how long blst's own sum over G1 takes to ours. */
static slk_err_t compare(double *quotient, double *to_blst, const proof_t *proof, slk_app_t *app)
{
    slk_err_t err;
    slk_ntt_figures_t ntt;
    slk_msm_figures_t msm;
    double butterflies =
        6.0 * proof->partitions * (double)(proof->domain / 2) * slk_ntt_log(proof->domain);
    SLK_TRY(slk_ntt_bench(&ntt, LOG_VALUES, 3, false, &app->job, &app->diag));
    SLK_TRY(slk_msm_bench(&msm, SLK_MSM_G1, LOG_POINTS, 1, &app->diag));
    *quotient = butterflies * ntt.butterfly_ns * 1e-9;
    *to_blst = msm.ratio;
out:
    return err;
}

static slk_err_t show(slk_app_t *app, const proof_t *proof)
{
    char name[96];
    double quotient, to_blst;
    slk_prove_time_t rest = proof->all;
    slk_err_t err = compare(&quotient, &to_blst, proof, app);
    if (err != SLK_OK)
        return err;
    time_row(app, proof, "all of it", proof->all, 0);
    for (unsigned i = 0; i < SLK_PROVE_STAGE_CNT; i++) {
        time_row(app, proof, slk_prove_stage_name((slk_prove_stage_t)i), proof->parts[i],
                 i == SLK_PROVE_QUOTIENT ? quotient : 0);
        rest.wall -= proof->parts[i].wall;
        rest.cpu -= proof->parts[i].cpu;
    }
    time_row(app, proof, "the rest: vanilla proofs, keys", rest, 0);
    snprintf(name, sizeof name, "%s, witness, constraints", proof->name);
    slk_figure(app, name, (double)proof->rows / proof->parts[SLK_PROVE_WITNESS].wall, "1/s", 0,
               SLK_MORE_IS_BETTER);
    snprintf(name, sizeof name, "%s, MSM G1 of 2^%u points, blst's time to ours", proof->name,
             LOG_POINTS);
    slk_figure(app, name, to_blst, "times", 0, SLK_MORE_IS_BETTER);
    snprintf(name, sizeof name, "%s, peak memory", proof->name);
    slk_figure(app, name, (double)proof->peak / (1 << 20), "MiB", (double)proof->stated / (1 << 20),
               SLK_LESS_IS_BETTER);
    return SLK_OK;
}

/* --- A sector and its parameters ------------------------------------------------------------- */

typedef struct {
    slk_bench_life_t *life;
    const slk_size_t *size;
} bench_t;

static slk_err_t bench_init(bench_t *bench, slk_app_t *app, const slk_args_t *args,
                            slk_stage_t last)
{
    slk_err_t err;
    slk_sector_t sector = {.miner = 1000, .number = 1};
    *bench = (bench_t){.size = args->opt[SLK_OPT_SIZE].size};
    SLK_TRY(slk_porep_registered(&sector.porep, bench->size, "v1_1", &app->diag));
    SLK_TRY(slk_app_job(app, args, "the temporary folder was removed"));
    SLK_TRY(slk_bench_life_new(&bench->life, NULL, &sector, args->opt[SLK_OPT_DIR].text, last, NULL,
                               &app->job, &app->diag));
out:
    return err;
}

/* The folder with the parameters of a circuit: NULL, the usual one, or if they are not there the
 * temporary one. */
static slk_err_t find_params(const char **dir, slk_prover_t **prover, const bench_t *bench,
                             slk_circuit_kind_t kind, slk_app_t *app)
{
    slk_setup_files_t files;
    *dir = NULL;
    slk_err_t err = slk_prover_open(prover, kind, bench->size, NULL, &app->job, &app->diag);
    if (err != SLK_ERR_STATE)
        return err;
    *dir = bench->life->dir;
    SLK_TRY(slk_setup_make(&files, *dir, kind, bench->size, false, &app->job, &app->diag));
    SLK_TRY(slk_prover_open(prover, kind, bench->size, *dir, &app->job, &app->diag));
out:
    return err;
}

static void fill(proof_t *proof, const slk_prover_t *prover, uint32_t partitions,
                 const slk_app_t *app)
{
    proof->partitions = partitions;
    proof->rows = prover->all.rows * partitions;
    proof->domain = slk_prove_domain(&prover->all);
    proof->stated = slk_prover_memory(prover, slk_pool_threads(app->job.pool));
}

static slk_prove_time_t since(slk_prove_time_t began)
{
    slk_prove_time_t now = slk_prove_clock();
    return (slk_prove_time_t){now.wall - began.wall, now.cpu - began.cpu};
}

/* --- c2 --------------------------------------------------------------------------------------- */

slk_err_t slk_run_bench_c2(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    bench_t bench;
    slk_prover_t *prover = NULL;
    slk_c2_t c2 = {0};
    const char *dir;
    char name[64];
    proof_t proof = {.name = name};
    SLK_TRY(bench_init(&bench, app, args, SLK_STAGE_C1));
    const slk_bench_life_t *life = bench.life;
    SLK_TRY(find_params(&dir, &prover, &bench, SLK_CIRCUIT_POREP, app));
    fill(&proof, prover, life->sector.sector.porep.partitions, app);
    slk_prover_free(prover);
    prover = NULL;
    snprintf(name, sizeof name, "C2 of %s", bench.size->name);
    slk_bench_peak_reset();
    slk_prove_time_t began = slk_prove_clock();
    SLK_TRY(slk_seal_c2(&c2, life->c1, life->sector.sector.miner, life->sector.sector.number, dir,
                        &(slk_prove_limits_t){.at_once = 1}, &app->job, &app->diag));
    proof.all = since(began);
    proof.peak = slk_bench_peak();
    for (unsigned i = 0; i < SLK_PROVE_PARTS; i++)
        proof.parts[i] = (slk_prove_time_t){c2.parts[i].wall, c2.parts[i].cpu};
    SLK_TRY(show(app, &proof));
out:
    slk_c2_fini(&c2);
    slk_prover_free(prover);
    return slk_bench_life_free(bench.life, err, &app->diag);
}

/* --- post ------------------------------------------------------------------------------------- */

/* The vanilla proof of the sector; outcome to be freed by the caller. */
static slk_err_t vanilla(slk_post_outcome_t *outcome, slk_post_vanilla_t *out,
                         const slk_post_t *post, const slk_bench_life_t *life,
                         const slk_node_t *randomness, slk_app_t *app)
{
    slk_err_t err;
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    const slk_sector_args_t *sector = &life->sector;
    slk_post_limits_t limits = {0};
    slk_post_leaves(leaves, post, randomness, sector->sector.number, 0);
    slk_post_replica_t replica = {.sector = sector->sector.number,
                                  .comm_r = life->comm_r,
                                  .cache = sector->cache,
                                  .sealed = sector->sealed,
                                  .leaves = leaves,
                                  .leaf_cnt = post->challenges};
    SLK_TRY(slk_post_vanilla(outcome, post, &replica, 1, &limits, &app->job, &app->diag));
    if (outcome->err != SLK_OK)
        return slk_fail(&app->diag, outcome->err, "%s",
                        outcome->why ? outcome->why : slk_err_text(outcome->err));
    SLK_TRY(slk_post_vanilla_parse(out, post->size, outcome->proof, outcome->len, &app->diag));
out:
    return err;
}

static slk_err_t measure_post(slk_app_t *app, const bench_t *bench, const slk_post_t *post,
                              slk_circuit_kind_t kind)
{
    slk_err_t err;
    const char *dir;
    char name[64];
    uint8_t bytes[SLK_GROTH16_PROOF_SZ];
    slk_prover_t *prover = NULL;
    slk_post_vanilla_t parsed;
    slk_post_outcome_t outcome = {0};
    slk_post_public_t pub = {bench->life->sector.sector.number, bench->life->comm_r};
    slk_node_t randomness = bench->life->seed;
    proof_t proof = {.name = name};
    slk_post_randomness(&randomness);
    SLK_TRY(find_params(&dir, &prover, bench, kind, app));
    fill(&proof, prover, 1, app);
    snprintf(name, sizeof name, "%s of %s", slk_circuit_name(kind), bench->size->name);
    slk_bench_peak_reset();
    slk_prove_time_t began = slk_prove_clock();
    SLK_TRY(vanilla(&outcome, &parsed, post, bench->life, &randomness, app));
    SLK_TRY(slk_prove_post_with(bytes, prover, post, &randomness, &pub, &parsed, 1, 0,
                                &(slk_prove_options_t){.times = proof.parts}, &app->job,
                                &app->diag));
    proof.all = since(began);
    proof.peak = slk_bench_peak();
    SLK_TRY(show(app, &proof));
out:
    slk_post_outcomes_fini(&outcome, 1);
    slk_prover_free(prover);
    return err;
}

slk_err_t slk_run_bench_post(slk_app_t *app, const slk_args_t *args)
{
    static const struct {
        slk_post_kind_t kind;
        slk_api_version_t version;
        slk_circuit_kind_t circuit;
    } rows[] = {{SLK_POST_WINDOW, SLK_API_V1_2, SLK_CIRCUIT_WINDOW},
                {SLK_POST_WINNING, SLK_API_V1_0, SLK_CIRCUIT_WINNING}};
    slk_err_t err;
    bench_t bench;
    SLK_TRY(bench_init(&bench, app, args, SLK_STAGE_PC2));
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_post_t post;
        SLK_TRY(slk_post_make(&post, bench.size, rows[i].kind, rows[i].version, &app->diag));
        SLK_TRY(measure_post(app, &bench, &post, rows[i].circuit));
    }
out:
    return slk_bench_life_free(bench.life, err, &app->diag);
}
