/* A miner's state and info, sector numbers, proof types. */

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/event.h"
#include "devnet/actors/miner/miner.h"
#include "selkie/post.h"

#include <inttypes.h>
#include <stdio.h>

slk_exit_t slk_miner_load(slk_rt_t *rt, slk_miner_state_t *st)
{
    return slk_rt_read_state(rt, st, &slk_miner_state_type);
}

slk_exit_t slk_miner_save(slk_rt_t *rt, const slk_miner_state_t *st)
{
    return slk_rt_write_state(rt, st, &slk_miner_state_type);
}

slk_exit_t slk_miner_load_info(slk_rt_t *rt, const slk_miner_state_t *st, slk_miner_info_t *info)
{
    return slk_rt_err(rt,
                      slk_object_get(info, &slk_miner_info_type, slk_rt_store(rt), &st->info,
                                     slk_rt_arena(rt), slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

slk_exit_t slk_miner_save_info(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info)
{
    return slk_rt_err(
        rt,
        slk_object_put(&st->info, &slk_miner_info_type, info, slk_rt_store(rt), slk_rt_diag(rt)),
        SLK_EXIT_FATAL);
}

/* Addresses in a miner's info are ids. */
static bool is_caller(slk_rt_t *rt, const slk_address_t *address)
{
    slk_address_t caller = slk_address_id(slk_rt_caller(rt));
    return slk_address_eq(&caller, address);
}

slk_exit_t slk_miner_require_controller(slk_rt_t *rt, const slk_miner_info_t *info)
{
    if (is_caller(rt, &info->worker) || is_caller(rt, &info->owner))
        return SLK_EXIT_OK;
    for (size_t i = 0; i < info->control_addresses.count; i++)
        if (is_caller(rt, &info->control_addresses.items[i]))
            return SLK_EXIT_OK;
    return slk_rt_require_caller(rt, NULL, 0);
}

slk_exit_t slk_miner_load_controlled(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info)
{
    SLK_RT_TRY(slk_miner_load(rt, st));
    SLK_RT_TRY(slk_miner_load_info(rt, st, info));
    return slk_miner_require_controller(rt, info);
}

bool slk_miner_fault_active(const slk_miner_info_t *info, int64_t now)
{
    return now <= info->consensus_fault_elapsed;
}

slk_exit_t slk_miner_process_worker(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info)
{
    if (!info->pending_worker_key || slk_rt_epoch(rt) < info->pending_worker_key->effective_at)
        return SLK_EXIT_OK;
    info->worker = info->pending_worker_key->new_worker;
    info->pending_worker_key = NULL;
    return slk_miner_save_info(rt, st, info);
}

slk_exit_t slk_miner_allocate_numbers(slk_rt_t *rt, slk_miner_state_t *st,
                                      const slk_bitfield_t *numbers, bool may_be_used)
{
    slk_value_bitfield_t used;
    slk_bitfield_t again;
    SLK_RT_LIB(slk_object_get(&used, &slk_value_bitfield_type, slk_rt_store(rt),
                              &st->allocated_sectors, slk_rt_arena(rt), slk_rt_diag(rt)));
    SLK_RT_TRY(slk_rt_intersection(rt, &again, &used.value, numbers));
    if (!may_be_used && !slk_bitfield_is_empty(&again))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "sector numbers %s already allocated", slk_bitfield_text(&again).s);
    SLK_RT_TRY(slk_rt_union(rt, &used.value, &used.value, numbers));
    slk_err_t err = slk_object_put(&st->allocated_sectors, &slk_value_bitfield_type, &used,
                                   slk_rt_store(rt), slk_rt_diag(rt));
    if (err == SLK_ERR_LENGTH)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to store allocated sectors bitfield after adding %s",
                            slk_bitfield_text(numbers).s);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

/* --- Proof types --------------------------------------------------------------------------------------- */

static bool post_of(int64_t post_proof, slk_post_t *post)
{
    slk_diag_t diag;
    return post_proof >= 0 && post_proof <= INT32_MAX &&
           slk_post_by_id(post, (int)post_proof, &diag) == SLK_OK;
}

bool slk_window_post_allowed(const slk_policy_t *policy, int64_t post_proof)
{
    slk_post_t post;
    return post_of(post_proof, &post) && post.kind == SLK_POST_WINDOW &&
           post.version != SLK_API_V1_0 && (policy->sector_sizes & post.size->bytes);
}

slk_proof_name_t slk_post_proof_name(int64_t post_proof)
{
    static const char *const sizes[] = {"2KiB", "8MiB", "512MiB", "32GiB", "64GiB"};
    slk_proof_name_t name;
    /* 5 to 9, the first window PoSts, have no name any more. */
    if (post_proof >= 0 && post_proof < 15 && post_proof / 5 != 1)
        snprintf(name.s, sizeof name.s, "StackedDRG%s%sV1%s", post_proof < 5 ? "Winning" : "Window",
                 sizes[post_proof % 5], post_proof < 5 ? "" : "P1");
    else
        snprintf(name.s, sizeof name.s, "Invalid(%" PRId64 ")", post_proof);
    return name;
}

uint64_t slk_miner_partitions_max(slk_rt_t *rt, const slk_miner_info_t *info)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    uint64_t by_sectors = policy->sectors_per_message / info->window_post_partition_sectors;
    return by_sectors < policy->declarations_per_message ? by_sectors
                                                         : policy->declarations_per_message;
}

slk_exit_t slk_miner_check_expiration(slk_rt_t *rt, int64_t activation, int64_t expiration,
                                      int64_t seal_proof)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    if (expiration <= activation)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "sector expiration %" PRId64 " must be after activation %" PRId64,
                            expiration, activation);
    /* activation is not negative here: no overflow */
    if (expiration - activation < policy->min_sector_expiration)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid expiration %" PRId64 ", total sector lifetime (%" PRId64
                            ") must exceed %" PRId64 " after activation %" PRId64,
                            expiration, expiration - activation, policy->min_sector_expiration,
                            activation);
    if (expiration > slk_rt_epoch(rt) + policy->max_sector_extension)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid expiration %" PRId64 ", cannot be more than %" PRId64
                            " past current epoch %" PRId64,
                            expiration, policy->max_sector_extension, slk_rt_epoch(rt));
    /* 0 to 4, the first seals, had 540 days; none of them can be made here. */
    if (seal_proof < 5 || seal_proof > 19)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "unrecognized seal proof type %" PRId64, seal_proof);
    if (expiration - activation > policy->max_sector_lifetime)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid expiration %" PRId64 ", total sector lifetime (%" PRId64
                            ") cannot exceed %" PRId64 " after activation %" PRId64,
                            expiration, expiration - activation, policy->max_sector_lifetime,
                            activation);
    return SLK_EXIT_OK;
}

