/* Vanilla proofs of the compound tree shapes of 32 and 64 GiB, at 4, 16 and 32 KiB, and of a sector
 * whose tree_r_last leaves out two rows (8 MiB). Sealed here; answers in tests/vectors/shape and
 * seal. */

#include "proofs/vanilla/test_sector.h"

#include "selkie/seal.h"

#include <fcntl.h>

/* Seal into dir (the cache folder and "sealed" in one) and load as a sector_t. data_len 0:
 * committed capacity. */
static void sector_seal(sector_t *s, const char *dir, uint64_t miner, uint64_t number,
                        const char *data, size_t data_len)
{
    slk_diag_t diag;
    char sealed[1024], unsealed[1024], raw[1024];
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    snprintf(sealed, sizeof sealed, "%s/sealed", dir);
    snprintf(unsealed, sizeof unsealed, "%s/unsealed", dir);
    slk_sector_t sector = {s->porep, miner, number, s->dir, sealed, unsealed};
    if (data_len) {
        slk_add_piece_t added;
        uint8_t *bytes = malloc(data_len);
        assert_non_null(bytes);
        test_data(bytes, data_len, data);
        snprintf(raw, sizeof raw, "%s/raw", dir);
        assert_ok(slk_write_file(raw, bytes, data_len, &diag), diag);
        free(bytes);
        int fd = open(raw, O_RDONLY);
        assert_true(fd >= 0);
        assert_ok(slk_seal_add_piece(&added, &sector, fd, raw, UINT64_MAX, 0, NULL, &diag), diag);
        slk_add_piece_fini(&added);
        close(fd);
    }
    assert_ok(slk_seal_pc1(&pc1, &sector, &s->ticket, NULL, NULL, &diag), diag);
    assert_ok(slk_seal_pc2(&pc2, &sector, &s->ticket, NULL, &diag), diag);
    s->pub =
        (slk_vanilla_public_t){pc1.replica_id, pc2.comm_d, pc2.comm_c, pc2.comm_r_last, pc2.comm_r};
    assert_ok(slk_graph_new(&s->graph, &s->porep, &diag), diag);
    assert_ok(sector_open_files(s, &diag), diag);
}

/* One wrong byte near each end of every path, upper levels included. */
static void check_refusals(sector_t *s)
{
    slk_diag_t diag;
    size_t levels[] = {120, 152, s->record_sz - 1, s->record_sz - 40, s->record_sz - 32 * 8};
    for (size_t i = 0; i < SLK_COUNT(levels); i++) {
        s->records[levels[i]] ^= 2;
        assert_false(sector_verify(s, &diag));
        s->records[levels[i]] ^= 2;
    }
    /* Last sibling of each column's path: the topmost level. */
    size_t paths = (s->record_sz - 120 - 32 * (1 + (size_t)__builtin_ctzll(s->porep.size->nodes)));
    size_t column = (paths + 32 * s->porep.size->layers) /
                    16; /* 15 columns, and leaf_r's path shorter by L labels */
    for (size_t i = 1; i <= 15; i++) {
        size_t at = s->record_sz - paths + i * column - 1;
        s->records[at] ^= 1;
        assert_false(sector_verify(s, &diag));
        assert_non_null(strstr(diag.text, "column of "));
        assert_non_null(strstr(diag.text, "expected comm_c"));
        s->records[at] ^= 1;
    }
    assert_true(sector_verify(s, &diag));
}

static void check_shape(const char *name)
{
    sector_t s;
    slk_diag_t diag;
    text_t t = {0};
    char file[64], dir[64], data[64];
    uint8_t porep_id[32];
    memset(&s, 0, sizeof s);
    memset(porep_id, 0x2a, sizeof porep_id);
    snprintf(file, sizeof file, "shape/%s.json", name);
    s.json = test_vectors(file);
    slk_porep_custom(&s.porep, slk_size_by_name(name), SLK_API_V1_1, SLK_FEATURE_NONE, porep_id);
    s.ticket = json_node(s.json, "ticket");
    s.seed = json_node(s.json, "seed");
    snprintf(data, sizeof data, "shape %s data", name);
    test_tmp_dir(dir);
    sector_seal(&s, dir, 1000, 7, data, s.porep.size->bytes / 128 * 127);
    assert_node_hex(&s.pub.comm_r, json_string_value(json_object_get(s.json, "comm_r")));
    assert_node_hex(&s.pub.replica_id, json_string_value(json_object_get(s.json, "replica_id")));

    sector_prove(&s, NULL);
    if (!sector_verify(&s, &diag))
        fail_msg("%s", diag.text);
    text_partitions(&t, &s);
    assert_sha256(t.text, t.len, json_string_value(json_object_get(s.json, "vanilla_json_sha256")));
    check_refusals(&s);
    free(t.text);
    sector_free(&s);
    test_rm_dir(dir);
}

static void test_sub_of_two(void **state)
{
    (void)state;
    check_shape("4KiB");
}

static void test_sub_of_eight(void **state)
{
    (void)state;
    check_shape("16KiB");
}

static void test_top(void **state)
{
    (void)state;
    check_shape("32KiB");
}

/* Every node of the compound shapes, also through the rows kept in memory that the synthetic file
 * is made with. */
static void test_synthetic_of_shapes(void **state)
{
    (void)state;
    static const char *const names[] = {"4KiB", "16KiB", "32KiB"};
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        sector_t s;
        slk_diag_t diag;
        char dir[64];
        uint8_t porep_id[32];
        memset(&s, 0, sizeof s);
        memset(porep_id, 0x81, sizeof porep_id);
        slk_porep_custom(&s.porep, slk_size_by_name(names[i]), SLK_API_V1_2, SLK_FEATURE_SYNTH,
                         porep_id);
        s.seed = test_bytes32("seed");
        s.ticket = test_bytes32("ticket");
        test_tmp_dir(dir);
        sector_seal(&s, dir, 1000, 1, NULL, 0);
        assert_ok(slk_synth_write(s.files, s.graph, &s.pub, NULL, &diag), diag);
        slk_vanilla_files_close(s.files);
        assert_ok(sector_open_files(&s, &diag), diag); /* forgets the rows */
        sector_prove(&s, NULL);
        uint8_t *records = malloc(s.cnt * s.record_sz);
        assert_non_null(records);
        assert_ok(slk_synth_read(records, &s.porep, dir, &s.pub, &s.seed, 0, &diag), diag);
        assert_memory_equal(records, s.records, s.cnt * s.record_sz);
        assert_true(sector_verify(&s, &diag));
        free(records);
        sector_free(&s);
        test_rm_dir(dir);
    }
}

static void test_two_rows_discarded(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    text_t t = {0};
    char dir[64];
    memset(&s, 0, sizeof s);
    s.json = test_vectors("seal/8m-cc-v1_1.json");
    assert_ok(slk_porep_by_id(&s.porep, 6, &diag), diag);
    s.ticket = json_node(s.json, "ticket");
    s.seed = json_node(s.json, "seed");
    test_tmp_dir(dir);
    sector_seal(&s, dir, 1000, 6, NULL, 0);
    sector_prove(&s, NULL);
    if (!sector_verify(&s, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(s.challenges[0], 70737);
    assert_int_equal(s.challenges[1], 139927);
    text_c1out(&t, &s);
    assert_sha256(t.text, t.len, json_string_value(json_object_get(s.json, "c1out_sha256")));
    check_refusals(&s);
    free(t.text);
    sector_free(&s);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sub_of_two),
        cmocka_unit_test(test_sub_of_eight),
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_synthetic_of_shapes),
        cmocka_unit_test(test_two_rows_discarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
