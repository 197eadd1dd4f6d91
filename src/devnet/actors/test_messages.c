/* Messages on the devnet's machine: what they cost, what fails with which code, and what stays
 * of a failure. */

#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "devnet/vm/gas.h"
#include "devnet/vm/test_machine.h"

#define CREATE_MINER 2u
#define ADD_BALANCE  2u

static test_machine_t tm;

static int setup(void **state)
{
    (void)state;
    test_machine_open(&tm, NULL);
    return 0;
}

/* Nothing is made and nothing is lost, whatever a test did. */
static int teardown(void **state)
{
    (void)state;
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    test_machine_close(&tm);
    return 0;
}

static slk_exit_t pay(unsigned from, slk_address_t to, slk_bigint_t value)
{
    return test_send_from(&tm, &tm.accounts[from], to, 0, NULL, NULL, value);
}

static slk_address_t new_key(const char *name, slk_key_type_t type)
{
    slk_key_t key;
    test_key(&key, type, name);
    return slk_key_address(&key);
}

/* --- Transfers -------------------------------------------------------------------------------- */

static void test_transfer(void **state)
{
    (void)state;
    slk_bigint_t burnt = test_balance(&tm, SLK_ID_BURNT), tips = test_balance(&tm, SLK_ID_REWARD);
    assert_int_equal(pay(0, tm.accounts[1], test_fil(3)), SLK_EXIT_OK);
    const slk_gas_cost_t cost = tm.applied.cost;
    assert_bigint(test_balance(&tm, 101), test_fil(TEST_FIL + 3));
    assert_bigint(test_balance(&tm, 100), slk_bigint_sub(test_fil(TEST_FIL - 3), cost.total_cost));
    assert_int_equal(test_actor(&tm, 100).nonce, 1);
    assert_int_equal(tm.applied.ret.len, 0);

    /* The charge for the gas that was used: premium times limit, base fee times used,
     * over-estimation. */
    assert_bigint(cost.base_fee_burn, slk_bigint_i64(100 * tm.applied.gas_used));
    assert_bigint(cost.miner_tip, slk_bigint_i64(50 * TEST_GAS_LIMIT));
    slk_bigint_t burn = slk_bigint_add(cost.base_fee_burn, cost.over_estimation_burn);
    assert_bigint(test_balance(&tm, SLK_ID_BURNT), slk_bigint_add(burnt, burn));
    assert_bigint(test_balance(&tm, SLK_ID_REWARD), slk_bigint_add(tips, cost.miner_tip));
    assert_bigint(cost.total_cost, slk_bigint_add(burn, cost.miner_tip));
    assert_bigint(slk_bigint_add(cost.total_cost, cost.refund),
                  slk_bigint_i64(200 * TEST_GAS_LIMIT));
}

/* A key that the chain does not know gets an account with the next id. */
static void test_new_accounts(void **state)
{
    (void)state;
    const slk_address_t keys[] = {new_key("new 0", SLK_KEY_BLS),
                                  new_key("new 1", SLK_KEY_SECP256K1)};
    for (unsigned i = 0; i < 2; i++) {
        slk_account_state_t account;
        assert_int_equal(pay(0, keys[i], test_fil(i)), SLK_EXIT_OK);
        test_read_state(&tm, SLK_FIRST_MINER_ID + i, &account, &slk_account_state_type);
        assert_true(slk_address_eq(&account.address, &keys[i]));
        assert_bigint(test_balance(&tm, SLK_FIRST_MINER_ID + i), test_fil(i));
    }
    assert_int_equal(pay(0, keys[1], test_fil(1)), SLK_EXIT_OK);
    assert_bigint(test_balance(&tm, SLK_FIRST_MINER_ID + 1), test_fil(2));
    assert_int_equal(test_send_from(&tm, &keys[1], tm.accounts[0], 0, NULL, NULL, test_fil(1)),
                     SLK_EXIT_OK);
    /* One that cannot pay the gas is told so. */
    assert_int_equal(test_send_from(&tm, &keys[0], tm.accounts[0], 0, NULL, NULL, test_fil(0)),
                     SLK_EXIT_SYS_SENDER_STATE_INVALID);
}

