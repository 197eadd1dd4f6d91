#include "chain/test_node_simulated.h"

#include "chain/node_health.h"

static slk_diag_t diag;

/* --- The choice ---------------------------------------------------------------------------- */

static void test_choice(void **state)
{
    (void)state;
    slk_node_health_t nodes[3];
    int64_t wait;
    for (int i = 0; i < 3; i++)
        slk_node_health_init(&nodes[i]);
    assert_int_equal(slk_node_choose(nodes, 3, -1, 0, &wait), 0);
    nodes[0].height = 100;
    nodes[1].height = 102;
    assert_int_equal(slk_node_choose(nodes, 3, 1, 0, &wait), 1); /* kept */
    assert_int_equal(slk_node_choose(nodes, 3, -1, 0, &wait), 0);
    nodes[1].height = 103;
    assert_int_equal(slk_node_choose(nodes, 3, 0, 0, &wait), 1); /* three behind */
    slk_node_failed(&nodes[1], 0);
    assert_int_equal(slk_node_choose(nodes, 3, 1, 500, &wait), 0);
    assert_int_equal(slk_node_choose(nodes, 3, 0, 1000, &wait), 1);
    nodes[2].refused = true;
    slk_node_failed(&nodes[1], 1000); /* 2 s */
    slk_node_failed(&nodes[0], 1500); /* 1 s */
    assert_int_equal(slk_node_choose(nodes, 3, 0, 2000, &wait), -1);
    assert_int_equal(wait, 500);
    for (int i = 0; i < 20; i++)
        slk_node_failed(&nodes[1], 0);
    assert_int_equal(nodes[1].retry_ms, 60000);
    slk_node_succeeded(&nodes[1]);
    assert_int_equal(slk_node_choose(nodes, 3, 0, 2000, &wait), 1);
    nodes[0].refused = nodes[1].refused = true;
    assert_int_equal(slk_node_choose(nodes, 3, 0, 0, &wait), -1);
    assert_int_equal(wait, -1);
}

/* --- Calls --------------------------------------------------------------------------------- */

static slk_nodes_t *connect_to(const sim_t *sim, int cnt, slk_perms_t perms)
{
    char info[1024];
    slk_nodes_t *nodes = NULL;
    sim_api_info(sim, cnt, perms, info);
    assert_ok(slk_nodes_new(&nodes, info, &diag), diag);
    return nodes;
}

static slk_err_t head_height(slk_nodes_t *nodes, int64_t *height, char node[SLK_NODE_NAME_MAX])
{
    slk_node_answer_t answer;
    slk_head_t head;
    slk_node_call_t call = {.method = "Filecoin.ChainHead", .kind = SLK_CALL_READ};
    slk_err_t err = slk_nodes_call(nodes, &call, &answer, &diag);
    if (err == SLK_OK)
        err = slk_head_from_json(&head, answer.rpc.result, &diag);
    if (err == SLK_OK)
        *height = head.height;
    strcpy(node, answer.node);
    slk_node_answer_free(&answer);
    return err;
}

static void test_fail_over(void **state)
{
    (void)state;
    sim_t *sim = sim_new();
    sim_start_node(sim, 0);
    sim_start_node(sim, 1);
    sim_mine(sim, 0);
    slk_nodes_t *nodes = connect_to(sim, 2, SLK_PERM_NONE);
    char first[SLK_NODE_NAME_MAX], then[SLK_NODE_NAME_MAX];
    int64_t height = 0;
    assert_ok(head_height(nodes, &height, first), diag);
    assert_int_equal(height, 1);
    atomic_store(&sim->nodes[0].drop, true);
    assert_ok(head_height(nodes, &height, then), diag);
    assert_string_not_equal(first, then);
    atomic_store(&sim->nodes[0].drop, false);
    usleep(1200000);
    assert_ok(head_height(nodes, &height, first), diag);
    assert_string_equal(first, then); /* kept although the first is back */

    /* A time-out counts as a failure too. */
    slk_nodes_limit(nodes, 150);
    atomic_store(&sim->nodes[1].delay_ms, 1000);
    assert_ok(head_height(nodes, &height, then), diag);
    assert_string_not_equal(first, then);
    slk_nodes_limit(nodes, 0);

    /* A node that is behind is not used. */
    atomic_store(&sim->nodes[1].delay_ms, 0);
    usleep(1200000);
    for (int i = 0; i < 10; i++)
        sim_mine(sim, 0);
    atomic_store(&sim->nodes[0].behind, 5);
    slk_nodes_survey(nodes, NULL);
    assert_ok(head_height(nodes, &height, then), diag);
    assert_int_equal(height, 11);
    assert_string_equal(first, then);
    slk_nodes_free(nodes);
    sim_free(sim);
}

