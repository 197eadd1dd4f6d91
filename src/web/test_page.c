#include "net/test_raw.h"

#include "web/page.h"

static slk_diag_t diag;

static int setup(void **state)
{
    static slk_http_server_t *server;
    static slk_token_key_t key;
    const slk_http_route_t routes[] = {slk_web_route()};
    const slk_http_server_opts_t opts = {.routes = routes, .route_cnt = 1, .key = &key};
    assert_ok(slk_token_key_new(&key, &diag), diag);
    assert_ok(slk_http_server_new(&server, &opts, &diag), diag);
    *state = server;
    return 0;
}

static int teardown(void **state)
{
    slk_http_server_free(*state, 1000);
    return 0;
}

static raw_answer_t ask(slk_http_server_t *server, const char *method, const char *path)
{
    raw_answer_t answer;
    char request[128];
    int fd = raw_connect(slk_http_server_port(server));
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    assert_true(raw_text(fd, request));
    assert_true(raw_read(fd, &answer, !strcmp(method, "HEAD")));
    close(fd);
    return answer;
}

/* It is there without a token, and only at "/". */
static void is_open(void **state)
{
    char type[64];
    raw_answer_t page = ask(*state, "GET", "/"), head = ask(*state, "HEAD", "/"),
                 other = ask(*state, "GET", "/index.html");
    assert_int_equal(page.status, 200);
    assert_int_equal(head.status, 200);
    assert_int_equal(other.status, 404);
    assert_true(raw_header(&page, "Content-Type", type, sizeof type));
    assert_string_equal(type, "text/html; charset=utf-8");
    assert_int_equal(memcmp(page.body, "<!doctype html>", 15), 0);
    free(page.body);
    free(head.body);
    free(other.body);
}

/* The browser is told to load nothing and to call nobody but this server. */
static void has_policy(void **state)
{
    static const char *const methods[] = {"GET", "HEAD"};
    for (size_t i = 0; i < 2; i++) {
        char policy[512], value[64];
        raw_answer_t page = ask(*state, methods[i], "/");
        assert_true(raw_header(&page, "Content-Security-Policy", policy, sizeof policy));
        assert_int_equal(strncmp(policy, "default-src 'none';", 19), 0);
        assert_non_null(strstr(policy, "connect-src 'self'"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_null(strstr(policy, "http"));
        assert_null(strchr(policy, '*'));
        assert_true(raw_header(&page, "X-Content-Type-Options", value, sizeof value));
        assert_string_equal(value, "nosniff");
        assert_true(raw_header(&page, "Referrer-Policy", value, sizeof value));
        assert_string_equal(value, "no-referrer");
        free(page.body);
    }
}

/* Nothing in it comes from elsewhere, and nothing that a server says can become markup. */
static void is_complete(void **state)
{
    static const char *const unwanted[] = {
        "http://",        "https://",       "src=",      "href=",        "@import",
        "url(",           "innerHTML",      "outerHTML", "eval(",        "insertAdjacentHTML",
        "document.write", "XMLHttpRequest", "WebSocket", "localStorage",
    };
    raw_answer_t page = ask(*state, "GET", "/");
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        if (strstr(page.body, unwanted[i]))
            fail_msg("the page has %s", unwanted[i]);
    assert_non_null(strstr(page.body, "fetch('/rpc/v0'"));
    free(page.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_open),
        cmocka_unit_test(has_policy),
        cmocka_unit_test(is_complete),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
