/* Vanilla proofs from a sector's files: the recorded ones of 2KiB, compound shapes, two discarded
 * rows; damage; reads that get no answer (FIFOs, whose opening waits for ever). */

#include "proofs/porep/test_life.h"

#include "base/assert.h"
#include "selkie/post.h"

#include <sys/stat.h>

#define SECTORS_MAX 48u

typedef struct {
    char dir[64];
    size_t cnt;
    char cache[SECTORS_MAX][192], sealed[SECTORS_MAX][192];
    slk_post_t post;
    slk_node_t randomness;
    slk_post_replica_t replicas[SECTORS_MAX];
    uint64_t leaves[SECTORS_MAX][SLK_POST_CHALLENGES_MAX];
    slk_post_outcome_t outcomes[SECTORS_MAX];
    slk_post_limits_t limits;
    slk_diag_t diag;
} farm_t;

static slk_post_t post_of(const slk_size_t *size, slk_post_kind_t kind)
{
    slk_post_t post;
    slk_diag_t diag;
    slk_api_version_t version = kind == SLK_POST_WINDOW ? SLK_API_V1_2 : SLK_API_V1_0;
    assert_ok(slk_post_make(&post, size, kind, version, &diag), diag);
    return post;
}

static void farm_begin(farm_t *farm, const char *size, slk_post_kind_t kind)
{
    memset(farm, 0, sizeof *farm);
    test_tmp_dir(farm->dir);
    farm->post = post_of(slk_size_by_name(size), kind);
    farm->randomness = test_bytes32("post sector");
    slk_post_randomness(&farm->randomness);
}

/* Forget the outcomes and whatever threads are held; pipes must have been released. */
static void farm_settle(farm_t *farm)
{
    slk_post_outcomes_fini(farm->outcomes, farm->cnt);
    for (int i = 0; slk_post_held() && i < 1000; i++)
        usleep(10000);
    assert_int_equal(slk_post_held(), 0);
}

static void farm_end(farm_t *farm)
{
    farm_settle(farm);
    test_rm_dir(farm->dir);
}

static void farm_leaves(farm_t *farm)
{
    for (size_t i = 0; i < farm->cnt; i++) {
        slk_post_leaves(farm->leaves[i], &farm->post, &farm->randomness, farm->replicas[i].sector,
                        i);
        farm->replicas[i].leaves = farm->leaves[i];
        farm->replicas[i].leaf_cnt = farm->post.challenges;
    }
}

static slk_post_replica_t *farm_add(farm_t *farm, uint64_t number, const char *group)
{
    size_t i = farm->cnt++;
    char dir[sizeof farm->dir];
    assert_true(i < SECTORS_MAX);
    memcpy(dir, farm->dir, sizeof dir);
    snprintf(farm->cache[i], sizeof farm->cache[i], "%s/%s/cache-%zu", dir, group, i);
    snprintf(farm->sealed[i], sizeof farm->sealed[i], "%s/%s/sealed-%zu", dir, group, i);
    assert_ok(slk_make_dirs(farm->cache[i], &farm->diag), farm->diag);
    farm->replicas[i] =
        (slk_post_replica_t){.sector = number, .cache = farm->cache[i], .sealed = farm->sealed[i]};
    return &farm->replicas[i];
}

/* Seal a sector into its place in the farm. data: name of derived data, NULL: committed capacity.
 */
static void farm_seal(farm_t *farm, const slk_porep_t *porep, uint64_t number,
                      const slk_node_t *ticket, const char *data)
{
    slk_post_replica_t *replica = farm_add(farm, number, "sealing");
    char raw[512], unsealed[512];
    slk_pc1_t pc1;
    slk_pc2_t pc2;
    snprintf(unsealed, sizeof unsealed, "%s/unsealed-%zu", farm->dir, farm->cnt);
    slk_sector_t sector = {*porep, 1000, number, replica->cache, replica->sealed, unsealed};
    if (data) {
        slk_add_piece_t added;
        size_t len = porep->size->bytes / 128 * 127;
        uint8_t *bytes = malloc(len);
        assert_non_null(bytes);
        test_data(bytes, len, data);
        snprintf(raw, sizeof raw, "%s/raw", farm->dir);
        assert_ok(slk_write_file(raw, bytes, len, &farm->diag), farm->diag);
        free(bytes);
        int fd = open(raw, O_RDONLY);
        assert_true(fd >= 0);
        assert_ok(slk_seal_add_piece(&added, &sector, fd, raw, UINT64_MAX, 0, NULL, &farm->diag),
                  farm->diag);
        slk_add_piece_fini(&added);
        close(fd);
    }
    assert_ok(slk_seal_pc1(&pc1, &sector, ticket, NULL, NULL, &farm->diag), farm->diag);
    assert_ok(slk_seal_pc2(&pc2, &sector, NULL, NULL, &farm->diag), farm->diag);
    assert_ok(slk_seal_finalize(&sector, false, problem_found, &(life_t){.dir = ""}, &farm->diag),
              farm->diag);
    replica->comm_r = pc2.comm_r;
}

