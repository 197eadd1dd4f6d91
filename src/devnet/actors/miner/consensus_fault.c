/* ReportConsensusFault: two blocks of this miner that no honest producer would both make (judged as lotus
 * does in chain/vm). Both signatures are checked against the miner's worker of now, not of the blocks'
 * time, so that a miner that has changed its worker since cannot be reported for blocks of before. */

#include "codec/chain/block.h"
#include "codec/economics/pledge.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

typedef struct {
    slk_block_header_t header;
    slk_cid_t cid;
} block_t;

static slk_exit_t no_fault(slk_rt_t *rt)
{
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "No consensus fault found");
}

static slk_exit_t read_block(slk_rt_t *rt, slk_bytes_t bytes, block_t *block)
{
    slk_diag_t *diag = slk_rt_diag(rt);
    slk_err_t err = slk_record_decode(&block->header, &slk_block_header_type, bytes.b, bytes.len,
                                      slk_rt_arena(rt), diag);
    if (err == SLK_ERR_FORMAT)
        return no_fault(rt);
    if (err == SLK_OK)
        err = slk_block_cid(&block->cid, &block->header, diag);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

static bool same_parents(const block_t *a, const block_t *b)
{
    const slk_cid_list_t *p = &a->header.parents, *q = &b->header.parents;
    if (p->count != q->count)
        return false;
    for (size_t i = 0; i < p->count; i++)
        if (!slk_cid_eq(&p->items[i], &q->items[i]))
            return false;
    return true;
}

static bool is_parent(const block_t *parent, const block_t *block)
{
    for (size_t i = 0; i < block->header.parents.count; i++)
        if (slk_cid_eq(&block->header.parents.items[i], &parent->cid))
            return true;
    return false;
}

/* a is not later than b. Two blocks of one epoch; two epochs on the same parents; or b is built on a's
 * sibling c and leaves a out. */
static bool is_fault(const block_t *a, const block_t *b, const block_t *c)
{
    if (a->header.height == b->header.height || same_parents(a, b))
        return true;
    return c && same_parents(a, c) && a->header.height == c->header.height && is_parent(c, b) &&
           !is_parent(a, b);
}

static slk_exit_t find_fault(slk_rt_t *rt, const slk_report_consensus_fault_params_t *params,
                             block_t *a, block_t *b)
{
    block_t extra, *c = NULL;
    SLK_RT_TRY(read_block(rt, params->block_header1, a));
    SLK_RT_TRY(read_block(rt, params->block_header2, b));
    if (slk_cid_eq(&a->cid, &b->cid) || !slk_address_eq(&a->header.miner, &b->header.miner) ||
        b->header.height < a->header.height)
        return no_fault(rt);
    if (params->block_header_extra.len) {
        SLK_RT_TRY(read_block(rt, params->block_header_extra, &extra));
        c = &extra;
    }
    return is_fault(a, b, c) ? SLK_EXIT_OK : no_fault(rt);
}

static slk_exit_t check_signature(slk_rt_t *rt, const block_t *block, const slk_miner_info_t *info)
{
    slk_buf_t buf = {0};
    const slk_signature_t *sig = &block->header.block_sig;
    bool ok = false;
    slk_err_t err = slk_block_unsigned(&buf, &block->header, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_verify_signature(rt, sig->type, sig->data, &info->worker, buf.bytes, buf.len,
                                       &ok);
    slk_buf_free(&buf);
    SLK_RT_TRY(exit);
    return ok ? SLK_EXIT_OK : no_fault(rt);
}

/* What the miner pays for a fault, and the reporter's share of that. */
static void amounts(const slk_filter_estimate_t *reward, slk_bigint_t *penalty, slk_bigint_t *share)
{
    slk_bigint_t epoch_reward = slk_bigint_shr(reward->position_estimate, 128);
    mpz_t out, view;
    mpz_init(out);
    slk_consensus_fault_penalty(out, slk_bigint_view(view, &epoch_reward));
    slk_bigint_from_mpz(penalty, out); /* not more than the reward, which fits */
    slk_consensus_fault_reward(out, slk_bigint_view(view, &epoch_reward));
    slk_bigint_from_mpz(share, out);
    mpz_clear(out);
}

static slk_exit_t check_fault(slk_rt_t *rt, const block_t *a, const block_t *b,
                              const slk_miner_info_t *info)
{
    slk_address_t self = slk_address_id(slk_rt_receiver(rt));
    int64_t epoch = b->header.height, now = slk_rt_epoch(rt);
    if (!slk_address_eq(&self, &a->header.miner))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "fault by another miner reported to miner f0%" PRIu64,
                            slk_rt_receiver(rt));
    SLK_RT_TRY(check_signature(rt, a, info));
    SLK_RT_TRY(check_signature(rt, b, info));
    if (epoch >= now)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "invalid fault epoch %" PRId64 " ahead of current %" PRId64, epoch,
                            now);
    if (epoch < info->consensus_fault_elapsed)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "fault epoch %" PRId64
                            " is too old, last exclusion period ended at %" PRId64,
                            epoch, info->consensus_fault_elapsed);
    return SLK_EXIT_OK;
}

slk_exit_t slk_miner_report_consensus_fault(slk_rt_t *rt)
{
    slk_report_consensus_fault_params_t params;
    slk_this_epoch_reward_return_t reward;
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_bigint_t penalty, share, to_burn, unlocked;
    slk_address_t reporter = slk_address_id(slk_rt_caller(rt));
    slk_exit_t sent;
    block_t a, b;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_report_consensus_fault_params_type));
    SLK_RT_TRY(find_fault(rt, &params, &a, &b));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_load_info(rt, &st, &info));
    SLK_RT_TRY(check_fault(rt, &a, &b, &info));

    SLK_RT_TRY(slk_miner_epoch_reward(rt, &reward));
    amounts(&reward.this_epoch_reward_smoothed, &penalty, &share);
    SLK_RT_TRY(slk_miner_apply_penalty(rt, &st, penalty));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, &st, &to_burn, &unlocked),
                           "failed to pay fees"));
    share = slk_bigint_min(to_burn, share);
    info.consensus_fault_elapsed = slk_rt_epoch(rt) + slk_rt_policy(rt)->finality;
    SLK_RT_TRY(slk_miner_save_info(rt, &st, &info));
    SLK_RT_TRY(slk_miner_save(rt, &st));

    /* A reporter that takes no money forgoes it. */
    SLK_RT_TRY(slk_rt_send(rt, &reporter, 0, NULL, 0, share, &sent, NULL));
    SLK_RT_TRY(slk_miner_burn(rt, slk_bigint_sub(to_burn, share)));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, slk_bigint_neg(unlocked)));
    return slk_miner_check_balance(rt, &st);
}
