/* Proofs of the reference under its keys, proofs of known secrets under ours, and everything
 * that must not pass. */

#include "base/assert.h"
#include "proofs/groth16/pairing.h"
#include "proofs/groth16/test_toy.h"
#include "proofs/groth16/vk.h"

#define SHAPE "merkletree-poseidon_hasher-8-0-0"
#define VK_POREP                                                                                   \
    "stacked-proof-of-replication-" SHAPE "-sha256_hasher-"                                        \
    "032d3138d22506ec0082ed72b2dcba18df18477904e35bafee82b3793b06832f"
#define VK_WINDOW                                                                                  \
    "proof-of-spacetime-fallback-" SHAPE                                                           \
    "-0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0"
#define VK_WINNING                                                                                 \
    "proof-of-spacetime-fallback-" SHAPE                                                           \
    "-3ea05428c9d11689f23529cde32fd30aabd50f7d2c93657c1d3650bca3e8ea9e"
#define VK_UPDATE                                                                                  \
    "empty-sector-update-" SHAPE "-fb9e095bebdd77511c0269b967b4d87ba8b8a525edaa0e165de23ba4545101" \
    "94"
#define LEAVES_2KIB 64u
#define FLIPS       200u

static const char *const seal_cases[] = {"2k-cc-v1",      "2k-cc-v1_1",   "2k-cc-synth",
                                         "2k-data-synth", "2k-data-v1_1", "2k-far-v1_1"};

/* Proofs under one key. */
typedef struct {
    slk_vk_t *vk;
    uint8_t *proofs;
    slk_node_t *inputs;
    size_t cnt, input_cnt;
} claims_t;

static claims_t claims_new(const char *identifier, size_t cnt)
{
    claims_t c = {.cnt = cnt};
    slk_diag_t diag;
    assert_ok(slk_vk_find(&c.vk, SLK_VECTORS "/vk", identifier, NULL, &diag), diag);
    c.input_cnt = cnt * slk_vk_input_cnt(c.vk);
    c.proofs = malloc(cnt * 192);
    c.inputs = malloc(c.input_cnt * sizeof *c.inputs);
    assert_non_null(c.proofs);
    assert_non_null(c.inputs);
    return c;
}

static void claims_free(claims_t *c)
{
    slk_vk_free(c->vk);
    free(c->proofs);
    free(c->inputs);
}

static slk_node_t *inputs_of(const claims_t *c, size_t i)
{
    return c->inputs + i * slk_vk_input_cnt(c->vk);
}

static const char *member(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    assert_non_null(text);
    return text;
}

static void read_proofs(uint8_t *out, size_t cnt, const json_t *json)
{
    assert_true(slk_hex_decode(out, cnt * 192, member(json, "proof")));
}

/* --- The reference's proofs ------------------------------------------------------------------- */

static claims_t porep_claims(void)
{
    claims_t c = claims_new(VK_POREP, SLK_COUNT(seal_cases));
    for (size_t i = 0; i < c.cnt; i++) {
        char name[64];
        snprintf(name, sizeof name, "seal/%s.json", seal_cases[i]);
        json_t *json = test_vectors(name);
        read_proofs(c.proofs + i * 192, 1, json);
        json_t *rows = json_object_get(json, "public_inputs_le");
        assert_int_equal(json_array_size(rows), 1);
        json_t *row = json_array_get(rows, 0);
        assert_int_equal(json_array_size(row), slk_vk_input_cnt(c.vk));
        for (size_t k = 0; k < slk_vk_input_cnt(c.vk); k++)
            inputs_of(&c, i)[k] = node_from_hex(json_string_value(json_array_get(row, k)));
        json_decref(json);
    }
    return c;
}

