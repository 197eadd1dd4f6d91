/* The network's first state and its economy: against what a real node's network of 2 KiB sectors
 * had, and money that is neither made nor lost. */

#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/vm/test_machine.h"

/* Roots of empty trees that the recorded node shows (StateReadState of a miner that was just
 * made, of t05). */
#define EMPTY_MAP     "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay"
#define EMPTY_ARRAY_5 "bafy2bzaceacu3yonapahihxmnhzuvk76yupwjmyeymd2l5n6xfs5st52shm6a"
#define EMPTY_ARRAY_6 "bafy2bzaceaa2jny7gkgdwnid4kuldau6bnvgyss5bszo4uy6uikrncvdu5mc2"

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
    test_machine_close(&tm);
    return 0;
}

static void assert_cid(slk_cid_t cid, const char *text)
{
    assert_string_equal(slk_cid_text(&cid).s, text);
}

/* --- Genesis ---------------------------------------------------------------------------------- */

static void test_accounts(void **state)
{
    (void)state;
    slk_init_state_t init;
    slk_account_state_t account;
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    assert_bigint(test_balance(&tm, SLK_ID_REWARD), test_fil(1100000000));
    assert_bigint(test_balance(&tm, SLK_ID_RESERVE),
                  test_fil(900000000 - TEST_ACCOUNTS * TEST_FIL));
    for (unsigned i = 0; i < TEST_ACCOUNTS; i++) {
        uint64_t id;
        bool found;
        assert_ok(slk_state_tree_resolve(slk_machine_tree(tm.machine), &tm.accounts[i], &id, &found,
                                         &tm.diag),
                  tm.diag);
        assert_true(found);
        assert_int_equal(id, 100 + i);
        assert_bigint(test_balance(&tm, id), test_fil(TEST_FIL));
        test_read_state(&tm, id, &account, &slk_account_state_type);
        assert_true(slk_address_eq(&account.address, &tm.accounts[i]));
    }
    test_read_state(&tm, 80, &account, &slk_account_state_type);
    assert_true(slk_address_eq(&account.address, &tm.root));
    test_read_state(&tm, SLK_ID_INIT, &init, &slk_init_state_type);
    assert_int_equal(init.next_id, SLK_FIRST_MINER_ID);
    assert_memory_equal(init.network_name.b, "selkie-test", init.network_name.len);
}

static void test_first_states(void **state)
{
    (void)state;
    slk_market_state_t market;
    slk_verifreg_state_t verifreg;
    slk_datacap_state_t datacap;
    slk_power_state_t power;
    test_read_state(&tm, SLK_ID_MARKET, &market, &slk_market_state_type);
    assert_cid(market.proposals, EMPTY_ARRAY_5);
    assert_cid(market.states, EMPTY_ARRAY_6);
    assert_cid(market.escrow_table, EMPTY_MAP);
    assert_cid(market.provider_sectors, EMPTY_MAP);
    assert_int_equal(market.last_cron, -1);
    test_read_state(&tm, SLK_ID_VERIFREG, &verifreg, &slk_verifreg_state_type);
    assert_cid(verifreg.claims, EMPTY_MAP);
    assert_int_equal(verifreg.next_allocation_id, 1);
    test_read_state(&tm, SLK_ID_DATACAP, &datacap, &slk_datacap_state_type);
    assert_cid(datacap.token.balances, EMPTY_MAP);
    assert_int_equal(datacap.token.hamt_bit_width, 3);
    test_read_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    assert_cid(power.claims, EMPTY_MAP);
}

