/* Where a miner's sectors are. */

#include "devnet/actors/miner/miner.h"

#include <inttypes.h>
#include <stdlib.h>

slk_deadline_info_t slk_miner_deadline(slk_rt_t *rt, const slk_miner_state_t *st)
{
    return slk_deadline_current(slk_rt_policy(rt), st->proving_period_start, slk_rt_epoch(rt));
}

slk_quant_t slk_miner_quant(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline)
{
    slk_deadline_info_t info =
        slk_deadline_info(slk_rt_policy(rt), st->proving_period_start, deadline, 0);
    return slk_deadline_quant(slk_rt_policy(rt), &info);
}

slk_quant_t slk_miner_quant_every_deadline(slk_rt_t *rt, const slk_miner_state_t *st)
{
    return (slk_quant_t){slk_rt_policy(rt)->challenge_window, st->proving_period_start};
}

bool slk_miner_deadline_is_mutable(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline)
{
    return slk_deadline_is_mutable(slk_rt_policy(rt), slk_miner_deadline(rt, st).period_start,
                                   deadline, slk_rt_epoch(rt));
}

/* --- New sectors ----------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const slk_sector_on_chain_info_t *const *x = a, *const *y = b;
    return ((*x)->sector_number > (*y)->sector_number) -
           ((*x)->sector_number < (*y)->sector_number);
}

static slk_exit_t sorted(slk_rt_t *rt, slk_sector_on_chain_info_list_t sectors,
                         slk_sector_refs_t *out)
{
    SLK_RT_TRY(slk_rt_alloc(rt, &out->items, sectors.count, sizeof *out->items));
    out->cnt = sectors.count;
    for (size_t i = 0; i < sectors.count; i++)
        out->items[i] = &sectors.items[i];
    if (sectors.count)
        qsort(out->items, out->cnt, sizeof *out->items, by_number);
    return SLK_EXIT_OK;
}

/* New sectors without power yet, with new fees. */
static slk_exit_t add_to(slk_rt_t *rt, const slk_miner_state_t *st, const slk_miner_info_t *info,
                         slk_deadlines_t *deadlines, uint64_t index, slk_sector_refs_t sectors)
{
    slk_proving_t on = {
        .rt = rt, .sector_size = info->sector_size, .quant = slk_miner_quant(rt, st, index)};
    slk_deadline_t deadline;
    slk_power_pair_t power;
    slk_bigint_t fee;
    SLK_RT_TRY(slk_deadlines_get(rt, deadlines, index, &deadline));
    SLK_RT_TRY(slk_deadline_add_sectors(&on, &deadline, info->window_post_partition_sectors, false,
                                        true, sectors, &power, &fee));
    return slk_deadlines_put(rt, deadlines, index, &deadline);
}

slk_exit_t slk_miner_assign_sectors(slk_rt_t *rt, slk_miner_state_t *st,
                                    const slk_miner_info_t *info,
                                    slk_sector_on_chain_info_list_t list)
{
    slk_deadlines_t deadlines;
    slk_deadline_count_t *counts;
    slk_sector_refs_t sectors, part = {0};
    size_t *to;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(slk_rt_alloc(rt, &counts, deadlines.due.count, sizeof *counts));
    for (size_t i = 0; i < deadlines.due.count; i++) {
        slk_deadline_t deadline;
        if (!slk_miner_deadline_is_mutable(rt, st, i))
            continue;
        SLK_RT_TRY(slk_deadlines_get(rt, &deadlines, i, &deadline));
        counts[i] = (slk_deadline_count_t){true, deadline.live_sectors, deadline.total_sectors};
    }
    SLK_RT_TRY(sorted(rt, list, &sectors));
    SLK_RT_TRY(slk_rt_alloc(rt, &to, sectors.cnt, sizeof *to));
    SLK_RT_TRY(slk_assign_deadlines(rt, info->window_post_partition_sectors, counts,
                                    deadlines.due.count, sectors.cnt, to));
    SLK_RT_TRY(slk_rt_alloc(rt, &part.items, sectors.cnt, sizeof *part.items));
    for (size_t i = 0; i < deadlines.due.count; i++) {
        part.cnt = 0;
        for (size_t k = 0; k < sectors.cnt; k++)
            if (to[k] == i)
                part.items[part.cnt++] = sectors.items[k];
        if (part.cnt)
            SLK_RT_TRY(add_to(rt, st, info, &deadlines, i, part));
    }
    return slk_deadlines_save(rt, &deadlines, &st->deadlines);
}

slk_exit_t slk_miner_assign_to_deadline(slk_rt_t *rt, slk_miner_state_t *st,
                                        const slk_miner_info_t *info, uint64_t deadline,
                                        slk_sector_on_chain_info_list_t list)
{
    slk_deadlines_t deadlines;
    slk_sector_refs_t sectors;
    if (!slk_miner_deadline_is_mutable(rt, st, deadline))
        return slk_rt_abort(
            rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
            "proving deadline %" PRIu64 " must not be the current or next deadline ", deadline);
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(sorted(rt, list, &sectors));
    SLK_RT_TRY(slk_rt_wrap(rt, add_to(rt, st, info, &deadlines, deadline, sectors),
                           "failed to add sectors to deadline %" PRIu64, deadline));
    return slk_deadlines_save(rt, &deadlines, &st->deadlines);
}

slk_exit_t slk_miner_put_sectors(slk_rt_t *rt, slk_miner_state_t *st,
                                 slk_sector_on_chain_info_list_t list)
{
    slk_sectors_t tree = {0};
    slk_sector_refs_t sectors;
    slk_exit_t exit;
    SLK_RT_TRY(sorted(rt, list, &sectors));
    SLK_RT_GOTO(slk_sectors_open(&tree, rt, &st->sectors));
    SLK_RT_GOTO(slk_sectors_store(&tree, sectors));
    SLK_RT_GOTO(slk_sectors_flush(&tree, &st->sectors));
out:
    slk_sectors_close(&tree);
    return exit;
}

slk_exit_t slk_miner_sector_active(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline,
                                   uint64_t partition, uint64_t sector, bool require_proven,
                                   bool *active)
{
    slk_deadlines_t deadlines;
    slk_deadline_t dl;
    slk_partition_t part;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(slk_deadlines_get(rt, &deadlines, deadline, &dl));
    SLK_RT_TRY(slk_deadline_partition(rt, &dl, partition, &part));
    if (!slk_bitfield_contains(&part.sectors, sector))
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                            "sector %" PRIu64 " not a member of partition %" PRIu64
                            ", deadline %" PRIu64,
                            sector, partition, deadline);
    *active = !slk_bitfield_contains(&part.faults, sector) &&
              !slk_bitfield_contains(&part.terminated, sector) &&
              !(require_proven && slk_bitfield_contains(&part.unproven, sector));
    return SLK_EXIT_OK;
}
