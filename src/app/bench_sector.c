#include "app/bench.h"

#include "base/assert.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"
#include "selkie/fr32.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPEN_DIRS 16

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

/* Data that no zero short-cut applies to; the same at each call. */
static slk_err_t write_data(const char *path, uint64_t len, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    uint64_t *buf = malloc(1 << 20), state = UINT64_C(0x2545f4914f6cdd1d);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        err = slk_fail_errno(diag, "create", path);
        goto out;
    }
    if (!buf) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    for (uint64_t left = len; left;) {
        for (size_t i = 0; i < (1 << 20) / sizeof *buf; i++) {
            state ^= state << 13; /* xorshift64 */
            state ^= state >> 7;
            state ^= state << 17;
            buf[i] = state;
        }
        size_t cnt = left < 1 << 20 ? left : 1 << 20;
        SLK_TRY(slk_write_all(fd, buf, cnt, path, diag));
        left -= cnt;
    }
out:
    free(buf);
    if (fd >= 0)
        close(fd);
    return err;
}

static slk_err_t run_stage(slk_bench_life_t *life, slk_stage_t stage, slk_diag_t *diag)
{
    const slk_sector_t *sector = &life->sector.sector;
    slk_add_piece_t added = {0};
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    slk_c1_t c1;
    slk_err_t err = SLK_OK;
    int fd;
    switch (stage) {
    case SLK_STAGE_AP:
        fd = open(life->data, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return slk_fail_errno(diag, "open", life->data);
        err = slk_seal_add_piece(&added, sector, fd, life->data, UINT64_MAX, 0, life->job, diag);
        close(fd);
        slk_add_piece_fini(&added);
        return err;
    case SLK_STAGE_PC1:
        return slk_seal_pc1(&pc1, sector, &life->ticket, life->options, life->job, diag);
    case SLK_STAGE_PC2:
        err = slk_seal_pc2(&pc2, sector, NULL, life->job, diag);
        life->comm_r = pc2.comm_r;
        return err;
    case SLK_STAGE_C1:
        return slk_seal_c1(&c1, sector, &life->ticket, &life->seed, life->c1, life->job, diag);
    case SLK_STAGE_CNT:
        break;
    }
    return err;
}

static slk_err_t make_folder(slk_bench_life_t *life, const char *dir, slk_diag_t *diag)
{
    int len = snprintf(life->dir, sizeof life->dir, "%s/selkie-bench-XXXXXX", dir);
    if ((size_t)len >= sizeof life->dir) {
        life->dir[0] = '\0';
        return slk_fail(diag, SLK_ERR_INPUT, "--dir: the path is too long; use a shorter one");
    }
    if (!mkdtemp(life->dir)) {
        life->dir[0] = '\0';
        return slk_fail_errno(diag, "create a temporary folder in", dir);
    }
    snprintf(life->data, sizeof life->data, "%s/data", life->dir);
    snprintf(life->c1, sizeof life->c1, "%s/c1.json", life->dir);
    return SLK_OK;
}

slk_err_t slk_bench_life_new(slk_bench_life_t **out, slk_stage_time_t *times,
                             const slk_sector_t *sector, const char *dir, slk_stage_t last,
                             const slk_pc1_options_t *options, const slk_job_t *job,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slk_bench_life_t *life = *out = calloc(1, sizeof *life);
    if (!life)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    life->sector.sector = *sector;
    life->options = options;
    life->job = job;
    slk_sha256(&life->ticket, "bench ticket", 12);
    slk_sha256(&life->seed, "bench seed", 10);
    SLK_TRY(make_folder(life, dir, diag));
    SLK_TRY(slk_sector_place(&life->sector, life->dir, true, diag));
    SLK_TRY(write_data(life->data, slk_fr32_unpadded(sector->porep.size->bytes), diag));
    for (unsigned stage = 0; stage <= last; stage++) {
        double wall = slk_clock_seconds(), cpu = slk_bench_process_seconds();
        SLK_TRY(run_stage(life, (slk_stage_t)stage, diag));
        if (times)
            times[stage] =
                (slk_stage_time_t){slk_clock_seconds() - wall, slk_bench_process_seconds() - cpu};
    }
out:
    return err;
}

slk_err_t slk_bench_life_free(slk_bench_life_t *life, slk_err_t err, slk_diag_t *diag)
{
    if (life && life->dir[0] &&
        nftw(life->dir, remove_one, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS) != 0 && err == SLK_OK)
        err = slk_fail_errno(diag, "remove", life->dir);
    free(life);
    return err;
}

slk_err_t slk_bench_sector(slk_stage_time_t times[SLK_STAGE_CNT], const slk_sector_t *sector,
                           const char *dir, slk_stage_t last, const slk_pc1_options_t *options,
                           const slk_job_t *job, slk_diag_t *diag)
{
    slk_bench_life_t *life;
    slk_err_t err = slk_bench_life_new(&life, times, sector, dir, last, options, job, diag);
    return slk_bench_life_free(life, err, diag);
}

void slk_bench_pc2_hashes(const slk_porep_t *porep, uint64_t *columns, uint64_t *nodes)
{
    const slk_size_t *size = porep->size;
    *columns = size->nodes;
    /* tree_nodes counts the leaves, too; the few nodes above the base trees are left out */
    *nodes = 2 * size->trees * (size->tree_nodes - size->tree_leaves);
}

/* C2 of the sector, where the parameters for it are and the variant has one; else *proven is
 * false. */
static slk_err_t measure_c2(bool *proven, slk_stage_time_t *time, const slk_bench_life_t *life,
                            slk_app_t *app)
{
    slk_c2_t c2;
    const slk_sector_t *sector = &life->sector.sector;
    double wall = slk_clock_seconds(), cpu = slk_bench_process_seconds();
    slk_err_t err = slk_seal_c2(&c2, life->c1, sector->miner, sector->number, NULL, NULL, &app->job,
                                &app->diag);
    *proven = err == SLK_OK;
    if (err == SLK_ERR_STATE || err == SLK_ERR_INPUT) {
        app->diag.text[0] = '\0';
        return SLK_OK;
    }
    *time = (slk_stage_time_t){slk_clock_seconds() - wall, slk_bench_process_seconds() - cpu};
    slk_c2_fini(&c2);
    return err;
}

slk_err_t slk_run_seal_bench(slk_app_t *app, const slk_args_t *args)
{
    static const char *const names[SLK_STAGE_CNT] = {"add-piece", "pc1", "pc2", "c1"};
    slk_sector_t sector = {.miner = args->opt[SLK_OPT_MINER].num,
                           .number = args->opt[SLK_OPT_SECTOR].num};
    slk_pc1_options_t options = slk_label_args(args);
    slk_stage_time_t times[SLK_STAGE_CNT], c2 = {0, 0};
    slk_bench_life_t *life = NULL;
    bool proven;
    slk_err_t err;
    SLK_TRY(slk_porep_registered(&sector.porep, args->opt[SLK_OPT_SIZE].size,
                                 args->opt[SLK_OPT_POREP].text, &app->diag));
    SLK_TRY(slk_app_job(app, args, "the temporary folder was removed"));
    SLK_TRY(slk_bench_life_new(&life, times, &sector, args->opt[SLK_OPT_DIR].text, SLK_STAGE_C1,
                               &options, &app->job, &app->diag));
    SLK_TRY(measure_c2(&proven, &c2, life, app));

    const slk_size_t *size = sector.porep.size;
    double threads = slk_pool_threads(app->job.pool),
           tree_d = (double)size->nodes * slk_bench_pair_ns(0.1);
    uint64_t columns, nodes;
    slk_bench_pc2_hashes(&sector.porep, &columns, &nodes);
    double limits[SLK_STAGE_CNT] = {
        [SLK_STAGE_AP] = tree_d / threads,
        [SLK_STAGE_PC1] =
            tree_d / threads + (double)size->nodes * size->layers * 20 * slk_bench_block_ns(0.1),
        [SLK_STAGE_PC2] = ((double)columns * slk_bench_poseidon_ns(size->layers, 0.1) +
                           (double)nodes * slk_bench_poseidon_ns(8, 0.1)) /
                          threads,
    };
    double wall = c2.wall, cpu = c2.cpu;
    for (unsigned i = 0; i < SLK_STAGE_CNT; i++) {
        slk_figure_add(
            slk_figure(app, names[i], times[i].wall, "s", limits[i] * 1e-9, SLK_LESS_IS_BETTER),
            "cpu_seconds", times[i].cpu);
        wall += times[i].wall;
        cpu += times[i].cpu;
    }
    if (proven)
        slk_figure_add(slk_figure(app, "c2", c2.wall, "s", 0, SLK_LESS_IS_BETTER), "cpu_seconds",
                       c2.cpu);
    slk_figure_add(slk_figure(app, "all", wall, "s", 0, SLK_LESS_IS_BETTER), "cpu_seconds", cpu);
out:
    return slk_bench_life_free(life, err, &app->diag);
}
