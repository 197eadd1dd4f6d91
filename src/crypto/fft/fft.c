#include "crypto/fft/fft_impl.h"

#include "base/assert.h"
#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define BACKENDS_X86(X) X(IFMA, &slk_ntt_ifma) X(AVX512, &slk_ntt_avx512) X(AVX2, &slk_ntt_avx2)
#else
#define BACKENDS_X86(X)
#endif
#define BACKENDS(X) BACKENDS_X86(X) X(PORTABLE, &slk_ntt_portable)

static const slk_cpu_t backends[] = {
#define BACKEND_CPU(id, kernel) SLK_CPU_##id,
    BACKENDS(BACKEND_CPU)
#undef BACKEND_CPU
};

static const slk_ntt_kernel_t *const kernels[SLK_CPU_CNT] = {
#define BACKEND_ROW(id, kernel) [SLK_CPU_##id] = (kernel),
    BACKENDS(BACKEND_ROW)
#undef BACKEND_ROW
};

/* Of order 2^32, little-endian. */
static const slk_node_t root_of_unity = {{0x2b, 0x0d, 0x9f, 0x43, 0x1f, 0x97, 0x29, 0x38,
                                          0xb9, 0x80, 0x22, 0x8c, 0x50, 0x83, 0x36, 0xb6,
                                          0xb4, 0x13, 0xc8, 0x22, 0x19, 0x68, 0x9b, 0xd0,
                                          0x20, 0x1f, 0xe8, 0xdf, 0x9e, 0xa1, 0xa2, 0x16}};

enum { LANES = SLK_NTT_LANES, LOG_LANES = 3, ALIGN = 64, ARRAYS_MAX = 3 };

const slk_cpu_t *slk_ntt_backends(void)
{
    return backends;
}
uint64_t slk_ntt_size(const slk_ntt_t *ntt)
{
    return UINT64_C(1) << ntt->log_n;
}

unsigned slk_ntt_log(uint64_t cnt)
{
    unsigned log = 0;
    while (log < 63 && UINT64_C(1) << log < cnt)
        log++;
    return log;
}

void slk_ntt_pow(slk_fr_t *out, const slk_fr_t *a, uint64_t exponent)
{
    slk_fr_t base = *a, result;
    slk_fr_from_u64(&result, 1);
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            slk_fr_mul(&result, &result, &base);
        slk_fr_sqr(&base, &base);
    }
    *out = result;
}

void slk_ntt_coset(slk_fr_t *generator, slk_fr_t *inverse)
{
    slk_fr_from_u64(generator, 7);
    slk_fr_inv(inverse, generator);
}

/* --- Domain ---------------------------------------------------------------------------------- */

static uint64_t reverse(uint64_t x, unsigned bits)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < bits; i++)
        out |= (x >> i & 1) << (bits - 1 - i);
    return out;
}

/* omega^exponent. */
static void root(slk_fr_t *out, const slk_ntt_t *ntt, uint64_t exponent)
{
    uint64_t low = exponent & ((UINT64_C(1) << ntt->low_bits) - 1);
    slk_fr_mul(out, &ntt->low[low], &ntt->high[exponent >> ntt->low_bits]);
}

/* The same of omega^-1. */
static void root_inverse(slk_fr_t *out, const slk_ntt_t *ntt, uint64_t exponent)
{
    root(out, ntt, exponent ? slk_ntt_size(ntt) - exponent : 0);
}

/* The layers in as few passes as tiles allow, of equal widths or nearly. The pass of stride 1 takes
 * its lanes from different blocks, the others from neighbours: 3 layers at least in either case. */
static void plan(slk_ntt_t *ntt)
{
    if (ntt->log_n < 2 * LOG_LANES)
        return;
    unsigned passes = (ntt->log_n + SLK_NTT_TILE_LOG - 1) / SLK_NTT_TILE_LOG, done = 0;
    ntt->passes = passes < 2 ? 2 : passes;
    for (unsigned i = 0; i < ntt->passes; i++) {
        unsigned k = (ntt->log_n - done + ntt->passes - i - 1) / (ntt->passes - i);
        ntt->pass[i] = (slk_ntt_pass_t){.k = k, .log_stride = done};
        done += k;
    }
}

static unsigned widest(const slk_ntt_t *ntt)
{
    unsigned k = 0;
    for (unsigned i = 0; i < ntt->passes; i++)
        k = ntt->pass[i].k > k ? ntt->pass[i].k : k;
    return k;
}

