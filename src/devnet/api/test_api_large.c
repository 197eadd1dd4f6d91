/* A miner of many sectors as the API shows it: 2,000 here; with "slow", 100,000, and figures. */

#include "devnet/api/test_forge.h"

#include <sys/resource.h>

static size_t sector_cnt = 2000;

static void add_sectors(test_machine_t *tm, uint64_t miner)
{
    const slk_node_t comm_r = {.b = {1}};
    slk_sector_on_chain_info_t *infos = calloc(sector_cnt, sizeof *infos);
    assert_non_null(infos);
    for (size_t i = 0; i < sector_cnt; i++)
        infos[i] = (slk_sector_on_chain_info_t){.sector_number = i,
                                                .seal_proof = 5,
                                                .sealed_cid =
                                                    slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                                                .activation = 1,
                                                .expiration = 1549539,
                                                .initial_pledge = slk_bigint_u64(1000),
                                                .power_base_epoch = 1,
                                                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    test_add_sectors(tm, miner, infos, sector_cnt);
    free(infos);
}

static long memory_mib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss / 1024;
}

static json_t *timed(test_devnet_t *t, const char *method, json_t *params)
{
    const double begun = slk_clock_seconds();
    json_t *result = test_result(t, method, params);
    print_message("%s: %.3f s, at most %ld MiB so far (client included)\n", method,
                  slk_clock_seconds() - begun, memory_mib());
    return result;
}

static void test_large(void **state)
{
    test_devnet_t t;
    test_machine_t tm;
    char miner[32];
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 3);
    json_t *owner = test_result(&t, "Filecoin.WalletDefaultAddress", json_array());
    const uint64_t id = test_create_miner(&t, json_string_value(owner));
    json_decref(owner);
    snprintf(miner, sizeof miner, "t0%" PRIu64, id);
    test_mine(&t, 2);
    slk_tip_t *head = test_forge_begin(&t, &tm);
    add_sectors(&tm, id);
    print_message("%zu sectors made, at most %ld MiB so far\n", sector_cnt, memory_mib());
    test_forge_end(&t, &tm, head);

    json_t *json = timed(&t, "Filecoin.StateMinerSectorCount", json_pack("[s, n]", miner));
    assert_int_equal(json_integer_value(json_object_get(json, "Live")), sector_cnt);
    assert_int_equal(json_integer_value(json_object_get(json, "Active")), 0);
    json_decref(json);
    json = timed(&t, "Filecoin.StateMinerSectors", json_pack("[s, n, n]", miner));
    assert_int_equal(json_array_size(json), sector_cnt);
    json_decref(json);
    json = timed(&t, "Filecoin.StateMinerActiveSectors", json_pack("[s, n]", miner));
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
    json = timed(&t, "Filecoin.StateMinerSectors", json_pack("[s, [i, i], n]", miner, 7, 1));
    assert_int_equal(json_array_size(json), 1);
    json_decref(json);
    json = timed(&t, "Filecoin.StateSectorGetInfo",
                 json_pack("[s, i, n]", miner, (int)sector_cnt - 1));
    assert_int_equal(json_integer_value(json_object_get(json, "SectorNumber")), sector_cnt - 1);
    json_decref(json);
    json_decref(timed(&t, "Filecoin.StateSectorPartition",
                      json_pack("[s, i, n]", miner, (int)sector_cnt - 1)));
    json_decref(timed(&t, "Filecoin.StateMinerDeadlines", json_pack("[s, n]", miner)));
    json_decref(timed(&t, "Filecoin.StateMinerPartitions", json_pack("[s, i, n]", miner, 5)));
    json_decref(timed(&t, SLK_CONTROL "Mine", json_pack("[i]", 10)));
    test_devnet_close(&t);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "slow"))
        sector_cnt = 100000;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
