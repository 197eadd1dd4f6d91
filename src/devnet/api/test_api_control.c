/* Time and trouble on command: what a client sees of reorgs, of a node that is down, slow or loses messages, and that
 * a chain is there again after a restart. */

#include "devnet/api/test_devnet.h"

#include <pthread.h>
#include <time.h>

#define SEND_LIMIT 5000u

static json_t *head_of(test_devnet_t *t)
{
    return test_result(t, "Filecoin.ChainHead", json_array());
}

static json_int_t height_of(const json_t *tip)
{
    return json_integer_value(json_object_get(tip, "Height"));
}

/* --- Listening ------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_rpc_ws_t *ws;
    slk_rpc_sub_t *sub;
    json_t *head; /* as the changes say */
    int reverts, applies;
} listener_t;

static void follow(listener_t *l, json_t *changes, test_devnet_t *t)
{
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change)
    {
        const char *type = json_string_value(json_object_get(change, "Type"));
        json_t *val = json_object_get(change, "Val");
        json_t *block = json_array_get(json_object_get(val, "Blocks"), 0);
        if (!strcmp(type, "revert")) {
            assert_true(json_equal(l->head, val));
            json_decref(l->head);
            l->head = test_result(t, "Filecoin.ChainGetTipSet",
                                  json_pack("[O]", json_object_get(block, "Parents")));
            l->reverts++;
            continue;
        }
        if (!strcmp(type, "apply")) {
            assert_true(
                json_equal(json_object_get(l->head, "Cids"), json_object_get(block, "Parents")));
            l->applies++;
        } else {
            assert_string_equal(type, "current");
            assert_null(l->head);
        }
        json_decref(l->head);
        l->head = json_incref(val);
    }
}

static void listen_to(listener_t *l, test_devnet_t *t)
{
    slk_rpc_answer_t answer;
    json_t *value;
    char url[SLK_API_URL_MAX];
    *l = (listener_t){0};
    slk_api_info_url(url, &t->info, true, "v1");
    assert_ok(
        slk_rpc_ws_new(&l->ws, &(slk_rpc_ws_opts_t){.url = url, .token = t->info.token}, &t->diag),
        t->diag);
    assert_ok(slk_rpc_ws_subscribe(&l->sub, l->ws, "Filecoin.ChainNotify", "[]", SEND_LIMIT, NULL,
                                   &answer, &t->diag),
              t->diag);
    slk_rpc_answer_free(&answer);
    assert_ok(slk_rpc_sub_next(l->sub, &value, SEND_LIMIT, NULL, &t->diag), t->diag);
    follow(l, value, t);
    json_decref(value);
}

/* Until it has seen the head of now. */
static void catch_up(listener_t *l, test_devnet_t *t)
{
    json_t *head = head_of(t), *value;
    while (!json_equal(head, l->head)) {
        assert_ok(slk_rpc_sub_next(l->sub, &value, SEND_LIMIT, NULL, &t->diag), t->diag);
        follow(l, value, t);
        json_decref(value);
    }
    json_decref(head);
}

static void stop_listening(listener_t *l)
{
    slk_rpc_sub_free(l->sub);
    slk_rpc_ws_stop(l->ws);
    slk_rpc_ws_free(l->ws);
    json_decref(l->head);
}

static json_t *transfer(test_devnet_t *t, const char *to)
{
    json_t *from = test_result(t, "Filecoin.WalletDefaultAddress", json_array());
    json_t *message = json_pack("{s:s, s:O, s:s, s:i, s:i}", "To", to, "From", from, "Value", "1",
                                "Method", 0, "Nonce", 0);
    json_t *pushed = test_result(t, "Filecoin.MpoolPushMessage", json_pack("[o, n]", message));
    json_t *cid = json_incref(json_object_get(pushed, "CID"));
    json_decref(pushed);
    json_decref(from);
    return cid;
}

