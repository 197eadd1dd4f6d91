/* Each back end against the portable one, with what a layer or a product could overflow on: tiles
 * of all widths, factors of no domain, elements 0, 1 and r - 1. */

#include "crypto/fft/fft_impl.h"

#include "test_util.h"

enum { TILE = 1 << SLK_NTT_TILE_LOG, LANES = SLK_NTT_LANES, ELEMENTS = 4 * SLK_NTT_SCALE };

static const struct {
    slk_cpu_t cpu;
    const slk_ntt_kernel_t *kernel;
} rows[] = {
#if defined(__x86_64__)
    {SLK_CPU_IFMA, &slk_ntt_ifma},
    {SLK_CPU_AVX512, &slk_ntt_avx512},
    {SLK_CPU_AVX2, &slk_ntt_avx2},
#endif
    {SLK_CPU_PORTABLE, &slk_ntt_portable},
};

/* What arrays are made of. */
typedef enum { ZERO, ONE, MINUS_ONE, ENDS, RANDOM, KINDS } kind_t;

static void fill(slk_fr_t *a, size_t cnt, kind_t kind, unsigned seed)
{
    static const slk_fr_t zero;
    slk_fr_t ends[3], random, ratio;
    ends[ZERO] = zero;
    slk_fr_from_u64(&ends[ONE], 1);
    slk_fr_sub(&ends[MINUS_ONE], &zero, &ends[ONE]);
    slk_fr_from_u64(&ratio, UINT64_C(0x9e3779b97f4a7c15));
    slk_fr_from_u64(&random, 3 + seed);
    for (size_t i = 0; i < cnt; i++) {
        slk_fr_mul(&random, &random, &ratio);
        a[i] = kind == RANDOM ? random : ends[kind == ENDS ? random.l[1] % 3 : (unsigned)kind];
    }
}

/* r - 1 as it is in memory, and other words near r: values that are large before they are
 * reduced. */
static void largest(slk_fr_t *a, size_t cnt)
{
    const slk_fr_t r = {{UINT64_C(0xffffffff00000001), UINT64_C(0x53bda402fffe5bfe),
                         UINT64_C(0x3339d80809a1d805), UINT64_C(0x73eda753299d7d48)}};
    for (size_t i = 0; i < cnt; i++) {
        a[i] = r;
        a[i].l[0] -= 1 + i % 7;
    }
}

static void fill_any(slk_fr_t *a, size_t cnt, unsigned kind, unsigned seed)
{
    if (kind == KINDS)
        largest(a, cnt);
    else
        fill(a, cnt, (kind_t)kind, seed);
}

static void *memory(size_t bytes)
{
    void *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(out);
    return out;
}

/* out: the tile after `down` or `up`, of the same data, rows and roots each time. */
static void transform(slk_fr_t *out, const slk_ntt_kernel_t *kernel, unsigned k, unsigned kind,
                      unsigned factors, bool up)
{
    static slk_fr_t data[TILE * LANES], w[TILE];
    slk_fr_t roots[LANES];
    size_t cnt = (size_t)1 << k;
    slk_ntt_stride_t by_lane = {.lane = cnt, .element = 1},
                     by_element = {.lane = 1, .element = LANES};
    uint8_t *tile = memory(kernel->vector * cnt), *tw = memory(kernel->vector * cnt),
            *made = memory(kernel->row * cnt);
    fill_any(data, cnt * LANES, kind, 1);
    fill_any(w, cnt, factors, 2);
    fill_any(roots, LANES, factors, 3);
    kernel->make_rows(made, w, cnt);
    kernel->twiddles(tw, made, roots, k);
    kernel->load(tile, data, up ? by_lane : by_element, cnt);
    (up ? kernel->up : kernel->down)(tile, tw, k);
    kernel->store(out, up ? by_lane : by_element, tile, cnt);
    free(tile);
    free(tw);
    free(made);
}

