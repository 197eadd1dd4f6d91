/* An assignment against the constraints that rows.c makes: the two sides of circuit.h against each
 * other. */
#include "proofs/r1cs/witness.h"

#include "base/assert.h"
#include "base/work.h"

#include <inttypes.h>

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

static const slk_fr_t *wide_value(const slk_witness_t *w, uint64_t i)
{
    const uint64_t block = i / SLK_WITNESS_BLOCK;
    uint64_t rank = w->rank[block], word = block * (SLK_WITNESS_BLOCK / 64);
    for (; word < i / 64; word++)
        rank += (uint64_t)__builtin_popcountll(w->is_wide[word]);
    return &w->wide[rank + (uint64_t)__builtin_popcountll(w->is_wide[word] &
                                                          ((UINT64_C(1) << i % 64) - 1))];
}

static slk_fr_t eval(const slk_witness_t *w, const slk_lc_t *lc, const slk_coefs_t *coefs)
{
    slk_fr_t sum = {{0}}, p;
    for (size_t n = 0; n < lc->cnt; n++) {
        const slk_fr_t *coef = &coefs->v[lc->term[n].coef].fr, *value;
        uint64_t i = lc->term[n].key & ~SLK_AUX;
        if (!(lc->term[n].key & SLK_AUX)) {
            value = &w->input[i];
        } else if (w->is_wide[i / 64] >> i % 64 & 1) {
            value = wide_value(w, i);
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

static void check_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    range_t *range = ctx;
    const task_t *task = range->task;
    uint64_t at = range->row++;
    slk_fr_t a = eval(task->witness, &row->lc[0], coefs);
    slk_fr_t b = eval(task->witness, &row->lc[1], coefs);
    slk_fr_t c = eval(task->witness, &row->lc[2], coefs), p;
    slk_fr_mul(&p, &a, &b);
    bool ok = slk_fr_eq(&p, &c);
    if (task->values.a)
        ok = ok && slk_fr_eq(&a, &task->values.a[at]) && slk_fr_eq(&b, &task->values.b[at]);
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
    slk_progress_t *progress = job ? job->progress : NULL;
    slk_pool_t *pool = job ? job->pool : NULL;
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
