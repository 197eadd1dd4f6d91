/* selkie seal verify, post verify and params list, as their users see them. */

#include "app/test_run.h"

#include "base/assert.h"

#define KEYS "FIL_PROOFS_PARAMETER_CACHE='" SLK_VECTORS "/vk'"

static void write_proof(const json_t *json)
{
    uint8_t proof[4 * 192];
    const char *hex = text_of(json, "proof");
    size_t len = strlen(hex) / 2;
    assert_true(len <= sizeof proof && slk_hex_decode(proof, len, hex));
    write_bytes("proof", proof, len);
}

/* A "no": the answer on standard output, the reason on standard error. */
static void assert_no(const char *reason)
{
    assert_status(1);
    assert_string_equal(last.out, "{\"valid\":false}\n");
    assert_has(last.err, reason);
}

static void assert_yes(void)
{
    assert_status(0);
    assert_string_equal(last.out, "{\"valid\":true}\n");
    assert_string_equal(last.err, "");
}

#define OTHER_PROOF "proof 0 of 1 belongs to other public inputs or another key, or is wrong"

/* --- seal verify ---------------------------------------------------------------------------- */

enum { MINER, SECTOR, TICKET, SEED, COMM_D, COMM_R, POREP, SIZE, FIELD_CNT };
static const char *const fields[FIELD_CNT][2] = {
    {"miner", "miner"},   {"sector", "sector"}, {"ticket", "ticket"}, {"seed", "seed"},
    {"comm_d", "comm-d"}, {"comm_r", "comm-r"}, {"feature", "porep"}, {"size", "size"}};

/* The options of a recorded case, one of them replaced (field FIELD_CNT: none). */
static const char *seal_options(const json_t *json, unsigned field, const char *value)
{
    static char text[1024];
    size_t used = 0;
    for (unsigned i = 0; i < FIELD_CNT; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "--%s %s ", fields[i][1],
                                 i == field ? value : text_of(json, fields[i][0]));
    assert_true(used < sizeof text);
    return text;
}

static void test_seals(void **state)
{
    (void)state;
    static const char *const cases[] = {"2k-cc-v1",      "2k-cc-v1_1",   "2k-cc-synth",
                                        "2k-data-synth", "2k-data-v1_1", "2k-far-v1_1"};
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        char name[64];
        snprintf(name, sizeof name, "seal/%s.json", cases[i]);
        json_t *json = test_vectors(name);
        write_proof(json);
        sh(KEYS " \"$S\" seal verify proof %s --json", seal_options(json, FIELD_CNT, NULL));
        assert_yes();
        json_decref(json);
    }
}

static void test_wrong_seals(void **state)
{
    (void)state;
    json_t *json = test_vectors("seal/2k-cc-v1_1.json");
    const char *zero = "0000000000000000000000000000000000000000000000000000000000000000",
               *one = "0100000000000000000000000000000000000000000000000000000000000000";
    const struct {
        unsigned field;
        const char *value;
    } rows[] = {{MINER, "f01001"}, {SECTOR, "2"}, {TICKET, one}, {SEED, one},
                {COMM_D, one},     {COMM_R, one}, {POREP, "v1"}, {POREP, "synth"}};
    write_proof(json);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        sh(KEYS " \"$S\" seal verify %s proof --json",
           seal_options(json, rows[i].field, rows[i].value));
        assert_no(OTHER_PROOF);
    }
    sh(KEYS " \"$S\" seal verify %s proof --json", seal_options(json, COMM_R, zero));
    assert_failed(1, "comm_r is all zero");
    sh(KEYS " \"$S\" seal verify %s proof --json", seal_options(json, POREP, "ni"));
    assert_failed(1, "is an aggregate");
    sh(KEYS " \"$S\" seal verify %s proof --json", seal_options(json, SIZE, "8MiB"));
    assert_failed(1, SLK_VECTORS "/vk/v28-stacked-proof-of-replication-");
    assert_has(last.err, "selkie params fetch");
    json_decref(json);
}

static void test_proof_files(void **state)
{
    (void)state;
    static const struct {
        const char *make, *reason;
    } rows[] = {
        {"head -c 191 proof >other", "191 bytes of proof"},
        {": >other", "0 bytes of proof"},
        {"cat proof proof >other", "384 bytes of proof"},
        {"head -c 192 /dev/zero >other", "proof 0"},
        {"{ head -c 96 proof; tail -c 48 proof; tail -c 48 proof; } >other", "proof 0"},
        {"{ tail -c 48 proof; tail -c +49 proof | head -c 96; head -c 48 proof; } >other",
         OTHER_PROOF},
    };
    json_t *json = test_vectors("seal/2k-data-v1_1.json");
    const char *options = seal_options(json, FIELD_CNT, NULL);
    write_proof(json);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        sh("%s && " KEYS " \"$S\" seal verify %s other --json", rows[i].make, options);
        assert_no(rows[i].reason);
    }
    for (unsigned bit = 3; bit < 192 * 8; bit += 211) {
        uint8_t proof[192];
        assert_true(slk_hex_decode(proof, sizeof proof, text_of(json, "proof")));
        proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_bytes("other", proof, sizeof proof);
        sh(KEYS " \"$S\" seal verify %s other --json", options);
        assert_no("proof 0");
    }
    sh(KEYS " \"$S\" seal verify %s missing --json", options);
    assert_failed(1, "missing");
    sh(KEYS " \"$S\" seal verify %s . --json", options);
    assert_failed(1, "not a regular file");
    sh(KEYS " \"$S\" seal verify %s --json", options);
    assert_failed(2, "PROOF");
    json_decref(json);
}

