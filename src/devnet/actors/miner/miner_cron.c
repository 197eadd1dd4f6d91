/* OnDeferredCronEvent: a deadline closes, early terminations are worked off. */

#include "devnet/actors/miner/deadline_post.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

/* What the end of a deadline changes. */
typedef struct {
    slk_power_pair_t power_delta, live_power, previously_faulty;
    slk_bigint_t pledge_delta, daily_fee;
} advance_t;

static slk_exit_t end_deadline(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                               const slk_deadline_info_t *dl, slk_sectors_t *sectors,
                               slk_deadline_t *deadline, advance_t *out)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_proving_t on = {rt, sectors, info->sector_size, slk_deadline_quant(policy, dl)};
    slk_expiration_set_t expired;
    int64_t last = slk_deadline_last(dl);
    SLK_RT_TRY(slk_deadline_end(&on, deadline, last + policy->fault_max_age, &st->sectors,
                                &out->power_delta));
    SLK_RT_TRY(slk_deadline_pop_expired(&on, deadline, last, &expired));
    /* The pledge of those that end early is kept for their fee. */
    out->pledge_delta = slk_bigint_neg(expired.on_time_pledge);
    SLK_RT_TRY(slk_miner_add_pledge(rt, st, out->pledge_delta));
    slk_power_sub_from(&out->power_delta, &expired.active_power);
    if (!slk_bitfield_is_empty(&expired.early_sectors))
        SLK_RT_TRY(slk_rt_set_bit(rt, &st->early_terminations, dl->index));
    out->daily_fee = deadline->daily_fee;
    out->live_power = deadline->live_power;
    return SLK_EXIT_OK;
}

static slk_exit_t advance(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                          advance_t *out)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_deadline_info_t dl = slk_miner_deadline(rt, st);
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_exit_t exit;
    *out = (advance_t){0};
    if (dl.now < dl.period_start)
        return SLK_EXIT_OK;
    st->current_deadline = (dl.index + 1) % policy->deadlines;
    if (!st->current_deadline)
        st->proving_period_start = dl.period_start + policy->proving_period;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_TRY(slk_deadlines_get(rt, &deadlines, dl.index, &deadline));
    out->previously_faulty = deadline.faulty_power;
    if (!slk_deadline_is_live(&deadline))
        return SLK_EXIT_OK;
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st->sectors));
    SLK_RT_GOTO(end_deadline(rt, st, info, &dl, &sectors, &deadline, out));
    SLK_RT_GOTO(slk_deadlines_put(rt, &deadlines, dl.index, &deadline));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &st->deadlines));
out:
    slk_sectors_close(&sectors);
    return exit;
}

/* Debts of the day: deposits of pre-commits that ran out, the fee of power that was faulty before, the
 * daily fee. */
static slk_exit_t charge(slk_rt_t *rt, slk_miner_state_t *st,
                         const slk_deferred_cron_event_params_t *params, const advance_t *advance)
{
    const slk_filter_estimate_t *reward = &params->reward_smoothed,
                                *power = &params->quality_adj_power_smoothed;
    SLK_RT_TRY(slk_miner_apply_penalty(
        rt, st, slk_miner_fault_fee(reward, power, advance->previously_faulty.qa)));
    if (slk_bigint_sign(&advance->daily_fee) <= 0)
        return SLK_EXIT_OK;
    return slk_miner_apply_penalty(
        rt, st,
        slk_miner_daily_fee_payable(reward, power, advance->daily_fee, advance->live_power.qa));
}

/* State alone; what is to be sent comes in *sums. */
typedef struct {
    slk_power_pair_t power_delta;
    slk_bigint_t to_burn, pledge_delta;
    bool had_terminations;
} sums_t;

