#include "codec/record_impl.h"

#include <string.h>

typedef struct {
    slk_arena_t *arena;
    slk_diag_t *diag;
} copier_t;

static slk_err_t copy_record(copier_t *c, const slk_type_t *type, void *record);

/* Bytes that *span borrows become the arena's; empty ones that are not NULL stay so. */
static slk_err_t copy_span(copier_t *c, slk_bytes_t *span)
{
    slk_bytes_t from = *span;
    slk_err_t err = slk_record_bytes(span, c->arena, from.b, from.len, c->diag);
    if (err == SLK_OK && from.b && !from.len)
        span->b = (const uint8_t *)"";
    return err;
}

/* What a value, copied as it is, still borrows. */
static slk_err_t copy_value(copier_t *c, const slk_row_t *row, void *value)
{
    slk_bitfield_t bits;
    slk_err_t err = SLK_OK;
    if (row->kind == SLK_KIND_RECORD)
        return copy_record(c, row->type, value);
    if (row->kind == SLK_KIND_BYTES || row->kind == SLK_KIND_TEXT ||
        row->kind == SLK_KIND_PEER_ID || row->kind == SLK_KIND_ANY)
        return copy_span(c, value);
    if (row->kind == SLK_KIND_LABEL)
        return copy_span(c, &((slk_label_t *)value)->data);
    if (row->kind == SLK_KIND_SIGNATURE)
        return copy_span(c, &((slk_signature_t *)value)->data);
    if (row->kind == SLK_KIND_BITFIELD) {
        memcpy(&bits, value, sizeof bits);
        err = slk_bitfield_copy(value, &bits, c->arena);
    }
    return err == SLK_ERR_NOMEM ? slk_record_no_room(c->arena, c->diag) : err;
}

/* count values at *items, in memory of the arena. */
static slk_err_t copy_values(copier_t *c, const slk_row_t *row, unsigned char **items, size_t count)
{
    void *copy;
    size_t size = slk_kind_size(row);
    slk_err_t err = slk_record_alloc(&copy, c->arena, row, count, c->diag);
    if (err != SLK_OK)
        return err;
    if (count)
        memcpy(copy, *items, count * size);
    *items = copy;
    for (size_t i = 0; err == SLK_OK && i < count; i++)
        err = copy_value(c, row, *items + i * size);
    return err;
}

static slk_err_t copy_row(copier_t *c, const slk_row_t *row, void *value)
{
    slk_any_list_t list;
    unsigned char *pointed;
    slk_err_t err = SLK_OK;
    switch ((slk_shape_t)row->shape) {
    case SLK_SHAPE_LIST:
    case SLK_SHAPE_ARRAY:
        memcpy(&list, value, sizeof list);
        if (list.items)
            err = copy_values(c, row, &list.items, list.count);
        memcpy(value, &list, sizeof list);
        return err;
    case SLK_SHAPE_POINTER:
        memcpy(&pointed, value, sizeof pointed);
        if (pointed)
            err = copy_values(c, row, &pointed, 1);
        memcpy(value, &pointed, sizeof pointed);
        return err;
    case SLK_SHAPE_MAYBE:
    case SLK_SHAPE_ONE:
        break;
    }
    return copy_value(c, row, value);
}

static slk_err_t copy_record(copier_t *c, const slk_type_t *type, void *record)
{
    slk_err_t err = SLK_OK;
    for (unsigned i = 0; err == SLK_OK && i < type->row_cnt; i++)
        err = copy_row(c, &type->rows[i], (unsigned char *)record + type->rows[i].offset);
    return err;
}

slk_err_t slk_record_copy(void *copy, const slk_type_t *type, const void *record,
                          slk_arena_t *arena, slk_diag_t *diag)
{
    copier_t c = {arena, diag};
    memmove(copy, record, type->size);
    return slk_record_in_type(diag, copy_record(&c, type, copy), type);
}
