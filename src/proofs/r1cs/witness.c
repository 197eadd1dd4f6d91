#include "proofs/r1cs/witness.h"

#include "base/work.h"
#include "proofs/r1cs/witness_cs.h"
#include "proofs/vanilla/vanilla_layout.h"

#include "proofs/r1cs/gadgets.inc"

#include "proofs/r1cs/circuits.inc"

#include <inttypes.h>
#include <stdlib.h>

/* --- Memory ------------------------------------------------------------------------------------
 */

static uint64_t words(uint64_t bits)
{
    return (bits + 63) / 64;
}
static uint64_t blocks(uint64_t cnt)
{
    return cnt / SLK_WITNESS_BLOCK + 1;
}

slk_err_t slk_witness_init(slk_witness_t *out, const slk_circuit_t *circuit, slk_diag_t *diag)
{
    slk_part_t all = slk_circuit_part(circuit, circuit->units);
    *out = (slk_witness_t){
        .input_cnt = all.inputs,
        .aux_cnt = all.aux,
        .wide_cnt = all.wide,
        .input = calloc(all.inputs, sizeof *out->input),
        .bit = calloc(words(all.aux), sizeof *out->bit),
        .is_wide = calloc(words(all.aux), sizeof *out->is_wide),
        .wide = malloc(all.wide * sizeof *out->wide),
        .rank = calloc(blocks(all.aux), sizeof *out->rank),
    };
    if (out->input && out->bit && out->is_wide && out->wide && out->rank)
        return SLK_OK;
    slk_witness_fini(out);
    return slk_fail(diag, SLK_ERR_NOMEM,
                    "no memory for the assignment of the circuit %s %s: %" PRIu64
                    " MiB are needed; use a machine with more memory, or prove fewer partitions at "
                    "a time",
                    slk_circuit_name(circuit->kind), circuit->size->name,
                    (all.aux / 4 + all.wide * 32) >> 20);
}

void slk_witness_fini(slk_witness_t *witness)
{
    free(witness->input);
    free(witness->bit);
    free(witness->is_wide);
    free(witness->wide);
    free(witness->rank);
    *witness = (slk_witness_t){0};
}

/* The number of wide variables. */
static uint32_t make_rank(slk_witness_t *w)
{
    const unsigned block = SLK_WITNESS_BLOCK / 64;
    uint32_t rank = 0;
    for (uint64_t i = 0; i < words(w->aux_cnt); i++) {
        if (i % block == 0)
            w->rank[i / block] = rank;
        rank += (uint32_t)__builtin_popcountll(w->is_wide[i]);
    }
    return rank;
}

void slk_witness_aux(slk_fr_t *out, const slk_witness_t *w, uint64_t first, uint64_t cnt)
{
    SLK_ASSERT(first <= w->aux_cnt && cnt <= w->aux_cnt - first);
    slk_fr_t value[2] = {{{0}}};
    slk_fr_from_u64(&value[1], 1);
    const slk_fr_t *wide = slk_witness_wide(w, first);
    for (uint64_t at = first, end = first + cnt; at < end;) {
        uint64_t bits = w->bit[at / 64] >> at % 64, wides = w->is_wide[at / 64] >> at % 64;
        unsigned n = 64 - (unsigned)(at % 64);
        if (end - at < n)
            n = (unsigned)(end - at);
        at += n;
        if (!wides) {
            for (; n > 0; n--, bits >>= 1)
                *out++ = value[bits & 1];
        } else {
            for (; n > 0; n--, bits >>= 1, wides >>= 1)
                *out++ = wides & 1 ? *wide++ : value[bits & 1];
        }
    }
}

/* --- Parts -------------------------------------------------------------------------------------
 */

typedef struct {
    slk_witness_t *out;
    slk_row_values_t values;
    const slk_circuit_t *circuit;
    slk_work_t work;
    porep_head_t head;
    slk_vanilla_layout_t layout;
    const uint8_t *records;
    const slk_post_unit_t *units;
} task_t;

/* Values from this place of the circuit on. */
static void begin(cs_t *cs, const task_t *task, const slk_part_t *at)
{
    const slk_witness_t *w = task->out;
    witness_init(cs);
    cs->fill = at->aux % 64;
    cs->shared = true;
    cs->bit = w->bit + at->aux / 64;
    cs->is_wide = w->is_wide + at->aux / 64;
    cs->wide = w->wide + at->wide;
    cs->input = w->input + at->inputs;
    cs->a = task->values.a ? task->values.a + at->rows : NULL;
    cs->b = task->values.b ? task->values.b + at->rows : NULL;
}

/* The part must end where the next one begins. */
static void end(cs_t *cs, const task_t *task, const slk_part_t *at)
{
    const slk_witness_t *w = task->out;
    aux_close(cs);
    SLK_ASSERT(cs->wide == w->wide + at->wide && cs->input == w->input + at->inputs);
    SLK_ASSERT(cs->bit == w->bit + words(at->aux));
    SLK_ASSERT(!cs->a ||
               (cs->a == task->values.a + at->rows && cs->b == task->values.b + at->rows));
}

