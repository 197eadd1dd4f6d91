#ifndef SLK_CODEC_FUZZ_RECORD_H
#define SLK_CODEC_FUZZ_RECORD_H

/* For fuzz targets: bytes that are read as a record are written the same, also by way of JSON where
 * that can hold them, and never take more memory than the header of records says. */

#include "base/assert.h"
#include "codec/record.h"

#include <string.h>

/* The arena's smallest unit and what one record takes. */
#define FUZZ_RECORD_ROOM (size_t)8192

static inline void fuzz_record_json(const slk_type_t *type, const void *record, slk_arena_t *arena,
                                    const uint8_t *data, size_t size)
{
    slk_diag_t diag;
    slk_buf_t buf = {0};
    json_t *json;
    if (slk_record_to_json(&json, type, record, SLK_MAINNET, &diag) != SLK_OK)
        return;
    void *again = slk_arena_alloc(arena, type->size);
    /* Text with zero bytes is no JSON text of ours. */
    if (again && slk_record_from_json(again, type, json, arena, &diag) == SLK_OK) {
        SLK_ASSERT(slk_record_encode(&buf, type, again, &diag) == SLK_OK);
        SLK_ASSERT(buf.len == size && memcmp(buf.bytes, data, size) == 0);
    }
    slk_buf_free(&buf);
    json_decref(json);
}

static inline void fuzz_record(const slk_type_t *type, const uint8_t *data, size_t size)
{
    slk_diag_t diag = {""};
    slk_arena_t arena;
    slk_buf_t buf = {0};
    slk_arena_init(&arena, 160 * size + FUZZ_RECORD_ROOM);
    void *record = slk_arena_alloc(&arena, type->size);
    SLK_ASSERT(record);
    slk_err_t err = slk_record_decode(record, type, data, size, &arena, &diag);
    SLK_ASSERT(err == SLK_OK || err == SLK_ERR_FORMAT);
    if (err == SLK_OK) {
        SLK_ASSERT(slk_record_encode(&buf, type, record, &diag) == SLK_OK);
        SLK_ASSERT(buf.len == size && memcmp(buf.bytes, data, size) == 0);
        slk_arena_t more;
        slk_arena_init(&more, (size_t)1 << 30);
        fuzz_record_json(type, record, &more, data, size);
        slk_arena_free(&more);
    } else {
        SLK_ASSERT(diag.text[0]);
    }
    slk_buf_free(&buf);
    slk_arena_free(&arena);
}

#endif /* SLK_CODEC_FUZZ_RECORD_H */
