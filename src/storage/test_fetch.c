/* Fetching sectors between nodes. */
#include "storage/test_nodes.h"

#include "storage/fetch.h"
#include "storage/staging.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define NAME        "s-t01000-1"
#define CACHE_BYTES 2510304u

static char dir[64], to[SLK_ROOT_MAX], to_id[SLK_STORAGE_ID_MAX];
static node_t a, b;
static slk_http_client_t *client;

static int setup(void **state)
{
    (void)state;
    test_tmp_dir(dir);
    make_path(to, to_id, dir, "to", true, true);
    node_start(&a, dir, "a", 5000);
    node_start(&b, dir, "b", 1);
    put_cache(a.root, NAME);
    put_cache(b.root, NAME);
    put_file(fmt("%s/sealed/" NAME, a.root), 3000000, "s");
    put_file(fmt("%s/sealed/" NAME, b.root), 3000000, "s");
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    slk_http_client_free(client);
    node_stop(&a);
    node_stop(&b);
    test_rm_dir(dir);
    return 0;
}

/* From the nodes given, in this order. */
static slk_err_t fetch_job(slk_fetched_t *fetched, slk_file_types_t type, const node_t *first,
                           const node_t *second, const slk_job_t *job)
{
    char urls[2][256];
    const node_t *nodes[] = {first, second};
    slk_fetch_source_t sources[2];
    for (size_t i = 0; i < 2 && nodes[i]; i++) {
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u/remote/%s/" NAME, nodes[i]->port,
                 slk_file_type_name(type));
        sources[i] = (slk_fetch_source_t){.url = urls[i], .token = node_token};
    }
    const slk_fetch_t what = {.sector = sector1,
                              .type = type,
                              .to = to,
                              .sources = sources,
                              .source_cnt = second ? 2 : 1,
                              .sector_sz = 3000000,
                              .rounds = 1,
                              .pause_ms = 10};
    return slk_sector_fetch(fetched, &what, client, job, &diag);
}

static slk_err_t fetch(slk_fetched_t *fetched, slk_file_types_t type, const node_t *first,
                       const node_t *second)
{
    return fetch_job(fetched, type, first, second, NULL);
}

static bool sealed_is_whole(void)
{
    return file_is(fmt("%s/sealed/" NAME, to), 3000000, "s");
}

static void expect_no_leftovers(void)
{
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        const char *path = fmt("%s/%s/fetching", to, slk_file_type_name(SLK_FT_AT(i)));
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] != '.')
                fail_msg("left: %s/%s", path, e->d_name);
        }
        if (d)
            closedir(d);
    }
}

static void test_plain_run(void **state)
{
    slk_fetched_t f;
    slk_progress_t *progress = slk_progress_new();
    slk_progress_view_t view;
    const slk_job_t job = {.progress = progress};
    (void)state;
    assert_ok(fetch_job(&f, SLK_FT_CACHE, &a, NULL, &job), diag);
    assert_true(f.verified && !f.before && f.bytes == CACHE_BYTES && f.received == CACHE_BYTES);
    slk_progress_view(progress, &view);
    assert_true(view.done == CACHE_BYTES && view.total == CACHE_BYTES);
    assert_true(cache_is_whole(to, NAME));
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(f.verified && sealed_is_whole());
    unsigned before = a.requests;
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, NULL), diag);
    assert_true(f.before && a.requests == before);
    slk_progress_free(progress);
    expect_no_leftovers();
}

/* The digests take longer than the server waits: it is asked again. */
static void test_later(void **state)
{
    slk_fetched_t f;
    (void)state;
    put_file(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", b.root), 20000000, "c");
    assert_ok(fetch(&f, SLK_FT_CACHE, &b, NULL), diag);
    assert_true(b.later > 0 && f.verified && f.bytes == CACHE_BYTES + 20000000);
    assert_true(file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", to), 20000000, "c"));
}

/* One source breaks off again and again, the other one has the rest: no byte comes twice. */
static void test_resume_elsewhere(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_CUT;
    a.cut = 1000000;
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, &b), diag);
    assert_true(f.source == 1 && f.verified && f.received == 3000000);
    assert_true(sealed_is_whole());
    expect_no_leftovers();
}

