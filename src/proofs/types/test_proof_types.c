/* The table of sizes and variants against the numbers of spec/proofs-vanilla.md 0.1 to 0.4, written
 * out, and the ids of the reference's sectors in tests/vectors/seal. */
#include "selkie/proof_types.h"

#include "base/assert.h"
#include "test_util.h"

#include <dirent.h>

/* Section 0.1: what a size looks like. */
static void sizes_match_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned log2_nodes;
        uint32_t layers, sub, top, trees;
        uint64_t leaves;
        uint32_t rows;
        uint64_t nodes;
        uint32_t discard;
        uint64_t kept;
        bool published;
    } rows[] = {
        {"2KiB", 6, 2, 0, 0, 1, 64, 3, 73, 1, 1, true},
        {"4KiB", 7, 2, 2, 0, 2, 64, 3, 73, 1, 1, false},
        {"16KiB", 9, 2, 8, 0, 8, 64, 3, 73, 1, 1, false},
        {"32KiB", 10, 2, 8, 2, 16, 64, 3, 73, 1, 1, false},
        {"8MiB", 18, 2, 0, 0, 1, 262144, 7, 299593, 2, 585, true},
        {"16MiB", 19, 2, 2, 0, 2, 262144, 7, 299593, 2, 585, false},
        {"512MiB", 24, 2, 0, 0, 1, 16777216, 9, 19173961, 2, 37449, true},
        {"1GiB", 25, 2, 2, 0, 2, 16777216, 9, 19173961, 2, 37449, false},
        {"32GiB", 30, 11, 8, 0, 8, 134217728, 10, 153391689, 2, 299593, true},
        {"64GiB", 31, 11, 8, 2, 16, 134217728, 10, 153391689, 2, 299593, true},
    };
    for (unsigned i = 0; i < SLK_COUNT(rows); i++) {
        const slk_size_t *size = slk_size_at(i);
        assert_non_null(size);
        assert_string_equal(size->name, rows[i].name);
        assert_int_equal(size->nodes, UINT64_C(1) << rows[i].log2_nodes);
        assert_int_equal(size->bytes, size->nodes * 32);
        assert_int_equal(size->layers, rows[i].layers);
        assert_int_equal(size->sub, rows[i].sub);
        assert_int_equal(size->top, rows[i].top);
        assert_int_equal(size->trees, rows[i].trees);
        assert_int_equal(size->tree_leaves, rows[i].leaves);
        assert_int_equal(size->tree_rows, rows[i].rows);
        assert_int_equal(size->tree_nodes, rows[i].nodes);
        assert_int_equal(size->discard, rows[i].discard);
        assert_int_equal(size->tree_r_nodes, rows[i].kept);
        assert_int_equal(size->published, rows[i].published);
        assert_ptr_equal(slk_size_by_name(rows[i].name), size);
        assert_ptr_equal(slk_size_by_bytes(size->bytes), size);
    }
    assert_null(slk_size_at(SLK_COUNT(rows)));
}

/* Section 0.2: the lengths of the files that follow from it. */
static void file_lengths_match_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t layer, tree_d, tree_c, tree_r_last, parents;
    } rows[] = {
        {"2KiB", 2048, 4064, 2336, 32, 3584},
        {"4KiB", 4096, 8160, 2336, 32, 7168},
        {"16KiB", 16384, 32736, 2336, 32, 28672},
        {"32KiB", 32768, 65504, 2336, 32, 57344},
        {"8MiB", 8388608, 16777184, 9586976, 18720, 14680064},
        {"16MiB", 16777216, 33554400, 9586976, 18720, 29360128},
        {"512MiB", 536870912, 1073741792, 613566752, 1198368, 939524096},
        {"1GiB", 1073741824, 2147483616, 613566752, 1198368, 1879048192},
        {"32GiB", 34359738368, 68719476704, 4908534048, 9586976, 60129542144},
        {"64GiB", 68719476736, 137438953440, 4908534048, 9586976, 120259084288},
    };
    for (unsigned i = 0; i < SLK_COUNT(rows); i++) {
        const slk_size_t *size = slk_size_by_name(rows[i].name);
        assert_non_null(size);
        assert_int_equal(size->bytes, rows[i].layer);
        assert_int_equal((2 * size->nodes - 1) * SLK_NODE_SZ, rows[i].tree_d);
        assert_int_equal(size->tree_nodes * SLK_NODE_SZ, rows[i].tree_c);
        assert_int_equal(size->tree_r_nodes * SLK_NODE_SZ, rows[i].tree_r_last);
        assert_int_equal(size->nodes * SLK_PARENT_CNT * 4, rows[i].parents);
    }
}

