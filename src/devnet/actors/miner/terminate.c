/* TerminateSectors, and the fees of sectors that ended early. */

#include "base/assert.h"
#include "codec/actors/market.h"
#include "devnet/actors/miner/money.h"

#include <inttypes.h>

#define MARKET_SECTORS_TERMINATE 7u

/* --- TerminateSectors -------------------------------------------------------------------------------------- */

static slk_exit_t terminate_in(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                               const slk_deadline_sectors_t *row, slk_sectors_t *sectors,
                               slk_deadlines_t *deadlines, slk_power_pair_t *power_delta)
{
    slk_deadline_t deadline;
    slk_power_pair_t lost;
    if (!slk_miner_deadline_is_mutable(rt, st, row->deadline))
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cannot terminate sectors in immutable deadline %" PRIu64,
                            row->deadline);
    slk_proving_t on = {rt, sectors, info->sector_size, slk_miner_quant(rt, st, row->deadline)};
    SLK_RT_TRY(slk_deadlines_get(rt, deadlines, row->deadline, &deadline));
    SLK_RT_TRY(slk_rt_wrap(
        rt, slk_deadline_terminate(&on, &deadline, slk_rt_epoch(rt), &row->partitions, &lost),
        "failed to terminate sectors in deadline %" PRIu64, row->deadline));
    SLK_RT_TRY(slk_rt_set_bit(rt, &st->early_terminations, row->deadline));
    slk_power_sub_from(power_delta, &lost);
    return slk_rt_wrap(rt, slk_deadlines_put(rt, deadlines, row->deadline, &deadline),
                       "failed to update deadline %" PRIu64, row->deadline);
}

static slk_exit_t terminate(slk_rt_t *rt, slk_miner_state_t *st, const slk_miner_info_t *info,
                            const slk_sector_map_t *map, slk_power_pair_t *power_delta)
{
    slk_sectors_t sectors = {0};
    slk_deadlines_t deadlines;
    slk_exit_t exit;
    SLK_RT_GOTO(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    SLK_RT_GOTO(slk_sectors_open(&sectors, rt, &st->sectors));
    for (size_t i = 0; i < map->cnt; i++)
        SLK_RT_GOTO(terminate_in(rt, st, info, &map->items[i], &sectors, &deadlines, power_delta));
    SLK_RT_GOTO(slk_deadlines_save(rt, &deadlines, &st->deadlines));
out:
    slk_sectors_close(&sectors);
    return exit;
}

slk_exit_t slk_miner_terminate_sectors(slk_rt_t *rt)
{
    slk_terminate_sectors_params_t params;
    slk_this_epoch_reward_return_t reward;
    slk_current_total_power_return_t power;
    slk_sector_map_t map = {0};
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_power_pair_t power_delta = {0};
    bool more;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_terminate_sectors_params_type));
    for (size_t i = 0; i < params.terminations.count; i++) {
        const slk_sector_declaration_t *row = &params.terminations.items[i];
        SLK_RT_TRY(slk_sector_map_add(rt, &map, row->deadline, row->partition, &row->sectors));
    }
    SLK_RT_TRY(slk_sector_map_check(rt, &map));
    SLK_RT_TRY(slk_miner_load_controlled(rt, &st, &info));
    bool had = slk_miner_has_terminations(&st);
    SLK_RT_TRY(terminate(rt, &st, &info, &map, &power_delta));
    SLK_RT_TRY(slk_miner_save(rt, &st));

    SLK_RT_TRY(slk_miner_epoch_reward(rt, &reward));
    SLK_RT_TRY(slk_miner_total_power(rt, &power));
    SLK_RT_TRY(slk_miner_process_terminations(rt, &reward.this_epoch_reward_smoothed,
                                              &power.quality_adj_power_smoothed, &more));
    if (more && !had)
        SLK_RT_TRY(slk_miner_enroll_cron(rt, slk_rt_epoch(rt) + 1, SLK_CRON_EARLY_TERMINATIONS));
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(slk_miner_check_balance(rt, &st));
    SLK_RT_TRY(slk_miner_update_power(rt, &power_delta));
    const slk_terminate_sectors_return_t ret = {.done = !more};
    return slk_rt_return_record(rt, &ret, &slk_terminate_sectors_return_type);
}

/* --- Fees ----------------------------------------------------------------------------------------------------- */

/* Take sectors that ended early out of the deadlines, up to the limits of a message. */
static slk_exit_t pop_terminations(slk_rt_t *rt, slk_miner_state_t *st, slk_terminations_t *list)
{
    const slk_policy_t *policy = slk_rt_policy(rt);
    slk_deadlines_t deadlines;
    slk_bit_iter_t it = slk_bitfield_iter(&st->early_terminations);
    uint64_t index;
    if (!slk_miner_has_terminations(st))
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_deadlines_load(rt, &deadlines, &st->deadlines));
    while (list->partitions < policy->declarations_per_message &&
           list->sectors < policy->sectors_per_message && slk_bit_next(&it, &index)) {
        slk_deadline_t deadline;
        bool more;
        SLK_RT_TRY(slk_deadlines_get(rt, &deadlines, index, &deadline));
        SLK_RT_TRY(slk_rt_wrap(rt, slk_deadline_pop_terminations(rt, &deadline, list, &more),
                               "failed to pop early terminations for deadline %" PRIu64, index));
        if (!more)
            SLK_RT_TRY(slk_rt_unset_bit(rt, &st->early_terminations, index));
        SLK_RT_TRY(slk_deadlines_put(rt, &deadlines, index, &deadline));
    }
    return slk_deadlines_save(rt, &deadlines, &st->deadlines);
}

