#include "devnet/actors/miner/partition.h"

#include "devnet/actors/miner/bitfield_queue.h"

slk_exit_t slk_partition_new(slk_rt_t *rt, slk_partition_t *part)
{
    *part = (slk_partition_t){0};
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_PARTITION_EXPIRATIONS, &part->expirations_epochs));
    return slk_array_empty(rt, SLK_WIDTH_EARLY_TERMINATED, &part->early_terminated);
}

slk_exit_t slk_partition_live(slk_rt_t *rt, const slk_partition_t *part, slk_bitfield_t *out)
{
    return slk_rt_difference(rt, out, &part->sectors, &part->terminated);
}

slk_exit_t slk_partition_active(slk_rt_t *rt, const slk_partition_t *part, slk_bitfield_t *out)
{
    SLK_RT_TRY(slk_partition_live(rt, part, out));
    SLK_RT_TRY(slk_rt_difference(rt, out, out, &part->faults));
    return slk_rt_difference(rt, out, out, &part->unproven);
}

slk_power_pair_t slk_partition_active_power(const slk_partition_t *part)
{
    slk_power_pair_t power = slk_power_sub(&part->live_power, &part->faulty_power);
    slk_power_sub_from(&power, &part->unproven_power);
    return power;
}

/* --- Invariants ---------------------------------------------------------------------------------------- */

static slk_exit_t check_power(slk_rt_t *rt, const slk_partition_t *part)
{
    const struct {
        const slk_power_pair_t *power, *bound;
        const char *name;
    } rows[] = {
        {&part->live_power, NULL, "live"},
        {&part->unproven_power, &part->live_power, "unproven"},
        {&part->faulty_power, &part->live_power, "faulty"},
        {&part->recovering_power, &part->faulty_power, "recovering"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const slk_power_pair_t *power = rows[i].power;
        if (slk_bigint_sign(&power->raw) < 0 || slk_bigint_sign(&power->qa) < 0)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "Partition left with negative %s power", rows[i].name);
        if (rows[i].bound && slk_bigint_cmp(&power->raw, &rows[i].bound->raw) > 0)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "Partition left with invalid %s power", rows[i].name);
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_partition_check(slk_rt_t *rt, const slk_partition_t *part)
{
    SLK_RT_TRY(check_power(rt, part));
    if (slk_bitfield_intersects(&part->terminated, &part->unproven) ||
        slk_bitfield_intersects(&part->terminated, &part->faults))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "Partition left with terminated sectors in multiple states");
    if (!slk_bitfield_is_subset(&part->unproven, &part->sectors) ||
        !slk_bitfield_is_subset(&part->faults, &part->sectors) ||
        !slk_bitfield_is_subset(&part->terminated, &part->sectors))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "Partition left with invalid sector state");
    if (!slk_bitfield_is_subset(&part->recoveries, &part->faults))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "Partition left with invalid recovery state");
    return SLK_EXIT_OK;
}

/* --- Its queue of expirations ---------------------------------------------------------------------------- */

static slk_exit_t open_queue(const slk_proving_t *on, const slk_partition_t *part,
                             slk_expirations_t *queue)
{
    return slk_expirations_open(queue, on->rt, &part->expirations_epochs, on->quant,
                                on->sector_size);
}

/* The end of each function that changes the queue: keep it if all went well. */
static slk_exit_t close_queue(slk_expirations_t *queue, slk_partition_t *part, slk_exit_t exit)
{
    if (exit == SLK_EXIT_OK)
        exit = slk_expirations_flush(queue, &part->expirations_epochs);
    slk_expirations_close(queue);
    return exit;
}

/* --- Sectors come and change ------------------------------------------------------------------------------- */

