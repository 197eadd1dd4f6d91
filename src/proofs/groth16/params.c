#include "proofs/groth16/params.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "proofs/groth16/point.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define DOMAIN_MAX (UINT64_C(1) << 31)

static const struct {
    const char *name;
    uint32_t point_sz;
} array_rows[SLK_ARRAY_CNT] = {
    [SLK_ARRAY_H] = {"h", SLK_G1_SZ},       [SLK_ARRAY_L] = {"l", SLK_G1_SZ},
    [SLK_ARRAY_A] = {"a", SLK_G1_SZ},       [SLK_ARRAY_B_G1] = {"b_g1", SLK_G1_SZ},
    [SLK_ARRAY_B_G2] = {"b_g2", SLK_G2_SZ},
};

const char *slk_array_name(slk_array_id_t id)
{
    SLK_ASSERT((unsigned)id < SLK_ARRAY_CNT);
    return array_rows[id].name;
}

/* --- Layout ----------------------------------------------------------------------------------- */

/* Set points, counts and offsets; the arrays have to end where the bytes end. */
static slk_err_t find_arrays(slk_params_t *out, const uint8_t *bytes, uint64_t len,
                             const char *name, slk_diag_t *diag)
{
    uint64_t at = slk_vk_sz(out->vk->ic_cnt);
    for (size_t i = 0; i < SLK_ARRAY_CNT; i++) {
        slk_array_t *array = &out->arrays[i];
        if (len - at < 4)
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "%s: ends at byte %" PRIu64
                            ", before the count of %s; replace the file by a good copy",
                            name, len, array_rows[i].name);
        array->cnt = slk_load_be32(bytes + at);
        array->point_sz = array_rows[i].point_sz;
        array->offset = at + 4;
        array->points = bytes + array->offset;
        uint64_t sz = (uint64_t)array->cnt * array->point_sz;
        if (sz > len - array->offset)
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "%s: ends at byte %" PRIu64 ", but the count of %s at byte %" PRIu64
                            " is %" PRIu32 ", which ends at byte %" PRIu64
                            "; replace the file by a good copy",
                            name, len, array_rows[i].name, at, array->cnt, array->offset + sz);
        at = array->offset + sz;
    }
    if (at != len)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%s: %" PRIu64 " bytes, its arrays end at byte %" PRIu64
                        "; replace the file by a good copy",
                        name, len, at);
    return SLK_OK;
}

/* What every circuit's counts obey; see section 1.4. */
static slk_err_t check_counts(const slk_params_t *params, const char *name, slk_diag_t *diag)
{
    const slk_array_t *arrays = params->arrays;
    uint64_t inputs = params->vk->ic_cnt;
    uint64_t variables = inputs + arrays[SLK_ARRAY_L].cnt;
    uint64_t domain = (uint64_t)arrays[SLK_ARRAY_H].cnt + 1;
    const struct {
        bool good;
        slk_array_id_t id;
        const char *want;
        uint64_t bound;
    } rows[] = {
        {(domain & (domain - 1)) == 0 && domain <= DOMAIN_MAX, SLK_ARRAY_H,
         "one less than a power of two, at most", DOMAIN_MAX - 1},
        {domain >= inputs, SLK_ARRAY_H, "one less than a domain that holds all inputs:", inputs},
        {arrays[SLK_ARRAY_A].cnt >= inputs, SLK_ARRAY_A, "at least the number of inputs,", inputs},
        {arrays[SLK_ARRAY_A].cnt <= variables, SLK_ARRAY_A, "at most the number of variables,",
         variables},
        {arrays[SLK_ARRAY_B_G1].cnt <= variables, SLK_ARRAY_B_G1,
         "at most the number of variables,", variables},
        {arrays[SLK_ARRAY_B_G2].cnt == arrays[SLK_ARRAY_B_G1].cnt, SLK_ARRAY_B_G2,
         "as many as b_g1,", arrays[SLK_ARRAY_B_G1].cnt},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        const slk_array_t *array = &arrays[rows[i].id];
        if (!rows[i].good)
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "%s: the count of %s at byte %" PRIu64 " is %" PRIu32
                            ", expected %s %" PRIu64 "; replace the file by a good copy",
                            name, slk_array_name(rows[i].id), array->offset - 4, array->cnt,
                            rows[i].want, rows[i].bound);
    }
    return SLK_OK;
}

slk_err_t slk_params_parse(slk_params_t *out, const uint8_t *bytes, uint64_t len, const char *name,
                           const slk_job_t *job, slk_diag_t *diag)
{
    *out = (slk_params_t){0};
    slk_err_t err;
    SLK_TRY(slk_vk_parse_head(&out->vk, bytes, len, name, job, diag));
    SLK_TRY(find_arrays(out, bytes, len, name, diag));
    SLK_TRY(check_counts(out, name, diag));
    out->name = strdup(name);
    if (!out->name)
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", name);
out:
    if (err != SLK_OK)
        slk_params_fini(out);
    return err;
}

