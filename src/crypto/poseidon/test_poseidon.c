#include "crypto/poseidon/poseidon.h"

#include "crypto/poseidon/poseidon_plain.h"
#include "test_util.h"

static const unsigned arities[] = {2, 4, 8, 11};
#define ARITY_CNT (sizeof arities / sizeof arities[0])

static slk_node_t node_u64(uint64_t v)
{
    slk_node_t node = {{0}};
    slk_store_le64(node.b, v);
    return node;
}

/* spec/proofs-vanilla.md 2.4: digests of the plain round constants. */
static void test_round_constants(void **state)
{
    (void)state;
    static const char *const want[ARITY_CNT] = {
        "cf4dfb7448132022e22b32e3dce6b125cb06329448f9e8d8fe53a71c73cbe6d4",
        "91e463d6553415b3901b9f26b2ad53e6298ac3e5ab0ef260d397bafe8bdde98e",
        "9a4a743575f0eaf285c93d73f8adaf4e7ef4042c2445b42bddaf1a64e5face72",
        "479dc0d71d694cd50d853dec0c94aeb37df2a69929eaa23b545a52b1226aec06",
    };
    for (unsigned k = 0; k < ARITY_CNT; k++) {
        static slk_poseidon_plain_t plain;
        slk_sha256_t sha;
        slk_node_t node;
        slk_poseidon_plain(&plain, arities[k] + 1);
        slk_sha256_init(&sha);
        for (unsigned round = 0; round < SLK_POSEIDON_RF + plain.rp; round++) {
            for (unsigned i = 0; i < plain.t; i++) {
                slk_fr_to_node(&node, &plain.rc[round][i]);
                slk_sha256_update(&sha, node.b, 32);
            }
        }
        slk_sha256_final(&sha, &node);
        assert_node_hex(&node, want[k]);
    }
}

/* spec/proofs-vanilla.md 2.5 */
static const struct {
    unsigned arity;
    const char *counting, *zeros;
} known[ARITY_CNT] = {
    {2, "ffe7029a363c202e9da6059d33a9fba661e1ef02d90f9e736ba5765ed7086539",
     "d413460e7f14e58b413d1defe188d36fb761afe5c6a733db6c6f1931130bfe48"},
    {4, "5d076266ff149801ec2713bf05466bfb99932279653cdb008a84e5a9104ba558",
     "bc11972b952e47641b62832393589af9eed366b878b8130f5f7e1ed875c4ce65"},
    {8, "e6a5386df534992ad9aec49c9d2e684b777067114200011255dea5a31d619423",
     "3a9bffca31b48234d189b30de60b7c33f529c08b0836a004f98938b614e6793f"},
    {11, "6331692bc3bbe3cec18fb0ccd8dcf3097ae8eb32e237a56c287f22e5b2c10f0c",
     "94fe4fc1d1b7c885c9538810707ed5691b68a11db65e2118cf928634ea2d1f44"},
};

static void test_known_answers(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARITY_CNT; k++) {
        slk_node_t in[22], out[2];
        for (unsigned i = 0; i < known[k].arity; i++) {
            in[i] = node_u64(i);
            in[known[k].arity + i] = node_u64(0);
        }
        assert_int_equal(slk_poseidon_rows(out, in, 2, known[k].arity), 2 * known[k].arity);
        assert_node_hex(&out[0], known[k].counting);
        assert_node_hex(&out[1], known[k].zeros);
    }
    slk_node_t a = node_u64(0), b = node_u64(1), out;
    assert_true(slk_poseidon_pair(&out, &a, &b));
    assert_node_hex(&out, known[0].counting);
    assert_true(slk_poseidon_pair_custom(&out, &a, &b));
    assert_node_hex(&out, "587707bcc44ea7e5c7677339ea0b58e325fea03481c51fad4e92f0e7c4354a31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_constants),
        cmocka_unit_test(test_known_answers),
    };
    return cmocka_run_group_tests_name("poseidon", tests, NULL, NULL);
}