static void farm_run(farm_t *farm)
{
    assert_ok(slk_post_vanilla(farm->outcomes, &farm->post, farm->replicas, farm->cnt,
                               &farm->limits, NULL, &farm->diag),
              farm->diag);
}

static void expect_good(const farm_t *farm, size_t i)
{
    const slk_post_outcome_t *out = &farm->outcomes[i];
    slk_post_vanilla_t proof;
    slk_post_public_t pub = {farm->replicas[i].sector, farm->replicas[i].comm_r};
    slk_diag_t diag;
    bool ok;
    if (out->err != SLK_OK)
        fail_msg("sector %zu: %s", i, out->why);
    assert_null(out->why);
    assert_ok(slk_post_vanilla_parse(&proof, farm->post.size, out->proof, out->len, &diag), diag);
    assert_ok(slk_post_vanilla_verify(&ok, &farm->post, &farm->randomness, &pub, &proof, 1, 0, NULL,
                                      &diag),
              diag);
    if (!ok)
        fail_msg("%s", diag.text);
}

static void expect_bad(const farm_t *farm, size_t i, slk_err_t err, const char *part)
{
    const slk_post_outcome_t *out = &farm->outcomes[i];
    assert_null(out->proof);
    if (out->err != err || !strstr(out->why, part))
        fail_msg("sector %zu: %d, expected %d with '%s': %s", i, out->err, err, part, out->why);
}

/* --- Recorded proofs ------------------------------------------------------------------------ */

static void seal_case(farm_t *farm, const char *name)
{
    static const struct {
        const char *name;
        int registered;
    } rows[] = {{"2k-cc-v1", 0}, {"2k-cc-v1_1", 5}, {"2k-cc-synth", 10}, {"8m-cc-v1_1", 6}};
    char file[64];
    slk_porep_t porep;
    size_t row = 0;
    while (strcmp(rows[row].name, name) != 0)
        assert_true(++row < SLK_COUNT(rows));
    snprintf(file, sizeof file, "seal/%s.json", name);
    json_t *json = test_vectors(file);
    slk_node_t ticket = node_from_hex(text_of(json, "ticket"));
    assert_ok(slk_porep_by_id(&porep, rows[row].registered, &farm->diag), farm->diag);
    farm_seal(farm, &porep, strtoull(text_of(json, "sector"), NULL, 10), &ticket, NULL);
    assert_node_hex(&farm->replicas[farm->cnt - 1].comm_r, text_of(json, "comm_r"));
    json_decref(json);
}

static void check_case(const char *name)
{
    farm_t *farm = malloc(sizeof *farm);
    char file[64];
    size_t i;
    assert_non_null(farm);
    snprintf(file, sizeof file, "post/%s.json", name);
    json_t *json = test_vectors(file), *row;
    bool window = strcmp(text_of(json, "kind"), "window") == 0;
    farm_begin(farm, text_of(json, "size"), window ? SLK_POST_WINDOW : SLK_POST_WINNING);
    farm->randomness = node_from_hex(text_of(json, "randomness"));
    json_array_foreach(json_object_get(json, "replicas"), i, row)
    {
        seal_case(farm, text_of(row, "case"));
        assert_int_equal(farm->replicas[i].sector,
                         json_integer_value(json_object_get(row, "sector")));
    }
    farm_leaves(farm);
    farm_run(farm);
    json_array_foreach(json_object_get(json, "sectors"), i, row)
    {
        const slk_post_outcome_t *out = &farm->outcomes[i];
        expect_good(farm, i);
        uint8_t *want = malloc(out->len);
        assert_non_null(want);
        assert_int_equal(out->len, json_integer_value(json_object_get(row, "vanilla_bytes")));
        assert_true(slk_hex_decode(want, out->len, text_of(row, "vanilla")));
        assert_memory_equal(out->proof, want, out->len);
        free(want);
    }
    json_decref(json);
    farm_end(farm);
    free(farm);
}

