#include "crypto/sha256/sha256_shani.h"

void slk_sha256_blocks_shani(uint32_t h[8], const uint8_t *blocks, size_t cnt)
{
    slk_ni_t s = slk_ni_from_words(h);
    for (; cnt; cnt--, blocks += 64) {
        slk_ni_t before = s;
        __m128i m[4];
#pragma GCC unroll 16
        for (unsigned q = 0; q < 16; q++) {
            if (q < 4)
                m[q] = slk_ni_swap(slk_ni_load(blocks + 16 * q));
            else
                slk_ni_expand(m, q);
            slk_ni_quad(&s, _mm_add_epi32(m[q & 3], slk_ni_k(q)));
        }
        slk_ni_add(&s, &before);
    }
    __m128i abcd, efgh;
    slk_ni_to_words(&s, &abcd, &efgh);
    _mm_storeu_si128((__m128i *)h, abcd);
    _mm_storeu_si128((__m128i *)(h + 4), efgh);
}

/* lanes messages interleaved: one chain of rounds uses half of what the unit can do. */
SLK_NI_INLINE void pairs_group(slk_node_t *out, const slk_node_t *in, unsigned lanes)
{
    slk_ni_t iv = slk_ni_from_words(slk_sha256_iv), s[4], before[4];
    __m128i m[4][4];
    for (unsigned i = 0; i < lanes; i++)
        s[i] = iv;
#pragma GCC unroll 16
    for (unsigned q = 0; q < 16; q++) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < lanes; i++) {
            if (q < 4)
                m[i][q] = slk_ni_swap(slk_ni_load((const uint8_t *)&in[2 * i] + 16 * q));
            else
                slk_ni_expand(m[i], q);
            slk_ni_quad(&s[i], _mm_add_epi32(m[i][q & 3], slk_ni_k(q)));
        }
    }
    for (unsigned i = 0; i < lanes; i++) {
        slk_ni_add(&s[i], &iv);
        before[i] = s[i];
    }
#pragma GCC unroll 16
    for (unsigned q = 0; q < 16; q++) {
        __m128i wk = slk_ni_load(slk_sha256_pad64_wk + 4 * q);
#pragma GCC unroll 4
        for (unsigned i = 0; i < lanes; i++)
            slk_ni_quad(&s[i], wk);
    }
    for (unsigned i = 0; i < lanes; i++) {
        __m128i abcd, efgh;
        slk_ni_add(&s[i], &before[i]);
        slk_ni_to_words(&s[i], &abcd, &efgh);
        _mm_storeu_si128((__m128i *)out[i].b, slk_ni_swap(abcd));
        _mm_storeu_si128((__m128i *)(out[i].b + 16), slk_ni_swap(slk_ni_trunc254(efgh)));
    }
}

void slk_sha256_pairs_shani(slk_node_t *out, const slk_node_t *in, size_t cnt)
{
    for (; cnt >= 4; cnt -= 4, out += 4, in += 8)
        pairs_group(out, in, 4);
    for (; cnt; cnt--, out++, in += 2)
        pairs_group(out, in, 1);
}
