/* Kinds, challenges, partitions and the bytes of vanilla proofs; answers of tests/vectors/post and
 * of published runs (spec/proofs-vanilla-2.md 9.3, 12.1, 12.2). */

#include "test_util.h"

#include "base/assert.h"
#include "selkie/post.h"

static const char *const cases[] = {"window-1", "window-2", "window-3", "winning-1"};

static slk_post_t post_of(const char *size, slk_post_kind_t kind)
{
    slk_post_t post;
    slk_diag_t diag;
    slk_api_version_t version = kind == SLK_POST_WINDOW ? SLK_API_V1_2 : SLK_API_V1_0;
    assert_ok(slk_post_make(&post, slk_size_by_name(size), kind, version, &diag), diag);
    return post;
}

static json_t *load_case(const char *name, slk_post_t *post)
{
    char file[64];
    snprintf(file, sizeof file, "post/%s.json", name);
    json_t *json = test_vectors(file);
    bool window = strcmp(json_string_value(json_object_get(json, "kind")), "window") == 0;
    *post = post_of(json_string_value(json_object_get(json, "size")),
                    window ? SLK_POST_WINDOW : SLK_POST_WINNING);
    return json;
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        int id;
        const char *name, *size;
        slk_post_kind_t kind;
        slk_api_version_t version;
        uint32_t sectors, challenges;
    } rows[] = {
        {0, "StackedDrgWinning2KiBV1", "2KiB", SLK_POST_WINNING, SLK_API_V1_0, 1, 66},
        {4, "StackedDrgWinning64GiBV1", "64GiB", SLK_POST_WINNING, SLK_API_V1_0, 1, 66},
        {5, "StackedDrgWindow2KiBV1", "2KiB", SLK_POST_WINDOW, SLK_API_V1_0, 2, 10},
        {7, "StackedDrgWindow512MiBV1", "512MiB", SLK_POST_WINDOW, SLK_API_V1_0, 2, 10},
        {8, "StackedDrgWindow32GiBV1", "32GiB", SLK_POST_WINDOW, SLK_API_V1_0, 2349, 10},
        {11, "StackedDrgWindow8MiBV1_1", "8MiB", SLK_POST_WINDOW, SLK_API_V1_2, 2, 10},
        {14, "StackedDrgWindow64GiBV1_1", "64GiB", SLK_POST_WINDOW, SLK_API_V1_2, 2300, 10},
    };
    slk_post_t post;
    slk_diag_t diag;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        assert_ok(slk_post_by_id(&post, rows[i].id, &diag), diag);
        assert_int_equal(post.registered, rows[i].id);
        assert_string_equal(post.name, rows[i].name);
        assert_ptr_equal(post.size, slk_size_by_name(rows[i].size));
        assert_int_equal(post.kind, rows[i].kind);
        assert_int_equal(post.version, rows[i].version);
        assert_int_equal(post.sectors, rows[i].sectors);
        assert_int_equal(post.challenges, rows[i].challenges);
    }
    for (int id = 0; id < 15; id++) {
        assert_ok(slk_post_by_id(&post, id, &diag), diag);
        assert_int_equal(post.registered, id);
    }
    assert_err(SLK_ERR_INPUT, slk_post_by_id(&post, 15, &diag));
    assert_err(SLK_ERR_INPUT, slk_post_by_id(&post, -1, &diag));
    assert_err(SLK_ERR_INPUT, slk_post_make(&post, slk_size_by_name("2KiB"), SLK_POST_WINNING,
                                            SLK_API_V1_2, &diag));
    post = post_of("16KiB", SLK_POST_WINDOW);
    assert_int_equal(post.registered, -1);
    assert_string_equal(post.name, "");
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *size;
        size_t window, winning;
    } rows[] = {{"2KiB", 5680, 36816},    {"4KiB", 6240, 40512},   {"16KiB", 8160, 53184},
                {"32KiB", 8720, 56880},   {"8MiB", 15280, 100176}, {"512MiB", 20080, 131856},
                {"32GiB", 24960, 164064}, {"64GiB", 25520, 167760}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        assert_int_equal(slk_post_vanilla_sz(slk_size_by_name(rows[i].size), 10), rows[i].window);
        assert_int_equal(slk_post_vanilla_sz(slk_size_by_name(rows[i].size), 66), rows[i].winning);
    }
}

