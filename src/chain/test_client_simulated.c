#include "chain/test_node_simulated.h"

#include "chain/client.h"
#include "crypto/keys/key.h"

static slk_diag_t diag;

/* --- A signer with one key ----------------------------------------------------------------- */

static slk_err_t one_list(void *self, slk_signer_each_t each, void *user, slk_diag_t *d)
{
    (void)d;
    slk_address_t address = slk_key_address(self);
    return each(user, &address);
}

static slk_err_t one_has(void *self, const slk_address_t *address, bool *has, slk_diag_t *d)
{
    (void)d;
    slk_address_t own = slk_key_address(self);
    *has = slk_address_eq(address, &own);
    return SLK_OK;
}

static slk_err_t one_sign(void *self, const slk_address_t *address,
                          const slk_sign_request_t *request, slk_key_sig_t *sig, slk_diag_t *d)
{
    (void)address;
    return slk_key_sign(sig, self, request->bytes, request->len, d);
}

static const slk_signer_ops_t one_ops = {.list = one_list, .has = one_has, .sign = one_sign};

/* --- A listener that checks --------------------------------------------------------------- */

static struct {
    slk_tipset_key_t chain[SIM_TIPSETS];
    size_t cnt;
    atomic_uint reverted;
} seen;

static slk_err_t listen(void *ctx, slk_db_t *db, slk_change_type_t type, const slk_head_t *head,
                        slk_diag_t *d)
{
    (void)ctx;
    (void)d;
    SLK_ASSERT(slk_db_in_transaction(db));
    if (type == SLK_CHANGE_REVERT) {
        SLK_ASSERT(seen.cnt && slk_tipset_key_eq(&seen.chain[seen.cnt - 1], &head->key));
        seen.cnt--;
        atomic_fetch_add(&seen.reverted, 1);
    } else {
        SLK_ASSERT(!seen.cnt || slk_tipset_key_eq(&seen.chain[seen.cnt - 1], &head->parents));
        seen.chain[seen.cnt++] = head->key;
    }
    return SLK_OK;
}

static slk_chain_t *start(const sim_t *sim, const char *path, slk_key_t *key, bool no_websocket)
{
    static const slk_head_listener_t listener = {.step = listen};
    char info[1024];
    sim_api_info(sim, 2, SLK_PERM_READ | SLK_PERM_WRITE | SLK_PERM_SIGN, info);
    slk_chain_opts_t opts = {.api_info = info,
                             .database = path,
                             .signer = {.ops = key ? &one_ops : NULL, .self = key},
                             .listeners = &listener,
                             .listener_cnt = 1,
                             .poll_ms = 50,
                             .no_websocket = no_websocket};
    slk_chain_t *chain = NULL;
    assert_ok(slk_chain_start(&chain, &opts, &diag), diag);
    return chain;
}

/* Wait until the client is at the node's head; up to 20 s, for slow machines. */
static slk_chain_status_t wait_for_head(slk_chain_t *chain, sim_t *sim)
{
    slk_chain_status_t status;
    for (int i = 0; i < 2000; i++) {
        slk_chain_status(chain, &status);
        pthread_mutex_lock(&sim->lock);
        const slk_cid_t *cid = &sim->tipsets[sim->head].cid;
        bool there =
            status.head.key.len == cid->len && memcmp(status.head.key.b, cid->b, cid->len) == 0;
        pthread_mutex_unlock(&sim->lock);
        if (there)
            return status;
        usleep(10000);
    }
    fail_msg("the client does not arrive: %s", status.trouble);
    return status;
}

typedef struct {
    sim_t *sim;
    slk_key_t key;
    char dir[64], path[128];
} fixture_t;

static void begin(fixture_t *f)
{
    f->sim = sim_new();
    sim_start_node(f->sim, 0);
    sim_start_node(f->sim, 1);
    sim_mine(f->sim, 0);
    test_tmp_dir(f->dir);
    snprintf(f->path, sizeof f->path, "%s/chain.db", f->dir);
    assert_ok(slk_key_generate(&f->key, SLK_KEY_SECP256K1, &diag), diag);
    memset(&seen, 0, sizeof seen);
}

static void end(fixture_t *f)
{
    sim_free(f->sim);
    test_rm_dir(f->dir);
}

