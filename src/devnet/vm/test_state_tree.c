/* The tree of actors: undo, flush, reading back, and that its root does not depend on the order of changes. */

#include "devnet/vm/state_tree.h"

#include "base/assert.h"
#include "test_util.h"

static slk_memory_store_t *memory;
static slk_blockstore_t store;

static int setup(void **state)
{
    (void)state;
    memory = slk_memory_store_new();
    assert_non_null(memory);
    store = slk_memory_store_blocks(memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    slk_memory_store_free(memory);
    return 0;
}

static slk_actor_state_t actor_of(uint64_t n)
{
    slk_actor_state_t actor = {.nonce = n, .balance = slk_bigint_u64(n * 1000)};
    actor.code = slk_cid_of_bytes(SLK_CODEC_RAW, &n, sizeof n);
    actor.head = slk_cid_of_cbor(&n, sizeof n);
    if (n % 3 == 0)
        actor.delegated_address = slk_address_delegated(10, &n, sizeof n);
    return actor;
}

static void assert_actor(slk_state_tree_t *tree, uint64_t id, uint64_t n)
{
    slk_diag_t diag;
    bool found;
    slk_actor_state_t actor, want = actor_of(n);
    assert_ok(slk_state_tree_get(tree, id, &actor, &found, &diag), diag);
    assert_true(found);
    assert_int_equal(actor.nonce, n);
    assert_true(slk_cid_eq(&actor.code, &want.code) && slk_cid_eq(&actor.head, &want.head));
    assert_int_equal(slk_bigint_cmp(&actor.balance, &want.balance), 0);
    assert_true(slk_address_eq(&actor.delegated_address, &want.delegated_address));
}

static void set(slk_state_tree_t *tree, uint64_t id, uint64_t n)
{
    slk_diag_t diag;
    slk_actor_state_t actor = actor_of(n);
    assert_ok(slk_state_tree_set(tree, id, &actor, &diag), diag);
}

static slk_err_t count(void *ctx, uint64_t id, const slk_actor_state_t *actor, slk_diag_t *diag)
{
    (void)diag;
    assert_int_equal(actor->nonce, id + 7);
    ++*(size_t *)ctx;
    return SLK_OK;
}

static void written_and_read(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_state_tree_t *tree, *other;
    slk_cid_t root, again;
    size_t seen = 0;
    bool found;
    slk_actor_state_t actor;
    assert_ok(slk_state_tree_new(&tree, &store, &diag), diag);
    assert_ok(slk_state_tree_new(&other, &store, &diag), diag);
    for (uint64_t i = 0; i < 300; i++) {
        set(tree, i, i + 7);
        set(other, 299 - i, 3);
        set(other, 299 - i, 299 - i + 7);
    }
    assert_ok(slk_state_tree_flush(tree, &root, &diag), diag);
    assert_ok(slk_state_tree_flush(other, &again, &diag), diag);
    assert_true(slk_cid_eq(&root, &again));
    slk_state_tree_free(tree);
    assert_ok(slk_state_tree_load(&tree, &store, &root, &diag), diag);
    for (uint64_t i = 0; i < 300; i++)
        assert_actor(tree, i, i + 7);
    assert_ok(slk_state_tree_get(tree, 300, &actor, &found, &diag), diag);
    assert_false(found);
    assert_ok(slk_state_tree_foreach(tree, count, &seen, &diag), diag);
    assert_int_equal(seen, 300);
    slk_state_tree_free(tree);
    slk_state_tree_free(other);
}

static void undone(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_state_tree_t *tree;
    slk_cid_t before, after;
    bool found;
    slk_actor_state_t actor;
    assert_ok(slk_state_tree_new(&tree, &store, &diag), diag);
    set(tree, 1, 1);
    set(tree, 2, 2);
    assert_ok(slk_state_tree_flush(tree, &before, &diag), diag);
    size_t outer = slk_state_tree_mark(tree);
    set(tree, 1, 5);
    set(tree, 9, 9);
    size_t inner = slk_state_tree_mark(tree);
    set(tree, 1, 6);
    set(tree, 2, 6);
    slk_state_tree_undo(tree, inner);
    assert_actor(tree, 1, 5);
    assert_actor(tree, 2, 2);
    assert_actor(tree, 9, 9);
    slk_state_tree_undo(tree, outer);
    assert_actor(tree, 1, 1);
    assert_ok(slk_state_tree_get(tree, 9, &actor, &found, &diag), diag);
    assert_false(found);
    assert_ok(slk_state_tree_flush(tree, &after, &diag), diag);
    assert_true(slk_cid_eq(&before, &after));
    slk_state_tree_free(tree);
}

static void no_such_state(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_state_tree_t *tree;
    slk_cid_t root = slk_cid_of_cbor("x", 1);
    static const uint8_t bytes[] = {0x83, 0x04, 0xd8, 0x2a};
    assert_err(SLK_ERR_NOTFOUND, slk_state_tree_load(&tree, &store, &root, &diag));
    assert_null(tree);
    assert_ok(slk_block_put(&store, &root, bytes, sizeof bytes, &diag), diag);
    assert_err(SLK_ERR_FORMAT, slk_state_tree_load(&tree, &store, &root, &diag));
    assert_null(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(undone),
        cmocka_unit_test(no_such_state),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
