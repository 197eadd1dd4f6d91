/* ExtendSectorExpiration2. */

#include "codec/actors/verifreg.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

#define VERIFREG_GET_CLAIMS 10u

/* --- Claims -------------------------------------------------------------------------------------------------- */

/* Verified bytes that the message declares of a sector: all, and those that are to stay. */
typedef struct {
    uint64_t sector, all, kept;
} space_t;

typedef struct {
    space_t *items;
    size_t cnt;
} spaces_t;

static space_t *find_space(const spaces_t *spaces, uint64_t sector)
{
    for (size_t i = 0; i < spaces->cnt; i++)
        if (spaces->items[i].sector == sector)
            return &spaces->items[i];
    return NULL;
}

static slk_exit_t get_claims(slk_rt_t *rt, const slk_sector_claim_t *row, slk_u64_list_t *ids,
                             slk_get_claims_return_t *out)
{
    slk_bytes_t ret;
    ids->count = 0;
    SLK_RT_TRY(slk_rt_alloc(rt, &ids->items, row->maintain_claims.count + row->drop_claims.count,
                            sizeof *ids->items));
    for (size_t i = 0; i < row->maintain_claims.count; i++)
        ids->items[ids->count++] = row->maintain_claims.items[i];
    for (size_t i = 0; i < row->drop_claims.count; i++)
        ids->items[ids->count++] = row->drop_claims.items[i];
    const slk_claims_params_t params = {slk_rt_receiver(rt), *ids};
    SLK_RT_TRY(slk_rt_call_record(rt, SLK_ID_VERIFREG, VERIFREG_GET_CLAIMS, &params,
                                  &slk_claims_params_type, slk_bigint_u64(0), &ret));
    SLK_RT_LIB(slk_record_decode(out, &slk_get_claims_return_type, ret.b, ret.len, slk_rt_arena(rt),
                                 slk_rt_diag(rt)));
    if (out->batch_info.success_count < ids->count || out->claims.count < ids->count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid claims");
    return SLK_EXIT_OK;
}

static slk_exit_t check_claim(slk_rt_t *rt, const slk_claim_t *claim, uint64_t id, uint64_t sector,
                              bool keep, int64_t new_expiration)
{
    if (claim->provider != slk_rt_receiver(rt))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to validate declaration sector=%" PRIu64 ", claim=%" PRIu64
                            ", expected claim provider to be %" PRIu64 " but found %" PRIu64 " ",
                            sector, id, slk_rt_receiver(rt), claim->provider);
    if (claim->sector != sector)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to validate declaration sector=%" PRIu64 ", claim=%" PRIu64
                            " expected claim sector number to be %" PRIu64 " but found %" PRIu64
                            " ",
                            sector, id, sector, claim->sector);
    if (keep && new_expiration > claim->term_start + claim->term_max)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "failed to validate declaration sector=%" PRIu64 ", claim=%" PRIu64
                            " claim only allows extension to %" PRId64
                            " but declared new expiration is %" PRId64,
                            sector, id, claim->term_start + claim->term_max, new_expiration);
    return SLK_EXIT_OK;
}

static slk_exit_t count_claims(slk_rt_t *rt, const slk_sector_claim_t *row, int64_t new_expiration,
                               spaces_t *spaces)
{
    slk_u64_list_t ids;
    slk_get_claims_return_t claims;
    SLK_RT_TRY(slk_rt_wrap(rt, get_claims(rt, row, &ids, &claims),
                           "failed to get claims for sector %" PRIu64, row->sector_number));
    for (size_t i = 0; i < ids.count; i++) {
        const slk_claim_t *claim = &claims.claims.items[i];
        bool keep = i < row->maintain_claims.count;
        SLK_RT_TRY(check_claim(rt, claim, ids.items[i], row->sector_number, keep, new_expiration));
        space_t *space = find_space(spaces, row->sector_number);
        if (!space) {
            space = &spaces->items[spaces->cnt++];
            space->sector = row->sector_number;
        }
        space->all += claim->size;
        space->kept += keep ? claim->size : 0;
    }
    return SLK_EXIT_OK;
}

