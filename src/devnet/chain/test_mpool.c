/* Which messages the pool takes and with what text it refuses others; nonces, choice, memory over
 * restarts. */

#include "devnet/chain/test_node.h"

static void refuse(node_t *node, unsigned from, slk_message_t m, slk_push_t how, const char *text)
{
    slk_cid_t cid;
    assert_err(SLK_ERR_INPUT, node_try_push(node, from, m, how, &cid));
    assert_string_equal(node->diag.text, text);
}

/* --- Rules ------------------------------------------------------------------------------------ */

static void forms(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 1);
    const slk_message_t good = node_transfer(&node, 1, 0, 5, 1000);
    slk_message_t m = good;
    m.version = 1;
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'Version' unsupported");
    m = good;
    m.value = slk_bigint_i64(-1);
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'Value' field cannot be negative");
    m.value = fil(UINT64_C(2000000000));
    refuse(&node, 0, m, SLK_PUSH_LOCAL, "cannot send more filecoin than will ever exist");
    m.value = fil(UINT64_C(2000000001));
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'Value' field cannot be greater than total "
           "filecoin supply");
    m = good;
    m.gas_premium = slk_bigint_add(m.gas_fee_cap, slk_bigint_u64(1));
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'GasFeeCap' less than 'GasPremium'");
    m = good;
    m.gas_fee_cap = m.gas_premium = slk_bigint_u64(99);
    refuse(&node, 0, m, SLK_PUSH_LOCAL, "gas fee cap too low");
    m = good;
    m.gas_limit = INT64_C(20000000000);
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'GasLimit' field cannot be greater than a "
           "block's gas limit (20000000000 > 10000000000)");
    m.gas_limit = 0;
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "message not valid for block inclusion: 'GasLimit' field 0 must be positive");
    /* The recorded floor of a BLS transfer to itself without parameters. */
    m = node_transfer(&node, 0, 7, 0, 101863);
    m.gas_limit = 1000;
    m.gas_fee_cap = slk_bigint_u64(102917);
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "verify msg failed: message will not be included in a block: 'GasLimit' field cannot be "
           "less than the cost of storing a message on chain 1000 < 195863");
    node_close(&node);
}

static void signatures(void **state)
{
    (void)state;
    node_t node;
    slk_cid_t cid;
    slk_key_sig_t sig;
    char want[512];
    node_open(&node);
    node_mine(&node, 1);
    slk_signed_message_t sm = node_sign(&node, 0, node_transfer(&node, 1, 0, 5, 1000), &sig);
    sm.message.value = slk_bigint_u64(6);
    assert_err(SLK_ERR_INPUT, slk_mpool_push(&cid, node.pool, &sm, SLK_PUSH_LOCAL, &node.diag));
    snprintf(want, sizeof want,
             "signature verification failed: failed to validate signature: invalid signature for "
             "message %s (type 2): bls signature failed to verify",
             slk_cid_text(&cid).s);
    assert_string_equal(node.diag.text, want);
    /* Another key than the sender's, an ID as sender, big parameters, nobody as receiver. */
    sm = node_sign(&node, 1, node_transfer(&node, 1, 0, 5, 1000), &sig);
    sm.message.from = node.accounts[3];
    assert_err(SLK_ERR_INPUT, slk_mpool_push(&cid, node.pool, &sm, SLK_PUSH_LOCAL, &node.diag));
    sm.message.from = slk_address_id(100);
    assert_err(SLK_ERR_INPUT, slk_mpool_push(&cid, node.pool, &sm, SLK_PUSH_LOCAL, &node.diag));
    sm.message.to = (slk_address_t){0};
    assert_err(SLK_ERR_INPUT, slk_mpool_push(&cid, node.pool, &sm, SLK_PUSH_LOCAL, &node.diag));
    uint8_t *big = calloc(1, 70000);
    slk_message_t m = node_transfer(&node, 1, 0, 5, 1000);
    m.params = (slk_bytes_t){big, 70000};
    sm = node_sign(&node, 0, m, &sig);
    assert_err(SLK_ERR_INPUT, slk_mpool_push(&cid, node.pool, &sm, SLK_PUSH_LOCAL, &node.diag));
    assert_non_null(strstr(node.diag.text, "mpool message too large (70"));
    free(big);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    node_close(&node);
}

