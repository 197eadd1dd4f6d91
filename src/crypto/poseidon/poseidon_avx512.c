/* AVX-512 without IFMA: double-precision multiply-adds. */

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/poseidon/poseidon_double.h"
#include "crypto/poseidon/poseidon_impl.h"

#include <immintrin.h>

#define LANES 8
typedef __m512i vec_t;
typedef __m512d opn_t;

#define v_add(a, b)            _mm512_add_epi64(a, b)
#define v_sub(a, b)            _mm512_sub_epi64(a, b)
#define v_and(a, b)            _mm512_and_si512(a, b)
#define v_srl(a, bits)         _mm512_srli_epi64(a, bits)
#define v_sra(a, bits)         _mm512_srai_epi64(a, bits)
#define v_sll(a, bits)         _mm512_slli_epi64(a, bits)
#define v_word(x)              _mm512_set1_epi64((long long)(x))
#define v_load(p)              _mm512_loadu_si512(p)
#define v_store(p, x)          _mm512_storeu_si512(p, x)
#define v_if_negative(x, a, b) _mm512_mask_mov_epi64(b, _mm512_movepi64_mask(x), a)

#define ROUND_DOWN _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC

#define o_real(bits) _mm512_castsi512_pd(v_word(bits))
#define o_bits(a)    _mm512_castpd_si512(a)
#define o_word(x)    o_real(x)

typedef double o_number_t;
#define o_number(x) _mm512_set1_pd(x)

/* (x & MASK52) | BITS_2_52 in one instruction, less 2^52. */
static inline opn_t o_low(vec_t x)
{
    vec_t bits =
        _mm512_ternarylogic_epi64(x, v_word((UINT64_C(1) << 52) - 1), v_word(BITS_2_52), 0xea);
    return _mm512_sub_pd(_mm512_castsi512_pd(bits), o_real(BITS_2_52));
}

static inline vec_t o_vec(opn_t a)
{
    return v_sub(o_bits(_mm512_add_pd(a, o_real(BITS_2_52))), v_word(BITS_2_52));
}

static inline opn_t mac_hi(vec_t *hi, opn_t a, opn_t b)
{
    opn_t h = _mm512_fmadd_round_pd(a, b, o_real(BITS_2_104), ROUND_DOWN);
    *hi = v_add(*hi, o_bits(h));
    return h;
}

/* 2^104 + 2^52 */
#define BITS_BOTH (BITS_2_104 + 1)

static inline void v_mac(vec_t *lo, vec_t *hi, opn_t a, opn_t b)
{
    opn_t h = mac_hi(hi, a, b);
    h = _mm512_sub_pd(o_real(BITS_BOTH), h);
    *lo = v_add(*lo, o_bits(_mm512_fmadd_round_pd(a, b, h, ROUND_DOWN)));
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

size_t slk_poseidon_avx512(slk_node_t *out, const slk_poseidon_form_t *form, uint64_t tag,
                           const slk_node_t *const *in, size_t stride, size_t cnt)
{
    return hash_lanes(out, form, tag, in, stride, cnt);
}
