/* The real world of decisions, asked through HTTP, with the answers that a Lotus node gave (recordings of
 * tests/vectors/lotus-rpc): what they mean, what is asked once a head, what trouble is. */

#include "base/assert.h"
#include "manager/seal/world_cache.h"
#include "manager/seal/world_net.h"
#include "manager/seal/world_node.h"
#include "net/jsonrpc_server.h"
#include "test_util.h"

#include <inttypes.h>
#include <stdatomic.h>

enum { MINER = 1000, ROWS = 32 };

/* --- A node that repeats recordings ----------------------------------------------------------- */

/* For a method the note of the recording that is the answer. */
static struct {
    const char *method, *note;
    atomic_uint calls;
} replay[ROWS];
static size_t replay_cnt;
static atomic_bool away;

static void use(const char *method, const char *note)
{
    size_t i = 0;
    while (i < replay_cnt && strcmp(replay[i].method, method) != 0)
        i++;
    assert_true(i < ROWS);
    if (i == replay_cnt)
        replay_cnt++;
    replay[i].method = method;
    replay[i].note = note;
}

static unsigned calls_of(const char *method)
{
    for (size_t i = 0; i < replay_cnt; i++)
        if (!strcmp(replay[i].method, method))
            return replay[i].calls;
    return 0;
}

static void answer_as(slk_rpc_call_t *call, const char *method, const char *note)
{
    char name[128];
    size_t i;
    json_t *one;
    snprintf(name, sizeof name, "lotus-rpc/%s.json", method);
    json_t *file = test_vectors(name);
    json_array_foreach(json_object_get(file, "calls"), i, one)
    {
        const json_t *response = json_object_get(one, "response");
        const json_t *error = json_object_get(response, "error");
        if (note && strcmp(json_string_value(json_object_get(one, "note")), note) != 0)
            continue;
        if (error)
            slk_rpc_fail(call, json_integer_value(json_object_get(error, "code")), "%s",
                         json_string_value(json_object_get(error, "message")));
        else
            slk_rpc_answer(call, json_deep_copy(json_object_get(response, "result")));
        json_decref(file);
        return;
    }
    fail_msg("%s has no recording \"%s\"", name, note ? note : "");
}

static void m_replay(slk_rpc_call_t *call, void *ctx)
{
    const char *method = strchr(slk_rpc_method(call), '.') + 1;
    (void)ctx;
    for (size_t i = 0; i < replay_cnt; i++) {
        if (strcmp(replay[i].method, method) != 0)
            continue;
        replay[i].calls++;
        answer_as(call, method, replay[i].note);
        return;
    }
    slk_rpc_fail(call, 1, "simulated: nothing to say to %s", method);
}

static bool before(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    if (!away)
        return true;
    slk_rpc_drop(call);
    return false;
}

#define ROW(name, cnt)                                                                             \
    {                                                                                              \
        "Filecoin." name, SLK_PERM_READ, cnt, cnt, 0, m_replay                                     \
    }
static const slk_rpc_method_t methods[] = {
    ROW("Version", 0),
    ROW("ChainGetGenesis", 0),
    ROW("ChainHead", 0),
    ROW("StateGetNetworkParams", 0),
    ROW("StateSectorPreCommitInfo", 3),
    ROW("StateSectorGetInfo", 3),
    ROW("StateSectorPartition", 3),
    ROW("StateMinerInfo", 2),
    ROW("StateMarketStorageDeal", 2),
    ROW("StateGetRandomnessFromTickets", 4),
    ROW("StateGetRandomnessFromBeacon", 4),
    ROW("GasEstimateMessageGas", 3),
};

/* --- The fixture ------------------------------------------------------------------------------- */

static char dir[64];
static slk_rpc_api_t *api;
static slk_http_server_t *server;
static slk_nodes_t *nodes;
static slk_db_t *db;
static slk_world_node_t *world_node;
static slk_arena_t arena;
static slk_miner_config_t config;
static slk_head_t followed;
static bool follows;