/* Claims of all declarations. A declaration's `sectors` get those with claims as well. */
static slk_exit_t validate(slk_rt_t *rt, const slk_expiration_extension2_list_t *list,
                           spaces_t *spaces)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    size_t rows = 0;
    for (size_t i = 0; i < list->count; i++)
        rows += list->items[i].sectors_with_claims.count;
    *spaces = (spaces_t){0};
    SLK_RT_TRY(slk_rt_alloc(rt, &spaces->items, rows, sizeof *spaces->items));
    for (size_t i = 0; i < list->count; i++) {
        slk_expiration_extension2_t *decl = &list->items[i];
        uint64_t *numbers;
        slk_bitfield_t set;
        if (decl->deadline >= policy->deadlines)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "deadline %" PRIu64 " not in range 0..%" PRIu32, decl->deadline,
                                policy->deadlines);
        SLK_RT_TRY(slk_rt_alloc(rt, &numbers, decl->sectors_with_claims.count, sizeof *numbers));
        for (size_t k = 0; k < decl->sectors_with_claims.count; k++) {
            const slk_sector_claim_t *row = &decl->sectors_with_claims.items[k];
            SLK_RT_TRY(count_claims(rt, row, decl->new_expiration, spaces));
            numbers[k] = row->sector_number;
        }
        SLK_RT_TRY(slk_rt_bits(rt, &set, numbers, decl->sectors_with_claims.count));
        SLK_RT_TRY(slk_rt_union(rt, &decl->sectors, &decl->sectors, &set));
    }
    return SLK_EXIT_OK;
}

/* --- One sector ------------------------------------------------------------------------------------------------ */

static slk_exit_t check_times(slk_rt_t *rt, const slk_sector_on_chain_info_t *sector,
                              int64_t new_expiration)
{
    if (sector->expiration < slk_rt_epoch(rt))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "cannot extend expiration for expired sector %" PRIu64 " at %" PRId64,
                            sector->sector_number, sector->expiration);
    if (new_expiration < sector->expiration)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot reduce sector %" PRIu64 " expiration to %" PRId64
                            " from %" PRId64,
                            sector->sector_number, new_expiration, sector->expiration);
    SLK_RT_TRY(
        slk_miner_check_expiration(rt, sector->activation, new_expiration, sector->seal_proof));
    /* The real actor divides by this and panics. */
    if (new_expiration == slk_rt_epoch(rt))
        return slk_rt_abort(rt, SLK_EXIT_USR_ASSERTION_FAILED,
                            "a sector cannot be extended to the current epoch");
    return SLK_EXIT_OK;
}

static slk_bigint_t scaled(slk_bigint_t weight, int64_t left, int64_t duration)
{
    return slk_bigint_div_floor(slk_bigint_mul(weight, slk_bigint_i64(left)),
                                slk_bigint_i64(duration));
}

/* Verified deals: every claim is declared, and dropped ones only at the end of the sector's life. */
static slk_exit_t verified_weight(slk_rt_t *rt, const slk_sector_on_chain_info_t *sector,
                                  const spaces_t *spaces, slk_sector_on_chain_info_t *out)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    const space_t *space = find_space(spaces, sector->sector_number);
    int64_t duration = sector->expiration - sector->power_base_epoch;
    int64_t left = sector->expiration - slk_rt_epoch(rt);
    if (!space)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "claim missing from declaration for sector %" PRIu64
                            " with non-zero verified deal weight %s",
                            sector->sector_number,
                            slk_bigint_text(&sector->verified_deal_weight).s);
    slk_bigint_t had = slk_bigint_div_floor(sector->verified_deal_weight, slk_bigint_i64(duration));
    slk_bigint_t all = slk_bigint_u64(space->all);
    if (slk_bigint_cmp(&had, &all))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "declared verified deal space in claims (%" PRIu64
                            ") does not match verified deal space (%s) for sector %" PRIu64,
                            space->all, slk_bigint_text(&had).s, sector->sector_number);
    if (space->all != space->kept && left > policy->end_of_life_claim_drop)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "attempt to drop claims with %" PRId64
                            " epochs > end of life claim drop period %" PRId64 " remaining",
                            left, policy->end_of_life_claim_drop);
    out->verified_deal_weight = slk_bigint_mul(
        slk_bigint_u64(space->kept), slk_bigint_i64(out->expiration - out->power_base_epoch));
    return SLK_EXIT_OK;
}

