#include "devnet/actors/miner/sector_map.h"

#include <inttypes.h>
#include <string.h>

slk_exit_t slk_partition_map_add(slk_rt_t *rt, slk_partition_map_t *map, uint64_t partition,
                                 const slk_bitfield_t *sectors)
{
    size_t at = map->cnt;
    while (at > 0 && map->items[at - 1].partition >= partition)
        at--;
    if (at < map->cnt && map->items[at].partition == partition)
        return slk_rt_union(rt, &map->items[at].sectors, &map->items[at].sectors, sectors);
    if (map->cnt == map->cap) {
        slk_partition_sectors_t *items;
        size_t cap = map->cap ? 2 * map->cap : 4;
        SLK_RT_TRY(slk_rt_alloc(rt, &items, cap, sizeof *items));
        if (map->cnt)
            memcpy(items, map->items, map->cnt * sizeof *items);
        map->items = items;
        map->cap = cap;
    }
    memmove(map->items + at + 1, map->items + at, (map->cnt - at) * sizeof *map->items);
    map->items[at] = (slk_partition_sectors_t){partition, *sectors};
    map->cnt++;
    return SLK_EXIT_OK;
}

slk_exit_t slk_sector_map_add(slk_rt_t *rt, slk_sector_map_t *map, uint64_t deadline,
                              uint64_t partition, const slk_bitfield_t *sectors)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    if (deadline >= policy->deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to process deadline %" PRIu64 ", partition %" PRIu64
                            ": invalid deadline %" PRIu64,
                            deadline, partition, deadline);
    if (!map->items)
        SLK_RT_TRY(slk_rt_alloc(rt, &map->items, policy->deadlines, sizeof *map->items));
    size_t at = map->cnt;
    while (at > 0 && map->items[at - 1].deadline >= deadline)
        at--;
    if (at == map->cnt || map->items[at].deadline != deadline) {
        memmove(map->items + at + 1, map->items + at, (map->cnt - at) * sizeof *map->items);
        map->items[at] = (slk_deadline_sectors_t){.deadline = deadline};
        map->cnt++;
    }
    return slk_partition_map_add(rt, &map->items[at].partitions, partition, sectors);
}

slk_exit_t slk_sector_map_check(slk_rt_t *rt, const slk_sector_map_t *map)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    uint64_t partitions = 0, sectors = 0;
    for (size_t i = 0; i < map->cnt; i++) {
        const slk_partition_map_t *parts = &map->items[i].partitions;
        partitions += parts->cnt;
        for (size_t k = 0; k < parts->cnt; k++)
            if (__builtin_add_overflow(sectors, slk_bitfield_count(&parts->items[k].sectors),
                                       &sectors))
                sectors = UINT64_MAX;
    }
    if (partitions > policy->declarations_per_message)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot process requested parameters: too many partitions %" PRIu64
                            ", max %" PRIu32,
                            partitions, policy->declarations_per_message);
    if (sectors > policy->sectors_per_message)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot process requested parameters: too many sectors %" PRIu64
                            ", max %" PRIu32,
                            sectors, policy->sectors_per_message);
    return SLK_EXIT_OK;
}
