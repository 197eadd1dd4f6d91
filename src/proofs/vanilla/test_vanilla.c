/* Proof records of recorded 2KiB sectors: the reference's c1out and synthetic file, and what a
 * verifier must refuse. Source of the answers: tests/vectors/seal. */

#include "proofs/vanilla/test_sector.h"
#include "proofs/vanilla/vanilla_files.h"

#include <sys/stat.h>

static void copy_case(const char *name, char dir[64])
{
    char cmd[4200];
    test_tmp_dir(dir);
    snprintf(cmd, sizeof cmd, "cp -- '%s/seal/%s'/* '%s'", SLK_VECTORS, name, dir);
    assert_int_equal(system(cmd), 0);
}

/* --- c1out ---------------------------------------------------------------------------------- */

static void check_c1out(const char *name, int registered, bool has_file)
{
    sector_t s;
    slk_diag_t diag;
    text_t t = {0};
    sector_load(&s, name, registered, NULL);
    sector_prove(&s, NULL);
    if (!sector_verify(&s, &diag))
        fail_msg("%s", diag.text);

    text_c1out(&t, &s);
    if (has_file) {
        size_t len;
        char *want = sector_file(&s, "c1out.json", &len);
        assert_int_equal(t.len, len);
        assert_memory_equal(t.text, want, len);
        free(want);
    }
    assert_sha256(t.text, t.len, json_string_value(json_object_get(s.json, "c1out_sha256")));
    free(t.text);
    sector_free(&s);
}

static void test_c1out(void **state)
{
    (void)state;
    check_c1out("2k-data-v1_1", 5, true);
    check_c1out("2k-cc-synth", 10, true);
    check_c1out("2k-cc-ni", 15, false);
}

static slk_err_t refuse(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    (void)text, (void)len;
    (*(int *)ctx)++;
    return slk_fail(diag, SLK_ERR_NOSPACE, "full");
}

/* An error of the writer ends the matter at once and comes back. */
static void test_json_writer_fails(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    int calls = 0;
    sector_load(&s, "2k-cc-synth", 10, NULL);
    sector_prove(&s, NULL);
    assert_err(SLK_ERR_NOSPACE,
               slk_vanilla_json(&s.porep, &s.pub, s.records, refuse, &calls, &diag));
    assert_int_equal(calls, 1);
    assert_string_equal(diag.text, "full");
    sector_free(&s);
}

/* Sectors above SLK_MAP_MAX read with pread: the same records, and a file cut meanwhile is an
 * error. */
static void test_unmapped(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    char dir[64], path[512];
    copy_case("2k-cc-ni", dir);
    sector_load(&s, "2k-cc-ni", 15, dir);
    sector_prove(&s, NULL);
    uint8_t *mapped = s.records;
    free(s.challenges);
    slk_region_free(&s.files->tree_d.map);
    slk_region_free(&s.files->replica.map);
    slk_region_free(&s.files->tree_c[0].map);
    slk_region_free(&s.files->tree_r[0].map);
    slk_region_free(&s.files->layers[0].map);
    slk_region_free(&s.files->layers[1].map);
    sector_prove(&s, NULL);
    assert_memory_equal(mapped, s.records, s.cnt * s.record_sz);
    snprintf(path, sizeof path, "%s/sc-02-data-layer-2.dat", dir);
    assert_int_equal(truncate(path, 32), 0);
    assert_err(SLK_ERR_LENGTH,
               slk_vanilla_prove(s.records, s.files, s.graph, s.challenges, s.cnt, NULL, &diag));
    assert_non_null(strstr(diag.text, path));
    free(mapped);
    sector_free(&s);
    test_rm_dir(dir);
}

/* --- Threads, cancelling --------------------------------------------------------------------- */

