/* Big integers against GMP's, their encodings, and amounts as people write them. */
#include "codec/bigint.h"
#include "codec/fil.h"

#include "test_util.h"

static slk_bigint_t parse(const char *text)
{
    slk_bigint_t a;
    slk_diag_t diag;
    assert_ok(slk_bigint_from_text(&a, text, &diag), diag);
    assert_string_equal(slk_bigint_text(&a).s, text);
    return a;
}

static const char *const samples[] = {
    "0",
    "1",
    "-1",
    "2",
    "-7",
    "18446744073709551615",
    "18446744073709551616",
    "-18446744073709551616",
    "340282366920938463463374607431768211455",
    "2000000000000000000000000000",
    "-36266260308195979333",
    "314760000000000000000000000000000000",
    "37396273494747879394193016954629",
    "1606938044258990275541962092341162602522202993782792835301376",
};

typedef void (*reference_t)(mpz_ptr, mpz_srcptr, mpz_srcptr);
typedef slk_bigint_t (*mine_t)(slk_bigint_t, slk_bigint_t);

static void against_gmp(void **state)
{
    (void)state;
    static const struct {
        reference_t reference;
        mine_t mine;
        bool divides;
    } ops[] = {{mpz_add, slk_bigint_add, false},
               {mpz_sub, slk_bigint_sub, false},
               {mpz_mul, slk_bigint_mul, false},
               {mpz_fdiv_q, slk_bigint_div_floor, true},
               {mpz_tdiv_q, slk_bigint_div_trunc, true}};
    size_t n = sizeof samples / sizeof *samples;
    mpz_t z, av, bv;
    mpz_init(z);
    for (size_t i = 0; i < n * n; i++) {
        slk_bigint_t a = parse(samples[i / n]), b = parse(samples[i % n]), want;
        slk_bigint_view(av, &a);
        slk_bigint_view(bv, &b);
        int order = mpz_cmp(av, bv), mine = slk_bigint_cmp(&a, &b);
        assert_int_equal((order > 0) - (order < 0), (mine > 0) - (mine < 0));
        for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
            if (ops[k].divides && !slk_bigint_sign(&b))
                continue;
            ops[k].reference(z, av, bv);
            assert_true(slk_bigint_from_mpz(&want, z));
            slk_bigint_t got = ops[k].mine(a, b);
            assert_string_equal(slk_bigint_text(&got).s, slk_bigint_text(&want).s);
        }
    }
    for (size_t i = 0; i < n; i++) {
        slk_bigint_t a = parse(samples[i]), want;
        slk_bigint_view(av, &a);
        for (unsigned bits = 0; bits < 200; bits += 7) {
            mpz_mul_2exp(z, av, bits);
            assert_true(slk_bigint_from_mpz(&want, z));
            slk_bigint_t got = slk_bigint_shl(a, bits);
            assert_int_equal(slk_bigint_cmp(&got, &want), 0);
            mpz_fdiv_q_2exp(z, av, bits);
            assert_true(slk_bigint_from_mpz(&want, z));
            got = slk_bigint_shr(a, bits);
            assert_int_equal(slk_bigint_cmp(&got, &want), 0);
        }
    }
    mpz_set_ui(z, 1);
    mpz_mul_2exp(z, z, SLK_BIGINT_BITS);
    slk_bigint_t unused;
    assert_false(slk_bigint_from_mpz(&unused, z));
    mpz_clear(z);
}

static void small(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 42, -1000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        slk_bigint_t a = slk_bigint_i64(values[i]);
        int64_t v = 7;
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)values[i]);
        assert_string_equal(slk_bigint_text(&a).s, text);
        assert_true(slk_bigint_to_i64(&a, &v) && v == values[i]);
    }
    slk_bigint_t a = slk_bigint_u64(UINT64_MAX);
    uint64_t u;
    int64_t v;
    assert_true(slk_bigint_to_u64(&a, &u) && u == UINT64_MAX);
    assert_false(slk_bigint_to_i64(&a, &v));
    a = slk_bigint_add(a, slk_bigint_u64(1));
    assert_false(slk_bigint_to_u64(&a, &u));
    assert_int_equal(slk_bigint_bit_length(&a), 65);
    a = slk_bigint_i64(-1);
    assert_false(slk_bigint_to_u64(&a, &u));
    slk_bigint_t b = slk_bigint_max(a, slk_bigint_u64(3));
    assert_string_equal(slk_bigint_text(&b).s, "3");
    b = slk_bigint_min(a, slk_bigint_u64(3));
    assert_string_equal(slk_bigint_text(&b).s, "-1");
}

