/* Files of keys: the reference's, ours in miniature, and every way of damaging one. */

#include "base/assert.h"
#include "base/file.h"
#include "proofs/groth16/params.h"
#include "proofs/groth16/subgroup.h"
#include "proofs/groth16/test_toy.h"

#include <fcntl.h>
#include <sys/file.h>

#define PREFIX "merkletree-poseidon_hasher-8-0-0"
#define UPDATE                                                                                     \
    "empty-sector-update-" PREFIX                                                                  \
    "-fb9e095bebdd77511c0269b967b4d87ba8b8a525edaa0e165de23ba454510194"
#define WINDOW                                                                                     \
    "proof-of-spacetime-fallback-" PREFIX                                                          \
    "-0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0"
#define WINNING                                                                                    \
    "proof-of-spacetime-fallback-" PREFIX                                                          \
    "-3ea05428c9d11689f23529cde32fd30aabd50f7d2c93657c1d3650bca3e8ea9e"
#define POREP                                                                                      \
    "stacked-proof-of-replication-" PREFIX                                                         \
    "-sha256_hasher-032d3138d22506ec0082ed72b2dcba18df18477904e35bafee82b3793b06832f"
#define FLIPS 200u

static const struct {
    const char *name;
    unsigned at, sz;
} fields[] = {
    {"alpha_g1", 0, 96},   {"beta_g1", 96, 96},    {"beta_g2", 192, 192}, {"gamma_g2", 384, 192},
    {"delta_g1", 576, 96}, {"delta_g2", 672, 192}, {"ic[0]", 868, 96},    {"ic[2]", 868 + 192, 96},
};

/* --- Names ------------------------------------------------------------------------------------ */

static void names(void **state)
{
    (void)state;
    char path[4096];
    slk_diag_t diag;
    unsetenv("FIL_PROOFS_PARAMETER_CACHE");
    assert_ok(slk_params_path(path, sizeof path, NULL, UPDATE, SLK_PARAMS_KEY, &diag), diag);
    assert_string_equal(path, "/var/tmp/filecoin-proof-parameters/v28-" UPDATE ".params");
    setenv("FIL_PROOFS_PARAMETER_CACHE", "/data/params", 1);
    assert_ok(slk_params_path(path, sizeof path, NULL, WINDOW, SLK_PARAMS_VK, &diag), diag);
    assert_string_equal(path, "/data/params/v28-" WINDOW ".vk");
    assert_ok(slk_params_path(path, sizeof path, "here", WINDOW, SLK_PARAMS_META, &diag), diag);
    assert_string_equal(path, "here/v28-" WINDOW ".meta");
    assert_err(SLK_ERR_LENGTH, slk_params_dir(path, strlen("/data/params"), &diag));
    unsetenv("FIL_PROOFS_PARAMETER_CACHE");
    static const char *const bad[] = {"", "../x", "a/b", "A", "a b", "v28.vk"};
    for (size_t i = 0; i < SLK_COUNT(bad); i++)
        assert_err(SLK_ERR_INPUT,
                   slk_params_path(path, sizeof path, NULL, bad[i], SLK_PARAMS_VK, &diag));
    char longest[202];
    memset(longest, 'a', 201);
    longest[201] = 0;
    assert_err(SLK_ERR_INPUT,
               slk_params_path(path, sizeof path, NULL, longest, SLK_PARAMS_VK, &diag));
    longest[200] = 0;
    assert_ok(slk_params_path(path, sizeof path, NULL, longest, SLK_PARAMS_VK, &diag), diag);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void keys_of_the_reference(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t inputs;
    } rows[] = {{POREP, 39}, {WINNING, 132}, {WINDOW, 22}, {UPDATE, 4}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_vk_t *vk;
        slk_diag_t diag;
        char path[4096], *bytes;
        size_t len;
        uint8_t again[16384];
        assert_ok(slk_params_path(path, sizeof path, SLK_VECTORS "/vk", rows[i].name, SLK_PARAMS_VK,
                                  &diag),
                  diag);
        assert_ok(slk_read_file(&bytes, &len, path, sizeof again, &diag), diag);
        assert_ok(slk_vk_read(&vk, path, NULL, &diag), diag);
        assert_int_equal(slk_vk_input_cnt(vk), rows[i].inputs);
        assert_int_equal(len, slk_vk_sz(vk->ic_cnt));
        slk_vk_write(again, vk);
        assert_memory_equal(again, bytes, len);
        slk_vk_free(vk);
        free(bytes);
    }
}

