#include "manager/sched/eta.h"
#include "manager/sched/resources.h"

#include "test_util.h"

#define GIB32 ((uint64_t)32 << 30)

static void test_medians(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_eta_t *eta;
    assert_ok(slk_eta_new(&eta, &diag), diag);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, "w1"), SLK_ETA_UNKNOWN);
    assert_int_equal(slk_eta_ms(NULL, SLK_TASK_PC1, GIB32, NULL), SLK_ETA_UNKNOWN);
    const int64_t ms[] = {10, 1000, 30};
    for (size_t i = 0; i < 3; i++)
        assert_ok(slk_eta_add(eta, SLK_TASK_PC1, GIB32, "w1", ms[i], &diag), diag);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, "w1"), 30);
    assert_ok(slk_eta_add(eta, SLK_TASK_PC1, GIB32, "w2", 40, &diag), diag);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, "w2"), 40);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, NULL), 35); /* of 10 30 40 1000 */
    /* Not measured there: what the others need. */
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, "w3"), 35);
    assert_false(slk_eta_measured(eta, SLK_TASK_PC1, GIB32, "w3"));
    assert_true(slk_eta_measured(eta, SLK_TASK_PC1, GIB32, "w2"));
    /* Another task, another size. */
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC2, GIB32, "w1"), SLK_ETA_UNKNOWN);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, 2048, "w1"), SLK_ETA_UNKNOWN);
    assert_int_equal(slk_eta_least_ms(eta, SLK_TASK_PC1, GIB32, "w1"), 10);
    assert_int_equal(slk_eta_least_ms(eta, SLK_TASK_PC1, GIB32, NULL), 10);
    assert_int_equal(slk_eta_least_ms(eta, SLK_TASK_PC1, GIB32, "w3"), SLK_ETA_UNKNOWN);
    /* Old ones are forgotten. */
    for (size_t i = 0; i < SLK_ETA_KEEP; i++)
        assert_ok(slk_eta_add(eta, SLK_TASK_PC1, GIB32, "w1", 7, &diag), diag);
    assert_int_equal(slk_eta_ms(eta, SLK_TASK_PC1, GIB32, "w1"), 7);
    slk_eta_free(eta);
}

static void test_many_workers(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_eta_t *eta;
    assert_ok(slk_eta_new(&eta, &diag), diag);
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "worker-%d", i);
        assert_ok(slk_eta_add(eta, SLK_TASK_C2, 2048, name, i, &diag), diag);
    }
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "worker-%d", i);
        assert_int_equal(slk_eta_ms(eta, SLK_TASK_C2, 2048, name), i);
    }
    slk_eta_free(eta);
}

static void test_ends(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_eta_t *eta;
    assert_ok(slk_eta_new(&eta, &diag), diag);
    /* A quarter is done after 100 s: 300 s more. Progress says more than the median. */
    assert_int_equal(slk_eta_end_ms(eta, SLK_TASK_PC1, 2048, "w", 0, 25, 100, 100000), 400000);
    assert_int_equal(slk_eta_end_ms(eta, SLK_TASK_PC1, 2048, "w", 0, 1, 100, 100000),
                     SLK_ETA_UNKNOWN);
    assert_ok(slk_eta_add(eta, SLK_TASK_PC1, 2048, "w", 150000, &diag), diag);
    assert_int_equal(slk_eta_end_ms(eta, SLK_TASK_PC1, 2048, "w", 0, 1, 100, 100000), 150000);
    assert_int_equal(slk_eta_end_ms(eta, SLK_TASK_PC1, 2048, "w", 0, 0, 0, 200000), 200000);
    /* Twice what it ever took: nobody knows. */
    assert_int_equal(slk_eta_end_ms(eta, SLK_TASK_PC1, 2048, "w", 0, 0, 0, 400000),
                     SLK_ETA_UNKNOWN);
    /* 100 MiB/s. */
    assert_int_equal(slk_eta_fetch_ms(eta, GIB32), SLK_ETA_UNKNOWN);
    assert_ok(slk_eta_add_fetch(eta, (uint64_t)1 << 30, 10240, &diag), diag);
    assert_int_equal(slk_eta_fetch_ms(eta, GIB32), 327680);
    slk_eta_free(eta);
}

static void test_texts(void **state)
{
    (void)state;
    char text[SLK_ETA_TEXT];
    assert_string_equal(slk_eta_text(text, -1), "an unknown time");
    assert_string_equal(slk_eta_text(text, 1), "~1 s");
    assert_string_equal(slk_eta_text(text, 180000), "~3 min");
    assert_string_equal(slk_eta_text(text, 7800000), "~2 h 10 min");
    assert_string_equal(slk_eta_text(text, INT64_C(5) * 86400000), "~5 days");
}

