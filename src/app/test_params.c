/* `selkie params r1cs` and `selkie seal inputs` against the reference's answers in tests/vectors;
 * `selkie params generate`. */
#include "app/test_run.h"

static json_t *answer(void)
{
    json_error_t error;
    json_t *json = json_loads(last.out, 0, &error);
    if (last.status != 0 || !json)
        fail_msg("status %d, %s\n%s", last.status, error.text, last.err);
    return json;
}

static void test_r1cs(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"2KiB", "winning"}, {"4KiB", "window"}};
    static const char *const fields[] = {"sha256",           "constraints", "aux",  "inputs",
                                         "cache_identifier", "checkpoints", "terms"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "r1cs/%s-%s.json", cases[i][0], cases[i][1]);
        sh("\"$S\" params r1cs --json --circuit %s --size %s", cases[i][1], cases[i][0]);
        json_t *got = answer(), *want = test_vectors(name);
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            if (!json_equal(json_object_get(got, fields[k]), json_object_get(want, fields[k])))
                fail_msg("%s: %s differs", name, fields[k]);
        }
        json_decref(got);
        json_decref(want);
    }
    sh("\"$S\" params r1cs --circuit porep --size 3KiB");
    assert_int_equal(last.status, 2);
    sh("\"$S\" params r1cs --circuit none --size 2KiB");
    assert_int_equal(last.status, 2);
}

static const char *field(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void test_inputs(void **state)
{
    (void)state;
    static const char *const cases[] = {"2k-cc-v1",    "2k-cc-v1_1",    "2k-data-v1_1",
                                        "2k-far-v1_1", "2k-data-synth", "2k-cc-synth",
                                        "2k-cc-ni",    "8m-cc-v1_1"};
    unsigned compared = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "seal/%s.json", cases[i]);
        json_t *want = test_vectors(name), *inputs = json_object_get(want, "public_inputs_le");
        if (json_is_array(inputs)) {
            sh("\"$S\" seal inputs --json --size %s --porep %s --miner %s --sector %s --ticket %s "
               "--seed %s --comm-d %s --comm-r %s",
               field(want, "size"), field(want, "feature"), field(want, "miner"),
               field(want, "sector"), field(want, "ticket"), field(want, "seed"),
               field(want, "comm_d"), field(want, "comm_r"));
            json_t *got = answer();
            if (!json_equal(json_object_get(got, "public_inputs_le"), inputs))
                fail_msg("%s: public inputs differ", cases[i]);
            json_decref(got);
            compared++;
        }
        json_decref(want);
    }
    assert_true(compared >= 6);
}

static void test_generate(void **state)
{
    (void)state;
    sh("FIL_PROOFS_PARAMETER_CACHE=made \"$S\" params generate --json --size 2KiB --circuit "
       "window");
    for (unsigned again = 0; again < 2; again++) {
        json_t *got = answer(), *row = json_array_get(got, 0);
        assert_int_equal(json_array_size(got), 1);
        assert_string_equal(field(row, "circuit"), "window");
        assert_int_equal(json_is_true(json_object_get(row, "made")), !again);
        assert_true(json_is_real(json_object_get(row, "seconds")));
        sh("test $(stat -c %%s '%s') = 11501496 && test $(stat -c %%s '%s') = 3076",
           field(row, "params"), field(row, "vk"));
        assert_int_equal(last.status, 0);
        json_decref(got);
        if (again)
            break;
        sh("cd made && b2sum --quiet -c *.b2sum");
        assert_int_equal(last.status, 0);
        sh("FIL_PROOFS_PARAMETER_CACHE=made \"$S\" params generate --json --size 2KiB --circuit "
           "window");
    }
    sh("FIL_PROOFS_PARAMETER_CACHE=none \"$S\" params generate --size 32GiB --circuit winning");
    assert_int_equal(last.status, 2);
    assert_non_null(strstr(last.err, "--yes-this-is-not-a-ceremony"));
    sh("test ! -e none");
    assert_int_equal(last.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_r1cs),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_generate),
    };
    return cmocka_run_group_tests(tests, test_dir_setup, test_dir_teardown);
}
