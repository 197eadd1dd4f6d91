/* Many readers while blocks are made, replaced and waited for: what each sees fits together. For
 * ThreadSanitizer, too. */

#include "devnet/chain/test_node.h"

#include <pthread.h>

#define READERS 4
#define EPOCHS  60

static atomic_bool done;
static atomic_uint looks, changes;

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* --- Readers ---------------------------------------------------------------------------------- */

static void look_around(node_t *node, slk_arena_t *arena, unsigned n)
{
    slk_diag_t diag;
    slk_tip_t *head = slk_chain_head(node->chain), *tip, *parent;
    slk_actor_state_t actor;
    slk_pending_list_t list;
    slk_chain_message_list_t messages;
    slk_called_t *called;
    slk_node_t drawn;
    bool found;
    const int64_t epoch = head->height * (int64_t)(n % 7) / 7;
    check(slk_chain_at(&tip, node->chain, head, epoch, n & 1, &diag) == SLK_OK, diag.text);
    check(n & 1 ? tip->height >= epoch : tip->height <= epoch, "at the wrong height");
    check(slk_chain_is_ancestor(&found, node->chain, tip, head, &diag) == SLK_OK && found,
          "no ancestor of the head it was found from");
    check(slk_chain_draw(&drawn, node->chain, head, false, 5, epoch, "", 0, &diag) == SLK_OK,
          diag.text);
    if (tip->height) {
        check(slk_chain_parent(&parent, node->chain, tip, &diag) == SLK_OK, diag.text);
        check(slk_cid_eq(slk_tip_parent_state(tip), &parent->state), "not its parent's state");
        slk_tip_unref(parent);
    }
    check(slk_chain_actor(&actor, NULL, &found, node->chain, &tip->state, &node->accounts[n % 8],
                          &diag) == SLK_OK &&
              found,
          "no actor");
    check(slk_chain_messages(&messages, node->chain, tip, arena, &diag) == SLK_OK, diag.text);
    check(slk_mpool_pending(&list, node->pool, NULL, arena, &diag) == SLK_OK, diag.text);
    check(slk_mpool_select(&list, node->pool, head, arena, &diag) == SLK_OK, diag.text);
    slk_message_t m = node_transfer(node, 1, 0, 1, 1);
    m.from = node->accounts[n % 8];
    check(slk_chain_call(&called, node->chain, head, SLK_CALL_AFTER, &m, NULL, 0, &diag) == SLK_OK,
          diag.text);
    check(called->applied.exit == 0, "a call failed");
    slk_called_free(called);
    slk_tip_unref(tip);
    slk_tip_unref(head);
}

static void *reader(void *ctx)
{
    slk_arena_t arena;
    for (unsigned n = 0; !atomic_load(&done); n++) {
        slk_arena_init(&arena, (size_t)1 << 26);
        look_around(ctx, &arena, n);
        slk_arena_free(&arena);
        atomic_fetch_add(&looks, 1);
        usleep(500);
    }
    return NULL;
}

static void *pusher(void *ctx)
{
    node_t *node = ctx;
    slk_arena_t arena;
    slk_found_t found;
    slk_diag_t diag;
    for (uint64_t n = 0; !atomic_load(&done); n++) {
        slk_cid_t cid;
        slk_key_sig_t sig;
        slk_message_t m = node_transfer(node, 1, n, 1, 1000);
        m.from = node->accounts[0];
        slk_cid_t bare;
        check(slk_message_cid(&bare, &m, &diag) == SLK_OK, diag.text);
        check(slk_key_sign(&sig, &node->keys[0], bare.b, bare.len, &diag) == SLK_OK, diag.text);
        const slk_signed_message_t sm = {m, slk_key_sig_view(&sig)};
        check(slk_mpool_push(&cid, node->pool, &sm, SLK_PUSH_LOCAL, &diag) == SLK_OK, diag.text);
        slk_arena_init(&arena, 1 << 20);
        slk_err_t err =
            slk_chain_wait(&found, node->chain, &cid, 1, -1, true, &done, &arena, &diag);
        check(err == SLK_OK || err == SLK_ERR_CANCELLED, diag.text);
        if (err == SLK_OK)
            slk_found_free(&found);
        slk_arena_free(&arena);
    }
    return NULL;
}

static void count_changes(void *ctx, const slk_step_t *steps, size_t cnt)
{
    (void)ctx;
    (void)steps;
    atomic_fetch_add(&changes, cnt > 0);
}

static void together(void **state)
{
    (void)state;
    node_t node;
    pthread_t threads[READERS + 1];
    node_open(&node);
    node_mine(&node, 10);
    const uint64_t id = slk_chain_subscribe(node.chain, count_changes, NULL, NULL);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &node), 0);
    assert_int_equal(pthread_create(&threads[READERS], NULL, pusher, &node), 0);
    slk_producer_set_block_ms(node.producer, 2);
    slk_producer_resume(node.producer); /* and its own thread */
    while (node_height(&node) < EPOCHS) {
        assert_ok(slk_producer_reorg(node.producer, 2, SLK_REORG_AGAIN, &node.diag), node.diag);
        node_mine(&node, 1);
        usleep(5000);
        slk_producer_status_t status = slk_producer_status(node.producer);
        if (status.stopped)
            fail_msg("%s", status.why);
    }
    atomic_store(&done, true);
    for (int i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
    slk_chain_unsubscribe(node.chain, id);
    assert_true(atomic_load(&looks) > READERS && atomic_load(&changes) > 20);
    node_close(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