/* Section 4: LE64 of SHA-256(randomness | sector | index) modulo the leaves. */
static uint64_t post_leaf(const slk_node_t *randomness, uint64_t sector, uint64_t index)
{
    uint8_t msg[48];
    slk_node_t digest;
    memcpy(msg, randomness, 32);
    slk_store_le64(msg + 32, sector);
    slk_store_le64(msg + 40, index);
    slk_sha256(&digest, msg, sizeof msg);
    return slk_load_le64(digest.b) % LEAVES_2KIB;
}

/* comm_r and leaf of each place of the circuit, sectors after the last repeat it. Recorded
 * challenges are those of the API with a sector's own index (V1_2) in window proofs; winning
 * numbers its 66 places. */
static claims_t post_claims(const char *name, size_t cnt)
{
    json_t *json = test_vectors(name);
    bool window = !strcmp(member(json, "kind"), "window");
    claims_t c = claims_new(window ? VK_WINDOW : VK_WINNING, cnt);
    slk_node_t randomness = node_from_hex(member(json, "randomness")), *out = c.inputs;
    json_t *replicas = json_object_get(json, "replicas"),
           *sectors = json_object_get(json, "sectors");
    size_t places = window ? 2 * cnt : 66, leaves = window ? 10 : 1,
           last = json_array_size(replicas) - 1;
    read_proofs(c.proofs, cnt, json);
    for (size_t place = 0; place < places; place++) {
        size_t at = window ? (place < last ? place : last) : 0;
        json_t *replica = json_array_get(replicas, at);
        json_t *recorded = json_object_get(json_array_get(sectors, at), "challenges");
        uint64_t sector = (uint64_t)json_integer_value(json_object_get(replica, "sector"));
        *out++ = node_from_hex(member(replica, "comm_r"));
        for (size_t k = 0; k < leaves; k++) {
            size_t index = window ? k : place;
            uint64_t leaf = post_leaf(&randomness, sector, index);
            assert_int_equal(leaf, json_integer_value(json_array_get(recorded, index)));
            *out = (slk_node_t){.b = {0}};
            slk_store_le64(out++, leaf);
        }
    }
    assert_ptr_equal(out, c.inputs + c.input_cnt);
    json_decref(json);
    return c;
}

static claims_t update_claims(void)
{
    json_t *json = test_vectors("update/snap-1.json");
    claims_t c = claims_new(VK_UPDATE, 1);
    assert_int_equal(c.input_cnt, 4);
    read_proofs(c.proofs, 1, json);
    c.inputs[0] = (slk_node_t){.b = {1}};
    c.inputs[1] = node_from_hex(member(json, "comm_r_old"));
    c.inputs[2] = node_from_hex(member(json, "comm_d_new"));
    c.inputs[3] = node_from_hex(member(json, "comm_r_new"));
    json_decref(json);
    return c;
}

static bool holds(const claims_t *c, const slk_job_t *job)
{
    bool ok = false;
    slk_diag_t diag = {""};
    assert_ok(slk_groth16_verify(&ok, c->vk, c->proofs, c->cnt * 192, c->cnt, c->inputs,
                                 c->input_cnt, job, &diag),
              diag);
    assert_int_equal(ok, diag.text[0] == 0);
    return ok;
}

static void single_proofs_of_the_reference(void **state)
{
    (void)state;
    claims_t all = porep_claims();
    for (size_t i = 0; i < all.cnt; i++) {
        claims_t one = {all.vk, all.proofs + i * 192, inputs_of(&all, i), 1,
                        slk_vk_input_cnt(all.vk)};
        assert_true(holds(&one, NULL));
        one.inputs = inputs_of(&all, (i + 1) % all.cnt);
        assert_false(holds(&one, NULL));
    }
    claims_free(&all);
}

static void post_and_update_proofs_of_the_reference(void **state)
{
    (void)state;
    claims_t claims[] = {post_claims("post/window-1.json", 1), post_claims("post/window-2.json", 1),
                         post_claims("post/window-3.json", 2),
                         post_claims("post/winning-1.json", 1), update_claims()};
    for (size_t i = 0; i < SLK_COUNT(claims); i++) {
        assert_true(holds(&claims[i], NULL));
        claims[i].inputs[1].b[0] ^= 1;
        assert_false(holds(&claims[i], NULL));
        claims_free(&claims[i]);
    }
}

