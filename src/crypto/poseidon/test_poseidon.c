#include "crypto/poseidon/poseidon.h"

#include "crypto/poseidon/poseidon_plain.h"
#include "test_util.h"

#include <fenv.h>
#include <pthread.h>

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

/* --- The plain form, from the specification alone --------------------------------------------- */

static const slk_poseidon_plain_t *plain_constants(unsigned t)
{
    static slk_poseidon_plain_t plain[SLK_POSEIDON_T_MAX + 1];
    if (!plain[t].t)
        slk_poseidon_plain(&plain[t], t);
    return &plain[t];
}

static void plain_sbox(slk_fr_t *a)
{
    slk_fr_t b;
    slk_fr_sqr(&b, a);
    slk_fr_sqr(&b, &b);
    slk_fr_mul(a, a, &b);
}

/* spec/proofs-vanilla.md 2.3 */
static slk_node_t plain_hash(const slk_node_t *in, unsigned arity)
{
    unsigned t = arity + 1;
    const slk_poseidon_plain_t *plain = plain_constants(t);
    slk_fr_t inverse[2 * SLK_POSEIDON_T_MAX], s[SLK_POSEIDON_T_MAX], next[SLK_POSEIDON_T_MAX],
        product;
    for (unsigned i = 0; i + 1 < 2 * t; i++) {
        slk_fr_from_u64(&inverse[i], i + t);
        slk_fr_inv(&inverse[i], &inverse[i]);
    }
    slk_fr_from_u64(&s[0], (UINT64_C(1) << arity) - 1);
    for (unsigned i = 0; i < arity; i++)
        assert_true(slk_fr_from_node(&s[1 + i], &in[i]));
    for (unsigned k = 0; k < SLK_POSEIDON_RF + plain->rp; k++) {
        bool full = k < SLK_POSEIDON_RF / 2 || k >= SLK_POSEIDON_RF / 2 + plain->rp;
        for (unsigned i = 0; i < t; i++) {
            slk_fr_add(&s[i], &s[i], &plain->rc[k][i]);
            if (full || i == 0)
                plain_sbox(&s[i]);
        }
        for (unsigned i = 0; i < t; i++) {
            slk_fr_from_u64(&next[i], 0);
            for (unsigned j = 0; j < t; j++) {
                slk_fr_mul(&product, &s[j], &inverse[i + j]);
                slk_fr_add(&next[i], &next[i], &product);
            }
        }
        memcpy(s, next, t * sizeof s[0]);
    }
    slk_node_t out;
    slk_fr_to_node(&out, &s[1]);
    return out;
}

/* --- Every back end ------------------------------------------------------------------------- */

#define CNT 41u

typedef struct {
    slk_node_t in[CNT * 11], want[CNT];
} sample_t;

static slk_node_t r_minus_one(void)
{
    return node_from_hex("00000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73");
}

static slk_node_t r_plus(unsigned v)
{
    slk_node_t node = r_minus_one();
    node.b[0] = (uint8_t)(1 + v);
    return node;
}

/* Random preimages; among them all 0, all r-1, and mixtures of these two with random nodes. */
static const sample_t *sample(unsigned arity)
{
    static sample_t samples[12];
    static bool ready[12];
    sample_t *sample = &samples[arity];
    if (ready[arity])
        return sample;
    const slk_node_t edge[] = {node_u64(0), r_minus_one()};
    test_data((uint8_t *)sample->in, sizeof sample->in, "poseidon");
    for (unsigned i = 0; i < CNT; i++) {
        for (unsigned j = 0; j < arity; j++) {
            slk_node_t *node = &sample->in[i * arity + j];
            uint8_t choice = node->b[31];
            node->b[31] &= 0x3f;
            if (i % 5 == 3 && choice < 192)
                *node = edge[choice & 1];
            else if (i == 4 || i == 10)
                *node = edge[i == 10];
        }
        sample->want[i] = plain_hash(&sample->in[i * arity], arity);
    }
    ready[arity] = true;
    return sample;
}

static void for_each_backend(void (*check)(unsigned arity))
{
    for (const slk_cpu_t *cpu = slk_poseidon_backends();; cpu++) {
        slk_diag_t diag;
        if (slk_cpu_has(*cpu)) {
            assert_ok(slk_cpu_select(slk_cpu_name(*cpu), &diag), diag);
            for (unsigned k = 0; k < ARITY_CNT; k++)
                check(arities[k]);
        } else {
            print_message("not run: %s (needs %s)\n", slk_cpu_name(*cpu), slk_cpu_needs(*cpu));
        }
        if (*cpu == SLK_CPU_PORTABLE)
            break;
    }
    slk_diag_t diag;
    assert_ok(slk_cpu_select(NULL, &diag), diag);
}

static void check_rows(unsigned arity)
{
    const sample_t *s = sample(arity);
    for (unsigned cnt = 0; cnt <= CNT; cnt++) {
        slk_node_t out[CNT + 1];
        memset(out, 0xa5, sizeof out);
        assert_int_equal(slk_poseidon_rows(out, s->in, cnt, arity), cnt * arity);
        assert_memory_equal(out, s->want, cnt * sizeof out[0]);
        for (unsigned k = 0; k < 32; k++)
            assert_int_equal(out[cnt].b[k], 0xa5);
    }
}

