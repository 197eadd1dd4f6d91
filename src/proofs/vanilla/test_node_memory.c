/* Remembered hashes are those of slk_poseidon_rows, whatever was asked before and in whatever
 * order. */

#include "test_util.h"

#include "base/assert.h"
#include "crypto/poseidon/poseidon.h"
#include "proofs/vanilla/node_memory.h"

#define ASK_MAX 40u

/* Nodes of a small pool, so that groups repeat, meet in a slot, and differ in one child only. */
static void make_group(slk_node_t *group, unsigned arity, unsigned number)
{
    memset(group, 0, arity * sizeof *group);
    for (unsigned i = 0; i < arity; i++)
        group[i].b[0] = (uint8_t)(i + 1);
    group[number % arity].b[1] = (uint8_t)(number / arity);
}

static void test_same_as_hash(void **state)
{
    (void)state;
    static const unsigned arities[] = {8, 2, 8};
    slk_diag_t diag;
    slk_node_memory_t *memory;
    uint32_t random = 1;
    assert_ok(slk_node_memory_new(&memory, 16, ASK_MAX, &diag), diag);
    for (unsigned round = 0; round < 60; round++) {
        unsigned arity = arities[round % SLK_COUNT(arities)];
        slk_node_t group[ASK_MAX][8], want[ASK_MAX], got[ASK_MAX];
        slk_node_memory_begin(memory, arity);
        for (unsigned i = 0; i < ASK_MAX; i++) {
            random = random * 1664525u + 1013904223u;
            unsigned number = random >> 24 & 63;
            make_group(group[i], arity, number);
            assert_int_equal(slk_poseidon_rows(&want[i], group[i], 1, arity), arity);
            slk_node_memory_ask(memory, number / 2, group[i], &got[i]);
            memset(group[i], 0xee, sizeof group[i]); /* it keeps its own copy */
        }
        slk_node_memory_answer(memory);
        assert_memory_equal(got, want, sizeof got);
    }
    slk_node_memory_free(memory);
}

/* Asked again, and twice in a round, a node costs no hash. */
static void test_hashes_once(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_node_memory_t *memory;
    slk_node_t group[8], digest[3];
    assert_ok(slk_node_memory_new(&memory, 16, ASK_MAX, &diag), diag);
    make_group(group, 8, 5);
    for (unsigned round = 0; round < 3; round++) {
        slk_node_memory_begin(memory, 8);
        for (unsigned i = 0; i < 3; i++)
            slk_node_memory_ask(memory, 77, group, &digest[i]);
        slk_node_memory_answer(memory);
        assert_int_equal(slk_node_memory_hashed(memory), 1);
    }
    group[0].b[9] = 1;
    slk_node_memory_begin(memory, 8);
    slk_node_memory_ask(memory, 77, group, &digest[1]);
    slk_node_memory_answer(memory);
    assert_int_equal(slk_node_memory_hashed(memory), 2);
    assert_memory_not_equal(&digest[0], &digest[1], sizeof *digest);
    slk_node_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_hash),
        cmocka_unit_test(test_hashes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
