#include "crypto/fft/fft.h"

#include "base/assert.h"
#include "test_util.h"

static void fill(slk_fr_t *a, size_t cnt, const char *name)
{
    uint8_t *bytes = malloc(cnt * 32);
    test_data(bytes, cnt * 32, name);
    for (size_t i = 0; i < cnt; i++) {
        slk_node_t node;
        memcpy(node.b, bytes + 32 * i, 32);
        node.b[31] &= 0x3f;
        assert_true(slk_fr_from_node(&a[i], &node));
    }
    /* The ends of the range, too. */
    slk_fr_t one;
    slk_fr_from_u64(&one, 1);
    slk_fr_from_u64(&a[0], 0);
    if (cnt > 1)
        slk_fr_sub(&a[1], &a[0], &one);
    free(bytes);
}

static slk_fr_t *make(size_t cnt, const char *name)
{
    slk_fr_t *a = malloc(cnt * sizeof *a);
    fill(a, cnt, name);
    return a;
}

static slk_fr_t *copy(const slk_fr_t *a, size_t cnt)
{
    slk_fr_t *out = malloc(cnt * sizeof *a);
    memcpy(out, a, cnt * sizeof *a);
    return out;
}

static void power(slk_fr_t *out, const slk_fr_t *a, uint64_t exponent)
{
    slk_fr_from_u64(out, 1);
    for (unsigned i = 64; i-- > 0;) {
        slk_fr_sqr(out, out);
        if (exponent >> i & 1)
            slk_fr_mul(out, out, a);
    }
}

/* omega = 7^((r-1) / n). */
static void omega_of(slk_fr_t *out, unsigned log_n)
{
    slk_node_t top = node_from_hex(
        "00000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73"); /* r - 1 */
    slk_fr_t seven;
    slk_fr_from_u64(&seven, 7);
    slk_fr_from_u64(out, 1);
    for (unsigned i = 256; i-- > log_n;) {
        slk_fr_sqr(out, out);
        if (top.b[i / 8] >> (i % 8) & 1)
            slk_fr_mul(out, out, &seven);
    }
}

static void evaluate(slk_fr_t *out, const slk_fr_t *a, size_t cnt, const slk_fr_t *x)
{
    slk_fr_from_u64(out, 0);
    for (size_t i = cnt; i-- > 0;) {
        slk_fr_mul(out, out, x);
        slk_fr_add(out, out, &a[i]);
    }
}

static slk_ntt_t *domain(const char *cpu, unsigned log_n)
{
    slk_diag_t diag;
    slk_ntt_t *ntt;
    assert_ok(slk_cpu_select(cpu, &diag), diag);
    assert_ok(slk_ntt_new(&ntt, log_n, &diag), diag);
    assert_ok(slk_cpu_select(NULL, &diag), diag);
    assert_int_equal(slk_ntt_size(ntt), UINT64_C(1) << log_n);
    return ntt;
}

/* Calls fn for the back ends that this machine has. */
static void each_backend(void (*fn)(const char *cpu))
{
    const slk_cpu_t *list = slk_ntt_backends();
    for (;; list++) {
        if (slk_cpu_has(*list))
            fn(slk_cpu_name(*list));
        if (*list == SLK_CPU_PORTABLE)
            return;
    }
}

/* Values of a at all points, or at `probes` of them. */
static void check_values(const slk_fr_t *a, const slk_fr_t *values, unsigned log_n, bool coset,
                         size_t probes)
{
    slk_fr_t omega, shift, x, want;
    size_t n = (size_t)1 << log_n, step = probes && n > probes ? n / probes + 1 : 1;
    omega_of(&omega, log_n);
    slk_fr_from_u64(&shift, coset ? 7 : 1);
    for (size_t i = 0; i < n; i += step) {
        power(&x, &omega, i);
        slk_fr_mul(&x, &x, &shift);
        evaluate(&want, a, n, &x);
        if (!slk_fr_eq(&want, &values[i]))
            fail_msg("2^%u points, coset %d: value %zu is wrong", log_n, coset, i);
    }
}