static void check_rows_in_place(unsigned arity)
{
    static slk_node_t nodes[CNT * 11];
    const sample_t *s = sample(arity);
    memcpy(nodes, s->in, CNT * arity * sizeof nodes[0]);
    assert_int_equal(slk_poseidon_rows(nodes, nodes, CNT, arity), CNT * arity);
    assert_memory_equal(nodes, s->want, sizeof s->want);
}

static void check_columns(unsigned arity)
{
    static slk_node_t columns[11][CNT];
    const sample_t *s = sample(arity);
    const slk_node_t *layers[11];
    for (unsigned j = 0; j < arity; j++) {
        layers[j] = columns[j];
        for (unsigned i = 0; i < CNT; i++)
            columns[j][i] = s->in[i * arity + j];
    }
    for (unsigned cnt = 0; cnt <= CNT; cnt++) {
        slk_node_t out[CNT];
        unsigned bad = 77;
        assert_int_equal(slk_poseidon_columns(out, layers, cnt, arity, &bad), cnt);
        assert_int_equal(bad, 77);
        assert_memory_equal(out, s->want, cnt * sizeof out[0]);
    }
    for (unsigned at = 0; at < CNT; at += 3) {
        slk_node_t out[CNT];
        unsigned layer = at % arity, bad = 77;
        slk_node_t good = columns[layer][at];
        columns[layer][at] = r_plus(0);
        assert_int_equal(slk_poseidon_columns(out, layers, CNT, arity, &bad), at);
        assert_int_equal(bad, layer);
        assert_int_equal(slk_poseidon_columns(out, layers, CNT, arity, NULL), at);
        assert_int_equal(slk_poseidon_columns(out, layers, at, arity, NULL), at);
        assert_memory_equal(out, s->want, at * sizeof out[0]);
        columns[layer][at] = good;
    }
}

static void check_bad_rows(unsigned arity)
{
    static slk_node_t nodes[CNT * 11];
    const sample_t *s = sample(arity);
    for (unsigned at = 0; at < CNT * arity; at += 1 + at / 16) {
        slk_node_t out[CNT];
        memcpy(nodes, s->in, CNT * arity * sizeof nodes[0]);
        nodes[at] = r_plus(at % 3);
        if (at % 2)
            memset(nodes[at].b, 0xff, 32);
        if (at % 4 == 2)
            nodes[CNT * arity - 1] = r_plus(0); /* the first of two is reported */
        assert_int_equal(slk_poseidon_rows(out, nodes, CNT, arity), at);
        assert_int_equal(slk_poseidon_rows(nodes, nodes, CNT, arity), at);
    }
}

/* The kernels may compute with doubles: no rounding mode of the caller may matter, nor change. */
static void check_rounding(unsigned arity)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    const sample_t *s = sample(arity);
    for (unsigned k = 0; k < 4; k++) {
        slk_node_t out[CNT];
        assert_int_equal(fesetround(modes[k]), 0);
        size_t done = slk_poseidon_rows(out, s->in, CNT, arity);
        int after = fegetround();
        fesetround(FE_TONEAREST);
        assert_int_equal(after, modes[k]);
        assert_int_equal(done, CNT * arity);
        assert_memory_equal(out, s->want, sizeof out);
    }
}

static void check_many(unsigned arity)
{
    enum { MANY = 300 };
    static slk_node_t in[MANY * 11], out[MANY], first[12][MANY];
    static bool ready[12];
    char name[32];
    snprintf(name, sizeof name, "poseidon/%u", arity);
    test_data((uint8_t *)in, MANY * arity * 32, name);
    for (unsigned i = 0; i < MANY * arity; i++)
        in[i].b[31] &= 0x3f;
    assert_int_equal(slk_poseidon_rows(out, in, MANY, arity), MANY * arity);
    if (!ready[arity])
        memcpy(first[arity], out, sizeof out);
    assert_memory_equal(out, first[arity], sizeof out);
    ready[arity] = true;
}

static void test_rows(void **state)
{
    (void)state;
    for_each_backend(check_rows);
    for_each_backend(check_rows_in_place);
}

static void test_columns(void **state)
{
    (void)state;
    for_each_backend(check_columns);
}

static void test_bad(void **state)
{
    (void)state;
    for_each_backend(check_bad_rows);
    slk_node_t good = node_u64(1), bad = r_plus(0), out;
    assert_false(slk_poseidon_pair(&out, &good, &bad));
    assert_false(slk_poseidon_pair(&out, &bad, &good));
    assert_false(slk_poseidon_pair_custom(&out, &bad, &good));
}

static void test_rounding(void **state)
{
    (void)state;
    for_each_backend(check_rounding);
}

static void test_many(void **state)
{
    (void)state;
    for_each_backend(check_many);
}

/* --- First use from several threads ----------------------------------------------------------- */

static void *hash_counting(void *result)
{
    for (unsigned k = 0; k < ARITY_CNT; k++) {
        slk_node_t in[11];
        for (unsigned i = 0; i < known[k].arity; i++)
            in[i] = node_u64(i);
        slk_poseidon_rows((slk_node_t *)result + k, in, 1, known[k].arity);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    slk_node_t out[THREADS][ARITY_CNT];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_counting, out[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (unsigned k = 0; k < ARITY_CNT; k++)
            assert_node_hex(&out[i][k], known[k].counting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads), /* before anything has been derived */
        cmocka_unit_test(test_round_constants),
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests_name("poseidon", tests, NULL, NULL);
}
