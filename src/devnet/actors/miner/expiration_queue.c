#include "devnet/actors/miner/expiration_queue.h"

#include <inttypes.h>
#include <stdlib.h>

slk_exit_t slk_expirations_open(slk_expirations_t *queue, slk_rt_t *rt, const slk_cid_t *root,
                                slk_quant_t quant, uint64_t sector_size)
{
    *queue = (slk_expirations_t){.rt = rt, .quant = quant, .sector_size = sector_size};
    return slk_array_load(rt, &queue->amt, SLK_WIDTH_PARTITION_EXPIRATIONS, root);
}

void slk_expirations_close(slk_expirations_t *queue)
{
    slk_amt_free(queue->amt);
    queue->amt = NULL;
}

slk_exit_t slk_expirations_flush(slk_expirations_t *queue, slk_cid_t *root)
{
    return slk_array_flush(queue->rt, queue->amt, root);
}

/* --- One set ------------------------------------------------------------------------------------------ */

static slk_exit_t check(slk_rt_t *rt, const slk_expiration_set_t *set)
{
    const struct {
        const slk_bigint_t *value;
        const char *name;
    } rows[] = {
        {&set->on_time_pledge, "pledge"},           {&set->active_power.raw, "raw active power"},
        {&set->active_power.qa, "qa active power"}, {&set->faulty_power.raw, "raw faulty power"},
        {&set->faulty_power.qa, "qa faulty power"}, {&set->fee_deduction, "fee deduction"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slk_bigint_sign(rows[i].value) < 0)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "ExpirationSet left with negative %s", rows[i].name);
    return SLK_EXIT_OK;
}

static bool is_empty(const slk_expiration_set_t *set)
{
    return slk_bitfield_is_empty(&set->on_time_sectors) &&
           slk_bitfield_is_empty(&set->early_sectors);
}

static slk_exit_t get(slk_expirations_t *queue, int64_t epoch, slk_expiration_set_t *set)
{
    bool found;
    *set = (slk_expiration_set_t){0};
    if (epoch < 0)
        return slk_rt_abort(queue->rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "queue epoch %" PRId64 " is negative", epoch);
    return slk_array_get(queue->rt, queue->amt, (uint64_t)epoch, set, &slk_expiration_set_type,
                         &found);
}

static slk_exit_t put(slk_expirations_t *queue, int64_t epoch, const slk_expiration_set_t *set)
{
    SLK_RT_TRY(check(queue->rt, set));
    if (is_empty(set))
        return slk_array_delete(queue->rt, queue->amt, (uint64_t)epoch, NULL);
    return slk_array_set(queue->rt, queue->amt, (uint64_t)epoch, set, &slk_expiration_set_type);
}

/* Join two sets. */
static slk_exit_t join(slk_rt_t *rt, slk_expiration_set_t *set, const slk_expiration_set_t *more)
{
    SLK_RT_TRY(
        slk_rt_union(rt, &set->on_time_sectors, &set->on_time_sectors, &more->on_time_sectors));
    SLK_RT_TRY(slk_rt_union(rt, &set->early_sectors, &set->early_sectors, &more->early_sectors));
    slk_amount_add_to(&set->on_time_pledge, &more->on_time_pledge);
    slk_power_add_to(&set->active_power, &more->active_power);
    slk_power_add_to(&set->faulty_power, &more->faulty_power);
    slk_amount_add_to(&set->fee_deduction, &more->fee_deduction);
    return SLK_EXIT_OK;
}

static slk_exit_t add(slk_expirations_t *queue, int64_t raw_epoch, const slk_expiration_set_t *more)
{
    slk_expiration_set_t set;
    int64_t epoch = slk_quant_up(queue->quant, raw_epoch);
    SLK_RT_TRY(get(queue, epoch, &set));
    SLK_RT_TRY(join(queue->rt, &set, more));
    return put(queue, epoch, &set);
}

/* Add one sector to sums. */
static void count(slk_sector_sums_t *sums, uint64_t sector_size,
                  const slk_sector_on_chain_info_t *sector)
{
    slk_power_pair_t power = slk_sector_power(sector_size, sector);
    slk_power_add_to(&sums->power, &power);
    slk_amount_add_to(&sums->pledge, &sector->initial_pledge);
    slk_amount_add_to(&sums->daily_fee, &sector->daily_fee);
}