slk_exit_t slk_partition_add(const slk_proving_t *on, slk_partition_t *part, bool proven,
                             slk_sector_refs_t sectors, slk_power_pair_t *power,
                             slk_bigint_t *daily_fee)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_sector_sums_t added;
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(rt, slk_expirations_add_active(&queue, sectors, &added),
                           "failed to record new sector expirations");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    if (slk_bitfield_intersects(&part->sectors, &added.sectors))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "not all added sectors are new");
    SLK_RT_TRY(slk_rt_union(rt, &part->sectors, &part->sectors, &added.sectors));
    slk_power_add_to(&part->live_power, &added.power);
    if (!proven) {
        slk_power_add_to(&part->unproven_power, &added.power);
        SLK_RT_TRY(slk_rt_union(rt, &part->unproven, &part->unproven, &added.sectors));
    }
    *power = added.power;
    *daily_fee = added.daily_fee;
    return slk_partition_check(rt, part);
}

slk_exit_t slk_partition_replace(const slk_proving_t *on, slk_partition_t *part,
                                 slk_sector_refs_t old, slk_sector_refs_t sectors,
                                 slk_power_pair_t *power_delta, slk_bigint_t *pledge_delta,
                                 slk_bigint_t *fee_delta)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_sector_sums_t removed, added;
    slk_bitfield_t active;
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(rt, slk_expirations_replace(&queue, old, sectors, &removed, &added),
                           "failed to replace sector expirations");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    SLK_RT_TRY(slk_partition_active(rt, part, &active));
    if (!slk_bitfield_is_subset(&removed.sectors, &active))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "refusing to replace inactive sectors in %s (active: %s)",
                            slk_bitfield_text(&removed.sectors).s, slk_bitfield_text(&active).s);
    *power_delta = slk_power_sub(&added.power, &removed.power);
    *pledge_delta = slk_bigint_sub(added.pledge, removed.pledge);
    *fee_delta = slk_bigint_sub(added.daily_fee, removed.daily_fee);
    SLK_RT_TRY(slk_rt_difference(rt, &part->sectors, &part->sectors, &removed.sectors));
    SLK_RT_TRY(slk_rt_union(rt, &part->sectors, &part->sectors, &added.sectors));
    slk_power_add_to(&part->live_power, power_delta);
    return slk_partition_check(rt, part);
}

/* --- Faults and recoveries ----------------------------------------------------------------------------------- */

/* Healthy sectors become faulty. */
static slk_exit_t add_faults(const slk_proving_t *on, slk_partition_t *part,
                             slk_sector_refs_t sectors, int64_t fault_expiration, slk_faults_t *out)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_bitfield_t unproven;
    slk_sector_refs_t unproven_sectors;
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(
            rt, slk_expirations_fault(&queue, fault_expiration, sectors, &out->new_faulty_power),
            "failed to add faults to partition queue");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    SLK_RT_TRY(slk_rt_union(rt, &part->faults, &part->faults, &out->new_faults));
    slk_power_add_to(&part->faulty_power, &out->new_faulty_power);
    /* Those that were never proven have no power to lose. */
    SLK_RT_TRY(slk_rt_intersection(rt, &unproven, &out->new_faults, &part->unproven));
    SLK_RT_TRY(slk_rt_difference(rt, &part->unproven, &part->unproven, &unproven));
    SLK_RT_TRY(slk_sectors_select(rt, &unproven_sectors, sectors, &unproven));
    slk_power_pair_t lost = slk_sectors_power(on->sector_size, unproven_sectors);
    slk_power_sub_from(&part->unproven_power, &lost);
    out->power_delta = slk_power_sub(&lost, &out->new_faulty_power);
    return slk_partition_check(rt, part);
}

static slk_exit_t withdraw_recoveries(const slk_proving_t *on, slk_partition_t *part,
                                      const slk_bitfield_t *numbers, slk_power_pair_t *power)
{
    slk_sector_refs_t sectors;
    SLK_RT_TRY(slk_rt_wrap(on->rt, slk_sectors_load(on->sectors, numbers, &sectors),
                           "failed to load recovery sectors"));
    *power = slk_sectors_power(on->sector_size, sectors);
    SLK_RT_TRY(slk_rt_difference(on->rt, &part->recoveries, &part->recoveries, numbers));
    slk_power_sub_from(&part->recovering_power, power);
    return SLK_EXIT_OK;
}

