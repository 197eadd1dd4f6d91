/* Who controls a miner, where its money goes, and what it answers. */

#include "codec/actors/power.h"
#include "devnet/actors/miner/control.h"
#include "devnet/actors/miner/money.h"
#include "devnet/actors/miner/test_miner.h"

#include <inttypes.h>

#define MINER 1000u
#define DAY   2880

/* Accounts: 0 owner and worker, 1 the next owner, 2 the next worker, 3 a beneficiary, 4 a
 * control address (with a secp256k1 key), 5 nobody. */

#define assert_exit(want, call, words)                                                             \
    do {                                                                                           \
        slk_exit_t assert_exit_got = (call);                                                       \
        if (assert_exit_got != (want) || !strstr(tm.applied.text, (words)))                        \
            fail_msg("%s: exit %d, %s", #call, assert_exit_got, tm.applied.text);                  \
    } while (0)

static void open_miner(test_machine_t *tm)
{
    test_machine_open(tm, NULL);
    assert_int_equal(test_new_miner(tm, 0, 10), MINER);
}

static slk_miner_state_t state_of(test_machine_t *tm)
{
    slk_miner_state_t st;
    test_read_state(tm, MINER, &st, &slk_miner_state_type);
    return st;
}

static slk_miner_info_t info_of(test_machine_t *tm)
{
    slk_miner_info_t info;
    slk_miner_state_t st = state_of(tm);
    test_read_object(tm, &st.info, &info, &slk_miner_info_type);
    return info;
}

static void assert_id(slk_address_t address, uint64_t id)
{
    uint64_t n = 0;
    assert_true(slk_address_to_id(&address, &n));
    assert_int_equal(n, id);
}

static slk_exit_t ask(test_machine_t *tm, uint64_t method)
{
    return test_send(tm, 5, MINER, method, NULL, NULL, slk_bigint_u64(0));
}

/* --- A new miner ------------------------------------------------------------------------------ */

static slk_exit_t create(test_machine_t *tm, const slk_create_miner_params_t *params,
                         slk_bigint_t value)
{
    return test_send(tm, 0, SLK_ID_POWER, 2, params, &slk_create_miner_params_type, value);
}

static void test_a_new_miner(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    slk_miner_info_t info = info_of(&tm);
    assert_id(info.owner, 100);
    assert_id(info.worker, 100);
    assert_id(info.beneficiary, 100);
    assert_int_equal(info.window_post_proof_type, 10);
    assert_int_equal(info.sector_size, 2048);
    assert_int_equal(info.window_post_partition_sectors, 2);
    assert_int_equal(info.consensus_fault_elapsed, -1);
    assert_int_equal(info.peer_id.len, 4);
    slk_miner_state_t st = state_of(&tm);
    /* Spec 4.4: t01000 made at epoch 0 has offset 658. */
    assert_int_equal(st.proving_period_start, 658 - DAY);
    assert_int_equal(st.current_deadline, (DAY - 658) / 60);
    assert_false(st.deadline_cron_active);
    /* The deposit vests, in 180 steps of a day, at half days from the period's start. */
    assert_bigint(st.locked_funds, test_atto("5937181320"));
    assert_int_equal(ask(&tm, 1726876304), SLK_EXIT_OK);
    slk_get_vesting_funds_return_t vesting;
    test_read_return(&tm, &vesting, &slk_get_vesting_funds_return_type);
    assert_int_equal(vesting.funds.count, 180);
    assert_int_equal(vesting.funds.items[0].epoch, 3538);
    assert_bigint(vesting.funds.items[0].amount, test_atto("40520346"));
    slk_bigint_t sum = slk_bigint_u64(0);
    for (size_t i = 0; i < vesting.funds.count; i++)
        sum = slk_bigint_add(sum, vesting.funds.items[i].amount);
    assert_bigint(sum, st.locked_funds);

    /* And another, made at epoch 100: 1662. */
    test_set_epoch(&tm, 100);
    assert_int_equal(test_new_miner(&tm, 0, 10), 1001);
    test_read_state(&tm, 1001, &st, &slk_miner_state_type);
    assert_int_equal(st.proving_period_start, 1662 - DAY);
    test_machine_close(&tm);
}

static void test_a_new_miner_that_is_refused(void **state)
{
    (void)state;
    test_machine_t tm;
    test_machine_open(&tm, NULL);
    uint8_t long_id[129] = {0};
    slk_bytes_t addrs[2] = {{long_id, 100}, {long_id, 0}};
    slk_create_miner_params_t params = {
        .owner = tm.accounts[0], .worker = tm.accounts[0], .window_post_proof_type = 10};
    assert_exit(SLK_EXIT_USR_INSUFFICIENT_FUNDS, create(&tm, &params, test_atto("5937181319")),
                "sent balance 5937181319 < deposit 5937181320");
    params.peer = (slk_bytes_t){long_id, sizeof long_id};
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "peer ID size of 129 exceeds maximum size of 128");
    params.peer.len = 128;
    params.multiaddrs = (slk_bytes_list_t){addrs, 2};
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "invalid empty multiaddr");
    params.multiaddrs.count = 1;
    params.worker = tm.accounts[4];
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "worker account 104 must have BLS pubkey, was 1");
    params.worker = slk_address_id(SLK_ID_MARKET);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "worker actor type must be an account, was bafk2bzace");
    params.worker = slk_address_actor("nobody", 6);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "unable to resolve address: f2");
    params.worker = slk_address_id(100);
    params.owner = slk_address_actor("nobody", 6);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, create(&tm, &params, test_fil(1)),
                "unable to resolve owner address: f2");
    params.owner = tm.accounts[4];
    assert_exit(SLK_EXIT_OK, create(&tm, &params, test_atto("5937181320")), "");
    test_machine_close(&tm);
}

