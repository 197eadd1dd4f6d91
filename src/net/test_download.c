/* Downloads from mirrors that misbehave. */
#include "net/download.h"
#include "net/test_http.h"

#include "base/assert.h"

#include <blake2.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LEN 1000003u

static uint8_t body[LEN], digest[64];
static char dir[64], path[128], part[160];

static int setup(void **state)
{
    (void)state;
    test_data(body, LEN, "download");
    blake2b(digest, body, NULL, sizeof digest, LEN, 0);
    test_tmp_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(part, sizeof part, "%s.part", path);
    test_http_add("file", body, LEN);
    test_http_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_stop();
    test_rm_dir(dir);
    return 0;
}

static uint64_t len_of(const char *name)
{
    struct stat st;
    return stat(name, &st) ? UINT64_MAX : (uint64_t)st.st_size;
}

static void write_part(size_t len, const uint8_t *bytes)
{
    FILE *file = fopen(part, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* From mirrors "word word ..."; the outcome is in `last`. */
static slk_download_outcome_t last;
static slk_download_limits_t limits = {.rounds = 3, .stall_seconds = 0.5, .pause_seconds = 0.01};

static slk_err_t get(const char *mirrors, uint64_t len, const slk_job_t *job)
{
    char words[256], urls[8][128];
    const char *list[8];
    size_t cnt = 0;
    snprintf(words, sizeof words, "%s", mirrors);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        snprintf(urls[cnt], sizeof urls[cnt], "http://127.0.0.1:%u/%s/file", test_http.port, word);
        list[cnt] = urls[cnt];
        cnt++;
    }
    const slk_download_t file = {
        .path = path, .urls = list, .url_cnt = cnt, .len = len, .digest = digest, .digest_sz = 16};
    slk_diag_t diag = {""};
    slk_err_t err = slk_download(&last, &file, 1, &limits, job, &diag);
    assert_int_equal(err, last.err);
    assert_true((err == SLK_OK) == !diag.text[0]);
    return err;
}

/* The file is there, right, and alone; removes it. */
static void assert_fetched(void)
{
    static uint8_t got[LEN];
    if (last.err != SLK_OK)
        fail_msg("%s", last.diag.text);
    assert_true(len_of(path) == LEN);
    assert_true(len_of(part) == UINT64_MAX);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(got, 1, LEN, file), LEN);
    fclose(file);
    assert_memory_equal(got, body, LEN);
    unlink(path);
}

static void assert_nothing(void)
{
    assert_true(len_of(path) == UINT64_MAX);
    assert_true(len_of(part) == UINT64_MAX);
}

static void test_resume(void **state)
{
    (void)state;
    static const struct {
        const char *mirrors;
        size_t there;
        uint64_t len, sent;
    } rows[] = {
        {"good", 0, LEN, LEN},
        {"good", 70000, LEN, LEN - 70000},
        {"good", LEN - 1, LEN, 1},
        {"good", LEN, LEN, 0},
        {"good", 0, SLK_DOWNLOAD_ANY_LEN, LEN},
        {"good", 70000, SLK_DOWNLOAD_ANY_LEN, LEN - 70000},
        {"good", LEN, SLK_DOWNLOAD_ANY_LEN, 0},
        {"norange", 70000, LEN, LEN},
        {"norange", 70000, SLK_DOWNLOAD_ANY_LEN, LEN},
        {"nolength", 0, LEN, LEN},
        {"nolength", 70000, SLK_DOWNLOAD_ANY_LEN, LEN},
        {"moved", 70000, LEN, LEN - 70000},
        {"cut", 0, LEN, LEN},
        {"cut", 50000, SLK_DOWNLOAD_ANY_LEN, LEN - 50000},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        uint64_t sent = test_http.sent;
        if (rows[i].there)
            write_part(rows[i].there, body);
        get(rows[i].mirrors, rows[i].len, NULL);
        if (last.err != SLK_OK || test_http.sent - sent != rows[i].sent)
            fail_msg("row %zu: %llu bytes sent, %s", i, test_http.sent - sent, last.diag.text);
        assert_fetched();
    }
}

