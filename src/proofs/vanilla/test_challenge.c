/* Known answers: spec/proofs-vanilla-2.md 12.1 (published), 12.2, 12.3; record sizes of 7.6. */

#include "test_util.h"

#include "base/assert.h"
#include "proofs/vanilla/challenge.h"
#include "selkie/vanilla.h"

static slk_node_t filled(uint8_t byte)
{
    slk_node_t node;
    memset(node.b, byte, 32);
    return node;
}

static void assert_numbers(const uint64_t *got, const uint64_t *want, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        assert_int_equal(got[i], want[i]);
}

/* N = 2^10, replica_id = 55, comm_r = 101, a set of 21, seed 01 x 32. */
static void test_published_synthetic(void **state)
{
    (void)state;
    static const uint64_t set[] = {178, 297, 869, 211, 875, 477, 94,  781, 124, 332, 856,
                                   801, 176, 692, 429, 691, 290, 204, 986, 210, 973};
    static const uint64_t picks[] = {176, 781, 801, 986, 290, 211, 692, 856, 986, 332};
    slk_node_t replica_id = {{55}}, comm_r = {{101}}, seed = filled(1);
    slk_porep_t porep;
    uint8_t porep_id[32] = {0};
    slk_porep_custom(&porep, slk_size_by_name("32KiB"), SLK_API_V1_2, SLK_FEATURE_SYNTH, porep_id);

    uint64_t got[SLK_COUNT(set)], index[SLK_COUNT(picks)];
    slk_synth_challenges(got, &porep, &replica_id, &comm_r, 0, SLK_COUNT(set));
    assert_numbers(got, set, SLK_COUNT(set));
    slk_synth_select(index, &replica_id, &seed, SLK_COUNT(set), 0, SLK_COUNT(picks));
    for (size_t i = 0; i < SLK_COUNT(picks); i++)
        assert_int_equal(got[index[i]], picks[i]);

    for (uint64_t first = 0; first < SLK_COUNT(set); first++) {
        uint64_t one;
        slk_synth_challenges(&one, &porep, &replica_id, &comm_r, first, 1);
        assert_int_equal(one, set[first]);
    }
}

static slk_porep_t registered(int id)
{
    slk_porep_t porep;
    slk_diag_t diag;
    assert_ok(slk_porep_by_id(&porep, id, &diag), diag);
    return porep;
}

static void test_small_sectors(void **state)
{
    (void)state;
    slk_node_t seed = filled(1);
    uint64_t got[18];

    slk_porep_t a = registered(5);
    slk_node_t a_id =
        node_from_hex("2940faa406e4c6cbad015e2b08e76fd9e3b0e5b852cea7f8174c02ba33039a01");
    slk_challenges(got, &a, &a_id, NULL, &seed, 0);
    assert_numbers(got, (const uint64_t[]){15, 45}, 2);

    slk_porep_t b = registered(10);
    slk_node_t b_id =
        node_from_hex("d0fb4b531f277e8ffafbb8068b8d9e40cf94045d71d4a21ae6a49faddb5c813f");
    slk_node_t b_r =
        node_from_hex("40e5dd08e5bd066e4d3c4a17bcef02b45b8a82488f986b64d19da77b1b92ca19");
    assert_int_equal(slk_synth_cnt(&b), 64);
    slk_synth_challenges(got, &b, &b_id, &b_r, 0, 8);
    assert_numbers(got, (const uint64_t[]){16, 16, 63, 27, 25, 7, 36, 25}, 8);
    slk_synth_indexes(got, &b, &b_id, &seed, 0);
    assert_numbers(got, (const uint64_t[]){11, 59}, 2);
    slk_challenges(got, &b, &b_id, &b_r, &seed, 0);
    assert_numbers(got, (const uint64_t[]){36, 57}, 2);

    static const uint64_t ni[13][2] = {{2, 26},  {40, 45}, {3, 59}, {18, 47}, {13, 7},
                                       {7, 56},  {33, 15}, {10, 4}, {31, 63}, {30, 6},
                                       {63, 59}, {56, 59}, {22, 53}};
    slk_porep_t c = registered(15);
    slk_node_t c_id =
        node_from_hex("50409bdea511158b7478089619871d13c6654a95290ccd8e6b4e83748c8d361e");
    slk_node_t c_r =
        node_from_hex("149d87cbce94af742a19b83e17950f95295fe80f6d70a412a4be6b82910ce020");
    assert_int_equal(c.partitions, SLK_COUNT(ni));
    for (uint32_t k = 0; k < SLK_COUNT(ni); k++) {
        slk_challenges(got, &c, &c_id, &c_r, NULL, k);
        assert_numbers(got, ni[k], 2);
    }
}

