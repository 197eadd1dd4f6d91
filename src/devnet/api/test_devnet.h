#ifndef SLK_DEVNET_API_TEST_DEVNET_H
#define SLK_DEVNET_API_TEST_DEVNET_H

/* For tests: a paused development network in a folder of its own, and calls to it over HTTP as any client makes
 * them. */

#include "base/assert.h"
#include "devnet/api/api.h"
#include "devnet/api/control.h"
#include "net/api_info.h"
#include "net/jsonrpc_client.h"
#include "net/token.h"
#include "test_util.h"

typedef struct {
    char dir[64];
    slk_devnet_t *net;
    slk_devnet_options_t options;
    slk_http_client_t *client;
    slk_api_info_t info;
    slk_diag_t diag;
} test_devnet_t;

static inline void test_devnet_start(test_devnet_t *t)
{
    slk_api_info_t list[SLK_API_INFO_MAX];
    size_t cnt;
    assert_ok(slk_devnet_open(&t->net, &t->options, &t->diag), t->diag);
    assert_ok(slk_api_info_parse(list, &cnt, slk_devnet_api_info(t->net), &t->diag), t->diag);
    t->info = list[0];
    assert_ok(slk_http_client_new(&t->client, &(slk_http_client_opts_t){0}, &t->diag), t->diag);
}

static inline void test_devnet_stop(test_devnet_t *t)
{
    slk_http_client_free(t->client);
    slk_devnet_close(t->net);
    t->client = NULL;
    t->net = NULL;
}

static inline void test_devnet_open(test_devnet_t *t)
{
    *t = (test_devnet_t){0};
    test_tmp_dir(t->dir);
    t->options = (slk_devnet_options_t){.dir = t->dir,
                                        .policy = *slk_policy_by_name("2k"),
                                        .seed = 7,
                                        .genesis_time = 1700000000,
                                        .threads = 1,
                                        .producer = {.block_ms = 1000, .paused = true}};
    test_devnet_start(t);
}

static inline void test_devnet_close(test_devnet_t *t)
{
    test_devnet_stop(t);
    test_rm_dir(t->dir);
}

/* One call; free the answer. Takes params. token: NULL: none, "": the admin's. */
static inline slk_rpc_answer_t test_ask(test_devnet_t *t, const char *version, const char *token,
                                        const char *method, json_t *params)
{
    slk_rpc_answer_t answer;
    char url[SLK_API_URL_MAX];
    char *text = json_dumps(params, JSON_COMPACT | JSON_ENCODE_ANY);
    slk_api_info_url(url, &t->info, false, version);
    assert_ok(slk_rpc_http(t->client,
                           &(slk_rpc_http_call_t){.url = url,
                                                  .token = token && !*token ? t->info.token : token,
                                                  .method = method,
                                                  .params = text,
                                                  .total_ms = 60000},
                           &answer, &t->diag),
              t->diag);
    free(text);
    json_decref(params);
    return answer;
}

/* The result of a call that must succeed, owned. */
static inline json_t *test_result(test_devnet_t *t, const char *method, json_t *params)
{
    slk_rpc_answer_t answer = test_ask(t, "v1", "", method, params);
    if (answer.failed)
        fail_msg("%s: %s", method, answer.message);
    json_t *result = json_incref(answer.result);
    slk_rpc_answer_free(&answer);
    return result;
}

static inline void test_do(test_devnet_t *t, const char *method, json_t *params)
{
    json_decref(test_result(t, method, params));
}

static inline void test_mine(test_devnet_t *t, int n)
{
    test_do(t, SLK_CONTROL "Mine", json_pack("[i]", n));
}

/* Push a message of the wallet's default address (or of `from`), mine it; its lookup. */
static inline json_t *test_send_and_wait(test_devnet_t *t, json_t *message)
{
    json_t *pushed = test_result(t, "Filecoin.MpoolPushMessage", json_pack("[o, n]", message));
    json_t *cid = json_incref(json_object_get(pushed, "CID"));
    json_decref(pushed);
    test_mine(t, 2);
    return test_result(t, "Filecoin.StateWaitMsg", json_pack("[o, i, i, b]", cid, 0, -1, 1));
}

#endif /* SLK_DEVNET_API_TEST_DEVNET_H */
