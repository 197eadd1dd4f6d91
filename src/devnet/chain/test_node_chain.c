/* Blocks, execution, finding tipsets and messages, randomness, calls. */

#include "crypto/election/beacon.h"
#include "crypto/election/randomness.h"
#include "crypto/keys/vrf.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/chain/test_node.h"

#include <pthread.h>

static slk_tip_t *at(node_t *node, int64_t epoch, bool after)
{
    slk_tip_t *tip, *head = slk_chain_head(node->chain);
    assert_ok(slk_chain_at(&tip, node->chain, head, epoch, after, &node->diag), node->diag);
    slk_tip_unref(head);
    return tip;
}

static char *base_fee_at(node_t *node, int64_t epoch)
{
    static slk_bigint_text_t text;
    slk_tip_t *tip = at(node, epoch, false);
    text = slk_bigint_text(&tip->tipset.blocks.items[0].parent_base_fee);
    slk_tip_unref(tip);
    return text.s;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* A block is signed by the producer's key, its ticket is the VRF of the parent's, and it says that
 * nothing was won. */
static void assert_block(node_t *node, const slk_tip_t *tip, const slk_tip_t *parent)
{
    slk_key_t key;
    slk_buf_t buf = {0};
    bool ok;
    assert_ok(slk_producer_key(&key, node->chain, 0, &node->diag), node->diag);
    const slk_address_t worker = slk_key_address(&key);
    const slk_block_header_t *b = &tip->tipset.blocks.items[0];
    assert_ok(slk_block_unsigned(&buf, b, &node->diag), node->diag);
    assert_ok(slk_signature_verify(&ok, &worker, &b->block_sig, buf.bytes, buf.len, &node->diag),
              node->diag);
    assert_true(ok);
    slk_buf_free(&buf);
    assert_int_equal(b->beacon_entries.count, tip->height - parent->height);
    const slk_beacon_entry_t *entry = &b->beacon_entries.items[b->beacon_entries.count - 1];
    const slk_node_t data = slk_mock_entry((uint64_t)tip->height + 100);
    assert_int_equal(entry->round, tip->height + 100);
    assert_memory_equal(entry->data.b, data.b, 32);
    const slk_bytes_t before = parent->tipset.blocks.items[0].ticket->vrf_proof;
    const slk_node_t input =
        slk_ticket_input(data.b, 32, tip->height, SLK_PRODUCER_ID, before.b, before.len);
    assert_true(slk_vrf_verify(&worker, &input, b->ticket->vrf_proof.b, b->ticket->vrf_proof.len));
    assert_true(slk_block_is_builtin(b));
    assert_null(b->election_proof);
    assert_int_equal(b->win_post_proof.count, 0);
    assert_int_equal(b->timestamp, 1700000000 + tip->height * 4);
    assert_true(slk_cid_eq(&b->parent_state_root, &parent->state));
}

static void idle_chain(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    slk_tip_t *genesis = slk_chain_genesis(node.chain), *tip = genesis, *next;
    node_mine(&node, 110);
    for (int64_t h = 1; h <= 110; h++) {
        next = at(&node, h, false);
        assert_int_equal(next->height, h);
        assert_block(&node, next, tip);
        slk_tip_unref(tip);
        tip = next;
    }
    slk_tip_unref(tip);
    /* The series that a real 2k network has: an eighth less an epoch, until 100. */
    json_t *json = test_vectors("lotus-rpc/base-fee.json"), *row;
    size_t i, compared = 0;
    json_array_foreach(json_object_get(json, "series"), i, row)
    {
        const int64_t h = json_integer_value(json_array_get(row, 0));
        char want[32];
        if (h > 110)
            continue;
        snprintf(want, sizeof want, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_array_get(row, 1)));
        assert_string_equal(base_fee_at(&node, h), want);
        compared++;
    }
    assert_true(compared > 100);
    json_decref(json);
    node_close(&node);
}

