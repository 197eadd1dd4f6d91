/* The routes of /remote, digests, archives. */
#include "storage/test_nodes.h"

#include "base/assert.h"
#include "storage/digest.h"
#include "storage/remote_path.h"

#include <fcntl.h>

static char dir[64];
static node_t node;
static slk_http_client_t *client;

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    node_start(&node, dir, "node", 5000);
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    slk_http_client_free(client);
    node_stop(&node);
    test_rm_dir(dir);
    return 0;
}

static slk_http_answer_t ask(const char *method, const char *rest, const char *token,
                             const char *header)
{
    slk_http_answer_t answer = {0};
    const char *const headers[] = {header, NULL};
    const slk_http_call_t call = {
        .method = method, .url = node_url(&node, rest), .token = token, .headers = headers};
    assert_ok(slk_http_do(client, &call, &answer, &diag), diag);
    return answer;
}

static int status_of(const char *method, const char *rest)
{
    slk_http_answer_t answer = ask(method, rest, node_token, NULL);
    int status = answer.status;
    slk_http_answer_free(&answer);
    return status;
}

static void test_paths(void **state)
{
    static const char *const bad[] = {
        "",
        "/",
        "sealed",
        "sealed/",
        "sealed/x",
        "stat",
        "stat/",
        "stat/a/b",
        "stat/..",
        "sealed/s-t01000-1/",
        "key/s-t01-1",
        "sealed/s-t01000-1/p_aux",
        "cache/s-t01000-1/",
        "cache/s-t01000-1/..",
        "cache/s-t01000-1/.hidden",
        "cache/s-t01000-1/a/b",
        "cache/../s-t01000-1",
        "cache//s-t01000-1",
        "/cache/s-t01000-1",
        "cache/s-t01000-1/a b",
        "cache/s-t01000-1/a\\b",
        "CACHE/s-t01000-1",
    };
    slk_remote_path_t path;
    (void)state;
    assert_int_equal(slk_remote_path_parse(&path, "update-cache/s-t01000-7/p_aux"),
                     SLK_REMOTE_FILE);
    assert_true(path.type == SLK_FT_UPDATE_CACHE && path.sector.number == 7);
    assert_string_equal(path.file, "p_aux");
    assert_int_equal(slk_remote_path_parse(&path, "sealed/s-t01000-7"), SLK_REMOTE_SECTOR);
    assert_int_equal(slk_remote_path_parse(&path, "stat/1b2d-3"), SLK_REMOTE_STAT);
    assert_string_equal(path.id, "1b2d-3");
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        if (slk_remote_path_parse(&path, bad[i]) != SLK_REMOTE_BAD)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_rights(void **state)
{
    char reader[SLK_TOKEN_TEXT_MAX];
    (void)state;
    put_file(fmt("%s/sealed/s-t01000-1", node.root), 1000, "s");
    slk_token_new(reader, &node_key, slk_perms_upto(SLK_PERM_SIGN));
    static const char *const methods[] = {"GET", "HEAD", "DELETE"};
    for (size_t i = 0; i < SLK_COUNT(methods); i++) {
        slk_http_answer_t a = ask(methods[i], "sealed/s-t01000-1", NULL, NULL);
        assert_int_equal(a.status, 401);
        slk_http_answer_free(&a);
        a = ask(methods[i], "sealed/s-t01000-1", reader, NULL);
        assert_int_equal(a.status, 403);
        slk_http_answer_free(&a);
        a = ask(methods[i], "sealed/s-t01000-1", "rubbish", NULL);
        assert_true(a.status == 401 || a.status == 403);
        slk_http_answer_free(&a);
    }
    assert_int_equal(node.requests, 0);
    assert_true(exists(fmt("%s/sealed/s-t01000-1", node.root)));
    assert_int_equal(status_of("POST", "sealed/s-t01000-1"), 405);
}

static void test_get(void **state)
{
    uint8_t want[5000];
    (void)state;
    put_file(fmt("%s/sealed/s-t01000-1", node.root), 5000, "s");
    put_cache(node.root, "s-t01000-1");
    test_bytes(want, sizeof want, "s");
    slk_http_answer_t a = ask("GET", "sealed/s-t01000-1", node_token, NULL);
    assert_true(a.status == 200 && a.body_len == 5000 && !memcmp(a.body, want, 5000));
    slk_http_answer_free(&a);
    a = ask("GET", "sealed/s-t01000-1", node_token, "Range: bytes=4000-");
    assert_true(a.status == 206 && a.body_len == 1000 && !memcmp(a.body, want + 4000, 1000));
    slk_http_answer_free(&a);
    test_bytes(want, 64, "p_aux");
    a = ask("GET", "cache/s-t01000-1/p_aux", node_token, NULL);
    assert_true(a.status == 200 && a.body_len == 64 && !memcmp(a.body, want, 64));
    slk_http_answer_free(&a);
    a = ask("GET", "cache/s-t01000-1", node_token, "Range: bytes=5-");
    assert_int_equal(a.status, 416);
    slk_http_answer_free(&a);
    assert_int_equal(status_of("GET", "sealed/s-t01000-2"), 404);
    assert_int_equal(status_of("GET", "cache/s-t01000-1/nothing"), 404);
    assert_int_equal(status_of("HEAD", "sealed/s-t01000-1"), 200);
    a = ask("GET", fmt("stat/%s", node.id), node_token, NULL);
    assert_int_equal(a.status, 200);
    json_t *json = json_loads(a.body, 0, NULL);
    assert_int_equal(json_object_size(json), 6);
    assert_true(json_integer_value(json_object_get(json, "Capacity")) > 0);
    assert_true(json_is_integer(json_object_get(json, "FSAvailable")));
    json_decref(json);
    slk_http_answer_free(&a);
    assert_int_equal(status_of("GET", "stat/nobody"), 404);
}

/* Nothing outside of the path can be named. */
static void test_escapes(void **state)
{
    static const char *const bad[] = {
        "sealed/%2e%2e%2fsectorstore.json",
        "sealed/%2e%2e/sectorstore.json",
        "cache/s-t01000-1/%2e%2e%2f%2e%2e%2fsectorstore.json",
        "cache/s-t01000-1/..%2fp_aux",
        "cache%2fs-t01000-1%2f.hidden",
        "sealed/s-t01000-3",      /* a link to a file outside */
        "cache/s-t01000-1/link",  /* another one, in a folder */
        "cache/s-t01000-4/p_aux", /* a link to a folder */
        "sealed/s-t01000-1%00",
        "%2fetc/passwd",
    };
    (void)state;
    put_cache(node.root, "s-t01000-1");
    put_file(fmt("%s/cache/s-t01000-1/.hidden", node.root), 10, "h");
    put_file(fmt("%s/outside/p_aux", dir), 64, "o");
    assert_int_equal(symlink(fmt("%s/outside/p_aux", dir), fmt("%s/sealed/s-t01000-3", node.root)),
                     0);
    assert_int_equal(
        symlink(fmt("%s/outside/p_aux", dir), fmt("%s/cache/s-t01000-1/link", node.root)), 0);
    assert_int_equal(symlink(fmt("%s/outside", dir), fmt("%s/cache/s-t01000-4", node.root)), 0);
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        int status = status_of("GET", bad[i]);
        if (status != 404 && status != 400)
            fail_msg("GET %s: %d", bad[i], status);
        status = status_of("DELETE", bad[i]);
        if (status / 100 == 2 && strncmp(bad[i], "sealed/s-t01000-", 16) != 0)
            fail_msg("DELETE %s: %d", bad[i], status);
    }
    assert_true(file_is(fmt("%s/outside/p_aux", dir), 64, "o"));
    assert_true(exists(fmt("%s/sectorstore.json", node.root)));
    /* A folder with a link in it has neither a manifest nor an archive. */
    assert_int_equal(status_of("GET", "cache/s-t01000-1?manifest=1"), 500);
    assert_int_equal(status_of("GET", "cache/s-t01000-1"), 500);
}