/* --- Control ---------------------------------------------------------------------------------- */

static slk_exit_t change_worker(test_machine_t *tm, unsigned from, unsigned worker,
                                slk_address_list_t controls)
{
    slk_change_worker_address_params_t params = {tm->accounts[worker], controls};
    return test_send(tm, from, MINER, 3, &params, &slk_change_worker_address_params_type,
                     slk_bigint_u64(0));
}

static void test_worker_and_controls(void **state)
{
    (void)state;
    test_machine_t tm;
    slk_address_t controls[11];
    const slk_address_list_t one = {controls, 1}, eleven = {controls, 11};
    open_miner(&tm);
    for (size_t i = 0; i < SLK_COUNT(controls); i++)
        controls[i] = tm.accounts[4];
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_worker(&tm, 0, 2, eleven),
                "control addresses length 11 exceeds max control addresses length 10");
    assert_exit(SLK_EXIT_USR_FORBIDDEN, change_worker(&tm, 2, 2, one),
                "caller f0102 is not one of supported");
    assert_exit(SLK_EXIT_OK, change_worker(&tm, 0, 2, one), "");
    assert_id(info_of(&tm).worker, 100);
    assert_id(info_of(&tm).control_addresses.items[0], 104);
    assert_int_equal(info_of(&tm).pending_worker_key->effective_at, 900);
    /* A second wish while one waits is passed over, its control addresses are not. */
    test_set_epoch(&tm, 10);
    assert_exit(SLK_EXIT_OK, change_worker(&tm, 0, 3, (slk_address_list_t){0}), "");
    assert_id(info_of(&tm).pending_worker_key->new_worker, 102);
    assert_int_equal(info_of(&tm).control_addresses.count, 0);
    test_set_epoch(&tm, 899);
    assert_exit(SLK_EXIT_OK, test_send(&tm, 0, MINER, 21, NULL, NULL, slk_bigint_u64(0)), "");
    assert_id(info_of(&tm).worker, 100);
    test_set_epoch(&tm, 900);
    assert_exit(SLK_EXIT_USR_FORBIDDEN, test_send(&tm, 2, MINER, 21, NULL, NULL, slk_bigint_u64(0)),
                "caller f0102");
    assert_exit(SLK_EXIT_OK, test_send(&tm, 0, MINER, 21, NULL, NULL, slk_bigint_u64(0)), "");
    assert_id(info_of(&tm).worker, 102);
    assert_null(info_of(&tm).pending_worker_key);

    slk_value_address_t who = {tm.accounts[2]};
    slk_value_bool_t yes;
    assert_exit(
        SLK_EXIT_OK,
        test_send(&tm, 5, MINER, 348244887, &who, &slk_value_address_type, slk_bigint_u64(0)), "");
    test_read_return(&tm, &yes, &slk_value_bool_type);
    assert_true(yes.value);
    who.value = tm.accounts[5];
    assert_exit(
        SLK_EXIT_OK,
        test_send(&tm, 5, MINER, 348244887, &who, &slk_value_address_type, slk_bigint_u64(0)), "");
    test_read_return(&tm, &yes, &slk_value_bool_type);
    assert_false(yes.value);

    /* The worker may name where the miner is found; a stranger may not. */
    const slk_change_peer_id_params_t peer = {{(const uint8_t *)"elsewhere", 9}};
    assert_exit(
        SLK_EXIT_USR_FORBIDDEN,
        test_send(&tm, 5, MINER, 4, &peer, &slk_change_peer_id_params_type, slk_bigint_u64(0)),
        "caller f0105");
    assert_exit(
        SLK_EXIT_OK,
        test_send(&tm, 2, MINER, 4, &peer, &slk_change_peer_id_params_type, slk_bigint_u64(0)), "");
    slk_bytes_t addr = {(const uint8_t *)"/ip4", 4};
    const slk_change_multiaddrs_params_t addrs = {{&addr, 1}};
    assert_exit(
        SLK_EXIT_OK,
        test_send(&tm, 2, MINER, 18, &addrs, &slk_change_multiaddrs_params_type, slk_bigint_u64(0)),
        "");
    slk_get_multiaddrs_return_t got;
    assert_exit(SLK_EXIT_OK, ask(&tm, 1332909407), "");
    test_read_return(&tm, &got, &slk_get_multiaddrs_return_type);
    assert_int_equal(got.multiaddrs.count, 1);
    assert_memory_equal(got.multiaddrs.items[0].b, "/ip4", 4);
    test_machine_close(&tm);
}