/* --- Others ---------------------------------------------------------------------------------------------- */

slk_exit_t slk_miner_update_power(slk_rt_t *rt, const slk_power_pair_t *delta)
{
    slk_update_claimed_power_params_t params = {delta->raw, delta->qa};
    if (slk_power_is_zero(delta))
        return SLK_EXIT_OK;
    return slk_rt_wrap(rt,
                       slk_rt_call_record(rt, SLK_ID_POWER, 3, &params,
                                          &slk_update_claimed_power_params_type, slk_bigint_u64(0),
                                          NULL),
                       "failed to update power");
}

slk_exit_t slk_miner_enroll_cron(slk_rt_t *rt, int64_t epoch, slk_cron_event_t event)
{
    const uint8_t payload[2] = {0x81, (uint8_t)event}; /* [EventType] */
    slk_enroll_cron_event_params_t params = {epoch, {payload, sizeof payload}};
    return slk_rt_call_record(rt, SLK_ID_POWER, 4, &params, &slk_enroll_cron_event_params_type,
                              slk_bigint_u64(0), NULL);
}

slk_exit_t slk_miner_sector_event(slk_rt_t *rt, const char *type, uint64_t sector)
{
    const slk_event_field_t field = SLK_EVENT_OF_UINT("sector", sector);
    return slk_emit(rt, type, &field, 1);
}