/* --- Several at once -------------------------------------------------------------------------- */

static void batches_of_the_reference(void **state)
{
    (void)state;
    claims_t c = porep_claims();
    slk_diag_t diag;
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        slk_job_t job = {0};
        assert_ok(slk_pool_new(&job.pool, threads, &diag), diag);
        assert_true(holds(&c, &job));
        slk_pool_free(job.pool);
    }
    claims_free(&c);
}

static void swap(void *a, void *b, size_t len)
{
    uint8_t tmp[192];
    assert_true(len <= sizeof tmp);
    memcpy(tmp, a, len);
    memcpy(a, b, len);
    memcpy(b, tmp, len);
}

/* Partitions in another order, proofs of each other's inputs. */
static void permuted_partitions(void **state)
{
    (void)state;
    claims_t window = post_claims("post/window-3.json", 2), porep = porep_claims();
    swap(window.proofs, window.proofs + 192, 192);
    assert_false(holds(&window, NULL));
    for (size_t i = 0; i < slk_vk_input_cnt(window.vk); i++)
        swap(&inputs_of(&window, 0)[i], &inputs_of(&window, 1)[i], 32);
    assert_true(holds(&window, NULL));

    for (size_t i = 0; i + 1 < porep.cnt; i++) {
        swap(porep.proofs + i * 192, porep.proofs + (i + 1) * 192, 192);
        assert_false(holds(&porep, NULL));
        swap(porep.proofs + i * 192, porep.proofs + (i + 1) * 192, 192);
    }
    /* C of two proofs exchanged: their sum stays, the weighted one does not. */
    swap(porep.proofs + 144, porep.proofs + 192 + 144, 48);
    assert_false(holds(&porep, NULL));
    claims_free(&window);
    claims_free(&porep);
}

static void each_wrong_proof_is_named(void **state)
{
    (void)state;
    claims_t c = porep_claims();
    for (size_t i = 0; i < c.cnt; i++) {
        bool ok = true;
        slk_diag_t diag = {""};
        char want[64];
        inputs_of(&c, i)[0].b[3] ^= 0x10;
        assert_ok(slk_groth16_verify(&ok, c.vk, c.proofs, c.cnt * 192, c.cnt, c.inputs, c.input_cnt,
                                     NULL, &diag),
                  diag);
        assert_false(ok);
        snprintf(want, sizeof want, "proof %zu of 6", i);
        assert_ptr_equal(strstr(diag.text, want), diag.text);
        inputs_of(&c, i)[0].b[3] ^= 0x10;

        c.proofs[i * 192 + 150] ^= 1;
        assert_ok(slk_groth16_verify(&ok, c.vk, c.proofs, c.cnt * 192, c.cnt, c.inputs, c.input_cnt,
                                     NULL, &diag),
                  diag);
        assert_false(ok);
        snprintf(want, sizeof want, "proof %zu: point C at byte %zu ", i, i * 192 + 144);
        assert_ptr_equal(strstr(diag.text, want), diag.text);
        c.proofs[i * 192 + 150] ^= 1;
    }
    assert_true(holds(&c, NULL));
    claims_free(&c);
}

/* --- Known secrets ---------------------------------------------------------------------------- */

/* A mix as circuits have it: zero, one, challenges, whole field elements, these also repeated. */
static void toy_inputs(slk_node_t *out, size_t cnt, size_t number)
{
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_t x = toy_fr("x", number * TOY_IC_MAX + i / 140);
        slk_fr_to_node(&out[i], &x);
        static const size_t kept[] = {0, 0, 1, 4, 8, 9, 32};
        size_t keep = kept[(i + number) % SLK_COUNT(kept)];
        memset(out[i].b + keep, 0, 32 - keep);
        out[i].b[0] |= i % 7 == 1;
    }
}

