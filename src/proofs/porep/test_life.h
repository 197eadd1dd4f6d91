#ifndef SLK_PROOFS_POREP_TEST_LIFE_H
#define SLK_PROOFS_POREP_TEST_LIFE_H

/* A sector in a temporary folder, for tests. */

#include "test_util.h"

#include "base/file.h"
#include "selkie/seal.h"

#include <fcntl.h>

typedef struct {
    char dir[64], cache[128], sealed[128], unsealed[128];
    slk_sector_t sector;
    slk_job_t job;
    slk_diag_t diag;
} life_t;

/* In a folder of its own, or in `dir` when that is not NULL. */
static inline void life_begin_in(life_t *life, const char *dir, const slk_porep_t *porep,
                                 uint64_t miner, uint64_t number, unsigned threads)
{
    memset(life, 0, sizeof *life);
    if (dir)
        snprintf(life->dir, sizeof life->dir, "%s", dir);
    else
        test_tmp_dir(life->dir);
    snprintf(life->cache, sizeof life->cache, "%s/cache", life->dir);
    snprintf(life->sealed, sizeof life->sealed, "%s/sealed", life->dir);
    snprintf(life->unsealed, sizeof life->unsealed, "%s/unsealed", life->dir);
    life->sector = (slk_sector_t){*porep, miner, number, life->cache, life->sealed, life->unsealed};
    assert_ok(slk_pool_new(&life->job.pool, threads, &life->diag), life->diag);
}

static inline void life_end(life_t *life)
{
    slk_pool_free(life->job.pool);
    test_rm_dir(life->dir);
}

static inline void life_path(char out[512], const life_t *life, const char *name)
{
    snprintf(out, 512, "%s/%s", life->cache, name);
}

static inline void file_digest(char out[65], const char *path, uint64_t *bytes)
{
    slk_sha256_t sha;
    slk_node_t node;
    uint8_t buf[65536];
    slk_sha256_init(&sha);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing", path);
    *bytes = 0;
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0; *bytes += n)
        slk_sha256_update(&sha, buf, n);
    fclose(f);
    slk_sha256_final(&sha, &node);
    strcpy(out, slk_node_hex(&node).s);
}

static inline void check_file(const char *path, const json_t *row)
{
    char digest[65];
    uint64_t bytes;
    file_digest(digest, path, &bytes);
    if (strcmp(digest, json_string_value(json_object_get(row, "sha256"))) != 0 ||
        bytes != (uint64_t)json_integer_value(json_object_get(row, "bytes")))
        fail_msg("%s: %ju bytes, SHA-256 %s", path, (uintmax_t)bytes, digest);
}

/* Every file of a vector's listing; t_aux holds a path and is compared elsewhere. */
static inline void check_files(const life_t *life, json_t *listing)
{
    const char *name;
    json_t *row;
    assert_true(json_object_size(listing) > 2);
    json_object_foreach(listing, name, row)
    {
        char path[512];
        life_path(path, life, name);
        if (strcmp(name, "t_aux") != 0)
            check_file(path, row);
    }
}

static inline const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (!text)
        fail_msg("vector lacks %s", name);
    return text;
}

/* Count what slk_seal_check finds; the last finding is in life->diag. */
static inline void problem_found(void *ctx, const char *text)
{
    life_t *life = ctx;
    snprintf(life->diag.text, sizeof life->diag.text, "%s", text);
}

static inline bool life_is_sound(life_t *life)
{
    slk_diag_t diag;
    life->diag.text[0] = 0;
    assert_ok(slk_seal_check(&life->sector, false, problem_found, life, &life->job, &diag), diag);
    return !life->diag.text[0];
}

/* Flip one bit at an offset (from the end when negative). */
static inline void flip_bit(const char *path, long offset)
{
    FILE *f = fopen(path, "r+b");
    if (!f)
        fail_msg("cannot open %s", path);
    fseek(f, offset, offset < 0 ? SEEK_END : SEEK_SET);
    long at = ftell(f);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 4, f);
    fclose(f);
}

#endif /* SLK_PROOFS_POREP_TEST_LIFE_H */
