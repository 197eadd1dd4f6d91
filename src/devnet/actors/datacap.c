/* The data cap token: what the verified registry gives to clients, who may only send it to the
 * registry (builtin-actors v18, FRC-46). */

#include "devnet/actors/datacap_state.h"

#include "base/assert.h"
#include "devnet/actors/state_map.h"

#include <inttypes.h>
#include <string.h>

/* "Without limit": 10^21 times the precision of 10^18. */
static slk_bigint_t no_limit(void)
{
    slk_bigint_t v =
        slk_bigint_mul(slk_bigint_u64(SLK_DATACAP_UNIT), slk_bigint_u64(SLK_DATACAP_UNIT));
    return slk_bigint_mul(v, slk_bigint_u64(1000));
}

/* --- Tables ----------------------------------------------------------------------------------- */

static slk_exit_t get(slk_rt_t *rt, const slk_cid_t *table, uint64_t id, slk_bigint_t *amount)
{
    slk_hamt_key_room_t room;
    slk_value_bigint_t value;
    bool found;
    SLK_RT_TRY(slk_state_map_get(rt, table, SLK_DATACAP_WIDTH, slk_hamt_key_uint(&room, id), &value,
                                 &slk_value_bigint_type, &found));
    *amount = found ? value.value : slk_bigint_u64(0);
    return SLK_EXIT_OK;
}

/* Zero is no entry. */
static slk_exit_t set(slk_rt_t *rt, slk_cid_t *table, uint64_t id, slk_bigint_t amount, bool *empty)
{
    slk_hamt_key_room_t room;
    const slk_bytes_t key = slk_hamt_key_uint(&room, id);
    const slk_value_bigint_t value = {amount};
    if (!slk_bigint_sign(&amount))
        return slk_state_map_delete(rt, table, SLK_DATACAP_WIDTH, key, NULL, empty);
    *empty = false;
    return slk_state_map_set(rt, table, SLK_DATACAP_WIDTH, key, &value, &slk_value_bigint_type);
}

static slk_exit_t change_balance(slk_rt_t *rt, slk_token_state_t *token, uint64_t id,
                                 slk_bigint_t delta)
{
    slk_bigint_t before;
    bool empty;
    SLK_RT_TRY(get(rt, &token->balances, id, &before));
    slk_bigint_t after = slk_bigint_add(before, delta);
    if (slk_bigint_sign(&after) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "%" PRIu64 " has %s datacap, which is less than %s", id,
                            slk_bigint_text(&before).s, slk_bigint_text(&delta).s + 1);
    return set(rt, &token->balances, id, after, &empty);
}

static slk_exit_t allowances_of(slk_rt_t *rt, const slk_token_state_t *token, uint64_t owner,
                                slk_link_t *operators)
{
    slk_hamt_key_room_t room;
    bool found;
    *operators = (slk_link_t){0};
    return slk_state_map_get(rt, &token->allowances, SLK_DATACAP_WIDTH,
                             slk_hamt_key_uint(&room, owner), operators, &slk_link_type, &found);
}

static slk_exit_t set_allowance(slk_rt_t *rt, slk_token_state_t *token, uint64_t owner,
                                uint64_t operator_id, slk_bigint_t amount)
{
    slk_hamt_key_room_t room;
    const slk_bytes_t key = slk_hamt_key_uint(&room, owner);
    slk_link_t operators;
    bool empty;
    SLK_RT_TRY(allowances_of(rt, token, owner, &operators));
    SLK_RT_TRY(set(rt, &operators.to, operator_id, amount, &empty));
    if (empty)
        return slk_state_map_delete(rt, &token->allowances, SLK_DATACAP_WIDTH, key, NULL, NULL);
    return slk_state_map_set(rt, &token->allowances, SLK_DATACAP_WIDTH, key, &operators,
                             &slk_link_type);
}

/* --- What all movements share ----------------------------------------------------------------- */

static slk_exit_t check_amount(slk_rt_t *rt, const slk_bigint_t *amount)
{
    const slk_bigint_t unit = slk_bigint_u64(SLK_DATACAP_UNIT);
    slk_bigint_t rest = slk_bigint_mul(slk_bigint_div_floor(*amount, unit), unit);
    if (slk_bigint_sign(amount) >= 0 && !slk_bigint_cmp(&rest, amount))
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "amount %s must be a non-negative multiple of 10^18",
                        slk_bigint_text(amount).s);
}

static slk_exit_t resolve(slk_rt_t *rt, const slk_address_t *address, uint64_t *id)
{
    bool found;
    SLK_RT_TRY(slk_rt_resolve(rt, address, id, &found));
    if (found)
        return SLK_EXIT_OK;
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "to must be ID address");
}

static bool is_governor(const slk_datacap_state_t *state, uint64_t id)
{
    const slk_address_t address = slk_address_id(id);
    return slk_address_eq(&state->governor, &address);
}