/* What declared and skipped faults have in common. */
static slk_exit_t fault(const slk_proving_t *on, slk_partition_t *part,
                        const slk_bitfield_t *numbers, int64_t fault_expiration, const char *failed,
                        slk_faults_t *out)
{
    slk_rt_t *rt = on->rt;
    slk_bitfield_t retracted;
    slk_sector_refs_t sectors;
    *out = (slk_faults_t){0};
    SLK_RT_TRY(slk_rt_intersection(rt, &retracted, &part->recoveries, numbers));
    /* Recoveries are faults: the difference leaves them out. */
    SLK_RT_TRY(slk_rt_difference(rt, &out->new_faults, numbers, &part->terminated));
    SLK_RT_TRY(slk_rt_difference(rt, &out->new_faults, &out->new_faults, &part->faults));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_sectors_load(on->sectors, &out->new_faults, &sectors),
                           "failed to load fault sectors"));
    if (sectors.cnt)
        SLK_RT_TRY(
            slk_rt_wrap(rt, add_faults(on, part, sectors, fault_expiration, out), "%s", failed));
    SLK_RT_TRY(withdraw_recoveries(on, part, &retracted, &out->retracted_recovery_power));
    return slk_partition_check(rt, part);
}

static slk_exit_t require_members(slk_rt_t *rt, const slk_partition_t *part,
                                  const slk_bitfield_t *numbers)
{
    if (slk_bitfield_is_subset(numbers, &part->sectors))
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "failed fault declaration: not all sectors are assigned to the partition");
}

slk_exit_t slk_partition_record_faults(const slk_proving_t *on, slk_partition_t *part,
                                       const slk_bitfield_t *numbers, int64_t fault_expiration,
                                       slk_faults_t *out)
{
    SLK_RT_TRY(require_members(on->rt, part, numbers));
    return fault(on, part, numbers, fault_expiration, "failed to add faults", out);
}

slk_exit_t slk_partition_record_skipped(const slk_proving_t *on, slk_partition_t *part,
                                        const slk_bitfield_t *skipped, int64_t fault_expiration,
                                        slk_faults_t *out)
{
    *out = (slk_faults_t){0};
    if (slk_bitfield_is_empty(skipped))
        return SLK_EXIT_OK;
    if (!slk_bitfield_is_subset(skipped, &part->sectors))
        return slk_rt_abort(on->rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "skipped faults contains sectors outside partition");
    return fault(on, part, skipped, fault_expiration, "failed to add skipped faults", out);
}

slk_exit_t slk_partition_recover(const slk_proving_t *on, slk_partition_t *part,
                                 slk_power_pair_t *power)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_sector_refs_t sectors;
    *power = (slk_power_pair_t){0};
    if (slk_bitfield_is_empty(&part->recoveries))
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_sectors_load(on->sectors, &part->recoveries, &sectors),
                           "failed to load recovered sectors"));
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(rt, slk_expirations_recover(&queue, sectors, power),
                           "failed to reschedule faults in partition queue");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    SLK_RT_TRY(slk_rt_difference(rt, &part->faults, &part->faults, &part->recoveries));
    part->recoveries = (slk_bitfield_t){0};
    slk_power_sub_from(&part->faulty_power, power);
    slk_power_sub_from(&part->recovering_power, power);
    return slk_partition_check(rt, part);
}

slk_power_pair_t slk_partition_activate_unproven(slk_partition_t *part)
{
    slk_power_pair_t power = part->unproven_power;
    part->unproven = (slk_bitfield_t){0};
    part->unproven_power = (slk_power_pair_t){0};
    return power;
}

slk_exit_t slk_partition_declare_recovered(const slk_proving_t *on, slk_partition_t *part,
                                           const slk_bitfield_t *numbers)
{
    slk_rt_t *rt = on->rt;
    slk_bitfield_t recoveries;
    slk_sector_refs_t sectors;
    SLK_RT_TRY(require_members(rt, part, numbers));
    SLK_RT_TRY(slk_rt_intersection(rt, &recoveries, numbers, &part->faults));
    SLK_RT_TRY(slk_rt_difference(rt, &recoveries, &recoveries, &part->recoveries));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_sectors_load(on->sectors, &recoveries, &sectors),
                           "failed to load recovery sectors"));
    SLK_RT_TRY(slk_rt_union(rt, &part->recoveries, &part->recoveries, &recoveries));
    slk_power_pair_t power = slk_sectors_power(on->sector_size, sectors);
    slk_power_add_to(&part->recovering_power, &power);
    return slk_partition_check(rt, part);
}