/* --- Challenges ----------------------------------------------------------------------------- */

static void expect_leaves(const slk_post_t *post, const slk_node_t *randomness, uint64_t sector,
                          uint64_t position, const uint64_t *want, size_t cnt)
{
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
    slk_post_leaves(leaves, post, randomness, sector, position);
    for (size_t i = 0; i < cnt; i++)
        assert_int_equal(leaves[i], want[i]);
}

static void test_leaves(void **state)
{
    (void)state;
    static const slk_node_t zero;
    static const uint64_t curio[] = {707914199, 439148358,  967788220, 548708700,  1061661429,
                                     6202012,   1055504637, 389535735, 1000069704, 600088878};
    static const uint64_t one[] = {23, 6, 60, 28, 53, 28, 61, 55, 8, 46};
    static const uint64_t two[] = {0, 15, 34, 37, 58, 36, 11, 39, 61, 7};
    slk_post_t post = post_of("32GiB", SLK_POST_WINDOW);
    expect_leaves(&post, &zero, 1, 0, curio, 10);
    expect_leaves(&post, &zero, 1, 5, curio, 10);
    post = post_of("2KiB", SLK_POST_WINDOW);
    expect_leaves(&post, &zero, 1, 0, one, 10);
    expect_leaves(&post, &zero, 2, 0, two, 10);
    post = post_of("2KiB", SLK_POST_WINNING);
    expect_leaves(&post, &zero, 1, 0, one, 10);
}

/* Version 1.0 goes on counting over the sectors: sector at position p begins with challenge 10 p.
 */
static void test_leaves_by_position(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_post_t old, winning = post_of("32GiB", SLK_POST_WINNING);
    slk_node_t randomness = test_bytes32("post position");
    uint64_t all[SLK_POST_CHALLENGES_MAX];
    assert_ok(slk_post_by_id(&old, 8, &diag), diag);
    slk_post_randomness(&randomness);
    slk_post_leaves(all, &winning, &randomness, 77, 0); /* indexes 0 to 65 */
    for (uint64_t p = 0; p < 6; p++)
        expect_leaves(&old, &randomness, 77, p, all + 10 * p, 10);
}

static void test_recorded_challenges(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        slk_post_t post;
        slk_diag_t diag;
        json_t *json = load_case(cases[i], &post), *row;
        json_t *sectors = json_object_get(json, "sectors");
        slk_node_t randomness =
            node_from_hex(json_string_value(json_object_get(json, "randomness")));
        uint64_t ids[4] = {0}, out[4], leaves[4 * SLK_POST_CHALLENGES_MAX];
        size_t at, n, cnt = json_array_size(sectors), got;
        /* given backwards and the first one twice: the answer is ascending and has each once */
        json_array_foreach(sectors, at, row)
        {
            ids[cnt - 1 - at] = (uint64_t)json_integer_value(json_object_get(row, "sector"));
        }
        ids[cnt] = ids[0];
        assert_ok(
            slk_post_sector_challenges(out, leaves, &got, &post, &randomness, ids, cnt + 1, &diag),
            diag);
        assert_int_equal(got, cnt);
        json_array_foreach(sectors, at, row)
        {
            json_t *want = json_object_get(row, "challenges"), *leaf;
            assert_int_equal(out[at], json_integer_value(json_object_get(row, "sector")));
            assert_int_equal(json_array_size(want), post.challenges);
            json_array_foreach(want, n, leaf)
            {
                assert_int_equal(leaves[at * post.challenges + n], json_integer_value(leaf));
            }
        }
        json_decref(json);
    }
}