static void test_delete(void **state)
{
    slk_sector_lock_t *lock;
    (void)state;
    put_file(fmt("%s/sealed/s-t01000-1", node.root), 1000, "s");
    assert_int_equal(status_of("DELETE", fmt("sealed/s-t01000-1?keep=other.%s", node.id)), 200);
    assert_true(exists(fmt("%s/sealed/s-t01000-1", node.root)));
    assert_int_equal(status_of("DELETE", "sealed/s-t01000-1?keep=../x"), 400);
    assert_true(exists(fmt("%s/sealed/s-t01000-1", node.root)));
    assert_ok(
        slk_sector_lock(&lock, node.locks, &sector1, SLK_FT_SEALED, 0, "proving", 0, NULL, &diag),
        diag);
    assert_int_equal(status_of("DELETE", "sealed/s-t01000-1"), 409);
    assert_true(exists(fmt("%s/sealed/s-t01000-1", node.root)));
    slk_sector_unlock(node.locks, lock);
    assert_int_equal(status_of("DELETE", "sealed/s-t01000-1?keep=other"), 200);
    assert_false(exists(fmt("%s/sealed/s-t01000-1", node.root)));
    assert_int_equal(node.removed, 1);
    assert_int_equal(system(fmt("test -e %s/trash/*/sealed/s-t01000-1", node.root)), 0);
    assert_int_equal(status_of("DELETE", "sealed/s-t01000-1"), 200); /* again: harmless */
    assert_int_equal(status_of("DELETE", fmt("stat/%s", node.id)), 405);
}