/* spec lotus-miner.md 2.2. */
static void test_resource_rows(void **state)
{
    (void)state;
    const uint64_t gib = (uint64_t)1 << 30;
    const slk_resources_t *pc1 = &slk_resource_defaults.of[SLK_TASK_PC1][3];
    assert_true(pc1->max_memory == 64 * gib && pc1->min_memory == 56 * gib &&
                pc1->base_memory == 10 << 20 && pc1->threads == 1);
    const slk_resources_t *c2 = &slk_resource_defaults.of[SLK_TASK_C2][4];
    assert_true(c2->max_memory == 190 * gib && c2->min_memory == 60 * gib &&
                c2->base_memory == 64 * gib && c2->threads == -1);
    assert_int_equal(slk_resource_threads(c2, 64), 58);
    assert_int_equal(slk_resource_threads(c2, 1), 1);
    assert_int_equal(slk_resource_threads(pc1, 0), 1);
    assert_int_equal(slk_resource_threads(&slk_resource_defaults.of[SLK_TASK_C1][3], 8), 0);
    assert_int_equal(slk_resource_threads(pc1, 64), 1);
    unsigned row;
    assert_true(slk_resource_size(&row, GIB32));
    assert_int_equal(row, 3);
    assert_false(slk_resource_size(&row, 4096));
}

static const char *environment(void *ctx, const char *name)
{
    const char *const *pairs = ctx;
    for (; *pairs; pairs += 2) {
        if (!strcmp(pairs[0], name))
            return pairs[1];
    }
    return NULL;
}

static void test_overrides(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_resource_table_t table = slk_resource_defaults;
    assert_ok(slk_resource_set(&table, "PC1_32G_MAX_CONCURRENT", "4", &diag), diag);
    assert_int_equal(table.of[SLK_TASK_PC1][3].max_concurrent, 4);
    assert_int_equal(table.of[SLK_TASK_PC1][4].max_concurrent, 0);
    assert_ok(slk_resource_set(&table, "C2_MAX_PARALLELISM", "-1", &diag), diag);
    assert_int_equal(table.of[SLK_TASK_C2][0].threads, -1);
    assert_ok(slk_resource_set(&table, "C2_512M_GPU_UTILIZATION", "0.5", &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_resource_set(&table, "PC3_MAX_CONCURRENT", "1", &diag));
    assert_err(SLK_ERR_NOTFOUND, slk_resource_set(&table, "PC1_16G_MAX_CONCURRENT", "1", &diag));
    assert_err(SLK_ERR_INPUT, slk_resource_set(&table, "PC1_MIN_MEMORY", "1 GiB", &diag));
    assert_err(SLK_ERR_INPUT, slk_resource_set(&table, "PC1_MIN_MEMORY", "", &diag));
    assert_err(SLK_ERR_INPUT, slk_resource_set(&table, "PC1_MAX_CONCURRENT", "-2", &diag));
    /* The more exact name wins, in whatever order they stand. */
    const char *pairs[] = {"PC2_32G_MIN_MEMORY", "7", "PC2_MIN_MEMORY", "5", NULL};
    table = slk_resource_defaults;
    assert_ok(slk_resource_read(&table, environment, pairs, &diag), diag);
    assert_int_equal(table.of[SLK_TASK_PC2][2].min_memory, 5);
    assert_int_equal(table.of[SLK_TASK_PC2][3].min_memory, 7);
    char *text = slk_resource_text(&table);
    assert_non_null(strstr(text, "PC2_32G_MIN_MEMORY=7\n"));
    assert_non_null(strstr(text, "C1_64G_MAX_MEMORY=1073741824\n"));
    free(text);
}

static void test_space(void **state)
{
    (void)state;
    assert_int_equal(slk_task_space(SLK_PATH_SEALING, SLK_FT_CACHE, 2048, 0), 28876);
    assert_int_equal(slk_task_space(SLK_PATH_STORAGE, SLK_FT_CACHE, 2048, 0), 204);
    assert_int_equal(slk_task_space(SLK_PATH_SEALING, SLK_FT_SEALED, 2048, 2000), 48);
    assert_int_equal(slk_task_space(SLK_PATH_SEALING, SLK_FT_SEALED, 2048, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medians),       cmocka_unit_test(test_many_workers),
        cmocka_unit_test(test_ends),          cmocka_unit_test(test_texts),
        cmocka_unit_test(test_resource_rows), cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