static void porep_record(cs_t *cs, const task_t *task, uint32_t unit)
{
    const slk_vanilla_layout_t *lay = &task->layout;
    const uint8_t *record = task->records + unit * lay->size;
    porep_source_t src = {.leaf_d = slk_record_leaf_d(lay, record),
                          .leaf_r = slk_record_leaf_r(lay, record)};
    for (uint32_t i = 0; i < SLK_COLUMN_CNT; i++) {
        src.column[i] = slk_record_column(lay, record, i);
        src.node[i] = slk_record_node(record, i);
    }
    porep_unit(cs, task->circuit, &task->head, &src);
}

static void post_sector(cs_t *cs, const task_t *task, uint32_t unit)
{
    const slk_post_unit_t *from = &task->units[unit];
    post_unit(cs, task->circuit,
              &(post_source_t){&from->comm_r_last, &from->comm_c, &from->comm_r, from->paths,
                               from->challenges});
}

static void run_units(void *ctx, uint64_t first, uint64_t last)
{
    task_t *task = ctx;
    for (uint64_t unit = first; unit < last && !slk_work_stopped(&task->work); unit++) {
        cs_t cs;
        slk_part_t at = slk_circuit_part(task->circuit, unit);
        begin(&cs, task, &at);
        if (task->records)
            porep_record(&cs, task, (uint32_t)unit);
        else
            post_sector(&cs, task, (uint32_t)unit);
        at = slk_circuit_part(task->circuit, unit + 1);
        end(&cs, task, &at);
        if (cs.failed) {
            slk_diag_t diag;
            slk_err_t err = slk_fail(&diag, SLK_ERR_PROOF,
                                     "%s %" PRIu64 " of the partition cannot be proven: %s",
                                     task->records ? "challenge" : "sector", unit, cs.failed);
            slk_work_fail(&task->work, err, &diag);
        }
        if (task->work.job)
            slk_progress_add(task->work.job->progress, task->circuit->unit.rows);
    }
}

/* Units, then what Groth16 adds: <I_i> . <0> = <0>. */
static slk_err_t run_task(task_t *task, const slk_job_t *job, slk_diag_t *diag)
{
    slk_part_t all = slk_circuit_part(task->circuit, task->circuit->units);
    slk_progress_t *progress = slk_job_progress(job);
    slk_work_init(&task->work, job);
    slk_progress_begin(progress, "witness", "rows", all.rows, task->circuit->head.rows);
    slk_pool_for(slk_job_pool(job), task->circuit->units, 1, run_units, task);
    slk_err_t err = slk_work_finish(&task->work, diag);
    slk_fr_from_u64(&task->out->input[0], 1);
    uint32_t wide = make_rank(task->out);
    if (err != SLK_OK)
        return err;
    SLK_ASSERT(wide == task->out->wide_cnt);
    slk_progress_end(progress);
    if (task->values.a) {
        memcpy(task->values.a + all.rows, task->out->input, all.inputs * sizeof *task->values.a);
        memset(task->values.b + all.rows, 0, all.inputs * sizeof *task->values.b);
    }
    return SLK_OK;
}

static void check_task(const task_t *task)
{
    slk_part_t all = slk_circuit_part(task->circuit, task->circuit->units);
    SLK_ASSERT(task->out->aux_cnt == all.aux && task->out->wide_cnt == all.wide);
    SLK_ASSERT(!task->values.a == !task->values.b);
    /* units share words with their neighbours: what an earlier use left would mix in */
    memset(task->out->bit, 0, words(all.aux) * sizeof *task->out->bit);
    memset(task->out->is_wide, 0, words(all.aux) * sizeof *task->out->is_wide);
}

slk_err_t slk_porep_witness(slk_witness_t *out, slk_row_values_t values,
                            const slk_circuit_t *circuit, const slk_porep_t *porep,
                            const slk_vanilla_public_t *pub, const uint8_t *records,
                            const slk_job_t *job, slk_diag_t *diag)
{
    task_t task = {.out = out, .values = values, .circuit = circuit, .records = records};
    SLK_ASSERT(circuit->kind == SLK_CIRCUIT_POREP && porep->size == circuit->size);
    SLK_ASSERT(porep->challenges == circuit->units && records);
    check_task(&task);
    slk_vanilla_layout(&task.layout, porep);
    cs_t cs;
    begin(&cs, &task, &(slk_part_t){.inputs = 1});
    porep_head(&cs, &task.head,
               &(porep_head_source_t){&pub->replica_id, &pub->comm_d, &pub->comm_r,
                                      &pub->comm_r_last, &pub->comm_c});
    end(&cs, &task, &circuit->head);
    if (cs.failed)
        return slk_fail(diag, SLK_ERR_PROOF, "the sector cannot be proven: %s", cs.failed);
    return run_task(&task, job, diag);
}

slk_err_t slk_post_witness(slk_witness_t *out, slk_row_values_t values,
                           const slk_circuit_t *circuit, const slk_post_unit_t *units,
                           const slk_job_t *job, slk_diag_t *diag)
{
    task_t task = {.out = out, .values = values, .circuit = circuit, .units = units};
    SLK_ASSERT(circuit->kind != SLK_CIRCUIT_POREP && units);
    check_task(&task);
    return run_task(&task, job, diag);
}
