/* The reference's proofs against what the chain knows of them, and everything that differs. */

#include "proofs/verify/test_claims.h"
#include "selkie/groth16.h"
#include "selkie/r1cs.h"

#define KEYS SLK_VECTORS "/vk"

/* --- Proofs of replication ------------------------------------------------------------------ */

static const char *const seal_cases[] = {"2k-cc-v1",      "2k-cc-v1_1",   "2k-cc-synth",
                                         "2k-data-synth", "2k-data-v1_1", "2k-far-v1_1"};

static bool seal_holds(const slk_seal_claim_t *claim, const uint8_t *proof, size_t len)
{
    bool ok;
    slk_diag_t diag = {""};
    assert_ok(slk_seal_verify(&ok, claim, proof, len, KEYS, NULL, &diag), diag);
    assert_int_equal(ok, !diag.text[0]);
    return ok;
}

static void seals(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(seal_cases); i++) {
        json_t *json, *row;
        size_t k;
        uint8_t proof[192];
        slk_node_t *inputs;
        slk_diag_t diag;
        slk_seal_claim_t claim = seal_claim(proof, &json, seal_cases[i]);
        assert_true(seal_holds(&claim, proof, sizeof proof));
        assert_ok(slk_seal_inputs(&inputs, &claim, &diag), diag);
        json_t *want = json_array_get(json_object_get(json, "public_inputs_le"), 0);
        assert_int_equal(json_array_size(want), slk_porep_input_cnt(&claim.porep));
        json_array_foreach(want, k, row)
        {
            assert_node_hex(&inputs[k], json_string_value(row));
        }
        free(inputs);
        json_decref(json);
    }
}