static slk_exit_t change_owner(test_machine_t *tm, unsigned from, slk_address_t owner)
{
    slk_value_address_t params = {owner};
    return test_send(tm, from, MINER, 23, &params, &slk_value_address_type, slk_bigint_u64(0));
}

static void test_owner(void **state)
{
    (void)state;
    test_machine_t tm;
    slk_get_owner_return_t owner;
    open_miner(&tm);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_owner(&tm, 0, tm.accounts[1]),
                "owner address must be an ID address");
    assert_exit(SLK_EXIT_USR_FORBIDDEN, change_owner(&tm, 1, slk_address_id(101)), "caller f0101");
    assert_exit(SLK_EXIT_OK, change_owner(&tm, 0, slk_address_id(101)), "");
    assert_exit(SLK_EXIT_USR_FORBIDDEN, change_owner(&tm, 2, slk_address_id(101)), "caller f0102");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_owner(&tm, 1, slk_address_id(102)),
                "expected confirmation of f0101 got f0102");
    assert_int_equal(ask(&tm, 3275365574), SLK_EXIT_OK);
    test_read_return(&tm, &owner, &slk_get_owner_return_type);
    assert_id(owner.owner, 100);
    assert_id(owner.proposed, 101);
    assert_exit(SLK_EXIT_OK, change_owner(&tm, 0, slk_address_id(100)), ""); /* withdrawn */
    assert_false(slk_address_defined(&(slk_address_t[]){info_of(&tm).pending_owner_address}[0]));
    assert_exit(SLK_EXIT_OK, change_owner(&tm, 0, slk_address_id(101)), "");
    assert_exit(SLK_EXIT_OK, change_owner(&tm, 1, slk_address_id(101)), "");
    assert_id(info_of(&tm).owner, 101);
    assert_id(info_of(&tm).beneficiary, 101);
    assert_id(info_of(&tm).worker, 100);
    test_machine_close(&tm);
}

/* --- Money ------------------------------------------------------------------------------------ */

static slk_exit_t withdraw(test_machine_t *tm, unsigned from, slk_bigint_t amount)
{
    slk_miner_withdraw_balance_params_t params = {amount};
    return test_send(tm, from, MINER, 16, &params, &slk_miner_withdraw_balance_params_type,
                     slk_bigint_u64(0));
}

static slk_bigint_t withdrawn(test_machine_t *tm)
{
    slk_value_bigint_t ret;
    test_read_return(tm, &ret, &slk_value_bigint_type);
    return ret.value;
}

static slk_exit_t change_beneficiary(test_machine_t *tm, unsigned from, unsigned to,
                                     slk_bigint_t quota, int64_t expiration)
{
    slk_change_beneficiary_params_t params = {tm->accounts[to], quota, expiration};
    return test_send(tm, from, MINER, 30, &params, &slk_change_beneficiary_params_type,
                     slk_bigint_u64(0));
}