/* Tell the receiver; its failure undoes the movement. */
static slk_exit_t call_hook(slk_rt_t *rt, const slk_token_received_t *received, slk_bytes_t *ret)
{
    slk_buf_t buf = {0};
    slk_err_t err = slk_record_encode(&buf, &slk_token_received_type, received, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_buf_check(&buf, slk_rt_diag(rt));
    const slk_universal_receiver_params_t params = {SLK_TOKEN_TYPE_FRC46, {buf.bytes, buf.len}};
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_call_record(rt, received->to, SLK_METHOD_TOKEN_RECEIVE, &params,
                                  &slk_universal_receiver_params_type, slk_bigint_u64(0), ret);
    slk_buf_free(&buf);
    return exit;
}

/* --- The registry's --------------------------------------------------------------------------- */

static slk_exit_t mint(slk_rt_t *rt)
{
    slk_mint_params_t params;
    slk_datacap_state_t state;
    slk_mint_return_t ret = {0};
    slk_token_received_t received = {.from = slk_rt_caller(rt), .operator_id = slk_rt_caller(rt)};
    uint64_t operator_id;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_mint_params_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    if (!is_governor(&state, slk_rt_caller(rt)))
        return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN, "caller f0%" PRIu64 " is not the governor",
                            slk_rt_caller(rt));
    SLK_RT_TRY(check_amount(rt, &params.amount));
    SLK_RT_TRY(resolve(rt, &params.to, &received.to));
    SLK_RT_TRY(change_balance(rt, &state.token, received.to, params.amount));
    state.token.supply = slk_bigint_add(state.token.supply, params.amount);
    for (size_t i = 0; i < params.operators.count; i++) {
        SLK_RT_TRY(resolve(rt, &params.operators.items[i], &operator_id));
        SLK_RT_TRY(set_allowance(rt, &state.token, received.to, operator_id, no_limit()));
    }
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_datacap_state_type));
    received.amount = params.amount;
    SLK_RT_TRY(call_hook(rt, &received, &ret.recipient_data));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    SLK_RT_TRY(get(rt, &state.token.balances, received.to, &ret.balance));
    ret.supply = state.token.supply;
    return slk_rt_return_record(rt, &ret, &slk_mint_return_type);
}

static slk_exit_t burn(slk_rt_t *rt)
{
    slk_value_bigint_t amount, left;
    slk_datacap_state_t state;
    SLK_RT_TRY(slk_rt_read_params(rt, &amount, &slk_value_bigint_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    SLK_RT_TRY(check_amount(rt, &amount.value));
    SLK_RT_TRY(change_balance(rt, &state.token, slk_rt_caller(rt), slk_bigint_neg(amount.value)));
    state.token.supply = slk_bigint_sub(state.token.supply, amount.value);
    SLK_RT_TRY(get(rt, &state.token.balances, slk_rt_caller(rt), &left.value));
    SLK_RT_TRY(slk_rt_write_state(rt, &state, &slk_datacap_state_type));
    return slk_rt_return_record(rt, &left, &slk_value_bigint_type);
}

/* --- Transfers -------------------------------------------------------------------------------- */

/* Move, store, tell the receiver; *state is as it is after that. */
static slk_exit_t move(slk_rt_t *rt, slk_datacap_state_t *state, slk_token_received_t *received,
                       slk_bytes_t *answer)
{
    SLK_RT_TRY(check_amount(rt, &received->amount));
    SLK_RT_TRY(change_balance(rt, &state->token, received->from, slk_bigint_neg(received->amount)));
    SLK_RT_TRY(change_balance(rt, &state->token, received->to, received->amount));
    SLK_RT_TRY(slk_rt_write_state(rt, state, &slk_datacap_state_type));
    SLK_RT_TRY(call_hook(rt, received, answer));
    return slk_rt_read_state(rt, state, &slk_datacap_state_type);
}

static slk_exit_t not_allowed(slk_rt_t *rt, uint64_t from, uint64_t to)
{
    return slk_rt_abort(rt, SLK_EXIT_USR_FORBIDDEN,
                        "transfer not allowed from f0%" PRIu64 " to f0%" PRIu64, from, to);
}

static slk_exit_t transfer(slk_rt_t *rt)
{
    slk_transfer_params_t params;
    slk_datacap_state_t state;
    slk_transfer_return_t ret = {0};
    slk_token_received_t moved = {.from = slk_rt_caller(rt), .operator_id = slk_rt_caller(rt)};
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_transfer_params_type));
    SLK_RT_TRY(resolve(rt, &params.to, &moved.to));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    if (!is_governor(&state, moved.to) && !is_governor(&state, moved.from))
        return not_allowed(rt, moved.from, moved.to);
    moved.amount = params.amount;
    moved.operator_data = params.operator_data;
    SLK_RT_TRY(move(rt, &state, &moved, &ret.recipient_data));
    SLK_RT_TRY(get(rt, &state.token.balances, moved.from, &ret.from_balance));
    SLK_RT_TRY(get(rt, &state.token.balances, moved.to, &ret.to_balance));
    return slk_rt_return_record(rt, &ret, &slk_transfer_return_type);
}

