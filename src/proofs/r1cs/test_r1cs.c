/* Circuits against those of the reference: digests with checkpoints, counts, names. Source of the
 * answers: tests/vectors/r1cs, spec/proofs-snark.md 3.4, 4, 6.1. With sizes as arguments: those,
 * and only digests. */

#include "test_util.h"

#include "base/assert.h"
#include "proofs/r1cs/circuit.h"
#include "selkie/r1cs.h"

static uint64_t number(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static const char *text(const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    assert_non_null(value);
    return value;
}

static void check_counts(const slk_r1cs_counts_t *got, const json_t *want)
{
    assert_int_equal(got->constraints, number(want, "constraints"));
    assert_int_equal(got->inputs, number(want, "inputs"));
    assert_int_equal(got->aux, number(want, "aux"));
}

static void check_digest(const char *size, slk_circuit_kind_t kind)
{
    char name[64], id[SLK_CACHE_ID_SZ];
    slk_r1cs_digest_t got;
    slk_diag_t diag;
    snprintf(name, sizeof name, "r1cs/%s-%s.json", size, slk_circuit_name(kind));
    json_t *want = test_vectors(name), *list = json_object_get(want, "checkpoints"), *entry;
    assert_ok(slk_r1cs_digest(&got, kind, slk_size_by_name(size), NULL, &diag), diag);
    size_t i;
    json_array_foreach(list, i, entry)
    {
        assert_true(i < got.checkpoint_cnt);
        check_counts(&got.checkpoint[i].counts, entry);
        if (strcmp(slk_node_hex(&got.checkpoint[i].sha256).s, text(entry, "sha256")) != 0)
            fail_msg("%s: differs within the first %llu constraints", name, 1ull << i);
    }
    assert_int_equal(json_array_size(list), got.checkpoint_cnt);
    check_counts(&got.counts, want);
    const json_t *terms = json_object_get(want, "terms");
    assert_int_equal(got.terms[0], number(terms, "a"));
    assert_int_equal(got.terms[1], number(terms, "b"));
    assert_int_equal(got.terms[2], number(terms, "c"));
    assert_node_hex(&got.sha256, text(want, "sha256"));
    slk_circuit_cache_id(id, kind, slk_size_by_name(size));
    assert_string_equal(id, text(want, "cache_identifier"));
    json_decref(want);
}

static void check_size(const char *size)
{
    for (unsigned kind = 0; kind < SLK_CIRCUIT_CNT; kind++)
        check_digest(size, (slk_circuit_kind_t)kind);
}

static void test_2k(void **state)
{
    (void)state;
    check_size("2KiB");
}

static void test_4k(void **state)
{
    (void)state;
    check_size("4KiB");
}

static void test_16k(void **state)
{
    (void)state;
    check_size("16KiB");
}

static void test_32k(void **state)
{
    (void)state;
    check_size("32KiB");
}

static void test_8m(void **state)
{
    (void)state;
    check_size("8MiB");
}

static void test_512m(void **state)
{
    (void)state;
    check_size("512MiB");
}

static void test_large_winning(void **state)
{
    (void)state;
    check_digest("32GiB", SLK_CIRCUIT_WINNING);
    check_digest("64GiB", SLK_CIRCUIT_WINNING);
}

/* Counts and densities. */
static void test_counts(void **state)
{
    (void)state;
    static const struct {
        slk_circuit_kind_t kind;
        const char *size;
        slk_r1cs_counts_t want;
        uint64_t a_aux, b_aux;
    } rows[] = {
        {SLK_CIRCUIT_POREP, "2KiB", {2687921, 40, 2685673}, 2674908, 685521},
        {SLK_CIRCUIT_POREP, "4KiB", {2788733, 40, 2786423}, 2773158, 716039},
        {SLK_CIRCUIT_POREP, "16KiB", {2977173, 40, 2974867}, 2959930, 766963},
        {SLK_CIRCUIT_POREP, "32KiB", {3077985, 40, 3075617}, 3058180, 797481},
        {SLK_CIRCUIT_POREP, "8MiB", {3844929, 40, 3842449}, 3814996, 1011289},
        {SLK_CIRCUIT_POREP, "16MiB", {3945741, 40, 3943199}, 3913246, 1041807},
        {SLK_CIRCUIT_POREP, "512MiB", {4423433, 40, 4420837}, 4385040, 1174173},
        {SLK_CIRCUIT_POREP, "1GiB", {4524245, 40, 4521587}, 4483290, 1204691},
        {SLK_CIRCUIT_POREP, "32GiB", {130278541, 328, 130169893}, 129753292, 33112281},
        {SLK_CIRCUIT_POREP, "64GiB", {131185849, 328, 131076643}, 130637542, 33386943},
        {SLK_CIRCUIT_WINNING, "2KiB", {90750, 133, 91674}, 69300, 66792},
        {SLK_CIRCUIT_WINNING, "8MiB", {230670, 133, 233442}, 176748, 169488},
        {SLK_CIRCUIT_WINNING, "512MiB", {300630, 133, 304326}, 230472, 220836},
        {SLK_CIRCUIT_WINNING, "32GiB", {370590, 133, 375210}, 284196, 272184},
        {SLK_CIRCUIT_WINNING, "64GiB", {391314, 133, 396000}, 299838, 287694},
        {SLK_CIRCUIT_WINDOW, "2KiB", {21866, 23, 22128}, 16770, 16028},
        {SLK_CIRCUIT_WINDOW, "8MiB", {64266, 23, 65088}, 49330, 47148},
        {SLK_CIRCUIT_WINDOW, "512MiB", {85466, 23, 86568}, 65610, 62708},
        {SLK_CIRCUIT_WINDOW, "32GiB", {125279217, 25840, 126902376}, 96179805, 91925766},
        {SLK_CIRCUIT_WINDOW, "64GiB", {129887900, 25301, 131500200}, 99624500, 95413200},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_circuit_t circuit;
        slk_density_t density;
        slk_diag_t diag;
        assert_ok(slk_circuit_init(&circuit, rows[i].kind, slk_size_by_name(rows[i].size), &diag),
                  diag);
        slk_part_t all = slk_circuit_part(&circuit, circuit.units);
        assert_int_equal(all.rows, rows[i].want.constraints);
        assert_int_equal(all.inputs, rows[i].want.inputs);
        assert_int_equal(all.aux, rows[i].want.aux);
        assert_ok(slk_density_init(&density, &circuit, &diag), diag);
        assert_int_equal(density.a_aux_cnt, rows[i].a_aux);
        assert_int_equal(density.b_aux_cnt, rows[i].b_aux);
        assert_int_equal(density.b_input_cnt, 1);
        assert_int_equal(density.b_input[0], 1);
        slk_density_fini(&density);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        slk_circuit_kind_t kind;
        const char *size, *want;
    } rows[] = {
        {SLK_CIRCUIT_POREP, "512MiB",
         "stacked-proof-of-replication-merkletree-poseidon_hasher-8-0-0-sha256_hasher-"
         "6babf46ce344ae495d558e7770a585b2382d54f225af8ed0397b8be7c3fcd472"},
        {SLK_CIRCUIT_POREP, "64GiB",
         "stacked-proof-of-replication-merkletree-poseidon_hasher-8-8-2-sha256_hasher-"
         "96f1b4a04c5c51e4759bbf224bbc2ef5a42c7100f16ec0637123f16a845ddfb2"},
        {SLK_CIRCUIT_WINNING, "512MiB",
         "proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-"
         "7d739b8cf60f1b0709eeebee7730e297683552e4b69cab6984ec0285663c5781"},
        {SLK_CIRCUIT_WINNING, "64GiB",
         "proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-8-2-"
         "b62098629d07946e9028127e70295ed996fe3ed25b0f9f88eb610a0ab4385a3c"},
        {SLK_CIRCUIT_WINDOW, "512MiB",
         "proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-"
         "0cfb4f178bbb71cf2ecfcd42accce558b27199ab4fb59cb78f2483fe21ef36d9"},
        {SLK_CIRCUIT_WINDOW, "64GiB",
         "proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-8-2-"
         "2627e4006b67f99cef990c0a47d5426cb7ab0a0ad58fc1061547bf2d28b09def"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        char id[SLK_CACHE_ID_SZ];
        slk_circuit_cache_id(id, rows[i].kind, slk_size_by_name(rows[i].size));
        assert_string_equal(id, rows[i].want);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    slk_r1cs_digest_t got;
    slk_diag_t diag;
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    assert_err(SLK_ERR_CANCELLED,
               slk_r1cs_digest(&got, SLK_CIRCUIT_WINDOW, slk_size_by_name("64GiB"), &job, &diag));
}

static const char *const *slow_sizes;

static void test_slow(void **state)
{
    (void)state;
    for (const char *const *size = slow_sizes; *size; size++)
        check_size(*size);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest slow[] = {cmocka_unit_test(test_slow)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_2k),
        cmocka_unit_test(test_4k),
        cmocka_unit_test(test_16k),
        cmocka_unit_test(test_32k),
        cmocka_unit_test(test_8m),
        cmocka_unit_test(test_512m),
        cmocka_unit_test(test_large_winning),
        cmocka_unit_test(test_cancel),
    };
    if (argc > 1) {
        slow_sizes = (const char *const *)argv + 1;
        return cmocka_run_group_tests(slow, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
