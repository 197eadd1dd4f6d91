#include "proofs/groth16/vk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/groth16/point.h"
#include "proofs/groth16/subgroup.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IC_GRAIN 64u
#define BULK_MIN 1024u /* points from which on the subgroup is checked for all at once */

/* The points before the count, in the order of the file. */
static const struct {
    const char *name;
    unsigned at;
    bool g2;
    size_t member;
} head_rows[] = {
    {"alpha_g1", 0, false, offsetof(slk_vk_t, alpha_g1)},
    {"beta_g1", 96, false, offsetof(slk_vk_t, beta_g1)},
    {"beta_g2", 192, true, offsetof(slk_vk_t, beta_g2)},
    {"gamma_g2", 384, true, offsetof(slk_vk_t, gamma_g2)},
    {"delta_g1", 576, false, offsetof(slk_vk_t, delta_g1)},
    {"delta_g2", 672, true, offsetof(slk_vk_t, delta_g2)},
};
#define COUNT_AT 864u

static void *point_at(const slk_vk_t *vk, size_t row)
{
    return (char *)vk + head_rows[row].member;
}

static slk_err_t bad_point(slk_diag_t *diag, const char *name, const char *field, uint64_t at,
                           slk_point_t point)
{
    return slk_fail(diag, SLK_ERR_FORMAT,
                    "%s: %s at byte %" PRIu64 " %s; replace the file by a good copy", name, field,
                    at, slk_point_text(point));
}

/* --- The points of ic, on many threads -------------------------------------------------------- */

typedef struct {
    slk_vk_t *vk;
    const uint8_t *bytes;
    const slk_job_t *job;
    bool subgroup;
    _Atomic uint64_t bad; /* lowest index of a bad point */
} ic_task_t;

static void ic_range(void *ctx, uint64_t begin, uint64_t end)
{
    ic_task_t *task = ctx;
    for (uint64_t i = begin; i < end && !slk_job_cancelled(task->job); i++) {
        if (slk_g1_read(&task->vk->ic[i], task->bytes + i * SLK_G1_SZ, task->subgroup) ==
            SLK_POINT_OK)
            continue;
        uint64_t seen = atomic_load(&task->bad);
        while (i < seen && !atomic_compare_exchange_weak(&task->bad, &seen, i))
            ;
        return;
    }
}