static void follow_all(bool no_websocket)
{
    fixture_t f;
    begin(&f);
    slk_chain_t *chain = start(f.sim, f.path, &f.key, no_websocket);
    slk_chain_status_t status = wait_for_head(chain, f.sim);
    for (int i = 0; i < 10; i++)
        sim_mine(f.sim, i % 3);
    status = wait_for_head(chain, f.sim);
    assert_int_equal(status.websocket, !no_websocket);

    /* A reorg of four, and one while the client is down. */
    int fork = f.sim->head;
    for (int i = 0; i < 4; i++)
        fork = f.sim->tipsets[fork].parent;
    pthread_mutex_lock(&f.sim->lock);
    for (int i = 0; i < 6; i++)
        fork = sim_grow(f.sim, fork, 0);
    pthread_mutex_unlock(&f.sim->lock);
    sim_set_head(f.sim, fork);
    wait_for_head(chain, f.sim);
    assert_int_equal(atomic_load(&seen.reverted), 4);
    slk_chain_stop(chain);

    fork = f.sim->tipsets[f.sim->tipsets[f.sim->head].parent].parent;
    pthread_mutex_lock(&f.sim->lock);
    for (int i = 0; i < 300; i++)
        fork = sim_grow(f.sim, fork, 0);
    pthread_mutex_unlock(&f.sim->lock);
    sim_set_head(f.sim, fork);
    chain = start(f.sim, f.path, &f.key, no_websocket);
    wait_for_head(chain, f.sim);
    assert_int_equal(atomic_load(&seen.reverted), 6);

    /* The node dies; the other takes over, and the chain goes on. */
    slk_chain_status(chain, &status);
    int n = strstr(status.node, "127") && atoi(strrchr(status.node, ':') + 1) ==
                                              slk_http_server_port(f.sim->nodes[0].server)
                ? 0
                : 1;
    slk_chain_status_t later;
    atomic_store(&f.sim->nodes[n].drop, true);
    pthread_mutex_lock(&f.sim->lock);
    if (f.sim->nodes[n].channel)
        slk_rpc_channel_close(f.sim->nodes[n].channel);
    f.sim->nodes[n].channel = NULL;
    pthread_mutex_unlock(&f.sim->lock);
    sim_mine(f.sim, 0);
    wait_for_head(chain, f.sim);
    for (int i = 0; i < 500; i++) {
        slk_chain_status(chain, &later);
        if (strcmp(later.node, status.node) != 0)
            break;
        usleep(10000);
    }
    assert_string_not_equal(later.node, status.node);
    assert_int_equal(atomic_load(&seen.reverted), 6);
    slk_chain_stop(chain);
    end(&f);
}

static void test_websocket(void **state)
{
    (void)state;
    follow_all(false);
}

static void test_polling(void **state)
{
    (void)state;
    follow_all(true);
}

/* --- Messages ------------------------------------------------------------------------------ */

static slk_message_row_t wait_for_message(slk_db_t *db, const char *key, slk_message_state_t state)
{
    slk_message_row_t row;
    for (int i = 0; i < 1000; i++) {
        assert_ok(slk_message_find(db, key, &row, &diag), diag);
        if (row.state == state)
            return row;
        slk_message_row_free(&row);
        usleep(20000);
    }
    assert_ok(slk_message_find(db, key, &row, &diag), diag);
    fail_msg("%s is %s: %s", key, slk_message_state_text(row.state), row.error);
    return row;
}

static void test_message(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    slk_chain_t *chain = start(f.sim, f.path, &f.key, false);
    wait_for_head(chain, f.sim);
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, f.path, &diag), diag);
    slk_message_want_t want = {.key = "one",
                               .from = slk_key_address(&f.key),
                               .to = slk_address_id(1000),
                               .value = slk_bigint_u64(5),
                               .method = 16,
                               .params = "\x81\x40",
                               .params_len = 2,
                               .confidence = 3};
    int64_t id;
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    slk_chain_wake(chain);
    slk_message_row_t row = wait_for_message(db, "one", SLK_MESSAGE_PENDING);
    assert_true(row.has_nonce && row.nonce == 0 && row.attempts == 1);
    slk_message_row_free(&row);

    /* A second one, and one that the actor refuses. */
    want.key = "two";
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    want.key = "bad";
    want.method = 666;
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    slk_chain_wake(chain);
    row = wait_for_message(db, "bad", SLK_MESSAGE_REFUSED);
    assert_int_equal(row.error_code, 3);
    assert_non_null(strstr(row.error, "ErrIllegalArgument(16)"));
    assert_false(row.has_nonce);
    slk_message_row_free(&row);
    row = wait_for_message(db, "two", SLK_MESSAGE_PENDING);
    assert_int_equal(row.nonce, 1);
    slk_message_row_free(&row);

    sim_mine(f.sim, 0); /* includes them */
    sim_mine(f.sim, 0); /* carries the receipts */
    row = wait_for_message(db, "one", SLK_MESSAGE_LANDED);
    assert_int_equal(row.landed_height, 3);
    slk_message_row_free(&row);

    /* A reorg takes the receipts away, and the messages into another block. */
    int fork = f.sim->tipsets[f.sim->tipsets[f.sim->head].parent].parent;
    pthread_mutex_lock(&f.sim->lock);
    json_t *messages = json_incref(f.sim->tipsets[f.sim->tipsets[f.sim->head].parent].messages);
    for (int i = 0; i < 3; i++)
        fork = sim_grow(f.sim, fork, 0);
    pthread_mutex_unlock(&f.sim->lock);
    sim_set_head(f.sim, fork);
    row = wait_for_message(db, "one", SLK_MESSAGE_PENDING);
    slk_message_row_free(&row);
    pthread_mutex_lock(&f.sim->lock);
    json_array_clear(f.sim->pool);
    json_array_extend(f.sim->pool, messages);
    pthread_mutex_unlock(&f.sim->lock);
    json_decref(messages);
    for (int i = 0; i < 8; i++)
        sim_mine(f.sim, 0);
    row = wait_for_message(db, "one", SLK_MESSAGE_DONE);
    assert_int_equal(row.landed_height, 6);
    assert_int_equal(row.attempts, 1);
    assert_true(slk_cid_eq(&row.cid, &row.landed_cid));
    assert_memory_equal(row.result, "\x81\x82\x01", 3);
    slk_message_row_free(&row);
    row = wait_for_message(db, "two", SLK_MESSAGE_DONE);
    assert_int_equal(row.nonce, 1);
    slk_message_row_free(&row);
    slk_chain_stop(chain);
    slk_db_close(db);
    end(&f);
}