static void test_beneficiary(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    const slk_bigint_t none = slk_bigint_u64(0);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_beneficiary(&tm, 0, 3, none, 100),
                "beneficial quota 0 must bigger than zero");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_beneficiary(&tm, 0, 0, test_fil(1), 0),
                "owner beneficial quota 1 must be zero");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_beneficiary(&tm, 0, 0, none, 5),
                "owner beneficial expiration 5 must be zero");
    assert_exit(SLK_EXIT_USR_FORBIDDEN, change_beneficiary(&tm, 3, 3, test_fil(5), 100),
                "No changeBeneficiary proposal exists");
    assert_exit(SLK_EXIT_OK, change_beneficiary(&tm, 0, 3, test_fil(5), 100), "");
    assert_id(info_of(&tm).beneficiary, 100);
    assert_exit(SLK_EXIT_USR_FORBIDDEN, change_beneficiary(&tm, 2, 3, test_fil(5), 100),
                "message caller f0102 is neither proposal beneficiary");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_beneficiary(&tm, 3, 3, test_fil(6), 100),
                "new beneficiary quota must be equal expect 5, but got 6");
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT, change_beneficiary(&tm, 3, 3, test_fil(5), 101),
                "new beneficiary expire date must be equal expect 100, but got 101");
    assert_exit(SLK_EXIT_OK, change_beneficiary(&tm, 3, 3, test_fil(5), 100), "");
    assert_id(info_of(&tm).beneficiary, 103);

    /* Owner or beneficiary withdraw, the beneficiary gets it, up to the quota. */
    const slk_bigint_t before = test_balance(&tm, 103);
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(2)), "");
    assert_bigint(slk_bigint_sub(test_balance(&tm, 103), before), test_fil(2));
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(100)), "");
    assert_bigint(withdrawn(&tm), test_fil(3));
    assert_bigint(slk_bigint_sub(test_balance(&tm, 103), before), test_fil(5));
    assert_exit(SLK_EXIT_USR_FORBIDDEN, withdraw(&tm, 3, test_fil(1)),
                "beneficiary expiration of epoch 100 passed or quota of 5 depleted with 5 used");
    /* With nothing left to it, the beneficiary has no say any more. */
    assert_exit(SLK_EXIT_OK, change_beneficiary(&tm, 0, 0, none, 0), "");
    assert_id(info_of(&tm).beneficiary, 100);
    slk_get_beneficiary_return_t ret;
    assert_exit(SLK_EXIT_OK, ask(&tm, 31), "");
    test_read_return(&tm, &ret, &slk_get_beneficiary_return_type);
    assert_bigint(ret.active.term.used_quota, none);
    assert_null(ret.proposed);
    test_machine_close(&tm);
}

static void test_withdrawal(void **state)
{
    (void)state;
    test_machine_t tm;
    slk_value_bigint_t available;
    open_miner(&tm);
    const slk_bigint_t all = test_all_balances(&tm), paid_in = test_fil(1000);
    const slk_bigint_t free_now = slk_bigint_sub(paid_in, test_atto("5937181320"));
    assert_exit(SLK_EXIT_OK, ask(&tm, 4026106874), "");
    test_read_return(&tm, &available, &slk_value_bigint_type);
    assert_bigint(available.value, free_now);
    assert_exit(SLK_EXIT_USR_FORBIDDEN, withdraw(&tm, 1, test_fil(1)), "caller f0101");

    /* Debt is paid first. */
    slk_miner_state_t st = state_of(&tm);
    st.fee_debt = test_fil(10);
    test_write_state(&tm, MINER, &st, &slk_miner_state_type);
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(5000)), "");
    assert_bigint(withdrawn(&tm), slk_bigint_sub(free_now, test_fil(10)));
    assert_true(
        slk_bigint_cmp(&(slk_bigint_t[]){slk_bigint_sub(test_balance(&tm, SLK_ID_BURNT), burnt)}[0],
                       &(slk_bigint_t[]){test_fil(10)}[0]) > 0);
    assert_bigint(test_balance(&tm, MINER), state_of(&tm).locked_funds);

    /* What has vested by then comes free: the entries of epochs before this one. */
    test_set_epoch(&tm, 3539);
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(1)), "");
    assert_bigint(withdrawn(&tm), test_atto("40520346"));
    st = state_of(&tm);
    st.early_terminations = (slk_bitfield_t){&(slk_bit_run_t){3, 5}, 1};
    test_write_state(&tm, MINER, &st, &slk_miner_state_type);
    assert_exit(SLK_EXIT_USR_FORBIDDEN, withdraw(&tm, 0, test_fil(1)),
                "cannot withdraw funds while 2 deadlines have terminated sectors");
    assert_bigint(test_all_balances(&tm), all);
    test_machine_close(&tm);
}