static void test_part_of_another(void **state)
{
    (void)state;
    static uint8_t foreign[LEN + 1000];
    static const size_t lens[] = {10, 70000, LEN, LEN + 1000};
    for (size_t i = 0; i < SLK_COUNT(lens); i++) {
        for (int known = 0; known < 2; known++) {
            write_part(lens[i], foreign);
            get("good", known ? LEN : SLK_DOWNLOAD_ANY_LEN, NULL);
            assert_fetched();
        }
    }
    assert_int_equal(symlink("/etc/passwd", part), 0);
    assert_true(get("good", LEN, NULL) != SLK_OK);
    unlink(part);
}

static void test_other_mirror(void **state)
{
    (void)state;
    static const char *const rows[] = {"missing busy good", "wrong good",       "short good",
                                       "long good",         "circle good",      "stall good",
                                       "cutnorange good",   "cut wrong good",   "wrongcut good",
                                       "busy cut norange",  "elsewhere norange"};
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (strstr(rows[i], "elsewhere"))
            write_part(70000, body);
        get(rows[i], LEN, NULL);
        assert_fetched();
    }
    get("short long wrong good", SLK_DOWNLOAD_ANY_LEN, NULL);
    assert_fetched();
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *mirrors;
        slk_err_t err;
        const char *says;
    } rows[] = {
        {"wrong", SLK_ERR_DIGEST, "with digest"},
        {"wrong wrong", SLK_ERR_DIGEST, "expected"},
        {"missing missing", SLK_ERR_NOTFOUND, "404"},
        {"circle", SLK_ERR_NOTFOUND, "redirects"},
        {"short", SLK_ERR_LENGTH, "1000002"},
        {"long", SLK_ERR_LENGTH, "1000004"},
        {"busy", SLK_ERR_TIMEOUT, "503"},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (get(rows[i].mirrors, LEN, NULL) != rows[i].err || !strstr(last.diag.text, rows[i].says))
            fail_msg("%s: %d, %s", rows[i].mirrors, last.err, last.diag.text);
        assert_nothing();
    }
    unsigned asked = test_http_asked("missing");
    get("missing busy", LEN, NULL);
    assert_int_equal(test_http_asked("missing"), asked + 1);
    assert_err(SLK_ERR_DIGEST, get("short", SLK_DOWNLOAD_ANY_LEN, NULL));
    assert_nothing();
    assert_err(SLK_ERR_TIMEOUT, get("cutnorange", LEN, NULL));
    assert_true(len_of(part) == 100000);
    unlink(part);
    const char *const urls[] = {"file:///etc/passwd", "no url", "http://u:secret@127.0.0.1:1/x"};
    const slk_download_t file = {
        .path = path, .urls = urls, .url_cnt = 3, .len = LEN, .digest = digest, .digest_sz = 16};
    assert_true(slk_download(&last, &file, 1, &limits, NULL, NULL) != SLK_OK);
    assert_null(strstr(last.diag.text, "secret"));
    assert_non_null(strstr(last.diag.text, "http://127.0.0.1:1/x"));
    assert_nothing();
}

static void test_stalled(void **state)
{
    (void)state;
    limits.rounds = 1;
    double start = slk_clock_seconds();
    assert_err(SLK_ERR_TIMEOUT, get("silent", LEN, NULL));
    assert_non_null(strstr(last.diag.text, "stalled"));
    assert_true(slk_clock_seconds() - start < 10);
    assert_true(len_of(part) == 1);
    unlink(part);
    limits.rounds = 3;
}

static atomic_bool cancel;

static void *cancel_soon(void *ctx)
{
    (void)ctx;
    while (len_of(part) == UINT64_MAX || len_of(part) < 100000)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    cancel = true;
    return NULL;
}