static void test_bad_genesis(void **state)
{
    (void)state;
    slk_cid_t root;
    slk_genesis_account_t rows[2] = {{tm.accounts[0], test_fil(900000000)},
                                     {tm.accounts[1], slk_bigint_u64(0)}};
    slk_genesis_t genesis = {"x", rows, 2, {0}};
    assert_ok(slk_genesis_state(&root, &genesis, &tm.store, &tm.diag), tm.diag);
    rows[1].balance = slk_bigint_u64(1);
    assert_err(SLK_ERR_INPUT, slk_genesis_state(&root, &genesis, &tm.store, &tm.diag));
    rows[0].balance = slk_bigint_i64(-1);
    assert_err(SLK_ERR_INPUT, slk_genesis_state(&root, &genesis, &tm.store, &tm.diag));
    rows[0] = rows[1];
    assert_err(SLK_ERR_INPUT, slk_genesis_state(&root, &genesis, &tm.store, &tm.diag));
    rows[0].address = slk_address_id(1);
    assert_err(SLK_ERR_INPUT, slk_genesis_state(&root, &genesis, &tm.store, &tm.diag));
}

/* --- Epochs, as recorded ---------------------------------------------------------------------- */

/* The recorded network begins with two presealed sectors full of verified data; cron runs first
 * at epoch 1. */
static void begin_as_recorded(void)
{
    slk_power_state_t power;
    test_read_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    power.total_bytes_committed = power.total_raw_byte_power = slk_bigint_u64(4096);
    power.total_qa_bytes_committed = power.total_quality_adj_power = slk_bigint_u64(40960);
    power.miner_count = power.miner_above_min_power_count = 1;
    test_write_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    test_set_epoch(&tm, 1);
}

static void test_first_epochs(void **state)
{
    (void)state;
    slk_reward_state_t reward;
    slk_power_state_t power;
    begin_as_recorded();
    test_ticks(&tm, 22);
    test_read_state(&tm, SLK_ID_REWARD, &reward, &slk_reward_state_type);
    assert_bigint(reward.cumsum_realized, slk_bigint_u64(94208));
    assert_bigint(reward.cumsum_baseline, test_atto("2888890784895207676"));
    assert_int_equal(reward.effective_network_time, 1);
    assert_bigint(reward.effective_baseline_power, test_atto("2888890784895207676"));
    assert_bigint(reward.this_epoch_reward, test_atto("36266172625521495925"));
    assert_bigint(reward.this_epoch_reward_smoothed.position_estimate,
                  test_atto("12340767730385108763568768804956875420758005928740078559389"));
    assert_bigint(reward.this_epoch_reward_smoothed.velocity_estimate,
                  test_atto("-37490004339813960991010001890248594590185438969765"));
    assert_bigint(reward.this_epoch_baseline_power, test_atto("2888932692907561888"));
    assert_int_equal(reward.epoch, 23);
    test_read_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    assert_bigint(power.this_epoch_raw_byte_power, slk_bigint_u64(4096));
    assert_bigint(power.this_epoch_quality_adj_power, slk_bigint_u64(40960));
    assert_bigint(power.this_epoch_qa_power_smoothed.position_estimate,
                  test_atto("299031111161892929605191727799527697356633488545912848"));
    assert_bigint(power.this_epoch_qa_power_smoothed.velocity_estimate,
                  test_atto("1401245829847596900453208445612443066912454493327348"));
    assert_int_equal(power.first_cron_epoch, 23);
}

/* The return of the first call of a method among recorded calls; NULL: there is none. */
static const char *return_of(const json_t *call, const char *to, int method)
{
    size_t i;
    json_t *sub;
    if (!strcmp(json_string_value(json_object_get(call, "to")), to) &&
        json_integer_value(json_object_get(call, "method")) == method)
        return json_string_value(json_object_get(call, "return_hex"));
    json_array_foreach(json_object_get(call, "sub"), i, sub)
    {
        const char *found = return_of(sub, to, method);
        if (found)
            return found;
    }
    return NULL;
}

/* What the method returns now and what it returned to a recorded message, as records. */
static void both_returns(void *now, void *then, const slk_type_t *type, uint64_t actor,
                         uint64_t method, const char *recorded)
{
    uint8_t bytes[256];
    const size_t len = strlen(recorded) / 2;
    assert_true(len <= sizeof bytes && slk_hex_decode(bytes, len, recorded));
    assert_ok(slk_record_decode(then, type, bytes, len, &tm.arena, &tm.diag), tm.diag);
    assert_int_equal(test_send(&tm, 0, actor, method, NULL, NULL, slk_bigint_u64(0)), SLK_EXIT_OK);
    test_read_return(&tm, now, type);
}