static void test_tiles(void **state)
{
    (void)state;
    static slk_fr_t want[TILE * LANES], got[TILE * LANES];
    for (unsigned k = 1; k <= SLK_NTT_TILE_LOG; k++)
        for (unsigned kind = 0; kind <= KINDS; kind++)
            for (unsigned pick = 0; pick < 4; pick++) {
                const unsigned factors[] = {ONE, MINUS_ONE, RANDOM, KINDS};
                bool up = (k + kind + pick) & 1;
                transform(want, &slk_ntt_portable, k, kind, factors[pick], up);
                for (size_t i = 0; rows[i].cpu != SLK_CPU_PORTABLE; i++) {
                    if (!slk_cpu_has(rows[i].cpu))
                        continue;
                    transform(got, rows[i].kernel, k, kind, factors[pick], up);
                    if (memcmp(want, got, (sizeof *got * LANES) << k) != 0)
                        fail_msg("%s: tile of 2^%u, data %u, factors %u, up %d",
                                 slk_cpu_name(rows[i].cpu), k, kind, factors[pick], up);
                }
            }
}

typedef struct {
    slk_fr_t product[ELEMENTS], join[ELEMENTS], scale[ELEMENTS];
} results_t;

static void elements(results_t *out, const slk_ntt_kernel_t *kernel, unsigned kind, unsigned other)
{
    slk_fr_t b[ELEMENTS], c[ELEMENTS], factors[2];
    fill_any(out->product, ELEMENTS, kind, 4);
    fill_any(b, ELEMENTS, other, 5);
    fill_any(c, ELEMENTS, kind, 6);
    fill_any(factors, 2, other, 7);
    memcpy(out->join, out->product, sizeof out->join);
    memcpy(out->scale, out->product, sizeof out->scale);
    kernel->product(out->product, b, ELEMENTS);
    kernel->join(out->join, b, c, ELEMENTS, &factors[0], &factors[1]);
    kernel->scale(out->scale, ELEMENTS, b, &factors[0]);
}

static void test_elements(void **state)
{
    (void)state;
    static results_t want, got;
    for (unsigned kind = 0; kind <= KINDS; kind++)
        for (unsigned other = 0; other <= KINDS; other++) {
            elements(&want, &slk_ntt_portable, kind, other);
            for (size_t i = 0; rows[i].cpu != SLK_CPU_PORTABLE; i++) {
                if (!slk_cpu_has(rows[i].cpu))
                    continue;
                elements(&got, rows[i].kernel, kind, other);
                if (memcmp(&want, &got, sizeof got) != 0)
                    fail_msg("%s: elements %u by %u", slk_cpu_name(rows[i].cpu), kind, other);
            }
        }
}

/* The portable one against single multiplications. */
static void test_portable(void **state)
{
    (void)state;
    static results_t got;
    slk_fr_t a[ELEMENTS], b[ELEMENTS], c[ELEMENTS], factors[2], power, x, y;
    fill(a, ELEMENTS, RANDOM, 4);
    fill(b, ELEMENTS, RANDOM, 5);
    fill(c, ELEMENTS, RANDOM, 6);
    fill(factors, 2, RANDOM, 7);
    elements(&got, &slk_ntt_portable, RANDOM, RANDOM);
    slk_fr_from_u64(&power, 1);
    for (size_t i = 0; i < ELEMENTS; i++) {
        slk_fr_mul(&x, &a[i], &b[i]);
        assert_true(slk_fr_eq(&x, &got.product[i]));
        slk_fr_mul(&x, &x, &factors[0]);
        slk_fr_mul(&y, &c[i], &factors[1]);
        slk_fr_add(&x, &x, &y);
        assert_true(slk_fr_eq(&x, &got.join[i]));
        if (i && i % SLK_NTT_SCALE == 0)
            slk_fr_mul(&power, &power, &factors[0]);
        slk_fr_mul(&x, &a[i], &b[i % SLK_NTT_SCALE]);
        slk_fr_mul(&x, &x, &power);
        assert_true(slk_fr_eq(&x, &got.scale[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_portable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
