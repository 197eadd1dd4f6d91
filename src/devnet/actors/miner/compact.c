/* CompactPartitions, CompactSectorNumbers, CheckSectorProven. */

#include "devnet/actors/miner/miner.h"

#include <inttypes.h>

static slk_exit_t compact(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                          const slk_compact_partitions_params_t *params)
{
    slk_sectors_t sectors = {0};
    slk_proving_t on = {rt, &sectors, info->sector_size, slk_miner_quant(rt, st, params->deadline)};
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_bitfield_t dead;
    slk_exit_t exit;
    SLK_RT_GOTO(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_GOTO(slk_deadlines_get(rt, &deadlines, params->deadline, &deadline));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st->sectors));
    SLK_RT_GOTO(
        slk_rt_wrap(rt,
                    slk_deadline_compact(&on, &deadline, info->window_post_partition_sectors,
                                         &params->partitions, &dead),
                    "failed to remove partitions from deadline %" PRIu64, params->deadline));
    SLK_RT_GOTO(slk_rt_wrap(rt, slk_sectors_delete(&sectors, &dead),
                            "failed to delete sectors removed during partition compaction"));
    SLK_RT_GOTO(slk_sectors_flush(&sectors, &st->sectors));
    SLK_RT_GOTO(slk_deadlines_put(rt, &deadlines, params->deadline, &deadline));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &st->deadlines));
out:
    slk_sectors_close(&sectors);
    return exit;
}

slk_exit_t slk_miner_compact_partitions(slk_rt_t *rt)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_compact_partitions_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_compact_partitions_params_type));
    if (params.deadline >= policy->deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid deadline %" PRIu64,
                            params.deadline);
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    if (!slk_deadline_is_compactable(policy, slk_miner_deadline(rt, &st).period_start,
                                     params.deadline, slk_rt_epoch(rt)))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "cannot compact deadline %" PRIu64 " during its challenge window, or "
                            "the prior challenge window,\n                    or before %" PRId64
                            " epochs have passed since its last challenge window ended",
                            params.deadline, policy->dispute_window);
    uint64_t cnt = slk_bitfield_count(&params.partitions);
    uint64_t limit = slk_miner_partitions_max(rt, &info);
    if (cnt > limit)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "too many partitions %" PRIu64 ", limit %" PRIu64, cnt, limit);
    SLK_RT_TRY(compact(rt, &st, &info, &params));
    return slk_miner_save(rt, &st);
}

slk_exit_t slk_miner_compact_sector_numbers(slk_rt_t *rt)
{
    slk_compact_sector_numbers_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    uint64_t last;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_compact_sector_numbers_params_type));
    if (!slk_bitfield_last(&params.mask_sector_numbers, &last))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid mask bitfield");
    if (last > SLK_SECTOR_NUMBER_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "masked sector number %" PRIu64 " exceeded max sector number", last);
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    SLK_RT_TRY(slk_miner_allocate_numbers(rt, &st, &params.mask_sector_numbers, true));
    return slk_miner_save(rt, &st);
}

slk_exit_t slk_miner_check_sector_proven(slk_rt_t *rt)
{
    slk_check_sector_proven_params_t params;
    slk_sector_on_chain_info_t info;
    slk_sectors_t sectors = {0};
    slk_miner_state_t st;
    slk_exit_t exit;
    bool found = false;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_check_sector_proven_params_type));
    if (params.sector_number > SLK_SECTOR_NUMBER_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "sector number out of range");
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st.sectors));
    SLK_RT_GOTO(slk_sectors_get(&sectors, params.sector_number, &info, &found));
    if (!found)
        exit = slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "sector %" PRIu64 " not proven",
                            params.sector_number);
out:
    slk_sectors_close(&sectors);
    return exit;
}
