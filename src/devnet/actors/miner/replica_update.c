/* ProveReplicaUpdates3: new data in sectors that held none (spec chain.md 9.2). */

#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/precommit.h"

#include <inttypes.h>
#include <stdlib.h>

#define PROOF_BYTES_MAX 4096u

typedef struct {
    slk_rt_t *rt;
    slk_prove_replica_updates3_params_t params;
    slk_miner_info_t info;
    slk_sector_on_chain_info_t *old; /* an element for each update */
    slk_node_t *comm_d;
    slk_activations_t list;
    size_t cnt;
} update_t;

/* --- Parameters ------------------------------------------------------------------------------- */

static slk_exit_t check_params(update_t *u)
{
    slk_rt_t *rt = u->rt;
    const slk_prove_replica_updates3_params_t *params = &u->params;
    if (!params->sector_proofs.count == !params->aggregate_proof.len)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "exactly one of sector proofs or aggregate proof must be non-empty");
    if (params->sector_proofs.count && params->aggregate_proof_type)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "aggregate proof type must be empty when sector proofs are specified");
    if (!params->sector_proofs.count && !params->aggregate_proof_type)
        return slk_rt_abort(
            rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
            "aggregate proof type must be specified when aggregate proof is specified");
    return SLK_EXIT_OK;
}

static slk_exit_t load_one(update_t *u, slk_sectors_t *sectors, size_t i)
{
    slk_rt_t *rt = u->rt;
    const uint64_t number = u->params.sector_updates.items[i].sector;
    bool found = false;
    if (number <= SLK_SECTOR_NUMBER_MAX)
        SLK_RT_TRY(slk_sectors_get(sectors, number, &u->old[i], &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "sector %" PRIu64 " not found", number);
    u->list.items[i] = (slk_activation_t){.sector = number,
                                          .expiration = u->old[i].expiration,
                                          .seal_proof = u->old[i].seal_proof,
                                          .pieces = u->params.sector_updates.items[i].pieces};
    return SLK_EXIT_OK;
}

static slk_exit_t load_sectors(update_t *u, const slk_miner_state_t *st)
{
    slk_rt_t *rt = u->rt;
    slk_sectors_t sectors = {0};
    slk_exit_t exit;
    SLK_RT_GOTO(slk_rt_alloc(rt, &u->old, u->cnt, sizeof *u->old));
    SLK_RT_GOTO(slk_rt_alloc(rt, &u->comm_d, u->cnt, sizeof *u->comm_d));
    SLK_RT_GOTO(slk_rt_alloc(rt, &u->list.items, u->cnt, sizeof *u->list.items));
    u->list.cnt = u->cnt;
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st->sectors));
    for (size_t i = 0; i < u->cnt; i++)
        SLK_RT_GOTO(load_one(u, &sectors, i));
out:
    slk_sectors_close(&sectors);
    return exit;
}

/* --- Checks ----------------------------------------------------------------------------------- */

static slk_exit_t skip(update_t *u, uint64_t sector, const char *why)
{
    return slk_rt_abort(u->rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "%s, skipping sector %" PRIu64, why,
                        sector);
}

static slk_exit_t check_place(update_t *u, const slk_miner_state_t *st,
                              const slk_sector_update_manifest_t *update)
{
    slk_rt_t *rt = u->rt;
    const uint32_t deadlines = slk_rt_policy(rt)->deadlines;
    bool active;
    if (update->deadline >= deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "deadline %" PRIu64 " not in range 0..%" PRIu32
                            ", skipping sector %" PRIu64,
                            update->deadline, deadlines, update->sector);
    if (!slk_is_sealed_cid(&update->new_sealed_cid))
        return skip(u, update->sector, "new sealed CID had wrong prefix");
    if (!slk_miner_deadline_is_mutable(rt, st, update->deadline))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot upgrade sectors in immutable deadline %" PRIu64
                            ", skipping sector %" PRIu64,
                            update->deadline, update->sector);
    SLK_RT_TRY(slk_miner_sector_active(rt, st, update->deadline, update->partition, update->sector,
                                       true, &active));
    return active ? SLK_EXIT_OK : skip(u, update->sector, "sector isn't active");
}

static slk_exit_t check_one(update_t *u, const slk_miner_state_t *st, slk_number_set_t *seen,
                            size_t i)
{
    slk_rt_t *rt = u->rt;
    const slk_sector_update_manifest_t *update = &u->params.sector_updates.items[i];
    const slk_sector_on_chain_info_t *old = &u->old[i];
    const int64_t type = old->seal_proof % 5; /* sizes are in the same order */
    bool added;
    SLK_RT_TRY(slk_number_set_add(rt, seen, update->sector, &added));
    if (!added)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "skipping duplicate sector %" PRIu64,
                            update->sector);
    if (i < u->params.sector_proofs.count && u->params.sector_proofs.items[i].len > PROOF_BYTES_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "update proof is too large (%zu), skipping sector %" PRIu64,
                            u->params.sector_proofs.items[i].len, update->sector);
    SLK_RT_TRY(check_place(u, st, update));
    if (slk_bigint_sign(&old->deal_weight) || slk_bigint_sign(&old->verified_deal_weight))
        return skip(u, update->sector, "cannot update sector with non-zero data");
    if (u->params.update_proofs_type != type)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "expected proof type %" PRId64 ", was %" PRId64, type,
                            u->params.update_proofs_type);
    return SLK_EXIT_OK;
}