static void fill_powers(slk_fr_t *out, const slk_fr_t *ratio, size_t cnt)
{
    slk_fr_from_u64(&out[0], 1);
    for (size_t i = 1; i < cnt; i++)
        slk_fr_mul(&out[i], &out[i - 1], ratio);
}

static slk_err_t make_rows(slk_ntt_t *ntt, slk_diag_t *diag)
{
    unsigned k = widest(ntt);
    size_t cnt = (size_t)1 << k;
    slk_fr_t *down = malloc(cnt * sizeof *down), *up = malloc(cnt * sizeof *up);
    ntt->down_rows = malloc(cnt * ntt->kernel->row);
    ntt->up_rows = malloc(cnt * ntt->kernel->row);
    slk_err_t err = SLK_OK;
    if (!down || !up || !ntt->down_rows || !ntt->up_rows) {
        err = slk_fail(diag, SLK_ERR_NOMEM,
                       "no memory for the factors of a transform of 2^%u points", ntt->log_n);
        goto out;
    }
    slk_fr_from_u64(&down[0], 1);
    up[0] = down[0];
    for (unsigned layer = 0; layer < k; layer++)
        for (uint64_t j = 0; j < UINT64_C(1) << layer; j++) {
            size_t at = ((size_t)1 << layer) + j;
            root(&up[at], ntt, j << (ntt->log_n - layer - 1));
            root_inverse(&down[at], ntt, reverse(j, layer) << (ntt->log_n - layer - 1));
        }
    ntt->kernel->make_rows(ntt->down_rows, down, cnt);
    ntt->kernel->make_rows(ntt->up_rows, up, cnt);
out:
    free(down);
    free(up);
    return err;
}

slk_err_t slk_ntt_new(slk_ntt_t **out, unsigned log_n, slk_diag_t *diag)
{
    SLK_ASSERT(log_n <= SLK_NTT_LOG_MAX);
    *out = NULL;
    slk_ntt_t *ntt = calloc(1, sizeof *ntt);
    if (!ntt)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a transform");
    ntt->log_n = log_n;
    ntt->kernel = kernels[slk_cpu_pick(backends)];
    ntt->low_bits = (log_n + 1) / 2;
    size_t low = (size_t)1 << ntt->low_bits, high = (size_t)1 << (log_n - ntt->low_bits);
    ntt->low = malloc(low * sizeof *ntt->low);
    ntt->high = malloc(high * sizeof *ntt->high);
    if (!ntt->low || !ntt->high) {
        slk_ntt_free(ntt);
        return slk_fail(diag, SLK_ERR_NOMEM,
                        "no memory for the factors of a transform of 2^%u points", log_n);
    }
    slk_fr_t omega, step;
    bool ok = slk_fr_from_node(&omega, &root_of_unity);
    SLK_ASSERT(ok);
    for (unsigned i = log_n; i < SLK_NTT_LOG_MAX; i++)
        slk_fr_sqr(&omega, &omega);
    fill_powers(ntt->low, &omega, low);
    slk_ntt_pow(&step, &omega, low);
    fill_powers(ntt->high, &step, high);
    slk_fr_from_u64(&ntt->inverse_n, UINT64_C(1) << log_n);
    slk_fr_inv(&ntt->inverse_n, &ntt->inverse_n);
    plan(ntt);
    slk_err_t err = ntt->passes ? make_rows(ntt, diag) : SLK_OK;
    if (err != SLK_OK) {
        slk_ntt_free(ntt);
        return err;
    }
    *out = ntt;
    return SLK_OK;
}

void slk_ntt_free(slk_ntt_t *ntt)
{
    if (!ntt)
        return;
    free(ntt->low);
    free(ntt->high);
    free(ntt->down_rows);
    free(ntt->up_rows);
    free(ntt);
}

/* --- Passes ---------------------------------------------------------------------------------- */

/* Working memory of one thread. */
typedef struct {
    atomic_bool busy;
    bool filled; /* tw holds the factors of `key` */
    uint64_t key;
    uint8_t *tile, *tw;
} slot_t;

typedef struct {
    const slk_ntt_t *ntt;
    const slk_job_t *job;
    slk_fr_t *const *a;
    unsigned cnt;
    bool up;
    slk_fr_t coset; /* up: the factor of the points, 1 without coset */
    slk_ntt_pass_t pass;
    slk_fr_t pass_coset; /* coset^(n / 2^(log_stride + k)) */
    slot_t *slots;
    unsigned slot_cnt;
} run_t;

/* Where a tile is, and by what its roots are determined: block (down) or column (up). */
typedef struct {
    uint64_t base, key;
    slk_ntt_stride_t stride;
} place_t;

