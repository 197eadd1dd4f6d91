/* Many sectors in one miner: what the cron of a deadline and other work on them takes, in time and in
 * memory, is printed. 10,000 sectors; 100,000 with the argument "slow". */

#include "devnet/actors/miner/test_miner.h"

#include <time.h>

static test_machine_t tm;
static uint64_t miner;
static size_t sector_cnt = 10000;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void add_all(void)
{
    enum { BATCH = 1000 };
    slk_sector_on_chain_info_t *infos = calloc(BATCH, sizeof *infos);
    slk_node_t comm_r = test_bytes32("comm_r");
    assert_non_null(infos);
    for (size_t done = 0; done < sector_cnt; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            infos[i] = (slk_sector_on_chain_info_t){
                .sector_number = done + i,
                .seal_proof = 5,
                .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                .power_base_epoch = tm.env.epoch,
                .activation = tm.env.epoch,
                .expiration = tm.env.epoch + 200 * tm.policy.proving_period + (int64_t)done / 7,
                .initial_pledge = slk_bigint_u64(59604643840),
                .daily_fee = slk_bigint_u64(185833),
                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
        test_add_sectors(&tm, miner, infos, BATCH);
    }
    free(infos);
}

/* Cron up to the end of the deadline that is open; time and memory of the tick that closes it. */
static void close_deadline(const char *what)
{
    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    slk_deadline_info_t dl = slk_miner_deadline(&rt, &st);
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, dl.index, &deadline));
    uint64_t live = deadline.live_sectors;
    test_ticks(&tm, slk_deadline_last(&dl) - tm.env.epoch);
    size_t blocks = slk_memory_store_stat(tm.memory).byte_cnt;
    double start = now_ms();
    test_ticks(&tm, 1);
    print_message("%s of a deadline with %" PRIu64 " sectors: %.1f ms, %.1f MiB of memory, "
                  "%.1f MiB of blocks\n",
                  what, live, now_ms() - start, (double)tm.machine->arena.used / 1048576,
                  (double)(slk_memory_store_stat(tm.memory).byte_cnt - blocks) / 1048576);
}

/* The end of the first deadline with sectors. */
static void go_to_sectors(void)
{
    for (;;) {
        slk_rt_t rt = test_rt(&tm, miner);
        slk_miner_state_t st;
        slk_deadlines_t deadlines;
        slk_deadline_t deadline;
        assert_rt(&rt, slk_miner_load(&rt, &st));
        slk_deadline_info_t dl = slk_miner_deadline(&rt, &st);
        assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
        assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, dl.index, &deadline));
        if (deadline.live_sectors)
            return;
        test_ticks(&tm, dl.close - tm.env.epoch);
    }
}

static void test_large(void **state)
{
    (void)state;
    slk_policy_t policy = slk_policy_scaled(slk_policy_by_name("2k"), 48, 4);
    policy.fault_max_age = 2 * policy.proving_period;
    test_machine_open(&tm, &policy);
    miner = test_new_miner(&tm, 0, 10);
    assert_int_equal(test_send(&tm, 0, miner, 0, NULL, NULL, test_fil(1000)), SLK_EXIT_OK);
    test_start_cron(&tm, miner);
    double start = now_ms();
    add_all();
    print_message("%zu sectors put into deadlines in %.0f ms, %.1f MiB of blocks in all\n",
                  sector_cnt, now_ms() - start,
                  (double)slk_memory_store_stat(tm.memory).byte_cnt / 1048576);
    go_to_sectors();
    close_deadline("end without proofs");
    test_ticks(&tm, policy.proving_period - policy.challenge_window);
    close_deadline("end, all faulty before,");
    test_ticks(&tm, policy.proving_period - policy.challenge_window);
    close_deadline("end that terminates all");

    slk_rt_t rt = test_rt(&tm, miner);
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    start = now_ms();
    uint64_t dl, part;
    bool found;
    assert_rt(&rt, slk_deadlines_find(&rt, &deadlines, sector_cnt - 1, &dl, &part, &found));
    assert_true(found);
    print_message("a sector found in %.1f ms\n", now_ms() - start);
    test_machine_close(&tm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large)};
    if (argc > 1 && !strcmp(argv[1], "slow"))
        sector_cnt = 100000;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
