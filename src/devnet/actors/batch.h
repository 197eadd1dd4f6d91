#ifndef SLK_DEVNET_ACTORS_BATCH_H
#define SLK_DEVNET_ACTORS_BATCH_H

/* Lists that grow in slk_rt_arena, and results of batches: BatchReturn, element by element. */

#include "codec/actors/values.h"
#include "devnet/vm/runtime.h"

/* Room for one more: `items` of `size` bytes, of which *cap have room, is copied to a larger
 * place when cnt reaches it. NULL: no memory, slk_rt_no_memory is what to return. */
void *slk_grown(slk_rt_t *rt, void *items, size_t cnt, size_t *cap, size_t size);
slk_exit_t slk_rt_no_memory(slk_rt_t *rt);

typedef struct {
    slk_batch_return_t ret;
    size_t cap;
    uint64_t next; /* index of the next element */
} slk_batch_t;

slk_exit_t slk_batch_add(slk_rt_t *rt, slk_batch_t *batch, slk_exit_t code);

static inline bool slk_batch_all_ok(const slk_batch_t *batch)
{
    return !batch->ret.fail_codes.count;
}

/* Numbers. */
typedef struct {
    slk_u64_list_t list;
    size_t cap;
} slk_numbers_t;

slk_exit_t slk_numbers_add(slk_rt_t *rt, slk_numbers_t *numbers, uint64_t number);

#endif /* SLK_DEVNET_ACTORS_BATCH_H */
