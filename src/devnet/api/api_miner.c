/* StateMiner...: one miner's identity, deadlines, partitions, power, numbers. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "codec/actors/power.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/deadline_info.h"

#include <stdlib.h>

/* The miner of the first parameter, at the tipset of another one. */
static slk_err_t load(slk_ask_t *ask, size_t tip, slk_view_miner_t *miner)
{
    return slk_view_miner(ask, ask->args[tip].tip, &ask->args[0].address, miner);
}

static slk_err_t state_miner_info(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_miner_info_t info;
    slk_err_t err = load(ask, 1, &miner);
    if (err == SLK_OK)
        err = slk_view_miner_info(ask, &miner, &info);
    if (err != SLK_OK)
        return err;
    const slk_api_miner_info_t shown = slk_miner_info_to_api(&info);
    return slk_ask_record(ask, &slk_api_miner_info_type, &shown);
}

static slk_err_t state_miner_proving_deadline(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_err_t err = load(ask, 1, &miner);
    if (err != SLK_OK)
        return err;
    const slk_policy_t *policy = slk_chain_policy(ask->chain);
    slk_deadline_info_t info = slk_deadline_next_not_elapsed(
        policy, slk_deadline_info(policy, miner.state.proving_period_start,
                                  miner.state.current_deadline, miner.tip->height));
    const slk_api_deadline_info_t shown = {
        .current_epoch = info.now,
        .period_start = info.period_start,
        .index = info.index,
        .open = info.open,
        .close = info.close,
        .challenge = info.challenge,
        .fault_cutoff = info.fault_cutoff,
        .wpost_period_deadlines = policy->deadlines,
        .wpost_proving_period = policy->proving_period,
        .wpost_challenge_window = policy->challenge_window,
        .wpost_challenge_lookback = policy->challenge_lookback,
        .fault_declaration_cutoff = policy->fault_declaration_cutoff,
    };
    return slk_ask_record(ask, &slk_api_deadline_info_type, &shown);
}

/* --- Deadlines and partitions ------------------------------------------------------------------------------------ */

static slk_err_t state_miner_deadlines(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_deadlines_t all;
    slk_err_t err = load(ask, 1, &miner);
    if (err == SLK_OK)
        err = slk_view_object(ask, &miner.state.deadlines, &slk_deadlines_type, &all);
    if (err == SLK_OK)
        err = slk_ask_json(ask, json_array());
    for (size_t i = 0; err == SLK_OK && i < all.due.count; i++) {
        slk_deadline_t deadline;
        slk_api_deadline_t shown;
        err = slk_view_object(ask, &all.due.items[i], &slk_deadline_type, &deadline);
        if (err == SLK_OK)
            err = slk_view_array_count(ask, &deadline.optimistic_post_submissions_snapshot,
                                       SLK_WIDTH_OPTIMISTIC_POSTS, &shown.disputable_proof_count);
        shown.post_submissions = deadline.partitions_posted;
        shown.daily_fee = deadline.daily_fee;
        if (err == SLK_OK)
            err = slk_ask_put(ask, ask->result, NULL, &slk_api_deadline_type, &shown);
    }
    return err;
}

static slk_err_t show_partition(void *ctx, slk_ask_t *ask, uint64_t deadline, uint64_t index,
                                const slk_partition_t *partition, bool *stop)
{
    (void)ctx, (void)deadline, (void)index, (void)stop;
    slk_api_partition_t shown = {.all_sectors = partition->sectors,
                                 .faulty_sectors = partition->faults,
                                 .recovering_sectors = partition->recoveries};
    slk_err_t err = slk_view_live(ask, partition, &shown.live_sectors);
    if (err == SLK_OK)
        err = slk_view_active(ask, partition, &shown.active_sectors);
    if (err == SLK_OK && !ask->result) /* null where there are none */
        err = slk_ask_json(ask, json_array());
    return err == SLK_OK ? slk_ask_put(ask, ask->result, NULL, &slk_api_partition_type, &shown)
                         : err;
}

static slk_err_t state_miner_partitions(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_deadline_t deadline;
    bool stop = false;
    slk_err_t err = load(ask, 2, &miner);
    if (err == SLK_OK)
        err = slk_view_deadline(ask, &miner, ask->args[1].u, &deadline);
    return err == SLK_OK
               ? slk_view_partitions(ask, &deadline, ask->args[1].u, show_partition, NULL, &stop)
               : err;
}

/* --- Sums over all partitions --------------------------------------------------------------------------------------- */

typedef struct {
    slk_view_sets_t faults, recoveries;
    slk_api_sector_count_t count;
} sums_t;