static slk_exit_t numbers_of(slk_rt_t *rt, slk_sector_refs_t sectors, slk_bitfield_t *out)
{
    uint64_t *numbers;
    SLK_RT_TRY(slk_rt_alloc(rt, &numbers, sectors.cnt, sizeof *numbers));
    for (size_t i = 0; i < sectors.cnt; i++)
        numbers[i] = sectors.items[i]->sector_number;
    return slk_rt_bits(rt, out, numbers, sectors.cnt);
}

/* --- Groups by epoch ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t epoch;
    slk_sector_sums_t sums;
    slk_expiration_set_t set; /* the queue's entry of that epoch */
} group_t;

typedef struct {
    int64_t epoch;
    const slk_sector_on_chain_info_t *sector;
} due_t;

static int by_epoch(const void *a, const void *b)
{
    const due_t *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    uint64_t n = x->sector->sector_number, m = y->sector->sector_number;
    return (n > m) - (n < m);
}

/* Sectors by the epochs at which they mean to end, ascending. */
static slk_exit_t sort_by_epoch(slk_expirations_t *queue, slk_sector_refs_t sectors, due_t **due)
{
    SLK_RT_TRY(slk_rt_alloc(queue->rt, due, sectors.cnt, sizeof **due));
    for (size_t i = 0; i < sectors.cnt; i++)
        (*due)[i] =
            (due_t){slk_quant_up(queue->quant, sectors.items[i]->expiration), sectors.items[i]};
    qsort(*due, sectors.cnt, sizeof **due, by_epoch);
    return SLK_EXIT_OK;
}

slk_exit_t slk_expirations_add_active(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                      slk_sector_sums_t *added)
{
    due_t *due;
    uint64_t *numbers;
    *added = (slk_sector_sums_t){0};
    SLK_RT_TRY(sort_by_epoch(queue, sectors, &due));
    SLK_RT_TRY(slk_rt_alloc(queue->rt, &numbers, sectors.cnt, sizeof *numbers));
    for (size_t first = 0, end; first < sectors.cnt; first = end) {
        slk_sector_sums_t sums = {0};
        for (end = first; end < sectors.cnt && due[end].epoch == due[first].epoch; end++) {
            numbers[end - first] = due[end].sector->sector_number;
            count(&sums, queue->sector_size, due[end].sector);
        }
        SLK_RT_TRY(slk_rt_bits(queue->rt, &sums.sectors, numbers, end - first));
        slk_expiration_set_t more = {.on_time_sectors = sums.sectors,
                                     .on_time_pledge = sums.pledge,
                                     .active_power = sums.power,
                                     .fee_deduction = sums.daily_fee};
        SLK_RT_TRY(slk_rt_wrap(queue->rt, add(queue, due[first].epoch, &more),
                               "failed to record new sector expirations"));
        SLK_RT_TRY(slk_rt_union(queue->rt, &added->sectors, &added->sectors, &sums.sectors));
        slk_power_add_to(&added->power, &sums.power);
        slk_amount_add_to(&added->pledge, &sums.pledge);
        slk_amount_add_to(&added->daily_fee, &sums.daily_fee);
    }
    return SLK_EXIT_OK;
}

/* Those of *remaining that end on time in a set: their sums; *remaining without them. */
static slk_exit_t take_group(slk_expirations_t *queue, int64_t epoch,
                             const slk_expiration_set_t *set, slk_sector_refs_t sectors,
                             slk_bitfield_t *remaining, group_t *group)
{
    *group = (group_t){.epoch = epoch, .set = *set};
    slk_bitfield_t *taken = &group->sums.sectors;
    SLK_RT_TRY(slk_rt_intersection(queue->rt, taken, &set->on_time_sectors, remaining));
    SLK_RT_TRY(slk_rt_difference(queue->rt, remaining, remaining, taken));
    slk_bit_iter_t it = slk_bitfield_iter(taken);
    for (uint64_t number; slk_bit_next(&it, &number);)
        count(&group->sums, queue->sector_size, slk_sectors_find(sectors, number));
    return SLK_EXIT_OK;
}

