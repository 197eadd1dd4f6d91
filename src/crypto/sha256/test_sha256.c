#include "crypto/sha256/sha256_bench.h"

#include "base/assert.h"
#include "test_util.h"

/* Every back end of a kernel that this machine has, the portable one last; names the others. */
static slk_cpu_t next_backend(const slk_cpu_t **rows, const char *kernel)
{
    for (;; (*rows)++) {
        if (slk_cpu_has(**rows))
            return *(*rows)++;
        printf("not run here: %s %s, needs %s\n", kernel, slk_cpu_name(**rows),
               slk_cpu_needs(**rows));
    }
}

static void select_cpu(slk_cpu_t cpu)
{
    slk_diag_t diag;
    assert_ok(slk_cpu_select(slk_cpu_name(cpu), &diag), diag);
}

static int restore(void **state)
{
    (void)state;
    select_cpu(SLK_CPU_AUTO);
    return 0;
}

static const slk_node_t *derived(size_t cnt)
{
    static slk_node_t nodes[256];
    assert_true(cnt <= SLK_COUNT(nodes));
    select_cpu(SLK_CPU_PORTABLE);
    test_data(nodes->b, sizeof nodes, "sha256 input");
    return nodes;
}

/* FIPS 180-4 example messages. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "m"
         "nopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    static uint8_t million[1000000];
    memset(million, 'a', sizeof million);
    const slk_cpu_t *cpus = slk_sha256_backends_stream();
    slk_cpu_t cpu;
    do {
        cpu = next_backend(&cpus, "stream");
        select_cpu(cpu);
        slk_node_t out;
        for (size_t i = 0; i < SLK_COUNT(rows); i++) {
            slk_sha256(&out, rows[i].text, strlen(rows[i].text));
            assert_node_hex(&out, rows[i].digest);
        }
        slk_sha256(&out, million, sizeof million);
        assert_node_hex(&out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    } while (cpu != SLK_CPU_PORTABLE);
}

/* All lengths around several blocks, in pieces of changing size. */
static void test_stream_lengths(void **state)
{
    (void)state;
    enum { MAX = 1300 };
    static slk_node_t want[MAX];
    const uint8_t *data = derived(256)->b;
    for (size_t len = 0; len < MAX; len++)
        slk_sha256(&want[len], data, len);
    const slk_cpu_t *cpus = slk_sha256_backends_stream();
    slk_cpu_t cpu;
    do {
        cpu = next_backend(&cpus, "stream");
        select_cpu(cpu);
        for (size_t len = 0; len < MAX; len++) {
            slk_sha256_t sha;
            slk_node_t whole, pieces;
            slk_sha256(&whole, data, len);
            assert_memory_equal(&whole, &want[len], 32);
            slk_sha256_init(&sha);
            for (size_t at = 0, step = len % 131; at < len; step = step * 5 % 211) {
                size_t part = step < len - at ? step : len - at;
                slk_sha256_update(&sha, data + at, part);
                at += part;
                step += part == 0;
            }
            slk_sha256_final(&sha, &pieces);
            assert_memory_equal(&pieces, &want[len], 32);
        }
    } while (cpu != SLK_CPU_PORTABLE);
}

static void test_pairs(void **state)
{
    (void)state;
    enum { MAX = 100 };
    slk_node_t want[MAX], out[MAX + 1], row[2 * MAX];
    const slk_node_t *in = derived(2 * MAX);
    for (size_t i = 0; i < MAX; i++) {
        slk_sha256(&want[i], &in[2 * i], 64);
        slk_trunc254(&want[i]);
    }
    const slk_cpu_t *cpus = slk_sha256_backends_pairs();
    slk_cpu_t cpu;
    do {
        cpu = next_backend(&cpus, "pairs");
        select_cpu(cpu);
        for (size_t cnt = 0; cnt <= MAX; cnt++) {
            memset(out, 0xee, sizeof out);
            slk_sha256_pairs(out, in, cnt);
            assert_memory_equal(out, want, cnt * 32);
            for (size_t i = 0; i < 32; i++)
                assert_int_equal(out[cnt].b[i], 0xee);
            memcpy(row, in, sizeof row);
            slk_sha256_pairs(row, row, cnt);
            assert_memory_equal(row, want, cnt * 32);
            assert_memory_equal(row + cnt, in + cnt, (2 * MAX - cnt) * 32);
        }
    } while (cpu != SLK_CPU_PORTABLE);
}

/* comm_d of 2 KiB of zeros, row over row. Source: spec/proofs-vanilla.md 5.2. */
static void test_zero_tree(void **state)
{
    (void)state;
    const slk_cpu_t *cpus = slk_sha256_backends_pairs();
    slk_cpu_t cpu;
    do {
        cpu = next_backend(&cpus, "pairs");
        select_cpu(cpu);
        slk_node_t row[64] = {0};
        for (size_t cnt = 32; cnt; cnt /= 2)
            slk_sha256_pairs(row, row, cnt);
        assert_node_hex(&row[0],
                        "fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833");
    } while (cpu != SLK_CPU_PORTABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_known_answers, restore),
        cmocka_unit_test_teardown(test_stream_lengths, restore),
        cmocka_unit_test_teardown(test_pairs, restore),
        cmocka_unit_test_teardown(test_zero_tree, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