static void test_cancelled(void **state)
{
    (void)state;
    pthread_t thread;
    const slk_job_t job = {.cancel = &cancel};
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    assert_err(SLK_ERR_CANCELLED, get("slow", LEN, &job));
    pthread_join(thread, NULL);
    assert_true(len_of(path) == UINT64_MAX);
    assert_true(len_of(part) >= 100000 && len_of(part) < LEN);
    while (test_http.open)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    uint64_t sent = test_http.sent, there = len_of(part);
    get("good", LEN, NULL);
    assert_true(test_http.sent - sent == LEN - there);
    assert_fetched();
}

static void test_many(void **state)
{
    (void)state;
    enum { MANY = 9 };
    char paths[MANY][128], url[128], bad[128];
    slk_download_t files[MANY];
    slk_download_outcome_t outcomes[MANY];
    slk_job_t job = {.progress = slk_progress_new()};
    slk_progress_view_t view;
    slk_diag_t diag = {""};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/good/file", test_http.port);
    snprintf(bad, sizeof bad, "http://127.0.0.1:%u/missing/file", test_http.port);
    const char *good_url = url, *bad_url = bad;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/many-%zu", dir, i);
        files[i] = (slk_download_t){.path = paths[i],
                                    .urls = i == 4 ? &bad_url : &good_url,
                                    .url_cnt = 1,
                                    .len = LEN,
                                    .digest = digest,
                                    .digest_sz = 64};
    }
    assert_err(SLK_ERR_NOTFOUND, slk_download(outcomes, files, MANY, &limits, &job, &diag));
    assert_string_equal(diag.text, outcomes[4].diag.text);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(outcomes[i].err, i == 4 ? SLK_ERR_NOTFOUND : SLK_OK);
        assert_true(len_of(paths[i]) == (i == 4 ? UINT64_MAX : LEN));
    }
    slk_progress_view(job.progress, &view);
    assert_true(view.total == MANY * (uint64_t)LEN && view.done == (MANY - 1) * (uint64_t)LEN);
    slk_progress_free(job.progress);
}

/* --- In a child: no space, no permission ------------------------------------------------------ */

enum { CHILD_GOOD = 0, CHILD_BAD = 1, CHILD_CANNOT = 2 };

static void in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_CANNOT)
        skip();
    assert_int_equal(WEXITSTATUS(status), CHILD_GOOD);
}

static int full_disk(void)
{
    if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", dir, "tmpfs", 0, "size=512k"))
        return CHILD_CANNOT;
    unsigned asked = test_http_asked("good");
    bool good = get("good", LEN, NULL) == SLK_ERR_NOSPACE && test_http_asked("good") == asked &&
                strstr(last.diag.text, "free") && len_of(part) == UINT64_MAX;
    /* Of unknown length: the mirror's word, then the end of the space. */
    good = good && get("good", SLK_DOWNLOAD_ANY_LEN, NULL) == SLK_ERR_NOSPACE;
    good = good && get("nolength", SLK_DOWNLOAD_ANY_LEN, NULL) == SLK_ERR_NOSPACE;
    return good && len_of(path) == UINT64_MAX ? CHILD_GOOD : CHILD_BAD;
}

static int read_only(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534))
        return CHILD_CANNOT;
    return get("good", LEN, NULL) == SLK_ERR_PERM && strstr(last.diag.text, dir) &&
                   len_of(path) == UINT64_MAX
               ? CHILD_GOOD
               : CHILD_BAD;
}

static void test_full_disk(void **state)
{
    (void)state;
    in_child(full_disk);
}

static void test_read_only(void **state)
{
    (void)state;
    assert_int_equal(chmod(dir, 0555), 0);
    in_child(read_only);
    assert_int_equal(chmod(dir, 0755), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),       cmocka_unit_test(test_part_of_another),
        cmocka_unit_test(test_other_mirror), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stalled),      cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
