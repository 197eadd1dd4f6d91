/* Randomised reorgs with messages in flight: no message lost, none executed twice on one chain,
 * listeners see reverts and applies in pairs that fit. With a number as argument so many of them
 * (1000 in the slow run). */

#include "devnet/chain/test_node.h"

static unsigned long rounds = 60;

/* --- A listener ------------------------------------------------------------------------------- */

/* Builds the chain from changes alone. */
typedef struct {
    slk_tip_t **items;
    size_t cnt, cap, reverted, applied;
    unsigned changes, wrong;
} follower_t;

static void follow(void *ctx, const slk_step_t *steps, size_t cnt)
{
    follower_t *f = ctx;
    bool applying = false;
    f->changes++;
    for (size_t i = 0; i < cnt; i++) {
        slk_tip_t *tip = steps[i].tip, *top = f->cnt ? f->items[f->cnt - 1] : NULL;
        if (steps[i].revert) {
            f->wrong += applying || !top || !slk_tipset_cids_eq(&top->key, &tip->key);
            f->reverted++;
            if (f->cnt)
                slk_tip_unref(f->items[--f->cnt]);
            continue;
        }
        applying = true;
        f->applied++;
        f->wrong += top && !slk_tipset_cids_eq(&top->key, &tip->parents);
        if (f->cnt == f->cap) {
            f->cap = f->cap ? 2 * f->cap : 64;
            f->items = realloc(f->items, f->cap * sizeof *f->items);
            SLK_ASSERT(f->items);
        }
        f->items[f->cnt++] = slk_tip_ref(tip);
    }
}

static void follower_free(follower_t *f)
{
    while (f->cnt)
        slk_tip_unref(f->items[--f->cnt]);
    free(f->items);
}

/* --- Traffic ---------------------------------------------------------------------------------- */

static uint64_t random_state;

static unsigned below(unsigned n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % n;
}

typedef struct {
    slk_cid_t *items;
    size_t cnt, cap;
    uint64_t pushed[NODE_ACCOUNTS], received[NODE_ACCOUNTS];
} sent_t;

static void send_some(node_t *node, sent_t *sent)
{
    for (unsigned i = below(3); i; i--) {
        unsigned from = below(NODE_ACCOUNTS), to = below(NODE_ACCOUNTS);
        if (sent->cnt == sent->cap) {
            sent->cap = sent->cap ? 2 * sent->cap : 256;
            sent->items = realloc(sent->items, sent->cap * sizeof *sent->items);
            assert_non_null(sent->items);
        }
        assert_int_equal(node_nonce(node, from), sent->pushed[from]);
        sent->items[sent->cnt++] =
            node_push(node, from, node_transfer(node, to, sent->pushed[from], 1, 1000 + below(9)));
        sent->pushed[from]++;
        sent->received[to]++;
    }
}

static void disturb(node_t *node)
{
    const int64_t height = node_height(node);
    const unsigned depth = 1 + below(height > 5 ? 5 : (unsigned)height);
    const unsigned what = below(10);
    if (what == 0)
        slk_producer_null(node->producer, 1 + below(3));
    if (what < 2)
        assert_ok(slk_producer_rewind(node->producer, depth > 2 ? 2 : depth, &node->diag),
                  node->diag);
    else
        assert_ok(slk_producer_reorg(node->producer, depth > 3 ? 3 : depth,
                                     what < 6 ? SLK_REORG_AGAIN : SLK_REORG_LATER, &node->diag),
                  node->diag);
}

/* --- What must hold in the end ---------------------------------------------------------------- */

static int by_cid(const void *a, const void *b)
{
    return slk_cid_cmp(a, b);
}

/* Walk the whole chain: the messages there are those that were sent, each once. */
static void check_chain(node_t *node, sent_t *sent, const follower_t *f)
{
    slk_cid_t *mined = calloc(sent->cnt + 1, sizeof *mined);
    size_t cnt = 0;
    assert_non_null(mined);
    for (size_t i = 0; i < f->cnt; i++) {
        slk_arena_t arena;
        slk_chain_message_list_t list;
        slk_receipt_list_t receipts;
        slk_arena_init(&arena, 1 << 24);
        assert_ok(slk_chain_messages(&list, node->chain, f->items[i], &arena, &node->diag),
                  node->diag);
        assert_ok(
            slk_chain_receipts(&receipts, node->chain, &f->items[i]->receipts, &arena, &node->diag),
            node->diag);
        assert_int_equal(receipts.count, list.count);
        for (size_t k = 0; k < list.count; k++) {
            assert_true(cnt < sent->cnt);
            assert_int_equal(receipts.items[k].exit_code, 0);
            mined[cnt++] = list.items[k].cid;
        }
        slk_arena_free(&arena);
    }
    assert_int_equal(cnt, sent->cnt);
    qsort(mined, cnt, sizeof *mined, by_cid);
    qsort(sent->items, cnt, sizeof *mined, by_cid);
    for (size_t i = 0; i < cnt; i++)
        assert_true(slk_cid_eq(&mined[i], &sent->items[i]));
    free(mined);
}

