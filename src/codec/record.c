#include "codec/record_impl.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

/* In memory, and the fewest bytes of CBOR. */
static const struct {
    size_t size;
    size_t least;
} kinds[SLK_KIND_COUNT] = {
    [SLK_KIND_U64] = {sizeof(uint64_t), 1},
    [SLK_KIND_I64] = {sizeof(int64_t), 1},
    [SLK_KIND_BOOL] = {sizeof(bool), 1},
    [SLK_KIND_BYTES] = {sizeof(slk_bytes_t), 1},
    [SLK_KIND_TEXT] = {sizeof(slk_bytes_t), 1},
    [SLK_KIND_HASH] = {sizeof(slk_node_t), 34},
    [SLK_KIND_ADDRESS] = {sizeof(slk_address_t), 3},
    [SLK_KIND_BIGINT] = {sizeof(slk_bigint_t), 1},
    [SLK_KIND_CID] = {sizeof(slk_cid_t), 8},
    [SLK_KIND_SIGNATURE] = {sizeof(slk_signature_t), 2},
    [SLK_KIND_BITFIELD] = {sizeof(slk_bitfield_t), 1},
    [SLK_KIND_LABEL] = {sizeof(slk_label_t), 1},
    [SLK_KIND_PEER_ID] = {sizeof(slk_bytes_t), 1},
    [SLK_KIND_DOUBLE] = {sizeof(double), 1},
    [SLK_KIND_ANY] = {sizeof(slk_bytes_t), 1},
};

size_t slk_kind_size(const slk_row_t *row)
{
    return row->kind == SLK_KIND_RECORD ? row->type->size : kinds[row->kind].size;
}

size_t slk_record_least(const slk_type_t *type)
{
    size_t least = type->form == SLK_FORM_TUPLE;
    for (const slk_row_t *row = type->rows; row < type->rows + type->row_cnt; row++) {
        if (row->shape != SLK_SHAPE_ONE)
            least += 1;
        else if (row->kind == SLK_KIND_RECORD)
            least += slk_record_least(row->type);
        else
            least += kinds[row->kind].least;
    }
    return least;
}

bool slk_kind_defined(const slk_row_t *row, const void *value)
{
    if (row->kind == SLK_KIND_ADDRESS)
        return ((const slk_address_t *)value)->len != 0;
    if (row->kind == SLK_KIND_CID)
        return ((const slk_cid_t *)value)->len != 0;
    SLK_ASSERT(row->kind == SLK_KIND_SIGNATURE);
    return ((const slk_signature_t *)value)->type != 0;
}

/* Errors travel up through their path: a sentence gets ": " before it, a path does not. */
static void prepend(slk_diag_t *diag, const char *step)
{
    if (!diag)
        return;
    slk_diag_t rest = *diag;
    bool is_path = rest.text[0] == '.' || rest.text[0] == '[';
    snprintf(diag->text, sizeof diag->text, "%s%s%.1400s", step, is_path ? "" : ": ", rest.text);
}

slk_err_t slk_record_in_field(slk_diag_t *diag, slk_err_t err, const slk_row_t *row)
{
    char step[80];
    if (err != SLK_OK && row->name && row->name[0]) {
        snprintf(step, sizeof step, ".%.70s", row->name);
        prepend(diag, step);
    }
    return err;
}

slk_err_t slk_record_in_element(slk_diag_t *diag, slk_err_t err, size_t index)
{
    char step[32];
    if (err != SLK_OK) {
        snprintf(step, sizeof step, "[%zu]", index);
        prepend(diag, step);
    }
    return err;
}

slk_err_t slk_record_in_type(slk_diag_t *diag, slk_err_t err, const slk_type_t *type)
{
    if (err != SLK_OK)
        prepend(diag, type->name);
    return err;
}

slk_err_t slk_record_no_room(const slk_arena_t *arena, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM,
                    "out of memory, or more than the %zu bytes that may be used for this",
                    arena->limit);
}

slk_err_t slk_record_alloc(void **out, slk_arena_t *arena, const slk_row_t *row, size_t count,
                           slk_diag_t *diag)
{
    *out = slk_arena_array(arena, count, slk_kind_size(row));
    return *out ? SLK_OK : slk_record_no_room(arena, diag);
}

slk_err_t slk_record_bytes(slk_bytes_t *out, slk_arena_t *arena, const void *bytes, size_t len,
                           slk_diag_t *diag)
{
    *out = (slk_bytes_t){0};
    if (!len)
        return SLK_OK;
    const uint8_t *copy = slk_arena_copy(arena, bytes, len);
    if (!copy)
        return slk_record_no_room(arena, diag);
    *out = (slk_bytes_t){copy, len};
    return SLK_OK;
}
