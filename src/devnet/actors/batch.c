#include "devnet/actors/batch.h"

#include <string.h>

void *slk_grown(slk_rt_t *rt, void *items, size_t cnt, size_t *cap, size_t size)
{
    if (cnt < *cap)
        return items;
    size_t more = *cap ? 2 * *cap : 8;
    void *place = slk_arena_array(slk_rt_arena(rt), more, size);
    if (!place)
        return NULL;
    if (cnt)
        memcpy(place, items, cnt * size);
    *cap = more;
    return place;
}

slk_exit_t slk_rt_no_memory(slk_rt_t *rt)
{
    return slk_rt_err(
        rt, slk_fail(slk_rt_diag(rt), SLK_ERR_NOMEM, "no memory for what a method works on"),
        SLK_EXIT_FATAL);
}

slk_exit_t slk_batch_add(slk_rt_t *rt, slk_batch_t *batch, slk_exit_t code)
{
    slk_fail_code_list_t *fails = &batch->ret.fail_codes;
    uint64_t index = batch->next++;
    if (code == SLK_EXIT_OK) {
        batch->ret.success_count++;
        return SLK_EXIT_OK;
    }
    slk_fail_code_t *items = slk_grown(rt, fails->items, fails->count, &batch->cap, sizeof *items);
    if (!items)
        return slk_rt_no_memory(rt);
    fails->items = items;
    items[fails->count++] = (slk_fail_code_t){index, code};
    return SLK_EXIT_OK;
}

slk_exit_t slk_numbers_add(slk_rt_t *rt, slk_numbers_t *numbers, uint64_t number)
{
    slk_u64_list_t *list = &numbers->list;
    uint64_t *items = slk_grown(rt, list->items, list->count, &numbers->cap, sizeof *items);
    if (!items)
        return slk_rt_no_memory(rt);
    list->items = items;
    items[list->count++] = number;
    return SLK_EXIT_OK;
}
