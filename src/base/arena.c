#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK   ((size_t)1 << 12)
#define LARGEST_BLOCK ((size_t)1 << 20)

struct slk_arena_block {
    slk_arena_block_t *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

void slk_arena_init(slk_arena_t *arena, size_t limit)
{
    *arena = (slk_arena_t){.limit = limit};
}

/* Blocks grow as the arena does; a request larger than a block gets one of its own. */
static slk_arena_block_t *add_block(slk_arena_t *arena, size_t need)
{
    size_t size = arena->used < FIRST_BLOCK     ? FIRST_BLOCK
                  : arena->used < LARGEST_BLOCK ? arena->used
                                                : LARGEST_BLOCK;
    if (size < need)
        size = need;
    slk_arena_block_t *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    block->size = size;
    block->used = 0;
    arena->blocks = block;
    return block;
}

void *slk_arena_alloc(slk_arena_t *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size_t need = (size + align - 1) / align * align;
    if (need > arena->limit || arena->used > arena->limit - need)
        return NULL;
    slk_arena_block_t *block = arena->blocks;
    if (!block || block->size - block->used < need) {
        block = add_block(arena, need);
        if (!block)
            return NULL;
    }
    void *bytes = block->bytes + block->used;
    block->used += need;
    arena->used += need;
    return memset(bytes, 0, need);
}

void *slk_arena_array(slk_arena_t *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return slk_arena_alloc(arena, count * size);
}

char *slk_arena_text(slk_arena_t *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? slk_arena_alloc(arena, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void *slk_arena_copy(slk_arena_t *arena, const void *bytes, size_t len)
{
    void *copy = slk_arena_alloc(arena, len);
    if (copy && len)
        memcpy(copy, bytes, len);
    return copy;
}

void slk_arena_free(slk_arena_t *arena)
{
    for (slk_arena_block_t *block = arena->blocks; block;) {
        slk_arena_block_t *next = block->next;
        free(block);
        block = next;
    }
    slk_arena_init(arena, arena->limit);
}