static void nonces(void **state)
{
    (void)state;
    node_t node;
    slk_cid_t cid;
    node_open(&node);
    node_mine(&node, 1);
    assert_int_equal(node_nonce(&node, 0), 0);
    node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    node_push(&node, 0, node_transfer(&node, 1, 1, 5, 1000));
    assert_int_equal(node_nonce(&node, 0), 2);
    node_push(&node, 0, node_transfer(&node, 1, 7, 5, 1000)); /* a gap of 5: local ones may */
    assert_int_equal(node_nonce(&node, 0), 2);
    refuse(&node, 0, node_transfer(&node, 1, 8, 5, 1000), SLK_PUSH_STRICT,
           "failed to add locked: message nonce has too big a gap from expected nonce (Nonce: 8, "
           "nextNonce: 2): unfulfilled nonce gap");
    refuse(&node, 0, node_transfer(&node, 1, 3, 5, 1000), SLK_PUSH_UNTRUSTED,
           "failed to add locked: message nonce has too big a gap from expected nonce (Nonce: 3, "
           "nextNonce: 2): unfulfilled nonce gap");
    assert_ok(node_try_push(&node, 0, node_transfer(&node, 1, 6, 5, 1000), SLK_PUSH_STRICT, &cid),
              node.diag);
    node_mine(&node, 2);
    assert_int_equal(node_actor(&node, 0).nonce, 2);
    assert_int_equal(slk_mpool_count(node.pool), 2); /* behind the gap */
    refuse(&node, 0, node_transfer(&node, 1, 0, 5, 1000), SLK_PUSH_LOCAL,
           "minimum expected nonce is 2, got 0: message nonce too low");
    for (uint64_t n = 2; n < 6; n++)
        node_push(&node, 0, node_transfer(&node, 1, n, 5, 1000));
    assert_int_equal(node_nonce(&node, 0), 8);
    node_mine(&node, 1);
    assert_int_equal(node_actor(&node, 0).nonce, 8);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    uint64_t nonce;
    const slk_address_t nobody = slk_address_id(4444);
    assert_err(SLK_ERR_NOTFOUND, slk_mpool_nonce(&nonce, node.pool, &nobody, &node.diag));
    node_close(&node);
}

static void replacing(void **state)
{
    (void)state;
    node_t node;
    char want[512];
    node_open(&node);
    node_mine(&node, 1);
    char from[SLK_ADDRESS_TEXT_SZ];
    snprintf(from, sizeof from, "%s", slk_address_text(&node.accounts[0], SLK_TESTNET).s);
    node_push(&node, 0, node_transfer(&node, 1, 0, 5, 101863));
    /* Recorded: 112050 is what must be paid for 101863 (110 per cent and one). */
    snprintf(want, sizeof want,
             "failed to add locked: message from %s with nonce 0 already in mpool, increase "
             "GasPremium to 112050 from 101864 to trigger replace by fee: replace by fee has too "
             "low GasPremium",
             from);
    refuse(&node, 0, node_transfer(&node, 1, 0, 6, 101864), SLK_PUSH_LOCAL, want);
    snprintf(want, sizeof want,
             "failed to add locked: message from %s with nonce 0 already in mpool: message with "
             "nonce already exists",
             from);
    refuse(&node, 0, node_transfer(&node, 1, 0, 5, 101863), SLK_PUSH_LOCAL, want);
    node_push(&node, 0, node_transfer(&node, 1, 0, 6, 112050));
    assert_int_equal(slk_mpool_count(node.pool), 1);
    const slk_bigint_t old = slk_bigint_u64(101863),
                       safe = slk_mpool_replace_premium(&old, SLK_REPLACE_BY_FEE);
    assert_string_equal(slk_bigint_text(&safe).s, "127329");
    node_close(&node);
}

/* What pending messages may cost must be there; what they send need not. */
static void balances(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 1);
    slk_message_t m = node_transfer(&node, 1, 0, 5, 1000);
    m.gas_limit = INT64_C(1000000000);
    m.gas_fee_cap = slk_bigint_u64(UINT64_C(600000000000000)); /* 600000 FIL in all */
    m.value = fil(900000);
    node_push(&node, 0, m);
    m.nonce = 1;
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "failed to check balance: not enough funds including pending messages (required: "
           "1200000 FIL, balance: 1000000 FIL): validation failure");
    m.gas_fee_cap = slk_bigint_u64(UINT64_C(1100000000000000));
    refuse(&node, 0, m, SLK_PUSH_LOCAL,
           "failed to check balance: not enough funds (required: 1100000 FIL, balance: 1000000 "
           "FIL): not enough funds to execute transaction");
    node_mine(&node, 2); /* value and gas together are too much: it waits */
    assert_int_equal(slk_mpool_count(node.pool), 1);
    node_close(&node);
}