static bool get_head(void *ctx, slk_head_t *head)
{
    (void)ctx;
    *head = followed;
    return follows;
}

static slk_look_t no_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *memory,
                             slk_world_holders_t *out, slk_diag_t *diag)
{
    (void)ctx;
    (void)miner;
    (void)number;
    (void)memory;
    (void)diag;
    *out = (slk_world_holders_t){0};
    return SLK_LOOK_FOUND;
}

static void new_head(int64_t height, const char *name)
{
    const slk_cid_t block = slk_cid_of_cbor(name, strlen(name));
    followed = (slk_head_t){.height = height, .timestamp = 1700000000 + height * 4};
    memcpy(followed.key.b, block.b, block.len);
    followed.key.len = block.len;
    follows = true;
}

static int set_up(void **state)
{
    slk_diag_t diag = {0};
    char text[128];
    (void)state;
    memset(replay, 0, sizeof replay);
    replay_cnt = 0;
    away = false;
    use("Version", NULL);
    use("ChainGetGenesis", NULL);
    use("StateGetNetworkParams", NULL);
    test_tmp_dir(dir);
    slk_arena_init(&arena, (size_t)1 << 20);
    const slk_rpc_api_opts_t api_opts = {
        .methods = methods, .method_cnt = SLK_COUNT(methods), .before = before};
    static const slk_token_key_t key = {.len = 32};
    assert_ok(slk_rpc_api_new(&api, &api_opts, &diag), diag);
    slk_http_route_t route = slk_rpc_route("/rpc/v1", api);
    const slk_http_server_opts_t opts = {
        .routes = &route, .route_cnt = 1, .key = &key, .anonymous = SLK_PERM_READ};
    assert_ok(slk_http_server_new(&server, &opts, &diag), diag);
    snprintf(text, sizeof text, "http://127.0.0.1:%u", (unsigned)slk_http_server_port(server));
    assert_ok(slk_nodes_new(&nodes, text, &diag), diag);
    slk_nodes_limit(nodes, 1000);
    snprintf(text, sizeof text, "%s/db", dir);
    assert_ok(slk_db_open(&db, text, &diag), diag);
    const slk_world_node_opts_t world_opts = {.api = {.nodes = nodes, .network = SLK_TESTNET},
                                              .db = db,
                                              .head = get_head,
                                              .holders = no_holders,
                                              .params_dir = SLK_VECTORS "/vk"};
    assert_ok(slk_world_node_new(&world_node, &world_opts, &diag), diag);
    new_head(3000, "a");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    slk_world_node_free(world_node);
    slk_db_close(db);
    slk_nodes_stop(nodes);
    slk_nodes_free(nodes);
    slk_http_server_free(server, 100);
    slk_rpc_api_free(api);
    slk_arena_free(&arena);
    test_rm_dir(dir);
    return 0;
}

static slk_world_t view(void)
{
    return slk_world_node_view(world_node, &config, INT64_C(1700000000000), 0);
}

static void expect_look(slk_look_t want, slk_look_t got, const slk_diag_t *diag)
{
    static const char *const names[] = {"found", "none", "trouble", "broken"};
    if (want != got)
        fail_msg("%s (%s), expected %s", names[got], diag->text, names[want]);
}

/* --- Network ------------------------------------------------------------------------------------- */

static void test_net(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_world_net_t net;
    slk_world_t w = view();
    expect_look(SLK_LOOK_FOUND, w.ops->net(w.ctx, &net, &diag), &diag);
    assert_int_equal(net.height, 3000);
    assert_int_equal(net.head_ms, (INT64_C(1700000000) + 12000) * 1000);
    assert_int_equal(net.block_ms, 4000);
    assert_int_equal(net.policy.precommit_challenge_delay, 10);
    assert_int_equal(net.policy.max_prove_commit_duration, 86410);
    assert_int_equal(net.policy.min_sector_expiration, 518400);
    new_head(3001, "b");
    w = view();
    expect_look(SLK_LOOK_FOUND, w.ops->net(w.ctx, &net, &diag), &diag);
    assert_int_equal(net.height, 3001);
    assert_int_equal(calls_of("StateGetNetworkParams"), 1);
    follows = false;
    w = view();
    expect_look(SLK_LOOK_TROUBLE, w.ops->net(w.ctx, &net, &diag), &diag);
}