/* A damaged key is no reason to call a proof wrong; a missing one is named with what to do. */
static void test_keys(void **state)
{
    (void)state;
    json_t *json = test_vectors("seal/2k-cc-v1_1.json");
    const char *options = seal_options(json, FIELD_CNT, NULL);
    write_proof(json);
    sh("mkdir none && FIL_PROOFS_PARAMETER_CACHE=none \"$S\" seal verify %s proof --json", options);
    assert_failed(1, "none/v28-stacked-proof-of-replication-merkletree-poseidon_hasher-8-0-0-"
                     "sha256_hasher-"
                     "032d3138d22506ec0082ed72b2dcba18df18477904e35bafee82b3793b06832f.vk");
    assert_has(last.err, "selkie params generate");
    sh("cp -r '" SLK_VECTORS "/vk' keys && chmod -R u+w keys && "
       "for f in keys/*; do head -c 1000 \"$f\" >x && mv x \"$f\"; done; "
       "FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" seal verify %s proof --json",
       options);
    assert_failed(1, "keys/v28-stacked");
    sh("rm -r keys && mkdir keys && for f in '" SLK_VECTORS "'/vk/*; do { head -c 70 \"$f\"; "
       "printf x; tail -c +72 \"$f\"; } >keys/\"${f##*/}\"; done; "
       "FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" seal verify %s proof --json",
       options);
    assert_failed(1, "keys/v28-stacked");
    json_decref(json);
}

/* --- post verify ---------------------------------------------------------------------------- */

typedef struct {
    json_t *json;
    const char *kind, *randomness;
} post_case_t;

/* Writes the proof, and the list as replicas.json. */
static post_case_t post_case(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "post/%s.json", name);
    post_case_t c = {.json = test_vectors(file)};
    c.kind = text_of(c.json, "kind");
    c.randomness = text_of(c.json, "randomness");
    write_proof(c.json);
    char *text = json_dumps(json_object_get(c.json, "replicas"), 0);
    write_bytes("replicas.json", text, strlen(text));
    free(text);
    return c;
}

static void verify_post(const post_case_t *c, const char *randomness)
{
    sh(KEYS " \"$S\" post verify --kind %s --size 2KiB --miner f01000 --randomness %s "
            "--replicas replicas.json proof --json",
       c->kind, randomness);
}

/* Write the list with the rows of `order` ("201"), in sector 0's case its comm_r changed. */
static void write_order(const post_case_t *c, const char *order)
{
    json_t *list = json_array(), *rows = json_object_get(c->json, "replicas");
    for (; *order; order++)
        json_array_append(list, json_array_get(rows, (size_t)(*order - '0')));
    char *text = json_dumps(list, 0);
    write_bytes("replicas.json", text, strlen(text));
    free(text);
    json_decref(list);
}

static void test_posts(void **state)
{
    (void)state;
    static const char *const cases[] = {"window-1", "window-2", "window-3", "winning-1"};
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        post_case_t c = post_case(cases[i]);
        verify_post(&c, c.randomness);
        assert_yes();
        char other[65];
        strcpy(other, c.randomness);
        other[0] = other[0] == 'a' ? 'b' : 'a';
        verify_post(&c, other);
        assert_no("belongs to other public inputs");
        sh("head -c -1 proof >x && mv x proof");
        verify_post(&c, c.randomness);
        assert_no("bytes of proof");
        json_decref(c.json);
    }
}

/* Order and repetition do not count, nor do the two top bits of the randomness. */
static void test_lists(void **state)
{
    (void)state;
    post_case_t c = post_case("window-3");
    static const char *const good[] = {"012", "210", "120", "20112"};
    static const struct {
        const char *order, *reason;
    } bad[] = {{"01", "384 bytes of proof"}, {"0", "384 bytes of proof"}, {"", "at least one"}};
    for (size_t i = 0; i < SLK_COUNT(good); i++) {
        write_order(&c, good[i]);
        verify_post(&c, c.randomness);
        assert_yes();
    }
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        write_order(&c, bad[i].order);
        verify_post(&c, c.randomness);
        assert_status(1);
        assert_has(last.err, bad[i].reason);
    }
    write_order(&c, "012");
    char top[65];
    strcpy(top, c.randomness);
    assert_true(top[62] >= '0' && top[62] <= '3');
    top[62] = "cdef"[top[62] - '0'];
    verify_post(&c, top);
    assert_yes();
    top[62] = '4' == c.randomness[62] ? '5' : (char)('0' + ((c.randomness[62] - '0') ^ 1));
    verify_post(&c, top);
    assert_no("selkie post verify: proof: proof 0 of 2");
    sh("sed -i 's/d9fa808f/d9fa808e/' replicas.json");
    verify_post(&c, c.randomness);
    assert_no("belongs to other public inputs");
    sh("{ tail -c 192 proof; head -c 192 proof; } >x && mv x proof");
    write_order(&c, "012");
    verify_post(&c, c.randomness);
    assert_no("proof 0 of 2");
    c.kind = "winning";
    verify_post(&c, c.randomness);
    assert_failed(1, "a winning proof is of one sector, found 3");
    json_decref(c.json);
}