/* Equal seeds and commands, equal blocks; another seed, others. */
static void deterministic(void **state)
{
    (void)state;
    node_t a, b, c;
    node_open_seed(&a, NULL, "one");
    node_open_seed(&b, NULL, "one");
    node_open_seed(&c, NULL, "two");
    node_t *all[] = {&a, &b, &c};
    slk_tip_t *heads[3];
    for (int i = 0; i < 3; i++) {
        slk_producer_set_null_probability(all[i]->producer, 0.3);
        node_mine(all[i], 10);
        node_push(all[i], 0, node_transfer(all[i], 1, 0, 5, 1000));
        node_push(all[i], 1, node_transfer(all[i], 0, 0, 7, 1000));
        node_mine(all[i], 10);
        assert_ok(slk_producer_reorg(all[i]->producer, 3, SLK_REORG_AGAIN, &all[i]->diag),
                  all[i]->diag);
        node_mine(all[i], 5);
        heads[i] = slk_chain_head(all[i]->chain);
    }
    assert_true(slk_tipset_cids_eq(&heads[0]->key, &heads[1]->key));
    assert_false(slk_tipset_cids_eq(&heads[0]->key, &heads[2]->key));
    for (int i = 0; i < 3; i++) {
        slk_tip_unref(heads[i]);
        node_close(all[i]);
    }
}

/* --- Walking ---------------------------------------------------------------------------------- */

static void null_rounds(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 5);
    slk_producer_null(node.producer, 3);
    node_mine(&node, 5); /* epochs 6, 7, 8 are null */
    slk_tip_t *tip = at(&node, 7, false);
    assert_int_equal(tip->height, 5);
    slk_tip_unref(tip);
    tip = at(&node, 6, true);
    assert_int_equal(tip->height, 9);
    assert_int_equal(tip->tipset.blocks.items[0].beacon_entries.count, 4);
    assert_int_equal(tip->tipset.blocks.items[0].timestamp, 1700000000 + 9 * 4);
    /* Tickets of null epochs are those of the next tipset, as seen from any later one. */
    slk_node_t drawn, want;
    slk_tip_t *head = slk_chain_head(node.chain);
    const slk_bytes_t proof = tip->tipset.blocks.items[0].ticket->vrf_proof;
    assert_ok(slk_chain_draw(&drawn, node.chain, head, false, SLK_TAG_SEAL, 7, "x", 1, &node.diag),
              node.diag);
    want = slk_draw(proof.b, proof.len, SLK_TAG_SEAL, 7, "x", 1);
    assert_memory_equal(drawn.b, want.b, 32);
    const slk_node_t entry = slk_mock_entry(107);
    assert_ok(
        slk_chain_draw(&drawn, node.chain, head, true, SLK_TAG_SEAL_SEED, 7, "x", 1, &node.diag),
        node.diag);
    want = slk_draw(entry.b, 32, SLK_TAG_SEAL_SEED, 7, "x", 1);
    assert_memory_equal(drawn.b, want.b, 32);
    assert_err(SLK_ERR_INPUT, slk_chain_draw(&drawn, node.chain, head, false, SLK_TAG_SEAL, 11, "",
                                             0, &node.diag));
    assert_string_equal(node.diag.text, "cannot draw randomness from the future");
    slk_tip_t *none;
    assert_err(SLK_ERR_INPUT, slk_chain_at(&none, node.chain, head, 1023, false, &node.diag));
    assert_string_equal(node.diag.text, "looking for tipset with height greater than start point, "
                                        "req: 1023, head: 10");
    slk_tip_unref(tip);
    slk_tip_unref(head);
    node_close(&node);
}

/* Without blocks from anywhere the clock stops before there are too many null rounds for one block
 * to span. */