static void test_threads(void **state)
{
    (void)state;
    sector_t one, four;
    slk_diag_t diag;
    slk_job_t job = {0};
    assert_ok(slk_pool_new(&job.pool, 4, &diag), diag);
    sector_load(&one, "2k-cc-ni", 15, NULL);
    sector_load(&four, "2k-cc-ni", 15, NULL);
    sector_prove(&one, NULL);
    sector_prove(&four, &job);
    assert_memory_equal(one.records, four.records, one.cnt * one.record_sz);
    bool ok;
    assert_ok(slk_vanilla_verify(&ok, four.graph, &four.porep, &four.pub, four.challenges,
                                 four.records, four.cnt, &job, &diag),
              diag);
    assert_true(ok);

    /* The first bad record is the one that is told, whatever thread sees which first. */
    for (size_t i = 9; i < four.cnt; i++)
        four.records[i * four.record_sz + 4000] ^= 1;
    assert_ok(slk_vanilla_verify(&ok, four.graph, &four.porep, &four.pub, four.challenges,
                                 four.records, four.cnt, &job, &diag),
              diag);
    assert_false(ok);
    assert_non_null(strstr(diag.text, "proof 9,"));
    slk_pool_free(job.pool);
    sector_free(&one);
    sector_free(&four);
}

static void test_cancelled(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    bool ok;
    sector_load(&s, "2k-cc-synth", 10, NULL);
    sector_prove(&s, NULL);
    assert_err(SLK_ERR_CANCELLED,
               slk_vanilla_prove(s.records, s.files, s.graph, s.challenges, s.cnt, &job, &diag));
    assert_err(SLK_ERR_CANCELLED, slk_vanilla_verify(&ok, s.graph, &s.porep, &s.pub, s.challenges,
                                                     s.records, s.cnt, &job, &diag));
    sector_free(&s);
}

/* --- Refusals -------------------------------------------------------------------------------- */

static void assert_refused(const sector_t *s, const char *word)
{
    slk_diag_t diag;
    if (sector_verify(s, &diag))
        fail_msg("accepted, expected a sentence with: %s", word);
    if (!strstr(diag.text, word))
        fail_msg("%s: expected a sentence with: %s", diag.text, word);
}

/* One bit anywhere in a record. */
static void test_flipped_bits(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    sector_load(&s, "2k-data-v1_1", 5, NULL);
    sector_prove(&s, NULL);
    uint8_t *record = s.records + s.record_sz;
    for (size_t at = 0; at < s.record_sz; at += at < 120 ? 1 : 32) {
        size_t byte = at < 120 ? at : at + at / 32 % 32;
        record[byte] ^= (uint8_t)(1 << at / 32 % 8);
        if (sector_verify(&s, &diag))
            fail_msg("accepted with a wrong byte %zu", byte);
        assert_non_null(strstr(diag.text, "proof 1, challenge "));
        record[byte] ^= (uint8_t)(1 << at / 32 % 8);
    }
    if (!sector_verify(&s, &diag))
        fail_msg("%s", diag.text);
    sector_free(&s);
}

/* Sentences name the part. Offsets of the 2KiB record: 120 leaf_d, 344 columns of 544 bytes, 8504
 * leaf_r. */
static void test_sentences(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *word;
    } rows[] = {
        {0, "it is a proof of challenge"},
        {8, "parent 1 is node"},
        {8 + 13 * 8, "parent 14 is node"},
        {120, "tree_d path leads to"},
        {160, "tree_d path leads to"},
        {344, "column of the challenge: its labels hash to"},
        {344 + 64, "column of the challenge: its labels hash to"},
        {344 + 96, "column of the challenge: tree_c path leads to"},
        {344 + 544 * 6, "column of DRG parent 6"},
        {344 + 544 * 7 + 200, "column of expander parent 1"},
        {344 + 544 * 15 - 1, "column of expander parent 8"},
        {8504, "tree_r_last path leads to"},
        {8983, "tree_r_last path"},
    };
    sector_t s;
    sector_load(&s, "2k-data-v1_1", 5, NULL);
    sector_prove(&s, NULL);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        s.records[rows[i].at] ^= 1;
        assert_refused(&s, rows[i].word);
        s.records[rows[i].at] ^= 1;
    }
    uint8_t saved = s.records[120 + 31];
    s.records[120 + 31] = 0xff;
    assert_refused(&s, "tree_d path: ");
    s.records[120 + 31] = saved;
    sector_free(&s);
}

