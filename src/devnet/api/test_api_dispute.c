/* A wrong window PoSt over the API of a network that takes them unverified: it counts, somebody disputes it, its
 * sectors are faulty. The two sectors come on chain without seals. */

#include "devnet/api/test_forge.h"

#define WINDOW 60

static json_t *add_sectors(test_devnet_t *t, const char *miner)
{
    test_machine_t tm;
    const slk_node_t comm_r = {.b = {1}};
    slk_sector_on_chain_info_t infos[2];
    const uint64_t id = strtoull(miner + 2, NULL, 10);
    slk_tip_t *head = test_forge_begin(t, &tm);
    for (size_t i = 0; i < SLK_COUNT(infos); i++)
        infos[i] = (slk_sector_on_chain_info_t){.sector_number = i,
                                                .seal_proof = 5,
                                                .sealed_cid =
                                                    slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                                                .activation = 1,
                                                .power_base_epoch = 1,
                                                .expiration = 1549539,
                                                .initial_pledge = slk_bigint_u64(1000),
                                                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    test_add_sectors(&tm, id, infos, SLK_COUNT(infos));
    test_start_cron(&tm, id);
    test_forge_end(t, &tm, head);
    return test_result(t, "Filecoin.StateSectorPartition", json_pack("[s, i, n]", miner, 0));
}

static int64_t number(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Mine until the deadline of this number is open. */
static json_t *wait_open(test_devnet_t *t, const char *miner, int64_t deadline)
{
    for (int i = 0; i < 60; i++) {
        json_t *at =
            test_result(t, "Filecoin.StateMinerProvingDeadline", json_pack("[s, n]", miner));
        if (number(at, "Index") == deadline && number(at, "CurrentEpoch") > number(at, "Open") + 2)
            return at;
        json_decref(at);
        test_mine(t, WINDOW / 2);
    }
    fail_msg("deadline %" PRId64 " does not open", deadline);
    return NULL;
}

static json_t *call_miner(test_devnet_t *t, const char *from, const char *miner, int method,
                          const void *params, const slk_type_t *type)
{
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, type, params, &t->diag), t->diag);
    char *text = test_base64(&buf);
    json_t *message = test_message_json(from, miner, "0", method, text);
    slk_buf_free(&buf);
    free(text);
    return message;
}

static void submit_wrong(test_devnet_t *t, const char *owner, const char *miner, const json_t *at)
{
    static const uint8_t bytes[192] = {0xc0};
    uint8_t drawn[SLK_BASE64_ROOM(44)];
    size_t len;
    slk_post_partition_t part = {0};
    slk_post_proof_t proof = {10, {bytes, sizeof bytes}};
    json_t *head = test_result(t, "Filecoin.ChainHead", json_array());
    json_t *json = test_result(t, "Filecoin.StateGetRandomnessFromTickets",
                               json_pack("[i, I, n, O]", 9, (json_int_t)number(at, "Open"),
                                         json_object_get(head, "Cids")));
    json_decref(head);
    const char *text = json_string_value(json);
    assert_true(slk_base64_decode(drawn, &len, text, strlen(text)) && len == 32);
    json_decref(json);
    const slk_submit_windowed_post_params_t params = {.deadline = (uint64_t)number(at, "Index"),
                                                      .partitions = {&part, 1},
                                                      .proofs = {&proof, 1},
                                                      .chain_commit_epoch = number(at, "Open"),
                                                      .chain_commit_rand = {drawn, len}};
    json_t *lookup = test_send_and_wait(
        t, call_miner(t, owner, miner, 5, &params, &slk_submit_windowed_post_params_type));
    assert_int_equal(number(json_object_get(lookup, "Receipt"), "ExitCode"), 0);
    json_decref(lookup);
}

/* Bytes of claimed power, faults and proofs that may be disputed. */
static void assert_miner(test_devnet_t *t, const char *miner, int64_t deadline, const char *power,
                         size_t faults, int64_t disputable)
{
    json_t *json = test_result(t, "Filecoin.StateMinerPower", json_pack("[s, n]", miner));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json, "MinerPower"), "RawBytePower")),
        power);
    json_decref(json);
    json = test_result(t, "Filecoin.StateMinerActiveSectors", json_pack("[s, n]", miner));
    assert_int_equal(json_array_size(json), 2 - faults);
    json_decref(json);
    json = test_result(t, "Filecoin.StateMinerDeadlines", json_pack("[s, n]", miner));
    assert_int_equal(number(json_array_get(json, (size_t)deadline), "DisputableProofCount"),
                     disputable);
    json_decref(json);
}

static void refused(test_devnet_t *t, json_t *message, const char *text)
{
    slk_rpc_answer_t answer =
        test_ask(t, "v1", "", "Filecoin.MpoolPushMessage", json_pack("[o, n]", message));
    assert_true(answer.failed);
    assert_non_null(strstr(answer.message, text));
    slk_rpc_answer_free(&answer);
}

static void test_dispute(void **state)
{
    test_devnet_t t = {0};
    char miner[32];
    (void)state;
    test_tmp_dir(t.dir);
    t.options =
        (slk_devnet_options_t){.dir = t.dir,
                               .policy = slk_policy_scaled(slk_policy_by_name("2k"), 6, WINDOW),
                               .seed = 7,
                               .genesis_time = 1700000000,
                               .params_dir = SLK_VECTORS "/vk",
                               .threads = 1,
                               .producer = {.block_ms = 1000, .paused = true}};
    t.options.policy.optimistic_post = true;
    test_devnet_start(&t);
    test_mine(&t, 3);
    json_t *owner = test_result(&t, "Filecoin.WalletDefaultAddress", json_array());
    const char *from = json_string_value(owner);
    snprintf(miner, sizeof miner, "t0%" PRIu64, test_create_miner(&t, from));
    test_mine(&t, 2);
    json_t *place = add_sectors(&t, miner);
    const int64_t deadline = number(place, "Deadline");
    json_t *at = wait_open(&t, miner, deadline);
    submit_wrong(&t, from, miner, at);
    assert_miner(&t, miner, deadline, "4096", 0, 0);

    const slk_dispute_windowed_post_params_t params = {(uint64_t)deadline, 0};
    const slk_type_t *type = &slk_dispute_windowed_post_params_type;
    refused(&t, call_miner(&t, from, miner, 24, &params, type),
            "can only dispute window posts during the dispute window");
    test_mine(&t, WINDOW);
    assert_miner(&t, miner, deadline, "4096", 0, 1);
    json_t *lookup = test_send_and_wait(&t, call_miner(&t, from, miner, 24, &params, type));
    assert_int_equal(number(json_object_get(lookup, "Receipt"), "ExitCode"), 0);
    assert_miner(&t, miner, deadline, "0", 2, 0);
    refused(&t, call_miner(&t, from, miner, 24, &params, type),
            "failed to load proof for dispute: proof 0 not found (16)");
    json_decref(lookup);
    json_decref(at);
    json_decref(place);
    json_decref(owner);
    test_devnet_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dispute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
