/* ProveCommitSectors3: proofs of pre-committed sectors (spec chain.md 9.2). */

#include "devnet/actors/miner/activation.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/precommit.h"
#include "selkie/groth16.h"

#include <inttypes.h>
#include <stdio.h>

/* A message at work. Arrays have an element for each sector activation. */
typedef struct {
    slk_rt_t *rt;
    slk_prove_commit_sectors3_params_t params;
    slk_miner_info_t info;
    slk_sector_pre_commit_on_chain_info_t *precommits;
    slk_seal_info_t *seals;
    slk_activations_t list;
    size_t cnt;
} prove_t;

/* --- Parameters ------------------------------------------------------------------------------- */

static slk_exit_t load_precommits(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    slk_miner_state_t st;
    uint64_t *numbers;
    bool *found;
    SLK_RT_TRY(slk_rt_alloc(rt, &numbers, p->cnt, sizeof *numbers));
    SLK_RT_TRY(slk_rt_alloc(rt, &found, p->cnt, sizeof *found));
    SLK_RT_TRY(slk_rt_alloc(rt, &p->precommits, p->cnt, sizeof *p->precommits));
    for (size_t i = 0; i < p->cnt; i++)
        numbers[i] = p->params.sector_activations.items[i].sector_number;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_precommits_find(rt, &st, numbers, p->cnt, p->precommits, found));
    for (size_t i = 0; i < p->cnt; i++) {
        if (numbers[i] > SLK_SECTOR_NUMBER_MAX)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "loading precommits: sector number greater than maximum");
        if (!found[i])
            return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND,
                                "loading precommits: sector %" PRIu64 " not found", numbers[i]);
    }
    if (!p->cnt)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no sectors to prove");
    return SLK_EXIT_OK;
}

static slk_exit_t check_proof_sizes(prove_t *p)
{
    slk_porep_t porep;
    slk_rt_t *rt = p->rt;
    if (!slk_seal_porep(p->precommits[0].info.seal_proof, &porep))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "failed to determine max proof size for type %" PRId64,
                            p->precommits[0].info.seal_proof);
    const size_t most = (size_t)porep.partitions * SLK_GROTH16_PROOF_SZ;
    for (size_t i = 0; i < p->cnt; i++)
        if (p->params.sector_proofs.items[i].len > most)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "sector proof size %zu exceeds max %zu",
                                p->params.sector_proofs.items[i].len, most);
    return SLK_EXIT_OK;
}

static slk_exit_t check_params(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    const slk_prove_commit_sectors3_params_t *params = &p->params;
    const size_t proofs = params->sector_proofs.count;
    const int64_t *type = params->aggregate_proof_type;
    if (!proofs == !params->aggregate_proof.len)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "exactly one of sector proofs or aggregate proof must be non-empty");
    if (!proofs) {
        if (!type || *type != SLK_SNARK_PACK_V2)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "aggregate proof type must be SnarkPackV2");
        return slk_check_aggregate(rt, params->aggregate_proof, p->cnt, true);
    }
    if (type)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "aggregate proof type must be null with batched proofs");
    if (p->cnt != proofs)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "mismatched lengths: %zu sector activations, %zu proofs", p->cnt,
                            proofs);
    return check_proof_sizes(p);
}

/* --- Pre-commits ------------------------------------------------------------------------------ */

/* What the proof of a sector is about. */
static slk_exit_t make_seal(prove_t *p, size_t i, int64_t seed_epoch)
{
    slk_rt_t *rt = p->rt;
    const slk_sector_pre_commit_info_t *info = &p->precommits[i].info;
    slk_seal_info_t *seal = &p->seals[i];
    *seal = (slk_seal_info_t){.seal_proof = info->seal_proof,
                              .miner = slk_rt_receiver(rt),
                              .sector = info->sector_number};
    if (p->params.sector_proofs.count)
        seal->proof = p->params.sector_proofs.items[i];
    SLK_RT_TRY(slk_seal_ticket(rt, info->seal_rand_epoch, &seal->ticket));
    SLK_RT_TRY(slk_seal_seed(rt, seed_epoch, &seal->seed));
    SLK_RT_LIB(
        slk_cid_to_commitment(&seal->comm_r, SLK_CID_SEALED, &info->sealed_cid, slk_rt_diag(rt)));
    return slk_declared_comm_d(rt, &info->unsealed_cid, info->seal_proof, &seal->comm_d);
}

