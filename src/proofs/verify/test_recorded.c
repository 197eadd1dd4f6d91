/* Recorded proofs of both sides with keys of both sides (tests/vectors/groth16): selkie's with its own keys and with
 * the reference's, the reference's with selkie's. Then one flipped bit, at 200 places each, of proof, public
 * inputs and verifying key. */

#include "proofs/verify/test_claims.h"

#include "selkie/groth16.h"
#include "selkie/r1cs.h"

#define FLIPS 200u

typedef struct {
    char name[128], keys[512];
    bool seal;
    slk_seal_claim_t sector;
    post_claim_t post;
    uint8_t proof[384];
    size_t len;
} recorded_t;

static recorded_t recorded(const json_t *row)
{
    recorded_t r = {0};
    const char *claim = member(row, "case"), *proof = member(row, "proof");
    snprintf(r.name, sizeof r.name, "%s by %s, keys by %s", claim, member(row, "prover"),
             member(row, "keys"));
    snprintf(r.keys, sizeof r.keys, "%s/%s", SLK_VECTORS, member(row, "keys"));
    r.seal = !strncmp(claim, "seal/", 5);
    if (r.seal) {
        json_t *json;
        r.sector = seal_claim(r.proof, &json, claim + 5);
        json_decref(json);
    } else {
        r.post = post_claim(strchr(claim, '/') + 1);
    }
    r.len = strlen(proof) / 2;
    assert_true(r.len <= sizeof r.proof && slk_hex_decode(r.proof, r.len, proof));
    return r;
}

static bool holds(const recorded_t *r, const char *keys)
{
    bool ok;
    slk_diag_t diag = {""};
    if (r->seal)
        assert_ok(slk_seal_verify(&ok, &r->sector, r->proof, r->len, keys, NULL, &diag), diag);
    else
        assert_ok(slk_post_verify(&ok, &r->post.post, &r->post.randomness, r->post.pub, r->post.cnt,
                                  r->proof, r->len, keys, NULL, &diag),
                  diag);
    return ok;
}

/* Every proof is right with its keys, and with no other keys of its circuit. */
static void proofs(void **state)
{
    (void)state;
    size_t i;
    json_t *json = test_vectors("groth16/proofs.json"), *row;
    assert_true(json_array_size(json) >= 12);
    json_array_foreach(json, i, row)
    {
        static const char *const others[] = {"groth16/selkie", "groth16/reference", "vk"};
        recorded_t r = recorded(row);
        if (!holds(&r, r.keys))
            fail_msg("%s: not valid", r.name);
        for (size_t k = 0; k < SLK_COUNT(others); k++) {
            char keys[512];
            snprintf(keys, sizeof keys, "%s/%s", SLK_VECTORS, others[k]);
            if (strcmp(keys, r.keys) && holds(&r, keys))
                fail_msg("%s: valid with the keys of %s, too", r.name, others[k]);
        }
    }
    json_decref(json);
}

/* --- One flipped bit -------------------------------------------------------------------------- */

static uint64_t draw(const char *name, unsigned n)
{
    char text[64];
    snprintf(text, sizeof text, "%s %u", name, n);
    slk_node_t node = test_bytes32(text);
    return slk_load_le64(node.b);
}

static void flip(void *bytes, size_t len, uint64_t at)
{
    ((uint8_t *)bytes)[at / 8 % len] ^= (uint8_t)(1u << at % 8);
}

/* The public inputs of a proof, to be freed. */
static size_t inputs_of(slk_node_t **out, const recorded_t *r)
{
    slk_diag_t diag;
    if (r->seal) {
        assert_ok(slk_seal_inputs(out, &r->sector, &diag), diag);
        return slk_porep_input_cnt(&r->sector.porep);
    }
    size_t cnt = slk_post_input_cnt(&r->post.post);
    assert_non_null(*out = calloc(cnt, sizeof **out));
    slk_post_inputs(*out, &r->post.post, &r->post.randomness, r->post.pub, r->post.cnt, 0);
    return cnt;
}

static size_t read_vk(uint8_t *out, size_t cap, const recorded_t *r)
{
    char id[SLK_CACHE_ID_SZ], path[4096];
    slk_diag_t diag;
    slk_circuit_kind_t kind = r->seal                                ? SLK_CIRCUIT_POREP
                              : r->post.post.kind == SLK_POST_WINDOW ? SLK_CIRCUIT_WINDOW
                                                                     : SLK_CIRCUIT_WINNING;
    slk_circuit_cache_id(id, kind, slk_size_by_name("2KiB"));
    assert_ok(slk_params_path(path, sizeof path, r->keys, id, SLK_PARAMS_VK, &diag), diag);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, cap, file);
    assert_true(len < cap);
    fclose(file);
    return len;
}

/* Not accepted: either refused for what it is, or a "no". */
static void assert_rejected(const recorded_t *r, const uint8_t *vk_bytes, size_t vk_len,
                            const slk_node_t *inputs, size_t input_cnt, const char *what,
                            unsigned n)
{
    bool ok = false;
    slk_vk_t *vk;
    slk_diag_t diag;
    slk_err_t err = slk_vk_parse(&vk, vk_bytes, vk_len, "vk", NULL, &diag);
    if (err == SLK_OK)
        err = slk_groth16_verify(&ok, vk, r->proof, 192, 1, inputs, input_cnt, NULL, &diag);
    slk_vk_free(vk);
    if (ok)
        fail_msg("%s: still valid after flip %u of %s", r->name, n, what);
    if (err != SLK_OK && err != SLK_ERR_FORMAT && err != SLK_ERR_FIELD && err != SLK_ERR_LENGTH)
        fail_msg("%s: flip %u of %s: %d %s", r->name, n, what, err, diag.text);
}

static void flips(void **state)
{
    (void)state;
    size_t i;
    json_t *json = test_vectors("groth16/proofs.json"), *row;
    json_array_foreach(json, i, row)
    {
        recorded_t r = recorded(row);
        slk_node_t *inputs;
        uint8_t vk[1 << 16];
        if (r.len != 192)
            continue;
        size_t vk_len = read_vk(vk, sizeof vk, &r), input_cnt = inputs_of(&inputs, &r);
        const struct {
            const char *what;
            void *bytes;
            size_t len;
        } parts[] = {{"the proof", r.proof, 192},
                     {"the public inputs", inputs, input_cnt * sizeof *inputs},
                     {"the verifying key", vk, vk_len}};
        /* Every case takes its share of the places, so that together they are 200 of each and more. */
        for (unsigned n = (unsigned)i; n < FLIPS; n += (unsigned)json_array_size(json) / 2)
            for (size_t k = 0; k < SLK_COUNT(parts); k++) {
                uint64_t at = draw(parts[k].what, n);
                flip(parts[k].bytes, parts[k].len, at);
                assert_rejected(&r, vk, vk_len, inputs, input_cnt, parts[k].what, n);
                flip(parts[k].bytes, parts[k].len, at);
            }
        assert_true(holds(&r, r.keys));
        free(inputs);
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs),
        cmocka_unit_test(flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