static void endless_nulls(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 1);
    slk_producer_set_external(node.producer, true);
    node_mine(&node, 10000);
    assert_int_equal(node_height(&node), 1);
    assert_int_equal(slk_producer_epoch(node.producer), 8000);
    slk_producer_set_external(node.producer, false);
    node_mine(&node, 1);
    slk_tip_t *head = slk_chain_head(node.chain);
    assert_int_equal(head->height, 8001);
    assert_int_equal(head->tipset.blocks.items[0].beacon_entries.count, 8000);
    slk_tip_unref(head);
    assert_err(SLK_ERR_INPUT, slk_producer_rewind(node.producer, 1, &node.diag));
    assert_non_null(strstr(node.diag.text, "more than 8000 null rounds would follow"));
    node_close(&node);
}

/* Heights on branches that were left, with more epochs than the ring has, from memory and after
 * reopening. */
static void deep_history(void **state)
{
    (void)state;
    node_t node;
    slk_tip_t *old, *tip, *head;
    slk_step_t *steps;
    size_t cnt;
    node_open(&node);
    node_mine(&node, 40);
    old = slk_chain_head(node.chain);
    assert_ok(slk_producer_reorg(node.producer, 10, SLK_REORG_AGAIN, &node.diag), node.diag);
    slk_producer_null(node.producer, SLK_RING + 100); /* a gap that the ring does not reach over */
    node_mine(&node, SLK_RING + 120);
    head = slk_chain_head(node.chain);
    for (int64_t h = 0; h <= 40; h += 5) {
        slk_tip_t *here, *there;
        assert_ok(slk_chain_at(&here, node.chain, head, h, false, &node.diag), node.diag);
        assert_ok(slk_chain_at(&there, node.chain, old, h, true, &node.diag), node.diag);
        assert_int_equal(here->height, h);
        assert_int_equal(there->height, h);
        assert_int_equal(slk_tipset_cids_eq(&here->key, &there->key), h <= 30);
        slk_tip_unref(here);
        slk_tip_unref(there);
    }
    assert_ok(slk_chain_path(&steps, &cnt, node.chain, old, head, &node.diag), node.diag);
    assert_int_equal(cnt, 10 + 11 + 20);
    assert_true(steps[9].revert && !steps[10].revert);
    assert_int_equal(steps[0].tip->height, 40);
    assert_int_equal(steps[9].tip->height, 31);
    assert_int_equal(steps[10].tip->height, 31);
    slk_steps_free(steps, cnt);
    slk_tip_unref(old);
    slk_tip_unref(head);
    node_stop(&node);
    node_start(&node);
    tip = at(&node, 31, true);
    assert_int_equal(tip->height, 31);
    slk_tip_unref(tip);
    tip = at(&node, 500, false);
    assert_int_equal(tip->height, 41);
    slk_tip_unref(tip);
    node_close(&node);
}

/* Keys that no tipset has: none, of an unknown block, of a CID that is hardly one, known blocks
 * too many. */
static void wrong_keys(void **state)
{
    (void)state;
    node_t node;
    slk_tip_t *tip;
    slk_cid_t cids[3] = {0};
    slk_tipset_cids_t key = {{cids, 0}};
    node_open(&node);
    node_mine(&node, 2);
    assert_err(SLK_ERR_INPUT, slk_chain_tip(&tip, node.chain, &key, &node.diag));
    assert_string_equal(node.diag.text, "NewTipSet called with zero length array of blocks");
    key.cids.count = 1;
    cids[0] = slk_cid_of_cbor("x", 1);
    assert_err(SLK_ERR_NOTFOUND, slk_chain_tip(&tip, node.chain, &key, &node.diag));
    cids[0].len = 3;
    assert_err(SLK_ERR_NOTFOUND, slk_chain_tip(&tip, node.chain, &key, &node.diag));
    slk_tip_t *head = slk_chain_head(node.chain);
    cids[0] = cids[1] = head->key.cids.items[0];
    key.cids.count = 2;
    assert_err(SLK_ERR_NOTFOUND, slk_chain_tip(&tip, node.chain, &key, &node.diag));
    key.cids.count = 1;
    assert_ok(slk_chain_tip(&tip, node.chain, &key, &node.diag), node.diag);
    assert_ptr_equal(tip, head);
    slk_tip_unref(tip);
    slk_tip_unref(head);
    node_close(&node);
}

