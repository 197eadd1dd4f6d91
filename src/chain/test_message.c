#include "store/test_engines.h"

#include "base/assert.h"
#include "chain/sender_node.h"

static slk_diag_t diag;

/* --- The machine --------------------------------------------------------------------------- */

static slk_message_row_t row_in(slk_message_state_t state)
{
    slk_message_row_t row = {.id = 1,
                             .state = state,
                             .confidence = 5,
                             .stuck_epochs = 10,
                             .max_fee = slk_bigint_u64(1000)};
    if (state != SLK_MESSAGE_QUEUED && state != SLK_MESSAGE_HANDING) {
        row.has_nonce = true;
        row.nonce = 7;
        row.attempts = 1;
        row.pushed = 100;
        row.acknowledged = state == SLK_MESSAGE_PENDING;
    }
    return row;
}

static slk_message_view_t at(int64_t height, uint64_t nonce)
{
    return (slk_message_view_t){
        .height = height, .know_nonce = true, .chain_nonce = nonce, .now_ms = 1000};
}

static void give(slk_message_row_t *row, slk_message_effect_t effect, slk_message_outcome_t outcome,
                 int64_t height)
{
    slk_message_view_t view = at(height, 8);
    slk_message_result_t result = {.outcome = outcome, .nonce = 7, .height = 102, .exit_code = 0};
    result.tipset.len = 1;
    if (outcome != SLK_OUT_OK && outcome != SLK_OUT_FOUND)
        strcpy(result.diag.text, "trouble");
    slk_message_took(row, effect, &result, &view);
    slk_message_result_free(&result);
}

static void test_next(void **state)
{
    (void)state;
    slk_message_view_t view = at(100, 7);
    slk_message_row_t row = row_in(SLK_MESSAGE_QUEUED);
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_SIGN);
    row.mode = SLK_NODE_NONCE;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_BIND);
    row.retry_ms = 1001;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_NOTHING);

    row = row_in(SLK_MESSAGE_SIGNED);
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_PUSH);
    view.chain_nonce = 8; /* something used it: look, do not push */
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_SEARCH);
    row.looked = 100;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_NOTHING);
    view.height = 101;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_SEARCH);

    row = row_in(SLK_MESSAGE_LANDED);
    row.landed_height = 100;
    view = at(104, 8);
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_NOTHING);
    view.height = 105;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_CONFIRM);
    for (int s = 0; s < SLK_MESSAGE_STATE_CNT; s++) {
        row = row_in(s);
        if (slk_message_state_final(s))
            assert_int_equal(slk_message_next(&row, &view), SLK_DO_NOTHING);
    }
}

static void test_fee(void **state)
{
    (void)state;
    slk_message_row_t row = row_in(SLK_MESSAGE_PENDING);
    slk_message_view_t view = at(109, 7);
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_NOTHING);
    view.height = 110;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_REPRICE);
    row.acknowledged = false; /* only somebody else's message could be there */
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_PUSH);
    row.acknowledged = true;
    row.attempts = SLK_MESSAGE_ATTEMPTS_MAX;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_PUSH);
    row.attempts = 1;
    give(&row, SLK_DO_REPRICE, SLK_OUT_LIMIT, 110);
    assert_true(row.at_limit);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    assert_string_equal(row.error, "trouble");
    view.now_ms = row.retry_ms;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_PUSH); /* said again, same bytes */
    row.bump = true;                                              /* a person raised the limit */
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_REPRICE);
    give(&row, SLK_DO_REPRICE, SLK_OUT_OK, 110);
    assert_int_equal(row.state, SLK_MESSAGE_SIGNED);
    assert_int_equal(row.attempts, 2);
    assert_false(row.bump);
    row.stuck_epochs = 0;
    view.height = 1000;
    assert_int_equal(slk_message_next(&row, &view), SLK_DO_PUSH);
}