static void naive_of(const char *cpu)
{
    slk_diag_t diag;
    for (unsigned log_n = 0; log_n <= 13; log_n++) {
        size_t n = (size_t)1 << log_n;
        slk_ntt_t *ntt = domain(cpu, log_n);
        slk_fr_t *a = make(n, "fft/naive");
        for (int coset = 0; coset < 2; coset++) {
            slk_fr_t *v = copy(a, n);
            assert_ok(slk_ntt_forward(ntt, v, coset, NULL, &diag), diag);
            check_values(a, v, log_n, coset, log_n <= 6 ? 0 : 5);
            assert_ok(slk_ntt_inverse(ntt, v, coset, NULL, &diag), diag);
            assert_memory_equal(v, a, n * sizeof *a);
            free(v);
        }
        free(a);
        slk_ntt_free(ntt);
    }
}

static void test_naive(void **state)
{
    (void)state;
    each_backend(naive_of);
}

/* Back ends against each other, several arrays at once. */
static void test_backends_agree(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_fr_t *want = NULL;
    for (unsigned log_n = 0; log_n <= 14; log_n++) {
        size_t n = (size_t)1 << log_n;
        const slk_cpu_t *list = slk_ntt_backends();
        for (;; list++) {
            if (slk_cpu_has(*list)) {
                slk_ntt_t *ntt = domain(slk_cpu_name(*list), log_n);
                slk_fr_t *v[3] = {make(n, "fft/a"), make(n, "fft/b"), make(n, "fft/c")};
                assert_ok(slk_ntt_inverse_reversed(ntt, v, 3, NULL, &diag), diag);
                assert_ok(slk_ntt_forward_reversed(ntt, v, 2, true, NULL, &diag), diag);
                slk_fr_t *all = malloc(3 * n * sizeof *all);
                for (unsigned i = 0; i < 3; i++)
                    memcpy(all + i * n, v[i], n * sizeof *all);
                if (want)
                    assert_memory_equal(all, want, 3 * n * sizeof *all);
                free(want);
                want = all;
                for (unsigned i = 0; i < 3; i++)
                    free(v[i]);
                slk_ntt_free(ntt);
            }
            if (*list == SLK_CPU_PORTABLE)
                break;
        }
        free(want);
        want = NULL;
    }
}

/* Three passes, which takes 2^21 points: by the best back end only. */
static void test_large(void **state)
{
    (void)state;
    slk_diag_t diag;
    enum { LOG = 21 };
    size_t n = (size_t)1 << LOG;
    if (slk_ntt_backends()[0] == SLK_CPU_PORTABLE || !slk_cpu_has(slk_ntt_backends()[0]))
        skip();
    slk_ntt_t *ntt = domain("auto", LOG);
    slk_fr_t *a = malloc(n * sizeof *a), ratio;
    fill(a, 2, "fft/large");
    slk_fr_from_u64(&ratio, 5);
    for (size_t i = 2; i < n; i++)
        slk_fr_mul(&a[i], &a[i - 1], &ratio);
    slk_fr_t *v = copy(a, n);
    assert_ok(slk_ntt_forward(ntt, v, true, NULL, &diag), diag);
    check_values(a, v, LOG, true, 2);
    assert_ok(slk_ntt_inverse(ntt, v, true, NULL, &diag), diag);
    assert_memory_equal(v, a, n * sizeof *a);
    free(v);
    free(a);
    slk_ntt_free(ntt);
}

static slk_region_t region(const slk_fr_t *a, size_t cnt)
{
    slk_region_t out = {0};
    slk_diag_t diag;
    assert_ok(slk_region_anon(&out, cnt * sizeof *a, &diag), diag);
    memcpy(out.ptr, a, cnt * sizeof *a);
    return out;
}