static slk_exit_t check_updates(update_t *u, const slk_miner_state_t *st)
{
    slk_number_set_t seen = {0};
    for (size_t i = 0; i < u->cnt; i++) {
        slk_exit_t exit = check_one(u, st, &seen, i);
        if (exit == SLK_EXIT_OK)
            continue;
        if (exit < 0 || exit < SLK_EXIT_USR_ILLEGAL_ARGUMENT ||
            u->params.require_activation_success)
            return slk_rt_wrap(u->rt, exit, "invalid update %zu while requiring activation success",
                               i);
        u->list.items[i].code = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    }
    return SLK_EXIT_OK;
}

/* --- Proofs ----------------------------------------------------------------------------------- */

static slk_exit_t verify_one(update_t *u, size_t i, bool *ok)
{
    slk_rt_t *rt = u->rt;
    slk_node_t old_r, new_r;
    const slk_sector_update_manifest_t *update = &u->params.sector_updates.items[i];
    SLK_RT_TRY(slk_pieces_comm_d(rt, u->old[i].seal_proof, &update->pieces, &u->comm_d[i]));
    SLK_RT_LIB(
        slk_cid_to_commitment(&old_r, SLK_CID_SEALED, &u->old[i].sealed_cid, slk_rt_diag(rt)));
    SLK_RT_LIB(
        slk_cid_to_commitment(&new_r, SLK_CID_SEALED, &update->new_sealed_cid, slk_rt_diag(rt)));
    return slk_rt_verify_replica_update(rt, u->params.update_proofs_type, &old_r, &new_r,
                                        &u->comm_d[i], u->params.sector_proofs.items[i], ok);
}

static slk_exit_t verify(update_t *u)
{
    slk_rt_t *rt = u->rt;
    if (!u->params.sector_proofs.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "aggregate update proofs not yet supported");
    if (u->cnt != u->params.sector_proofs.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "mismatched lengths: %zu sector updates, %zu proofs", u->cnt,
                            u->params.sector_proofs.count);
    for (size_t i = 0; i < u->cnt; i++) {
        slk_activation_t *one = &u->list.items[i];
        bool ok;
        if (one->code != SLK_EXIT_OK)
            continue;
        SLK_RT_TRY(verify_one(u, i, &ok));
        if (ok)
            continue;
        one->code = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
        if (u->params.require_activation_success)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "invalid proof for sector %" PRIu64
                                " while requiring activation success: failed to verify replica: "
                                "illegal argument",
                                one->sector);
    }
    if (!slk_activations_left(&u->list))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid updates");
    return SLK_EXIT_OK;
}

/* --- State ------------------------------------------------------------------------------------ */

/* The sector with its new data. */
static slk_sector_on_chain_info_t updated(const update_t *u, const slk_miner_network_t *network,
                                          size_t i)
{
    const slk_sector_on_chain_info_t *old = &u->old[i];
    const slk_activation_t *one = &u->list.items[i];
    const slk_bigint_t duration = slk_bigint_i64(old->expiration - network->now);
    slk_sector_on_chain_info_t sector = *old, before;
    sector.flags |= SLK_SECTOR_SIMPLE_QA_POWER;
    sector.sealed_cid = u->params.sector_updates.items[i].new_sealed_cid;
    if (!slk_cid_defined(&sector.sector_key_cid))
        sector.sector_key_cid = old->sealed_cid;
    sector.power_base_epoch = network->now;
    sector.deal_weight = slk_bigint_mul(one->unverified_space, duration);
    sector.verified_deal_weight = slk_bigint_mul(one->verified_space, duration);
    sector.expected_day_reward = sector.replaced_day_reward = NULL;
    sector.expected_storage_pledge = NULL;
    const slk_bigint_t qa = slk_sector_qa_power(u->info.sector_size, &sector);
    sector.initial_pledge =
        slk_bigint_max(old->initial_pledge, slk_miner_initial_pledge(network, qa));
    if (!slk_bigint_sign(&old->daily_fee)) {
        sector.daily_fee = slk_miner_daily_fee(network->supply, qa);
    } else {
        before = sector;
        before.verified_deal_weight = old->verified_deal_weight;
        sector.daily_fee = slk_miner_daily_fee_adjusted(
            old->daily_fee, slk_sector_qa_power(u->info.sector_size, &before), qa);
    }
    return sector;
}

/* What all updates change. */
typedef struct {
    slk_proving_t on;
    slk_deadlines_t deadlines;
    slk_power_pair_t power;
    slk_bigint_t pledge;
} delta_t;

