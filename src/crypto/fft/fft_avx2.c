/* AVX2: twice 4 lanes. */

#include "crypto/fft/fft.h"

#include <immintrin.h>

#define WIDTH               4
#define V(op)               _mm256_##op
#define WORDS_AS_REALS(x)   _mm256_castsi256_pd(x)
#define REALS_AS_WORDS(x)   _mm256_castpd_si256(x)
#define AND(a, b)           _mm256_and_si256(a, b)
#define JOIN_DIGIT(x)       WORDS_AS_REALS(_mm256_or_si256(AND(x, word(MASK52)), word(LOW_BITS)))
#define FMADD_DOWN(a, b, c) _mm256_fmadd_pd(a, b, c) /* within ROUNDED_DOWN */
#define ROUND(x)            _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define NEGATIVE(x, a)      AND(a, _mm256_cmpgt_epi64(_mm256_setzero_si256(), x))
#define HOLD(x, y)          __asm__("" : "+x"(x), "+x"(y))
#define GATHER              gather_words
#define SCATTER             scatter_words
#define KERNEL              slk_ntt_avx2

/* No operation on what is in memory passes a change of the control register. */
#define ROUNDED_DOWN(call)                                                                         \
    do {                                                                                           \
        const unsigned before = _mm_getcsr();                                                      \
        set_control((before & ~(unsigned)_MM_ROUND_MASK) | _MM_ROUND_DOWN);                        \
        call;                                                                                      \
        set_control(before);                                                                       \
    } while (0)

typedef __m256d reals_t;
typedef __m256i words_t;

static inline void set_control(unsigned control)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(control) : "memory");
}

static inline __attribute__((always_inline)) void transpose(__m256i out[4], const __m256i in[4])
{
    __m256i a = _mm256_unpacklo_epi64(in[0], in[1]), b = _mm256_unpackhi_epi64(in[0], in[1]);
    __m256i c = _mm256_unpacklo_epi64(in[2], in[3]), d = _mm256_unpackhi_epi64(in[2], in[3]);
    out[0] = _mm256_permute2x128_si256(a, c, 0x20);
    out[1] = _mm256_permute2x128_si256(b, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, c, 0x31);
    out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

static inline __attribute__((always_inline)) void gather_words(__m256i out[4], const slk_fr_t *p,
                                                               size_t lane)
{
    __m256i v[4];
    for (unsigned i = 0; i < 4; i++)
        v[i] = _mm256_loadu_si256((const void *)(p + i * lane));
    transpose(out, v);
}

static inline __attribute__((always_inline)) void scatter_words(slk_fr_t *p, size_t lane,
                                                                const __m256i in[4])
{
    __m256i v[4];
    transpose(v, in);
    for (unsigned i = 0; i < 4; i++)
        _mm256_storeu_si256((void *)(p + i * lane), v[i]);
}

#include "crypto/fft/fft_double.h"