static void test_landed(void **state)
{
    (void)state;
    slk_message_row_t row = row_in(SLK_MESSAGE_PENDING);
    give(&row, SLK_DO_SEARCH, SLK_OUT_FOUND, 103);
    assert_int_equal(row.state, SLK_MESSAGE_LANDED);
    assert_int_equal(row.landed_height, 102);
    assert_false(slk_message_reverted(&row, 103)); /* above it */
    assert_true(slk_message_reverted(&row, 102));
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    assert_int_equal(row.landed_height, 0);

    give(&row, SLK_DO_SEARCH, SLK_OUT_FOUND, 103);
    give(&row, SLK_DO_CONFIRM, SLK_OUT_NOT_FOUND, 107);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    give(&row, SLK_DO_SEARCH, SLK_OUT_FOUND, 103);
    row.landed_tipset.b[0] = 1; /* it was in another tipset */
    give(&row, SLK_DO_CONFIRM, SLK_OUT_FOUND, 107);
    assert_int_equal(row.state, SLK_MESSAGE_LANDED);
    give(&row, SLK_DO_CONFIRM, SLK_OUT_RETRY, 107);
    assert_int_equal(row.state, SLK_MESSAGE_LANDED);
    give(&row, SLK_DO_CONFIRM, SLK_OUT_FOUND, 107);
    assert_int_equal(row.state, SLK_MESSAGE_DONE);
    assert_false(slk_message_reverted(&row, 1));
    slk_message_row_free(&row);
}

/* Another's message has the nonce: final only when that stands for as long as a landed one must. */
static void test_replaced(void **state)
{
    (void)state;
    slk_message_row_t row = row_in(SLK_MESSAGE_PENDING);
    give(&row, SLK_DO_SEARCH, SLK_OUT_OTHER, 103);
    give(&row, SLK_DO_SEARCH, SLK_OUT_NOT_FOUND, 107);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    assert_int_equal(row.other, 103);
    assert_true(slk_message_reverted(&row, 103));
    assert_int_equal(row.other, 0);
    assert_int_equal(row.looked, 0);
    give(&row, SLK_DO_SEARCH, SLK_OUT_OTHER, 104);
    give(&row, SLK_DO_SEARCH, SLK_OUT_RETRY, 108); /* says nothing */
    assert_int_equal(row.other, 104);
    give(&row, SLK_DO_SEARCH, SLK_OUT_OTHER, 108);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    give(&row, SLK_DO_SEARCH, SLK_OUT_OTHER, 109);
    assert_int_equal(row.state, SLK_MESSAGE_REPLACED);
}

static void test_hand(void **state)
{
    (void)state;
    slk_message_row_t row = row_in(SLK_MESSAGE_HANDING);
    give(&row, SLK_DO_HAND, SLK_OUT_REFUSED, 100);
    assert_int_equal(row.state, SLK_MESSAGE_REFUSED);
    /* After a call without answer a refusal may mean that the first one was executed. */
    row = row_in(SLK_MESSAGE_HANDING);
    give(&row, SLK_DO_HAND, SLK_OUT_NO_ANSWER, 100);
    give(&row, SLK_DO_HAND, SLK_OUT_REFUSED, 100);
    assert_int_equal(row.state, SLK_MESSAGE_HANDING);
    give(&row, SLK_DO_HAND, SLK_OUT_OK, 100);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    assert_true(row.has_nonce && row.nonce == 7 && row.acknowledged);
    assert_string_equal(row.error, "");
}

static void test_back_off(void **state)
{
    (void)state;
    static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    slk_message_row_t row = row_in(SLK_MESSAGE_QUEUED);
    for (size_t i = 0; i < SLK_COUNT(waits); i++) {
        give(&row, SLK_DO_SIGN, SLK_OUT_RETRY, 100);
        assert_int_equal(row.retry_ms, 1000 + waits[i]);
        assert_int_equal(row.state, SLK_MESSAGE_QUEUED);
    }
}

/* --- The sender, with an outside that does as it is told ------------------------------------- */