static void test_recorded(void **state)
{
    (void)state;
    check_case("window-1");
    check_case("window-2");
    check_case("window-3");
    check_case("winning-1");
}

static void expect_digest(const slk_post_outcome_t *out, const char *hex)
{
    slk_node_t digest;
    slk_sha256(&digest, out->proof, out->len);
    assert_node_hex(&digest, hex);
}

/* spec/proofs-vanilla-2.md 12.2, sector A. */
static void test_sector_a(void **state)
{
    (void)state;
    static farm_t farm;
    slk_porep_t porep;
    slk_node_t zero = {{0}};
    farm_begin(&farm, "2KiB", SLK_POST_WINDOW);
    farm.randomness = zero;
    assert_ok(slk_porep_by_id(&porep, 5, &farm.diag), farm.diag);
    farm_seal(&farm, &porep, 1, &zero, NULL);
    farm_leaves(&farm);
    farm_run(&farm);
    expect_digest(&farm.outcomes[0],
                  "2a1def6184097d681ff65e3ad0dcad0d2d619f3efc9be1bc1f4784415763561a");
    slk_post_outcomes_fini(farm.outcomes, 1);
    farm.post = post_of(farm.post.size, SLK_POST_WINNING);
    farm_leaves(&farm);
    farm_run(&farm);
    expect_digest(&farm.outcomes[0],
                  "5c6720c4438a603ec70d0438943b2f569cc093819b0c7f2d0b4f7dd04033b371");
    farm_end(&farm);
}

static void check_shape(const char *size)
{
    static farm_t farm;
    char file[64], data[64];
    slk_porep_t porep;
    uint8_t porep_id[32];
    size_t i;
    snprintf(file, sizeof file, "shape/%s.json", size);
    snprintf(data, sizeof data, "shape %s data", size);
    json_t *json = test_vectors(file), *row;
    slk_node_t ticket = node_from_hex(text_of(json, "ticket"));
    memset(porep_id, 0x2a, sizeof porep_id);
    slk_porep_custom(&porep, slk_size_by_name(size), SLK_API_V1_1, SLK_FEATURE_NONE, porep_id);
    farm_begin(&farm, size, SLK_POST_WINDOW);
    memset(farm.randomness.b, 5, 32);
    farm_seal(&farm, &porep, 7, &ticket, data);
    assert_int_equal(json_array_size(json_object_get(json, "post")), 2);
    json_array_foreach(json_object_get(json, "post"), i, row)
    {
        bool window = strcmp(text_of(row, "kind"), "window") == 0;
        farm.post = post_of(porep.size, window ? SLK_POST_WINDOW : SLK_POST_WINNING);
        farm_leaves(&farm);
        farm_run(&farm);
        expect_good(&farm, 0);
        assert_int_equal(farm.outcomes[0].len, json_integer_value(json_object_get(row, "bytes")));
        expect_digest(&farm.outcomes[0], text_of(row, "sha256"));
        slk_post_outcomes_fini(farm.outcomes, 1);
    }
    json_decref(json);
    farm_end(&farm);
}

static void test_shapes(void **state)
{
    (void)state;
    check_shape("4KiB");
    check_shape("16KiB");
    check_shape("32KiB");
}

static void test_two_rows_discarded(void **state)
{
    (void)state;
    static farm_t farm;
    farm_begin(&farm, "8MiB", SLK_POST_WINDOW);
    seal_case(&farm, "8m-cc-v1_1");
    farm_leaves(&farm);
    farm_run(&farm);
    expect_good(&farm, 0);
    assert_int_equal(farm.outcomes[0].len, 15280);
    /* a bit in the segment of one leaf */
    flip_bit(farm.sealed[0], (long)(farm.leaves[0][3] / 512 * 512 * 32 + 40));
    slk_post_outcomes_fini(farm.outcomes, 1);
    farm_run(&farm);
    expect_bad(&farm, 0, SLK_ERR_DIGEST, "damaged; the path of leaf");
    farm_end(&farm);
}