static slk_exit_t close_deadline(slk_rt_t *rt, slk_miner_state_t *st,
                                 const slk_deferred_cron_event_params_t *params, sums_t *sums)
{
    slk_miner_info_t info;
    slk_bigint_t deposits, unlocked;
    advance_t advanced;
    SLK_RT_TRY(slk_miner_load_info(rt, st, &info));
    SLK_RT_TRY(slk_miner_process_worker(rt, st, &info));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_clean_up_precommits(rt, st, &deposits),
                           "failed to expire pre-committed sectors"));
    SLK_RT_TRY(slk_miner_apply_penalty(rt, st, deposits));
    sums->had_terminations = slk_miner_has_terminations(st);
    SLK_RT_TRY(slk_rt_wrap(rt, advance(rt, st, &info, &advanced), "failed to advance deadline"));
    SLK_RT_TRY(charge(rt, st, params, &advanced));
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, st, &sums->to_burn, &unlocked),
                           "failed to unlock penalty"));
    sums->pledge_delta = slk_bigint_sub(advanced.pledge_delta, unlocked);
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_unlock_vested(rt, st, &unlocked), "failed to vest funds"));
    slk_amount_sub_from(&sums->pledge_delta, &unlocked);
    sums->power_delta = advanced.power_delta;
    if (!slk_miner_continue_cron(st))
        st->deadline_cron_active = false;
    return slk_miner_save(rt, st);
}

static slk_exit_t proving_deadline(slk_rt_t *rt, const slk_deferred_cron_event_params_t *params)
{
    slk_miner_state_t st;
    sums_t sums;
    bool more;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(close_deadline(rt, &st, params, &sums));
    SLK_RT_TRY(slk_miner_update_power(rt, &sums.power_delta));
    SLK_RT_TRY(slk_miner_burn(rt, sums.to_burn));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, sums.pledge_delta));
    if (slk_miner_continue_cron(&st)) {
        slk_deadline_info_t next =
            slk_deadline_current(slk_rt_policy(rt), st.proving_period_start, slk_rt_epoch(rt) + 1);
        SLK_RT_TRY(slk_miner_enroll_cron(rt, slk_deadline_last(&next), SLK_CRON_PROVING_DEADLINE));
    }
    /* With terminations from before, an event for them is on its way already. */
    if (sums.had_terminations || !slk_miner_has_terminations(&st))
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_miner_process_terminations(rt, &params->reward_smoothed,
                                              &params->quality_adj_power_smoothed, &more));
    return more ? slk_miner_enroll_cron(rt, slk_rt_epoch(rt) + 1, SLK_CRON_EARLY_TERMINATIONS)
                : SLK_EXIT_OK;
}

static slk_exit_t early_terminations(slk_rt_t *rt, const slk_deferred_cron_event_params_t *params)
{
    bool more;
    SLK_RT_TRY(slk_miner_process_terminations(rt, &params->reward_smoothed,
                                              &params->quality_adj_power_smoothed, &more));
    return more ? slk_miner_enroll_cron(rt, slk_rt_epoch(rt) + 1, SLK_CRON_EARLY_TERMINATIONS)
                : SLK_EXIT_OK;
}

slk_exit_t slk_miner_on_deferred_cron_event(slk_rt_t *rt)
{
    const uint64_t power = SLK_ID_POWER;
    slk_deferred_cron_event_params_t params;
    slk_cron_event_payload_t payload;
    slk_miner_state_t st;
    SLK_RT_TRY(slk_rt_require_caller(rt, &power, 1));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_deferred_cron_event_params_type));
    SLK_RT_TRY(
        slk_rt_err(rt,
                   slk_record_decode(&payload, &slk_cron_event_payload_type, params.event_payload.b,
                                     params.event_payload.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                   SLK_EXIT_USR_ILLEGAL_STATE));
    /* Events of other numbers are passed over. */
    if (payload.event_type == SLK_CRON_PROVING_DEADLINE)
        SLK_RT_TRY(proving_deadline(rt, &params));
    else if (payload.event_type == SLK_CRON_EARLY_TERMINATIONS)
        SLK_RT_TRY(early_terminations(rt, &params));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    return slk_miner_check_balance(rt, &st);
}