static bool declared(const due_t *due, size_t cnt, int64_t epoch)
{
    size_t low = 0, high = cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (due[mid].epoch < epoch)
            low = mid + 1;
        else
            high = mid;
    }
    return low < cnt && due[low].epoch == epoch;
}

/* Those that are not where they mean to end: they were moved to end sooner. */
static slk_exit_t find_moved(slk_expirations_t *queue, slk_sector_refs_t sectors, const due_t *due,
                             slk_bitfield_t *remaining, group_t *groups, size_t *cnt)
{
    slk_array_entry_t *entries;
    size_t entry_cnt;
    SLK_RT_TRY(slk_array_entries(queue->rt, queue->amt, UINT64_MAX, &slk_expiration_set_type,
                                 &entries, &entry_cnt));
    for (size_t i = 0; i < entry_cnt && !slk_bitfield_is_empty(remaining); i++) {
        const slk_expiration_set_t *set = entries[i].record;
        slk_bitfield_t early;
        uint64_t number;
        if (declared(due, sectors.cnt, (int64_t)entries[i].index))
            continue;
        SLK_RT_TRY(slk_rt_intersection(queue->rt, &early, &set->early_sectors, remaining));
        if (slk_bitfield_first(&early, &number))
            return slk_rt_abort(
                queue->rt, SLK_EXIT_USR_ILLEGAL_STATE,
                "Invalid attempt to group sector %" PRIu64 " with an early expiration", number);
        SLK_RT_TRY(
            take_group(queue, (int64_t)entries[i].index, set, sectors, remaining, &groups[*cnt]));
        *cnt += !slk_bitfield_is_empty(&groups[*cnt].sums.sectors);
    }
    return SLK_EXIT_OK;
}

