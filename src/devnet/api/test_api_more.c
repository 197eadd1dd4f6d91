/* Methods of which there is no recording. */

#include "devnet/api/test_forge.h"

#define BLS_KEY                                                                                    \
    "{\"Type\": \"bls\", \"PrivateKey\": \"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"

typedef struct {
    test_devnet_t t;
    char owner[128];
} world_t;

static int open_world(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    assert_non_null(w);
    test_devnet_open(&w->t);
    test_mine(&w->t, 5);
    json_t *owner = test_result(&w->t, "Filecoin.WalletDefaultAddress", json_array());
    snprintf(w->owner, sizeof w->owner, "%s", json_string_value(owner));
    json_decref(owner);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    world_t *w = *state;
    test_devnet_close(&w->t);
    free(w);
    return 0;
}

/* The text of a string that a call answers with. */
static void assert_answer(test_devnet_t *t, const char *method, json_t *params, const char *want)
{
    json_t *result = test_result(t, method, params);
    assert_true(json_is_string(result));
    assert_string_equal(json_string_value(result), want);
    json_decref(result);
}

static void test_messages(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    json_t *pair = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(pair, test_message_json(w->owner, "t099", "7", 0, NULL));
    json_t *sent = test_result(t, "Filecoin.MpoolBatchPushMessage", json_pack("[o, n]", pair));
    assert_int_equal(json_array_size(sent), 2);
    test_mine(t, 2);
    json_t *list = test_result(t, "Filecoin.StateListMessages",
                               json_pack("[{s:s}, n, i]", "From", w->owner, 0));
    assert_int_equal(json_array_size(list), 2);
    json_t *cid = json_object_get(json_array_get(sent, 0), "CID");
    assert_true(json_equal(json_array_get(list, 0), cid));
    json_t *none = test_result(t, "Filecoin.StateListMessages",
                               json_pack("[{s:s, s:s}, n, i]", "From", w->owner, "To", "t04", 0));
    assert_true(json_is_null(none));
    json_decref(none);

    json_t *replay = test_result(t, "Filecoin.StateReplay", json_pack("[n, O]", cid));
    json_t *receipt = json_object_get(replay, "MsgRct");
    assert_int_equal(json_integer_value(json_object_get(receipt, "ExitCode")), 0);
    assert_true(json_equal(json_object_get(json_object_get(replay, "GasCost"), "Message"), cid));
    json_decref(replay);

    /* The old forms. */
    slk_rpc_answer_t answer =
        test_ask(t, "v0", "", "Filecoin.StateWaitMsg", json_pack("[O, i]", cid, 0));
    assert_false(answer.failed);
    slk_rpc_answer_free(&answer);
    answer = test_ask(t, "v0", "", "Filecoin.StateSearchMsgLimited", json_pack("[O, i]", cid, 10));
    assert_true(!answer.failed && json_is_object(answer.result));
    slk_rpc_answer_free(&answer);
    answer =
        test_ask(t, "v0", "", "Filecoin.StateWaitMsgLimited", json_pack("[O, i, i]", cid, 0, 10));
    assert_true(!answer.failed && json_is_object(answer.result));
    slk_rpc_answer_free(&answer);
    json_decref(sent);
    json_decref(list);
}

static void test_market(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    json_decref(test_result(t, "Filecoin.MarketAddBalance",
                            json_pack("[s, s, s]", w->owner, w->owner, "12345")));
    test_mine(t, 2);
    json_t *balance = test_result(t, "Filecoin.StateMarketBalance", json_pack("[s, n]", w->owner));
    assert_string_equal(json_string_value(json_object_get(balance, "Escrow")), "12345");
    json_decref(balance);
    json_t *deals = test_result(t, "Filecoin.StateMarketDeals", json_pack("[n]"));
    assert_int_equal(json_object_size(deals), 0);
    json_decref(deals);
    assert_answer(t, "Filecoin.StateVerifiedRegistryRootKey", json_pack("[n]"), "t080");
    json_t *none = test_result(t, "Filecoin.StateVerifierStatus", json_pack("[s, n]", w->owner));
    assert_true(json_is_null(none));
    json_decref(none);
}