/* Of the list only sector and comm_r are read; people get a line. */
static void test_post_words(void **state)
{
    (void)state;
    post_case_t c = post_case("winning-1");
    sh("printf '[{\"cache\":7,\"comm_r\":\"%s\",\"sector\":1}]' >replicas.json; " KEYS
       " \"$S\" post verify --kind winning --size 2KiB --randomness %s proof --replicas "
       "replicas.json",
       text_of(json_array_get(json_object_get(c.json, "replicas"), 0), "comm_r"), c.randomness);
    assert_status(0);
    assert_string_equal(last.out, "valid  yes\n");
    sh(KEYS " \"$S\" post verify --kind winning --size 512MiB --randomness %s proof --replicas "
            "replicas.json",
       c.randomness);
    assert_failed(1, "/vk/v28-proof-of-spacetime-fallback-");
    sh("\"$S\" post verify --kind winning --size 2KiB --randomness %s --replicas replicas.json",
       c.randomness);
    assert_failed(2, "PROOF");
    json_decref(c.json);
}

/* --- params list ---------------------------------------------------------------------------- */

static const json_t *row_of(const json_t *rows, const char *circuit, const char *size)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (json_is_string(json_object_get(row, "circuit")) &&
            !strcmp(text_of(row, "circuit"), circuit) && !strcmp(text_of(row, "size"), size))
            return row;
    }
    return NULL;
}

static void test_list(void **state)
{
    (void)state;
    static const char *const circuits[] = {"porep", "winning", "window"};
    static const uint64_t vk_sizes[] = {4708, 13636, 3076};
    sh(KEYS " \"$S\" params list --json");
    assert_status(0);
    json_t *rows = test_json();
    assert_int_equal(json_array_size(rows), 3 * 5 + 1);
    for (size_t i = 0; i < SLK_COUNT(circuits); i++) {
        const json_t *row = row_of(rows, circuits[i], "2KiB");
        assert_int_equal(num_of(row, "vk_size"), vk_sizes[i]);
        assert_true(json_is_true(json_object_get(row, "vk")));
        assert_true(json_is_false(json_object_get(row, "params")));
        assert_true(json_is_null(json_object_get(row, "params_size")));
        row = row_of(rows, circuits[i], "32GiB");
        assert_true(json_is_false(json_object_get(row, "vk")));
        assert_null(row_of(rows, circuits[i], "4KiB"));
    }
    const json_t *other = json_array_get(rows, 3 * 5);
    assert_string_equal(text_of(other, "circuit"), "update");
    assert_string_equal(text_of(other, "size"), "2KiB");
    assert_int_equal(num_of(other, "vk_size"), 1348);
    assert_memory_equal(text_of(other, "cache_identifier"), "empty-sector-update-", 20);
    json_decref(rows);

    sh("FIL_PROOFS_PARAMETER_CACHE=none \"$S\" params list --json");
    assert_status(0);
    rows = test_json();
    assert_int_equal(json_array_size(rows), 3 * 5);
    json_decref(rows);

    sh("mkdir some && cd some && printf 12345 >v28-x.params && printf 1 >v28-x.vk && : >v28-.vk && "
       ": >'v28-A b.vk' && : >v28-y.srs && "
       ": >\"v28-$(\"$S\" params r1cs --size 4KiB --circuit window --json | "
       "sed 's/.*cache_identifier\":\"//; s/\".*//').params\" && "
       "FIL_PROOFS_PARAMETER_CACHE=. \"$S\" params list --json");
    assert_status(0);
    rows = test_json();
    assert_int_equal(json_array_size(rows), 3 * 5 + 2);
    assert_int_equal(num_of(row_of(rows, "window", "4KiB"), "params_size"), 0);
    other = json_array_get(rows, 3 * 5 + 1);
    assert_true(json_is_null(json_object_get(other, "circuit")));
    assert_string_equal(text_of(other, "cache_identifier"), "x");
    assert_int_equal(num_of(other, "params_size"), 5);
    assert_int_equal(num_of(other, "vk_size"), 1);
    json_decref(rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_seals), TEST(test_wrong_seals), TEST(test_proof_files), TEST(test_keys),
        TEST(test_posts), TEST(test_lists),       TEST(test_post_words),  TEST(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
