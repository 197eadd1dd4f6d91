/* File types, sectorstore.json, storage.json, the finalize plan: what needs no disk, or one file. */
#include "test_util.h"

#include "base/assert.h"
#include "base/file.h"
#include "storage/finalize_plan.h"
#include "storage/path_meta.h"

#include <sys/stat.h>

static slk_diag_t diag;

/* --- File types ---------------------------------------------------------------------------- */

static void test_types(void **state)
{
    static const char *const names[] = {"unsealed", "sealed",       "cache",
                                        "update",   "update-cache", "piece"};
    char text[SLK_FILE_TYPES_TEXT];
    (void)state;
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        assert_string_equal(slk_file_type_name(SLK_FT_AT(i)), names[i]);
        assert_int_equal(slk_file_type_from_name(names[i], strlen(names[i])), SLK_FT_AT(i));
    }
    assert_int_equal(slk_file_type_from_name("update-cach", 11), 0);
    assert_int_equal(slk_file_type_from_name("sealed2", 6), SLK_FT_SEALED);
    assert_int_equal(slk_file_type_from_name("", 0), 0);
    assert_true(slk_file_type_is_folder(SLK_FT_CACHE) && slk_file_type_is_folder(16));
    assert_false(slk_file_type_is_folder(SLK_FT_UPDATE));
    assert_string_equal(slk_file_types_text(text, SLK_FT_ALL),
                        "unsealed, sealed, cache, update, update-cache, piece");
    assert_string_equal(slk_file_types_text(text, 0), "none");
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",
                                      "s-t0",
                                      "s-t01000",
                                      "s-t01000-",
                                      "s-t0-5",
                                      "s-t01000-05",
                                      "s-t001000-5",
                                      "s-f01000-5",
                                      "s-t01000-5 ",
                                      "s-t01000-5/",
                                      "s-t01000--5",
                                      "s-t01000-+5",
                                      "s-t01000-18446744073709551616",
                                      "../s-t01000-5",
                                      "s-t01000-5-6"};
    slk_sector_id_t sector;
    char name[SLK_SECTOR_NAME_MAX];
    (void)state;
    assert_true(slk_sector_name_parse(&sector, "s-t01000-5", 10));
    assert_true(sector.miner == 1000 && sector.number == 5);
    assert_string_equal(slk_sector_name(name, &sector), "s-t01000-5");
    sector = (slk_sector_id_t){UINT64_MAX, 0};
    slk_sector_name(name, &sector);
    assert_string_equal(name, "s-t018446744073709551615-0");
    assert_true(slk_sector_name_parse(&sector, name, strlen(name)));
    assert_true(sector.miner == UINT64_MAX && sector.number == 0);
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        if (slk_sector_name_parse(&sector, bad[i], strlen(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    }
}

/* Of the table "Disk" of Lotus: tenths of the sector size. */
static void test_space(void **state)
{
    const uint64_t gib32 = UINT64_C(32) << 30;
    (void)state;
    assert_true(slk_file_space(SLK_FT_CACHE, gib32, SLK_SPACE_SEALING) == gib32 * 141 / 10);
    assert_true(slk_file_space(SLK_FT_CACHE, 2048, SLK_SPACE_SEALING) == 2048 * 141 / 10);
    assert_true(slk_file_space(SLK_FT_CACHE, 2048, SLK_SPACE_FINALIZED) == 204);
    assert_true(slk_file_space(SLK_FT_UPDATE_CACHE, 2000, SLK_SPACE_SEALING) == 4200);
    assert_true(slk_file_space(SLK_FT_ALL, 2000, SLK_SPACE_SEALING) == 200 * (40 + 141 + 21));
    assert_true(slk_file_space(SLK_FT_ALL, 2000, SLK_SPACE_FINALIZED) == 200 * (40 + 2));
    assert_true(slk_file_space(0, 2000, SLK_SPACE_SEALING) == 0);
}

/* --- sectorstore.json ---------------------------------------------------------------------- */

/* As lotus-miner writes it: Go's MarshalIndent with two spaces, no newline at the end. */
static const char lotus[] = "{\n  \"ID\": \"1b2d3a5e-3c8f-4d0a-9a59-1f2b7a5d9c11\",\n"
                            "  \"Weight\": 10,\n  \"CanSeal\": true,\n  \"CanStore\": false,\n"
                            "  \"MaxStorage\": 0,\n  \"Groups\": null,\n  \"AllowTo\": null,\n"
                            "  \"AllowTypes\": null,\n  \"DenyTypes\": null,\n"
                            "  \"AllowMiners\": null,\n  \"DenyMiners\": null\n}";

static void expect_text(const slk_path_meta_t *meta, const char *want)
{
    char *text;
    size_t len;
    assert_ok(slk_path_meta_text(&text, &len, meta, &diag), diag);
    assert_string_equal(text, want);
    assert_int_equal(len, strlen(want));
    free(text);
}

static void parse(slk_path_meta_t *meta, const char *text)
{
    assert_ok(slk_path_meta_parse(meta, text, strlen(text), "sectorstore.json", &diag), diag);
}

static void test_lotus_text(void **state)
{
    slk_path_meta_t meta, fresh;
    (void)state;
    parse(&meta, lotus);
    assert_true(meta.weight == 10 && meta.can_seal && !meta.can_store && !meta.can_final);
    expect_text(&meta, lotus);
    assert_ok(slk_path_meta_new(&fresh, &diag), diag);
    assert_int_equal(strlen(fresh.id), 36);
    assert_true(fresh.id[14] == '4' && strchr("89ab", fresh.id[19]));
    assert_string_not_equal(fresh.id, meta.id);
    strcpy(fresh.id, meta.id);
    fresh.can_seal = true;
    expect_text(&fresh, lotus);
    slk_path_meta_free(&fresh);
    slk_path_meta_free(&meta);
}

static void test_can_final(void **state)
{
    slk_path_meta_t meta;
    char *text;
    size_t len;
    (void)state;
    parse(&meta, "{\"ID\":\"a\",\"CanStore\":true}");
    assert_true(meta.can_final);
    slk_path_meta_free(&meta);
    parse(&meta, "{\"ID\":\"a\",\"CanStore\":true,\"CanFinal\":false}");
    assert_false(meta.can_final);
    slk_path_meta_free(&meta);
    parse(&meta, lotus);
    meta.can_store = true;
    meta.can_final = false;
    assert_ok(slk_path_meta_text(&text, &len, &meta, &diag), diag);
    assert_non_null(strstr(text, "\"DenyMiners\": null,\n  \"CanFinal\": false\n}"));
    assert_non_null(strstr(text, "\"CanStore\": true"));
    free(text);
    slk_path_meta_free(&meta);
}

/* damocles' file of the same name, and keys that nobody knows: kept where they were. */
static void test_foreign_keys(void **state)
{
    static const char text[] =
        "{\n  \"ID\": \"store-1\",\n  \"Name\": \"first\",\n  \"Meta\": {\n    \"a\": \"b\"\n  },\n"
        "  \"Strict\": true,\n  \"ReadOnly\": false,\n  \"Weight\": 1,\n  \"AllowMiners\": [\n"
        "    1000,\n    1001\n  ],\n  \"DenyMiners\": [],\n  \"PluginName\": \"\",\n"
        "  \"CanSeal\": false,\n  \"CanStore\": true,\n  \"MaxStorage\": 5,\n  \"Groups\": null,\n"
        "  \"AllowTo\": null,\n  \"AllowTypes\": null,\n  \"DenyTypes\": null\n}";
    slk_path_meta_t meta;
    char *out;
    size_t len;
    (void)state;
    parse(&meta, text);
    assert_int_equal(meta.allow_miners.cnt, 2);
    assert_string_equal(meta.allow_miners.at[1], "f01001");
    assert_true(slk_path_meta_miner_ok(&meta, 1000));
    assert_false(slk_path_meta_miner_ok(&meta, 1002));
    expect_text(&meta, text);
    const char *const miners[] = {"f01002"};
    assert_ok(slk_names_set(&meta.allow_miners, miners, 1, &diag), diag);
    meta.weight = 7;
    assert_ok(slk_path_meta_text(&out, &len, &meta, &diag), diag);
    assert_non_null(strstr(out, "\"Strict\": true"));
    assert_non_null(strstr(out, "\"Weight\": 7,\n  \"AllowMiners\": [\n    \"f01002\"\n  ]"));
    free(out);
    slk_path_meta_free(&meta);
}

static void test_bad_meta(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "not JSON"},
        {"[]", "JSON object"},
        {"{}", "ID"},
        {"{\"ID\":5}", "ID"},
        {"{\"ID\":\"\"}", "ID"},
        {"{\"ID\":\"../x\"}", "ID"},
        {"{\"ID\":\"a\\u0000b\"}", "not JSON"},
        {"{\"ID\":\"a\",\"Weight\":-1}", "Weight"},
        {"{\"ID\":\"a\",\"Weight\":\"10\"}", "Weight"},
        {"{\"ID\":\"a\",\"Weight\":1.5}", "Weight"},
        {"{\"ID\":\"a\",\"Weight\":99999999999999999999}", "not JSON"},
        {"{\"ID\":\"a\",\"CanSeal\":1}", "CanSeal"},
        {"{\"ID\":\"a\",\"CanFinal\":\"yes\"}", "CanFinal"},
        {"{\"ID\":\"a\",\"Groups\":\"g\"}", "Groups"},
        {"{\"ID\":\"a\",\"Groups\":[5]}", "Groups"},
        {"{\"ID\":\"a\",\"AllowMiners\":[\"1000\"]}", "AllowMiners"},
        {"{\"ID\":\"a\",\"DenyMiners\":[\"f3abc\"]}", "DenyMiners"},
        {"{\"ID\":\"a\",\"DenyMiners\":[-5]}", "DenyMiners"},
        {"{\"ID\":\"a\",\"ID\":\"b\"}", "duplicate"},
        {"{\"ID\":\"a\"} x", "not JSON"},
    };
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        slk_path_meta_t meta;
        diag.text[0] = 0;
        slk_err_t err = slk_path_meta_parse(&meta, bad[i].text, strlen(bad[i].text), "here", &diag);
        slk_path_meta_free(&meta);
        if (err != SLK_ERR_FORMAT || !strstr(diag.text, bad[i].says) || !strstr(diag.text, "here"))
            fail_msg("%s: %d, %s", bad[i].text, err, diag.text);
    }
}