static void test_policy(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t delay, duration, period, min, block_ms;
        bool scaled;
    } rows[] = {
        {"{\"NetworkName\":\"mainnet\",\"BlockDelaySecs\":30,\"PreCommitChallengeDelay\":150,"
         "\"Eip155ChainID\":314}",
         150, 86550, 2880, 518400, 30000, false},
        {"{\"NetworkName\":\"calibrationnet\",\"BlockDelaySecs\":30,"
         "\"PreCommitChallengeDelay\":150,\"Eip155ChainID\":314159}",
         150, 86550, 2880, 518400, 30000, false},
        {"{\"NetworkName\":\"localnet-1\",\"BlockDelaySecs\":4,\"PreCommitChallengeDelay\":10}", 10,
         86410, 2880, 518400, 4000, false},
        {"{\"NetworkName\":\"localnet-2k\",\"BlockDelaySecs\":4,\"PreCommitChallengeDelay\":10,"
         "\"SelkieDevnetBlockMillis\":250,\"SelkieDevnetPolicy\":{\"WPoStProvingPeriod\":40,"
         "\"WPoStPeriodDeadlines\":4,\"MinSectorExpiration\":7200,"
         "\"MaxSectorExpirationExtension\":51120,\"MaxProveCommitDuration\":1210}}",
         10, 1210, 40, 7200, 250, true},
    };
    static const char *const bad[] = {
        "{}", "[]", "{\"NetworkName\":\"x\",\"BlockDelaySecs\":0,\"PreCommitChallengeDelay\":10}",
        "{\"NetworkName\":\"x\",\"BlockDelaySecs\":4,\"PreCommitChallengeDelay\":\"10\"}"};
    slk_diag_t diag = {0};
    slk_policy_t policy;
    int64_t block_ms;
    bool scaled;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        assert_ok(slk_world_policy(&policy, &block_ms, &scaled, json, &diag), diag);
        assert_int_equal(policy.precommit_challenge_delay, rows[i].delay);
        assert_int_equal(policy.max_prove_commit_duration, rows[i].duration);
        assert_int_equal(policy.proving_period, rows[i].period);
        assert_int_equal(policy.min_sector_expiration, rows[i].min);
        assert_int_equal(block_ms, rows[i].block_ms);
        assert_int_equal(scaled, rows[i].scaled);
        json_decref(json);
    }
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        json_t *json = json_loads(bad[i], 0, NULL);
        assert_err(SLK_ERR_FORMAT, slk_world_policy(&policy, &block_ms, &scaled, json, &diag));
        json_decref(json);
    }
}

/* --- Answers -------------------------------------------------------------------------------------- */

static void test_sectors(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_sector_pre_commit_on_chain_info_t pre;
    slk_sector_on_chain_info_t info;
    slk_api_sector_location_t at;
    slk_world_t w = view();
    use("StateSectorPreCommitInfo", "none");
    expect_look(SLK_LOOK_NONE, w.ops->pre_commit(w.ctx, MINER, 9, &arena, &pre, &diag), &diag);
    use("StateSectorPreCommitInfo", "sector 2 precommitted");
    expect_look(SLK_LOOK_FOUND, w.ops->pre_commit(w.ctx, MINER, 2, &arena, &pre, &diag), &diag);
    assert_int_equal(pre.info.sector_number, 2);
    assert_true(slk_cid_defined(&pre.info.sealed_cid));
    use("StateSectorGetInfo", "unknown sector");
    expect_look(SLK_LOOK_NONE, w.ops->on_chain(w.ctx, MINER, 9, &arena, &info, &diag), &diag);
    use("StateSectorGetInfo", "presealed sector 0");
    expect_look(SLK_LOOK_FOUND, w.ops->on_chain(w.ctx, MINER, 0, &arena, &info, &diag), &diag);
    assert_int_equal(info.expiration, 3675537);
    use("StateSectorPartition", "unknown sector");
    expect_look(SLK_LOOK_NONE, w.ops->location(w.ctx, MINER, 77, &at, &diag), &diag);
    use("StateSectorPartition", "sector 0");
    expect_look(SLK_LOOK_FOUND, w.ops->location(w.ctx, MINER, 0, &at, &diag), &diag);
    assert_int_equal(at.deadline, 0);
}