/* --- Manifests and digests ----------------------------------------------------------------- */

static void test_manifest(void **state)
{
    slk_manifest_t m;
    slk_node_t want;
    uint8_t bytes[64];
    (void)state;
    put_cache(node.root, "s-t01000-1");
    slk_http_answer_t a = ask("GET", "cache/s-t01000-1?manifest=1", node_token, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.content_type, SLK_MANIFEST_TYPE);
    assert_ok(slk_sector_manifest_parse(&m, a.body, a.body_len, "m", &diag), diag);
    assert_int_equal(m.cnt, 3);
    assert_true(slk_manifest_bytes(&m) == 64 + 10240 + 2500000 && m.type == SLK_FT_CACHE);
    assert_string_equal(m.files[0].name, "p_aux");
    test_bytes(bytes, 64, "p_aux");
    slk_sha256(&want, bytes, 64);
    assert_node_hex(&m.files[0].sha256, slk_node_hex(&want).s);
    slk_manifest_free(&m);
    slk_http_answer_free(&a);
    /* A file that changed has another digest. */
    put_file(fmt("%s/cache/s-t01000-1/p_aux", node.root), 64, "other");
    a = ask("GET", "cache/s-t01000-1?manifest=1", node_token, NULL);
    assert_ok(slk_sector_manifest_parse(&m, a.body, a.body_len, "m", &diag), diag);
    assert_memory_not_equal(m.files[0].sha256.b, want.b, 32);
    slk_manifest_free(&m);
    slk_http_answer_free(&a);
    assert_int_equal(status_of("GET", "cache/s-t01000-9?manifest=1"), 404);
}

static void test_bad_manifests(void **state)
{
#define SHA "\"0000000000000000000000000000000000000000000000000000000000000000\""
    static const char *const bad[] = {
        "",
        "{}",
        "{\"Type\":\"key\",\"Sector\":\"s-t01000-1\",\"Files\":[]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-x\",\"Files\":[]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-1\",\"Files\":{}}",
        "{\"Type\":\"sealed\",\"Sector\":\"s-t01000-1\",\"Files\":[]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-1\",\"Files\":[{\"Name\":\"../x\",\"Size\":1,"
        "\"SHA256\":" SHA "}]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-1\",\"Files\":[{\"Name\":\"x\",\"Size\":-1,"
        "\"SHA256\":" SHA "}]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-1\",\"Files\":[{\"Name\":\"x\",\"Size\":1,"
        "\"SHA256\":\"00\"}]}",
        "{\"Type\":\"sealed\",\"Sector\":\"s-t01000-1\",\"Files\":[{\"Name\":\"x\",\"Size\":1,"
        "\"SHA256\":" SHA "}]}",
        "{\"Type\":\"cache\",\"Sector\":\"s-t01000-1\",\"Files\":[{\"Name\":\"x\",\"Size\":1,"
        "\"SHA256\":" SHA "},{\"Name\":\"x\",\"Size\":1,\"SHA256\":" SHA "}]}",
    };
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        slk_manifest_t m;
        if (slk_sector_manifest_parse(&m, bad[i], strlen(bad[i]), "m", &diag) != SLK_ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
        slk_manifest_free(&m);
    }
}

