/* What anybody may ask a miner. */

#include "codec/ipld/object.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/control.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

/* More bits than any amount or power of a chain has: a caller's numbers are refused above it. */
#define NUMBER_BITS_MAX 512u

static slk_exit_t load(slk_rt_t *rt, slk_miner_state_t *st, slk_miner_info_t *info)
{
    SLK_RT_TRY(slk_miner_load(rt, st));
    return slk_miner_load_info(rt, st, info);
}

static slk_exit_t answer_amount(slk_rt_t *rt, slk_bigint_t amount)
{
    const slk_value_bigint_t ret = {amount};
    return slk_rt_return_record(rt, &ret, &slk_value_bigint_type);
}

/* --- Who and where ---------------------------------------------------------------------------- */

slk_exit_t slk_miner_control_addresses(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_get_control_addresses_return_t ret = {info.owner, info.worker,
                                                    info.control_addresses};
    return slk_rt_return_record(rt, &ret, &slk_get_control_addresses_return_type);
}

slk_exit_t slk_miner_get_owner(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_get_owner_return_t ret = {info.owner, info.pending_owner_address};
    return slk_rt_return_record(rt, &ret, &slk_get_owner_return_type);
}

slk_exit_t slk_miner_is_controlling_address(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_value_bool_t ret = {false};
    slk_miner_state_t st;
    slk_miner_info_t info;
    uint64_t n;
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    SLK_RT_TRY(slk_rt_resolve(rt, &params.value, &n, &found));
    if (found) {
        const slk_address_t id = slk_address_id(n);
        SLK_RT_TRY(load(rt, &st, &info));
        ret.value = slk_address_eq(&id, &info.owner) || slk_address_eq(&id, &info.worker);
        for (size_t i = 0; i < info.control_addresses.count; i++)
            ret.value |= slk_address_eq(&id, &info.control_addresses.items[i]);
    }
    return slk_rt_return_record(rt, &ret, &slk_value_bool_type);
}

slk_exit_t slk_miner_get_beneficiary(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_get_beneficiary_return_t ret = {{info.beneficiary, info.beneficiary_term},
                                              info.pending_beneficiary_term};
    return slk_rt_return_record(rt, &ret, &slk_get_beneficiary_return_type);
}

slk_exit_t slk_miner_get_sector_size(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_value_u64_t ret = {info.sector_size};
    return slk_rt_return_record(rt, &ret, &slk_value_u64_type);
}

slk_exit_t slk_miner_get_peer_id(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_get_peer_id_return_t ret = {info.peer_id};
    return slk_rt_return_record(rt, &ret, &slk_get_peer_id_return_type);
}

slk_exit_t slk_miner_get_multiaddrs(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    SLK_RT_TRY(load(rt, &st, &info));
    const slk_get_multiaddrs_return_t ret = {info.multiaddrs};
    return slk_rt_return_record(rt, &ret, &slk_get_multiaddrs_return_type);
}

/* --- Money ------------------------------------------------------------------------------------ */

slk_exit_t slk_miner_get_available_balance(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_bigint_t available;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_available_balance(rt, &st, &available));
    return answer_amount(rt, available);
}

slk_exit_t slk_miner_get_vesting_funds(slk_rt_t *rt)
{
    slk_miner_state_t st;
    slk_get_vesting_funds_return_t ret;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_vesting_funds(rt, &st, &ret.funds));
    return slk_rt_return_record(rt, &ret, &slk_get_vesting_funds_return_type);
}

slk_exit_t slk_miner_get_initial_pledge(slk_rt_t *rt)
{
    slk_miner_state_t st;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    return answer_amount(rt, st.initial_pledge);
}

slk_exit_t slk_miner_max_termination_fee(slk_rt_t *rt)
{
    slk_max_termination_fee_params_t params;
    slk_this_epoch_reward_return_t reward;
    slk_current_total_power_return_t power;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_max_termination_fee_params_type));
    if (slk_bigint_bit_length(&params.power) > NUMBER_BITS_MAX ||
        slk_bigint_bit_length(&params.initial_pledge) > NUMBER_BITS_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "number of more than %u bits",
                            NUMBER_BITS_MAX);
    SLK_RT_TRY(slk_miner_epoch_reward(rt, &reward));
    SLK_RT_TRY(slk_miner_total_power(rt, &power));
    return answer_amount(rt,
                         slk_miner_termination_fee(&reward.this_epoch_reward_smoothed,
                                                   &power.quality_adj_power_smoothed, params.power,
                                                   params.initial_pledge, SLK_TERMINATION_AGE_MAX));
}

/* --- Sectors ---------------------------------------------------------------------------------- */

enum { DEAD, ACTIVE, FAULTY };

/* What aux_data of both methods holds: both -1 where the sector is in no partition. */
#define SLK_SECTOR_LOCATION_ROWS(F, T)                                                             \
    F(T, I64, deadline, "Deadline")                                                                \
    F(T, I64, partition, "Partition")
SLK_RECORD(slk_sector_location, SLK_SECTOR_LOCATION_ROWS);
SLK_RECORD_TYPE(slk_sector_location, "SectorLocation", TUPLE, SLK_SECTOR_LOCATION_ROWS);

