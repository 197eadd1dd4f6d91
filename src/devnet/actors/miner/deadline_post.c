#include "devnet/actors/miner/deadline_post.h"

#include <inttypes.h>

SLK_RECORD_TYPE(slk_windowed_post, "WindowedPoSt", TUPLE, SLK_WINDOWED_POST_ROWS);

/* --- A proof is there ------------------------------------------------------------------------------------ */

/* One partition of a proof. */
static slk_exit_t prove_one(const slk_proving_t *on, slk_deadline_t *deadline,
                            slk_partition_t *part, const slk_post_partition_t *post,
                            int64_t fault_expiration, slk_bitfield_t *rescheduled,
                            slk_post_result_t *out)
{
    slk_rt_t *rt = on->rt;
    slk_faults_t faults;
    slk_power_pair_t recovered;
    SLK_RT_TRY(slk_rt_wrap(
        rt, slk_partition_record_skipped(on, part, &post->skipped, fault_expiration, &faults),
        "failed to add skipped faults to partition %" PRIu64, post->index));
    if (!slk_bitfield_is_empty(&faults.new_faults))
        SLK_RT_TRY(slk_rt_set_bit(rt, rescheduled, post->index));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_partition_recover(on, part, &recovered),
                           "failed to recover faulty sectors for partition %" PRIu64, post->index));
    slk_power_pair_t activated = slk_partition_activate_unproven(part);

    slk_power_add_to(&out->power_delta, &faults.power_delta);
    slk_power_add_to(&out->power_delta, &activated);
    slk_power_add_to(&out->power_delta, &recovered);
    slk_power_add_to(&out->recovered_power, &recovered);
    slk_power_add_to(&deadline->faulty_power, &faults.new_faulty_power);
    slk_power_sub_from(&deadline->faulty_power, &recovered);
    SLK_RT_TRY(slk_rt_union(rt, &out->sectors, &out->sectors, &part->sectors));
    SLK_RT_TRY(slk_rt_union(rt, &out->ignored, &out->ignored, &part->faults));
    SLK_RT_TRY(slk_rt_union(rt, &out->ignored, &out->ignored, &part->terminated));
    return slk_rt_set_bit(rt, &deadline->partitions_posted, post->index);
}

static slk_exit_t check_partitions(slk_rt_t *rt, const slk_deadline_t *deadline,
                                   const slk_post_partition_list_t *posts, slk_bitfield_t *out)
{
    uint64_t *indices;
    slk_bitfield_t again;
    SLK_RT_TRY(slk_rt_alloc(rt, &indices, posts->count, sizeof *indices));
    for (size_t i = 0; i < posts->count; i++) {
        indices[i] = posts->items[i].index;
        if (indices[i] > SLK_BIT_MAX)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "partition index out of bitfield range");
    }
    SLK_RT_TRY(slk_rt_bits(rt, out, indices, posts->count));
    if (slk_bitfield_count(out) != posts->count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "duplicate partitions proven");
    SLK_RT_TRY(slk_rt_intersection(rt, &again, &deadline->partitions_posted, out));
    if (!slk_bitfield_is_empty(&again))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "partition already proven: %s",
                            slk_bitfield_text(&again).s);
    return SLK_EXIT_OK;
}

slk_exit_t slk_deadline_record_proven(const slk_proving_t *on, slk_deadline_t *deadline,
                                      int64_t fault_expiration,
                                      const slk_post_partition_list_t *posts,
                                      slk_post_result_t *out)
{
    slk_rt_t *rt = on->rt;
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_bitfield_t rescheduled = {0};
    *out = (slk_post_result_t){0};
    SLK_RT_GOTO(check_partitions(rt, deadline, posts, &out->partitions));
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    for (size_t i = 0; i < posts->count; i++) {
        const slk_post_partition_t *post = &posts->items[i];
        slk_partition_t part;
        bool found;
        SLK_RT_GOTO(slk_array_get(rt, amt, post->index, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "no such partition %" PRIu64,
                                     post->index));
        SLK_RT_GOTO(prove_one(on, deadline, &part, post, fault_expiration, &rescheduled, out));
        SLK_RT_GOTO(slk_array_set(rt, amt, post->index, &part, &slk_partition_type));
    }
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
    SLK_RT_GOTO(slk_deadline_add_expirations(on, deadline, fault_expiration, &rescheduled));
out:
    slk_amt_free(amt);
    return exit;
}

/* --- Proofs that may be disputed -------------------------------------------------------------------------- */