/* The quotient of coefficients: (A * B - C) by x^n - 1, remainder 0 since c = a * b. */
static void qap_of(const char *cpu)
{
    slk_diag_t diag;
    for (unsigned log_n = 0; log_n <= 8; log_n++) {
        size_t n = (size_t)1 << log_n;
        slk_ntt_t *ntt = domain(cpu, log_n);
        slk_fr_t *a = make(n, "qap/a"), *b = make(n, "qap/b"), *c = copy(a, n);
        for (size_t i = 0; i < n; i++)
            slk_fr_mul(&c[i], &a[i], &b[i]);
        slk_region_t ra = region(a, n), rb = region(b, n), rc = region(c, n);
        assert_ok(slk_qap_h(&ra, &rb, &rc, ntt, NULL, &diag), diag);
        assert_null(rb.ptr);
        assert_null(rc.ptr);
        assert_ok(slk_ntt_inverse(ntt, a, false, NULL, &diag), diag);
        assert_ok(slk_ntt_inverse(ntt, b, false, NULL, &diag), diag);
        assert_ok(slk_ntt_inverse(ntt, c, false, NULL, &diag), diag);
        slk_fr_t *p = calloc(2 * n, sizeof *p), t;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                slk_fr_mul(&t, &a[i], &b[j]);
                slk_fr_add(&p[i + j], &p[i + j], &t);
            }
        }
        for (size_t i = 0; i < n; i++)
            slk_fr_sub(&p[i], &p[i], &c[i]);
        for (size_t i = n; i < 2 * n; i++)
            slk_fr_add(&p[i - n], &p[i - n], &p[i]);
        assert_memory_equal(ra.ptr, p + n, n * sizeof *p);
        slk_fr_from_u64(&t, 0);
        for (size_t i = 0; i < n; i++)
            assert_true(slk_fr_eq(&p[i], &t));
        assert_true(slk_fr_eq(&p[2 * n - 1], &t));
        free(p);
        free(a);
        free(b);
        free(c);
        slk_region_free(&ra);
        slk_ntt_free(ntt);
    }
}

static void test_qap(void **state)
{
    (void)state;
    each_backend(qap_of);
}

/* One wrong value of c shows in the last coefficient. */
static void test_qap_wrong(void **state)
{
    (void)state;
    enum { LOG = 6, N = 1 << LOG };
    slk_diag_t diag;
    slk_ntt_t *ntt = domain("auto", LOG);
    slk_fr_t *a = make(N, "qap/a"), *b = make(N, "qap/b"), *c = copy(a, N), zero;
    for (size_t i = 0; i < N; i++)
        slk_fr_mul(&c[i], &a[i], &b[i]);
    slk_fr_add(&c[17], &c[17], &b[3]);
    slk_region_t ra = region(a, N), rb = region(b, N), rc = region(c, N);
    assert_ok(slk_qap_h(&ra, &rb, &rc, ntt, NULL, &diag), diag);
    slk_fr_from_u64(&zero, 0);
    assert_false(slk_fr_eq((slk_fr_t *)(void *)ra.ptr + N - 1, &zero));
    slk_region_free(&ra);
    free(a);
    free(b);
    free(c);
    slk_ntt_free(ntt);
}

static void threads_of(const char *cpu)
{
    enum { LOG = 12, N = 1 << LOG };
    slk_diag_t diag;
    slk_ntt_t *ntt = domain(cpu, LOG);
    slk_fr_t *a = make(N, "qap/a"), *b = make(N, "qap/b"), *c = make(N, "qap/c");
    slk_region_t want = {0};
    for (unsigned threads = 1; threads <= 3; threads++) {
        slk_job_t job = {.progress = slk_progress_new()};
        slk_progress_view_t view;
        assert_ok(slk_pool_new(&job.pool, threads, &diag), diag);
        slk_region_t ra = region(a, N), rb = region(b, N), rc = region(c, N);
        assert_ok(slk_qap_h(&ra, &rb, &rc, ntt, &job, &diag), diag);
        slk_progress_view(job.progress, &view);
        assert_string_equal(view.stage, "QAP");
        assert_int_equal(view.done, view.total);
        if (want.ptr) {
            assert_memory_equal(ra.ptr, want.ptr, want.len);
            slk_region_free(&ra);
        } else {
            want = ra;
        }
        slk_pool_free(job.pool);
        slk_progress_free(job.progress);
    }
    slk_region_free(&want);
    free(a);
    free(b);
    free(c);
    slk_ntt_free(ntt);
}

