/* The ground under everything: pool, progress, hex, CPU choice, errors. Files: test_file.c. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/cpu.h"
#include "selkie/job.h"
#include "test_util.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* --- Pool ----------------------------------------------------------------------------------- */

#define COVER_MAX 5000

typedef struct {
    _Atomic unsigned hits[COVER_MAX];
    uint64_t cnt, grain;
    atomic_bool bad_range;
} cover_t;

static void cover(void *ctx, uint64_t begin, uint64_t end)
{
    cover_t *c = ctx;
    if (begin >= end || end > c->cnt || end - begin > c->grain)
        atomic_store(&c->bad_range, true);
    for (uint64_t i = begin; i < end && i < COVER_MAX; i++)
        atomic_fetch_add(&c->hits[i], 1);
}

static void check_cover(slk_pool_t *pool, uint64_t cnt, uint64_t grain)
{
    static cover_t c;
    memset(&c, 0, sizeof c);
    c.cnt = cnt;
    c.grain = grain ? grain : 1;
    slk_pool_for(pool, cnt, grain, cover, &c);
    assert_false(c.bad_range);
    for (uint64_t i = 0; i < COVER_MAX; i++)
        assert_int_equal(c.hits[i], i < cnt);
}

static void ranges_cover_exactly_once(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 2, 7, 64, 999, COVER_MAX};
    static const uint64_t grains[] = {0, 1, 3, 64, 4999, COVER_MAX, UINT64_MAX / 2};
    slk_diag_t diag;
    for (unsigned threads = 0; threads <= 5; threads++) {
        slk_pool_t *pool = NULL;
        if (threads)
            assert_ok(slk_pool_new(&pool, threads, &diag), diag);
        assert_int_equal(slk_pool_threads(pool), threads ? threads : 1);
        for (size_t i = 0; i < SLK_COUNT(counts); i++) {
            for (size_t k = 0; k < SLK_COUNT(grains); k++)
                check_cover(pool, counts[i], grains[k]);
        }
        slk_pool_free(pool);
    }
}

static void add_range(void *ctx, uint64_t begin, uint64_t end)
{
    atomic_fetch_add((_Atomic uint64_t *)ctx, end - begin);
}

/* A thread that wakes late for one loop must neither miss the next nor take part in it twice. */
static void many_short_loops(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_pool_t *pool;
    assert_ok(slk_pool_new(&pool, 4, &diag), diag);
    for (int i = 0; i < 2000; i++) {
        _Atomic uint64_t sum = 0;
        slk_pool_for(pool, 10, 1, add_range, &sum);
        assert_int_equal(sum, 10);
    }
    slk_pool_free(pool);
}

static void pool_sizes(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_pool_t *pool = (slk_pool_t *)&diag;
    assert_err(SLK_ERR_INPUT, slk_pool_new(&pool, 1025, &diag));
    assert_null(pool);
    assert_non_null(strstr(diag.text, "1025"));
    assert_ok(slk_pool_new(&pool, 0, &diag), diag);
    assert_in_range(slk_pool_threads(pool), 1, sysconf(_SC_NPROCESSORS_CONF));
    slk_pool_free(pool);
    slk_pool_free(NULL);
}

/* --- Progress ------------------------------------------------------------------------------- */

static void progress_counts(void *ctx, uint64_t begin, uint64_t end)
{
    slk_progress_add(ctx, end - begin);
}

static void progress_shows_what_was_done(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_progress_view_t view;
    slk_progress_t *progress = slk_progress_new();
    assert_non_null(progress);
    slk_progress_view(progress, &view);
    assert_string_equal(view.stage, "");
    assert_int_equal(view.serial, 0);

    double before = slk_clock_seconds();
    slk_progress_begin(progress, "tree_c", "hashes", 1000, 100);
    slk_pool_t *pool;
    assert_ok(slk_pool_new(&pool, 3, &diag), diag);
    slk_pool_for(pool, 900, 7, progress_counts, progress);
    slk_pool_free(pool);
    slk_progress_view(progress, &view);
    assert_string_equal(view.stage, "tree_c");
    assert_string_equal(view.unit, "hashes");
    assert_int_equal(view.done, 1000);
    assert_int_equal(view.total, 1000);
    assert_int_equal(view.resumed, 100);
    assert_int_equal(view.serial, 1);
    assert_true(view.started >= before && view.ended == 0);

    slk_progress_end(progress);
    slk_progress_view(progress, &view);
    assert_true(view.ended >= view.started);
    slk_progress_begin(
        progress, "a name that is much longer than what a view has room for, so that it is cut",
        "B", 0, 0);
    slk_progress_view(progress, &view);
    assert_int_equal(strlen(view.stage), sizeof view.stage - 1);
    assert_int_equal(view.done, 0);
    assert_int_equal(view.serial, 2);
    slk_progress_free(progress);

    slk_progress_begin(NULL, "x", "x", 1, 0);
    slk_progress_add(NULL, 1);
    slk_progress_end(NULL);
    slk_progress_free(NULL);
}

