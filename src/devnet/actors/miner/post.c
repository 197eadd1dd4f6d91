/* SubmitWindowedPoSt and DisputeWindowedPoSt. */

#include "codec/cbor.h"
#include "devnet/actors/miner/deadline_post.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>
#include <string.h>

#define TAG_WINDOW_POST 4
#define TAG_POST_COMMIT 9
#define PROOF_BYTES     192u /* of one partition */
#define RANDOMNESS_MAX  32u

/* Draw the challenge and verify for real. */
static slk_exit_t verify(slk_rt_t *rt, int64_t challenge, slk_sectors_t *sectors,
                         const slk_bitfield_t *proven, const slk_bitfield_t *ignored,
                         const slk_post_proof_t *proof, bool *ok)
{
    slk_buf_t entropy = {0};
    slk_node_t randomness;
    slk_post_sector_t *infos;
    size_t cnt;
    slk_address_t miner = slk_address_id(slk_rt_receiver(rt));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_sectors_for_proof(sectors, proven, ignored, &infos, &cnt),
                           "failed to load sectors for post verification"));
    slk_cbor_put_bytes(&entropy, miner.b, miner.len);
    slk_err_t err = slk_buf_check(&entropy, slk_rt_diag(rt));
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_beacon_randomness(rt, &randomness, TAG_WINDOW_POST, challenge, entropy.bytes,
                                        entropy.len);
    slk_buf_free(&entropy);
    SLK_RT_TRY(exit);
    return slk_rt_wrap(rt,
                       slk_rt_verify_window_post(rt, slk_rt_receiver(rt), proof->post_proof,
                                                 &randomness, infos, cnt, proof->proof_bytes, ok),
                       "window post failed");
}

/* --- Submit ------------------------------------------------------------------------------------------------ */

static slk_exit_t check_params(slk_rt_t *rt, const slk_submit_windowed_post_params_t *params)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    if (params->proofs.count != 1)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "expected exactly one proof, got %zu", params->proofs.count);
    if (!slk_window_post_allowed(policy, params->proofs.items[0].post_proof))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "proof type %s not allowed",
                            slk_post_proof_name(params->proofs.items[0].post_proof).s);
    if (params->deadline >= policy->deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid deadline %" PRIu64 " of %" PRIu32, params->deadline,
                            policy->deadlines);
    if (params->chain_commit_rand.len > RANDOMNESS_MAX)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "expected at most %u bytes of randomness, got %zu", RANDOMNESS_MAX,
                            params->chain_commit_rand.len);
    return SLK_EXIT_OK;
}

static slk_exit_t check_proof(slk_rt_t *rt, const slk_submit_windowed_post_params_t *params,
                              const slk_miner_info_t *info)
{
    const slk_post_proof_t *proof = &params->proofs.items[0];
    size_t most = PROOF_BYTES * params->partitions.count;
    uint64_t limit = slk_miner_partitions_max(rt, info);
    if (proof->post_proof != info->window_post_proof_type)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "expected proof of type %s, got %s",
                            slk_post_proof_name(info->window_post_proof_type).s,
                            slk_post_proof_name(proof->post_proof).s);
    if (proof->proof_bytes.len > most)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "expected proof to be smaller than %zu bytes", most);
    if (limit > slk_rt_policy(rt)->partitions_per_message)
        limit = slk_rt_policy(rt)->partitions_per_message;
    if (params->partitions.count > limit)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "too many partitions %zu, limit %" PRIu64, params->partitions.count,
                            limit);
    return SLK_EXIT_OK;
}

static slk_exit_t check_time(slk_rt_t *rt, const slk_submit_windowed_post_params_t *params,
                             const slk_deadline_info_t *dl)
{
    slk_node_t drawn;
    if (!slk_deadline_is_open(dl))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "proving period %" PRId64 " not yet open at %" PRId64, dl->period_start,
                            dl->now);
    if (params->deadline != dl->index)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid deadline %" PRIu64 " at epoch %" PRId64 ", expected %" PRIu64,
                            params->deadline, dl->now, dl->index);
    if (params->chain_commit_epoch < dl->challenge)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "expected chain commit epoch %" PRId64 " to be after %" PRId64,
                            params->chain_commit_epoch, dl->challenge);
    if (params->chain_commit_epoch >= dl->now)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "chain commit epoch %" PRId64
                            " must be less than the current epoch %" PRId64,
                            params->chain_commit_epoch, dl->now);
    SLK_RT_TRY(
        slk_rt_ticket_randomness(rt, &drawn, TAG_POST_COMMIT, params->chain_commit_epoch, NULL, 0));
    if (params->chain_commit_rand.len != sizeof drawn.b ||
        memcmp(params->chain_commit_rand.b, drawn.b, sizeof drawn.b))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "post commit randomness mismatched");
    return SLK_EXIT_OK;
}

