/* The reward actor: what blocks earn, epoch by epoch, and how it is paid (spec chain.md 3.4,
 * 4.3). */

#include "codec/actors/reward.h"

#include "base/assert.h"
#include "codec/actors/miner.h"
#include "codec/economics/reward.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"
#include "devnet/vm/runtime.h"

#define PENALTY_FACTOR 3u
#define APPLY_REWARDS  14u

/* --- State and numbers ------------------------------------------------------------------------ */

#define NUMBERS(X)                                                                                 \
    X(cumsum_baseline)                                                                             \
    X(cumsum_realized)                                                                             \
    X(effective_baseline_power)                                                                    \
    X(this_epoch_reward)                                                                           \
    X(this_epoch_baseline_power)                                                                   \
    X(total_storage_power_reward)                                                                  \
    X(simple_total)                                                                                \
    X(baseline_total)

static void to_numbers(slk_reward_numbers_t *n, const slk_reward_state_t *state)
{
    mpz_t view;
#define TO_NUMBER(field) mpz_set(n->field, slk_bigint_view(view, &state->field));
    NUMBERS(TO_NUMBER)
#undef TO_NUMBER
    const slk_filter_estimate_t *smoothed = &state->this_epoch_reward_smoothed;
    slk_filter_from_bigint(&n->this_epoch_reward_smoothed, &smoothed->position_estimate,
                           &smoothed->velocity_estimate);
    n->effective_network_time = state->effective_network_time;
    n->epoch = state->epoch;
}

static void from_numbers(slk_reward_state_t *state, const slk_reward_numbers_t *n)
{
#define FROM_NUMBER(field) SLK_ASSERT(slk_bigint_from_mpz(&state->field, n->field));
    NUMBERS(FROM_NUMBER)
#undef FROM_NUMBER
    slk_filter_estimate_t *smoothed = &state->this_epoch_reward_smoothed;
    slk_filter_to_bigint(&smoothed->position_estimate, &smoothed->velocity_estimate,
                         &n->this_epoch_reward_smoothed);
    state->effective_network_time = n->effective_network_time;
    state->epoch = n->epoch;
}

slk_err_t slk_first_reward_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_reward_numbers_t numbers;
    slk_reward_state_t state;
    mpz_t none;
    mpz_init(none);
    slk_reward_init(&numbers, none);
    from_numbers(&state, &numbers);
    slk_reward_clear(&numbers);
    mpz_clear(none);
    return slk_object_put(head, &slk_reward_state_type, &state, store, diag);
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static slk_exit_t check_award(slk_rt_t *rt, const slk_award_block_reward_params_t *params)
{
    const uint64_t system = SLK_ID_SYSTEM;
    slk_bigint_t balance = slk_rt_balance(rt);
    SLK_RT_TRY(slk_rt_require_caller(rt, &system, 1));
    if (slk_bigint_sign(&params->penalty) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "negative penalty %s",
                            slk_bigint_text(&params->penalty).s);
    if (slk_bigint_sign(&params->gas_reward) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "negative gas reward %s",
                            slk_bigint_text(&params->gas_reward).s);
    if (slk_bigint_cmp(&balance, &params->gas_reward) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "actor current balance %s insufficient to pay gas reward %s",
                            slk_bigint_text(&balance).s, slk_bigint_text(&params->gas_reward).s);
    if (params->win_count <= 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "invalid win count %lld",
                            (long long)params->win_count);
    return SLK_EXIT_OK;
}

/* What the block earns with its gas; at most what there still is. Counted in the state. */
static slk_exit_t earn(slk_rt_t *rt, const slk_award_block_reward_params_t *params,
                       slk_bigint_t *total)
{
    slk_reward_state_t state;
    slk_bigint_t balance = slk_rt_balance(rt), of_block;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_reward_state_type));
    of_block = slk_bigint_mul(state.this_epoch_reward, slk_bigint_i64(params->win_count));
    of_block = slk_bigint_div_floor(of_block, slk_bigint_u64(SLK_EXPECTED_LEADERS));
    *total = slk_bigint_min(slk_bigint_add(of_block, params->gas_reward), balance);
    of_block = slk_bigint_sub(*total, params->gas_reward);
    state.total_storage_power_reward = slk_bigint_add(state.total_storage_power_reward, of_block);
    return slk_rt_write_state(rt, &state, &slk_reward_state_type);
}

/* A miner that cannot take its reward loses it: the block is there all the same. */
static slk_exit_t award_block_reward(slk_rt_t *rt)
{
    slk_award_block_reward_params_t params;
    slk_apply_reward_params_t apply;
    slk_buf_t buf = {0};
    uint64_t miner;
    bool found;
    slk_exit_t exit;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_award_block_reward_params_type));
    SLK_RT_TRY(check_award(rt, &params));
    SLK_RT_TRY(slk_rt_resolve(rt, &params.miner, &miner, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "failed to resolve given owner address");
    apply.penalty = slk_bigint_mul(params.penalty, slk_bigint_u64(PENALTY_FACTOR));
    SLK_RT_TRY(earn(rt, &params, &apply.reward));

    const slk_address_t to = slk_address_id(miner), burnt = slk_address_id(SLK_ID_BURNT);
    slk_err_t err = slk_record_encode(&buf, &slk_apply_reward_params_type, &apply, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    slk_exit_t own = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (own == SLK_EXIT_OK)
        own = slk_rt_send(rt, &to, APPLY_REWARDS, buf.bytes, buf.len, apply.reward, &exit, NULL);
    slk_buf_free(&buf);
    if (own == SLK_EXIT_OK && exit != SLK_EXIT_OK)
        own = slk_rt_send(rt, &burnt, 0, NULL, 0, apply.reward, &exit, NULL);
    return own;
}

/* --- Epochs ----------------------------------------------------------------------------------- */

static slk_exit_t this_epoch_reward(slk_rt_t *rt)
{
    slk_reward_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_reward_state_type));
    slk_this_epoch_reward_return_t ret = {state.this_epoch_reward_smoothed,
                                          state.this_epoch_baseline_power};
    return slk_rt_return_record(rt, &ret, &slk_this_epoch_reward_return_type);
}

static slk_exit_t update_network_kpi(slk_rt_t *rt)
{
    const uint64_t power_actor = SLK_ID_POWER;
    slk_reward_numbers_t numbers;
    slk_reward_state_t state;
    slk_value_bigint_t power;
    mpz_t view, none;
    SLK_RT_TRY(slk_rt_require_caller(rt, &power_actor, 1));
    SLK_RT_TRY(slk_rt_read_params(rt, &power, &slk_value_bigint_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_reward_state_type));
    mpz_init(none);
    slk_reward_init(&numbers, none);
    to_numbers(&numbers, &state);
    slk_reward_update(&numbers, slk_rt_epoch(rt), slk_bigint_view(view, &power.value));
    from_numbers(&state, &numbers);
    slk_reward_clear(&numbers);
    mpz_clear(none);
    return slk_rt_write_state(rt, &state, &slk_reward_state_type);
}

static const slk_actor_method_t methods[] = {
    {2, "AwardBlockReward", award_block_reward},
    {3, "ThisEpochReward", this_epoch_reward},
    {4, "UpdateNetworkKPI", update_network_kpi},
};
const slk_actor_t slk_actor_reward = {SLK_ACTOR_REWARD, methods, SLK_COUNT(methods)};