static slk_exit_t reward(test_machine_t *tm, uint64_t from, slk_bigint_t amount,
                         slk_bigint_t penalty)
{
    slk_apply_reward_params_t params = {amount, penalty};
    return test_call_as(tm, from, MINER, 14, &params, &slk_apply_reward_params_type, amount);
}

static void test_rewards_and_debt(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    const slk_bigint_t none = slk_bigint_u64(0), all = test_all_balances(&tm);
    const slk_bigint_t locked = state_of(&tm).locked_funds;
    assert_exit(SLK_EXIT_USR_FORBIDDEN, reward(&tm, SLK_ID_POWER, none, none), "caller f04");
    assert_exit(SLK_EXIT_OK, reward(&tm, SLK_ID_REWARD, test_fil(100), none), "");
    assert_bigint(state_of(&tm).locked_funds, slk_bigint_add(locked, test_fil(75)));
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(5000)), "");
    assert_bigint(withdrawn(&tm),
                  slk_bigint_sub(test_fil(1025), locked)); /* 1000 paid in, a quarter of 100 */

    /* A penalty takes from what vests, the soonest first, and the rest stays debt. */
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT);
    assert_exit(SLK_EXIT_OK, reward(&tm, SLK_ID_REWARD, none, test_fil(30)), "");
    assert_bigint(slk_bigint_sub(test_balance(&tm, SLK_ID_BURNT), burnt), test_fil(30));
    assert_bigint(state_of(&tm).locked_funds, slk_bigint_add(locked, test_fil(45)));
    assert_bigint(state_of(&tm).fee_debt, none);
    assert_exit(SLK_EXIT_OK, reward(&tm, SLK_ID_REWARD, none, test_fil(100)), "");
    assert_bigint(state_of(&tm).locked_funds, none);
    assert_null(state_of(&tm).vesting_funds);
    assert_bigint(test_balance(&tm, MINER), none);
    const slk_bigint_t debt = state_of(&tm).fee_debt;
    assert_bigint(debt, slk_bigint_sub(test_fil(55), locked));

    assert_exit(SLK_EXIT_USR_INSUFFICIENT_FUNDS, withdraw(&tm, 0, test_fil(1)),
                "unlocked balance can not repay fee debt (0 < 54.99");
    assert_exit(SLK_EXIT_OK, test_send(&tm, 0, MINER, 22, NULL, NULL, test_fil(50)), "");
    assert_bigint(state_of(&tm).fee_debt, slk_bigint_sub(debt, test_fil(50)));
    assert_exit(SLK_EXIT_USR_FORBIDDEN, test_send(&tm, 1, MINER, 22, NULL, NULL, test_fil(50)),
                "caller f0101");
    assert_exit(SLK_EXIT_OK, test_send(&tm, 0, MINER, 22, NULL, NULL, test_fil(50)), "");
    assert_bigint(state_of(&tm).fee_debt, none);
    assert_bigint(test_all_balances(&tm), all);
    test_machine_close(&tm);
}

/* A head that fees have drawn down to nothing stays until the next change, and is never shown. */
static void test_vesting_head_of_nothing(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    assert_exit(SLK_EXIT_OK, withdraw(&tm, 0, test_fil(5000)), "");
    assert_exit(SLK_EXIT_OK, reward(&tm, SLK_ID_REWARD, slk_bigint_u64(0), test_atto("40520346")),
                "");
    slk_miner_state_t st = state_of(&tm);
    assert_non_null(st.vesting_funds);
    assert_int_equal(st.vesting_funds->head.epoch, 3538);
    assert_bigint(st.vesting_funds->head.amount, slk_bigint_u64(0));
    slk_get_vesting_funds_return_t vesting;
    assert_int_equal(ask(&tm, 1726876304), SLK_EXIT_OK);
    test_read_return(&tm, &vesting, &slk_get_vesting_funds_return_type);
    assert_int_equal(vesting.funds.count, 179);
    test_machine_close(&tm);
}

