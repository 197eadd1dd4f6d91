/* AVX-512 without 52-bit products of integers: 8 lanes. The default rounding is to the nearest. */

#include "crypto/fft/fft_words.h"

#include <immintrin.h>

#define WIDTH             8
#define V(op)             _mm512_##op
#define WORDS_AS_REALS(x) _mm512_castsi512_pd(x)
#define REALS_AS_WORDS(x) _mm512_castpd_si512(x)
#define AND(a, b)         _mm512_and_si512(a, b)
#define JOIN_DIGIT(x)                                                                              \
    WORDS_AS_REALS(_mm512_ternarylogic_epi64(x, word(MASK52), word(LOW_BITS), 0xea))
#define FMADD_DOWN(a, b, c)                                                                        \
    _mm512_fmadd_round_pd(a, b, c, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define ROUND(x)           _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define NEGATIVE(x, a)     _mm512_maskz_mov_epi64(_mm512_movepi64_mask(x), a)
#define HOLD(x, y)         __asm__("" : "+v"(x), "+v"(y))
#define GATHER             gather_words
#define SCATTER            scatter_words
#define ROUNDED_DOWN(call) call
#define KERNEL             slk_ntt_avx512

#define _mm512_set1_epi64x _mm512_set1_epi64

typedef __m512d reals_t;
typedef __m512i words_t;

#include "crypto/fft/fft_double.h"