/* Parsing must fail, and its sentence begin with the file's name and this field. */
static void expect_bad(const uint8_t *bytes, size_t len, slk_err_t want, const char *begin)
{
    slk_vk_t *vk = (slk_vk_t *)(uintptr_t)1;
    slk_diag_t diag = {""};
    assert_err(want, slk_vk_parse(&vk, bytes, len, "x.vk", NULL, &diag));
    assert_null(vk);
    if (strncmp(diag.text, begin, strlen(begin)) != 0)
        fail_msg("'%s' does not begin with '%s'", diag.text, begin);
}

static void expect_bad_point(const uint8_t *bytes, size_t len, size_t field, const char *why)
{
    char begin[200];
    snprintf(begin, sizeof begin, "x.vk: %s at byte %u %s", fields[field].name, fields[field].at,
             why);
    expect_bad(bytes, len, SLK_ERR_FORMAT, begin);
}

static void uncompressed(uint8_t *out, unsigned sz)
{
    if (sz == 96) {
        uint8_t packed[48];
        blst_p1_affine p;
        toy_stray_g1(packed);
        assert_int_equal(blst_p1_uncompress(&p, packed), BLST_SUCCESS);
        blst_p1_affine_serialize(out, &p);
    } else {
        uint8_t packed[96];
        blst_p2_affine p;
        toy_stray_g2(packed);
        assert_int_equal(blst_p2_uncompress(&p, packed), BLST_SUCCESS);
        blst_p2_affine_serialize(out, &p);
    }
}

static void bad_points_are_named(void **state)
{
    (void)state;
    toy_t *toy = toy_new(3);
    for (size_t i = 0; i < SLK_COUNT(fields); i++) {
        uint8_t *at = toy->vk + fields[i].at, kept[192];
        memcpy(kept, at, fields[i].sz);

        memset(at, 0, fields[i].sz);
        at[0] = 0x40;
        expect_bad_point(toy->vk, toy->vk_len, i, "is the identity");
        at[0] = 0;
        expect_bad_point(toy->vk, toy->vk_len, i, "is not on the curve");

        uncompressed(at, fields[i].sz);
        expect_bad_point(toy->vk, toy->vk_len, i, "is not in the subgroup of prime order");
        for (unsigned c = 0; c < fields[i].sz; c += 48) {
            uint8_t coordinate[48];
            memcpy(coordinate, at + c, 48);
            if (coordinate[0] < 6) {
                toy_add_modulus(at + c);
                expect_bad_point(toy->vk, toy->vk_len, i, "has a coordinate that is not below");
            }
            memset(at + c, 0xff, 48);
            at[0] &= 0x1f;
            expect_bad_point(toy->vk, toy->vk_len, i, "has a coordinate that is not below");
            memcpy(at + c, coordinate, 48);
        }

        memcpy(at, kept, fields[i].sz);
        for (unsigned flags = 0x20; flags <= 0xe0; flags += 0x20) {
            at[0] = (uint8_t)(kept[0] | flags);
            expect_bad_point(toy->vk, toy->vk_len, i,
                             (flags & 0xe0) == 0x40 ? "is the identity" : "has wrong flag");
        }
        /* The compressed form of the same point, which a lenient reader would take. */
        memset(at, 0, fields[i].sz);
        if (fields[i].sz == 96) {
            blst_p1_affine p;
            assert_int_equal(blst_p1_deserialize(&p, kept), BLST_SUCCESS);
            blst_p1_affine_compress(at, &p);
        } else {
            blst_p2_affine p;
            assert_int_equal(blst_p2_deserialize(&p, kept), BLST_SUCCESS);
            blst_p2_affine_compress(at, &p);
        }
        expect_bad_point(toy->vk, toy->vk_len, i, "has wrong flag bits");
        memcpy(at, kept, fields[i].sz);
    }
    slk_vk_t *vk;
    slk_diag_t diag;
    assert_ok(slk_vk_parse(&vk, toy->vk, toy->vk_len, "x.vk", NULL, &diag), diag);
    slk_vk_free(vk);
    free(toy);
}