static struct {
    slk_db_t *other; /* a second connection: what somebody does meanwhile */
    uint64_t node_nonce;
    int64_t cancel; /* this message is taken back while it is being signed */
    unsigned pushes, binds, nonces;
    slk_sender_memory_t memory;
    char bind_to[8];
} told;

static slk_err_t ok(slk_message_result_t *result)
{
    result->outcome = SLK_OUT_OK;
    return SLK_OK;
}

static slk_err_t t_bind(void *ctx, slk_message_result_t *result)
{
    (void)ctx;
    told.binds++;
    strcpy(result->node, told.bind_to);
    return ok(result);
}

static slk_err_t t_resolve(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    result->signer = row->from;
    return ok(result);
}

static slk_err_t t_estimate(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    (void)row;
    result->gas = (slk_gas_t){
        .gas_limit = 10, .fee_cap = slk_bigint_u64(200), .premium = slk_bigint_u64(100)};
    return ok(result);
}

static slk_err_t t_next_nonce(void *ctx, slk_message_result_t *result)
{
    (void)ctx;
    result->nonce = told.node_nonce;
    return ok(result);
}

static slk_err_t t_sign(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    if (row->id == told.cancel)
        assert_ok(slk_message_cancel(told.other, row->id, &diag), diag);
    result->bytes = malloc(8);
    assert_non_null(result->bytes);
    memcpy(result->bytes, &result->nonce, 8);
    result->bytes_len = 8;
    result->cid = slk_cid_of_cbor(row->key, strlen(row->key));
    return ok(result);
}

static slk_err_t t_hand(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    result->signer = row->from;
    result->nonce = told.node_nonce++;
    t_estimate(ctx, row, result);
    return t_sign(ctx, row, result);
}

static slk_err_t t_push(void *ctx, const void *bytes, size_t len, slk_message_result_t *result)
{
    (void)ctx;
    (void)bytes;
    assert_int_equal(len, 8);
    told.pushes++;
    return ok(result);
}

static slk_err_t t_chain_nonce(void *ctx, const slk_head_t *head, const slk_address_t *signer,
                               slk_message_result_t *result)
{
    (void)ctx;
    told.nonces++;
    (void)head;
    (void)signer;
    result->nonce = 0;
    return ok(result);
}

static const slk_sender_ops_t t_ops = {.bind = t_bind,
                                       .resolve = t_resolve,
                                       .estimate = t_estimate,
                                       .next_nonce = t_next_nonce,
                                       .sign = t_sign,
                                       .hand = t_hand,
                                       .push = t_push,
                                       .chain_nonce = t_chain_nonce};

static int64_t add(slk_db_t *db, const char *key, slk_nonce_mode_t mode, uint64_t max_fee)
{
    slk_message_want_t want = {.key = key,
                               .from = slk_address_id(mode == SLK_OWN_NONCE ? 100 : 101),
                               .to = slk_address_id(1000),
                               .mode = mode,
                               .max_fee = slk_bigint_u64(max_fee),
                               .confidence = 5};
    int64_t id;
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    return id;
}

static void turns(slk_db_t *db, unsigned in_flight)
{
    slk_sender_opts_t opts = {.ops = &t_ops, .in_flight_max = in_flight, .memory = &told.memory};
    slk_head_t head = {.height = 100};
    bool busy = true;
    for (int i = 0; busy && i < 10; i++)
        assert_ok(slk_sender_turn(&opts, db, &head, 1000, &busy, &diag), diag);
}

static slk_message_row_t load(slk_db_t *db, int64_t id)
{
    slk_message_row_t row;
    assert_ok(slk_message_load(db, id, &row, &diag), diag);
    free(row.params);
    free(row.result);
    row.params = row.result = NULL;
    return row;
}