typedef struct {
    slk_bigint_t pledge, penalty;
    uint64_t *numbers, *with_data; /* numbers: in the order of the events */
    size_t cnt, data_cnt;
} ended_t;

static slk_exit_t add_up(slk_rt_t *rt, const slk_miner_state_t *st, const slk_miner_info_t *info,
                         const slk_terminations_t *list, const slk_filter_estimate_t *reward,
                         const slk_filter_estimate_t *power, ended_t *out)
{
    slk_sectors_t tree = {0};
    slk_exit_t exit;
    *out = (ended_t){0};
    SLK_RT_GOTO(slk_rt_alloc(rt, &out->numbers, list->sectors, sizeof *out->numbers));
    SLK_RT_GOTO(slk_rt_alloc(rt, &out->with_data, list->sectors, sizeof *out->with_data));
    SLK_RT_GOTO(slk_sectors_open(&tree, rt, &st->sectors));
    for (size_t i = 0; i < list->cnt; i++) {
        slk_sector_refs_t sectors;
        SLK_RT_GOTO(slk_rt_wrap(rt, slk_sectors_load(&tree, &list->ended[i].sectors, &sectors),
                                "failed to load sector infos"));
        for (size_t k = 0; k < sectors.cnt; k++) {
            const slk_sector_on_chain_info_t *sector = sectors.items[k];
            slk_bigint_t fee = slk_miner_termination_fee(
                reward, power, slk_sector_qa_power(info->sector_size, sector),
                sector->initial_pledge, list->ended[i].epoch - sector->activation);
            SLK_ASSERT(out->cnt < list->sectors);
            slk_amount_add_to(&out->pledge, &sector->initial_pledge);
            slk_amount_add_to(&out->penalty, &fee);
            out->numbers[out->cnt++] = sector->sector_number;
            if (slk_bigint_sign(&sector->deal_weight) > 0 ||
                slk_bigint_sign(&sector->verified_deal_weight) > 0)
                out->with_data[out->data_cnt++] = sector->sector_number;
        }
    }
out:
    slk_sectors_close(&tree);
    return exit;
}

/* The market slashes their deals. What goes wrong there must not stop the chain's own cron. */
static slk_exit_t terminate_deals(slk_rt_t *rt, const ended_t *ended)
{
    slk_on_miner_sectors_terminate_params_t params = {.epoch = slk_rt_epoch(rt)};
    slk_buf_t buf = {0};
    slk_exit_t exit, sent = SLK_EXIT_OK;
    slk_address_t market = slk_address_id(SLK_ID_MARKET);
    if (!ended->data_cnt)
        return SLK_EXIT_OK;
    SLK_RT_TRY(slk_rt_bits(rt, &params.sectors, ended->with_data, ended->data_cnt));
    slk_err_t err = slk_record_encode(&buf, &slk_on_miner_sectors_terminate_params_type, &params,
                                      slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_send(rt, &market, MARKET_SECTORS_TERMINATE, buf.bytes, buf.len,
                           slk_bigint_u64(0), &sent, NULL);
    slk_buf_free(&buf);
    SLK_RT_TRY(exit);
    if (sent == SLK_EXIT_OK || slk_rt_origin(rt) == SLK_ID_SYSTEM)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, sent, "send aborted with code %d", sent);
}

slk_exit_t slk_miner_process_terminations(slk_rt_t *rt, const slk_filter_estimate_t *reward,
                                          const slk_filter_estimate_t *power, bool *more)
{
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_terminations_t list = {0};
    ended_t ended;
    slk_bigint_t to_burn, unlocked;
    SLK_RT_TRY(slk_miner_load(rt, &st));
    SLK_RT_TRY(
        slk_rt_wrap(rt, pop_terminations(rt, &st, &list), "failed to pop early terminations"));
    *more = slk_miner_has_terminations(&st);
    if (!list.sectors)
        return slk_miner_save(rt, &st);
    SLK_RT_TRY(slk_miner_load_info(rt, &st, &info));
    SLK_RT_TRY(add_up(rt, &st, &info, &list, reward, power, &ended));
    SLK_RT_TRY(slk_miner_apply_penalty(rt, &st, ended.penalty));
    slk_bigint_t pledge_delta = slk_bigint_neg(ended.pledge);
    SLK_RT_TRY(slk_miner_add_pledge(rt, &st, pledge_delta));
    /* The pledge that is free now pays first. */
    SLK_RT_TRY(slk_rt_wrap(rt, slk_miner_repay_partial(rt, &st, &to_burn, &unlocked),
                           "failed to repay penalty"));
    slk_amount_sub_from(&pledge_delta, &unlocked);
    SLK_RT_TRY(slk_miner_save(rt, &st));

    SLK_RT_TRY(slk_miner_burn(rt, to_burn));
    SLK_RT_TRY(slk_miner_pledge_changed(rt, pledge_delta));
    SLK_RT_TRY(terminate_deals(rt, &ended));
    for (size_t i = 0; i < ended.cnt; i++)
        SLK_RT_TRY(slk_miner_sector_event(rt, "sector-terminated", ended.numbers[i]));
    return SLK_EXIT_OK;
}