static slk_exit_t daily_fee(slk_rt_t *rt, uint64_t sector_size,
                            const slk_sector_on_chain_info_t *sector,
                            slk_sector_on_chain_info_t *out)
{
    slk_bigint_t supply, qa = slk_sector_qa_power(sector_size, out);
    slk_bigint_t old_qa = slk_sector_qa_power(sector_size, sector);
    if (slk_bigint_sign(&sector->daily_fee)) {
        out->daily_fee = slk_miner_daily_fee_adjusted(sector->daily_fee, old_qa, qa);
        return SLK_EXIT_OK;
    }
    SLK_RT_TRY(slk_rt_circulating_supply(rt, &supply));
    out->daily_fee = slk_miner_daily_fee(supply, qa);
    return SLK_EXIT_OK;
}

static slk_exit_t extend_one(slk_rt_t *rt, uint64_t sector_size, int64_t new_expiration,
                             const spaces_t *spaces, const slk_sector_on_chain_info_t *sector,
                             slk_sector_on_chain_info_t *out)
{
    SLK_RT_TRY(check_times(rt, sector, new_expiration));
    int64_t duration = sector->expiration - sector->power_base_epoch;
    int64_t left = sector->expiration - slk_rt_epoch(rt);
    bool simple = sector->flags & SLK_SECTOR_SIMPLE_QA_POWER;
    bool verified = slk_bigint_sign(&sector->verified_deal_weight) > 0;
    *out = *sector;
    out->expiration = new_expiration;
    out->power_base_epoch = slk_rt_epoch(rt);
    out->deal_weight = scaled(sector->deal_weight, left, duration);
    if (simple && verified)
        SLK_RT_TRY(verified_weight(rt, sector, spaces, out));
    else if (!simple)
        out->verified_deal_weight = scaled(sector->verified_deal_weight, left, duration);
    if (!simple || verified)
        out->expected_day_reward = out->expected_storage_pledge = out->replaced_day_reward = NULL;
    return daily_fee(rt, sector_size, sector, out);
}