slk_exit_t slk_deadline_keep_post(slk_rt_t *rt, slk_deadline_t *deadline,
                                  const slk_windowed_post_t *post)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_OPTIMISTIC_POSTS,
                               &deadline->optimistic_post_submissions));
    SLK_RT_GOTO(slk_array_set(rt, amt, slk_amt_count(amt), post, &slk_windowed_post_type));
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->optimistic_post_submissions));
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_deadline_take_post(slk_rt_t *rt, slk_deadline_t *deadline, uint64_t index,
                                  slk_windowed_post_t *post)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    bool found = false;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_OPTIMISTIC_POSTS,
                               &deadline->optimistic_post_submissions_snapshot));
    if (index > SLK_AMT_INDEX_MAX)
        SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                 "failed to retrieve proof %" PRIu64, index));
    SLK_RT_GOTO(slk_array_get(rt, amt, index, post, &slk_windowed_post_type, &found));
    if (!found)
        SLK_RT_GOTO(
            slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "proof %" PRIu64 " not found", index));
    SLK_RT_GOTO(slk_array_delete(rt, amt, index, NULL));
    SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->optimistic_post_submissions_snapshot));
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_deadline_dispute(slk_rt_t *rt, const slk_deadline_t *deadline,
                                const slk_bitfield_t *partitions, slk_dispute_t *out)
{
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    slk_bit_iter_t it = slk_bitfield_iter(partitions);
    uint64_t index;
    *out = (slk_dispute_t){0};
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions_snapshot));
    while (slk_bit_next(&it, &index)) {
        slk_partition_t part;
        slk_bitfield_t active;
        bool found;
        SLK_RT_GOTO(slk_array_get(rt, amt, index, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                     "failed to find partition %" PRIu64, index));
        SLK_RT_GOTO(slk_rt_union(rt, &out->sectors, &out->sectors, &part.sectors));
        SLK_RT_GOTO(slk_rt_union(rt, &out->ignored, &out->ignored, &part.faults));
        SLK_RT_GOTO(slk_rt_union(rt, &out->ignored, &out->ignored, &part.terminated));
        SLK_RT_GOTO(slk_rt_union(rt, &out->ignored, &out->ignored, &part.unproven));
        SLK_RT_GOTO(slk_partition_active(rt, &part, &active));
        SLK_RT_GOTO(slk_partition_map_add(rt, &out->disputed, index, &active));
        slk_power_pair_t power = slk_partition_active_power(&part);
        slk_power_add_to(&out->power, &power);
    }
out:
    slk_amt_free(amt);
    return exit;
}

/* --- The window closes --------------------------------------------------------------------------------------- */

bool slk_deadline_is_live(const slk_deadline_t *deadline)
{
    return deadline->live_sectors > 0 || !slk_bitfield_is_empty(&deadline->partitions_posted) ||
           !slk_cid_eq(&deadline->partitions, &deadline->partitions_snapshot) ||
           !slk_cid_eq(&deadline->optimistic_post_submissions,
                       &deadline->optimistic_post_submissions_snapshot);
}

/* Partitions without a proof. */
static slk_exit_t detect_faults(const slk_proving_t *on, slk_deadline_t *deadline,
                                int64_t fault_expiration, slk_bitfield_t *rescheduled,
                                slk_power_pair_t *power_delta)
{
    slk_rt_t *rt = on->rt;
    slk_amt_t *amt = NULL;
    slk_exit_t exit;
    uint64_t *missed;
    size_t missed_cnt = 0;
    bool any = false;
    SLK_RT_GOTO(slk_array_load(rt, &amt, SLK_WIDTH_PARTITIONS, &deadline->partitions));
    uint64_t cnt = slk_amt_count(amt);
    SLK_RT_GOTO(slk_rt_alloc(rt, &missed, cnt, sizeof *missed));
    for (uint64_t i = 0; i < cnt; i++) {
        slk_partition_t part;
        slk_power_pair_t delta, new_faulty;
        bool found;
        if (slk_bitfield_contains(&deadline->partitions_posted, i))
            continue;
        SLK_RT_GOTO(slk_array_get(rt, amt, i, &part, &slk_partition_type, &found));
        if (!found)
            SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "no partition %" PRIu64, i));
        /* All faulty already, nothing recovering: nothing changes. */
        if (slk_power_is_zero(&part.recovering_power) &&
            slk_power_equal(&part.faulty_power, &part.live_power))
            continue;
        any = true;
        SLK_RT_GOTO(slk_rt_wrap(
            rt, slk_partition_missed_post(on, &part, fault_expiration, &delta, &new_faulty),
            "failed to record missed PoSt for partition %" PRIu64, i));
        SLK_RT_GOTO(slk_array_set(rt, amt, i, &part, &slk_partition_type));
        if (!slk_power_is_zero(&new_faulty))
            missed[missed_cnt++] = i;
        slk_power_add_to(&deadline->faulty_power, &new_faulty);
        slk_power_add_to(power_delta, &delta);
    }
    if (any)
        SLK_RT_GOTO(slk_array_flush(rt, amt, &deadline->partitions));
    SLK_RT_GOTO(slk_rt_bits(rt, rescheduled, missed, missed_cnt));
out:
    slk_amt_free(amt);
    return exit;
}

slk_exit_t slk_deadline_end(const slk_proving_t *on, slk_deadline_t *deadline,
                            int64_t fault_expiration, const slk_cid_t *sectors,
                            slk_power_pair_t *power_delta)
{
    slk_rt_t *rt = on->rt;
    slk_bitfield_t rescheduled;
    slk_cid_t none;
    *power_delta = (slk_power_pair_t){0};
    SLK_RT_TRY(detect_faults(on, deadline, fault_expiration, &rescheduled, power_delta));
    SLK_RT_TRY(slk_deadline_add_expirations(on, deadline, fault_expiration, &rescheduled));

    deadline->partitions_posted = (slk_bitfield_t){0};
    deadline->partitions_snapshot = deadline->partitions;
    deadline->optimistic_post_submissions_snapshot = deadline->optimistic_post_submissions;
    SLK_RT_TRY(slk_array_empty(rt, SLK_WIDTH_OPTIMISTIC_POSTS, &none));
    deadline->optimistic_post_submissions = none;
    /* Sectors are needed to dispute proofs: without proofs there is no need to keep them. */
    if (slk_cid_eq(&none, &deadline->optimistic_post_submissions_snapshot))
        return slk_array_empty(rt, SLK_WIDTH_SECTORS, &deadline->sectors_snapshot);
    deadline->sectors_snapshot = *sectors;
    return SLK_EXIT_OK;
}