/* The same over two calls, as after a restart. */
static void test_resume_later(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_CUT;
    a.cut = 1000000;
    assert_int_not_equal(fetch(&f, SLK_FT_SEALED, &a, NULL), SLK_OK);
    uint64_t got = f.received;
    assert_true(got >= 900000 && got < 3000000);
    assert_false(exists(fmt("%s/sealed/" NAME, to)));
    a.mode = NODE_GOOD;
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(f.received == 3000000 - got && sealed_is_whole());
}

/* A staged part that a crash damaged is found by the digest, and fetched again. */
static void test_damaged_part(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_CUT;
    a.cut = 1000000;
    assert_int_not_equal(fetch(&f, SLK_FT_SEALED, &a, NULL), SLK_OK);
    FILE *part = fopen(fmt("%s/sealed/fetching/" NAME, to), "r+b");
    assert_non_null(part);
    fseek(part, 500000, SEEK_SET);
    fputc(0xa5, part);
    fclose(part);
    a.mode = NODE_GOOD;
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(f.received > 3000000 && sealed_is_whole());
}

/* What is staged is of other contents than the source has now. */
static void test_other_contents(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_CUT;
    a.cut = 1000000;
    assert_int_not_equal(fetch(&f, SLK_FT_SEALED, &a, NULL), SLK_OK);
    a.mode = NODE_GOOD;
    put_file(fmt("%s/sealed/" NAME, a.root), 3000000, "sealed again");
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_int_equal(f.received, 3000000);
    assert_true(file_is(fmt("%s/sealed/" NAME, to), 3000000, "sealed again"));
}

static void test_wrong_digest(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_WRONG;
    assert_err(SLK_ERR_DIGEST, fetch(&f, SLK_FT_CACHE, &a, NULL));
    assert_non_null(strstr(diag.text, "SHA-256"));
    assert_false(exists(fmt("%s/cache/" NAME, to)));
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, &b), diag);
    assert_true(f.source == 1 && f.verified && cache_is_whole(to, NAME));
}

static void test_no_range(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_CUT;
    a.cut = 1000000;
    assert_int_not_equal(fetch(&f, SLK_FT_SEALED, &a, NULL), SLK_OK);
    a.mode = NODE_NO_RANGE;
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(f.verified && f.received == 3000000 && sealed_is_whole());
}

/* lotus-miner as the other side. */
static void test_lotus(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_LOTUS;
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, NULL), diag);
    assert_true(!f.verified && f.bytes == CACHE_BYTES && cache_is_whole(to, NAME));
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(!f.verified && f.bytes == 3000000 && sealed_is_whole());
    expect_no_leftovers();
}

static void test_lotus_cut(void **state)
{
    slk_fetched_t f;
    (void)state;
    a.mode = NODE_LOTUS_CUT;
    a.cut = 1000000;
    assert_int_not_equal(fetch(&f, SLK_FT_CACHE, &a, NULL), SLK_OK);
    assert_false(exists(fmt("%s/cache/" NAME, to)));
    /* A file is taken up within the call, where it broke. */
    a.cut = 1600000;
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, NULL), diag);
    assert_true(f.received == 3000000 && sealed_is_whole());
    /* A sealed file that has not the sector's length is no sealed file. */
    assert_int_equal(unlink(fmt("%s/sealed/" NAME, to)), 0);
    put_file(fmt("%s/sealed/" NAME, a.root), 2999999, "s");
    a.mode = NODE_LOTUS;
    assert_err(SLK_ERR_LENGTH, fetch(&f, SLK_FT_SEALED, &a, NULL));
    a.mode = NODE_GOOD;
    assert_err(SLK_ERR_LENGTH, fetch(&f, SLK_FT_SEALED, &a, NULL));
    assert_false(exists(fmt("%s/sealed/" NAME, to)));
}

