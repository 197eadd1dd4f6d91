/* Blocks, execution, finding tipsets and messages, randomness, calls. */

#include "crypto/election/beacon.h"
#include "crypto/election/randomness.h"
#include "crypto/keys/vrf.h"
#include "devnet/chain/test_node.h"

static void idle_chain(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    slk_tip_t *genesis = slk_chain_genesis(node.chain), *head;
    assert_int_equal(genesis->height, 0);
    node_mine(&node, 150);
    head = slk_chain_head(node.chain);
    assert_int_equal(head->height, 150);
    const slk_block_header_t *block = &head->tipset.blocks.items[0];
    assert_true(slk_block_is_builtin(block));
    assert_int_equal(block->timestamp, 1700000000 + 150 * 4);
    assert_int_equal(block->win_post_proof.count, 0);
    /* A falling base fee: an eighth an epoch until 100. */
    assert_string_equal(slk_bigint_text(&block->parent_base_fee).s, "100");
    slk_tip_t *one;
    assert_ok(slk_chain_at(&one, node.chain, head, 1, false, &node.diag), node.diag);
    assert_string_equal(slk_bigint_text(&one->tipset.blocks.items[0].parent_base_fee).s,
                        "87500000");
    slk_tip_unref(one);
    slk_tip_unref(head);
    slk_tip_unref(genesis);
    node_close(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
