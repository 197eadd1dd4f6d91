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

#define EPOCH_OF_PRECOMMIT 213

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

/* What PreCommitSectorBatch2-1 (included at epoch 213) saw of the two actors' methods 3 and 9. */
static const char returned_3[] =
    "8282581a0001f74b47d7203da0961945b17e177ec39b80c143fff44abc0656011f01"
    "f30d75b4aa3ddc13d2287d00ec901b4b5746d549002818d62d4eabeb3d";
static const char returned_9_filter[] =
    "825818000525de4c3c77eebbcd4718594db785826f45e58b9b4c27570003afffa6e2efdb6f56f92b2fa7b87516723d"
    "387b684e0000";

static void assert_tail_hex(slk_bytes_t got, const char *hex, bool whole)
{
    uint8_t want[128];
    size_t len = strlen(hex) / 2;
    assert_true(slk_hex_decode(want, len, hex));
    assert_true(got.len >= len && (!whole || got.len == len));
    assert_memory_equal(got.b + got.len - len, want, len);
}

static void test_returns_of_recording(void **state)
{
    (void)state;
    begin_as_recorded();
    test_ticks(&tm, EPOCH_OF_PRECOMMIT - 1);
    assert_int_equal(test_send(&tm, 0, SLK_ID_REWARD, 3, NULL, NULL, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
    assert_tail_hex(tm.applied.ret, returned_3, true);
    assert_int_equal(test_send(&tm, 0, SLK_ID_POWER, 9, NULL, NULL, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
    assert_tail_hex(tm.applied.ret, returned_9_filter, false);
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
        cmocka_unit_test_setup_teardown(test_returns_of_recording, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supply_of_recording, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
