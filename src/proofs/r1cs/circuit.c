#include "proofs/r1cs/circuit.h"

#include "base/assert.h"

#include <string.h>

const char *slk_circuit_name(slk_circuit_kind_t kind)
{
#define NAME(num, id, name) name,
    static const char *const names[] = {SLK_CIRCUIT_LIST(NAME)};
#undef NAME
    SLK_ASSERT((unsigned)kind < SLK_CIRCUIT_CNT);
    return names[kind];
}

uint32_t slk_window_sectors(const slk_size_t *size)
{
    switch (size->bytes >> 30) {
    case 32:
        return 2349;
    case 64:
        return 2300;
    default:
        return 2;
    }
}

static unsigned log2_of(uint64_t v)
{
    return 63 - (unsigned)__builtin_clzll(v);
}

static void add_row(slk_tree_shape_t *tree, unsigned log)
{
    SLK_ASSERT(tree->rows < SLK_PATH_BITS_MAX);
    tree->log[tree->rows++] = (uint8_t)log;
    tree->siblings += (1u << log) - 1;
}

static void tree_shapes(slk_circuit_t *c)
{
    const slk_size_t *size = c->size;
    c->tree_d.sha = true;
    for (unsigned i = 0; i < log2_of(size->nodes); i++)
        add_row(&c->tree_d, 1);
    for (unsigned i = 1; i < size->tree_rows; i++)
        add_row(&c->tree, 3);
    if (size->sub)
        add_row(&c->tree, log2_of(size->sub));
    if (size->top)
        add_row(&c->tree, log2_of(size->top));
}

slk_part_t slk_circuit_part(const slk_circuit_t *c, uint64_t units)
{
    return (slk_part_t){c->head.rows + units * c->unit.rows,
                        c->head.inputs + units * c->unit.inputs, c->head.aux + units * c->unit.aux,
                        c->head.wide + units * c->unit.wide};
}

/* Units and challenges of each kind. */
static void unit_counts(slk_circuit_t *c)
{
    slk_porep_t porep;
    switch (c->kind) {
    case SLK_CIRCUIT_POREP:
        slk_porep_custom(&porep, c->size, SLK_API_V1_1, SLK_FEATURE_NONE, (uint8_t[32]){0});
        c->units = porep.challenges;
        c->challenges = 1;
        break;
    case SLK_CIRCUIT_WINNING:
        c->units = SLK_WINNING_CNT;
        c->challenges = 1;
        break;
    case SLK_CIRCUIT_WINDOW:
        c->units = slk_window_sectors(c->size);
        c->challenges = SLK_WINDOW_CNT;
        break;
    case SLK_CIRCUIT_CNT:
    default:
        SLK_ASSERT(!"a circuit");
    }
}

slk_err_t slk_circuit_init(slk_circuit_t *out, slk_circuit_kind_t kind, const slk_size_t *size,
                           slk_diag_t *diag)
{
    *out = (slk_circuit_t){.kind = kind, .size = size, .layers = size->layers};
    unit_counts(out);
    tree_shapes(out);
    slk_rows_t *rows;
    slk_err_t err = slk_rows_open(&rows, out, diag);
    if (err != SLK_OK)
        return err;
    slk_rows_head(rows, NULL, NULL);
    out->head = slk_rows_at(rows);
    slk_rows_unit(rows, 0, NULL, NULL);
    slk_part_t end = slk_rows_at(rows);
    out->unit = (slk_part_t){end.rows - out->head.rows, end.inputs - out->head.inputs,
                             end.aux - out->head.aux, end.wide - out->head.wide};
    slk_rows_close(rows);
    return SLK_OK;
}
