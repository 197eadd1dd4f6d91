#ifndef SLK_APP_BENCH_H
#define SLK_APP_BENCH_H

/* Measuring: rows of figures, short timings, a sector sealed in a temporary folder. */

#include "app/app.h"
#include "app/sector_args.h"

#include "selkie/cpu.h"

/* --- Figures -------------------------------------------------------------------------------- */

#define SLK_FIGURE_FIELDS                                                                          \
    "name: what was measured\n"                                                                    \
    "value: the figure\n"                                                                          \
    "unit: its unit\n"                                                                             \
    "limit: the best that this machine could do, measured in the same run; null: not known\n"      \
    "share: how near the figure comes to it, 1 is all of it"

typedef enum {
    SLK_LESS_IS_BETTER, /* times: share = limit / value */
    SLK_MORE_IS_BETTER  /* speeds: share = value / limit */
} slk_better_t;

/* Append a row to app->result, an array. limit 0: not known. The row is borrowed. */
json_t *slk_figure(slk_app_t *app, const char *name, double value, const char *unit, double limit,
                   slk_better_t better);

/* A field more in a row. */
void slk_figure_add(json_t *row, const char *field, double value);

/* --- Timing --------------------------------------------------------------------------------- */

typedef void slk_bench_fn_t(void *ctx);

/* Seconds of the fastest call, out of as many as fit into `seconds`, three at least; by `clock`. */
typedef double slk_bench_clock_t(void);
double slk_bench_best(slk_bench_fn_t *fn, void *ctx, double seconds, slk_bench_clock_t *clock);

/* CPU seconds so far of all threads, of this one: what others do on the machine does not count. */
double slk_bench_process_seconds(void);
double slk_bench_thread_seconds(void);

/* Middle of cnt > 0 values, which it sorts. */
double slk_bench_median(double *values, size_t cnt);

/* --- The machine's limits -------------------------------------------------------------------- */

/* Nanoseconds, with the back end in use. */
double slk_bench_block_ns(double seconds); /* a block of one dependent SHA-256 stream */
double slk_bench_pair_ns(double seconds);  /* a tree node, two blocks */
double slk_bench_poseidon_ns(unsigned arity, double seconds); /* a hash, of many at once */
double slk_bench_fr_mul_ns(bool dependent, double seconds);

/* Run fn(app, seconds, cpu, ctx) for each of a list of back ends that this machine has (best first,
 * ended by SLK_CPU_PORTABLE), then go back to the one in use before. */
typedef slk_err_t slk_backend_fn_t(slk_app_t *app, double seconds, slk_cpu_t cpu, void *ctx);
SLK_CHECK_RESULT slk_err_t slk_bench_backends(slk_app_t *app, const slk_cpu_t *list, double seconds,
                                              slk_backend_fn_t *fn, void *ctx);

/* --- A sector ------------------------------------------------------------------------------- */

typedef enum {
    SLK_STAGE_AP,
    SLK_STAGE_PC1,
    SLK_STAGE_PC2,
    SLK_STAGE_C1,
    SLK_STAGE_CNT
} slk_stage_t;

typedef struct {
    double wall, cpu; /* seconds */
} slk_stage_time_t;

/* A sector of derived data in a temporary folder. */
typedef struct {
    slk_sector_args_t sector;
    slk_node_t ticket, seed, comm_r; /* comm_r: after PC2 */
    char dir[SLK_PATH_MAX - 512];    /* the folder; "": there is none */
    char data[SLK_PATH_MAX], c1[SLK_PATH_MAX];
    const slk_pc1_options_t *options;
    const slk_job_t *job;
} slk_bench_life_t;

/* Make the folder in dir, seal up to a stage. times: of the stages; may be NULL. After this, also
 * after an error, slk_bench_life_free removes the folder; to err it adds its own failure. sector:
 * porep, miner and number. */
SLK_CHECK_RESULT slk_err_t slk_bench_life_new(slk_bench_life_t **out, slk_stage_time_t *times,
                                              const slk_sector_t *sector, const char *dir,
                                              slk_stage_t last, const slk_pc1_options_t *options,
                                              const slk_job_t *job, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_bench_life_free(slk_bench_life_t *life, slk_err_t err,
                                               slk_diag_t *diag);

/* Both: seal a sector of derived data below a temporary folder in dir, up to a stage, and remove it, also
 * after an error. sector: porep, miner and number. */
SLK_CHECK_RESULT slk_err_t slk_bench_sector(slk_stage_time_t times[SLK_STAGE_CNT],
                                            const slk_sector_t *sector, const char *dir,
                                            slk_stage_t last, const slk_pc1_options_t *options,
                                            const slk_job_t *job, slk_diag_t *diag);

/* Poseidon hashes of PC2: columns, nodes of tree_c and tree_r_last. */
void slk_bench_pc2_hashes(const slk_porep_t *porep, uint64_t *columns, uint64_t *nodes);

/* Start counting this process' peak of memory anew; false: the system does not let us, and the peak
 * is that since its start. */
bool slk_bench_peak_reset(void);
uint64_t slk_bench_peak(void); /* bytes */

/* The commands. */
slk_run_fn_t slk_run_seal_bench, slk_run_bench_pc1, slk_run_bench_pc2, slk_run_bench_commp,
    slk_run_bench_msm, slk_run_bench_ntt, slk_run_bench_c2, slk_run_bench_post;

#endif /* SLK_APP_BENCH_H */
