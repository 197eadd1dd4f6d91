/* The power actor: miners are made as on the recorded network, power is counted as the consensus
 * minimum has it, cron calls back; the reward actor pays. */

#include "codec/actors/miner.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "devnet/vm/test_machine.h"

#define CREATE_MINER    2u
#define UPDATE_CLAIM    3u
#define ENROLL_CRON     4u
#define UPDATE_PLEDGE   6u
#define AWARD           2u
#define NETWORK_RAW     931722534u
#define MINER_RAW       3753401894u
#define MINER_COUNT     1987646258u
#define CONSENSUS_COUNT 196739875u
#define MINER_POWER     36284446u

#define WINDOW_POST_2K 10

static test_machine_t tm;

static int setup(void **state)
{
    (void)state;
    test_machine_open(&tm, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    test_machine_close(&tm);
    return 0;
}

static slk_bigint_t none(void)
{
    return slk_bigint_u64(0);
}

static uint64_t make_miner(void)
{
    const slk_create_miner_params_t params = {.owner = tm.accounts[0],
                                              .worker = tm.accounts[1],
                                              .window_post_proof_type = WINDOW_POST_2K};
    slk_create_miner_return_t ret;
    uint64_t id;
    if (test_send(&tm, 0, SLK_ID_POWER, CREATE_MINER, &params, &slk_create_miner_params_type,
                  test_fil(1)) != SLK_EXIT_OK)
        fail_msg("%s", tm.applied.text);
    test_read_return(&tm, &ret, &slk_create_miner_return_type);
    assert_true(slk_address_to_id(&ret.id_address, &id));
    return id;
}

static slk_power_state_t power_state(void)
{
    slk_power_state_t st;
    test_read_state(&tm, SLK_ID_POWER, &st, &slk_power_state_type);
    return st;
}

/* --- New miners ------------------------------------------------------------------------------- */

static slk_bytes_t hex_bytes(const json_t *hex)
{
    const char *text = json_string_value(hex);
    uint8_t *bytes = slk_arena_alloc(&tm.arena, strlen(text) / 2 + 1);
    assert_true(slk_hex_decode(bytes, strlen(text) / 2, text));
    return (slk_bytes_t){bytes, strlen(text) / 2};
}

/* The recorded CreateMiner, from the recorded key with its nonce: the same robust address, calls
 * and deposit. */
static void test_recorded_miner(void **state)
{
    (void)state;
    json_t *json = test_vectors("lotus-rpc/messages/CreateMiner-1.json");
    json_t *message = json_object_get(json, "message"), *calls = json_object_get(json, "calls");
    slk_create_miner_params_t params;
    slk_create_miner_return_t ret, want;
    slk_bytes_t bytes = hex_bytes(json_object_get(json, "params_hex"));
    slk_bytes_t returned = hex_bytes(json_object_get(calls, "return_hex"));
    assert_ok(slk_record_decode(&params, &slk_create_miner_params_type, bytes.b, bytes.len,
                                &tm.arena, &tm.diag),
              tm.diag);
    assert_ok(slk_record_decode(&want, &slk_create_miner_return_type, returned.b, returned.len,
                                &tm.arena, &tm.diag),
              tm.diag);
    const slk_address_t accounts[] = {params.owner, params.worker};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            test_send_from(&tm, &tm.accounts[0], accounts[i], 0, NULL, NULL, test_fil(10)),
            SLK_EXIT_OK);
    slk_actor_state_t owner = test_actor(&tm, SLK_FIRST_MINER_ID);
    owner.nonce = (uint64_t)json_integer_value(json_object_get(message, "Nonce"));
    assert_ok(
        slk_state_tree_set(slk_machine_tree(tm.machine), SLK_FIRST_MINER_ID, &owner, &tm.diag),
        tm.diag);
    slk_bigint_t value = test_atto(json_string_value(json_object_get(message, "Value")));
    if (test_send_bytes(&tm, &params.owner, slk_address_id(SLK_ID_POWER), CREATE_MINER, bytes,
                        value) != SLK_EXIT_OK)
        fail_msg("%s", tm.applied.text);
    test_read_return(&tm, &ret, &slk_create_miner_return_type);
    assert_true(slk_address_eq(&ret.robust_address, &want.robust_address));

    /* 2 of f04, 2 of f01, the constructor, and what it asks. */
    const uint64_t called[][2] = {{SLK_ID_POWER, 2},
                                  {SLK_ID_INIT, 2},
                                  {SLK_FIRST_MINER_ID + 2, 1},
                                  {SLK_ID_REWARD, 3},
                                  {SLK_ID_POWER, 9}};
    assert_int_equal(tm.applied.call_cnt, SLK_COUNT(called));
    for (size_t i = 0; i < SLK_COUNT(called); i++) {
        assert_int_equal(tm.applied.calls[i].to, called[i][0]);
        assert_int_equal(tm.applied.calls[i].method, called[i][1]);
    }
    uint64_t id;
    bool found;
    assert_ok(slk_state_tree_resolve(slk_machine_tree(tm.machine), &want.robust_address, &id,
                                     &found, &tm.diag),
              tm.diag);
    assert_true(found && id == SLK_FIRST_MINER_ID + 2);
    assert_bigint(test_balance(&tm, id), value);
    assert_int_equal(power_state().miner_count, 1);
    json_decref(json);
}

