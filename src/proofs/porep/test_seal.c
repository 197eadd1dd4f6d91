/* Whole lives of sectors against what rust-fil-proofs recorded: every file's digest after each
 * step. */
#include "proofs/porep/test_life.h"

static void add_data(life_t *life, const char *name, size_t raw)
{
    char path[128];
    uint8_t *data = malloc(raw);
    slk_add_piece_t piece;
    test_data(data, raw, name);
    snprintf(path, sizeof path, "%s/data", life->dir);
    assert_ok(slk_write_file(path, data, raw, &life->diag), life->diag);
    free(data);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_ok(
        slk_seal_add_piece(&piece, &life->sector, fd, path, UINT64_MAX, 0, &life->job, &life->diag),
        life->diag);
    assert_int_equal(piece.offset, 0);
    assert_int_equal(piece.raw, raw);
    assert_int_equal(piece.piece_cnt, 1);
    slk_add_piece_fini(&piece);
    close(fd);
}

static void unseal_and_compare(life_t *life, const json_t *vector, const char *data_name)
{
    slk_node_t ticket = node_from_hex(text_of(vector, "ticket")),
               comm_d = node_from_hex(text_of(vector, "comm_d"));
    char out[128];
    uint64_t bytes, raw = life->sector.porep.size->bytes / 128 * 127;
    snprintf(out, sizeof out, "%s/out", life->dir);
    assert_ok(slk_seal_unseal(&bytes, &life->sector, &ticket, &comm_d, out, 0, UINT64_MAX, NULL,
                              &life->job, &life->diag),
              life->diag);
    assert_int_equal(bytes, raw);
    uint8_t *want = calloc(1, raw), *got = malloc(raw);
    if (data_name)
        test_data(want, raw, data_name);
    FILE *f = fopen(out, "rb");
    assert_int_equal(fread(got, 1, raw, f), raw);
    fclose(f);
    assert_memory_equal(got, want, raw);
    /* Ranges, also across 127-byte groups. */
    static const uint64_t ranges[][2] = {{0, 1},     {126, 3},  {127, 127},
                                         {500, 700}, {2031, 1}, {2032, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        assert_ok(slk_seal_unseal(&bytes, &life->sector, &ticket, &comm_d, out, ranges[i][0],
                                  ranges[i][1], NULL, &life->job, &life->diag),
                  life->diag);
        f = fopen(out, "rb");
        assert_int_equal(fread(got, 1, raw, f), ranges[i][1]);
        fclose(f);
        assert_memory_equal(got, want + ranges[i][0], ranges[i][1]);
    }
    free(want);
    free(got);
    unlink(out);
    /* Wrong ticket: refused, and no file appears. */
    ticket.b[0] ^= 1;
    assert_err(SLK_ERR_MISMATCH, slk_seal_unseal(&bytes, &life->sector, &ticket, &comm_d, out, 0,
                                                 UINT64_MAX, NULL, &life->job, &life->diag));
    assert_int_equal(access(out, F_OK), -1);
}

static void run_case(const char *name, const slk_pc1_options_t *options, unsigned threads)
{
    char file[128], path[4096];
    life_t life;
    slk_porep_t porep;
    slk_diag_t diag;
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    slk_c1_t c1;
    snprintf(file, sizeof file, "seal/%s.json", name);
    json_t *vector = test_vectors(file);
    assert_ok(slk_porep_registered(&porep, slk_size_by_name(text_of(vector, "size")),
                                   text_of(vector, "feature"), &diag),
              diag);
    life_begin_in(&life, NULL, &porep, strtoull(text_of(vector, "miner"), NULL, 10),
                  strtoull(text_of(vector, "sector"), NULL, 10), threads);
    char data_name[128];
    snprintf(data_name, sizeof data_name, "%s data", name);
    bool filled = strcmp(text_of(vector, "data"), "zeros") != 0;
    if (filled)
        add_data(&life, data_name, porep.size->bytes / 128 * 127);
    slk_node_t ticket = node_from_hex(text_of(vector, "ticket")),
               seed = node_from_hex(text_of(vector, "seed"));

    assert_ok(slk_seal_pc1(&pc1, &life.sector, &ticket, options, &life.job, &life.diag), life.diag);
    assert_node_hex(&pc1.comm_d, text_of(vector, "comm_d"));
    assert_int_equal(pc1.labels_resumed_from, 0);
    check_files(&life, json_object_get(vector, "files_after_pc1"));
    check_file(life.sealed, json_object_get(json_object_get(vector, "sector_files"), "unsealed"));

    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    assert_node_hex(&pc2.comm_d, text_of(vector, "comm_d"));
    assert_node_hex(&pc2.comm_r, text_of(vector, "comm_r"));
    check_files(&life, json_object_get(vector, "files_after_pc2"));
    check_file(life.sealed, json_object_get(json_object_get(vector, "sector_files"), "sealed"));
    check_file(life.unsealed, json_object_get(json_object_get(vector, "sector_files"), "unsealed"));

    snprintf(path, sizeof path, "%s/c1out.json", life.dir);
    assert_ok(slk_seal_c1(&c1, &life.sector, &ticket, &seed, path, &life.job, &life.diag),
              life.diag);
    char digest[65];
    uint64_t bytes;
    file_digest(digest, path, &bytes);
    assert_string_equal(digest, text_of(vector, "c1out_sha256"));
    if (json_object_get(vector, "replica_id"))
        assert_node_hex(&c1.replica_id, text_of(vector, "replica_id"));

    /* Again: everything is checked and reported. */
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &ticket, options, &life.job, &life.diag), life.diag);
    assert_int_equal(pc1.labels_resumed_from, porep.size->nodes * porep.size->layers);
    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    assert_node_hex(&pc2.comm_r, text_of(vector, "comm_r"));
    check_files(&life, json_object_get(vector, "files_after_pc2"));
    check_file(life.sealed, json_object_get(json_object_get(vector, "sector_files"), "sealed"));
    assert_true(life_is_sound(&life));

    unseal_and_compare(&life, vector, filled ? data_name : NULL);
    assert_ok(slk_seal_finalize(&life.sector, false, NULL, NULL, &life.diag), life.diag);
    assert_ok(slk_seal_finalize(&life.sector, false, NULL, NULL, &life.diag), life.diag);
    assert_int_equal(access(life.unsealed, F_OK), -1);
    assert_true(life_is_sound(&life));
    unseal_and_compare(&life, vector, filled ? data_name : NULL);
    assert_err(SLK_ERR_STATE,
               slk_seal_pc1(&pc1, &life.sector, &ticket, options, &life.job, &life.diag));
    json_decref(vector);
    life_end(&life);
}

