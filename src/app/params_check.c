#include "app/params_check.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/digest/file_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define B2SUM_MAX (64u << 10)

const char *slk_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void slk_params_check_init(slk_params_check_t *check, const char *path,
                           const slk_manifest_t *manifest)
{
    bool found;
    *check = (slk_params_check_t){.state = SLK_FILE_MISSING};
    snprintf(check->path, sizeof check->path, "%s", path);
    check->row = slk_manifest_find(manifest, slk_base_name(path));
    if (slk_file_len(&found, &check->len, path, &check->diag) != SLK_OK)
        check->state = SLK_FILE_ERROR;
    else if (!found)
        slk_fail(&check->diag, SLK_ERR_NOTFOUND, "%s: there is no such file", path);
    else
        check->state = SLK_FILE_FOREIGN;
}

/* --- One file ------------------------------------------------------------------------------- */

/* What the .b2sum file says about it. False: there is none, or no line of it. */
static bool made_here(uint8_t out[SLK_FILE_DIGEST_SZ], const char *path)
{
    char sums[4096 + 8], *text;
    size_t len;
    const char *dot = strrchr(path, '.');
    if (!dot)
        return false;
    snprintf(sums, sizeof sums, "%.*s.b2sum", (int)(dot - path), path);
    if (slk_read_file(&text, &len, sums, B2SUM_MAX, NULL) != SLK_OK)
        return false;
    bool found = slk_b2sum_find(out, text, len, slk_base_name(path));
    free(text);
    return found;
}

static void wrong(slk_params_check_t *check, const char *of)
{
    check->state = SLK_FILE_WRONG;
    slk_fail(&check->diag, SLK_ERR_DIGEST, "%s: %s, expected %s (%s); fetch or make it again",
             check->path, check->found, check->expected, of);
}

static void judge(slk_params_check_t *check, const uint8_t digest[SLK_FILE_DIGEST_SZ])
{
    uint8_t made[SLK_FILE_DIGEST_SZ];
    slk_hex_encode(check->found, digest, SLK_MANIFEST_DIGEST_SZ);
    if (check->row) {
        slk_hex_encode(check->expected, check->row->digest, SLK_MANIFEST_DIGEST_SZ);
        if (memcmp(digest, check->row->digest, SLK_MANIFEST_DIGEST_SZ) == 0) {
            check->state = SLK_FILE_PUBLISHED;
            return;
        }
    }
    if (made_here(made, check->path)) {
        /* As short as those of published files, if that tells them apart. */
        size_t shown = memcmp(digest, made, SLK_MANIFEST_DIGEST_SZ) == 0 &&
                               memcmp(digest, made, SLK_FILE_DIGEST_SZ) != 0
                           ? SLK_FILE_DIGEST_SZ
                           : SLK_MANIFEST_DIGEST_SZ;
        slk_hex_encode(check->found, digest, shown);
        slk_hex_encode(check->expected, made, shown);
        if (memcmp(digest, made, SLK_FILE_DIGEST_SZ) == 0)
            check->state = SLK_FILE_MADE;
        else
            wrong(check, "the .b2sum file beside it");
    } else if (check->row) {
        wrong(check, "as published");
    } else {
        check->state = SLK_FILE_FOREIGN;
        slk_fail(&check->diag, SLK_ERR_MISMATCH,
                 "%s: no published file has this name, and no .b2sum file beside it tells its "
                 "digest, which is %s",
                 check->path, check->found);
    }
}

static slk_err_t check_file(slk_params_check_t *check, const slk_job_t *job)
{
    uint8_t digest[SLK_FILE_DIGEST_SZ];
    int fd = -1;
    slk_err_t err;
    if (check->row && check->row->len != UINT64_MAX && check->row->len != check->len &&
        !made_here(digest, check->path)) {
        snprintf(check->expected, sizeof check->expected, "%" PRIu64 " bytes", check->row->len);
        snprintf(check->found, sizeof check->found, "%" PRIu64 " bytes", check->len);
        slk_progress_add(slk_job_progress(job), check->len);
        wrong(check, "as published");
        return SLK_OK;
    }
    SLK_TRY(slk_open_read(&fd, NULL, check->path, "parameters", check->len, &check->diag));
    SLK_TRY(slk_file_digest(digest, fd, check->len, check->path, job, &check->diag));
    judge(check, digest);
out:
    if (fd >= 0)
        close(fd);
    if (err != SLK_OK)
        check->state = SLK_FILE_ERROR;
    return err;
}

/* --- All ------------------------------------------------------------------------------------ */

typedef struct {
    slk_params_check_t **order;
    const slk_job_t *job;
} checks_t;

static void check_range(void *ctx, uint64_t begin, uint64_t end)
{
    checks_t *checks = ctx;
    for (uint64_t i = begin; i < end; i++)
        (void)!check_file(checks->order[i], checks->job);
}

/* The largest first, so that none is left alone at the end. */
static int larger(const void *a, const void *b)
{
    uint64_t x = (*(slk_params_check_t *const *)a)->len, y = (*(slk_params_check_t *const *)b)->len;
    return (x < y) - (x > y);
}

slk_err_t slk_params_check(slk_params_check_t *checks, size_t cnt, const char *stage,
                           const slk_job_t *job, slk_diag_t *diag)
{
    uint64_t total = 0;
    size_t todo = 0;
    checks_t all = {.order = calloc(cnt ? cnt : 1, sizeof *all.order), .job = job};
    if (!all.order)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < cnt; i++) {
        if (checks[i].state != SLK_FILE_FOREIGN)
            continue;
        if (checks[i].remembered) {
            checks[i].state = SLK_FILE_PUBLISHED;
            continue;
        }
        all.order[todo++] = &checks[i];
        total += checks[i].len;
    }
    qsort(all.order, todo, sizeof *all.order, larger);
    if (todo) {
        slk_progress_begin(slk_job_progress(job), stage, "B", total, 0);
        slk_pool_for(slk_job_pool(job), todo, 1, check_range, &all);
        slk_progress_end(slk_job_progress(job));
    }
    free(all.order);
    if (slk_job_cancelled(job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
    return SLK_OK;
}