/* The words of the real node, with our id of the miner that would have been. */
static void assert_text_as_recorded(const json_t *error)
{
    const char *text = json_string_value(json_object_get(error, "message"));
    const char *from = strstr(text, "message failed with backtrace"), *id = strstr(text, "f01005");
    char want[1024];
    assert_non_null(from);
    assert_non_null(id);
    snprintf(want, sizeof want, "%.*sf01000%.*s", (int)(id - from), from,
             (int)(strlen(id) - strlen("f01005") - strlen("])")), id + strlen("f01005"));
    assert_string_equal(tm.applied.text, want);
}

static void test_recorded_errors(void **state)
{
    (void)state;
    json_t *json = test_vectors("lotus-rpc/actor-errors.json"), *row;
    size_t i, seen = 0;
    json_array_foreach(json, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), "CreateMiner"))
            continue;
        seen++;
        slk_bigint_t value = test_atto(json_string_value(json_object_get(row, "value")));
        slk_exit_t exit =
            test_send_bytes(&tm, &tm.accounts[0], slk_address_id(SLK_ID_POWER), CREATE_MINER,
                            hex_bytes(json_object_get(row, "params_hex")), value);
        json_t *error = json_object_get(row, "error");
        if (json_is_null(error)) {
            assert_int_equal(exit, SLK_EXIT_OK);
            continue;
        }
        assert_true(exit == SLK_EXIT_USR_INSUFFICIENT_FUNDS ||
                    exit == SLK_EXIT_USR_ILLEGAL_ARGUMENT);
        assert_text_as_recorded(error);
        assert_int_equal(power_state().miner_count, 0);
    }
    assert_int_equal(seen, 4);
    json_decref(json);
}

/* --- Power ------------------------------------------------------------------------------------ */

static slk_exit_t claim(uint64_t miner, int64_t raw, int64_t qa)
{
    const slk_update_claimed_power_params_t params = {slk_bigint_i64(raw), slk_bigint_i64(qa)};
    return test_call_as(&tm, miner, SLK_ID_POWER, UPDATE_CLAIM, &params,
                        &slk_update_claimed_power_params_type, none());
}

static slk_bigint_t ask_bigint(uint64_t method)
{
    slk_value_bigint_t ret;
    assert_int_equal(test_call_as(&tm, 100, SLK_ID_POWER, method, NULL, NULL, none()), SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_value_bigint_type);
    return ret.value;
}

static int64_t ask_count(uint64_t method)
{
    slk_value_i64_t ret;
    assert_int_equal(test_call_as(&tm, 100, SLK_ID_POWER, method, NULL, NULL, none()), SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_value_i64_type);
    return ret.value;
}

