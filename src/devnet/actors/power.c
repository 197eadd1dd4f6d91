/* The power actor: makes miners, keeps their power and calls them when they asked for it (spec
 * chain.md 3.4, 9.1; builtin-actors v18). */

#include "codec/actors/power.h"

#include "base/assert.h"
#include "codec/actors/init.h"
#include "codec/actors/miner.h"
#include "codec/actors/reward.h"
#include "codec/economics/filter.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"
#include "devnet/actors/state_map.h"

#include <inttypes.h>

#define CONSENSUS_MINERS  4 /* with fewer above the minimum, everybody's power counts */
#define QUEUE_WIDTH       6u
#define QUEUE_ARRAY_WIDTH 6u
#define INIT_EXEC         2u
#define REWARD_THIS_EPOCH 3u
#define REWARD_UPDATE_KPI 4u
#define MINER_ON_CRON     12u

/* The cron queue: HAMT from epoch to an AMT of these. */
#define SLK_CRON_EVENT_ROWS(F, T)                                                                  \
    F(T, ADDRESS, miner, "MinerAddr")                                                              \
    F(T, BYTES, payload, "CallbackPayload")
SLK_RECORD(slk_cron_event, SLK_CRON_EVENT_ROWS);
SLK_RECORD_TYPE(slk_cron_event, "CronEvent", TUPLE, SLK_CRON_EVENT_ROWS);

/* --- State ------------------------------------------------------------------------------------ */

slk_err_t slk_first_power_state(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_power_state_t state = {0};
    slk_filter_estimate_t *smoothed = &state.this_epoch_qa_power_smoothed;
    const slk_bigint_t position = slk_bigint_u64(UINT64_C(750000) << 30);
    const slk_bigint_t velocity = slk_bigint_u64(UINT64_C(3840) << 30);
    smoothed->position_estimate = slk_bigint_shl(position, 128);
    smoothed->velocity_estimate = slk_bigint_shl(velocity, 128);
    SLK_TRY(slk_empty_map(&state.cron_event_queue, QUEUE_WIDTH, store, diag));
    SLK_TRY(slk_empty_map(&state.claims, SLK_MAP_WIDTH, store, diag));
    SLK_TRY(slk_object_put(head, &slk_power_state_type, &state, store, diag));
out:
    return err;
}

static slk_exit_t get_claim(slk_rt_t *rt, const slk_power_state_t *state, uint64_t miner,
                            slk_power_claim_t *claim, bool *found)
{
    *found = false;
    if (miner > INT64_MAX)
        return SLK_EXIT_OK;
    slk_address_t address = slk_address_id(miner);
    return slk_state_map_get(rt, &state->claims, SLK_MAP_WIDTH, slk_state_key(&address), claim,
                             &slk_power_claim_type, found);
}

static slk_exit_t set_claim(slk_rt_t *rt, slk_power_state_t *state, uint64_t miner,
                            const slk_power_claim_t *claim)
{
    slk_address_t address = slk_address_id(miner);
    return slk_state_map_set(rt, &state->claims, SLK_MAP_WIDTH, slk_state_key(&address), claim,
                             &slk_power_claim_type);
}

static void add(slk_bigint_t *sum, const slk_bigint_t *delta)
{
    *sum = slk_bigint_add(*sum, *delta);
}

static void subtract(slk_bigint_t *sum, const slk_bigint_t *delta)
{
    *sum = slk_bigint_sub(*sum, *delta);
}

/* The network's totals count only miners above the minimum; the committed bytes count all. */
static void add_to_totals(slk_power_state_t *state, const slk_power_claim_t *old,
                          const slk_power_claim_t *now,
                          const slk_update_claimed_power_params_t *delta,
                          const slk_policy_t *policy)
{
    const slk_bigint_t least = slk_bigint_u64(policy->consensus_min_power);
    const bool was_below = slk_bigint_cmp(&old->raw_byte_power, &least) < 0;
    const bool is_below = slk_bigint_cmp(&now->raw_byte_power, &least) < 0;
    add(&state->total_qa_bytes_committed, &delta->quality_adjusted_delta);
    add(&state->total_bytes_committed, &delta->raw_byte_delta);
    if (was_below && !is_below) {
        state->miner_above_min_power_count++;
        add(&state->total_quality_adj_power, &now->quality_adj_power);
        add(&state->total_raw_byte_power, &now->raw_byte_power);
    } else if (!was_below && is_below) {
        state->miner_above_min_power_count--;
        subtract(&state->total_quality_adj_power, &old->quality_adj_power);
        subtract(&state->total_raw_byte_power, &old->raw_byte_power);
    } else if (!was_below) {
        add(&state->total_quality_adj_power, &delta->quality_adjusted_delta);
        add(&state->total_raw_byte_power, &delta->raw_byte_delta);
    }
}

