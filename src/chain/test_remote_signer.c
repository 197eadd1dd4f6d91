/* Signers by RPC, which obey the test: one as strict as lotus-wallet, and the wallet of a whole node. */
#include "base/assert.h"
#include "chain/api_types.h"
#include "chain/remote_signer.h"
#include "net/jsonrpc_server.h"
#include "test_util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

typedef struct {
    slk_key_t keys[2]; /* bls, secp256k1 */
    slk_key_t signs;   /* who really signs; type 0: who is asked */
    slk_rpc_api_t *api;
    slk_http_server_t *server;
    slk_token_key_t token_key;
    bool node;           /* WalletSign without MsgMeta */
    const char *answer;  /* of WalletSign, instead of a signature */
    atomic_uint calls;   /* of WalletSign, right or wrong */
    atomic_int drop;     /* so many calls are cut */
    atomic_int delay_ms; /* before an answer */
    char info[1200];
    slk_diag_t diag;
} wallet_t;

static bool before(slk_rpc_call_t *call, void *ctx)
{
    wallet_t *w = ctx;
    if (atomic_load(&w->drop) > 0) {
        atomic_fetch_sub(&w->drop, 1);
        slk_rpc_drop(call);
        return false;
    }
    for (int left = atomic_load(&w->delay_ms); left > 0 && !slk_rpc_gone(call); left -= 10)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return true;
}

static const slk_key_t *key_of(const wallet_t *w, const json_t *address)
{
    slk_address_t asked;
    if (slk_address_from_text(&asked, json_string_value(address), NULL) == SLK_OK)
        for (size_t i = 0; i < SLK_COUNT(w->keys); i++) {
            slk_address_t own = slk_key_address(&w->keys[i]);
            if (slk_address_eq(&own, &asked))
                return &w->keys[i];
        }
    return NULL;
}

static void wallet_list(slk_rpc_call_t *call, void *ctx)
{
    const wallet_t *w = ctx;
    json_t *all = json_array();
    for (size_t i = 0; i < SLK_COUNT(w->keys); i++) {
        slk_address_t own = slk_key_address(&w->keys[i]);
        json_array_append_new(all, json_string(slk_address_text(&own, SLK_TESTNET).s));
    }
    slk_rpc_answer(call, all);
}

static void wallet_has(slk_rpc_call_t *call, void *ctx)
{
    slk_rpc_answer(call, json_boolean(key_of(ctx, slk_rpc_param(call, 0)) != NULL));
}

static slk_bytes_t bytes_of(slk_rpc_call_t *call, const json_t *json, slk_arena_t *arena)
{
    slk_api_bytes_t bytes = {{0}};
    slk_diag_t diag;
    if (slk_record_from_json(&bytes, &slk_api_bytes_type, json, arena, &diag) != SLK_OK)
        slk_rpc_fail(call, SLK_RPC_PARSE, "%s", diag.text);
    return bytes.v;
}

/* What is signed has to be what the message says, as lotus-wallet wants it. */
static bool belongs(slk_bytes_t bytes, const char *type, slk_bytes_t extra)
{
    if (strcmp(type, "message") != 0)
        return !extra.len;
    const slk_cid_t cid = slk_cid_of_cbor(extra.b, extra.len);
    return bytes.len == cid.len && !memcmp(bytes.b, cid.b, cid.len);
}

static void wallet_sign(slk_rpc_call_t *call, void *ctx)
{
    wallet_t *w = ctx;
    slk_arena_t arena;
    slk_key_sig_t sig;
    json_t *json = NULL;
    atomic_fetch_add(&w->calls, 1);
    const size_t cnt = json_array_size(slk_rpc_params(call)), want = w->node ? 2 : 3;
    const slk_key_t *key = key_of(w, slk_rpc_param(call, 0));
    slk_arena_init(&arena, 1 << 20);
    const slk_bytes_t bytes = bytes_of(call, slk_rpc_param(call, 1), &arena);
    const json_t *meta = slk_rpc_param(call, 2);
    const char *type = json_string_value(json_object_get(meta, "Type"));
    const slk_bytes_t extra = bytes_of(call, json_object_get(meta, "Extra"), &arena);
    if (cnt != want)
        slk_rpc_fail(call, SLK_RPC_PARAM_COUNT,
                     "wrong param count (method 'Filecoin.WalletSign'): %zu != %zu", cnt, want);
    else if (!key)
        slk_rpc_fail(call, SLK_RPC_ERROR, "signing using key 'x': key info not found");
    else if (!w->node && (!type || !belongs(bytes, type, extra)))
        slk_rpc_fail(call, SLK_RPC_ERROR, "the bytes are not those of the message");
    else if (w->answer)
        slk_rpc_answer_text(call, w->answer, strlen(w->answer));
    else if (slk_key_sign(&sig, w->signs.type ? &w->signs : key, bytes.b, bytes.len, NULL) ==
             SLK_OK) {
        const slk_api_signature_t out = {{(uint8_t)sig.type, {sig.b, sig.len}}};
        assert_int_equal(
            slk_record_to_json(&json, &slk_api_signature_type, &out, SLK_MAINNET, NULL), SLK_OK);
        slk_rpc_answer(call, json);
    }
    slk_arena_free(&arena);
}