static void test_bad_challenges(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_node_t randomness;
    slk_post_t post = post_of("2KiB", SLK_POST_WINDOW);
    uint64_t sector = 1, out, leaves[10];
    size_t cnt;
    memset(randomness.b, 0xff, 32);
    assert_err(SLK_ERR_FIELD, slk_post_sector_challenges(&out, leaves, &cnt, &post, &randomness,
                                                         &sector, 1, &diag));
    slk_post_randomness(&randomness);
    assert_int_equal(randomness.b[31], 0x3f);
    assert_ok(slk_post_sector_challenges(&out, leaves, &cnt, &post, &randomness, &sector, 1, &diag),
              diag);
    assert_err(SLK_ERR_INPUT, slk_post_sector_challenges(&out, leaves, &cnt, &post, &randomness,
                                                         &sector, 0, &diag));
}

/* A repeated sector of a V1_0 window keeps the leaves of its last position. */
static void test_repeated_sector(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_post_t post;
    slk_node_t randomness = {{1}};
    uint64_t sectors[] = {9, 4, 9}, out[3], leaves[30], want[10];
    size_t cnt;
    assert_ok(slk_post_by_id(&post, 5, &diag), diag);
    assert_ok(slk_post_sector_challenges(out, leaves, &cnt, &post, &randomness, sectors, 3, &diag),
              diag);
    assert_int_equal(cnt, 2);
    assert_int_equal(out[0], 4);
    assert_int_equal(out[1], 9);
    slk_post_leaves(want, &post, &randomness, 9, 2);
    assert_memory_equal(leaves + 10, want, sizeof want);
}

static void test_winning_sector(void **state)
{
    (void)state;
    slk_node_t prover, randomness;
    memset(randomness.b, 1, 32);
    slk_prover_id(&prover, 1000);
    assert_int_equal(slk_post_winning_sector(&prover, &randomness, 0, 1), 0);
    assert_int_equal(slk_post_winning_sector(&prover, &randomness, 0, 10), 6);
    assert_int_equal(slk_post_winning_sector(&prover, &randomness, 0, 1000), 596);
    json_t *json = test_vectors("post/winning-1.json");
    randomness = node_from_hex(json_string_value(json_object_get(json, "randomness")));
    assert_int_equal(
        slk_post_winning_sector(&prover, &randomness, 0, 1000),
        json_integer_value(json_array_get(json_object_get(json, "sector_challenge_of_1000"), 0)));
    json_decref(json);
}

/* --- Partitions ----------------------------------------------------------------------------- */

static void test_partitions(void **state)
{
    (void)state;
    slk_post_t post = post_of("32GiB", SLK_POST_WINDOW);
    assert_int_equal(slk_post_partition_cnt(&post, 0), 1);
    assert_int_equal(slk_post_partition_cnt(&post, 1), 1);
    assert_int_equal(slk_post_partition_cnt(&post, 2349), 1);
    assert_int_equal(slk_post_partition_cnt(&post, 2350), 2);
    assert_int_equal(slk_post_place_cnt(&post), 2349);
    assert_int_equal(slk_post_place_paths(&post), 10);
    slk_post_place_t place = slk_post_place(&post, 2000, 1999);
    assert_true(place.sector == 1999 && place.first == 0 && !place.padding);
    place = slk_post_place(&post, 2000, 2348);
    assert_true(place.sector == 1999 && place.first == 0 && place.padding);
    post = post_of("2KiB", SLK_POST_WINNING);
    assert_int_equal(slk_post_place_cnt(&post), 66);
    assert_int_equal(slk_post_place_paths(&post), 1);
    place = slk_post_place(&post, 1, 65);
    assert_true(place.sector == 0 && place.first == 65 && !place.padding);
}

