#include "app/show.h"

#include "test_util.h"

#include <stdlib.h>

/* What a function prints of a JSON text; to be freed. */
static char *shown(slk_show_fn_t *show, const char *text)
{
    char *out = NULL;
    size_t len;
    FILE *file = open_memstream(&out, &len);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_non_null(file);
    show(json, file);
    assert_int_equal(fclose(file), 0);
    json_decref(json);
    return out;
}

static void values(void **state)
{
    static const struct {
        slk_show_text_t *show;
        const char *json, *text;
    } rows[] = {
        {slk_show_plain, "null", ""},
        {slk_show_plain, "true", "yes"},
        {slk_show_plain, "-894", "-894"},
        {slk_show_miner, "1000", "f01000"},
        {slk_show_share, "0.999", "99 %"},
        {slk_show_seconds, "89", "89 s"},
        {slk_show_seconds, "90", "2 min"},
        {slk_show_seconds, "5400", "1.5 h"},
        {slk_show_seconds, "172800", "2.0 d"},
        {slk_show_bytes, "34359738368", "32.0 GiB"},
        {slk_show_time, "1795288660.382", "2026-11-21 19:17:40"},
        {slk_show_time_ms, "1795288660382", "2026-11-21 19:17:40"},
        {slk_show_words, "[1, \"b\", 3]", "1 b 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64] = "";
        json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        rows[i].show(text, sizeof text, value);
        assert_string_equal(text, rows[i].text);
        json_decref(value);
    }
}

/* A list that is longer than its room says how long it is. */
static void long_lists(void **state)
{
    char text[64] = "";
    json_t *list = json_array();
    (void)state;
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_integer(1000 + i));
    slk_show_words(text, sizeof text, list);
    assert_non_null(strstr(text, "1000 1001 "));
    assert_non_null(strstr(text, " ... 100 in all"));
    json_decref(list);
}

/* Columns are as wide as their longest cell, numbers stand right; a sector that is done waits for nothing. */
static void sectors(void **state)
{
    char *text = shown(
        slk_show_sectors,
        "[{\"sector\":7,\"miner\":1000,\"state\":\"Proving\",\"on_chain\":true,\"active\":null,"
        "\"expiration\":1549447,\"deals\":1,\"waiting_for\":\"nothing to do\",\"eta_seconds\":0},"
        "{\"sector\":12,\"miner\":1000,\"state\":\"PreCommit1\",\"on_chain\":false,\"active\":"
        "false,"
        "\"expiration\":null,\"deals\":0,\"waiting_for\":\"PC1 at \\u00e4\",\"eta_seconds\":61}]");
    (void)state;
    assert_string_equal(
        text,
        "sector  miner   state       on chain  active  expires  pieces  to go  waits for\n"
        "     7  f01000  Proving     yes       -       1549447       1      -  -\n"
        "    12  f01000  PreCommit1  no        no            -       -   61 s  PC1 at \xc3\xa4\n");
    free(text);
    text = shown(slk_show_sectors, "[]");
    assert_string_equal(text, "no sectors\n");
    free(text);
}

/* Fields that are null are left out; what an event says of itself loses its JSON. */
static void one_sector(void **state)
{
    char *text = shown(
        slk_show_sector,
        "{\"sector\":7,\"miner\":1000,\"state\":\"CommitFailed\",\"what\":\"was not accepted\","
        "\"ticket\":{\"value\":\"ab\",\"epoch\":-5},\"seed\":null,\"comm_d\":null,\"proof\":"
        "\"0102\","
        "\"deadline\":null,\"last_error\":\"no money\",\"waiting_for\":\"is sent "
        "again\",\"retries\":2,"
        "\"pieces\":[],\"files\":[],\"log\":[{\"time\":1795288660,\"kind\":\"event;x\","
        "\"event\":\"SectorCommitAggregateSent\",\"from\":\"A\",\"to\":\"B\","
        "\"detail\":\"{\\\"User\\\":{\\\"Message\\\":null,\\\"Key\\\":\\\"k/1\\\"}}\"},"
        "{\"time\":1795288661,\"kind\":\"note\",\"event\":\"\",\"from\":\"B\",\"to\":\"B\","
        "\"detail\":\"{\\\"cut\"}]}");
    (void)state;
    assert_string_equal(text,
                        "sector             7 of f01000\n"
                        "state              CommitFailed: was not accepted\n"
                        "waits for          is sent again\n"
                        "last error         no money\n"
                        "retries            2\n"
                        "ticket             ab of epoch -5\n"
                        "proof              2 bytes, 0102...\n"
                        "pieces\n"
                        "  none yet\n"
                        "files\n"
                        "  none declared\n"
                        "log\n"
                        "  time (UTC)           event                      new state  detail\n"
                        "  2026-11-21 19:17:40  SectorCommitAggregateSent  B          Key k/1\n"
                        "  2026-11-21 19:17:41  note                       -          {\"cut\n");
    free(text);
}

static void run_ends_with_a_sentence(void **state)
{
    char *text = shown(slk_show_run, "{\"repo\":\"/r\",\"miner\":1001,\"manager\":\"127.0.0.1:1\","
                                     "\"sectors\":[{\"sector\":0,\"state\":\"Proving\",\"seconds\":"
                                     "61.81}],\"summary\":\"All is well.\"}");
    (void)state;
    assert_string_equal(text, "repo               /r\n"
                              "miner              f01001\n"
                              "manager            127.0.0.1:1\n"
                              "sector  state    took\n"
                              "     0  Proving  62 s\n"
                              "All is well.\n");
    free(text);
}

/* A manager of another version may leave anything out. */
static void nothing_known(void **state)
{
    static slk_show_fn_t *const all[] = {
        slk_show_sector,  slk_show_pledged, slk_show_numbers,  slk_show_sched_diag,
        slk_show_manager, slk_show_worker,  slk_show_api_info, slk_show_run,
    };
    static slk_show_fn_t *const lists[] = {
        slk_show_sectors, slk_show_jobs,   slk_show_workers, slk_show_stores,
        slk_show_found,   slk_show_tokens, slk_show_batches,
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(shown(all[i], "{}"));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char *text = shown(lists[i], "[{}]");
        assert_non_null(strchr(text, '\n'));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),        cmocka_unit_test(long_lists),
        cmocka_unit_test(sectors),       cmocka_unit_test(one_sector),
        cmocka_unit_test(nothing_known), cmocka_unit_test(run_ends_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