/* --- Files ------------------------------------------------------------------------------------ */

#define LOCK_TRIES   1200u
#define LOCK_STEP_NS 50000000

/* Whoever writes such a file holds it locked exclusively. */
static slk_err_t wait_for_writer(int fd, const char *path, const slk_job_t *job, slk_diag_t *diag)
{
    for (unsigned i = 0; flock(fd, LOCK_SH | LOCK_NB); i++) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK) /* a file system without locks: the checks of lengths remain */
            return SLK_OK;
        if (slk_job_cancelled(job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted while waiting for %s", path);
        if (i == LOCK_TRIES)
            return slk_fail(diag, SLK_ERR_BUSY,
                            "%s: another process has had it locked for a minute; wait until it is "
                            "done with the "
                            "file, or end it",
                            path);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_NS}, NULL);
    }
    return SLK_OK;
}

/* Open, wait, then take the length: a writer may have been at work until now. */
static slk_err_t open_locked(int *fd, uint64_t *len, const char *path, const char *what,
                             const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = slk_open_read(fd, NULL, path, what, SLK_ANY_LEN, diag);
    if (err != SLK_OK)
        return err;
    err = wait_for_writer(*fd, path, job, diag);
    if (err != SLK_OK)
        return err;
    off_t end = lseek(*fd, 0, SEEK_END);
    if (end < 0)
        return slk_fail_errno(diag, "seek in", path);
    *len = (uint64_t)end;
    return SLK_OK;
}

slk_err_t slk_params_open(slk_params_t *out, const char *path, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_err_t err;
    int fd = -1;
    uint64_t len;
    slk_region_t region = {0};
    *out = (slk_params_t){0};
    SLK_TRY(open_locked(&fd, &len, path, "parameters", job, diag));
    if (len < SLK_VK_HEAD_SZ) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64
                       " bytes are too few for parameters; replace the file by a good copy",
                       path, len);
        goto out;
    }
    SLK_TRY(slk_region_file(&region, fd, len, false, path, diag));
    SLK_TRY(slk_params_parse(out, region.ptr, len, path, job, diag));
    out->region = region;
    region = (slk_region_t){0};
out:
    slk_region_free(&region);
    if (fd >= 0)
        close(fd);
    return err;
}

void slk_params_fini(slk_params_t *params)
{
    slk_vk_free(params->vk);
    slk_region_free(&params->region);
    free(params->name);
    *params = (slk_params_t){0};
}

slk_err_t slk_vk_read(slk_vk_t **out, const char *path, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    int fd = -1;
    uint64_t len;
    uint8_t *bytes = NULL;
    *out = NULL;
    SLK_TRY(open_locked(&fd, &len, path, "verifying key", job, diag));
    if (len > slk_vk_sz(SLK_VK_IC_MAX)) {
        err = slk_fail(diag, SLK_ERR_LENGTH,
                       "%s: %" PRIu64 " bytes, a verifying key has at most %" PRIu64
                       "; check the path",
                       path, len, slk_vk_sz(SLK_VK_IC_MAX));
        goto out;
    }
    bytes = malloc(len ? len : 1);
    if (!bytes) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no memory for its %" PRIu64 " bytes", path, len);
        goto out;
    }
    SLK_TRY(slk_pread_all(fd, bytes, len, 0, path, diag));
    SLK_TRY(slk_vk_parse(out, bytes, len, path, job, diag));
out:
    free(bytes);
    if (fd >= 0)
        close(fd);
    return err;
}

slk_err_t slk_vk_read_params(slk_vk_t **out, const char *path, const slk_job_t *job,
                             slk_diag_t *diag)
{
    slk_params_t params;
    *out = NULL;
    slk_err_t err = slk_params_open(&params, path, job, diag);
    if (err != SLK_OK)
        return err;
    *out = params.vk;
    params.vk = NULL;
    slk_params_fini(&params);
    return SLK_OK;
}

slk_err_t slk_vk_find(slk_vk_t **out, const char *dir, const char *cache_identifier,
                      const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    char vk[4096], params[4096];
    *out = NULL;
    SLK_TRY(slk_params_path(vk, sizeof vk, dir, cache_identifier, SLK_PARAMS_VK, diag));
    SLK_TRY(slk_params_path(params, sizeof params, dir, cache_identifier, SLK_PARAMS_KEY, diag));
    err = slk_vk_read(out, vk, job, diag);
    if (err == SLK_ERR_STATE) {
        err = slk_vk_read_params(out, params, job, diag);
        if (err == SLK_ERR_STATE)
            return slk_fail(diag, err,
                            "neither %s nor the .params file of that name is there; make them with "
                            "selkie params "
                            "generate, fetch them with selkie params fetch, or set "
                            "FIL_PROOFS_PARAMETER_CACHE to their "
                            "folder",
                            vk);
        if (err == SLK_OK && diag)
            diag->text[0] = 0;
    }
out:
    return err;
}
