/* Parts of a worker by themselves: shares of CPUs, folders of jobs, sources of pieces. */
#include "test_util.h"

#include "base/file.h"
#include "net/http_server.h"
#include "worker/cores.h"
#include "worker/job_dir.h"
#include "worker/params.h"
#include "worker/piece_source.h"

#include <sys/stat.h>

static slk_diag_t diag;
static char dir[64];

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_rm_dir(dir);
    return 0;
}

/* --- CPUs --------------------------------------------------------------------------------------- */

static void test_cores(void **state)
{
    (void)state;
    static slk_cores_t cores;
    static slk_core_share_t a, b, c, d;
    assert_ok(slk_cores_init(&cores, NULL, &diag), diag);
    slk_cores_fini(&cores);
    assert_err(SLK_ERR_INPUT, slk_cores_init(&cores, "1000-", &diag));
    /* eight of them, whatever this machine has */
    memset(&cores, 0, sizeof cores);
    pthread_mutex_init(&cores.mutex, NULL);
    for (cores.cnt = 0; cores.cnt < 8; cores.cnt++)
        cores.cpu[cores.cnt] = (uint16_t)(cores.cnt < 4 ? cores.cnt : 12 + cores.cnt);
    slk_cores_take(&a, &cores, 3);
    assert_string_equal(a.text, "0-2");
    slk_cores_take(&b, &cores, 4);
    assert_string_equal(b.text, "3,16-18");
    slk_cores_give(&a, &cores);
    slk_cores_take(&c, &cores, 4);
    assert_string_equal(c.text, "0-2,19");
    slk_cores_take(&d, &cores, 2); /* nothing is left: with others */
    assert_string_equal(d.text, "0-1");
    slk_cores_take(&a, &cores, 0);
    assert_string_equal(a.text, "0-3,16-19");
    slk_cores_give(&a, &cores);
    slk_cores_give(&b, &cores);
    slk_cores_give(&c, &cores);
    slk_cores_give(&d, &cores);
    for (unsigned i = 0; i < cores.cnt; i++)
        assert_int_equal(cores.users[i], 0);
    slk_cores_fini(&cores);
}

/* --- Folders of jobs ------------------------------------------------------------------------------ */