static slk_exit_t replace_in_deadline(update_t *u, delta_t *d, size_t i,
                                      slk_sector_on_chain_info_t *sector)
{
    slk_rt_t *rt = u->rt;
    const slk_sector_update_manifest_t *at = &u->params.sector_updates.items[i];
    slk_sector_on_chain_info_t *old = &u->old[i];
    slk_deadline_t deadline;
    slk_partition_t part;
    slk_power_pair_t power;
    slk_bigint_t pledge, fee;
    slk_amt_t *partitions = NULL;
    slk_exit_t exit;
    SLK_RT_TRY(slk_deadlines_get(rt, &d->deadlines, at->deadline, &deadline));
    SLK_RT_TRY(slk_deadline_partition(rt, &deadline, at->partition, &part));
    SLK_RT_TRY(
        slk_rt_wrap(rt,
                    slk_partition_replace(&d->on, &part, (slk_sector_refs_t){&old, 1},
                                          (slk_sector_refs_t){&sector, 1}, &power, &pledge, &fee),
                    "failed to replace sector at deadline %" PRIu64 " partition %" PRIu64,
                    at->deadline, at->partition));
    SLK_RT_GOTO(slk_array_load(rt, &partitions, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    SLK_RT_GOTO(slk_array_set(rt, partitions, at->partition, &part, &slk_partition_type));
    SLK_RT_GOTO(slk_array_flush(rt, partitions, &deadline.partitions));
    slk_power_add_to(&deadline.live_power, &power);
    slk_amount_add_to(&deadline.daily_fee, &fee);
    slk_power_add_to(&d->power, &power);
    slk_amount_add_to(&d->pledge, &pledge);
    exit = slk_deadlines_put(rt, &d->deadlines, at->deadline, &deadline);
out:
    slk_amt_free(partitions);
    return exit;
}

static slk_exit_t replace_all(update_t *u, slk_miner_state_t *st, delta_t *d)
{
    slk_rt_t *rt = u->rt;
    slk_miner_network_t network;
    slk_sector_on_chain_info_list_t sectors = {0};
    SLK_RT_TRY(slk_miner_network(rt, &network));
    SLK_RT_TRY(slk_miner_load(rt, st));
    SLK_RT_TRY(slk_rt_alloc(rt, &sectors.items, u->cnt, sizeof *sectors.items));
    SLK_RT_TRY(slk_deadlines_load(rt, &d->deadlines, &st->deadlines));
    for (size_t i = 0; i < u->cnt; i++) {
        if (u->list.items[i].code != SLK_EXIT_OK)
            continue;
        slk_sector_on_chain_info_t *sector = &sectors.items[sectors.count++];
        *sector = updated(u, &network, i);
        d->on.quant = slk_miner_quant(rt, st, u->params.sector_updates.items[i].deadline);
        SLK_RT_TRY(replace_in_deadline(u, d, i, sector));
    }
    SLK_RT_TRY(slk_deadlines_save(rt, &d->deadlines, &st->deadlines));
    return slk_miner_put_sectors(rt, st, sectors);
}

static slk_exit_t store(update_t *u, delta_t *d)
{
    slk_rt_t *rt = u->rt;
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_exit_t exit;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st.sectors));
    d->on = (slk_proving_t){.rt = rt, .sectors = &sectors, .sector_size = u->info.sector_size};
    SLK_RT_GOTO(replace_all(u, &st, d));
    SLK_RT_GOTO(slk_miner_lock_pledge(rt, &st, d->pledge));
    SLK_RT_GOTO(slk_miner_check_balance(rt, &st));
    exit = slk_miner_save(rt, &st);
out:
    slk_sectors_close(&sectors);
    return exit;
}

static slk_exit_t emit(update_t *u)
{
    for (size_t i = 0; i < u->cnt; i++) {
        const slk_activation_t *one = &u->list.items[i];
        slk_cid_t unsealed = {0};
        if (one->code != SLK_EXIT_OK)
            continue;
        if (one->pieces.count)
            unsealed = slk_cid_of_commitment(SLK_CID_UNSEALED, &u->comm_d[i]);
        SLK_RT_TRY(
            slk_activation_event(u->rt, "sector-updated", one->sector, &unsealed, &one->pieces));
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_prove_replica_updates3(slk_rt_t *rt)
{
    update_t u = {.rt = rt};
    delta_t d = {0};
    slk_miner_state_t st;
    SLK_RT_TRY(slk_rt_read_params(rt, &u.params, &slk_prove_replica_updates3_params_type));
    u.cnt = u.params.sector_updates.count;
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &u.info));
    SLK_RT_TRY(check_params(&u));
    SLK_RT_TRY(load_sectors(&u, &st));
    SLK_RT_TRY(check_updates(&u, &st));
    SLK_RT_TRY(verify(&u));
    SLK_RT_TRY(slk_activate_data(rt, &u.list, u.params.require_activation_success));
    SLK_RT_TRY(store(&u, &d));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, d.pledge));
    SLK_RT_TRY(slk_miner_update_power(rt, &d.power));
    SLK_RT_TRY(emit(&u));
    SLK_RT_TRY(slk_notify_data_consumers(rt, &u.list, u.params.require_notification_success));
    return slk_return_activations(rt, &u.list);
}