static slk_exit_t add_to_claim(slk_rt_t *rt, slk_power_state_t *state, uint64_t miner,
                               const slk_update_claimed_power_params_t *delta)
{
    slk_power_claim_t old, now;
    bool found;
    SLK_RT_TRY(get_claim(rt, state, miner, &old, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "no claim for actor f0%" PRIu64, miner);
    now = old;
    add(&now.raw_byte_power, &delta->raw_byte_delta);
    add(&now.quality_adj_power, &delta->quality_adjusted_delta);
    add_to_totals(state, &old, &now, delta, slk_rt_policy(rt));
    if (slk_bigint_sign(&now.raw_byte_power) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE, "negative claimed raw byte power: %s",
                            slk_bigint_text(&now.raw_byte_power).s);
    if (slk_bigint_sign(&now.quality_adj_power) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_STATE,
                            "negative claimed quality adjusted power: %s",
                            slk_bigint_text(&now.quality_adj_power).s);
    return set_claim(rt, state, miner, &now);
}

/* --- Miners ----------------------------------------------------------------------------------- */

static slk_exit_t exec_miner(slk_rt_t *rt, const slk_create_miner_params_t *params,
                             slk_exec_return_t *made)
{
    slk_miner_constructor_params_t miner = {.owner_addr = params->owner,
                                            .worker_addr = params->worker,
                                            .window_post_proof_type =
                                                params->window_post_proof_type,
                                            .peer_id = params->peer,
                                            .multiaddrs = params->multiaddrs};
    slk_exec_params_t exec = {.code_cid = slk_actor_devnet_code(SLK_ACTOR_MINER)};
    slk_buf_t buf = {0};
    slk_bytes_t ret = {0};
    slk_err_t err =
        slk_record_encode(&buf, &slk_miner_constructor_params_type, &miner, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    exec.constructor_params = (slk_bytes_t){buf.bytes, buf.len};
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_USR_SERIALIZATION);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_call_record(rt, SLK_ID_INIT, INIT_EXEC, &exec, &slk_exec_params_type,
                                  slk_rt_value(rt), &ret);
    slk_buf_free(&buf);
    SLK_RT_TRY(exit);
    return slk_rt_err(rt,
                      slk_record_decode(made, &slk_exec_return_type, ret.b, ret.len,
                                        slk_rt_arena(rt), slk_rt_diag(rt)),
                      SLK_EXIT_FATAL);
}

static slk_exit_t create_miner(slk_rt_t *rt)
{
    slk_create_miner_params_t params;
    slk_exec_return_t made;
    slk_power_state_t state;
    slk_power_claim_t claim = {0};
    uint64_t id;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_create_miner_params_type));
    SLK_RT_TRY(exec_miner(rt, &params, &made));
    SLK_ASSERT(slk_address_to_id(&made.id_address, &id));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    claim.window_post_proof_type = params.window_post_proof_type;
    SLK_RT_TRY(set_claim(rt, &state, id, &claim));
    state.miner_count++;
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_power_state_type));
    slk_create_miner_return_t ret = {made.id_address, made.robust_address};
    return slk_rt_return_record(rt, &ret, &slk_create_miner_return_type);
}

static slk_exit_t update_claimed_power(slk_rt_t *rt)
{
    slk_update_claimed_power_params_t delta;
    slk_power_state_t state;
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &delta, &slk_update_claimed_power_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(add_to_claim(rt, &state, slk_rt_caller(rt), &delta));
    return slk_rt_write_state(rt, &state, &slk_power_state_type);
}

