/* Proofs of recorded vanilla proofs with parameters made here: WindowPoSt of 2KiB sectors. */

#include "proofs/prove/test_window.h"

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