/* What is not safe to repeat is sent once, whatever became of it. */
static void test_not_repeated(void **state)
{
    (void)state;
    sim_t *sim = sim_new();
    sim_start_node(sim, 0);
    slk_nodes_t *nodes = connect_to(sim, 1, SLK_PERM_READ | SLK_PERM_WRITE | SLK_PERM_SIGN);
    char name[SLK_NODE_NAME_MAX];
    int64_t height = -1;
    assert_ok(head_height(nodes, &height, name), diag);
    slk_node_answer_t answer;
    slk_node_call_t call = {
        .method = "Filecoin.MpoolPushMessage", .kind = SLK_CALL_HAND, .params = "[{},null]"};
    atomic_store(&sim->nodes[0].deaf, true);
    assert_err(SLK_ERR_IO, slk_nodes_call(nodes, &call, &answer, &diag));
    assert_int_equal(answer.rpc.outcome, SLK_HTTP_NO_ANSWER);
    assert_int_equal(atomic_load(&sim->nodes[0].pushes), 1);
    slk_node_answer_free(&answer);

    /* The same trouble with something that may be repeated. */
    unsigned before = atomic_load(&sim->nodes[0].calls);
    usleep(1100000);
    assert_err(SLK_ERR_IO, head_height(nodes, &height, name));
    assert_true(atomic_load(&sim->nodes[0].calls) > before + 1);
    slk_nodes_free(nodes);
    sim_free(sim);
}

static void test_rights(void **state)
{
    (void)state;
    sim_t *sim = sim_new();
    sim_start_node(sim, 0);
    slk_nodes_t *nodes = connect_to(sim, 1, SLK_PERM_READ);
    slk_node_answer_t answer;
    slk_node_call_t call = {
        .method = "Filecoin.MpoolPush", .kind = SLK_CALL_PUSH, .params = "[{}]"};
    assert_ok(slk_nodes_call(nodes, &call, &answer, &diag), diag);
    assert_true(answer.rpc.failed);
    assert_err(SLK_ERR_PERM, slk_node_answer_check(&answer, "MpoolPush", &diag));
    assert_non_null(strstr(diag.text, "lacks the right 'write'"));
    slk_node_answer_free(&answer);
    call.method = "Filecoin.Nothing";
    assert_ok(slk_nodes_call(nodes, &call, &answer, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_node_answer_check(&answer, "Nothing", &diag));
    assert_non_null(strstr(diag.text, "(code -32601, node http://127.0.0.1:"));
    slk_node_answer_free(&answer);
    slk_nodes_free(nodes);

    /* A token of another node is no reason to try for long. */
    char info[1024];
    sim_api_info(sim, 1, SLK_PERM_READ, info);
    info[strcspn(info, ":") - 1] ^= 1;
    assert_ok(slk_nodes_new(&nodes, info, &diag), diag);
    assert_err(SLK_ERR_PERM, slk_nodes_call(nodes, &call, &answer, &diag));
    slk_node_answer_free(&answer);
    slk_nodes_free(nodes);
    sim_free(sim);
}

static void test_refused(void **state)
{
    (void)state;
    sim_t *sim = sim_new();
    char name[SLK_NODE_NAME_MAX];
    int64_t height = -1;
    sim->nodes[0].api_version = 66816;
    sim_start_node(sim, 0);
    slk_nodes_t *nodes = connect_to(sim, 1, SLK_PERM_NONE);
    assert_err(SLK_ERR_MISMATCH, head_height(nodes, &height, name));
    assert_non_null(strstr(diag.text, "API version 1.5"));
    slk_nodes_free(nodes);

    /* Beside a good one it is simply not used. */
    sim_start_node(sim, 1);
    nodes = connect_to(sim, 2, SLK_PERM_NONE);
    assert_ok(head_height(nodes, &height, name), diag);
    assert_int_equal(height, 0);
    slk_nodes_free(nodes);

    sim->nodes[0].api_version = 131840;
    sim->nodes[0].genesis = "another network";
    nodes = connect_to(sim, 1, SLK_PERM_NONE);
    slk_head_t genesis;
    json_t *json = sim_tipset_json(sim, 0);
    assert_ok(slk_head_from_json(&genesis, json, &diag), diag);
    json_decref(json);
    slk_nodes_expect(nodes, &genesis.key);
    assert_err(SLK_ERR_MISMATCH, head_height(nodes, &height, name));
    assert_non_null(strstr(diag.text, "another genesis"));
    slk_nodes_free(nodes);
    sim_free(sim);
}

static void test_nobody(void **state)
{
    (void)state;
    slk_nodes_t *nodes = NULL;
    char name[SLK_NODE_NAME_MAX];
    int64_t height;
    assert_ok(slk_nodes_new(&nodes, "http://127.0.0.1:1", &diag), diag);
    assert_err(SLK_ERR_IO, head_height(nodes, &height, name));
    slk_node_answer_t answer;
    slk_node_call_t call = {
        .method = "Filecoin.ChainHead", .kind = SLK_CALL_READ, .node = "http://elsewhere:1"};
    assert_err(SLK_ERR_NOTFOUND, slk_nodes_call(nodes, &call, &answer, &diag));
    slk_nodes_free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),       cmocka_unit_test(test_fail_over),
        cmocka_unit_test(test_not_repeated), cmocka_unit_test(test_rights),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