static void other_seals(void **state)
{
    (void)state;
    json_t *json;
    uint8_t proof[384];
    slk_diag_t diag;
    const slk_seal_claim_t claim = seal_claim(proof, &json, "2k-cc-v1_1");
    memcpy(proof + 192, proof, 192);
    json_decref(json);
    for (int i = 0; i < 9; i++) {
        static const char *const variants[] = {"v1", "synth"};
        slk_seal_claim_t other = claim;
        slk_node_t *nodes[] = {&other.ticket, &other.seed, &other.comm_d, &other.comm_r};
        if (i < 4)
            nodes[i]->b[i] ^= 1;
        else if (i < 6)
            assert_ok(slk_porep_registered(&other.porep, claim.porep.size, variants[i - 4], &diag),
                      diag);
        other.miner += i == 6;
        other.sector += i == 7;
        if (seal_holds(&other, proof, 192) != (i == 8))
            fail_msg("change %d", i);
    }
    static const size_t lens[] = {0, 1, 191, 193, 384};
    for (size_t i = 0; i < SLK_COUNT(lens); i++)
        assert_false(seal_holds(&claim, proof, lens[i]));
    for (unsigned bit = 0; bit < 192 * 8; bit += 61) {
        proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(seal_holds(&claim, proof, 192));
        proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(seal_holds(&claim, proof, 192));
}

static void impossible_seals(void **state)
{
    (void)state;
    json_t *json;
    uint8_t proof[192];
    bool ok = true;
    slk_diag_t diag;
    const slk_seal_claim_t claim = seal_claim(proof, &json, "2k-cc-v1_1");
    json_decref(json);
    for (int i = 0; i < 4; i++) {
        slk_seal_claim_t other = claim;
        memset(i % 2 ? &other.comm_r : &other.comm_d, i < 2 ? 0 : 0xff, 32);
        assert_err(SLK_ERR_FIELD, slk_seal_verify(&ok, &other, proof, 192, KEYS, NULL, &diag));
        assert_false(ok);
        assert_ptr_equal(strstr(diag.text, i % 2 ? "comm_r" : "comm_d"), diag.text);
        ok = true;
    }
    slk_seal_claim_t ni = seal_claim(proof, &json, "2k-cc-ni");
    json_decref(json);
    assert_err(SLK_ERR_INPUT, slk_seal_verify(&ok, &ni, proof, 192, KEYS, NULL, &diag));
    assert_false(ok);
    assert_err(SLK_ERR_STATE, slk_seal_verify(&ok, &claim, proof, 192, "/nowhere", NULL, &diag));
    assert_non_null(strstr(diag.text, "/nowhere/v28-stacked-proof-of-replication-merkletree-"
                                      "poseidon_hasher-8-0-0-sha256_hasher-032d3138"));
}

/* --- Proofs of spacetime -------------------------------------------------------------------- */

static bool post_holds(const post_claim_t *c)
{
    bool ok;
    slk_diag_t diag = {""};
    assert_ok(slk_post_verify(&ok, &c->post, &c->randomness, c->pub, c->cnt, c->proof, c->len, KEYS,
                              NULL, &diag),
              diag);
    assert_int_equal(ok, !diag.text[0]);
    return ok;
}

static const char *const post_cases[] = {"window-1", "window-2", "window-3", "winning-1"};

static void posts(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(post_cases); i++) {
        post_claim_t c = post_claim(post_cases[i]);
        assert_true(post_holds(&c));
        for (size_t k = 0; k < c.cnt; k++) {
            c.pub[k].comm_r.b[3] ^= 16;
            assert_false(post_holds(&c));
            c.pub[k].comm_r.b[3] ^= 16;
        }
        c.pub[c.cnt - 1].sector += 9;
        assert_false(post_holds(&c));
        c.pub[c.cnt - 1].sector -= 9;
        c.randomness.b[0] ^= 1;
        assert_false(post_holds(&c));
        c.randomness.b[0] ^= 1;
        c.len--;
        assert_false(post_holds(&c));
        c.len++;
        for (unsigned bit = 5; bit < c.len * 8; bit += 199) {
            c.proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(post_holds(&c));
            c.proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(post_holds(&c));
    }
}

/* What distinguishes the ways to form a window proof. */
static void other_windows(void **state)
{
    (void)state;
    slk_diag_t diag;
    post_claim_t c = post_claim("window-2"), swapped = post_claim("window-3"), fewer = swapped;
    assert_ok(slk_post_make(&c.post, c.post.size, SLK_POST_WINDOW, SLK_API_V1_0, &diag), diag);
    assert_false(post_holds(&c)); /* leaves by the sector's position */
    memcpy(swapped.proof, fewer.proof + 192, 192);
    memcpy(swapped.proof + 192, fewer.proof, 192);
    assert_false(post_holds(&swapped));
    fewer.cnt = 2; /* one partition */
    assert_false(post_holds(&fewer));
    fewer.len = 192;
    assert_true(post_holds(&fewer));
    fewer.cnt = 3;
    assert_false(post_holds(&fewer));
}

static void impossible_posts(void **state)
{
    (void)state;
    static const struct {
        slk_err_t err;
        const char *why;
    } rows[] = {{SLK_ERR_INPUT, "no sectors"},
                {SLK_ERR_INPUT, "a winning proof is of one sector, found 3"},
                {SLK_ERR_INPUT, "sector 0 follows sector 1"},
                {SLK_ERR_INPUT, "sector 0 follows sector 0"},
                {SLK_ERR_FIELD, "comm_r of sector 3 is all zero"},
                {SLK_ERR_FIELD, "comm_r of sector 3 ffff"},
                {SLK_ERR_FIELD, "randomness"},
                {SLK_ERR_STATE, "/nowhere/v28-proof-of-spacetime-fallback-"}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        post_claim_t c = post_claim("window-3");
        bool ok = true;
        slk_diag_t diag = {""};
        if (i == 0)
            c.cnt = 0;
        if (i == 1)
            c.post = post_claim("winning-1").post;
        if (i == 2)
            c.pub[0].sector = 1, c.pub[1].sector = 0;
        if (i == 3)
            c.pub[1] = c.pub[0];
        if (i == 4 || i == 5)
            memset(&c.pub[2].comm_r, i == 4 ? 0 : 0xff, 32);
        if (i == 6)
            c.randomness.b[31] |= 0x80;
        assert_err(rows[i].err, slk_post_verify(&ok, &c.post, &c.randomness, c.pub, c.cnt, c.proof,
                                                c.len, i == 7 ? "/nowhere" : KEYS, NULL, &diag));
        assert_false(ok);
        if (!strstr(diag.text, rows[i].why))
            fail_msg("%s: %s", rows[i].why, diag.text);
    }
}

static void input_counts(void **state)
{
    (void)state;
    static const struct {
        const char *size;
        size_t window;
    } rows[] = {{"2KiB", 22}, {"8MiB", 22}, {"512MiB", 22}, {"32GiB", 25839}, {"64GiB", 25300}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_post_t post;
        slk_diag_t diag;
        const slk_size_t *size = slk_size_by_name(rows[i].size);
        assert_ok(slk_post_make(&post, size, SLK_POST_WINDOW, SLK_API_V1_2, &diag), diag);
        assert_int_equal(slk_post_input_cnt(&post), rows[i].window);
        assert_ok(slk_post_make(&post, size, SLK_POST_WINNING, SLK_API_V1_0, &diag), diag);
        assert_int_equal(slk_post_input_cnt(&post), 132);
    }
}

/* Positions count over all partitions; the last partition repeats its last sector as it is. */
static void places(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_post_t post;
    slk_node_t randomness = test_bytes32("places"), inputs[22];
    slk_post_public_t pub[3] = {{5, {{1}}}, {6, {{2}}}, {9, {{3}}}};
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    assert_ok(slk_post_make(&post, slk_size_by_name("8MiB"), SLK_POST_WINDOW, SLK_API_V1_0, &diag),
              diag);
    slk_post_inputs(inputs, &post, &randomness, pub, 3, 1);
    slk_post_leaves(leaves, &post, &randomness, 9, 2);
    for (unsigned place = 0; place < 2; place++) {
        const slk_node_t *row = inputs + 11 * place;
        assert_int_equal(row[0].b[0], 3);
        for (unsigned k = 0; k < 10; k++)
            assert_int_equal(slk_load_le64(row[1 + k].b), leaves[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals),
        cmocka_unit_test(other_seals),
        cmocka_unit_test(impossible_seals),
        cmocka_unit_test(posts),
        cmocka_unit_test(other_windows),
        cmocka_unit_test(impossible_posts),
        cmocka_unit_test(input_counts),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
