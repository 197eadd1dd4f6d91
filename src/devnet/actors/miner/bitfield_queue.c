#include "devnet/actors/miner/bitfield_queue.h"

#include "base/assert.h"
#include "codec/actors/values.h"

#include <inttypes.h>
#include <stdlib.h>

static slk_exit_t add(slk_rt_t *rt, slk_amt_t *amt, int64_t epoch, const slk_bitfield_t *bits)
{
    slk_value_bitfield_t entry = {0};
    bool found;
    if (epoch < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "queue epoch %" PRId64 " is negative",
                            epoch);
    SLK_RT_TRY(slk_array_get(rt, amt, (uint64_t)epoch, &entry, &slk_value_bitfield_type, &found));
    SLK_RT_TRY(slk_rt_union(rt, &entry.value, &entry.value, bits));
    return slk_array_set(rt, amt, (uint64_t)epoch, &entry, &slk_value_bitfield_type);
}

slk_exit_t slk_bitfield_queue_add(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                  slk_quant_t quant, int64_t epoch, const slk_bitfield_t *bits)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    if (slk_bitfield_is_empty(bits))
        return SLK_EXIT_OK;
    SLK_RT_GOTO(slk_array_load(rt, &amt, bit_width, root));
    SLK_RT_GOTO(add(rt, amt, slk_quant_up(quant, epoch), bits));
    SLK_RT_GOTO(slk_array_flush(rt, amt, root));
out:
    slk_amt_free(amt);
    return exit;
}

static int by_epoch(const void *a, const void *b)
{
    const slk_epoch_bit_t *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    return (x->bit > y->bit) - (x->bit < y->bit);
}

slk_exit_t slk_bitfield_queue_add_many(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                       slk_quant_t quant, slk_epoch_bit_t *list, size_t cnt)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    uint64_t *bits;
    if (!cnt)
        return SLK_EXIT_OK;
    for (size_t i = 0; i < cnt; i++)
        list[i].epoch = slk_quant_up(quant, list[i].epoch);
    qsort(list, cnt, sizeof *list, by_epoch);
    SLK_RT_GOTO(slk_rt_alloc(rt, &bits, cnt, sizeof *bits));
    SLK_RT_GOTO(slk_array_load(rt, &amt, bit_width, root));
    for (size_t first = 0, end; first < cnt; first = end) {
        slk_bitfield_t set;
        for (end = first; end < cnt && list[end].epoch == list[first].epoch; end++)
            bits[end - first] = list[end].bit;
        SLK_RT_GOTO(slk_rt_bits(rt, &set, bits, end - first));
        SLK_RT_GOTO(add(rt, amt, list[first].epoch, &set));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, root));
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_bitfield_queue_cut(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width,
                                  const slk_bitfield_t *holes)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_array_entry_t *entries;
    size_t cnt;
    SLK_RT_GOTO(slk_array_load(rt, &amt, bit_width, root));
    SLK_RT_GOTO(slk_array_entries(rt, amt, UINT64_MAX, &slk_value_bitfield_type, &entries, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        slk_bitfield_t *set = &((slk_value_bitfield_t *)entries[i].record)->value;
        SLK_RT_GOTO(
            slk_rt_err(rt, slk_bitfield_cut(set, set, holes, slk_rt_arena(rt)), SLK_EXIT_FATAL));
        if (slk_bitfield_is_empty(set))
            SLK_RT_GOTO(slk_array_delete(rt, amt, entries[i].index, NULL));
        else
            SLK_RT_GOTO(slk_array_set(rt, amt, entries[i].index, entries[i].record,
                                      &slk_value_bitfield_type));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, root));
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_bitfield_queue_pop(slk_rt_t *rt, slk_cid_t *root, unsigned bit_width, int64_t until,
                                  slk_bitfield_t *popped, bool *modified)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit = SLK_EXIT_OK;
    slk_array_entry_t *entries;
    size_t cnt = 0;
    *popped = (slk_bitfield_t){0};
    if (until < 0)
        goto out;
    SLK_RT_GOTO(slk_array_load(rt, &amt, bit_width, root));
    SLK_RT_GOTO(
        slk_array_entries(rt, amt, (uint64_t)until, &slk_value_bitfield_type, &entries, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        const slk_value_bitfield_t *entry = entries[i].record;
        SLK_RT_GOTO(slk_rt_union(rt, popped, popped, &entry->value));
        SLK_RT_GOTO(slk_array_delete(rt, amt, entries[i].index, NULL));
    }
    if (cnt)
        SLK_RT_GOTO(slk_array_flush(rt, amt, root));
out:
    if (modified)
        *modified = cnt > 0;
    slk_amt_free(amt);
    return exit;
}