static slk_err_t add_partition(void *ctx, slk_ask_t *ask, uint64_t deadline, uint64_t index,
                               const slk_partition_t *partition, bool *stop)
{
    (void)deadline, (void)index, (void)stop;
    sums_t *sums = ctx;
    slk_err_t err;
    slk_bitfield_t live, active;
    SLK_TRY(slk_view_sets_add(ask, &sums->faults, &partition->faults));
    SLK_TRY(slk_view_sets_add(ask, &sums->recoveries, &partition->recoveries));
    SLK_TRY(slk_view_live(ask, partition, &live));
    SLK_TRY(slk_view_active(ask, partition, &active));
    sums->count.live += slk_bitfield_count(&live);
    sums->count.active += slk_bitfield_count(&active);
    sums->count.faulty += slk_bitfield_count(&partition->faults);
out:
    return err;
}

static slk_err_t sum_up(slk_ask_t *ask, sums_t *sums)
{
    slk_view_miner_t miner;
    *sums = (sums_t){0};
    slk_err_t err = load(ask, 1, &miner);
    return err == SLK_OK ? slk_view_all_partitions(ask, &miner, add_partition, sums) : err;
}

static slk_err_t show_bits(slk_ask_t *ask, slk_err_t err, const slk_bitfield_t *bits)
{
    return err == SLK_OK ? slk_ask_record(ask, &slk_api_bitfield_type, &(slk_api_bitfield_t){*bits})
                         : err;
}

static slk_err_t state_miner_faults(slk_ask_t *ask)
{
    sums_t sums;
    slk_bitfield_t bits = {0};
    slk_err_t err = sum_up(ask, &sums);
    if (err == SLK_OK)
        err = slk_view_sets_union(ask, &sums.faults, &bits);
    return show_bits(ask, err, &bits);
}

static slk_err_t state_miner_recoveries(slk_ask_t *ask)
{
    sums_t sums;
    slk_bitfield_t bits = {0};
    slk_err_t err = sum_up(ask, &sums);
    if (err == SLK_OK)
        err = slk_view_sets_union(ask, &sums.recoveries, &bits);
    return show_bits(ask, err, &bits);
}

static slk_err_t state_miner_sector_count(slk_ask_t *ask)
{
    sums_t sums;
    slk_err_t err = sum_up(ask, &sums);
    return err == SLK_OK ? slk_ask_record(ask, &slk_api_sector_count_type, &sums.count) : err;
}

/* --- Sector numbers ----------------------------------------------------------------------------------------------------- */

static slk_err_t allocated(slk_ask_t *ask, size_t tip, slk_bitfield_t *bits)
{
    slk_view_miner_t miner;
    slk_value_bitfield_t value = {0};
    slk_err_t err = load(ask, tip, &miner);
    if (err == SLK_OK)
        err =
            slk_view_object(ask, &miner.state.allocated_sectors, &slk_value_bitfield_type, &value);
    *bits = value.value;
    return err;
}

static slk_err_t state_miner_allocated(slk_ask_t *ask)
{
    slk_bitfield_t bits;
    slk_err_t err = allocated(ask, 1, &bits);
    return show_bits(ask, err, &bits);
}

static slk_err_t state_miner_sector_allocated(slk_ask_t *ask)
{
    slk_bitfield_t bits;
    slk_err_t err = allocated(ask, 2, &bits);
    return err == SLK_OK
               ? slk_ask_json(ask, json_boolean(slk_bitfield_contains(&bits, ask->args[1].u)))
               : err;
}

/* --- Power -------------------------------------------------------------------------------------------------------------------- */

/* What the network counts when fewer than four miners have the minimum is what all have together. */
#define MINERS_ENOUGH 4

static slk_err_t get_claim(slk_ask_t *ask, const slk_power_state_t *power, uint64_t id,
                           slk_power_claim_t *claim, bool *found)
{
    const slk_address_t address = slk_address_id(id);
    return slk_view_map_get(ask, &power->claims, SLK_MAP_WIDTH,
                            (slk_bytes_t){address.b, address.len}, &slk_power_claim_type, claim,
                            found);
}