static void test_threads(void **state)
{
    (void)state;
    each_backend(threads_of);
}

static void test_cancel(void **state)
{
    (void)state;
    enum { LOG = 8, N = 1 << LOG };
    slk_diag_t diag;
    atomic_bool stop = true;
    slk_job_t job = {.cancel = &stop};
    slk_ntt_t *ntt = domain("auto", LOG);
    slk_fr_t *a = make(N, "qap/a");
    assert_err(SLK_ERR_CANCELLED, slk_ntt_forward(ntt, a, false, &job, &diag));
    assert_err(SLK_ERR_CANCELLED, slk_ntt_inverse(ntt, a, true, &job, &diag));
    slk_region_t ra = region(a, N), rb = region(a, N), rc = region(a, N);
    assert_err(SLK_ERR_CANCELLED, slk_qap_h(&ra, &rb, &rc, ntt, &job, &diag));
    slk_region_free(&ra);
    slk_region_free(&rb);
    slk_region_free(&rc);
    free(a);
    slk_ntt_free(ntt);
}

static void test_log(void **state)
{
    (void)state;
    static const struct {
        uint64_t cnt;
        unsigned log;
    } rows[] = {{0, 0}, {1, 0}, {2, 1}, {3, 2}, {1024, 10}, {1025, 11}, {130278870, 27}};
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        assert_int_equal(slk_ntt_log(rows[i].cnt), rows[i].log);
}

static void test_figures(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_ntt_figures_t f;
    assert_ok(slk_ntt_bench(&f, 10, 2, true, NULL, &diag), diag);
    assert_true(f.forward > 0 && f.inverse > 0 && f.qap > f.forward_reversed);
    assert_true(f.butterfly_ns > 0 && f.fr_mul_ns > 0);
}

/* test_fft LOG [ROUNDS [THREADS]]: figures of every back end. */
static int show(int argc, char **argv)
{
    slk_diag_t diag;
    slk_job_t job = {0};
    unsigned log_n = (unsigned)atoi(argv[1]), rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
    if (slk_pool_new(&job.pool, argc > 3 ? (unsigned)atoi(argv[3]) : 1, &diag) != SLK_OK)
        return 1;
    for (const slk_cpu_t *list = slk_ntt_backends();; list++) {
        slk_ntt_figures_t f;
        if (slk_cpu_has(*list)) {
            if (slk_cpu_select(slk_cpu_name(*list), &diag) != SLK_OK ||
                slk_ntt_bench(&f, log_n, rounds, true, &job, &diag) != SLK_OK) {
                fprintf(stderr, "%s\n", diag.text);
                return 1;
            }
            printf("%-8s 2^%u: forward %.2f ms (reversed %.2f), inverse %.2f ms (reversed %.2f), "
                   "qap %.2f ms, butterfly %.2f ns, fr_mul %.2f ns\n",
                   slk_cpu_name(*list), log_n, 1e3 * f.forward, 1e3 * f.forward_reversed,
                   1e3 * f.inverse, 1e3 * f.inverse_reversed, 1e3 * f.qap, f.butterfly_ns,
                   f.fr_mul_ns);
        }
        if (*list == SLK_CPU_PORTABLE)
            break;
    }
    slk_pool_free(job.pool);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_naive),     cmocka_unit_test(test_backends_agree),
        cmocka_unit_test(test_large),     cmocka_unit_test(test_qap),
        cmocka_unit_test(test_qap_wrong), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_cancel),    cmocka_unit_test(test_log),
        cmocka_unit_test(test_figures),
    };
    if (argc > 1)
        return show(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
