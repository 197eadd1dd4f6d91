#include "test_util.h"

#include "base/assert.h"
#include "chain/api.h"

static slk_diag_t diag;

static bool asking; /* parameters are compared, not answers */

/* Is everything that we write what the node wrote? Fields that a record leaves out (traces, "CID"
 * beside a message) are not looked for. */
static bool within(const json_t *ours, const json_t *theirs)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(ours) && json_is_object(theirs)) {
        json_object_foreach((json_t *)ours, key, value)
        {
            json_t *other = json_object_get(theirs, key);
            if (asking && strcmp(key, "CID") == 0)
                continue; /* ignored by nodes, and wrong in some recorded calls */
            if (!other ? !json_is_null(value) && strcmp(key, "CID") != 0 : !within(value, other))
                return false;
        }
        return true;
    }
    if (json_is_array(ours) && json_is_array(theirs)) {
        if (json_array_size(ours) != json_array_size(theirs))
            return false;
        json_array_foreach((json_t *)ours, i,
                           value) if (!within(value, json_array_get(theirs, i))) return false;
        return true;
    }
    /* A list that a node writes now as null and now as []. */
    if (json_is_null(theirs) && json_is_array(ours))
        return json_array_size(ours) == 0;
    if (json_is_null(ours) && json_is_string(theirs))
        return !*json_string_value(theirs);
    return json_equal((json_t *)ours, (json_t *)theirs);
}

static void round_trip(const slk_type_t *type, const json_t *json, const char *method,
                       const char *note)
{
    slk_arena_t arena;
    json_t *back = NULL;
    slk_arena_init(&arena, 16 << 20);
    void *record = slk_arena_alloc(&arena, type->size);
    assert_non_null(record);
    slk_err_t err = slk_record_from_json(record, type, json, &arena, &diag);
    if (err == SLK_OK)
        err = slk_record_to_json(&back, type, record, SLK_TESTNET, &diag);
    if (err != SLK_OK)
        fail_msg("%s, %s: %s", method, note, diag.text);
    if (!within(back, json)) {
        char *ours = json_dumps(back, JSON_ENCODE_ANY), *theirs = json_dumps(json, JSON_ENCODE_ANY);
        fail_msg("%s, %s:\n%.1500s\n%.1500s", method, note, ours, theirs);
    }
    json_decref(back);
    slk_arena_free(&arena);
}

/* Parameters that our row does not have the types for: calls that are wrong on purpose. */
static bool wrong_on_purpose(const json_t *call)
{
    json_t *error = json_object_get(json_object_get(call, "response"), "error");
    return json_integer_value(json_object_get(error, "code")) < 0;
}

/* Every recorded call of every method of the table: parameters and answers are read, and written as
 * they were. */
static void test_recorded(void **state)
{
    (void)state;
    unsigned answers = 0, methods = 0;
    for (size_t m = 0; m < slk_api_method_cnt; m++) {
        const slk_api_method_t *method = &slk_api_methods[m];
        char file[128], name[128];
        snprintf(name, sizeof name, "Filecoin.%s", method->name);
        snprintf(file, sizeof file, "%s/lotus-rpc/%s.json", SLK_VECTORS, method->name);
        if (access(file, F_OK) != 0) {
            print_message("no recording of %s\n", method->name);
            continue;
        }
        methods++;
        snprintf(file, sizeof file, "lotus-rpc/%s.json", method->name);
        json_t *record = test_vectors(file), *call;
        size_t i;
        json_array_foreach(json_object_get(record, "calls"), i, call)
        {
            json_t *request = json_object_get(call, "request");
            json_t *params = json_object_get(request, "params");
            const char *note = json_string_value(json_object_get(call, "note"));
            const char *endpoint = json_string_value(json_object_get(call, "endpoint"));
            const char *called = json_string_value(json_object_get(request, "method"));
            if (!called || strcmp(called, name) != 0 || wrong_on_purpose(call) ||
                !strstr(endpoint, "v1"))
                continue;
            assert_int_equal(json_array_size(params), method->param_cnt);
            asking = true;
            for (unsigned p = 0; p < method->param_cnt; p++)
                if (!json_is_null(json_array_get(params, p)))
                    round_trip(method->params[p], json_array_get(params, p), method->name, note);
            asking = false;
            json_t *result = json_object_get(json_object_get(call, "response"), "result");
            if (!result)
                continue;
            answers++;
            round_trip(method->result, result, method->name, note);
        }
        json_decref(record);
    }
    print_message("%u recorded answers of %u methods\n", answers, methods);
    assert_true(answers > 200 && methods > 60);
}

/* Answers of another form are errors, not something else. */
static void test_bad_answers(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"text\"", "[[[[[]]]]]", "{\"Height\":\"1\"}", "-1",
                                      "{\"Cids\":[{\"/\":5}]}"};
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        slk_arena_t arena;
        slk_tipset_t tipset;
        assert_non_null(json);
        slk_arena_init(&arena, 1 << 20);
        assert_err(SLK_ERR_FORMAT,
                   slk_record_from_json(&tipset, &slk_tipset_type, json, &arena, &diag));
        slk_arena_free(&arena);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_bad_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