static bool counts(uint64_t miner, int64_t raw)
{
    const slk_value_u64_t params = {miner};
    slk_miner_raw_power_return_t ret;
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, MINER_RAW, &params, &slk_value_u64_type, none()),
        SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_miner_raw_power_return_type);
    assert_bigint(ret.raw_byte_power, slk_bigint_i64(raw));
    return ret.meets_consensus_minimum;
}

/* The minimum is 2048 bytes; with four miners that have it the others no longer count. */
static void test_consensus_minimum(void **state)
{
    (void)state;
    uint64_t miners[5];
    for (unsigned i = 0; i < 5; i++)
        miners[i] = make_miner();
    assert_int_equal(ask_count(MINER_COUNT), 5);
    assert_int_equal(claim(miners[0], 2047, 20470), SLK_EXIT_OK);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(claim(miners[i], 2048, 2048), SLK_EXIT_OK);
    assert_int_equal(ask_count(CONSENSUS_COUNT), 3);
    assert_bigint(ask_bigint(NETWORK_RAW), none()); /* as of the last tick */
    test_ticks(&tm, 1);
    assert_bigint(ask_bigint(NETWORK_RAW), slk_bigint_u64(3 * 2048 + 2047));
    assert_true(counts(miners[0], 2047));
    assert_false(counts(miners[4], 0));

    assert_int_equal(claim(miners[4], 4096, 40960), SLK_EXIT_OK);
    test_ticks(&tm, 1);
    assert_bigint(ask_bigint(NETWORK_RAW), slk_bigint_u64(3 * 2048 + 4096));
    assert_false(counts(miners[0], 2047));
    slk_power_state_t st = power_state();
    assert_bigint(st.this_epoch_quality_adj_power, slk_bigint_u64(3 * 2048 + 40960));
    assert_bigint(st.total_bytes_committed, slk_bigint_u64(3 * 2048 + 4096 + 2047));

    /* Up over the minimum with all that is there, and below it again. */
    assert_int_equal(claim(miners[0], 1, 10), SLK_EXIT_OK);
    assert_bigint(power_state().total_quality_adj_power, slk_bigint_u64(3 * 2048 + 40960 + 20480));
    assert_int_equal(claim(miners[0], -2048, -20480), SLK_EXIT_OK);
    assert_bigint(power_state().total_quality_adj_power, slk_bigint_u64(3 * 2048 + 40960));
    assert_int_equal(ask_count(CONSENSUS_COUNT), 4);
    assert_int_equal(claim(miners[0], -1, 0), SLK_EXIT_USR_ILLEGAL_STATE);
    assert_int_equal(claim(100, 1, 1), SLK_EXIT_USR_FORBIDDEN);
}

static void test_questions(void **state)
{
    (void)state;
    const uint64_t miner = make_miner();
    const slk_value_u64_t known = {miner}, unknown = {UINT64_MAX};
    slk_miner_power_return_t ret;
    assert_int_equal(claim(miner, 2048, 20480), SLK_EXIT_OK);
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, MINER_POWER, &known, &slk_value_u64_type, none()),
        SLK_EXIT_OK);
    test_read_return(&tm, &ret, &slk_miner_power_return_type);
    assert_bigint(ret.quality_adj_power, slk_bigint_u64(20480));
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, MINER_POWER, &unknown, &slk_value_u64_type, none()),
        SLK_EXIT_USR_NOT_FOUND);
    assert_int_equal(
        test_call_as(&tm, 100, SLK_ID_POWER, MINER_RAW, &unknown, &slk_value_u64_type, none()),
        SLK_EXIT_USR_ILLEGAL_ARGUMENT);
}