static slk_err_t state_miner_power(slk_ask_t *ask)
{
    uint64_t id = 0;
    bool found = false;
    slk_actor_state_t actor;
    slk_power_state_t power;
    slk_power_claim_t claim = {0};
    slk_api_miner_power_t shown = {0};
    const slk_tip_t *tip = ask->args[1].tip;
    slk_err_t err = slk_view_singleton(ask, tip, SLK_ID_POWER, &slk_power_state_type, &power);
    if (err == SLK_OK && ask->args[0].address.len)
        err = slk_chain_actor(&actor, &id, &found, ask->chain, slk_tip_parent_state(tip),
                              &ask->args[0].address, &ask->diag);
    if (err == SLK_OK && found)
        err = get_claim(ask, &power, id, &claim, &found);
    if (err != SLK_OK)
        return err;
    const bool few = power.miner_above_min_power_count < MINERS_ENOUGH;
    const slk_bigint_t least = slk_bigint_u64(slk_chain_policy(ask->chain)->consensus_min_power);
    shown.total_power.raw_byte_power =
        few ? power.total_bytes_committed : power.total_raw_byte_power;
    shown.total_power.quality_adj_power =
        few ? power.total_qa_bytes_committed : power.total_quality_adj_power;
    if (found) {
        shown.miner_power.raw_byte_power = claim.raw_byte_power;
        shown.miner_power.quality_adj_power = claim.quality_adj_power;
        shown.has_min_power = slk_bigint_cmp(&claim.raw_byte_power, &least) >= 0 ||
                              (few && slk_bigint_sign(&claim.raw_byte_power) > 0);
    }
    return slk_ask_record(ask, &slk_api_miner_power_type, &shown);
}

/* --- All miners ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_ask_t *ask;
    uint64_t *ids;
    size_t cnt, cap;
} miners_t;

static slk_err_t add_miner(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop,
                           slk_diag_t *diag)
{
    miners_t *m = ctx;
    slk_address_t address;
    (void)value, (void)stop;
    slk_err_t err = slk_address_from_bytes(&address, key.b, key.len, diag);
    if (err != SLK_OK || m->cnt == m->cap)
        return err;
    return slk_address_to_id(&address, &m->ids[m->cnt++])
               ? SLK_OK
               : slk_fail(diag, SLK_ERR_FORMAT, "a claim's key is no ID address");
}

static int by_id(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static slk_err_t list_miners(slk_ask_t *ask, const slk_tip_t *tip, miners_t *m)
{
    slk_power_state_t power;
    *m = (miners_t){.ask = ask};
    slk_err_t err = slk_view_singleton(ask, tip, SLK_ID_POWER, &slk_power_state_type, &power);
    if (err != SLK_OK)
        return err;
    m->cap = power.miner_count > 0 ? (size_t)power.miner_count : 0;
    m->ids = slk_arena_array(&ask->arena, m->cap + 1, sizeof *m->ids);
    if (!m->ids)
        return slk_ask_json(ask, NULL);
    err = slk_view_map_each(ask, &power.claims, SLK_MAP_WIDTH, add_miner, m);
    qsort(m->ids, m->cnt, sizeof *m->ids, by_id);
    return err;
}

static slk_err_t state_list_miners(slk_ask_t *ask)
{
    miners_t m;
    slk_err_t err = list_miners(ask, ask->args[0].tip, &m);
    if (err == SLK_OK && m.cnt)
        err = slk_ask_json(ask, json_array());
    for (size_t i = 0; err == SLK_OK && i < m.cnt; i++) {
        const slk_api_address_t address = {slk_address_id(m.ids[i])};
        err = slk_ask_put(ask, ask->result, NULL, &slk_api_address_type, &address);
    }
    return err;
}

/* A node of Lotus has no answer to this either; in its words. */
static slk_err_t state_all_miner_faults(slk_ask_t *ask)
{
    return slk_ask_fail(ask, SLK_RPC_ERROR, "fixme");
}

const slk_ask_method_t slk_ask_miner[] = {
    {"Filecoin.StateMinerInfo", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_info},
    {"Filecoin.StateMinerProvingDeadline", SLK_PERM_READ, SLK_V01, 0, "aT",
     state_miner_proving_deadline},
    {"Filecoin.StateMinerDeadlines", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_deadlines},
    {"Filecoin.StateMinerPartitions", SLK_PERM_READ, SLK_V01, 0, "auT", state_miner_partitions},
    {"Filecoin.StateMinerFaults", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_faults},
    {"Filecoin.StateAllMinerFaults", SLK_PERM_READ, SLK_V01, 0, "iT", state_all_miner_faults},
    {"Filecoin.StateMinerRecoveries", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_recoveries},
    {"Filecoin.StateMinerSectorCount", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_sector_count},
    {"Filecoin.StateMinerAllocated", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_allocated},
    {"Filecoin.StateMinerSectorAllocated", SLK_PERM_READ, SLK_V01, 0, "auT",
     state_miner_sector_allocated},
    {"Filecoin.StateMinerPower", SLK_PERM_READ, SLK_V01, 0, "aT", state_miner_power},
    {"Filecoin.StateListMiners", SLK_PERM_READ, SLK_V01, 0, "T", state_list_miners},
    {0},
};
