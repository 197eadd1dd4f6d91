#include "storage/copy.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "crypto/sha256/sha256.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)512 * 1024)
#define HOLE  ((size_t)64 * 1024) /* zeros that are worth one */

typedef struct {
    int from, to;
    const char *from_name, *to_name;
    uint8_t *block, *other; /* BLOCK bytes each */
    const slk_job_t *job;
    slk_diag_t *diag;
} copy_t;

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return !len || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static size_t block_at(uint64_t at, uint64_t len)
{
    return len - at < BLOCK ? (size_t)(len - at) : BLOCK;
}

static slk_err_t step(const copy_t *c, uint64_t bytes)
{
    slk_progress_add(slk_job_progress(c->job), bytes);
    return slk_job_cancelled(c->job) ? slk_fail(c->diag, SLK_ERR_CANCELLED, "interrupted") : SLK_OK;
}

/* *same: the target agrees with the block so far; when it does not, it ends here. */
static slk_err_t put_block(const copy_t *c, uint64_t at, size_t len, bool *same)
{
    slk_err_t err;
    if (*same) {
        err = slk_pread_all(c->to, c->other, len, at, c->to_name, c->diag);
        if (err != SLK_OK)
            return err;
        if (!memcmp(c->block, c->other, len))
            return SLK_OK;
        *same = false;
        if (ftruncate(c->to, (off_t)at))
            return slk_fail_errno(c->diag, "shorten", c->to_name);
    }
    for (size_t i = 0; i < len; i += HOLE) {
        size_t some = len - i < HOLE ? len - i : HOLE;
        err = is_zero(c->block + i, some)
                  ? SLK_OK
                  : slk_pwrite_all(c->to, c->block + i, some, at + i, c->to_name, c->diag);
        if (err != SLK_OK)
            return err;
    }
    return SLK_OK;
}

static slk_err_t copy_all(const copy_t *c, slk_copied_t *copied, uint64_t have)
{
    slk_sha256_t sha;
    bool same = true;
    slk_sha256_init(&sha);
    for (uint64_t at = 0; at < copied->bytes;) {
        size_t len = block_at(at, copied->bytes);
        slk_err_t err = slk_pread_all(c->from, c->block, len, at, c->from_name, c->diag);
        if (err != SLK_OK)
            return err;
        slk_sha256_update(&sha, c->block, len);
        if (same && at + len > have) {
            same = false;
            if (ftruncate(c->to, (off_t)at))
                return slk_fail_errno(c->diag, "shorten", c->to_name);
        }
        err = put_block(c, at, len, &same);
        if (err != SLK_OK)
            return err;
        at += len;
        if (same)
            copied->reused = at;
        err = step(c, len);
        if (err != SLK_OK)
            return err;
    }
    slk_sha256_final(&sha, &copied->sha256);
    /* Holes at the end, and what the target had beyond the source. */
    return ftruncate(c->to, (off_t)copied->bytes) ? slk_fail_errno(c->diag, "size", c->to_name)
                                                  : SLK_OK;
}

static slk_err_t read_back(const copy_t *c, const slk_copied_t *copied)
{
    slk_sha256_t sha;
    slk_node_t found;
    if (fsync(c->to))
        return slk_fail_errno(c->diag, "sync", c->to_name);
    posix_fadvise(c->to, 0, 0, POSIX_FADV_DONTNEED); /* from the disk, not from memory */
    slk_sha256_init(&sha);
    for (uint64_t at = 0; at < copied->bytes;) {
        size_t len = block_at(at, copied->bytes);
        slk_err_t err = slk_pread_all(c->to, c->block, len, at, c->to_name, c->diag);
        if (err == SLK_OK)
            err = step(c, len);
        if (err != SLK_OK)
            return err;
        slk_sha256_update(&sha, c->block, len);
        at += len;
    }
    slk_sha256_final(&sha, &found);
    posix_fadvise(c->to, 0, 0, POSIX_FADV_DONTNEED);
    if (slk_node_eq(&found, &copied->sha256))
        return SLK_OK;
    return slk_fail(c->diag, SLK_ERR_DIGEST,
                    "%s: read back with SHA-256 %s, %s was written; the disk or the memory is "
                    "faulty: test both, the source is left as it is",
                    c->to_name, slk_node_hex(&found).s, slk_node_hex(&copied->sha256).s);
}

static bool unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

slk_err_t slk_copy_verified(slk_copied_t *copied, int from, const char *from_name, int to,
                            const char *to_name, const slk_job_t *job, slk_diag_t *diag)
{
    struct stat before, after, target;
    copy_t c = {.from = from,
                .to = to,
                .from_name = from_name,
                .to_name = to_name,
                .block = malloc(2 * BLOCK),
                .job = job,
                .diag = diag};
    slk_err_t err = SLK_OK;
    *copied = (slk_copied_t){0};
    if (!c.block)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to copy %s", from_name);
    c.other = c.block + BLOCK;
    if (fstat(from, &before) || fstat(to, &target)) {
        err = slk_fail_errno(diag, "stat", from_name);
        goto out;
    }
    copied->bytes = (uint64_t)before.st_size;
    SLK_TRY(copy_all(&c, copied, (uint64_t)target.st_size));
    SLK_TRY(read_back(&c, copied));
    if (fstat(from, &after))
        err = slk_fail_errno(diag, "stat", from_name);
    else if (!unchanged(&before, &after))
        err = slk_fail(diag, SLK_ERR_BUSY,
                       "%s: changed while it was copied; stop what writes to it and repeat",
                       from_name);
out:
    free(c.block);
    return err;
}

slk_err_t slk_compare_files(bool *equal, int a, const char *a_name, int b, const char *b_name,
                            uint64_t len, const slk_job_t *job, slk_diag_t *diag)
{
    uint8_t *block = malloc(2 * BLOCK);
    slk_err_t err = SLK_OK;
    const copy_t c = {.job = job, .diag = diag};
    *equal = true;
    if (!block)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to compare %s", a_name);
    posix_fadvise(b, 0, 0, POSIX_FADV_DONTNEED);
    for (uint64_t at = 0; *equal && at < len;) {
        size_t some = block_at(at, len);
        SLK_TRY(slk_pread_all(a, block, some, at, a_name, diag));
        SLK_TRY(slk_pread_all(b, block + BLOCK, some, at, b_name, diag));
        *equal = !memcmp(block, block + BLOCK, some);
        at += some;
        SLK_TRY(step(&c, 2 * some));
    }
out:
    free(block);
    return err;
}