static void test_refusals(void **state)
{
    slk_fetched_t f;
    char good[SLK_TOKEN_TEXT_MAX];
    (void)state;
    strcpy(good, node_token);
    slk_token_new(node_token, &node_key, slk_perms_upto(SLK_PERM_SIGN));
    assert_err(SLK_ERR_PERM, fetch(&f, SLK_FT_CACHE, &a, NULL));
    assert_non_null(strstr(diag.text, "token"));
    strcpy(node_token, good);
    assert_err(SLK_ERR_NOTFOUND, fetch(&f, SLK_FT_UNSEALED, &a, &b));
    a.mode = NODE_BUSY;
    assert_err(SLK_ERR_IO, fetch(&f, SLK_FT_CACHE, &a, NULL));
    assert_non_null(strstr(diag.text, "503"));
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, &b), diag);
    assert_int_equal(f.source, 1);
}

static void test_cancel_and_lock(void **state)
{
    slk_fetched_t f;
    slk_staging_t st;
    atomic_bool cancel = true;
    const slk_job_t job = {.cancel = &cancel};
    (void)state;
    assert_err(SLK_ERR_CANCELLED, fetch_job(&f, SLK_FT_CACHE, &a, &b, &job));
    assert_false(exists(fmt("%s/cache/" NAME, to)));
    assert_ok(slk_staging_open(&st, to, SLK_FT_CACHE, &sector1, &diag), diag);
    assert_err(SLK_ERR_BUSY, fetch(&f, SLK_FT_CACHE, &a, NULL));
    slk_staging_close(&st);
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, NULL), diag);
}

/* Killed at any moment: the name appears with the whole alone, and another call ends it. */
static void test_kill(void **state)
{
    slk_fetched_t f;
    unsigned killed = 0;
    (void)state;
    put_file(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", a.root), 8000000, "big");
    for (unsigned i = 0; i < 15; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            slk_http_client_t *own;
            if (slk_http_client_new(&own, NULL, &diag) != SLK_OK)
                _exit(2);
            client = own;
            _exit(fetch(&f, SLK_FT_CACHE, &a, NULL) == SLK_OK ? 0 : 1);
        }
        usleep(3000 + i * i * 300);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed += WIFSIGNALED(status) != 0;
        if (exists(fmt("%s/cache/" NAME, to)))
            assert_true(
                cache_is_whole(to, NAME) &&
                file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", to), 8000000, "big"));
    }
    assert_true(killed > 2);
    assert_ok(fetch(&f, SLK_FT_CACHE, &a, NULL), diag);
    assert_true(cache_is_whole(to, NAME));
    assert_true(file_is(fmt("%s/cache/" NAME "/sc-02-data-tree-c.dat", to), 8000000, "big"));
    expect_no_leftovers();
}

static void test_full_disk(void **state)
{
    slk_fetched_t f;
    (void)state;
    if (mount("tmpfs", to, "tmpfs", 0, "size=1m"))
        skip();
    assert_err(SLK_ERR_NOSPACE, fetch(&f, SLK_FT_SEALED, &a, &b));
    assert_int_equal(f.source, 0); /* no other source would do better */
    assert_int_equal(mount("tmpfs", to, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    assert_ok(fetch(&f, SLK_FT_SEALED, &a, &b), diag);
    assert_true(f.received < 3000000 && sealed_is_whole());
    assert_int_equal(umount2(to, MNT_DETACH), 0);
}

static void test_remote_delete(void **state)
{
    char url[256];
    slk_fetch_source_t source = {.url = url, .token = node_token};
    const char *keep[] = {"x", a.id};
    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/remote/cache/" NAME, a.port);
    assert_ok(slk_remote_delete(&source, keep, 2, client, NULL, &diag), diag);
    assert_true(exists(fmt("%s/cache/" NAME, a.root)));
    assert_ok(slk_remote_delete(&source, keep, 1, client, NULL, &diag), diag);
    assert_false(exists(fmt("%s/cache/" NAME, a.root)));
    source.token = NULL;
    assert_err(SLK_ERR_PERM, slk_remote_delete(&source, NULL, 0, client, NULL, &diag));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_plain_run),    TEST(test_later),        TEST(test_resume_elsewhere),
        TEST(test_resume_later), TEST(test_damaged_part), TEST(test_other_contents),
        TEST(test_wrong_digest), TEST(test_no_range),     TEST(test_lotus),
        TEST(test_lotus_cut),    TEST(test_refusals),     TEST(test_cancel_and_lock),
        TEST(test_kill),         TEST(test_full_disk),    TEST(test_remote_delete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