static void test_production_sizes(void **state)
{
    (void)state;
    slk_node_t replica_id, seed = filled(7), comm_r = filled(9);
    for (uint8_t i = 0; i < 32; i++)
        replica_id.b[i] = i;
    uint64_t got[18];

    slk_porep_t v1_1 = registered(8);
    slk_challenges(got, &v1_1, &replica_id, NULL, &seed, 0);
    assert_numbers(got, (const uint64_t[]){633115437, 792032417, 769615770, 423018821}, 4);
    slk_challenges(got, &v1_1, &replica_id, NULL, &seed, 9);
    assert_numbers(got + 16, (const uint64_t[]){126158667, 844325849}, 2);

    slk_porep_t ni = registered(18);
    slk_challenges(got, &ni, &replica_id, &comm_r, NULL, 0);
    assert_numbers(got, (const uint64_t[]){481790168, 492641321, 319487856, 605253257}, 4);
    slk_challenges(got, &ni, &replica_id, &comm_r, NULL, 125);
    assert_numbers(got + 16, (const uint64_t[]){579646708, 751777836}, 2);

    slk_porep_t synth = registered(13);
    assert_int_equal(slk_synth_cnt(&synth), 262144);
    slk_synth_challenges(got, &synth, &replica_id, &comm_r, 0, 3);
    assert_numbers(got, (const uint64_t[]){1064439822, 506279729, 616078874}, 3);
    slk_synth_challenges(got, &synth, &replica_id, &comm_r, 262143, 1);
    assert_int_equal(got[0], 915033777);
    slk_synth_indexes(got, &synth, &replica_id, &seed, 0);
    assert_numbers(got, (const uint64_t[]){111399, 113370, 261970, 246307}, 4);
    slk_challenges(got, &synth, &replica_id, &comm_r, &seed, 0);
    assert_numbers(got, (const uint64_t[]){552746986, 976999898, 10019999, 933256865}, 4);
    slk_synth_indexes(got, &synth, &replica_id, &seed, 9);
    assert_numbers(got + 16, (const uint64_t[]){96648, 171694}, 2);
    slk_challenges(got, &synth, &replica_id, &comm_r, &seed, 9);
    assert_numbers(got + 16, (const uint64_t[]){754344841, 1009139724}, 2);
}

/* The public inputs of the recorded proofs begin with replica_id, comm_d, comm_r, then the
 * challenge. */
static void test_recorded(void **state)
{
    (void)state;
    static const char *const cases[] = {"seal/2k-cc-v1.json",     "seal/2k-cc-v1_1.json",
                                        "seal/2k-data-v1_1.json", "seal/2k-far-v1_1.json",
                                        "seal/2k-cc-synth.json",  "seal/2k-data-synth.json",
                                        "seal/8m-cc-v1_1.json"};
    static const int ids[] = {0, 5, 5, 5, 10, 10, 6};
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        json_t *json = test_vectors(cases[i]);
        slk_porep_t porep = registered(ids[i]);
        slk_node_t replica_id =
            node_from_hex(json_string_value(json_object_get(json, "replica_id")));
        slk_node_t comm_r = node_from_hex(json_string_value(json_object_get(json, "comm_r")));
        slk_node_t seed = node_from_hex(json_string_value(json_object_get(json, "seed")));
        json_t *inputs = json_object_get(json, "public_inputs_le");
        assert_int_equal(json_array_size(inputs), porep.partitions);
        uint64_t got[18];
        slk_challenges(got, &porep, &replica_id, &comm_r, &seed, 0);
        json_t *row = json_array_get(inputs, 0);
        slk_node_t want = node_from_hex(json_string_value(json_array_get(row, 3)));
        assert_int_equal(got[0], slk_load_le64(want.b));
        json_decref(json);
    }
}

static void test_record_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t record;
        uint64_t file;
    } rows[] = {
        {"2KiB", 8984, 575072},        {"4KiB", 9528, 1219680},       {"16KiB", 12664, 6484064},
        {"32KiB", 13208, 13525088},    {"8MiB", 23704, 6213861472},   {"512MiB", 31064, 8143241312},
        {"32GiB", 42744, 11205083232}, {"64GiB", 43288, 11347689568},
    };
    uint8_t porep_id[32] = {0};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_porep_t porep;
        slk_porep_custom(&porep, slk_size_by_name(rows[i].name), SLK_API_V1_2, SLK_FEATURE_SYNTH,
                         porep_id);
        assert_int_equal(slk_vanilla_record_sz(&porep), rows[i].record);
        assert_int_equal(96 + slk_synth_cnt(&porep) * rows[i].record, rows[i].file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_synthetic), cmocka_unit_test(test_small_sectors),
        cmocka_unit_test(test_production_sizes),    cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_record_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