/* --- Messages --------------------------------------------------------------------------------- */

static void messages_and_state(void **state)
{
    (void)state;
    node_t node;
    slk_found_t found;
    slk_arena_t arena;
    slk_chain_message_list_t list;
    slk_receipt_list_t receipts;
    node_open(&node);
    node_mine(&node, 2);
    const slk_bigint_t before = node_actor(&node, 1).balance;
    slk_cid_t bls = node_push(&node, 0, node_transfer(&node, 1, 0, 1000, 100));
    slk_cid_t secp = node_push(&node, 3, node_transfer(&node, 1, 0, 234, 200));
    assert_false(node_search(&node, &bls, &found));
    node_mine(&node, 1);
    assert_false(node_search(&node, &bls, &found)); /* no receipt on the chain yet */
    node_mine(&node, 1);
    assert_true(node_search(&node, &bls, &found));
    assert_int_equal(found.tip->height, 4);
    assert_int_equal(found.included->height, 3);
    assert_int_equal(found.receipt.exit_code, 0);
    assert_true(found.receipt.gas_used > 0);
    slk_arena_init(&arena, 1 << 20);
    assert_ok(slk_chain_messages(&list, node.chain, found.included, &arena, &node.diag), node.diag);
    assert_int_equal(list.count, 2);
    assert_true(slk_cid_eq(&list.items[0].cid, &bls));
    assert_true(slk_cid_eq(&list.items[1].cid, &secp));
    assert_ok(slk_chain_receipts(&receipts, node.chain,
                                 &found.tip->tipset.blocks.items[0].parent_message_receipts, &arena,
                                 &node.diag),
              node.diag);
    assert_int_equal(receipts.count, 2);
    slk_found_free(&found);
    const slk_bigint_t after = node_actor(&node, 1).balance;
    const slk_bigint_t more = slk_bigint_sub(after, before);
    assert_string_equal(slk_bigint_text(&more).s, "1234");
    assert_int_equal(node_actor(&node, 0).nonce, 1);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    slk_arena_free(&arena);
    node_close(&node);
}

static void replaced(void **state)
{
    (void)state;
    node_t node;
    slk_found_t found;
    slk_arena_t arena;
    bool is;
    node_open(&node);
    node_mine(&node, 1);
    slk_cid_t first = node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    slk_cid_t second = node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1101));
    slk_cid_t other = node_push(&node, 2, node_transfer(&node, 1, 0, 6, 1000));
    slk_cid_t dearer = node_push(&node, 2, node_transfer(&node, 1, 0, 7, 2000));
    node_mine(&node, 2);
    slk_tip_t *head = slk_chain_head(node.chain);
    slk_arena_init(&arena, 1 << 20);
    assert_true(node_search(&node, &first, &found));
    assert_true(slk_cid_eq(&found.message, &second));
    slk_found_free(&found);
    assert_ok(slk_chain_search(&found, &is, node.chain, head, &first, -1, false, false, &arena,
                               &node.diag),
              node.diag);
    assert_false(is);
    assert_err(SLK_ERR_MISMATCH,
               slk_chain_wait(&found, node.chain, &first, 0, -1, false, NULL, &arena, &node.diag));
    char want[512];
    snprintf(want, sizeof want,
             "message was replaced: found message with equal nonce as the one we are looking for "
             "(F:%s n 0, TS: %s n0): message was replaced",
             slk_cid_text(&first).s, slk_cid_text(&second).s);
    assert_string_equal(node.diag.text, want);
    /* Another call in its place is an error in any case. */
    assert_err(SLK_ERR_MISMATCH, slk_chain_search(&found, &is, node.chain, head, &other, -1, true,
                                                  false, &arena, &node.diag));
    assert_true(node_search(&node, &dearer, &found));
    slk_found_free(&found);
    /* The limit is counted in epochs below the tipset that one looks from. */
    node_mine(&node, 5);
    slk_tip_unref(head);
    head = slk_chain_head(node.chain);
    for (int64_t limit = 4; limit <= 6; limit++) {
        assert_ok(slk_chain_search(&found, &is, node.chain, head, &dearer, limit, true, false,
                                   &arena, &node.diag),
                  node.diag);
        assert_int_equal(is, limit >= 5);
        slk_found_free(&found);
    }
    assert_err(SLK_ERR_INPUT,
               slk_chain_wait(&found, node.chain, &first, 901, -1, true, NULL, &arena, &node.diag));
    assert_string_equal(node.diag.text, "message confidence exceeds maximum: 901 > 900: message "
                                        "confidence exceeds maximum");
    slk_tip_unref(head);
    slk_arena_free(&arena);
    node_close(&node);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