static void test_reorg(void **state)
{
    test_devnet_t t;
    listener_t l;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 10);
    listen_to(&l, &t);
    test_mine(&t, 3);
    json_t *cid = transfer(&t, "t099");
    test_mine(&t, 2);
    catch_up(&l, &t);
    assert_int_equal(l.applies, 5);
    assert_int_equal(l.reverts, 0);

    /* Into the new branch at once, at its beginning; then out of it, pending again, and in. */
    static const struct {
        const char *fate;
        int depth, reverts, applies; /* sums */
    } steps[] = {{"again", 4, 4, 10}, {"later", 5, 9, 16}};
    for (size_t i = 0; i < SLK_COUNT(steps); i++) {
        test_do(&t, SLK_CONTROL "Reorg", json_pack("[i, s]", steps[i].depth, steps[i].fate));
        catch_up(&l, &t);
        assert_int_equal(l.reverts, steps[i].reverts);
        assert_int_equal(l.applies, steps[i].applies);
    }
    json_t *pending = test_result(&t, "Filecoin.MpoolPending", json_pack("[n]"));
    assert_int_equal(json_array_size(pending), 1);
    json_decref(pending);
    test_mine(&t, 3);
    json_t *lookup =
        test_result(&t, "Filecoin.StateWaitMsg", json_pack("[O, i, i, b]", cid, 1, -1, 1));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(lookup, "Receipt"), "ExitCode")), 0);
    json_decref(lookup);

    /* The head goes back, and the chain on from there. */
    json_t *before = head_of(&t);
    test_do(&t, SLK_CONTROL "Rewind", json_pack("[i]", 2));
    json_t *after = head_of(&t);
    assert_int_equal(height_of(after), height_of(before) - 2);
    catch_up(&l, &t);
    test_mine(&t, 1);
    catch_up(&l, &t);
    json_decref(before);
    json_decref(after);
    json_decref(cid);
    stop_listening(&l);
    test_devnet_close(&t);
}

/* Further back than the next block could span: the chain would stand still. */
static void test_far_back(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    json_t *first = head_of(&t);
    test_mine(&t, 1);
    test_do(&t, SLK_CONTROL "External", json_pack("[b]", 1));
    test_mine(&t, 8001);
    slk_rpc_answer_t answer = test_ask(&t, "v1", "", "Filecoin.ChainSetHead",
                                       json_pack("[O]", json_object_get(first, "Cids")));
    assert_true(answer.failed);
    assert_non_null(strstr(answer.message, "null rounds would follow"));
    slk_rpc_answer_free(&answer);
    test_do(&t, SLK_CONTROL "External", json_pack("[b]", 0));
    test_mine(&t, 1);
    json_t *head = head_of(&t);
    assert_int_equal(height_of(head), 8001);
    json_decref(head);
    json_decref(first);
    test_devnet_close(&t);
}

/* A long call in a thread and with a connection of its own. */
typedef struct {
    test_devnet_t *t;
    uint32_t total_ms;
    slk_err_t err;
    slk_rpc_answer_t answer;
} miner_t;

static void *mine_long(void *ctx)
{
    miner_t *m = ctx;
    char url[SLK_API_URL_MAX];
    slk_http_client_t *client;
    slk_diag_t diag;
    slk_api_info_url(url, &m->t->info, false, "v1");
    m->err = slk_http_client_new(&client, &(slk_http_client_opts_t){0}, &diag);
    if (m->err != SLK_OK)
        return NULL;
    m->err = slk_rpc_http(client,
                          &(slk_rpc_http_call_t){.url = url,
                                                 .token = m->t->info.token,
                                                 .method = SLK_CONTROL "Mine",
                                                 .params = "[1000000]",
                                                 .total_ms = m->total_ms},
                          &m->answer, &diag);
    slk_http_client_free(client);
    return NULL;
}

