/* Whatever well-formed parameters somebody sends to a miner with sectors, its methods end with an exit
 * code: no assertion, no end of the chain; cron goes on, and money stays. */

#include "devnet/actors/miner/test_miner.h"
#include "devnet/actors/test_any_values.h"

#define ROUNDS   8u
#define MESSAGES 2000u
#define SECTORS  6u

static test_machine_t tm;
static unsigned rounds = ROUNDS;

/* Numbers 0 and up, as some_uint() often says. */
static void add_sectors(uint64_t miner)
{
    slk_sector_on_chain_info_t infos[SECTORS] = {0};
    slk_node_t comm_r = test_bytes32("comm_r");
    comm_r.b[31] &= 0x3f;
    for (size_t i = 0; i < SECTORS; i++)
        infos[i] = (slk_sector_on_chain_info_t){
            .sector_number = i,
            .seal_proof = 5,
            .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
            .activation = tm.env.epoch,
            .power_base_epoch = tm.env.epoch,
            .expiration = tm.env.epoch + (int64_t)(i + 1) * tm.policy.proving_period,
            .initial_pledge = test_fil(1),
            .daily_fee = slk_bigint_u64(10),
            .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    test_add_sectors(&tm, miner, infos, SECTORS);
    test_start_cron(&tm, miner);
}

/* Owner and worker send half of the messages. True: it went well. */
static bool send_any(uint64_t miner, slk_buf_t *params)
{
    size_t cnt;
    const slk_method_t *methods = slk_actor_methods(SLK_ACTOR_MINER, &cnt);
    const slk_method_t *method = &methods[chance(cnt)];
    const size_t from = chance(2) ? 0 : chance(TEST_ACCOUNTS);
    slk_buf_clear(params);
    if (method->params)
        put_record(&tm, params, method->params, 0);
    slk_message_t message = test_message(&tm, &tm.accounts[from], slk_address_id(miner),
                                         method->number, (slk_bytes_t){params->bytes, params->len},
                                         slk_bigint_u64(chance(4) ? 0 : chance(UINT64_MAX)));
    message.gas_limit = INT64_C(2000000000);
    return test_apply(&tm, &message) == SLK_EXIT_OK;
}

static void run_round(unsigned round)
{
    slk_buf_t params = {0};
    unsigned good = 0, unreadable = 0;
    slk_policy_t policy = slk_policy_scaled(slk_policy_by_name("2k"), 4, 6);
    policy.optimistic_post = round % 2;
    test_machine_open(&tm, &policy);
    tm.env.params_dir = SLK_VECTORS "/vk";
    test_set_supply(&tm, tm.env.supply); /* the machine takes the environment anew */
    seed = seed * 3 + round;
    test_set_epoch(&tm, 1000);
    const uint64_t miner = test_new_miner(&tm, 0, 10);
    add_sectors(miner);
    for (unsigned i = 0; i < MESSAGES; i++) {
        good += send_any(miner, &params);
        unreadable += tm.applied.exit == SLK_EXIT_USR_SERIALIZATION;
        if (!chance(8))
            test_ticks(&tm, 1);
    }
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    if (good < MESSAGES / 10 || unreadable > MESSAGES / 5)
        fail_msg("round %u: of %u messages %u good, %u not readable", round, MESSAGES, good,
                 unreadable);
    slk_buf_free(&params);
    test_machine_close(&tm);
}

static void test_any(void **state)
{
    (void)state;
    for (unsigned i = 0; i < rounds; i++)
        run_round(i);
}

/* Randomness of an epoch that a message names costs by how far back it is, and never gives gas. */
static void test_far_back(void **state)
{
    (void)state;
    static const int64_t epochs[] = {INT64_MIN, INT64_MIN / 75, -INT64_C(6498332566660758564),
                                     -1000000000};
    slk_node_t out;
    test_machine_open(&tm, NULL);
    slk_rt_t rt = test_rt(&tm, SLK_ID_POWER);
    for (size_t i = 0; i < SLK_COUNT(epochs); i++) {
        tm.machine->metered = true;
        tm.machine->gas_limit = INT64_C(10000000000);
        tm.machine->gas_used = 0;
        assert_int_equal(slk_rt_ticket_randomness(&rt, &out, SLK_TAG_SEAL, epochs[i], NULL, 0),
                         SLK_EXIT_SYS_OUT_OF_GAS);
        assert_int_equal(tm.machine->gas_used, tm.machine->gas_limit);
    }
    test_machine_close(&tm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_far_back),
    };
    if (argc > 1)
        rounds = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
