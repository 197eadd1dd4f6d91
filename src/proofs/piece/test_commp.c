#include "test_util.h"

#include "selkie/fr32.h"
#include "selkie/piece.h"

#include <fcntl.h>
#include <pthread.h>

/* A reader over memory that delivers given amounts and can fail; it notes which thread called it.
 */
typedef struct {
    const uint8_t *data;
    size_t len, at, step;
    size_t fail_at; /* SLK_ERR_IO when that many bytes have gone */
    pthread_t caller;
    unsigned ends; /* times the end was told */
} source_t;

static slk_err_t source_read(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    source_t *s = ctx;
    assert_true(pthread_equal(s->caller, pthread_self()));
    assert_int_equal(s->ends, 0);
    assert_true(cap > 0);
    if (s->at >= s->fail_at)
        return slk_fail(diag, SLK_ERR_IO, "broken at %zu", s->at);
    size_t n = s->len - s->at < cap ? s->len - s->at : cap;
    if (s->step && n > s->step)
        n = s->step;
    memcpy(buf, s->data + s->at, n);
    s->at += n;
    s->ends += n == 0;
    *len = n;
    return SLK_OK;
}

static source_t source(const uint8_t *data, size_t len, size_t step)
{
    source_t s = {data, len, 0, step, SIZE_MAX, pthread_self(), 0};
    return s;
}

/* Collects what the sink gets. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
    size_t fail_at;
    pthread_t caller;
} taken_t;

static slk_err_t taken_write(void *ctx, const uint8_t *buf, size_t len, slk_diag_t *diag)
{
    taken_t *t = ctx;
    assert_true(pthread_equal(t->caller, pthread_self()));
    assert_true(len > 0 && len <= t->cap - t->len);
    if (t->len + len > t->fail_at)
        return slk_fail(diag, SLK_ERR_NOSPACE, "full at %zu", t->len);
    memcpy(t->data + t->len, buf, len);
    t->len += len;
    return SLK_OK;
}

static taken_t taken(size_t cap)
{
    taken_t t = {test_malloc(cap), 0, cap, SIZE_MAX, pthread_self()};
    assert_non_null(t.data);
    return t;
}

/* CommP by the definition: pad everything, hash row by row one node at a time. *leaves: padded
 * bytes, to be freed by the caller when not NULL. */
static slk_node_t naive_commp(const uint8_t *data, size_t len, uint64_t padded, uint8_t **leaves)
{
    size_t groups = padded / 128;
    uint8_t *raw = calloc(groups, 127);
    slk_node_t *rows = malloc(padded);
    assert_true(raw && rows);
    memcpy(raw, data, len);
    slk_fr32_pad((uint8_t *)rows, raw, groups);
    if (leaves) {
        *leaves = test_malloc(padded);
        memcpy(*leaves, rows, padded);
    }
    for (size_t cnt = padded / 64; cnt; cnt /= 2) {
        for (size_t i = 0; i < cnt; i++) {
            slk_node_t node;
            slk_sha256(&node, rows[2 * i].b, 64);
            node.b[31] &= 0x3f;
            rows[i] = node;
        }
    }
    slk_node_t root = rows[0];
    free(raw);
    free(rows);
    return root;
}

/* Rows are "data('NAME', N)" and "N zero bytes". */
static void vectors(void **state)
{
    (void)state;
    json_t *rows = test_vectors("commp.json"), *row;
    size_t i;
    assert_true(json_array_size(rows) >= 14);
    slk_pool_t *pool;
    slk_diag_t diag;
    assert_ok(slk_pool_new(&pool, 2, &diag), diag);
    slk_job_t job = {.pool = pool};
    json_array_foreach(rows, i, row)
    {
        size_t len = (size_t)json_integer_value(json_object_get(row, "unpadded_bytes"));
        const char *how = json_string_value(json_object_get(row, "data"));
        const char *want = json_string_value(json_object_get(row, "comm_p"));
        assert_true(how && want && len);
        uint8_t *data = calloc(1, len);
        assert_non_null(data);
        char name[64];
        if (sscanf(how, "data('%63[^']'", name) == 1)
            test_data(data, len, name);
        else
            assert_non_null(strstr(how, "zero bytes"));
        for (int given = 0; given < 2; given++) {
            source_t s = source(data, len, 0);
            slk_commp_t got;
            uint64_t padded = len / 127 * 128;
            assert_ok(slk_commp(&got, given ? padded : 0, source_read, &s, NULL, NULL, &job, &diag),
                      diag);
            assert_node_hex(&got.piece.comm_p, want);
            assert_true(got.piece.padded == padded && got.raw == len);
        }
        free(data);
    }
    slk_pool_free(pool);
    json_decref(rows);
}

/* Lengths round the borders of group, task and chunk, with the piece as small as possible and
 * larger, on one and on several threads, with a sink: all against the definition. */
