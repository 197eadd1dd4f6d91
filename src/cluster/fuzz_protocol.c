/* What workers send, and what a manager answers: the first byte chooses the record. What is read
 * and written again is the same. */
#include "base/assert.h"
#include "cluster/protocol.h"
#include "codec/json.h"
#include "net/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

static const slk_type_t *const types[] = {
    &slk_register_type, &slk_registered_type, &slk_beat_type,   &slk_orders_type,
    &slk_job_done_type, &slk_job_failed_type, &slk_declare_type};

static json_t *again(const slk_type_t *type, const json_t *json, slk_arena_t *arena)
{
    void *record = slk_arena_alloc(arena, type->size);
    json_t *out = NULL;
    if (!record || slk_record_from_json(record, type, json, arena, NULL) != SLK_OK ||
        slk_record_to_json(&out, type, record, SLK_TESTNET, NULL) != SLK_OK)
        return NULL;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const slk_type_t *type = types[data[0] % SLK_COUNT(types)];
    json_t *json = slk_json_parse((const char *)data + 1, size - 1, NULL);
    if (!json)
        return 0;
    slk_arena_t arena;
    slk_arena_init(&arena, size * 64 + 4096);
    json_t *first = again(type, json, &arena);
    if (first) {
        slk_arena_free(&arena);
        slk_arena_init(&arena, size * 4096 + 65536); /* what was not named takes room now */
        json_t *second = again(type, first, &arena);
        char *a = slk_json_dump(first, JSON_COMPACT), *b = slk_json_dump(second, JSON_COMPACT);
        SLK_ASSERT(a && b && !strcmp(a, b));
        free(a);
        free(b);
        json_decref(second);
    }
    json_decref(first);
    json_decref(json);
    slk_arena_free(&arena);
    return 0;
}