static void test_wrong_inputs(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    sector_load(&s, "2k-data-v1_1", 5, NULL);
    sector_prove(&s, NULL);
    assert_true(sector_verify(&s, &diag));

    s.challenges[1] ^= 1;
    assert_refused(&s, "proof 1, challenge");
    s.challenges[1] ^= 1;

    uint8_t *first = malloc(s.record_sz);
    assert_non_null(first);
    memcpy(first, s.records, s.record_sz);
    memcpy(s.records, s.records + s.record_sz, s.record_sz);
    memcpy(s.records + s.record_sz, first, s.record_sz);
    assert_refused(&s, "proof 0, challenge");
    memcpy(s.records + s.record_sz, s.records, s.record_sz);
    memcpy(s.records, first, s.record_sz);
    free(first);

    const struct {
        slk_node_t *node;
        const char *word;
    } rows[] = {
        {&s.pub.comm_r, "expected comm_r"},      {&s.pub.comm_c, "expected comm_r"},
        {&s.pub.comm_r_last, "expected comm_r"}, {&s.pub.comm_d, "expected comm_d"},
        {&s.pub.replica_id, "other replica_id"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        rows[i].node->b[3] ^= 0x10;
        assert_refused(&s, rows[i].word);
        rows[i].node->b[3] ^= 0x10;
        uint8_t top = rows[i].node->b[31];
        rows[i].node->b[31] = 0x74;
        assert_refused(&s, "modulus");
        rows[i].node->b[31] = top;
    }
    assert_true(sector_verify(&s, &diag));
    sector_free(&s);
}

/* A graph of another porep_id has other parents. */
static void test_other_graph(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    sector_load(&s, "2k-cc-synth", 10, NULL);
    sector_prove(&s, NULL);
    slk_porep_t other;
    slk_graph_free(s.graph);
    assert_ok(slk_porep_by_id(&other, 5, &diag), diag);
    assert_ok(slk_graph_new(&s.graph, &other, &diag), diag);
    assert_refused(&s, "expected node");
    sector_free(&s);
}

/* --- Files ---------------------------------------------------------------------------------- */

/* Set len bytes at offset of a file to `byte`. */
static void stamp(const char *dir, const char *name, long offset, int byte, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    while (len--)
        assert_int_equal(fputc(byte, f), byte);
    assert_int_equal(fclose(f), 0);
}

static void resize(const char *dir, const char *name, off_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(truncate(path, len), 0);
}

static void assert_open_fails(sector_t *s, slk_err_t want, const char *word)
{
    slk_diag_t diag;
    s->files = NULL;
    assert_err(want, sector_open_files(s, &diag));
    assert_null(s->files);
    if (!strstr(diag.text, word))
        fail_msg("%s: expected a sentence with: %s", diag.text, word);
}

static void test_damaged_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long root;
    } rows[] = {
        {"sc-02-data-tree-d.dat", 4032},   {"sc-02-data-tree-c.dat", 2304},
        {"sc-02-data-tree-r-last.dat", 0}, {"sc-02-data-layer-1.dat", -1},
        {"sc-02-data-layer-2.dat", -1},    {"sealed", -1},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        sector_t s;
        char dir[64], path[512];
        copy_case("2k-data-v1_1", dir);
        sector_load(&s, "2k-data-v1_1", 5, dir);
        slk_vanilla_files_close(s.files);
        if (rows[i].root >= 0) {
            stamp(dir, rows[i].name, rows[i].root, 1, 1);
            assert_open_fails(&s, SLK_ERR_MISMATCH, rows[i].name);
            stamp(dir, rows[i].name, rows[i].root, 0xff, 32);
            assert_open_fails(&s, SLK_ERR_FORMAT, rows[i].name);
        }
        resize(dir, rows[i].name, 31);
        assert_open_fails(&s, SLK_ERR_LENGTH, rows[i].name);
        if (i == 2)
            assert_open_fails(&s, SLK_ERR_LENGTH, "rows_to_discard 1");
        snprintf(path, sizeof path, "%s/%s", dir, rows[i].name);
        assert_int_equal(unlink(path), 0);
        assert_open_fails(&s, SLK_ERR_STATE, rows[i].name);
        sector_free(&s);
        test_rm_dir(dir);
    }
}