slk_exit_t slk_partition_missed_post(const slk_proving_t *on, slk_partition_t *part,
                                     int64_t fault_expiration, slk_power_pair_t *power_delta,
                                     slk_power_pair_t *new_faulty_power)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(rt, slk_expirations_fault_all(&queue, fault_expiration),
                           "failed to reschedule all as faults");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    *new_faulty_power = slk_power_sub(&part->live_power, &part->faulty_power);
    *power_delta = slk_power_sub(&part->unproven_power, new_faulty_power);
    SLK_RT_TRY(slk_partition_live(rt, part, &part->faults));
    part->recoveries = part->unproven = (slk_bitfield_t){0};
    part->faulty_power = part->live_power;
    part->recovering_power = part->unproven_power = (slk_power_pair_t){0};
    return slk_partition_check(rt, part);
}

/* --- Sectors end ------------------------------------------------------------------------------------------- */

static slk_exit_t record_early(slk_rt_t *rt, slk_partition_t *part, int64_t epoch,
                               const slk_bitfield_t *sectors)
{
    return slk_rt_wrap(rt,
                       slk_bitfield_queue_add(rt, &part->early_terminated,
                                              SLK_WIDTH_EARLY_TERMINATED, SLK_QUANT_NONE, epoch,
                                              sectors),
                       "failed to record early sector termination");
}

slk_exit_t slk_partition_terminate(const slk_proving_t *on, slk_partition_t *part, int64_t epoch,
                                   const slk_bitfield_t *numbers, slk_expiration_set_t *removed,
                                   slk_power_pair_t *removed_unproven)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_bitfield_t set, unproven;
    slk_sector_refs_t sectors, unproven_sectors;
    slk_power_pair_t recovering;
    SLK_RT_TRY(slk_partition_live(rt, part, &set));
    if (!slk_bitfield_is_subset(numbers, &set))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "can only terminate live sectors");
    SLK_RT_TRY(slk_sectors_load(on->sectors, numbers, &sectors));
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_wrap(rt,
                           slk_expirations_remove(&queue, sectors, &part->faults, &part->recoveries,
                                                  removed, &recovering),
                           "failed to remove sector expirations");
    SLK_RT_TRY(close_queue(&queue, part, exit));
    SLK_RT_TRY(slk_rt_union(rt, &set, &removed->on_time_sectors, &removed->early_sectors));
    SLK_RT_TRY(record_early(rt, part, epoch, &set));
    SLK_RT_TRY(slk_rt_intersection(rt, &unproven, &set, &part->unproven));
    SLK_RT_TRY(slk_rt_difference(rt, &part->faults, &part->faults, &set));
    SLK_RT_TRY(slk_rt_difference(rt, &part->recoveries, &part->recoveries, &set));
    SLK_RT_TRY(slk_rt_union(rt, &part->terminated, &part->terminated, &set));
    SLK_RT_TRY(slk_rt_difference(rt, &part->unproven, &part->unproven, &unproven));
    slk_power_sub_from(&part->live_power, &removed->active_power);
    slk_power_sub_from(&part->live_power, &removed->faulty_power);
    slk_power_sub_from(&part->faulty_power, &removed->faulty_power);
    slk_power_sub_from(&part->recovering_power, &recovering);
    SLK_RT_TRY(slk_sectors_select(rt, &unproven_sectors, sectors, &unproven));
    *removed_unproven = slk_sectors_power(on->sector_size, unproven_sectors);
    slk_power_sub_from(&part->unproven_power, removed_unproven);
    slk_power_sub_from(&removed->active_power, removed_unproven);
    return slk_partition_check(rt, part);
}