static slk_bytes_t bytes_of(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

static void test_job_dir(void **state)
{
    (void)state;
    slk_job_dir_t job;
    slk_assignment_t a = {
        .id = 7, .lease = 3, .task = bytes_of("PC1"), .params = bytes_of("{\"a\":1}")};
    slk_assignment_t again;
    slk_job_end_t end = {.done = {.id = 7, .lease = 3, .result = bytes_of("{}")}}, read;
    slk_arena_t arena;
    uint64_t *ids;
    size_t cnt;
    bool found;
    char path[SLK_WORKER_PATH_MAX], url[64];
    slk_arena_init(&arena, 1 << 20);
    snprintf(path, sizeof path, "%s/jobs/12", dir); /* killed before its assignment was whole */
    assert_ok(slk_make_dirs(path, &diag), diag);
    snprintf(path, sizeof path, "%s/jobs/007", dir); /* none of ours */
    assert_ok(slk_make_dirs(path, &diag), diag);
    assert_ok(slk_job_dir(&job, dir, 7, &diag), diag);
    assert_ok(slk_job_dir_begin(&job, &a, &diag), diag);
    assert_ok(slk_job_dir_list(&ids, &cnt, dir, &diag), diag);
    assert_int_equal(cnt, 1);
    assert_int_equal(ids[0], 7);
    free(ids);
    snprintf(path, sizeof path, "%s/jobs/12", dir);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(slk_job_dir_load(&again, &job, &arena, &diag), diag);
    assert_int_equal(again.lease, 3);
    assert_int_equal(again.params.len, 7);
    assert_ok(slk_job_dir_load_end(&found, &read, &job, &arena, &diag), diag);
    assert_false(found);
    assert_ok(slk_job_dir_end(&job, &end, &diag), diag);
    assert_ok(slk_job_dir_load_end(&found, &read, &job, &arena, &diag), diag);
    assert_true(found && !read.failed);
    assert_int_equal(read.done.id, 7);
    assert_false(slk_job_dir_fetched(url, sizeof url, &job, "cache"));
    assert_ok(slk_job_dir_note_fetched(&job, "cache", "http://a/b", &diag), diag);
    assert_ok(slk_job_dir_note_fetched(&job, "sealed", "http://a/c", &diag), diag);
    assert_true(slk_job_dir_fetched(url, sizeof url, &job, "cache"));
    assert_string_equal(url, "http://a/b");
    /* damaged by somebody: named */
    slk_job_dir_file(path, &job, "result.json");
    assert_ok(slk_write_file(path, "{}", 2, &diag), diag);
    assert_err(SLK_ERR_FORMAT, slk_job_dir_load_end(&found, &read, &job, &arena, &diag));
    assert_non_null(strstr(diag.text, "result.json"));
    assert_ok(slk_job_dir_remove(&job, &diag), diag);
    assert_ok(slk_job_dir_remove(&job, &diag), diag);
    assert_int_equal(access(job.path, F_OK), -1);
    slk_arena_free(&arena);
}

/* --- Sources of pieces ---------------------------------------------------------------------------- */

#define DATA_LEN 100000u

static uint8_t data[DATA_LEN];
static unsigned asked, cut; /* requests; of how many the connection is lost half way */

/* What a store gives: ranges, or the whole alone below /whole. */
static void serve(slk_http_request_t *req, void *ctx)
{
    const char *rest = slk_http_rest(req), *range = slk_http_header(req, "Range");
    (void)ctx;
    asked++;
    if (!strcmp(rest, "moved")) {
        slk_http_reply(req, 302, NULL, "elsewhere", 9);
        slk_http_reply_header(req, "Location", slk_http_arg(req, "to"));
    } else if (!strcmp(rest, "whole"))
        slk_http_reply(req, 200, NULL, data, DATA_LEN);
    else if (!strcmp(rest, "data")) {
        uint64_t from = range ? strtoull(range + strlen("bytes="), NULL, 10) : 0;
        size_t len = cut ? (DATA_LEN - from) / 2 : DATA_LEN - from;
        char content[64];
        cut -= cut > 0;
        slk_http_reply(req, range ? 206 : 200, NULL, data + from, len);
        snprintf(content, sizeof content, "bytes %llu-%llu/%u", (unsigned long long)from,
                 (unsigned long long)(from + len - 1), DATA_LEN);
        slk_http_reply_header(req, "Content-Range", content);
    } else
        slk_http_reply(req, 404, NULL, "", 0);
}

static void check_file(const char *path)
{
    char *text;
    size_t len;
    assert_ok(slk_read_file(&text, &len, path, 1 << 20, &diag), diag);
    assert_int_equal(len, DATA_LEN);
    assert_memory_equal(text, data, len);
    free(text);
    unlink(path);
}

static void test_source(void **state)
{
    (void)state;
    slk_http_server_t *server;
    slk_http_client_t *client;
    slk_token_key_t key;
    char token[SLK_TOKEN_TEXT_MAX], url[128], path[128], moved[300];
    assert_ok(slk_token_key_new(&key, &diag), diag);
    slk_token_new(token, &key, slk_perms_upto(SLK_PERM_READ));
    slk_http_route_t route = {.methods = SLK_HTTP_GET,
                              .path = "/p/",
                              .prefix = true,
                              .need = SLK_PERM_READ,
                              .handler = serve};
    slk_http_route_t open = route;
    open.path = "/open/";
    open.need = 0;
    slk_http_route_t routes[] = {route, open};
    slk_http_server_opts_t opts = {.routes = routes, .route_cnt = 2, .key = &key};
    assert_ok(slk_http_server_new(&server, &opts, &diag), diag);
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    test_data(data, DATA_LEN, "piece");
    snprintf(path, sizeof path, "%s/piece", dir);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/p/data", slk_http_server_port(server));
    slk_piece_source_t source = {.url = url, .token = token, .len = DATA_LEN, .len_max = 1 << 20};
    assert_ok(slk_piece_fetch(path, &source, client, NULL, &diag), diag);
    /* all there: nobody is asked */
    asked = 0;
    assert_ok(slk_piece_fetch(path, &source, client, NULL, &diag), diag);
    assert_int_equal(asked, 0);
    check_file(path);
    /* in parts, from where an earlier call was */
    assert_ok(slk_write_file(path, data, 1000, &diag), diag);
    assert_ok(slk_piece_fetch(path, &source, client, NULL, &diag), diag);
    assert_int_equal(asked, 1);
    check_file(path);
    /* too short, without token, nothing there */
    cut = 1;
    assert_err(SLK_ERR_LENGTH, slk_piece_fetch(path, &source, client, NULL, &diag));
    assert_ok(slk_piece_fetch(path, &source, client, NULL, &diag), diag);
    check_file(path);
    source.token = NULL;
    assert_err(SLK_ERR_PERM, slk_piece_fetch(path, &source, client, NULL, &diag));
    assert_null(strstr(diag.text, token));
    source.token = token;
    strcpy(strrchr(url, '/'), "/none");
    assert_err(SLK_ERR_NOTFOUND, slk_piece_fetch(path, &source, client, NULL, &diag));
    /* longer than it may be */
    strcpy(strrchr(url, '/'), "/whole");
    source.len = DATA_LEN - 1;
    assert_err(SLK_ERR_LENGTH, slk_piece_fetch(path, &source, client, NULL, &diag));
    unlink(path);
    /* a source without parts begins anew; of unknown length */
    source.len = 0;
    assert_ok(slk_write_file(path, "rest of another", 15, &diag), diag);
    assert_ok(slk_piece_fetch(path, &source, client, NULL, &diag), diag);
    check_file(path);
    /* redirected: the token goes to where it was meant for */
    char open_url[128];
    snprintf(open_url, sizeof open_url, "http://127.0.0.1:%u", slk_http_server_port(server));
    strcpy(strrchr(url, '/'), "/data");
    snprintf(moved, sizeof moved, "%s/open/moved?to=%s", open_url, url);
    slk_piece_source_t by_market = {
        .url = moved, .market = token, .len = DATA_LEN, .len_max = DATA_LEN};
    assert_ok(slk_piece_fetch(path, &by_market, client, NULL, &diag), diag);
    check_file(path);
    by_market.market = NULL;
    assert_err(SLK_ERR_PERM, slk_piece_fetch(path, &by_market, client, NULL, &diag));
    slk_http_client_free(client);
    slk_http_server_free(server, 100);
}

/* --- Parameters ----------------------------------------------------------------------------------- */

static void test_params(void **state)
{
    (void)state;
    assert_int_equal(slk_unpadded(2048), 2032);
    assert_int_equal(slk_padded(2032), 2048);
    assert_int_equal(slk_padded(2031), 0);
    assert_int_equal(slk_padded(127 * 3), 0);
    slk_piece_t piece;
    json_t *row = json_pack("{si,ss}", "Size", 2048, "PieceCID", "bafy");
    assert_err(SLK_ERR_INPUT, slk_param_piece(&piece, row, &diag));
    json_object_set_new(row, "Size", json_integer(2047));
    assert_err(SLK_ERR_INPUT, slk_param_piece(&piece, row, &diag));
    json_decref(row);
    slk_node_t node = test_bytes32("a node"), again;
    row = json_pack("{so}", "n", slk_json_of_node(&node));
    assert_ok(slk_output_node(&again, row, "n", &diag), diag);
    assert_memory_equal(&node, &again, sizeof node);
    json_array_set_new(json_object_get(row, "n"), 3, json_integer(256));
    assert_err(SLK_ERR_FORMAT, slk_output_node(&again, row, "n", &diag));
    assert_err(SLK_ERR_INPUT, slk_param_node(&again, row, "n", &diag));
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cores),
        cmocka_unit_test_setup_teardown(test_job_dir, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source, setup, teardown),
        cmocka_unit_test(test_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
