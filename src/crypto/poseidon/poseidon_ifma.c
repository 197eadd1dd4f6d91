/* AVX-512 IFMA: the multiply-add of 52-bit factors is one instruction. */

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/poseidon/poseidon_impl.h"

#include <immintrin.h>

#define LANES 8
typedef __m512i vec_t;
typedef __m512i opn_t;

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

typedef uint64_t o_number_t;
#define o_number(x) v_word(x)
#define o_word(x)   v_word(x)
#define o_low(x)    v_and(x, v_word(MASK52))
#define o_vec(a)    (a)

#define v_mac_lo(lo, a, b)  (*(lo) = _mm512_madd52lo_epu64(*(lo), a, b))
#define v_mac_hi(hi, a, b)  (*(hi) = _mm512_madd52hi_epu64(*(hi), a, b))
#define v_mac(lo, hi, a, b) (v_mac_lo(lo, a, b), v_mac_hi(hi, a, b))
#define MAC_LO_BIAS         UINT64_C(0)
#define MAC_HI_BIAS         UINT64_C(0)

#include "crypto/poseidon/poseidon_lanes.h"

size_t slk_poseidon_ifma(slk_node_t *out, const slk_poseidon_form_t *form, uint64_t tag,
                         const slk_node_t *const *in, size_t stride, size_t cnt)
{
    return hash_lanes(out, form, tag, in, stride, cnt);
}