static void bad_lengths_and_counts(void **state)
{
    (void)state;
    toy_t *toy = toy_new(3);
    for (size_t len = 0; len < toy->vk_len; len += len < 860 || len > 880 ? 7 : 1) {
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, toy->vk, len);
        expect_bad(exact, len, SLK_ERR_LENGTH, "x.vk: ");
        free(exact);
    }
    expect_bad(toy->vk, toy->vk_len + 1, SLK_ERR_LENGTH,
               "x.vk: 1157 bytes, a verifying key of 3 ic points ends at byte 1156");
    static const struct {
        uint32_t cnt;
        slk_err_t err;
    } rows[] = {{0, SLK_ERR_FORMAT},
                {2, SLK_ERR_LENGTH},
                {4, SLK_ERR_LENGTH},
                {1u << 20, SLK_ERR_LENGTH},
                {(1u << 20) + 1, SLK_ERR_FORMAT},
                {UINT32_MAX, SLK_ERR_FORMAT}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_store_be32(toy->vk + 864, rows[i].cnt);
        expect_bad(toy->vk, toy->vk_len, rows[i].err, "x.vk: ");
    }
    free(toy);
}

static void lowest_bad_point_of_many(void **state)
{
    (void)state;
    toy_t *toy = toy_new(400);
    slk_job_t job = {0};
    slk_vk_t *vk;
    slk_diag_t diag;
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    assert_ok(slk_vk_parse(&vk, toy->vk, toy->vk_len, "x.vk", &job, &diag), diag);
    slk_vk_free(vk);
    toy->vk[868 + 96 * 399 + 95] ^= 1;
    toy->vk[868 + 96 * 70 + 95] ^= 1;
    assert_err(SLK_ERR_FORMAT, slk_vk_parse(&vk, toy->vk, toy->vk_len, "x.vk", &job, &diag));
    assert_non_null(strstr(diag.text, "ic[70] at byte 7588 is not on the curve"));
    slk_pool_free(job.pool);
    free(toy);
}

/* Keys of big circuits are checked for the subgroup in bulk; the one outside is still named. */
static void stray_point_of_many(void **state)
{
    (void)state;
    toy_t *toy = toy_new(1100);
    slk_vk_t *vk;
    slk_diag_t diag;
    assert_ok(slk_vk_parse(&vk, toy->vk, toy->vk_len, "x.vk", NULL, &diag), diag);
    slk_vk_free(vk);
    uncompressed(toy->vk + 868 + 96 * 1001, 96);
    assert_err(SLK_ERR_FORMAT, slk_vk_parse(&vk, toy->vk, toy->vk_len, "x.vk", NULL, &diag));
    assert_non_null(strstr(diag.text, "ic[1001] at byte 96964 is not in the subgroup"));
    free(toy);
}

/* A point of order 11, the smallest that a file can hold: what is left of a stray one times the
 * group's order and all other factors of the cofactor. */
static blst_p1 point_of_order_11(void)
{
    static const uint64_t factors[] = {3, 10177, 10177, 859267, 859267, 52437899, 52437899};
    static const char order[] = "01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73";
    uint8_t packed[48], scalar[32];
    blst_p1_affine affine;
    blst_p1 p, eleven_times;
    toy_stray_g1(packed);
    assert_int_equal(blst_p1_uncompress(&affine, packed), BLST_SUCCESS);
    blst_p1_from_affine(&p, &affine);
    blst_p1 sum = {0};
    assert_true(slk_hex_decode(scalar, 32, order));
    for (int bit = 254; bit >= 0; bit--) {
        blst_p1_add_or_double(&sum, &sum, &sum);
        if (scalar[bit / 8] >> bit % 8 & 1)
            blst_p1_add_or_double(&sum, &sum, &p);
    }
    p = sum;
    for (size_t i = 0; i < SLK_COUNT(factors); i++) {
        slk_store_le64(scalar, factors[i]);
        blst_p1_mult(&p, &p, scalar, 32);
    }
    assert_false(blst_p1_is_inf(&p));
    blst_p1_mult(&eleven_times, &p, (const uint8_t[]){11}, 8);
    assert_true(blst_p1_is_inf(&eleven_times));
    return p;
}

static void bulk_check_of_the_subgroup(void **state)
{
    (void)state;
    enum { CNT = 300 };
    blst_p1_affine points[CNT];
    blst_p1 small = point_of_order_11();
    slk_job_t job = {0};
    slk_diag_t diag;
    bool ok = false;
    for (size_t i = 0; i < CNT; i++) {
        slk_fr_t x = toy_fr("bulk", i % 37);
        points[i] = toy_g1(&x);
    }
    points[7] = points[8];
    blst_fp_cneg(&points[7].y, &points[7].y, true);
    assert_ok(slk_pool_new(&job.pool, 3, &diag), diag);
    for (size_t cnt = 0; cnt <= CNT; cnt += cnt < 3 ? 1 : 99) {
        assert_ok(slk_g1_all_in_subgroup(&ok, points, cnt, cnt % 2 ? &job : NULL, &diag), diag);
        assert_true(ok);
    }
    /* One outside; then as many as cancel out in a plain sum. */
    for (size_t outside = 1; outside <= 11; outside += 10) {
        for (size_t i = 0; i < outside; i++) {
            blst_p1 p;
            blst_p1_from_affine(&p, &points[20 * i + 3]);
            if (i || outside == 1)
                blst_p1_add_or_double(&p, &p, &small);
            blst_p1_to_affine(&points[20 * i + 3], &p);
        }
        for (int run = 0; run < 3; run++) {
            assert_ok(slk_g1_all_in_subgroup(&ok, points, CNT, &job, &diag), diag);
            assert_false(ok);
        }
    }
    slk_pool_free(job.pool);
}