typedef struct {
    node_t *node;
    slk_cid_t cid;
    int64_t height, head;
    slk_err_t err;
} waiter_t;

static void *wait_for(void *ctx)
{
    waiter_t *w = ctx;
    slk_arena_t arena;
    slk_found_t found;
    slk_diag_t diag;
    slk_arena_init(&arena, 1 << 20);
    w->err = slk_chain_wait(&found, w->node->chain, &w->cid, 3, -1, true, NULL, &arena, &diag);
    if (w->err == SLK_OK) {
        w->height = found.tip->height;
        w->head = node_height(w->node);
        slk_found_free(&found);
    }
    slk_arena_free(&arena);
    return NULL;
}

/* A reorg takes the message off the chain; it lands again, and only then the confidence counts. */
static void wait_over_reorg(void **state)
{
    (void)state;
    node_t node;
    pthread_t thread;
    node_open(&node);
    node_mine(&node, 3);
    waiter_t w = {.node = &node, .cid = node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000))};
    assert_int_equal(pthread_create(&thread, NULL, wait_for, &w), 0);
    node_mine(&node, 3); /* in 4, receipt in 5, head 6 */
    assert_ok(slk_producer_reorg(node.producer, 3, SLK_REORG_LATER, &node.diag), node.diag);
    assert_int_equal(node_height(&node), 7);
    assert_int_equal(slk_mpool_count(node.pool), 1);
    node_mine(&node, 4); /* in 8, receipt in 9, head 11 */
    usleep(20000);
    node_mine(&node, 1);
    pthread_join(thread, NULL);
    assert_int_equal(w.err, SLK_OK);
    assert_int_equal(w.height, 9);
    assert_true(w.head >= 12);
    /* Who waits for nothing leaves when the chain stops. */
    w.cid = node_push(&node, 0, node_transfer(&node, 1, 5, 5, 1000));
    assert_int_equal(pthread_create(&thread, NULL, wait_for, &w), 0);
    slk_chain_end_waits(node.chain);
    pthread_join(thread, NULL);
    assert_int_equal(w.err, SLK_ERR_CANCELLED);
    node_close(&node);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void calls(void **state)
{
    (void)state;
    node_t node;
    slk_called_t *called;
    slk_found_t found;
    node_open(&node);
    node_mine(&node, 1);
    slk_tip_t *head = slk_chain_head(node.chain);
    slk_message_t m = node_transfer(&node, 1, 0, 5, 1000);
    m.from = node.accounts[0];
    m.gas_limit = 0;
    assert_ok(slk_chain_call(&called, node.chain, head, SLK_CALL_AFTER, &m, NULL, 0, &node.diag),
              node.diag);
    assert_int_equal(called->applied.exit, 0);
    const int64_t used = called->applied.gas_used;
    assert_true(used > 560663 && called->message.nonce == 0);
    assert_int_equal(called->applied.call_cnt, 1);
    slk_called_free(called);
    /* With a pending one before it: the next nonce. */
    assert_ok(slk_chain_call(&called, node.chain, head, SLK_CALL_AFTER, &m,
                             &(slk_message_t){.to = m.to,
                                              .from = m.from,
                                              .gas_limit = 10000000,
                                              .gas_fee_cap = slk_bigint_u64(100)},
                             1, &node.diag),
              node.diag);
    assert_int_equal(called->message.nonce, 1);
    slk_called_free(called);
    m.value = fil(2000000);
    assert_ok(slk_chain_call(&called, node.chain, head, SLK_CALL_BEFORE, &m, NULL, 0, &node.diag),
              node.diag);
    assert_int_equal(called->applied.exit, 6); /* insufficient funds */
    slk_called_free(called);
    m.from = slk_address_id(5555);
    assert_err(SLK_ERR_NOTFOUND,
               slk_chain_call(&called, node.chain, head, SLK_CALL_AFTER, &m, NULL, 0, &node.diag));
    assert_non_null(strstr(node.diag.text, "not found on chain: sender validation failed"));
    slk_tip_unref(head);
    /* Nothing of it is kept, and what a message on the chain used is what its replay uses. */
    assert_int_equal(node_actor(&node, 0).nonce, 0);
    slk_cid_t cid = node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    node_mine(&node, 2);
    assert_true(node_search(&node, &cid, &found));
    assert_ok(slk_chain_replay(&called, node.chain, found.included, found.index, &node.diag),
              node.diag);
    assert_int_equal(called->applied.gas_used, found.receipt.gas_used);
    /* The estimate was for a message with other fees, some bytes shorter. */
    assert_in_range(found.receipt.gas_used, used, used + 10 * 1300);
    slk_called_free(called);
    slk_found_free(&found);
    node_close(&node);
}

