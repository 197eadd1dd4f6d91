#include "devnet/actors/miner/precommit.h"

#include "base/assert.h"
#include "devnet/actors/miner/array.h"

#include <inttypes.h>

/* --- Parameters ------------------------------------------------------------------------------- */

static slk_exit_t check_epochs(slk_rt_t *rt, const slk_sector_pre_commit_info_t *info)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    const int64_t now = slk_rt_epoch(rt), earliest = now - policy->max_precommit_lookback;
    if (info->seal_rand_epoch >= now)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "seal challenge epoch %" PRId64 " must be before now %" PRId64,
                            info->seal_rand_epoch, now);
    if (info->seal_rand_epoch < earliest)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "seal challenge epoch %" PRId64 " too old, must be after %" PRId64,
                            info->seal_rand_epoch, earliest);
    if (slk_cid_defined(&info->unsealed_cid) && !slk_is_unsealed_cid(&info->unsealed_cid))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "unsealed CID had wrong prefix");
    /* The least lifetime even if the proof comes at the last moment. */
    return slk_miner_check_expiration(rt, now + slk_max_prove_commit(policy, info->seal_proof),
                                      info->expiration, info->seal_proof);
}

static slk_exit_t check_info(slk_rt_t *rt, const slk_sector_pre_commit_info_t *info,
                             slk_number_set_t *seen)
{
    bool added;
    SLK_RT_TRY(slk_number_set_add(rt, seen, info->sector_number, &added));
    if (!added)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "duplicate sector number %" PRIu64,
                            info->sector_number);
    if (!slk_max_prove_commit(slk_rt_policy(rt), info->seal_proof))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "unsupported seal proof type %" PRId64, info->seal_proof);
    if (info->sector_number > SLK_SECTOR_NUMBER_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "sector number %" PRIu64 " out of range 0..(2^63-1)",
                            info->sector_number);
    if (!slk_is_sealed_cid(&info->sealed_cid))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "sealed CID had wrong prefix");
    return check_epochs(rt, info);
}

static slk_exit_t check_params(slk_rt_t *rt, const slk_pre_commit_sector_batch2_params_t *params,
                               slk_bitfield_t *numbers)
{
    slk_number_set_t seen = {0};
    if (!params->sectors.count)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "batch empty");
    for (size_t i = 0; i < params->sectors.count; i++)
        SLK_RT_TRY(check_info(rt, &params->sectors.items[i], &seen));
    return slk_rt_bits(rt, numbers, seen.numbers, seen.cnt);
}

/* Deals were listed here before network version 22; a sector that lists some can be pre-
 * committed on a real network but never proven. Here it is refused at once. */
static slk_exit_t refuse_deals(slk_rt_t *rt, const slk_pre_commit_sector_batch2_params_t *params)
{
    for (size_t i = 0; i < params->sectors.count; i++)
        if (params->sectors.items[i].deal_ids.count)
            return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                "sector %" PRIu64 " lists deals, which no proof accepts",
                                params->sectors.items[i].sector_number);
    return SLK_EXIT_OK;
}

/* --- State ------------------------------------------------------------------------------------ */

static slk_exit_t check_post_type(slk_rt_t *rt, const slk_miner_info_t *info, int64_t seal_proof)
{
    const int64_t post = seal_proof % 5 + 10; /* window PoSts V1_1, sizes in the same order */
    if (post == info->window_post_proof_type)
        return SLK_EXIT_OK;
    /* Word for word, with the percent sign that the real actor's text has. */
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "sector Window PoSt proof type %%d must match miner Window PoSt proof type "
                        "%" PRId64 " (seal proof type %" PRId64 ")",
                        post, info->window_post_proof_type);
}

static slk_exit_t make_infos(slk_rt_t *rt, const slk_pre_commit_sector_batch2_params_t *params,
                             const slk_miner_info_t *info, slk_bigint_t deposit,
                             slk_sector_pre_commit_on_chain_info_t **infos)
{
    SLK_RT_TRY(slk_rt_alloc(rt, infos, params->sectors.count, sizeof **infos));
    for (size_t i = 0; i < params->sectors.count; i++) {
        SLK_RT_TRY(check_post_type(rt, info, params->sectors.items[i].seal_proof));
        (*infos)[i] = (slk_sector_pre_commit_on_chain_info_t){params->sectors.items[i], deposit,
                                                              slk_rt_epoch(rt)};
    }
    return SLK_EXIT_OK;
}