/* --- Damage --------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char *bytes;
    size_t len;
    slk_diag_t diag;
    assert_ok(slk_read_file(&bytes, &len, from, SIZE_MAX - 1, &diag), diag);
    assert_ok(slk_write_file(to, bytes, len, &diag), diag);
    free(bytes);
}

/* n more sectors in a folder: copies of the first, under other numbers. */
static void farm_copy(farm_t *farm, unsigned n, const char *group)
{
    static const char *const names[] = {"p_aux", "sc-02-data-tree-r-last.dat"};
    while (n--) {
        slk_post_replica_t *replica = farm_add(farm, farm->cnt + 10, group);
        for (size_t i = 0; i < SLK_COUNT(names); i++) {
            char from[256], to[256];
            snprintf(from, sizeof from, "%s/%s", farm->cache[0], names[i]);
            snprintf(to, sizeof to, "%s/%s", replica->cache, names[i]);
            copy_file(from, to);
        }
        copy_file(farm->sealed[0], replica->sealed);
        replica->comm_r = farm->replicas[0].comm_r;
    }
    farm_leaves(farm);
}

/* One sealed 2KiB sector, and n copies of it. */
static void farm_of_copies(farm_t *farm, unsigned n)
{
    farm_begin(farm, "2KiB", SLK_POST_WINDOW);
    seal_case(farm, "2k-cc-v1_1");
    farm_copy(farm, n, "copies");
}

static const char *in_cache(const farm_t *farm, size_t i, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", farm->cache[i], name);
    return path;
}

#define TREE_R "sc-02-data-tree-r-last.dat"

static void test_damage(void **state)
{
    (void)state;
    static farm_t farm;
    farm_of_copies(&farm, 14);
    assert_int_equal(truncate(farm.sealed[1], 2047), 0);
    flip_bit(farm.sealed[2], 1000);
    flip_bit(in_cache(&farm, 3, TREE_R), 3);
    flip_bit(in_cache(&farm, 4, "p_aux"), 3);
    flip_bit(in_cache(&farm, 5, "p_aux"), 40);
    unlink(farm.sealed[6]);
    unlink(in_cache(&farm, 7, TREE_R));
    unlink(in_cache(&farm, 8, "p_aux"));
    assert_int_equal(truncate(in_cache(&farm, 9, "p_aux"), 63), 0);
    assert_int_equal(truncate(in_cache(&farm, 10, TREE_R), 64), 0);
    farm.replicas[11].comm_r.b[0] ^= 1;
    memset(&farm.leaves[12][9], 0xff, sizeof farm.leaves[12][9]);
    FILE *file = fopen(farm.sealed[13], "r+b"); /* a whole node, so that it is no field element */
    assert_non_null(file);
    for (int i = 0; i < 32; i++)
        fputc(0xff, file);
    fclose(file);
    farm_run(&farm);
    expect_good(&farm, 0);
    expect_bad(&farm, 1, SLK_ERR_LENGTH, "sealed-1: the sealed file has 2047 bytes, expected 2048");
    expect_bad(&farm, 2, SLK_ERR_DIGEST, "sealed-2, bytes 0 to 2047");
    expect_bad(&farm, 3, SLK_ERR_MISMATCH, "cache-3/" TREE_R ": its root is");
    expect_bad(&farm, 4, SLK_ERR_MISMATCH, "cache-4/p_aux: makes comm_r");
    expect_bad(&farm, 5, SLK_ERR_MISMATCH, "cache-5/p_aux: makes comm_r");
    expect_bad(&farm, 6, SLK_ERR_STATE, "sealed-6: the sealed file is missing");
    expect_bad(&farm, 7, SLK_ERR_STATE, "cache-7/" TREE_R);
    expect_bad(&farm, 8, SLK_ERR_NOTFOUND, "cache-8/p_aux");
    expect_bad(&farm, 9, SLK_ERR_LENGTH, "cache-9/p_aux: 63 bytes");
    expect_bad(&farm, 10, SLK_ERR_LENGTH, "cache-10/" TREE_R);
    expect_bad(&farm, 11, SLK_ERR_MISMATCH, "cache-11/p_aux: makes comm_r");
    expect_bad(&farm, 12, SLK_ERR_INPUT, "leaf 18446744073709551615");
    expect_bad(&farm, 13, SLK_ERR_FORMAT, "sealed-13: the 32 bytes at offset 0");
    expect_good(&farm, 14);
    farm_end(&farm);
}

/* --- Reads without an answer ----------------------------------------------------------------- */

