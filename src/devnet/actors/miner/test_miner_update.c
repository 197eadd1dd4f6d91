/* The recorded replica update on the recorded sector. The proof itself is not verified here
 * (this build refuses all of them: its circuit is not there yet); in the verifier's place stands
 * a check that it is asked about what the recording says, so that all the rest of the method
 * runs. */

#include "base/bytes.h"
#include "devnet/vm/runtime.h"

static slk_exit_t expect_update(slk_rt_t *rt, int64_t update_proof, const slk_node_t *old_comm_r,
                                const slk_node_t *new_comm_r, const slk_node_t *comm_d,
                                slk_bytes_t proof, bool *ok);

#define slk_rt_verify_replica_update     expect_update
#define slk_miner_prove_replica_updates3 tested_prove_replica_updates3
#include "devnet/actors/miner/replica_update.c"
#undef slk_miner_prove_replica_updates3
#undef slk_rt_verify_replica_update

#include "codec/actors/reward.h"
#include "devnet/actors/miner/test_miner.h"

#define MINER  1000u
#define SECTOR 2u
#define EPOCH  3805
#define EXPIRY 1549539

static struct {
    slk_node_t old_comm_r, new_comm_r, comm_d;
    unsigned asked;
    bool answer;
} expected;

static slk_exit_t expect_update(slk_rt_t *rt, int64_t update_proof, const slk_node_t *old_comm_r,
                                const slk_node_t *new_comm_r, const slk_node_t *comm_d,
                                slk_bytes_t proof, bool *ok)
{
    (void)rt;
    assert_int_equal(update_proof, 0);
    assert_int_equal(proof.len, 192);
    assert_memory_equal(old_comm_r, &expected.old_comm_r, 32);
    assert_memory_equal(new_comm_r, &expected.new_comm_r, 32);
    assert_memory_equal(comm_d, &expected.comm_d, 32);
    expected.asked++;
    *ok = expected.answer;
    return SLK_EXIT_OK;
}

/* --- The situation ---------------------------------------------------------------------------- */

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    return text;
}

static slk_cid_t sealed_of(const json_t *sector, slk_node_t *comm_r)
{
    slk_cid_t cid;
    slk_diag_t diag;
    assert_ok(slk_cid_from_text(&cid, text_of(json_object_get(sector, "SealedCID"), "/"), &diag),
              diag);
    assert_ok(slk_cid_to_commitment(comm_r, SLK_CID_SEALED, &cid, &diag), diag);
    return cid;
}

