/* AVX2 and FMA: double-precision multiply-adds in four lanes, the rounding mode set around them. */

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/poseidon/poseidon_double.h"
#include "crypto/poseidon/poseidon_impl.h"

#include <immintrin.h>

#define LANES 4
typedef __m256i vec_t;
typedef __m256d opn_t;

#define v_add(a, b)    _mm256_add_epi64(a, b)
#define v_sub(a, b)    _mm256_sub_epi64(a, b)
#define v_and(a, b)    _mm256_and_si256(a, b)
#define v_srl(a, bits) _mm256_srli_epi64(a, bits)
#define v_sll(a, bits) _mm256_slli_epi64(a, bits)
#define v_word(x)      _mm256_set1_epi64x((long long)(x))
#define v_load(p)      _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define v_store(p, x)  _mm256_storeu_si256((__m256i *)(void *)(p), x)
/* The blend looks at the sign alone. */
#define v_if_negative(x, a, b)                                                                     \
    _mm256_castpd_si256(                                                                           \
        _mm256_blendv_pd(_mm256_castsi256_pd(b), _mm256_castsi256_pd(a), _mm256_castsi256_pd(x)))

#define o_real(bits) _mm256_castsi256_pd(v_word(bits))
#define o_bits(a)    _mm256_castpd_si256(a)
#define o_word(x)    o_real(x)

typedef double o_number_t;
#define o_number(x) _mm256_set1_pd(x)

/* There is no arithmetic shift of 64-bit lanes: shift x + 2^63. */
static inline vec_t v_sra(vec_t x, int bits)
{
    vec_t shifted = v_srl(v_add(x, v_word(UINT64_C(1) << 63)), bits);
    return v_sub(shifted, v_word((UINT64_C(1) << 63) >> bits));
}

static inline opn_t o_low(vec_t x)
{
    vec_t bits = _mm256_or_si256(v_and(x, v_word((UINT64_C(1) << 52) - 1)), v_word(BITS_2_52));
    return _mm256_sub_pd(_mm256_castsi256_pd(bits), o_real(BITS_2_52));
}

static inline vec_t o_vec(opn_t a)
{
    return v_sub(o_bits(_mm256_add_pd(a, o_real(BITS_2_52))), v_word(BITS_2_52));
}

static inline opn_t mac_hi(vec_t *hi, opn_t a, opn_t b)
{
    opn_t h = _mm256_fmadd_pd(a, b, o_real(BITS_2_104));
    *hi = v_add(*hi, o_bits(h));
    return h;
}

/* 2^104 + 2^52 */
#define BITS_BOTH (BITS_2_104 + 1)

static inline void v_mac(vec_t *lo, vec_t *hi, opn_t a, opn_t b)
{
    opn_t h = mac_hi(hi, a, b);
    h = _mm256_sub_pd(o_real(BITS_BOTH), h);
    *lo = v_add(*lo, o_bits(_mm256_fmadd_pd(a, b, h)));
}

static inline void v_mac_lo(vec_t *lo, opn_t a, opn_t b)
{
    vec_t ignored = v_word(0);
    v_mac(lo, &ignored, a, b);
}

static inline void v_mac_hi(vec_t *hi, opn_t a, opn_t b)
{
    mac_hi(hi, a, b);
}

#include "crypto/poseidon/poseidon_lanes.h"

size_t slk_poseidon_avx2(slk_node_t *out, const slk_poseidon_form_t *form, uint64_t tag,
                         const slk_node_t *const *in, size_t stride, size_t cnt)
{
    unsigned mode = _mm_getcsr();
    _mm_setcsr((mode & ~(unsigned)_MM_ROUND_MASK) | _MM_ROUND_TOWARD_ZERO | _MM_MASK_MASK);
    size_t done = hash_lanes(out, form, tag, in, stride, cnt);
    _mm_setcsr(mode);
    return done;
}
