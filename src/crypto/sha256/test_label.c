#include "crypto/sha256/label.h"
#include "crypto/sha256/sha256_bench.h"

#include "base/assert.h"
#include "test_util.h"

#include <sys/mman.h>

enum { NODES = 512 };

static slk_node_t replica_id, layer_1[NODES], layer_2[NODES], labels[NODES];
static uint32_t rows[NODES][SLK_PARENT_CNT];

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

/* The next back end of the label kernel that this machine has. */
static slk_cpu_t select_next(const slk_cpu_t **cpus)
{
    while (!slk_cpu_has(**cpus)) {
        printf("not run here: label %s, needs %s\n", slk_cpu_name(**cpus), slk_cpu_needs(**cpus));
        (*cpus)++;
    }
    select_cpu(**cpus);
    return *(*cpus)++;
}

/* The whole message of spec/proofs-vanilla.md 4.2, hashed as one. */
static void reference(slk_node_t *out, uint32_t layer, uint64_t node, const uint32_t *row,
                      const slk_node_t *own, const slk_node_t *prev)
{
    uint8_t msg[64 + 37 * 32] = {0};
    memcpy(msg, &replica_id, 32);
    slk_store_be32(msg + 32, layer);
    slk_store_be64(msg + 36, node);
    size_t cycle = layer == 1 ? 6 : 14;
    for (size_t i = 0; i < 37 && node; i++) {
        size_t j = i % cycle;
        memcpy(msg + 64 + 32 * i, j < 6 ? &own[row[j]] : &prev[row[j]], 32);
    }
    slk_sha256(out, msg, node ? sizeof msg : 64);
    out->b[31] &= 0x3f;
}

/* Rows of a graph that never was; predecessor: column of v - 1, or -1. */
static void make_rows(int predecessor, const char *name)
{
    for (uint32_t v = 0; v < NODES; v++) {
        uint32_t bytes[SLK_PARENT_CNT];
        char text[64];
        snprintf(text, sizeof text, "%s %u", name, v);
        test_data((uint8_t *)bytes, sizeof bytes, text);
        for (int j = 0; j < (int)SLK_PARENT_CNT; j++)
            rows[v][j] = bytes[j] % (j >= (int)SLK_DRG_CNT ? NODES : v ? v : 1);
        if (predecessor >= 0 && v)
            rows[v][predecessor] = v - 1;
    }
}

static slk_label_run_t run_of(uint32_t layer, uint64_t first, uint64_t cnt)
{
    return (slk_label_run_t){.replica_id = &replica_id,
                             .layer = layer,
                             .labels = labels,
                             .prev = layer == 1 ? NULL : layer_1,
                             .rows = (const uint32_t(*)[SLK_PARENT_CNT])rows[first],
                             .first = first,
                             .cnt = cnt};
}

/* Source: spec/proofs-vanilla.md 4.5. */
static void test_known_answers(void **state)
{
    (void)state;
    memset(&replica_id, 9, sizeof replica_id);
    memset(rows, 0, sizeof rows);
    const slk_cpu_t *cpus = slk_sha256_backends_label();
    slk_cpu_t cpu;
    do {
        cpu = select_next(&cpus);
        memset(labels, 0, sizeof labels);
        slk_label_run_t run = run_of(1, 0, 2);
        slk_label_run(&run);
        assert_node_hex(&labels[0],
                        "ad9baba2a22d17ee8b630ebca948772fb770f2ba82d661dfc984589eff118d1d");
        assert_node_hex(&labels[1],
                        "3754c23a6592f03a0dd829ccb32bfdd7590cc9f365d2ab41fc4b3aa0cc7ba837");
        memcpy(layer_1, labels, sizeof layer_1);
        run = run_of(2, 0, 1);
        slk_label_run(&run);
        assert_node_hex(&labels[0],
                        "edf09499f06d57ff8fed555f078a1d6c3ef18e8e8fb82cb9663ed71a20b45c16");
    } while (cpu != SLK_CPU_PORTABLE);
}