/* The node's own wallet: it chooses the nonce and its answer is lost; or it only signs. */
static void test_node_wallet(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    assert_ok(slk_key_generate(&f.key, SLK_KEY_BLS, &diag), diag); /* its CIDs are made otherwise */
    f.sim->wallet = f.key;
    slk_chain_t *chain = start(f.sim, f.path, NULL, false);
    wait_for_head(chain, f.sim);
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, f.path, &diag), diag);
    slk_message_want_t want = {.key = "handed",
                               .from = slk_key_address(&f.key),
                               .to = slk_address_id(1000),
                               .value = slk_bigint_u64(5),
                               .method = 16,
                               .mode = SLK_NODE_NONCE,
                               .confidence = 2};
    int64_t id;
    atomic_store(&f.sim->nodes[0].lose, 2);
    atomic_store(&f.sim->nodes[1].lose, 2);
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    slk_chain_wake(chain);
    slk_message_row_t row = wait_for_message(db, "handed", SLK_MESSAGE_PENDING);
    assert_int_equal(row.nonce, 0);
    assert_true(*row.node && row.uncertain);
    assert_int_equal(atomic_load(&f.sim->nodes[0].pushes) + atomic_load(&f.sim->nodes[1].pushes),
                     3);
    slk_message_row_free(&row);
    pthread_mutex_lock(&f.sim->lock);
    assert_int_equal(json_array_size(f.sim->pool), 1); /* once, however often it was handed over */
    pthread_mutex_unlock(&f.sim->lock);
    for (int i = 0; i < 6; i++)
        sim_mine(f.sim, 0);
    row = wait_for_message(db, "handed", SLK_MESSAGE_DONE);
    slk_message_row_free(&row);

    want.key = "signed there";
    want.mode = SLK_OWN_NONCE;
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    slk_chain_wake(chain);
    row = wait_for_message(db, "signed there", SLK_MESSAGE_PENDING);
    assert_int_equal(row.nonce, 1);
    slk_message_row_free(&row);

    /* Stuck: a person asks for a higher fee. */
    assert_ok(slk_message_replace(db, id, NULL, &diag), diag);
    slk_chain_wake(chain);
    for (int i = 0; i < 500; i++) {
        assert_ok(slk_message_load(db, id, &row, &diag), diag);
        bool raised = row.attempts == 2 && row.state == SLK_MESSAGE_PENDING;
        slk_message_row_free(&row);
        if (raised)
            break;
        usleep(20000);
    }
    row = wait_for_message(db, "signed there", SLK_MESSAGE_PENDING);
    assert_int_equal(row.attempts, 2);
    assert_int_equal(row.nonce, 1);
    assert_string_equal(slk_bigint_text(&row.gas.premium).s, "125001");
    slk_message_row_free(&row);
    slk_chain_stop(chain);
    slk_db_close(db);
    end(&f);
}

/* A database of one network, a node of another. */
static void test_other_network(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    slk_chain_t *chain = start(f.sim, f.path, &f.key, true);
    wait_for_head(chain, f.sim);
    slk_chain_stop(chain);
    f.sim->nodes[0].genesis = f.sim->nodes[1].genesis = "another network";
    chain = start(f.sim, f.path, &f.key, true);
    slk_chain_status_t status = {0};
    for (int i = 0; i < 500 && !strstr(status.trouble, "genesis"); i++) {
        usleep(10000);
        slk_chain_status(chain, &status);
    }
    assert_non_null(
        strstr(status.trouble, "another network than the others or than this database"));
    assert_false(status.following);
    slk_chain_stop(chain);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_websocket),     cmocka_unit_test(test_polling),
        cmocka_unit_test(test_message),       cmocka_unit_test(test_node_wallet),
        cmocka_unit_test(test_other_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
