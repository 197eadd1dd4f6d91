#include "manager/sched/resources.h"

#include "base/assert.h"
#include "base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)
#define G ((uint64_t)1 << 30)

/* One row a size: 2KiB, 8MiB, 512MiB, 32GiB, 64GiB. Columns max, min, base, threads, limit. */
const slk_resource_table_t slk_resource_defaults =
    {
        .of =
            {
                [SLK_TASK_WDP] = {{2 * K, 2 * K, 2 * K, 1, 0},
                                  {8 * M, 8 * M, 8 * M, 1, 0},
                                  {3 * G / 2, G, 10 * G, 1, 0},
                                  {96 * G, 30 * G, 32 * G, -1, 0},
                                  {120 * G, 60 * G, 64 * G, -1, 0}},
                [SLK_TASK_AP] = {{2 * K, 2 * K, 2 * K, 1, 0},
                                 {8 * M, 8 * M, 8 * M, 1, 0},
                                 {G, G, G, 1, 0},
                                 {4 * G, 4 * G, G, 1, 0},
                                 {8 * G, 8 * G, G, 1, 0}},
                [SLK_TASK_PC1] = {{2 * K, 2 * K, 2 * K, 1, 0},
                                  {8 * M, 8 * M, 8 * M, 1, 0},
                                  {G, 768 * M, M, 1, 0},
                                  {64 * G, 56 * G, 10 * M, 1, 0},
                                  {128 * G, 112 * G, 10 * M, 1, 0}},
                [SLK_TASK_PC2] = {{2 * K, 2 * K, 2 * K, -1, 0},
                                  {8 * M, 8 * M, 8 * M, -1, 0},
                                  {3 * G / 2, G, G, -1, 0},
                                  {15 * G, 15 * G, G, -1, 0},
                                  {30 * G, 30 * G, G, -1, 0}},
                [SLK_TASK_C1] = {{2 * K, 2 * K, 2 * K, 0, 0},
                                 {8 * M, 8 * M, 8 * M, 0, 0},
                                 {G, G, G, 0, 0},
                                 {G, G, G, 0, 0},
                                 {G, G, G, 0, 0}},
                [SLK_TASK_C2] = {{2 * K, 2 * K, 2 * K, 1, 0},
                                 {8 * M, 8 * M, 8 * M, 1, 0},
                                 {3 * G / 2, G, 10 * G, 1, 0},
                                 {150 * G, 30 * G, 32 * G, -1, 0},
                                 {190 * G, 60 * G, 64 * G, -1, 0}},
                [SLK_TASK_GET] = {{M, M, 0, 0, 0},
                                  {M, M, 0, 0, 0},
                                  {M, M, 0, 0, 0},
                                  {M, M, 0, 0, 0},
                                  {M, M, 0, 0, 0}},
            },
};

#define SLK_FT_UPDATES (SLK_FT_UPDATE | SLK_FT_UPDATE_CACHE)
#define SLK_FT_SEAL    (SLK_FT_SEALED | SLK_FT_CACHE)

const slk_task_files_t slk_task_files[SLK_TASK_CNT] = {
    [SLK_TASK_WDP] = {0},
    [SLK_TASK_AP] = {.makes = SLK_FT_UNSEALED, .grows = SLK_FT_UNSEALED, .beside = true},
    [SLK_TASK_PC1] = {.brings = SLK_FT_UNSEALED,
                      .makes = SLK_FT_SEAL,
                      .resumes = SLK_FT_SEAL,
                      .grows = SLK_FT_SEAL},
    [SLK_TASK_PC2] = {.needs = SLK_FT_SEAL, .grows = SLK_FT_SEAL},
    [SLK_TASK_C1] = {.needs = SLK_FT_SEAL, .beside = true},
    [SLK_TASK_C2] = {0},
    [SLK_TASK_FIN] = {.needs = SLK_FT_SEAL, .sees = SLK_FT_ALL, .beside = true},
    [SLK_TASK_GET] = {.needs = SLK_FT_SEAL,
                      .brings = SLK_FT_UNSEALED | SLK_FT_UPDATES,
                      .use = SLK_PATH_STORAGE},
    [SLK_TASK_RM] = {.sees = SLK_FT_ALL, .beside = true},
};

static const struct {
    const char *name; /* in variables */
    uint64_t bytes;
} sizes[SLK_RESOURCE_SIZES] = {
    {"2K", 2 * K}, {"8M", 8 * M}, {"512M", 512 * M}, {"32G", 32 * G}, {"64G", 64 * G}};

typedef enum { BYTES, THREADS, COUNT, IGNORED } field_kind_t;

static const struct {
    const char *name;
    field_kind_t kind;
    size_t offset;
} fields[] = {
    {"MAX_MEMORY", BYTES, offsetof(slk_resources_t, max_memory)},
    {"MIN_MEMORY", BYTES, offsetof(slk_resources_t, min_memory)},
    {"BASE_MIN_MEMORY", BYTES, offsetof(slk_resources_t, base_memory)},
    {"MAX_PARALLELISM", THREADS, offsetof(slk_resources_t, threads)},
    {"MAX_CONCURRENT", COUNT, offsetof(slk_resources_t, max_concurrent)},
    {"MAX_PARALLELISM_GPU", IGNORED, 0},
    {"GPU_UTILIZATION", IGNORED, 0},
};