/* Tiles with the same factors follow each other. */
static place_t place(const run_t *run, uint64_t tile)
{
    slk_ntt_pass_t p = run->pass;
    unsigned log_group = p.log_stride + p.k, log_groups = run->ntt->log_n - log_group;
    if (p.log_stride == 0)
        return (place_t){.base = tile << (log_group + LOG_LANES),
                         .key = run->up ? 0 : tile << LOG_LANES,
                         .stride = {.lane = (size_t)1 << log_group, .element = 1}};
    unsigned log_columns = p.log_stride - LOG_LANES;
    uint64_t group = run->up ? tile & ((UINT64_C(1) << log_groups) - 1) : tile >> log_columns;
    uint64_t column = (run->up ? tile >> log_groups : tile & ((UINT64_C(1) << log_columns) - 1))
                      << LOG_LANES;
    return (place_t){.base = (group << log_group) + column,
                     .key = run->up ? column : group,
                     .stride = {.lane = 1, .element = (size_t)1 << p.log_stride}};
}

static void fill_twiddles(const run_t *run, slot_t *slot, uint64_t key)
{
    const slk_ntt_t *ntt = run->ntt;
    slk_ntt_pass_t p = run->pass;
    slk_fr_t roots[LANES];
    unsigned shift = ntt->log_n - p.log_stride - p.k;
    for (unsigned l = 0; l < LANES; l++) {
        if (run->up) {
            root(&roots[l], ntt, (p.log_stride ? key + l : 0) << shift);
            slk_fr_mul(&roots[l], &roots[l], &run->pass_coset);
        } else {
            uint64_t block = p.log_stride ? key : key + l;
            root_inverse(&roots[l], ntt, reverse(block, shift) << p.log_stride);
        }
    }
    ntt->kernel->twiddles(slot->tw, run->up ? ntt->up_rows : ntt->down_rows, roots, p.k);
    slot->filled = true;
    slot->key = key;
}

static slot_t *take_slot(run_t *run)
{
    for (unsigned i = 0;; i = (i + 1) % run->slot_cnt)
        if (!atomic_exchange_explicit(&run->slots[i].busy, true, memory_order_acquire))
            return &run->slots[i];
}

static void do_tiles(void *ctx, uint64_t begin, uint64_t end)
{
    run_t *run = ctx;
    const slk_ntt_kernel_t *kernel = run->ntt->kernel;
    if (slk_job_cancelled(run->job))
        return;
    slot_t *slot = take_slot(run);
    size_t cnt = (size_t)1 << run->pass.k;
    for (uint64_t tile = begin; tile < end; tile++) {
        place_t at = place(run, tile);
        if (!slot->filled || slot->key != at.key)
            fill_twiddles(run, slot, at.key);
        for (unsigned i = 0; i < run->cnt; i++) {
            slk_fr_t *base = run->a[i] + at.base;
            kernel->load(slot->tile, base, at.stride, cnt);
            (run->up ? kernel->up : kernel->down)(slot->tile, slot->tw, run->pass.k);
            kernel->store(base, at.stride, slot->tile, cnt);
        }
    }
    atomic_store_explicit(&slot->busy, false, memory_order_release);
    slk_progress_add(run->job->progress, (end - begin) * cnt * LANES * run->cnt);
}

static void do_pass(run_t *run, slk_ntt_pass_t pass)
{
    run->pass = pass;
    slk_ntt_pow(&run->pass_coset, &run->coset,
                slk_ntt_size(run->ntt) >> (pass.log_stride + pass.k));
    for (unsigned i = 0; i < run->slot_cnt; i++)
        run->slots[i].filled = false;
    uint64_t tiles = slk_ntt_size(run->ntt) >> (pass.k + LOG_LANES);
    uint64_t grain = tiles / (8 * (uint64_t)run->slot_cnt);
    grain = grain < 1 ? 1 : grain > 64 ? 64 : grain;
    slk_pool_for(run->job->pool, tiles, grain, do_tiles, run);
}

static slk_err_t make_slots(run_t *run, uint8_t **memory, slk_diag_t *diag)
{
    run->slot_cnt = slk_pool_threads(run->job->pool);
    size_t bytes = run->ntt->kernel->vector << widest(run->ntt);
    run->slots = calloc(run->slot_cnt, sizeof *run->slots);
    *memory = aligned_alloc(ALIGN, run->slot_cnt * bytes * 2);
    if (!run->slots || !*memory)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a transform on %u threads: %zu bytes",
                        run->slot_cnt, run->slot_cnt * bytes * 2);
    for (unsigned i = 0; i < run->slot_cnt; i++) {
        run->slots[i].tile = *memory + 2 * i * bytes;
        run->slots[i].tw = run->slots[i].tile + bytes;
    }
    return SLK_OK;
}

