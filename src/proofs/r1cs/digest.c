/* The digest slk-r1cs-1 of a circuit: spec/proofs-snark.md 9.1. */
#include "proofs/r1cs/circuit.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/sha256/sha256.h"

#include <stdlib.h>
#include <string.h>

#define TERM_SZ  36u
#define BUF_SZ   (1u << 16)
#define PROGRESS (UINT64_C(1) << 17) /* rows between two reports */

typedef struct {
    slk_r1cs_digest_t *out;
    const slk_rows_t *rows;
    const slk_job_t *job;
    uint64_t row_cnt, next_checkpoint;
    slk_sha256_t sha;
    size_t used;
    uint8_t buf[BUF_SZ];
} digest_t;

static void flush(digest_t *d)
{
    slk_sha256_update(&d->sha, d->buf, d->used);
    d->used = 0;
}

static void checkpoint(digest_t *d)
{
    SLK_ASSERT(d->out->checkpoint_cnt < SLK_R1CS_CHECKPOINTS_MAX);
    slk_part_t at = slk_rows_at(d->rows);
    flush(d);
    slk_sha256_t copy = d->sha;
    unsigned n = d->out->checkpoint_cnt++;
    d->out->checkpoint[n].counts = (slk_r1cs_counts_t){d->row_cnt, at.inputs, at.aux};
    slk_sha256_final(&copy, &d->out->checkpoint[n].sha256);
    d->next_checkpoint *= 2;
}

static void put_lc(digest_t *d, const slk_lc_t *lc, const slk_coefs_t *coefs)
{
    if (d->used + 4 > BUF_SZ)
        flush(d);
    slk_store_le32(d->buf + d->used, (uint32_t)lc->cnt);
    d->used += 4;
    for (size_t i = 0; i < lc->cnt; i++) {
        if (d->used + TERM_SZ > BUF_SZ)
            flush(d);
        uint8_t *p = d->buf + d->used;
        slk_store_le32(p, lc->term[i].key);
        memcpy(p + 4, coefs->v[lc->term[i].coef].le.b, 32);
        d->used += TERM_SZ;
    }
}

static void put_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    digest_t *d = ctx;
    for (unsigned k = 0; k < 3; k++) {
        d->out->terms[k] += row->lc[k].cnt;
        put_lc(d, &row->lc[k], coefs);
    }
    d->row_cnt++;
    if (d->row_cnt == d->next_checkpoint)
        checkpoint(d);
    if (d->row_cnt % PROGRESS == 0 && d->job)
        slk_progress_add(d->job->progress, PROGRESS);
}

slk_err_t slk_r1cs_digest(slk_r1cs_digest_t *out, slk_circuit_kind_t kind, const slk_size_t *size,
                          const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_circuit_t circuit;
    slk_rows_t *rows = NULL;
    memset(out, 0, sizeof *out);
    digest_t *d = calloc(1, sizeof *d);
    if (!d)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the digest of a circuit");
    SLK_TRY(slk_circuit_init(&circuit, kind, size, diag));
    SLK_TRY(slk_rows_open(&rows, &circuit, diag));
    slk_part_t all = slk_circuit_part(&circuit, circuit.units);
    out->counts = (slk_r1cs_counts_t){all.rows, all.inputs, all.aux};
    d->out = out, d->rows = rows, d->job = job, d->next_checkpoint = 1;
    slk_sha256_init(&d->sha);
    slk_progress_t *progress = slk_job_progress(job);
    slk_progress_begin(progress, "constraints", "rows", all.rows, 0);
    slk_rows_head(rows, put_row, d);
    for (uint32_t unit = 0; unit < circuit.units; unit++) {
        if (slk_job_cancelled(job)) {
            err = slk_fail(diag, SLK_ERR_CANCELLED, "interrupted");
            goto out;
        }
        slk_rows_unit(rows, unit, put_row, d);
    }
    SLK_ASSERT(d->row_cnt == all.rows);
    flush(d);
    uint8_t trailer[24];
    slk_store_le64(trailer, all.inputs);
    slk_store_le64(trailer + 8, all.aux);
    slk_store_le64(trailer + 16, all.rows);
    slk_sha256_update(&d->sha, trailer, sizeof trailer);
    slk_sha256_final(&d->sha, &out->sha256);
    slk_progress_end(progress);
out:
    slk_rows_close(rows);
    free(d);
    return err;
}