static slk_exit_t update_pledge_total(slk_rt_t *rt)
{
    slk_value_bigint_t delta;
    slk_power_state_t state;
    bool found;
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &delta, &slk_value_bigint_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(get_claim(rt, &state, slk_rt_caller(rt), NULL, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                            "unknown miner f0%" PRIu64 " forbidden to interact with power actor",
                            slk_rt_caller(rt));
    add(&state.total_pledge_collateral, &delta.value);
    /* The real actor aborts (20): a miner's creation deposit is taken off this sum when it vests, but never went in,
     * which only shows where hardly anybody has pledged anything. Such a young network has to go on here. */
    if (slk_bigint_sign(&state.total_pledge_collateral) < 0)
        state.total_pledge_collateral = slk_bigint_u64(0);
    return slk_rt_write_state(rt, &state, &slk_power_state_type);
}

/* --- Cron ------------------------------------------------------------------------------------- */

static slk_exit_t enroll_cron_event(slk_rt_t *rt)
{
    slk_enroll_cron_event_params_t params;
    slk_power_state_t state;
    slk_hamt_key_room_t room;
    slk_link_t events = {0};
    bool found;
    SLK_RT_TRY(slk_rt_require_kind(rt, SLK_ACTOR_MINER));
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_enroll_cron_event_params_type));
    if (params.event_epoch < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "cron event epoch %" PRId64 " cannot be less than zero",
                            params.event_epoch);
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    if (params.event_epoch < state.first_cron_epoch)
        state.first_cron_epoch = params.event_epoch;
    slk_bytes_t key = slk_hamt_key_int(&room, params.event_epoch);
    slk_cron_event_t event = {slk_address_id(slk_rt_caller(rt)), params.payload};
    SLK_RT_TRY(slk_state_map_get(rt, &state.cron_event_queue, QUEUE_WIDTH, key, &events,
                                 &slk_link_type, &found));
    SLK_RT_TRY(
        slk_state_array_append(rt, &events.to, QUEUE_ARRAY_WIDTH, &event, &slk_cron_event_type));
    SLK_RT_TRY(
        slk_state_map_set(rt, &state.cron_event_queue, QUEUE_WIDTH, key, &events, &slk_link_type));
    return slk_rt_write_state(rt, &state, &slk_power_state_type);
}

/* Events that are due, in order. */
typedef struct {
    slk_rt_t *rt;
    slk_cron_event_t *items;
    size_t cnt, cap;
} due_t;

static slk_err_t note_event(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                            slk_diag_t *diag)
{
    due_t *due = ctx;
    slk_arena_t *arena = slk_rt_arena(due->rt);
    (void)index;
    (void)stop;
    if (due->cnt == due->cap) {
        size_t cap = due->cap ? 2 * due->cap : 16;
        slk_cron_event_t *items = slk_arena_array(arena, cap, sizeof *items);
        if (!items)
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for events of cron");
        for (size_t i = 0; i < due->cnt; i++)
            items[i] = due->items[i];
        due->items = items;
        due->cap = cap;
    }
    void *copy = slk_arena_copy(arena, value.b, value.len);
    if (!copy)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for events of cron");
    return slk_record_decode(&due->items[due->cnt++], &slk_cron_event_type, copy, value.len, arena,
                             diag);
}

/* Take the events of all epochs up to now out of the queue. */
static slk_exit_t take_events(due_t *due, slk_power_state_t *state)
{
    slk_rt_t *rt = due->rt;
    const int64_t now = slk_rt_epoch(rt);
    for (int64_t epoch = state->first_cron_epoch; epoch <= now; epoch++) {
        slk_hamt_key_room_t room;
        slk_bytes_t key = slk_hamt_key_int(&room, epoch);
        slk_link_t events;
        bool found;
        SLK_RT_TRY(slk_state_map_get(rt, &state->cron_event_queue, QUEUE_WIDTH, key, &events,
                                     &slk_link_type, &found));
        if (!found)
            continue;
        SLK_RT_TRY(slk_state_array_foreach(rt, &events.to, QUEUE_ARRAY_WIDTH, note_event, due));
        SLK_RT_TRY(
            slk_state_map_delete(rt, &state->cron_event_queue, QUEUE_WIDTH, key, NULL, NULL));
    }
    state->first_cron_epoch = now + 1;
    return SLK_EXIT_OK;
}