static void flipped_bits(void **state)
{
    (void)state;
    char *text;
    size_t len;
    slk_diag_t diag;
    assert_ok(slk_read_file(&text, &len, SLK_VECTORS "/vk/v28-" WINDOW ".vk", 4096, &diag), diag);
    uint8_t *bytes = (uint8_t *)text;
    uint64_t seed = 5;
    for (size_t i = 0; i < FLIPS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bit = (seed >> 16) % (len * 8);
        slk_vk_t *vk;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        slk_err_t err = slk_vk_parse(&vk, bytes, len, "x.vk", NULL, &diag);
        assert_true(err == SLK_ERR_FORMAT || err == SLK_ERR_LENGTH);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(text);
}

/* --- Parameters in miniature ------------------------------------------------------------------ */

typedef struct {
    uint32_t h, l, a, b_g1, b_g2;
} counts_t;

/* Three inputs, points all alike. Returns the length. */
static size_t write_params(uint8_t *out, counts_t counts)
{
    const struct {
        uint32_t cnt, sz;
    } rows[] = {
        {counts.h, 96}, {counts.l, 96}, {counts.a, 96}, {counts.b_g1, 96}, {counts.b_g2, 192}};
    toy_t *toy = toy_new(3);
    uint8_t *p = out;
    memcpy(p, toy->vk, toy->vk_len);
    p += toy->vk_len;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_store_be32(p, rows[i].cnt);
        p += 4;
        for (uint32_t k = 0; k < rows[i].cnt; k++, p += rows[i].sz)
            memcpy(p, toy->vk + (rows[i].sz == 96 ? 0 : 192), rows[i].sz);
    }
    free(toy);
    return (size_t)(p - out);
}

static void layout_of_params(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    size_t len = write_params(bytes, (counts_t){7, 2, 4, 3, 3});
    assert_int_equal(len, 868 + 96 * 3 + 20 + 96 * (7 + 2 + 4 + 3) + 192 * 3);
    slk_params_t params;
    slk_diag_t diag;
    assert_ok(slk_params_parse(&params, bytes, len, "x.params", NULL, &diag), diag);
    static const struct {
        const char *name;
        uint64_t offset;
        uint32_t cnt, sz;
    } want[] = {{"h", 1160, 7, 96},
                {"l", 1836, 2, 96},
                {"a", 2032, 4, 96},
                {"b_g1", 2420, 3, 96},
                {"b_g2", 2712, 3, 192}};
    for (int i = 0; i < SLK_ARRAY_CNT; i++) {
        assert_string_equal(slk_array_name((slk_array_id_t)i), want[i].name);
        assert_int_equal(params.arrays[i].offset, want[i].offset);
        assert_int_equal(params.arrays[i].cnt, want[i].cnt);
        assert_int_equal(params.arrays[i].point_sz, want[i].sz);
        assert_ptr_equal(params.arrays[i].points, bytes + want[i].offset);
    }
    slk_params_fini(&params);

    for (size_t cut = 1; cut < len; cut += 23)
        assert_err(SLK_ERR_LENGTH,
                   slk_params_parse(&params, bytes, len - cut, "x.params", NULL, &diag));
    assert_err(SLK_ERR_LENGTH, slk_params_parse(&params, bytes, len + 1, "x.params", NULL, &diag));
    for (int i = 0; i < SLK_ARRAY_CNT; i++) {
        uint8_t *count = bytes + want[i].offset - 4;
        slk_store_be32(count, UINT32_MAX);
        assert_err(SLK_ERR_LENGTH, slk_params_parse(&params, bytes, len, "x.params", NULL, &diag));
        assert_non_null(strstr(diag.text, want[i].name));
        slk_store_be32(count, want[i].cnt);
    }
}