static void assert_filter(slk_filter_estimate_t now, slk_filter_estimate_t then)
{
    assert_bigint(now.position_estimate, then.position_estimate);
    assert_bigint(now.velocity_estimate, then.velocity_estimate);
}

/* What methods 3 and 9 returned to messages while the recorded network's power was that of its
 * beginning. */
static void test_recorded_returns(void **state)
{
    (void)state;
    static const char *const names[] = {"PreCommitSectorBatch2-1", "CreateMiner-1",
                                        "ProveCommitSectors3-1"};
    begin_as_recorded();
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        char path[64];
        slk_this_epoch_reward_return_t reward, reward_then;
        slk_current_total_power_return_t power, power_then;
        snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", names[i]);
        json_t *json = test_vectors(path), *calls = json_object_get(json, "calls");
        json_t *included = json_object_get(json, "included_in");
        const int64_t height = json_integer_value(json_object_get(included, "height"));
        test_ticks(&tm, height - tm.env.epoch);
        both_returns(&reward, &reward_then, &slk_this_epoch_reward_return_type, SLK_ID_REWARD, 3,
                     return_of(calls, "t02", 3));
        both_returns(&power, &power_then, &slk_current_total_power_return_type, SLK_ID_POWER, 9,
                     return_of(calls, "t04", 9));
        assert_filter(reward.this_epoch_reward_smoothed, reward_then.this_epoch_reward_smoothed);
        assert_bigint(reward.this_epoch_baseline_power, reward_then.this_epoch_baseline_power);
        assert_filter(power.quality_adj_power_smoothed, power_then.quality_adj_power_smoothed);
        assert_bigint(power.raw_byte_power, power_then.raw_byte_power);
        assert_bigint(power.quality_adj_power, power_then.quality_adj_power);
        assert_int_equal(power.ramp_duration_epochs, power_then.ramp_duration_epochs);
        json_decref(json);
    }
}

static void test_supply_of_recording(void **state)
{
    (void)state;
    slk_supply_t supply;
    slk_reward_state_t reward;
    slk_power_state_t power;
    test_read_state(&tm, SLK_ID_REWARD, &reward, &slk_reward_state_type);
    reward.total_storage_power_reward = test_atto("783350352206845286921");
    test_write_state(&tm, SLK_ID_REWARD, &reward, &slk_reward_state_type);
    test_read_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    power.total_pledge_collateral = test_atto("587512764614680444645");
    test_write_state(&tm, SLK_ID_POWER, &power, &slk_power_state_type);
    slk_actor_state_t burnt = test_actor(&tm, SLK_ID_BURNT),
                      reserve = test_actor(&tm, SLK_ID_RESERVE);
    burnt.balance = test_atto("449127175000000");
    reserve.balance = test_fil(850000000);
    slk_state_tree_t *tree = slk_machine_tree(tm.machine);
    assert_ok(slk_state_tree_set(tree, SLK_ID_BURNT, &burnt, &tm.diag), tm.diag);
    assert_ok(slk_state_tree_set(tree, SLK_ID_RESERVE, &reserve, &tm.diag), tm.diag);
    assert_ok(slk_circulating_supply(&supply, tree, &tm.store, 23, &tm.diag), tm.diag);
    assert_bigint(supply.vested, test_atto("10638526396226121494081254"));
    assert_bigint(supply.mined, test_atto("783350352206845286921"));
    assert_bigint(supply.burnt, test_atto("449127175000000"));
    assert_bigint(supply.locked, test_atto("587512764614680444645"));
    assert_bigint(supply.circulating, test_atto("560638722233364586483923530"));
    assert_bigint(supply.reserve_disbursed, test_fil(550000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_states, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_genesis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_epochs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recorded_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supply_of_recording, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
