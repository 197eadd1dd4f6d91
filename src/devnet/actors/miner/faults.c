/* DeclareFaults and DeclareFaultsRecovered. */

#include "devnet/actors/miner/money.h"

#include <inttypes.h>

/* When the deadline that is meant opens next; SLK_EXIT_USR_ILLEGAL_ARGUMENT where it is too late to
 * declare anything for that. */
static slk_exit_t target_deadline(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t index,
                                  const char *what, slk_deadline_info_t *target)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_deadline_info_t now = slk_miner_deadline(rt, st);
    *target = slk_deadline_next_not_elapsed(
        policy, slk_deadline_info(policy, now.period_start, index, now.now));
    if (target->now < target->fault_cutoff)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "failed %s declaration at deadline %" PRIu64
                        ": late fault or recovery declaration",
                        what, index);
}

static slk_exit_t map_of(slk_rt_t *rt, const slk_sector_declaration_list_t *list,
                         slk_sector_map_t *map)
{
    *map = (slk_sector_map_t){0};
    for (size_t i = 0; i < list->count; i++) {
        const slk_sector_declaration_t *row = &list->items[i];
        SLK_RT_TRY(slk_sector_map_add(rt, map, row->deadline, row->partition, &row->sectors));
    }
    return slk_sector_map_check(rt, map);
}

/* What is declared, deadline by deadline. */
typedef struct {
    slk_rt_t *rt;
    bool recovered; /* else faulty */
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_power_pair_t power_delta;
} declared_t;

static slk_exit_t declare_one(declared_t *d, const slk_deadline_sectors_t *row,
                              slk_sectors_t *sectors, slk_deadlines_t *deadlines)
{
    slk_rt_t *rt = d->rt;
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_deadline_info_t target;
    slk_deadline_t deadline;
    SLK_RT_TRY(
        target_deadline(rt, &d->st, row->deadline, d->recovered ? "recovery" : "fault", &target));
    SLK_RT_TRY(slk_deadlines_get(rt, deadlines, row->deadline, &deadline));
    slk_proving_t on = {rt, sectors, d->info.sector_size, slk_deadline_quant(policy, &target)};
    if (d->recovered) {
        SLK_RT_TRY(slk_rt_wrap(rt, slk_deadline_declare_recovered(&on, &deadline, &row->partitions),
                               "failed to declare recoveries for deadline %" PRIu64,
                               row->deadline));
    } else {
        slk_power_pair_t delta;
        SLK_RT_TRY(slk_rt_wrap(
            rt,
            slk_deadline_record_faults(&on, &deadline,
                                       slk_deadline_last(&target) + policy->fault_max_age,
                                       &row->partitions, &delta),
            "failed to declare faults for deadline %" PRIu64, row->deadline));
        slk_power_add_to(&d->power_delta, &delta);
    }
    return slk_deadlines_put(rt, deadlines, row->deadline, &deadline);
}

static slk_exit_t declare(declared_t *d, const slk_sector_map_t *map)
{
    slk_rt_t *rt = d->rt;
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    slk_exit_t exit;
    SLK_RT_GOTO(slk_deadlines_load(rt, &deadlines, &d->st.deadlines));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &d->st.sectors));
    for (size_t i = 0; i < map->cnt; i++)
        SLK_RT_GOTO(declare_one(d, &map->items[i], &sectors, &deadlines));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &d->st.deadlines));
out:
    slk_sectors_close(&sectors);
    return exit;
}

slk_exit_t slk_miner_declare_faults(slk_rt_t *rt)
{
    slk_declare_faults_params_t params;
    slk_sector_map_t map;
    declared_t d = {.rt = rt};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_declare_faults_params_type));
    SLK_RT_TRY(map_of(rt, &params.faults, &map));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &d.st, &d.info));
    SLK_RT_TRY(declare(&d, &map));
    SLK_RT_TRY(slk_miner_save(rt, &d.st));
    /* Their fee is due when the deadline closes. */
    return slk_miner_update_power(rt, &d.power_delta);
}

slk_exit_t slk_miner_declare_faults_recovered(slk_rt_t *rt)
{
    slk_declare_faults_recovered_params_t params;
    slk_sector_map_t map;
    slk_bigint_t to_burn;
    declared_t d = {.rt = rt, .recovered = true};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_declare_faults_recovered_params_type));
    SLK_RT_TRY(map_of(rt, &params.recoveries, &map));
    SLK_RT_TRY(slk_miner_load(rt, &d.st));
    SLK_RT_TRY(slk_miner_repay_debts(rt, &d.st, &to_burn));
    SLK_RT_TRY(slk_miner_load_info(rt, &d.st, &d.info));
    SLK_RT_TRY(slk_miner_require_controller(rt, &d.info));
    if (slk_miner_fault_active(&d.info, slk_rt_epoch(rt)))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "recovery not allowed during active consensus fault");
    SLK_RT_TRY(declare(&d, &map));
    SLK_RT_TRY(slk_miner_save(rt, &d.st));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    return slk_miner_check_balance(rt, &d.st);
}
