#include "crypto/sha256/sha256_impl.h"

#include <immintrin.h>

/* Groups of 16 lanes that run side by side: more to do while results are on their way. */
enum { GROUPS = 2, X16 = 16 };

typedef struct {
    __m512i g[GROUPS];
} vec_t;

#define V_INLINE static inline __attribute__((always_inline))
#define V_EACH   _Pragma("GCC unroll 2") for (int i = 0; i < GROUPS; i++)

V_INLINE vec_t v_add(vec_t x, vec_t y)
{
    V_EACH x.g[i] = _mm512_add_epi32(x.g[i], y.g[i]);
    return x;
}
#define V_LOGIC(name, code)                                                                        \
    V_INLINE vec_t name(vec_t x, vec_t y, vec_t z)                                                 \
    {                                                                                              \
        V_EACH x.g[i] = _mm512_ternarylogic_epi32(x.g[i], y.g[i], z.g[i], code);                   \
        return x;                                                                                  \
    }
V_LOGIC(v_xor3, 0x96)
V_LOGIC(v_ch, 0xca)
V_LOGIC(v_maj3, 0xe8)
V_INLINE vec_t v_word(uint32_t word)
{
    vec_t x;
    V_EACH x.g[i] = _mm512_set1_epi32((int)word);
    return x;
}
/* Macros: the count must be a constant of the instruction, also where nothing is inlined. */
#define V_BY(op, x, n)                                                                             \
    ({                                                                                             \
        vec_t by_ = (x);                                                                           \
        V_EACH by_.g[i] = op(by_.g[i], n);                                                         \
        by_;                                                                                       \
    })
#define v_shr(x, n)        V_BY(_mm512_srli_epi32, x, n)
#define v_ror(x, n)        V_BY(_mm512_ror_epi32, x, n)
#define v_maj(a, b, c, bc) ((void)(bc), v_maj3(a, b, c))
#define v_xor(a, b)        (a)

#include "crypto/sha256/sha256_lanes.h"

V_INLINE __m512i swap(__m512i v)
{
    return _mm512_shuffle_epi8(
        v, _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203)));
}

/* r[4q + k], k < 4, become: in 128-bit lane l, word 4l + k of messages 4q .. 4q + 3. */
V_INLINE void transpose4(__m512i r[4])
{
    __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    r[0] = _mm512_unpacklo_epi64(a, c);
    r[1] = _mm512_unpackhi_epi64(a, c);
    r[2] = _mm512_unpacklo_epi64(b, d);
    r[3] = _mm512_unpackhi_epi64(b, d);
}

/* Words of 16 messages of 64 bytes. */
V_INLINE void load(vec_t w[16], int g, const slk_node_t *in)
{
    __m512i r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = swap(_mm512_loadu_si512(&in[2 * i]));
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4)
        transpose4(r + i);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        __m512i a = _mm512_shuffle_i32x4(r[k], r[4 + k], 0x44);
        __m512i b = _mm512_shuffle_i32x4(r[k], r[4 + k], 0xee);
        __m512i c = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0x44);
        __m512i d = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0xee);
        w[k].g[g] = _mm512_shuffle_i32x4(a, c, 0x88);
        w[4 + k].g[g] = _mm512_shuffle_i32x4(a, c, 0xdd);
        w[8 + k].g[g] = _mm512_shuffle_i32x4(b, d, 0x88);
        w[12 + k].g[g] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
}

/* Digests of 16 messages: lane l of x[k], y[k] is the first and second half of digest 4l + k. */
V_INLINE void store(slk_node_t *out, const vec_t s[8], int g)
{
    __m512i x[4] = {s[0].g[g], s[1].g[g], s[2].g[g], s[3].g[g]};
    __m512i y[4] = {s[4].g[g], s[5].g[g], s[6].g[g], s[7].g[g]};
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    transpose4(x);
    transpose4(y);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k += 2) {
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            __m512i idx = half ? high : low;
            __m512i a = swap(_mm512_permutex2var_epi64(x[k], idx, y[k]));
            __m512i b = swap(_mm512_permutex2var_epi64(x[k + 1], idx, y[k + 1]));
            slk_node_t *to = out + 8 * half + k;
            _mm512_storeu_si512(to, _mm512_shuffle_i64x2(a, b, 0x44));
            _mm512_storeu_si512(to + 4, _mm512_shuffle_i64x2(a, b, 0xee));
        }
    }
}

void slk_sha256_pairs_avx512(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    for (; cnt; cnt -= GROUPS * X16, out += GROUPS * X16, in += 2 * GROUPS * X16) {
        vec_t w[16], s[8];
        for (int g = 0; g < GROUPS; g++)
            load(w, g, in + 2 * X16 * g);
        for (int i = 0; i < 8; i++)
            s[i] = v_word(slk_sha256_iv[i]);
        lanes_block(s, w);
        lanes_block_same(s, slk_sha256_pad64_wk);
        for (int g = 0; g < GROUPS; g++) {
            s[7].g[g] = _mm512_and_si512(s[7].g[g], _mm512_set1_epi32((int)0xffffff3f));
            store(out + X16 * g, s, g);
        }
    }
}