static slk_err_t read_ic(slk_vk_t *vk, const uint8_t *bytes, const char *name, const slk_job_t *job,
                         slk_diag_t *diag)
{
    ic_task_t task = {.vk = vk, .bytes = bytes, .job = job, .bad = UINT64_MAX};
    slk_pool_t *pool = slk_job_pool(job);
    task.subgroup = vk->ic_cnt < BULK_MIN;
    slk_pool_for(pool, vk->ic_cnt, IC_GRAIN, ic_range, &task);
    if (slk_job_cancelled(job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted while reading %s", name);
    if (!task.subgroup && atomic_load(&task.bad) == UINT64_MAX) {
        slk_err_t err = slk_g1_all_in_subgroup(&task.subgroup, vk->ic, vk->ic_cnt, job, diag);
        if (err != SLK_OK || task.subgroup)
            return err;
        task.subgroup = true; /* one by one, to name it */
        slk_pool_for(pool, vk->ic_cnt, IC_GRAIN, ic_range, &task);
        if (slk_job_cancelled(job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted while reading %s", name);
    }
    uint64_t bad = atomic_load(&task.bad);
    if (bad == UINT64_MAX)
        return SLK_OK;
    char field[32];
    blst_p1_affine unused;
    snprintf(field, sizeof field, "ic[%" PRIu64 "]", bad);
    return bad_point(diag, name, field, SLK_VK_HEAD_SZ + bad * SLK_G1_SZ,
                     slk_g1_read(&unused, bytes + bad * SLK_G1_SZ, true));
}

/* --- The key ---------------------------------------------------------------------------------- */

static slk_err_t read_head(slk_vk_t *vk, const uint8_t *bytes, const char *name, slk_diag_t *diag)
{
    for (size_t i = 0; i < SLK_COUNT(head_rows); i++) {
        const uint8_t *at = bytes + head_rows[i].at;
        slk_point_t point = head_rows[i].g2 ? slk_g2_read(point_at(vk, i), at, true)
                                            : slk_g1_read(point_at(vk, i), at, true);
        if (point != SLK_POINT_OK)
            return bad_point(diag, name, head_rows[i].name, head_rows[i].at, point);
    }
    return SLK_OK;
}

static void prepare(slk_vk_t *vk)
{
    blst_p2_affine neg_gamma = vk->gamma_g2, neg_delta = vk->delta_g2;
    blst_fp2_cneg(&neg_gamma.y, &neg_gamma.y, true);
    blst_fp2_cneg(&neg_delta.y, &neg_delta.y, true);
    slk_lines(&vk->beta, &vk->beta_g2);
    slk_lines(&vk->neg_gamma, &neg_gamma);
    slk_lines(&vk->neg_delta, &neg_delta);
    slk_pair_t pair = {&vk->beta, vk->alpha_g1};
    slk_miller(&vk->alpha_beta, &pair, 1);
}

slk_err_t slk_vk_parse_head(slk_vk_t **out, const uint8_t *bytes, uint64_t len, const char *name,
                            const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_vk_t *vk = NULL;
    *out = NULL;
    if (len < SLK_VK_HEAD_SZ)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%s: %" PRIu64
                        " bytes, a verifying key begins with %u bytes of fixed fields; replace "
                        "the file by a good copy",
                        name, len, SLK_VK_HEAD_SZ);
    uint32_t ic_cnt = slk_load_be32(bytes + COUNT_AT);
    if (ic_cnt < 1 || ic_cnt > SLK_VK_IC_MAX)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "%s: ic count at byte %u is %" PRIu32 ", expected 1 to %" PRIu32
                        "; replace the file by a good copy",
                        name, COUNT_AT, ic_cnt, SLK_VK_IC_MAX);
    if (len < slk_vk_sz(ic_cnt))
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "%s: %" PRIu64 " bytes, but the ic count at byte %u is %" PRIu32
                        ", which takes %" PRIu64 "; replace the file by a good copy",
                        name, len, COUNT_AT, ic_cnt, slk_vk_sz(ic_cnt));
    vk = malloc(sizeof *vk + ic_cnt * sizeof vk->ic[0]);
    if (!vk)
        return slk_fail(diag, SLK_ERR_NOMEM,
                        "%s: no memory for a verifying key of %" PRIu32 " points", name, ic_cnt);
    vk->ic_cnt = ic_cnt;
    SLK_TRY(read_head(vk, bytes, name, diag));
    SLK_TRY(read_ic(vk, bytes + SLK_VK_HEAD_SZ, name, job, diag));
    prepare(vk);
    *out = vk;
    vk = NULL;
out:
    slk_vk_free(vk);
    return err;
}

slk_err_t slk_vk_parse(slk_vk_t **out, const void *bytes, size_t len, const char *name,
                       const slk_job_t *job, slk_diag_t *diag)
{
    *out = NULL;
    if (len >= SLK_VK_HEAD_SZ) {
        uint32_t ic_cnt = slk_load_be32((const uint8_t *)bytes + COUNT_AT);
        if (ic_cnt && ic_cnt <= SLK_VK_IC_MAX && len > slk_vk_sz(ic_cnt))
            return slk_fail(diag, SLK_ERR_LENGTH,
                            "%s: %zu bytes, a verifying key of %" PRIu32
                            " ic points ends at byte %" PRIu64 "; replace the file by a good copy",
                            name, len, ic_cnt, slk_vk_sz(ic_cnt));
    }
    return slk_vk_parse_head(out, bytes, len, name, job, diag);
}

void slk_vk_write(uint8_t *out, const slk_vk_t *vk)
{
    for (size_t i = 0; i < SLK_COUNT(head_rows); i++) {
        if (head_rows[i].g2)
            blst_p2_affine_serialize(out + head_rows[i].at, point_at(vk, i));
        else
            blst_p1_affine_serialize(out + head_rows[i].at, point_at(vk, i));
    }
    slk_store_be32(out + COUNT_AT, vk->ic_cnt);
    for (uint32_t i = 0; i < vk->ic_cnt; i++)
        blst_p1_affine_serialize(out + slk_vk_sz(i), &vk->ic[i]);
}

void slk_vk_free(slk_vk_t *vk)
{
    free(vk);
}

size_t slk_vk_input_cnt(const slk_vk_t *vk)
{
    return vk->ic_cnt - 1;
}