/* A proof that brings power back is verified at once. Others are only kept on a real chain, so that a
 * wrong one shows when it is disputed; a development chain says so at once, unless told to be like
 * the real one. */
static slk_exit_t accept(const slk_proving_t *on, slk_deadline_t *deadline, int64_t challenge,
                         const slk_post_result_t *result, const slk_post_proof_list_t *proofs)
{
    slk_rt_t *rt = on->rt;
    bool optimistic = slk_power_is_zero(&result->recovered_power), ok = true;
    if (!optimistic || !slk_rt_policy(rt)->optimistic_post)
        SLK_RT_TRY(verify(rt, challenge, on->sectors, &result->sectors, &result->ignored,
                          &proofs->items[0], &ok));
    if (!ok && optimistic)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid post was submitted (strict mode of this development chain: a "
                            "real chain would accept this proof until it is disputed)");
    if (!ok)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid post was submitted");
    if (!optimistic)
        return SLK_EXIT_OK;
    const slk_windowed_post_t post = {result->partitions, *proofs};
    return slk_rt_wrap(rt, slk_deadline_keep_post(rt, deadline, &post),
                       "failed to record proof for optimistic verification");
}

static slk_exit_t submit(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                         const slk_submit_windowed_post_params_t *params,
                         const slk_deadline_info_t *dl, slk_post_result_t *result)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_bitfield_t proven;
    slk_exit_t exit;
    slk_proving_t on = {rt, &sectors, info->sector_size, slk_deadline_quant(policy, dl)};
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st->sectors));
    SLK_RT_GOTO(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_GOTO(slk_deadlines_get(rt, &deadlines, params->deadline, &deadline));
    SLK_RT_GOTO(slk_rt_wrap(
        rt,
        slk_deadline_record_proven(&on, &deadline, slk_deadline_last(dl) + policy->fault_max_age,
                                   &params->partitions, result),
        "failed to process post submission for deadline %" PRIu64, params->deadline));
    SLK_RT_GOTO(slk_rt_difference(rt, &proven, &result->sectors, &result->ignored));
    if (slk_bitfield_is_empty(&proven))
        SLK_RT_GOTO(slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                                 "cannot prove partitions with no active sectors"));
    SLK_RT_GOTO(accept(&on, &deadline, dl->challenge, result, &params->proofs));
    SLK_RT_GOTO(slk_rt_wrap(rt, slk_deadlines_put(rt, &deadlines, params->deadline, &deadline),
                            "failed to update deadline %" PRIu64, params->deadline));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &st->deadlines));
out:
    slk_sectors_close(&sectors);
    return exit;
}

slk_exit_t slk_miner_submit_windowed_post(slk_rt_t *rt)
{
    slk_submit_windowed_post_params_t params;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_post_result_t result;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_submit_windowed_post_params_type));
    SLK_RT_TRY(check_params(rt, &params));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    SLK_RT_TRY(check_proof(rt, &params, &info));
    slk_deadline_info_t dl = slk_miner_deadline(rt, &st);
    SLK_RT_TRY(check_time(rt, &params, &dl));
    SLK_RT_TRY(submit(rt, &st, &info, &params, &dl, &result));
    SLK_RT_TRY(slk_miner_save(rt, &st));
    SLK_RT_TRY(slk_miner_update_power(rt, &result.power_delta));
    return slk_miner_check_balance(rt, &st);
}

/* --- Dispute ------------------------------------------------------------------------------------------------- */