/* --- All ------------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_rt_t *rt;
    slk_miner_state_t st;
    slk_miner_info_t info;
    spaces_t spaces;
    slk_sectors_t sectors;
    slk_power_pair_t power_delta;
    slk_bigint_t pledge_delta;
} extend_t;

static slk_exit_t extend_sectors(extend_t *x, const slk_expiration_extension2_t *decl,
                                 slk_sector_refs_t *old, slk_sector_refs_t *changed)
{
    slk_rt_t *rt = x->rt;
    slk_sector_on_chain_info_t *infos;
    SLK_RT_TRY(slk_rt_wrap(rt, slk_sectors_load(&x->sectors, &decl->sectors, old),
                           "failed to load sectors"));
    SLK_RT_TRY(slk_rt_alloc(rt, &infos, old->cnt, sizeof *infos));
    SLK_RT_TRY(slk_rt_alloc(rt, &changed->items, old->cnt, sizeof *changed->items));
    changed->cnt = old->cnt;
    for (size_t i = 0; i < old->cnt; i++) {
        SLK_RT_TRY(extend_one(rt, x->info.sector_size, decl->new_expiration, &x->spaces,
                              old->items[i], &infos[i]));
        changed->items[i] = &infos[i];
    }
    return slk_sectors_store(&x->sectors, *changed);
}

static slk_exit_t extend_partition(extend_t *x, const slk_expiration_extension2_t *decl,
                                   slk_deadline_t *deadline, slk_amt_t *partitions)
{
    slk_rt_t *rt = x->rt;
    const slk_proving_t on = {rt, &x->sectors, x->info.sector_size,
                              slk_miner_quant(rt, &x->st, decl->deadline)};
    slk_partition_t part;
    slk_sector_refs_t old, changed;
    slk_power_pair_t power;
    slk_bigint_t pledge, fee;
    slk_bitfield_t only;
    bool found = false;
    if (decl->partition <= SLK_AMT_INDEX_MAX)
        SLK_RT_TRY(
            slk_array_get(rt, partitions, decl->partition, &part, &slk_partition_type, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                            "no such partition PartitionKey { deadline: %" PRIu64
                            ", partition: %" PRIu64 " }",
                            decl->deadline, decl->partition);
    SLK_RT_TRY(extend_sectors(x, decl, &old, &changed));
    SLK_RT_TRY(
        slk_rt_wrap(rt, slk_partition_replace(&on, &part, old, changed, &power, &pledge, &fee),
                    "failed to replace sector expirations at PartitionKey { deadline: %" PRIu64
                    ", partition: %" PRIu64 " }",
                    decl->deadline, decl->partition));
    slk_power_add_to(&deadline->live_power, &power);
    slk_amount_add_to(&deadline->daily_fee, &fee);
    slk_power_add_to(&x->power_delta, &power);
    slk_amount_add_to(&x->pledge_delta, &pledge);
    SLK_RT_TRY(slk_array_set(rt, partitions, decl->partition, &part, &slk_partition_type));
    SLK_RT_TRY(slk_rt_bits(rt, &only, &decl->partition, 1));
    return slk_deadline_add_expirations(&on, deadline, decl->new_expiration, &only);
}

/* All declarations of one deadline from the first on. */
static slk_exit_t extend_deadline(extend_t *x, const slk_expiration_extension2_list_t *list,
                                  size_t first, slk_deadlines_t *deadlines)
{
    slk_rt_t *rt = x->rt;
    slk_amt_t *partitions = NULL;
    slk_deadline_t deadline;
    slk_exit_t exit;
    uint64_t index = list->items[first].deadline;
    SLK_RT_GOTO(slk_deadlines_get(rt, deadlines, index, &deadline));
    SLK_RT_GOTO(slk_array_load(rt, &partitions, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    for (size_t i = first; i < list->count; i++)
        if (list->items[i].deadline == index)
            SLK_RT_GOTO(extend_partition(x, &list->items[i], &deadline, partitions));
    SLK_RT_GOTO(slk_array_flush(rt, partitions, &deadline.partitions));
    SLK_RT_GOTO(slk_deadlines_put(rt, deadlines, index, &deadline));
out:
    slk_amt_free(partitions);
    return exit;
}

static slk_exit_t extend_all(extend_t *x, const slk_expiration_extension2_list_t *list)
{
    slk_rt_t *rt = x->rt;
    slk_deadlines_t deadlines;
    slk_exit_t exit;
    uint64_t seen = 0; /* deadlines, of which there are 48 at most */
    SLK_RT_GOTO(slk_deadlines_load(rt, &deadlines, &x->st.deadlines));
    SLK_RT_GOTO(slk_sectors_open(&x->sectors, rt, &x->st.sectors));
    for (size_t i = 0; i < list->count; i++) {
        uint64_t bit = UINT64_C(1) << list->items[i].deadline;
        if (seen & bit)
            continue;
        seen |= bit;
        SLK_RT_GOTO(extend_deadline(x, list, i, &deadlines));
    }
    SLK_RT_GOTO(slk_sectors_flush(&x->sectors, &x->st.sectors));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &x->st.deadlines));
out:
    slk_sectors_close(&x->sectors);
    return exit;
}

slk_exit_t slk_miner_extend_sector_expiration2(slk_rt_t *rt)
{
    slk_extend_sector_expiration2_params_t params;
    extend_t x = {.rt = rt};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_extend_sector_expiration2_params_type));
    SLK_RT_TRY(validate(rt, &params.extensions, &x.spaces));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &x.st, &x.info));
    SLK_RT_TRY(extend_all(&x, &params.extensions));
    SLK_RT_TRY(slk_miner_save(rt, &x.st));
    SLK_RT_TRY(slk_miner_update_power(rt, &x.power_delta));
    return slk_miner_pledge_changed(rt, x.pledge_delta);
}
