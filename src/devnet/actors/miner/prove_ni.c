/* ProveCommitSectorsNI: non-interactive seals, without pre-commit, deposit or data (FIP-0092). */

#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/precommit.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
    slk_rt_t *rt;
    slk_prove_commit_sectors_ni_params_t params;
    slk_miner_info_t info;
    slk_seal_info_t *seals;
    slk_activations_t list;
    slk_bitfield_t numbers;
} prove_t;

/* --- Parameters ------------------------------------------------------------------------------- */

static bool is_ni(const slk_policy_t *policy, int64_t seal_proof)
{
    slk_porep_t porep;
    return slk_seal_porep(seal_proof, &porep) && porep.feature == SLK_FEATURE_NI &&
           (policy->sector_sizes & porep.size->bytes);
}

static slk_exit_t check_params(prove_t *p, const slk_miner_state_t *st)
{
    slk_rt_t *rt = p->rt;
    const slk_prove_commit_sectors_ni_params_t *params = &p->params;
    const slk_policy_t *policy = slk_rt_policy(rt);
    if (params->proving_deadline >= policy->deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "proving deadline index %" PRIu64 " invalid", params->proving_deadline);
    if (!slk_miner_deadline_is_mutable(rt, st, params->proving_deadline))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "proving deadline %" PRIu64
                            " must not be the current or next deadline ",
                            params->proving_deadline);
    if (slk_miner_fault_active(&p->info, slk_rt_epoch(rt)))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "ProveCommitSectorsNI not allowed during active consensus fault");
    if (!is_ni(policy, params->seal_proof_type))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "unsupported seal proof type %" PRId64, params->seal_proof_type);
    if (params->aggregate_proof_type != SLK_SNARK_PACK_V2)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "aggregate proof type must be SnarkPackV2");
    return SLK_EXIT_OK;
}

/* --- Sectors ---------------------------------------------------------------------------------- */

/* What makes one sector fail and not the message; *bad. */
static slk_exit_t check_one(prove_t *p, const slk_sector_ni_activation_info_t *sector, bool *bad)
{
    slk_rt_t *rt = p->rt;
    const int64_t now = slk_rt_epoch(rt);
    slk_exit_t exit =
        slk_miner_check_expiration(rt, now, sector->expiration, p->params.seal_proof_type);
    if (exit == SLK_EXIT_FATAL)
        return exit;
    *bad = exit != SLK_EXIT_OK || sector->sector_number > SLK_SECTOR_NUMBER_MAX ||
           sector->sealer_id != slk_rt_receiver(rt) ||
           sector->sector_number != sector->sealing_number ||
           !slk_is_sealed_cid(&sector->sealed_cid) ||
           sector->seal_rand_epoch < now - slk_rt_policy(rt)->max_ni_lookback;
    return SLK_EXIT_OK;
}

static slk_exit_t make_seal(prove_t *p, const slk_sector_ni_activation_info_t *sector,
                            slk_seal_info_t *seal)
{
    slk_rt_t *rt = p->rt;
    const slk_cid_t zeros = {0};
    *seal = (slk_seal_info_t){.seal_proof = p->params.seal_proof_type,
                              .miner = slk_rt_receiver(rt),
                              .sector = sector->sealing_number};
    memset(&seal->seed, 1, sizeof seal->seed); /* there is no interaction */
    SLK_RT_TRY(slk_seal_ticket(rt, sector->seal_rand_epoch, &seal->ticket));
    if (slk_is_sealed_cid(&sector->sealed_cid))
        SLK_RT_LIB(slk_cid_to_commitment(&seal->comm_r, SLK_CID_SEALED, &sector->sealed_cid,
                                         slk_rt_diag(rt)));
    return slk_declared_comm_d(rt, &zeros, p->params.seal_proof_type, &seal->comm_d);
}

static slk_exit_t add_sector(prove_t *p, size_t i, slk_number_set_t *seen)
{
    slk_rt_t *rt = p->rt;
    const slk_sector_ni_activation_info_t *sector = &p->params.sectors.items[i];
    bool added, bad;
    SLK_RT_TRY(slk_number_set_add(rt, seen, sector->sector_number, &added));
    if (!added)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "duplicate sector number %" PRIu64,
                            sector->sector_number);
    SLK_RT_TRY(check_one(p, sector, &bad));
    if (sector->seal_rand_epoch >= slk_rt_epoch(rt))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "seal challenge epoch %" PRId64 " must be before now %" PRId64,
                            sector->seal_rand_epoch, slk_rt_epoch(rt));
    SLK_RT_TRY(make_seal(p, sector, &p->seals[i]));
    if (bad && p->params.require_activation_success)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid NI commit %zu while requiring activation success: sector "
                            "%" PRIu64,
                            i, sector->sector_number);
    p->list.items[i] =
        (slk_activation_t){.sector = sector->sector_number,
                           .expiration = sector->expiration,
                           .seal_proof = p->params.seal_proof_type,
                           .code = bad ? SLK_EXIT_USR_ILLEGAL_ARGUMENT : SLK_EXIT_OK};
    return SLK_EXIT_OK;
}