static void test_pledge(void **state)
{
    (void)state;
    const uint64_t miner = make_miner();
    slk_value_bigint_t delta = {slk_bigint_u64(5)};
    assert_int_equal(test_call_as(&tm, miner, SLK_ID_POWER, UPDATE_PLEDGE, &delta,
                                  &slk_value_bigint_type, none()),
                     SLK_EXIT_OK);
    assert_bigint(power_state().total_pledge_collateral, slk_bigint_u64(5));
    assert_bigint(power_state().this_epoch_pledge_collateral, none());
    test_ticks(&tm, 1);
    assert_bigint(power_state().this_epoch_pledge_collateral, slk_bigint_u64(5));
    delta.value = slk_bigint_i64(-6);
    assert_int_equal(test_call_as(&tm, miner, SLK_ID_POWER, UPDATE_PLEDGE, &delta,
                                  &slk_value_bigint_type, none()),
                     SLK_EXIT_OK); /* a young network goes on (power.c) */
    assert_bigint(power_state().total_pledge_collateral, none());
    assert_int_equal(
        test_call_as(&tm, 101, SLK_ID_POWER, UPDATE_PLEDGE, &delta, &slk_value_bigint_type, none()),
        SLK_EXIT_USR_FORBIDDEN);
}

/* --- Cron ------------------------------------------------------------------------------------- */

static slk_exit_t enroll(uint64_t miner, int64_t epoch, const char *payload)
{
    const slk_enroll_cron_event_params_t params = {epoch,
                                                   {(const uint8_t *)payload, strlen(payload)}};
    return test_call_as(&tm, miner, SLK_ID_POWER, ENROLL_CRON, &params,
                        &slk_enroll_cron_event_params_type, none());
}

/* Callbacks of an epoch's tick, in order, as payloads' first letters. */
static void assert_callbacks(const char *want)
{
    char got[16] = "";
    size_t cnt = 0;
    assert_ok(slk_machine_apply_implicit(tm.machine, SLK_ID_SYSTEM, SLK_ID_CRON, 2,
                                         (slk_bytes_t){0}, none(), &tm.applied, &tm.diag),
              tm.diag);
    assert_int_equal(tm.applied.exit, SLK_EXIT_OK);
    for (size_t i = 0; i < tm.applied.call_cnt; i++) {
        const slk_call_t *call = &tm.applied.calls[i];
        slk_deferred_cron_event_params_t params;
        if (call->kind != SLK_ACTOR_MINER)
            continue;
        assert_int_equal(call->method, 12);
        assert_ok(slk_record_decode(&params, &slk_deferred_cron_event_params_type, call->params.b,
                                    call->params.len, &tm.arena, &tm.diag),
                  tm.diag);
        got[cnt++] = (char)params.event_payload.b[0];
    }
    assert_string_equal(got, want);
    test_set_epoch(&tm, tm.env.epoch + 1);
}