static void borders(void **state)
{
    (void)state;
    static const size_t lens[] = {0,       1,       126,     127,     128,     255,
                                  508,     4064,    5000,    65024,   130047,  130048,
                                  130049,  260096,  260097,  1000000, 1040383, 1040384,
                                  1040385, 1040511, 1300000, 2080768, 2080769};
    size_t max = lens[sizeof lens / sizeof lens[0] - 1];
    uint8_t *data = malloc(max);
    assert_non_null(data);
    test_data(data, max, "commp borders");
    slk_pool_t *pool;
    slk_diag_t diag;
    assert_ok(slk_pool_new(&pool, 3, &diag), diag);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        uint64_t tight = slk_piece_padded_for(lens[i]);
        uint8_t *leaves;
        slk_node_t want = naive_commp(data, lens[i], tight, &leaves);
        for (unsigned row = 0; row < 4; row++) {
            /* The size left open, given as it would be chosen, given twice and eight times as
             * large. */
            static const unsigned shift[] = {0, 0, 1, 3};
            uint64_t padded = tight << shift[row];
            slk_node_t pair[2] = {want};
            for (uint64_t sz = tight; sz < padded; sz *= 2) {
                slk_piece_zero(&pair[1], sz);
                slk_sha256(&pair[0], pair, 64);
                slk_trunc254(&pair[0]);
            }
            source_t s = source(data, lens[i], 0);
            taken_t t = taken(padded);
            slk_job_t job = {.pool = i % 2 ? pool : NULL};
            slk_commp_t got;
            assert_ok(
                slk_commp(&got, row ? padded : 0, source_read, &s, taken_write, &t, &job, &diag),
                diag);
            assert_memory_equal(&got.piece.comm_p, &pair[0], 32);
            assert_true(got.piece.padded == padded && got.raw == lens[i]);
            assert_int_equal(s.ends, 1);
            assert_int_equal(t.len, row ? padded : (lens[i] + 126) / 127 * 128);
            assert_memory_equal(t.data, leaves, t.len < tight ? t.len : tight);
            if (t.len > tight)
                assert_true(t.data[tight] == 0 &&
                            memcmp(t.data + tight, t.data + tight + 1, t.len - tight - 1) == 0);
            test_free(t.data);
        }
        test_free(leaves);
    }
    slk_pool_free(pool);
    free(data);
}

/* Odd amounts from the reader, 1 to 4 threads and none: always the same. */
static void steps_and_threads(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 126, 127, 128, 4097, 130049, 1 << 20};
    size_t len = 1200000;
    uint8_t *data = malloc(len);
    assert_non_null(data);
    test_data(data, len, "commp steps");
    slk_node_t want = naive_commp(data, len, slk_piece_padded_for(len), NULL);
    for (unsigned threads = 1; threads <= 4; threads++) {
        slk_pool_t *pool;
        slk_diag_t diag;
        assert_ok(slk_pool_new(&pool, threads, &diag), diag);
        slk_job_t job = {.pool = pool};
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            source_t s = source(data, len, steps[i]);
            slk_commp_t got;
            assert_ok(
                slk_commp(&got, 0, source_read, &s, NULL, NULL, threads == 1 ? NULL : &job, &diag),
                diag);
            assert_memory_equal(&got.piece.comm_p, &want, 32);
            assert_true(got.raw == len);
        }
        slk_pool_free(pool);
    }
    free(data);
}

static void too_much(void **state)
{
    (void)state;
    static uint8_t data[3 << 20];
    static const uint64_t sizes[] = {128, 256, 2048, 131072, 1 << 20, 2 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        slk_diag_t diag = {""};
        slk_commp_t got;
        size_t fits = sizes[i] / 128 * 127;
        source_t s = source(data, fits + 1, 0);
        assert_err(SLK_ERR_LENGTH,
                   slk_commp(&got, sizes[i], source_read, &s, NULL, NULL, NULL, &diag));
        assert_non_null(strstr(diag.text, "choose a larger piece size"));
        s = source(data, fits, 0);
        assert_ok(slk_commp(&got, sizes[i], source_read, &s, NULL, NULL, NULL, &diag), diag);
    }
}

static void bad_sizes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 32, 64, 127, 129, 384, 3 << 20, UINT64_C(128) << 30};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        slk_diag_t diag = {""};
        slk_commp_t got;
        source_t s = source(NULL, 0, 0);
        assert_err(SLK_ERR_INPUT,
                   slk_commp(&got, sizes[i], source_read, &s, NULL, NULL, NULL, &diag));
        assert_non_null(strstr(diag.text, "expected a power of two"));
    }
}