static int group_order(const void *a, const void *b)
{
    const group_t *x = a, *y = b;
    return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

/* Active sectors by the entries in which they are. At most one group a sector and one an entry, and one to
 * spare. */
static slk_exit_t find_groups(slk_expirations_t *queue, slk_sector_refs_t sectors, group_t **groups,
                              size_t *cnt)
{
    due_t *due;
    slk_bitfield_t remaining;
    *cnt = 0;
    SLK_RT_TRY(sort_by_epoch(queue, sectors, &due));
    uint64_t most = slk_amt_count(queue->amt);
    if (most > sectors.cnt)
        most = sectors.cnt;
    SLK_RT_TRY(slk_rt_alloc(queue->rt, groups, most + 1, sizeof **groups));
    SLK_RT_TRY(numbers_of(queue->rt, sectors, &remaining));
    for (size_t i = 0; i < sectors.cnt; i++) {
        slk_expiration_set_t set;
        if (i && due[i].epoch == due[i - 1].epoch)
            continue;
        SLK_RT_TRY(get(queue, due[i].epoch, &set));
        SLK_RT_TRY(take_group(queue, due[i].epoch, &set, sectors, &remaining, &(*groups)[*cnt]));
        *cnt += !slk_bitfield_is_empty(&(*groups)[*cnt].sums.sectors);
    }
    if (!slk_bitfield_is_empty(&remaining))
        SLK_RT_TRY(find_moved(queue, sectors, due, &remaining, *groups, cnt));
    if (!slk_bitfield_is_empty(&remaining))
        return slk_rt_abort(queue->rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "some sectors not found in expiration queue");
    qsort(*groups, *cnt, sizeof **groups, group_order);
    return SLK_EXIT_OK;
}

/* --- Faults --------------------------------------------------------------------------------------------- */

slk_exit_t slk_expirations_fault(slk_expirations_t *queue, int64_t epoch, slk_sector_refs_t sectors,
                                 slk_power_pair_t *power)
{
    slk_rt_t *rt = queue->rt;
    slk_expiration_set_t moved = {0};
    group_t *groups;
    size_t cnt;
    int64_t fault_epoch = slk_quant_up(queue->quant, epoch);
    *power = (slk_power_pair_t){0};
    SLK_RT_TRY(find_groups(queue, sectors, &groups, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        slk_expiration_set_t *set = &groups[i].set;
        const slk_sector_sums_t *sums = &groups[i].sums;
        slk_power_add_to(power, &sums->power);
        slk_power_sub_from(&set->active_power, &sums->power);
        if (groups[i].epoch <= fault_epoch) {
            /* They end on time before that; only their power changes. */
            slk_power_add_to(&set->faulty_power, &sums->power);
        } else {
            SLK_RT_TRY(slk_rt_difference(rt, &set->on_time_sectors, &set->on_time_sectors,
                                         &sums->sectors));
            slk_amount_sub_from(&set->on_time_pledge, &sums->pledge);
            slk_amount_sub_from(&set->fee_deduction, &sums->daily_fee);
            SLK_RT_TRY(
                slk_rt_union(rt, &moved.early_sectors, &moved.early_sectors, &sums->sectors));
            slk_power_add_to(&moved.faulty_power, &sums->power);
            slk_amount_add_to(&moved.fee_deduction, &sums->daily_fee);
        }
        SLK_RT_TRY(put(queue, groups[i].epoch, set));
    }
    return is_empty(&moved) ? SLK_EXIT_OK : add(queue, epoch, &moved);
}

slk_exit_t slk_expirations_fault_all(slk_expirations_t *queue, int64_t epoch)
{
    slk_rt_t *rt = queue->rt;
    slk_expiration_set_t moved = {0};
    slk_array_entry_t *entries;
    size_t cnt;
    bool any = false;
    int64_t fault_epoch = slk_quant_up(queue->quant, epoch);
    SLK_RT_TRY(
        slk_array_entries(rt, queue->amt, UINT64_MAX, &slk_expiration_set_type, &entries, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        slk_expiration_set_t *set = entries[i].record;
        slk_power_add_to(&set->faulty_power, &set->active_power);
        set->active_power = (slk_power_pair_t){0};
        if ((int64_t)entries[i].index <= fault_epoch) {
            SLK_RT_TRY(put(queue, (int64_t)entries[i].index, set));
            continue;
        }
        if (!slk_bitfield_is_empty(&set->early_sectors))
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "attempted to re-schedule early expirations to an earlier epoch");
        any = true;
        SLK_RT_TRY(
            slk_rt_union(rt, &moved.early_sectors, &moved.early_sectors, &set->on_time_sectors));
        slk_power_add_to(&moved.faulty_power, &set->faulty_power);
        slk_amount_add_to(&moved.fee_deduction, &set->fee_deduction);
        SLK_RT_TRY(slk_array_delete(rt, queue->amt, entries[i].index, NULL));
    }
    return any ? add(queue, epoch, &moved) : SLK_EXIT_OK;
}

/* --- Recoveries ------------------------------------------------------------------------------------------ */

/* Sums of those in a set. */
static slk_sector_sums_t sums_of(const slk_expirations_t *queue, slk_sector_refs_t sectors,
                                 const slk_bitfield_t *set)
{
    slk_sector_sums_t sums = {.sectors = *set};
    slk_bit_iter_t it = slk_bitfield_iter(set);
    for (uint64_t number; slk_bit_next(&it, &number);)
        count(&sums, queue->sector_size, slk_sectors_find(sectors, number));
    return sums;
}

/* What an entry has of *remaining, on time and early, and *remaining without them. */
static slk_exit_t take(slk_expirations_t *queue, const slk_expiration_set_t *set,
                       slk_sector_refs_t sectors, slk_bitfield_t *remaining,
                       slk_sector_sums_t *on_time, slk_sector_sums_t *early)
{
    slk_bitfield_t bits;
    SLK_RT_TRY(slk_rt_intersection(queue->rt, &bits, &set->on_time_sectors, remaining));
    *on_time = sums_of(queue, sectors, &bits);
    SLK_RT_TRY(slk_rt_difference(queue->rt, remaining, remaining, &bits));
    SLK_RT_TRY(slk_rt_intersection(queue->rt, &bits, &set->early_sectors, remaining));
    *early = sums_of(queue, sectors, &bits);
    return slk_rt_difference(queue->rt, remaining, remaining, &bits);
}

slk_exit_t slk_expirations_recover(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                   slk_power_pair_t *power)
{
    slk_rt_t *rt = queue->rt;
    slk_array_entry_t *entries;
    slk_bitfield_t remaining, moved = {0};
    slk_sector_refs_t again;
    slk_sector_sums_t added;
    size_t cnt;
    *power = (slk_power_pair_t){0};
    SLK_RT_TRY(numbers_of(rt, sectors, &remaining));
    SLK_RT_TRY(
        slk_array_entries(rt, queue->amt, UINT64_MAX, &slk_expiration_set_type, &entries, &cnt));
    for (size_t i = 0; i < cnt && !slk_bitfield_is_empty(&remaining); i++) {
        slk_expiration_set_t *set = entries[i].record;
        slk_sector_sums_t on_time, early;
        SLK_RT_TRY(take(queue, set, sectors, &remaining, &on_time, &early));
        slk_power_sub_from(&set->faulty_power, &on_time.power);
        slk_power_add_to(&set->active_power, &on_time.power);
        slk_power_sub_from(&set->faulty_power, &early.power);
        slk_amount_sub_from(&set->fee_deduction, &early.daily_fee);
        SLK_RT_TRY(slk_rt_difference(rt, &set->early_sectors, &set->early_sectors, &early.sectors));
        SLK_RT_TRY(slk_rt_union(rt, &moved, &moved, &early.sectors));
        slk_power_add_to(power, &on_time.power);
        slk_power_add_to(power, &early.power);
        SLK_RT_TRY(put(queue, (int64_t)entries[i].index, set));
    }
    if (!slk_bitfield_is_empty(&remaining))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "sectors not found in expiration queue: %s",
                            slk_bitfield_text(&remaining).s);
    SLK_RT_TRY(slk_sectors_select(rt, &again, sectors, &moved));
    return slk_expirations_add_active(queue, again, &added);
}

/* --- Out of the queue -------------------------------------------------------------------------------------- */

static slk_exit_t remove_active(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                slk_sector_sums_t *removed)
{
    slk_rt_t *rt = queue->rt;
    group_t *groups;
    size_t cnt;
    *removed = (slk_sector_sums_t){0};
    SLK_RT_TRY(find_groups(queue, sectors, &groups, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        slk_expiration_set_t *set = &groups[i].set;
        const slk_sector_sums_t *sums = &groups[i].sums;
        SLK_RT_TRY(
            slk_rt_difference(rt, &set->on_time_sectors, &set->on_time_sectors, &sums->sectors));
        slk_amount_sub_from(&set->on_time_pledge, &sums->pledge);
        slk_power_sub_from(&set->active_power, &sums->power);
        slk_amount_sub_from(&set->fee_deduction, &sums->daily_fee);
        SLK_RT_TRY(slk_rt_wrap(rt, put(queue, groups[i].epoch, set),
                               "failed to remove expiration values for queue epoch %" PRId64,
                               groups[i].epoch));
        SLK_RT_TRY(slk_rt_union(rt, &removed->sectors, &removed->sectors, &sums->sectors));
        slk_power_add_to(&removed->power, &sums->power);
        slk_amount_add_to(&removed->pledge, &sums->pledge);
        slk_amount_add_to(&removed->daily_fee, &sums->daily_fee);
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_expirations_replace(slk_expirations_t *queue, slk_sector_refs_t old,
                                   slk_sector_refs_t sectors, slk_sector_sums_t *removed,
                                   slk_sector_sums_t *added)
{
    SLK_RT_TRY(slk_rt_wrap(queue->rt, remove_active(queue, old, removed),
                           "failed to remove replaced sectors"));
    return slk_rt_wrap(queue->rt, slk_expirations_add_active(queue, sectors, added),
                       "failed to add replacement sectors");
}

/* Faulty sectors, wherever they are. */
static slk_exit_t remove_faulty(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                slk_expiration_set_t *removed)
{
    slk_rt_t *rt = queue->rt;
    slk_array_entry_t *entries;
    slk_bitfield_t remaining;
    size_t cnt;
    SLK_RT_TRY(numbers_of(rt, sectors, &remaining));
    SLK_RT_TRY(
        slk_array_entries(rt, queue->amt, UINT64_MAX, &slk_expiration_set_type, &entries, &cnt));
    for (size_t i = 0; i < cnt && !slk_bitfield_is_empty(&remaining); i++) {
        slk_expiration_set_t *set = entries[i].record;
        slk_sector_sums_t on_time, early;
        SLK_RT_TRY(take(queue, set, sectors, &remaining, &on_time, &early));
        slk_expiration_set_t part = {.on_time_sectors = on_time.sectors,
                                     .early_sectors = early.sectors,
                                     .on_time_pledge = on_time.pledge,
                                     .faulty_power = on_time.power,
                                     .fee_deduction = on_time.daily_fee};
        slk_power_add_to(&part.faulty_power, &early.power);
        slk_amount_add_to(&part.fee_deduction, &early.daily_fee);
        SLK_RT_TRY(join(rt, removed, &part));
        SLK_RT_TRY(slk_rt_difference(rt, &set->on_time_sectors, &set->on_time_sectors,
                                     &part.on_time_sectors));
        SLK_RT_TRY(
            slk_rt_difference(rt, &set->early_sectors, &set->early_sectors, &part.early_sectors));
        slk_amount_sub_from(&set->on_time_pledge, &part.on_time_pledge);
        slk_power_sub_from(&set->faulty_power, &part.faulty_power);
        slk_amount_sub_from(&set->fee_deduction, &part.fee_deduction);
        SLK_RT_TRY(put(queue, (int64_t)entries[i].index, set));
    }
    if (slk_bitfield_is_empty(&remaining))
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "sectors not found in expiration queue: %s",
                        slk_bitfield_text(&remaining).s);
}

slk_exit_t slk_expirations_remove(slk_expirations_t *queue, slk_sector_refs_t sectors,
                                  const slk_bitfield_t *faults, const slk_bitfield_t *recoveries,
                                  slk_expiration_set_t *removed, slk_power_pair_t *recovering)
{
    slk_rt_t *rt = queue->rt;
    slk_sector_refs_t active = {0}, faulty = {0};
    slk_sector_sums_t sums;
    *recovering = (slk_power_pair_t){0};
    SLK_RT_TRY(slk_rt_alloc(rt, &active.items, sectors.cnt, sizeof *active.items));
    SLK_RT_TRY(slk_rt_alloc(rt, &faulty.items, sectors.cnt, sizeof *faulty.items));
    for (size_t i = 0; i < sectors.cnt; i++) {
        slk_sector_on_chain_info_t *sector = sectors.items[i];
        slk_sector_refs_t *list =
            slk_bitfield_contains(faults, sector->sector_number) ? &faulty : &active;
        list->items[list->cnt++] = sector;
        if (list == &faulty && slk_bitfield_contains(recoveries, sector->sector_number)) {
            slk_power_pair_t power = slk_sector_power(queue->sector_size, sector);
            slk_power_add_to(recovering, &power);
        }
    }
    SLK_RT_TRY(slk_rt_wrap(rt, remove_active(queue, active, &sums),
                           "failed to remove on-time recoveries"));
    *removed = (slk_expiration_set_t){.on_time_sectors = sums.sectors,
                                      .active_power = sums.power,
                                      .on_time_pledge = sums.pledge,
                                      .fee_deduction = sums.daily_fee};
    return remove_faulty(queue, faulty, removed);
}

slk_exit_t slk_expirations_pop(slk_expirations_t *queue, int64_t until,
                               slk_expiration_set_t *popped)
{
    slk_array_entry_t *entries;
    size_t cnt;
    *popped = (slk_expiration_set_t){0};
    if (until < 0)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_array_entries(queue->rt, queue->amt, (uint64_t)until, &slk_expiration_set_type,
                                 &entries, &cnt));
    for (size_t i = 0; i < cnt; i++) {
        SLK_RT_TRY(join(queue->rt, popped, entries[i].record));
        SLK_RT_TRY(slk_array_delete(queue->rt, queue->amt, entries[i].index, NULL));
    }
    return SLK_EXIT_OK;
}