static slk_exit_t check_sectors(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    slk_number_set_t seen = {0};
    p->list.cnt = p->params.sectors.count;
    SLK_RT_TRY(slk_rt_alloc(rt, &p->seals, p->list.cnt, sizeof *p->seals));
    SLK_RT_TRY(slk_rt_alloc(rt, &p->list.items, p->list.cnt, sizeof *p->list.items));
    for (size_t i = 0; i < p->list.cnt; i++)
        SLK_RT_TRY(add_sector(p, i, &seen));
    if (!slk_activations_left(&p->list))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid NI commits specified");
    /* A number out of range is no bit of a set, and its sector has failed. */
    while (seen.cnt && seen.numbers[seen.cnt - 1] > SLK_SECTOR_NUMBER_MAX)
        seen.cnt--;
    return slk_rt_bits(rt, &p->numbers, seen.numbers, seen.cnt);
}

/* --- Activation ------------------------------------------------------------------------------- */

static slk_exit_t make_sectors(prove_t *p, const slk_miner_network_t *network,
                               slk_sector_on_chain_info_list_t *sectors, slk_bigint_t *pledge)
{
    slk_rt_t *rt = p->rt;
    *sectors = (slk_sector_on_chain_info_list_t){0};
    *pledge = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_alloc(rt, &sectors->items, p->list.cnt, sizeof *sectors->items));
    for (size_t i = 0; i < p->list.cnt; i++)
        if (p->list.items[i].code == SLK_EXIT_OK) {
            slk_sector_on_chain_info_t *sector = &sectors->items[sectors->count++];
            *sector = slk_new_sector(network, &p->info, &p->list.items[i],
                                     &p->params.sectors.items[i].sealed_cid);
            *pledge = slk_bigint_add(*pledge, sector->initial_pledge);
        }
    return SLK_EXIT_OK;
}

/* The money that is there has to cover the pledge before, and debt afterwards. */
static slk_exit_t activate(prove_t *p, slk_miner_state_t *st, const slk_miner_network_t *network,
                           slk_bigint_t *pledge, slk_bigint_t *to_burn)
{
    slk_rt_t *rt = p->rt;
    slk_sector_on_chain_info_list_t sectors;
    SLK_RT_TRY(make_sectors(p, network, &sectors, pledge));
    SLK_RT_TRY(slk_miner_lock_pledge(rt, st, *pledge));
    SLK_RT_TRY(slk_miner_allocate_numbers(rt, st, &p->numbers, false));
    SLK_RT_TRY(slk_miner_put_sectors(rt, st, sectors));
    SLK_RT_TRY(slk_miner_assign_to_deadline(rt, st, &p->info, p->params.proving_deadline, sectors));
    return slk_miner_repay_debts(rt, st, to_burn);
}

slk_exit_t slk_miner_prove_commit_sectors_ni(slk_rt_t *rt)
{
    prove_t p = {.rt = rt};
    slk_miner_state_t st;
    slk_miner_network_t network;
    slk_bigint_t pledge, to_burn;
    const slk_piece_activation_manifest_list_t no_pieces = {0};
    const slk_cid_t zeros = {0};
    SLK_RT_TRY(slk_rt_read_params(rt, &p.params, &slk_prove_commit_sectors_ni_params_type));
    SLK_RT_TRY(slk_check_aggregate(rt, p.params.aggregate_proof, p.params.sectors.count, false));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &p.info));
    SLK_RT_TRY(check_params(&p, &st));
    SLK_RT_TRY(check_sectors(&p));
    SLK_RT_TRY(slk_verify_aggregate(rt, p.seals, p.list.cnt, p.params.aggregate_proof_type,
                                    p.params.aggregate_proof));
    SLK_RT_TRY(slk_miner_network(rt, &network));
    SLK_RT_TRY(activate(&p, &st, &network, &pledge, &to_burn));
    const bool needs_cron = !st.deadline_cron_active;
    st.deadline_cron_active = true;
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, pledge));
    SLK_RT_TRY(slk_miner_check_balance(rt, &st));
    for (size_t i = 0; i < p.list.cnt; i++)
        if (p.list.items[i].code == SLK_EXIT_OK)
            SLK_RT_TRY(slk_activation_event(rt, "sector-activated", p.list.items[i].sector, &zeros,
                                            &no_pieces));
    if (needs_cron)
        SLK_RT_TRY(slk_miner_start_cron(rt, &st));
    return slk_return_activations(rt, &p.list);
}