static slk_exit_t check_precommit(prove_t *p, size_t i)
{
    slk_rt_t *rt = p->rt;
    const slk_policy_t *policy = slk_rt_policy(rt);
    const slk_sector_pre_commit_on_chain_info_t *precommit = &p->precommits[i];
    const int64_t now = slk_rt_epoch(rt), seal_proof = precommit->info.seal_proof;
    const int64_t due = precommit->pre_commit_epoch + slk_max_prove_commit(policy, seal_proof);
    const int64_t seed_epoch = precommit->pre_commit_epoch + policy->precommit_challenge_delay;
    const bool bad = precommit->info.deal_ids.count || now > due;
    if (i && p->precommits[i - 1].info.seal_proof != seal_proof)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "seal proof group for verification contains mismatched seal proofs "
                            "%" PRId64 " and %" PRId64,
                            p->precommits[i - 1].info.seal_proof, seal_proof);
    if (now <= seed_epoch)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "too early to prove sector");
    SLK_RT_TRY(make_seal(p, i, seed_epoch));
    if (bad && p->params.require_activation_success)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid pre-commit %zu while requiring activation success: sector "
                            "%" PRIu64 " was to be proven until %" PRId64,
                            i, precommit->info.sector_number, due);
    if (bad)
        p->list.items[i].code = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
    return SLK_EXIT_OK;
}

static slk_exit_t check_precommits(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    SLK_RT_TRY(slk_rt_alloc(rt, &p->seals, p->cnt, sizeof *p->seals));
    SLK_RT_TRY(slk_rt_alloc(rt, &p->list.items, p->cnt, sizeof *p->list.items));
    p->list.cnt = p->cnt;
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_sector_pre_commit_info_t *info = &p->precommits[i].info;
        p->list.items[i] =
            (slk_activation_t){.sector = info->sector_number,
                               .expiration = info->expiration,
                               .seal_proof = info->seal_proof,
                               .pieces = p->params.sector_activations.items[i].pieces,
                               .declared = &info->unsealed_cid};
        SLK_RT_TRY(check_precommit(p, i));
    }
    if (!slk_activations_left(&p->list))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid precommits specified");
    return SLK_EXIT_OK;
}

/* --- Proofs ----------------------------------------------------------------------------------- */

/* "[true, false]", cut off where longer. */
static void list_answers(char *text, size_t sz, const bool *ok, size_t cnt)
{
    size_t at = (size_t)snprintf(text, sz, "[");
    for (size_t i = 0; i < cnt && at + 8 < sz; i++)
        at += (size_t)snprintf(text + at, sz - at, "%s%s", i ? ", " : "", ok[i] ? "true" : "false");
    if (at + 1 < sz)
        snprintf(text + at, sz - at, "]");
}

static slk_exit_t verify_each(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    slk_seal_info_t *seals;
    bool *ok;
    size_t cnt = 0, k = 0;
    char answers[256];
    SLK_RT_TRY(slk_rt_alloc(rt, &seals, p->cnt, sizeof *seals));
    SLK_RT_TRY(slk_rt_alloc(rt, &ok, p->cnt, sizeof *ok));
    for (size_t i = 0; i < p->cnt; i++)
        if (p->list.items[i].code == SLK_EXIT_OK)
            seals[cnt++] = p->seals[i];
    SLK_RT_TRY(slk_rt_wrap(rt, slk_rt_verify_seals(rt, seals, cnt, ok), "failed to batch verify"));
    list_answers(answers, sizeof answers, ok, cnt);
    for (size_t i = 0; i < p->cnt; i++) {
        slk_activation_t *one = &p->list.items[i];
        if (one->code != SLK_EXIT_OK || ok[k++])
            continue;
        one->code = SLK_EXIT_USR_ILLEGAL_ARGUMENT;
        if (p->params.require_activation_success)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "invalid proof for sector %" PRIu64
                                " while requiring activation success: %s",
                                one->sector, answers);
    }
    return SLK_EXIT_OK;
}

static slk_exit_t verify(prove_t *p)
{
    slk_rt_t *rt = p->rt;
    /* An aggregate is of all sectors, also of those that are not activated. */
    if (p->params.sector_proofs.count)
        SLK_RT_TRY(verify_each(p));
    else
        SLK_RT_TRY(slk_verify_aggregate(rt, p->seals, p->cnt, *p->params.aggregate_proof_type,
                                        p->params.aggregate_proof));
    if (!slk_activations_left(&p->list))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid proofs specified");
    return SLK_EXIT_OK;
}

