#include "test_util.h"

#include "net/api_info.h"

static slk_diag_t diag;

typedef struct {
    const char *text, *token, *url, *ws, *again; /* again: NULL as text */
} good_t;

static void test_forms(void **state)
{
    (void)state;
    static const good_t rows[] = {
        {"T.a-b_c:/ip4/127.0.0.1/tcp/1234/http", "T.a-b_c", "http://127.0.0.1:1234/rpc/v1",
         "ws://127.0.0.1:1234/rpc/v1", NULL},
        {"/ip4/127.0.0.1/tcp/1234", "", "http://127.0.0.1:1234/rpc/v1",
         "ws://127.0.0.1:1234/rpc/v1", "/ip4/127.0.0.1/tcp/1234/http"},
        {"t:/dns4/node.example/tcp/443/wss", "t", "https://node.example:443/rpc/v1",
         "wss://node.example:443/rpc/v1", "t:/dns/node.example/tcp/443/https"},
        {"/dns/a/tcp/1/ws", "", "http://a:1/rpc/v1", "ws://a:1/rpc/v1", "/dns/a/tcp/1/http"},
        {"t:/ip6/::1/tcp/1234/http", "t", "http://[::1]:1234/rpc/v1", "ws://[::1]:1234/rpc/v1",
         NULL},
        {"t:http://host:99", "t", "http://host:99/rpc/v1", "ws://host:99/rpc/v1", NULL},
        {"http://host:99", "", "http://host:99/rpc/v1", "ws://host:99/rpc/v1", NULL},
        {"https://api.example", "", "https://api.example:443/rpc/v1",
         "wss://api.example:443/rpc/v1", "https://api.example:443"},
        {"ws://[2001:db8::1]:5", "", "http://[2001:db8::1]:5/rpc/v1", "ws://[2001:db8::1]:5/rpc/v1",
         "http://[2001:db8::1]:5"},
        {"t:https://api.example/lotus/", "t", "https://api.example:443/lotus/rpc/v1",
         "wss://api.example:443/lotus/rpc/v1", "t:https://api.example:443/lotus"},
        {"https://api.example/rpc/v0", "", "https://api.example:443/rpc/v1",
         "wss://api.example:443/rpc/v1", "https://api.example:443/rpc/v0"},
        {"  t:http://host:1/x ", "t", "http://host:1/x/rpc/v1", "ws://host:1/x/rpc/v1",
         "t:http://host:1/x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        slk_api_info_t infos[SLK_API_INFO_MAX], again[SLK_API_INFO_MAX];
        size_t cnt;
        char url[SLK_API_URL_MAX], text[2048];
        assert_ok(slk_api_info_parse(infos, &cnt, rows[i].text, &diag), diag);
        assert_int_equal(cnt, 1);
        assert_string_equal(infos[0].token, rows[i].token);
        slk_api_info_url(url, &infos[0], false, "v1");
        assert_string_equal(url, rows[i].url);
        slk_api_info_url(url, &infos[0], true, "v1");
        assert_string_equal(url, rows[i].ws);
        assert_ok(slk_api_info_write(text, sizeof text, &infos[0], &diag), diag);
        assert_string_equal(text, rows[i].again ? rows[i].again : rows[i].text);
        assert_ok(slk_api_info_parse(again, &cnt, text, &diag), diag);
        assert_memory_equal(&again[0], &infos[0], sizeof again[0]);
    }
}

static void test_list(void **state)
{
    (void)state;
    slk_api_info_t infos[SLK_API_INFO_MAX];
    size_t cnt;
    char name[SLK_API_URL_MAX];
    assert_ok(
        slk_api_info_parse(infos, &cnt, "a:/ip4/10.0.0.1/tcp/1,b:http://h:2,http://i:3", &diag),
        diag);
    assert_int_equal(cnt, 3);
    assert_string_equal(infos[1].token, "b");
    slk_api_info_name(name, &infos[2]);
    assert_string_equal(name, "http://i:3");
    char many[512] = "http://h";
    for (int i = 1; i < SLK_API_INFO_MAX; i++)
        strcat(many, ",http://h");
    assert_ok(slk_api_info_parse(infos, &cnt, many, &diag), diag);
    assert_int_equal(cnt, SLK_API_INFO_MAX);
    strcat(many, ",http://h");
    assert_err(SLK_ERR_LENGTH, slk_api_info_parse(infos, &cnt, many, &diag));
    assert_int_equal(cnt, 0);
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "token",
                                        "token:",
                                        "SECRET:/ip4",
                                        "SECRET:/ip4/127.0.0.1",
                                        "SECRET:/ip4/1.2.3/tcp/1",
                                        "SECRET:/ip4/127.0.0.1/udp/1",
                                        "SECRET:/ip4/127.0.0.1/tcp/0",
                                        "SECRET:/ip4/1.2.3.4/tcp/65536",
                                        "SECRET:/ip4/1.2.3.4/tcp/1/quic",
                                        "SECRET:/ip4/1.2.3.4/tcp/1/http/x",
                                        "SECRET:/ip6/zz/tcp/1",
                                        "SECRET:/onion/x/tcp/1",
                                        "SECRET:ftp://host",
                                        "SECRET:http://",
                                        "SECRET:http://host:",
                                        "SECRET:http://host:0",
                                        "SECRET:http://host:x",
                                        "SECRET:http://[::1",
                                        "SECRET:http://[::1]x",
                                        "SECRET:http://user@host",
                                        "SECRET:http://host/a?b=c",
                                        "SECRET:http://host/a b",
                                        "SECRET x:http://host",
                                        "http://a,,http://b",
                                        ",",
                                        "SECRET:/dns/a%b/tcp/1",
                                        "SECRET:http://ho\nst"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        slk_api_info_t infos[SLK_API_INFO_MAX];
        size_t cnt = 9;
        if (slk_api_info_parse(infos, &cnt, texts[i], &diag) != SLK_ERR_FORMAT)
            fail_msg("accepted: '%s'", texts[i]);
        assert_int_equal(cnt, 0);
        assert_non_null(strstr(diag.text, "node "));
        assert_null(strstr(diag.text, "SECRET"));
    }
}

static void test_listen(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {{"127.0.0.1:1234", "127.0.0.1", 1234},
                {"[::1]:0", "::1", 0},
                {":65535", "", 65535},
                {"host.lan:80", "host.lan", 80}};
    static const char *const bad[] = {
        "", "127.0.0.1", "127.0.0.1:", "a:65536", "a:1x", "a-host-that-is-longer-than-its-room:1"};
    char host[16];
    uint16_t port;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(slk_listen_parse(good[i].text, host, sizeof host, &port));
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(slk_listen_parse(bad[i], host, sizeof host, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