static slk_exit_t get_sector(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t number,
                             slk_sector_on_chain_info_t *info, bool *found)
{
    slk_sectors_t sectors = {0};
    *found = false;
    if (number > SLK_SECTOR_NUMBER_MAX)
        return SLK_EXIT_OK;
    slk_exit_t exit = slk_sectors_open(&sectors, rt, &st->sectors);
    if (exit == SLK_EXIT_OK)
        exit = slk_sectors_get(&sectors, number, info, found);
    slk_sectors_close(&sectors);
    return exit;
}

static uint64_t status_in(const slk_partition_t *part, uint64_t sector)
{
    if (slk_bitfield_contains(&part->terminated, sector))
        return DEAD;
    return slk_bitfield_contains(&part->faults, sector) ? FAULTY : ACTIVE;
}

static slk_exit_t load_partition(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t deadline,
                                 uint64_t partition, slk_partition_t *part)
{
    slk_deadlines_t deadlines;
    slk_deadline_t dl;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_deadlines_get(rt, &deadlines, deadline, &dl),
                           "failed to load deadline"));
    return slk_deadline_partition(rt, &dl, partition, part);
}

slk_exit_t slk_miner_generate_sector_location(slk_rt_t *rt)
{
    slk_generate_sector_location_params_t params;
    slk_generate_sector_location_return_t ret = {.status = DEAD};
    slk_sector_location_t at = {-1, -1};
    slk_miner_state_t st;
    slk_sector_on_chain_info_t info;
    slk_buf_t buf = {0};
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_generate_sector_location_params_type));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(get_sector(rt, &st, params.sector_number, &info, &found));
    if (found) {
        slk_deadlines_t deadlines;
        slk_partition_t part;
        uint64_t deadline, partition;
        SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st.deadlines));
        SLK_RT_TRY(slk_deadlines_find(rt, &deadlines, params.sector_number, &deadline, &partition,
                                      &found));
        if (!found)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                                "failed to find sector location: sector %" PRIu64
                                " not due at any deadline",
                                params.sector_number);
        SLK_RT_TRY(load_partition(rt, &st, deadline, partition, &part));
        at = (slk_sector_location_t){(int64_t)deadline, (int64_t)partition};
        ret.status = status_in(&part, params.sector_number);
    }
    slk_err_t err = slk_record_encode(&buf, &slk_sector_location_type, &at, slk_rt_diag(rt));
    ret.aux_data = (slk_bytes_t){buf.bytes, buf.len};
    slk_exit_t exit =
        err == SLK_OK ? slk_rt_return_record(rt, &ret, &slk_generate_sector_location_return_type)
                      : slk_rt_err(rt, err, SLK_EXIT_FATAL);
    slk_buf_free(&buf);
    return exit;
}

/* In no partition: a sector that is not there at all is dead. */
static slk_exit_t status_of_missing(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t sector)
{
    slk_sector_on_chain_info_t info;
    bool found;
    SLK_RT_TRY(get_sector(rt, st, sector, &info, &found));
    if (found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                            "sector %" PRIu64 " not found at NO_DEADLINE, NO_PARTITION", sector);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_validate_sector_status(slk_rt_t *rt)
{
    slk_validate_sector_status_params_t params;
    slk_sector_location_t at;
    slk_miner_state_t st;
    slk_partition_t part;
    uint64_t status = DEAD;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_validate_sector_status_params_type));
    if (params.status > FAULTY)
        return slk_rt_abort(rt, SLK_EXIT_USR_SERIALIZATION, "invalid sector status %" PRIu64,
                            params.status);
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_rt_wrap(
        rt,
        slk_rt_err(rt,
                   slk_record_decode(&at, &slk_sector_location_type, params.aux_data.b,
                                     params.aux_data.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                   SLK_EXIT_USR_ILLEGAL_ARGUMENT),
        "invalid aux_data"));
    if ((at.deadline == -1) != (at.partition == -1))
        return slk_rt_abort(
            rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
            "invalid sector location: deadline and partition must both be NO or both be set");
    if (at.deadline == -1) {
        SLK_RT_TRY(status_of_missing(rt, &st, params.sector_number));
    } else {
        SLK_RT_TRY(load_partition(rt, &st, (uint64_t)at.deadline, (uint64_t)at.partition, &part));
        if (!slk_bitfield_contains(&part.sectors, params.sector_number))
            return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                                "sector %" PRIu64 " not found at deadline %" PRId64
                                " partition %" PRId64,
                                params.sector_number, at.deadline, at.partition);
        status = status_in(&part, params.sector_number);
    }
    const slk_value_bool_t ret = {status == params.status};
    return slk_rt_return_record(rt, &ret, &slk_value_bool_type);
}

slk_exit_t slk_miner_get_nominal_sector_expiration(slk_rt_t *rt)
{
    slk_value_u64_t params;
    slk_miner_state_t st;
    slk_sector_on_chain_info_t info;
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_u64_type));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(get_sector(rt, &st, params.value, &info, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "sector %" PRIu64 " not found",
                            params.value);
    const slk_value_i64_t ret = {info.expiration};
    return slk_rt_return_record(rt, &ret, &slk_value_i64_type);
}
