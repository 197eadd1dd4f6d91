/* The recorded HTTP exchanges of a node (malformed calls, missing rights, paths, batches) against a development
 * network: status and body. Headers: net/test_jsonrpc.c. */

#include "devnet/api/test_devnet.h"

/* Byte for byte (both networks have the same name), but for tipsets. */
static bool same_body(const char *theirs, const char *ours, bool tipset)
{
    if (!tipset)
        return !strcmp(theirs, ours);
    json_t *a = json_loads(theirs, 0, NULL), *b = json_loads(ours, 0, NULL);
    const json_t *x = json_object_get(json_object_get(a, "result"), "Cids");
    const json_t *y = json_object_get(json_object_get(b, "result"), "Cids");
    const bool same = json_is_array(x) && json_is_array(y);
    json_decref(a);
    json_decref(b);
    return same;
}

/* Two answers differ: that a devnet is always ready, and the words about a CID. */
static const struct {
    const char *note;
    int status;
    const char *body; /* NULL: as recorded */
} differ[] = {
    {"ready", 200, NULL},
    {"bad cid text", 500,
     "{\"error\":{\"code\":-32700,\"message\":\"unmarshaling params for 'Filecoin.ChainReadObj' "
     "(param: *cid.Cid): invalid cid: "},
};

static void replay(test_devnet_t *t, json_t *entry)
{
    char url[256];
    slk_http_answer_t answer;
    const char *note = json_string_value(json_object_get(entry, "note"));
    const char *path = json_string_value(json_object_get(entry, "path"));
    const char *token = json_string_value(json_object_get(entry, "token"));
    const char *method = json_string_value(json_object_get(entry, "http_method"));
    const char *want = json_string_value(json_object_get(entry, "body"));
    json_t *request = json_object_get(entry, "request");
    int status = (int)json_integer_value(json_object_get(entry, "status"));
    char *body = json_is_string(request) ? strdup(json_string_value(request))
                 : request               ? json_dumps(request, JSON_COMPACT)
                                         : strdup("");
    const bool anonymous = !token || !*token || !strcmp(token, "read");
    const char *const no_bearer[] = {"Authorization: token", NULL};
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t->info.port, path);
    assert_ok(slk_http_do(t->client,
                          &(slk_http_call_t){.method = method ? method : "POST",
                                             .url = url,
                                             .token = !token || anonymous         ? NULL
                                                      : !strcmp(token, "garbage") ? "garbage"
                                                                                  : t->info.token,
                                             .headers = strstr(note, "Bearer") ? no_bearer : NULL,
                                             .body = request ? body : NULL,
                                             .body_len = strlen(body),
                                             .total_ms = 10000},
                          &answer, &t->diag),
              t->diag);
    bool same = same_body(want, answer.body ? answer.body : "", strstr(path, "v2"));
    for (size_t i = 0; i < SLK_COUNT(differ); i++)
        if (!strcmp(note, differ[i].note)) {
            status = differ[i].status;
            same = !differ[i].body || !strncmp(answer.body, differ[i].body, strlen(differ[i].body));
        }
    if (answer.status != status || !same)
        fail_msg("%s: %d %s\n  the node: %d %s", note, answer.status, answer.body, status, want);
    slk_http_answer_free(&answer);
    free(body);
}

static void test_http(void **state)
{
    size_t i;
    json_t *entry;
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 3);
    json_t *entries = test_vectors("lotus-rpc/http-errors.json");
    json_array_foreach(entries, i, entry) replay(&t, entry);
    assert_int_equal(i, 40);
    json_decref(entries);
    test_devnet_close(&t);
}

/* Names, parameters and rights of all methods. */
static void test_discover(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    json_t *doc = test_result(&t, "rpc.discover", json_array()), *method;
    json_t *methods = json_object_get(doc, "methods");
    size_t i, found = 0;
    assert_true(json_array_size(methods) > 100);
    json_array_foreach(methods, i, method)
    {
        const char *name = json_string_value(json_object_get(method, "name"));
        if (strcmp(name, "Filecoin.StateMinerInfo"))
            continue;
        found++;
        assert_string_equal(json_string_value(json_object_get(method, "description")), "read");
        assert_int_equal(json_array_size(json_object_get(method, "params")), 2);
    }
    assert_int_equal(found, 1);
    json_decref(doc);
    test_devnet_close(&t);
}

/* Numbers as Go has them: uint64 to its end, and what is beyond is said of the field. */
static void test_large_numbers(void **state)
{
    static const struct {
        const char *method, *params, *want;
    } rows[] = {
        {"StateMarketStorageDeal", "[18446744073709551615,null]",
         "\"code\":1,\"message\":\"deal 18446744073709551615 not found"},
        {"StateMarketStorageDeal", "[18446744073709551616,null]",
         "(param: *uint64): json: cannot unmarshal number 18446744073709551616 into Go value of "
         "type uint64\"},\"id\":18446744073709551615,"},
        {"StateMarketStorageDeal", "[-1,null]", "cannot unmarshal number -1 into Go value"},
        {"ChainGetTipSetByHeight", "[9223372036854775808,null]",
         "cannot unmarshal number 9223372036854775808 into Go value of type abi.ChainEpoch"},
        {"GasEstimateMessageGas", "[{\"To\":\"t099\",\"Nonce\":18446744073709551616},null,null]",
         "Message.Nonce: expected an integer from 0 to 2^64 - 1"},
        {"GasEstimateMessageGas", "[{\"To\":\"t099\",\"GasLimit\":9223372036854775808},null,null]",
         "Message.GasLimit: expected an integer from -2^63 to 2^63 - 1"},
        {"GasEstimateMessageGas",
         "[{\"To\":\"t099\",\"From\":\"t0100\",\"Nonce\":18446744073709551615,\"Value\":\"0\","
         "\"GasFeeCap\":\"0\",\"GasPremium\":\"0\"},null,null]",
         "\"Nonce\":18446744073709551615,"},
        {"GasEstimateMessageGas", "[{\"To\":18446744073709551615},null,null]", "Message.To: "},
        {"ChainGetMessage", "[18446744073709551615]", "invalid cid: "},
    };
    test_devnet_t t;
    char url[256], body[512];
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 2);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc/v1", t.info.port);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_http_answer_t answer;
        snprintf(body, sizeof body,
                 "{\"jsonrpc\":\"2.0\",\"method\":\"Filecoin.%s\",\"params\":%s,"
                 "\"id\":18446744073709551615}",
                 rows[i].method, rows[i].params);
        assert_ok(slk_http_do(t.client,
                              &(slk_http_call_t){.method = "POST",
                                                 .url = url,
                                                 .token = t.info.token,
                                                 .body = body,
                                                 .body_len = strlen(body),
                                                 .total_ms = 10000},
                              &answer, &t.diag),
                  t.diag);
        if (!answer.body || !strstr(answer.body, rows[i].want))
            fail_msg("%s: %s\n  expected %s", body, answer.body, rows[i].want);
        slk_http_answer_free(&answer);
    }
    test_devnet_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_http),
                                       cmocka_unit_test(test_large_numbers),
                                       cmocka_unit_test(test_discover)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
