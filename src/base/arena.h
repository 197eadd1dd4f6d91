#ifndef SLK_BASE_ARENA_H
#define SLK_BASE_ARENA_H

/* Memory that is given back all at once: what one message, one answer or one step of the chain needs.
 *
 * An arena has a limit, so that input from outside cannot make it grow without bound; a request over
 * it gives NULL, as an allocation that failed does. Not shared between threads. */

#include <stddef.h>

typedef struct slk_arena_block slk_arena_block_t;

typedef struct {
    slk_arena_block_t *blocks; /* newest first */
    size_t used;               /* bytes handed out */
    size_t limit;
} slk_arena_t;

/* An empty arena that hands out at most `limit` bytes. Allocates nothing yet. */
void slk_arena_init(slk_arena_t *arena, size_t limit);

/* `size` zeroed bytes aligned for any object, or NULL: out of memory or over the limit. Size 0 gives
 * a pointer that may not be read. */
void *slk_arena_alloc(slk_arena_t *arena, size_t size);

/* `count` zeroed elements of `size` bytes; NULL also where the product overflows. */
void *slk_arena_array(slk_arena_t *arena, size_t count, size_t size);

/* A copy of `len` bytes with a zero byte behind it. */
char *slk_arena_text(slk_arena_t *arena, const char *text, size_t len);

/* A copy of `len` bytes. */
void *slk_arena_copy(slk_arena_t *arena, const void *bytes, size_t len);

/* Give everything back; the arena can be used again with its limit. */
void slk_arena_free(slk_arena_t *arena);

#endif /* SLK_BASE_ARENA_H */