/* --- Domains too small for tiles ------------------------------------------------------------- */

static void butterfly(slk_fr_t *x, slk_fr_t *y, const slk_fr_t *w)
{
    slk_fr_t t;
    slk_fr_mul(&t, y, w);
    slk_fr_sub(y, x, &t);
    slk_fr_add(x, x, &t);
}

static void small(const run_t *run, slk_fr_t *a)
{
    const slk_ntt_t *ntt = run->ntt;
    uint64_t n = slk_ntt_size(ntt);
    for (unsigned i = 0; i < ntt->log_n; i++) {
        unsigned layer = i;
        uint64_t blocks = UINT64_C(1) << layer, half = run->up ? blocks : n >> (layer + 1);
        slk_fr_t w, shift;
        slk_ntt_pow(&shift, &run->coset, n >> (layer + 1));
        for (uint64_t x = 0; x < n; x++) {
            if (x & half)
                continue;
            if (run->up) {
                root(&w, ntt, (x & (half - 1)) << (ntt->log_n - layer - 1));
                slk_fr_mul(&w, &w, &shift);
            } else {
                root_inverse(&w, ntt, reverse(x / (2 * half), layer) << (ntt->log_n - layer - 1));
            }
            butterfly(&a[x], &a[x + half], &w);
        }
    }
}

/* --- Transforms ------------------------------------------------------------------------------ */

static slk_err_t cancelled(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_CANCELLED, "interrupted in a transform");
}

static slk_err_t transform(run_t *run, const slk_job_t *job, slk_diag_t *diag)
{
    static const slk_job_t alone;
    const slk_ntt_t *ntt = run->ntt;
    uint8_t *memory = NULL;
    slk_err_t err = SLK_OK;
    SLK_ASSERT(run->cnt <= ARRAYS_MAX);
    run->job = job ? job : &alone;
    if (!ntt->passes) {
        for (unsigned i = 0; i < run->cnt; i++)
            small(run, run->a[i]);
        return SLK_OK;
    }
    SLK_TRY(make_slots(run, &memory, diag));
    for (unsigned i = 0; i < ntt->passes && !slk_job_cancelled(job); i++)
        do_pass(run, ntt->pass[run->up ? i : ntt->passes - 1 - i]);
    if (slk_job_cancelled(job))
        err = cancelled(diag);
out:
    free(run->slots);
    free(memory);
    return err;
}

slk_err_t slk_ntt_inverse_reversed(const slk_ntt_t *ntt, slk_fr_t *const *a, unsigned cnt,
                                   const slk_job_t *job, slk_diag_t *diag)
{
    run_t run = {.ntt = ntt, .a = a, .cnt = cnt};
    slk_fr_from_u64(&run.coset, 1);
    return transform(&run, job, diag);
}

slk_err_t slk_ntt_forward_reversed(const slk_ntt_t *ntt, slk_fr_t *const *a, unsigned cnt,
                                   bool coset, const slk_job_t *job, slk_diag_t *diag)
{
    run_t run = {.ntt = ntt, .a = a, .cnt = cnt, .up = true};
    slk_fr_from_u64(&run.coset, coset ? 7 : 1);
    return transform(&run, job, diag);
}

slk_err_t slk_ntt_forward(const slk_ntt_t *ntt, slk_fr_t *a, bool coset, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_err_t err = slk_ntt_reverse(a, ntt->log_n, job, diag);
    if (err != SLK_OK)
        return err;
    return slk_ntt_forward_reversed(ntt, &a, 1, coset, job, diag);
}

slk_err_t slk_ntt_inverse(const slk_ntt_t *ntt, slk_fr_t *a, bool coset, const slk_job_t *job,
                          slk_diag_t *diag)
{
    slk_fr_t generator, ratio;
    slk_err_t err = SLK_OK;
    slk_ntt_coset(&generator, &ratio);
    if (!coset)
        slk_fr_from_u64(&ratio, 1);
    SLK_TRY(slk_ntt_inverse_reversed(ntt, &a, 1, job, diag));
    SLK_TRY(slk_ntt_reverse(a, ntt->log_n, job, diag));
    SLK_TRY(slk_ntt_scale(ntt, a, &ntt->inverse_n, &ratio, job, diag));
out:
    return err;
}