static void bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } known[] = {{"0", "40"},
                 {"1", "420001"},
                 {"-1", "420101"},
                 {"256", "43000100"},
                 {"3203894921178", "470002e9f704c7da"},
                 {"5000000000000000000", "49004563918244f40000"}};
    slk_diag_t diag;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        slk_bigint_t a = parse(known[i].text), b;
        slk_buf_t buf = {0};
        char hex[300];
        assert_ok(slk_cbor_put_bigint(&buf, &a, &diag), diag);
        slk_hex_encode(hex, buf.bytes, buf.len);
        assert_string_equal(hex, known[i].hex);
        slk_cbor_t r = slk_cbor_reader(buf.bytes, buf.len, &diag);
        assert_ok(slk_cbor_bigint(&r, &b), diag);
        assert_int_equal(slk_bigint_cmp(&a, &b), 0);
        slk_buf_free(&buf);
    }
    uint8_t longest[129] = {0};
    memset(longest + 1, 0xff, 128);
    slk_bigint_t a, b;
    assert_ok(slk_bigint_from_bytes(&a, longest, 128, &diag), diag);
    uint8_t out[SLK_BIGINT_BYTES_MAX];
    size_t len;
    assert_ok(slk_bigint_to_bytes(out, &len, &a, &diag), diag);
    assert_int_equal(len, 128);
    assert_memory_equal(out, longest, 128);
    assert_ok(slk_bigint_from_text(&b, slk_bigint_text(&a).s, &diag), diag);
    assert_int_equal(slk_bigint_cmp(&a, &b), 0);
    assert_err(SLK_ERR_FORMAT, slk_bigint_from_bytes(&b, longest, 129, &diag));
    a = slk_bigint_add(a, slk_bigint_u64(1));
    assert_err(SLK_ERR_LENGTH, slk_bigint_to_bytes(out, &len, &a, &diag));
    assert_err(SLK_ERR_FORMAT, slk_bigint_from_text(&b, slk_bigint_text(&a).s, &diag));
    assert_err(SLK_ERR_FORMAT, slk_bigint_from_bytes(&b, "\x02\x01", 2, &diag));
    assert_err(SLK_ERR_FORMAT, slk_bigint_from_bytes(&b, "\x00", 1, &diag));
    assert_err(SLK_ERR_FORMAT, slk_bigint_from_bytes(&b, "\x00\x00\x01", 3, &diag));
    static const char *const texts[] = {"", "-", "+1", "-0", "01", " 1", "1 ", "0x1", "1.0", "--1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_err(SLK_ERR_FORMAT, slk_bigint_from_text(&b, texts[i], NULL));
}

static void amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *atto, *again;
    } known[] = {{"1.5 FIL", "1500000000000000000", "1.5 FIL"},
                 {"0", "0", "0 FIL"},
                 {"-0.07", "-70000000000000000", "-0.07 FIL"},
                 {".5", "500000000000000000", "0.5 FIL"},
                 {"2000000000fil", "2000000000000000000000000000", "2000000000 FIL"},
                 {"100 attoFIL", "100", "0.0000000000000001 FIL"},
                 {"1afil", "1", "0.000000000000000001 FIL"},
                 {"1.000000000000000001", "1000000000000000001", "1.000000000000000001 FIL"},
                 {"0007", "7000000000000000000", "7 FIL"}};
    slk_bigint_t a;
    slk_diag_t diag;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[SLK_FIL_TEXT_SZ];
        assert_ok(slk_fil_parse(&a, known[i].text, &diag), diag);
        assert_string_equal(slk_bigint_text(&a).s, known[i].atto);
        slk_fil_format(text, &a);
        assert_string_equal(text, known[i].again);
    }
    static const char *const texts[] = {
        "",    "FIL", ".",   "1.", "1.FIL", "1.5 attoFIL",          "1 EUR",
        "1,5", "--1", "1 2", " 1", "1e3",   "0.0000000000000000001"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (slk_fil_parse(&a, texts[i], &diag) != SLK_ERR_INPUT)
            fail_msg("\"%s\" was taken", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_gmp),
        cmocka_unit_test(small),
        cmocka_unit_test(bytes),
        cmocka_unit_test(amounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