static void test_failed_transfers(void **state)
{
    (void)state;
    const slk_address_t robust = slk_address_actor("x", 1);
    assert_int_equal(pay(0, tm.accounts[1], test_fil(TEST_FIL)), SLK_EXIT_SYS_INSUFFICIENT_FUNDS);
    assert_int_equal(test_actor(&tm, 100).nonce, 1); /* and the gas is paid */
    assert_bigint(test_balance(&tm, 100),
                  slk_bigint_sub(test_fil(TEST_FIL), tm.applied.cost.total_cost));
    assert_bigint(test_balance(&tm, 101), test_fil(TEST_FIL));
    assert_int_equal(pay(0, robust, test_fil(1)), SLK_EXIT_SYS_INVALID_RECEIVER);
    assert_int_equal(pay(0, slk_address_id(77777), test_fil(1)), SLK_EXIT_SYS_INVALID_RECEIVER);
    assert_int_equal(pay(0, tm.accounts[1], slk_bigint_i64(-1)), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_int_equal(test_actor(&tm, 100).nonce, 4);

    /* The account that the receiver would have got is undone with the transfer. */
    const slk_address_t key = new_key("new", SLK_KEY_BLS);
    assert_int_equal(pay(0, key, test_fil(2 * TEST_FIL)), SLK_EXIT_SYS_INSUFFICIENT_FUNDS);
    slk_init_state_t init;
    test_read_state(&tm, SLK_ID_INIT, &init, &slk_init_state_type);
    assert_int_equal(init.next_id, SLK_FIRST_MINER_ID);
}

/* --- Before execution ------------------------------------------------------------------------- */

static slk_message_t plain(void)
{
    return test_message(&tm, &tm.accounts[0], tm.accounts[1], 0, (slk_bytes_t){0}, test_fil(1));
}

/* A refused message has a receipt, changes nothing, and its producer pays for it. */
static void assert_refused(const slk_message_t *message, slk_exit_t exit)
{
    slk_cid_t before, after;
    assert_ok(slk_machine_flush(tm.machine, &before, &tm.diag), tm.diag);
    assert_int_equal(test_apply(&tm, message), exit);
    assert_int_equal(tm.applied.gas_used, 0);
    assert_bigint(tm.applied.cost.miner_penalty, slk_bigint_i64(100 * message->gas_limit));
    assert_ok(slk_machine_flush(tm.machine, &after, &tm.diag), tm.diag);
    assert_true(slk_cid_eq(&before, &after));
}

static void test_refused(void **state)
{
    (void)state;
    slk_message_t m = plain();
    m.nonce = 1;
    assert_refused(&m, SLK_EXIT_SYS_SENDER_STATE_INVALID);
    m = plain();
    m.from = new_key("unknown", SLK_KEY_BLS);
    assert_refused(&m, SLK_EXIT_SYS_SENDER_INVALID);
    m = plain();
    m.from = slk_address_id(SLK_ID_POWER);
    assert_refused(&m, SLK_EXIT_SYS_SENDER_INVALID);
    m = plain();
    m.gas_fee_cap = test_fil(1);
    assert_refused(&m, SLK_EXIT_SYS_SENDER_STATE_INVALID);
    m = plain();
    m.gas_limit = 100;
    assert_refused(&m, SLK_EXIT_SYS_OUT_OF_GAS);
    m = plain();
    assert_int_equal(test_apply(&tm, &m), SLK_EXIT_OK);
    assert_refused(&m, SLK_EXIT_SYS_SENDER_STATE_INVALID); /* once is enough */
}

/* --- During execution ------------------------------------------------------------------------- */

static void test_no_such_method(void **state)
{
    (void)state;
    assert_int_equal(test_send(&tm, 0, SLK_ID_POWER, 77, NULL, NULL, test_fil(1)),
                     SLK_EXIT_USR_UNHANDLED_MESSAGE);
    assert_bigint(test_balance(&tm, SLK_ID_POWER), slk_bigint_u64(0));
    assert_int_equal(test_send(&tm, 0, 101, 77, NULL, NULL, test_fil(1)),
                     SLK_EXIT_USR_UNHANDLED_MESSAGE);
    /* Accounts take all methods that are for everybody. */
    assert_int_equal(test_send(&tm, 0, 101, 1u << 24, NULL, NULL, test_fil(1)), SLK_EXIT_OK);
    assert_int_equal(test_send(&tm, 0, SLK_ID_POWER, CREATE_MINER, NULL, NULL, test_fil(1)),
                     SLK_EXIT_USR_SERIALIZATION);
    assert_int_equal(test_send(&tm, 0, SLK_ID_CRON, 2, NULL, NULL, slk_bigint_u64(0)),
                     SLK_EXIT_USR_FORBIDDEN);
}

/* Whatever the gas is, a message ends either well or without a trace but its fee. */
static void test_out_of_gas(void **state)
{
    (void)state;
    const slk_value_address_t params = {tm.accounts[0]};
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, &slk_value_address_type, &params, &tm.diag), tm.diag);
    slk_message_t m = test_message(&tm, &tm.accounts[0], slk_address_id(SLK_ID_MARKET), ADD_BALANCE,
                                   (slk_bytes_t){buf.bytes, buf.len}, test_fil(1));
    const slk_cid_t head = test_actor(&tm, SLK_ID_MARKET).head;
    unsigned failed = 0;
    for (int64_t limit = 800000; limit < 20000000; limit += 120000) {
        m.gas_limit = limit;
        m.nonce = failed;
        if (test_apply(&tm, &m) == SLK_EXIT_OK)
            break;
        assert_int_equal(tm.applied.exit, SLK_EXIT_SYS_OUT_OF_GAS);
        assert_int_equal(tm.applied.gas_used, limit);
        slk_cid_t now = test_actor(&tm, SLK_ID_MARKET).head;
        assert_true(slk_cid_eq(&now, &head));
        assert_bigint(test_balance(&tm, SLK_ID_MARKET), slk_bigint_u64(0));
        failed++;
    }
    assert_int_equal(tm.applied.exit, SLK_EXIT_OK);
    assert_true(failed > 3);
    assert_bigint(test_balance(&tm, SLK_ID_MARKET), test_fil(1));
    slk_buf_free(&buf);
}