/* Call a miner back; *failed: it did not work, and would not the next time. */
static slk_exit_t call_back(slk_rt_t *rt, const slk_cron_event_t *event,
                            const slk_filter_estimate_t *reward, const slk_filter_estimate_t *power,
                            bool *failed)
{
    slk_deferred_cron_event_params_t params = {event->payload, *reward, *power};
    slk_buf_t buf = {0};
    slk_exit_t exit = SLK_EXIT_OK;
    slk_err_t err =
        slk_record_encode(&buf, &slk_deferred_cron_event_params_type, &params, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    slk_exit_t own = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (own == SLK_EXIT_OK)
        own = slk_rt_send(rt, &event->miner, MINER_ON_CRON, buf.bytes, buf.len, slk_bigint_u64(0),
                          &exit, NULL);
    slk_buf_free(&buf);
    *failed = exit != SLK_EXIT_OK;
    return own;
}

/* The miner loses its power and is frozen. */
static slk_exit_t delete_claim(slk_rt_t *rt, uint64_t miner)
{
    slk_power_state_t state;
    slk_power_claim_t claim;
    bool found;
    const slk_address_t address = slk_address_id(miner);
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(get_claim(rt, &state, miner, &claim, &found));
    if (found) {
        slk_update_claimed_power_params_t none = {slk_bigint_neg(claim.raw_byte_power),
                                                  slk_bigint_neg(claim.quality_adj_power)};
        SLK_RT_TRY(add_to_claim(rt, &state, miner, &none));
        SLK_RT_TRY(slk_state_map_delete(rt, &state.claims, SLK_MAP_WIDTH, slk_state_key(&address),
                                        NULL, NULL));
    }
    state.miner_count--;
    return slk_rt_write_state(rt, &state, &slk_power_state_type);
}

/* Callbacks change this actor's state, so that it is stored before and read again after them. */
static slk_exit_t run_events(slk_rt_t *rt, const slk_filter_estimate_t *reward)
{
    slk_power_state_t state;
    due_t due = {.rt = rt};
    size_t failed_cnt = 0;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(take_events(&due, &state));
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_power_state_type));
    uint64_t *failed = slk_arena_array(slk_rt_arena(rt), due.cnt, sizeof *failed);
    if (!failed)
        return slk_rt_err(rt, slk_fail(slk_rt_diag(rt), SLK_ERR_NOMEM, "no memory for cron"),
                          SLK_EXIT_FATAL);
    for (size_t i = 0; i < due.cnt; i++) {
        uint64_t miner;
        bool found, bad;
        SLK_ASSERT(slk_address_to_id(&due.items[i].miner, &miner));
        SLK_RT_TRY(get_claim(rt, &state, miner, NULL, &found));
        if (!found)
            continue;
        SLK_RT_TRY(call_back(rt, &due.items[i], reward, &state.this_epoch_qa_power_smoothed, &bad));
        if (bad)
            failed[failed_cnt++] = miner;
    }
    for (size_t i = 0; i < failed_cnt; i++)
        SLK_RT_TRY(delete_claim(rt, failed[i]));
    return SLK_EXIT_OK;
}

static void smooth(slk_power_state_t *state)
{
    slk_filter_t filter;
    mpz_t view;
    slk_filter_estimate_t *smoothed = &state->this_epoch_qa_power_smoothed;
    slk_filter_init(&filter);
    slk_filter_from_bigint(&filter, &smoothed->position_estimate, &smoothed->velocity_estimate);
    slk_filter_next(&filter, slk_bigint_view(view, &state->this_epoch_quality_adj_power), 1);
    slk_filter_to_bigint(&smoothed->position_estimate, &smoothed->velocity_estimate, &filter);
    slk_filter_clear(&filter);
}

static slk_exit_t on_epoch_tick_end(slk_rt_t *rt)
{
    const uint64_t cron = SLK_ID_CRON;
    slk_this_epoch_reward_return_t reward;
    slk_power_state_t state;
    slk_bytes_t ret = {0};
    SLK_RT_TRY(slk_rt_require_caller(rt, &cron, 1));
    SLK_RT_TRY(slk_rt_call(rt, SLK_ID_REWARD, REWARD_THIS_EPOCH, NULL, 0, slk_bigint_u64(0), &ret));
    SLK_RT_TRY(slk_rt_err(rt,
                          slk_record_decode(&reward, &slk_this_epoch_reward_return_type, ret.b,
                                            ret.len, slk_rt_arena(rt), slk_rt_diag(rt)),
                          SLK_EXIT_FATAL));
    SLK_RT_TRY(run_events(rt, &reward.this_epoch_reward_smoothed));

    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    const bool few = state.miner_above_min_power_count < CONSENSUS_MINERS;
    state.this_epoch_pledge_collateral = state.total_pledge_collateral;
    state.this_epoch_quality_adj_power =
        few ? state.total_qa_bytes_committed : state.total_quality_adj_power;
    state.this_epoch_raw_byte_power =
        few ? state.total_bytes_committed : state.total_raw_byte_power;
    smooth(&state);
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_power_state_type));
    slk_value_bigint_t power = {state.this_epoch_raw_byte_power};
    return slk_rt_call_record(rt, SLK_ID_REWARD, REWARD_UPDATE_KPI, &power, &slk_value_bigint_type,
                              slk_bigint_u64(0), NULL);
}