static void test_2k_v1(void **state)
{
    (void)state;
    run_case("2k-cc-v1", NULL, 1);
}
static void test_2k_v1_1(void **state)
{
    (void)state;
    run_case("2k-cc-v1_1", NULL, 2);
}
static void test_2k_data(void **state)
{
    (void)state;
    run_case("2k-data-v1_1", NULL, 3);
}
static void test_2k_far(void **state)
{
    (void)state;
    slk_pc1_options_t options = {.layers = SLK_LAYERS_DISK};
    run_case("2k-far-v1_1", &options, 1);
}
static void test_2k_synth(void **state)
{
    (void)state;
    run_case("2k-cc-synth", NULL, 2);
}
static void test_2k_data_synth(void **state)
{
    (void)state;
    run_case("2k-data-synth", NULL, 1);
}
static void test_2k_ni(void **state)
{
    (void)state;
    run_case("2k-cc-ni", NULL, 2);
}
static void test_8m(void **state)
{
    (void)state;
    slk_pc1_options_t options = {.checkpoint_seconds = 0.1};
    run_case("8m-cc-v1_1", &options, 2);
}

/* Compound trees: the shapes of 32 and 64 GiB at test sizes. */
static void run_shape(const char *size)
{
    char file[64];
    life_t life;
    slk_porep_t porep;
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    uint8_t porep_id[32];
    slk_node_t ticket;
    memset(porep_id, 0x2a, sizeof porep_id);
    memset(&ticket, 0x03, sizeof ticket);
    snprintf(file, sizeof file, "shape/%s.json", size);
    json_t *vector = test_vectors(file);
    slk_porep_custom(&porep, slk_size_by_name(size), SLK_API_V1_1, SLK_FEATURE_NONE, porep_id);
    life_begin_in(&life, NULL, &porep, 1000, 7, 2);
    snprintf(file, sizeof file, "shape %s data", size);
    add_data(&life, file, porep.size->bytes / 128 * 127);
    assert_ok(slk_seal_pc1(&pc1, &life.sector, &ticket, NULL, &life.job, &life.diag), life.diag);
    assert_ok(slk_seal_pc2(&pc2, &life.sector, NULL, &life.job, &life.diag), life.diag);
    assert_node_hex(&pc2.comm_d, text_of(vector, "comm_d"));
    assert_node_hex(&pc2.comm_r, text_of(vector, "comm_r"));
    const char *name;
    json_t *row;
    int seen = 0;
    json_object_foreach(json_object_get(vector, "files"), name, row)
    {
        char path[4096];
        if (strncmp(name, "sc-02", 5) != 0 && strcmp(name, "p_aux") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", life.cache, name);
        check_file(path, row);
        seen++;
    }
    assert_int_equal(seen, 4 + 2 * porep.size->trees);
    check_file(life.sealed, json_object_get(json_object_get(vector, "files"), "sealed"));
    check_file(life.unsealed, json_object_get(json_object_get(vector, "files"), "unsealed"));
    assert_true(life_is_sound(&life));
    json_decref(vector);
    life_end(&life);
}

static void test_shapes(void **state)
{
    (void)state;
    run_shape("4KiB");
    run_shape("16KiB");
    run_shape("32KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_2k_v1),    cmocka_unit_test(test_2k_v1_1),
        cmocka_unit_test(test_2k_data),  cmocka_unit_test(test_2k_far),
        cmocka_unit_test(test_2k_synth), cmocka_unit_test(test_2k_data_synth),
        cmocka_unit_test(test_2k_ni),    cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_8m),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
