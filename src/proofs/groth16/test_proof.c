/* Bytes of proofs: one encoding of each, nothing else. */

#include "base/assert.h"
#include "proofs/groth16/proof.h"
#include "proofs/groth16/test_toy.h"

static const struct {
    const char *name;
    unsigned at, sz;
} points[] = {{"A", 0, 48}, {"B", 48, 96}, {"C", 144, 48}};

static void expect_bad_point(const uint8_t *proofs, size_t cnt, size_t proof, size_t point,
                             const char *why)
{
    char want[160];
    slk_diag_t diag = {""};
    snprintf(want, sizeof want, "proof %zu: point %s at byte %zu %s", proof, points[point].name,
             192 * proof + points[point].at, why);
    assert_err(SLK_ERR_FORMAT, slk_groth16_check_proofs(proofs, cnt * 192, cnt, &diag));
    if (strncmp(diag.text, want, strlen(want)) != 0)
        fail_msg("'%s' does not begin with '%s'", diag.text, want);
}

static void round_trip(void **state)
{
    (void)state;
    json_t *json = test_vectors("seal/2k-cc-v1_1.json");
    uint8_t bytes[192], again[192];
    slk_proof_t proof;
    slk_diag_t diag;
    assert_true(slk_hex_decode(bytes, 192, json_string_value(json_object_get(json, "proof"))));
    assert_ok(slk_proof_read(&proof, bytes, 0, &diag), diag);
    slk_proof_write(again, &proof);
    assert_memory_equal(bytes, again, 192);
    json_decref(json);
}

static void lengths(void **state)
{
    (void)state;
    toy_t *toy = toy_new(1);
    uint8_t proofs[4 * 192];
    slk_diag_t diag;
    for (size_t i = 0; i < 4; i++)
        toy_prove(proofs + 192 * i, toy, NULL, i);
    for (size_t len = 0; len <= sizeof proofs;
         len += len % 192 == 1 || len % 192 == 191 || len % 192 == 0 ? 1 : 47) {
        for (size_t cnt = 0; cnt <= 4; cnt++) {
            uint8_t *exact = malloc(len ? len : 1);
            memcpy(exact, proofs, len);
            slk_err_t err = slk_groth16_check_proofs(exact, len, cnt, &diag);
            assert_int_equal(err, len == cnt * 192 ? SLK_OK : SLK_ERR_LENGTH);
            free(exact);
        }
    }
    assert_err(SLK_ERR_LENGTH, slk_groth16_check_proofs(proofs, 0, SIZE_MAX / 192 + 2, &diag));
    free(toy);
}

static void bad_points_are_named(void **state)
{
    (void)state;
    toy_t *toy = toy_new(1);
    uint8_t proofs[2 * 192];
    toy_prove(proofs, toy, NULL, 0);
    toy_prove(proofs + 192, toy, NULL, 1);
    for (size_t k = 0; k < 2 * SLK_COUNT(points); k++) {
        size_t proof = k / SLK_COUNT(points), i = k % SLK_COUNT(points);
        uint8_t *at = proofs + 192 * proof + points[i].at, kept[96];
        memcpy(kept, at, points[i].sz);

        memset(at, 0, points[i].sz);
        at[0] = 0xc0;
        expect_bad_point(proofs, 2, proof, i, "is the identity");
        at[0] = 0xe0;
        expect_bad_point(proofs, 2, proof, i, "has wrong flag bits");

        if (points[i].sz == 48)
            toy_stray_g1(at);
        else
            toy_stray_g2(at);
        expect_bad_point(proofs, 2, proof, i, "is not in the subgroup of prime order");
        /* The same x once more, not reduced. */
        at[0] &= 0x1f;
        toy_add_modulus(at);
        at[0] |= 0x80;
        expect_bad_point(proofs, 2, proof, i,
                         "has a coordinate that is not below the field's modulus");
        if (points[i].sz == 96) {
            toy_stray_g2(at);
            toy_add_modulus(at + 48);
            expect_bad_point(proofs, 2, proof, i,
                             "has a coordinate that is not below the field's modulus");
        }

        memcpy(at, kept, points[i].sz);
        at[0] &= 0x7f;
        expect_bad_point(proofs, 2, proof, i, "has wrong flag bits");
        memcpy(at, kept, points[i].sz);
        /* Some x nearby has no y. */
        slk_diag_t diag = {""};
        unsigned tries = 0;
        do {
            at[points[i].sz - 1]++;
            assert_err(SLK_ERR_FORMAT, slk_groth16_check_proofs(proofs, sizeof proofs, 2, &diag));
            assert_true(++tries < 64);
        } while (!strstr(diag.text, "is not on the curve"));
        expect_bad_point(proofs, 2, proof, i, "is not on the curve");
        memcpy(at, kept, points[i].sz);
    }
    assert_int_equal(slk_groth16_check_proofs(proofs, sizeof proofs, 2, NULL), SLK_OK);
    free(toy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(lengths),
        cmocka_unit_test(bad_points_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