/* --- Recorded proofs ------------------------------------------------------------------------ */

typedef struct {
    slk_post_t post;
    slk_node_t randomness;
    size_t cnt;
    slk_post_public_t pub[3];
    slk_post_vanilla_t proofs[3];
    uint8_t *bytes[3];
    size_t len;
} record_t;

static void record_load(record_t *r, const char *name)
{
    slk_diag_t diag;
    memset(r, 0, sizeof *r);
    json_t *json = load_case(name, &r->post), *row;
    r->randomness = node_from_hex(json_string_value(json_object_get(json, "randomness")));
    json_t *sectors = json_object_get(json, "sectors");
    r->cnt = json_array_size(sectors);
    r->len = slk_post_vanilla_sz(r->post.size, r->post.challenges);
    for (size_t i = 0; i < r->cnt; i++) {
        row = json_array_get(sectors, i);
        r->bytes[i] = malloc(r->len);
        assert_non_null(r->bytes[i]);
        assert_true(slk_hex_decode(r->bytes[i], r->len,
                                   json_string_value(json_object_get(row, "vanilla"))));
        assert_ok(slk_post_vanilla_parse(&r->proofs[i], r->post.size, r->bytes[i], r->len, &diag),
                  diag);
        r->pub[i].sector = (uint64_t)json_integer_value(json_object_get(row, "sector"));
        row = json_array_get(json_object_get(json, "replicas"), i);
        r->pub[i].comm_r = node_from_hex(json_string_value(json_object_get(row, "comm_r")));
    }
    json_decref(json);
}

static void record_free(record_t *r)
{
    for (size_t i = 0; i < r->cnt; i++)
        free(r->bytes[i]);
}

static bool record_verify(record_t *r, uint32_t partition, slk_diag_t *diag)
{
    size_t first = partition * r->post.sectors, cnt = r->cnt - first;
    bool ok;
    if (cnt > r->post.sectors)
        cnt = r->post.sectors;
    assert_ok(slk_post_vanilla_verify(&ok, &r->post, &r->randomness, r->pub + first,
                                      r->proofs + first, cnt, partition, NULL, diag),
              *diag);
    return ok;
}

static void test_recorded_proofs(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        record_t r;
        slk_diag_t diag;
        record_load(&r, cases[i]);
        for (uint32_t k = 0; k < slk_post_partition_cnt(&r.post, r.cnt); k++) {
            if (!record_verify(&r, k, &diag))
                fail_msg("%s: %s", cases[i], diag.text);
        }
        record_free(&r);
    }
}

static void expect_no(record_t *r, const char *part)
{
    slk_diag_t diag = {""};
    assert_false(record_verify(r, 0, &diag));
    if (!strstr(diag.text, part))
        fail_msg("'%s' is not in: %s", part, diag.text);
}

static void test_refusals(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    record_load(&r, "window-2");
    r.randomness.b[0] ^= 1;
    expect_no(&r, "expected leaf");
    r.randomness.b[0] ^= 1;
    r.pub[1].comm_r.b[0] ^= 1;
    expect_no(&r, "sector 1: comm_r is");
    r.pub[1].comm_r.b[0] ^= 1;
    r.pub[0].sector = 7;
    expect_no(&r, "expected the one of sector 7");
    r.pub[0].sector = 0;
    r.proofs[1].comm_c.b[0] ^= 1;
    expect_no(&r, "sector 1: comm_c and comm_r_last");
    r.proofs[1].comm_c.b[0] ^= 1;
    r.proofs[0].cnt = 9;
    expect_no(&r, "9 inclusion proofs, expected 10");
    r.proofs[0].cnt = 10;
    slk_post_public_t pub = r.pub[0];
    slk_post_vanilla_t proof = r.proofs[0];
    r.pub[0] = r.pub[1], r.pub[1] = pub;
    expect_no(&r, "expected the one of sector 1");
    r.proofs[0] = r.proofs[1], r.proofs[1] = proof;
    assert_true(record_verify(&r, 0, &diag)); /* V1_2: any order */
    bool ok;
    assert_err(SLK_ERR_INPUT, slk_post_vanilla_verify(&ok, &r.post, &r.randomness, r.pub, r.proofs,
                                                      0, 0, NULL, &diag));
    assert_err(SLK_ERR_INPUT, slk_post_vanilla_verify(&ok, &r.post, &r.randomness, r.pub, r.proofs,
                                                      3, 0, NULL, &diag));
    record_free(&r);
}