static void test_digests(void **state)
{
    slk_digests_t *digests;
    slk_node_t a, b;
    struct stat st;
    (void)state;
    assert_ok(slk_digests_new(&digests, &diag), diag);
    put_file(fmt("%s/file", dir), 100000, "f");
    int fd = open(fmt("%s/file", dir), O_RDWR);
    assert_ok(slk_digest_sector_file(&a, digests, fd, "file", NULL, &diag), diag);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(slk_digest_known(&b, digests, &st));
    assert_memory_equal(a.b, b.b, 32);
    usleep(20000); /* more than a tick of the file system's clock */
    assert_int_equal(pwrite(fd, "xyz", 3, 50), 3);
    assert_int_equal(fstat(fd, &st), 0);
    assert_false(slk_digest_known(&b, digests, &st));
    assert_ok(slk_digest_sector_file(&b, digests, fd, "file", NULL, &diag), diag);
    assert_memory_not_equal(a.b, b.b, 32);
    /* As much as fits: all of a large number of states are found or not, never wrong. */
    for (uint64_t i = 0; i < 100000; i++) {
        st.st_ino = i;
        assert_true(!slk_digest_known(&a, digests, &st) || !memcmp(&a, &b, 32));
    }
    close(fd);
    slk_digests_free(digests);
}

/* --- Archives ------------------------------------------------------------------------------ */

typedef struct {
    unsigned files, ends;
    uint64_t bytes, sizes;
    char names[512];
} untarred_t;

static slk_err_t on_begin(void *ctx, const char *name, uint64_t size, slk_diag_t *d)
{
    untarred_t *u = ctx;
    (void)d;
    u->files++;
    u->sizes += size;
    strcat(strcat(u->names, name), " ");
    return SLK_OK;
}

static slk_err_t on_data(void *ctx, const void *bytes, size_t len, slk_diag_t *d)
{
    (void)bytes;
    (void)d;
    ((untarred_t *)ctx)->bytes += len;
    return SLK_OK;
}

static slk_err_t on_end(void *ctx, slk_diag_t *d)
{
    (void)d;
    ((untarred_t *)ctx)->ends++;
    return SLK_OK;
}

static slk_err_t untar(untarred_t *u, const char *bytes, size_t len, size_t piece, bool *complete)
{
    slk_untar_t reader;
    const slk_untar_events_t on = {.begin = on_begin, .data = on_data, .end = on_end, .ctx = u};
    slk_err_t err = SLK_OK;
    memset(u, 0, sizeof *u);
    slk_untar_init(&reader, &on, "archive");
    for (size_t at = 0; err == SLK_OK && at < len; at += piece)
        err = slk_untar_feed(&reader, bytes + at, len - at < piece ? len - at : piece, &diag);
    *complete = slk_untar_complete(&reader);
    return err;
}

