#ifndef SLK_MANAGER_SEAL_WORLD_CACHE_H
#define SLK_MANAGER_SEAL_WORLD_CACHE_H

/* What the chain answered at one head: records by what was asked and two numbers. Forgotten as a whole. One
 * thread. */

#include "codec/record.h"
#include "manager/seal/world.h"

typedef struct slk_world_cache slk_world_cache_t;

/* NULL: no memory. */
slk_world_cache_t *slk_world_cache_new(void);
/* NULL is a no-op. */
void slk_world_cache_free(slk_world_cache_t *cache);
void slk_world_cache_clear(slk_world_cache_t *cache);

/* What was kept, copied into the arena (of NONE there is no record). False: nothing is kept, or no memory for
 * the copy. type NULL: there is no record. */
bool slk_world_cache_get(const slk_world_cache_t *cache, unsigned what, uint64_t a, uint64_t b,
                         const slk_type_t *type, slk_arena_t *arena, void *record,
                         slk_look_t *look);

/* Keep FOUND (with its record) or NONE. When it is full, or memory is short, all is forgotten. */
void slk_world_cache_put(slk_world_cache_t *cache, unsigned what, uint64_t a, uint64_t b,
                         const slk_type_t *type, const void *record, slk_look_t look);

#endif /* SLK_MANAGER_SEAL_WORLD_CACHE_H */