/* --- Questions -------------------------------------------------------------------------------- */

static void test_sector_status(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    const slk_node_t comm_r = test_bytes32("comm_r");
    slk_sector_on_chain_info_t info = {.sector_number = 9,
                                       .seal_proof = 5,
                                       .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                                       .expiration = 600000};
    test_add_sectors(&tm, MINER, &info, 1);
    slk_generate_sector_location_params_t where = {9};
    slk_generate_sector_location_return_t at;
    assert_exit(SLK_EXIT_OK,
                test_send(&tm, 5, MINER, 1321604665, &where,
                          &slk_generate_sector_location_params_type, slk_bigint_u64(0)),
                "");
    test_read_return(&tm, &at, &slk_generate_sector_location_return_type);
    assert_int_equal(at.status, 1);
    slk_validate_sector_status_params_t check = {9, 1, at.aux_data};
    slk_value_bool_t valid;
    for (uint64_t status = 0; status < 3; status++) {
        check.status = status;
        assert_exit(SLK_EXIT_OK,
                    test_send(&tm, 5, MINER, 3092458564, &check,
                              &slk_validate_sector_status_params_type, slk_bigint_u64(0)),
                    "");
        test_read_return(&tm, &valid, &slk_value_bool_type);
        assert_int_equal(valid.value, status == 1);
    }
    check.sector_number = 8;
    assert_exit(SLK_EXIT_USR_NOT_FOUND,
                test_send(&tm, 5, MINER, 3092458564, &check,
                          &slk_validate_sector_status_params_type, slk_bigint_u64(0)),
                "sector 8 not found at deadline 0 partition 0");
    where.sector_number = UINT64_MAX;
    assert_exit(SLK_EXIT_OK,
                test_send(&tm, 5, MINER, 1321604665, &where,
                          &slk_generate_sector_location_params_type, slk_bigint_u64(0)),
                "");
    test_read_return(&tm, &at, &slk_generate_sector_location_return_type);
    assert_int_equal(at.status, 0);
    check = (slk_validate_sector_status_params_t){8, 0, at.aux_data};
    assert_exit(SLK_EXIT_OK,
                test_send(&tm, 5, MINER, 3092458564, &check,
                          &slk_validate_sector_status_params_type, slk_bigint_u64(0)),
                "");
    slk_value_u64_t number = {9};
    slk_value_i64_t expiration;
    assert_exit(
        SLK_EXIT_OK,
        test_send(&tm, 5, MINER, 3010055991, &number, &slk_value_u64_type, slk_bigint_u64(0)), "");
    test_read_return(&tm, &expiration, &slk_value_i64_type);
    assert_int_equal(expiration.value, 600000);
    number.value = 10;
    assert_exit(
        SLK_EXIT_USR_NOT_FOUND,
        test_send(&tm, 5, MINER, 3010055991, &number, &slk_value_u64_type, slk_bigint_u64(0)),
        "sector 10 not found");
    test_machine_close(&tm);
}

static void test_termination_fee(void **state)
{
    (void)state;
    test_machine_t tm;
    open_miner(&tm);
    slk_max_termination_fee_params_t params = {slk_bigint_u64(0), test_fil(1000)};
    slk_value_bigint_t fee;
    assert_exit(SLK_EXIT_OK,
                test_send(&tm, 5, MINER, 4127382196, &params, &slk_max_termination_fee_params_type,
                          slk_bigint_u64(0)),
                "");
    test_read_return(&tm, &fee, &slk_value_bigint_type);
    assert_bigint(fee.value, test_fil(85)); /* 8.5 % */
    params.power = slk_bigint_shl(slk_bigint_u64(1), 600);
    assert_exit(SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                test_send(&tm, 5, MINER, 4127382196, &params, &slk_max_termination_fee_params_type,
                          slk_bigint_u64(0)),
                "number of more than 512 bits");
    test_machine_close(&tm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_miner),
        cmocka_unit_test(test_a_new_miner_that_is_refused),
        cmocka_unit_test(test_worker_and_controls),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_beneficiary),
        cmocka_unit_test(test_withdrawal),
        cmocka_unit_test(test_rewards_and_debt),
        cmocka_unit_test(test_vesting_head_of_nothing),
        cmocka_unit_test(test_sector_status),
        cmocka_unit_test(test_termination_fee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
