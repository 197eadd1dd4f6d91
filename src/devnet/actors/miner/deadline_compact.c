#include "devnet/actors/miner/bitfield_queue.h"
#include "devnet/actors/miner/deadline.h"

#include <inttypes.h>

typedef struct {
    slk_bitfield_t live, dead;
    slk_power_pair_t power;
} removed_t;

static slk_exit_t remove_one(slk_rt_t *rt, const slk_partition_t *part, uint64_t index,
                             removed_t *removed)
{
    slk_bitfield_t live;
    if (!slk_bitfield_is_empty(&part->faults))
        return slk_rt_abort(
            rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
            "while removing partitions: cannot remove partition %" PRIu64 ": has faults", index);
    if (!slk_bitfield_is_empty(&part->unproven))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "while removing partitions: cannot remove partition %" PRIu64
                            ": has unproven sectors",
                            index);
    SLK_RT_TRY(slk_partition_live(rt, part, &live));
    SLK_RT_TRY(slk_rt_union(rt, &removed->live, &removed->live, &live));
    SLK_RT_TRY(slk_rt_union(rt, &removed->dead, &removed->dead, &part->terminated));
    slk_power_add_to(&removed->power, &part->live_power);
    return SLK_EXIT_OK;
}

/* A new array of the partitions that stay. */
static slk_exit_t remove_partitions(slk_rt_t *rt, slk_deadline_t *deadline,
                                    const slk_bitfield_t *partitions, removed_t *removed)
{
    slk_amt_t *old = NULL, *kept = NULL;
    slk_exit_t exit;
    uint64_t last;
    SLK_RT_GOTO(slk_array_load(rt, &old, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    uint64_t cnt = slk_amt_count(old);
    if (slk_bitfield_last(partitions, &last) && last >= cnt)
        SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                 "partition index %" PRIu64 " out of range [0, %" PRIu64 ")", last,
                                 cnt));
    if (!slk_bitfield_is_empty(&deadline->early_terminations))
        SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                 "cannot remove partitions from deadline with early terminations"));
    SLK_RT_GOTO(slk_rt_err(rt,
                           slk_amt_new(&kept, slk_rt_store(rt), SLK_AMT_V3, SLK_WIDTH_PARTITIONS),
                           SLK_EXIT_FATAL));
    for (uint64_t i = 0; i < cnt; i++) {
        slk_partition_t part;
        bool found;
        SLK_RT_GOTO(slk_array_get(rt, old, i, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                     "missing expected partition %" PRIu64, i));
        if (slk_bitfield_contains(partitions, i))
            SLK_RT_GOTO(remove_one(rt, &part, i, removed));
        else
            SLK_RT_GOTO(slk_array_set(rt, kept, slk_amt_count(kept), &part, &slk_partition_type));
    }
    SLK_RT_GOTO(slk_array_flush(rt, kept, &deadline->partitions));
out:
    slk_amt_free(old);
    slk_amt_free(kept);
    return exit;
}

slk_exit_t slk_deadline_compact(const slk_proving_t *on, slk_deadline_t *deadline,
                                uint64_t partition_size, const slk_bitfield_t *partitions,
                                slk_bitfield_t *dead)
{
    slk_rt_t *rt = on->rt;
    removed_t removed = {0};
    slk_sector_refs_t live;
    slk_power_pair_t power;
    slk_bigint_t fee;
    *dead = (slk_bitfield_t){0};
    if (slk_bitfield_is_empty(partitions))
        return SLK_EXIT_OK;
    SLK_RT_TRY(remove_partitions(rt, deadline, partitions, &removed));
    deadline->live_sectors -= slk_bitfield_count(&removed.live);
    deadline->total_sectors -=
        slk_bitfield_count(&removed.live) + slk_bitfield_count(&removed.dead);
    slk_power_sub_from(&deadline->live_power, &removed.power);
    SLK_RT_TRY(slk_bitfield_queue_cut(rt, &deadline->expirations_epochs,
                                      SLK_WIDTH_DEADLINE_EXPIRATIONS, partitions));
    SLK_RT_TRY(slk_sectors_load(on->sectors, &removed.live, &live));
    /* Proven, and their fees are in the deadline's sum already. */
    SLK_RT_TRY(slk_rt_wrap(
        rt, slk_deadline_add_sectors(on, deadline, partition_size, true, false, live, &power, &fee),
        "failed to add back moved sectors"));
    if (!slk_power_equal(&power, &removed.power))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "power changed when compacting partitions");
    *dead = removed.dead;
    return SLK_EXIT_OK;
}
