#ifndef SLK_CRYPTO_FFT_WORDS_H
#define SLK_CRYPTO_FFT_WORDS_H

/* Elements of 8 lanes as four vectors of 64-bit words, with AVX-512 F. */

#include "crypto/fr/fr.h"

#include <immintrin.h>

static inline __attribute__((always_inline)) void gather_words(__m512i out[4], const slk_fr_t *p,
                                                               size_t lane)
{
    __m512i v[4];
    for (unsigned i = 0; i < 4; i++) { /* lanes i and i + 4 */
        __m256i low = _mm256_loadu_si256((const void *)(p + i * lane));
        __m256i high = _mm256_loadu_si256((const void *)(p + (i + 4) * lane));
        v[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    __m512i a = _mm512_unpacklo_epi64(v[0], v[1]), b = _mm512_unpackhi_epi64(v[0], v[1]);
    __m512i c = _mm512_unpacklo_epi64(v[2], v[3]), d = _mm512_unpackhi_epi64(v[2], v[3]);
    /* a: word 0 of lanes 0 1, word 2 of lanes 0 1, then of lanes 4 5. */
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    out[0] = _mm512_permutex2var_epi64(a, even, c);
    out[1] = _mm512_permutex2var_epi64(b, even, d);
    out[2] = _mm512_permutex2var_epi64(a, odd, c);
    out[3] = _mm512_permutex2var_epi64(b, odd, d);
}

static inline __attribute__((always_inline)) void scatter_words(slk_fr_t *p, size_t lane,
                                                                const __m512i in[4])
{
    __m512i v[4];
    __m512i a = _mm512_unpacklo_epi64(in[0], in[1]), b = _mm512_unpackhi_epi64(in[0], in[1]);
    __m512i c = _mm512_unpacklo_epi64(in[2], in[3]), d = _mm512_unpackhi_epi64(in[2], in[3]);
    /* a: words 0 1 of lanes 0, 2, 4, 6; b: of the odd ones. */
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    v[0] = _mm512_permutex2var_epi64(a, even, c);
    v[1] = _mm512_permutex2var_epi64(b, even, d);
    v[2] = _mm512_permutex2var_epi64(a, odd, c);
    v[3] = _mm512_permutex2var_epi64(b, odd, d);
    for (unsigned i = 0; i < 4; i++) {
        _mm256_storeu_si256((void *)(p + i * lane), _mm512_castsi512_si256(v[i]));
        _mm256_storeu_si256((void *)(p + (i + 4) * lane), _mm512_extracti64x4_epi64(v[i], 1));
    }
}

#endif /* SLK_CRYPTO_FFT_WORDS_H */