static void too_many(void **state)
{
    (void)state;
    node_t node;
    slk_cid_t cid;
    slk_arena_t arena;
    slk_pending_list_t list;
    node_open(&node);
    node_mine(&node, 1);
    slk_message_t m = node_transfer(&node, 1, 0, 0, 100);
    m.gas_limit = 1000000;
    for (m.nonce = 0; m.nonce < SLK_MPOOL_ACTOR_PENDING; m.nonce++) {
        assert_ok(node_try_push(&node, 1, m, SLK_PUSH_LOCAL, &cid), node.diag);
        if (m.nonce == 150)
            refuse(&node, 1, node_transfer(&node, 1, 151, 0, 100), SLK_PUSH_UNTRUSTED,
                   "failed to add locked: too many pending messages for actor");
    }
    refuse(&node, 1, m, SLK_PUSH_LOCAL,
           "failed to add locked: too many pending messages for actor");
    slk_arena_init(&arena, 1 << 26);
    assert_ok(slk_mpool_pending(&list, node.pool, NULL, &arena, &node.diag), node.diag);
    assert_int_equal(list.count, SLK_MPOOL_ACTOR_PENDING);
    assert_int_equal(list.items[999].message.message.nonce, 999);
    assert_ok(slk_mpool_clear(node.pool, &node.diag), node.diag);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    slk_arena_free(&arena);
    node_close(&node);
}

/* --- Choice ----------------------------------------------------------------------------------- */

static void choice(void **state)
{
    (void)state;
    node_t node;
    slk_arena_t arena;
    slk_pending_list_t list;
    node_open(&node);
    node_mine(&node, 1);
    const struct {
        unsigned from;
        uint64_t nonce, premium;
        int64_t gas;
    } rows[] = {
        {0, 0, 500, 1000000000}, {0, 1, 9000, 1000000000}, /* behind a cheap one */
        {1, 0, 700, 3000000000}, {1, 1, 600, 1000000000},  {2, 0, 800, 2000000000},
        {2, 1, 100, 2000000000}, {3, 0, 300, 6000000000},  {4, 1, 9999, 1000000000}, /* a gap */
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_message_t m = node_transfer(&node, 5, rows[i].nonce, 1, rows[i].premium);
        m.gas_limit = rows[i].gas;
        node_push(&node, rows[i].from, m);
    }
    slk_message_t poor = node_transfer(&node, 5, 0, 1, 90000);
    poor.gas_fee_cap = slk_bigint_u64(90000); /* below the base fee of a young chain */
    node_push(&node, 6, poor);
    slk_tip_t *head = slk_chain_head(node.chain);
    slk_arena_init(&arena, 1 << 20);
    assert_ok(slk_mpool_select(&list, node.pool, head, &arena, &node.diag), node.diag);
    const uint64_t want[] = {800, 700, 600, 500, 9000, 100};
    assert_int_equal(list.count, SLK_COUNT(want));
    for (size_t i = 0; i < SLK_COUNT(want); i++) {
        const slk_bigint_t premium = slk_bigint_u64(want[i]);
        assert_int_equal(slk_bigint_cmp(&list.items[i].message.message.gas_premium, &premium), 0);
    }
    node_mine(&node, 1);
    assert_int_equal(slk_mpool_count(node.pool), 3);
    slk_tip_unref(head);
    slk_arena_free(&arena);
    node_close(&node);
}

/* Full blocks raise the base fee by what their messages pay, at most an eighth. */
static void full_blocks(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 60);
    slk_tip_t *head = slk_chain_head(node.chain), *next;
    for (unsigned i = 0; i < 2; i++) {
        slk_message_t m = node_transfer(&node, 5, 0, 1, i ? 1000000 : 2000000);
        m.gas_limit = INT64_C(4500000000);
        node_push(&node, i, m);
    }
    node_mine(&node, 1);
    next = slk_chain_head(node.chain);
    slk_bigint_t eighth = slk_bigint_shr(slk_bigint_add(head->base_fee, slk_bigint_u64(7)), 3);
    slk_bigint_t change = slk_bigint_min(eighth, slk_bigint_sub(slk_bigint_u64(1000000), eighth));
    slk_bigint_t want = slk_bigint_add(head->base_fee, change);
    assert_string_equal(slk_bigint_text(&next->base_fee).s, slk_bigint_text(&want).s);
    assert_true(slk_bigint_cmp(&next->base_fee, &head->base_fee) > 0);
    slk_tip_unref(head);
    slk_tip_unref(next);
    node_close(&node);
}