/* --- Questions -------------------------------------------------------------------------------- */

/* As of the last tick: the same for all messages of an epoch. */
static slk_exit_t current_total_power(slk_rt_t *rt)
{
    slk_power_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    slk_current_total_power_return_t ret = {state.this_epoch_raw_byte_power,
                                            state.this_epoch_quality_adj_power,
                                            state.this_epoch_pledge_collateral,
                                            state.this_epoch_qa_power_smoothed,
                                            state.ramp_start_epoch,
                                            state.ramp_duration_epochs};
    return slk_rt_return_record(rt, &ret, &slk_current_total_power_return_type);
}

static slk_exit_t network_raw_power(slk_rt_t *rt)
{
    slk_power_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    slk_value_bigint_t ret = {state.this_epoch_raw_byte_power};
    return slk_rt_return_record(rt, &ret, &slk_value_bigint_type);
}

static slk_exit_t miner_raw_power(slk_rt_t *rt)
{
    slk_value_u64_t miner;
    slk_power_state_t state;
    slk_power_claim_t claim;
    bool found;
    const slk_bigint_t least = slk_bigint_u64(slk_rt_policy(rt)->consensus_min_power);
    SLK_RT_TRY(slk_rt_read_params(rt, &miner, &slk_value_u64_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(get_claim(rt, &state, miner.value, &claim, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no claim for actor: %" PRIu64,
                            miner.value);
    const bool few = state.miner_above_min_power_count < CONSENSUS_MINERS;
    slk_miner_raw_power_return_t ret = {claim.raw_byte_power,
                                        slk_bigint_cmp(&claim.raw_byte_power, &least) >= 0 ||
                                            (few && slk_bigint_sign(&claim.raw_byte_power) > 0)};
    return slk_rt_return_record(rt, &ret, &slk_miner_raw_power_return_type);
}

static slk_exit_t miner_power(slk_rt_t *rt)
{
    slk_value_u64_t miner;
    slk_power_state_t state;
    slk_power_claim_t claim;
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &miner, &slk_value_u64_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    SLK_RT_TRY(get_claim(rt, &state, miner.value, &claim, &found));
    if (!found)
        return slk_rt_abort(rt, SLK_EXIT_USR_NOT_FOUND, "miner not found");
    slk_miner_power_return_t ret = {claim.raw_byte_power, claim.quality_adj_power};
    return slk_rt_return_record(rt, &ret, &slk_miner_power_return_type);
}

static slk_exit_t miner_count(slk_rt_t *rt)
{
    slk_power_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    slk_value_i64_t ret = {state.miner_count};
    return slk_rt_return_record(rt, &ret, &slk_value_i64_type);
}

static slk_exit_t miner_consensus_count(slk_rt_t *rt)
{
    slk_power_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_power_state_type));
    slk_value_i64_t ret = {state.miner_above_min_power_count};
    return slk_rt_return_record(rt, &ret, &slk_value_i64_type);
}

static const slk_actor_method_t methods[] = {
    {2, "CreateMiner", create_miner},
    {3, "UpdateClaimedPower", update_claimed_power},
    {4, "EnrollCronEvent", enroll_cron_event},
    {5, "OnEpochTickEnd", on_epoch_tick_end},
    {6, "UpdatePledgeTotal", update_pledge_total},
    {9, "CurrentTotalPower", current_total_power},
    {1173380165, "CreateMinerExported", create_miner},
    {931722534, "NetworkRawPowerExported", network_raw_power},
    {3753401894, "MinerRawPowerExported", miner_raw_power},
    {1987646258, "MinerCountExported", miner_count},
    {196739875, "MinerConsensusCountExported", miner_consensus_count},
    {36284446, "MinerPowerExported", miner_power},
};
const slk_actor_t slk_actor_power = {SLK_ACTOR_POWER, methods, SLK_COUNT(methods)};