/* Until it mines, or until it does not any more. */
static void wait_mining(test_devnet_t *t, bool mines)
{
    for (int i = 0; i < 1000; i++) {
        json_t *status = test_result(t, SLK_CONTROL "Status", json_array());
        const bool does = json_integer_value(json_object_get(status, "mined")) > 0;
        assert_int_equal(json_integer_value(json_object_get(status, "to_mine")) > 0 || does,
                         json_integer_value(json_object_get(status, "to_mine")) == 1000000);
        json_decref(status);
        if (does == mines)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("%s", mines ? "nothing is mined" : "it goes on");
}

/* Everything is answered while it mines; pause ends it, and so does the one who hangs up. */
static void test_long_mine(void **state)
{
    test_devnet_t t;
    pthread_t thread;
    (void)state;
    test_devnet_open(&t);
    miner_t m = {.t = &t, .total_ms = 60000};
    assert_int_equal(pthread_create(&thread, NULL, mine_long, &m), 0);
    wait_mining(&t, true);
    json_t *cid = transfer(&t, "t099");
    json_t *lookup =
        test_result(&t, "Filecoin.StateWaitMsg", json_pack("[O, i, i, b]", cid, 1, -1, 1));
    test_do(&t, SLK_CONTROL "Pause", json_array());
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(m.err, SLK_OK);
    assert_true(m.answer.failed);
    assert_non_null(strstr(m.answer.message, "paused after "));
    assert_non_null(strstr(m.answer.message, " of 1000000 epochs"));
    slk_rpc_answer_free(&m.answer);
    wait_mining(&t, false);
    json_t *head = head_of(&t);
    test_mine(&t, 2); /* paused before: it mines */
    json_t *after = head_of(&t);
    assert_int_equal(height_of(after), height_of(head) + 2);

    miner_t hasty = {.t = &t, .total_ms = 300};
    assert_int_equal(pthread_create(&thread, NULL, mine_long, &hasty), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(hasty.err, SLK_ERR_TIMEOUT);
    slk_rpc_answer_free(&hasty.answer);
    wait_mining(&t, false);
    json_decref(head);
    json_decref(after);
    json_decref(lookup);
    json_decref(cid);
    test_devnet_close(&t);
}

/* What a checkpoint stands on is not left, by command, also after a restart; until ChainSetHead. */
static void test_checkpoint(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 5);
    json_t *head = head_of(&t),
           *below = test_result(&t, "Filecoin.ChainGetTipSetByHeight", json_pack("[i, n]", 3));
    test_do(&t, "Filecoin.SyncCheckpoint", json_pack("[O]", json_object_get(head, "Cids")));
    for (int i = 0; i < 2; i++) {
        test_mine(&t, 3);
        test_do(&t, SLK_CONTROL "Reorg", json_pack("[i, s]", 3, "again"));
        slk_rpc_answer_t answer =
            test_ask(&t, "v1", "", SLK_CONTROL "Rewind", json_pack("[i]", 3 + 4 * (i + 1)));
        assert_true(answer.failed);
        assert_non_null(strstr(answer.message, "the checkpoint at height 5 would be reverted"));
        slk_rpc_answer_free(&answer);
        test_devnet_stop(&t);
        test_devnet_start(&t);
    }
    /* A checkpoint off the chain becomes the head. */
    json_t *last = head_of(&t);
    test_do(&t, SLK_CONTROL "Reorg", json_pack("[i, s]", 1, "again"));
    test_do(&t, "Filecoin.SyncCheckpoint", json_pack("[O]", json_object_get(last, "Cids")));
    json_t *now = head_of(&t);
    assert_true(json_equal(now, last));
    json_decref(now);
    test_do(&t, "Filecoin.ChainSetHead", json_pack("[O]", json_object_get(below, "Cids")));
    now = head_of(&t);
    assert_true(json_equal(now, below));
    test_mine(&t, 1);
    test_do(&t, SLK_CONTROL "Rewind", json_pack("[i]", 2));
    json_decref(now);
    json_decref(last);
    json_decref(head);
    json_decref(below);
    test_devnet_close(&t);
}

static void expect_update(slk_rpc_sub_t *sub, int type, const json_t *cid, test_devnet_t *t)
{
    json_t *value;
    assert_ok(slk_rpc_sub_next(sub, &value, SEND_LIMIT, NULL, &t->diag), t->diag);
    assert_int_equal(json_integer_value(json_object_get(value, "Type")), type);
    json_t *message = json_object_get(value, "Message");
    assert_true(json_equal(json_object_get(message, "CID"), cid));
    assert_true(json_is_object(json_object_get(message, "Signature")));
    json_decref(value);
}

/* Messages come, go into a block, come back when it is reverted. */
static void test_pool_channel(void **state)
{
    test_devnet_t t;
    char url[SLK_API_URL_MAX];
    slk_rpc_ws_t *ws;
    slk_rpc_sub_t *sub;
    slk_rpc_answer_t answer;
    json_t *none;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 3);
    slk_api_info_url(url, &t.info, true, "v1");
    assert_ok(slk_rpc_ws_new(&ws, &(slk_rpc_ws_opts_t){.url = url, .token = t.info.token}, &t.diag),
              t.diag);
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Filecoin.MpoolSub", "[]", SEND_LIMIT, NULL, &answer,
                                   &t.diag),
              t.diag);
    slk_rpc_answer_free(&answer);
    json_t *first = transfer(&t, "t099"), *second = transfer(&t, "t099");
    expect_update(sub, 0, first, &t);
    expect_update(sub, 0, second, &t);
    test_mine(&t, 1);
    expect_update(sub, 1, first, &t);
    expect_update(sub, 1, second, &t);
    test_do(&t, SLK_CONTROL "Reorg", json_pack("[i, s]", 1, "later"));
    expect_update(sub, 0, first, &t);
    expect_update(sub, 0, second, &t);
    test_do(&t, "Filecoin.MpoolClear", json_pack("[b]", 1));
    expect_update(sub, 1, first, &t);
    expect_update(sub, 1, second, &t);
    assert_err(SLK_ERR_TIMEOUT, slk_rpc_sub_next(sub, &none, 0, NULL, &t.diag));
    json_decref(first);
    json_decref(second);
    slk_rpc_sub_free(sub);
    slk_rpc_ws_stop(ws);
    slk_rpc_ws_free(ws);
    test_devnet_close(&t);
}

