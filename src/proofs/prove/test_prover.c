/* Proofs of recorded vanilla proofs with parameters made here: WindowPoSt of 2KiB sectors. */

#include "test_util.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "proofs/groth16/setup.h"
#include "selkie/prove.h"
#include "selkie/verify.h"

#include <fcntl.h>
#include <unistd.h>

static char dir[64];

static void rows_of(void *ctx, uint32_t unit, slk_row_fn_t *fn, void *fn_ctx)
{
    if (unit == SLK_SETUP_HEAD)
        slk_rows_head(ctx, fn, fn_ctx);
    else
        slk_rows_unit(ctx, unit, fn, fn_ctx);
}

static void path_of(char *path, size_t cap)
{
    char id[SLK_CACHE_ID_SZ];
    slk_diag_t diag;
    slk_circuit_cache_id(id, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"));
    assert_ok(slk_params_path(path, cap, dir, id, SLK_PARAMS_KEY, &diag), diag);
}

static int make_params(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_circuit_t circuit;
    slk_density_t density;
    slk_rows_t *rows;
    char path[4096];
    test_tmp_dir(dir);
    path_of(path, sizeof path);
    assert_ok(slk_circuit_init(&circuit, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"), &diag),
              diag);
    assert_ok(slk_density_init(&density, &circuit, &diag), diag);
    assert_ok(slk_rows_open(&rows, &circuit, &diag), diag);
    slk_setup_source_t source = {circuit.head, circuit.unit, circuit.units,
                                 &density,     rows_of,      rows};
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_ok(slk_setup_write(fd, path, &source, NULL, NULL, &diag), diag);
    close(fd);
    slk_rows_close(rows);
    slk_density_fini(&density);
    return 0;
}

static int drop_params(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

/* --- Recorded vanilla proofs ------------------------------------------------------------------ */

#define SECTORS 3u

typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    slk_post_public_t pub[SECTORS];
    slk_post_vanilla_t proofs[SECTORS];
    uint8_t *bytes[SECTORS];
} record_t;

static void record_load(record_t *r)
{
    slk_diag_t diag;
    json_t *json = test_vectors("post/window-3.json");
    assert_ok(
        slk_post_make(&r->post, slk_size_by_name("2KiB"), SLK_POST_WINDOW, SLK_API_V1_2, &diag),
        diag);
    r->randomness = node_from_hex(json_string_value(json_object_get(json, "randomness")));
    size_t len = slk_post_vanilla_sz(r->post.size, r->post.challenges);
    for (size_t i = 0; i < SECTORS; i++) {
        json_t *row = json_array_get(json_object_get(json, "sectors"), i);
        json_t *replica = json_array_get(json_object_get(json, "replicas"), i);
        r->bytes[i] = malloc(len);
        assert_non_null(r->bytes[i]);
        assert_true(
            slk_hex_decode(r->bytes[i], len, json_string_value(json_object_get(row, "vanilla"))));
        assert_ok(slk_post_vanilla_parse(&r->proofs[i], r->post.size, r->bytes[i], len, &diag),
                  diag);
        r->pub[i].sector = r->proofs[i].sector;
        r->pub[i].comm_r = node_from_hex(json_string_value(json_object_get(replica, "comm_r")));
    }
    json_decref(json);
}

static void record_free(record_t *r)
{
    for (size_t i = 0; i < SECTORS; i++)
        free(r->bytes[i]);
}

static slk_prover_t *prover_open(void)
{
    slk_diag_t diag;
    slk_prover_t *prover;
    assert_ok(
        slk_prover_open(&prover, SLK_CIRCUIT_WINDOW, slk_size_by_name("2KiB"), dir, NULL, &diag),
        diag);
    return prover;
}

static bool verifies(const record_t *r, const uint8_t *proof, size_t partitions)
{
    slk_diag_t diag;
    bool ok;
    assert_ok(slk_post_verify(&ok, &r->post, &r->randomness, r->pub, SECTORS, proof,
                              partitions * SLK_GROTH16_PROOF_SZ, dir, NULL, &diag),
              diag);
    return ok;
}

/* A full partition and one that is padded; changed proofs and claims are not valid. */
static void test_window(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    slk_job_t job = {0};
    uint8_t proof[2 * SLK_GROTH16_PROOF_SZ], swapped[sizeof proof];
    slk_prover_t *prover = prover_open();
    record_load(&r);
    assert_ok(slk_pool_new(&job.pool, 2, &diag), diag);
    assert_ok(
        slk_prove_post(proof, prover, &r.post, &r.randomness, r.pub, r.proofs, 2, 0, &job, &diag),
        diag);
    assert_ok(slk_prove_post(proof + SLK_GROTH16_PROOF_SZ, prover, &r.post, &r.randomness,
                             r.pub + 2, r.proofs + 2, 1, 1, NULL, &diag),
              diag);
    assert_true(verifies(&r, proof, 2));
    memcpy(swapped, proof + SLK_GROTH16_PROOF_SZ, SLK_GROTH16_PROOF_SZ);
    memcpy(swapped + SLK_GROTH16_PROOF_SZ, proof, SLK_GROTH16_PROOF_SZ);
    assert_false(verifies(&r, swapped, 2));
    r.pub[2].sector++;
    assert_false(verifies(&r, proof, 2));
    slk_pool_free(job.pool);
    slk_prover_free(prover);
    record_free(&r);
}

/* A wrong vanilla proof is named before any work on it. */
static void test_wrong_vanilla(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    uint8_t proof[SLK_GROTH16_PROOF_SZ];
    slk_prover_t *prover = prover_open();
    record_load(&r);
    r.randomness.b[0] ^= 1;
    assert_err(SLK_ERR_PROOF, slk_prove_post(proof, prover, &r.post, &r.randomness, r.pub, r.proofs,
                                             2, 0, NULL, &diag));
    assert_non_null(strstr(diag.text, "expected leaf"));
    slk_prover_free(prover);
    record_free(&r);
}

/* Two neighbours in the array h exchanged: well-formed, but no proof leaves. Cut: not opened. */
static void test_damaged(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    slk_prover_t *prover = prover_open();
    uint8_t proof[SLK_GROTH16_PROOF_SZ], points[192];
    char path[4096];
    record_load(&r);
    path_of(path, sizeof path);
    int fd = open(path, O_RDWR);
    off_t at = 868 + 96 * 23 + 4 + 96 * 100, len = lseek(fd, 0, SEEK_END);
    assert_int_equal(len, 11501496);
    assert_int_equal(pread(fd, points, 192, at), 192);
    assert_int_equal(pwrite(fd, points + 96, 96, at), 96);
    assert_int_equal(pwrite(fd, points, 96, at + 96), 96);
    assert_err(SLK_ERR_PROOF, slk_prove_post(proof, prover, &r.post, &r.randomness, r.pub, r.proofs,
                                             2, 0, NULL, &diag));
    assert_non_null(strstr(diag.text, "selkie params verify"));
    slk_prover_free(prover);
    assert_int_equal(ftruncate(fd, len - 1), 0);
    assert_err(SLK_ERR_LENGTH, slk_prover_open(&prover, SLK_CIRCUIT_WINDOW,
                                               slk_size_by_name("2KiB"), dir, NULL, &diag));
    assert_null(prover);
    close(fd);
    record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_wrong_vanilla),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, make_params, drop_params);
}
