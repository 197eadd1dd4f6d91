#ifndef SLK_CRYPTO_SHA256_X8_H
#define SLK_CRYPTO_SHA256_X8_H

/* 8 lanes: AVX2, with rotations and three-input logic where the including source may use AVX-512VL.
 */

#include "crypto/sha256/sha256_impl.h"

#include <immintrin.h>

typedef __m256i vec_t;
enum { X8 = 8 };

#define v_add(x, y) _mm256_add_epi32(x, y)
#define v_xor(x, y) _mm256_xor_si256(x, y)
#define v_shr(x, n) _mm256_srli_epi32(x, n)
#define v_word(x)   _mm256_set1_epi32((int)(x))

#if defined(__AVX512VL__)
#define v_ror(x, n)        _mm256_ror_epi32(x, n)
#define v_xor3(x, y, z)    _mm256_ternarylogic_epi32(x, y, z, 0x96)
#define v_ch(e, f, g)      _mm256_ternarylogic_epi32(e, f, g, 0xca)
#define v_maj(a, b, c, bc) ((void)(bc), _mm256_ternarylogic_epi32(a, b, c, 0xe8))
#else
#define v_ror(x, n)     _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - (n)))
#define v_xor3(x, y, z) v_xor(v_xor(x, y), z)
#define v_ch(e, f, g)   v_xor(_mm256_and_si256(v_xor(f, g), e), g)
static inline __attribute__((always_inline)) vec_t v_maj(vec_t a, vec_t b, vec_t c, vec_t *bc)
{
    (void)c;
    vec_t ab = v_xor(a, b), out = v_xor(_mm256_and_si256(ab, *bc), b);
    *bc = ab;
    return out;
}
#endif

#include "crypto/sha256/sha256_lanes.h"

/* r[i] lane j becomes r[j] lane i. */
LANES_INLINE void x8_transpose(__m256i r[8])
{
    __m256i s[8], t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        s[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        s[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        t[i] = _mm256_unpacklo_epi64(s[i], s[i + 2]);
        t[i + 1] = _mm256_unpackhi_epi64(s[i], s[i + 2]);
        t[i + 2] = _mm256_unpacklo_epi64(s[i + 1], s[i + 3]);
        t[i + 3] = _mm256_unpackhi_epi64(s[i + 1], s[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x31);
    }
}

/* 8 words of a message, swapped from memory order. */
LANES_INLINE __m256i x8_load(const void *p)
{
    return _mm256_shuffle_epi8(_mm256_loadu_si256(p), _mm256_broadcastsi128_si256(_mm_set_epi64x(
                                                          0x0c0d0e0f08090a0b, 0x0405060700010203)));
}

LANES_INLINE void x8_store(void *p, __m256i v)
{
    v = _mm256_shuffle_epi8(
        v, _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203)));
    _mm256_storeu_si256(p, v);
}

LANES_INLINE void x8_iv(vec_t s[8])
{
    for (int i = 0; i < 8; i++)
        s[i] = v_word(slk_sha256_iv[i]);
}

/* W + K of 8 blocks: word t of lane i in wk[t][i]. */
LANES_INLINE void x8_expand(uint32_t wk[64][X8], vec_t w[16])
{
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++)
        _mm256_store_si256((__m256i *)wk[j], v_add(w[j], v_word(slk_sha256_k[j])));
    for (int t = 16; t < 64; t += 16) {
#pragma GCC unroll 16
        for (int j = 0; j < 16; j++)
            _mm256_store_si256((__m256i *)wk[t + j],
                               v_add(LANES_EXPAND(w, j), v_word(slk_sha256_k[t + j])));
    }
}

#endif /* SLK_CRYPTO_SHA256_X8_H */