static void counts_that_no_circuit_has(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    static const struct {
        counts_t counts;
        slk_err_t err;
        const char *name;
    } rows[] = {
        {{3, 0, 3, 1, 1}, SLK_OK, ""},
        {{8, 2, 4, 3, 3},
         SLK_ERR_FORMAT,
         "the count of h at byte 1156 is 8, expected one less than a power"},
        {{1, 2, 4, 3, 3}, SLK_ERR_FORMAT, "the count of h "},
        {{7, 2, 2, 3, 3}, SLK_ERR_FORMAT, "the count of a "},
        {{7, 2, 6, 3, 3}, SLK_ERR_FORMAT, "the count of a "},
        {{7, 2, 4, 6, 6}, SLK_ERR_FORMAT, "the count of b_g1 "},
        {{7, 2, 4, 3, 2}, SLK_ERR_FORMAT, "the count of b_g2 "},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_params_t params;
        slk_diag_t diag = {""};
        size_t len = write_params(bytes, rows[i].counts);
        assert_err(rows[i].err, slk_params_parse(&params, bytes, len, "x.params", NULL, &diag));
        assert_non_null(strstr(diag.text, rows[i].name));
        slk_params_fini(&params);
    }
}

/* --- Files ------------------------------------------------------------------------------------ */

static void key_from_either_file(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    char dir[64], path[4096];
    slk_vk_t *vk;
    slk_diag_t diag = {""};
    test_tmp_dir(dir);
    assert_err(SLK_ERR_STATE, slk_vk_find(&vk, dir, UPDATE, NULL, &diag));
    assert_null(vk);
    assert_non_null(strstr(diag.text, "selkie params"));

    size_t len = write_params(bytes, (counts_t){3, 1, 3, 1, 1});
    assert_ok(slk_params_path(path, sizeof path, dir, UPDATE, SLK_PARAMS_KEY, &diag), diag);
    assert_ok(slk_write_file(path, bytes, len, &diag), diag);
    assert_ok(slk_vk_find(&vk, dir, UPDATE, NULL, &diag), diag);
    assert_string_equal(diag.text, "");
    assert_int_equal(slk_vk_input_cnt(vk), 2);
    slk_vk_free(vk);

    /* A .vk that is there is the one that counts, also when it is damaged. */
    assert_ok(slk_write_file(path, bytes, 0, &diag), diag);
    assert_err(SLK_ERR_LENGTH, slk_vk_find(&vk, dir, UPDATE, NULL, &diag));
    assert_ok(slk_params_path(path, sizeof path, dir, UPDATE, SLK_PARAMS_VK, &diag), diag);
    assert_ok(slk_write_file(path, bytes, 868 + 96 * 3, &diag), diag);
    assert_ok(slk_vk_find(&vk, dir, UPDATE, NULL, &diag), diag);
    slk_vk_free(vk);
    assert_ok(slk_write_file(path, bytes, 868 + 96 * 3 + 1, &diag), diag);
    assert_err(SLK_ERR_LENGTH, slk_vk_find(&vk, dir, UPDATE, NULL, &diag));
    assert_non_null(strstr(diag.text, path));
    assert_err(SLK_ERR_INPUT, slk_vk_read(&vk, dir, NULL, &diag));
    test_rm_dir(dir);
}

/* A locked file is being written. */
static void locked_files_are_waited_for(void **state)
{
    (void)state;
    char dir[64], path[80];
    slk_vk_t *vk;
    slk_diag_t diag;
    test_tmp_dir(dir);
    snprintf(path, sizeof path, "%s/vk", dir);
    toy_t *toy = toy_new(2);
    assert_ok(slk_write_file(path, toy->vk, toy->vk_len, &diag), diag);
    int fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    atomic_bool cancel = true;
    slk_job_t job = {.cancel = &cancel};
    assert_err(SLK_ERR_CANCELLED, slk_vk_read(&vk, path, &job, &diag));
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(flock(fd, LOCK_SH), 0);
    assert_ok(slk_vk_read(&vk, path, NULL, &diag), diag);
    slk_vk_free(vk);
    close(fd);
    free(toy);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(keys_of_the_reference),
        cmocka_unit_test(bad_points_are_named),
        cmocka_unit_test(bad_lengths_and_counts),
        cmocka_unit_test(lowest_bad_point_of_many),
        cmocka_unit_test(stray_point_of_many),
        cmocka_unit_test(bulk_check_of_the_subgroup),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(layout_of_params),
        cmocka_unit_test(counts_that_no_circuit_has),
        cmocka_unit_test(key_from_either_file),
        cmocka_unit_test(locked_files_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