/* No byte can change: the parser or the verifier refuses it. */
static void test_every_byte(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    size_t parsed = 0, refused = 0;
    record_load(&r, "window-1");
    for (size_t at = 0; at < r.len; at++) {
        uint8_t keep = r.bytes[0][at];
        r.bytes[0][at] ^= (uint8_t)(1u << at % 5);
        if (slk_post_vanilla_parse(&r.proofs[0], r.post.size, r.bytes[0], r.len, &diag) != SLK_OK) {
            refused++;
        } else {
            parsed++;
            if (record_verify(&r, 0, &diag))
                fail_msg("accepted with another byte at %zu", at);
        }
        r.bytes[0][at] = keep;
    }
    assert_true(parsed > 3000 && refused > 400);
    record_free(&r);
}

static void test_bad_bytes(void **state)
{
    (void)state;
    record_t r;
    slk_diag_t diag;
    slk_post_vanilla_t out;
    record_load(&r, "window-1");
    const slk_size_t *size = r.post.size;
    uint8_t *bytes = r.bytes[0];
    const size_t bad_lengths[] = {0, 8, 119, 120, r.len - 1, r.len - 556 - 1};
    for (size_t i = 0; i < SLK_COUNT(bad_lengths); i++)
        assert_err(SLK_ERR_LENGTH,
                   slk_post_vanilla_parse(&out, size, bytes, bad_lengths[i], &diag));
    assert_err(SLK_ERR_FORMAT,
               slk_post_vanilla_parse(&out, size, bytes, r.len - 556, &diag)); /* count */
    assert_err(SLK_ERR_LENGTH,
               slk_post_vanilla_parse(&out, slk_size_by_name("4KiB"), bytes, r.len, &diag));
    size_t long_len = slk_post_vanilla_sz(size, 67);
    uint8_t *longer = calloc(1, long_len);
    assert_non_null(longer);
    assert_err(SLK_ERR_LENGTH, slk_post_vanilla_parse(&out, size, longer, long_len, &diag));
    free(longer);
    /* number of sectors, of proofs, kind, levels, siblings, and a node above the modulus */
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } rows[] = {{40, 2, "number of sectors"},
                {48, 66, "number of inclusion proofs"},
                {56, 1, "kind of the tree"},
                {56 + 68, 3, "number of levels"},
                {56 + 76, 8, "number of siblings"},
                {56 + 76 + 8 + 224, 8, "position 8 among 8"},
                {56 + 76 + 8 + 31, 0xff, "not below the field's modulus"}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        uint8_t keep = bytes[rows[i].at];
        bytes[rows[i].at] = rows[i].value;
        assert_err(SLK_ERR_FORMAT, slk_post_vanilla_parse(&out, size, bytes, r.len, &diag));
        if (!strstr(diag.text, rows[i].what))
            fail_msg("'%s' is not in: %s", rows[i].what, diag.text);
        bytes[rows[i].at] = keep;
    }
    assert_ok(slk_post_vanilla_parse(&out, size, bytes, r.len, &diag), diag);
    record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_leaves_by_position),
        cmocka_unit_test(test_recorded_challenges),
        cmocka_unit_test(test_bad_challenges),
        cmocka_unit_test(test_repeated_sector),
        cmocka_unit_test(test_winning_sector),
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_recorded_proofs),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_bad_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