bool slk_resource_size(unsigned *row, uint64_t sector_sz)
{
    for (unsigned i = 0; i < SLK_RESOURCE_SIZES; i++) {
        if (sizes[i].bytes == sector_sz) {
            *row = i;
            return true;
        }
    }
    return false;
}

/* Take a word and the '_' behind it off the front of *text. */
static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0 || (*text)[len] != '_')
        return false;
    *text += len + 1;
    return true;
}

static slk_err_t set_field(slk_resources_t *row, size_t field, const char *name, const char *value,
                           slk_diag_t *diag)
{
    if (fields[field].kind == IGNORED)
        return SLK_OK;
    bool threads = fields[field].kind == THREADS;
    int64_t max = fields[field].kind == BYTES ? INT64_MAX : INT32_MAX;
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (!*value || *end || errno || number < (threads ? -1 : 0) || number > max)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s=%.40s: expected a whole number from %d to %" PRId64, name, value,
                        threads ? -1 : 0, max);
    char *at = (char *)row + fields[field].offset;
    if (fields[field].kind == BYTES)
        *(uint64_t *)(void *)at = (uint64_t)number;
    else if (threads)
        *(int32_t *)(void *)at = (int32_t)number;
    else
        *(uint32_t *)(void *)at = (uint32_t)number;
    return SLK_OK;
}

slk_err_t slk_resource_set(slk_resource_table_t *table, const char *name, const char *value,
                           slk_diag_t *diag)
{
    const char *rest = name;
    unsigned task = 0, size = 0;
    while (task < SLK_TASK_CNT && !take_word(&rest, slk_tasks[task].name))
        task++;
    if (task == SLK_TASK_CNT)
        return slk_fail(diag, SLK_ERR_NOTFOUND, "%.60s: names no task of ours", name);
    while (size < SLK_RESOURCE_SIZES && !take_word(&rest, sizes[size].name))
        size++;
    for (size_t f = 0; f < SLK_COUNT(fields); f++) {
        if (strcmp(rest, fields[f].name) != 0)
            continue;
        slk_err_t err = SLK_OK;
        for (unsigned i = 0; i < SLK_RESOURCE_SIZES && err == SLK_OK; i++) {
            if (size == SLK_RESOURCE_SIZES || size == i)
                err = set_field(&table->of[task][i], f, name, value, diag);
        }
        return err;
    }
    return slk_fail(diag, SLK_ERR_NOTFOUND,
                    "%.60s: names no resource; one is PC1_32G_MAX_CONCURRENT", name);
}

slk_err_t slk_resource_read(slk_resource_table_t *table,
                            const char *(*get)(void *ctx, const char *name), void *ctx,
                            slk_diag_t *diag)
{
    for (unsigned task = 0; task < SLK_TASK_CNT; task++) {
        for (unsigned size = 0; size <= SLK_RESOURCE_SIZES; size++) {
            for (size_t f = 0; f < SLK_COUNT(fields); f++) {
                char name[64];
                const char *of = size ? sizes[size - 1].name : "";
                snprintf(name, sizeof(name), "%s%s%s_%s", slk_tasks[task].name, size ? "_" : "", of,
                         fields[f].name);
                const char *value = get(ctx, name);
                slk_err_t err = value ? slk_resource_set(table, name, value, diag) : SLK_OK;
                if (err != SLK_OK)
                    return err;
            }
        }
    }
    return SLK_OK;
}

char *slk_resource_text(const slk_resource_table_t *table)
{
    slk_buf_t buf = {0};
    for (unsigned task = 0; task < SLK_TASK_CNT; task++) {
        for (unsigned size = 0; size < SLK_RESOURCE_SIZES; size++) {
            const slk_resources_t *row = &table->of[task][size];
            int64_t values[] = {(int64_t)row->max_memory, (int64_t)row->min_memory,
                                (int64_t)row->base_memory, row->threads, row->max_concurrent};
            for (size_t f = 0; f < SLK_COUNT(values); f++) {
                char line[96];
                int len =
                    snprintf(line, sizeof(line), "%s_%s_%s=%" PRId64 "\n", slk_tasks[task].name,
                             sizes[size].name, fields[f].name, values[f]);
                slk_buf_put(&buf, line, (size_t)len);
            }
        }
    }
    slk_buf_put_byte(&buf, 0);
    if (buf.failed)
        slk_buf_free(&buf);
    return (char *)buf.bytes;
}

uint32_t slk_resource_threads(const slk_resources_t *row, uint32_t cores)
{
    uint64_t all = (uint64_t)cores * 92 / 100;
    uint64_t threads = row->threads >= 0 ? (uint64_t)row->threads : all ? all : cores;
    threads = threads < cores ? threads : cores;
    return row->threads && !threads ? 1 : (uint32_t)threads;
}

uint64_t slk_task_space(slk_path_use_t use, slk_file_types_t type, uint64_t sector_sz,
                        uint64_t on_disk)
{
    uint64_t all = slk_file_space(
        type, sector_sz, use == SLK_PATH_SEALING ? SLK_SPACE_SEALING : SLK_SPACE_FINALIZED);
    return all > on_disk ? all - on_disk : 0;
}