/* What GNU tar makes, in its formats, is read; what we make, GNU tar reads. */
static void test_tar(void **state)
{
    static const char *const formats[] = {"gnu", "ustar", "pax"};
    untarred_t u;
    bool complete;
    char *text;
    size_t len;
    (void)state;
    put_cache(node.root, "s-t01000-1");
    for (size_t i = 0; i < SLK_COUNT(formats); i++) {
        assert_int_equal(system(fmt("cd %s/cache/s-t01000-1 && tar --format=%s -cf %s/a.tar *",
                                    node.root, formats[i], dir)),
                         0);
        assert_ok(slk_read_file(&text, &len, fmt("%s/a.tar", dir), 1 << 24, &diag), diag);
        assert_ok(untar(&u, text, len, 1000, &complete), diag);
        assert_true(complete && u.files == 3 && u.ends == 3 && u.bytes == 2510304);
        assert_ok(untar(&u, text, 30000, 1, &complete), diag);
        assert_false(complete);
        text[0] ^= 1;
        assert_err(SLK_ERR_FORMAT, untar(&u, text, len, len, &complete));
        free(text);
    }
    slk_http_answer_t a = ask("GET", "cache/s-t01000-1", node_token, NULL);
    assert_true(a.status == 200 && a.body_len % 512 == 0);
    assert_string_equal(a.content_type, "application/x-tar");
    assert_ok(untar(&u, a.body, a.body_len, 777, &complete), diag);
    assert_true(complete && u.files == 3 && u.bytes == 2510304);
    assert_string_equal(u.names, "p_aux sc-02-data-tree-r-last.dat t_aux ");
    assert_ok(slk_write_file(fmt("%s/b.tar", dir), a.body, a.body_len, &diag), diag);
    slk_http_answer_free(&a);
    assert_ok(slk_make_dirs(fmt("%s/x/cache/s-t01000-1", dir), &diag), diag);
    assert_int_equal(system(fmt("tar -xf %s/b.tar -C %s/x/cache/s-t01000-1", dir, dir)), 0);
    assert_true(cache_is_whole(fmt("%s/x", dir), "s-t01000-1"));
}

/* A tree of a 64 GiB sector: 9 GiB, of which only the header is looked at. */
static void test_tar_large(void **state)
{
    untarred_t u;
    slk_dir_t root, folder;
    slk_tar_t *tar;
    char head[1024];
    bool complete;
    (void)state;
    put_file(fmt("%s/cache/s-t01000-1/large", node.root), 1, "x");
    if (truncate(fmt("%s/cache/s-t01000-1/large", node.root), INT64_C(9) << 30))
        skip();
    assert_ok(slk_dir_open(&root, node.root, &diag), diag);
    assert_ok(slk_dir_sub(&folder, &root, "cache", false, &diag), diag);
    assert_ok(slk_tar_new(&tar, &folder, SLK_FT_CACHE, &sector1, &diag), diag);
    assert_true(slk_tar_len(tar) == (UINT64_C(9) << 30) + 3 * 512);
    assert_int_equal(slk_tar_read(tar, 0, head, 512), 512);
    assert_int_equal(slk_tar_read(tar, 512 + (UINT64_C(9) << 30), head + 512, 512), 512);
    assert_ok(untar(&u, head, 512, 512, &complete), diag);
    assert_true(u.files == 1 && u.sizes == UINT64_C(9) << 30);
    slk_tar_free(tar);
    slk_dir_close(&folder);
    slk_dir_close(&root);
}

static void test_tar_escapes(void **state)
{
    static const char *const names[] = {"../evil", "/evil", "a/b", ".hidden", "a b"};
    untarred_t u;
    bool complete;
    char *text;
    size_t len;
    (void)state;
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        assert_int_equal(system(fmt("cd %s && touch x && tar -P --transform='s,x,%s,' -cf e.tar x",
                                    dir, names[i])),
                         0);
        assert_ok(slk_read_file(&text, &len, fmt("%s/e.tar", dir), 1 << 20, &diag), diag);
        assert_err(SLK_ERR_FORMAT, untar(&u, text, len, len, &complete));
        free(text);
    }
    assert_int_equal(system(fmt("cd %s && ln -s /etc/passwd link && tar -cf e.tar link", dir)), 0);
    assert_ok(slk_read_file(&text, &len, fmt("%s/e.tar", dir), 1 << 20, &diag), diag);
    assert_err(SLK_ERR_FORMAT, untar(&u, text, len, len, &complete));
    free(text);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_paths),       TEST(test_rights),
        TEST(test_get),         TEST(test_escapes),
        TEST(test_delete),      TEST(test_manifest),
        TEST(test_digests),     cmocka_unit_test(test_bad_manifests),
        TEST(test_tar),         TEST(test_tar_large),
        TEST(test_tar_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
