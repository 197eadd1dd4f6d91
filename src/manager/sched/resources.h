#ifndef SLK_SCHED_RESOURCES_H
#define SLK_SCHED_RESOURCES_H

/* What a task takes of a worker, by sector size: Lotus' table (spec lotus-miner.md 2.2), which an operator
 * overrides with Lotus' environment variables. And what its files take of a path. Pure. */

#include "cluster/task.h"
#include "selkie/err.h"

#define SLK_RESOURCE_SIZES 5 /* 2KiB, 8MiB, 512MiB, 32GiB, 64GiB */

typedef struct {
    uint64_t max_memory, min_memory, base_memory; /* bytes; min + base must be free to start */
    int32_t threads;         /* 0: none counted; -1: 92 % of the worker's cores */
    uint32_t max_concurrent; /* 0: no limit but that of the worker's task list */
} slk_resources_t;

typedef struct {
    slk_resources_t of[SLK_TASK_CNT][SLK_RESOURCE_SIZES];
} slk_resource_table_t;

/* Lotus' numbers. */
extern const slk_resource_table_t slk_resource_defaults;

/* Row of a sector size in bytes. False: not one of the five. */
bool slk_resource_size(unsigned *row, uint64_t sector_sz);

/* Set one field by the name of Lotus' environment variable: `PC1_32G_MAX_CONCURRENT` one size,
 * `PC1_MAX_CONCURRENT` all sizes. Fields: MIN_MEMORY, MAX_MEMORY, BASE_MIN_MEMORY (bytes),
 * MAX_PARALLELISM, MAX_CONCURRENT; GPU_UTILIZATION and MAX_PARALLELISM_GPU are read and have no effect, as
 * nothing here computes on GPUs. SLK_ERR_NOTFOUND: no such variable (of tasks that are not ours too);
 * SLK_ERR_INPUT: its value is no number. */
SLK_CHECK_RESULT slk_err_t slk_resource_set(slk_resource_table_t *table, const char *name,
                                            const char *value, slk_diag_t *diag);

/* All variables that `get` (getenv, or a worker's report) knows: the names without a size first, so that
 * the more exact ones win. */
SLK_CHECK_RESULT slk_err_t slk_resource_read(slk_resource_table_t *table,
                                             const char *(*get)(void *ctx, const char *name),
                                             void *ctx, slk_diag_t *diag);

/* Write all fields as `NAME=value` lines, which is what `selkie worker resources` shows. To be freed;
 * NULL: out of memory. */
char *slk_resource_text(const slk_resource_table_t *table);

/* Threads a task takes of a worker with so many cores: not more than those, at least one if any are counted. */
uint32_t slk_resource_threads(const slk_resources_t *row, uint32_t cores);

/* --- Files --------------------------------------------------------------------------------- */

/* What a task does with the files of its sector, beyond slk_tasks. */
typedef struct {
    slk_file_types_t needs; /* must be there */
    slk_file_types_t
        brings; /* come along when they are there: PC1 the piece data, GET what is kept */
    slk_file_types_t makes;   /* made in a path of `use`, or gone on with where they are */
    slk_file_types_t resumes; /* of the made ones: a part of an earlier try is worth a transfer */
    slk_file_types_t grows;   /* existing ones get larger, up to what sealing may take */
    slk_file_types_t sees; /* named to the worker when they are on it, whatever happens to them */
    slk_path_use_t use;    /* of the paths that made and fetched files go to */
    bool beside;           /* only on a worker that has some of the files, if any are there */
} slk_task_files_t;

extern const slk_task_files_t slk_task_files[SLK_TASK_CNT];

/* Bytes that must be free in a path for one type before a task starts: that of the table for the use, less
 * what is on the disk there already. */
uint64_t slk_task_space(slk_path_use_t use, slk_file_types_t type, uint64_t sector_sz,
                        uint64_t on_disk);

#endif /* SLK_SCHED_RESOURCES_H */
