/* Circuits as streams of constraints. */
#include "proofs/r1cs/circuit.h"

#include "proofs/r1cs/shape_cs.h"
#include "proofs/vanilla/vanilla_layout.h"

#include "proofs/r1cs/gadgets.inc"

#include "proofs/r1cs/circuits.inc"

struct slk_rows {
    const slk_circuit_t *circuit;
    cs_t *cs;
    porep_head_t head;
};

static void start(slk_rows_t *rows, const slk_part_t *at, slk_row_fn_t *fn, void *ctx)
{
    rows->cs->fn = fn;
    rows->cs->ctx = ctx;
    rows->cs->rows = at->rows;
    rows->cs->inputs = (uint32_t)at->inputs;
    rows->cs->aux = (uint32_t)at->aux;
    rows->cs->wide = (uint32_t)at->wide;
}

void slk_rows_head(slk_rows_t *rows, slk_row_fn_t *fn, void *ctx)
{
    start(rows, &(slk_part_t){.inputs = 1}, fn, ctx);
    if (rows->circuit->kind == SLK_CIRCUIT_POREP)
        porep_head(rows->cs, &rows->head, &(porep_head_source_t){0});
}

void slk_rows_unit(slk_rows_t *rows, uint32_t unit, slk_row_fn_t *fn, void *ctx)
{
    slk_part_t at = slk_circuit_part(rows->circuit, unit);
    start(rows, &at, fn, ctx);
    if (rows->circuit->kind == SLK_CIRCUIT_POREP)
        porep_unit(rows->cs, rows->circuit, &rows->head, &(porep_source_t){0});
    else
        post_unit(rows->cs, rows->circuit, &(post_source_t){0});
}

slk_part_t slk_rows_at(const slk_rows_t *rows)
{
    const cs_t *cs = rows->cs;
    return (slk_part_t){cs->rows, cs->inputs, cs->aux, cs->wide};
}

slk_err_t slk_rows_open(slk_rows_t **out, const slk_circuit_t *circuit, slk_diag_t *diag)
{
    slk_err_t err;
    *out = NULL;
    slk_rows_t *rows = calloc(1, sizeof *rows);
    if (!rows)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for constraints");
    rows->circuit = circuit;
    bool porep = circuit->kind == SLK_CIRCUIT_POREP;
    unsigned aritys[SHAPE_HASHES + 2] = {0}, used[12] = {0}, cnt = 0;
    used[2] = 1;
    for (unsigned i = 0; i < circuit->tree.rows; i++)
        used[1u << circuit->tree.log[i]] = 1;
    if (porep)
        used[circuit->layers] = 1;
    for (unsigned arity = 0; arity < 12; arity++) {
        if (used[arity])
            aritys[cnt++] = arity;
    }
    SLK_ASSERT(cnt <= SHAPE_HASHES);
    SLK_TRY(shape_new(&rows->cs, aritys, diag));
    slk_rows_head(rows, NULL, NULL);
    *out = rows;
    return SLK_OK;
out:
    slk_rows_close(rows);
    return err;
}

void slk_rows_close(slk_rows_t *rows)
{
    if (!rows)
        return;
    shape_fini(rows->cs);
    free(rows);
}