static void test_null_rounds(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 3);
    test_do(&t, SLK_CONTROL "NullRounds", json_pack("[i]", 2));
    test_mine(&t, 4);
    json_t *head = head_of(&t);
    assert_int_equal(height_of(head), 7);
    json_t *tip = test_result(&t, "Filecoin.ChainGetTipSetByHeight", json_pack("[i, n]", 5));
    assert_int_equal(height_of(tip), 3);
    json_decref(tip);
    tip = test_result(&t, "Filecoin.ChainGetTipSetAfterHeight", json_pack("[i, n]", 4));
    assert_int_equal(height_of(tip), 6);
    json_decref(tip);
    json_decref(head);
    test_devnet_close(&t);
}

/* --- Trouble ---------------------------------------------------------------------------------------------------- */

static bool answers(test_devnet_t *t)
{
    slk_rpc_answer_t answer;
    char url[SLK_API_URL_MAX];
    slk_api_info_url(url, &t->info, false, "v1");
    slk_err_t err = slk_rpc_http(
        t->client,
        &(slk_rpc_http_call_t){.url = url, .method = "Filecoin.ChainHead", .total_ms = 10000},
        &answer, &t->diag);
    const bool ok = err == SLK_OK && !answer.failed;
    slk_rpc_answer_free(&answer);
    return ok;
}

