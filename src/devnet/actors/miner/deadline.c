#include "devnet/actors/miner/deadline.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/miner/bitfield_queue.h"

#include <inttypes.h>

/* --- All of a miner ------------------------------------------------------------------------------------ */

slk_exit_t slk_deadlines_new(slk_rt_t *rt, slk_cid_t *root)
{
    slk_deadline_t deadline;
    slk_deadlines_t all = {.due = {.count = slk_rt_policy(rt)->deadlines}};
    slk_cid_t cid;
    SLK_RT_TRY(slk_deadline_new(rt, &deadline));
    SLK_RT_LIB(
        slk_object_put(&cid, &slk_deadline_type, &deadline, slk_rt_store(rt), slk_rt_diag(rt)));
    SLK_RT_TRY(slk_rt_alloc(rt, &all.due.items, all.due.count, sizeof *all.due.items));
    for (size_t i = 0; i < all.due.count; i++)
        all.due.items[i] = cid;
    return slk_deadlines_save(rt, &all, root);
}

slk_exit_t slk_deadlines_load(slk_rt_t *rt, slk_deadlines_t *deadlines, const slk_cid_t *root)
{
    return slk_rt_err(rt,
                      slk_object_get(deadlines, &slk_deadlines_type, slk_rt_store(rt), root,
                                     slk_rt_arena(rt), slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

slk_exit_t slk_deadlines_save(slk_rt_t *rt, const slk_deadlines_t *deadlines, slk_cid_t *root)
{
    return slk_rt_err(
        rt, slk_object_put(root, &slk_deadlines_type, deadlines, slk_rt_store(rt), slk_rt_diag(rt)),
        SLK_EXIT_FATAL);
}

slk_exit_t slk_deadlines_get(slk_rt_t *rt, const slk_deadlines_t *deadlines, uint64_t index,
                             slk_deadline_t *deadline)
{
    if (index >= deadlines->due.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid deadline index %" PRIu64 " of %zu", index,
                            deadlines->due.count);
    return slk_rt_err(rt,
                      slk_object_get(deadline, &slk_deadline_type, slk_rt_store(rt),
                                     &deadlines->due.items[index], slk_rt_arena(rt),
                                     slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

slk_exit_t slk_deadlines_put(slk_rt_t *rt, slk_deadlines_t *deadlines, uint64_t index,
                             const slk_deadline_t *deadline)
{
    SLK_ASSERT(index < deadlines->due.count);
    if (deadline->live_sectors > deadline->total_sectors)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "deadline left with more live sectors than total");
    if (slk_bigint_sign(&deadline->faulty_power.raw) < 0 ||
        slk_bigint_sign(&deadline->faulty_power.qa) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "deadline left with negative faulty power");
    return slk_rt_err(rt,
                      slk_object_put(&deadlines->due.items[index], &slk_deadline_type, deadline,
                                     slk_rt_store(rt), slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

typedef struct {
    slk_rt_t *rt;
    uint64_t sector, partition;
    bool found;
} finder_t;

static slk_err_t find_in(void *ctx, uint64_t index, slk_bytes_t value, bool *stop, slk_diag_t *diag)
{
    finder_t *finder = ctx;
    slk_partition_t part;
    slk_err_t err = slk_record_decode(&part, &slk_partition_type, value.b, value.len,
                                      slk_rt_arena(finder->rt), diag);
    if (err != SLK_OK || !slk_bitfield_contains(&part.sectors, finder->sector))
        return err;
    finder->partition = index;
    *stop = finder->found = true;
    return SLK_OK;
}

slk_exit_t slk_deadlines_find(slk_rt_t *rt, const slk_deadlines_t *deadlines, uint64_t sector,
                              uint64_t *deadline, uint64_t *partition, bool *found)
{
    finder_t finder = {.rt = rt, .sector = sector};
    for (uint64_t i = 0; i < deadlines->due.count && !finder.found; i++) {
        slk_deadline_t dl;
        slk_amt_t *amt;
        SLK_RT_TRY(slk_deadlines_get(rt, deadlines, i, &dl));
        SLK_RT_TRY(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &dl.partitions));
        slk_err_t err = slk_amt_foreach(amt, 0, find_in, &finder, slk_rt_diag(rt));
        slk_amt_free(amt);
        SLK_RT_LIB(err);
        *deadline = i;
    }
    *partition = finder.partition;
    *found = finder.found;
    return SLK_EXIT_OK;
}

/* --- One ----------------------------------------------------------------------------------------------- */

slk_exit_t slk_deadline_new(slk_rt_t *rt, slk_deadline_t *deadline)
{
    *deadline = (slk_deadline_t){0};
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_DEADLINE_EXPIRATIONS, &deadline->expirations_epochs));
    SLK_RT_TRY(
        slk_array_empty(rt, SLK_WIDTH_OPTIMISTIC_POSTS, &deadline->optimistic_post_submissions));
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_SECTORS, &deadline->sectors_snapshot));
    deadline->partitions_snapshot = deadline->partitions;
    deadline->optimistic_post_submissions_snapshot = deadline->optimistic_post_submissions;
    return SLK_EXIT_OK;
}

slk_exit_t slk_deadline_partition(slk_rt_t *rt, const slk_deadline_t *deadline, uint64_t index,
                                  slk_partition_t *part)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    bool found = false;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    if (index <= SLK_AMT_INDEX_MAX)
        SLK_RT_GOTO(slk_array_get(rt, amt, index, part, &slk_partition_type, &found));
    if (!found)
        exit = slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "no partition %" PRIu64, index);
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_deadline_add_expirations(const slk_proving_t *on, slk_deadline_t *deadline,
                                        int64_t epoch, const slk_bitfield_t *partitions)
{
    return slk_bitfield_queue_add(on->rt, &deadline->expirations_epochs,
                                  SLK_WIDTH_DEADLINE_EXPIRATIONS, on->quant, epoch, partitions);
}

/* --- Partitions of a message, one by one ------------------------------------------------------------------- */

/* What is done to one of them; changed partitions are stored. */
typedef slk_exit_t (*work_t)(const slk_proving_t *on, slk_deadline_t *deadline,
                             slk_partition_t *part, const slk_partition_sectors_t *row, void *ctx);

static slk_exit_t each_partition(const slk_proving_t *on, slk_deadline_t *deadline,
                                 const slk_partition_map_t *map, const char *missing, work_t work,
                                 void *ctx)
{
    slk_rt_t *rt = on->rt;
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    for (size_t i = 0; i < map->cnt; i++) {
        const slk_partition_sectors_t *row = &map->items[i];
        slk_partition_t part;
        bool found = false;
        if (row->partition <= SLK_AMT_INDEX_MAX)
            SLK_RT_GOTO(slk_array_get(rt, amt, row->partition, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(
                slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "%s %" PRIu64, missing, row->partition));
        SLK_RT_GOTO(work(on, deadline, &part, row, ctx));
        SLK_RT_GOTO(slk_array_set(rt, amt, row->partition, &part, &slk_partition_type));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
out:
    slk_amt_free(amt);
    return exit;
}

typedef struct {
    int64_t epoch;
    slk_power_pair_t power;
    slk_bitfield_t rescheduled;
} faults_ctx_t;

static slk_exit_t record_faults(const slk_proving_t *on, slk_deadline_t *deadline,
                                slk_partition_t *part, const slk_partition_sectors_t *row,
                                void *ctx)
{
    faults_ctx_t *faults = ctx;
    slk_faults_t out;
    SLK_RT_TRY(slk_rt_wrap(
        on->rt, slk_partition_record_faults(on, part, &row->sectors, faults->epoch, &out),
        "failed to declare faults in partition %" PRIu64, row->partition));
    slk_power_add_to(&deadline->faulty_power, &out.new_faulty_power);
    slk_power_add_to(&faults->power, &out.power_delta);
    if (!slk_bitfield_is_empty(&out.new_faults))
        SLK_RT_TRY(slk_rt_set_bit(on->rt, &faults->rescheduled, row->partition));
    return SLK_EXIT_OK;
}

slk_exit_t slk_deadline_record_faults(const slk_proving_t *on, slk_deadline_t *deadline,
                                      int64_t fault_expiration, const slk_partition_map_t *sectors,
                                      slk_power_pair_t *power_delta)
{
    faults_ctx_t ctx = {.epoch = fault_expiration};
    SLK_RT_TRY(each_partition(on, deadline, sectors, "no such partition", record_faults, &ctx));
    *power_delta = ctx.power;
    return slk_deadline_add_expirations(on, deadline, fault_expiration, &ctx.rescheduled);
}

static slk_exit_t declare_recovered(const slk_proving_t *on, slk_deadline_t *deadline,
                                    slk_partition_t *part, const slk_partition_sectors_t *row,
                                    void *ctx)
{
    (void)deadline;
    (void)ctx;
    return slk_rt_wrap(on->rt, slk_partition_declare_recovered(on, part, &row->sectors),
                       "failed to add recoveries");
}

slk_exit_t slk_deadline_declare_recovered(const slk_proving_t *on, slk_deadline_t *deadline,
                                          const slk_partition_map_t *sectors)
{
    return each_partition(on, deadline, sectors, "no such partition", declare_recovered, NULL);
}

static slk_exit_t terminate(const slk_proving_t *on, slk_deadline_t *deadline,
                            slk_partition_t *part, const slk_partition_sectors_t *row, void *ctx)
{
    faults_ctx_t *lost = ctx;
    slk_expiration_set_t removed;
    slk_power_pair_t unproven;
    SLK_RT_TRY(slk_rt_wrap(
        on->rt, slk_partition_terminate(on, part, lost->epoch, &row->sectors, &removed, &unproven),
        "failed to terminate sectors in partition %" PRIu64, row->partition));
    uint64_t cnt =
        slk_bitfield_count(&removed.on_time_sectors) + slk_bitfield_count(&removed.early_sectors);
    if (cnt)
        SLK_RT_TRY(slk_rt_set_bit(on->rt, &deadline->early_terminations, row->partition));
    deadline->live_sectors -= cnt;
    slk_power_sub_from(&deadline->faulty_power, &removed.faulty_power);
    slk_power_sub_from(&deadline->live_power, &removed.active_power);
    slk_power_sub_from(&deadline->live_power, &removed.faulty_power);
    slk_power_sub_from(&deadline->live_power, &unproven);
    slk_amount_sub_from(&deadline->daily_fee, &removed.fee_deduction);
    slk_power_add_to(&lost->power, &removed.active_power);
    return SLK_EXIT_OK;
}

slk_exit_t slk_deadline_terminate(const slk_proving_t *on, slk_deadline_t *deadline, int64_t epoch,
                                  const slk_partition_map_t *sectors, slk_power_pair_t *power_lost)
{
    faults_ctx_t ctx = {.epoch = epoch};
    SLK_RT_TRY(each_partition(on, deadline, sectors, "failed to find partition", terminate, &ctx));
    *power_lost = ctx.power;
    return SLK_EXIT_OK;
}

/* --- Sectors come, end and move ------------------------------------------------------------------------------ */

slk_exit_t slk_deadline_add_sectors(const slk_proving_t *on, slk_deadline_t *deadline,
                                    uint64_t partition_size, bool proven, bool new_fees,
                                    slk_sector_refs_t sectors, slk_power_pair_t *power,
                                    slk_bigint_t *daily_fee)
{
    slk_rt_t *rt = on->rt;
    slk_amt_t *amt = NULL;
    slk_exit_t exit = SLK_EXIT_OK;
    slk_epoch_bit_t *updates;
    size_t done = 0;
    *power = (slk_power_pair_t){0};
    *daily_fee = (slk_bigint_t){0};
    if (!sectors.cnt)
        return SLK_EXIT_OK;
    SLK_RT_GOTO(slk_rt_alloc(rt, &updates, sectors.cnt, sizeof *updates));
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    uint64_t index = slk_amt_count(amt) ? slk_amt_count(amt) - 1 : 0;
    for (; done < sectors.cnt; index++) {
        slk_partition_t part;
        slk_power_pair_t part_power;
        slk_bigint_t part_fee;
        bool found;
        SLK_RT_GOTO(slk_array_get(rt, amt, index, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_partition_new(rt, &part));
        uint64_t used = slk_bitfield_count(&part.sectors);
        if (used >= partition_size)
            continue;
        slk_sector_refs_t next = {sectors.items + done, sectors.cnt - done};
        if (next.cnt > partition_size - used)
            next.cnt = partition_size - used;
        SLK_RT_GOTO(slk_partition_add(on, &part, proven, next, &part_power, &part_fee));
        SLK_RT_GOTO(slk_array_set(rt, amt, index, &part, &slk_partition_type));
        slk_power_add_to(power, &part_power);
        if (new_fees)
            slk_amount_add_to(daily_fee, &part_fee);
        for (size_t i = 0; i < next.cnt; i++, done++)
            updates[done] = (slk_epoch_bit_t){next.items[i]->expiration, index};
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
    SLK_RT_GOTO(slk_bitfield_queue_add_many(rt, &deadline->expirations_epochs,
                                            SLK_WIDTH_DEADLINE_EXPIRATIONS, on->quant, updates,
                                            sectors.cnt));
    deadline->live_sectors += sectors.cnt;
    deadline->total_sectors += sectors.cnt;
    slk_amount_add_to(&deadline->daily_fee, daily_fee);
    slk_power_add_to(&deadline->live_power, power);
out:
    slk_amt_free(amt);
    return exit;
}

static slk_exit_t join(slk_rt_t *rt, slk_expiration_set_t *sum, const slk_expiration_set_t *part)
{
    SLK_RT_TRY(
        slk_rt_union(rt, &sum->on_time_sectors, &sum->on_time_sectors, &part->on_time_sectors));
    SLK_RT_TRY(slk_rt_union(rt, &sum->early_sectors, &sum->early_sectors, &part->early_sectors));
    slk_amount_add_to(&sum->on_time_pledge, &part->on_time_pledge);
    slk_power_add_to(&sum->active_power, &part->active_power);
    slk_power_add_to(&sum->faulty_power, &part->faulty_power);
    slk_amount_add_to(&sum->fee_deduction, &part->fee_deduction);
    return SLK_EXIT_OK;
}

slk_exit_t slk_deadline_pop_expired(const slk_proving_t *on, slk_deadline_t *deadline,
                                    int64_t until, slk_expiration_set_t *popped)
{
    slk_rt_t *rt = on->rt;
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_bitfield_t parts;
    bool modified;
    uint64_t index;
    *popped = (slk_expiration_set_t){0};
    SLK_RT_TRY(slk_bitfield_queue_pop(rt, &deadline->expirations_epochs,
                                      SLK_WIDTH_DEADLINE_EXPIRATIONS, until, &parts, &modified));
    if (!modified)
        return SLK_EXIT_OK;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    slk_bit_iter_t it = slk_bitfield_iter(&parts);
    while (slk_bit_next(&it, &index)) {
        slk_partition_t part;
        slk_expiration_set_t set;
        bool found;
        SLK_RT_GOTO(slk_array_get(rt, amt, index, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                     "missing expected partition %" PRIu64, index));
        SLK_RT_GOTO(slk_rt_wrap(rt, slk_partition_pop_expired(on, &part, until, &set),
                                "failed to pop expired sectors from partition %" PRIu64, index));
        SLK_RT_GOTO(slk_array_set(rt, amt, index, &part, &slk_partition_type));
        SLK_RT_GOTO(join(rt, popped, &set));
        if (!slk_bitfield_is_empty(&set.early_sectors))
            SLK_RT_GOTO(slk_rt_set_bit(rt, &deadline->early_terminations, index));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
    deadline->live_sectors -=
        slk_bitfield_count(&popped->on_time_sectors) + slk_bitfield_count(&popped->early_sectors);
    slk_power_sub_from(&deadline->faulty_power, &popped->faulty_power);
    slk_power_sub_from(&deadline->live_power, &popped->faulty_power);
    slk_power_sub_from(&deadline->live_power, &popped->active_power);
    slk_amount_sub_from(&deadline->daily_fee, &popped->fee_deduction);
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_deadline_pop_terminations(slk_rt_t *rt, slk_deadline_t *deadline,
                                         slk_terminations_t *list, bool *more)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_bit_iter_t it = slk_bitfield_iter(&deadline->early_terminations);
    uint64_t index;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    while (list->partitions < policy->declarations_per_message &&
           list->sectors < policy->sectors_per_message && slk_bit_next(&it, &index)) {
        slk_partition_t part;
        bool found, left = false;
        SLK_RT_GOTO(slk_array_get(rt, amt, index, &part, &slk_partition_type, &found));
        if (found) {
            SLK_RT_GOTO(slk_rt_wrap(
                rt,
                slk_partition_pop_terminations(
                    rt, &part, policy->sectors_per_message - list->sectors, list, &left),
                "failed to pop terminations from partition"));
            SLK_RT_GOTO(slk_array_set(rt, amt, index, &part, &slk_partition_type));
        }
        if (!left)
            SLK_RT_GOTO(slk_rt_unset_bit(rt, &deadline->early_terminations, index));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
    *more = !slk_bitfield_is_empty(&deadline->early_terminations);
out:
    slk_amt_free(amt);
    return exit;
}