static void no_other_sizes(void **state)
{
    (void)state;
    static const char *const names[] = {"", "2kib", "2 KiB", "2KiB ", "1KiB", "2048", "64GiBx"};
    for (size_t i = 0; i < SLK_COUNT(names); i++)
        assert_null(slk_size_by_name(names[i]));
    assert_null(slk_size_by_bytes(0));
    assert_null(slk_size_by_bytes(1024));
    assert_null(slk_size_by_bytes(2049));
    assert_null(slk_size_by_bytes(UINT64_MAX));
}

/* Sections 0.3 and 0.4: the twenty registered proofs. */
typedef struct {
    const char *variant, *suffix;
    slk_api_version_t version;
    slk_feature_t feature;
    struct {
        uint32_t min, partitions, each;
    } small, big; /* up to 1GiB; 32GiB and 64GiB */
} group_t;

static const group_t groups[] = {
    {"v1", "V1", SLK_API_V1_0, SLK_FEATURE_NONE, {2, 1, 2}, {176, 10, 18}},
    {"v1_1", "V1_1", SLK_API_V1_1, SLK_FEATURE_NONE, {2, 1, 2}, {176, 10, 18}},
    {"synth",
     "V1_1_Feat_SyntheticPoRep",
     SLK_API_V1_2,
     SLK_FEATURE_SYNTH,
     {2, 1, 2},
     {176, 10, 18}},
    {"ni",
     "V1_2_Feat_NonInteractivePoRep",
     SLK_API_V1_2,
     SLK_FEATURE_NI,
     {26, 13, 2},
     {2253, 126, 18}},
};
static const char *const published[] = {"2KiB", "8MiB", "512MiB", "32GiB", "64GiB"};

static void check_registered(const slk_porep_t *porep, int number)
{
    const group_t *group = &groups[number / 5];
    const char *size = published[number % 5];
    bool big = number % 5 >= 3;
    bool ni = group->feature == SLK_FEATURE_NI;
    char name[80];

    assert_int_equal(porep->registered, number);
    assert_string_equal(porep->size->name, size);
    assert_int_equal(porep->version, group->version);
    assert_int_equal(porep->feature, group->feature);
    assert_int_equal(porep->partitions, big ? group->big.partitions : group->small.partitions);
    assert_int_equal(porep->challenges, big ? group->big.each : group->small.each);
    assert_int_equal(ni ? porep->size->ni_challenges : porep->size->challenges,
                     big ? group->big.min : group->small.min);
    assert_int_equal(porep->porep_id[0], number);
    for (int i = 1; i < 32; i++)
        assert_int_equal(porep->porep_id[i], 0);
    assert_string_equal(slk_porep_variant(porep), group->variant);
    snprintf(name, sizeof name, "StackedDrg%s%s", size, group->suffix);
    assert_string_equal(slk_porep_registered_name(number), name);
    char shape[40];
    slk_porep_shape_name(porep, shape);
    snprintf(name, sizeof name, "StackedDrg%sV1", size);
    assert_string_equal(shape, name);
}

static void registered_proofs_match_the_specification(void **state)
{
    (void)state;
    slk_diag_t diag;
    for (int number = 0; number < 20; number++) {
        slk_porep_t by_id, by_name;
        assert_ok(slk_porep_by_id(&by_id, number, &diag), diag);
        check_registered(&by_id, number);
        assert_ok(slk_porep_registered(&by_name, slk_size_by_name(published[number % 5]),
                                       groups[number / 5].variant, &diag),
                  diag);
        check_registered(&by_name, number);
    }
}

static void wrong_proofs_are_refused(void **state)
{
    (void)state;
    slk_porep_t porep;
    slk_diag_t diag;
    assert_err(SLK_ERR_INPUT, slk_porep_by_id(&porep, -1, &diag));
    assert_err(SLK_ERR_INPUT, slk_porep_by_id(&porep, 20, &diag));
    assert_non_null(strstr(diag.text, "20"));
    assert_null(slk_porep_registered_name(-1));
    assert_null(slk_porep_registered_name(20));
    assert_err(SLK_ERR_INPUT, slk_porep_registered(&porep, slk_size_by_name("2KiB"), "v2", &diag));
    assert_non_null(strstr(diag.text, "v2"));
    assert_non_null(strstr(diag.text, "v1_1"));
    assert_err(SLK_ERR_INPUT,
               slk_porep_registered(&porep, slk_size_by_name("16KiB"), "v1_1", &diag));
    assert_non_null(strstr(diag.text, "16KiB"));
}