/* Check the proof against the snapshot; where it is wrong, its sectors are faulty. */
static slk_exit_t refute(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                         const slk_dispute_windowed_post_params_t *params,
                         const slk_deadline_info_t *target, slk_power_pair_t *power_delta,
                         slk_power_pair_t *disputed)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_sectors_t sectors = {0};
    slk_proving_t on = {rt, &sectors, info->sector_size, slk_deadline_quant(policy, target)};
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_windowed_post_t post;
    slk_dispute_t dispute;
    slk_exit_t exit;
    bool ok;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(slk_deadlines_get(rt, &deadlines, params->deadline, &deadline));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_deadline_take_post(rt, &deadline, params->post_index, &post),
                           "failed to load proof for dispute"));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_deadline_dispute(rt, &deadline, &post.partitions, &dispute),
                           "failed to load partition for dispute"));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &deadline.sectors_snapshot));
    SLK_RT_GOTO(verify(rt, target->challenge, &sectors, &dispute.sectors, &dispute.ignored,
                       &post.proofs.items[0], &ok));
    if (ok)
        SLK_RT_GOTO(
            slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "failed to dispute valid post"));
    SLK_RT_GOTO(slk_rt_wrap(rt,
                            slk_deadline_record_faults(
                                &on, &deadline, slk_deadline_last(target) + policy->fault_max_age,
                                &dispute.disputed, power_delta),
                            "failed to declare faults"));
    SLK_RT_GOTO(slk_rt_wrap(rt, slk_deadlines_put(rt, &deadlines, params->deadline, &deadline),
                            "failed to update deadline %" PRIu64, params->deadline));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &st->deadlines));
    *disputed = dispute.power;
out:
    slk_sectors_close(&sectors);
    return exit;
}

static slk_exit_t target_deadline(slk_rt_t *rt, const slk_miner_state_t *st, uint64_t index,
                                  slk_deadline_info_t *target)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_deadline_info_t dl = slk_miner_deadline(rt, st);
    if (!slk_deadline_is_disputable(policy, dl.period_start, index, dl.now))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "can only dispute window posts during the dispute window (%" PRId64
                            " epochs after the challenge window closes)",
                            policy->dispute_window);
    int64_t start = dl.period_start - (dl.index < index ? policy->proving_period : 0);
    *target = slk_deadline_info(policy, start, index, dl.now);
    return SLK_EXIT_OK;
}

/* The reward goes to whoever disputed; what he does not take is burnt. */
static slk_exit_t pay(slk_rt_t *rt, slk_bigint_t to_burn, slk_bigint_t to_reward)
{
    slk_address_t reporter = slk_address_id(slk_rt_caller(rt));
    slk_exit_t sent = SLK_EXIT_OK;
    if (slk_bigint_sign(&to_reward))
        SLK_RT_TRY(slk_rt_send(rt, &reporter, 0, NULL, 0, to_reward, &sent, NULL));
    if (sent != SLK_EXIT_OK)
        to_burn = slk_bigint_add(to_burn, to_reward);
    return slk_miner_burn(rt, to_burn);
}

slk_exit_t slk_miner_dispute_windowed_post(slk_rt_t *rt)
{
    slk_dispute_windowed_post_params_t params;
    slk_this_epoch_reward_return_t reward;
    slk_current_total_power_return_t power;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_deadline_info_t target;
    slk_power_pair_t power_delta, disputed;
    slk_bigint_t to_burn, unlocked;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_dispute_windowed_post_params_type));
    if (params.deadline >= slk_rt_policy(rt)->deadlines)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid deadline %" PRIu64 " of %" PRIu32, params.deadline,
                            slk_rt_policy(rt)->deadlines);
    SLK_RT_TRY(slk_miner_epoch_reward(rt, &reward));
    SLK_RT_TRY(slk_miner_total_power(rt, &power));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(target_deadline(rt, &st, params.deadline, &target));
    SLK_RT_TRY(slk_miner_load_info(rt, &st, &info));
    SLK_RT_TRY(refute(rt, &st, &info, &params, &target, &power_delta, &disputed));

    slk_bigint_t penalty = slk_miner_dispute_penalty(
        &reward.this_epoch_reward_smoothed, &power.quality_adj_power_smoothed, disputed.qa);
    slk_bigint_t to_reward = slk_miner_dispute_reward();
    SLK_RT_TRY(slk_miner_apply_penalty(rt, &st, slk_bigint_add(penalty, to_reward)));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, &st, &to_burn, &unlocked),
                           "failed to pay debt"));
    to_reward = slk_bigint_min(to_burn, to_reward);
    SLK_RT_TRY(slk_miner_save(rt, &st));

    SLK_RT_TRY(slk_miner_update_power(rt, &power_delta));
    SLK_RT_TRY(pay(rt, slk_bigint_sub(to_burn, to_reward), to_reward));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, slk_bigint_neg(unlocked)));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    return slk_miner_check_balance(rt, &st);
}
