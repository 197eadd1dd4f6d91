#ifndef SLK_CODEC_RECORD_IMPL_H
#define SLK_CODEC_RECORD_IMPL_H

/* What the CBOR and the JSON of records share. */

#include "codec/record.h"

/* Every list member of a record looks like this one. */
typedef struct {
    unsigned char *items;
    size_t count;
} slk_any_list_t;

/* Bytes in memory of one value. */
size_t slk_kind_size(const slk_row_t *row);

/* Whether a value of SLK_SHAPE_MAYBE is there. */
bool slk_kind_defined(const slk_row_t *row, const void *value);

/* Put the name of a field, or the index of an element, in front of the path of an error that is on
 * its way up; returns err. */
slk_err_t slk_record_in_field(slk_diag_t *diag, slk_err_t err, const slk_row_t *row);
slk_err_t slk_record_in_element(slk_diag_t *diag, slk_err_t err, size_t index);
slk_err_t slk_record_in_type(slk_diag_t *diag, slk_err_t err, const slk_type_t *type);

/* Zeroed memory for count elements of the row's kind. */
slk_err_t slk_record_alloc(void **out, slk_arena_t *arena, const slk_row_t *row, size_t count,
                           slk_diag_t *diag);

/* A copy of bytes. */
slk_err_t slk_record_bytes(slk_bytes_t *out, slk_arena_t *arena, const void *bytes, size_t len,
                           slk_diag_t *diag);

/* SLK_ERR_NOMEM with a sentence about the arena's limit. */
slk_err_t slk_record_no_room(const slk_arena_t *arena, slk_diag_t *diag);

#endif /* SLK_CODEC_RECORD_IMPL_H */