static void test_parameters_are_possible(void **state)
{
    (void)state;
    uint8_t id[32];
    memset(id, 0x2a, sizeof id);
    slk_porep_t porep;
    slk_porep_custom(&porep, slk_size_by_name("16KiB"), SLK_API_V1_1, SLK_FEATURE_NONE, id);
    assert_int_equal(porep.registered, -1);
    assert_int_equal(porep.partitions, 1);
    assert_int_equal(porep.challenges, 2);
    assert_memory_equal(porep.porep_id, id, 32);
    assert_string_equal(slk_porep_variant(&porep), "custom");
    slk_porep_custom(&porep, slk_size_by_name("16KiB"), SLK_API_V1_2, SLK_FEATURE_NI, id);
    assert_int_equal(porep.partitions, 13);
    assert_int_equal(porep.challenges, 2);
}

/* unsigned LEB128: 1000 = 0x3e8 -> e8 07 */
static void prover_ids(void **state)
{
    (void)state;
    static const struct {
        uint64_t miner;
        const char *hex; /* the rest is zeros */
    } rows[] = {
        {0, "00"},      {127, "7f"},         {128, "8001"},
        {1000, "e807"}, {2097151, "ffff7f"}, {UINT64_MAX, "ffffffffffffffffff01"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_node_t id;
        memset(&id, 0xee, sizeof id);
        slk_prover_id(&id, rows[i].miner);
        size_t len = strlen(rows[i].hex);
        slk_node_hex_t hex = slk_node_hex(&id);
        assert_memory_equal(hex.s, rows[i].hex, len);
        assert_int_equal(strspn(hex.s + len, "0"), 64 - len);
    }
}

static uint64_t number_of(const json_t *json, const char *field)
{
    return strtoull(json_string_value(json_object_get(json, field)), NULL, 10);
}

static slk_node_t node_of(const json_t *json, const char *field)
{
    return node_from_hex(json_string_value(json_object_get(json, field)));
}

static void replica_ids_of_the_reference(void **state)
{
    (void)state;
    unsigned seen = 0;
    DIR *dir = opendir(SLK_VECTORS "/seal");
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        char path[300];
        snprintf(path, sizeof path, "seal/%s", entry->d_name);
        json_t *sector = test_vectors(path);
        slk_porep_t porep;
        slk_diag_t diag;
        assert_ok(slk_porep_registered(
                      &porep, slk_size_by_name(json_string_value(json_object_get(sector, "size"))),
                      json_string_value(json_object_get(sector, "feature")), &diag),
                  diag);
        slk_node_t ticket = node_of(sector, "ticket"), comm_d = node_of(sector, "comm_d"), got;
        slk_replica_id(&got, &porep, number_of(sector, "miner"), number_of(sector, "sector"),
                       &ticket, &comm_d);
        assert_node_hex(&got, json_string_value(json_object_get(sector, "replica_id")));
        json_decref(sector);
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 8);
}

/* Test parameters, porep_id 2a x 32: as the library takes them and the commands do not. */
static void replica_ids_of_the_test_shapes(void **state)
{
    (void)state;
    static const char *const names[] = {"4KiB", "16KiB", "32KiB"};
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "shape/%s.json", names[i]);
        json_t *shape = test_vectors(path);
        uint8_t id[32];
        memset(id, 0x2a, sizeof id);
        slk_porep_t porep;
        slk_porep_custom(&porep, slk_size_by_name(names[i]), SLK_API_V1_1, SLK_FEATURE_NONE, id);
        slk_node_t ticket, comm_d = node_of(shape, "comm_d"), got;
        memset(&ticket, 3, sizeof ticket);
        slk_replica_id(&got, &porep, 1000, 7, &ticket, &comm_d);
        assert_node_hex(&got, json_string_value(json_object_get(shape, "replica_id")));
        json_decref(shape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_match_the_specification),
        cmocka_unit_test(file_lengths_match_the_specification),
        cmocka_unit_test(no_other_sizes),
        cmocka_unit_test(registered_proofs_match_the_specification),
        cmocka_unit_test(wrong_proofs_are_refused),
        cmocka_unit_test(test_parameters_are_possible),
        cmocka_unit_test(prover_ids),
        cmocka_unit_test(replica_ids_of_the_reference),
        cmocka_unit_test(replica_ids_of_the_test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