/* Errors of reader and sink come through, early and late, with their sentence. */
static void errors_pass(void **state)
{
    (void)state;
    size_t len = 3000000;
    uint8_t *data = calloc(1, len);
    slk_pool_t *pool;
    slk_diag_t diag;
    assert_ok(slk_pool_new(&pool, 2, &diag), diag);
    slk_job_t job = {.pool = pool};
    for (size_t at = 0; at < len; at += 700001) {
        slk_commp_t got;
        source_t s = source(data, len, 10007);
        s.fail_at = at;
        assert_err(SLK_ERR_IO, slk_commp(&got, 0, source_read, &s, NULL, NULL, &job, &diag));
        assert_non_null(strstr(diag.text, "broken at "));
        s = source(data, len, 0);
        taken_t t = taken(8 << 20);
        t.fail_at = at;
        assert_err(SLK_ERR_NOSPACE,
                   slk_commp(&got, 8 << 20, source_read, &s, taken_write, &t, &job, &diag));
        assert_non_null(strstr(diag.text, "full at "));
        test_free(t.data);
    }
    taken_t t = taken(8 << 20);
    source_t s = source(data, len, 0);
    slk_commp_t got;
    t.fail_at = 5 << 20; /* in the zeros behind the data */
    assert_err(SLK_ERR_NOSPACE,
               slk_commp(&got, 8 << 20, source_read, &s, taken_write, &t, &job, &diag));
    test_free(t.data);
    slk_pool_free(pool);
    free(data);
}

/* Asks to stop when some data has gone. */
typedef struct {
    source_t source;
    size_t stop_at;
    atomic_bool cancel;
} stopping_t;

static slk_err_t stopping_read(void *ctx, uint8_t *buf, size_t cap, size_t *len, slk_diag_t *diag)
{
    stopping_t *s = ctx;
    if (s->source.at >= s->stop_at)
        atomic_store(&s->cancel, true);
    return source_read(&s->source, buf, cap, len, diag);
}

static void cancel_and_progress(void **state)
{
    (void)state;
    size_t len = 2500000;
    uint8_t *data = calloc(1, len);
    slk_diag_t diag;
    slk_commp_t got;
    slk_progress_view_t view;
    stopping_t s = {.source = source(data, len, 50000), .stop_at = 1500000};
    slk_job_t job = {.progress = slk_progress_new(), .cancel = &s.cancel};
    assert_non_null(job.progress);
    assert_err(SLK_ERR_CANCELLED, slk_commp(&got, 0, stopping_read, &s, NULL, NULL, &job, &diag));
    assert_non_null(strstr(diag.text, "interrupted after 15"));
    assert_true(s.source.at < s.stop_at + 100000);

    atomic_store(&s.cancel, false);
    for (uint64_t padded = 0; padded <= 4 << 20; padded += 4 << 20) {
        source_t all = source(data, len, 0);
        assert_ok(slk_commp(&got, padded, source_read, &all, NULL, NULL, &job, &diag), diag);
        slk_progress_view(job.progress, &view);
        assert_string_equal(view.stage, "CommP");
        assert_string_equal(view.unit, "B");
        assert_true(view.total == padded / 128 * 127);
        assert_true(view.done == (padded ? view.total : len));
        assert_true(view.ended > 0);
    }
    slk_progress_free(job.progress);
    free(data);
}

static void descriptors(void **state)
{
    (void)state;
    char dir[64], path[128];
    test_tmp_dir(dir);
    snprintf(path, sizeof path, "%s/data", dir);
    static uint8_t data[200000];
    test_data(data, sizeof data, "commp fd");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, sizeof data), sizeof data);

    slk_diag_t diag;
    slk_commp_t got;
    slk_job_t job = {.progress = slk_progress_new()};
    static const size_t from[] = {0, 1, 100000, sizeof data};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        size_t len = sizeof data - from[i];
        slk_node_t want = naive_commp(data + from[i], len, slk_piece_padded_for(len), NULL);
        assert_true(lseek(fd, (off_t)from[i], SEEK_SET) >= 0);
        assert_ok(slk_commp_fd(&got, 0, fd, path, &job, &diag), diag);
        assert_memory_equal(&got.piece.comm_p, &want, 32);
        assert_true(got.raw == len);
        slk_progress_view_t view;
        slk_progress_view(job.progress, &view);
        assert_true(view.total == len && view.done == len);
    }
    slk_progress_free(job.progress);

    /* Too long is said before anything is read; the path is named. */
    assert_true(lseek(fd, 0, SEEK_SET) == 0);
    assert_err(SLK_ERR_LENGTH, slk_commp_fd(&got, 131072, fd, path, NULL, &diag));
    assert_non_null(strstr(diag.text, path));
    assert_true(lseek(fd, 0, SEEK_CUR) == 0);
    close(fd);

    fd = open(dir, O_RDONLY);
    assert_err(SLK_ERR_INPUT, slk_commp_fd(&got, 0, fd, dir, NULL, &diag));
    close(fd);

    /* A pipe has no length. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], data, 300), 300);
    close(ends[1]);
    assert_ok(slk_commp_fd(&got, 0, ends[0], "pipe", NULL, &diag), diag);
    slk_node_t want = naive_commp(data, 300, 512, NULL);
    assert_memory_equal(&got.piece.comm_p, &want, 32);
    close(ends[0]);
    test_rm_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(borders),
        cmocka_unit_test(steps_and_threads),
        cmocka_unit_test(too_much),
        cmocka_unit_test(bad_sizes),
        cmocka_unit_test(errors_pass),
        cmocka_unit_test(cancel_and_progress),
        cmocka_unit_test(descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
