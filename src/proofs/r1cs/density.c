#include "proofs/r1cs/circuit.h"

#include "base/assert.h"

#include <stdlib.h>

static void mark(uint64_t *map, const slk_lc_t *lc, uint32_t side)
{
    for (size_t i = 0; i < lc->cnt; i++) {
        uint32_t key = lc->term[i].key;
        if ((key & SLK_AUX) == side)
            map[(key & ~SLK_AUX) / 64] |= UINT64_C(1) << key % 64;
    }
}

static void mark_row(void *ctx, const slk_row_t *row, const slk_coefs_t *coefs)
{
    const slk_density_t *out = ctx;
    (void)coefs;
    mark(out->a_aux, &row->lc[0], SLK_AUX);
    mark(out->b_aux, &row->lc[1], SLK_AUX);
    mark(out->b_input, &row->lc[1], 0);
}

/* 64 bits of a map from bit `at` on. */
static uint64_t get64(const uint64_t *map, uint64_t at)
{
    unsigned shift = at % 64;
    return shift ? map[at / 64] >> shift | map[at / 64 + 1] << (64 - shift) : map[at / 64];
}

/* Repeat the cnt bits at `at` behind themselves, `times` times in all. Maps have a word to spare.
 */
static void repeat(uint64_t *map, uint64_t at, uint64_t cnt, uint64_t times)
{
    uint64_t end = at + cnt * times;
    for (uint64_t to = at + cnt; to < end;) {
        uint64_t n = 64 - to % 64;
        n = n < end - to ? n : end - to;
        n = n < cnt ? n : cnt;
        uint64_t bits = get64(map, to - cnt);
        if (n < 64)
            bits &= (UINT64_C(1) << n) - 1;
        map[to / 64] |= bits << to % 64;
        to += n;
    }
}

static uint64_t count(const uint64_t *map, uint64_t bits)
{
    uint64_t cnt = 0;
    for (uint64_t i = 0; i < (bits + 63) / 64; i++)
        cnt += (uint64_t)__builtin_popcountll(map[i]);
    return cnt;
}

slk_err_t slk_density_init(slk_density_t *out, const slk_circuit_t *circuit, slk_diag_t *diag)
{
    slk_err_t err;
    slk_part_t all = slk_circuit_part(circuit, circuit->units);
    slk_rows_t *rows = NULL;
    *out = (slk_density_t){.a_aux = calloc(all.aux / 64 + 2, sizeof *out->a_aux),
                           .b_aux = calloc(all.aux / 64 + 2, sizeof *out->b_aux),
                           .b_input = calloc(all.inputs / 64 + 2, sizeof *out->b_input)};
    if (!out->a_aux || !out->b_aux || !out->b_input) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for the densities of a circuit");
        goto out;
    }
    SLK_TRY(slk_rows_open(&rows, circuit, diag));
    slk_rows_head(rows, mark_row, out);
    slk_rows_unit(rows, 0, mark_row, out);
    repeat(out->a_aux, circuit->head.aux, circuit->unit.aux, circuit->units);
    repeat(out->b_aux, circuit->head.aux, circuit->unit.aux, circuit->units);
    repeat(out->b_input, circuit->head.inputs, circuit->unit.inputs, circuit->units);
    out->a_aux_cnt = count(out->a_aux, all.aux);
    out->b_aux_cnt = count(out->b_aux, all.aux);
    out->b_input_cnt = count(out->b_input, all.inputs);
out:
    slk_rows_close(rows);
    if (err != SLK_OK)
        slk_density_fini(out);
    return err;
}

void slk_density_fini(slk_density_t *density)
{
    free(density->a_aux);
    free(density->b_aux);
    free(density->b_input);
    *density = (slk_density_t){0};
}