slk_exit_t slk_partition_pop_expired(const slk_proving_t *on, slk_partition_t *part, int64_t until,
                                     slk_expiration_set_t *popped)
{
    slk_rt_t *rt = on->rt;
    slk_expirations_t queue = {0};
    slk_bitfield_t expired;
    if (!slk_bitfield_is_empty(&part->unproven))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "cannot pop expired sectors from a partition with unproven sectors");
    if (!slk_bitfield_is_empty(&part->recoveries) || !slk_power_is_zero(&part->recovering_power))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "unexpected recoveries while processing expirations");
    slk_exit_t exit = open_queue(on, part, &queue);
    if (exit == SLK_EXIT_OK)
        exit = slk_expirations_pop(&queue, until, popped);
    SLK_RT_TRY(close_queue(&queue, part, exit));
    SLK_RT_TRY(slk_rt_union(rt, &expired, &popped->on_time_sectors, &popped->early_sectors));
    if (slk_bitfield_intersects(&part->terminated, &expired))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "expiring sectors already terminated");
    SLK_RT_TRY(slk_rt_union(rt, &part->terminated, &part->terminated, &expired));
    SLK_RT_TRY(slk_rt_difference(rt, &part->faults, &part->faults, &expired));
    slk_power_sub_from(&part->live_power, &popped->active_power);
    slk_power_sub_from(&part->live_power, &popped->faulty_power);
    slk_power_sub_from(&part->faulty_power, &popped->faulty_power);
    SLK_RT_TRY(record_early(rt, part, until, &popped->early_sectors));
    return slk_partition_check(rt, part);
}

/* --- Fees of those that ended early ---------------------------------------------------------------------------- */

static slk_exit_t insert_ended(slk_rt_t *rt, slk_terminations_t *list, int64_t epoch,
                               const slk_bitfield_t *sectors)
{
    size_t at = 0;
    slk_ended_t *grown;
    while (at < list->cnt && list->ended[at].epoch < epoch)
        at++;
    if (at < list->cnt && list->ended[at].epoch == epoch)
        return slk_rt_union(rt, &list->ended[at].sectors, &list->ended[at].sectors, sectors);
    SLK_RT_TRY(slk_rt_alloc(rt, &grown, list->cnt + 1, sizeof *grown));
    for (size_t i = 0; i < list->cnt; i++)
        grown[i < at ? i : i + 1] = list->ended[i];
    grown[at] = (slk_ended_t){epoch, *sectors};
    list->ended = grown;
    list->cnt++;
    return SLK_EXIT_OK;
}

slk_exit_t slk_partition_pop_terminations(slk_rt_t *rt, slk_partition_t *part, uint64_t max_sectors,
                                          slk_terminations_t *list, bool *more)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_array_entry_t *entries;
    size_t cnt;
    uint64_t left = max_sectors;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_EARLY_TERMINATED, &part->early_terminated));
    SLK_RT_GOTO(slk_array_entries(rt, amt, UINT64_MAX, &slk_value_bitfield_type, &entries, &cnt));
    list->partitions++;
    for (size_t i = 0; i < cnt && left; i++) {
        slk_value_bitfield_t *entry = entries[i].record;
        uint64_t count = slk_bitfield_count(&entry->value), taken = count < left ? count : left;
        slk_bitfield_t part_of;
        SLK_RT_GOTO(
            slk_rt_err(rt, slk_bitfield_slice(&part_of, &entry->value, 0, taken, slk_rt_arena(rt)),
                       SLK_EXIT_FATAL));
        SLK_RT_GOTO(insert_ended(rt, list, (int64_t)entries[i].index, &part_of));
        list->sectors += taken;
        left -= taken;
        if (taken == count) {
            SLK_RT_GOTO(slk_array_delete(rt, amt, entries[i].index, NULL));
            continue;
        }
        SLK_RT_GOTO(slk_rt_difference(rt, &entry->value, &entry->value, &part_of));
        SLK_RT_GOTO(slk_array_set(rt, amt, entries[i].index, entry, &slk_value_bitfield_type));
    }
    *more = slk_amt_count(amt) > 0;
    SLK_RT_GOTO(slk_array_flush(rt, amt, &part->early_terminated));
    exit = slk_partition_check(rt, part);
out:
    slk_amt_free(amt);
    return exit;
}