static void test_sender(void **state)
{
    (void)state;
    char dir[64], path[TEST_WHERE];
    memset(&told, 0, sizeof told);
    test_new(dir);
    test_where(path, dir);
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_ok(slk_db_open(&told.other, path, &diag), diag);
    assert_ok(slk_message_migrate(db, &diag), diag);

    /* The node forgot our first message: the database did not. */
    told.node_nonce = 3;
    int64_t a = add(db, "a", SLK_OWN_NONCE, 0);
    turns(db, 9);
    told.node_nonce = 1;
    int64_t b = add(db, "b", SLK_OWN_NONCE, 0);
    turns(db, 9);
    slk_message_row_t row = load(db, a);
    assert_int_equal(row.nonce, 3);
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    row = load(db, b);
    assert_int_equal(row.nonce, 4);
    assert_int_equal(told.pushes, 2);

    /* Taken back at the last moment: nothing leaves, and the nonce is free. */
    int64_t c = told.cancel = add(db, "c", SLK_OWN_NONCE, 0);
    turns(db, 9);
    row = load(db, c);
    assert_int_equal(row.state, SLK_MESSAGE_REFUSED);
    assert_false(row.has_nonce);
    assert_int_equal(told.pushes, 2);

    /* Only so many at a time; too dear for its limit. */
    int64_t d = add(db, "d", SLK_OWN_NONCE, 0);
    turns(db, 2);
    row = load(db, d);
    assert_int_equal(row.state, SLK_MESSAGE_QUEUED);
    assert_non_null(strstr(row.error, "2 messages of this sender"));
    int64_t e = add(db, "e", SLK_OWN_NONCE, 900);
    turns(db, 9);
    row = load(db, e);
    assert_int_equal(row.state, SLK_MESSAGE_REFUSED);
    assert_non_null(strstr(row.error, "allowed 900 attoFIL"));

    /* All that an address has on its way goes through one node. */
    strcpy(told.bind_to, "A");
    int64_t f = add(db, "f", SLK_NODE_NONCE, 0);
    turns(db, 9);
    strcpy(told.bind_to, "B");
    int64_t g = add(db, "g", SLK_NODE_NONCE, 0);
    turns(db, 9);
    row = load(db, f);
    assert_string_equal(row.node, "A");
    row = load(db, g);
    assert_string_equal(row.node, "A");
    assert_int_equal(row.state, SLK_MESSAGE_PENDING);
    assert_int_equal(told.binds, 1);
    assert_int_equal(told.nonces, 2); /* two senders, one head */
    slk_db_close(told.other);
    slk_db_close(db);
    test_rm_dir(dir);
}

/* --- What pools say ------------------------------------------------------------------------ */

static void test_pool_texts(void **state)
{
    (void)state;
    static const struct {
        const char *note;
        slk_message_outcome_t outcome;
    } want[] = {
        {"same again", SLK_OUT_KNOWN},
        {"nonce too low", SLK_OUT_TOO_LOW},
        {"replacement, premium +1", SLK_OUT_TAKEN},
        {"gas limit too low", SLK_OUT_REFUSED},
        {"fee cap below minimum", SLK_OUT_REFUSED},
        {"signature of another message", SLK_OUT_REFUSED},
    };
    json_t *record = test_vectors("lotus-rpc/MpoolPush.json"), *call;
    unsigned found = 0;
    size_t i;
    json_array_foreach(json_object_get(record, "calls"), i, call)
    {
        const char *note = json_string_value(json_object_get(call, "note"));
        const char *text = json_string_value(json_object_get(
            json_object_get(json_object_get(call, "response"), "error"), "message"));
        for (size_t w = 0; w < SLK_COUNT(want); w++) {
            if (strcmp(note, want[w].note) == 0) {
                assert_int_equal(slk_push_outcome(text), want[w].outcome);
                found++;
            }
        }
    }
    assert_int_equal(found, SLK_COUNT(want));
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),   cmocka_unit_test(test_fee),
        cmocka_unit_test(test_landed), cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_hand),   cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_sender), cmocka_unit_test(test_pool_texts),
    };
    const struct CMUnitTest postgresql[] = {cmocka_unit_test(test_sender)};
    return test_engines(tests, SLK_COUNT(tests), postgresql, SLK_COUNT(postgresql));
}