static void test_trouble(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 3);
    assert_true(answers(&t));

    test_do(&t, SLK_CONTROL "Fail", json_pack("[i]", 2));
    assert_false(answers(&t));
    assert_false(answers(&t));
    assert_true(answers(&t));

    test_do(&t, SLK_CONTROL "Down", json_pack("[i]", 60));
    assert_false(answers(&t));
    test_do(&t, SLK_CONTROL "Down", json_pack("[i]", 0));
    assert_true(answers(&t));

    test_do(&t, SLK_CONTROL "Slow", json_pack("[i, i]", 200, 60));
    const double begun = slk_clock_seconds();
    assert_true(answers(&t));
    assert_true(slk_clock_seconds() - begun >= 0.2);
    test_do(&t, SLK_CONTROL "Slow", json_pack("[i, i]", 0, 0));

    /* A lost message: its nonce is the next one's again. */
    test_do(&t, SLK_CONTROL "Lose", json_pack("[i]", 1));
    json_decref(transfer(&t, "t099"));
    json_t *pending = test_result(&t, "Filecoin.MpoolPending", json_pack("[n]"));
    assert_int_equal(json_array_size(pending), 0);
    json_decref(pending);
    json_decref(transfer(&t, "t099"));
    pending = test_result(&t, "Filecoin.MpoolPending", json_pack("[n]"));
    assert_int_equal(json_array_size(pending), 1);
    json_decref(pending);

    slk_rpc_answer_t answer = test_ask(&t, "v1", NULL, SLK_CONTROL "Mine", json_pack("[i]", 1));
    assert_true(answer.failed);
    assert_string_equal(answer.message, "missing permission to invoke 'DevnetMine' (need 'admin')");
    slk_rpc_answer_free(&answer);
    test_devnet_close(&t);
}

static void test_clock(void **state)
{
    test_devnet_t t;
    (void)state;
    test_devnet_open(&t);
    test_do(&t, SLK_CONTROL "BlockTime", json_pack("[i]", 20));
    test_do(&t, SLK_CONTROL "Resume", json_array());
    json_t *entry = test_result(&t, "Filecoin.StateGetBeaconEntry", json_pack("[i]", 5));
    assert_int_equal(json_integer_value(json_object_get(entry, "Round")), 105);
    json_decref(entry);
    test_do(&t, SLK_CONTROL "Pause", json_array());
    json_t *status = test_result(&t, SLK_CONTROL "Status", json_array());
    assert_true(json_is_true(json_object_get(status, "paused")));
    assert_true(json_integer_value(json_object_get(status, "height")) >= 5);
    json_decref(status);
    test_devnet_close(&t);
}

static void test_scaled(void **state)
{
    test_devnet_t t;
    (void)state;
    t = (test_devnet_t){0};
    test_tmp_dir(t.dir);
    t.options = (slk_devnet_options_t){.dir = t.dir,
                                       .policy = slk_policy_scaled(slk_policy_by_name("2k"), 4, 10),
                                       .producer = {.block_ms = 1000, .paused = true},
                                       .threads = 1};
    test_devnet_start(&t);
    json_t *params = test_result(&t, "Filecoin.StateGetNetworkParams", json_array());
    json_t *policy = json_object_get(params, "SelkieDevnetPolicy");
    assert_int_equal(json_integer_value(json_object_get(policy, "WPoStProvingPeriod")), 40);
    assert_int_equal(json_integer_value(json_object_get(policy, "WPoStPeriodDeadlines")), 4);
    json_decref(params);
    test_devnet_close(&t);
}

/* The same again after a restart, and the same blocks of the same seed. */
static void test_restart(void **state)
{
    test_devnet_t t, other;
    (void)state;
    test_devnet_open(&t);
    test_mine(&t, 20);
    json_t *cid = transfer(&t, "t099");
    json_t *before = head_of(&t);
    test_devnet_stop(&t);
    test_devnet_start(&t);
    json_t *after = head_of(&t);
    assert_true(json_equal(before, after));
    test_mine(&t, 2);
    json_t *lookup =
        test_result(&t, "Filecoin.StateWaitMsg", json_pack("[O, i, i, b]", cid, 0, -1, 1));
    assert_int_equal(json_integer_value(json_object_get(lookup, "Height")), 22);
    json_decref(lookup);
    json_decref(after);

    test_devnet_open(&other);
    test_mine(&other, 20);
    after = head_of(&other);
    assert_true(json_equal(before, after));
    test_devnet_close(&other);
    json_decref(before);
    json_decref(after);
    json_decref(cid);
    test_devnet_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reorg),      cmocka_unit_test(test_far_back),
        cmocka_unit_test(test_long_mine),  cmocka_unit_test(test_pool_channel),
        cmocka_unit_test(test_checkpoint), cmocka_unit_test(test_null_rounds),
        cmocka_unit_test(test_trouble),    cmocka_unit_test(test_clock),
        cmocka_unit_test(test_scaled),     cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