/* The same is asked once a head, also what is not there; a new head, and one of the same height after a
 * reorganisation, asks anew. */
static void test_once_a_head(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_sector_pre_commit_on_chain_info_t pre;
    static const char *const heads[] = {"a", "b", "c"};
    static const int64_t heights[] = {3000, 3001, 3001};
    use("StateSectorPreCommitInfo", "sector 2 precommitted");
    for (unsigned head = 0; head < 3; head++) {
        new_head(heights[head], heads[head]);
        for (int i = 0; i < 5; i++) {
            slk_arena_t mine;
            slk_arena_init(&mine, (size_t)1 << 16);
            const slk_world_t w = view();
            expect_look(SLK_LOOK_FOUND, w.ops->pre_commit(w.ctx, MINER, 2, &mine, &pre, &diag),
                        &diag);
            assert_int_equal(pre.info.sector_number, 2);
            slk_arena_free(&mine);
        }
        assert_int_equal(calls_of("StateSectorPreCommitInfo"), head + 1);
    }
    const slk_world_t w = view();
    use("StateSectorPreCommitInfo", "none");
    for (int i = 0; i < 3; i++)
        expect_look(SLK_LOOK_NONE, w.ops->pre_commit(w.ctx, MINER, 3, &arena, &pre, &diag), &diag);
    assert_int_equal(calls_of("StateSectorPreCommitInfo"), 4);
}

static void test_estimate(void **state)
{
    (void)state;
    static const struct {
        const char *note;
        slk_look_t look;
        int64_t exit_code;
    } rows[] = {
        {"self transfer, default spec", SLK_LOOK_FOUND, 0},
        {"failing call (transfer of more than the balance)", SLK_LOOK_NONE, 6},
        {"failing call (precommit with empty list)", SLK_LOOK_NONE, 16},
        {"failing call (unknown method 6 of the miner)", SLK_LOOK_NONE, 22},
    };
    const slk_message_want_t want = {.from = slk_address_id(100), .to = slk_address_id(MINER)};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_diag_t diag = {0};
        slk_world_gas_t gas;
        const slk_world_t w = view();
        use("GasEstimateMessageGas", rows[i].note);
        expect_look(rows[i].look, w.ops->estimate(w.ctx, &want, &gas, &diag), &diag);
        assert_int_equal(gas.exit_code, rows[i].exit_code);
        assert_false(gas.out_of_gas);
        assert_int_equal(gas.gas.gas_limit > 0, rows[i].look == SLK_LOOK_FOUND);
    }
}

static void test_deal(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_market_deal_t deal;
    const slk_world_t w = view();
    json_t *file = test_vectors("lotus-rpc/StateMarketStorageDeal.json"), *one;
    size_t i;
    unsigned found = 0, none = 0;
    /* All recordings: each is either a deal or none. */
    json_array_foreach(json_object_get(file, "calls"), i, one)
    {
        use("StateMarketStorageDeal", json_string_value(json_object_get(one, "note")));
        const bool error = json_object_get(json_object_get(one, "response"), "error");
        expect_look(error ? SLK_LOOK_NONE : SLK_LOOK_FOUND,
                    w.ops->deal(w.ctx, 1000 + i, &arena, &deal, &diag), &diag);
        found += !error;
        none += error;
    }
    assert_true(found && none);
    json_decref(file);
}

/* --- Trouble ---------------------------------------------------------------------------------------- */

