#include "crypto/sha256/sha256.h"

#include "base/assert.h"
#include "base/cpu.h"
#include "crypto/sha256/sha256_bench.h"
#include "crypto/sha256/sha256_impl.h"

#include <string.h>

/* --- Back ends, best first ------------------------------------------------------------------ */

#if defined(__x86_64__)
#define X86(...) __VA_ARGS__
#else
#define X86(...)
#endif

static const slk_cpu_t stream_rows[] = {X86(SLK_CPU_SHANI, SLK_CPU_AVX2, ) SLK_CPU_PORTABLE};
static slk_sha256_blocks_fn *const stream_fns[SLK_CPU_CNT] = {
    X86([SLK_CPU_SHANI] = slk_sha256_blocks_shani, [SLK_CPU_AVX2] = slk_sha256_blocks_avx2, )
        [SLK_CPU_PORTABLE] = slk_sha256_blocks_portable,
};

static const slk_cpu_t pairs_rows[] = {X86(SLK_CPU_AVX512, SLK_CPU_SHANI, SLK_CPU_AVX2, )
                                           SLK_CPU_PORTABLE};
static const struct {
    slk_sha256_pairs_fn *run;
    size_t lanes;
} pairs_fns[SLK_CPU_CNT] = {
    X86([SLK_CPU_AVX512] = {slk_sha256_pairs_avx512, 32},
        [SLK_CPU_SHANI] = {slk_sha256_pairs_shani, 1},
        [SLK_CPU_AVX2] = {slk_sha256_pairs_avx2,
                          8}, )[SLK_CPU_PORTABLE] = {slk_sha256_pairs_portable, 1},
};

/* What is left over after full lanes. */
static const slk_cpu_t single_rows[] = {X86(SLK_CPU_SHANI, ) SLK_CPU_PORTABLE};
enum { LANES_MAX = 32 };

static const slk_cpu_t label_rows[] = {X86(SLK_CPU_SHANI, SLK_CPU_AVX512, SLK_CPU_AVX2, )
                                           SLK_CPU_PORTABLE};
static slk_label_run_fn *const label_fns[SLK_CPU_CNT] = {
    X86([SLK_CPU_SHANI] = slk_label_run_shani, [SLK_CPU_AVX512] = slk_label_run_avx512,
        [SLK_CPU_AVX2] = slk_label_run_avx2, )[SLK_CPU_PORTABLE] = slk_label_run_portable,
};

const slk_cpu_t *slk_sha256_backends_stream(void)
{
    return stream_rows;
}
const slk_cpu_t *slk_sha256_backends_pairs(void)
{
    return pairs_rows;
}
const slk_cpu_t *slk_sha256_backends_label(void)
{
    return label_rows;
}

/* --- One stream ----------------------------------------------------------------------------- */

void slk_sha256_blocks(uint32_t h[8], const uint8_t *blocks, size_t cnt)
{
    stream_fns[slk_cpu_pick(stream_rows)](h, blocks, cnt);
}

void slk_sha256_init(slk_sha256_t *sha)
{
    memcpy(sha->h, slk_sha256_iv, sizeof sha->h);
    sha->len = 0;
}

void slk_sha256_update(slk_sha256_t *sha, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t used = sha->len % 64;
    sha->len += len;
    if (used) {
        size_t part = len < 64 - used ? len : 64 - used;
        if (part)
            memcpy(sha->buf + used, p, part);
        if (used + part < 64)
            return;
        slk_sha256_blocks(sha->h, sha->buf, 1);
        p += part;
        len -= part;
    }
    if (len >= 64)
        slk_sha256_blocks(sha->h, p, len / 64);
    if (len % 64)
        memcpy(sha->buf, p + (len - len % 64), len % 64);
}

void slk_sha256_final(slk_sha256_t *sha, slk_node_t *out)
{
    uint8_t end[128] = {0};
    size_t used = sha->len % 64, blocks = used < 56 ? 1 : 2;
    memcpy(end, sha->buf, used);
    end[used] = 0x80;
    slk_store_be64(end + 64 * blocks - 8, sha->len * 8);
    slk_sha256_blocks(sha->h, end, blocks);
    slk_sha256_store(out, sha->h);
}

void slk_sha256(slk_node_t *out, const void *data, size_t len)
{
    slk_sha256_t sha;
    slk_sha256_init(&sha);
    slk_sha256_update(&sha, data, len);
    slk_sha256_final(&sha, out);
}

/* --- Tree nodes ----------------------------------------------------------------------------- */

void slk_sha256_pairs(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    slk_cpu_t cpu = slk_cpu_pick(pairs_rows), single = slk_cpu_pick(single_rows);
    size_t lanes = pairs_fns[cpu].lanes, rest = cnt % lanes, full = cnt - rest;
    pairs_fns[cpu].run(out, in, full);
    out += full;
    in += 2 * full;
    if (rest < lanes / (single == SLK_CPU_PORTABLE ? 8 : 2)) {
        pairs_fns[single].run(out, in, rest);
        return;
    }
    slk_node_t padded_in[2 * LANES_MAX], padded_out[LANES_MAX];
    memset(padded_in, 0, sizeof padded_in);
    memcpy(padded_in, in, 2 * rest * sizeof *in);
    pairs_fns[cpu].run(padded_out, padded_in, lanes);
    memcpy(out, padded_out, rest * sizeof *out);
}

/* --- Labels --------------------------------------------------------------------------------- */

void slk_label_one(slk_node_t *out, const slk_node_t *replica_id, uint32_t layer, uint64_t node,
                   const slk_node_t *parents, size_t parent_cnt)
{
    uint8_t head[64] = {0};
    slk_sha256_t sha;
    memcpy(head, replica_id, 32);
    slk_store_be32(head + 32, layer);
    slk_store_be64(head + 36, node);
    slk_sha256_init(&sha);
    slk_sha256_update(&sha, head, sizeof head);
    if (parent_cnt)
        slk_sha256_update(&sha, parents, parent_cnt * sizeof *parents);
    slk_sha256_final(&sha, out);
    slk_trunc254(out);
}

void slk_label_run(const slk_label_run_t *run)
{
    SLK_ASSERT(run->layer == 1 || run->prev);
    slk_label_run_t rest = *run;
    if (rest.cnt && rest.first == 0) {
        slk_label_one(&rest.labels[0], rest.replica_id, rest.layer, 0, NULL, 0);
        rest.first++;
        rest.rows++;
        rest.cnt--;
    }
    if (rest.cnt)
        label_fns[slk_cpu_pick(label_rows)](&rest);
}