/* A node that is no field element stops the proof with file and offset. */
static void test_bad_node(void **state)
{
    (void)state;
    static const char *const names[] = {"sc-02-data-tree-d.dat", "sc-02-data-tree-c.dat",
                                        "sc-02-data-layer-1.dat", "sc-02-data-layer-2.dat",
                                        "sealed"};
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        sector_t s;
        slk_diag_t diag;
        char dir[64];
        copy_case("2k-data-v1_1", dir);
        sector_load(&s, "2k-data-v1_1", 5, dir);
        sector_prove(&s, NULL);
        stamp(dir, names[i], 32 * (long)s.challenges[0], 0xff, 32);
        assert_err(SLK_ERR_FORMAT, slk_vanilla_prove(s.records, s.files, s.graph, s.challenges,
                                                     s.cnt, NULL, &diag));
        char offset[32];
        snprintf(offset, sizeof offset, "offset %d ", 32 * (int)s.challenges[0]);
        assert_non_null(strstr(diag.text, names[i]));
        assert_non_null(strstr(diag.text, offset));
        sector_free(&s);
        test_rm_dir(dir);
    }
}

/* --- Synthetic file -------------------------------------------------------------------------- */

static void test_synth_file(void **state)
{
    (void)state;
    sector_t s;
    slk_diag_t diag;
    char dir[64], path[512];
    size_t len;
    slk_progress_view_t view;
    slk_job_t job = {.progress = slk_progress_new()};
    copy_case("2k-cc-synth", dir);
    sector_load(&s, "2k-cc-synth", 10, dir);
    sector_prove(&s, NULL);
    uint8_t *records = malloc(s.cnt * s.record_sz);
    assert_non_null(records);

    assert_err(SLK_ERR_STATE, slk_synth_read(records, &s.porep, dir, &s.pub, &s.seed, 0, &diag));
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    assert_ok(slk_synth_write(s.files, s.graph, &s.pub, &job, &diag), diag);
    slk_progress_view(job.progress, &view);
    assert_string_equal(view.stage, "synthetic proofs");
    assert_int_equal(view.done, 64);
    assert_int_equal(view.total, 64);

    char *file = sector_file(&s, "syn-porep-vanilla-proofs.dat", &len);
    json_t *want =
        json_object_get(json_object_get(s.json, "files_after_pc2"), "syn-porep-vanilla-proofs.dat");
    assert_sha256(file, len, json_string_value(json_object_get(want, "sha256")));
    free(file);
    assert_ok(slk_synth_read(records, &s.porep, dir, &s.pub, &s.seed, 0, &diag), diag);
    assert_memory_equal(records, s.records, s.cnt * s.record_sz);

    stamp(dir, "syn-porep-vanilla-proofs.dat", 40, 0, 1);
    assert_err(SLK_ERR_MISMATCH, slk_synth_read(records, &s.porep, dir, &s.pub, &s.seed, 0, &diag));
    assert_non_null(strstr(diag.text, "comm_c"));
    resize(dir, "syn-porep-vanilla-proofs.dat", (off_t)len - 1);
    assert_err(SLK_ERR_LENGTH, slk_synth_read(records, &s.porep, dir, &s.pub, &s.seed, 0, &diag));

    /* What cannot be proven is not written, and what was there stays. */
    stamp(dir, "sc-02-data-layer-1.dat", 320, 0, 4);
    assert_err(SLK_ERR_PROOF, slk_synth_write(s.files, s.graph, &s.pub, &job, &diag));
    assert_non_null(strstr(diag.text, "column of "));
    atomic_bool cancel = true;
    job.cancel = &cancel;
    assert_err(SLK_ERR_CANCELLED, slk_synth_write(s.files, s.graph, &s.pub, &job, &diag));
    struct stat st;
    snprintf(path, sizeof path, "%s/syn-porep-vanilla-proofs.dat", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, len - 1);
    snprintf(path, sizeof path, "%s/syn-porep-vanilla-proofs.dat.selkie-tmp", dir);
    assert_int_not_equal(stat(path, &st), 0);

    slk_pool_free(job.pool);
    slk_progress_free(job.progress);
    free(records);
    sector_free(&s);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c1out),         cmocka_unit_test(test_json_writer_fails),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_flipped_bits),  cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_wrong_inputs),  cmocka_unit_test(test_other_graph),
        cmocka_unit_test(test_damaged_files), cmocka_unit_test(test_bad_node),
        cmocka_unit_test(test_synth_file),    cmocka_unit_test(test_unmapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