static void test_rules(void **state)
{
    slk_path_meta_t a, b;
    (void)state;
    parse(&a, "{\"ID\":\"a\",\"AllowTypes\":[\"sealed\",\"cache\",\"rubbish\"],\"DenyTypes\":"
              "[\"cache\"],\"AllowTo\":[\"g2\",\"g1\"],\"DenyMiners\":[\"t01001\"]}");
    parse(&b, "{\"ID\":\"b\",\"AllowTypes\":[\"rubbish\"],\"Groups\":[\"g1\"]}");
    assert_int_equal(slk_path_meta_types(&a, SLK_FT_ALL), SLK_FT_SEALED);
    assert_int_equal(slk_path_meta_types(&b, SLK_FT_ALL), 0);
    assert_true(slk_path_meta_may_go(&a, &b) && slk_path_meta_may_go(&b, &a));
    assert_false(slk_path_meta_may_go(&a, &a));
    assert_true(slk_path_meta_miner_ok(&a, 1000));
    assert_false(slk_path_meta_miner_ok(&a, 1001));
    slk_path_meta_free(&a);
    slk_path_meta_free(&b);
}

static void test_files(void **state)
{
    char dir[64], file[128], *text;
    size_t len;
    slk_path_meta_t meta, again;
    slk_names_t list = {0};
    (void)state;
    test_tmp_dir(dir);
    assert_err(SLK_ERR_NOTFOUND, slk_path_meta_read(&again, dir, &diag));
    parse(&meta, lotus);
    assert_ok(slk_path_meta_write(&meta, dir, &diag), diag);
    assert_ok(slk_path_meta_read(&again, dir, &diag), diag);
    expect_text(&again, lotus);
    slk_path_meta_free(&again);
    slk_path_meta_free(&meta);

    snprintf(file, sizeof file, "%s/storage.json", dir);
    assert_ok(slk_storage_list_read(&list, file, &diag), diag);
    assert_int_equal(list.cnt, 0);
    const char *const paths[] = {"/data/one", "/data/two"};
    assert_ok(slk_names_set(&list, paths, 2, &diag), diag);
    assert_ok(slk_storage_list_write(&list, file, &diag), diag);
    slk_names_free(&list);
    assert_ok(slk_read_file(&text, &len, file, 4096, &diag), diag);
    assert_string_equal(text, "{\n  \"StoragePaths\": [\n    {\n      \"Path\": \"/data/one\"\n"
                              "    },\n    {\n      \"Path\": \"/data/two\"\n    }\n  ]\n}");
    free(text);
    assert_ok(slk_storage_list_read(&list, file, &diag), diag);
    assert_true(list.cnt == 2 && slk_names_have(&list, "/data/two"));
    slk_names_free(&list);
    static const char relative[] = "{\"StoragePaths\":[{\"Path\":\"x\"}]}";
    assert_ok(slk_write_file(file, relative, sizeof relative - 1, &diag), diag);
    assert_err(SLK_ERR_FORMAT, slk_storage_list_read(&list, file, &diag));
    assert_non_null(strstr(diag.text, "StoragePaths[0].Path"));
    test_rm_dir(dir);
}