static slk_exit_t lock_deposits(slk_rt_t *rt, slk_miner_state_t *st, slk_bigint_t deposit,
                                size_t cnt, const slk_bigint_t *available)
{
    const slk_bigint_t sum = slk_bigint_mul(deposit, slk_bigint_u64(cnt));
    if (slk_bigint_cmp(available, &sum) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "insufficient funds %s for pre-commit deposit: %s",
                            slk_fil_text(available).s, slk_fil_text(&sum).s);
    return slk_miner_add_deposit(rt, st, sum);
}

/* All that changes; what the debt was comes in *to_burn. */
static slk_exit_t store(slk_rt_t *rt, slk_miner_state_t *st,
                        const slk_pre_commit_sector_batch2_params_t *params,
                        const slk_bitfield_t *numbers, const slk_miner_network_t *network,
                        slk_bigint_t *to_burn)
{
    slk_miner_info_t info;
    slk_bigint_t available;
    slk_sector_pre_commit_on_chain_info_t *infos;
    const slk_policy_t *policy = slk_rt_policy(rt);
    const size_t cnt = params->sectors.count;
    SLK_RT_TRY(slk_miner_available_balance(rt, st, &available));
    SLK_RT_TRY(slk_miner_repay_debts(rt, st, to_burn));
    SLK_RT_TRY(slk_miner_load_info(rt, st, &info));
    SLK_RT_TRY(slk_miner_require_controller(rt, &info));
    if (slk_miner_fault_active(&info, slk_rt_epoch(rt)))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "pre-commit not allowed during active consensus fault");
    const slk_bigint_t deposit = slk_miner_precommit_deposit(network, info.sector_size);
    SLK_RT_TRY(make_infos(rt, params, &info, deposit, &infos));
    SLK_RT_TRY(lock_deposits(rt, st, deposit, cnt, &available));
    SLK_RT_TRY(slk_miner_allocate_numbers(rt, st, numbers, false));
    SLK_RT_TRY(slk_precommits_put(rt, st, infos, cnt));
    /* Proofs may take equally long for all kinds of seals. */
    return slk_precommits_clean_up_at(rt, st,
                                      slk_rt_epoch(rt) + policy->max_prove_commit_duration +
                                          policy->expired_precommit_delay,
                                      numbers);
}

slk_exit_t slk_miner_start_cron(slk_rt_t *rt, const slk_miner_state_t *st)
{
    const slk_deadline_info_t deadline = slk_miner_deadline(rt, st);
    return slk_miner_enroll_cron(rt, slk_deadline_last(&deadline), SLK_CRON_PROVING_DEADLINE);
}

slk_exit_t slk_miner_pre_commit_sector_batch2(slk_rt_t *rt)
{
    slk_pre_commit_sector_batch2_params_t params;
    slk_miner_network_t network;
    slk_miner_state_t st;
    slk_bitfield_t numbers;
    slk_bigint_t to_burn;
    uint64_t number;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_pre_commit_sector_batch2_params_type));
    SLK_RT_TRY(check_params(rt, &params, &numbers));
    SLK_RT_TRY(slk_miner_network(rt, &network));
    SLK_RT_TRY(refuse_deals(rt, &params));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(store(rt, &st, &params, &numbers, &network, &to_burn));
    const bool needs_cron = !st.deadline_cron_active;
    st.deadline_cron_active = true;
    for (slk_bit_iter_t it = slk_bitfield_iter(&numbers); slk_bit_next(&it, &number);)
        SLK_RT_TRY(slk_miner_sector_event(rt, "sector-precommitted", number));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    SLK_RT_TRY(slk_miner_check_balance(rt, &st));
    return needs_cron ? slk_miner_start_cron(rt, &st) : SLK_EXIT_OK;
}
