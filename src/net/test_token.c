#include "test_util.h"

#include "net/base64url.h"
#include "net/token.h"

#include <openssl/hmac.h>
#include <pthread.h>
#include <sys/stat.h>

static slk_diag_t diag;

static slk_token_key_t fixed_key(void)
{
    slk_token_key_t key = {.len = 32};
    memset(key.bytes, 7, 32);
    return key;
}

/* Made with Python's hmac and base64 over the same header and payload. */
static void test_known_answer(void **state)
{
    (void)state;
    slk_token_key_t key = fixed_key();
    char text[SLK_TOKEN_TEXT_MAX];
    slk_token_new(text, &key, slk_perms_upto(SLK_PERM_SIGN));
    assert_string_equal(text, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                              "eyJBbGxvdyI6WyJyZWFkIiwid3JpdGUiLCJzaWduIl19."
                              "lwO7lnWoZeyUAgklhmjp5OSramuvUlCS0cEh9rQc1Yk");
}

static void test_round_trip(void **state)
{
    (void)state;
    slk_token_key_t key;
    assert_ok(slk_token_key_new(&key, &diag), diag);
    for (slk_perms_t perms = 0; perms < 32; perms++) {
        char text[SLK_TOKEN_TEXT_MAX];
        slk_perms_t got;
        slk_token_new(text, &key, perms);
        assert_ok(slk_token_verify(&got, &key, text, strlen(text), &diag), diag);
        assert_int_equal(got, perms);
    }
    assert_int_equal(slk_perms_upto(SLK_PERM_ADMIN), 15);
    assert_int_equal(slk_perms_upto(SLK_PERM_READ), 1);
    assert_int_equal(slk_perms_upto(SLK_PERM_NONE), 0);
    assert_string_equal(slk_perm_name(SLK_PERM_WRITE), "write");
    assert_int_equal(slk_perm_from_name("admin"), SLK_PERM_ADMIN);
    assert_int_equal(slk_perm_from_name("root"), SLK_PERM_NONE);
    assert_int_equal(slk_perms_upto(SLK_PERM_WORKER), SLK_PERM_WORKER);
    assert_int_equal(slk_perm_from_name("worker"), SLK_PERM_WORKER);
}

static void expect_refused(const slk_token_key_t *key, const char *text, const char *why)
{
    slk_perms_t perms = 99;
    assert_err(SLK_ERR_PERM, slk_token_verify(&perms, key, text, strlen(text), &diag));
    assert_int_equal(perms, 0);
    assert_string_equal(diag.text, why);
}

/* Sign whatever header and payload. */
static void forge(char *out, const slk_token_key_t *key, const char *header, const char *payload)
{
    unsigned char mac[32];
    slk_base64url_encode(out, header, strlen(header));
    strcat(out, ".");
    slk_base64url_encode(out + strlen(out), payload, strlen(payload));
    HMAC(EVP_sha256(), key->bytes, (int)key->len, (unsigned char *)out, strlen(out), mac, NULL);
    strcat(out, ".");
    slk_base64url_encode(out + strlen(out), mac, 32);
}

static void test_claims(void **state)
{
    (void)state;
    slk_token_key_t key = fixed_key();
    slk_token_claims_t claims = {.perms = SLK_PERM_WORKER, .id = "0a-Z"}, got;
    char text[SLK_TOKEN_TEXT_MAX];
    /* The longest name, of characters that take most room in JSON. */
    for (size_t i = 0; i + 4 < SLK_TOKEN_NAME_MAX; i += 4)
        strcat(claims.name, "\xf0\x9f\xa6\xad");
    assert_ok(slk_token_sign(text, &key, &claims, &diag), diag);
    assert_ok(slk_token_read(&got, &key, text, strlen(text), &diag), diag);
    assert_int_equal(got.perms, SLK_PERM_WORKER);
    assert_string_equal(got.id, "0a-Z");
    assert_string_equal(got.name, claims.name);
    strcpy(claims.name, "quo\"te \\");
    assert_ok(slk_token_sign(text, &key, &claims, &diag), diag);
    assert_ok(slk_token_read(&got, &key, text, strlen(text), &diag), diag);
    assert_string_equal(got.name, claims.name);
    /* Names that are none, ids that are none. */
    strcpy(claims.name, "\xff");
    assert_err(SLK_ERR_INPUT, slk_token_sign(text, &key, &claims, &diag));
    memset(claims.name, 1, SLK_TOKEN_NAME_MAX - 1);
    assert_err(SLK_ERR_INPUT, slk_token_sign(text, &key, &claims, &diag));
    claims = (slk_token_claims_t){.perms = 1, .name = "x"};
    assert_err(SLK_ERR_INPUT, slk_token_sign(text, &key, &claims, &diag));
    strcpy(claims.id, "a b");
    assert_err(SLK_ERR_INPUT, slk_token_sign(text, &key, &claims, &diag));
    /* One of Lotus has none. */
    slk_token_new(text, &key, SLK_PERM_READ);
    assert_ok(slk_token_read(&got, &key, text, strlen(text), &diag), diag);
    assert_string_equal(got.id, "");
    static const char *const payloads[] = {
        "{\"Allow\":[\"admin\"],\"ID\":7}", "{\"Allow\":[\"admin\"],\"ID\":\"a\\\"b\"}",
        "{\"Allow\":[\"admin\"],\"ID\":\"0123456789012345678901234567890123456789\"}",
        "{\"Allow\":[\"admin\"],\"Name\":null}"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        forge(text, &key, "{\"alg\":\"HS256\"}", payloads[i]);
        assert_err(SLK_ERR_PERM, slk_token_read(&got, &key, text, strlen(text), &diag));
        assert_int_equal(got.perms, 0);
    }
}