/* --- Finalize ------------------------------------------------------------------------------ */

typedef struct {
    slk_finalize_plan_t plan;
    slk_finalize_drop_t drops[16];
} planned_t;

#define BASIC (SLK_FT_UNSEALED | SLK_FT_SEALED | SLK_FT_CACHE)

static planned_t plan(const slk_holders_t holders[SLK_FT_CNT], bool keep_unsealed)
{
    planned_t p;
    slk_finalize_plan(&p.plan, p.drops, SLK_COUNT(p.drops), BASIC, holders, keep_unsealed);
    return p;
}

#define SCRATCH                                                                                    \
    {                                                                                              \
        .id = "scratch", .can_seal = true                                                          \
    }
#define BUFFER                                                                                     \
    {                                                                                              \
        .id = "buffer", .can_store = true, .primary = true                                         \
    }
#define FINAL                                                                                      \
    {                                                                                              \
        .id = "final", .can_store = true, .can_final = true, .primary = true                       \
    }
#define HELD(a)                                                                                    \
    {                                                                                              \
        .at = (a), .cnt = SLK_COUNT(a)                                                             \
    }

/* Sealed on a worker, nothing moved yet. */
static void test_plan_first_run(void **state)
{
    const slk_holder_t scratch[] = {SCRATCH};
    const slk_holders_t holders[SLK_FT_CNT] = {HELD(scratch), HELD(scratch), HELD(scratch)};
    (void)state;
    planned_t p = plan(holders, true);
    assert_int_equal(p.plan.move, BASIC);
    assert_true(p.plan.trim && !p.plan.drop_cnt && !p.plan.complete && !p.plan.settled);
    p = plan(holders, false);
    assert_int_equal(p.plan.move, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(p.plan.drop_cnt, 1);
    assert_int_equal(p.drops[0].type, SLK_FT_UNSEALED);
}

/* The second run after FinalizeEarly: on whichever worker, nothing is fetched again. */
static void test_plan_second_run(void **state)
{
    const slk_holder_t final[] = {FINAL};
    const slk_holders_t holders[SLK_FT_CNT] = {{0}, HELD(final), HELD(final)};
    (void)state;
    planned_t p = plan(holders, true);
    assert_true(p.plan.complete && !p.plan.move && !p.plan.trim && !p.plan.drop_cnt);
    assert_int_equal(p.plan.settled, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(p.plan.absent, SLK_FT_UNSEALED);
}

/* Stopped after the sealed file: only the cache is still to be moved, the left-over sealed file in
 * scratch goes. */
static void test_plan_partial(void **state)
{
    const slk_holder_t both[] = {SCRATCH, FINAL}, scratch[] = {SCRATCH};
    const slk_holders_t holders[SLK_FT_CNT] = {{0}, HELD(both), HELD(scratch)};
    (void)state;
    planned_t p = plan(holders, true);
    assert_int_equal(p.plan.move, SLK_FT_CACHE);
    assert_int_equal(p.plan.drop_cnt, 1);
    assert_true(p.drops[0].type == SLK_FT_SEALED && p.drops[0].holder == 0);
}

/* A gateway's buffer is CanStore, not CanFinal: what is there is not at rest, and goes on. */
static void test_plan_gateway(void **state)
{
    const slk_holder_t buffer[] = {BUFFER};
    const slk_holders_t holders[SLK_FT_CNT] = {{0}, HELD(buffer), HELD(buffer)};
    (void)state;
    planned_t p = plan(holders, true);
    assert_int_equal(p.plan.move, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(p.plan.drop_cnt, 0);
}

/* Two gateways and the miner mount one shared path: one ID, several entries. The destructive case:
 * the shared destination must not be taken for a foreign copy. */
static void test_plan_shared(void **state)
{
    const slk_holder_t shared[] = {
        {.id = "final", .can_store = true},
        FINAL,
        {.id = "final", .can_store = true},
        SCRATCH,
        SCRATCH,
    };
    const slk_holders_t holders[SLK_FT_CNT] = {{0}, HELD(shared), HELD(shared)};
    (void)state;
    planned_t p = plan(holders, true);
    assert_int_equal(p.plan.move, 0);
    assert_int_equal(p.plan.drop_cnt, 2); /* scratch once for each type, the shared path never */
    assert_true(p.drops[0].holder == 3 && p.drops[1].holder == 3);
}

/* A copy in a final path that is not declared primary may be one being written: nothing goes. */
static void test_plan_not_primary(void **state)
{
    const slk_holder_t holder[] = {SCRATCH, {.id = "final", .can_store = true, .can_final = true}};
    const slk_holders_t holders[SLK_FT_CNT] = {{0}, HELD(holder), {0}};
    (void)state;
    planned_t p = plan(holders, true);
    assert_true(p.plan.settled == SLK_FT_SEALED && !p.plan.drop_cnt);
}

/* Unsealed that nobody wants goes from everywhere, the final path included. */
static void test_plan_unsealed(void **state)
{
    const slk_holder_t both[] = {FINAL, SCRATCH};
    const slk_holders_t holders[SLK_FT_CNT] = {HELD(both), {0}, {0}};
    (void)state;
    planned_t p = plan(holders, false);
    assert_int_equal(p.plan.drop_cnt, 2);
    assert_false(p.plan.complete);
    p = plan(holders, true);
    assert_true(p.plan.drop_cnt == 1 && p.drops[0].holder == 1);
}

/* Nobody has anything: no error, nothing to do; and more drops than room are counted. */
static void test_plan_edges(void **state)
{
    const slk_holders_t none[SLK_FT_CNT] = {0};
    const slk_holder_t both[] = {FINAL, SCRATCH};
    const slk_holders_t holders[SLK_FT_CNT] = {HELD(both), HELD(both), HELD(both)};
    slk_finalize_plan_t p;
    slk_finalize_drop_t one[1];
    (void)state;
    planned_t empty = plan(none, true);
    assert_true(empty.plan.complete && empty.plan.absent == BASIC);
    slk_finalize_plan(&p, one, 1, BASIC, holders, true);
    assert_int_equal(p.drop_cnt, 3);
    assert_int_equal(one[0].type, SLK_FT_UNSEALED);
}

/* A stale copy, of a job that was taken away, never stands for the file, wherever it lies. */
static void test_finalize_stale(void **state)
{
    const slk_holder_t made[] = {
        SCRATCH,
        {.id = "final", .can_store = true, .can_final = true, .primary = true, .stale = true}};
    const slk_holder_t moved[] = {
        FINAL,
        {.id = "other", .can_seal = true, .can_store = true, .can_final = true, .stale = true}};
    const slk_holders_t before[SLK_FT_CNT] = {[1] = HELD(made), [2] = HELD(made)};
    const slk_holders_t after[SLK_FT_CNT] = {[1] = HELD(moved), [2] = HELD(moved)};
    (void)state;
    planned_t p = plan(before, false);
    assert_int_equal(p.plan.move, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(p.plan.drop_cnt, 0);
    p = plan(after, false);
    assert_int_equal(p.plan.settled, SLK_FT_SEALED | SLK_FT_CACHE);
    assert_int_equal(p.plan.drop_cnt, 2);
    assert_int_equal(p.drops[0].holder, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),          cmocka_unit_test(test_finalize_stale),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_space),
        cmocka_unit_test(test_lotus_text),     cmocka_unit_test(test_can_final),
        cmocka_unit_test(test_foreign_keys),   cmocka_unit_test(test_bad_meta),
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_files),
        cmocka_unit_test(test_plan_first_run), cmocka_unit_test(test_plan_second_run),
        cmocka_unit_test(test_plan_partial),   cmocka_unit_test(test_plan_gateway),
        cmocka_unit_test(test_plan_shared),    cmocka_unit_test(test_plan_not_primary),
        cmocka_unit_test(test_plan_unsealed),  cmocka_unit_test(test_plan_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
