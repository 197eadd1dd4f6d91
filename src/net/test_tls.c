#include "net/test_raw.h"

#include "net/jsonrpc_client.h"
#include "net/jsonrpc_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

static slk_diag_t diag;

typedef struct {
    slk_http_server_t *server;
    slk_rpc_api_t *api;
    char dir[64], cert[96], key[96], other[96];
} fixture_t;

/* A certificate that signs itself, for 127.0.0.1. */
static void make_certificate(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_true(key && cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cert_path, -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    assert_true(alt && X509_add_ext(cert, alt, -1));
    X509_EXTENSION_free(alt);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *out = fopen(cert_path, "w");
    assert_true(out && PEM_write_X509(out, cert));
    fclose(out);
    if (key_path) {
        out = fopen(key_path, "w");
        assert_true(out && PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
        fclose(out);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void echo(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_answer(call, json_incref(slk_rpc_param(call, 0)));
}

static void three(slk_rpc_call_t *call, void *ctx)
{
    (void)ctx;
    slk_rpc_channel_t *channel = slk_rpc_channel_open(call, NULL, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(slk_rpc_channel_send(channel, "\"v\"", 3));
    slk_rpc_channel_close(channel);
}

static const slk_rpc_method_t methods[] = {
    {"Test.Echo", SLK_PERM_READ, 1, 1, 0, echo},
    {"Test.Three", SLK_PERM_READ, 0, 0, SLK_RPC_CHANNEL, three},
};

static int setup(void **state)
{
    static fixture_t f;
    test_tmp_dir(f.dir);
    snprintf(f.cert, sizeof f.cert, "%s/cert.pem", f.dir);
    snprintf(f.key, sizeof f.key, "%s/key.pem", f.dir);
    snprintf(f.other, sizeof f.other, "%s/other.pem", f.dir);
    make_certificate(f.cert, f.key);
    make_certificate(f.other, NULL);
    const slk_rpc_api_opts_t api = {.methods = methods, .method_cnt = 2};
    assert_ok(slk_rpc_api_new(&f.api, &api, &diag), diag);
    const slk_http_route_t route = slk_rpc_route("/rpc/v1", f.api);
    slk_http_server_opts_t opts = {.routes = &route,
                                   .route_cnt = 1,
                                   .tls_cert = f.cert,
                                   .tls_key = f.other,
                                   .request_s = 1,
                                   .anonymous = SLK_PERM_READ};
    assert_err(SLK_ERR_INPUT, slk_http_server_new(&f.server, &opts, &diag)); /* no key in there */
    opts.tls_key = NULL;
    assert_err(SLK_ERR_INPUT, slk_http_server_new(&f.server, &opts, &diag));
    opts.tls_key = f.key;
    assert_ok(slk_http_server_new(&f.server, &opts, &diag), diag);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    slk_http_server_free(f->server, 500);
    slk_rpc_api_free(f->api);
    test_rm_dir(f->dir);
    return 0;
}

static slk_err_t call_http(fixture_t *f, const char *ca, bool insecure, slk_http_outcome_t *outcome)
{
    slk_http_client_t *client;
    slk_rpc_answer_t a;
    char url[64];
    slk_diag_t why;
    const slk_http_client_opts_t opts = {
        .ca_file = ca, .insecure_tls = insecure, .total_ms = 20000};
    snprintf(url, sizeof url, "https://127.0.0.1:%u/rpc/v1", slk_http_server_port(f->server));
    assert_ok(slk_http_client_new(&client, &opts, &why), why);
    const slk_rpc_http_call_t call = {
        .url = url, .method = "Test.Echo", .params = "[5]", .repeatable = true};
    slk_err_t err = SLK_OK;
    for (int i = 0; i < 3 && err == SLK_OK; i++) {
        err = slk_rpc_http(client, &call, &a, &why);
        *outcome = a.outcome;
        if (err == SLK_OK)
            assert_int_equal(json_integer_value(a.result), 5);
        slk_rpc_answer_free(&a);
    }
    slk_http_client_free(client);
    return err;
}

static void test_https(void **state)
{
    fixture_t *f = *state;
    slk_http_outcome_t outcome;
    assert_int_equal(call_http(f, f->cert, false, &outcome), SLK_OK);
    assert_int_equal(outcome, SLK_HTTP_ANSWERED);
    assert_err(SLK_ERR_IO, call_http(f, NULL, false, &outcome));
    assert_int_equal(outcome, SLK_HTTP_NOT_SENT);
    assert_err(SLK_ERR_IO, call_http(f, f->other, false, &outcome));
    assert_int_equal(outcome, SLK_HTTP_NOT_SENT);
    assert_int_equal(call_http(f, NULL, true, &outcome), SLK_OK);
}

static void test_wss(void **state)
{
    fixture_t *f = *state;
    slk_rpc_ws_t *ws;
    slk_rpc_answer_t a;
    slk_rpc_sub_t *sub;
    json_t *value;
    char url[64];
    snprintf(url, sizeof url, "wss://127.0.0.1:%u/rpc/v1", slk_http_server_port(f->server));
    slk_rpc_ws_opts_t opts = {.url = url, .ca_file = f->other};
    assert_ok(slk_rpc_ws_new(&ws, &opts, &diag), diag);
    assert_err(SLK_ERR_TIMEOUT, slk_rpc_ws_wait(ws, 500, NULL, &diag));
    assert_non_null(strstr(diag.text, "certificate"));
    slk_rpc_ws_free(ws);
    opts.ca_file = f->cert;
    assert_ok(slk_rpc_ws_new(&ws, &opts, &diag), diag);
    /* Longer than what one TLS record, one socket buffer, one read holds. */
    const size_t len = (size_t)4 << 20;
    char *params = malloc(len + 8);
    assert_non_null(params);
    memset(params, 'p', len + 8);
    memcpy(params, "[\"", 2);
    memcpy(params + len, "\"]", 3);
    assert_ok(slk_rpc_ws_call(ws, "Test.Echo", params, 20000, NULL, &a, &diag), diag);
    assert_int_equal(json_string_length(a.result), len - 2);
    slk_rpc_answer_free(&a);
    free(params);
    assert_ok(slk_rpc_ws_subscribe(&sub, ws, "Test.Three", NULL, 20000, NULL, &a, &diag), diag);
    slk_rpc_answer_free(&a);
    for (int i = 0; i < 3; i++) {
        assert_ok(slk_rpc_sub_next(sub, &value, 20000, NULL, &diag), diag);
        json_decref(value);
    }
    assert_err(SLK_ERR_STATE, slk_rpc_sub_next(sub, &value, 20000, NULL, &diag));
    slk_rpc_sub_free(sub);
    slk_rpc_ws_free(ws);
}

/* What is no TLS, what says nothing, what leaves in the midst. */
static void test_bad_clients(void **state)
{
    fixture_t *f = *state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01";
    uint16_t port = slk_http_server_port(f->server);
    slk_http_outcome_t outcome;
    int garbage = raw_connect(port), quiet = raw_connect(port), half = raw_connect(port);
    assert_true(raw_text(garbage, "GET /rpc/v1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(raw_send(half, hello, sizeof hello - 1));
    shutdown(half, SHUT_WR);
    assert_true(raw_wait_close(garbage));
    assert_true(raw_wait_close(half));
    assert_true(raw_wait_close(quiet));
    close(garbage);
    close(half);
    close(quiet);
    assert_int_equal(call_http(f, f->cert, false, &outcome), SLK_OK);
}

static void *call_in_thread(void *ctx)
{
    slk_http_outcome_t outcome;
    return (void *)(intptr_t)call_http(ctx, ((fixture_t *)ctx)->cert, false, &outcome);
}

static void test_many_clients(void **state)
{
    pthread_t ids[16];
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, call_in_thread, *state), 0);
    for (int i = 0; i < 16; i++) {
        void *err;
        pthread_join(ids[i], &err);
        assert_int_equal((intptr_t)err, SLK_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_https),
        cmocka_unit_test(test_wss),
        cmocka_unit_test(test_bad_clients),
        cmocka_unit_test(test_many_clients),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