/* What the operator may still spend of the owner's. */
static slk_exit_t spend_allowance(slk_rt_t *rt, slk_token_state_t *token, uint64_t owner,
                                  uint64_t operator_id, const slk_bigint_t *amount)
{
    slk_link_t operators;
    slk_bigint_t allowed;
    SLK_RT_TRY(allowances_of(rt, token, owner, &operators));
    SLK_RT_TRY(get(rt, &operators.to, operator_id, &allowed));
    if (slk_bigint_cmp(&allowed, amount) < 0)
        return slk_rt_abort(rt, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                            "%" PRIu64 " attempted to utilise %s of allowance %s set by %" PRIu64,
                            operator_id, slk_bigint_text(amount).s, slk_bigint_text(&allowed).s,
                            owner);
    return set_allowance(rt, token, owner, operator_id, slk_bigint_sub(allowed, *amount));
}

static slk_exit_t transfer_from(slk_rt_t *rt)
{
    slk_transfer_from_params_t params;
    slk_datacap_state_t state;
    slk_transfer_from_return_t ret = {0};
    slk_token_received_t moved = {.operator_id = slk_rt_caller(rt)};
    slk_link_t operators;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_transfer_from_params_type));
    SLK_RT_TRY(resolve(rt, &params.to, &moved.to));
    SLK_RT_TRY(resolve(rt, &params.from, &moved.from));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    if (!is_governor(&state, moved.to))
        return not_allowed(rt, moved.from, moved.to);
    SLK_RT_TRY(check_amount(rt, &params.amount));
    if (moved.operator_id != moved.from)
        SLK_RT_TRY(
            spend_allowance(rt, &state.token, moved.from, moved.operator_id, &params.amount));
    moved.amount = params.amount;
    moved.operator_data = params.operator_data;
    SLK_RT_TRY(move(rt, &state, &moved, &ret.recipient_data));
    SLK_RT_TRY(get(rt, &state.token.balances, moved.from, &ret.from_balance));
    SLK_RT_TRY(get(rt, &state.token.balances, moved.to, &ret.to_balance));
    SLK_RT_TRY(allowances_of(rt, &state.token, moved.from, &operators));
    SLK_RT_TRY(get(rt, &operators.to, moved.operator_id, &ret.allowance));
    return slk_rt_return_record(rt, &ret, &slk_transfer_from_return_type);
}

/* --- Questions -------------------------------------------------------------------------------- */

static slk_exit_t balance(slk_rt_t *rt)
{
    slk_value_address_t params;
    slk_value_bigint_t ret = {0};
    slk_datacap_state_t state;
    uint64_t id;
    bool found;
    SLK_RT_TRY(slk_rt_read_params(rt, &params, &slk_value_address_type));
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    SLK_RT_TRY(slk_rt_resolve(rt, &params.value, &id, &found));
    if (found)
        SLK_RT_TRY(get(rt, &state.token.balances, id, &ret.value));
    return slk_rt_return_record(rt, &ret, &slk_value_bigint_type);
}

static slk_exit_t total_supply(slk_rt_t *rt)
{
    slk_datacap_state_t state;
    SLK_RT_TRY(slk_rt_read_state(rt, &state, &slk_datacap_state_type));
    const slk_value_bigint_t ret = {state.token.supply};
    return slk_rt_return_record(rt, &ret, &slk_value_bigint_type);
}

static slk_exit_t say(slk_rt_t *rt, const char *text)
{
    const slk_value_text_t ret = {{(const uint8_t *)text, strlen(text)}};
    return slk_rt_return_record(rt, &ret, &slk_value_text_type);
}

static slk_exit_t name(slk_rt_t *rt)
{
    return say(rt, "DataCap");
}

static slk_exit_t symbol(slk_rt_t *rt)
{
    return say(rt, "DCAP");
}

static const slk_actor_method_t methods[] = {
    {116935346, "MintExported", mint},        {1434719642, "BurnExported", burn},
    {80475954, "TransferExported", transfer}, {3621052141, "TransferFromExported", transfer_from},
    {3261979605, "BalanceExported", balance}, {114981429, "TotalSupplyExported", total_supply},
    {48890204, "NameExported", name},         {2061153854, "SymbolExported", symbol},
};
const slk_actor_t slk_actor_datacap = {SLK_ACTOR_DATACAP, methods, SLK_COUNT(methods)};