static void check_toy(size_t ic_cnt, size_t cnt, slk_pool_t *pool)
{
    toy_t *toy = toy_new(ic_cnt);
    slk_job_t job = {.pool = pool};
    slk_diag_t diag;
    claims_t c = {.cnt = cnt, .input_cnt = cnt * (ic_cnt - 1)};
    assert_ok(slk_vk_parse(&c.vk, toy->vk, toy->vk_len, "toy", &job, &diag), diag);
    c.proofs = malloc(cnt * 192);
    c.inputs = malloc((c.input_cnt + 1) * sizeof *c.inputs);
    for (size_t i = 0; i < cnt; i++) {
        toy_inputs(inputs_of(&c, i), ic_cnt - 1, i);
        toy_prove(c.proofs + i * 192, toy, inputs_of(&c, i), i);
    }
    assert_true(holds(&c, &job));
    if (c.input_cnt) {
        c.inputs[c.input_cnt - 1].b[0] ^= 1;
        assert_false(holds(&c, &job));
    }
    claims_free(&c);
    free(toy);
}

static void known_secrets(void **state)
{
    (void)state;
    slk_pool_t *pool;
    slk_diag_t diag;
    assert_ok(slk_pool_new(&pool, 3, &diag), diag);
    static const struct {
        size_t ic_cnt, cnt;
    } rows[] = {{1, 1},   {2, 1},    {2, 2},  {31, 1}, {40, 3},
                {300, 1}, {1500, 2}, {1, 64}, {3, 65}, {2, 130}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        check_toy(rows[i].ic_cnt, rows[i].cnt, i % 2 ? pool : NULL);
    slk_pool_free(pool);
}

/* The sum over the inputs may be the identity, which pairs to one. */
static void inputs_that_cancel(void **state)
{
    (void)state;
    toy_t *toy = toy_new(2);
    slk_diag_t diag;
    slk_fr_t zero = {0};
    slk_fr_sub(&toy->ic[1], &zero, &toy->ic[0]);
    toy_write(toy);
    slk_node_t inputs[2] = {{.b = {1}}, {.b = {1}}};
    uint8_t proofs[2 * 192];
    toy_prove(proofs, toy, inputs, 0);
    toy_prove(proofs + 192, toy, inputs, 1);
    claims_t c = {.proofs = proofs, .inputs = inputs};
    assert_ok(slk_vk_parse(&c.vk, toy->vk, toy->vk_len, "toy", NULL, &diag), diag);
    for (c.cnt = c.input_cnt = 1; c.cnt <= 2; c.cnt++, c.input_cnt++) {
        assert_true(holds(&c, NULL));
        inputs[0].b[0] = 2;
        assert_false(holds(&c, NULL));
        inputs[0].b[0] = 1;
    }
    slk_vk_free(c.vk);
    free(toy);
}

static void miller_loops_agree(void **state)
{
    (void)state;
    enum { CNT = 4 };
    static slk_lines_t lines[CNT];
    blst_p1_affine p[CNT];
    blst_p2_affine q[CNT];
    slk_pair_t pairs[CNT + 1];
    blst_fp12 want = *blst_fp12_one(), got;
    slk_miller(&got, pairs, 0);
    assert_true(blst_fp12_is_one(&got));
    for (size_t n = 0; n < CNT; n++) {
        slk_fr_t x = toy_fr("p", n), y = toy_fr("q", n);
        p[n] = toy_g1(&x);
        q[n] = toy_g2(&y);
        slk_lines(&lines[n], &q[n]);
        blst_fp12 one;
        blst_miller_loop(&one, &q[n], &p[n]);
        blst_fp12_mul(&want, &want, &one);
        for (size_t i = 0; i <= n; i++)
            pairs[i] = (slk_pair_t){&lines[i], p[i]};
        pairs[n + 1] = (slk_pair_t){&lines[0], {{{0}}, {{0}}}};
        slk_miller(&got, pairs, n + 2);
        assert_true(blst_fp12_finalverify(&got, &want));
        assert_false(blst_fp12_finalverify(&got, &one) && n);
    }
}

/* --- What must not pass ----------------------------------------------------------------------- */

static void wrong_lengths(void **state)
{
    (void)state;
    claims_t c = porep_claims();
    size_t n = slk_vk_input_cnt(c.vk);
    bool ok = true;
    slk_diag_t diag;
    static const struct {
        size_t proofs_len, cnt;
    } rows[] = {{0, 1}, {191, 1}, {193, 1}, {384, 1}, {192, 2}, {383, 2}, {385, 2}, {576, 2}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        ok = true;
        assert_ok(slk_groth16_verify(&ok, c.vk, c.proofs, rows[i].proofs_len, rows[i].cnt, c.inputs,
                                     rows[i].cnt * n, NULL, &diag),
                  diag);
        assert_false(ok);
        assert_non_null(strstr(diag.text, "bytes of proof"));
    }
    static const struct {
        size_t cnt;
        int more;
        slk_err_t err;
    } inputs[] = {{1, -1, SLK_ERR_LENGTH},
                  {1, 1, SLK_ERR_LENGTH},
                  {2, -1, SLK_ERR_LENGTH},
                  {0, 0, SLK_ERR_INPUT}};
    for (size_t i = 0; i < SLK_COUNT(inputs); i++) {
        ok = true;
        assert_err(inputs[i].err,
                   slk_groth16_verify(&ok, c.vk, c.proofs, inputs[i].cnt * 192, inputs[i].cnt,
                                      c.inputs, (size_t)((int)(inputs[i].cnt * n) + inputs[i].more),
                                      NULL, &diag));
        assert_false(ok);
    }
    claims_free(&c);
}

/* The same number modulo r in other bytes is no other spelling of an input. */
static void inputs_are_canonical(void **state)
{
    (void)state;
    claims_t c = porep_claims();
    bool ok = true;
    slk_diag_t diag;
    static const char modulus[] =
        "01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73";
    slk_node_t r = node_from_hex(modulus), *input = &inputs_of(&c, 2)[5];
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)input->b[i] + r.b[i];
        input->b[i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_err(SLK_ERR_FIELD, slk_groth16_verify(&ok, c.vk, c.proofs, c.cnt * 192, c.cnt, c.inputs,
                                                 c.input_cnt, NULL, &diag));
    assert_false(ok);
    assert_ptr_equal(strstr(diag.text, "public input 5 of proof 2,"), diag.text);
    claims_free(&c);
}

/* A small generator: the places are the same in every run. */
static uint64_t next_place(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 16;
}

static void flipped_bits_of_proof_and_inputs(void **state)
{
    (void)state;
    claims_t c = post_claims("post/window-2.json", 1);
    uint64_t seed = 4;
    for (size_t i = 0; i < FLIPS; i++) {
        uint64_t bit = next_place(&seed) % (192 * 8);
        c.proofs[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(holds(&c, NULL));
        c.proofs[bit / 8] ^= (uint8_t)(1u << bit % 8);

        bit = next_place(&seed) % (c.input_cnt * 256);
        uint8_t *byte = (uint8_t *)c.inputs + bit / 8;
        bool ok = true;
        *byte ^= (uint8_t)(1u << bit % 8);
        slk_err_t err =
            slk_groth16_verify(&ok, c.vk, c.proofs, 192, 1, c.inputs, c.input_cnt, NULL, NULL);
        assert_true(err == SLK_OK || err == SLK_ERR_FIELD);
        assert_false(ok);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(holds(&c, NULL));
    claims_free(&c);
}

/* Flips that leave a point of the file a point: the other y of each, and points exchanged. */
static void changed_keys(void **state)
{
    (void)state;
    toy_t *toy = toy_new(3);
    slk_node_t inputs[2] = {{.b = {5}}, {.b = {7}}};
    uint8_t proof[192];
    slk_diag_t diag;
    toy_prove(proof, toy, inputs, 0);
    slk_fr_t *secrets[] = {&toy->alpha, &toy->beta,  &toy->gamma, &toy->delta,
                           &toy->ic[0], &toy->ic[1], &toy->ic[2]};
    for (size_t i = 0; i <= SLK_COUNT(secrets); i++) {
        slk_fr_t kept = {0}, zero = {0};
        if (i < SLK_COUNT(secrets)) {
            kept = *secrets[i];
            slk_fr_sub(secrets[i], &zero, &kept);
        }
        toy_write(toy);
        claims_t c = {.proofs = proof, .inputs = inputs, .cnt = 1, .input_cnt = 2};
        assert_ok(slk_vk_parse(&c.vk, toy->vk, toy->vk_len, "toy", NULL, &diag), diag);
        assert_int_equal(holds(&c, NULL), i == SLK_COUNT(secrets));
        slk_vk_free(c.vk);
        if (i < SLK_COUNT(secrets))
            *secrets[i] = kept;
    }
    free(toy);
}

/* --- Times ------------------------------------------------------------------------------------ */

static double best_of(void (*fn)(claims_t *), claims_t *c)
{
    double best = 1e9;
    for (int i = 0; i < 40; i++) {
        double start = slk_clock_seconds();
        fn(c);
        double took = slk_clock_seconds() - start;
        best = took < best ? took : best;
    }
    return best * 1e3;
}

static void time_verify(claims_t *c)
{
    assert_true(holds(c, NULL));
}

static void time_proof_checks(claims_t *c)
{
    assert_int_equal(slk_groth16_check_proofs(c->proofs, c->cnt * 192, c->cnt, NULL), SLK_OK);
}

/* As a plain verifier would: three Miller loops a proof, one final exponentiation. */
static void time_pairings(claims_t *c)
{
    blst_p1_affine p[3] = {c->vk->alpha_g1, c->vk->ic[0], c->vk->delta_g1};
    blst_p2_affine q[3] = {c->vk->beta_g2, c->vk->gamma_g2, c->vk->delta_g2};
    const blst_p1_affine *ps[] = {&p[0], &p[1], &p[2]};
    const blst_p2_affine *qs[] = {&q[0], &q[1], &q[2]};
    for (size_t i = 0; i < c->cnt; i++) {
        blst_fp12 f;
        blst_miller_loop_n(&f, qs, ps, 3);
        assert_false(blst_fp12_finalverify(&f, &c->vk->alpha_beta));
    }
}

static void bench(claims_t c, const char *what)
{
    double all = best_of(time_verify, &c), checks = best_of(time_proof_checks, &c);
    printf("%-28s %2zu proofs %6.3f ms, of this proof points %6.3f ms; blst's pairings one by one "
           "%6.3f ms\n",
           what, c.cnt, all, checks, best_of(time_pairings, &c));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--bench")) {
        claims_t porep = porep_claims(), winning = post_claims("post/winning-1.json", 1);
        claims_t one = porep;
        one.cnt = 1;
        one.input_cnt = slk_vk_input_cnt(porep.vk);
        bench(one, "porep 2KiB");
        bench(porep, "porep 2KiB");
        bench(winning, "winning 2KiB");
        claims_free(&porep);
        claims_free(&winning);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(miller_loops_agree),
        cmocka_unit_test(known_secrets),
        cmocka_unit_test(inputs_that_cancel),
        cmocka_unit_test(single_proofs_of_the_reference),
        cmocka_unit_test(post_and_update_proofs_of_the_reference),
        cmocka_unit_test(batches_of_the_reference),
        cmocka_unit_test(permuted_partitions),
        cmocka_unit_test(each_wrong_proof_is_named),
        cmocka_unit_test(wrong_lengths),
        cmocka_unit_test(inputs_are_canonical),
        cmocka_unit_test(flipped_bits_of_proof_and_inputs),
        cmocka_unit_test(changed_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