static void cancelling(void **state)
{
    (void)state;
    atomic_bool cancel = false;
    slk_job_t job = {.cancel = &cancel};
    assert_false(slk_job_cancelled(NULL));
    assert_false(slk_job_cancelled(&(slk_job_t){0}));
    assert_false(slk_job_cancelled(&job));
    cancel = true;
    assert_true(slk_job_cancelled(&job));
}

/* --- Bytes ---------------------------------------------------------------------------------- */

static void hex(void **state)
{
    (void)state;
    uint8_t bytes[4];
    char text[9];
    assert_true(slk_hex_decode(bytes, 4, "00fF7a10"));
    assert_memory_equal(bytes, "\x00\xff\x7a\x10", 4);
    slk_hex_encode(text, bytes, 4);
    assert_string_equal(text, "00ff7a10");
    slk_hex_encode(text, bytes, 0);
    assert_string_equal(text, "");
    assert_true(slk_hex_decode(bytes, 0, ""));
    static const char *const bad[] = {"",           "0",        "00ff7a1",  "00ff7a100",
                                      "00ff7a1000", "00ff7a1g", "0xff7a10", " 0ff7a10",
                                      "00ff7a1/",   "00ff7a1:", "00ff7a1@", "00ff7a1`"};
    for (size_t i = 0; i < SLK_COUNT(bad); i++)
        assert_false(slk_hex_decode(bytes, 4, bad[i]));
}

static void integers(void **state)
{
    (void)state;
    uint8_t b[9] = {0xee, 1, 2, 3, 4, 5, 6, 7, 8}; /* from 1: not aligned */
    assert_int_equal(slk_load_be32(b + 1), 0x01020304);
    assert_int_equal(slk_load_le32(b + 1), 0x04030201);
    assert_int_equal(slk_load_be64(b + 1), UINT64_C(0x0102030405060708));
    assert_int_equal(slk_load_le64(b + 1), UINT64_C(0x0807060504030201));
    slk_store_be32(b + 1, 0xa1b2c3d4);
    assert_memory_equal(b, "\xee\xa1\xb2\xc3\xd4\x05", 6);
    slk_store_le32(b + 1, 0xa1b2c3d4);
    assert_memory_equal(b, "\xee\xd4\xc3\xb2\xa1\x05", 6);
    slk_store_be64(b + 1, UINT64_C(0x1112131415161718));
    assert_memory_equal(b, "\xee\x11\x12\x13\x14\x15\x16\x17\x18", 9);
    slk_store_le64(b + 1, UINT64_C(0x1112131415161718));
    assert_memory_equal(b, "\xee\x18\x17\x16\x15\x14\x13\x12\x11", 9);
}

/* spec/proofs-vanilla.md 1.1: r =
 * 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001 */
static void canonical_elements(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool canonical;
    } rows[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", true},
        {"00000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73", true},  /* r - 1 */
        {"01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73", false}, /* r */
        {"02000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73", false},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec73", true},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed73", false},
        /* Each limb decides when those above it are equal. */
        {"fffffffffffffffffd5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73", true},
        {"0000000000000000ff5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73", false},
        {"ffffffffffffffffffffffffffffffff04d8a10908d83933487d9d2953a7ed73", true},
        {"0000000000000000000000000000000006d8a10908d83933487d9d2953a7ed73", false},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_node_t node = node_from_hex(rows[i].hex);
        assert_int_equal(slk_node_is_canonical(&node), rows[i].canonical);
        assert_int_equal(slk_node_is_zero(&node), i == 0);
    }
}

/* --- CPU ------------------------------------------------------------------------------------ */

