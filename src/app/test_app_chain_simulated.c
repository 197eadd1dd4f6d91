#include "app/test_run.h"
#include "chain/test_node_simulated.h"

#include "chain/message_store.h"

/* The commands `chain` and `message` against a simulated node. */

static sim_t *sim;
static char info[1024];
static char cid[SLK_CID_TEXT_SZ]; /* of the message in the pool */

static int setup(void **state)
{
    test_dir_setup(state);
    sim = sim_new();
    sim_start_node(sim, 0);
    sim_mine(sim, 0);
    sim_mine(sim, 1);
    /* A recorded message waits in the pool. */
    json_t *record = test_vectors("lotus-rpc/MpoolPush.json"), *call;
    size_t i;
    json_array_foreach(json_object_get(record, "calls"), i,
                       call) if (!strcmp(json_string_value(json_object_get(call, "note")), "good"))
        json_array_append(
            sim->pool,
            json_array_get(json_object_get(json_object_get(call, "request"), "params"), 0));
    json_decref(record);
    assert_int_equal(json_array_size(sim->pool), 1);
    slk_cid_t message = sim_message_cid(json_array_get(sim->pool, 0));
    strcpy(cid, slk_cid_text(&message).s);
    sim_api_info(sim, 1, SLK_PERM_READ, info);
    return 0;
}

static int teardown(void **state)
{
    sim_free(sim);
    return test_dir_teardown(state);
}

static json_t *output(void)
{
    json_t *json = json_loads(last.out, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s\n%s", last.out, last.err);
    return json;
}

static void test_chain(void **state)
{
    (void)state;
    sh("$S chain head --json --api-info %s", info);
    assert_status(0);
    json_t *json = output();
    assert_int_equal(json_integer_value(json_object_get(json, "height")), 3);
    assert_string_equal(json_string_value(json_object_get(json, "network")), "simulated");
    assert_string_equal(json_string_value(json_object_get(json, "base_fee")), "100");
    assert_int_equal(json_array_size(json_object_get(json, "tipset")), 1);
    json_decref(json);

    /* Its clock stands in 2023. */
    sh("FULLNODE_API_INFO=%s $S chain sync --json", info);
    assert_status(1);
    json = output();
    assert_true(json_is_false(json_object_get(json, "synced")));
    assert_true(json_integer_value(json_object_get(json, "epochs_behind")) > 1000000);
    json_decref(json);

    sh("$S chain get 2 --json --api-info %s", info);
    assert_status(0);
    json = output();
    assert_int_equal(json_integer_value(json_object_get(json, "Height")), 1);
    json_decref(json);

    sh("$S chain actor t0100 --api-info %s", info);
    assert_status(0);
    assert_has(last.out, "1 FIL");
}

static void test_wrong_usage(void **state)
{
    (void)state;
    sh("unset FULLNODE_API_INFO; $S chain head");
    assert_failed(2, "which node?");
    sh("$S chain get nonsense --api-info %s", info);
    assert_failed(2, "'nonsense': expected a CID");
    sh("$S chain actor f0x --api-info %s", info);
    assert_failed(2, "'f0x': expected an address");
    sh("$S chain head --api-info http://127.0.0.1:1");
    assert_status(1);
    assert_has(last.err, "no usable node: http://127.0.0.1:1:");
    sh("$S message search bafynot --api-info %s", info);
    assert_failed(2, "expected a CID");
}

static void test_message(void **state)
{
    (void)state;
    sh("$S message pending --json --api-info %s", info);
    assert_status(0);
    json_t *json = output();
    assert_int_equal(json_array_size(json), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "cid")), cid);
    json_decref(json);
    sh("$S message pending --json --from t1k7fdz4yr6zxm4sjb6rbwa53ugipneccr5bmil6i --api-info %s",
       info);
    assert_status(0);
    assert_string_equal(last.out, "[]\n");

    sh("$S message search %s --json --api-info %s", cid, info);
    assert_status(1);
    assert_string_equal(last.out, "{\"found\":false}\n");
    sh("$S message search bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s "
       "--api-info "
       "%s",
       info);
    assert_status(1);
    sh("$S message wait %s --timeout 0.2 --api-info %s", cid, info);
    assert_status(1);
    assert_has(last.err, "not on chain after");
    for (int i = 0; i < 3; i++)
        sim_mine(sim, 0);
    sh("$S message wait %s --confidence 1 --timeout 20 --json --api-info %s", cid, info);
    assert_status(0);
    json = output();
    assert_int_equal(json_integer_value(json_object_get(json, "exit_code")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "height")), 5);
    assert_string_equal(json_string_value(json_object_get(json, "return")), "818201");
    json_decref(json);
    sh("$S message search %s --api-info %s", cid, info);
    assert_status(0);
    sh("$S message replace %s --api-info %s", cid, info);
    assert_status(1);
    assert_has(last.err, "is not in the pool");
}

/* The database of a sender that has not begun. */
static void test_store(void **state)
{
    (void)state;
    char path[128];
    slk_diag_t diag;
    slk_db_t *db = NULL;
    int64_t id;
    snprintf(path, sizeof path, "%s/m.db", test_dir);
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_ok(slk_message_migrate(db, &diag), diag);
    slk_message_want_t want = {.key = "precommit/1",
                               .from = slk_address_id(100),
                               .to = slk_address_id(1000),
                               .method = 28,
                               .confidence = 5};
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    slk_db_close(db);
    sh("$S message pending --store m.db --json");
    assert_status(0);
    assert_has(last.out, "\"precommit/1\"");
    assert_has(last.out, "\"Queued\"");
    sh("$S message replace precommit/1 --store m.db");
    assert_status(1);
    assert_has(last.err, "in no pool");
    sh("$S message pending --store typo.db; ls typo.db");
    assert_has(last.err, "cannot open typo.db");
    assert_status(2); /* of ls: none was made */
    sh("$S message replace nothing --store m.db");
    assert_status(1);
    assert_has(last.err, "no message nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