static void test_params(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    json_t *codes = test_result(t, "Filecoin.StateActorCodeCIDs", json_pack("[i]", 28));
    json_t *form = json_pack("{s:s, s:s}", "ProviderOrClientAddress", "t0100", "Amount", "5");
    json_t *bytes =
        test_result(t, "Filecoin.StateEncodeParams",
                    json_pack("[O, i, O]", json_object_get(codes, "storagemarket"), 3, form));
    assert_string_equal(json_string_value(bytes), "gkIAZEIABQ==");
    json_t *again =
        test_result(t, "Filecoin.StateDecodeParams", json_pack("[s, i, O, n]", "t05", 3, bytes));
    assert_true(json_equal(again, form));
    json_decref(again);
    json_decref(bytes);
    json_decref(form);
    json_decref(codes);
    json_t *actors = test_result(t, "Filecoin.StateListActors", json_pack("[n]"));
    assert_true(json_array_size(actors) >= 12);
    json_decref(actors);
}

static void test_wallet(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    json_t *key = json_loads(BLS_KEY, 0, NULL);
    json_t *address = test_result(t, "Filecoin.WalletImport", json_pack("[O]", key));
    const char *text = json_string_value(address);
    assert_int_equal(strncmp(text, "t3", 2), 0);
    assert_answer(t, "Filecoin.WalletValidateAddress", json_pack("[s]", text), text);
    json_t *exported = test_result(t, "Filecoin.WalletExport", json_pack("[s]", text));
    assert_true(json_equal(exported, key));
    test_do(t, "Filecoin.WalletSetDefault", json_pack("[s]", text));
    assert_answer(t, "Filecoin.WalletDefaultAddress", json_array(), text);
    test_do(t, "Filecoin.WalletSetDefault", json_pack("[s]", w->owner));
    test_do(t, "Filecoin.WalletDelete", json_pack("[s]", text));
    json_t *has = test_result(t, "Filecoin.WalletHas", json_pack("[s]", text));
    assert_true(json_is_false(has));
    json_decref(has);
    json_decref(exported);
    json_decref(address);
    json_decref(key);
}

static void test_version2(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    static const struct {
        const char *selector;
        int height; /* -1: an error */
    } rows[] = {
        {"{\"Tag\": \"latest\"}", 5},
        {"{\"Tag\": \"finalized\"}", 0},
        {"{\"Height\": {\"At\": 3}}", 3},
        {"{\"Height\": {\"At\": 300}}", -1},
        {"{\"Tag\": \"tomorrow\"}", -1},
        {"{}", -1},
        {"{\"Key\": []}", -1},
    };
    json_t *head = test_result(t, "Filecoin.ChainHead", json_array());
    const json_int_t top = json_integer_value(json_object_get(head, "Height"));
    json_decref(head);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_rpc_answer_t answer = test_ask(t, "v2", "", "Filecoin.ChainGetTipSet",
                                           json_pack("[o]", json_loads(rows[i].selector, 0, NULL)));
        if (answer.failed != (rows[i].height < 0))
            fail_msg("%s: %s", rows[i].selector, answer.failed ? answer.message : "no error");
        if (!answer.failed)
            assert_int_equal(json_integer_value(json_object_get(answer.result, "Height")),
                             rows[i].height == 5 ? top : rows[i].height);
        slk_rpc_answer_free(&answer);
    }
}

/* Two who ask with one MsgUuid have sent one message; two without, two with nonces in a row. */
static void test_uuid(void **state)
{
    world_t *w = *state;
    test_devnet_t *t = &w->t;
    json_int_t nonces[4];
    static const char *const uuids[] = {
        "11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555",
        "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"};
    for (size_t i = 0; i < SLK_COUNT(uuids); i++) {
        json_t *sent = test_result(
            t, "Filecoin.MpoolPushMessage",
            json_pack("[o, {s:s, s:s, s:b}]", test_message_json(w->owner, "t099", "1", 0, NULL),
                      "MaxFee", "0", "MsgUuid", uuids[i], "MaximizeFeeCap", 0));
        nonces[i] = json_integer_value(json_object_get(json_object_get(sent, "Message"), "Nonce"));
        json_decref(sent);
    }
    assert_int_equal(nonces[1], nonces[0]);
    assert_int_equal(nonces[2], nonces[0] + 1);
    assert_int_equal(nonces[3], nonces[0] + 2);
}

static void test_shutdown(void **state)
{
    world_t *w = *state;
    assert_false(slk_devnet_is_told_to_end(w->t.net));
    test_do(&w->t, "Filecoin.Shutdown", json_array());
    assert_true(slk_devnet_is_told_to_end(w->t.net));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version2), cmocka_unit_test(test_messages),
        cmocka_unit_test(test_market),   cmocka_unit_test(test_params),
        cmocka_unit_test(test_wallet),   cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_shutdown),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