/* A callback that fails costs the miner its claim, and is not tried again. */
static void test_failing_callback(void **state)
{
    (void)state;
    const uint64_t a = make_miner(), b = make_miner();
    assert_int_equal(claim(a, 2048, 2048), SLK_EXIT_OK);
    assert_int_equal(claim(b, 4096, 4096), SLK_EXIT_OK);
    assert_int_equal(enroll(a, -1, "x"), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_int_equal(enroll(100, 5, "x"), SLK_EXIT_USR_FORBIDDEN);
    assert_int_equal(enroll(a, 2, "nonsense"), SLK_EXIT_OK);
    assert_int_equal(enroll(a, 3, "later"), SLK_EXIT_OK);
    assert_callbacks("");
    assert_callbacks("");
    assert_callbacks("n"); /* epoch 2 */
    slk_power_state_t st = power_state();
    assert_int_equal(st.miner_count, 1);
    assert_int_equal(st.miner_above_min_power_count, 1);
    assert_bigint(st.total_raw_byte_power, slk_bigint_u64(4096));
    assert_bigint(st.total_bytes_committed, slk_bigint_u64(4096));
    assert_bigint(st.this_epoch_raw_byte_power, slk_bigint_u64(4096));
    assert_callbacks(""); /* no claim: not called */
    assert_int_equal(claim(a, 1, 1), SLK_EXIT_USR_NOT_FOUND);
    assert_int_equal(st.first_cron_epoch, 3);
}

/* Events of null rounds and of the past come with the next tick, epoch by epoch, as they were
 * enrolled. */
static void test_order_of_callbacks(void **state)
{
    (void)state;
    const uint64_t a = make_miner(), b = make_miner();
    assert_int_equal(enroll(b, 7, "5"), SLK_EXIT_OK);
    assert_int_equal(enroll(a, 7, "6"), SLK_EXIT_OK);
    assert_int_equal(enroll(a, 6, "3"), SLK_EXIT_OK);
    assert_int_equal(enroll(a, 6, "4"), SLK_EXIT_OK);
    test_set_epoch(&tm, 5);
    assert_callbacks("");
    assert_int_equal(enroll(a, 2, "1"), SLK_EXIT_OK); /* passed already */
    assert_int_equal(enroll(b, 2, "2"), SLK_EXIT_OK);
    assert_int_equal(power_state().first_cron_epoch, 2);
    test_set_epoch(&tm, 9);
    assert_callbacks("123456");
    const slk_cid_t queue = power_state().cron_event_queue;
    assert_string_equal(slk_cid_text(&queue).s,
                        "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
}

/* --- Rewards ---------------------------------------------------------------------------------- */

static slk_exit_t award(uint64_t from, slk_address_t miner, slk_bigint_t gas, int64_t win_count)
{
    const slk_award_block_reward_params_t params = {miner, none(), gas, win_count};
    return test_call_as(&tm, from, SLK_ID_REWARD, AWARD, &params,
                        &slk_award_block_reward_params_type, none());
}

static void test_award(void **state)
{
    (void)state;
    const uint64_t miner = make_miner();
    slk_reward_state_t st;
    test_read_state(&tm, SLK_ID_REWARD, &st, &slk_reward_state_type);
    assert_bigint(st.this_epoch_reward, test_atto("36266264293777134739"));
    slk_bigint_t before = test_balance(&tm, miner), of_two = test_atto("14506505717510853895");
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(miner), slk_bigint_u64(9), 2),
                     SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, miner),
                  slk_bigint_add(before, slk_bigint_add(of_two, slk_bigint_u64(9))));
    test_read_state(&tm, SLK_ID_REWARD, &st, &slk_reward_state_type);
    assert_bigint(st.total_storage_power_reward, of_two);

    /* Who cannot take it, loses it. */
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    assert_int_equal(award(SLK_ID_SYSTEM, tm.accounts[1], none(), 2), SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, SLK_ID_BURNT), slk_bigint_add(burnt, of_two));
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(5555), none(), 2), SLK_EXIT_USR_NOT_FOUND);
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(miner), none(), 0),
                     SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_int_equal(award(100, slk_address_id(miner), none(), 1), SLK_EXIT_USR_FORBIDDEN);
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(miner), test_fil(1200000000), 1),
                     SLK_EXIT_USR_ILLEGAL_STATE);
}

/* The last of it goes to the last block, and then only the gas is paid. */
static void test_reward_runs_out(void **state)
{
    (void)state;
    const uint64_t miner = make_miner();
    slk_actor_state_t reward = test_actor(&tm, SLK_ID_REWARD), reserve;
    reserve = test_actor(&tm, SLK_ID_RESERVE);
    slk_bigint_t left = slk_bigint_u64(1000), before = test_balance(&tm, miner);
    reserve.balance = slk_bigint_add(reserve.balance, slk_bigint_sub(reward.balance, left));
    reward.balance = left;
    slk_state_tree_t *tree = slk_machine_tree(tm.machine);
    assert_ok(slk_state_tree_set(tree, SLK_ID_REWARD, &reward, &tm.diag), tm.diag);
    assert_ok(slk_state_tree_set(tree, SLK_ID_RESERVE, &reserve, &tm.diag), tm.diag);
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(miner), slk_bigint_u64(10), 1),
                     SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, miner), slk_bigint_add(before, left));
    assert_int_equal(award(SLK_ID_SYSTEM, slk_address_id(miner), none(), 1), SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, SLK_ID_REWARD), none());
    slk_reward_state_t st;
    test_read_state(&tm, SLK_ID_REWARD, &st, &slk_reward_state_type);
    assert_bigint(st.total_storage_power_reward, slk_bigint_u64(990));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recorded_miner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recorded_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consensus_minimum, setup, teardown),
        cmocka_unit_test_setup_teardown(test_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pledge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_of_callbacks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_award, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reward_runs_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