/* --- Memory ----------------------------------------------------------------------------------- */

static void restarts(void **state)
{
    (void)state;
    node_t node;
    slk_arena_t arena;
    slk_pending_list_t list;
    slk_signed_message_t stored;
    slk_key_sig_t sig;
    bool found;
    node_open(&node);
    node_mine(&node, 1);
    node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    node_push(&node, 1, node_transfer(&node, 0, 0, 5, 1000));
    node_mine(&node, 1);
    node_push(&node, 0, node_transfer(&node, 1, 1, 5, 1000));
    slk_cid_t dearer = node_push(&node, 0, node_transfer(&node, 1, 1, 5, 2000));
    slk_cid_t lost = node_push(&node, 3, node_transfer(&node, 1, 0, 5, 2000));
    assert_ok(slk_mpool_forget(node.pool, &lost, &node.diag), node.diag);
    assert_err(SLK_ERR_NOTFOUND, slk_mpool_forget(node.pool, &lost, &node.diag));
    const slk_signed_message_t sm = node_sign(&node, 0, node_transfer(&node, 1, 1, 5, 2000), &sig);
    assert_ok(
        slk_mpool_uuid_put(node.pool, "00000000-0000-4000-8000-000000000001", &sm, &node.diag),
        node.diag);
    node_stop(&node);
    node_start(&node);
    slk_arena_init(&arena, 1 << 20);
    assert_ok(slk_mpool_pending(&list, node.pool, NULL, &arena, &node.diag), node.diag);
    assert_int_equal(list.count, 1);
    assert_true(slk_cid_eq(&list.items[0].cid, &dearer));
    assert_ok(slk_mpool_uuid_get(&stored, &found, node.pool, "00000000-0000-4000-8000-000000000001",
                                 &arena, &node.diag),
              node.diag);
    assert_true(found && stored.message.nonce == 1);
    assert_ok(slk_mpool_uuid_get(&stored, &found, node.pool, "another", &arena, &node.diag),
              node.diag);
    assert_false(found);
    /* What was on the chain comes back when it is left, BLS signature and all. */
    node_mine(&node, 1);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    assert_ok(slk_producer_rewind(node.producer, 2, &node.diag), node.diag);
    assert_int_equal(slk_mpool_count(node.pool), 3);
    node_mine(&node, 1);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    assert_int_equal(node_actor(&node, 0).nonce, 2);
    slk_arena_free(&arena);
    node_close(&node);
}

static slk_err_t count_rows(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    bool found;
    return slk_db_get_i64(db, "SELECT count(*) FROM pool", SLK_NO_VALS, &found, ctx, diag);
}

static int64_t rows(node_t *node)
{
    int64_t cnt = 0;
    assert_ok(slk_chain_read(node->chain, count_rows, &cnt, &node->diag), node->diag);
    return cnt;
}

/* The disk keeps a message as long as a reorg can bring it back. */
static void cleaned_up(void **state)
{
    (void)state;
    node_t node;
    node_open(&node);
    node_mine(&node, 1);
    node_push(&node, 0, node_transfer(&node, 1, 0, 5, 1000));
    node_push(&node, 1, node_transfer(&node, 1, 0, 5, 1000));
    node_mine(&node, 1);
    node_push(&node, 1, node_transfer(&node, 1, 2, 5, 1000)); /* behind a gap */
    slk_producer_null(node.producer, 890);
    node_mine(&node, 891);
    assert_int_equal(rows(&node), 3);
    slk_producer_null(node.producer, 120);
    node_mine(&node, 121);
    assert_int_equal(rows(&node), 1);
    assert_int_equal(slk_mpool_count(node.pool), 1);
    node_close(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),      cmocka_unit_test(signatures),  cmocka_unit_test(nonces),
        cmocka_unit_test(replacing),  cmocka_unit_test(balances),    cmocka_unit_test(too_many),
        cmocka_unit_test(choice),     cmocka_unit_test(full_blocks), cmocka_unit_test(restarts),
        cmocka_unit_test(cleaned_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