static const slk_rpc_method_t methods[] = {
    {.name = "Filecoin.WalletList", .need = SLK_PERM_ADMIN, .fn = wallet_list},
    {.name = "Filecoin.WalletHas",
     .need = SLK_PERM_ADMIN,
     .params_min = 1,
     .params_max = 1,
     .fn = wallet_has},
    {.name = "Filecoin.WalletSign", .need = SLK_PERM_ADMIN, .params_max = 9, .fn = wallet_sign},
};

static void info_for(wallet_t *w, slk_perms_t perms)
{
    char token[SLK_TOKEN_TEXT_MAX];
    slk_token_new(token, &w->token_key, perms);
    snprintf(w->info, sizeof w->info, "%s:/ip4/127.0.0.1/tcp/%u/http", token,
             slk_http_server_port(w->server));
}

static int open_wallet(void **state)
{
    wallet_t *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (size_t i = 0; i < 2; i++)
        assert_ok(slk_key_generate(&w->keys[i], i ? SLK_KEY_SECP256K1 : SLK_KEY_BLS, &w->diag),
                  w->diag);
    w->token_key.len = 32;
    assert_ok(slk_rpc_api_new(&w->api,
                              &(slk_rpc_api_opts_t){.methods = methods,
                                                    .method_cnt = SLK_COUNT(methods),
                                                    .ctx = w,
                                                    .before = before},
                              &w->diag),
              w->diag);
    const slk_http_route_t route = slk_rpc_route("/rpc/v0", w->api);
    assert_ok(slk_http_server_new(&w->server,
                                  &(slk_http_server_opts_t){.routes = &route,
                                                            .route_cnt = 1,
                                                            .key = &w->token_key,
                                                            .anonymous = SLK_PERM_READ},
                                  &w->diag),
              w->diag);
    info_for(w, slk_perms_upto(SLK_PERM_ADMIN));
    *state = w;
    return 0;
}

static int close_wallet(void **state)
{
    wallet_t *w = *state;
    slk_http_server_free(w->server, 0);
    slk_rpc_api_free(w->api);
    free(w);
    return 0;
}

/* --- Tests --------------------------------------------------------------------------------- */

static slk_remote_signer_t *connect_to(wallet_t *w)
{
    slk_remote_signer_t *remote;
    assert_ok(slk_remote_signer_new(&remote, w->info, &w->diag), w->diag);
    return remote;
}

static slk_err_t sign_text(slk_remote_signer_t *remote, const slk_key_t *key, slk_diag_t *diag)
{
    slk_key_sig_t sig;
    const slk_address_t address = slk_key_address(key);
    const slk_sign_request_t request = {.bytes = "text", .len = 4};
    return slk_signer_sign(slk_remote_signer(remote), &address, &request, &sig, diag);
}

static slk_err_t sign_message(slk_remote_signer_t *remote, const slk_key_t *key, slk_diag_t *diag)
{
    slk_key_sig_t sig;
    const slk_address_t address = slk_key_address(key);
    const slk_cid_t cid = slk_cid_of_cbor("message", 7);
    const slk_sign_request_t request = {.kind = SLK_SIGN_MESSAGE,
                                        .bytes = cid.b,
                                        .len = cid.len,
                                        .extra = "message",
                                        .extra_len = 7};
    return slk_signer_sign(slk_remote_signer(remote), &address, &request, &sig, diag);
}

static slk_err_t count_key(void *user, const slk_address_t *address)
{
    assert_true(slk_address_is_key(address));
    ++*(size_t *)user;
    return SLK_OK;
}

static void test_wallet(void **state)
{
    wallet_t *w = *state;
    for (int node = 0; node < 2; node++) {
        size_t cnt = 0;
        bool has;
        w->node = node;
        atomic_store(&w->calls, 0);
        slk_remote_signer_t *remote = connect_to(w);
        slk_signer_t signer = slk_remote_signer(remote);
        assert_ok(slk_signer_list(signer, count_key, &cnt, &w->diag), w->diag);
        assert_int_equal(cnt, 2);
        slk_key_t other;
        assert_ok(slk_key_generate(&other, SLK_KEY_BLS, &w->diag), w->diag);
        for (size_t i = 0; i < 2; i++) {
            const slk_address_t own = slk_key_address(&w->keys[i]);
            assert_ok(slk_signer_has(signer, &own, &has, &w->diag), w->diag);
            assert_true(has);
            assert_ok(sign_message(remote, &w->keys[i], &w->diag), w->diag);
            assert_ok(sign_text(remote, &w->keys[i], &w->diag), w->diag);
        }
        /* Only the first is tried with MsgMeta. */
        assert_int_equal(atomic_load(&w->calls), 4 + node);
        const slk_address_t address = slk_key_address(&other);
        assert_ok(slk_signer_has(signer, &address, &has, &w->diag), w->diag);
        assert_false(has);
        assert_err(SLK_ERR_NOTFOUND, sign_text(remote, &other, &w->diag));
        assert_non_null(strstr(w->diag.text, "key info not found"));
        assert_non_null(strstr(w->diag.text, slk_remote_signer_name(remote)));
        slk_remote_signer_free(remote);
    }
}