/* All nodes of two layers in runs of changing length, predecessor first, last or nowhere. */
static void test_runs(void **state)
{
    (void)state;
    static const int predecessors[] = {0, 5, -1};
    for (size_t p = 0; p < SLK_COUNT(predecessors); p++) {
        select_cpu(SLK_CPU_PORTABLE);
        replica_id = test_bytes32("label replica_id");
        make_rows(predecessors[p], "label rows");
        for (uint32_t v = 0; v < NODES; v++)
            reference(&layer_1[v], 1, v, rows[v], layer_1, NULL);
        for (uint32_t v = 0; v < NODES; v++)
            reference(&layer_2[v], 2, v, rows[v], layer_2, layer_1);
        const slk_cpu_t *cpus = slk_sha256_backends_label();
        slk_cpu_t cpu;
        do {
            cpu = select_next(&cpus);
            for (uint32_t layer = 1; layer <= 2; layer++) {
                memset(labels, 0, sizeof labels);
                for (uint64_t first = 0, cnt = 0; first < NODES; first += cnt) {
                    cnt = 1 + first * 7 % 41;
                    cnt = cnt < NODES - first ? cnt : NODES - first;
                    slk_label_run_t none = run_of(layer, first, 0), run = run_of(layer, first, cnt);
                    slk_label_run(&none);
                    slk_label_run(&run);
                }
                assert_memory_equal(labels, layer == 1 ? layer_1 : layer_2, sizeof labels);
            }
        } while (cpu != SLK_CPU_PORTABLE);
    }
}

/* Layer and node fill all their bytes of the message; nothing beside the run is written. */
static void test_large_numbers(void **state)
{
    (void)state;
    const uint32_t layer = 0x01020304;
    const uint64_t base = 0xfffffff8; /* nodes on both sides of 2^32 */
    enum { CNT = 20 };
    static uint32_t near[CNT][SLK_PARENT_CNT];
    select_cpu(SLK_CPU_PORTABLE);
    replica_id = test_bytes32("large numbers");
    test_data(layer_1->b, sizeof layer_1, "large numbers");
    slk_node_t want[CNT];
    for (uint32_t i = 0; i < CNT; i++) {
        for (uint32_t j = 0; j < SLK_PARENT_CNT; j++)
            near[i][j] = (i * 31 + j * 17) % NODES;
        reference(&want[i], layer, base + i, near[i], layer_1, layer_1);
    }
    const slk_cpu_t *cpus = slk_sha256_backends_label();
    slk_cpu_t cpu;
    do {
        cpu = select_next(&cpus);
        /* Only labels[0 .. NODES) and [base, base + CNT) are touched: a reservation serves as
         * layer. */
        size_t size = (base + 2 * CNT) * sizeof(slk_node_t);
        slk_node_t *far = mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (far == MAP_FAILED) {
            printf("not run here: no address space for 2^32 labels\n");
            return;
        }
        memcpy(far, layer_1, sizeof layer_1);
        slk_label_run_t run = {&replica_id, layer, far, layer_1, (const uint32_t(*)[14])near,
                               base,        CNT};
        slk_label_run(&run);
        assert_memory_equal(far + base, want, sizeof want);
        assert_true(slk_node_is_zero(far + base - 1) && slk_node_is_zero(far + base + CNT));
        munmap(far, size);
    } while (cpu != SLK_CPU_PORTABLE);
}

static void test_one(void **state)
{
    (void)state;
    select_cpu(SLK_CPU_PORTABLE);
    replica_id = test_bytes32("label replica_id");
    make_rows(0, "label rows");
    test_data(layer_1->b, sizeof layer_1, "one label");
    select_cpu(SLK_CPU_AUTO);
    for (uint32_t layer = 1; layer <= 2; layer++) {
        for (uint64_t v = 0; v < 3; v++) {
            slk_node_t parents[37], want, got;
            size_t cycle = layer == 1 ? 6 : 14;
            for (size_t i = 0; i < 37; i++)
                parents[i] = layer_1[rows[v][i % cycle]];
            reference(&want, layer, v, rows[v], layer_1, layer_1);
            slk_label_one(&got, &replica_id, layer, v, parents, v ? 37 : 0);
            assert_memory_equal(&got, &want, 32);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_known_answers, restore),
        cmocka_unit_test_teardown(test_runs, restore),
        cmocka_unit_test_teardown(test_large_numbers, restore),
        cmocka_unit_test_teardown(test_one, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