/* --- Activation ------------------------------------------------------------------------------- */

/* New sectors of what is left, and the deposits and pledges of them. */
static slk_exit_t make_sectors(prove_t *p, const slk_miner_network_t *network,
                               slk_sector_on_chain_info_list_t *sectors, slk_bigint_t *deposits,
                               slk_bigint_t *pledge)
{
    slk_rt_t *rt = p->rt;
    const int64_t least = slk_rt_policy(rt)->min_sector_expiration;
    *sectors = (slk_sector_on_chain_info_list_t){0};
    *deposits = *pledge = slk_bigint_u64(0);
    SLK_RT_TRY(slk_rt_alloc(rt, &sectors->items, p->cnt, sizeof *sectors->items));
    for (size_t i = 0; i < p->cnt; i++) {
        const slk_activation_t *one = &p->list.items[i];
        if (one->code != SLK_EXIT_OK)
            continue;
        if (one->expiration - network->now < least)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "precommit %" PRIu64 " has lifetime %" PRId64
                                " less than minimum %" PRId64 ". ignoring",
                                one->sector, one->expiration - network->now, least);
        slk_sector_on_chain_info_t *sector = &sectors->items[sectors->count++];
        *sector = slk_new_sector(network, &p->info, one, &p->precommits[i].info.sealed_cid);
        *deposits = slk_bigint_add(*deposits, p->precommits[i].pre_commit_deposit);
        *pledge = slk_bigint_add(*pledge, sector->initial_pledge);
    }
    return SLK_EXIT_OK;
}

static slk_exit_t activate(prove_t *p, const slk_miner_network_t *network)
{
    slk_rt_t *rt = p->rt;
    slk_miner_state_t st;
    slk_sector_on_chain_info_list_t sectors;
    slk_bigint_t deposits, pledge;
    uint64_t *numbers;
    SLK_RT_TRY(make_sectors(p, network, &sectors, &deposits, &pledge));
    SLK_RT_TRY(slk_rt_alloc(rt, &numbers, sectors.count, sizeof *numbers));
    for (size_t i = 0; i < sectors.count; i++)
        numbers[i] = sectors.items[i].sector_number;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_put_sectors(rt, &st, sectors));
    SLK_RT_TRY(slk_precommits_delete(rt, &st, numbers, sectors.count));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_assign_sectors(rt, &st, &p->info, sectors),
                           "failed to assign new sectors to deadlines"));
    SLK_RT_TRY(slk_miner_add_deposit(rt, &st, slk_bigint_neg(deposits)));
    SLK_RT_TRY(slk_miner_lock_pledge(rt, &st, pledge));
    SLK_RT_TRY(slk_miner_check_balance(rt, &st));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    /* No power: that comes with the first window PoSt. */
    return slk_miner_pledge_changed(rt, pledge);
}

slk_exit_t slk_miner_prove_commit_sectors3(slk_rt_t *rt)
{
    prove_t p = {.rt = rt};
    slk_miner_state_t st;
    slk_miner_network_t network;
    SLK_RT_TRY(slk_rt_read_params(rt, &p.params, &slk_prove_commit_sectors3_params_type));
    p.cnt = p.params.sector_activations.count;
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &p.info));
    SLK_RT_TRY(load_precommits(&p));
    SLK_RT_TRY(check_params(&p));
    SLK_RT_TRY(check_precommits(&p));
    SLK_RT_TRY(verify(&p));
    SLK_RT_TRY(slk_activate_data(rt, &p.list, p.params.require_activation_success));
    SLK_RT_TRY(slk_miner_network(rt, &network));
    SLK_RT_TRY(activate(&p, &network));
    for (size_t i = 0; i < p.cnt; i++)
        if (p.list.items[i].code == SLK_EXIT_OK)
            SLK_RT_TRY(slk_activation_event(rt, "sector-activated", p.list.items[i].sector,
                                            p.list.items[i].declared, &p.list.items[i].pieces));
    SLK_RT_TRY(slk_notify_data_consumers(rt, &p.list, p.params.require_notification_success));
    return slk_return_activations(rt, &p.list);
}
