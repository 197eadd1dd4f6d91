#ifndef SLK_CRYPTO_SHA256_SHANI_H
#define SLK_CRYPTO_SHA256_SHANI_H

/* SHA-NI steps shared by the streams and the labels. A state is kept as the instructions want it:
 * abef and cdgh, highest word first. A quad is 4 rounds, W + K of which fill one register. */

#include "crypto/sha256/sha256_impl.h"

#include <immintrin.h>

typedef struct {
    __m128i abef, cdgh;
} slk_ni_t;

#define SLK_NI_INLINE static inline __attribute__((always_inline))

SLK_NI_INLINE __m128i slk_ni_load(const void *p)
{
    return _mm_loadu_si128(p);
}

/* Swap the bytes of each word: memory and message words. */
SLK_NI_INLINE __m128i slk_ni_swap(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

SLK_NI_INLINE __m128i slk_ni_k(unsigned quad)
{
    return slk_ni_load(slk_sha256_k + 4 * quad);
}

SLK_NI_INLINE slk_ni_t slk_ni_from_words(const uint32_t h[8])
{
    __m128i cdab = _mm_shuffle_epi32(slk_ni_load(h), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(slk_ni_load(h + 4), 0x1b);
    return (slk_ni_t){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

/* abcd and efgh in memory order of words. */
SLK_NI_INLINE void slk_ni_to_words(const slk_ni_t *s, __m128i *abcd, __m128i *efgh)
{
    __m128i feba = _mm_shuffle_epi32(s->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(s->cdgh, 0xb1);
    *abcd = _mm_blend_epi16(feba, dchg, 0xf0);
    *efgh = _mm_alignr_epi8(dchg, feba, 8);
}

SLK_NI_INLINE __m128i slk_ni_trunc254(__m128i efgh)
{
    return _mm_and_si128(efgh, _mm_set_epi32((int)0xffffff3f, -1, -1, -1));
}

SLK_NI_INLINE void slk_ni_quad(slk_ni_t *s, __m128i wk)
{
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

SLK_NI_INLINE void slk_ni_add(slk_ni_t *s, const slk_ni_t *t)
{
    s->abef = _mm_add_epi32(s->abef, t->abef);
    s->cdgh = _mm_add_epi32(s->cdgh, t->cdgh);
}

/* Words of quad q from the 4 quads before it; m[q & 3] is replaced. */
SLK_NI_INLINE void slk_ni_expand(__m128i m[4], unsigned q)
{
    __m128i w9 = _mm_alignr_epi8(m[(q + 3) & 3], m[(q + 2) & 3], 4);
    __m128i part = _mm_add_epi32(_mm_sha256msg1_epu32(m[q & 3], m[(q + 1) & 3]), w9);
    m[q & 3] = _mm_sha256msg2_epu32(part, m[(q + 3) & 3]);
}

#endif /* SLK_CRYPTO_SHA256_SHANI_H */
