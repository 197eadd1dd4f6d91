#include "test_util.h"

#include "cluster/protocol.h"
#include "cluster/task.h"
#include "codec/json.h"

static slk_diag_t diag;

/* Short names, types and orders of spec lotus-miner.md 2.1. */
static void test_tasks(void **state)
{
    (void)state;
    slk_task_t task;
    for (unsigned i = 0; i < SLK_TASK_CNT; i++) {
        assert_true(slk_task_from_name(&task, slk_tasks[i].name));
        assert_int_equal(task, i);
        assert_true(slk_task_from_name(&task, slk_tasks[i].type));
        assert_int_equal(task, i);
    }
    assert_true(slk_task_from_name(&task, "seal/v0/precommit/1"));
    assert_int_equal(task, SLK_TASK_PC1);
    assert_int_equal(slk_tasks[SLK_TASK_PC1].order, 5);
    assert_int_equal(slk_tasks[SLK_TASK_PC1].makes, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_true(slk_task_from_name(&task, "post/v0/windowproof"));
    assert_int_equal(task, SLK_TASK_WDP);
    assert_int_equal(slk_tasks[SLK_TASK_WDP].order, -5);
    assert_true(slk_task_from_text(&task, "PC2x", 3));
    assert_int_equal(task, SLK_TASK_PC2);
    assert_false(slk_task_from_name(&task, "PC"));
    assert_false(slk_task_from_name(&task, ""));
}

static void test_failures(void **state)
{
    (void)state;
    slk_failure_t failure;
    for (unsigned i = 0; i < SLK_FAILURE_CNT; i++) {
        assert_true(slk_failure_from_name(&failure, slk_failure_name((slk_failure_t)i)));
        assert_int_equal(failure, i);
    }
    assert_true(slk_failure_from_name(&failure, "no space"));
    assert_int_equal(failure, SLK_FAILURE_NO_SPACE);
    assert_false(slk_failure_from_name(&failure, "NO_SPACE"));
}

/* The names on the wire, and that what is written is read as the same. */
static void test_assignment(void **state)
{
    (void)state;
    static const char text[] =
        "{\"ID\":7,\"Lease\":2,\"Task\":\"PC2\",\"Miner\":1000,\"Number\":18446744073709551615,"
        "\"SealProof\":5,\"Threads\":0,\"Memory\":2048,\"Params\":{\"Ticket\":\"00\"},\"Files\":[{"
        "\"Type\":\"sealed\",\"Use\":\"fetch\",\"Store\":\"b\",\"From\":\"\",\"Sources\":[{"
        "\"Store\":"
        "\"a\",\"URL\":\"http://h:1/remote/sealed/s-t01000-5\"}],\"Move\":true}]}";
    json_t *json = slk_json_load(text, strlen(text), 0, NULL), *back = NULL;
    slk_arena_t arena;
    slk_arena_init(&arena, 1 << 20);
    slk_assignment_t assignment;
    assert_ok(slk_record_from_json(&assignment, &slk_assignment_type, json, &arena, &diag), diag);
    assert_true(assignment.number == UINT64_MAX);
    assert_int_equal(assignment.files.count, 1);
    assert_true(assignment.files.items[0].move);
    assert_int_equal(assignment.files.items[0].sources.count, 1);
    assert_ok(slk_record_to_json(&back, &slk_assignment_type, &assignment, SLK_TESTNET, &diag),
              diag);
    char *written = slk_json_dump(back, JSON_COMPACT);
    assert_string_equal(written, text);
    free(written);
    json_decref(json);
    json_decref(back);
    slk_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tasks),
                                       cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_assignment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