static void many_reorgs(void **state)
{
    (void)state;
    node_t node;
    sent_t sent = {0};
    follower_t f = {0};
    slk_tip_t *head;
    random_state = 7;
    node_open(&node);
    const uint64_t id = slk_chain_subscribe(node.chain, follow, &f, &head);
    slk_tip_unref(head);
    node_mine(&node, 5);
    for (unsigned long i = 0; i < rounds; i++) {
        send_some(&node, &sent);
        node_mine(&node, 1 + below(2));
        send_some(&node, &sent);
        disturb(&node);
        if (i % 50 == 49) { /* also in the middle of it all */
            slk_producer_free(node.producer);
            slk_mpool_free(node.pool);
            assert_ok(slk_mpool_new(&node.pool, node.chain, &node.diag), node.diag);
            assert_ok(slk_producer_new(&node.producer, node.chain, node.pool, &node.producing,
                                       &node.diag),
                      node.diag);
        }
    }
    for (int i = 0; slk_mpool_count(node.pool) && i < 20; i++)
        node_mine(&node, 1);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    assert_int_equal(f.wrong, 0);
    head = slk_chain_head(node.chain);
    assert_true(slk_tipset_cids_eq(&head->key, &f.items[f.cnt - 1]->key));
    slk_tip_unref(head);
    assert_true(f.reverted > rounds);
    for (unsigned i = 0; i < NODE_ACCOUNTS; i++)
        assert_int_equal(node_actor(&node, i).nonce, sent.pushed[i]);
    check_chain(&node, &sent, &f);
    for (size_t i = 0; i < sent.cnt; i += 1 + sent.cnt / 50) {
        slk_found_t found;
        node_mine(&node, i == 0);
        assert_true(node_search(&node, &sent.items[i], &found));
        assert_true(slk_cid_eq(&found.message, &sent.items[i]));
        slk_found_free(&found);
    }
    print_message("%zu messages, %zu reverts, %zu applies in %u changes\n", sent.cnt, f.reverted,
                  f.applied, f.changes);
    free(sent.items);
    slk_chain_unsubscribe(node.chain, id);
    follower_free(&f);
    node_close(&node);
}

/* What is asked for becomes of the messages. */
static void fates(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 3);
    node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    node_push(&node, 1, node_transfer(&node, 0, 0, 5, 1000));
    node_mine(&node, 2);
    assert_ok(slk_producer_reorg(node.producer, 2, SLK_REORG_AGAIN, &node.diag), node.diag);
    assert_int_equal(node_height(&node), 6);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    assert_int_equal(node_actor(&node, 0).nonce, 1);
    assert_ok(slk_producer_reorg(node.producer, 3, SLK_REORG_LATER, &node.diag), node.diag);
    assert_int_equal(slk_mpool_count(node.pool), 2);
    assert_int_equal(node_actor(&node, 0).nonce, 0);
    node_mine(&node, 1);
    assert_int_equal(node_actor(&node, 1).nonce, 1);
    assert_ok(slk_producer_reorg(node.producer, 1, SLK_REORG_LOSE, &node.diag), node.diag);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    node_mine(&node, 3);
    assert_int_equal(node_actor(&node, 0).nonce, 0);
    const int64_t height = node_height(&node);
    assert_err(SLK_ERR_INPUT, slk_producer_reorg(node.producer, 1000, SLK_REORG_AGAIN, &node.diag));
    assert_int_equal(node_height(&node), height);
    assert_ok(slk_producer_rewind(node.producer, 4, &node.diag), node.diag);
    assert_int_equal(node_height(&node), height - 4);
    node_mine(&node, 1); /* at the epoch that is due: those in between are null */
    assert_int_equal(node_height(&node), height + 1);
    node_close(&node);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fates),
        cmocka_unit_test(many_reorgs),
    };
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
