#include "codec/bitfield.h"
#include "codec/json.h"

#include "test_util.h"

static slk_arena_t arena;
static slk_diag_t diag;

static int set_up(void **state)
{
    (void)state;
    slk_arena_init(&arena, (size_t)256 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    slk_arena_free(&arena);
    return 0;
}

static slk_bitfield_t of_bits(const uint64_t *bits, size_t cnt)
{
    slk_bitfield_t set;
    assert_ok(slk_bitfield_from_bits(&set, bits, cnt, &arena), diag);
    return set;
}

#define SET(...)                                                                                   \
    of_bits((uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static slk_bitfield_t range(uint64_t first, uint64_t cnt)
{
    slk_bitfield_t set;
    assert_ok(slk_bitfield_from_range(&set, first, cnt, &arena), diag);
    return set;
}

static void assert_set(const slk_bitfield_t *set, const slk_bitfield_t *want)
{
    assert_true(slk_bitfield_equal(set, want));
}

static void assert_rle(const slk_bitfield_t *set, const char *hex)
{
    slk_buf_t buf = {0};
    assert_ok(slk_bitfield_put(&buf, set, &diag), diag);
    char got[512];
    assert_true(buf.len < sizeof got / 2);
    slk_hex_encode(got, buf.bytes, buf.len);
    assert_string_equal(got, hex);
    slk_bitfield_t back;
    assert_ok(slk_bitfield_decode(&back, buf.bytes, buf.len, &arena, &diag), diag);
    assert_set(&back, set);
    slk_buf_free(&buf);
}

static void assert_json(const slk_bitfield_t *set, const char *text)
{
    json_t *json = slk_bitfield_to_json(set);
    char *got = slk_json_dump(json, JSON_COMPACT);
    assert_string_equal(got, text);
    free(got);
    slk_bitfield_t back;
    assert_ok(slk_bitfield_from_json(&back, json, &arena, &diag), diag);
    assert_set(&back, set);
    json_decref(json);
}

/* --- Known answers ---------------------------------------------------------------------------- */

/* The table of the specification; the reference encoding in the tests of go-bitfield (MIT and
 * Apache-2.0), rle/rleplus_test.go. */
static void known_answers(void **state)
{
    (void)state;
    slk_bitfield_t empty = {0}, ten = range(10, 20), most = range(0, UINT64_MAX);
    slk_bitfield_t zero = SET(0), one = SET(1), five = SET(5), thousand = SET(1000);
    slk_bitfield_t some = SET(9, 8, 2, 1, 0, 8);
    slk_bitfield_t other =
        SET(0, 2, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
    assert_rle(&empty, "");
    assert_rle(&zero, "0c");
    assert_rle(&one, "18");
    assert_rle(&some, "742c05");
    assert_rle(&five, "b002");
    assert_rle(&ten, "50a1");
    assert_rle(&thousand, "00fd20");
    assert_rle(&other, "7c472202");
    assert_rle(&most, "e4ffffffffffffffff3f");
    assert_json(&empty, "[0]");
    assert_json(&some, "[0,3,5,2]");
    assert_json(&ten, "[10,20]");
    assert_json(&most, "[0,18446744073709551615]");
    uint64_t bit;
    assert_true(slk_bitfield_last(&most, &bit));
    assert_true(bit == SLK_BIT_MAX);
}

/* Sector numbers allocated on a recorded chain: the state keeps the bitfield as a block of its
 * own. */
static void recorded(void **state)
{
    (void)state;
    json_t *list = test_vectors("ipld/bitfields.json");
    size_t i;
    json_t *item;
    assert_int_equal(json_array_size(list), 4);
    json_array_foreach(list, i, item)
    {
        slk_bitfield_t set, back;
        slk_buf_t buf = {0};
        assert_ok(slk_bitfield_from_json(&set, json_object_get(item, "json"), &arena, &diag), diag);
        assert_ok(slk_cbor_put_bitfield(&buf, &set, &diag), diag);
        slk_cid_t cid = slk_cid_of_cbor(buf.bytes, buf.len);
        assert_string_equal(slk_cid_text(&cid).s, json_string_value(json_object_get(item, "cid")));
        slk_cbor_t r = slk_cbor_reader(buf.bytes, buf.len, &diag);
        assert_ok(slk_cbor_bitfield(&r, &back, &arena), diag);
        assert_set(&back, &set);
        slk_buf_free(&buf);
    }
    json_decref(list);
}

/* --- Refusals --------------------------------------------------------------------------------- */

/* Bits as text, in the order in which they are written. */
static slk_err_t decode_bits(slk_bitfield_t *set, const char *bits)
{
    uint8_t bytes[64] = {0};
    size_t n = 0;
    for (; *bits; bits++) {
        if (*bits == ' ')
            continue;
        bytes[n / 8] = (uint8_t)(bytes[n / 8] | (*bits == '1') << n % 8);
        n++;
    }
    return slk_bitfield_decode(set, bytes, (n + 7) / 8, &arena, &diag);
}

static void refused(const char *bits, const char *sentence)
{
    slk_bitfield_t set = range(3, 4), before = set;
    assert_err(SLK_ERR_FORMAT, decode_bits(&set, bits));
    assert_set(&set, &before);
    if (!strstr(diag.text, sentence))
        fail_msg("%s: %s", bits, diag.text);
}

/* After the cases in the tests of ref-fvm (Apache-2.0 and MIT),
 * ipld/bitfield/src/rleplus/mod.rs. */
static void strict(void **state)
{
    (void)state;
    slk_bitfield_t set, want = range(0, 8);
    assert_ok(decode_bits(&set, "00 1 01 0001"), diag);
    assert_set(&set, &want);
    assert_ok(decode_bits(&set, "00 1 00 10011000"), diag);
    want = range(0, 25);
    assert_set(&set, &want);

    refused("10 1 01 0001", "a version other than 0");
    refused("01 1 01 0001", "a version other than 0");
    refused("00 1 1 01 0000 1", "length 0 or 1 in the short form");
    refused("00 1 01 1000 1", "length 0 or 1 in the short form");
    refused("00 1 1 00 00000000 1", "below 16 in the long form");
    refused("00 1 00 11110000 1", "below 16 in the long form");
    refused("00 1 01 101 0 00000000", "a last byte 0");
    refused("00 1 00 11000001 00000000 111", "longer than needed");
    refused("00 1 00 11000001", "cut off");
    refused("00 0 1", "no run of ones at the end");
    refused("00 0 01 0010", "a last byte 0");
    refused("00 1 01 0010 1", "no run of ones at the end");
    refused("00 1", "no run of ones at the end");
    refused("00 1 00 11111111 11111111 11111111 11111111 11111111 11111111 11111111 11111111"
            "11111111 01000000 1",
            "above 2^64");
    refused("00 1 00 11111111 11111111 11111111 11111111 11111111 11111111 11111111 11111111"
            "11111111 10000000 1 1",
            "above 2^64");

    uint8_t *big = calloc(1, SLK_BITFIELD_ENCODED_MAX + 1);
    assert_non_null(big);
    memset(big, 0xff, SLK_BITFIELD_ENCODED_MAX + 1);
    big[0] = 0xfc;
    assert_err(SLK_ERR_FORMAT,
               slk_bitfield_decode(&set, big, SLK_BITFIELD_ENCODED_MAX + 1, &arena, &diag));
    slk_arena_t small;
    slk_arena_init(&small, 1000);
    assert_err(SLK_ERR_NOMEM,
               slk_bitfield_decode(&set, big, SLK_BITFIELD_ENCODED_MAX - 1, &small, &diag));
    slk_arena_free(&small);
    big[0] = 0xf8; /* now the last run is of zeros */
    assert_err(SLK_ERR_FORMAT,
               slk_bitfield_decode(&set, big, SLK_BITFIELD_ENCODED_MAX, &arena, &diag));
    big[0] = 0xfc;
    assert_ok(slk_bitfield_decode(&set, big, SLK_BITFIELD_ENCODED_MAX, &arena, &diag), diag);
    slk_bitfield_t more;
    uint64_t last;
    assert_true(slk_bitfield_last(&set, &last));
    assert_ok(slk_bitfield_set(&more, &set, last + 2, &arena), diag);
    slk_buf_t buf = {0};
    assert_ok(slk_bitfield_put(&buf, &set, &diag), diag);
    assert_memory_equal(buf.bytes, big, SLK_BITFIELD_ENCODED_MAX);
    size_t len = buf.len;
    assert_err(SLK_ERR_LENGTH, slk_bitfield_put(&buf, &more, &diag));
    assert_int_equal(buf.len, len);
    slk_buf_free(&buf);
    free(big);
}

static void strict_json(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",        "null",  "[-1]",    "[0,0]",
        "[1,2,0,4]", "[1.5]", "[\"3\"]", "[1,9223372036854775807,9223372036854775807,5]"};
    slk_bitfield_t set;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *json = json_loads(wrong[i], JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        assert_err(SLK_ERR_FORMAT, slk_bitfield_from_json(&set, json, &arena, &diag));
        json_decref(json);
    }
    static const char *const good[] = {"[]", "[0]", "[7]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        json_t *json = json_loads(good[i], 0, NULL);
        assert_ok(slk_bitfield_from_json(&set, json, &arena, &diag), diag);
        assert_true(slk_bitfield_is_empty(&set));
        json_decref(json);
    }
}

/* --- Algebra, by example and against a plain model -------------------------------------------- */

static void examples(void **state)
{
    (void)state;
    slk_bitfield_t a = SET(1, 3, 4, 5), b = SET(1, 2), out, want = SET(1, 2, 3);
    assert_ok(slk_bitfield_cut(&out, &a, &b, &arena), diag);
    assert_set(&out, &want);
    a = SET(0, 2, 3, 5, 6);
    want = SET(3, 5);
    assert_ok(slk_bitfield_slice(&out, &a, 2, 2, &arena), diag);
    assert_set(&out, &want);
    assert_err(SLK_ERR_INPUT, slk_bitfield_slice(&out, &a, 4, 2, &arena));
    assert_err(SLK_ERR_INPUT, slk_bitfield_slice(&out, &a, UINT64_MAX, 2, &arena));
    assert_ok(slk_bitfield_slice_upto(&a, &a, 4, 2, &arena), diag);
    want = SET(6);
    assert_set(&a, &want);
    slk_bitfield_t huge = range(5, UINT64_MAX - 5);
    assert_ok(slk_bitfield_unset(&out, &huge, 1000000, &arena), diag);
    assert_int_equal(out.run_cnt, 2);
    assert_true(slk_bitfield_count(&out) == UINT64_MAX - 6);
    const uint64_t *bits;
    size_t cnt;
    assert_err(SLK_ERR_LENGTH, slk_bitfield_bits(&bits, &cnt, &out, 1000, &arena, &diag));
}

#define MODEL_SZ 300

typedef bool model_t[MODEL_SZ];

static void fill(model_t m, slk_bitfield_t *set, uint64_t *seed)
{
    uint64_t bits[MODEL_SZ];
    size_t cnt = 0;
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    unsigned stay = (unsigned)(*seed >> 60) + 2; /* runs of about this length */
    bool in = false;
    for (unsigned i = 0; i < MODEL_SZ; i++) {
        *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
        if ((*seed >> 33) % stay == 0)
            in = !in;
        m[i] = in;
        if (in)
            bits[cnt++] = i;
    }
    /* In no order. */
    for (size_t i = cnt; i > 1; i--) {
        *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
        size_t k = (size_t)(*seed >> 33) % i;
        uint64_t t = bits[i - 1];
        bits[i - 1] = bits[k];
        bits[k] = t;
    }
    *set = of_bits(bits, cnt);
}

static void assert_model(const slk_bitfield_t *set, const model_t m)
{
    uint64_t count = 0, bit;
    slk_bit_iter_t it = slk_bitfield_iter(set);
    for (unsigned i = 0; i < MODEL_SZ; i++) {
        assert_int_equal(slk_bitfield_contains(set, i), m[i]);
        if (!m[i])
            continue;
        assert_true(slk_bit_next(&it, &bit));
        assert_int_equal(bit, i);
        count++;
    }
    assert_false(slk_bit_next(&it, &bit));
    assert_int_equal(slk_bitfield_count(set), count);
    for (size_t i = 0; i < set->run_cnt; i++) {
        assert_true(set->runs[i].start < set->runs[i].end);
        assert_true(i == 0 || set->runs[i - 1].end < set->runs[i].start);
    }
    slk_buf_t buf = {0};
    slk_bitfield_t back;
    assert_ok(slk_bitfield_put(&buf, set, &diag), diag);
    assert_ok(slk_bitfield_decode(&back, buf.bytes, buf.len, &arena, &diag), diag);
    assert_set(&back, set);
    slk_buf_free(&buf);
}

typedef slk_err_t (*binary_t)(slk_bitfield_t *, const slk_bitfield_t *, const slk_bitfield_t *,
                              slk_arena_t *);

static void against_model(void **state)
{
    (void)state;
    static const binary_t ops[] = {slk_bitfield_union, slk_bitfield_intersection,
                                   slk_bitfield_difference};
    uint64_t seed = 2026;
    for (unsigned round = 0; round < 300; round++) {
        model_t a, b, m;
        slk_bitfield_t sa, sb, out;
        fill(a, &sa, &seed);
        fill(b, &sb, &seed);
        assert_model(&sa, a);
        bool subset = true, meets = false;
        for (unsigned op = 0; op < 3; op++) {
            for (unsigned i = 0; i < MODEL_SZ; i++) {
                m[i] = op == 0 ? a[i] || b[i] : op == 1 ? a[i] && b[i] : a[i] && !b[i];
                subset &= op != 2 || !m[i];
                meets |= op == 1 && m[i];
            }
            assert_ok(ops[op](&out, &sa, &sb, &arena), diag);
            assert_model(&out, m);
        }
        assert_int_equal(slk_bitfield_is_subset(&sa, &sb), subset);
        assert_int_equal(slk_bitfield_intersects(&sa, &sb), meets);
        assert_ok(slk_bitfield_intersection(&out, &sa, &sb, &arena), diag);
        assert_true(slk_bitfield_is_subset(&out, &sa));

        /* Cut: what is left of a where b's positions do not exist. */
        unsigned at = 0;
        memset(m, 0, sizeof m);
        for (unsigned i = 0; i < MODEL_SZ; i++)
            if (!b[i])
                m[at++] = a[i];
        assert_ok(slk_bitfield_cut(&out, &sa, &sb, &arena), diag);
        assert_model(&out, m);

        uint64_t skip = seed % 50, take = (seed >> 20) % 60, seen = 0;
        for (unsigned i = 0; i < MODEL_SZ; i++) {
            m[i] = a[i] && seen >= skip && seen < skip + take;
            seen += a[i];
        }
        assert_ok(slk_bitfield_slice_upto(&out, &sa, skip, take, &arena), diag);
        assert_model(&out, m);

        unsigned bit = (unsigned)(seed >> 40) % MODEL_SZ;
        assert_ok(slk_bitfield_set(&out, &sa, bit, &arena), diag);
        bool was = a[bit];
        a[bit] = true;
        assert_model(&out, a);
        assert_ok(slk_bitfield_unset(&out, &out, bit, &arena), diag);
        a[bit] = false;
        assert_model(&out, a);
        a[bit] = was;
        slk_arena_free(&arena);
    }
}

static void many_sets(void **state)
{
    (void)state;
    slk_bitfield_t sets[100], all, want = range(0, 100 * 50);
    for (uint64_t i = 0; i < 100; i++)
        sets[i] = range((i * 37 % 100) * 50, 50);
    assert_ok(slk_bitfield_union_all(&all, sets, 100, &arena), diag);
    assert_set(&all, &want);
    const uint64_t *bits;
    size_t cnt;
    assert_ok(slk_bitfield_bits(&bits, &cnt, &all, 5000, &arena, &diag), diag);
    assert_int_equal(cnt, 5000);
    assert_int_equal(bits[4999], 4999);
    assert_ok(slk_bitfield_union_all(&all, NULL, 0, &arena), diag);
    assert_true(slk_bitfield_is_empty(&all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strict_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(examples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(against_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_sets, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