static void test_trouble(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_sector_pre_commit_on_chain_info_t pre;
    slk_sector_on_chain_info_t info;
    slk_message_row_t row = {0};
    slk_world_t w = view();
    use("StateSectorPreCommitInfo", "none");
    expect_look(SLK_LOOK_NONE, w.ops->pre_commit(w.ctx, MINER, 9, &arena, &pre, &diag), &diag);
    /* An error that says nothing about the sector. */
    expect_look(SLK_LOOK_TROUBLE, w.ops->on_chain(w.ctx, MINER, 9, &arena, &info, &diag), &diag);
    away = true;
    expect_look(SLK_LOOK_TROUBLE, w.ops->on_chain(w.ctx, MINER, 9, &arena, &info, &diag), &diag);
    /* What was kept of this head is still known. */
    expect_look(SLK_LOOK_NONE, w.ops->pre_commit(w.ctx, MINER, 9, &arena, &pre, &diag), &diag);
    /* Our own database without its tables. */
    expect_look(SLK_LOOK_BROKEN, w.ops->message(w.ctx, "k", &row, &diag), &diag);
}

static void test_verify(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    static const uint8_t infinity[192] = {0xc0, [48] = 0xc0, [144] = 0xc0};
    slk_seal_claim_t claim = {.miner = MINER, .sector = 5};
    assert_ok(slk_porep_by_id(&claim.porep, 5, &diag), diag);
    const slk_world_t w = view();
    expect_look(SLK_LOOK_NONE, w.ops->verify(w.ctx, &claim, infinity, sizeof infinity, &diag),
                &diag);
    assert_non_null(strstr(diag.text, "zero")); /* commitments of no sector */
    claim.comm_d.b[0] = claim.comm_r.b[0] = 1;
    diag.text[0] = 0;
    expect_look(SLK_LOOK_NONE, w.ops->verify(w.ctx, &claim, infinity, sizeof infinity, &diag),
                &diag);
    assert_true(*diag.text);
    assert_ok(slk_porep_by_id(&claim.porep, 9, &diag), diag); /* no key of 64 GiB is here */
    expect_look(SLK_LOOK_TROUBLE, w.ops->verify(w.ctx, &claim, infinity, sizeof infinity, &diag),
                &diag);
}

/* --- The cache ---------------------------------------------------------------------------------------- */

static void test_cache(void **state)
{
    (void)state;
    slk_world_cache_t *cache = slk_world_cache_new();
    slk_look_t look;
    slk_api_u64_t number = {0};
    assert_non_null(cache);
    /* More than it holds: what is there is right, and old things may be gone. */
    for (uint64_t i = 0; i < 20000; i++) {
        number.v = i * 3;
        slk_world_cache_put(cache, i % 5, i, i / 7, &slk_api_u64_type, &number,
                            i % 11 ? SLK_LOOK_FOUND : SLK_LOOK_NONE);
        assert_true(
            slk_world_cache_get(cache, i % 5, i, i / 7, &slk_api_u64_type, NULL, &number, &look));
        assert_int_equal(look, i % 11 ? SLK_LOOK_FOUND : SLK_LOOK_NONE);
    }
    unsigned kept = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        if (!slk_world_cache_get(cache, i % 5, i, i / 7, &slk_api_u64_type, NULL, &number, &look))
            continue;
        kept++;
        assert_int_equal(look, i % 11 ? SLK_LOOK_FOUND : SLK_LOOK_NONE);
        if (look == SLK_LOOK_FOUND)
            assert_int_equal(number.v, i * 3);
    }
    assert_true(kept > 1000);
    assert_false(slk_world_cache_get(cache, 1, 0, 0, &slk_api_u64_type, NULL, &number, &look));
    slk_world_cache_clear(cache);
    assert_false(
        slk_world_cache_get(cache, 19999 % 5, 19999, 19999 / 7, NULL, NULL, &number, &look));
    slk_world_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_net, set_up, tear_down),
        cmocka_unit_test(test_policy),
        cmocka_unit_test_setup_teardown(test_sectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_once_a_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_estimate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trouble, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify, set_up, tear_down),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
