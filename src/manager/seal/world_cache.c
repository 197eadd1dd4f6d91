#include "manager/seal/world_cache.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, ENTRIES_MAX = SLOTS / 2 };
#define ARENA_MAX ((size_t)32 << 20)

typedef struct {
    bool used;
    unsigned what;
    uint64_t a, b;
    slk_look_t look;
    void *record;
} slot_t;

struct slk_world_cache {
    slk_arena_t arena;
    size_t cnt;
    slot_t slots[SLOTS];
};

slk_world_cache_t *slk_world_cache_new(void)
{
    slk_world_cache_t *cache = calloc(1, sizeof *cache);
    if (cache)
        slk_arena_init(&cache->arena, ARENA_MAX);
    return cache;
}

void slk_world_cache_free(slk_world_cache_t *cache)
{
    if (!cache)
        return;
    slk_arena_free(&cache->arena);
    free(cache);
}

void slk_world_cache_clear(slk_world_cache_t *cache)
{
    slk_arena_free(&cache->arena);
    if (cache->cnt)
        memset(cache->slots, 0, sizeof cache->slots);
    cache->cnt = 0;
}

/* The slot of that question, or the free one where it would be. */
static size_t place(const slk_world_cache_t *cache, unsigned what, uint64_t a, uint64_t b)
{
    uint64_t h = (a + 1) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 29) ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 32) ^ what) * UINT64_C(0x94d049bb133111eb);
    size_t i = (h >> 40) % SLOTS;
    while (cache->slots[i].used &&
           (cache->slots[i].what != what || cache->slots[i].a != a || cache->slots[i].b != b))
        i = (i + 1) % SLOTS;
    return i;
}

bool slk_world_cache_get(const slk_world_cache_t *cache, unsigned what, uint64_t a, uint64_t b,
                         const slk_type_t *type, slk_arena_t *arena, void *record, slk_look_t *look)
{
    const slot_t *slot = &cache->slots[place(cache, what, a, b)];
    slk_diag_t ignored;
    if (!slot->used)
        return false;
    *look = slot->look;
    if (slot->look != SLK_LOOK_FOUND || !type)
        return true;
    if (arena)
        return slk_record_copy(record, type, slot->record, arena, &ignored) == SLK_OK;
    memcpy(record, slot->record, type->size);
    return true;
}

void slk_world_cache_put(slk_world_cache_t *cache, unsigned what, uint64_t a, uint64_t b,
                         const slk_type_t *type, const void *record, slk_look_t look)
{
    slk_diag_t ignored;
    void *copy = NULL;
    SLK_ASSERT(look == SLK_LOOK_FOUND || look == SLK_LOOK_NONE);
    if (cache->cnt >= ENTRIES_MAX)
        slk_world_cache_clear(cache);
    if (look == SLK_LOOK_FOUND && type) {
        copy = slk_arena_alloc(&cache->arena, type->size);
        if (!copy || slk_record_copy(copy, type, record, &cache->arena, &ignored) != SLK_OK) {
            slk_world_cache_clear(cache);
            return;
        }
    }
    slot_t *slot = &cache->slots[place(cache, what, a, b)];
    cache->cnt += !slot->used;
    *slot = (slot_t){true, what, a, b, look, copy};
}