/* --- Folders ---------------------------------------------------------------------------------- */

static void reopened(void **state)
{
    (void)state;
    node_t node;
    slk_chain_t *other;
    node_open(&node);
    node_mine(&node, 4);
    assert_err(SLK_ERR_BUSY, slk_chain_open(&other, node.dir, &node.options, &node.diag));
    slk_tip_t *head = slk_chain_head(node.chain);
    slk_cid_t key = head->key.cids.items[0], root = head->state;
    slk_tip_unref(head);
    node_stop(&node);
    node_start(&node);
    head = slk_chain_head(node.chain);
    assert_true(slk_cid_eq(&key, &head->key.cids.items[0]));
    assert_true(slk_cid_eq(&root, &head->state));
    slk_tip_unref(head);
    node_mine(&node, 2);
    node_stop(&node);
    slk_chain_options_t wrong = node.options;
    wrong.network_name = "another";
    assert_err(SLK_ERR_MISMATCH, slk_chain_open(&other, node.dir, &wrong, &node.diag));
    assert_non_null(strstr(node.diag.text, "network name is 'selkie-test', not 'another'"));
    wrong = node.options;
    slk_policy_t scaled = slk_policy_scaled(node.options.policy, 6, 10);
    wrong.policy = &scaled;
    assert_err(SLK_ERR_MISMATCH, slk_chain_open(&other, node.dir, &wrong, &node.diag));
    assert_non_null(strstr(node.diag.text, "policy is '2k, 48 deadlines of 60 epochs in 2880"));
    scaled = *node.options.policy;
    scaled.optimistic_post = !scaled.optimistic_post;
    assert_err(SLK_ERR_MISMATCH, slk_chain_open(&other, node.dir, &wrong, &node.diag));
    wrong = node.options;
    wrong.genesis_time = 0; /* that of the chain */
    assert_ok(slk_chain_open(&other, node.dir, &wrong, &node.diag), node.diag);
    assert_int_equal(slk_chain_genesis_time(other), 1700000000);
    slk_chain_close(other);
    test_rm_dir(node.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_chain),         cmocka_unit_test(deterministic),
        cmocka_unit_test(null_rounds),        cmocka_unit_test(deep_history),
        cmocka_unit_test(messages_and_state), cmocka_unit_test(replaced),
        cmocka_unit_test(wait_over_reorg),    cmocka_unit_test(calls),
        cmocka_unit_test(reopened),           cmocka_unit_test(wrong_keys),
        cmocka_unit_test(endless_nulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