static void test_wrong(void **state)
{
    wallet_t *w = *state;
    slk_remote_signer_t *remote = connect_to(w);
    w->signs = w->keys[1];
    assert_err(SLK_ERR_MISMATCH, sign_message(remote, &w->keys[0], &w->diag));
    w->signs = w->keys[0];
    assert_err(SLK_ERR_MISMATCH, sign_message(remote, &w->keys[1], &w->diag));
    static const struct {
        const char *answer;
        slk_err_t err;
    } rows[] = {{"{\"Type\":2,\"Data\":\"AAAA\"}", SLK_ERR_MISMATCH},
                {"{\"Type\":2,\"Data\":null}", SLK_ERR_MISMATCH},
                {"{\"Type\":3,\"Data\":\"AAAA\"}", SLK_ERR_FORMAT},
                {"{\"Type\":9,\"Data\":\"AAAA\"}", SLK_ERR_FORMAT},
                {"{\"Type\":2,\"Data\":\"not base64\"}", SLK_ERR_FORMAT},
                {"null", SLK_ERR_FORMAT},
                {"[]", SLK_ERR_FORMAT},
                {"\"yes\"", SLK_ERR_FORMAT}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        w->answer = rows[i].answer;
        assert_err(rows[i].err, sign_message(remote, &w->keys[0], &w->diag));
        assert_non_null(strstr(w->diag.text, "signer"));
    }
    slk_remote_signer_free(remote);
}

static void test_rights(void **state)
{
    wallet_t *w = *state;
    info_for(w, slk_perms_upto(SLK_PERM_SIGN));
    slk_remote_signer_t *remote = connect_to(w);
    assert_err(SLK_ERR_PERM, sign_text(remote, &w->keys[0], &w->diag));
    assert_non_null(strstr(w->diag.text, "(need 'admin')"));
    slk_remote_signer_free(remote);
    info_for(w, SLK_PERM_ADMIN);
    w->info[3] ^= 1;
    remote = connect_to(w);
    assert_err(SLK_ERR_PERM, sign_text(remote, &w->keys[0], &w->diag));
    assert_non_null(strstr(w->diag.text, "does not accept the token"));
    slk_remote_signer_free(remote);
    static const char *const infos[] = {"", "x", "http://a:1,http://b:2"};
    for (size_t i = 0; i < SLK_COUNT(infos); i++)
        assert_int_not_equal(slk_remote_signer_new(&remote, infos[i], &w->diag), SLK_OK);
}

static void *stop_soon(void *ctx)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    slk_signer_stop(slk_remote_signer(ctx));
    return NULL;
}

static void test_trouble(void **state)
{
    wallet_t *w = *state;
    pthread_t thread;
    slk_remote_signer_t *remote = connect_to(w);
    atomic_store(&w->drop, 2);
    assert_ok(sign_message(remote, &w->keys[0], &w->diag), w->diag);
    atomic_store(&w->drop, 1000);
    assert_err(SLK_ERR_IO, sign_message(remote, &w->keys[0], &w->diag));
    assert_non_null(strstr(w->diag.text, "signer http://127.0.0.1:"));
    assert_true(atomic_load(&w->drop) <= 1000 - 5);
    atomic_store(&w->drop, 0);
    slk_remote_signer_free(remote);

    remote = connect_to(w);
    slk_remote_signer_limit(remote, 100);
    atomic_store(&w->delay_ms, 1000);
    assert_err(SLK_ERR_TIMEOUT, sign_message(remote, &w->keys[0], &w->diag));
    assert_non_null(strstr(w->diag.text, "signer http://127.0.0.1:"));
    slk_remote_signer_free(remote);

    /* Stopped while it waits for an answer, and in a pause. */
    for (int i = 0; i < 2; i++) {
        remote = connect_to(w);
        atomic_store(&w->delay_ms, i ? 0 : 1000);
        atomic_store(&w->drop, i ? 1000 : 0);
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, remote), 0);
        assert_err(SLK_ERR_CANCELLED, sign_message(remote, &w->keys[0], &w->diag));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_err(SLK_ERR_CANCELLED, sign_message(remote, &w->keys[0], &w->diag));
        slk_remote_signer_free(remote);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wallet, open_wallet, close_wallet),
        cmocka_unit_test_setup_teardown(test_wrong, open_wallet, close_wallet),
        cmocka_unit_test_setup_teardown(test_rights, open_wallet, close_wallet),
        cmocka_unit_test_setup_teardown(test_trouble, open_wallet, close_wallet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