/* Instead of a file, something whose opening waits until somebody writes. */
static void make_hang(const char *path)
{
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void release(const char *path)
{
    int fd = open(path, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    usleep(20000); /* the reader has to see it before it goes away */
    close(fd);
}

static void test_hanging_files(void **state)
{
    (void)state;
    static farm_t farm;
    farm_of_copies(&farm, 8);
    make_hang(farm.sealed[1]);
    make_hang(in_cache(&farm, 3, TREE_R));
    make_hang(in_cache(&farm, 5, "p_aux"));
    farm.limits = (slk_post_limits_t){.readers = 2, .read_seconds = 1.5};
    double begun = slk_clock_seconds();
    farm_run(&farm);
    assert_true(slk_clock_seconds() - begun < 20);
    for (size_t i = 0; i < farm.cnt; i++) {
        if (i == 1 || i == 3 || i == 5)
            expect_bad(&farm, i, SLK_ERR_TIMEOUT, "no answer for 1.5 s");
        else
            expect_good(&farm, i);
    }
    assert_non_null(strstr(farm.outcomes[3].why, "cache-3/" TREE_R));
    assert_int_equal(slk_post_held(), 3);
    release(farm.sealed[1]);
    release(in_cache(&farm, 3, TREE_R));
    release(in_cache(&farm, 5, "p_aux"));
    farm_end(&farm);
}

/* A dead disk with many sectors costs one time-out, and nothing to the sectors of the other one
 * that come after it. */
static void test_dead_disk(void **state)
{
    (void)state;
    static farm_t farm;
    farm_begin(&farm, "2KiB", SLK_POST_WINDOW);
    seal_case(&farm, "2k-cc-v1_1");
    farm_copy(&farm, 30, "dead");
    farm_copy(&farm, 10, "alive");
    for (size_t i = 1; i <= 30; i++)
        make_hang(farm.sealed[i]);
    farm.limits = (slk_post_limits_t){.readers = 3, .read_seconds = 1.5};
    double begun = slk_clock_seconds();
    farm_run(&farm);
    double seconds = slk_clock_seconds() - begun;
    assert_true(seconds > 1.4 && seconds < 20);
    size_t tried = 0;
    for (size_t i = 0; i < farm.cnt; i++) {
        if (i == 0 || i > 30) {
            expect_good(&farm, i);
        } else if (strstr(farm.outcomes[i].why, "not tried")) {
            expect_bad(&farm, i, SLK_ERR_TIMEOUT, "/dead got no answer for 1.5 s");
        } else {
            expect_bad(&farm, i, SLK_ERR_TIMEOUT, "no answer for 1.5 s");
            tried++;
        }
    }
    assert_true(tried >= 1 && tried <= 8);
    assert_int_equal(slk_post_held(), tried);
    for (size_t i = 1; i <= 30; i++) {
        if (farm.outcomes[i].seconds > 0)
            release(farm.sealed[i]);
    }
    farm_end(&farm);
}

/* Cancelled, or out of time, while a read hangs: back at once. */
static void test_leave(void **state)
{
    (void)state;
    static farm_t farm;
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    farm_of_copies(&farm, 2);
    make_hang(farm.sealed[2]);
    assert_err(SLK_ERR_CANCELLED, slk_post_vanilla(farm.outcomes, &farm.post, farm.replicas,
                                                   farm.cnt, NULL, &job, &farm.diag));
    for (size_t i = 0; i < farm.cnt; i++)
        expect_bad(&farm, i, SLK_ERR_CANCELLED, "interrupted");
    farm_settle(&farm);

    farm.limits = (slk_post_limits_t){.total_seconds = 1.5};
    double begun = slk_clock_seconds();
    farm_run(&farm);
    assert_true(slk_clock_seconds() - begun < 20);
    expect_good(&farm, 0);
    expect_good(&farm, 1);
    expect_bad(&farm, 2, SLK_ERR_TIMEOUT, "not finished within the time for all sectors");
    slk_post_outcomes_fini(farm.outcomes, farm.cnt);
    release(farm.sealed[2]);
    farm_settle(&farm);

    farm.limits = (slk_post_limits_t){.sector_seconds = 1.5};
    farm_run(&farm);
    expect_good(&farm, 0);
    expect_bad(&farm, 2, SLK_ERR_TIMEOUT, "0 of 10 leaves proven in 1.5 s");
    release(farm.sealed[2]);
    farm_end(&farm);
}

static void test_nothing(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_post_t post = post_of(slk_size_by_name("2KiB"), SLK_POST_WINDOW);
    slk_post_outcome_t none;
    assert_ok(slk_post_vanilla(&none, &post, NULL, 0, NULL, NULL, &diag), diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),  cmocka_unit_test(test_sector_a),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_two_rows_discarded),
        cmocka_unit_test(test_damage),    cmocka_unit_test(test_hanging_files),
        cmocka_unit_test(test_dead_disk), cmocka_unit_test(test_leave),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
