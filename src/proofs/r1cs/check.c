/* An assignment against the constraints that rows.c makes: the two sides of circuit.h against each
 * other. */
#include "proofs/r1cs/witness.h"

#include "base/assert.h"
#include "base/work.h"

#include <inttypes.h>

/* v[0] * v[1] of such sums stays below 2^63. */
#define SMALL_TERMS 8u
#define SMALL_POWER 24u

typedef struct {
    const slk_witness_t *witness;
    slk_row_values_t values;
    const slk_circuit_t *circuit;
    slk_work_t work;
} task_t;

typedef struct {
    const task_t *task;
    uint64_t row, bad; /* bad: the first row that does not hold, UINT64_MAX: none */
} range_t;

static slk_fr_t eval(const slk_witness_t *w, const slk_lc_t *lc, const slk_coefs_t *coefs)
{
    slk_fr_t sum = {{0}}, p;
    for (size_t n = 0; n < lc->cnt; n++) {
        const slk_fr_t *coef = &coefs->v[lc->term[n].coef].fr, *value;
        uint64_t i = lc->term[n].key & ~SLK_AUX;
        if (!(lc->term[n].key & SLK_AUX)) {
            value = &w->input[i];
        } else if (w->is_wide[i / 64] >> i % 64 & 1) {
            value = slk_witness_wide(w, i);
        } else {
            if (w->bit[i / 64] >> i % 64 & 1)
                slk_fr_add(&sum, &sum, coef);
            continue;
        }
        slk_fr_mul(&p, coef, value);
        slk_fr_add(&sum, &sum, &p);
    }
    return sum;
}

/* The same as an integer, where only bits and ONE with small coefficients occur: most rows of
 * SHA-256. */
static bool eval_small(int64_t *out, const slk_witness_t *w, const slk_lc_t *lc)
{
    int64_t sum = 0;
    if (lc->cnt > SMALL_TERMS)
        return false;
    for (size_t n = 0; n < lc->cnt; n++) {
        uint32_t coef = lc->term[n].coef, key = lc->term[n].key, i = key & ~SLK_AUX;
        bool negative = coef >= SLK_COEF_NEG(0);
        uint32_t power = negative ? coef - SLK_COEF_NEG(0) : coef;
        if (power > SMALL_POWER || (key && key == i) || w->is_wide[i / 64] >> i % 64 & (key != 0))
            return false;
        int64_t bit = key ? w->bit[i / 64] >> i % 64 & 1 : 1;
        sum += (negative ? -bit : bit) * (INT64_C(1) << power);
    }
    *out = sum;
    return true;
}

static bool is_small(const slk_coefs_t *coefs, const slk_fr_t *value, int64_t n)
{
    static const uint16_t known[] = {SLK_COEF_NEG(0), SLK_COEF_ZERO, SLK_COEF_POW(0),
                                     SLK_COEF_POW(1)};
    slk_fr_t fr;
    if (n >= -1 && n <= 2)
        return slk_fr_eq(value, &coefs->v[known[n + 1]].fr);
    slk_fr_from_u64(&fr, (uint64_t)(n < 0 ? -n : n));
    if (n < 0)
        slk_fr_sub(&fr, &coefs->v[SLK_COEF_ZERO].fr, &fr);
    return slk_fr_eq(value, &fr);
}

static bool check_small(bool *ok, const task_t *task, uint64_t at, const slk_row_t *row,
                        const slk_coefs_t *coefs)
{
    int64_t v[3];
    for (unsigned k = 0; k < 3; k++) {
        if (!eval_small(&v[k], task->witness, &row->lc[k]))
            return false;
    }
    *ok = v[0] * v[1] == v[2];
    if (task->values.a)
        *ok = *ok && is_small(coefs, &task->values.a[at], v[0]) &&
              is_small(coefs, &task->values.b[at], v[1]);
    return true;
}

static bool check_any(const task_t *task, uint64_t at, const slk_row_t *row,
                      const slk_coefs_t *coefs)
{
    slk_fr_t a = eval(task->witness, &row->lc[0], coefs);
    slk_fr_t b = eval(task->witness, &row->lc[1], coefs);
    slk_fr_t c = eval(task->witness, &row->lc[2], coefs), p;
    slk_fr_mul(&p, &a, &b);
    return slk_fr_eq(&p, &c) && (!task->values.a || (slk_fr_eq(&a, &task->values.a[at]) &&
                                                     slk_fr_eq(&b, &task->values.b[at])));
}

static void check_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    range_t *range = ctx;
    uint64_t at = range->row++;
    bool ok;
    if (!check_small(&ok, range->task, at, row, coefs))
        ok = check_any(range->task, at, row, coefs);
    if (!ok && range->bad == UINT64_MAX)
        range->bad = at;
}

static void check_units(void *ctx, uint64_t first, uint64_t last)
{
    task_t *task = ctx;
    slk_diag_t diag;
    slk_rows_t *rows;
    range_t range = {.task = task, .bad = UINT64_MAX};
    slk_err_t err = slk_rows_open(&rows, task->circuit, &diag);
    if (err != SLK_OK) {
        slk_work_fail(&task->work, err, &diag);
        return;
    }
    if (first == 0)
        slk_rows_head(rows, check_row, &range);
    for (uint64_t unit = first; unit < last && !slk_work_stopped(&task->work); unit++) {
        range.row = slk_circuit_part(task->circuit, unit).rows;
        slk_rows_unit(rows, (uint32_t)unit, check_row, &range);
        if (task->work.job)
            slk_progress_add(task->work.job->progress, task->circuit->unit.rows);
    }
    slk_rows_close(rows);
    if (range.bad != UINT64_MAX) {
        err = slk_fail(&diag, SLK_ERR_PROOF,
                       "constraint %" PRIu64 " of the circuit %s %s does not hold", range.bad,
                       slk_circuit_name(task->circuit->kind), task->circuit->size->name);
        slk_work_fail(&task->work, err, &diag);
    }
}

slk_err_t slk_witness_check(const slk_witness_t *witness, slk_row_values_t values,
                            const slk_circuit_t *circuit, const slk_job_t *job, slk_diag_t *diag)
{
    task_t task = {.witness = witness, .values = values, .circuit = circuit};
    slk_part_t all = slk_circuit_part(circuit, circuit->units);
    SLK_ASSERT(witness->aux_cnt == all.aux && witness->wide_cnt == all.wide);
    SLK_ASSERT(!values.a == !values.b);
    slk_progress_t *progress = slk_job_progress(job);
    slk_pool_t *pool = slk_job_pool(job);
    unsigned threads = slk_pool_threads(pool);
    slk_work_init(&task.work, job);
    slk_progress_begin(progress, "constraints", "rows", all.rows, 0);
    slk_pool_for(pool, circuit->units, (circuit->units + threads - 1) / threads, check_units,
                 &task);
    slk_err_t err = slk_work_finish(&task.work, diag);
    if (err == SLK_OK)
        slk_progress_end(progress);
    return err;
}
