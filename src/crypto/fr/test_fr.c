#include "crypto/fr/fr.h"

#include "test_util.h"

/* r, r - 1 and r + 1 as nodes. */
#define R_HEX  "01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73"
#define R1_HEX "00000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73"
#define R2_HEX "02000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73"

static slk_node_t node_u64(uint64_t v)
{
    slk_node_t node = {{0}};
    slk_store_le64(node.b, v);
    return node;
}

static slk_node_t random_node(unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "fr/%u", i);
    slk_node_t node = test_bytes32(name);
    node.b[31] &= 0x3f;
    return node;
}

static void test_range(void **state)
{
    (void)state;
    slk_fr_t a, zero;
    slk_fr_from_u64(&zero, 0);
    for (unsigned i = 0; i < 2; i++) {
        slk_node_t bad = node_from_hex(i ? R2_HEX : R_HEX);
        slk_fr_from_u64(&a, 5);
        assert_false(slk_fr_from_node(&a, &bad));
        assert_true(slk_fr_eq(&a, &zero));
    }
    slk_node_t top;
    memset(top.b, 0xff, 32);
    assert_false(slk_fr_from_node(&a, &top));
    slk_node_t last = node_from_hex(R1_HEX), back;
    assert_true(slk_fr_from_node(&a, &last));
    slk_fr_to_node(&back, &a);
    assert_node_hex(&back, R1_HEX);
    slk_fr_t one;
    slk_fr_from_u64(&one, 1);
    slk_fr_add(&a, &a, &one);
    assert_true(slk_fr_eq(&a, &zero));
}

static void test_arithmetic(void **state)
{
    (void)state;
    slk_fr_t a, b, c, d;
    slk_node_t node;
    slk_fr_from_u64(&a, UINT64_C(0xfedcba9876543210));
    slk_fr_from_u64(&b, UINT64_C(0x0123456789abcdef));
    slk_fr_mul(&c, &a, &b);
    slk_fr_to_node(&node, &c);
    unsigned __int128 want =
        (unsigned __int128)UINT64_C(0xfedcba9876543210) * UINT64_C(0x0123456789abcdef);
    assert_memory_equal(node.b, &want, 16);
    slk_fr_sub(&d, &b, &a);
    slk_fr_add(&d, &d, &a);
    assert_true(slk_fr_eq(&d, &b));
    slk_fr_sqr(&c, &a);
    slk_fr_mul(&d, &a, &a);
    assert_true(slk_fr_eq(&c, &d));
    slk_fr_inv(&c, &a);
    slk_fr_mul(&c, &c, &a);
    slk_fr_from_u64(&d, 1);
    assert_true(slk_fr_eq(&c, &d));
}

#define MANY 100

static void fill(slk_node_t *a, slk_node_t *b)
{
    const slk_node_t edge[] = {node_u64(0), node_u64(1), node_from_hex(R1_HEX)};
    for (unsigned i = 0; i < MANY; i++) {
        a[i] = i < 9 ? edge[i / 3] : random_node(2 * i);
        b[i] = i < 9 ? edge[i % 3] : random_node(2 * i + 1);
    }
}

static void test_many(void **state)
{
    (void)state;
    slk_node_t a[MANY], b[MANY], sum[MANY], diff[MANY], want;
    fill(a, b);
    assert_int_equal(slk_node_add_many(sum, a, b, MANY), MANY);
    assert_int_equal(slk_node_sub_many(diff, a, b, MANY), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        slk_fr_t x, y, z;
        assert_true(slk_fr_from_node(&x, &a[i]) && slk_fr_from_node(&y, &b[i]));
        slk_fr_add(&z, &x, &y);
        slk_fr_to_node(&want, &z);
        assert_memory_equal(&sum[i], &want, 32);
        slk_fr_sub(&z, &x, &y);
        slk_fr_to_node(&want, &z);
        assert_memory_equal(&diff[i], &want, 32);
    }
    /* In place, and back. */
    assert_int_equal(slk_node_add_many(a, a, b, MANY), MANY);
    assert_memory_equal(a, sum, sizeof a);
    assert_int_equal(slk_node_sub_many(b, a, b, MANY), MANY);
    fill(sum, diff);
    assert_memory_equal(b, sum, sizeof b);
}

static void test_many_bad(void **state)
{
    (void)state;
    slk_node_t a[MANY], b[MANY], out[MANY];
    const char *const bad[] = {R_HEX, R2_HEX};
    for (unsigned at = 0; at < MANY; at += 7) {
        for (unsigned side = 0; side < 2; side++) {
            fill(a, b);
            (side ? b : a)[at] = node_from_hex(bad[at & 1]);
            assert_int_equal(slk_node_add_many(out, a, b, MANY), at);
            assert_int_equal(slk_node_sub_many(out, a, b, MANY), at);
        }
    }
    assert_int_equal(slk_node_add_many(out, a, b, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_many_bad),
    };
    return cmocka_run_group_tests_name("fr", tests, NULL, NULL);
}
