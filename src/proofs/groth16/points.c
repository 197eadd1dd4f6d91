#include "proofs/groth16/points.h"

#include "base/assert.h"
#include "proofs/groth16/point.h"
#include "proofs/groth16/subgroup.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHUNK (UINT64_C(1) << 16)
#define GRAIN 256u

typedef struct {
    const slk_array_t *array;
    uint64_t first;         /* of the chunk */
    blst_p1_affine *points; /* of it, for G1 */
    bool subgroup;          /* test each point for it */
    _Atomic uint64_t bad;   /* the lowest one of the chunk */
} chunk_t;

static slk_point_t read_point(chunk_t *chunk, uint64_t i)
{
    const slk_array_t *array = chunk->array;
    const uint8_t *bytes = array->points + (chunk->first + i) * array->point_sz;
    blst_p2_affine unused;
    return array->point_sz == SLK_G2_SZ ? slk_g2_read(&unused, bytes, true)
                                        : slk_g1_read(&chunk->points[i], bytes, chunk->subgroup);
}

static void read_some(void *ctx, uint64_t begin, uint64_t end)
{
    chunk_t *chunk = ctx;
    for (uint64_t i = begin; i < end; i++) {
        if (read_point(chunk, i) == SLK_POINT_OK)
            continue;
        uint64_t lowest = chunk->bad;
        while (i < lowest && !atomic_compare_exchange_weak(&chunk->bad, &lowest, i))
            ;
        return;
    }
}

/* One chunk; *bad is then below cnt if a point of it is wrong. */
static slk_err_t check_chunk(chunk_t *chunk, uint64_t cnt, const slk_job_t *job, slk_diag_t *diag)
{
    bool ok = true;
    chunk->bad = UINT64_MAX;
    chunk->subgroup = false;
    slk_pool_for(slk_job_pool(job), cnt, GRAIN, read_some, chunk);
    if (chunk->bad != UINT64_MAX || chunk->array->point_sz == SLK_G2_SZ)
        return SLK_OK;
    slk_err_t err = slk_g1_all_in_subgroup(&ok, chunk->points, cnt, job, diag);
    if (err != SLK_OK || ok)
        return err;
    chunk->subgroup = true; /* which one is it? */
    slk_pool_for(slk_job_pool(job), cnt, GRAIN, read_some, chunk);
    return SLK_OK;
}

static slk_err_t check_array(chunk_t *chunk, slk_array_id_t id, const char *name,
                             const slk_job_t *job, slk_diag_t *diag)
{
    const slk_array_t *array = chunk->array;
    for (chunk->first = 0; chunk->first < array->cnt; chunk->first += CHUNK) {
        uint64_t left = array->cnt - chunk->first, cnt = left < CHUNK ? left : CHUNK;
        if (slk_job_cancelled(job))
            return slk_fail(diag, SLK_ERR_CANCELLED, "%s: interrupted", name);
        slk_err_t err = check_chunk(chunk, cnt, job, diag);
        if (err != SLK_OK)
            return err;
        if (chunk->bad != UINT64_MAX) {
            uint64_t point = chunk->first + chunk->bad;
            chunk->subgroup = true;
            return slk_fail(diag, SLK_ERR_FORMAT,
                            "%s: point %" PRIu64 " of %s, at byte %" PRIu64
                            ", %s; replace the file by a good copy",
                            name, point, slk_array_name(id),
                            array->offset + point * array->point_sz,
                            slk_point_text(read_point(chunk, chunk->bad)));
        }
        slk_progress_add(slk_job_progress(job), cnt);
    }
    return SLK_OK;
}

uint64_t slk_params_point_cnt(const slk_params_t *params)
{
    uint64_t cnt = 0;
    for (size_t i = 0; i < SLK_ARRAY_CNT; i++)
        cnt += params->arrays[i].cnt;
    return cnt;
}

slk_err_t slk_params_check_points(const slk_params_t *params, const char *name,
                                  const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    chunk_t chunk = {.points = malloc(CHUNK * sizeof *chunk.points)};
    if (!chunk.points)
        return slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", name);
    for (slk_array_id_t id = 0; id < SLK_ARRAY_CNT; id++) {
        chunk.array = &params->arrays[id];
        SLK_TRY(check_array(&chunk, id, name, job, diag));
    }
out:
    free(chunk.points);
    return err;
}