/* Sectors 2 and 3 in partition 0 of deadline 1, both proven. */
static void open_proven(test_machine_t *tm, const json_t *input)
{
    slk_sector_on_chain_info_t infos[4];
    slk_miner_state_t st;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_partition_t part;
    slk_amt_t *partitions;
    test_machine_open(tm, NULL);
    assert_int_equal(test_new_miner(tm, 0, 10), MINER);
    for (uint64_t i = 0; i < 4; i++)
        infos[i] = (slk_sector_on_chain_info_t){
            .sector_number = i,
            .seal_proof = 5,
            .sealed_cid = sealed_of(json_object_get(input, "sector_before"), &expected.old_comm_r),
            .activation = 600,
            .expiration = EXPIRY,
            .initial_pledge = slk_bigint_u64(59604643840),
            .power_base_epoch = 600,
            .flags = SLK_SECTOR_SIMPLE_QA_POWER,
            .daily_fee = slk_bigint_u64(185841)};
    test_add_sectors(tm, MINER, infos, 4);
    slk_rt_t rt = test_rt(tm, MINER);
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_deadlines_load(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_deadlines_get(&rt, &deadlines, 1, &deadline));
    assert_rt(&rt, slk_deadline_partition(&rt, &deadline, 0, &part));
    slk_partition_activate_unproven(&part);
    assert_rt(&rt, slk_array_load(&rt, &partitions, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    assert_rt(&rt, slk_array_set(&rt, partitions, 0, &part, &slk_partition_type));
    assert_rt(&rt, slk_array_flush(&rt, partitions, &deadline.partitions));
    slk_amt_free(partitions);
    assert_rt(&rt, slk_deadlines_put(&rt, &deadlines, 1, &deadline));
    assert_rt(&rt, slk_deadlines_save(&rt, &deadlines, &st.deadlines));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    /* A message, so that what follows has a fresh arena. */
    assert_int_equal(test_send(tm, 0, 101, 0, NULL, NULL, slk_bigint_u64(1)), SLK_EXIT_OK);
    test_set_epoch(tm, EPOCH);
}

typedef struct {
    test_machine_t tm;
    json_t *message;
    const json_t *input;
    slk_prove_replica_updates3_params_t params;
} update_test_t;

static void open_update(update_test_t *t)
{
    slk_diag_t diag;
    t->message = test_vectors("lotus-rpc/messages/ProveReplicaUpdates3-1.json");
    t->input = json_array_get(json_object_get(t->message, "inputs"), 0);
    open_proven(&t->tm, t->input);
    const char *hex = text_of(t->message, "params_hex");
    uint8_t *bytes = slk_arena_alloc(&t->tm.arena, strlen(hex));
    assert_true(slk_hex_decode(bytes, strlen(hex) / 2, hex));
    assert_ok(slk_record_decode(&t->params, &slk_prove_replica_updates3_params_type, bytes,
                                strlen(hex) / 2, &t->tm.arena, &diag),
              diag);
    sealed_of(json_object_get(t->input, "sector_after"), &expected.new_comm_r);
    /* One piece fills the sector: its commitment is the sector's. */
    assert_ok(slk_cid_to_commitment(&expected.comm_d, SLK_CID_UNSEALED,
                                    &t->params.sector_updates.items[0].pieces.items[0].cid, &diag),
              diag);
    expected.asked = 0;
    expected.answer = true;
}

static void close_update(update_test_t *t)
{
    json_decref(t->message);
    test_machine_close(&t->tm);
}

/* As owner, from the parameters as they are now; its text is then in *rt. */
static slk_exit_t update(update_test_t *t, slk_rt_t *rt)
{
    slk_buf_t buf = {0};
    assert_ok(
        slk_record_encode(&buf, &slk_prove_replica_updates3_params_type, &t->params, &t->tm.diag),
        t->tm.diag);
    *rt = test_rt(&t->tm, MINER);
    rt->caller = 100;
    rt->params = (slk_bytes_t){slk_arena_copy(&t->tm.arena, buf.bytes, buf.len), buf.len};
    slk_buf_free(&buf);
    return tested_prove_replica_updates3(rt);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void check_sector(update_test_t *t)
{
    slk_rt_t rt = test_rt(&t->tm, MINER);
    slk_miner_state_t st;
    slk_sectors_t sectors = {0};
    slk_sector_on_chain_info_t info;
    bool found;
    json_t *got;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_sectors_open(&sectors, &rt, &st.sectors));
    assert_rt(&rt, slk_sectors_get(&sectors, SECTOR, &info, &found));
    slk_sectors_close(&sectors);
    assert_ok(
        slk_record_to_json(&got, &slk_sector_on_chain_info_type, &info, SLK_TESTNET, &t->tm.diag),
        t->tm.diag);
    assert_true(json_equal(got, json_object_get(t->input, "sector_after")));
    json_decref(got);
}

static void test_an_update(void **state)
{
    (void)state;
    update_test_t t = {0};
    slk_rt_t rt;
    open_update(&t);
    const size_t calls = t.tm.machine->call_cnt, events = t.tm.machine->event_cnt;
    assert_rt(&rt, update(&t, &rt));
    assert_int_equal(expected.asked, 1);
    check_sector(&t);
    assert_int_equal(rt.ret.len, 3);
    assert_memory_equal(rt.ret.b, "\x82\x01\x80", 3);
    /* No power or pledge changes: only the two questions, as recorded. */
    assert_int_equal(t.tm.machine->call_cnt, calls + 2);
    assert_int_equal(t.tm.machine->calls[calls].method, 3);
    assert_int_equal(t.tm.machine->calls[calls + 1].method, 9);
    assert_int_equal(t.tm.machine->event_cnt, events + 1);
    assert_int_equal(t.tm.machine->events[events].cnt, 5);
    assert_memory_equal(t.tm.machine->events[events].entries[0].value.b, "nsector-updated", 15);

    t.params.require_activation_success = true;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_string_equal(rt.text, "invalid update 0 while requiring activation success: cannot "
                                 "update sector with non-zero data, skipping sector 2");
    close_update(&t);
}

static void test_updates_that_are_refused(void **state)
{
    (void)state;
    update_test_t t = {0};
    slk_rt_t rt;
    open_update(&t);
    slk_sector_update_manifest_t *sector = &t.params.sector_updates.items[0];
    expected.answer = false;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_string_equal(rt.text, "no valid updates");
    t.params.require_activation_success = true;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_string_equal(rt.text, "invalid proof for sector 2 while requiring activation success: "
                                 "failed to verify replica: illegal argument");
    t.params.update_proofs_type = 1;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(rt.text, "expected proof type 0, was 1"));
    t.params.update_proofs_type = 0;
    sector->deadline = 48;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(rt.text, "deadline 48 not in range 0..48, skipping sector 2"));
    sector->deadline = 4;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(rt.text, "cannot upgrade sectors in immutable deadline 4"));
    sector->deadline = 0;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_NOT_FOUND);
    assert_non_null(strstr(rt.text, "sector 2 not a member of partition 0, deadline 0"));
    sector->sector = 0;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(rt.text, "sector isn't active, skipping sector 0")); /* never proven */
    sector->sector = 77;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_NOT_FOUND);
    assert_string_equal(rt.text, "sector 77 not found");
    t.params.sector_proofs.count = 0;
    assert_int_equal(update(&t, &rt), SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_string_equal(rt.text,
                        "exactly one of sector proofs or aggregate proof must be non-empty");
    close_update(&t);
}

/* The method as it is reached by a message: the proof is refused, and says why. */
static void test_no_update_without_its_circuit(void **state)
{
    (void)state;
    update_test_t t = {0};
    open_update(&t);
    assert_int_equal(test_send(&t.tm, 0, MINER, 35, &t.params,
                               &slk_prove_replica_updates3_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_USR_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(t.tm.applied.text, "cannot be verified by this development chain yet"));
    close_update(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_update),
        cmocka_unit_test(test_updates_that_are_refused),
        cmocka_unit_test(test_no_update_without_its_circuit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