static void cpu_choice(void **state)
{
    (void)state;
    static const slk_cpu_t kernel[] = {SLK_CPU_IFMA, SLK_CPU_AVX2, SLK_CPU_PORTABLE};
    slk_diag_t diag;
    assert_true(slk_cpu_has(SLK_CPU_PORTABLE));
    assert_ok(slk_cpu_select("portable", &diag), diag);
    assert_int_equal(slk_cpu_selected(), SLK_CPU_PORTABLE);
    assert_int_equal(slk_cpu_pick(kernel), SLK_CPU_PORTABLE);

    assert_err(SLK_ERR_INPUT, slk_cpu_select("sse9", &diag));
    assert_non_null(strstr(diag.text, "sse9"));
    for (int i = 0; i < SLK_CPU_CNT; i++)
        assert_non_null(strstr(diag.text, slk_cpu_name((slk_cpu_t)i)));
    assert_int_equal(slk_cpu_selected(), SLK_CPU_PORTABLE);

    assert_int_equal(setenv("SELKIE_CPU", "sse10", 1), 0);
    assert_err(SLK_ERR_INPUT, slk_cpu_select(NULL, &diag));
    assert_non_null(strstr(diag.text, "SELKIE_CPU=sse10"));
    assert_int_equal(setenv("SELKIE_CPU", "", 1), 0);
    assert_ok(slk_cpu_select(NULL, &diag), diag);
    assert_int_equal(slk_cpu_selected(), SLK_CPU_AUTO);
    assert_int_equal(unsetenv("SELKIE_CPU"), 0);
    assert_ok(slk_cpu_select(NULL, &diag), diag);
    assert_int_equal(slk_cpu_selected(), SLK_CPU_AUTO);
    slk_cpu_t best = slk_cpu_has(SLK_CPU_IFMA)   ? SLK_CPU_IFMA
                     : slk_cpu_has(SLK_CPU_AVX2) ? SLK_CPU_AVX2
                                                 : SLK_CPU_PORTABLE;
    assert_int_equal(slk_cpu_pick(kernel), best);
}

static void cpu_that_is_not_there(void **state)
{
    (void)state;
    slk_diag_t diag;
    bool all = true;
    for (int i = 0; i < SLK_CPU_CNT; i++) {
        const char *name = slk_cpu_name((slk_cpu_t)i);
        if (slk_cpu_has((slk_cpu_t)i)) {
            assert_ok(slk_cpu_select(name, &diag), diag);
            assert_int_equal(slk_cpu_selected(), i);
            continue;
        }
        all = false;
        assert_err(SLK_ERR_UNSUPPORTED, slk_cpu_select(name, &diag));
        assert_non_null(strstr(diag.text, name));
        assert_non_null(strstr(diag.text, slk_cpu_needs((slk_cpu_t)i)));
    }
    assert_ok(slk_cpu_select("auto", &diag), diag);
    if (all)
        print_message("this CPU has every back end: the refusal of a missing one was not tested\n");
}

/* --- Errors --------------------------------------------------------------------------------- */

static void error_texts(void **state)
{
    (void)state;
#define CHECK_TEXT(num, name, text) assert_string_equal(slk_err_text(SLK_ERR_##name), text);
    SLK_ERR_LIST(CHECK_TEXT)
#undef CHECK_TEXT
    assert_string_equal(slk_err_text((slk_err_t)-1000), "unknown error");
    assert_err(SLK_ERR_PROOF, slk_fail(NULL, SLK_ERR_PROOF, "%d", 1));

    static slk_diag_t diag;
    char path[4096];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    assert_err(SLK_ERR_INPUT, slk_fail(&diag, SLK_ERR_INPUT, "%s: bad", path));
    assert_int_equal(strlen(diag.text), sizeof diag.text - 1);
}

static void errno_is_classed(void **state)
{
    (void)state;
    static const struct {
        int num;
        slk_err_t err;
    } rows[] = {
        {ENOSPC, SLK_ERR_NOSPACE},  {EDQUOT, SLK_ERR_NOSPACE}, {EFBIG, SLK_ERR_NOSPACE},
        {ENOENT, SLK_ERR_NOTFOUND}, {EACCES, SLK_ERR_PERM},    {EROFS, SLK_ERR_PERM},
        {ENOMEM, SLK_ERR_NOMEM},    {EIO, SLK_ERR_IO},         {EISDIR, SLK_ERR_INPUT},
    };
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        slk_diag_t diag;
        errno = rows[i].num;
        assert_err(rows[i].err, slk_fail_errno(&diag, "write", "/some/file"));
        assert_non_null(strstr(diag.text, "cannot write /some/file: "));
        assert_non_null(strstr(diag.text, strerror(rows[i].num)));
        assert_non_null(strchr(diag.text, ';')); /* what to do */
    }
}

/* A broken promise ends the process at once and says where. */
static void asserts_abort(void **state)
{
    (void)state;
    int ends[2];
    char said[256] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        SLK_ASSERT(pid > 0);
        _exit(0);
    }
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "test_base.c"));
    assert_non_null(strstr(said, "pid > 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_cover_exactly_once),
        cmocka_unit_test(many_short_loops),
        cmocka_unit_test(pool_sizes),
        cmocka_unit_test(progress_shows_what_was_done),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(hex),
        cmocka_unit_test(integers),
        cmocka_unit_test(canonical_elements),
        cmocka_unit_test(cpu_choice),
        cmocka_unit_test(cpu_that_is_not_there),
        cmocka_unit_test(error_texts),
        cmocka_unit_test(errno_is_classed),
        cmocka_unit_test(asserts_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