/* --- Anything --------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;

static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static slk_address_t anybody(void)
{
    static const uint64_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7, 80, 90, 99, 100, 104, 1000, 1001, 1002};
    char name[32];
    if (chance(4))
        return slk_address_id(ids[chance(SLK_COUNT(ids))]);
    snprintf(name, sizeof name, "anybody %u", (unsigned)chance(5));
    return new_key(name, chance(2) ? SLK_KEY_BLS : SLK_KEY_SECP256K1);
}

/* Parameters: none, an address, an address with an amount, or bytes. */
static slk_bytes_t anything(slk_buf_t *buf)
{
    const slk_address_t who = anybody();
    const slk_market_withdraw_balance_params_t both = {who, slk_bigint_u64(chance(1000000))};
    uint8_t noise[24];
    slk_buf_clear(buf);
    switch (chance(4)) {
    case 0:
        break;
    case 1:
        slk_cbor_put_address(buf, &who);
        break;
    case 2:
        assert_ok(slk_record_encode(buf, &slk_market_withdraw_balance_params_type, &both, &tm.diag),
                  tm.diag);
        break;
    default:
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)chance(256);
        slk_buf_put(buf, noise, 1 + chance(sizeof noise));
    }
    return (slk_bytes_t){buf->bytes, buf->len};
}

/* Sum and nonces stay right; a failed message leaves nothing but its fee. */
static void test_random_messages(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    unsigned good = 0, bad = 0;
    for (unsigned i = 0; i < 1500; i++) {
        const unsigned from = (unsigned)chance(TEST_ACCOUNTS);
        slk_message_t m = test_message(
            &tm, &tm.accounts[from], anybody(), chance(15), anything(&buf),
            slk_bigint_mul(slk_bigint_u64(chance(3)), slk_bigint_u64(chance(UINT64_MAX))));
        if (!chance(3))
            m.method = 0;
        if (!chance(8))
            m.gas_limit = (int64_t)(900000 + chance(3000000));
        test_apply(&tm, &m);
        if (tm.applied.exit == SLK_EXIT_OK)
            good++;
        else
            bad++;
        assert_int_equal(test_actor(&tm, 100 + from).nonce, m.nonce + 1);
        if (i % 100 == 0) {
            test_ticks(&tm, 3);
            assert_bigint(test_all_balances(&tm), test_fil(2000000000));
        }
    }
    assert_true(good > 300 && bad > 300);
    slk_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_transfer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_transfers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_such_method, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_gas, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_messages, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