static void test_bad_tokens(void **state)
{
    (void)state;
    static const char malformed[] = "jwt: malformed token";
    static const char unverified[] = "jwt: HMAC verification failed";
    slk_token_key_t key = fixed_key(), other = fixed_key();
    other.bytes[31] ^= 1;
    char good[SLK_TOKEN_TEXT_MAX], text[SLK_TOKEN_TEXT_MAX];
    slk_token_new(good, &key, SLK_PERM_READ);
    expect_refused(&other, good, unverified);
    static const char *const texts[] = {"", "abc", ".", "..", "a.b", "a.b.c", "....", "e30.e30."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_refused(&key, texts[i], malformed);
    /* Each single character changed, cut off, or added. */
    for (size_t i = 0; i < strlen(good); i++) {
        slk_perms_t perms;
        strcpy(text, good);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_err(SLK_ERR_PERM, slk_token_verify(&perms, &key, text, strlen(text), &diag));
        assert_err(SLK_ERR_PERM, slk_token_verify(&perms, &key, good, i, &diag));
    }
    strcat(strcpy(text, good), "=");
    expect_refused(&key, text, malformed);
    forge(text, &key, "{\"alg\":\"none\"}", "{\"Allow\":[\"admin\"]}");
    expect_refused(&key, text, malformed);
    forge(text, &key, "{\"alg\":\"HS256\"}", "{\"allow\":[\"admin\"]}");
    expect_refused(&key, text, malformed);
    forge(text, &key, "{\"alg\":\"HS256\"}", "[\"admin\"]");
    expect_refused(&key, text, malformed);
    forge(text, &key, "{\"alg\":\"HS256\"}", "{\"Allow\":[\"read\",5,\"root\",\"sign\"]}");
    slk_perms_t perms;
    assert_ok(slk_token_verify(&perms, &key, text, strlen(text), &diag), diag);
    assert_int_equal(perms, SLK_PERM_READ | SLK_PERM_SIGN);
}

typedef struct {
    char path[128];
    slk_token_key_t key;
    slk_err_t err;
} loader_t;

static void *load(void *ctx)
{
    loader_t *l = ctx;
    l->err = slk_token_key_load(&l->key, l->path, NULL);
    return NULL;
}

static void test_key_file(void **state)
{
    (void)state;
    char dir[64], path[128];
    test_tmp_dir(dir);
    snprintf(path, sizeof path, "%s/jwt", dir);
    loader_t loaders[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        loaders[i] = (loader_t){.err = SLK_ERR_IO};
        strcpy(loaders[i].path, path);
        assert_int_equal(pthread_create(&threads[i], NULL, load, &loaders[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(loaders[i].err, SLK_OK);
        assert_int_equal(loaders[i].key.len, 32);
        assert_memory_equal(loaders[i].key.bytes, loaders[0].key.bytes, 32);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* What a Lotus keystore holds. */
    static const char lotus[] = "{\"Type\":\"jwt-hmac-secret\",\"PrivateKey\":"
                                "\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"}";
    slk_token_key_t key, want = fixed_key();
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(lotus, f);
    fclose(f);
    assert_ok(slk_token_key_load(&key, path, &diag), diag);
    assert_int_equal(key.len, 32);
    assert_memory_equal(key.bytes, want.bytes, 32);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"Type\":\"jwt-hmac-secret\",\"PrivateKey\":\"c2hvcnQ=\"}", f);
    fclose(f);
    assert_err(SLK_ERR_FORMAT, slk_token_key_load(&key, path, &diag));
    assert_null(strstr(diag.text, "c2hvcnQ"));
    test_rm_dir(dir);
}

static void test_base64url(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        /* RFC 4648 section 10, without padding */
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len;
        slk_base64url_encode(text, rows[i].bytes, strlen(rows[i].bytes));
        assert_string_equal(text, rows[i].text);
        assert_int_equal(strlen(text), SLK_BASE64URL_LEN(strlen(rows[i].bytes)));
        assert_true(slk_base64url_decode(bytes, strlen(rows[i].bytes), &len, text, strlen(text)));
        assert_int_equal(len, strlen(rows[i].bytes));
        assert_memory_equal(bytes, rows[i].bytes, len);
    }
    uint8_t bytes[16];
    size_t len;
    assert_false(slk_base64url_decode(bytes, 16, &len, "Z", 1));
    assert_false(slk_base64url_decode(bytes, 16, &len, "Zh", 2)); /* bits behind the last byte */
    assert_false(slk_base64url_decode(bytes, 16, &len, "Zg==", 4));
    assert_false(slk_base64url_decode(bytes, 16, &len, "+/8", 3));
    assert_false(slk_base64url_decode(bytes, 2, &len, "Zm9v", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_tokens),   cmocka_unit_test(test_key_file),
        cmocka_unit_test(test_base64url),    cmocka_unit_test(test_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
